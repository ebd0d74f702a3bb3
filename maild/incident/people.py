"""When two names are one person (reading rules, sections 7a and 8.1)."""

import re
import unicodedata

from maild.reading.reading import Person


def parts_of(name: str) -> frozenset[str]:
    """Give the words of a name, folded: letter case, accents and punctuation do not count."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c)).translate(_FOLDED)
    return frozenset(re.findall(r"\w+", plain)) - _TITLES


_FOLDED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i"})
_TITLES = frozenset({"dr", "mr", "mrs", "ms", "prof"})


def same_person(one: Person, other: Person) -> bool:
    """Whether two mentions may be one person: the same address, or one name is part of the other."""
    if one.address and other.address and not _handle(one.address, other.address):
        return one.address.lower() == other.address.lower()
    if one.name and other.name:
        return _same_name(one.name, other.name)
    return _handle_fits(one, other) or _handle_fits(other, one)


def _handle(one: str, other: str) -> bool:
    return one.startswith("@") != other.startswith("@")


def _same_name(one: str, other: str) -> bool:
    a, b = parts_of(one), parts_of(other)
    if not a or not b:
        return one.casefold() == other.casefold()
    return a <= b or b <= a or _initials_fit(a, b) or _initials_fit(b, a)


def _initials_fit(short: frozenset[str], full: frozenset[str]) -> bool:
    """Whether "Jayla M." may be "Jayla Moore"."""
    rest = short - full
    return bool(short & full) and all(
        len(word) == 1 and any(w.startswith(word) for w in full - short) for word in rest
    )


def _handle_fits(one: Person, other: Person) -> bool:
    """Whether a handle or an address's local part is a part of the other's name or address."""
    if not one.address:
        return False
    handle = parts_of(one.address.lstrip("@").partition("@")[0].replace(".", " ").replace("_", " "))
    name = parts_of(other.name or "")
    if other.address and not name:
        name = parts_of(other.address.lstrip("@").partition("@")[0].replace(".", " "))
    return bool(handle) and handle <= name


def merged(one: Person, other: Person) -> Person:
    """Join two mentions of one person: the fuller name, and an address rather than a handle."""
    names = [name for name in (one.name, other.name) if name]
    name = max(names, key=lambda n: len(n.split())) if names else None
    addresses = [a for a in (one.address, other.address) if a]
    address = next(
        (a for a in addresses if not a.startswith("@")), addresses[0] if addresses else None
    )
    return Person(name, address)
