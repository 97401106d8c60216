from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from twilio_house import Clock, House, house

from omnibot.sandbox.twilio import TwilioSandbox
from omnibot_twilio import Sms, WhatsApp


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def sandbox(clock: Clock) -> AsyncIterator[TwilioSandbox]:
    async with TwilioSandbox(now=clock) as sandbox:
        yield sandbox


@pytest_asyncio.fixture
async def sms(sandbox: TwilioSandbox, clock: Clock) -> AsyncIterator[House]:
    """Text messages, Twilio not told where we are yet."""
    async with house(sandbox, Sms, clock=clock) as opened:
        yield opened


@pytest_asyncio.fixture
async def whatsapp(sandbox: TwilioSandbox, clock: Clock) -> AsyncIterator[House]:
    """WhatsApp without templates, Twilio not told where we are yet."""
    async with house(sandbox, WhatsApp, clock=clock) as opened:
        yield opened
