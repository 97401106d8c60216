"""The strictness of the emulated submission server."""

from __future__ import annotations

import pytest

from omnibot.sandbox.mail.rules import fault_of, is_address

GOOD = (
    b"From: support@example.com\r\nTo: sarah@example.org\r\nDate: Mon, 3 Mar 2025 12:00:00 +0000\r\n"
    b"Message-ID: <a.b@example.com>\r\nSubject: x\r\n y\r\n\r\nhello\r\n"
)


def test_a_good_mail_has_no_fault() -> None:
    assert fault_of(GOOD, eight_bit=False) == ""
    assert fault_of(GOOD + "ü".encode(), eight_bit=True) == ""


@pytest.mark.parametrize(
    ("mail", "fault"),
    [
        (GOOD.replace(b"From: support@example.com\r\n", b""), "0 from headers"),
        (b"Date: Mon, 3 Mar 2025 12:00:00 +0000\r\n" + GOOD, "2 date headers"),
        (b"FROM: x\r\n" + GOOD, "2 from headers"),
        (b"To: x\r\n" + GOOD, "2 to headers"),
        (GOOD.replace(b"<a.b@example.com>", b"a.b@example.com"), "malformed Message-ID"),
        (GOOD.replace(b"Mon, 3 Mar 2025 12:00:00 +0000", b"today"), "malformed Date"),
        (GOOD.replace(b"12:00:00 +0000", b"12:00:00 -0000"), "malformed Date"),
        (GOOD.replace(b"hello", b"x" * 999), "more than 998"),
        (GOOD.replace(b"hello", b"a\nb"), "bare LF"),
        (GOOD.replace(b"hello", b"a\rb"), "bare CR"),
        (GOOD.replace(b"hello", b"a\0b"), "NUL"),
        (GOOD.replace(b"hello", "ü".encode()), "8-bit content"),
        (b"no field\r\n" + GOOD, "no field"),
    ],
)
def test_a_bad_mail_is_told_its_fault(mail: bytes, fault: str) -> None:
    assert fault in fault_of(mail, eight_bit=False)


def test_a_header_beyond_ascii_is_one_even_with_8bitmime() -> None:
    assert fault_of("X: ü\r\n".encode() + GOOD, eight_bit=True) == "8-bit header without SMTPUTF8"


@pytest.mark.parametrize("address", ["a@b", "support+r1@mail.example.com", "o'neil@example.org"])
def test_addresses(address: str) -> None:
    assert is_address(address)


@pytest.mark.parametrize(
    "address", ["", "a", "a@", "@b", "a b@c", "a@b@c", "a..b@c", "a@-b", "a@b.", "ü@b", f"{'a' * 65}@b", "a@b\r\n"]
)
def test_no_addresses(address: str) -> None:
    assert not is_address(address)
