"""Whatever somebody writes can be read, and costs what its length does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest
import structlog
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from omnibot.model import EarlierTurn, Reading, Situation
from omnibot.understanding import LONGEST, Catalogue, Understanding
from tests.costs import assert_cost, assert_linear

NOW = datetime(2025, 3, 12, 10, 15, tzinfo=UTC)
ANYTHING = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Pieces of what people write, which chance would hardly find: each has somebody who looks for it.
PIECES = st.sampled_from(
    [
        *("by Friday", "tomorrow at 25:99", "in -3 hours", "2025-02-31", "31.12.9999", "in 99999999999999 years"),
        *("yesterday", "every other day", "order #", "error 0x", "v1.2.3.4.5.6.7", "$", "€ 1.234.567,89", "1e400"),
        *("1000000000000000000000000 dollars", "¹²³ orders", "third time", "9999th time", "not", "but", "never"),
        *("kind of", "ASAP", "NOW", "can't", "i'm", "j'ai", "l'", "''''", "(((", "???", "!!!", "...", ":-)", "\\"),
        *("😡", "👍🏽", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f3f4\U000e0067\U000e0062", "¯\\_(ツ)_/¯"),
        *("İ", "ß", "ŉ", "ﬀ", "\u2126", "\u0301", "\u200d", "\u202e", "\ufeff", "\x00", "\x1b[31m", "\ud800"),
        *("\U0010ffff", "\r\n", "\t", "\u2028", "<b>", "{}", "%s", "a@b.c", "https://x.y/z?q=1#t", "&amp;", "@user"),
    ]
)
TEXTS = st.one_of(
    st.text(),
    st.text(alphabet=st.characters(codec=None, exclude_categories=())),
    st.lists(
        st.one_of(PIECES, st.text(max_size=5), st.sampled_from(["I", "my", "is", "el", "die", "la"])), max_size=40
    ).map(" ".join),
)
SITUATIONS = st.builds(
    Situation,
    now=st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    zone=st.timezones(),
    last_language=st.none() | st.sampled_from(["en", "es", "de", "xx", ""]),
    earlier=st.lists(
        st.builds(
            EarlierTurn,
            at=st.just(NOW),
            sentiment=st.none() | st.floats(-1, 1),
            frustration=st.none() | st.floats(0, 1),
            intent=st.none() | st.sampled_from(["refund", "oos"]),
            answered=st.booleans(),
        ),
        max_size=12,
    ).map(tuple),
    contacts=st.integers(1, 10**6),
    unanswered=st.integers(0, 10**6),
    minutes_since=st.none() | st.floats(0, 1e12),
    last_reply=st.text(max_size=50),
    last_words=st.text(max_size=50),
)


@pytest.fixture(scope="session")
def understanding() -> Understanding:
    return Understanding(
        ["en", "es", "de", "fr"], Catalogue(products=["Cloud Drive", "S", "!"], patterns={"serial": [r"SN-\d+"]})
    )


@ANYTHING
@given(TEXTS, SITUATIONS)
@example("İ" * 100, Situation(now=NOW, zone=UTC))
@example("\ud800 order 4711", Situation(now=NOW, zone=UTC))
def test_any_text_in_any_situation_can_be_read(understanding: Understanding, text: str, situation: Situation) -> None:
    with structlog.testing.capture_logs() as logs:
        reading = understanding.read(text, situation)
    assert logs == []  # no reader has failed
    assert -1 <= reading.sentiment.value <= 1
    assert -1 <= reading.sentiment.vader <= 1
    emotions = reading.emotions
    signals = [
        *(reading.language, reading.intent, reading.sentiment, reading.urgency, reading.expertise, reading.formality),
        reading.register,
        *(reading.politeness, reading.person, reading.repetition, reading.questions, reading.time_sensitivity),
        *(emotions.frustration, emotions.confusion, emotions.satisfaction, emotions.excitement),
    ]
    assert all(0 <= signal.confidence <= 1 for signal in signals)
    assert all(0 <= signal.value <= 1 for signal in signals[-4:])
    end = min(len(text), LONGEST)
    found = [one for signal in signals for one in signal.evidence if one.start is not None]
    assert all(0 <= one.start <= one.end <= end for one in [*found, *reading.times, *reading.entities])
    orjson.loads(orjson.dumps(reading))  # it can be recorded


@ANYTHING
@given(st.lists(st.tuples(TEXTS, SITUATIONS), min_size=2, max_size=5))
def test_texts_that_are_read_part_by_part_together_are_read_as_each_alone(
    understanding: Understanding, said: list[tuple[str, Situation]]
) -> None:
    together: dict[int, Reading] = {}
    under_way = {nth: understanding.read_in_parts(text, situation) for nth, (text, situation) in enumerate(said)}
    while len(together) < len(said):
        for nth, parts in under_way.items():
            try:
                next(parts)
            except StopIteration as end:
                together.setdefault(nth, end.value)
    assert [together[nth] for nth in under_way] == [understanding.read(text, situation) for text, situation in said]


FLOODS = {
    "emoji": "😡",
    "emoji with spaces": "😡 ",
    "families": "👨‍👩‍👧‍👦",
    "many kinds of emoji": "😡🎉💔",
    "no sentence end": "word ",
    "no space": "x",
    "digits": "1234567890",
    "numbers": "12 ",
    "amounts": "$1,234.50 ",
    "dates": "12.03.2025 ",
    "weekdays": "by Friday ",
    "clocks": "at 10:30 ",
    "hours": "in 3 hours ",
    "combining marks": "a\u0301\u0301\u0301\u0301",
    "controls": "\x00\x1b\x07",
    "direction": "\u202e\u202d",
    "weighted words": "bad but ",
    "negations": "not so very bad but ",
    "signs": "(",
    "signs with spaces": "! ",
    "apostrophes": "i'm ",
    "line ends": "\n",
    "urgent": "urgent ",
    "loud": "NOW ",
    "questions": "why? ",
    "orders": "order 48213 and ",
    "greetings": "hello ",
    "Chinese": "请问我的订单什么时候到",
    "Arabic": "أين طلبي؟ ",
    "lone surrogates": "\ud800 ",
    "an address": "a@b.c ",
    "a letter": "I ordered the blue one last week and your courier has left it in the rain, who pays for that? ",
}


@pytest.mark.parametrize("flood", FLOODS)
def test_sixteen_times_the_text_costs_at_most_some_sixteen_times_as_much(
    understanding: Understanding, flood: str
) -> None:
    """Less than thirteen times, since something is always paid for a beginning."""
    situation = Situation(now=NOW, zone=UTC)
    whole = (FLOODS[flood] * LONGEST)[:LONGEST]
    assert_linear(lambda length: lambda: understanding.read(whole[:length], situation), LONGEST, at_most=36)


@pytest.mark.parametrize("flood", FLOODS)
def test_what_is_beyond_the_cap_costs_nothing_and_is_not_read(understanding: Understanding, flood: str) -> None:
    situation = Situation(now=NOW, zone=UTC)
    text = (FLOODS[flood] * LONGEST)[:LONGEST]
    longer = text + FLOODS[flood] * (100_000 // len(FLOODS[flood]))
    one, other = understanding.read(longer, situation), understanding.read(text, situation)
    for signal in ("language", "intent", "times", "entities", "repetition", "questions", "person"):
        assert getattr(one, signal) == getattr(other, signal)
    assert_cost(
        lambda: understanding.read(longer, situation), at_most=3, times=lambda: understanding.read(text, situation)
    )


@pytest.mark.parametrize("flood", FLOODS)
def test_no_flood_costs_more_than_six_letters_of_its_length(understanding: Understanding, flood: str) -> None:
    """What is bounded is the dearest: letters in plain words are what 4,000 characters may cost."""
    situation = Situation(now=NOW, zone=UTC)
    letter = (FLOODS["a letter"] * LONGEST)[:LONGEST]
    text = (FLOODS[flood] * LONGEST)[:LONGEST]
    assert_cost(
        lambda: understanding.read(text, situation), at_most=6, times=lambda: understanding.read(letter, situation)
    )


def test_a_year_that_is_over_soon_and_one_long_ago_do_no_harm(understanding: Understanding) -> None:
    text = "by tomorrow, in 500 years, 800 weeks ago, next month, every Friday, in 100000 days"
    for now in (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC), NOW + timedelta(days=36500)):
        with structlog.testing.capture_logs() as logs:
            understanding.read(text, Situation(now=now, zone=UTC))
        assert logs == []
