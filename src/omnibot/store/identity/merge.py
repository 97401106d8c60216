"""Merge and split: two customers become one person, and are two again exactly as they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from omnibot.model import CustomerId
from omnibot.store.identity.guards import judge
from omnibot.store.identity.reviews import Parking
from omnibot.store.identity.standing import IDS, Changed, Edge, End, Side, Standing, answerable
from omnibot.store.identity.values import (
    NOT_STAFF,
    ManyMerges,
    NothingToSplit,
    NotTheirs,
    Parted,
    Ruling,
    UnknownMerge,
    Verdict,
    Who,
)

_MERGE = """
WITH made AS (
    INSERT INTO merges (left_id, right_id, rule, identifier_hash, at, apart)
    VALUES ($1, $2, $3, $4, now(), false) RETURNING id
), logged AS (
    INSERT INTO identity_log (at, act, address_id, customer_id, other_id, merge_id, proof, evidence, by, reason)
    SELECT now(), 'merge', $5, $1, $2, id, '', $3, $6, $7 FROM made
)
SELECT id FROM made
"""

_UNDO = """
WITH undone AS (
    UPDATE merges SET undone_at = now(), undone_by = $2, apart = $3 WHERE id = $1 AND undone_at IS NULL
    RETURNING id, left_id, right_id
), logged AS (
    INSERT INTO identity_log (at, act, customer_id, other_id, merge_id, proof, evidence, by, reason)
    SELECT now(), act, left_id, right_id, id, '', '', $2, $4
    FROM undone CROSS JOIN LATERAL unnest(CASE WHEN $3 THEN '{split,apart}' ELSE '{split}' END::text[])
        WITH ORDINALITY AS a(act, ord) ORDER BY a.ord
)
SELECT id FROM undone
"""

_OF_MERGE = "SELECT left_id, right_id, undone_at IS NOT NULL AS undone FROM merges WHERE id = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """On what two are to be one: `rule` names it in a word (phone, code, staff)."""

    rule: str
    by: str
    reason: str = ""
    identifier: UUID | None = None  # that both hold
    shared_too: bool = False  # staff says so although several people write from there


class Merging(Parking):
    """Merges and splits."""

    async def merge(
        self, left: Who, right: Who, *, rule: str, by: str, reason: str = "", shared_too: bool = False
    ) -> Ruling:
        """Make one person of two customers; the guards may park or refuse it. `by`: rule, customer, or a name.

        Whoever is staff passes the guards, and a shared address with `shared_too`. Raises UnknownAddress,
        UnknownCustomer, ReasonNeeded.
        """
        answerable(by, reason)
        ground = Ground(rule=rule, by=by, reason=reason, shared_too=shared_too)

        async def work(connection: asyncpg.Connection) -> Ruling:
            ends = await self._end(connection, left), await self._end(connection, right)
            standing = await self._hold_ends(connection, *ends)
            return await self._merge(connection, standing, *ends, ground)

        return await self._atomically(work)

    async def split(self, merge: int, *, by: str, reason: str, for_good: bool = False) -> Parted:
        """Undo a merge: each address is whose it would be without it. `for_good`: no rule merges these two again.

        Raises UnknownMerge, ReasonNeeded.
        """
        answerable(by, reason)

        async def work(connection: asyncpg.Connection) -> Parted:
            row = await connection.fetchrow(_OF_MERGE, merge) if merge < IDS else None
            if row is None or row["undone"]:
                raise UnknownMerge(merge, undone=row is not None)
            standing = await self._hold(connection, {row["left_id"], row["right_id"]})
            edge = next((edge for edge in standing.edges if edge.id == merge), None)
            if edge is None:
                raise Changed
            without = [one for one in standing.edges if one.id != merge]
            newer = max(edge.left, edge.right, key=lambda home: standing.part(home, without).customer)
            return await self._split(connection, standing, edge, newer, by, reason, for_good)

        return await self._atomically(work)

    async def split_off(self, customer: Who, address: Who, *, by: str, reason: str, for_good: bool = False) -> Parted:
        """Undo the merge that joins an address to a customer, next to the address.

        Raises UnknownAddress, UnknownCustomer, NotTheirs, NothingToSplit, ManyMerges, ReasonNeeded.
        """
        answerable(by, reason)

        async def work(connection: asyncpg.Connection) -> Parted:
            ends = await self._end(connection, customer), await self._end(connection, address)
            standing = await self._hold_ends(connection, *ends)
            edge = _joining(standing, *ends)
            return await self._split(connection, standing, edge, ends[1].home, by, reason, for_good)

        return await self._atomically(work)

    async def _merge(
        self, connection: asyncpg.Connection, standing: Standing, left: End, right: End, ground: Ground
    ) -> Ruling:
        """Whoever calls it holds both."""
        mine, theirs = standing.side(left.home), standing.side(right.home)
        if right.home in mine.homes:
            return Ruling(verdict=Verdict.ALREADY, customer=mine.customer)
        verdict, why = self._judge(standing, mine, theirs, left, right, ground)
        if verdict is Verdict.PARKED:
            review = await self._park(connection, left.home, right.home, why, ground.rule, ground.by)
            return Ruling(verdict=verdict, customer=mine.customer, why=why, review=review)
        if verdict is not Verdict.MERGED:
            return Ruling(verdict=verdict, customer=mine.customer, why=why)
        merge = await connection.fetchval(
            _MERGE, left.home, right.home, ground.rule, ground.identifier, left.address or right.address, ground.by,
            ground.reason,
        )  # fmt: skip
        customer = CustomerId(min(mine.customer, theirs.customer))
        await self._settle(connection, [*mine.links, *theirs.links], customer)
        return Ruling(verdict=Verdict.MERGED, customer=customer, merge=merge)

    def _judge(
        self, standing: Standing, mine: Side, theirs: Side, left: End, right: End, ground: Ground
    ) -> tuple[Verdict, str]:
        for side, end in ((mine, left), (theirs, right)):
            if all(link.shared for link in side.at(end)) and not (ground.shared_too and ground.by not in NOT_STAFF):
                return Verdict.REFUSED, f"several people write from {end.name}: it is marked as shared"
        return judge(mine, theirs, standing.apart, ground.by, self._guards)

    async def _split(
        self, connection: asyncpg.Connection, standing: Standing, edge: Edge, leaving: int, by: str, reason: str,
        for_good: bool,
    ) -> Parted:  # fmt: skip
        """Whoever calls it holds both; `leaving` is a home on the side that goes."""
        if await connection.fetchval(_UNDO, edge.id, by, for_good, reason) is None:
            raise Changed
        left = [one for one in standing.edges if one.id != edge.id]
        stays = standing.part(edge.left if leaving != edge.left else edge.right, left)
        leaves = standing.part(leaving, left)
        to = {link.address: side.customer for side in (stays, leaves) for link in side.links}
        links = [*stays.links, *leaves.links]
        await self._move(connection, links, [(link.home, to[link.address]) for link in links])
        return Parted(stays=stays.customer, leaves=leaves.customer, merge=edge.id)


def _joining(standing: Standing, customer: End, address: End) -> Edge:
    """The merge next to the address on the way to the customer."""
    side = standing.side(address.home)
    if customer.home not in side.homes:
        raise NotTheirs(address.name, customer.home)
    around = [edge for edge in side.edges if address.home in (edge.left, edge.right)]
    if customer.home != address.home:
        return next(edge for edge in around if not _reaches(standing, address.home, customer.home, edge))
    if not around:
        raise NothingToSplit(address.name, customer.home)
    if len(around) > 1:
        raise ManyMerges(address.name, tuple(edge.id for edge in around))
    return around[0]


def _reaches(standing: Standing, home: int, other: int, without: Edge) -> bool:
    edges: Iterator[Edge] = (edge for edge in standing.edges if edge.id != without.id)
    return other in standing.part(home, edges).homes
