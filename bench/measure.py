"""The figures: how fast, how dear, how large; the floor beside it in the same run."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson
import psutil

from bench.load import Customer, Timings, converse, people, steadily
from bench.metered import CHANNEL, STEPS, VARIABLE
from bench.processes import Cpu, load_seconds
from bench.provider import Provider, Size
from bench.rig import Rig, bare, omnibot
from bench.verdict import Check, Verdict, judge

STEADY_RATE = 100.0  # messages a second
_OWN = "telegram"  # the channel that costs the least, so that what is our own shows most
_PAUSE = 2.0  # seconds between two loads on one server
_METERED = (sys.executable, "-m", "bench.metered")
_MILLISECONDS, _MEGABYTE = 1000.0, 1_000_000


@dataclass(frozen=True, slots=True)
class Load:
    """One load at full speed."""

    rate: float  # answered messages a second
    p50: float  # milliseconds from webhook sent to the provider's receipt
    p99: float
    server_cpu: float  # milliseconds a message
    database_cpu: float
    load_cpu: float  # of the sandbox and the load itself
    steady_p50: float  # milliseconds at STEADY_RATE
    steady_p99: float
    steady_server_cpu: float  # milliseconds a message at STEADY_RATE: neighbours change it less than the latencies
    steady_database_cpu: float


@dataclass(frozen=True, slots=True)
class Round:
    """The floor and ours one after the other, so that both meet the same machine."""

    floor: Load
    ours: Load
    memory: float  # megabytes resident after both loads
    verdict: Verdict

    @property
    def ratio(self) -> float:
        """Ours by the floor's messages a second."""
        return self.ours.rate / self.floor.rate


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and what it must be."""

    name: str
    value: float
    bound: float
    at_least: bool = False
    unit: str = ""

    @property
    def met(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound


@dataclass(frozen=True, slots=True)
class Step:
    """What one step costs; `batch` is how many messages one call of it takes, 0 where that says nothing."""

    name: str
    cpu: float  # milliseconds a message
    batch: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """All of it. Medians over rounds are the figures to quote."""

    channel: str
    machine: str
    size: Size
    rounds: tuple[Round, ...]
    bare_memory: float  # megabytes of the imports alone
    steps: tuple[Step, ...] = ()
    metered_cpu: float = 0.0  # milliseconds a message of the metered server, all in all

    def median(self, of: Callable[[Round], float]) -> float:
        """Over the rounds."""
        return median(of(one) for one in self.rounds)

    @property
    def targets(self) -> tuple[Target, ...]:
        return (
            Target("messages/s, ours by the floor's", self.median(lambda r: r.ratio), self._least_ratio, at_least=True),
            Target("memory above the bare imports", self.median(lambda r: r.memory) - self.bare_memory, 80, unit="MB"),
            *(self._of_our_own if self.channel == _OWN else ()),
        )

    @property
    def _least_ratio(self) -> float:
        return 0.35 if self.channel == _OWN else 0.3

    @property
    def _of_our_own(self) -> tuple[Target, ...]:
        return (
            Target("CPU of our process a message", self.median(lambda r: r.ours.server_cpu), 1.2, unit="ms"),
            Target(f"p99 at {STEADY_RATE:g}/s", self.median(lambda r: r.ours.steady_p99), 15, unit="ms"),
        )

    @property
    def clean(self) -> bool:
        """Whether every message got exactly one reply, in order, in every round."""
        return all(one.verdict.clean for one in self.rounds)


async def measure(kind: type[Provider], size: Size, folder: Path, *, rounds: int, steady_seconds: float) -> Measured:
    """The whole run; some minutes."""
    done = []
    for number in range(rounds):
        floor = await _floor(kind, size, folder / f"floor-{number}", steady_seconds)
        done.append(await _ours(kind, size, folder / f"ours-{number}", floor, steady_seconds))
    steps, metered_cpu = await _metered(kind, size, folder / "metered")
    return Measured(kind.channel, _machine(), size, tuple(done), await _bare_memory(kind.channel), steps, metered_cpu)


async def _floor(kind: type[Provider], size: Size, folder: Path, steady_seconds: float) -> Load:
    provider = kind()
    customers = people(provider, size.customers)
    async with provider.sandbox, bare(provider, folder) as rig:
        load, _ = await _both(provider, rig, customers, size, steady_seconds)
    return load


async def _ours(kind: type[Provider], size: Size, folder: Path, floor: Load, steady_seconds: float) -> Round:
    provider = kind()
    customers = people(provider, size.customers)
    async with provider.sandbox, omnibot(provider, folder) as rig:
        ours, steady = await _both(provider, rig, customers, size, steady_seconds)
        memory = rig.server.memory() / _MEGABYTE
    verdict = await judge(rig.settings(), customers, provider)
    one_each = _one_each(verdict, steady)
    return Round(floor, ours, memory, Verdict((*verdict.checks, one_each), verdict.counts))


def _one_each(verdict: Verdict, steady: Timings) -> Check:
    """Who waits for a reply before writing again gets one for each message."""
    check = Check("every message got a reply of its own")
    written, received = verdict.counts["messages"], verdict.counts["received"]
    check.see(written == received, f"{received} replies to {written} messages")
    missing = steady.unacknowledged + steady.unanswered
    check.see(not missing, f"{missing} of the steady load without an acknowledgement or a reply")
    return check


async def _both(
    provider: Provider, rig: Rig, customers: Sequence[Customer], size: Size, steady_seconds: float
) -> tuple[Load, Timings]:
    """Full speed, a rest, then the steady rate."""
    before, load_before = rig.server.cpu(), load_seconds()
    seen = await converse(provider, rig.arrivals, customers, size.messages, size.in_flight)
    used, load_used = rig.server.cpu().since(before), load_seconds() - load_before
    await asyncio.sleep(_PAUSE)
    before = rig.server.cpu()
    steady = await steadily(provider, rig.arrivals, customers, STEADY_RATE, steady_seconds)
    return _as_load(seen, used, load_used, steady, rig.server.cpu().since(before)), steady


def _as_load(seen: Timings, used: Cpu, load_used: float, steady: Timings, steadily_used: Cpu) -> Load:
    each = _MILLISECONDS / max(1, len(seen.latencies))
    slowly_each = _MILLISECONDS / max(1, len(steady.latencies))
    return Load(
        rate=seen.rate,
        p50=seen.quantile(0.5) * _MILLISECONDS,
        p99=seen.quantile(0.99) * _MILLISECONDS,
        server_cpu=used.server * each,
        database_cpu=used.database * each,
        load_cpu=load_used * each,
        steady_p50=steady.quantile(0.5) * _MILLISECONDS,
        steady_p99=steady.quantile(0.99) * _MILLISECONDS,
        steady_server_cpu=steadily_used.server * slowly_each,
        steady_database_cpu=steadily_used.database * slowly_each,
    )


async def _metered(kind: type[Provider], size: Size, folder: Path) -> tuple[tuple[Step, ...], float]:
    """The same load once more, on a server with a meter on each step, which makes it somewhat slower."""
    provider = kind()
    customers = people(provider, size.customers)
    found = folder / "meter.json"
    async with (
        provider.sandbox,
        omnibot(provider, folder, program=_METERED, environment={VARIABLE: str(found), CHANNEL: kind.channel}) as rig,
    ):
        os.kill(rig.server.pid, signal.SIGUSR1)
        before = rig.server.cpu()
        await converse(provider, rig.arrivals, customers, size.messages, size.in_flight)
        used = rig.server.cpu().since(before).server
    meter: dict[str, dict[str, int]] = orjson.loads(found.read_bytes())
    messages = size.customers * size.messages
    steps = [
        Step(name, meter["spent"].get(name, 0) / 1_000_000 / messages, messages / meter["calls"].get(name, messages))
        for name in STEPS
    ]
    whole = used * _MILLISECONDS / messages
    rest = Step("the loop, sockets, all else", whole - sum(step.cpu for step in steps))
    return (*steps, rest), whole


async def _bare_memory(channel: str) -> float:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.imports", channel, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return int(output) / _MEGABYTE


def _machine() -> str:
    memory = psutil.virtual_memory().total // 2**30
    return (
        f"{psutil.cpu_count()} shared cores, {_processor()}, {memory} GB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return "unknown processor"
