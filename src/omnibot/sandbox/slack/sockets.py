"""Socket Mode: the WebSockets of an app, what goes over them, and what is acknowledged.

Source: docs.slack.dev/apis/events-api/using-socket-mode.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import uuid
from contextlib import suppress
from dataclasses import dataclass, field

import orjson
from aiohttp import WSMsgType, web

from omnibot.sandbox.slack.parameters import Json

MOST = 10  # connections at once
SECONDS = 18_060  # a connection's life, as Slack announces it; here it lives until told otherwise
_HOST = "applink-sandbox-1"


class NotAcknowledged(Exception):
    """An envelope was not acknowledged in time, or its connection broke."""


@dataclass(eq=False, slots=True)
class _Connection:
    """One WebSocket and the envelopes that it has not acknowledged; a future gets the answer in the acknowledgement."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict)

    def broke(self) -> None:
        for envelope in self.waiting.values():
            if not envelope.done():
                envelope.set_exception(NotAcknowledged())

    def got(self, text: str) -> None:
        """Whatever the app sends; what acknowledges nothing is ignored, as Slack ignores it."""
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            return
        if not isinstance(message, dict):
            return
        envelope = self.waiting.get(str(message.get("envelope_id")))
        if envelope is not None and not envelope.done():
            answer = message.get("payload")
            envelope.set_result(answer if isinstance(answer, dict) else {})


class Sockets:
    """The connections of one app: each needs a ticket that is good once."""

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id
        self._tickets: set[str] = set()
        self._connections: list[_Connection] = []
        self._numbers = itertools.count()
        self._connected = asyncio.Event()

    def __len__(self) -> int:
        """How many are connected."""
        return len(self._connections)

    def ticket(self) -> str:
        """What apps.connections.open puts into its URL."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return ticket

    def redeem(self, ticket: str) -> bool:
        """Whether a ticket is good; then it is no more."""
        if ticket not in self._tickets:
            return False
        self._tickets.remove(ticket)
        return True

    async def serve(self, request: web.Request, *, enabled: bool) -> web.WebSocketResponse:
        """Talk to one connection until it ends."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if not enabled:
            return await _bye(socket, "link_disabled")
        if len(self._connections) >= MOST:
            return await _bye(socket, "too_many_websockets")
        connection = _Connection(socket, request.transport)
        await socket.send_str(self._hello())
        self._connections.append(connection)
        self._connected.set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    connection.got(message.data)
        finally:
            self._forget(connection)
        return socket

    def _hello(self) -> str:
        return orjson.dumps(
            {
                "type": "hello",
                "num_connections": len(self._connections) + 1,
                "connection_info": {"app_id": self._app_id},
                "debug_info": {"host": _HOST, "build_number": 1, "approximate_connection_time": SECONDS},
            }
        ).decode()

    def _forget(self, connection: _Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
        if not self._connections:
            self._connected.clear()
        connection.broke()

    async def send(self, kind: str, payload: Json, number: int, reason: str, patience: float) -> Json:
        """Send an envelope over any connection, waiting for one; what the app answered with its acknowledgement."""
        while not self._connections:  # the one that woke us may be gone again
            await self._connected.wait()
        connection = self._connections[next(self._numbers) % len(self._connections)]
        id = str(uuid.uuid4())
        envelope: Json = {
            "envelope_id": id,
            "payload": payload,
            "type": kind,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": number, "retry_reason": reason}
        acknowledged: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        connection.waiting[id] = acknowledged
        try:
            async with asyncio.timeout(patience):
                await connection.socket.send_str(orjson.dumps(envelope).decode())
                return await acknowledged
        except (TimeoutError, ConnectionError):
            raise NotAcknowledged from None
        finally:
            del connection.waiting[id]

    async def disconnect(self, reason: str) -> None:
        """Tell every connection that it ends, and end it: `refresh_requested`, `link_disabled`."""
        for connection in list(self._connections):
            self._forget(connection)
            await _bye(connection.socket, reason)

    async def warn(self) -> None:
        """Announce on every connection that it will end soon."""
        for connection in self._connections:
            await connection.socket.send_str(_disconnect("warning"))

    def cut(self) -> None:
        """Let every connection break without a word."""
        for connection in list(self._connections):
            self._forget(connection)
            if connection.transport is not None:
                connection.transport.abort()


def _disconnect(reason: str) -> str:
    return orjson.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": _HOST}}).decode()


async def _bye(socket: web.WebSocketResponse, reason: str) -> web.WebSocketResponse:
    with suppress(ConnectionError):
        await socket.send_str(_disconnect(reason))
        await socket.close()
    return socket
