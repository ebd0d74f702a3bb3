"""The record as text: open incidents, one incident, its timeline, what a search has found.

Commands by mail and on the command line print the same, because both print this.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final, Protocol, assert_never

from maild.incident.digest import Digest, History, Line, moves, story_of
from maild.incident.hours import WorkingHours
from maild.incident.model import Happening, Incident, Merged, Voided
from maild.incident.search import Hit
from maild.letters.copy import state
from maild.letters.digest import story_text, text
from maild.letters.layout import WIDTH, fill, one_blank, person, row
from maild.letters.letterhead import Letterhead
from maild.letters.story import line, move_line, standing, when_of
from maild.letters.validation import NAMES
from maild.roster.commands import Brief, DigestOf, Query, Search, Show, Status, Timeline

LATEST: Final = 4
WORDS_INDENT: Final = 8


class Archive(Protocol):
    """What look-ups need of a store."""

    hours: WorkingHours

    def incidents(self) -> Sequence[Incident]:
        """List the open incidents."""
        ...

    def history(self, incident_id: str) -> History | None:
        """Give all that is on record of an incident, None where there is no such one."""
        ...

    def digest(self, since: datetime | None, until: datetime) -> Digest:
        """Tell of a period; since: None is the last digest."""
        ...

    def found(self, words: str) -> Sequence[Hit]:
        """Search what went to the list."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """Looks things up at a moment and writes them for people."""

    head: Letterhead
    archive: Archive
    now: datetime

    def answer(self, query: Query) -> str:
        """Write what a query has found, "" where there is nothing."""
        head, archive = self.head, self.archive
        match query:
            case Status():
                last = head.rules.phase.last
                return "\n".join(incident_line(one, last) for one in archive.incidents())
            case Search(words):
                return "\n".join(hit_lines(hit, head.zone) for hit in archive.found(words))
            case DigestOf(since):
                return text(head, archive.digest(since, self.now))
            case Show(incident) | Timeline(incident) | Brief(incident):
                history = archive.history(incident)
                return self._of(query, history) if history else ""
            case _:
                assert_never(query)

    def _of(self, query: Show | Timeline | Brief, history: History) -> str:
        match query:
            case Show():
                return story_text(self.head, history, self.now, self.archive.hours)
            case Timeline():
                return "\n".join(timeline_lines(history.events, self.head.zone))
            case Brief():
                return brief_text(self.head, history, self.now, self.archive.hours)


def incident_line(incident: Incident, last_phase: int, width: int = WIDTH) -> str:
    """Write one incident as a line."""
    severity, phase = incident.severity, incident.phase
    note = "" if incident.is_open(last_phase) else "  over"
    if incident.voided:
        note = "  void"
    elif incident.merged_into:
        note = f"  see {incident.merged_into}"
    step = f"sev {'?' if severity is None else severity} phase {'?' if phase is None else phase}"
    written = f"{incident.id}  {step}  {person(incident.commander):<18.18}  {incident.summary}"
    room = width - len(note)
    return (written if len(written) <= room else written[: room - 3] + "...") + note


def timeline_lines(events: Sequence[Happening], zone: tzinfo) -> Iterator[str]:
    """Write what each mail and command changed, with its author and number."""

    def when(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"

    for move in moves(events, channels=True):
        source = f"mail {move.mail}" if move.mail is not None else "a command"
        yield f"{move_line(move, when)['text']}\n{' ' * 20}({move.by}, {source})"
    for event in events:
        if isinstance(event, Voided):
            yield f"  {when(event.at)}  void, it was no incident ({event.by})"
        elif isinstance(event, Merged):
            yield f"  {when(event.at)}  goes on as {event.into} ({event.by})"


def hit_lines(hit: Hit, zone: tzinfo) -> str:
    """Write what a search has found: where it is, and the words."""
    at = f"{hit.at.astimezone(zone):%Y-%m-%d %H:%M}"
    if hit.mail is None:
        return _cut(f"{hit.incident}  {at}  {hit.subject}")
    place = hit.incident or f"mail {hit.mail}"
    head = _cut(f"{place}  {at}  {hit.author}: {hit.subject}")
    return f"{head}\n{fill(hit.words, WORDS_INDENT)}" if hit.words else head


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def brief_text(head: Letterhead, history: History, now: datetime, hours: WorkingHours) -> str:
    """Write one incident on one screen, for somebody who joins (the ICS-201 of it)."""
    found = story_of(history, now, head.rules, hours)
    if found is None:
        return ""
    told, story = found
    when, incident = when_of(told, head.zone), story.incident
    lines = [item for item in story.conversation if isinstance(item, Line)]
    first, later = lines[:1], sorted(lines[1:], key=lambda item: item.post.at)[-LATEST:]
    return one_blank(
        head.render(
            "brief.txt",
            {
                "title": _cut(f"{incident.id}  {incident.summary}"),
                "ruler": "-" * WIDTH,
                "state": fill(state(incident, head.rules)),
                "where": fill("Where: " + ", ".join(incident.channels))
                if incident.channels
                else "",
                "standing": fill(standing(head, story, told, when)),
                "situation": fill(_situation(first)),
                "roles": [row(names, label) for label, names in _roles(incident)],
                "latest": [
                    line(Line(item.post, 0, item.open_question), when)["text"] for item in later
                ],
                "more": story.mails - len(first) - len(later),
                "address": head.incident_address(incident.id),
            },
        )
    )


def _situation(first: Sequence[Line]) -> str:
    words = " ".join(first[0].post.prose.split()) if first else ""
    return words if len(words) <= 4 * WIDTH else words[: 4 * WIDTH].rsplit(" ", 1)[0] + " ..."


def _roles(incident: Incident) -> Iterator[tuple[str, str]]:
    yield "commander", person(incident.commander)
    for role, people in incident.roles:
        label = NAMES.get(role, role.replace("_", " "))
        yield label, ", ".join(str(one) for one in people)
