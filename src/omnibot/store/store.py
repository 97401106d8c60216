"""The open store: the hot path, the records and the wake-up calls of one database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg

from omnibot.store import database
from omnibot.store.attachments import Attachments
from omnibot.store.availability import unavailable
from omnibot.store.codec import Codec
from omnibot.store.desk import DeskStore
from omnibot.store.identity import Guards, Identity
from omnibot.store.message_path import MessagePath
from omnibot.store.past import Past
from omnibot.store.profiles import Profiles
from omnibot.store.recall import Recall
from omnibot.store.records import Records
from omnibot.store.respell import respell
from omnibot.store.wordings import Wordings
from omnibot.store.work import StoreUnavailable

_GUARDS = Guards()
_WAKE = "omnibot_wake"  # the NOTIFY channel


class WrongSecret(Exception):
    """The database was made with another secret: addresses could not be found any more."""

    def __init__(self) -> None:
        super().__init__(
            "this database was made with another secret: set `secret` (OMNIBOT_SECRET) to the one it was made"
            " with, or point data_folder to the folder that holds its secret.key"
        )


class Store:
    """One open database; made by `Store.open`."""

    def __init__(self, pool: asyncpg.Pool, codec: Codec, guards: Guards) -> None:
        self._pool = pool
        self.path = MessagePath(pool, codec, guards)
        self.identity = Identity(pool, codec, guards)
        self.records = Records(codec, guards)
        self.profiles = Profiles(codec)
        self.attachments = Attachments(codec)
        self.recall = Recall(pool, codec)
        self.past = Past(pool, codec)
        self.wordings = Wordings(pool)
        self.desk = DeskStore(pool, codec)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        dsn: str,
        secret: bytes,
        *,
        pool_size: int = 10,
        prepared_statements: bool = True,
        guards: Guards = _GUARDS,
    ) -> AsyncIterator[Store]:
        """Connect, bring the schema up to date, yield, close. `guards` say who may become one person.

        Raises WrongSecret, or what asyncpg raises when there is no database.
        """
        async with database.connect(dsn, pool_size=pool_size, prepared_statements=prepared_statements) as pool:
            await database.migrate()
            codec = Codec(secret)
            store = cls(pool, codec, guards)
            if not await store.records.claim_for_secret():
                raise WrongSecret
            await respell(pool, codec)
            async with store.path.keeping():
                yield store

    @classmethod
    @asynccontextmanager
    async def look(cls, dsn: str, secret: bytes) -> AsyncIterator[Store | None]:
        """Connect and change nothing; None where the schema is not up to date, so that nothing can be read.

        Raises WrongSecret, or what asyncpg raises when there is no database.
        """
        async with database.connect(dsn, pool_size=1, prepared_statements=False) as pool:
            if await database.pending():
                yield None
                return
            store = cls(pool, Codec(secret), _GUARDS)
            if not await store.records.fits_secret():
                raise WrongSecret
            yield store

    async def ping(self) -> bool:
        """Does the database answer."""
        try:
            with unavailable():
                async with asyncio.timeout(2), self._pool.acquire() as connection:
                    await connection.fetchval("SELECT 1")
        except (StoreUnavailable, asyncpg.PostgresError):
            return False
        return True

    async def notify(self) -> None:
        """Wake the workers of other processes; call it once a batch, after the commit.

        A lost wake-up is caught by their polling.
        """
        with suppress(StoreUnavailable, asyncpg.PostgresError), unavailable():
            await self._pool.execute(f"NOTIFY {_WAKE}")

    async def listen(self, dsn: str, wake: Callable[[], None]) -> None:
        """Call `wake` whenever another process commits; until cancelled. Needs a direct connection (no PgBouncer)."""
        while True:
            with suppress(StoreUnavailable, asyncpg.PostgresError), unavailable():
                await self._listen_once(dsn, wake)
            await asyncio.sleep(1)

    async def _listen_once(self, dsn: str, wake: Callable[[], None]) -> None:
        lost = asyncio.Event()
        connection = await asyncpg.connect(dsn)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(_WAKE, lambda *_: wake())
            await lost.wait()
        finally:
            await connection.close(timeout=1)
