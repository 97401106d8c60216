"""The index by which what was said long ago is found again: of each message its stems, hashed, and a sealed mark.

No word stands in it. A stem is hashed with the address's own key, so that what two people both say looks different,
and who reads the index learns nothing of either. What a mark holds is memory's own affair.

Most customers have said little: their latest messages are read, whatever they are about, and ranked as they stand. Of
those who have said more, what has rare words of the question is looked up besides, with what stands beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, takewhile
from operator import itemgetter

import asyncpg

from omnibot.model import Address, AddressId, CustomerId, Direction, MessageId, TimelineMessage
from omnibot.store.message_path.connections import Connections, columns
from omnibot.store.payloads import text_of

__all__ = ["Backlog", "Indexed", "Recall", "Row", "Sought", "Unindexed"]

_LATEST = 500  # messages that are read of a customer, whatever they are about
_FEWEST = 50  # of each address, however many there are
_FOUND = 200  # messages that are looked up by their stems
_MOST_HOLDERS = 1500  # messages with any of these stems: more would take longer to read than anybody waits
_RARE_STEMS = 8
_BESIDE = 2  # messages before and behind what was found that are read, too
_SETTLED = "60 s"  # after which a message is surely committed, or never will be
_LOCK = 0x6F6D6E69  # one process of all keeps the index

_LATEST_ROWS = """
SELECT q.ord, r.*
FROM unnest((SELECT $1::int[]), $2::bigint[], $3::int[]) AS q(ord, address_id, most)
CROSS JOIN LATERAL (SELECT * FROM recall WHERE address_id = q.address_id ORDER BY place DESC LIMIT q.most) AS r
"""

# By its hash a stem belongs to one address, so the index on stems alone finds what is looked for.
_FOUND_ROWS = f"""
WITH found AS MATERIALIZED (
    SELECT q.ord, q.address_id, r.place
    FROM unnest((SELECT $1::int[]), $2::bigint[], $3::int[], $4::text[]) AS q(ord, address_id, before, stems)
    CROSS JOIN LATERAL (
        SELECT place FROM (SELECT * FROM recall WHERE stems && q.stems::bigint[] OFFSET 0) AS any_of
        WHERE address_id = q.address_id AND place < q.before ORDER BY place DESC LIMIT {_FOUND}) AS r
), places AS (
    SELECT DISTINCT ord, address_id, place + beside AS place
    FROM found, generate_series(-{_BESIDE}, {_BESIDE}) AS beside
)
SELECT p.ord, r.* FROM places p
CROSS JOIN LATERAL (SELECT * FROM recall WHERE address_id = p.address_id AND place = p.place OFFSET 0) AS r
"""

_SINCE = "coalesce((SELECT value::bigint FROM meta WHERE key = 'recall.until'), 0)"

_BACKLOG = f"""
WITH since AS MATERIALIZED (SELECT {_SINCE} AS id)
SELECT since.id AS since, m.id, m.address_id, m.body_sealed, m.settled, f.value_sealed AS language_sealed
FROM since LEFT JOIN (
    SELECT *, received_at < now() - interval '{_SETTLED}' AS settled FROM messages
    WHERE id > (SELECT id FROM since) AND id <= (SELECT id FROM since) + $1) AS m ON true
LEFT JOIN facts f ON f.address_id = m.address_id AND f.key = 'language' AND f.valid_to IS NULL
ORDER BY m.id
"""

# Some numbers were never used, perhaps many in a row.
_FURTHER_ON = f"SELECT EXISTS (SELECT FROM messages WHERE id > $1 AND received_at < now() - interval '{_SETTLED}')"

_KEEP = """
WITH new AS (
    SELECT n.address_id, n.message_id, n.stems::bigint[] AS stems, n.mark,
        row_number() OVER (PARTITION BY n.address_id ORDER BY n.message_id) AS nth
    FROM unnest((SELECT $1::bigint[]), $2::bigint[], $3::text[], $4::bytea[]) AS n(address_id, message_id, stems, mark)
), last AS (
    SELECT a.address_id, coalesce(r.place, 0) AS place
    FROM (SELECT DISTINCT address_id FROM new) AS a
    LEFT JOIN LATERAL (
        SELECT place FROM recall WHERE address_id = a.address_id ORDER BY place DESC LIMIT 1) AS r ON true
)
INSERT INTO recall (address_id, place, message_id, stems, mark_sealed)
SELECT new.address_id, last.place + new.nth, new.message_id, new.stems, new.mark
FROM new JOIN last USING (address_id)
"""

_KEPT_UNTIL = """
INSERT INTO meta (key, value) VALUES ('recall.until', $1)
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value
"""

_MESSAGES = """
SELECT q.ord, m.id, m.address_id, a.channel, a.value_sealed, m.direction, m.at, m.body_sealed, m.answers, m.attachments
FROM unnest((SELECT $1::int[]), $2::bigint[], $3::bigint[]) AS q(ord, address_id, id)
CROSS JOIN LATERAL (SELECT * FROM messages WHERE address_id = q.address_id AND id = q.id OFFSET 0) AS m
CROSS JOIN LATERAL (SELECT * FROM addresses WHERE id = q.address_id OFFSET 0) AS a
"""


@dataclass(frozen=True, slots=True)
class Unindexed:
    """A message that cannot be found yet; `language` is the last known of its writer, or ''."""

    address: AddressId
    message: MessageId
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """The next messages to be indexed, which lie between two numbers."""

    since: int
    until: int
    messages: tuple[Unindexed, ...]
    unreadable: int = 0  # that cannot be opened, and are left out of the index


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a message is found by."""

    address: AddressId
    message: MessageId
    stems: tuple[str, ...]
    mark: bytes


@dataclass(frozen=True, slots=True)
class Sought:
    """What a customer's turn wants to be reminded of: messages at these addresses, by these stems."""

    customer: CustomerId
    addresses: tuple[AddressId, ...]
    stems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A message that may matter. `counts` tell how often it has each of the stems, in their order."""

    address: AddressId
    message: MessageId
    stretch: int  # messages of one stretch follow each other
    counts: tuple[int, ...]
    mark: bytes = field(repr=False)


@dataclass(slots=True)
class _Asked:
    """One who asks, and what was read for them."""

    sought: Sought
    columns: Mapping[int, int]  # by hashed stem, of any of the addresses, its place among the stems
    most: int  # messages that were read of each address
    rows: dict[tuple[int, int], asyncpg.Record] = field(default_factory=dict)  # by message and address


class Recall(Connections):
    """What memory keeps to find messages by; all methods raise StoreUnavailable."""

    async def backlog(self, most: int) -> Backlog | None:
        """The next messages that are not indexed, at most so many; None where there are none that are settled."""
        async with self._connection() as connection:
            rows = await connection.fetch(_BACKLOG, most)
            since = rows[0]["since"]
            settled = list(takewhile(itemgetter("settled"), rows))
            if settled:
                readable = [message for row in settled if (message := self._unindexed(row))]
                return Backlog(since, settled[-1]["id"], tuple(readable), len(settled) - len(readable))
            unused = rows[0]["id"] is None and await connection.fetchval(_FURTHER_ON, since + most)
        return Backlog(since, since + most, ()) if unused else None

    async def keep(self, backlog: Backlog, indexed: Sequence[Indexed]) -> bool:
        """Index what a backlog has brought; false where another process was faster."""
        rows = [(i.address, i.message, self._hashed(i), self._codec.seal_bytes(i.address, i.mark)) for i in indexed]
        async with self._transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            if await connection.fetchval(f"SELECT {_SINCE}") != backlog.since:
                return False
            await connection.execute(_KEEP, *columns(rows, 4))
            await connection.execute(_KEPT_UNTIL, str(backlog.until))
        return True

    async def near(self, sought: Sequence[Sought]) -> list[list[Row]]:
        """For each who asks the messages that may matter, in the order in which they were said."""
        asked = [self._asked(one) for one in sought]
        wanted = [(ord_, address, one.most) for ord_, one in enumerate(asked) for address in one.sought.addresses]
        async with self._connection() as connection:
            _take(asked, await connection.fetch(_LATEST_ROWS, *columns(wanted, 3)))
            if further := [each for ord_, one in enumerate(asked) for each in self._further(ord_, one)]:
                _take(asked, await connection.fetch(_FOUND_ROWS, *columns(further, 4)))
        return [self._rows(one) for one in asked]

    async def messages(self, wanted: Sequence[tuple[CustomerId, Row]]) -> list[TimelineMessage | None]:
        """The messages of some rows, in their order; None where one is gone."""
        rows = [(ord_, row.address, row.message) for ord_, (_, row) in enumerate(wanted)]
        found: list[TimelineMessage | None] = [None] * len(wanted)
        async with self._connection() as connection:
            for row in await connection.fetch(_MESSAGES, *columns(rows, 3)):
                found[row["ord"]] = self._message(row, wanted[row["ord"]][0])
        return found

    def _message(self, row: asyncpg.Record, customer: CustomerId) -> TimelineMessage:
        address = row["address_id"]
        return TimelineMessage(
            id=MessageId(row["id"]),
            customer=customer,
            address=Address(row["channel"], self._codec.open_text(address, row["value_sealed"])),
            direction=Direction(row["direction"]),
            at=row["at"],
            text=text_of(self._codec.open(address, row["body_sealed"])),
            answers=row["answers"],
            attachments=row["attachments"],
        )

    def _asked(self, sought: Sought) -> _Asked:
        hashes = self._codec.stem_hash
        by_hash = {hashes(a, stem): place for a in sought.addresses for place, stem in enumerate(sought.stems)}
        return _Asked(sought, by_hash, max(_FEWEST, _LATEST // max(1, len(sought.addresses))))

    def _further(self, ord_: int, one: _Asked) -> Iterator[tuple[int, int, int, str]]:
        """The addresses where more was said than was read, each with what it is to be looked up by."""
        for address in one.sought.addresses:
            read = [row for (_, at), row in one.rows.items() if at == address]
            if len(read) < one.most:
                continue
            held = Counter(chain.from_iterable(set(row["stems"]) for row in read))
            places = [row["place"] for row in read]
            if rare := _rare(held, self._hashes(one, address), len(read), max(places)):
                yield ord_, address, min(places), _array(rare)

    def _hashes(self, one: _Asked, address: AddressId) -> list[int]:
        return [self._codec.stem_hash(address, stem) for stem in one.sought.stems]

    def _rows(self, one: _Asked) -> list[Row]:
        rows = [row for _, row in sorted(one.rows.items())]
        counts = [_counts(row["stems"], one.columns, len(one.sought.stems)) for row in rows]
        stretches = _stretches(rows)
        return [
            Row(AddressId(row["address_id"]), MessageId(row["message_id"]), stretch, count,
                self._codec.open_bytes(row["address_id"], row["mark_sealed"]))
            for row, stretch, count in zip(rows, stretches, counts, strict=True)
        ]  # fmt: skip

    def _hashed(self, indexed: Indexed) -> str:
        return _array([self._codec.stem_hash(indexed.address, stem) for stem in indexed.stems])

    def _unindexed(self, row: asyncpg.Record) -> Unindexed | None:
        """None for what this version cannot open: all behind it would wait for it, for ever."""
        address, sealed = row["address_id"], row["language_sealed"]
        try:
            return Unindexed(
                AddressId(address),
                MessageId(row["id"]),
                text_of(self._codec.open(address, row["body_sealed"])),
                self._codec.open_text(address, sealed) if sealed else "",
            )
        except Exception:
            return None


def _take(asked: Sequence[_Asked], rows: Sequence[asyncpg.Record]) -> None:
    for row in rows:
        asked[row["ord"]].rows[row["message_id"], row["address_id"]] = row


def _rare(held: Counter[int], stems: Sequence[int], read: int, said: int) -> list[int]:
    """The stems that fewest messages have, as far as those tell that were read, until that would be too many."""
    chosen: list[int] = []
    holders = 0.0
    for stem in sorted(dict.fromkeys(stems), key=lambda stem: held[stem])[:_RARE_STEMS]:
        holders += (held[stem] + 0.5) / read * said
        if holders > _MOST_HOLDERS:
            break
        chosen.append(stem)
    return chosen


def _counts(stems: Sequence[int], places: Mapping[int, int], width: int) -> tuple[int, ...]:
    counts = [0] * width
    for stem in stems:
        place = places.get(stem)
        if place is not None:
            counts[place] += 1
    return tuple(counts)


def _stretches(rows: Sequence[asyncpg.Record]) -> list[int]:
    """A number for each row: the same where nothing was left out between it and the one before at its address."""
    stretch, stretches = 0, []
    last: dict[int, int] = {}
    for row in rows:
        before = last.get(row["address_id"])
        stretch += before is not None and row["place"] != before + 1
        last[row["address_id"]] = row["place"]
        stretches.append(stretch)
    return stretches


def _array(hashes: Sequence[int]) -> str:
    """As PostgreSQL reads an array: those of several rows have several lengths, which a driver's arrays cannot have."""
    return "{" + ",".join(map(str, hashes)) + "}"
