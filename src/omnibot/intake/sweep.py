"""Removes files that no message refers to: their message was refused, or the process died before its commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from omnibot.intake.files import DiskFiles, Listed
from omnibot.store import StoreUnavailable
from omnibot.store.attachments import Attachments

log = structlog.get_logger(__name__)

_SECONDS_BETWEEN = 3600.0
_YOUNG_SECONDS = 3600.0  # a message is committed within seconds of its files


class Sweeper:
    """Sweeps the folder of attachments once an hour; `now` gives Unix seconds."""

    def __init__(self, attachments: Attachments, files: DiskFiles, now: Callable[[], float] = time.time) -> None:
        self._attachments = attachments
        self._files = files
        self._now = now

    async def run(self) -> None:
        """Sweep at once and then every hour, until cancelled. Whatever goes wrong is tried again the next time."""
        while True:
            try:
                if swept := await self.sweep():
                    log.info("files.swept", count=swept)
            except (StoreUnavailable, OSError) as error:
                log.warning("files.not_swept", reason=type(error).__name__)
            except Exception:
                log.exception("files.not_swept")
            await asyncio.sleep(_SECONDS_BETWEEN)

    async def sweep(self) -> int:
        """Delete what is unreferenced and no longer young; tells how many files.

        What is older than the database itself is another's: who sets a wrong database.url must not lose all files.
        """
        until = self._now() - _YOUNG_SECONDS
        swept = await self._files.discard_drafts(until)
        since = await self._attachments.since()
        if since is None:
            return swept
        async for files in self._files.listing():
            swept += await self._sweep(files, since.timestamp(), until)
        return swept

    async def _sweep(self, files: list[Listed], since: float, until: float) -> int:
        lost = await self._attachments.unreferenced([file.key for file in files if since <= file.at < until])
        for key in lost:
            await self._files.delete(key)
        return len(lost)
