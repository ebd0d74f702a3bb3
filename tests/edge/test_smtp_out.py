"""The way out: whom the relay takes, whom it refuses, and what addresses beyond ASCII need."""

import asyncio
from collections.abc import Mapping, Sequence

from maild.edge.smtp_out import Relay, SmtpOut
from maild.mail.message import Reply, Unreachable
from maild.roster.bouncing import gravity_of_reply
from tests.integration.sink import Sink, relay

MAIL = b"From: a@example.com\r\nSubject: Hello\r\n\r\nHello\r\n"
JOSE = "josé@example.org"
ANA = "ana@example.com"


def send(sink: Sink, recipients: Sequence[str], *, smtputf8: bool = True) -> Mapping[str, Reply]:
    async def once(port: int) -> Mapping[str, Reply] | Unreachable:
        out = SmtpOut(Relay("127.0.0.1", port, "example.com"))
        try:
            return await out.send("incidents@example.com", recipients, MAIL)
        finally:
            await out.close()

    with relay(sink, smtputf8=smtputf8) as port:
        replies = asyncio.run(once(port))
    assert not isinstance(replies, Unreachable)
    return replies


def test_an_address_beyond_ascii_is_sent_by_smtputf8_and_the_others_without() -> None:
    sink = Sink()
    replies = send(sink, [JOSE, ANA])
    assert {str(reply) for reply in replies.values()} == {"250 2.0.0 sent"}
    assert [recipients for _, recipients, _ in sink.taken] == [(ANA,), (JOSE,)]


def test_where_the_relay_lacks_smtputf8_that_address_fails_and_the_reply_says_why() -> None:
    sink = Sink()
    replies = send(sink, [JOSE, ANA], smtputf8=False)
    assert str(replies[ANA]) == "250 2.0.0 sent"
    assert str(replies[JOSE]).startswith("553 5.6.7 not sent: the relay takes no address beyond")
    assert gravity_of_reply(replies[JOSE]) == "none"
    assert sink.asked == [ANA]


def test_a_refusal_keeps_the_relays_words_and_its_enhanced_status() -> None:
    refusals = {
        "a@x.example": "550 5.2.1 Gone",
        "b@x.example": "551 Moved",
        "c@x.example": "554 No",
    }
    replies = send(Sink(rcpt=lambda r: refusals.get(r, "")), [*refusals, ANA])
    assert replies["a@x.example"] == Reply(550, 2, 1, "Gone")
    assert replies["b@x.example"] == Reply(551, 1, 0, "Moved")
    assert replies["c@x.example"] == Reply(554, 0, 0, "No")


def test_a_refusal_after_data_is_about_nobodys_address() -> None:
    replies = send(Sink(data=lambda subject: "550 No"), [ANA, "bob@example.com"])
    assert {gravity_of_reply(reply) for reply in replies.values()} == {"none"}
