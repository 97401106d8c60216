"""Turns for which a model writes: nobody else waits for them, and what is written meanwhile is heard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from omnibot.dialogue import Company, Knowledge
from omnibot.lanes import Lanes
from omnibot.model import (
    Address,
    AddressId,
    DeliveryReport,
    DeliveryState,
    Disclosure,
    IncomingEdit,
    IncomingMessage,
    Limits,
    Recalled,
    Sender,
)
from omnibot.phrasing import Phrasing
from omnibot.settings import Llm, Turns
from omnibot.store import Store, StoreUnavailable
from omnibot.store.work import TIMELINE, Arrived
from omnibot.turns.steps import Steps
from omnibot.understanding import Understanding
from omnibot.voice import Speaker, Voices
from tests.language_model import LanguageModel, language_model, liar

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONFIG = Path(__file__).parents[1] / "config"
SETTINGS = Turns(poll_seconds=0.02, attempts=2)
QUESTION = "How do I export my data?"
_numbers = count(1)


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    return Understanding(("en", "es", "de", "fr"))


@pytest.fixture
def steps(understanding: Understanding) -> Steps:
    return Steps(
        understanding=understanding,
        company=Company(Knowledge.load(CONFIG / "knowledge")),
        limits={"telegram": Limits(text=4096)},
        speaker=Speaker("Example Ltd", "Omnibot", voices=Voices.load(CONFIG / "voice")),
        disclosure=Disclosure(),
    )


def echo(brief: dict) -> str:
    """The same words: the record tells who wrote them."""
    return brief["reply"]


async def write(store: Store, text: str = QUESTION, who: str = "1") -> None:
    sender = Sender(Address("telegram", who), "Ada")
    number = str(next(_numbers))
    item = IncomingMessage(id=number, at=NOON, sender=sender, message_id=number, text=text)
    await store.path.accept([Arrived(channel="telegram", account="main", item=item)])


async def records(store: Store) -> list[dict]:
    """What was recorded of all turns, the first first."""
    taken = await store.profiles.turns([AddressId(number) for number in range(1, 100)], 100)
    return [dict(one.record) for one in reversed(taken)]


class Workers:
    """Lanes with a model, working."""

    def __init__(self, store: Store, steps: Steps, phrasing: Phrasing, remind=None) -> None:
        self.committed = asyncio.Event()
        steps.phrasing = phrasing.refuses
        self.lanes = Lanes(store.path, steps, SETTINGS, self.committed.set, remind, phrasing)
        self.store = store

    async def replies(self, count: int) -> list[str]:
        """To whom was replied, when there are so many."""
        async with asyncio.timeout(60):
            while len(found := await self.store.records.outbox()) < count:
                await asyncio.sleep(0.01)
        return sorted(entry.address.value for entry in found)


@asynccontextmanager
async def working(store: Store, steps: Steps, model: LanguageModel, remind=None, **llm) -> AsyncIterator[Workers]:
    """Nobody gives a model up by themselves, however slow the machine is."""
    configured = Llm.model_validate({"base_url": model.url, "model": "tiny", "timeout_seconds": 120} | llm)
    async with Phrasing.open(configured, store.wordings) as phrasing:
        workers = Workers(store, steps, phrasing, remind)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(workers.lanes.run())
            tasks.create_task(workers.lanes.run_slow())
            try:
                yield workers
            finally:
                workers.lanes.close()


async def test_a_model_s_words_are_sent_and_recorded(store: Store, steps: Steps) -> None:
    async with language_model(answers=echo) as model, working(store, steps, model) as workers:
        await write(store)
        await workers.replies(1)
    [brief] = model.briefs
    assert brief["customer_wrote"] == QUESTION
    [record] = await records(store)
    assert record["wording"] == {"by": "model", "model": "tiny"}
    assert (await store.wordings.today()).replies == {"model": 1}


async def test_what_a_model_invents_is_not_sent_and_why_is_recorded(store: Store, steps: Steps) -> None:
    async with language_model(answers=liar) as model, working(store, steps, model) as workers:
        await write(store)
        await workers.replies(1)
    [record] = await records(store)
    assert record["wording"]["by"] == "pack"
    assert record["wording"]["why"] == "doubt"
    assert "number: 59" in record["wording"]["doubts"]
    assert (await store.wordings.today()).replies == {"doubt": 1}


async def test_nobody_waits_with_whoever_waits_for_a_model(store: Store, steps: Steps) -> None:
    async with language_model(stalls=True, answers=echo) as model, working(store, steps, model) as workers:
        await write(store, QUESTION, "slow")
        for number in range(8):
            await write(store, "hello", f"quick{number}")
        assert "slow" not in await workers.replies(8)
        await write(store, "hello", "later")
        assert "slow" not in await workers.replies(9)
        model.go_on.set()
        assert "slow" in await workers.replies(10)


async def looked_again(looking: asyncpg.Connection) -> None:
    """Until a turn that waits for a model was looked after twice: the first may have begun before."""
    until = await looking.fetchval("SELECT leased_until FROM lanes")
    for _ in range(2):
        async with asyncio.timeout(20):
            while (later := await looking.fetchval("SELECT leased_until FROM lanes")) <= until:
                await asyncio.sleep(0.02)
        until = later


async def test_while_the_model_writes_no_connection_is_held_and_the_lease_is_kept(
    store: Store, dsn: str, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnibot.lanes._LOOK_SECONDS", 0.05)
    looking = await asyncpg.connect(dsn)
    async with language_model(stalls=True, answers=echo) as model, working(store, steps, model) as workers:
        await write(store)
        await model.came.wait()
        until = await looking.fetchval("SELECT leased_until FROM lanes")
        for _ in range(3):  # again and again, long before it ends: how busy the machine is does not matter
            async with asyncio.timeout(20):
                while (later := await looking.fetchval("SELECT leased_until FROM lanes")) <= until:
                    busy = await looking.fetchval(
                        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
                        " AND datname = current_database()"
                    )
                    assert busy == 0
                    await asyncio.sleep(0.02)
            until = later
        assert await looking.fetchval("SELECT fence FROM lanes") == 1  # nobody has taken it over
        model.go_on.set()
        await workers.replies(1)
    await looking.close()
    assert len(model.briefs) == 1


async def test_what_they_write_meanwhile_restarts_the_turn(store: Store, steps: Steps, monkeypatch) -> None:
    monkeypatch.setattr("omnibot.lanes._LOOK_SECONDS", 0.02)
    async with language_model(stalls=True, answers=echo) as model, working(store, steps, model) as workers:
        await write(store)
        await model.came.wait()
        model.came.clear()
        await write(store, "As CSV, please.")
        await model.came.wait()
        model.go_on.set()
        await workers.replies(1)
    assert [brief["customer_wrote"] for brief in model.briefs] == [QUESTION, f"{QUESTION}\nAs CSV, please."]
    [record] = await records(store)
    assert len(record["messages"]) == 2
    assert record["wording"] == {"by": "model", "model": "tiny", "restarts": 1}


async def test_it_restarts_twice_and_then_answers(store: Store, steps: Steps, monkeypatch) -> None:
    monkeypatch.setattr("omnibot.lanes._LOOK_SECONDS", 0.02)
    async with language_model(stalls=True, answers=echo) as model, working(store, steps, model) as workers:
        for text in (QUESTION, "As CSV.", "Or as XLSX."):
            model.came.clear()
            await write(store, text)
            await model.came.wait()
        await write(store, "How do I export my data, then?")
        await asyncio.sleep(0.1)
        assert len(model.briefs) == 3  # it does not begin a fourth time
        model.go_on.set()
        await workers.replies(2)  # what came last is a turn of its own
    taken = await records(store)
    assert [len(record["messages"]) for record in taken] == [3, 1]
    assert taken[0]["wording"]["restarts"] == 2


async def test_what_is_edited_meanwhile_restarts_the_turn_and_what_is_reported_does_not(
    store: Store, dsn: str, steps: Steps, monkeypatch
) -> None:
    monkeypatch.setattr("omnibot.lanes._LOOK_SECONDS", 0.02)
    sender = Sender(Address("telegram", "1"), "Ada")
    first = IncomingMessage(id="a", at=NOON, sender=sender, message_id="m1", text=QUESTION)
    report = DeliveryReport(id="r", at=NOON, sender=sender, provider_id="of before", state=DeliveryState.READ)
    edit = IncomingEdit(id="b", at=NOON, sender=sender, message_id="m1", text="How can I export all my data?")
    looking = await asyncpg.connect(dsn)
    async with language_model(stalls=True, answers=echo) as model, working(store, steps, model) as workers:
        await store.path.accept([Arrived(channel="telegram", account="main", item=first)])
        await model.came.wait()
        model.came.clear()
        await store.path.accept([Arrived(channel="telegram", account="main", item=report)])
        assert await looking.fetchval("SELECT count(*) FROM inbox") == 2
        await looked_again(looking)
        await store.path.accept([Arrived(channel="telegram", account="main", item=edit)])
        await model.came.wait()
        model.go_on.set()
        await workers.replies(1)
    await looking.close()
    assert [brief["customer_wrote"] for brief in model.briefs] == [QUESTION, "How can I export all my data?"]


async def test_what_they_write_meanwhile_may_need_no_model(store: Store, steps: Steps, monkeypatch) -> None:
    monkeypatch.setattr("omnibot.lanes._LOOK_SECONDS", 0.02)
    async with language_model(stalls=True) as model, working(store, steps, model, at_once=1) as workers:
        await write(store)
        await model.came.wait()
        await write(store, "STOP, forget it. I want to talk to a person.")
        model.status, model.stalls = 500, False
        await workers.replies(1)
    [record] = await records(store)
    assert len(record["messages"]) == 2


async def test_a_turn_that_somebody_else_has_taken_over_drops_out(
    store: Store, dsn: str, steps: Steps, monkeypatch
) -> None:
    monkeypatch.setattr("omnibot.lanes._LOOK_SECONDS", 0.02)
    looking = await asyncpg.connect(dsn)
    async with language_model(stalls=True, answers=echo) as model, working(store, steps, model):
        await write(store)
        await model.came.wait()
        await looking.execute("UPDATE lanes SET fence = fence + 1, leased_until = now() + interval '1 h'")
        async with asyncio.timeout(60):
            while model.waiting:  # nobody waits for the model any more
                await asyncio.sleep(0.01)
    assert await store.records.outbox() == []
    await looking.close()


async def test_a_server_that_stops_does_not_wait_for_a_model(store: Store, steps: Steps) -> None:
    async with language_model(stalls=True) as model:
        async with working(store, steps, model) as workers:
            await write(store)
            await model.came.wait()
            began = time.monotonic()
        assert time.monotonic() - began < 60  # half of what it would wait for
        assert await workers.replies(1) == ["1"]
    [record] = await records(store)
    assert record["wording"]["why"] == "stopping"


async def test_three_wait_and_all_others_are_answered_at_once(store: Store, steps: Steps) -> None:
    for number in range(40):
        await write(store, QUESTION, str(number))
    async with language_model(stalls=True) as model, working(store, steps, model, timeout_seconds=1) as workers:
        await workers.replies(37)
        await workers.replies(40)
        await write(store, QUESTION, "later")
        await workers.replies(41)
        assert model.most_waiting <= 3
        assert len(model.briefs) <= 3
    replies = (await store.wordings.today()).replies
    assert replies["timeout"] == 3
    assert sum(replies.values()) == 41


async def test_a_failure_of_ours_is_tried_again(store: Store, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnibot.lanes._RETRY_SECONDS", 0.01)
    fail = iter([True])

    def breaks(brief: dict) -> str:
        return echo(brief)

    async with language_model(answers=breaks) as model, working(store, steps, model) as workers:
        real = workers.lanes._phrases.write

        async def broken(wording):
            if next(fail, False):
                await asyncio.sleep(0)
                raise ValueError("broken")
            return await real(wording)

        monkeypatch.setattr(workers.lanes._phrases, "write", broken)
        await write(store)
        await workers.replies(1)


async def test_while_the_database_is_away_the_turn_is_left_to_its_lease(
    store: Store, dsn: str, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = await asyncpg.connect(dsn)
    real, away = store.path.renew, iter([True])

    async def renew(*arguments):
        if next(away, False):
            await looking.execute("UPDATE lanes SET leased_until = now()")  # as if it had been away for so long
            raise StoreUnavailable("away")
        return await real(*arguments)

    async def never(*_, **__):
        raise AssertionError("it is no failure of the turn")

    monkeypatch.setattr(store.path, "renew", renew)
    monkeypatch.setattr(store.path, "retry", never)
    async with language_model(answers=echo) as model, working(store, steps, model) as workers:
        await write(store)
        await workers.replies(1)
    assert await looking.fetchval("SELECT fence FROM lanes") >= 2
    await looking.close()


async def test_a_turn_may_be_reminded_first_and_again_when_it_restarts(
    store: Store, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnibot.lanes._LOOK_SECONDS", 0.02)
    monkeypatch.setattr("omnibot.turns.pauses._JUST_NOW", datetime.resolution)
    asked: list[int] = []

    async def remind(asking) -> list[tuple[Recalled, ...]]:
        asked.append(len(asking))
        return [()] * len(asking)

    steps.embed = steps.understanding.embed
    for _ in range(TIMELINE + 1):
        await write(store)
    async with (
        language_model(stalls=True, answers=echo) as model,
        working(store, steps, model, remind=remind) as workers,
    ):
        await model.came.wait()
        before = len(asked)
        assert before >= 1
        model.came.clear()
        await write(store, "As CSV.")
        await model.came.wait()
        assert len(asked) > before
        model.go_on.set()
        await workers.replies(1)


async def test_without_somebody_who_writes_the_pack_s_words_are_sent(store: Store, steps: Steps) -> None:
    steps.phrasing = lambda: ""
    await write(store)
    await Lanes(store.path, steps, SETTINGS, lambda: None).take_batch()
    [record] = await records(store)
    assert record["wording"] == {"by": "pack", "why": "nobody"}
