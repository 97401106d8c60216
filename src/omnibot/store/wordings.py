"""What a language model is asked for in a day, of all processes: how many replies are its own, why not, and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import asyncpg

from omnibot.store.availability import unavailable

__all__ = ["Day", "Wordings"]

_IN, _OUT = "tokens_in", "tokens_out"

_ADD = """
INSERT INTO wordings AS w (day, by, count)
SELECT (now() AT TIME ZONE 'UTC')::date, n.by, n.count FROM unnest($1::text[], $2::bigint[]) AS n(by, count)
ORDER BY n.by
ON CONFLICT (day, by) DO UPDATE SET count = w.count + EXCLUDED.count
"""
_TODAY = "SELECT by, count FROM wordings WHERE day = (now() AT TIME ZONE 'UTC')::date"


@dataclass(frozen=True, slots=True)
class Day:
    """What came of it on one day."""

    replies: Mapping[str, int] = field(default_factory=dict)  # `model`, or why the voice pack's words were sent
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def fallbacks(self) -> float:
        """The share of those replies that the model did not write, 0…1."""
        every = sum(self.replies.values())
        return 1 - self.replies.get("model", 0) / every if every else 0.0


class Wordings:
    """The counts of one database. All methods raise StoreUnavailable when it cannot be reached."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def add(self, replies: Mapping[str, int], tokens_in: int, tokens_out: int) -> Day:
        """Add to today's, and tell what they are now."""
        counts = {by: count for by, count in {**replies, _IN: tokens_in, _OUT: tokens_out}.items() if count}
        if counts:
            with unavailable():
                await self._pool.execute(_ADD, list(counts.keys()), list(counts.values()))
        return await self.today()

    async def today(self) -> Day:
        """By the database's clock, in UTC."""
        with unavailable():
            rows = await self._pool.fetch(_TODAY)
        counts = {row["by"]: row["count"] for row in rows}
        return Day(counts, counts.pop(_IN, 0), counts.pop(_OUT, 0))
