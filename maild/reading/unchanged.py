"""What leaves a field as it is: "severity unchanged", "same IC" (reading rules, section 8.11)."""

import re
from collections.abc import Iterable

from maild.reading.grammar import Grammar, alternatives
from maild.reading.rules import StatementWords


class Unchanged:
    """Finds the fields that a sentence leaves as they are (reading rules, section 8.11)."""

    def __init__(self, words: StatementWords, grammar: Grammar) -> None:
        joined = rf"\s*(?:[,&/]|{grammar.join})\s*"
        self.trigger = (*words.unchanged, *words.unchanged_ahead)
        self.hint = re.compile(
            rf"(?:{alternatives((*words.unchanged, *words.unchanged_ahead))})(?!\w)", re.I
        )
        article = rf"(?:(?:{grammar.articles})\s+)?"
        links = rf"(?:(?:{alternatives(words.unchanged_links)})\s+)*"
        ahead = alternatives(words.unchanged_ahead)
        self.alone = re.compile(
            rf"{links}(?:{alternatives(words.unchanged)})(?:\s+(?:{alternatives(words.unchanged)}))?\W*",
            re.I,
        )
        self.behind = rf"(?:{joined}{article}\w+(?:\s\w+)?){{0,3}}?\s*[:=–-]?\s*{links}(?:{alternatives(words.unchanged)})(?!\w)"
        # "Same severity, phase 2": what has a value of its own is not the same.
        self.valued = (
            rf"[ \t]*[:=]?[ \t]*(?:\d|(?:{alternatives(grammar.numbers)})\b|(?-i:[A-Z][a-z]|@))"
        )
        self.ahead = rf"(?<!\w)(?:{ahead})\s+{article}(?:\w+{joined}(?:(?:{ahead}|{grammar.articles})\s+)*){{0,3}}"

    def of(self, labels: Iterable[str]) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """Give the patterns for a field of these labels: "phase unchanged", "same phase"."""
        names = rf"(?:{alternatives(labels)})"
        return (
            re.compile(rf"(?<![\w-]){names}{self.behind}", re.I),
            re.compile(rf"{self.ahead}{names}(?![\w-])(?!{self.valued})", re.I),
        )
