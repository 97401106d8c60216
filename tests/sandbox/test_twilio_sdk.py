"""The emulated Twilio, called by Twilio's own SDK."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from omnibot.sandbox import Cut, Throttle
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.twilio import ACCOUNT_SID, AUTH_TOKEN, SMS_NUMBER, WHATSAPP_NUMBER, TwilioSandbox

ADA = "+12025550123"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

pytestmark = [  # of how the SDK calls aiohttp
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning"),
]


@pytest_asyncio.fixture
async def twilio() -> AsyncIterator[TwilioSandbox]:
    async with TwilioSandbox(now=lambda: NOON) as sandbox:
        yield sandbox


@pytest_asyncio.fixture
async def client(twilio: TwilioSandbox) -> AsyncIterator[Client]:
    async with AsyncTwilioHttpClient() as http:
        client = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=http)
        for domain in (client.api, client.messaging, client.content):
            domain.base_url = twilio.url
        yield client


async def test_a_message_is_sent_looked_at_redacted_and_deleted(twilio: TwilioSandbox, client: Client):
    sent = await client.messages.create_async(to=ADA, from_=SMS_NUMBER, body="Hello")
    assert (sent.status, sent.num_segments, sent.date_created) == ("queued", "1", NOON)
    await twilio.settled()
    fetched = await client.messages(sent.sid).fetch_async()
    assert (fetched.status, fetched.price, fetched.price_unit, fetched.date_sent) == (
        "delivered",
        "-0.00790",
        "USD",
        NOON,
    )
    assert (await fetched.update_async(body="")).body == ""
    assert await client.messages(sent.sid).delete_async()
    with pytest.raises(TwilioRestException) as gone:
        await client.messages(sent.sid).fetch_async()
    assert (gone.value.status, gone.value.code) == (404, 20404)


async def test_errors_are_those_of_the_sdk(twilio: TwilioSandbox, client: Client):
    with pytest.raises(TwilioRestException) as refused:
        await client.messages.create_async(to="+1", from_=SMS_NUMBER, body="Hello")
    assert (refused.value.status, refused.value.code) == (400, 21211)
    twilio.faults.add(Throttle(3), method="messages.create")
    with pytest.raises(TwilioRestException) as throttled:
        await client.messages.create_async(to=ADA, from_=SMS_NUMBER, body="Hello")
    assert (throttled.value.status, throttled.value.code) == (429, 20429)


async def test_lists_are_paged_and_filtered_as_the_sdk_asks(twilio: TwilioSandbox, client: Client):
    for number in range(5):
        twilio.phone(ADA).text(str(number))
    await client.messages.create_async(to=ADA, from_=SMS_NUMBER, body="ours")
    everything = await client.messages.list_async(page_size=2)
    assert [message.body for message in everything] == ["ours", "4", "3", "2", "1", "0"]
    theirs = await client.messages.list_async(to=SMS_NUMBER, page_size=2, limit=3)
    assert [message.body for message in theirs] == ["4", "3", "2"]
    assert await client.messages.list_async(date_sent_after=NOON + timedelta(seconds=1)) == []
    assert len(await client.messages.list_async(date_sent_before=NOON, date_sent_after=NOON)) == 6
    assert len(await client.messages.list_async(date_sent=NOON)) == 6
    streamed = [message async for message in await client.messages.stream_async(to=SMS_NUMBER, page_size=2)]
    assert len(streamed) == 5


async def test_files_are_listed_and_deleted(twilio: TwilioSandbox, client: Client):
    sid = twilio.phone(ADA).text("look", [SentFile("map.png", "image/png", b"png")])
    (media,) = await client.messages(sid).media.list_async()
    assert (media.content_type, media.parent_sid) == ("image/png", sid)
    assert await client.messages(sid).media(media.sid).delete_async()
    assert await client.messages(sid).media.list_async() == []


async def test_the_account_is_looked_at(twilio: TwilioSandbox, client: Client):
    assert (await client.api.v2010.account.fetch_async()).status == "active"
    assert (await client.balance.fetch_async()).balance == "20.00"
    (number,) = await client.incoming_phone_numbers.list_async(phone_number=SMS_NUMBER)
    assert (number.phone_number, number.capabilities["sms"]) == (SMS_NUMBER, True)
    changed = await number.update_async(sms_url="https://example.org/sms#rc=5&rp=all")
    assert changed.sms_url == twilio.main.incoming(SMS_NUMBER).sms_url == "https://example.org/sms#rc=5&rp=all"


async def test_services_senders_and_templates_are_looked_at(twilio: TwilioSandbox, client: Client):
    service = twilio.main.service()
    template = twilio.main.template("Hello {{1}}", approval="pending")
    assert [each.sid for each in await client.messaging.v1.services.list_async()] == [service.sid]
    assert (await client.messaging.v1.services(service.sid).fetch_async()).date_created == NOON
    (number,) = await client.messaging.v1.services(service.sid).phone_numbers.list_async()
    assert number.phone_number == SMS_NUMBER
    (sender,) = await client.messaging.v2.channels_senders.list_async(channel="whatsapp")
    assert (sender.sender_id, sender.status) == (f"whatsapp:{WHATSAPP_NUMBER}", "ONLINE")
    assert (await client.messaging.v2.channels_senders(sender.sid).fetch_async()).webhook["callback_url"] == ""
    assert [each.sid for each in await client.content.v1.contents.list_async()] == [template.sid]
    assert (await client.content.v1.contents(template.sid).fetch_async()).date_created == NOON
    assert (await client.content.v1.contents(template.sid).approval_fetch().fetch_async()).whatsapp[
        "status"
    ] == "pending"
    (both,) = await client.content.v1.content_and_approvals.list_async()
    assert both.approval_requests["status"] == "pending"


async def test_templates_are_sent_and_typing_is_shown(twilio: TwilioSandbox, client: Client):
    sid = twilio.phone(ADA).whatsapp("hello")
    assert (await client.messaging.v2.typing_indicator.create_async("whatsapp", sid)).success
    template = twilio.main.template("Hello {{1}}")
    sent = await client.messages.create_async(
        to=f"whatsapp:{ADA}",
        from_=f"whatsapp:{WHATSAPP_NUMBER}",
        content_sid=template.sid,
        content_variables='{"1": "Ada"}',
    )
    assert sent.body == "Hello Ada"


async def test_several_files_go_out_as_the_sdk_writes_them(twilio: TwilioSandbox, client: Client):
    sent = await client.messages.create_async(
        to=ADA, from_=SMS_NUMBER, media_url=["https://127.0.0.1:1/a.png", "https://127.0.0.1:1/b.png"]
    )
    assert sent.num_media == "2"


async def test_wrong_credentials_are_an_error_of_the_sdk(twilio: TwilioSandbox):
    async with AsyncTwilioHttpClient() as http:
        client = Client(ACCOUNT_SID, "wrong", http_client=http)
        client.api.base_url = twilio.url
        with pytest.raises(TwilioRestException) as refused:
            await client.messages.create_async(to=ADA, from_=SMS_NUMBER, body="Hello")
    assert (refused.value.status, refused.value.code) == (401, 20003)


async def test_a_hung_up_call_is_an_error_of_the_client_below(twilio: TwilioSandbox, client: Client):
    twilio.faults.add(Cut(accepted=True), method="messages.create")
    with pytest.raises(aiohttp.ClientError):
        await client.messages.create_async(to=ADA, from_=SMS_NUMBER, body="Hello")
    assert [message.text for message in twilio.phone(ADA).messages] == ["Hello"]
