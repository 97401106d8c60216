"""How often we write into one conversation: about once a second (docs.slack.dev/apis/web-api/rate-limits)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from omnibot.contract import TryLater

LONGEST = 5.0  # seconds that a message waits here; its call has a deadline
_MOST = 10_000  # conversations


class Pace:
    """Gives each message of a conversation its moment."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next: OrderedDict[str, float] = OrderedDict()

    async def turn(self, conversation: str) -> None:
        """Wait until it is this message's turn; raises TryLater where that takes too long to wait here."""
        if not self._seconds:
            return
        now = asyncio.get_running_loop().time()
        moment = max(now, self._next.get(conversation, now))
        if moment - now > LONGEST:
            raise TryLater("too many messages for this conversation", moment - now)
        self._next[conversation] = moment + self._seconds
        self._next.move_to_end(conversation)
        if len(self._next) > _MOST:
            self._next.popitem(last=False)
        await asyncio.sleep(moment - now)
