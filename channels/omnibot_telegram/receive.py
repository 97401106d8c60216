"""How a bot's updates come in: Telegram calls our webhook, or we ask for them.

Only what is committed is acknowledged.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import structlog
from aiogram.exceptions import AiogramError, TelegramRetryAfter
from aiogram.methods import AnswerCallbackQuery, DeleteWebhook, SetWebhook
from aiohttp import web

from omnibot.contract import MAX_BODY, Accept, NotAccepted, Site
from omnibot.model import Incoming
from omnibot_telegram.account import Account
from omnibot_telegram.parse import ALLOWED, CHANNEL, Malformed, loads, query_id, read, update_id
from omnibot_telegram.session import GetRawUpdates
from omnibot_telegram.settings import TelegramSettings

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
POLL = 30  # seconds that Telegram may keep a getUpdates waiting
WEBHOOK_CONNECTIONS = 100  # the most that Telegram allows
FIRST_PAUSE, LAST_PAUSE = 0.2, 30.0  # seconds between two tries of what must succeed in the end
ANSWER_WITHIN = 3.0  # seconds for telling a button that it was pressed

Result = TypeVar("Result")

_log = structlog.get_logger("omnibot.telegram")


class Reception:
    """The way in of one bot."""

    def __init__(self, site: Site, settings: TelegramSettings, account: Account, accept: Accept) -> None:
        self._site = site
        self._settings = settings
        self._account = account
        self._accept = accept
        self._log = _log.bind(channel=CHANNEL, account=site.account)
        secret = settings.webhook_secret
        self._secret = secret.get_secret_value().encode() if secret else b""

    # --- Telegram calls ------------------------------------------------------------------------------------

    async def register(self) -> None:
        """Tell Telegram where to call, until it has understood."""
        if not self._site.public_url:
            return  # whoever put a proxy in between tells Telegram themselves
        method = SetWebhook(
            url=webhook_url(self._site),
            secret_token=self._secret.decode(),
            allowed_updates=list(ALLOWED),
            max_connections=WEBHOOK_CONNECTIONS,
        )
        await self._persist("webhook_not_set", partial(self._account.call, method))

    async def webhook(self, request: web.Request) -> web.Response:
        """One update by POST; what is not acknowledged comes again."""
        if not self._is_telegram(request):
            return self._turned_away(401, "secret")
        if "Content-Encoding" in request.headers:
            return self._turned_away(415, "compressed")
        body = await _read_body(request)
        if body is None:
            return self._turned_away(413, "too large")
        try:
            update = loads(body)
        except ValueError:
            # it would not be better the next time: take it, and leave only its fingerprint
            self._log.warning("update_unreadable", reason="broken JSON", body=self._fingerprint(body))
            return web.Response()
        try:
            await self._take([update])
        except (NotAccepted, AiogramError) as error:
            return self._turned_away(503, type(error).__name__)
        return web.Response()

    def _is_telegram(self, request: web.Request) -> bool:
        """Compared as bytes: a header that is no ASCII would otherwise be an error, and tell by it."""
        given = request.headers.get(SECRET_HEADER, "").encode(errors="surrogateescape")
        return bool(self._secret) and hmac.compare_digest(given, self._secret)

    def _turned_away(self, status: int, reason: str) -> web.Response:
        self._log.warning("webhook_turned_away", status=status, reason=reason)
        response = web.Response(status=status)
        if status in (401, 413, 415):
            response.force_close()  # the body was not read
        return response

    # --- we ask --------------------------------------------------------------------------------------------

    async def poll(self) -> None:
        """Ask for updates until cancelled. The offset, which confirms, advances only after the commit."""
        await self._persist("webhook_not_deleted", partial(self._account.call, DeleteWebhook()))
        offset = 0
        while True:
            offset = await self._persist("polling_failed", partial(self._poll_once, offset))

    async def _poll_once(self, offset: int) -> int:
        method = GetRawUpdates(offset=offset, timeout=POLL, allowed_updates=ALLOWED)
        updates = await self._account.call(method, POLL + self._settings.timeout)
        await self._take(updates)
        return max([offset, *(update_id(update) + 1 for update in updates)])

    async def _persist(self, event: str, act: Callable[[], Awaitable[Result]]) -> Result:
        """Try again until it succeeds, less and less often."""
        pause = FIRST_PAUSE
        while True:
            try:
                return await act()
            except (AiogramError, NotAccepted) as error:
                self._log.warning(event, reason=type(error).__name__, again_in=pause)
                await asyncio.sleep(error.retry_after if isinstance(error, TelegramRetryAfter) else pause)
                pause = min(pause * 2, LAST_PAUSE)

    # --- either way ----------------------------------------------------------------------------------------

    async def _take(self, updates: Sequence[Any]) -> None:
        """Hand updates over, and answer the buttons that were pressed. Raises NotAccepted, aiogram's errors."""
        me = await self._account.me()
        arrivals: list[Incoming] = []
        queries: list[str] = []
        for update in updates:
            try:
                arrival = read(update, me, self._site.now())
            except Malformed as error:
                self._log.warning("update_unreadable", reason=str(error))
                continue
            if arrival is not None:
                arrivals.append(arrival)
            if (query := query_id(update)) is not None:
                queries.append(query)
        if arrivals:
            await self._accept(arrivals)
        for query in queries:
            await self._answer(query)

    async def _answer(self, query: str) -> None:
        """Stop the button's spinning. The press is committed: whatever happens here loses nothing."""
        try:
            await self._account.call(AnswerCallbackQuery(callback_query_id=query), ANSWER_WITHIN)
        except AiogramError as error:
            self._log.info("press_not_answered", reason=type(error).__name__)

    def _fingerprint(self, body: bytes) -> str:
        return hashlib.blake2b(body, key=self._site.key[:64], digest_size=8).hexdigest()


def webhook_path(site: Site) -> str:
    """Where the server takes updates."""
    return f"{site.path}/webhook"


def webhook_url(site: Site) -> str:
    """The same as Telegram calls it."""
    return f"{site.public_url}/webhook"


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
