"""When something that comes again comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from omnibot.understanding.times.clocks import Clock, in_part, on_day
from omnibot.understanding.times.days import PARTS
from omnibot.understanding.times.lexing import Piece
from omnibot.understanding.times.moments import DAY, Moments
from omnibot.understanding.times.words import Vocabulary

__all__ = ["next_time"]

_AHEAD = 15  # days: by then each weekday has come twice
_LAST = -1
_NAMES = frozenset({"weekday", "short", "always", "dayparts"})
_SPANS = frozenset({"to", "until", "at", "on"})
_WORKDAYS = frozenset({"business", "workdays"})


def next_time(found: Sequence[Piece], hour: Clock | None, moments: Moments, vocabulary: Vocabulary) -> datetime | None:
    """The next time after now; None where nothing anchors it: every 40 minutes, every other Friday."""
    kinds = {piece.kind: piece for piece in reversed(found)}
    part = _part(found)
    for day in _days(found, kinds, part, moments):
        at = _on(day, hour, part, moments, vocabulary)
        if moments.is_ahead(at):
            return at
    return None


def _part(found: Sequence[Piece]) -> str | None:
    for piece in found:
        if piece.kind == "part":
            return str(piece.value)
        if piece.kind == "manana":
            return "morning"
        if piece.kind == "dayparts":
            return str(piece.value[1])
    return None


def _on(day: date, hour: Clock | None, part: str | None, moments: Moments, vocabulary: Vocabulary) -> datetime:
    if hour is None:
        return moments.at(day, PARTS[part][0] if part else 0)
    if part:
        hour = in_part(hour, part)
    return on_day(hour, day, moments, vocabulary, back=False, deadline=False, again=True)


def _days(found: Sequence[Piece], kinds: Mapping[str, Piece], part: str | None, moments: Moments) -> Sequence[date]:
    """The days to come on which it happens; none where they are not known."""
    if "other" in kinds:
        return ()
    names = [piece.value[0] if piece.kind == "dayparts" else piece.value for piece in found if piece.kind in _NAMES]
    if names and kinds.keys() & {"nth", "ord", "last"}:
        return _days_of_months(kinds, names[0], moments)
    if "ord" in kinds:
        day = moments.day_of_month(kinds["ord"].value, back=False)
        return (day, moments.shifted(day, "month", 1))
    ahead = [moments.today + DAY * place for place in range(_AHEAD)]
    if names:
        weekdays = _from_to(names) if kinds.keys() & _SPANS else names
        return [day for day in ahead if day.weekday() in weekdays]
    unit = "weekend" if "weekend" in kinds else str(kinds["unit"].value) if "unit" in kinds else ""
    if "workdays" in kinds or unit in _WORKDAYS:
        return [day for day in ahead if moments.works(day)]
    if unit == "weekend":
        return [day for day in ahead if day.weekday() == 5]
    daily = part is not None or (unit == "day" and "num" not in kinds)
    return ahead if daily else ()


def _from_to(names: Sequence[int]) -> set[int]:
    """The weekdays from the first to the last, over the week's end where they stand so."""
    return {day % 7 for day in range(names[0], names[-1] + 1 + 7 * (names[-1] < names[0]))}


def _days_of_months(kinds: Mapping[str, Piece], weekday: int, moments: Moments) -> Sequence[date]:
    """That weekday of this month and the next two."""
    nth = _LAST if "last" in kinds else (kinds.get("nth") or kinds["ord"]).value
    if nth == 2 and "every" in kinds and "unit" not in kinds:
        return ()  # every second Tuesday: which of the two is not said
    found = []
    for months in range(3):
        first = moments.shifted(moments.today.replace(day=1), "month", months)
        begin = first + DAY * ((weekday - first.weekday()) % 7)
        days = [day for week in range(5) if (day := begin + DAY * 7 * week).month == first.month]
        if nth <= len(days):
            found.append(days[nth - 1 if nth > 0 else _LAST])
    return found
