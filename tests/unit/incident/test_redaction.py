"""Whether a text quotes another: by runs of words, however they are wrapped."""

from maild.incident.redaction import quotes, runs_of

TEXT = "The password of the primary is rumpelstiltskin, please tell nobody."


def test_a_quotation_is_known_however_it_is_wrapped() -> None:
    assert quotes(
        "> The password of the primary is\n> rumpelstiltskin,\n> please tell", runs_of(TEXT)
    )


def test_a_few_words_in_common_are_no_quotation() -> None:
    assert not quotes("The password of the secondary is fine, please tell Ana.", runs_of(TEXT))


def test_a_text_of_two_words_is_found_as_a_whole() -> None:
    assert quotes("he wrote: open sesame!", runs_of("Open sesame"))
    assert not quotes("he wrote: open it", runs_of("Open sesame"))


def test_an_empty_text_is_quoted_by_nobody() -> None:
    assert not quotes("anything", runs_of(""))
