"""`omnibot sandbox`: the emulated providers alone, for bots of any make."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import orjson
import typer
from aiohttp import web

from omnibot.sandbox.control import Control
from omnibot.sandbox.providers import Ports, Providers, emulated
from omnibot.sandbox.server import HOST

CONTROL_PORT = 8090  # where the control port is looked for


async def run(ports: Ports, control_port: int, bot_url: str) -> None:
    """Serve until SIGINT or SIGTERM; `bot_url` is where the bot takes webhooks."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with emulated(ports, bot_url=bot_url) as providers, commanded(providers, control_port) as url:
        typer.echo(_told(providers, url, bot_url))
        await stop.wait()


@asynccontextmanager
async def commanded(providers: Providers, port: int) -> AsyncIterator[str]:
    """Open the control port of emulated providers; gives its URL."""
    control = Control(providers.people, providers.ledger, providers.faults)
    runner = web.AppRunner(control.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _told(providers: Providers, url: str, bot_url: str) -> str:
    return "\n".join((
        "# Settings for a server that works with this sandbox:",
        *_toml("server", {"public_url": bot_url, "port": urlsplit(bot_url).port or 80}),
        *_toml("channels", providers.accounts()),
        "",
        "# Write as a customer from a terminal (docs/sandbox.md):",
        f"#   omnibot chat telegram --as 4711 --sandbox {url}",
        "# Or by HTTP: write, misbehave, read what was accepted:",
        f"""#   curl -d '{{"as": "telegram:4711", "text": "Hello"}}' {url}/write""",
        f"""#   curl -d '{{"fault": "throttle", "with": {{"after": 3}}}}' {url}/faults""",
        f"#   curl {url}/ledger",
        "# What people see in Slack, in a browser:",
        f"#   {providers.slack.url}/slack/",
        "# Ctrl-C ends it.",
    ))  # fmt: skip


def _toml(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    """A table and those in it; values are written as JSON, which TOML reads the same for texts, numbers and lists."""
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if plain:
        yield f"\n[{name}]"
        yield from (f"{key} = {orjson.dumps(value).decode()}" for key, value in plain.items())
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _toml(f"{name}.{key}", value)
