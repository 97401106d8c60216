"""Handing mails to the company's submission server over a few kept connections.

One connection carries one mail at a time. What a failure means depends on one thing: whether the mail had been
handed over when it came. Before that nothing was accepted; after it, it may have been.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPHeloError,
    SMTPRecipientRefused,
    SMTPResponseException,
)

from omnibot.contract import Refused, TryLater, Unsure
from omnibot_email.settings import Smtp

_IDLE_SECONDS = 60.0  # a connection that rested longer is not used again: servers hang up after some minutes
_GOODBYE_SECONDS = 2.0
_NO_SUCH_MAILBOX = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1")  # RFC 3463

_OUR_LOGIN = (530, 534, 535, 538)  # the account's fault, not the mail's: it is to wait until that is mended


@dataclass(slots=True)
class _Connection:
    client: SMTP
    used_at: float


class ConnectionFailed(Exception):
    """No connection could be opened, or it would not let us in; `login` when it is the login that failed."""

    def __init__(self, reason: str, *, login: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.login = login


class Submission:
    """The submission server of one account; an async context."""

    def __init__(self, settings: Smtp, host_name: str) -> None:
        self._settings = settings
        self._host_name = host_name
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

    async def send(self, sender: str, recipient: str, mail: bytes) -> None:
        """Hand one mail over; or raise Refused, TryLater or Unsure.

        A caller that is cancelled leaves the dialogue to end by itself: cut off in the middle, the server would take
        the next mail on this connection for a part of this one.
        """
        if not self._open:
            raise RuntimeError("the email channel is closed")
        task = asyncio.create_task(self._send(sender, recipient, mail))
        self._sending.add(task)
        task.add_done_callback(self._forget)
        await asyncio.shield(task)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        if not task.cancelled():
            task.exception()  # a caller that has gone away does not read it

    async def _send(self, sender: str, recipient: str, mail: bytes) -> None:
        dialogue = _Dialogue(sender, recipient, mail)
        try:
            async with asyncio.timeout(self._settings.timeout), self._connection() as client:
                await dialogue.run(client)
        except ConnectionFailed as failed:
            raise TryLater(failed.reason) from None
        except SMTPResponseException as answer:
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
            password=settings.password.get_secret_value() if settings.username else None,
            local_hostname=self._host_name,
            timeout=settings.timeout,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
        )
        try:
            await client.connect()
            await _greet(client)
        except SMTPAuthenticationError as error:
            raise ConnectionFailed(f"the mail server refused the login ({error.code})", login=True) from None
        except (SMTPException, OSError) as error:
            client.close()
            raise ConnectionFailed(f"cannot connect to the mail server ({type(error).__name__})") from None
        return client

    async def check(self) -> None:
        """Whether a connection can be opened now; raises ConnectionFailed."""
        try:
            async with asyncio.timeout(self._settings.timeout):
                await _hang_up(await self.connect())
        except TimeoutError:
            raise ConnectionFailed("cannot connect to the mail server (no answer in time)") from None


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
