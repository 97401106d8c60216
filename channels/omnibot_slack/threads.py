"""Which threads in channels are conversations with us: those that somebody began by naming us, or that we began."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from omnibot_slack.account import Account, Me
from omnibot_slack.mrkdwn import names
from omnibot_slack.parse import Thread
from omnibot_slack.remembered import Remembered

KEPT = 86_400.0  # seconds
_MOST = 20_000  # threads


class Threads:
    """The threads of a workspace that were looked at."""

    def __init__(self, account: Account, now: Callable[[], datetime]) -> None:
        self._account = account
        self._ours: Remembered[tuple[str, str], bool] = Remembered(now, most=_MOST)

    async def meant_for_us(self, thread: Thread, user: str, me: Me) -> bool:
        """Whether somebody who writes in a thread without naming us speaks to us.

        So does who began the thread by naming us; what others say there is said to them, unless we began it.
        Raises CallFailed where Slack does not tell how the thread began.
        """
        if thread.root_author == me.user:
            return True
        return thread.root_author == user and await self._began_by_naming_us(thread, me)

    async def _began_by_naming_us(self, thread: Thread, me: Me) -> bool:
        key = (thread.channel, thread.ts)
        known = self._ours.get(key)
        if known is None:
            answer = await self._account.call(
                lambda web: web.conversations_replies(channel=thread.channel, ts=thread.ts, limit=1, inclusive=True)
            )
            known = _root_names(answer.get("messages"), thread.ts, me.user)
            self._ours.keep(key, known, KEPT)
        return known


def _root_names(messages: Any, ts: str, user: str) -> bool:  # noqa: ANN401 - it is JSON, whatever that holds
    roots = [one for one in messages or () if isinstance(one, dict) and one.get("ts") == ts]
    return any(isinstance(text := root.get("text"), str) and names(text, user) for root in roots)
