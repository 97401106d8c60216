"""The email channel: one mailbox that customers write to and are answered from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self
from urllib.parse import quote

import structlog

from omnibot.contract import Accept, Cap, Channel, Desk, Finding, Limits, Receipt, Refused, Site
from omnibot.model import Address, Attachment, DeliveryReport, File, Incoming, IncomingMessage, Outbound, Sender
from omnibot_email.addresses import OwnAddress, normalised
from omnibot_email.arrival import CHANNEL, TOO_LARGE, Delivery, incoming, recipients_of, writer_of
from omnibot_email.authentication import Authenticator, Lookup, NotNow, dns_text
from omnibot_email.desk import MailDesk
from omnibot_email.desk_post import handing_in, is_by_people, stray, to_desk
from omnibot_email.imap_reader import MailboxReader
from omnibot_email.imap_session import ImapFailed, LoginRefused
from omnibot_email.letter import Letter, read_letter
from omnibot_email.listener import MailListener
from omnibot_email.render import Enclosure, Envelope, next_context, render
from omnibot_email.reports import Proof, Report, is_for_reports, is_standard, proof_at, proof_within, read_report
from omnibot_email.settings import EmailSettings, Listen
from omnibot_email.submission import ConnectionFailed, Submission
from omnibot_email.tokens import BOUNCE_TAG, TOKEN_TAG, issue, message_id

_MAX_TEXT = 100_000  # characters of one mail
_LARGE = 100_000  # bytes: reading more than this goes to a thread
_FILES = 3  # of one mail
_BASE64 = 1.37  # how much longer files become, with their line breaks
_AROUND = 2_000_000  # bytes of a mail that are not files: the longest text, twice, each letter as six

_log = structlog.get_logger(__name__)


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
            files=_FILES,
            file_bytes=int((settings.smtp.max_bytes - _AROUND) / _BASE64 / _FILES),
        )
        self._settings = settings
        self._own = OwnAddress(settings.address)
        self._reports = OwnAddress(settings.reports_to) if settings.reports_to else None
        self._domain = settings.domain or settings.address.rpartition("@")[2]
        self._authenticator = Authenticator(settings.authserv_id, lookup)
        self._submission = Submission(settings.smtp, self._domain)
        self._desk = MailDesk(site, settings, self._submission, self._domain)
        self._cannot_listen = ""
        self._reader: MailboxReader | None = None
        if settings.imap:
            username = settings.imap.username or settings.address
            self._reader = MailboxReader(settings.imap, username, self._arrival, site.now)

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
        expires = now + timedelta(days=self._settings.token_days)
        token = issue(self.site.key, message.id, recipient, expires)
        envelope = Envelope(
            sender=self._settings.address,
            name=self._settings.from_name,
            recipient=recipient,
            reply_to=self._own.tagged(TOKEN_TAG + token),
            message_id=message_id(self.site.key, message.id, self._domain),
            at=now,
        )
        report_to = ""
        if self._reports:
            bounce = issue(self.site.key, message.id, recipient, expires, b"bounce")
            report_to = self._reports.tagged(BOUNCE_TAG + bounce)
        enclosed = await self._enclosed(message)
        mail = await asyncio.to_thread(render, message, envelope, enclosed) if enclosed else render(message, envelope)
        await self._submission.send(envelope.sender, recipient, mail, report_to=report_to)
        return Receipt(envelope.message_id, context=next_context(message, envelope))

    async def _enclosed(self, message: Outbound) -> list[Enclosure]:
        """The bytes of the files that go along; raises Refused for one that is not there any more."""
        return [
            Enclosure(part, b"".join([chunk async for chunk in self.site.files.open(part)]))
            for part in message.parts
            if isinstance(part, File)
        ]

    # --- in ---------------------------------------------------------------------------------------------------

    @classmethod
    def address(cls, text: str) -> Address:
        """In the one spelling that mail from there is known by."""
        known = normalised(text)
        if known is None:
            raise ValueError(f"{text.strip()!r} is no email address: write it like sarah@example.org, without a name")
        return Address(cls.name, known)

    async def invitation(self, text: str) -> str:
        """RFC 6068; the mail program fills in the words."""
        return f"mailto:{quote(self._settings.address, safe='@')}?body=/link%20{text}"

    async def listen(self, accept: Accept) -> None:
        """Take mail from our mail server, and out of our mailbox, until cancelled; OSError where the port is taken."""
        listener, reader = self._settings.listener, self._reader
        accept = handing_in(self._desk, accept)
        if listener and reader:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._take_deliveries(listener, accept))
                ways.create_task(reader.run(accept))
        elif listener:
            await self._take_deliveries(listener, accept)
        elif reader:
            await reader.run(accept)

    async def _take_deliveries(self, settings: Listen, accept: Accept) -> None:
        async def receive(delivery: Delivery) -> None:
            arrival = await self._arrival(delivery)
            if arrival is not None:
                await accept([arrival])

        self._cannot_listen = ""
        recipients = [self._own, *([self._reports] if self._reports else [])]
        try:
            await MailListener(settings, recipients, receive).run()
        except OSError as error:
            self._cannot_listen = error.strerror or type(error).__name__
            raise

    async def _arrival(self, delivery: Delivery) -> Incoming | None:
        """What a mail is to the core; None where it is nothing. Raises NotNow."""
        letter = await self._read(delivery.raw)
        if self._desk.is_at_desk(recipients_of(delivery, letter)):
            return await self._to_desk(delivery, letter)
        if self._is_for_reports(delivery, letter):
            return await asyncio.to_thread(self._reported, delivery, letter)
        if is_standard(letter, delivery.raw):
            proof = proof_within(delivery.raw, letter, self._own, key=self.site.key, now=self.site.now())
            if proof is not None:
                return self._report(delivery, letter, proof, read_report(delivery.raw, letter))
        writer, quarantine = writer_of(letter)
        if writer is not None and self._own.receives(writer.address):
            return None  # our own mail come back, or a forgery of it
        if writer is not None and not quarantine:
            quarantine = await self._doubt(delivery, letter, writer.domain)
        message = self._message(delivery, letter, quarantine)
        if writer is not None and not quarantine and self._desk.is_staff(writer):
            return stray(self._desk, message, writer) if is_by_people(message) else None
        return message

    async def _to_desk(self, delivery: Delivery, letter: Letter) -> Incoming | None:
        """What came to where teams answer. Raises NotNow."""
        writer, quarantine = writer_of(letter)
        if writer is not None and self._own.receives(writer.address):
            return None
        if writer is not None and not quarantine:
            quarantine = await self._doubt(delivery, letter, writer.domain)
        message = self._message(delivery, letter, quarantine)
        place = self._desk.place_of(recipients_of(delivery, letter))
        return to_desk(self._desk, place, message, writer, delivery, letter)

    async def _doubt(self, delivery: Delivery, letter: Letter, domain: str) -> str:
        """Why a From of this domain is not believed; '' where it is. Raises NotNow for what may wait."""
        try:
            return await self._authenticator.doubt(letter.headers, delivery.raw, domain)
        except NotNow:
            if delivery.may_wait:
                raise
            return "the name servers of the sender's domain do not answer"

    def _message(self, delivery: Delivery, letter: Letter, quarantine: str) -> IncomingMessage:
        writer, _ = writer_of(letter)
        return incoming(delivery, letter, writer, quarantine, own=self._own, key=self.site.key, now=self.site.now())

    async def _read(self, raw: bytes) -> Letter:
        if len(raw) > _LARGE:
            return await asyncio.to_thread(read_letter, raw)
        return read_letter(raw)

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """Mails bring their files with them; what was left at the server stays there."""
        raise Refused("larger than imap.max_bytes" if attachment.ref == TOO_LARGE else "there is no such file")
        yield b""

    # --- what became of ours ----------------------------------------------------------------------------------

    def _is_for_reports(self, delivery: Delivery, letter: Letter) -> bool:
        reports = self._reports
        return reports is not None and any(is_for_reports(to, reports) for to in recipients_of(delivery, letter))

    def _reported(self, delivery: Delivery, letter: Letter) -> Incoming | None:
        """What came to an address that only servers write to: a report of ours, or something for staff to look at."""
        assert self._reports is not None
        report = read_report(delivery.raw, letter)
        if report is None:
            return self._message(delivery, letter, "at the address for reports, and no report")
        recipients = recipients_of(delivery, letter)
        proof = proof_at(recipients, delivery.raw, letter, self._reports, key=self.site.key, now=self.site.now())
        if proof is None:
            return self._message(delivery, letter, "at the address for reports, without a token of ours")
        return self._report(delivery, letter, proof, report)

    def _report(self, delivery: Delivery, letter: Letter, proof: Proof, report: Report | None) -> DeliveryReport | None:
        if report is None or report.state is None:
            _log.info("email.delayed", message=proof.message)
            return None
        _log.info("email.reported", message=proof.message, state=report.state.value, reason=report.reason)
        message = self._message(delivery, letter, "")
        return DeliveryReport(
            id=message.id,
            at=message.at,
            sender=Sender(Address(CHANNEL, proof.recipient)),
            provider_id=message_id(self.site.key, proof.message, self._domain),
            state=report.state,
            reason=report.reason,
            unreachable=report.unreachable,
        )

    # --- people -----------------------------------------------------------------------------------------------

    def desk(self) -> Desk:
        """Letters to teams at their own addresses."""
        return self._desk

    # --- health -----------------------------------------------------------------------------------------------

    async def health(self) -> Sequence[Finding]:
        """Whether mail can be sent, arrives, and is verified."""
        return [
            *await self._outgoing(),
            *self._incoming(),
            *await self._mailbox(),
            *self._verification(),
            *self._teams(),
        ]

    async def _outgoing(self) -> list[Finding]:
        try:
            notes = await self._submission.check(self._settings.address, self._reports)
        except ConnectionFailed as failed:
            return [Finding(failed.reason, failed.action, fatal=True)]
        return [Finding(what, action) for what, action in notes]

    def _incoming(self) -> list[Finding]:
        listener = self._settings.listener
        if not self._cannot_listen or listener is None:
            return []
        return [
            Finding(
                f"cannot listen on {listener.host}:{listener.port}: {self._cannot_listen}",
                "choose a free listen.port, or end the program that has it",
                fatal=True,
            )
        ]

    async def _mailbox(self) -> list[Finding]:
        if self._reader is None:
            return []
        findings = []
        try:
            if isinstance(refused := self._reader.trouble, LoginRefused):
                raise LoginRefused(  # without trying it once more
                    refused.reason, f"{refused.action}; then restart, or wait: it is tried again within the hour"
                )
            await self._reader.check()
        except ImapFailed as failed:
            findings.append(Finding(failed.reason, failed.action, fatal=True))
        else:
            if trouble := self._reader.trouble:
                findings.append(Finding(trouble.reason, trouble.action))
        if self._reader.left:
            findings.append(
                Finding(
                    f"{self._reader.left} mails cannot be read and are left in the mailbox",
                    "look at what is unread there, and answer these people yourselves",
                )
            )
        return findings

    def _verification(self) -> list[Finding]:
        if self._settings.authserv_id:
            return []
        return [
            Finding(
                "authserv_id is not set: senders are verified by DKIM alone, others are quarantined",
                "set authserv_id to the id in the Authentication-Results that your mail server writes",
            )
        ]

    def _teams(self) -> list[Finding]:
        return [
            Finding(
                f"letters to the team at {room} come back",
                "mend that mailbox, or name another room of its team under [desk.teams]",
            )
            for room in self._desk.returned
        ]
