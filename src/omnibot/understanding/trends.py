"""Where a customer's mood goes, from turn to turn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from omnibot.model import Intent, Sentiment, Signal, Situation, Trend

__all__ = ["slope", "trends"]

_LATEST = 10  # turns that are looked at, this one included: what was long ago says nothing of where it goes


def trends(
    situation: Situation, sentiment: Sentiment, frustration: Signal[float], intent: Intent
) -> tuple[Trend | None, Trend | None]:
    """The customer's trend, and that of those turns alone whose intent is this turn's; None where none can be told."""
    earlier = situation.earlier
    if not earlier:
        return None, None
    mood, temper = sentiment.if_known, frustration.if_known
    whole = _trend([turn.sentiment for turn in earlier] + [mood], [turn.frustration for turn in earlier] + [temper])
    if not intent.known:
        return whole, None
    case = [turn for turn in earlier if turn.intent == intent.value]
    if len(case) == len(earlier):
        return whole, whole
    if not case:
        return whole, None
    return whole, _trend([turn.sentiment for turn in case] + [mood], [turn.frustration for turn in case] + [temper])


def _trend(moods: Sequence[float | None], tempers: Sequence[float | None]) -> Trend | None:
    """None without two turns of which the same is known."""
    moods, tempers = moods[-_LATEST:], tempers[-_LATEST:]
    of_mood, of_temper = slope(moods), slope(tempers)
    if of_mood is None and of_temper is None:
        return None
    turns = len([1 for told in zip(moods, tempers, strict=True) if told != (None, None)])
    return Trend(sentiment=of_mood or 0.0, frustration=of_temper or 0.0, turns=turns)


def slope(values: Sequence[float | None]) -> float | None:
    """What a value gains from one turn to the next; None of fewer than two that are known.

    The median of the slopes between all pairs (Theil and Sen): one odd turn does not turn it. Few turns prove little:
    two count for half of what they differ by, three for two thirds.
    """
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return None
    slopes = [(later - early) / (then - before) for (before, early), (then, later) in combinations(known, 2)]
    slopes.sort()
    middle = len(slopes) // 2
    median = (slopes[middle] + slopes[~middle]) / 2
    return round(median * (1 - 1 / len(known)), 4)
