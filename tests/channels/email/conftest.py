"""What the tests of the email channel share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from email_office import Office
from email_office import office as opened


@pytest_asyncio.fixture
async def office() -> AsyncIterator[Office]:
    """A mailbox at work, whose mail server's verdicts are believed."""
    async with opened() as it:
        yield it
