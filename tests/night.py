"""The night of 14 to 15 March 2026, as letter 4 tells it: three incidents, mail by mail."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from maild.edge.store.digests import Digests
from maild.incident.digest import Digest
from tests.office import Office

BEGIN = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
END = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEVIN, ANA, BOB, JAYLA, DAVE, ALICIA, SHRUTI, TOM, MEI, WEI = (
    f"{name} <{name.split()[0].lower()}@example.com>"
    for name in (
        "Kevin Riggle",
        "Ana Silva",
        "Bob Lee",
        "Jayla M.",
        "Dave D.",
        "Alícia S.",
        "Shruti S.",
        "Tom Okafor",
        "Mei Tanaka",
        "Wei Lin",
    )
)
LOGIN, INVOICES, SHOP = (
    "Login fails in Singapore",
    "Invoices are sent twice",
    "Production has failed over to secondary database",
)

# When, who, which incident, which thread in it, what. A letter names the first mail of a thread,
# which the others of that letter answer; "e>f" answers e and begins f.
Scene = tuple[str, str, str, str, str]
PLAY: tuple[Scene, ...] = (
    ("14 11:05", MEI, LOGIN, "a", "Nobody in Singapore can log in since 10:58; who is logged in already can work.\n\nSeverity 2, phase 1. I am incident commander. Channel: #login-sg."),
    ("14 11:30", WEI, LOGIN, "", "The gateway's logs show a failed handshake for each try."),
    ("14 12:10", DAVE, LOGIN, "", "The identity provider is fine from every other office."),
    ("14 13:05", TOM, INVOICES, "b", "Some customers of the Lyon office received their March invoice twice, with two numbers. 41 so far.\n\nSeverity 3, phase 0. I am incident commander. Channel: #inc-invoices. Next update 15:30 UTC."),
    ("14 13:40", WEI, LOGIN, "", "Found it: the certificate of the gateway is no longer valid."),
    ("14 14:50", MEI, LOGIN, "", "The certificate of the login gateway ran out. The new one is on 20 of 31 nodes.\n\nSeverity 2, phase 2, IC Mei Tanaka."),
    ("14 15:20", TOM, INVOICES, "", "The retry of the night job does not see that the first run succeeded. The job is switched off.\n\nSeverity 3, phase 1, IC Tom Okafor. Next update 19:00 UTC."),
    ("14 16:02", WEI, LOGIN, "", "All 31 nodes have the new certificate. No failed login for 40 minutes."),
    ("14 17:20", MEI, LOGIN, "", "Closed. It was the one certificate that nobody had in the calendar. Thank you all; write-up by Tuesday.\n\nSeverity 2, phase 3, IC Mei Tanaka."),
    ("14 18:10", SHRUTI, INVOICES, "", "Which of the two numbers counts? Finance has to tell the tax office by Tuesday."),
    ("14 19:00", TOM, INVOICES, "", "No new doubles since the job is off. I look again before the office opens.\n\nSeverity 3, phase 1, IC Tom Okafor. Next update 15 March 08:00 UTC."),
    ("15 00:10", KEVIN, SHOP, "c", "The primary database cluster stopped responding to requests at 0:02 UTC (17:02 PT). After thirty seconds, the proxies switched to the secondary, which is slow and a minute behind.\n\nSeverity 2, phase 1. I am incident commander. Coordinating via #2026-03-15-production-failover.\nCustomer liaison: Jayla M.\nBusiness liaison: Shruti S.\nExperts: Alícia S. and Dave D.\nNext update 01:40 UTC."),
    ("15 00:31", JAYLA, SHOP, "d", "Thanks, seeing it in us-east too: 14 tickets in ten minutes, all from checkout."),
    ("15 00:40", ALICIA, SHOP, "d", "us-east reads from the same cluster. We send its reads to eu-west until the primary is back."),
    ("15 01:38", ANA, SHOP, "e", "The secondary has started to drop connections: about one checkout in five fails, in us-east more. Alícia S. and Dave D. rebuild the primary from the 23:45 snapshot.\n\nSeverity 1, phase 1. I am taking over as incident commander from Kevin. We are on https://zoom.us/j/123456789, backchannel #2026-03-15-production-failover. Next update 03:00 UTC."),
    ("15 01:52", JAYLA, SHOP, "e>f", "Are orders lost, or only late? Two big customers ask."),
    ("15 02:01", DAVE, SHOP, "e", "Snapshot restored, replica 20 minutes behind."),
    ("15 02:14", ANA, SHOP, "f", "None is lost: what fails is not charged. The primary is rebuilt, the replica 20 minutes behind.\n\nSeverity 1, phase 1, IC Ana Silva."),
    ("15 02:53", ANA, SHOP, "", "The replica has caught up and checkout works in all regions.\n\nSeverity 1, phase 2, IC Ana Silva. Next update 06:30 UTC."),
    ("15 06:30", ANA, SHOP, "", "No failed checkout for three hours. What is left is to compare the orders of the night.\n\nSeverity 2, phase 2, IC Ana Silva. Next update 08:00 UTC."),
    ("15 08:00", BOB, SHOP, "", "Good morning, I have had the handoff from Ana. The orders of the night are compared, 400 of 9,100 to go.\n\nSeverity 2, phase 2. I am incident commander. Next update 10:00 UTC."),
)  # fmt: skip


def played(office: Office) -> Office:
    """Let the whole night happen in an office."""
    for _ in _scenes(office):
        pass
    office.now = END
    return office


def _scenes(office: Office) -> Iterator[None]:
    named: dict[str, str] = {}
    openings: dict[str, str] = {}
    for number, (when, who, subject, name, words) in enumerate(PLAY):
        day, clock = when.split()
        hour, minute = map(int, clock.split(":"))
        # An office moves on a minute before each mail.
        at = datetime(2026, 3, int(day), hour, minute, tzinfo=UTC)
        office.now = at.replace(second=0) - MINUTE
        made = f"<night-{number}@laptop.example.com>"
        answers, _, name = name.rpartition(">")
        parent = named.get(answers or name) or openings.get(subject)
        fields = {"In_Reply_To": parent} if parent else {}
        entry, _ = office.take(
            words,
            f"Re: {subject}" if parent else subject,
            who,
            Message_ID=made,
            **fields,
        )
        assert entry.verdict == "accepted", (when, entry.reason, entry.findings)
        openings.setdefault(subject, made)
        if name:
            named.setdefault(name, made)
        yield


def told(office: Office) -> Digest:
    """Give the digest of the night."""
    found = Digests(office.connection)
    month = found.declared(office.desk.month(END), END)
    return office.desk.digest(found.histories(BEGIN, END), month, BEGIN, END)
