"""Resolve: what the evidence did not settle, a person has."""

from __future__ import annotations

import asyncpg

from omnibot.store.identity.match import Matching
from omnibot.store.identity.merge import Ground
from omnibot.store.identity.move import Noted
from omnibot.store.identity.standing import IDS, End
from omnibot.store.identity.values import Resolution, Ruling, UnknownCustomer, UnknownReview, Verdict

_REVIEW = "SELECT left_id, right_id, evidence FROM reviews WHERE id = $1 AND resolved_at IS NULL FOR UPDATE"

_RESOLVE = "UPDATE reviews SET resolved_at = now(), resolution = $2 WHERE id = $1"

# That they are two is kept as a merge that is undone for good.
_APART = """
INSERT INTO merges (left_id, right_id, rule, at, undone_at, undone_by, apart)
VALUES ($1, $2, 'review', now(), now(), $3, true) RETURNING id
"""


class Resolving(Matching):
    """The ends of reviews."""

    async def _resolve_review(
        self, connection: asyncpg.Connection, review: int, resolution: Resolution, by: str, reason: str
    ) -> Ruling:
        # Links come before reviews, as everywhere.
        seen = await connection.fetchrow(_REVIEW.removesuffix(" FOR UPDATE"), review) if review < IDS else None
        if seen is None:
            raise UnknownReview(review)
        left, right = End(seen["left_id"], name="the one"), End(seen["right_id"], name="the other")
        standing = await self._hold(connection, {left.home, right.home})
        if await connection.fetchrow(_REVIEW, review) is None:
            raise UnknownReview(review)
        customer = standing.side(left.home).customer
        ruling = Ruling(verdict=Verdict.REFUSED, customer=customer, why="they are two")
        if resolution is Resolution.MERGE:
            for end in (left, right):
                if not standing.side(end.home).links:
                    raise UnknownCustomer(end.home)
            ground = Ground(rule=seen["evidence"][:64] or "review", by=by, reason=reason)
            ruling = await self._merge(connection, standing, left, right, ground)
        elif right.home not in standing.side(left.home).homes:
            await self._keep_apart(connection, left.home, right.home, by, reason)
        if resolution is Resolution.MERGE and ruling.verdict is Verdict.REFUSED:
            return ruling  # it stays open: a shared address takes another way
        await connection.execute(_RESOLVE, review, resolution)
        note = Noted(act="resolve", customer=left.home, other=right.home, evidence=resolution, by=by, reason=reason)
        await self._log(connection, note)
        return ruling

    async def _keep_apart(self, connection: asyncpg.Connection, left: int, right: int, by: str, reason: str) -> None:
        merge = await connection.fetchval(_APART, left, right, by)
        note = Noted(act="apart", customer=left, other=right, merge=merge, evidence="review", by=by, reason=reason)
        await self._log(connection, note)
