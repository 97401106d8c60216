"""One bot's account at Telegram: every call passes here, and none without a deadline."""

from __future__ import annotations

import math

from aiogram import Bot
from aiogram.methods import GetMe, TelegramMethod
from aiogram.methods.base import TelegramType

from omnibot_telegram.parse import Me
from omnibot_telegram.session import Session
from omnibot_telegram.settings import TelegramSettings


class Account:
    """A bot and its connections; `open` and `close` it with the channel."""

    def __init__(self, settings: TelegramSettings, *, connections: int) -> None:
        self.session = Session(settings.api, limit=connections, timeout=settings.timeout)
        self._bot = Bot(settings.token.get_secret_value(), session=self.session)
        self._me: Me | None = None

    async def call(self, method: TelegramMethod[TelegramType], seconds: float | None = None) -> TelegramType:
        """Do a call within so many seconds (the account's own by default). Raises aiogram's errors."""
        return await self._bot(method, request_timeout=None if seconds is None else math.ceil(seconds))

    async def me(self) -> Me:
        """Our bot, as Telegram knows it: asked once."""
        if self._me is None:
            user = await self.call(GetMe())
            self._me = Me(user.id, user.username or "")
        return self._me
