"""python -m bench.identity: what it costs to know who writes among a million people, and to merge and split them.

Two databases in one bundled server, asked by turns: one with everybody, and one with nobody but those who are asked
for. The ratio of their times is what many people cost. Judged is how the message path does it: one statement for a
batch finds whose the addresses are and files what they wrote, with a look-up before it for whoever has not written to
this process lately, and with more where somebody is recognised. In brackets stands what that rests on: the look-ups
alone, and the floor, PostgreSQL's own by one key. Among few people all that these touch is in the processor's caches,
among many nothing is, so that nothing of a fraction of a millisecond can meet the target, the floor least of all.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import quantiles
from typing import Any
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.table import Table

from bench.alone import CODEC, SECRET, database, report
from omnibot.identifiers import implied
from omnibot.model import Address, CustomerId, Identifier, IncomingMessage, Sender
from omnibot.store import Store
from omnibot.store.message_path.acquaint import _LOOK_UP, _LOOK_UP_AND_HOLD
from omnibot.store.message_path.known import KnownAddresses
from omnibot.store.work import Arrived

BATCH = 32  # who write at one moment, at full speed; when there is less to do, one alone
MOST = 1.3  # times what it costs among nobody
LEAST = 10_000  # merges and splits a minute
_ASKED = 1000  # people who are asked for
_CHUNK = 20_000  # rows of one COPY
_WORKERS = 8  # who merge and split at once
_NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timing:
    """One way to find who writes: milliseconds a batch, among nobody and among all."""

    name: str
    p50: tuple[float, float]
    p99: tuple[float, float]
    judged: bool = True  # else it is what the others stand on

    @property
    def ratio(self) -> float:
        """Of the medians: all to nobody."""
        return self.p50[1] / self.p50[0]

    @property
    def ratio_p99(self) -> float:
        """Of the 99th percentiles."""
        return self.p99[1] / self.p99[0]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found out."""

    customers: int
    addresses: int
    at_once: int  # who write in a batch
    load_seconds: float
    timings: tuple[Timing, ...]
    a_minute: float  # merges and splits

    @property
    def good(self) -> bool:
        """Whether both targets are met, of the medians and of the 99th percentiles."""
        judged = [timing for timing in self.timings if timing.judged]
        slow = any(timing.ratio > MOST or timing.ratio_p99 > MOST for timing in judged)
        return not slow and self.a_minute >= LEAST


# --- people --------------------------------------------------------------------------------------------------------


def addresses_of(customer: int) -> tuple[Address, ...]:
    """Two and a half addresses each: text messages, WhatsApp, and every second one mail."""
    number = f"+4917{customer:08}"
    phone = Address("sms", number), Address("whatsapp", number)
    return (*phone, Address("email", f"customer{customer}@example.org")) if customer % 2 else phone


async def load(connection: asyncpg.Connection, customers: Sequence[int]) -> int:
    """Bring these by COPY, as they are once they have written; tells how many addresses they have."""
    count = 0
    ids = itertools.count(1)
    for start in range(0, len(customers), _CHUNK):
        chunk = customers[start : start + _CHUNK]
        known = [(next(ids), customer, address) for customer in chunk for address in addresses_of(customer)]
        count += len(known)
        await _copy(connection, "customers", ("id", "created_at"), ((customer, _NOW) for customer in chunk))
        await _copy(
            connection,
            "addresses",
            ("id", "channel", "hash", "value_sealed", "account", "created_at"),
            ((id_, a.channel, CODEC.address_hash(a), CODEC.seal(id_, a.value), "main", _NOW) for id_, _, a in known),
        )
        await _copy(
            connection,
            "links",
            ("address_id", "customer_id", "home_id", "proof", "evidence", "proven_at", "since"),
            ((id_, customer, customer, "proven", "first message", _NOW, _NOW) for id_, customer, _ in known),
        )
        await _copy(
            connection,
            "identifiers",
            ("address_id", "kind", "hash", "value_sealed", "evidence", "proven_at", "at"),
            _identifiers(known),
        )
    await connection.execute(
        "INSERT INTO lanes (customer_id, due_at, priority, arrivals, fence, lost)"
        " SELECT id, 'infinity', 5, 1, 1, 0 FROM customers"
    )
    for table in ("customers", "addresses"):
        await connection.execute(f"SELECT setval('{table}_id_seq', (SELECT coalesce(max(id), 1) FROM {table}))")
    await connection.execute("VACUUM (ANALYZE)")
    return count


def _identifiers(known: Iterable[tuple[int, int, Address]]) -> Iterator[tuple[Any, ...]]:
    for id_, _, address in known:
        identifier = _named(address)
        sealed = CODEC.seal(id_, identifier.value)
        yield id_, identifier.kind, CODEC.identifier_hash(identifier), sealed, "vouched", _NOW, _NOW


def _named(address: Address) -> Identifier:
    identifier = implied(address)
    assert identifier is not None
    return identifier


async def _copy(
    connection: asyncpg.Connection, table: str, columns: Sequence[str], records: Iterable[tuple[Any, ...]]
) -> None:
    await connection.copy_records_to_table(table, records=records, columns=columns)


# --- resolution ----------------------------------------------------------------------------------------------------


Ask = Callable[[Store, Sequence[int]], Awaitable[None]]
_numbers = itertools.count()
_FLOOR = "SELECT id FROM addresses WHERE hash = ANY($1::uuid[])"

# Where people wrote from besides, and in what they were recognised.
_ELSEWHERE = "post"
_SINCE = f"(SELECT id FROM addresses WHERE channel <> '{_ELSEWHERE}' ORDER BY id DESC LIMIT 1)"
_FORGET = (
    f"DELETE FROM identifiers WHERE address_id > {_SINCE}",
    f"DELETE FROM links WHERE address_id > {_SINCE}",
    f"DELETE FROM addresses WHERE id > {_SINCE}",
    "VACUUM (INDEX_CLEANUP ON) addresses, links, identifiers",
)


async def look_up_a_key(store: Store, customers: Sequence[int]) -> None:
    """The floor: one index and the rows that it leads to."""
    async with store.path._connection() as connection:
        await _timed(connection.fetch(_FLOOR, _hashes(customers)))


async def look_up(store: Store, customers: Sequence[int]) -> None:
    """Who wrote before, and not to this process lately."""
    async with store.path._connection() as connection:
        await _timed(connection.fetch(_LOOK_UP, _hashes(customers)))


async def look_up_and_hold(store: Store, customers: Sequence[int]) -> None:
    """The same under locks, with whoever holds what they bring."""
    brought = [CODEC.identifier_hash(_named(addresses_of(customer)[0])) for customer in customers]
    async with store.path._transaction() as connection:
        await _timed(connection.fetch(_LOOK_UP_AND_HOLD, _hashes(customers), brought))


async def write(store: Store, customers: Sequence[int]) -> None:
    """Take in a message of each who wrote before, as a whole."""
    await _timed(store.path.accept([_wrote(addresses_of(customer)[0]) for customer in customers]))


async def write_after_long(store: Store, customers: Sequence[int]) -> None:
    """Take in a message of each who wrote before, and not to this process lately."""
    store.path._known = KnownAddresses()
    await write(store, customers)


async def write_from_elsewhere(store: Store, customers: Sequence[int]) -> None:
    """Take in a message of each from an address that nobody knows, by a number that somebody has proven."""
    number = next(_numbers)
    arrivals = [
        _wrote(Address(_ELSEWHERE, f"{customer}-{number}"), _named(addresses_of(customer)[0])) for customer in customers
    ]
    await _timed(store.path.accept(arrivals))


async def forget_elsewhere(store: Store) -> None:
    """Nobody has written from elsewhere: else those who are asked for would soon have more addresses than anybody."""
    async with store.path._connection() as connection:
        for statement in _FORGET:
            await connection.execute(statement)


def _hashes(customers: Sequence[int]) -> list[UUID]:
    return [CODEC.address_hash(addresses_of(customer)[0]) for customer in customers]


def _wrote(address: Address, *vouched: Identifier) -> Arrived:
    id_ = f"bench-{next(_numbers)}"
    vouched = vouched or (_named(address),)
    sender = Sender(address, vouched=vouched)
    item = IncomingMessage(id=id_, at=datetime.now(UTC), sender=sender, message_id=id_, text="hello")
    return Arrived(channel=address.channel, account="main", item=item)


@dataclass(frozen=True, slots=True)
class Act:
    """What is measured."""

    name: str
    ask: Ask
    judged: bool = True
    share: float = 1.0  # of the samples
    after_round: Callable[[Store], Awaitable[None]] | None = None  # once each of the people was asked for


ACTS = (
    Act("floor: one key", look_up_a_key, judged=False),
    Act("look up", look_up, judged=False),
    Act("look up and hold", look_up_and_hold, judged=False),
    Act("take in, known", write),
    Act("take in, long ago", write_after_long),
    Act("take in, recognised", write_from_elsewhere, share=0.5, after_round=forget_elsewhere),
)
_elapsed: list[float] = []


async def _timed(work: Awaitable[Any]) -> None:
    begun = time.perf_counter()
    await work
    _elapsed.append((time.perf_counter() - begun) * 1000)


async def compare(
    act: Act, stores: tuple[Store, Store], people: Sequence[int], samples: int, at_once: int = BATCH
) -> Timing:
    """One act among nobody and among all, by turns; a tenth beforehand, and one round at least, does not count."""
    taken: tuple[list[float], list[float]] = ([], [])
    a_round = math.ceil(len(people) / at_once)
    beforehand = max(samples // 10, a_round)
    for number, batch in enumerate(itertools.islice(_batches(people, at_once), beforehand + samples)):
        if act.after_round and number % a_round == 0:
            for store in stores:
                await act.after_round(store)
        turns = list(zip(stores, taken, strict=True))
        for store, times in turns if number % 2 else reversed(turns):  # who comes second finds the caches emptied
            _elapsed.clear()
            await act.ask(store, batch)
            if number >= beforehand:
                times.extend(_elapsed)
    few, many = (quantiles(times, n=100, method="inclusive") for times in taken)
    return Timing(act.name, (few[49], many[49]), (few[98], many[98]), act.judged)


def _batches(people: Sequence[int], at_once: int) -> Iterator[Sequence[int]]:
    """Everybody once, in any order, and again."""
    while True:
        shuffled = random.sample(people, len(people))
        yield from (shuffled[start : start + at_once] for start in range(0, len(shuffled), at_once))


# --- merges and splits ---------------------------------------------------------------------------------------------


async def merge_and_split(store: Store, customers: int, pairs: int) -> float:
    """Acts a minute: so many pairs of people merged and split again, by several at once."""
    chosen = iter(random.sample(range(1, customers + 1), min(2 * pairs, customers // 2 * 2)))
    done = 0
    begun = time.perf_counter()

    async def work() -> None:
        nonlocal done
        for left in chosen:
            right = next(chosen)
            ruling = await store.identity.merge(left, right, rule="bench", by="bench", reason="bench")
            assert ruling.merge is not None, ruling
            parted = await store.identity.split(ruling.merge, by="bench", reason="bench")
            assert {parted.stays, parted.leaves} == {CustomerId(left), CustomerId(right)}
            done += 2

    async with asyncio.TaskGroup() as workers:
        for _ in range(_WORKERS):
            workers.create_task(work())
    return done * 60 / (time.perf_counter() - begun)


# --- all of it -----------------------------------------------------------------------------------------------------


async def measure(server: str, customers: int, samples: int, pairs: int, at_once: int = BATCH) -> Measured:
    """Make two databases in a server, and ask both."""
    random.seed(1)
    asked = random.sample(range(1, customers + 1), min(_ASKED, customers))
    async with (
        database(server, "bench_few") as little,
        database(server, "bench_many") as much,
        Store.open(little, SECRET) as few,
        Store.open(much, SECRET) as many,
    ):
        await _loaded(little, sorted(asked))
        begun = time.perf_counter()
        addresses = await _loaded(much, range(1, customers + 1))
        seconds = time.perf_counter() - begun
        timings = []
        for act in ACTS:
            timings.append(await compare(act, (few, many), asked, max(int(samples * act.share), 2), at_once))
        a_minute = await merge_and_split(many, customers, pairs)
    return Measured(customers, addresses, at_once, seconds, tuple(timings), a_minute)


async def _loaded(dsn: str, customers: Sequence[int]) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return await load(connection, customers)
    finally:
        await connection.close()


def print_measured(measured: Measured) -> None:
    """As tables for people."""
    console = Console()
    title = (
        f"{measured.customers:,} customers, {measured.addresses:,} addresses (loaded in {measured.load_seconds:.0f} s)"
    )
    table = Table(
        f"ms a batch of {measured.at_once}",
        "among nobody p50",
        "p99",
        "among all p50",
        "p99",
        "ratio p50",
        "p99",
        title=title,
    )
    for timing in measured.timings:
        few, many = zip(timing.p50, timing.p99, strict=True)
        figures = (*few, *many, timing.ratio, timing.ratio_p99)
        name = timing.name if timing.judged else f"({timing.name})"
        table.add_row(name, *(f"{figure:.2f}" for figure in figures))
    console.print(table)
    console.print(f"merges and splits a minute: {measured.a_minute:,.0f} (at least {LEAST:,})")
    console.print("in brackets: what the others stand on; it is not judged")
    console.print("good" if measured.good else f"not good: at most {MOST} times, at least {LEAST:,} a minute")


def main() -> int:
    """0 when the targets are met, else 1."""
    parser = argparse.ArgumentParser(prog="python -m bench.identity", description="Who writes, among a million people.")
    parser.add_argument(
        "--customers", type=int, default=1_000_000, help="with two and a half addresses each; 1,000,000"
    )
    parser.add_argument("--samples", type=int, default=2000, help="batches of each kind; 2,000")
    parser.add_argument("--batch", type=int, default=BATCH, help=f"who write at one moment; {BATCH}")
    parser.add_argument("--pairs", type=int, default=5000, help="of people who are merged and split; 5,000")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    options = parser.parse_args()

    async def measured(server: str) -> Measured:
        return await measure(server, options.customers, options.samples, options.pairs, options.batch)

    return report(measured, print_measured, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
