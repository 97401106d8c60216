"""How often we write into one conversation: about once a second (docs.slack.dev/apis/web-api/rate-limits)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from omnibot.contract import TryLater

LONGEST = 5.0  # seconds that a message waits here; its call has a deadline
_MOST = 10_000  # conversations


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


class Pace:
    """Gives each message of a conversation its moment, so many seconds after the one before."""

    def __init__(self, seconds: float, clock: Callable[[], float] = _loop_time) -> None:
        self._seconds = seconds
        self._clock = clock
        self._next: OrderedDict[str, float] = OrderedDict()

    async def turn(self, conversation: str) -> None:
        """Wait until it is this message's turn; raises TryLater where that takes too long to wait here."""
        if self._seconds:
            await asyncio.sleep(self.take(conversation))

    def take(self, conversation: str) -> float:
        """Take the next moment; in how many seconds that is. Raises TryLater where it is too far away."""
        now = self._clock()
        moment = max(now, self._next.get(conversation, now))
        if moment - now > LONGEST:
            raise TryLater("too many messages for this conversation", moment - now, alone=True)
        self._next[conversation] = moment + self._seconds
        self._next.move_to_end(conversation)
        if len(self._next) > _MOST:
            self._next.popitem(last=False)
        return moment - now
