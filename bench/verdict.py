"""Was every message answered once and in order? Judged by what the database holds and what the provider received."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from bench.load import Customer
from bench.provider import Provider, Receipt
from omnibot.model import DeliveryState, Part
from omnibot.settings import Settings
from omnibot.store.bundled import BundledServer
from omnibot.store.codec import Codec
from omnibot.store.payloads import parts_from_json

_REACHED = (DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.READ)
_EXAMPLES = 3


@dataclass(slots=True)
class Check:
    """One thing that must hold for each of `looked_at`; `broken` tells where it does not."""

    what: str
    looked_at: int = 0
    broken: list[str] = field(default_factory=list)

    def see(self, holds: bool, where: str) -> None:
        self.looked_at += 1
        if not holds:
            self.broken.append(where)

    @property
    def examples(self) -> str:
        """The first places where it does not hold."""
        more = f" and {len(self.broken) - _EXAMPLES} more" if len(self.broken) > _EXAMPLES else ""
        return "; ".join(self.broken[:_EXAMPLES]) + more


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn as recorded: which messages it took."""

    id: int
    messages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """One reply as the outbox has it; `text` as the customer would see it.

    `capped`: kept back because its address had its one automatic answer to what answered nothing of ours.
    """

    id: int
    turn: int
    state: DeliveryState
    provider_hash: UUID | None
    text: str
    capped: bool = False


@dataclass(slots=True)
class Lane:
    """What the database holds of one address, oldest first."""

    received: list[tuple[int, UUID]] = field(default_factory=list)  # our id and the provider's, hashed
    turns: list[Turn] = field(default_factory=list)
    replies: list[Planned] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What held and what did not, and what there was."""

    checks: tuple[Check, ...]
    counts: Mapping[str, int]

    @property
    def clean(self) -> bool:
        return not any(check.broken for check in self.checks)


async def judge(
    settings: Settings, customers: Sequence[Customer], provider: Provider, *, ordered: bool = True
) -> Verdict:
    """Read the database and compare; the server has stopped."""
    codec = Codec(settings.load_secret())
    async with BundledServer(settings.data_folder) as dsn:
        lanes = await _lanes(dsn, codec, provider.seen)
    return compare(lanes, codec, customers, provider.receipts.of, largest=provider.largest, ordered=ordered)


def compare(
    lanes: Mapping[str, Lane],
    codec: Codec,
    customers: Sequence[Customer],
    received: Mapping[str, Sequence[Receipt]],
    *,
    largest: int,
    ordered: bool = True,
) -> Verdict:
    """`largest`: characters of one reply; a longer one is several messages.

    `ordered`: each customer's messages came one after another; else any of those under way may have been first.
    """
    checks = _Checks(codec, largest, ordered)
    for customer in customers:
        checks.customer(customer, lanes.get(customer.address, Lane()), received.get(customer.address, []))
    known = [lanes.get(customer.address, Lane()) for customer in customers]
    states = [reply.state for lane in known for reply in lane.replies]
    return Verdict(
        checks.all(),
        {
            "customers": len(customers),
            "messages": sum(len(customer.written) for customer in customers),
            "turns": sum(len(lane.turns) for lane in known),
            "replies": len(states),
            "received": sum(len(received.get(customer.address, ())) for customer in customers),
            "unknown": states.count(DeliveryState.UNKNOWN),
            "capped": sum(reply.capped for lane in known for reply in lane.replies),
        },
    )


class _Checks:
    def __init__(self, codec: Codec, largest: int, ordered: bool) -> None:
        self._codec = codec
        self._largest = largest
        self._ordered = ordered
        self._stored = Check("every message is stored once")
        self._kept_order = Check("messages are stored in the order in which they were written")
        self._taken = Check("every message belongs to one turn")
        self._apart = Check("turns of one customer do not interleave")
        self._replied = Check("every turn has one reply")
        self._arrived = Check("every reply arrived once, is listed unknown, or was one too many")
        self._expected = Check("nothing else arrived")
        self._order = Check("replies arrived in order")

    def all(self) -> tuple[Check, ...]:
        kept_order = (self._kept_order,) if self._ordered else ()
        return (self._stored, *kept_order, self._taken, self._apart, self._replied, self._arrived, self._expected,
                self._order)  # fmt: skip

    def customer(self, customer: Customer, lane: Lane, received: Sequence[Receipt]) -> None:
        self._messages(customer, lane)
        self._turns(customer.address, lane)
        self._replies(customer.address, lane, received)

    def _messages(self, customer: Customer, lane: Lane) -> None:
        ids = defaultdict(list)
        for id_, hash_ in lane.received:
            ids[hash_].append(id_)
        stored = [ids[self._codec.provider_hash(posted.message)] for posted in customer.written]
        for posted, found in zip(customer.written, stored, strict=True):
            self._stored.see(len(found) == 1, f"{customer.address}/{posted.message}: {len(found)} times")
        order = [found[0] for found in stored if found]
        for first, second in itertools.pairwise(order):
            self._kept_order.see(first < second, f"{customer.address}: {first} after {second}")

    def _turns(self, address: str, lane: Lane) -> None:
        taken = [message for turn in lane.turns for message in turn.messages]
        for id_, _ in lane.received:
            self._taken.see(taken.count(id_) == 1, f"{address}/{id_}: {taken.count(id_)} turns")
        for first, second in itertools.pairwise(lane.turns):
            apart = bool(first.messages and second.messages) and max(first.messages) < min(second.messages)
            self._apart.see(apart, f"{address}: turns {first.id} and {second.id}")

    def _replies(self, address: str, lane: Lane, received: Sequence[Receipt]) -> None:
        for turn in lane.turns:
            parts = [reply.text for reply in lane.replies if reply.turn == turn.id]
            lengths = [len(part) for part in parts]
            self._replied.see(self._is_one(parts), f"{address}/{turn.id}: {len(parts)} replies, of {lengths}")
        places = list(_places(lane.replies, received, self._codec))
        for number, reply in enumerate(lane.replies):
            times = places.count(number)
            unknown = reply.state is DeliveryState.UNKNOWN and times <= 1
            arrived = reply.state in _REACHED and times == 1
            capped = reply.capped and times == 0
            self._arrived.see(arrived or unknown or capped, f"{address}/{reply.id}: {reply.state}, {times} times")
        for receipt, place in zip(received, places, strict=True):
            self._expected.see(place is not None, f"{address}: {receipt.message}")
        known = [place for place in places if place is not None]
        for before, after in itertools.pairwise(known):
            self._order.see(before < after, f"{address}: {lane.replies[before].id} before {lane.replies[after].id}")

    def _is_one(self, parts: Sequence[str]) -> bool:
        """Whether this is one reply: in one message, or in several where it is too long for one."""
        whole = "\n\n".join(parts)  # as it was before it was cut
        return len(parts) == 1 or (len(set(parts)) == len(parts) and len(whole) > self._largest)


def _places(replies: Sequence[Planned], received: Sequence[Receipt], codec: Codec) -> Iterator[int | None]:
    """Which reply each receipt is. Of an unknown one nobody noted the provider's id: it is known by its text."""
    by_hash = {reply.provider_hash: place for place, reply in enumerate(replies) if reply.provider_hash}
    unnoted = [place for place, reply in enumerate(replies) if reply.provider_hash is None]
    for receipt in received:
        place = by_hash.get(codec.provider_hash(receipt.message))
        if place is None:
            place = next((p for p in unnoted if replies[p].text == receipt.text), None)
            if place is not None:
                unnoted.remove(place)
        yield place


# --- reading -------------------------------------------------------------------------------------------------------


_REPLIES = """
SELECT address_id, id, turn_id, state, reason, purpose, provider_hash, payload_sealed FROM outbox ORDER BY id
"""
Seen = Callable[[Sequence[Part]], str]


async def _lanes(dsn: str, codec: Codec, seen: Seen) -> dict[str, Lane]:
    connection = await asyncpg.connect(dsn)
    try:
        addresses = await connection.fetch("SELECT id, value_sealed FROM addresses")
        received = await connection.fetch(
            "SELECT address_id, id, provider_hash FROM messages WHERE direction = 'in' ORDER BY id"
        )
        turns = await connection.fetch("SELECT address_id, id, record_sealed FROM turns ORDER BY id")
        replies = await connection.fetch(_REPLIES)
    finally:
        await connection.close()
    lanes: dict[int, Lane] = defaultdict(Lane)
    for row in received:
        lanes[row["address_id"]].received.append((row["id"], row["provider_hash"]))
    for row in turns:
        record = codec.open(row["address_id"], row["record_sealed"])
        lanes[row["address_id"]].turns.append(Turn(row["id"], tuple(record["messages"])))
    for row in replies:
        lanes[row["address_id"]].replies.append(_planned(row, codec, seen))
    return {codec.open_text(row["id"], row["value_sealed"]): lanes[row["id"]] for row in addresses}


def _planned(row: Mapping[str, Any], codec: Codec, seen: Seen) -> Planned:
    payload = codec.open(row["address_id"], row["payload_sealed"])
    text = seen(parts_from_json(payload["parts"]))
    state = DeliveryState(row["state"])
    capped = (row["state"], row["reason"], row["purpose"]) == (DeliveryState.SUPPRESSED, "reply cap", "unsolicited")
    return Planned(row["id"], row["turn_id"], state, row["provider_hash"], text, capped)


# --- while it runs -------------------------------------------------------------------------------------------------


_UNDER_WAY = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        AND state = 'active')
"""

_OPEN = """
SELECT (SELECT count(*) FROM inbox WHERE parked_at IS NULL)
    + (SELECT count(*) FROM outbox WHERE state IN ('queued', 'held', 'sending'))
"""


async def waiting(connection: asyncpg.Connection) -> int:
    """How much has still to be taken, sent, or given up."""
    return int(await connection.fetchval(_OPEN))


async def stored(connection: asyncpg.Connection) -> int:
    """How many messages of customers there are."""
    return int(await connection.fetchval("SELECT count(*) FROM messages WHERE direction = 'in'"))


async def sending(connection: asyncpg.Connection) -> set[int]:
    """Which replies are in flight, as far as the database knows; what was asked of it by the dead comes to its end."""
    while True:
        if not await connection.fetchval(_UNDER_WAY):
            return {row["id"] for row in await connection.fetch("SELECT id FROM outbox WHERE state = 'sending'")}
        await asyncio.sleep(0.01)
