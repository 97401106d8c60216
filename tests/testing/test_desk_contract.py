"""The suite of desks passes a small one, and finds what is wrong: each of these breaks one promise."""

from __future__ import annotations

import asyncio
import inspect
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from corkboard import ANA, BEN, WALL, Board, BoardDesk, BoardPeople

from omnibot.contract import Look, NotAccepted, Place, Refused, Site, TryLater, Unsure
from omnibot.model import ActKind, Address, Agent, Card, DeliveryState, DeskAct, Entry, IncomingMessage, Sender
from omnibot.testing import AtWork, Bureau, DeskContract, Inbox, Shelf, Shown
from omnibot.testing.desk import ACTS, HOSTILE, card_of


class TestCorkboard(DeskContract):
    channel = Board

    @pytest_asyncio.fixture
    async def people(self) -> BoardPeople:
        return BoardPeople()


class OpensAgainAndAgain(BoardDesk):
    async def open(self, room: str, card: Card) -> Place:
        place = replace(self.place(card), thread=uuid.uuid4().hex)
        self.wall.threads[place.thread] = [Shown(card.name)]
        self.wall.answer()
        return place

    async def find(self, room: str, card: Card) -> Place | None:
        return None


class FindsWhatIsNotThere(BoardDesk):
    async def find(self, room: str, card: Card) -> Place | None:
        return self.place(card)


class CannotLook(BoardDesk):
    async def find(self, room: str, card: Card) -> Place | None:
        raise Refused("this desk cannot look")


class ShowsAnOldCard(BoardDesk):
    async def refresh(self, place: Place, card: Card) -> None:
        return


class CutsOffTheLatest(BoardDesk):
    async def open(self, room: str, card: Card) -> Place:
        return await super().open(room, replace(card, said=card.said[:20], tried=()))

    async def refresh(self, place: Place, card: Card) -> None:
        return


class CallsEverybody(BoardDesk):
    async def line(self, entry: Entry) -> Shown:
        return replace(await super().line(entry), acting=("channel",) if "@channel" in entry.text else ())


class UndoesEscapes(BoardDesk):
    async def line(self, entry: Entry) -> Shown:
        return Shown((await super().line(entry)).text.replace("&lt;", "<"))


class TellsEverybody(BoardDesk):
    async def show(self, place: Place, entry: Entry) -> str:
        return await super().show(place, replace(entry, to=""))


class ShowsInAnyOrder(BoardDesk):
    async def show(self, place: Place, entry: Entry) -> str:
        id = await super().show(place, entry)
        self.thread(place).insert(1, self.thread(place).pop())
        return id


class LosesFiles(BoardDesk):
    async def line(self, entry: Entry) -> Shown:
        return await super().line(replace(entry, files=()))


class FailsWithoutAFile(BoardDesk):
    async def line(self, entry: Entry) -> Shown:
        for file in entry.files:
            [_ async for _ in self.site.files.open(file)]
        return await super().line(entry)


class HidesFailures(BoardDesk):
    async def mark(self, place: Place, entry: str, state: DeliveryState, reason: str = "") -> None:
        return


class RepeatsWhenUnsure(BoardDesk):
    async def show(self, place: Place, entry: Entry) -> str:
        try:
            return await super().show(place, entry)
        except Unsure:
            return await super().show(place, entry)


class ForgetsTheDelay(BoardDesk):
    async def show(self, place: Place, entry: Entry) -> str:
        try:
            return await super().show(place, entry)
        except TryLater as later:
            raise TryLater(later.reason) from None


class HopesForTheBest(BoardDesk):
    async def show(self, place: Place, entry: Entry) -> str:
        try:
            return await super().show(place, entry)
        except Refused as refused:
            raise TryLater(refused.reason) from None


def handing_in(change: Callable[[DeskAct], DeskAct]) -> type[BoardDesk]:
    """A desk that makes something else of what people do."""

    class Changing(BoardDesk):
        async def done(self, by: Agent, place: Place, act: DeskAct) -> bool:
            return await super().done(by, place, change(act))

    return Changing


class Forgets(BoardDesk):
    """It acknowledges what was not taken in."""

    async def done(self, by: Agent, place: Place, act: DeskAct) -> bool:
        await super().done(by, place, act)
        return True


class LetsEverybodyIn(BoardDesk):
    async def done(self, by: Agent, place: Place, act: DeskAct) -> bool:
        try:
            await self.site.office.act(place, act)
        except NotAccepted:
            return False
        return True


class TurnsAwayInSilence(BoardDesk):
    async def done(self, by: Agent, place: Place, act: DeskAct) -> bool:
        if by not in (ANA, BEN):
            self.wall.alone[by.id] = [""]
            by = ANA
            act = replace(act, kind=ActKind.REFUSED, value="not an agent")
        return await super().done(by, place, act)


class TakesStaffForCustomers(BoardDesk):
    accept: Any = None

    async def done(self, by: Agent, place: Place, act: DeskAct) -> bool:
        sender = Sender(Address("board", by.id))
        await self.accept([IncomingMessage(id=act.id, at=act.at, sender=sender, message_id=act.id, text=act.text)])
        return await super().done(by, place, act)


def turned(kind: ActKind, into: ActKind) -> type[BoardDesk]:
    return handing_in(lambda act: replace(act, kind=into) if act.kind is kind else act)


BROKEN = [
    (OpensAgainAndAgain, "test_a_lost_answer_makes_no_second_thread", {}),
    (FindsWhatIsNotThere, "test_what_was_never_begun_is_not_found", {}),
    (FindsWhatIsNotThere, "test_another_matter_is_not_taken_for_one_that_was_begun", {}),
    (ShowsAnOldCard, "test_a_card_is_known_as_it_is_now", {}),
    (CutsOffTheLatest, "test_the_longest_card_is_shown", {}),
    (CallsEverybody, "test_what_customers_write_is_shown_as_they_write_it", {"text": HOSTILE[0]}),
    (UndoesEscapes, "test_what_customers_write_is_shown_as_they_write_it", {"text": HOSTILE[3]}),
    (TellsEverybody, "test_one_agent_alone_can_be_told", {}),
    (TellsEverybody, "test_who_is_not_at_this_desk_is_told_nothing", {}),
    (ShowsInAnyOrder, "test_lines_are_shown_in_their_order", {}),
    (LosesFiles, "test_a_file_is_shown_with_its_line", {}),
    (FailsWithoutAFile, "test_a_file_that_is_gone_keeps_no_line_back", {}),
    (HidesFailures, "test_a_failure_is_told_with_its_reason", {}),
    (RepeatsWhenUnsure, "test_a_line_whose_answer_is_lost_is_unsure", {}),
    (ForgetsTheDelay, "test_a_throttled_call_is_tried_later", {}),
    (HopesForTheBest, "test_a_closed_room_refuses", {}),
    (turned(ActKind.NOTE, ActKind.REPLY), "test_what_is_written_in_a_thread_is_a_note", {"text": "no"}),
    (TakesStaffForCustomers, "test_what_is_written_in_a_thread_is_a_note", {"text": "no"}),
    (handing_in(lambda act: replace(act, by=BEN)), "test_what_is_written_in_a_thread_is_a_note", {"text": "no"}),
    *(
        (turned(kind, ActKind.EDITED), "test_what_agents_do_is_handed_in", {"kind": kind, "text": text, "value": value})
        for kind, text, value in ACTS
        if kind not in BoardPeople.lacks_acts
    ),
    (handing_in(lambda act: replace(act, value="")), "test_a_matter_is_given_to_a_colleague", {}),
    (handing_in(lambda act: replace(act, value="2026-01-01T00:00:00Z")), "test_a_matter_is_put_off_until_a_time", {}),
    (handing_in(lambda act: replace(act, entry=act.id)), "test_what_failed_is_sent_again", {}),
    (handing_in(lambda act: replace(act, files=())), "test_a_file_goes_along_whole", {}),
    (handing_in(lambda act: replace(act, id="always this")), "test_two_acts_are_two", {}),
    (handing_in(lambda act: replace(act, id=uuid.uuid4().hex)), "test_what_comes_again_is_the_same_act", {}),
    (Forgets, "test_no_act_is_acknowledged_that_was_not_taken_in", {}),
    (turned(ActKind.EDITED, ActKind.REPLY), "test_edits_and_deletions_are_written_down_alone", {}),
    (LetsEverybodyIn, "test_who_is_no_agent_is_refused_and_told", {"kind": ActKind.REPLY}),
    (TurnsAwayInSilence, "test_who_is_no_agent_is_refused_and_told", {"kind": ActKind.REPLY}),
]


async def put_to(desk: type[BoardDesk], test: str, more: dict[str, Any]) -> None:
    """One test of the suite, by hand."""
    people, bureau, inbox, shelf = BoardPeople(), Bureau(), Inbox(), Shelf()
    made = type("Made", (Board,), {"Works": desk})
    site = Site(
        account="contract",
        path="/",
        public_url="",
        key=b"k",
        now=lambda: datetime.now(UTC),
        files=shelf,
        office=bureau,
        rooms=frozenset({WALL}),
    )
    suite = DeskContract()
    suite.channel = made
    async with made(site, people.settings()) as channel:
        await channel.listen(inbox)
        work = AtWork(channel, channel.desk(), bureau, inbox, shelf)
        given = {"work": work, "people": people} | more
        wanted = inspect.signature(getattr(suite, test)).parameters
        async with asyncio.timeout(2):
            await getattr(suite, test)(**{name: value for name, value in given.items() if name in wanted})


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bureau.done, "__defaults__", (1, 0.3))
    monkeypatch.setattr(Bureau.offered, "__defaults__", (1, 0.3))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("desk", "test", "more"), BROKEN)
async def test_a_broken_promise_is_found(desk: type[BoardDesk], test: str, more: dict[str, Any]) -> None:
    with pytest.raises((AssertionError, TimeoutError, TryLater, Refused, pytest.fail.Exception)):
        await put_to(desk, test, more)


@pytest.mark.parametrize(("test", "more"), [(test, more) for _, test, more in BROKEN])
async def test_a_promise_that_is_kept_is_not_doubted(test: str, more: dict[str, Any]) -> None:
    await put_to(BoardDesk, test, more)


@pytest.mark.parametrize(
    "test", ["test_what_was_never_begun_is_not_found", "test_another_matter_is_not_taken_for_one_that_was_begun"]
)
async def test_who_cannot_look_says_so(test: str) -> None:
    await put_to(CannotLook, test, {})


async def test_what_a_desk_lacks_is_skipped_and_says_why() -> None:
    with pytest.raises(pytest.skip.Exception, match="board lacks timeline: there is no room for it"):
        await put_to(BoardDesk, "test_a_timeline_is_shown_to_who_asks", {})
    with pytest.raises(pytest.skip.Exception, match="nobody can mute at board: nobody hears anything"):
        await put_to(BoardDesk, "test_what_agents_do_is_handed_in", {"kind": ActKind.MUTE, "text": "", "value": ""})


async def test_a_bureau_knows_matters_by_name_and_owner() -> None:
    bureau = Bureau()
    place = Place("board.contract", WALL, "1")
    bureau.cards_of[place] = card_of()
    assert await bureau.cards(Look.ALL, ANA, text="mike") == [(place, card_of())]
    assert await bureau.cards(Look.MINE, ANA) == []
    assert (await bureau.timeline(place, 3)).number == 3
