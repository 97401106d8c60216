"""What happens when a time is over: reminders, what sleeps, what nobody takes up, and rooms that do not work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from omnibot.attending import Attending, DeskOffice, Views
from omnibot.channels import Room
from omnibot.contract import Look, NotAccepted, Place, Refused, TryLater, Unsure
from omnibot.desk import Levels, Rules, Staff
from omnibot.dialogue import Knowledge
from omnibot.intake.files import DiskFiles
from omnibot.model import ActKind, BusinessHours, DeskAct, EntryKind, StretchState
from omnibot.store import Store, StoreUnavailable
from omnibot.store.work import Outcome, Work
from tests.crew import ANA, Board, Thread, World
from tests.store.desks import MIKE, SARAH, claimed, handed_off, write
from tests.store.statements import execute

HOUR = timedelta(hours=1)
ALWAYS = BusinessHours(
    opens=datetime.min.time(), closes=datetime.max.time().replace(microsecond=0), days=frozenset(range(7))
)
RULES = Rules(
    teams={
        "support": Staff(key="support", hours=ALWAYS),
        "senior": Staff(
            key="senior",
            name="Seniors",
            hours=ALWAYS,
            levels={"normal": Levels(first=4 * HOUR, next=2 * HOUR, resolve=100 * HOUR)},
        ),
    },
    idle=50 * HOUR,
)
ROOMS = {"senior": (Room("crew", "main", "seniors"), Room("crew", "spare", "backup")), "support": ()}


@dataclass
class Desk:
    """A worker whose clock is ours, on a real store, with a desk in memory."""

    store: Store
    world: World
    office: DeskOffice
    worker: Attending
    dsn: str
    later: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later

    async def rounds(self, count: int = 4) -> None:
        for _ in range(count):
            await self.worker.attend()

    async def opened(self) -> Thread:
        """Sarah's matter, handed to the seniors."""
        await write(self.store.path, "the export fails", SARAH)
        await self.taken(handed_off)
        await self.rounds()
        return self.world.threads[-1]

    async def taken(self, outcome: Callable[[Work], Outcome]) -> None:
        await self.store.path.commit([outcome(work) for work in await claimed(self.store.path)])

    async def acts(self) -> list[DeskAct]:
        """What waits in the lanes."""
        return [item.act for work in await claimed(self.store.path) for item in work.items if item.act]

    async def heard(self, text: str) -> None:
        """Sarah writes, and it is told at the desk."""
        await write(self.store.path, text, SARAH)
        await self.taken(lambda work: Outcome(work=work, address=work.addresses[0].id, record={}))
        await self.rounds()

    async def act(self, thread: Thread, kind: ActKind, **more: str) -> None:
        """An agent acts, and the lane takes it by the rules."""
        act = DeskAct(id=f"{kind}{more}", at=self.now(), by=ANA, kind=kind, **more)
        assert await self.office.act(thread.place, act)
        await self.take_acts()

    async def take_acts(self) -> None:
        from omnibot.desk import Ground, take

        for work in await claimed(self.store.path):
            ground = Ground(rules=RULES, stretches=work.stretches, to=work.addresses[0])
            done = tuple(take(item.act, work.stretches[0], ground) for item in work.items if item.act)
            await self.store.path.commit([Outcome(work=work, address=work.addresses[0].id, done=done)])
        await self.rounds()


@pytest_asyncio.fixture
async def desk(store: Store, dsn: str, tmp_path: Path) -> AsyncIterator[Desk]:
    world = World()
    views = Views(store, RULES, lambda: Knowledge(()), "en")
    office = DeskOffice(store, views, RULES, DiskFiles(tmp_path), lambda: None, now=lambda: made.now())
    desks = {"crew.main": Board(world, "main"), "crew.spare": Board(world, "spare")}
    worker = Attending(store.desk, office, views, RULES, desks, ROOMS, now=lambda: made.now())
    made = Desk(store, world, office, worker, dsn)
    yield made


def reminded(thread: Thread) -> list[str]:
    return [text.partition(":")[0].partition(" ")[0] for text in thread.lines(EntryKind.REMINDER)]


async def test_a_team_is_reminded_before_and_when_the_time_is_over_once_each(desk: Desk) -> None:
    thread = await desk.opened()
    assert reminded(thread) == []
    desk.later = 3.5 * HOUR
    await desk.rounds()
    assert reminded(thread) == ["Due"]
    desk.later = 5 * HOUR
    await desk.rounds()
    await desk.rounds()
    assert reminded(thread) == ["Due", "Overdue"]
    assert (thread.card.due_for, thread.card.overdue) == ("first", True)
    assert (await desk.store.desk.count()).open == 1


async def test_who_has_it_is_called_by_name_unless_they_want_none(desk: Desk) -> None:
    thread = await desk.opened()
    await desk.act(thread, ActKind.TAKE)
    desk.later = 3.5 * HOUR
    await desk.rounds()
    await desk.act(thread, ActKind.MUTE)
    desk.later = 5 * HOUR
    await desk.rounds()
    called = [entry.about for entry in thread.entries if entry.kind is EntryKind.REMINDER]
    assert called == [ANA.id, ""]


async def test_what_nobody_takes_up_goes_back_to_the_bot_once(desk: Desk) -> None:
    await desk.opened()
    desk.later = 51 * HOUR
    await desk.rounds()
    await desk.rounds()
    [act] = await desk.acts()
    assert (act.kind, act.value, act.by.id) == (ActKind.HAND_BACK, "idle", "omnibot")


async def test_what_sleeps_wakes_when_it_is_time(desk: Desk) -> None:
    thread = await desk.opened()
    await desk.act(thread, ActKind.SNOOZE, value=(desk.now() + HOUR).isoformat())
    assert thread.card.stretch.state is StretchState.SNOOZED
    desk.later = 2 * HOUR
    await desk.rounds()
    await desk.take_acts()
    assert thread.lines(EntryKind.NOTICE)[-1] == "It is due again. Ana Silva has it."
    assert thread.card.stretch.state is StretchState.TAKEN


async def test_what_sleeps_wakes_when_the_customer_writes_and_sleeps_until_the_same_time_again(desk: Desk) -> None:
    thread = await desk.opened()
    until = (desk.now() + 2 * HOUR).isoformat()
    await desk.act(thread, ActKind.SNOOZE, value=until)
    await desk.heard("and now?")
    await desk.take_acts()
    assert thread.lines(EntryKind.HEARD) == ["and now?"]
    assert thread.card.stretch.state is StretchState.TAKEN
    await desk.act(thread, ActKind.SNOOZE, value=until, text="again")
    assert thread.card.stretch.state is StretchState.SNOOZED
    desk.later = 3 * HOUR
    await desk.rounds()
    await desk.take_acts()
    assert thread.card.stretch.state is StretchState.TAKEN


async def test_what_sleeps_wakes_though_the_line_that_wakes_it_is_doubtful_or_cannot_be_shown(desk: Desk) -> None:
    thread = await desk.opened()
    for trouble in (Unsure("cut"), Refused("it cannot be shown")):
        await desk.act(thread, ActKind.SNOOZE, value=(desk.now() + HOUR).isoformat(), text=str(trouble))
        assert thread.card.stretch.state is StretchState.SNOOZED
        desk.world.failing.append(trouble)
        desk.later += timedelta(minutes=2)
        await desk.heard("and now?")
        await desk.take_acts()
        assert thread.card.stretch.state is StretchState.TAKEN


async def test_it_goes_back_to_the_bot_only_when_nobody_did_anything_for_so_long(desk: Desk, dsn: str) -> None:
    thread = await desk.opened()
    await execute(dsn, "UPDATE stretches SET asked_at = now() - interval '51 hours'")
    await desk.act(thread, ActKind.TAKE)
    await desk.rounds()
    assert await desk.acts() == []
    desk.later = 51 * HOUR
    await desk.rounds()
    assert [act.value for act in await desk.acts()] == ["idle"]


async def test_a_second_hand_off_of_the_matter_is_told_in_its_thread(desk: Desk) -> None:
    thread = await desk.opened()
    await write(desk.store.path, "I really want somebody", SARAH)
    await desk.taken(lambda work: handed_off(work, "asked again"))
    await desk.rounds()
    assert "Handed off again: asked again" in thread.lines(EntryKind.NOTICE)
    assert len(desk.world.threads) == 1


async def test_a_new_matter_goes_to_the_next_desk_when_the_first_cannot_be_reached(desk: Desk) -> None:
    desk.world.failing += [TryLater("down", 0.0)] * 2
    await write(desk.store.path, "the export fails", SARAH)
    await desk.taken(handed_off)
    await desk.rounds(1)
    assert desk.world.threads == []
    desk.later = timedelta(minutes=3)
    await desk.rounds()
    [thread] = desk.world.threads
    assert thread.place.desk == "crew.spare"


async def test_a_new_matter_goes_to_the_next_desk_when_the_first_answers_nothing(desk: Desk) -> None:
    await write(desk.store.path, "the export fails", SARAH)
    await desk.taken(handed_off)
    desk.world.failing += [TimeoutError()]
    await desk.rounds(1)
    assert desk.world.threads == []
    desk.later = timedelta(minutes=3)
    desk.world.failing += [TimeoutError()]
    async with asyncio.timeout(10):
        while not desk.world.threads:
            await desk.rounds(1)
    [thread] = desk.world.threads
    assert thread.place.desk == "crew.spare"


async def test_what_one_step_cannot_do_keeps_none_of_the_others_from_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = await desk.opened()

    async def fails(*_: object) -> None:
        raise ValueError("only a newer version knows this")

    monkeypatch.setattr(desk.store.desk, "adopt", fails)
    monkeypatch.setattr(desk.store.desk, "due_levels", fails)
    await write(desk.store.path, "one", SARAH)
    await desk.rounds()
    assert thread.lines(EntryKind.HEARD) == ["one"]


async def test_a_thread_at_a_desk_that_is_configured_no_more_moves_though_nothing_happens(desk: Desk) -> None:
    await desk.opened()
    spare = {"crew.spare": Board(desk.world, "spare")}
    views = Views(desk.store, RULES, lambda: Knowledge(()), "en")
    worker = Attending(desk.store.desk, desk.office, views, RULES, spare, ROOMS, now=desk.now)
    desk.later = HOUR
    for _ in range(4):
        await worker.attend()
    assert desk.world.threads[-1].place.desk == "crew.spare"


async def test_where_no_room_works_it_is_tried_again_later(desk: Desk) -> None:
    desk.world.refusing |= {"seniors", "backup"}
    await write(desk.store.path, "the export fails", SARAH)
    await desk.taken(handed_off)
    await desk.rounds(6)
    assert desk.world.threads == []
    assert (await desk.store.desk.count()).unopened == 1


async def test_a_line_that_the_desk_cannot_show_holds_up_no_other(desk: Desk) -> None:
    thread = await desk.opened()
    desk.world.failing += [Refused("it cannot be shown")]
    await write(desk.store.path, "one", SARAH)
    await write(desk.store.path, "two", SARAH)
    await desk.rounds(6)
    assert thread.lines(EntryKind.HEARD) == ["two"]
    assert len(desk.world.threads) == 1


async def test_a_mark_or_card_whose_answer_is_lost_is_repeated(desk: Desk) -> None:
    thread = await desk.opened()
    desk.world.losing = 0
    await desk.act(thread, ActKind.TAKE)
    cards = len(thread.cards)
    await write(desk.store.path, "one", SARAH)
    desk.world.failing = []
    await desk.worker.attend()
    desk.world.failing += [Unsure("cut")]  # the refresh
    await desk.rounds(2)
    assert len(thread.cards) >= cards


async def test_what_a_team_has_that_is_there_no_more_stands_in_the_queue_of_who_takes_all_else(desk: Desk) -> None:
    thread = await desk.opened()
    await execute(desk.dsn, "UPDATE stretches SET team = 'called otherwise by now'")
    assert [place for place, _ in await desk.office.cards(Look.TEAM, ANA, team="support")] == [thread.place]
    assert await desk.office.cards(Look.TEAM, ANA, team="senior") == []


async def test_two_customers_have_a_thread_each(desk: Desk) -> None:
    await desk.opened()
    await write(desk.store.path, "mine, too", MIKE)
    await desk.taken(handed_off)
    await desk.rounds()
    assert len({thread.place for thread in desk.world.threads}) == 2


async def test_a_desk_that_is_configured_no_more_is_left(desk: Desk, tmp_path: Path) -> None:
    await desk.opened()
    spare = {"crew.spare": Board(desk.world, "spare")}
    views = Views(desk.store, RULES, lambda: Knowledge(()), "en")
    worker = Attending(desk.store.desk, desk.office, views, RULES, spare, ROOMS)
    await write(desk.store.path, "one", SARAH)
    for _ in range(4):
        await worker.attend()
    moved = desk.world.threads[-1]
    assert (moved.place.desk, moved.lines(EntryKind.HEARD)) == ("crew.spare", ["one"])


class Away:
    """A database that cannot be reached."""

    async def of_place(self, place: Place) -> None:
        raise StoreUnavailable("gone")


async def test_an_act_in_a_database_that_is_away_is_not_acknowledged(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.store, "desk", Away())
    act = DeskAct(id="1", at=desk.now(), by=ANA, kind=ActKind.TAKE)
    with pytest.raises(NotAccepted):
        await desk.office.act(Place("crew.main", "seniors", "?"), act)


async def test_nobody_acts_in_a_thread_that_is_none(desk: Desk) -> None:
    act = DeskAct(id="1", at=desk.now(), by=ANA, kind=ActKind.TAKE)
    assert not await desk.office.act(Place("crew.main", "seniors", "?"), act)


async def test_a_running_worker_stops_when_it_is_closed(desk: Desk) -> None:
    await write(desk.store.path, "the export fails", SARAH)
    await desk.taken(handed_off)
    running = asyncio.create_task(desk.worker.run())
    async with asyncio.timeout(10):
        while not desk.world.threads:
            await asyncio.sleep(0.02)
        desk.worker.wake()
        desk.worker.close()
        await running
