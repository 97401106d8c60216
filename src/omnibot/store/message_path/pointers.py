"""Pointers ("I have answered you elsewhere"): what becomes of them when nothing arrived where they point to."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import asyncpg

from omnibot.store.message_path.connections import Connections, columns
from omnibot.store.message_path.inbox import MESSAGE_PRIORITY

# Nobody is told to look where nothing arrived: the pointer is kept back, and where the address has turned out to be
# unreachable the message is taken again, which now finds another way.
KEEP_BACK_POINTERS = """
UPDATE outbox SET state = 'suppressed', reason = 'what it points to was not delivered', changed_at = now()
WHERE after_id = ANY($1::bigint[]) AND state = 'queued' RETURNING id, address_id, after_id
"""

_HOLD_LANES = """
SELECT customer_id FROM lanes WHERE customer_id IN (SELECT customer_id FROM links WHERE address_id = ANY($1::bigint[]))
ORDER BY customer_id FOR UPDATE
"""

# Whoever holds a lane keeps its addresses from leaving; this statement is younger than that.
_TAKE_AGAIN = f"""
WITH asked AS (
    SELECT DISTINCT l.customer_id, m.address_id, m.answers FROM unnest($1::bigint[], $2::bigint[]) AS p(id, address_id)
    JOIN messages m ON m.address_id = p.address_id AND m.id = p.id JOIN links l ON l.address_id = m.address_id
    WHERE l.customer_id = ANY($3::bigint[])
), queued AS (
    INSERT INTO inbox (customer_id, address_id, kind, message_id, priority, due_at, attempts)
    SELECT customer_id, address_id, 'message', answers, {MESSAGE_PRIORITY}, now(), 0 FROM asked
), woken AS (
    UPDATE lanes SET due_at = LEAST(due_at, now()), arrivals = arrivals + 1
    WHERE customer_id IN (SELECT customer_id FROM asked)
)
SELECT address_id FROM asked
"""
_TRIES = 3  # an address may change its customer between the two statements


class Pointing(Connections):
    """What follows where a reply was kept back or lost."""

    async def _keep_back_pointers(self, failed: Sequence[int], unreachable: Collection[int] = ()) -> None:
        async with self._transaction() as connection:
            await keep_back_pointers(connection, failed, unreachable)


async def keep_back_pointers(
    connection: asyncpg.Connection, failed: Sequence[int], unreachable: Collection[int] = ()
) -> None:
    """Keep back what points to those that failed; `unreachable` are those of them whose address is."""
    pointers = await connection.fetch(KEEP_BACK_POINTERS, failed)
    again = [(row["id"], row["address_id"]) for row in pointers if row["after_id"] in unreachable]
    for _ in range(_TRIES):
        if not again:
            return
        lanes = [row["customer_id"] for row in await connection.fetch(_HOLD_LANES, [address for _, address in again])]
        taken = {row["address_id"] for row in await connection.fetch(_TAKE_AGAIN, *columns(again, 2), lanes)}
        again = [(id_, address) for id_, address in again if address not in taken]
