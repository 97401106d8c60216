"""How fast an account may call its provider."""

from __future__ import annotations

from collections.abc import Callable


class Pace:
    """A token bucket of one second: at most `per_second` calls start in any one (None: no limit)."""

    def __init__(self, per_second: float | None, clock: Callable[[], float]) -> None:
        self._rate = per_second
        self._clock = clock
        self._tokens = max(1.0, per_second or 0.0)
        self._at = clock()

    def available(self) -> int | None:
        """How many calls may start now; None for any number."""
        if self._rate is None:
            return None
        now = self._clock()
        self._tokens = min(max(1.0, self._rate), self._tokens + (now - self._at) * self._rate)
        self._at = now
        return int(self._tokens)

    def take(self, count: int) -> None:
        """So many calls have started."""
        self._tokens -= count

    def wait(self) -> float:
        """Seconds until one more call may start."""
        if self._rate is None or self._tokens >= 1:
            return 0.0
        return (1 - self._tokens) / self._rate
