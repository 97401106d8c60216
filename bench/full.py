"""python -m bench.full: messages a second among a million customers who have said ten million, beside nobody.

The same load on two servers by turns, each with a database of its own: one is empty, in the other those who write have
a past like all others. The ratio is what a large database costs.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import asyncpg
from rich.console import Console
from rich.table import Table
from uvloop import new_event_loop

from bench.load import converse, people
from bench.past import MESSAGES_EACH, known, others, tell
from bench.provider import Size
from bench.providers.telegram import TelegramProvider
from bench.rig import omnibot, scratch
from omnibot.evaluation.readers import embedding
from omnibot.model import Address
from omnibot.remembering import Remembering
from omnibot.settings import Settings
from omnibot.store import Store
from omnibot.store.bundled import BundledServer
from omnibot.store.codec import Codec

LEAST = 0.8  # of the messages a second with an empty database


@dataclass(frozen=True, slots=True)
class Speed:
    """One load."""

    rate: float  # answered messages a second
    cpu: float  # milliseconds of the server's a message
    database_cpu: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found out: loads on either database, by turns."""

    messages: int  # in the full one
    empty: tuple[Speed, ...]
    full: tuple[Speed, ...]

    @property
    def ratio(self) -> float:
        """Of the medians: full to empty."""
        return median(speed.rate for speed in self.full) / median(speed.rate for speed in self.empty)


async def measure(folder: Path, size: Size, customers: int, rounds: int) -> Measured:
    """Make both, and load them by turns."""
    provider = (
        TelegramProvider()
    )  # one for all: another would begin its numbers anew, which the servers know as repeats
    async with provider.sandbox:
        await _load(provider, folder / "empty", Size(1, 1, 1))  # makes the database
        await _load(provider, folder / "full", Size(1, 1, 1))
        messages = await _fill(provider, _settings(folder / "full"), size, customers)
        empty, full = [], []
        for _ in range(rounds):
            empty.append(await _load(provider, folder / "empty", size))
            full.append(await _load(provider, folder / "full", size))
    return Measured(messages, tuple(empty), tuple(full))


def _settings(folder: Path) -> Settings:
    return Settings(data_folder=folder / "data")


async def _load(provider: TelegramProvider, folder: Path, size: Size) -> Speed:
    writers = people(provider, size.customers)
    async with omnibot(provider, folder) as rig:
        before = rig.server.cpu()
        seen = await converse(provider, rig.arrivals, writers, size.messages, size.in_flight)
        used = rig.server.cpu().since(before)
    each = 1000 / max(1, len(seen.latencies))
    return Speed(seen.rate, used.server * each, used.database * each)


async def _fill(provider: TelegramProvider, settings: Settings, size: Size, customers: int) -> int:
    """Give those who write a past, and have others around them; tells how many messages there are then."""
    random.seed(1)
    secret = settings.load_secret()
    async with BundledServer(settings.data_folder) as dsn, Store.open(dsn, secret) as store:
        codec, connection = Codec(secret), await asyncpg.connect(dsn)
        before = await connection.fetchval("SELECT coalesce(max(id), 0) FROM addresses")
        writers = [Address("telegram", provider.customer(number)) for number in range(1, size.customers)]
        await known(connection, codec, before + 1, writers)
        await others(connection, before + len(writers) + 1, customers)
        for number, _ in enumerate(writers, before + 1):
            await tell(connection, codec, number, MESSAGES_EACH)
        past = Remembering(store.recall, embedding("en"), "en")
        while await past.add_batch():
            pass
        await connection.execute("VACUUM (ANALYZE)")
        count: int = await connection.fetchval("SELECT count(*) FROM messages")
        await connection.close()
    return count


def print_measured(measured: Measured) -> None:
    """As a table for people."""
    console = Console()
    table = Table("messages/s", "empty", "full", "CPU ms, empty", "full", "PostgreSQL ms, empty", "full")
    for number, (empty, full) in enumerate(zip(measured.empty, measured.full, strict=True), 1):
        rates = (f"{empty.rate:.0f}", f"{full.rate:.0f}")
        dear = (empty.cpu, full.cpu, empty.database_cpu, full.database_cpu)
        table.add_row(f"round {number}", *rates, *(f"{figure:.2f}" for figure in dear))
    console.print(table)
    console.print(f"{measured.messages:,} messages in the full one; ratio {measured.ratio:.2f} (at least {LEAST})")


def main() -> int:
    """0 when the target is met, else 1."""
    parser = argparse.ArgumentParser(prog="python -m bench.full", description="What a large database costs.")
    parser.add_argument("--customers", type=int, default=1_000_000, help=f"with {MESSAGES_EACH} messages each")
    parser.add_argument("--rounds", type=int, default=3, help="of both by turns; medians count")
    options = parser.parse_args()
    with scratch() as folder, asyncio.Runner(loop_factory=new_event_loop) as runner:
        measured = runner.run(measure(folder, TelegramProvider.size, options.customers, options.rounds))
    print_measured(measured)
    return 0 if measured.ratio >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
