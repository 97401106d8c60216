"""Whether what the grammar found is meant as a time.

The grammar is generous: "at 5" may be an hour or five of something. Each check looks at one piece and the words around
it; a piece that fails is struck out, and the rest is read again without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from re import Match

from omnibot.understanding.times.context import Context
from omnibot.understanding.times.grammar import SIGNS
from omnibot.understanding.times.lexing import Piece
from omnibot.understanding.times.words import Vocabulary

__all__ = ["Candidate", "cut", "struck"]

_STRONG = frozenset(
    {"by", "before", "within", "until", "since", "on", "at", "from", "after", "in", "for", "over", "ofdet", "late"}
)
_TYING = _STRONG | {"around", "between", "det", "dets", "of", "less"}
_HOUR_TIES = {"by", "before", "until", "at", "after", "since", "from", "between", "around"}
_LENGTH_TIES = frozenset({"within", "in", "for", "since", "over", "less", "by"})
_MONTH_TIES = frozenset({"in", "since", "until", "by", "before", "from", "for", "over", "on", "ofdet"})
_TELLING = frozenset(
    {"am", "pm", "oclock", "clock", "hm", "part", "manana", "noon", "half", "quarter", "past", "minus"}
)
_SPOKEN_MINUTES = frozenset(range(10, 60, 5))
_PERIODS = frozenset({"week", "month", "year", "quarter", "business_week", "fortnight"})
_STEPS = frozenset({"this", "next", "last", "past", "coming", "qv", "end", "middle", "start"})
_CALENDAR = frozenset({"month", "date", "iso", "md", "dec"})
_DAYNUMS = frozenset({"num", "ord", "nth"})
_CLASSES = {sign: name for name, sign in SIGNS.items()}
_NOWHERE = (-1, -1)
_NO_KINDS: frozenset[str] = frozenset()


class Candidate:
    """Pieces that the grammar takes for one time."""

    __slots__ = ("_signs", "context", "found", "match", "vocabulary")

    def __init__(self, found: Sequence[Piece], match: Match[str], vocabulary: Vocabulary, context: Context) -> None:
        self.found = found
        self.match = match
        self.vocabulary = vocabulary
        self.context = context
        self._signs: Mapping[str, str | None] = match.groupdict()

    def span(self, group: str) -> tuple[int, int]:
        """The places of the pieces of a group; (-1, -1) where there are none."""
        return self.match.span(group) if self._signs[group] else _NOWHERE

    def pieces(self, group: str) -> Sequence[Piece]:
        """The pieces of a group."""
        if not self._signs[group]:
            return ()
        first, end = self.match.span(group)
        return self.found[first:end]

    def has(self, group: str) -> bool:
        """Whether the group has any pieces."""
        return bool(self._signs[group])

    def ties(self, *groups: str) -> set[str]:
        """The classes of the words that tie these groups to the sentence: those in front of their days and hours."""
        found = set(self.kinds("tie"))
        for group in groups:
            for piece in self.pieces(group):
                if piece.kind not in _TYING:
                    break
                found.add(piece.kind)
        return found

    def kinds(self, group: str) -> frozenset[str]:
        """The classes of a group's pieces."""
        signs = self._signs[group]
        return _kinds(signs) if signs else _NO_KINDS


@lru_cache(maxsize=1024)
def _kinds(signs: str) -> frozenset[str]:
    """The classes that these signs stand for: there are few groups of more than two, and the same come again."""
    return frozenset([_CLASSES[sign] for sign in signs])


def cut(candidate: Candidate) -> int:
    """The place before which a time ends and another begins: from 2 till 5, for a week from Monday; -1: it is one."""
    ties = candidate.kinds("tie")
    after = candidate.kinds("after")
    if "for" in ties and "from" in after and "now" not in after:
        return candidate.span("after")[0]
    if "from" not in ties:
        return -1
    for group in ("clockfirst", "clock"):
        first, end = candidate.span(group)
        for place in range(first + 1, end):
            if candidate.found[place].kind == "until":
                return place
    return -1


def struck(candidate: Candidate) -> int:
    """The place of a piece that is no part of a time, or -1 where all are."""
    return next(_faults(candidate), -1)


def _faults(candidate: Candidate) -> Iterator[int]:
    if candidate.has("every"):
        yield from _recurring(candidate)
    elif candidate.has("length"):
        if not _is_length(candidate):
            yield candidate.span("length")[1] - 1
    elif candidate.has("span"):
        if "within" not in candidate.kinds("tie"):
            yield candidate.span("span")[1] - 1
    elif candidate.has("day"):
        yield from _day(candidate, "day")
        yield from _clock(candidate, "clock")
    elif candidate.has("clockfirst"):
        yield from _day(candidate, "dayafter")
        yield from _clock(candidate, "clockfirst")


# --- what comes again ---------------------------------------------------------------------------------------------


def _recurring(candidate: Candidate) -> Iterator[int]:
    first, end = candidate.span("every")
    kinds = candidate.kinds("every")
    alone = "workdays" in kinds and "every" not in kinds
    if (
        (alone and not candidate.found[first].word.endswith("s"))
        or (end - first == 1 and candidate.context.named())
        or {"dets", "short"} <= kinds
    ):
        yield first
    yield from _clock(candidate, "everyclock")


# --- lengths ------------------------------------------------------------------------------------------------------


def _is_length(candidate: Candidate) -> bool:
    context, ties, after = candidate.context, candidate.kinds("tie"), candidate.kinds("after")
    if "later" in after or (context.kind_after() in ("before", "after", "later") and "less" not in ties):
        return False
    if after or candidate.has("pre") or ("before" in ties and "before_is_ago" in candidate.vocabulary.flags):
        return True
    if _each(candidate):
        return False
    if ties & _LENGTH_TIES or candidate.kinds("length") & {"next", "last", "past", "rest"}:
        describes = not context.goes_on() and _singular(candidate)
        return not describes and not ties & {"on", "at"} and not ("by" in ties and _uncounted(candidate))
    return not ties - {"around", "late"} and _bare_length(candidate)


def _uncounted(candidate: Candidate) -> bool:
    """`by the hour`"""
    return not candidate.kinds("length") & {"num", "art", "few", "amount"}


def _each(candidate: Candidate) -> bool:
    """`7 days a week`"""
    place = candidate.match.end()
    found = candidate.found[place : place + 2]
    return len(found) == 2 and found[0].kind == "art" and found[1].kind in ("unit", "hour")


def _singular(candidate: Candidate) -> bool:
    """A length that describes the next word: `in 30 day trials`."""
    found = candidate.pieces("length")
    number = next((piece.value for piece in found if piece.kind == "num"), 1)
    return number != 1 and not found[-1].word.endswith(("s", "n", "e", "h"))


def _bare_length(candidate: Candidate) -> bool:
    """Whether the words around say that it is how long something lasts."""
    context = candidate.context
    behind = context.has("lasting_behind", context.behind[:1])
    if not (context.goes_on() or behind) or context.kind_before() in ("det", "opaque", "of", "to", "this", "num"):
        return False
    if context.has("owning", context.before[:1]) or context.kind_after() == "of":
        return False
    return context.has("lasting", context.near[:5]) or context.has("lasting_behind", context.behind[:4])


# --- days ---------------------------------------------------------------------------------------------------------


def _day(candidate: Candidate, group: str) -> Iterator[int]:
    named = _Named.of(candidate, group)
    for place in range(*candidate.span(group)):
        check = _CHECKS.get(candidate.found[place].kind)
        if check is not None and not check(candidate, named, place):
            yield place


@dataclass(slots=True)
class _Named:
    """The day that a candidate names, as its checks look at it."""

    kinds: frozenset[str]
    ties: set[str]
    length: int
    timed: bool  # an hour stands beside it

    @classmethod
    def of(cls, candidate: Candidate, group: str) -> _Named:
        first, end = candidate.span(group)
        timed = candidate.has("clock") or candidate.has("clockfirst")
        return cls(candidate.kinds(group), candidate.ties("clock"), end - first, timed)

    @property
    def tied(self) -> bool:
        return bool(self.ties & _STRONG)


def _is_weekday(candidate: Candidate, named: _Named, place: int) -> bool:
    if named.kinds & (_STEPS | _CALENDAR | _DAYNUMS) or named.timed:
        return True
    context, article = candidate.context, _article(candidate)
    if context.named() or (article and not named.tied):
        return False
    if candidate.found[place].kind == "short":
        return named.tied and not article
    return not context.capital_follows() or (named.tied and not article) or _nouns_are_capital(candidate)


def _nouns_are_capital(candidate: Candidate) -> bool:
    return "nouns_are_capital" in candidate.vocabulary.flags


def _article(candidate: Candidate) -> bool:
    return "det" in candidate.kinds("tie") and "article_days" not in candidate.vocabulary.flags


def _is_numeric_date(candidate: Candidate, named: _Named, place: int) -> bool:
    context, piece = candidate.context, candidate.found[place]
    first, second, sign, _ = piece.value
    low, high = sorted((first, second))
    if sign == "," or not (0 < low < 13 and high < 32) or (sign == "." and second > 12):
        return False
    if piece.kind == "dec" and "dotted_dates" not in candidate.vocabulary.flags:
        return False
    if named.kinds & {"weekday", "short"} or named.ties & (_STRONG - {"for", "in", "at"}):
        return piece.kind != "dec" or context.goes_on()
    return context.has("dating", context.near[:3]) and context.goes_on()


def _is_month(candidate: Candidate, named: _Named, place: int) -> bool:
    context, piece = candidate.context, candidate.found[place]
    if named.kinds & (_DAYNUMS | {"year"}):
        return _is_date(candidate, named, place)
    if named.kinds & _STEPS:
        return True
    if not named.ties & _MONTH_TIES or (context.capital_follows() and not _nouns_are_capital(candidate)):
        return False
    del piece
    return "months_are_small" not in candidate.vocabulary.flags or not context.capital(place)


def _is_date(candidate: Candidate, named: _Named, place: int) -> bool:
    """A month with a day or a year; `the May 4th Be With You mugs` and `rue du 4 Septembre` are names."""
    context = candidate.context
    around = candidate.found[max(place - 3, 0) : place + 4]
    numbers = [piece.value for piece in around if piece.kind in _DAYNUMS]
    if "year" not in named.kinds and not any(0 < number < 32 for number in numbers):
        return False
    if context.named() and named.ties <= {"ofdet", "of", "det", "dets"}:
        return False
    if candidate.kinds("tie") == {"det"} and context.capital_follows() and not _nouns_are_capital(candidate):
        return False
    doubtful = candidate.vocabulary.has(candidate.found[place].word, "doubtful")
    return not doubtful or bool(named.ties) or context.goes_on()


def _is_day_of_month(candidate: Candidate, named: _Named, place: int) -> bool:
    """`the 5th`, `le 3`"""
    if named.kinds & (_CALENDAR | {"week_number"}):
        return True
    piece, flags, context = candidate.found[place], candidate.vocabulary.flags, candidate.context
    if not 0 < piece.value < 32:
        return False
    if named.kinds & {"weekday", "short"}:
        return piece.kind == "ord" or ("bare_ordinals" in flags and context.goes_on())
    article = "det" in candidate.kinds("tie")
    if piece.kind == "num" and not ("bare_ordinals" in flags and article):
        return False
    if not context.goes_on() or context.kind_before() == "opaque" or "at" in candidate.kinds("tie"):
        return False
    return article or bool(named.ties & {"by", "on", "until", "since", "ofdet"})


def _is_period(candidate: Candidate, named: _Named, place: int) -> bool:
    """`next week` is a time, `next day` and `this minute` are none that can be told."""
    piece = candidate.found[place]
    if (
        named.kinds & {"edge", "end", "middle", "start", "weekday", "short"}
        or named.length > 3
        or piece.kind == "quarter"
    ):
        return True
    return piece.value in _PERIODS


def _is_holiday(candidate: Candidate, named: _Named, place: int) -> bool:
    del place
    return named.tied and candidate.context.goes_on()


def _is_weekend(candidate: Candidate, named: _Named, place: int) -> bool:
    del candidate, place
    return named.tied or bool(named.kinds & _STEPS)


def _is_year(candidate: Candidate, named: _Named, place: int) -> bool:
    del place
    if named.kinds & _CALENDAR:
        return True
    if candidate.context.has("numbering", candidate.context.before[:1]):
        return False  # a card that ends in 2026
    return bool(named.ties & {"since", "in", "until", "by", "before", "from"}) and candidate.context.goes_on()


def _is_near(candidate: Candidate, named: _Named, place: int) -> bool:
    """`tomorrow`, unless it is the name of something."""
    del place
    return named.length > 1 or bool(named.ties) or named.timed or not candidate.context.named()


def _is_part(candidate: Candidate, named: _Named, place: int) -> bool:
    """`in the morning`; `the morning` alone names no day."""
    del place
    return named.length > 1 or "in" in candidate.kinds("tie")


def _is_edge(candidate: Candidate, named: _Named, place: int) -> bool:
    """The end of a week is a time, the end of a lesson is none."""
    del place
    units = [piece.value for piece in candidate.pieces("day") if piece.kind == "unit"]
    if units and units[0] not in _PERIODS | {"day"}:
        return False
    return bool(named.kinds & {"unit", "month", "quarter", "weekend", "weekday", "day"} or named.ties)


_CHECKS: Mapping[str, Callable[[Candidate, _Named, int], bool]] = {
    "weekday": _is_weekday,
    "short": _is_weekday,
    "dayparts": _is_weekday,
    "md": _is_numeric_date,
    "dec": _is_numeric_date,
    "month": _is_month,
    "ord": _is_day_of_month,
    "num": _is_day_of_month,
    "unit": _is_period,
    "quarter": _is_period,
    "holiday": _is_holiday,
    "weekend": _is_weekend,
    "year": _is_year,
    "day": _is_near,
    "manana": _is_near,
    "part": _is_part,
    "end": _is_edge,
    "middle": _is_edge,
    "start": _is_edge,
}


# --- hours --------------------------------------------------------------------------------------------------------


def _clock(candidate: Candidate, group: str) -> Iterator[int]:
    first, end = candidate.span(group)
    kinds = [piece.kind for piece in candidate.found[first:end]] if first >= 0 else []
    bare = [first + place for place, kind in enumerate(kinds) if kind in ("num", "dec")]
    if _TELLING & set(kinds) or ({"hour", "h"} & set(kinds) and _hour_tied(candidate, group)):
        yield from (place for place in range(first, end) if not _is_spoken(candidate, group, place))
    elif bare and not _is_bare_hour(candidate, group, bare):
        yield bare[0]


def _is_spoken(candidate: Candidate, group: str, place: int) -> bool:
    """`noon` and `breakfast` are hours where something ties them to the sentence or to a day."""
    piece = candidate.found[place]
    if piece.kind in ("half", "quarter"):
        first, end = candidate.span(group)
        return end - first > 1
    if piece.kind != "noon" or candidate.has("day") or candidate.has("dayafter") or candidate.has("every"):
        return True
    tied = candidate.ties(group) & _STRONG or candidate.kinds("tie") & {"around", "between"}
    return bool(tied or _free(piece)) and candidate.context.goes_on()


def _free(piece: Piece) -> bool:
    """Whether it is tied to its sentence by a word of its own: `en fin de journée`."""
    return piece.word in ("eod", "cob", "eob") or piece.word.startswith(("en ", "à ", "al ", "a "))


def _hour_tied(candidate: Candidate, group: str) -> bool:
    """17 h is an hour behind `à`, a length behind `sous`."""
    return bool(candidate.ties(group) & _HOUR_TIES) or candidate.has("day")


def _is_bare_hour(candidate: Candidate, group: str, bare: Sequence[int]) -> bool:
    """Whether numbers without anything else are hours."""
    found, allowed = candidate.found, candidate.vocabulary.bare_hours
    values = [found[place].value for place in bare]
    if len(bare) == 2 and bare[1] == bare[0] + 1:  # seven thirty
        values = values[:1] if values[1] in _SPOKEN_MINUTES else [0]
    most = 12 if "hours_are_12" in candidate.vocabulary.flags else 24
    if "dec" in (found[place].kind for place in bare) or not all(0 < value <= most for value in values):
        return False
    alone = len(values) == 1
    after_comma = group == "clock" and alone and found[bare[0] - 1].kind == "comma"
    if len(bare) > 2 or after_comma or not candidate.context.goes_on():
        return False
    ties = candidate.ties(group)
    with_day = group in ("clock", "everyclock") or candidate.has("dayafter")
    if "dets" in allowed and "dets" not in ties:
        return not alone and with_day and bool(ties & {"between", "from"})
    if not with_day and ("from" in ties if alone else not ties & {"between", "from", "dets"}):
        return False
    return bool(ties & allowed & _HOUR_TIES) or "dets" in ties or (with_day and "day" in allowed)
