"""The bad day: what must hold when the database goes away and comes back."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest_asyncio

from omnibot.model import DeliveryState
from omnibot.sandbox.world import World, world
from omnibot.settings import Delivery, Turns
from omnibot.store.bundled import BundledServer
from tests.journeys.conftest import DEADLINE, KNOWLEDGE, telegram_got

QUICK = {"turns": Turns(poll_seconds=0.1), "delivery": Delivery(poll_seconds=0.1, backoff_seconds=0.1)}


class Switch:
    """A database server that can be turned off and on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: BundledServer | None = None

    async def on(self) -> str:
        self._server = BundledServer(self._folder)
        return await self._server.__aenter__()

    async def off(self) -> None:
        server, self._server = self._server, None
        if server:
            await server.__aexit__(None, None, None)


@pytest_asyncio.fixture
async def switch() -> AsyncIterator[Switch]:
    """One of this test's own, in a folder that root's PostgreSQL may pass through."""
    folder = tempfile.TemporaryDirectory(prefix="omnibot-tests-")
    await asyncio.to_thread(Path(folder.name).chmod, 0o711)
    switch = Switch(Path(folder.name))
    yield switch
    await switch.off()
    folder.cleanup()


async def test_while_the_database_is_away_nothing_is_acknowledged_and_then_all_is_answered(
    switch: Switch, tmp_path: Path
) -> None:
    """Bad input 85."""
    dsn = await switch.on()
    async with (
        world(tmp_path, knowledge=KNOWLEDGE, database_url=dsn, telegram_mode="webhook", sections=QUICK) as place,
        place.serving(),
        aiohttp.ClientSession(place.settings.server.public_url) as session,
    ):
        bot = place.telegram.main
        bot.user(1, "Ada").write("hello")
        await telegram_got(place, 1)

        await switch.off()
        bot.user(2, "Bob").write("hello")
        await _turned_away(place)
        assert bot.confirmed == 1
        async with session.get("/readyz") as answer:
            assert answer.status == 503
        async with session.get("/healthz") as answer:
            assert answer.status == 200

        await switch.on()
        assert await telegram_got(place, 2)
        async with place.looking() as store:
            counts = await store.records.outbox_counts()
    assert counts.keys() <= {DeliveryState.SENT, DeliveryState.SENDING}
    assert len(place.ledger.entries("telegram", "sendMessage")) == 2


async def _turned_away(place: World) -> None:
    """Wait until the webhook has been told to come again."""
    async with asyncio.timeout(DEADLINE):
        while 503 not in place.telegram.main.posted:
            await asyncio.sleep(0.02)
