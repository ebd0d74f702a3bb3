"""Taking the author's words out of what is on record, and leaving what happened."""

import re
from dataclasses import replace
from datetime import date

from maild.incident.entry import Draft, DraftState
from maild.incident.model import Declared, Incident
from maild.incident.verdict import Finding, Stated

# So many words in a row, and a text quotes another; fewer are found in any two mails.
RUN = 5
_WORD = re.compile(r"\w+")


def note_of(day: date) -> str:
    """Write what stands where words stood."""
    return f"[redacted on {day.isoformat()}]"


def unworded(stated: Stated, note: str) -> Stated:
    """Keep what was stated, and not in which words."""
    return replace(
        stated,
        words=dict.fromkeys(stated.words, note),
        findings=tuple(Finding(f.field, f.trouble) for f in stated.findings),
        summary=note if stated.summary else "",
        left_open=dict.fromkeys(stated.left_open, note),
    )


def undrafted(draft: Draft, number: int, note: str) -> Draft:
    """Keep a draft without its words, where one of its mails is redacted.

    One that is held is withdrawn if that mail is the draft: there is nothing to send any more.
    """
    held = draft.state == "held" and draft.mail == number
    state: DraftState = "withdrawn" if held else draft.state
    return replace(draft, stated=unworded(draft.stated, note), subject="", state=state)


def unnamed(incident: Incident, note: str) -> Incident:
    """Take an incident's name away, which was its opening's words."""
    return replace(incident, summary=note, subject="")


def undeclared(event: Declared, note: str) -> Declared:
    """Take the name out of the event too, so that the events still make the incident."""
    return replace(event, summary=note, subject="")


def runs_of(text: str) -> frozenset[tuple[str, ...]]:
    """List the runs of five words in a text, by which a quotation of it is known; however wrapped."""
    words = [word.lower() for word in _WORD.findall(text)]
    ends = range(RUN, len(words) + 1) if len(words) >= RUN else (len(words),)
    return frozenset(tuple(words[max(0, end - RUN) : end]) for end in ends if end)


def quotes(text: str, runs: frozenset[tuple[str, ...]]) -> bool:
    """Whether a text quotes one whose runs these are; a very short one is found as a whole."""
    words = [word.lower() for word in _WORD.findall(text)]
    return any(
        tuple(words[i : i + length]) in runs
        for length in {len(run) for run in runs}
        for i in range(len(words) - length + 1)
    )
