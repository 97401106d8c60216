"""The worker that does to customers what turns and arrivals have proven: links, merges, and their undoing.

Each act takes the lanes of all whom it concerns, so none is done within a turn, which holds its own lane alone.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

import structlog

from omnibot.store import StoreUnavailable
from omnibot.store.identity import Identity

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 2.0  # before a failed act is tried again; doubled with each failure
_REST_SECONDS = 0.2  # after a look in vain: each message wakes us, and hardly any brings an act
_EXPIRY_SECONDS = 3600.0  # between two looks at what has run out


class Linking:
    """The acts of one process; `done` is called when some customer's lane may be due."""

    def __init__(
        self, identity: Identity, *, attempts: int, poll_seconds: float, done: Callable[[], None] = lambda: None
    ) -> None:
        self._identity = identity
        self._attempts = attempts
        self._poll_seconds = poll_seconds
        self._done = done
        self._due = asyncio.Event()
        self._closing = asyncio.Event()

    def wake(self) -> None:
        """Something may be due."""
        self._due.set()

    def close(self) -> None:
        """Finish the act that is under way; `run` returns when it is committed."""
        self._closing.set()
        self._due.set()

    async def run(self) -> None:
        """Do one act after the other until `close`."""
        more = True
        while not self._closing.is_set():
            if not more:
                await self._awakened()
            try:
                more = await self.take_one()
            except StoreUnavailable as error:
                log.warning("identity.store_unavailable", reason=str(error))
                await asyncio.sleep(self._poll_seconds)

    async def take_one(self) -> bool:
        """Do the next act that is due; tells whether there was one."""
        executed = await self._identity.execute_next(attempts=self._attempts, backoff=_RETRY_SECONDS)
        if executed is None:
            return False
        tell = log.bind(kind=executed.act, address=executed.address)
        if executed.parked:
            tell.error("identity.parked", error=executed.failed)
        elif executed.failed:
            tell.warning("identity.failed", error=executed.failed)
        else:
            tell.info("identity.done", state=executed.outcome)
            self._done()
        return True

    async def expire(self) -> None:
        """Delete once an hour what has run out, until cancelled. Whatever goes wrong is tried again the next time."""
        while True:
            try:
                while count := await self._identity.expire():
                    log.info("identity.expired", count=count)
            except StoreUnavailable as error:
                log.warning("identity.store_unavailable", reason=str(error))
            await asyncio.sleep(_EXPIRY_SECONDS)

    async def _awakened(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_REST_SECONDS):
                await self._closing.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_seconds * random.uniform(0.8, 1.2)):
                await self._due.wait()
        self._due.clear()
