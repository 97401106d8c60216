"""Load, where agents have acted: the stretches of those customers, and what the acts are about in their threads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import asyncpg

from omnibot.model import CustomerId, DeliveryState, MessageId, Stretch, StretchId
from omnibot.store.message_path.connections import Connections, columns
from omnibot.store.stretches import STRETCH, stretch_of
from omnibot.store.work import SentByAgent, Unreadable, Work

_STRETCHES = f"""
SELECT l.customer_id, {STRETCH}
FROM unnest((SELECT $1::bigint[])) AS c(id)
CROSS JOIN LATERAL (SELECT customer_id, address_id FROM links WHERE customer_id = c.id OFFSET 0) AS l
CROSS JOIN LATERAL (SELECT * FROM stretches WHERE address_id = l.address_id OFFSET 0) AS s
WHERE s.ended_at IS NULL OR s.id = ANY($2::bigint[])
ORDER BY s.id
"""

# What an agent wrote may have left as several messages.
_SENT = """
SELECT q.stretch_id, q.entry, e.message_id, o.state, o.reason
FROM unnest((SELECT $1::bigint[]), $2::text[], $3::uuid[]) AS q(stretch_id, entry, provider_hash)
CROSS JOIN LATERAL (
    SELECT id FROM desk_entries
    WHERE stretch_id = q.stretch_id AND provider_hash = q.provider_hash AND kind = 'reply' OFFSET 0) AS first
CROSS JOIN LATERAL (
    SELECT message_id FROM desk_entries WHERE id = first.id
    UNION ALL SELECT message_id FROM desk_entries WHERE about_id = first.id AND kind = 'reply') AS e
JOIN outbox o ON o.id = e.message_id
ORDER BY e.message_id
"""


class ActLoading(Connections):
    """What the turns of those need whose matters agents have acted about."""

    async def _with_stretches(self, works: Sequence[Work]) -> Mapping[CustomerId, Work | Unreadable]:
        acts = [(item.stretch, item.act.entry) for work in works for item in work.items if item.act and item.stretch]
        about = sorted({stretch for stretch, _ in acts})
        asked = sorted({(stretch, entry, self._codec.provider_hash(entry)) for stretch, entry in acts if entry})
        async with self._connection() as connection:
            rows = await connection.fetch(_STRETCHES, [work.lease.customer for work in works], about)
            sent = await connection.fetch(_SENT, *columns(asked, 3)) if asked else []
        return {work.lease.customer: self._overseen(work, rows, sent) for work in works}

    def _overseen(
        self, work: Work, rows: Sequence[asyncpg.Record], sent: Sequence[asyncpg.Record]
    ) -> Work | Unreadable:
        try:
            theirs = tuple(self._stretches(row for row in rows if row["customer_id"] == work.lease.customer))
        except Exception as error:
            return Unreadable(work.lease, tuple(item.id for item in work.items), type(error).__name__)
        ids = {stretch.id for stretch in theirs}
        return replace(work, stretches=theirs, sent=tuple(_sent(row) for row in sent if row["stretch_id"] in ids))

    def _stretches(self, rows: Iterable[asyncpg.Record]) -> Iterable[Stretch]:
        return (stretch_of(self._codec, row) for row in rows)


def _sent(row: asyncpg.Record) -> SentByAgent:
    return SentByAgent(
        stretch=StretchId(row["stretch_id"]),
        entry=row["entry"],
        message=MessageId(row["message_id"]),
        state=DeliveryState(row["state"]),
        reason=row["reason"] or "",
    )
