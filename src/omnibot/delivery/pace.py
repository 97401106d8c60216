"""How fast an account may call its provider."""

from __future__ import annotations

from collections.abc import Callable


class Pace:
    """A token bucket of one second: at most `per_second` calls start in any one (None: no limit), none while held."""

    def __init__(self, per_second: float | None, clock: Callable[[], float]) -> None:
        self._rate = per_second
        self._clock = clock
        self._tokens = max(1.0, per_second or 0.0)
        self._at = clock()
        self._held_until = self._at

    def available(self) -> int | None:
        """How many calls may start now; None for any number."""
        now = self._clock()
        if now < self._held_until:
            return 0
        if self._rate is None:
            return None
        self._tokens = min(max(1.0, self._rate), self._tokens + (now - self._at) * self._rate)
        self._at = now
        return int(self._tokens)

    def take(self, count: int) -> None:
        """So many calls have started."""
        self._tokens -= count

    def hold(self, seconds: float) -> None:
        """Start no call for so long: the provider wants to be left alone."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    def wait(self) -> float:
        """Seconds until one more call may start."""
        held = max(0.0, self._held_until - self._clock())
        if self._rate is None or self._tokens >= 1:
            return held
        return max(held, (1 - self._tokens) / self._rate)
