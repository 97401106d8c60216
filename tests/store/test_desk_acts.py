"""What agents do, on its way through a customer's lane, on a real PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from omnibot.model import (
    ActKind,
    Agent,
    Attachment,
    Attempt,
    CaseChange,
    CaseSide,
    CaseState,
    DeliveryState,
    Done,
    Entry,
    EntryKind,
    File,
    Notice,
    Stretch,
    StretchState,
)
from omnibot.model import Result as Tried
from omnibot.store import Store
from omnibot.store.desk import Mark
from omnibot.store.work import Kind, Purpose, Unreadable, Work
from tests.store.desks import (
    ANA,
    BEN,
    MIKE,
    NOON,
    SARAH,
    SARAH_MAIL,
    about,
    act,
    answered,
    attended,
    claimed,
    done,
    hand_off,
    opened,
    replies,
    reply,
    shown,
    taken,
    texts,
    told,
    write,
)
from tests.store.sending import quota
from tests.store.statements import execute, rows
from tests.store.test_message_path import arrived, dispatch, message, result

TAKE = ActKind.TAKE


def takes(stretch: Stretch, by: Agent = ANA) -> Stretch:
    """It is theirs."""
    return replace(stretch, state=StretchState.TAKEN, owner=by)


def ends(stretch: Stretch, state: StretchState = StretchState.RESOLVED) -> Stretch:
    """It is over."""
    return replace(stretch, state=state, ended_at=NOON, outcome="refunded: it worked")


async def sides(store: Store, dsn: str) -> list[CaseSide]:
    """The cases of Sarah as a turn of hers sees them."""
    await write(store.path, "hm")
    [work] = await claimed(store.path)
    await store.path.commit([answered(work)])
    return list(work.cases)


class TestIn:
    """An act comes into the lane of whom its stretch is about, once."""

    async def test_the_turn_has_the_act_its_stretch_and_the_others(self, store: Store) -> None:
        stretch = await hand_off(store, case=about())
        other = await hand_off(store, case=about(intent="invoice"))
        files = (Attachment(name="a.pdf", media_type="application/pdf", size=3, ref="kept:00"),)
        one = act(ActKind.REPLY, text="Hello", value="x", entry="ts1", files=files)
        work = await taken(store, stretch, one)
        [item] = work.items
        assert (item.kind, item.stretch, item.act) == (Kind.ACT, stretch.id, one)
        assert work.stretches == (stretch, other)
        assert work.sent == ()

    async def test_the_same_delivery_is_one_act(self, store: Store) -> None:
        stretch = await hand_off(store)
        one = told(stretch, act(TAKE, id="E1"))
        assert await store.path.accept([one, one]) == [True, False]
        assert await store.path.accept([one]) == [False]
        assert await store.path.accept([replace(one, account="other")]) == [True]
        [work] = await claimed(store.path)
        assert len(work.items) == 2

    async def test_what_somebody_wrote_by_the_same_id_is_another_thing(self, store: Store) -> None:
        stretch = await hand_off(store)
        assert await store.path.accept([replace(arrived(message("E1")), channel="slack")]) == [True]
        assert await store.path.accept([told(stretch, act(TAKE, id="E1"))]) == [True]

    async def test_it_says_nothing_of_the_address(self, store: Store) -> None:
        """The customer has not written: how they are answered and what is proven stays."""
        await write(store.path, "hello", context={"chat": "-100"})
        stretch = await hand_off(store)
        [before] = (await attended(store, stretch.id)).addresses
        await store.path.accept([told(stretch, act(TAKE))])
        [after] = (await attended(store, stretch.id)).addresses
        assert after == before

    async def test_it_goes_where_the_address_is_now(self, store: Store) -> None:
        """A merge and a split move what waits in the lane with its address."""
        await write(store.path, "hello", MIKE)
        [work] = await claimed(store.path)
        await store.path.commit([answered(work)])
        stretch = await hand_off(store)
        await store.path.accept([told(stretch, act(TAKE))])
        ruling = await store.identity.merge(MIKE, SARAH, rule="staff", by="ann", reason="a test")
        [work] = await claimed(store.path)
        assert work.lease.customer == ruling.customer
        assert [item.stretch for item in work.items] == [stretch.id]
        assert work.stretches == (stretch,)
        assert ruling.merge is not None
        await store.identity.split(ruling.merge, by="ann", reason="a test")
        assert await store.path.commit([done(work, Done(stretch=stretch.id, act=act(TAKE)))]) == {}
        [work] = await claimed(store.path)
        assert [address.address for address in work.addresses] == [SARAH]
        assert work.stretches == (stretch,)

    async def test_who_has_none_is_loaded_as_ever(self, store: Store) -> None:
        await hand_off(store)
        await write(store.path, "hm")
        await write(store.path, "hello", MIKE)
        assert [work.stretches for work in await claimed(store.path)] == [(), ()]

    async def test_what_only_a_newer_version_knows_is_left_to_it(self, store: Store, dsn: str) -> None:
        stretch = await hand_off(store)
        await store.path.accept([told(stretch, act(TAKE))])
        await execute(dsn, "UPDATE stretches SET state = 'pondered'")
        [work] = await store.path.load(await store.path.claim(10, 30))
        assert isinstance(work, Unreadable)
        assert len(work.items) == 1


class TestDone:
    """What a turn of acts writes."""

    @pytest.fixture
    async def stretch(self, store: Store) -> Stretch:
        stretch = await hand_off(store, case=about(concern="the money"))
        await opened(store, stretch)
        await store.desk.mirror(100)
        await shown(store)
        return stretch

    async def test_the_stretch_is_as_it_says(self, store: Store, stretch: Stretch) -> None:
        one = act(TAKE)
        work = await taken(store, stretch, one)
        after = replace(takes(stretch), priority="urgent", team="billing", snoozed_until=NOON)
        assert await store.path.commit([done(work, Done(stretch=stretch.id, act=one, after=after))])
        assert (await attended(store, stretch.id)).stretch == after
        assert [found.stretch for found in await store.desk.queue(owner=ANA.id)] == [after]
        assert await store.desk.queue(owner=BEN.id) == []

    async def test_of_several_in_one_turn_the_last_counts_and_all_are_written_down(
        self, store: Store, stretch: Stretch
    ) -> None:
        first, second, third = act(TAKE), act(TAKE, BEN, text="me, too"), act(ActKind.NOTE, BEN, text="hm", value="v")
        await store.path.accept([told(stretch, one) for one in (first, second, third)])
        [work] = await claimed(store.path)
        assert [item.act for item in work.items] == [first, second, third]
        await store.path.commit(
            [
                done(
                    work,
                    Done(stretch=stretch.id, act=first, after=takes(stretch), notices=(Notice("Ana has it"),)),
                    Done(
                        stretch=stretch.id,
                        act=second,
                        refused="Ana has it",
                        notices=(Notice("Ana has it already", to=BEN.id, entry="ts1"),),
                    ),
                    Done(stretch=stretch.id, act=third),
                )
            ]
        )
        assert (await attended(store, stretch.id)).stretch.owner == ANA
        records = await store.desk.acts(stretch.id)
        assert [(r.by, r.kind, r.outcome, r.text, r.value, r.refused) for r in records] == [
            (ANA, TAKE, "done", "", "", ""),
            (BEN, TAKE, "refused", "me, too", "", "Ana has it"),
            (BEN, ActKind.NOTE, "noted", "hm", "v", ""),
        ]
        lines = [line.what for line in await shown(store)]
        assert [(w.kind, w.text, w.to, w.about) for w in lines if isinstance(w, Entry)] == [
            (EntryKind.NOTICE, "Ana has it", "", ""),
            (EntryKind.NOTICE, "Ana has it already", BEN.id, "ts1"),
        ]

    async def test_a_lost_lease_drops_it_and_it_is_taken_again(self, store: Store, stretch: Stretch) -> None:
        one = act(ActKind.REPLY, text="Hello")
        await store.path.accept([told(stretch, one)])
        [slow] = await store.path.load(await store.path.claim(10, lease=-1))
        assert isinstance(slow, Work)
        [work] = await claimed(store.path)
        told_twice = Done(
            stretch=stretch.id, act=one, after=takes(stretch), replies=(reply(work.addresses[0], "Hello"),),
            notices=(Notice("sent"),), case=about(CaseState.WAITING, id=stretch.matter),
        )  # fmt: skip
        assert await store.path.commit([done(slow, told_twice)]) == {}
        assert await store.desk.acts(stretch.id) == []
        assert (await attended(store, stretch.id)).stretch == stretch
        assert await store.path.commit([done(work, told_twice)])
        assert len(await store.desk.acts(stretch.id)) == 1
        assert texts(await shown(store)) == ["Hello", "sent"]

    async def test_the_end_settles_what_was_promised_and_a_reopening_takes_it_back(
        self, store: Store, stretch: Stretch
    ) -> None:
        one = act(ActKind.RESOLVE)
        work = await taken(store, stretch, one)
        await store.path.commit([done(work, Done(stretch=stretch.id, act=one, after=ends(stretch)))])
        over = (await attended(store, stretch.id)).stretch
        assert (over.state, over.outcome) == (StretchState.RESOLVED, "refunded: it worked")
        assert over.ended_at is not None
        assert await store.records.handoffs() == []
        assert await store.desk.open_stretches(10) == []
        one = act(ActKind.REOPEN)
        work = await taken(store, stretch, one)
        assert work.stretches == (over,)
        again = replace(over, state=StretchState.WAITING, ended_at=None, outcome="")
        await store.path.commit([done(work, Done(stretch=stretch.id, act=one, after=again))])
        assert (await attended(store, stretch.id)).stretch == again
        assert [handoff.reason for handoff in await store.records.handoffs()] == [stretch.why]
        assert await store.desk.adopt(10) == []

    async def test_what_ended_is_not_gone_on_with(self, store: Store, stretch: Stretch) -> None:
        one = act(ActKind.HAND_BACK)
        work = await taken(store, stretch, one)
        after = ends(stretch, StretchState.RETURNED)
        await store.path.commit([done(work, Done(stretch=stretch.id, act=one, after=after))])
        again = await hand_off(store, case=about(id=stretch.matter))
        assert again.id != stretch.id

    async def test_what_was_said_before_the_end_is_shown_and_what_is_said_after_is_not(
        self, store: Store, stretch: Stretch
    ) -> None:
        await write(store.path, "thank you")
        [work] = await claimed(store.path)
        await store.path.commit([answered(work)])
        one = act(ActKind.RESOLVE)
        work = await taken(store, stretch, one)
        await store.path.commit([done(work, Done(stretch=stretch.id, act=one, after=ends(stretch)))])
        await write(store.path, "something else")
        await store.desk.mirror(100)
        assert texts(await shown(store)) == ["thank you"]

    async def test_a_stretch_of_somebody_else_is_not_touched(self, store: Store, stretch: Stretch) -> None:
        mikes = await hand_off(store, sender=MIKE)
        one = act(TAKE)
        work = await taken(store, mikes, one, MIKE)
        stray = Done(
            stretch=stretch.id, act=one, after=takes(stretch), notices=(Notice("x"),),
            replies=(reply(work.addresses[0], "x"),),
        )  # fmt: skip
        await store.path.commit([done(work, stray)])
        assert (await attended(store, stretch.id)).stretch == stretch
        assert await store.desk.acts(stretch.id) == []
        assert texts(await shown(store)) == []

    async def test_a_priority_that_was_raised_meanwhile_stays(self, store: Store, stretch: Stretch, dsn: str) -> None:
        one = act(TAKE)
        work = await taken(store, stretch, one)
        await execute(dsn, "UPDATE stretches SET priority = 'urgent'")  # another hand-off of it was adopted
        await store.path.commit([done(work, Done(stretch=stretch.id, act=one, after=takes(stretch)))])
        after = (await attended(store, stretch.id)).stretch
        assert (after.owner, after.priority) == (ANA, "urgent")


class TestReplies:
    """Words of people, to the customer."""

    @pytest.fixture
    async def stretch(self, store: Store) -> Stretch:
        stretch = await hand_off(store, case=about())
        await opened(store, stretch)
        await store.desk.mirror(100)
        await shown(store)
        [promise] = await dispatch(store)
        await store.path.finish([result(promise, provider_id="p0")])
        return stretch

    async def test_they_leave_for_people_and_the_timeline_knows_who_wrote(self, store: Store, stretch: Stretch) -> None:
        await replies(store, stretch, "Hello, I am Ana", entry="ts1")
        entry, *_ = await store.records.outbox()
        assert entry.purpose == Purpose.AGENT
        one = await attended(store, stretch.id)
        last = (await store.records.timeline(one.customer))[-1]
        assert (last.text, last.by, last.state) == ("Hello, I am Ana", "Ana", DeliveryState.QUEUED)
        assert one.stretch.answered_at is not None
        answered_at = one.stretch.answered_at
        await replies(store, stretch, "Still there?", entry="ts2")
        assert (await attended(store, stretch.id)).stretch.answered_at == answered_at

    async def test_what_stands_in_the_thread_is_not_shown_again(self, store: Store, stretch: Stretch) -> None:
        await replies(store, stretch, "from the thread", entry="ts1")
        await replies(store, stretch, "from a form", by=BEN)
        await store.desk.mirror(100)
        [line] = await shown(store)
        assert isinstance(line.what, Entry)
        assert (line.what.kind, line.what.text, line.what.name) == (EntryKind.SAID, "from a form", "Ben")

    async def test_another_thread_of_the_customer_shows_it(self, store: Store, stretch: Stretch) -> None:
        other = await hand_off(store, case=about(intent="invoice"))
        await opened(store, other, "2")
        await store.desk.mirror(100)
        await shown(store)
        await replies_of_two(store, stretch, "from the thread")
        await store.desk.mirror(100)
        [line] = await shown(store)
        assert isinstance(line.what, Entry)
        assert (line.stretch, line.what.text, line.what.name) == (other.id, "from the thread", "Ana")

    async def test_how_far_they_come_is_marked(self, store: Store, stretch: Stretch) -> None:
        await replies(store, stretch, "Hello", entry="ts1")
        await store.desk.mirror(100)
        assert await shown(store) == []
        [sent] = await sending(store)
        await store.desk.mirror(100)
        assert await shown(store) == []  # under way is where it was
        await store.path.finish([result(sent, provider_id="p1")])
        assert await store.desk.mirror(100) == 1
        assert await store.desk.mirror(100) == 0
        [line] = await shown(store)
        assert line.what == Mark("ts1", sent.outbound.id, DeliveryState.SENT)

    async def test_a_mark_that_was_overtaken_tells_the_latest(self, store: Store, stretch: Stretch, dsn: str) -> None:
        await replies(store, stretch, "Hello", entry="ts1")
        [sent] = await sending(store)
        await store.path.finish([result(sent, provider_id="p1")])
        await store.desk.mirror(100)
        await came_to(dsn, "delivered")
        await store.desk.mirror(100)
        [card] = await store.desk.due(10, 30)
        await store.desk.shown(card)
        [line] = await store.desk.due(10, 30)
        assert isinstance(line.what, Mark)
        assert line.what.state is DeliveryState.DELIVERED
        await came_to(dsn, "read")
        await store.desk.mirror(100)  # while it is being shown
        await store.desk.shown(line)
        [line] = await shown(store)
        assert isinstance(line.what, Mark)
        assert line.what.state is DeliveryState.READ
        assert await store.desk.mirror(100) == 0

    async def test_what_failed_is_marked_with_the_reason_and_sent_again(self, store: Store, stretch: Stretch) -> None:
        await replies(store, stretch, "Hello", entry="ts1")
        [sent] = await sending(store)
        await store.path.finish([result(sent, DeliveryState.REFUSED, reason="too long")])
        await store.desk.mirror(100)
        [line] = await shown(store)
        assert line.what == Mark("ts1", sent.outbound.id, DeliveryState.REFUSED, "too long")
        assert await store.desk.message_of(stretch.id, "ts1") == sent.outbound.id
        assert await store.desk.message_of(stretch.id, "ts2") is None
        one = act(ActKind.RETRY, entry="ts1")
        work = await taken(store, stretch, one)
        [brought] = work.sent
        assert (brought.entry, brought.message, brought.state, brought.reason) == (
            "ts1", sent.outbound.id, DeliveryState.REFUSED, "too long",
        )  # fmt: skip
        again = Done(stretch=stretch.id, act=one, retries=brought.message)
        await store.path.commit([done(work, again)])
        await store.desk.mirror(100)
        [line] = await shown(store)
        assert line.what == Mark("ts1", sent.outbound.id, DeliveryState.QUEUED)
        [sent] = await sending(store)
        assert sent.outbound.attempts == 1
        await store.path.finish([result(sent, provider_id="p1")])
        await store.desk.mirror(100)
        [line] = await shown(store)
        assert line.what == Mark("ts1", sent.outbound.id, DeliveryState.SENT)

    async def test_what_was_sent_is_not_sent_again(self, store: Store, stretch: Stretch) -> None:
        await replies(store, stretch, "Hello", entry="ts1")
        [sent] = await sending(store)
        await store.path.finish([result(sent, provider_id="p1")])
        one = act(ActKind.RETRY, entry="ts1")
        work = await taken(store, stretch, one)
        await store.path.commit([done(work, Done(stretch=stretch.id, act=one, retries=sent.outbound.id))])
        assert await sending(store) == []

    async def test_what_nobody_of_this_thread_wrote_is_not_sent_again(self, store: Store, dsn: str) -> None:
        stretch = await hand_off(store)
        await execute(dsn, "UPDATE outbox SET state = 'refused'")
        [promise] = await store.records.outbox()
        one = act(ActKind.RETRY)
        work = await taken(store, stretch, one)
        await store.path.commit([done(work, Done(stretch=stretch.id, act=one, retries=promise.id))])
        assert await sending(store) == []

    async def test_several_messages_of_one_line_are_marked_as_one(
        self, store: Store, stretch: Stretch, dsn: str
    ) -> None:
        one = act(ActKind.REPLY, text="a and b", entry="ts1")
        work = await taken(store, stretch, one)
        [current] = work.stretches
        to = work.addresses[0]
        both = Done(stretch=stretch.id, act=one, after=current, replies=(reply(to, "a"), reply(to, "b")))
        await store.path.commit([done(work, both)])
        [first] = await sending(store)
        await store.path.finish([result(first, provider_id="p1")])
        await store.desk.mirror(100)
        assert await shown(store) == []  # the second is not there yet
        [second] = await sending(store)
        await store.path.finish([result(second, DeliveryState.REFUSED, reason="too long")])
        await store.desk.mirror(100)
        [line] = await shown(store)
        assert line.what == Mark("ts1", second.outbound.id, DeliveryState.REFUSED, "too long")
        assert await store.desk.message_of(stretch.id, "ts1") == second.outbound.id
        work = await taken(store, stretch, act(ActKind.RETRY, entry="ts1"))
        assert [(brought.message, brought.state) for brought in work.sent] == [
            (first.outbound.id, DeliveryState.SENT),
            (second.outbound.id, DeliveryState.REFUSED),
        ]

    async def test_several_messages_from_a_form_are_lines_of_their_own(self, store: Store, stretch: Stretch) -> None:
        one = act(ActKind.REPLY, text="a and b")
        work = await taken(store, stretch, one)
        to = work.addresses[0]
        both = Done(stretch=stretch.id, act=one, replies=(reply(to, "a"), reply(to, "b")))
        await store.path.commit([done(work, both)])
        lines = await shown(store)
        assert texts(lines) == ["a", "b"]
        [first] = await sending(store)
        await store.path.finish([result(first, provider_id="p1")])
        await store.desk.mirror(100)
        [mark] = await shown(store)
        assert mark.what == Mark(f"ts{lines[0].id}", first.outbound.id, DeliveryState.SENT)

    async def test_files_go_along_and_nobody_sweeps_them_away(self, store: Store, stretch: Stretch) -> None:
        one = act(ActKind.REPLY, text="see here")
        work = await taken(store, stretch, one)
        kept = File("a.pdf", "application/pdf", 3, "kept:00/aa")
        beside = File("b.pdf", "application/pdf", 3, "knowledge:b.pdf")
        draft = reply(work.addresses[0], "see here", kept, beside)
        await store.path.commit([done(work, Done(stretch=stretch.id, act=one, replies=(draft,)))])
        assert await store.attachments.unreferenced(["00/aa", "00/bb"]) == {"00/bb"}
        [line] = await shown(store)
        assert isinstance(line.what, Entry)
        assert line.what.files == (kept,)
        [sent] = await sending(store)
        assert sent.outbound.parts[1:] == (kept, beside)

    async def test_the_bots_own_words_are_not_those_of_people(self, store: Store, stretch: Stretch) -> None:
        """An idle rule hands back, and tells the customer."""
        itself = act(ActKind.HAND_BACK, Agent("omnibot", "Omnibot"), value="idle")
        work = await taken(store, stretch, itself)
        back = Done(
            stretch=stretch.id, act=itself, after=ends(stretch, StretchState.RETURNED),
            replies=(reply(work.addresses[0], "I am back"),),
        )  # fmt: skip
        await store.path.commit([done(work, back)])
        await store.desk.mirror(100)
        one = await attended(store, stretch.id)
        assert one.stretch.answered_at is None
        last = (await store.records.timeline(one.customer))[-1]
        assert (last.text, last.by) == ("I am back", "")
        assert (await store.records.outbox())[0].purpose == Purpose.REPLY
        assert texts(await shown(store)) == ["I am back"]

    async def test_it_goes_where_they_last_wrote_there(self, store: Store, stretch: Stretch) -> None:
        """In its thread, its group, by its subject: whoever answers has seen what they answer."""
        await write(store.path, "in the group", context={"chat": "-100"})
        work = await taken(store, stretch, act(ActKind.REPLY))
        one = Done(stretch=stretch.id, act=act(ActKind.REPLY), replies=(reply(work.addresses[0], "Hello"),))
        await store.path.commit([replace(answered(work), done=(one,))])
        [sent] = await sending(store)
        assert sent.outbound.context == {"chat": "-100"}


class TestGate:
    """What holds for people's messages, and what does not."""

    async def test_no_cap_of_automatic_replies_holds_for_people(self, store: Store) -> None:
        stretch = await hand_off(store)
        for number in range(4):
            await replies(store, stretch, str(number), entry=f"ts{number}")
            sent = await dispatch(store, quota(replies=1))
            assert len(sent) == 1
            await store.path.finish([result(one, provider_id=f"p{number}") for one in sent])

    async def test_what_people_write_uses_up_nothing_of_it(self, store: Store) -> None:
        stretch = await hand_off(store)
        [promise] = await dispatch(store)
        await store.path.finish([result(promise, provider_id="p")])
        for number in range(3):
            await replies(store, stretch, str(number), entry=f"ts{number}")
            [sent] = await dispatch(store)
            await store.path.finish([result(sent, provider_id=f"p{number}")])
        await write(store.path, "hm")
        [work] = await claimed(store.path)
        await store.path.commit([answered(work, "the bot's second")])
        assert len(await dispatch(store, quota(replies=2))) == 1

    async def test_a_stop_holds_for_people_too(self, store: Store) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        await store.desk.mirror(100)
        await shown(store)
        await replies(store, stretch, "queued", entry="ts1")
        await store.path.accept([arrived(message("stop", "STOP"), stop=True)])
        await replies_with_messages(store, stretch, "after", entry="ts2")
        assert await dispatch(store) == []
        await store.desk.mirror(100)
        marks = [line.what for line in await shown(store) if isinstance(line.what, Mark)]
        assert [(mark.entry, mark.state, mark.reason) for mark in marks] == [
            ("ts1", DeliveryState.SUPPRESSED, "stopped"),
            ("ts2", DeliveryState.SUPPRESSED, "stopped"),
        ]


class TestMatter:
    """What follows for the case."""

    @pytest.fixture
    async def stretch(self, store: Store) -> Stretch:
        return await hand_off(store, case=about(concern="the money"))

    async def test_it_is_as_it_says_and_who_answered_is_remembered(
        self, store: Store, stretch: Stretch, dsn: str
    ) -> None:
        one = act(ActKind.RESOLVE)
        work = await taken(store, stretch, one)
        [before] = work.cases
        tried = Attempt(what="a refund", by="Ana", at=NOON, result=Tried.WORKED)
        change = CaseChange(
            id=stretch.matter, intent="refund", state=CaseState.RESOLVED, concern="", attempts=(tried,), why="resolved"
        )
        solves = Done(
            stretch=stretch.id, act=one, after=ends(stretch), case=change, replies=(reply(work.addresses[0], "Bye"),)
        )
        await store.path.commit([done(work, solves)])
        [side] = await sides(store, dsn)
        assert (side.state, side.concern, side.agents, side.attempts) == (CaseState.RESOLVED, "", ("Ana",), (tried,))
        assert side.resolved_at is not None
        assert (side.touched_at, side.contacts) == (before.touched_at, before.contacts)

    async def test_it_is_so_at_all_its_addresses(self, store: Store, stretch: Stretch, dsn: str) -> None:
        await write(store.path, "hello", SARAH_MAIL)
        [work] = await claimed(store.path)
        await store.path.commit([answered(work)])
        await store.identity.merge(SARAH, SARAH_MAIL, rule="staff", by="ann", reason="a test")
        await hand_off(store, sender=SARAH_MAIL, case=about(id=stretch.matter), sides=(stretch.address,))
        for state in (CaseState.RESOLVED, CaseState.REOPENED):
            one = act(ActKind.RESOLVE)
            work = await taken(store, stretch, one)
            change = Done(stretch=stretch.id, act=one, case=about(state, id=stretch.matter))
            await store.path.commit([done(work, change)])
            found = await sides(store, dsn)
            assert len(found) == 2
            assert {side.state for side in found} == {state}
            assert {side.reopened for side in found} == {int(state is CaseState.REOPENED)}
            assert {side.resolved_at is None for side in found} == {state is CaseState.REOPENED}

    async def test_the_team_that_it_is_given_to_is_known_at_all_its_addresses(
        self, store: Store, stretch: Stretch, dsn: str
    ) -> None:
        await write(store.path, "hello", SARAH_MAIL)
        [work] = await claimed(store.path)
        await store.path.commit([answered(work)])
        await store.identity.merge(SARAH, SARAH_MAIL, rule="staff", by="ann", reason="a test")
        await hand_off(store, sender=SARAH_MAIL, case=about(id=stretch.matter), sides=(stretch.address,))
        one = act(ActKind.TEAM, value="senior")
        work = await taken(store, stretch, one)
        given = replace(about(id=stretch.matter), team="senior")
        await store.path.commit([done(work, Done(stretch=stretch.id, act=one, case=given))])
        assert [(side.state, side.team) for side in await sides(store, dsn)] == [(CaseState.HANDED_OFF, "senior")] * 2

    async def test_answers_alone_leave_it_where_it_is(self, store: Store, stretch: Stretch, dsn: str) -> None:
        await replies(store, stretch, "Hello")
        await replies(store, stretch, "Hello?")
        await replies(store, stretch, "Hi", by=BEN)
        [side] = await sides(store, dsn)
        assert (side.state, side.agents) == (CaseState.HANDED_OFF, ("Ana", "Ben"))

    async def test_it_stands_on_what_the_same_turn_made_of_it(self, store: Store, stretch: Stretch, dsn: str) -> None:
        await write(store.path, "and another thing")
        one = act(ActKind.HAND_BACK)
        work = await taken(store, stretch, one)
        own = replace(answered(work), case=about(id=stretch.matter, contact=True, asked=("order",)))
        change = Done(stretch=stretch.id, act=one, case=about(CaseState.OPEN, id=stretch.matter))
        await store.path.commit([replace(own, done=(change,))])
        [side] = await sides(store, dsn)
        assert (side.state, side.contacts, side.asked) == (CaseState.OPEN, 2, ("order",))

    async def test_a_case_that_is_gone_is_opened_for_what_is_said_of_it(
        self, store: Store, stretch: Stretch, dsn: str
    ) -> None:
        await execute(dsn, "DELETE FROM cases")
        one = act(ActKind.HAND_BACK)
        work = await taken(store, stretch, one)
        change = Done(stretch=stretch.id, act=one, case=about(CaseState.OPEN, id=stretch.matter))
        await store.path.commit([done(work, change)])
        [side] = await sides(store, dsn)
        assert (side.id, side.address, side.state) == (stretch.matter, stretch.address, CaseState.OPEN)


class TestReview:
    """Two customers of whom an agent says that they are one."""

    async def test_it_is_accepted_in_their_name(self, store: Store, dsn: str) -> None:
        await write(store.path, "hello", MIKE)
        [work] = await claimed(store.path)
        await store.path.commit([answered(work)])
        stretch = await hand_off(store)
        sarah, mike = [await store.records.customer_of(address) for address in (SARAH, MIKE)]
        assert sarah is not None
        assert mike is not None
        [row] = await rows(
            dsn,
            "INSERT INTO reviews (left_id, right_id, reason, evidence, at) VALUES ($1, $2, 'x', 'phone', now())"
            " RETURNING id",
            sarah,
            mike,
        )
        one = act(ActKind.MERGE, value=str(row["id"]), text="I asked them")
        work = await taken(store, stretch, one)
        await store.path.commit([done(work, Done(stretch=stretch.id, act=one, merges=row["id"]))])
        executed = await store.identity.execute_next()
        assert executed is not None
        assert (executed.act, executed.outcome) == ("review", "merged")
        assert await store.records.customer_of(SARAH) == await store.records.customer_of(MIKE) == min(sarah, mike)
        assert await store.identity.reviews() == []
        [entry, *_] = await store.identity.log(SARAH)
        assert (entry.by, entry.reason) == ("Ana", "I asked them")

    async def test_one_that_somebody_was_quicker_with_is_over(self, store: Store) -> None:
        stretch = await hand_off(store)
        one = act(ActKind.MERGE, value="7")
        work = await taken(store, stretch, one)
        await store.path.commit([done(work, Done(stretch=stretch.id, act=one, merges=7))])
        executed = await store.identity.execute_next()
        assert executed is not None
        assert executed.outcome == "UnknownReview"


async def sending(store: Store) -> list:
    """What leaves now of what people wrote."""
    starting = await dispatch(store)
    agents = {entry.id for entry in await store.records.outbox() if entry.purpose == Purpose.AGENT}
    return [one for one in starting if one.outbound.id in agents]


async def came_to(dsn: str, state: str) -> None:
    """A provider told so of what people wrote."""
    await rows(dsn, "UPDATE outbox SET state = $1, changed_at = now() WHERE purpose = 'agent'", state)


async def replies_of_two(store: Store, stretch: Stretch, text: str) -> None:
    """As `replies`, where the customer has two open stretches."""
    one = act(ActKind.REPLY, text=text, entry="ts1")
    work = await taken(store, stretch, one)
    says = Done(stretch=stretch.id, act=one, replies=(reply(work.addresses[0], text),))
    await store.path.commit([done(work, says)])


async def replies_with_messages(store: Store, stretch: Stretch, text: str, *, entry: str) -> None:
    """As `replies`, where the customer has written, too."""
    one = act(ActKind.REPLY, text=text, entry=entry)
    work = await taken(store, stretch, one)
    says = Done(stretch=stretch.id, act=one, replies=(reply(work.addresses[0], text),))
    await store.path.commit([replace(answered(work), done=(says,))])
