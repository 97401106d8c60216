"""Slack on the bench: events over HTTP, signed anew at every try, replies by chat.postMessage."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from bench.provider import Payload, Posted, Provider
from bench.providers.http import HttpDoor
from omnibot.model import Part
from omnibot.sandbox import Faults, ServerError
from omnibot.sandbox.slack import SlackSandbox
from omnibot.sandbox.slack.blocks import text_of
from omnibot_slack.blocks import to_blocks


class _Quiet(SlackSandbox):
    """Slack that tells nobody anything: the load does."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        work.close()


class SlackProvider(Provider):
    """One workspace, whose people write to the app directly.

    Slack comes again three times within six minutes, which no restart outlasts here: until it is taken.
    """

    channel = "slack"
    sends = "chat.postMessage"
    refusal = ServerError(503)
    doubt = ServerError(500)

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.sandbox = self._slack = _Quiet(self.receipts, faults)
        self._workspace = self._slack.main

    @staticmethod
    def id_of(payload: Payload) -> str:
        return f"{payload.get('channel')}:{payload.get('ts')}"

    def customer(self, number: int) -> str:
        person = self._workspace.user(f"U0B{number:06}", f"Customer {number}")
        return person.address

    def write(self, address: str, text: str) -> Posted:
        person = self._workspace.people[address.rpartition("/")[2]]
        ts = person.write(text)
        told = self._workspace.app.last
        assert told is not None
        return Posted(address, f"{self._workspace.direct(person.id).id}:{ts}", told.body)

    def settings(self, port: int, *, impatient: bool = False) -> str:
        return f"""
[channels.slack.main]
token = "{self._workspace.bot_token}"
mode = "events"
signing_secret = "{self._workspace.signing_secret}"
api_url = "{self._slack.url}/api/"
conversation_seconds = 0
"""

    def given(self) -> dict[str, Any]:
        return {
            "api": f"{self._slack.url}/api",
            "token": self._workspace.bot_token,
            "secret": self._workspace.signing_secret,
        }

    def door(self, port: int, *, bare: bool) -> HttpDoor:
        path = "/webhook" if bare else "/channels/slack/main/events"
        return HttpDoor(port, path, {"Content-Type": "application/json"}, fresh=self._signed)

    def _signed(self, posted: Posted) -> bytes:
        headers = self._workspace.app.signed(posted.body)
        return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()

    def seen(self, parts: Sequence[Part]) -> str:
        return text_of(to_blocks(parts), self._workspace.name_of)
