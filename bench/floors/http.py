"""A bare aiohttp server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import ClientSession, TCPConnector, web

from bench.floor import CALLS


@asynccontextmanager
async def serving(port: int, routes: Sequence[web.RouteDef]) -> AsyncIterator[None]:
    """Serve these routes."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


def calling() -> ClientSession:
    """A session for the provider's API."""
    return ClientSession(connector=TCPConnector(limit=CALLS))
