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
    assert {str(reply) for reply in replies.values()} == {"250 2.0.0 OK"}
    assert [recipients for _, recipients, _ in sink.taken] == [(ANA,), (JOSE,)]


def test_where_the_relay_lacks_smtputf8_that_address_fails_and_the_reply_says_why() -> None:
    sink = Sink()
    replies = send(sink, [JOSE, ANA], smtputf8=False)
    assert str(replies[ANA]) == "250 2.0.0 OK"
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


def test_after_a_mail_whose_recipients_were_all_refused_the_next_one_is_taken() -> None:
    sink = Sink(rcpt=lambda r: "550 5.1.1 Gone" if r.startswith("gone") else "")

    async def one_after_the_other(port: int) -> list[Mapping[str, Reply] | Unreachable]:
        out = SmtpOut(Relay("127.0.0.1", port, "example.com", connections=1))
        try:
            mails = (["gone@example.com"], [ANA], ["gone@example.com"], [ANA])
            return [await out.send("incidents@example.com", mail, MAIL) for mail in mails]
        finally:
            await out.close()

    with relay(sink) as port:
        _, second, _, fourth = asyncio.run(one_after_the_other(port))
    assert second == fourth == {ANA: Reply(250, 0, 0, "OK")}
    assert len(sink.to(ANA)) == 2


class Scripted:
    """A server that offers PIPELINING, notes each flight as it comes, and answers by its table."""

    def __init__(self, answers: Mapping[str, str], leaves: bool = False) -> None:
        self.answers, self.leaves = answers, leaves
        self.flights: list[bytes] = []
        self.serving: list[asyncio.Future[None]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.append(asyncio.ensure_future(self.answer(reader, writer)))

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        inside = False
        while flight := await reader.read(1 << 20):
            self.flights.append(flight)
            if inside:
                inside = False
                writer.write(b"250 2.0.0 Taken as 42\r\n")
                if self.leaves:
                    break
                continue
            for line in flight.decode().split("\r\n")[:-1]:
                verb = line.partition(" ")[0]
                answer = self.answers.get(line, "354 go on" if verb == "DATA" else "250 OK")
                greeting = "250-here\r\n250 PIPELINING"
                writer.write(f"{greeting if verb == 'EHLO' else answer}\r\n".encode())
                inside = inside or (verb == "DATA" and answer.startswith("354"))
        writer.close()
        await writer.wait_closed()


def scripted(
    server: Scripted, *mails: Sequence[str], content: bytes = MAIL
) -> list[Mapping[str, Reply] | Unreachable]:
    async def all_of_them() -> list[Mapping[str, Reply] | Unreachable]:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        out = SmtpOut(Relay("127.0.0.1", listening.sockets[0].getsockname()[1], "example.com"))
        found = [await out.send("incidents@example.com", mail, content) for mail in mails]
        await out.close()
        listening.close()
        await asyncio.gather(*server.serving)
        return found

    return asyncio.run(all_of_them())


def test_the_envelope_goes_in_one_flight_where_the_relay_lets_us() -> None:
    server = Scripted({})
    (replies,) = scripted(server, [ANA, "bob@example.com"])
    assert replies == dict.fromkeys([ANA, "bob@example.com"], Reply(250, 0, 0, "Taken as 42"))
    assert server.flights[1] == (
        b"MAIL FROM:<incidents@example.com>\r\nRCPT TO:<ana@example.com>\r\n"
        b"RCPT TO:<bob@example.com>\r\nDATA\r\n"
    )


def test_where_everybody_is_refused_no_word_of_the_mail_is_sent() -> None:
    server = Scripted({"RCPT TO:<ana@example.com>": "550 5.1.1 Unknown"})
    (replies,) = scripted(server, [ANA])
    assert replies == {ANA: Reply(550, 1, 1, "Unknown")}
    assert server.flights[2] == b".\r\n"


def test_a_transaction_that_was_not_ended_is_reset_and_where_that_fails_left() -> None:
    refused = {"RCPT TO:<ana@example.com>": "550 5.1.1 Unknown", "DATA": "554 5.5.1 Nobody"}
    server = Scripted(refused)
    scripted(server, [ANA], ["bob@example.com"])
    assert server.flights[2] == b"RSET\r\n"
    assert len(server.serving) == 1
    server = Scripted({**refused, "RSET": "500 What?"})
    replies, _ = scripted(server, [ANA], ["bob@example.com"])
    assert replies == {ANA: Reply(550, 1, 1, "Unknown")}
    assert len(server.serving) == 2


def test_a_refused_sender_is_refused_for_each_recipient() -> None:
    server = Scripted({"MAIL FROM:<incidents@example.com>": "450 4.1.8 Who?"})
    (replies,) = scripted(server, [ANA, "bob@example.com"])
    assert replies == dict.fromkeys([ANA, "bob@example.com"], Reply(450, 1, 8, "Who?"))
    assert server.flights[2] == b".\r\n"


def test_a_reply_that_is_neither_yes_nor_no_defers() -> None:
    (replies,) = scripted(Scripted({"DATA": "250 2.0.0 Already?"}), [ANA])
    assert isinstance(replies, dict)
    assert replies[ANA].code == 451


def test_a_connection_that_was_closed_while_idle_costs_nobody_an_attempt() -> None:
    server = Scripted({}, leaves=True)
    first, second = scripted(server, [ANA], [ANA])
    assert first == second == {ANA: Reply(250, 0, 0, "Taken as 42")}
    assert len(server.serving) == 2


def test_lines_end_in_cr_lf_and_dots_are_doubled_on_the_way() -> None:
    server = Scripted({})
    scripted(server, [ANA], content=b".one\n.two\r.three")
    assert server.flights[2] == b"..one\r\n..two\r\n..three\r\n.\r\n"
