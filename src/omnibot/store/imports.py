"""Known customers, brought on the company's word: their addresses, what names them, and what is known of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from tortoise.connection import get_connection
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from omnibot.identifiers import comparable, implied, spelled
from omnibot.model import Address, Identifier, IdentifierKind, Proof
from omnibot.store import models
from omnibot.store.codec import Codec
from omnibot.store.identity.guards import Guards
from omnibot.store.identity.match import MATCH_LATER
from omnibot.store.locks import LOCK, lock_keys

_BATCH = 200  # customers of one transaction: each identifier is a lock, and whoever of them writes waits for its end
_ATTEMPTS = 5
_CONFIDENCE = 0.9  # the company's word: above what a provider says, below what the customer says
_IMPORT = "import"

# Whoever moves one of these waits, and then finds what was linked beside it.
_LINKS = """
SELECT address_id, customer_id, home_id, proof FROM links WHERE address_id = ANY($1::bigint[])
ORDER BY address_id FOR SHARE
"""

_HOLDERS = """
SELECT DISTINCT ON (i.hash, l.customer_id) i.hash, i.address_id
FROM unnest($1::uuid[]) AS h(hash)
JOIN identifiers i ON i.hash = h.hash AND i.proven_at IS NOT NULL AND i.revoked_at IS NULL
JOIN links l ON l.address_id = i.address_id ORDER BY i.hash, l.customer_id, i.address_id
"""

_USER_IDS = """
SELECT DISTINCT l.customer_id, i.hash FROM unnest($1::bigint[]) AS c(id)
JOIN links l ON l.customer_id = c.id
JOIN identifiers i ON i.address_id = l.address_id AND i.kind = 'user_id' AND i.proven_at IS NOT NULL
    AND i.revoked_at IS NULL
"""

_PROVE = """
WITH proven AS (
    UPDATE links SET proof = 'proven', proven_at = now(), evidence = 'import'
    WHERE address_id = ANY($1::bigint[]) AND proof <> 'proven' RETURNING address_id, home_id
)
INSERT INTO identity_log (at, act, address_id, customer_id, proof, evidence, by, reason)
SELECT now(), 'prove', address_id, home_id, 'proven', 'import', 'import', '' FROM proven ORDER BY address_id
"""

# What was only said before is the company's word from now on; what was proven stays as it was.
_IDENTIFY = """
INSERT INTO identifiers AS held (address_id, kind, hash, value_sealed, evidence, proven_at, at)
SELECT n.*, 'import', now(), now() FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::bytea[]) AS n
ON CONFLICT (address_id, hash) WHERE revoked_at IS NULL
    DO UPDATE SET evidence = EXCLUDED.evidence, proven_at = EXCLUDED.proven_at WHERE held.proven_at IS NULL
RETURNING address_id, hash
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCustomer:
    """A customer as the company knows them: `facts` by key (`name`, `preference.channel`, …)."""

    row: int  # where it stands in the file, for messages to people
    addresses: tuple[Address, ...]
    facts: dict[str, str]
    user_id: str = ""  # of the company's own systems


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; `conflicts` are rows that were left out because they belong to several people."""

    created: int
    updated: int
    conflicts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose an address is: now, and at home."""

    customer: int
    home: int


@dataclass(slots=True)
class _Known:
    """What the database knows of the people of a batch."""

    ids: dict[Address, int]  # by comparable address
    owners: dict[Address, _Owner]
    by_user_id: dict[UUID, list[_Owner]]
    user_ids: dict[int, set[UUID]] = field(default_factory=dict)  # of customers

    def owners_of(self, person: NewCustomer, user_id: UUID | None) -> dict[int, _Owner]:
        """Whose the addresses and the user id are, each customer once."""
        found = [owner for a in person.addresses if (owner := self.owners.get(comparable(a)))]
        found += self.by_user_id.get(user_id, []) if user_id else []
        return {owner.customer: owner for owner in reversed(found)}

    def meets(self, person: NewCustomer, owner: _Owner, user_id: UUID | None) -> None:
        """Whose they are from now on: another row of the batch may name one of them again."""
        for address in person.addresses:
            self.owners.setdefault(comparable(address), owner)
        if user_id:
            self.user_ids.setdefault(owner.customer, set()).add(user_id)
            self.by_user_id.setdefault(user_id, []).append(owner)

    def contradicts(self, customer: int, user_id: UUID | None) -> bool:
        """Whether that customer is somebody else in the company's own systems."""
        theirs = self.user_ids.get(customer, set())
        return user_id is not None and bool(theirs) and user_id not in theirs


class Imports:
    """Brings known customers."""

    def __init__(self, codec: Codec, guards: Guards | None = None) -> None:
        self._codec = codec
        self._blocked = (guards or Guards()).blocked

    async def import_customers(self, people: Sequence[NewCustomer], accounts: Mapping[str, str]) -> Imported:
        """Bring known customers, linked on the company's word; known addresses keep their customer.

        `accounts` names for each channel the account that reaches an address that has never written. Committed in
        batches: what is brought twice stays as it is, so an import that was broken off is simply run again.
        """
        created, updated = 0, 0
        conflicts: list[int] = []
        for start in range(0, len(people), _BATCH):
            done = await self._commit_batch(people[start : start + _BATCH], accounts)
            created, updated = created + done.created, updated + done.updated
            conflicts += done.conflicts
        return Imported(created, updated, tuple(conflicts))

    async def _commit_batch(self, people: Sequence[NewCustomer], accounts: Mapping[str, str]) -> Imported:
        """Who writes for the first time while they are imported is found when the batch is read again."""
        for _ in range(_ATTEMPTS - 1):
            with suppress(IntegrityError, asyncpg.TransactionRollbackError):
                async with in_transaction():
                    return await self._import_batch(people, accounts)
        async with in_transaction():
            return await self._import_batch(people, accounts)

    async def _import_batch(self, people: Sequence[NewCustomer], accounts: Mapping[str, str]) -> Imported:
        await _query(LOCK, lock_keys({hash_ for person in people for _, hash_ in self._named(person)}))
        known = await self._known(people)
        conflicts, created, updated = [], 0, 0
        links: dict[Address, tuple[Address, _Owner]] = {}  # by comparable address
        taken: list[NewCustomer] = []
        for person in people:
            user_id = self._user_id_hash(person)
            owners = known.owners_of(person, user_id)
            if len(owners) > 1 or any(known.contradicts(customer, user_id) for customer in owners):
                conflicts.append(person.row)
                continue
            if owners:
                [owner], updated = owners.values(), updated + 1
            else:
                created += 1
                owner = _Owner(-created, -created)  # to be numbered below
            known.meets(person, owner, user_id)
            links |= {
                comparable(a): (a, owner)
                for a in person.addresses
                if comparable(a) not in known.ids and comparable(a) not in links
            }
            taken.append(person)
        customers = await _reserve("customers", created)
        await models.Customer.bulk_create([models.Customer(id=id_, created_at=_now()) for id_ in customers])
        numbered = [(a, _numbered(owner, customers)) for a, owner in links.values()]
        ids = known.ids | {comparable(a): id_ for a, id_ in (await self._link(numbered, accounts)).items()}
        await self._prove(taken, ids)
        facts: dict[int, dict[str, str]] = {}
        for person in taken:
            facts.setdefault(ids[comparable(person.addresses[0])], {}).update(person.facts)
        await self._state(facts)
        return Imported(created, updated, tuple(conflicts))

    # --- who is known ---

    async def _known(self, people: Sequence[NewCustomer]) -> _Known:
        addresses = {self._codec.address_hash(a): comparable(a) for person in people for a in person.addresses}
        rows = await models.Address.filter(hash__in=list(addresses))
        ids = {addresses[row.hash]: row.id for row in rows}
        hashes = [hash_ for person in people if (hash_ := self._user_id_hash(person))]
        holders = await _query(_HOLDERS, hashes)
        links = await _query(_LINKS, sorted({*ids.values(), *(row["address_id"] for row in holders)}))
        owners = {row["address_id"]: _Owner(row["customer_id"], row["home_id"]) for row in links}
        by_user_id: dict[UUID, list[_Owner]] = {}
        for row in holders:
            by_user_id.setdefault(row["hash"], []).append(owners[row["address_id"]])
        known = _Known(ids, {a: owners[id_] for a, id_ in ids.items() if id_ in owners}, by_user_id)
        for row in await _query(_USER_IDS, sorted({owner.customer for owner in owners.values()})):
            known.user_ids.setdefault(row["customer_id"], set()).add(row["hash"])
        return known

    # --- what names them ---

    def _user_id(self, person: NewCustomer) -> Identifier | None:
        """None where the company's systems say "nobody"."""
        found = spelled(Identifier(IdentifierKind.USER_ID, person.user_id))
        return None if found in self._blocked else found

    def _user_id_hash(self, person: NewCustomer) -> UUID | None:
        found = self._user_id(person)
        return self._codec.identifier_hash(found) if found else None

    def _named(self, person: NewCustomer) -> Iterator[tuple[tuple[Address, Identifier], UUID]]:
        """What each of their addresses says of them, and the user id at each: one of them may leave some day."""
        for address in person.addresses:
            for identifier in (implied(address), self._user_id(person)):
                if identifier is not None:
                    yield (address, identifier), self._codec.identifier_hash(identifier)

    async def _prove(self, people: Iterable[NewCustomer], ids: Mapping[Address, int]) -> None:
        """All of it holds on the company's word."""
        rows: dict[tuple[int, UUID], tuple[Any, ...]] = {}
        theirs: set[int] = set()
        for person in people:
            theirs |= {ids[comparable(address)] for address in person.addresses}
            for (address, identifier), hash_ in self._named(person):
                id_ = ids[comparable(address)]
                rows[id_, hash_] = id_, identifier.kind.value, hash_, self._codec.seal(id_, identifier.value)
        await _query(_PROVE, sorted(theirs))
        columns = [list(column) for column in zip(*(rows[key] for key in sorted(rows)), strict=True)]
        if columns and (new := await _query(_IDENTIFY, *columns)):
            found = [row["address_id"] for row in new], [row["hash"] for row in new]
            await _query(MATCH_LATER, *found, "import", "import")

    # --- what is written ---

    async def _link(self, links: Collection[tuple[Address, _Owner]], accounts: Mapping[str, str]) -> dict[Address, int]:
        """New addresses, each linked to its customer; in the order of the intake, so that neither blocks the other."""
        links = sorted(links, key=lambda link: self._codec.address_hash(link[0]))
        ids = dict(zip((address for address, _ in links), await _reserve("addresses", len(links)), strict=True))
        await models.Address.bulk_create(
            [
                models.Address(
                    id=ids[address],
                    channel=address.channel,
                    hash=self._codec.address_hash(address),
                    value_sealed=self._codec.seal(ids[address], address.value),
                    account=accounts.get(address.channel, ""),
                    created_at=_now(),
                )
                for address, _ in links
            ]
        )
        proof = {"proof": Proof.PROVEN.value, "evidence": _IMPORT}
        await models.Link.bulk_create(
            [
                models.Link(
                    address_id=ids[a],
                    customer_id=owner.customer,
                    home_id=owner.home,
                    proven_at=_now(),
                    since=_now(),
                    **proof,
                )
                for a, owner in links
            ]
        )
        await models.IdentityLog.bulk_create(
            [
                models.IdentityLog(
                    address_id=ids[a], customer_id=owner.home, act="link", by=_IMPORT, reason="", at=_now(), **proof
                )
                for a, owner in links
            ]
        )
        return ids

    async def _state(self, facts: Mapping[int, Mapping[str, str]]) -> None:
        """What the company says holds from now on, unless the customer has said otherwise."""
        current = {
            (fact.address_id, fact.key): fact
            for fact in await models.Fact.filter(address_id__in=list(facts), valid_to=None)
        }
        new = [
            (address, key, value)
            for address, stated in facts.items()
            for key, value in stated.items()
            if (fact := current.get((address, key))) is None
            or (fact.confidence <= _CONFIDENCE and self._codec.open_text(address, fact.value_sealed) != value)
        ]
        closed = [current[address, key].id for address, key, _ in new if (address, key) in current]
        await models.Fact.filter(id__in=closed).update(valid_to=_now())
        await models.Fact.bulk_create(
            [
                models.Fact(
                    address_id=address,
                    key=key,
                    value_sealed=self._codec.seal(address, value),
                    confidence=_CONFIDENCE,
                    source=_IMPORT,
                    valid_from=_now(),
                )
                for address, key, value in new
            ]
        )


def _numbered(owner: _Owner, customers: Sequence[int]) -> _Owner:
    if owner.customer > 0:
        return owner
    return _Owner(customers[-owner.customer - 1], customers[-owner.home - 1])


async def _query(statement: str, *arguments: object) -> list[dict[str, Any]]:
    return await get_connection("default").execute_query_dict(statement, list(arguments))


async def _reserve(table: str, count: int) -> list[int]:
    """Ids for rows to come: what is sealed is sealed for the id of its address."""
    rows = await _query(f"SELECT nextval('{table}_id_seq') AS id FROM generate_series(1, $1)", count)
    return [row["id"] for row in rows]


def _now() -> datetime:
    return datetime.now(UTC)
