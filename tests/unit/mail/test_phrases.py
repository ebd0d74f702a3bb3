"""Which phrases a text may hold."""

import re

from hypothesis import given
from hypothesis import strategies as st

from maild.mail.phrases import Sieve, words_of


@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_the_words_of_a_text_are_those_that_the_pattern_finds(text: str) -> None:
    assert words_of(text) == set(re.findall(r"\w+", text.lower()))


def test_a_phrase_may_end_within_a_word_but_does_not_begin_in_one() -> None:
    sieve = Sieve(["external mail", "confidentiel", "to: all", "[caution"])
    assert sieve.held_by("an external mailing") == {"external mail"}
    assert sieve.held_by("une note confidentielle") == {"confidentiel"}
    assert sieve.held_by("[caution] sent to: allies") == {"[caution", "to: all"}
    assert not sieve.held_by("nonexternal mail to all")
