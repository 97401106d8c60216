"""How well the times are found that messages name, and how often one is heard that none names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from omnibot.evaluation.files import objects
from omnibot.evaluation.metrics import share
from omnibot.evaluation.report import Report, Table, number
from omnibot.model import NamedTime

__all__ = ["Expected", "Item", "is_found", "measure", "read"]

_NEAR = timedelta(hours=1)
_LAST_MINUTE = time(23, 59)
_COARSE = re.compile(r"(\d{4})(?:-(\d\d)|-?W(\d\d))?")
_LENGTH = re.compile(  # ISO 8601: P3D, PT2H30M, P1W
    r"[+-]?P(?!$)(?:[\d.,]+Y)?(?:[\d.,]+M)?(?:[\d.,]+W)?(?:[\d.,]+D)?(?:T(?!$)(?:[\d.,]+H)?(?:[\d.,]+M)?(?:[\d.,]+S)?)?"
)


@dataclass(frozen=True, slots=True)
class Expected:
    """A time that a message names: days from `first` to `last`, or a moment of a day."""

    first: date
    last: date
    at: datetime | None = None  # aware, in the writer's zone


def _listed(values: object) -> object:
    if isinstance(values, list):
        return [value for value in values if value is not None]
    return [values] if values else []


class Item(BaseModel):
    """One line: a text, when it was written, and the times that it names.

    `zone` is the writer's; without one it is that of `now`, and UTC where that has none either. `any` decides: the
    values of a text that names no time are left out, and so are lengths of time, which are no moments.
    """

    text: str
    now: datetime
    any: bool
    zone: str | None = None
    written: Annotated[list[str], BeforeValidator(_listed)] = Field(alias="values", default=[])
    _expected: tuple[Expected, ...] = ()

    @model_validator(mode="after")
    def _times_are_times(self) -> Item:
        zone = _zone(self.zone) if self.zone else self.now.tzinfo or UTC
        self.now = self.now.replace(tzinfo=zone) if self.now.tzinfo is None else self.now.astimezone(zone)
        moments = [value for value in self.written if not _LENGTH.fullmatch(value)]
        self._expected = tuple(_expected(value, zone) for value in moments if self.any)
        return self

    @property
    def expected(self) -> tuple[Expected, ...]:
        """What should be found."""
        return self._expected

    @property
    def lengths(self) -> int:
        """How many of the values are a length of time."""
        return sum(bool(_LENGTH.fullmatch(value)) for value in self.written)

    @property
    def contradicts(self) -> bool:
        """Whether it names no time, and yet has moments."""
        return not self.any and self.lengths < len(self.written)


def read(path: Path) -> list[Item]:
    """The items of a file; raises BrokenInput."""
    return objects(path, Item)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"zone: {name!r} is none: write one such as Europe/Berlin") from None


def _expected(written: str, zone: tzinfo) -> Expected:
    """An ISO 8601 time: a year, a month, a week, a day, or a moment (in the writer's zone where it tells none)."""
    try:
        if coarse := _COARSE.fullmatch(written):
            return _period(*coarse.groups())
        if "T" not in written and " " not in written:
            day = date.fromisoformat(written)
            return Expected(day, day)
        at = datetime.fromisoformat(written)
    except ValueError:
        raise ValueError(f"values: {written!r} is no ISO 8601 time: write 2025-03-14 or 2025-03-14T17:00") from None
    at = at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)
    return Expected(at.date(), at.date(), at)


def _period(year: str, month: str | None, week: str | None) -> Expected:
    if week:
        first = date.fromisocalendar(int(year), int(week), 1)
        return Expected(first, first + timedelta(days=6))
    first = date(int(year), int(month or 1), 1)
    following = date(first.year + 1, 1, 1) if not month or first.month == 12 else first.replace(month=first.month + 1)
    return Expected(first, following - timedelta(days=1))


def is_found(expected: Expected, times: Sequence[NamedTime], now: datetime) -> bool:
    """Whether one of the times that were heard is the expected one.

    Where a time of day is expected: within an hour of it. Where only a day is (or a week, a month, a year): within
    it, in the writer's zone. A moment stands for its day alone at midnight, in the day's last minute, and at the time
    of day that `now` has: so is "in three days" written by those who count from now.
    """
    at, zone = expected.at, now.tzinfo
    for heard in (named.at.astimezone(zone) for named in times if named.at is not None):
        if at is not None and abs(heard - at) <= _NEAR:
            return True
        if (at is None or _is_a_day(at, now)) and expected.first <= heard.date() <= expected.last:
            return True
    return False


def _is_a_day(at: datetime, now: datetime) -> bool:
    clock = at.time().replace(second=0, microsecond=0)
    return clock in (time.min, _LAST_MINUTE, now.time().replace(second=0, microsecond=0))


def measure(items: Sequence[Item], hear: Callable[[str, datetime], Sequence[NamedTime]]) -> Report:
    """How many of the expected times are found, and in how many of the texts without any one is heard all the same.

    A time whose words fix no moment ("it took three hours") is neither. A value that is a length of time is none that
    could be found; in its text whatever is heard is the time that it names.
    """
    heard = [hear(item.text, item.now) for item in items]
    moments = [[named for named in times if named.at is not None] for times in heard]
    pairs = list(zip(items, moments, strict=True))
    found = share([is_found(expected, times, item.now) for item, times in pairs for expected in item.expected])
    alarms = share([bool(times) for item, times in pairs if not item.any])
    detected = share(
        [bool(some if item.lengths else times) for (item, times), some in zip(pairs, heard, strict=True) if item.any]
    )
    notes = _notes(items)
    if found is None:
        notes.append("no item has values, so nothing can be found")
    if alarms is None:
        notes.append("every item names a time, so there can be no false alarm")
    with_times = sum(item.any for item in items)
    rows = [
        ("found", str(sum(len(item.expected) for item in items)), number(found)),
        ("false alarms", str(len(items) - with_times), number(alarms)),
        ("texts with a time in which one is heard", str(with_times), number(detected)),
    ]
    return Report(
        figures={"found": found, "false_alarms": alarms, "detected": detected, "items": len(items)},
        tables=(Table(("measure", "of", "share"), rows),),
        notes=notes,
    )


def _notes(items: Sequence[Item]) -> list[str]:
    """What is left out of the values."""
    notes = []
    if contradictory := sum(item.contradicts for item in items):
        notes.append(f"{contradictory} texts name no time (any: false) and yet have values: these are left out")
    if lengths := sum(item.lengths for item in items if item.any):
        notes.append(f"{lengths} values are lengths of time, which are no moments: they are left out")
    return notes
