"""Days and hours of one zone, counted from the moment in which a message was written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, islice

from omnibot.model import Situation

__all__ = ["DAY", "Moments", "easter", "month_days"]

DAY = timedelta(days=1)
_LAST_SECOND = time(23, 59, 59)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "night": 1, "week": 7, "fortnight": 14, "business_week": 7, "weekend": 7}
_MINUTES = {"second": 1 / 60, "minute": 1, "hour": 60}
_YEARS = range(0, 9)  # in which a 29 February is found


class Moments:
    """Turns days and hours into moments. Days beyond the calendar raise OverflowError or ValueError."""

    def __init__(self, situation: Situation) -> None:
        self.zone = situation.zone
        self.hours = situation.hours
        self.now = situation.now.astimezone(situation.zone)
        self.today = self.now.date()
        self._now = situation.now.astimezone(UTC)

    def is_ahead(self, moment: datetime) -> bool:
        """Whether a moment is still to come.

        Two times of one zone are compared by what the clock shows, which is wrong in the hour that comes twice.
        """
        return moment.astimezone(UTC) > self._now

    def at(self, day: date, hour: int, minute: int = 0) -> datetime:
        """An hour of a day; one that the change to summer time leaves out is an hour later; 24 is the next day's 0."""
        if hour >= 24:
            day, hour = day + DAY * (hour // 24), hour % 24
        return self._running(datetime.combine(day, time(hour, minute), self.zone))

    def begin(self, day: date) -> datetime:
        """The first moment of a day."""
        return self.at(day, 0)

    def end(self, day: date) -> datetime:
        """The last second of a day."""
        return self._running(datetime.combine(day, _LAST_SECOND.replace(fold=1), self.zone))

    def opens(self, day: date) -> datetime:
        """When the company opens."""
        return self.at(day, self.hours.opens.hour, self.hours.opens.minute)

    def closes(self, day: date) -> datetime:
        """When the company closes."""
        return self.at(day, self.hours.closes.hour, self.hours.closes.minute)

    def in_minutes(self, minutes: float) -> datetime:
        """So many minutes from now, on the clock that runs through changes to summer time."""
        begun = self.now.replace(second=0, microsecond=0)
        return (begun.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(self.zone)

    def works(self, day: date) -> bool:
        """Whether the company works on a day."""
        return day.weekday() in self.hours.days and day not in self.hours.holidays

    def business_day(self, days: int, start: date | None = None) -> date:
        """The so manyth business day after a day, before it where `days` is below zero."""
        day, step = start or self.today, DAY if days > 0 else -DAY
        for _ in range(min(abs(days), 1000)):
            day += step
            for _ in range(30):  # a company that never works has its days all the same
                if self.works(day):
                    break
                day += step
        return day

    def last_business_day(self, monday: date) -> date:
        """The last day of a week on which the company works, its Friday where there is none."""
        days = [monday + DAY * place for place in range(7)]
        return next((day for day in reversed(days) if self.works(day)), days[4])

    def shifted(self, day: date, unit: str, number: float) -> date:
        """A day so many units later; a month's last day where the month is too short."""
        if unit in _MONTHS:
            whole = round(number * _MONTHS[unit])
            months = day.year * 12 + day.month - 1 + whole
            year, month = divmod(months, 12)
            return date(year, month + 1, min(day.day, month_days(year, month + 1)))
        if unit == "business":
            return self.business_day(round(number), day)
        return day + DAY * round(number * _DAYS[unit])

    def minutes(self, unit: str, number: float) -> float | None:
        """The length in minutes of units that a clock counts; None for days and longer."""
        return number * _MINUTES[unit] if unit in _MINUTES else None

    def monday(self, weeks: int = 0) -> date:
        """Monday of this week, or of one so many weeks later."""
        return self.today - DAY * self.today.weekday() + DAY * 7 * weeks

    def weekday(self, weekday: int, *, back: bool) -> date:
        """The next such day after today, or the latest before it."""
        if back:
            return self.today - DAY * ((self.today.weekday() - weekday - 1) % 7 + 1)
        return self.today + DAY * ((weekday - self.today.weekday() - 1) % 7 + 1)

    def day_of_month(self, day: int, *, back: bool) -> date:
        """The nearest such day of a month on one side of today, today included."""
        return next(found for found in self._months(day, back=back) if found is not None)

    def _months(self, day: int, *, back: bool) -> Iterator[date | None]:
        month = self.today.year * 12 + self.today.month - 1
        for step in islice(count(), 14):
            year, place = divmod(month - step if back else month + step, 12)
            if day <= month_days(year, place + 1):
                found = date(year, place + 1, day)
                yield found if (found <= self.today if back else found >= self.today) else None

    def day_of_year(self, month: int, day: int, *, back: bool) -> date:
        """The nearest such date on one side of today, today included; ValueError where there is none."""
        for step in _YEARS:
            year = self.today.year - step if back else self.today.year + step
            if day <= month_days(year, month):
                found = date(year, month, day)
                if found <= self.today if back else found >= self.today:
                    return found
        raise ValueError(f"no month {month} has a day {day}")

    def _running(self, moment: datetime) -> datetime:
        return moment.astimezone(UTC).astimezone(self.zone)


def month_days(year: int, month: int) -> int:
    """How many days a month has."""
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - DAY).day


def easter(year: int) -> date:
    """Easter Sunday, by the rule of 1816 for the Gregorian calendar (Gauss, corrected)."""
    golden, century = year % 19, year // 100
    moon = (15 + century - century // 4 - (8 * century + 13) // 25) % 30
    days = (19 * golden + moon) % 30
    days -= days == 29 or (days == 28 and golden > 10)
    sunday = (2 * (year % 4) + 4 * (year % 7) + 6 * days + (4 + century - century // 4)) % 7
    return date(year, 3, 22) + DAY * (days + sunday)
