"""Mails as the customers of the sandbox see and write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime, formataddr
from enum import StrEnum
from functools import cached_property
from html import escape
from uuid import uuid4

from omnibot.sandbox.customers import SentFile

WRAPPED = 78  # characters at which programs wrap what they write themselves


class Program(StrEnum):
    """With which program a customer writes: they quote differently."""

    GMAIL = "gmail"
    APPLE = "apple"
    OUTLOOK = "outlook"
    THUNDERBIRD_GERMAN = "thunderbird_german"


@dataclass(frozen=True)
class Mail:
    """A mail that came into a customer's mailbox."""

    sender: str  # of the envelope
    recipient: str
    raw: bytes = field(repr=False)

    @cached_property
    def message(self) -> EmailMessage:
        """It, parsed."""
        return message_from_bytes(self.raw, policy=default)

    def header(self, name: str) -> str:
        """A header's value, decoded; '' where it is not there."""
        return str(self.message.get(name, ""))

    @property
    def message_id(self) -> str:
        """Its Message-ID, with angle brackets."""
        return self.header("Message-ID").strip()

    @property
    def subject(self) -> str:
        """Its subject."""
        return self.header("Subject")

    @property
    def reply_address(self) -> str:
        """Where an answer goes."""
        name = "Reply-To" if "Reply-To" in self.message else "From"
        return str(self.message[name].addresses[0].addr_spec)

    @property
    def from_name(self) -> str:
        """Who has written, as programs show it."""
        address = self.message["From"].addresses[0]
        return str(address.display_name or address.addr_spec)

    @property
    def text(self) -> str:
        """The plain text, without the last line break."""
        return self._body("plain")

    @property
    def html(self) -> str:
        """The HTML; '' where there is none."""
        return self._body("html")

    def _body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()).replace("\r\n", "\n").removesuffix("\n") if part is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A mail that a customer writes."""

    sender: str
    name: str
    recipient: str
    subject: str
    text: str
    html: str = ""
    files: Sequence[SentFile] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_bytes(self, message_id: str, at: datetime) -> bytes:
        """The mail as it leaves the customer's program."""
        message = EmailMessage(policy=SMTP)
        message["From"] = formataddr((self.name, self.sender))
        message["To"] = self.recipient
        message["Subject"] = self.subject
        message["Date"] = format_datetime(at)
        message["Message-ID"] = message_id
        for name, value in self.headers.items():
            message[name] = value
        message.set_content(self.text, cte="quoted-printable")
        if self.html:
            message.add_alternative(self.html, subtype="html", cte="quoted-printable")
        for file in self.files:
            maintype, _, subtype = file.media_type.partition("/")
            message.add_attachment(file.content, maintype=maintype, subtype=subtype, filename=file.name)
        return message.as_bytes()


def returned(mail: Mail, status: str, *, at: datetime, message_id: str = "") -> bytes:
    """The report that a mail came back, or is late, as its recipient's server writes it (RFC 3464)."""
    host = f"mx.{mail.recipient.rpartition('@')[2]}"
    action = "delayed" if status.startswith("4.") else "failed"
    about = (
        f"Reporting-MTA: dns; {host}\r\n\r\nFinal-Recipient: rfc822; {mail.recipient}\r\nAction: {action}\r\n"
        f"Status: {status}\r\nDiagnostic-Code: smtp; {'4' if action == 'delayed' else '5'}50 {status} no\r\n"
    )
    head = mail.raw.partition(b"\r\n\r\n")[0] + b"\r\n"
    boundary = "=_report"
    lines = [
        f"From: Mail Delivery System <MAILER-DAEMON@{host}>",
        f"To: {mail.sender}",
        "Subject: Undelivered Mail Returned to Sender",
        f"Date: {format_datetime(at)}",
        f"Message-ID: {message_id or f'<{uuid4().hex}@{host}>'}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        "",
        f"--{boundary}\r\nContent-Type: text/plain\r\n\r\nYour message could not be delivered.\r\n",
        f"--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\n{about}",
        f"--{boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\n",
    ]
    return "\r\n".join(lines).encode() + head + f"\r\n--{boundary}--\r\n".encode()


def answer(mail: Mail, text: str, program: Program, *, sender: str, name: str, at: datetime) -> Draft:
    """An answer as a program writes it: threaded, with the mail that it answers quoted below."""
    subject = mail.subject if mail.subject.casefold().startswith("re:") else f"Re: {mail.subject}"
    references = " ".join([*mail.header("References").split(), mail.message_id])
    quoted_text, quoted_html = _QUOTES[program](mail, at)
    return Draft(
        sender=sender,
        name=name,
        recipient=mail.reply_address,
        subject=subject,
        text=f"{text}\n\n{quoted_text}\n",
        html=f"<div>{escape(text).replace(chr(10), '<br>')}</div>{quoted_html}",
        headers={"In-Reply-To": mail.message_id, "References": references},
    )


def _marked(mail: Mail) -> str:
    return "\n".join(f"> {line}" if line else ">" for line in mail.text.split("\n"))


def _wrapped(line: str, last_word: str) -> str:
    """An introduction, its last word on a line of its own where it would be too long."""
    return f"{line} {last_word}" if len(f"{line} {last_word}") <= WRAPPED else f"{line}\n{last_word}"


def _as_gmail(mail: Mail, at: datetime) -> tuple[str, str]:
    who = f"{mail.from_name} <{mail.reply_address}>"
    when = f"{at:%a, %b} {at.day}, {at:%Y} at {at:%I:%M %p}"
    introduction = _wrapped(f"On {when} {who}", "wrote:")
    return (
        f"{introduction}\n\n{_marked(mail)}",
        f'<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On {when} {escape(who)} wrote:<br></div>'
        f'<blockquote class="gmail_quote">{mail.html}</blockquote></div>',
    )


def _as_apple(mail: Mail, at: datetime) -> tuple[str, str]:
    introduction = f"On {at.day} {at:%b %Y}, at {at:%H:%M}, {mail.from_name} <{mail.reply_address}> wrote:"
    return (
        f"Sent from my iPhone\n\n> {introduction}\n> \n{_marked(mail)}",
        f'<div>Sent from my iPhone</div><br><blockquote type="cite">{escape(introduction)}<br>{mail.html}</blockquote>',
    )


def _as_outlook(mail: Mail, at: datetime) -> tuple[str, str]:
    lines = [
        f"From: {mail.from_name} <{mail.reply_address}>",
        f"Sent: {at:%A, %B} {at.day}, {at:%Y} {at:%I:%M %p}",
        f"To: {mail.recipient}",
        f"Subject: {mail.subject}",
    ]
    return (
        "\n".join(["_" * 32, *lines, "", mail.text]),
        f'<hr><div id="divRplyFwdMsg">{"<br>".join(map(escape, lines))}</div>{mail.html}',
    )


def _as_thunderbird_german(mail: Mail, at: datetime) -> tuple[str, str]:
    introduction = f"Am {at:%d.%m.%y} um {at:%H:%M} schrieb {mail.from_name}:"
    return (
        f"{introduction}\n{_marked(mail)}",
        f'<div class="moz-cite-prefix">{escape(introduction)}</div><blockquote type="cite">{mail.html}</blockquote>',
    )


_QUOTES = {
    Program.GMAIL: _as_gmail,
    Program.APPLE: _as_apple,
    Program.OUTLOOK: _as_outlook,
    Program.THUNDERBIRD_GERMAN: _as_thunderbird_german,
}
