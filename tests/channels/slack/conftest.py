from collections.abc import AsyncIterator

import pytest_asyncio
from slack_house import House, house, listening

from omnibot.sandbox.slack import SlackSandbox


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox() as sandbox:
        yield sandbox


@pytest_asyncio.fixture
async def events(sandbox: SlackSandbox) -> AsyncIterator[House]:
    """A channel that Slack calls."""
    async with house(sandbox) as opened:
        yield opened


@pytest_asyncio.fixture
async def connected(sandbox: SlackSandbox) -> AsyncIterator[House]:
    """A channel in Socket Mode, listening."""
    async with house(sandbox, "socket") as opened, listening(opened):
        yield opened
