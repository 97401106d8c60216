"""What the suites of channels and of desks both stand on: an address on this machine, files, and a channel at work."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import ClassVar

import pytest_asyncio
from aiohttp import web

from omnibot.contract import Channel, Site
from omnibot.intake.download import Downloads
from omnibot.testing.inbox import Inbox
from omnibot.testing.shelf import Shelf


@asynccontextmanager
async def served(
    channel: Channel, inbox: Inbox, listening: socket.socket, shelf: Shelf | None = None
) -> AsyncIterator[None]:
    """Serve a channel's routes, and the files that it links to, on a socket that is bound already."""
    app = web.Application(client_max_size=0)  # like the server's: the channel caps its own bodies
    app.add_routes(channel.routes(inbox))
    if shelf is not None:
        app.add_routes(shelf.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    try:
        yield
    finally:
        # A server that closes between a connection's arrival and its transport leaves the socket behind.
        asyncio.get_running_loop().remove_reader(listening)
        for _ in range(3):
            await asyncio.sleep(0)
        await runner.cleanup()


@asynccontextmanager
async def listened(channel: Channel, inbox: Inbox) -> AsyncIterator[asyncio.Task[None]]:
    """Let a channel listen in its own way, until the end."""
    listener = asyncio.ensure_future(channel.listen(inbox))
    try:
        yield listener
    finally:
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener


class Ground:
    """The fixtures that a channel needs to be at work."""

    channel: ClassVar[type[Channel]]

    @pytest_asyncio.fixture
    async def listening(self) -> AsyncIterator[socket.socket]:
        """A bound socket: the address must be known before the channel is made."""
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            yield bound

    @pytest_asyncio.fixture
    async def shelf(self, listening: socket.socket) -> Shelf:
        """Files that can go along."""
        return Shelf(f"http://127.0.0.1:{listening.getsockname()[1]}")

    @asynccontextmanager
    async def site_at(self, listening: socket.socket, shelf: Shelf) -> AsyncIterator[Site]:
        """Where the channel lives in these tests."""
        path = f"/channels/{self.channel.name}/contract"
        async with Downloads() as downloads:
            yield Site(
                account="contract",
                path=path,
                public_url=f"http://127.0.0.1:{listening.getsockname()[1]}{path}",
                key=b"a key for the contract suite only",
                now=lambda: datetime.now(UTC),
                files=shelf,
                download=downloads,
            )
