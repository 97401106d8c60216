"""Trends: where the mood goes from turn to turn, of the customer and of the case."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import EarlierTurn, Intent, Sentiment, Signal, Situation, Trend
from omnibot.understanding.trends import slope, trends

NOW = datetime(2025, 5, 6, 12, 0, tzinfo=UTC)
BILLING = Intent("billing", 0.9)
UNKNOWN = Intent("oos", 0.2, known=False)


def earlier(*turns: tuple[float | None, float | None, str | None]) -> Situation:
    """A situation after turns, each (sentiment, frustration, intent)."""
    return Situation(
        now=NOW,
        zone=UTC,
        earlier=tuple(
            EarlierTurn(at=NOW - timedelta(hours=len(turns) - place), sentiment=mood, frustration=temper, intent=intent)
            for place, (mood, temper, intent) in enumerate(turns)
        ),
    )


def mood(value: float) -> Sentiment:
    return Sentiment(value, 0.9)


def temper(value: float) -> Signal[float]:
    return Signal(value, 0.9)


def test_a_first_turn_has_no_trend() -> None:
    assert trends(earlier(), mood(-0.8), temper(0.9), BILLING) == (None, None)


def test_a_mood_that_sinks_by_as_much_each_turn_has_that_as_its_slope() -> None:
    situation = earlier((0.5, 0.1, "billing"), (0.2, 0.3, "billing"), (-0.1, 0.5, "billing"))
    # Four turns, -0.3 and +0.2 each; four prove three quarters of it.
    expected = Trend(sentiment=pytest.approx(-0.225), frustration=pytest.approx(0.15), turns=4)
    assert trends(situation, mood(-0.4), temper(0.7), BILLING) == (expected, expected)


def test_the_case_is_the_turns_of_this_intent() -> None:
    situation = earlier((0.8, 0.0, "billing"), (-0.9, 0.9, "delivery"), (0.6, 0.2, "billing"), (-0.9, 0.9, "delivery"))
    whole, case = trends(situation, mood(0.4), temper(0.4), BILLING)
    assert case is not None
    assert (case.turns, case.sentiment < 0, case.frustration > 0) == (3, True, True)
    assert whole is not None
    assert whole.turns == 5


def test_a_turn_of_unknown_intent_belongs_to_no_case() -> None:
    whole, case = trends(earlier((0.8, 0.0, UNKNOWN.value)), mood(0.0), temper(0.5), UNKNOWN)
    assert whole is not None
    assert case is None


def test_the_first_turn_of_a_case_has_no_trend_of_its_own() -> None:
    _whole, case = trends(earlier((0.8, 0.0, "delivery")), mood(0.0), temper(0.5), BILLING)
    assert case is None


def test_what_is_not_known_is_left_out_and_its_turn_still_passes() -> None:
    # From 0 to -0.6 in two turns, of which the middle one told nothing: -0.3 a turn, and two values prove half of it.
    assert slope([0.0, None, -0.6]) == pytest.approx(-0.15)


def test_without_two_known_values_there_is_no_trend() -> None:
    unknown_mood, unknown_temper = Sentiment(0.0, 0.0, known=False), Signal(0.0, 0.0, known=False)
    assert trends(earlier((0.3, None, None)), unknown_mood, unknown_temper, BILLING) == (None, None)


def test_a_trend_of_one_signal_alone_leaves_the_other_level() -> None:
    whole, _case = trends(earlier((0.5, None, None)), mood(-0.5), temper(0.9), UNKNOWN)
    assert whole == Trend(sentiment=-0.5, frustration=0.0, turns=2)


def test_one_odd_turn_does_not_turn_the_slope() -> None:
    rising, odd = slope([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), slope([0.1, 0.2, 1.0, 0.4, 0.5, 0.6])
    assert rising is not None
    assert odd is not None
    assert abs(rising - odd) < 0.03


def test_only_the_latest_turns_count() -> None:
    sinking, rising = (
        [(0.1 * -place, None, None) for place in range(40)],
        [(0.1 * place, None, None) for place in range(9)],
    )
    whole, _case = trends(earlier(*sinking, *rising), mood(0.9), temper(0.0), UNKNOWN)
    assert whole is not None
    assert (whole.turns, whole.sentiment > 0) == (10, True)


UNIT = st.none() | st.floats(-1, 1)


@given(st.lists(UNIT, max_size=12))
def test_a_slope_is_no_steeper_than_the_values_are_apart(values: Sequence[float | None]) -> None:
    gain = slope(values)
    known = [value for value in values if value is not None]
    if gain is None:
        assert len(known) < 2
    else:
        assert abs(gain) <= max(known) - min(known) + 1e-3


@given(st.lists(UNIT, max_size=12))
def test_backwards_a_slope_turns_round(values: Sequence[float | None]) -> None:
    gain, back = slope(values), slope(values[::-1])
    assert (gain is None) == (back is None)
    assert gain is None or back == pytest.approx(-gain, abs=1e-4)
