"""Adopt: hand-offs find the stretch in which people take care of them, an open one or a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from omnibot.model import AddressId, CaseId, Stretch, StretchId
from omnibot.store.desk.threads import Threads
from omnibot.store.desk.values import Adopted, NewEntry, Refresh
from omnibot.store.message_path.connections import columns
from omnibot.store.recorded import record_of
from omnibot.store.stretches import STRETCH, stretch_body, stretch_of

_DAYS = 7  # after which a hand-off that no desk has seen stays in the list of those that wait

Tell = Callable[[Adopted], Sequence[NewEntry | Refresh]]

ADOPTING, MIRRORING, MARKING = 0x6F6D0001, 0x6F6D0002, 0x6F6D0003  # one process of all does each at a time
TRY_LOCK = "SELECT pg_try_advisory_xact_lock($1)"

# Who has waited longer than the desk is there, and writes again, is heard: the bot is silent about what people have.
_REVIVE = f"""
UPDATE handoffs h SET at = again.at
FROM (
    SELECT old.id, max(m.received_at) AS at FROM (
        SELECT id, address_id FROM handoffs
        WHERE stretch_id IS NULL AND resolved_at IS NULL AND at <= now() - interval '{_DAYS} d' AND turn_id IS NOT NULL
        ORDER BY id DESC LIMIT 5000) AS old
    CROSS JOIN LATERAL (SELECT customer_id FROM links WHERE address_id = old.address_id OFFSET 0) AS w
    CROSS JOIN LATERAL (SELECT address_id FROM links WHERE customer_id = w.customer_id OFFSET 0) AS l
    CROSS JOIN LATERAL (
        SELECT received_at FROM messages WHERE address_id = l.address_id AND direction = 'in'
        ORDER BY id DESC LIMIT 1) AS m
    WHERE m.received_at > now() - interval '1 h' GROUP BY old.id) AS again
WHERE h.id = again.id
"""

# Whose they are may change at any time: a stretch follows its address all the same.
_NEW = f"""
SELECT h.id, h.address_id, h.turn_id, h.reason, h.at, l.customer_id, t.matter_id, t.record_sealed
FROM (SELECT * FROM handoffs
      WHERE stretch_id IS NULL AND resolved_at IS NULL AND at > now() - interval '{_DAYS} d'
      ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) AS h
CROSS JOIN LATERAL (SELECT customer_id FROM links WHERE address_id = h.address_id OFFSET 0) AS l
LEFT JOIN turns t ON t.id = h.turn_id
ORDER BY h.id
"""

_OPEN = f"""
SELECT l.customer_id, {STRETCH}
FROM unnest((SELECT $1::bigint[])) AS c(id)
CROSS JOIN LATERAL (SELECT customer_id, address_id FROM links WHERE customer_id = c.id OFFSET 0) AS l
JOIN stretches s ON s.address_id = l.address_id AND s.ended_at IS NULL
ORDER BY s.id FOR NO KEY UPDATE OF s
"""

_OPEN_NEW = """
INSERT INTO stretches (address_id, matter_id, team, priority, state, body_sealed, opened_at, asked_at, seen_id,
                       opening_due, look_at)
VALUES ($1, $2, $3, $4, 'waiting', $5, $6, $6, $7, now(), now()) RETURNING id
"""

_GO_ON = "UPDATE stretches SET matter_id = $2, priority = $3, asked_at = coalesce(asked_at, $4) WHERE id = $1"

_ADOPT = """
UPDATE handoffs h SET stretch_id = a.stretch_id
FROM unnest((SELECT $1::bigint[]), $2::bigint[]) AS a(id, stretch_id) WHERE h.id = a.id
"""

# What has come in the minute before may be committed after what has come later: from there on each message is looked
# at. Those that the card tells of are no lines of the thread.
_BEFORE = """
SELECT coalesce(max(m.id), 0) FROM links l CROSS JOIN LATERAL (
    SELECT id FROM messages WHERE address_id = l.address_id AND received_at < $2::timestamptz - interval '60 s'
    ORDER BY id DESC LIMIT 1) AS m
WHERE l.customer_id = $1
"""
_SINCE = """
SELECT m.id, m.address_id, m.direction, m.received_at, o.turn_id, EXISTS (
    SELECT FROM inbox WHERE customer_id = $1 AND message_id = m.id) AS waits
FROM links l CROSS JOIN LATERAL (SELECT * FROM messages WHERE address_id = l.address_id AND id > $2 OFFSET 0) AS m
LEFT JOIN outbox o ON o.id = m.id
WHERE l.customer_id = $1
"""
_LATER_TURNS = """
SELECT t.address_id, t.record_sealed FROM links l CROSS JOIN LATERAL (
    SELECT * FROM turns WHERE address_id = l.address_id AND id > $2 OFFSET 0) AS t
WHERE l.customer_id = $1
"""
_COVER = """
INSERT INTO desk_entries (stretch_id, address_id, kind, message_id, state, at, due_at)
SELECT $1, address_id, 'covered', id, 'shown', now(), now()
FROM unnest((SELECT $2::bigint[]), $3::bigint[]) AS m(address_id, id)
"""

_WITHOUT = "support"  # takes what is given to no team
_PRIORITIES = ("normal", "high", "urgent")


@dataclass(frozen=True, slots=True)
class _Handoff:
    """A hand-off without a stretch."""

    row: asyncpg.Record
    record: Mapping[str, Any]

    @property
    def matter(self) -> CaseId | None:
        return None if self.row["matter_id"] is None else CaseId(self.row["matter_id"])

    @property
    def team(self) -> str:
        return self.record.get("team") or ""

    @property
    def priority(self) -> str:
        return self.record.get("priority") or "normal"

    def goes_on(self, stretch: Stretch) -> bool:
        """Whether it belongs to this open one of the same customer."""
        if self.matter is not None and stretch.matter is not None:
            return self.matter == stretch.matter
        same_team = not (self.team and stretch.team) or self.team == stretch.team
        return stretch.address == self.row["address_id"] and (self.matter is None or same_team)


def _nothing(_: Adopted) -> Sequence[NewEntry | Refresh]:
    return ()


class Adopting(Threads):
    """The way into the desk."""

    async def revive(self) -> int:
        """Let those be adopted that are older than the desk, and whose customers have written again; how many."""
        async with self._connection() as connection:
            return int((await connection.execute(_REVIVE)).split()[-1])

    async def adopt(self, limit: int, tell: Tell = _nothing) -> list[Adopted]:
        """Give hand-offs that have none their stretches, and commit; `tell` says what their threads show of it.

        One open stretch a matter goes on; what is of no matter goes to the latest of its address. Whoever gets a desk
        at last is not flooded with what is older than a week. While another process is at it there is nothing to do.
        """
        async with self._transaction() as connection:
            if not await connection.fetchval(TRY_LOCK, ADOPTING):
                return []
            handoffs = [self._handoff(row) for row in await connection.fetch(_NEW, limit)]
            if not handoffs:
                return []
            customers = sorted({handoff.row["customer_id"] for handoff in handoffs})
            standing: dict[int, list[Stretch]] = {customer: [] for customer in customers}
            for row in await connection.fetch(_OPEN, customers):
                standing[row["customer_id"]].append(stretch_of(self._codec, row))
            adopted = []
            for handoff in handoffs:
                one = await self._adopt(connection, handoff, standing[handoff.row["customer_id"]])
                adopted.append(one)
                await self._enqueue(connection, one.stretch.id, tell(one))
            pairs = [(h.row["id"], one.stretch.id) for h, one in zip(handoffs, adopted, strict=True)]
            await connection.execute(_ADOPT, *columns(pairs, 2))
        return adopted

    def _handoff(self, row: asyncpg.Record) -> _Handoff:
        """What cannot be read of it keeps nobody from their people."""
        sealed, record = row["record_sealed"], {}
        with suppress(ValueError, KeyError, TypeError):
            record = record_of(self._codec.open(row["address_id"], sealed)) if sealed else {}
        return _Handoff(row, record)

    async def _adopt(self, connection: asyncpg.Connection, handoff: _Handoff, standing: list[Stretch]) -> Adopted:
        found = [stretch for stretch in standing if handoff.goes_on(stretch)]
        told = next((s for s in found if s.matter == handoff.matter), found[-1] if found else None)
        if told is None:
            stretch = await self._open_new(connection, handoff)
            standing.append(stretch)
        else:
            stretch = replace(
                told, matter=told.matter or handoff.matter, priority=_more(told.priority, handoff.priority)
            )
            standing[standing.index(told)] = stretch
            await connection.execute(_GO_ON, stretch.id, stretch.matter, stretch.priority, handoff.row["at"])
        return Adopted(
            stretch=stretch,
            fresh=told is None,
            reason=handoff.row["reason"],
            fault=handoff.row["turn_id"] is None,
            record=handoff.record,
        )

    async def _open_new(self, connection: asyncpg.Connection, handoff: _Handoff) -> Stretch:
        row = handoff.row
        stretch = Stretch(
            id=StretchId(0),
            address=AddressId(row["address_id"]),
            matter=handoff.matter,
            team=handoff.team or _WITHOUT,
            priority=handoff.priority,
            why=row["reason"],
            opened_at=row["at"],
        )
        body = self._codec.seal(stretch.address, stretch_body(stretch))
        before = await connection.fetchval(_BEFORE, row["customer_id"], row["at"])
        id_ = await connection.fetchval(
            _OPEN_NEW, stretch.address, stretch.matter, stretch.team, stretch.priority, body, stretch.opened_at, before
        )
        covered = await self._covered(connection, handoff, before)
        await connection.execute(_COVER, id_, *columns(covered, 2))
        return replace(stretch, id=StretchId(id_))

    async def _covered(
        self, connection: asyncpg.Connection, handoff: _Handoff, before: int
    ) -> list[tuple[AddressId, int]]:
        """Those that were said before: the turn's own, and what was answered or written earlier."""
        row = handoff.row
        rows = await connection.fetch(_SINCE, row["customer_id"], before)
        later = set(await self._taken_later(connection, row)) if row["turn_id"] is not None else set()
        own = set(handoff.record.get("messages", ()))
        return [
            (AddressId(one["address_id"]), one["id"])
            for one in rows
            if one["id"] in own or not (one["waits"] or one["id"] in later or _is_later(one, row))
        ]

    async def _taken_later(self, connection: asyncpg.Connection, row: asyncpg.Record) -> Iterator[int]:
        turns = await connection.fetch(_LATER_TURNS, row["customer_id"], row["turn_id"])
        records = [self._codec.open(turn["address_id"], turn["record_sealed"]) for turn in turns]
        return (message for record in records for message in record.get("messages", ()))


def _is_later(message: asyncpg.Record, handoff: asyncpg.Record) -> bool:
    """Of ours what that turn said, and what was said since; of theirs what came since."""
    if message["direction"] == "out" and handoff["turn_id"] is not None and message["turn_id"] is not None:
        return bool(message["turn_id"] >= handoff["turn_id"])
    at: datetime = handoff["at"]
    return bool(message["received_at"] > at)


def _more(left: str, right: str) -> str:
    """The more urgent of two; what nobody knows is less than all."""
    return max(left, right, key=lambda one: _PRIORITIES.index(one) if one in _PRIORITIES else -1)
