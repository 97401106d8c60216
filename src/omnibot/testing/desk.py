"""The contract of a desk as tests that any desk can inherit. See docs/desk.md."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from omnibot.contract import Channel, Desk, Page, Place, Refused, Site, TryLater, Unsure
from omnibot.model import (
    ActKind,
    AddressId,
    Agent,
    Card,
    CardLine,
    DeliveryState,
    DeskAct,
    Entry,
    EntryKind,
    Stretch,
    StretchId,
    StretchState,
)
from omnibot.testing.bureau import Bureau
from omnibot.testing.channel import PROMPTLY, TEXT
from omnibot.testing.ground import Ground, listened, served
from omnibot.testing.inbox import Inbox
from omnibot.testing.shelf import Shelf
from omnibot.testing.staffroom import DeskAbility, Shown, Staffroom

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOSTILE = (  # what customers write who want something to happen where the team reads it
    "<!channel> <!here> <!everyone> @channel @here",
    "<@U1> <@U0123456789> <#C1>",
    "<https://evil.example|bank.example> [bank](https://evil.example)",
    "<b>bold</b> <script>alert(1)</script> <img src=x onerror=alert(1)> &lt;b&gt; &amp;",
    "*bold* _it_ ~no~ `code` ```block``` > quoted",
    "#reply\n#resolve done: all of it\n/omnibot resolve",
)
# what an agent wants, as the core gets it: kind, text, value
ACTS = (
    (ActKind.TAKE, "", ""),
    (ActKind.TEAM, "", "billing"),
    (ActKind.PRIORITY, "", "urgent"),
    (ActKind.CONSENT, "to be called back", ""),
    (ActKind.REPLY, "Hello Mike,\n\nyour limit is lifted. 1 < 2 & 3 > 2 👩‍👩‍👧", ""),
    (ActKind.NOTE, "he has asked for the third time", ""),
    (ActKind.RESOLVE, "the limit was lifted", "solved"),
    (ActKind.REOPEN, "", ""),
    (ActKind.HAND_BACK, "", ""),
    (ActKind.MERGE, "same phone", "12"),
    (ActKind.MUTE, "", ""),
)


@dataclass(frozen=True, slots=True)
class AtWork:
    """A desk whose account is open, listening and served, and what it has handed in."""

    channel: Channel
    desk: Desk
    bureau: Bureau
    inbox: Inbox
    shelf: Shelf


def card_of(id: int = 1, *, name: str = "Mike Adeyemi", said: str = "it still times out", why: str = "") -> Card:
    """A matter with all that can be known of one."""
    stretch = Stretch(
        id=StretchId(id), address=AddressId(1), team="support", priority="high", why=why or "contact 3", opened_at=NOON
    )
    return Card(
        stretch=stretch,
        team="Support",
        name=name,
        contacts=(("whatsapp:+447700900123", "proven"), ("email:mike@example.net", "seen")),
        since=NOON - timedelta(days=900),
        plan="Pro",
        worth="1,200 EUR a year",
        mood=-0.6,
        trend="falling",
        urgency="high",
        deadline=NOON + timedelta(days=1),
        zone="Europe/London",
        times=3,
        concern="API timeout",
        tried=(CardLine(at=NOON - timedelta(days=9), by="Priya", text="limit=200", channel="sms", result="failed"),),
        said=(
            CardLine(at=NOON - timedelta(hours=1), by="", text=said, channel="whatsapp"),
            CardLine(at=NOON, by="bot", text="I have passed this on", channel="whatsapp"),
        ),
        suggestion="We have lifted the limit",
        due=NOON + timedelta(hours=1),
        due_for="first",
        reviews=(12,),
    )


def entry_of(id: int, text: str, *, kind: EntryKind = EntryKind.HEARD, to: str = "") -> Entry:
    """A line of a thread."""
    heard = kind is EntryKind.HEARD
    at = NOON + timedelta(minutes=id)
    name, channel = ("Mike Adeyemi", "whatsapp") if heard else ("", "")
    return Entry(id=id, kind=kind, at=at, text=text, name=name, channel=channel, to=to)


@pytest.mark.asyncio
class DeskContract(Ground):
    """What every desk must do. Subclass it, name the `channel` and give a fixture `people`.

    class TestMyDesk(DeskContract):
        channel = Mine

        @pytest_asyncio.fixture
        async def people(self): ...  # yields a `Staffroom`
    """

    # --- what the tests stand on --------------------------------------------------------------------------

    @pytest_asyncio.fixture
    async def bureau(self) -> Bureau:
        """Where acts go."""
        return Bureau()

    @pytest_asyncio.fixture
    async def site(
        self, listening: socket.socket, shelf: Shelf, bureau: Bureau, people: Staffroom
    ) -> AsyncIterator[Site]:
        """Where the account lives in these tests."""
        async with self.site_at(listening, shelf) as site:
            yield replace(site, office=bureau, rooms=frozenset({people.room}))

    @pytest_asyncio.fixture
    async def work(
        self, site: Site, people: Staffroom, bureau: Bureau, listening: socket.socket, shelf: Shelf
    ) -> AsyncIterator[AtWork]:
        """The desk at work: its account open, its routes served, listening."""
        inbox = Inbox()
        channel = self.channel(site, people.settings())
        desk = channel.desk()
        assert desk is not None, "this channel has no desk"
        async with channel, served(channel, inbox, listening, shelf):
            await people.attach(site)
            async with listened(channel, inbox):
                yield AtWork(channel, desk, bureau, inbox, shelf)

    def need(self, people: Staffroom, *abilities: DeskAbility) -> None:
        """Skip a test that the desk cannot be put to, saying why."""
        for ability in abilities:
            if ability in people.lacks:
                pytest.skip(f"{self.channel.name} lacks {ability}: {people.lacks[ability]}")

    def need_act(self, people: Staffroom, kind: ActKind) -> None:
        """The same for an act."""
        if kind in people.lacks_acts:
            pytest.skip(f"nobody can {kind} at {self.channel.name}: {people.lacks_acts[kind]}")

    async def opened(self, work: AtWork, people: Staffroom, card: Card | None = None) -> Place:
        """A thread that the office knows."""
        card = card or card_of()
        place = await work.desk.open(people.room, card)
        work.bureau.cards_of[place] = card
        return place

    async def one(self, work: AtWork) -> DeskAct:
        """The one act that was done."""
        [(_, act)] = await work.bureau.done()
        return act

    def line(self, people: Staffroom, text: str) -> Shown:
        """The one line of the latest thread that has this text."""
        found = [line for line in people.threads()[-1] if text in line.text]
        assert len(found) == 1, f"{len(found)} lines have {text!r}"
        return found[0]

    # --- threads ------------------------------------------------------------------------------------------

    async def test_an_account_has_one_desk(self, work: AtWork) -> None:
        assert work.channel.desk() is work.desk
        assert work.desk.channel == self.channel.name

    async def test_a_thread_begins_with_a_card(self, work: AtWork, people: Staffroom) -> None:
        place = await work.desk.open(people.room, card_of())
        assert (place.desk, place.room) == (f"{self.channel.name}.contract", people.room)
        assert place.thread
        [[card]] = people.threads()
        for word in ("Mike Adeyemi", "contact 3", "Pro", "1,200 EUR", "+447700900123", "proven", "falling"):
            assert word in card.text
        for word in ("Priya", "limit=200", "failed", "it still times out", "I have passed this on"):
            assert word in card.text
        for word in ("We have lifted the limit", "API timeout", "high"):
            assert word in card.text

    async def test_two_matters_are_two_threads(self, work: AtWork, people: Staffroom) -> None:
        first = await self.opened(work, people, card_of(1))
        second = await self.opened(work, people, card_of(2))
        assert first != second
        await work.desk.show(first, entry_of(1, "of the first"))
        await work.desk.show(second, entry_of(2, "of the second"))
        assert [sum("of the" in line.text for line in lines) for lines in people.threads()] == [1, 1]

    async def test_little_is_a_card_too(self, work: AtWork, people: Staffroom) -> None:
        stretch = Stretch(id=StretchId(7), address=AddressId(1), team="support", opened_at=NOON)
        await work.desk.open(people.room, Card(stretch=stretch, team="Support", name=""))
        assert len(people.threads()) == 1

    async def test_the_longest_card_is_shown(self, work: AtWork, people: Staffroom) -> None:
        long = "Wörter " * 6_000
        lines = tuple(CardLine(at=NOON, by=long, text=f"{n} {long}", channel="sms", result=long) for n in range(60))
        card = replace(
            card_of(name=f"Mike {long}", why=long),
            contacts=tuple((f"email:{'m' * 200}{n}@example.net", long) for n in range(60)),
            plan=long,
            worth=long,
            trend=long,
            urgency=long,
            concern=long,
            tried=lines,
            said=lines,
            suggestion=long,
            team=long,
            reviews=tuple(range(60)),
        )
        place = await self.opened(work, people, card)
        await work.desk.refresh(place, card)
        [[shown, *_]] = people.threads()
        assert "Mike Wörter" in shown.text
        assert "59 Wörter" in shown.text, "what was said last is cut off before what was said first"

    @pytest.mark.parametrize("text", HOSTILE)
    async def test_a_card_shows_what_customers_write_as_they_write_it(
        self, work: AtWork, people: Staffroom, text: str
    ) -> None:
        await self.opened(work, people, card_of(name=text.split("\n")[0], said=text, why=text.split("\n")[0]))
        [[shown]] = people.threads()
        for line in text.split("\n"):
            assert line in shown.text
        assert shown.acting == ()

    async def test_a_card_is_known_as_it_is_now(self, work: AtWork, people: Staffroom) -> None:
        place = await self.opened(work, people)
        assert "Ana Ruiz" not in await people.card(place)
        taken = replace(card_of().stretch, state=StretchState.TAKEN, owner=Agent(people.agent.id, "Ana Ruiz"))
        work.bureau.cards_of[place] = replace(card_of(), stretch=taken, concern="API timeout and the bill")
        await work.desk.refresh(place, work.bureau.cards_of[place])
        card = await people.card(place)
        assert "Ana Ruiz" in card
        assert "API timeout and the bill" in card

    async def test_a_lost_answer_makes_no_second_thread(self, work: AtWork, people: Staffroom) -> None:
        self.need(people, DeskAbility.CUT_OFF)
        await people.cut_off()
        with pytest.raises(Unsure):
            await work.desk.open(people.room, card_of())
        place = await work.desk.find(people.room, card_of())
        if place is None:
            place = await work.desk.open(people.room, card_of())
        work.bureau.cards_of[place] = card_of()
        await work.desk.show(place, entry_of(1, "goes on"))
        assert len(people.threads()) == 1

    async def test_what_was_never_begun_is_not_found(self, work: AtWork, people: Staffroom) -> None:
        with suppress(Refused):  # it cannot be told
            assert await work.desk.find(people.room, card_of()) is None

    async def test_another_matter_is_not_taken_for_one_that_was_begun(self, work: AtWork, people: Staffroom) -> None:
        await self.opened(work, people, card_of(1))
        with suppress(Refused):
            assert await work.desk.find(people.room, card_of(2)) is None

    # --- lines --------------------------------------------------------------------------------------------

    async def test_lines_are_shown_in_their_order(self, work: AtWork, people: Staffroom) -> None:
        place = await self.opened(work, people)
        texts = [f"line {number}" for number in range(1, 6)]
        ids = [await work.desk.show(place, entry_of(id, text)) for id, text in enumerate(texts, 1)]
        shown = people.threads()[-1][1:]
        assert [next(text for text in texts if text in line.text) for line in shown] == texts
        assert all("Mike Adeyemi" in line.text and "whatsapp" in line.text.casefold() for line in shown)
        assert len({id for id in ids if id}) in (0, len(ids))

    @pytest.mark.parametrize("kind", EntryKind)
    async def test_every_kind_of_line_is_shown(self, work: AtWork, people: Staffroom, kind: EntryKind) -> None:
        place = await self.opened(work, people)
        await work.desk.show(place, entry_of(1, "something to read", kind=kind))
        self.line(people, "something to read")

    @pytest.mark.parametrize("text", [*HOSTILE, TEXT])
    async def test_what_customers_write_is_shown_as_they_write_it(
        self, work: AtWork, people: Staffroom, text: str
    ) -> None:
        place = await self.opened(work, people)
        await work.desk.show(place, replace(entry_of(1, text), name=text.split("\n")[0]))
        shown = people.threads()[-1][-1]
        for line in text.split("\n"):
            assert line in shown.text
        assert shown.acting == ()

    async def test_the_longest_line_is_shown(self, work: AtWork, people: Staffroom) -> None:
        place = await self.opened(work, people)
        await work.desk.show(place, replace(entry_of(1, "Größe " * 17_000), name="Mike " * 100))
        assert "Größe Größe" in people.threads()[-1][1].text

    async def test_a_file_is_shown_with_its_line(self, work: AtWork, people: Staffroom) -> None:
        self.need(people, DeskAbility.FILES)
        place = await self.opened(work, people)
        content = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
        file = work.shelf.put("a picture.png", "image/png", content)
        await work.desk.show(place, replace(entry_of(1, "look"), files=(file,)))
        self.line(people, "look")
        assert [content] == [one for line in people.threads()[-1] for one in line.files]

    async def test_a_file_that_is_gone_keeps_no_line_back(self, work: AtWork, people: Staffroom) -> None:
        self.need(people, DeskAbility.FILES)
        place = await self.opened(work, people)
        gone = replace(work.shelf.put("old.png", "image/png", b"x"), ref="gone")
        await work.desk.show(place, replace(entry_of(1, "look"), files=(gone,)))
        self.line(people, "look")

    async def test_one_agent_alone_can_be_told(self, work: AtWork, people: Staffroom) -> None:
        place = await self.opened(work, people)
        notice = entry_of(1, "Ben has taken it before you", kind=EntryKind.NOTICE, to=people.agent.id)
        await work.desk.show(place, notice)
        assert any("Ben has taken it" in text for text in await people.told(people.agent))
        assert not any("Ben has taken it" in text for text in await people.told(people.colleague))
        assert not any("Ben has taken it" in line.text for line in people.threads()[-1])

    async def test_who_is_not_at_this_desk_is_told_nothing(self, work: AtWork, people: Staffroom) -> None:
        place = await self.opened(work, people)
        with pytest.raises(Refused):
            await work.desk.show(place, entry_of(1, "hello", kind=EntryKind.NOTICE, to="elsewhere:nobody"))
        assert len(people.threads()[-1]) == 1

    async def test_a_thread_of_another_form_is_refused(self, work: AtWork, people: Staffroom) -> None:
        place = await self.opened(work, people)
        with pytest.raises(Refused):
            await work.desk.show(replace(place, thread="no such thread"), entry_of(1, "hello"))

    # --- what became of what agents wrote -----------------------------------------------------------------

    async def test_a_failure_is_told_with_its_reason(self, work: AtWork, people: Staffroom) -> None:
        place = await self.opened(work, people)
        entry = await self.replied(work, people, place)
        for state in (DeliveryState.SENT, DeliveryState.REFUSED):
            await work.desk.mark(place, entry, state, "blocked by them" if state is DeliveryState.REFUSED else "")
        assert "blocked by them" in await people.marked(place, entry)

    async def test_each_state_can_be_marked_and_marked_again(self, work: AtWork, people: Staffroom) -> None:
        place = await self.opened(work, people)
        entry = await self.replied(work, people, place)
        for state in DeliveryState:
            await work.desk.mark(place, entry, state, "")
            await work.desk.mark(place, entry, state, "")
        assert len(people.threads()) == 1

    async def replied(self, work: AtWork, people: Staffroom, place: Place) -> str:
        """What the agent has sent to the customer, by the provider's id of it."""
        entry = await people.send(place, "Hello Mike")
        act = await self.one(work)
        assert (act.kind, act.text, act.entry) == (ActKind.REPLY, "Hello Mike", entry)
        return entry

    # --- what agents do -----------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "text", ["he has asked three times", "Reply to him: no", "send to customer: no", "@customer no", "Re: no", TEXT]
    )
    async def test_what_is_written_in_a_thread_is_a_note(self, work: AtWork, people: Staffroom, text: str) -> None:
        place = await self.opened(work, people)
        entry = await people.write(place, text)
        act = await self.one(work)
        assert (act.kind, act.text, act.entry) == (ActKind.NOTE, text, entry)
        assert act.by.id == people.agent.id
        assert work.inbox.offers == [], "a member of staff was taken for a customer"

    @pytest.mark.parametrize(("kind", "text", "value"), ACTS, ids=[kind for kind, _, _ in ACTS])
    async def test_what_agents_do_is_handed_in(
        self, work: AtWork, people: Staffroom, kind: ActKind, text: str, value: str
    ) -> None:
        self.need_act(people, kind)
        over = replace(card_of().stretch, state=StretchState.RESOLVED)
        place = await self.opened(work, people, replace(card_of(), stretch=over) if kind is ActKind.REOPEN else None)
        await people.act(place, kind, text=text, value=value)
        [(at, act)] = await work.bureau.done()
        assert at == place
        assert (act.kind, act.text, act.value) == (kind, text, value)
        assert act.by.id == people.agent.id
        assert act.by.name
        assert act.at.tzinfo is not None
        assert work.inbox.offers == []

    async def test_a_matter_is_given_to_a_colleague(self, work: AtWork, people: Staffroom) -> None:
        self.need_act(people, ActKind.ASSIGN)
        place = await self.opened(work, people)
        await people.act(place, ActKind.ASSIGN, value=people.colleague.id)
        act = await self.one(work)
        assert (act.kind, act.value, act.text) == (ActKind.ASSIGN, people.colleague.id, people.colleague.name)

    async def test_a_matter_is_put_off_until_a_time(self, work: AtWork, people: Staffroom) -> None:
        self.need_act(people, ActKind.SNOOZE)
        place = await self.opened(work, people)
        until = (datetime.now(UTC) + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
        await people.act(place, ActKind.SNOOZE, value=until.isoformat())
        act = await self.one(work)
        assert act.kind is ActKind.SNOOZE
        assert datetime.fromisoformat(act.value) == until

    async def test_what_failed_is_sent_again(self, work: AtWork, people: Staffroom) -> None:
        self.need_act(people, ActKind.RETRY)
        place = await self.opened(work, people)
        entry = await self.replied(work, people, place)
        await work.desk.mark(place, entry, DeliveryState.REFUSED, "blocked by them")
        await people.act(place, ActKind.RETRY, value=entry)
        act = (await work.bureau.done(2))[-1][1]
        assert (act.kind, act.entry) == (ActKind.RETRY, entry)

    async def test_a_file_goes_along_whole(self, work: AtWork, people: Staffroom) -> None:
        self.need(people, DeskAbility.FILES)
        place = await self.opened(work, people)
        content = b"%PDF-1.4\n" + bytes(range(256))
        await people.act(place, ActKind.REPLY, text="as promised", files=[("plan.pdf", "application/pdf", content)])
        act = await self.one(work)
        assert len(act.files) == 1
        file = act.files[0]
        assert (file.name, file.media_type) == ("plan.pdf", "application/pdf")
        if file.content is not None:
            assert file.content == content
        else:
            assert b"".join([chunk async for chunk in work.channel.fetch(file)]) == content

    async def test_two_acts_are_two(self, work: AtWork, people: Staffroom) -> None:
        place = await self.opened(work, people)
        await people.write(place, "again")
        await work.bureau.done(1)
        await people.write(place, "again")
        (_, first), (_, second) = await work.bureau.done(2)
        assert first.id != second.id

    async def test_what_comes_again_is_the_same_act(self, work: AtWork, people: Staffroom) -> None:
        self.need(people, DeskAbility.REDELIVER)
        place = await self.opened(work, people)
        await people.write(place, "only once")
        await work.bureau.offered(1)
        await people.redeliver()
        (_, first), (_, again) = await work.bureau.offered(2)
        assert first.id == again.id

    async def test_no_act_is_acknowledged_that_was_not_taken_in(self, work: AtWork, people: Staffroom) -> None:
        self.need(people, DeskAbility.RETRY)
        place = await self.opened(work, people)
        await people.write(place, "what was before is over")
        await work.bureau.done(1)
        before = await self._settled(people)
        work.bureau.refusing = True
        writing = asyncio.ensure_future(people.write(place, "keep me"))
        await work.bureau.offered(3)  # it has come again: the first try was not acknowledged
        assert people.acknowledged() == before
        work.bureau.refusing = False
        [_, (_, act)] = await work.bureau.done(2)
        await asyncio.wait_for(writing, PROMPTLY)
        assert act.text == "keep me"

    async def _settled(self, people: Staffroom) -> int:
        """How much was acknowledged, once no more is on its way."""
        count = -1
        while count != (count := people.acknowledged()):  # noqa: ASYNC110 - no event tells that nothing comes
            await asyncio.sleep(0.1)
        return count

    async def test_edits_and_deletions_are_written_down_alone(self, work: AtWork, people: Staffroom) -> None:
        self.need(people, DeskAbility.EDIT)
        place = await self.opened(work, people)
        entry = await people.send(place, "first words")
        await work.bureau.done(1)
        await people.edit(place, entry, "other words")
        await work.bureau.done(2)
        await people.delete(place, entry)
        done = await work.bureau.done(3)
        assert [act.kind for _, act in done] == [ActKind.REPLY, ActKind.EDITED, ActKind.DELETED]
        assert [act.entry for _, act in done] == [entry] * 3
        assert "other words" in done[1][1].text

    # --- who may act --------------------------------------------------------------------------------------

    async def test_what_others_write_in_a_thread_is_no_agents_note(self, work: AtWork, people: Staffroom) -> None:
        place = await self.opened(work, people)
        await people.intrude(place, ActKind.NOTE, "let me in")
        await people.write(place, "who is this?")
        acts = await work.bureau.done(1)
        while acts[-1][1].kind is not ActKind.NOTE:
            acts = await work.bureau.done(len(acts) + 1)
        assert [act.text for _, act in acts if act.kind is not ActKind.REFUSED] == ["who is this?"]
        assert work.inbox.offers == []

    @pytest.mark.parametrize("kind", [ActKind.REPLY, ActKind.TAKE])
    async def test_who_is_no_agent_is_refused_and_told(self, work: AtWork, people: Staffroom, kind: ActKind) -> None:
        place = await self.opened(work, people)
        await people.intrude(place, kind, "let me in")
        await work.bureau.offered(1)
        assert await people.intruder_told()
        assert {act.kind for _, act in work.bureau.offers} == {ActKind.REFUSED}
        assert all(act.value for _, act in work.bureau.offers), "nothing tells why"
        assert work.inbox.offers == []

    async def test_where_no_matter_is_nothing_happens(self, work: AtWork, people: Staffroom) -> None:
        nowhere = await work.desk.open(people.room, card_of(1))
        place = await self.opened(work, people, card_of(2))
        await people.write(nowhere, "is anybody there?")
        await people.write(place, "hello")
        act = await self.one(work)
        assert act.text == "hello"
        assert work.inbox.offers == []

    async def test_a_timeline_is_shown_to_who_asks(self, work: AtWork, people: Staffroom) -> None:
        self.need(people, DeskAbility.TIMELINE)
        place = await self.opened(work, people)
        lines = [CardLine(at=NOON, by="", text=text, channel="sms") for text in ("<!channel> hello", "are you there?")]
        work.bureau.pages = (Page(lines, 0, earlier=True),)
        shown = await people.timeline(place)
        assert "<!channel> hello" in shown
        assert "are you there?" in shown

    # --- trouble ------------------------------------------------------------------------------------------

    async def test_a_throttled_call_is_tried_later(self, work: AtWork, people: Staffroom) -> None:
        self.need(people, DeskAbility.THROTTLE)
        place = await self.opened(work, people)
        await people.throttle(7)
        with pytest.raises(TryLater) as later:
            await work.desk.show(place, entry_of(1, "too fast"))
        assert later.value.after == pytest.approx(7)
        await work.desk.show(place, entry_of(1, "too fast"))
        self.line(people, "too fast")

    async def test_a_line_whose_answer_is_lost_is_unsure(self, work: AtWork, people: Staffroom) -> None:
        self.need(people, DeskAbility.CUT_OFF)
        place = await self.opened(work, people)
        await people.cut_off()
        with pytest.raises(Unsure):
            await work.desk.show(place, entry_of(1, "told a single time"))
        self.line(people, "told a single time")

    async def test_a_closed_room_refuses(self, work: AtWork, people: Staffroom) -> None:
        self.need(people, DeskAbility.CLOSE)
        place = await self.opened(work, people)
        await people.close()
        with pytest.raises(Refused):
            await work.desk.show(place, entry_of(1, "hello"))
        with pytest.raises(Refused):
            await work.desk.open(people.room, card_of(2))
        with pytest.raises(
            Refused
        ):  # by which the core tells a room that takes nothing from a line that it does not take
            await work.desk.refresh(place, replace(card_of(), concern="another one"))
