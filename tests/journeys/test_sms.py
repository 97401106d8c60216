"""Text messages, from the telephone to the timeline and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from omnibot.model import Address, DeliveryState, Direction, TimelineMessage
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.faults import Cut, Throttle
from omnibot.sandbox.ledger import Entry
from omnibot.sandbox.twilio.webhooks import Call
from omnibot.sandbox.world import World
from omnibot.settings import Files, Turns
from omnibot.store import Store
from tests.journeys.conftest import DEADLINE, MakeWorld, serving_with
from tests.journeys.test_day import until

ADA = "+12025550147"
ADDRESS = Address("sms", ADA)
JAMAICA = "+18765550147"


@pytest_asyncio.fixture
async def place(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world with a running server and a number at Twilio."""
    async with make_world(channels=("sms",)) as place, place.serving():
        yield place


async def got(place: World, number: str = ADA, count: int = 1) -> list[str]:
    """The first texts that somebody has got from us."""

    def theirs(entry: Entry) -> bool:
        return entry.method == "messages.create" and entry.to == f"sms:{number}"

    return [entry.text for entry in await place.ledger.wait_for(theirs, DEADLINE, count=count)]


async def timeline(store: Store, address: Address = ADDRESS) -> list[TimelineMessage]:
    customer = await store.records.customer_of(address)
    return list(await store.records.timeline(customer, 1000)) if customer is not None else []


async def idle(store: Store, heard: int, address: Address = ADDRESS) -> None:
    """Wait until so many messages of somebody have come in, and nothing waits to be done."""

    async def settled() -> bool:
        came = [m for m in await timeline(store, address) if m.direction is Direction.IN]
        waiting = (await store.records.outbox_counts()).keys() & {"queued", "sending"}
        return len(came) >= heard and not waiting and await store.records.waiting() == 0

    await until(settled)


async def state_of_ours(store: Store) -> DeliveryState | None:
    ours = [message for message in await timeline(store) if message.direction is Direction.OUT]
    return ours[-1].state if ours else None


# --- questions and answers ----------------------------------------------------------------------------------------


async def test_a_text_is_answered_by_text(place: World) -> None:
    place.twilio.phone(ADA).text("How do I reset my password?")
    [reply] = await got(place)
    assert "password" in reply.lower()
    async with place.looking() as store:

        async def delivered() -> bool:
            return await state_of_ours(store) is DeliveryState.DELIVERED

        await until(delivered)
        question, answer = await timeline(store)
    assert question.address == ADDRESS
    assert answer.answers == question.id


async def test_choices_are_numbers_to_write(place: World) -> None:
    phone = place.twilio.phone(ADA)
    phone.text("What can you do?")
    [offered] = await got(place)
    assert "\n2. " in offered
    phone.text("2")
    await got(place, count=2)
    async with place.looking() as store:
        [why, _] = await store.records.why(ADDRESS)
    assert "chosen by a button" in str(why["why"])


async def test_a_picture_is_kept(place: World) -> None:
    place.twilio.phone(ADA).text("look", [SentFile("screen.png", "image/png", b"pixels")])
    async with place.looking() as store:

        async def stored() -> bool:
            return await store.attachments.file_key(1) is not None

        await until(stored)


async def test_ten_files_that_are_too_large_cost_nothing_but_a_word(make_world: MakeWorld) -> None:
    """Bad input 41: the text is answered, the files are refused."""
    large = SentFile("film.mp4", "video/mp4", b"x" * 200_000)
    sections = {"files": Files(max_bytes=100_000)}
    async with make_world(sections, channels=("sms",)) as place, place.serving():
        place.twilio.phone(ADA).text("How do I reset my password?", [large] * 10)
        assert "password" in (await got(place))[0].lower()
        async with place.looking() as store:

            async def refused() -> bool:
                return any("file" in handoff.reason for handoff in await store.records.handoffs())

            await until(refused)

        async def nothing_kept() -> bool:  # of the others, which are looked at beside it, either
            return not any(file.is_file() for file in (place.settings.data_folder / "files").rglob("*"))

        await until(nothing_kept)


# --- STOP ---------------------------------------------------------------------------------------------------------


async def test_stop_is_confirmed_by_twilio_alone_and_obeyed_until_start(place: World) -> None:
    """Bad input 36: at most one confirmation, and that is Twilio's own."""
    phone = place.twilio.phone(ADA)
    phone.stop()
    phone.text("How do I cancel?")
    async with place.looking() as store:
        await idle(store, 2)
        assert await store.records.outbox() == []
        phone.text("START")
        await idle(store, 3)
        phone.text("How do I cancel?")
        assert "cancel" in (await got(place))[0].lower()


async def test_stop_in_words_that_twilio_does_not_know_is_confirmed_once(place: World) -> None:
    """Bad input 36."""
    phone = place.twilio.phone(ADA)
    for text in ("Stop please", "STOP.", "no más", "How do I cancel?"):
        phone.text(text)
    async with place.looking() as store:
        await idle(store, 4)
    [confirmed] = await got(place)
    assert "START" in confirmed
    assert len(place.ledger.entries("twilio", "messages.create")) == 1


async def test_start_after_a_stop_that_twilio_did_not_know_is_confirmed(place: World) -> None:
    """Twilio answers START only to whom it has stopped."""
    phone = place.twilio.phone(ADA)
    async with place.looking() as store:
        phone.text("STOPP")
        await idle(store, 1)
        phone.text("START")
        await idle(store, 2)
    _, opened = await got(place, count=2)
    assert "here again" in opened


async def test_help_that_twilio_answers_is_not_answered_twice(place: World) -> None:
    place.twilio.phone(ADA).text("HELP")
    async with place.looking() as store:
        await idle(store, 1)
    assert place.ledger.entries("twilio", "messages.create") == []


async def test_a_number_whose_network_stopped_us_is_open_again_when_it_writes(place: World) -> None:
    """Twilio may know of a STOP that we do not (21610): it makes the number unreachable, and a message reachable."""
    place.twilio.main.opt_out = "off"
    phone = place.twilio.phone(ADA)
    phone.refuse_with(21610, count=1)
    phone.text("How do I cancel?")
    async with place.looking() as store:

        async def refused() -> bool:
            return await state_of_ours(store) is DeliveryState.REFUSED

        await until(refused)
    phone.text("How do I reset my password?")
    [reply] = await got(place)
    assert "password" in reply.lower()


async def test_stop_holds_back_what_is_queued(make_world: MakeWorld) -> None:
    """Bad input 37: none leaves after the commit."""
    async with make_world(channels=("sms",)) as place, place.serving():
        phone = place.twilio.phone(ADA)
        phone.text("hello")
        await got(place)
        async with place.looking() as store:
            await idle(store, 1)
            place.faults.add(Throttle(0.2), provider="twilio", method="messages.create", count=None)
            for text in ("How do I cancel?", "How can I export my data?", "How do I reset my password?"):
                phone.text(text)

                async def queued(text: str = text) -> bool:
                    came = [m.text for m in await timeline(store) if m.direction is Direction.IN]
                    return text in came and await store.records.waiting() == 0

                await until(queued)
            phone.stop()

            async def suppressed() -> bool:
                counts = await store.records.outbox_counts()
                return not counts.keys() & {"queued", "sending"} and counts.get(DeliveryState.SUPPRESSED, 0) >= 1

            await until(suppressed)
            place.faults.clear()
            await idle(store, 5)
    assert len(place.ledger.entries("twilio", "messages.create")) == 1


# --- who is not served, and who writes too much ---------------------------------------------------------------------


async def test_a_country_that_is_not_served_is_stored_and_not_answered(make_world: MakeWorld) -> None:
    """Bad input 38."""
    address = Address("sms", JAMAICA)
    async with (
        make_world(channels=("sms",)) as place,
        serving_with(place, "sms", countries=["US", "DE"]),
        place.looking() as store,
    ):
        place.twilio.phone(JAMAICA).text("How do I reset my password?")
        await idle(store, 1, address)
        [message] = await timeline(store, address)
        [why] = await store.records.why(address)
        assert message.text == "How do I reset my password?"
        assert "JM" in str(why)
        assert place.ledger.entries("twilio", "messages.create") == []


async def test_the_sandbox_answers_whatever_country_somebody_writes_from(place: World) -> None:
    """Whoever tries it takes their own number."""
    place.twilio.phone("+447700900555").text("How do I reset my password?")
    await place.ledger.wait_for(lambda entry: entry.to == "sms:+447700900555", deadline=DEADLINE)


async def test_two_hundred_texts_are_stored_and_few_are_answered(make_world: MakeWorld) -> None:
    """Bad input 39."""
    async with make_world({"turns": Turns(batch=1)}, channels=("sms",)) as place, place.serving():
        phone = place.twilio.phone(ADA)
        for number in range(200):
            phone.text(f"How do I cancel number {number}?")
        async with place.looking() as store:
            await idle(store, 200)
            sent = place.ledger.entries("twilio", "messages.create")
    assert 1 <= len(sent) <= 10


async def test_what_is_beyond_the_spend_cap_waits(make_world: MakeWorld) -> None:
    async with make_world(channels=("sms",)) as place, serving_with(place, "sms", spend_cap=1):
        phone = place.twilio.phone(ADA)
        phone.text("hello")
        await got(place)
        async with place.looking() as store:
            await idle(store, 1)
            phone.text("How do I cancel?")

            async def held() -> bool:
                return await state_of_ours(store) is DeliveryState.HELD

            await until(held)
            [entry, _] = await store.records.outbox()
    assert entry.reason == "spend cap"
    assert len(place.ledger.entries("twilio", "messages.create")) == 1


# --- reports --------------------------------------------------------------------------------------------------------


async def test_delivered_stays_delivered(place: World) -> None:
    """Bad input 42: whatever comes after it."""
    account = place.twilio.main
    place.twilio.automatic = False
    place.twilio.phone(ADA).text("hello")
    await got(place)
    [message] = [message for message in account.messages.values() if message.direction != "inbound"]
    async with place.looking() as store:
        await idle(store, 1)
        account.report(message, "delivered")

        async def delivered() -> bool:
            return await state_of_ours(store) is DeliveryState.DELIVERED

        await until(delivered)
        for status, code in (("sent", 0), ("sending", 0), ("queued", 0), ("undelivered", 30008), ("failed", 30005)):
            account.report(message, status, code)
        await place.twilio.settled()
        await idle(store, 1)
        assert await state_of_ours(store) is DeliveryState.DELIVERED
    assert set(account.posted) == {200}


async def test_a_number_that_is_gone_is_handed_to_people(place: World) -> None:
    place.twilio.phone(ADA).fail_with(30005)
    place.twilio.phone(ADA).text("hello")
    async with place.looking() as store:

        async def handed() -> bool:
            return [handoff.address for handoff in await store.records.handoffs()] == [ADDRESS]

        await until(handed)
        [handoff] = await store.records.handoffs()
        assert "30005" in handoff.reason
        assert await state_of_ours(store) is DeliveryState.REFUSED


async def test_a_report_about_nothing_of_ours_leaves_nothing_behind(place: World, dsn: str) -> None:
    """Bad input 43: no address, no customer, nothing in the inbox."""
    account = place.twilio.main
    url = f"{place.settings.server.public_url}/channels/sms/main/status"
    form = {"MessageSid": "SM" + "0a" * 16, "MessageStatus": "delivered", "To": JAMAICA, "From": account.sms_number}
    call = Call(url, {"AccountSid": account.sid, **form})
    assert await account.webhooks.call(place.twilio.client, call) == 200
    connection = await asyncpg.connect(dsn)
    try:
        assert await connection.fetchval("SELECT (SELECT count(*) FROM addresses) + (SELECT count(*) FROM inbox)") == 0
    finally:
        await connection.close()


# --- what went wrong ------------------------------------------------------------------------------------------------


async def test_what_was_written_while_we_were_away_is_answered(make_world: MakeWorld) -> None:
    async with make_world(channels=("sms",)) as place:
        place.twilio.phone(ADA).text("How do I reset my password?")
        await place.twilio.settled()
        assert 200 not in place.twilio.main.posted
        async with place.serving():
            [reply] = await got(place)
    assert "password" in reply.lower()


async def test_what_comes_both_ways_is_answered_once(make_world: MakeWorld) -> None:
    async with make_world(channels=("sms",)) as place:
        async with place.serving():
            place.twilio.phone(ADA).text("How do I reset my password?")
            await got(place)
        async with place.serving():  # which looks through the list
            place.twilio.phone(ADA).text("How do I cancel?")
            await got(place, count=2)
            async with place.looking() as store:
                await idle(store, 2)
    assert len(place.ledger.entries("twilio", "messages.create")) == 2


async def test_a_reply_whose_call_was_cut_off_is_found_in_the_list(make_world: MakeWorld) -> None:
    """The customer has it once, and we know it in the end."""

    async def comes_to(state: DeliveryState) -> None:
        async with place.looking() as store:

            async def come() -> bool:
                return await state_of_ours(store) is state

            await until(come)

    async with make_world(channels=("sms",)) as place:
        place.twilio.automatic = False  # no report gives it away
        place.faults.add(Cut(accepted=True), provider="twilio", method="messages.create")
        # each look in a task of its own: what it leaves in its context must not reach the next server
        async with place.serving():
            place.twilio.phone(ADA).text("hello")
            await asyncio.create_task(comes_to(DeliveryState.UNKNOWN))
        async with place.serving():
            await asyncio.create_task(comes_to(DeliveryState.SENT))
    assert len(place.ledger.entries("twilio", "messages.create")) == 1
