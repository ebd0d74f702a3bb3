"""The way out by SMTP: a relay that is down, defers, or refuses one of many."""

from collections.abc import Callable

from .conftest import SAMPLE, Daemon, mail, until
from .sink import Sink, free_port, relay


def config(port: int) -> str:
    return f'[delivery]\ntransport = "smtp"\nport = {port}\n[posting]\nreceipts = "never"\n'


def test_one_refused_recipient_of_many_fails_alone(make: Callable[..., Daemon]) -> None:
    sink = Sink(rcpt=lambda r: "550 5.1.1 No such user" if r.startswith("bob") else "")
    with relay(sink) as port:
        daemon = make(config(port), roster=("ana", "bob", "cleo"))
        daemon.send(mail(SAMPLE))
        (row,) = daemon.settled(1)
    states = {sent["recipient"]: (sent["state"], sent["reply"]) for sent in row["sent"]}
    assert states["bob@example.com"] == ("failed", "550 5.1.1 No such user")
    assert {states[f"{name}@example.com"][0] for name in ("ana", "cleo", "kevin")} == {"sent"}
    assert len(sink.to("ana@example.com")) == 1


def test_a_deferred_recipient_gets_his_copy_later_and_nobody_gets_two(
    make: Callable[..., Daemon],
) -> None:
    asked: list[str] = []

    def once(recipient: str) -> str:
        asked.append(recipient)
        return (
            "450 4.2.1 Greylisted"
            if asked.count("bob@example.com") == 1 and recipient.startswith("bob")
            else ""
        )

    sink = Sink(rcpt=once)
    with relay(sink) as port:
        daemon = make(config(port))
        daemon.send(mail(SAMPLE))
        until(
            lambda: daemon.records().queue() and daemon.records().queue()[0]["reply"], "a deferral"
        )
        (waits,) = daemon.records().queue()
        assert waits["recipient"] == "bob@example.com"
        assert "Greylisted" in waits["reply"]
        daemon.run("queue", "retry", str(waits["id"]))
        until(lambda: sink.to("bob@example.com"), "Bob's copy")
        daemon.settled(1)
    assert len(sink.to("ana@example.com")) == 1
    assert len(sink.to("bob@example.com")) == 1


def test_a_mail_whose_only_recipient_is_refused_does_not_spoil_the_next(
    make: Callable[..., Daemon],
) -> None:
    sink = Sink(rcpt=lambda r: "550 5.1.1 No such user" if r.startswith("kevin") else "")
    with relay(sink) as port:
        daemon = make(config(port), roster=())
        daemon.send(mail(SAMPLE))
        (row,) = daemon.settled(1)
        assert [sent["state"] for sent in row["sent"]] == ["failed"]
        # The next on that connection: the owner is told of it.
        until(lambda: sink.taken, "the owner's letter")
    ((_, recipients, message),) = sink.taken
    assert recipients == ("oncall-leads@example.com",)
    assert "kevin@example.com" in str(message)


def test_a_relay_that_is_down_costs_nobody_an_attempt(make: Callable[..., Daemon]) -> None:
    port = free_port()
    daemon = make(config(port))
    daemon.send(mail(SAMPLE))
    until(lambda: any(e["event"] == "relay_down" for e in daemon.events()), "the relay seen down")
    assert {row["attempts"] for row in daemon.records().queue()} == {0}
    sink = Sink()
    with relay(sink, port):
        until(lambda: sink.to("ana@example.com"), "Ana's copy")
        daemon.settled(1)
    assert any(event["event"] == "relay_up" for event in daemon.events())


def test_what_is_owed_survives_a_restart(make: Callable[..., Daemon]) -> None:
    port = free_port()
    daemon = make(config(port))
    daemon.send(mail(SAMPLE))
    until(lambda: daemon.records().queue(), "something owed")
    daemon.stop()
    sink = Sink()
    with relay(sink, port):
        daemon.start()
        until(lambda: sink.to("bob@example.com"), "Bob's copy")
        daemon.settled(1)
    assert len(sink.to("ana@example.com")) == len(sink.to("bob@example.com")) == 1


def test_a_message_that_the_relay_refuses_fails_for_all_and_holds_nobody_up(
    make: Callable[..., Daemon],
) -> None:
    sink = Sink(data=lambda subject: "554 5.6.0 No" if "broken" in subject else "")
    with relay(sink) as port:
        daemon = make(config(port))
        daemon.send(mail(SAMPLE, "A broken thing"))
        daemon.send(mail(SAMPLE, "Another thing"))
        first, second = daemon.settled(2)
    assert {sent["state"] for sent in first["sent"]} == {"failed"}
    assert {sent["state"] for sent in second["sent"]} == {"sent"}
