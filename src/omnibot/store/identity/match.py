"""Match: the linking rules. Who holds the same proven identifier is one person, unless something speaks against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from omnibot.model import Address, AddressId
from omnibot.store.identity.guards import PARTED, parted
from omnibot.store.identity.link import Linking
from omnibot.store.identity.merge import Ground
from omnibot.store.identity.standing import Changed, End, Standing
from omnibot.store.identity.values import RULE, Ruling, Verdict
from omnibot.store.locks import lock_identifiers
from omnibot.store.message_path.recognise import MOST_HOLDERS

_ITS_OWN = """
SELECT kind, hash FROM identifiers WHERE address_id = $1 AND proven_at IS NOT NULL AND revoked_at IS NULL
"""

# A number that several people write from names none of them, whichever address brings it.
_HOLDERS = f"""
SELECT h.kind, h.hash, i.address_id, i.home_id, i.shared, i.proven_at, i.channel
FROM unnest((SELECT $1::text[]), $2::uuid[]) AS h(kind, hash)
CROSS JOIN LATERAL (
    SELECT i.address_id, l.home_id, a.shared_at IS NOT NULL AS shared, l.proven_at, a.channel
    FROM identifiers i JOIN links l ON l.address_id = i.address_id JOIN addresses a ON a.id = i.address_id
    WHERE i.hash = h.hash AND i.kind = h.kind AND i.proven_at IS NOT NULL AND i.revoked_at IS NULL
    ORDER BY a.shared_at IS NULL, i.address_id LIMIT {MOST_HOLDERS + 1} OFFSET 0) AS i
"""

# Somebody else has proven the same: the rules decide, when all lanes that it concerns can be taken.
MATCH_LATER = """
INSERT INTO identity_acts (act, address_id, evidence, by, at, attempts)
SELECT DISTINCT 'match', n.address_id, $3::text, $4::text, now(), 0
FROM unnest($1::bigint[], $2::uuid[]) AS n(address_id, hash)
JOIN links mine ON mine.address_id = n.address_id
JOIN identifiers i ON i.hash = n.hash AND i.proven_at IS NOT NULL AND i.revoked_at IS NULL
JOIN links theirs ON theirs.address_id = i.address_id AND theirs.customer_id <> mine.customer_id
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds an identifier, too."""

    kind: str
    hash: UUID
    end: End


class Matching(Linking):
    """Applies the rules."""

    async def match(self, address: Address) -> Ruling:
        """Merge whom this address is by the rules, or park what they do not settle. Raises UnknownAddress."""

        async def work(connection: asyncpg.Connection) -> Ruling:
            end = await self._end(connection, address)
            assert end.address is not None
            return await self._match(connection, end.address)

        return await self._atomically(work)

    async def _match(self, connection: asyncpg.Connection, address: AddressId) -> Ruling:
        own = [(row["kind"], row["hash"]) for row in await connection.fetch(_ITS_OWN, address)]
        await lock_identifiers(connection, [hash_ for _, hash_ in own])
        holders = await self._holders(connection, own)
        end = await self._end_at(connection, address)
        ends = [end, *(holder.end for holder in holders)]
        standing = await self._hold(connection, {one.home for one in ends})
        if any(standing.home_of(one.address) != one.home for one in ends if one.address):
            raise Changed
        others = _others(standing, end, holders)
        if len(others) > 1:
            return await self._disagree(connection, standing, end, others)
        if not others:
            verdict = Verdict.ALREADY if len(ends) > 1 + _own(ends, address) else Verdict.NOBODY
            return Ruling(verdict=verdict, customer=standing.side(end.home).customer)
        [found] = others
        ground = Ground(rule=found.kind, by=RULE, identifier=found.hash)
        return await self._merge(connection, standing, end, found.end, ground)

    async def _holders(self, connection: asyncpg.Connection, own: Sequence[tuple[str, UUID]]) -> list[Holder]:
        """In the order of the rules; none of an identifier that names nobody."""
        rules = [kind.value for kind in self._guards.rules]
        asked = [(kind, hash_) for kind, hash_ in own if kind in rules and hash_ not in self._blocked]
        kinds, hashes = [kind for kind, _ in asked], [hash_ for _, hash_ in asked]
        rows = await connection.fetch(_HOLDERS, kinds, hashes)
        counts = Counter(row["hash"] for row in rows)
        nobody = {row["hash"] for row in rows if row["shared"] or counts[row["hash"]] > MOST_HOLDERS}
        found = [
            Holder(row["kind"], row["hash"], End(row["home_id"], row["address_id"], f"address {row['address_id']}"))
            for row in rows
            if row["hash"] not in nobody and not self._guards.is_over(row["proven_at"], row["channel"])
        ]
        return sorted(found, key=lambda holder: (rules.index(holder.kind), holder.end.address))

    async def _disagree(
        self, connection: asyncpg.Connection, standing: Standing, end: End, others: Sequence[Holder]
    ) -> Ruling:
        """What one address brings points to several people: a person decides which of them it is, if not done yet."""
        mine = standing.side(end.home)
        asked = [other for other in others if not parted(mine, standing.side(other.end.home), standing.apart)]
        if not asked:
            return Ruling(verdict=Verdict.REFUSED, customer=mine.customer, why=PARTED)
        people = [standing.side(other.end.home).customer for other in others]
        pointing = ", ".join(f"{o.kind} to customer {c}" for o, c in zip(others, people, strict=True))
        why = f"the identifiers of one address point to several people: {pointing}"
        reviews = [await self._park(connection, end.home, other.end.home, why, other.kind, RULE) for other in asked]
        return Ruling(verdict=Verdict.PARKED, customer=mine.customer, why=why, review=reviews[0])


def _others(standing: Standing, end: End, holders: Sequence[Holder]) -> list[Holder]:
    """One holder for each person that is somebody else, by the first rule that names them."""
    mine = standing.side(end.home)
    found: dict[int, Holder] = {}
    for holder in holders:
        if holder.end.home not in mine.homes:
            found.setdefault(standing.side(holder.end.home).customer, holder)
    return list(found.values())


def _own(ends: Sequence[End], address: AddressId) -> int:
    return sum(one.address == address for one in ends[1:])
