"""What goes wrong in real life, under load: repetitions, errors of the provider, bursts, kills."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import asyncpg
import orjson

from bench.load import Customer, people
from bench.processes import OMNIBOT
from bench.provider import Arrivals, Provider, Size
from bench.rig import Rig, omnibot
from bench.verdict import Check, Verdict, judge, sending, stored, waiting
from omnibot.sandbox import Fault, Faults
from omnibot.store.bundled import BundledServer

_SETTLE_SECONDS = 180.0
_BURST = 3
_EVERY = 7
_KILLS = 5
_AT_WORK = 200  # messages taken since the last start, before it is killed again
_CALLS = 64  # that a channel makes at once, at most

# What was interrupted goes on when its leases have run out, those of calls 15 s after call_seconds.
_IMPATIENT = """
[turns]
lease_seconds = 5
[delivery]
call_seconds = 2
unknown_wait_seconds = 2
"""
_QUICK_RETRY = """
[delivery]
backoff_seconds = 0.2
"""


class Mode(StrEnum):
    """What goes wrong."""

    DUP = "dup"  # every arrival comes twice
    FLAKY = "flaky"  # the provider refuses for the moment
    RACE = "race"  # three messages of one customer at once
    KILL = "kill"  # kill -9


@dataclass(frozen=True, slots=True)
class Finding:
    """What came out of one run of a mode."""

    name: str
    seconds: float
    verdict: Verdict
    notes: tuple[str, ...] = ()


async def run(mode: Mode, kind: type[Provider], size: Size, folder: Path) -> list[Finding]:
    """All runs of a mode, one after another."""
    match mode:
        case Mode.DUP:
            name = "dup: every arrival twice, at once or after its reply"
            return [await _plain(name, kind(), size, folder / "dup", _twice)]
        case Mode.FLAKY:
            return [finding async for finding in _flaky(kind, size, folder)]
        case Mode.RACE:
            name = f"race: {_BURST} messages of one customer at once"
            return [await _plain(name, kind(), size, folder / "race", _in_bursts, ordered=False)]
        case Mode.KILL:
            return [await _killed(kind(), size, folder / "kill")]


async def _flaky(kind: type[Provider], size: Size, folder: Path) -> AsyncIterator[Finding]:
    status = kind.refusal.status
    once = EachOnce(kind.sends, kind.refusal)
    yield await _plain(
        f"flaky: {status} once for each message", kind(once), size, folder / "each", _patiently, _QUICK_RETRY
    )
    yield await _plain(
        f"flaky: {status} at every {_EVERY}th call, customers do not wait",
        kind(_often(kind, kind.refusal)),
        size,
        folder / "every",
        _hastily,
        _QUICK_RETRY,
    )
    if kind.doubt is not None:
        yield await _plain(
            f"flaky: {kind.doubt.status}, which leaves open whether it was taken, at every {_EVERY}th call",
            kind(_often(kind, kind.doubt)),
            size,
            folder / "doubt",
            _hastily,
            _IMPATIENT,
        )


# --- how customers write -------------------------------------------------------------------------------------------

Talk = Callable[[Provider, Rig, Customer, int], Awaitable[None]]


async def _twice(provider: Provider, rig: Rig, customer: Customer, messages: int) -> None:
    """Each arrival a second time: by turns at the same moment, and when its reply has come."""
    for number in range(messages):
        reply = provider.receipts.next_of(customer.address)
        posted = customer.write(provider)
        repeated = 2 if number % 2 else 1
        await asyncio.gather(*(rig.arrivals.insist(posted) for _ in range(repeated)))
        await _wait(reply, _SETTLE_SECONDS)
        if repeated == 1:
            await rig.arrivals.insist(posted)


async def _patiently(provider: Provider, rig: Rig, customer: Customer, messages: int) -> None:
    """The next when the reply has come."""
    for _ in range(messages):
        reply = provider.receipts.next_of(customer.address)
        await rig.arrivals.insist(customer.write(provider))
        await _wait(reply, _SETTLE_SECONDS)


async def _hastily(provider: Provider, rig: Rig, customer: Customer, messages: int) -> None:
    """The next as soon as the one before is acknowledged."""
    for _ in range(messages):
        await rig.arrivals.insist(customer.write(provider))


async def _impatiently(provider: Provider, rig: Rig, customer: Customer, messages: int) -> None:
    """The next when the reply has come, or after a while without one."""
    for _ in range(messages):
        reply = provider.receipts.next_of(customer.address)
        await rig.arrivals.insist(customer.write(provider))
        await _wait(reply, provider.patience)


async def _in_bursts(provider: Provider, rig: Rig, customer: Customer, messages: int) -> None:
    """Three at once, and three more when the first reply has come."""
    for _ in range(messages // _BURST):
        reply = provider.receipts.next_of(customer.address)
        burst = [customer.write(provider) for _ in range(_BURST)]
        await asyncio.gather(*(rig.arrivals.insist(posted) for posted in burst))
        await _wait(reply, _SETTLE_SECONDS)


async def _wait(reply: asyncio.Future[float], seconds: float) -> None:
    """What is missing after that is found by the verdict."""
    await asyncio.wait([reply], timeout=seconds)


# --- faults of the provider ----------------------------------------------------------------------------------------


class EachOnce(Faults):
    """The first call for each message fails; customers wait for their reply, so calls alternate for each address."""

    def __init__(self, method: str, fault: Fault) -> None:
        super().__init__()
        self._method = method
        self._fault = fault
        self._failed: set[str] = set()

    def take(self, provider: str, method: str, *addresses: str) -> Fault | None:
        address = addresses[0] if addresses else ""
        if method != self._method:
            return None
        if address in self._failed:
            self._failed.discard(address)
            return None
        self._failed.add(address)
        return self._fault


def _often(kind: type[Provider], fault: Fault) -> Faults:
    faults = Faults()
    faults.add(fault, method=kind.sends, count=None, every=_EVERY)
    return faults


# --- runs ----------------------------------------------------------------------------------------------------------


async def _plain(
    name: str,
    provider: Provider,
    size: Size,
    folder: Path,
    talk: Talk,
    tuning: str = "",
    *,
    ordered: bool = True,
) -> Finding:
    customers = people(provider, size.customers)
    began = time.perf_counter()
    async with provider.sandbox, omnibot(provider, folder, tuning=tuning) as rig, _database(rig) as database:
        await _all(talk, provider, rig, customers, size)
        await _settled(database, customers)
    refused = provider.receipts.refused
    verdict = await judge(rig.settings(), customers, provider, ordered=ordered)
    return Finding(name, time.perf_counter() - began, verdict, (f"{refused} calls refused",) if refused else ())


async def _all(talk: Talk, provider: Provider, rig: Rig, customers: Sequence[Customer], size: Size) -> None:
    free = asyncio.Semaphore(size.in_flight)

    async def one(customer: Customer) -> None:
        async with free:
            await talk(provider, rig, customer, size.messages)

    async with asyncio.TaskGroup() as tasks:
        for customer in customers:
            tasks.create_task(one(customer))


async def _killed(provider: Provider, size: Size, folder: Path) -> Finding:
    customers = people(provider, size.customers)
    began = time.perf_counter()
    in_flight: list[int] = []
    async with provider.sandbox, omnibot(provider, folder, tuning=_IMPATIENT, impatient=True) as rig:
        async with _database(rig) as database, asyncio.TaskGroup() as tasks:
            killer = tasks.create_task(_kill(rig, database, size, in_flight))
            await _all(_impatiently, provider, rig, customers, size)
            await killer
            await _settled(database, customers)
        listed = await _listed_unknown(rig)
    # what a provider has given up is found later, when its customer may have written again
    verdict = await judge(rig.settings(), customers, provider, ordered=provider.tries is None)
    bounds = Check("unknown are listed, and at most the calls in flight at the kills")
    unknown = verdict.counts["unknown"]
    bounds.see(listed == unknown, f"`omnibot outbox list` shows {listed} of {unknown}")
    bounds.see(unknown <= sum(in_flight), f"{unknown} unknown, {sum(in_flight)} in flight")
    for calls in in_flight:
        bounds.see(calls <= _CALLS, f"{calls} in flight at once")
    notes = (
        f"killed {len(in_flight)} times with {', '.join(map(str, in_flight))} calls in flight",
        f"{rig.arrivals.given_up} arrivals given up by the provider, and found by looking for them",
    )
    checks = (*verdict.checks, bounds)
    return Finding("kill: kill -9 under load", time.perf_counter() - began, Verdict(checks, verdict.counts), notes)


async def _kill(rig: Rig, database: asyncpg.Connection, size: Size, in_flight: list[int]) -> None:
    """Kill when a sixth, two sixths, … of the messages have been brought; start again at once."""
    interrupted: set[int] = set()
    whole = size.customers * size.messages
    for number in range(1, _KILLS + 1):
        await _until_brought(rig.arrivals, number * whole // (_KILLS + 1), whole)
        await rig.server.kill()
        calls = await sending(database) - interrupted
        in_flight.append(len(calls))
        interrupted |= calls
        await rig.server.start()


async def _until_brought(arrivals: Arrivals, messages: int, whole: int) -> None:
    """Until so many have been taken or given up, and the server is at work again; or until all have been."""
    taken = arrivals.acknowledged
    while (brought := arrivals.acknowledged + arrivals.given_up) < whole:
        if brought >= messages and arrivals.acknowledged - taken >= min(_AT_WORK, whole // 10):
            return
        await asyncio.sleep(0.01)  # looking a hundred times a second costs less than being told


@asynccontextmanager
async def _database(rig: Rig) -> AsyncIterator[asyncpg.Connection]:
    async with BundledServer(rig.settings().data_folder) as dsn:
        connection = await asyncpg.connect(dsn)
        try:
            yield connection
        finally:
            await connection.close()


async def _settled(database: asyncpg.Connection, customers: Sequence[Customer]) -> None:
    """Wait until all is there and nothing under way any more; what is then still missing is found by the verdict."""
    written = sum(len(customer.written) for customer in customers)
    deadline = time.perf_counter() + _SETTLE_SECONDS
    while time.perf_counter() < deadline:
        if await stored(database) >= written and not await waiting(database):
            return
        await asyncio.sleep(0.2)


async def _listed_unknown(rig: Rig) -> int:
    """As whoever runs the server sees it."""
    command = (*OMNIBOT, "outbox", "list", "--state", "unknown", "--json", "--limit", "10000")
    process = await asyncio.create_subprocess_exec(
        *command, "--config", str(rig.config), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return sum(orjson.loads(line)["state"] == "unknown" for line in output.splitlines())
