"""Handing mails to the company's submission server over a few kept connections.

One connection carries one mail at a time. What a failure means depends on one thing: whether the mail had been
handed over when it came. Before that nothing was accepted; after it, it may have been.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPHeloError,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from omnibot.contract import Refused, TryLater, Unsure
from omnibot_email.access import NoToken, access_token
from omnibot_email.addresses import OwnAddress
from omnibot_email.settings import Smtp
from omnibot_email.tls import port_hint, tls_context, tls_trouble
from omnibot_email.tokens import BOUNCE_TAG, TOKEN_LENGTH

_IDLE_SECONDS = 60.0  # a connection that rested longer is not used again: servers hang up after some minutes
_GOODBYE_SECONDS = 2.0
_NO_SUCH_MAILBOX = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1")  # RFC 3463

_NOT_AS_THIS_SENDER = ("5.7.60", "5.2.252")  # Exchange's SendAsDenied
_NOT_WITHOUT_TLS = (530, 538)  # RFC 3207 4, RFC 4954 6
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_OUR_LOGIN = (530, 534, 535, 538)  # the account's fault, not the mail's: it is to wait until that is mended


@dataclass(slots=True)
class _Connection:
    client: SMTP
    used_at: float


class ConnectionFailed(Exception):
    """No connection could be opened, or it would not let us in; and who must do what."""

    def __init__(self, reason: str, action: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.action = action


class Submission:
    """The submission server of one account; an async context."""

    def __init__(self, settings: Smtp, host_name: str) -> None:
        self._settings = settings
        self._host_name = host_name
        self._takes_report_addresses = True  # until it refuses one, and takes the same mail without
        self._free = asyncio.Semaphore(settings.connections)
        self._idle: deque[_Connection] = deque()
        self._sending: set[asyncio.Task[None]] = set()
        self._open = False

    async def __aenter__(self) -> Submission:
        self._open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open = False
        if self._sending:
            # each ends within the settings' timeout; its result is nobody's any more
            await asyncio.wait(self._sending)
        while self._idle:
            await _hang_up(self._idle.popleft().client)

    async def send(self, sender: str, recipient: str, mail: bytes, *, report_to: str = "") -> None:
        """Hand one mail over; or raise Refused, TryLater or Unsure.

        Its envelope's sender is `report_to`, where reports come back to, or `sender` at a server that refuses others
        than that. A caller that is cancelled leaves the dialogue to end by itself: cut off in the middle, the server
        would take the next mail on this connection for a part of this one.
        """
        if not self._open:
            raise RuntimeError("the email channel is closed")
        task = asyncio.create_task(self._send(sender, recipient, mail, report_to))
        self._sending.add(task)
        task.add_done_callback(self._forget)
        await asyncio.shield(task)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        if not task.cancelled():
            task.exception()  # a caller that has gone away does not read it

    async def _send(self, sender: str, recipient: str, mail: bytes, report_to: str) -> None:
        is_refused = False
        if report_to and self._takes_report_addresses:
            try:
                await self._attempt(report_to, recipient, mail)
            except _SenderRefused:
                is_refused = True
            else:
                return
        try:
            await self._attempt(sender, recipient, mail)
        except _SenderRefused as refused:
            raise refused.meaning from None  # it is not that address: a mail too large is refused there, too
        if is_refused:
            self._takes_report_addresses = False

    async def _attempt(self, sender: str, recipient: str, mail: bytes) -> None:
        dialogue = _Dialogue(sender, recipient, mail)
        try:
            async with asyncio.timeout(self._settings.timeout), self._connection() as client:
                await dialogue.run(client)
        except ConnectionFailed as failed:
            raise TryLater(failed.reason) from None
        except SMTPResponseException as answer:
            if _is_about_the_sender(answer):
                raise _SenderRefused(_meaning(answer)) from None
            raise _meaning(answer) from None
        except (SMTPException, OSError):  # TimeoutError is an OSError
            if dialogue.was_handed_over:
                raise Unsure("the connection ended before the mail server confirmed") from None
            raise TryLater("the mail server did not answer") from None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[SMTP]:
        """A connection for one mail; given back only in a known state."""
        async with self._free:
            client = await self._rested() or await self.connect()
            try:
                yield client
            except BaseException as error:
                if not (isinstance(error, SMTPResponseException) and _is_clear(error)):
                    client.close()
                raise
            finally:
                if client.is_connected:
                    self._idle.append(_Connection(client, asyncio.get_running_loop().time()))

    async def _rested(self) -> SMTP | None:
        """An idle connection that still answers."""
        while self._idle:
            connection = self._idle.pop()
            client = connection.client
            is_fresh = asyncio.get_running_loop().time() - connection.used_at < _IDLE_SECONDS
            if is_fresh and client.is_connected:
                with suppress(SMTPException, OSError):
                    await client.rset()
                    return client
            client.close()
        return None

    async def connect(self) -> SMTP:
        """A new connection, greeted and logged in; raises ConnectionFailed."""
        settings = self._settings
        client = SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username or None,
            password=(settings.password.get_secret_value() or None) if settings.username else None,
            oauth_token_generator=self._token if settings.token_command else None,
            local_hostname=self._host_name,
            timeout=settings.timeout,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=self._tls if settings.security != "none" else None,
        )
        try:
            await client.connect()
            await _greet(client)
        except (SMTPException, OSError, NoToken) as error:
            client.close()
            raise self._failure(error) from None
        return client

    async def _token(self) -> str:
        return await access_token(self._settings.token_command)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return tls_context(self._settings.ca)

    def _failure(self, error: Exception) -> ConnectionFailed:
        """What went wrong in words that tell who must do what."""
        settings = self._settings
        if isinstance(error, NoToken):
            return ConnectionFailed(str(error), "run smtp.token_command by hand, as the user that runs Omnibot")
        if isinstance(error, SMTPAuthenticationError) and error.code in _NOT_WITHOUT_TLS:
            return ConnectionFailed(
                f"the mail server lets nobody log in without TLS ({error.code})",
                'set smtp.security = "starttls" or "tls"',
            )
        if isinstance(error, SMTPAuthenticationError):
            return ConnectionFailed(
                f"the mail server refused the login ({error.code})",
                "correct smtp.username and smtp.password; many providers want a password made for the application, or"
                " OAuth 2.0 (token_command)",
            )
        if trouble := tls_trouble(error, "smtp", settings.host):
            return ConnectionFailed(*trouble)
        said = str(error).casefold()
        if "starttls" in said and "not supported" in said:
            return ConnectionFailed(
                "the mail server offers no STARTTLS",
                'set smtp.security = "tls" and its port, usually 465; or "none", on your own machine alone',
            )
        if "auth" in said and isinstance(error, SMTPException) and not isinstance(error, SMTPResponseException):
            return ConnectionFailed(
                "the mail server lets nobody log in here",
                'set smtp.security = "starttls" or "tls", or take smtp.username away where no login is needed',
            )
        hint = port_hint("smtp", settings.port, settings.security)
        action = f"check smtp.host, smtp.port and smtp.security, and that {settings.host} can be reached from here"
        return ConnectionFailed(
            f"cannot connect to the mail server ({type(error).__name__})", f"{action}; {hint}" if hint else action
        )

    async def check(self, sender: str, reports: OwnAddress | None) -> list[tuple[str, str]]:
        """What is not as it should be on a connection opened now, and what to do; raises ConnectionFailed."""
        try:
            async with asyncio.timeout(self._settings.timeout):
                client = await self.connect()
                try:
                    notes = await self._noted(client, sender, reports)
                finally:
                    await _hang_up(client)
        except (TimeoutError, SMTPException, OSError) as error:
            raise self._failure(error) from None
        return notes

    async def _noted(self, client: SMTP, sender: str, reports: OwnAddress | None) -> list[tuple[str, str]]:
        settings = self._settings
        notes = []
        if settings.username and settings.security == "none" and settings.host not in _LOOPBACK:
            notes.append(("the password goes over the network for everybody to read", 'set smtp.security = "starttls"'))
        if reports is not None and not await _takes_sender(client, reports.tagged(BOUNCE_TAG + "a" * TOKEN_LENGTH)):
            notes.append(
                (
                    f"the mail server does not let us send as {reports.tagged(BOUNCE_TAG)}…, so that it cannot be seen"
                    " what has come back",
                    'let it take that sender, or set bounces = "off"',
                )
            )
        if not await _takes_sender(client, sender):
            notes.append((f"the mail server does not let us send as {sender}", "let smtp.username send as it"))
        return notes


class _SenderRefused(Exception):
    """The server does not let us send as this sender."""

    def __init__(self, meaning: Refused | TryLater | Unsure) -> None:
        super().__init__(meaning.reason)
        self.meaning = meaning


def _is_about_the_sender(answer: SMTPResponseException) -> bool:
    """Whether it is the envelope's sender that is refused for good: at MAIL, by Exchange only after the mail."""
    if isinstance(answer, SMTPSenderRefused):
        return answer.code >= 500 and answer.code not in _OUR_LOGIN
    return answer.code >= 550 and answer.message.startswith(_NOT_AS_THIS_SENDER)


async def _takes_sender(client: SMTP, sender: str) -> bool:
    try:
        await client.mail(sender)
    except SMTPSenderRefused as refused:
        return refused.code < 500
    await client.rset()
    return True


class _Dialogue:
    """One mail over one connection, knowing how far it came."""

    def __init__(self, sender: str, recipient: str, mail: bytes) -> None:
        self._sender = sender
        self._recipient = recipient
        self._mail = mail
        self.was_handed_over = False

    async def run(self, client: SMTP) -> None:
        """Raises SMTPResponseException for every answer that is not a yes."""
        options = [f"SIZE={len(self._mail)}"] if client.supports_extension("size") else []
        if not self._recipient.isascii():
            if not client.supports_extension("smtputf8"):
                raise Refused("the mail server takes no addresses beyond ASCII")
            options.append("SMTPUTF8")
        await client.mail(self._sender, options=options)
        await client.rcpt(self._recipient, encoding="utf-8")
        await self._hand_over(client)

    async def _hand_over(self, client: SMTP) -> None:
        # aiosmtplib's own data() does not tell a failure before the mail was written from one after it
        ready = await client.execute_command(b"DATA")
        if ready.code != 354:
            raise SMTPResponseException(ready.code, ready.message)
        protocol = client.protocol
        if protocol is None:
            raise OSError("the connection was lost")
        self.was_handed_over = True
        protocol.write(self._mail.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        answer = await protocol.read_response(timeout=None)
        if answer.code != 250:
            raise SMTPResponseException(answer.code, answer.message)


def _is_clear(answer: SMTPResponseException) -> bool:
    """Whether the server said no in good order, so that the dialogue can go on."""
    return 400 <= answer.code < 600


def _meaning(answer: SMTPResponseException) -> Refused | TryLater | Unsure:
    """What a no means (RFC 5321 4.2.1). Of the server's words only the enhanced code is kept: they name people."""
    enhanced = answer.message.partition(" ")[0]
    is_enhanced = enhanced.startswith(("4.", "5."))
    reason = f"the mail server answered {answer.code}{f' {enhanced}' if is_enhanced else ''}"
    if not _is_clear(answer):
        return Unsure(reason)
    if answer.code < 500 or answer.code in _OUR_LOGIN:
        return TryLater(reason)
    is_gone = enhanced in _NO_SUCH_MAILBOX or (not is_enhanced and answer.code == 550)
    return Refused(reason, unreachable=is_gone and isinstance(answer, SMTPRecipientRefused))


async def _greet(client: SMTP) -> None:
    """Learn what the server can do, where the login has not done so already."""
    if not client.is_ehlo_or_helo_needed:
        return
    try:
        await client.ehlo()
    except SMTPHeloError:
        await client.helo()


async def _hang_up(client: SMTP) -> None:
    with suppress(SMTPException, OSError):
        await client.quit(timeout=_GOODBYE_SECONDS)
    client.close()
