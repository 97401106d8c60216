"""Misbehaviour on command: what an emulated provider shall do wrong, for whom, and how often."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Throttle:
    """Refuse with "too many requests; come again after so many seconds"."""

    after: float


@dataclass(frozen=True, slots=True)
class ServerError:
    """Refuse with the provider's own error of its own making; nothing was accepted."""

    status: int = 500


@dataclass(frozen=True, slots=True)
class Blocked:
    """Refuse because the customer takes nothing from us any more."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Never answer, having accepted the call or not."""

    accepted: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut the connection instead of answering, having accepted the call or not."""

    accepted: bool


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Deliver an arrival so many times more."""

    times: int = 1


@dataclass(frozen=True, slots=True)
class Delay:
    """Hold an arrival back until so many later ones have been delivered."""

    behind: int = 1


Fault = Throttle | ServerError | Blocked | Hang | Cut | Duplicate | Delay

ARRIVAL = "arrival"  # the method under which Duplicate and Delay are looked up


@dataclass(slots=True)
class _Order:
    fault: Fault
    provider: str
    method: str
    address: str
    left: int | None
    every: int
    seen: int = 0

    def matches(self, provider: str, method: str, addresses: tuple[str, ...]) -> bool:
        return (
            self.provider in ("", provider)
            and self.method in ("", method)
            and self.address in ("", *addresses)
            and (self.method == ARRIVAL) == (method == ARRIVAL)
        )

    def is_due(self) -> bool:
        self.seen += 1
        return self.seen % self.every == 0


@dataclass(slots=True)
class Faults:
    """Orders to misbehave, taken in the order in which they were given. Empty: every provider behaves."""

    _orders: list[_Order] = field(default_factory=list)

    def add(
        self,
        fault: Fault,
        *,
        provider: str = "",
        method: str = "",
        address: str = "",
        count: int | None = 1,
        every: int = 1,
    ) -> None:
        """Misbehave `count` times (None: until `clear`) at every `every`th call that matches.

        An empty provider, method or address matches any. `address` is the customer's value: a chat id, an
        email address, a number; on Slack a channel, too, as `T…/C…`. Duplicate and Delay concern arrivals, all others
        calls.
        """
        if isinstance(fault, Duplicate | Delay):
            method = ARRIVAL
        self._orders.append(_Order(fault, provider, method, address, count, every))

    def take(self, provider: str, method: str, *addresses: str) -> Fault | None:
        """What to do wrong with this call, which concerns these addresses, if anything; counts it."""
        for order in self._orders:
            if order.matches(provider, method, addresses) and order.is_due():
                self._count(order)
                return order.fault
        return None

    def clear(self) -> None:
        """Behave again."""
        self._orders.clear()

    def _count(self, order: _Order) -> None:
        if order.left is None:
            return
        order.left -= 1
        if order.left == 0:
            self._orders.remove(order)
