"""What many tests need: a real PostgreSQL, and a database of their own in it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from omnibot.store import Store
from omnibot.store.bundled import BundledServer
from tests.databases import Databases

SECRET = b"a secret of the tests, long enough"


@pytest_asyncio.fixture(scope="session")
async def databases() -> AsyncIterator[Databases]:
    """The bundled server, which makes databases."""
    with _folder() as folder:
        async with BundledServer(folder) as server:
            databases = Databases(server)
            await asyncio.create_task(databases.prepare(SECRET))  # Tortoise keeps its state in the task's context
            yield databases


@pytest.fixture(scope="session")
def postgres(databases: Databases) -> str:
    """The bundled server itself."""
    return databases.server


@contextmanager
def _folder() -> Iterator[Path]:
    """Not pytest's own: root's PostgreSQL runs as somebody else, who must be let through."""
    with tempfile.TemporaryDirectory(prefix="omnibot-tests-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest_asyncio.fixture
async def dsn(databases: Databases) -> AsyncIterator[str]:
    """A new, migrated database."""
    async with databases.one() as dsn:
        yield dsn


@pytest_asyncio.fixture
async def store(dsn: str) -> AsyncIterator[Store]:
    """An open store on a new database."""
    async with Store.open(dsn, SECRET) as store:
        yield store
