"""What became of messages whose call was cut off, as far as it can be said for sure."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from twilio_house import CUSTOMER, Clock, House, house

from omnibot.contract import Receipt, Unsure
from omnibot.model import MessageId, Outbound
from omnibot.sandbox import Cut, Throttle
from omnibot.sandbox.twilio import TwilioSandbox
from omnibot_twilio import Sms, WhatsApp


async def cut_off(house: House, text: str = "hello", *, accepted: bool = True, **more) -> Outbound:
    """A message whose call is cut off; as the outbox lists it afterwards."""
    queued = house.clock.now
    message = house.outbound(text, **more)
    house.sandbox.faults.add(Cut(accepted=accepted), method="messages.create")
    with pytest.raises(Unsure):
        await house.channel.send(message)
    house.clock.pass_by(seconds=20)
    return replace(message, tried=(queued, house.clock.now))


def sid_of(house: House, body: str = "hello") -> str:
    return next(m.sid for m in house.sandbox.main.messages.values() if m.body == body)


@pytest.fixture
def quiet(sandbox: TwilioSandbox) -> None:
    """No delivery report gives it away."""
    sandbox.automatic = False


async def test_what_twilio_has_is_found(sms: House, quiet: None) -> None:
    message = await cut_off(sms)
    assert await sms.channel.reconcile([message]) == {1: Receipt(sid_of(sms), units=1)}


async def test_what_it_has_not_is_said_once_the_list_must_have_it(sms: House, quiet: None) -> None:
    message = await cut_off(sms, accepted=False)
    assert await sms.channel.reconcile([message]) == {}
    sms.clock.pass_by(minutes=5)
    assert await sms.channel.reconcile([message]) == {1: None}


async def test_a_delivery_report_tells_for_sure(sms: House) -> None:
    """Its URL carries our ticket: even of two that are alike it is known which one came through."""
    first = await cut_off(sms)
    second = await cut_off(sms, id=MessageId(2), accepted=False)
    await sms.inbox.arrived()
    assert await sms.channel.reconcile([first, second]) == {1: Receipt(sid_of(sms), units=1)}


async def test_two_that_are_alike_cannot_be_told_apart(sms: House, quiet: None) -> None:
    first = await cut_off(sms)
    second = await cut_off(sms, id=MessageId(2), accepted=False)
    tried = (first.tried[0], second.tried[1])
    assert await sms.channel.reconcile([replace(first, tried=tried), replace(second, tried=tried)]) == {}


async def test_nor_can_two_in_the_list(sms: House, quiet: None) -> None:
    first = await cut_off(sms)
    second = await cut_off(sms, id=MessageId(2))
    assert await sms.channel.reconcile([replace(second, tried=(first.tried[0], second.tried[1]))]) == {}


async def test_the_same_words_to_somebody_else_are_something_else(sms: House, quiet: None) -> None:
    message = await cut_off(sms, accepted=False)
    await sms.channel.send(sms.outbound("hello", to="+12025550199", id=MessageId(2)))
    sms.clock.pass_by(minutes=5)
    assert await sms.channel.reconcile([message]) == {1: None}


async def test_what_was_answered_is_not_taken_for_what_was_not(sms: House, quiet: None) -> None:
    await sms.channel.send(sms.outbound("hello", id=MessageId(2)))
    message = await cut_off(sms, accepted=False)
    sms.clock.pass_by(minutes=5)
    assert await sms.channel.reconcile([message]) == {1: None}


async def test_another_process_cannot_be_so_sure(sms: House, quiet: None, clock: Clock) -> None:
    """It does not know which calls were answered: with two alike it says nothing."""
    await sms.channel.send(sms.outbound("hello", id=MessageId(2)))
    message = await cut_off(sms)
    async with house(sms.sandbox, Sms, clock=clock) as another:
        assert await another.channel.reconcile([message]) == {}
    assert await sms.channel.reconcile([message]) != {}


async def test_what_was_sent_at_another_time_is_another(sms: House, quiet: None) -> None:
    message = await cut_off(sms, accepted=False)
    sms.clock.pass_by(minutes=10)
    await cut_off(sms, id=MessageId(2))
    sms.clock.pass_by(minutes=5)
    assert await sms.channel.reconcile([message]) == {1: None}


async def test_other_words_meanwhile_leave_it_open(sms: House, quiet: None) -> None:
    """A service may have changed ours."""
    message = await cut_off(sms, accepted=False)
    other = await cut_off(sms, "something else", id=MessageId(2))
    sms.clock.pass_by(minutes=5)
    assert await sms.channel.reconcile([replace(message, tried=(message.tried[0], other.tried[1]))]) == {}


async def test_without_a_time_nothing_is_said(sms: House, quiet: None) -> None:
    message = await cut_off(sms)
    assert await sms.channel.reconcile([replace(message, tried=None)]) == {}


async def test_a_list_that_does_not_reach_back_so_far_says_nothing(
    sms: House, quiet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnibot_twilio.reconcile.LISTED", 3)
    message = await cut_off(sms, accepted=False)
    sms.clock.pass_by(minutes=5)
    for number in range(3):
        await sms.channel.send(sms.outbound(f"later {number}", id=MessageId(10 + number)))
    assert await sms.channel.reconcile([message]) == {}


async def test_where_twilio_does_not_answer_it_is_asked_the_next_time(sms: House, quiet: None) -> None:
    message = await cut_off(sms)
    sms.sandbox.faults.add(Throttle(1), method="messages.list")
    assert await sms.channel.reconcile([message]) == {}
    assert await sms.channel.reconcile([message]) != {}


async def test_what_would_not_be_sent_any_more_keeps_no_other_from_being_found(sms: House, quiet: None) -> None:
    message = await cut_off(sms)
    empty = replace(message, id=MessageId(2), parts=())
    assert set(await sms.channel.reconcile([empty, message])) == {1}


async def test_folded_words_are_still_ours(sms: House, quiet: None) -> None:
    text = "x" * 100 + " – it’s done"
    message = await cut_off(sms, text)
    (receipt,) = (await sms.channel.reconcile([message])).values()
    assert receipt is not None
    assert receipt.units == 1


async def test_a_service_chooses_the_sender_and_it_is_found_nevertheless(
    sandbox: TwilioSandbox, quiet: None, clock: Clock
) -> None:
    async with house(sandbox, Sms, clock=clock, messaging_service_sid=sandbox.main.service().sid) as served:
        message = await cut_off(served)
        assert await served.channel.reconcile([message]) == {1: Receipt(sid_of(served), units=1)}


@pytest.mark.parametrize("silent", [timedelta(hours=1), timedelta(hours=25)])
async def test_in_a_template_or_not_it_is_found(
    sandbox: TwilioSandbox, quiet: None, clock: Clock, silent: timedelta
) -> None:
    sandbox.phone(CUSTOMER).whatsapp("hello")
    template = {"sid": sandbox.main.template("Hello {{1}}, we found: {{2}} Write back.").sid}
    async with house(sandbox, WhatsApp, clock=clock, template=template) as opened:
        heard: datetime = clock.now
        clock.now += silent
        message = await cut_off(opened, "First line.\n\nSecond line.", heard_at=heard)
        # the outbox does not tell then when they wrote
        found = await opened.channel.reconcile([replace(message, heard_at=None)])
    assert [receipt is not None for receipt in found.values()] == [True]
