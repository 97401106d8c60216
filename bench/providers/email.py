"""Email on the bench: mail brought by LMTP with the exchanger's findings on top, replies by SMTP.

Who has got a reply answers it, quoting, as people do: to what answers nothing of ours, one automatic mail an hour is
all that anybody gets.
"""

from __future__ import annotations

import binascii
import itertools
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import Envelope, Session

from bench.lmtp import LmtpWire
from bench.provider import Payload, Posted, Provider
from bench.providers.http import HOST
from omnibot.model import Part
from omnibot.sandbox import Faults, Outcome, ServerError
from omnibot.sandbox.mail import MailSandbox
from omnibot.sandbox.mail.letters import Mail
from omnibot.sandbox.mail.post import PROVIDER
from omnibot.sandbox.server import free_port
from omnibot_email.render import as_text

ADDRESS, AUTHSERV_ID = "support@example.com", "mx.example.com"
CONNECTIONS = 16
_DOMAIN = "bench.example"
_REPLY_TO = re.compile(rb"\r\nReply-To: (?:[^\r<]*<)?([^\s>]+)")
_MESSAGE_ID = re.compile(rb"\r\nMessage-ID:\s*(<[^>]+>)", re.IGNORECASE)
_PLAIN = re.compile(rb"\r\nContent-Type: text/plain.*?\r\n\r\n(.*?)\r\n--", re.DOTALL)
_BUSY = "451 4.3.0 try again later"
_HEAD = """\
Return-Path: <{sender}>
Authentication-Results: {authserv_id};
 spf=pass smtp.mailfrom={domain};
 dkim=pass header.d={domain};
 dmarc=pass header.from={domain}
Received: from client by {authserv_id} with ESMTPS; {date}
From: Sandra Box <{sender}>
To: {recipient}
Subject: {subject}
Date: {date}
Message-ID: {message}
{threading}MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="=_bench"

--=_bench
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: 8bit

{text}
{quoted}
--=_bench
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: 8bit

<div dir="ltr">{text}</div>
{quoted_html}
--=_bench--
"""
_QUOTED = """
On Mon, Mar 2, 2026 at 10:03 AM Example Support <support@example.com>
wrote:

> Hello,
>
> Thank you for your message. You can do this yourself at any time: open
> Settings, choose Account, and follow the steps on the page.
>
> If anything is unclear, just write again.
"""
_QUOTED_HTML = """<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Mon, Mar 2, 2026 at 10:03 AM \
Example Support wrote:<br></div><blockquote class="gmail_quote"><p>Hello,</p><p>Thank you for your message. You can do \
this yourself at any time: open Settings, choose Account, and follow the steps on the page.</p><p>If anything is \
unclear, just write again.</p></blockquote></div>"""


class LmtpDoor:
    """Where one server takes mail."""

    def __init__(self, port: int) -> None:
        self._wire = LmtpWire(HOST, port)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.close()

    async def post(self, posted: Posted) -> tuple[float, bool]:
        """When it left, and whether it was taken."""
        sent, code = await self._wire.bring(posted.address, posted.head.decode(), posted.body)
        return sent, 200 <= code < 300


class _Quick(MailSandbox):
    """A mail server that looks no closer at a mail than it must: it shares the machine with what is measured."""

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: ANN401
        """Take a mail, or refuse it as ordered."""
        raw, recipient = bytes(envelope.original_content or b""), envelope.rcpt_tos[0]
        message = _MESSAGE_ID.search(raw)
        payload = {"to": recipient, "message_id": message[1].decode() if message else ""}
        if self.faults.take(PROVIDER, "DATA", recipient) is not None:
            self.ledger.append(PROVIDER, self.address, "DATA", payload, Outcome.REFUSED, _BUSY)
            return _BUSY
        self.ledger.append(PROVIDER, self.address, "DATA", payload, to=f"email:{recipient}", text=_text(raw))
        await self.mailbox(recipient).receive(Mail(self.address, recipient, raw))
        return "250 2.0.0 OK"


class EmailProvider(Provider):
    """A mail server and the customers' mailboxes; a mail is brought again until it is taken."""

    channel = "email"
    sends = "DATA"
    largest = 100_000
    patience = 10.0
    refusal = ServerError(451)

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self._listens = free_port()
        self.sandbox = self._mail = _Quick(
            self.receipts, faults, address=ADDRESS, authserv_id=AUTHSERV_ID, deliver_to=(HOST, self._listens)
        )
        self._numbers = itertools.count(1)

    @staticmethod
    def id_of(payload: Payload) -> str:
        return str(payload.get("message_id", ""))

    def customer(self, number: int) -> str:
        return f"customer{number}@{_DOMAIN}"

    def write(self, address: str, text: str) -> Posted:
        message = f"<bench.{next(self._numbers)}@{_DOMAIN}>"
        mails = self._mail.mailbox(address).mails
        recipient, threading = _answering(mails[-1].raw) if mails else (ADDRESS, "")
        mail = _HEAD.format(
            sender=address,
            authserv_id=AUTHSERV_ID,
            domain=_DOMAIN,
            date=format_datetime(datetime.now(UTC)),
            recipient=recipient,
            subject="Re: A question" if mails else "A question",
            message=message,
            threading=threading,
            text=text,
            quoted=_QUOTED if mails else "",
            quoted_html=_QUOTED_HTML if mails else "",
        )
        return Posted(address, message, mail.replace("\n", "\r\n").encode(), recipient.encode())

    def settings(self, port: int, *, impatient: bool = False) -> str:
        return f"""
[channels.email.main]
address = "{ADDRESS}"
authserv_id = "{AUTHSERV_ID}"
[channels.email.main.listen]
port = {self._listens}
[channels.email.main.smtp]
host = "{HOST}"
port = {self._mail.port}
security = "none"
connections = {CONNECTIONS}
"""

    def given(self) -> dict[str, Any]:
        return {"port": self._mail.port, "address": ADDRESS, "authserv_id": AUTHSERV_ID, "connections": CONNECTIONS}

    def door(self, port: int, *, bare: bool) -> LmtpDoor:
        return LmtpDoor(port if bare else self._listens)

    def seen(self, parts: Sequence[Part]) -> str:
        return as_text(parts)


def _text(raw: bytes) -> str:
    """The plain text of a mail, as far as its form is known."""
    found = _PLAIN.search(raw)
    body = binascii.a2b_qp(found[1]) if found else raw.partition(b"\r\n\r\n")[2]
    return body.decode().replace("\r\n", "\n").removesuffix("\n")


def _answering(raw: bytes) -> tuple[str, str]:
    """Where the answer to a mail goes, and the header lines that say what it answers."""
    reply_to, message = _REPLY_TO.search(raw), _MESSAGE_ID.search(raw)
    assert message is not None
    answered = message[1].decode()
    return reply_to[1].decode() if reply_to else ADDRESS, f"In-Reply-To: {answered}\nReferences: {answered}\n"
