"""Whatever is written: nothing raises, times stand in the text, known dates are read back in many wordings."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.understanding.times.reading import TIMES, read, utterance

from omnibot.model import TimeKind
from omnibot.understanding.times import time_sensitivity
from omnibot.understanding.times.words import LANGUAGES, vocabulary

ZONES = st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia", "Asia/Beirut"])
NOWS = st.datetimes(datetime(1970, 1, 2), datetime(2098, 1, 1), timezones=ZONES.map(ZoneInfo))  # noqa: DTZ001
FIGURES = st.sampled_from(
    [
        *("5", "17", "99", "0", "3rd", "32nd", "12:30", "25:61", "5pm", "13pm", "24/7", "31/02/2025", "2025-02-30"),
        *("14.03.", "10-12", "99999", "2300hrs", "48h", "29/2", "24:00", "q2", "1.5", ",", ".", "?"),
    ]
)


def words(language: str) -> st.SearchStrategy[str]:
    known = vocabulary(language)
    phrases = [
        " ".join((first, second, *rest))
        for first, begun in known.phrases.items()
        for second, rests in begun.items()
        for rest, _ in rests
    ]
    return st.one_of(st.sampled_from([*known.words, *phrases]), FIGURES)


SENTENCES = st.sampled_from(LANGUAGES).flatmap(
    lambda language: st.tuples(st.just(language), st.lists(words(language), max_size=12).map(" ".join))
)


@given(text=st.text(max_size=300), language=st.sampled_from([*LANGUAGES, "nl"]), now=NOWS)
def test_any_text(text: str, language: str, now: datetime) -> None:
    check(text, language, now)


@settings(max_examples=400)
@given(sentence=SENTENCES, now=NOWS)
def test_any_words_of_the_grammar(sentence: tuple[str, str], now: datetime) -> None:
    language, text = sentence
    check(text, language, now)


def check(text: str, language: str, now: datetime) -> None:
    said = utterance(text, language, now=now)
    found = TIMES.read(said)
    end = 0
    for named in found:
        assert named.start >= end
        assert said.text[named.start : named.end] == named.text
        assert 0 < named.confidence <= 1
        end = named.end
        if named.at is not None:
            assert named.at.utcoffset() == named.at.replace(tzinfo=now.tzinfo).utcoffset()
            assert named.at.tzinfo is now.tzinfo
    assert 0 <= time_sensitivity(said, found).value <= 1


@given(
    days=st.integers(1, 300),
    wording=st.sampled_from(
        [
            "by {d} {month}",
            "by {month} {d}",
            "by {month} {d}, {y}",
            "by {d}th of {month}",
            "by {iso}",
            "by the {d}th of {month} {y}",
        ]
    ),
    now=NOWS,
)
def test_known_dates_are_read_back_as_deadlines(days: int, wording: str, now: datetime) -> None:
    day = now.date() + timedelta(days=days)
    text = wording.format(d=day.day, month=f"{day:%B}", y=day.year, iso=day.isoformat())
    (named,) = read(f"please send it {text}", now=now)
    assert (named.kind, named.text) == (TimeKind.DEADLINE, text)
    assert named.at is not None
    assert (named.at.date(), f"{named.at:%H:%M:%S}") == (day, "23:59:59")
    assert named.at.astimezone(UTC) >= now.astimezone(UTC)


@given(
    day=st.dates(date(1980, 1, 1), date(2090, 12, 31)),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    wording=st.sampled_from(
        [
            ("en", "we meet on {d} {en} {y} at {h}:{m:02}"),
            ("es", "quedamos el {d} de {es} de {y} a las {h}:{m:02}"),
            ("de", "wir treffen uns am {d}. {de} {y} um {h:02}:{m:02} Uhr"),
            ("fr", "rendez-vous le {d} {fr} {y} à {h}h{m:02}"),
            ("en", "it is set for {y}-{mm:02}-{d:02}T{h:02}:{m:02}"),
            ("de", "Termin am {d:02}.{mm:02}.{y} um {h:02}:{m:02}"),
        ]
    ),
)
def test_known_moments_are_read_back_in_four_languages(
    day: date, hour: int, minute: int, wording: tuple[str, str]
) -> None:
    language, form = wording
    names = {other: _month(other, day.month) for other in LANGUAGES}
    text = form.format(d=day.day, y=day.year, mm=day.month, h=hour, m=minute, **names)
    (named,) = read(text, language, now=datetime(2025, 3, 12, 10, 15, tzinfo=UTC))
    assert named.at is not None
    assert named.at.date() == day
    assert named.at.hour % 12 == hour % 12
    assert named.at.minute == minute


def _month(language: str, month: int) -> str:
    return next(word for word, meaning in vocabulary(language).words.items() if meaning == ("month", month))


@given(number=st.integers(1, 400), unit=st.sampled_from(["minute", "hour", "day", "week"]), now=NOWS)
def test_lengths_lie_ahead_and_behind(number: int, unit: str, now: datetime) -> None:
    plural = unit + "s" * (number != 1)
    (ahead,) = read(f"please answer within {number} {plural}", now=now)
    (behind,) = read(f"I ordered it {number} {plural} ago", now=now)
    assert ahead.at is not None
    assert behind.at is not None
    # In UTC: two times of one zone are compared by what the clock shows, and one hour comes twice.
    assert behind.at.astimezone(UTC) < now.astimezone(UTC) < ahead.at.astimezone(UTC)


@pytest.mark.parametrize(
    "flood", ["by Friday 5pm ", "5 ", "in 2 hours ", "tomorrow ", "half past ", "1/2/3 ", "may the ", "- "]
)
def test_floods_end(flood: str) -> None:
    assert len(read(flood * 20_000)) <= 20
