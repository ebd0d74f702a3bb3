"""Which phrases a text may hold."""

import re

from hypothesis import given
from hypothesis import strategies as st

from maild.mail.phrases import Kinds, Sieve, letters_of, words_of


@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_the_words_of_a_text_are_those_that_the_pattern_finds(text: str) -> None:
    assert words_of(text) == re.findall(r"\w+", text.lower())


@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_the_letters_of_a_text_are_its_words_without_digits(text: str) -> None:
    assert letters_of(text) == re.findall(r"[^\W\d]+", text.lower())


def test_a_text_is_of_a_kind_if_it_has_all_words_of_one_of_its_phrases() -> None:
    kinds = Kinds({"who": ["incident commander", "IC"], "how": ["took over from ... as"]})
    assert kinds.of("Our Incident-Commander") == {"who"}
    assert kinds.of("IC2: me") == {"who"}
    assert kinds.of("I took over from Bob as IC") == {"who", "how"}
    assert kinds.of("The incident is over.") == set()
    assert kinds.of("") == set()


def test_a_phrase_without_letters_tells_of_no_text() -> None:
    assert Kinds({"always": ["24/7", "now"], "who": ["ic"]}).of("Round the clock") == {"always"}


def test_a_phrase_may_end_within_a_word_but_does_not_begin_in_one() -> None:
    sieve = Sieve(["external mail", "confidentiel", "to: all", "[caution"])
    assert sieve.held_by("an external mailing") == {"external mail"}
    assert sieve.held_by("une note confidentielle") == {"confidentiel"}
    assert sieve.held_by("[caution] sent to: allies") == {"[caution", "to: all"}
    assert not sieve.held_by("nonexternal mail to all")
