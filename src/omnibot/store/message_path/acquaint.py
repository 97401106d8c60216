"""Accept, where more than the inbox changes: strangers, STOP and START, another account or group, mail not believed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from omnibot.model import AddressId, ButtonPress, CustomerId, IncomingMessage, Proof, Sender
from omnibot.store.codec import OWN, Codec
from omnibot.store.identity.guards import Guards
from omnibot.store.identity.tokens import redeem
from omnibot.store.locks import lock_identifiers
from omnibot.store.message_path.connections import Connections, columns, composed
from omnibot.store.message_path.inbox import ARRIVED, QUEUED, queueing
from omnibot.store.message_path.known import Known, Way, by_hand
from omnibot.store.message_path.pointers import KEEP_BACK_POINTERS
from omnibot.store.message_path.recognise import MOST_HOLDERS, Holder, Holders, Shown, vouched
from omnibot.store.payloads import message_body
from omnibot.store.work import Arrived, ToldEvent

_REMEMBER_ARRIVALS = """
INSERT INTO arrivals (key, at) SELECT key, now() FROM unnest($1::uuid[]) AS key ON CONFLICT DO NOTHING RETURNING key
"""

# What is known of an address `a` and its link `l`; see `_sender`.
_KNOWN = """
    a.hash, a.id, a.channel, a.account, a.context_sealed, a.value_sealed,
    l.customer_id, l.home_id, l.proof, l.proven_at,
    a.stopped_at IS NOT NULL AS stopped, a.unreachable_at IS NOT NULL AS unreachable, a.shared_at IS NOT NULL AS shared,
    ARRAY(SELECT hash FROM identifiers WHERE address_id = a.id AND proven_at IS NOT NULL AND revoked_at IS NULL)
        AS identifiers"""
_LINK = "SELECT customer_id, home_id, proof, proven_at FROM links"

_LOOK_UP = f"""
SELECT {_KNOWN} FROM unnest((SELECT $1::uuid[])) AS h(hash)
CROSS JOIN LATERAL (SELECT * FROM addresses WHERE hash = h.hash OFFSET 0) AS a
CROSS JOIN LATERAL ({_LINK} WHERE address_id = a.id OFFSET 0) AS l
"""

# Who has sent these, and who has proven what they bring. Whoever moves a link waits until what was taken in by it is
# committed; see accept.py.
_LOOK_UP_AND_HOLD = f"""
WITH wanted AS MATERIALIZED (
    SELECT a.id FROM unnest((SELECT $1::uuid[])) AS h(hash)
    CROSS JOIN LATERAL (SELECT id FROM addresses WHERE hash = h.hash OFFSET 0) AS a
    UNION
    SELECT i.address_id FROM unnest((SELECT $2::uuid[])) AS h(hash)
    CROSS JOIN LATERAL (
        SELECT address_id FROM identifiers WHERE hash = h.hash AND proven_at IS NOT NULL AND revoked_at IS NULL
        ORDER BY address_id LIMIT {MOST_HOLDERS + 1}) AS i
    ORDER BY id
)
SELECT {_KNOWN}, (SELECT count(*) FROM links o WHERE o.customer_id = l.customer_id) AS addresses
FROM wanted w
CROSS JOIN LATERAL ({_LINK} WHERE address_id = w.id FOR SHARE) AS l
CROSS JOIN LATERAL (SELECT * FROM addresses WHERE id = w.id OFFSET 0) AS a
"""

_RESERVE_IDS = """
SELECT nextval('addresses_id_seq') AS address, nextval('customers_id_seq') AS customer FROM generate_series(1, $1)
"""

# A new address is a new customer, or that of whom it was recognised as. Who loses the race for an address finds the
# winner's when it looks again; whoever was recognised as them in the same batch is met all the same.
_MEET = """
WITH input AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[], $6::text[], $7::bytea[],
                         $8::text[], $9::text[], $10::text[])
        AS i(hash, address_id, customer_id, home_id, is_new, channel, value_sealed, account, proof, evidence)
), met AS (
    INSERT INTO addresses (id, channel, hash, value_sealed, account, created_at)
    SELECT address_id, channel, hash, value_sealed, account, now() FROM input ORDER BY hash
    ON CONFLICT (hash) DO NOTHING RETURNING id
), person AS (
    INSERT INTO customers (id, created_at)
    SELECT DISTINCT home_id, now() FROM input JOIN met ON met.id = address_id
    WHERE home_id IN (SELECT home_id FROM input WHERE is_new)
), linked AS (
    INSERT INTO links (address_id, customer_id, home_id, proof, evidence, proven_at, since)
    SELECT address_id, customer_id, home_id, proof, evidence, CASE proof WHEN 'proven' THEN now() END, now()
    FROM input JOIN met ON met.id = address_id
), logged AS (
    INSERT INTO identity_log (at, act, address_id, customer_id, proof, evidence, by, reason)
    SELECT now(), 'link', address_id, home_id, proof, evidence, 'rule', ''
    FROM input JOIN met ON met.id = address_id ORDER BY address_id
), identified AS (
    INSERT INTO identifiers (address_id, kind, hash, value_sealed, evidence, proven_at, at)
    SELECT n.address_id, n.kind, n.hash, n.value_sealed, n.evidence, now(), now()
    FROM unnest($11::bigint[], $12::text[], $13::uuid[], $14::bytea[], $15::text[])
        AS n(address_id, kind, hash, value_sealed, evidence) JOIN met ON met.id = n.address_id
), known AS (
    INSERT INTO facts (address_id, key, value_sealed, confidence, source, valid_from)
    SELECT f.address_id, f.key, f.value_sealed, 0.5, 'provider', now()
    FROM unnest($16::bigint[], $17::text[], $18::bytea[]) AS f(address_id, key, value_sealed)
    JOIN met ON met.id = f.address_id
)
SELECT id FROM met
"""

# What is known of who writes there has grown, or is due to be renewed; only what is more is logged.
_PROVE = """
WITH shown AS (
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::boolean[])
        AS s(address_id, proof, evidence, is_more)
), proven AS (
    UPDATE links l SET proof = CASE l.proof WHEN 'proven' THEN l.proof ELSE h.proof END,
        proven_at = CASE h.proof WHEN 'proven' THEN now() ELSE l.proven_at END,
        evidence = CASE l.proof WHEN 'claimed' THEN 'first message' ELSE l.evidence END
    FROM (SELECT s.* FROM shown s JOIN links USING (address_id) ORDER BY address_id FOR NO KEY UPDATE OF links) AS h
    WHERE l.address_id = h.address_id RETURNING l.address_id, l.home_id, l.proof, h.evidence, h.is_more
), identified AS (
    INSERT INTO identifiers (address_id, kind, hash, value_sealed, evidence, proven_at, at)
    SELECT n.*, now(), now() FROM unnest($5::bigint[], $6::text[], $7::uuid[], $8::bytea[], $9::text[]) AS n
    ON CONFLICT (address_id, hash) WHERE revoked_at IS NULL
        DO UPDATE SET proven_at = EXCLUDED.proven_at, evidence = EXCLUDED.evidence
)
INSERT INTO identity_log (at, act, address_id, customer_id, proof, evidence, by, reason)
SELECT now(), 'prove', address_id, home_id, proof, evidence, 'rule', '' FROM proven WHERE is_more ORDER BY address_id
"""

# What the rules make of it is done when all lanes that it concerns can be taken.
_MATCH_LATER = """
INSERT INTO identity_acts (act, address_id, evidence, by, at, attempts)
SELECT 'match', m.address_id, m.evidence, 'rule', now(), 0
FROM unnest($1::bigint[], $2::text[]) AS m(address_id, evidence) ORDER BY m.address_id
"""

_ENQUEUE = """, linked AS (
    SELECT * FROM unnest((SELECT $+1::bigint[]), $+2::bigint[]) AS l(address_id, customer_id)
), fresh AS MATERIALIZED (
    SELECT CASE WHEN i.body IS NOT NULL THEN nextval('messages_id_seq') END AS id, i.*, l.customer_id,
        answered.id AS answers
    FROM arrived i JOIN linked l USING (address_id) LEFT JOIN answered USING (ord)
    ORDER BY i.ord
)"""
_ENQUEUED = " SELECT count(*) FROM fresh"

_UPDATE_ADDRESSES = """
UPDATE addresses a SET account = n.account, context_sealed = n.context_sealed, value_sealed = n.value_sealed,
    stopped_at = CASE WHEN n.stop THEN coalesce(a.stopped_at, now()) WHEN NOT n.stop THEN NULL ELSE a.stopped_at END,
    unreachable_at = CASE WHEN NOT n.reached THEN a.unreachable_at END,
    unreachable_reason = CASE WHEN NOT n.reached THEN a.unreachable_reason END
FROM (SELECT a.id, i.account, i.context_sealed, i.value_sealed, i.stop, i.reached
      FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bytea[], $5::boolean[], $6::boolean[])
          AS i(id, account, context_sealed, value_sealed, stop, reached)
      JOIN addresses a ON a.id = i.id ORDER BY a.id FOR NO KEY UPDATE OF a) AS n
WHERE a.id = n.id
"""

# Whatever is locked here is being dispatched: its claim waits for the address row and then sees the STOP. A code that
# does not leave is scrubbed.
_SUPPRESS_QUEUED = """
UPDATE outbox SET state = 'suppressed', reason = 'stopped', changed_at = now(),
    payload_sealed = CASE WHEN purpose = 'code' THEN '' ELSE payload_sealed END
WHERE id IN (
    SELECT id FROM outbox WHERE address_id = ANY($1::bigint[]) AND state IN ('queued', 'held')
        AND purpose <> 'confirmation' ORDER BY id FOR UPDATE SKIP LOCKED) RETURNING id
"""

_QUARANTINE = """
INSERT INTO quarantine (channel, account, at, reason, body_sealed)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::bytea[])
"""


FIRST_MESSAGE = "first message"  # evidence of who is not recognised
_OF_A_PROFILE = ("name", "language", "email", "zone")  # what a provider knows becomes facts, each by its own name


@dataclass(frozen=True, slots=True)
class _Sender:
    """An address as it is now, whose it is, and whether it can and may be written to."""

    known: Known
    customer: CustomerId
    stopped: bool = False
    unreachable: bool = False


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

    def __init__(self, pool: asyncpg.Pool, codec: Codec, guards: Guards) -> None:
        super().__init__(pool, codec)
        self._guards = guards

    async def _acquaint(self, once: Mapping[UUID, Arrived], pause: float) -> tuple[set[UUID], Mapping[UUID, Known]]:
        """Commit arrivals by their keys; tells which were new, and what is known of their senders from now on."""
        async with self._transaction() as connection:
            unseen = {row["key"] for row in await connection.fetch(_REMEMBER_ARRIVALS, sorted(once))}
            fresh = {key: arrived for key, arrived in once.items() if key in unseen}
            believed: Mapping[UUID, Arrived] = {
                key: arrived for key, arrived in fresh.items() if not _reason_for_quarantine(arrived)
            }
            await self._quarantine(connection, [a for key, a in fresh.items() if key not in believed])
            believed = await redeem(connection, self._codec, believed)
            known = await self._enqueue(connection, believed, pause)
        return unseen, known

    async def _look_up(self, hashes: Sequence[UUID]) -> Mapping[UUID, Known]:
        async with self._connection() as connection:
            rows = await connection.fetch(_LOOK_UP, hashes)
        return {row["hash"]: self._sender(row).known for row in rows}

    def _sender(self, row: asyncpg.Record) -> _Sender:
        address, context = AddressId(row["id"]), row["context_sealed"]
        value = self._codec.open_text(address, row["value_sealed"])
        way = Way(row["account"], self._codec.open(address, context) if context else {}, value)
        known = Known(
            address,
            way,
            context,
            row["value_sealed"],
            claimed=row["proof"] == Proof.CLAIMED,
            identifiers=frozenset(row["identifiers"]),
            proven_at=row["proven_at"],
        )
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
        inbox = queueing(self._codec, rows, pause)
        statement = composed((ARRIVED, inbox.answered, _ENQUEUE, QUEUED, inbox.filed, _ENQUEUED))
        await connection.execute(statement, *inbox.shared, *inbox.questions, *columns(linked, 2), *inbox.files)
        changed = await self._update_addresses(connection, [(arrived, sender) for _, arrived, sender in queue])
        return {hash_: changed.get(s.known.address, s.known) for hash_, s in senders.items()}

    async def _senders(
        self, connection: asyncpg.Connection, batch: Sequence[tuple[UUID, Arrived]]
    ) -> dict[UUID, _Sender]:
        """Who has sent these, by the hashes of their addresses; whoever writes for the first time is met.

        What they bring that names them is locked first: of two who bring the same at the same moment the second finds
        the first.
        """
        shown = self._shown(batch)
        brought = {hash_ for one in shown.values() for hash_ in one.identifiers}
        if brought:
            await lock_identifiers(connection, brought)
        senders, holders = await self._look_up_and_hold(connection, [hash_ for hash_, _ in batch], brought)
        strangers = {hash_: one for hash_, one in shown.items() if hash_ not in senders and _may_be_met(one.latest)}
        if strangers:
            met = await self._meet(connection, strangers, holders)
            if lost := strangers.keys() - met.keys():
                met |= (await self._look_up_and_hold(connection, list(lost), brought))[0]
            senders |= met
        return senders | await self._take_proof(connection, senders, shown, holders)

    def _shown(self, batch: Sequence[tuple[UUID, Arrived]]) -> dict[UUID, Shown]:
        shown: dict[UUID, Shown] = {}
        for hash_, arrived in batch:
            one = shown.setdefault(hash_, Shown(arrived))
            one.latest = arrived
            one.identifiers |= vouched(self._codec, arrived)
            one.by_token = one.by_token or bool(arrived.token)
            one.theirs = one.theirs or by_hand(arrived.item)
            one.told = one.told or isinstance(arrived.item, ToldEvent)
        return shown

    async def _look_up_and_hold(
        self, connection: asyncpg.Connection, hashes: Sequence[UUID], brought: Set[UUID]
    ) -> tuple[dict[UUID, _Sender], Holders]:
        rows = await connection.fetch(_LOOK_UP_AND_HOLD, hashes, sorted(brought))
        holders = Holders(self._codec, self._guards)
        for row in rows:
            if self._guards.is_over(row["proven_at"], row["channel"]):
                continue
            holder = Holder(row["id"], row["home_id"], row["customer_id"], row["shared"], row["addresses"])
            holders.add(brought & frozenset(row["identifiers"]), holder)
        wanted = frozenset(hashes)
        return {row["hash"]: self._sender(row) for row in rows if row["hash"] in wanted}, holders

    # --- strangers ---

    async def _meet(
        self, connection: asyncpg.Connection, strangers: Mapping[UUID, Shown], holders: Holders
    ) -> dict[UUID, _Sender]:
        """Each becomes a customer, or an address of whom it is recognised as; without those who were met meanwhile."""
        ids = await connection.fetch(_RESERVE_IDS, len(strangers))
        met: dict[UUID, _Sender] = {}
        people: list[tuple[Any, ...]] = []
        identifiers: list[tuple[Any, ...]] = []
        facts: list[tuple[Any, ...]] = []
        for (hash_, shown), reserved in zip(strangers.items(), ids, strict=True):
            address, new, sender = AddressId(reserved["address"]), CustomerId(reserved["customer"]), _sender_of(shown)
            found = holders.recognise(shown.identifiers)
            home, customer = (found.home, found.customer) if found else (new, new)
            value = self._codec.seal(address, sender.address.value)
            people.append(
                (
                    hash_, address, customer, home, found is None, shown.latest.channel, value, shown.latest.account,
                    shown.proof() or Proof.SEEN, found.rule if found else FIRST_MESSAGE,
                )
            )  # fmt: skip
            identifiers += self._identified(address, shown)
            facts += ((address, k, self._codec.seal(address, v)) for k in _OF_A_PROFILE if (v := getattr(sender, k)))
            known = Known(address, Way(shown.latest.account, {}, sender.address.value), None, value)
            met[hash_] = _Sender(_proven(known, shown), customer)
            holders.join(shown.identifiers, address, home, customer)
        rows = await connection.fetch(_MEET, *columns(people, 10), *columns(identifiers, 5), *columns(facts, 3))
        there = {row["id"] for row in rows}
        met = {hash_: sender for hash_, sender in met.items() if sender.known.address in there}
        await self._match_later(connection, [(met[hash_], strangers[hash_]) for hash_ in met], holders)
        return met

    # --- proof ---

    async def _take_proof(
        self,
        connection: asyncpg.Connection,
        senders: Mapping[UUID, _Sender],
        shown: Mapping[UUID, Shown],
        holders: Holders,
    ) -> dict[UUID, _Sender]:
        """Write down what these show of themselves that is more than was known, and what is due to be renewed."""
        news = {
            hash_: (sender, shown[hash_])
            for hash_, sender in senders.items()
            if hash_ in shown and shown[hash_].is_news_of(sender.known, self._guards)
        }
        if not news:
            return {}
        proofs: list[tuple[Any, ...]] = []
        identifiers: list[tuple[Any, ...]] = []
        for sender, one in news.values():
            address = sender.known.address
            proofs.append((address, one.proof(), _evidence(one), one.is_new_to(sender.known)))
            identifiers += self._identified(address, one)
        await connection.execute(_PROVE, *columns(proofs, 4), *columns(identifiers, 5))
        grown = [
            (sender, one) for sender, one in news.values() if not one.identifiers.keys() <= sender.known.identifiers
        ]
        for sender, one in grown:  # two of one batch may bring the same
            holders.join(one.identifiers, sender.known.address, sender.customer, sender.customer)
        await self._match_later(connection, grown, holders)
        return {hash_: replace(sender, known=_proven(sender.known, one)) for hash_, (sender, one) in news.items()}

    async def _match_later(
        self, connection: asyncpg.Connection, brought: Sequence[tuple[_Sender, Shown]], holders: Holders
    ) -> None:
        """Apply the rules soon to whoever has brought what somebody else holds."""
        rows = [
            (sender.known.address, _evidence(shown))
            for sender, shown in brought
            if holders.is_held_elsewhere(shown.identifiers, sender.customer)
        ]
        if rows:
            await connection.execute(_MATCH_LATER, *columns(rows, 2))

    def _identified(self, address: AddressId, shown: Shown) -> Iterator[tuple[Any, ...]]:
        """Rows of identifiers: address, kind, hash, value, evidence."""
        for hash_, identifier in shown.identifiers.items():
            yield address, identifier.kind, hash_, self._codec.seal(address, identifier.value), _evidence(shown)

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
        values = {address: self._codec.seal(address, change.way.value) for address, change in changed.items()}
        rows = [
            (address, c.way.account, sealed[address], values[address], c.stop, c.reached)
            for address, c in changed.items()
        ]
        await connection.execute(_UPDATE_ADDRESSES, *columns(rows, 6))
        if stopped := [address for address, change in changed.items() if change.stop]:
            suppressed = await connection.fetch(_SUPPRESS_QUEUED, stopped)
            await connection.fetch(KEEP_BACK_POINTERS, [row["id"] for row in suppressed])
        return {
            address: replace(
                changes[address][0].known,
                way=change.way,
                context_sealed=sealed[address],
                value_sealed=values[address],
            )
            for address, change in changed.items()
        }


def _reason_for_quarantine(arrived: Arrived) -> str:
    item = arrived.item
    return item.quarantine if isinstance(item, IncomingMessage) else ""


def _may_be_met(arrived: Arrived) -> bool:
    return isinstance(arrived.item, IncomingMessage | ButtonPress | ToldEvent)


def _sender_of(shown: Shown) -> Sender:
    return shown.latest.item.sender


def _evidence(shown: Shown) -> str:
    """Who says so; no personal data."""
    if shown.by_token:
        return "signed token"
    if shown.told and not shown.theirs:
        return "event"
    return f"vouched by {shown.latest.channel}" if shown.identifiers else FIRST_MESSAGE


def _proven(known: Known, shown: Shown) -> Known:
    """What is known of an address once it has shown this."""
    identifiers = known.identifiers | shown.identifiers.keys()
    proven_at = datetime.now(UTC) if shown.proof() is Proof.PROVEN else known.proven_at
    return replace(known, claimed=False, identifiers=identifiers, proven_at=proven_at)
