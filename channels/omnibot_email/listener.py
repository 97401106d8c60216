"""Where the company's mail server hands mail over: LMTP (RFC 2033) or SMTP, inside the server's own loop.

A mail is answered with 250 only after it was committed; our mail server keeps it otherwise, and comes again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from omnibot.contract import NotAccepted
from omnibot_email.addresses import OwnAddress
from omnibot_email.arrival import Delivery
from omnibot_email.authentication import NotNow
from omnibot_email.settings import Listen

Receive = Callable[[Delivery], Awaitable[None]]  # returns after the commit; raises NotAccepted or NotNow

_CHUNK = 65536  # bytes that are read at once, so that a large mail does not hold the loop
_IDLE_SECONDS = 300
_LINE_BREAK = b"\r\n"
_DOT = b".\r\n"
_END = _LINE_BREAK + _DOT

_OK = "250 2.1.5 OK"
_TAKEN = "250 2.0.0 taken"
_COME_AGAIN = "451 4.3.0 not taken now, come again"
_TOO_LARGE = "552 5.3.4 the message is too large"
_NOT_OURS = "550 5.1.1 no such mailbox here"
_OUT_OF_STEP = "503 5.5.1 the message came before 354"

_log = structlog.get_logger(__name__)


class MailListener:
    """Accepts mail for our addresses until cancelled. Also what aiosmtpd calls a handler."""

    def __init__(self, settings: Listen, own: Sequence[OwnAddress], receive: Receive) -> None:
        self.settings = settings
        self.sessions: set[_Session] = set()
        self._own = own
        self._receive = receive

    async def run(self) -> None:
        """Listen until cancelled; raises OSError where the port is taken."""
        # aiosmtpd logs every command with its addresses
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        loop = asyncio.get_running_loop()
        kind = _LmtpSession if self.settings.protocol == "lmtp" else _Session
        server = await loop.create_server(
            lambda: kind(self), self.settings.host, self.settings.port, start_serving=False
        )
        try:
            await server.start_serving()  # in here: it yields once, and may be cancelled then
            await loop.create_future()
        finally:
            server.close()
            if ending := [session.end() for session in self.sessions]:
                await asyncio.wait(ending)
            await server.wait_closed()

    async def handle_RCPT(self, session: SMTP, _: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        """Take mail for our addresses and their plus addresses, and for nobody else."""
        if not any(own.receives(address) for own in self._own):
            return _NOT_OURS
        envelope.rcpt_tos.append(address)
        return _OK

    async def handle_exception(self, error: Exception) -> str:
        """What is answered when a session fails in itself."""
        _log.error("email.session_failed", error=type(error).__name__)
        return _COME_AGAIN

    async def take(self, envelope: Envelope, content: bytes) -> str:
        """Hand one mail on and answer for it."""
        delivery = Delivery(content, envelope.mail_from or "", tuple(envelope.rcpt_tos))
        try:
            await self._receive(delivery)
        except (NotAccepted, NotNow) as reason:
            _log.warning("email.not_taken", reason=type(reason).__name__)
            return _COME_AGAIN
        except Exception as error:  # whatever failed, the mail is not committed; its text may name people
            _log.error("email.take_failed", error=type(error).__name__)
            return _COME_AGAIN
        return _TAKEN


class _Session(SMTP):
    """One connection of our mail server."""

    line_length_limit = _CHUNK  # what the reader buffers; how long the lines of a mail are is no matter

    def __init__(self, listener: MailListener) -> None:
        super().__init__(
            listener,
            data_size_limit=listener.settings.max_bytes,
            enable_SMTPUTF8=True,
            hostname="omnibot",
            ident="ready",
            timeout=_IDLE_SECONDS,
            loop=asyncio.get_running_loop(),
        )
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._listener.sessions.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._listener.sessions.discard(self)

    def end(self) -> asyncio.Task[None]:
        """Hang up; the task ends when a mail that was being taken is let go. Our server comes again with it."""
        assert self.transport is not None
        assert self._handler_coroutine is not None
        self.transport.close()
        return self._handler_coroutine

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:
        """Read a mail in large pieces; aiosmtpd does it by the line, which takes seconds for 25 MB."""
        if await self.check_helo_needed():
            return
        envelope = self.envelope
        assert envelope is not None
        if arg or not envelope.rcpt_tos:
            await self.push("501 5.5.4 DATA takes no argument" if arg else "503 5.5.1 need RCPT first")
            return
        # a line break ahead of it: the end is a dot on a line of its own, and may be the first line
        self._reader.feed_data(_LINE_BREAK)
        await self.push("354 end with a dot on a line of its own")
        content = await self._content()
        self.envelope = self._create_envelope()
        answer = await self._answer(envelope, content)
        for _ in range(self._answers(envelope)):
            await self.push(answer)

    async def _answer(self, envelope: Envelope, content: bytes | None) -> str:
        if content is None:
            return _TOO_LARGE
        if not content.startswith(_LINE_BREAK):
            return _OUT_OF_STEP
        unstuffed = content.replace(b"\r\n..", b"\r\n.")
        return await self._listener.take(envelope, unstuffed.removeprefix(_LINE_BREAK))

    async def _content(self) -> bytes | None:
        """What comes up to the dot, with its last line break; None where that is too much."""
        chunks: list[bytes] = []
        size = 0
        while True:
            try:
                chunk, is_last = await self._reader.readuntil(_END), True
            except asyncio.LimitOverrunError as far:
                chunk, is_last = await self._reader.read(far.consumed), False
            self._reset_timeout()
            size += len(chunk)
            if size > self._listener.settings.max_bytes + len(_LINE_BREAK) + len(_END):
                chunks.clear()
            else:
                chunks.append(chunk)
            if is_last:
                return b"".join(chunks)[: -len(_DOT)] if chunks else None

    def _answers(self, envelope: Envelope) -> int:
        return 1


class _LmtpSession(_Session, LMTP):
    """The same for LMTP, which answers once for every recipient (RFC 2033 4.2)."""

    def _answers(self, envelope: Envelope) -> int:
        return len(envelope.rcpt_tos)
