"""By when a team has answered: in its hours and its zone, whatever the clocks do."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.dialogue.promises import due, opens
from omnibot.model import BusinessHours
from omnibot.playbooks import Within

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
OFFICE = BusinessHours()  # Monday to Friday, 9 to 18


def berlin(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("now", "within", "by"),
    [
        pytest.param(berlin(4, 10), Within(minutes=240), berlin(4, 14), id="within the day"),
        pytest.param(berlin(4, 16), Within(minutes=240), berlin(5, 11), id="goes on next morning"),
        pytest.param(berlin(4, 7), Within(minutes=60), berlin(4, 10), id="before they open"),
        pytest.param(berlin(6, 17), Within(minutes=120), berlin(9, 10), id="over the weekend"),
        pytest.param(berlin(7, 12), Within(minutes=30), berlin(9, 9, 30), id="at the weekend"),
        pytest.param(berlin(4, 14), Within(minutes=240), berlin(4, 18), id="until they close"),
        pytest.param(berlin(4, 10), Within(days=1), berlin(5, 10), id="a working day"),
        pytest.param(berlin(6, 10), Within(days=1), berlin(9, 10), id="a working day from Friday"),
        pytest.param(berlin(7, 10), Within(days=1), berlin(10, 9), id="a working day from Saturday"),
        pytest.param(berlin(4, 10, 7), Within(minutes=60), berlin(4, 11, 15), id="by the quarter"),
        pytest.param(berlin(27, 17), Within(minutes=120), berlin(30, 10), id="over the change of the clocks"),
        pytest.param(berlin(4, 10), Within(minutes=27 * 60), berlin(9, 10), id="more than a day of hours"),
    ],
)
def test_by_when_somebody_has_answered(now: datetime, within: Within, by: datetime) -> None:
    assert due(within, OFFICE, BERLIN, now.astimezone(UTC)) == by


def test_on_holidays_nobody_works() -> None:
    hours = BusinessHours(holidays=frozenset({date(2026, 3, 5), date(2026, 3, 6)}))
    assert due(Within(minutes=240), hours, BERLIN, berlin(4, 16)) == berlin(9, 11)


def test_who_never_works_promises_nothing() -> None:
    never = BusinessHours(days=frozenset())
    assert opens(never, BERLIN, berlin(4, 10)) is None
    assert due(Within(days=1), never, BERLIN, berlin(4, 10)) is None
    assert due(Within(minutes=5), never, BERLIN, berlin(4, 10)) is None


_MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + minutes * MINUTE)


@given(_MOMENTS, st.integers(1, 3000), st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"]))
def test_a_promise_falls_into_working_hours_and_not_before_its_time(now: datetime, minutes: int, zone: str) -> None:
    by = due(Within(minutes=minutes), OFFICE, ZoneInfo(zone), now)
    assert by is not None
    assert by - now >= timedelta(minutes=minutes)
    local = by.astimezone(ZoneInfo(zone))
    assert local.weekday() < 5
    assert time(9) <= local.time() <= time(18)


def test_a_time_is_told_in_words() -> None:
    told = [str(within) for within in (Within(minutes=240), Within(days=1), Within(minutes=30), Within(2, 90))]
    assert told == ["4 hours", "1 day", "30 minutes", "2 days and 1 hour and 30 minutes"]
