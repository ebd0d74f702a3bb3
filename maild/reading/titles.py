"""The sentences that give a title to somebody: "I am IC", "Bob takes over as IC", "IC -> Bob".

Patterns are compiled when a mail first needs them: most mails name no scribe.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from maild.reading.grammar import Grammar, alternatives, candidates
from maild.reading.rules import PeopleRules

# Holds the place of a pattern among letters; no rule file has it.
_GAP = "\ue000"


@dataclass(frozen=True, slots=True)
class Given:
    """A title given to somebody in sentence[start:end].

    name: as written, None for the author ("I am IC"). name_at: where the name stands.
    """

    start: int
    end: int
    name: str | None
    name_at: int


class TitlePatterns:
    """The sentences that give a title to somebody."""

    def __init__(
        self,
        rules: PeopleRules,
        grammar: Grammar,
        person: str,
        titles: Iterable[str],
        *,
        others: Iterable[str] | None = None,
    ) -> None:
        """others: the labels that may follow a commander's name; None for another role."""
        self.rules, self.words, self.grammar = rules, rules.sentences, grammar
        self.person, self.commander = person, others is not None
        # What may follow "IC Bob" where nothing stands between the two.
        self.ends = rf"(?=[|,;/·•.\n]|$|\s(?:{grammar.join}|{grammar.prepositions}|{alternatives(others or ())})\b|\s(?:#|-{{1,2}}\s|–\s))"
        named = alternatives(titles)
        self.title = rf"(?:{named})(?:\s*\((?:{named})\))?(?![\w-])"
        self.modifier = rf"(?:(?:{alternatives(rules.commander.modifiers)})\s+){{0,5}}"
        self.me = my_names(rules.names.self)
        self.now_me = rf"[,;]\s*(?:{alternatives(rules.sentences.now_is)})\s+(?:{self.me})"

    @cached_property
    def mine(self) -> tuple[re.Pattern[str], ...]:
        """The sentences that name the author: "I am IC", "IC is me", "me as IC"."""
        words = self.words
        said = rf"(?:{alternatives(words.copulas)})(?:\s+(?:{alternatives(words.adverbs)}))?"
        return (
            _compiled(
                rf"(?:(?<!\w)(?:{alternatives(words.i_am)})|(?:^|[.,;:!?(\n]\s*)(?:{alternatives(words.i_am_first)}))"
                rf"\s+{self.modifier}{self.title}",
            ),
            _compiled(
                rf"(?<!\w)(?:{alternatives(words.i)})\b[^.,;:!?]{{0,60}}?\b(?:{self.grammar.join})\s+"
                rf"(?:{alternatives(words.i_also)})\s+{self.modifier}{self.title}"
            ),
            _compiled(
                rf"(?<![\w-]){self.title}\s*(?:{said}|{alternatives(words.adverbs)}|=)\s*:?\s*(?:{self.me})\b"
                rf"|\b(?:{self.me})\s+(?:{alternatives(words.as_title)})\s+{self.modifier}{self.title}"
            ),
            _compiled(
                rf"(?<![\w-]){self.title}(?:\s[^.,;:!?]{{1,40}})?{self.now_me}(?=[.,;!\s]*$)"
            ),
        )

    @cached_property
    def others(self) -> tuple[re.Pattern[str], ...]:
        """The sentences that name anybody: "Bob is IC", "IC for today is Bob"."""
        words, person = self.words, self.person
        rules = self.rules.commander
        become = _with_one_of(rules.becomes_adverbs, rules.becomes)
        adverbs = alternatives(words.adverbs)
        aside = rf"\s*,\s*(?:{alternatives(words.asides)})\s[^,.;:!?()]{{1,60}},"
        apart = rf"(?:{aside}|\s*,?\s+(?:{alternatives(words.relatives)})|\s*,)?"
        found = (
            _compiled(
                rf"(?<![\w@.-])({person}){apart}\s+(?:{become})\s+{self.modifier}{self.title}",
            ),
            _compiled(
                rf"(?<![\w-]){self.title}(?:\s+(?:{alternatives(words.scope)}))?"
                rf"\s*(?:(?:{alternatives(words.copulas)})\s+(?:(?:{adverbs})\s+)?(?:(?:{alternatives(words.not_but)})\s+)?|(?:{adverbs})\s+|\(\s*)({person}|(?:{self.me})\b)",
            ),
            _compiled(
                rf"(?:^|[|,;/·•]\s*(?:(?:{alternatives(words.under)})\s+)?|::\s*|\n|\.\s+|\d\s+|\s(?:-{{1,2}}|–)\s+){self.modifier}{self.title}\s+({person}|{self.me})\s*{self.ends}",
            ),
        )
        return (*found, *self.of_command) if self.commander else found

    @cached_property
    def of_command(self) -> tuple[re.Pattern[str], ...]:
        """What is said of a commander alone: handoffs, arrows, "IC Kevin"."""
        words, person, title = self.words, self.person, self.title
        old, new = alternatives(self.grammar.old), alternatives(self.grammar.new)
        title_moves = _compiled(
            rf"(?<![\w-]){title}\s*(?:(?:{alternatives(words.duties)}):?\s*)?"
            rf"(?:(?:(?:{alternatives(words.auxiliaries)})\s+)?(?:{alternatives(words.moves)})\s+)?(?:(?:{old})\s+)?"
            rf"(?:{person}\s*)?(?:\s+(?:{new})\s+|\s*(?:-{{1,2}}>|=>|→)\s*)({person})",
        )
        made = _compiled(
            rf"\b(?:{alternatives(words.makes)})\s+({person})\s+(?:(?:{alternatives(words.as_title)})\s+)?{self.modifier}{title}",
        )
        remarked = _compiled(
            rf"(?<!\w)(?-i:[a-z][\w']*)\s+({person})\s*\(\s*(?:(?:{alternatives(words.as_title)})\s+)?{self.modifier}{title}\s*\)",
        )
        takes = _compiled(
            rf"(?<![\w@.-])({person})\s+(?:{alternatives(words.takes_command)})(?!\w)"
        )
        not_i = _compiled(
            rf"(?<!\w)(?:{alternatives(words.i_not)})\s+{self.modifier}{title}\s*[,;]\s*({person})\s+(?:{alternatives(words.copulas)})(?=[.,;!\s]*$)",
        )
        return (title_moves, made, remarked, takes, not_i)

    @cached_property
    def handoffs(self) -> tuple[re.Pattern[str], ...]:
        """The handoffs that may lie ahead: "handing over to Bob"."""
        words, person, title = self.words, self.person, self.title
        old, new = alternatives(self.grammar.old), alternatives(self.grammar.new)
        between = alternatives(words.gives_words)
        return (
            _compiled(
                rf"(?<!\w)(?:{alternatives(self.rules.commander.handoff)})\s+({person})",
            ),
            _compiled(
                rf"(?<!\w)(?:{alternatives(words.gives)})\s+(?:(?:{between}|{title})\s+){{0,6}}?(?:{title})\s+(?:(?:{between})\s+){{0,3}}"
                rf"(?:(?:{old})\s+{person}\s+)?(?:{new})\s+({person})",
            ),
        )

    @cached_property
    def planned(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """What says that a handoff is done, and what says that it lies ahead."""
        words = self.words
        return (
            _compiled(rf"\s*(?:{alternatives(words.done)})"),
            _compiled(
                rf"\s*,?\s+(?!(?:{alternatives(words.at_once)})\b)(?:{alternatives(words.planned)})\b"
            ),
        )

    def find(self, plain: str) -> Iterator[Given]:
        """List the titles that a sentence gives, in no order; the cues over them are not looked at."""
        for mine in self.mine:
            for match in candidates(mine, plain):
                yield Given(match.start(), match.end(), None, match.start())
        for pattern in self.others:
            for match in candidates(pattern, plain):
                yield Given(match.start(), match.end(), match[1], match.start(1))
        for pattern in self.handoffs if self.commander else ():
            for match in candidates(pattern, plain):
                if not self._lies_ahead(plain, match):
                    yield Given(match.start(), match.end(), match[1], match.start(1))

    def renews(self, words: str) -> bool:
        """Whether the words of a title say who had it before: "(Ben was) IC, now it is me"."""
        return re.search(rf"{self.now_me}$", words, re.I) is not None

    def _lies_ahead(self, plain: str, match: re.Match[str]) -> bool:
        """Whether a handoff lies ahead: "handing over to Bob at 18:00"."""
        done, ahead = self.planned
        return not done.match(match[0]) and ahead.match(plain, match.end()) is not None


def my_names(words: Iterable[str]) -> str:
    """Make the alternatives for "me"; a single letter ("I") is more often an initial."""
    return alternatives(word for word in words if len(word) > 1)


def _with_one_of(adverbs: Iterable[str], phrases: Iterable[str]) -> str:
    """Make the alternatives of phrases with an adverb behind the first word: "has kindly agreed"."""
    gap = rf"\s+(?:(?:{alternatives(adverbs)})\s+)?"
    return alternatives(phrase.replace(" ", _GAP, 1) for phrase in phrases).replace(_GAP, gap)


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.I)
