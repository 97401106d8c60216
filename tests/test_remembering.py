"""Turns are reminded of what was said long ago, and what is said is added to the index behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from omnibot.dialogue import Company, Knowledge
from omnibot.lanes import Lanes
from omnibot.model import Address, Disclosure, IncomingMessage, Limits, Recalled, Sender
from omnibot.remembering import Remembering
from omnibot.settings import Turns
from omnibot.store import Store, StoreUnavailable
from omnibot.store.work import Arrived
from omnibot.turns.pauses import Remind
from omnibot.turns.steps import Steps
from omnibot.understanding import Understanding
from omnibot.voice import Speaker, Voices

_numbers = count()
CHATTER = ["good morning", "ok", "see you", "hm", "thanks", "fine", "great", "hello again", "yes", "well"]


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    return Understanding(("en", "es"))


@pytest.fixture(scope="module")
def steps(understanding: Understanding) -> Steps:
    return Steps(
        understanding=understanding,
        company=Company(Knowledge.load(Path(__file__).parents[1] / "config" / "knowledge")),
        limits={"telegram": Limits(text=4096)},
        speaker=Speaker("Example Ltd", "Omnibot", voices=Voices.load(Path(__file__).parents[1] / "config" / "voice")),
        disclosure=Disclosure(),
        embed=understanding.embed,
    )


class Told:
    """What turns were told, in their order."""

    def __init__(self, past: Remembering) -> None:
        self.past = past
        self.told: list[list[str]] = []

    async def __call__(self, asked: Sequence[Remind]) -> Sequence[tuple[Recalled, ...]]:
        told = await self.past.remind(asked)
        self.told += [[recalled.message.text for recalled in each] for each in told]
        return told


@pytest.fixture
def told(store: Store, understanding: Understanding) -> Told:
    return Told(Remembering(store.recall, understanding.embed, "en"))


async def write(store: Store, steps: Steps, told: Told, *texts: str, who: str = "1") -> None:
    """One message after the other, each with its turn."""
    lanes = Lanes(store.path, steps, Turns(), lambda: None, told)
    for text in texts:
        number = next(_numbers)
        sender = Sender(Address("telegram", who), "Ada")
        item = IncomingMessage(id=str(number), at=datetime.now(UTC), sender=sender, message_id=str(number), text=text)
        await store.path.accept([Arrived(channel="telegram", account="main", item=item)])
        await lanes.take_batch()


async def add(dsn: str, told: Told) -> None:
    """As if all that was said had been said an hour ago."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("UPDATE messages SET received_at = received_at - interval '1 h'")
    await connection.execute("UPDATE addresses SET created_at = created_at - interval '1 h'")
    await connection.close()
    while await told.past.add_batch():
        pass


async def test_what_was_said_long_ago_comes_back_when_it_matters(
    store: Store, dsn: str, steps: Steps, told: Told
) -> None:
    await write(store, steps, told, "Our printer in Lisbon prints every label twice", *CHATTER)
    await add(dsn, told)
    told.told.clear()
    await write(store, steps, told, "labels are printed twice again!")
    [[first, *_]] = told.told
    assert first == "Our printer in Lisbon prints every label twice"


async def test_what_stands_before_the_eyes_is_not_told_again(store: Store, dsn: str, steps: Steps, told: Told) -> None:
    await write(store, steps, told, *CHATTER, "Our printer prints every label twice")
    await add(dsn, told)
    told.told.clear()
    await write(store, steps, told, "labels are printed twice again!")
    assert not any("printer" in text for texts in told.told for text in texts)


async def test_who_has_said_little_is_reminded_of_nothing(store: Store, dsn: str, steps: Steps, told: Told) -> None:
    await write(store, steps, told, "Our printer prints every label twice")
    await add(dsn, told)
    await write(store, steps, told, "labels are printed twice again!")
    assert told.told == []


async def test_of_what_was_said_just_now_nothing_is_looked_for(store: Store, steps: Steps, told: Told) -> None:
    await write(store, steps, told, "Our printer prints every label twice", *CHATTER, "labels are printed twice again!")
    assert told.told == []


async def test_a_turn_goes_on_when_nothing_can_be_found(store: Store, dsn: str, steps: Steps, understanding) -> None:
    class Broken(Remembering):
        async def _remind(self, asked: Sequence[Remind]) -> list[tuple[Recalled, ...]]:
            raise ValueError("broken")

    told = Told(Broken(store.recall, understanding.embed, "en"))
    await write(store, steps, told, "Our printer prints every label twice", *CHATTER)
    await add(dsn, told)
    before = len(await store.records.outbox())
    await write(store, steps, told, "how do I get my invoices?")
    assert len(await store.records.outbox()) > before


async def test_while_the_database_is_away_turns_wait_with_it(store: Store, steps: Steps, understanding) -> None:
    class Away(Remembering):
        async def _remind(self, asked: Sequence[Remind]) -> list[tuple[Recalled, ...]]:
            raise StoreUnavailable("away")

    past = Away(store.recall, understanding.embed, "en")
    with pytest.raises(StoreUnavailable):
        await past.remind([])


async def test_it_is_added_when_nobody_waits(store: Store, dsn: str, steps: Steps, told: Told, monkeypatch) -> None:
    monkeypatch.setattr("omnibot.remembering._QUIET_SECONDS", 0.02)
    monkeypatch.setattr("omnibot.remembering._LOOK_SECONDS", 0.02)
    await write(store, steps, told, "Our printer prints every label twice")
    connection = await asyncpg.connect(dsn)
    await connection.execute("UPDATE messages SET received_at = received_at - interval '1 h'")
    told.past.busy()
    running = asyncio.create_task(told.past.run())
    async with asyncio.timeout(20):
        while not await connection.fetchval("SELECT count(*) FROM recall"):
            await asyncio.sleep(0.01)
    running.cancel()
    await connection.close()
