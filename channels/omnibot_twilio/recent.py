"""What a process remembers of late, and forgets again: the oldest goes when there is too much."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """The last `limit` values that were noted under different keys."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._noted: dict[Key, Value] = {}

    def note(self, key: Key, value: Value) -> None:
        """Remember, instead of what was noted under that key before."""
        self._noted.pop(key, None)
        self._noted[key] = value
        if len(self._noted) > self._limit:
            del self._noted[next(iter(self._noted))]

    def get(self, key: Key) -> Value | None:
        """What was noted, if it is not forgotten."""
        return self._noted.get(key)

    def __contains__(self, key: Key) -> bool:
        return key in self._noted
