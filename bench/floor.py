"""The floor: what the same work costs when nothing is kept in order, repeated, held back or explained.

A bare handler that verifies what proves the provider, parses, tokenises with spaCy, scores with VADER, inserts by
asyncpg in group commits, acknowledges, and posts a reply to the provider's API: as a careful engineer would write it,
on uvloop, on the same bundled PostgreSQL with the same settings and the same durability. What is the provider's, such
as a signature, is in `bench.floors`, a module a channel.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import spacy
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

CALLS = 64  # at once, as many as ours at most
_REPLY = (
    "Hello, thank you for your message of {words} words. You can do this yourself at any time: open Settings, "
    "choose Account, and follow the steps on the page. It takes effect at once, and you get a confirmation by email. "
    "If anything is unclear, just write again and we will look into it together. ({score})"
)

Row = tuple[Any, ...]
Given = dict[str, Any]

_CREATE = """
CREATE TABLE IF NOT EXISTS received (
    id text PRIMARY KEY, address text NOT NULL, text text NOT NULL, words int NOT NULL, score float8 NOT NULL,
    at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS reports (id text NOT NULL, state text NOT NULL, PRIMARY KEY (id, state))
"""
_INSERT = """
INSERT INTO received (id, address, text, words, score)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::float8[]) ON CONFLICT DO NOTHING
"""
_REPORT = """
INSERT INTO reports (id, state) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING
"""


class GroupCommit:
    """Whoever waits is committed together."""

    def __init__(self, connection: asyncpg.Connection, statement: str) -> None:
        self._connection = connection
        self._statement = statement
        self._waiting: list[tuple[Row, asyncio.Future[None]]] = []
        self._work = asyncio.Event()

    async def insert(self, row: Row) -> None:
        """Return when the row is committed."""
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, committed))
        self._work.set()
        await committed

    async def run(self) -> None:
        """Commit what waits, for ever."""
        while True:
            await self._work.wait()
            self._work.clear()
            group, self._waiting = self._waiting, []
            await self._connection.execute(self._statement, *map(list, zip(*(row for row, _ in group), strict=True)))
            for _, committed in group:
                if not committed.done():
                    committed.set_result(None)


class Floor:
    """What every channel's floor does with a message."""

    def __init__(self, inbox: GroupCommit, reports: GroupCommit) -> None:
        self._inbox = inbox
        self._reports = reports
        self._words = spacy.blank("en")
        self._mood = SentimentIntensityAnalyzer()
        self._replies: set[asyncio.Task[None]] = set()

    async def take(self, id: str, address: str, text: str) -> str:
        """Read a message and commit it; the reply to it."""
        words = len(self._words(text))
        score = self._mood.polarity_scores(text)["compound"]
        await self._inbox.insert((id, address, text, words, score))
        return _REPLY.format(words=words, score=score)

    async def report(self, id: str, state: str) -> None:
        """Commit what became of a reply."""
        await self._reports.insert((id, state))

    def reply(self, work: Coroutine[Any, Any, None]) -> None:
        """Reply beside everything else."""
        task = asyncio.create_task(work)
        self._replies.add(task)
        task.add_done_callback(self._replies.discard)


@asynccontextmanager
async def standing(dsn: str) -> AsyncIterator[Floor]:
    """A floor on this database."""
    connections = [await asyncpg.connect(dsn) for _ in range(2)]
    await connections[0].execute(_CREATE)
    inbox, reports = GroupCommit(connections[0], _INSERT), GroupCommit(connections[1], _REPORT)
    committing = [asyncio.create_task(group.run()) for group in (inbox, reports)]
    try:
        yield Floor(inbox, reports)
    finally:
        for task in committing:
            task.cancel()
        for connection in connections:
            await connection.close()
