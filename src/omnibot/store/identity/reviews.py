"""Reviews: what the evidence does not settle waits for a person."""

from __future__ import annotations

import asyncpg

from omnibot.store.identity.move import Moving, Noted

_PARK = """
INSERT INTO reviews (left_id, right_id, reason, evidence, at) VALUES ($1, $2, $3, $4, now())
ON CONFLICT (least(left_id, right_id), greatest(left_id, right_id)) WHERE resolved_at IS NULL DO NOTHING RETURNING id
"""

_OPEN = """
SELECT id FROM reviews WHERE resolved_at IS NULL
    AND least(left_id, right_id) = least($1::bigint, $2) AND greatest(left_id, right_id) = greatest($1::bigint, $2)
"""


class Parking(Moving):
    """Puts what it cannot decide before people, once."""

    async def _park(
        self, connection: asyncpg.Connection, left: int, right: int, reason: str, evidence: str, by: str
    ) -> int:
        """The review of these two homes: a new one, or the one that is open."""
        review: int | None = await connection.fetchval(_PARK, left, right, reason, evidence)
        if review is None:
            return await connection.fetchval(_OPEN, left, right) or 0
        await self._log(
            connection, Noted(act="review", customer=left, other=right, evidence=evidence, by=by, reason=reason)
        )
        return review
