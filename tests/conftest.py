"""What many tests need: a real PostgreSQL, and a database of their own in it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from omnibot.store import Store
from omnibot.store.bundled import BundledServer

SECRET = b"a secret of the tests, long enough"
_numbers = itertools.count()


@pytest_asyncio.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The bundled server, with a migrated database to copy from."""
    folder = tmp_path_factory.mktemp("omnibot")
    folder.parent.chmod(0o711)
    async with BundledServer(folder) as dsn:
        await _run(dsn, "CREATE DATABASE pristine")
        await asyncio.create_task(_migrated(_named(dsn, "pristine")))
        yield dsn


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
