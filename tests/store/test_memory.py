"""What memory keeps, on a real PostgreSQL: facts by how sure they are, cases by their sides, habits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg
import pytest

from omnibot.model import (
    Address,
    AddressId,
    Attempt,
    CaseChange,
    CaseState,
    Change,
    Result,
)
from omnibot.store import Store
from omnibot.store.imports import NewCustomer
from omnibot.store.work import Outcome, Work
from tests.store.test_message_path import NOON, SARAH, SARAH_MAIL, arrived, claim, message, outcome, stated

LIMITS = "article:api-limits"


async def said(store: Store, number: int, sender: Address = SARAH, at: datetime = NOON) -> Work:
    """She writes, and her turn is claimed."""
    item = replace(message(f"{sender}-{number}", sender=sender), at=at)
    await store.path.accept([arrived(item)])
    [work] = await claim(store)
    return work


def about(work: Work, sender: Address = SARAH) -> AddressId:
    return next(address.id for address in work.addresses if address.address == sender)


def turned(work: Work, sender: Address = SARAH, **fields) -> Outcome:
    return Outcome(work=work, address=about(work, sender), record={"why": "a test"}, **fields)


def opened(**fields) -> CaseChange:
    given = {"id": None, "intent": "api-timeout", "state": CaseState.OPEN, "contact": True}
    return CaseChange(**given | fields)


@pytest.fixture
async def both(store: Store) -> None:
    """Sarah, with Telegram and mail."""
    sarah = NewCustomer(row=2, addresses=(SARAH, SARAH_MAIL), facts={})
    await store.records.import_customers([sarah], {"telegram": "main", "email": "main"})


class TestFacts:
    async def test_what_is_less_sure_than_what_holds_is_seen_and_does_not_hold(self, store: Store) -> None:
        work = await said(store, 1)
        await store.path.commit([outcome(work, changes=(Change(key="plan", value="Pro"),))])
        work = await said(store, 2)
        [first] = [fact for fact in work.facts if fact.key == "plan"]
        weaker = Change(key="plan", value="Basic", confidence=0.6)
        await store.path.commit([outcome(work, changes=(weaker,))])
        work = await said(store, 3)
        assert stated(work)["plan"] == "Pro"
        assert [fact.id for fact in work.facts if fact.key == "plan"] == [first.id]
        history = await store.profiles.history([work.addresses[0].id])
        assert [(fact.value, fact.held) for fact in history if fact.key == "plan"] == [("Pro", True), ("Basic", False)]

    async def test_what_is_as_sure_as_what_holds_takes_its_place(self, store: Store) -> None:
        for number, plan in enumerate(("Basic", "Pro")):
            work = await said(store, number)
            change = Change(key="plan", value=plan, confidence=0.6)
            await store.path.commit([outcome(work, changes=(change,))])
        work = await said(store, 3)
        assert stated(work)["plan"] == "Pro"
        [fact] = [fact for fact in work.facts if fact.key == "plan"]
        assert fact.confidence == 0.6

    async def test_taking_a_value_back_asks_not_how_sure_it_was(self, store: Store) -> None:
        work = await said(store, 1)
        await store.path.commit([outcome(work, changes=(Change(key="plan", value="Pro"),))])
        work = await said(store, 2)
        await store.path.commit([outcome(work, changes=(Change(key="plan", value="", confidence=0.1),))])
        assert "plan" not in stated(await said(store, 3))


class TestCases:
    async def test_a_case_is_named_after_the_message_that_opened_it(self, store: Store, dsn: str) -> None:
        work = await said(store, 1)
        assert work.items[0].message
        assert work.cases == ()
        await store.path.commit([turned(work, case=opened(topic="E42", concern="it times out", asked=("which-plan",)))])
        [side] = (await said(store, 2, at=NOON + timedelta(hours=1))).cases
        assert side.id == work.items[0].message.id
        assert (side.intent, side.topic, side.concern, side.asked) == (
            "api-timeout",
            "E42",
            "it times out",
            ("which-plan",),
        )
        assert (side.state, side.contacts, side.contacted_at) == (CaseState.OPEN, 1, (NOON,))
        assert (side.opened_at, side.touched_at, side.resolved_at, side.reopened) == (NOON, NOON, None, 0)
        connection = await asyncpg.connect(dsn)
        assert await connection.fetchval("SELECT matter_id FROM turns ORDER BY id LIMIT 1") == side.id
        await connection.close()

    async def test_attempts_are_added_and_judged(self, store: Store) -> None:
        work = await said(store, 1)
        told = Attempt(what=LIMITS, by="bot", at=NOON, source="turn:1")
        await store.path.commit([turned(work, case=opened(attempts=(told,)))])
        later = NOON + timedelta(days=1)
        work = await said(store, 2, at=later)
        [side] = work.cases
        assert side.attempts == (told,)
        failed = replace(told, by="customer", at=later, result=Result.FAILED)
        restarted = Attempt(what="restarted it", by="customer", at=later, result=Result.FAILED, source="message:2")
        change = opened(id=side.id, attempts=(failed, restarted))
        await store.path.commit([turned(work, case=change)])
        [side] = (await said(store, 3)).cases
        assert side.attempts == (replace(told, result=Result.FAILED), restarted)
        assert (side.contacts, side.touched_at) == (2, later)

    async def test_what_is_solved_at_one_address_is_solved_at_the_others_that_may_know_of_it(
        self, store: Store, both: None
    ) -> None:
        work = await said(store, 1)
        await store.path.commit([turned(work, case=opened(concern="it times out"))])
        work = await said(store, 2, SARAH_MAIL)
        [side] = work.cases
        there = (side.address,)
        waiting = opened(id=side.id, state=CaseState.WAITING)
        await store.path.commit([turned(work, SARAH_MAIL, case=waiting, sides=there)])
        work = await said(store, 3, SARAH_MAIL, NOON + timedelta(minutes=1))
        assert {(one.address, one.state, one.contacts, one.concern) for one in work.cases} == {
            (about(work), CaseState.WAITING, 1, "it times out"),
            (about(work, SARAH_MAIL), CaseState.WAITING, 1, ""),
        }
        solved = opened(id=side.id, state=CaseState.RESOLVED, contact=False)
        await store.path.commit([turned(work, SARAH_MAIL, case=solved, sides=there)])
        work = await said(store, 4, at=NOON + timedelta(days=1))
        assert [one.state for one in work.cases] == [CaseState.RESOLVED] * 2
        assert all(one.resolved_at for one in work.cases)
        again = opened(id=side.id, state=CaseState.REOPENED)
        sides = tuple(one.address for one in work.cases)
        await store.path.commit([turned(work, case=again, sides=sides)])
        work = await said(store, 5)
        assert [(one.state, one.reopened, one.resolved_at) for one in work.cases] == [(CaseState.REOPENED, 1, None)] * 2

    async def test_an_address_that_may_not_know_of_a_case_changes_nothing_of_it(self, store: Store, both: None) -> None:
        work = await said(store, 1)
        await store.path.commit([turned(work, case=opened())])
        work = await said(store, 2, SARAH_MAIL)
        [side] = work.cases
        solved = opened(id=side.id, state=CaseState.RESOLVED)
        await store.path.commit([turned(work, SARAH_MAIL, case=solved)])
        work = await said(store, 3)
        assert {one.address: one.state for one in work.cases} == {
            about(work): CaseState.OPEN,
            about(work, SARAH_MAIL): CaseState.RESOLVED,
        }

    async def test_open_ones_are_loaded_before_those_that_are_over(self, store: Store) -> None:
        for number in range(25):
            work = await said(store, number, at=NOON + timedelta(hours=number))
            state = CaseState.OPEN if number < 5 else CaseState.RESOLVED
            await store.path.commit([turned(work, case=opened(topic=str(number), state=state))])
        work = await said(store, 30)
        assert [side.topic for side in work.cases] == [str(n) for n in (*range(5), *range(10, 25))]

    async def test_a_turn_that_was_lost_leaves_nothing(self, store: Store) -> None:
        work = await said(store, 1)
        stale = replace(work, lease=replace(work.lease, fence=work.lease.fence - 1))
        assert await store.path.commit([turned(stale, case=opened(), habits={"emoji": 0.5})]) == {}
        await store.path.commit([turned(work)])
        work = await said(store, 2)
        assert (work.cases, work.habits) == ((), ())


class TestHabits:
    async def test_each_address_has_its_own(self, store: Store, both: None) -> None:
        for number, sender in enumerate((SARAH, SARAH_MAIL, SARAH)):
            work = await said(store, number, sender)
            await store.path.commit([turned(work, sender, habits={"messages": float(number), "formality": 0.25})])
        work = await said(store, 5)
        assert dict(work.habits) == {
            about(work): {"messages": 2.0, "formality": 0.25},
            about(work, SARAH_MAIL): {"messages": 1.0, "formality": 0.25},
        }
