"""The small words of a language, compiled: what ends a sentence, joins values, moves them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from maild.reading.rules import GrammarRules


@dataclass(frozen=True, slots=True)
class Grammar:
    """The compiled `rules/grammar.toml`; the sets are of single words, lower case."""

    joins: frozenset[str]
    history: frozenset[str]
    fillers: frozenset[str]
    changed: frozenset[str]
    old: frozenset[str]
    new: frozenset[str]
    current: frozenset[str]
    steady: frozenset[str]
    numbers: Mapping[str, int]
    label_prefixes: tuple[str, ...]
    join: str
    articles: str
    prepositions: str
    conditions: str
    abbreviated: re.Pattern[str]
    open_ended: re.Pattern[str]
    boundary: re.Pattern[str]
    to_value: re.Pattern[str]


def compiled_grammar(rules: GrammarRules) -> Grammar:
    """Compile the grammar of a rule set, once."""
    sentence, value = rules.sentence, rules.value
    articles = alternatives(sentence.articles)
    abbreviations = alternatives(word.rstrip(".") for word in sentence.abbreviations)
    conjunctions = alternatives(sentence.conjunctions)
    return Grammar(
        joins=frozenset(sentence.joins),
        history=frozenset(value.history),
        fillers=frozenset(value.fillers),
        changed=frozenset(value.changed),
        old=frozenset(value.old),
        new=frozenset(value.new),
        current=frozenset(value.current),
        steady=frozenset(value.steady),
        numbers=rules.numbers,
        label_prefixes=tuple(f"{word} " for word in sentence.label_prefixes),
        join=alternatives(sentence.joins),
        articles=articles,
        prepositions=alternatives(sentence.prepositions),
        conditions=alternatives(sentence.conditions),
        abbreviated=re.compile(rf"(?:^|[\s(])(?:[^\W\d_]|{abbreviations})\.$", re.I),
        open_ended=re.compile(
            rf"(?:^|[\s,(])(?:{alternatives(sentence.open_ended)})[,:]?\s*$|[,:\-–/|]\s*$", re.I
        ),
        boundary=re.compile(rf"[;,()–|•·\[\]]|\s-\s|\s/\s|(?<!\w)(?:{conjunctions})(?!\w)", re.I),
        to_value=re.compile(rf"\b(?:{alternatives(value.new)})\s*(?:(?:{articles})\s*)?$", re.I),
    )


def alternatives(words: Iterable[str]) -> str:
    """Make a regular expression of phrases, longest first; it matches nothing where there is none.

    A blank matches any white space, "..." up to 40 characters of the same clause, "#" a number.
    """
    ordered = sorted(set(words), key=len, reverse=True)
    return "|".join(_pattern(word) for word in ordered) or "(?!)"


def _pattern(word: str) -> str:
    pattern = re.escape(word).replace(r"\ ", r"\s+").replace("\\'", "'")
    return pattern.replace(r"\.\.\.", "[^.,;]{1,40}?").replace(r"\#", r"\d+")
