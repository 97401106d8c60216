"""Telegram on the bench: updates by webhook with a secret header, replies by sendMessage."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any

import orjson

from bench.provider import Payload, Posted, Provider
from bench.providers.http import HttpDoor
from omnibot.model import Part
from omnibot.sandbox import Faults
from omnibot.sandbox.telegram import TOKEN, Chat, TelegramSandbox
from omnibot.sandbox.telegram.parameters import shown
from omnibot_telegram.markup import to_html

SECRET = "the-bench-s-own-webhook-secret"
_FIRST_CHAT = 500_000_001
_FIRST_UPDATE = 770_000_001
_NAMES = ("Sarah", "Mike", "Emma", "Priya", "Lena", "Ahmed", "Tom", "Julia", "Wei", "Olu", "Ines", "Jonas", "Mara")


class TelegramProvider(Provider):
    """A bot and its chats; an update comes again until it is taken."""

    channel = "telegram"
    sends = "sendMessage"

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.sandbox = self._telegram = TelegramSandbox(self.receipts, faults)
        self._bot = self._telegram.main
        self._messages = itertools.count(1_000_001)  # apart from those that the sandbox gives to replies
        self._updates = itertools.count(_FIRST_UPDATE)

    @staticmethod
    def id_of(payload: Payload) -> str:
        return str(payload.get("message_id", ""))

    def customer(self, number: int) -> str:
        chat = _FIRST_CHAT + number
        if chat not in self._bot.chats:
            self._bot.chats[chat] = Chat(chat, _private(chat))
        return str(chat)

    def write(self, address: str, text: str) -> Posted:
        chat, message = int(address), next(self._messages)
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
        return Posted(address, str(message), orjson.dumps(update))

    def settings(self, port: int, *, impatient: bool = False) -> str:
        return f"""
[channels.telegram.main]
token = "{TOKEN}"
mode = "webhook"
webhook_secret = "{SECRET}"
api_url = "{self._telegram.url}"
per_second = 0
"""

    def given(self) -> dict[str, Any]:
        return {"api": f"{self._telegram.url}/bot{TOKEN}", "secret": SECRET}

    def door(self, port: int, *, bare: bool) -> HttpDoor:
        path = "/webhook" if bare else "/channels/telegram/main/webhook"
        return HttpDoor(port, path, {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": SECRET})

    def seen(self, parts: Sequence[Part]) -> str:
        text, _ = shown(to_html(parts), {"parse_mode": "HTML"})
        return text


def _private(chat: int) -> dict[str, Any]:
    return {"id": chat, "type": "private", "first_name": _name(chat)}


def _name(chat: int) -> str:
    return _NAMES[chat % len(_NAMES)]
