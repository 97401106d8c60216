"""How somebody writes, as numbers: running means, with how much each rests on, a set of them an address.

A trait is kept as its mean and, under its name with `.n`, the messages that it rests on. No more than MOST count: then
each new one weighs a thirtieth, and half of what a mean is made of is the latest 20 messages (its half-life). Where
they write is counted in time: what was 60 days ago counts for half.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from math import log

from omnibot.memory.said import Said
from omnibot.model import (
    Address,
    AddressId,
    Direction,
    Expertise,
    Reading,
    Snapshot,
    TurnMessage,
)

__all__ = [
    "ANSWER",
    "AT",
    "BINS",
    "EMOJI",
    "EXPERTISE",
    "FORGOTTEN",
    "FORMALITY",
    "HALF_LIFE",
    "HALF_LIFE_DAYS",
    "HOUR",
    "HOURS",
    "MOST",
    "STEPS",
    "TURNS",
    "WARMTH",
    "WORDS",
    "alive",
    "days",
    "decayed",
    "evidence",
    "observed",
]

Habits = Mapping[str, float]

FORMALITY, WORDS, EMOJI, WARMTH, EXPERTISE, STEPS = "formality", "words", "emoji", "warmth", "expertise", "steps"
ANSWER = "answer"  # logarithm of the minutes in which they answer us there
TURNS, AT = "turns", "at"  # how often they write there, and when they last did: days since 1970
HOUR, HOURS = "hour", "hours"  # `hour.0` … `hour.7`: which share was written in each three hours of their day
FORGOTTEN = "forgotten"  # when they asked to forget it all, in days since 1970
BINS = 8

MOST = 30  # messages that count
HALF_LIFE = 20  # messages: ln 2 · 30
HALF_LIFE_DAYS = 60.0

_COUNTS = {trait: f"{trait}.n" for trait in (FORMALITY, WORDS, EMOJI, WARMTH, EXPERTISE, STEPS, ANSWER, HOURS)}
_DAY = 86_400.0
_FEWEST_WORDS = 3  # fewer tell nothing of how long somebody writes
_MOST_WORDS = 100
_LONGEST_ANSWER = 7 * 1440.0  # minutes: what comes later is no answer any more
_EMOJI_SIGN = re.compile("[\U0001f300-\U0001faff☺☹♥❤✨✅✌☀⭐]")
_KNOWS: Mapping[Expertise, float] = {Expertise.NOVICE: 0.0, Expertise.INTERMEDIATE: 0.5, Expertise.EXPERT: 1.0}


def observed(
    habits: Habits,
    snapshot: Snapshot,
    reading: Reading,
    messages: Sequence[TurnMessage],
    said: Said,
    zone: tzinfo | None,
) -> dict[str, float]:
    """The habits of the address that a turn came from, with what this turn shows; `zone` is the writer's, if known."""
    seen = dict(habits)
    text = " ".join([message.text for message in messages if not message.automatic])
    words = len(text.split())
    _see(seen, _traits(reading, text, words, said))
    _see_where(seen, messages, snapshot)
    if zone is not None:
        _see_hour(seen, messages[-1].at.astimezone(zone).hour)
    return seen


def evidence(habits: Habits, trait: str) -> float:
    """How many messages a trait rests on."""
    return habits.get(_COUNTS[trait], 0.0)


def decayed(habits: Habits, at: float) -> float:
    """How often they write there, as it counts at a time in days."""
    share: float = 0.5 ** (max(0.0, at - habits.get(AT, at)) / HALF_LIFE_DAYS)
    return habits.get(TURNS, 0.0) * share


def alive(sets: Mapping[AddressId, Habits]) -> dict[AddressId, Habits]:
    """Those habits that were not to be forgotten: seen after the latest wish for that, at whichever address it was."""
    if len(sets) == 1:  # as of nearly everybody
        [one] = sets.values()
        return dict(sets) if one.get(AT, 0.0) > one.get(FORGOTTEN, 0.0) else {}
    forgotten = max([one.get(FORGOTTEN, 0.0) for one in sets.values()], default=0.0)
    return {id_: one for id_, one in sets.items() if one.get(AT, 0.0) > forgotten}


def _traits(reading: Reading, text: str, words: int, said: Said) -> Iterable[tuple[str, float]]:
    found = []
    if reading.formality.known:
        found.append((FORMALITY, reading.formality.value))
    if reading.politeness.known:
        found.append((WARMTH, _warmth(reading)))
    if reading.expertise.known:
        found.append((EXPERTISE, _KNOWS[reading.expertise.value]))
    if words >= _FEWEST_WORDS:
        found.append((WORDS, log(min(words, _MOST_WORDS))))
        found.append((EMOJI, float(_has_emoji(text))))
        if reading.intent.known or (reading.questions.known and reading.questions.value):
            found.append((STEPS, float(said.how_to)))
    return found


def _warmth(reading: Reading) -> float:
    """How near they come: politely and not stiffly."""
    stiff = reading.formality.value - 0.5 if reading.formality.known else 0.0
    return min(1.0, max(0.0, reading.politeness.value - max(0.0, stiff)))


def _has_emoji(text: str) -> bool:
    return not text.isascii() and _EMOJI_SIGN.search(text) is not None


def _see(seen: dict[str, float], traits: Iterable[tuple[str, float]]) -> None:
    for trait, value in traits:
        counted = _COUNTS[trait]
        count = min(seen.get(counted, 0.0) + 1, MOST)
        mean = seen.get(trait, value)
        seen[trait] = round(mean + (value - mean) / count, 4)
        seen[counted] = count


def _see_where(seen: dict[str, float], messages: Sequence[TurnMessage], snapshot: Snapshot) -> None:
    first = messages[0]
    at = days(messages[-1].at)
    seen[TURNS] = round(decayed(seen, at) + 1, 4)
    seen[AT] = max(at, seen.get(AT, at))
    for known in snapshot.addresses:
        if known.id == first.address:
            waited = _waited(known.address, first, snapshot)
            break
    else:
        return
    if waited is not None:
        _see(seen, [(ANSWER, log(1 + waited))])


def _waited(there: Address, first: TurnMessage, snapshot: Snapshot) -> float | None:
    """Minutes since what we said there last; None where they have written since, or too long ago to answer it."""
    for latest in reversed(snapshot.timeline):
        if latest.id != first.id and latest.at <= first.at and latest.address == there:
            if latest.direction is Direction.IN:
                return None
            minutes = (first.at - latest.at).total_seconds() / 60
            return minutes if minutes <= _LONGEST_ANSWER else None
    return None


def _see_hour(seen: dict[str, float], hour: int) -> None:
    count = min(evidence(seen, HOURS) + 1, MOST)
    seen[_COUNTS[HOURS]] = count
    now = hour * BINS // 24
    for place in range(BINS):
        share = seen.get(f"{HOUR}.{place}", 0.0)
        seen[f"{HOUR}.{place}"] = round(share + ((place == now) - share) / count, 4)


def days(at: datetime) -> float:
    """A moment in days since 1970."""
    return round(at.timestamp() / _DAY, 4)
