"""What is kept from the library: names with signs in them, answers with others' words in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.config import ConfigError, config_of
from maild.edge.imap_in import folder_name, piece_of, quoted


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("INBOX", '"INBOX"'),
        ("My Box", '"My Box"'),
        ('a "b" \\c', '"a \\"b\\" \\\\c"'),
        ("R&D", '"R&-D"'),
        ("Entwürfe", '"Entw&APw-rfe"'),
        ("台北/日本語", '"&U,BTFw-/&ZeVnLIqe-"'),  # RFC 3501 §5.1.3 has these two.
        ("a\r\nA1 LOGOUT", '"a&AA0ACg-A1 LOGOUT"'),
    ],
)
def test_a_folders_name(name: str, written: str) -> None:
    assert folder_name(name) == written


@given(st.text())
def test_nothing_leaves_its_quotes(text: str) -> None:
    assert all(sign.isprintable() for sign in quoted(text))
    assert '"' not in quoted(text)[1:-1].replace("\\\\", "").replace('\\"', "")


def test_the_octets_are_found_among_the_flags_of_others() -> None:
    lines = [
        b"3 FETCH (FLAGS (\\Seen) UID 7)",
        b"4 FETCH (UID 8 BODY[]<0> {5}",
        bytearray(b"other"),
        b")",
        b"5 FETCH (BODY[]<0> {6}",
        bytearray(b"a\r\n)*x"),
        b" UID 9 FLAGS ())",
        b"Fetch completed.",
    ]
    assert piece_of(lines, 9) == b"a\r\n)*x"
    assert piece_of(lines, 8) == b"other"
    assert piece_of(lines, 7) is None
    assert piece_of([b'1 FETCH (UID 9 BODY[]<100> "")', b"Done"], 9) == b""
    assert piece_of([b"1 FETCH (UID 99 BODY[]<0> {1}", bytearray(b"x"), b")"], 9) is None
    assert piece_of([], 9) is None


def test_a_password_in_the_open_is_refused_but_on_this_machine() -> None:
    config_of({"imap": {"host": "127.0.0.1", "tls": "none"}})
    with pytest.raises(ConfigError, match=r"imap.tls = 'none': on the way there anybody could"):
        config_of({"imap": {"host": "mail.example.com", "tls": "none"}})
