"""A mailbox at work: the channel, what it has handed over, and the company's mail server around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from omnibot.contract import Site
from omnibot.model import Address, Incoming, IncomingMessage, MessageId, Outbound, Paragraph, Part
from omnibot.sandbox import Faults, Ledger
from omnibot.sandbox.mail import ImapSandbox, MailSandbox, Verdict
from omnibot.sandbox.mail.imap import Extension
from omnibot.sandbox.mail.imap_folders import ImapAccount, StoredMail
from omnibot.sandbox.server import free_port
from omnibot.testing import Inbox
from omnibot_email import Email
from omnibot_email.authentication import Lookup
from omnibot_email.settings import EmailSettings

MAILS = Path(__file__).parent / "mails"
KEY = b"a key of the email tests"
NOON = datetime(2025, 3, 3, 12, 0, tzinfo=UTC)
OURS = "support@example.com"
SARAH = "sarah@example.org"
MIKE = "mike@example.net"


def settings(smtp_port: int, listen_port: int = 0, **more: Any) -> EmailSettings:
    """Settings against the sandbox; without a port to listen at they want `imap`."""
    given: dict[str, Any] = {
        "address": OURS,
        "from_name": "Example Support",
        "authserv_id": "mx.example.com",
        "smtp": {"host": "127.0.0.1", "port": smtp_port, "security": "none", "timeout": 10},
    }
    if listen_port:
        given["listen"] = {"port": listen_port}
    if "imap" in more:
        given["imap"] = {"host": "127.0.0.1", "security": "none", "password": "secret", "poll_seconds": 0.05}
    for name, value in more.items():
        given[name] = {**given[name], **value} if isinstance(value, dict) else value
    return EmailSettings.model_validate(given)


def outbound(
    *parts: Part, to: str = SARAH, id: int = 7, subject: str = "", context: Mapping[str, str] | None = None
) -> Outbound:
    """A message to a customer."""
    return Outbound(
        id=MessageId(id),
        to=Address("email", to),
        parts=parts or (Paragraph("Hello."),),
        subject=subject,
        context=context or {},
    )


class Clock:
    """The time, which stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


@dataclass
class Office:
    """See the module."""

    sandbox: MailSandbox
    channel: Email
    inbox: Inbox
    clock: Clock

    async def take(
        self, raw: bytes, *, sender: str = SARAH, recipient: str = OURS, verdict: Verdict = Verdict.PASS
    ) -> IncomingMessage | None:
        """Bring a mail; what came of it, None where nothing was handed on."""
        before = len(self.inbox.offers)
        posted = self.sandbox.post(raw, sender=sender, recipient=recipient, verdict=verdict)
        assert await posted.settled() == 250
        offered = self.inbox.offers[before:]
        assert len(offered) <= 1
        return offered[0] if offered else None  # type: ignore[return-value]

    async def told(self, raw: bytes, *, recipient: str, sender: str = "") -> Incoming | None:
        """Bring a report, as a server would; what came of it."""
        return await self.take(raw, sender=sender, recipient=recipient, verdict=Verdict.UNCHECKED)


@dataclass
class MailRoom:
    """A mailbox at a provider, and the channel that reads it."""

    imap: ImapSandbox
    account: ImapAccount
    sandbox: MailSandbox
    channel: Email
    inbox: Inbox
    clock: Clock
    more: Mapping[str, Any]

    def another(self, **more: Any) -> Email:
        """The same channel, anew: after a restart, or with other settings of `imap`."""
        given = {**self.more, **more, "port": self.imap.port}
        return Email(self.channel.site, settings(self.sandbox.port, imap=given))

    def arrives(self, raw: bytes, *flags: str) -> StoredMail:
        """A mail of Sarah's, as it lies there."""
        results = b"Authentication-Results: mx.example.com; dmarc=pass header.from=example.org\n"
        whole = results + b"Received: by mx.example.com\n" + raw
        return self.account.inbox.add(whole.replace(b"\n", b"\r\n"), flags, NOON)

    def marked(self) -> list[int]:
        """The UIDs that carry our keyword."""
        return [mail.uid for mail in self.account.inbox.flagged("$Omnibot")]

    @asynccontextmanager
    async def reading(self, channel: Email | None = None) -> AsyncIterator[asyncio.Task[None]]:
        """Let it read."""
        listener = asyncio.ensure_future((channel or self.channel).listen(self.inbox))
        try:
            yield listener
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener


@asynccontextmanager
async def mail_room(lacks: Collection[Extension] = (), **more: Any) -> AsyncIterator[MailRoom]:
    """Open it; `more` are settings of `imap`."""
    clock, faults = Clock(), Faults()
    ledger = Ledger(now=clock)
    async with ImapSandbox(ledger, faults, lacks=lacks) as imap:
        account = imap.account(OURS, "secret", token="fresh")
        async with MailSandbox(ledger, faults, address=OURS, deliver_to=account) as sandbox:
            site = Site(account="main", path="/channels/email/main", public_url="", key=KEY, now=clock)
            channel = Email(site, settings(sandbox.port, imap={"port": imap.port, **more}))
            async with channel:
                yield MailRoom(imap, account, sandbox, channel, Inbox(), clock, more)


async def until(true: Callable[[], object]) -> None:
    """Wait for what no event tells of."""
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def office(lookup: Lookup | None = None, **more: Any) -> AsyncIterator[Office]:
    """Open it; `more` are settings."""
    port, clock, inbox = free_port(), Clock(), Inbox()
    async with MailSandbox(faults=Faults(), address=OURS, deliver_to=("127.0.0.1", port), retry_after=0.01) as sandbox:
        sandbox.ledger.now = clock
        site = Site(account="main", path="/channels/email/main", public_url="", key=KEY, now=clock)
        given = settings(sandbox.port, port, **more)
        channel = Email(site, given, lookup) if lookup else Email(site, given)
        async with channel:
            listener = asyncio.ensure_future(channel.listen(inbox))
            try:
                yield Office(sandbox, channel, inbox, clock)
            finally:
                listener.cancel()
                with suppress(asyncio.CancelledError):
                    await listener


def mail(text: str = "hello", *, headers: str = "", sender: str = "Sarah <sarah@example.org>") -> bytes:
    """A plain mail; `headers` are further lines."""
    more = f"{headers.strip()}\n" if headers else ""
    message_id = "" if "message-id:" in headers.casefold() else "Message-ID: <one@example.org>\n"
    date = "" if "\ndate:" in f"\n{headers.casefold()}" else "Date: Mon, 3 Mar 2025 11:59:00 +0000\n"
    return f"From: {sender}\nTo: {OURS}\nSubject: A question\n{message_id}{date}{more}\n{text}\n".encode()
