"""Delivery on a real outbox, to a channel that answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest
import structlog

from omnibot.contract import Channel, ChannelSettings, Limits, Receipt, Refused, Site, TryLater, Unsure
from omnibot.delivery import Delivery, deliver, outcome
from omnibot.model import Address, Cap, DeliveryState, Draft, IncomingMessage, Outbound, Paragraph, Sender
from omnibot.settings import Delivery as Settings
from omnibot.store import Store, StoreUnavailable, models
from omnibot.store.work import Arrived, Dispatched, Outcome, Purpose, Quota, Reply, Result

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = Settings(call_seconds=5, attempts=2, backoff_seconds=0.01, poll_seconds=0.05)
_numbers = count()

Answer = Callable[[Outbound], Receipt]


class Told(Channel):
    """A channel that answers each send by what comes next from `answers`, else by a receipt."""

    name = "told"
    Settings = ChannelSettings

    def __init__(self, in_flight: int = 32) -> None:
        super().__init__(Site(account="main", path="", public_url="", key=b"", now=lambda: NOON), ChannelSettings())
        self.limits = Limits(text=1000, in_flight=in_flight)
        self.answers: list[Exception | asyncio.Event] = []
        self.seen: list[Outbound] = []
        self.known: dict[int, Receipt | None] = {}
        self.running = self.most = 0
        self.called = asyncio.Event()
        self.lookup: asyncio.Event | None = None

    async def send(self, message: Outbound) -> Receipt:
        self.seen.append(message)
        self.called.set()
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            answer = self.answers.pop(0) if self.answers else None
            if isinstance(answer, Exception):
                raise answer
            if answer:
                await answer.wait()
            return Receipt(f"p{message.id}")
        finally:
            self.running -= 1

    async def reconcile(self, unknown: Sequence[Outbound]) -> Mapping[int, Receipt | None]:
        if self.lookup:
            await self.lookup.wait()
        return self.known


async def queue(store: Store, *texts: str, who: str = "1") -> None:
    sender = Sender(Address("told", who))
    item = IncomingMessage(id=str(next(_numbers)), at=NOON, sender=sender, message_id="1", text="hi")
    await store.path.accept([Arrived(channel="told", account="main", item=item)])
    [work] = await store.path.load(await store.path.claim(1, lease=30))
    to = work.addresses[0]
    replies = tuple(Reply(Draft(to=to, parts=(Paragraph(text),)), Purpose.REPLY) for text in texts)
    await store.path.commit([Outcome(work=work, address=to.id, record={}, replies=replies)])


@asynccontextmanager
async def delivering(store: Store, channel: Channel, settings: Settings = SETTINGS) -> AsyncIterator[Delivery]:
    delivery = Delivery(store.path, {("told", "main"): channel}, settings)
    task = asyncio.create_task(delivery.run())
    yield delivery
    delivery.close()
    await asyncio.wait_for(task, 10)


async def settled(store: Store, *states: DeliveryState) -> None:
    """Wait until the outbox, oldest first, is in these states."""
    async with asyncio.timeout(10):
        while [entry.state for entry in reversed(await store.records.outbox())] != list(states):
            await asyncio.sleep(0.005)


async def test_what_is_queued_leaves_in_order(store: Store) -> None:
    channel = Told()
    await queue(store, "one", "two", "three")
    async with delivering(store, channel):
        await settled(store, *[DeliveryState.SENT] * 3)
    assert [message.text for message in channel.seen] == ["one", "two", "three"]


async def test_a_wake_is_enough_to_leave_at_once(store: Store) -> None:
    channel = Told()
    async with delivering(store, channel, SETTINGS.model_copy(update={"poll_seconds": 3600})) as delivery:
        await queue(store, "hello")
        delivery.wake()
        await settled(store, DeliveryState.SENT)


async def test_what_is_refused_is_not_tried_again(store: Store) -> None:
    channel = Told()
    channel.answers = [Refused("blocked", unreachable=True)]
    await queue(store, "one", "two")
    async with delivering(store, channel):
        await settled(store, DeliveryState.REFUSED, DeliveryState.SUPPRESSED)
    assert len(channel.seen) == 1


async def test_what_comes_later_is_tried_again_and_given_up_in_the_end(store: Store) -> None:
    channel = Told()
    channel.answers = [TryLater("down"), TryLater("still down")]
    await queue(store, "one")
    async with delivering(store, channel):
        await settled(store, DeliveryState.DEAD)
    assert [message.attempts for message in channel.seen] == [1, 2]
    assert len({message.id for message in channel.seen}) == 1


async def test_a_throttled_message_comes_after_the_delay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "LEAST_WAIT", 0.01)
    channel = Told()
    channel.answers = [TryLater("throttled", 0.01)] * 3
    await queue(store, "one")
    async with delivering(store, channel):
        await settled(store, DeliveryState.SENT)
    assert len(channel.seen) == 4


async def test_what_nobody_knows_is_never_repeated(store: Store) -> None:
    channel = Told()
    channel.answers = [Unsure("cut off")]
    await queue(store, "one")
    async with delivering(store, channel) as delivery:
        await settled(store, DeliveryState.UNKNOWN)
        delivery.wake()
    assert len(channel.seen) == 1


async def test_a_provider_that_can_tell_settles_what_nobody_knew(store: Store) -> None:
    channel = Told()
    channel.answers = [Unsure("cut off"), Unsure("cut off")]
    await queue(store, "one", who="1")
    await queue(store, "two", who="2")
    async with delivering(store, channel) as delivery:
        await settled(store, DeliveryState.UNKNOWN, DeliveryState.UNKNOWN)
        first, second = channel.seen
        channel.known = {first.id: Receipt("p9"), second.id: None}
        await delivery.reconcile()
        delivery.wake()
        await settled(store, DeliveryState.SENT, DeliveryState.SENT)
    assert [message.text for message in channel.seen] == ["one", "two", "two"]


async def test_what_looks_like_a_message_that_is_known_to_be_another_stays_unknown(store: Store) -> None:
    """A process that was killed knew which message of the provider's an earlier reply of the same words is."""
    before, after = Told(), Told()
    await queue(store, "the same")
    async with delivering(store, before):
        await settled(store, DeliveryState.SENT)
    after.answers = [Unsure("cut off")]
    await queue(store, "the same")
    async with delivering(store, after) as delivery:
        await settled(store, DeliveryState.SENT, DeliveryState.UNKNOWN)
        after.known = {after.seen[0].id: Receipt(f"p{before.seen[0].id}")}
        await delivery.reconcile()
        await settled(store, DeliveryState.SENT, DeliveryState.UNKNOWN)
        after.known = {after.seen[0].id: Receipt("another")}
        await delivery.reconcile()
        await settled(store, DeliveryState.SENT, DeliveryState.SENT)


async def test_a_call_without_end_is_given_up(store: Store) -> None:
    channel = Told()
    channel.answers = [asyncio.Event()]
    await queue(store, "one")
    async with delivering(store, channel, SETTINGS.model_copy(update={"call_seconds": 0.05})):
        await settled(store, DeliveryState.UNKNOWN)
    [entry] = await store.records.outbox()
    assert entry.reason == "no answer within 0.05 s"


async def test_a_channel_with_a_defect_harms_nobody_else(store: Store) -> None:
    channel = Told()
    channel.answers = [KeyError("defect")]
    await queue(store, "one", who="1")
    await queue(store, "two", who="2")
    async with delivering(store, channel):
        await settled(store, DeliveryState.UNKNOWN, DeliveryState.SENT)


async def test_no_more_calls_at_once_than_the_channel_takes(store: Store) -> None:
    channel = Told(in_flight=2)
    held = asyncio.Event()
    channel.answers = [held] * 5
    for number in range(5):
        await queue(store, "hi", who=str(number))
    async with delivering(store, channel):
        await asyncio.wait_for(channel.called.wait(), 5)
        held.set()
        await settled(store, *[DeliveryState.SENT] * 5)
    assert channel.most == 2


async def test_what_waits_for_a_free_slot_leaves_when_one_is_free_not_at_the_next_look(store: Store) -> None:
    channel = Told(in_flight=2)
    for who in range(7):
        await queue(store, "hello", who=str(who))
    async with delivering(store, channel, SETTINGS.model_copy(update={"poll_seconds": 3600})):
        await settled(store, *[DeliveryState.SENT] * 7)


async def test_a_slot_that_gets_free_during_a_look_is_seen_behind_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, held = Told(in_flight=2), asyncio.Event()
    channel.answers = [held]
    looking, recording, recorded = store.path.dispatch, store.path.finish, asyncio.Event()

    async def record(results: Sequence[Result]) -> bool:
        more = await recording(results)
        recorded.set()
        return more

    async def look_long(quotas: Sequence[Quota], **options: float) -> Dispatched:
        dispatched = await looking(quotas, **options)
        held.set()
        await recorded.wait()  # the first call ends, and is recorded, while others are looked for
        return dispatched

    monkeypatch.setattr(store.path, "look_again", lambda accounts: asyncio.Event().wait())  # nobody else has it look
    monkeypatch.setattr(store.path, "finish", record)
    await queue(store, "one", who="1")
    async with delivering(store, channel, SETTINGS.model_copy(update={"poll_seconds": 3600})) as delivery:
        await asyncio.wait_for(channel.called.wait(), 5)
        await queue(store, "two", who="2")
        await queue(store, "three", who="3")
        monkeypatch.setattr(store.path, "dispatch", look_long)
        delivery.wake()
        await settled(store, *[DeliveryState.SENT] * 3)


async def test_a_call_under_way_is_recorded_before_the_end(store: Store) -> None:
    channel = Told()
    held = asyncio.Event()
    channel.answers = [held]
    await queue(store, "one")
    delivery = Delivery(store.path, {("told", "main"): channel}, SETTINGS)
    task = asyncio.create_task(delivery.run())
    await asyncio.wait_for(channel.called.wait(), 5)
    delivery.close()
    held.set()
    await asyncio.wait_for(task, 10)
    assert [entry.state for entry in await store.records.outbox()] == [DeliveryState.SENT]


@pytest.mark.parametrize("words", ["550 no\0such", "550 Empf\udce4nger"])
async def test_words_that_cannot_be_stored_end_nothing(store: Store, words: str) -> None:
    channel = Told()
    channel.answers = [Refused(words)]
    await queue(store, "one", who="1")
    await queue(store, "two", who="2")
    async with delivering(store, channel):
        await settled(store, DeliveryState.REFUSED, DeliveryState.SENT)


async def test_a_result_that_cannot_be_recorded_keeps_no_other_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, real = Told(), store.path.finish

    async def picky(results: Sequence[Result]) -> None:
        if any(result.state is DeliveryState.SENT and result.id == channel.seen[0].id for result in results):
            raise ValueError("cannot be stored")
        await real(results)

    monkeypatch.setattr(store.path, "finish", picky)
    await queue(store, "one", who="1")
    await queue(store, "two", who="2")
    async with delivering(store, channel):
        await settled(store, DeliveryState.UNKNOWN, DeliveryState.SENT)
    [_, entry] = await store.records.outbox()
    assert entry.reason == "its result (sent) cannot be stored"


async def test_a_look_into_the_outbox_that_fails_is_repeated(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [ValueError("a payload of another version"), StoreUnavailable("away")]
    real = store.path.dispatch

    async def failing(*args, **options):
        if failures:
            raise failures.pop()
        return await real(*args, **options)

    monkeypatch.setattr(store.path, "dispatch", failing)
    await queue(store, "one")
    async with delivering(store, Told()):
        await settled(store, DeliveryState.SENT)


async def test_what_throttles_one_address_holds_for_the_account(store: Store) -> None:
    channel = Told(in_flight=1)
    channel.answers = [TryLater("throttled", 3600)]
    await queue(store, "one", who="1")
    async with delivering(store, channel) as delivery:
        await asyncio.wait_for(channel.called.wait(), 5)
        await settled(store, DeliveryState.QUEUED)
        await queue(store, "two", who="2")
        for _ in range(5):
            delivery.wake()
            await settled(store, DeliveryState.QUEUED, DeliveryState.QUEUED)
    assert [message.text for message in channel.seen] == ["one"]


async def test_nobody_else_waits_for_what_throttles_one_conversation_alone(store: Store) -> None:
    channel = Told()
    channel.answers = [TryLater("throttled", 3600, alone=True)]
    await queue(store, "one", who="1")
    async with delivering(store, channel):
        await settled(store, DeliveryState.QUEUED)
        await asyncio.wait_for(channel.called.wait(), 5)
        await queue(store, "two", who="2")
        await settled(store, DeliveryState.QUEUED, DeliveryState.SENT)


async def test_a_provider_that_cannot_look_it_up_is_not_waited_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "_RECONCILING_SECONDS", 0.05)
    channel = Told()
    channel.answers, channel.lookup = [Unsure("cut off")], asyncio.Event()
    await queue(store, "one")
    async with delivering(store, channel) as delivery:
        await settled(store, DeliveryState.UNKNOWN)
        await asyncio.wait_for(delivery.reconcile(), 5)


async def test_what_is_cut_short_is_unknown_and_what_is_finished_is_recorded(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, away, real = Told(), asyncio.Event(), store.path.finish
    tried = asyncio.Event()

    async def held_up(results: Sequence[Result]) -> None:
        tried.set()
        if not away.is_set():
            raise StoreUnavailable("away")
        await real(results)

    monkeypatch.setattr(store.path, "finish", held_up)
    channel.answers = [Refused("gone"), asyncio.Event()]
    await queue(store, "one", who="1")
    await queue(store, "two", who="2")
    task = asyncio.create_task(Delivery(store.path, {("told", "main"): channel}, SETTINGS).run())
    await asyncio.wait_for(tried.wait(), 5)
    async with asyncio.timeout(5):
        while len(channel.seen) < 2:
            await asyncio.sleep(0.005)
    away.set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    await settled(store, DeliveryState.REFUSED, DeliveryState.UNKNOWN)


async def test_a_database_that_stays_away_does_not_hold_up_the_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(results: Sequence[Result]) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(deliver, "_RECORDING_SECONDS", 0.05)
    monkeypatch.setattr(store.path, "finish", away)
    channel = Told()
    await queue(store, "one")
    task = asyncio.create_task(Delivery(store.path, {("told", "main"): channel}, SETTINGS).run())
    await asyncio.wait_for(channel.called.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)


# --- what has to wait ---


class Billing(Told):
    """A channel that bills two units a message and may bill three."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = replace(self.limits, spend=Cap(3, 86_400), in_flight=1)

    async def send(self, message: Outbound) -> Receipt:
        return replace(await super().send(message), units=2)


async def test_beyond_its_cap_an_account_waits_and_it_is_told_once(store: Store) -> None:
    channel = Billing()
    for number in range(4):
        await queue(store, "hello", who=str(number))
    with structlog.testing.capture_logs() as lines:
        async with delivering(store, channel):
            await settled(store, *[DeliveryState.SENT] * 2, *[DeliveryState.HELD] * 2)
    told = [line for line in lines if line["event"] == "delivery.overspent"]
    assert [(line["channel"], line["account"], line["log_level"]) for line in told] == [("told", "main", "warning")]
    assert [(o.channel, o.account, o.count) for o in await store.path.overspent()] == [("told", "main", 2)]


async def test_what_may_have_been_accepted_is_billed(store: Store) -> None:
    channel = Billing()
    channel.answers = [Unsure("cut off") for _ in range(3)]
    for number in range(4):
        await queue(store, "hello", who=str(number))
    async with delivering(store, channel):
        await settled(store, *[DeliveryState.UNKNOWN] * 3, DeliveryState.HELD)


async def test_what_turns_out_to_have_been_accepted_is_billed_as_a_whole(store: Store) -> None:
    channel = Billing()
    channel.answers = [Unsure("cut off")]
    await queue(store, "hello", who="1")
    async with delivering(store, channel) as delivery:
        await settled(store, DeliveryState.UNKNOWN)
        channel.known = {channel.seen[0].id: Receipt("p1", units=3)}
        await delivery.reconcile()
        await queue(store, "one too many", who="2")
        delivery.wake()
        await settled(store, DeliveryState.SENT, DeliveryState.HELD)


async def test_a_higher_cap_lets_go_what_waits_at_the_next_start(store: Store) -> None:
    channel = Billing()
    for number in range(3):
        await queue(store, "hello", who=str(number))
    async with delivering(store, channel):
        await settled(store, *[DeliveryState.SENT] * 2, DeliveryState.HELD)
    channel.limits = replace(channel.limits, spend=Cap(100, 86_400))
    async with delivering(store, channel):
        await settled(store, *[DeliveryState.SENT] * 3)


async def test_where_there_is_no_cap_nothing_is_counted(store: Store) -> None:
    channel = Billing()
    channel.limits = replace(channel.limits, spend=None)
    await queue(store, "hello")
    async with delivering(store, channel):
        await settled(store, DeliveryState.SENT)
    assert await models.Spent.all().count() == 0


async def test_who_must_write_first_is_waited_for(store: Store) -> None:
    channel = Told()
    channel.limits = replace(channel.limits, window=3600)
    await queue(store, "long ago")  # their message is of March
    async with delivering(store, channel):
        await settled(store, DeliveryState.HELD)
    channel.limits = replace(channel.limits, knocks=True)
    async with delivering(store, channel):
        await settled(store, DeliveryState.SENT)
    assert [message.heard_at for message in channel.seen] == [NOON]


# --- what leaves with the commit of its turn ---


async def turn(store: Store, who: str = "1") -> Outcome:
    """One that replies, not committed yet."""
    item = IncomingMessage(
        id=str(next(_numbers)), at=NOON, sender=Sender(Address("told", who)), message_id="1", text="hi"
    )
    await store.path.accept([Arrived(channel="told", account="main", item=item)])
    [work] = await store.path.load(await store.path.claim(1, lease=30))
    to = work.addresses[0]
    reply = Reply(Draft(to=to, parts=(Paragraph("hello"),)), Purpose.REPLY)
    return Outcome(work=work, address=to.id, record={}, replies=(reply,))


SLOW = SETTINGS.model_copy(update={"poll_seconds": 3600})  # only what wakes it has it look
MAIN = ("told", "main")


async def running(delivery: Delivery) -> None:
    """Until calls may start."""
    async with asyncio.timeout(5):
        while not (offer := delivery.offer({MAIN: 1})).quotas:
            delivery.start(offer, ())
            await asyncio.sleep(0.005)
        delivery.start(offer, ())


async def test_what_its_turn_marked_is_called_at_once_and_recorded(store: Store) -> None:
    channel = Told()
    async with delivering(store, channel, SLOW) as delivery:
        await running(delivery)
        offer = delivery.offer({MAIN: 1})
        committed = await store.path.commit_and_start([await turn(store)], 0, offer)
        delivery.start(offer, committed.starting)
        await settled(store, DeliveryState.SENT)
    assert [message.text for message in channel.seen] == ["hello"]


async def test_places_on_offer_are_nobody_elses_until_they_are_given_back(store: Store) -> None:
    channel = Told(in_flight=2)
    async with delivering(store, channel, SLOW) as delivery:
        await running(delivery)
        first, second, third = (delivery.offer({MAIN: wanted}) for wanted in (1, 5, 1))
        assert [offer.quotas[MAIN].free for offer in (first, second)] == [1, 1]
        assert third.quotas == {}
        delivery.start(second, ())
        fourth = delivery.offer({MAIN: 5})
        assert fourth.quotas[MAIN].free == 1
        for offer in (first, third, fourth):
            delivery.start(offer, ())


async def test_what_waited_for_a_place_on_offer_leaves_when_it_is_given_back(store: Store) -> None:
    channel = Told(in_flight=1)
    async with delivering(store, channel, SLOW) as delivery:
        await running(delivery)
        offer = delivery.offer({MAIN: 1})
        await queue(store, "one")
        delivery.wake()
        await asyncio.sleep(0.05)
        assert channel.seen == []
        delivery.start(offer, ())
        await settled(store, DeliveryState.SENT)


async def test_no_place_is_offered_to_what_may_have_to_be_held(store: Store) -> None:
    channel = Told()
    channel.limits = replace(channel.limits, window=3600)
    async with delivering(store, channel, SLOW) as delivery:
        offer = delivery.offer({MAIN: 1, ("told", "gone"): 1})
        assert offer.quotas == {}
        delivery.start(offer, ())


async def test_the_end_waits_for_the_calls_of_turns_that_are_being_committed(store: Store) -> None:
    channel = Told()
    delivery = Delivery(store.path, {MAIN: channel}, SLOW)
    task = asyncio.create_task(delivery.run())
    await running(delivery)
    offer = delivery.offer({MAIN: 1})
    delivery.close()
    committed = await store.path.commit_and_start([await turn(store)], 0, offer)
    assert not task.done()
    delivery.start(offer, committed.starting)
    await asyncio.wait_for(task, 10)
    assert [entry.state for entry in await store.records.outbox()] == [DeliveryState.SENT]


async def test_nothing_is_offered_once_it_closes(store: Store) -> None:
    delivery = Delivery(store.path, {MAIN: Told()}, SLOW)
    task = asyncio.create_task(delivery.run())
    await running(delivery)
    delivery.close()
    offer = delivery.offer({MAIN: 1})
    assert offer.quotas == {}
    delivery.start(offer, ())
    await asyncio.wait_for(task, 10)
