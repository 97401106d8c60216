"""PostgreSQL: the only room that knows tortoise or asyncpg. It takes and gives the model's values."""

from omnibot.store.records import Records
from omnibot.store.store import Store, WrongSecret
from omnibot.store.work import StoreUnavailable

__all__ = ["Records", "Store", "StoreUnavailable", "WrongSecret"]
