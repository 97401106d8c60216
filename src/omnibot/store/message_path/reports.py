"""Commit, where a turn took more than messages: edits of theirs become revisions, delivery states those of ours."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from omnibot.model import DeliveryState
from omnibot.store.message_path.connections import Connections, columns
from omnibot.store.message_path.hold import HOLD_AFTERWARDS
from omnibot.store.message_path.inbox import MESSAGE_PRIORITY
from omnibot.store.message_path.pointers import keep_back_pointers
from omnibot.store.payloads import report_payload
from omnibot.store.work import Outcome

_REVISE = """
INSERT INTO revisions (address_id, message_id, at, body_sealed)
SELECT r.address_id, m.id, r.at, r.body
FROM unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::bytea[]) AS r(address_id, provider_hash, at, body)
JOIN messages m ON m.address_id = r.address_id AND m.provider_hash = r.provider_hash AND m.direction = 'in'
"""

# A refusal may come after the provider had taken it (a bounce); what has been read was not refused. What waits to be
# sent again is told of by its former call: only that it has arrived after all changes anything. What has brought a
# code is scrubbed, as it is where its call ends.
_RANK = "array_position(ARRAY['queued','held','sending','unknown','sent','refused','dead','delivered','read'], {})"

_REPORT = f"""
WITH told AS (
    SELECT DISTINCT ON (address_id, provider_hash) * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[])
        AS r(address_id, provider_hash, state, reason)
    ORDER BY address_id, provider_hash, {_RANK.format("state")} DESC
), moved AS (
    UPDATE outbox o SET state = r.state, reason = nullif(r.reason, ''), changed_at = now(),
        payload_sealed = CASE WHEN o.purpose = 'code' THEN '' ELSE o.payload_sealed END
    FROM told r
    WHERE o.address_id = r.address_id AND o.provider_hash = r.provider_hash
        AND {_RANK.format("r.state")} > {_RANK.format("o.state::text")}
        AND (o.state NOT IN ('queued', 'held') OR r.state IN ('delivered', 'read'))
    RETURNING o.id, o.address_id, o.purpose, r.state, r.reason
), handed AS (
    INSERT INTO handoffs (address_id, reason, at)
    SELECT DISTINCT address_id, 'reply not delivered: ' || reason, now() FROM moved
    WHERE state = 'refused' AND purpose <> 'code'
    ON CONFLICT (address_id, reason) WHERE resolved_at IS NULL AND turn_id IS NULL DO NOTHING
)
SELECT id, address_id FROM moved WHERE state = 'refused'
"""

# A report may overtake the record of its own call. It comes again while a call to that address is not recorded.
_REPORT_ATTEMPTS = 10
_REPORT_AGAIN = f"""
INSERT INTO inbox (customer_id, address_id, kind, priority, due_at, attempts, payload_sealed)
SELECT r.customer_id, r.address_id, 'report', {MESSAGE_PRIORITY}, now() + interval '1 s', r.attempts + 1, r.payload
FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::bytea[])
    AS r(customer_id, address_id, provider_hash, state, reason, attempts, payload)
WHERE r.attempts < {_REPORT_ATTEMPTS}
    AND NOT EXISTS (SELECT FROM outbox o WHERE o.address_id = r.address_id AND o.provider_hash = r.provider_hash)
    AND EXISTS (SELECT FROM outbox o WHERE o.address_id = r.address_id AND o.state IN ('sending', 'unknown'))
RETURNING customer_id
"""

MARK_UNREACHABLE = """
UPDATE addresses SET unreachable_at = now(), unreachable_reason = u.reason
FROM (SELECT a.id, u.reason FROM unnest($1::bigint[], $2::text[]) AS u(id, reason) JOIN addresses a ON a.id = u.id
      ORDER BY a.id FOR NO KEY UPDATE OF a) AS u
WHERE addresses.id = u.id
"""

# Whoever calls it holds the lanes' locks, and this statement is younger than they: it sees all that is there.
_RESCHEDULE = f"""
UPDATE lanes l SET due_at = coalesce(w.due_at, 'infinity'), priority = coalesce(w.priority, {MESSAGE_PRIORITY})
FROM (SELECT c.id, min(i.due_at) AS due_at, min(i.priority) AS priority FROM unnest($1::bigint[]) AS c(id)
      LEFT JOIN inbox i ON i.customer_id = c.id AND i.parked_at IS NULL GROUP BY c.id) AS w
WHERE l.customer_id = w.id
"""


class Reporting(Connections):
    """What is written in the transaction of a commit besides the turns."""

    async def _write_reports(self, connection: asyncpg.Connection, outcomes: Sequence[Outcome]) -> None:
        revisions = [
            (r.address, self._codec.provider_hash(r.message_id), r.at, self._codec.seal(r.address, {"text": r.text}))
            for outcome in outcomes
            for r in outcome.revised
        ]
        if revisions:
            await connection.execute(_REVISE, *columns(revisions, 4))
        if any(outcome.reported for outcome in outcomes):
            await self._write_states(connection, outcomes)

    async def _write_states(self, connection: asyncpg.Connection, outcomes: Sequence[Outcome]) -> None:
        reported = [(o.work.lease.customer, r) for o in outcomes for r in o.reported]
        rows = [
            (customer, r.address, self._codec.provider_hash(r.provider_id), r.state.value, r.reason, r.attempts,
             self._codec.seal(r.address, report_payload(r)))
            for customer, r in reported
        ]  # fmt: skip
        gone = [(r.address, r.reason) for _, r in reported if r.unreachable]
        told = [row[1:5] for row in rows if row[3] != DeliveryState.HELD]
        if refused := await connection.fetch(_REPORT, *columns(told, 4)):
            unreachable = {address for address, _ in gone}
            lost = {row["id"] for row in refused if row["address_id"] in unreachable}
            await keep_back_pointers(connection, [row["id"] for row in refused], lost)
        if held := [row[1:3] for row in rows if row[3] == DeliveryState.HELD]:
            await connection.execute(HOLD_AFTERWARDS, *columns(held, 2))
        if early := await connection.fetch(_REPORT_AGAIN, *columns(rows, 7)):
            await self._reschedule(connection, [row["customer_id"] for row in early])
        if gone:
            await connection.execute(MARK_UNREACHABLE, *columns(gone, 2))

    async def _reschedule(self, connection: asyncpg.Connection, customers: Sequence[int]) -> None:
        """Say anew when lanes are due."""
        await connection.execute(_RESCHEDULE, customers)
