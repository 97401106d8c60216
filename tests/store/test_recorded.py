"""What a turn's record leaves out is there again when it is shown."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import (
    Alternative,
    Emotions,
    Entity,
    Evidence,
    Expertise,
    Intent,
    NamedTime,
    Reading,
    Sentiment,
    Signal,
    Situation,
    TimeKind,
    Trend,
    Urgency,
)
from omnibot.store.recorded import record_body, record_of
from omnibot.understanding import Understanding

NUMBERS = st.sampled_from([0.0, 0.25, -0.75, 1.0])
WORDS = st.text("aé “", max_size=3)
PLACES = st.integers(0, 9)
EVIDENCE = st.lists(st.one_of(st.builds(Evidence, WORDS), st.builds(Evidence, WORDS, PLACES, PLACES)), max_size=2).map(
    tuple
)


def signals(values: st.SearchStrategy[object], kind: type = Signal, **more: st.SearchStrategy[object]):
    return st.builds(kind, values, NUMBERS, EVIDENCE, st.booleans(), **more)


TRENDS = st.none() | st.builds(Trend, sentiment=NUMBERS, frustration=NUMBERS, turns=PLACES)
TIMES = st.builds(
    NamedTime, st.none() | st.just(datetime(2026, 3, 1, tzinfo=UTC)), WORDS, st.sampled_from(TimeKind), PLACES, PLACES
)
READINGS = st.builds(
    Reading,
    language=signals(st.sampled_from(["", "en"])),
    sentiment=signals(NUMBERS, Sentiment, vader=NUMBERS),
    urgency=signals(st.sampled_from(Urgency)),
    intent=signals(WORDS, Intent, alternatives=st.lists(st.builds(Alternative, WORDS, NUMBERS), max_size=2).map(tuple)),
    emotions=st.builds(Emotions, **{name: signals(NUMBERS) for name in Emotions.__slots__}),
    expertise=signals(st.sampled_from(Expertise)),
    person=signals(st.booleans()),
    repetition=signals(PLACES),
    questions=signals(PLACES),
    time_sensitivity=signals(NUMBERS),
    times=st.lists(TIMES, max_size=2).map(tuple),
    entities=st.lists(st.builds(Entity, WORDS, WORDS, WORDS, PLACES, PLACES), max_size=2).map(tuple),
    trend=TRENDS,
    case_trend=TRENDS,
)


def as_json(value: object) -> object:
    return orjson.loads(orjson.dumps(value))


@given(READINGS)
def test_a_reading_is_shown_as_it_was_read(reading: Reading) -> None:
    record = {"messages": [1], "reading": reading, "why": "it was asked"}
    assert record_of(as_json(record_body(record))) == as_json(record)


@given(READINGS)
def test_what_an_older_version_sealed_whole_stays_so(reading: Reading) -> None:
    whole = as_json({"reading": reading})
    assert record_of(whole) == whole


def test_what_was_not_read_in_an_older_version_is_not_known() -> None:
    shown = record_of(
        {"reading": {"language": {"value": "es", "confidence": 0.9, "evidence": ["hola"], "known": True}}}
    )
    assert shown["reading"]["language"]["evidence"] == ["hola"]
    assert shown["reading"]["intent"]["known"] is False


@pytest.mark.parametrize("record", [{}, {"why": "nothing was said"}])
def test_a_record_without_a_reading_stays_so(record: dict[str, str]) -> None:
    assert record_of(as_json(record_body(record))) == record


def test_a_usual_record_is_short_enough_not_to_be_compressed() -> None:
    understanding = Understanding(("en",))
    text = "I am very disappointed, parcel 4711 arrived broken and your courier was rude to my wife at the door."
    reading = understanding.read(text, Situation(now=datetime(2026, 3, 1, tzinfo=UTC), zone=UTC))
    whole, body = orjson.dumps({"reading": reading}), orjson.dumps(record_body({"reading": reading}))
    assert len(body) < 1400 < len(whole)
