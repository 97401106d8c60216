"""The hot path on a real PostgreSQL: dedupe, lanes, fencing, order, the gate."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from omnibot.model import (
    Address,
    Change,
    Choice,
    DeliveryReport,
    DeliveryState,
    Draft,
    EarlierTurn,
    IncomingEdit,
    IncomingMessage,
    Paragraph,
    Sender,
    Urgency,
)
from omnibot.store import Store, StoreUnavailable
from omnibot.store.imports import NewCustomer
from omnibot.store.work import (
    Arrived,
    Dispatch,
    Kind,
    Lease,
    Outcome,
    Purpose,
    Quota,
    Reply,
    Reported,
    Result,
    Revised,
    StoredFile,
    Unreadable,
    Work,
)
from tests.store.sending import quota
from tests.store.statements import execute

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SARAH = Address("telegram", "4711")
MIKE = Address("telegram", "4712")


def message(id_: str, text: str = "hello", sender: Address = SARAH, **fields) -> IncomingMessage:
    return IncomingMessage(
        id=id_, at=NOON, sender=Sender(sender, "Sarah", "en"), message_id=f"m{id_}", text=text, **fields
    )


def arrived(item, stop: bool | None = None, **fields) -> Arrived:
    return Arrived(channel=item.sender.address.channel, account="main", item=item, stop=stop, **fields)


def outcome(work: Work, *texts: str, purpose: Purpose = Purpose.REPLY, **fields) -> Outcome:
    to = work.addresses[0]
    replies = tuple(Reply(Draft(to=to, parts=(Paragraph(text),)), purpose) for text in texts)
    return Outcome(work=work, address=to.id, record={"why": "a test"}, replies=replies, **fields)


async def claim(store: Store, count: int = 10) -> list[Work]:
    works = await store.path.load(await store.path.claim(count, lease=30))
    assert all(isinstance(work, Work) for work in works)
    return works


def stated(work: Work) -> dict[str, str]:
    """What holds: of two values the weightier one comes later."""
    return {fact.key: fact.value for fact in work.facts}


async def give_back(store: Store, work: Work, *, after: float, attempts: int, reason: str = "x") -> None:
    items = [item.id for item in work.items]
    await store.path.retry(work.lease, items, after=after, attempts=attempts, reason=reason)


async def say(store: Store, *texts: str, purpose: Purpose = Purpose.REPLY, sender: Address = SARAH) -> None:
    """Something comes in and these are our replies to it, queued."""
    number = f"{sender}-{datetime.now(UTC).timestamp()}"
    await store.path.accept([arrived(message(number, sender=sender))])
    [work] = await claim(store)
    await store.path.commit([outcome(work, *texts, purpose=purpose)])


async def dispatch(store: Store, given: Quota | None = None, lease: float = 30) -> list[Dispatch]:
    dispatched = await store.path.dispatch([given or quota()], lease=lease, unknown_wait=60)
    return list(dispatched.starting)


def result(dispatched: Dispatch, state: DeliveryState = DeliveryState.SENT, **fields) -> Result:
    return Result(
        id=dispatched.outbound.id,
        address=dispatched.address,
        attempts=dispatched.outbound.attempts,
        state=state,
        **fields,
    )


SARAH_MAIL = Address("email", "sarah@example.org")
EMAIL_QUOTA = replace(quota(), channel="email")


async def ask_and_point(store: Store) -> None:
    """Sarah asks on Telegram, is answered by mail, and pointed to it."""
    sarah = NewCustomer(row=2, addresses=(SARAH, SARAH_MAIL), facts={})
    await store.records.import_customers([sarah], {"telegram": "main", "email": "main"})
    await store.path.accept([arrived(message("1"))])
    [work] = await claim(store)
    telegram, mail = work.addresses
    answer = Reply(Draft(to=mail, parts=(Paragraph("the answer"),)), Purpose.REPLY)
    pointer = Reply(Draft(to=telegram, parts=(Paragraph("see your mail"),)), Purpose.POINTER)
    await store.path.commit([Outcome(work=work, address=telegram.id, record={}, replies=(answer, pointer))])


async def states(store: Store) -> list[str]:
    return [entry.state.value for entry in reversed(await store.records.outbox())]


def texts(dispatches: Sequence[Dispatch]) -> list[str]:
    return [dispatched.outbound.text for dispatched in dispatches]


class TestAccept:
    async def test_a_message_is_taken_once_however_often_it_comes(self, store: Store) -> None:
        assert await store.path.accept([arrived(message("1")), arrived(message("1"))]) == [True, False]
        assert await store.path.accept([arrived(message("1"))]) == [False]
        [work] = await claim(store)
        assert [item.message.text for item in work.items if item.message] == ["hello"]

    async def test_the_same_delivery_in_parallel_is_one(self, store: Store) -> None:
        taken = await asyncio.gather(*(store.path.accept([arrived(message("1"))]) for _ in range(50)))
        assert sorted(new for [new] in taken) == [False] * 49 + [True]

    async def test_two_accounts_may_use_the_same_ids(self, store: Store) -> None:
        beta = Arrived(channel="telegram", account="beta", item=message("1"))
        assert await store.path.accept([arrived(message("1")), beta]) == [True, True]

    async def test_a_stranger_met_twice_at_once_is_one_customer(self, store: Store) -> None:
        strangers = [Address("telegram", str(n)) for n in range(20)]
        await asyncio.gather(
            *(
                store.path.accept([arrived(message(f"{n}-{half}", sender=stranger))])
                for n, stranger in enumerate(strangers)
                for half in ("a", "b")
            )
        )
        works = await claim(store, 100)
        assert sorted(len(work.items) for work in works) == [2] * 20

    async def test_what_the_provider_knows_becomes_a_fact(self, store: Store) -> None:
        await store.path.accept([arrived(message("1"))])
        [work] = await claim(store)
        assert stated(work) == {"name": "Sarah", "language": "en"}
        sender = Sender(MIKE, "Mike", "en", email="mike@example.org", zone="Europe/Berlin")
        await store.path.accept([arrived(replace(message("2"), sender=sender))])
        [work] = await claim(store)
        assert stated(work) == {"name": "Mike", "language": "en", "email": "mike@example.org", "zone": "Europe/Berlin"}

    async def test_a_fact_tells_where_it_came_from_and_how_sure_it_is(self, store: Store) -> None:
        mail = Address("email", "sarah@example.org")
        sarah = NewCustomer(row=2, addresses=(mail, SARAH), facts={"preference.length": "short"})
        await store.records.import_customers([sarah], {})
        await store.path.accept([arrived(message("1", "call me Sally"))])
        [work] = await claim(store)
        telegram, email = (next(a.id for a in work.addresses if a.address == address) for address in (SARAH, mail))
        assert work.items[0].message is not None
        change = Change(key="name", value="Sally", source=work.items[0].message.id)
        await store.path.commit([outcome(work, "ok", changes=(change,))])
        await store.path.accept([arrived(message("2"))])
        [work] = await claim(store)
        assert {(fact.key, fact.address, fact.source, fact.confidence) for fact in work.facts} == {
            ("preference.length", email, "import", 0.9),
            ("name", telegram, "message", 1.0),
        }

    async def test_an_address_tells_when_it_was_proven_and_whether_it_is_shared(self, store: Store, dsn: str) -> None:
        sarah = NewCustomer(row=2, addresses=(SARAH,), facts={})
        await store.records.import_customers([sarah], {})
        await store.path.accept([arrived(message("1")), arrived(message("2", sender=MIKE))])
        works = {work.addresses[0].address: work for work in await claim(store)}
        assert works[MIKE].addresses[0].proven_at is None
        [known] = works[SARAH].addresses
        assert known.proven_at is not None
        assert timedelta(0) < works[SARAH].at - known.proven_at < timedelta(minutes=1)
        assert not known.shared
        connection = await asyncpg.connect(dsn)
        await connection.execute("UPDATE addresses SET shared_at = now()")
        await connection.close()
        await give_back(store, works[SARAH], after=0, attempts=9)
        [again] = await claim(store)
        assert [address.shared for address in again.addresses] == [True]

    async def test_a_quarantined_message_is_on_no_timeline(self, store: Store) -> None:
        await store.path.accept([arrived(message("1", "your invoice", quarantine="DMARC fails"))])
        assert await store.records.customer_of(SARAH) is None
        assert await claim(store) == []
        [kept] = await store.records.quarantined()
        assert (kept.reason, kept.sender, kept.text) == ("DMARC fails", "telegram:4711", "your invoice")

    async def test_an_edit_by_somebody_unknown_creates_nobody(self, store: Store) -> None:
        edit = IncomingEdit(id="1", at=NOON, sender=Sender(SARAH), message_id="m1", text="x")
        assert await store.path.accept([arrived(edit)]) == [True]
        assert await store.records.customer_of(SARAH) is None

    async def test_a_later_account_and_context_replace_the_earlier(self, store: Store) -> None:
        await store.path.accept([arrived(message("1", context={"subject": "Bill"}))])
        late = Arrived(channel="telegram", account="beta", item=message("2", context={"subject": "Plan"}))
        await store.path.accept([late])
        [work] = await claim(store)
        assert (work.addresses[0].account, work.addresses[0].context) == ("beta", {"subject": "Plan"})

    async def test_whoever_writes_in_private_again_is_answered_in_private(self, store: Store) -> None:
        await store.path.accept([arrived(message("1", context={"chat": "-100"})), arrived(message("2"))])
        [work] = await claim(store)
        assert work.addresses[0].context == {}
        await store.path.accept([arrived(message("3", context={"chat": "-100"}))])
        await store.path.accept([arrived(message("4"))])
        await store.path.commit([outcome(work)])
        [work] = await claim(store)
        assert work.addresses[0].context == {}

    async def test_files_belong_to_their_message(self, store: Store) -> None:
        files = (
            StoredFile(name="a.pdf", media_type="application/pdf", size=3, key="k1"),
            StoredFile(name="b.jpg", media_type="image/jpeg", size=None, ref="remote"),
            StoredFile(name="c.zip", media_type="application/zip", size=9, refused="too large"),
        )
        await store.path.accept([arrived(message("1"), files=files)])
        [work] = await claim(store)
        assert work.items[0].message is not None
        assert work.items[0].message.attachments == 3
        [pending] = await store.attachments.claim(10, lease=30)
        assert (pending.attachment.name, pending.attachment.ref) == ("b.jpg", "remote")
        assert await store.attachments.claim(10, lease=30) == []

    async def test_a_pause_lets_a_burst_become_one_turn(self, store: Store) -> None:
        await store.path.accept([arrived(message("1"))], pause=60)
        assert await claim(store) == []

    async def test_a_message_answers_only_what_went_to_its_own_address(self, store: Store) -> None:
        await say(store, "to Sarah")
        [dispatched] = await dispatch(store)
        await store.path.finish([result(dispatched, provider_id="p1")])
        await store.path.accept(
            [
                arrived(message("20", answers=("p1",))),
                arrived(message("21", answers=("p1",), sender=MIKE)),
                arrived(message("22", answers_ours=dispatched.outbound.id, sender=MIKE)),
            ]
        )
        works = await claim(store)
        answers = {
            str(work.addresses[0].address): [i.message.answers for i in work.items if i.message] for work in works
        }
        assert answers == {"telegram:4711": [dispatched.outbound.id], "telegram:4712": [None, None]}

    async def test_a_report_is_no_sign_of_where_they_write(self, store: Store) -> None:
        """It may come days later, from an account that they have left since."""
        await store.path.accept([replace(arrived(message("1")), account="second")])
        read = DeliveryReport(id="r", at=NOON, sender=Sender(SARAH), provider_id="p", state=DeliveryState.READ)
        await store.path.accept([arrived(read)])
        [work] = await claim(store)
        assert [address.account for address in work.addresses] == ["second"]


class TestStop:
    async def test_stop_suppresses_what_is_queued_and_what_comes_after(self, store: Store) -> None:
        await say(store, "one", "two", "three")
        await store.path.accept([arrived(message("9", "stop"), stop=True)])
        assert await states(store) == ["suppressed"] * 3
        [work] = await claim(store)
        assert work.addresses[0].stopped
        await store.path.commit([outcome(work, "four"), outcome(work, "five")])
        assert await dispatch(store) == []
        assert await dispatch(store) == []
        assert set(await states(store)) == {"suppressed"}

    async def test_the_confirmation_passes_a_stop(self, store: Store) -> None:
        await store.path.accept([arrived(message("9", "stop"), stop=True)])
        [work] = await claim(store)
        await store.path.commit([outcome(work, "stopped", purpose=Purpose.CONFIRMATION)])
        assert texts(await dispatch(store)) == ["stopped"]

    async def test_a_repeated_stop_is_told_from_the_first(self, store: Store) -> None:
        await store.path.accept([arrived(message("1", "stop"), stop=True)])
        await store.path.accept([arrived(message("2", "stop"), stop=True)])
        [work] = await claim(store)
        assert [i.message.flags for i in work.items if i.message] == [("stop",), ("stop", "already")]

    async def test_start_undoes_it(self, store: Store) -> None:
        await store.path.accept([arrived(message("1", "stop"), stop=True)])
        await store.path.accept([arrived(message("2", "start"), stop=False)])
        [work] = await claim(store)
        assert not work.addresses[0].stopped
        await store.path.commit([outcome(work, "welcome back")])
        assert texts(await dispatch(store)) == ["welcome back"]

    async def test_a_claim_that_is_late_sees_the_stop(self, dsn: str, store: Store) -> None:
        """The STOP is committed after the claim has begun and before it has the address row."""
        await say(store, "queued")
        stopping = await asyncpg.connect(dsn)
        transaction = stopping.transaction()
        await transaction.start()
        await stopping.execute("UPDATE addresses SET stopped_at = now()")
        claiming = asyncio.create_task(dispatch(store))
        await _waits_for_lock(stopping)
        await transaction.commit()
        assert await claiming == []
        assert await states(store) == ["suppressed"]
        await stopping.close()


async def _waits_for_lock(connection: asyncpg.Connection) -> None:
    async with asyncio.timeout(5):
        while not await connection.fetchval(
            "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted"
            " AND a.datname = current_database()"
        ):
            await asyncio.sleep(0)


class TestLanes:
    async def test_one_customer_has_one_turn_at_a_time(self, store: Store) -> None:
        await store.path.accept([arrived(message("1"))])
        assert len(await claim(store)) == 1
        await store.path.accept([arrived(message("2"))])
        assert await claim(store) == []

    async def test_what_comes_during_a_turn_is_due_when_it_ends(self, store: Store) -> None:
        await store.path.accept([arrived(message("1"))])
        [work] = await claim(store)
        await store.path.accept([arrived(message("2", "and another"))])
        await store.path.commit([outcome(work, "hi")])
        [following] = await claim(store)
        assert [i.message.text for i in following.items if i.message] == ["and another"]

    async def test_what_is_committed_while_a_turn_waits_for_the_lane_is_due_at_once(
        self, dsn: str, store: Store
    ) -> None:
        """The turn's statement has begun, so it cannot see the inbox row; the lane's count tells of it."""
        await store.path.accept([arrived(message("1"))])
        [work] = await claim(store)
        intake = await asyncpg.connect(dsn)
        transaction = intake.transaction()
        await transaction.start()
        await intake.execute(
            "INSERT INTO inbox (customer_id, address_id, kind, priority, due_at, attempts)"
            " SELECT customer_id, $2, 'message', 5, now(), 0 FROM lanes WHERE customer_id = $1",
            work.lease.customer,
            work.addresses[0].id,
        )
        await intake.execute("UPDATE lanes SET arrivals = arrivals + 1")
        committing = asyncio.create_task(store.path.commit([outcome(work, "hi")]))
        await _waits_for_lock(intake)
        await transaction.commit()
        assert await committing == {work.lease.customer: True}
        assert len(await claim(store)) == 1
        await intake.close()

    async def test_a_lane_without_work_is_idle(self, store: Store) -> None:
        await store.path.accept([arrived(message("1"))])
        [work] = await claim(store)
        await store.path.commit([outcome(work, "hi")])
        assert await claim(store) == []

    async def test_a_stale_turn_drops_out_alone(self, store: Store) -> None:
        await store.path.accept([arrived(message("1")), arrived(message("2", sender=MIKE))])
        works = await store.path.load(await store.path.claim(10, lease=0))
        [again] = await store.path.claim(10, lease=30)
        [stolen] = [w for w in works if w.lease.customer == again.lease.customer]
        [kept] = [w for w in works if w.lease.customer != again.lease.customer]
        assert set(await store.path.commit([outcome(stolen, "stale"), outcome(kept, "fine")])) == {kept.lease.customer}
        assert [entry.text for entry in await store.records.outbox()] == ["fine"]

    async def test_who_may_have_killed_a_worker_is_taken_alone(self, store: Store) -> None:
        await store.path.accept([arrived(message(str(n), sender=Address("telegram", str(n)))) for n in range(3)])
        await store.path.claim(3, lease=0)
        await store.path.accept([arrived(message("9", sender=Address("telegram", "9")))])
        batches = [await store.path.claim(10, lease=30) for _ in range(4)]
        assert [(len(batch), batch[0].lease.lost) for batch in batches] == [(1, 1), (1, 1), (1, 1), (1, 0)]

    async def test_what_cannot_be_read_keeps_nobody_else(self, dsn: str, store: Store) -> None:
        await store.path.accept([arrived(message("1")), arrived(message("2", sender=MIKE))])
        await execute(dsn, "UPDATE messages SET body_sealed = decode('ff', 'hex') WHERE id = 1")
        works = await store.path.load(await store.path.claim(10, lease=30))
        [broken] = [work for work in works if isinstance(work, Unreadable)]
        assert broken.reason == "ValueError"
        assert [work.addresses[0].address for work in works if isinstance(work, Work)] == [MIKE]

    async def test_what_a_newer_version_put_there_is_left_to_it(self, dsn: str, store: Store) -> None:
        await store.path.accept([arrived(message("1"))])
        await execute(dsn, "UPDATE inbox SET kind = 'of tomorrow'")
        [work] = await claim(store)
        assert work.items == ()
        await store.path.commit([outcome(work)])
        assert await claim(store) == []
        assert await store.records.waiting() == 1

    async def test_a_parked_lane_waits_for_people(self, store: Store) -> None:
        await store.path.accept([arrived(message("1"))])
        [claimed] = await store.path.claim(1, lease=30)
        await store.path.park(claimed.lease, "its worker was lost each time")
        assert len(await store.records.parked()) == 1
        assert await claim(store) == []

    async def test_a_pause_holds_for_what_comes_during_a_turn_too(self, store: Store) -> None:
        await store.path.accept([arrived(message("1"))])
        [work] = await claim(store)
        await store.path.accept([arrived(message("2"))], pause=60)
        await store.path.commit([outcome(work, "hi")])
        assert await claim(store) == []

    async def test_a_turn_commits_once(self, store: Store) -> None:
        await store.path.accept([arrived(message("1"))])
        [work] = await claim(store)
        assert set(await store.path.commit([outcome(work, "hi")])) == {work.lease.customer}
        assert set(await store.path.commit([outcome(work, "hi")])) == set()
        assert len(await store.records.outbox()) == 1

    async def test_lost_leases_are_counted(self, store: Store) -> None:
        await store.path.accept([arrived(message("1"))])
        lost = [(await store.path.claim(1, lease=0))[0].lease.lost for _ in range(3)]
        assert lost == [0, 1, 2]

    async def test_a_failed_turn_comes_again_and_is_parked_in_the_end(self, store: Store) -> None:
        await store.path.accept([arrived(message("1"))])
        for _ in range(2):
            [work] = await claim(store)
            await give_back(store, work, after=0, attempts=2, reason="turn failed: KeyError")
        assert await claim(store) == []
        assert len(await store.records.parked()) == 1
        [handoff] = await store.records.handoffs()
        assert handoff.reason == "parked, turn failed: KeyError"

    async def test_a_parked_turn_does_not_keep_later_messages(self, store: Store) -> None:
        await store.path.accept([arrived(message("1"))])
        [work] = await claim(store)
        await give_back(store, work, after=0, attempts=1, reason="x")
        await store.path.accept([arrived(message("2", "later"))])
        [following] = await claim(store)
        assert [i.message.text for i in following.items if i.message] == ["later"]

    async def test_a_failed_turn_waits_before_it_comes_again(self, store: Store) -> None:
        edit = IncomingEdit(id="2", at=NOON, sender=Sender(SARAH), message_id="m1", text="x")
        await say(store, "hi")
        await store.path.accept([arrived(edit)])
        [work] = await claim(store)
        await give_back(store, work, after=60, attempts=5, reason="x")
        assert await claim(store) == []

    async def test_what_was_changed_while_more_is_waited_for_is_known_to_the_turn(self, store: Store) -> None:
        edit = IncomingEdit(id="2", at=NOON, sender=Sender(SARAH), message_id="m1", text="x")
        await store.path.accept([arrived(message("1"))])
        await store.path.accept([arrived(edit)], 60)
        [work] = await claim(store)
        assert [item.kind for item in work.items] == [Kind.MESSAGE, Kind.EDIT]

    async def test_nobody_else_takes_what_a_worker_holds(self, store: Store) -> None:
        await store.path.accept([arrived(message(str(n), sender=Address("telegram", str(n)))) for n in range(40)])
        claims = await asyncio.gather(*(store.path.claim(10, lease=30) for _ in range(4)))
        customers = [claimed.lease.customer for batch in claims for claimed in batch]
        assert len(customers) == len(set(customers))


class TestCommit:
    async def test_what_a_turn_leaves_in_its_lane_is_due_at_once(self, store: Store) -> None:
        mail = Address("email", "sarah@example.org")
        await store.records.import_customers([NewCustomer(row=2, addresses=(SARAH, mail), facts={})], {})
        await store.path.accept([arrived(message("1")), arrived(message("2", sender=mail))])
        [work] = await claim(store)
        first = replace(work, items=work.items[:1])
        assert await store.path.commit([outcome(first, "ok")]) == {work.lease.customer: True}
        [again] = await claim(store)
        assert again.items == work.items[1:]

    async def test_a_new_value_closes_the_old_and_an_empty_one_takes_it_back(self, store: Store) -> None:
        for number, name in enumerate(["Sally", "Sal", ""]):
            await store.path.accept([arrived(message(str(number)))])
            [work] = await claim(store)
            assert work.items[0].message is not None
            change = Change(key="preference.register", value=name, source=work.items[0].message.id)
            await store.path.commit([outcome(work, "ok", changes=(change,))])
        await store.path.accept([arrived(message("9"))])
        [work] = await claim(store)
        assert "preference.register" not in stated(work)

    async def test_what_is_stated_beats_what_the_provider_says(self, store: Store) -> None:
        await store.path.accept([arrived(message("1"))])
        [work] = await claim(store)
        assert work.items[0].message is not None
        change = Change(key="name", value="Sally", source=work.items[0].message.id)
        await store.path.commit([outcome(work, "ok", changes=(change,))])
        await store.path.accept([arrived(message("2"))])
        [work] = await claim(store)
        assert stated(work)["name"] == "Sally"

    async def test_what_is_stated_on_one_address_beats_what_the_company_said_of_another(self, store: Store) -> None:
        mail = Address("email", "sarah@example.org")
        sarah = NewCustomer(row=2, addresses=(SARAH, mail), facts={"name": "Ms Lind"})
        await store.records.import_customers([sarah], {})
        await store.path.accept([arrived(message("1", "call me Sally", sender=mail))])
        [work] = await claim(store)
        assert work.items[0].message is not None
        change = Change(key="name", value="Sally", source=work.items[0].message.id)
        await store.path.commit([outcome(work, "ok", changes=(change,))])
        await store.path.accept([arrived(message("2"))])
        [work] = await claim(store)
        assert stated(work)["name"] == "Sally"

    async def test_a_later_import_takes_back_nothing_that_the_customer_said(self, store: Store) -> None:
        await store.path.accept([arrived(message("1", "call me Sally"))])
        [work] = await claim(store)
        assert work.items[0].message is not None
        change = Change(key="name", value="Sally", source=work.items[0].message.id)
        await store.path.commit([outcome(work, "ok", changes=(change,))])
        sarah = NewCustomer(row=2, addresses=(SARAH,), facts={"name": "Ms Lind"})
        await store.records.import_customers([sarah], {})
        assert (await store.records.facts_of(SARAH))["name"] == "Sally"

    async def test_what_could_be_chosen_is_known_when_they_answer(self, store: Store) -> None:
        await store.path.accept([arrived(message("1"))])
        [work] = await claim(store)
        choices = (Choice("Yes", "yes"), Choice("Não", "no:🙂"))
        draft = Draft(to=work.addresses[0], parts=(Paragraph("1. Yes\n2. Não"),), choices=choices)
        await store.path.commit([replace(outcome(work), replies=(Reply(draft, Purpose.REPLY),))])
        await store.path.accept([arrived(message("2", "2"))])
        [work] = await claim(store)
        assert sorted(said.choices for said in work.timeline) == [(), (), choices]

    async def test_an_edit_is_a_revision(self, store: Store) -> None:
        await store.path.accept([arrived(message("1", "helo"))])
        [work] = await claim(store)
        revised = Revised(address=work.addresses[0].id, message_id="m1", at=NOON, text="hello")
        await store.path.commit([outcome(work, "hi", revised=(revised,))])
        first, _ = await store.records.timeline(work.lease.customer)
        assert (first.text, first.revisions) == ("hello", 1)

    async def test_every_promise_is_a_handoff_of_its_own(self, store: Store) -> None:
        for number in range(2):
            await store.path.accept([arrived(message(str(number)))])
            [work] = await claim(store)
            await store.path.commit([outcome(work, "ok", handoff="asked for a person")])
        first, _ = await store.records.handoffs()
        assert await store.records.resolve(first.id)
        assert [h.reason for h in await store.records.handoffs()] == ["asked for a person"]

    async def test_states_only_move_forward(self, store: Store) -> None:
        sent = await sent_message(store)
        await report(store, sent, DeliveryState.DELIVERED)
        await report(store, sent, DeliveryState.SENT)
        assert await states(store) == ["delivered"]

    async def test_of_several_reports_in_one_turn_the_furthest_holds(self, store: Store) -> None:
        sent = await sent_message(store)
        await report(store, sent, DeliveryState.READ, DeliveryState.DELIVERED)
        assert await states(store) == ["read"]

    async def test_a_bounce_comes_after_the_provider_had_it_and_people_hear_of_it(self, store: Store) -> None:
        sent = await sent_message(store)
        await report(store, sent, DeliveryState.REFUSED, unreachable=True)
        assert await states(store) == ["refused"]
        assert [h.reason for h in await store.records.handoffs()] == ["reply not delivered: because"]

    async def test_a_report_that_overtakes_its_own_call_comes_again(self, dsn: str, store: Store) -> None:
        await say(store, "hi")
        [dispatched] = await dispatch(store)
        await report(store, dispatched, DeliveryState.DELIVERED)
        await store.path.finish([result(dispatched, provider_id="p1")])
        assert await states(store) == ["sent"]
        await execute(dsn, "UPDATE inbox SET due_at = now(); UPDATE lanes SET due_at = now()")
        [work] = await claim(store)
        [item] = work.items
        await commit_report(store, work, dispatched, DeliveryState(item.payload["state"]))
        assert await states(store) == ["delivered"]

    async def test_a_report_about_nothing_of_ours_is_forgotten(self, store: Store) -> None:
        sent = await sent_message(store)
        reported = Reported(
            address=sent.address, provider_id="nobody's", state=DeliveryState.READ, reason="", unreachable=False
        )
        await store.path.accept([arrived(message("7"))])
        [work] = await claim(store)
        await store.path.commit([Outcome(work=work, address=sent.address, reported=(reported,))])
        assert await store.records.waiting() == 0

    @pytest.mark.parametrize("unreachable", [False, True])
    async def test_nobody_is_pointed_to_what_came_back(self, store: Store, unreachable: bool) -> None:
        """A bounce may come before the pointer has left."""
        await ask_and_point(store)
        [mail] = await dispatch(store, EMAIL_QUOTA)
        await store.path.finish([result(mail, provider_id="p1")])
        bounce = DeliveryReport(
            id="b", at=NOON, sender=Sender(SARAH_MAIL), provider_id="p1", state=DeliveryState.REFUSED, reason="because"
        )
        await store.path.accept([arrived(bounce)])
        [work] = await claim(store)
        await commit_report(store, work, mail, DeliveryState.REFUSED, unreachable=unreachable)
        assert await states(store) == ["refused", "suppressed"]
        again = [item.message.text for work in await claim(store) for item in work.items if item.message]
        assert again == (["hello"] if unreachable else [])


async def sent_message(store: Store) -> Dispatch:
    await say(store, "hi")
    [dispatched] = await dispatch(store)
    await store.path.finish([result(dispatched, provider_id="p1")])
    return dispatched


async def report(store: Store, about: Dispatch, *told: DeliveryState, unreachable: bool = False) -> None:
    """The provider reports, and a turn takes it."""
    for state in told:
        number = f"{state}-{datetime.now(UTC).timestamp()}"
        item = DeliveryReport(id=number, at=NOON, sender=Sender(SARAH), provider_id="p1", state=state, reason="because")
        await store.path.accept([arrived(item)])
    [work] = await claim(store)
    await commit_report(store, work, about, *told, unreachable=unreachable)


async def commit_report(
    store: Store, work: Work, about: Dispatch, *told: DeliveryState, unreachable: bool = False
) -> None:
    reported = tuple(
        Reported(address=about.address, provider_id="p1", state=state, reason="because", unreachable=unreachable)
        for state in told
    )
    await store.path.commit([Outcome(work=work, address=about.address, reported=reported)])


class TestDispatch:
    async def test_an_addresses_messages_go_out_in_order_one_at_a_time(self, store: Store) -> None:
        await say(store, "one", "two", "three")
        sent = []
        for _ in range(3):
            [dispatched] = await dispatch(store)
            assert await dispatch(store) == []
            sent.append(dispatched.outbound.text)
            await store.path.finish([result(dispatched)])
        assert sent == ["one", "two", "three"]

    async def test_no_more_start_than_are_free(self, store: Store) -> None:
        for number in range(5):
            await say(store, "hi", sender=Address("telegram", str(number)))
        assert len(await dispatch(store, quota(free=3))) == 3
        assert len(await dispatch(store, quota(free=3))) == 2

    async def test_no_message_starts_twice_however_many_workers_ask(self, store: Store) -> None:
        for number in range(10):
            await say(store, "hi", sender=Address("telegram", str(number)))
        claims = await asyncio.gather(*(dispatch(store, quota(free=4)) for _ in range(4)))
        started = [d.outbound.id for claimed in claims for d in claimed]
        assert len(started) == len(set(started))

    async def test_a_message_that_waits_for_its_retry_holds_those_behind_it(self, store: Store) -> None:
        await say(store, "one", "two")
        [dispatched] = await dispatch(store)
        await store.path.finish([result(dispatched, DeliveryState.QUEUED, reason="throttled", after=60)])
        assert await dispatch(store) == []

    async def test_a_retried_message_knows_its_attempts(self, store: Store) -> None:
        await say(store, "one")
        [first] = await dispatch(store)
        await store.path.finish([result(first, DeliveryState.QUEUED, reason="throttled")])
        [second] = await dispatch(store)
        assert (first.outbound.id, second.outbound.attempts) == (second.outbound.id, 2)

    async def test_an_unknown_holds_those_behind_it_only_for_a_while(self, store: Store) -> None:
        await say(store, "one", "two")
        [dispatched] = await dispatch(store)
        await store.path.finish([result(dispatched, DeliveryState.UNKNOWN, reason="cut off")])
        assert await dispatch(store) == []
        later = await store.path.dispatch([quota()], lease=30, unknown_wait=0)
        assert texts(later.starting) == ["two"]

    async def test_what_a_dead_worker_was_sending_is_unknown_and_never_repeated(self, store: Store) -> None:
        await say(store, "one")
        await dispatch(store, lease=0)
        assert await store.path.abandon() == 1
        assert await states(store) == ["unknown"]
        assert await dispatch(store) == []

    async def test_a_late_receipt_settles_an_unknown(self, store: Store) -> None:
        await say(store, "one")
        [dispatched] = await dispatch(store, lease=0)
        await store.path.abandon()
        await store.path.finish([result(dispatched, provider_id="p1")])
        assert await states(store) == ["sent"]

    async def test_an_unreachable_address_gets_nothing_more_and_people_hear_of_it(self, store: Store) -> None:
        await say(store, "one", "two")
        [dispatched] = await dispatch(store)
        await store.path.finish([result(dispatched, DeliveryState.REFUSED, reason="blocked", unreachable=True)])
        assert await dispatch(store) == []
        assert await states(store) == ["refused", "suppressed"]
        assert [h.reason for h in await store.records.handoffs()] == [
            "reply not delivered: blocked",
            "reply kept back: unreachable",
        ]

    async def test_whoever_writes_again_can_be_written_to_again(self, store: Store) -> None:
        await say(store, "one")
        [dispatched] = await dispatch(store)
        await store.path.finish([result(dispatched, DeliveryState.REFUSED, reason="blocked", unreachable=True)])
        await say(store, "two")
        assert texts(await dispatch(store)) == ["two"]

    async def test_a_pointer_leaves_after_what_it_points_to(self, store: Store) -> None:
        await ask_and_point(store)
        assert await dispatch(store) == []
        [mail] = await dispatch(store, EMAIL_QUOTA)
        assert await dispatch(store) == []
        await store.path.finish([result(mail)])
        assert texts(await dispatch(store)) == ["see your mail"]

    async def test_a_pointer_that_waits_holds_up_nothing_else(self, store: Store) -> None:
        await ask_and_point(store)
        await say(store, "something else")
        assert texts(await dispatch(store)) == ["something else"]

    async def test_nobody_is_told_to_look_where_nothing_arrived(self, store: Store) -> None:
        await ask_and_point(store)
        [mail] = await dispatch(store, EMAIL_QUOTA)
        await store.path.finish([result(mail, DeliveryState.REFUSED, reason="too large")])
        assert await dispatch(store) == []
        assert await states(store) == ["refused", "suppressed"]
        assert await claim(store) == []

    async def test_where_an_address_turns_out_to_be_unreachable_the_message_is_taken_again(self, store: Store) -> None:
        await ask_and_point(store)
        [mail] = await dispatch(store, EMAIL_QUOTA)
        await store.path.finish([result(mail, DeliveryState.REFUSED, reason="no such mailbox", unreachable=True)])
        [work] = await claim(store)
        assert [item.message.text for item in work.items if item.message] == ["hello"]
        assert {str(a.address): a.unreachable for a in work.addresses} == {
            "telegram:4711": False,
            "email:sarah@example.org": True,
        }

    async def test_a_pointer_to_what_the_gate_kept_back_stays_too(self, store: Store) -> None:
        await ask_and_point(store)
        await store.path.accept([arrived(message("9", "stop", sender=SARAH_MAIL), stop=True)])
        assert await dispatch(store, EMAIL_QUOTA) == []
        assert await dispatch(store) == []
        assert await states(store) == ["suppressed", "suppressed"]

    async def test_confirmations_have_a_cap_of_their_own(self, store: Store) -> None:
        await say(store, *["stopped"] * 5, purpose=Purpose.CONFIRMATION)
        for _ in range(4):
            [dispatched] = await dispatch(store)
            await store.path.finish([result(dispatched)])
        assert await dispatch(store) == []
        assert (await states(store))[-1] == "suppressed"

    async def test_a_machine_that_answers_proves_nothing(self, store: Store) -> None:
        await say(store, "one")
        [dispatched] = await dispatch(store)
        await store.path.finish([result(dispatched, DeliveryState.REFUSED, reason="gone", unreachable=True)])
        await store.path.accept([arrived(message("8", automatic="a bounce"))])
        [work] = await claim(store)
        assert work.addresses[0].unreachable

    async def test_a_message_that_cannot_be_read_is_dead_and_keeps_no_other(self, dsn: str, store: Store) -> None:
        await say(store, "one")
        await say(store, "two", sender=MIKE)
        await execute(dsn, "UPDATE outbox SET payload_sealed = decode('ff', 'hex') WHERE address_id = 1")
        assert texts(await dispatch(store)) == ["two"]
        assert await states(store) == ["dead", "sending"]
        assert len(await store.records.handoffs()) == 1

    async def test_what_an_account_that_is_gone_left_behind_holds_up_no_other_account(
        self, dsn: str, store: Store
    ) -> None:
        await say(store, "by beta")
        await execute(dsn, "UPDATE outbox SET account = 'beta'")
        await say(store, "by main")
        assert texts(await dispatch(store)) == ["by main"]

    async def test_replies_to_one_address_are_capped_and_the_rest_goes_to_people(self, store: Store) -> None:
        await say(store, "one", "two", "three")
        for _ in range(2):
            [dispatched] = await dispatch(store, quota(replies=2))
            await store.path.finish([result(dispatched)])
        assert await dispatch(store, quota(replies=2)) == []
        assert await states(store) == ["sent", "sent", "suppressed"]
        assert [h.reason for h in await store.records.handoffs()] == ["reply kept back: reply cap"]

    async def test_the_tighter_cap_holds_only_for_what_did_not_answer_us(self, store: Store) -> None:
        await say(store, "first", purpose=Purpose.UNSOLICITED)
        [dispatched] = await dispatch(store, quota(unsolicited=1))
        await store.path.finish([result(dispatched)])
        await say(store, "second", purpose=Purpose.UNSOLICITED)
        assert await dispatch(store, quota(unsolicited=1)) == []
        await say(store, "an answer", purpose=Purpose.REPLY)
        assert texts(await dispatch(store, quota(unsolicited=1))) == ["an answer"]

    async def test_a_greeting_takes_no_place_of_the_tighter_cap_and_gets_none_where_one_is_taken(
        self, store: Store
    ) -> None:
        for text, purpose in (("hello", Purpose.GREETING), ("an answer", Purpose.UNSOLICITED)):
            await say(store, text, purpose=purpose)
            [dispatched] = await dispatch(store, quota(unsolicited=1))
            await store.path.finish([result(dispatched)])
        for purpose in (Purpose.GREETING, Purpose.UNSOLICITED):
            await say(store, "more", purpose=purpose)
            assert await dispatch(store, quota(unsolicited=1)) == []
        assert await states(store) == ["sent", "sent", "suppressed", "suppressed"]

    async def test_unknown_messages_can_be_listed_for_their_provider(self, store: Store) -> None:
        await say(store, "one")
        [dispatched] = await dispatch(store)
        await store.path.finish([result(dispatched, DeliveryState.UNKNOWN, reason="cut off")])
        [(address, outbound)] = await store.path.unknown("telegram", "main")
        assert (address, outbound.id, outbound.to) == (dispatched.address, dispatched.outbound.id, SARAH)
        assert outbound.tried is not None
        queued, given_up = outbound.tried
        assert dispatched.queued_at == queued < given_up

    async def test_an_unknown_that_cannot_be_read_keeps_no_other_from_being_asked_about(
        self, dsn: str, store: Store
    ) -> None:
        for sender in (SARAH, MIKE):
            await say(store, "one", sender=sender)
        both = await dispatch(store)
        await store.path.finish([result(one, DeliveryState.UNKNOWN) for one in both])
        await execute(dsn, f"UPDATE outbox SET payload_sealed = 'x' WHERE id = {both[0].outbound.id}")
        assert [outbound.id for _, outbound in await store.path.unknown("telegram", "main")] == [both[1].outbound.id]

    async def test_the_latest_unknowns_are_asked_about_first(self, store: Store) -> None:
        """Of the others the provider has been asked before, and could not say."""
        for sender in (SARAH, MIKE):
            await say(store, "one", sender=sender)
        both = await dispatch(store)
        await store.path.finish([result(one, DeliveryState.UNKNOWN) for one in both])
        [(_, outbound)] = await store.path.unknown("telegram", "main", limit=1)
        assert outbound.id == both[1].outbound.id

    async def test_a_given_up_message_can_be_queued_again_by_hand(self, store: Store) -> None:
        await say(store, "one")
        [dispatched] = await dispatch(store)
        await store.path.finish([result(dispatched, DeliveryState.DEAD, reason="gave up")])
        assert await store.records.retry(dispatched.outbound.id)
        assert texts(await dispatch(store)) == ["one"]
        assert not await store.records.retry(dispatched.outbound.id)


async def test_a_database_that_is_away_is_said_to_be(dsn: str) -> None:
    async with Store.open(dsn, b"a secret of the tests, long enough") as store:
        await store._pool.close()
        with pytest.raises(StoreUnavailable):
            await store.path.accept([arrived(message("1"))])


async def test_a_lease_outlives_nothing_but_its_own_claim(store: Store) -> None:
    await store.path.accept([arrived(message("1"))])
    [work] = await claim(store)
    forged = replace(work, lease=Lease(work.lease.customer, work.lease.fence + 1, work.lease.arrivals, 0))
    assert set(await store.path.commit([outcome(forged, "forged")])) == set()
    await give_back(store, forged, after=0, attempts=1, reason="forged")
    assert await store.records.parked() == []


async def test_an_old_message_has_its_own_place_on_the_timeline(store: Store) -> None:
    late = replace(message("1", "earlier"), at=NOON - timedelta(hours=1))
    await store.path.accept([arrived(message("2", "later"))])
    await store.path.accept([arrived(late)])
    customer = await store.records.customer_of(SARAH)
    assert customer is not None
    assert [m.text for m in await store.records.timeline(customer)] == ["earlier", "later"]
    [work] = await claim(store)
    assert [m.text for m in work.timeline] == ["earlier", "later"]


async def test_messages_of_one_moment_stand_in_the_order_in_which_they_came(store: Store) -> None:
    for number in ("1", "2", "3"):
        await store.path.accept([arrived(message(number, number))])
    [work] = await claim(store)
    assert len({m.at for m in work.timeline}) == 1
    assert [m.text for m in work.timeline] == ["1", "2", "3"]


async def test_a_turn_sees_how_the_latest_ones_were_meant_oldest_first(store: Store) -> None:
    for number in range(8):
        await store.path.accept([arrived(message(str(number)))])
        [work] = await claim(store)
        assert len(work.earlier) == min(number, 6)
        cross = EarlierTurn(at=NOON, frustration=number / 10, urgency=Urgency.HIGH, answered=number == 7)
        await store.path.commit([outcome(work, mood=cross)])
    await store.path.accept([arrived(message("last"))])
    [work] = await claim(store)
    addresses, turns = zip(*work.earlier, strict=True)
    assert set(addresses) == {work.addresses[0].id}
    assert [turn.frustration for turn in turns] == [0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert [turn.answered for turn in turns] == [False] * 5 + [True]
    assert (turns[0].urgency, turns[0].sentiment, turns[0].expertise) == (Urgency.HIGH, None, None)
    assert sorted(turns, key=lambda turn: turn.at) == list(turns)


async def test_a_level_of_a_newer_version_is_not_known_to_this_one(store: Store) -> None:
    await store.path.accept([arrived(message("1"))])
    [work] = await claim(store)
    mood = EarlierTurn(at=NOON, urgency="apocalyptic", intent="refund")
    await store.path.commit([outcome(work, mood=mood)])
    await store.path.accept([arrived(message("2"))])
    [(_, turn)] = (await claim(store))[0].earlier
    assert (turn.urgency, turn.intent) == (None, "refund")
