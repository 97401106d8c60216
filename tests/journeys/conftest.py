"""A whole world for each journey: real adapters, a real database, emulated providers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web_app
from pydantic import SecretStr

from omnibot.app import Running
from omnibot.sandbox.ledger import Entry
from omnibot.sandbox.world import World, world
from tests.conftest import SECRET

KNOWLEDGE = Path(__file__).parents[2] / "config" / "knowledge"
DEADLINE = 15.0

MakeWorld = Callable[..., AbstractAsyncContextManager[World]]


def forget_servers() -> None:
    """Or else aiohttp keeps whole servers that are gone."""
    web_app._cached_build_middleware.cache_clear()


@pytest.fixture
def make_world(dsn: str, tmp_path: Path) -> Iterator[MakeWorld]:
    """Worlds on this test's database; arguments as of `omnibot.sandbox.world.world`."""

    def make(sections: Mapping[str, object] | None = None, **options) -> AbstractAsyncContextManager[World]:
        sections = {"secret": SecretStr(SECRET.decode())} | dict(sections or {})
        return world(tmp_path, knowledge=KNOWLEDGE, database_url=dsn, sections=sections, **options)

    yield make
    forget_servers()


@pytest_asyncio.fixture
async def place(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world with a running server, Telegram by webhook."""
    async with make_world(telegram_mode="webhook") as place, place.serving():
        yield place


@asynccontextmanager
async def serving_with(place: World, channel: str, **more: object) -> AsyncIterator[Running]:
    """The server with more settings of an account, such as templates, which must be made before."""
    account: Mapping[str, object] = place.settings.channels[channel]["main"]
    channels = {**place.settings.channels, channel: {"main": {**account, **more}}}
    changed = World(place.settings.model_copy(update={"channels": channels}), place.providers)
    async with changed.serving() as running:
        yield running


async def telegram_got(place: World, user: int, count: int = 1, after: int = 0) -> list[str]:
    """The first messages that a person has got on Telegram, younger than entry number `after`."""

    def theirs(entry: Entry) -> bool:
        return entry.accepted and entry.method == "sendMessage" and str(entry.payload["chat_id"]) == str(user)

    entries = await place.ledger.wait_for(theirs, DEADLINE, count=count, after=after)
    return [entry.payload["text"] for entry in entries]


async def mail_got(place: World, address: str, count: int = 1) -> list[str]:
    """The texts of the first mails that a person has got."""
    mails = await place.mail.mailbox(address).wait_for(count=count, deadline=DEADLINE)
    return [mail.text for mail in mails]
