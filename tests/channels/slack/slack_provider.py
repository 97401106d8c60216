"""The sandbox's Slack, driven by the contract suite."""

from collections.abc import Mapping, Sequence
from typing import Literal

from omnibot.contract import Site
from omnibot.model import Address
from omnibot.sandbox import Blocked, Cut, Throttle
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.ledger import Entry
from omnibot.sandbox.slack import SlackSandbox
from omnibot.testing import Ability, Taken
from omnibot_slack import SlackSettings
from omnibot_slack.receive import request_url

Mode = Literal["events", "socket"]
USER = "U0ADA"


class SlackProvider:
    lacks: Mapping[Ability, str] = {Ability.REPORT: "Slack does not tell apps what was read"}

    def __init__(self, sandbox: SlackSandbox, mode: Mode) -> None:
        self.sandbox = sandbox
        self.workspace = sandbox.main
        self.mode = mode
        self.user = self.workspace.user(USER, "Ada Lovelace")
        self.written = ""
        if mode == "socket":
            self.lacks = {**self.lacks, Ability.SIGNATURE: "nobody but Slack is connected to"}

    def settings(self) -> SlackSettings:
        return self._settings(self.workspace.bot_token)

    def wrong_settings(self) -> SlackSettings:
        return self._settings("xoxb-nobody-was-ever-given-this-one")

    def _settings(self, token: str) -> SlackSettings:
        given = {
            "token": token,
            "mode": self.mode,
            "signing_secret": self.workspace.signing_secret,
            "app_token": self.workspace.app_token,
            "api_url": f"{self.sandbox.url}/api/",
            "conversation_seconds": 0,
        }
        return SlackSettings.model_validate(given)

    async def attach(self, site: Site) -> None:
        if self.mode == "events":
            self.workspace.deliver_to(request_url(site))

    @property
    def customer(self) -> Address:
        return Address("slack", self.user.address)

    async def deliver(self, text: str) -> None:
        self.written = self.user.write(text)

    async def deliver_file(self, text: str, name: str, media_type: str, content: bytes) -> None:
        self.user.write(text, files=[SentFile(name, media_type, content)])

    async def edit(self, text: str) -> None:
        self.user.edit(self.written, text)

    async def redeliver(self) -> None:
        self.workspace.redeliver()

    def acknowledged(self) -> int:
        return self.workspace.acknowledged

    async def forge(self, text: str) -> bool:
        return await self.workspace.forge(text) == 401

    async def block(self) -> None:
        self.sandbox.faults.add(Blocked(), method="chat.postMessage", address=self.user.address, count=None)

    async def throttle(self, after: float) -> None:
        self.sandbox.faults.add(Throttle(after), method="chat.postMessage", address=self.user.address)

    async def cut_off(self) -> None:
        self.sandbox.faults.add(Cut(accepted=True), method="chat.postMessage", address=self.user.address)

    async def press(self, label: str) -> None:
        self.user.press(label)

    def withdrawn(self) -> bool:
        return all(shown.author == USER for shown in self.user.messages)

    def accepted(self) -> Sequence[Taken]:
        return [
            Taken(entry.to.removeprefix("slack:"), entry.text, entry.choices, self._files(entry))
            for entry in self.sandbox.ledger.entries("slack")
            if entry.method in ("chat.postMessage", "files.completeUploadExternal")
        ]

    def _files(self, entry: Entry) -> tuple[bytes, ...]:
        return tuple(self.workspace.files[file["id"]].content for file in entry.payload.get("files", ()))
