"""What the emulated providers that speak HTTP share: where they listen, and how they hang or hang up."""

from __future__ import annotations

import asyncio
import random
import socket
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

from omnibot.sandbox.faults import Faults
from omnibot.sandbox.ledger import Ledger

HOST = "127.0.0.1"

_OURS = (20_000, 32_000)  # Linux gives away those from 32,768 on, others from 49,152


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


class CallingSandbox(HttpSandbox):
    """One that calls its customers' webhooks, too: what it has under way ends with it."""

    client: ClientSession

    def __init__(
        self,
        ledger: Ledger | None = None,
        faults: Faults | None = None,
        *,
        port: int = 0,
        timeout: float,  # seconds that a call may take
    ) -> None:
        super().__init__(ledger, faults, port=port)
        self._call_seconds = timeout
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run beside everything else until done, or until the sandbox closes."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def __aenter__(self) -> Self:
        timeout = ClientTimeout(total=self._call_seconds)
        self.client = ClientSession(connector=TCPConnector(limit=0), timeout=timeout)
        try:
            return await super().__aenter__()
        except BaseException:
            await self.client.close()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await super().__aexit__(kind, error, trace)
        await self.client.close()


def free_port() -> int:
    """A port that nobody listens on just now, below those that systems give to whoever does not choose.

    Else one of these, of another process, would take it before it is used.
    """
    while True:
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port := random.randrange(*_OURS)))
            return port
