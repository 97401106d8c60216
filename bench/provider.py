"""The provider's side of the bench: an emulated provider, its customers, and what reaches them.

Each channel has a driver in `bench.providers`; load, verdict and modes know them by what is here alone.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from omnibot.model import Part
from omnibot.sandbox import Entry, Faults, Ledger, Outcome, ServerError

Payload = Mapping[str, Any]
_LAST_PAUSE = 1.0  # seconds between two tries of one arrival


@dataclass(frozen=True, slots=True)
class Size:
    """How many write how much, and how many of them wait for an acknowledgement or a reply at a time."""

    customers: int = 1000
    messages: int = 10
    in_flight: int = 256


@dataclass(frozen=True, slots=True)
class Posted:
    """An arrival on its way: the message's id, and what is to be posted, again and again if need be."""

    address: str
    message: str
    body: bytes = field(repr=False)
    head: bytes = field(default=b"", repr=False)  # header lines of its own


@dataclass(frozen=True, slots=True)
class Receipt:
    """A reply that reached a customer; `message` is the id that the provider gave it."""

    at: float  # time.perf_counter
    message: str
    text: str


class Receipts(Ledger):
    """The sandbox's ledger, which tells at once when a customer got something."""

    def __init__(self, method: str, id_of: Callable[[Payload], str]) -> None:
        super().__init__()
        self.of: dict[str, list[Receipt]] = defaultdict(list)  # by address, in order
        self.count = 0
        self.refused = 0
        self._method = method
        self._id_of = id_of
        self._expected: dict[str, asyncio.Future[float]] = {}

    def append(
        self,
        provider: str,
        account: str,
        method: str,
        payload: Payload,
        outcome: Outcome = Outcome.ACCEPTED,
        reason: str = "",
        *,
        to: str = "",
        text: str = "",
        choices: tuple[str, ...] = (),
        links: tuple[tuple[str, str], ...] = (),
    ) -> Entry:
        entry = super().append(
            provider, account, method, payload, outcome, reason, to=to, text=text, choices=choices, links=links
        )
        if method == self._method:
            if entry.accepted:
                self._received(to.partition(":")[2], self._id_of(payload), text)
            else:
                self.refused += 1
        return entry

    def _received(self, address: str, message: str, text: str) -> None:
        now = time.perf_counter()
        self.count += 1
        self.of[address].append(Receipt(now, message, text))
        expected = self._expected.pop(address, None)
        if expected is not None and not expected.done():
            expected.set_result(now)

    def next_of(self, address: str) -> asyncio.Future[float]:
        """When the next reply reaches this address; ask before writing to the bot."""
        expected: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._expected[address] = expected
        return expected


class Door(Protocol):
    """Where one server takes what arrives; an async context."""

    async def post(self, posted: Posted) -> tuple[float, bool]:
        """When it left (`time.perf_counter`), and whether it was acknowledged."""
        ...


class Arrivals:
    """What is brought to one server's door, and how often it was taken."""

    def __init__(self, door: Door, tries: int | None) -> None:
        self._door = door
        self._tries = tries
        self.acknowledged = 0
        self.given_up = 0

    async def post(self, posted: Posted) -> tuple[float, bool]:
        """Once: when it left, and whether it was acknowledged."""
        sent, acknowledged = await self._door.post(posted)
        self.acknowledged += acknowledged
        return sent, acknowledged

    async def insist(self, posted: Posted) -> float:
        """As the provider does: until it is acknowledged or given up; when it first left."""
        first, acknowledged = await self.post(posted)
        pause, tries = 0.05, 1
        while not acknowledged and tries != self._tries:
            await asyncio.sleep(pause)
            pause, tries = min(pause * 2, _LAST_PAUSE), tries + 1
            _, acknowledged = await self.post(posted)
        self.given_up += not acknowledged
        return first


class Provider(ABC):
    """An emulated provider and the people in it. Made inside the loop that uses it."""

    channel: ClassVar[str]
    sends: ClassVar[str]  # the call by which a reply leaves, as the ledger names it
    size: ClassVar[Size] = Size()
    largest: ClassVar[int] = 4000  # characters of one reply; a longer one becomes several
    refusal: ClassVar[ServerError] = ServerError()  # an error at which nothing was done
    doubt: ClassVar[ServerError | None] = None  # one that leaves open whether something was
    patience: ClassVar[float] = 1.0  # seconds after which the impatient write again although no reply has come
    tries: ClassVar[int | None] = None  # of one arrival, until it is given up; None: until it is taken
    sandbox: AbstractAsyncContextManager[Any]

    def __init__(self, faults: Faults | None = None) -> None:
        self.receipts = Receipts(self.sends, self.id_of)

    @staticmethod
    @abstractmethod
    def id_of(payload: Payload) -> str:
        """The id of a reply in the ledger, as the channel gets it."""

    @abstractmethod
    def customer(self, number: int) -> str:
        """The address of a customer, who from now on can be written to."""

    @abstractmethod
    def write(self, address: str, text: str) -> Posted:
        """A message of theirs as the provider would post it."""

    @abstractmethod
    def settings(self, port: int, *, impatient: bool = False) -> str:
        """The account in a settings file (TOML); `port`: of the server. `impatient`: look for what is lost at once."""

    @abstractmethod
    def given(self) -> dict[str, Any]:
        """What the floor must know."""

    @abstractmethod
    def door(self, port: int, *, bare: bool) -> AbstractAsyncContextManager[Door]:
        """The way into a server at this port; `bare`: into the floor."""

    @abstractmethod
    def seen(self, parts: Sequence[Part]) -> str:
        """A reply as customers see it, and as the ledger has its text."""
