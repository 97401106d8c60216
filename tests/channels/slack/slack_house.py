"""A channel on Slack at work in the sandbox, for tests of its own."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import aiohttp

from omnibot.contract import NoOffice, Office, Site
from omnibot.intake.download import Downloads
from omnibot.model import Address, MessageId, Outbound, Paragraph, Part
from omnibot.sandbox.slack import Person, SlackSandbox, Workspace
from omnibot.testing import Inbox
from omnibot.testing.ground import served
from omnibot_slack import Slack, SlackSettings
from omnibot_slack.receive import request_path, sign

PAYLOADS = Path(__file__).parent / "payloads"
USER = "U0ADA"


def payload(name: str) -> dict:
    """A payload as Slack documents it."""
    return json.loads((PAYLOADS / f"{name}.json").read_bytes())


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class KeptFiles:
    """Files that go along, in memory."""

    contents: dict[str, bytes] = field(default_factory=dict)

    async def open(self, file) -> AsyncIterator[bytes]:
        yield self.contents[file.ref]

    def url(self, file) -> str:
        return ""


@dataclass
class House:
    """A channel at work, with all that a test touches around it."""

    sandbox: SlackSandbox
    workspace: Workspace
    channel: Slack
    inbox: Inbox
    site: Site
    url: str
    clock: Clock
    files: KeptFiles
    client: aiohttp.ClientSession

    @property
    def ada(self) -> Person:
        return self.workspace.user(USER, "Ada Lovelace")

    async def post(self, body: object, *, form: bool = False, signature: str | None = None, **headers: str) -> int:
        """Call the request URL as Slack does; returns the status."""
        status, _ = await self.answer(body, form=form, signature=signature, **headers)
        return status

    async def answer(
        self, body: object, *, form: bool = False, signature: str | None = None, at: str | None = None, **headers: str
    ) -> tuple[int, str]:
        """Status and body of the answer."""
        raw = body if isinstance(body, bytes) else urlencode(body).encode() if form else json.dumps(body).encode()
        timestamp = at or str(int(self.clock().timestamp()))
        given = {
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self.workspace.signing_secret, timestamp, raw)
            if signature is None
            else signature,
            "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
        }
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.post(self.url, data=raw, headers=given) as answer:
            return answer.status, await answer.text()

    def event(self, **fields) -> dict:
        """A direct message of Ada's, with other fields."""
        body = payload("message_im")
        team = self.workspace.team
        body["authorizations"][0]["team_id"] = body["team_id"] = body["context_team_id"] = team
        body["event"] |= {"team": team, **fields}
        return body

    def outbound(self, *parts: Part | str, **more) -> Outbound:
        worded = tuple(Paragraph(part) if isinstance(part, str) else part for part in parts)
        more.setdefault("to", Address("slack", self.ada.address))
        return Outbound(id=MessageId(more.pop("id", 1)), parts=worded, **more)

    def posted(self, method: str = "chat.postMessage") -> list[dict]:
        """What Slack took from us."""
        return [dict(entry.payload) for entry in self.sandbox.ledger.entries("slack", method)]

    def direct(self) -> dict[str, str]:
        """The context of a direct message of Ada's."""
        return {"channel": self.workspace.direct(self.ada.id).id}


@asynccontextmanager
async def house(
    sandbox: SlackSandbox,
    mode: str = "events",
    *,
    workspace: str = "",
    public: bool = True,
    serving: bool = True,
    key: bytes = b"a key that only tests have",
    office: Office | None = None,
    rooms: Collection[str] = (),
    **settings,
) -> AsyncIterator[House]:
    home = sandbox.workspace(workspace) if workspace else sandbox.main
    async with AsyncExitStack() as stack:
        bound = stack.enter_context(socket.socket())
        bound.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{bound.getsockname()[1]}"
        path = "/channels/slack/main"
        clock, files = Clock(), KeptFiles()
        site = Site(
            account="main",
            path=path,
            public_url=base + path if public else "",
            key=key,
            now=clock,
            files=files,
            office=office or NoOffice(),
            rooms=frozenset(rooms),
            download=await stack.enter_async_context(Downloads()),
        )
        given = {
            "token": home.bot_token,
            "mode": mode,
            "signing_secret": home.signing_secret,
            "app_token": home.app_token,
            "api_url": f"{sandbox.url}/api/",
            "conversation_seconds": 0,
            **settings,
        }
        channel = await stack.enter_async_context(Slack(site, SlackSettings.model_validate(given)))
        inbox = Inbox()
        if serving:
            await stack.enter_async_context(served(channel, inbox, bound))
        client = await stack.enter_async_context(aiohttp.ClientSession())
        url = base + request_path(site)
        if mode == "events":
            home.deliver_to(url)
        home.user(USER, "Ada Lovelace", email="ada@example.org", tz="Europe/London", locale="en-GB")
        yield House(sandbox, home, channel, inbox, site, url, clock, files, client)


@asynccontextmanager
async def listening(house: House) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(house.channel.listen(house.inbox))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
