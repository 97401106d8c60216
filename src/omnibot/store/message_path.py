"""The hot path in SQL: inbox, turn, outbox. Every statement takes a batch; none runs in a loop.

The way of a message, each step one transaction:

    accept    dedupe, address → customer, STOP, message, inbox, lane        then the provider is told yes
    claim     lanes that are due, each with a fencing token                 (a lost claim costs a lease, so no fsync)
    load      what waits in those lanes, addresses, facts, latest messages
    commit    those whose token still holds: turn, messages, outbox, facts; inbox rows gone
    dispatch  heads of the addresses' queues, past the gate, as `sending`   then the calls start
    finish    what the channels answered                                    (a lost result is `unknown`, so no fsync)

Providers tell times in seconds. So do we: what was said within one second stands in the order in which it came.

Locks are taken in one order (lane, outbox row, address) and within a batch by ascending key, so that batches never
deadlock; where the order cannot hold, rows that are locked are skipped and come again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from omnibot.model import (
    Address,
    AddressId,
    ButtonPress,
    CustomerId,
    DeliveryReport,
    DeliveryState,
    Direction,
    Incoming,
    IncomingEdit,
    IncomingMessage,
    KnownAddress,
    MessageId,
    Outbound,
    Proof,
    TimelineMessage,
    TurnMessage,
    plain,
)
from omnibot.store.availability import unavailable
from omnibot.store.codec import OWN, Codec
from omnibot.store.payloads import message_body, parts_from_json, parts_to_json, report_payload, text_of
from omnibot.store.work import (
    Arrived,
    Dispatch,
    Dispatched,
    InboxItem,
    Kind,
    Lease,
    Outcome,
    Quota,
    Result,
    Revised,
    StoreUnavailable,
    Unreadable,
    Work,
)

_MESSAGE_PRIORITY = 5
_ITEMS_A_TURN = 100  # what is beyond waits for the next turn
_TIMELINE = 8  # latest messages that a turn sees, an address

# --- accept -----------------------------------------------------------------------------------------------------

_REMEMBER_ARRIVALS = """
INSERT INTO arrivals (key, at) SELECT key, now() FROM unnest($1::uuid[]) AS key ON CONFLICT DO NOTHING RETURNING key
"""

_RESOLVE = """
SELECT a.hash, a.id, l.customer_id, a.account, a.context_sealed, a.stopped_at IS NOT NULL AS stopped,
    a.unreachable_at IS NOT NULL AS unreachable
FROM addresses a JOIN links l ON l.address_id = a.id WHERE a.hash = ANY($1::uuid[])
"""

_RESERVE_IDS = """
SELECT nextval('addresses_id_seq') AS address, nextval('customers_id_seq') AS customer FROM generate_series(1, $1)
"""

# A new address is a new customer. Who loses the race for an address finds the winner's when it resolves again.
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
    INSERT INTO links (address_id, customer_id, proof, evidence, since)
    SELECT address_id, customer_id, 'seen', 'first message', now() FROM input JOIN met ON met.id = address_id
), logged AS (
    INSERT INTO link_log (address_id, customer_id, act, proof, evidence, at)
    SELECT address_id, customer_id, 'link', 'seen', 'first message', now() FROM input JOIN met ON met.id = address_id
)
INSERT INTO facts (address_id, key, value_sealed, confidence, source, valid_from)
SELECT f.address_id, f.key, f.value_sealed, 0.5, 'provider', now()
FROM unnest($7::bigint[], $8::text[], $9::bytea[]) AS f(address_id, key, value_sealed) JOIN met ON met.id = f.address_id
"""

_FIND_ANSWERED = """
SELECT q.ord, o.id FROM unnest($1::int[], $2::bigint[], $3::uuid[], $4::bigint[])
    AS q(ord, address_id, provider_hash, ours)
JOIN outbox o ON o.address_id = q.address_id AND (o.provider_hash = q.provider_hash OR o.id = q.ours)
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

_ENQUEUE = """
WITH input AS MATERIALIZED (
    SELECT CASE WHEN body IS NOT NULL THEN nextval('messages_id_seq') END AS id, i.*
    FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::uuid[], $7::timestamptz[],
                $8::bytea[], $9::bigint[], $10::text[], $11::text[], $12::bytea[], $13::int[])
        AS i(ord, customer_id, address_id, kind, account, provider_hash, at, body, answers, automatic, flags, payload,
             attachments)
    ORDER BY ord
), written AS (
    INSERT INTO messages (id, address_id, direction, account, provider_hash, at, received_at, body_sealed, answers,
                          automatic, flags, attachments)
    SELECT id, address_id, 'in', account, provider_hash, date_trunc('second', at), now(), body, answers, automatic,
        flags, attachments
    FROM input WHERE body IS NOT NULL
), queued AS (
    INSERT INTO inbox (customer_id, address_id, kind, message_id, priority, due_at, attempts, payload_sealed)
    SELECT customer_id, address_id, kind, id, $14, now() + $15::interval, 0, payload FROM input ORDER BY ord
), filed AS (
    INSERT INTO attachments (address_id, message_id, channel, account, state, reason, name_sealed, ref_sealed,
                             media_type, size, file_key, attempts, due_at)
    SELECT i.address_id, i.id, f.channel, f.account, f.state, f.reason, f.name, f.ref, f.media_type, f.size, f.key,
        0, now()
    FROM unnest($16::int[], $17::text[], $18::text[], $19::text[], $20::text[], $21::bytea[], $22::bytea[], $23::text[],
                $24::bigint[], $25::text[]) AS f(ord, channel, account, state, reason, name, ref, media_type, size, key)
    JOIN input i ON i.ord = f.ord
)
INSERT INTO lanes (customer_id, due_at, priority, arrivals, fence, lost)
SELECT customer_id, now() + $15::interval, $14, count(*), 0, 0 FROM input GROUP BY customer_id ORDER BY customer_id
ON CONFLICT (customer_id) DO UPDATE SET due_at = LEAST(lanes.due_at, EXCLUDED.due_at),
    priority = LEAST(lanes.priority, EXCLUDED.priority), arrivals = lanes.arrivals + EXCLUDED.arrivals
"""

_QUARANTINE = """
INSERT INTO quarantine (channel, account, at, reason, body_sealed)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::bytea[])
"""

# --- claim and load ---------------------------------------------------------------------------------------------

# Whoever held a lease that ran out may have died of that very turn: it is taken alone, before all others.
_CLAIM = """
WITH suspect AS (
    SELECT customer_id FROM lanes WHERE due_at <= now() AND leased_until < now()
    ORDER BY leased_until LIMIT 1 FOR UPDATE SKIP LOCKED
), ready AS (
    SELECT customer_id FROM lanes WHERE due_at <= now() AND leased_until IS NULL AND NOT EXISTS (SELECT FROM suspect)
    ORDER BY priority, due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE lanes l SET fence = fence + 1, lost = CASE WHEN leased_until IS NULL THEN 0 ELSE lost + 1 END,
    leased_until = now() + $2::interval
FROM (SELECT customer_id FROM suspect UNION ALL SELECT customer_id FROM ready) AS taken,
    (SELECT set_config('synchronous_commit', 'off', true)) AS not_durable
WHERE l.customer_id = taken.customer_id RETURNING l.customer_id, l.fence, l.arrivals, l.lost
"""

_LOAD_ITEMS = """
SELECT i.id, i.customer_id, i.address_id, i.kind, i.message_id, i.attempts, i.payload_sealed,
    m.at, m.body_sealed, m.answers, m.automatic, m.flags, m.attachments
FROM unnest($1::bigint[]) AS c(id) CROSS JOIN LATERAL (
    SELECT * FROM inbox WHERE customer_id = c.id AND parked_at IS NULL AND kind = ANY($3::text[])
        AND (due_at <= now() OR kind = 'message')
    ORDER BY id LIMIT $2) AS i
LEFT JOIN messages m ON m.address_id = i.address_id AND m.id = i.message_id
ORDER BY i.id
"""

_LOAD_ADDRESSES = """
SELECT l.customer_id, a.id, a.channel, a.value_sealed, l.proof, a.account, a.context_sealed,
    a.stopped_at IS NOT NULL AS stopped, a.unreachable_at IS NOT NULL AS unreachable
FROM links l JOIN addresses a ON a.id = l.address_id WHERE l.customer_id = ANY($1::bigint[]) ORDER BY a.id
"""

# What was stated beats what a provider said; of two statements the later one holds.
_LOAD_FACTS = """
SELECT id, address_id, key, value_sealed, confidence, valid_from FROM facts
WHERE address_id = ANY($1::bigint[]) AND valid_to IS NULL
"""

_LOAD_TIMELINE = """
SELECT a.id AS address_id, m.id, m.direction, m.at, m.body_sealed, m.answers, m.attachments
FROM unnest($1::bigint[]) AS a(id) CROSS JOIN LATERAL (
    SELECT id, direction, at, body_sealed, answers, attachments FROM messages WHERE address_id = a.id
    ORDER BY at DESC, id DESC LIMIT $2) AS m
"""

# --- commit -----------------------------------------------------------------------------------------------------

# What kinds a newer version has put there is left to its workers: this one looks again a little later.
_RELEASE = """
WITH held AS (
    SELECT l.customer_id, l.arrivals > d.arrivals AS missed FROM lanes l
    JOIN unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS d(customer_id, fence, arrivals)
        ON d.customer_id = l.customer_id AND d.fence = l.fence AND l.leased_until IS NOT NULL
    ORDER BY l.customer_id FOR UPDATE OF l
), waiting AS (
    SELECT customer_id, min(priority) AS priority,
        min(CASE WHEN kind = ANY($7::text[]) THEN due_at ELSE greatest(due_at, now() + interval '5 s') END) AS due_at
    FROM inbox WHERE customer_id = ANY($1::bigint[]) AND parked_at IS NULL AND NOT id = ANY($4::bigint[])
    GROUP BY customer_id
), taken AS (
    DELETE FROM inbox i USING held WHERE i.id = ANY($6::bigint[]) AND i.customer_id = held.customer_id
)
UPDATE lanes l SET leased_until = NULL, lost = 0, due_at = coalesce(w.due_at, 'infinity'),
    priority = coalesce(w.priority, $5)
FROM held LEFT JOIN waiting w ON w.customer_id = held.customer_id
WHERE l.customer_id = held.customer_id RETURNING l.customer_id, held.missed, l.due_at <= now() AS due
"""

# What was committed between a release's snapshot and its locks can only be seen by a statement of its own; the locks
# are still held, so nothing more can come.
_RESCHEDULE = """
UPDATE lanes l SET due_at = coalesce(w.due_at, 'infinity'), priority = coalesce(w.priority, $2)
FROM (SELECT c.id, min(i.due_at) AS due_at, min(i.priority) AS priority FROM unnest($1::bigint[]) AS c(id)
      LEFT JOIN inbox i ON i.customer_id = c.id AND i.parked_at IS NULL GROUP BY c.id) AS w
WHERE l.customer_id = w.id
"""

_WRITE_TURNS = """
WITH taken AS MATERIALIZED (
    SELECT nextval('turns_id_seq') AS id, t.*
    FROM unnest($1::int[], $2::bigint[], $3::bytea[], $12::text[]) AS t(ord, address_id, record, handoff)
), said AS MATERIALIZED (
    SELECT nextval('messages_id_seq') AS id, o.*
    FROM unnest($4::int[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bytea[], $11::bigint[])
        WITH ORDINALITY AS o(turn, address_id, channel, account, purpose, body, payload, answers, ord)
    ORDER BY o.ord
), turned AS (
    INSERT INTO turns (id, address_id, at, record_sealed) SELECT id, address_id, now(), record FROM taken
), handed AS (
    INSERT INTO handoffs (address_id, turn_id, reason, at)
    SELECT address_id, id, handoff, now() FROM taken WHERE handoff <> ''
), written AS (
    INSERT INTO messages (id, address_id, direction, account, at, received_at, body_sealed, answers, attachments)
    SELECT id, address_id, 'out', account, date_trunc('second', now()), now(), body, answers, 0 FROM said
)
INSERT INTO outbox (id, address_id, channel, account, turn_id, after_id, purpose, state, due_at, attempts,
                    payload_sealed, created_at, changed_at)
SELECT s.id, s.address_id, s.channel, s.account, t.id,
    CASE WHEN s.purpose = 'pointer' THEN
        (SELECT max(a.id) FROM said a WHERE a.turn = s.turn AND a.purpose <> 'pointer') END,
    s.purpose, 'queued', now(), 0, s.payload, now(), now()
FROM said s JOIN taken t ON t.ord = s.turn ORDER BY s.id
"""

_LEARN = """
WITH learned AS (
    SELECT DISTINCT ON (address_id, key) * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[])
        WITH ORDINALITY AS f(address_id, key, value_sealed, message_id, ord) ORDER BY address_id, key, ord DESC
), closed AS (
    UPDATE facts SET valid_to = now() FROM learned
    WHERE facts.address_id = learned.address_id AND facts.key = learned.key AND facts.valid_to IS NULL
    RETURNING facts.id
)
SELECT count(*) FROM closed
"""

_REMEMBER_FACTS = """
INSERT INTO facts (address_id, key, value_sealed, confidence, source, source_message_id, valid_from)
SELECT DISTINCT ON (address_id, key) address_id, key, value_sealed, 1.0, 'message', message_id, now()
FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[])
    WITH ORDINALITY AS f(address_id, key, value_sealed, message_id, ord)
WHERE value_sealed IS NOT NULL ORDER BY address_id, key, ord DESC
"""

_HAND_OFF = """
INSERT INTO handoffs (address_id, reason, at) SELECT address_id, reason, now()
FROM unnest($1::bigint[], $2::text[]) AS h(address_id, reason) ORDER BY address_id
ON CONFLICT (address_id, reason) WHERE resolved_at IS NULL AND turn_id IS NULL DO NOTHING
"""

_REVISE = """
INSERT INTO revisions (address_id, message_id, at, body_sealed)
SELECT r.address_id, m.id, r.at, r.body
FROM unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::bytea[]) AS r(address_id, provider_hash, at, body)
JOIN messages m ON m.address_id = r.address_id AND m.provider_hash = r.provider_hash AND m.direction = 'in'
"""

# A refusal may come after the provider had taken it (a bounce); what has been read was not refused.
_RANK = "array_position(ARRAY['queued','held','sending','unknown','sent','refused','dead','delivered','read'], {})"

_REPORT = f"""
WITH told AS (
    SELECT DISTINCT ON (address_id, provider_hash) * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[])
        AS r(address_id, provider_hash, state, reason)
    ORDER BY address_id, provider_hash, {_RANK.format("state")} DESC
), moved AS (
    UPDATE outbox o SET state = r.state, reason = nullif(r.reason, ''), changed_at = now() FROM told r
    WHERE o.address_id = r.address_id AND o.provider_hash = r.provider_hash
        AND {_RANK.format("r.state")} > {_RANK.format("o.state::text")}
    RETURNING o.address_id, r.state, r.reason
)
INSERT INTO handoffs (address_id, reason, at)
SELECT DISTINCT address_id, 'reply not delivered: ' || reason, now() FROM moved WHERE state = 'refused'
ON CONFLICT (address_id, reason) WHERE resolved_at IS NULL AND turn_id IS NULL DO NOTHING
"""

# A report may overtake the record of its own call. It comes again while a call to that address is not recorded.
_REPORT_ATTEMPTS = 10
_REPORT_AGAIN = """
INSERT INTO inbox (customer_id, address_id, kind, priority, due_at, attempts, payload_sealed)
SELECT r.customer_id, r.address_id, 'report', 5, now() + interval '1 s', r.attempts + 1, r.payload
FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::bytea[])
    AS r(customer_id, address_id, provider_hash, state, reason, attempts, payload)
WHERE r.attempts < $8
    AND NOT EXISTS (SELECT FROM outbox o WHERE o.address_id = r.address_id AND o.provider_hash = r.provider_hash)
    AND EXISTS (SELECT FROM outbox o WHERE o.address_id = r.address_id AND o.state IN ('sending', 'unknown'))
RETURNING customer_id
"""

_MARK_UNREACHABLE = """
UPDATE addresses SET unreachable_at = now(), unreachable_reason = u.reason
FROM (SELECT a.id, u.reason FROM unnest($1::bigint[], $2::text[]) AS u(id, reason) JOIN addresses a ON a.id = u.id
      ORDER BY a.id FOR NO KEY UPDATE OF a) AS u
WHERE addresses.id = u.id
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

# --- dispatch and finish ----------------------------------------------------------------------------------------

# The head of an address's queue (one an account: two bots are two chats) is the one with nothing open before it. An
# `unknown` blocks what is behind it only for a while; what is held waits for its own time and blocks nobody, and so
# does a pointer, which leaves after what it points to. The gate: the address row is locked (a STOP that commits later
# waits, one that committed before is seen), and replies are counted against their caps.
_DISPATCH = """
WITH head AS (
    SELECT q.*, o.id, o.address_id, o.purpose
    FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::interval[], $6::int[], $7::interval[])
        AS q(channel, account, free, replies, replies_in, unsolicited, unsolicited_in)
    CROSS JOIN LATERAL (
        SELECT o.id, o.address_id, o.purpose FROM outbox o
        WHERE o.channel = q.channel AND o.account = q.account AND o.state IN ('queued', 'held') AND o.due_at <= now()
            AND NOT EXISTS (
                SELECT FROM outbox p
                WHERE p.address_id = o.address_id AND p.channel = o.channel AND p.account = o.account AND p.id < o.id
                    AND p.state IN ('queued', 'held', 'sending', 'unknown') AND (
                        p.state = 'sending' OR (p.state = 'queued' AND p.after_id IS NULL)
                        OR (p.state = 'unknown' AND p.changed_at > now() - $8::interval)))
            AND (o.after_id IS NULL OR EXISTS (
                SELECT FROM outbox a WHERE a.id = o.after_id AND a.state IN ('sent', 'delivered', 'read', 'unknown')))
        ORDER BY o.due_at, o.id LIMIT q.free FOR UPDATE OF o SKIP LOCKED
    ) AS o
), gate AS (
    SELECT h.id, a.value_sealed, CASE
        WHEN h.purpose = 'confirmation' THEN CASE WHEN 4 <= (
            SELECT count(*) FROM outbox s WHERE s.address_id = h.address_id AND s.sent_at > now() - interval '1 h'
                AND s.purpose = 'confirmation') THEN 'reply cap' END
        WHEN a.stopped_at IS NOT NULL THEN 'stopped'
        WHEN a.unreachable_at IS NOT NULL THEN 'unreachable'
        WHEN h.purpose = 'unsolicited' AND h.unsolicited <= (
            SELECT count(*) FROM outbox s WHERE s.address_id = h.address_id AND s.sent_at > now() - h.unsolicited_in
                AND s.purpose = 'unsolicited') THEN 'reply cap'
        WHEN h.replies <= (
            SELECT count(*) FROM outbox s WHERE s.address_id = h.address_id AND s.sent_at > now() - h.replies_in)
            THEN 'reply cap'
        END AS verdict
    FROM head h JOIN addresses a ON a.id = h.address_id ORDER BY a.id FOR SHARE OF a
), capped AS (
    INSERT INTO handoffs (address_id, reason, at)
    SELECT DISTINCT h.address_id, 'reply kept back: ' || verdict, now() FROM gate JOIN head h USING (id)
    WHERE verdict IN ('reply cap', 'unreachable')
    ON CONFLICT (address_id, reason) WHERE resolved_at IS NULL AND turn_id IS NULL DO NOTHING
)
UPDATE outbox o SET state = CASE WHEN gate.verdict IS NULL THEN 'sending' ELSE 'suppressed' END, reason = gate.verdict,
    attempts = attempts + 1, leased_until = now() + $9::interval, changed_at = now()
FROM gate WHERE o.id = gate.id
RETURNING o.id, o.address_id, o.channel, o.account, o.attempts, o.payload_sealed, o.provider_sealed, o.created_at,
    gate.value_sealed, o.state
"""

# Tells whether more waits behind these at their addresses, or points to them.
_FINISH = """
WITH done AS (
UPDATE outbox o SET state = r.state, reason = nullif(r.reason, ''), due_at = now() + r.after, leased_until = NULL,
    provider_hash = coalesce(r.provider_hash, o.provider_hash),
    provider_sealed = coalesce(r.provider_sealed, o.provider_sealed),
    sent_at = CASE WHEN r.state IN ('sent', 'unknown') THEN now() ELSE o.sent_at END, changed_at = now()
FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::interval[], $6::uuid[], $7::bytea[])
    AS r(id, attempts, state, reason, after, provider_hash, provider_sealed),
    (SELECT set_config('synchronous_commit', 'off', true)) AS not_durable
WHERE o.id = r.id AND o.attempts = r.attempts AND o.state IN ('sending', 'unknown')
RETURNING o.id, o.address_id
)
SELECT EXISTS (SELECT FROM outbox q JOIN done USING (address_id) WHERE q.state = 'queued')
    OR EXISTS (SELECT FROM outbox q JOIN done ON q.after_id = done.id WHERE q.state = 'queued')
"""

# Nobody is told to look where nothing arrived: the pointer is kept back, and where the address has turned out to be
# unreachable the message is taken again, which now finds another way.
_KEEP_BACK_POINTERS = """
UPDATE outbox SET state = 'suppressed', reason = 'what it points to was not delivered', changed_at = now()
WHERE after_id = ANY($1::bigint[]) AND state = 'queued' RETURNING id, address_id, after_id
"""

_TAKE_AGAIN = """
WITH asked AS (
    SELECT DISTINCT l.customer_id, m.address_id, m.answers FROM unnest($1::bigint[], $2::bigint[]) AS p(id, address_id)
    JOIN messages m ON m.address_id = p.address_id AND m.id = p.id JOIN links l ON l.address_id = m.address_id
), queued AS (
    INSERT INTO inbox (customer_id, address_id, kind, message_id, priority, due_at, attempts)
    SELECT customer_id, address_id, 'message', answers, $3, now(), 0 FROM asked
)
UPDATE lanes SET due_at = LEAST(due_at, now()), arrivals = arrivals + 1
WHERE customer_id IN (SELECT customer_id FROM asked)
"""

_MOVE = """
UPDATE addresses SET context_sealed = m.context
FROM (SELECT a.id, m.context FROM unnest($1::bigint[], $2::bytea[]) AS m(id, context) JOIN addresses a ON a.id = m.id
      ORDER BY a.id FOR NO KEY UPDATE OF a) AS m
WHERE addresses.id = m.id
"""

# The worker of these died or hangs beyond its deadline: nobody can say whether the provider has them.
_ABANDON = """
UPDATE outbox SET state = 'unknown', reason = 'interrupted while sending', leased_until = NULL, changed_at = now(),
    sent_at = now()
WHERE state = 'sending' AND leased_until < now() RETURNING id
"""

_UNKNOWN = """
SELECT o.id, o.address_id, o.attempts, o.payload_sealed, o.provider_sealed, a.value_sealed
FROM outbox o JOIN addresses a ON a.id = o.address_id
WHERE o.state = 'unknown' AND o.channel = $1 AND o.account = $2 ORDER BY o.id LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class _Resolved:
    address: AddressId
    customer: CustomerId
    account: str
    context: bytes | None
    stopped: bool
    unreachable: bool


@dataclass(frozen=True, slots=True)
class _Way:
    """How an address is answered: by which account, in which group or thread, and whether it can and may be."""

    account: str
    context: Mapping[str, str]
    stop: bool | None = None  # None: nobody said; another process may be hearing a STOP right now
    reached: bool = True  # who writes by hand can be written to

    def after(self, arrived: Arrived) -> _Way:
        """As it is once somebody has written: an empty context leads out of a group again."""
        item = arrived.item
        context = item.context if isinstance(item, IncomingMessage | ButtonPress) else self.context
        by_hand = isinstance(item, ButtonPress) or (isinstance(item, IncomingMessage) and not item.automatic)
        stop = self.stop if arrived.stop is None else arrived.stop
        return _Way(arrived.account, context, stop, self.reached or by_hand)


class MessagePath:
    """Inbox, turns and outbox of one database. All methods raise StoreUnavailable when it cannot be reached."""

    def __init__(self, pool: asyncpg.Pool, codec: Codec) -> None:
        self._pool = pool
        self._codec = codec

    # --- accept ---

    async def accept(self, batch: Sequence[Arrived], pause: float = 0.0) -> list[bool]:
        """Commit arrivals, each once for ever; tells for each whether it was new.

        `pause` seconds pass before a turn begins, so that a burst becomes one turn.
        """
        async with self._transaction() as connection:
            new = await self._remember(connection, batch)
            fresh = [arrived for arrived, is_new in zip(batch, new, strict=True) if is_new]
            await self._quarantine(connection, [a for a in fresh if _quarantined(a.item)])
            await self._enqueue(connection, [a for a in fresh if not _quarantined(a.item)], pause)
        return new

    async def _remember(self, connection: asyncpg.Connection, batch: Sequence[Arrived]) -> list[bool]:
        keys = [self._codec.arrival_hash(a.channel, a.account, a.item.id) for a in batch]
        rows = await connection.fetch(_REMEMBER_ARRIVALS, sorted(set(keys)))
        unseen = {row["key"] for row in rows}
        new = []
        for key in keys:
            new.append(key in unseen)
            unseen.discard(key)  # the same delivery twice in one batch
        return new

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
        await connection.execute(_QUARANTINE, *_columns(rows, 5))

    async def _enqueue(self, connection: asyncpg.Connection, batch: Sequence[Arrived], pause: float) -> None:
        hashes = [self._codec.address_hash(a.item.sender.address) for a in batch]
        known = await self._resolve(connection, batch, hashes)
        queue = [(a, known[h]) for a, h in zip(batch, hashes, strict=True) if h in known]
        if not queue:
            return
        answered = await self._find_answered(connection, queue)
        rows: list[tuple[Any, ...]] = []
        files: list[tuple[Any, ...]] = []
        for ord_, (arrived, resolved) in enumerate(queue):
            rows.append(self._inbox_row(ord_, arrived, resolved, answered.get(ord_)))
            files += self._file_rows(ord_, arrived, resolved.address)
        await connection.execute(
            _ENQUEUE, *_columns(rows, 13), _MESSAGE_PRIORITY, timedelta(seconds=pause), *_columns(files, 10)
        )
        await self._update_addresses(connection, queue)

    async def _resolve(
        self, connection: asyncpg.Connection, batch: Sequence[Arrived], hashes: Sequence[UUID]
    ) -> dict[UUID, _Resolved]:
        known = await self._look_up(connection, hashes)
        strangers = {
            hash_: arrived
            for hash_, arrived in zip(hashes, batch, strict=True)
            if hash_ not in known and isinstance(arrived.item, IncomingMessage | ButtonPress)
        }
        if not strangers:
            return known
        await self._meet(connection, strangers)
        return known | await self._look_up(connection, list(strangers))

    async def _look_up(self, connection: asyncpg.Connection, hashes: Sequence[UUID]) -> dict[UUID, _Resolved]:
        rows = await connection.fetch(_RESOLVE, hashes)
        return {
            r["hash"]: _Resolved(
                r["id"], r["customer_id"], r["account"], r["context_sealed"], r["stopped"], r["unreachable"]
            )
            for r in rows
        }

    async def _meet(self, connection: asyncpg.Connection, strangers: Mapping[UUID, Arrived]) -> None:
        ids = await connection.fetch(_RESERVE_IDS, len(strangers))
        people, facts = [], []
        for (hash_, arrived), reserved in zip(strangers.items(), ids, strict=True):
            address, sender = reserved["address"], arrived.item.sender
            value = self._codec.seal(address, sender.address.value)
            people.append((hash_, address, reserved["customer"], arrived.channel, value, arrived.account))
            for key, fact in (("name", sender.name), ("language", sender.language)):
                if fact:
                    facts.append((address, key, self._codec.seal(address, fact)))
        await connection.execute(_MEET, *_columns(people, 6), *_columns(facts, 3))

    async def _update_addresses(
        self, connection: asyncpg.Connection, queue: Sequence[tuple[Arrived, _Resolved]]
    ) -> None:
        before = {resolved.address: self._way(resolved) for _, resolved in queue}
        now = dict(before)
        for arrived, resolved in queue:
            now[resolved.address] = now[resolved.address].after(arrived)
        changed = {address: way for address, way in sorted(now.items()) if way != before[address]}
        if not changed:
            return
        rows = [
            (address, way.account, self._codec.seal(address, way.context), way.stop, way.reached)
            for address, way in changed.items()
        ]
        await connection.execute(_UPDATE_ADDRESSES, *_columns(rows, 5))
        if stopped := [address for address, way in changed.items() if way.stop]:
            suppressed = await connection.fetch(_SUPPRESS_QUEUED, stopped)
            await connection.fetch(_KEEP_BACK_POINTERS, [row["id"] for row in suppressed])

    def _way(self, resolved: _Resolved) -> _Way:
        context = self._codec.open(resolved.address, resolved.context) if resolved.context else {}
        return _Way(resolved.account, context, reached=not resolved.unreachable)

    async def _find_answered(
        self, connection: asyncpg.Connection, queue: Sequence[tuple[Arrived, _Resolved]]
    ) -> dict[int, int]:
        """Which of ours a message answers: only what went to the very address that now writes."""
        questions: list[tuple[int, AddressId, UUID | None, int | None]] = []
        for ord_, (arrived, resolved) in enumerate(queue):
            item = arrived.item
            if isinstance(item, IncomingMessage):
                for provider_id in item.answers:
                    questions.append((ord_, resolved.address, self._codec.provider_hash(provider_id), None))
                if item.answers_ours is not None:
                    questions.append((ord_, resolved.address, None, item.answers_ours))
            elif isinstance(item, ButtonPress) and item.message_id:
                questions.append((ord_, resolved.address, self._codec.provider_hash(item.message_id), None))
        if not questions:
            return {}
        rows = await connection.fetch(_FIND_ANSWERED, *_columns(questions, 4))
        return {row["ord"]: row["id"] for row in rows}

    def _inbox_row(self, ord_: int, arrived: Arrived, resolved: _Resolved, answers: int | None) -> tuple[Any, ...]:
        item, address = arrived.item, resolved.address
        head = (ord_, resolved.customer, address)
        match item:
            case IncomingMessage():
                flags = item.flags + (() if arrived.stop is None else ("stop" if arrived.stop else "start",))
                already = ("already",) if arrived.stop is not None and arrived.stop == resolved.stopped else ()
                return (
                    *head, Kind.MESSAGE, arrived.account, self._codec.provider_hash(item.message_id), item.at,
                    self._codec.seal(address, message_body(item)), answers, item.automatic or None,
                    " ".join(flags + already) or None, None, len(arrived.files),
                )  # fmt: skip
            case ButtonPress():
                body = self._codec.seal(address, message_body(item))
                return (
                    *head,
                    Kind.MESSAGE,
                    arrived.account,
                    None,
                    item.at,
                    body,
                    answers,
                    None,
                    None,
                    None,
                    0,
                )
            case IncomingEdit():
                edit = {"message_id": item.message_id, "at": item.at, "text": item.text}
                payload = self._codec.seal(address, edit)
                return (*head, Kind.EDIT, arrived.account, None, item.at, None, None, None, None, payload, 0)
            case DeliveryReport():
                report = report_payload(item)
                payload = self._codec.seal(address, report)
                return (
                    *head,
                    Kind.REPORT,
                    arrived.account,
                    None,
                    item.at,
                    None,
                    None,
                    None,
                    None,
                    payload,
                    0,
                )
        raise TypeError(f"{type(item).__name__} is not an arrival that the inbox knows")

    def _file_rows(self, ord_: int, arrived: Arrived, address: AddressId) -> Iterable[tuple[Any, ...]]:
        for file in arrived.files:
            state = "stored" if file.key else "refused" if file.refused else "pending"
            yield (
                ord_, arrived.channel, arrived.account, state, file.refused or None,
                self._codec.seal(address, file.name), self._codec.seal(address, file.ref) if file.ref else None,
                file.media_type, file.size, file.key or None,
            )  # fmt: skip

    # --- claim, load, commit ---

    async def claim(self, batch: int, lease: float) -> list[Lease]:
        """Lock up to `batch` customers who have something due, for `lease` seconds."""
        async with self._connection() as connection:
            rows = await connection.fetch(_CLAIM, batch, timedelta(seconds=lease))
        return [Lease(CustomerId(r["customer_id"]), r["fence"], r["arrivals"], r["lost"]) for r in rows]

    async def load(self, leases: Sequence[Lease]) -> list[Work | Unreadable]:
        """All that the turns of these customers need. One connection, four statements, whatever the batch."""
        customers = [lease.customer for lease in leases]
        async with self._connection() as connection:
            kinds = [kind.value for kind in Kind]
            items = _by(await connection.fetch(_LOAD_ITEMS, customers, _ITEMS_A_TURN, kinds), "customer_id")
            addresses = _by(await connection.fetch(_LOAD_ADDRESSES, customers), "customer_id")
            ids = [row["id"] for rows in addresses.values() for row in rows]
            facts = _by(await connection.fetch(_LOAD_FACTS, ids), "address_id")
            timelines = _by(await connection.fetch(_LOAD_TIMELINE, ids, _TIMELINE), "address_id")
        works: list[Work | Unreadable] = []
        for lease in leases:
            rows = items[lease.customer]
            try:
                works.append(self._work(lease, rows, addresses[lease.customer], facts, timelines))
            except Exception as error:
                works.append(Unreadable(lease, tuple(row["id"] for row in rows), type(error).__name__))
        return works

    def _work(
        self,
        lease: Lease,
        items: Sequence[asyncpg.Record],
        addresses: Sequence[asyncpg.Record],
        facts: Mapping[int, Sequence[asyncpg.Record]],
        timelines: Mapping[int, Sequence[asyncpg.Record]],
    ) -> Work:
        known = {row["id"]: self._known_address(row) for row in addresses}
        stated = [row for id_ in known for row in facts[id_]]
        said = [
            self._timeline_message(row, lease.customer, known[id_].address) for id_ in known for row in timelines[id_]
        ]
        return Work(
            lease=lease,
            items=tuple(self._inbox_item(row) for row in items),
            addresses=tuple(known.values()),
            facts={
                row["key"]: self._codec.open_text(row["address_id"], row["value_sealed"])
                for row in sorted(stated, key=lambda row: (row["confidence"], row["valid_from"], row["id"]))
            },
            timeline=tuple(sorted(said, key=lambda message: (message.at, message.id))),
        )

    def _known_address(self, row: asyncpg.Record) -> KnownAddress:
        context = row["context_sealed"]
        return KnownAddress(
            id=AddressId(row["id"]),
            address=Address(row["channel"], self._codec.open_text(row["id"], row["value_sealed"])),
            proof=Proof(row["proof"]),
            account=row["account"],
            context=self._codec.open(row["id"], context) if context else {},
            stopped=row["stopped"],
            unreachable=row["unreachable"],
        )

    def _inbox_item(self, row: asyncpg.Record) -> InboxItem:
        address = row["address_id"]
        message = None
        if row["body_sealed"] is not None:
            body = self._codec.open(address, row["body_sealed"])
            message = TurnMessage(
                id=row["message_id"],
                address=address,
                at=row["at"],
                text=text_of(body),
                provider_id=body.get("id", ""),
                pressed=body.get("pressed", ""),
                attachments=row["attachments"],
                answers=row["answers"],
                automatic=row["automatic"] or "",
                flags=tuple((row["flags"] or "").split()),
            )
        sealed = row["payload_sealed"]
        return InboxItem(
            id=row["id"],
            kind=Kind(row["kind"]),
            address=address,
            attempts=row["attempts"],
            message=message,
            payload=self._codec.open(address, sealed) if sealed else {},
        )

    def _timeline_message(self, row: asyncpg.Record, customer: int, address: Address) -> TimelineMessage:
        return TimelineMessage(
            id=MessageId(row["id"]),
            customer=CustomerId(customer),
            address=address,
            direction=Direction(row["direction"]),
            at=row["at"],
            text=text_of(self._codec.open(row["address_id"], row["body_sealed"])),
            answers=row["answers"],
            attachments=row["attachments"],
        )

    async def commit(self, outcomes: Sequence[Outcome]) -> dict[CustomerId, bool]:
        """Commit turns together; tells whose lease still held, and whether more is due. A stale turn drops out."""
        async with self._transaction() as connection:
            taken = [item.id for o in outcomes for item in o.work.items]
            held = await self._release(connection, [o.work.lease for o in outcomes], taken)
            kept = [o for o in outcomes if o.work.lease.customer in held]
            await self._write_turns(connection, kept)
            await self._write_facts(connection, kept)
            await self._write_revisions(connection, [r for o in kept for r in o.revised])
            await self._write_reports(connection, kept)
        return held

    async def _release(
        self, connection: asyncpg.Connection, leases: Sequence[Lease], taken: Sequence[int], delete: bool = True
    ) -> dict[CustomerId, bool]:
        """Lock the lanes whose leases still hold, take what was taken out of them, and say when they are next due."""
        rows = [(lease.customer, lease.fence, lease.arrivals) for lease in leases]
        gone = taken if delete else []
        released = await connection.fetch(
            _RELEASE, *_columns(rows, 3), taken, _MESSAGE_PRIORITY, gone, [kind.value for kind in Kind]
        )
        if missed := [row["customer_id"] for row in released if row["missed"]]:
            await connection.execute(_RESCHEDULE, missed, _MESSAGE_PRIORITY)
        return {CustomerId(row["customer_id"]): row["missed"] or row["due"] for row in released}

    async def _write_turns(self, connection: asyncpg.Connection, outcomes: Sequence[Outcome]) -> None:
        turns, said = [], []
        for ord_, outcome in enumerate(outcomes):
            if outcome.record is None:
                continue
            record = self._codec.seal(outcome.address, outcome.record)
            turns.append((ord_, outcome.address, record, outcome.handoff))
            messages = [item.message for item in outcome.work.items if item.message]
            answers = messages[-1].id if messages else None
            for reply in outcome.replies:
                to, draft = reply.draft.to, reply.draft
                parts = parts_to_json(draft.parts)
                # Where somebody writes from elsewhere, what was last said there is not what this answers.
                context = to.context if to.id == outcome.address else {}
                payload = {"parts": parts, "subject": draft.subject, "context": context}
                said.append((
                    ord_, to.id, to.address.channel, to.account, reply.purpose,
                    self._codec.seal(to.id, {"text": plain(draft.parts)}), self._codec.seal(to.id, payload), answers,
                ))  # fmt: skip
        if turns:
            *columns, handoffs = _columns(turns, 4)
            await connection.execute(_WRITE_TURNS, *columns, *_columns(said, 8), handoffs)

    async def _write_facts(self, connection: asyncpg.Connection, outcomes: Sequence[Outcome]) -> None:
        rows = []
        for outcome in outcomes:
            source = {item.message.id: item.address for item in outcome.work.items if item.message}
            for change in outcome.changes:
                address = source[change.source]
                value = self._codec.seal(address, change.value) if change.value else None
                rows.append((address, change.key, value, change.source))
        if rows:
            await connection.execute(_LEARN, *_columns(rows, 4))
            await connection.execute(_REMEMBER_FACTS, *_columns(rows, 4))

    async def _write_revisions(self, connection: asyncpg.Connection, revised: Sequence[Revised]) -> None:
        rows = [
            (
                r.address,
                self._codec.provider_hash(r.message_id),
                r.at,
                self._codec.seal(r.address, {"text": r.text}),
            )
            for r in revised
        ]
        if rows:
            await connection.execute(_REVISE, *_columns(rows, 4))

    async def _write_reports(self, connection: asyncpg.Connection, outcomes: Sequence[Outcome]) -> None:
        reported = [(o.work.lease.customer, r) for o in outcomes for r in o.reported]
        if not reported:
            return
        rows = [
            (customer, r.address, self._codec.provider_hash(r.provider_id), r.state.value, r.reason, r.attempts,
             self._codec.seal(r.address, report_payload(r)))
            for customer, r in reported
        ]  # fmt: skip
        await connection.execute(_REPORT, *_columns([row[1:5] for row in rows], 4))
        early = await connection.fetch(_REPORT_AGAIN, *_columns(rows, 7), _REPORT_ATTEMPTS)
        if early:
            await connection.execute(_RESCHEDULE, [row["customer_id"] for row in early], _MESSAGE_PRIORITY)
        if gone := [(r.address, r.reason) for _, r in reported if r.unreachable]:
            await connection.execute(_MARK_UNREACHABLE, *_columns(gone, 2))

    async def retry(self, lease: Lease, items: Sequence[int], *, after: float, attempts: int, reason: str) -> None:
        """Give a failed turn back: again after so many seconds, or parked and handed to people after `attempts`."""
        async with self._transaction() as connection:
            if not await self._release(connection, [lease], items, delete=False):
                return
            await connection.execute(_RETRY, items, timedelta(seconds=after), attempts, reason)
            await connection.execute(_RESCHEDULE, [lease.customer], _MESSAGE_PRIORITY)

    async def park(self, lease: Lease, reason: str) -> None:
        """Park all that waits in a lane, unread, and hand it to people."""
        async with self._connection() as connection:
            rows = await connection.fetch(
                "SELECT id FROM inbox WHERE customer_id = $1 AND parked_at IS NULL", lease.customer
            )
        await self.retry(lease, [row["id"] for row in rows], after=0, attempts=0, reason=reason)

    # --- dispatch and finish ---

    async def dispatch(self, quotas: Sequence[Quota], *, lease: float, unknown_wait: float) -> Dispatched:
        """Mark as `sending`, past the gate, what may start now, and commit; the calls must start at once."""
        rows = [
            (
                q.channel, q.account, q.free, q.replies, timedelta(seconds=q.replies_seconds),
                q.unsolicited, timedelta(seconds=q.unsolicited_seconds),
            )
            for q in quotas
        ]  # fmt: skip
        async with self._connection() as connection:
            claimed = await connection.fetch(
                _DISPATCH, *_columns(rows, 7), timedelta(seconds=unknown_wait), timedelta(seconds=lease)
            )
        starting, unreadable = [], []
        for row in sorted(claimed, key=lambda row: row["id"]):
            if row["state"] != DeliveryState.SENDING:
                continue
            try:
                starting.append(self._dispatch(row))
            except Exception:
                unreadable.append(_unreadable(row))
        kept_back = [row["id"] for row in claimed if row["state"] == DeliveryState.SUPPRESSED]
        with suppress(StoreUnavailable):  # what is claimed must start all the same
            if unreadable:
                await self.finish(unreadable)
            if kept_back:
                await self._keep_back_pointers(kept_back)
        return Dispatched(tuple(starting), len(claimed) - len(starting))

    def _dispatch(self, row: asyncpg.Record) -> Dispatch:
        return Dispatch(
            outbound=self._outbound(row),
            address=AddressId(row["address_id"]),
            channel=row["channel"],
            account=row["account"],
            queued_at=row["created_at"],
        )

    def _outbound(self, row: asyncpg.Record, channel: str = "") -> Outbound:
        address = row["address_id"]
        payload = self._codec.open(address, row["payload_sealed"])
        provider_id = row["provider_sealed"]
        return Outbound(
            id=MessageId(row["id"]),
            to=Address(channel or row["channel"], self._codec.open_text(address, row["value_sealed"])),
            parts=parts_from_json(payload["parts"]),
            subject=payload["subject"],
            context=payload["context"],
            provider_id=self._codec.open_text(address, provider_id) if provider_id else "",
            attempts=row["attempts"],
        )

    async def finish(self, results: Sequence[Result]) -> bool:
        """Record what became of calls; tells whether more waits behind them.

        A result that comes after its call was given up still counts.
        """
        rows = [
            (
                r.id, r.attempts, r.state, r.reason, timedelta(seconds=r.after),
                self._codec.provider_hash(r.provider_id) if r.provider_id else None,
                self._codec.seal(r.address, r.provider_id) if r.provider_id else None,
            )
            for r in results
        ]  # fmt: skip
        gone = [(r.address, r.reason) for r in results if r.unreachable]
        lost = [r for r in results if r.state in (DeliveryState.REFUSED, DeliveryState.DEAD)]
        moved = [(r.address, self._codec.seal(r.address, r.context)) for r in results if r.context is not None]
        async with self._connection() if not (gone or lost or moved) else self._transaction() as connection:
            more: bool = await connection.fetchval(_FINISH, *_columns(rows, 7))
            if gone:
                await connection.execute(_MARK_UNREACHABLE, *_columns(gone, 2))
            if lost:
                handoffs = [(r.address, f"reply not delivered: {r.reason}") for r in lost]
                await connection.execute(_HAND_OFF, *_columns(handoffs, 2))
            if moved:
                await connection.execute(_MOVE, *_columns(moved, 2))
        if lost:
            await self._keep_back_pointers([r.id for r in lost], {r.id for r in lost if r.unreachable})
        return more

    async def _keep_back_pointers(self, failed: Sequence[int], unreachable: Collection[int] = ()) -> None:
        async with self._transaction() as connection:
            pointers = await connection.fetch(_KEEP_BACK_POINTERS, failed)
            again = [(row["id"], row["address_id"]) for row in pointers if row["after_id"] in unreachable]
            if again:
                await connection.execute(_TAKE_AGAIN, *_columns(again, 2), _MESSAGE_PRIORITY)

    async def abandon(self) -> int:
        """Mark as `unknown` what a dead worker left in `sending`; tells how many."""
        async with self._connection() as connection:
            return len(await connection.fetch(_ABANDON))

    async def unknown(self, channel: str, account: str, limit: int = 100) -> list[tuple[AddressId, Outbound]]:
        """Messages of an account of which nobody knows whether the provider has them."""
        async with self._connection() as connection:
            rows = await connection.fetch(_UNKNOWN, channel, account, limit)
        return [(AddressId(row["address_id"]), self._outbound(row, channel)) for row in rows]

    # --- connections ---

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        with unavailable():
            async with self._pool.acquire(timeout=10) as connection:
                yield connection

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[asyncpg.Connection]:
        async with self._connection() as connection, connection.transaction():
            yield connection


def _quarantined(item: Incoming) -> bool:
    return isinstance(item, IncomingMessage) and bool(item.quarantine)


def _by(rows: Iterable[asyncpg.Record], key: str) -> Mapping[int, list[asyncpg.Record]]:
    grouped = defaultdict(list)
    for row in rows:
        grouped[row[key]].append(row)
    return grouped


def _unreadable(row: asyncpg.Record) -> Result:
    """One message that this version cannot read must not keep the others from leaving."""
    return Result(
        id=MessageId(row["id"]),
        address=AddressId(row["address_id"]),
        attempts=row["attempts"],
        state=DeliveryState.DEAD,
        reason="this version cannot read it",
    )


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as the columns that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
