"""Show: the next line of each thread, for whoever hands it to the desk; what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import asyncpg

from omnibot.contract.desk import Place
from omnibot.model import AddressId, DeliveryState, Direction, Entry, EntryKind, File, MessageId, StretchId
from omnibot.store.desk.adopt import Adopting
from omnibot.store.desk.threads import HOLD
from omnibot.store.desk.values import Mark, NewEntry, Refresh, ToShow
from omnibot.store.payloads import text_of

_FILES_SECONDS = 30  # for which a line waits for the files of its message

# The first line of each thread that is not shown, by one look into the index a thread.
_CLAIM = f"""
WITH RECURSIVE head AS (
    (SELECT stretch_id, id FROM desk_entries WHERE state = 'queued' ORDER BY stretch_id, id LIMIT 1)
    UNION ALL
    SELECT n.stretch_id, n.id FROM head h CROSS JOIN LATERAL (
        SELECT stretch_id, id FROM desk_entries WHERE state = 'queued' AND stretch_id > h.stretch_id
        ORDER BY stretch_id, id LIMIT 1) AS n
), ready AS MATERIALIZED (
    SELECT e.id, e.leased_until IS NOT NULL AS interrupted
    FROM head h CROSS JOIN LATERAL (SELECT * FROM stretches WHERE id = h.stretch_id OFFSET 0) AS s
    JOIN desk_entries e ON e.id = h.id
    WHERE s.place_hash IS NOT NULL AND e.state = 'queued' AND e.due_at <= now()
        AND (e.leased_until IS NULL OR e.leased_until < now())
        AND NOT EXISTS (
            SELECT FROM attachments f WHERE f.address_id = e.address_id AND f.message_id = e.message_id
                AND f.state = 'pending' AND e.at > now() - interval '{_FILES_SECONDS} s')
    ORDER BY e.due_at, e.id LIMIT $1 FOR UPDATE OF e SKIP LOCKED
)
UPDATE desk_entries e SET leased_until = now() + $2::interval, attempts = attempts + 1,
    marked = CASE WHEN kind <> 'refresh' THEN marked END
FROM ready WHERE e.id = ready.id
RETURNING e.id, ready.interrupted
"""

# What the claimed lines say, younger than the claim. A mark tells the state of all that its line has brought: what
# failed, or what has come least far.
_READ = """
SELECT e.id, e.stretch_id, e.address_id, e.kind, e.at, e.attempts, e.payload_sealed, e.provider_sealed,
    s.address_id AS owner_id, s.place_sealed, about.provider_sealed AS about_sealed, sent.message_id AS sent_id,
    sent.state AS sent_state, sent.reason AS sent_reason, m.id AS message_id, m.direction, m.at AS said_at,
    m.address_id AS said_where, m.body_sealed, r.body_sealed AS revised_sealed, a.channel,
    name.address_id AS name_owner, name.value_sealed AS name_sealed, ARRAY(
        SELECT ROW(f.name_sealed, f.media_type, f.size, f.file_key) FROM attachments f
        WHERE f.address_id = m.address_id AND f.message_id = m.id ORDER BY f.id) AS files
FROM unnest((SELECT $1::bigint[])) AS c(id)
JOIN desk_entries e ON e.id = c.id JOIN stretches s ON s.id = e.stretch_id
LEFT JOIN desk_entries about ON e.kind = 'mark' AND about.id = e.about_id
LEFT JOIN LATERAL (
    SELECT q.message_id, o.state, o.reason FROM (
        SELECT about.message_id UNION ALL
        SELECT message_id FROM desk_entries WHERE about_id = about.id AND kind = 'reply') AS q
    JOIN outbox o ON o.id = q.message_id
    ORDER BY array_position(ARRAY['refused', 'dead', 'suppressed', 'unknown', 'held', 'queued', 'sending', 'sent',
                                  'delivered', 'read'], o.state::text), q.message_id LIMIT 1) AS sent ON true
LEFT JOIN messages m ON m.address_id = e.address_id AND m.id = e.message_id
LEFT JOIN addresses a ON a.id = m.address_id
LEFT JOIN LATERAL (
    SELECT body_sealed FROM revisions WHERE address_id = m.address_id AND message_id = m.id
    ORDER BY at DESC, id DESC LIMIT 1) AS r ON true
LEFT JOIN LATERAL (
    SELECT f.address_id, f.value_sealed FROM links l JOIN links theirs ON theirs.customer_id = l.customer_id
    JOIN facts f ON f.address_id = theirs.address_id AND f.key = 'name' AND f.valid_to IS NULL
    WHERE l.address_id = m.address_id AND m.direction = 'in'
    ORDER BY f.confidence DESC, f.valid_from DESC, f.id DESC LIMIT 1) AS name ON true
ORDER BY e.id
"""

# A mark whose message has come further meanwhile is shown again, and so is a card that has changed meanwhile.
_SHOWN = """
UPDATE desk_entries SET shown_at = now(), leased_until = NULL, provider_hash = coalesce($2, provider_hash),
    provider_sealed = coalesce($3, provider_sealed), attempts = CASE WHEN marked <> $4 THEN 0 ELSE attempts END,
    state = CASE WHEN marked <> $4 THEN 'queued' ELSE 'shown' END
WHERE id = $1 AND state IN ('queued', 'unknown')
"""

_LATER = """
UPDATE desk_entries SET due_at = now() + $3::interval, leased_until = NULL, reason = $4
WHERE id = $1 AND attempts = $2 AND state = 'queued'
"""

_END = """
UPDATE desk_entries SET state = $3, leased_until = NULL, reason = $4
WHERE id = $1 AND attempts = $2 AND state = 'queued' RETURNING id
"""

_KINDS = {Direction.IN: EntryKind.HEARD, Direction.OUT: EntryKind.SAID}


class Showing(Adopting):
    """What waits to be shown."""

    async def due(self, limit: int, lease_seconds: float) -> list[ToShow]:
        """The next line of each thread, for so many seconds: end each by `shown`, `later`, `failed` or `unknown`.

        A thread's next line comes when that has ended. What cannot be read by this version has failed.
        """
        while True:
            async with self._connection() as connection:
                claimed = await connection.fetch(_CLAIM, limit, timedelta(seconds=lease_seconds))
                interrupted = {row["id"]: row["interrupted"] for row in claimed}
                rows = await connection.fetch(_READ, list(interrupted)) if claimed else []
            ready = []
            for row in rows:
                if row["place_sealed"] is None:
                    continue  # its room has just been left: it comes again in the next one
                try:
                    ready.append(self._to_show(row, interrupted=interrupted[row["id"]]))
                except Exception as error:
                    await self._end(row["id"], row["attempts"], "failed", type(error).__name__)
            if ready or not rows:
                return ready

    async def shown(self, shown: ToShow, provider_id: str = "") -> None:
        """It stands in the thread, by this id there. Counts however late it comes."""
        hash_ = self._codec.provider_hash(provider_id) if provider_id else None
        match shown.what:
            case Mark(state=reached):
                state: str | None = reached.value
            case Refresh():
                state = ""
            case _:
                state = None
        sealed = self._codec.seal(shown.address, provider_id) if provider_id else None
        async with self._connection() as connection:
            await connection.execute(_SHOWN, shown.id, hash_, sealed, state)

    async def later(self, shown: ToShow, after: float, reason: str = "") -> None:
        """It was not shown; again after so many seconds, until when its thread waits."""
        async with self._connection() as connection:
            await connection.execute(_LATER, shown.id, shown.attempts, timedelta(seconds=after), reason)

    async def failed(self, shown: ToShow, reason: str) -> None:
        """It never will be shown; the thread goes on."""
        await self._end(shown.id, shown.attempts, "failed", reason)

    async def unknown(self, shown: ToShow, reason: str, again: Sequence[NewEntry] = ()) -> None:
        """It may have been shown, and is not repeated; the thread goes on, with what tells of that (`again`)."""
        async with self._transaction() as connection:
            await connection.fetchval(HOLD, shown.stretch)
            ended = await connection.fetchval(_END, shown.id, shown.attempts, "unknown", reason)
            if ended is not None:
                await self._enqueue(connection, shown.stretch, again)

    async def _end(self, id_: int, attempts: int, state: str, reason: str) -> None:
        async with self._connection() as connection:
            await connection.execute(_END, id_, attempts, state, reason)

    # --- rows as values ---

    def _to_show(self, row: asyncpg.Record, *, interrupted: bool) -> ToShow:
        return ToShow(
            id=row["id"],
            stretch=StretchId(row["stretch_id"]),
            address=AddressId(row["address_id"]),
            place=Place(**self._codec.open(row["owner_id"], row["place_sealed"])),
            what=self._what(row),
            attempts=row["attempts"],
            interrupted=interrupted,
        )

    def _what(self, row: asyncpg.Record) -> Entry | Mark | Refresh:
        if row["kind"] == "refresh":
            return Refresh()
        if row["kind"] == "mark":
            about = row["about_sealed"]
            return Mark(
                entry=self._codec.open_text(row["address_id"], about) if about else "",
                message=MessageId(row["sent_id"]),
                state=DeliveryState(row["sent_state"]),
                reason=row["sent_reason"] or "",
            )
        return self._line(row) if row["payload_sealed"] else self._message(row)

    def _line(self, row: asyncpg.Record) -> Entry:
        body = self._codec.open(row["address_id"], row["payload_sealed"])
        return Entry(
            id=row["id"],
            kind=EntryKind(row["kind"]),
            at=row["at"],
            text=body["text"],
            name=body.get("name", ""),
            channel=body.get("channel", ""),
            files=tuple(_file(file) for file in body.get("files", ())),
            to=body.get("to", ""),
            about=body.get("about", ""),
        )

    def _message(self, row: asyncpg.Record) -> Entry:
        where, sealed = row["said_where"], row["revised_sealed"] or row["body_sealed"]
        said = self._codec.open(where, row["body_sealed"])
        by = said.get("by", "")
        if row["name_sealed"]:
            by = self._codec.open_text(row["name_owner"], row["name_sealed"])
        return Entry(
            id=row["id"],
            kind=_KINDS[Direction(row["direction"])],
            at=row["said_at"],
            text=text_of(self._codec.open(where, sealed)),
            name=by,
            channel=row["channel"],
            files=tuple(self._attached(where, row["files"])),
        )

    def _attached(self, owner: int, files: Iterable[Sequence[Any]]) -> Iterable[File]:
        """Those that could not be had have no reference."""
        for name, media_type, size, key in files:
            yield File(self._codec.open_text(owner, name), media_type, size or 0, f"kept:{key}" if key else "")


def _file(stored: Mapping[str, Any]) -> File:
    return File(**stored)
