"""The digest: a minute's reading for people who were not there (letter 4)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo

from maild.incident.digest import Digest, Figures, History, Story, story_of
from maild.incident.hours import WorkingHours
from maild.letters.layout import WIDTH, colour, fill, one_blank, person, span
from maild.letters.letterhead import Letterhead, Sheet, printed
from maild.letters.story import story_model, when_of
from maild.mail.build import message_id
from maild.mail.message import Address, Audience, Outgoing

Period = tuple[datetime, datetime]
TITLE_WIDTH = 30
COMMANDER_WIDTH = 21
# A minute's reading: what is beyond stands in the table alone.
MAX_STORIES = 50
MAX_NAMED = 5


def digest_letter(
    head: Letterhead, told: Digest, kind: Audience, now: datetime, first: Period | None = None
) -> Outgoing:
    """Write the digest to everybody who takes this kind. first: the period of the week's first one."""
    answers = thread(head, kind, first)
    return printed(
        head,
        Sheet(
            kind="digest",
            cause=cause(kind, (told.since, told.until)),
            in_reply_to=next(iter(answers), None),
            references=answers,
            to=Address(head.identity.name, head.identity.posting),
            subject=subject(told, head.zone),
            template="digest",
            html="digest",
            model=model(head, told),
            date=now,
            submitted="auto-generated",
            fields=(*head.identity.fields(), ("X-Incident-Kind", "digest")),
            recipients=(),
            audience=kind,
        ),
    )


def cause(kind: str, period: Period, form: str = "summary") -> tuple[object, ...]:
    """Give what makes a digest's Message-ID: the same period has the same, whenever it is written."""
    return kind, form, *(moment.astimezone(UTC) for moment in period)


def thread(
    head: Letterhead, kind: str, first: Period | None, form: str = "summary"
) -> tuple[str, ...]:
    """Give the id of the week's first digest, which the others of that week answer."""
    return (message_id(head.domain, "digest", *cause(kind, first, form)),) if first else ()


def text(head: Letterhead, told: Digest) -> str:
    """Give the digest as plain text."""
    return one_blank(head.render("digest.txt", model(head, told)), 2)


def html(head: Letterhead, told: Digest) -> str:
    """Give the digest as HTML."""
    return head.render("digest.html", model(head, told))


def story_text(head: Letterhead, history: History, until: datetime, hours: WorkingHours) -> str:
    """Tell one incident from its beginning, as the digest does."""
    found = story_of(history, until, head.rules, hours)
    if found is None:
        return ""
    told, story = found
    shown_ = story_model(head, story, told, when_of(told, head.zone))
    return one_blank(head.render("story.txt", {"story": shown_, "ruler": "-" * WIDTH}))


def subject(told: Digest, zone: tzinfo) -> str:
    """Write the subject: the day, and how many are open, overdue, resolved."""
    day = told.until.astimezone(zone)
    return f"Digest of {day:%A} {day.day} {day:%B %Y}: {counts(told)}"


def counts(told: Digest, *, overdue: bool = True) -> str:
    """Count the incidents: "2 open, 1 overdue, 1 resolved"."""
    numbers = (
        (len(told.of("open", "overdue")), "open"),
        (len(told.of("overdue")) if overdue else 0, "overdue"),
        (len(told.of("resolved")), "resolved"),
        (len(told.of("ended")), "withdrawn"),
    )
    found = [f"{number} {word}" for number, word in numbers if number or word == "open"]
    return ", ".join(found)


def model(head: Letterhead, told: Digest) -> dict[str, object]:
    """Give what the template shows; every value is text, set in 72 columns."""
    zone = head.zone
    since = told.since.astimezone(zone)
    when = when_of(told, zone)
    moved = [story for story in told.stories if story.moved or story.standing == "overdue"]
    shown = told_in_full(moved)
    left = len(moved) - len(shown)
    return {
        "title": subject(told, zone),
        "calm": not told.of("overdue"),
        "needs": needs(told),
        "counts": counts(told, overdue=False),
        "since": f"{since:%A} {since.day} {since:%B %H:%M}",
        "zone": zone_name(told.until, zone),
        "table": [table_row(story, head) for story in told.stories],
        "stories": [story_model(head, story, told, when) for story in shown],
        "left": f"{left} more that moved are named in the table alone." if left > 0 else "",
        "figures": figures_line(told.figures, zone) if told.figures else "",
        "request": head.identity.request,
        "example": told.stories[0].incident.id if told.stories else "INC-2026-0001",
        "ruler": "-" * WIDTH,
        "table_ruler": "-" * (WIDTH - 2),
    }


def told_in_full(stories: Sequence[Story]) -> Sequence[Story]:
    """Choose whose stories are told, where they are too many: the overdue before all, the worst."""
    late = [story for story in stories if story.standing == "overdue"]
    rest = [story for story in stories if story.standing != "overdue"]
    kept = {story.incident.id for story in (*late, *rest)[:MAX_STORIES]}
    return [story for story in stories if story.incident.id in kept]


def zone_name(moment: datetime, zone: tzinfo) -> str:
    """Name the zone that all times are in."""
    key = getattr(zone, "key", None)
    return str(key or moment.astimezone(zone).tzname())


def needs(told: Digest) -> str:
    """Say in the first line whether anybody has to do something."""
    late = told.of("overdue")
    if not late:
        return "Nothing is overdue."
    names = [
        f"{s.incident.id}, update overdue for {span(told.until - s.next.at)}"
        for s in late[:MAX_NAMED]
        if s.next is not None
    ]
    if len(late) > MAX_NAMED:
        names.append(f"and {len(late) - MAX_NAMED} more")
    word = "needs" if len(late) == 1 else "need"
    return fill(f"{len(late)} {word} somebody now: {'; '.join(names)}.")


def table_row(story: Story, head: Letterhead) -> Mapping[str, object]:
    """Write one line of the table: for HTML its cells, for text the line as it stands."""
    incident = story.incident
    phase = incident.phase
    name = head.rules.phase.name(phase) if phase is not None else ""
    number = incident.id.split("-")[2]
    title = f"{number} {incident.summary}"
    if len(title) > TITLE_WIDTH:
        title = title[: TITLE_WIDTH - 3] + "..."
    commander = cell = person(incident.commander)
    late = story.standing == "overdue"
    if late:
        cell = f"{cell[: COMMANDER_WIDTH - 9]}, OVERDUE"
    severity = "?" if incident.severity is None else str(incident.severity)
    step = "?" if phase is None else f"{phase} {name}"
    text = f"  {severity:>2}   {step:<12.12} {title:<{TITLE_WIDTH}} {cell[:COMMANDER_WIDTH]}"
    return {
        "severity": severity,
        "colour": colour(incident.severity),
        "phase": step,
        "number": number,
        "summary": incident.summary,
        "commander": commander,
        "late": late,
        "text": text.rstrip(),
    }


def figures_line(figures: Figures, zone: tzinfo) -> str:
    """Write the span's counts in a sentence or two."""
    if not figures.incidents:
        return ""
    month = f"{figures.since.astimezone(zone):%B}"
    kinds = _severities(figures.severities)
    word = "incident" if figures.incidents == 1 else "incidents"
    parts = [f"{month} so far: {figures.incidents} {word}{kinds}, {figures.open} open."]
    if figures.median_to_resolve is not None:
        parts.append(f"Median time to resolve {span(figures.median_to_resolve)}.")
    if figures.promises.due:
        parts.append(f"Updates promised {figures.promises.due}, kept {figures.promises.kept}.")
    return fill(" ".join(parts))


def _severities(found: Sequence[tuple[int, int]]) -> str:
    listed_ = [f"{number}: {count}" for number, count in found]
    return f" (severity {', '.join(listed_)})" if listed_ else ""
