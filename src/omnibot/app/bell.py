"""Telling of what has come in: the workers of this process, or those of others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from omnibot.app.draining import Drain
from omnibot.settings import Settings
from omnibot.store import Store
from omnibot.store.work import Arrived


class Bell:
    """Tells of what has come in: the workers of this process, or those of others after each commit."""

    def __init__(self) -> None:
        self._wake: Callable[[], None] = lambda: None
        self.heard: Callable[[Arrived], None] = lambda _: None
        self.rung = asyncio.Event()

    def wakes(self, wake: Callable[[], None], heard: Callable[[Arrived], None]) -> None:
        """Call `wake` after each commit and `heard` for each arrival in it."""
        self._wake, self.heard = wake, heard

    def ring(self) -> None:
        """Something was committed."""
        self.rung.set()
        self._wake()


@asynccontextmanager
async def telling_others(store: Store, bell: Bell, drain: Drain) -> AsyncIterator[None]:
    """One NOTIFY for however many commits have come together."""

    async def tell() -> None:
        while True:
            await bell.rung.wait()
            bell.rung.clear()
            await store.notify()

    async with drain.background("telling", tell):
        yield


@asynccontextmanager
async def hearing_of_others(
    settings: Settings, store: Store, dsn: str, bell: Bell, drain: Drain
) -> AsyncIterator[None]:
    """Be told of what the processes that receive have committed."""
    direct = settings.database.listen_url.get_secret_value() or dsn
    async with drain.background("hearing", lambda: store.listen(direct, bell.ring)):
        yield
