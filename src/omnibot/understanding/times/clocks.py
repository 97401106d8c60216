"""What hour of the day some pieces name, and which one is meant where half of the day is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from omnibot.model.values import frozen
from omnibot.understanding.times.lexing import Piece
from omnibot.understanding.times.moments import DAY, Moments
from omnibot.understanding.times.words import Vocabulary

__all__ = ["Clock", "clock", "in_part", "on_day", "without_day"]

_NAMED = {"noon": (12, 0), "midnight": (24, 0)}
_QUARTER = 15
_JOINS = frozenset({"to", "until", "or", "and", "at", "on"})
_BEFORE = ("to", "before", "minus", "for")


@frozen
class Clock:
    """An hour of the day."""

    hour: int
    minute: int = 0
    certain: bool = True  # which half of the day is meant
    name: str = ""  # closes, opens, midnight, this: what the company's hours and now decide
    part: str | None = None


def clock(found: Sequence[Piece], vocabulary: Vocabulary) -> Clock | None:
    """The hour that some pieces name; of two the first."""
    halves = _halves(found, vocabulary)
    first = _one(halves[0], vocabulary)
    if first is None or len(halves) == 1:
        return first
    second = _one(halves[1], vocabulary)
    if second is None or first.name or second.name or first.certain:
        return first
    if second.certain or second.part:
        late = replace(first, hour=first.hour + 12, certain=True)
        end = second.hour + (12 if second.part in ("afternoon", "evening") and second.hour < 12 else 0)
        fits = first.hour < 12 and late.hour < (end or 24)
        return late if fits else replace(first, certain=second.hour >= 12, part=second.part)
    return first


def _halves(found: Sequence[Piece], vocabulary: Vocabulary) -> list[Sequence[Piece]]:
    """Before and after the word that joins two hours."""
    for place, piece in enumerate(found[:-1]):
        if piece.kind not in _JOINS or not _has_hour(found[:place]) or not _has_hour(found[place:]):
            continue
        if piece.kind != "and" or not _is_part_of_hour(found[place + 1], vocabulary):
            return [found[:place], found[place + 1 :]]
    return [found]


def _is_part_of_hour(behind: Piece, vocabulary: Vocabulary) -> bool:
    """`las cinco y cuarto`, `las cinco y diez`"""
    if behind.kind in ("half", "quarter"):
        return True
    return behind.kind == "num" and behind.value in (5, 10, 20, 25) and "and_minutes" in vocabulary.flags


def _has_hour(found: Sequence[Piece]) -> bool:
    return any(piece.kind in ("num", "clock", "hm", "noon", "dec") for piece in found)


def _one(found: Sequence[Piece], vocabulary: Vocabulary) -> Clock | None:
    kinds = [piece.kind for piece in found]
    part = next((str(p.value) if p.kind == "part" else "morning" for p in found if p.kind in ("part", "manana")), None)
    if "noon" in kinds and not {"half", "quarter", "num"} & set(kinds):
        return _named(found[kinds.index("noon")])
    for kind in ("clock", "hm", "dec"):
        if kind in kinds:
            hour, minute = found[kinds.index(kind)].value[:2]
            certain = kind == "clock" or "oclock" in kinds or "h" in kinds
            return _halved(Clock(hour, minute, certain, part=part), kinds) if hour < 25 and minute < 60 else None
    numbers = [piece.value for piece in found if piece.kind in ("num", "noon")]
    numbers = [12 if number == "noon" else number for number in numbers]
    if not numbers or not all(isinstance(number, int) for number in numbers):
        return None
    hour, minute = _spoken(kinds, numbers, vocabulary)
    if not 0 <= hour <= 24 or not 0 <= minute < 60:
        return None
    certain = hour > 12 or hour in (0, 24) or bool({"h", "oclock"} & set(kinds) and "hours_are_24" in vocabulary.flags)
    return _halved(Clock(hour, minute, certain, part=part), kinds)


def _named(piece: Piece) -> Clock:
    if piece.value in _NAMED:
        hour, minute = _NAMED[piece.value]
        return Clock(hour, minute, name="midnight" if hour == 24 else "")
    return Clock(0, name=piece.value)


def _spoken(kinds: Sequence[str], numbers: Sequence[int], vocabulary: Vocabulary) -> tuple[int, int]:
    """half past five, Viertel vor acht, las cinco menos diez, cinq heures et demie."""
    first = numbers[0]
    joined = next((kind for kind in kinds if kind in ("past", "after", *_BEFORE)), "")
    if "half" in kinds:
        place = kinds.index("half")
        if place > kinds.index("num" if "num" in kinds else "noon"):
            return first, 30
        if "half_before" in vocabulary.flags and not joined:
            return (first - 1) or 12, 30
        return first, 30
    if "quarter" in kinds:
        if "minus" in kinds or joined in _BEFORE:
            return (first - 1) or 12, 45
        return first, _QUARTER
    if len(numbers) > 1:
        if "minus" in kinds:
            return (first - 1) or 12, 60 - numbers[1]
        if joined in _BEFORE and not {"hour", "h"} & set(kinds):
            return (numbers[1] - 1) or 12, 60 - first
        return (numbers[1], first) if joined else (first, numbers[1])
    return first, 0


def _halved(found: Clock, kinds: Sequence[str]) -> Clock:
    """With a.m. or p.m., or the part of the day that goes with it."""
    hour = found.hour
    if "am" in kinds or "pm" in kinds:
        return replace(found, hour=hour % 12 + (12 if "pm" in kinds else 0), certain=True) if hour <= 12 else found
    if found.certain and hour > 12:
        return found
    if found.part == "morning":
        return replace(found, hour=hour, certain=True)
    if found.part == "afternoon":
        return replace(found, hour=hour if hour >= 12 else hour + 12, certain=True)
    if found.part == "evening":
        return replace(found, hour=hour + 12 if 4 < hour < 12 else hour + 24 if hour < 5 else 24, certain=True)
    return found


def on_day(
    found: Clock,
    day: date,
    moments: Moments,
    vocabulary: Vocabulary,
    *,
    back: bool,
    deadline: bool,
    again: bool = False,
) -> datetime:
    """That hour of a day."""
    if found.name:
        return _by_name(found, day, moments, deadline=deadline)
    if found.certain:
        return moments.at(day, found.hour, found.minute)
    both = [moments.at(day, found.hour % 12, found.minute), moments.at(day, found.hour % 12 + 12, found.minute)]
    if found.hour == 12:
        return both[1]
    if day != moments.today or again:
        late = found.hour <= (vocabulary.afternoon if found.minute == 0 else min(vocabulary.afternoon, 4))
        return both[1] if late and found.hour else both[0]
    if back:
        return max((moment for moment in both if not moments.is_ahead(moment)), default=both[0])
    return min((moment for moment in both if moments.is_ahead(moment)), default=both[1])


def _by_name(found: Clock, day: date, moments: Moments, *, deadline: bool) -> datetime:
    if found.name == "this":
        return moments.at(day, moments.now.hour, moments.now.minute)
    if found.name == "opens":
        return moments.opens(day)
    if found.name == "midnight":
        return moments.end(day) if deadline else moments.at(day, 24)
    closes = moments.closes(day)
    if deadline and day == moments.today and not moments.is_ahead(closes):
        return moments.end(day)  # who says so after hours means what is left of the day
    return closes


def without_day(found: Clock, moments: Moments, vocabulary: Vocabulary, *, back: bool, deadline: bool) -> datetime:
    """The next such hour, or the latest; the one of today where the company's hours name it."""
    today = moments.today
    if found.name == "midnight" and back:
        return moments.begin(today)
    days = (today, today - DAY) if back else (today, today + DAY)
    for day in days:
        moment = on_day(found, day, moments, vocabulary, back=back, deadline=deadline)
        if moments.is_ahead(moment) != back:
            return moment
        if not found.certain and not found.name and found.hour != 12 and day == today and not back:
            return _morning_or_evening(found, moments)
    return moment


def _morning_or_evening(found: Clock, moments: Moments) -> datetime:
    """The first of the next day's two: both of today's are over."""
    return moments.at(moments.today + DAY, found.hour % 12, found.minute)


def in_part(hour: Clock, part: str) -> Clock:
    """An hour that stands beside a part of the day is one of that part."""
    if hour.certain or hour.name:
        return hour
    later = 0
    if part in ("afternoon", "evening") and hour.hour < 12:
        later = 24 if part == "evening" and hour.hour < 5 else 12  # tonight at one is tomorrow
    return Clock(hour.hour + later, hour.minute, certain=True, part=part)
