"""The log: all that was ever done, and what follows from it. Replayed, it gives the links and merges that stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import asyncpg

from omnibot.model import Address, CustomerId
from omnibot.store.identity.acts import Acting
from omnibot.store.identity.values import Entry, Who

_BATCH = 1000  # rows of the log that are held in memory at once

_ENTRIES = """
SELECT e.*, a.channel, a.value_sealed FROM identity_log e LEFT JOIN addresses a ON a.id = e.address_id
"""

# All that concerns any of the homes of a person, and what has led there.
_ABOUT = f"""
{_ENTRIES} WHERE e.customer_id = ANY($1::bigint[]) OR e.other_id = ANY($1::bigint[]) OR e.address_id = ANY($2::bigint[])
ORDER BY e.id DESC LIMIT $3
"""

_WHOLE = """
SELECT act, address_id, customer_id, other_id, merge_id, proof, evidence FROM identity_log ORDER BY id
"""

_LINKS = "SELECT address_id, home_id, customer_id, proof FROM links ORDER BY address_id"
_MERGES = "SELECT id, left_id, right_id, rule, undone_at IS NOT NULL AS undone, apart FROM merges ORDER BY id"
_SHARED = "SELECT id FROM addresses WHERE shared_at IS NOT NULL"

# What waits does so in the lane of whose address it came to, and that lane comes up.
_ASTRAY = """
SELECT i.id, i.customer_id, l.customer_id AS theirs FROM inbox i LEFT JOIN links l USING (address_id)
LEFT JOIN lanes n ON n.customer_id = i.customer_id
WHERE i.customer_id IS DISTINCT FROM l.customer_id
    OR (i.parked_at IS NULL AND n.leased_until IS NULL AND coalesce(n.due_at, 'infinity') = 'infinity')
ORDER BY i.id
"""


@dataclass(frozen=True, slots=True)
class LinkState:
    """Whose an address is at home and now, and how sure that is."""

    home: int
    proof: str
    customer: int = 0


@dataclass(frozen=True, slots=True)
class MergeState:
    """Two customers who are one, or were."""

    left: int
    right: int
    rule: str
    undone: bool = False
    apart: bool = False


@dataclass(frozen=True)
class State:
    """Who is whose: links by address, merges by id, addresses that are shared."""

    links: Mapping[int, LinkState] = field(default_factory=lambda: MappingProxyType({}))
    merges: Mapping[int, MergeState] = field(default_factory=lambda: MappingProxyType({}))
    shared: frozenset[int] = frozenset()


class Replay:
    """Follows the log, one row after the other."""

    def __init__(self) -> None:
        self._links: dict[int, LinkState] = {}
        self._merges: dict[int, MergeState] = {}
        self._shared: set[int] = set()

    def follow(self, row: Mapping[str, Any]) -> None:
        """One row of the log, the oldest first."""
        address, customer, other, merge = row["address_id"], row["customer_id"], row["other_id"], row["merge_id"]
        match row["act"]:
            case "link":
                self._links[address] = LinkState(customer, row["proof"])
            case "prove" if row["proof"]:
                self._links[address] = replace(self._links[address], proof=row["proof"])
            case "unlink":
                self._links[address] = replace(self._links[address], home=other)
                self._merges[merge] = MergeState(customer, other, "unlink", undone=True, apart=True)
            case "merge":
                self._merges[merge] = MergeState(customer, other, row["evidence"])
            case "split":
                self._merges[merge] = replace(self._merges[merge], undone=True)
            case "apart":
                before = self._merges.get(merge, MergeState(customer, other, row["evidence"], undone=True))
                self._merges[merge] = replace(before, apart=True)
            case "share":
                self._shared.add(address)
            case "unshare":
                self._shared.discard(address)

    def state(self) -> State:
        """What follows from all that was followed so far."""
        customers = _customers({link.home for link in self._links.values()}, self._merges.values())
        links = {address: replace(link, customer=customers[link.home]) for address, link in self._links.items()}
        return State(links, dict(self._merges), frozenset(self._shared))


class Logging(Acting):
    """Reads of the log."""

    async def log(self, who: Who, limit: int = 200) -> list[Entry]:
        """What was done to a customer, or to whom they were before, newest first.

        Of a customer to whom nothing belongs any more, too. Raises UnknownAddress, UnknownCustomer.
        """
        async with self._connection() as connection:
            end = await self._end(connection, who)
            standing = await self._look_at(connection, [end.home])
            addresses = [link.address for link in standing.links]
            rows = await connection.fetch(_ABOUT, sorted(standing.homes), addresses, limit)
        return [self._entry(row) for row in rows]

    async def replay(self) -> State:
        """Who would be whose if nothing were known but the log."""
        replay = Replay()
        async with self._transaction() as connection:
            async for row in connection.cursor(_WHOLE, prefetch=_BATCH):
                replay.follow(row)
        return replay.state()

    async def stand(self) -> State:
        """Who is whose, as the tables have it."""
        async with self._transaction() as connection:
            return await _stand(connection)

    async def audit(self) -> list[str]:
        """Where the tables say other than the log, or something waits where nobody looks, a line each; or none."""
        replay = Replay()
        async with self._connection() as connection, connection.transaction(isolation="repeatable_read"):
            async for row in connection.cursor(_WHOLE, prefetch=_BATCH):
                replay.follow(row)
            stands = await _stand(connection)
            astray = await connection.fetch(_ASTRAY)
        return [*_differences(replay.state(), stands), *map(_tell_astray, astray)]

    def _entry(self, row: asyncpg.Record) -> Entry:
        address = row["address_id"]
        sealed = row["value_sealed"]
        return Entry(
            id=row["id"],
            at=row["at"],
            act=row["act"],
            address=Address(row["channel"], self._codec.open_text(address, sealed)) if sealed else None,
            customer=CustomerId(row["customer_id"]),
            other=CustomerId(row["other_id"]) if row["other_id"] else None,
            merge=row["merge_id"],
            proof=row["proof"],
            evidence=row["evidence"],
            by=row["by"],
            reason=row["reason"],
        )


async def _stand(connection: asyncpg.Connection) -> State:
    links = {
        row["address_id"]: LinkState(row["home_id"], row["proof"], row["customer_id"])
        async for row in connection.cursor(_LINKS, prefetch=_BATCH)
    }
    merges = {
        row["id"]: MergeState(row["left_id"], row["right_id"], row["rule"], row["undone"], row["apart"])
        async for row in connection.cursor(_MERGES, prefetch=_BATCH)
    }
    return State(links, merges, frozenset(row["id"] for row in await connection.fetch(_SHARED)))


def _customers(homes: Iterable[int], merges: Iterable[MergeState]) -> dict[int, int]:
    """Each home's customer: the smallest of all whom standing merges connect with it."""
    leads = {home: home for home in homes}

    def root(home: int) -> int:
        leads.setdefault(home, home)
        while leads[home] != home:
            leads[home] = home = leads[leads[home]]
        return home

    for merge in merges:
        if not merge.undone:
            left, right = root(merge.left), root(merge.right)
            leads[max(left, right)] = min(left, right)
    return {home: root(home) for home in list(leads)}


def _tell_astray(row: asyncpg.Record) -> str:
    if row["customer_id"] == row["theirs"]:
        return f"arrival {row['id']}: it waits with customer {row['customer_id']}, whose lane never comes up"
    return (
        f"arrival {row['id']}: it waits with customer {row['customer_id']}, its address is customer {row['theirs']}'s"
    )


def _differences(logged: State, stands: State) -> Iterator[str]:
    kinds: list[tuple[str, Mapping[int, object], Mapping[int, object]]] = [
        ("address", logged.links, stands.links),
        ("merge", logged.merges, stands.merges),
    ]
    for what, log, table in kinds:
        for id_ in sorted(log.keys() | table.keys()):
            if log.get(id_) != table.get(id_):
                yield f"{what} {id_}: the log says {log.get(id_)}, the table {table.get(id_)}"
    for address in sorted(logged.shared ^ stands.shared):
        yield f"address {address}: the log and the table differ on whether it is shared"
