"""The floor: what the same work costs when nothing is kept in order, repeated, held back or explained.

A bare aiohttp handler that parses the update, tokenises it with spaCy, scores it with VADER, inserts it by asyncpg in
group commits, acknowledges it and posts a reply: as a careful engineer would write it, on uvloop, on the same bundled
PostgreSQL with the same settings and the same durability.

    python -m bench.floor PORT DATA_FOLDER API_URL TOKEN SECRET
"""

from __future__ import annotations

import asyncio
import hmac
import signal
import sys
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import spacy
import uvloop
from aiohttp import ClientSession, TCPConnector, web
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from omnibot.store.bundled import BundledServer

PATH = "/webhook"
_CALLS = 64  # at once, as many as ours
_JSON = {"Content-Type": "application/json"}
_REPLY = (
    "Hello, thank you for your message of {words} words. You can do this yourself at any time: open Settings, "
    "choose Account, and follow the steps on the page. It takes effect at once, and you get a confirmation by email. "
    "If anything is unclear, just write again and we will look into it together. ({score})"
)

Row = tuple[int, int, str, int, float]

_CREATE = """
CREATE TABLE IF NOT EXISTS received (
    update_id bigint PRIMARY KEY, chat bigint NOT NULL, text text NOT NULL, words int NOT NULL, score float8 NOT NULL,
    at timestamptz NOT NULL DEFAULT now())
"""
_INSERT = """
INSERT INTO received (update_id, chat, text, words, score)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::int[], $5::float8[]) ON CONFLICT DO NOTHING
"""


class GroupCommit:
    """Whoever waits is committed together."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
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
            await self._connection.execute(_INSERT, *map(list, zip(*(row for row, _ in group), strict=True)))
            for _, committed in group:
                if not committed.done():
                    committed.set_result(None)


class Floor:
    """The handler and what it needs."""

    def __init__(self, inbox: GroupCommit, client: ClientSession, api: str, secret: str) -> None:
        self._inbox = inbox
        self._client = client
        self._url = f"{api}/sendMessage"
        self._secret = secret.encode()
        self._words = spacy.blank("en")
        self._mood = SentimentIntensityAnalyzer()
        self._replies: set[asyncio.Task[None]] = set()

    async def webhook(self, request: web.Request) -> web.Response:
        """One update: acknowledged when it is committed, answered then."""
        if not hmac.compare_digest(request.headers.get("X-Telegram-Bot-Api-Secret-Token", "").encode(), self._secret):
            return web.Response(status=401)
        update: dict[str, Any] = orjson.loads(await request.read())
        chat, text = update["message"]["chat"]["id"], update["message"]["text"]
        words = len(self._words(text))
        score = self._mood.polarity_scores(text)["compound"]
        await self._inbox.insert((update["update_id"], chat, text, words, score))
        task = asyncio.create_task(self._reply(chat, words, score))
        self._replies.add(task)
        task.add_done_callback(self._replies.discard)
        return web.Response()

    async def _reply(self, chat: int, words: int, score: float) -> None:
        text = _REPLY.format(words=words, score=score)
        body = orjson.dumps({"chat_id": chat, "text": text, "parse_mode": "HTML"})
        async with self._client.post(self._url, data=body, headers=_JSON) as answer:
            await answer.read()


async def main(port: int, data: Path, api: str, secret: str) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with BundledServer(data) as dsn, ClientSession(connector=TCPConnector(limit=_CALLS)) as client:
        connection = await asyncpg.connect(dsn)
        await connection.execute(_CREATE)
        inbox = GroupCommit(connection)
        app = web.Application()
        app.router.add_post(PATH, Floor(inbox, client, api, secret).webhook)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        committing = asyncio.create_task(inbox.run())
        print(f"serving http://127.0.0.1:{port}", flush=True)
        await stop.wait()
        await runner.cleanup()
        committing.cancel()
        await connection.close()


if __name__ == "__main__":
    _port, _data, _api, _secret = sys.argv[1:]
    uvloop.run(main(int(_port), Path(_data), _api, _secret))
