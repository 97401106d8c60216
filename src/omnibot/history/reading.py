"""Reading past messages as they would have been read when they came: many in processes of their own, a few here.

Each message is read by itself. Without what was said before it some of it is less sure, and nothing is made up.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from omnibot.history.bring import Read
from omnibot.history.entries import Message
from omnibot.memory import listen
from omnibot.memory.habits import AT, FORGOTTEN, days, observed
from omnibot.model import (
    AddressId,
    BusinessHours,
    CustomerId,
    EarlierTurn,
    MessageId,
    Reading,
    Situation,
    Snapshot,
    TurnMessage,
)
from omnibot.settings import Settings
from omnibot.store.past import Habits, Said

__all__ = ["reading", "reading_here"]

_SLICE = 50  # messages that a process reads at once
_WHY = "imported"

_readers: dict[str, _Reader] = {}  # one a process


class _Reader:
    """What reads in one process."""

    def __init__(self, settings: Settings) -> None:
        from omnibot.app import business_hours, understanding_of
        from omnibot.learning import Lessons, playbooks_of

        lessons = Lessons.of(playbooks_of(settings), settings.data_folder)
        self._understanding = understanding_of(settings)
        self._understanding.adopt(lessons.model() or lessons.former_model())
        self._zone = ZoneInfo(settings.bot.zone)
        self._hours: BusinessHours = business_hours(settings.bot.hours)

    def read(self, text: str, at: datetime) -> Reading:
        return self._understanding.read(text, Situation(now=at, zone=self._zone, hours=self._hours))


def _begin(settings: Settings) -> None:
    _readers["here"] = _Reader(settings)


def _read_all(told: Sequence[tuple[str, datetime]]) -> list[Reading]:
    reader = _readers["here"]
    return [reader.read(text, at) for text, at in told]


_SOMEBODY = Snapshot(customer=CustomerId(0), addresses=())


def _observed(message: Message, read: Reading, habits: Habits) -> Habits:
    """How somebody writes, with one more of their messages; what was seen later, or is to be forgotten, stays so."""
    at = days(message.at)
    if at < habits.get(AT, 0.0) or at <= habits.get(FORGOTTEN, 0.0):
        return habits
    turn = [TurnMessage(id=MessageId(0), address=AddressId(0), at=message.at, text=message.text)]
    return observed(habits, _SOMEBODY, read, turn, listen(turn, read.language.value), None)


def _said(message: Message, read: Reading) -> Said:
    return Said(
        {"reading": read, "moves": [], "why": _WHY},
        EarlierTurn.of(read, message.at, answered=True),
        partial(_observed, message, read),
    )


def reading_here(settings: Settings) -> Read:
    """What reads a handful of past messages, about 2 ms each, where there is a server in this process already."""
    reader = _Reader(settings)

    async def read(messages: Sequence[Message]) -> list[Said]:
        return [_said(message, reader.read(message.text, message.at)) for message in messages]

    return read


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Read]:
    """What reads past messages, in as many processes as there are cores."""
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), spawned, initializer=_begin, initargs=(settings,)) as pool:

        async def read(messages: Sequence[Message]) -> list[Said]:
            loop = asyncio.get_running_loop()
            told = [(message.text, message.at) for message in messages]
            slices = [told[start : start + _SLICE] for start in range(0, len(told), _SLICE)]
            found = await asyncio.gather(*(loop.run_in_executor(pool, _read_all, some) for some in slices))
            readings = [one for some in found for one in some]
            return list(map(_said, messages, readings))

        yield read
