"""One incident told as a story: its state, what moved, what people said, as a conversation (letter 4).

Every value serves the text and the HTML: the same sentences in the same order.
"""

import textwrap
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo

from maild.incident.digest import Digest, Gap, Line, Move, Story
from maild.letters.bar import bar
from maild.letters.copy import state
from maild.letters.html import write_to
from maild.letters.layout import WIDTH, colour, fill, listed, shown, span, subject_of
from maild.letters.letterhead import Letterhead

INDENT = 2
MAX_LINES = 2
FLAGS = {"overdue": "OVERDUE", "resolved": "RESOLVED", "ended": "WITHDRAWN"}
_LIAISONS = (("customer_liaison", "customers"), ("business_liaison", "business"))
_OTHERS = (
    ("communications_lead", "Communications"),
    ("technical_lead", "Technical lead"),
    ("scribe", "Scribe"),
    ("experts", "Experts"),
)


def when_of(told: Digest, zone: tzinfo) -> Callable[[datetime], str]:
    """Give how a moment is written: the bare time within a day's digest, else with its day."""
    day = told.until - told.since <= timedelta(days=1, minutes=1)
    today = told.until.astimezone(zone).date()

    def when(moment: datetime) -> str:
        local = moment.astimezone(zone)
        ours = told.since < moment < told.since + timedelta(days=1) or moment > told.until
        if day and ours and (moment <= told.until or local.date() == today):
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
    flag = FLAGS.get(story.standing, "")
    title = f"{incident.id}  {incident.summary}"
    width = WIDTH - len(flag) - 1
    if len(title) > width:
        title = title[: width - 3] + "..."
    address = head.incident_address(incident.id)
    return {
        "id": incident.id,
        "summary": incident.summary,
        "flag": flag,
        "colour": colour(incident.severity),
        "bar": bar(story, told, when),
        "link": write_to(address, f"Re: {subject_of(incident.summary, incident.id)}"),
        "title": (title.ljust(WIDTH - len(flag)) + flag).rstrip(),
        "state": fill(state(incident, head.rules)),
        "where": fill("Where: " + ", ".join(incident.channels)) if incident.channels else "",
        "roles": _roles(story),
        "standing": fill(standing(head, story, told, when)),
        "moves": [move_line(move, when) for move in story.moves],
        "mails": _mails(story),
        "lines": list(conversation(story, when)),
        "address": address,
    }


def _roles(story: Story) -> list[str]:
    named = [
        f"{listed([str(p) for p in people])} ({short})"
        for role, short in _LIAISONS
        if (people := story.incident.role(role))
    ]
    lines = [fill("Liaisons: " + ", ".join(named))] if named else []
    for role, label in _OTHERS:
        if people := story.incident.role(role):
            lines.append(fill(f"{label}: {listed([str(p) for p in people])}"))
    return lines


def standing(head: Letterhead, story: Story, told: Digest, when: Callable[[datetime], str]) -> str:
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
            f"{_postmortem(story)}"
        )
    opened = f"Open for {span(told.until - incident.declared_at)}."
    if due is None:
        return opened + kept
    if story.standing == "overdue":
        late = span(told.until - due.at)
        what = "The update promised for" if due.promised else "The update due at"
        return f"{opened} {what} {when(due.at)} is {late} late.{kept}"
    return f"{opened} Next update {when(due.at)}.{kept}"


def _postmortem(story: Story) -> str:
    day = story.postmortem_due
    if day is None:
        return ""
    by = f", by {story.incident.commander}" if story.incident.commander else ""
    return f" Postmortem: draft due {day:%A} {day.day} {day:%B}{by}."


def move_line(move: Move, when: Callable[[datetime], str]) -> Mapping[str, object]:
    """Write what one mail changed: "01:38  severity 2 -> 1, commander Kevin -> Ana"."""
    if move.declared:
        parts = [f"{c.field} {shown(c.now)}" for c in move.changes]
        words = "declared: " + ", ".join(parts) if parts else "declared"
    else:
        words = ", ".join(f"{c.field} {shown(c.was)} -> {shown(c.now)}" for c in move.changes)
    head = f"  {when(move.at)}  "
    return {
        "at": when(move.at),
        "words": words,
        "text": _hung(words, head, " " * len(head)),
    }


def _mails(story: Story) -> str:
    if not story.mails:
        return ""
    count = f"{story.mails} mail" + ("s" if story.mails != 1 else "")
    if not story.new_mails:
        return f"{count}, none new."
    return f"{count}, {'all' if story.new_mails == story.mails else story.new_mails} new:"


def conversation(story: Story, when: Callable[[datetime], str]) -> Iterator[Mapping[str, object]]:
    """Write the thread: each mail's first two lines, replies indented, gaps counted."""
    depth = 0
    for item in story.conversation:
        if isinstance(item, Gap):
            words = f"... {item.count} mail{'s' * (item.count > 1)}"
            text = " " * (INDENT * (depth + 2)) + words
            yield {"gap": True, "depth": depth + 1, "words": words, "text": text}
        else:
            depth = item.depth
            yield line(item, when)


def line(item: Line, when: Callable[[datetime], str]) -> Mapping[str, object]:
    """Write one mail of the conversation: for HTML its parts, for text its lines as they stand."""
    head = f"{' ' * (INDENT * (item.depth + 1))}{when(item.post.at)} "
    inner = " " * (len(head))
    flag = "NO ANSWER" if item.open_question else ""
    words = " ".join(item.post.prose.split()) or "(nothing but the state)"
    width = WIDTH - len(head)
    # Two lines are shown: of a mail of a megabyte the rest is not looked at.
    text = f"{item.post.author}: {words[: WIDTH * (MAX_LINES + 1)]}"
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    if len(lines) > MAX_LINES:
        lines = [lines[0], _cut(lines[1], width)]
    told = " ".join(lines)
    if flag:
        room = WIDTH - len(inner) - len(flag) - 1
        if len(lines[-1]) > room:
            lines[-1] = _cut(lines[-1], room)
        told = " ".join(lines)
        lines[-1] = lines[-1].ljust(room + 1) + flag
    author = item.post.author
    return {
        "gap": False,
        "depth": item.depth,
        "at": when(item.post.at),
        "author": author,
        "words": told.removeprefix(f"{author}:").strip(),
        "flag": flag,
        "text": "\n".join([head + lines[0], *(inner + more for more in lines[1:])]),
    }


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
