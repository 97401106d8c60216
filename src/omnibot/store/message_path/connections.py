"""What every step of the message path stands on: connections of the pool, the codec, and rows as columns."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from types import TracebackType
from typing import Any

import asyncpg

from omnibot.store.availability import unavailable
from omnibot.store.codec import Codec

_ACQUIRE_SECONDS = 10.0
_SHARED, _OWN = re.compile(r"\$(\d+)"), re.compile(r"\$\+(\d+)")  # parameters of a statement, and of a piece


class Connections:
    """The pool and the codec of one database."""

    def __init__(self, pool: asyncpg.Pool, codec: Codec) -> None:
        self._pool = pool
        self._codec = codec
        self._kept = Kept(pool)

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Keep connections between two statements until the end of the block, which must come before the pool's end."""
        self._kept.most = self._pool.get_max_size() // 2  # others always find some
        try:
            yield
        finally:
            await self._kept.close()

    def _connection(self) -> _Borrowed:
        """A connection on which each statement commits by itself. Raises StoreUnavailable."""
        return _Borrowed(self._kept)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[asyncpg.Connection]:
        async with self._connection() as connection, connection.transaction():
            yield connection


class Kept:
    """Connections that stay out of the pool between two statements, at most so many.

    To fetch one from the pool and to give it back costs a task and two turns of the loop: more than a small statement.
    """

    most = 0

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._taken = 0  # and not given back to the pool, whether in use or idle
        self._idle: list[asyncpg.Connection] = []  # the one that was used last is used next: its caches are warm

    async def take(self) -> asyncpg.Connection:
        """One that is open; the caller must `keep` or `discard` it."""
        while self._idle:
            connection = self._idle.pop()
            if _is_open(connection):
                return connection
            await self.discard(connection)
        async with asyncio.timeout(_ACQUIRE_SECONDS):  # the pool's own timeout would make a task of it
            connection = await self._pool.acquire()
        self._taken += 1
        return connection

    def has_room(self) -> bool:
        """Whether the connection that is given back now may be kept."""
        return self._taken <= self.most

    def keep(self, connection: asyncpg.Connection) -> None:
        """For the next statement."""
        self._idle.append(connection)

    async def discard(self, connection: asyncpg.Connection) -> None:
        """Back to the pool, which closes what is broken."""
        self._taken -= 1
        await self._pool.release(connection)

    async def close(self) -> None:
        """Keep none any more."""
        self.most = 0
        while self._idle:
            await self.discard(self._idle.pop())


class _Borrowed:
    """One connection for the time of a block. Written out: as a generator it would cost more than what it does."""

    __slots__ = ("_connection", "_kept")

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def __aenter__(self) -> asyncpg.Connection:
        with unavailable():
            self._connection = await self._kept.take()
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._kept.has_room():
            self._kept.keep(self._connection)
            return
        with unavailable():
            await self._kept.discard(self._connection)
            if error is not None:
                raise error


def _is_open(connection: asyncpg.Connection) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:  # it has ended while nobody used it, and is the pool's again
        return False


def columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as the columns that `unnest` takes."""
    return list(map(list, zip(*rows, strict=True))) if rows else [[] for _ in range(width)]


@cache
def composed(pieces: tuple[str, ...]) -> str:
    """One statement of pieces: the parameters that they share are $1, …; behind come each piece's own: $+1, ….

    What nobody in a batch needs is left out of its statement: to open its tables and to begin and end it costs
    PostgreSQL as much as a row or two, which in a batch of one is half of all.
    """
    behind = max(int(number) for number in _SHARED.findall("".join(pieces)))
    placed = []
    for piece in pieces:
        placed.append(_OWN.sub(lambda own, first=behind: f"${first + int(own[1])}", piece))  # type: ignore[misc]
        behind += max((int(number) for number in _OWN.findall(piece)), default=0)
    return "".join(placed)
