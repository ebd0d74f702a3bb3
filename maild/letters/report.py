"""The monthly report: a month in figures beside the months before it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from maild.incident.statistics import Case, Lengths, Month
from maild.letters.digest import zone_name
from maild.letters.layout import WIDTH, colour, one_blank, span
from maild.letters.letterhead import Letterhead, Sheet, printed
from maild.mail.build import Image, message_id
from maild.mail.message import Address, Outgoing

LABEL: Final = 24
CELL: Final = 12
TITLE: Final = 38
NOTHING: Final = "-"


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars over months: for each series its name, its colour and a value a month; stacked."""

    name: str
    title: str
    labels: tuple[str, ...]
    series: tuple[tuple[str, str, tuple[float, ...]], ...]
    unit: str = ""


Draw = Callable[[Chart], bytes | None]


def report_letter(head: Letterhead, months: Sequence[Month], draw: Draw, now: datetime) -> Outgoing:
    """Write the report of the first of some months to all who take a digest."""
    cause = ("report", months[0].begin.astimezone(UTC), months[0].end.astimezone(UTC))
    made = message_id(head.domain, "report", *cause)
    drawn = [(chart, png) for chart in charts(months, head.zone) if (png := draw(chart))]
    images = tuple(Image(f"{chart.name}.{made}", png) for chart, png in drawn)
    pictures = [
        {"src": f"cid:{image.cid}", "alt": chart.title}
        for (chart, _), image in zip(drawn, images, strict=True)
    ]
    return printed(
        head,
        Sheet(
            kind="report",
            cause=cause,
            to=Address(head.identity.name, head.identity.posting),
            subject=subject(months[0], head.zone),
            template="report",
            html="report",
            model={**model(head, months), "pictures": pictures},
            date=now,
            submitted="auto-generated",
            fields=(*head.identity.fields(), ("X-Incident-Kind", "report")),
            recipients=(),
            audience="monthly",
            images=images,
        ),
    )


def report_text(head: Letterhead, months: Sequence[Month]) -> str:
    """Give the report as plain text."""
    return one_blank(head.render("report.txt", model(head, months)))


def report_html(head: Letterhead, months: Sequence[Month], sources: Mapping[str, str]) -> str:
    """Give the report as HTML; sources: a chart's name to where its picture is."""
    pictures = [
        {"src": sources[chart.name], "alt": chart.title}
        for chart in charts(months, head.zone)
        if chart.name in sources
    ]
    return head.render("report.html", {**model(head, months), "pictures": pictures})


def subject(month: Month, zone: tzinfo) -> str:
    """Write the subject: the month, how many, and how long they took."""
    took = f", median to resolve {span(month.to_resolve.median)}" if month.to_resolve else ""
    return f"Report of {_name(month, zone)}: {_counted(len(month.cases))}{took}"


def model(head: Letterhead, months: Sequence[Month]) -> dict[str, object]:
    """Give what the template shows; every value is text."""
    month = months[0]
    return {
        "title": subject(month, head.zone),
        "first": first_line(months, head.zone),
        "mitigated": head.rules.phase.last - 1,
        "zone": zone_name(month.end, head.zone),
        "heads": [f"{m.begin.astimezone(head.zone):%b %Y}" for m in months],
        "rows": [_row(label, values) for label, values in table(months)],
        "text_heads": _columns("", [f"{m.begin.astimezone(head.zone):%b %Y}" for m in months]),
        "ruler": "-" * (WIDTH - 2),
        "command": [
            {"who": str(who), "length": span(length), "text": f"  {span(length):>12}  {who}"}
            for who, length in month.command
        ],
        "cases": [_case(case) for case in month.cases],
        "case_heads": f"  sev  {'incident':<{TITLE}}  {'mitigated':<11} resolved",
    }


def first_line(months: Sequence[Month], zone: tzinfo) -> str:
    """Say in a sentence or two how many there were, and how that compares."""
    month, before = months[0], months[1] if len(months) > 1 else None
    line = f"{_counted(len(month.cases))} in {_name(month, zone)}"
    if before is not None:
        more = len(month.cases) - len(before.cases)
        name = f"{before.begin.astimezone(zone):%B}"
        line += (
            f", as many as in {name}"
            if more == 0
            else f", {abs(more)} {'more' if more > 0 else 'fewer'} than in {name}"
        )
    still = f" {month.open} still open." if month.open else ""
    return f"{line}.{still}"


def table(months: Sequence[Month]) -> list[tuple[str, list[str]]]:
    """Give the rows of figures, a value for each month."""
    severities = [number for number, _ in months[0].severities]
    counts = [dict(month.severities) for month in months]
    rows = [("incidents", [str(len(month.cases)) for month in months])]
    rows += [(f"severity {n}", [str(found.get(n, 0)) for found in counts]) for n in severities]
    rows += [
        ("to declare, median", [_median(month.to_declare) for month in months]),
        ("to mitigate, median", [_median(month.to_mitigate) for month in months]),
        ("to resolve, median", [_median(month.to_resolve) for month in months]),
        ("to resolve, mean", [_mean(month.to_resolve) for month in months]),
        ("updates promised", [str(month.promises.due) for month in months]),
        ("of them kept", [str(month.promises.kept) for month in months]),
    ]
    return rows


def charts(months: Sequence[Month], zone: tzinfo) -> list[Chart]:
    """Give what is worth a picture: how many and how grave, and how long they took."""
    old_first = list(reversed(months))
    labels = tuple(f"{m.begin.astimezone(zone):%b}" for m in old_first)
    severities = tuple(
        (
            f"severity {number}",
            colour(number),
            tuple(float(dict(m.severities).get(number, 0)) for m in old_first),
        )
        for number, _ in months[0].severities
    )
    hours = tuple(
        m.to_resolve.median.total_seconds() / 3600 if m.to_resolve else 0.0 for m in old_first
    )
    return [
        Chart("incidents", "Incidents by their gravest severity", labels, severities),
        Chart("resolve", "Median time to resolve", labels, (("", colour(4), hours),), "hours"),
    ]


def _row(label: str, values: Sequence[str]) -> dict[str, object]:
    return {"label": label, "cells": list(values), "text": _columns(label, values)}


def _columns(label: str, values: Sequence[str]) -> str:
    return ("  " + label.ljust(LABEL - 2) + "".join(v.rjust(CELL) for v in values)).rstrip()


def _case(case: Case) -> dict[str, object]:
    incident = case.incident
    number = incident.id.rpartition("-")[2]
    title = f"{number} {incident.summary}"
    if len(title) > TITLE:
        title = title[: TITLE - 3] + "..."
    severity = "?" if case.gravest is None else str(case.gravest)
    mitigated = span(case.to_mitigate) if case.to_mitigate is not None else NOTHING
    resolved = span(case.to_resolve) if case.to_resolve is not None else NOTHING
    return {
        "severity": severity,
        "colour": colour(case.gravest),
        "number": number,
        "summary": incident.summary,
        "mitigated": mitigated,
        "resolved": resolved,
        "text": f"  {severity:>2}   {title:<{TITLE}}  {mitigated:<11} {resolved}",
    }


def _name(month: Month, zone: tzinfo) -> str:
    return f"{month.begin.astimezone(zone):%B %Y}"


def _counted(count: int) -> str:
    return "No incident" if not count else f"{count} incident{'s' * (count > 1)}"


def _median(found: Lengths | None) -> str:
    return span(found.median) if found else NOTHING


def _mean(found: Lengths | None) -> str:
    return span(found.mean) if found else NOTHING
