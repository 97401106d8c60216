import pytest_asyncio
from telegram_provider import TelegramProvider

from omnibot.sandbox.telegram import TelegramSandbox
from omnibot.testing import ChannelContract
from omnibot_telegram import Telegram


class TestTelegramByWebhook(ChannelContract):
    channel = Telegram

    @pytest_asyncio.fixture
    async def provider(self):
        async with TelegramSandbox() as sandbox:
            yield TelegramProvider(sandbox, "webhook")


class TestTelegramByPolling(ChannelContract):
    channel = Telegram

    @pytest_asyncio.fixture
    async def provider(self):
        async with TelegramSandbox() as sandbox:
            yield TelegramProvider(sandbox, "polling")
