"""Two agents and a customer write at once, over three channels, in whatever order: it holds each time."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from omnibot.app import desk_rules, steps_of
from omnibot.attending import Attending, DeskOffice, Views
from omnibot.channels import rooms_of
from omnibot.dialogue import Knowledge
from omnibot.intake.files import DiskFiles
from omnibot.lanes import Lanes
from omnibot.linking import Linking
from omnibot.model import (
    ActKind,
    Address,
    Agent,
    DeskAct,
    EntryKind,
    Identifier,
    IdentifierKind,
    IncomingMessage,
    Sender,
    StretchState,
)
from omnibot.settings import Bot, Settings
from omnibot.store import Store
from omnibot.store.work import Arrived
from tests.conftest import SECRET
from tests.crew import ANA, BEN, Board, Thread, World, accounts_of, with_rooms
from tests.store.statements import execute

ROOT = Path(__file__).parents[2]
TIMES = 300
CHANNELS = ("chat", "post", "call")
BEGAN = datetime.now(UTC) - timedelta(hours=1)

_numbers = count(1)


@dataclass
class Matter:
    """One customer's, and what is still to happen to it."""

    number: int
    left: list[tuple[str, object]]
    accepted: list[tuple[str, object]] = field(default_factory=list)

    def address(self, channel: str) -> Address:
        return Address(channel, f"customer-{self.number}")

    @property
    def mail(self) -> str:
        return f"customer-{self.number}@example.org"


def happenings(chance: random.Random) -> list[tuple[str, object]]:
    """Three channels, each in its order, and two agents, each in theirs, shuffled into one another."""
    customer = [[("says", (channel, f"{channel} {n}")) for n in range(2)] for channel in CHANNELS]
    agents = [
        [("acts", (who, ActKind.TAKE)), ("acts", (who, ActKind.REPLY)), ("acts", (who, last))]
        for who, last in ((ANA, ActKind.RESOLVE), (BEN, ActKind.NOTE))
    ]
    queues = [*customer, *agents]
    mixed = []
    while queues:
        queue = chance.choice(queues)
        mixed.append(queue.pop(0))
        queues = [one for one in queues if one]
    return mixed


class Office:
    """The server's parts in our hands, so that nothing happens but when it is chosen."""

    def __init__(self, store: Store, settings: Settings, world: World, folder: Path) -> None:
        self.store, self.world = store, world
        rules = desk_rules(settings)
        views = Views(store, rules, lambda: Knowledge(()), "en")
        self.office = DeskOffice(store, views, rules, DiskFiles(folder), lambda: None)
        desks = {"crew.main": Board(world, "main"), "crew.spare": Board(world, "spare")}
        rooms = rooms_of(settings, accounts_of(world))
        self.attending = Attending(store.desk, self.office, views, rules, desks, rooms)
        self.lanes = Lanes(store.path, steps_of(settings), settings.turns, lambda: None)
        self.linking = Linking(store.identity, attempts=3, poll_seconds=1)

    async def says(self, matter: Matter, channel: str, text: str) -> None:
        await self.store.path.accept([self.said(matter, channel, text)])

    def said(self, matter: Matter, channel: str, text: str) -> Arrived:
        number = next(_numbers)
        sender = Sender(matter.address(channel), name="Sarah", vouched=(Identifier(IdentifierKind.EMAIL, matter.mail),))
        at = BEGAN + timedelta(seconds=number)
        item = IncomingMessage(id=f"m{number}", at=at, sender=sender, message_id=f"m{number}", text=text)
        return Arrived(channel=channel, account="main", item=item)

    async def acts(self, thread: Thread, by: Agent, kind: ActKind) -> None:
        number = next(_numbers)
        at = BEGAN + timedelta(seconds=number)
        entry = f"entry-{number}" if kind is ActKind.REPLY else ""
        act = DeskAct(id=f"a{number}", at=at, by=by, kind=kind, text=f"{by.name} says", entry=entry)
        assert await self.office.act(thread.place, act)

    async def settled(self) -> None:
        """Until nothing more happens by itself."""
        while await self.lanes.take_batch() | bool(await self.linking.take_one()) | await self.attending.attend():
            pass


@pytest.fixture
def settings(dsn: str, tmp_path: Path) -> Settings:
    settings = Settings(
        secret=SecretStr(SECRET.decode()),
        data_folder=tmp_path,
        bot=Bot(knowledge=ROOT / "config" / "knowledge", voice=ROOT / "config" / "voice", playbooks=None),
    )
    return with_rooms(settings, support={"rooms": {"crew": "general"}})


def expected(accepted: list[tuple[str, object]]) -> tuple[Agent | None, list[Agent], StretchState]:
    """Whose it is, whose replies leave, and how it ends: by the one order in which things were taken."""
    owner: Agent | None = None
    replied: list[Agent] = []
    state = StretchState.WAITING
    for what, told in accepted:
        if what != "acts":
            continue
        by, kind = told  # type: ignore[misc]
        if state is StretchState.RESOLVED or kind is ActKind.NOTE or owner not in (None, by):
            continue
        owner = by
        if kind is ActKind.REPLY:
            replied.append(by)
        state = StretchState.RESOLVED if kind is ActKind.RESOLVE else StretchState.TAKEN
    return owner, replied, state


@pytest.mark.timeout(600)
async def test_order_and_ownership_hold_in_three_hundred_interleavings(
    dsn: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, chance = World(), random.Random(7)
    monkeypatch.setattr("omnibot.app.steps.load_channels", lambda _: accounts_of(world))
    matters = [Matter(number, happenings(chance)) for number in range(TIMES)]
    await execute(
        dsn, f'ALTER DATABASE "{urlsplit(dsn).path[1:]}" SET synchronous_commit = off'
    )  # no machine dies here
    async with Store.open(dsn, SECRET) as store:
        server = Office(store, settings, world, tmp_path)
        for channel, text in zip(CHANNELS, ("I want to talk to a human, please", "hello", "hello"), strict=True):
            await store.path.accept([server.said(matter, channel, text) for matter in matters])
        await server.settled()
        threads = {thread.card.contacts[0][0]: thread for thread in world.threads}
        assert len(threads) == TIMES

        waiting = list(matters)
        while waiting:
            matter = chance.choice(waiting)
            what, told = matter.left.pop(0)
            thread = _thread(threads, matter)
            await (server.says(matter, *told) if what == "says" else server.acts(thread, *told))  # type: ignore[misc]
            matter.accepted.append((what, told))
            waiting = [one for one in waiting if one.left]
            if chance.random() < 0.05:
                await server.lanes.take_batch()
            if chance.random() < 0.02:
                await server.attending.attend()
        await server.settled()
        wrong = [fault for matter in matters for fault in await _faults(store, _thread(threads, matter), matter)]
    assert wrong == []


def _thread(threads: dict[str, Thread], matter: Matter) -> Thread:
    return next(threads[str(matter.address(c))] for c in CHANNELS if str(matter.address(c)) in threads)


async def _faults(store: Store, thread: Thread, matter: Matter) -> list[str]:
    owner, replied, state = expected(matter.accepted)
    return [
        f"{matter.number}: {fault} in {matter.accepted}"
        for fault in await _told(store, thread, matter, owner, replied, state)
    ]


async def _told(
    store: Store, thread: Thread, matter: Matter, owner: Agent | None, replied: list[Agent], state: StretchState
) -> list[str]:
    faults = []
    attended = await store.desk.of_place(thread.place)
    assert attended is not None
    said = [told[1] for what, told in matter.accepted if what == "says"]  # type: ignore[index]
    until_end = said if state is not StretchState.RESOLVED else said[: len(thread.lines(EntryKind.HEARD))]
    if thread.lines(EntryKind.HEARD) != until_end:
        faults.append(f"the thread has {thread.lines(EntryKind.HEARD)}")
    if (attended.stretch.owner, attended.stretch.state) != (owner, state):
        faults.append(f"it is {attended.stretch.state} with {attended.stretch.owner}, not {state} with {owner}")
    timeline = await store.records.timeline(attended.customer)
    if [message.by for message in timeline if message.by] != [agent.name for agent in replied]:
        faults.append("other replies left")
    acts = await store.desk.acts(attended.stretch.id)
    if [act.by for act in acts] != [told[0] for what, told in matter.accepted if what == "acts"]:  # type: ignore[index]
        faults.append("acts were taken in another order")
    refused = [act.by.id for act in acts if act.outcome == "refused"]
    if refused != [entry.to for entry in thread.entries if entry.to]:
        faults.append("not each refusal was told to whom it was told")
    return faults
