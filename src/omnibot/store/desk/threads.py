"""Threads: where a stretch is shown, and by when something must be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from omnibot.contract.desk import Place
from omnibot.model import StretchId
from omnibot.store.desk.find import ATTENDED, WHOSE, Finding, attended_of
from omnibot.store.desk.values import Attended, NewEntry, Refresh
from omnibot.store.message_path.connections import columns
from omnibot.store.stretches import ONE_REFRESH

HOLD = "SELECT address_id FROM stretches WHERE id = $1 FOR NO KEY UPDATE"

_ENQUEUE = f"""
INSERT INTO desk_entries (stretch_id, address_id, kind, state, at, due_at, payload_sealed)
SELECT $1, $2, kind, 'queued', now(), now(), payload
FROM unnest((SELECT $3::text[]), $4::bytea[]) WITH ORDINALITY AS e(kind, payload, ord) ORDER BY ord
{ONE_REFRESH}"""

# What a dead process left behind may have come to its end.
_CLAIM_OPENING = f"""
WITH claimed AS (
    UPDATE stretches SET openings = openings + 1, opening_until = now() + $2::interval,
        doubtful = doubtful OR opening_until IS NOT NULL
    WHERE id IN (
        SELECT id FROM stretches WHERE place_hash IS NULL AND ended_at IS NULL AND opening_due <= now()
            AND (opening_until IS NULL OR opening_until < now())
        ORDER BY opening_due, id LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING *
)
SELECT {ATTENDED} FROM claimed s {WHOSE} ORDER BY s.id
"""

# A thread is one stretch's for ever.
_PLACE = """
WITH there AS (
    INSERT INTO desk_places AS p (place_hash, stretch_id, address_id, at)
    SELECT $2, id, address_id, now() FROM stretches WHERE id = $1 AND place_hash IS NULL
    ON CONFLICT (place_hash) DO UPDATE SET at = now() WHERE p.stretch_id = EXCLUDED.stretch_id RETURNING stretch_id
)
UPDATE stretches s SET place_hash = $2, place_sealed = $3, room_number = $4, opening_until = NULL, doubtful = false,
    card_hash = ''
FROM there WHERE s.id = there.stretch_id RETURNING s.id
"""

_OPEN_LATER = """
UPDATE stretches SET opening_due = now() + $2::interval, opening_until = NULL, doubtful = doubtful OR $3
WHERE id = $1 AND place_hash IS NULL
"""

# Whatever is not shown yet is shown in the new thread, in its order. Rooms that let threads begin and then take nothing
# are not filled with threads: from the third within an hour on it takes a while.
_REFUSE = """
WITH left_it AS (
    UPDATE stretches s SET place_hash = NULL, place_sealed = NULL, room_number = $2, card_hash = '',
        opening_due = now() + (
            SELECT CASE WHEN count(*) < 3 THEN 0 ELSE LEAST(2 ^ LEAST(count(*), 20), 900) END
            FROM desk_places WHERE address_id = s.address_id AND stretch_id = s.id AND at > now() - interval '1 h'
        ) * interval '1 s', opening_until = NULL, doubtful = false
    WHERE s.id = $1 RETURNING s.id
)
UPDATE desk_entries e SET leased_until = NULL, due_at = now(), attempts = 0 FROM left_it
WHERE e.stretch_id = left_it.id AND e.state = 'queued'
"""

# What came in between is looked at once more.
_LEVELS = """
UPDATE stretches SET first_due = $2, next_due = $3, resolve_due = $4,
    look_at = CASE WHEN look_at IS NOT DISTINCT FROM $6::timestamptz THEN $5 ELSE look_at END
WHERE id = $1
"""

_DUE = f"""
SELECT {ATTENDED} FROM stretches s {WHOSE} WHERE s.ended_at IS NULL AND s.look_at <= $1
ORDER BY s.look_at, s.id LIMIT $2
"""

_REMIND = """
UPDATE stretches SET reminded = reminded || jsonb_build_object($2::text, $3::timestamptz)
WHERE id = $1 AND ended_at IS NULL AND (NOT reminded ? $2 OR (reminded ->> $2)::timestamptz < $4) RETURNING id
"""


class Threads(Finding):
    """What is written of a stretch's thread, beside its lines."""

    async def enqueue(self, stretch: StretchId, entries: Sequence[NewEntry | Refresh]) -> None:
        """Add to a thread; a refresh that waits already does for another."""
        async with self._transaction() as connection:
            await self._enqueue(connection, stretch, entries)

    async def _enqueue(
        self, connection: asyncpg.Connection, stretch: StretchId, entries: Sequence[NewEntry | Refresh]
    ) -> None:
        if not entries:
            return
        address = await connection.fetchval(HOLD, stretch)
        if address is None:
            return  # it is erased
        rows: list[tuple[Any, ...]] = []
        for entry in dict.fromkeys(entries):
            if isinstance(entry, Refresh):
                rows.append(("refresh", None))
            else:
                body = {key: value for key, value in asdict(entry).items() if value and key != "kind"}
                rows.append((entry.kind.value, self._codec.seal(address, body)))
        await connection.execute(_ENQUEUE, stretch, address, *columns(rows, 2))

    # --- where it is shown ---

    async def claim_opening(self, limit: int, lease: float) -> list[Attended]:
        """Open stretches that have no thread, each for `lease` seconds: end it by `placed`, `open_later` or a room."""
        async with self._connection() as connection:
            rows = await connection.fetch(_CLAIM_OPENING, limit, timedelta(seconds=lease))
        return [attended_of(self._codec, row) for row in rows]

    async def placed(self, stretch: StretchId, place: Place, room: int) -> bool:
        """It has its thread; False where it has one already, or is gone."""
        hash_ = self._codec.place_hash(place.desk, place.room, place.thread)
        async with self._transaction() as connection:
            address = await connection.fetchval(HOLD, stretch)
            if address is None:
                return False
            sealed = self._codec.seal(address, asdict(place))
            return await connection.fetchval(_PLACE, stretch, hash_, sealed, room) is not None

    async def open_later(self, stretch: StretchId, after: float, *, doubtful: bool = False) -> None:
        """Its thread could not be begun, or (`doubtful`) nobody knows whether it was: again after so many seconds."""
        async with self._connection() as connection:
            await connection.execute(_OPEN_LATER, stretch, timedelta(seconds=after), doubtful)

    async def refused_room(self, stretch: StretchId, next_room: int) -> None:
        """Its room takes nothing more: it is opened anew in another, with all that has not been shown."""
        async with self._connection() as connection:
            await connection.execute(_REFUSE, stretch, next_room)

    async def card_shown(self, stretch: StretchId, card_hash: str) -> None:
        """The card is shown as it then was."""
        async with self._connection() as connection:
            await connection.execute("UPDATE stretches SET card_hash = $2 WHERE id = $1", stretch, card_hash)

    # --- by when something must be done ---

    async def levels(
        self,
        stretch: StretchId,
        *,
        first_due: datetime | None,
        next_due: datetime | None,
        resolve_due: datetime | None,
        look_at: datetime | None,
        seen: datetime | None,
    ) -> None:
        """By when people must have answered first, next, and solved it, and when that is to be looked at next.

        `seen` is the `look_at` of the stretch that this was found of.
        """
        async with self._connection() as connection:
            await connection.execute(_LEVELS, stretch, first_due, next_due, resolve_due, look_at, seen)

    async def due_levels(self, now: datetime, limit: int) -> list[Attended]:
        """Open ones whose levels are to be looked at, the longest due first. A new one is at once."""
        return await self._attended(_DUE, now, limit)

    async def reminded(
        self,
        stretch: StretchId,
        which: str,
        at: datetime,
        entries: Sequence[NewEntry | Refresh] = (),
        *,
        since: datetime | None = None,
    ) -> bool:
        """The team is reminded of this, by these lines; False, and nothing is added, where it was before (`since`)."""
        async with self._transaction() as connection:
            first = await connection.fetchval(_REMIND, stretch, which, at, since) is not None
            if first:
                await self._enqueue(connection, stretch, entries)
        return first
