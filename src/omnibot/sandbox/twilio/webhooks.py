"""How Twilio calls a webhook: signed, with few retries, and never again afterwards.

After twilio.com/docs/usage/webhooks (security, connection overrides). Nothing says whether a signature covers the
fragment of the URL; here it does not, since no server ever sees one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qsl, quote_plus, urldefrag
from uuid import uuid4
from xml.etree import ElementTree

from aiohttp import (
    ClientConnectionError,
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
)

TOTAL = 15.0  # seconds for all tries of one webhook together
_CONNECT, _READ = 5.0, 15.0
_FAILURES = frozenset({"ct", "rt", "4xx", "5xx"})
_FORM = "application/x-www-form-urlencoded; charset=UTF-8"
_ANSWER = 64 * 1024  # bytes of TwiML that are read


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the fragment of a URL says about connecting: `#rc=5&rp=all`. Seconds; `policy` is what is tried again."""

    connect: float = _CONNECT
    read: float = _READ
    total: float = TOTAL
    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})

    @classmethod
    def of(cls, url: str) -> Overrides:
        """Read them from a URL; what is not understood counts as not said."""
        given = dict(parse_qsl(urldefrag(url).fragment))
        policy = set(given.get("rp", "ct").split(","))
        return cls(
            connect=_between(given.get("ct"), 100, 10_000, 5_000) / 1000,
            read=_between(given.get("rt"), 100, 15_000, 15_000) / 1000,
            total=_between(given.get("tt"), 100, 15_000, 15_000) / 1000,
            retries=_between(given.get("rc"), 0, 5, 1),
            policy=_FAILURES if "all" in policy else frozenset(policy & _FAILURES),
        )


def _between(value: str | None, lowest: int, highest: int, otherwise: int) -> int:
    if value is None or not value.isdecimal():
        return otherwise
    return min(max(int(value), lowest), highest)


def sign(token: str, url: str, parameters: Mapping[str, str]) -> str:
    """X-Twilio-Signature of a POST: HMAC-SHA1 over the URL and every parameter, sorted by name."""
    text = url + "".join(name + parameters[name] for name in sorted(parameters))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def encoded(parameters: Mapping[str, str]) -> bytes:
    """A form, as urlencode would write it: most names and values of a webhook need no escapes."""
    return "&".join([f"{name}={_escaped(value)}" for name, value in parameters.items()]).encode()


@lru_cache(maxsize=20_000)  # all but texts and ids come again
def _escaped(value: str) -> str:
    return value if value.isascii() and value.isalnum() else quote_plus(value)


@dataclass(frozen=True, slots=True)
class Call:
    """One webhook. However often it is tried, its idempotency token stays the same."""

    url: str  # as configured, with its overrides
    parameters: Mapping[str, str]
    fallback: str = ""  # called instead when this one fails
    token: str = field(default_factory=lambda: str(uuid4()))

    @property
    def target(self) -> str:
        """What is called and signed."""
        return urldefrag(self.url).url

    def request(self, secret: str) -> tuple[dict[str, str], bytes]:
        """Headers and body of one try."""
        return self.headers(sign(secret, self.target, self.parameters)), encoded(self.parameters)

    def headers(self, signature: str) -> dict[str, str]:
        """The headers of one try with this signature."""
        return {
            "Content-Type": _FORM,
            "X-Twilio-Signature": signature,
            "I-Twilio-Idempotency-Token": self.token,
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }


@dataclass(frozen=True, slots=True)
class Alert:
    """An entry of Twilio's error log."""

    code: int
    text: str


@dataclass(slots=True)
class Webhooks:
    """Calls the webhooks of one account, and remembers how that went."""

    secret: str
    timeout: float = TOTAL  # no webhook takes longer, whatever its overrides say
    posted: list[int] = field(default_factory=list)  # HTTP status of every try; 0: no answer
    acknowledged: int = 0
    alerts: list[Alert] = field(default_factory=list)

    async def call(self, client: ClientSession, call: Call) -> int:
        """Call as often as the overrides allow, then the fallback; returns the last status, 0 for no answer."""
        status = await self._persist(client, call)
        if call.fallback and not 200 <= status < 300:
            why = {"ErrorCode": str(self.alerts[-1].code), "ErrorUrl": call.target}
            status = await self._persist(client, Call(call.fallback, {**call.parameters, **why}, token=call.token))
        return status

    async def _persist(self, client: ClientSession, call: Call) -> int:
        overrides = Overrides.of(call.url)
        until = time.monotonic() + min(overrides.total, self.timeout)
        status = 0
        for _ in range(1 + overrides.retries):
            left = until - time.monotonic()
            if left <= 0:
                break
            status, failure = await self._try(client, call, overrides, left)
            self.posted.append(status)
            if not failure:
                self.acknowledged += 1
                break
            if failure not in overrides.policy:
                break
        return status

    async def _try(self, client: ClientSession, call: Call, overrides: Overrides, left: float) -> tuple[int, str]:
        """The status, and which failure it was ("" for none)."""
        headers, body = call.request(self.secret)
        timeout = ClientTimeout(total=left, sock_connect=overrides.connect, sock_read=overrides.read)
        try:
            async with client.post(
                call.target, data=body, headers=headers, timeout=timeout, allow_redirects=True
            ) as answer:
                content = await answer.content.read(_ANSWER)
                return answer.status, self._judge(call, answer.status, answer.content_type, content)
        except (ConnectionTimeoutError, ClientConnectionError) as error:
            connected = not isinstance(error, ConnectionTimeoutError | ClientConnectorError)
            self.alerts.append(Alert(11200 if connected else 11205, f"HTTP connection failure: {error}"))
            return 0, "rt" if connected else "ct"
        except (TimeoutError, ClientError):
            self.alerts.append(Alert(11200, f"HTTP retrieval failure: {call.target} gave no whole answer in time"))
            return 0, "rt"

    def _judge(self, call: Call, status: int, media_type: str, content: bytes) -> str:
        if status >= 400:
            self.alerts.append(Alert(11217, f"HTTP error response code: {call.target} answered {status}"))
            return f"{status // 100}xx"
        if content and "Body" in call.parameters:
            self._judge_twiml(media_type, content)
        return ""

    def _judge_twiml(self, media_type: str, content: bytes) -> None:
        """An answer to an incoming message is TwiML; what it orders is not carried out here."""
        if media_type == "text/plain":
            return  # Twilio would send it as a reply
        if media_type not in ("text/xml", "application/xml", "text/html"):
            self.alerts.append(Alert(12300, f"Invalid Content-Type: {media_type}"))
            return
        try:
            answer = ElementTree.fromstring(content)
        except ElementTree.ParseError as error:
            self.alerts.append(Alert(12100, f"Document parse failure: {error}"))
            return
        if answer.tag != "Response" or len(answer):
            self.alerts.append(Alert(12200, "Schema validation warning: this sandbox takes <Response/> alone"))
