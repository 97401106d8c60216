"""Any interleaving of messages, turns, links, merges and splits, on a real database, against a model in Python."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from omnibot.model import Address, Draft, IncomingMessage, Paragraph, Proof, Sender
from omnibot.store.codec import Codec
from omnibot.store.identity import Guards, Identity, ManyMerges, NothingToSplit, OnItsOwn, Verdict
from omnibot.store.message_path import MessagePath
from omnibot.store.work import Arrived, Outcome, Purpose, Reply, Work
from tests.conftest import SECRET

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = [Address("telegram", str(number)) for number in range(4700, 4705)]
STRANGERS = [Address("email", f"somebody{number}@example.org") for number in range(4)]
ADDRESSES = st.sampled_from(NAMES)
WORKERS = st.integers(0, 2)
STAFF = {"by": "ann", "reason": "a test"}

_numbers = count()


class Server:
    """Two processes on one database."""

    def __init__(self, runner: asyncio.Runner, pools: list[asyncpg.Pool]) -> None:
        self._runner = runner
        self.pool = pools[0]
        codec = Codec(SECRET)
        self.paths = [MessagePath(pool, codec) for pool in pools]
        self.identities = [Identity(pool, codec, Guards()) for pool in pools]

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(doing)

    def fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        return self.run(self.pool.fetch(statement, *arguments))


class Model:
    """Who is whom, as the words of the design have it: homes, and merges between them."""

    def __init__(self) -> None:
        self.home: dict[Address, int] = {}
        self.merges: dict[int, tuple[int, int]] = {}
        self.wrote: dict[Address, list[str]] = defaultdict(list)
        self.unanswered: set[str] = set()

    def together(self, home: int, without: int | None = None) -> frozenset[int]:
        found, look = {home}, [home]
        while look:
            one = look.pop()
            for merge, ends in self.merges.items():
                if merge != without and one in ends:
                    new = set(ends) - found
                    found |= new
                    look += new
        return frozenset(found)

    def customer(self, address: Address) -> int:
        return min(self.together(self.home[address]))

    def addresses(self, home: int) -> list[Address]:
        everybody = self.together(home)
        return [address for address, at in self.home.items() if at in everybody]

    def at(self, home: int) -> list[int]:
        return [merge for merge, ends in self.merges.items() if home in ends]

    def way(self, start: int, goal: int) -> int:
        """The first merge on the way from one home to another."""
        return next(merge for merge in self.at(start) if goal not in self.together(start, without=merge))


class People(RuleBasedStateMachine):
    """What is drawn depends on nothing that a race decides, so that each run can be repeated."""

    server: Server

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.taken: dict[int, list[Work]] = {}
        self.fresh: set[tuple[int, int]] = set()  # leases that hold: customer and fence
        self.answers: Counter[str] = Counter()

    @initialize()
    def empty(self) -> None:
        tables = "customers, addresses, links, identifiers, merges, identity_log, reviews, identity_acts, arrivals,"
        tables += " messages, inbox, lanes, outbox, turns, facts, handoffs"
        self.server.run(self.server.pool.execute(f"TRUNCATE {tables} RESTART IDENTITY"))
        for path in self.server.paths:
            path._known.__init__()
        for who in NAMES:
            self.write(who, 0)

    # --- messages and turns ---

    @rule(who=ADDRESSES, process=st.integers(0, 1))
    def write(self, who: Address, process: int) -> None:
        self.server.run(self._write(who, process))
        self._learn(who)

    async def _write(self, who: Address, process: int) -> None:
        text = f"{who.value}-{next(_numbers)}"
        item = IncomingMessage(id=text, at=NOON, sender=Sender(who), message_id=text, text=text)
        assert await self.server.paths[process].accept([Arrived(channel=who.channel, account="main", item=item)]) == [
            True
        ]
        self.model.wrote[who].append(text)
        self.model.unanswered.add(text)

    def _learn(self, who: Address) -> None:
        """Somebody new has a home of their own, of which only the database knows the number."""
        if who not in self.model.home:
            [row] = self.server.fetch(
                "SELECT home_id, customer_id FROM links JOIN addresses a ON a.id = address_id WHERE hash = $1",
                Codec(SECRET).address_hash(who),
            )
            assert row["home_id"] == row["customer_id"]
            assert row["home_id"] not in self.model.home.values()
            self.model.home[who] = row["home_id"]

    @rule(worker=WORKERS, many=st.integers(1, 3))
    def claim(self, worker: int, many: int) -> None:
        path = self.server.paths[worker % 2]
        works = self.server.run(_load(path, many))
        for work in works:
            assert {a.address for a in work.addresses} == set(self.model.addresses(work.lease.customer))
            theirs = {text for address in work.addresses for text in self.model.wrote.get(address.address, [])}
            waiting = [item.message.text for item in work.items if item.message]
            assert waiting == sorted(self.model.unanswered & theirs, key=self._number)
            self.fresh = {lease for lease in self.fresh if lease[0] != work.lease.customer}
            self.fresh.add((work.lease.customer, work.lease.fence))
        self.taken[worker] = works

    @staticmethod
    def _number(text: str) -> int:
        return int(text.partition("-")[2])

    @rule(worker=WORKERS)
    def commit(self, worker: int) -> None:
        works = self.taken.pop(worker, [])
        held = self.server.run(_commit(self.server.paths[worker % 2], works))
        assert set(held) == {w.lease.customer for w in works if (w.lease.customer, w.lease.fence) in self.fresh}
        self._answered([work for work in works if work.lease.customer in held])

    def _answered(self, works: list[Work]) -> None:
        for work in works:
            self.fresh.discard((work.lease.customer, work.lease.fence))
            texts = [item.message.text for item in work.items if item.message]
            self.answers.update(texts)
            self.model.unanswered -= set(texts)

    @rule()
    def leases_run_out(self) -> None:
        self.server.run(
            self.server.pool.execute(
                "UPDATE lanes SET leased_until = now() - interval '1 s' WHERE leased_until IS NOT NULL"
            )
        )

    # --- people ---

    @rule(left=ADDRESSES, right=ADDRESSES, process=st.integers(0, 1))
    def merge(self, left: Address, right: Address, process: int) -> None:
        before = self._both(left, right)
        ruling = self.server.run(self.server.identities[process].merge(left, right, rule="staff", **STAFF))
        self._merged(left, right, ruling)
        if ruling.verdict is Verdict.MERGED:
            self._dropped(before)

    def _merged(self, left: Address, right: Address, ruling) -> None:
        if self.model.customer(left) == self.model.customer(right):
            assert ruling.verdict is Verdict.ALREADY
        else:
            assert ruling.verdict is Verdict.MERGED
            self.model.merges[ruling.merge] = (self.model.home[left], self.model.home[right])
        assert ruling.customer == self.model.customer(left)

    def _both(self, *addresses: Address) -> set[int]:
        return {self.model.customer(address) for address in addresses}

    def _dropped(self, customers: set[int]) -> None:
        self.fresh = {lease for lease in self.fresh if lease[0] not in customers}

    @rule(which=st.integers(0, 5), process=st.integers(0, 1), for_good=st.booleans())
    def split(self, which: int, process: int, for_good: bool) -> None:
        if not self.model.merges:
            return
        merge = sorted(self.model.merges)[which % len(self.model.merges)]
        left, right = self.model.merges[merge]
        before = {min(self.model.together(left))}
        parted = self.server.run(self.server.identities[process].split(merge, for_good=for_good, **STAFF))
        del self.model.merges[merge]
        assert {parted.stays, parted.leaves} == {min(self.model.together(home)) for home in (left, right)}
        assert parted.stays < parted.leaves
        self._dropped(before)

    @rule(one=ADDRESSES, other=ADDRESSES)
    def split_off(self, one: Address, other: Address) -> None:
        if self.model.customer(one) != self.model.customer(other):
            return
        before = self._both(one)
        here, there = self.model.home[other], self.model.home[one]
        around = self.model.at(here)
        splitting = self.server.identities[0].split_off(one, other, **STAFF)
        if here == there and len(around) != 1:
            with pytest.raises(ManyMerges if around else NothingToSplit):
                self.server.run(splitting)
            return
        expected = around[0] if here == there else self.model.way(here, there)
        parted = self.server.run(splitting)
        assert parted.merge == expected
        del self.model.merges[expected]
        assert parted.leaves == self.model.customer(other)
        self._dropped(before)

    @rule(who=ADDRESSES)
    def unlink(self, who: Address) -> None:
        before = self._both(who)
        home = self.model.home[who]
        theirs, around = self.model.addresses(home), self.model.at(home)
        unlinking = self.server.identities[1].unlink(who, **STAFF)
        if theirs == [who]:
            with pytest.raises(OnItsOwn):
                self.server.run(unlinking)
            return
        parted = self.server.run(unlinking)
        if list(self.model.home.values()).count(home) == 1 and len(around) == 1:
            del self.model.merges[around[0]]
        else:
            assert parted.leaves not in self.model.home.values()
            self.model.home[who] = parted.leaves
        assert self.model.addresses(self.model.home[who]) == [who]
        self._dropped(before)

    @rule(who=ADDRESSES, new=st.sampled_from(STRANGERS))
    def link_a_new_address(self, who: Address, new: Address) -> None:
        if new in self.model.home:
            return
        proof = Proof.CLAIMED
        linking = self.server.identities[0].link(new, who, proof=proof, evidence="staff", account="main", **STAFF)
        assert self.server.run(linking).verdict is Verdict.LINKED
        self.model.home[new] = self.model.home[who]

    @rule(left=ADDRESSES, right=ADDRESSES)
    def merge_and_split(self, left: Address, right: Address) -> None:
        if self.model.customer(left) == self.model.customer(right):
            return
        dropped = self._both(left, right)
        before = self._picture()
        ruling = self.server.run(self.server.identities[0].merge(left, right, rule="staff", **STAFF))
        self.server.run(self.server.identities[1].split(ruling.merge, **STAFF))
        assert self._picture() == before
        self._dropped(dropped)

    def _picture(self) -> list[list[tuple[object, ...]]]:
        """All that a split must restore. What has no lane has none that is due."""
        statements = [
            "SELECT address_id, home_id, customer_id, proof, evidence, since, proven_at FROM links ORDER BY 1",
            "SELECT id, customer_id, address_id, kind, message_id, priority, due_at, attempts FROM inbox ORDER BY 1",
            "SELECT customer_id, due_at, priority FROM lanes WHERE due_at < 'infinity' ORDER BY 1",
            "SELECT customer_id, m.id, m.at FROM messages m JOIN links USING (address_id) ORDER BY 1, 3, 2",
            "SELECT id, address_id, state FROM outbox ORDER BY 1",
        ]
        return [[tuple(row) for row in self.server.fetch(statement)] for statement in statements]

    # --- at the same moment ---

    @rule(one=ADDRESSES, two=ADDRESSES, three=ADDRESSES, writer=ADDRESSES, worker=WORKERS)
    def at_once(self, one: Address, two: Address, three: Address, writer: Address, worker: int) -> None:
        """Two merges that overlap, somebody who writes, and a worker that comes to its commit."""
        before = self._both(one, two, three)
        works = self.taken.pop(worker, [])

        async def all_at_once() -> list[Any]:
            first, second = self.server.identities
            return await asyncio.gather(
                first.merge(one, two, rule="staff", **STAFF),
                second.merge(two, three, rule="staff", **STAFF),
                self._write(writer, 0),
                _commit(self.server.paths[1], works),
                second.merge(three, one, rule="staff", **STAFF),
            )

        first, second, _, held, third = self.server.run(all_at_once())
        self._learn(writer)
        for left, right, ruling in ((one, two, first), (two, three, second), (three, one, third)):
            if ruling.verdict is Verdict.MERGED:
                assert self.model.customer(left) != self.model.customer(right)
                self.model.merges[ruling.merge] = (self.model.home[left], self.model.home[right])
        assert len(self._both(one, two, three)) == 1
        fresh = {w.lease.customer for w in works if (w.lease.customer, w.lease.fence) in self.fresh}
        assert fresh - before <= set(held) <= fresh  # whose turn was under way may have been quicker
        self._answered([work for work in works if work.lease.customer in held])
        merged = [r for r in (first, second, third) if r.verdict is Verdict.MERGED]
        self._dropped(before if merged else set())

    # --- what always holds ---

    @invariant()
    def everybody_is_who_they_are(self) -> None:
        hashes = {Codec(SECRET).address_hash(address): address for address in self.model.home}
        rows = self.server.fetch("SELECT hash, home_id, customer_id FROM links JOIN addresses a ON a.id = address_id")
        assert {hashes[row["hash"]]: (row["home_id"], row["customer_id"]) for row in rows} == {
            address: (home, self.model.customer(address)) for address, home in self.model.home.items()
        }

    @invariant()
    def no_message_is_lost_or_on_two_timelines(self) -> None:
        rows = self.server.fetch(
            "SELECT l.customer_id, a.hash, m.body_sealed, m.address_id FROM messages m JOIN links l USING (address_id)"
            " JOIN addresses a ON a.id = m.address_id WHERE m.direction = 'in' ORDER BY l.customer_id, m.at, m.id"
        )
        codec = Codec(SECRET)
        timelines: dict[int, list[str]] = defaultdict(list)
        for row in rows:
            timelines[row["customer_id"]].append(codec.open(row["address_id"], row["body_sealed"])["text"])
        expected: dict[int, list[str]] = defaultdict(list)
        for address, texts in self.model.wrote.items():
            expected[self.model.customer(address)] += texts
        assert timelines == {customer: sorted(texts, key=self._number) for customer, texts in expected.items()}

    @invariant()
    def what_waits_is_in_its_own_lane_and_that_is_due(self) -> None:
        rows = self.server.fetch(
            "SELECT i.customer_id = l.customer_id AS own,"
            " coalesce(n.due_at <= greatest(i.due_at, now()), false) AS due,"
            " m.body_sealed, m.address_id FROM inbox i JOIN links l USING (address_id)"
            " JOIN messages m ON m.id = i.message_id LEFT JOIN lanes n ON n.customer_id = i.customer_id"
        )
        codec = Codec(SECRET)
        assert [row for row in rows if not (row["own"] and row["due"])] == []
        assert Counter(codec.open(r["address_id"], r["body_sealed"])["text"] for r in rows) == Counter(
            self.model.unanswered
        )

    @invariant()
    def the_log_says_the_same(self) -> None:
        assert self.server.run(self.server.identities[0].audit()) == []

    def teardown(self) -> None:
        """Everything is answered in the end, once."""
        path = self.server.paths[0]
        self.leases_run_out()
        while works := self.server.run(_load(path, 20)):
            assert len(self.server.run(_commit(path, works))) == len(works)
            self._answered(works)
        written = Counter(text for texts in self.model.wrote.values() for text in texts)
        assert self.answers == written
        assert self.model.unanswered == set()
        rows = self.server.fetch("SELECT payload_sealed, address_id FROM outbox")
        codec = Codec(SECRET)
        said = [codec.open(row["address_id"], row["payload_sealed"])["parts"] for row in rows]
        assert sum(written.values()) == len(said)


async def _load(path: MessagePath, many: int) -> list[Work]:
    works = await path.load(await path.claim(many, lease=60))
    assert all(isinstance(work, Work) for work in works)
    return [work for work in works if isinstance(work, Work)]


async def _commit(path: MessagePath, works: list[Work]) -> dict[int, bool]:
    """Each message is answered at the address that it came from."""
    if not works:
        return {}
    outcomes = []
    for work in works:
        at = {address.id: address for address in work.addresses}
        said = [item.message for item in work.items if item.message]
        replies = tuple(Reply(Draft(to=at[one.address], parts=(Paragraph(one.text),)), Purpose.REPLY) for one in said)
        about = said[0].address if said else work.addresses[0].id
        outcomes.append(Outcome(work=work, address=about, record={}, replies=replies))
    return await path.commit(outcomes)


@pytest.fixture
def server(dsn: str) -> Iterator[Server]:
    with asyncio.Runner() as runner:

        async def opened() -> list[asyncpg.Pool]:
            return [await asyncpg.create_pool(dsn, min_size=1, max_size=5) for _ in range(2)]

        pools = runner.run(opened())
        yield Server(runner, pools)
        for pool in pools:
            runner.run(pool.close())


def test_people_stay_who_they_are_whatever_happens_to_them(server: Server) -> None:
    class OnThisDatabase(People):
        pass

    OnThisDatabase.server = server
    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
