"""Imports and what people do by hand, beside a server at work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import asyncpg
import pytest
from tortoise.exceptions import IntegrityError

from omnibot.model import Address, Change, DeliveryState, Draft, IncomingMessage, Paragraph, Sender
from omnibot.store import Store, imports, models
from omnibot.store.imports import Imported, NewCustomer
from omnibot.store.work import Arrived, Dispatch, Outcome, Purpose, Quota, Reply, Result
from tests.conftest import SECRET

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNTS = {"telegram": "main"}


def telegram(number: int) -> Address:
    return Address("telegram", str(number))


def customers(*numbers: int, **facts: str) -> list[NewCustomer]:
    return [
        NewCustomer(row=row, addresses=(telegram(number),), facts=facts or {"name": f"Customer {number}"})
        for row, number in enumerate(numbers, 2)
    ]


async def write(store: Store, number: int, id_: str = "1") -> None:
    item = IncomingMessage(id=id_, at=NOON, sender=Sender(telegram(number)), message_id=id_, text="hello")
    await store.path.accept([Arrived(channel="telegram", account="main", item=item)])


async def state_name(store: Store, number: int, name: str) -> None:
    """What a turn does in which somebody says who they are."""
    await write(store, number, id_=f"name {name}")
    [work] = await store.path.load(await store.path.claim(1, lease=30))
    [source] = [item.message.id for item in work.items if item.message]
    change = Change(key="name", value=name, source=source)
    await store.path.commit([Outcome(work=work, address=work.addresses[0].id, record={}, changes=(change,))])


def before_linking(store: Store, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[int], Awaitable[None]]) -> None:
    """Let something happen in each batch after it was seen who is known, and before the others are written."""
    link, tries = store.records._link, 0

    async def linking(links: Sequence[tuple[Address, int]], accounts: dict[str, str]) -> dict[Address, int]:
        nonlocal tries
        tries += 1
        await meanwhile(tries)
        return await link(links, accounts)

    monkeypatch.setattr(store.records, "_link", linking)


class TestImport:
    async def test_a_batch_is_there_before_the_next_begins(
        self, store: Store, dsn: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(imports, "_BATCH", 1)
        seen = []

        async def look(_: int) -> None:
            seen.append(await elsewhere.fetchval("SELECT count(*) FROM customers"))

        elsewhere = await asyncpg.connect(dsn)
        before_linking(store, monkeypatch, look)
        await store.records.import_customers(customers(1, 2, 3), ACCOUNTS)
        await elsewhere.close()
        assert seen == [0, 1, 2]

    async def test_who_writes_for_the_first_time_meanwhile_is_the_imported_customer(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def somebody_writes(attempt: int) -> None:
            if attempt == 1:
                await write(store, 2)

        before_linking(store, monkeypatch, somebody_writes)
        done = await store.records.import_customers(customers(1, 2, 3), ACCOUNTS)
        assert done == Imported(created=2, updated=1, conflicts=())
        assert await store.records.facts_of(telegram(2)) == {"name": "Customer 2"}

    async def test_what_a_customer_states_meanwhile_holds(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        await store.records.import_customers(customers(1, language="en"), ACCOUNTS)
        create, stated = models.Fact.bulk_create, False

        async def creating(facts: Sequence[models.Fact]) -> None:
            nonlocal stated
            if not stated:
                stated = True
                await state_name(store, 1, "Sarah")
            await create(facts)

        monkeypatch.setattr(models.Fact, "bulk_create", creating)
        await store.records.import_customers(customers(1, name="S. Lind"), ACCOUNTS)
        assert (await store.records.facts_of(telegram(1)))["name"] == "Sarah"

    async def test_who_keeps_getting_in_the_way_is_told(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        numbers = iter(range(1, 100))

        async def another_writes(attempt: int) -> None:
            number = next(numbers)
            await write(store, number, id_=str(number))

        before_linking(store, monkeypatch, another_writes)
        with pytest.raises(IntegrityError):
            await store.records.import_customers(customers(*range(1, 100)), ACCOUNTS)


async def reply(store: Store, number: int) -> None:
    """One of ours in the outbox."""
    await write(store, number, id_=f"question of {number}")
    [work] = await store.path.load(await store.path.claim(1, lease=30))
    reply = Reply(Draft(to=work.addresses[0], parts=(Paragraph("Because."),)), Purpose.REPLY)
    await store.path.commit([Outcome(work=work, address=work.addresses[0].id, record={}, replies=(reply,))])


async def dispatch(store: Store) -> Dispatch:
    quota = Quota(
        channel="telegram",
        account="main",
        free=1,
        replies=100,
        replies_seconds=60,
        unsolicited=100,
        unsolicited_seconds=60,
    )
    [starting] = (await store.path.dispatch([quota], lease=30, unknown_wait=0)).starting
    return starting


def result(dispatched: Dispatch, state: DeliveryState) -> Result:
    outbound = dispatched.outbound
    return Result(id=outbound.id, address=dispatched.address, attempts=outbound.attempts, state=state)


class TestRetry:
    @pytest.mark.parametrize("state", [DeliveryState.DEAD, DeliveryState.REFUSED])
    async def test_what_was_given_up_gets_all_its_attempts_again(self, store: Store, state: DeliveryState) -> None:
        await reply(store, 1)
        await store.path.finish([result(await dispatch(store), DeliveryState.QUEUED)])
        last = await dispatch(store)
        assert last.outbound.attempts == 2
        await store.path.finish([result(last, state)])
        assert await store.records.retry(last.outbound.id)
        again = await dispatch(store)
        assert again.outbound.attempts == 1
        await store.path.finish([result(last, DeliveryState.DEAD)])  # told twice, and late
        entry = await store.records.outbox_entry(last.outbound.id)
        assert entry is not None
        assert entry.state is DeliveryState.SENDING

    async def test_a_late_result_of_what_is_unknown_is_told_from_that_of_the_retry(self, store: Store) -> None:
        await reply(store, 1)
        lost = await dispatch(store)
        await store.path.finish([result(lost, DeliveryState.UNKNOWN)])
        assert await store.records.retry(lost.outbound.id)
        assert (await dispatch(store)).outbound.attempts == 2

    async def test_what_is_on_its_way_is_not_retried(self, store: Store) -> None:
        await reply(store, 1)
        sending = await dispatch(store)
        assert not await store.records.retry(sending.outbound.id)


async def test_a_database_that_was_closed_is_not_in_the_way_of_the_next(dsn: str) -> None:
    """As whoever looks in and then starts a server from the same context."""

    async def work() -> int:
        async with Store.open(dsn, SECRET) as server:
            return await server.records.waiting()

    async with Store.open(dsn, SECRET) as outer:
        async with Store.open(dsn, SECRET) as inner:
            assert await inner.records.waiting() == 0
        assert await outer.records.waiting() == 0
    assert await asyncio.gather(work(), work()) == [0, 0]
