import pytest_asyncio
from slack_provider import SlackProvider

from omnibot.sandbox.slack import SlackSandbox
from omnibot.testing import ChannelContract
from omnibot_slack import Slack


class TestSlackByEvents(ChannelContract):
    channel = Slack

    @pytest_asyncio.fixture
    async def provider(self):
        async with SlackSandbox() as sandbox:
            yield SlackProvider(sandbox, "events")


class TestSlackBySocket(ChannelContract):
    channel = Slack

    @pytest_asyncio.fixture
    async def provider(self):
        async with SlackSandbox() as sandbox:
            yield SlackProvider(sandbox, "socket")
