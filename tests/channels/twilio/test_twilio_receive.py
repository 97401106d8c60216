"""Who may call us, and what becomes of what they post."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator

import pytest
import structlog
from twilio.request_validator import RequestValidator
from twilio_house import CUSTOMER, House, house

from omnibot.model import Address, ButtonPress, DeliveryReport, DeliveryState, IncomingMessage
from omnibot.sandbox.twilio import TwilioSandbox
from omnibot_twilio import Sms, WhatsApp
from omnibot_twilio.webhooks import OVERRIDES

JAMAICA, PREMIUM, SHORT_CODE = "+18765550147", "+19005550147", "72975"


@pytest.fixture
def logged():
    with structlog.testing.capture_logs() as lines:
        yield lines


def only(lines: list, event: str) -> dict:
    (line,) = [line for line in lines if line["event"] == event]
    return line


# --- who calls -------------------------------------------------------------------------------------------------------


async def test_what_twilio_posts_is_taken_and_answered_with_nothing(sms: House) -> None:
    assert await sms.post(sms.form()) == 200
    assert sms.answered == '<?xml version="1.0" encoding="UTF-8"?><Response/>'
    (message,) = sms.inbox.messages
    assert message.text == "hello"
    assert message.at == sms.clock.now


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "guessed",
        "A" * 27 + "=",
        "é" * 28,
        "x" * 4000,
    ],
    ids=["absent", "empty", "short", "wrong", "not ASCII", "long"],
)
async def test_who_does_not_sign_is_turned_away(sms: House, signature: str | None) -> None:
    """Bad input 31."""
    assert await sms.post(sms.form(), signature=signature) == 403
    assert sms.inbox.offers == []


@pytest.mark.parametrize("path", ["webhook", "status"])
async def test_who_signs_with_another_token_is_turned_away(sms: House, path: str) -> None:
    """Bad input 31."""
    url = sms.webhook_url if path == "webhook" else sms.status_url()
    form = sms.form() if path == "webhook" else sms.report("delivered")
    forged = RequestValidator("another token").compute_signature(url, form)
    assert await sms.post(form, url, forged) == 403
    assert sms.inbox.offers == []


async def test_a_changed_parameter_is_noticed(sms: House) -> None:
    """Bad input 31."""
    signature = RequestValidator(sms.sandbox.main.auth_token).compute_signature(sms.webhook_url, sms.form())
    assert await sms.post(sms.form(Body="hello!"), signature=signature) == 403
    assert await sms.post(sms.form(Extra=""), signature=signature) == 403
    assert await sms.post(sms.form(), signature=signature) == 200


async def test_empty_parameters_are_signed_too(sms: House) -> None:
    assert await sms.post(sms.form(Body="", ToCity="")) == 200


@pytest.mark.parametrize("header", ["X_Forwarded_Host", "X_Forwarded_Proto", "X_Original_Host", "Host"])
async def test_the_url_is_the_configured_one_whatever_a_header_says(sms: House, header: str) -> None:
    """Bad input 32: a signature over another host does not become right by naming that host."""
    elsewhere = "https://evil.example/channels/sms/main/webhook"
    token = sms.sandbox.main.auth_token
    signature = RequestValidator(token).compute_signature(elsewhere, sms.form())
    value = "https" if "Proto" in header else "evil.example"
    assert await sms.post(sms.form(), signature=signature, **{header: value}) == 403
    assert await sms.post(sms.form(), **{header: value}) == 200  # nor a right one wrong


async def test_a_signature_over_the_overrides_is_right_as_well(sms: House) -> None:
    token = sms.sandbox.main.auth_token
    signature = RequestValidator(token).compute_signature(sms.webhook_url + OVERRIDES, sms.form())
    assert await sms.post(sms.form(), signature=signature) == 200


async def test_another_account_is_turned_away(sms: House) -> None:
    """Bad input 34: the account of a subsidiary may share our token, but not our customers."""
    assert await sms.post(sms.form(AccountSid="AC" + "00" * 16)) == 403
    assert await sms.post(sms.report("delivered", AccountSid="AC" + "00" * 16), sms.status_url()) == 403
    assert sms.inbox.offers == []


async def test_a_replay_is_the_same_message(sms: House) -> None:
    """Bad input 33: the day after, too."""
    assert await sms.post(sms.form()) == 200
    sms.clock.pass_by(days=1)
    assert await sms.post(sms.form()) == 200
    first, again = sms.inbox.offers
    assert first.id == again.id
    assert len(sms.inbox.messages) == 1


# --- what a body may be ----------------------------------------------------------------------------------------------


async def test_a_compressed_body_is_refused(sms: House) -> None:
    assert await sms.post(sms.form(), Content_Encoding="gzip") == 415
    assert sms.inbox.offers == []


async def test_a_large_body_is_refused(sms: House) -> None:
    assert await sms.post(sms.form(Body="x" * 1_100_000)) == 413
    assert sms.inbox.offers == []


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 100_000
        await asyncio.sleep(0)


async def test_a_large_body_that_does_not_say_its_length_is_refused(sms: House) -> None:
    headers = {"X-Twilio-Signature": "A" * 28}
    async with sms.client.post(sms.webhook_url, data=chunks(20), headers=headers) as answer:
        assert answer.status == 413


async def test_a_stranger_s_huge_body_is_not_read(sms: House) -> None:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        async with sms.client.post(sms.webhook_url, data=chunks(300)) as answer:
            assert answer.status == 403
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 10_000_000


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=1&" * 500, b"", b'{"Body": "hello"}'])
async def test_what_is_no_form_is_turned_away(sms: House, body: bytes) -> None:
    assert await sms.post(body, signature="A" * 28) == 403
    assert sms.inbox.offers == []


async def test_what_twilio_signs_and_is_odd_is_taken_and_left(sms: House, logged: list) -> None:
    assert await sms.post(sms.form(MessageSid="")) == 200
    assert sms.inbox.offers == []
    assert only(logged, "webhook_unreadable")["reason"] == "MessageSid is no SID"


async def test_so_is_an_odd_report(sms: House, logged: list) -> None:
    assert await sms.post(sms.report("delivered", MessageSid="1"), sms.status_url()) == 200
    assert sms.inbox.offers == []
    assert only(logged, "webhook_unreadable")


async def test_what_cannot_be_stored_is_not_acknowledged(sms: House) -> None:
    sms.inbox.refusing = True
    assert await sms.post(sms.form()) == 503
    assert await sms.post(sms.report("delivered"), sms.status_url()) == 503
    sms.inbox.refusing = False
    assert await sms.post(sms.form()) == 200


async def test_the_other_channel_s_messages_are_turned_away(sms: House, whatsapp: House, logged: list) -> None:
    """The URL of one stands at the other: Twilio's error log shows the 400."""
    assert await sms.post(whatsapp.form()) == 400
    assert await whatsapp.post(sms.form()) == 400
    assert sms.inbox.offers == whatsapp.inbox.offers == []


async def test_no_line_tells_a_number_or_a_word(sms: House, logged: list) -> None:
    await sms.post(sms.form(From=JAMAICA, Body="something private"))
    await sms.post(sms.form(), signature="guessed")
    await sms.post(sms.report("delivered", To=JAMAICA), sms.status_url())
    assert logged
    for line in logged:
        assert line["channel"] == "sms"
        assert line["account"] == "main"
        assert not any("555" in str(value) or "private" in str(value) for value in line.values())


# --- who wrote -------------------------------------------------------------------------------------------------------


async def test_our_own_number_is_acknowledged_and_left(sms: House) -> None:
    """Bad input 35."""
    assert await sms.post(sms.form(From=sms.sandbox.main.sms_number)) == 200
    assert sms.inbox.offers == []


async def test_so_is_every_other_number_of_the_account(sms: House) -> None:
    """Bad input 35: two bots of one account must not talk to each other."""
    sms.sandbox.main.number("+12025550122")
    await sms.looked()
    assert await sms.post(sms.form(From="+12025550122")) == 200
    assert sms.inbox.offers == []


@pytest.mark.parametrize("writer", [JAMAICA, PREMIUM, SHORT_CODE, "ParcelCo"])
async def test_who_is_not_served_is_stored_and_never_answered(sms: House, writer: str) -> None:
    """Bad input 38."""
    assert await sms.post(sms.form(From=writer)) == 200
    (message,) = sms.inbox.messages
    assert message.sender.address == Address("sms", writer)
    assert message.text == "hello"
    assert message.automatic
    assert message.flags == ("not_served",)


async def test_it_is_alerted_once_in_a_while(sms: House, logged: list) -> None:
    """Bad input 38."""
    for number in range(20):
        await sms.post(sms.form(From=f"+187655501{number:02}"))
    await sms.post(sms.form(From=PREMIUM))
    alerts = [line for line in logged if line["event"] == "not_served"]
    assert [(line["kind"], line["log_level"]) for line in alerts] == [("JM", "warning"), ("premium", "warning")]
    sms.clock.pass_by(hours=1)
    await sms.post(sms.form(From=JAMAICA))
    assert [line["kind"] for line in logged if line["event"] == "not_served"] == ["JM", "premium", "JM"]


async def test_who_is_on_the_list_is_served(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, Sms, countries=("US", "JM")) as both:
        await both.post(both.form(From=JAMAICA))
        (message,) = both.inbox.messages
    assert (message.automatic, message.flags) == ("", ())


async def test_a_whatsapp_id_has_a_country_too(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, WhatsApp, countries=("US",)) as americans:
        await americans.post(americans.form(From="whatsapp:US.13491208655302741918", MessageSid="SM" + "01" * 16))
        await americans.post(americans.form(From="whatsapp:DE.13491208655302741918", MessageSid="SM" + "02" * 16))
        ours, other = americans.inbox.messages
    assert not ours.automatic
    assert "DE" in other.automatic


async def test_a_press_from_elsewhere_is_stored_as_what_it_says(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, WhatsApp, countries=("DE",)) as germans:
        await germans.post(germans.form(ButtonText="Yes", ButtonPayload="solved:yes", Body="Yes"))
        (message,) = germans.inbox.arrivals
    assert isinstance(message, IncomingMessage)
    assert message.text == "solved:yes"
    assert message.automatic


async def test_a_press_comes_in_as_one(whatsapp: House) -> None:
    await whatsapp.post(whatsapp.form(ButtonText="Yes", ButtonPayload="solved:yes", Body="Yes"))
    (press,) = whatsapp.inbox.arrivals
    assert isinstance(press, ButtonPress)
    assert press.value == "solved:yes"


# --- STOP ------------------------------------------------------------------------------------------------------------


async def test_stop_comes_in_as_obeyed_by_the_network(sms: House) -> None:
    """Bad input 36: Twilio has answered it, so that we need not."""
    sms.sandbox.main.deliver_to(sms=sms.webhook_url)
    phone = sms.sandbox.phone(CUSTOMER)
    phone.stop()
    phone.text("STOP.")
    stop, dotted = await sms.inbox.arrived(2)
    assert isinstance(stop, IncomingMessage)
    assert isinstance(dotted, IncomingMessage)
    assert (stop.opt, dotted.opt) == ("stop", "")


async def test_whatsapp_obeys_nothing(whatsapp: House) -> None:
    await whatsapp.post(whatsapp.form(Body="STOP"))
    (message,) = whatsapp.inbox.messages
    assert message.opt == ""


# --- what became of ours ---------------------------------------------------------------------------------------------


async def test_a_report_is_told(sms: House) -> None:
    assert await sms.post(sms.report("delivered"), sms.status_url()) == 200
    (report,) = sms.inbox.arrivals
    assert isinstance(report, DeliveryReport)
    assert report.state is DeliveryState.DELIVERED


async def test_a_report_that_tells_nothing_new_is_acknowledged(sms: House) -> None:
    assert await sms.post(sms.report("sent"), sms.status_url()) == 200
    assert sms.inbox.offers == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "message=1",
        "message=1&ticket=",
        "message=1&ticket=" + "0" * 24,
        "message=one&ticket=%C3%A9",
        "ticket=" + "0" * 24,
    ],
)
async def test_a_report_about_what_is_not_ours_is_counted_and_left(sms: House, logged: list, query: str) -> None:
    """Bad input 43: signed by Twilio, but without a ticket of ours."""
    url = f"{sms.base}{sms.path}/status" + (f"?{query}" if query else "")
    assert await sms.post(sms.report("delivered"), url) == 200
    assert sms.inbox.offers == []
    assert only(logged, "report_of_unknown_message")


async def test_a_ticket_is_good_for_its_message_and_its_address_alone(sms: House) -> None:
    """Bad input 43."""
    other = sms.report("delivered", To="+12025550199", From=sms.sandbox.main.sms_number)
    assert await sms.post(other | {"To": "+12025550199"}, sms.status_url()) == 200
    assert await sms.post(sms.report("delivered"), sms.status_url(2).replace("message=2", "message=1")) == 200
    assert sms.inbox.offers == []


async def test_what_we_send_is_reported_through_its_own_url(sms: House) -> None:
    """The sandbox calls the URL that went along with the message, signed, and in order."""
    receipt = await sms.channel.send(sms.outbound("hello"))
    (report,) = await sms.inbox.arrived()
    assert isinstance(report, DeliveryReport)
    assert report.provider_id == receipt.provider_id
    assert report.state is DeliveryState.DELIVERED
    await sms.sandbox.settled()
    assert set(sms.sandbox.main.posted) == {200}


async def test_without_a_public_url_nothing_is_reported(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, Sms, public=False) as quiet:
        await quiet.channel.send(quiet.outbound("hello"))
        (sent,) = quiet.sent()
    assert "StatusCallback" not in sent
