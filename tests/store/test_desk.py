"""From hand-offs to lines of a thread, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from omnibot.contract.desk import Place
from omnibot.model import (
    Address,
    CaseState,
    Direction,
    Entry,
    EntryKind,
    File,
    StretchState,
)
from omnibot.store import Store
from omnibot.store.desk import Adopted, NewEntry, Refresh
from omnibot.store.past import PastMessage
from omnibot.store.work import Revised, StoredFile
from tests.conftest import SECRET
from tests.store.desks import (
    ANA,
    MIKE,
    NOON,
    PROMISE,
    SARAH,
    SARAH_MAIL,
    about,
    answered,
    attended,
    claimed,
    hand_off,
    handed_off,
    opened,
    replies,
    shown,
    shown_with_cards,
    texts,
    write,
)
from tests.store.statements import execute, rows
from tests.store.test_message_path import arrived, message


async def test_a_hand_off_becomes_a_stretch_and_a_thread(store: Store) -> None:
    stretch = await hand_off(store, priority="high")
    assert (stretch.team, stretch.priority, stretch.state) == ("senior", "high", StretchState.WAITING)
    assert stretch.why == "asks for a person"
    [one] = await store.desk.claim_opening(10, 30)
    assert one.stretch == stretch
    assert one.address.address == SARAH
    assert await store.desk.claim_opening(10, 30) == []
    assert await store.desk.mirror(100) == 1
    assert await store.desk.due(10, 30) == []
    place = await opened(store, stretch)
    assert (await store.desk.of_place(place)) == replace(one, place=place)
    assert await store.desk.of_place(replace(place, thread="2")) is None
    [line] = await shown(store)
    assert (line.place, line.stretch) == (place, stretch.id)
    assert isinstance(line.what, Entry)
    assert (line.what.text, line.what.kind, line.what.channel) == (PROMISE, EntryKind.SAID, "telegram")
    assert await store.desk.adopt(10) == []


class TestAdopt:
    """One open stretch a matter, and what is of none goes to the one at its address."""

    async def test_the_same_matter_again_goes_on_and_is_told_again(self, store: Store) -> None:
        first = await hand_off(store, case=about())
        await opened(store, first)
        await shown(store)
        await write(store.path, "still broken, and urgent")
        [work] = await claimed(store.path)
        again = handed_off(work, "is angry", priority="urgent", case=about(id=first.matter))
        await store.path.commit([again])

        def tell(adopted: Adopted) -> list[NewEntry]:
            return [NewEntry(kind=EntryKind.NOTICE, text=f"again: {adopted.reason}")]

        [adopted] = await store.desk.adopt(10, tell)
        assert not adopted.fresh
        assert not adopted.fault
        assert adopted.record["team"] == "senior"
        assert adopted.stretch == replace(first, priority="urgent")
        assert (await attended(store, first.id)).stretch == adopted.stretch
        assert texts(await shown(store)) == ["again: is angry"]

    async def test_another_matter_is_another_stretch(self, store: Store) -> None:
        refund = await hand_off(store, case=about(intent="refund"))
        other = await hand_off(store, case=about(intent="invoice"))
        assert refund.id != other.id
        assert refund.matter != other.matter

    async def test_without_a_matter_one_stretch_an_address(self, store: Store) -> None:
        first = await hand_off(store)
        second = await hand_off(store)
        mike = await hand_off(store, sender=MIKE)
        assert first.id == second.id != mike.id

    async def test_a_matter_that_becomes_known_is_that_of_the_open_stretch(self, store: Store) -> None:
        first = await hand_off(store)
        second = await hand_off(store, case=about())
        assert second.id == first.id
        assert (await attended(store, first.id)).stretch.matter == second.matter is not None

    async def test_a_matter_of_another_team_is_a_stretch_of_its_own(self, store: Store) -> None:
        first = await hand_off(store)
        second = await hand_off(store, case=about(), team="billing")
        assert second.id != first.id
        assert (await attended(store, first.id)).stretch.matter is None

    async def test_a_fault_goes_to_the_stretch_of_its_address(self, store: Store) -> None:
        await write(store.path, "hello")
        [work] = await claimed(store.path)
        await store.path.retry(work.lease, [work.items[0].id], after=0, attempts=1, reason="it failed")
        [fault] = await store.desk.adopt(10)
        assert (fault.fault, fault.fresh, fault.record) == (True, True, {})
        assert fault.reason == "parked, it failed"
        assert (fault.stretch.team, fault.stretch.priority, fault.stretch.matter) == ("support", "normal", None)
        await hand_off(store, case=about(), team="support")
        [one] = await store.desk.open_stretches(10)
        assert one.stretch.matter is not None

    async def test_what_people_have_taken_care_of_is_not_adopted(self, store: Store) -> None:
        await write(store.path, "a person!")
        [work] = await claimed(store.path)
        await store.path.commit([handed_off(work)])
        [handoff] = await store.records.handoffs()
        await store.records.resolve(handoff.id)
        assert await store.desk.adopt(10) == []

    async def test_what_people_have_taken_care_of_is_not_theirs_any_more(self, store: Store) -> None:
        """Else the bot, silent about what people have, would be silent for ever."""
        await write(store.path, "a person!")
        [work] = await claimed(store.path)
        await store.path.commit([handed_off(work, case=about())])
        [handoff] = await store.records.handoffs()
        assert await store.records.resolve(handoff.id)
        assert not await store.records.resolve(handoff.id)
        [side] = await store.profiles.sides([work.addresses[0].id])
        assert side.state is CaseState.RESOLVED

    async def test_who_has_waited_longer_than_the_desk_is_there_is_heard_when_they_write(
        self, store: Store, dsn: str
    ) -> None:
        for sender in (SARAH, MIKE):
            await write(store.path, "a person!", sender)
        await store.path.commit([handed_off(work) for work in await claimed(store.path)])
        await execute(dsn, "UPDATE handoffs SET at = now() - interval '30 d'")
        await execute(dsn, "UPDATE messages SET received_at = now() - interval '30 d'")
        assert (await store.desk.revive(), await store.desk.adopt(10)) == (0, [])
        await write(store.path, "and?")
        await store.path.commit([answered(work) for work in await claimed(store.path)])
        assert await store.desk.revive() == 1
        [adopted] = await store.desk.adopt(10)
        await opened(store, adopted.stretch)
        await store.desk.mirror(10)
        assert texts(await shown(store)) == ["and?"]
        assert [one.address.address for one in await store.desk.open_stretches(10)] == [SARAH]

    async def test_what_this_version_cannot_read_of_a_turn_keeps_nobody_from_their_people(
        self, store: Store, dsn: str
    ) -> None:
        await write(store.path, "a person!")
        [work] = await claimed(store.path)
        await store.path.commit([handed_off(work)])
        await execute(dsn, "UPDATE turns SET record_sealed = '\\x00ff'")
        [adopted] = await store.desk.adopt(10)
        assert (adopted.fresh, adopted.stretch.team, adopted.record) == (True, "support", {})

    async def test_a_matter_told_at_two_addresses_is_one_stretch_and_stays_with_its_address(self, store: Store) -> None:
        await write(store.path, "hello", SARAH_MAIL)
        [work] = await claimed(store.path)
        await store.path.commit([answered(work)])
        first = await hand_off(store, case=about())
        ruling = await store.identity.merge(SARAH, SARAH_MAIL, rule="staff", by="ann", reason="a test")
        second = await hand_off(store, sender=SARAH_MAIL, case=about(id=first.matter), sides=(first.address,))
        assert second.id == first.id
        assert ruling.merge is not None
        await store.identity.split(ruling.merge, by="ann", reason="a test")
        third = await hand_off(store, sender=SARAH_MAIL, case=about(id=first.matter))
        assert third.id != first.id  # it is somebody else now
        assert (await attended(store, first.id)).customer != (await attended(store, third.id)).customer

    async def test_several_processes_adopt_each_once(self, store: Store, dsn: str) -> None:
        for number in range(12):
            await write(store.path, "a person!", Address("telegram", str(number % 4)))
            [work] = await claimed(store.path)
            await store.path.commit([handed_off(work)])
        async with Store.open(dsn, SECRET) as other:
            found = await asyncio.gather(*(one.desk.adopt(2) for one in (store, other) for _ in range(6)))
        found.append(await store.desk.adopt(100))
        assert sum(map(len, found)) == 12
        assert len(await store.desk.open_stretches(100)) == 4

    async def test_who_is_erased_keeps_nobody_waiting(self, store: Store, dsn: str) -> None:
        stretch = await hand_off(store)
        await execute(dsn, "DELETE FROM links")
        assert await store.desk.attended([stretch.id]) == []
        await execute(dsn, "DELETE FROM stretches")
        await store.desk.enqueue(stretch.id, [Refresh()])
        assert not await store.desk.placed(stretch.id, Place("slack.main", "C1", "1"), 0)


class TestMirror:
    """What is said later, from wherever, once and in order."""

    async def test_later_messages_from_all_addresses_and_ours_in_order(self, store: Store) -> None:
        await write(store.path, "hello", SARAH_MAIL)
        [work] = await claimed(store.path)
        await store.path.commit([answered(work, "hi")])
        await write(store.path, "hello")
        [work] = await claimed(store.path)
        await store.path.commit([answered(work, "hi")])
        await store.identity.merge(SARAH, SARAH_MAIL, rule="staff", by="ann", reason="a test")
        stretch = await hand_off(store)
        await write(store.path, "one")
        await write(store.path, "two", SARAH_MAIL)
        [work] = await claimed(store.path)
        await store.path.commit([answered(work, "three")])
        await write(store.path, "four")
        await opened(store, stretch)
        assert await store.desk.mirror(100) == 5
        assert await store.desk.mirror(100) == 0
        lines = await shown(store)
        assert texts(lines) == [PROMISE, "one", "two", "three", "four"]
        assert [(line.what.channel, line.what.name) for line in lines if isinstance(line.what, Entry)] == [
            ("email", ""),
            ("telegram", "Sarah"),
            ("email", "Sarah"),
            ("email", ""),
            ("telegram", "Sarah"),
        ]

    async def test_what_others_write_and_what_was_before_is_not_shown(self, store: Store) -> None:
        await write(store.path, "before")
        [work] = await claimed(store.path)
        await store.path.commit([answered(work, "an answer")])
        stretch = await hand_off(store)
        await write(store.path, "a stranger's", MIKE)
        await opened(store, stretch)
        await store.desk.mirror(100)
        assert texts(await shown(store)) == [PROMISE]

    async def test_what_came_before_it_was_adopted_is_shown(self, store: Store) -> None:
        """It waits in the lane, or a turn has taken it already."""
        await write(store.path, "a person!")
        [work] = await claimed(store.path)
        await write(store.path, "one")
        await store.path.commit([handed_off(work)])
        [work] = await claimed(store.path)
        await store.path.commit([answered(work, "two")])
        await write(store.path, "three")
        [adopted] = await store.desk.adopt(10)
        await opened(store, adopted.stretch)
        await store.desk.mirror(100)
        assert texts(await shown(store)) == ["one", PROMISE, "two", "three"]

    async def test_what_is_committed_late_with_a_smaller_number_is_not_missed(self, store: Store, dsn: str) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        slow = await asyncpg.connect(dsn)
        try:
            async with slow.transaction():
                await slow.execute(
                    "INSERT INTO messages (address_id, direction, account, at, received_at, body_sealed, attachments)"
                    " VALUES ($1, 'in', 'main', now(), now(), $2, 0)",
                    stretch.address,
                    b'\x00{"text": "late"}',
                )
                await write(store.path, "early")
                await store.desk.mirror(100)
                assert texts(await shown(store)) == [PROMISE, "early"]
        finally:
            await slow.close()
        assert await store.desk.mirror(100) == 1
        assert texts(await shown(store)) == ["late"]

    async def test_a_late_one_from_before_the_hand_off_is_not_missed(self, store: Store, dsn: str) -> None:
        slow = await asyncpg.connect(dsn)
        try:
            await write(store.path, "hello")
            [work] = await claimed(store.path)
            await store.path.commit([answered(work)])
            async with slow.transaction():
                await slow.execute(
                    "INSERT INTO messages (address_id, direction, account, at, received_at, body_sealed, attachments)"
                    " VALUES ($1, 'in', 'main', now(), now(), $2, 0)",
                    work.addresses[0].id,
                    b'\x00{"text": "late"}',
                )
                stretch = await hand_off(store)
        finally:
            await slow.close()
        await opened(store, stretch)
        await store.desk.mirror(100)
        assert texts(await shown(store)) == ["late", PROMISE]

    async def test_only_so_many_at_a_time_and_all_in_the_end(self, store: Store) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        for number in range(7):
            await write(store.path, str(number))
        assert [await store.desk.mirror(3) for _ in range(4)] == [3, 3, 2, 0]
        assert texts(await shown(store)) == [PROMISE, *map(str, range(7))]

    async def test_what_is_settled_is_not_looked_at_again_and_nothing_is_doubled(self, store: Store, dsn: str) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        await write(store.path, "one")
        await store.desk.mirror(100)
        await execute(dsn, "UPDATE desk_entries SET at = at - interval '1 h'")
        async with Store.open(dsn, SECRET) as other:
            assert await other.desk.mirror(100) == 0
        [row] = await rows(dsn, "SELECT seen_id, (SELECT max(id) FROM messages) AS last FROM stretches")
        assert row["seen_id"] == row["last"]
        await write(store.path, "two")
        assert await store.desk.mirror(100) == 1
        assert texts(await shown(store)) == [PROMISE, "one", "two"]

    async def test_two_matters_have_two_threads_that_both_show_all(self, store: Store) -> None:
        refund = await hand_off(store, case=about(intent="refund"))
        invoice = await hand_off(store, case=about(intent="invoice"))
        await opened(store, refund, "1")
        await opened(store, invoice, "2")
        await write(store.path, "one")
        await store.desk.mirror(100)
        lines = await shown(store)
        assert texts([line for line in lines if line.stretch == refund.id])[-1] == "one"
        assert texts([line for line in lines if line.stretch == invoice.id]) == [PROMISE, "one"]

    async def test_several_processes_mirror_each_message_once_and_in_order(self, store: Store, dsn: str) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        async with Store.open(dsn, SECRET) as other:

            async def write_all() -> None:
                for number in range(40):
                    await write(store.path, str(number))

            async def mirror(one: Store) -> int:
                return sum([await one.desk.mirror(5) for _ in range(30)])

            counts = await asyncio.gather(write_all(), mirror(store), mirror(other), mirror(store))
            left = await store.desk.mirror(1000)
        assert sum(counts[1:]) + left == 41
        assert texts(await shown(store)) == [PROMISE, *map(str, range(40))]

    async def test_what_is_brought_from_files_is_not_shown(self, store: Store) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        await store.desk.mirror(100)
        await shown(store)
        past = PastMessage(key="p1", address=stretch.address, at=NOON, direction=Direction.IN, text="long ago")
        assert await store.past.say([past]) == 1
        assert await store.desk.mirror(100) == 0

    async def test_an_edit_before_it_is_shown_is_what_is_shown(self, store: Store) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        await write(store.path, "helo")
        [work] = await claimed(store.path)
        [item] = work.items
        assert item.message is not None
        edit = Revised(address=item.address, message_id=item.message.provider_id, at=NOON, text="hello")
        await store.path.commit([replace(answered(work), revised=(edit,))])
        await store.desk.mirror(100)
        assert texts(await shown(store)) == [PROMISE, "hello"]

    async def test_files_come_along_when_they_are_there(self, store: Store) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        await store.desk.mirror(100)
        await shown(store)
        files = (
            StoredFile(name="a.png", media_type="image/png", size=7, key="00/aa"),
            StoredFile(name="b.exe", media_type="application/x-dosexec", size=9, refused="its type"),
            StoredFile(name="c.pdf", media_type="application/pdf", size=None, ref="theirs"),
        )
        await store.path.accept([arrived(message("f", "look"), files=files)])
        await write(store.path, "and?")
        await store.desk.mirror(100)
        assert await shown(store) == []  # the last is still to be fetched, and what is behind waits
        [pending] = await store.attachments.claim(10, 30)
        await store.attachments.stored(pending.id, "00/cc")
        first, second = await shown(store)
        assert isinstance(first.what, Entry)
        assert sorted(first.what.files, key=lambda file: file.name) == [
            File("a.png", "image/png", 7, "kept:00/aa"),
            File("b.exe", "application/x-dosexec", 9, ""),
            File("c.pdf", "application/pdf", 0, "kept:00/cc"),
        ]
        assert texts([second]) == ["and?"]

    async def test_a_file_that_does_not_come_delays_nobody_for_long(self, store: Store, dsn: str) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        await store.desk.mirror(100)
        await shown(store)
        pending = StoredFile(name="c.pdf", media_type="application/pdf", size=None, ref="theirs")
        await store.path.accept([arrived(message("f", "look"), files=(pending,))])
        await store.desk.mirror(100)
        await execute(dsn, "UPDATE desk_entries SET at = at - interval '31 s'")
        [line] = await shown(store)
        assert isinstance(line.what, Entry)
        assert line.what.files == (File("c.pdf", "application/pdf", 0, ""),)


class TestAsked:
    """Since when a customer waits for people."""

    async def test_since_the_hand_off_until_people_answer_and_since_they_write_again(self, store: Store) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        assert (await attended(store, stretch.id)).asked_at == stretch.opened_at
        await write(store.path, "hurry")
        await store.desk.mirror(100)
        assert (await attended(store, stretch.id)).asked_at == stretch.opened_at
        await replies(store, stretch, "Hello, I am Ana")
        assert (await attended(store, stretch.id)).asked_at is None
        await store.desk.mirror(100)  # what came before the answer asks for nothing more
        assert (await attended(store, stretch.id)).asked_at is None
        await write(store.path, "an autoreply", automatic="out of office")
        await store.desk.mirror(100)
        assert (await attended(store, stretch.id)).asked_at is None
        await write(store.path, "but when?")
        await store.desk.mirror(100)
        asked_at = (await attended(store, stretch.id)).asked_at
        assert asked_at is not None
        assert asked_at > stretch.opened_at
        await write(store.path, "hello?")
        await store.desk.mirror(100)
        assert (await attended(store, stretch.id)).asked_at == asked_at

    async def test_what_was_answered_before_it_was_mirrored_does_not_wait(self, store: Store) -> None:
        stretch = await hand_off(store)
        await write(store.path, "hurry")
        await replies(store, stretch, "Hello, I am Ana")
        await store.desk.mirror(100)
        assert (await attended(store, stretch.id)).asked_at is None

    async def test_a_second_hand_off_asks_again(self, store: Store) -> None:
        stretch = await hand_off(store)
        await replies(store, stretch, "Hello, I am Ana")
        await hand_off(store, "a person, I said")
        assert (await attended(store, stretch.id)).asked_at is not None


class TestShow:
    """Each line once, those of a thread in their order."""

    @pytest.fixture
    async def lines(self, store: Store) -> None:
        """Three lines in one thread."""
        stretch = await hand_off(store)
        await opened(store, stretch)
        await write(store.path, "one")
        await write(store.path, "two")
        await store.desk.mirror(100)

    @pytest.mark.usefixtures("lines")
    async def test_a_line_waits_for_the_one_before(self, store: Store) -> None:
        [first] = await store.desk.due(10, 30)
        assert await store.desk.due(10, 30) == []
        await store.desk.shown(first, "ts1")
        [second] = await store.desk.due(10, 30)
        assert texts([first, second]) == [PROMISE, "one"]

    @pytest.mark.usefixtures("lines")
    async def test_what_cannot_be_shown_now_holds_up_its_thread_alone(self, store: Store, dsn: str) -> None:
        mike = await hand_off(store, sender=MIKE)
        await opened(store, mike, "2")
        await store.desk.mirror(100)
        [first, other] = sorted(await store.desk.due(10, 30), key=lambda one: one.id)
        await store.desk.later(first, 60, "throttled")
        await store.desk.shown(other, "x")
        [card] = await store.desk.due(10, 30)
        assert (card.what, card.stretch) == (Refresh(), mike.id)
        await store.desk.shown(card)
        assert await store.desk.due(10, 30) == []
        await execute(dsn, "UPDATE desk_entries SET due_at = now()")
        [again] = await store.desk.due(10, 30)
        assert (again.id, again.attempts, again.interrupted) == (first.id, 2, False)
        await store.desk.later(again, 0)
        assert texts(await shown(store)) == [PROMISE, "one", "two"]

    @pytest.mark.usefixtures("lines")
    async def test_what_never_can_be_shown_is_passed_over(self, store: Store) -> None:
        [first] = await store.desk.due(10, 30)
        await store.desk.failed(first, "too long")
        [second] = await store.desk.due(10, 30)
        await store.desk.unknown(second, "cut off")
        assert texts(await shown(store)) == ["two"]
        await store.desk.shown(second, "it was there")  # found afterwards
        assert await shown(store) == []

    @pytest.mark.usefixtures("lines")
    async def test_a_lease_that_runs_out_leaves_a_doubt(self, store: Store) -> None:
        [first] = await store.desk.due(10, -1)
        [again] = await store.desk.due(10, 30)
        assert (again.id, again.attempts, again.interrupted) == (first.id, 2, True)
        await store.desk.later(first, 60)  # whoever lost it has no say any more
        await store.desk.failed(first, "x")
        await store.desk.shown(again, "ts1")
        assert texts(await shown(store)) == ["one", "two"]

    @pytest.mark.usefixtures("lines")
    async def test_a_result_that_comes_late_counts(self, store: Store) -> None:
        [first] = await store.desk.due(10, -1)
        [_] = await store.desk.due(10, 30)
        await store.desk.shown(first, "ts1")
        assert texts(await shown(store)) == ["one", "two"]

    async def test_several_processes_show_each_line_once_and_in_order(self, store: Store, dsn: str) -> None:
        places = {}
        for number in range(4):
            address = Address("telegram", str(number))
            stretch = await hand_off(store, sender=address)
            places[stretch.id] = await opened(store, stretch, str(number))
            for text in range(10):
                await write(store.path, str(text), address)
        await store.desk.mirror(1000)
        seen: dict[int, list[str]] = {id_: [] for id_ in places}
        async with Store.open(dsn, SECRET) as other:

            async def show(one: Store) -> None:
                while any(len(lines) < 11 for lines in seen.values()):
                    for line in await one.desk.due(2, 30):
                        if isinstance(line.what, Entry):
                            seen[line.stretch].append(line.what.text)
                        await asyncio.sleep(0)
                        await one.desk.shown(line, f"ts{line.id}")

            async with asyncio.timeout(60):
                await asyncio.gather(show(store), show(other), show(store), show(other))
        assert all(lines == [PROMISE, *map(str, range(10))] for lines in seen.values())

    async def test_what_this_version_cannot_read_is_passed_over(self, store: Store, dsn: str) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        entry = NewEntry(kind=EntryKind.NOTICE, text="odd")
        await store.desk.enqueue(stretch.id, [entry, replace(entry, text="even")])
        await execute(
            dsn, "UPDATE desk_entries SET payload_sealed = '\\x01' WHERE id = (SELECT min(id) FROM desk_entries"
            " WHERE kind = 'notice')"
        )  # fmt: skip
        assert texts(await shown(store)) == ["even"]

    async def test_lines_of_our_own_keep_all_that_they_have(self, store: Store) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        line = NewEntry(
            kind=EntryKind.REMINDER,
            text="soon",
            name="Omnibot",
            channel="email",
            files=(File("a", "text/plain", 1, "kept:00"),),
            to=ANA.id,
            about="ts9",
        )
        await store.desk.enqueue(stretch.id, [line])
        await store.desk.enqueue(stretch.id, [])
        [ready] = await shown(store)
        assert isinstance(ready.what, Entry)
        assert ready.what == Entry(
            id=ready.id,
            kind=line.kind,
            at=ready.what.at,
            text=line.text,
            name=line.name,
            channel=line.channel,
            files=line.files,
            to=line.to,
            about=line.about,
        )

    async def test_a_refresh_that_waits_does_for_another(self, store: Store) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        await store.desk.enqueue(stretch.id, [Refresh(), Refresh()])
        await store.desk.enqueue(stretch.id, [Refresh()])
        assert [line.what for line in await shown_with_cards(store)] == [Refresh()]
        await store.desk.card_shown(stretch.id, "abc")
        assert (await attended(store, stretch.id)).card_hash == "abc"
        await store.desk.enqueue(stretch.id, [Refresh()])
        assert [line.what for line in await shown_with_cards(store)] == [Refresh()]

    async def test_what_changes_while_a_card_is_shown_is_shown_as_well(self, store: Store) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        await shown(store)
        await store.desk.enqueue(stretch.id, [Refresh()])
        [first] = await store.desk.due(10, 30)
        await store.desk.enqueue(stretch.id, [Refresh()])  # what the card is made of may have been read by now
        await store.desk.shown(first)
        [second] = await store.desk.due(10, 30)
        assert (first.what, second.what) == (Refresh(), Refresh())
        await store.desk.shown(second)
        assert await store.desk.due(10, 30) == []

    async def test_a_card_follows_the_lines_of_a_customer(self, store: Store) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        await shown(store)
        for text in ("one", "two"):
            await write(store.path, text)
        await store.desk.mirror(100)
        one, two, card = [line.what for line in await shown_with_cards(store)][1:]
        assert [one.text, two.text, card] == ["one", "two", Refresh()]

    async def test_what_may_stand_there_is_told_in_the_same_moment_as_it_is_passed_over(self, store: Store) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        await write(store.path, "one")
        await store.desk.mirror(100)
        promise = (await store.desk.due(10, 30))[0]
        await store.desk.shown(promise, "ts1")
        [line] = await store.desk.due(10, 30)
        again = [NewEntry(kind=EntryKind.NOTICE, text="perhaps above: one")]
        await store.desk.unknown(line, "cut", again)
        await store.desk.unknown(line, "cut", again)  # of another process
        assert texts(await shown(store)) == ["perhaps above: one"]


class TestPlaces:
    """Where a thread is, and where it goes when its room takes nothing more."""

    async def test_a_room_that_refuses_is_left_with_all_that_was_not_shown(self, store: Store) -> None:
        stretch = await hand_off(store)
        first = await opened(store, stretch)
        await store.desk.card_shown(stretch.id, "abc")
        await write(store.path, "one")
        await store.desk.mirror(100)
        [line] = await store.desk.due(10, 30)
        await store.desk.refused_room(stretch.id, 1)
        assert await store.desk.due(10, 30) == []
        [one] = await store.desk.claim_opening(10, 30)
        assert (one.room, one.place, one.card_hash, one.openings, one.doubtful) == (1, None, "", 2, False)
        second = replace(first, desk="email.main", room="senior@example.org", thread="<1@x>")
        assert await store.desk.placed(stretch.id, second, 1)
        await store.desk.later(line, 60)  # of the old room
        lines = await shown(store)
        assert texts(lines) == [PROMISE, "one"]
        assert {line.place for line in lines} == {second}
        assert (await store.desk.of_place(second)) == await attended(store, stretch.id)

    async def test_rooms_that_take_a_thread_and_then_nothing_are_not_filled_with_threads(self, store: Store) -> None:
        stretch = await hand_off(store)
        for number in range(3):
            assert [one.stretch for one in await store.desk.claim_opening(10, 30)] == [stretch]
            assert await store.desk.placed(stretch.id, Place("slack.main", "C1", f"thread {number}"), 0)
            await store.desk.refused_room(stretch.id, 0)
        assert await store.desk.claim_opening(10, 30) == []

    async def test_what_an_agent_does_in_the_old_thread_is_known(self, store: Store) -> None:
        stretch = await hand_off(store)
        first = await opened(store, stretch)
        await store.desk.refused_room(stretch.id, 1)
        found = await store.desk.of_place(first)
        assert found is not None
        assert found.stretch.id == stretch.id
        assert found.place is None

    async def test_a_thread_that_cannot_be_begun_is_tried_later(self, store: Store, dsn: str) -> None:
        stretch = await hand_off(store)
        [_] = await store.desk.claim_opening(10, 30)
        await store.desk.open_later(stretch.id, 60)
        assert await store.desk.claim_opening(10, 30) == []
        await execute(dsn, "UPDATE stretches SET opening_due = now()")
        [one] = await store.desk.claim_opening(10, 30)
        assert (one.openings, one.doubtful) == (2, False)
        await store.desk.open_later(stretch.id, 0, doubtful=True)
        [one] = await store.desk.claim_opening(10, 30)
        assert one.doubtful
        await opened(store, stretch)
        assert not (await attended(store, stretch.id)).doubtful

    async def test_who_dies_while_opening_leaves_a_doubt(self, store: Store) -> None:
        await hand_off(store)
        [one] = await store.desk.claim_opening(10, -1)
        assert not one.doubtful
        [one] = await store.desk.claim_opening(10, 30)
        assert one.doubtful

    async def test_there_is_one_thread(self, store: Store) -> None:
        stretch = await hand_off(store)
        place = await opened(store, stretch)
        assert not await store.desk.placed(stretch.id, replace(place, thread="2"), 0)
        assert (await attended(store, stretch.id)).place == place
        mike = await hand_off(store, sender=MIKE)
        assert not await store.desk.placed(mike.id, place, 0)
        assert (await attended(store, mike.id)).place is None

    async def test_several_processes_open_each_once(self, store: Store, dsn: str) -> None:
        for number in range(8):
            await hand_off(store, sender=Address("telegram", str(number)))
        async with Store.open(dsn, SECRET) as other:
            found = await asyncio.gather(*(one.desk.claim_opening(3, 30) for one in (store, other) for _ in range(4)))
        ids = [one.stretch.id for many in found for one in many]
        assert len(ids) == len(set(ids)) == 8


class TestLevels:
    """By when something must be done."""

    async def test_a_new_one_is_looked_at_at_once_and_then_when_it_says(self, store: Store) -> None:
        stretch = await hand_off(store)
        now = datetime.now(UTC) + timedelta(seconds=1)
        [one] = await store.desk.due_levels(now, 10)
        assert one.stretch == stretch
        due, look = now + timedelta(hours=1), now + timedelta(minutes=45)
        told = {"first_due": due, "next_due": None, "resolve_due": None, "look_at": look}
        await store.desk.levels(stretch.id, **told, seen=one.look_at)
        assert await store.desk.due_levels(now, 10) == []
        [one] = await store.desk.due_levels(look, 10)
        assert (one.first_due, one.next_due, one.resolve_due, one.look_at) == (due, None, None, look)

    async def test_what_happens_during_a_look_is_looked_at_again(self, store: Store, dsn: str) -> None:
        stretch = await hand_off(store)
        now = datetime.now(UTC) + timedelta(seconds=1)
        [seen] = await store.desk.due_levels(now, 10)
        await write(store.path, "and?")
        await store.desk.mirror(10)
        told = {"first_due": None, "next_due": None, "resolve_due": None, "look_at": now + timedelta(hours=1)}
        await store.desk.levels(stretch.id, **told, seen=seen.look_at)
        assert [one.stretch for one in await store.desk.due_levels(now + timedelta(seconds=1), 10)] == [stretch]

    async def test_what_an_act_changes_is_looked_at_at_once_and_the_card_shown_anew(self, store: Store) -> None:
        stretch = await hand_off(store)
        now = datetime.now(UTC) + timedelta(seconds=1)
        [seen] = await store.desk.due_levels(now, 10)
        await opened(store, stretch)
        await shown(store)
        told = {"first_due": None, "next_due": None, "resolve_due": None, "look_at": now + timedelta(hours=1)}
        await store.desk.levels(stretch.id, **told, seen=seen.look_at)
        await replies(store, stretch, "We have found it.", entry="17.2")
        assert [one.stretch.id for one in await store.desk.due_levels(now + timedelta(seconds=1), 10)] == [stretch.id]
        assert [one.what for one in await shown_with_cards(store)] == [Refresh()]

    async def test_of_each_the_team_is_reminded_once(self, store: Store) -> None:
        stretch = await hand_off(store)
        await opened(store, stretch)
        line = [NewEntry(kind=EntryKind.REMINDER, text="soon")]
        assert await store.desk.reminded(stretch.id, "first", NOON, line)
        assert not await store.desk.reminded(stretch.id, "first", NOON, line)
        assert await store.desk.reminded(stretch.id, "resolve", NOON)
        assert (await attended(store, stretch.id)).reminded == {"first": NOON, "resolve": NOON}
        assert texts(await shown(store)) == ["soon"]

    async def test_who_is_asked_again_is_reminded_again_once(self, store: Store) -> None:
        stretch = await hand_off(store)
        again = NOON + timedelta(hours=1)
        assert await store.desk.reminded(stretch.id, "next", NOON, since=NOON)
        assert await store.desk.reminded(stretch.id, "next", again, since=again)
        assert not await store.desk.reminded(stretch.id, "next", again, since=again)
        assert not await store.desk.reminded(stretch.id, "next", again, since=NOON)  # by who saw it as it was before


class TestFind:
    """For those who look."""

    async def test_the_most_urgent_come_first(self, store: Store) -> None:
        normal = await hand_off(store, sender=Address("telegram", "1"))
        urgent = await hand_off(store, sender=Address("telegram", "2"), priority="urgent", team="billing")
        due = await hand_off(store, sender=Address("telegram", "3"))
        seen = (await attended(store, due.id)).look_at
        await store.desk.levels(due.id, first_due=NOON, next_due=None, resolve_due=None, look_at=None, seen=seen)
        assert [one.stretch.id for one in await store.desk.queue()] == [urgent.id, due.id, normal.id]
        assert [one.stretch.id for one in await store.desk.queue(team="billing")] == [urgent.id]
        assert [one.stretch.id for one in await store.desk.queue(overdue_at=NOON)] == [due.id]
        assert await store.desk.queue(owner=ANA.id) == []
        assert [one.stretch.id for one in await store.desk.queue(limit=1)] == [urgent.id]
        figures = await store.desk.count()
        assert (figures.open, figures.waiting, figures.breached, figures.unopened) == (3, 3, 1, 3)
        assert [one.stretch.id for one in await store.desk.open_stretches(10, normal.id)] == [urgent.id, due.id]

    async def test_by_name_address_and_what_is_open(self, store: Store) -> None:
        sarah = await hand_off(store, case=about(concern="the invoice is wrong"))
        await hand_off(store, sender=MIKE, reason="is angry")
        for text in ("sarah", "4711", "Telegram:4711", "INVOICE", "refund"):
            found = [one.stretch.id for one in await store.desk.search(text)]
            assert sarah.id in found, text
        assert [one.address.address for one in await store.desk.search("angry")] == [MIKE]
        assert await store.desk.search("nobody has this") == []
        assert len(await store.desk.search("telegram", limit=1)) == 1
