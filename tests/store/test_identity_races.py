"""Merges, splits, messages and turns at the same moment, from several processes; and what one of them costs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from itertools import count

import asyncpg
import pytest

from omnibot.model import Address, Identifier, IdentifierKind, IncomingMessage, Sender
from omnibot.store import Store
from omnibot.store.codec import Codec
from omnibot.store.identity import Guards, Identity, IdentityError, UnknownMerge, Verdict
from omnibot.store.identity.link import _HAS_HISTORY, _RESTING, _RESTING_LINKS
from omnibot.store.identity.move import _MOVE
from omnibot.store.identity.standing import _LOCK, _READ, Edge, Standing
from omnibot.store.message_path import MessagePath
from omnibot.store.work import Arrived, Work
from tests.conftest import SECRET
from tests.store.statements import execute
from tests.store.test_identity import ANN, PHONE, SMS, WHATSAPP, brings, customer, merge, together, write
from tests.store.test_message_path import NOON, arrived, claim, give_back, message, outcome, states
from tests.store.test_message_path_races import other, waiting

PEOPLE = [Address("telegram", str(number)) for number in range(8)]
A, B, C, D = PEOPLE[:4]

_numbers = count()


class Process:
    """Another process on the same database."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        codec = Codec(SECRET)
        self.path = MessagePath(pool, codec)
        self.identity = Identity(pool, codec, Guards())


@pytest.fixture
async def second(dsn: str) -> AsyncIterator[Process]:
    async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as pool:
        yield Process(pool)


@pytest.fixture
async def people(store: Store) -> Store:
    await write(store, *PEOPLE)
    return store


def brought(id_: str, sender: Address, *vouched: Identifier) -> Arrived:
    item = IncomingMessage(id=id_, at=NOON, sender=Sender(sender, vouched=vouched), message_id=f"m{id_}", text="hello")
    return arrived(item)


async def waits_for_lock(connection: asyncpg.Pool, many: int = 1) -> None:
    """So many others wait for locks."""
    async with asyncio.timeout(10):
        while many > await connection.fetchval(
            "SELECT count(DISTINCT pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted"
            " AND a.datname = current_database()"
        ):
            await asyncio.sleep(0)


async def deadlocks(store: Store) -> int:
    return await store._pool.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")


class TestAtOnce:
    async def test_two_merges_that_overlap_make_one_person(self, people: Store, second: Process) -> None:
        for _ in range(15):
            rulings = await asyncio.gather(
                merge(people, A, B),
                second.identity.merge(B, C, rule="staff", **ANN),
                merge(people, C, D),
                second.identity.merge(D, A, rule="staff", **ANN),
            )
            assert sorted(ruling.verdict for ruling in rulings) == sorted([Verdict.MERGED] * 3 + [Verdict.ALREADY])
            assert await together(people, A, B, C, D)
            merged = [ruling.merge for ruling in rulings if ruling.merge]
            await asyncio.gather(*(second.identity.split(one, **ANN) for one in merged))
            assert len({await customer(people, one) for one in (A, B, C, D)}) == 4
        assert await people.identity.audit() == []

    async def test_a_merge_is_undone_once(self, people: Store, second: Process) -> None:
        ruling = await merge(people, A, B)
        assert ruling.merge is not None
        done = await asyncio.gather(
            *(identity.split(ruling.merge, **ANN) for identity in (people.identity, second.identity) * 3),
            return_exceptions=True,
        )
        assert sorted(type(one).__name__ for one in done) == ["Parted"] + [UnknownMerge.__name__] * 5

    async def test_one_number_that_two_addresses_bring_at_once_is_matched(self, people: Store, second: Process) -> None:
        await asyncio.gather(brings(people, A, PHONE), brings(people, B, PHONE))
        rulings = await asyncio.gather(people.identity.match(A), second.identity.match(B))
        assert sorted(ruling.verdict for ruling in rulings) == [Verdict.ALREADY, Verdict.MERGED]


class TestWithMessages:
    async def test_a_merge_waits_for_what_is_being_taken_in_and_takes_it_along(self, people: Store, dsn: str) -> None:
        for work in await claim(people):
            await people.path.commit([outcome(work)])
        b = await customer(people, B)
        async with other(dsn) as busy:
            async with busy.transaction():
                await busy.execute("SELECT FROM lanes WHERE customer_id = $1 FOR UPDATE", b)
                accepting = asyncio.create_task(people.path.accept([arrived(message("x", sender=B))]))
                await waits_for_lock(people._pool)
                merging = asyncio.create_task(merge(people, A, B))
                await waits_for_lock(people._pool, 2)
            assert await accepting == [True]
            ruling = await merging
            assert ruling.verdict is Verdict.MERGED
            [(lane, _)] = await waiting(busy)
        assert lane == await customer(people, A)

    async def test_who_writes_meanwhile_comes_into_the_new_lane(self, people: Store, second: Process) -> None:
        """Whoever is quicker: the message is in the lane of whoever it belongs to in the end."""
        for number in range(20):
            ruling, *_ = await asyncio.gather(
                merge(people, A, B),
                *(second.path.accept([arrived(message(f"{number}-{n}", sender=B))]) for n in range(3)),
                *(people.path.accept([arrived(message(f"{number}-{n}", sender=B))]) for n in range(3, 6)),
            )
            assert ruling.merge is not None
            together_, *_ = await asyncio.gather(
                second.identity.split(ruling.merge, **ANN),
                second.path.accept([arrived(message(f"{number}-a", sender=A))]),
                people.path.accept([arrived(message(f"{number}-b", sender=B))]),
            )
            assert together_.merge == ruling.merge
        rows = await people._pool.fetch(
            "SELECT i.customer_id, l.customer_id AS theirs, n.due_at <= i.due_at AS due FROM inbox i"
            " JOIN links l USING (address_id) JOIN lanes n ON n.customer_id = i.customer_id"
        )
        assert len(rows) == len(PEOPLE) + 20 * 8
        assert all(row["customer_id"] == row["theirs"] and row["due"] for row in rows)

    async def test_turns_that_others_cross_are_committed_again(self, people: Store, dsn: str) -> None:
        await execute(
            dsn,
            "CREATE SEQUENCE crossings; CREATE FUNCTION cross_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF nextval('crossings') = 1 THEN RAISE 'crossed' USING ERRCODE = 'deadlock_detected'; END IF;"
            " RETURN NEW; END $$;"
            "CREATE TRIGGER crossing BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION cross_once()",
        )
        works = await claim(people)
        held = await people.path.commit([outcome(work, "hi") for work in works])
        assert held.keys() == {work.lease.customer for work in works}
        assert await states(people) == ["queued"] * len(works)

    async def test_a_turn_that_fails_after_a_merge_changes_nothing(self, people: Store) -> None:
        works = await claim(people)
        await merge(people, A, B)
        for work in works:
            await give_back(people, work, after=60, attempts=1)
        [work] = await claim(people)
        assert len(work.items) == 2

    async def test_what_is_parked_is_taken_again_by_whom_it_belongs_to_now(self, people: Store) -> None:
        for work in await claim(people):
            await give_back(people, work, after=0, attempts=1)
        await merge(people, A, B)
        parked = await people.records.parked()
        assert len(parked) == len(PEOPLE)
        assert await claim(people) == []
        arrival = next(one.id for one in parked if one.address == B)
        assert await people.records.take_again(arrival)
        [work] = await claim(people)
        assert work.lease.customer == await customer(people, A)

    async def test_what_is_taken_again_while_its_customer_is_merged_is_not_lost(self, people: Store, dsn: str) -> None:
        for work in await claim(people):
            await give_back(people, work, after=0, attempts=1)
        arrival = next(one.id for one in await people.records.parked() if one.address == B)
        before, after = await customer(people, B), await customer(people, A)
        async with other(dsn) as mover:
            async with mover.transaction():  # as a merge does it
                await mover.execute("SELECT FROM lanes WHERE customer_id = ANY($1) FOR UPDATE", [after, before])
                again = asyncio.create_task(people.records.take_again(arrival))
                await waits_for_lock(people._pool)
                await mover.execute("UPDATE links SET customer_id = $1 WHERE customer_id = $2", after, before)
                await mover.execute("UPDATE inbox SET customer_id = $1 WHERE customer_id = $2", after, before)
            assert await again
        [work] = await claim(people)
        assert work.lease.customer == after


async def test_everything_at_once_never_deadlocks_and_answers_everybody_once(store: Store, second: Process) -> None:
    """Two processes receive, take turns, merge and split, all over the same few people."""
    await write(store, *PEOPLE)
    dice = random.Random(4)
    before = await deadlocks(store)
    answered: list[str] = []
    written = len(PEOPLE)
    busy = True

    async def receive(path: MessagePath) -> None:
        nonlocal written
        for _ in range(40):
            senders = dice.sample(PEOPLE, 3)
            batch = [arrived(message(f"n{next(_numbers)}", sender=sender)) for sender in senders]
            new = await path.accept(batch)
            written += sum(new)

    async def meddle(identity: Identity) -> None:
        merges: list[int] = []
        for _ in range(40):
            left, right = dice.sample(PEOPLE, 2)
            ruling = await identity.merge(left, right, rule="staff", **ANN)
            merges += [ruling.merge] if ruling.merge else []
            if merges and dice.random() < 0.6:
                try:
                    await identity.split(merges.pop(dice.randrange(len(merges))), **ANN)
                    if dice.random() < 0.2:
                        await identity.unlink(dice.choice(PEOPLE), **ANN)
                except IdentityError:
                    pass  # the other was quicker

    async def take(path: MessagePath) -> None:
        while busy or await store.records.waiting():
            works = [work for work in await path.load(await path.claim(3, lease=30)) if isinstance(work, Work)]
            held = await path.commit([outcome(work, "hi") for work in works]) if works else {}
            answered.extend(
                item.message.provider_id
                for work in works
                if work.lease.customer in held
                for item in work.items
                if item.message
            )

    async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
        for path in (store.path, second.path):
            tasks.create_task(take(path))
        async with asyncio.TaskGroup() as doing:
            for path, identity in ((store.path, store.identity), (second.path, second.identity)) * 2:
                doing.create_task(receive(path))
                doing.create_task(meddle(identity))
        busy = False

    assert len(answered) == len(set(answered)) == written
    assert await store.identity.audit() == []
    assert await deadlocks(store) == before


class TestSharing:
    async def test_whoever_brings_a_number_while_it_is_marked_as_shared_is_not_linked_by_it(
        self, store: Store, second: Process, dsn: str
    ) -> None:
        await store.path.accept([brought("1", SMS, PHONE)])
        async with other(dsn) as busy:
            async with busy.transaction():
                await busy.execute("SELECT FROM addresses FOR UPDATE")
                sharing = asyncio.create_task(store.identity.share(SMS, **ANN))
                await waits_for_lock(store._pool)
                accepting = asyncio.create_task(second.path.accept([brought("2", WHATSAPP, PHONE)]))
                await waits_for_lock(store._pool, 2)
            await sharing
            assert await accepting == [True]
        assert not await together(store, SMS, WHATSAPP)

    async def test_who_has_two_numbers_in_common_is_parted_once(self, store: Store) -> None:
        another = Identifier(IdentifierKind.PHONE, "+491709999998")
        await store.path.accept([brought("1", A, PHONE, another)])
        await store.path.accept([brought("2", B, PHONE, another)])
        assert await together(store, A, B)
        [parted] = await store.identity.share(A, **ANN)
        assert (parted.stays, parted.leaves) == (await customer(store, A), await customer(store, B))
        assert await store.identity.audit() == []

    async def test_lanes_are_taken_before_the_address(self, store: Store, dsn: str) -> None:
        """As in a turn's commit, which asks for a code to an address of theirs."""
        await store.path.accept([brought("1", SMS, PHONE)])
        await store.path.accept([brought("2", WHATSAPP, PHONE)])
        async with other(dsn) as busy:
            async with busy.transaction():
                await busy.execute("SELECT FROM lanes FOR UPDATE")
                sharing = asyncio.create_task(store.identity.share(SMS, **ANN))
                await waits_for_lock(store._pool)
                assert await busy.fetch("SELECT FROM addresses FOR UPDATE NOWAIT")
            await sharing
        assert not await together(store, SMS, WHATSAPP)


class TestCost:
    async def test_nothing_is_read_but_by_index(self, store: Store, dsn: str) -> None:
        await execute(
            dsn,
            "INSERT INTO links (address_id, customer_id, home_id, proof, evidence, since)"
            " SELECT n, n, n, 'seen', 'x', now() FROM generate_series(1, 20000) AS n;"
            "INSERT INTO addresses (id, channel, hash, value_sealed, account, created_at)"
            " SELECT n, 'sms', gen_random_uuid(), '', 'main', now() FROM generate_series(1, 20000) AS n;"
            "INSERT INTO merges (left_id, right_id, rule, at, apart)"
            " SELECT 2 * n, 2 * n + 1, 'x', now(), false FROM generate_series(1, 9000) AS n;"
            "INSERT INTO lanes (customer_id, due_at, priority, arrivals, fence, lost)"
            " SELECT n, 'infinity', 5, 0, 0, 0 FROM generate_series(1, 20000) AS n;"
            "INSERT INTO inbox (customer_id, address_id, kind, priority, due_at, attempts)"
            " SELECT n, n, 'message', 5, now(), 0 FROM generate_series(1, 20000) AS n;"
            "INSERT INTO identifiers (address_id, kind, hash, value_sealed, evidence, at)"
            " SELECT n, 'phone', gen_random_uuid(), '', 'x', now() FROM generate_series(1, 20000) AS n;"
            "INSERT INTO facts (address_id, key, value_sealed, confidence, source, valid_from)"
            " SELECT n, 'name', '', 0.5, 'provider', now() FROM generate_series(1, 20000) AS n;"
            "INSERT INTO messages (address_id, direction, account, at, received_at, body_sealed, attachments)"
            " SELECT n, 'in', 'main', now(), now(), '', 0 FROM generate_series(1, 20000) AS n;"
            "ANALYZE",
        )
        statements = {
            _LOCK: [[2]],
            _READ: [[2]],
            _MOVE: [[2], [2], [3], [2, 3]],
            _HAS_HISTORY: [2],
            _RESTING: [2],
            _RESTING_LINKS: [2],
        }
        async with store._pool.acquire() as connection:
            await connection.execute("SET plan_cache_mode = force_generic_plan")
            for statement, arguments in statements.items():
                plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}", *arguments))
                assert "Seq Scan" not in plan, plan

    def test_a_long_chain_of_merges_is_walked_along_once(self) -> None:
        """The newest merge first, which is the worst order for whoever looks at all of them again and again."""
        edges = tuple(Edge(home, home, home + 1, "staff") for home in reversed(range(1, 20_000)))
        chain = Standing(frozenset(range(1, 20_001)), (), edges, ())
        assert len(chain.side(1).homes) == 20_000
        assert chain.part(1, edges[1:]).homes == chain.homes - {20_000}

    async def test_a_merge_takes_seven_statements(self, store: Store) -> None:
        await write(store, A, B)
        asked: list[str] = []
        async with store._pool.acquire() as connection:
            connection.add_query_logger(lambda query: asked.append(query.query))
        a, b = await customer(store, A), await customer(store, B)
        for number in range(2):  # the first to find out about types
            asked.clear()
            ruling = await merge(store, a, b)
            assert number < 1 or len(asked) == 7
            assert ruling.merge is not None
            await store.identity.split(ruling.merge, **ANN)
