"""Claim: lanes that are due, each with a fencing token, and what waits there. A lost claim costs one lease: no sync.

One statement locks lanes and reads what their turns need, yet all that it reads is as old as its beginning, while the
locks are taken later. A turn must see all that was committed in its lane before its lock. It does where the lane has
not changed in between, and that shows:

- Whatever comes into a lane, or moves what waits there, counts up `arrivals` or `fence` in the same transaction.
- Whoever takes a turn has counted up `fence` before. What their commit wrote we have read, or we have not read their
  fence; but a lane that was theirs from our beginning to our lock we did not take.
- A lane that another transaction holds is skipped; one that another has changed and let go is judged anew as it is now
  (EvalPlanQual), and taken with its newest counts.

So a lane whose counts at the beginning are those that we have counted up was read as it is. Of others nothing that was
read is used: `load` reads them again, and that statement is younger than the lock. What nobody counts (facts, a STOP of
an address, the state of what was sent) may change at any time before and after, as it may during the turn.
"""

from __future__ import annotations

from datetime import timedelta

from omnibot.model import CustomerId
from omnibot.store.message_path.load import KINDS, LOADED, Claimed, Loading
from omnibot.store.work import Lease

# Whoever held a lease that ran out may have died of that very turn: it is taken alone, before all others.
_CLAIM = f"""
WITH suspect AS (
    SELECT customer_id FROM lanes WHERE due_at < 'infinity' AND due_at <= now() AND leased_until < now()
    ORDER BY priority, due_at LIMIT 1 FOR UPDATE SKIP LOCKED
), ready AS (
    SELECT customer_id FROM lanes
    WHERE due_at < 'infinity' AND due_at <= now() AND leased_until IS NULL AND NOT EXISTS (SELECT FROM suspect)
    ORDER BY priority, due_at LIMIT $1 FOR UPDATE SKIP LOCKED
), c AS (
    UPDATE lanes l SET fence = fence + 1, lost = CASE WHEN leased_until IS NULL THEN 0 ELSE lost + 1 END,
        leased_until = now() + $3::interval
    FROM (SELECT customer_id FROM suspect UNION ALL SELECT customer_id FROM ready) AS taken,
        (SELECT set_config('synchronous_commit', 'off', true)) AS not_durable
    WHERE l.customer_id = taken.customer_id RETURNING l.customer_id AS id, l.fence, l.arrivals, l.lost
)
SELECT c.id AS customer_id, c.fence, c.arrivals, c.lost,
    (seen.fence + 1, seen.arrivals) = (c.fence, c.arrivals) AS sound,
    {LOADED}
FROM c CROSS JOIN LATERAL (SELECT fence, arrivals FROM lanes WHERE customer_id = c.id OFFSET 0) AS seen
"""


class Claiming(Loading):
    """The second step of the message path."""

    async def claim(self, batch: int, lease: float) -> list[Claimed]:
        """Lock up to `batch` customers who have something due, for `lease` seconds."""
        async with self._connection() as connection:
            rows = await connection.fetch(_CLAIM, batch, KINDS, timedelta(seconds=lease))
        return [
            Claimed(
                Lease(CustomerId(r["customer_id"]), r["fence"], r["arrivals"], r["lost"]), r if r["sound"] else None
            )
            for r in rows
        ]
