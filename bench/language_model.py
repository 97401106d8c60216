"""python -m bench.language_model: what a language model that does not answer costs those who wait for replies.

The same load on two servers by turns: one has no language model, the other has one that takes requests and never
answers. Before what is measured, as many write as it takes for the server to find that out.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table
from uvloop import new_event_loop

from bench.load import Customer, converse, people
from bench.provider import Size
from bench.providers.telegram import TelegramProvider
from bench.rig import omnibot, scratch
from bench.traffic import texts

LEAST = 0.95  # of the messages a second without a model
_TIMEOUT = 1.0  # seconds that a reply waits for it
_OTHERS = 800_000  # numbers of customers of their own
_FIRST = 64  # customers who write before: some of them wait for it


@dataclass(frozen=True, slots=True)
class Speed:
    """One load."""

    rate: float  # answered messages a second
    cpu: float  # milliseconds of the server's a message
    slowest: float  # of the first who wrote, seconds


@dataclass(frozen=True, slots=True)
class Measured:
    """Loads on either server, by turns, and what was asked of the model."""

    without: tuple[Speed, ...]
    dead: tuple[Speed, ...]
    asked: tuple[int, ...]

    @property
    def ratio(self) -> float:
        """Of the medians: with a model that does not answer to without one."""
        return median(speed.rate for speed in self.dead) / median(speed.rate for speed in self.without)


class Silent:
    """A server that takes requests and answers none."""

    url = ""
    asked = 0

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        while await reader.read(65536):
            pass
        writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Silent]:
        server = await asyncio.start_server(self.hear, "127.0.0.1", 0)
        async with server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            yield self


async def measure(folder: Path, size: Size, rounds: int) -> Measured:
    """Load both by turns."""
    without, dead, asked = [], [], []
    for number in range(rounds):
        without.append(await _load(folder / f"without{number}", size, ""))
        async with Silent().listening() as silent:
            dead.append(await _load(folder / f"dead{number}", size, _tuning(silent.url)))
            asked.append(silent.asked)
    return Measured(tuple(without), tuple(dead), tuple(asked))


def _tuning(url: str) -> str:
    return f'[voice.llm]\nbase_url = "{url}"\nmodel = "silent"\ntimeout_seconds = {_TIMEOUT}\n'


async def _load(folder: Path, size: Size, tuning: str) -> Speed:
    provider = TelegramProvider()
    writers = people(provider, size.customers)
    async with provider.sandbox, omnibot(provider, folder, tuning=tuning) as rig:
        first = [Customer(provider.customer(number), texts(number)) for number in range(_OTHERS, _OTHERS + _FIRST)]
        slowest = max((await converse(provider, rig.arrivals, first, 3, _FIRST)).latencies)
        before = rig.server.cpu()
        seen = await converse(provider, rig.arrivals, writers, size.messages, size.in_flight)
        used = rig.server.cpu().since(before)
    return Speed(seen.rate, used.server * 1000 / max(1, len(seen.latencies)), slowest)


def print_measured(measured: Measured) -> None:
    """As a table for people."""
    console = Console()
    table = Table("messages/s", "without", "silent", "CPU ms, without", "silent", "slowest at first, s", "asked")
    for number, (one, other) in enumerate(zip(measured.without, measured.dead, strict=True)):
        rates, cpu = (f"{one.rate:.0f}", f"{other.rate:.0f}"), (f"{one.cpu:.2f}", f"{other.cpu:.2f}")
        table.add_row(f"round {number + 1}", *rates, *cpu, f"{other.slowest:.2f}", str(measured.asked[number]))
    console.print(table)
    console.print(f"ratio {measured.ratio:.3f} (at least {LEAST})")


def main() -> int:
    """0 when the target is met, else 1."""
    parser = argparse.ArgumentParser(prog="python -m bench.language_model", description="What a silent model costs.")
    parser.add_argument("--messages", type=int, default=TelegramProvider.size.messages, help="of each customer")
    parser.add_argument("--rounds", type=int, default=3, help="of both by turns; medians count")
    options = parser.parse_args()
    with scratch() as folder, asyncio.Runner(loop_factory=new_event_loop) as runner:
        measured = runner.run(
            measure(folder, replace(TelegramProvider.size, messages=options.messages), options.rounds)
        )
    print_measured(measured)
    return 0 if measured.ratio >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
