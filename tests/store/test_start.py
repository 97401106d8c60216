"""Replies that leave with the commit of their turn, past the same gate and in the same order as by dispatch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg
import pytest

from omnibot.model import Address, DeliveryState, Draft, IncomingMessage, Paragraph, Sender
from omnibot.store import Store
from omnibot.store.work import Arrived, Committed, Dispatch, Offer, Outcome, Purpose, Quota, Reply, Result, Work
from tests.store.sending import quota
from tests.store.statements import execute

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SARAH = Address("telegram", "4711")
MIKE = Address("telegram", "4712")
TELEGRAM = "telegram", "main"


def offer(given: Quota | None = None) -> Offer:
    return Offer(quotas={TELEGRAM: given or quota()}, lease=30, unknown_wait=60)


async def write(store: Store, sender: Address = SARAH, stop: bool | None = None) -> None:
    id_ = f"{sender}-{datetime.now(UTC).timestamp()}"
    item = IncomingMessage(id=id_, at=NOON, sender=Sender(sender, "Sarah"), message_id=id_, text="hello")
    await store.path.accept([Arrived(channel="telegram", account="main", item=item, stop=stop)])


async def claim(store: Store) -> list[Work]:
    works = await store.path.load(await store.path.claim(10, lease=30))
    return [work for work in works if isinstance(work, Work)]


def outcome(work: Work, *texts: str, purpose: Purpose = Purpose.REPLY) -> Outcome:
    to = work.addresses[0]
    replies = tuple(Reply(Draft(to=to, parts=(Paragraph(text),)), purpose) for text in texts)
    return Outcome(work=work, address=to.id, record={}, replies=replies)


async def say(
    store: Store, *texts: str, given: Quota | None = None, purpose: Purpose = Purpose.REPLY, stop: bool | None = None
) -> Committed:
    """Sarah writes, and this is what is said to her."""
    await write(store, stop=stop)
    [work] = await claim(store)
    return await store.path.commit_and_start([outcome(work, *texts, purpose=purpose)], 0, offer(given))


async def sent(store: Store, starting: Sequence[Dispatch]) -> None:
    await store.path.finish(
        [Result(id=one.outbound.id, address=one.address, attempts=1, state=DeliveryState.SENT) for one in starting]
    )


async def states(store: Store) -> list[str]:
    return [entry.state.value for entry in reversed(await store.records.outbox())]


def texts(committed: Committed) -> list[str]:
    return [one.outbound.text for one in committed.starting]


async def dispatched(store: Store) -> list[Dispatch]:
    return list((await store.path.dispatch([quota()], lease=30, unknown_wait=60)).starting)


async def test_what_starts_is_what_dispatch_would_start(store: Store) -> None:
    [starting] = (await say(store, "one")).starting
    assert await states(store) == ["sending"]
    await sent(store, [starting])
    await write(store)
    [work] = await claim(store)
    await store.path.commit([outcome(work, "one")])
    [later] = await dispatched(store)
    assert (starting.address, starting.channel, starting.account) == (later.address, later.channel, later.account)
    for name in ("to", "parts", "subject", "context", "provider_id", "attempts", "heard_at"):
        assert getattr(starting.outbound, name) == getattr(later.outbound, name)


async def test_of_each_address_the_first_starts_and_the_next_waits_for_it(store: Store) -> None:
    committed = await say(store, "one", "two")
    assert texts(committed) == ["one"]
    assert committed.waiting
    assert await states(store) == ["sending", "queued"]
    assert await dispatched(store) == []
    await sent(store, committed.starting)
    assert [one.outbound.text for one in await dispatched(store)] == ["two"]


async def test_no_more_start_than_there_are_places(store: Store) -> None:
    await write(store)
    await write(store, MIKE)
    works = await claim(store)
    committed = await store.path.commit_and_start([outcome(work, "hi") for work in works], 0, offer(quota(free=1)))
    assert (len(committed.starting), committed.waiting) == (1, True)
    assert sorted(await states(store)) == ["queued", "sending"]


async def test_nothing_is_left_to_look_for_where_all_starts(store: Store) -> None:
    assert not (await say(store, "one")).waiting


async def test_what_is_under_way_at_an_address_is_waited_for(store: Store) -> None:
    first = await say(store, "one")
    second = await say(store, "two")
    assert (texts(first), texts(second)) == (["one"], [])
    assert await states(store) == ["sending", "queued"]


async def test_what_nobody_knows_the_end_of_is_waited_for(store: Store) -> None:
    [first] = (await say(store, "one")).starting
    unknown = Result(id=first.outbound.id, address=first.address, attempts=1, state=DeliveryState.UNKNOWN, reason="x")
    await store.path.finish([unknown])
    assert texts(await say(store, "two")) == []


async def test_a_call_that_never_ends_becomes_unknown_as_any(store: Store, dsn: str) -> None:
    assert texts(await say(store, "one")) == ["one"]
    assert await store.path.abandon() == 0
    await execute(dsn, "UPDATE outbox SET leased_until = now() - interval '1 s'")
    assert await store.path.abandon() == 1


async def test_whoever_said_stop_gets_nothing(store: Store) -> None:
    assert texts(await say(store, "one", stop=True)) == []
    assert await dispatched(store) == []
    assert await states(store) == ["suppressed"]


async def test_a_stop_that_is_being_written_is_waited_for(store: Store, dsn: str) -> None:
    await write(store)
    [work] = await claim(store)
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("UPDATE addresses SET stopped_at = now()")
            commit = asyncio.create_task(store.path.commit_and_start([outcome(work, "one")], 0, offer()))
            while not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
                assert not commit.done()
    finally:
        await connection.close()
    assert texts(await commit) == []


@pytest.mark.parametrize("purpose", [Purpose.CONFIRMATION, Purpose.POINTER, Purpose.AGENT])
async def test_what_has_rules_of_its_own_is_left_to_dispatch(store: Store, purpose: Purpose) -> None:
    assert texts(await say(store, "one", purpose=purpose)) == []


async def test_the_caps_of_an_address_hold(store: Store) -> None:
    await sent(store, (await say(store, "one")).starting)
    assert texts(await say(store, "two", given=quota(replies=1))) == []
    assert await states(store) == ["sent", "queued"]


async def test_the_tighter_cap_holds_only_for_what_did_not_answer_us(store: Store) -> None:
    tight = quota(unsolicited=1)
    await sent(store, (await say(store, "one", given=tight, purpose=Purpose.UNSOLICITED)).starting)
    assert await states(store) == ["sent"]
    await sent(store, (await say(store, "an answer", given=tight)).starting)
    assert await states(store) == ["sent", "sent"]
    assert texts(await say(store, "two", given=tight, purpose=Purpose.UNSOLICITED)) == []


async def test_a_greeting_takes_no_place_of_the_tighter_cap_and_gets_none_behind_an_answer(store: Store) -> None:
    tight = quota(unsolicited=1)
    await sent(store, (await say(store, "hello", given=tight, purpose=Purpose.GREETING)).starting)
    await sent(store, (await say(store, "an answer", given=tight, purpose=Purpose.UNSOLICITED)).starting)
    assert await states(store) == ["sent", "sent"]
    assert texts(await say(store, "hello", given=tight, purpose=Purpose.GREETING)) == []


async def test_one_greeting_is_enough(store: Store) -> None:
    tight = quota(unsolicited=1)
    await sent(store, (await say(store, "hello", given=tight, purpose=Purpose.GREETING)).starting)
    assert texts(await say(store, "hello again", given=tight, purpose=Purpose.GREETING)) == []


async def test_of_a_turn_that_is_somebody_elses_by_now_nothing_starts(store: Store, dsn: str) -> None:
    await write(store)
    [work] = await claim(store)
    await execute(dsn, "UPDATE lanes SET fence = fence + 1")
    committed = await store.path.commit_and_start([outcome(work, "one")], 0, offer())
    assert (committed.held, texts(committed)) == ({}, [])
    assert await states(store) == []
