"""What Slack was asked a while ago and need not be asked again yet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """At most `most` values, each for a time of its own; the oldest go first."""

    def __init__(self, now: Callable[[], datetime], *, most: int) -> None:
        self._now = now
        self._most = most
        self._kept: OrderedDict[Key, tuple[datetime, Value]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """What is known, unless it is too old."""
        until, value = self._kept.get(key, (None, None))
        return value if until is not None and self._now() < until else None

    def keep(self, key: Key, value: Value, seconds: float) -> None:
        """Know it for so long."""
        self._kept.pop(key, None)
        self._kept[key] = (self._now() + timedelta(seconds=seconds), value)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
