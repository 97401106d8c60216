"""What Twilio could not tell us, found in its list."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from twilio_house import CUSTOMER, Clock, House, house, listening

from omnibot.contract import NotAccepted
from omnibot.model import Address, Incoming, IncomingMessage
from omnibot.sandbox import Throttle
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.twilio import TwilioSandbox
from omnibot.sandbox.twilio.messages import Message
from omnibot_twilio import Sms, WhatsApp

PICTURE = SentFile("screen.png", "image/png", b"pixels")


@pytest.mark.parametrize("kind", [Sms, WhatsApp])
async def test_what_came_while_we_were_away_is_found_in_order(
    sandbox: TwilioSandbox, clock: Clock, kind: type[Sms | WhatsApp]
) -> None:
    phone = sandbox.phone(CUSTOMER)
    for number in range(5):
        (phone.text if kind is Sms else phone.whatsapp)(f"number {number}")
        clock.pass_by(hours=1.5)
    async with house(sandbox, kind, clock=clock) as opened, listening(opened):
        await opened.inbox.arrived(5)
    assert [message.text for message in opened.inbox.messages] == [f"number {number}" for number in range(5)]
    first, second, *_ = opened.inbox.messages
    assert first.sender.address == Address(kind.name, CUSTOMER)
    assert (second.at - first.at).total_seconds() == 1.5 * 3600


async def test_what_comes_both_ways_is_one_message(sms: House) -> None:
    sms.sandbox.main.deliver_to(sms=sms.webhook_url)
    sms.sandbox.phone(CUSTOMER).text("hello")
    await sms.inbox.arrived()
    async with house(sms.sandbox, Sms, clock=sms.clock) as another:  # which remembers nothing
        await another.looked()
    (by_webhook,), (found,) = sms.inbox.messages, another.inbox.messages
    assert found.id == by_webhook.id
    assert (found.text, found.sender.address, found.message_id) == (
        by_webhook.text,
        by_webhook.sender.address,
        by_webhook.message_id,
    )


async def test_what_is_known_is_not_handed_over_again(sms: House) -> None:
    sms.sandbox.main.deliver_to(sms=sms.webhook_url)
    sms.sandbox.phone(CUSTOMER).text("hello")
    await sms.inbox.arrived()
    sms.sandbox.main.deliver_to(sms="")
    sms.sandbox.phone(CUSTOMER).text("and this?")
    assert await sms.looked() == 1
    assert await sms.looked() == 0
    assert [message.text for message in sms.inbox.offers] == ["hello", "and this?"]


async def test_files_are_found_with_it(sms: House) -> None:
    sms.sandbox.phone(CUSTOMER).text("look", [PICTURE, PICTURE])
    await sms.looked()
    (message,) = sms.inbox.messages
    assert [file.media_type for file in message.attachments] == ["image/png", "image/png"]
    assert b"".join([chunk async for chunk in sms.channel.fetch(message.attachments[1])]) == b"pixels"


async def test_stop_counts_as_well(sms: House) -> None:
    sms.sandbox.phone(CUSTOMER).stop()
    await sms.looked()
    (message,) = sms.inbox.messages
    assert message.opt == "stop"


async def test_ours_and_our_own_numbers_are_left(sms: House) -> None:
    account = sms.sandbox.main
    account.number("+12025550122")
    sms.sandbox.phone("+12025550122").text("a loop?")
    await sms.channel.send(sms.outbound("from us"))
    assert await sms.looked() == 0


async def test_what_our_account_sent_to_our_number_is_not_what_somebody_wrote(sms: House, clock: Clock) -> None:
    """It is in the list twice: as sent, by whichever name, and as received."""
    account = sms.sandbox.main
    sent = Message(account.sid, "outbound-api", "ExampleCo", account.sms_number, "hello", clock.now, "sent", 1)
    sent.sent = clock.now
    account.keep(sent)
    assert await sms.looked() == 0


async def test_what_went_to_another_number_is_not_ours_to_find(sms: House) -> None:
    sms.sandbox.main.number("+12025550122")
    sms.sandbox.phone(CUSTOMER).text("hello", to="+12025550122")
    assert await sms.looked() == 0


async def test_it_looks_back_as_far_as_told(sandbox: TwilioSandbox, clock: Clock) -> None:
    sandbox.phone(CUSTOMER).text("long ago")
    clock.pass_by(hours=3)
    sandbox.phone(CUSTOMER).text("lately")
    clock.pass_by(minutes=5)
    async with house(sandbox, Sms, clock=clock, look_back_hours=2) as opened, listening(opened):
        (message,) = await opened.inbox.arrived()
    assert isinstance(message, IncomingMessage)
    assert message.text == "lately"


async def test_what_came_this_very_second_is_found(sms: House, clock: Clock) -> None:
    clock.pass_by(seconds=0.9)
    sms.sandbox.phone(CUSTOMER).text("just now")
    assert await sms.looked() == 1


async def test_a_clock_that_is_ahead_of_ours_hides_nothing(sms: House, clock: Clock) -> None:
    clock.pass_by(minutes=4)
    sms.sandbox.phone(CUSTOMER).text("in a while")
    clock.pass_by(minutes=-4)
    assert await sms.looked() == 1


async def test_more_than_a_page_is_found(sms: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnibot_twilio.missed.PAGE", 20)
    monkeypatch.setattr("omnibot_twilio.missed.BATCH", 7)
    for number in range(50):
        sms.sandbox.phone(CUSTOMER).text(f"number {number}")
    assert await sms.looked() == 50
    assert [message.text for message in sms.inbox.messages] == [f"number {number}" for number in range(50)]


async def test_it_looks_again_and_again(sandbox: TwilioSandbox, clock: Clock) -> None:
    async with house(sandbox, Sms, clock=clock, look_every_seconds=0.01) as opened, listening(opened):
        for number in range(3):
            sandbox.phone(CUSTOMER).text(f"number {number}")
            await opened.inbox.arrived(number + 1)


async def test_a_look_that_fails_is_tried_again(sandbox: TwilioSandbox, clock: Clock) -> None:
    sandbox.phone(CUSTOMER).text("hello")
    sandbox.faults.add(Throttle(1), method="messages.list", count=2)
    async with house(sandbox, Sms, clock=clock, look_every_seconds=0.01) as opened, listening(opened):
        await opened.inbox.arrived()


async def test_so_is_one_whose_finds_cannot_be_stored(sandbox: TwilioSandbox, clock: Clock) -> None:
    sandbox.phone(CUSTOMER).text("hello")
    async with house(sandbox, Sms, clock=clock, look_every_seconds=0.01) as opened:
        opened.inbox.refusing = True
        async with listening(opened):
            await opened.inbox.offered(2)
            opened.inbox.refusing = False
            await opened.inbox.arrived()


async def test_our_own_numbers_are_looked_up_as_far_as_twilio_tells(sms: House) -> None:
    sms.sandbox.faults.add(Throttle(1), method="incoming_phone_numbers.list")
    sms.sandbox.phone(CUSTOMER).text("hello")
    assert await sms.looked() == 1


async def test_it_ends_promptly(sms: House) -> None:
    async with listening(sms) as task:
        await asyncio.sleep(0)
        task.cancel()
        _, pending = await asyncio.wait({task}, timeout=5)
    assert not pending


async def test_one_that_cannot_be_stored_keeps_no_other_out(sms: House) -> None:
    phone = sms.sandbox.phone(CUSTOMER)
    for text in ("first", "bad", "third"):
        phone.text(text)
    sms.clock.pass_by(hours=3)
    phone.text("later")

    async def accept(arrivals: Sequence[Incoming]) -> None:
        if any(isinstance(arrival, IncomingMessage) and arrival.text == "bad" for arrival in arrivals):
            raise NotAccepted("the database cannot take it")
        await sms.inbox(arrivals)

    now = sms.clock.now
    for _ in range(2):
        with pytest.raises(NotAccepted, match="1 could not"):  # and so it is tried again
            await sms.channel.missed.look(now - timedelta(hours=23.5), now, accept)
    assert [message.text for message in sms.inbox.offers] == ["first", "third", "later"]


async def test_while_nothing_can_be_stored_not_everything_is_tried(sms: House) -> None:
    phone = sms.sandbox.phone(CUSTOMER)
    for number in range(20):
        phone.text(f"number {number}")
    tries = 0

    async def accept(arrivals: Sequence[Incoming]) -> None:
        nonlocal tries
        tries += 1
        raise NotAccepted("the database cannot take it")

    now = sms.clock.now
    with pytest.raises(NotAccepted):
        await sms.channel.missed.look(now - timedelta(hours=23.5), now, accept)
    assert tries < 10
