"""Load: all that the turns of the claimed customers need. What changed while they were claimed is loaded anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import starmap
from operator import itemgetter
from typing import Any

import asyncpg

from omnibot.identifiers import implied
from omnibot.model import (
    Address,
    AddressId,
    CaseSide,
    CustomerId,
    Direction,
    EarlierTurn,
    Event,
    Fact,
    KnownAddress,
    MessageId,
    Proof,
    ProofPurpose,
    ProofRequest,
    TimelineMessage,
    TurnMessage,
    Usage,
)
from omnibot.store.cases import side_of
from omnibot.store.codec import Codec
from omnibot.store.message_path.acts import ActLoading
from omnibot.store.payloads import act_of, choices_of, event_of, mood_of, text_of
from omnibot.store.work import EVENTS, TIMELINE, InboxItem, Kind, Lease, Unreadable, Work

_ITEMS_A_TURN = 100  # what is beyond waits for the next turn
_EARLIER = 6  # latest turns of which is known how they were meant
_USAGE = 100  # names of what was done latest
_OPEN_CASES = 20  # of an address, those that are open first
_REQUESTS = 50  # that somebody may wait with, those whose codes were sent first: who asks without end delays nobody
_TOLD = "1 h"  # for which whoever types a code is told that it is void or has expired

# One row a customer; what is within a column is read by its place, so each belongs to the method named beside it. Of
# the facts, what was stated beats what a provider said, and of two statements the later one holds.
# Behind the columns of `_address`; see `_memory`.
_OF_AN_ADDRESS = f"""
    ARRAY(SELECT ROW(name, at, properties_sealed) FROM events
          WHERE address_id = a.id AND told_of ORDER BY at DESC LIMIT {EVENTS}),
    ARRAY(SELECT ROW(name, count, first_at, last_at) FROM usage
          WHERE address_id = a.id ORDER BY last_at DESC LIMIT {_USAGE}),
    ARRAY(SELECT ROW(address_id, matter_id, intent, state, opened_at, touched_at, resolved_at, contacts, reopened,
                     body_sealed)
          FROM cases WHERE address_id = a.id
          ORDER BY (state <> 'resolved') DESC, touched_at DESC LIMIT {_OPEN_CASES}),
    (SELECT body_sealed FROM habits WHERE address_id = a.id)"""

# Of an address `a` and its link `l`; what `known_address` reads, by its place.
ADDRESS = """a.id, a.channel, a.value_sealed, l.proof, a.account, a.context_sealed, a.stopped_at IS NOT NULL,
                   a.unreachable_at IS NOT NULL, l.proven_at, a.shared_at IS NOT NULL, a.created_at"""

_FURTHER = -4  # where they begin in its row

LOADED = f"""
    now() AS at,
    ARRAY(  -- _item
        SELECT ROW(i.id, i.kind, i.address_id, i.attempts, i.payload_sealed, i.message_id,
                   m.at, m.body_sealed, m.attachments, m.answers, m.automatic, m.flags)
        FROM (SELECT * FROM inbox WHERE customer_id = c.id AND parked_at IS NULL AND kind = ANY($2::text[])
                  AND (due_at <= now() OR kind IN ('message', 'edit')) ORDER BY id LIMIT {_ITEMS_A_TURN}) AS i
        LEFT JOIN messages m ON m.address_id = i.address_id AND m.id = i.message_id
        ORDER BY i.id) AS items,
    ARRAY(  -- _address, _memory
        SELECT ROW({ADDRESS},
                   {_OF_AN_ADDRESS})
        FROM links l CROSS JOIN LATERAL (SELECT * FROM addresses WHERE id = l.address_id OFFSET 0) AS a
        WHERE l.customer_id = c.id ORDER BY a.id) AS addresses,
    ARRAY(  -- _fact
        SELECT ROW(f.id, f.address_id, f.key, f.value_sealed, f.confidence, f.source, f.valid_from)
        FROM links l CROSS JOIN LATERAL (
            SELECT * FROM facts WHERE address_id = l.address_id AND valid_to IS NULL OFFSET 0) AS f
        WHERE l.customer_id = c.id ORDER BY f.confidence, f.valid_from, f.id) AS facts,
    ARRAY(  -- _said
        SELECT ROW(m.id, m.address_id, m.direction, m.at, m.body_sealed, m.answers, m.attachments, m.flags)
        FROM links l CROSS JOIN LATERAL (
            SELECT * FROM messages WHERE address_id = l.address_id ORDER BY at DESC, id DESC LIMIT {TIMELINE}) AS m
        WHERE l.customer_id = c.id ORDER BY m.at, m.id) AS timeline,
    ARRAY(  -- _request
        SELECT ROW(p.id, p.purpose, p.address_id, p.target_id, t.channel, t.value_sealed, t.shared_at IS NOT NULL,
                   p.about_id, p.source_id, p.code_hash, p.tries, p.settled_at IS NOT NULL, p.expires_at <= now())
        FROM links l CROSS JOIN LATERAL (
            SELECT * FROM proof_requests WHERE address_id = l.address_id AND created_at > now() - interval '{_TOLD}'
                AND (settled_at IS NULL OR settled = 'void') OFFSET 0) AS p
        JOIN addresses t ON t.id = p.target_id
        WHERE l.customer_id = c.id ORDER BY p.message_id IS NULL, p.id DESC LIMIT {_REQUESTS}) AS requests,
    ARRAY(  -- _earlier
        SELECT ROW(t.id, t.address_id, t.at, t.mood_sealed)
        FROM links l CROSS JOIN LATERAL (
            SELECT * FROM turns WHERE address_id = l.address_id ORDER BY id DESC LIMIT {_EARLIER}) AS t
        WHERE l.customer_id = c.id AND t.mood_sealed IS NOT NULL ORDER BY t.id DESC LIMIT {_EARLIER}) AS earlier"""

_LOAD = f"SELECT c.id AS customer_id, {LOADED} FROM unnest((SELECT $1::bigint[])) AS c(id)"

_WHOSE = "SELECT l.customer_id FROM addresses a JOIN links l ON l.address_id = a.id WHERE a.hash = $1"

_HELD_BY = """
SELECT DISTINCT l.customer_id FROM identifiers i
JOIN addresses a ON a.id = i.address_id AND a.shared_at IS NULL JOIN links l ON l.address_id = i.address_id
WHERE i.hash = ANY($1::uuid[]) AND i.proven_at IS NOT NULL AND i.revoked_at IS NULL
"""

KINDS = [kind.value for kind in Kind]  # parameter $2; what a newer version has put there is left to its workers


@dataclass(frozen=True, slots=True)
class Claimed:
    """A lease, and what was read for it; `row` is none where it was too old."""

    lease: Lease
    row: asyncpg.Record | None


class Loading(ActLoading):
    """The third step of the message path, of which the second does most."""

    async def load(self, claims: Sequence[Claimed]) -> list[Work | Unreadable]:
        """All that the turns of these customers need."""
        rows = {claimed.lease.customer: claimed.row for claimed in claims if claimed.row}
        if outdated := [claimed.lease.customer for claimed in claims if not claimed.row]:
            async with self._connection() as connection:
                anew = await connection.fetch(_LOAD, outdated, KINDS)
            rows |= {row["customer_id"]: row for row in anew}
        works = [self._work(claimed.lease, rows[claimed.lease.customer]) for claimed in claims]
        acting = [work for work in works if isinstance(work, Work) and any(item.act for item in work.items)]
        if not acting:
            return works
        known = await self._with_stretches(acting)
        return [known.get(work.lease.customer, work) for work in works]

    async def look(self, address: Address) -> Work | Unreadable | None:
        """All that a turn of whoever that is would need, and nothing is taken or changed; None where nobody is known.

        Whoever has never written from there is known where one customer has proven the same phone or mail address.
        """
        itself = implied(address)
        brought = [self._codec.identifier_hash(itself)] if itself else []
        async with self._connection() as connection, connection.transaction(readonly=True):
            found = await connection.fetch(_WHOSE, self._codec.address_hash(address))
            found = found or await connection.fetch(_HELD_BY, brought)
            if len(found) != 1:
                return None
            customer = CustomerId(found[0]["customer_id"])
            [row] = await connection.fetch(_LOAD, [customer], KINDS)
        return self._work(Lease(customer, fence=0, arrivals=0, lost=0), row)

    def _work(self, lease: Lease, row: asyncpg.Record) -> Work | Unreadable:
        try:
            addresses = {address.id: address for address in map(self._address, row["addresses"])}
            memory = _memory(row["addresses"])
            return Work(
                lease=lease,
                items=tuple(map(self._item, row["items"])),
                addresses=tuple(addresses.values()),
                facts=tuple(map(self._fact, row["facts"])),
                timeline=tuple(self._said(said, lease.customer, addresses) for said in row["timeline"]),
                at=row["at"],
                requests=tuple(map(self._request, sorted(row["requests"], key=itemgetter(0)))),
                earlier=tuple(map(self._earlier, reversed(row["earlier"]))),
                events=tuple(sorted(starmap(self._event, memory.events), key=_when)[-EVENTS:]),
                usage=tuple(sorted(starmap(_usage, memory.usage), key=_last_seen, reverse=True)[:_USAGE]),
                cases=tuple(sorted(map(self._side, memory.sides), key=_touched)),
                habits=tuple(starmap(self._habits, memory.habits)),
            )
        except Exception as error:
            return Unreadable(lease, tuple(item[0] for item in row["items"]), type(error).__name__)

    def _item(self, row: asyncpg.Record) -> InboxItem:
        id_, kind, address, attempts, payload, message_id, at, sealed, attachments, answers, automatic, flags = row
        message = None
        if sealed is not None:
            body = self._codec.open(address, sealed)
            message = TurnMessage(
                id=message_id,
                address=address,
                at=at,
                text=text_of(body),
                provider_id=body.get("id", ""),
                pressed=body.get("pressed", ""),
                attachments=attachments,
                answers=answers,
                automatic=automatic or "",
                flags=tuple((flags or "").split()),
                own_number="contact" in body and bool(body["contact"].get("own")),
            )
        told = self._codec.open(address, payload) if payload else {}
        is_act = kind == Kind.ACT
        return InboxItem(
            id=id_,
            kind=Kind(kind),
            address=address,
            attempts=attempts,
            message=message,
            payload=told,
            stretch=told["stretch"] if is_act else None,
            act=act_of(told) if is_act else None,
        )

    def _address(self, row: asyncpg.Record) -> KnownAddress:
        return known_address(self._codec, row)

    def _fact(self, row: asyncpg.Record) -> Fact:
        id_, address, key, value, confidence, source, since = row
        text = self._codec.open_text(address, value)
        return Fact(
            key=key, value=text, address=AddressId(address), confidence=confidence, source=source, id=id_, since=since
        )

    def _request(self, row: asyncpg.Record) -> ProofRequest:
        id_, purpose, by, target, channel, value, shared, about, source, code_hash, tries, void, expired = row
        return ProofRequest(
            id=id_,
            purpose=ProofPurpose(purpose),
            by=AddressId(by),
            target=AddressId(target),
            to=Address(channel, self._codec.open_text(target, value)),
            about=about,
            source=MessageId(source),
            code_hash=code_hash,
            tries=tries,
            shared=shared,
            over="void" if void else "expired" if expired else "",
        )

    def _earlier(self, row: asyncpg.Record) -> tuple[AddressId, EarlierTurn]:
        _, address, at, mood = row
        return AddressId(address), mood_of(at, self._codec.open(address, mood))

    def _event(self, address: int, row: asyncpg.Record) -> Event:
        name, at, sealed = row
        return event_of(self._codec.open(address, sealed), name, at, AddressId(address))

    def _side(self, row: asyncpg.Record) -> CaseSide:
        *columns, sealed = row
        return side_of(columns, self._codec.open(columns[0], sealed))

    def _habits(self, address: int, sealed: bytes) -> tuple[AddressId, Mapping[str, float]]:
        return AddressId(address), self._codec.open(address, sealed)

    def _said(
        self, row: asyncpg.Record, customer: CustomerId, addresses: Mapping[AddressId, KnownAddress]
    ) -> TimelineMessage:
        id_, address, direction, at, sealed, answers, attachments, flags = row
        body = self._codec.open(address, sealed)
        return TimelineMessage(
            id=MessageId(id_),
            customer=customer,
            address=addresses[address].address,
            direction=Direction(direction),
            at=at,
            text=text_of(body),
            answers=answers,
            attachments=attachments,
            flags=tuple(flags.split()) if flags else (),
            choices=choices_of(body),
            by=body.get("by", ""),
        )


def known_address(codec: Codec, row: Sequence[Any]) -> KnownAddress:
    """An address of the columns `ADDRESS`, whatever follows them."""
    id_, channel, value, proof, account, context, stopped, unreachable, proven_at, shared, since, *_ = row
    return KnownAddress(
        id=AddressId(id_),
        address=Address(channel, codec.open_text(id_, value)),
        proof=Proof(proof),
        account=account,
        context=codec.open(id_, context) if context else {},
        stopped=stopped,
        unreachable=unreachable,
        proven_at=proven_at,
        shared=shared,
        since=since,
    )


@dataclass(slots=True)
class _Memory:
    """What hangs on the addresses of one customer: rows, each with its address."""

    events: list[tuple[int, asyncpg.Record]] = field(default_factory=list)
    usage: list[tuple[int, asyncpg.Record]] = field(default_factory=list)
    sides: list[asyncpg.Record] = field(default_factory=list)
    habits: list[tuple[int, bytes]] = field(default_factory=list)


def _memory(addresses: Sequence[asyncpg.Record]) -> _Memory:
    memory = _Memory()
    for row in addresses:
        address = row[0]
        events, usage, sides, habits = row[_FURTHER:]
        memory.events += ((address, one) for one in events)
        memory.usage += ((address, one) for one in usage)
        memory.sides += sides
        if habits is not None:
            memory.habits.append((address, habits))
    return memory


def _usage(address: int, row: asyncpg.Record) -> tuple[AddressId, Usage]:
    name, count, first_at, last_at = row
    return AddressId(address), Usage(name=name, count=count, first_at=first_at, last_at=last_at)


def _when(event: Event) -> datetime:
    return event.at


def _last_seen(used: tuple[AddressId, Usage]) -> datetime:
    return used[1].last_at


def _touched(side: CaseSide) -> tuple[datetime, int]:
    return side.touched_at, side.id
