"""A team's mailbox keeps the contract of a desk, with mail that is delivered and with mail that is fetched."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from email_office import OURS, free_port, settings
from mail_staffroom import ANA, BEN, MailStaffroom

from omnibot.sandbox.mail import ImapSandbox, MailSandbox
from omnibot.sandbox.mail.imap_folders import ImapAccount
from omnibot.testing import DeskContract
from omnibot_email import Email
from omnibot_email.settings import EmailSettings


class TestOverLmtp(DeskContract):
    channel = Email

    @pytest_asyncio.fixture
    async def people(self) -> AsyncIterator[MailStaffroom]:
        port = free_port()
        async with MailSandbox(deliver_to=("127.0.0.1", port), retry_after=0.02) as sandbox:
            yield MailStaffroom(sandbox, port)


class FetchedStaffroom(MailStaffroom):
    """The same, but for that mail lies in a mailbox until we fetch it."""

    def __init__(self, sandbox: MailSandbox, imap: ImapSandbox, account: ImapAccount) -> None:
        super().__init__(sandbox, 0)
        self.imap = imap
        self.account = account

    def settings(self) -> EmailSettings:
        imap = {"port": self.imap.port, "password": "correct"}
        return settings(self.sandbox.port, imap=imap, agents=[f"Ana Ruiz <{ANA}>", f"Ben <{BEN}>"])

    def acknowledged(self) -> int:
        return len(self.account.inbox.flagged("$Omnibot"))


class TestOverImap(DeskContract):
    channel = Email

    @pytest_asyncio.fixture
    async def people(self) -> AsyncIterator[FetchedStaffroom]:
        async with ImapSandbox() as imap:
            account = imap.account(OURS, "correct")
            async with MailSandbox(deliver_to=account) as sandbox:
                yield FetchedStaffroom(sandbox, imap, account)
