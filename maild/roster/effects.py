"""What commands do: Command x who writes it -> what changes on the roster, and what is answered.

Nobody subscribes others: what changes the roster waits for the answer to a mail with a token,
unless the author's domain is trusted or his mail bears his own token.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from maild.roster.commands import (
    MAX_UNKNOWN,
    Brief,
    Change,
    Command,
    Confirm,
    DigestOf,
    Help,
    Line,
    Misread,
    OwnersOnly,
    Query,
    Search,
    Show,
    Status,
    Subscribe,
    Timeline,
    Unsubscribe,
    WhoAmI,
)
from maild.roster.subscription import Choices, Confirmation, RosterChange, Subscription, chosen

Kind = Literal[
    "absent",
    "asked",
    "changed",
    "found",
    "help",
    "left",
    "misread",
    "refused",
    "same",
    "scale",
    "stale",
    "subscribed",
    "unknown",
    "whoami",
]
NOT_DONE: tuple[Kind, ...] = ("absent", "misread", "refused", "scale", "stale", "unknown")


@dataclass(frozen=True, slots=True)
class Who:
    """Who writes: what he has on the roster, and how sure we are that it is he.

    trusted: his domain is. leave: the token that takes him off without being asked. confirmation:
    the change that his mail answers. token: of the confirmation that this mail may ask for.
    severities: the scale.
    """

    address: str
    at: datetime
    may_post: bool
    subscription: Subscription | None
    trusted: bool
    leave: str
    confirmation: Confirmation | None
    token: str
    severities: Sequence[int]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one line.

    subscription: what the author has then, or would have once he confirms. query: what he asked to
    see. verb: of a command that was refused or not understood.
    """

    line: str
    kind: Kind
    subscription: Subscription | None = None
    query: Query | None = None
    verb: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a mail of commands results in.

    changes: now. asks: what waits for his answer. confirmed: the token of what he answered.
    """

    results: tuple[Result, ...]
    changes: tuple[RosterChange, ...] = ()
    asks: Confirmation | None = None
    confirmed: str = ""

    @property
    def lost(self) -> bool:
        """Whether the author needs to be shown what can be written."""
        unknown = sum(result.kind == "unknown" for result in self.results)
        return unknown == len(self.results) or unknown >= MAX_UNKNOWN


@dataclass(frozen=True, slots=True)
class _Roster:
    """The author's place on the roster while his lines are followed: as it is, and as he wants it."""

    now: Subscription | None
    wanted: Subscription | None
    changes: tuple[RosterChange, ...] = ()
    confirmed: str = ""


def decide(lines: Sequence[Line], who: Who) -> Decision:
    """Follow the lines in their order."""
    state = _Roster(who.subscription, who.subscription)
    results = []
    for line in lines:
        state, result = _follow(line.command, state, who)
        results.append(replace(result, line=line.text))
    asks = None
    if state.wanted != state.now:
        asks = Confirmation(who.token, RosterChange(who.address, state.wanted), who.at)
    return Decision(tuple(results), state.changes, asks, state.confirmed)


def _follow(command: Command | None, state: _Roster, who: Who) -> tuple[_Roster, Result]:
    match command:
        case Subscribe(choices):
            return _choose(choices, state.wanted or Subscription(who.address), state, who)
        case Change(choices):
            if state.wanted is None:
                return state, Result("", "absent")
            return _choose(choices, state.wanted, state, who)
        case Unsubscribe(token):
            return _leave(token, state, who)
        case Confirm():
            return _confirm(state, who)
        case OwnersOnly(verb):
            return state, Result("", "refused", verb=verb)
        case Misread(verb):
            return state, Result("", "misread", verb=verb)
        case Status() | Show() | Timeline() | Brief() | DigestOf() | Search():
            return state, Result("", "found", query=command)
        case WhoAmI():
            return state, Result("", "whoami", state.now)
        case Help():
            return state, Result("", "help")
        case None:
            return state, Result("", "unknown")


def _choose(
    choices: Choices, base: Subscription, state: _Roster, who: Who
) -> tuple[_Roster, Result]:
    if choices.severity and choices.severity not in who.severities:
        return state, Result("", "scale")
    target = chosen(base, choices)
    if target == state.wanted:
        return state, Result("", "asked" if target != state.now else "same", target)
    if not who.trusted:
        return replace(state, wanted=target), Result("", "asked", target)
    return _done(RosterChange(who.address, target), state, who)


def _leave(token: str, state: _Roster, who: Who) -> tuple[_Roster, Result]:
    if state.wanted is None and state.now is None:
        return state, Result("", "absent")
    if who.trusted or (token and token == who.leave):
        return _done(RosterChange(who.address, None), state, who)
    return replace(state, wanted=None), Result("", "asked")


def _confirm(state: _Roster, who: Who) -> tuple[_Roster, Result]:
    if who.confirmation is None or state.confirmed:
        return state, Result("", "stale", state.now)
    state = replace(state, confirmed=who.confirmation.token)
    return _done(who.confirmation.change, state, who)


def _done(change: RosterChange, state: _Roster, who: Who) -> tuple[_Roster, Result]:
    kind: Kind = "changed" if state.now else "subscribed"
    if change.now is None:
        kind = "left"
    state = replace(state, changes=(*state.changes, change))
    if change.address == who.address:
        state = replace(state, now=change.now, wanted=change.now)
    return state, Result("", kind, change.now)
