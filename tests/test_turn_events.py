"""Turns that take events in, alone and with what is written; and whose all of it is after a merge and a split."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from omnibot.events import Events
from omnibot.model import (
    Address,
    AddressId,
    Attempt,
    CaseChange,
    CaseState,
    Change,
    Move,
    MoveKind,
    Plan,
    Proof,
    Snapshot,
)
from omnibot.settings import Settings
from omnibot.store import Store
from omnibot.store.imports import NewCustomer
from omnibot.store.work import Outcome, Work
from omnibot.turn import take
from omnibot.turns.knowing import identified
from omnibot.turns.lane import what_happened, with_events
from omnibot.turns.record import rested_on
from omnibot.turns.steps import Steps
from tests.store.test_message_path import NOON, SARAH, SARAH_MAIL, arrived, claim, message, outcome, stated
from tests.test_turn import steps  # noqa: F401 - a fixture

ANN = {"by": "Ann", "reason": "she called"}


@pytest.fixture
def events(store: Store) -> Events:
    return Events(store, Settings(channels={}))


async def tell(events: Events, id_: str, name: str = "plan_changed", days: float = 0, **properties: object) -> None:
    fields = {
        "id": id_,
        "name": name,
        "of": "email:sarah@example.org",
        "at": NOON - timedelta(days=days),
        "properties": properties,
    }
    await events.tell_all([events.read(fields)])


async def sarah(store: Store) -> None:
    person = NewCustomer(row=2, addresses=(SARAH, SARAH_MAIL), facts={"plan": "Free"})
    await store.records.import_customers([person], {"telegram": "main", "email": "main"})


async def taken(store: Store, steps: Steps) -> Outcome:  # noqa: F811
    """The turn of whoever is due, committed."""
    [work] = await claim(store)
    done = take(work, steps)
    assert done.work.lease.customer in await store.path.commit([done])
    return done


def at(work: Work, address: Address) -> AddressId:
    return next(one.id for one in work.addresses if one.address == address)


class TestAlone:
    async def test_an_event_is_kept_and_nothing_is_said(self, store: Store, events: Events, steps: Steps) -> None:  # noqa: F811
        await sarah(store)
        await tell(events, "1", plan="Pro")
        done = await taken(store, steps)
        assert (done.replies, done.record, [one.event.id for one in done.happened]) == ((), None, ["1"])
        await store.path.accept([arrived(message("1"))])
        [work] = await claim(store)
        assert [(one.id, one.address) for one in work.events] == [("1", at(work, SARAH_MAIL))]

    async def test_events_of_one_turn_are_taken_in_the_order_in_which_they_happened(
        self,
        store: Store,
        events: Events,
        steps: Steps,  # noqa: F811
    ) -> None:
        await tell(events, "2", days=1, plan="Pro")
        await tell(events, "1", days=9, plan="Basic")
        done = await taken(store, steps)
        assert [one.event.id for one in done.happened] == ["1", "2"]
        await tell(events, "3", "milestone")
        [work] = await claim(store)
        assert stated(work)["plan"] == "Pro"

    async def test_what_happens_all_the_time_is_only_counted_in_the_end(
        self,
        store: Store,
        events: Events,
        steps: Steps,  # noqa: F811
    ) -> None:
        for number in range(60):
            await tell(events, str(number), "badge_earned", days=60 - number)
        done = await taken(store, steps)
        assert [one.told_of for one in done.happened] == [True] * 50 + [False] * 10
        await tell(events, "more", "badge_earned")
        done = await taken(store, steps)
        assert [one.told_of for one in done.happened] == [False]


class TestWithWhatIsWritten:
    async def known(self, store: Store, steps: Steps) -> tuple[Snapshot, Outcome]:  # noqa: F811
        await store.path.accept([arrived(message("1", "hello"))])
        [work] = await claim(store)
        return identified(with_events(work), at(work, SARAH), steps), take(work, steps)

    async def test_what_waits_to_be_told_is_known_to_the_turn(
        self,
        store: Store,
        events: Events,
        steps: Steps,  # noqa: F811
    ) -> None:
        await sarah(store)
        now = datetime.now(NOON.tzinfo)
        await events.tell("signed_up", of="email:sarah@example.org", id="1", at=NOON, plan="Free")
        await events.tell("plan_changed", of="email:sarah@example.org", id="2", at=now, plan="Pro")
        snapshot, done = await self.known(store, steps)
        assert [event.name for event in snapshot.events] == ["signed_up", "plan_changed"]
        assert (snapshot.facts["plan"], snapshot.since) == ("Pro", NOON)
        assert done.replies
        await store.path.commit([done])
        await tell(events, "3", "milestone")
        [work] = await claim(store)
        assert stated(work)["plan"] == "Pro"
        assert [event.id for event in work.events] == ["1", "2"]

    async def test_what_they_said_themselves_counts_for_more(
        self,
        store: Store,
        events: Events,
        steps: Steps,  # noqa: F811
    ) -> None:
        await sarah(store)
        await store.path.accept([arrived(message("0", sender=SARAH_MAIL))])
        [work] = await claim(store)
        mail = at(work, SARAH_MAIL)
        said = Change(key="plan", value="Max", source=work.items[0].message.id if work.items[0].message else None)
        await store.path.commit([replace(outcome(work), address=mail, changes=(said,))])
        await events.tell(
            "plan_changed", of="email:sarah@example.org", id="1", at=datetime.now(NOON.tzinfo), plan="Pro"
        )
        snapshot, _ = await self.known(store, steps)
        assert snapshot.facts["plan"] == "Max"

    async def test_what_is_taken_back_is_not_known_any_more(
        self,
        store: Store,
        events: Events,
        steps: Steps,  # noqa: F811
    ) -> None:
        await sarah(store)
        now = datetime.now(NOON.tzinfo)
        await events.tell("plan_changed", of="email:sarah@example.org", id="1", at=now, plan="Pro")
        await events.tell("plan_cancelled", of="email:sarah@example.org", id="2", at=now)
        [work] = await claim(store)
        assert "plan" not in {fact.key for fact in with_events(work).facts if fact.address == at(work, SARAH_MAIL)}
        await store.path.commit([take(work, steps)])
        await tell(events, "3", "milestone")
        [work] = await claim(store)
        assert "plan" not in {fact.key for fact in work.facts if fact.address == at(work, SARAH_MAIL)}

    async def test_an_older_value_is_not_taken_for_the_newest(
        self,
        store: Store,
        events: Events,
        steps: Steps,  # noqa: F811
    ) -> None:
        await tell(events, "2", days=1, plan="Pro")
        await taken(store, steps)
        await tell(events, "1", days=9, plan="Basic")
        [work] = await claim(store)
        assert stated(with_events(work))["plan"] == "Pro"
        assert [one.event.id for one in what_happened(work)[0]] == ["1"]


class TestMergeAndSplit:
    """She wrote from two addresses before anybody knew that both are hers."""

    async def remembered(self, store: Store, events: Events, steps: Steps) -> None:  # noqa: F811
        for number, sender in enumerate((SARAH, SARAH_MAIL)):
            await store.path.accept([arrived(message(str(number), sender=sender))])
            [work] = await claim(store)
            attempts = (Attempt(what=f"step {number}", by="bot", at=NOON),)
            case = CaseChange(
                id=None,
                intent="api-timeout",
                state=CaseState.OPEN,
                contact=True,
                concern=str(number),
                attempts=attempts,
            )
            habits = {"formality": float(number)}
            done = Outcome(work=work, address=work.addresses[0].id, record={}, case=case, habits=habits)
            await store.path.commit([done])
        await tell(events, "1", plan="Pro")
        await taken(store, steps)

    async def work(self, store: Store, sender: Address, number: int) -> Work:
        await store.path.accept(
            [arrived(replace(message(f"look {number}"), sender=replace(message("").sender, address=sender)))]
        )
        [work] = await claim(store)
        await store.path.commit([replace(outcome(work), address=at(work, sender))])
        return work

    async def test_all_of_it_follows_its_address(self, store: Store, events: Events, steps: Steps) -> None:  # noqa: F811
        await self.remembered(store, events, steps)
        before = {sender: await self.work(store, sender, n) for n, sender in enumerate((SARAH, SARAH_MAIL))}
        assert [len(before[one].cases) for one in (SARAH, SARAH_MAIL)] == [1, 1]
        assert (before[SARAH].events, [event.id for event in before[SARAH_MAIL].events]) == ((), ["1"])

        await store.identity.merge(SARAH, SARAH_MAIL, rule="staff", **ANN)
        both = await self.work(store, SARAH, 3)
        assert both.cases == tuple(
            sorted((*before[SARAH].cases, *before[SARAH_MAIL].cases), key=lambda side: (side.touched_at, side.id))
        )
        assert dict(both.habits) == dict((*before[SARAH].habits, *before[SARAH_MAIL].habits))
        assert (both.events, both.usage) == (before[SARAH_MAIL].events, before[SARAH_MAIL].usage)

        await store.identity.split_off(SARAH, SARAH_MAIL, **ANN)
        for number, sender in enumerate((SARAH, SARAH_MAIL), 4):
            after = await self.work(store, sender, number)
            for part in ("events", "usage", "cases", "habits"):
                assert getattr(after, part) == getattr(before[sender], part)
            assert {(fact.key, fact.value) for fact in after.facts} == {
                (fact.key, fact.value) for fact in before[sender].facts
            }

    async def test_a_case_over_both_is_whole_while_they_are_one_and_each_keeps_its_own_afterwards(
        self,
        store: Store,
        events: Events,
        steps: Steps,  # noqa: F811
    ) -> None:
        await self.remembered(store, events, steps)
        await store.identity.merge(SARAH, SARAH_MAIL, rule="staff", **ANN)
        work = await self.work(store, SARAH, 10)
        first = next(side for side in work.cases if side.address == at(work, SARAH))
        await store.path.accept([arrived(message("both", sender=SARAH_MAIL))])
        [work] = await claim(store)
        mail = at(work, SARAH_MAIL)
        change = CaseChange(
            id=first.id,
            intent="api-timeout",
            state=CaseState.HANDED_OFF,
            contact=True,
            concern="by mail",
            attempts=(Attempt(what="step 9", by="Ana", at=NOON),),
        )
        await store.path.commit([Outcome(work=work, address=mail, record={}, case=change, sides=(first.address,))])
        work = await self.work(store, SARAH, 11)
        whole = next(case for case in self.snapshot(work, SARAH, steps).cases if case.id == first.id)
        assert (whole.contacts, whole.state, len(whole.attempts)) == (2, CaseState.HANDED_OFF, 2)
        assert set(whole.addresses) == {first.address, mail}

        await store.identity.split_off(SARAH, SARAH_MAIL, **ANN)
        for number, (sender, concern, tried) in enumerate(
            ((SARAH, "0", "step 0"), (SARAH_MAIL, "by mail", "step 9")), 12
        ):
            work = await self.work(store, sender, number)
            own = next(case for case in self.snapshot(work, sender, steps).cases if case.id == first.id)
            assert (own.contacts, own.state, own.concern) == (1, CaseState.HANDED_OFF, concern)
            assert [one.what for one in own.attempts] == [tried]
            sides = await store.profiles.sides([at(work, sender)])
            assert {side.address for side in sides if side.id == first.id} == {first.address, mail}

    async def test_what_was_said_at_one_address_is_not_left_with_the_other(
        self,
        store: Store,
        events: Events,
        steps: Steps,  # noqa: F811
    ) -> None:
        await self.remembered(store, events, steps)
        await store.identity.merge(SARAH, SARAH_MAIL, rule="staff", **ANN)
        work = await self.work(store, SARAH, 10)
        first = next(side for side in work.cases if side.address == at(work, SARAH))
        go_on = CaseChange(
            id=first.id, intent="api-timeout", state=CaseState.WAITING, contact=True, concern="0", asked=("which",)
        )
        done = Outcome(work=work, address=first.address, record={}, case=go_on)
        await store.path.accept([arrived(message("here"))])
        [work] = await claim(store)
        await store.path.commit([replace(done, work=work)])

        await store.path.accept([arrived(message("there", sender=SARAH_MAIL))])
        [work] = await claim(store)
        mail = at(work, SARAH_MAIL)
        here = replace(go_on, asked=("which", "when"))  # as whoever sees both sides goes on
        await store.path.commit([Outcome(work=work, address=mail, record={}, case=here, sides=(first.address,))])
        work = await self.work(store, SARAH, 11)
        whole = next(case for case in self.snapshot(work, SARAH, steps).cases if case.id == first.id)
        assert (whole.concern, whole.asked) == ("0", ("which", "when"))

        await store.identity.split_off(SARAH, SARAH_MAIL, **ANN)
        for number, (sender, concern, asked) in enumerate(((SARAH, "0", ("which",)), (SARAH_MAIL, "", ("when",))), 12):
            work = await self.work(store, sender, number)
            own = next(case for case in self.snapshot(work, sender, steps).cases if case.id == first.id)
            assert (own.concern, own.asked) == (concern, asked)

    def snapshot(self, work: Work, sender: Address, steps: Steps) -> Snapshot:  # noqa: F811
        proven = tuple(replace(one, proof=Proof.PROVEN, proven_at=work.at) for one in work.addresses)
        return identified(replace(work, addresses=proven), at(work, sender), steps)


async def test_the_record_tells_what_facts_and_events_were_when_they_were_used(
    store: Store,
    events: Events,
    steps: Steps,  # noqa: F811
) -> None:
    """They may be others when somebody asks why."""
    await tell(events, "1", plan="Pro")
    await taken(store, steps)
    await tell(events, "2", "milestone")
    [work] = await claim(store)
    snapshot = identified(work, at(work, SARAH_MAIL), steps)
    [fact] = [fact for fact in work.facts if fact.key == "plan"]
    sources = ("event:1", "fact:plan", "event:none", "fact:none", "message:1", "article:x")
    plan = Plan(moves=(Move(kind=MoveKind.CAUSE, sources=sources),))
    assert dict(rested_on(work, snapshot, plan)) == {
        "event:1": {"name": "plan_changed", "at": NOON},
        "fact:plan": {"id": fact.id, "from": "event", "since": NOON},
    }
