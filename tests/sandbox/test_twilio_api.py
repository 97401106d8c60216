"""The emulated REST API, called as a client would call it: bare HTTP, no library in between."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from omnibot.sandbox import Blocked, Cut, Hang, Outcome, ServerError, Throttle
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.twilio import ACCOUNT_SID, AUTH_TOKEN, SMS_NUMBER, WHATSAPP_NUMBER, TwilioSandbox

ADA, BOB, LONDON = "+12025550123", "+12025550124", "+447700900123"
USER = "US.13491208655302741918"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOKEN = aiohttp.encode_basic_auth(ACCOUNT_SID, AUTH_TOKEN)
PNG = SentFile("map.png", "image/png", b"\x89PNG and so on")


@dataclass
class Clock:
    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by) -> None:
        self.at += timedelta(**by)


@dataclass
class Caller:
    sandbox: TwilioSandbox
    client: aiohttp.ClientSession
    clock: Clock

    async def ask(self, verb: str, path: str, status: int = 200, auth: str | None = TOKEN, **options):
        headers = {"Authorization": auth} if auth else {}
        url = self.sandbox.url + path
        async with self.client.request(verb, url, allow_redirects=False, headers=headers, **options) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json() if answer.content_type == "application/json" else answer

    async def account(self, verb: str, path: str, status: int = 200, **options):
        return await self.ask(verb, f"/2010-04-01/Accounts/{ACCOUNT_SID}{path}", status, **options)

    async def send(self, **form) -> dict:
        return await self.account("POST", "/Messages.json", 201, data={"To": ADA, "From": SMS_NUMBER} | form)

    async def whatsapp(self, **form) -> dict:
        given = {"To": f"whatsapp:{ADA}", "From": f"whatsapp:{WHATSAPP_NUMBER}", "Body": "x"}
        return await self.account("POST", "/Messages.json", 201, data=given | form)

    async def refusal(self, **form) -> tuple[int, str]:
        given = {name: value for name, value in ({"To": ADA, "From": SMS_NUMBER} | form).items() if value is not None}
        body = await self.account("POST", "/Messages.json", 400, data=given)
        assert body == {
            "code": body["code"],
            "message": body["message"],
            "more_info": f"https://www.twilio.com/docs/errors/{body['code']}",
            "status": 400,
        }
        return body["code"], body["message"]

    async def status(self, sid: str) -> tuple[str, int | None]:
        await self.sandbox.settled()
        message = await self.account("GET", f"/Messages/{sid}.json")
        return message["status"], message["error_code"]


@pytest_asyncio.fixture
async def twilio() -> AsyncIterator[Caller]:
    clock = Clock()
    async with TwilioSandbox(now=clock) as sandbox, aiohttp.ClientSession() as client:
        yield Caller(sandbox, client, clock)


# --- who may call what -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "auth",
    [
        None,
        aiohttp.encode_basic_auth(ACCOUNT_SID, "wrong"),
        aiohttp.encode_basic_auth(ACCOUNT_SID, ""),
        aiohttp.encode_basic_auth("x", ""),
    ],
)
async def test_wrong_credentials_are_turned_away(twilio: Caller, auth):
    headers = {"Authorization": auth} if auth else {}
    async with twilio.client.get(f"{twilio.sandbox.url}/v1/Services", headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Twilio API"'
        assert await answer.json() == {
            "code": 20003,
            "message": "Authenticate",
            "more_info": "https://www.twilio.com/docs/errors/20003",
            "status": 401,
        }


@pytest.mark.parametrize("header", ["Bearer x", "Basic !", "Basic /w==", "Basic"])
async def test_a_header_that_is_no_credential_is_turned_away(twilio: Caller, header):
    await twilio.ask("GET", "/v1/Services", 401, auth=header)


async def test_an_api_key_is_as_good_as_the_token(twilio: Caller):
    twilio.sandbox.main.keys["SK1"] = "its secret"
    await twilio.account("GET", "/Balance.json", auth=aiohttp.encode_basic_auth("SK1", "its secret"))
    await twilio.account("GET", "/Balance.json", 401, auth=aiohttp.encode_basic_auth("SK1", AUTH_TOKEN))
    await twilio.account("GET", "/Balance.json", 401, auth=aiohttp.encode_basic_auth("SK2", ""))


async def test_two_accounts_have_nothing_in_common(twilio: Caller):
    other = twilio.sandbox.account("AC2", "another token", "+12025550188", "+12025550189")
    sid = twilio.sandbox.phone(ADA).text("hello")
    theirs = aiohttp.encode_basic_auth("AC2", "another token")
    await twilio.account("GET", f"/Messages/{sid}.json", 401, auth=theirs)
    await twilio.ask("GET", f"/2010-04-01/Accounts/AC2/Messages/{sid}.json", 404, auth=theirs)
    assert not other.messages


async def test_what_is_not_there_is_not_found(twilio: Caller):
    path = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/SM1.json"
    assert await twilio.ask("GET", path, 404) == {
        "code": 20404,
        "message": f"The requested resource {path} was not found",
        "more_info": "https://www.twilio.com/docs/errors/20404",
        "status": 404,
    }
    for verb, other in (
        ("DELETE", "/Messages/SM1.json"),
        ("GET", "/Pigeons.json"),
        ("GET", "/Messages/SM1/Media.json"),
    ):
        await twilio.account(verb, other, 404)


# --- messages.create: what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "code", "says"),
    [
        ({"To": None, "Body": "x"}, 21604, "A 'To' phone number is required."),
        ({"From": None, "Body": "x"}, 21603, "A 'From' phone number is required."),
        ({}, 21619, "A text message body or media urls must be specified"),
        ({"Body": ""}, 21619, "A text message body or media urls must be specified"),
        ({"Body": "x" * 1601}, 21617, "The concatenated message body exceeds the 1600 character limit"),
        ({"Body": "😀" * 801}, 21617, "1600 character limit"),
        ({"To": "12025550123", "Body": "x"}, 21211, "The 'To' number 12025550123 is not a valid phone number."),
        ({"To": "+1", "Body": "x"}, 21211, "not a valid phone number"),
        ({"To": "+999123456789", "Body": "x"}, 21211, "not a valid phone number"),
        ({"To": "+120255501234567", "Body": "x"}, 21211, "not a valid phone number"),
        ({"To": "whatsapp:ada", "From": "whatsapp:x", "Body": "x"}, 21211, "whatsapp:ada"),
        ({"To": SMS_NUMBER, "Body": "x"}, 21266, "'To' and 'From' number cannot be the same"),
        ({"From": BOB, "Body": "x"}, 21659, "is not a Twilio phone number"),
        ({"From": "12345", "Body": "x"}, 21659, "is not a Twilio phone number"),
        ({"From": "Omnibot", "Body": "x"}, 21659, "is not a Twilio phone number"),
        ({"From": "not, a sender", "Body": "x"}, 21212, "alphanumeric sender ID"),
        ({"To": f"whatsapp:{ADA}", "Body": "x"}, 21910, "should be of the same channel"),
        ({"To": f"whatsapp:{ADA}", "From": f"whatsapp:{BOB}", "Body": "x"}, 63007, "could not find a Channel"),
        ({"MediaUrl": "ftp://example.org/x"}, 21620, "Invalid media URL(s)"),
        ({"MediaUrl": ["https://example.org/x"] * 11}, 21623, "exceeds allowed limit"),
        ({"StatusCallback": "nowhere", "Body": "x"}, 21609, "is not a valid URL"),
        ({"ContentSid": "HX1"}, 21655, "Invalid"),
        ({"SendAt": "2030-01-01T00:00:00Z", "ScheduleType": "fixed", "Body": "x"}, 20001, "not emulated"),
    ],
)
async def test_a_mistake_is_refused_with_a_code(twilio: Caller, form, code, says):
    form = [(name, each) for name, value in form.items() for each in (value if isinstance(value, list) else [value])]
    given = dict(form)
    if isinstance(given.get("MediaUrl"), str) and len(form) > 1:
        fields = aiohttp.FormData([("To", ADA), ("From", SMS_NUMBER), *form])
        body = await twilio.account("POST", "/Messages.json", 400, data=fields)
        assert (body["code"], says in body["message"]) == (code, True)
        return
    found, message = await twilio.refusal(**given)
    assert (found, says in message) == (code, True)


async def test_a_refusal_is_in_the_ledger_and_reaches_nobody(twilio: Caller):
    await twilio.refusal(Body="x" * 1601)
    (entry,) = twilio.sandbox.ledger
    assert (entry.outcome, entry.to, entry.reason) == (
        Outcome.REFUSED,
        "",
        "21617 The concatenated message body exceeds the 1600 character limit",
    )
    assert twilio.sandbox.phone(ADA).messages == []


async def test_a_body_that_is_no_form_has_no_parameters(twilio: Caller):
    body = await twilio.account("POST", "/Messages.json", 400, json={"To": ADA, "From": SMS_NUMBER, "Body": "x"})
    assert body["code"] == 21604


async def test_a_messaging_service_must_be_there_and_have_a_number(twilio: Caller):
    form = {"To": ADA, "Body": "x", "MessagingServiceSid": "MG1"}
    assert (await twilio.account("POST", "/Messages.json", 404, data=form))["code"] == 21701
    service = twilio.sandbox.main.service(f"whatsapp:{WHATSAPP_NUMBER}")
    assert await twilio.refusal(From=None, Body="x", MessagingServiceSid=service.sid) == (
        21703,
        "The Messaging Service does not have a phone number available to send a message",
    )


async def test_only_countries_that_were_enabled_can_be_written_to(twilio: Caller):
    await twilio.send(To=LONDON, Body="x")
    twilio.sandbox.main.countries = frozenset({"US"})
    code, message = await twilio.refusal(To=LONDON, Body="x")
    assert (code, LONDON in message) == (21408, True)
    await twilio.send(Body="x")


async def test_an_alphanumeric_sender_reaches_no_number_in_north_america(twilio: Caller):
    twilio.sandbox.main.alpha_senders.add("Omnibot")
    await twilio.send(To=LONDON, From="Omnibot", Body="x")
    assert (await twilio.refusal(From="Omnibot", Body="x"))[0] == 21612


async def test_a_landline_takes_no_text_but_whatsapp(twilio: Caller):
    ada = twilio.sandbox.phone(ADA)
    ada.landline = True
    assert (await twilio.refusal(Body="x"))[0] == 21614
    ada.whatsapp("hello")
    await twilio.whatsapp()


async def test_a_trial_account_writes_to_verified_numbers_and_says_what_it_is(twilio: Caller):
    twilio.sandbox.main.trial = True
    code, message = await twilio.refusal(Body="x")
    assert (code, message.startswith(f"The number {ADA} is unverified.")) == (21608, True)
    twilio.sandbox.main.verified.add(ADA)
    assert (await twilio.send(Body="x"))["body"] == "Sent from your Twilio trial account - x"
    assert (await twilio.account("GET", ".json"))["type"] == "Trial"


@pytest.mark.parametrize("code", [21211, 21610, 21612, 21614, 63024])
async def test_any_refusal_can_be_ordered_for_a_customer(twilio: Caller, code):
    twilio.sandbox.phone(ADA).refuse_with(code, count=1)
    assert (await twilio.refusal(Body="x"))[0] == code
    await twilio.send(Body="x")


# --- messages.create: what is accepted ----------------------------------------------------------------------------


async def test_a_message_is_queued_then_sent_then_delivered_and_priced(twilio: Caller):
    sent = await twilio.send(Body="Hello €")
    sid = sent["sid"]
    place = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sid}"
    assert sent == {
        "account_sid": ACCOUNT_SID,
        "api_version": "2010-04-01",
        "body": "Hello €",
        "date_created": "Mon, 02 Mar 2026 12:00:00 +0000",
        "date_sent": None,
        "date_updated": "Mon, 02 Mar 2026 12:00:00 +0000",
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": SMS_NUMBER,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": None,
        "sid": sid,
        "status": "queued",
        "subresource_uris": {"media": f"{place}/Media.json"},
        "to": ADA,
        "uri": f"{place}.json",
    }
    assert (sid[:2], len(sid)) == ("SM", 34)
    await twilio.sandbox.settled()
    later = await twilio.account("GET", f"/Messages/{sid}.json")
    changed = {name: value for name, value in later.items() if value != sent[name]}
    assert changed == {
        "status": "delivered",
        "date_sent": "Mon, 02 Mar 2026 12:00:00 +0000",
        "price": "-0.00790",
        "price_unit": "USD",
    }


async def test_what_a_customer_gets_is_in_the_ledger_and_on_their_phone(twilio: Caller):
    sid = (await twilio.send(Body="Hello"))["sid"]
    (entry,) = twilio.sandbox.ledger.entries("twilio", "messages.create")
    assert (entry.to, entry.text, entry.payload["Sid"]) == (f"sms:{ADA}", "Hello", sid)
    (seen,) = twilio.sandbox.phone(ADA).messages
    assert (seen.sid, seen.channel, seen.sender, seen.text) == (sid, "sms", SMS_NUMBER, "Hello")


async def test_an_unknown_parameter_is_ignored_and_warned_of(twilio: Caller):
    await twilio.send(Body="Hello", Mediaurl="https://example.org/x", Txt="?")
    (entry,) = twilio.sandbox.ledger
    assert (entry.accepted, entry.reason) == (True, "warning: ignored Mediaurl, Txt")


@pytest.mark.parametrize(("body", "segments"), [("a" * 161, "2"), ("—" * 71, "2"), ("x", "1")])
async def test_segments_are_told_at_once(twilio: Caller, body, segments):
    assert (await twilio.send(Body=body))["num_segments"] == segments


async def test_a_messaging_service_chooses_a_sender_afterwards(twilio: Caller):
    service = twilio.sandbox.main.service(smart_encoding=True)
    form = {"To": ADA, "Body": "“wait” – now", "MessagingServiceSid": service.sid}
    sent = await twilio.account("POST", "/Messages.json", 201, data=form)
    assert (sent["status"], sent["from"], sent["num_segments"]) == ("accepted", None, "0")
    assert (sent["messaging_service_sid"], sent["body"]) == (service.sid, '"wait" - now')
    later = await twilio.account("GET", f"/Messages/{sent['sid']}.json")
    assert (later["from"], later["num_segments"]) == (SMS_NUMBER, "1")
    on_whatsapp = {**form, "To": f"whatsapp:{ADA}"}
    sent = await twilio.account("POST", "/Messages.json", 201, data=on_whatsapp)
    assert twilio.sandbox.main.messages[sent["sid"]].sender == f"whatsapp:{WHATSAPP_NUMBER}"


async def test_smart_encoding_can_be_asked_for_one_message(twilio: Caller):
    assert (await twilio.send(Body="“x”", SmartEncoded="true"))["body"] == '"x"'
    assert (await twilio.send(Body="“x”"))["body"] == "“x”"


async def test_a_manual_sandbox_leaves_messages_queued(twilio: Caller):
    twilio.sandbox.automatic = False
    sid = (await twilio.send(Body="x"))["sid"]
    assert await twilio.status(sid) == ("queued", None)
    twilio.sandbox.main.report(sid, "delivered")
    twilio.sandbox.main.report(sid, "sent")  # its callback comes late; the log does not go back
    assert await twilio.status(sid) == ("delivered", None)


@pytest.mark.parametrize(
    ("code", "status", "priced"),
    [
        (30003, "undelivered", True),
        (30006, "undelivered", True),
        (30001, "failed", False),
        (63024, "undelivered", True),
    ],
)
async def test_a_message_can_fail_afterwards(twilio: Caller, code, status, priced):
    twilio.sandbox.phone(ADA).fail_with(code, count=1)
    sid = (await twilio.send(Body="x"))["sid"]
    assert await twilio.status(sid) == (status, code)
    message = await twilio.account("GET", f"/Messages/{sid}.json")
    assert (message["error_message"] is not None, message["price"] is not None) == (True, priced)
    assert twilio.sandbox.phone(ADA).messages == []
    assert [entry.to for entry in twilio.sandbox.ledger] == [""]
    assert await twilio.status((await twilio.send(Body="y"))["sid"]) == ("delivered", None)


async def test_failures_go_on_until_told_otherwise(twilio: Caller):
    ada = twilio.sandbox.phone(ADA)
    ada.fail_with(30003)
    for _ in range(2):
        assert (await twilio.status((await twilio.send(Body="x"))["sid"]))[1] == 30003
    ada.behave()
    assert (await twilio.status((await twilio.send(Body="x"))["sid"]))[1] is None


# --- WhatsApp ----------------------------------------------------------------------------------------------------


async def test_whatsapp_is_open_for_a_day_after_the_customer_wrote(twilio: Caller):
    twilio.sandbox.phone(ADA).whatsapp("hello")
    twilio.clock.forward(hours=24)
    assert await twilio.status((await twilio.whatsapp())["sid"]) == ("delivered", None)
    twilio.clock.forward(seconds=1)
    sent = await twilio.whatsapp()
    assert (sent["status"], sent["num_segments"]) == ("queued", "1")
    assert await twilio.status(sent["sid"]) == ("failed", 63016)
    assert len(twilio.sandbox.phone(ADA).messages) == 1
    twilio.sandbox.main.window_refusal = "at once"
    code, message = await twilio.refusal(To=f"whatsapp:{ADA}", From=f"whatsapp:{WHATSAPP_NUMBER}", Body="x")
    assert (code, "outside the allowed window" in message) == (63016, True)


async def test_a_text_by_sms_opens_no_window_on_whatsapp(twilio: Caller):
    twilio.sandbox.phone(ADA).text("hello")
    assert await twilio.status((await twilio.whatsapp())["sid"]) == ("failed", 63016)


async def test_an_approved_template_goes_through_a_closed_window(twilio: Caller):
    template = twilio.sandbox.main.template(
        "Hello {{1}}, about {{2}}", quick_replies=(("Yes", "yes-7"), ("No", "no-7"))
    )
    template.samples = {"2": "your order"}
    sent = await twilio.whatsapp(ContentSid=template.sid, ContentVariables='{"1": "Ada"}', Body="")
    assert sent["body"] == "Hello Ada, about your order"
    assert await twilio.status(sent["sid"]) == ("delivered", None)
    (seen,) = twilio.sandbox.phone(ADA).messages
    assert seen.choices == ("Yes", "No")
    (entry,) = twilio.sandbox.ledger.entries("twilio", "messages.create")
    assert (entry.to, entry.text, entry.choices) == (f"whatsapp:{ADA}", sent["body"], ("Yes", "No"))


@pytest.mark.parametrize(
    ("approval", "code"),
    [("unsubmitted", 63016), ("pending", 63016), ("rejected", 63040), ("paused", 63041), ("disabled", 63042)],
)
async def test_a_template_that_is_not_approved_does_not(twilio: Caller, approval, code):
    template = twilio.sandbox.main.template("Hello", approval=approval)
    sid = (await twilio.whatsapp(ContentSid=template.sid))["sid"]
    assert await twilio.status(sid) == ("failed", code)
    twilio.sandbox.phone(ADA).whatsapp("hello")
    assert (await twilio.status((await twilio.whatsapp(ContentSid=template.sid))["sid"]))[1] is None


@pytest.mark.parametrize("variables", ["{", "[]", '{"1": 2}'])
async def test_variables_must_be_texts_by_name(twilio: Caller, variables):
    template = twilio.sandbox.main.template("Hello {{1}}")
    assert (await twilio.refusal(ContentSid=template.sid, ContentVariables=variables))[0] == 21656


async def test_a_template_by_sms_is_its_words_alone(twilio: Caller):
    template = twilio.sandbox.main.template("Hello {{1}}", quick_replies=(("Yes", "y"),))
    await twilio.send(ContentSid=template.sid, ContentVariables='{"1": "Ada"}')
    (seen,) = twilio.sandbox.phone(ADA).messages
    assert (seen.text, seen.choices) == ("Hello Ada", ())


async def test_a_whatsapp_user_without_a_number_can_be_written_to(twilio: Caller):
    twilio.sandbox.phone(USER).whatsapp("hello")
    sent = await twilio.whatsapp(To=f"whatsapp:{USER}", Body="hi")
    assert (sent["to"], await twilio.status(sent["sid"])) == (f"whatsapp:{USER}", ("delivered", None))
    (entry,) = twilio.sandbox.ledger.entries("twilio", "messages.create")
    assert (entry.to, entry.text) == (f"whatsapp:{USER}", "hi")
    twilio.sandbox.main.writes_to_users = False
    form = {"To": f"whatsapp:{USER}", "From": f"whatsapp:{WHATSAPP_NUMBER}", "Body": "x"}
    assert await twilio.refusal(**form) == (21211, "The 'To' number +13491208655302741918 is not a valid phone number.")


async def test_a_sender_that_is_offline_cannot_send(twilio: Caller):
    twilio.sandbox.phone(ADA).whatsapp("hello")
    sender = twilio.sandbox.main.senders[WHATSAPP_NUMBER]
    sender.status, sender.offline_reason = "OFFLINE", "The WhatsApp account was disabled"
    assert (await twilio.refusal(To=f"whatsapp:{ADA}", From=f"whatsapp:{WHATSAPP_NUMBER}", Body="x"))[0] == 63007
    (listed,) = (await twilio.ask("GET", "/v2/Channels/Senders?Channel=whatsapp"))["senders"]
    assert listed["status"] == "OFFLINE"
    assert listed["offline_reasons"] == [{"code": "63020", "message": "The WhatsApp account was disabled"}]


async def test_typing_is_shown_below_a_message_that_came_in(twilio: Caller):
    sid = twilio.sandbox.phone(ADA).whatsapp("hello")
    form = {"channel": "whatsapp", "messageId": sid}
    assert await twilio.ask("POST", "/v2/Indicators/Typing.json", data=form) == {"success": True}
    for wrong in ({"channel": "whatsapp", "messageId": twilio.sandbox.phone(ADA).text("by SMS")}, {"messageId": "SM1"}):
        status = 404 if "channel" in wrong else 400
        await twilio.ask("POST", "/v2/Indicators/Typing.json", status, data=wrong)
    assert len(twilio.sandbox.ledger.entries("twilio", "typing.create")) == 1


# --- lists --------------------------------------------------------------------------------------------------------


async def listed(twilio: Caller, **query) -> list[str]:
    body = await twilio.account("GET", "/Messages.json", params=query)
    return [message["body"] for message in body["messages"]]


async def test_messages_are_listed_youngest_first_in_both_directions(twilio: Caller):
    twilio.sandbox.phone(ADA).text("one")
    await twilio.send(Body="two")
    twilio.sandbox.phone(BOB).whatsapp("three")
    assert await listed(twilio) == ["three", "two", "one"]
    assert await listed(twilio, To=SMS_NUMBER) == ["one"]
    assert await listed(twilio, From=SMS_NUMBER, To=ADA) == ["two"]
    assert await listed(twilio, From=f"whatsapp:{BOB}") == ["three"]
    assert await listed(twilio, To=BOB) == []


async def test_a_list_can_be_narrowed_by_date(twilio: Caller):
    for hour in range(3):
        twilio.sandbox.phone(ADA).text(f"at {12 + hour}")
        twilio.clock.forward(hours=1)
    twilio.clock.forward(days=1)
    twilio.sandbox.phone(ADA).text("next day")
    assert await listed(twilio, **{"DateSent>": "2026-03-02T13:00:00Z"}) == ["next day", "at 14", "at 13"]
    assert await listed(twilio, **{"DateSent<": "2026-03-02T13:00:00Z"}) == ["at 13", "at 12"]
    assert await listed(twilio, **{"DateSent>": "2026-03-02T13:00:00", "DateSent<": "2026-03-03"}) == ["at 14", "at 13"]
    assert await listed(twilio, DateSent="2026-03-03") == ["next day"]
    assert await listed(twilio, DateSent="2026-03-02T13:00:00Z") == ["at 13"]
    assert (await twilio.account("GET", "/Messages.json?DateSent=yesterday", 400))["code"] == 20001


async def test_a_list_comes_page_by_page(twilio: Caller):
    for number in range(5):
        twilio.sandbox.phone(ADA).text(str(number))
    page = await twilio.account("GET", f"/Messages.json?To=%2B{SMS_NUMBER[1:]}&PageSize=2")
    twilio.sandbox.phone(ADA).text("came in between")
    pages = [page]
    while page["next_page_uri"]:
        page = await twilio.ask("GET", page["next_page_uri"])
        pages.append(page)
    assert [[message["body"] for message in page["messages"]] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]
    assert [(page["page"], page["start"], page["end"], page["page_size"]) for page in pages] == [
        (0, 0, 1, 2),
        (1, 2, 3, 2),
        (2, 4, 4, 2),
    ]
    first = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json?To=%2B12025550100&PageSize=2&Page=0"
    assert [page["first_page_uri"] for page in pages] == [first] * 3
    assert pages[0]["previous_page_uri"] is None
    assert pages[1]["previous_page_uri"] is not None


async def test_a_list_of_nothing_ends_at_once(twilio: Caller):
    body = await twilio.account("GET", "/Messages.json")
    assert (body["messages"], body["start"], body["end"], body["next_page_uri"]) == ([], 0, 0, None)


@pytest.mark.parametrize("query", ["Page=1", "PageSize=many", "Page=-1"])
async def test_a_page_that_cannot_be_is_refused(twilio: Caller, query):
    assert (await twilio.account("GET", f"/Messages.json?{query}", 400))["code"] == 20006


# --- what can be done to a message ----------------------------------------------------------------------------------


async def test_a_message_can_be_redacted_once_it_is_over(twilio: Caller):
    twilio.sandbox.automatic = False
    sid = (await twilio.send(Body="secret"))["sid"]
    path = f"/Messages/{sid}.json"
    assert (await twilio.account("POST", path, 409, data={"Body": ""}))["code"] == 20009
    twilio.sandbox.main.report(sid, "delivered")
    assert (await twilio.account("POST", path, 400, data={"Body": "other words"}))["code"] == 20001
    assert (await twilio.account("POST", path, 409, data={"Status": "canceled"}))["code"] == 30409
    assert (await twilio.account("POST", path, data={"Else": "x"}))["body"] == "secret"
    assert (await twilio.account("POST", path, data={"Body": ""}))["body"] == ""
    assert (await twilio.account("GET", path))["body"] == ""
    (entry,) = twilio.sandbox.ledger.entries("twilio", "messages.update")
    assert entry.payload == {"Sid": sid, "Body": ""}


async def test_a_message_can_be_deleted_once_it_is_over(twilio: Caller):
    twilio.sandbox.automatic = False
    sid = (await twilio.send(Body="secret"))["sid"]
    assert (await twilio.account("DELETE", f"/Messages/{sid}.json", 409))["code"] == 20009
    twilio.sandbox.main.report(sid, "undelivered", 30003)
    await twilio.account("DELETE", f"/Messages/{sid}.json", 204)
    await twilio.account("GET", f"/Messages/{sid}.json", 404)
    assert await listed(twilio) == []
    assert len(twilio.sandbox.ledger.entries("twilio", "messages.delete")) == 1


# --- files that come in ---------------------------------------------------------------------------------------------


async def test_a_file_is_handed_out_by_another_host_without_credentials(twilio: Caller):
    sid = twilio.sandbox.phone(ADA).text("look", [PNG])
    (media,) = (await twilio.account("GET", f"/Messages/{sid}/Media.json"))["media_list"]
    assert (sid[:2], media["content_type"], media["parent_sid"]) == ("MM", "image/png", sid)
    place = f"/Messages/{sid}/Media/{media['sid']}"
    assert (await twilio.account("GET", f"{place}.json")) == media
    redirect = await twilio.account("GET", place, 307)
    elsewhere = redirect.headers["Location"]
    assert elsewhere.startswith(twilio.sandbox.media.url)
    assert not elsewhere.startswith(twilio.sandbox.url)
    async with twilio.client.get(elsewhere) as answer:
        assert (answer.content_type, await answer.read()) == ("image/png", PNG.content)
    async with twilio.client.get(elsewhere, headers={"Authorization": TOKEN}) as answer:
        assert (answer.status, "Only one auth mechanism" in await answer.text()) == (400, True)
    async with twilio.client.get(f"{twilio.sandbox.media.url}/{ACCOUNT_SID}/guessed") as answer:
        assert answer.status == 403
    async with twilio.client.get(f"{twilio.sandbox.media.url}/AC2/guessed") as answer:
        assert answer.status == 403


async def test_a_file_wants_credentials_unless_switched_off(twilio: Caller):
    sid = twilio.sandbox.phone(ADA).text("look", [PNG])
    media = twilio.sandbox.main.messages[sid].media[0]
    place = f"/Messages/{sid}/Media/{media.sid}"
    await twilio.account("GET", place, 401, auth=None)
    twilio.sandbox.main.media_auth = False
    await twilio.account("GET", place, 307, auth=None)
    twilio.sandbox.main.media_redirect = False
    async with twilio.client.get(
        f"{twilio.sandbox.url}/2010-04-01/Accounts/{ACCOUNT_SID}{place}", allow_redirects=False
    ) as answer:
        assert (answer.status, await answer.read()) == (200, PNG.content)
    await twilio.ask("GET", f"/2010-04-01/Accounts/AC2{place}", 404)


async def test_a_file_can_be_deleted_while_its_message_stays(twilio: Caller):
    sid = twilio.sandbox.phone(ADA).text("look", [PNG, PNG])
    first, second = twilio.sandbox.main.messages[sid].media
    await twilio.account("DELETE", f"/Messages/{sid}/Media/{first.sid}.json", 204)
    await twilio.account("GET", f"/Messages/{sid}/Media/{first.sid}", 404)
    await twilio.account("GET", f"/Messages/{sid}/Media/{second.sid}", 307)
    assert twilio.sandbox.main.hosted.keys() == {second.key}
    await twilio.account("DELETE", f"/Messages/{sid}.json", 204)
    assert not twilio.sandbox.main.hosted


@pytest.mark.parametrize(("fault", "status"), [(Throttle(3), 429), (ServerError(503), 503)])
async def test_a_file_can_be_hard_to_get(twilio: Caller, fault, status):
    sid = twilio.sandbox.phone(ADA).text("look", [PNG])
    media = twilio.sandbox.main.messages[sid].media[0]
    twilio.sandbox.faults.add(fault, method="media.content", address=ADA)
    await twilio.account("GET", f"/Messages/{sid}/Media/{media.sid}", status)
    await twilio.account("GET", f"/Messages/{sid}/Media/{media.sid}", 307)
    twilio.sandbox.faults.add(Cut(accepted=False), method="media.content", count=None)  # aiohttp tries a GET twice
    with pytest.raises(aiohttp.ClientError):
        await twilio.account("GET", f"/Messages/{sid}/Media/{media.sid}")


# --- files that go out ----------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def files() -> AsyncIterator[str]:
    """A company's own server of files: /<family>/<subtype>/<bytes>."""

    async def answer(request: web.Request) -> web.Response:
        kind = f"{request.match_info['family']}/{request.match_info['subtype']}"
        return web.Response(body=b"x" * int(request.match_info["size"]), content_type=kind)

    async def moved(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/image/png/7"})

    app = web.Application()
    app.router.add_get("/{family}/{subtype}/{size}", answer)
    app.router.add_get("/moved", moved)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_files_of_ours_are_fetched_and_reach_the_customer(twilio: Caller, files: str):
    form = aiohttp.FormData([("To", ADA), ("From", SMS_NUMBER)])
    form.add_field("MediaUrl", f"{files}/image/png/5")
    form.add_field("MediaUrl", f"{files}/moved")
    sent = await twilio.account("POST", "/Messages.json", 201, data=form)
    assert (sent["sid"][:2], sent["num_media"], sent["status"]) == ("MM", "2", "queued")
    assert await twilio.status(sent["sid"]) == ("delivered", None)
    (seen,) = twilio.sandbox.phone(ADA).messages
    assert [(media.media_type, len(media.content)) for media in seen.media] == [("image/png", 5), ("image/png", 7)]
    assert len((await twilio.account("GET", f"/Messages/{sent['sid']}/Media.json"))["media_list"]) == 2


@pytest.mark.parametrize(
    ("path", "sms", "whatsapp"),
    [
        ("/image/png/5242880", None, None),
        ("/image/png/5242881", 11751, 63019),
        ("/application/pdf/5242881", 11751, None),
        ("/application/pdf/16777217", 11751, 63019),
        ("/text/html/5", 12300, 63021),
        ("/image/gif/5", None, 63021),
        ("/nowhere", 11200, 63019),
    ],
)
async def test_a_file_that_cannot_be_sent_fails_the_message(twilio: Caller, files: str, path, sms, whatsapp):
    twilio.sandbox.phone(ADA).whatsapp("hello")
    for send, code in ((twilio.send, sms), (twilio.whatsapp, whatsapp)):
        sid = (await send(Body="x", MediaUrl=files + path))["sid"]
        assert await twilio.status(sid) == ("failed" if code else "delivered", code)
    refused = [entry for entry in twilio.sandbox.ledger if not entry.accepted]
    assert [entry.reason.partition(" ")[0] for entry in refused] == [str(code) for code in (sms, whatsapp) if code]


async def test_a_server_that_is_not_there_fails_the_message(twilio: Caller):
    sid = (await twilio.send(MediaUrl="http://127.0.0.1:1/x.png"))["sid"]
    assert await twilio.status(sid) == ("failed", 11200)


async def test_whatsapp_takes_one_file_a_message(twilio: Caller):
    form = aiohttp.FormData([("To", f"whatsapp:{ADA}"), ("From", f"whatsapp:{WHATSAPP_NUMBER}")])
    form.add_field("MediaUrl", "https://example.org/1")
    form.add_field("MediaUrl", "https://example.org/2")
    assert (await twilio.account("POST", "/Messages.json", 400, data=form))["code"] == 21623


# --- what else there is -----------------------------------------------------------------------------------------------


async def test_the_account_tells_what_it_is_and_has_left(twilio: Caller):
    account = await twilio.account("GET", ".json")
    assert (account["sid"], account["status"], account["type"]) == (ACCOUNT_SID, "active", "Full")
    twilio.sandbox.main.balance = "0.42"
    expected = {"account_sid": ACCOUNT_SID, "balance": "0.42", "currency": "USD"}
    assert await twilio.account("GET", "/Balance.json") == expected


async def test_numbers_can_be_listed_and_told_where_to_call(twilio: Caller):
    twilio.sandbox.main.number(BOB)
    body = await twilio.account("GET", "/IncomingPhoneNumbers.json")
    assert [number["phone_number"] for number in body["incoming_phone_numbers"]] == [SMS_NUMBER, BOB]
    (number,) = (await twilio.account("GET", "/IncomingPhoneNumbers.json", params={"PhoneNumber": SMS_NUMBER}))[
        "incoming_phone_numbers"
    ]
    path = f"/IncomingPhoneNumbers/{number['sid']}.json"
    given = {
        "SmsUrl": "https://example.org/in#rc=5",
        "SmsFallbackUrl": "https://e.org/f",
        "StatusCallback": "https://e.org/s",
    }
    changed = await twilio.account("POST", path, data=given)
    assert (changed["sms_url"], changed["sms_fallback_url"], changed["status_callback"]) == tuple(given.values())
    assert await twilio.account("GET", path) == changed
    assert twilio.sandbox.main.incoming().sms_url == given["SmsUrl"]
    assert await twilio.account("POST", path, data={"Else": "x"}) == changed
    await twilio.account("GET", "/IncomingPhoneNumbers/PN1.json", 404)


async def test_services_can_be_looked_at(twilio: Caller):
    made = [twilio.sandbox.main.service() for _ in range(3)]
    body = await twilio.ask("GET", "/v1/Services?PageSize=2")
    assert [service["sid"] for service in body["services"]] == [made[0].sid, made[1].sid]
    next_page = body["meta"]["next_page_url"].removeprefix(twilio.sandbox.url)
    body = await twilio.ask("GET", next_page)
    assert ([service["sid"] for service in body["services"]], body["meta"]["next_page_url"]) == ([made[2].sid], None)
    assert body["meta"]["key"] == "services"
    service = await twilio.ask("GET", f"/v1/Services/{made[0].sid}")
    assert (service["sid"], service["use_inbound_webhook_on_number"]) == (made[0].sid, True)
    numbers = await twilio.ask("GET", f"/v1/Services/{made[0].sid}/PhoneNumbers")
    assert [number["phone_number"] for number in numbers["phone_numbers"]] == [SMS_NUMBER]
    await twilio.ask("GET", "/v1/Services/MG1", 404)


async def test_templates_can_be_looked_at(twilio: Caller):
    template = twilio.sandbox.main.template("Hello {{1}}", name="greeting", quick_replies=(("Yes", "y"),))
    plain = twilio.sandbox.main.template("Bye", approval="rejected")
    plain.rejection_reason = "too short"
    found = await twilio.ask("GET", f"/v1/Content/{template.sid}")
    assert (found["friendly_name"], found["types"]) == (
        "greeting",
        {"twilio/quick-reply": {"body": "Hello {{1}}", "actions": [{"title": "Yes", "id": "y"}]}},
    )
    approval = await twilio.ask("GET", f"/v1/Content/{plain.sid}/ApprovalRequests")
    assert (approval["whatsapp"]["status"], approval["whatsapp"]["rejection_reason"]) == ("rejected", "too short")
    assert [each["sid"] for each in (await twilio.ask("GET", "/v1/Content"))["contents"]] == [template.sid, plain.sid]
    both = (await twilio.ask("GET", "/v1/ContentAndApprovals"))["contents"]
    assert [each["approval_requests"]["status"] for each in both] == ["approved", "rejected"]
    assert list(both[1]["types"]) == ["twilio/text"]
    await twilio.ask("GET", "/v1/Content/HX1", 404)


async def test_senders_can_be_looked_at(twilio: Caller):
    twilio.sandbox.main.deliver_to(whatsapp="https://example.org/wa")
    (sender,) = (await twilio.ask("GET", "/v2/Channels/Senders?Channel=whatsapp"))["senders"]
    assert (sender["sender_id"], sender["status"], sender["offline_reasons"]) == (
        f"whatsapp:{WHATSAPP_NUMBER}",
        "ONLINE",
        None,
    )
    assert sender["webhook"]["callback_url"] == "https://example.org/wa"
    assert await twilio.ask("GET", f"/v2/Channels/Senders/{sender['sid']}") == sender
    assert (await twilio.ask("GET", "/v2/Channels/Senders", 400))["code"] == 20001


# --- misbehaviour -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [(Throttle(2.2), 429, 20429), (ServerError(), 500, 20500), (ServerError(503), 503, 20503), (Blocked(), 400, 21610)],
)
async def test_a_call_fails_on_command_and_reaches_nobody(twilio: Caller, fault, status, code):
    twilio.sandbox.faults.add(fault, provider="twilio", method="messages.create", address=ADA)
    await twilio.send(To=BOB, Body="x")
    form = {"To": ADA, "From": SMS_NUMBER, "Body": "x"}
    url = f"{twilio.sandbox.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    async with twilio.client.post(url, data=form, headers={"Authorization": TOKEN}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (status, code)
        assert answer.headers.get("Retry-After") == ("3" if status == 429 else None)
    assert twilio.sandbox.phone(ADA).messages == []
    assert [entry.outcome for entry in twilio.sandbox.ledger] == [Outcome.ACCEPTED, Outcome.REFUSED]
    await twilio.send(Body="x")


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("fault", [Hang, Cut])
async def test_a_call_is_lost_before_or_after_it_was_accepted(twilio: Caller, fault, accepted):
    twilio.sandbox.faults.add(fault(accepted), method="messages.create")
    sending = asyncio.ensure_future(twilio.send(Body="x"))
    if accepted:
        await twilio.sandbox.ledger.wait_for(lambda entry: entry.outcome is Outcome.UNANSWERED, 5)
    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        await asyncio.wait_for(sending, 0.3)
    outcomes = [entry.outcome for entry in twilio.sandbox.ledger]
    assert outcomes == ([Outcome.UNANSWERED] if accepted else [])
    assert len(twilio.sandbox.phone(ADA).messages) == accepted
    assert await listed(twilio) == (["x"] if accepted else [])


async def test_what_is_wrong_is_refused_before_a_connection_is_cut(twilio: Caller):
    twilio.sandbox.faults.add(Cut(accepted=True), method="messages.create")
    assert (await twilio.refusal(Body=""))[0] == 21619


async def test_other_calls_fail_on_command_too(twilio: Caller):
    twilio.sandbox.faults.add(Throttle(1), method="messages.list")
    assert (await twilio.account("GET", "/Messages.json", 429))["code"] == 20429
    sid = twilio.sandbox.phone(ADA).text("secret")
    for accepted in (False, True):
        twilio.sandbox.faults.add(Cut(accepted), method="messages.update", address=sid)
        with pytest.raises(aiohttp.ClientError):
            await twilio.account("POST", f"/Messages/{sid}.json", data={"Body": ""})
        assert await listed(twilio) == ["" if accepted else "secret"]


async def test_the_oldest_messages_go_first(twilio: Caller, monkeypatch):
    monkeypatch.setattr("omnibot.sandbox.twilio.account.KEPT_MESSAGES", 2)
    for number in range(3):
        twilio.sandbox.phone(ADA).text(str(number), [PNG])
    assert await listed(twilio) == ["2", "1"]
    assert len(twilio.sandbox.main.hosted) == 2


async def test_dates_are_rfc_2822(twilio: Caller):
    sent = await twilio.send(Body="x")
    assert parsedate_to_datetime(sent["date_created"]) == NOON
