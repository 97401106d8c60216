import pytest_asyncio
from twilio_provider import TwilioProvider

from omnibot.sandbox.twilio import TwilioSandbox
from omnibot.testing import ChannelContract
from omnibot_twilio import Sms, WhatsApp


class TestSms(ChannelContract):
    channel = Sms

    @pytest_asyncio.fixture
    async def provider(self):
        async with TwilioSandbox() as sandbox:
            yield TwilioProvider(sandbox, Sms)


class TestMms(ChannelContract):
    channel = Sms

    @pytest_asyncio.fixture
    async def provider(self):
        async with TwilioSandbox() as sandbox:
            yield TwilioProvider(sandbox, Sms, mms=True)


class TestWhatsApp(ChannelContract):
    channel = WhatsApp

    @pytest_asyncio.fixture
    async def provider(self):
        async with TwilioSandbox() as sandbox:
            yield TwilioProvider(sandbox, WhatsApp)
