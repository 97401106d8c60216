"""A mailbox at work: the channel, what it has handed over, and the company's mail server around it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from omnibot.contract import Site
from omnibot.model import Address, IncomingMessage, MessageId, Outbound, Paragraph, Part
from omnibot.sandbox import Faults
from omnibot.sandbox.mail import MailSandbox, Verdict
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


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settings(smtp_port: int, listen_port: int, **more: Any) -> EmailSettings:
    """Settings against the sandbox."""
    given: dict[str, Any] = {
        "address": OURS,
        "from_name": "Example Support",
        "authserv_id": "mx.example.com",
        "smtp": {"host": "127.0.0.1", "port": smtp_port, "security": "none", "timeout": 10},
        "listen": {"port": listen_port},
    }
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
