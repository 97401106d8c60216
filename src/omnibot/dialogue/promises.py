"""By when somebody has answered who works at certain hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo

from omnibot.model import BusinessHours
from omnibot.playbooks import Within
from omnibot.worktime import at_local, opens, over

__all__ = ["due", "due_from", "opens"]


def due(within: Within, hours: BusinessHours, zone: tzinfo, now: datetime) -> datetime | None:
    """When so much of their working time is over; None where they never work."""
    return due_from(opens(hours, zone, now), within, hours, zone)


def due_from(moment: datetime | None, within: Within, hours: BusinessHours, zone: tzinfo) -> datetime | None:
    """As `due`, of a moment in which they work, if there is one.

    A working day is until the same hour of the next one; minutes are those in which somebody works. A time is told by
    the quarter of an hour, later rather than sooner.
    """
    for _ in range(within.days):
        moment = _same_hour_next_day(moment, hours, zone) if moment else None
    moment = over(timedelta(minutes=within.minutes), hours, zone, moment) if moment and within.minutes else moment
    return _by_the_quarter(moment).astimezone(UTC) if moment else None


def _same_hour_next_day(moment: datetime, hours: BusinessHours, zone: tzinfo) -> datetime | None:
    local = moment.astimezone(zone)
    midnight = at_local(local.date() + timedelta(days=1), time(), zone)
    following = opens(hours, zone, midnight)
    return following and at_local(following.astimezone(zone).date(), local.time(), zone)


_QUARTER = timedelta(minutes=15)


def _by_the_quarter(moment: datetime) -> datetime:
    beyond = timedelta(minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond)
    return moment - beyond + _QUARTER if beyond else moment
