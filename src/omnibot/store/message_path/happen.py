"""Happen: events that a turn has taken in, what they are counted as, and facts that hold from a time of their own.

Only turns that bring any of it take these statements, in the transaction of their commit, whose lanes are theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from omnibot.model import AddressId, Change
from omnibot.store.history import Span, weave
from omnibot.store.message_path.connections import Connections, columns
from omnibot.store.payloads import event_body
from omnibot.store.work import Outcome

_MOST_NAMES = 1000  # of what an address is counted for; events of more are kept, and not counted

_HAPPENED = f"""
WITH happened AS MATERIALIZED (
    SELECT * FROM unnest((SELECT $1::bigint[]), $2::uuid[], $3::text[], $4::timestamptz[], $5::bytea[], $6::boolean[],
                         $7::text[])
        AS h(address_id, key, name, at, properties, told_of, usage)
), fresh AS (
    INSERT INTO events (address_id, key, name, at, properties_sealed, told_of, told_at)
    SELECT address_id, key, name, at, properties, told_of, now() FROM happened ORDER BY address_id, key
    ON CONFLICT (address_id, key) DO NOTHING RETURNING address_id, key
), counted AS (
    SELECT h.address_id, h.usage, count(*) AS count, min(h.at) AS first_at, max(h.at) AS last_at
    FROM happened h JOIN fresh USING (address_id, key) GROUP BY h.address_id, h.usage
)
INSERT INTO usage AS u (address_id, name, count, first_at, last_at)
SELECT c.address_id, c.usage, c.count, c.first_at, c.last_at FROM counted c
WHERE EXISTS (SELECT FROM usage WHERE address_id = c.address_id AND name = c.usage)
    OR (SELECT count(*) FROM usage WHERE address_id = c.address_id) < {_MOST_NAMES}
ORDER BY c.address_id, c.usage
ON CONFLICT (address_id, name) DO UPDATE SET count = u.count + EXCLUDED.count,
    first_at = LEAST(u.first_at, EXCLUDED.first_at), last_at = GREATEST(u.last_at, EXCLUDED.last_at)
"""

_HELD = """
SELECT f.id, f.address_id, f.key, f.value_sealed, f.confidence, f.valid_from, f.valid_to
FROM unnest((SELECT $1::bigint[]), $2::text[], $3::timestamptz[]) AS c(address_id, key, at)
CROSS JOIN LATERAL (
    SELECT * FROM facts WHERE address_id = c.address_id AND key = c.key AND (valid_to IS NULL OR valid_to >= c.at)
    ORDER BY id FOR UPDATE) AS f
"""

_CLOSE = """
UPDATE facts SET valid_to = c.until FROM unnest((SELECT $1::bigint[]), $2::timestamptz[]) AS c(id, until)
WHERE facts.id = c.id
"""

_REMEMBER = """
INSERT INTO facts (address_id, key, value_sealed, confidence, source, source_message_id, source_event_key, valid_from,
                   valid_to)
SELECT n.* FROM unnest((SELECT $1::bigint[]), $2::text[], $3::bytea[], $4::float8[], $5::text[], $6::bigint[],
                       $7::uuid[], $8::timestamptz[], $9::timestamptz[]) AS n
"""


@dataclass(frozen=True, slots=True)
class Told:
    """A change that holds from a time of its own."""

    address: AddressId
    change: Change
    at: datetime


class Happening(Connections):
    """What happened to those who are committed."""

    async def _write_happened(self, connection: asyncpg.Connection, outcomes: Sequence[Outcome]) -> None:
        rows = []
        for outcome in outcomes:
            for one in outcome.happened:
                event, address = one.event, one.event.address or outcome.address
                body = self._codec.seal(address, event_body(event))
                key = self._codec.event_hash(event.id)
                rows.append((address, key, event.name, event.at, body, one.told_of, one.usage))
        if rows:
            await connection.execute(_HAPPENED, *columns(rows, 7))
        if told := [each for outcome in outcomes for each in _told(outcome)]:
            await self._weave(connection, told)

    async def _weave(self, connection: asyncpg.Connection, told: Sequence[Told]) -> None:
        spans = await self._spans(connection, told)
        before = {id(span): span.until for theirs in spans.values() for span in theirs}
        new: list[tuple[Told, Span]] = []
        for one in sorted(told, key=lambda one: one.at):
            theirs = spans[one.address, one.change.key]
            span = weave(theirs, one.change.value, one.change.confidence, one.at)
            if span is not None:
                theirs.append(span)
                new.append((one, span))
        closed = [
            (span.id, span.until)
            for theirs in spans.values()
            for span in theirs
            if span.id is not None and span.until != before[id(span)]
        ]
        if closed:
            await connection.execute(_CLOSE, *columns(closed, 2))
        if new:
            await connection.execute(_REMEMBER, *columns([self._fact_row(*one) for one in new], 9))

    async def _spans(
        self, connection: asyncpg.Connection, told: Sequence[Told]
    ) -> dict[tuple[AddressId, str], list[Span]]:
        """What holds of the keys at the earliest of the moments, and held later."""
        earliest: dict[tuple[AddressId, str], datetime] = {}
        for one in told:
            key = one.address, one.change.key
            earliest[key] = min(one.at, earliest.get(key, one.at))
        spans: dict[tuple[AddressId, str], list[Span]] = {key: [] for key in earliest}
        rows = sorted((*key, at) for key, at in earliest.items())
        for row in await connection.fetch(_HELD, *columns(rows, 3)):
            value = self._codec.open_text(row["address_id"], row["value_sealed"])
            span = Span(value, row["confidence"], row["valid_from"], row["valid_to"], row["id"])
            spans[AddressId(row["address_id"]), row["key"]].append(span)
        return spans

    def _fact_row(self, one: Told, span: Span) -> tuple[object, ...]:
        change = one.change
        key: UUID | None = self._codec.event_hash(change.event) if change.event else None
        return (
            one.address, change.key, self._codec.seal(one.address, span.value), span.confidence,
            "event" if change.event else "message", change.source, key, span.since, span.until,
        )  # fmt: skip


def _told(outcome: Outcome) -> Iterator[Told]:
    """Each with the address that it is about; what is to come holds from now."""
    messages = {item.message.id: item.address for item in outcome.work.items if item.message}
    events = {one.event.id: one.event.address for one in outcome.happened}
    for change in outcome.changes:
        if change.at is not None:
            address = events.get(change.event) or (messages[change.source] if change.source else outcome.address)
            yield Told(address, change, min(change.at, outcome.work.at))


def happens(outcome: Outcome) -> bool:
    """Whether there is anything of it."""
    return bool(outcome.happened) or any(change.at is not None for change in outcome.changes)
