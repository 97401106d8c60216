"""Codes that prove an address: made from the message that asks, so that a turn that is taken again makes the same."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata

from omnibot.model import Ask
from omnibot.model.values import frozen

__all__ = ["DIGITS", "Codes", "shown", "typed"]

DIGITS = 7  # 23 bits; with five tries one in two million guesses is right
_GAPS = " -.\u00a0\u2009\u202f\u2010\u2011\u2012\u2013"  # that may stand between digits


class Codes:
    """Makes codes and recognises them; what it keeps of one is a hash that nobody can turn back without the secret."""

    def __init__(self, secret: bytes, tries: int) -> None:
        self._key = hashlib.blake2b(secret, digest_size=32, person=b"omnibot-codes").digest()
        self.tries = tries  # wrong ones after which a request is void

    def code(self, ask: Ask) -> str:
        """The code of a request, in digits; two that one message asks for differ by where they go."""
        number = int.from_bytes(self._digest("code", _of(ask), str(ask.target))[:16], "big") % 10**DIGITS
        return f"{number:0{DIGITS}}"

    def hash(self, ask: Ask) -> bytes:
        """What is kept of the code of a request."""
        return self.hash_of(self.code(ask), ask)

    def hash_of(self, code: str, ask: Ask) -> bytes:
        """What would be kept of a code, were it that of this request: it is worth nothing for another one."""
        return self._digest("hash", _of(ask), code)

    def _digest(self, *parts: str) -> bytes:
        return hmac.digest(self._key, "\0".join(parts).encode("utf-8", "surrogatepass"), "sha256")


def _of(ask: Ask) -> str:
    """What a request is recognised by; not how its target is spelled, which may be known in another way."""
    return "\0".join((str(ask.source), ask.purpose, str(ask.by), str(ask.about or "")))


def shown(code: str) -> str:
    """A code as it is easily read and typed: 481 5162."""
    return f"{code[:3]} {code[3:]}"


@frozen
class Typed:
    """A code in a text: its digits, and the stretch that holds them."""

    code: str
    text: str


def typed(text: str) -> Typed | None:
    """The first run of as many digits as a code has, whatever stands between and around them; in linear time.

    A part of a longer number (a telephone's) is none, nor is what has a sign before it that makes it an amount.
    """
    place = 0
    while place < len(text):
        if not text[place].isdecimal():
            place += 1
            continue
        end, digits = _run(text, place)
        if len(digits) == DIGITS and not _belongs_to_more(text, place, end):
            return Typed(digits, text[place:end])
        place = end
    return None


def _run(text: str, start: int) -> tuple[int, str]:
    """Where the digits end that begin here, with at most one gap between two of them; and the digits."""
    digits: list[str] = []
    end = place = start
    while place < len(text):
        if text[place].isdecimal():
            digits.append(str(unicodedata.decimal(text[place])))
            place += 1
            end = place
        elif text[place] in _GAPS and place == end:
            place += 1
        else:
            break
    return end, "".join(digits)


def _belongs_to_more(text: str, start: int, end: int) -> bool:
    """Whether it is a piece of a word, a number or an amount."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return before.isalnum() or (before in ("+", "@", "_", "#") and bool(before)) or after.isalnum() or after == "@"
