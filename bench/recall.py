"""python -m bench.recall: what it costs to be reminded of what was said, among millions of messages.

A database with a million customers who have said ten messages each, a thousand who have said fifty, and one who has
said a hundred thousand. A reminder is what a turn waits for: the look into the index, the ranking, the messages read.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

import asyncpg
from rich.console import Console
from rich.table import Table

from bench.alone import CODEC, SECRET, database, report
from bench.past import MESSAGES_EACH, known, others, talk, tell
from omnibot.evaluation.readers import embedding
from omnibot.memory.past import seek
from omnibot.model import Address, AddressId, CustomerId
from omnibot.remembering import Remembering
from omnibot.store import Store
from omnibot.turns.pauses import Remind

MOST = 25.0  # milliseconds, of 99 reminders in 100
_ASKED = 1000  # people with some more messages
_SAID = 50  # that they have said
_BATCH = 8  # of turns that are reminded by one look


@dataclass(frozen=True, slots=True)
class Timing:
    """Reminders of one kind: milliseconds from the question to the messages."""

    name: str
    p50: float
    p99: float
    found: float  # messages told, the mean


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found out."""

    messages: int
    talked: int  # messages of the one who has said most
    fill_seconds: float
    add_ms: float  # to add a message to the index, ours and the database's
    megabytes: dict[str, float]
    timings: tuple[Timing, ...]

    @property
    def good(self) -> bool:
        return all(timing.p99 < MOST for timing in self.timings)


async def measure(server: str, customers: int, talked: int, samples: int) -> Measured:
    """Make the database, and ask it."""
    random.seed(1)
    async with database(server, "bench_recall") as dsn, Store.open(dsn, SECRET) as store:
        connection = await asyncpg.connect(dsn)
        begun = time.perf_counter()
        await known(connection, CODEC, 1, [Address("telegram", f"p{number}") for number in range(_ASKED + 1)])
        await others(connection, _ASKED + 2, customers)
        past = Remembering(store.recall, embedding("en"), "en")
        for number in range(1, _ASKED + 1):
            await tell(connection, CODEC, number, _SAID)
        await tell(connection, CODEC, _ASKED + 1, talked)
        filled, count = time.perf_counter() - begun, _ASKED * _SAID + talked
        begun = time.perf_counter()
        while await past.add_batch():
            pass
        add_ms = (time.perf_counter() - begun) * 1000 / count
        await connection.execute("VACUUM (ANALYZE) recall")
        gc.collect()
        gc.freeze()  # as the server does
        timings = (
            await _timed("who has said 50, alone", past, range(1, _ASKED + 1), samples),
            await _timed(f"who have said 50, {_BATCH} at once", past, range(1, _ASKED + 1), samples, _BATCH),
            await _timed(f"who has said {talked:,}", past, [_ASKED + 1], samples),
        )
        megabytes = {
            name: await connection.fetchval("SELECT pg_relation_size($1::regclass)", name) / 1_000_000
            for name in ("messages", "recall", "recall_stems", "recall_pkey", "messages_written")
        }
        messages = await connection.fetchval("SELECT count(*) FROM recall")
        await connection.close()
    return Measured(messages, talked, filled, add_ms, megabytes, timings)


async def _timed(name: str, past: Remembering, asked: Sequence[int], samples: int, batch: int = 1) -> Timing:
    """The first tenth does not count."""
    taken: list[float] = []
    found: list[int] = []
    for number in range(samples + samples // 10):
        reminds = [_remind(who) for who in random.sample(asked, batch)]
        begun = time.perf_counter()
        told = await past._remind(reminds)
        if number >= samples // 10:
            taken.append((time.perf_counter() - begun) * 1000)
            found += map(len, told)
    cuts = quantiles(taken, n=100, method="inclusive")
    return Timing(name, cuts[49], cuts[98], sum(found) / len(found))


def _remind(who: int) -> Remind:
    sought = None
    while sought is None:
        sought = seek(talk(100 * random.randrange(1, 500)), "en", embedding("en"))
    return Remind(CustomerId(who), (AddressId(who),), sought, frozenset())


def print_measured(measured: Measured) -> None:
    """As tables for people."""
    console = Console()
    title = f"{measured.messages:,} messages indexed (made in {measured.fill_seconds:.0f} s)"
    table = Table("a reminder of one", "p50 ms", "p99 ms", "messages told", title=title)
    for timing in measured.timings:
        table.add_row(timing.name, f"{timing.p50:.2f}", f"{timing.p99:.2f}", f"{timing.found:.1f}")
    console.print(table)
    console.print(f"to add a message: {measured.add_ms:.3f} ms, the database's work with it")
    console.print(", ".join(f"{name} {size:,.0f} MB" for name, size in measured.megabytes.items()))
    console.print("good" if measured.good else f"not good: at most {MOST} ms for 99 of 100")


def main() -> int:
    """0 when the target is met, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.recall", description="Reminders, among millions of messages."
    )
    parser.add_argument(
        "--customers", type=int, default=1_000_000, help=f"with {MESSAGES_EACH} messages each; 1,000,000"
    )
    parser.add_argument("--talked", type=int, default=100_000, help="messages of the one who has said most; 100,000")
    parser.add_argument("--samples", type=int, default=1000, help="reminders of each kind; 1,000")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    options = parser.parse_args()

    async def measured(server: str) -> Measured:
        return await measure(server, options.customers, options.talked, options.samples)

    return report(measured, print_measured, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
