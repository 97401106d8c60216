"""Shows "is typing …" while a burst is waited for, so that nobody thinks that they were not heard."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from omnibot.contract import Channel
from omnibot.model import ButtonPress, IncomingMessage
from omnibot.store.work import Arrived

log = structlog.get_logger(__name__)

WORTH_IT = 1.0  # seconds of pause; a shorter one nobody notices
_CALL_SECONDS = 3.0
_AT_ONCE = 16


class Typing:
    """Tells the providers of those who have written; what it cannot keep up with it leaves out."""

    def __init__(self, channels: Mapping[tuple[str, str], Channel]) -> None:
        self._channels = channels
        self._heard: asyncio.Queue[Arrived] = asyncio.Queue(_AT_ONCE)

    def show(self, arrived: Arrived) -> None:
        """Somebody has written and will be answered after the pause."""
        if _answered(arrived) and not self._heard.full():
            self._heard.put_nowait(arrived)

    async def run(self) -> None:
        """Tell until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_AT_ONCE):
                tasks.create_task(self._tell())

    async def _tell(self) -> None:
        while True:
            arrived = await self._heard.get()
            item, channel = arrived.item, self._channels[arrived.channel, arrived.account]
            assert isinstance(item, IncomingMessage | ButtonPress)
            try:
                async with asyncio.timeout(_CALL_SECONDS):
                    await channel.typing(item.sender.address, item.context)
            except Exception as error:
                log.info(
                    "typing.not_shown", channel=arrived.channel, account=arrived.account, error=type(error).__name__
                )


def _answered(arrived: Arrived) -> bool:
    """Not a machine, nobody who has just asked to be left alone, and no word that its network answers."""
    item = arrived.item
    if isinstance(item, IncomingMessage):
        return not (item.automatic or item.quarantine or item.opt or arrived.stop)
    return isinstance(item, ButtonPress)
