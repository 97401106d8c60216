"""Bytes of a mail into text: whatever they claim to be, something readable comes out and nothing raises."""

from __future__ import annotations

import binascii
import codecs
import re
from email.errors import HeaderParseError
from email.header import decode_header

_MAX_HEADER = 2000  # characters of a header that are decoded

# codecs that no mail program writes and that are quadratic, or escape their input
_NO_CHARSETS = frozenset({"punycode", "idna", "undefined", "unicode_escape", "raw_unicode_escape"})
# what is written under these names is what the WHATWG encoding standard reads under them
_MEANT = {"ascii": "utf-8", "iso8859-1": "cp1252", "gb2312": "gb18030"}

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def storable(text: str) -> str:
    """Text without what no database takes (NUL, lone surrogates): each becomes U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def single_line(text: str) -> str:
    """Text without line breaks and other control characters."""
    return " ".join(_CONTROL.sub(" ", storable(text)).split())


def text_of(data: bytes, charset: str) -> str:
    """Decode with a declared charset; unknown ones as UTF-8; what does not fit becomes U+FFFD."""
    try:
        name = codecs.lookup(charset or "utf-8").name
        if name in _NO_CHARSETS:
            name = "utf-8"
        text = data.decode(_MEANT.get(name, name), "replace")
    except (LookupError, ValueError):
        text = data.decode("utf-8", "replace")
    return storable(text.removeprefix("\ufeff"))


def transferred(data: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding (RFC 2045); damaged base64 gives what can be read of it."""
    match encoding.strip().casefold():
        case "base64":
            return _from_base64(data)
        case "quoted-printable":
            return binascii.a2b_qp(data)
        case _:
            return data


def _from_base64(data: bytes) -> bytes:
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        kept = _NOT_BASE64.sub(b"", data)
        whole = kept[: len(kept) - (len(kept) % 4 == 1)]  # a lone last character carries no whole byte
        return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def decoded_words(value: str) -> str:
    """A header's value with its encoded words (RFC 2047) decoded, as one line."""
    value = value[:_MAX_HEADER]
    if "=?" not in value:
        return single_line(value)
    try:
        chunks = decode_header(value)
    except (HeaderParseError, ValueError):
        return single_line(value)
    return single_line("".join(_chunk(chunk, charset) for chunk, charset in chunks))


def _chunk(chunk: bytes | str, charset: str | None) -> str:
    if isinstance(chunk, str):
        return chunk
    # decode_header hands plain stretches over in this encoding
    return text_of(chunk, charset) if charset else chunk.decode("raw-unicode-escape", "replace")
