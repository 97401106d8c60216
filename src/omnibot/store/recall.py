"""The index by which what was said long ago is found again: of each message its stems, hashed, and a sealed mark.

No word stands in it. A stem is hashed with the address's own key, so that what two people both say looks different,
and who reads the index learns nothing of either. What a mark holds is memory's own affair.

Most customers have said little: their latest messages are read, whatever they are about, and ranked as they stand. Of
those who have said more, what has rare words of the question is looked up besides, with what stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from operator import itemgetter

import asyncpg
import numpy as np
from numpy.typing import NDArray

from omnibot.model import Address, AddressId, CustomerId, Direction, MessageId, TimelineMessage
from omnibot.store.message_path.connections import Connections, columns
from omnibot.store.payloads import text_of

__all__ = ["Backlog", "Found", "Indexed", "Recall", "Sought", "Spoken", "Unindexed"]

_LATEST = 500  # messages that are read of a customer, whatever they are about
_FEWEST = 50  # of each address, however many there are
_FOUND = 200  # messages that are looked up by their stems
_MOST_HOLDERS = 1500  # messages with any of these stems: more would take longer to read than anybody waits
_RARE_STEMS = 8
_BESIDE = 2  # messages before and behind what was found that are read, too
_SETTLED = "60 s"  # after which a message is surely committed, or never will be
_LOCK = 0x6F6D6E69  # one process of all keeps the index

# How PostgreSQL sends an array: its dimensions, their kind, and the one's length and first place; then each item with
# its length. One without items has no dimension, and a shorter head.
_ARRAY_HEAD = 20
_ARRAY_ITEM = np.dtype([("length", ">i4"), ("value", ">i8")])

# Stems come as the bytes that they are sent as: a thousand rows of numbers would take Python longer than the look.
_COLUMNS = "r.address_id, r.place, r.message_id, array_send(r.stems) AS stems, r.mark_sealed"

_LATEST_ROWS = f"""
SELECT q.ord, {_COLUMNS}
FROM unnest((SELECT $1::int[]), $2::bigint[], $3::int[]) AS q(ord, address_id, most)
CROSS JOIN LATERAL (SELECT * FROM recall WHERE address_id = q.address_id ORDER BY place DESC LIMIT q.most) AS r
"""

# By its hash a stem belongs to one address, so the index on stems alone finds what is looked for. Of what stands beside
# two that were found each is read once: from behind what the one before has brought.
_FOUND_ROWS = f"""
WITH found AS MATERIALIZED (
    SELECT q.ord, q.address_id, q.before, r.place,
        lag(r.place) OVER (PARTITION BY q.ord, q.address_id ORDER BY r.place) + {_BESIDE} AS brought
    FROM unnest((SELECT $1::int[]), $2::bigint[], $3::int[], $4::text[]) AS q(ord, address_id, before, stems)
    CROSS JOIN LATERAL (
        SELECT place FROM (SELECT * FROM recall WHERE stems && q.stems::bigint[] OFFSET 0) AS any_of
        WHERE address_id = q.address_id AND place < q.before ORDER BY place DESC LIMIT {_FOUND}) AS r
)
SELECT f.ord, {_COLUMNS} FROM found f
CROSS JOIN LATERAL (
    SELECT * FROM recall WHERE address_id = f.address_id
        AND place BETWEEN greatest(f.place - {_BESIDE}, f.brought + 1) AND least(f.place + {_BESIDE}, f.before - 1)
    OFFSET 0) AS r
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
class Spoken:
    """Where a message stands that was found."""

    address: AddressId
    message: MessageId


@dataclass(frozen=True, slots=True)
class Found:
    """The messages that may matter, in the order in which they were said: the nth of each is the nth's."""

    addresses: Sequence[AddressId]
    messages: Sequence[MessageId]
    counts: NDArray[np.intp]  # a row a message, a column a stem, in their order: how often it stands there
    stretches: NDArray[np.intp]  # messages of one stretch follow each other
    marks: Sequence[bytes] = field(repr=False)

    def spoken(self, nth: int) -> Spoken:
        """Where the nth stands."""
        return Spoken(self.addresses[nth], self.messages[nth])


@dataclass(slots=True)
class _Asked:
    """One who asks, and what was read for them."""

    sought: Sought
    hashed: NDArray[np.int64]  # a row an address, a column a stem
    most: int  # messages that were read of each address
    rows: list[asyncpg.Record] = field(default_factory=list)


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

    async def near(self, sought: Sequence[Sought]) -> list[Found]:
        """For each who asks the messages that may matter."""
        asked = [self._asked(one) for one in sought]
        wanted = [(ord_, address, one.most) for ord_, one in enumerate(asked) for address in one.sought.addresses]
        async with self._connection() as connection:
            _take(asked, await connection.fetch(_LATEST_ROWS, *columns(wanted, 3)))
            if further := [(ord_, *each) for ord_, one in enumerate(asked) for each in _further(one)]:
                _take(asked, await connection.fetch(_FOUND_ROWS, *columns(further, 4)))
        return [self._found(one) for one in asked]

    async def messages(self, wanted: Sequence[tuple[CustomerId, Spoken]]) -> list[TimelineMessage | None]:
        """The messages that were found, in their order; None where one is gone."""
        rows = [(ord_, spoken.address, spoken.message) for ord_, (_, spoken) in enumerate(wanted)]
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
        hashed = [[hashes(address, stem) for stem in sought.stems] for address in sought.addresses]
        most = max(_FEWEST, _LATEST // max(1, len(sought.addresses)))
        return _Asked(sought, np.array(hashed, np.int64).reshape(len(sought.addresses), len(sought.stems)), most)

    def _found(self, one: _Asked) -> Found:
        rows = sorted(one.rows, key=itemgetter("message_id", "address_id"))
        addresses = [row["address_id"] for row in rows]
        return Found(
            addresses=addresses,
            messages=[row["message_id"] for row in rows],
            counts=_counts([row["stems"] for row in rows], one.hashed),
            stretches=_stretches(np.array(addresses, np.int64), np.array([row["place"] for row in rows], np.int64)),
            marks=[self._codec.open_bytes(row["address_id"], row["mark_sealed"]) for row in rows],
        )

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
        asked[row["ord"]].rows.append(row)


def _further(one: _Asked) -> Iterator[tuple[int, int, str]]:
    """The addresses where more was said than was read: from where on, and what is to be looked up."""
    for address, hashed in zip(one.sought.addresses, one.hashed, strict=True):
        read = [row for row in one.rows if row["address_id"] == address]
        if len(read) < one.most:
            continue
        held = (_counts([row["stems"] for row in read], hashed[None]) > 0).sum(0)
        places = [row["place"] for row in read]
        if rare := _rare(held.tolist(), len(read), max(places)):
            yield address, min(places), _array(hashed[rare].tolist())


def _rare(held: Sequence[int], read: int, said: int) -> list[int]:
    """The places of the stems that fewest messages have, as far as those tell that were read, until it is too many."""
    chosen: list[int] = []
    holders = 0.0
    for stem in sorted(range(len(held)), key=lambda stem: held[stem])[:_RARE_STEMS]:
        holders += (held[stem] + 0.5) / read * said
        if holders > _MOST_HOLDERS:
            break
        chosen.append(stem)
    return chosen


def _counts(sent: Sequence[bytes], hashed: NDArray[np.int64]) -> NDArray[np.intp]:
    """How often each message has each stem; `hashed` has a row an address, and a stem is hashed for one alone."""
    width = hashed.shape[1]
    order = np.argsort(hashed, axis=None)
    known = hashed.ravel()[order]
    items = [array[_ARRAY_HEAD:] for array in sent]
    stems = np.frombuffer(b"".join(items), _ARRAY_ITEM)["value"].astype(np.int64)
    said_in = np.repeat(np.arange(len(sent)), [len(array) // _ARRAY_ITEM.itemsize for array in items])
    if not len(known) or not len(stems):
        return np.zeros((len(sent), width), np.intp)
    near = np.searchsorted(known, stems).clip(max=len(known) - 1)
    same = known[near] == stems
    cells = said_in[same] * width + order[near[same]] % width
    return np.bincount(cells, minlength=len(sent) * width).reshape(len(sent), width)


def _stretches(addresses: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.intp]:
    """A number for each row: another one wherever something was left out since the one before at its address."""
    by_address = np.argsort(addresses, kind="stable")
    follows = (np.diff(places[by_address]) == 1) | (np.diff(addresses[by_address]) != 0)
    breaks = np.zeros(len(places), np.intp)
    breaks[by_address[1:]] = ~follows
    return np.cumsum(breaks)


def _array(hashes: Sequence[int]) -> str:
    """As PostgreSQL reads an array: those of several rows have several lengths, which a driver's arrays cannot have."""
    return "{" + ",".join(map(str, hashes)) + "}"
