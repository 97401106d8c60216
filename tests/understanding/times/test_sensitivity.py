"""Time sensitivity: how soon something is wanted, from whenever to now."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from tests.understanding.times.reading import NEW_YORK, TIMES, WEDNESDAY, utterance

from omnibot.model import BusinessHours
from omnibot.understanding.times import time_sensitivity
from omnibot.understanding.times.sensitivity import business_hours

WEEK = timedelta(days=7)


def of(text: str, language: str = "en", now: datetime = WEDNESDAY) -> float | None:
    said = utterance(text, language, now=now)
    signal = time_sensitivity(said, TIMES.read(said))
    assert 0 <= signal.value <= 1
    assert signal.known == bool(signal.evidence)
    return signal.value if signal.known else None


def test_the_nearer_the_deadline_in_business_hours_the_sooner() -> None:
    order = ["within the hour", "by EOD", "by tomorrow", "by Friday", "by next Friday", "by the end of May"]
    values = [of(text) or 0.0 for text in order]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.9
    assert values[-1] < 0.2


def test_a_night_or_a_weekend_is_no_time_to_work_in() -> None:
    friday = datetime(2025, 3, 14, 17, 55, tzinfo=NEW_YORK)
    assert (of("within 48 hours", now=friday) or 0) > 0.95


def test_an_event_presses_less_than_what_is_due() -> None:
    assert (of("I fly tomorrow at 9") or 0) < (of("I need it by tomorrow at 9") or 0)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("please fix it asap", "en"),
        ("I need this right now", "en"),
        ("as soon as possible please", "en"),
        ("lo antes posible", "es"),
        ("so schnell wie möglich", "de"),
        ("au plus vite", "fr"),
    ],
)
def test_words_of_haste(text: str, language: str) -> None:
    assert (of(text, language) or 0) > 0.9


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("no rush", "en"),
        ("whenever you have time", "en"),
        ("this is not urgent", "en"),
        ("no hay prisa", "es"),
        ("das ist nicht dringend", "de"),
        ("rien ne presse", "fr"),
    ],
)
def test_words_of_leisure(text: str, language: str) -> None:
    assert of(text, language) == 0.1


def test_leisure_wins_over_haste_and_yields_to_a_deadline() -> None:
    assert of("urgent? no, whenever") == 0.1
    assert of("no rush, by Friday is fine") == of("by Friday is fine")
    assert (of("urgent: by Friday") or 0) > (of("by Friday") or 0)


@pytest.mark.parametrize(
    "text", ["thanks a lot", "I ordered it yesterday", "every Monday", "it took three hours", "the emergency exit"]
)
def test_what_tells_nothing_is_not_known(text: str) -> None:
    assert of(text) is None


def test_the_evidence_is_the_words() -> None:
    said = utterance("Urgent: I need it by Friday 5pm")
    evidence = time_sensitivity(said, TIMES.read(said)).evidence
    assert [(found.text, found.start, found.end) for found in evidence] == [("by Friday 5pm", 18, 31), ("Urgent", 0, 6)]


def test_business_hours() -> None:
    situation = utterance("").situation  # Wednesday 10:15
    assert business_hours(situation, datetime(2025, 3, 12, 18, 0, tzinfo=NEW_YORK)) == 7.75
    assert business_hours(situation, datetime(2025, 3, 13, 10, 0, tzinfo=NEW_YORK)) == 8.75
    assert business_hours(situation, datetime(2025, 3, 16, 10, 0, tzinfo=NEW_YORK)) == 7.75 + 18
    assert business_hours(situation, datetime(2035, 3, 16, 10, 0, tzinfo=NEW_YORK)) < 9 * 60


def test_business_hours_of_the_day_on_which_clocks_are_changed() -> None:
    always = BusinessHours(days=frozenset(range(7)), opens=time(0), closes=time(23, 59))
    before, after = (datetime(2025, 3, day, 12, tzinfo=NEW_YORK) for day in (8, 10))  # 23 hours long is the 9th
    situation = utterance("", now=before, hours=always).situation
    assert business_hours(situation, after) == pytest.approx(47 - 2 / 60)
    assert business_hours(replace(situation, now=before - WEEK), after - WEEK) == pytest.approx(48 - 2 / 60)
