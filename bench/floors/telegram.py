"""The floor for Telegram: a secret header, JSON in, JSON out."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from bench.floor import Floor, Given
from bench.floors.http import calling, serving

_JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def telegram(floor: Floor, port: int, given: Given) -> AsyncIterator[None]:
    """Serve updates at /webhook."""
    secret, url = given["secret"].encode(), f"{given['api']}/sendMessage"
    async with calling() as client:

        async def webhook(request: web.Request) -> web.Response:
            header = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "").encode()
            if not hmac.compare_digest(header, secret):
                return web.Response(status=401)
            update: dict[str, Any] = orjson.loads(await request.read())
            chat, text = update["message"]["chat"]["id"], update["message"]["text"]
            floor.reply(reply(chat, await floor.take(str(update["update_id"]), str(chat), text)))
            return web.Response()

        async def reply(chat: int, text: str) -> None:
            body = orjson.dumps({"chat_id": chat, "text": text, "parse_mode": "HTML"})
            async with client.post(url, data=body, headers=_JSON) as answer:
                await answer.read()

        async with serving(port, [web.post("/webhook", webhook)]):
            yield
