"""Events: whom they go to, that each is taken once, and what is kept of them, in whatever order they come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import asyncpg
from hypothesis import given
from hypothesis import strategies as st

from omnibot.memory.events import counted_as, facts_of, tells
from omnibot.model import (
    Address,
    Change,
    Event,
    Identifier,
    IdentifierKind,
    IncomingMessage,
    Proof,
    Property,
    Sender,
    Usage,
)
from omnibot.store import Store
from omnibot.store.history import Span, weave
from omnibot.store.imports import NewCustomer
from omnibot.store.work import Arrived, Happened, Outcome, ToldEvent, Work
from tests.store.test_message_path import NOON, SARAH, SARAH_MAIL, arrived, claim, message, outcome, stated

USER = Address("user", "u-123")
MIKE_MAIL = Address("email", "mike@example.org")


def event(id_: str, name: str = "plan_changed", days: float = 0, **properties: Property) -> Event:
    return Event(id=id_, name=name, at=NOON - timedelta(days=days), properties=properties)


def told(event: Event, of: Address = USER) -> Arrived:
    item = ToldEvent(id=event.id, at=event.at, sender=Sender(of), event=event)
    return Arrived(channel=of.channel, account="", item=item)


def taken(work: Work) -> Outcome:
    """As a turn takes events in."""
    events = [
        Event(
            id=item.payload["id"],
            name=item.payload["name"],
            at=datetime.fromisoformat(item.payload["at"]),
            properties=item.payload["properties"],
            address=item.address,
        )
        for item in work.items
    ]
    changes = tuple(change for one in events for change in facts_of(one))
    happened = tuple(Happened(event=one, usage=counted_as(one), told_of=tells(one, 0)) for one in events)
    return Outcome(work=work, address=work.addresses[0].id, changes=changes, happened=happened)


async def tell(store: Store, *events: Event, of: Address = USER) -> list[bool]:
    """Tell it and take its turns."""
    new = await store.path.accept([told(one, of) for one in events])
    for work in await claim(store):
        await store.path.commit([taken(work)])
    return new


async def seen(store: Store, sender: Address = USER) -> Work:
    """What a turn knows of somebody whom another event is about."""
    await store.path.accept([told(event(f"look-{datetime.now(UTC).timestamp()}", "milestone"), sender)])
    [work] = await claim(store)
    await store.path.commit([Outcome(work=work, address=work.addresses[0].id)])
    return work


def plans(work: Work) -> list[str]:
    return [str(one.properties["plan"]) for one in work.events]


class TestWhoever:
    async def test_is_met_by_what_the_company_tells_of_them(self, store: Store) -> None:
        await tell(store, event("1", plan="Pro"))
        work = await seen(store)
        [known] = work.addresses
        assert (known.address, known.proof) == (USER, Proof.PROVEN)
        assert [(one.name, one.id, one.at, one.properties) for one in work.events] == [
            ("plan_changed", "1", NOON, {"plan": "Pro"})
        ]
        assert stated(work) == {"plan": "Pro"}

    async def test_is_known_again_when_they_bring_the_same_user_id(self, store: Store) -> None:
        await tell(store, event("1", plan="Pro"))
        sender = Sender(SARAH, vouched=(Identifier(IdentifierKind.USER_ID, "u-123"),))
        item = IncomingMessage(id="m1", at=NOON, sender=sender, message_id="m1", text="hello")
        await store.path.accept([arrived(item)])
        [work] = await claim(store)
        assert {known.address for known in work.addresses} == {USER, SARAH}
        assert plans(work) == ["Pro"]
        assert stated(work)["plan"] == "Pro"

    async def test_was_known_before_by_the_user_id(self, store: Store) -> None:
        sarah = NewCustomer(row=2, addresses=(SARAH,), facts={}, user_id="u-123")
        await store.records.import_customers([sarah], {})
        await tell(store, event("1", plan="Pro"))
        customer = await store.records.customer_of(SARAH)
        assert await store.records.customer_of(USER) == customer

    async def test_was_known_before_by_their_address_however_it_is_spelled(self, store: Store) -> None:
        await store.path.accept([arrived(message("1", sender=SARAH_MAIL))])
        [work] = await claim(store)
        await store.path.commit([outcome(work)])
        assert work.addresses[0].proof is Proof.SEEN
        await tell(store, event("1", plan="Pro"), of=Address("email", "Sarah+shop@Example.org"))
        work = await seen(store, SARAH_MAIL)
        assert (work.addresses[0].address, work.addresses[0].proof) == (SARAH_MAIL, Proof.PROVEN)
        assert plans(work) == ["Pro"]

    async def test_is_not_proven_anew_by_every_event(self, store: Store) -> None:
        await tell(store, event("1"))
        [before] = (await seen(store)).addresses
        await tell(store, event("2"))
        [after] = (await seen(store)).addresses
        assert before.proven_at == after.proven_at

    async def test_becomes_one_with_whom_another_event_names(self, store: Store) -> None:
        """A code of theirs at a later time brings both together; each event stays with its address."""
        await tell(store, event("1", plan="Basic"), of=SARAH_MAIL)
        await tell(store, event("2", plan="Pro"))
        await store.identity.merge(SARAH_MAIL, USER, by="Ann", reason="she called", rule="staff")
        assert plans(await seen(store)) == ["Basic", "Pro"]


class TestTelling:
    async def test_the_same_id_is_the_same_event(self, store: Store) -> None:
        assert await tell(store, event("1", plan="Pro"), event("1", plan="Basic")) == [True, False]
        assert await tell(store, event("1", plan="Basic")) == [False]
        assert await tell(store, event("1", plan="Basic"), of=SARAH_MAIL) == [False]
        assert plans(await seen(store)) == ["Pro"]

    async def test_the_same_event_told_by_many_at_once_is_one(self, store: Store) -> None:
        new = await asyncio.gather(*(store.path.accept([told(event("1"))]) for _ in range(20)))
        assert sorted(one for [one] in new) == [False] * 19 + [True]

    async def test_a_message_is_taken_before_events_that_came_first(self, store: Store) -> None:
        await store.path.accept([told(event(str(n)), Address("user", str(n))) for n in range(5)])
        await store.path.accept([arrived(message("1"))])
        [work] = await claim(store, 1)
        assert work.addresses[0].address == SARAH

    async def test_what_is_told_and_what_is_written_are_one_turn(self, store: Store) -> None:
        await store.path.accept([told(event("1", plan="Pro"), SARAH)])
        await store.path.accept([arrived(message("1"))])
        [work] = await claim(store)
        assert [item.kind.value for item in work.items] == ["event", "message"]

    async def test_what_a_lost_turn_took_in_is_taken_in_again_and_counted_once(self, store: Store, dsn: str) -> None:
        await store.path.accept([told(event("1", "feature_used", feature="Export"))])
        [work] = await claim(store)
        await store.path.commit([taken(work)])
        await store.path.accept([told(event("2", "feature_used", feature="Export"))])
        [later] = await claim(store)
        again = taken(work)
        await store.path.commit([Outcome(work=later, address=again.address, happened=again.happened)])
        [(_, usage)] = (await seen(store)).usage
        assert usage.count == 1


class TestKept:
    async def test_events_are_seen_in_the_order_in_which_they_happened(self, store: Store) -> None:
        await tell(store, event("2", days=1, plan="Pro"))
        await tell(store, event("3", plan="Enterprise"), event("1", days=9, plan="Basic"))
        assert plans(await seen(store)) == ["Basic", "Pro", "Enterprise"]

    async def test_the_latest_thirty_are_seen_and_mere_use_is_counted(self, store: Store) -> None:
        await tell(store, *(event(f"i{n}", "invoice", days=50 - n, plan=str(n)) for n in range(40)))
        used = [event(f"u{n}", "feature_used", days=n, feature="Export to PDF") for n in range(60)]
        await tell(store, *used)
        work = await seen(store)
        assert plans(work) == [str(n) for n in range(10, 40)]
        usage = dict(((one.name, one) for _, one in work.usage))
        assert usage["feature_used:export-to-pdf"] == Usage(
            name="feature_used:export-to-pdf", count=60, first_at=NOON - timedelta(days=59), last_at=NOON
        )
        assert usage["invoice"].count == 40

    async def test_a_hundred_names_are_seen_and_no_more_than_a_thousand_are_counted(
        self, store: Store, dsn: str
    ) -> None:
        for start in range(0, 1100, 100):
            await tell(store, *(event(f"{n}", f"thing_{n}", days=2000 - n) for n in range(start, start + 100)))
        work = await seen(store)
        assert [one.name for _, one in work.usage] == [f"thing_{n}" for n in reversed(range(900, 1000))]
        connection = await asyncpg.connect(dsn)
        assert await connection.fetchval("SELECT count(*) FROM events") == 1100
        await connection.close()


class TestFacts:
    async def history(self, store: Store) -> list[tuple[str, float, float | None]]:
        work = await seen(store)
        rows = await store.profiles.history([work.addresses[0].id])
        return [
            (row.value, _days(row.since), None if row.until is None else _days(row.until))
            for row in rows
            if row.key == "plan"
        ]

    async def test_a_value_from_before_is_inserted_closed(self, store: Store) -> None:
        await tell(store, event("2", days=10, plan="Pro"))
        await tell(store, event("1", days=100, plan="Basic"))
        assert await self.history(store) == [("Basic", 100, 10), ("Pro", 10, None)]

    async def test_a_value_between_two_ends_the_one_and_ends_at_the_other(self, store: Store) -> None:
        await tell(store, event("1", days=100, plan="Basic"), event("3", days=10, plan="Enterprise"))
        await tell(store, event("2", days=50, plan="Pro"))
        assert await self.history(store) == [("Basic", 100, 50), ("Pro", 50, 10), ("Enterprise", 10, None)]

    async def test_what_was_taken_back_stays_so_for_what_was_before(self, store: Store) -> None:
        await tell(store, event("1", days=100, plan="Basic"), event("3", "plan_cancelled", days=10))
        await tell(store, event("2", days=50, plan="Pro"))
        assert await self.history(store) == [("Basic", 100, 50), ("Pro", 50, 10)]

    async def test_what_was_taken_back_before_it_was_told_does_not_hold(self, store: Store) -> None:
        await tell(store, event("3", "plan_cancelled", days=10), event("4", "plan_cancelled", days=10))
        await tell(store, event("1", days=100, plan="Basic"))
        assert await self.history(store) == [("Basic", 100, 10)]
        await tell(store, event("6", "plan_cancelled", days=5))
        await tell(store, event("5", days=7, plan="Pro"))
        await tell(store, event("2", days=50, plan="Max"))
        assert await self.history(store) == [("Basic", 100, 50), ("Max", 50, 10), ("Pro", 7, 5)]
        assert "plan" not in stated(await seen(store))

    async def test_what_is_taken_back_twice_at_once_leaves_one_end(self, store: Store, dsn: str) -> None:
        await tell(store, event("1", "plan_cancelled", days=10))
        await tell(store, event("2", "plan_cancelled", days=10))
        connection = await asyncpg.connect(dsn)
        assert await connection.fetchval("SELECT count(*) FROM facts WHERE key = 'plan'") == 1
        await connection.close()

    async def test_a_fact_knows_its_event(self, store: Store) -> None:
        await tell(store, event("1", plan="Pro"))
        work = await seen(store)
        [fact] = [one for one in work.facts if one.key == "plan"]
        assert (fact.source, fact.confidence, fact.since) == ("event", 0.9, NOON)
        [row] = await store.profiles.facts([work.addresses[0].id])
        assert (row.event, row.source) == ("plan_changed", "event")

    async def test_what_the_customer_says_counts_for_more_and_the_contradiction_is_seen(self, store: Store) -> None:
        await store.path.accept([arrived(message("1"))])
        [work] = await claim(store)
        await store.path.commit([outcome(work, changes=(Change(key="plan", value="Pro"),))])
        later = datetime.now(NOON.tzinfo) + timedelta(minutes=1)
        await tell(store, Event(id="1", name="plan_changed", at=later, properties={"plan": "Basic"}), of=SARAH)
        work = await seen(store, SARAH)
        assert stated(work)["plan"] == "Pro"
        rows = await store.profiles.history([work.addresses[0].id])
        assert {(row.value, row.held) for row in rows if row.key == "plan"} == {("Pro", True), ("Basic", False)}


def _days(at: datetime) -> float:
    return (NOON - at).total_seconds() / 86400


Said = tuple[int, str, float]


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from(["Basic", "Pro", "Max", ""]), st.just(0.9)), max_size=12))
def test_in_whatever_order_values_come_no_two_hold_at_once(said: Sequence[Said]) -> None:
    spans: list[Span] = []
    for days, value, confidence in said:
        new = weave(spans, value, confidence, NOON + timedelta(days=days))
        if new is not None:
            spans.append(new)
    held = sorted((span for span in spans if span.held), key=lambda span: span.since)
    for span, following in pairwise(held):
        assert span.until is not None
        assert span.until <= following.since
    assert all(span.until is None or span.until >= span.since for span in spans)


@given(st.permutations([(1, "Basic"), (5, ""), (7, "Pro"), (9, ""), (11, ""), (14, "Max")]))
def test_the_order_in_which_values_are_told_and_taken_back_makes_no_difference(said: Sequence[tuple[int, str]]) -> None:
    spans: list[Span] = []
    for days, value in said:
        new = weave(spans, value, 0.9, NOON + timedelta(days=days))
        if new is not None:
            spans.append(new)
    for day, value in ((0, ""), (1, "Basic"), (5, ""), (7, "Pro"), (8, "Pro"), (9, ""), (13, ""), (14, "Max")):
        at = NOON + timedelta(days=day)
        assert "".join(span.value for span in spans if span.holds(at)) == value


@given(st.permutations([(1, "Basic"), (5, "Pro"), (9, "Max"), (14, "Basic")]))
def test_the_order_in_which_values_are_told_makes_no_difference(said: Sequence[tuple[int, str]]) -> None:
    spans: list[Span] = []
    for days, value in said:
        new = weave(spans, value, 0.9, NOON + timedelta(days=days))
        if new is not None:
            spans.append(new)
    for day, value in ((1, "Basic"), (4, "Basic"), (5, "Pro"), (9, "Max"), (13, "Max"), (14, "Basic"), (99, "Basic")):
        at = NOON + timedelta(days=day)
        assert [span.value for span in spans if span.holds(at)] == [value]
