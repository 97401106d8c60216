"""The load: customers who write and wait for their reply, or who write at a steady rate whatever comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.provider import Arrivals, Posted, Provider
from bench.traffic import texts

PATIENCE = 90.0  # seconds without a reply until a customer gives up, and the run has failed


@dataclass(slots=True)
class Customer:
    """Somebody who writes; `written` is what they have written, in order."""

    address: str
    texts: Iterator[str]
    written: list[Posted] = field(default_factory=list)

    def write(self, provider: Provider) -> Posted:
        """Their next message."""
        posted = provider.write(self.address, next(self.texts))
        self.written.append(posted)
        return posted


@dataclass(slots=True)
class Timings:
    """What was seen of a load. Seconds of time.perf_counter; a latency is from the arrival to the receipt."""

    started: float
    ended: float = 0.0
    latencies: list[float] = field(default_factory=list)
    unacknowledged: int = 0
    unanswered: int = 0

    @property
    def rate(self) -> float:
        """Answered messages a second, from the first arrival to the last receipt."""
        return len(self.latencies) / (self.ended - self.started) if self.latencies else 0.0

    def quantile(self, share: float) -> float:
        """The latency that so many (0…1) stay below."""
        if not self.latencies:
            return float("nan")
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def people(provider: Provider, count: int) -> list[Customer]:
    """So many customers."""
    return [Customer(provider.customer(number), texts(number)) for number in range(count)]


async def converse(
    provider: Provider, arrivals: Arrivals, customers: Sequence[Customer], messages: int, in_flight: int
) -> Timings:
    """Each customer writes, waits for the reply, and writes again; at most `in_flight` of them wait at a time."""
    free = asyncio.Semaphore(in_flight)
    seen = Timings(time.perf_counter())

    async def talk(customer: Customer) -> None:
        for _ in range(messages):
            async with free:
                if not await _exchange(provider, arrivals, customer, seen):
                    return

    async with asyncio.TaskGroup() as tasks:
        for customer in customers:
            tasks.create_task(talk(customer))
    return seen


async def _exchange(provider: Provider, arrivals: Arrivals, customer: Customer, seen: Timings) -> bool:
    reply = provider.receipts.next_of(customer.address)
    sent, acknowledged = await arrivals.post(customer.write(provider))
    if not acknowledged:
        seen.unacknowledged += 1
        return False
    return await _answered(reply, sent, seen)


async def _answered(reply: asyncio.Future[float], sent: float, seen: Timings) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            received = await reply
    except TimeoutError:
        seen.unanswered += 1
        return False
    seen.latencies.append(received - sent)
    seen.ended = max(seen.ended, received)
    return True


async def steadily(
    provider: Provider, arrivals: Arrivals, customers: Sequence[Customer], rate: float, seconds: float
) -> Timings:
    """So many messages a second in turn of all customers, each due at its time whatever became of those before.

    Latency counts from when a message was due, so that nothing hides behind a stall.
    """
    seen = Timings(time.perf_counter())

    async def exchange(customer: Customer, due: float) -> None:
        reply = provider.receipts.next_of(customer.address)
        _, acknowledged = await arrivals.post(customer.write(provider))
        if acknowledged:
            await _answered(reply, due, seen)
        else:
            seen.unacknowledged += 1

    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * seconds)):
            due = seen.started + number / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            tasks.create_task(exchange(customers[number % len(customers)], due))
    return seen
