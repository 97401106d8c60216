"""What memory keeps, turn by turn, in PostgreSQL: one case over channels, facts told by the way, how they write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import Result

from omnibot.dialogue import Company, Knowledge
from omnibot.memory import Matters
from omnibot.model import (
    Address,
    CaseSide,
    CaseState,
    Change,
    Disclosure,
    IncomingMessage,
    Limits,
    Sender,
)
from omnibot.store import Store
from omnibot.store.imports import NewCustomer
from omnibot.store.work import Arrived, Outcome, Work
from omnibot.turn import take
from omnibot.turns.steps import Steps
from omnibot.understanding import Understanding
from omnibot.voice import Speaker, Voices
from tests.conftest import SECRET, lines

CONFIG = Path(__file__).parents[1] / "config"
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
TELEGRAM, MAIL = Address("telegram", "4711"), Address("email", "sarah@example.org")
Command = Callable[..., Result]


@pytest.fixture(scope="module")
def steps() -> Steps:
    return Steps(
        understanding=Understanding(("en", "es", "de", "fr")),
        company=Company(Knowledge.load(CONFIG / "knowledge")),
        limits={"telegram": Limits(text=4096), "email": Limits(text=100_000, subject=True)},
        speaker=Speaker("Example Ltd", "Omnibot", voices=Voices.load(CONFIG / "voice")),
        disclosure=Disclosure(),
        matters=Matters(),
    )


async def heard(store: Store, sender: Address, text: str, at: datetime) -> Work:
    item = IncomingMessage(id=f"{at}", at=at, sender=Sender(sender), message_id=f"{at}", text=text)
    await store.path.accept([Arrived(channel=sender.channel, account="main", item=item)])
    [work] = await store.path.load(await store.path.claim(1, lease=30))
    assert isinstance(work, Work)
    return work


class Conversation:
    """Somebody who writes to a server, a turn at a time."""

    def __init__(self, store: Store, steps: Steps) -> None:
        self.store, self.steps, self.now = store, steps, NOON

    async def known(self) -> None:
        person = NewCustomer(row=2, addresses=(TELEGRAM, MAIL), facts={})
        await self.store.records.import_customers([person], {"telegram": "main", "email": "main"})

    async def says(self, text: str, *, on: Address = TELEGRAM, after: timedelta = timedelta(minutes=1)) -> Outcome:
        self.now += after
        outcome = take(await heard(self.store, on, text, self.now), self.steps)
        assert outcome.work.lease.customer in await self.store.path.commit([outcome])
        return outcome

    async def sides(self) -> list[CaseSide]:
        customer = await self.store.records.customer_of(TELEGRAM)
        assert customer is not None
        return await self.store.profiles.sides(list(await self.store.records.addresses_of(customer)))


async def test_a_matter_goes_over_channels_and_ends_when_they_say_so(store: Store, steps: Steps) -> None:
    she = Conversation(store, steps)
    await she.known()
    await she.says("How can I export my data?")
    await she.says("I already cleared the cache, how can I export my data?", on=MAIL, after=timedelta(days=1))
    outcome = await she.says("Thanks, that worked!", on=MAIL)
    assert outcome.case is not None
    assert outcome.case.state is CaseState.RESOLVED
    sides = await she.sides()
    assert {side.id for side in sides} == {sides[0].id}
    assert {side.state for side in sides} == {CaseState.RESOLVED}
    assert sum(side.contacts for side in sides) == 2
    assert {one.what for side in sides for one in side.attempts} == {"article:export-data", "clear_cache"}


async def test_what_was_solved_and_is_not_counts_as_reopened_on_both_sides_whoever_takes_it(
    store: Store, steps: Steps
) -> None:
    she = Conversation(store, steps)
    await she.known()
    await she.says("How can I export my data?", on=MAIL)
    await she.says("That worked, thanks!", on=TELEGRAM)
    assert {side.state for side in await she.sides()} == {CaseState.RESOLVED}
    await she.says("Still not working. Let me talk to a person", after=timedelta(days=1))
    assert {(side.state, side.reopened) for side in await she.sides()} == {(CaseState.HANDED_OFF, 1)}


async def test_what_they_tell_by_the_way_is_remembered_with_its_message(store: Store, steps: Steps) -> None:
    she = Conversation(store, steps)
    outcome = await she.says("Hi, I'm Sarah. I live in Berlin and use Firefox 128 on my Mac.")
    [message] = [item.message for item in outcome.work.items if item.message]
    facts = {fact.key: fact for fact in await store.profiles.facts([outcome.address])}
    told = {key: facts[key].value for key in ("name", "zone", "browser", "device")}
    assert told == {"name": "Sarah", "zone": "Europe/Berlin", "browser": "Firefox 128", "device": "Mac"}
    assert {facts[key].message for key in told} == {message.id}
    assert facts["name"].confidence == 0.75


@pytest.fixture
def casual(dsn: str, steps: Steps) -> None:
    async def write() -> None:
        async with Store.open(dsn, SECRET) as store:
            he = Conversation(store, steps)
            await he.known()
            for number in range(9):
                await he.says(f"yo whats up with my invoice {number} lol", after=timedelta(hours=1))

    asyncio.run(write())


def test_staff_see_what_was_learned_and_why_and_can_have_it_forgotten(omnibot: Command, casual: None) -> None:
    [profile] = lines(omnibot("customer", "show", "telegram:4711", "--json"))
    learned = {one["key"]: one for one in profile["learned"]}
    assert (learned["register"]["value"], learned["register"]["messages"]) == ("casual", 9)
    page = " ".join(omnibot("customer", "show", "telegram:4711").output.split())
    assert "Learned of how they write" in page
    assert "register casual formality 0." in page
    done = omnibot("customer", "reset-learned", "email:sarah@example.org")
    assert done.exit_code == 0
    assert "forgotten how" in done.output
    assert "writes, at 1 address" in done.output
    [profile] = lines(omnibot("customer", "show", "telegram:4711", "--json"))
    assert profile["learned"] == []
    assert "nothing was learned" in omnibot("customer", "reset-learned", "telegram:4711").output


async def test_a_turn_that_saw_what_is_forgotten_does_not_bring_it_back(store: Store, steps: Steps) -> None:
    he = Conversation(store, steps)
    await he.says("yo whats up with my invoice")
    under_way = take(await heard(store, TELEGRAM, "yo and now", NOON + timedelta(hours=1)), steps)
    customer = under_way.work.lease.customer
    assert under_way.habits is not None
    assert under_way.habits["turns"] > 1
    assert await store.records.forget_habits(customer) == 1
    assert await store.path.commit([under_way]) == {}
    [work] = await store.path.load(await store.path.claim(1, lease=30))
    assert isinstance(work, Work)
    again = take(work, steps)
    await store.path.commit([again])
    assert again.habits is not None
    assert again.habits["turns"] == 1
    assert await store.records.forget_habits(customer) == 1
    assert await store.records.forget_habits(customer) == 0


def test_what_they_have_said_themselves_counts_and_both_are_shown(omnibot: Command, casual: None, dsn: str) -> None:
    async def states() -> None:
        async with Store.open(dsn, SECRET) as store:
            item = IncomingMessage(
                id="x", at=NOON + timedelta(days=2), sender=Sender(TELEGRAM), message_id="x", text="be formal please"
            )
            await store.path.accept([Arrived(channel="telegram", account="main", item=item)])
            [work] = await store.path.load(await store.path.claim(1, lease=30))
            assert isinstance(work, Work)
            change = Change(key="preference.register", value="formal")
            await store.path.commit([Outcome(work=work, address=work.items[0].address, record={}, changes=(change,))])

    asyncio.run(states())
    [profile] = lines(omnibot("customer", "show", "telegram:4711", "--json"))
    learned = {one["key"]: one for one in profile["learned"]}
    assert learned["register"]["counts"] is False
    assert "what they said counts" in " ".join(omnibot("customer", "show", "telegram:4711").output.split())
