"""Tortoise on the pool that the hot path uses: one pool, and a DSN that may name several hosts.

Tortoise picks its schema editor by the word "asyncpg" in the engine module's name.
"""

from __future__ import annotations

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient


class PooledClient(AsyncpgDBClient):
    """Tortoise's asyncpg client on a pool that is opened and closed elsewhere."""

    def __init__(self, pool: asyncpg.Pool, connection_name: str) -> None:
        super().__init__(connection_name=connection_name)
        self._shared = pool

    async def create_connection(self, with_db: bool) -> None:
        self._pool = self._shared

    async def _close(self) -> None:
        self._pool = None


client_class = PooledClient
