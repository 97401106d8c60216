"""The email channel: one mailbox that customers write to and are answered from."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

from omnibot.contract import Accept, Cap, Channel, Finding, Limits, Receipt, Refused, Site
from omnibot.model import Address, Outbound
from omnibot_email.addresses import OwnAddress, normalised
from omnibot_email.arrival import CHANNEL, Delivery, incoming, writer_of
from omnibot_email.authentication import Authenticator, Lookup, dns_text
from omnibot_email.letter import Letter, read_letter
from omnibot_email.listener import MailListener
from omnibot_email.render import Envelope, next_context, render
from omnibot_email.settings import EmailSettings
from omnibot_email.submission import ConnectionFailed, Submission
from omnibot_email.tokens import TOKEN_TAG, issue, message_id

_MAX_TEXT = 100_000  # characters of one mail
_LARGE = 100_000  # bytes: reading more than this goes to a thread


class Email(Channel):
    """A mailbox behind the company's mail server; `lookup` answers TXT questions where we verify DKIM ourselves."""

    name = CHANNEL
    Settings = EmailSettings

    def __init__(self, site: Site, settings: EmailSettings, lookup: Lookup = dns_text) -> None:
        super().__init__(site, settings)
        self.limits = Limits(
            text=_MAX_TEXT,
            subject=True,
            in_flight=settings.smtp.connections,
            unsolicited=Cap(1, 3600),
        )
        self._settings = settings
        self._own = OwnAddress(settings.address)
        self._domain = settings.domain or settings.address.rpartition("@")[2]
        self._authenticator = Authenticator(settings.authserv_id, lookup)
        self._submission = Submission(settings.smtp, self._domain)
        self._cannot_listen = ""

    async def __aenter__(self) -> Self:
        await self._submission.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._submission.__aexit__(kind, error, trace)

    # --- out --------------------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Receipt:
        """Mail it to its address, with a Reply-To that brings the answer back to this conversation."""
        recipient = normalised(message.to.value)
        if recipient is None:
            raise Refused("not an email address", unreachable=True)
        now = self.site.now()
        token = issue(self.site.key, message.id, recipient, now + timedelta(days=self._settings.token_days))
        envelope = Envelope(
            sender=self._settings.address,
            name=self._settings.from_name,
            recipient=recipient,
            reply_to=self._own.tagged(TOKEN_TAG + token),
            message_id=message_id(self.site.key, message.id, self._domain),
            at=now,
        )
        await self._submission.send(envelope.sender, recipient, render(message, envelope))
        return Receipt(envelope.message_id, context=next_context(message, envelope))

    # --- in ---------------------------------------------------------------------------------------------------

    @classmethod
    def address(cls, text: str) -> Address:
        """In the one spelling that mail from there is known by."""
        known = normalised(text)
        if known is None:
            raise ValueError(f"{text.strip()!r} is no email address: write it like sarah@example.org, without a name")
        return Address(cls.name, known)

    async def listen(self, accept: Accept) -> None:
        """Take mail from our mail server until cancelled; raises OSError where the port is taken."""

        async def receive(delivery: Delivery) -> None:
            await self._receive(delivery, accept)

        self._cannot_listen = ""
        try:
            await MailListener(self._settings.listen, self._own, receive).run()
        except OSError as error:
            self._cannot_listen = error.strerror or type(error).__name__
            raise

    async def _receive(self, delivery: Delivery, accept: Accept) -> None:
        letter = await self._read(delivery.raw)
        writer, quarantine = writer_of(letter)
        if writer is not None and self._own.receives(writer.address):
            return  # our own mail come back, or a forgery of it
        if writer is not None and not quarantine:
            quarantine = await self._authenticator.doubt(letter.headers, delivery.raw, writer.domain)
        message = incoming(delivery, letter, writer, quarantine, own=self._own, key=self.site.key, now=self.site.now())
        await accept([message])

    async def _read(self, raw: bytes) -> Letter:
        if len(raw) > _LARGE:
            return await asyncio.to_thread(read_letter, raw)
        return read_letter(raw)

    # --- health -----------------------------------------------------------------------------------------------

    async def health(self) -> Sequence[Finding]:
        """Whether mail can be sent, arrives, and is verified."""
        return [*await self._outgoing(), *self._incoming(), *self._verification()]

    async def _outgoing(self) -> list[Finding]:
        smtp = self._settings.smtp
        try:
            await self._submission.check()
        except ConnectionFailed as failed:
            server = f"check smtp.host, smtp.port and smtp.security, and that {smtp.host} can be reached from here"
            action = "correct smtp.username and smtp.password" if failed.login else server
            return [Finding(failed.reason, action, fatal=True)]
        return []

    def _incoming(self) -> list[Finding]:
        if not self._cannot_listen:
            return []
        listen = self._settings.listen
        return [
            Finding(
                f"cannot listen on {listen.host}:{listen.port}: {self._cannot_listen}",
                "choose a free listen.port, or end the program that has it",
                fatal=True,
            )
        ]

    def _verification(self) -> list[Finding]:
        if self._settings.authserv_id:
            return []
        return [
            Finding(
                "authserv_id is not set: senders are verified by DKIM alone, others are quarantined",
                "set authserv_id to the id in the Authentication-Results that your mail server writes",
            )
        ]
