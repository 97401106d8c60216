"""What is measured of the store alone: in databases of its own, in a bundled PostgreSQL of its own."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, ClassVar, Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from uvloop import new_event_loop

from bench.rig import scratch
from omnibot.store.bundled import BundledServer
from omnibot.store.codec import Codec

SECRET = b"a secret of the bench, long enough"
CODEC = Codec(SECRET)


class Judged(Protocol):
    """What was found out, as a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def good(self) -> bool:
        """Whether the targets are met."""
        ...


M = TypeVar("M", bound=Judged)


def report(measure: Callable[[str], Awaitable[M]], show: Callable[[M], None], *, as_json: bool) -> int:
    """Measure in a server, given by its DSN, and tell it; 0 when the targets are met, else 1."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        measured = runner.run(_in_a_server(measure))
    if as_json:
        sys.stdout.write(json.dumps(asdict(measured)) + "\n")
    else:
        show(measured)
    return 0 if measured.good else 1


async def _in_a_server(measure: Callable[[str], Awaitable[M]]) -> M:
    with scratch() as folder:
        async with BundledServer(folder) as server:
            return await measure(server)


@asynccontextmanager
async def database(server: str, name: str) -> AsyncIterator[str]:
    """One that is made in a server, and dropped at the end, whoever is still there; its DSN."""
    name = f"{name}_{time.time_ns()}"
    await _run(server, f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        await _run(server, f"DROP DATABASE {name} WITH (FORCE)")


async def _run(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
