"""Identifiers are locked by name: there is no row to lock before somebody brings one."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import asyncpg

LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key"


async def lock_identifiers(connection: asyncpg.Connection, hashes: Collection[UUID]) -> None:
    """Until the end of the transaction nobody else brings or matches these: who comes second sees the first.

    What is to be seen must be read by a later statement.
    """
    await connection.execute(LOCK, lock_keys(hashes))


def lock_keys(hashes: Collection[UUID]) -> list[int]:
    """By what identifiers are locked, in the one order: their first 64 bits, as PostgreSQL counts."""
    return sorted({int.from_bytes(hash_.bytes[:8], "big", signed=True) for hash_ in hashes})
