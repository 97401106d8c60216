"""What a strict submission server takes: RFC 5321, RFC 5322 and RFC 6409, read to the letter."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

MAX_LINE = 998  # octets without the line break (RFC 5322 2.1.1)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_MESSAGE_ID = re.compile(rf"<{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*>")
_FIELD_NAME = re.compile(rb"[!-9;-~]+:")
_REQUIRED = (b"from", b"date", b"message-id")  # exactly once each
_ONCE = (b"subject", b"to", b"cc", b"sender", b"reply-to", b"in-reply-to", b"references", b"mime-version")


def is_address(text: str) -> bool:
    """Whether this is an address for MAIL or RCPT (RFC 5321 4.1.2), local part up to 64 octets."""
    local, _, domain = text.rpartition("@")
    return bool(_ADDRESS.fullmatch(text)) and len(local) <= 64 and len(domain) <= 255


def fault_of(mail: bytes, *, eight_bit: bool) -> str:
    """What is wrong with a mail whose lines end in CRLF; '' where nothing is. `eight_bit`: BODY=8BITMIME was said."""
    if b"\0" in mail or re.search(rb"\r(?!\n)|(?<!\r)\n", mail):
        return "NUL, bare CR or bare LF"
    if any(len(line) > MAX_LINE for line in mail.split(b"\r\n")):
        return f"a line of more than {MAX_LINE} octets"
    if not eight_bit and not mail.isascii():
        return "8-bit content without BODY=8BITMIME"
    head, _, _ = mail.partition(b"\r\n\r\n")
    return _fault_of_head(head)


def _fault_of_head(head: bytes) -> str:
    if not head.isascii():
        return "8-bit header without SMTPUTF8"
    unfolded = re.sub(rb"\r\n(?=[ \t])", b"", head).split(b"\r\n")
    if not all(_FIELD_NAME.match(line) for line in unfolded):
        return "a header line that is no field"
    fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in unfolded)]
    names = [name for name, _ in fields]
    for name in _REQUIRED:
        if names.count(name) != 1:
            return f"{names.count(name)} {name.decode()} headers instead of one"
    for name in _ONCE:
        if names.count(name) > 1:
            return f"{names.count(name)} {name.decode()} headers"
    values = dict(fields)
    if not _MESSAGE_ID.fullmatch(values[b"message-id"].decode()):
        return "a malformed Message-ID"
    return "" if _is_date(values[b"date"].decode()) else "a malformed Date"


def _is_date(text: str) -> bool:
    try:
        return parsedate_to_datetime(text).tzinfo is not None
    except ValueError:
        return False
