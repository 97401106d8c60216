from collections.abc import AsyncIterator

import pytest_asyncio
from telegram_house import House, house

from omnibot.sandbox.telegram import TelegramSandbox


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[TelegramSandbox]:
    async with TelegramSandbox() as sandbox:
        yield sandbox


@pytest_asyncio.fixture
async def webhook(sandbox: TelegramSandbox) -> AsyncIterator[House]:
    """A channel in webhook mode, registered with the sandbox."""
    async with house(sandbox, mode="webhook") as opened:
        await opened.channel.listen(opened.inbox)
        yield opened


@pytest_asyncio.fixture
async def polling(sandbox: TelegramSandbox) -> AsyncIterator[House]:
    """A channel in polling mode, not listening yet."""
    async with house(sandbox, mode="polling") as opened:
        yield opened


@pytest_asyncio.fixture
async def talking(polling: House) -> House:
    """A channel that user 4711 has written to, so that they can be written to."""
    polling.sandbox.user(4711, "Ada Lovelace").write("hello")
    return polling
