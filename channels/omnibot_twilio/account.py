"""One account at Twilio: its REST API by Twilio's own SDK, over connections and deadlines of ours.

The SDK's `AsyncTwilioHttpClient` ignores the timeout that it is given, bounds no connecting, writes numbers and URLs
to the log, and drops the header that says when to come again. HTTP clients are the SDK's own point of extension.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit, urlunsplit

import certifi
import orjson
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    TCPConnector,
    encode_basic_auth,
)
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from omnibot_twilio.outcomes import NoAnswer, NotConnected, Rejected
from omnibot_twilio.settings import TwilioSettings

if TYPE_CHECKING:
    from twilio.rest.content.v1 import V1 as ContentV1
    from twilio.rest.messaging import Messaging

CONNECT = 10.0  # seconds to reach Twilio
_NOBODY = logging.getLogger("omnibot.twilio.sdk")
# asyncio.timeout bounds the whole of a call; this one tells what was never sent from what may have been accepted
_TIMEOUT = ClientTimeout(total=None, sock_connect=CONNECT)
# The SDK would look into the process's environment for where to call.
_NO_ENVIRONMENT = {"TWILIO_EDGE": "", "TWILIO_REGION": ""}


class Account:
    """An account and its connections; `open` and `close` it with the channel."""

    def __init__(self, settings: TwilioSettings, *, connections: int) -> None:
        self._settings = settings
        self._connections = connections
        self._http: _Http | None = None
        self._client: Client | None = None

    async def open(self) -> None:
        """Make the pool; inside the loop that will use it."""
        settings = self._settings
        self._http = _Http(settings.api, limit=self._connections, timeout=settings.timeout)
        user, secret = _credentials(settings)
        client = Client(user, secret, settings.account_sid, http_client=self._http, environment=_NO_ENVIRONMENT)
        client.api.base_url = settings.api
        self._client = client

    async def close(self) -> None:
        """Close the pool; no call is possible from now on."""
        self._client = None
        if self._http is not None:
            await self._http.close()
            self._http = None

    @property
    def client(self) -> Client:
        """The SDK's client. Its calls raise a `Failure`; it itself RuntimeError when the account is not open."""
        if self._client is None:
            raise RuntimeError("the Twilio account is not open: use it inside its context")
        return self._client

    # The SDK loads a product of Twilio's when it is first named.

    @property
    def content(self) -> ContentV1:
        """Templates."""
        product = self.client.content
        product.base_url = beside(self._settings.api, "content")
        return product.v1

    @property
    def messaging(self) -> Messaging:
        """Services, senders and what shows that an answer is being written."""
        product = self.client.messaging
        product.base_url = beside(self._settings.api, "messaging")
        return product


class _Http(AsyncHttpClient):  # type: ignore[misc]
    """How the SDK's calls travel: one pool, one deadline, and every answer but success an exception of ours."""

    def __init__(self, api_url: str, *, limit: int, timeout: float) -> None:
        super().__init__(_NOBODY, is_async=True)
        self._seconds = timeout
        trusted = ssl.create_default_context(cafile=certifi.where()) if api_url.startswith("https:") else False
        self._session = ClientSession(connector=TCPConnector(limit=limit, ttl_dns_cache=300, ssl=trusted))

    async def close(self) -> None:
        await self._session.close()

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, str | int] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """One call; raises NotConnected, NoAnswer or Rejected."""
        try:
            async with (
                asyncio.timeout(timeout or self._seconds),
                self._session.request(
                    method,
                    uri,
                    params=params,
                    data=urlencode(data, doseq=True).encode()
                    if data
                    else None,  # aiohttp's own way takes twice as long
                    headers={**(headers or {}), **({"Authorization": encode_basic_auth(*auth)} if auth else {})},
                    timeout=_TIMEOUT,
                    allow_redirects=allow_redirects,
                ) as answer,
            ):
                body = await answer.read()
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise NotConnected(type(error).__name__) from error
        except (TimeoutError, ClientError) as error:
            raise NoAnswer(type(error).__name__) from error
        if answer.status >= 300:
            raise Rejected(answer.status, _code(body, answer.status), _seconds(answer.headers.get("Retry-After", "")))
        if body and not body.startswith(b"{"):
            raise NoAnswer("what came is not Twilio's")  # a page of a proxy, with status 200
        return Response(answer.status, body.decode(errors="replace"), answer.headers)


def authorization(settings: TwilioSettings) -> str:
    """The header by which the API knows us."""
    return encode_basic_auth(*_credentials(settings))


def _credentials(settings: TwilioSettings) -> tuple[str, str]:
    if settings.api_key:
        return settings.api_key, settings.api_key_secret.get_secret_value()
    return settings.account_sid, settings.auth_token.get_secret_value()


def beside(api_url: str, product: str) -> str:
    """Where another product of Twilio's is: content.twilio.com beside api.twilio.com; the sandbox has all in one."""
    parts = urlsplit(api_url)
    head, _, domain = parts.netloc.partition(".")
    if head != "api" or not f".{domain}".endswith(".twilio.com"):
        return api_url
    return urlunsplit(parts._replace(netloc=f"{product}.{domain}"))


def _code(body: bytes, status: int) -> int:
    """Twilio's own number for what is wrong; where somebody else has answered, the status."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return status
    code = answer.get("code") if isinstance(answer, dict) else None
    return code if isinstance(code, int) else status


def _seconds(header: str) -> float | None:
    """Retry-After, which may be a date as well; then our own back-off does."""
    return float(header) if header.isascii() and header.isdecimal() else None
