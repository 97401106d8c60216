from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from slack_office import AtWork, at_work

from omnibot.sandbox.slack import SlackSandbox


@pytest_asyncio.fixture
async def work(sandbox: SlackSandbox) -> AsyncIterator[AtWork]:
    async with at_work(sandbox) as opened:
        yield opened


@pytest_asyncio.fixture(params=["events", "socket"])
async def either(sandbox: SlackSandbox, request: pytest.FixtureRequest) -> AsyncIterator[AtWork]:
    """By HTTP and in Socket Mode."""
    async with at_work(sandbox, request.param) as opened:
        yield opened
