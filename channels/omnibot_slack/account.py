"""One app's account in one workspace: every call passes here, and none without a deadline.

slack_sdk repeats a call by itself when the connection breaks, which would post a message twice, and makes a session of
its own when it is given none: both are switched off. It ignores its own timeout when it is given a session. What most
calls need of it is done here with half of the work: building their URLs, headers and retries anew took longer than
aiohttp takes for the call.
"""

from __future__ import annotations

import asyncio
import json as stdlib_json
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import certifi
import orjson
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    TCPConnector,
)
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from omnibot_slack.settings import SlackSettings

CONNECT = 10.0  # seconds to reach Slack
_TIMEOUT = ClientTimeout(total=None, sock_connect=CONNECT)  # asyncio.timeout bounds the whole of a call

Ask = Callable[[AsyncWebClient], Awaitable[AsyncSlackResponse]]
Fields = Mapping[str, Any]


class CallFailed(Exception):
    """A call of the Web API was not done, or nobody knows.

    `error` is Slack's own word for it, '' where there was no answer of Slack's; `reached` is False where Slack cannot
    have got it; `after` is in how many seconds to come again, where it says.
    """

    def __init__(
        self, error: str, *, reason: str = "", status: int = 0, after: float | None = None, reached: bool = True
    ) -> None:
        super().__init__(error or reason)
        self.error = error
        self.reason = reason or error
        self.status = status
        self.after = after
        self.reached = reached


@dataclass(frozen=True, slots=True)
class Me:
    """Our app in its workspace."""

    team: str
    user: str  # the bot's
    bot: str
    name: str
    org_wide: bool  # installed for a whole organisation, which is more than one workspace
    scopes: frozenset[str]  # of the token; empty where Slack does not say
    url: str = ""  # where people read it in a browser, with a slash at the end; '' where Slack does not say


class Account:
    """The bot's token and the connections that it is used on; `open` and `close` it with the channel."""

    def __init__(self, settings: SlackSettings, *, connections: int) -> None:
        self._settings = settings
        self._connections = connections
        self._session: ClientSession | None = None
        self._web: AsyncWebClient | None = None
        self._me: Me | None = None
        self._asking = asyncio.Lock()
        # A logger without a level of its own makes the SDK write out every request and answer, for nobody.
        self.logger = logging.getLogger("slack_sdk")
        self.logger.setLevel(logging.WARNING)

    async def open(self) -> None:
        """Make the pool; inside the loop that will use it."""
        trusted = (
            ssl.create_default_context(cafile=certifi.where()) if self._settings.api.startswith("https:") else None
        )
        self._session = ClientSession(
            connector=TCPConnector(limit=self._connections, ttl_dns_cache=300, ssl=trusted or True), timeout=_TIMEOUT
        )
        self._web = _Web(
            self._settings.token.get_secret_value(),
            base_url=self._settings.api,
            ssl=trusted,
            session=self._session,
            retry_handlers=[],
            logger=self.logger,
        )

    async def close(self) -> None:
        """Close the pool; no call is possible from now on."""
        if self._session is not None:
            await self._session.close()
        self._session = self._web = None

    @property
    def session(self) -> ClientSession:
        """The pool itself, for what is no call of the Web API."""
        if self._session is None:
            raise RuntimeError("the Slack account is not open: use it inside its context")
        return self._session

    @property
    def web(self) -> AsyncWebClient:
        """The client; raises RuntimeError when not open, where the SDK would make a session for each call."""
        if self._web is None:
            raise RuntimeError("the Slack account is not open: use it inside its context")
        return self._web

    async def call(self, ask: Ask, seconds: float | None = None) -> Fields:
        """Do a call within so many seconds (the account's own by default); raises CallFailed."""
        return _fields(await self._call(ask, seconds))

    async def _call(self, ask: Ask, seconds: float | None = None) -> AsyncSlackResponse:
        web = self.web
        try:
            async with asyncio.timeout(seconds or self._settings.timeout):
                return await ask(web)
        except SlackApiError as error:
            raise _failure(error) from error
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise CallFailed("", reason=f"cannot be reached: {type(error).__name__}", reached=False) from error
        except (TimeoutError, ClientError) as error:
            raise CallFailed("", reason=f"no answer: {type(error).__name__}") from error
        except (AttributeError, ValueError) as error:
            # what the SDK makes of an answer that is no JSON object: the page of a proxy in between
            raise CallFailed("", reason="an answer that is malformed") from error

    async def me(self) -> Me:
        """Our app, as Slack knows it: asked once. Raises CallFailed."""
        async with self._asking:
            return self._me or await self.look()

    async def look(self) -> Me:
        """The same, as it is now: what the token may do changes. Raises CallFailed."""
        self._me = _me(await self._call(lambda web: web.auth_test()))
        return self._me


class _Web(AsyncWebClient):
    """The SDK's client, with a short way for calls that carry JSON or a query and nothing else."""

    async def api_call(self, api_method: str, **how: Any) -> AsyncSlackResponse:  # noqa: ANN401 - the SDK's own
        given = {name: value for name, value in how.items() if value is not None}
        verb, json, params = given.pop("http_verb", "POST"), given.pop("json", None), given.pop("params", None)
        carried = params if json is None else json
        plain = not given and None in (json, params) and isinstance(carried, dict) and "token" not in carried
        if not plain or self.proxy or self.session is None:
            return await super().api_call(api_method, **how)
        headers = {**self.headers, "Authorization": f"Bearer {self.token}"}
        url = self.base_url + api_method
        if json is not None:
            headers["Content-Type"] = "application/json;charset=utf-8"
            sending = self.session.request(verb, url, data=_encoded(json), headers=headers)
        else:
            query = {name: _asked(value) for name, value in carried.items() if value is not None}
            sending = self.session.request(verb, url, params=query, headers=headers)
        async with sending as answer:
            data = await _decoded(answer)
            told = AsyncSlackResponse(
                client=self,
                http_verb=verb,
                api_url=url,
                req_args={},
                data=data,
                headers=answer.headers,  # type: ignore[arg-type]
                status_code=answer.status,
            )
            told.validate()  # type: ignore[no-untyped-call]
            return told


def _asked(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _encoded(fields: Fields) -> bytes:
    try:
        return orjson.dumps(fields)
    except TypeError:  # half a surrogate pair
        return stdlib_json.dumps(fields).encode()


async def _decoded(answer: ClientResponse) -> dict[str, Any]:
    """What Slack says; nothing where it is not said in JSON. Raises ValueError, SlackApiError."""
    if answer.content_type == "text/plain":
        raise ValueError("no method of the Web API answers in plain text")
    if not answer.content_type.endswith("json"):
        return {}
    try:
        data = stdlib_json.loads(await answer.read())  # unlike orjson it takes halves of surrogate pairs
    except ValueError as error:
        raise SlackApiError("the answer is no JSON", answer) from error  # type: ignore[no-untyped-call]
    if not isinstance(data, dict):
        raise ValueError("the answer is no JSON object")
    return data


def _fields(answer: AsyncSlackResponse) -> Fields:
    return answer.data if isinstance(answer.data, dict) else {}


def _me(answer: AsyncSlackResponse) -> Me:
    fields = _fields(answer)
    return Me(
        team=str(fields.get("team_id", "")),
        user=str(fields.get("user_id", "")),
        bot=str(fields.get("bot_id", "")),
        name=str(fields.get("user", "")),
        org_wide=fields.get("is_enterprise_install") is True,
        url=str(fields.get("url") or ""),
        scopes=frozenset(scope.strip() for scope in answer.headers.get("x-oauth-scopes", "").split(",") if scope),
    )


def _failure(error: SlackApiError) -> CallFailed:
    """What Slack said. Where it was no JSON the SDK holds aiohttp's answer instead of its own."""
    answer = error.response
    if not isinstance(answer, AsyncSlackResponse):
        return CallFailed("", reason="an answer that is malformed", status=getattr(answer, "status", 0))
    word = answer.data.get("error") if isinstance(answer.data, dict) else None
    status = answer.status_code
    return CallFailed(
        word if isinstance(word, str) else "",
        reason="" if isinstance(word, str) else f"status: {status}",
        status=status,
        after=_seconds(answer.headers.get("Retry-After")),
    )


def _seconds(written: str | None) -> float | None:
    try:
        seconds = float(written or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
