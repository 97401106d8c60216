"""PostgreSQL: the only room that knows tortoise or asyncpg. It takes and gives the model's values."""

from asyncpg import PostgresError as DatabaseError

from omnibot.store.records import Records
from omnibot.store.store import Store, WrongSecret
from omnibot.store.work import StoreUnavailable

__all__ = ["DatabaseError", "Records", "Store", "StoreUnavailable", "WrongSecret"]
