"""Find: stretches with whose they are, for those who attend to them and for people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import asyncpg
import orjson

from omnibot.contract.desk import Place
from omnibot.model import ActKind, Agent, CustomerId, MessageId, StretchId
from omnibot.store.codec import Codec
from omnibot.store.desk.values import ActRecord, Attended, Figures, Kept, LineRecord, Understood
from omnibot.store.message_path.connections import Connections
from omnibot.store.message_path.load import ADDRESS, known_address
from omnibot.store.payloads import text_of
from omnibot.store.recorded import record_of
from omnibot.store.stretches import STRETCH, stretch_of

_MOST_SEARCHED = 5000  # open stretches

# Of stretches `s`; what `attended_of` reads, by name.
ATTENDED = f"""
    {STRETCH}, w.customer_id, s.place_sealed, s.room_number, s.card_hash, s.openings, s.doubtful,
    s.first_due, s.next_due, s.resolve_due, s.look_at, s.reminded, ARRAY(
        SELECT ROW({ADDRESS}) FROM links l
        CROSS JOIN LATERAL (SELECT * FROM addresses WHERE id = l.address_id OFFSET 0) AS a
        WHERE l.customer_id = w.customer_id ORDER BY a.id) AS addresses"""
WHOSE = "CROSS JOIN LATERAL (SELECT customer_id FROM links WHERE address_id = s.address_id OFFSET 0) AS w"

_URGENT_FIRST = """
    array_position(ARRAY['urgent', 'high', 'normal'], s.priority) NULLS LAST,
    LEAST(s.first_due, s.next_due, s.resolve_due) NULLS LAST, s.opened_at, s.id"""

_OPEN = f"SELECT {ATTENDED} FROM stretches s {WHOSE} WHERE s.ended_at IS NULL AND s.id > $1 ORDER BY s.id LIMIT $2"

_BY_ID = f"SELECT {ATTENDED} FROM stretches s {WHOSE} WHERE s.id = ANY($1::bigint[]) ORDER BY s.id"

_BY_PLACE = f"""
SELECT {ATTENDED} FROM desk_places p JOIN stretches s ON s.id = p.stretch_id {WHOSE} WHERE p.place_hash = $1
"""

_QUEUE = f"""
SELECT {ATTENDED} FROM stretches s {WHOSE}
WHERE s.ended_at IS NULL AND ($1::uuid IS NULL OR s.owner_hash = $1)
    AND ($2::text IS NULL OR s.team = $2 OR s.team <> ALL ($5::text[]))
    AND ($3::timestamptz IS NULL OR LEAST(s.first_due, s.next_due, s.resolve_due) <= $3)
ORDER BY {_URGENT_FIRST} LIMIT $4
"""

_SEARCHED = f"""
SELECT s.id, w.customer_id, s.address_id, s.body_sealed, ARRAY(
    SELECT ROW(a.id, a.channel, a.value_sealed) FROM links l
    CROSS JOIN LATERAL (SELECT * FROM addresses WHERE id = l.address_id OFFSET 0) AS a
    WHERE l.customer_id = w.customer_id) AS addresses, ARRAY(
    SELECT ROW(f.address_id, f.value_sealed) FROM links l
    CROSS JOIN LATERAL (
        SELECT * FROM facts WHERE address_id = l.address_id AND key = 'name' AND valid_to IS NULL OFFSET 0) AS f
    WHERE l.customer_id = w.customer_id) AS names, ARRAY(
    SELECT ROW(c.address_id, c.intent, c.body_sealed) FROM links l
    CROSS JOIN LATERAL (
        SELECT * FROM cases WHERE address_id = l.address_id AND matter_id = s.matter_id OFFSET 0) AS c
    WHERE l.customer_id = w.customer_id) AS sides
FROM stretches s {WHOSE} WHERE s.ended_at IS NULL ORDER BY {_URGENT_FIRST} LIMIT {_MOST_SEARCHED}
"""

_NAMES = """
SELECT s.id, f.address_id, f.value_sealed FROM unnest((SELECT $1::bigint[])) AS c(id)
JOIN stretches s ON s.id = c.id JOIN links mine ON mine.address_id = s.address_id
JOIN links theirs ON theirs.customer_id = mine.customer_id
JOIN facts f ON f.address_id = theirs.address_id AND f.key = 'name' AND f.valid_to IS NULL
ORDER BY f.confidence, f.valid_from, f.id
"""

_NOT_SHOWN = """
SELECT id, stretch_id AS stretch, kind, state, at, due_at, attempts, coalesce(reason, '') AS reason FROM desk_entries
WHERE state = ANY('{queued,failed,unknown}'::text[]) AND ($1::bigint IS NULL OR stretch_id = $1)
ORDER BY id DESC LIMIT $2
"""

_KEPT = """
SELECT team, priority, count(*) AS matters, count(*) FILTER (WHERE reminded ? 'first.over') AS first_over,
    count(*) FILTER (WHERE reminded ? 'next.over') AS next_over,
    count(*) FILTER (WHERE reminded ? 'resolve.over') AS resolve_over
FROM stretches WHERE opened_at > $1 GROUP BY team, priority ORDER BY team, priority
"""

# Among the latest of each address.
_TURNS = """
SELECT t.id, t.address_id, t.record_sealed
FROM unnest((SELECT $1::bigint[])) AS a(id)
CROSS JOIN LATERAL (SELECT * FROM turns WHERE address_id = a.id ORDER BY id DESC LIMIT 50) AS t
WHERE $2::bigint IS NULL OR t.matter_id = $2 ORDER BY t.id DESC LIMIT $3
"""
_TEXTS = """
SELECT m.id, m.address_id, m.body_sealed
FROM unnest((SELECT $1::bigint[])) AS a(id)
CROSS JOIN LATERAL (SELECT * FROM messages WHERE address_id = a.id AND id = ANY($2::bigint[]) OFFSET 0) AS m
"""

_ACTS = "SELECT id, address_id, at, kind, outcome, payload_sealed FROM desk_acts WHERE stretch_id = $1 ORDER BY id"

# Of what it has brought, that which is to be sent again, if any is.
_MESSAGE_OF = """
SELECT o.id FROM desk_entries first
CROSS JOIN LATERAL (
    SELECT first.message_id UNION ALL
    SELECT message_id FROM desk_entries WHERE about_id = first.id AND kind = 'reply') AS e
JOIN outbox o ON o.id = e.message_id
WHERE first.stretch_id = $1 AND first.provider_hash = $2 AND first.kind = 'reply'
ORDER BY o.state IN ('refused', 'dead', 'suppressed', 'unknown') DESC, o.id LIMIT 1
"""

_FIGURES = """
SELECT count(*) AS open, count(*) FILTER (WHERE state = 'waiting') AS waiting,
    count(*) FILTER (WHERE LEAST(first_due, next_due, resolve_due) <= now()) AS breached,
    count(*) FILTER (WHERE place_hash IS NULL) AS unopened,
    (SELECT count(*) FROM desk_entries WHERE state = 'queued') AS unshown
FROM stretches WHERE ended_at IS NULL
"""


def attended_of(codec: Codec, row: asyncpg.Record) -> Attended:
    """Of the columns `ATTENDED`."""
    sealed = row["place_sealed"]
    return Attended(
        stretch=stretch_of(codec, row),
        customer=CustomerId(row["customer_id"]),
        addresses=tuple(known_address(codec, address) for address in row["addresses"]),
        place=Place(**codec.open(row["address_id"], sealed)) if sealed else None,
        room=row["room_number"],
        card_hash=row["card_hash"],
        openings=row["openings"],
        doubtful=row["doubtful"],
        asked_at=row["asked_at"],
        first_due=row["first_due"],
        next_due=row["next_due"],
        resolve_due=row["resolve_due"],
        look_at=row["look_at"],
        reminded={which: datetime.fromisoformat(at) for which, at in orjson.loads(row["reminded"]).items()},
    )


class Finding(Connections):
    """What is asked about stretches."""

    async def open_stretches(self, limit: int, after: StretchId | None = None) -> list[Attended]:
        """The open ones by number, those after `after`."""
        return await self._attended(_OPEN, after or 0, limit)

    async def attended(self, ids: Collection[StretchId]) -> list[Attended]:
        """These, as far as they are there; by number."""
        return await self._attended(_BY_ID, list(ids))

    async def of_place(self, place: Place) -> Attended | None:
        """What a thread is about, whether it is still open or not, and shown there or elsewhere by now."""
        found = await self._attended(_BY_PLACE, self._codec.place_hash(place.desk, place.room, place.thread))
        return found[0] if found else None

    async def queue(
        self,
        *,
        owner: str | None = None,
        team: str | None = None,
        overdue_at: datetime | None = None,
        limit: int = 50,
        besides: Collection[str] | None = None,
    ) -> list[Attended]:
        """Open ones, the most urgent first: of an agent (by id), of a team, those with something due at a time.

        `besides` are the teams that there are, where this one has what is given to any other.
        """
        by = self._codec.agent_hash(owner) if owner is not None else None
        others = None if besides is None else list(besides)
        return await self._attended(_QUEUE, by, team, overdue_at, limit, others)

    async def search(self, text: str, limit: int = 50) -> list[Attended]:
        """Open ones, the most urgent first, of whose customer a name, an address or what is open has this text."""
        async with self._connection() as connection:
            rows = await connection.fetch(_SEARCHED)
        sought = text.casefold().strip()
        ids = [row["id"] for row in rows if any(sought in told.casefold() for told in self._told(row))][:limit]
        found = {one.stretch.id: one for one in await self.attended(ids)}
        return [found[id_] for id_ in ids if id_ in found]

    async def message_of(self, stretch: StretchId, entry: str) -> MessageId | None:
        """What an entry of a thread (by its id there) has brought to the customer; of several the first that failed.

        None: nothing.
        """
        async with self._connection() as connection:
            id_ = await connection.fetchval(_MESSAGE_OF, stretch, self._codec.provider_hash(entry))
        return None if id_ is None else MessageId(id_)

    async def understood(self, attended: Attended, limit: int = 5) -> list[Understood]:
        """The latest turns about a matter, the latest first; of what is of no matter all turns of its customer."""
        addresses = [address.id for address in attended.addresses]
        async with self._connection() as connection:
            rows = await connection.fetch(_TURNS, addresses, attended.stretch.matter, limit)
            records = [record_of(self._codec.open(row["address_id"], row["record_sealed"])) for row in rows]
            messages = [id_ for record in records for id_ in record.get("messages", ())]
            said = await connection.fetch(_TEXTS, addresses, messages) if messages else []
        texts = {row["id"]: text_of(self._codec.open(row["address_id"], row["body_sealed"])) for row in said}
        return [
            Understood(record, tuple(texts[id_] for id_ in record.get("messages", ()) if id_ in texts))
            for record in records
        ]

    async def acts(self, stretch: StretchId) -> list[ActRecord]:
        """What agents did about it, the first first."""
        async with self._connection() as connection:
            rows = await connection.fetch(_ACTS, stretch)
        return [self._act(row, self._codec.open(row["address_id"], row["payload_sealed"])) for row in rows]

    async def names(self, stretches: Collection[StretchId]) -> dict[StretchId, str]:
        """How the customers of these are called, as far as that is known."""
        async with self._connection() as connection:
            rows = await connection.fetch(_NAMES, list(stretches))
        return {StretchId(r["id"]): self._codec.open_text(r["address_id"], r["value_sealed"]) for r in rows}

    async def not_shown(self, stretch: StretchId | None = None, limit: int = 50) -> list[LineRecord]:
        """Lines that do not stand in their threads, of one or of all, the latest first."""
        async with self._connection() as connection:
            rows = await connection.fetch(_NOT_SHOWN, stretch, limit)
        return [LineRecord(**row) for row in rows]

    async def kept(self, since: datetime) -> list[Kept]:
        """How the teams have kept their times in what was handed to them since then."""
        async with self._connection() as connection:
            rows = await connection.fetch(_KEPT, since)
        return [Kept(**row) for row in rows]

    async def count(self) -> Figures:
        """What there is to do, by the database's clock."""
        async with self._connection() as connection:
            row = await connection.fetchrow(_FIGURES)
        return Figures(**row)

    async def _attended(self, statement: str, *arguments: object) -> list[Attended]:
        async with self._connection() as connection:
            rows = await connection.fetch(statement, *arguments)
        return [attended_of(self._codec, row) for row in rows]

    def _told(self, row: asyncpg.Record) -> Iterable[str]:
        """What people would look for."""
        opened = self._codec.open
        for owner, sealed in row["names"]:
            yield self._codec.open_text(owner, sealed)
        for id_, channel, sealed in row["addresses"]:
            yield f"{channel}:{self._codec.open_text(id_, sealed)}"
        yield opened(row["address_id"], row["body_sealed"]).get("why", "")
        for owner, intent, sealed in row["sides"]:
            body = opened(owner, sealed)
            yield from (intent, body.get("topic", ""), body.get("concern", ""))

    def _act(self, row: asyncpg.Record, body: Mapping[str, Sequence[str]]) -> ActRecord:
        return ActRecord(
            id=row["id"],
            at=row["at"],
            by=Agent(*body["by"]),
            kind=ActKind(row["kind"]),
            outcome=row["outcome"],
            text=str(body.get("text", "")),
            value=str(body.get("value", "")),
            refused=str(body.get("refused", "")),
        )
