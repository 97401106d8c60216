"""A channel on Telegram at work in the sandbox, for tests of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from omnibot.contract import Site
from omnibot.model import Address, MessageId, Outbound, Paragraph, Part
from omnibot.sandbox.telegram import TOKEN, TelegramSandbox
from omnibot.testing import Inbox, Shelf
from omnibot.testing.ground import served
from omnibot_telegram import Telegram, TelegramSettings
from omnibot_telegram.receive import webhook_url

SECRET = "only-Telegram-knows-this"


@dataclass
class House:
    """A channel at work, with all that a test touches around it."""

    sandbox: TelegramSandbox
    channel: Telegram
    inbox: Inbox
    url: str
    client: aiohttp.ClientSession
    shelf: Shelf

    async def post(self, body: object, secret: str | None = SECRET, **headers: str) -> int:
        """Call the webhook; returns the status."""
        if secret is not None:
            headers["X-Telegram-Bot-Api-Secret-Token"] = secret
        given = {"json": body} if isinstance(body, dict | list) else {"data": body}
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.post(self.url, headers=headers, **given) as answer:
            return answer.status

    def outbound(self, *parts: Part | str, **more) -> Outbound:
        worded = tuple(Paragraph(part) if isinstance(part, str) else part for part in parts)
        return Outbound(id=MessageId(1), to=Address("telegram", "4711"), parts=worded, **more)

    def sent(self, method: str = "sendMessage") -> list[dict]:
        """What Telegram took from us."""
        return [dict(entry.payload) for entry in self.sandbox.ledger.entries("telegram", method)]


@asynccontextmanager
async def house(sandbox: TelegramSandbox, *, public: bool = True, **settings) -> AsyncIterator[House]:
    shelf = Shelf()
    async with AsyncExitStack() as stack:
        bound = stack.enter_context(socket.socket())
        bound.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{bound.getsockname()[1]}"
        path = "/channels/telegram/main"
        site = Site(
            account="main",
            path=path,
            public_url=base + path if public else "",
            key=b"a key that only tests have",
            now=lambda: datetime.now(UTC),
            files=shelf,
        )
        given = {"token": TOKEN, "api_url": sandbox.url, "webhook_secret": SECRET, **settings}
        channel = await stack.enter_async_context(Telegram(site, TelegramSettings.model_validate(given)))
        inbox = Inbox()
        await stack.enter_async_context(served(channel, inbox, bound))
        client = await stack.enter_async_context(aiohttp.ClientSession())
        yield House(sandbox, channel, inbox, webhook_url(site) if public else base + path, client, shelf)


@asynccontextmanager
async def listening(house: House) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(house.channel.listen(house.inbox))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
