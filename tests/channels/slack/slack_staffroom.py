"""A workspace with a team's channel, as the desk's contract suite drives it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from slack_provider import Mode

from omnibot.contract import Place, Site
from omnibot.model import ActKind, Agent
from omnibot.sandbox import Cut, Throttle
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.slack import Person, SlackSandbox
from omnibot.testing import DeskAbility, Shown
from omnibot_slack import SlackSettings
from omnibot_slack.receive import request_url

_MARKUP = re.compile(r"<[!@#][^>]*>|<[^>|]+\|[^>]*>")
_CALLING = ("user", "usergroup", "broadcast", "channel")
_LABELS = {ActKind.ASSIGN: "Assign…", ActKind.TEAM: "Give to another team…", ActKind.PRIORITY: "Change its priority…"}
_LABELS |= {ActKind.CONSENT: "Ask for consent…", ActKind.HAND_BACK: "Hand back to the bot…", ActKind.REPLY: "Reply"}
_LABELS |= {ActKind.TAKE: "Take", ActKind.REOPEN: "Reopen", ActKind.RESOLVE: "Resolve", ActKind.SNOOZE: "Snooze"}
_LABELS |= {ActKind.MERGE: "Same person?"}


def acting(node: object) -> Iterator[str]:
    """What in a message would do something: people who are called, and links that hide where they lead."""
    match node:
        case {"type": "mrkdwn", "text": str(text)}:
            yield from _MARKUP.findall(text)
        case {"type": kind} if kind in _CALLING:
            yield str(kind)
        case {"type": "link", "url": str(url), **more} if more.get("text", url) != url:
            yield url
        case Mapping():
            for inner in node.values():
                yield from acting(inner)
        case list():
            for inner in node:
                yield from acting(inner)


class SlackStaffroom:
    """Ana and Ben, who are on the list, and a guest in the same channel."""

    lacks: ClassVar[Mapping[DeskAbility, str]] = {}
    lacks_acts: ClassVar[Mapping[ActKind, str]] = {}

    def __init__(self, sandbox: SlackSandbox, mode: Mode) -> None:
        self.sandbox = sandbox
        self.workspace = workspace = sandbox.main
        self.mode = mode
        self.ana = workspace.user("U0ANA", "Ana Ruiz")
        self.ben = workspace.user("U0BEN", "Ben Li")
        self.guest = workspace.user("U0GUEST", "Gus Tavo", guest=True)
        self.channel = workspace.channel("C0SENIOR", "senior")
        self.room = self.channel.id
        self.agent = Agent(f"slack:{self.ana.address}", "Ana Ruiz")
        self.colleague = Agent(f"slack:{self.ben.address}", "Ben Li")

    def settings(self) -> SlackSettings:
        return SlackSettings.model_validate(
            {
                "token": self.workspace.bot_token,
                "mode": self.mode,
                "signing_secret": self.workspace.signing_secret,
                "app_token": self.workspace.app_token,
                "api_url": f"{self.sandbox.url}/api/",
                "conversation_seconds": 0,
                "staff": [self.ana.id, self.ben.id],
            }
        )

    async def attach(self, site: Site) -> None:
        for person in (self.ana, self.ben, self.guest):
            person.join(self.channel)
        if self.mode == "events":
            self.workspace.deliver_to(request_url(site))

    # --- what is there -------------------------------------------------------------------------------------

    def threads(self) -> Sequence[Sequence[Shown]]:
        tops = [ts for ts, message in self.channel.messages.items() if message.get("thread_ts", ts) == ts]
        return [[self._line(message) for message in self.channel.thread(ts)] for ts in sorted(tops)]

    def _line(self, message: Mapping[str, Any]) -> Shown:
        files = tuple(self.workspace.files[file["id"]].content for file in message.get("files", ()))
        told = [*acting(message.get("blocks", [])), *_MARKUP.findall(message.get("text", ""))]
        text = self.workspace.shown(self.channel, message).text
        return Shown(text, files, tuple(told))

    async def card(self, place: Place) -> str:
        return self.workspace.shown(self.channel, self.channel.messages[place.thread]).text

    async def told(self, agent: Agent) -> Sequence[str]:
        return (self.ana if agent == self.agent else self.ben).notices

    async def marked(self, place: Place, entry: str) -> str:
        return self.ana.see_thread(place.thread)

    async def timeline(self, place: Place) -> str:
        self.ana.press("Timeline", place.thread)
        await self._modal(self.ana)
        return self.ana.see_modal()

    # --- what people do ------------------------------------------------------------------------------------

    async def write(self, place: Place, text: str) -> str:
        return f"{self.room}:{self.ana.write(text, self.channel, place.thread)}"

    async def send(self, place: Place, text: str) -> str:
        return f"{self.room}:{self.ana.write(f'> {text}', self.channel, place.thread)}"

    async def act(
        self,
        place: Place,
        kind: ActKind,
        *,
        text: str = "",
        value: str = "",
        files: Sequence[tuple[str, str, bytes]] = (),
    ) -> None:
        if files:
            enclosed = [SentFile(*file) for file in files]
            self.ana.write(f"> {text}", self.channel, place.thread, enclosed)
        elif kind is ActKind.NOTE:
            await self.write(place, text)
        elif kind is ActKind.MUTE:
            self.ana.command("/omnibot", "mute Mike", self.channel)
        elif kind is ActKind.RETRY:
            await self._seen(lambda: "Send again" in self.ana.see_thread(place.thread))
            self.ana.press("Send again")
        else:
            await self._press(self.ana, place, kind, text, value)

    async def _press(self, who: Person, place: Place, kind: ActKind, text: str, value: str) -> None:
        who.press(_LABELS[kind], place.thread)
        if kind in (ActKind.TAKE, ActKind.REOPEN):
            return
        await self._modal(who)
        fields: dict[str, object] = {"text": text} if text else {}
        match kind:
            case ActKind.ASSIGN:
                fields = {"who": value.rpartition("/")[2]}
            case ActKind.SNOOZE:
                fields = {"until": value}
            case _ if value:
                fields["value"] = value
        who.submit(fields)

    async def _modal(self, who: Person) -> None:
        await self._seen(lambda: who.modal is not None and "One moment" not in who.see_modal())

    async def _seen(self, there: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not there():
                await asyncio.sleep(0.005)

    async def intrude(self, place: Place, kind: ActKind, text: str) -> None:
        if kind is ActKind.NOTE:
            self.guest.write(text, self.channel, place.thread)
        elif kind is ActKind.REPLY:
            self.guest.write(f"> {text}", self.channel, place.thread)
        else:
            self.guest.press(_LABELS[kind], place.thread)

    async def intruder_told(self) -> str:
        await self._seen(lambda: self.guest.notices)
        return self.guest.notices[0]

    async def redeliver(self) -> None:
        self.workspace.redeliver()

    def acknowledged(self) -> int:
        return self.workspace.acknowledged

    async def edit(self, place: Place, entry: str, text: str) -> None:
        self.ana.edit(entry.partition(":")[2], f"> {text}")

    async def delete(self, place: Place, entry: str) -> None:
        self.ana.delete(entry.partition(":")[2])

    # --- trouble -------------------------------------------------------------------------------------------

    async def throttle(self, after: float) -> None:
        self.sandbox.faults.add(Throttle(after), method="chat.postMessage")

    async def cut_off(self) -> None:
        self.sandbox.faults.add(Cut(accepted=True), method="chat.postMessage")

    async def close(self) -> None:
        self.ana.archive(self.channel)
