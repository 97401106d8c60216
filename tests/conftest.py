"""What many tests need: a real PostgreSQL, and a database of their own in it."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest_asyncio

from omnibot.store import Store
from omnibot.store.bundled import BundledServer

SECRET = b"a secret of the tests, long enough"
_numbers = itertools.count()


@pytest_asyncio.fixture(scope="session")
async def postgres() -> AsyncIterator[str]:
    """The bundled server, with a migrated database to copy from."""
    with _folder() as folder:
        async with BundledServer(folder) as dsn:
            await _run(dsn, "CREATE DATABASE pristine")
            await asyncio.create_task(_migrated(_named(dsn, "pristine")))
            yield dsn


@contextmanager
def _folder() -> Iterator[Path]:
    """Not pytest's own: root's PostgreSQL runs as somebody else, who must be let through."""
    with tempfile.TemporaryDirectory(prefix="omnibot-tests-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest_asyncio.fixture
async def dsn(postgres: str) -> AsyncIterator[str]:
    """A new, migrated database."""
    name = f"test_{next(_numbers)}"
    await _run(postgres, f"CREATE DATABASE {name} TEMPLATE pristine")
    yield _named(postgres, name)
    await _run(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture
async def store(dsn: str) -> AsyncIterator[Store]:
    """An open store on a new database."""
    async with Store.open(dsn, SECRET) as store:
        yield store


async def _migrated(dsn: str) -> None:
    async with Store.open(dsn, SECRET):
        pass


async def _run(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _named(dsn: str, database: str) -> str:
    head, _, query = dsn.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{database}?{query}"
