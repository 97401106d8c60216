"""How somebody likes to be answered, as far as it was learned from how they write; what they have stated wins.

A preference is learned from so many messages at least, where their mean is beyond a bound; it is kept until the mean is
back by more than one message can move it. Between the two bounds nothing is learned. So no single message turns one
preference into its opposite, or takes back what it has just been learned by.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from math import exp, log
from typing import NamedTuple

from omnibot.memory.habits import (
    ANSWER,
    AT,
    BINS,
    EMOJI,
    EXPERTISE,
    FORMALITY,
    HOUR,
    HOURS,
    STEPS,
    WARMTH,
    WORDS,
    Habits,
    alive,
    decayed,
    evidence,
)
from omnibot.model import AddressId, Complexity, Detail, KnownAddress, Length, Manner, Register, Snapshot
from omnibot.model.values import frozen, replaced

__all__ = ["Learned", "decide_anew", "learned", "profile"]

_Taste = Register | Length | Manner | Complexity | Detail | bool


class Learned(NamedTuple):
    """A preference that was learned, from how many messages, and why."""

    key: str  # of `Preferences`
    value: str | bool
    messages: int
    why: str


@frozen(kw_only=True)
class _Trait:
    """What is learned from the mean of a trait: `below` where it is low, `above` where it is high; None: nothing."""

    key: str
    habit: str
    low: float
    high: float
    slack: float  # by which a mean may come back: more than one message moves it when enough have been seen
    enough: int  # messages
    below: _Taste | None
    above: _Taste | None
    told: str  # of the mean
    count: str = field(init=False)  # the habit's messages, and
    side: str = field(init=False)  # which of both is learned, as `decide_anew` keeps it

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", f"{self.habit}.n")
        object.__setattr__(self, "side", f"{self.habit}.is")


_TRAITS = (
    _Trait(
        key="register", habit=FORMALITY, low=0.25, high=0.62, slack=0.1, enough=8,
        below=Register.CASUAL, above=Register.FORMAL, told="formality {0:.2f} (0 casual … 1 formal)",
    ),
    _Trait(
        key="manner", habit=WARMTH, low=0.35, high=0.7, slack=0.1, enough=8,
        below=Manner.PROFESSIONAL, above=Manner.FRIENDLY, told="warmth {0:.2f} (0 … 1)",
    ),
    _Trait(
        key="length", habit=WORDS, low=log(7), high=log(50), slack=0.4, enough=10,
        below=Length.SHORT, above=Length.DETAILED, told="about {1:.0f} words a message",
    ),
    _Trait(
        key="complexity", habit=EXPERTISE, low=0.2, high=0.8, slack=0.15, enough=5,
        below=Complexity.PLAIN, above=Complexity.TECHNICAL, told="expertise {0:.2f} (0 novice … 1 expert)",
    ),
    _Trait(
        key="detail", habit=STEPS, low=-1.0, high=0.5, slack=0.1, enough=8,
        below=None, above=Detail.STEPS, told="asks how in {2:.0%} of what they ask",
    ),
    _Trait(
        key="emoji", habit=EMOJI, low=0.05, high=0.4, slack=0.1, enough=10,
        below=False, above=True, told="emoji in {2:.0%} of their messages",
    ),
)  # fmt: skip

_ENOUGH_TURNS, _ENOUGH_THERE = 10.0, 7.0  # in all and on the channel, each counted by how long ago it was
_ENOUGH_ANSWERS = 5.0
_MOSTLY, _OFTEN = 0.7, 0.45  # share of what they write, by itself and where they are quicker to answer
_QUICKER = 1.0  # times e
_ENOUGH_HOURS = 30.0
_RARELY = 0.02  # share of messages in three hours in which they practically never write
_SHORTEST_NIGHT, _LONGEST_NIGHT = 2, 4  # of three hours
_MIDNIGHT = 24.0


def profile(snapshot: Snapshot) -> Snapshot:
    """A snapshot with what was learned where nothing was stated; no more than its habits and addresses tell."""
    if not snapshot.habits:
        return snapshot
    sets = alive(snapshot.habits)
    if not sets:
        return snapshot
    tastes, more = _leanings([*sets.values()]), _habitual(snapshot, sets)
    values = {trait.key: value for trait, value, _, _ in tastes} | {one.key: one.value for one in more}
    kept = {key: value for key, value in values.items() if getattr(snapshot.preferences, key) is None}
    if not kept:
        return snapshot
    return replaced(snapshot, preferences=replaced(snapshot.preferences, **kept))


def learned(snapshot: Snapshot) -> tuple[Learned, ...]:
    """All that was learned, whether or not something else was stated, and why."""
    kept = alive(snapshot.habits)
    if not kept:
        return ()
    return (*map(_told, _leanings([*kept.values()])), *_habitual(snapshot, kept))


def decide_anew(habits: dict[str, float], others: Sequence[Habits]) -> None:
    """Keep with an address's habits which preferences are learned, of them and those of the customer's others.

    −1 below, 1 above, by the trait's name with `.is`; what was decided before counts until then.
    """
    sets = [*others, habits]
    for trait, side, _, _ in _sides(sets):
        habits.pop(trait.side, None)
        if side:
            habits[trait.side] = float(side)


_Leaning = tuple[_Trait, _Taste, float, float]  # what is learned of a trait, its mean, and what that rests on


def _leanings(sets: Collection[Habits]) -> list[_Leaning]:
    found: list[_Leaning] = []
    for trait, side, mean, count in _sides(sets):
        value = trait.above if side > 0 else trait.below
        if side and value is not None:
            found.append((trait, value, mean, count))
    return found


def _told(leaning: _Leaning) -> Learned:
    trait, value, mean, count = leaning
    told = trait.told.format(mean, exp(min(mean, 9.0)), mean)
    return Learned(trait.key, value, int(count), f"{told}, over {int(count)} messages")


def _habitual(snapshot: Snapshot, sets: Mapping[AddressId, Habits]) -> list[Learned]:
    """Where and when they write."""
    return [*(_channel(snapshot, sets) if len(sets) > 1 else ()), *_quiet(sets.values())]


def _sides(sets: Collection[Habits]) -> list[tuple[_Trait, int, float, float]]:
    """Whether each trait is low (−1), high (1) or neither (0), over all addresses; its mean, and what that rests on."""
    found = []
    for trait in _TRAITS:
        side, mean, count = 0, 0.0, 0.0
        for habits in sets:
            count += habits.get(trait.count, 0.0)
        if count >= trait.enough:
            total = held = 0.0
            for habits in sets:
                if seen := habits.get(trait.count, 0.0):
                    total += seen * habits[trait.habit]
                    held += seen * habits.get(trait.side, 0.0)
            mean = total / count
            low = mean <= trait.low + trait.slack * (held < 0)
            side = -1 if low else int(mean >= trait.high - trait.slack * (held > 0))
        found.append((trait, side, mean, count))
    return found


# --- where ---


def _channel(snapshot: Snapshot, sets: Mapping[AddressId, Habits]) -> Iterator[Learned]:
    """Where they write most, or often and are much quicker to answer; only of addresses that may be told everything."""
    there = [known for known in snapshot.addresses if known.id in snapshot.trusted and known.id in sets]
    there = [known for known in there if not (known.stopped or known.unreachable)]
    if len({known.address.channel for known in there}) < 2:
        return
    at = max(sets[known.id].get(AT, 0.0) for known in there)
    counts: dict[str, float] = {}
    for known in there:
        name = known.address.channel
        counts[name] = counts.get(name, 0.0) + decayed(sets[known.id], at)
    total = sum(counts.values())
    if total < _ENOUGH_TURNS:
        return
    for channel, count in counts.items():
        share, turns = count / total, round(total)
        if count < _ENOUGH_THERE or share < _OFTEN:
            continue
        why = f"{share:.0%} of what they write, of about {turns} turns"
        if share >= _MOSTLY:
            yield Learned("channel", channel, turns, why)
        elif (minutes := _quickest(channel, there, sets)) is not None:
            soon = f"they answer there within {minutes:.0f} minutes, sooner than elsewhere"
            yield Learned("channel", channel, turns, f"{why}; {soon}")


def _quickest(channel: str, there: Sequence[KnownAddress], sets: Mapping[AddressId, Habits]) -> float | None:
    """In how many minutes they answer on a channel, if that is much sooner than on each other; else None."""
    waits: dict[str, float] = {}
    for known in there:
        habits = sets[known.id]
        if evidence(habits, ANSWER) >= _ENOUGH_ANSWERS:
            name = known.address.channel
            waits[name] = min(habits[ANSWER], waits.get(name, habits[ANSWER]))
    others = [wait for name, wait in waits.items() if name != channel]
    if channel not in waits or not others or waits[channel] > min(others) - _QUICKER:
        return None
    return exp(waits[channel]) - 1


# --- when ---


def _quiet(sets: Collection[Habits]) -> Iterator[Learned]:
    """The hours around the middle of their night in which they practically never write."""
    count = sum([evidence(habits, HOURS) for habits in sets])
    if count < _ENOUGH_HOURS:
        return
    shares = [
        sum(evidence(habits, HOURS) * habits.get(f"{HOUR}.{place}", 0.0) for habits in sets) / count
        for place in range(BINS)
    ]
    if stretch := _night([share <= _RARELY for share in shares]):
        first, length = stretch
        begins, ends = first * 3 % 24, (first + length) * 3 % 24
        value = f"{begins:02}:00-{ends:02}:00"
        yield Learned("quiet", value, int(count), f"practically never writes then, over {int(count)} messages")


def _night(silent: Sequence[bool]) -> tuple[int, int] | None:
    """The longest silent stretch that is no longer than a night, and nearest to three o'clock; None: too short."""
    for length in range(_LONGEST_NIGHT, _SHORTEST_NIGHT - 1, -1):
        fitting = [first for first in range(BINS) if all(silent[(first + place) % BINS] for place in range(length))]
        if fitting:
            return min(fitting, key=lambda first: (_from_three(first, length), first)), length
    return None


def _from_three(first: int, length: int) -> float:
    """Hours from the middle of a stretch to three at night."""
    middle = (first * 3 + length * 1.5) % _MIDNIGHT
    away = abs(middle - 3.0)
    return min(away, _MIDNIGHT - away)
