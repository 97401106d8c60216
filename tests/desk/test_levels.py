"""Service levels are counted in a team's own hours, with its holidays, and each is reminded of once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from omnibot.desk import Dues, Levels, Rules, Staff, dues_of, idles_at, looks_at, reminders
from omnibot.model import AddressId, BusinessHours, Stretch, StretchId, StretchState
from omnibot.worktime import closed_since, opens, over, worked

BERLIN = ZoneInfo("Europe/Berlin")
HOURS = BusinessHours(holidays=frozenset({date(2026, 4, 3), date(2026, 4, 6)}))  # Easter
HOUR = timedelta(hours=1)
TEAM = Staff(
    key="support",
    hours=HOURS,
    zone=BERLIN,
    levels={
        "normal": Levels(first=4 * HOUR, next=2 * HOUR, resolve=18 * HOUR),
        "urgent": Levels(first=HOUR, next=HOUR, resolve=9 * HOUR),
    },
)
RULES = Rules(teams={"support": TEAM}, idle=9 * HOUR)
THURSDAY_16 = datetime(2026, 4, 2, 16, tzinfo=BERLIN)  # before Easter
STRETCH = Stretch(id=StretchId(1), address=AddressId(1), team="support", opened_at=THURSDAY_16)


def berlin(day: int, hour: int, minute: int = 0, month: int = 4) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


def told(stretch: Stretch, now: datetime, reminded: dict | None = None, asked_at: datetime | None = None) -> list[str]:
    return [one.which for one in reminders(stretch, asked_at, reminded or {}, now, RULES)]


def test_easter_is_no_time_of_a_team():
    dues = dues_of(STRETCH, None, RULES)
    assert dues == Dues(first=berlin(7, 11), next=None, resolve=berlin(8, 16))


def test_an_urgent_matter_has_times_of_its_own_and_high_ones_those_of_all():
    assert dues_of(replace(STRETCH, priority="urgent"), None, RULES).first == berlin(2, 17)
    assert dues_of(replace(STRETCH, priority="high"), None, RULES).first == berlin(7, 11)


def test_after_the_first_answer_each_further_question_has_its_time():
    answered = replace(STRETCH, answered_at=berlin(2, 17))
    assert dues_of(answered, None, RULES) == Dues(resolve=berlin(8, 16))
    assert dues_of(answered, berlin(7, 17), RULES).next == berlin(8, 10)


def test_what_was_not_solved_after_all_has_its_time_anew():
    reopened = replace(STRETCH, answered_at=berlin(2, 17), reopened_at=berlin(14, 12))
    assert dues_of(reopened, None, RULES).resolve == berlin(16, 12)
    assert told(reopened, berlin(15, 9), {"resolve": berlin(8, 11), "resolve.over": berlin(8, 16)}) == []
    assert told(reopened, berlin(16, 12), {"resolve.over": berlin(8, 16)}) == ["resolve.over"]


def test_it_is_looked_at_when_the_next_of_its_times_comes():
    looks = [looks_at(STRETCH, berlin(2, 16), now, RULES) for now in (berlin(2, 16), berlin(7, 10), berlin(7, 11))]
    assert looks == [berlin(7, 10), berlin(7, 11), berlin(7, 16)]  # reminded, overdue, taken up by nobody
    until = replace(STRETCH, state=StretchState.SNOOZED, snoozed_until=berlin(6, 9))
    assert looks_at(until, None, berlin(5, 9), RULES) == berlin(6, 9)
    assert looks_at(STRETCH, None, berlin(30, 9), RULES) is None
    assert looks_at(replace(STRETCH, state=StretchState.RESOLVED), None, berlin(2, 17), RULES) is None


def test_what_is_over_or_has_no_times_is_never_due():
    assert dues_of(replace(STRETCH, state=StretchState.RESOLVED), None, RULES) == Dues()
    assert dues_of(STRETCH, None, Rules(teams={"support": Staff(key="support")})) == Dues()
    assert Dues().nearest() is None


def test_the_nearest_of_what_is_due_is_named():
    assert dues_of(STRETCH, None, RULES).nearest() == ("first", berlin(7, 11))


def test_a_team_is_reminded_once_before_and_once_after():
    assert told(STRETCH, berlin(7, 9, 59)) == []
    assert told(STRETCH, berlin(7, 10)) == ["first"]  # three of four hours are over
    assert told(STRETCH, berlin(7, 10), {"first": berlin(7, 10)}) == []
    assert told(STRETCH, berlin(7, 11), {"first": berlin(7, 10)}) == ["first.over"]
    done = {"first": berlin(7, 10), "first.over": berlin(7, 11), "resolve": berlin(8, 11)}
    assert told(STRETCH, berlin(8, 12), done) == []


def test_who_missed_the_first_reminder_gets_the_second_alone():
    assert told(STRETCH, berlin(8, 9)) == ["first.over"]


def test_the_reminder_says_what_is_due_when_where_they_are():
    [before] = reminders(STRETCH, None, {}, berlin(7, 10), RULES)
    assert (before.text, before.breached) == ("Due Tue 7 Apr 11:00 CEST: a first answer.", False)
    [after] = reminders(STRETCH, None, {}, berlin(7, 11), RULES)
    assert (after.text, after.breached) == ("Overdue: a first answer was due Tue 7 Apr 11:00 CEST.", True)


def test_each_new_question_is_reminded_of_again():
    answered = replace(STRETCH, answered_at=berlin(2, 17))
    before = {"next": berlin(7, 11), "next.over": berlin(7, 12), "resolve": berlin(7, 11)}
    assert told(answered, berlin(8, 12), before, asked_at=berlin(8, 9, 30)) == ["next.over"]


def test_what_sleeps_reminds_nobody():
    assert told(replace(STRETCH, state=StretchState.SNOOZED), berlin(9, 12)) == []


def test_without_a_share_there_is_only_the_last_reminder():
    late = replace(RULES, remind_before=0.0)
    assert [one.which for one in reminders(STRETCH, None, {}, berlin(7, 10, 59), late)] == []


def test_the_bot_goes_on_when_nobody_took_it_up_in_working_time():
    assert idles_at(STRETCH, berlin(2, 17), RULES) == berlin(7, 17)
    assert idles_at(STRETCH, None, RULES) is None
    assert idles_at(replace(STRETCH, state=StretchState.SNOOZED), berlin(2, 17), RULES) is None
    assert idles_at(STRETCH, berlin(2, 17), replace(RULES, idle=timedelta())) is None


# --- working time ---


def test_who_never_works_is_never_done():
    never = BusinessHours(days=frozenset())
    assert over(HOUR, never, BERLIN, THURSDAY_16) is None
    assert worked(never, BERLIN, THURSDAY_16, berlin(9, 9)) == timedelta()
    assert closed_since(never, BERLIN, THURSDAY_16) == datetime.fromtimestamp(0, UTC)


def test_an_hour_of_work_is_an_hour_where_clocks_change():
    nights = BusinessHours(opens=datetime.min.time(), closes=datetime.max.time(), days=frozenset(range(7)))
    begins = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # an hour before two o'clock becomes three
    assert over(HOUR, nights, BERLIN, begins) == begins + HOUR


def test_since_when_they_are_closed():
    assert closed_since(HOURS, BERLIN, berlin(2, 12)) is None
    assert closed_since(HOURS, BERLIN, berlin(5, 12)) == berlin(2, 18)
    assert closed_since(HOURS, BERLIN, berlin(2, 8)) == berlin(1, 18)


@given(st.integers(0, 700 * 24 * 60), st.integers(1, 60 * 60))
def test_so_much_work_is_over_when_so_much_was_worked(begins, minutes):
    since, work = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=begins), timedelta(minutes=minutes)
    until = over(work, HOURS, BERLIN, since)
    assert until is not None
    assert worked(HOURS, BERLIN, since, until) == work
    assert opens(HOURS, BERLIN, since) <= until
