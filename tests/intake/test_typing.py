"""Who sees "is typing …"."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from omnibot.contract import Channel, ChannelSettings, Limits, Receipt, Refused, Site
from omnibot.intake.typing import Typing
from omnibot.model import Address, ButtonPress, Incoming, IncomingEdit, IncomingMessage, Outbound, Sender
from omnibot.store.work import Arrived

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEAD = {"id": "1", "at": NOON, "sender": Sender(Address("watched", "1"))}


class Watched(Channel):
    """A channel that remembers for whom it showed typing."""

    name = "watched"
    Settings = ChannelSettings

    def __init__(self) -> None:
        super().__init__(Site(account="main", path="", public_url="", key=b"", now=lambda: NOON), ChannelSettings())
        self.limits = Limits(text=1000)
        self.shown: asyncio.Queue[str] = asyncio.Queue()
        self.fails = False

    async def send(self, message: Outbound) -> Receipt:
        raise Refused("not in this test")

    async def typing(self, to: Address, context: Mapping[str, str]) -> None:
        self.shown.put_nowait(to.value)
        if self.fails:
            raise ConnectionError


def arrived(item: Incoming, stop: bool | None = None) -> Arrived:
    return Arrived(channel="watched", account="main", item=item, stop=stop)


MESSAGE = IncomingMessage(**HEAD, message_id="1", text="hi")


@pytest.mark.parametrize(
    ("heard", "shown"),
    [
        (arrived(MESSAGE), True),
        (arrived(ButtonPress(**HEAD, value="yes")), True),
        (arrived(MESSAGE, stop=False), True),
        (arrived(MESSAGE, stop=True), False),
        (arrived(IncomingEdit(**HEAD, message_id="1", text="hi")), False),
        (arrived(IncomingMessage(**HEAD, message_id="1", text="hi", automatic="a list")), False),
        (arrived(IncomingMessage(**HEAD, message_id="1", text="hi", quarantine="forged")), False),
        (arrived(IncomingMessage(**HEAD, message_id="1", text="HELP", opt="help")), False),
    ],
)
async def test_only_who_will_be_answered_sees_it(heard: Arrived, shown: bool) -> None:
    channel = Watched()
    typing = Typing({("watched", "main"): channel})
    running = asyncio.create_task(typing.run())
    typing.show(heard)
    typing.show(arrived(MESSAGE))
    seen = [await asyncio.wait_for(channel.shown.get(), 5)]
    if shown:
        seen.append(await asyncio.wait_for(channel.shown.get(), 5))
    assert seen == ["1"] * (1 + shown)
    assert channel.shown.empty()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_provider_that_fails_ends_nothing() -> None:
    channel = Watched()
    channel.fails = True
    typing = Typing({("watched", "main"): channel})
    running = asyncio.create_task(typing.run())
    for _ in range(2):
        typing.show(arrived(MESSAGE))
        await asyncio.wait_for(channel.shown.get(), 5)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_flood_is_left_out() -> None:
    typing = Typing({("watched", "main"): Watched()})
    for _ in range(1000):
        typing.show(arrived(MESSAGE))
    assert typing._heard.qsize() == 16
