"""Hearing of what comes: the HTTP server, and the channels' listeners, which are started again when they fail."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiohttp import web

from omnibot.app.draining import HANDLERS, LISTENERS, Drain
from omnibot.app.resources import Channels
from omnibot.contract import MAX_BODY, Accept, Channel
from omnibot.logs import request_scope
from omnibot.settings import Settings

log = structlog.get_logger(__name__)

_LONGEST_RESTART = 60.0  # seconds between two starts of a listener that keeps failing


class CannotListen(Exception):
    """The HTTP server cannot have its port; the message says who must do what."""


@asynccontextmanager
async def http_server(settings: Settings, routes: Sequence[web.RouteDef], drain: Drain) -> AsyncIterator[str]:
    """Serve the routes until the end, at the address that it gives; raises CannotListen."""
    app = web.Application(client_max_size=MAX_BODY, middlewares=[request_scope])
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=drain.seconds * (HANDLERS - LISTENERS))
    await runner.setup()
    try:
        host, port = settings.server.host, settings.server.port
        try:
            await _whole(web.TCPSite(runner, host, port).start())
        except OSError as error:
            raise CannotListen(
                f"cannot listen at {host}:{port}: {os.strerror(error.errno) if error.errno else error}; set server.host"
                " and server.port (OMNIBOT_SERVER__PORT) to what is free: each process needs a port of its own, and 0"
                " takes any"
            ) from error
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def _whole(starting: Coroutine[Any, Any, None]) -> None:
    """Await to the end even when cancelled: a server that is cut short in its last step leaves its socket behind."""
    task = asyncio.ensure_future(starting)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


@asynccontextmanager
async def listening(channels: Channels, doors: Mapping[tuple[str, str], Accept], drain: Drain) -> AsyncIterator[None]:
    """Let each channel listen in its own way, and what it hears through its door."""
    async with asyncio.TaskGroup() as tasks:
        listeners = [
            tasks.create_task(_supervised(key, channel, doors[key]), name="listeners")
            for key, channel in channels.items()
        ]
        try:
            yield
        finally:
            await drain.cancel(listeners, LISTENERS)


async def _supervised(key: tuple[str, str], channel: Channel, accept: Accept) -> None:
    """Listen; after a failure again, each time a little later."""
    loop = asyncio.get_running_loop()
    wait = 1.0
    while True:
        began = loop.time()
        try:
            await channel.listen(accept)
            return
        except Exception as error:
            if loop.time() - began > _LONGEST_RESTART:
                wait = 1.0
            log.exception("listener.failed", channel=key[0], account=key[1], reason=type(error).__name__, seconds=wait)
        await asyncio.sleep(wait * random.uniform(0.75, 1.25))
        wait = min(wait * 2, _LONGEST_RESTART)
