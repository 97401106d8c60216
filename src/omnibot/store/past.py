"""What happened before Omnibot: past messages, cases and facts, written as if they had been taken when they came.

Nothing of it is answered and no lane is woken. What is brought is known by the id that the company gave it, so what is
brought twice is written once; where it meets what Omnibot has seen itself, that wins.

Whoever brings cases or facts of somebody whose turn is under way lets that turn be taken anew: it saw less.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

import asyncpg

from omnibot.identifiers import comparable
from omnibot.model import (
    OUT_OF_SCOPE,
    Address,
    AddressId,
    Attempt,
    CaseId,
    CaseSide,
    CaseState,
    Change,
    Direction,
    EarlierTurn,
    Result,
)
from omnibot.store.cases import side_body, side_of
from omnibot.store.codec import Codec
from omnibot.store.history import Span
from omnibot.store.message_path.connections import columns
from omnibot.store.message_path.happen import Happening, Told
from omnibot.store.payloads import mood_payload
from omnibot.store.recorded import record_body
from omnibot.store.work import StoreUnavailable

__all__ = ["IMPORTED", "Habits", "Past", "PastCase", "PastFact", "PastMessage", "Said"]

IMPORTED = "imported"  # the flag of a message, and the source of a fact
_STAFF = "staff"  # who wrote what is ours, where nobody knows it better: it was not this server
_CONFIDENCE = 0.9  # the company's word: above what a provider says, below what the customer says
_CONTACT = timedelta(minutes=30)  # of silence: whoever writes again after that comes once more
_MOST_ATTEMPTS = 100  # of one side, and
_MOST_CONTACTS = 50  # times of contacts: the latest
_CASES_FROM = 1 << 52  # cases are numbered from here by the company's ids; numbers of messages never come so far

_IDS = """
SELECT a.id, a.hash, l.customer_id FROM unnest((SELECT $1::uuid[])) AS h(hash)
JOIN addresses a ON a.hash = h.hash JOIN links l ON l.address_id = a.id
"""

_KNOWN = "SELECT key FROM arrivals WHERE key = ANY($1::uuid[])"

_FRESH = """
INSERT INTO arrivals (key, at) SELECT DISTINCT key, now() FROM unnest((SELECT $1::uuid[])) AS k(key) ORDER BY key
ON CONFLICT DO NOTHING RETURNING key
"""

_SEEN = f"""
SELECT m.address_id, m.at, m.direction, m.body_sealed
FROM unnest((SELECT $1::bigint[]), $2::timestamptz[]) AS q(address_id, at)
CROSS JOIN LATERAL (
    SELECT * FROM messages WHERE address_id = q.address_id AND at = q.at AND flags IS DISTINCT FROM '{IMPORTED}') AS m
"""

# In the order of the file: what was said within one second stands in the order in which it is told.
_SAY = f"""
WITH said AS MATERIALIZED (
    SELECT nextval('messages_id_seq') AS id, s.* FROM (
        SELECT * FROM unnest((SELECT $1::bigint[]), $2::text[], $3::timestamptz[], $4::bytea[]) WITH ORDINALITY
            AS s(address_id, direction, at, body, ord) ORDER BY ord) AS s
), written AS (
    INSERT INTO messages (id, address_id, direction, account, at, received_at, body_sealed, flags, attachments)
    SELECT id, address_id, direction, '', at, now(), body, '{IMPORTED}', 0 FROM said
), heard AS (
    UPDATE addresses a SET created_at = first.at
    FROM (SELECT address_id, min(at) AS at FROM said GROUP BY address_id ORDER BY address_id) AS first
    WHERE a.id = first.address_id AND a.created_at > first.at
)
SELECT ord, id FROM said ORDER BY ord
"""

# Of the earlier turns the latest are known by their numbers: what is read later than a later turn tells nobody.
_READ = """
WITH read AS (
    SELECT r.*, max(at) OVER (PARTITION BY address_id ORDER BY ord ROWS UNBOUNDED PRECEDING) AS latest
    FROM unnest((SELECT $1::bigint[]), $2::timestamptz[], $3::bytea[], $4::bytea[], $5::bigint[]) WITH ORDINALITY
        AS r(address_id, at, record, mood, matter_id, ord)
)
INSERT INTO turns (id, address_id, at, record_sealed, mood_sealed, matter_id)
SELECT nextval('turns_id_seq'), address_id, at, record, mood, matter_id FROM (
    SELECT * FROM read WHERE at = latest AND NOT EXISTS (
        SELECT FROM turns t WHERE t.address_id = read.address_id AND t.at > read.at)
    ORDER BY ord) AS kept
"""

_HABITS = """
SELECT a.id, h.body_sealed FROM addresses a LEFT JOIN habits h ON h.address_id = a.id
WHERE a.id = ANY($1::bigint[]) AND a.shared_at IS NULL
"""

_PUT_HABITS = """
INSERT INTO habits (address_id, body_sealed, changed_at)
SELECT address_id, body, now() FROM unnest((SELECT $1::bigint[]), $2::bytea[]) AS h(address_id, body)
ORDER BY address_id
ON CONFLICT (address_id) DO UPDATE SET body_sealed = EXCLUDED.body_sealed, changed_at = EXCLUDED.changed_at
"""

_LANES = """
SELECT customer_id FROM lanes
WHERE customer_id IN (SELECT customer_id FROM links WHERE address_id = ANY($1::bigint[]))
ORDER BY customer_id FOR UPDATE
"""

# A turn that is under way drops out when it comes to its commit, and is taken again.
_SEIZE = """
UPDATE lanes SET fence = fence + 1, leased_until = NULL, lost = 0
WHERE customer_id = ANY($1::bigint[]) AND leased_until IS NOT NULL
"""

_SIDES = """
SELECT c.address_id, c.matter_id, c.intent, c.state, c.opened_at, c.touched_at, c.resolved_at, c.contacts, c.reopened,
    c.body_sealed
FROM unnest((SELECT $1::bigint[]), $2::bigint[]) AS q(address_id, matter_id)
JOIN cases c ON c.address_id = q.address_id AND c.matter_id = q.matter_id
"""

_PUT = """
INSERT INTO cases (address_id, matter_id, intent, state, body_sealed, opened_at, touched_at, resolved_at, contacts,
                   reopened)
SELECT * FROM unnest((SELECT $1::bigint[]), $2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::timestamptz[],
                     $7::timestamptz[], $8::timestamptz[], $9::int[], $10::int[])
    AS c(address_id, matter_id, intent, state, body, opened_at, touched_at, resolved_at, contacts, reopened)
ORDER BY address_id, matter_id
ON CONFLICT (address_id, matter_id) DO UPDATE SET intent = EXCLUDED.intent, state = EXCLUDED.state,
    body_sealed = EXCLUDED.body_sealed, opened_at = EXCLUDED.opened_at, touched_at = EXCLUDED.touched_at,
    resolved_at = EXCLUDED.resolved_at, contacts = EXCLUDED.contacts, reopened = EXCLUDED.reopened
"""


Habits = Mapping[str, float]
Whose = TypeVar("Whose", bound=Address | AddressId)  # as a file names it, and by its number as it can be written


@dataclass(frozen=True, slots=True)
class Said:
    """What was read in a past message: for the trends of later turns, and for how they write, which it is added to."""

    record: Mapping[str, Any]
    mood: EarlierTurn
    observed: Callable[[Habits], Habits] = lambda habits: habits


@dataclass(frozen=True, slots=True, kw_only=True)
class PastMessage(Generic[Whose]):
    """A message as it was exchanged elsewhere; `key` is the company's own id of it, or made of all that it says."""

    key: str
    address: Whose
    at: datetime
    direction: Direction
    text: str
    by: str = ""  # the member of staff who wrote it
    subject: str = ""
    case: str = ""  # the company's own id
    reading: Said | None = None

    def at_number(self, id_of: Callable[[Whose], AddressId], reading: Said | None) -> PastMessage[AddressId]:
        """With the number of its address, as it can be written; and what was read in it."""
        return replace(cast(PastMessage[AddressId], self), address=id_of(self.address), reading=reading)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCase(Generic[Whose]):
    """A case as it was kept elsewhere, with the addresses that took part in it, the first one first."""

    key: str
    addresses: tuple[Whose, ...]
    intent: str = ""
    topic: str = ""
    state: CaseState
    opened_at: datetime
    touched_at: datetime
    resolved_at: datetime | None = None
    contacts: int = 0  # as the company counted them; 0: by what is known of them
    contacted_at: tuple[tuple[Whose, datetime], ...] = ()
    concern: str = ""
    attempts: tuple[Attempt, ...] = ()
    agents: tuple[str, ...] = ()

    def at_numbers(self, id_of: Callable[[Whose], AddressId]) -> PastCase[AddressId]:
        """With the numbers of its addresses, as it can be written."""
        return replace(
            cast(PastCase[AddressId], self),
            addresses=tuple(map(id_of, self.addresses)),
            contacted_at=tuple((id_of(address), at) for address, at in self.contacted_at),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFact:
    """A value that holds from a moment of the past, until another one does."""

    address: AddressId
    key: str
    value: str
    at: datetime


_Message = PastMessage[AddressId]
_Case = PastCase[AddressId]


@dataclass(slots=True)
class _Heard:
    """What the messages of a batch tell of one side of a case."""

    times: list[datetime] = field(default_factory=list)  # at which they wrote
    written: list[datetime] = field(default_factory=list)  # at which anybody did
    agents: dict[str, None] = field(default_factory=dict)


class Past(Happening):
    """Writes what happened before; all methods raise StoreUnavailable. Committed as a whole, each."""

    async def ids(self, addresses: Iterable[Address]) -> dict[Address, AddressId]:
        """Of those that belong to somebody, by their comparable spelling."""
        hashes = {self._codec.address_hash(address): comparable(address) for address in addresses}
        async with self._connection() as connection:
            rows = await connection.fetch(_IDS, list(hashes))
        return {hashes[row["hash"]]: AddressId(row["id"]) for row in rows}

    async def unread(self, keys: Sequence[str]) -> set[str]:
        """Of past messages, those in which nothing was read yet."""
        hashes = {_reading_key(self._codec, key): key for key in keys}
        async with self._connection() as connection:
            known = {row["key"] for row in await connection.fetch(_KNOWN, list(hashes))}
        return {key for hash_, key in hashes.items() if hash_ not in known}

    async def say(self, messages: Sequence[_Message]) -> int:
        """Write messages, and what they tell of their cases; tells how many were new."""
        return await self._whole(lambda connection: self._say(connection, messages))

    async def _say(self, connection: asyncpg.Connection, messages: Sequence[_Message]) -> int:
        await self._take_lanes(connection, {one.address for one in messages if one.case or one.reading})
        fresh = await self._fresh(connection, [self._message_key(one.key) for one in messages])
        new = await self._unseen(connection, _first([m for m in messages if self._message_key(m.key) in fresh]))
        rows = [(m.address, m.direction.value, _second(m.at), self._sealed(m)) for m in new]
        written = await connection.fetch(_SAY, *columns(rows, 4)) if rows else []
        await self._read(connection, messages, dict(zip((m.key for m in new), written, strict=True)))
        await self._hear(connection, new)
        return len(new)

    async def open(self, cases: Sequence[_Case]) -> int:
        """Write cases, each side with what is known of it already; tells of how many something was new."""
        return await self._whole(lambda connection: self._open(connection, cases))

    async def _open(self, connection: asyncpg.Connection, cases: Sequence[_Case]) -> int:
        await self._take_lanes(connection, {address for case in cases for address in case.addresses})
        before = await self._sides(
            connection, [(address, self.case_id(case.key)) for case in cases for address in case.addresses]
        )
        sides = dict(before)
        for case in cases:
            told = _told_sides(case, self.case_id(case.key))
            heard = any((side.address, side.id) in sides for side in told)
            for side in told if heard else _with_a_contact(told):
                place = side.address, side.id
                sides[place] = _joined(sides.get(place), side)
        changed = [side for place, side in sides.items() if side != before.get(place)]
        await self._put(connection, changed)
        return len({side.id for side in changed})

    async def hold(self, facts: Sequence[PastFact]) -> int:
        """Write facts into the past: what holds from a later moment stays as it is. Tells how many were new."""
        return await self._whole(lambda connection: self._hold(connection, facts))

    async def _hold(self, connection: asyncpg.Connection, facts: Sequence[PastFact]) -> int:
        await self._take_lanes(connection, {fact.address for fact in facts})
        keys = [self._fact_key(fact) for fact in facts]
        fresh = await self._fresh(connection, keys)
        new = list({key: fact for key, fact in zip(keys, facts, strict=True) if key in fresh}.values())
        if new:
            await self._weave(connection, [_told(fact) for fact in new])
        return len(new)

    async def _whole(self, write: Callable[[asyncpg.Connection], Awaitable[int]]) -> int:
        """In one transaction; again where others held what it needed, and waited for what it held."""
        for last in (False, False, True):
            try:
                async with self._transaction() as connection:
                    return await write(connection)
            except StoreUnavailable as error:
                if last or not isinstance(error.__cause__, asyncpg.TransactionRollbackError):
                    raise
        raise AssertionError("unreachable")

    def case_id(self, key: str) -> CaseId:
        """The number of a case by the company's own id of it: the same wherever and whenever it is told."""
        return CaseId(_CASES_FROM + self._codec.arrival_hash(IMPORTED, "case", key).int % _CASES_FROM)

    def _message_key(self, key: str) -> UUID:
        return self._codec.arrival_hash(IMPORTED, "message", key)

    def _fact_key(self, fact: PastFact) -> UUID:
        told = "\0".join((str(fact.address), fact.key, fact.value, fact.at.isoformat()))
        return self._codec.arrival_hash(IMPORTED, "fact", told)

    def _sealed(self, message: _Message) -> bytes:
        by = (message.by or _STAFF) if message.direction is Direction.OUT else ""
        body = {"text": message.text, "by": by, "subject": message.subject}
        return self._codec.seal(message.address, {key: value for key, value in body.items() if value or key == "text"})

    async def _fresh(self, connection: asyncpg.Connection, keys: Sequence[UUID]) -> set[UUID]:
        return {row["key"] for row in await connection.fetch(_FRESH, list(keys))}

    async def _take_lanes(self, connection: asyncpg.Connection, addresses: Iterable[AddressId]) -> None:
        lanes = [row["customer_id"] for row in await connection.fetch(_LANES, sorted(set(addresses)))]
        if lanes:
            await connection.execute(_SEIZE, lanes)

    async def _unseen(self, connection: asyncpg.Connection, messages: Sequence[_Message]) -> list[_Message]:
        """Without what has come to Omnibot itself: its last days may stand in the file, too."""
        rows = sorted({(m.address, _second(m.at)) for m in messages})
        seen = {
            (row["address_id"], row["at"], row["direction"], self._words(row))
            for row in await connection.fetch(_SEEN, *columns(rows, 2))
        }
        return [m for m in messages if (m.address, _second(m.at), m.direction.value, m.text.strip()) not in seen]

    def _words(self, row: asyncpg.Record) -> str:
        words: str = self._codec.open(row["address_id"], row["body_sealed"])["text"]
        return words.strip()

    # --- readings ---

    async def _read(
        self, connection: asyncpg.Connection, messages: Sequence[_Message], written: Mapping[str, asyncpg.Record]
    ) -> None:
        read = {_reading_key(self._codec, m.key): m for m in messages if m.reading}
        if not read:
            return
        fresh = await self._fresh(connection, list(read))
        rows = []
        latest = sorted((item for item in read.items() if item[0] in fresh), key=lambda item: item[1].at)
        for _, message in latest:
            if said := message.reading:
                ids = [written[message.key]["id"]] if message.key in written else []
                record = self._codec.seal(message.address, record_body({"messages": ids, **said.record}))
                mood = self._codec.seal(message.address, mood_payload(said.mood))
                matter = self.case_id(message.case) if message.case else None
                rows.append((message.address, _second(message.at), record, mood, matter))
        await connection.execute(_READ, *columns(rows, 5))
        await self._observe(connection, [message for _, message in latest])

    async def _observe(self, connection: asyncpg.Connection, messages: Sequence[_Message]) -> None:
        """How they write; nothing of an address from which several people do."""
        known: dict[AddressId, Habits] = {}
        for row in await connection.fetch(_HABITS, sorted({message.address for message in messages})):
            sealed = row["body_sealed"]
            known[AddressId(row["id"])] = self._codec.open(row["id"], sealed) if sealed else {}
        before = dict(known)
        for message in messages:
            if message.reading and message.address in known:
                known[message.address] = message.reading.observed(known[message.address])
        rows = [(id_, self._codec.seal(id_, habits)) for id_, habits in known.items() if habits != before[id_]]
        if rows:
            await connection.execute(_PUT_HABITS, *columns(rows, 2))

    # --- cases ---

    async def _hear(self, connection: asyncpg.Connection, messages: Sequence[_Message]) -> None:
        """What messages tell of the cases that they name: who came when, and who helped."""
        heard: dict[tuple[AddressId, CaseId], _Heard] = {}
        for one in messages:
            if one.case:
                side = heard.setdefault((one.address, self.case_id(one.case)), _Heard())
                side.written.append(one.at)
                if one.direction is Direction.IN:
                    side.times.append(one.at)
                elif one.by:
                    side.agents[one.by] = None
        if not heard:
            return
        before = await self._sides(connection, list(heard))
        await self._put(connection, [_grown(before.get(place), place, told) for place, told in heard.items()])

    async def _sides(
        self, connection: asyncpg.Connection, places: Sequence[tuple[AddressId, CaseId]]
    ) -> dict[tuple[AddressId, CaseId], CaseSide]:
        rows = await connection.fetch(_SIDES, *columns(sorted(set(places)), 2))
        sides = [side_of(tuple(row)[:-1], self._codec.open(row["address_id"], row["body_sealed"])) for row in rows]
        return {(side.address, side.id): side for side in sides}

    async def _put(self, connection: asyncpg.Connection, sides: Sequence[CaseSide]) -> None:
        rows = [
            (s.address, s.id, s.intent, s.state, self._codec.seal(s.address, side_body(s)), s.opened_at, s.touched_at,
             s.resolved_at, s.contacts, s.reopened)
            for s in sides
        ]  # fmt: skip
        if rows:
            await connection.execute(_PUT, *columns(rows, 10))

    # --- facts ---

    def _fact_row(self, one: Told, span: Span) -> tuple[object, ...]:
        row = list(super()._fact_row(one, span))
        row[4] = "import"
        return tuple(row)


def _reading_key(codec: Codec, key: str) -> UUID:
    return codec.arrival_hash(IMPORTED, "reading", key)


def _first(messages: Sequence[_Message]) -> list[_Message]:
    """Of those with one key the first."""
    return list({m.key: m for m in reversed(messages)}.values())[::-1]


def _second(at: datetime) -> datetime:
    """Providers tell times in seconds, and so do we."""
    return at.replace(microsecond=0)


def _told(fact: PastFact) -> Told:
    change = Change(key=fact.key, value=fact.value, at=fact.at, confidence=_CONFIDENCE)
    return Told(fact.address, change, fact.at)


# --- sides of cases ---


def _told_sides(case: _Case, id_: CaseId) -> list[CaseSide]:
    """A side for each address. What cannot be told apart (how often, what was tried) is the first one's."""
    sides = []
    for number, address in enumerate(dict.fromkeys(case.addresses)):
        times = tuple(sorted(at for where, at in case.contacted_at if where == address))[-_MOST_CONTACTS:]
        first = number == 0
        side = CaseSide(
            id=id_,
            address=address,
            intent=case.intent or OUT_OF_SCOPE,
            topic=case.topic,
            state=case.state,
            opened_at=case.opened_at,
            touched_at=case.touched_at,
            resolved_at=case.resolved_at,
            contacts=max(len(times), case.contacts if first and not case.contacted_at else 0),
            contacted_at=times,
            concern=case.concern,
            attempts=case.attempts[-_MOST_ATTEMPTS:] if first else (),
            agents=case.agents if first else (),
        )
        sides.append(side)
    return sides


def _with_a_contact(sides: Sequence[CaseSide]) -> list[CaseSide]:
    """Whoever has a case has come with it once, at the latest when it was opened."""
    first, *others = sides
    if any(side.contacted_at for side in sides):
        return list(sides)
    return [replace(first, contacts=max(1, first.contacts), contacted_at=(first.opened_at,)), *others]


def _joined(before: CaseSide | None, told: CaseSide) -> CaseSide:
    """What is known of a side with what is told of it. How things stand is told by whoever knew it last."""
    if before is None:
        return told
    only_heard = before.intent == OUT_OF_SCOPE
    latest = told if only_heard or _known_until(told) >= _known_until(before) else before
    times = tuple(sorted({*before.contacted_at, *told.contacted_at}))
    return replace(
        latest,
        opened_at=min(before.opened_at, told.opened_at),
        touched_at=max(before.touched_at, told.touched_at),
        contacts=max(before.contacts, told.contacts, len(times)),
        contacted_at=times[-_MOST_CONTACTS:],
        reopened=max(before.reopened, told.reopened),
        asked=before.asked,
        attempts=_attempts(before.attempts, told.attempts),
        agents=tuple(dict.fromkeys((*before.agents, *told.agents))),
    )


def _known_until(side: CaseSide) -> datetime:
    return max(side.touched_at, side.resolved_at or side.touched_at)


def _attempts(before: Sequence[Attempt], told: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Each once, with what became of it."""
    attempts: dict[str, Attempt] = {}
    for one in sorted((*before, *told), key=lambda one: one.at):
        known = attempts.get(one.what)
        result = one.result if known is None or one.result is not Result.UNKNOWN else known.result
        attempts[one.what] = replace(known or one, result=result)
    return tuple(attempts.values())[-_MOST_ATTEMPTS:]


def _grown(before: CaseSide | None, place: tuple[AddressId, CaseId], heard: _Heard) -> CaseSide:
    """A side with what messages tell of it; one of which nothing else is told was answered, as far as anybody knows."""
    address, id_ = place
    first = min(heard.written)
    side = before or CaseSide(
        id=id_,
        address=address,
        intent=OUT_OF_SCOPE,
        state=CaseState.WAITING,
        opened_at=first,
        touched_at=first,
        contacts=0,
    )
    times, last = list(side.contacted_at), side.touched_at if before and before.contacted_at else None
    for at in sorted(heard.times):
        if _comes_anew(at, times, last):
            times.append(at)
        last = at if last is None else max(last, at)
    times.sort()
    return replace(
        side,
        opened_at=min(side.opened_at, first),
        touched_at=max([side.touched_at, *heard.times]),
        contacts=max(side.contacts, len(times)),
        contacted_at=tuple(times[-_MOST_CONTACTS:]),
        agents=tuple(dict.fromkeys((*side.agents, *heard.agents))),
    )


def _comes_anew(at: datetime, times: Sequence[datetime], last: datetime | None) -> bool:
    """Whether somebody comes once more, and does not just go on writing."""
    if any(abs(at - one) < _CONTACT for one in times):
        return False
    return last is None or at < last or at - last >= _CONTACT
