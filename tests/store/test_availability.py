"""What says that the database is away, and what does not."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from omnibot.store import Store, StoreUnavailable
from omnibot.store.availability import unavailable

CLAIMS = "query ILIKE '%attachments%' AND wait_event_type = 'Lock' AND datname = current_database()"


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("got result for unknown protocol state 0"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.DiskFullError("no space left"),
        asyncpg.ReadOnlySQLTransactionError("a standby"),
        asyncpg.DeadlockDetectedError("deadlock"),
    ],
)
def test_a_database_that_is_away_or_full_is_unavailable(error: Exception) -> None:
    with pytest.raises(StoreUnavailable, match=type(error).__name__), unavailable():
        raise error


@pytest.mark.parametrize("error", [ValueError(), asyncpg.DataError("invalid"), asyncpg.UndefinedTableError("oops")])
def test_a_defect_of_ours_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)), unavailable():
        raise error


async def test_a_model_whose_connection_is_ended_says_so(store: Store, dsn: str) -> None:
    other = await asyncpg.connect(dsn)
    try:
        async with other.transaction():
            await other.execute("LOCK TABLE attachments")
            claim = asyncio.create_task(store.attachments.claim(1, 60))
            async with asyncio.timeout(10):
                while not await other.fetchval(
                    f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {CLAIMS}"
                ):
                    await other.execute("SELECT pg_stat_clear_snapshot()")  # else it stays as at the first look
                    await asyncio.sleep(0.01)
            with pytest.raises(StoreUnavailable):
                await claim
    finally:
        await other.close()


async def test_a_database_that_is_gone_neither_answers_nor_takes_a_call(store: Store, dsn: str) -> None:
    assert await store.ping()
    server, _, query = dsn.partition("?")
    other = await asyncpg.connect(f"{server.rsplit('/', 1)[0]}/postgres?{query}")
    name = server.rsplit("/", 1)[1]
    try:
        await other.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        await other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        assert not await store.ping()
        await store.notify()
    finally:
        await other.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
        await other.close()
    assert await store.ping()
