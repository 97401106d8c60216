"""Socket Mode: we connect to Slack, which hands over by WebSocket what it would post to a request URL otherwise.

docs.slack.dev/apis/events-api/using-socket-mode. slack_sdk has a client for it, which tries a wrong token for ever
without telling, closes the old connection before it has the new one, and leaves its tasks behind when it is closed.
This one is as long as the rules need: an envelope is acknowledged after its commit, a connection that Slack wants to
end gets its successor first, and everything ends with `run`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import structlog
from aiohttp import ClientError, ClientWebSocketResponse, ClientWSTimeout, WSMsgType
from slack_bolt.response import BoltResponse

from omnibot_slack.account import Account, CallFailed
from omnibot_slack.dispatch import Dispatch, Unreadable

FIRST_PAUSE, LAST_PAUSE = 0.2, 30.0  # seconds between two tries to connect
LASTING = 10.0  # seconds after which a connection counts as one that worked
HELLO_WITHIN = 15.0  # seconds for a new connection to be greeted
LEAVE_WITHIN = 5.0  # seconds that a connection which Slack ends may still take what is under way
CLOSE_WITHIN = 1.0  # seconds for saying goodbye
_HEARTBEAT = 20.0  # seconds; Slack pings too, but a dead connection does not

_log = structlog.get_logger("omnibot.slack")


class Sockets:
    """One connection at a time, two while one follows the other."""

    def __init__(self, account: Account, app_token: str, dispatch: Dispatch, *, name: str) -> None:
        self._account = account
        self._token = app_token
        self._dispatch = dispatch
        self._log = _log.bind(channel="slack", account=name)

    async def run(self) -> None:
        """Receive until cancelled."""
        pause = FIRST_PAUSE
        async with asyncio.TaskGroup() as connections:
            while True:
                after = await self._follow(connections)
                if after is None:
                    pause = FIRST_PAUSE
                    continue
                # Not let in, or thrown out at once: Slack does not want to be asked for connections all the time.
                wait = max(pause, after)
                self._log.warning("socket_again", again_in=wait)
                await asyncio.sleep(wait)
                pause = min(pause * 2, LAST_PAUSE)

    async def _follow(self, connections: asyncio.TaskGroup) -> float | None:
        """Serve one more connection until it wants a successor; None where it lasted.

        Otherwise in how many seconds Slack wants to be asked again.
        """
        try:
            connection = await self._connect()
        except CallFailed as failed:
            self._log.warning("socket_not_connected", reason=failed.reason)
            return failed.after or 0
        except (ClientError, TimeoutError, OSError) as error:
            self._log.warning("socket_not_connected", reason=type(error).__name__)
            return 0
        clock = asyncio.get_running_loop().time
        began, leaving = clock(), asyncio.Event()
        connections.create_task(self._serve(connection, leaving.set))
        await leaving.wait()
        return None if clock() - began > LASTING else 0

    async def _connect(self) -> ClientWebSocketResponse:
        """A connection that Slack has greeted; raises CallFailed, aiohttp's ClientError, TimeoutError."""
        opened = await self._account.call(lambda web: web.apps_connections_open(app_token=self._token))
        async with asyncio.timeout(HELLO_WITHIN):
            connection = await self._account.session.ws_connect(
                str(opened["url"]), heartbeat=_HEARTBEAT, timeout=ClientWSTimeout(ws_close=CLOSE_WITHIN)
            )
            first = await connection.receive()
            greeting = _loaded(first.data) if first.type is WSMsgType.TEXT else {}
            if greeting.get("type") == "hello":
                return connection
            await connection.close()
            raise CallFailed("", reason=str(greeting.get("reason", "connection closed")))

    async def _serve(self, connection: ClientWebSocketResponse, leave: Callable[[], None]) -> None:
        """Take what comes over a connection until it ends; `leave` once its successor is wanted."""
        try:
            async with asyncio.TaskGroup() as under_way:
                with suppress(TimeoutError):
                    async with asyncio.timeout(None) as deadline:
                        async for envelope in _envelopes(connection):
                            if envelope.get("type") == "disconnect":
                                self._log.info("socket_ends", reason=str(envelope.get("reason")))
                                leave()
                                deadline.reschedule(asyncio.get_running_loop().time() + LEAVE_WITHIN)
                            elif isinstance(id := envelope.get("envelope_id"), str):
                                under_way.create_task(self._answer(connection, id, envelope.get("payload")))
                leave()
        finally:
            leave()
            await connection.close()

    async def _answer(self, connection: ClientWebSocketResponse, id: str, payload: object) -> None:
        """Acknowledge what is committed; what is not comes again."""
        try:
            response = await self._dispatch.envelope(payload if isinstance(payload, dict) else {})
        except Unreadable:
            # it would not be better the next time
            self._log.warning("request_unreadable", reason="malformed")
            response = BoltResponse(status=200, body="")
        except CallFailed as failed:
            self._log.warning("request_not_taken", reason=failed.reason)
            return
        if response.status != 200:
            return
        with suppress(ConnectionError):  # then it comes again, and is known
            await connection.send_str(_acknowledgement(id, response.body))


async def _envelopes(connection: ClientWebSocketResponse) -> AsyncIterator[dict[str, Any]]:
    async for message in connection:
        if message.type is WSMsgType.TEXT:
            yield _loaded(message.data)


def _loaded(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)  # unlike orjson it takes halves of surrogate pairs
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _acknowledgement(id: str, answer: str) -> str:
    payload = _loaded(answer) or {"text": answer}  # an answer to a modal is an object
    return json.dumps({"envelope_id": id, "payload": payload} if answer else {"envelope_id": id})
