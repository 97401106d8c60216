"""A lean LMTP client (RFC 2033): it brings mail over kept connections, one command at a time, as an exchanger does."""

from __future__ import annotations

import asyncio
import time
from typing import cast

CONNECTIONS = 32
_HELLO = b"LHLO bench.example\r\n"


class LmtpWire:
    """Up to `connections` kept connections to one server on loopback."""

    def __init__(self, host: str, port: int, connections: int = CONNECTIONS) -> None:
        self._host, self._port = host, port
        self._idle: list[_Session] = []
        self._free = asyncio.Semaphore(connections)

    def close(self) -> None:
        """Hang up."""
        for session in self._idle:
            session.close()

    async def bring(self, sender: str, recipient: str, mail: bytes) -> tuple[float, int]:
        """When it left (`time.perf_counter`) and the code of the last answer; 0 when none came."""
        async with self._free:
            try:
                session = self._idle.pop() if self._idle else await self._connect()
                sent = time.perf_counter()
                code = await session.bring(sender, recipient, mail)
            except OSError:
                return time.perf_counter(), 0
            self._idle.append(session)
            return sent, code

    async def _connect(self) -> _Session:
        loop = asyncio.get_running_loop()
        _, session = await loop.create_connection(_Session, self._host, self._port)
        await session.answer()
        await session.ask(_HELLO)
        return session


class _Session(asyncio.Protocol):
    """One connection; one question at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def bring(self, sender: str, recipient: str, mail: bytes) -> int:
        """The code of the last answer; raises ConnectionError."""
        for command in (b"MAIL FROM:<%s>\r\n" % sender.encode(), b"RCPT TO:<%s>\r\n" % recipient.encode(), b"DATA\r\n"):
            code = await self.ask(command)
            if code >= 400:
                await self.ask(b"RSET\r\n")
                return code
        return await self.ask(mail.replace(b"\r\n.", b"\r\n..") + b".\r\n")

    async def ask(self, line: bytes) -> int:
        """Say something; the code of what is answered."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(line)
        return await self._answer

    async def answer(self) -> int:
        """What the server says by itself."""
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self._answer.done():
            self._answer.set_exception(ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        self._received += data
        *lines, self._received = self._received.split(b"\r\n")
        for line in lines:
            if line[3:4] != b"-" and not self._answer.done():
                self._answer.set_result(int(line[:3]))
