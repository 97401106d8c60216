"""Where a customer's mood goes, from turn to turn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import median

from omnibot.model import Intent, Sentiment, Signal, Situation, Trend

__all__ = ["slope", "trends"]

_LATEST = 10  # turns that are looked at, this one included: what was long ago says nothing of where it goes


def trends(
    situation: Situation, sentiment: Sentiment, frustration: Signal[float], intent: Intent
) -> tuple[Trend | None, Trend | None]:
    """The customer's trend, and that of those turns alone whose intent is this turn's; None where none can be told."""
    if not situation.earlier:
        return None, None
    of_intent = [turn.intent for turn in situation.earlier] + [intent.value if intent.known else None]
    moods = [turn.sentiment for turn in situation.earlier] + [sentiment.value if sentiment.known else None]
    tempers = [turn.frustration for turn in situation.earlier] + [frustration.value if frustration.known else None]
    whole = _trend(moods, tempers)
    if not intent.known:
        return whole, None
    case = [place for place, name in enumerate(of_intent) if name == intent.value]
    if len(case) == len(moods):
        return whole, whole
    return whole, _trend([moods[place] for place in case], [tempers[place] for place in case])


def _trend(moods: Sequence[float | None], tempers: Sequence[float | None]) -> Trend | None:
    """None without two turns of which the same is known."""
    moods, tempers = moods[-_LATEST:], tempers[-_LATEST:]
    of_mood, of_temper = slope(moods), slope(tempers)
    if of_mood is None and of_temper is None:
        return None
    turns = sum(mood is not None or temper is not None for mood, temper in zip(moods, tempers, strict=True))
    return Trend(sentiment=of_mood or 0.0, frustration=of_temper or 0.0, turns=turns)


def slope(values: Sequence[float | None]) -> float | None:
    """What a value gains from one turn to the next; None of fewer than two that are known.

    The median of the slopes between all pairs (Theil and Sen): one odd turn does not turn it. Few turns prove little:
    two count for half of what they differ by, three for two thirds.
    """
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return None
    steepness = median((later - early) / (then - before) for (before, early), (then, later) in combinations(known, 2))
    return round(steepness * (1 - 1 / len(known)), 4)
