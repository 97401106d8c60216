"""A team with a mailbox, as the desk's contract suite drives it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from email_office import settings

from omnibot.contract import Place, Site
from omnibot.model import ActKind, Agent
from omnibot.sandbox import Cut
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.mail import Mail, MailSandbox, Posted
from omnibot.testing import DeskAbility, Shown
from omnibot_email.settings import EmailSettings

SENIOR = "senior@example.com"
ANA = "ana@example.com"
BEN = "ben@example.com"
EVE = "eve@example.org"
_OURS = {"p", "div", "b", "br", "table", "tr", "td", "html", "head", "body", "meta"}


def root(mail: Mail) -> str:
    """What a mail program threads by."""
    return mail.header("References").split()[0]


def as_read(mail: Mail) -> str:
    """The words, without the bars before what others said."""
    return re.sub(r"^\| ?", "", mail.text, flags=re.MULTILINE)


def shown(mail: Mail) -> Shown:
    """As people read it."""
    files = tuple(part.get_payload(decode=True) for part in mail.message.iter_attachments())
    tags = set(re.findall(r"<([a-zA-Z!]\w*)", mail.html.replace("<!DOCTYPE html>", "")))
    return Shown(as_read(mail), files, tuple(sorted(tags - _OURS)))  # type: ignore[arg-type]


class MailStaffroom:
    """Ana and Ben, who read what comes to senior@, and answer from addresses of their own."""

    lacks: ClassVar = {
        DeskAbility.THROTTLE: "SMTP does not tell when to come again",
        DeskAbility.EDIT: "what was mailed stays as it is",
    }
    lacks_acts: ClassVar[dict[ActKind, str]] = {}
    room = SENIOR
    agent = Agent(f"email:{ANA}", "Ana Ruiz")
    colleague = Agent(f"email:{BEN}", "Ben")

    def __init__(self, sandbox: MailSandbox, port: int) -> None:
        self.sandbox = sandbox
        self.port = port
        self.team = sandbox.mailbox(SENIOR, "Senior support")
        self.ana = sandbox.mailbox(ANA, "A. R.")
        self.eve = sandbox.mailbox(EVE, "Eve")
        self.posted: list[Posted] = []

    def settings(self) -> EmailSettings:
        return settings(self.sandbox.port, self.port, agents=[f"Ana Ruiz <{ANA}>", f"Ben <{BEN}>"])

    async def attach(self, site: Site) -> None:
        return None

    def threads(self) -> Sequence[Sequence[Shown]]:
        found: dict[str, dict[str, Shown]] = {}
        for mail in self.team.mails:
            found.setdefault(root(mail), {})[mail.message_id] = shown(mail)  # a repetition is shown once
        return [list(lines.values()) for lines in found.values()]

    def letter(self, place: Place) -> Mail:
        """The latest of a thread."""
        return [mail for mail in self.team.mails if f"<desk.{place.thread}." in mail.message_id][-1]

    async def card(self, place: Place) -> str:
        return await self._asked(place, "#card")

    async def timeline(self, place: Place) -> str:
        return await self._asked(place, "#timeline")

    async def _asked(self, place: Place, command: str) -> str:
        before = len(self.ana.mails)
        self.posted.append(self.ana.reply(self.letter(place), command))
        return as_read((await self.ana.wait_for(count=before + 1))[-1])

    async def told(self, agent: Agent) -> Sequence[str]:
        return [as_read(mail) for mail in self.sandbox.mailbox(agent.id.removeprefix("email:")).mails]

    async def marked(self, place: Place, entry: str) -> str:
        return "\n".join(mail.text for mail in self.team.mails if mail.header("In-Reply-To") == entry)

    async def write(self, place: Place, text: str) -> str:
        self.posted.append(self.ana.reply(self.letter(place), text))
        return self.posted[-1].message_id

    async def send(self, place: Place, text: str) -> str:
        return await self.write(place, f"#reply\n{text}")

    async def act(
        self,
        place: Place,
        kind: ActKind,
        *,
        text: str = "",
        value: str = "",
        files: Sequence[tuple[str, str, bytes]] = (),
    ) -> None:
        enclosed = [SentFile(*file) for file in files]
        self.posted.append(self.ana.reply(self.letter(place), command(kind, text, value), files=enclosed))

    async def intrude(self, place: Place, kind: ActKind, text: str) -> None:
        self.posted.append(self.eve.reply(self.letter(place), command(kind, text, "anything")))

    async def intruder_told(self) -> str:
        return as_read((await self.eve.wait_for())[0])

    async def redeliver(self) -> None:
        await self.posted[-1].settled()
        self.sandbox.post_again(self.posted[-1])

    def acknowledged(self) -> int:
        return sum(posted.acknowledged for posted in self.posted)

    async def edit(self, place: Place, entry: str, text: str) -> None:
        raise NotImplementedError

    async def delete(self, place: Place, entry: str) -> None:
        raise NotImplementedError

    async def throttle(self, after: float) -> None:
        raise NotImplementedError

    async def cut_off(self) -> None:
        self.sandbox.faults.add(Cut(accepted=True), provider="email", method="DATA")

    async def close(self) -> None:
        self.sandbox.close_mailbox(SENIOR)


def command(kind: ActKind, text: str, value: str) -> str:
    """How it is written."""
    match kind:
        case ActKind.NOTE:
            return text
        case ActKind.ASSIGN:
            return f"#assign {value.removeprefix('email:')}"
        case ActKind.HAND_BACK:
            return "#back"
        case ActKind.RESOLVE:
            return f"#resolve {value}: {text}"
        case ActKind.SNOOZE:
            return f"#snooze {value[:16]}"
        case ActKind.MERGE:
            return f"#merge {value} {text}"
        case ActKind.REPLY:
            return f"#reply\n{text}"
        case ActKind.CONSENT:
            return f"#consent {text}"
        case ActKind.RETRY:
            return "#retry"
    return f"#{kind.value} {value}".strip()
