"""People: the commander and the other roles, behind labels and in sentences.

A name is what a person's name looks like; a statement about a title that is negated, asked for,
offered or in the past names nobody (reading rules, sections 1, 8.1, 8.2, 8.10).
"""

import re
from collections.abc import Iterator

from maild.mail.message import Address
from maild.reading.cues import Cues
from maild.reading.reading import Outcome, Person, Reading, Strength
from maild.reading.rules import PeopleRules
from maild.reading.statements import Labelled, Sentence, alternatives, in_quotes
from maild.reading.titles import TitlePatterns

# Capitals by range: Latin-1, the Latin extensions (small letters too, which does no harm), Greek, Cyrillic.
_UPPER = "A-Z\u00c0-\u00d6\u00d8-\u00de\u0100-\u024f\u0386-\u03ab\u0400-\u042f\u1e00-\u1eff"
_IDEOGRAPH = "\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = rf"(?:[{_UPPER}](?:\.[{_UPPER}])*\.(?!\w)|[{_UPPER}][\w'-]*|[{_IDEOGRAPH}]+)"
_ADDRESS = r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+"
_HANDLE = r"(?<![\w.])@[\w](?:[\w.-]*\w)?"
_ARROW = re.compile(r"\s*(?:-{1,2}>|=>|→)\s*")
_BY_HAND = re.compile(rf"({_ADDRESS})|({_HANDLE})")


class PeopleFinder:
    """Finds people with the words of one rule set."""

    def __init__(self, rules: PeopleRules, cues: Cues) -> None:
        self.rules, self.cues = rules, cues
        names = rules.names
        titles = alternatives(title.rstrip(".") for title in names.titles)
        particles = alternatives(names.particles)
        self.name = rf"(?:(?:{titles})\.?\s+)*(?-i:{_WORD})(?:[ \t]*\n?[ \t]*(?:(?:{particles})\s+){{0,2}}(?-i:{_WORD})){{0,3}}"
        self.person = (
            rf"(?:{_HANDLE}|{_ADDRESS}|{self.name}(?:\s*[<(](?:{_ADDRESS}|{_HANDLE})[>)])?)"
        )
        self.not_names = frozenset(names.not_names)
        self.nobody = frozenset(names.nobody)
        self.self_words = frozenset(names.self)
        self.teams = re.compile(
            rf"(?<![\w-])(?:{alternatives(rules.commander.teams)})(?![\w-])", re.I
        )
        self.title_words = frozenset(t.rstrip(".") for t in names.titles)
        self.particles = frozenset(names.particles)
        self.commander_labels = frozenset(rules.commander.titles)
        self.role_labels = {
            label: role for role, words in rules.roles.items() for label in words.labels
        }
        self.leading = re.compile(rf"^\s*({self.person})", re.I)
        self.role_patterns = {
            role: TitlePatterns(rules.commander, self.person, words.labels, commander=False)
            for role, words in rules.roles.items()
            if role != "experts"
        }
        self.commander_patterns = TitlePatterns(
            rules.commander, self.person, rules.commander.titles, commander=True
        )
        self.trigger = frozenset(
            word for title in rules.commander.titles for word in title.split()
        ) | {"command", "handing", "handed", "hand", "ics"}
        self.role_trigger = frozenset(
            word.lower() for label in self.role_labels for word in re.findall(r"\w+", label)
        )

    # One person behind a label --------------------------------------------------------------

    def commander_in_label(self, item: Labelled, author: Address) -> tuple[list[Reading], int]:
        """Read "IC: ..."; the second is where the value ends in the text."""
        value = _sentence(_first_line(item)[0], self)
        value = re.split(r"\||\s/\s|(?<=[\w.)])\s(?:-{1,2}|–)\s", value, maxsplit=1)[0]
        people = self.one_person(value, author)
        if len(people) == 1:
            value = re.split(r"(?<!^)[,;|]", value, maxsplit=1)[0]
        end = item.start + len(value)
        words = item.text.words(item.at, end).strip()
        return [
            Reading("commander", person, words, Strength.LABEL, item.where, outcome)
            for person, outcome in people
        ], end

    def one_person(self, value: str, author: Address) -> list[tuple[Person | str | None, Outcome]]:
        """Read the value of a label that names one person; two of them are a conflict later on."""
        value = value.strip(" \t\n-–:=*\"'")
        value = re.sub(
            r"\((?:was|formerly|previously|before:?|took over from|from)\s[^)]*\)",
            "",
            value,
            flags=re.I,
        )
        arrow = _ARROW.split(value)
        if len(arrow) > 1:
            value = arrow[-1]
        changed = re.match(
            r"(?:handed\s+(?:over|off)\s+)?from\s+.{1,60}?\s+to\s+(.*)", value, re.I | re.S
        )
        value = changed[1] if changed else value
        value = re.sub(
            r"^(?:now|still|currently|is|is now|again|presently)\s+", "", value.strip(), flags=re.I
        )
        if value.strip(" .,;").lower() in self.nobody or not value.strip(" .,;"):
            return [(None, "missing")]
        if _says_current(value):
            return [(None, "current")]
        parts = self._apart(value)
        return [self._named(part, author) for part in parts] or [(None, "missing")]

    def _apart(self, value: str) -> list[str]:
        """Split "Jane Smith and Bob Lee"; what follows a comma may also be a remark or a title."""
        value = re.sub(
            r"\s*\b(?:until|till|from \d|for now|at the moment|for the time being|since|on call|as of|,?\s+then)\b.*",
            "",
            value,
            flags=re.I | re.S,
        )
        pieces = [p for p in re.split(r"\s*(?:[,;/&]|\band\b|\bor\b|\+)\s*", value) if p.strip()]
        people = [p for p in pieces if self._looks_named(p)]
        if len(people) < 2 and len(pieces) > 1 and self._one_team(value, pieces):
            return [value]
        return people if len(people) > 1 else pieces[:1]

    def _one_team(self, value: str, pieces: list[str]) -> bool:
        """Whether "Trust & Safety team" is one team; "Jane Smith and team" names Jane."""
        joined = re.match(r"\s*(?:[/&+]|and\b|or\b)", value[len(pieces[0]) :]) is not None
        generic = pieces[1].strip(" .").lower() in ("team", "the team", "crew", "co")
        named = _BY_HAND.search(pieces[0]) or pieces[0].strip().lower() in self.self_words
        one_word = len(pieces[0].split()) == 1
        return joined and one_word and not (generic or named) and self._is_team(pieces[1])

    def _looks_named(self, piece: str) -> bool:
        piece = piece.strip(" .")
        if piece.lower() in self.self_words or _BY_HAND.fullmatch(piece):
            return True
        words = re.sub(r"[<(].*", "", piece).split()
        if not 1 <= len(words) <= 4 or words[0].lower() in self.not_names:
            return False
        return re.fullmatch(self.name, " ".join(words), re.I) is not None and not _is_office(piece)

    def _named(self, value: str, author: Address) -> tuple[Person | str | None, Outcome]:
        person = self.parse(value, author)
        said = value.strip(" .,;:")
        if person is None:
            return (said, "invalid") if said else (None, "missing")
        if person.name and self._is_team(said):
            return said, "invalid"
        return person, "value"

    def _is_team(self, said: str) -> bool:
        name = re.split(r"[<(]|\s[-–]\s", said, maxsplit=1)[0]
        return (
            self.teams.search(name) is not None
            or re.match(r"(?:the|our|your|all|whoever)\s", name, re.I) is not None
        )

    def parse(self, value: str, author: Address) -> Person | None:
        """Read one name, handle or address; "me" is the author. None where there is nobody."""
        value = value.strip(" \t\n.,;:*\"'–-").strip()
        if value.lower() in self.self_words or re.match(r"(?:me|myself)\b(?!\s+and)", value, re.I):
            return me(author)
        by_hand = _BY_HAND.search(value)
        address = by_hand[0].rstrip(".") if by_hand else None
        name = re.split(
            r"[<(\[]|\s[-–]\s|,|\bvia\b|\breachable\b|\btel\b|\bphone\b",
            _BY_HAND.sub("", value),
            maxsplit=1,
        )[0]
        name = re.sub(r"\s+", " ", name).strip(" .,;:<>()[]\"'–-")
        full = re.match(rf"\s*({self.name})\s*(?:$|[<(\[@])", value + "\n", re.I)
        if (
            full
            and value[full.end(1) - 1 : full.end(1)] == "."
            and name == re.sub(r"\s+", " ", full[1])[:-1]
        ) or (
            name
            and re.search(rf"(?:^|\s)[{_UPPER}]$", name)
            and f"{name}." in re.sub(r"\s+", " ", value + ".")
        ):
            name += "."
        name = re.sub(r"\s+(?:is|has|will|as|from|at|on|who|in|for)\b.*", "", name)
        if name.lower() in self.nobody:
            name = ""
        return Person(name or None, address) if name or address else None

    # Other roles ----------------------------------------------------------------------------

    def role_in_label(self, item: Labelled, author: Address) -> tuple[Reading | None, int]:
        """Read "Scribe: ..." or a list of experts; None where nobody is named."""
        role = self.role_labels[item.label]
        value = _sentence(_first_line(item)[0], self)
        end = item.start + len(value)
        people = list(self.several(value, author))
        if not people:
            return None, end
        if role != "experts":
            people = people[:1]
        words = item.text.words(item.at, end).strip()
        found: Person | tuple[Person, ...] = tuple(people) if role == "experts" else people[0]
        return Reading(role, found, words, Strength.LABEL, item.where), end

    def several(self, value: str, author: Address) -> Iterator[Person]:
        """Split a list of people at commas, semicolons and "and"."""
        if value.strip(" .,;*").lower() in self.nobody:
            return
        value = re.sub(r"\([^()@]*\)", "", value)
        value = value.partition("|")[0].replace("\n", " ")
        for piece in re.split(r"\s*(?:[,;&]|/(?=\s|[A-Z])|\band\b)\s*", value):
            said = piece.strip(" .,;:–-*")
            if not said or said.lower() in self.nobody or piece.strip() in self.nobody:
                continue
            arrow = _ARROW.split(piece)
            person = self.parse(arrow[-1], author)
            if person is not None:
                yield person

    # Sentences ------------------------------------------------------------------------------

    def commander_in_sentence(self, sentence: Sentence, author: Address) -> Iterator[Reading]:
        """Find who a sentence says is commander."""
        found = [*self._given(self.commander_patterns, sentence, author)]
        for start, end, person in [*found, *self._own_name(sentence, author)]:
            if in_quotes(sentence.plain, start, end) or _owned(sentence.plain, start):
                continue
            kind = self.cues.over("commander", sentence.plain, start, end)
            if kind is None and not _offers(sentence.plain, end):
                words = sentence.words(start, end)
                if person.name and self._is_team(person.name):
                    yield Reading(
                        "commander", person.name, words, Strength.PROSE, sentence.where, "invalid"
                    )
                else:
                    yield Reading("commander", person, words, Strength.PROSE, sentence.where)

    def _own_name(self, sentence: Sentence, author: Address) -> Iterator[tuple[int, int, Person]]:
        """Find "commander ryo tanabe" where that is the author, in whatever letter case."""
        if " " not in author.name:
            return
        own = r"\s+".join(re.escape(part) for part in author.name.split())
        title = alternatives(self.commander_labels)
        pattern = rf"(?:^|[|,;/\n]|\d)\s*(?:{title})\s+{own}\s*(?=[|,;/.\n]|$)"
        for match in re.finditer(pattern, sentence.plain, re.I):
            yield match.start(), match.end(), me(author)

    def roles_in_sentence(self, sentence: Sentence, author: Address) -> Iterator[Reading]:
        """Find who a sentence says is liaison, lead or scribe."""
        for role, patterns in self.role_patterns.items():
            for start, end, person in self._given(patterns, sentence, author):
                if self.cues.over("commander", sentence.plain, start, end) is None:
                    words = sentence.words(start, end)
                    yield Reading(role, person, words, Strength.PROSE, sentence.where)

    def _given(
        self, patterns: TitlePatterns, sentence: Sentence, author: Address
    ) -> Iterator[tuple[int, int, Person]]:
        for given in patterns.find(sentence.plain):
            if given.name is None:
                yield given.start, given.end, me(author)
                continue
            name, at = self.trimmed(given.name, given.name_at)
            person = self.parse(name, author) if name else None
            if person is not None:
                yield at if given.name_at == given.start else given.start, given.end, person

    def trimmed(self, name: str, at: int) -> tuple[str, int]:
        """Take words that begin a sentence ("So", "Update") off the front of a name."""
        while name:
            word = re.match(r"[^\s]+\s*", name)
            if word is None or word[0].strip(" .,'").lower() not in self.not_names:
                break
            name, at = name[word.end() :], at + word.end()
        return name, at


def me(author: Address) -> Person:
    """Give the author as a person (reading rules, section 8.1)."""
    return Person(author.name or None, author.address or None)


def _owned(plain: str, start: int) -> bool:
    """Whether the title is somebody else's: "the fire brigade's commander is Mr Huber"."""
    owner = re.search(r"([\w-]+)'s\s+(?:own\s+)?$", plain[:start])
    return owner is not None and owner[1].lower() not in ("today", "tonight", "incident", "it")


def _offers(plain: str, end: int) -> bool:
    """Whether a condition follows: "I'll be IC if nobody else wants to" is an offer."""
    return re.match(r"[^.;]{0,30}\b(?:if|unless|in case|provided)\b", plain[end:], re.I) is not None


def _says_current(value: str) -> bool:
    return (
        re.match(
            r"(?:unchanged|same(?:\s+as\s+before)?|as before|no change|the same|still the same)\W*$",
            value.strip(),
            re.I,
        )
        is not None
    )


def _is_office(piece: str) -> bool:
    return (
        re.search(
            r"\b(?:head|lead|manager|director|officer|engineer|engineering|operations|ops|it|team|desk|department|cto|ceo|cio|coo|vp|sre|phone|mobile|ext)\b",
            piece,
            re.I,
        )
        is not None
    )


def _first_line(item: Labelled) -> tuple[str, int]:
    """Give the value's line with what runs on into the next, and where that ends in the text."""
    value = item.value
    lead = len(value) - len(value.lstrip(" \t\n"))
    if "\n\n" in value[:lead]:
        return "", item.start
    at = lead
    while True:
        end = value.find("\n", at)
        if end < 0:
            return value, item.end
        line = value[at:end]
        begins = item.text.plain.rfind("\n", 0, item.start + at) + 1
        width = item.start + end - begins
        runs_on = re.search(r"(?:[,;&]|\band)\s*$", line) is not None
        wrapped = width >= 60 and not re.search(r"[.!?]\s*$", line)
        if not (runs_on or wrapped) or not value[end + 1 :].strip():
            return value[:end], item.start + end
        at = end + 1


def _sentence(value: str, finder: PeopleFinder) -> str:
    """Cut a value behind its sentence; the period of an initial or a title does not end it."""
    for match in re.finditer(r"\.(?=\s|$)", value):
        word = re.search(r"([^\s.(]+(?:\.[^\s.(])*)$", value[: match.start()])
        token = (word[1] if word else "").lower()
        if value[: match.start()].split()[-1:] and (
            value[: match.start()].split()[-1].lower() in finder.title_words
        ):
            continue
        following = value[match.end() :].lstrip()
        if len(token) == 1 or token in finder.title_words or re.fullmatch(r"(?:\w\.)+\w", token):
            if not following or following[:1] in ",;(<" or len(token) != 1:
                continue
            if not _begins_sentence(following, finder):
                continue
        return value[: match.start() + (len(token) == 1)]
    return value


def _begins_sentence(following: str, finder: PeopleFinder) -> bool:
    word = re.match(r"[\w'@-]+", following)
    return (
        word is None
        or word[0].lower() in finder.not_names
        or not word[0][:1].isupper()
        or following.count(" ") > 4
    )
