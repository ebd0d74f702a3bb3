"""A time bar for HTML: an incident's severity over a period, in coloured cells with words beside."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from maild.incident.digest import Digest, Story
from maild.letters.layout import colour, span

# In per cent: the least that can be seen, however short a span was; the least that holds its number.
_LEAST = 3
_NARROW = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its share of the width in per cent, its colour, its number; "" and "" is not open."""

    share: int
    colour: str
    number: str


def bar(story: Story, told: Digest, when: Callable[[datetime], str]) -> Mapping[str, object]:
    """Give the cells of a period, where it begins and ends, and the same in words."""
    return {
        "cells": _whole(list(_cells(story, told))),
        "words": ", ".join(
            f"severity {_number(part.severity)} for {span(part.end - part.begin)}"
            for part in story.course
        ),
        "since": when(told.since),
        "until": when(told.until),
    }


def _cells(story: Story, told: Digest) -> Iterator[tuple[float, int | None, bool]]:
    """Give the shares of the period, open or not, without a gap."""
    whole = (told.until - told.since).total_seconds() or 1.0
    at = told.since
    for part in story.course:
        if part.begin > at:
            yield (part.begin - at).total_seconds() / whole, None, False
        yield (part.end - part.begin).total_seconds() / whole, part.severity, True
        at = part.end
    if at < told.until:
        yield (told.until - at).total_seconds() / whole, None, False


def _whole(parts: list[tuple[float, int | None, bool]]) -> list[Cell]:
    """Round to whole per cent that make up a hundred; the widest cell takes what is left over."""
    shares = [max(_LEAST, round(share * 100)) for share, _, _ in parts]
    if not shares:
        return []
    widest = shares.index(max(shares))
    shares[widest] = max(_LEAST, shares[widest] + 100 - sum(shares))
    return [
        Cell(
            share,
            colour(severity) if is_open else "",
            _number(severity) if is_open and share >= _NARROW else "",
        )
        for share, (_, severity, is_open) in zip(shares, parts, strict=True)
    ]


def _number(severity: int | None) -> str:
    return "?" if severity is None else str(severity)
