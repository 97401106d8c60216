"""Databases for tests that want one of their own: emptied and used again, since making one takes far longer."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from omnibot.store import Store

_PRISTINE = "pristine"

_TABLES = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
_SEQUENCES = "SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
# Processes die in tests, the machine does not: nothing needs to reach the disk, for which each commit would wait.
_UNSYNCED = "ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()"

# Without a time to wait for them: PostgreSQL would look every tenth of a second whether they have ended.
_CUT_OFF = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"""

# Whatever changes a schema writes rows of these anew; the server's own housekeeping does not.
_CATALOGUES = ("pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_proc", "pg_trigger")
_SHAPE = "SELECT " + " || ' ' || ".join(
    f"(SELECT coalesce(sum(hashtext(ctid::text || xmin::text)), 0) FROM {name})" for name in _CATALOGUES
)


@dataclass(frozen=True, slots=True)
class _Contents:
    """What stands in a new database."""

    rows: dict[str, list[tuple[object, ...]]]  # by table
    sequences: dict[str, tuple[int, bool]]

    @classmethod
    async def of(cls, connection: asyncpg.Connection) -> _Contents:
        tables = [name for (name,) in await connection.fetch(_TABLES)]
        sequences = [name for (name,) in await connection.fetch(_SEQUENCES)]
        return cls(
            {name: [tuple(row) for row in await connection.fetch(f'SELECT * FROM "{name}"')] for name in tables},
            {
                name: tuple(await connection.fetchrow(f'SELECT last_value, is_called FROM "{name}"'))
                for name in sequences
            },
        )

    async def restore(self, connection: asyncpg.Connection) -> None:
        statements = [
            "SET session_replication_role = replica",  # in any order, whatever refers to whatever
            *(f'DELETE FROM "{name}"' for name in self.rows),
            *(f"SELECT setval('\"{name}\"', {last}, {called})" for name, (last, called) in self.sequences.items()),
        ]
        await connection.execute(";".join(statements))
        for name, rows in self.rows.items():
            if rows:
                await connection.copy_records_to_table(name, records=rows)


class Databases:
    """The databases of one server; they are numbered, and each is one test's at a time."""

    def __init__(self, server: str) -> None:
        self.server = server
        self._numbers = itertools.count()
        self._free: list[tuple[str, str]] = []  # names, and the shapes that they had when they were new
        self._contents = _Contents({}, {})

    async def prepare(self, secret: bytes) -> None:
        """Make the one that the others are copied from."""
        for statement in _UNSYNCED:
            await self._run(statement)
        await self._run(f"CREATE DATABASE {_PRISTINE}")
        async with Store.open(self._at(_PRISTINE), secret):
            pass
        async with self._connected(_PRISTINE) as connection:
            self._contents = await _Contents.of(connection)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[str]:
        """A new, migrated database; what a test makes of it is gone afterwards."""
        name, shape = self._free.pop() if self._free else await self._new()
        yield self._at(name)
        if await self._emptied(name, shape):
            self._free.append((name, shape))
        else:
            await self._run(f"DROP DATABASE {name} WITH (FORCE)")

    async def _new(self) -> tuple[str, str]:
        name = f"test_{next(self._numbers)}"
        await self._run(f"CREATE DATABASE {name} TEMPLATE {_PRISTINE}")
        async with self._connected(name) as connection:
            return name, await connection.fetchval(_SHAPE)

    async def _emptied(self, name: str, shape: str) -> bool:
        """Whether a database is as new; not where its tables are others."""
        async with self._connected(name) as connection:
            while await connection.fetch(_CUT_OFF):
                await asyncio.sleep(0.001)
            if await connection.fetchval(_SHAPE) != shape:
                return False
            await self._contents.restore(connection)
            return True

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self.server)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    @asynccontextmanager
    async def _connected(self, name: str) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self._at(name))
        try:
            yield connection
        finally:
            await connection.close()

    def _at(self, name: str) -> str:
        head, _, query = self.server.partition("?")
        return f"{head.rsplit('/', 1)[0]}/{name}?{query}"
