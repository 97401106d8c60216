"""The worker of links: does what was proven, again where it fails, and lets go when the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from omnibot.linking import Linking
from omnibot.store import Store
from omnibot.store.identity import CUSTOMER, Act, NewAct
from tests.store.statements import execute
from tests.store.test_identity import MAIL, SMS, TELEGRAM, id_of, together, write


@asynccontextmanager
async def running(linking: Linking) -> AsyncIterator[None]:
    task = asyncio.create_task(linking.run())
    try:
        yield
        async with asyncio.timeout(10):
            linking.close()
            await task
    finally:
        task.cancel()


@pytest.fixture
async def people(store: Store) -> Store:
    await write(store, TELEGRAM, MAIL, SMS)
    return store


async def link(store: Store, one, other) -> NewAct:
    return NewAct(
        act=Act.LINK, address=await id_of(store, one), other=await id_of(store, other), evidence="code", by=CUSTOMER
    )


async def until_done(store: Store) -> None:
    async with asyncio.timeout(10):
        while await store.identity.waiting_acts():
            await asyncio.sleep(0.01)


async def test_what_is_proven_is_linked_as_soon_as_it_is_told(people: Store) -> None:
    done = asyncio.Event()
    linking = Linking(people.identity, attempts=3, poll_seconds=3600, done=done.set)
    await people.identity.write_acts([await link(people, MAIL, TELEGRAM)])
    async with running(linking):
        await until_done(people)
        assert done.is_set()
        await people.identity.write_acts([await link(people, SMS, TELEGRAM)])
        linking.wake()
        await until_done(people)
    assert await together(people, MAIL, TELEGRAM, SMS)


async def test_what_nobody_tells_of_is_found_by_looking(people: Store) -> None:
    async with running(Linking(people.identity, attempts=3, poll_seconds=0.02)):
        await people.identity.write_acts([await link(people, MAIL, TELEGRAM)])
        await until_done(people)
    assert await together(people, MAIL, TELEGRAM)


class Counting(Linking):
    looks = 0

    async def take_one(self) -> bool:
        self.looks += 1
        return await super().take_one()


async def test_whoever_is_woken_for_nothing_again_and_again_rests_in_between(people: Store) -> None:
    """Each message wakes it twice, and a look takes three round trips."""
    linking = Counting(people.identity, attempts=3, poll_seconds=3600)
    async with running(linking):
        for _ in range(50):
            linking.wake()
            await people.identity.waiting_acts()
        assert linking.looks < 25
        await people.identity.write_acts([await link(people, MAIL, TELEGRAM)])
        linking.wake()
        await until_done(people)
    assert await together(people, MAIL, TELEGRAM)


async def test_two_processes_share_the_work(people: Store) -> None:
    await people.identity.write_acts([await link(people, MAIL, TELEGRAM), await link(people, SMS, TELEGRAM)])
    workers = [Linking(people.identity, attempts=3, poll_seconds=0.02) for _ in range(2)]
    async with running(workers[0]), running(workers[1]):
        await until_done(people)
    assert await together(people, MAIL, TELEGRAM, SMS)
    assert await people.identity.audit() == []


async def test_what_fails_is_told_and_left_to_staff(people: Store, dsn: str) -> None:
    broken = NewAct(act=Act.LINK, address=await id_of(people, MAIL), evidence="code", by=CUSTOMER)
    await people.identity.write_acts([broken])
    linking = Linking(people.identity, attempts=2, poll_seconds=1)
    with capture_logs() as lines:
        assert await linking.take_one()
        assert not await linking.take_one()  # it comes again later
        await execute(dsn, "UPDATE identity_acts SET due_at = now()")
        assert await linking.take_one()
    assert [(line["event"], line["error"]) for line in lines] == [
        ("identity.failed", "ValueError"),
        ("identity.parked", "ValueError"),
    ]
    assert len(await people.identity.reviews()) == 1


async def test_a_database_that_only_reads_is_waited_for(people: Store, dsn: str) -> None:
    """As one that has failed over to a copy."""
    await people.identity.write_acts([await link(people, MAIL, TELEGRAM)])
    name = await people._pool.fetchval("SELECT current_database()")
    linking = Linking(people.identity, attempts=2, poll_seconds=0.02)
    with capture_logs() as lines:
        await execute(dsn, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        try:
            await people._pool.expire_connections()
            async with running(linking):
                async with asyncio.timeout(10):
                    while not lines:
                        await asyncio.sleep(0.01)
                await execute(dsn, f"SET transaction_read_only = off; ALTER DATABASE {name} RESET ALL")
                await people._pool.expire_connections()
                await until_done(people)
        finally:
            await execute(dsn, f"SET default_transaction_read_only = off; ALTER DATABASE {name} RESET ALL")
    assert lines[0]["event"] == "identity.store_unavailable"
    assert await together(people, MAIL, TELEGRAM)


async def test_what_has_run_out_is_deleted_at_the_start(people: Store, dsn: str) -> None:
    await execute(
        dsn,
        "INSERT INTO spent_tokens (key, at, expires_at) SELECT gen_random_uuid(), now(), now() - interval '1 s'"
        " FROM generate_series(1, 10003)",
    )
    with capture_logs() as lines:
        task = asyncio.create_task(Linking(people.identity, attempts=2, poll_seconds=1).expire())
        async with asyncio.timeout(10):
            while len(lines) < 2:
                await asyncio.sleep(0.01)
        task.cancel()
    assert [(line["event"], line["count"]) for line in lines] == [("identity.expired", n) for n in (10_000, 3)]
