"""The sentences that give a title to somebody: "I am IC", "Bob takes over as IC", "IC -> Bob".

Patterns are compiled when a sentence first has their words: most mails name no scribe.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from maild.mail.phrases import Kinds
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


@dataclass(frozen=True)
class _Form:
    """A form of sentence. pattern: its group is the name; without one it names the author.

    words: the phrases one of which stands in each such sentence. planned: whether it may lie ahead.
    """

    words: Iterable[str]
    pattern: str
    planned: bool = False

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern, compiled."""
        return re.compile(self.pattern, re.I)


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
        self.person, self.commander, self.titles = person, others is not None, tuple(titles)
        # What may follow "IC Bob" where nothing stands between the two.
        self.ends = rf"(?=[|,;/·•.\n]|$|\s(?:{grammar.join}|{grammar.prepositions}|{alternatives(others or ())})\b|\s(?:#|-{{1,2}}\s|–\s))"
        named = alternatives(self.titles)
        self.title = rf"(?:{named})(?:\s*\((?:{named})\))?(?![\w-])"
        self.modifier = rf"(?:(?:{alternatives(rules.commander.modifiers)})\s+){{0,5}}"
        self.me = my_names(rules.names.self)
        self.now_me = rf"[,;]\s*(?:{alternatives(rules.sentences.now_is)})\s+(?:{self.me})"

    @cached_property
    def forms(self) -> tuple[_Form, ...]:
        """The forms of sentence that give this title."""
        if not self.commander:
            return (*self._mine(), *self._others())
        return (*self._mine(), *self._others(), *self._of_command(), *self._handoffs())

    @cached_property
    def told(self) -> Kinds[int]:
        """The forms whose words a sentence has, by their places."""
        return Kinds({i: form.words for i, form in enumerate(self.forms)})

    def _mine(self) -> tuple[_Form, ...]:
        """List the sentences that name the author: "I am IC", "IC is me", "me as IC"."""
        words = self.words
        said = rf"(?:{alternatives(words.copulas)})(?:\s+(?:{alternatives(words.adverbs)}))?"
        return (
            _Form(
                (*words.i_am, *words.i_am_first),
                rf"(?:(?<!\w)(?:{alternatives(words.i_am)})|(?:^|[.,;:!?(\n]\s*)(?:{alternatives(words.i_am_first)}))"
                rf"\s+{self.modifier}{self.title}",
            ),
            _Form(
                words.i_also,
                rf"(?<!\w)(?:{alternatives(words.i)})\b[^.,;:!?]{{0,60}}?\b(?:{self.grammar.join})\s+"
                rf"(?:{alternatives(words.i_also)})\s+{self.modifier}{self.title}",
            ),
            _Form(
                self.rules.names.self,
                rf"(?<![\w-]){self.title}\s*(?:{said}|{alternatives(words.adverbs)}|=)\s*:?\s*(?:{self.me})\b"
                rf"|\b(?:{self.me})\s+(?:{alternatives(words.as_title)})\s+{self.modifier}{self.title}",
            ),
            _Form(
                words.now_is,
                rf"(?<![\w-]){self.title}(?:\s[^.,;:!?]{{1,40}})?{self.now_me}(?=[.,;!\s]*$)",
            ),
        )

    def _others(self) -> tuple[_Form, ...]:
        """List the sentences that name anybody: "Bob is IC", "IC for today is Bob"."""
        words, person, rules = self.words, self.person, self.rules.commander
        become = _with_one_of(rules.becomes_adverbs, rules.becomes)
        adverbs = alternatives(words.adverbs)
        aside = rf"\s*,\s*(?:{alternatives(words.asides)})\s[^,.;:!?()]{{1,60}},"
        apart = rf"(?:{aside}|\s*,?\s+(?:{alternatives(words.relatives)})|\s*,)?"
        return (
            _Form(
                rules.becomes,
                rf"(?<![\w@.-])({person}){apart}\s+(?:{become})\s+{self.modifier}{self.title}",
            ),
            _Form(
                self.titles,
                rf"(?<![\w-]){self.title}(?:\s+(?:{alternatives(words.scope)}))?"
                rf"\s*(?:(?:{alternatives(words.copulas)})\s+(?:(?:{adverbs})\s+)?(?:(?:{alternatives(words.not_but)})\s+)?|(?:{adverbs})\s+|\(\s*)({person}|(?:{self.me})\b)",
            ),
            _Form(
                self.titles,
                rf"(?:^|[|,;/·•]\s*(?:(?:{alternatives(words.under)})\s+)?|::\s*|\n|\.\s+|\d\s+|\s(?:-{{1,2}}|–)\s+){self.modifier}{self.title}\s+({person}|{self.me})\s*{self.ends}",
            ),
        )

    def _of_command(self) -> tuple[_Form, ...]:
        """List what is said of a commander alone: arrows, "X takes over", "handled by X (IC)"."""
        words, person, title = self.words, self.person, self.title
        old, new = alternatives(self.grammar.old), alternatives(self.grammar.new)
        return (
            _Form(
                self.titles,
                rf"(?<![\w-]){title}\s*(?:(?:{alternatives(words.duties)}):?\s*)?"
                rf"(?:(?:(?:{alternatives(words.auxiliaries)})\s+)?(?:{alternatives(words.moves)})\s+)?(?:(?:{old})\s+)?"
                rf"(?:{person}\s*)?(?:\s+(?:{new})\s+|\s*(?:-{{1,2}}>|=>|→)\s*)({person})",
            ),
            _Form(
                words.makes,
                rf"\b(?:{alternatives(words.makes)})\s+({person})\s+(?:(?:{alternatives(words.as_title)})\s+)?{self.modifier}{title}",
            ),
            _Form(
                self.titles,
                rf"(?<!\w)(?-i:[a-z][\w']*)\s+({person})\s*\(\s*(?:(?:{alternatives(words.as_title)})\s+)?{self.modifier}{title}\s*\)",
            ),
            _Form(
                words.takes_command,
                rf"(?<![\w@.-])({person})\s+(?:{alternatives(words.takes_command)})(?!\w)",
            ),
            _Form(
                words.i_not,
                rf"(?<!\w)(?:{alternatives(words.i_not)})\s+{self.modifier}{title}\s*[,;]\s*({person})\s+(?:{alternatives(words.copulas)})(?=[.,;!\s]*$)",
            ),
        )

    def _handoffs(self) -> tuple[_Form, ...]:
        """List the handoffs that may lie ahead: "handing over to Bob"."""
        words, person, title = self.words, self.person, self.title
        old, new = alternatives(self.grammar.old), alternatives(self.grammar.new)
        between = alternatives(words.gives_words)
        handoff = self.rules.commander.handoff
        return (
            _Form(
                handoff,
                rf"(?<!\w)(?:{alternatives(handoff)})\s+({person})",
                planned=True,
            ),
            _Form(
                words.gives,
                rf"(?<!\w)(?:{alternatives(words.gives)})\s+(?:(?:{between}|{title})\s+){{0,6}}?(?:{title})\s+(?:(?:{between})\s+){{0,3}}"
                rf"(?:(?:{old})\s+{person}\s+)?(?:{new})\s+({person})",
                planned=True,
            ),
        )

    @cached_property
    def planned(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """What says that a handoff is done, and what says that it lies ahead."""
        words = self.words
        at_once, planned = alternatives(words.at_once), alternatives(words.planned)
        return (
            re.compile(rf"\s*(?:{alternatives(words.done)})", re.I),
            re.compile(rf"\s*,?\s+(?!(?:{at_once})\b)(?:{planned})\b", re.I),
        )

    def find(self, plain: str) -> Iterator[Given]:
        """List the titles that a sentence gives, in no order; the cues over them are not looked at."""
        for i in sorted(self.told.of(plain)):
            form = self.forms[i]
            for match in candidates(form.compiled, plain):
                if form.compiled.groups == 0:
                    yield Given(match.start(), match.end(), None, match.start())
                elif not (form.planned and self._lies_ahead(plain, match)):
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
