"""How soon a message wants something done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import compress, count

from omnibot.model import Evidence, NamedTime, Signal, Situation, TimeKind
from omnibot.understanding.times.words import vocabulary
from omnibot.understanding.utterance import Utterance

__all__ = ["business_hours", "time_sensitivity"]

_HASTE = {"now": 0.95, "soon": 0.6, "whenever": 0.1}
_HALF = 18.0  # hours of business that make it half as pressing: two days
_WEIGHTS = {TimeKind.DEADLINE: 1.0, TimeKind.FUTURE: 0.8}  # what happens then presses less than what is due then
_DAYS = 60  # that are looked ahead
_SURE = 0.8
_NONE, _HOUR, _DAY = timedelta(), timedelta(hours=1), timedelta(days=1)
_NOBODY_SAID = Signal(0.0, 0.0, known=False)


def time_sensitivity(utterance: Utterance, times: Sequence[NamedTime]) -> Signal[float]:
    """How soon the message wants something done: 0 whenever … 1 now; unknown where nothing tells.

    The nearest deadline tells, by the business hours until then; words tell where there is none, and "no rush"
    beside a deadline leaves the deadline as it is.
    """
    due = list(_due(utterance.situation, times)) if times else []
    said = _said(utterance)
    found = due or said
    if not found:
        return _NOBODY_SAID
    value = max(value for value, _ in found)
    if due and any(haste > value and haste > _HASTE["soon"] for haste, _ in said):
        value = (value + _HASTE["now"]) / 2  # "urgent: by Friday"
    elif not due and any(haste == _HASTE["whenever"] for haste, _ in said):
        value = min(haste for haste, _ in said)
    return Signal(round(value, 3), _SURE, tuple(evidence for _, evidence in (*due, *said)))


def _due(situation: Situation, times: Sequence[NamedTime]) -> Iterator[tuple[float, Evidence]]:
    now = situation.now.astimezone(UTC)
    for named in times:
        if named.at is None or named.kind not in _WEIGHTS:
            continue
        try:
            if named.at.astimezone(UTC) < now:
                continue
            value = 1 / (1 + business_hours(situation, named.at) / _HALF)
        except OverflowError:
            continue  # in the calendar's last days
        yield value * _WEIGHTS[named.kind], Evidence(named.text, named.start, named.end)


def _said(utterance: Utterance) -> list[tuple[float, Evidence]]:
    """The words of haste and of leisure; where phrases overlap the longest holds."""
    known, words = vocabulary(utterance.language), utterance.words
    if known.hasty.isdisjoint(words):
        return []
    haste, done = known.haste, 0
    found: list[tuple[float, Evidence]] = []
    for place in compress(count(), map(haste.__contains__, words)):
        if place < done:
            continue
        begun = haste[words[place]]
        second = words[place + 1] if place + 1 < len(words) else ""
        for rest, level in begun[second if second in begun else ""]:
            end = place + 1 + len(rest)
            if words[place + 1 : end] == rest:
                done = end
                if level in _HASTE:
                    found.append((_HASTE[level], utterance.quote_words(place, end)))
                break
    return found


def business_hours(situation: Situation, until: datetime) -> float:
    """The hours between now and then in which the company works."""
    hours, zone = situation.hours, situation.zone
    begin, end = situation.now.astimezone(zone), until.astimezone(zone)
    day, last = begin.date(), end.date()
    # By what clocks show where none is changed in between: to reckon with the zone takes ten times as long.
    shown = begin.utcoffset() == end.utcoffset()
    begin, end = (moment.replace(tzinfo=None) if shown else moment.astimezone(UTC) for moment in (begin, end))
    first, whole = day, datetime.combine(day, hours.closes) - datetime.combine(day, hours.opens)
    total = _NONE
    for _ in range(_DAYS):
        if day > last:
            break
        if day.weekday() in hours.days and day not in hours.holidays:
            if shown and first < day < last:
                total += max(whole, _NONE)
            else:
                opens, closes = datetime.combine(day, hours.opens), datetime.combine(day, hours.closes)
                if not shown:
                    opens, closes = (moment.replace(tzinfo=zone).astimezone(UTC) for moment in (opens, closes))
                total += max(min(closes, end) - max(opens, begin), _NONE)
        day += _DAY
    return total / _HOUR
