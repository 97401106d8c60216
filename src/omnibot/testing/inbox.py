"""A core in memory: what a channel hands over is kept here instead of in a database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from omnibot.contract import NotAccepted
from omnibot.model import Incoming, IncomingMessage

Kind = TypeVar("Kind")


class Inbox:
    """An `Accept` that keeps arrivals, or raises NotAccepted while `refusing`.

    Dedupes by id like the core, so that `arrivals` is what would be stored and `offers` what was handed over.
    """

    def __init__(self) -> None:
        self.refusing = False
        self.offers: list[Incoming] = []
        self.arrivals: list[Incoming] = []
        self._changed = asyncio.Condition()

    async def __call__(self, arrivals: Sequence[Incoming]) -> None:
        async with self._changed:
            self.offers.extend(arrivals)
            if not self.refusing:
                self._keep(arrivals)
            self._changed.notify_all()
        if self.refusing:
            raise NotAccepted("the inbox refuses")

    def _keep(self, arrivals: Sequence[Incoming]) -> None:
        known = {arrival.id for arrival in self.arrivals}
        for arrival in arrivals:
            if arrival.id not in known:
                known.add(arrival.id)
                self.arrivals.append(arrival)

    @property
    def messages(self) -> list[IncomingMessage]:
        """The arrivals that are messages."""
        return [arrival for arrival in self.arrivals if isinstance(arrival, IncomingMessage)]

    async def arrived(self, count: int = 1, deadline: float = 10) -> list[Incoming]:
        """All arrivals, once there are `count`; TimeoutError after `deadline` seconds."""
        await self._until(self.arrivals, count, deadline)
        return self.arrivals

    async def first(self, kind: type[Kind], deadline: float = 10) -> Kind:
        """The first arrival of a kind, once it is there: reports of what was sent may come before it."""
        async with asyncio.timeout(deadline), self._changed:
            await self._changed.wait_for(lambda: any(isinstance(arrival, kind) for arrival in self.arrivals))
        return next(arrival for arrival in self.arrivals if isinstance(arrival, kind))

    async def offered(self, count: int = 1, deadline: float = 10) -> list[Incoming]:
        """All that was handed over, repetitions and refused ones too, once there are `count`."""
        await self._until(self.offers, count, deadline)
        return self.offers

    async def _until(self, kept: list[Incoming], count: int, deadline: float) -> None:
        try:
            async with asyncio.timeout(deadline), self._changed:
                await self._changed.wait_for(lambda: len(kept) >= count)
        except TimeoutError:
            raise TimeoutError(f"{len(kept)} of {count} arrivals within {deadline} s") from None
