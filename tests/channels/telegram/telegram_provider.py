"""The sandbox's Telegram, driven by the contract suite."""

from collections.abc import Mapping, Sequence
from typing import Literal

import aiohttp

from omnibot.contract import Site
from omnibot.model import Address
from omnibot.sandbox import Cut, Throttle
from omnibot.sandbox.telegram import TOKEN, TelegramSandbox
from omnibot.testing import Ability, Taken
from omnibot_telegram import TelegramSettings

SECRET = "only-Telegram-knows-this"


class TelegramProvider:
    lacks: Mapping[Ability, str] = {}

    def __init__(self, sandbox: TelegramSandbox, mode: Literal["webhook", "polling"]) -> None:
        self.sandbox = sandbox
        self.mode = mode
        self.user = sandbox.user(4711, "Ada Lovelace")
        if mode == "polling":
            self.lacks = {Ability.SIGNATURE: "nobody but Telegram is asked for updates"}

    def settings(self) -> TelegramSettings:
        return self._settings(TOKEN)

    def wrong_settings(self) -> TelegramSettings:
        return self._settings("4242:nobody_was_ever_given_this_one")

    def _settings(self, token: str) -> TelegramSettings:
        given = {"token": token, "api_url": self.sandbox.url, "mode": self.mode, "webhook_secret": SECRET}
        return TelegramSettings.model_validate(given)

    async def attach(self, site: Site) -> None:
        self.url = f"{site.public_url}/webhook"

    @property
    def customer(self) -> Address:
        return Address("telegram", "4711")

    async def deliver(self, text: str) -> None:
        self.user.write(text)

    async def redeliver(self) -> None:
        assert self.sandbox.main.last is not None
        self.sandbox.main.again(self.sandbox.main.last)

    def acknowledged(self) -> int:
        return self.sandbox.main.confirmed

    async def forge(self, text: str) -> bool:
        self.user.write("so that there is an update to imitate")
        assert self.sandbox.main.last is not None
        headers = {"X-Telegram-Bot-Api-Secret-Token": "guessed", "Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession() as client,
            client.post(self.url, data=self.sandbox.main.last.body, headers=headers) as answer,
        ):
            return answer.status == 401

    async def block(self) -> None:
        self.user.block()

    async def throttle(self, after: float) -> None:
        self.sandbox.faults.add(Throttle(after), method="sendMessage", address="4711")

    async def cut_off(self) -> None:
        self.sandbox.faults.add(Cut(accepted=True), method="sendMessage", address="4711")

    async def press(self, label: str) -> None:
        self.user.press(label)

    def accepted(self) -> Sequence[Taken]:
        return [
            Taken(str(payload["chat_id"]), payload["text"], _labels(payload))
            for payload in (entry.payload for entry in self.sandbox.ledger.entries("telegram", "sendMessage"))
        ]


def _labels(payload: Mapping) -> tuple[str, ...]:
    rows = payload.get("reply_markup", {}).get("inline_keyboard", [])
    return tuple(button["text"] for row in rows for button in row)
