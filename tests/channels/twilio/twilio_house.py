"""A number at work in the sandbox's Twilio, for tests of its own."""

import asyncio
import io
import mimetypes
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator

from omnibot.contract import Channel, Files, Site
from omnibot.intake.download import Downloads
from omnibot.model import Address, File, MessageId, Outbound, Paragraph, Part
from omnibot.sandbox.twilio import TwilioSandbox
from omnibot.testing import Inbox
from omnibot.testing.ground import served
from omnibot_twilio import Sms, WhatsApp
from omnibot_twilio.tickets import issue

KEY = b"a key that only tests have"
CUSTOMER = "+12025550147"
START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clock:
    """The time, as sandbox and channel have it; it stands still."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


class Shelf(Files):
    """Files of any name, at addresses where Twilio can fetch them."""

    url_of_all: str

    async def open(self, file: File) -> AsyncIterator[bytes]:
        yield b""

    def url(self, file: File) -> str:
        return f"{self.url_of_all}/{file.name}"

    @asynccontextmanager
    async def served(self) -> AsyncIterator[Self]:
        async def hand_out(request: web.Request) -> web.Response:
            media_type, _ = mimetypes.guess_type(request.match_info["name"])
            return web.Response(body=b"content", content_type=media_type)

        app = web.Application()
        app.router.add_get("/files/{name}", hand_out)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url_of_all = f"http://127.0.0.1:{runner.addresses[0][1]}/files"
            yield self
        finally:
            await runner.cleanup()


@dataclass
class House:
    """A channel at work, with all that a test touches around it."""

    sandbox: TwilioSandbox
    channel: Sms | WhatsApp
    inbox: Inbox
    base: str
    path: str
    client: aiohttp.ClientSession
    clock: Clock
    files: str  # where they are

    @property
    def webhook_url(self) -> str:
        return f"{self.base}{self.path}/webhook"

    def status_url(self, id: int = 1, to: str = CUSTOMER) -> str:
        return f"{self.base}{self.path}/status?{issue(KEY, MessageId(id), to)}"

    def form(self, **more: str) -> dict[str, str]:
        """An incoming message, as Twilio posts it."""
        account = self.sandbox.main
        ours = account.sms_number if self.channel.name == "sms" else f"whatsapp:{account.whatsapp_number}"
        form = {
            "MessageSid": "SM" + "a1" * 16,
            "AccountSid": account.sid,
            "From": ("" if self.channel.name == "sms" else "whatsapp:") + CUSTOMER,
            "To": ours,
            "Body": "hello",
            "NumMedia": "0",
            "ApiVersion": "2010-04-01",
        }
        return form | more

    def report(self, status: str, **more: str) -> dict[str, str]:
        """A status callback, as Twilio posts it."""
        form = self.form(MessageStatus=status, SmsStatus=status, **more)
        form["From"], form["To"] = form["To"], form["From"]
        return form

    async def post(
        self, form: dict[str, str] | bytes, url: str = "", signature: str | None = "right", **headers: str
    ) -> int:
        """Call a webhook as Twilio would; returns the status."""
        url = url or self.webhook_url
        if signature == "right" and isinstance(form, dict):
            signature = RequestValidator(self.sandbox.main.auth_token).compute_signature(url, form)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if signature is not None:
            headers["X-Twilio-Signature"] = signature
        body = urlencode(form).encode() if isinstance(form, dict) else form
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
        async with self.client.post(url, data=io.BytesIO(body), headers=headers) as answer:
            self.answered = await answer.text()
            return answer.status

    async def looked(self, hours: float = 24) -> int:
        """Look for what was missed, once; tells how much was found."""
        now = self.clock.now
        return await self.channel.missed.look(now - timedelta(hours=hours), now, self.inbox)

    def outbound(self, *parts: Part | str, to: str = CUSTOMER, **more) -> Outbound:
        worded = tuple(Paragraph(part) if isinstance(part, str) else part for part in parts)
        given = {"id": MessageId(1), "to": Address(self.channel.name, to), "parts": worded}
        return Outbound(**(given | more))

    def sent(self) -> list[dict]:
        """What Twilio took from us."""
        return [dict(entry.payload) for entry in self.sandbox.ledger.entries("twilio", "messages.create")]


@asynccontextmanager
async def house(
    sandbox: TwilioSandbox, kind: type[Channel] = Sms, *, clock: Clock | None = None, public: bool = True, **settings
) -> AsyncIterator[House]:
    clock = clock or Clock()
    async with AsyncExitStack() as stack:
        bound = stack.enter_context(socket.socket())
        bound.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{bound.getsockname()[1]}"
        path = f"/channels/{kind.name}/main"
        shelf = await stack.enter_async_context(Shelf().served())
        downloads = await stack.enter_async_context(Downloads())
        site = Site(
            account="main",
            path=path,
            public_url=base + path if public else "",
            key=KEY,
            now=clock,
            files=shelf,
            download=downloads,
        )
        channel = await stack.enter_async_context(kind(site, settings_of(sandbox, kind, **settings)))
        inbox = Inbox()
        await stack.enter_async_context(served(channel, inbox, bound))
        client = await stack.enter_async_context(aiohttp.ClientSession())
        try:
            yield House(sandbox, channel, inbox, base, path, client, clock, shelf.url_of_all)
        finally:
            await sandbox.settled()  # nobody knocks at a house that is being pulled down


def settings_of(sandbox: TwilioSandbox, kind: type[Channel], **more):
    account = sandbox.main
    given = {
        "account_sid": account.sid,
        "auth_token": account.auth_token,
        "number": account.sms_number if kind is Sms else account.whatsapp_number,
        "api_url": sandbox.url,
        "media_hosts": (sandbox.media.url,),
    }
    return kind.Settings.model_validate(given | more)


@asynccontextmanager
async def listening(house: House) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(house.channel.listen(house.inbox))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
