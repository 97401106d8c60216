"""Hours and zones as people name them when they say when they want to be left alone, and where they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from zoneinfo import available_timezones

from omnibot.stems import folded

__all__ = ["place_of", "quiet_hours", "zone_named"]

_HOUR = re.compile(r"\b(\d{1,2})(?: (\d\d))?(?: ?(am|pm|h|heures?|uhr|o ?clock))?\b")
_FROM, _UNTIL = "22:00", "07:00"  # where only one end is named, or neither
_EVENING = 12  # an hour before it that begins the quiet is one of the evening, unless they say otherwise


def quiet_hours(words: str, until: re.Pattern[str], night: re.Pattern[str]) -> str:
    """From–to as `22:00-07:00`, of folded words; '' where they name no hours.

    `until` are words that stand before the hour that ends it, `night` those that mean the usual night.
    """
    hours = list(_HOUR.finditer(words))
    if not hours:
        return f"{_FROM}-{_UNTIL}" if night.search(words) else ""
    begins: str | None = None
    ends: str | None = None
    for hour in hours[:2]:
        named = _named(hour)
        if named is None:
            return ""
        is_end = bool(until.search(words[: hour.start()].rstrip()[-12:])) or begins is not None
        if is_end and ends is None:
            ends = _clock(*named[:2])
        else:
            begins = _clock(*_of_the_evening(*named)) if len(hours) == 1 or ends else _clock(*named[:2])
    begins, ends = begins or _FROM, ends or _UNTIL
    return f"{begins}-{ends}" if begins != ends else ""


def _named(hour: re.Match[str]) -> tuple[int, int, bool] | None:
    """Hour, minute, and whether it is said which half of the day is meant; None for no time."""
    number, minute, half = int(hour[1]), int(hour[2] or 0), hour[3] or ""
    if half in ("am", "pm"):
        if not 1 <= number <= 12:
            return None
        number = number % 12 + (12 if half == "pm" else 0)
    if number > 24 or minute > 59:
        return None
    return number % 24, minute, half in ("am", "pm")


def _of_the_evening(hour: int, minute: int, said: bool) -> tuple[int, int]:
    return (hour + 12, minute) if not said and 5 <= hour < _EVENING else (hour, minute)


def _clock(hour: int, minute: int) -> str:
    return f"{hour:02}:{minute:02}"


def place_of(zone: str) -> str:
    """The city of an IANA name, as people write it."""
    return zone.rpartition("/")[2].replace("_", " ")


_ABBREVIATED: Mapping[str, str] = {
    "utc": "UTC",
    "gmt": "Etc/GMT",
    "cet": "Europe/Berlin",
    "cest": "Europe/Berlin",
    "mez": "Europe/Berlin",
    "mesz": "Europe/Berlin",
    "central european": "Europe/Berlin",
    "bst": "Europe/London",
    "eastern": "America/New_York",
    "est": "America/New_York",
    "edt": "America/New_York",
    "central": "America/Chicago",
    "cst": "America/Chicago",
    "mountain": "America/Denver",
    "mst": "America/Denver",
    "pacific": "America/Los_Angeles",
    "pst": "America/Los_Angeles",
    "pdt": "America/Los_Angeles",
    "ist": "Asia/Kolkata",
    "jst": "Asia/Tokyo",
}


def zone_named(words: str) -> str:
    """The IANA name of the zone that folded words end with: a city's, a zone's own, an abbreviation; '' for none."""
    for ending in (" time zone", " time", " now", " zone"):
        words = words.removesuffix(ending)
    parts = words.split()
    for start in range(len(parts)):
        if zone := _zones().get(" ".join(parts[start:])):
            return zone
    return ""


@cache
def _zones() -> Mapping[str, str]:
    """By what people call them; Europe's and America's before others of the same name."""
    names = sorted(available_timezones(), key=lambda name: (name.partition("/")[0] not in ("Europe", "America"), name))
    found = dict(_ABBREVIATED)
    for name in names:
        area, slash, city = name.rpartition("/")
        if slash and area.partition("/")[0] not in ("Etc", "SystemV", "US", "posix", "right"):
            found.setdefault(folded(city), name)
        found.setdefault(folded(name), name)
    return found
