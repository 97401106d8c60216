"""What every step of the message path stands on: connections of the pool, the codec, and rows as columns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from omnibot.store.availability import unavailable
from omnibot.store.codec import Codec

_ACQUIRE_SECONDS = 10.0


class Connections:
    """The pool and the codec of one database."""

    def __init__(self, pool: asyncpg.Pool, codec: Codec) -> None:
        self._pool = pool
        self._codec = codec

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection on which each statement commits by itself. Raises StoreUnavailable."""
        with unavailable():
            async with asyncio.timeout(_ACQUIRE_SECONDS):  # the pool's own timeout would make a task of it
                connection = await self._pool.acquire()
            try:
                yield connection
            finally:
                await self._pool.release(connection)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[asyncpg.Connection]:
        async with self._connection() as connection, connection.transaction():
            yield connection


def columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as the columns that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
