"""Statements: labels, lines and sentences, and the cues that take a value's force."""

import re

import pytest

from maild.reading.grammar import alternatives, compiled_grammar
from maild.reading.rules import Rules
from maild.reading.statements import Labels, comparable, labelled, paragraphs, sentences

KNOWN = frozenset({"severity", "phase", "customer liaison"})

LABELS = [
    ("Severity: 2", {"severity": "2"}),
    ("severity = 2", {"severity": "2"}),
    ("Severity - 2", {"severity": "2"}),
    ("Severity – 2", {"severity": "2"}),
    ("Severity :: 2", {"severity": "2"}),
    ("**Severity:** 2", {"severity": "2"}),
    ("* Severity: 2", {"severity": "2"}),
    ("1. Severity: 2", {"severity": "2"}),
    ("| Severity | 2 |", {"severity": "2"}),
    ("Severity: 2 | Phase: 1", {"severity": "2", "phase": "1"}),
    ("Severity: 2 · Phase: 1", {"severity": "2", "phase": "1"}),
    ("Severity: 2. Customer liaison: Eva", {"severity": "2", "customer liaison": "Eva"}),
    ("Our current severity: 2", {"severity": "2"}),
    ("Severity for us: 2", {"severity": "2"}),
    ("Severity (1 is the worst): 2", {"severity": "2"}),
    ("Severity.....: 2", {"severity": "2"}),
    ("Vendor severity: 2", {}),
    ("Severity for them: 2", {}),
    ("severity is 2", {}),
    ("Severity", {}),
    ("http://severity: 2", {}),
]


@pytest.mark.parametrize(("line", "values"), LABELS, ids=[row[0] for row in LABELS])
def test_a_label_and_its_value_are_found(line: str, values: dict[str, str], rules: Rules) -> None:
    grammar = compiled_grammar(rules.grammar)
    (text,) = paragraphs([line])
    found = {item.label: item.value for item in labelled(text, Labels(KNOWN), grammar)}
    assert {k: v.strip(" .|·") for k, v in found.items() if k in KNOWN} == values


SENTENCES = [
    ("Orders hang. We look.", ["Orders hang.", "We look."]),
    ("Dr. Silva looks. She is here.", ["Dr. Silva looks.", "She is here."]),
    ("IC is J. Smith", ["IC is J. Smith"]),
    ("Severity 2.5 is none.", ["Severity 2.5 is none."]),
    ("See e.g. Bob. He knows.", ["See e.g. Bob.", "He knows."]),
    ("Orders hang\nWe look", ["Orders hang", "We look"]),
    ("We are in\nphase 2", ["We are in\nphase 2"]),
    ("The bridge is\nRoom 4", ["The bridge is\nRoom 4"]),
    ("What now? We look!", ["What now?", "We look!"]),
    (" . . .", [". .", "."]),
]


@pytest.mark.parametrize(("text", "parts"), SENTENCES, ids=[row[0] for row in SENTENCES])
def test_sentences_end_where_they_end(text: str, parts: list[str], rules: Rules) -> None:
    found = sentences(comparable(text), 0, len(text), compiled_grammar(rules.grammar))
    assert [s.plain.strip() for s in found] == [p.strip() for p in parts]


@pytest.mark.parametrize(
    ("original", "plain"),
    [("“SEV２” — ＳＥＶ", '"SEV2" – SEV'), ("no\u200bbreak\u2011hyphen", "nobreak-hyphen"), ("a → b", "a → b")],
)  # fmt: skip
def test_a_text_is_compared_without_its_dress_and_quoted_with_it(original: str, plain: str) -> None:
    text = comparable(original)
    assert text.plain == plain
    assert text.words(0, len(plain)) == original


PHRASES = [
    (["in a", "in a moment"], "in a moment", "in a moment"),
    (["taken over from ... as"], "taken over from Bob Lee as IC", "taken over from Bob Lee as"),
    (["taken over from ... as"], "taken over from Bob, as IC", None),
    (["in # min"], "in 20 min", "in 20 min"),
    (["in # min"], "in a min", None),
    (["no change"], "no\n  change", "no\n  change"),
    (["a.b", "c+"], "c+", "c+"),
    ([], "anything", None),
]


@pytest.mark.parametrize(("phrases", "text", "match"), PHRASES)
def test_phrases_become_a_pattern_longest_first(
    phrases: list[str], text: str, match: str | None
) -> None:
    found = re.match(alternatives(phrases), text)
    assert (found and found[0]) == match


def test_a_line_of_nothing_but_a_sign_is_no_mistake() -> None:
    (text,) = paragraphs(["The tills are down.", "\U0001f525", ":fire:", "2. phase 1"])
    assert text.plain.split() == ["The", "tills", "are", "down.", "phase", "1"]
