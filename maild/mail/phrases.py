"""Which of many phrases may a text hold? Told by its words, so that most texts cost one look."""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Final, Generic, TypeVar

_WORD: Final = re.compile(r"\w+")
_LETTERS: Final = re.compile(r"[^\W\d]+")


def _lower(kept: re.Pattern[str]) -> bytes:
    """Make the table that brings octets of ASCII to lower case, and to blanks what is not kept."""
    return bytes(
        ord(chr(code).lower()) if kept.match(chr(code)) else ord(" ") for code in range(256)
    )


_LOWER_WORDS: Final = _lower(_WORD)
_LOWER_LETTERS: Final = _lower(_LETTERS)


def words_of(text: str) -> list[str]:
    """Give the words of a text in order, in lower case."""
    if text.isascii():  # three times as fast as the pattern, which says the same
        return text.encode().translate(_LOWER_WORDS).decode().split()
    return _WORD.findall(text.lower())


def letters_of(text: str) -> list[str]:
    """Give the words of a text without their digits, in order, in lower case: "sev" of "SEV2"."""
    if text.isascii():
        return text.encode().translate(_LOWER_LETTERS).decode().split()
    return _LETTERS.findall(text.lower())


_Kind = TypeVar("_Kind", bound=Hashable)


class Kinds(Generic[_Kind]):
    """Tells cheaply what a text may be about: the kinds of which it has all words of a phrase.

    Digits do not count: "SEV2" is worth a look for "sev".
    """

    def __init__(self, phrases: Mapping[_Kind, Iterable[str]]) -> None:
        pairs = {(frozenset(letters_of(p)), kind) for kind, ps in phrases.items() for p in ps}
        common = Counter(word for needed, _ in pairs for word in needed)
        index: dict[str, list[tuple[frozenset[str], _Kind]]] = {}
        for needed, kind in pairs:
            telling = max(needed, key=lambda word: (len(word), -common[word], word), default="")
            index.setdefault(telling, []).append((needed, kind))
        self.always = frozenset(kind for _, kind in index.pop("", ()))
        self.index, self.telling = index, frozenset(index)

    def of(self, text: str) -> set[_Kind]:
        """Give the kinds that a text may be about."""
        words = letters_of(text)
        kinds = set(self.always)
        if told := self.telling.intersection(words):
            all_words = set(words)
            for word in told:
                for needed, kind in self.index[word]:
                    if needed <= all_words:
                        kinds.add(kind)
        return kinds


class Sieve:
    """Tells which of many phrases, lower case, a text holds.

    A phrase may end within a word, "confidentiel" in "confidentielle", but its other words are whole.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        index: dict[str, list[str]] = {}
        for phrase in phrases:
            whole = _WORD.findall(phrase)[: -1 if phrase[-1:].isalnum() else None]
            index.setdefault(max(whole, key=len, default=""), []).append(phrase)
        self.index, self.telling = index, frozenset(index)

    def held_by(self, text: str) -> frozenset[str]:
        """Give the phrases that a text, lower case, holds."""
        told = self.telling.intersection(["", *words_of(text)])
        return frozenset(p for word in told for p in self.index[word] if p in text)
