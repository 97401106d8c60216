"""Claim: lanes that are due, each with a fencing token. A lost claim costs one lease, so no sync to disk."""

from __future__ import annotations

from datetime import timedelta

from omnibot.model import CustomerId
from omnibot.store.message_path.connections import Connections
from omnibot.store.work import Lease

# Whoever held a lease that ran out may have died of that very turn: it is taken alone, before all others.
_CLAIM = """
WITH suspect AS (
    SELECT customer_id FROM lanes WHERE due_at < 'infinity' AND due_at <= now() AND leased_until < now()
    ORDER BY priority, due_at LIMIT 1 FOR UPDATE SKIP LOCKED
), ready AS (
    SELECT customer_id FROM lanes
    WHERE due_at < 'infinity' AND due_at <= now() AND leased_until IS NULL AND NOT EXISTS (SELECT FROM suspect)
    ORDER BY priority, due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE lanes l SET fence = fence + 1, lost = CASE WHEN leased_until IS NULL THEN 0 ELSE lost + 1 END,
    leased_until = now() + $2::interval
FROM (SELECT customer_id FROM suspect UNION ALL SELECT customer_id FROM ready) AS taken,
    (SELECT set_config('synchronous_commit', 'off', true)) AS not_durable
WHERE l.customer_id = taken.customer_id RETURNING l.customer_id, l.fence, l.arrivals, l.lost
"""


class Claiming(Connections):
    """The second step of the message path."""

    async def claim(self, batch: int, lease: float) -> list[Lease]:
        """Lock up to `batch` customers who have something due, for `lease` seconds."""
        async with self._connection() as connection:
            rows = await connection.fetch(_CLAIM, batch, timedelta(seconds=lease))
        return [Lease(CustomerId(r["customer_id"]), r["fence"], r["arrivals"], r["lost"]) for r in rows]
