"""What the gate lets wait: for who must write first, and for what an account may spend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from omnibot.model import Address, AddressId, DeliveryReport, DeliveryState, Sender
from omnibot.store import Store
from omnibot.store.records import OutboxEntry
from omnibot.store.work import Dispatch, Held, Overspent, Purpose, Quota, Reported
from tests.store.statements import execute, rows
from tests.store.test_message_path import (
    MIKE,
    NOON,
    SARAH,
    arrived,
    claim,
    dispatch,
    message,
    outcome,
    quota,
    result,
    texts,
)

WINDOW = replace(quota(), window=86_400.0)
KNOCKS = replace(WINDOW, knocks=True)
NOW = datetime.now(UTC)


def capped(units: int, free: int = 10, seconds: float = 86_400.0) -> Quota:
    return replace(quota(free=free), spend=units, spend_seconds=seconds)


async def hear(store: Store, id_: str, sender: Address = SARAH, at: datetime | None = None) -> None:
    await store.path.accept([arrived(replace(message(id_, sender=sender), at=at or datetime.now(UTC)))])


async def answer(store: Store, *said: str, opened: bool = False, purpose: Purpose = Purpose.REPLY) -> None:
    """Reply to all that waits for a turn."""
    outcomes = [outcome(work, *said, purpose=purpose) for work in await claim(store)]
    if opened:
        outcomes = [replace(o, opened=(o.address,)) for o in outcomes]
    await store.path.commit(outcomes)


async def heard(store: Store, *said: str, ago: timedelta = timedelta(), sender: Address = SARAH) -> None:
    """Somebody wrote so long ago, and now these leave for them."""
    await hear(store, f"{sender}-{len(said)}-{ago}", sender, datetime.now(UTC) - ago)
    await answer(store, *said)


async def entries(store: Store) -> Sequence[OutboxEntry]:
    return list(reversed(await store.records.outbox()))


async def states(store: Store) -> list[tuple[str, str]]:
    return [(entry.state.value, entry.reason) for entry in await entries(store)]


async def reasons(store: Store) -> list[str]:
    return sorted(handoff.reason for handoff in await store.records.handoffs())


HELD = ("held", Held.WINDOW.value)
SPENT = ("held", Held.SPEND.value)


class TestWindow:
    async def test_what_is_written_to_who_has_just_written_leaves(self, store: Store) -> None:
        await heard(store, "hello")
        assert texts(await dispatch(store, WINDOW)) == ["hello"]

    async def test_24_hours_and_a_second_later_it_is_held_and_people_hear_of_it(self, store: Store) -> None:
        """Row 44 of bad inputs."""
        await heard(store, "late", ago=timedelta(hours=24, seconds=1))
        await heard(store, "in time", ago=timedelta(hours=23, minutes=59), sender=MIKE)
        assert texts(await dispatch(store, WINDOW)) == ["in time"]
        assert await states(store) == [HELD, ("sending", "")]
        assert await reasons(store) == ["reply kept back: outside the window"]
        [late, _] = await entries(store)
        assert late.attempts == 0
        assert late.due_at > datetime.now(UTC)

    async def test_nobody_can_be_written_to_who_never_wrote(self, dsn: str, store: Store) -> None:
        await heard(store, "out of the blue")
        await execute(dsn, "DELETE FROM messages WHERE direction = 'in'")
        assert await dispatch(store, WINDOW) == []
        assert await states(store) == [HELD]

    async def test_a_time_that_lies_ahead_opens_nothing_for_longer(self, dsn: str, store: Store) -> None:
        """A provider's clock may be wrong: it counts when we heard of it."""
        await heard(store, "late", ago=-timedelta(days=30))
        await execute(dsn, "UPDATE messages SET received_at = now() - interval '25 h'")
        assert await dispatch(store, WINDOW) == []

    async def test_another_number_of_ours_has_a_window_of_its_own(self, dsn: str, store: Store) -> None:
        await heard(store, "late")
        await execute(dsn, "UPDATE outbox SET account = 'second'")
        assert await dispatch(store, replace(WINDOW, account="second")) == []
        assert await states(store) == [HELD]

    async def test_all_that_waits_is_held_and_leaves_in_order_when_they_write(self, store: Store) -> None:
        await heard(store, "one", "two", ago=timedelta(hours=25))
        while (await store.path.dispatch([WINDOW], lease=30, unknown_wait=60)).kept_back:
            pass
        assert await states(store) == [HELD, HELD]
        await hear(store, "back")
        await answer(store, "three", opened=True)
        assert await states(store) == [("queued", "")] * 3
        for text in ("one", "two", "three"):
            [started] = await dispatch(store, WINDOW)
            assert started.outbound.text == text
            await store.path.finish([result(started)])

    async def test_only_who_wrote_is_written_to_again(self, store: Store) -> None:
        await heard(store, "sarah's", ago=timedelta(hours=25))
        await heard(store, "mike's", ago=timedelta(hours=25), sender=MIKE)
        await dispatch(store, WINDOW)
        await hear(store, "back", MIKE)
        await answer(store, opened=True)
        assert texts(await dispatch(store, WINDOW)) == ["mike's"]

    async def test_a_stale_turn_releases_nothing(self, store: Store) -> None:
        await heard(store, "late", ago=timedelta(hours=25))
        await dispatch(store, WINDOW)
        await hear(store, "back")
        [work] = await claim(store)
        stale = replace(work, lease=replace(work.lease, fence=work.lease.fence - 1))
        await store.path.commit([replace(outcome(stale), opened=(work.addresses[0].id,))])
        assert await states(store) == [HELD]

    async def test_a_stop_passes_what_is_held(self, store: Store) -> None:
        await heard(store, "late", ago=timedelta(hours=25))
        await dispatch(store, WINDOW)
        await store.path.accept([arrived(message("stop", "STOP"), stop=True)])
        assert await states(store) == [("suppressed", "stopped")]

    async def test_a_template_leaves_all_the_same_and_knows_how_long_they_were_silent(self, store: Store) -> None:
        await heard(store, "late", ago=timedelta(hours=30))
        [started] = await dispatch(store, KNOCKS)
        assert started.outbound.heard_at is not None
        assert abs(datetime.now(UTC) - timedelta(hours=30) - started.outbound.heard_at) < timedelta(seconds=5)

    async def test_what_a_message_missed_by_a_hairs_breadth_is_looked_at_again(self, dsn: str, store: Store) -> None:
        """It came in while the gate was judging, so that nothing released what was held just then."""
        await heard(store, "late", ago=timedelta(hours=25))
        await dispatch(store, WINDOW)
        await hear(store, "back")
        await execute(dsn, "UPDATE outbox SET due_at = now() WHERE due_at < now() + interval '6 min'")
        assert texts(await dispatch(store, WINDOW)) == ["late"]

    async def test_who_has_long_been_silent_is_looked_at_less_and_less_often(self, dsn: str, store: Store) -> None:
        """Many of them would keep the gate busy for ever."""
        await heard(store, "late", ago=timedelta(hours=25))
        await execute(dsn, "UPDATE outbox SET created_at = now() - interval '10 d'")
        await dispatch(store, WINDOW)
        [first] = await entries(store)
        assert first.due_at < datetime.now(UTC) + timedelta(minutes=6)
        await execute(dsn, "UPDATE outbox SET due_at = now()")
        await dispatch(store, WINDOW)
        [second] = await entries(store)
        assert second.due_at > datetime.now(UTC) + timedelta(days=9)

    async def test_being_looked_at_again_is_told_to_nobody(self, dsn: str, store: Store) -> None:
        await heard(store, "late", ago=timedelta(hours=25))
        await dispatch(store, WINDOW)
        [handoff] = await store.records.handoffs()
        await store.records.resolve(handoff.id)
        await execute(dsn, "UPDATE outbox SET due_at = now()")
        assert await dispatch(store, WINDOW) == []
        assert await store.records.handoffs() == []

    async def test_what_was_held_is_judged_anew_at_the_next_start(self, store: Store) -> None:
        """Whoever runs the server may have found a template."""
        await heard(store, "late", ago=timedelta(hours=25))
        await dispatch(store, WINDOW)
        await store.path.look_again([("email", "main")])
        assert await dispatch(store, KNOCKS) == []
        await store.path.look_again([("telegram", "main")])
        assert texts(await dispatch(store, KNOCKS)) == ["late"]

    async def test_the_confirmation_of_a_stop_is_not_held(self, store: Store) -> None:
        await hear(store, "1", at=datetime.now(UTC) - timedelta(hours=25))
        await answer(store, "You will hear no more", purpose=Purpose.CONFIRMATION)
        assert texts(await dispatch(store, WINDOW)) == ["You will hear no more"]


class TestHeldAfterwards:
    """The provider says only after it took a message that they must write first."""

    async def sent(self, store: Store) -> Dispatch:
        await heard(store, "late")
        [started] = await dispatch(store, WINDOW)
        await store.path.finish([result(started, provider_id="p1")])
        return started

    async def tell(self, store: Store, *states: DeliveryState, id_: str = "r") -> None:
        for state in states:
            report = DeliveryReport(
                id=f"{id_}-{state}", at=NOON, sender=Sender(SARAH), provider_id="p1", state=state, reason="63016"
            )
            await store.path.accept([arrived(report)])
            [work] = await claim(store)
            about = Reported(
                address=AddressId(work.addresses[0].id),
                provider_id="p1",
                state=state,
                reason="63016",
                unreachable=False,
            )
            await store.path.commit([replace(outcome(work), record=None, replies=(), reported=(about,))])

    async def test_it_is_held_until_they_write_and_not_tried_before(self, dsn: str, store: Store) -> None:
        started = await self.sent(store)
        await self.tell(store, DeliveryState.HELD)
        assert await states(store) == [HELD]
        assert await reasons(store) == ["reply kept back: outside the window"]
        await store.path.look_again([("telegram", "main")])
        await execute(dsn, "UPDATE messages SET received_at = now()")
        assert await dispatch(store, WINDOW) == []
        await hear(store, "back")
        await answer(store, opened=True)
        [again] = await dispatch(store, WINDOW)
        assert (again.outbound.id, again.outbound.attempts) == (started.outbound.id, 2)
        await store.path.finish([result(again, provider_id="p2")])
        assert await states(store) == [("sent", "")]

    async def test_who_has_written_meanwhile_gets_it_again_at_once(self, store: Store) -> None:
        await self.sent(store)
        await hear(store, "back")
        await answer(store)
        await self.tell(store, DeliveryState.HELD)
        assert await states(store) == [("queued", "")]
        assert texts(await dispatch(store, WINDOW)) == ["late"]
        assert await reasons(store) == []

    @pytest.mark.parametrize("state", [DeliveryState.DELIVERED, DeliveryState.READ, DeliveryState.REFUSED])
    async def test_what_went_further_is_not_held_any_more(self, store: Store, state: DeliveryState) -> None:
        await self.sent(store)
        await self.tell(store, state, DeliveryState.HELD)
        assert [entry.state for entry in await entries(store)] == [state]

    async def test_saying_so_twice_changes_nothing(self, store: Store) -> None:
        await self.sent(store)
        await self.tell(store, DeliveryState.HELD)
        await hear(store, "back")
        await answer(store, opened=True)
        await self.tell(store, DeliveryState.HELD, id_="again")
        assert await states(store) == [("queued", "")]

    async def test_what_is_told_late_of_the_first_call_lets_nothing_go(self, store: Store) -> None:
        """It is not with them: nothing but "delivered" can say that it is."""
        await self.sent(store)
        await self.tell(store, DeliveryState.HELD, DeliveryState.SENT, DeliveryState.REFUSED)
        assert await states(store) == [HELD]
        await self.tell(store, DeliveryState.DELIVERED)
        assert [entry.state for entry in await entries(store)] == [DeliveryState.DELIVERED]


class TestSpend:
    async def spend(self, store: Store, units: int, count: int = 1) -> None:
        """One message that costs so much."""
        for number in range(count):
            await heard(store, "costly", sender=Address("telegram", f"{units}-{number}"))
            [started] = await dispatch(store)
            await store.path.finish([result(started, units=units)])

    async def test_up_to_the_cap_everything_leaves(self, store: Store) -> None:
        await self.spend(store, 2)
        await heard(store, "one more")
        assert texts(await dispatch(store, capped(3))) == ["one more"]

    async def test_beyond_it_everything_waits_and_the_account_is_named(self, store: Store) -> None:
        await self.spend(store, 3)
        await heard(store, "one too many")
        dispatched = await store.path.dispatch([capped(3)], lease=30, unknown_wait=60)
        assert dispatched.starting == ()
        assert dispatched.overspent == {("telegram", "main")}
        assert (await states(store))[-1] == SPENT
        [overspent] = await store.path.overspent()
        assert overspent == Overspent("telegram", "main", 1, (await entries(store))[-1].due_at)

    async def test_it_leaves_when_the_oldest_hour_is_behind(self, dsn: str, store: Store) -> None:
        await self.spend(store, 2)
        await execute(dsn, "UPDATE spent SET hour = hour - interval '3 h'")
        await self.spend(store, 5)
        await heard(store, "one too many")
        await dispatch(store, capped(6, seconds=86_400))
        [hour] = await rows(dsn, "SELECT date_trunc('hour', now()) AS hour")
        held = (await entries(store))[-1]
        assert held.due_at == hour["hour"] - timedelta(hours=3) + timedelta(hours=25)
        await execute(dsn, "UPDATE spent SET hour = hour - interval '22 h'; UPDATE outbox SET due_at = now()")
        assert texts(await dispatch(store, capped(6))) == ["one too many"]

    async def test_of_those_who_wait_the_first_leaves_first(self, dsn: str, store: Store) -> None:
        await self.spend(store, 3)
        await heard(store, "first", "second")
        await dispatch(store, capped(3))
        assert [state for state, _ in (await states(store))[-2:]] == ["held", "queued"]
        await execute(dsn, "DELETE FROM spent")
        assert await dispatch(store, capped(3)) == []
        await execute(dsn, "UPDATE outbox SET due_at = now() WHERE state = 'held'")
        assert texts(await dispatch(store, capped(3))) == ["first"]

    async def test_what_is_under_way_counts_before_it_is_billed(self, store: Store) -> None:
        for number in range(5):
            await heard(store, f"to {number}", sender=Address("telegram", str(number)))
        assert len(await dispatch(store, capped(3))) == 3
        assert await dispatch(store, capped(3)) == []
        assert [state for state, _ in await states(store)] == ["sending"] * 3 + ["queued"] * 2

    async def test_each_account_has_a_budget_of_its_own(self, dsn: str, store: Store) -> None:
        await self.spend(store, 3)
        await heard(store, "by the second")
        await execute(dsn, "UPDATE outbox SET account = 'second' WHERE state = 'queued'")
        second = replace(capped(3), account="second")
        dispatched = await store.path.dispatch([capped(3), second], lease=30, unknown_wait=60)
        assert texts(dispatched.starting) == ["by the second"]

    async def test_a_cap_of_nothing_lets_nothing_leave(self, store: Store) -> None:
        await heard(store, "never")
        assert await dispatch(store, capped(0)) == []
        assert await states(store) == [SPENT]

    async def test_units_of_one_batch_are_one_sum(self, dsn: str, store: Store) -> None:
        for number in range(3):
            await heard(store, "x", sender=Address("telegram", str(number)))
        started = await dispatch(store)
        await store.path.finish([result(one, units=number) for number, one in enumerate(started)])
        [row] = await rows(dsn, "SELECT units FROM spent")
        assert row["units"] == 3

    async def test_what_is_recorded_twice_costs_once(self, dsn: str, store: Store) -> None:
        """The connection may be lost just when the first time was committed."""
        await heard(store, "x")
        [started] = await dispatch(store)
        for _ in range(2):
            await store.path.finish([result(started, units=2)])
        [row] = await rows(dsn, "SELECT units FROM spent")
        assert row["units"] == 2

    async def test_what_was_interrupted_costs_one_where_there_is_a_cap(self, dsn: str, store: Store) -> None:
        await self.spend(store, 2)
        for number in range(2):
            await heard(store, "x", sender=Address("telegram", str(number)))
        await heard(store, "by the second", sender=Address("telegram", "2"))
        await execute(dsn, "UPDATE outbox SET account = 'second' WHERE id = (SELECT max(id) FROM outbox)")
        await store.path.dispatch([quota(), replace(quota(), account="second")], lease=0, unknown_wait=60)
        assert await store.path.abandon([("telegram", "main")]) == 3
        assert [dict(row) for row in await rows(dsn, "SELECT account, units FROM spent")] == [
            {"account": "main", "units": 4}
        ]

    async def test_both_can_be_waited_for_at_once(self, store: Store) -> None:
        await self.spend(store, 3)
        await heard(store, "late", ago=timedelta(hours=25))
        await dispatch(store, replace(capped(3), window=86_400.0))
        assert (await states(store))[-1] == SPENT
        assert texts(await dispatch(store, replace(capped(9), window=86_400.0))) == []
