"""A lean HTTP client: the load shares two cores with what it measures, so it must cost little.

It knows POST with a body over kept connections, and answers with a Content-Length; nothing else.
"""

from __future__ import annotations

import asyncio
import time
from typing import cast

CONNECTIONS = 100  # the most that Telegram opens to one webhook
_HEAD_END = b"\r\n\r\n"


class Wire:
    """Up to `connections` kept connections to one server on loopback."""

    def __init__(self, host: str, port: int, connections: int = CONNECTIONS) -> None:
        self._host, self._port = host, port
        self._idle: list[_Connection] = []
        self._free = asyncio.Semaphore(connections)

    def close(self) -> None:
        """Hang up."""
        for connection in self._idle:
            connection.close()

    async def post(self, head: bytes, body: bytes) -> tuple[float, int]:
        """When it left (`time.perf_counter`) and the status that came back; 0 when none did."""
        async with self._free:
            try:
                connection = self._idle.pop() if self._idle else await self._connect()
                sent = time.perf_counter()
                status = await connection.request(b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body))
            except OSError:
                return time.perf_counter(), 0
            if connection.open:
                self._idle.append(connection)
            return sent, status

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, self._host, self._port)
        return connection


def head(path: str, host: str, headers: dict[str, str]) -> bytes:
    """The head of a POST, but for its length."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    return "".join(f"{line}\r\n" for line in lines).encode()


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self.open = False
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._received = b""

    async def request(self, content: bytes) -> int:
        """The status of the answer; raises ConnectionError."""
        if self._transport is None or not self.open:
            raise ConnectionResetError
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(content)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.open = cast(asyncio.Transport, transport), True

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(_HEAD_END)
        if end < 0:
            return
        head = self._received[:end].lower()
        if len(self._received) < end + len(_HEAD_END) + _length(head):
            return
        self._received = b""
        if b"\r\nconnection: close" in head:
            self.open = False
            self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(int(head[9:12]))


def _length(head: bytes) -> int:
    _, _, rest = head.partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0] or 0)
