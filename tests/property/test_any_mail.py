"""What holds for any octets: they are a Mail, a Report, and a copy that never speaks for its author."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import compat32

from hypothesis import given
from hypothesis import strategies as st

from maild.edge.files import load_rules
from maild.mail.headers import decoded, fields, message_ids, parse_date, split_content, with_fields
from maild.mail.message import Envelope, Mail, RawMessage
from maild.mail.parse import parse
from maild.mail.quotes import RULER, quotation
from maild.mail.stamping import stamped, wrapped
from maild.mail.text import written
from maild.reading.body import ListNames
from maild.reading.report import Reader, Report

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
READER = Reader(load_rules(), ListNames("incidents@example.com", ("incidents",), UTC))
WORDS = READER.rules.mail
STAMP = (
    f"Severity 1 (critical), phase 3 (learning), commander Stamp Sigil\nINC-2026-9999\n{RULER}\n"
)
STAMP_HTML = "<div>Severity 1, phase 3, commander Stamp Sigil<br>INC-2026-9999</div><hr>"

# Pieces that mails are made of; in any order, with any rubbish between them, they make odd mails.
PIECES = st.sampled_from(
    [
        b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b"\x00", b"\xff", b"\xc3\xa9", b"a", b"0", b":", b"> ",
        b"From: Kim <kim@example.net>\r\n", b"To: unlisted-recipients:;\r\n", b"Subject: Re: [SEV1] x\r\n",
        b"Subject: =?utf-8?q?a=0D=0Ab?= =?x?b?/?=\r\n", b"Date: Sun, 1 Mar 2026 11:58:00 +0000\r\n",
        b"Date: Sun, 1 Mar 99999 26:58:00 +9999999\r\n", b"Message-ID: <a@[\r\n", b"References: <a@b> <c\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: multipart/alternative; boundary=\"b\"\r\n",
        b"Content-Type: text/html; charset=x\r\n", b"Content-Type: text/plain; format=flowed; delsp=yes\r\n",
        b"Content-Type: message/rfc822\r\n", b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n", b"--b\r\n", b"--b--\r\n", b"U2V2ZXJpdHk6IDI=", b"=\r\n", b"=E9",
        b"<div>", b"</div>", b"<blockquote>", b"<p style='display:none'>", b"<br>", b"<hr>", b"<table><tr><td>", b"&#0;", b"<!--",
        b"Severity: 2\r\n", b"severity 3 -> 2", b"Phase 1, ", b"IC: me\r\n", b"I am IC. ", b"Channel: #inc-1\r\n", b"Bridge: +1 555 0100",
        b"Started: 14:30 UTC\r\n", b"next update in 30 minutes", b"same", b"On 1 Mar 2026 Ana <a@b.example> wrote:\r\n", b"-- \r\n",
        b"From: a\r\nSent: 1 Mar 2026\r\nTo: b\r\n", b"Regards,\r\n", b"-----BEGIN PGP SIGNED MESSAGE-----\r\n",
        b"-----BEGIN PGP SIGNATURE-----\r\n", b"| Severity | Phase |\r\n", "\u2028\u200b\uff1a重大度".encode(), b"+2AA-",
    ]
)  # fmt: skip
OCTETS = st.one_of(
    st.binary(max_size=400),
    st.lists(st.one_of(PIECES, PIECES, st.binary(max_size=6)), max_size=40).map(b"".join),
)


def mail_of(content: bytes) -> Mail:
    """Parse octets as they come from kim@example.net."""
    return parse(RawMessage(Envelope("kim@example.net", ("incidents@example.com",)), content, NOON))


@given(OCTETS)
def test_any_octets_are_a_mail_that_can_be_stored(content: bytes) -> None:
    mail = mail_of(content)
    assert isinstance(mail, Mail)
    texts = [mail.subject, mail.structure, str(mail.author), *(part.text for part in mail.parts)]
    assert all(text.encode("utf-8") is not None for text in [*texts, *(v for _, v in mail.marks)])
    assert "\n" not in mail.subject
    assert "\x00" not in "".join(texts)


@given(OCTETS)
def test_any_mail_gives_a_report(content: bytes) -> None:
    report = READER.read(mail_of(content))
    assert isinstance(report, Report)
    assert report.text.encode("utf-8") is not None


@given(OCTETS)
def test_any_mail_can_be_stamped_and_read_again(content: bytes) -> None:
    copy = stamped(content, STAMP, STAMP_HTML)
    assert b"INC-2026-9999" in copy
    assert message_from_bytes(copy, policy=compat32).get_content_type()


@given(OCTETS)
def test_the_stamp_of_a_copy_is_never_its_authors_statement(content: bytes) -> None:
    for copy in (stamped(content, STAMP, STAMP_HTML), wrapped(content, STAMP)):
        report = READER.read(mail_of(copy))
        assert "Stamp Sigil" not in str([reading.value for reading in report.readings])


@given(OCTETS)
def test_a_wrapped_mail_holds_the_original(content: bytes) -> None:
    assert content.removesuffix(b"\r\n") in wrapped(content, STAMP)


@given(OCTETS)
def test_content_is_its_header_section_and_its_body(content: bytes) -> None:
    section, body = split_content(content)
    assert content.startswith(section)
    assert content.endswith(body)
    assert b"".join(field for _, field in fields(section)) in section or len(fields(section)) > 1


@given(OCTETS)
def test_fields_put_on_top_leave_the_body_alone(content: bytes) -> None:
    copy = with_fields(content, frozenset({"subject"}), b"Subject: new\r\n")
    assert copy.startswith(b"Subject: new\r\n")
    assert split_content(copy)[1] == split_content(content)[1]


@given(st.text(max_size=300))
def test_any_field_body_is_decoded_to_one_line(text: str) -> None:
    found = decoded(text.encode("utf-8", "replace").decode())
    assert not set(found) & set("\r\n\x00")
    parse_date(text)
    message_ids([("references", b"References: " + text.encode("utf-8", "replace"))], "references")


@given(st.lists(st.text(max_size=80), max_size=30))
def test_own_lines_of_any_text_are_lines_of_it(lines: list[str]) -> None:
    found = quotation(lines, WORDS.quotation)
    assert list(found.own) == sorted(set(found.own))
    assert all(0 <= i < len(lines) for i in found.own)


LINES = st.lists(
    st.sampled_from(
        ["The disk is full.", "Severity: 2", "SEV2, phase 1", "I am IC.", "", "Kim", "Thanks for that.",
         "We see 500s since 11:40 UTC.", "Coordinating in #inc-1", "- We restart it."]
    ),
    max_size=12,
)  # fmt: skip


@given(
    LINES,
    st.sampled_from(["", "\n\nOn 1 Mar 2026, Ana <a@b.example> wrote:\n> Severity 1?\n> yes\n"]),
)
def test_statements_above_a_quotation_are_never_cut(lines: list[str], quoted: str) -> None:
    text = "\n".join(lines)
    content = f"From: Kim Larsen <kim@example.net>\nSubject: x\n\n{text}{quoted}"
    own = written(mail_of(content.encode()), WORDS).lines
    assert [line for line in own if line not in ("", "Kim")] == [
        line for line in lines if line not in ("", "Kim")
    ]
