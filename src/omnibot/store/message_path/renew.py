"""Renew: turns that wait for somebody outside keep their leases, and hear what comes into their lanes meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from omnibot.model import CustomerId
from omnibot.store.message_path.connections import Connections, columns
from omnibot.store.work import Kind, Lease

# A lease that ran out and was claimed by somebody else has another fence; one that nobody has claimed is ours again.
_RENEW = """
WITH held AS (
    SELECT l.customer_id, d.last
    FROM (SELECT * FROM unnest((SELECT $1::bigint[]), $2::bigint[], $3::bigint[]) AS d(customer_id, fence, last)
          ORDER BY customer_id) AS d
    CROSS JOIN LATERAL (
        SELECT customer_id FROM lanes WHERE customer_id = d.customer_id AND fence = d.fence AND leased_until IS NOT NULL
        FOR UPDATE) AS l
), renewed AS (
    UPDATE lanes l SET leased_until = now() + $4::interval FROM held WHERE l.customer_id = held.customer_id
)
SELECT customer_id, EXISTS (
    SELECT FROM inbox WHERE customer_id = held.customer_id AND id > held.last AND parked_at IS NULL
        AND kind = ANY($5::text[])) AS more
FROM held, (SELECT set_config('synchronous_commit', 'off', true)) AS not_durable
"""

_SAID = [Kind.MESSAGE.value, Kind.EDIT.value]


class Renewing(Connections):
    """What a slow turn needs between claim and commit."""

    async def renew(self, turns: Sequence[tuple[Lease, int]], seconds: float) -> Mapping[CustomerId, bool]:
        """Keep these leases for so many seconds from now; each comes with the last inbox item that its turn has seen.

        Tells which of them still hold, and whether the customer has written more since.
        """
        rows = [(lease.customer, lease.fence, last) for lease, last in turns]
        async with self._connection() as connection:
            held = await connection.fetch(_RENEW, *columns(rows, 3), timedelta(seconds=seconds), _SAID)
        return {CustomerId(row["customer_id"]): row["more"] for row in held}
