"""Move: addresses change their customer, and what waits for them changes its lane with them.

Nothing else is rewritten: messages, facts, turns and the outbox know their address alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import asyncpg

from omnibot.model import AddressId
from omnibot.store.identity.standing import Holding, Linked
from omnibot.store.message_path.connections import columns
from omnibot.store.message_path.inbox import MESSAGE_PRIORITY

# A new fence for each lane: the turn under way there was taken for somebody who is somebody else now. It drops out when
# it comes to its commit and is taken again.
_SEIZE = f"""
INSERT INTO lanes (customer_id, due_at, priority, arrivals, fence, lost)
SELECT id, 'infinity', {MESSAGE_PRIORITY}, 0, 0, 0 FROM unnest((SELECT $1::bigint[])) AS c(id) ORDER BY id
ON CONFLICT (customer_id) DO UPDATE SET fence = lanes.fence + 1, leased_until = NULL, lost = 0
"""

# Links and lanes are locked, and this statement is younger than the locks: it sees all that waits.
_MOVE = f"""
WITH moved AS MATERIALIZED (
    SELECT * FROM unnest((SELECT $1::bigint[]), $2::bigint[], $3::bigint[]) AS m(address_id, home_id, customer_id)
), linked AS (
    UPDATE links l SET home_id = m.home_id, customer_id = m.customer_id,
        since = CASE WHEN l.home_id = m.home_id THEN l.since ELSE now() END
    FROM moved m WHERE l.address_id = m.address_id
), waiting AS MATERIALIZED (
    SELECT i.id, i.customer_id AS was, coalesce(m.customer_id, i.customer_id) AS customer_id, i.priority, i.due_at,
        i.parked_at
    FROM unnest((SELECT $4::bigint[])) AS c(id)
    CROSS JOIN LATERAL (SELECT * FROM inbox WHERE customer_id = c.id OFFSET 0) AS i
    LEFT JOIN moved m ON m.address_id = i.address_id
), taken AS (
    UPDATE inbox i SET customer_id = w.customer_id FROM waiting w
    WHERE i.id = w.id AND w.was <> w.customer_id
)
UPDATE lanes l SET due_at = coalesce(w.due_at, 'infinity'), priority = coalesce(w.priority, {MESSAGE_PRIORITY}),
    arrivals = l.arrivals + 1
FROM (SELECT c.id, min(w.due_at) AS due_at, min(w.priority) AS priority
      FROM unnest((SELECT $4::bigint[])) AS c(id)
      LEFT JOIN waiting w ON w.customer_id = c.id AND w.parked_at IS NULL GROUP BY c.id) AS w
WHERE l.customer_id = w.id
"""

_LOG = """
INSERT INTO identity_log (at, act, address_id, customer_id, other_id, merge_id, proof, evidence, by, reason)
SELECT now(), act, address_id, customer_id, other_id, merge_id, proof, evidence, by, reason
FROM unnest((SELECT $1::text[]), $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
            $8::text[], $9::text[])
    AS e(act, address_id, customer_id, other_id, merge_id, proof, evidence, by, reason)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A row of the log, to be written."""

    act: str
    customer: int
    by: str
    reason: str
    address: AddressId | None = None
    other: int | None = None
    merge: int | None = None
    proof: str = ""
    evidence: str = ""


class Moving(Holding):
    """What every act does in the end."""

    async def _move(
        self, connection: asyncpg.Connection, links: Sequence[Linked], to: Sequence[tuple[int, int]]
    ) -> None:
        """Give each address its home and customer (`to`). Whoever calls it holds the links."""
        pairs = list(zip(links, to, strict=True))
        rows = [(link.address, home, new) for link, (home, new) in pairs if (link.home, link.customer) != (home, new)]
        customers = sorted({link.customer for link in links} | {new for _, new in to})
        await connection.execute(_SEIZE, customers)
        await connection.execute(_MOVE, *columns(rows, 3), customers)

    async def _settle(self, connection: asyncpg.Connection, links: Collection[Linked], customer: int) -> None:
        """These addresses stay where they are at home, and belong to one customer now."""
        await self._move(connection, [*links], [(link.home, customer) for link in links])

    async def _log(self, connection: asyncpg.Connection, *entries: Noted) -> None:
        rows = [(e.act, e.address, e.customer, e.other, e.merge, e.proof, e.evidence, e.by, e.reason) for e in entries]
        await connection.execute(_LOG, *columns(rows, 9))
