"""Moments: changes to summer time, the ends of months, leap days, and years that are out of the calendar's reach."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from tests.understanding.times.reading import TIMES, read, told, utterance

from omnibot.model import Situation
from omnibot.understanding.times import time_sensitivity
from omnibot.understanding.times.moments import Moments, easter, month_days

NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")


def at(zone: str, *parts: int) -> datetime:
    year, month, day, hour, minute = parts
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone))


def iso(text: str, now: datetime, language: str = "en") -> list[str]:
    return [named.at.isoformat() if named.at else "?" for named in read(text, language, now=now)]


def test_hours_run_through_a_change_to_summer_time_and_days_do_not() -> None:
    saturday = at("America/New_York", 2025, 3, 8, 20, 0)
    assert iso("within 12 hours", saturday) == ["2025-03-09T09:00:00-04:00"]
    assert iso("within 1 day", saturday) == ["2025-03-09T23:59:59-04:00"]
    assert iso("12 hours ago", at("America/New_York", 2025, 3, 9, 9, 0)) == ["2025-03-08T20:00:00-05:00"]
    assert iso("within 12 hours", at("America/New_York", 2025, 11, 1, 20, 0)) == ["2025-11-02T07:00:00-05:00"]


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    first = datetime(2025, 11, 2, 1, 45, tzinfo=NEW_YORK)
    again = first.replace(fold=1)
    assert iso("1 hour ago", again) == ["2025-11-02T01:45:00-04:00"]
    assert iso("in 30 minutes we fly", first) == ["2025-11-02T01:15:00-05:00"]


def test_a_day_has_the_offset_that_holds_then() -> None:
    assert iso("by April 5", at("Europe/Berlin", 2025, 3, 12, 10, 15)) == ["2025-04-05T23:59:59+02:00"]
    assert iso("three months ago", at("Europe/Berlin", 2026, 1, 16, 14, 20)) == ["2025-10-16T00:00:00+02:00"]


def test_an_hour_that_the_clocks_leave_out_is_the_one_behind_it() -> None:
    assert iso("on Sunday at 2:30 am", at("America/New_York", 2025, 3, 7, 9, 0)) == ["2025-03-09T03:30:00-04:00"]


def test_a_day_may_begin_at_one_and_end_in_its_second_last_hour() -> None:
    # Beirut's clocks go from 0:00 to 1:00 on 30 March, Havana's from 1:00 back to 0:00 on 2 November.
    assert iso("on 30 March we fly", at("Asia/Beirut", 2025, 3, 12, 10, 0)) == ["2025-03-30T01:00:00+03:00"]
    assert iso("on 2 November we fly", at("America/Havana", 2025, 10, 12, 10, 0)) == ["2025-11-02T00:00:00-04:00"]
    # Azores: the last hour of 25 October comes twice in no zone of today; Greenland's did in 2023.
    assert iso("by 28 October 2023", at("America/Nuuk", 2023, 10, 1, 10, 0)) == ["2023-10-28T23:59:59-02:00"]


def test_the_ends_of_months() -> None:
    end = at("Europe/Berlin", 2025, 1, 31, 10, 0)
    assert iso("in one month", end) == ["2025-02-28T00:00:00+01:00"]
    assert iso("by the end of next month", end) == ["2025-02-28T23:59:59+01:00"]
    assert iso("by the 30th", end) == ["2025-03-30T23:59:59+02:00"]
    assert iso("I paid on the 31st", at("Europe/Berlin", 2025, 5, 2, 10, 0)) == ["2025-03-31T00:00:00+02:00"]
    assert iso("a year ago", at("Europe/Berlin", 2024, 2, 29, 10, 0)) == ["2023-02-28T00:00:00+01:00"]


def test_leap_days() -> None:
    assert iso("by 29 February", at("Europe/Berlin", 2025, 3, 12, 10, 0)) == ["2028-02-29T23:59:59+01:00"]
    assert iso("I paid on 29 February", at("Europe/Berlin", 2025, 3, 12, 10, 0)) == ["2024-02-29T00:00:00+01:00"]
    assert iso("by 29 February", at("Europe/Berlin", 2097, 3, 12, 10, 0)) == ["2104-02-29T23:59:59+01:00"]
    assert iso("by 29 February 2025", at("Europe/Berlin", 2025, 1, 12, 10, 0)) == []


@pytest.mark.parametrize(
    "text",
    [
        "by 31 April",
        "by 31/11/2025",
        "on the 30 February",
        "by 30.02.",
        "in 9999 years",
        "by 31 June 2025",
        "5000 years ago",
    ],
)
def test_days_that_the_calendar_has_not_are_no_times(text: str) -> None:
    assert read(text) == ()


@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_the_calendar_raise_nothing(year: int) -> None:
    now = datetime(year, 1 if year == 1 else 12, 1 if year == 1 else 31, 12, 0, tzinfo=UTC)
    for text in (
        "by tomorrow",
        "yesterday",
        "next week",
        "last month",
        "every Monday",
        "in 2 days",
        "by 3pm",
        "at 9am",
    ):
        for zone in ("America/New_York", "Pacific/Auckland"):
            said = utterance(text, now=now, zone=ZoneInfo(zone))
            time_sensitivity(said, TIMES.read(said))


def test_now_may_lie_beyond_what_the_zone_can_tell() -> None:
    assert read("by tomorrow", now=datetime(1, 1, 1, 1, 0, tzinfo=UTC), zone=NEW_YORK) == ()


def test_now_may_be_told_in_another_zone_than_the_writer_s() -> None:
    evening = datetime(2025, 3, 12, 23, 30, tzinfo=UTC)  # half past midnight in Berlin
    assert told(read("by tomorrow", now=evening, zone=BERLIN)) == ["deadline 2025-03-14 23:59:59"]


def test_dates_are_the_nearest_on_the_side_that_the_sentence_speaks_of() -> None:
    summer = at("Europe/Berlin", 2025, 7, 15, 10, 0)
    assert iso("in May we fly", summer) == ["2026-05-01T00:00:00+02:00"]
    assert iso("we moved in October", summer) == ["2024-10-01T00:00:00+02:00"]
    assert iso("by October", summer) == ["2025-10-31T23:59:59+01:00"]
    assert iso("in July we fly", summer) == ["2025-07-01T00:00:00+02:00"]
    assert iso("since last week", summer) == ["2025-07-07T00:00:00+02:00"]
    assert iso("in KW 20 lief es", summer, "de") == ["2025-05-12T00:00:00+02:00"]
    assert iso("in KW 50 lief es", summer, "de") == ["2024-12-09T00:00:00+01:00"]


def test_easter() -> None:
    assert [easter(year) for year in (1961, 2000, 2024, 2025, 2038, 2049, 2076)] == [
        date(1961, 4, 2),
        date(2000, 4, 23),
        date(2024, 3, 31),
        date(2025, 4, 20),
        date(2038, 4, 25),
        date(2049, 4, 18),
        date(2076, 4, 19),
    ]


def test_months_and_business_days() -> None:
    moments = Moments(Situation(now=at("Europe/Berlin", 2025, 3, 14, 10, 0), zone=BERLIN))
    assert (month_days(2024, 2), month_days(2100, 2), month_days(2025, 12)) == (29, 28, 31)
    assert moments.business_day(1) == date(2025, 3, 17)
    assert moments.business_day(-1) == date(2025, 3, 13)
    with pytest.raises(ValueError, match="no month 2 has a day 30"):
        moments.day_of_year(2, 30, back=False)
