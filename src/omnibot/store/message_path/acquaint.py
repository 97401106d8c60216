"""Accept, where more than the inbox changes: strangers, STOP and START, another account or group, mail not believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from omnibot.model import AddressId, ButtonPress, CustomerId, IncomingMessage
from omnibot.store.codec import OWN
from omnibot.store.message_path.connections import Connections, columns
from omnibot.store.message_path.inbox import ARRIVED, QUEUED, inbox_columns
from omnibot.store.message_path.known import Known, Way, by_hand
from omnibot.store.message_path.pointers import KEEP_BACK_POINTERS
from omnibot.store.payloads import message_body
from omnibot.store.work import Arrived

_REMEMBER_ARRIVALS = """
INSERT INTO arrivals (key, at) SELECT key, now() FROM unnest($1::uuid[]) AS key ON CONFLICT DO NOTHING RETURNING key
"""

_LOOK_UP = """
SELECT a.hash, a.id, l.customer_id, a.account, a.context_sealed, a.stopped_at IS NOT NULL AS stopped,
    a.unreachable_at IS NOT NULL AS unreachable
FROM addresses a JOIN links l ON l.address_id = a.id WHERE a.hash = ANY($1::uuid[])
"""

# Whoever moves a link waits until what was taken in by it is committed; see accept.py.
_LOOK_UP_AND_HOLD = f"{_LOOK_UP} ORDER BY a.id FOR SHARE OF l"

_RESERVE_IDS = """
SELECT nextval('addresses_id_seq') AS address, nextval('customers_id_seq') AS customer FROM generate_series(1, $1)
"""

# A new address is a new customer. Who loses the race for an address finds the winner's when it looks again.
_MEET = """
WITH input AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::bytea[], $6::text[])
        AS i(hash, address_id, customer_id, channel, value_sealed, account)
), met AS (
    INSERT INTO addresses (id, channel, hash, value_sealed, account, created_at)
    SELECT address_id, channel, hash, value_sealed, account, now() FROM input ORDER BY hash
    ON CONFLICT (hash) DO NOTHING RETURNING id
), person AS (
    INSERT INTO customers (id, created_at) SELECT customer_id, now() FROM input JOIN met ON met.id = address_id
), linked AS (
    INSERT INTO links (address_id, customer_id, home_id, proof, evidence, since)
    SELECT address_id, customer_id, customer_id, 'seen', 'first message', now()
    FROM input JOIN met ON met.id = address_id
), logged AS (
    INSERT INTO identity_log (at, act, address_id, customer_id, proof, evidence, by, reason)
    SELECT now(), 'link', address_id, customer_id, 'seen', 'first message', 'rule', ''
    FROM input JOIN met ON met.id = address_id
)
INSERT INTO facts (address_id, key, value_sealed, confidence, source, valid_from)
SELECT f.address_id, f.key, f.value_sealed, 0.5, 'provider', now()
FROM unnest($7::bigint[], $8::text[], $9::bytea[]) AS f(address_id, key, value_sealed) JOIN met ON met.id = f.address_id
"""

_ENQUEUE = f"""
WITH {ARRIVED}, linked AS (
    SELECT * FROM unnest((SELECT $28::bigint[]), $29::bigint[]) AS l(address_id, customer_id)
), fresh AS MATERIALIZED (
    SELECT CASE WHEN i.body IS NOT NULL THEN nextval('messages_id_seq') END AS id, i.*, l.customer_id,
        answered.id AS answers
    FROM arrived i JOIN linked l USING (address_id) LEFT JOIN answered USING (ord)
    ORDER BY i.ord
), {QUEUED}
SELECT count(*) FROM fresh
"""

_UPDATE_ADDRESSES = """
UPDATE addresses a SET account = n.account, context_sealed = n.context_sealed,
    stopped_at = CASE WHEN n.stop THEN coalesce(a.stopped_at, now()) WHEN NOT n.stop THEN NULL ELSE a.stopped_at END,
    unreachable_at = CASE WHEN NOT n.reached THEN a.unreachable_at END,
    unreachable_reason = CASE WHEN NOT n.reached THEN a.unreachable_reason END
FROM (SELECT a.id, i.account, i.context_sealed, i.stop, i.reached
      FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::boolean[], $5::boolean[])
          AS i(id, account, context_sealed, stop, reached)
      JOIN addresses a ON a.id = i.id ORDER BY a.id FOR NO KEY UPDATE OF a) AS n
WHERE a.id = n.id
"""

# Whatever is locked here is being dispatched: its claim waits for the address row and then sees the STOP.
_SUPPRESS_QUEUED = """
UPDATE outbox SET state = 'suppressed', reason = 'stopped', changed_at = now() WHERE id IN (
    SELECT id FROM outbox WHERE address_id = ANY($1::bigint[]) AND state IN ('queued', 'held')
        AND purpose <> 'confirmation' ORDER BY id FOR UPDATE SKIP LOCKED) RETURNING id
"""

_QUARANTINE = """
INSERT INTO quarantine (channel, account, at, reason, body_sealed)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::bytea[])
"""


_OF_A_PROFILE = ("name", "language", "email", "zone")  # what a provider knows becomes facts, each by its own name


@dataclass(frozen=True, slots=True)
class _Sender:
    """An address as it is now, whose it is, and whether it can and may be written to."""

    known: Known
    customer: CustomerId
    stopped: bool
    unreachable: bool


@dataclass(slots=True)
class _Change:
    """What a batch makes of an address."""

    way: Way
    reached: bool
    stop: bool | None = None  # None: nobody said; another process may be hearing a STOP right now

    def hear(self, arrived: Arrived) -> None:
        self.way = self.way.after(arrived)
        self.reached = self.reached or by_hand(arrived.item)
        self.stop = self.stop if arrived.stop is None else arrived.stop

    def differs_from(self, before: _Sender) -> bool:
        return self != _Change(before.known.way, not before.unreachable)


class Acquainting(Connections):
    """The long way into the inbox: one transaction of several statements."""

    async def _acquaint(self, once: Mapping[UUID, Arrived], pause: float) -> tuple[set[UUID], Mapping[UUID, Known]]:
        """Commit arrivals by their keys; tells which were new, and what is known of their senders from now on."""
        async with self._transaction() as connection:
            unseen = {row["key"] for row in await connection.fetch(_REMEMBER_ARRIVALS, sorted(once))}
            fresh = {key: arrived for key, arrived in once.items() if key in unseen}
            believed = {key: arrived for key, arrived in fresh.items() if not _reason_for_quarantine(arrived)}
            await self._quarantine(connection, [a for key, a in fresh.items() if key not in believed])
            known = await self._enqueue(connection, believed, pause)
        return unseen, known

    async def _look_up(self, hashes: Sequence[UUID]) -> Mapping[UUID, Known]:
        async with self._connection() as connection:
            rows = await connection.fetch(_LOOK_UP, hashes)
        return {row["hash"]: self._sender(row).known for row in rows}

    def _sender(self, row: asyncpg.Record) -> _Sender:
        address, context = AddressId(row["id"]), row["context_sealed"]
        way = Way(row["account"], self._codec.open(address, context) if context else {})
        known = Known(address, way, context)
        return _Sender(known, CustomerId(row["customer_id"]), row["stopped"], row["unreachable"])

    async def _quarantine(self, connection: asyncpg.Connection, batch: Sequence[Arrived]) -> None:
        if not batch:
            return
        rows = []
        for arrived in batch:
            item = arrived.item
            assert isinstance(item, IncomingMessage)
            body = message_body(item) | {"from": str(item.sender.address), "name": item.sender.name}
            sealed = self._codec.seal(OWN, body)
            rows.append((arrived.channel, arrived.account, item.at, item.quarantine, sealed))
        await connection.execute(_QUARANTINE, *columns(rows, 5))

    async def _enqueue(
        self, connection: asyncpg.Connection, batch: Mapping[UUID, Arrived], pause: float
    ) -> Mapping[UUID, Known]:
        hashes = {key: self._codec.address_hash(a.item.sender.address) for key, a in batch.items()}
        senders = await self._senders(connection, [(hashes[key], arrived) for key, arrived in batch.items()])
        queue = [(key, arrived, senders[hashes[key]]) for key, arrived in batch.items() if hashes[key] in senders]
        if not queue:
            return {}
        rows = [(key, arrived, sender.known.address, sender.stopped) for key, arrived, sender in queue]
        linked = [(sender.known.address, sender.customer) for sender in senders.values()]
        await connection.execute(_ENQUEUE, *inbox_columns(self._codec, rows, pause), *columns(linked, 2))
        changed = await self._update_addresses(connection, [(arrived, sender) for _, arrived, sender in queue])
        return {hash_: changed.get(s.known.address, s.known) for hash_, s in senders.items()}

    async def _senders(
        self, connection: asyncpg.Connection, batch: Sequence[tuple[UUID, Arrived]]
    ) -> dict[UUID, _Sender]:
        """Who has sent these, by the hashes of their addresses; whoever writes for the first time is met."""
        senders = await self._look_up_and_hold(connection, [hash_ for hash_, _ in batch])
        strangers = {
            hash_: arrived
            for hash_, arrived in batch
            if hash_ not in senders and isinstance(arrived.item, IncomingMessage | ButtonPress)
        }
        if not strangers:
            return senders
        await self._meet(connection, strangers)
        return senders | await self._look_up_and_hold(connection, list(strangers))

    async def _look_up_and_hold(self, connection: asyncpg.Connection, hashes: Sequence[UUID]) -> dict[UUID, _Sender]:
        return {row["hash"]: self._sender(row) for row in await connection.fetch(_LOOK_UP_AND_HOLD, hashes)}

    async def _meet(self, connection: asyncpg.Connection, strangers: Mapping[UUID, Arrived]) -> None:
        ids = await connection.fetch(_RESERVE_IDS, len(strangers))
        people, facts = [], []
        for (hash_, arrived), reserved in zip(strangers.items(), ids, strict=True):
            address, sender = reserved["address"], arrived.item.sender
            value = self._codec.seal(address, sender.address.value)
            people.append((hash_, address, reserved["customer"], arrived.channel, value, arrived.account))
            for key in _OF_A_PROFILE:
                if fact := getattr(sender, key):
                    facts.append((address, key, self._codec.seal(address, fact)))
        await connection.execute(_MEET, *columns(people, 6), *columns(facts, 3))

    async def _update_addresses(
        self, connection: asyncpg.Connection, queue: Sequence[tuple[Arrived, _Sender]]
    ) -> Mapping[AddressId, Known]:
        """Write how these are answered from now on; what is queued for whoever says STOP stays here."""
        changes: dict[AddressId, tuple[_Sender, _Change]] = {}
        for arrived, sender in queue:
            start = sender, _Change(sender.known.way, not sender.unreachable)
            changes.setdefault(sender.known.address, start)[1].hear(arrived)
        changed = {
            address: change for address, (before, change) in sorted(changes.items()) if change.differs_from(before)
        }
        if not changed:
            return {}
        sealed = {address: self._codec.seal(address, change.way.context) for address, change in changed.items()}
        rows = [(address, c.way.account, sealed[address], c.stop, c.reached) for address, c in changed.items()]
        await connection.execute(_UPDATE_ADDRESSES, *columns(rows, 5))
        if stopped := [address for address, change in changed.items() if change.stop]:
            suppressed = await connection.fetch(_SUPPRESS_QUEUED, stopped)
            await connection.fetch(KEEP_BACK_POINTERS, [row["id"] for row in suppressed])
        return {address: Known(address, change.way, sealed[address]) for address, change in changed.items()}


def _reason_for_quarantine(arrived: Arrived) -> str:
    item = arrived.item
    return item.quarantine if isinstance(item, IncomingMessage) else ""
