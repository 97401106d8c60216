"""The bad day: what must hold when the database goes away and comes back."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from omnibot.model import Address, DeliveryState, Direction, TimelineMessage
from omnibot.sandbox.world import World, world
from omnibot.settings import Delivery, Turns
from omnibot.store import Store
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
async def switch(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Switch]:
    """One of this test's own, in a folder that root's PostgreSQL may pass through. It waits for no client to leave."""
    monkeypatch.setattr("omnibot.store.bundled._SMART_SECONDS", 0.0)
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


FAILOVERS = 300
CUSTOMERS = range(100, 120)


async def test_connections_that_are_cut_again_and_again_lose_and_repeat_nothing(switch: Switch, tmp_path: Path) -> None:
    """As in a fail-over, but hundreds of them, each at another moment of the work."""
    dsn = await switch.on()
    async with (
        world(tmp_path, knowledge=KNOWLEDGE, database_url=dsn, telegram_mode="webhook", sections=QUICK) as place,
        place.serving(),
    ):
        killer = await asyncpg.connect(dsn)
        try:
            for number in range(FAILOVERS):
                if number % (FAILOVERS // len(CUSTOMERS)) == 0:
                    place.telegram.main.user(CUSTOMERS[number * len(CUSTOMERS) // FAILOVERS], "Ada").write("hello")
                await killer.execute(TERMINATE)
                await asyncio.sleep(0.003 * (number % 7))
        finally:
            await killer.close()
        async with place.looking() as store:
            await _settled(store)
            timelines = [await _timeline(store, user) for user in CUSTOMERS]

    sent = Counter(str(entry.payload["chat_id"]) for entry in place.ledger.entries("telegram", "sendMessage"))
    for user, timeline in zip(CUSTOMERS, timelines, strict=True):
        [question, answer] = timeline
        assert (question.direction, answer.direction) == (Direction.IN, Direction.OUT)
        assert answer.state in (DeliveryState.SENT, DeliveryState.UNKNOWN)
        assert sent[str(user)] <= 1
        if answer.state is DeliveryState.SENT:
            assert sent[str(user)] == 1


TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'omnibot'"
)


async def _timeline(store: Store, user: int) -> list[TimelineMessage]:
    customer = await store.records.customer_of(Address("telegram", str(user)))
    assert customer is not None
    return await store.records.timeline(customer)


async def _settled(store: Store) -> None:
    """Wait until everybody was answered and it is known, or known to be unknown, what became of the answers."""
    async with asyncio.timeout(60):
        while True:
            counts = await store.records.outbox_counts()
            if sum(counts.values()) >= len(CUSTOMERS) and counts.keys() <= {DeliveryState.SENT, DeliveryState.UNKNOWN}:
                return
            await asyncio.sleep(0.05)
