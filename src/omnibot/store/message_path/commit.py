"""Commit: the turns whose leases still hold, each as a whole; their inbox rows are gone and their lanes free again.

One statement does it: release, what was read and decided, replies, what was learned. Only edits, delivery states,
events, proofs and what agents did take a transaction of several.

No sync to disk, unless calls start with it (start.py): what a turn has decided is seen by nobody outside until
something of it leaves, and dispatch syncs before that, with all that was written before. A turn that is lost in a crash
of the database leaves its inbox rows where they were, which intake has synced, and is taken again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import asyncpg

from omnibot.model import CustomerId
from omnibot.store.codec import Codec
from omnibot.store.message_path.connections import columns, composed
from omnibot.store.message_path.done import Doing
from omnibot.store.message_path.happen import Happening, happens
from omnibot.store.message_path.hold import OPENED
from omnibot.store.message_path.inbox import MESSAGE_PRIORITY
from omnibot.store.message_path.keep import kept, matter
from omnibot.store.message_path.load import KINDS
from omnibot.store.message_path.prove import Proving
from omnibot.store.message_path.reports import Reporting
from omnibot.store.message_path.start import QUEUED_OR_SENDING, RELEASED_AND_STARTING, STARTING, Start, context_of
from omnibot.store.payloads import mood_payload, parts_to_json, said_body
from omnibot.store.recorded import record_body
from omnibot.store.work import Committed, Lease, Offer, Outcome, Reply, StoreUnavailable

# Lock the lanes whose leases still hold, take what was taken out of them, and say when they are next due. What comes
# into a lane while this waits for it cannot be seen here; that the lane counts more than it did tells of it. What
# kinds a newer version has put there is left to its workers: this one looks again a little later.
_RELEASE = f"""
held AS MATERIALIZED (
    SELECT d.customer_id, l.arrivals > seen.arrivals AS unseen
    FROM (SELECT * FROM unnest((SELECT $1::bigint[]), $2::bigint[]) AS d(customer_id, fence) ORDER BY customer_id) AS d
    CROSS JOIN LATERAL (SELECT arrivals FROM lanes WHERE customer_id = d.customer_id OFFSET 0) AS seen
    CROSS JOIN LATERAL (
        SELECT arrivals FROM lanes WHERE customer_id = d.customer_id AND fence = d.fence AND leased_until IS NOT NULL
        FOR UPDATE) AS l
), waiting AS (
    SELECT held.customer_id, i.priority, LEAST(i.due_at, CASE WHEN held.unseen THEN now() + $5::interval END) AS due_at
    FROM held CROSS JOIN LATERAL (
        SELECT min(priority) AS priority, min(
            CASE WHEN kind = ANY($3::text[]) THEN due_at ELSE greatest(due_at, now() + interval '5 s') END) AS due_at
        FROM inbox WHERE customer_id = held.customer_id AND parked_at IS NULL AND NOT id = ANY($4::bigint[])) AS i
), released AS (
    UPDATE lanes l SET leased_until = NULL, lost = 0,
        due_at = coalesce(w.due_at, 'infinity'), priority = coalesce(w.priority, {MESSAGE_PRIORITY})
    FROM waiting w WHERE l.customer_id = w.customer_id RETURNING l.customer_id, l.due_at <= now() AS due
)"""

_WRITE_TURNS = """, done AS (
    DELETE FROM inbox i USING unnest((SELECT $4::bigint[])) AS t(id), held
    WHERE i.id = t.id AND i.customer_id = held.customer_id
), taken AS MATERIALIZED (
    SELECT nextval('turns_id_seq') AS id, t.*
    FROM unnest((SELECT $6::int[]), $7::bigint[], $8::bigint[], $9::bytea[], $10::text[],
                $11::bytea[], $12::bigint[])
        AS t(ord, customer_id, address_id, record, handoff, mood, matter_id)
    JOIN held USING (customer_id)
), said AS MATERIALIZED (
    SELECT nextval('messages_id_seq') AS id, taken.id AS turn_id, o.*
    FROM unnest((SELECT $13::int[]), $14::bigint[], $15::text[], $16::text[], $17::text[], $18::bytea[],
                $19::bytea[], $20::bigint[]) WITH ORDINALITY
        AS o(turn, address_id, channel, account, purpose, body, payload, answers, ord)
    JOIN taken ON taken.ord = o.turn
    ORDER BY o.ord
), turned AS (
    INSERT INTO turns (id, address_id, at, record_sealed, mood_sealed, matter_id)
    SELECT id, address_id, now(), record, mood, matter_id FROM taken
), written AS (
    INSERT INTO messages (id, address_id, direction, account, at, received_at, body_sealed, answers, attachments)
    SELECT id, address_id, 'out', account, date_trunc('second', now()), now(), body, answers, 0 FROM said
)"""

_QUEUED = """, queued AS (
    INSERT INTO outbox (id, address_id, channel, account, turn_id, after_id, purpose, state, due_at, attempts,
                        payload_sealed, created_at, changed_at)
    SELECT id, address_id, channel, account, turn_id,
        CASE WHEN purpose = 'pointer' THEN
            (SELECT max(a.id) FROM said a WHERE a.turn = said.turn AND a.purpose <> 'pointer') END,
        purpose, 'queued', now(), 0, payload, now(), now()
    FROM said ORDER BY id
)"""

_HANDED = """, handed AS (
    INSERT INTO handoffs (address_id, turn_id, reason, at)
    SELECT address_id, id, handoff, now() FROM taken WHERE handoff <> ''
)"""

# A value is closed before its successor is written: of each key one is current. What is less sure than that ends where
# it begins: it is seen, and does not hold. Whoever takes a value back takes it back however sure it was.
_LEARN = """, learned AS MATERIALIZED (
    SELECT DISTINCT ON (f.address_id, f.key) f.address_id, f.key, f.value_sealed, f.message_id, f.confidence
    FROM unnest((SELECT $+1::bigint[]), $+2::bigint[], $+3::text[], $+4::bytea[], $+5::bigint[], $+6::float8[])
        WITH ORDINALITY AS f(customer_id, address_id, key, value_sealed, message_id, confidence, ord)
    JOIN held USING (customer_id) ORDER BY f.address_id, f.key, f.confidence DESC, f.ord DESC
), closed AS (
    UPDATE facts SET valid_to = now()
    FROM learned l CROSS JOIN LATERAL (
        SELECT id FROM facts WHERE address_id = l.address_id AND key = l.key AND valid_to IS NULL
            AND (l.value_sealed IS NULL OR confidence <= l.confidence) FOR UPDATE) AS old
    WHERE facts.id = old.id RETURNING facts.id
), remembered AS (
    INSERT INTO facts (address_id, key, value_sealed, confidence, source, source_message_id, valid_from, valid_to)
    SELECT l.address_id, l.key, l.value_sealed, l.confidence, 'message', l.message_id, now(), (
        SELECT now() FROM facts WHERE address_id = l.address_id AND key = l.key AND valid_to IS NULL
            AND confidence > l.confidence)
    FROM learned l WHERE l.value_sealed IS NOT NULL AND (SELECT count(*) FROM closed) >= 0
)"""

_RELEASED = """
SELECT customer_id, due FROM released, (SELECT set_config('synchronous_commit', 'off', true)) AS not_durable"""

_COMMIT = f"WITH {_RELEASE}{_WRITE_TURNS}"

_GIVE_BACK = """
UPDATE lanes SET leased_until = NULL, lost = 0
WHERE customer_id = $1 AND fence = $2 AND leased_until IS NOT NULL RETURNING customer_id
"""

_RETRY = """
WITH failed AS (
    UPDATE inbox SET attempts = attempts + 1, due_at = now() + $2::interval,
        parked_at = CASE WHEN attempts + 1 >= $3 THEN now() END,
        parked_reason = CASE WHEN attempts + 1 >= $3 THEN $4 END
    WHERE id = ANY($1::bigint[]) RETURNING address_id, parked_at
)
INSERT INTO handoffs (address_id, reason, at)
SELECT DISTINCT address_id, 'parked, ' || $4, now() FROM failed WHERE parked_at IS NOT NULL
ON CONFLICT (address_id, reason) WHERE resolved_at IS NULL AND turn_id IS NULL DO NOTHING
"""


class Committing(Reporting, Proving, Happening, Doing):
    """The fourth step of the message path, and what happens to turns that fail."""

    async def commit(self, outcomes: Sequence[Outcome], pause: float = 0.0) -> Mapping[CustomerId, bool]:
        """Commit turns together; tells whose lease still held, and whether more is due. A stale turn drops out."""
        return (await self.commit_and_start(outcomes, pause)).held

    async def commit_and_start(
        self, outcomes: Sequence[Outcome], pause: float = 0.0, offer: Offer | None = None
    ) -> Committed:
        """Commit turns together; what it tells as `starting` is marked `sending`, and its calls must start at once.

        `pause` seconds pass before a turn begins, as in `accept`. It is done again where others held what this needed
        and waited for what it held: nothing was written then.
        """
        start = Start.of(outcomes, offer) if offer and not any(map(_has_reports, outcomes)) else None
        arguments = [*_lease_columns(outcomes, pause), *_turn_columns(self._codec, outcomes)]
        further = list(_further(self._codec, outcomes))
        if start:
            further += ((STARTING, start.columns), (QUEUED_OR_SENDING, [start.lease]))
        pieces = (_COMMIT, *(piece for piece, _ in further))
        statement = composed((*pieces, RELEASED_AND_STARTING) if start else (*pieces, _QUEUED, _RELEASED))
        for _, own in further:
            arguments += own
        for last in (False, False, True):
            try:
                rows = await self._commit_together(outcomes, statement, arguments)
                break
            except StoreUnavailable as error:
                if last or not isinstance(error.__cause__, asyncpg.TransactionRollbackError):
                    raise
        held = {CustomerId(row["customer_id"]): row["due"] for row in rows if row["customer_id"] is not None}
        if start is None:
            return Committed(held)
        starting = start.dispatches(self._codec, rows)
        return Committed(held, starting, len(starting) < sum(len(o.replies) for o in outcomes))

    async def _commit_together(
        self, outcomes: Sequence[Outcome], statement: str, arguments: Sequence[object]
    ) -> Sequence[asyncpg.Record]:
        asking = [o for o in outcomes if o.asked]
        further = any(map(_has_reports, outcomes))
        async with self._transaction() if further else self._connection() as connection:
            if asking:
                await self._meet_named(connection, asking)
            rows: Sequence[asyncpg.Record] = await connection.fetch(statement, *arguments)
            if further:
                held = {row["customer_id"] for row in rows}
                current = [o for o in outcomes if o.work.lease.customer in held]
                await self._send_again(connection, current)
                await self._write_reports(connection, current)
                await self._write_happened(connection, current)
                await self._write_done(connection, current)
                await self._try(connection, current)
                await self._ask(connection, current)
        return rows

    async def retry(self, lease: Lease, items: Sequence[int], *, after: float, attempts: int, reason: str) -> None:
        """Give a failed turn back: again after so many seconds, or parked and handed to people after `attempts`."""
        async with self._transaction() as connection:
            if not await connection.fetch(_GIVE_BACK, lease.customer, lease.fence):
                return
            await connection.execute(_RETRY, items, timedelta(seconds=after), attempts, reason)
            await self._reschedule(connection, [lease.customer])

    async def park(self, lease: Lease, reason: str) -> None:
        """Park all that waits in a lane, unread, and hand it to people."""
        async with self._connection() as connection:
            rows = await connection.fetch(
                "SELECT id FROM inbox WHERE customer_id = $1 AND parked_at IS NULL", lease.customer
            )
        await self.retry(lease, [row["id"] for row in rows], after=0, attempts=0, reason=reason)


def _has_reports(outcome: Outcome) -> bool:
    """Whether it takes statements besides that of the turns."""
    o = outcome
    return bool(o.revised or o.reported or o.asked or o.tried or o.done or happens(o))


def _lease_columns(outcomes: Sequence[Outcome], pause: float) -> Iterator[object]:
    """The parameters $1 to $5."""
    fences = {o.work.lease.customer: o.work.lease.fence for o in outcomes}
    yield list(fences.keys())
    yield list(fences.values())
    yield KINDS
    yield [item.id for o in outcomes for item in o.work.items]
    yield timedelta(seconds=pause)


def _turn_columns(codec: Codec, outcomes: Sequence[Outcome]) -> Sequence[object]:
    """The parameters $6 to $20: turns, and what they say."""
    turns: list[tuple[Any, ...]] = []
    said: list[tuple[Any, ...]] = []
    for ord_, outcome in enumerate(outcomes):
        if outcome.record is None:
            continue
        record = codec.seal(outcome.address, record_body(outcome.record))
        mood = codec.seal(outcome.address, mood_payload(outcome.mood)) if outcome.mood else None
        turns.append(
            (ord_, outcome.work.lease.customer, outcome.address, record, outcome.handoff, mood, matter(outcome))
        )
        messages = [item.message for item in outcome.work.items if item.message]
        answers = messages[-1].id if messages else None
        for reply in outcome.replies:
            said.append((ord_, *_said(codec, outcome, reply), answers))
    return [*columns(turns, 7), *columns(said, 8)]


def _further(codec: Codec, outcomes: Sequence[Outcome]) -> Iterator[tuple[str, Sequence[object]]]:
    """What some of these turns leave besides: pieces of the statement, each with its own parameters."""
    if any(outcome.handoff for outcome in outcomes):
        yield _HANDED, ()
    if learned := _learned(codec, outcomes):
        yield _LEARN, columns(learned, 6)
    yield from kept(codec, outcomes)
    if opened := [(o.work.lease.customer, address) for o in outcomes for address in o.opened]:
        yield OPENED, columns(opened, 2)


def _said(codec: Codec, outcome: Outcome, reply: Reply) -> tuple[Any, ...]:
    to, draft = reply.draft.to, reply.draft
    payload = {"parts": parts_to_json(draft.parts), "subject": draft.subject, "context": context_of(outcome, reply)}
    body = said_body(draft)
    return (
        to.id, to.address.channel, to.account, reply.purpose, codec.seal(to.id, body), codec.seal(to.id, payload),
    )  # fmt: skip


def _learned(codec: Codec, outcomes: Sequence[Outcome]) -> list[tuple[Any, ...]]:
    """Customer, address, key, value (none takes it back), message, confidence."""
    rows: list[tuple[Any, ...]] = []
    for outcome in outcomes:
        source = {item.message.id: item.address for item in outcome.work.items if item.message}
        for change in outcome.changes:
            if change.at is not None:
                continue  # it holds from a time of its own; see happen.py
            address = source[change.source] if change.source else outcome.address
            value = codec.seal(address, change.value) if change.value else None
            rows.append((outcome.work.lease.customer, address, change.key, value, change.source, change.confidence))
    return rows
