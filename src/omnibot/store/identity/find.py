"""Find: customers for people, by an address, an id, or part of a name; and the reviews that wait for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import asyncpg

from omnibot.identifiers import spelled
from omnibot.model import Address, AddressId, CustomerId, Identifier, IdentifierKind, Proof
from omnibot.store.identity.log import Logging
from omnibot.store.identity.standing import IDS, answerable
from omnibot.store.identity.values import (
    HeldAddress,
    HeldIdentifier,
    OpenReview,
    Person,
    Resolution,
    Ruling,
    StandingMerge,
    UnknownAddress,
    UnknownCustomer,
    Who,
)

_BATCH = 1000  # names that are opened at once

_PERSON = """
SELECT l.address_id, l.home_id, l.customer_id, l.proof, l.evidence, l.proven_at, l.since, a.channel, a.value_sealed,
    a.stopped_at IS NOT NULL AS stopped, a.unreachable_at IS NOT NULL AS unreachable, a.shared_at IS NOT NULL AS shared,
    c.created_at
FROM links l JOIN addresses a ON a.id = l.address_id LEFT JOIN customers c ON c.id = l.home_id
WHERE l.customer_id = ANY($1::bigint[]) ORDER BY l.address_id
"""

_IDENTIFIERS = """
SELECT address_id, kind, value_sealed, evidence, proven_at, at FROM identifiers
WHERE address_id = ANY($1::bigint[]) AND revoked_at IS NULL ORDER BY id
"""

_MERGES = """
SELECT id, left_id, right_id, rule, at FROM merges
WHERE undone_at IS NULL AND left_id = ANY($1::bigint[]) ORDER BY id
"""

_NAMES_OF = """
SELECT f.address_id, f.value_sealed FROM links l JOIN facts f ON f.address_id = l.address_id
WHERE l.customer_id = $1 AND f.key = 'name' AND f.valid_to IS NULL ORDER BY f.confidence, f.valid_from, f.id
"""

_ALL_NAMES = """
SELECT f.address_id, f.value_sealed, l.customer_id FROM facts f JOIN links l ON l.address_id = f.address_id
WHERE f.key = 'name' AND f.valid_to IS NULL
"""

_HOLDING = """
SELECT DISTINCT l.customer_id FROM identifiers i JOIN links l ON l.address_id = i.address_id
WHERE i.hash = ANY($1::uuid[]) AND i.revoked_at IS NULL LIMIT $2
"""

_OF_HOME = "SELECT customer_id FROM links WHERE home_id = $1 OR customer_id = $1 LIMIT 1"

_REVIEWS = """
SELECT id, left_id, right_id, reason, evidence, at FROM reviews WHERE resolved_at IS NULL ORDER BY id LIMIT $1
"""


class Finding(Logging):
    """Reads for people, and what they decide."""

    async def find(self, text: str, limit: int = 20) -> list[Person]:
        """Customers by an address or identifier (`sms:+49…`, `email:…`, `user_id:…`), an id, or part of a name."""
        text = text.strip()
        async with self._connection() as connection:
            if text.isdecimal():
                found = await self._customers_of_id(connection, int(text))
            else:
                found = await self._holding(connection, text, limit)
                found = found or await self._called(connection, text, limit)
            people = [await self._person(connection, customer) for customer in found]
        return [person for person in people if person]

    async def show(self, who: Who) -> Person:
        """A customer; asked by the id of one who was merged, whose they are now.

        Raises UnknownAddress, UnknownCustomer.
        """
        async with self._connection() as connection:
            home = (await self._end(connection, who)).home
            person = await self._at_home(connection, home)
        if person is None:
            raise UnknownCustomer(home)
        return person

    async def reviews(self, limit: int = 100) -> list[OpenReview]:
        """What waits for a person's decision, the oldest first."""
        async with self._connection() as connection:
            rows = await connection.fetch(_REVIEWS, limit)
            return [
                OpenReview(
                    id=row["id"],
                    left=await self._at_home(connection, row["left_id"]),
                    right=await self._at_home(connection, row["right_id"]),
                    reason=row["reason"],
                    evidence=row["evidence"],
                    at=row["at"],
                )
                for row in rows
            ]

    async def resolve_review(self, review: int, resolution: Resolution, *, by: str, reason: str) -> Ruling:
        """Merge the two, or say that they are two: no rule merges them or asks about them again.

        Raises UnknownReview, UnknownCustomer, ReasonNeeded.
        """
        answerable(by, reason)

        async def work(connection: asyncpg.Connection) -> Ruling:
            return await self._resolve_review(connection, review, resolution, by, reason)

        return await self._atomically(work)

    # --- looking ---

    async def _customers_of_id(self, connection: asyncpg.Connection, id_: int) -> list[int]:
        found = await connection.fetchval(_OF_HOME, id_) if id_ < IDS else None
        return [] if found is None else [found]

    async def _holding(self, connection: asyncpg.Connection, text: str, limit: int) -> list[int]:
        """By an address or an identifier, written with its channel or kind."""
        try:
            written = Address.parse(text)
        except ValueError:
            return []
        try:
            end = await self._end(connection, written)
        except UnknownAddress:
            end = None
        found = await self._customers_of_id(connection, end.home) if end else []
        if written.channel in list(IdentifierKind):
            identifier = Identifier(IdentifierKind(written.channel), written.value)
            hash_ = self._codec.identifier_hash(spelled(identifier) or identifier)
            rows = await connection.fetch(_HOLDING, [hash_], limit)
            found += sorted(row["customer_id"] for row in rows if row["customer_id"] not in found)
        return found

    async def _called(self, connection: asyncpg.Connection, text: str, limit: int) -> list[int]:
        """Names are sealed: each is opened and looked at, so this takes its time where there are many."""
        found: dict[int, None] = {}
        wanted = text.casefold()
        async with connection.transaction():
            async for row in connection.cursor(_ALL_NAMES, prefetch=_BATCH):
                if wanted in self._codec.open_text(row["address_id"], row["value_sealed"]).casefold():
                    found[row["customer_id"]] = None
                if len(found) >= limit:
                    break
        return list(found)

    async def _at_home(self, connection: asyncpg.Connection, home: int) -> Person | None:
        found = await self._customers_of_id(connection, home)
        return await self._person(connection, found[0]) if found else None

    async def _person(self, connection: asyncpg.Connection, customer: int) -> Person | None:
        rows = await connection.fetch(_PERSON, [customer])
        if not rows:
            return None
        held = await self._held(connection, [row["address_id"] for row in rows])
        homes = (await self._look_at(connection, {row["home_id"] for row in rows})).homes
        merges = await connection.fetch(_MERGES, sorted(homes))
        names = await connection.fetch(_NAMES_OF, customer)
        name = self._codec.open_text(names[-1]["address_id"], names[-1]["value_sealed"]) if names else ""
        return Person(
            customer=CustomerId(customer),
            name=name,
            since=_earliest(rows),
            addresses=tuple(self._held_address(row, held.get(row["address_id"], ())) for row in rows),
            merges=tuple(
                StandingMerge(
                    id=row["id"],
                    left=CustomerId(row["left_id"]),
                    right=CustomerId(row["right_id"]),
                    rule=row["rule"],
                    at=row["at"],
                )
                for row in merges
            ),
        )

    async def _held(
        self, connection: asyncpg.Connection, addresses: Collection[int]
    ) -> dict[int, tuple[HeldIdentifier, ...]]:
        held: dict[int, tuple[HeldIdentifier, ...]] = {}
        for row in await connection.fetch(_IDENTIFIERS, list(addresses)):
            value = self._codec.open_text(row["address_id"], row["value_sealed"])
            one = HeldIdentifier(
                identifier=Identifier(IdentifierKind(row["kind"]), value),
                evidence=row["evidence"],
                proven_at=row["proven_at"],
                at=row["at"],
            )
            held[row["address_id"]] = (*held.get(row["address_id"], ()), one)
        return held

    def _held_address(self, row: asyncpg.Record, identifiers: tuple[HeldIdentifier, ...]) -> HeldAddress:
        id_ = AddressId(row["address_id"])
        return HeldAddress(
            id=id_,
            address=Address(row["channel"], self._codec.open_text(id_, row["value_sealed"])),
            home=CustomerId(row["home_id"]),
            proof=Proof(row["proof"]),
            evidence=row["evidence"],
            proven_at=row["proven_at"],
            since=row["since"],
            stopped=row["stopped"],
            unreachable=row["unreachable"],
            shared=row["shared"],
            identifiers=identifiers,
        )


def _earliest(rows: Sequence[asyncpg.Record]) -> datetime:
    times: list[datetime] = [time for row in rows for time in (row["since"], row["created_at"]) if time]
    return min(times)
