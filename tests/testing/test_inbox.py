import asyncio
from datetime import UTC, datetime

import pytest

from omnibot.contract import NotAccepted
from omnibot.model import Address, IncomingMessage, Sender
from omnibot.testing import Inbox


def message(id: str) -> IncomingMessage:
    sender = Sender(Address("post", "ada"))
    return IncomingMessage(id=id, at=datetime(2026, 3, 1, tzinfo=UTC), sender=sender, message_id=id, text="hi")


async def test_a_repetition_is_offered_twice_and_arrives_once():
    inbox = Inbox()
    await inbox([message("1")])
    await inbox([message("1")])
    assert len(inbox.offers) == 2
    assert [arrival.id for arrival in inbox.messages] == ["1"]


async def test_a_repetition_within_one_batch_arrives_once():
    inbox = Inbox()
    await inbox([message("1"), message("1"), message("2")])
    assert [arrival.id for arrival in inbox.arrivals] == ["1", "2"]


async def test_a_refusing_inbox_keeps_nothing():
    inbox = Inbox()
    inbox.refusing = True
    with pytest.raises(NotAccepted):
        await inbox([message("1")])
    assert (len(inbox.offers), inbox.arrivals) == (1, [])


async def test_who_waits_is_woken():
    inbox = Inbox()
    waiting = asyncio.ensure_future(inbox.arrived(2))
    await inbox([message("1")])
    await inbox([message("2")])
    assert [arrival.id for arrival in await waiting] == ["1", "2"]


async def test_who_waits_in_vain_is_told():
    with pytest.raises(TimeoutError, match="0 of 1 arrivals"):
        await Inbox().offered(1, deadline=0.01)
