"""WhatsApp, from the telephone to the timeline and back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest_asyncio

from omnibot.model import Address, DeliveryState, Direction, TimelineMessage
from omnibot.sandbox.faults import Throttle
from omnibot.sandbox.ledger import Entry
from omnibot.sandbox.world import World
from omnibot.store import Store
from tests.journeys.conftest import DEADLINE, MakeWorld, serving_with
from tests.journeys.test_day import until

ADA = "+491701234567"
HIDDEN = "DE.13491208655302741918"
LONG_AGO = timedelta(hours=24, seconds=1)
TEMPLATE_WORDS = "Hello {{1}}, here is what you asked for: {{2}} Write back at any time."


@pytest_asyncio.fixture
async def place(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world with a running server and a WhatsApp sender at Twilio."""
    async with make_world(channels=("whatsapp",)) as place, place.serving():
        yield place


def sent_to(place: World, value: str = ADA) -> list[Entry]:
    entries = place.ledger.entries("twilio", "messages.create")
    return [entry for entry in entries if entry.to == f"whatsapp:{value}"]


def tried(place: World) -> list[Entry]:
    """What Twilio took, whatever became of it."""
    return [
        entry for entry in place.ledger.entries("twilio", "messages.create") if entry.payload["To"] == f"whatsapp:{ADA}"
    ]


async def got(place: World, value: str = ADA, count: int = 1) -> list[str]:
    """The first texts that somebody has got from us."""

    def theirs(entry: Entry) -> bool:
        return entry.method == "messages.create" and entry.to == f"whatsapp:{value}"

    return [entry.text for entry in await place.ledger.wait_for(theirs, DEADLINE, count=count)]


async def timeline(store: Store, value: str = ADA) -> list[TimelineMessage]:
    customer = await store.records.customer_of(Address("whatsapp", value))
    return list(await store.records.timeline(customer)) if customer is not None else []


def ours_are(store: Store, *states: DeliveryState) -> Callable[[], Awaitable[bool]]:
    """Whether our messages, in their order, are in these states."""

    async def are() -> bool:
        told = [message.state for message in await timeline(store) if message.direction is Direction.OUT]
        return told == list(states)

    return are


async def long_silence(place: World, dsn: str) -> None:
    """All that Ada has written was written more than a day ago, for us and for WhatsApp."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("UPDATE messages SET at = at - $1::interval WHERE direction = 'in'", LONG_AGO)
    finally:
        await connection.close()
    forgotten_by_whatsapp(place)


def forgotten_by_whatsapp(place: World) -> None:
    phone = place.twilio.phone(ADA)
    phone.heard = {sender: at - LONG_AGO for sender, at in phone.heard.items()}


# --- questions and answers -------------------------------------------------------------------------------------------


async def test_a_question_is_answered_by_name_delivered_and_read(place: World) -> None:
    phone = place.twilio.phone(ADA)
    phone.whatsapp("How do I reset my password?", profile_name="Ada Byron")
    [reply] = await got(place)
    assert "Ada" in reply
    assert "password" in reply.lower()
    async with place.looking() as store:
        await until(ours_are(store, DeliveryState.DELIVERED))
        phone.read()
        await until(ours_are(store, DeliveryState.READ))


async def test_who_keeps_their_number_to_themselves_is_answered(place: World) -> None:
    place.twilio.phone(HIDDEN).whatsapp("How do I reset my password?")
    [reply] = await got(place, HIDDEN)
    assert "password" in reply.lower()
    async with place.looking() as store:
        assert [message.address for message in await timeline(store, HIDDEN)] == [Address("whatsapp", HIDDEN)] * 2


async def test_choices_are_buttons_where_there_are_templates(make_world: MakeWorld) -> None:
    async with make_world(channels=("whatsapp",)) as place:
        replies = [
            place.twilio.main.template(
                "{{1}}",
                quick_replies=tuple((f"{{{{{2 * n}}}}}", f"{{{{{2 * n + 1}}}}}") for n in range(1, count + 1)),
            ).sid
            for count in range(1, 6)
        ]
        async with serving_with(place, "whatsapp", quick_replies=replies):
            phone = place.twilio.phone(ADA)
            phone.whatsapp("What can you do?")
            await got(place)
            await place.twilio.settled()
            *_, label = phone.messages[-1].choices
            phone.press(label)
            await got(place, count=2)
            async with place.looking() as store:
                [why, _] = await store.records.why(Address("whatsapp", ADA))
    assert "chosen by a button" in str(why["why"])


async def test_without_templates_choices_are_numbers_to_write(place: World) -> None:
    phone = place.twilio.phone(ADA)
    phone.whatsapp("What can you do?")
    [offered] = await got(place)
    assert "\n2. " in offered
    phone.whatsapp("2")
    await got(place, count=2)
    async with place.looking() as store:
        [why, _] = await store.records.why(Address("whatsapp", ADA))
    assert "chosen by a button" in str(why["why"])


async def test_stop_is_ours_to_obey_and_to_confirm(place: World) -> None:
    phone = place.twilio.phone(ADA)
    for text in ("STOP", "stop", "How do I cancel?"):
        phone.whatsapp(text)
    async with place.looking() as store:

        async def quiet() -> bool:
            return len(await timeline(store)) == 4 and await store.records.waiting() == 0

        await until(quiet)
    [confirmed] = await got(place)
    assert "START" in confirmed
    assert len(sent_to(place)) == 1


# --- after a day of silence -----------------------------------------------------------------------------------------


async def test_a_late_reply_waits_until_they_write(place: World, dsn: str) -> None:
    """Bad input 44: held, and not tried again and again."""
    place.faults.add(Throttle(0.1), provider="twilio", method="messages.create", address=ADA)
    phone = place.twilio.phone(ADA)
    phone.whatsapp("How do I reset my password?")
    async with place.looking() as store:
        await until(ours_are(store, DeliveryState.QUEUED))
        await long_silence(place, dsn)
        await until(ours_are(store, DeliveryState.HELD))
        assert sent_to(place) == []
        phone.whatsapp("hello?")
        replies = await got(place, count=2)
        await until(ours_are(store, DeliveryState.DELIVERED, DeliveryState.DELIVERED))
    assert any("password" in reply.lower() for reply in replies)


async def test_a_late_reply_knocks_by_its_template(make_world: MakeWorld, dsn: str) -> None:
    """Bad input 44."""
    async with make_world(channels=("whatsapp",)) as place:
        template = {"sid": place.twilio.main.template(TEMPLATE_WORDS).sid}
        async with serving_with(place, "whatsapp", template=template):
            place.faults.add(Throttle(0.1), provider="twilio", method="messages.create", address=ADA)
            place.twilio.phone(ADA).whatsapp("How do I reset my password?", profile_name="Ada Byron")
            async with place.looking() as store:
                await until(ours_are(store, DeliveryState.QUEUED))
                await long_silence(place, dsn)
                await until(ours_are(store, DeliveryState.DELIVERED))
    [entry] = sent_to(place)
    assert entry.text.startswith("Hello Ada Byron, here is what you asked for:")
    assert "password" in json.loads(entry.payload["ContentVariables"])["2"].lower()


async def test_what_whatsapp_finds_late_waits_as_well(place: World) -> None:
    """Bad input 44: its clock decides; what it refuses afterwards is said once more when they write."""
    phone = place.twilio.phone(ADA)
    phone.whatsapp("hello")
    await got(place)
    place.faults.add(Throttle(0.1), provider="twilio", method="messages.create", address=ADA)
    phone.whatsapp("How do I reset my password?")
    async with place.looking() as store:
        await until(ours_are(store, DeliveryState.DELIVERED, DeliveryState.QUEUED))
        forgotten_by_whatsapp(place)
        await until(ours_are(store, DeliveryState.DELIVERED, DeliveryState.HELD))
        assert len(tried(place)) == 2  # and no third try
        phone.whatsapp("thank you")

        async def said() -> bool:
            return any("password" in seen.text.lower() for seen in phone.messages)

        await until(said)
