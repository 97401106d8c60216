"""Connections that are kept between two statements: nobody starves for them, and what broke is not used again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import pytest

from omnibot.store import StoreUnavailable
from omnibot.store.codec import Codec
from omnibot.store.message_path.connections import Connections, composed
from tests.conftest import SECRET


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(dsn, min_size=1, max_size=4) as pool:
        yield pool


@pytest.fixture
async def connections(pool: asyncpg.Pool) -> AsyncIterator[Connections]:
    connections = Connections(pool, Codec(SECRET))
    async with connections.keeping():
        yield connections


async def server_process(connections: Connections) -> int:
    async with connections._connection() as connection:
        return int(await connection.fetchval("SELECT pg_backend_pid()"))


async def test_the_connection_that_was_used_last_is_used_next(connections: Connections) -> None:
    first = await server_process(connections)
    async with connections._connection():
        second = await server_process(connections)
    assert first != second
    assert await server_process(connections) == first


async def test_half_of_the_pool_is_left_to_others(connections: Connections, pool: asyncpg.Pool) -> None:
    async with (
        connections._connection(), connections._connection(), connections._connection(), connections._connection()
    ):  # fmt: skip
        assert pool.get_idle_size() == 0
    assert pool.get_idle_size() == 2


async def test_a_pool_of_one_connection_keeps_none(dsn: str) -> None:
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
        connections = Connections(pool, Codec(SECRET))
        async with connections.keeping(), asyncio.timeout(10):
            await server_process(connections)
            assert await pool.fetchval("SELECT 1") == 1


async def test_one_that_ended_while_nobody_used_it_is_replaced(connections: Connections, pool: asyncpg.Pool) -> None:
    ended = await server_process(connections)
    async with pool.acquire() as killer:
        await killer.execute("SELECT pg_terminate_backend($1, 10000)", ended)
        while await killer.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", ended):
            pass
    assert await server_process(connections) != ended


async def test_one_on_which_a_statement_failed_goes_back_to_the_pool(
    connections: Connections, pool: asyncpg.Pool
) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with connections._connection() as connection:
            await connection.fetchval("SELECT 1/0")
    assert pool.get_idle_size() == pool.get_size() == 1


async def test_one_whose_statement_was_given_up_is_fit_again_before_it_is_used(connections: Connections) -> None:
    before = await server_process(connections)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), connections._connection() as connection:
            await connection.execute("SELECT pg_sleep(60)")
    assert await server_process(connections) == before


async def test_one_that_breaks_in_the_middle_says_that_the_store_is_away(connections: Connections) -> None:
    with pytest.raises(StoreUnavailable):
        async with connections._connection() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert await server_process(connections)


async def test_all_are_given_back_at_the_end(pool: asyncpg.Pool) -> None:
    connections = Connections(pool, Codec(SECRET))
    async with contextlib.AsyncExitStack() as late:
        async with connections.keeping():
            await late.enter_async_context(connections._connection())
            await server_process(connections)
            assert pool.get_idle_size() == 0
        assert (pool.get_idle_size(), pool.get_size()) == (1, 2)
    assert pool.get_idle_size() == 2


async def test_none_is_kept_unless_it_is_asked_for(pool: asyncpg.Pool) -> None:
    await server_process(Connections(pool, Codec(SECRET)))
    assert pool.get_idle_size() == pool.get_size() == 1


def test_the_parameters_of_a_piece_stand_behind_those_that_are_shared_and_those_of_the_pieces_before() -> None:
    pieces = ("WITH a AS (SELECT $1::int, $2::int)", ", b AS (SELECT $+1::int, $+2::int, $1)", " SELECT $+1, $2")
    assert composed(pieces) == "WITH a AS (SELECT $1::int, $2::int), b AS (SELECT $3::int, $4::int, $1) SELECT $5, $2"
    assert composed((pieces[0], pieces[2])) == "WITH a AS (SELECT $1::int, $2::int) SELECT $3, $2"
