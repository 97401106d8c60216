"""By when somebody has answered who works at certain hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from omnibot.model import BusinessHours
from omnibot.playbooks import Within

__all__ = ["due", "opens"]

_LONGEST = 400  # days that are looked through: longer nobody is closed


def opens(hours: BusinessHours, zone: tzinfo, now: datetime) -> datetime | None:
    """When somebody works next: now, where they do; None where they never do."""
    local = now.astimezone(zone)
    day = local.date()
    for _ in range(_LONGEST):
        if _works_on(hours, day):
            start, end = _at(day, hours.opens, zone), _at(day, hours.closes, zone)
            if now < end:
                return max(now, start)
        day += timedelta(days=1)
    return None


def due(within: Within, hours: BusinessHours, zone: tzinfo, now: datetime) -> datetime | None:
    """When so much of their working time is over; None where they never work.

    A working day is until the same hour of the next one; minutes are those in which somebody works. A time is told by
    the quarter of an hour, later rather than sooner.
    """
    moment = opens(hours, zone, now)
    for _ in range(within.days):
        moment = _same_hour_next_day(moment, hours, zone) if moment else None
    left = timedelta(minutes=within.minutes)
    while moment is not None and left > timedelta():
        end = _at(moment.astimezone(zone).date(), hours.closes, zone)
        if moment + left <= end:
            moment, left = moment + left, timedelta()
        else:
            left -= end - moment
            moment = opens(hours, zone, end)
    return _by_the_quarter(moment).astimezone(UTC) if moment else None


def _same_hour_next_day(moment: datetime, hours: BusinessHours, zone: tzinfo) -> datetime | None:
    local = moment.astimezone(zone)
    midnight = _at(local.date() + timedelta(days=1), time(), zone)
    following = opens(hours, zone, midnight)
    return following and _at(following.astimezone(zone).date(), local.time(), zone)


def _works_on(hours: BusinessHours, day: date) -> bool:
    return day.weekday() in hours.days and day not in hours.holidays


def _at(day: date, hour: time, zone: tzinfo) -> datetime:
    """In UTC, in which hours can be counted over a change of the clocks."""
    return datetime.combine(day, hour.replace(tzinfo=None), zone).astimezone(UTC)


_QUARTER = timedelta(minutes=15)


def _by_the_quarter(moment: datetime) -> datetime:
    beyond = timedelta(minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond)
    return moment - beyond + _QUARTER if beyond else moment
