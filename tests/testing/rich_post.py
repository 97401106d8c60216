"""The channel of docs/a-channel-in-one-file.md with all that it lacks: files, edits, reports, withdrawal, a window."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from aiohttp import web
from test_a_channel_in_one_file import channel, proof

from omnibot.contract import Accept, Limits, Receipt, Refused
from omnibot.model import (
    Address,
    Attachment,
    DeliveryReport,
    DeliveryState,
    File,
    Incoming,
    IncomingEdit,
    IncomingMessage,
    Outbound,
    Sender,
)
from omnibot.testing import Ability, Taken

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = Sender(Address("post", "ada"))


class Rich(channel.Post):
    """It trusts its service: what it is told has been signed for in the channel that it is made of."""

    limits = Limits(text=10_000, files=2, file_bytes=1_000_000, file_types=("application/",), window=60)

    def routes(self, accept: Accept) -> Sequence[web.RouteDef]:
        async def more(request: web.Request) -> web.Response:
            await accept([self.arrival(await request.json())])
            return web.Response()

        return [*super().routes(accept), web.post(f"{self.site.path}/more", more)]

    def arrival(self, told: Mapping[str, str]) -> Incoming:
        head = {"id": told["id"], "at": NOON, "sender": ADA}
        match told["kind"]:
            case "edit":
                return IncomingEdit(**head, message_id=told["of"], text=told["text"])
            case "report":
                return DeliveryReport(**head, provider_id=told["of"], state=DeliveryState(told["state"]))
        file = Attachment(name=told["name"], media_type=told["type"], ref=told["url"])
        return IncomingMessage(**head, message_id=told["id"], text=told["text"], attachments=(file,))

    async def send(self, message: Outbound) -> Receipt:
        files = [await self.bytes_of(part) for part in message.parts if isinstance(part, File)]
        given = {"to": message.to.value, "text": message.text, "files": [base64.b64encode(f).decode() for f in files]}
        body = json.dumps(given).encode()
        async with self._open.post(self._url, data=body, headers=self._headers(body)) as answer:
            if answer.status == 403:
                raise Refused("they must write first")
            return Receipt((await answer.json())["id"])

    async def bytes_of(self, file: File) -> bytes:
        return b"".join([chunk async for chunk in self.site.files.open(file)])

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        async for chunk in self.site.download(attachment.ref, hosts=[self._url], max_bytes=10_000):
            yield chunk

    async def redact(self, to: Address, receipt: Receipt) -> bool:
        headers = self._headers(b"") | {"X-Id": receipt.provider_id}
        async with self._open.delete(self._url, headers=headers) as answer:
            return answer.status == 200


class RichService(proof.Service):
    lacks: Mapping[Ability, str] = {Ability.BUTTONS: "the service knows none"}
    content = b""
    closed = False
    gone: str | None = None

    async def take(self, request: web.Request) -> web.Response:
        if request.method == "DELETE":
            self.gone = request.headers["X-Id"]
            return web.Response()
        if request.method == "GET" and request.query_string:
            return web.Response(body=self.content)
        if self.closed:
            return web.Response(status=403)
        answer = await super().take(request)
        if request.method == "POST" and self._taken:
            files = json.loads(await request.read()).get("files", ())
            self._taken[-1] = replace(self._taken[-1], files=tuple(map(base64.b64decode, files)))
        return answer

    async def _tell(self, **told: str) -> None:
        self._number += 1
        more = self._hook.removesuffix("notes") + "more"
        async with self._client.post(more, json={"id": f"n{self._number}", **told}) as answer:
            assert answer.status == 200

    async def deliver_file(self, text: str, name: str, media_type: str, content: bytes) -> None:
        self.content = content
        await self._tell(kind="file", text=text, name=name, type=media_type, url=f"{self.url}?file=1")

    async def edit(self, text: str) -> None:
        await self._tell(kind="edit", of=f"n{self._number}", text=text)

    async def report(self) -> DeliveryState:
        await self._tell(kind="report", of=str(len(self._taken)), state="delivered")
        return DeliveryState.DELIVERED

    async def lapse(self) -> None:
        self.closed = True

    def withdrawn(self) -> bool:
        return self.gone == str(len(self._taken))

    def accepted(self) -> Sequence[Taken]:
        return self._taken
