"""Callers of the emulated Slack, and servers that it calls: bare HTTP, no library in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs

import aiohttp
import orjson
from aiohttp import web

from omnibot.sandbox.slack import SlackSandbox, Workspace

DEADLINE = 5.0


@dataclass
class Caller:
    sandbox: SlackSandbox
    client: aiohttp.ClientSession

    @property
    def workspace(self) -> Workspace:
        return self.sandbox.main

    async def send(self, method: str, token: str | None = None, **options) -> tuple[int, dict, dict]:
        """Status, headers and body of a call in any form."""
        token = self.workspace.bot_token if token is None else token
        headers = {"Authorization": f"Bearer {token}"} | options.pop("headers", {}) if token else {}
        async with self.client.post(f"{self.sandbox.url}/api/{method}", headers=headers, **options) as answer:
            return answer.status, dict(answer.headers), await answer.json()

    async def call(self, method: str, token: str | None = None, **parameters) -> dict:
        """The answer to a call; what is no text goes as JSON within the form."""
        form = {
            name: value if isinstance(value, str) else orjson.dumps(value).decode()
            for name, value in parameters.items()
        }
        return (await self.send(method, token, data=form))[2]

    async def result(self, method: str, **parameters) -> dict:
        body = await self.call(method, **parameters)
        assert body["ok"], body
        return body

    async def error(self, method: str, **parameters) -> str:
        body = await self.call(method, **parameters)
        assert not body["ok"]
        return body["error"]

    async def complaints(self, method: str, **parameters) -> list[str]:
        """What is wrong with the arguments."""
        body = await self.call(method, **parameters)
        assert not body["ok"]
        return [message.removeprefix("[ERROR] ") for message in body["response_metadata"]["messages"]]


@asynccontextmanager
async def caller() -> AsyncIterator[Caller]:
    async with SlackSandbox() as sandbox, aiohttp.ClientSession() as client:
        yield Caller(sandbox, client)


@dataclass(frozen=True)
class Posted:
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict:
        """What was posted, in whichever form."""
        if self.headers["Content-Type"] == "application/json":
            return orjson.loads(self.raw)
        form = {name: values[0] for name, values in parse_qs(self.raw.decode(), keep_blank_values=True).items()}
        return orjson.loads(form["payload"]) if "payload" in form else form

    @property
    def event(self) -> dict:
        return self.body["event"]


class Server:
    """An app's server: it answers as told, 200 and nothing else by default."""

    def __init__(self) -> None:
        self.answers: list[web.Response] = []
        self.got: asyncio.Queue[Posted] = asyncio.Queue()
        self.hangs = 0
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.got.put_nowait(Posted(dict(request.headers), await request.read()))
        if self.hangs:
            self.hangs -= 1
            await asyncio.sleep(DEADLINE)
        return self.answers.pop(0) if self.answers else web.Response()

    async def next(self, count: int = 1) -> list[Posted]:
        async with asyncio.timeout(DEADLINE):
            return [await self.got.get() for _ in range(count)]

    async def event(self) -> dict:
        return (await self.next())[0].event


@asynccontextmanager
async def server() -> AsyncIterator[Server]:
    listening = Server()
    app = web.Application()
    app.router.add_post("/{any:.*}", listening.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listening.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack"
    try:
        yield listening
    finally:
        await runner.cleanup()


async def until(condition) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0.001)
