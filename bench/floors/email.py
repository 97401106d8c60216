"""The floor for email: aiosmtpd by LMTP in, kept aiosmtplib connections out; our own server's word is believed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.utils import format_datetime, parseaddr

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session
from aiosmtplib import SMTP

from bench.floor import Floor, Given

_MAIL = """\
From: {sender}
To: {recipient}
Subject: {subject}
Date: {date}
Message-ID: <floor.{number}@example.com>
In-Reply-To: {answered}
References: {answered}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: text/plain; charset="us-ascii"

{text}
"""


class _Handler:
    """What aiosmtpd calls."""

    def __init__(self, floor: Floor, given: Given, free: asyncio.Queue[SMTP]) -> None:
        self._floor = floor
        self._address = given["address"]
        self._authserv_id = given["authserv_id"]
        self._free = free
        self._number = 0

    async def handle_DATA(self, server: LMTP, session: Session, envelope: Envelope) -> str:
        mail = message_from_bytes(bytes(envelope.original_content or b""))
        results = mail["Authentication-Results"]
        if not results.startswith(self._authserv_id) or "dmarc=pass" not in results:
            return "550 5.7.1 not believed"
        sender = parseaddr(mail["From"])[1]
        reply = await self._floor.take(mail["Message-ID"], sender, _words(mail))
        self._floor.reply(self._reply(sender, mail, reply))
        return "250 2.0.0 taken"

    async def _reply(self, to: str, answered: Message, text: str) -> None:
        self._number += 1
        mail = _MAIL.format(
            sender=self._address,
            recipient=to,
            subject=answered["Subject"],
            date=format_datetime(datetime.now(UTC)),
            number=self._number,
            answered=answered["Message-ID"],
            text=text,
        )
        client = await self._free.get()
        try:
            await client.mail(self._address)
            await client.rcpt(to)
            await client.data(mail.encode())
        finally:
            self._free.put_nowait(client)


def _words(mail: Message) -> str:
    """The plain text above what it quotes."""
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            return content.decode().partition("\nOn ")[0].strip()
    return ""


@asynccontextmanager
async def email(floor: Floor, port: int, given: Given) -> AsyncIterator[None]:
    """Take mail by LMTP."""
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    free: asyncio.Queue[SMTP] = asyncio.Queue()
    clients = [
        SMTP(hostname="127.0.0.1", port=given["port"], use_tls=False, start_tls=False)
        for _ in range(given["connections"])
    ]
    for client in clients:
        await client.connect()
        free.put_nowait(client)
    handler = _Handler(floor, given, free)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: LMTP(handler, hostname="floor", loop=loop), "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for client in clients:
            client.close()
