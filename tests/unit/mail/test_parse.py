"""Octets to `Mail`: which parts are read, in which charset, and what is written down as a defect."""

from collections.abc import Callable

import pytest

from maild.mail.message import Address, Envelope, Mail, RawMessage
from maild.mail.parse import MAX_SUBJECT, parse_header

from .conftest import HEADER, NOON

Read = Callable[..., Mail]


def texts(mail: Mail) -> list[str]:
    """The texts of a mail's parts, without the blanks around them."""
    return [part.text.strip() for part in mail.parts]


def multipart(kind: str, *parts: str) -> str:
    """A multipart mail of that kind."""
    body = "".join(f"--b\n{part}\n" for part in parts)
    return f"{HEADER}Content-Type: multipart/{kind}; boundary=b\n\n{body}--b--\n"


PLAIN = "Content-Type: text/plain; charset=utf-8\n\nSeverity: 2"
HTML = "Content-Type: text/html; charset=utf-8\n\n<p>Severity: 3</p>"


class TestTheHeaderSection:
    def test_gives_the_mail_its_fields(self, read: Read) -> None:
        mail = read(HEADER + "In-Reply-To: <0@x>\nReferences: <a@x> <0@x>\nCc: b@example.org\n\nHi")
        assert mail.author == Address("Kim Larsen", "kim@example.net")
        assert (mail.subject, mail.message_id) == ("Checkout is down", "1@example.net")
        assert (mail.in_reply_to, mail.references) == (("0@x",), ("a@x", "0@x"))
        assert [box.address for box in (*mail.to, *mail.cc)] == [
            "incidents@example.com",
            "b@example.org",
        ]

    def test_may_have_no_MIME_at_all(self, read: Read) -> None:
        assert texts(read("Subject: x\n\nSeverity: 2\n")) == ["Severity: 2"]

    def test_counts_the_first_of_two_Subjects(self, read: Read) -> None:
        assert read("Subject: a\nSubject: b\n\n").subject == "a"

    def test_counts_a_subject_to_its_limit(self, read: Read) -> None:
        mail = read("Subject: " + "a" * 5_000 + "\n\nHi")
        assert len(mail.subject) == MAX_SUBJECT
        assert mail.defects

    def test_may_lack_everything(self, read: Read) -> None:
        mail = read("Hi")
        assert (mail.subject, mail.message_id, mail.written_at) == ("", None, None)
        assert mail.author == Address("", "")

    def test_keeps_what_tells_a_machine_from_a_person(self, read: Read) -> None:
        assert read("Auto-Submitted: auto-replied\nX-Other: 1\n\n").marks == (
            ("auto-submitted", "auto-replied"),
        )

    def test_can_be_read_alone(self) -> None:
        raw = RawMessage(Envelope(None, ("i@e.com",)), (HEADER + "\nHi").encode(), NOON)
        mail = parse_header(raw)
        assert (mail.subject, texts(mail)) == ("Checkout is down", [""])


class TestTheTextParts:
    def test_of_alternatives_are_the_plain_one(self, read: Read) -> None:
        assert texts(read(multipart("alternative", PLAIN, HTML))) == ["Severity: 2"]

    @pytest.mark.parametrize(
        "blank", [" \n", "&nbsp;\n".replace("&nbsp;", "\u00a0"), "\u200b\u00ad\n"]
    )
    def test_of_alternatives_are_the_html_where_the_plain_one_is_blank(
        self, read: Read, blank: str
    ) -> None:
        plain = f"Content-Type: text/plain; charset=utf-8\n\n{blank}\n"
        mail = read(multipart("alternative", plain, HTML))
        assert [part.html for part in mail.parts] == [True]

    def test_of_a_mixed_mail_are_all_in_their_order(self, read: Read) -> None:
        other = PLAIN.replace("Severity", "Phase")
        assert texts(read(multipart("mixed", PLAIN, other))) == ["Severity: 2", "Phase: 2"]

    @pytest.mark.parametrize(
        "attached",
        [
            "Content-Type: text/plain\nContent-Disposition: attachment\n\nSeverity: 1",
            "Content-Type: text/plain; name=log.txt\n\nSeverity: 1",
            "Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0=",
            "Content-Type: message/rfc822\n\nSubject: Sev 1\n\nSeverity: 1",
            "Content-Type: multipart/mixed; boundary=c\nContent-Disposition: inline\n\n--c\nContent-Type: image/png\n\nx\n--c--",
        ],
    )  # fmt: skip
    def test_are_no_attachments(self, read: Read, attached: str) -> None:
        assert texts(read(multipart("mixed", PLAIN, attached))) == ["Severity: 2"]

    def test_are_found_beside_a_large_attachment(self, read: Read) -> None:
        large = (
            "Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n"
            + ("QUJD" * 19 + "\n") * 3_000
        )
        other = PLAIN.replace("Severity", "Phase")
        assert texts(read(multipart("mixed", PLAIN, large, other))) == ["Severity: 2", "Phase: 2"]

    def test_are_found_below_a_signed_mails_root(self, read: Read) -> None:
        signature = "Content-Type: application/pgp-signature\n\n-----BEGIN PGP SIGNATURE-----"
        assert texts(read(multipart("signed", PLAIN, signature))) == ["Severity: 2"]

    def test_are_read_without_the_preamble_of_a_multipart(self, read: Read) -> None:
        content = multipart("mixed", PLAIN).replace(
            "\n\n--b", "\n\nThis is a MIME message.\n--b", 1
        )
        assert texts(read(content)) == ["Severity: 2"]

    def test_are_read_where_the_last_delimiter_lacks(self, read: Read) -> None:
        assert texts(read(multipart("mixed", PLAIN).replace("--b--", ""))) == ["Severity: 2"]

    def test_are_read_where_the_boundary_lacks(self, read: Read) -> None:
        mail = read(multipart("mixed", PLAIN).replace("; boundary=b", ""))
        assert mail.parts == ()

    @pytest.mark.parametrize("kind", ["text/markdown", "text/enriched", "TEXT/PLAIN", "text", ""])
    def test_are_plain_in_other_dresses(self, read: Read, kind: str) -> None:
        assert texts(read(f"{HEADER}Content-Type: {kind}\n\nSeverity: 2\n")) == ["Severity: 2"]


class TestTheTextsOctets:
    @pytest.mark.parametrize(
        ("fields", "octets"),
        [
            ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable", b"Caf=C3=A9"),
            ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", b"Q2Fmw6k="),
            ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit", b"Caf\xc3\xa9"),
            ("Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit", b"Caf\xe9"),
            ("Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable", b"Caf=E9"),
            ("Content-Type: text/plain; charset=us-ascii", b"Caf\xc3\xa9"),
            ("Content-Type: text/plain; charset=X-UNKNOWN", b"Caf\xc3\xa9"),
            ('Content-Type: text/plain; charset="a\x00b"', b"Caf\xc3\xa9"),
            ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: rot13", b"Caf\xc3\xa9"),
            ("X-No-Mime: 1", b"Caf\xe9"),
        ],
    )  # fmt: skip
    def test_are_decoded(self, read: Read, fields: str, octets: bytes) -> None:
        assert texts(read(f"Subject: x\n{fields}\n\n".encode() + octets)) == ["Café"]

    def test_lose_their_NULs(self, read: Read) -> None:
        assert texts(read(b"Subject: x\n\nSev\x00erity: 2")) == ["Severity: 2"]

    def test_have_one_kind_of_line_end(self, read: Read) -> None:
        assert read(b"Subject: x\r\n\r\na\r\nb\rc\nd").parts[0].text == "a\nb\nc\nd"

    @pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", "raw_unicode_escape"])
    def test_hold_no_lone_surrogates(self, read: Read, charset: str) -> None:
        mail = read(f"Subject: x\nContent-Type: text/plain; charset={charset}\n\n+2AA- \\ud800 a\n")
        assert mail.parts[0].text.encode()

    def test_stay_whole_where_a_plain_text_shows_the_fields_of_a_mail(self, read: Read) -> None:
        shown = "Content-Type: " + "x" * 5_000
        assert texts(read(f"{HEADER}Content-Type: text/plain\n\n{shown}")) == [shown]

    def test_keep_format_flowed(self, read: Read) -> None:
        part = read("Content-Type: text/plain; format=flowed; delsp=yes\n\na").parts[0]
        assert (part.flowed, part.delsp) == (True, True)


def test_the_structure_names_methods_and_reports(read: Read) -> None:
    invitation = "Content-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR"
    assert read(multipart("mixed", PLAIN, invitation)).structure.endswith(
        "text/calendar;method=reply"
    )
    report = multipart("report; report-type=delivery-status", PLAIN)
    assert read(report).structure.startswith("multipart/report;report-type=delivery-status")


def test_the_structure_is_ascii(read: Read) -> None:
    assert read(b"Content-Type: te\xffxt/plain \xe9\r\n\r\nx").structure.isascii()
