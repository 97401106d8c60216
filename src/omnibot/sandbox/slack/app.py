"""An app of the emulated Slack: its secrets, where Slack calls it, and how what happens reaches it.

Slack tells an app by HTTP (signed, retried three times) or, in Socket Mode, over WebSockets. Laxer than Slack: while an
app in Socket Mode has no connection, what happens waits for one instead of being given up.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import orjson
from aiohttp import ClientConnectorSSLError, ClientError, ClientSession, ClientTimeout, TooManyRedirects

from omnibot.sandbox.faults import ARRIVAL, Delay, Duplicate, Faults
from omnibot.sandbox.slack.manifest import Manifest
from omnibot.sandbox.slack.parameters import Json
from omnibot.sandbox.slack.sockets import NotAcknowledged, Sockets

PROVIDER = "slack"
KEPT = 10_000  # statuses and events that an app remembers
PATIENCE = 3.0  # seconds that an app has for its answer
RETRIES = (0.05, 1.0, 5.0)  # seconds before each; Slack: at once, after a minute, after five
USER_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"
SUBSCRIPTIONS = frozenset(
    {
        "app_home_opened", "app_mention", "app_uninstalled", "channel_archive", "channel_left", "channel_unarchive",
        "group_archive", "group_left", "group_unarchive", "member_joined_channel", "member_left_channel",
        "message.channels", "message.groups", "message.im", "message.mpim", "reaction_added", "reaction_removed",
        "tokens_revoked",
    }
)  # fmt: skip

Kind = Literal["events_api", "interactive", "slash_commands"]


class Surroundings(Protocol):
    """What an app needs of the sandbox it lives in."""

    faults: Faults
    client: ClientSession

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside everything else until done, or until the sandbox closes."""
        ...


def _ignore(_: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that an app is told; `address` is whose doing it is: `T…/U…`."""

    kind: Kind
    address: str
    payload: Json = field(repr=False)
    place: str = ""  # the conversation that it happened in: `T…/C…`
    answered: Callable[[Json], None] = field(default=_ignore, repr=False)  # with what the app answered
    failed: Callable[[str], None] = field(default=_ignore, repr=False)  # why it got no answer

    @property
    def body(self) -> bytes:
        """What is posted, the same to the byte each time."""
        match self.kind:
            case "events_api":
                return _to_json(self.payload)
            case "interactive":
                return urlencode({"payload": _to_json(self.payload)}).encode()
            case "slash_commands":
                return urlencode(self.payload, errors="replace").encode()

    @property
    def content_type(self) -> str:
        """Of the body."""
        return "application/json" if self.kind == "events_api" else "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class _Try:
    """How one try went: `failure` is empty where the app said yes, and one of Slack's reasons otherwise."""

    failure: str = ""
    answer: Json = field(default_factory=dict)
    final: bool = False  # not to be tried again


class App:
    """One app. `retries` and `patience` are its times in seconds, `subscriptions` the events that it wants.

    `manifest` is what it was made of; without one it has every command, every shortcut, a home and messages.
    """

    def __init__(self, sandbox: Surroundings, id: str, secret_of: Callable[[str], str]) -> None:
        self.id = id
        self.signing_secret = secret_of("signing")[:32]
        self.app_token = f"xapp-1-{id}-{int(secret_of('token')[:12], 16)}-{secret_of('app')}"
        self.verification_token = secret_of("verification")[:24]
        self.app_scopes: set[str] = {"connections:write"}
        self.subscriptions: set[str] = set(SUBSCRIPTIONS)
        self.manifest: Manifest | None = None
        self.url_events = self.url_interactivity = self.url_commands = ""
        self.retries: tuple[float, ...] = RETRIES
        self.patience = PATIENCE
        self.now: Callable[[], float] = time.time  # of signatures and events
        self.acknowledged = 0  # yeses of the app, to repetitions too
        self.posted: deque[int] = deque(maxlen=KEPT)  # HTTP status of every try; 0: no answer
        self.given_up: deque[Notice] = deque(maxlen=KEPT)
        self.last: Notice | None = None  # event that somebody caused
        self.sockets = Sockets(id)
        self._sandbox = sandbox
        self._delayed: list[tuple[int, Notice]] = []

    # --- where it is called --------------------------------------------------------------------------------

    @property
    def socket_mode(self) -> bool:
        """Whether it is told over WebSockets; so it is until it has a request URL."""
        return not self.url_events

    def deliver_to(self, url: str, *, interactivity: str = "", commands: str = "") -> None:
        """Call this URL from now on, for all that is not given one of its own; '' switches Socket Mode on.

        Slack would not save a URL that fails its challenge: `save_request_url` does as Slack does.
        """
        self.url_events = url
        self.url_interactivity = interactivity or url
        self.url_commands = commands or url
        if url and len(self.sockets):
            self._sandbox.spawn(self.sockets.disconnect("link_disabled"))

    async def save_request_url(self, url: str) -> str:
        """Challenge a URL, and deliver to it if it passes; the complaint of Slack's settings page otherwise."""
        challenge = secrets.token_urlsafe(38)
        body: Json = {"token": self.verification_token, "challenge": challenge, "type": "url_verification"}
        status, text, _ = await self._post(url, orjson.dumps(body), "application/json", {})
        if not 200 <= status < 300:
            return f"Your request URL gave us a {status} error. Update your URL to receive a new request and value."
        if challenge not in (text.strip(), _json(text).get("challenge")):
            return "Your URL didn't respond with the value of the challenge parameter."
        self.deliver_to(url)
        return ""

    # --- what it is told -----------------------------------------------------------------------------------

    def tell(self, notice: Notice) -> None:
        """Deliver, as often and as late as ordered."""
        if notice.address and notice.kind == "events_api":
            self.last = notice
        fault = None
        if notice.address:
            fault = self._sandbox.faults.take(PROVIDER, ARRIVAL, notice.address, *filter(None, (notice.place,)))
        if isinstance(fault, Delay):
            self._delayed.append((fault.behind, notice))
            return
        self._sandbox.spawn(self._deliver(notice))
        if isinstance(fault, Duplicate):
            for number in range(1, fault.times + 1):
                self.again(notice, number)
        if notice.address and self._delayed:
            self._release()

    def again(self, notice: Notice, number: int = 1) -> None:
        """Deliver once more, as a retry of that number."""
        self._sandbox.spawn(self._deliver(notice, number, "http_timeout"))

    def _release(self) -> None:
        waiting, self._delayed = self._delayed, []
        for behind, notice in waiting:
            if behind > 1:
                self._delayed.append((behind - 1, notice))
            else:
                self._sandbox.spawn(self._deliver(notice))

    async def _deliver(self, notice: Notice, number: int = 0, reason: str = "") -> None:
        """Try until the app says yes; only events are tried more than once."""
        for attempt in itertools.count():
            result = await self._try(notice, number + attempt, reason)
            if not result.failure:
                self.acknowledged += 1
                notice.answered(result.answer)
                return
            if notice.kind != "events_api" or result.final or attempt >= len(self.retries):
                self.given_up.append(notice)
                notice.failed(result.failure)
                return
            reason = result.failure
            await asyncio.sleep(self.retries[attempt])

    async def _try(self, notice: Notice, number: int, reason: str) -> _Try:
        url = {"events_api": self.url_events, "interactive": self.url_interactivity}.get(notice.kind, self.url_commands)
        if not url:
            return await self._send(notice, number, reason)
        headers = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason} if number else {}
        status, text, failure = await self._post(url, notice.body, notice.content_type, headers)
        self.posted.append(status)
        if 200 <= status < 300:
            return _Try(answer=_json(text))
        return _Try(failure or "http_error", final=failure == "no_retry")

    async def _send(self, notice: Notice, number: int, reason: str) -> _Try:
        try:
            answer = await self.sockets.send(notice.kind, notice.payload, number, reason, self.patience)
        except NotAcknowledged:
            return _Try("timeout")
        return _Try(answer=answer)

    # --- HTTP ----------------------------------------------------------------------------------------------

    def signed(self, body: bytes, secret: str = "") -> dict[str, str]:
        """The headers that prove that Slack sends a body now."""
        now = str(int(self.now()))
        base = b"v0:" + now.encode() + b":" + body
        digest = hmac.new((secret or self.signing_secret).encode(), base, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": f"v0={digest}"}

    async def forge(self, notice: Notice) -> int:
        """Post a notice signed with a guessed secret, once; the status of the answer."""
        if not self.url_events:
            raise LookupError("there is no request URL: nobody can post to an app in Socket Mode")
        headers = {"Content-Type": notice.content_type, **self.signed(notice.body, "guessed")}
        async with self._sandbox.client.post(self.url_events, data=notice.body, headers=headers) as answer:
            return answer.status

    async def _post(self, url: str, body: bytes, content_type: str, more: dict[str, str]) -> tuple[int, str, str]:
        """Status (0: no answer), text and why it failed, in Slack's words; at most two redirects are followed."""
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Content-Type": content_type, **self.signed(body), **more}
        timeout = ClientTimeout(total=self.patience)
        try:
            async with self._sandbox.client.post(
                url, data=body, headers=headers, timeout=timeout, max_redirects=2
            ) as answer:
                text = await answer.text(errors="replace")
                return answer.status, text, "no_retry" if answer.headers.get("X-Slack-No-Retry") == "1" else ""
        except TimeoutError:
            return 0, "", "http_timeout"
        except TooManyRedirects:
            return 0, "", "too_many_redirects"
        except ClientConnectorSSLError:
            return 0, "", "ssl_error"
        except (ClientError, OSError):
            return 0, "", "connection_failed"


def _to_json(value: Json) -> bytes:
    """JSON as Slack sends it: half a surrogate pair, which people's keyboards do produce, is escaped."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()


def _json(text: str) -> Json:
    """An answer of an app; one that is no JSON is a text to be shown."""
    if not text.strip():
        return {}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"text": text}
    return value if isinstance(value, dict) else {}
