"""A customer, as one turn may know them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from omnibot.model.addresses import NOTHING, KnownAddress
from omnibot.model.cases import Case
from omnibot.model.ids import AddressId, CustomerId
from omnibot.model.memory import Event, Usage
from omnibot.model.preferences import NONE_KNOWN, Preferences
from omnibot.model.proving import Tried
from omnibot.model.reading import EarlierTurn
from omnibot.model.timeline import TimelineMessage
from omnibot.model.values import frozen

_NO_HABITS: Mapping[AddressId, Mapping[str, float]] = {}


@frozen
class Snapshot:
    """A customer as one turn sees them: no more than the address that was written from may be told.

    Made by `identity.identify` alone. The proof of its addresses is what is left of it now.
    """

    customer: CustomerId
    addresses: tuple[KnownAddress, ...]
    name: str = ""
    preferences: Preferences = NONE_KNOWN
    facts: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    timeline: tuple[TimelineMessage, ...] = ()  # as it was written, oldest first; of one moment by id
    trusted: frozenset[AddressId] = frozenset()  # may be told everything: replies go from one to another of these alone
    tried: tuple[Tried, ...] = ()  # codes typed in this turn
    earlier: tuple[EarlierTurn, ...] = ()  # how the latest turns were meant, oldest first
    since: datetime | None = None  # when they became a customer, by an event or import, or first wrote
    events: tuple[Event, ...] = ()  # the latest that tell of more than use, oldest first
    usage: tuple[Usage, ...] = ()
    cases: tuple[Case, ...] = ()  # the open ones and the latest others, the least recently touched first
    habits: Mapping[AddressId, Mapping[str, float]] = field(default_factory=lambda: _NO_HABITS)  # how they write
    open: frozenset[AddressId] = frozenset()  # what was said at these may be told at the address that wrote
    stated: frozenset[str] = frozenset()  # of the preferences: those that they told, not those that were learned

    def on(self, channel: str) -> KnownAddress | None:
        """The customer's first address on a channel that a reply to another one can go to."""
        there = (a for a in self.addresses if a.address.channel == channel and a.id in self.trusted)
        return next((a for a in there if not (a.stopped or a.unreachable)), None)
