"""One customer's turn, as all see it who decide about a part of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from omnibot.dialogue.company import Company
from omnibot.dialogue.world import World
from omnibot.model import (
    AddressId,
    Case,
    CaseState,
    Expertise,
    KnownAddress,
    Reading,
    Recollection,
    Snapshot,
    TimelineMessage,
    TurnMessage,
    Urgency,
)
from omnibot.model.values import frozen

__all__ = ["Turn", "address_of"]

_WAITED_FOR = timedelta(days=7)  # what people have had for longer, a "hello?" is not about


@frozen
class Turn:
    """What a plan is made from: who wrote what from where, how it reads, what is remembered, what the company has."""

    snapshot: Snapshot
    reading: Reading
    recollection: Recollection
    messages: Sequence[TurnMessage]  # those that want something of us; at least one
    company: Company
    channels: Collection[str]  # that replies can leave by
    written_on: KnownAddress
    world: World  # as playbooks see it
    flags: frozenset[str]  # of any of the messages
    reopened: bool = False  # by a START in it, which nobody has confirmed yet

    @property
    def is_shared(self) -> bool:
        """Whether several people write from there."""
        return self.written_on.shared

    @property
    def mood(self) -> float:
        """From -1 to 1; 0 where it is not known."""
        return self.reading.sentiment.value if self.reading.sentiment.known else 0.0

    @property
    def is_beginners(self) -> bool:
        """Whether who wrote it is not at home with such things."""
        return self.reading.expertise.known and self.reading.expertise.value is Expertise.NOVICE

    @property
    def urgency(self) -> Urgency | None:
        """None where it is not known."""
        return self.reading.urgency.value if self.reading.urgency.known else None

    @property
    def with_people(self) -> Case | None:
        """The matter that people have taken over, if this may be about one; nothing where several people write."""
        if self.is_shared:
            return None
        case = self.recollection.case
        if case is not None:
            return case if case.state is CaseState.HANDED_OFF else None
        left = (case for case in reversed(self.snapshot.cases) if case.state is CaseState.HANDED_OFF)
        return next((case for case in left if self.world.now - case.touched_at <= _WAITED_FOR), None)

    def usable(self, channel: str) -> KnownAddress | None:
        """Their address on a channel, where a reply can go there."""
        return self.snapshot.on(channel) if channel in self.channels else None

    def said_on(self, address: AddressId) -> Iterator[TimelineMessage]:
        """What was said at an address before, by either side, the latest first."""
        if known := address_of(self.snapshot, address):
            theirs = known.address
            yield from (one for one in reversed(self.recollection.recent) if one.address == theirs)


def address_of(snapshot: Snapshot, id_: AddressId) -> KnownAddress | None:
    """A customer's address, if it is one of theirs."""
    for address in snapshot.addresses:
        if address.id == id_:
            return address
    return None
