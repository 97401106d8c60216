"""Product events: how the company's own systems tell what happened to a customer. docs/events.md is for whoever does.

async with Events.open() as events:
    await events.tell("plan_changed", of="user:u-123", id="evt_8a1", at=when, plan="Pro")
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from omnibot.channels import judge_accounts
from omnibot.contract import Channel
from omnibot.identifiers import implied
from omnibot.model import USER, Address, Event, Property, Sender
from omnibot.settings import Settings, load
from omnibot.storable import storable
from omnibot.store import Store
from omnibot.store.identity import Guards
from omnibot.store.work import Arrived, ToldEvent

__all__ = ["EventError", "EventReader", "Events", "Told"]

_BATCH = 200  # events that are committed together
_LONGEST_ID = 256  # characters, and
_LONGEST_VALUE = 1000
_MOST_PROPERTIES = 50
_LARGEST = 2**53  # beyond which programs disagree about a number
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)  # by which a clock may be wrong
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_KEYS = ("id", "name", "of", "at", "properties")
_ALWAYS = frozenset({USER, "email", "sms", "whatsapp"})  # whose addresses are known without the channel


class EventError(ValueError):
    """What is wrong with an event, all faults at once, each with what to write instead; nothing was told of it."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(faults))


@dataclass(frozen=True, slots=True)
class Told:
    """An event and whom it is about."""

    event: Event
    of: Address


class EventReader:
    """Reads events and addresses as the company's own systems write them; it needs no database."""

    def __init__(self, settings: Settings) -> None:
        self._blocked = Guards.of(settings.identity).blocked
        accounts, _ = judge_accounts(settings.channels)
        self._channels: dict[str, type[Channel]] = {one.channel: one.channel_class for one in accounts}
        self.accounts = {one.channel: one.name for one in reversed(accounts)}  # by channel the first

    @property
    def channels(self) -> frozenset[str]:
        """The channels whose addresses it knows how to spell."""
        return _ALWAYS | self._channels.keys()

    def read(self, fields: Mapping[str, object]) -> Told:
        """An event as an object of JSON has it: `id`, `name`, `of`, `at`, `properties`. Raises EventError."""
        faults = [f"{key} is no field of an event: use {', '.join(_KEYS)}" for key in fields if key not in _KEYS]
        event_id = _id(fields.get("id"), faults)
        name = _name(fields.get("name"), faults)
        of = self._whom(fields.get("of"), faults)
        at = _moment(fields.get("at"), faults)
        properties = _properties(fields.get("properties"), faults)
        if faults or of is None or at is None:
            raise EventError(faults)
        return Told(Event(id=event_id, name=name, at=at, properties=properties), of)

    def _whom(self, written: object, faults: list[str]) -> Address | None:
        if not isinstance(written, str) or not written.strip():
            faults.append("of is missing: name whom it is about, as user:ID, email:ADDRESS or another address")
            return None
        try:
            return self.address(written)
        except ValueError as error:
            faults.append(f"of: {error}")
            return None

    def address(self, written: str) -> Address:
        """An address as `channel:value`, as its channel spells it; raises ValueError: what to write instead."""
        address = Address.parse(storable(written))
        if address.channel in self._channels:
            return self._channels[address.channel].address(address.value)
        if address.channel not in _ALWAYS:
            known = ", ".join(sorted({*_ALWAYS, *self._channels}))
            raise ValueError(f"{address.channel} is no channel that is configured: use one of {known}, or configure it")
        itself = implied(address)
        if itself is None or itself in self._blocked:
            raise ValueError(f"{address} names nobody: {_ADVICE[address.channel]}")
        return Address(address.channel, address.value.strip() if address.channel == "email" else itself.value)


class Events:
    """Takes events for one open database."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._reader = EventReader(settings)

    @classmethod
    @asynccontextmanager
    async def open(cls, config: Path | None = None) -> AsyncIterator[Events]:
        """Open the database that a server with this configuration uses, beside it or without it.

        `config` is the settings file, else OMNIBOT_CONFIG, else config/omnibot.toml. Raises SettingsError, and what
        opening the database raises.
        """
        from omnibot.app import open_store

        settings = load(config, os.environ)
        async with open_store(settings) as store:
            yield cls(store, settings)

    async def tell(self, name: str, /, *, of: str, id: str, at: datetime, **properties: Property) -> bool:
        """Tell one event; false where its id was told before. Raises EventError, StoreUnavailable."""
        fields = {"id": id, "name": name, "of": of, "at": at, "properties": properties}
        [new] = await self.tell_all([self.read(fields)])
        return new

    async def tell_all(self, events: Sequence[Told]) -> list[bool]:
        """Tell events in any order, committed when this returns; tells of each whether it was new.

        A part may be committed where this raises StoreUnavailable: tell all of them again.
        """
        new: list[bool] = []
        for start in range(0, len(events), _BATCH):
            new += await self._store.path.accept(list(map(self._arrived, events[start : start + _BATCH])))
        if any(new):
            await self._store.notify()
        return new

    def _arrived(self, told: Told) -> Arrived:
        item = ToldEvent(id=told.event.id, at=told.event.at, sender=Sender(told.of), event=told.event)
        return Arrived(channel=told.of.channel, account=self._reader.accounts.get(told.of.channel, ""), item=item)

    def read(self, fields: Mapping[str, object]) -> Told:
        """An event as an object of JSON has it: `id`, `name`, `of`, `at`, `properties`. Raises EventError."""
        return self._reader.read(fields)


_ADVICE = {
    USER: "give the id of one user of your systems, of at most 320 characters, which identity.blocked does not have",
    "email": "write an address as sarah@example.org",
    "sms": "write the number with its country code, as +491701234567",
    "whatsapp": "write the number with its country code, as +491701234567",
}


def _id(written: object, faults: list[str]) -> str:
    if isinstance(written, int) and not isinstance(written, bool):
        written = str(written)
    if not isinstance(written, str) or not written.strip():
        faults.append("id is missing: give each event its own, so that it counts once however often it is told")
        return ""
    if len(written) > _LONGEST_ID:
        faults.append(f"id has {len(written)} characters: give one of at most {_LONGEST_ID}")
    return storable(written)


def _name(written: object, faults: list[str]) -> str:
    if not isinstance(written, str) or not _NAME.fullmatch(written):
        shown = f"{written[:64]!r}" if isinstance(written, str) else "missing"
        faults.append(f"name is {shown}: use small letters, digits and _, such as plan_changed, at most 64 characters")
        return ""
    return written


def _moment(written: object, faults: list[str]) -> datetime | None:
    try:
        at = written if isinstance(written, datetime) else datetime.fromisoformat(str(written))
    except ValueError:
        faults.append(
            f"at is {_shown(written)}: write when it happened as 2026-03-01T12:00:00Z"
            if written
            else "at is missing: write when it happened, as 2026-03-01T12:00:00Z"
        )
        return None
    if at.utcoffset() is None:
        faults.append(f"at is {at.isoformat()}, which may be any zone's: write its offset, as {at.isoformat()}Z")
        return None
    if not _EARLIEST <= at <= datetime.now(UTC) + _AHEAD:
        faults.append(f"at is {at.isoformat()}: tell what has happened, and not before 1970; see to the clock")
        return None
    return at.astimezone(UTC)


def _properties(written: object, faults: list[str]) -> dict[str, Property]:
    if written is None:
        return {}
    if not isinstance(written, Mapping):
        faults.append('properties is no object: write it as {"plan": "Pro"}')
        return {}
    if len(written) > _MOST_PROPERTIES:
        faults.append(f"there are {len(written)} properties: send the {_MOST_PROPERTIES} that matter, or fewer")
        return {}
    faults += _property_faults(written)
    return {key: _kept(value) for key, value in written.items() if isinstance(value, str | int | float)}


def _property_faults(written: Mapping[object, object]) -> Iterator[str]:
    for key, value in written.items():
        named = f"property {_shown(key)}"
        if not isinstance(key, str) or not 0 < len(key) <= 64 or not key.isprintable():
            yield f"{named}: give it a name of at most 64 characters"
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{named} is {value}, which is no number: leave it out"
        elif isinstance(value, int) and abs(value) > _LARGEST:
            yield f"{named} is larger than programs agree about: send it as text"
        elif isinstance(value, str) and len(value) > _LONGEST_VALUE:
            yield f"{named} has {len(value)} characters: send at most {_LONGEST_VALUE}"
        elif value is not None and not isinstance(value, str | int | float):
            yield f"{named} is a list or an object: send text, numbers, true or false, each under a name of its own"


def _kept(value: Property) -> Property:
    return storable(value) if isinstance(value, str) else value


def _shown(written: object) -> str:
    return repr(written if isinstance(written, str | int | float) else type(written).__name__)[:80]
