"""The provider's side of the bench: the Telegram sandbox, its customers, and what reaches them."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.wire import Wire, head
from omnibot.sandbox import Entry, Faults, Ledger, Outcome
from omnibot.sandbox.telegram import TOKEN, Chat, TelegramSandbox

SECRET = "the-bench-s-own-webhook-secret"
_SEND = "sendMessage"
_FIRST_CHAT = 500_000_001
_FIRST_UPDATE = 770_000_001


@dataclass(frozen=True, slots=True)
class Posted:
    """An update on its way: the message's id, and the body to be posted, again and again if need be."""

    chat: int
    message: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A reply that reached a customer; `message` is the id that the provider gave it."""

    at: float  # time.perf_counter
    message: int
    text: str


class Receipts(Ledger):
    """The sandbox's ledger, which tells at once when a customer got something."""

    def __init__(self) -> None:
        super().__init__()
        self.of: dict[int, list[Receipt]] = defaultdict(list)  # by chat, in order
        self.count = 0
        self.refused = 0
        self._expected: dict[int, asyncio.Future[float]] = {}

    def append(
        self,
        provider: str,
        account: str,
        method: str,
        payload: Mapping[str, Any],
        outcome: Outcome = Outcome.ACCEPTED,
        reason: str = "",
        **seen: Any,  # noqa: ANN401 - what a customer sees, passed on as it is
    ) -> Entry:
        entry = super().append(provider, account, method, payload, outcome, reason, **seen)
        if method == _SEND:
            if entry.accepted:
                self._received(payload)
            else:
                self.refused += 1
        return entry

    def _received(self, payload: Mapping[str, Any]) -> None:
        now = time.perf_counter()
        self.count += 1
        chat = payload["chat_id"]
        self.of[chat].append(Receipt(now, payload["message_id"], payload["text"]))
        expected = self._expected.pop(chat, None)
        if expected is not None and not expected.done():
            expected.set_result(now)

    def next_of(self, chat: int) -> asyncio.Future[float]:
        """When the next reply reaches this chat; ask before writing to the bot."""
        expected: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._expected[chat] = expected
        return expected


class Provider:
    """A sandbox and the people in it; `receipts` is its ledger. Made inside the loop that uses it."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.receipts = Receipts()
        self.sandbox = TelegramSandbox(self.receipts, faults)
        self._messages = itertools.count(1_000_001)  # apart from those that the sandbox gives to replies
        self._updates = itertools.count(_FIRST_UPDATE)

    def chat(self, customer: int) -> int:
        """The chat of a customer, who from now on can be written to."""
        chat = _FIRST_CHAT + customer
        if chat not in self.sandbox.main.chats:
            self.sandbox.main.chats[chat] = Chat(chat, _private(chat))
        return chat

    def write(self, chat: int, text: str) -> Posted:
        """An update as Telegram would post it."""
        message = next(self._messages)
        person = {"id": chat, "is_bot": False, "first_name": _name(chat), "language_code": "en"}
        update = {
            "update_id": next(self._updates),
            "message": {
                "message_id": message,
                "from": person,
                "chat": _private(chat),
                "date": int(time.time()),
                "text": text,
            },
        }
        return Posted(chat, message, orjson.dumps(update))

    @property
    def bot_url(self) -> str:
        """Where the bot's methods are."""
        return f"{self.sandbox.url}/bot{TOKEN}"

    def account(self) -> str:
        """The account of this sandbox's bot in a settings file."""
        return f"""
[channels.telegram.main]
token = "{TOKEN}"
mode = "webhook"
webhook_secret = "{SECRET}"
api_url = "{self.sandbox.url}"
per_second = 0
"""


class Webhook:
    """Where updates are posted to; one server's."""

    def __init__(self, wire: Wire, port: int, path: str) -> None:
        headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": SECRET}
        self._wire = wire
        self._head = head(path, f"127.0.0.1:{port}", headers)
        self.acknowledged = 0

    async def post(self, posted: Posted) -> tuple[float, bool]:
        """When it left, and whether it was acknowledged."""
        sent, status = await self._wire.post(self._head, posted.body)
        acknowledged = 200 <= status < 300
        self.acknowledged += acknowledged
        return sent, acknowledged

    async def insist(self, posted: Posted) -> float:
        """Post as Telegram does, until it is acknowledged; when it first left."""
        first, acknowledged = await self.post(posted)
        pause = 0.05
        while not acknowledged:
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)
            _, acknowledged = await self.post(posted)
        return first


def _private(chat: int) -> dict[str, Any]:
    return {"id": chat, "type": "private", "first_name": _name(chat)}


def _name(chat: int) -> str:
    return _NAMES[chat % len(_NAMES)]


_NAMES = ("Sarah", "Mike", "Emma", "Priya", "Lena", "Ahmed", "Tom", "Julia", "Wei", "Olu", "Ines", "Jonas", "Mara")
