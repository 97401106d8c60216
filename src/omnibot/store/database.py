"""The connection to PostgreSQL: one asyncpg pool for the hot path and for Tortoise, and the schema's migrations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.schema_editor import AsyncpgSchemaEditor
from tortoise.transactions import in_transaction

_APP = "omnibot"
_NEVER = 2**62  # queries until a connection is replaced: whoever has it then waits for the new one
_MIGRATION_LOCK = 0x6F6D6E69  # "omni"

APPS: dict[str, dict[str, Any]] = {
    _APP: {
        "models": ["omnibot.store.models"],
        "migrations": "omnibot.store.migrations",
        "default_connection": "default",
    }
}


@asynccontextmanager
async def connect(dsn: str, *, pool_size: int, prepared_statements: bool) -> AsyncIterator[asyncpg.Pool]:
    """Open the pool and Tortoise on it, and close both.

    Open it in the context from which everything else is started: Tortoise keeps its state in a context variable. The
    state of whoever had a database open there before is theirs again at the end.
    """
    pool = await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=pool_size,
        max_queries=_NEVER,
        statement_cache_size=100 if prepared_statements else 0,
        max_cached_statement_lifetime=0,
        init=_plan_once if prepared_statements else None,
        reset=_nothing_to_reset,
        server_settings={"application_name": "omnibot"},
    )
    try:
        async with _tortoise(pool):
            yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def _tortoise(pool: asyncpg.Pool) -> AsyncIterator[None]:
    state = TortoiseContext()
    state.__enter__()
    try:
        await state.init(
            config={
                "connections": {"default": {"engine": "omnibot.store.asyncpg_engine", "credentials": {"pool": pool}}},
                "apps": APPS,
                "use_tz": True,
                "timezone": "UTC",
            }
        )
        yield
    finally:
        await state.close_connections()
        with suppress(ValueError):  # closed from another context than it was opened in, which ends with its own state
            state.__exit__(None, None, None)


async def _plan_once(connection: asyncpg.Connection) -> None:
    """Keep one plan for each statement, whatever its parameters.

    PostgreSQL compares what it thought of that plan when it made it with what it thinks of plans for single executions
    now. When a table was analysed in between, they seem cheaper for ever after, and each execution is planned anew:
    twice the CPU of a message. Behind PgBouncer this reaches only some connections; it is never wrong there.
    """
    await connection.execute("SET plan_cache_mode = force_generic_plan")


async def _nothing_to_reset(_: asyncpg.Connection) -> None:
    """No code of ours leaves a setting, cursor, lock or LISTEN on a pooled connection: spare the round trip."""


async def migrate() -> None:
    """Bring the schema up to date. Of several starters at once one works; the others wait and find it done."""
    async with in_transaction() as transaction:
        await transaction.execute_query("SELECT pg_advisory_xact_lock($1)", [_MIGRATION_LOCK])
        client = get_connection("default")
        executor = MigrationExecutor(client, APPS)
        # It reads its table before it makes it; inside a transaction that failure would be the end.
        await executor.recorder.ensure_schema(AsyncpgSchemaEditor(client, atomic=False))
        await executor.migrate(direction="forward")


async def pending() -> list[str]:
    """The migrations that `migrate` would apply; changes nothing."""
    executor = MigrationExecutor(get_connection("default"), APPS)
    return [step.migration.name for step in await executor.plan()]
