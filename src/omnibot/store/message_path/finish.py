"""Finish: what the channels answered. A lost result is an `unknown`, so no sync to disk."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import asyncpg

from omnibot.model import Address, AddressId, DeliveryState, MessageId, Outbound
from omnibot.store.message_path.connections import columns
from omnibot.store.message_path.hold import SPEND, Holding
from omnibot.store.message_path.pointers import Pointing
from omnibot.store.message_path.reports import MARK_UNREACHABLE
from omnibot.store.payloads import parts_from_json
from omnibot.store.work import Result

# Tells whether more waits behind these at their addresses, or points to them. What has brought a code is scrubbed: the
# code is where it should be, or nowhere.
_FINISH = """
WITH done AS (
UPDATE outbox o SET state = r.state, reason = nullif(r.reason, ''), due_at = now() + r.after, leased_until = NULL,
    provider_hash = coalesce(r.provider_hash, o.provider_hash),
    provider_sealed = coalesce(r.provider_sealed, o.provider_sealed),
    sent_at = CASE WHEN r.state IN ('sent', 'unknown') THEN now() ELSE o.sent_at END, changed_at = now(),
    payload_sealed = CASE WHEN o.purpose = 'code' AND r.state IN ('sent', 'refused', 'dead')
        THEN '' ELSE o.payload_sealed END
FROM unnest((SELECT $1::bigint[]), $2::int[], $3::text[], $4::text[], $5::interval[], $6::uuid[], $7::bytea[])
    AS r(id, attempts, state, reason, after, provider_hash, provider_sealed),
    (SELECT set_config('synchronous_commit', 'off', true)) AS not_durable
WHERE o.id = r.id AND o.attempts = r.attempts AND o.state IN ('sending', 'unknown')
RETURNING o.id, o.address_id
)
SELECT EXISTS (SELECT FROM done CROSS JOIN LATERAL (
        SELECT FROM outbox WHERE address_id = done.address_id AND state = 'queued' LIMIT 1) AS behind)
    OR EXISTS (SELECT FROM done CROSS JOIN LATERAL (
        SELECT FROM outbox WHERE after_id = done.id AND state = 'queued' LIMIT 1) AS pointer)
"""

# A code that did not arrive is asked for again, or was asked for by somebody else.
_HAND_OFF = """
INSERT INTO handoffs (address_id, reason, at) SELECT DISTINCT h.address_id, h.reason, now()
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS h(id, address_id, reason)
JOIN outbox o ON o.id = h.id AND o.purpose <> 'code' ORDER BY h.address_id
ON CONFLICT (address_id, reason) WHERE resolved_at IS NULL AND turn_id IS NULL DO NOTHING
"""

_MOVE = """
UPDATE addresses SET context_sealed = m.context
FROM (SELECT a.id, m.context FROM unnest($1::bigint[], $2::bytea[]) AS m(id, context) JOIN addresses a ON a.id = m.id
      ORDER BY a.id FOR NO KEY UPDATE OF a) AS m
WHERE addresses.id = m.id
"""

# The worker of these died or hangs beyond its deadline: nobody can say whether the provider has them. As any `unknown`
# each costs one unit where there is a cap.
_ABANDON = """
WITH abandoned AS (
UPDATE outbox SET state = 'unknown', reason = 'interrupted while sending', leased_until = NULL, changed_at = now(),
    sent_at = now()
WHERE state = 'sending' AND leased_until < now() RETURNING channel, account
), billed AS (
    INSERT INTO spent (channel, account, hour, units)
    SELECT channel, account, date_trunc('hour', now()), count(*)
    FROM abandoned JOIN unnest($1::text[], $2::text[]) AS capped(channel, account) USING (channel, account)
    GROUP BY channel, account ORDER BY channel, account
    ON CONFLICT (channel, account, hour) DO UPDATE SET units = spent.units + EXCLUDED.units
)
SELECT count(*) FROM abandoned
"""

_UNKNOWN = """
SELECT o.id, o.address_id, o.attempts, o.payload_sealed, o.provider_sealed, o.created_at, o.changed_at, a.value_sealed
FROM outbox o JOIN addresses a ON a.id = o.address_id
WHERE o.state = 'unknown' AND o.channel = $1 AND o.account = $2 ORDER BY o.id DESC LIMIT $3
"""

# A message of the provider's is one of ours: what looks like it in its list may be another that said the same.
_TAKEN = """
SELECT r.id FROM unnest($1::bigint[], $2::bigint[], $3::uuid[]) AS r(id, address_id, provider_hash)
JOIN outbox o ON o.address_id = r.address_id AND o.provider_hash = r.provider_hash AND o.id <> r.id
"""


class Finishing(Pointing, Holding):
    """The last step of the message path, and what becomes of calls whose end nobody knows."""

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
        billed = [(r.id, r.attempts, r.units) for r in results if r.units]
        async with self._transaction() if gone or lost or moved or billed else self._connection() as connection:
            if billed:
                await connection.execute(SPEND, *columns(billed, 3))
            more: bool = await connection.fetchval(_FINISH, *columns(rows, 7))
            if gone:
                await connection.execute(MARK_UNREACHABLE, *columns(gone, 2))
            if lost:
                handoffs = [(r.id, r.address, f"reply not delivered: {r.reason}") for r in lost]
                await connection.execute(_HAND_OFF, *columns(handoffs, 3))
            if moved:
                await connection.execute(_MOVE, *columns(moved, 2))
        if lost:
            await self._keep_back_pointers([r.id for r in lost], {r.id for r in lost if r.unreachable})
        return more

    async def abandon(self, capped: Collection[tuple[str, str]] = ()) -> int:
        """Mark as `unknown` what a dead worker left in `sending`; tells how many.

        `capped` are the accounts that may spend only so much, for each of which it counts as one unit.
        """
        async with self._connection() as connection:
            count: int = await connection.fetchval(_ABANDON, *columns(sorted(capped), 2))
            return count

    async def unknown(self, channel: str, account: str, limit: int = 100) -> list[tuple[AddressId, Outbound]]:
        """Messages of an account of which nobody knows whether the provider has them, the latest first.

        Without those that this version cannot read.
        """
        async with self._connection() as connection:
            rows = await connection.fetch(_UNKNOWN, channel, account, limit)
        found = []
        for row in rows:
            with suppress(Exception):  # a newer version's
                outbound = replace(self._outbound(row, channel), tried=(row["created_at"], row["changed_at"]))
                found.append((AddressId(row["address_id"]), outbound))
        return found

    async def taken(self, results: Sequence[Result]) -> frozenset[MessageId]:
        """Which of them name a message of the provider's that another of ours is known to be."""
        rows = [(r.id, r.address, self._codec.provider_hash(r.provider_id)) for r in results if r.provider_id]
        if not rows:
            return frozenset()
        async with self._connection() as connection:
            return frozenset(row["id"] for row in await connection.fetch(_TAKEN, *columns(rows, 3)))

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
            heard_at=row.get("heard_at"),
        )
