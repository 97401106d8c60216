"""What happened before: written once, never answered, and never over what is newer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from omnibot.model import (
    OUT_OF_SCOPE,
    Address,
    AddressId,
    Attempt,
    CaseSide,
    CaseState,
    CustomerId,
    Direction,
    EarlierTurn,
    IncomingMessage,
    Result,
    Sender,
)
from omnibot.store import Store
from omnibot.store.imports import NewCustomer
from omnibot.store.past import PastCase, PastFact, PastMessage, Said
from omnibot.store.work import Arrived, StoreUnavailable
from tests.store.test_message_path import claim

SMS, MAIL = Address("sms", "+4917012345678"), Address("email", "mike@example.org")
DAY = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def mike(store: Store) -> dict[Address, AddressId]:
    """One customer at two addresses."""
    await store.records.import_customers([NewCustomer(row=1, addresses=(SMS, MAIL), facts={})], {})
    return await store.past.ids([SMS, MAIL])


@pytest.fixture
async def connection(dsn: str):
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


def message(mike: dict[Address, AddressId], key: str, at: datetime = DAY, **changed: object) -> PastMessage:
    one = PastMessage(key=key, address=mike[SMS], at=at, direction=Direction.IN, text=f"text {key}")
    return replace(one, **changed)


def case(mike: dict[Address, AddressId], **changed: object) -> PastCase:
    one = PastCase(
        key="T-1",
        addresses=(mike[SMS], mike[MAIL]),
        intent="api-timeout",
        topic="504",
        state=CaseState.OPEN,
        opened_at=DAY,
        touched_at=DAY,
    )
    return replace(one, **changed)


async def sides(store: Store, mike: dict[Address, AddressId]) -> dict[Address, CaseSide]:
    where = {id_: address for address, id_ in mike.items()}
    return {where[side.address]: side for side in await store.profiles.sides(list(mike.values()))}


class TestMessages:
    async def test_they_stand_on_the_timeline_and_wake_nobody(
        self, store: Store, mike: dict[Address, AddressId], connection: asyncpg.Connection
    ) -> None:
        told = [
            message(mike, "1"),
            message(mike, "2", DAY + timedelta(hours=1), direction=Direction.OUT, by="Nina"),
            message(mike, "3", DAY + timedelta(hours=2), direction=Direction.OUT),
        ]
        assert await store.past.say(told) == 3
        timeline = await store.records.timeline(CustomerId(1))
        assert [(m.text, m.direction, m.by, m.at) for m in timeline] == [
            ("text 1", Direction.IN, "", DAY),
            ("text 2", Direction.OUT, "Nina", DAY + timedelta(hours=1)),
            ("text 3", Direction.OUT, "staff", DAY + timedelta(hours=2)),
        ]
        for table in ("lanes", "inbox", "outbox"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0

    async def test_they_are_written_once(self, store: Store, mike: dict[Address, AddressId]) -> None:
        assert await store.past.say([message(mike, "1"), message(mike, "1"), message(mike, "2")]) == 2
        assert await store.past.say([message(mike, "2"), message(mike, "3")]) == 1
        assert len(await store.records.timeline(CustomerId(1))) == 3

    async def test_what_has_come_here_itself_is_not_told_twice(
        self, store: Store, mike: dict[Address, AddressId]
    ) -> None:
        item = IncomingMessage(id="7", at=DAY, sender=Sender(SMS), message_id="7", text="text 1 ")
        await store.path.accept([Arrived(channel="sms", account="main", item=item)])
        own = message(mike, "1", DAY.replace(microsecond=700))
        assert await store.past.say([own, replace(own, key="2", direction=Direction.OUT)]) == 1
        assert await store.past.say([own]) == 0

    async def test_two_that_say_the_same_at_once_are_two(self, store: Store, mike: dict[Address, AddressId]) -> None:
        assert await store.past.say([message(mike, "1", text="ok")]) == 1
        assert await store.past.say([message(mike, "2", text="ok")]) == 1

    async def test_they_tell_since_when_somebody_is_known(
        self, store: Store, mike: dict[Address, AddressId], connection: asyncpg.Connection
    ) -> None:
        await store.past.say([message(mike, "2", DAY + timedelta(days=9)), message(mike, "1")])
        since = await connection.fetchval("SELECT created_at FROM addresses WHERE id = $1", mike[SMS])
        assert since == DAY


class TestReadings:
    def said(self, sentiment: float) -> Said:
        return Said({"why": "imported"}, EarlierTurn(at=DAY, sentiment=sentiment))

    async def read(self, connection: asyncpg.Connection) -> list[datetime]:
        return [row["at"] for row in await connection.fetch("SELECT at FROM turns ORDER BY id")]

    async def test_they_are_kept_in_the_order_of_time_and_once(
        self, store: Store, mike: dict[Address, AddressId], connection: asyncpg.Connection
    ) -> None:
        later = message(mike, "2", DAY + timedelta(days=1), reading=self.said(-0.5))
        assert await store.past.unread(["1", "2"]) == {"1", "2"}
        await store.past.say([later, message(mike, "1", reading=self.said(0.5))])
        assert await self.read(connection) == [DAY, DAY + timedelta(days=1)]
        assert await store.past.unread(["1", "2", "3"]) == {"3"}
        await store.past.say([later])
        assert len(await self.read(connection)) == 2

    async def test_what_was_written_before_a_later_turn_does_not_pass_for_the_latest(
        self, store: Store, mike: dict[Address, AddressId], connection: asyncpg.Connection
    ) -> None:
        await store.past.say([message(mike, "2", DAY + timedelta(days=1), reading=self.said(-0.5))])
        await store.past.say([message(mike, "1", reading=self.said(0.5))])
        assert await self.read(connection) == [DAY + timedelta(days=1)]

    async def test_what_was_brought_unread_can_be_read_later(
        self, store: Store, mike: dict[Address, AddressId], connection: asyncpg.Connection
    ) -> None:
        await store.past.say([message(mike, "1")])
        assert await store.past.say([message(mike, "1", reading=self.said(0.5))]) == 0
        assert await self.read(connection) == [DAY]


class TestHabits:
    async def test_they_grow_in_the_order_of_time_and_once(
        self, store: Store, mike: dict[Address, AddressId], connection: asyncpg.Connection
    ) -> None:
        def grown(by: float) -> Callable:
            return lambda habits: {"words": habits.get("words", 0.0) * 10 + by}

        def said(by: float) -> Said:
            return Said({}, EarlierTurn(at=DAY), grown(by))

        told = [
            message(mike, "2", DAY + timedelta(days=1), reading=said(2)),
            message(mike, "1", reading=said(1)),
            message(mike, "3", address=mike[MAIL], reading=said(3)),
        ]
        await connection.execute("UPDATE addresses SET shared_at = now() WHERE id = $1", mike[MAIL])
        await store.past.say(told)
        await store.past.say([*told, message(mike, "4", DAY + timedelta(days=2), reading=said(4))])
        rows = await connection.fetch("SELECT address_id, body_sealed FROM habits")
        assert [(row["address_id"], row["body_sealed"]) for row in rows] == [(mike[SMS], b'\x00{"words":124.0}')]


class TestCases:
    async def test_each_address_that_took_part_has_a_side(self, store: Store, mike: dict[Address, AddressId]) -> None:
        told = case(
            mike,
            contacted_at=((mike[SMS], DAY), (mike[MAIL], DAY + timedelta(days=3))),
            touched_at=DAY + timedelta(days=3),
            attempts=(Attempt(what="a longer timeout", by="Nina", at=DAY, result=Result.FAILED),),
            agents=("Ben",),
        )
        assert await store.past.open([told]) == 1
        assert await store.past.open([told]) == 0
        found = await sides(store, mike)
        assert {side.id for side in found.values()} == {store.past.case_id("T-1")}
        assert (found[SMS].contacts, found[MAIL].contacts) == (1, 1)
        assert (found[SMS].intent, found[SMS].topic, found[SMS].agents) == ("api-timeout", "504", ("Ben",))
        assert [attempt.what for attempt in found[SMS].attempts] == ["a longer timeout"]

    async def test_messages_tell_who_came_when_and_who_helped(
        self, store: Store, mike: dict[Address, AddressId]
    ) -> None:
        minutes = [0, 10, 20, 90]
        told = [message(mike, str(m), DAY + timedelta(minutes=m), case="T-1") for m in minutes]
        told.append(message(mike, "out", DAY + timedelta(minutes=95), case="T-1", direction=Direction.OUT, by="Nina"))
        await store.past.say(told)
        [side] = (await sides(store, mike)).values()
        assert (side.intent, side.state, side.contacts) == (OUT_OF_SCOPE, CaseState.WAITING, 2)
        assert side.contacted_at == (DAY, DAY + timedelta(minutes=90))
        assert side.agents == ("Nina",)

    async def test_in_whatever_order_they_come_the_case_is_one(
        self, store: Store, mike: dict[Address, AddressId]
    ) -> None:
        later = [message(mike, "2", DAY + timedelta(days=2), case="T-1")]
        await store.past.say(later)
        await store.past.open([case(mike, state=CaseState.RESOLVED, resolved_at=DAY + timedelta(days=1))])
        await store.past.say([message(mike, "1", case="T-1")])
        side = (await sides(store, mike))[SMS]
        assert (side.intent, side.opened_at, side.touched_at) == ("api-timeout", DAY, DAY + timedelta(days=2))
        assert (side.state, side.contacts) == (CaseState.RESOLVED, 2)

    async def test_what_came_of_it_here_stays(
        self, store: Store, mike: dict[Address, AddressId], connection: asyncpg.Connection
    ) -> None:
        await store.past.open([case(mike, attempts=(Attempt(what="a restart", by="Nina", at=DAY),))])
        await connection.execute("UPDATE cases SET state = 'handed_off', touched_at = $1", DAY + timedelta(days=9))
        judged = Attempt(what="a restart", by="Nina", at=DAY, result=Result.FAILED)
        await store.past.open([case(mike, state=CaseState.RESOLVED, resolved_at=DAY, attempts=(judged,))])
        side = (await sides(store, mike))[SMS]
        assert side.state is CaseState.HANDED_OFF
        assert [attempt.result for attempt in side.attempts] == [Result.FAILED]

    async def test_a_turn_that_is_under_way_is_taken_anew(self, store: Store, mike: dict[Address, AddressId]) -> None:
        item = IncomingMessage(id="7", at=DAY, sender=Sender(SMS), message_id="7", text="hello")
        await store.path.accept([Arrived(channel="sms", account="main", item=item)])
        [work] = await claim(store)
        await store.past.open([case(mike)])
        assert work.cases == ()
        [again] = await claim(store)
        assert again.lease.fence > work.lease.fence
        assert {side.intent for side in again.cases} == {"api-timeout"}


class TestTogether:
    async def test_who_loses_a_deadlock_tries_again(
        self, store: Store, mike: dict[Address, AddressId], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put, lost = store.past._put, [1, 1]

        async def loses(connection: asyncpg.Connection, sides: list[CaseSide]) -> None:
            if lost:
                lost.pop()
                await connection.execute("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$")
            await put(connection, sides)

        monkeypatch.setattr(store.past, "_put", loses)
        assert await store.past.say([message(mike, "1", case="T-1")]) == 1
        lost += [1, 1, 1]
        with pytest.raises(StoreUnavailable):
            await store.past.open([case(mike)])
        assert len(await sides(store, mike)) == 1

    async def test_two_imports_of_one_file_write_it_once(self, store: Store, mike: dict[Address, AddressId]) -> None:
        told = [message(mike, str(n), DAY + timedelta(minutes=n), case=f"T-{n % 9}") for n in range(200)]
        new = await asyncio.gather(*(store.past.say(told[start::-1] + told[start:]) for start in (0, 50, 100, 199)))
        assert sum(new) == 200
        assert len(await store.records.timeline(CustomerId(1), 1000)) == 200


class TestFacts:
    async def history(self, store: Store, mike: dict[Address, AddressId]) -> list[tuple]:
        return [(f.value, f.source, f.since, f.until) for f in await store.profiles.history(list(mike.values()))]

    async def test_a_value_of_the_past_ends_where_the_next_began(
        self, store: Store, mike: dict[Address, AddressId]
    ) -> None:
        pro = PastFact(address=mike[SMS], key="plan", value="Pro", at=DAY + timedelta(days=30))
        basic = PastFact(address=mike[SMS], key="plan", value="Basic", at=DAY)
        assert await store.past.hold([pro]) == 1
        assert await store.past.hold([basic, basic]) == 1
        assert await store.past.hold([pro, basic]) == 0
        assert await self.history(store, mike) == [
            ("Basic", "import", DAY, DAY + timedelta(days=30)),
            ("Pro", "import", DAY + timedelta(days=30), None),
        ]


@pytest.mark.parametrize("key", ["T-1", "t-1", "", "ß" * 200])
def test_numbers_of_cases_stay_within_what_programs_agree_about(key: str, make_past: Callable) -> None:
    number = make_past().case_id(key)
    assert 2**52 <= number < 2**53
    assert make_past().case_id(key) == number


@pytest.fixture
def make_past() -> Callable:
    from omnibot.store.codec import Codec
    from omnibot.store.past import Past

    return lambda: Past(None, Codec(b"a secret"))  # type: ignore[arg-type]
