"""A customer on three channels and two agents at once, in two processes, whatever comes in between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnibot.contract.desk import Place
from omnibot.model import ActKind, Address, Agent, DeskAct, Done, Entry, Notice, Stretch, StretchState
from omnibot.store.codec import Codec
from omnibot.store.desk import DeskStore, ToShow
from omnibot.store.identity import Guards, Identity
from omnibot.store.message_path import MessagePath
from omnibot.store.work import Outcome, Work
from tests.conftest import SECRET
from tests.store.desks import ANA, BEN, answered, handed_off, reply, told
from tests.store.test_message_path import arrived, message

_numbers = count()


class Process:
    """One of those that share the database."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        codec = Codec(SECRET)
        self.path = MessagePath(pool, codec)
        self.desk = DeskStore(pool, codec)
        self.identity = Identity(pool, codec, Guards())


class Processes:
    """Two of them, and the loop that they run in."""

    def __init__(self, runner: asyncio.Runner, pools: Sequence[asyncpg.Pool]) -> None:
        self.runner = runner
        self.both = [Process(pool) for pool in pools]


@pytest.fixture
def processes(dsn: str) -> Iterator[Processes]:
    with asyncio.Runner() as runner:

        async def opened() -> list[asyncpg.Pool]:
            unsynced = {"synchronous_commit": "off"}  # processes die here, the machine does not
            return [await asyncpg.create_pool(dsn, min_size=1, max_size=4, server_settings=unsynced) for _ in range(2)]

        pools = runner.run(opened())
        yield Processes(runner, pools)
        for pool in pools:
            runner.run(pool.close())


@dataclass
class Scene:
    """One customer, their stretch, and a desk that keeps what it is shown."""

    both: Sequence[Process]
    number: int = field(default_factory=lambda: next(_numbers))
    stretch: Stretch | None = None
    said: list[str] = field(default_factory=list)
    acts: list[DeskAct] = field(default_factory=list)
    thread: list[tuple[int, str]] = field(default_factory=list)  # lines that the desk has
    dead: list[Work] = field(default_factory=list)  # turns of processes that were thought dead
    rooms: int = 0

    @property
    def addresses(self) -> list[Address]:
        return [Address(channel, f"{channel}{self.number}") for channel in ("telegram", "email", "sms")]

    # --- how it begins ---

    async def begin(self) -> None:
        first = self.both[0]
        for address in self.addresses:
            await first.path.accept([arrived(message(f"{address}", "hi", address))])
        await self._turns(first)
        for address in self.addresses[1:]:
            await first.identity.merge(self.addresses[0], address, rule="staff", by="ann", reason="a test")
        await first.path.accept([arrived(message(f"{self.number}-person", "a person!", self.addresses[0]))])
        [work] = await self._claimed(first, 30)
        await first.path.commit([handed_off(work)])
        [adopted] = await first.desk.adopt(10)
        self.stretch = adopted.stretch

    async def _claimed(self, process: Process, lease: float) -> list[Work]:
        works = await process.path.load(await process.path.claim(10, lease))
        return [work for work in works if isinstance(work, Work)]

    # --- what may happen ---

    async def write(self, process: Process, channel: int) -> None:
        text = f"said {len(self.said)}"
        self.said.append(text)
        address = self.addresses[channel]
        await process.path.accept([arrived(message(f"{self.number}-{text}", text, address))])

    async def act(self, process: Process, by: Agent, kind: ActKind) -> None:
        assert self.stretch is not None
        text = f"{by.name} {kind} {len(self.acts)}"
        one = DeskAct(id=f"{self.number}-{text}", at=self.stretch.opened_at, by=by, kind=kind, text=text)
        self.acts.append(one)
        again = [told(self.stretch, one, self.addresses[0])] * 2  # a retried delivery
        await asyncio.gather(process.path.accept(again), self.both[1].path.accept(again))

    async def turn(self, process: Process) -> None:
        await self._turns(process)

    async def die(self, process: Process) -> None:
        self.dead += await self._claimed(process, -1)

    async def rise(self, process: Process) -> None:
        """Whoever was thought dead comes to its commit all the same."""
        dead, self.dead = self.dead, []
        for work in dead:
            await process.path.commit([_taken(work)])

    async def mirror(self, process: Process) -> None:
        await process.desk.mirror(3)

    async def show(self, process: Process) -> bool:
        lines = await process.desk.due(10, 30)
        for line in lines:
            await self._shown(process, line)
        return bool(lines)

    async def die_showing(self, process: Process, *, after: bool) -> None:
        """Before or after the desk has taken it."""
        for line in await process.desk.due(10, -1):
            if after and not line.interrupted:
                self._take(line)

    async def move(self, process: Process) -> None:
        assert self.stretch is not None
        self.rooms += 1
        await process.desk.refused_room(self.stretch.id, self.rooms)

    async def open(self, process: Process) -> None:
        for one in await process.desk.claim_opening(10, 30):
            await process.desk.placed(one.stretch.id, Place("slack.main", str(self.number), str(one.openings)), 0)

    # --- how it goes on ---

    async def _turns(self, process: Process) -> None:
        works = await self._claimed(process, 30)
        if works:
            await process.path.commit([_taken(work) for work in works])

    def _take(self, line: ToShow) -> None:
        if isinstance(line.what, Entry):
            self.thread.append((line.id, line.what.text))

    async def _shown(self, process: Process, line: ToShow) -> None:
        """What may stand there already is looked for, as a desk would."""
        if not (line.interrupted and line.id in dict(self.thread)):
            self._take(line)
        await process.desk.shown(line, f"ts{line.id}")

    async def drain(self) -> None:
        for process in self.both:
            await self.rise(process)
            await process.pool.execute("UPDATE desk_entries SET leased_until = now() WHERE leased_until IS NOT NULL")
            await process.pool.execute("UPDATE lanes SET leased_until = now() - interval '1 s' WHERE due_at <= now()")
        one = self.both[0]
        for _ in range(100):
            await self._turns(one)
            await self.open(one)
            while await self.show(one):
                pass
            waiting = await one.pool.fetchval("SELECT count(*) FROM inbox")
            if not (await one.desk.mirror(1000) or waiting or (await one.desk.count()).unshown):
                return
        raise AssertionError("it comes to no end")


def _taken(work: Work) -> Outcome:
    """What a core would do: the first who takes it has it, others are told; whoever writes is heard."""
    state = {stretch.id: stretch for stretch in work.stretches}
    does: list[Done] = []
    for item in work.items:
        if item.act is None or item.stretch is None:
            continue
        now, one = state[item.stretch], item.act
        if one.kind is ActKind.TAKE and now.owner is not None:
            does.append(
                Done(stretch=now.id, act=one, refused="taken", notices=(Notice(f"no {one.text}", to=one.by.id),))
            )
            continue
        if one.kind is ActKind.TAKE:
            state[now.id] = now = replace(now, owner=one.by, state=StretchState.TAKEN)
        said = (reply(work.addresses[0], one.text),) if one.kind is ActKind.REPLY else ()
        does.append(Done(stretch=now.id, act=one, after=now, notices=(Notice(f"yes {one.text}"),), replies=said))
    return replace(answered(work), done=tuple(does))


_process = st.integers(0, 1)
_step = st.one_of(
    st.tuples(st.just("write"), st.integers(0, 2)),
    st.tuples(st.just("act"), st.sampled_from([ANA, BEN]), st.sampled_from([ActKind.TAKE, ActKind.REPLY])),
    st.tuples(st.sampled_from(["turn", "mirror", "show", "open", "die", "rise", "move", "die_after", "die_before"])),
)
_steps = st.lists(st.lists(st.tuples(_process, _step), min_size=1, max_size=4), max_size=14)


async def _play(scene: Scene, steps: Sequence[Sequence[tuple[int, tuple]]]) -> None:
    await scene.begin()
    for together in steps:
        doing = []
        for number, (name, *arguments) in together:
            process = scene.both[number]
            match name:
                case "die_after" | "die_before":
                    doing.append(scene.die_showing(process, after=name == "die_after"))
                case _:
                    doing.append(getattr(scene, name)(process, *arguments))
        await asyncio.gather(*doing)
    await scene.drain()


async def _leave(scene: Scene) -> None:
    """Those who come later need not look at it again and again."""
    await scene.both[0].pool.execute("UPDATE stretches SET ended_at = now() - interval '1 h' WHERE ended_at IS NULL")


async def _judge(scene: Scene) -> None:
    assert scene.stretch is not None
    desk, pool = scene.both[0].desk, scene.both[0].pool
    # each line once, in the order of their numbers
    assert [id_ for id_, _ in scene.thread] == sorted({id_ for id_, _ in scene.thread})
    shown = [text for _, text in scene.thread]
    rows = await pool.fetch(
        "SELECT m.id, convert_from(substr(m.body_sealed, 2), 'utf8')::json ->> 'text' AS text FROM messages m"
        " JOIN links l ON l.address_id = m.address_id JOIN links s ON s.customer_id = l.customer_id"
        " WHERE s.address_id = $1 AND m.direction = 'in' ORDER BY m.id",
        scene.stretch.address,
    )
    said = [row["text"] for row in rows if row["text"].startswith("said")]
    assert sorted(said) == sorted(scene.said)
    assert sorted(text for text in shown if text.startswith("said")) == sorted(said)
    # each act once, by the first who came
    records = await desk.acts(scene.stretch.id)
    assert sorted(record.text for record in records) == sorted(one.text for one in scene.acts)
    takes = [record for record in records if record.kind is ActKind.TAKE]
    assert [record.outcome for record in takes] == ["done", "refused", *["refused"] * len(takes)][: len(takes)]
    [one] = await desk.attended([scene.stretch.id])
    assert one.stretch.owner == (takes[0].by if takes else None)
    answers = [record.text for record in records if record.kind is ActKind.REPLY]
    assert [text for text in shown if " reply " in text and not text.startswith(("yes", "no"))] == answers
    told_of = [f"{'no' if record.outcome == 'refused' else 'yes'} {record.text}" for record in records]
    assert [text for text in shown if text.startswith(("yes", "no"))] == told_of
    # each reply leaves once
    agents = "SELECT count(*) FROM outbox o JOIN desk_entries e ON e.message_id = o.id WHERE e.stretch_id = $1"
    assert await pool.fetchval(f"{agents} AND o.purpose = 'agent'", scene.stretch.id) == len(answers)


def test_each_line_and_each_act_once_and_in_order_whatever_comes_in_between(processes: Processes) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_steps)
    def play(steps: Sequence[Sequence[tuple[int, tuple]]]) -> None:
        scene = Scene(processes.both)

        async def whole() -> None:
            async with asyncio.timeout(60):
                await _play(scene, steps)
                await _judge(scene)
                await _leave(scene)

        processes.runner.run(whole())

    play()
