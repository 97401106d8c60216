"""What the emulated providers that speak HTTP share: where they listen, and how they hang or hang up."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from aiohttp import web

from omnibot.sandbox.faults import Faults
from omnibot.sandbox.ledger import Ledger

HOST = "127.0.0.1"


class HttpSandbox(ABC):
    """An emulated provider behind HTTP on loopback; an async context. `port` 0 takes a free one."""

    provider: str

    def __init__(self, ledger: Ledger | None = None, faults: Faults | None = None, *, port: int = 0) -> None:
        self.ledger = Ledger() if ledger is None else ledger
        self.faults = Faults() if faults is None else faults
        self.port = port
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @abstractmethod
    def application(self) -> web.Application:
        """The provider's routes."""

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        # handler_cancellation: a call that hangs ends when its caller gives up
        runner = web.AppRunner(self.application(), access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, HOST, self.port).start()
        self.port = runner.addresses[0][1]
        self._runner = runner
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def hang(self) -> None:
        """Wait until the sandbox closes or the caller gives up."""
        await self._closing.wait()

    def cut(self, request: web.Request) -> web.Response:
        """Close the connection; the response that must be returned reaches nobody."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
