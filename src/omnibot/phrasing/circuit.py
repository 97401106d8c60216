"""How many may wait for a model: fewer with each failure, and after three in a row nobody until it answers again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

__all__ = ["Circuit", "Ended"]

Ended = Literal["used", "unusable", "failed", "cut"]  # cut: it says nothing of the model

_FAILURES = 3  # in a row
_UNUSABLE = 10  # in a row: a model that answers what nobody can send only keeps people waiting
_LONGEST_REST = 600.0  # seconds


class Circuit:
    """At most `at_once` wait; what fails takes its place with it, so that never more than three wait for nothing.

    When it has opened, somebody must try from `tries_at` on whether the model answers again; no customer waits for it.
    """

    def __init__(self, at_once: int, rest_seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._at_once = at_once
        self._rest = rest_seconds
        self._now = now
        self._waiting = 0
        self._failures = 0
        self._unusable = 0
        self._opened = 0  # times since it last was of use
        self.tries_at: float | None = None  # it is open until somebody has tried, then or later

    def refuses(self) -> str:
        """Why nobody may wait now: resting or busy; '' where somebody may."""
        if self.tries_at is not None:
            return "resting"
        places = min(self._at_once, _FAILURES - self._failures) if self._failures else self._at_once
        return "" if self._waiting < places else "busy"

    def begin(self) -> None:
        """Somebody waits from now on."""
        self._waiting += 1

    def end(self, how: Ended) -> bool:
        """They do not wait any more; tells whether it has opened by that."""
        self._waiting -= 1
        if how == "cut":
            return False
        if how == "used":
            self._failures = self._unusable = self._opened = 0
        elif how == "unusable":
            self._failures, self._unusable = 0, self._unusable + 1
        else:
            self._failures += 1
        worn_out = self._failures >= _FAILURES or self._unusable >= _UNUSABLE
        if not worn_out or self.tries_at is not None:
            return False
        self._open()
        return True

    @property
    def seconds(self) -> float:
        """Until somebody should try whether it answers again; 0 where that is now."""
        return max(0.0, self.tries_at - self._now()) if self.tries_at is not None else 0.0

    def tried(self, *, answers: bool) -> None:
        """Somebody has asked it for nothing in particular, and it has answered or not."""
        if answers:
            self._failures = self._unusable = 0
            self.tries_at = None
        else:
            self._open()

    def _open(self) -> None:
        self.tries_at = self._now() + min(_LONGEST_REST, self._rest * 2**self._opened)
        self._opened += 1
