"""What tests ask of the database, or do to it, past the store."""

from __future__ import annotations

import asyncpg


async def execute(dsn: str, statements: str) -> None:
    """Something that no part of ours does."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


async def rows(dsn: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(statement, *arguments)
    finally:
        await connection.close()
