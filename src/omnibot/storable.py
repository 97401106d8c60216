"""Text that both PostgreSQL and JSON take, whoever wrote it."""

from __future__ import annotations


def storable(text: str) -> str:
    """The same text with U+FFFD for NUL and for lone surrogates, which cannot be stored."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
