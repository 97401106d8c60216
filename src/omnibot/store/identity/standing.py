"""How people stand: who is whose, read under locks, so that nothing changes until it is decided what becomes of them.

A customer *at home* is as they were met; merges are edges between homes. Whoever is connected by standing merges is
one person, and their customer is the smallest home: `links.customer_id`.

Locks are taken in the order of the intake (identifiers, links by address, lanes by customer), each in one statement.
Whoever reads before it has all locks may read what has changed meanwhile: it then lets go and begins again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar
from uuid import UUID

import asyncpg

from omnibot.model import Address, AddressId, CustomerId, IdentifierKind
from omnibot.store.codec import Codec
from omnibot.store.identity.guards import Guards
from omnibot.store.identity.values import NOT_STAFF, ReasonNeeded, UnknownAddress, UnknownCustomer, Who
from omnibot.store.message_path.connections import Connections
from omnibot.store.work import StoreUnavailable

T = TypeVar("T")

IDS = 2**63  # PostgreSQL's bigint ends before: whoever asks for more asks for nobody
_ATTEMPTS = 50  # of an act whose people are changed by others at the same moment; each time one of them gets through

# Whoever is connected with these homes ($1). Left and right are looked up apart, each by its index.
_ALL = """
RECURSIVE together AS (
    SELECT unnest($1::bigint[]) AS home
    UNION
    SELECT other.home FROM together t CROSS JOIN LATERAL (
        SELECT right_id AS home FROM merges WHERE left_id = t.home AND undone_at IS NULL
        UNION ALL SELECT left_id FROM merges WHERE right_id = t.home AND undone_at IS NULL) AS other
)"""

_LOCK = f"""
WITH {_ALL}, linked AS MATERIALIZED (
    SELECT l.address_id FROM together t
    CROSS JOIN LATERAL (SELECT address_id FROM links WHERE home_id = t.home OFFSET 0) AS l ORDER BY l.address_id
)
SELECT o.address_id FROM linked o
CROSS JOIN LATERAL (SELECT FROM links WHERE address_id = o.address_id FOR NO KEY UPDATE) AS l
"""

_READ = f"""
WITH {_ALL}, linked AS MATERIALIZED (
    SELECT l.* FROM together t CROSS JOIN LATERAL (
        SELECT address_id, home_id, customer_id FROM links WHERE home_id = t.home OFFSET 0) AS l
)
SELECT ARRAY(SELECT home FROM together) AS homes,
    ARRAY(  -- Linked
        SELECT ROW(l.address_id, l.home_id, l.customer_id, a.shared_at IS NOT NULL)
        FROM linked l CROSS JOIN LATERAL (SELECT shared_at FROM addresses WHERE id = l.address_id OFFSET 0) AS a
        ORDER BY l.address_id) AS links,
    ARRAY(  -- Edge
        SELECT ROW(m.id, m.left_id, m.right_id, m.rule)
        FROM together t CROSS JOIN LATERAL (
            SELECT * FROM merges WHERE left_id = t.home AND undone_at IS NULL OFFSET 0) AS m
        ORDER BY m.id) AS edges,
    ARRAY(  -- Held
        SELECT ROW(i.address_id, i.kind, i.hash)
        FROM linked l CROSS JOIN LATERAL (SELECT * FROM identifiers WHERE address_id = l.address_id
            AND proven_at IS NOT NULL AND revoked_at IS NULL OFFSET 0) AS i) AS held,
    ARRAY(  -- Apart
        SELECT ROW(m.left_id, m.right_id, m.undone_by)
        FROM together t CROSS JOIN LATERAL (SELECT * FROM merges WHERE left_id = t.home AND apart OFFSET 0) AS m
        WHERE m.right_id IN (SELECT home FROM together)) AS apart
"""

_OF_ADDRESS = """
SELECT a.id, l.home_id FROM addresses a JOIN links l ON l.address_id = a.id WHERE a.hash = $1
"""

_OF_ADDRESS_ID = "SELECT address_id AS id, home_id FROM links WHERE address_id = $1"


@dataclass(frozen=True, slots=True)
class Linked:
    """An address, whose it is at home, and now."""

    address: AddressId
    home: int
    customer: int
    shared: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """A merge that stands."""

    id: int
    left: int
    right: int
    rule: str


@dataclass(frozen=True, slots=True)
class Held:
    """A proven identifier of an address."""

    address: AddressId
    kind: str
    hash: UUID


@dataclass(frozen=True, slots=True)
class Apart:
    """Two homes that were parted for good."""

    left: int
    right: int
    by: str


@dataclass(frozen=True, slots=True)
class End:
    """Where a merge is to take hold: at a home, and by which of its addresses, where one was named."""

    home: int
    address: AddressId | None = None
    name: str = ""  # as it was asked for


@dataclass(frozen=True)
class Side:
    """A person: all homes that standing merges connect."""

    homes: frozenset[int]
    links: tuple[Linked, ...]
    edges: tuple[Edge, ...]
    held: tuple[Held, ...]

    @property
    def customer(self) -> CustomerId:
        return CustomerId(min(self.homes))

    def identifiers(self, kind: IdentifierKind) -> frozenset[UUID]:
        return frozenset(held.hash for held in self.held if held.kind == kind)

    def at(self, end: End) -> tuple[Linked, ...]:
        """The addresses by which a merge would take hold here."""
        if end.address is not None:
            return tuple(link for link in self.links if link.address == end.address)
        return self.links


@dataclass(frozen=True)
class Standing:
    """All who are connected with some homes."""

    homes: frozenset[int]
    links: tuple[Linked, ...]
    edges: tuple[Edge, ...]
    held: tuple[Held, ...]
    apart: tuple[Apart, ...] = field(default=())

    def side(self, home: int) -> Side:
        """The person that a home is part of."""
        return self.part(home, self.edges)

    def part(self, home: int, edges: Iterable[Edge]) -> Side:
        """The person that a home would be part of if these merges stood."""
        edges = tuple(edges)
        homes = _connected(home, edges)
        links = tuple(link for link in self.links if link.home in homes)
        addresses = {link.address for link in links}
        return Side(
            homes,
            links,
            tuple(edge for edge in edges if edge.left in homes),
            tuple(held for held in self.held if held.address in addresses),
        )

    def home_of(self, address: AddressId) -> int | None:
        return self._homes.get(address)

    @cached_property
    def _homes(self) -> dict[AddressId, int]:
        return {link.address: link.home for link in self.links}


class Changed(Exception):
    """Somebody else changed these people since they were looked at: begin again."""


class Holding(Connections):
    """Finds people and holds them."""

    def __init__(self, pool: asyncpg.Pool, codec: Codec, guards: Guards) -> None:
        super().__init__(pool, codec)
        self._guards = guards
        self._blocked = frozenset(codec.identifier_hash(identifier) for identifier in guards.blocked)

    async def _atomically(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """Do it in one transaction, again where others came between. Raises StoreUnavailable."""
        for _ in range(_ATTEMPTS):
            try:
                async with self._transaction() as connection:
                    return await work(connection)
            except Changed:
                continue
            except StoreUnavailable as error:
                if not isinstance(error.__cause__, asyncpg.TransactionRollbackError):
                    raise
        raise StoreUnavailable("too many change the same people at once")

    async def _hold(self, connection: asyncpg.Connection, homes: Collection[int]) -> Standing:
        """All who are connected with these homes, each address locked. Raises Changed."""
        locked = {row["address_id"] for row in await connection.fetch(_LOCK, sorted(homes))}
        standing = await self._look_at(connection, homes)
        if any(link.address not in locked for link in standing.links):
            raise Changed
        return standing

    async def _hold_ends(self, connection: asyncpg.Connection, *ends: End) -> Standing:
        standing = await self._hold(connection, {end.home for end in ends})
        for end in ends:
            if end.address is not None and standing.home_of(end.address) != end.home:
                raise Changed
            if not standing.side(end.home).links:
                raise UnknownCustomer(end.home)
        return standing

    async def _look_at(self, connection: asyncpg.Connection, homes: Collection[int]) -> Standing:
        row = await connection.fetchrow(_READ, sorted(homes))
        return Standing(
            frozenset(row["homes"]),
            tuple(Linked(*link) for link in row["links"]),
            tuple(Edge(*edge) for edge in row["edges"]),
            tuple(Held(*held) for held in row["held"]),
            tuple(Apart(left, right, by or "") for left, right, by in row["apart"]),
        )

    async def _end(self, connection: asyncpg.Connection, who: Who) -> End:
        """Raises UnknownAddress, UnknownCustomer."""
        if isinstance(who, Address):
            row = await connection.fetchrow(_OF_ADDRESS, self._codec.address_hash(who))
            if row is None:
                raise UnknownAddress(who)
            return End(row["home_id"], AddressId(row["id"]), str(who))
        if who >= IDS:
            raise UnknownCustomer(who)
        return End(who, None, f"customer {who}")

    async def _end_at(self, connection: asyncpg.Connection, address: AddressId) -> End:
        row = await connection.fetchrow(_OF_ADDRESS_ID, address)
        if row is None:
            raise UnknownAddress(f"address {address}")
        return End(row["home_id"], AddressId(row["id"]), f"address {address}")


def answerable(by: str, reason: str) -> None:
    """Whoever acts has a name, and staff a reason. Raises ReasonNeeded."""
    if not by.strip() or (by not in NOT_STAFF and not reason.strip()):
        raise ReasonNeeded


def _connected(home: int, edges: Sequence[Edge]) -> frozenset[int]:
    beside: dict[int, set[int]] = defaultdict(set)
    for edge in edges:
        beside[edge.left].add(edge.right)
        beside[edge.right].add(edge.left)
    found, ahead = {home}, [home]
    while ahead:
        new = beside[ahead.pop()] - found
        found |= new
        ahead += new
    return frozenset(found)
