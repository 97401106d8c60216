"""A language model on this machine that is honest, or lies, stalls, streams garbage, or obeys whoever it reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

Behaviour = Callable[[dict], str]


def honest(brief: dict) -> str:
    """It says what it was given, and turns a phrase of it round."""
    return brief["reply"].replace("can appear", "may appear")


def liar(brief: dict) -> str:
    """It adds what nobody has told it."""
    return brief["reply"] + " We refund you 59 EUR by Friday, Gary Smith from billing promises."


def obedient(brief: dict) -> str:
    """It does what the customer's text asks for, as a model does that takes it for instructions."""
    wrote = brief["customer_wrote"]
    if "ignore" in wrote.lower():
        return wrote.partition("say:")[2].strip() or "Ahoy!"
    return brief["reply"]


def babbler(brief: dict) -> str:
    """It goes on and on."""
    return "\n\n".join([brief["reply"]] * 3)


@dataclass
class LanguageModel:
    """What the server does, and what it was asked; change it at any time."""

    url: str = ""
    answers: Behaviour = honest
    status: int = 200
    raw: bytes | None = None  # instead of a completion
    endless: bool = False  # and then more of it for ever
    stalls: bool = False
    asked: list[dict] = field(default_factory=list)  # bodies of the requests
    waiting: int = 0  # requests under way
    most_waiting: int = 0
    go_on: asyncio.Event = field(default_factory=asyncio.Event)  # ends a stall
    came: asyncio.Event = field(default_factory=asyncio.Event)  # set with each request
    usage: dict | None = field(default_factory=lambda: {"prompt_tokens": 700, "completion_tokens": 60})
    finish: str = "stop"
    key: str = ""

    @property
    def briefs(self) -> list[dict]:
        """What it was given to put into words."""
        given = [json.loads(body["messages"][1]["content"]) for body in self.asked]
        return [brief for brief in given if "customer_wrote" in brief]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        self.key = request.headers.get("Authorization", "")
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        self.came.set()
        try:
            if self.stalls:
                await self.go_on.wait()
            return await self._answer(request, body)
        finally:
            self.waiting -= 1

    async def _answer(self, request: web.Request, body: dict) -> web.StreamResponse:
        if self.endless:
            return await self._endlessly(request)
        if self.raw is not None:
            return web.Response(body=self.raw, status=self.status, content_type="application/json")
        if self.status != 200:
            return web.json_response({"error": {"message": "no"}}, status=self.status)
        brief = json.loads(body["messages"][1]["content"])
        text = self.answers(brief) if "customer_wrote" in brief else "Yes."
        choice = {"index": 0, "finish_reason": self.finish, "message": {"role": "assistant", "content": text}}
        told = {"id": "1", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice]}
        return web.json_response(told | ({"usage": self.usage} if self.usage is not None else {}))

    async def _endlessly(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        try:
            while True:
                await response.write(b"\xff\x00 data: lorem ipsum " * 1000)
                await asyncio.sleep(0)
        except ConnectionError:
            return response


@asynccontextmanager
async def language_model(**behaviour: object) -> AsyncIterator[LanguageModel]:
    """A server that behaves so, on a free port of this machine."""
    model = LanguageModel(**behaviour)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", model.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        model.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        yield model
    finally:
        model.go_on.set()
        await runner.cleanup()
