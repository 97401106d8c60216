"""The floor for Slack: signed events in, JSON with a bearer token out."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from bench.floor import Floor, Given
from bench.floors.http import calling, serving

_FRESH = 300  # seconds that a signature is good for


@asynccontextmanager
async def slack(floor: Floor, port: int, given: Given) -> AsyncIterator[None]:
    """Serve events at /webhook."""
    secret, url = given["secret"].encode(), f"{given['api']}/chat.postMessage"
    headers = {"Content-Type": "application/json; charset=utf-8", "Authorization": f"Bearer {given['token']}"}
    async with calling() as client:

        async def webhook(request: web.Request) -> web.Response:
            body = await request.read()
            at, signature = request.headers["X-Slack-Request-Timestamp"], request.headers["X-Slack-Signature"]
            signed = hmac.new(secret, b"v0:%s:%s" % (at.encode(), body), hashlib.sha256).hexdigest()
            if not hmac.compare_digest(f"v0={signed}", signature) or abs(time.time() - int(at)) > _FRESH:
                return web.Response(status=401)
            told: dict[str, Any] = orjson.loads(body)
            event = told["event"]
            if event["type"] == "message" and "bot_id" not in event and "subtype" not in event:
                id, channel = f"{event['channel']}:{event['ts']}", event["channel"]
                floor.reply(reply(channel, await floor.take(id, event["user"], event["text"])))
            return web.Response()

        async def reply(channel: str, text: str) -> None:
            body = orjson.dumps({"channel": channel, "text": text})
            async with client.post(url, data=body, headers=headers) as answer:
                await answer.read()

        async with serving(port, [web.post("/webhook", webhook)]):
            yield
