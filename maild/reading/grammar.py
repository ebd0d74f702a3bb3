"""The small words of a language, compiled: what ends a sentence, joins values, moves them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from maild.reading.rules import GrammarRules

# The marks at which a clause ends.
MARKS: Final = r"[;,()–|•·\[\]]|\s[/-]\s"
# So many candidates are looked at in one sentence; nobody who writes to people gets there.
MAX_CANDIDATES: Final = 20


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
    label_suffix: re.Pattern[str]
    join: str
    articles: str
    prepositions: str
    conditions: str
    abbreviations: frozenset[str]
    numbering: frozenset[str]
    open_ended: frozenset[str]
    boundary: re.Pattern[str]
    second: re.Pattern[str]
    to_value: re.Pattern[str]
    from_value: re.Pattern[str]

    def abbreviates(self, text: str, following: str) -> bool:
        """Whether the period that ends a text belongs to its last word: "e.g.", "J.", "no." of "no. 3"."""
        word = "".join(text[:-1].replace("(", " ").rsplit(None, 1)[-1:]).lower()
        if word in self.numbering:
            return following[:1].isdigit()
        return (len(word) == 1 and word.isalpha()) or word in self.abbreviations

    def runs_on(self, line: str) -> bool:
        """Whether a line ends in the middle of something: "severity is", "channel:"."""
        last = line.split()[-1] if line.strip() else "|"
        return last[-1] in ",:-–/|" or last.rpartition("(")[2].lower() in self.open_ended


def compiled_grammar(rules: GrammarRules) -> Grammar:
    """Compile the grammar of a rule set, once."""
    sentence, value = rules.sentence, rules.value
    articles = alternatives(sentence.articles)
    conjunctions = alternatives(sentence.conjunctions)
    article = rf"\s*(?:(?:{articles})\s*)?"
    later, each, join = map(alternatives, (value.later, value.each, sentence.joins))
    second = (
        rf"[^\n.;]{{0,40}}?[,;]\s*(?:{later})\s+(?P<later>\d)(?=\s*(?:[;!)\n]|[.,](?!\d)|$))"
        rf"|\s+(?:{each})\s[^,;.\n]{{1,40}}?[,;]?\s+(?:(?:{join})\s+)?(?P<each>\d)\s+(?:{each})\s"
    )
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
        label_suffix=re.compile(rf"\s(?:{alternatives(sentence.label_suffixes)})$"),
        join=alternatives(sentence.joins),
        articles=articles,
        prepositions=alternatives(sentence.prepositions),
        conditions=alternatives(sentence.conditions),
        abbreviations=frozenset(word.rstrip(".") for word in sentence.abbreviations),
        numbering=frozenset(word.rstrip(".") for word in sentence.numbering),
        open_ended=frozenset(sentence.open_ended),
        boundary=re.compile(rf"{MARKS}|(?<!\w)(?:{conjunctions})(?!\w)", re.I),
        second=re.compile(second, re.I),
        to_value=re.compile(rf"\b(?:{alternatives(value.new)}){article}$", re.I),
        from_value=re.compile(rf"\b(?:{alternatives(value.old)}){article}$", re.I),
    )


def candidates(pattern: re.Pattern[str], sentence: str) -> Iterator[re.Match[str]]:
    """List the first places of a sentence where a pattern matches, MAX_CANDIDATES at the most."""
    return islice(pattern.finditer(sentence), MAX_CANDIDATES)


def alternatives(words: Iterable[str]) -> str:
    """Make a regular expression of phrases, longest first; it matches nothing where there is none.

    A blank matches any white space, "..." up to 40 characters of the same clause, "#" a number.
    Common beginnings are shared: 200 phrases side by side would be tried one by one at each place.
    """
    tree: _Tree = {}
    for word in words:
        node = tree
        for piece in _PIECE.findall(word):
            node = node.setdefault(_PATTERNS.get(piece, re.escape(piece)), {})
        node[""] = {}
    return _branches(tree) if tree else "(?!)"


_Tree = dict[str, "_Tree"]
_PIECE: Final = re.compile(r"\.{3}|.", re.S)
_PATTERNS: Final = {" ": r"\s+", "#": r"\d+", "...": "[^.,;]{1,40}?"}


def _branches(tree: _Tree) -> str:
    """Write a tree of phrases; the end of one comes last, so that the longest matches."""
    ends = "" in tree
    branches = [piece + _branches(node) for piece, node in tree.items() if piece]
    if len(branches) == 1 and not ends:
        return branches[0]
    return f"(?:{'|'.join(branches)}){'?' * ends}" if branches else ""
