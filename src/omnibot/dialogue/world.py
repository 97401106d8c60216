"""What the expressions of playbooks can see: the customer, the matter, the reading and the time, within disclosure.

All of it comes from the values of one turn. What is looked up on the way is kept as what a move rests on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from omnibot.dialogue.words import Passage
from omnibot.model import (
    Attempt,
    Case,
    Event,
    KnownAddress,
    Money,
    Reading,
    Recollection,
    Relationship,
    Signal,
    Snapshot,
    TurnMessage,
    Usage,
    Value,
)
from omnibot.playbooks import MISSING, Expression, Record, Scope
from omnibot.stems import stemmer

__all__ = ["NEW_DAYS", "World", "happened", "signed_up", "tried_in_words", "value_of", "zone_of"]

NEW_DAYS = 7  # after they have signed up in which somebody is new
_DAYS_OF_YEAR, _MONTHS = 365.25, 12
_NO_MONEY = 10**15  # what names more is a mistake, and cannot be written
_T = TypeVar("_T")


@dataclass(slots=True)
class World:
    """What is there to be looked up in one turn; made ready when something is."""

    snapshot: Snapshot
    reading: Reading
    recollection: Recollection
    messages: Sequence[TurnMessage]
    written_on: KnownAddress
    zone: tzinfo  # the customer's
    used: list[str] = field(default_factory=list)  # what was looked up, as sources of a move
    _ready: Scope | None = None

    @property
    def _scope(self) -> Scope:
        if self._ready is None:
            # Not this world itself, which keeps the scope: in a ring the whole turn would wait for the collector.
            seen = World(
                self.snapshot,
                self.reading,
                self.recollection,
                self.messages,
                self.written_on,
                self.zone,
                self.used,
            )
            names = {
                "customer": _Of(seen, _CUSTOMER),
                "case": _Of(seen, _CASE),
                "reading": _Of(self.reading, _READING),
                "now": _Of(seen, _NOW),
                "event": seen._event,
                "events": seen._events,
                "usage": seen._usage,
                "fact": seen._fact,
                "entity": seen._entity,
                "tried": seen._tried,
                "money": _money,
            }
            self._ready = Scope(names)
        return self._ready

    @property
    def now(self) -> datetime:
        """The turn's own time: nothing here has a clock."""
        return self.messages[-1].at

    @property
    def local(self) -> datetime:
        """That time where the customer is."""
        return self.now.astimezone(self.zone)

    @property
    def is_contact(self) -> bool:
        """Whether they come anew with it, and do not just go on talking."""
        return self.recollection.is_contact

    def holds(self, condition: Expression | None) -> bool:
        """Whether a condition holds; none always does."""
        return condition is None or condition.holds(self._scope)

    def value(self, expression: Expression) -> Value | None:
        """What an expression comes to, where it can be told."""
        return value_of(expression.value(self._scope))

    def sources(self) -> tuple[str, ...]:
        """What was looked up since this was asked last."""
        if not self.used:
            return ()
        found = tuple(dict.fromkeys(self.used))
        self.used.clear()
        return found

    def entity(self, label: str) -> str | None:
        """What the turn names first under a label."""
        for entity in self.reading.entities:
            if entity.label == label:
                return entity.value
        return None

    # --- functions of the expressions ---

    def _event(self, name: str) -> object:
        latest = next(happened(self.snapshot, name, self.now), None)
        return self._as_record(latest) if latest else MISSING

    def _events(self, name: str, days: float | None = None) -> object:
        earliest = self.now - timedelta(days=days) if days is not None else None
        found = [one for one in happened(self.snapshot, name, self.now) if earliest is None or one.at >= earliest]
        self.used.extend(f"event:{one.id}" for one in found)
        records = [self._as_record(one) for one in found]
        ends = {"latest": records[0], "first": records[-1]} if records else {}
        return _Values({"count": len(found), **ends})

    def _as_record(self, event: Event) -> Record:
        self.used.append(f"event:{event.id}")
        day = event.at.astimezone(self.zone).date()
        own = {"at": event.at, "date": day, "days_ago": self.days_since(event.at), "name": event.name}
        return _Values({**event.properties, **own})

    def _usage(self, name: str) -> object:
        usage: Usage | None = next((one for one in self.snapshot.usage if one.name == name), None)
        if usage is None:
            return MISSING
        self.used.append(f"usage:{name}")
        days = self.days_since(usage.last_at)
        return _Values({"count": usage.count, "first": usage.first_at, "latest": usage.last_at, "days_ago": days})

    def _fact(self, key: str) -> object:
        if not (value := self.snapshot.facts.get(key)):
            return MISSING
        self.used.append(f"fact:{key}")
        return value

    def _entity(self, label: str) -> object:
        value = self.entity(label)
        if value is None:
            return MISSING
        self.used.append(f"message:{self.messages[-1].id}")
        return value

    def _tried(self, what: str) -> bool:
        case = self.recollection.case
        if case is None:
            return False
        self.used.append(f"case:{case.id}")
        if " " in what:
            said = [attempt.what for attempt in case.attempts if not attempt.what.startswith("article:")]
            return tried_in_words(what, (*said, *self.recollection.tried), self.reading.language.value)
        article = f"article:{what}"
        return any(one.what == article or one.what.startswith(f"{article}#") for one in case.attempts)

    def days_since(self, at: datetime) -> int:
        """How long ago it was by the calendar: what happened yesterday evening is a day ago."""
        return (self.now.astimezone(self.zone).date() - at.astimezone(self.zone).date()).days


# --- records --------------------------------------------------------------------------------------------------------


class _Values(Record):
    """Values that are there."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def get(self, attribute: str) -> object:
        return self._values.get(attribute)


class _Of(Record, Generic[_T]):
    """Values that are looked up when they are asked for."""

    __slots__ = ("_getters", "_of")

    def __init__(self, of: _T, getters: Mapping[str, Callable[[_T], object]]) -> None:
        self._of = of
        self._getters = getters

    def get(self, attribute: str) -> object:
        return self._getters[attribute](self._of)


def _plan(world: World) -> object:
    if plan := world.snapshot.facts.get("plan"):
        world.used.append("fact:plan")
        return plan
    for name in ("plan_changed", "signed_up"):
        for event in happened(world.snapshot, name, world.now):
            if told := event.properties.get("plan"):
                world.used.append(f"event:{event.id}")
                return told
    return None


def _days(world: World) -> int | None:
    since = world.snapshot.since
    if since is None:
        return None
    world.used.append("since")
    return max(0, (world.now - since).days)


def _years(world: World) -> int | None:
    days = _days(world)
    return None if days is None else int(days / _DAYS_OF_YEAR)


def _months(world: World) -> int | None:
    days = _days(world)
    return None if days is None else int(days / (_DAYS_OF_YEAR / _MONTHS))


def _is_new(world: World) -> bool:
    return signed_up(world.snapshot, world.now) is not None


def _case(get: Callable[[Case], object]) -> Callable[[World], object]:
    def asked(world: World) -> object:
        case = world.recollection.case
        if case is None:
            return None
        world.used.append(f"case:{case.id}")
        return get(case)

    return asked


def _contacts(world: World) -> int:
    if world.recollection.case is not None:
        world.used.append(f"case:{world.recollection.case.id}")
    return world.recollection.contacts


def _known(get: Callable[[Reading], Signal[_T]]) -> Callable[[Reading], object]:
    """A signal's value, where it is known."""

    def asked(reading: Reading) -> object:
        signal = get(reading)
        if not signal.known:
            return None
        return signal.value.value if isinstance(signal.value, StrEnum) else signal.value

    return asked


def _days_of_case(world: World) -> int | None:
    case = world.recollection.case
    return None if case is None else world.days_since(case.opened_at)


def _relation(get: Callable[[Relationship], object]) -> Callable[[World], object]:
    """What they are to the company, computed when it is asked for; amounts as figures, since they are compared."""

    def asked(world: World) -> object:
        if world.recollection.relationship is None:
            return None
        value = get(world.recollection.relationship())
        return float(value.amount) if isinstance(value, Money) else value

    return asked


_CUSTOMER: Mapping[str, Callable[[World], object]] = {
    "name": lambda world: world.snapshot.name or None,
    "plan": _plan,
    "language": lambda world: world.snapshot.preferences.language or world.snapshot.facts.get("language"),
    "channel": lambda world: world.written_on.address.channel,
    "since": lambda world: world.snapshot.since,
    "days": _days,
    "months": _months,
    "years": _years,
    "is_new": _is_new,
    "paid": _relation(lambda relationship: relationship.paid),
    "monthly": _relation(lambda relationship: relationship.monthly),
    "satisfaction": _relation(lambda relationship: relationship.satisfaction),
    "satisfaction_trend": _relation(lambda relationship: relationship.trend),
    "escalations": _relation(lambda relationship: relationship.escalations),
    "milestones": _relation(lambda relationship: len(relationship.milestones)),
    "features": _relation(lambda relationship: len(relationship.features)),
    "engagement": _relation(lambda relationship: relationship.engagement),
}
_CASE: Mapping[str, Callable[[World], object]] = {
    "contacts": _contacts,
    "reopened": _case(lambda case: case.reopened),
    "state": _case(lambda case: case.state.value),
    "topic": _case(lambda case: case.topic),
    "days": _days_of_case,
    "attempts": _case(lambda case: len(case.attempts)),
    "agents": lambda world: len(world.recollection.agents),
    "channels": _case(lambda case: len({*case.channels})),
}
_READING: Mapping[str, Callable[[Reading], object]] = {
    "language": _known(lambda reading: reading.language),
    "intent": _known(lambda reading: reading.intent),
    "sentiment": _known(lambda reading: reading.sentiment),
    "urgency": _known(lambda reading: reading.urgency),
    "expertise": _known(lambda reading: reading.expertise),
    "formality": _known(lambda reading: reading.formality),
    "politeness": _known(lambda reading: reading.politeness),
    "person": _known(lambda reading: reading.person),
    "repetition": _known(lambda reading: reading.repetition),
    "questions": _known(lambda reading: reading.questions),
    "frustration": _known(lambda reading: reading.emotions.frustration),
    "confusion": _known(lambda reading: reading.emotions.confusion),
    "satisfaction": _known(lambda reading: reading.emotions.satisfaction),
    "excitement": _known(lambda reading: reading.emotions.excitement),
    "time_sensitivity": _known(lambda reading: reading.time_sensitivity),
    "mood_trend": lambda reading: reading.trend.sentiment if reading.trend else None,
    "frustration_trend": lambda reading: reading.trend.frustration if reading.trend else None,
}
_NOW: Mapping[str, Callable[[World], object]] = {
    "hour": lambda world: world.local.hour,
    "minute": lambda world: world.local.minute,
    "weekday": lambda world: world.local.weekday(),
    "day": lambda world: world.local.day,
    "month": lambda world: world.local.month,
    "year": lambda world: world.local.year,
    "date": lambda world: world.local.date(),
}


# --- what happened --------------------------------------------------------------------------------------------------


def happened(snapshot: Snapshot, name: str, now: datetime) -> Iterator[Event]:
    """Events of a name up to now, the latest first."""
    found = [event for event in snapshot.events if event.name == name and event.at <= now]
    found.sort(key=lambda event: (event.at, event.id), reverse=True)
    yield from found


def signed_up(snapshot: Snapshot, now: datetime) -> Event | None:
    """Their signing up, while they are new."""
    latest = next(happened(snapshot, "signed_up", now), None) if snapshot.events else None
    return latest if latest is not None and now - latest.at <= timedelta(days=NEW_DAYS) else None


def tried_in_words(what: str, attempts: Sequence[str | Attempt], language: str) -> bool:
    """Whether something was tried that is said in other words: each word that means something is in both."""
    stem_of = stemmer(language)
    meant = {stem_of(word) for word in Passage(what).content(language)}
    if not meant:
        return False
    for attempt in attempts:
        text = attempt.what if isinstance(attempt, Attempt) else attempt
        said = {stem_of(word) for word in Passage(text).content(language)}
        if said and (said <= meant or meant <= said):
            return True
    return False


# --- values ---------------------------------------------------------------------------------------------------------


def value_of(value: object) -> Value | None:
    """What a reply can tell; None for what it cannot: nothing, yes and no, what is no finite number."""
    match value:
        case bool():
            return None
        case float() if not math.isfinite(value):
            return None
        case str():
            return value.strip() or None
        case int() | float() | datetime() | date() | timedelta() | Money():
            return value
        case _:
            return None


def _money(amount: object, currency: object) -> object:
    """An amount; missing where one of both is none."""
    if not (isinstance(currency, str) and len(currency) == 3 and currency.isascii() and currency.isalpha()):
        return MISSING
    if isinstance(amount, bool) or not isinstance(amount, str | int | float):
        return MISSING
    try:
        told = Decimal(str(amount))
    except InvalidOperation:
        return MISSING
    return Money(told, currency.upper()) if told.is_finite() and abs(told) < _NO_MONEY else MISSING


@lru_cache(maxsize=500)
def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return None


def zone_of(snapshot: Snapshot, otherwise: tzinfo) -> tzinfo:
    """The customer's: stated, else as their provider tells it, else the company's."""
    stated, told = snapshot.preferences.zone, snapshot.facts.get("zone")
    return (stated and _zone(stated)) or (told and _zone(told)) or otherwise
