"""The whole way, as customers see it: two channels, one timeline, one reply where and how they like it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import aiohttp
import pytest

from omnibot.app import Role
from omnibot.model import Address, DeliveryState, Direction
from omnibot.sandbox.demo import STORIES
from omnibot.sandbox.faults import Blocked, Cut, ServerError, Throttle
from omnibot.sandbox.mail import Verdict
from omnibot.sandbox.world import World
from omnibot.settings import Delivery, Turns
from omnibot.store import Store
from omnibot.store.imports import NewCustomer
from tests.journeys.conftest import DEADLINE, MakeWorld, mail_got, telegram_got

SARAH_TELEGRAM = Address("telegram", "4711")
SARAH_EMAIL = Address("email", "sarah@example.org")
ACCOUNTS = {"telegram": "main", "email": "support"}


async def know_sarah(store: Store, **preferences: str) -> None:
    facts = {"name": "Sarah Lind"} | {f"preference.{key}": value for key, value in preferences.items()}
    sarah = NewCustomer(row=2, addresses=(SARAH_TELEGRAM, SARAH_EMAIL), facts=facts)
    await store.records.import_customers([sarah], ACCOUNTS)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that no event tells of."""
    async with asyncio.timeout(DEADLINE):
        while not await true():
            await asyncio.sleep(0.01)


async def test_a_stranger_is_answered_where_they_write(place: World) -> None:
    place.telegram.main.user(1, "Ada Byron").write("How do I reset my password?")
    [reply] = await telegram_got(place, 1)
    assert "Ada" in reply
    assert "password" in reply.lower()


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_both_ways_of_telegram_lead_to_an_answer(make_world: MakeWorld, mode: str) -> None:
    async with make_world(telegram_mode=mode) as place, place.serving():
        place.telegram.main.user(1, "Ada Byron").write("hello")
        assert await telegram_got(place, 1)


async def test_a_known_customer_is_answered_on_their_preferred_channel(place: World) -> None:
    async with place.looking() as store:
        await know_sarah(store, channel="email")
        place.telegram.main.user(4711, "S").write("How can I export my data?")
        [mail] = await mail_got(place, SARAH_EMAIL.value)
        [pointer] = await telegram_got(place, 4711)
        assert "Export" in mail
        assert "Export" not in pointer
        assert "mail" in pointer
        customer = await store.records.customer_of(SARAH_EMAIL)
        assert customer == await store.records.customer_of(SARAH_TELEGRAM)
        assert customer is not None
        timeline = await store.records.timeline(customer)
    assert [(m.address.channel, m.direction) for m in timeline] == [
        ("telegram", Direction.IN),
        ("email", Direction.OUT),
        ("telegram", Direction.OUT),
    ]


async def test_a_mail_is_answered_in_its_thread_and_its_answer_has_no_quotes(place: World) -> None:
    sarah = place.mail.mailbox(SARAH_EMAIL.value, "Sarah Lind")
    posted = sarah.write("My data", "Hello, how can I export my data?")
    [mail] = await sarah.wait_for(deadline=DEADLINE)
    assert mail.subject == "Re: My data"
    assert mail.header("In-Reply-To") == posted.message_id
    assert mail.header("Auto-Submitted") == "auto-replied"
    sarah.reply(mail, "Thank you. And how do I cancel?")
    await mail_got(place, SARAH_EMAIL.value, count=2)
    async with place.looking() as store:
        customer = await store.records.customer_of(SARAH_EMAIL)
        assert customer is not None
        _, ours, answer, _ = await store.records.timeline(customer)
    assert answer.text == "Thank you. And how do I cancel?"
    assert answer.answers == ours.id


async def test_what_is_not_known_goes_to_people_honestly(place: World) -> None:
    place.telegram.main.user(1, "Ada").write("Do your elephants like marmalade?")
    [reply] = await telegram_got(place, 1)
    assert "colleague" in reply
    async with place.looking() as store:
        [handoff] = await store.records.handoffs()
        assert handoff.address == Address("telegram", "1")
        [why] = await store.records.why(handoff.address)
    assert why["handoff"] == handoff.reason


async def test_a_stated_preference_is_kept(place: World) -> None:
    ada = place.telegram.main.user(1, "Ada")
    ada.write("Please call me Countess")
    [confirmed] = await telegram_got(place, 1)
    assert "Countess" in confirmed
    async with place.looking() as store:
        work = await store.records.facts_of(Address("telegram", "1"))
    assert work["name"] == "Countess"


async def test_a_burst_is_one_turn(make_world: MakeWorld) -> None:
    sections = {"turns": Turns(pause_seconds=0.3)}
    async with make_world(telegram_mode="webhook", sections=sections) as place, place.serving():
        ada = place.telegram.main.user(1, "Ada")
        for text in ("Hello", "one question:", "how can I export my data?"):
            ada.write(text)
        await telegram_got(place, 1)
        async with place.looking() as store:
            [turn] = await store.records.why(Address("telegram", "1"))
    assert len(turn["messages"]) == 3


async def test_while_more_is_waited_for_the_customer_sees_that_an_answer_is_written(make_world: MakeWorld) -> None:
    sections = {"turns": Turns(pause_seconds=1)}
    async with make_world(telegram_mode="webhook", sections=sections) as place, place.serving():
        place.telegram.main.user(1, "Ada").write("hello")
        [typing] = await place.ledger.wait_for(lambda entry: entry.method == "sendChatAction", DEADLINE)
        assert typing.payload["action"] == "typing"
        assert await telegram_got(place, 1)


async def test_the_same_update_fifty_times_in_parallel_is_answered_once(place: World) -> None:
    """Bad input 6."""
    bot = place.telegram.main
    bot.user(1, "Ada").write("hello")
    await telegram_got(place, 1)
    update = bot.last
    assert update is not None
    for _ in range(50):
        bot.again(update)
    await until(_confirmed(place, 51))
    bot.user(1, "Ada").write("How do I cancel?")
    replies = await telegram_got(place, 1, count=2)
    assert "cancel" in replies[1].lower()


def _confirmed(place: World, count: int) -> Callable[[], Awaitable[bool]]:
    async def confirmed() -> bool:
        return place.telegram.main.confirmed >= count

    return confirmed


async def test_an_edit_after_the_answer_is_kept_and_not_answered(place: World) -> None:
    """Bad input 12."""
    ada = place.telegram.main.user(1, "Ada")
    number = ada.write("How do I cancle?")
    await telegram_got(place, 1)
    ada.edit(number, "How do I cancel?")
    async with place.looking() as store:
        customer = await store.records.customer_of(Address("telegram", "1"))
        assert customer is not None

        async def revised() -> bool:
            return (await store.records.timeline(customer))[0].revisions == 1

        await until(revised)
        timeline = await store.records.timeline(customer)
    assert timeline[0].text == "How do I cancel?"
    assert len(timeline) == 2


async def test_names_full_of_markup_are_harmless(place: World) -> None:
    """Bad input 8."""
    place.telegram.main.user(1, "</a>").write("hello")
    place.telegram.main.user(2, "<3").write("hello")
    assert await telegram_got(place, 1)
    assert await telegram_got(place, 2)


async def test_what_cannot_be_stored_is_replaced_and_answered(place: World) -> None:
    """Bad input 10."""
    place.telegram.main.user(1, "Ada").write("hello\0 \ud800")
    await telegram_got(place, 1)
    async with place.looking() as store:
        customer = await store.records.customer_of(Address("telegram", "1"))
        assert customer is not None
        assert (await store.records.timeline(customer))[0].text == "hello\ufffd \ufffd"


async def test_a_throttled_reply_comes_later_and_once(place: World) -> None:
    place.faults.add(Throttle(after=0.2), provider="telegram", method="sendMessage", count=2)
    place.telegram.main.user(1, "Ada").write("hello")
    await telegram_got(place, 1)
    assert len(place.ledger.entries("telegram", "sendMessage")) == 1


async def test_a_provider_that_fails_once_gets_it_again(make_world: MakeWorld) -> None:
    sections = {"delivery": Delivery(backoff_seconds=0.05)}
    async with make_world(telegram_mode="webhook", sections=sections) as place, place.serving():
        place.faults.add(ServerError(), provider="telegram", method="sendMessage")
        place.telegram.main.user(1, "Ada").write("hello")
        assert await telegram_got(place, 1)


async def test_a_reply_that_may_have_arrived_is_listed_and_never_repeated(place: World) -> None:
    place.faults.add(Cut(accepted=True), provider="telegram", method="sendMessage")
    place.telegram.main.user(1, "Ada").write("hello")
    await telegram_got(place, 1)
    async with place.looking() as store:

        async def unknown() -> bool:
            return (await store.records.outbox_counts()).get(DeliveryState.UNKNOWN) == 1

        await until(unknown)
    assert len(place.ledger.entries("telegram", "sendMessage")) == 1


async def test_whoever_blocks_the_bot_is_handed_to_people(place: World) -> None:
    place.faults.add(Blocked(), provider="telegram", method="sendMessage")
    place.telegram.main.user(1, "Ada").write("hello")
    async with place.looking() as store:

        async def handed() -> bool:
            return [h.address for h in await store.records.handoffs()] == [Address("telegram", "1")]

        await until(handed)
        [entry] = await store.records.outbox()
    assert entry.state is DeliveryState.REFUSED


async def test_stop_is_confirmed_once_and_then_there_is_silence_until_start(place: World) -> None:
    ada = place.telegram.main.user(1, "Ada")
    for text in ("STOP", "stop", "How do I cancel?"):
        ada.write(text)
        await asyncio.sleep(0)
    await until(_confirmed(place, 3))
    async with place.looking() as store:

        async def idle() -> bool:
            return await store.records.waiting() == 0

        await until(idle)
        ada.write("START")
        replies = await telegram_got(place, 1, count=2)
    assert "START" in replies[0]
    assert len(place.ledger.entries("telegram", "sendMessage")) == 2


async def test_a_forged_sender_is_kept_for_staff_and_off_every_timeline(place: World) -> None:
    """Bad input 46, to its end."""
    async with place.looking() as store:
        await know_sarah(store)
        forger = place.mail.mailbox(SARAH_EMAIL.value, "Sarah")
        forger.verdict = Verdict.FAIL
        forger.write("Urgent", "Send me all invoices")

        async def kept() -> bool:
            return len(await store.records.quarantined()) == 1

        await until(kept)
        customer = await store.records.customer_of(SARAH_EMAIL)
        assert customer is not None
        assert await store.records.timeline(customer) == []
    assert place.mail.mailbox(SARAH_EMAIL.value).mails == []


async def test_twenty_mails_in_a_minute_get_one_automatic_reply(place: World) -> None:
    """Bad input 55."""
    sarah = place.mail.mailbox(SARAH_EMAIL.value, "Sarah")
    for number in range(20):
        sarah.write(f"Question {number}", f"How do I cancel? This is mail number {number}.")
    async with place.looking() as store:
        await until(partial(_all_taken, store, SARAH_EMAIL, 20))
        counts = await store.records.outbox_counts()
    assert counts.get("sent") == 1
    assert len(place.mail.mailbox(SARAH_EMAIL.value).mails) == 1


async def test_who_greets_by_mail_and_then_asks_is_answered(place: World) -> None:
    sarah = place.mail.mailbox(SARAH_EMAIL.value, "Sarah")
    sarah.write("Hello", "Hello")
    await mail_got(place, SARAH_EMAIL.value)
    sarah.write("My plan", "How do I cancel?")
    greeting, answer = await mail_got(place, SARAH_EMAIL.value, count=2)
    assert "Cancel" not in greeting
    assert "Settings > Billing > Cancel" in answer


async def test_machines_that_greet_and_ask_each_other_get_two_mails_an_hour(place: World) -> None:
    """Bad input 55, where every other mail is a greeting."""
    sarah = place.mail.mailbox(SARAH_EMAIL.value, "Sarah")
    async with place.looking() as store:
        for number in range(1, 9):
            sarah.write(
                f"Number {number}", "Hello" if number % 2 else f"How do I cancel? This is mail number {number}."
            )
            await until(partial(_all_taken, store, SARAH_EMAIL, number))
        counts = await store.records.outbox_counts()
    assert counts == {"sent": 2, "suppressed": 6}
    assert len(sarah.mails) == 2


async def _all_taken(store: Store, address: Address, count: int) -> bool:
    """Whether so many messages of theirs are there, nothing waits, and nothing is on its way."""
    customer = await store.records.customer_of(address)
    if customer is None:
        return False
    came = [m for m in await store.records.timeline(customer) if m.direction is Direction.IN]
    if len(came) < count or await store.records.waiting():
        return False
    return not (await store.records.outbox_counts()).keys() & {"queued", "sending"}


async def test_an_answer_to_our_mail_is_not_held_to_one_an_hour(place: World) -> None:
    sarah = place.mail.mailbox(SARAH_EMAIL.value, "Sarah")
    sarah.write("Question", "How do I cancel?")
    await mail_got(place, SARAH_EMAIL.value)
    sarah.reply(sarah.mails[-1], "And how can I export my data?")
    _, second = await mail_got(place, SARAH_EMAIL.value, count=2)
    assert "Export" in second


async def test_a_mail_written_by_a_machine_is_kept_and_not_answered(place: World) -> None:
    """Bad input 53, to its end."""
    sarah = place.mail.mailbox(SARAH_EMAIL.value, "Sarah")
    sarah.write("Out of office", "I am away. How do I cancel?", headers={"Auto-Submitted": "auto-replied"})
    async with place.looking() as store:

        async def taken() -> bool:
            return len(await store.records.why(SARAH_EMAIL)) == 1

        await until(taken)
        [why] = await store.records.why(SARAH_EMAIL)
    assert "not to be answered" in str(why["why"])
    assert sarah.mails == []


async def test_a_file_can_only_be_downloaded(place: World) -> None:
    """Bad inputs 15 and 59, to their end."""
    content = b"<svg onload=alert(1)>"
    place.telegram.main.user(1, "Ada").send_document("../../evil.svg", content, "image/svg+xml", "look")
    await telegram_got(place, 1)
    async with place.looking() as store:

        async def stored() -> bool:
            return await store.attachments.file_key(1) is not None

        await until(stored)
    async with aiohttp.ClientSession() as session:
        async with session.get(place.settings.server.public_url + place.download_path(1)) as answer:
            assert await answer.read() == content
            assert answer.headers["Content-Disposition"] == 'attachment; filename="attachment-1.bin"'
            assert answer.headers["Content-Type"] == "application/octet-stream"
        async with session.get(place.settings.server.public_url + place.download_path(1)[:-1] + "x") as answer:
            assert answer.status == 404


async def test_web_and_worker_may_be_different_processes(make_world: MakeWorld) -> None:
    async with (
        make_world(telegram_mode="webhook") as place,
        place.serving(frozenset({Role.WORKER})),
        place.serving(frozenset({Role.WEB})),
    ):
        place.telegram.main.user(1, "Ada").write("hello")
        assert await telegram_got(place, 1)


async def test_what_came_before_a_stop_is_answered_after_the_next_start(make_world: MakeWorld) -> None:
    async with make_world(telegram_mode="webhook") as place:
        async with place.serving(frozenset({Role.WEB})):
            place.telegram.main.user(1, "Ada").write("hello")
            await until(_confirmed(place, 1))
        assert place.ledger.entries("telegram", "sendMessage") == []
        async with place.serving():
            assert await telegram_got(place, 1)


async def test_health_tells_life_and_readiness(place: World) -> None:
    async with aiohttp.ClientSession(place.settings.server.public_url) as session:
        async with session.get("/healthz") as answer:
            assert answer.status == 200
        async with session.get("/readyz") as answer:
            assert await answer.json() == {"status": "ok", "database": "ok", "accounts": 2}


async def test_the_story_of_the_day_depends_on_memory_not_on_its_script(place: World) -> None:
    """Another name, another number: the elements change with what is known."""
    async with place.looking() as store:
        jo = NewCustomer(row=2, addresses=(Address("telegram", "99"),), facts={"name": "Jo March"})
        await store.records.import_customers([jo], ACCOUNTS)
    step = replace(STORIES["day"](datetime.now(UTC)).steps[0], sender=Address("telegram", "99"))
    place.telegram.main.user(99, "whatever Telegram says").write(step.text)
    [reply] = await telegram_got(place, 99)
    assert "Jo" in reply
    assert "Sarah" not in reply
