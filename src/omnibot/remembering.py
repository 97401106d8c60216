"""Between turns and the index of what was said: turns are reminded of it, and what was said since is added.

The index is kept behind the message path: a turn sees the latest messages anyway, and pays nothing for what may be
asked for years later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import structlog

from omnibot.memory.past import best, indexed
from omnibot.memory.ranking import Embed
from omnibot.model import Recalled
from omnibot.store import StoreUnavailable
from omnibot.store.recall import Backlog, Found, Indexed, Recall, Sought, Spoken
from omnibot.turns.pauses import Remind

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 5.0  # between two looks for what is to be added
_BATCH = 500  # messages of one look
_SLICE = 20  # messages after which the loop gets its turn: some 1 ms
_QUIET_SECONDS = 0.5  # without a reminder or a turn, after which nobody is kept waiting
_PATIENCE_SECONDS = 600.0  # for which it waits for that; then it takes a part of the time
_REST = 4.0  # times what a batch took, before the next, where nobody is quiet
_REMIND_SECONDS = 1.0  # after which a turn goes on without what was said long ago


class Remembering:
    """What was said long ago, for the turns of one process; `language` is of whoever has not written yet."""

    def __init__(self, recall: Recall, embed: Embed | None, language: str) -> None:
        self._recall = recall
        self._embed = embed
        self._language = language
        self._busy_at = 0.0

    def busy(self) -> None:
        """Turns are being taken: adding to the index can wait."""
        self._busy_at = time.monotonic()

    async def remind(self, asked: Sequence[Remind]) -> list[tuple[Recalled, ...]]:
        """For each turn what matters of what was said, the best first; raises StoreUnavailable."""
        try:
            async with asyncio.timeout(_REMIND_SECONDS):
                return await self._remind(asked)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.warning("turns.not_reminded", count=len(asked), error=type(error).__name__)
            return [()] * len(asked)

    async def _remind(self, asked: Sequence[Remind]) -> list[tuple[Recalled, ...]]:
        sought = [Sought(one.customer, one.addresses, one.seek.stems) for one in asked]
        found = await self._recall.near(sought)
        matter = [_that_matter(one, those) for one, those in zip(asked, found, strict=True)]
        wanted = [(one.customer, spoken) for one, those in zip(asked, matter, strict=True) for spoken, _ in those]
        messages = iter(await self._recall.messages(wanted))
        told = [[(next(messages), score) for _, score in those] for those in matter]
        return [tuple(Recalled(message, score) for message, score in those if message) for those in told]

    async def run(self) -> None:
        """Add what is said to the index, until cancelled."""
        waited_since = time.monotonic()
        while True:
            patient = time.monotonic() - waited_since < _PATIENCE_SECONDS
            if patient and time.monotonic() - self._busy_at < _QUIET_SECONDS:
                await asyncio.sleep(_QUIET_SECONDS)
                continue
            begun = time.monotonic()
            more = await self._add()
            if patient or not more:
                waited_since = time.monotonic()
            await asyncio.sleep(_LOOK_SECONDS if not more else 0 if patient else _REST * (time.monotonic() - begun))

    async def _add(self) -> bool:
        """Add the next messages; tells whether there were some."""
        try:
            return await self.add_batch()
        except StoreUnavailable as error:
            log.warning("recall.store_unavailable", reason=str(error))
        except Exception:
            log.exception("recall.not_added")
        return False

    async def add_batch(self) -> bool:
        """Add one batch; tells whether there was one. Raises StoreUnavailable."""
        backlog = await self._recall.backlog(_BATCH)
        if backlog is None:
            return False
        if backlog.unreadable:
            log.error("recall.unreadable", count=backlog.unreadable)
        await self._recall.keep(backlog, await self._indexed(backlog))
        return True

    async def _indexed(self, backlog: Backlog) -> list[Indexed]:
        rows: list[Indexed] = []
        for message in backlog.messages:
            stems, mark = indexed(message.text, message.language or self._language, self._embed)
            rows.append(Indexed(message.address, message.message, stems, mark))
            if len(rows) % _SLICE == 0:
                await asyncio.sleep(0)
        return rows


def _that_matter(asked: Remind, found: Found) -> list[tuple[Spoken, float]]:
    """The messages that matter, but for what the turn has before its eyes anyway."""
    those = [(found.spoken(n), score) for n, score in best(asked.seek, found.counts, found.marks, found.stretches)]
    return [(spoken, score) for spoken, score in those if spoken.message not in asked.seen]
