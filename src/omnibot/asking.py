"""Taking a turn that nobody takes: what would be read, remembered, planned and said, with nothing written or sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from omnibot.identifiers import comparable
from omnibot.model import (
    Address,
    AddressId,
    CustomerId,
    Direction,
    KnownAddress,
    MessageId,
    Proof,
    Recalled,
    Snapshot,
    TimelineMessage,
    TurnMessage,
)
from omnibot.remembering import Remembering
from omnibot.store import Store
from omnibot.store.work import InboxItem, Kind, Lease, Outcome, Unreadable, Work
from omnibot.turn import seen, turn
from omnibot.turns.pauses import Remind
from omnibot.turns.steps import Steps

__all__ = ["Answer", "AskError", "ask"]

_NOBODY = CustomerId(0)
_NEW_ADDRESS = AddressId(0)
_MESSAGE = MessageId(0)  # the one that is asked: no stored one has this number


class AskError(Exception):
    """Nothing can be told; the message says who must do what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a turn would do, and what it would know; `new`: nobody has written from that address yet."""

    outcome: Outcome
    snapshot: Snapshot
    recalled: tuple[Recalled, ...]
    new: bool


async def ask(
    store: Store | None,
    steps: Steps,
    address: Address,
    text: str,
    *,
    account: str,
    language: str,
    at: datetime | None = None,
    channel: str = "",
) -> Answer:
    """Take the turn of somebody who writes this from there now, or at `at`; without a store nobody is known.

    `channel`: they write from the address that they have on that one. What the company has told and no turn has taken
    in yet is known. `account` is the one by which a new address would be answered, and `language` that of whoever has
    not written yet. Raises AskError, StoreUnavailable.
    """
    found = await store.path.look(address) if store else None
    if isinstance(found, Unreadable):
        raise AskError(f"what is known of {address} was written by a newer version: use that")
    work = found or _nobodys()
    if at is not None:
        work = replace(work, at=at)
    known = _from_where(work, address, channel)
    writer = known or _new(address, account, work)
    if writer.address.channel not in steps.limits:
        raise AskError(f"{writer.address.channel} is no channel that is configured: nobody could be answered there")
    work = _written(work, writer, text, new=known is None)
    outcome, recalled = await _take(work, steps, store, language)
    return Answer(outcome=outcome, snapshot=seen(work, steps), recalled=recalled, new=known is None)


def _nobodys() -> Work:
    return Work(
        lease=Lease(_NOBODY, fence=0, arrivals=0, lost=0),
        items=(),
        addresses=(),
        facts=(),
        timeline=(),
        at=datetime.now(UTC),
    )


def _from_where(work: Work, address: Address, channel: str) -> KnownAddress | None:
    """The address that is written from; None where nobody has written from there."""
    if channel and channel != address.channel:
        theirs = next((one for one in work.addresses if one.address.channel == channel), None)
        if theirs is None:
            raise AskError(f"{address} is nobody who has an address on {channel}: leave --channel away")
        return theirs
    wanted = comparable(address)
    return next((one for one in work.addresses if comparable(one.address) == wanted), None)


def _new(address: Address, account: str, work: Work) -> KnownAddress:
    """As it would be met: proven where somebody is known by what the provider vouches for."""
    proof = Proof.PROVEN if work.addresses else Proof.SEEN
    return KnownAddress(id=_NEW_ADDRESS, address=address, proof=proof, account=account, proven_at=work.at)


def _written(work: Work, writer: KnownAddress, text: str, *, new: bool) -> Work:
    """The work with what they write; what else waits is the server's to answer."""
    message = TurnMessage(id=_MESSAGE, address=writer.id, at=work.at, text=text)
    said = TimelineMessage(
        id=_MESSAGE,
        customer=work.lease.customer,
        address=writer.address,
        direction=Direction.IN,
        at=work.at,
        text=text,
    )
    told = tuple(item for item in work.items if item.kind is Kind.EVENT)
    asked = InboxItem(id=0, kind=Kind.MESSAGE, address=writer.id, attempts=0, message=message)
    return replace(
        work,
        items=(*told, asked),
        addresses=(*work.addresses, writer) if new else work.addresses,
        timeline=(*work.timeline, said),
    )


async def _take(work: Work, steps: Steps, store: Store | None, language: str) -> tuple[Outcome, tuple[Recalled, ...]]:
    """Take the turn, and remind it where it would be reminded."""
    taken = turn(work, steps)
    recalled: tuple[Recalled, ...] = ()
    answer: Sequence[Recalled] | None = None
    while True:
        try:
            asked = taken.send(answer)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome, recalled
        answer = None
        if isinstance(asked, Remind) and store is not None:
            [recalled] = await Remembering(store.recall, steps.embed, language).remind([asked])
            answer = recalled
