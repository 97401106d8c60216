"""Cuts a text into pieces, each with the class that the grammar knows it by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import accumulate, compress, count
from operator import itemgetter
from typing import Any, NamedTuple

from omnibot.understanding.times.grammar import COMMA, DOT, SIGNS, UNKNOWN
from omnibot.understanding.times.words import Meaning, Vocabulary
from omnibot.understanding.words import ByHeart

__all__ = ["Lexer", "Piece", "shape"]

_PIECE = re.compile(
    r"""([^\W\d_]++(?:['.&-][^\W\d_]++)*+            # a word
      | \d(?:[^\s,;!?()"“”„«»'.:]|[.:,](?=\w))*+      # a figure
      | [^\w\s]|_+|\n\s*\n)                          # a sign
    """,
    re.VERBOSE,
)
# The same of ASCII in lower case, of which each sign is looked up in a map of bits.
_ASCII_PIECE = re.compile(
    r"""([a-z]++(?:['.&-][a-z]++)*+
      | \d(?:[^\s,;!?()"'.:]|[.:,](?=\w))*+
      | [^\w\s]|_+|\n\s*\n)
    """,
    re.VERBOSE | re.ASCII,
)
_GLUED = frozenset("#$€£¥%@/.:+-_=&*\\^")  # a figure behind one of these belongs to something else
_MARKS = {",": COMMA, "!": DOT, "?": DOT, ";": DOT, "…": DOT}
_SITES = frozenset(
    {"com", "net", "org", "io", "de", "fr", "es", "co", "uk", "us", "app", "me", "eu", "info"}
)  # monday.com
_QUARTERS = frozenset("1234")
_NAMES = frozenset({"weekday", "short", "month", "num"})
_OWNERS = frozenset({"weekday", "day"})
_EDGES = frozenset({"middle", "end"})
_ABBREVIATED = re.compile(
    r"mins?|hrs?|std|se[kc]|jan|feb|mar|apr|jun|jul|aug|sept?|o[ck]t|nov|de[cz]|ene|abr|ago|dic|janv|févr|avr|juil"
    r"|mon|tues?|wed|thu(?:rs?)?|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mie|jue|vie|sab|dom|sam"
)

_ISO = re.compile(
    r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:t(\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?(?:z|[+-]\d{2}:?\d{2})?)?"
)
_DATE = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})")
_DAY_MONTH = re.compile(r"(\d{1,2})([/.,])(\d{1,2})")
_CLOCK = re.compile(r"(\d{1,2})([:.h])(\d{2})(?::\d{2})?(am|pm|a\.m|p\.m|a|p|h|hrs|uhr)?")
_HOUR = re.compile(r"(\d{1,2})(am|pm|a\.m|p\.m|a|p|uhr)")
_MILITARY = re.compile(r"(\d{2})(\d{2})(?:h|hrs|hours)")
_WRITTEN = re.compile(r"(\d{1,2})[-/.]([^\W\d_]{3,})[-/.](\d{4})")
_COUNTED = re.compile(r"(\d{1,4})([^\W\d_]+)")
_SPAN = re.compile(r"([^-–—]+)([-–—])([^-–—]+)")
_SPANNED = frozenset({"num", "clock", "hm", "ord", "md", "dec", "date", "unit", "hour", "h"})


class Piece(NamedTuple):
    """A word, figure, sign or phrase, and what it is to the grammar."""

    word: str  # in lower case
    kind: str
    value: Any
    start: int
    end: int


_UNKNOWN = Meaning(UNKNOWN)
_OPAQUE = Meaning("opaque")
_TO = Meaning("to")
_of_tuple = tuple.__new__
_word_of = itemgetter(0)


class Lexer:
    """Cuts texts in one language."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._known = ByHeart(self._look_up)

    def _look_up(self, word: str) -> Meaning | None:
        """What a word or mark is wherever it stands; None where what stands around it tells."""
        if meaning := self._vocabulary.words.get(word):
            return meaning
        if word.isalpha():
            return _UNKNOWN
        return Meaning(kind) if (kind := _MARKS.get(word)) else None

    def pieces(self, lower: str) -> list[Piece]:
        """The pieces of a text in lower case."""
        found: list[Piece] = []
        vocabulary = self._vocabulary
        parts = (_ASCII_PIECE if lower.isascii() else _PIECE).split(
            lower
        )  # what stands between pieces and pieces in turn
        places = list(accumulate(map(len, parts)))
        words = parts[1::2]
        for word, meaning, start, end in zip(
            words, map(self._known.__getitem__, words), places[::2], places[1::2], strict=False
        ):
            if meaning is not None:
                # As a tuple is made: through the class's own `__new__`, which is Python, it takes twice as long.
                found.append(_of_tuple(Piece, (word, *meaning, start, end)))
            elif word[0].isdecimal():
                _figure(found, vocabulary, word, start, lower)
            elif word[0].isalnum():
                _compound(found, vocabulary, word, start)
            elif not found or found[-1].end <= start:  # else a dot that belongs to the figure before it
                _sign(found, word, start, lower)
        return _joined(found, vocabulary)


def shape(found: Iterable[Piece]) -> str:
    """What the grammar reads: a character a piece."""
    return "".join([SIGNS[piece.kind] for piece in found])


def _add(found: list[Piece], word: str, meaning: Meaning, start: int) -> None:
    found.append(Piece(word, meaning.kind, meaning.value, start, start + len(word)))


def _sign(found: list[Piece], sign: str, start: int, lower: str) -> None:
    if sign == "." and found and found[-1].end == start and _abbreviated(found[-1], lower[start + 1 : start + 3]):
        found[-1] = found[-1]._replace(end=start + 1)
        return
    kind = DOT if sign[0] in ".\n" else "sign"
    _add(found, sign, Meaning(kind), start)


def _abbreviated(piece: Piece, rest: str) -> bool:
    """Whether the dot behind a piece is its own: `a.m.`, and `Std.` and `Dec.` where the sentence goes on."""
    if piece.kind in ("am", "pm"):
        return "." in piece.word
    return _ABBREVIATED.fullmatch(piece.word) is not None and rest[1:].isalnum()


def _compound(found: list[Piece], vocabulary: Vocabulary, word: str, start: int) -> None:
    """A word of several: l'heure, mid-March, Mon-Fri, and sentences without a space between them."""
    for sign, split in (("'", _elided), ("-", _hyphenated), (".", _run_together)):
        head, found_sign, rest = word.partition(sign)
        if found_sign and (meanings := split(head, rest, vocabulary)):
            first, between = meanings
            _add(found, head, first, start)
            if between is not None:
                _add(found, sign, between, start + len(head))
            middle = start + len(head) + 1
            if rest in vocabulary.words:
                _add(found, rest, vocabulary.words[rest], middle)
            elif rest.isalpha():
                _add(found, rest, _UNKNOWN, middle)
            else:
                _compound(found, vocabulary, rest, middle)
            return
    _add(found, word, _UNKNOWN, start)


def _elided(head: str, rest: str, vocabulary: Vocabulary) -> tuple[Meaning, Meaning | None] | None:
    if rest == "s" and head in vocabulary.words and vocabulary.words[head].kind in _OWNERS:
        return vocabulary.words[head], Meaning("sign")  # tomorrow's flight
    return (Meaning(vocabulary.elided[head]), None) if head in vocabulary.elided else None


def _hyphenated(head: str, rest: str, vocabulary: Vocabulary) -> tuple[Meaning, Meaning | None] | None:
    first, second = vocabulary.words.get(head), vocabulary.words.get(rest)
    if first is None or second is None:
        return None
    if first.kind in _NAMES and second.kind in _NAMES:
        return first, _TO
    return (first, None) if first.kind in _EDGES else None


def _run_together(head: str, rest: str, vocabulary: Vocabulary) -> tuple[Meaning, Meaning] | None:
    if rest in _SITES or "." in rest or head not in vocabulary.words:
        return None
    return vocabulary.words[head], Meaning(DOT)


def _figure(found: list[Piece], vocabulary: Vocabulary, figure: str, start: int, lower: str) -> None:
    end = start + len(figure)
    before = lower[start - 1] if start else " "
    if before == "q" and figure in _QUARTERS and found[-1].word == "q":
        found[-1] = Piece("q" + figure, "quarter", "q" + figure, start - 1, end)
        return
    if (before in _GLUED or before.isalnum()) and not (found and before == found[-1].word and found[-1].kind == "to"):
        found.append(Piece(figure, "opaque", None, start, end))
        return
    dotted = lower[end : end + 1] == "." and not lower[end + 1 : end + 2].isalnum()
    read = _read(figure, vocabulary, start, dotted) or _from_to(figure, vocabulary, start, dotted)
    found.extend(read or [Piece(figure, "opaque", None, start, end)])


def _from_to(figure: str, vocabulary: Vocabulary, start: int, dotted: bool) -> list[Piece]:
    """The ends of a span: 8-12, 10am-2pm, 9:00-17:00, 19.-23."""
    halves = _SPAN.fullmatch(figure)
    if halves is None:
        return []
    first, sign, last = halves.groups()
    middle = start + len(first)
    begin = _read(first.rstrip("."), vocabulary, start, first.endswith("."))
    end = _read(last, vocabulary, middle + 1, dotted)
    kinds = {piece.kind for piece in (*begin, *end)}
    if not begin or not end or not kinds <= _SPANNED:
        return []
    return [*begin, Piece(sign, "to", None, middle, middle + 1), *end]


def _read(figure: str, vocabulary: Vocabulary, start: int, dotted: bool) -> Sequence[Piece]:
    """What a figure can be; nothing for a code or a version. `dotted`: a dot stands behind it."""
    end = start + len(figure)
    if figure.isdecimal():
        return _whole_number(figure, vocabulary, start, dotted)
    meaning = _date(figure) or _clock(figure)
    if meaning:
        return [Piece(figure, meaning.kind, meaning.value, start, end)]
    if (match := _DAY_MONTH.fullmatch(figure)) and figure != "24/7":
        first, sign, second = int(match[1]), match[2], int(match[3])
        kind = "md" if sign == "/" or (sign == "." and dotted) else "dec"
        return [Piece(figure, kind, (first, second, sign, None), start, end + (kind == "md" and sign == "."))]
    if match := _WRITTEN.fullmatch(figure):
        return _written(match, vocabulary, start)
    if match := _COUNTED.fullmatch(figure):
        number, letters = match.groups()
        if letters in vocabulary.endings:
            return [Piece(figure, "ord", int(number), start, end)]
        unit = vocabulary.words.get(letters)
        if unit is not None and unit.kind in ("unit", "hour", "h"):
            middle = start + len(number)
            return [
                Piece(number, "num", int(number), start, middle),
                Piece(letters, unit.kind, unit.value, middle, end),
            ]
    return []


def _written(match: re.Match[str], vocabulary: Vocabulary, start: int) -> Sequence[Piece]:
    """17-Mar-2025"""
    month = vocabulary.words.get(match[2])
    if month is None or month.kind != "month" or not _is_day(match[3], str(month.value), match[1]):
        return []
    day = (int(match[3]), month.value, int(match[1]), None)
    return [Piece(match[0], "iso", day, start, start + len(match[0]))]


def _whole_number(figure: str, vocabulary: Vocabulary, start: int, dotted: bool) -> Sequence[Piece]:
    value, length = int(figure), len(figure)
    end = start + length
    if dotted and length <= 2 and 0 < value < 32 and "ordinal_dots" in vocabulary.flags:
        return [Piece(figure, "ord", value, start, end + 1)]
    if length == 4:
        return [Piece(figure, "year", value, start, end)] if 1900 <= value < 2100 else []
    if length < 4 and (length < 3 or figure[0] != "0"):
        return [Piece(figure, "num", value, start, end)]
    return []


def _date(figure: str) -> Meaning | None:
    if match := _ISO.fullmatch(figure):
        year, _, month, day, hour, minute = match.groups()
        clock = (int(hour), int(minute)) if hour and int(hour) < 24 and int(minute) < 60 else None
        return Meaning("iso", (int(year), int(month), int(day), clock)) if _is_day(year, month, day) else None
    if match := _DATE.fullmatch(figure):
        first, sign, second, year = match.groups()
        if len(year) == 4:
            return Meaning("date", (int(first), int(second), sign, int(year)))
        if sign == "/":
            return Meaning("date", (int(first), int(second), sign, 2000 + int(year)))
        century = 2000 if int(year) < 70 else 1900
        return Meaning("md", (int(first), int(second), sign, century + int(year)))
    return None


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def _clock(figure: str) -> Meaning | None:
    """(hour, minute); an `hm` may be in either half of the day."""
    if match := _HOUR.fullmatch(figure):
        return _half(int(match[1]), 0, match[2])
    if match := _MILITARY.fullmatch(figure):
        return _half(int(match[1]), int(match[2]), "h")
    match = _CLOCK.fullmatch(figure)
    if match is None or (match[2] == "." and match[4] is None):
        return None
    certain = match[2] == "h" or (len(match[1]) == 2 and match[1][0] == "0")
    return _half(int(match[1]), int(match[3]), match[4] or ("h" if certain else ""))


def _half(hour: int, minute: int, half: str) -> Meaning | None:
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    if half[:1] in ("a", "p") and 0 < hour < 13:
        return Meaning("clock", (hour % 12 + (12 if half[0] == "p" else 0), minute))
    if half or hour > 12 or hour == 0:
        return Meaning("clock", (hour, minute))
    return Meaning("hm", (hour, minute))


def _joined(found: list[Piece], vocabulary: Vocabulary) -> list[Piece]:
    """The same with each phrase made one piece."""
    phrases = vocabulary.phrases
    words = list(map(_word_of, found))
    places = list(compress(count(), map(phrases.__contains__, words[:-1])))
    joined: list[Piece] = []
    done = 0
    for place in places:
        if place < done:
            continue
        for rest, meaning in phrases[words[place]].get(words[place + 1], ()):
            end = place + 2 + len(rest)
            if words[place + 2 : end] == rest:
                joined += found[done:place]
                text = " ".join(words[place:end])
                joined.append(Piece(text, meaning.kind, meaning.value, found[place].start, found[end - 1].end))
                done = end
                break
    if not done:
        return found
    joined += found[done:]
    return joined
