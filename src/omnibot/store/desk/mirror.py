"""Mirror: what is said to and by customers with open stretches becomes lines of their threads, each once and in order.

Messages are numbered before they are committed, so one with a smaller number may come later: of the last minute each is
looked at again, and none is entered twice.
"""

from __future__ import annotations

import time

from omnibot.store.desk.adopt import MARKING, MIRRORING, TRY_LOCK
from omnibot.store.desk.show import Showing
from omnibot.store.past import IMPORTED
from omnibot.store.stretches import ONE_REFRESH

_SETTLE_SECONDS = 30.0  # between two looks for what need not be looked at again

# Of what ended just now, what was said before is shown, too.
_MIRROR = f"""
WITH found AS MATERIALIZED (
    SELECT s.id AS stretch_id, m.*
    FROM (SELECT id, address_id, seen_id, ended_at FROM stretches WHERE ended_at IS NULL
          UNION ALL SELECT id, address_id, seen_id, ended_at FROM stretches
          WHERE ended_at > now() - interval '120 s') AS s
    CROSS JOIN LATERAL (SELECT customer_id FROM links WHERE address_id = s.address_id OFFSET 0) AS w
    CROSS JOIN LATERAL (
        SELECT n.* FROM (SELECT address_id FROM links WHERE customer_id = w.customer_id OFFSET 0) AS l
        CROSS JOIN LATERAL (
            SELECT m.id, m.address_id, m.direction, m.received_at, m.automatic FROM messages m
            WHERE m.address_id = l.address_id AND m.id > s.seen_id AND m.flags IS DISTINCT FROM '{IMPORTED}'
                AND (s.ended_at IS NULL OR m.received_at <= s.ended_at)
                AND (SELECT e.id FROM desk_entries e WHERE e.stretch_id = s.id AND e.message_id = m.id) IS NULL
            ORDER BY m.id LIMIT $1) AS n
        ORDER BY n.id LIMIT $1) AS m
    ORDER BY m.id LIMIT $1
), held AS MATERIALIZED (
    SELECT s.id, s.replied_id FROM stretches s WHERE s.id IN (SELECT stretch_id FROM found)
    ORDER BY s.id FOR NO KEY UPDATE
), entered AS (
    INSERT INTO desk_entries (stretch_id, address_id, kind, message_id, state, at, due_at)
    SELECT f.stretch_id, f.address_id, CASE f.direction WHEN 'in' THEN 'heard' ELSE 'said' END, f.id, 'queued', now(),
        now()
    FROM found f JOIN held ON held.id = f.stretch_id ORDER BY f.stretch_id, f.id
    ON CONFLICT (stretch_id, message_id) WHERE message_id IS NOT NULL DO NOTHING
    RETURNING stretch_id, message_id
), refreshed AS (
    INSERT INTO desk_entries (stretch_id, address_id, kind, state, at, due_at)
    SELECT s.id, s.address_id, 'refresh', 'queued', now(), now() FROM stretches s
    WHERE s.id IN (SELECT stretch_id FROM entered) ORDER BY s.id
    {ONE_REFRESH}
), asked AS (
    UPDATE stretches s SET asked_at = LEAST(s.asked_at, a.at), look_at = now()
    FROM (SELECT f.stretch_id, min(f.received_at) AS at FROM found f JOIN held ON held.id = f.stretch_id
          WHERE f.direction = 'in' AND f.automatic IS NULL AND f.id > held.replied_id GROUP BY f.stretch_id) AS a
    WHERE s.id = a.stretch_id
)
SELECT count(*) FROM entered
"""

# What has been entered for two minutes was committed after all that has a smaller number, or that never will be.
_SETTLE = """
UPDATE stretches s SET seen_id = e.id
FROM (SELECT id FROM stretches WHERE ended_at IS NULL ORDER BY id FOR NO KEY UPDATE SKIP LOCKED) AS o
CROSS JOIN LATERAL (
    SELECT max(message_id) AS id FROM desk_entries
    WHERE stretch_id = o.id AND message_id IS NOT NULL AND at < now() - interval '120 s') AS e
WHERE s.id = o.id AND e.id > s.seen_id
"""

_SINCE = """
SELECT coalesce((SELECT value::timestamptz FROM meta WHERE key = 'desk.marked'), now() - interval '1 d')
    - interval '60 s'
"""

# A line stands for all messages that it has brought: it failed where one of them did, and has come as far as the last.
_MARK = """
WITH changed AS MATERIALIZED (
    SELECT DISTINCT coalesce(e.about_id, e.id) AS id
    FROM (SELECT id FROM outbox WHERE purpose = 'agent' AND changed_at > $1) AS o
    JOIN desk_entries e ON e.message_id = o.id AND e.kind = 'reply'
), now_at AS MATERIALIZED (
    SELECT e.id, e.stretch_id, e.address_id, coalesce(nullif(o.state, 'sending'), 'queued') AS state
    FROM changed c JOIN desk_entries e ON e.id = c.id
    CROSS JOIN LATERAL (
        SELECT o.state FROM (
            SELECT e.message_id UNION ALL
            SELECT message_id FROM desk_entries WHERE about_id = e.id AND kind = 'reply') AS q
        JOIN outbox o ON o.id = q.message_id
        ORDER BY array_position(ARRAY['refused', 'dead', 'suppressed', 'unknown', 'held', 'queued', 'sending', 'sent',
                                      'delivered', 'read'], o.state::text) LIMIT 1) AS o
    WHERE coalesce(nullif(o.state, 'sending'), 'queued') <> e.marked
), held AS MATERIALIZED (
    SELECT id FROM stretches WHERE id IN (SELECT stretch_id FROM now_at) ORDER BY id FOR NO KEY UPDATE
), noted AS (
    UPDATE desk_entries e SET marked = n.state FROM now_at n JOIN held ON held.id = n.stretch_id WHERE e.id = n.id
), entered AS (
    INSERT INTO desk_entries (stretch_id, address_id, kind, about_id, state, at, due_at, marked)
    SELECT n.stretch_id, n.address_id, 'mark', n.id, 'queued', now(), now(), n.state
    FROM now_at n JOIN held ON held.id = n.stretch_id ORDER BY n.stretch_id, n.id
    ON CONFLICT (about_id) WHERE kind = 'mark' AND state = 'queued' DO UPDATE SET marked = EXCLUDED.marked
    RETURNING id
)
SELECT count(*) FROM entered
"""

_MARKED = """
INSERT INTO meta (key, value) VALUES ('desk.marked', now()::text)
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value
WHERE meta.value::timestamptz < now() - interval '10 s'
"""


class Mirroring(Showing):
    """What goes from the timelines into the threads."""

    _settled_at = 0.0

    async def mirror(self, limit: int) -> int:
        """Enter messages that are not entered yet, at most so many, and marks of what has come further; how many.

        While another process is at it there is nothing to do here.
        """
        return await self._enter(limit) + await self._mark()

    async def _enter(self, limit: int) -> int:
        async with self._transaction() as connection:
            if not await connection.fetchval(TRY_LOCK, MIRRORING):
                return 0
            entered: int = await connection.fetchval(_MIRROR, limit)
        if entered < limit and time.monotonic() - self._settled_at > _SETTLE_SECONDS:
            async with self._connection() as connection:
                await connection.execute(_SETTLE)
            await self.revive()
            self._settled_at = time.monotonic()
        return entered

    async def _mark(self) -> int:
        """A transaction of its own: whoever locks several stretches does so in the order of their numbers."""
        async with self._transaction() as connection:
            if not await connection.fetchval(TRY_LOCK, MARKING):
                return 0
            marked: int = await connection.fetchval(_MARK, await connection.fetchval(_SINCE))
            await connection.execute(_MARKED)
        return marked
