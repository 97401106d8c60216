"""How long some pieces say that something lasts."""

from __future__ import annotations

from collections.abc import Sequence

from omnibot.understanding.times.lexing import Piece

__all__ = ["length"]

_COUNTS = frozenset({"num", "art", "few", "half", "dec"})
_UNITS = frozenset({"unit", "hour", "h"})
_SMALLER = {
    "year": ("month", 12),
    "quarter": ("month", 3),
    "month": ("day", 30),
    "week": ("day", 7),
    "day": ("hour", 24),
}


def length(found: Sequence[Piece]) -> tuple[float | None, str]:
    """How many of what unit; None where the number is vague. Of "two or three days" it is the three."""
    for piece in found:
        if piece.kind == "amount":
            number, unit = piece.value.split()
            return float(number), unit
    place = next(place for place, piece in enumerate(found) if piece.kind in _UNITS)
    unit, behind = str(found[place].value), found[place + 1 :]
    counts = [piece for piece in found[:place] if piece.kind in _COUNTS]
    if any(piece.kind == "few" for piece in counts):
        return None, unit
    return _in_whole_units(_number(counts) + _rest(behind), unit)


def _number(counts: Sequence[Piece]) -> float:
    numbers = [_decimal(piece) for piece in counts if piece.kind in ("num", "dec")]
    if any(piece.kind == "half" for piece in counts):
        return max(numbers, default=0.0) + 0.5
    return max(numbers, default=1.0)


def _decimal(piece: Piece) -> float:
    """`2.5` was cut as if it could be a day of a month."""
    if piece.kind == "num":
        return float(piece.value)
    return float(f"{piece.value[0]}.{piece.value[1]}")


def _rest(behind: Sequence[Piece]) -> float:
    """`… and a half`, `… and 20 minutes`, in units of what stands in front."""
    kinds = {piece.kind for piece in behind}
    if "half" in kinds:
        return 0.5
    if "quarter" in kinds:
        return 0.25
    minutes = any(piece.value == "minute" for piece in behind)
    return next((piece.value / 60 for piece in behind if piece.kind == "num" and minutes), 0.0)


def _in_whole_units(number: float, unit: str) -> tuple[float, str]:
    """Days and longer count whole: half a week is so many days."""
    if number == int(number) or unit not in _SMALLER:
        return number, unit
    smaller, many = _SMALLER[unit]
    return float(round(number * many)), smaller
