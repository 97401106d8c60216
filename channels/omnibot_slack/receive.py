"""How Slack calls us: one request URL for events, buttons and commands. Only what is committed is acknowledged.

Signatures: docs.slack.dev/authentication/verifying-requests-from-slack.
"""

from __future__ import annotations

import hashlib
import hmac
import re

import structlog
from aiohttp import web

from omnibot.contract import MAX_BODY, Site
from omnibot_slack.account import CallFailed
from omnibot_slack.dispatch import Dispatch, Unreadable
from omnibot_slack.parse import CHANNEL

TIMESTAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
FRESH = 300  # seconds that a signature is good for

_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNED = re.compile(r"v0=[0-9a-f]{64}")

_log = structlog.get_logger("omnibot.slack")


class Reception:
    """The request URL of one app."""

    def __init__(self, site: Site, secret: str, dispatch: Dispatch) -> None:
        self._site = site
        self._secret = secret
        self._dispatch = dispatch
        self._log = _log.bind(channel=CHANNEL, account=site.account)

    async def webhook(self, request: web.Request) -> web.Response:
        """One request; what is not acknowledged comes again."""
        timestamp, signature = request.headers.get(TIMESTAMP, ""), request.headers.get(SIGNATURE, "")
        if not (self._is_fresh(timestamp) and _SIGNED.fullmatch(signature)):
            return self._turned_away(401, "signature")
        if "Content-Encoding" in request.headers:
            return self._turned_away(415, "compressed")
        body = await _read_body(request)
        if body is None:
            return self._turned_away(413, "too large")
        if not hmac.compare_digest(sign(self._secret, timestamp, body), signature):
            return self._turned_away(401, "signature")
        try:
            answer = await self._dispatch.request(body.decode(), request.content_type)
        except (Unreadable, UnicodeDecodeError):
            # it would not be better the next time: take it, and leave only its fingerprint
            self._log.warning("request_unreadable", reason="malformed", body=self._fingerprint(body))
            return web.Response()
        except CallFailed as failed:
            return self._turned_away(503, failed.reason)
        return web.Response(
            status=answer.status, text=answer.body, content_type=_media_type(answer.body), charset="utf-8"
        )

    def _is_fresh(self, timestamp: str) -> bool:
        if not _SECONDS.fullmatch(timestamp):
            return False
        return abs(self._site.now().timestamp() - int(timestamp)) <= FRESH

    def _turned_away(self, status: int, reason: str) -> web.Response:
        self._log.warning("webhook_turned_away", status=status, reason=reason)
        response = web.Response(status=status)
        if status in (401, 413, 415):
            response.force_close()  # the body may not have been read
        return response

    def _fingerprint(self, body: bytes) -> str:
        return hashlib.blake2b(body, key=self._site.key[:64], digest_size=8).hexdigest()


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """How Slack signs a body at a time."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


def request_path(site: Site) -> str:
    """Where the server takes requests."""
    return f"{site.path}/events"


def request_url(site: Site) -> str:
    """The same as Slack calls it."""
    return f"{site.public_url}/events"


def _media_type(body: str) -> str:
    return "application/json" if body.startswith("{") else "text/plain"


async def _read_body(request: web.Request) -> bytes | None:
    """The body, or None when it is larger than a webhook may be; no more of it is held in memory."""
    if (request.content_length or 0) > MAX_BODY:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)
