"""What somebody is to the company, and how they fare: computed of a snapshot when it is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import combinations
from statistics import fmean, median

from omnibot.memory.cases import agents_of
from omnibot.memory.events import USE
from omnibot.model import Case, CaseState, Event, Money, Property, Relationship, Snapshot, Usage

__all__ = ["relationship_of"]

_LATELY = timedelta(days=28)
_NO_MONEY = 10**15  # what names more is a mistake, and cannot be written
_FEATURE = "feature_used:"
_PAID = frozenset({"invoice"})
_PRICED = frozenset({"plan_changed", "signed_up"})
_SURVEYS: Mapping[str, tuple[float, float]] = {  # by the fact of an answer: the worst and the best that can be said
    "survey.csat": (1.0, 5.0),
    "survey.nps": (0.0, 10.0),
    "survey.ces": (1.0, 7.0),
}


def relationship_of(snapshot: Snapshot, now: datetime, features: Collection[str] = ()) -> Relationship:
    """The relationship as it is at a time; `features` are all that the product has, where they are known.

    It knows no more than the snapshot: the latest events, the latest turns, the open and latest cases.
    """
    used = tuple(sorted(one.name.removeprefix(_FEATURE) for one in snapshot.usage if one.name.startswith(_FEATURE)))
    moods = [turn.sentiment for turn in snapshot.earlier if turn.sentiment is not None]
    told = list(_told(snapshot.facts))
    return Relationship(
        since=snapshot.since,
        plan=snapshot.facts.get("plan", ""),
        paid=_paid(snapshot.events),
        monthly=_monthly(snapshot.events),
        satisfaction=round(fmean([*moods, *told]), 3) if moods or told else None,
        trend=_slope(moods),
        escalations=sum(map(_was_escalated, snapshot.cases)),
        milestones=tuple(map(_milestone, (one for one in snapshot.events if one.name == "milestone"))),
        features=used,
        adoption=round(len({*used} & {*features}) / len({*features}), 3) if features else None,
        engagement=_engagement(snapshot.usage, now),
    )


# --- what they pay ---


def _paid(events: Sequence[Event]) -> Money | None:
    sums: dict[str, Decimal] = {}
    for event in events:
        if event.name in _PAID and (money := _amount(event)):
            sums[money.currency] = sums.get(money.currency, Decimal(0)) + money.amount
    if not sums:
        return None
    currency = max(sums, key=lambda name: sums[name])
    return Money(sums[currency], currency)


def _monthly(events: Sequence[Event]) -> Money | None:
    """The price of the latest plan; else what the latest invoice came to."""
    for names in (_PRICED, _PAID):
        for event in reversed(events):
            if event.name in names and (money := _amount(event)):
                return _a_month(money, event.properties.get("interval"))
    return None


def _a_month(money: Money, interval: Property | None) -> Money:
    if interval in ("year", "yearly", "annual"):
        return Money((money.amount / 12).quantize(Decimal("0.01")), money.currency)
    return money


def _amount(event: Event) -> Money | None:
    """What it names as its price or amount, with a currency (ISO 4217); None where one of both is none."""
    amount = event.properties.get("price", event.properties.get("amount"))
    currency = event.properties.get("currency")
    if amount is None or isinstance(amount, bool) or not isinstance(currency, str) or len(currency) != 3:
        return None
    try:
        told = Decimal(str(amount))
    except InvalidOperation:
        return None
    return Money(told, currency.upper()) if told.is_finite() and abs(told) < _NO_MONEY else None


# --- how content they are ---


def _told(facts: Mapping[str, str]) -> Iterator[float]:
    """What they answered in surveys, as a mood: −1 … 1."""
    for key, (worst, best) in _SURVEYS.items():
        try:
            said = float(facts[key])
        except (KeyError, ValueError):
            continue
        if worst <= said <= best:
            yield 2 * (said - worst) / (best - worst) - 1


def _slope(moods: Sequence[float]) -> float | None:
    """The median of the slopes between all pairs: one odd turn does not turn it. Few turns prove little."""
    if len(moods) < 2:
        return None
    pairs = combinations(enumerate(moods), 2)
    steepness = median((later - early) / (then - before) for (before, early), (then, later) in pairs)
    return round(steepness * (1 - 1 / len(moods)), 4)


def _was_escalated(case: Case) -> bool:
    return case.state is CaseState.HANDED_OFF or bool(agents_of(case))


# --- what they do ---


def _milestone(event: Event) -> str:
    name = event.properties.get("milestone", event.properties.get("name", ""))
    return str(name) or event.name


def _engagement(usage: Sequence[Usage], now: datetime) -> float | None:
    """How many of the things that they did before they still do; above 1 where they have begun others."""
    since = now - _LATELY
    used = [one for one in usage if one.name.partition(":")[0] in USE]
    before = sum(one.first_at < since for one in used)
    return round(sum(one.last_at >= since for one in used) / before, 3) if before else None
