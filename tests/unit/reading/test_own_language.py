"""Another house's language, by rule files alone: German, five priorities, named phases."""

from datetime import UTC, datetime
from typing import Any

import pytest

from maild.edge.files import load_rules
from maild.incident.verdict import required
from maild.reading.reading import Person

from .conftest import AUTHOR, SECOND, Reads

KEVIN = Person(AUTHOR.name, AUTHOR.address)
ANNA = Person("Anna Schmidt")


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


STATED: list[tuple[str, str, Any]] = [
    ("Priorität: 2", "severity", 2),
    ("Priorität: hoch", "severity", 3),
    ("Prio 2 (kritisch)", "severity", 2),
    ("Das ist eine P1 Störung.", "severity", 1),
    ("Hohe Priorität.", "severity", 3),
    ("Priorität: fünf", "severity", 5),
    ("Priorität von 3 auf 2 erhöht.", "severity", 2),
    ("Neue Priorität: 4", "severity", 4),
    ("Phase: Behebung", "phase", 3),
    ("Stand: behoben", "phase", 5),
    ("Wir sind jetzt in Phase Analyse.", "phase", 2),
    ("Wir sind in der Phase 2.", "phase", 2),
    ("Duty Manager: Anna Schmidt", "commander", ANNA),
    ("Duty Manager: ich", "commander", KEVIN),
    ("Duty Manager: Bob Lang -> Anna Schmidt", "commander", ANNA),
    (
        "Duty Manager: Dr. Anna von der Heide (anna@example.com)",
        "commander",
        Person("Dr. Anna von der Heide", "anna@example.com"),
    ),
    ("Duty Managerin ist Anna Schmidt.", "commander", ANNA),
    ("Duty Manager bleibt Anna Schmidt.", "commander", ANNA),
    ("Ich bin Einsatzleiter.", "commander", KEVIN),
    ("Ich übernehme die Einsatzleitung.", "commander", KEVIN),
    ("Ich übernehme von Bob Lang als Duty Manager.", "commander", KEVIN),
    ("Anna Schmidt ist Einsatzleiterin.", "commander", ANNA),
    ("Anna Schmidt übernimmt als Duty Manager.", "commander", ANNA),
    ("Übergabe an Anna Schmidt.", "commander", ANNA),
    ("Anna Schmidt übernimmt dankenswerterweise als Duty Manager.", "commander", ANNA),
    ("Anna Schmidt, unsere Schichtleiterin, ist Einsatzleiterin.", "commander", ANNA),
    ("Geleitet von Anna Schmidt (Einsatzleiterin).", "commander", ANNA),
    ("Ich bin hier und habe von Bob Lang übernommen als Duty Manager.", "commander", KEVIN),
    ("Ich bin nicht Einsatzleiter, Anna Schmidt ist.", "commander", ANNA),
    ("Bob Lang war Einsatzleiter, das bin jetzt ich.", "commander", KEVIN),
    ("Einsatzleiter für heute: Anna Schmidt", "commander", ANNA),
    ("Duty Manager: Anna Schmidt und Kollegen", "commander", ANNA),
    ("Die Priorität ist 2.", "severity", 2),
    ("Das ist ohne Zweifel eine P2.", "severity", 2),
    ("Stand der Arbeiten ist Analyse.", "phase", 2),
    ("Bitte #kasse-steht zur Koordination nutzen.", "channel", ("#kasse-steht",)),
    ("P2 | Phase 3 #kasse-steht", "channel", ("#kasse-steht",)),
    ("Kanal: #kasse-steht", "channel", ("#kasse-steht",)),
    ("Wir koordinieren in #kasse-steht.", "channel", ("#kasse-steht",)),
    ("Konferenz: +49 30 5550100, PIN 4321", "channel", ("+49 30 5550100, PIN 4321",)),
    ("Treffpunkt: Raum 4.12", "channel", ("Raum 4.12",)),
    ("Kundenkontakt: Jayla M.", "customer_liaison", Person("Jayla M.")),
    (
        "Fachleute: Alícia S., Dave D. und Eva K.",
        "experts",
        (Person("Alícia S."), Person("Dave D."), Person("Eva K.")),
    ),
    ("Nächste Meldung: 14:30 Uhr", "next_update", at(11, 14, 30)),
    ("Nächste Meldung in zwanzig Minuten.", "next_update", at(11, 9, 20)),
    ("Nächste Lage um 15 Uhr.", "next_update", at(11, 15)),
    ("Nächste Meldung: Freitag 10 Uhr", "next_update", at(13, 10)),
    ("Nächstes Update in einer halben Stunde.", "next_update", at(11, 9, 30)),
    ("Beginn: gestern 22:14 Uhr", "started_at", at(10, 22, 14)),
    ("Beginn: 10. März 22:14 MEZ", "started_at", at(10, 21, 14)),
    ("Seit 8:05 Uhr steht die Kasse.", "started_at", at(11, 8, 5)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "field", "value"), STATED, ids=[row[0] for row in STATED])
def test_a_german_statement_is_read(lies: Reads, text: str, field: str, value: object) -> None:
    stated = lies(text)
    assert stated.get(field) == value
    assert not stated.findings


NOT_STATED = [
    ("Das ist keine P1.", "severity"),
    ("Wenn das so weitergeht, wird daraus eine P1.", "severity"),
    ("Letzte Woche hatten wir eine P1.", "severity"),
    ("Ist das eine P2?", "severity"),
    ("Noch Priorität 2?", "severity"),
    ("Bisher\n8:05 das ist eine P4\n8:10 Prio: 3", "severity"),
    ("Nächste Schritte:\n- 10:00 dann Phase 4", "phase"),
    ("Die Phase ist abgeschlossen.", "phase"),
    ("Alle Filialen laufen stabil seit 9:05 Uhr.", "started_at"),
    ("P2 | Phase 3 | siehe #kasse-steht", "channel"),
    ("Severity: 2", "severity"),
    ("Phase 2 des Umzugs ist fertig.", "phase"),
    ("Wir sehen uns die Behebung an.", "phase"),
    ("Anna könnte Einsatzleiterin sein.", "commander"),
    ("Ich bin nicht Einsatzleiter.", "commander"),
    ("Ich übergebe an Anna Schmidt um 18 Uhr.", "commander"),
    ("Duty Manager: noch offen", "commander"),
    ("I am incident commander.", "commander"),
    ("Das Dashboard ist https://grafana.example.com/d/1", "channel"),
    ("Die Meldung kam um 14:30 Uhr.", "next_update"),
    ("Der Ausfall dauerte seit Jahren nie so lang.", "started_at"),
]


@pytest.mark.parametrize(("text", "field"), NOT_STATED, ids=[row[0] for row in NOT_STATED])
def test_a_near_miss_states_nothing(lies: Reads, text: str, field: str) -> None:
    assert lies(text).get(field) is None


INVALID = [
    ("Priorität 9", "severity", "9"),
    ("Priorität: dringend", "severity", "dringend"),
    ("Phase: Feuerwehr", "phase", "Feuerwehr"),
    ("Duty Manager: Team Betrieb", "commander", "Team Betrieb"),
]


@pytest.mark.parametrize(("text", "field", "words"), INVALID, ids=[row[0] for row in INVALID])
def test_a_value_off_the_scale_is_invalid(lies: Reads, text: str, field: str, words: str) -> None:
    (finding,) = lies(text).findings
    assert (finding.field, finding.trouble, finding.values) == (field, "invalid", (words,))


MAIL = """\
Hallo zusammen,

seit 8:05 Uhr nimmt keine Kasse mehr Karten an. Das ist eine P2, wir sind jetzt in Phase Analyse.
Ich bin Duty Manager, Kundenkontakt ist Jayla Moore. Letzte Woche hatten wir eine P1.

Wir koordinieren in #kasse-steht auf Slack. Nächste Meldung um 10 Uhr.
"""


def test_a_whole_mail_in_german_is_complete(lies: Reads) -> None:
    stated = lies(MAIL)
    assert required(stated, "opening", load_rules(SECOND)) == ()
    assert stated.values == {
        "severity": 2,
        "phase": 2,
        "commander": KEVIN,
        "customer_liaison": Person("Jayla Moore"),
        "channel": ("#kasse-steht",),
        "started_at": at(11, 8, 5),
        "next_update": at(11, 10),
    }


def test_what_is_required_is_the_second_houses(lies: Reads) -> None:
    findings = required(
        lies("Die Kasse steht seit heute morgen still."), "opening", load_rules(SECOND)
    )
    assert [finding.field for finding in findings] == [
        "severity", "phase", "commander", "customer_liaison",
    ]  # fmt: skip


def test_a_tag_in_the_subject_counts_and_is_no_part_of_the_summary(lies: Reads) -> None:
    stated = lies("Nichts geht mehr an der Kasse.", "[P2] Kasse steht - Phase Analyse")
    assert (stated.get("severity"), stated.get("phase")) == (2, 2)
    assert stated.summary == "Kasse steht"
