"""The stamp on a copy: on top of the author's words, and every other octet as it came."""

import base64
import quopri
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from maild.mail.stamping import stamped, wrapped

STAMP = "Severity 1 (critical)\nINC-2026-0007\n" + "-" * 72 + "\n"
STAMP_HTML = "<div>Severity 1 (critical)<br>INC-2026-0007</div><hr>"
HEADER = (
    b"Received: from a by b; Sun, 1 Mar 2026 12:00:00 +0000\r\n"
    b"DKIM-Signature: v=1; a=rsa-sha256;\r\n\tb=abc=\r\nFrom: Kim <kim@example.net>\r\n"
    b"To: incidents@example.com\r\nSubject: Checkout\r\n is down\r\nX-Odd:   \xff two  blanks \r\n"
)
WORDS = "The café is down.\r\n\r\nSeverity: 2\r\n"


def mail(fields: str, body: bytes) -> bytes:
    """A mail with these MIME fields."""
    return HEADER + fields.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body


def multipart(kind: str, *parts: bytes) -> bytes:
    """A multipart mail of that kind; a preamble and an epilogue included."""
    body = b"Preamble.\r\n" + b"".join(b"--b1\r\n" + part + b"\r\n" for part in parts)
    return mail(
        f'MIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary="b1"',
        body + b"--b1--\r\nEpilogue.\r\n",
    )


def read(content: bytes) -> EmailMessage:
    """Read a copy as mail programs do, and see that nothing is wrong with it."""
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    assert not [part.defects for part in message.walk() if part.defects]
    assert content.count(b"\n") == content.count(b"\r\n")
    return message


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    """The text of the part of that kind, with plain line ends."""
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


PLAIN = (
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    + WORDS.encode()
)
HTML = (
    b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b'<html><head><title>x</title></head><body class=3D"a">\r\n<p>The caf=C3=A9 is down.</p></body></html>'
)
PDF = b'Content-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\nJVBE'
RAW = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\xff=3D\r\n.\r\n"
SIGNATURE = b"Content-Type: application/pgp-signature\r\n\r\n-----BEGIN PGP SIGNATURE-----"

TEXTS = {
    "8bit": ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit", WORDS.encode()),
    "quoted-printable": ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable", quopri.encodestring(WORDS.encode())),
    "base64": ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", base64.encodebytes(WORDS.encode()).replace(b"\n", b"\r\n")),
    "Latin-1": ("Content-Type: text/plain; charset=ISO-8859-1\nContent-Transfer-Encoding: 8bit", WORDS.encode("latin-1")),
    "Latin-1 in quoted-printable": ('Content-Type: text/plain; charset="iso-8859-1"; format=flowed\nContent-Transfer-Encoding: quoted-printable', quopri.encodestring(WORDS.encode("latin-1"))),
    "Shift JIS": ("Content-Type: text/plain; charset=shift_jis", WORDS.replace("é", "ア").encode("shift_jis")),
    "UTF-16 in base64": ("Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64", base64.encodebytes(WORDS.encode("utf-16"))),
    "no MIME at all": ("X-Mailer: mail(1)", WORDS.encode()),
    "a type without charset": ("Content-Type: text/plain", WORDS.encode()),
    "a charset that does not exist": ("Content-Type: text/plain; charset=x-unknown", WORDS.encode()),
    "a type in capitals, folded": ("CONTENT-TYPE: TEXT/PLAIN;\n\tCHARSET=\"UTF-8\";\n\tformat=flowed", WORDS.encode()),
    "an RFC 2231 charset": ("Content-Type: text/plain; charset*=utf-8''utf-8", WORDS.encode()),
    "a language": ("Content-Type: text/plain; charset=utf-8\nContent-Language: en", WORDS.encode()),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "body"), TEXTS.values(), ids=TEXTS)
class TestAPlainMail:
    def test_carries_the_stamp_above_the_authors_words(self, fields: str, body: bytes) -> None:
        content = stamped(mail(fields, body), STAMP, STAMP_HTML)
        words = WORDS.replace("é", "ア") if "shift_jis" in fields else WORDS
        assert text_of(read(content)) == STAMP + "\n" + words.replace("\r\n", "\n")

    def test_keeps_its_other_fields_byte_for_byte(self, fields: str, body: bytes) -> None:
        assert stamped(mail(fields, body), STAMP, STAMP_HTML).startswith(HEADER)


class TestAMultipart:
    def test_carries_a_stamp_in_its_text_and_in_its_html(self) -> None:
        message = read(stamped(multipart("alternative", PLAIN, HTML), STAMP, STAMP_HTML))
        assert text_of(message) == STAMP + "\nThe café is down.\n\nSeverity: 2\n"
        assert f'<body class="a">{STAMP_HTML}\n<p>The café is down.</p>' in text_of(message, "html")

    def test_keeps_all_other_parts_byte_for_byte(self) -> None:
        content = multipart(
            "mixed", PLAIN, PDF, RAW, b"Content-Type: text/plain\r\n\r\nA second text."
        )
        copy = stamped(content, STAMP, STAMP_HTML)
        head, _, _ = content.partition(b"Content-Type: text/plain; charset=utf-8")
        assert copy.startswith(head)
        assert copy.endswith(content[content.index(b"\r\n--b1\r\n" + PDF) :])

    def test_without_a_preamble_has_its_first_part_stamped(self) -> None:
        content = multipart("mixed", PLAIN, PDF).replace(b"Preamble.\r\n", b"")
        assert text_of(read(stamped(content, STAMP, STAMP_HTML))).startswith(STAMP)

    def test_within_a_multipart_has_its_text_stamped(self) -> None:
        inner = multipart("alternative", PLAIN, HTML).replace(b"b1", b"b2")
        inner = inner[inner.index(b"Content-Type: multipart") :]
        message = read(stamped(multipart("mixed", inner, PDF), STAMP, STAMP_HTML))
        assert text_of(message).startswith(STAMP)
        assert STAMP_HTML in text_of(message, "html")

    def test_of_html_alone_has_its_html_stamped(self) -> None:
        content = mail("Content-Type: text/html; charset=utf-8", b"<p>Severity: 2</p>\r\n")
        assert (
            text_of(read(stamped(content, STAMP, STAMP_HTML)), "html")
            == STAMP_HTML + "<p>Severity: 2</p>\n"
        )

    def test_with_a_part_that_has_no_fields_is_stamped_there(self) -> None:
        content = multipart("mixed", b"\r\nSeverity: 2", PDF)
        assert text_of(read(stamped(content, STAMP, STAMP_HTML))) == STAMP + "\nSeverity: 2"

    def test_leaves_an_attached_text_alone(self) -> None:
        attached = b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nlog"
        content = multipart("mixed", attached, PLAIN)
        copy = stamped(content, STAMP, STAMP_HTML)
        assert attached in copy
        assert STAMP.split("\n")[0].encode() in copy

    def test_keeps_format_flowed_and_the_disposition_of_its_text(self) -> None:
        flowed = PLAIN.replace(b"charset=utf-8", b"charset=utf-8; format=flowed; delsp=yes")
        flowed = b"Content-Disposition: inline\r\nContent-ID: <1@x>\r\n" + flowed
        part = read(stamped(multipart("mixed", flowed, PDF), STAMP, STAMP_HTML)).get_body()
        assert part is not None
        assert (part.get_param("format"), part.get_param("delsp")) == ("flowed", "yes")
        assert (part["Content-Disposition"], part["Content-ID"]) == ("inline", "<1@x>")


WHOLE = {
    "signed with OpenPGP": multipart("signed; micalg=pgp-sha256; protocol=\"application/pgp-signature\"", PLAIN, SIGNATURE),
    "encrypted with OpenPGP": multipart("encrypted; protocol=\"application/pgp-encrypted\"", b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1", RAW),
    "signed with S/MIME, opaque": mail("Content-Type: application/pkcs7-mime; smime-type=signed-data\nContent-Transfer-Encoding: base64", b"MIAG\r\n"),
    "UTF-8 in name, not in fact": mail("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit", b"caf\xe9\r\n"),
    "base64 with a list's footer below": mail("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", b"U2V2IDI=\r\n-- \r\nlist footer!\r\n"),
    "of an encoding that does not exist": mail("Content-Type: text/plain\nContent-Transfer-Encoding: x-uuencode", b"begin\r\n"),
    "a multipart without boundary": mail("Content-Type: multipart/mixed", b"--b\r\n\r\nx\r\n--b--\r\n"),
    "without any text": multipart("mixed", PDF),
    "of HTML that lies about its charset": multipart("alternative", PLAIN, b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>\xe9</p>"),
    "a digest": multipart("digest", b"\r\nSubject: a\r\n\r\nbody of a"),
}  # fmt: skip


@pytest.mark.parametrize("content", WHOLE.values(), ids=WHOLE)
class TestAMailThatIsWrapped:
    def test_stands_in_the_copy_byte_for_byte(self, content: bytes) -> None:
        assert content in stamped(content, STAMP, STAMP_HTML)

    def test_stands_behind_the_stamp(self, content: bytes) -> None:
        message = message_from_bytes(stamped(content, STAMP, STAMP_HTML), policy=default)
        first, second = message.iter_parts()
        assert first.get_content().replace("\r\n", "\n").startswith(STAMP)
        assert second.get_content_type() == "message/rfc822"
        assert second.get_content()["From"] == "Kim <kim@example.net>"

    def test_keeps_its_fields_on_top_but_those_of_its_content(self, content: bytes) -> None:
        copy = stamped(content, STAMP, STAMP_HTML)
        assert copy.startswith(HEADER)
        head = copy.partition(b"\r\n\r\n")[0].lower()
        assert head.count(b"\r\ncontent-type:") == head.count(b"\r\nmime-version:") == 1


def test_a_mail_beyond_ascii_is_wrapped_as_8bit() -> None:
    copy = wrapped(HEADER + b"\r\ncaf\xc3\xa9", STAMP)
    assert b"Content-Transfer-Encoding: 8bit\r\nContent-Disposition: attachment" in copy


def test_a_mail_whose_content_field_is_too_long_is_wrapped() -> None:
    content = mail('Content-Type: text/plain; x="' + ';"' * 50_000, b"Severity: 2\r\n")
    assert content in stamped(content, STAMP, STAMP_HTML)


def test_a_mail_of_too_many_parts_is_wrapped() -> None:
    content = multipart("mixed", *[b"\r\nx"] * 500)
    assert content in stamped(content, STAMP, STAMP_HTML)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"\n",
        b"Subject: x",
        b"\r\n\r\n\r\n",
        b"From x\r\nSubject: y\r\n\r\nhi",
        b"\xff\x00",
        b"a" * 3_000,
    ],
)
def test_a_mail_of_almost_nothing_is_stamped_too(content: bytes) -> None:
    copy = message_from_bytes(stamped(content, STAMP, STAMP_HTML), policy=default)
    assert "INC-2026-0007" in copy.as_string()


def test_long_and_odd_lines_come_out_as_they_were() -> None:
    body = "x" * 3_000 + "\n.\nFrom here\n trailing  \n\ttab\t\n=3D\n\x0c\n"
    content = mail("Content-Type: text/plain; charset=utf-8", body.replace("\n", "\r\n").encode())
    copy = stamped(content, STAMP, STAMP_HTML)
    assert max(map(len, copy.split(b"\r\n"))) < 100
    assert text_of(read(copy)) == STAMP + "\n" + body


def test_a_bare_CR_does_not_leave_us() -> None:
    copy = stamped(mail("Content-Type: text/plain", b"a\rb\r\n"), STAMP, STAMP_HTML)
    assert copy.count(b"\r") == copy.count(b"\n")
