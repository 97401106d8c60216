"""What goes between the store and those who attend to a desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from omnibot.contract.desk import Place
from omnibot.model import (
    ActKind,
    AddressId,
    Agent,
    CustomerId,
    DeliveryState,
    Entry,
    EntryKind,
    File,
    KnownAddress,
    MessageId,
    Stretch,
    StretchId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A hand-off that has found its stretch."""

    stretch: Stretch
    fresh: bool  # it is new; else an open one goes on
    reason: str
    fault: bool  # something did not work; else a turn promised that people take over
    record: Mapping[str, Any] = field(default_factory=dict)  # that turn's


@dataclass(frozen=True, slots=True, kw_only=True)
class Attended:
    """A stretch with whose it is now, and how far it is shown."""

    stretch: Stretch
    customer: CustomerId
    addresses: tuple[KnownAddress, ...]  # all of the customer's
    place: Place | None
    room: int  # which of its team's it is in, or is to be opened in
    card_hash: str  # of the card as it was shown last
    openings: int  # how often its thread was begun, in whatever room
    doubtful: bool  # of one of those in this room nobody knows the end: look for it first
    asked_at: datetime | None  # since when the customer waits for people
    first_due: datetime | None
    next_due: datetime | None
    resolve_due: datetime | None
    look_at: datetime | None  # when its levels are to be looked at
    reminded: Mapping[str, datetime]

    @property
    def address(self) -> KnownAddress:
        """What the hand-off was about."""
        return next(address for address in self.addresses if address.id == self.stretch.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """A line to be shown; see `Entry`."""

    kind: EntryKind
    text: str
    name: str = ""
    channel: str = ""
    files: tuple[File, ...] = ()
    to: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Refresh:
    """The card is to be shown as it is now."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far what an agent wrote has come; `entry` is its id in the thread, '' where it has none."""

    entry: str
    message: MessageId
    state: DeliveryState
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToShow:
    """What is next in a thread."""

    id: int
    stretch: StretchId
    address: AddressId  # whose it is
    place: Place
    what: Entry | Mark | Refresh
    attempts: int  # this one included
    interrupted: bool  # nobody knows whether an earlier attempt has shown it: its process ended, or hangs


@dataclass(frozen=True, slots=True)
class Understood:
    """A turn as it was recorded, and what was written in it."""

    record: Mapping[str, Any]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRecord:
    """What an agent did, as it was written down."""

    id: int
    at: datetime
    by: Agent
    kind: ActKind
    outcome: str  # done, refused, or noted where nothing changed
    text: str = ""
    value: str = ""
    refused: str = ""  # why


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRecord:
    """A line of a thread that does not stand there: it waits, was refused, or nobody knows."""

    id: int
    stretch: StretchId
    kind: str
    state: str  # queued, failed, unknown
    at: datetime
    due_at: datetime  # of what waits: when it is tried next
    attempts: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How a team has kept its times, by priority: of so many matters, how often each was over."""

    team: str
    priority: str
    matters: int
    first_over: int
    next_over: int
    resolve_over: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How the desk fares."""

    open: int
    waiting: int  # of those: nobody has them yet
    breached: int  # of those: something was due
    unshown: int  # entries that wait to be shown
    unopened: int  # open ones without a thread
