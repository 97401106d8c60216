"""Addresses that stand in what people write: e-mail addresses, telephone numbers, and what was meant to be one.

Found by one walk over the text, whatever it is. Each is replaced by a word of its own, so that phrases can name it and
neither its dots nor its spaces part a sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from enum import StrEnum

from omnibot.model.values import frozen

__all__ = ["ADDRESS", "Kind", "Named", "Replaced", "may_name", "replaced"]

_LOCAL = frozenset("._%+-!#$&*/=?^{|}~'’")  # besides letters and digits, before the @
_DOMAIN = frozenset(".-_")
_QUOTES = "'’._-"  # that a sentence leaves at the edges of an address
_GAPS = frozenset(" -./()[]\u00a0\u2009\u202f\u2010\u2011\u2012\u2013")  # within a number
_FEWEST, _MOST = 6, 15  # digits of a number (E.164)
_LONGEST_LOCAL, _LONGEST = 64, 254  # RFC 5321, 4.5.3.1
_OPENING = " \t\"'“”„«‹(<[{:=`*_"  # what stands before an address and says nothing
_CLOSING = " \t\"'“”«»›)>]}`*_"


class Kind(StrEnum):
    """What an address looks like."""

    EMAIL = "email"
    NUMBER = "number"
    ODD = "odd"  # it was meant to be an address and is none


@frozen
class Named:
    """An address as somebody wrote it, without what stands around it."""

    kind: Kind
    text: str


@frozen
class Replaced:
    """A text in which `named[n]` is the word `{word}n`."""

    text: str
    named: Sequence[Named]

    def restored(self, text: str) -> str:
        """A piece of the text as it was written."""
        for number in range(len(self.named) - 1, -1, -1):
            text = text.replace(f"{_WORDS[self.named[number].kind]}{number}", self.named[number].text)
        return text

    def in_words(self, words: str) -> list[Named]:
        """The addresses that stand in some folded words of the text, in their order."""
        found = []
        for word in words.split():
            for prefix in _PREFIXES:
                if word.startswith(prefix) and word[len(prefix) :].isdecimal():
                    number = int(word[len(prefix) :])
                    if number < len(self.named):
                        found.append(self.named[number])
        return found


# Words that nobody writes.
_WORDS = {Kind.EMAIL: "zqemail", Kind.NUMBER: "zqnumber", Kind.ODD: "zqodd"}
_PREFIXES = tuple(_WORDS.values())
ADDRESS = rf"(?:{'|'.join(_PREFIXES)})\d"  # any of them, as an expression
_FEW = 4  # addresses of one text; a list of more names nobody's own


_BEGINS = re.compile(r"[@+\d]")
_MAY_BE = re.compile(rf"[@\d](?:(?<=@)|(?:\D{{0,3}}\d){{{_FEWEST - 1}}})")  # one of few signs first: others are skipped


def may_name(text: str) -> bool:
    """Whether it is worth to look for addresses in a text: most numbers are too short for one."""
    return _MAY_BE.search(text) is not None


def replaced(text: str) -> Replaced | None:
    """A text with its addresses as words; None where there is none, or too many to be somebody's own."""
    found = list(_found(text))
    if not found or len(found) > _FEW:
        return None
    pieces: list[str] = []
    named: list[Named] = []
    place = 0
    for start, end, one in found:
        pieces.append(text[place:start].rstrip(_OPENING))
        pieces.append(f" {_WORDS[one.kind]}{len(named)} ")
        named.append(one)
        place = end
        while place < len(text) and text[place] in _CLOSING:
            place += 1
    pieces.append(text[place:])
    return Replaced("".join(pieces), named)


def _found(text: str) -> Iterator[tuple[int, int, Named]]:
    """From, to, what: in their order, none within another."""
    place = free = 0
    while begins := _BEGINS.search(text, place):
        place, sign = begins.start(), begins[0]
        if sign == "@":
            start, end = _around(text, place, free)
            yield start, end, _email(text[start:end])
            place = free = end
        elif not _within_word(text, place):
            end, digits = _number(text, place)
            if _FEWEST <= digits <= _MOST and not _goes_on(text, end):
                yield place, end, Named(Kind.NUMBER, _digits(text[place:end]))
                place = free = end
            else:
                place = max(end, place + 1)
        else:
            place += 1


def _within_word(text: str, place: int) -> bool:
    """Whether a digit belongs to what stands before it: a word, or a mail address that is found by its @."""
    return place > 0 and (text[place - 1].isalnum() or text[place - 1] in "._%-@#$€£")


def _goes_on(text: str, end: int) -> bool:
    return end < len(text) and (text[end].isalnum() or text[end] in "@_%+")


# --- e-mail ---


def _around(text: str, at: int, free: int) -> tuple[int, int]:
    """The stretch around an @, from `free` on; each sign is looked at by at most two of them."""
    start, end = at, at + 1
    while start > free and _is_of(text[start - 1], _LOCAL):
        start -= 1
    while end < len(text) and _is_of(text[end], _DOMAIN):
        end += 1
    while start < at and text[start] in _QUOTES:
        start += 1
    while end > at + 1 and text[end - 1] in _QUOTES:
        end -= 1
    return start, end


def _is_of(sign: str, allowed: frozenset[str]) -> bool:
    return sign.isalnum() or sign in allowed or bool(unicodedata.combining(sign))


def _email(text: str) -> Named:
    local, _, domain = text.partition("@")
    labels = domain.split(".")
    whole = bool(local) and len(local) <= _LONGEST_LOCAL and len(text) <= _LONGEST and len(labels) >= 2
    whole = whole and all(labels) and not labels[-1].isdecimal() and len(labels[-1]) >= 2
    return Named(Kind.EMAIL if whole else Kind.ODD, text)


# --- numbers ---


def _number(text: str, start: int) -> tuple[int, int]:
    """Where a number ends that begins here, and how many digits it has; at most three signs stand between two."""
    end = place = start + (text[start] == "+")
    digits = 0
    while place < len(text):
        if text[place].isdecimal():
            digits += 1
            place += 1
            end = place
        elif text[place] in _GAPS and place - end < 3:
            place += 1
        else:
            break
    return end, digits


def _digits(text: str) -> str:
    """A number in ASCII: its digits, with what stands between them where that may mean something."""
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in text)
