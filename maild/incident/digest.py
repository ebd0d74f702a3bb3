"""A period's events to a `Digest`: what is open, what moved, what people said, what is overdue."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, Literal

from maild.incident.cadence import UpdateDue, update_due
from maild.incident.course import Span, course
from maild.incident.entry import Change
from maild.incident.hours import WorkingHours
from maild.incident.model import Declared, Happening, Incident, NextUpdatePromised, fold
from maild.incident.stamp import changes_of
from maild.reading.reading import Person
from maild.reading.rules import Rules

# An update that comes a few minutes after the promised time has kept the promise.
GRACE: Final = timedelta(minutes=5)
MAX_OPEN_POSTS: Final = 10
MAX_OVER_POSTS: Final = 4
MAX_DEPTH: Final = 3

Standing = Literal["overdue", "open", "resolved", "ended"]


@dataclass(frozen=True, slots=True)
class Post:
    """A mail that went to the list.

    number: its record. ids: its Message-ID and its copy's. parent: the id that it answers, None for
    none. prose: the author's own words without greetings and fields. sent_at: when it went to the
    list, where it was held before.
    """

    number: int
    ids: tuple[str, ...]
    parent: str | None
    author: str
    at: datetime
    prose: str
    kind: str
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class History:
    """All that is on record of an incident: its events, and the mails that went to the list."""

    events: tuple[Happening, ...]
    posts: tuple[Post, ...] = ()

    @property
    def incident(self) -> str:
        """The incident's number, "" where nothing is on record."""
        return next((event.id for event in self.events if isinstance(event, Declared)), "")


@dataclass(frozen=True, slots=True)
class Move:
    """What one mail (or command) changed; declared: it opened the incident. mail: its record."""

    at: datetime
    by: Person
    changes: tuple[Change, ...]
    declared: bool = False
    mail: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A mail in the conversation; depth 0 stands at the left. open_question: nobody answered it."""

    post: Post
    depth: int
    open_question: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Mails that are left out at this place."""

    count: int


@dataclass(frozen=True, slots=True)
class Promises:
    """Next updates that somebody promised: how many were kept, and how many came due."""

    kept: int = 0
    due: int = 0

    def __add__(self, other: "Promises") -> "Promises":
        return Promises(self.kept + other.kept, self.due + other.due)


@dataclass(frozen=True, slots=True)
class Story:
    """One incident as the digest tells it.

    next: the update that is due, None where none is. course: how grave it was over the period.
    """

    incident: Incident
    standing: Standing
    moves: tuple[Move, ...]
    conversation: tuple[Line | Gap, ...]
    mails: int
    new_mails: int
    promises: Promises
    next: UpdateDue | None
    course: tuple[Span, ...] = ()
    postmortem_due: date | None = None

    @property
    def moved(self) -> bool:
        """Whether anything happened in the period."""
        return bool(self.moves or self.new_mails)


@dataclass(frozen=True, slots=True)
class Figures:
    """A span's counts. severities: how many incidents were declared at each, worst first."""

    since: datetime
    incidents: int
    severities: tuple[tuple[int, int], ...]
    open: int
    median_to_resolve: timedelta | None
    promises: Promises


@dataclass(frozen=True, slots=True)
class Digest:
    """A period, worst first: open incidents by severity, then what is over."""

    since: datetime
    until: datetime
    stories: tuple[Story, ...]
    figures: Figures | None = None

    def of(self, *standings: Standing) -> tuple[Story, ...]:
        """Give the stories of some standings."""
        return tuple(story for story in self.stories if story.standing in standings)


def digest(
    histories: Iterable[History],
    since: datetime,
    until: datetime,
    rules: Rules,
    hours: WorkingHours,
) -> Digest:
    """Tell of all that is open at `until`, and of what moved since."""
    told = (_story(history, since, until, rules, hours) for history in histories)
    kept = [s for s in told if s and (s.moved or s.standing in ("open", "overdue"))]
    return Digest(since, until, tuple(sorted(kept, key=_rank)))


def _rank(story: Story) -> tuple[object, ...]:
    over = story.standing in ("resolved", "ended")
    return (over, story.incident.severity or 0, not story.moved, story.incident.id)


def period(
    histories: Iterable[History],
    month: Iterable[History],
    since: datetime,
    until: datetime,
    rules: Rules,
    hours: WorkingHours,
) -> Digest:
    """Tell of a period, with the figures of what was declared in its month."""
    told = digest(histories, since, until, rules, hours)
    begin = month_of(until, hours.zone)
    return replace(told, figures=figures(month, begin, until, rules, told.stories))


def story_of(
    history: History, until: datetime, rules: Rules, hours: WorkingHours
) -> tuple[Digest, Story] | None:
    """Tell one incident from its beginning, as a digest of its own; None where it has no events."""
    since = min((event.at for event in history.events), default=until) - timedelta(microseconds=1)
    story = _story(history, since, until, rules, hours)
    return (Digest(since, until, (story,)), story) if story else None


def month_of(until: datetime, zone: tzinfo) -> datetime:
    """Give the beginning of the month in which a period ends."""
    local = until.astimezone(zone)
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _story(
    history: History, since: datetime, until: datetime, rules: Rules, hours: WorkingHours
) -> Story | None:
    events = tuple(event for event in history.events if event.at <= until)
    incident = fold(events)
    if incident is None:
        return None
    due = update_due(incident, rules, hours)
    posts = tuple(post for post in history.posts if post.at <= until)
    new = tuple(post for post in posts if (post.sent_at or post.at) > since)
    over = not incident.is_open(rules.phase.last)
    standing: Standing = "open"
    if over:
        standing = "ended" if incident.voided or incident.merged_into else "resolved"
    elif due is not None and due.at + GRACE < until:
        standing = "overdue"
    moved = {event.mail for event in events if _moves_state(event)}
    limit = MAX_OVER_POSTS if over else MAX_OPEN_POSTS
    return Story(
        incident=incident,
        standing=standing,
        moves=tuple(moves(event for event in events if event.at > since)),
        conversation=tuple(_chosen(_thread(posts), new, moved, limit)) if new else (),
        mails=len(posts),
        new_mails=len(new),
        promises=promises(events, until),
        next=due,
        course=course(events, since, until),
        postmortem_due=_postmortem_due(incident, rules, hours) if standing == "resolved" else None,
    )


def _postmortem_due(incident: Incident, rules: Rules, hours: WorkingHours) -> date | None:
    days = rules.policy.cadence.postmortem_business_days
    if incident.resolved_at is None or not days:
        return None
    return hours.business_day_after(incident.resolved_at.astimezone(hours.zone).date(), days)


def _moves_state(event: Happening) -> bool:
    return isinstance(event, Declared) or bool(tuple(changes_of([event])))


def moves(events: Iterable[Happening], *, channels: bool = False) -> Iterator[Move]:
    """Join what each mail or command changed; a change of place counts with `channels` only."""
    groups: dict[tuple[datetime, int | None], list[Happening]] = {}
    for event in events:
        groups.setdefault((event.at, event.mail), []).append(event)
    for group in groups.values():
        changes = tuple(c for c in changes_of(group) if channels or c.field != "channel")
        declared = any(isinstance(event, Declared) for event in group)
        if changes or declared:
            yield Move(group[0].at, group[0].by, changes, declared, group[0].mail)


def promises(events: Iterable[Happening], until: datetime) -> Promises:
    """Count the promised updates that came due, and those that came in time."""
    kept = due = 0
    promised: datetime | None = None
    for event in events:
        if isinstance(event, NextUpdatePromised):
            if promised is not None:
                due += 1
                kept += event.at <= promised + GRACE
            promised = event.due_at
    if promised is not None and promised + GRACE < until:
        due += 1
    return Promises(kept, due)


def _thread(posts: Sequence[Post]) -> tuple[Line, ...]:
    """Order a conversation as a tree: replies below what they answer, indented."""
    numbers = {made: post.number for post in posts for made in post.ids}
    answered = {numbers[p.parent] for p in posts if p.parent in numbers}
    first = posts[0].number
    below: dict[int, list[Post]] = {}
    left: list[Post] = []
    for post in posts:
        parent = numbers.get(post.parent or "", first)
        # What moves the incident stands at the left, although it answers the opening.
        if post.number == first or (parent == first and post.kind != "note"):
            left.append(post)
        else:
            below.setdefault(parent if parent < post.number else first, []).append(post)

    lines: list[Line] = []
    stack = [(post, 0) for post in reversed(left)]
    while stack:
        post, depth = stack.pop()
        asks = "?" in post.prose and post.number not in answered
        lines.append(Line(post, min(depth, MAX_DEPTH), asks and post.kind == "note"))
        stack += [(reply, depth + 1) for reply in reversed(below.get(post.number, []))]
    return tuple(lines)


def _chosen(
    lines: Sequence[Line], new: Sequence[Post], moved: set[int | None], limit: int
) -> Iterator[Line | Gap]:
    """Keep the opening, what moved the state, open questions and the last mails; count the rest."""
    fresh = {post.number for post in new}
    numbers = [line.post.number for line in lines]
    asked = {line.post.number for line in lines if line.open_question}
    ranked = sorted(
        (n for n in numbers[1:] if n in fresh), key=lambda n: (n not in asked, n not in moved, -n)
    )
    kept = {numbers[0], *ranked[: limit - 1]}
    skipped = 0
    for line in lines:
        if line.post.number in kept:
            if skipped:
                yield Gap(skipped)
            skipped = 0
            yield line
        else:
            skipped += 1
    if skipped:
        yield Gap(skipped)


def figures(
    histories: Iterable[History],
    since: datetime,
    until: datetime,
    rules: Rules,
    stories: Iterable[Story],
) -> Figures:
    """Count the incidents declared in a span, as they stand at its end.

    stories: what was told already of some of them, at the same end.
    """
    known = {story.incident.id: story for story in stories}
    found: list[Incident] = []
    total = Promises()
    for history in histories:
        story = known.get(history.incident)
        incident, promised = (story.incident, story.promises) if story else _stood(history, until)
        if incident and incident.declared_at >= since and not _ended(incident):
            found.append(incident)
            total += promised
    resolved = sorted(i.resolved_at - i.declared_at for i in found if i.resolved_at is not None)
    counts = [
        (step.number, sum(i.severity == step.number for i in found)) for step in rules.severity.step
    ]
    return Figures(
        since=since,
        incidents=len(found),
        severities=tuple((number, count) for number, count in counts if count),
        open=sum(i.is_open(rules.phase.last) for i in found),
        median_to_resolve=_median(resolved),
        promises=total,
    )


def _stood(history: History, until: datetime) -> tuple[Incident | None, Promises]:
    events = [event for event in history.events if event.at <= until]
    return fold(events), promises(events, until)


def _ended(incident: Incident) -> bool:
    return incident.voided or incident.merged_into is not None


def _median(spans: Sequence[timedelta]) -> timedelta | None:
    if not spans:
        return None
    middle = len(spans) // 2
    return spans[middle] if len(spans) % 2 else (spans[middle - 1] + spans[middle]) / 2
