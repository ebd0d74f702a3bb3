"""The digest: a minute's reading for people who were not there (letter 4)."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo

from maild.incident.digest import Digest, Figures, Gap, History, Line, Move, Story, story_of
from maild.incident.hours import WorkingHours
from maild.letters.copy import state
from maild.letters.layout import WIDTH, fill, listed, one_blank, person, shown, span
from maild.letters.letterhead import Letterhead, Sheet, printed
from maild.mail.message import Address, Audience, Outgoing

TITLE_WIDTH = 30
COMMANDER_WIDTH = 21
INDENT = 2
MAX_LINES = 2
_LIAISONS = (("customer_liaison", "customers"), ("business_liaison", "business"))


def digest_letter(head: Letterhead, told: Digest, kind: Audience, now: datetime) -> Outgoing:
    """Write the digest to everybody who takes this kind."""
    return printed(
        head,
        Sheet(
            kind="digest",
            cause=(kind, told.since, told.until),
            to=Address(head.identity.name, head.identity.posting),
            subject=subject(told, head.zone),
            template="digest",
            model=model(head, told),
            date=now,
            submitted="auto-generated",
            fields=(*head.identity.fields(), ("X-Incident-Kind", "digest")),
            recipients=(),
            audience=kind,
        ),
    )


def text(head: Letterhead, told: Digest) -> str:
    """Give the digest as plain text."""
    return one_blank(head.render("digest.txt", model(head, told)), 2)


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
    return {
        "needs": needs(told),
        "counts": counts(told, overdue=False),
        "since": f"{since:%A} {since.day} {since:%B %H:%M}",
        "zone": zone_name(told.until, zone),
        "table": [table_row(story, head) for story in told.stories],
        "stories": [
            story_model(head, story, told, when)
            for story in told.stories
            if story.moved or story.standing == "overdue"
        ],
        "figures": figures_line(told.figures, zone) if told.figures else "",
        "request": head.identity.request,
        "example": told.stories[0].incident.id if told.stories else "INC-2026-0001",
        "ruler": "-" * WIDTH,
        "table_ruler": "-" * (WIDTH - 2),
    }


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
        for s in late
        if s.next is not None
    ]
    word = "needs" if len(late) == 1 else "need"
    return fill(f"{len(late)} {word} somebody now: {'; '.join(names)}.")


def table_row(story: Story, head: Letterhead) -> str:
    """Write one line of the table."""
    incident = story.incident
    phase = incident.phase
    name = head.rules.phase.name(phase) if phase is not None else ""
    title = f"{incident.id.split('-')[2]} {incident.summary}"
    if len(title) > TITLE_WIDTH:
        title = title[: TITLE_WIDTH - 3] + "..."
    commander = person(incident.commander)
    if story.standing == "overdue":
        commander = f"{commander[: COMMANDER_WIDTH - 9]}, OVERDUE"
    severity = "?" if incident.severity is None else str(incident.severity)
    step = "?" if phase is None else f"{phase} {name}"
    return f"  {severity:>2}   {step:<12.12} {title:<{TITLE_WIDTH}} {commander[:COMMANDER_WIDTH]}".rstrip()


def when_of(told: Digest, zone: tzinfo) -> Callable[[datetime], str]:
    """Give how a moment is written: the bare time within a day's digest, else with its day."""
    day = told.until - told.since <= timedelta(days=1, minutes=1)

    def when(moment: datetime) -> str:
        local = moment.astimezone(zone)
        if day and told.since < moment < told.since + timedelta(days=1):
            return f"{local:%H:%M}"
        if abs(told.until - moment) < timedelta(days=6):
            return f"{local:%a %H:%M}"
        return f"{local.day} {local:%b %H:%M}"

    return when


def story_model(
    head: Letterhead, story: Story, told: Digest, when: Callable[[datetime], str]
) -> dict[str, object]:
    """Tell one incident: state, what moved, what people said."""
    incident = story.incident
    flag = {"overdue": "OVERDUE", "resolved": "RESOLVED", "ended": "WITHDRAWN"}.get(
        story.standing, ""
    )
    title = f"{incident.id}  {incident.summary}"
    width = WIDTH - len(flag) - 1
    if len(title) > width:
        title = title[: width - 3] + "..."
    return {
        "title": (title.ljust(WIDTH - len(flag)) + flag).rstrip(),
        "state": fill(state(incident, head.rules)),
        "where": fill("Where: " + ", ".join(incident.channels)) if incident.channels else "",
        "liaisons": _liaisons(story),
        "standing": fill(standing(story, told, when)),
        "moves": [move_line(move, when) for move in story.moves],
        "mails": _mails(story),
        "lines": list(conversation(story, when)),
        "address": head.incident_address(incident.id),
    }


def _liaisons(story: Story) -> str:
    named = [
        f"{listed([str(p) for p in people])} ({short})"
        for role, short in _LIAISONS
        if (people := story.incident.role(role))
    ]
    return fill("Liaisons: " + ", ".join(named)) if named else ""


def standing(story: Story, told: Digest, when: Callable[[datetime], str]) -> str:
    """Say how long it lasts, when the next update is due, and how promises were kept."""
    incident, due = story.incident, story.next
    kept = (
        f" Promises kept: {story.promises.kept} of {story.promises.due}."
        if story.promises.due
        else ""
    )
    if story.standing == "ended":
        return (
            "It was no incident of its own."
            if incident.voided
            else f"Goes on as {incident.merged_into}."
        )
    if incident.resolved_at is not None and story.standing == "resolved":
        lasted = span(incident.resolved_at - incident.declared_at)
        return (
            f"Lasted {lasted}, {when(incident.declared_at)} to {when(incident.resolved_at)}.{kept}"
        )
    opened = f"Open for {span(told.until - incident.declared_at)}."
    if due is None:
        return opened + kept
    if story.standing == "overdue":
        late = span(told.until - due.at)
        what = "The update promised for" if due.promised else "The update due at"
        return f"{opened} {what} {when(due.at)} is {late} late.{kept}"
    return f"{opened} Next update {when(due.at)}.{kept}"


def move_line(move: Move, when: Callable[[datetime], str]) -> str:
    """Write what one mail changed: "01:38  severity 2 -> 1, commander Kevin -> Ana"."""
    if move.declared:
        parts = [f"{c.field} {shown(c.now)}" for c in move.changes]
        line = "declared: " + ", ".join(parts) if parts else "declared"
    else:
        line = ", ".join(f"{c.field} {shown(c.was)} -> {shown(c.now)}" for c in move.changes)
    head = f"  {when(move.at)}  "
    return _hung(line, head, " " * len(head))


def _mails(story: Story) -> str:
    count = f"{story.mails} mail" + ("s" if story.mails != 1 else "")
    if not story.new_mails:
        return f"{count}, none new."
    return f"{count}, {'all' if story.new_mails == story.mails else story.new_mails} new:"


def conversation(story: Story, when: Callable[[datetime], str]) -> Iterator[str]:
    """Write the thread: each mail's first two lines, replies indented, gaps counted."""
    depth = 0
    for item in story.conversation:
        if isinstance(item, Gap):
            yield " " * (INDENT * (depth + 2)) + f"... {item.count} mail{'s' * (item.count > 1)}"
        else:
            depth = item.depth
            yield line(item, when)


def line(item: Line, when: Callable[[datetime], str]) -> str:
    """Write one mail of the conversation."""
    margin = " " * (INDENT * (item.depth + 1))
    head = f"{margin}{when(item.post.at)} "
    inner = " " * (len(head))
    flag = "NO ANSWER" if item.open_question else ""
    words = " ".join(item.post.prose.split()) or "(nothing but the state)"
    text = f"{item.post.author}: {words}"
    width = WIDTH - len(head)
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    if len(lines) > MAX_LINES:
        lines = [lines[0], _cut(lines[1], width)]
    if flag:
        room = WIDTH - len(inner) - len(flag) - 1
        lines[-1] = (_cut(lines[-1], room) if len(lines[-1]) > room else lines[-1]).ljust(
            room + 1
        ) + flag
    return "\n".join([head + lines[0], *(inner + more for more in lines[1:])])


def _cut(line: str, width: int) -> str:
    if len(line) + 4 > width:
        line = line[: width - 4].rsplit(" ", 1)[0]
    return line.rstrip(" ,.;:") + " ..."


def _hung(text: str, head: str, inner: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=head,
        subsequent_indent=inner,
        break_long_words=False,
        break_on_hyphens=False,
    )


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
