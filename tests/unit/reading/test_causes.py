"""One cause of a misreading a row: what must be read from a sentence, and what must not from its like."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from maild.edge.files import load_rules, raw_from_file
from maild.incident.verdict import Background, counting, required, resolve
from maild.mail.parse import parse
from maild.reading.body import ListNames
from maild.reading.reading import Person
from maild.reading.report import Reader

LIST = "incidents@example.com"
HEAD = f"""From: Kim Park <kim@example.org>
To: {LIST}
Date: Mon, 04 May 2026 12:00:00 +0000
Message-ID: <1@example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
"""


@cache
def reader() -> Reader:
    return Reader(load_rules(), ListNames(LIST, ("incidents",), UTC))


def stated(text: str, field: str) -> Any:
    """Give what an opening states of a field: its value, "invalid", "conflict", or None."""
    subject, _, body = text.rpartition("\n~\n")
    raw = f"{HEAD}Subject: {subject or 'News'}\n\n{body}\n".replace("\n", "\r\n").encode()
    report = reader().read(parse(raw_from_file(raw, datetime(2026, 5, 4, 13, tzinfo=UTC), LIST)))
    if field in ("summary", "description"):
        return getattr(report, field)
    found = resolve(counting(report, "opening", Background()), report, report.author, Background())
    for finding in required(found, "opening", reader().rules):
        if finding.field == field:
            return None if finding.trouble == "missing" else finding.trouble
    value = found.get(field)
    if isinstance(value, Person):
        return value.name
    return value.strftime("%H:%M") if isinstance(value, datetime) else value


CAUSES = [
    # A word of deliberation that looks like a condition.
    ("After a short discussion, we treat this as a severity 2 incident.", "severity", 2),
    ("After the failover we treat this as a severity 2 incident.", "severity", None),
    ("We have decided to treat the matter below as a severity 2 incident.", "severity", 2),
    ("This is below severity 2.", "severity", None),
    # A value that is feared.
    ("Severity 1 remains the great worry.", "severity", None),
    ("The depot is dark. Sev 1 is still a possibility for tonight.", "severity", None),
    ("Severity 1 would be a nightmare", "severity", None),
    ("The fear is still severity 1.", "severity", None),
    ("Our concern is that it becomes severity 1.", "severity", None),
    ("Severity 2 remains our level.", "severity", 2),
    ("Severity 2 is right given the risk.", "severity", 2),
    ("Severity 2 with a risk of data loss.", "severity", 2),
    ("The risk is low and severity 3 remains.", "severity", 3),
    ("The danger is over: severity 3.", "severity", 3),
    ("Phase 0 is still a fear, we are in phase 1.", "phase", 1),
    # A change that names where it comes from.
    ("Escalated from severity 3 to severity 2 at 01:50.", "severity", 2),
    ("Escalated from SEV3 to 2.", "severity", 2),
    ("We will escalate from severity 3 to severity 2 at noon.", "severity", None),
    ("Up from severity 3 last week.", "severity", None),
    ("We moved from phase 0 to phase 1.", "phase", 1),
    ("If it holds we go from phase 0 to phase 1.", "phase", None),
    # Questions about a value.
    ("Are we in phase 2 now?", "phase", None),
    ("Still phase 1?", "phase", None),
    ("Phase 1?", "phase", 1),
    # A legend between label and value.
    ("Severity (1 = worst, 4 = mild): 2", "severity", 2),
    ("Severity (1 = worst, 4 = mild): blue", "severity", "invalid"),
    # Fields that follow each other without punctuation, or behind slashes and dashes.
    ("sev 3 phase 1 ic me", "phase", 1),
    ("sev 3 phase 1 ic me", "commander", "Kim Park"),
    ("sev 3 phase 1 ic: jo park", "commander", "jo park"),
    ("The vendor has severity 1 phase 2.", "phase", None),
    ("Severity 2/Phase 1/IC me", "phase", 1),
    ("See /phase 1/notes for it.", "phase", None),
    ("SEV 2 — phase 0 — IC: Aaron Pike — bridge https://meet.example.org/a", "commander", "Aaron Pike"),
    ("SEV 2 — phase 0 — IC: Aaron Pike — bridge https://meet.example.org/a", "channel", ("https://meet.example.org/a",)),
    ("S1 / phase 1 / IC Ane Ruiz -- host restarted", "commander", "Ane Ruiz"),
    ("S1 / phase 1 / IC needed -- host restarted", "commander", None),
    # Fields at the end of a subject.
    ("Gates open - Sev 3 - phase 1 - IC Anna Berg\n~\nx", "commander", "Anna Berg"),
    ("Gates open - Sev 3 - phase 1 - IC Anna Berg\n~\nx", "summary", "Gates open"),
    ("Gates open - IC chips fail\n~\nx", "summary", "Gates open - IC chips fail"),
    # Who agreed to lead, and how command was passed on.
    ("Ravi Desai has kindly agreed to act as incident commander.", "commander", "Ravi Desai"),
    ("Ravi Desai has been asked to act as incident commander.", "commander", None),
    ("Command has been handed over to Marcus Hill.", "commander", "Marcus Hill"),
    ("Command will be handed over to Marcus Hill at 18:00.", "commander", None),
    # A team is no person, however its name is joined.
    ("IC: Trust & Safety team", "commander", "invalid"),
    ("IC: Facilities", "commander", "invalid"),
    ("IC: Jane Smith and team", "commander", "Jane Smith"),
    ("IC: Jane and Team", "commander", "Jane"),
    ("IC: Jane and Tim", "commander", "conflict"),
    ("IC: Jane Smith / SRE", "commander", "Jane Smith"),
    # A title behind what somebody does; without the title it is none (section 8.10).
    ("I'll be running this as IC.", "commander", "Kim Park"),
    ("I'll be running this.", "commander", None),
    # Dots, tabs and Markdown between label and value.
    ("Severity......: 3", "severity", 3),
    ("Severity...", "severity", None),
    ("Severity\t3\nPhase\t1", "phase", 1),
    ("Slack: [#pay](https://example.slack.com/c/1)", "channel", ("#pay",)),
    ("Slack: #pay, https://meet.example.org/1", "channel", ("#pay", "https://meet.example.org/1")),
    ("sev 2, bridge +48 22 555 0166 pin 1200", "channel", ("+48 22 555 0166 pin 1200",)),
    ("The bridge of the ship called +48 22 555 0166.", "channel", None),
    ("IC: me. #cms-preview", "channel", ("#cms-preview",)),
    ("IC: me. #3 comes later", "channel", None),
    # A remark in parentheses behind a value, and a condition there.
    ("Sev 2 (sorry, typed 3 in the chat).", "severity", 2),
    ("Sev 1 (if the backup fails).", "severity", None),
    ("Sev 1 (says the vendor).", "severity", None),
    # Conditions behind a value, and requests.
    ("This is a severity 1 if the backup fails.", "severity", None),
    ("Please raise it to a severity 2.", "severity", None),
    ("Please treat this as a severity 2.", "severity", 2),
    ("Not a sev 1, more like a sev 3.", "severity", 3),
    ("It is like a sev 3 of theirs.", "severity", None),
    ("Declaring this: severity 1, phase 0.", "severity", 1),
    ("Otherwise no change: severity 4, phase 1.", "severity", 4),
    ("Otherwise severity 1.", "severity", None),
    # Who has the title: behind a relative clause, in a remark, in his own lower case.
    ("Kwame Asante, who is on call tonight, is the incident commander.", "commander", "Kwame Asante"),
    ("Writing on behalf of Tiago Nunes, who is incident commander.", "commander", "Tiago Nunes"),
    ("I told Tiago Nunes, if he is around, to be incident commander.", "commander", None),
    ("It is headed by Taras Melnyk (incident commander).", "commander", "Taras Melnyk"),
    ("It was headed by Taras Melnyk (incident commander).", "commander", None),
    ("Kim Park (Incident Manager)", "commander", None),
    ("commander kim park", "commander", "Kim Park"),
    ("commander is asleep", "commander", None),
    ("I'm here and have taken over as IC from Pieter.", "commander", "Kim Park"),
    ("I'm here and would take over as IC from Pieter.", "commander", None),
    # Somebody else's words, scale, and refused changes.
    ('They wrote: "our incident commander is Jim Poole."', "commander", None),
    ("The power company has declared a severity 1.", "severity", None),
    ("We have declared a severity 1.", "severity", 1),
    ("I was asked to downgrade this to severity 3.", "severity", None),
    ("It was downgraded to severity 3.", "severity", 3),
    ("Related: last month's outage (severity 1, phase 3) began like this.", "severity", None),
    ("We opened a ticket with the vendor (severity 1).", "severity", None),
    ("The shop is down (severity 1).", "severity", 1),
    ("The severity is set to 1 and the phase is 1.", "severity", 1),
    ("The severity 1 on Monday was worse.", "severity", None),
    ("Back to severity 3 after talking to billing.", "severity", 3),
    ("Back to severity 3 after the backup runs.", "severity", None),
    # Whole sentences between quotation marks are somebody else's, or an example.
    ('Like this: "Severity 3, phase 1. I am incident commander."', "severity", None),
    ('Like this: "Severity 3, phase 1. I am incident commander."', "commander", None),
    ('The 19" rack is off. Severity 3. The 24" screen too.', "severity", 3),
    ('Severity: "High"', "severity", 2),
    ("Our director keeps saying this is a severity 1.", "severity", None),
    ("I keep saying: this is a severity 1.", "severity", 1),
    # A plan tells of later states.
    ("Phase 1.\n\nPlan:\n- 10:00 then phase 2\n- 12:00 Bob takes over as IC", "phase", 1),
    ("Plan:\n- 10:00 then phase 2\n- 12:00 Bob takes over as IC", "commander", None),
    ("Plan:\n\nSeverity: 2", "severity", 2),
    # A preposition behind a comma goes on with what stands before it.
    ("I was incident commander until noon, at severity 2.", "severity", None),
    ("I was asleep, severity 2.", "severity", 2),
    ("IC: Dipl.-Ing. Eva Maier (Radiologie)", "commander", "Dipl.-Ing. Eva Maier"),
    ("IC: Eva. The rest follows", "commander", "Eva"),
    ("I'm on it as IC.", "commander", "Kim Park"),
    ("I'm on it.", "commander", None),
    ("From the bridge: sev 2, phase 2.", "severity", 2),
    ("Vendor status: sev 2, phase 2.", "severity", None),
    ("Sev1 phase1", "phase", 1),
    ("See #inc-phase1 for it.", "phase", None),
    ("I was incident commander from 08:30 to 12:00, at severity 2.", "severity", None),
    ("It was noon, severity 2.", "severity", 2),
    # Somebody else's commander, and ours.
    ("Their IC is Karl Benz.", "commander", None),
    ("The fire brigade's commander is Karl Benz.", "commander", None),
    ("Tonight's commander is Karl Benz.", "commander", "Karl Benz"),
    ("IC for us: Uma Rao", "commander", "Uma Rao"),
    ("Vendor IC: Uma Rao", "commander", None),
    ("I continue to be IC.", "commander", "Kim Park"),
    # Who has the title instead: the verb or the pronoun alone says it.
    ("I am not the IC, Min-ho Seo is.", "commander", "Min-ho Seo"),
    ("I'm no longer IC; Min-ho Seo is!", "commander", "Min-ho Seo"),
    ("I am not the IC, Min-ho Seo is?", "commander", None),
    ("I am not the IC, Min-ho Seo is on call.", "commander", None),
    ("If I am not the IC, Min-ho Seo is.", "commander", None),
    ("I am not the IC, nobody is.", "commander", None),
    ("I am not the IC, She is.", "commander", None),
    ("Until ten minutes ago Ben was IC, now it is me.", "commander", "Kim Park"),
    ("IC was Ben Lee until noon, now me.", "commander", "Kim Park"),
    ("Ben was IC, is it now me?", "commander", None),
    ("Ben was IC, now it is me?", "commander", None),
    ("Ben was IC on Sunday, now it is Monday.", "commander", None),
    ("Ben was IC, now it is me who writes.", "commander", None),
    ("If Ben was IC, now it is me.", "commander", None),
    ("Their IC was Ben, now it is me.", "commander", None),
    # Middle dots, and a place at the end of a status line.
    ("SEV1 · Phase 0 · IC Ty Monroe", "phase", 0),
    ("SEV2 PHASE 1 IC RAMON DIAZ #bgp-flap", "channel", ("#bgp-flap",)),
    ("SEV2 phase 1 see #bgp-flap", "channel", None),
    # A phase in a word, and a phase of something else behind a preposition.
    ("Phase is containment.", "phase", 1),
    ("The discovery phase is closed.", "phase", None),
    ("Motor 2 tripped at phase 3 overcurrent.", "phase", None),
    ("We are at phase 3.", "phase", 3),
    ("I'd say sev 2 for the moment.", "severity", 2),
    ("Sev 2 the moment it rains.", "severity", None),
    ("Phase 1 as Ramon has the process.", "phase", 1),
    ("Severity 1 process applies.", "severity", None),
    # A role of nobody, in capitals.
    ("Scribe: N/A", "scribe", None),
    ("Scribe: Nora Adams", "scribe", "Nora Adams"),
    # A place made the channel by the words behind it.
    ("Please use #toll for coordination.", "channel", ("#toll",)),
    ("#toll is the incident channel.", "channel", ("#toll",)),
    ("Please use https://old.example.org for payments.", "channel", None),
    ("Comms channel - #maps-blank", "channel", ("#maps-blank",)),
    ("Support channel - #maps-help", "channel", None),
    # A timeline tells of earlier states.
    ("Severity: 2\n\nTimeline (UTC)\n14:05 - this is a severity 4\n14:40 - Severity: 3", "severity", 2),
    ("Timeline is bad.\nSeverity: 2", "severity", 2),
    ("Timeline\n14:05 first alarm\n\nSeverity: 2\nIC: me", "severity", 2),
    # Since when what is broken is broken.
    ("Every insert fails since 09:05.", "started_at", "09:05"),
    ("All branches are stable since 09:05.", "started_at", None),
    ("Every insert fails since 09:05.", "description", True),
    ("Down since 09:05.", "description", False),
    # How it was handled for a while, and how it is handled.
    ("Until ten we handled this outage as a severity 1, then the bank rang back.", "severity", None),
    ("We treated this as a severity 2.", "severity", None),
    ("This is being treated as a severity 2.", "severity", 2),
    ("We have treated this as a severity 2 from the first minute.", "severity", 2),
    ("Not severity 1 any longer: severity 2.", "severity", 2),
    # A polite way to say it, and a plan.
    ("Kindly note severity 2, phase 1 for below issue.", "severity", 2),
    ("Please be advised that we are in phase 1 for below issue.", "phase", 1),
    ("Please note the severity 2 playbook.", "severity", None),
    ("In phase 2 we will rebuild the index.", "phase", None),
    ("Phase 3 will follow on Monday.", "phase", None),
    ("We are in phase 2 and will rebuild the index.", "phase", 2),
    ("Phase 2. We will rebuild the index.", "phase", 2),
    # "As before" is no point in time.
    ("Channel as before, phase 2.", "phase", 2),
    ("Before phase 2 there is much to do.", "phase", None),
    # What another's page says goes on behind a comma; ours does not.
    ("The carrier has a cut cable on their page, severity 1, phase \"mitigating\".", "phase", None),
    ("The vendor has it as severity 1, phase 2.", "severity", None),
    ("The customer has no power, severity 1, phase 2.", "severity", 1),
    # Who is in charge, and what he is in charge of.
    ("Your incident commander tonight is Ola Berg.", "commander", "Ola Berg"),
    ("Their incident commander tonight is Ola Berg.", "commander", None),
    ("Ola Berg is in charge as incident commander.", "commander", "Ola Berg"),
    ("Ola Berg is in charge.", "commander", None),
    ("Ola Berg was in charge as incident commander.", "commander", None),
    ("I am in command as IC.", "commander", "Kim Park"),
    # A name behind a handle; a remark is none.
    ("IC: @ola (Ola Berg)", "commander", "Ola Berg"),
    ("IC: @ola (Ola)", "commander", "Ola"),
    ("IC: @ola (Payroll)", "commander", None),
    ("IC: @ola (Billing Team)", "commander", None),
    ("IC: o.berg@example.org (Ola Berg)", "commander", "Ola Berg"),
    # Fields between slashes without blanks, or double colons.
    ("SEV2/phase 1/IC: Ola Berg/Slack: #pay", "commander", "Ola Berg"),
    ("SEV2/phase 1/IC: Ola Berg/Slack: #pay", "channel", ("#pay",)),
    ("Docs are at wiki/Slack: #help is for questions.", "channel", None),
    ("Notes: https://wiki.example.org/1/IC: Ola Berg", "commander", None),
    ("Severity 2 :: phase 1 :: commander Ola Berg", "commander", "Ola Berg"),
    ("Vendor::commander", "commander", None),
    # A telephone number goes on in the next line; a new line of digits does not.
    ("We are on the conference bridge +49 30\n5550 0122, PIN 12.", "channel", ("+49 30 5550 0122, PIN 12",)),
    ("Bridge: +49 30\n5550 0122, PIN 12", "channel", ("+49 30 5550 0122, PIN 12",)),
    ("Bridge: #pay\n5550 0122 people have no light.", "channel", ("#pay",)),
    # A room described, with its floor.
    ("War room: the green van behind the hall", "channel", ("the green van behind the hall",)),
    ("War room: a tent next to the gate", "channel", ("a tent next to the gate",)),
    ("War room: we shall tell you where later", "channel", None),
    ("War room: Old Mill, 2nd floor", "channel", ("Old Mill, 2nd floor",)),
    ("War room: Old Mill, bring a coat", "channel", ("Old Mill",)),
    # The next update on a day that is named at once.
    ("Next update tomorrow 09:00", "next_update", "09:00"),
    ("Next update Friday, 09:00", "next_update", "09:00"),
    ("Next update by somebody else tomorrow.", "next_update", None),
    # Dictated, without digits or marks.
    ("severity three phase zero i am the incident commander and the lift is stuck", "phase", 0),
    ("there are two phase one transformers", "phase", None),
    # A change without a verb, and what else is down.
    ("Down from severity 2 to severity 3.", "severity", 3),
    ("Traffic is down from severity 2 levels to nothing.", "severity", None),
    ("We have left phase 1 and are now in phase 2.", "phase", 2),
    ("We left phase 1 to the vendor.", "phase", None),
    # Who is commander for how long, and from when.
    ("Your incident manager for the next hours will be Ola Berg.", "commander", "Ola Berg"),
    ("The next incident manager will be Ola Berg.", "commander", None),
    ("From 14:00 on IC is Ola Berg.", "commander", None),
    ("At 18:00 IC is Ola Berg.", "commander", None),
    ("From 06:00 I am incident commander.", "commander", "Kim Park"),
    ("IC: Ola Berg from 18:00, until then me", "commander", "conflict"),
    ("IC: Ola Berg from 18:00", "commander", "invalid"),
    # Behind a full name, words that are no part of it.
    ("IC: Ola Berg covering for Jo Moss", "commander", "Ola Berg"),
    ("IC: Maria del Carmen Ruiz", "commander", "Maria del Carmen Ruiz"),
    ("IC: ola berg", "commander", "ola berg"),
    ("IC: Ola Berg via Teams", "commander", "Ola Berg"),
    ("IC: Platform Team via Slack", "commander", "invalid"),
    # Whose phase it is.
    ("Response phase: 2", "phase", 2),
    ("Vendor response phase: 2", "phase", None),
    # A pair of values, of which the first states nothing.
    ("The bank's call: severity 1, phase 2. We wait.", "phase", None),
    ("Every shop is down: severity 1, phase 2.", "phase", 2),
    ("Not a severity 1, phase 2.", "phase", 2),
    ("Not a severity 1, phase 2.", "severity", None),
    # Fields glued together, or with nothing between.
    ("severity=2;phase=1;ic=Ola Berg;channel=#pay", "commander", "Ola Berg"),
    ("severity:2,phase:1,ic:Ola Berg,channel:#pay", "channel", ("#pay",)),
    ("It costs 5,call: nobody.", "channel", None),
    ("Sev: 2 Phase: 1 IC: Ola Berg Bridge: #pay", "commander", "Ola Berg"),
    ("Sev: 2 Phase: 1 IC: Ola Berg Bridge: #pay", "channel", ("#pay",)),
    ("Sev: 2 Next IC: Ola Berg", "commander", None),
    # A telephone's PIN in a line of its own.
    ("Bridge: +49 30 5550 0122\nPIN: 12", "channel", ("+49 30 5550 0122 PIN: 12",)),
    ("Bridge: #pay\nPIN: 12 to be changed", "channel", ("#pay",)),
    # Two values behind one label.
    ("Severity: 2 until ten, now 3", "severity", "conflict"),
    ("Severity: 2 until ten, now 3 shops work again", "severity", 2),
    ("Severity: 2, 3 shops are closed", "severity", 2),
    ("Severity: 1 for guests, 3 for staff", "severity", "conflict"),
    ("Severity: 1 for guests and staff", "severity", 1),
    ("Phase: 1 for the power and 2 for the lifts", "phase", "conflict"),
    # Words in front of a name, and names that begin with a small letter.
    ("IC: not Ola Berg", "commander", "invalid"),
    ("IC: not me", "commander", "invalid"),
    ("IC: ask Ola Berg", "commander", "invalid"),
    ("IC: de Boer", "commander", "de Boer"),
    ("IC: Ola Berg?", "commander", "Ola Berg"),
    # A short beginning, and an apostrophe left out.
    ("Quick one: sev 2, phase 1.", "severity", 2),
    ("Vendor one: sev 2, phase 1.", "severity", None),
    ("Im the IC.", "commander", "Kim Park"),
    ("We sat im IC, all of us.", "commander", None),
    # A greeting, and news that begins like one.
    ("All barriers crashed.", "description", True),
    ("Dear Anna", "description", False),
    # A sentence that begins with a small letter, and one that is none.
    ("The lifts stand still. phase 1. we wait.", "phase", 1),
    ("It took two min. phase 1 of the pump is hot.", "phase", None),
    # A period at a line's end, in the middle of a wrapped line.
    ("The lifts stand still, and severity is high. Our incident manager is Mr.\nOla Berg.", "commander", "Mr. Ola Berg"),
    ("Our manager told us, as we were on the way to the hall, to ask Mr.\nOla Berg.", "commander", None),
    # A colon behind a clause that has an "and" in it.
    ("Jo says so and finance agrees: severity 1.", "severity", 1),
    ("Vendor and carrier status: severity 1.", "severity", None),
    # A short headline, and another's.
    ("Lifts stuck: severity 2, phase 1", "phase", 1),
    ("Vendor offline: severity 2, phase 1", "phase", None),
    ("Acme status: severity 2", "severity", None),
    # A remark on one value has no force over the next.
    ("Severity 2 (3 when I woke up), phase 1, IC Ola Berg.", "phase", 1),
    ("Severity 2 (3 when I woke up), phase 1, IC Ola Berg.", "commander", "Ola Berg"),
    ("When I woke up (severity 2), phase 1 of the wiring was gone.", "phase", None),
    # A range in front of another value.
    ("sev 1-2\nphase 1", "phase", 1),
    ("sev 1-2\nphase 1", "severity", "conflict"),
    # What stays.
    ("Severity 3 and phase 2 stay as they are.", "phase", 2),
    ("Severity 3 and phase 2 breakers are bought.", "phase", None),
    # Not this one but that one.
    ("The incident commander is not me but Ola Berg.", "commander", "Ola Berg"),
    ("The incident commander is neither me nor Ola Berg.", "commander", None),
    ("Phase 1, under incident commander Ola Berg.", "commander", "Ola Berg"),
    ("We learned much under incident commander Ola Berg.", "commander", None),
    # Other roles with nothing between, or behind each other.
    ("Scribe Ola Berg, IC Jo Moss.", "scribe", "Ola Berg"),
    ("Scribe Ola Berg asked for is ill.", "scribe", None),
    ("Scribe: Ola Berg; severity 2; phase 1", "phase", 1),
    ("Scribe: Ola Berg; the vendor says severity 2", "severity", None),
    ("Slack: #pay, scribe Ola Berg.", "scribe", "Ola Berg"),
    # Places.
    ("Coordinating in #pay; else the conference bridge +49 30 5550 0122.", "channel", ("#pay", "+49 30 5550 0122")),
    ("Coordinating in #pay; the vendor is on +49 30 5550 0122.", "channel", ("#pay",)),
    ("comms via #pay", "channel", ("#pay",)),
    ("comms broke #pay", "channel", None),
    ("All are welcome in #pay, that's where we're coordinating.", "channel", ("#pay",)),
    ("All are welcome in #pay, that's where we sell hats.", "channel", None),
    ("War room: North Wing Room 4", "channel", ("North Wing Room 4",)),
    ("War room: come to Room 4", "channel", ("Room 4",)),
    # A path is no mark of the subject's.
    ("/var on db2 is full\n~\nx", "summary", "/var on db2 is full"),
    ("/ Gates open\n~\nx", "summary", "Gates open"),
    # A quotation of several sentences that begins within one.
    ('Our handbook says: "A severity 1 is a day without sales. In phase 3 we write."', "severity", None),
    ('He said "no", so this is a severity 1.', "severity", 1),
    # A forward's header with a blank line between any two.
    ("Severity 2\n\nFrom: Nag <n@example.org>\n\nSent: Monday, May 4, 2026\n\nTo: us\n\nSeverity: 1", "severity", 2),
    ("From: the roof\n\nwater runs\n\nSeverity: 1", "severity", 1),
    # A number at the start of a wrapped line.
    ("All is dark in the hall since the storm, and we are in phase\n1. The lamps are on order.", "phase", 1),
    ("Things we are in want of, for the hall and for the long nights:\n1. lamps", "phase", None),
    # A short label beside a severity, an apostrophe left out, an own name in front of a label.
    ("sev2 ph1", "phase", 1),
    ("SEV2 Ph1, IC me", "phase", 1),
    ("SEV2, PH 0.", "phase", 0),
    ("sev2. In the tank it is ph 1 now.", "phase", None),
    ("sev2, pH 1.", "phase", None),
    ("Im IC.", "commander", "Kim Park"),
    ("sev2 ph1 ic kim park slack #pay", "commander", "Kim Park"),
    ("sev2 ph1 ic ola berg slack #pay", "commander", None),
    # For how long, of what, and who else.
    ("IC until nine is Ola Berg, then me.", "commander", "Ola Berg"),
    ("IC until nine was Ola Berg.", "commander", None),
    ("Commander of incident is Ola Berg.", "commander", "Ola Berg"),
    ("Commander of brigade is Ola Berg.", "commander", None),
    ("IC: Ola Berg and Will Moss", "commander", "conflict"),
    ("IC: Ola Berg, per Mail", "commander", "Ola Berg"),
    # A correction.
    ("Correction: severity 1, not 3.", "severity", 1),
    ("Acme page: severity 1, not 3.", "severity", None),
    # What has not happened since, and what works again.
    ("No new alarms since 10:20.", "started_at", None),
    ("No water since 10:20.", "started_at", "10:20"),
    ("The lamps are on since 10:20.", "started_at", None),
    # Examples and templates.
    ("Example - severity 1, phase 2", "severity", None),
    ("For example, sev 1, phase 2.", "phase", None),
    ("Template: Severity: 1, IC: Ola Berg", "commander", None),
    ("Sample store dark: severity 1", "severity", 1),
    ("Example:\n\nSeverity: 1\nIC: Ola Berg\n\nSeverity: 3", "severity", 3),
    ("Example:\n\nSeverity: 1\nIC: Ola Berg\n\nSeverity: 3", "commander", None),
    ("Please use this template: Severity: 1", "severity", None),
    ("Please use this bridge: severity: 1", "severity", 1),
    ("Template - severity 1, phase 2\n~\nx", "phase", None),
    ("Templates lost - severity 1, phase 2\n~\nx", "phase", 2),
    # A period behind a value ends the reach of what follows.
    ("sev 3, phase 1. no tickets are sold", "phase", 1),
    ("A sev 3 ticket came in.", "severity", None),
    # What may end a clause, and what goes on.
    ("We are in phase 1 already: the pump is off.", "phase", 1),
    ("We are in phase 1 already cut walls.", "phase", None),
    ("Jo and finance keep severity 2 as it is.", "severity", 2),
    ("Jo and finance print severity 2 stickers.", "severity", None),
    ("We go on to phase 2.", "phase", 2),
    ("We cannot go on to phase 2.", "phase", None),
    # Leaders of dots.
    ("Severity ..... 2\nCommander .... Ola Berg", "commander", "Ola Berg"),
    ("Bridge... who knows", "channel", None),
    # Who should come where.
    ("Everybody who can help should join #pay.", "channel", ("#pay",)),
    ("Customers should join #pay.", "channel", None),
    ("Undersigned is incident manager.", "commander", "Kim Park"),
    ("Somebody is incident manager.", "commander", None),
    ("War room: the small office next to the north gate", "channel", ("the small office next to the north gate",)),
    ("The incident commander is not here but Ola Berg, our deputy, is.", "commander", None),
    ("Under incident commander Ola Berg, in 2024, we lost two days.", "commander", None),
    ("The severity as it is defined in our book helps.", "severity", None),
    # What stands in a place's name, or in another field, says nothing of a value.
    ("Severity 2, in #vendor-tickets", "severity", 2),
    ("Severity 2 in the vendor ticket", "severity", None),
    ("Severity 2 and https://tickets.example.org/alert/if is open.", "severity", 2),
    ("Severity 2 | phase 1 | vendor ticket 4711", "phase", 1),
    ("Vendor ticket 4711 | severity 2 | open since Monday", "severity", None),
    ("Severity 2 / phase 1 / ticket 4711", "severity", 2),
    ("not severity 2 | phase 1", "severity", None),
    ("sev2 | ph1 | #pay", "phase", 1),
    ("sev2 | in the tank ph1 | #pay", "phase", None),
    # Ours, beside what others call it.
    ("The maker has a severity 1 ticket. For us: severity 3, phase 1.", "severity", 3),
    ("For the maker: severity 1.", "severity", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "field", "value"), CAUSES)
def test_cause(text: str, field: str, value: object) -> None:
    assert stated(text, field) == value
