"""People: the commander and the other roles, behind labels and in sentences.

A name is what a person's name looks like; a statement about a title that is negated, asked for,
offered or in the past names nobody (reading rules, sections 1, 8.1, 8.2, 8.10).
"""

import re
from collections.abc import Iterable, Iterator

from maild.mail.message import Address
from maild.reading.cues import Cues
from maild.reading.grammar import Grammar, alternatives, candidates
from maild.reading.presence import Ahead, Presence, team_pattern
from maild.reading.reading import Outcome, Person, Reading, Strength
from maild.reading.rules import PeopleRules
from maild.reading.statements import Labelled, Sentence, first_line, in_quotes
from maild.reading.titles import TitlePatterns, my_names

# Capitals by range: Latin-1, the Latin extensions (small letters too, which does no harm), Greek, Cyrillic.
_UPPER = "A-Z\u00c0-\u00d6\u00d8-\u00de\u0100-\u024f\u0386-\u03ab\u0400-\u042f\u1e00-\u1eff"
_IDEOGRAPH = "\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = rf"(?:[{_UPPER}](?:\.[{_UPPER}])*\.(?!\w)|[{_UPPER}][\w'-]{{0,60}}|[{_IDEOGRAPH}]+)"
# RFC 5321 §4.5.3.1 and RFC 1035 §2.3.4: without these bounds a long word takes quadratic time.
_ADDRESS = r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
_HANDLE = r"(?<![\w.])@[\w](?:[\w.-]*\w)?"
# Words of a name stand apart; were the gap optional, one word could be split in many ways.
_GAP = r"(?:[ \t]++(?:\n[ \t]*+)?|\n[ \t]*+)"
_ARROW = re.compile(r"\s*(?:-{1,2}>|=>|→)\s*")
_BRACKETED = re.compile(r"\s*\(([^()@]{2,60})\)")
_BY_HAND = re.compile(rf"({_ADDRESS})|({_HANDLE})")


class PeopleFinder:
    """Finds people with the words of one rule set."""

    def __init__(self, rules: PeopleRules, cues: Cues, others: Iterable[str] = ()) -> None:
        """others: labels of other fields, which may follow a name at once: "IC Bob phase 1"."""
        self.rules, self.cues = rules, cues
        grammar = cues.grammar
        names = rules.names
        titles = alternatives(title.rstrip(".") for title in names.titles)
        particles = alternatives(names.particles)
        self.name = rf"(?:(?:{titles})\.?\s+)*(?-i:{_WORD})(?:{_GAP}(?:(?:{particles})\s+){{0,2}}(?-i:{_WORD})){{0,3}}"
        self.person = (
            rf"(?:{_HANDLE}|{_ADDRESS}|{self.name}(?:\s*[<(](?:{_ADDRESS}|{_HANDLE})[>)])?)"
        )
        self.whole_name = re.compile(rf"\s*({self.name})\s*(?:$|[<(\[@])", re.I)
        self.not_names = frozenset(names.not_names)
        self.also_names = frozenset(names.also_names)
        self.nobody = frozenset(names.nobody)
        self.self_words = frozenset(names.self)
        self.teams = team_pattern(rules.commander)
        self.title_words = frozenset(t.rstrip(".") for t in names.titles)
        self.particles = frozenset(names.particles)
        self.commander_labels = frozenset(rules.commander.titles)
        self.role_labels = {
            label: role for role, words in rules.roles.items() for label in words.labels
        }
        self.full = re.compile(rf"((?-i:{self.name}))\s+(?!(?:{particles})\s)[a-z]{{2,}}(?:\s|$)")
        self.leading = re.compile(rf"^\s*({self.person})", re.I)
        self.role_patterns = {
            role: TitlePatterns(rules, grammar, self.person, words.labels)
            for role, words in rules.roles.items()
            if role != "experts"
        }
        self.commander_patterns = TitlePatterns(
            rules, grammar, self.person, rules.commander.titles, others=others
        )
        commander = rules.commander
        self.trigger = (*commander.titles, *commander.handoff, *rules.sentences.takes_command)
        self._compile(rules, grammar)

    def _compile(self, rules: PeopleRules, grammar: Grammar) -> None:
        """Compile what stands around a name."""
        names, words = rules.names, rules.sentences
        self.presence = Presence(names, words, grammar)
        me, adverbs = my_names(names.self), (*words.copulas, *words.adverbs)
        gives = rf"(?:{alternatives(words.gives)})(?:\s+(?:{alternatives(words.gives_words)}))*"
        old, new = alternatives(grammar.old), alternatives(grammar.new)
        self.me = re.compile(rf"(?:{me})\b(?!\s+(?:{grammar.join}))", re.I)
        self.formerly = re.compile(rf"\((?:{alternatives(names.formerly)}):?\s[^)]*\)", re.I)
        self.moved = re.compile(
            rf"(?:{gives}\s+)?(?:{old})\s+.{{1,60}}?\s+(?:{new})\s+(.*)", re.I | re.S
        )
        self.adverbs = re.compile(rf"(?:(?:{alternatives(adverbs)})\s+)+", re.I)
        self.remarks = re.compile(rf"\s*\b(?:{alternatives(names.remarks)})\b.*", re.I | re.S)
        self.joins = re.compile(rf"\s*(?:[,;/&+]|\b(?:{grammar.join})\b)\s*", re.I)
        self.lists = re.compile(rf"\s*(?:[,;&]|/(?=\s|[A-Z])|\b(?:{grammar.join})\b)\s*")
        self.runs_on = re.compile(rf"(?:[,;&]|\b(?:{grammar.join}))\s*$")
        self.after = re.compile(rf"\s+(?:{alternatives(names.after)})\b.*")
        self.meantime = re.compile(rf"[\s,;(]*\b(?:{alternatives(names.meantime)})\b", re.I)
        self.apart = re.compile(rf"[<(\[]|\s[-–]\s|,|\b(?:{alternatives(names.contact)})\b")
        self.offices = re.compile(rf"\b(?:{alternatives(names.offices)})\b", re.I)
        possessives = alternatives(words.possessives)
        self.owner = re.compile(rf"(?<![\w-])([\w-]+(?:{possessives}))\s+$", re.I)
        self.ours = frozenset(words.ours)
        self.company = frozenset(rules.commander.company)
        self.grouped = re.compile(rf"\s*(?:[/&+]|(?:{grammar.join})\b)", re.I)
        self.offers = re.compile(rf"[^.;]{{0,30}}\b(?:{grammar.conditions})\b", re.I)

    # One person behind a label --------------------------------------------------------------

    def commander_in_label(
        self, item: Labelled, author: Address, ahead: Ahead
    ) -> tuple[list[Reading], int]:
        """Read "IC: ..."; the second is where the value ends in the text."""
        value = _sentence(first_line(item, self.runs_on), self)
        behind, plain = item.start + len(value), item.text.plain
        value = re.split(r"\||(?<=[\w.)])\s(?:-{1,2}|–)\s", value, maxsplit=1)[0]
        value = self._people_alone(value)
        people = self.one_person(value, author, ahead)
        named = people[0][0]
        left = named not in (None, me(author)) and self.presence.leaves(
            plain, item.start, behind, str(named)
        )
        # "IC (from 18:00): Bob"
        if left or self.presence.begins_later(plain[item.at : item.start], ahead):
            people = [(value.strip(" .,;"), "invalid")]
        if len(people) == 1:
            value = re.split(r"(?<!^)[,;|]", value, maxsplit=1)[0]
        end = item.start + len(value)
        words = item.text.words(item.at, end).strip()
        return [
            Reading("commander", person, words, Strength.LABEL, item.where, outcome)
            for person, outcome in people
        ], end

    def _people_alone(self, value: str) -> str:
        """Cut a value at the first slash that is followed by no person: "me / #inc-1"."""
        for slash in re.finditer(r"\s/\s", value):
            following = re.split(r"\s/\s", value[slash.end() : slash.end() + 100], maxsplit=1)[0]
            if not self._looks_named(following.strip(" .,;")):
                return value[: slash.start()]
        return value

    def one_person(
        self, value: str, author: Address, ahead: Ahead
    ) -> list[tuple[Person | str | None, Outcome]]:
        """Read the value of a label that names one person; two of them are a conflict later on."""
        value = self.presence.until_relieved(value.strip(" \t\n-–:=*\"'"), ahead)
        begins_later = self.presence.begins_later(value, ahead)
        value = self.formerly.sub("", value)
        arrow = _ARROW.split(value)
        if len(arrow) > 1:
            value = arrow[-1]
        changed = self.moved.match(value)
        value = (changed[1] if changed else value).strip()
        adverbs = self.adverbs.match(value)
        value = value[adverbs.end() :] if adverbs else value
        if value.strip(" .,;").lower() in self.nobody or not value.strip(" .,;"):
            return [(None, "missing")]
        if self.cues.unchanged.alone.fullmatch(value.strip()):
            return [(None, "current")]
        halves = self.meantime.split(value)
        if len(halves) == 1 and (begins_later or self.presence.takes_away(value)):
            return [(value.strip(" .,;"), "invalid")]
        parts = [part for half in halves for part in self._apart(half)]
        return [self._named(part, author) for part in parts] or [(None, "missing")]

    def _apart(self, value: str) -> list[str]:
        """Split "Jane Smith and Bob Lee"; what follows a comma may also be a remark or a title.

        "Jane Smith and team" names Jane.
        """
        pieces = [p for p in self.joins.split(self.remarks.sub("", value)) if p.strip()]
        pieces = [p for p in pieces if p == pieces[0] or p.strip(" .").lower() not in self.company]
        people = [p for p in pieces if self._looks_named(p)]
        if len(people) < 2 and len(pieces) > 1 and self._one_team(value, pieces):
            return [value]
        return people if len(people) > 1 else pieces[:1]

    def _one_team(self, value: str, pieces: list[str]) -> bool:
        """Whether "Trust & Safety team" is one team."""
        if " " in pieces[0].strip():
            return False
        if _BY_HAND.search(pieces[0]) or pieces[0].strip().lower() in self.self_words:
            return False
        joined = self.grouped.match(value, len(pieces[0])) is not None
        return joined and self._is_team(pieces[1])

    def _looks_named(self, piece: str) -> bool:
        piece = piece.strip(" .")
        if piece.lower() in self.self_words or _BY_HAND.fullmatch(piece):
            return True
        words = re.sub(r"[<(].*", "", piece).split()
        if not 1 <= len(words) <= 4 or not self._begins_name(words):
            return False
        return re.fullmatch(
            self.name, " ".join(words), re.I
        ) is not None and not self.offices.search(piece)

    def _begins_name(self, words: list[str]) -> bool:
        """Whether the first of some words may be one of a name: "Per" of "Per Holm", not of "per mail"."""
        first = words[0].lower()
        both = len(words) > 1 and words[0][0].isupper() and words[1][0].isupper()
        return first not in self.not_names or (both and first in self.also_names)

    def _named(self, value: str, author: Address) -> tuple[Person | str | None, Outcome]:
        person = self.parse(value, author)
        said = value.strip(" .,;:")
        if person is None or self._is_no_name(person.name or ""):
            return (said, "invalid") if said else (None, "missing")
        if person.name and self._is_team(said):
            return said, "invalid"
        return person, "value"

    def _is_no_name(self, name: str) -> bool:
        """Whether words stand before a name: "not Bob Lee", "ask Bob"; "bob lee" and "de Boer" are names."""
        first, *more = name.split() or [""]
        if not first.islower() or first in self.particles or first.strip(".") in self.title_words:
            return False
        return first in self.not_names or any(word[0].isupper() for word in more)

    def _is_team(self, said: str) -> bool:
        name = self.apart.split(said, maxsplit=1)[0] or said
        return self.teams.search(name) is not None

    def parse(self, value: str, author: Address) -> Person | None:
        """Read one name, handle or address; "me" is the author. None where there is nobody."""
        value = value.strip(" \t\n.,;:*\"'–-?").strip()
        if value.lower() in self.self_words or self.me.match(value):
            return me(author)
        by_hand = _BY_HAND.search(value)
        address = by_hand[0].rstrip(".") if by_hand else None
        name = self.apart.split(_BY_HAND.sub("", value), maxsplit=1)[0]
        if by_hand and not name.strip(" .,;:"):
            name = self._bracketed(value, by_hand)
        name = re.sub(r"\s+", " ", name).strip(" .,;:<>()[]\"'–-")
        full = self.whole_name.match(value + "\n")
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
        name = self._without_remark(self.after.sub("", name))
        if name.lower() in self.nobody:
            name = ""
        return Person(name or None, address) if name or address else None

    def _without_remark(self, name: str) -> str:
        """Cut a full name in front of words that are no part of it: "Ana Ruiz covering"."""
        full = self.full.match(name) if any(map(str.islower, name.split())) else None
        return full[1] if full and " " in full[1] else name

    def _bracketed(self, value: str, by_hand: re.Match[str]) -> str:
        """Give the name in parentheses behind a handle: "@luca (Luca Neri)", but "@luca (payroll)" has none."""
        said = _BRACKETED.match(value, by_hand.end())
        name = said[1] if said and self._looks_named(said[1]) and said[1][0].isupper() else ""
        known = " " in name or (name and name.lower() in by_hand[0].lower())
        return name if known and not self._is_team(name) else ""

    # Other roles ----------------------------------------------------------------------------

    def role_in_label(self, item: Labelled, author: Address) -> tuple[Reading | None, int]:
        """Read "Scribe: ..." or a list of experts; None where nobody is named."""
        role = self.role_labels[item.label]
        value = _sentence(first_line(item, self.runs_on), self)
        end = item.start + len(value)
        people = list(self.several(value, author))
        if not people:
            return None, end
        if role != "experts":
            people = people[:1]
            end = item.start + len(re.split(r"(?<!^)[,;|]", value, maxsplit=1)[0])
        words = item.text.words(item.at, end).strip()
        found: Person | tuple[Person, ...] = tuple(people) if role == "experts" else people[0]
        return Reading(role, found, words, Strength.LABEL, item.where), end

    def several(self, value: str, author: Address) -> Iterator[Person]:
        """Split a list of people at commas, semicolons and "and"."""
        if value.strip(" .,;*").lower() in self.nobody:
            return
        value = re.sub(r"\([^()@]*\)", "", value)
        value = value.partition("|")[0].replace("\n", " ")
        for piece in self.lists.split(value):
            said = piece.strip(" .,;:–-*")
            if not said or said.lower() in self.nobody or piece.strip() in self.nobody:
                continue
            arrow = _ARROW.split(piece)
            person = self.parse(arrow[-1], author)
            if person is not None:
                yield person

    # Sentences ------------------------------------------------------------------------------

    def commander_in_sentence(
        self, sentence: Sentence, author: Address, ahead: Ahead
    ) -> Iterator[Reading]:
        """Find who a sentence says is commander."""
        found = self._given(self.commander_patterns, sentence, author)
        for start, end, person in (*found, *self._own_name(sentence, author)):
            plain = sentence.plain
            if in_quotes(plain, start, end) or self._owned(plain, start):
                continue
            if person != me(author) and (
                self.presence.left(plain, end)
                or self.presence.leaves(
                    sentence.text.plain, sentence.start, sentence.end, str(person)
                )
            ):
                continue
            if self.presence.lies_ahead(plain, start, end, ahead):
                continue
            renewed = self.commander_patterns.renews(sentence.plain[start:end])
            but = "historical" if renewed else ""
            kind = self.cues.over("commander", sentence.plain, start, end, but)
            if kind is None and not self.offers.match(sentence.plain, end):
                words = sentence.words(start, end)
                if person.name and self._is_team(person.name):
                    yield Reading(
                        "commander", person.name, words, Strength.PROSE, sentence.where, "invalid"
                    )
                else:
                    yield Reading("commander", person, words, Strength.PROSE, sentence.where)

    def _own_name(self, sentence: Sentence, author: Address) -> Iterator[tuple[int, int, Person]]:
        """Find "commander ryo tanabe" where that is the author, in whatever letter case."""
        plain = sentence.plain
        first, *more = author.name.lower().split() or [""]
        if not more or first not in plain.lower():
            return
        own = r"\s+".join(re.escape(part) for part in author.name.split())
        title = alternatives(self.commander_labels)
        pattern = rf"(?:^|[|,;/\n]|\d)\s*+(?:{title})\s+{own}\s*{self.commander_patterns.ends}"
        for match in candidates(re.compile(pattern, re.I), plain):
            yield match.start(), match.end(), me(author)

    def _owned(self, plain: str, start: int) -> bool:
        """Whether the title is somebody else's: "the fire brigade's commander is Mr Huber"."""
        owner = self.owner.search(plain, max(0, start - 60), start)
        return owner is not None and owner[1].lower() not in self.ours

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


def _sentence(value: str, finder: PeopleFinder) -> str:
    """Cut a value behind its sentence; the period of an initial or a title does not end it."""
    for match in re.finditer(r"\.(?=\s|$)", value):
        word = re.search(r"([^\s.(]+(?:\.[^\s.(])*)$", value[: match.start()])
        token = (word[1] if word else "").lower()
        if "".join(value[: match.start()].rsplit(None, 1)[-1:]).lower() in finder.title_words:
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
    if word is not None and word[0] in finder.cues.grammar.joins:
        return False
    return (
        word is None
        or word[0].lower() in finder.not_names
        or not word[0][:1].isupper()
        or following.count(" ") > 4
    )
