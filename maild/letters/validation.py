"""The validation reply: what is missing or unclear, and the shortest way on (letters 1 and 2)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from maild.incident.entry import Draft, Question, about
from maild.incident.model import Incident
from maild.incident.verdict import PERSONAL, VITAL, Finding, Stated
from maild.letters.layout import MAX_TYPED, clock, listed, quoted, shown, subject_of
from maild.letters.letterhead import Letterhead, Sheet, printed
from maild.mail.message import Mail, Outgoing
from maild.reading.presence import team_pattern
from maild.reading.reading import Person, Value
from maild.reading.rules import Rules

NAMES = {
    "customer_liaison": "customer liaison",
    "business_liaison": "business liaison",
    "communications_lead": "communications lead",
    "technical_lead": "technical lead",
    "scribe": "scribe",
    "summary": "subject",
    "description": "what",
}


def validation(head: Letterhead, question: Question, parent: Mail, now: datetime) -> Outgoing:
    """Ask for what a draft lacks; answers to the mail that made us ask."""
    draft, incident = question.draft, question.incident
    model = opening_model(head, question, now)
    template = "validation_opening"
    if draft.state == "published" and incident is not None:
        model["id"] = incident.id
        template = "published"
    elif draft.kind == "update" and incident is not None:
        model |= update_model(head, question, incident)
        template = "validation_update"
    summary = incident.summary if incident else draft.stated.summary or "(no subject)"
    return printed(
        head,
        Sheet(
            kind="validation",
            cause=(draft.token, question.mail, draft.reminded),
            to=question.to,
            subject="Re: " + subject_of(summary, incident.id if incident else None),
            template=template,
            model=model,
            date=now,
            reply_to=head.incident_address(incident.id)
            if incident and draft.state == "published"
            else head.draft_address(draft.token),
            in_reply_to=parent.message_id,
            references=(*parent.references, *filter(None, [parent.message_id])),
            incident=draft.incident,
            draft=draft.token,
            mail=question.mail,
            about=about(question),
        ),
    )


def opening_model(head: Letterhead, question: Question, now: datetime) -> dict[str, object]:
    """Give what both kinds of validation reply show."""
    draft, findings, rules = question.draft, question.findings, head.rules
    cadence = rules.policy.cadence
    ask_at = draft.created_at + timedelta(minutes=cadence.draft_reminder)
    out_at = draft.created_at + head.publish_after if head.publish_after else None
    states_any = any(name in draft.stated.values for name in (*VITAL, "channel"))
    return {
        "first_line": first_line(findings),
        "example": example(findings, rules),
        "findings": [finding_model(finding, rules) for finding in findings],
        "severities": rules.severity.step,
        "phases": rules.phase.step,
        "read": read_rows(draft.stated, rules),
        "people": people_line(draft.stated),
        "correction": _correction(draft.stated),
        "ask_at": clock(ask_at, head.zone, now) if ask_at > now else "",
        "out_at": clock(out_at, head.zone, now) if out_at and states_any and out_at > now else "",
        "owner": listed(list(head.owner)),
        "again": draft.reminded,
    }


def update_model(head: Letterhead, question: Question, incident: Incident) -> dict[str, object]:
    """Give what the reply to an update shows besides: the state that "same" would send out."""
    draft = question.draft
    rules = head.rules
    after = {**incident.current(), **draft.stated.values}
    troubled = [f for f in question.findings if f.trouble != "missing"]
    return {
        "unclear": bool(troubled),
        "state": {name: after.get(name) for name in VITAL},
        "state_line": state_line(after),
        "record_line": _record_line(incident),
        "record_since": clock(
            incident.last_update_at or incident.declared_at, head.zone, question.draft.created_at
        ),
        "commander": str(incident.commander) if incident.commander else "",
        "by_commander": _by_commander(draft, incident),
        "changed": question.changed,
        "read": read_rows(draft.stated, rules, incident),
        "alternative": _alternative(after, rules, _by_commander(draft, incident)),
    }


def first_line(findings: Sequence[Finding]) -> str:
    """Say how many things are missing and unclear, and which."""
    missing = [name_of(f.field) for f in findings if f.trouble == "missing"]
    unclear = [name_of(f.field) for f in findings if f.trouble != "missing"]
    if not unclear:
        return f"{_things(len(missing))} missing, {listed(missing)}."
    if not missing:
        return f"{_things(len(unclear))} unclear, {listed(unclear)}."
    one = len(unclear) == 1
    return f"{_things(len(missing))} missing and {len(unclear)} {'is' if one else 'are'} unclear: {', '.join(missing + unclear)}."


def _things(count: int) -> str:
    return "1 thing is" if count == 1 else f"{count} things are"


def name_of(field: str) -> str:
    """Give a field's name as people say it."""
    return {"description": "a description", "summary": "a subject"}.get(
        field, NAMES.get(field, field)
    )


def example(findings: Sequence[Finding], rules: Rules) -> str:
    """Write one line that answers all findings, at most 40 characters where that can be."""
    for short in (False, True):
        parts = [_answer(finding, rules, short) for finding in findings]
        line = ", ".join(part for part in parts if part)
        if len(line) <= MAX_TYPED:
            return _ordered(line, parts)
    return _ordered(line, parts)


def _ordered(line: str, parts: Sequence[str]) -> str:
    """Put a free sentence behind the fields: "severity 2. Logins fail."."""
    free = [part for part in parts if part.endswith(".")]
    fields = [part for part in parts if part and not part.endswith(".")]
    if not free:
        return line
    return " ".join([", ".join(fields) + ".", *free]) if fields else " ".join(free)


def _answer(finding: Finding, rules: Rules, short: bool) -> str:
    """Write the words that answer one finding."""
    values = [v for v in finding.values if finding.trouble == "conflict"]
    numbers = [v for v in values if isinstance(v, int)]
    match finding.field:
        case "severity":
            number = min(numbers) if numbers else 1 if finding.trouble == "invalid" else 2
            return (
                f"{rules.severity.short[0]}{number}"
                if short and rules.severity.short
                else f"severity {number}"
            )
        case "phase":
            return f"phase {min(numbers) if numbers else 1}"
        case "commander":
            named = [str(v) for v in values if isinstance(v, Person)]
            if named:
                return f"IC: {named[0]}"
            return "IC: me" if short else "I am incident commander"
        case "channel":
            return "channel: this list"
        case "summary":
            return "Summary: what is broken"
        case "description":
            return "Logins fail since noon."
        case _:
            return f"{NAMES.get(finding.field, finding.field)}: Ana"


def finding_model(finding: Finding, rules: Rules) -> dict[str, object]:
    """Give what the block of one open field shows."""
    choices = [
        _choice(finding.field, value) for value in finding.values if not isinstance(value, str)
    ]
    said = [str(v) for v in finding.values if isinstance(v, str)]
    return {
        "field": finding.field,
        "label": NAMES.get(finding.field, finding.field),
        "trouble": finding.trouble,
        "said": said,
        "team": any(map(team_pattern(rules.people.commander).search, said)),
        "words": [quoted(words, 60) for words in dict.fromkeys(finding.words)],
        "choices": choices,
    }


def _choice(field: str, value: Value) -> str:
    return f"IC: {value}" if isinstance(value, Person) else f"{field} {value}"


def read_rows(
    stated: Stated, rules: Rules, incident: Incident | None = None
) -> list[dict[str, str]]:
    """List what was understood, each value with the words that it was read from."""
    rows = []
    for field in (*VITAL, "channel"):
        value = stated.get(field)
        if value is None:
            continue
        text = value_text(field, value, rules)
        was = incident.current().get(field) if incident else None
        if was is not None and was != value and field != "channel":
            text = f"{shown(was)} -> {text}"
        rows.append({"label": field, "value": text, "words": quoted(stated.words.get(field, ""))})
    for row in rows:
        row["words"] = "" if row["words"] == '""' else row["words"]
    return rows


def value_text(field: str, value: Value, rules: Rules) -> str:
    """Write a value with its name: "2 (high)"."""
    if isinstance(value, int):
        name = rules.severity.name(value) if field == "severity" else rules.phase.name(value)
        return f"{value} ({name})" if name else str(value)
    return shown(value)


def people_line(stated: Stated) -> str:
    """Say who holds the other roles, in one sentence without a period."""
    parts = [f"{NAMES[role]} {stated.get(role)}" for role in PERSONAL if stated.get(role)]
    if stated.experts:
        word = "experts" if len(stated.experts) > 1 else "expert"
        parts.append(f"{word} {listed([str(p) for p in stated.experts])}")
    return ", ".join(parts)


def _correction(stated: Stated) -> str:
    severity = stated.get("severity")
    if isinstance(severity, int):
        return f"severity {severity + 1 if severity < 4 else severity - 1}"
    if "phase" in stated.values:
        return "phase 2"
    return "IC: Ana Silva" if "commander" in stated.values else "channel: #another"


def state_line(state: dict[str, Value]) -> str:
    """Write a state as a sentence: "Severity 1, phase 2. Incident commander: Ana Silva."."""
    parts = [f"severity {state['severity']}"] if "severity" in state else []
    parts += [f"phase {state['phase']}"] if "phase" in state else []
    text = ", ".join(parts)
    text = text[:1].upper() + text[1:] + "." if text else ""
    commander = state.get("commander")
    return f"{text} Incident commander: {commander}." if commander else text


def _record_line(incident: Incident) -> str:
    current = incident.current()
    names = {"severity": "severity", "phase": "phase", "commander": "commander"}
    return ", ".join(f"{names[n]} {current[n]}" for n in VITAL if n in current)


def _by_commander(draft: Draft, incident: Incident) -> bool:
    commander = incident.commander
    return (
        commander is not None and (commander.address or "").lower() == draft.author.address.lower()
    )


def _alternative(state: dict[str, Value], rules: Rules, by_commander: bool) -> str:
    field = "severity" if by_commander else "phase"
    value = state.get(field)
    steps = rules.severity.step if field == "severity" else rules.phase.step
    numbers = [step.number for step in steps if step.number != value]
    near = (
        min(numbers, key=lambda n: (abs(n - value), -n)) if isinstance(value, int) else numbers[0]
    )
    return f"same, but {field} {near}"
