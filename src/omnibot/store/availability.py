"""What says that PostgreSQL is away, in one place for all that talks to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from omnibot.store.work import StoreUnavailable

AWAY = (
    OSError,  # includes TimeoutError and refused connections
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that dies in mid-switch: it expected another kind of answer
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionRollbackError,  # deadlock or serialisation: come again
)


@contextmanager
def unavailable() -> Iterator[None]:
    """What says that the database is away or full becomes StoreUnavailable; what says that we are wrong stays.

    Tortoise lets what it does not translate through as asyncpg raised it, so this holds for models too.
    """
    try:
        yield
    except AWAY as error:
        raise StoreUnavailable(type(error).__name__) from error
