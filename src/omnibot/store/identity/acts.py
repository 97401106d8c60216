"""Acts: what was proven in a turn or on arrival, and is then done to customers in a transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from omnibot.model import AddressId
from omnibot.store.availability import AWAY
from omnibot.store.identity.merge import Ground
from omnibot.store.identity.resolve import Resolving
from omnibot.store.identity.standing import Changed, End
from omnibot.store.identity.values import (
    CUSTOMER,
    Act,
    Executed,
    IdentityError,
    Resolution,
    Ruling,
    UnknownAddress,
    Verdict,
)
from omnibot.store.message_path.connections import columns

_WRITE = """
INSERT INTO identity_acts (act, address_id, other_id, evidence, by, at, attempts)
SELECT act, address_id, other_id, evidence, by, now(), 0
FROM unnest((SELECT $1::text[]), $2::bigint[], $3::bigint[], $4::text[], $5::text[])
    AS a(act, address_id, other_id, evidence, by)
"""

# What is asked of one address is done in its order: one that failed has those behind it wait.
_TAKE = """
DELETE FROM identity_acts WHERE id = (
    SELECT id FROM identity_acts a WHERE (due_at IS NULL OR due_at <= now())
        AND NOT EXISTS (SELECT FROM identity_acts b WHERE b.address_id = a.address_id AND b.id < a.id)
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, act, address_id, other_id, evidence, by, attempts
"""

_POSTPONE = """
UPDATE identity_acts SET attempts = attempts + 1, due_at = now() + $2::interval * 2 ^ attempts WHERE id = $1
"""

_GIVE_UP = "DELETE FROM identity_acts WHERE id = $1 RETURNING id"

_PROOFS = """
SELECT l.proven_at, a.channel FROM links l JOIN addresses a ON a.id = l.address_id
WHERE l.address_id = ANY($1::bigint[])
"""

_WAITING = "SELECT count(*) FROM identity_acts"

_EXPIRE = """
WITH tokens AS (
    DELETE FROM spent_tokens WHERE key IN (
        SELECT key FROM spent_tokens WHERE expires_at < now() LIMIT 10000) RETURNING key
), codes AS (
    DELETE FROM link_codes WHERE key IN (
        SELECT key FROM link_codes WHERE expires_at < now() LIMIT 10000) RETURNING key
), requests AS (
    DELETE FROM proof_requests WHERE id IN (
        SELECT id FROM proof_requests WHERE created_at < now() - $1::interval LIMIT 10000) RETURNING id
)
SELECT (SELECT count(*) FROM tokens) + (SELECT count(*) FROM codes) + (SELECT count(*) FROM requests)
"""

# What nobody knows the end of, and what waits for a conversation that nobody opens, keeps its code until that is over.
_SCRUB = """
UPDATE outbox SET payload_sealed = '', changed_at = now(),
    state = CASE WHEN state = 'unknown' THEN state ELSE 'suppressed' END,
    reason = CASE WHEN state = 'unknown' THEN reason ELSE 'too late' END
WHERE id IN (
    SELECT o.id FROM proof_requests p JOIN outbox o ON o.id = p.message_id
    WHERE p.created_at > now() - $1::interval AND (p.settled_at IS NOT NULL OR p.expires_at <= now())
        AND o.purpose = 'code' AND o.state IN ('queued', 'held', 'unknown') AND o.payload_sealed <> ''
    ORDER BY o.id LIMIT 10000 FOR UPDATE OF o SKIP LOCKED)
"""

_KEPT = timedelta(days=30)  # requests for proof: the limits look back a day, and staff a little further


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAct:
    """Something to be done to customers; see `Act` for what the addresses mean."""

    act: Act
    address: AddressId
    other: AddressId | None = None
    evidence: str
    by: str


@dataclass(frozen=True, slots=True)
class _Taken:
    id: int
    act: str
    address: AddressId
    other: AddressId | None
    evidence: str
    by: str
    attempts: int


class _Failed(Exception):
    """An act came to no end; what it has begun is undone."""

    def __init__(self, taken: _Taken) -> None:
        super().__init__(taken.id)
        self.taken = taken


class Acting(Resolving):
    """The queue of acts, and their execution."""

    async def write_acts(self, acts: Sequence[NewAct]) -> None:
        """Have these done soon. Whoever writes them within a turn uses the same table in its own transaction."""
        rows = [(act.act, act.address, act.other, act.evidence, act.by) for act in acts]
        async with self._connection() as connection:
            await connection.execute(_WRITE, *columns(rows, 5))

    async def waiting_acts(self) -> int:
        """How many acts are still to be done."""
        async with self._connection() as connection:
            count: int = await connection.fetchval(_WAITING)
        return count

    async def execute_next(self, *, attempts: int = 8, backoff: float = 2.0) -> Executed | None:
        """Do the next act that is due and take it from the queue, in one transaction; None when none is due.

        One that fails comes again after `backoff` seconds, doubled each time, and is parked as a review after so many
        `attempts`. Several processes may do this at once.
        """
        try:
            return await self._atomically(self._execute)
        except _Failed as failed:
            cause = type(failed.__cause__).__name__
            return await self._postpone(failed.taken, cause, attempts, backoff)

    async def expire(self) -> int:
        """Delete tokens that have run out, and old requests for proof; tells how many. Scrubs codes that are over."""
        async with self._connection() as connection:
            await connection.execute(_SCRUB, _KEPT)
            count: int = await connection.fetchval(_EXPIRE, _KEPT)
        return count

    async def _execute(self, connection: asyncpg.Connection) -> Executed | None:
        row = await connection.fetchrow(_TAKE)
        if row is None:
            return None
        taken = _Taken(*row)
        try:
            outcome = await self._done(connection, taken)
        except IdentityError as error:
            outcome = type(error).__name__  # somebody was quicker, and there is nothing left to do
        except (Changed, *AWAY):
            raise
        except Exception as error:
            raise _Failed(taken) from error
        return Executed(id=taken.id, act=taken.act, address=taken.address, outcome=outcome)

    async def _done(self, connection: asyncpg.Connection, taken: _Taken) -> str:
        match Act(taken.act):
            case Act.LINK:
                return (await self._link_proven(connection, taken)).verdict.name.lower()
            case Act.MATCH:
                return (await self._match(connection, taken.address)).verdict.name.lower()
            case Act.REVIEW:
                review, _, reason = taken.evidence.partition(" ")
                reason = reason or "said at the desk"
                ruling = await self._resolve_review(connection, int(review), Resolution.MERGE, taken.by, reason)
                return ruling.verdict.name.lower()
            case Act.UNLINK:
                end = await self._end_at(connection, taken.address)
                await self._unlink(connection, end, taken.by, taken.evidence)
            case Act.FORGET:
                end = await self._end_at(connection, taken.address)
                await self._forget(connection, end, taken.by, taken.evidence)
        return "done"

    async def _link_proven(self, connection: asyncpg.Connection, taken: _Taken) -> Ruling:
        """Both are one person's: by CUSTOMER, since what was sent to one came back at the other."""
        if taken.other is None:
            raise ValueError("a link takes two addresses")
        end, to = await self._end_at(connection, taken.address), await self._end_at(connection, taken.other)
        standing = await self._hold_ends(connection, end, to)
        proves = taken.by == CUSTOMER
        customer = standing.side(to.home).customer
        worn = await self._worn(connection, end, to) if proves else 0
        theirs = end.home in standing.side(to.home).homes
        if worn and not theirs:
            why = "the proof of an address has run out: it may be somebody else's by now"
            review = await self._park(connection, to.home, end.home, why, taken.evidence, taken.by)
            return Ruling(verdict=Verdict.PARKED, customer=customer, why=why, review=review)
        if worn == 2:  # a number on two channels, with somebody else now
            return Ruling(verdict=Verdict.REFUSED, customer=customer, why="the proofs of both have run out")
        if proves:  # whoever typed it has read what came there, whatever becomes of the link
            await self._prove(connection, end, taken.evidence, taken.by, "")
            standing = await self._look_at(connection, {end.home, to.home})
            if await self._names_nobody(connection, end) or await self._names_nobody(connection, to):
                return Ruling(verdict=Verdict.REFUSED, customer=customer, why="it names nobody: it is blocked")
        ruling = await self._link(connection, standing, end, to, Ground(rule=taken.evidence, by=taken.by))
        if proves and ruling.verdict in (Verdict.LINKED, Verdict.MERGED, Verdict.ALREADY):
            await self._prove(connection, to, taken.evidence, taken.by, "")
            await self._match_later(connection, taken.address, taken.evidence)
        return ruling

    async def _worn(self, connection: asyncpg.Connection, *ends: End) -> int:
        """How many of these were proven too long ago: whoever reads there now may not be whose history it has."""
        rows = await connection.fetch(_PROOFS, [end.address for end in ends])
        return sum(self._guards.is_over(row["proven_at"], row["channel"]) for row in rows)

    async def _postpone(self, taken: _Taken, cause: str, attempts: int, backoff: float) -> Executed:
        parked = taken.attempts + 1 >= attempts
        async with self._transaction() as connection:
            if not parked:
                await connection.execute(_POSTPONE, taken.id, timedelta(seconds=backoff))
            elif await connection.fetchval(_GIVE_UP, taken.id):
                await self._give_up(connection, taken, f"{taken.act} failed {attempts} times: {cause}")
        return Executed(
            id=taken.id, act=taken.act, address=taken.address, outcome="failed", failed=cause, parked=parked
        )

    async def _give_up(self, connection: asyncpg.Connection, taken: _Taken, reason: str) -> None:
        """People must look. What is about an address that is gone has nobody to be shown with."""
        with suppress(UnknownAddress):
            end = await self._end_at(connection, taken.address)
            other = end if taken.other is None else await self._end_at(connection, taken.other)
            await self._park(connection, other.home, end.home, reason, taken.evidence, taken.by)
