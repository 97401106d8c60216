"""The floor for SMS and WhatsApp: signed forms in, forms with credentials out, and a status callback for each reply."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlencode

from aiohttp import encode_basic_auth, web

from bench.floor import Floor, Given
from bench.floors.http import calling, serving

_FORM = "application/x-www-form-urlencoded"


@asynccontextmanager
async def twilio(floor: Floor, port: int, given: Given) -> AsyncIterator[None]:
    """Serve messages at /webhook and statuses at /status."""
    token, base = given["token"].encode(), f"http://127.0.0.1:{port}"
    headers = {"Content-Type": _FORM, "Authorization": encode_basic_auth(given["sid"], given["token"])}

    async def verified(request: web.Request) -> dict[str, str] | None:
        form = dict(parse_qsl((await request.read()).decode(), keep_blank_values=True))
        signed = base + request.path + "".join(name + form[name] for name in sorted(form))
        digest = base64.b64encode(hmac.new(token, signed.encode(), hashlib.sha1).digest())
        return form if hmac.compare_digest(digest, request.headers["X-Twilio-Signature"].encode()) else None

    async with calling() as client:

        async def webhook(request: web.Request) -> web.Response:
            form = await verified(request)
            if form is None:
                return web.Response(status=403)
            floor.reply(reply(form["From"], await floor.take(form["MessageSid"], form["From"], form["Body"])))
            return web.Response(text="<Response/>", content_type="text/xml")

        async def status(request: web.Request) -> web.Response:
            form = await verified(request)
            if form is None:
                return web.Response(status=403)
            await floor.report(form["MessageSid"], form["MessageStatus"])
            return web.Response()

        async def reply(to: str, text: str) -> None:
            message = {"To": to, "From": given["number"], "Body": text, "StatusCallback": f"{base}/status"}
            async with client.post(given["api"], data=urlencode(message).encode(), headers=headers) as answer:
                await answer.read()

        async with serving(port, [web.post("/webhook", webhook), web.post("/status", status)]):
            yield
