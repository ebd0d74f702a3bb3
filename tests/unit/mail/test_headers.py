"""Header fields: found as octets, decoded by what cannot raise, cut and put on top."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.mail.headers import (
    addresses,
    author,
    body_of,
    decode_octets,
    decoded,
    fields,
    message_ids,
    parse_date,
    split_content,
    with_fields,
)
from maild.mail.message import Address


class TestSplittingContent:
    @pytest.mark.parametrize("end", [b"\r\n", b"\n"])
    def test_cuts_at_the_first_empty_line(self, end: bytes) -> None:
        content = b"A: 1" + end + b"B: 2" + end + end + b"body" + end + end + b"more"
        section, body = split_content(content)
        assert (section, body) == (b"A: 1" + end + b"B: 2" + end, b"body" + end + end + b"more")

    def test_of_a_body_alone_gives_no_header_section(self) -> None:
        assert split_content(b"\r\nbody") == (b"", b"body")

    def test_of_a_header_section_alone_gives_no_body(self) -> None:
        assert split_content(b"A: 1\r\n") == (b"A: 1\r\n", b"")


class TestFindingFields:
    def test_keeps_their_order_and_their_folds(self) -> None:
        assert fields(b"A: 1\r\nB: 2\r\n\t3\r\n") == (("a", b"A: 1\r\n"), ("b", b"B: 2\r\n\t3\r\n"))

    def test_passes_over_a_From_line(self) -> None:
        section = b"From kim@example.net  Sun Mar  1 12:00:00 2026\nA: 1\n"
        assert fields(section) == (("a", b"A: 1\n"),)

    def test_passes_over_garbage(self) -> None:
        assert [name for name, _ in fields(b"no field here\r\nA: 1\r\n: x\r\nB : 2\r\n")] == [
            "a",
            "b",
        ]

    def test_unfolds_a_body(self) -> None:
        assert body_of(b"Subject: a\r\n b\r\n\tc\r\n") == "a b c"


class TestDecoding:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("=?utf-8?Q?Caf=C3=A9?=", "Café"),
            ("=?utf-8?b?Q2Fmw6k=?=", "Café"),
            ("=?iso-8859-1?Q?Caf=E9?= down", "Café down"),
            ("=?utf-8?Q?Caf?= =?utf-8?Q?=C3=A9?=", "Café"),
            ("=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c"),
            ("=?utf-8?Q?Caf=C3?= =?utf-8?Q?=A9?=", "Café"),
            ("=?x-unknown?Q?Caf=C3=A9?=", "Café"),
            ("=?utf-8?b?not base64!?=", None),
            ("=?utf-8?q?a=0D=0ABcc:_x@example.com?=", "a Bcc: x@example.com"),
            ("plain é =?utf-8?Q?=C3=A9?=", "plain é é"),
            ("=?utf-8?Q?é?=", "=?utf-8?Q?é?="),
            ("a\x00b\x1bc", "abc"),
            ("zero\u200bwidth", "zerowidth"),
            ("=?utf-8*en?Q?a?=", None),
        ],
    )
    def test_encoded_words(self, written: str, meant: str | None) -> None:
        found = decoded(written)
        assert "\n" not in found
        assert "\r" not in found
        assert meant is None or found == meant

    @pytest.mark.parametrize(
        ("octets", "charset", "text"),
        [
            (b"caf\xc3\xa9", "utf-8", "café"),
            (b"caf\xe9", "iso-8859-1", "café"),
            (b"caf\xc3\xa9", "iso-8859-1", "café"),
            (b"caf\xe9", "us-ascii", "café"),
            (b"\x93hi\x94", "iso-8859-1", "“hi”"),
            (b"caf\xc3\xa9", "x-unknown", "café"),
            (b"caf\xc3\xa9", 'a"\x00b', "café"),
            (b"\xff", "utf-8", "\ufffd"),
            (b"caf\xe9", "windows-1252", "café"),
            (b"\x83e\x83X\x83g", "shift_jis", "テスト"),
            (b"abc", "rot13", "abc"),
            (b"abc", "hex", "abc"),
        ],
    )
    def test_octets_of_a_charset(self, octets: bytes, charset: str, text: str) -> None:
        assert decode_octets(octets, charset) == text


class TestAddresses:
    @pytest.mark.parametrize(
        ("body", "boxes"),
        [
            (b"kim@example.net", [("", "kim@example.net")]),
            (b"Kim <kim@example.net>, bob@example.net", [("Kim", "kim@example.net"), ("", "bob@example.net")]),
            (b'"Larsen, Kim" <kim@example.net>', [("Larsen, Kim", "kim@example.net")]),
            (b"=?utf-8?Q?Larsen=2C_Kim?= <kim@example.net>", [("Larsen, Kim", "kim@example.net")]),
            (b'"=?utf-8?Q?J=C3=B6rg?=" <j@example.net>', [("Jörg", "j@example.net")]),
            ("Jörg <j@example.net>".encode(), [("Jörg", "j@example.net")]),
            (b"kim@example.net (Kim Larsen)", [("Kim Larsen", "kim@example.net")]),
            (b"unlisted-recipients:; (no To-header on input)", []),
            (b"Team: a@example.net, b@example.net;", [("", "a@example.net"), ("", "b@example.net")]),
            (b"", []),
            (b"<@>", None),
            (b"<>", []),
            (b"(" * 5_000, []),
        ],
    )  # fmt: skip
    def test_are_read(self, body: bytes, boxes: list[tuple[str, str]] | None) -> None:
        found = addresses(fields(b"To: " + body + b"\r\n"), "to")
        assert boxes is None or [(box.name, box.address) for box in found] == boxes

    @given(st.from_regex(r"(?:([\w.+-]{1,4} ?){0,3}<)?[\w.+-]{1,5}@[\w.-]{1,5}>?", fullmatch=True))
    def test_alone_are_read_as_they_are_beside_another(self, box: str) -> None:
        body = box.encode()
        beside = fields(b"To: " + body + b", b@example.net\r\n")
        assert addresses(fields(b"To: " + body + b"\r\n"), "to") == addresses(beside, "to")[:-1]

    def test_of_the_author_are_the_first_of_From(self) -> None:
        found = fields(b"Sender: list@example.org\r\nFrom: Kim <k@example.net>, b@example.net\r\n")
        assert author(found) == Address("Kim", "k@example.net")

    def test_of_the_author_are_Senders_where_From_has_none(self) -> None:
        assert (
            author(fields(b"From: undisclosed\r\nSender: s@example.org\r\n")).address
            == "s@example.org"
        )


class TestIds:
    @pytest.mark.parametrize(
        ("body", "ids"),
        [
            (b"<a@b>", ("a@b",)),
            (b"<a@b>\r\n <c@d>", ("a@b", "c@d")),
            (b"<a@b><c@d>", ("a@b", "c@d")),
            (b"Your message of Sunday <a@b>", ("a@b",)),
            (b"< a@b >", ("a@b",)),
            (b"a@b", ("a@b",)),
            (b"<[8f2c@x]>", ("[8f2c@x]",)),
            (b"<0123456789>", ("0123456789",)),
            (b"<a@[", ("a@[",)),
            (b"<>", ()),
            (b"<", ()),
            (b"", ()),
        ],
    )
    def test_are_read(self, body: bytes, ids: tuple[str, ...]) -> None:
        assert message_ids(fields(b"References: " + body + b"\r\n"), "references") == ids


class TestADate:
    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("Sun, 1 Mar 2026 11:58:00 +0000", datetime(2026, 3, 1, 11, 58, tzinfo=UTC)),
            ("1 Mar 2026 11:58 -0000", datetime(2026, 3, 1, 11, 58, tzinfo=UTC)),
            ("Sun, 1 Mar 2026 12:58:00 +0100 (CET)", datetime(2026, 3, 1, 12, 58, tzinfo=timezone(timedelta(hours=1)))),
            ("Sun, 1 Mar 2026 11:58:00 GMT", datetime(2026, 3, 1, 11, 58, tzinfo=UTC)),
            ("Sun, 1 Mar 2026 06:58:00 EST", datetime(2026, 3, 1, 6, 58, tzinfo=timezone(timedelta(hours=-5)))),
            ("Sun, 1 Mar 2026 26:58:00 +0000", None),
            ("Sun, 31 Feb 2026 11:58:00 +0000", None),
            ("Sun, 1 Mar 99999 11:58:00 +0000", None),
            ("Fri, 31 Dec 9999 23:59:59 -2359", None),
            ("Sun, 31 Dec 1899 23:59:00 +0000", None),
            ("Sun, 1 Mar 2026 11:58:00 +9999999", None),
            ("yesterday", None),
            ("", None),
        ],
    )  # fmt: skip
    def test_is_read_or_is_none(self, text: str, moment: datetime | None) -> None:
        assert parse_date(text) == moment


class TestCuttingAndPuttingFields:
    CONTENT = b"Bcc: x@y\r\nSubject: a\r\n b\r\nX-Odd: \xff\r\n\r\nbody\r\n\r\nmore"

    def test_leaves_the_body_and_the_other_fields_as_they_were(self) -> None:
        content = with_fields(self.CONTENT, frozenset({"bcc"}), b"X-New: 1\r\n")
        assert content == b"X-New: 1\r\nSubject: a\r\n b\r\nX-Odd: \xff\r\n\r\nbody\r\n\r\nmore"

    def test_ends_a_header_section_that_has_no_end(self) -> None:
        assert with_fields(b"A: 1", frozenset(), b"B: 2\r\n") == b"B: 2\r\nA: 1\r\n\r\n"
