"""The channel's contract, with the listener in both of its protocols and with a mailbox at a provider."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import ClassVar, Literal

import pytest_asyncio
from email_office import OURS, SARAH, free_port, settings

from omnibot.contract import Site
from omnibot.model import Address, DeliveryState, Identifier, IdentifierKind
from omnibot.sandbox import Cut
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.mail import ImapSandbox, Mail, MailSandbox, Posted, Verdict
from omnibot.sandbox.mail.imap_folders import ImapAccount
from omnibot.sandbox.mail.letters import returned
from omnibot.testing import Ability, ChannelContract, Taken
from omnibot_email import Email
from omnibot_email.settings import EmailSettings


class MailProvider:
    """The sandbox's mail server, as the suite drives it."""

    lacks: ClassVar = {
        Ability.SIGNATURE: "a forged mail is taken and quarantined",
        Ability.THROTTLE: "SMTP does not tell when to come again",
        Ability.BUTTONS: "a mail has none",
        Ability.EDIT: "what was mailed stays as it is",
        Ability.REDACT: "what was mailed stays where it is",
    }

    def __init__(self, sandbox: MailSandbox, port: int, protocol: Literal["lmtp", "smtp"]) -> None:
        self.sandbox = sandbox
        self.port = port
        self.protocol = protocol
        self.sarah = sandbox.mailbox(SARAH, "Sarah Miller")
        self.posted: list[Posted] = []

    @property
    def customer(self) -> Address:
        return Address("email", SARAH)

    @property
    def vouched(self) -> tuple[Identifier, ...]:
        return (Identifier(IdentifierKind.EMAIL, SARAH),)

    def settings(self, password: str = "correct") -> EmailSettings:
        return settings(
            self.sandbox.port,
            self.port,
            smtp={"username": "omnibot", "password": password},
            listen={"protocol": self.protocol},
        )

    def wrong_settings(self) -> EmailSettings:
        return self.settings(password="wrong")

    async def attach(self, site: Site) -> None:
        return None

    async def deliver(self, text: str) -> None:
        self.posted.append(self.sarah.write("Contract", text))

    async def redeliver(self) -> None:
        self.sandbox.post_again(self.posted[-1])

    def acknowledged(self) -> int:
        return sum(posted.acknowledged for posted in self.posted)

    async def block(self) -> None:
        self.sandbox.close_mailbox(SARAH)

    async def cut_off(self) -> None:
        self.sandbox.faults.add(Cut(accepted=True), provider="email", method="DATA")

    async def deliver_file(self, text: str, name: str, media_type: str, content: bytes) -> None:
        self.posted.append(self.sarah.write("Contract", text, files=[SentFile(name, media_type, content)]))

    async def report(self) -> DeliveryState:
        mail = self.sarah.mails[-1]
        raw = returned(mail, "5.1.1", at=self.sandbox.now())
        self.sandbox.post(raw, sender="", recipient=mail.sender, verdict=Verdict.UNCHECKED)
        return DeliveryState.REFUSED

    def accepted(self) -> Sequence[Taken]:
        return [Taken(mail.recipient, mail.text, files=_files(mail)) for mail in self.sarah.mails]


def _files(mail: Mail) -> tuple[bytes, ...]:
    return tuple(part.get_payload(decode=True) for part in mail.message.iter_attachments())  # type: ignore[misc]


class EmailContract(ChannelContract):
    channel = Email
    protocol: ClassVar[Literal["lmtp", "smtp"]]

    @pytest_asyncio.fixture
    async def provider(self) -> AsyncIterator[MailProvider]:
        port = free_port()
        sandbox = MailSandbox(
            deliver_to=("127.0.0.1", port),
            protocol=self.protocol,
            username="omnibot",
            password="correct",
            retry_after=0.02,
        )
        async with sandbox:
            yield MailProvider(sandbox, port, self.protocol)


class TestOverLmtp(EmailContract):
    protocol = "lmtp"


class TestOverSmtp(EmailContract):
    protocol = "smtp"


class MailboxProvider(MailProvider):
    """The same, but for that mail lies in a mailbox until we fetch it."""

    def __init__(self, sandbox: MailSandbox, imap: ImapSandbox, account: ImapAccount) -> None:
        super().__init__(sandbox, 0, "lmtp")
        self.imap = imap
        self.account = account

    def settings(self, password: str = "correct") -> EmailSettings:
        return settings(
            self.sandbox.port,
            smtp={"username": "omnibot", "password": "correct"},
            imap={"port": self.imap.port, "password": password},
        )

    async def deliver(self, text: str) -> None:
        await super().deliver(text)
        await self.posted[-1].settled()

    def acknowledged(self) -> int:
        return len(self.account.inbox.flagged("$Omnibot"))


class TestOverImap(ChannelContract):
    channel = Email

    @pytest_asyncio.fixture
    async def provider(self) -> AsyncIterator[MailboxProvider]:
        async with ImapSandbox() as imap:
            account = imap.account(OURS, "correct")
            async with MailSandbox(deliver_to=account, username="omnibot", password="correct") as sandbox:
                yield MailboxProvider(sandbox, imap, account)
