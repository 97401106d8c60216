"""Dates, amounts, numbers and lists as people of a language say them.

Babel knows the languages; it is slow to import and to format, so it is imported with the first pack and what it wrote
is kept for a while.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING

from omnibot.model import Money, Value
from omnibot.model.values import frozen
from omnibot.places import Place, Template

if TYPE_CHECKING:
    from babel import Locale

__all__ = ["DAYS", "RELATIONS", "Clock", "Days", "Language", "Ordinals"]

DAYS = ("plain", "on", "since", "moment", "by")  # the forms in which days are told
RELATIONS = ("yesterday", "today", "tomorrow", "weekday", "day")  # how a day lies to today
_KEPT = 4096  # values of each kind
_A_WEEK = 7
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


@frozen
class Clock:
    """When something is said, and in which zone days and hours are told; without `now` no day is near."""

    now: datetime | None = None  # aware
    zone: tzinfo | None = None


@frozen
class Days:
    """How a language tells days: CLDR patterns, and by form and relation the words around them."""

    day: str  # "d MMMM"
    day_of_year: str  # where it is not this year's
    time: str  # "h:mm a"
    hour: str  # for a full hour
    words: Mapping[str, Mapping[str, Template]]


@frozen
class Ordinals:
    """Numbers in a row: the first few in words, the others by their plural category."""

    words: Sequence[str]
    others: Mapping[str, str]


class Language:
    """Writes values as one language does."""

    def __init__(self, locale: Locale, days: Days, ordinals: Ordinals) -> None:
        self.locale = locale
        self.days = days
        self._ordinals = ordinals
        self._dated = lru_cache(_KEPT)(self._write_date)
        self._amount = lru_cache(_KEPT)(self._write_amount)
        self._number = lru_cache(_KEPT)(self._write_number)
        self._span = lru_cache(_KEPT)(self._write_span)

    def write(self, value: Value, clock: Clock, form: str = "") -> str:
        """A value in words; `form` is one of `places.FORMS` or '' for the usual one."""
        match value:
            case str():
                return value
            case datetime() | date():
                return self._day(value, clock, form or "plain")
            case Money(amount, currency):
                return self._amount(amount, currency)
            case timedelta():
                return self._span(value)
            case tuple():
                return self._list(value, form)
            case int() if form == "ordinal":
                return self.ordinal(value)
            case _:
                return self._number(value)

    def category(self, count: int | float) -> str:
        """The plural category of a number: one, other, …"""
        return str(self.locale.plural_form(count))

    def ordinal(self, number: int) -> str:
        """`third`; in the form in which the pack's sentences need it."""
        if 0 < number <= len(self._ordinals.words):
            return self._ordinals.words[number - 1]
        others = self._ordinals.others
        written = others.get(str(self.locale.ordinal_form(number))) or others["other"]
        return written.replace("{n}", str(number))

    # --- days ---

    def _day(self, value: date | datetime, clock: Clock, form: str) -> str:
        moment = value.astimezone(clock.zone) if isinstance(value, datetime) and value.tzinfo and clock.zone else value
        today = _today(moment, clock)
        if isinstance(moment, datetime):
            return self._dated(moment.replace(tzinfo=None), today, form)
        return self._dated(datetime(moment.year, moment.month, moment.day), today, _WITHOUT_HOUR.get(form, form))  # noqa: DTZ001 -- a day has no zone

    def _write_date(self, moment: datetime, today: date | None, form: str) -> str:
        """`moment` and `today` are by the customer's clock."""
        pattern = self.days.time if moment.minute else self.days.hour
        of_year = today is None or moment.year != today.year
        written: dict[str, Callable[[], str]] = {
            "day": lambda: self._pattern(self.days.day_of_year if of_year else self.days.day, moment),
            "weekday": lambda: self._pattern("EEEE", moment),
            "time": lambda: self._pattern(pattern, moment),
        }

        def write(place: Place) -> str:
            if place.cases is not None:  # of the hour
                return _case(place.cases, moment.hour, self.category).fill(write)
            return written[place.name]()

        return self.days.words[form][_relation(moment.date(), today)].fill(write)

    def _pattern(self, pattern: str, moment: datetime) -> str:
        from babel.dates import parse_pattern

        return str(parse_pattern(pattern).apply(moment, self.locale))

    # --- the others ---

    def _write_amount(self, amount: object, currency: str) -> str:
        from babel.numbers import format_currency

        return str(format_currency(amount, currency, locale=self.locale))  # type: ignore[arg-type]

    def _write_number(self, number: int | float) -> str:
        from babel.numbers import format_decimal

        return str(format_decimal(number, locale=self.locale))

    def _write_span(self, span: timedelta) -> str:
        """In its two largest units: `1 hour and 30 minutes`."""
        left, parts = int(abs(span).total_seconds()), []
        for unit, seconds in _UNITS:
            count, left = divmod(left, seconds)
            if count:
                parts.append(self._unit(count, unit))
            if parts and (not left or len(parts) == 2):
                break
        return self.together(parts or [self._unit(0, "second")])

    def _unit(self, count: int, unit: str) -> str:
        from babel.units import format_unit

        return str(format_unit(count, f"duration-{unit}", locale=self.locale))

    def together(self, parts: Sequence[str]) -> str:
        """`Ana, Ben and Cy`."""
        if len(parts) < 2:
            return "".join(parts)
        from babel.lists import format_list

        return str(format_list(parts, locale=self.locale))

    def _list(self, values: tuple[str, ...], form: str) -> str:
        if form == "items":
            return "; ".join(value.rstrip(" .;,:") for value in values)
        return self.together(values)


_WITHOUT_HOUR = {"moment": "on", "by": "on"}  # a day alone is told without an hour


def _case(cases: Mapping[str, Template], count: int | float, category: Callable[[int | float], str]) -> Template:
    return cases.get(f"={count}") or cases.get(category(count)) or cases["other"]


def _today(moment: date | datetime, clock: Clock) -> date | None:
    if clock.now is None:
        return None
    zone = clock.zone or (moment.tzinfo if isinstance(moment, datetime) else None)
    return clock.now.astimezone(zone).date() if zone else clock.now.date()


def _relation(day: date, today: date | None) -> str:
    if today is None:
        return "day"
    ahead = (day - today).days
    if -1 <= ahead <= 1:
        return ("today", "tomorrow", "yesterday")[ahead]
    return "weekday" if 1 < ahead < _A_WEEK else "day"
