"""The hot path when several things happen at once, and what it costs when nothing does."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from omnibot.model import Address, AddressId, ButtonPress, Change, DeliveryState, IncomingEdit, Sender
from omnibot.store import Store
from omnibot.store.codec import Codec
from omnibot.store.identity import Guards
from omnibot.store.message_path import MessagePath
from omnibot.store.message_path.claim import _CLAIM
from omnibot.store.message_path.known import Known, KnownAddresses, Way
from omnibot.store.message_path.load import KINDS, Claimed
from omnibot.store.work import Arrived, Work
from tests.conftest import SECRET
from tests.store.statements import execute
from tests.store.test_message_path import (
    MIKE,
    NOON,
    SARAH,
    arrived,
    claim,
    dispatch,
    message,
    outcome,
    quota,
    result,
    say,
    states,
)


@asynccontextmanager
async def other(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Another client of the database."""
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def process(dsn: str, guards: Guards | None = None) -> AsyncIterator[MessagePath]:
    """The path of another process on the same database."""
    async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as pool:
        yield MessagePath(pool, Codec(SECRET), guards)


async def waits_for_lock(connection: asyncpg.Connection) -> None:
    async with asyncio.timeout(10):
        while not await connection.fetchval(
            "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted"
            " AND a.datname = current_database()"
        ):
            await asyncio.sleep(0)


async def waiting(connection: asyncpg.Connection) -> list[tuple[int, int]]:
    """Customer and address of all that the inbox holds, and only where their lane is due."""
    rows = await connection.fetch(
        "SELECT customer_id, address_id FROM inbox JOIN lanes USING (customer_id) WHERE lanes.due_at <= now()"
        " ORDER BY inbox.id"
    )
    return [(row["customer_id"], row["address_id"]) for row in rows]


class TestLinks:
    """Whoever moves an address to another customer meets what is being taken in from it, or the other way round."""

    @pytest.fixture
    async def people(self, store: Store) -> tuple[int, int]:
        """Sarah and Mike, who are known and have nothing waiting."""
        for address in (SARAH, MIKE):
            await say(store, "hello", sender=address)
        sarah, mike = [await store.records.customer_of(address) for address in (SARAH, MIKE)]
        assert sarah is not None
        assert mike is not None
        return sarah, mike

    @pytest.mark.parametrize("stop", [None, True], ids=["as before", "with a STOP"])
    async def test_what_comes_while_a_link_is_moved_belongs_to_whom_it_is_moved_to(
        self, store: Store, dsn: str, people: tuple[int, int], stop: bool | None
    ) -> None:
        sarah, mike = people
        async with other(dsn) as mover:
            async with mover.transaction():
                await mover.execute("UPDATE links SET customer_id = $2 WHERE customer_id = $1", sarah, mike)
                accepting = asyncio.create_task(store.path.accept([arrived(message("x"), stop=stop)]))
                await waits_for_lock(mover)
            assert await accepting == [True]
            [(customer, _)] = await waiting(mover)
            assert customer == mike
        [work] = await claim(store)
        assert [item.message.text for item in work.items if item.message] == ["hello"]

    @pytest.mark.parametrize("stop", [None, True], ids=["as before", "with a STOP"])
    async def test_who_moves_a_link_waits_for_what_is_being_taken_in(
        self, store: Store, dsn: str, people: tuple[int, int], stop: bool | None
    ) -> None:
        sarah, mike = people
        async with other(dsn) as busy, other(dsn) as mover:
            async with busy.transaction():
                await busy.execute("SELECT FROM lanes WHERE customer_id = $1 FOR UPDATE", sarah)
                accepting = asyncio.create_task(store.path.accept([arrived(message("x"), stop=stop)]))
                await waits_for_lock(busy)
                await mover.execute("SET lock_timeout = '50 ms'")
                with pytest.raises(asyncpg.LockNotAvailableError):
                    await mover.execute("UPDATE links SET customer_id = $2 WHERE customer_id = $1", sarah, mike)
            assert await accepting == [True]
            [(customer, _)] = await waiting(mover)
            assert customer == sarah


class TestAnotherProcess:
    """What one process knows of an address, another may have changed."""

    @pytest.fixture
    async def second(self, dsn: str) -> AsyncIterator[MessagePath]:
        async with process(dsn) as second:
            yield second

    async def test_the_same_delivery_to_both_is_taken_once(self, store: Store, second: MessagePath) -> None:
        await say(store, "hello")
        await second.accept([arrived(message("known to both"))])
        for number in range(20):
            item = [arrived(message(str(number)))]
            assert sorted(await asyncio.gather(store.path.accept(item), second.accept(item))) == [[False], [True]]
        [work] = await claim(store)
        assert len(work.items) == 21

    async def test_somebody_met_by_both_at_once_is_one_customer(self, store: Store, second: MessagePath) -> None:
        for number in range(20):
            who = Address("telegram", f"new-{number}")
            await asyncio.gather(
                store.path.accept([arrived(message(f"a{number}", sender=who))]),
                second.accept([arrived(message(f"b{number}", sender=who))]),
            )
        assert [len(work.items) for work in await claim(store, 100)] == [2] * 20

    async def test_a_group_that_the_other_heard_of_is_left_again(self, store: Store, second: MessagePath) -> None:
        await store.path.accept([arrived(message("1"))])
        await second.accept([arrived(message("2", context={"chat": "-100"}))])
        assert await store.path.accept([arrived(message("3", "in private"))]) == [True]
        [work] = await claim(store)
        assert work.addresses[0].context == {}
        assert [item.message.text for item in work.items if item.message] == ["hello", "hello", "in private"]

    async def test_who_is_unreachable_to_the_other_can_be_reached_when_they_write(
        self, store: Store, second: MessagePath
    ) -> None:
        await say(store, "one")
        [dispatched] = await dispatch(store)
        await second.finish([result(dispatched, DeliveryState.REFUSED, reason="blocked", unreachable=True)])
        await store.path.accept([arrived(message("auto", automatic="out of office"))])
        [work] = await claim(store)
        assert work.addresses[0].unreachable
        await store.path.commit([outcome(work)])
        await store.path.accept([arrived(message("hand"))])
        [work] = await claim(store)
        assert not work.addresses[0].unreachable

    async def test_who_was_forgotten_meanwhile_is_met_anew(self, store: Store, dsn: str) -> None:
        await say(store, "hello")
        before = await store.records.customer_of(SARAH)
        await execute(dsn, "DELETE FROM links; DELETE FROM addresses")
        assert await store.path.accept([arrived(message("x"))]) == [True]
        after = await store.records.customer_of(SARAH)
        assert after not in (None, before)
        assert [work.lease.customer for work in await claim(store)] == [after]

    async def test_what_is_about_nobody_any_more_is_forgotten(self, store: Store, dsn: str) -> None:
        await say(store, "hello")
        await execute(dsn, "DELETE FROM links; DELETE FROM addresses")
        edit = IncomingEdit(id="e", at=NOON, sender=Sender(SARAH), message_id="m1", text="x")
        assert await store.path.accept([arrived(edit)]) == [True]
        assert await store.records.customer_of(SARAH) is None
        assert await claim(store) == []


class TestClaim:
    """What a claim reads is as old as its beginning, and its locks are younger: others may commit in between."""

    @pytest.fixture
    async def held_up(self, dsn: str) -> AsyncIterator[HeldUp]:
        """A worker whose claim has begun, and waits before it has locked anything."""
        async with other(dsn) as gate:
            await gate.execute(_SLOW_CLOCK)
            settings = {"search_path": "slow, pg_catalog, public"}
            async with asyncpg.create_pool(dsn, min_size=1, max_size=2, server_settings=settings) as pool:
                yield HeldUp(gate, MessagePath(pool, Codec(SECRET)))

    async def test_a_message_that_comes_in_between_is_in_the_turn(self, store: Store, held_up: HeldUp) -> None:
        await store.path.accept([arrived(message("1", "one"))])
        async with held_up.claim() as claiming:
            await store.path.accept([arrived(message("2", "two"))])
        [work] = await claiming
        assert texts(work) == ["one", "two"]

    async def test_what_was_answered_in_between_is_not_answered_again(self, store: Store, held_up: HeldUp) -> None:
        """More waits there, and has for long: so the lane is taken, though it is not what it was."""
        await store.path.accept([arrived(message("1", "one")), arrived(message("2", "two"))])
        async with held_up.claim() as claiming:
            [first] = await claim(store)
            await store.path.commit([outcome(replace(first, items=first.items[:1]), "hi")])
        [work] = await claiming
        assert texts(work) == ["two"]
        assert [entry.text for entry in work.timeline] == ["one", "two", "hi"]

    async def test_what_comes_after_a_turn_in_between_is_left_to_the_next(self, store: Store, held_up: HeldUp) -> None:
        await store.path.accept([arrived(message("1"))])
        async with held_up.claim() as claiming:
            await say(store, "hi")
            await store.path.accept([arrived(message("3", "three"))])
        assert await claiming == []
        [work] = await claim(store)
        assert texts(work) == ["three"]

    async def test_whose_turn_was_taken_in_between_is_left_alone(self, store: Store, held_up: HeldUp) -> None:
        await store.path.accept([arrived(message("1"))])
        async with held_up.claim() as claiming:
            await claim(store)
        assert await claiming == []

    async def test_who_was_slow_and_commits_in_between_is_not_taken_for_lost(
        self, store: Store, held_up: HeldUp
    ) -> None:
        await store.path.accept([arrived(message("1"))])
        [slow] = await store.path.load(await store.path.claim(1, lease=0))
        assert isinstance(slow, Work)
        async with held_up.claim() as claiming:
            assert await store.path.commit([outcome(slow, "hi")])
        assert await claiming == []

    async def test_a_lane_that_was_given_a_new_fence_is_read_anew(
        self, store: Store, dsn: str, held_up: HeldUp
    ) -> None:
        """So do those who move an address to somebody else, with all that waits for it."""
        await store.path.accept([arrived(message("1", "one")), arrived(message("2", "two"))])
        async with held_up.claim() as claiming:
            await execute(dsn, "UPDATE lanes SET fence = fence + 1; DELETE FROM inbox WHERE message_id = 1")
        [work] = await claiming
        assert texts(work) == ["two"]

    async def test_only_who_has_changed_is_read_again(self, store: Store, dsn: str, held_up: HeldUp) -> None:
        await store.path.accept([arrived(message("1", "one")), arrived(message("2", "hi", sender=MIKE))])
        async with held_up.claims() as claiming:
            await store.path.accept([arrived(message("3", "two"))])
        claims = await claiming
        assert sorted(claimed.row is None for claimed in claims) == [False, True]
        works = await store.path.load(claims)
        assert [texts(work) for work in works if isinstance(work, Work)] == [
            ["one", "two"] if claimed.row is None else ["hi"] for claimed in claims
        ]


_SLOW_CLOCK = """
CREATE SCHEMA slow;
CREATE FUNCTION slow.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_advisory_xact_lock_shared(1);
    RETURN pg_catalog.now();
END $$
"""


class HeldUp:
    """A worker whose clock stands still while somebody holds a lock: it cannot tell what is due."""

    def __init__(self, gate: asyncpg.Connection, path: MessagePath) -> None:
        self._gate = gate
        self._path = path

    @asynccontextmanager
    async def claims(self) -> AsyncIterator[asyncio.Task[list[Claimed]]]:
        """A claim that has read, and goes on after the block."""
        async with self._gate.transaction():
            await self._gate.execute("SELECT pg_advisory_xact_lock(1)")
            claiming = asyncio.create_task(self._path.claim(10, lease=30))
            await waits_for_lock(self._gate)
            yield claiming

    @asynccontextmanager
    async def claim(self) -> AsyncIterator[asyncio.Task[list[Work]]]:
        """The same, with what it finds."""
        async with self.claims() as claiming:
            yield asyncio.create_task(self._works(claiming))

    async def _works(self, claiming: asyncio.Task[list[Claimed]]) -> list[Work]:
        return [work for work in await self._path.load(await claiming) if isinstance(work, Work)]


def texts(work: Work) -> list[str]:
    return [item.message.text for item in work.items if item.message]


async def test_a_batch_of_old_and_new_people_is_taken_as_a_whole(store: Store) -> None:
    await say(store, "hello")
    batch = [
        arrived(message("1", "again")),
        arrived(message("2", "first", sender=MIKE)),
        arrived(message("1", "again")),
    ]
    assert await store.path.accept(batch) == [True, True, False]
    works = await claim(store)
    assert sorted(i.message.text for work in works for i in work.items if i.message) == ["again", "first"]


async def test_a_press_on_a_button_answers_what_it_was_under(store: Store) -> None:
    await say(store, "Which one?")
    [dispatched] = await dispatch(store)
    await store.path.finish([result(dispatched, provider_id="p1")])
    press = ButtonPress(id="b1", at=NOON, sender=Sender(SARAH, "Sarah", "en"), value="The red one", message_id="p1")
    assert await store.path.accept([arrived(press)]) == [True]
    [work] = await claim(store)
    [item] = work.items
    assert item.message is not None
    assert (item.message.pressed, item.message.answers) == ("The red one", dispatched.outbound.id)


async def test_what_is_committed_while_a_turn_waits_for_the_lane_waits_for_the_pause(dsn: str, store: Store) -> None:
    """It could not be seen, so it counts as having come just now."""
    await store.path.accept([arrived(message("1"))])
    [work] = await claim(store)
    async with other(dsn) as intake:
        async with intake.transaction():
            await intake.execute(
                "INSERT INTO inbox (customer_id, address_id, kind, priority, due_at, attempts)"
                " SELECT customer_id, $2, 'message', 5, now() + interval '60 s', 0 FROM lanes WHERE customer_id = $1",
                work.lease.customer,
                work.addresses[0].id,
            )
            await intake.execute("UPDATE lanes SET arrivals = arrivals + 1")
            committing = asyncio.create_task(store.path.commit([outcome(work, "hi")], pause=60))
            await waits_for_lock(intake)
        assert await committing == {work.lease.customer: False}
        assert await claim(store) == []
        assert await intake.fetchval("SELECT extract(epoch FROM due_at - now())::int FROM lanes") in range(50, 61)


async def test_many_at_once_lose_and_repeat_nothing_and_never_deadlock(store: Store, dsn: str) -> None:
    """Four receive, four take turns, two send; every message is answered once."""
    people = [Address("telegram", str(number)) for number in range(12)]
    messages = [message(f"{number}-{who.value}", f"{number}", sender=who) for number in range(15) for who in people]
    taken: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    received = asyncio.Event()
    dice = random.Random(4)

    async def receive(path: MessagePath, part: int) -> None:
        mine = messages[part::4]
        while mine:
            batch, mine = mine[:3], mine[3:]
            dice.shuffle(batch)
            assert all(await path.accept([arrived(item) for item in batch]))

    async def take(path: MessagePath) -> None:
        while not received.is_set() or await store.records.waiting():
            for work in await path.load(await path.claim(3, lease=30)):
                assert isinstance(work, Work)
                said = [item.message for item in work.items if item.message]
                changes = tuple(Change(key="language", value=m.text, source=m.id) for m in said)
                if await path.commit([outcome(work, *(m.text for m in said), changes=changes)]):
                    taken.update((work.addresses[0].address.value, m.text) for m in said)

    async def send(path: MessagePath) -> None:
        while sum(sent.values()) < len(messages):
            starting = (await path.dispatch([quota(free=5)], lease=30, unknown_wait=60)).starting
            sent.update((d.outbound.to.value, d.outbound.text) for d in starting)
            if starting:
                await path.finish([result(d, provider_id=f"p{d.outbound.id}") for d in starting])

    async with process(dsn) as second, asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for path in (store.path, second):
            for _ in range(2):
                tasks.create_task(take(path))
            tasks.create_task(send(path))
        async with asyncio.TaskGroup() as receiving:
            for part in range(4):
                receiving.create_task(receive((store.path, second)[part % 2], part))
        received.set()

    expected = Counter((item.sender.address.value, item.text) for item in messages)
    assert taken == expected
    assert sent == expected
    assert set(await states(store)) == {"sent"}


async def logged() -> None:
    """asyncpg logs a statement in the loop's next turn."""
    await asyncio.sleep(0)


class TestDisk:
    """What somebody outside knows next is synced, with all that it stands on; nothing else waits for the disk."""

    @pytest.fixture
    async def sql(self, dsn: str) -> AsyncIterator[asyncpg.Connection]:
        async with other(dsn) as connection:
            yield connection

    async def written(self, sql: asyncpg.Connection) -> str:
        return str(await sql.fetchval("SELECT pg_current_wal_insert_lsn()::text"))

    async def is_synced(self, sql: asyncpg.Connection, position: str) -> bool:
        return bool(await sql.fetchval("SELECT pg_current_wal_flush_lsn() >= $1::text::pg_lsn", position))

    async def test_what_is_acknowledged_is_synced(self, store: Store, sql: asyncpg.Connection) -> None:
        synced = []
        for number in range(20):
            await store.path.accept([arrived(message(str(number)))])
            synced.append(await self.is_synced(sql, await self.written(sql)))
        assert sum(synced) > 15  # PostgreSQL itself may have written something since

    async def test_a_turn_is_synced_no_later_than_something_of_it_leaves(
        self, store: Store, sql: asyncpg.Connection
    ) -> None:
        waited = []
        for number in range(20):
            await store.path.accept([arrived(message(str(number)))])
            [work] = await claim(store)
            await store.path.commit([outcome(work, "hi")])
            position = await self.written(sql)
            waited.append(await self.is_synced(sql, position))  # PostgreSQL itself syncs five times a second
            [dispatched] = await dispatch(store)
            assert await self.is_synced(sql, position)
            await store.path.finish([result(dispatched)])
        assert not all(waited)


class TestCost:
    """A round trip wakes two processes: somebody who writes as before costs one a step."""

    @pytest.fixture
    async def statements(self, store: Store) -> list[str]:
        """What the pool's one connection is asked."""
        asked: list[str] = []

        def log(query: asyncpg.connection.LoggedQuery) -> None:
            asked.append(query.query)

        async with store._pool.acquire() as connection:
            connection.add_query_logger(log)
        return asked

    async def test_a_message_takes_one_statement_a_step(self, store: Store, statements: list[str]) -> None:
        for number in range(3):  # the first to be met, the second to find out about types
            await logged()
            statements.clear()
            await store.path.accept([arrived(message(str(number)))])
            [work] = await claim(store)
            assert work.items[0].message is not None
            change = Change(key="language", value=str(number), source=work.items[0].message.id)
            await store.path.commit([outcome(work, "hi", changes=(change,))])
            [dispatched] = await dispatch(store)
            await store.path.finish([result(dispatched)])
        await logged()
        assert len(statements) == 5

    async def test_whoever_has_not_written_to_this_process_is_looked_up_first(
        self, store: Store, dsn: str, statements: list[str]
    ) -> None:
        async with process(dsn) as second:
            await second.accept([arrived(message("1")), arrived(message("2", sender=MIKE))])
        await store.path.accept([arrived(message("3", sender=Address("telegram", "4713")))])
        await logged()
        statements.clear()
        for number in range(3):
            await store.path.accept([arrived(message(f"s{number}")), arrived(message(f"m{number}", sender=MIKE))])
        await logged()
        assert [("arrived" in statement, "typeinfo" in statement) for statement in statements].count((True, False)) == 3
        assert sum("FROM addresses WHERE hash = h.hash" in statement for statement in statements) == 1

    async def test_statements_are_planned_once_and_not_for_each_batch(self, store: Store) -> None:
        for number in range(20):
            await say(store, str(number))
            [dispatched] = await dispatch(store)
            await store.path.finish([result(dispatched)])
        async with store.path._connection() as connection:
            rows = await connection.fetch(
                "SELECT left(statement, 60) AS statement, custom_plans FROM pg_prepared_statements"
                " WHERE generic_plans + custom_plans >= 19"
            )
        assert len(rows) == 5
        for row in rows:
            assert row["custom_plans"] == 0, row["statement"]

    async def test_customers_who_rest_cost_a_claim_nothing(self, store: Store, dsn: str) -> None:
        await execute(
            dsn,
            "INSERT INTO lanes (customer_id, due_at, priority, arrivals, fence, lost)"
            " SELECT 1000 + n, 'infinity', 5, 1, 1, 0 FROM generate_series(1, 20000) AS n; ANALYZE lanes",
        )
        async with store._pool.acquire() as connection:
            plan = await connection.fetch(f"EXPLAIN {_CLAIM}", 10, KINDS, timedelta(seconds=30))
        assert not [row for row in plan if "Seq Scan on lanes" in row["QUERY PLAN"]]


class TestKnownAddresses:
    def known(self, number: int) -> dict[UUID, Known]:
        return {UUID(int=number): Known(AddressId(number), Way("main", {}, "4711"), None, b"")}

    def test_whoever_wrote_longest_ago_is_forgotten_first(self) -> None:
        addresses = KnownAddresses(most=3)
        for number in (1, 2, 3):
            addresses.remember(self.known(number))
        assert addresses.get(UUID(int=1)) is not None
        addresses.remember(self.known(4))
        assert [addresses.get(UUID(int=n)) is not None for n in (1, 2, 3, 4)] == [True, False, True, True]

    def test_what_is_known_anew_replaces_what_was(self) -> None:
        addresses = KnownAddresses(most=3)
        addresses.remember(self.known(1))
        moved = replace(self.known(1)[UUID(int=1)], way=Way("beta", {}, "4711"))
        addresses.remember({UUID(int=1): moved})
        assert addresses.get(UUID(int=1)) == moved

    def test_an_empty_context_leads_out_of_a_group(self) -> None:
        way = Way("main", {"chat": "-100"}, "4711")
        edit = IncomingEdit(id="e", at=NOON, sender=Sender(SARAH), message_id="m1", text="x")
        assert way.after(arrived(message("1"))) == Way("main", {}, "4711")
        assert way.after(Arrived(channel="telegram", account="beta", item=edit)) == Way(
            "beta", {"chat": "-100"}, "4711"
        )
