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


LACKS = {Ability.REPORT: "Telegram does not tell what became of a message"}
SENT = frozenset({"sendMessage", "sendPhoto", "sendDocument"})


class TelegramProvider:
    lacks: Mapping[Ability, str] = LACKS

    def __init__(self, sandbox: TelegramSandbox, mode: Literal["webhook", "polling"]) -> None:
        self.sandbox = sandbox
        self.mode = mode
        self.user = sandbox.user(4711, "Ada Lovelace")
        if mode == "polling":
            self.lacks = LACKS | {Ability.SIGNATURE: "nobody but Telegram is asked for updates"}

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
        self.written = self.user.write(text)

    async def deliver_file(self, text: str, name: str, media_type: str, content: bytes) -> None:
        self.user.send_document(name, content, media_type, text)

    async def edit(self, text: str) -> None:
        self.user.edit(self.written, text)

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
        sent = [entry for entry in self.sandbox.ledger.entries("telegram") if entry.method in SENT]
        return [
            Taken(entry.to.removeprefix("telegram:"), entry.text, _labels(entry.payload), self._files(entry.payload))
            for entry in sent
        ]

    def withdrawn(self) -> bool:
        [message] = [e.payload["message_id"] for e in self.sandbox.ledger.entries("telegram", "sendMessage")][-1:]
        return message not in self.sandbox.main.chats[4711].messages

    def _files(self, payload: Mapping) -> tuple[bytes, ...]:
        ids = [payload[kind] for kind in ("photo", "document") if kind in payload]
        return tuple(self.sandbox.main.files[id].content for id in ids)


def _labels(payload: Mapping) -> tuple[str, ...]:
    rows = payload.get("reply_markup", {}).get("inline_keyboard", [])
    return tuple(button["text"] for row in rows for button in row)
