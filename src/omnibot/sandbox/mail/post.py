"""The company's mail exchanger: it takes mail for the company, says who has sent it, and hands it to Omnibot."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Any, Literal

from omnibot.sandbox.faults import ARRIVAL, Delay, Duplicate, Faults
from omnibot.sandbox.mail.imap_folders import ImapAccount

PROVIDER = "email"
HELLO = "mx.sandbox.example"
ANSWER_SECONDS = 60.0


class Verdict(StrEnum):
    """What the company's server finds out about a sender."""

    PASS = "pass"
    FAIL = "fail"
    UNCHECKED = "unchecked"  # it adds no Authentication-Results


@dataclass(slots=True)
class Posted:
    """A mail on its way to Omnibot. `answers` are the codes it got, of every try."""

    raw: bytes = field(repr=False)
    sender: str
    recipient: str
    message_id: str = ""
    answers: list[int] = field(default_factory=list)
    _settled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def acknowledged(self) -> int:
        """How often it was taken."""
        return sum(1 for code in self.answers if 200 <= code < 300)

    @property
    def refused(self) -> bool:
        """Whether it was turned away for ever."""
        return bool(self.answers) and self.answers[-1] >= 500

    async def settled(self, deadline: float = 10.0) -> int:
        """The last answer, once it was taken or turned away, with all repetitions; TimeoutError after the deadline."""
        async with asyncio.timeout(deadline):
            await self._settled.wait()
        return self.answers[-1]

    def settle(self) -> None:
        """No more tries will follow."""
        self._settled.set()


HandOver = Callable[[Posted], Awaitable[int]]  # the code that a mail is answered with; raises OSError, EOFError


@dataclass(slots=True)
class Exchanger:
    """Brings mail to Omnibot, and comes again on 4xx and while nobody listens."""

    hand_over: HandOver
    authserv_id: str
    retry_after: float  # seconds between two tries
    faults: Faults
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    now: Callable[[], datetime]
    _held: list[tuple[int, Posted]] = field(default_factory=list)

    def post(self, raw: bytes, sender: str, recipient: str, verdict: Verdict, message_id: str = "") -> Posted:
        """Put a mail on its way; returns at once."""
        posted = Posted(self._received(raw, sender, verdict), sender, recipient, message_id)
        held, self._held = self._held, []
        match self.faults.take(PROVIDER, ARRIVAL, sender):
            case Delay(behind):
                self._held = [(behind, posted)]
            case Duplicate(times):
                self.spawn(self._deliver(posted, times + 1))
            case _:
                self.spawn(self._deliver(posted, 1))
        self._release(held)
        return posted

    def again(self, posted: Posted) -> None:
        """Deliver a mail once more, the same to the byte."""
        posted._settled.clear()
        self.spawn(self._deliver(posted, 1))

    def _release(self, held: list[tuple[int, Posted]]) -> None:
        for behind, posted in held:
            if behind > 1:
                self._held.append((behind - 1, posted))
            else:
                self.spawn(self._deliver(posted, 1))

    def _received(self, raw: bytes, sender: str, verdict: Verdict) -> bytes:
        """The mail with what a server adds on top of it."""
        received = f"from client by {self.authserv_id} with ESMTPS; {format_datetime(self.now())}"
        head = f"Return-Path: <{sender}>\r\n{self._results(sender, verdict)}Received: {received}\r\n"
        return head.encode() + re.sub(rb"\r?\n", b"\r\n", raw)

    def _results(self, sender: str, verdict: Verdict) -> str:
        if verdict is Verdict.UNCHECKED:
            return ""
        domain = sender.rpartition("@")[2] or "invalid"
        return (
            f"Authentication-Results: {self.authserv_id};\r\n"
            f" spf={verdict} smtp.mailfrom={domain};\r\n"
            f" dkim={verdict} header.d={domain};\r\n"
            f" dmarc={verdict} header.from={domain}\r\n"
        )

    async def _deliver(self, posted: Posted, times: int) -> None:
        for _ in range(times):
            while True:
                if await self._try(posted):
                    break
                await asyncio.sleep(self.retry_after)
        posted.settle()

    async def _try(self, posted: Posted) -> bool:
        """Whether it was taken or turned away for ever."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                code = await self.hand_over(posted)
        except (OSError, EOFError, ValueError):  # nobody listens, hung up, or answered nonsense
            return False
        posted.answers.append(code)
        return code < 400 or code >= 500


@dataclass(frozen=True, slots=True)
class ToListener:
    """Hands over by LMTP or SMTP, to whoever listens there."""

    host: str
    port: int
    protocol: Literal["lmtp", "smtp"]

    async def __call__(self, posted: Posted) -> int:
        """The last answer."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            return await self._dialogue(reader, writer, posted)
        finally:
            writer.close()

    async def _dialogue(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, posted: Posted) -> int:
        await _answer(reader)
        hello = "LHLO" if self.protocol == "lmtp" else "EHLO"
        size = len(posted.raw)
        for command in (
            f"{hello} {HELLO}",
            f"MAIL FROM:<{posted.sender}> SIZE={size} BODY=8BITMIME",
            f"RCPT TO:<{posted.recipient}>",
            "DATA",
        ):
            writer.write(command.encode() + b"\r\n")
            code = await _answer(reader)
            if code >= 400:
                return code
        writer.write(_stuffed(posted.raw))
        await writer.drain()
        code = await _answer(reader)
        writer.write(b"QUIT\r\n")
        return code


@dataclass(frozen=True, slots=True)
class ToMailbox:
    """Puts mail into a mailbox, where its owner finds it by IMAP; the envelope is kept in the usual headers."""

    account: ImapAccount

    async def __call__(self, posted: Posted) -> int:
        """It is always taken."""
        self.account.deliver(f"Delivered-To: {posted.recipient}\r\n".encode() + posted.raw)
        return 250


def _stuffed(raw: bytes) -> bytes:
    """A mail as it goes over the wire, with its end (RFC 5321 4.5.2)."""
    whole = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", whole) + b".\r\n"


async def _answer(reader: asyncio.StreamReader) -> int:
    """The code of one answer, which may have several lines."""
    while True:
        line = await reader.readuntil(b"\n")
        if line[3:4] != b"-":
            return int(line[:3])
