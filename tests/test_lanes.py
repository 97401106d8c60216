"""Workers: together when all is well, one by one when something is not."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from pathlib import Path

import pytest

from omnibot.dialogue import Company, Knowledge
from omnibot.lanes import Lanes
from omnibot.model import Address, Disclosure, IncomingMessage, Limits, Reading, Recalled, Sender, Situation
from omnibot.settings import Turns
from omnibot.store import Store, StoreUnavailable
from omnibot.store.work import TIMELINE, Arrived, Dispatch, Offer, Quota
from omnibot.turns.pauses import Remind
from omnibot.turns.steps import Steps
from omnibot.understanding import Understanding
from omnibot.voice import Speaker, Voices

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = Turns(poll_seconds=0.02, attempts=2)
_numbers = count()


class Fragile(Understanding):
    """Reads everything but what is poison."""

    def read_in_parts(self, text: str, situation: Situation) -> Generator[None, object, Reading]:
        if "poison" in text:
            raise ValueError("poison")
        return super().read_in_parts(text, situation)


@pytest.fixture(scope="module")
def steps() -> Steps:
    return Steps(
        understanding=Fragile(("en", "es")),
        company=Company(Knowledge.load(Path(__file__).parents[1] / "config" / "knowledge")),
        limits={"telegram": Limits(text=4096)},
        speaker=Speaker("Example Ltd", "Omnibot", voices=Voices.load(Path(__file__).parents[1] / "config" / "voice")),
        disclosure=Disclosure(),
    )


async def write(store: Store, text: str, who: str = "1") -> None:
    sender = Sender(Address("telegram", who), "Ada")
    item = IncomingMessage(id=str(next(_numbers)), at=NOON, sender=sender, message_id="1", text=text)
    await store.path.accept([Arrived(channel="telegram", account="main", item=item)])


def lanes(store: Store, steps: Steps, settings: Turns = SETTINGS, committed=lambda: None) -> Lanes:
    return Lanes(store.path, steps, settings, committed)


async def replied(store: Store) -> list[str]:
    return sorted(entry.address.value for entry in await store.records.outbox())


async def test_a_batch_is_taken_together(store: Store, steps: Steps) -> None:
    for number in range(20):
        await write(store, "hello", str(number))
    woken = []
    await lanes(store, steps, committed=lambda: woken.append(1)).take_batch()
    assert len(await replied(store)) == 20
    assert woken == [1]


async def test_others_get_the_loop_between_turns_that_take_long(store: Store, steps: Steps, monkeypatch) -> None:
    monkeypatch.setattr("omnibot.lanes._STRETCH", 0.0)
    others = 0
    seen: list[int] = []

    async def other() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    class Watched(Understanding):
        def read_in_parts(self, text: str, situation: Situation) -> Generator[None, object, Reading]:
            seen.append(others)
            return super().read_in_parts(text, situation)

    for number in range(5):
        await write(store, "hello", str(number))
    task = asyncio.create_task(other())
    await lanes(store, replace(steps, understanding=Watched(("en", "es")))).take_batch()
    task.cancel()
    assert len(seen) == 5
    assert all(later - earlier >= 3 for earlier, later in pairwise(seen))  # to send, and to hear what was answered


async def test_all_who_ask_what_was_said_are_told_by_one_look(store: Store, steps: Steps, monkeypatch) -> None:
    monkeypatch.setattr("omnibot.lanes._STRETCH", 0.0)
    monkeypatch.setattr("omnibot.turns.pauses._JUST_NOW", timedelta(0))
    looks: list[int] = []

    async def remind(asking: Sequence[Remind]) -> Sequence[Sequence[Recalled]]:
        looks.append(len(asking))
        return [()] * len(asking)

    for who in ("1", "2", "3"):
        for _ in range(TIMELINE if who != "2" else 1):
            await write(store, "where do I find my invoices?", who)
    asking = replace(steps, embed=steps.understanding.embed)
    await Lanes(store.path, asking, SETTINGS, lambda: None, remind).take_batch()
    assert looks == [2]
    assert await replied(store) == ["1", "2", "3"]


async def test_nothing_due_is_nothing_done(store: Store, steps: Steps) -> None:
    assert not await lanes(store, steps).take_batch()


async def test_one_turn_that_fails_fails_alone(store: Store, steps: Steps) -> None:
    await write(store, "hello", "1")
    await write(store, "poison", "2")
    await write(store, "hello", "3")
    await lanes(store, steps).take_batch()
    assert await replied(store) == ["1", "3"]


async def test_a_turn_that_fails_again_and_again_is_parked_for_people(store: Store, steps: Steps) -> None:
    await write(store, "poison")
    worker = lanes(store, steps, SETTINGS.model_copy(update={"attempts": 1}))
    await worker.take_batch()
    assert len(await store.records.parked()) == 1
    assert [h.reason for h in await store.records.handoffs()] == ["parked, its turn failed: ValueError"]
    await write(store, "hello")
    await worker.take_batch()
    assert await replied(store) == ["1"]


async def test_a_batch_that_cannot_be_committed_is_committed_one_by_one(
    store: Store, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store.path.commit

    async def picky(outcomes: Sequence, pause: float):
        if len(outcomes) > 1 or "2" in [a.address.value for o in outcomes for a in o.work.addresses]:
            raise ValueError("a row that the database does not take")
        return await real(outcomes, pause)

    monkeypatch.setattr(store.path, "commit", picky)
    for who in ("1", "2", "3"):
        await write(store, "hello", who)
    await lanes(store, steps).take_batch()
    assert await replied(store) == ["1", "3"]


async def test_a_customer_whose_turn_kills_its_worker_is_parked(store: Store, steps: Steps) -> None:
    await write(store, "hello")
    for _ in range(SETTINGS.attempts):
        await store.path.claim(1, lease=0)
    await lanes(store, steps).take_batch()
    assert len(await store.records.parked()) == 1
    assert await replied(store) == []


async def test_it_goes_on_when_the_database_comes_back(
    store: Store, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = store.path.claim, iter([True, True])

    async def shaky(batch: int, lease: float):
        if next(failures, False):
            raise StoreUnavailable("ConnectionRefusedError")
        return await real(batch, lease)

    monkeypatch.setattr(store.path, "claim", shaky)
    await write(store, "hello")
    done = asyncio.Event()
    worker = lanes(store, steps, committed=done.set)
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(done.wait(), 10)
    worker.close()
    await asyncio.wait_for(running, 10)
    assert await replied(store) == ["1"]


async def test_a_wake_is_enough(store: Store, steps: Steps) -> None:
    done = asyncio.Event()
    worker = lanes(store, steps, SETTINGS.model_copy(update={"poll_seconds": 3600}), committed=done.set)
    running = asyncio.create_task(worker.run())
    await write(store, "hello")
    worker.wake()
    await asyncio.wait_for(done.wait(), 10)
    worker.close()
    await asyncio.wait_for(running, 10)


class Places:
    """Delivery with so many places, as turns know it."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.wanted: list[dict[tuple[str, str], int]] = []
        self.started: list[str] = []
        self.open = self.woken = 0

    def offer(self, wanted: Mapping[tuple[str, str], int]) -> Offer:
        self.open += 1
        self.wanted.append(dict(wanted))
        caps = {"replies": 100, "replies_seconds": 60, "unsolicited": 100, "unsolicited_seconds": 60}
        quotas = {key: Quota(channel=key[0], account=key[1], free=self.places, **caps) for key in wanted}
        return Offer(quotas=quotas, lease=30, unknown_wait=60)

    def start(self, offer: Offer, starting: Sequence[Dispatch]) -> None:
        self.open -= 1
        self.started += [dispatch.outbound.to.value for dispatch in starting]

    def wake(self) -> None:
        self.woken += 1


async def test_replies_that_find_a_place_are_called_with_the_commit_of_their_turns(store: Store, steps: Steps) -> None:
    for who in ("1", "2", "3"):
        await write(store, "hello", who)
    calls = Places(2)
    await Lanes(store.path, steps, SETTINGS, lambda: None, calls=calls).take_batch()
    assert calls.wanted == [{("telegram", "main"): 3}]
    assert (len(calls.started), calls.woken, calls.open) == (2, 1, 0)
    states = sorted(entry.state.value for entry in await store.records.outbox())
    assert states == ["queued", "sending", "sending"]


async def test_delivery_is_not_asked_to_look_where_all_replies_are_called(store: Store, steps: Steps) -> None:
    await write(store, "hello")
    calls = Places(2)
    await Lanes(store.path, steps, SETTINGS, lambda: None, calls=calls).take_batch()
    assert (calls.started, calls.woken, calls.open) == (["1"], 0, 0)


async def test_places_are_given_back_where_nothing_can_be_committed(
    store: Store, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    await write(store, "hello")
    calls = Places(2)
    monkeypatch.setattr(store.path, "commit_and_start", away)
    with pytest.raises(StoreUnavailable):
        await Lanes(store.path, steps, SETTINGS, lambda: None, calls=calls).take_batch()
    assert (calls.started, calls.open) == ([], 0)
