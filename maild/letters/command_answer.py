"""The answer to a mail of commands: every line with what became of it."""

from collections import Counter
from datetime import datetime, tzinfo

from maild.incident.entry import CommandAnswer, about
from maild.letters.layout import WIDTH, clock
from maild.letters.letterhead import Letterhead, Sheet, printed
from maild.letters.record import Reading
from maild.mail.message import Mail, Outgoing
from maild.roster.commands import VERBS, Search, Status
from maild.roster.effects import NOT_DONE, Result
from maild.roster.subscription import Subscription

_MODES = {
    "immediate": "every mail at once",
    "updates": "openings and updates at once",
    "none": "no mail at once",
}
_DIGESTS = {"daily": "the daily digest", "weekly": "the weekly digest", "none": "no digest"}


def command_answer(
    head: Letterhead,
    notice: CommandAnswer,
    parent: Mail,
    reading: Reading | None,
    now: datetime,
) -> Outgoing:
    """Answer a mail of commands; a reply to the answer confirms what waits for it.

    Its Message-ID can't be guessed, because whoever answers it has read it.
    """
    model = {
        "first_line": first_line(notice),
        "confirm": notice.confirm,
        "results": [_model(result, notice, reading, head.zone, now) for result in notice.results],
        "show_help": notice.lost or any(result.kind == "help" for result in notice.results),
        "address": notice.to.address,
        "leave": notice.leave,
        "request": head.identity.request,
        "posting": head.identity.posting,
        "owner": head.owner[0],
        "best": head.rules.severity.step[0].number,
        "worst": head.rules.severity.step[-1].number,
    }
    subject = parent.subject or (notice.results[0].line if notice.results else "your mail")
    return printed(
        head,
        Sheet(
            kind="command_answer",
            cause=(notice.mail, notice.to.address, notice.confirm, notice.leave),
            to=notice.to,
            subject=subject if subject.lower().startswith("re:") else f"Re: {subject}",
            template="command_answer",
            model=model,
            date=now,
            reply_to=(
                head.confirm_address(notice.confirm) if notice.confirm else head.identity.request
            ),
            in_reply_to=parent.message_id,
            references=(*parent.references, *filter(None, [parent.message_id])),
            mail=notice.mail,
            about=about(notice),
        ),
    )


def first_line(notice: CommandAnswer) -> str:
    """Say in one line what became of the mail."""
    if notice.confirm:
        asked = [result for result in notice.results if result.kind == "asked"]
        if asked[-1].subscription is None:
            return "You are still on the roster: one word in reply takes you off it."
        return "Nothing has changed yet: one word in reply does it."
    if not notice.results:
        return "There is no command in your mail. This is what you can write."
    if notice.lost:
        return (
            "What you can write is below: several lines of your mail are no commands."
            if len(notice.results) > 1
            else _cut(f"No command: {notice.results[0].line}")
        )
    if len(notice.results) == 1:
        word = "Not done" if notice.results[0].kind in NOT_DONE else "Done"
        return _cut(f"{word}: {notice.results[0].line}")
    counts = Counter(result.kind in NOT_DONE for result in notice.results)
    parts = [f"{counts[False]} done"] if counts[False] else []
    parts += [f"{counts[True]} not done"] if counts[True] else []
    return f"{len(notice.results)} commands: {', '.join(parts)}."


def described(subscription: Subscription | None) -> str:
    """Say what somebody receives: "every mail at once, the daily digest"."""
    if subscription is None:
        return "nothing"
    parts = [_MODES[subscription.mode], _DIGESTS[subscription.digest]]
    if subscription.severity is not None:
        parts.append(f"mails of severity {subscription.severity} and worse only")
    return ", ".join(parts)


def _model(
    result: Result, notice: CommandAnswer, reading: Reading | None, zone: tzinfo, now: datetime
) -> dict[str, object]:
    paused_at = result.subscription.paused_at if result.subscription else None
    found = reading.answer(result.query) if reading and result.query else ""
    return {
        "line": _cut(f"> {result.line}"),
        "kind": result.kind,
        "paused": clock(paused_at, zone, now) if paused_at else "",
        "listed": result.subscription is not None,
        "gets": described(result.subscription),
        "found": found.rstrip("\n"),
        "search": isinstance(result.query, Search),
        "status": isinstance(result.query, Status),
        "may_post": notice.may_post,
        "verb": result.verb,
        "usage": VERBS[result.verb][1] if result.verb in VERBS else "",
    }


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."
