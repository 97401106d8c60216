"""A team's channel keeps the contract of a desk, by events and by Socket Mode."""

import pytest_asyncio
from slack_staffroom import SlackStaffroom

from omnibot.sandbox.slack import SlackSandbox
from omnibot.testing import DeskContract
from omnibot_slack import Slack


class TestSlackDeskByEvents(DeskContract):
    channel = Slack

    @pytest_asyncio.fixture
    async def people(self):
        async with SlackSandbox() as sandbox:
            yield SlackStaffroom(sandbox, "events")


class TestSlackDeskBySocket(DeskContract):
    channel = Slack

    @pytest_asyncio.fixture
    async def people(self):
        async with SlackSandbox() as sandbox:
            yield SlackStaffroom(sandbox, "socket")
