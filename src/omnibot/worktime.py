"""Time in which somebody works: when they open, when so much of it is over, how much has passed, when they last closed.

All is told in UTC, in which hours can be counted over a change of the clocks.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from omnibot.model import BusinessHours

__all__ = ["at_local", "closed_since", "opens", "over", "worked", "works_on"]

_LONGEST = 400  # days that are looked through: longer nobody is closed


def opens(hours: BusinessHours, zone: tzinfo, now: datetime) -> datetime | None:
    """When somebody works next: now, where they do; None where they never do."""
    day = now.astimezone(zone).date()
    for _ in range(_LONGEST):
        if works_on(hours, day):
            start, end = at_local(day, hours.opens, zone), at_local(day, hours.closes, zone)
            if now < end:
                return max(now, start)
        day += timedelta(days=1)
    return None


def over(work: timedelta, hours: BusinessHours, zone: tzinfo, since: datetime) -> datetime | None:
    """When so much of their working time is over; None where they never work."""
    moment = opens(hours, zone, since)
    while moment is not None:
        end = at_local(moment.astimezone(zone).date(), hours.closes, zone)
        if moment + work <= end:
            return moment + work
        work -= end - moment
        moment = opens(hours, zone, end)
    return None


def worked(hours: BusinessHours, zone: tzinfo, since: datetime, until: datetime) -> timedelta:
    """How much of their working time lies between two moments."""
    total = timedelta()
    moment = opens(hours, zone, since)
    while moment is not None and moment < until:
        end = at_local(moment.astimezone(zone).date(), hours.closes, zone)
        total += min(end, until) - moment
        moment = opens(hours, zone, end)
    return total


def closed_since(hours: BusinessHours, zone: tzinfo, now: datetime) -> datetime | None:
    """Since when nobody works; None where somebody does, and the epoch where nobody ever did."""
    if opens(hours, zone, now) == now:
        return None
    day = now.astimezone(zone).date()
    for _ in range(_LONGEST):
        if works_on(hours, day) and (end := at_local(day, hours.closes, zone)) <= now:
            return end
        day -= timedelta(days=1)
    return datetime.fromtimestamp(0, UTC)


def works_on(hours: BusinessHours, day: date) -> bool:
    """Whether a day is one of theirs."""
    return day.weekday() in hours.days and day not in hours.holidays


def at_local(day: date, hour: time, zone: tzinfo) -> datetime:
    """A day's hour in a zone."""
    return datetime.combine(day, hour.replace(tzinfo=None), zone).astimezone(UTC)
