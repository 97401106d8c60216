"""What the emulated Twilio tells a server: signed, and as often as the URL's overrides say."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from omnibot.sandbox import Delay, Duplicate
from omnibot.sandbox.customers import Customers, SentFile
from omnibot.sandbox.twilio import ACCOUNT_SID, AUTH_TOKEN, SMS_NUMBER, WHATSAPP_NUMBER, TwilioSandbox
from omnibot.sandbox.twilio.webhooks import Overrides, encoded, sign

ADA, BOB = "+12025550123", "+12025550124"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PNG = SentFile("map.png", "image/png", b"\x89PNG and so on")
PDF = SentFile("bill.pdf", "application/pdf", b"%PDF-1.7 and so on")
USER = "US.13491208655302741918"


@dataclass
class Server:
    """A server that Twilio calls; it answers with `statuses` in turn, then with 200."""

    url: str = ""
    forms: list[dict[str, str]] = field(default_factory=list)
    genuine: list[bool] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    body: bytes = b"<Response/>"
    media_type: str = "text/xml"
    paths: list[str] = field(default_factory=list)
    hanging: bool = False

    async def answer(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        called = str(request.url)
        self.paths.append(request.path_qs)
        self.genuine.append(RequestValidator(AUTH_TOKEN).validate(called, form, request.headers["X-Twilio-Signature"]))
        self.tokens.append(request.headers["I-Twilio-Idempotency-Token"])
        status = self.statuses.pop(0) if self.statuses else 200
        if self.hanging:
            await asyncio.sleep(60)
        if status == 0 and request.transport is not None:
            request.transport.abort()
        return web.Response(status=status or 200, body=self.body, content_type=self.media_type)

    @property
    def texts(self) -> list[str]:
        return [form["Body"] for form in self.forms if "Body" in form]

    @property
    def reports(self) -> list[str]:
        return [form["MessageStatus"] for form in self.forms if "MessageStatus" in form]


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_post("/twilio/{where}", made.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/twilio/in"
    yield made
    await runner.cleanup()


@pytest_asyncio.fixture
async def twilio(server: Server) -> AsyncIterator[TwilioSandbox]:
    async with TwilioSandbox(now=lambda: NOON) as sandbox:
        sandbox.main.deliver_to(sms=server.url, whatsapp=server.url)
        yield sandbox


async def test_a_text_is_told_with_a_signature_that_the_sdk_takes(twilio: TwilioSandbox, server: Server):
    sid = twilio.phone(ADA).text("Where is my order? äöü €")
    await twilio.settled()
    assert server.genuine == [True]
    form = server.forms[0]
    assert (form["MessageSid"], form["From"], form["To"], form["Body"]) == (
        sid,
        ADA,
        SMS_NUMBER,
        "Where is my order? äöü €",
    )
    assert (form["NumMedia"], form["NumSegments"], form["FromCountry"], form["ApiVersion"]) == (
        "0",
        "1",
        "US",
        "2010-04-01",
    )


async def test_whatsapp_says_who_writes_by_number_and_by_user_id(twilio: TwilioSandbox, server: Server):
    twilio.phone(ADA).whatsapp("Hello", profile_name="Ada", bsuid=USER)
    await twilio.settled()
    form = server.forms[0]
    assert server.genuine == [True]
    assert (form["From"], form["To"]) == (f"whatsapp:{ADA}", f"whatsapp:{WHATSAPP_NUMBER}")
    assert (form["ProfileName"], form["WaId"], form["ExternalUserId"]) == ("Ada", "12025550123", f"whatsapp:{USER}")


async def test_a_whatsapp_user_who_hides_their_number_is_only_a_user_id(twilio: TwilioSandbox, server: Server):
    twilio.phone(USER).whatsapp("Hello")
    await twilio.settled()
    form = server.forms[0]
    assert (form["From"], form["ExternalUserId"], "WaId" in form) == (f"whatsapp:{USER}", f"whatsapp:{USER}", False)


async def send(twilio: TwilioSandbox, **form: str) -> str:
    """Call messages.create; the message's sid."""
    given = {"To": ADA, "From": SMS_NUMBER, "Body": "x"} | form
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, AUTH_TOKEN)}
    url = f"{twilio.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    async with aiohttp.ClientSession() as client, client.post(url, data=given, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        return (await answer.json())["sid"]


# --- what is told --------------------------------------------------------------------------------------------------


async def test_files_are_told_by_url_and_type(twilio: TwilioSandbox, server: Server):
    sid = twilio.phone(ADA).text("look", [PNG, PDF])
    await twilio.settled()
    form = server.forms[0]
    assert (form["NumMedia"], form["MediaContentType0"], form["MediaContentType1"]) == (
        "2",
        "image/png",
        "application/pdf",
    )
    place = f"{twilio.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sid}/Media/"
    media = twilio.main.messages[sid].media
    assert [form["MediaUrl0"], form["MediaUrl1"]] == [place + each.sid for each in media]


async def test_long_texts_count_their_segments(twilio: TwilioSandbox, server: Server):
    twilio.phone(ADA).text("—" * 71)
    await twilio.settled()
    assert server.forms[0]["NumSegments"] == "2"


@pytest.mark.parametrize(
    ("files", "kind"),
    [((), "text"), ((PNG,), "image"), ((PDF,), "document"), ((SentFile("a", "audio/ogg", b""),), "audio")],
)
async def test_whatsapp_tells_what_kind_of_message_it_is(twilio: TwilioSandbox, server: Server, files, kind):
    twilio.phone(ADA).whatsapp("x", files)
    await twilio.settled()
    assert server.forms[0]["MessageType"] == kind


async def test_a_place_that_is_shared_on_whatsapp(twilio: TwilioSandbox, server: Server):
    twilio.phone(ADA).locate(52.5163, 13.3777, "Brandenburger Tor", "Pariser Platz")
    twilio.phone(ADA).locate(52.5163, 13.3777)
    await twilio.settled()
    full, bare = server.forms
    assert {name: full.get(name) for name in ("MessageType", "Body", "Latitude", "Longitude", "Label", "Address")} == {
        "MessageType": "location",
        "Body": "",
        "Latitude": "52.5163",
        "Longitude": "13.3777",
        "Label": "Brandenburger Tor",
        "Address": "Pariser Platz",
    }
    assert not {"Label", "Address"} & bare.keys()
    assert server.genuine == [True, True]  # an empty Body is signed, too


async def test_a_quick_reply_tells_its_label_its_payload_and_what_it_answers(twilio: TwilioSandbox, server: Server):
    ada = twilio.phone(ADA)
    ada.whatsapp("hello")
    template = twilio.main.template("Is it solved?", quick_replies=(("Yes", "solved:1"), ("No", "solved:0")))
    sids = [
        await send(twilio, To=f"whatsapp:{ADA}", From=f"whatsapp:{WHATSAPP_NUMBER}", ContentSid=template.sid)
        for _ in range(2)
    ]
    ada.press("Yes")
    ada.press("No", sids[0])
    with pytest.raises(LookupError, match="no message offers 'Maybe'"):
        ada.press("Maybe")
    await twilio.settled()
    pressed = [form for form in server.forms if form.get("MessageType") == "button"]
    assert [(f["Body"], f["ButtonText"], f["ButtonPayload"], f["OriginalRepliedMessageSid"]) for f in pressed] == [
        ("Yes", "Yes", "solved:1", sids[1]),
        ("No", "No", "solved:0", sids[0]),
    ]
    assert pressed[0]["OriginalRepliedMessageSender"] == f"whatsapp:{WHATSAPP_NUMBER}"


async def test_quick_replies_are_filled_in_like_the_words(twilio: TwilioSandbox, server: Server):
    ada = twilio.phone(ADA)
    ada.whatsapp("hello")
    template = twilio.main.template("{{1}}", quick_replies=(("{{2}}", "solved:{{3}}"),))
    variables = '{"1": "Is it solved?", "2": "Yes", "3": "7"}'
    await send(
        twilio,
        To=f"whatsapp:{ADA}",
        From=f"whatsapp:{WHATSAPP_NUMBER}",
        ContentSid=template.sid,
        ContentVariables=variables,
    )
    assert (ada.messages[-1].text, ada.messages[-1].choices) == ("Is it solved?", ("Yes",))
    ada.press("Yes")
    await twilio.settled()
    assert server.forms[-1]["ButtonPayload"] == "solved:7"


async def test_more_choices_than_buttons_are_a_list(twilio: TwilioSandbox, server: Server):
    ada = twilio.phone(ADA)
    ada.whatsapp("hello")
    template = twilio.main.template("Which?", quick_replies=tuple((f"number {n}", f"n{n}") for n in range(4)))
    assert template.described("")["types"]["twilio/list-picker"]["items"][3] == {"item": "number 3", "id": "n3"}
    await send(twilio, To=f"whatsapp:{ADA}", From=f"whatsapp:{WHATSAPP_NUMBER}", ContentSid=template.sid)
    ada.press("number 2")
    await twilio.settled()
    picked = server.forms[-1]
    assert (picked["MessageType"], picked["ListTitle"], picked["ListId"]) == ("interactive", "number 2", "n2")
    assert "ButtonPayload" not in picked


async def test_a_quote_tells_what_it_answers(twilio: TwilioSandbox, server: Server):
    ada = twilio.phone(ADA)
    first = ada.whatsapp("hello")
    ada.whatsapp("as I said", replies_to=first)
    ada.whatsapp("to what is long gone", replies_to="SM1")
    await twilio.settled()
    assert [form.get("OriginalRepliedMessageSid") for form in server.forms] == [None, first, "SM1"]
    assert "OriginalRepliedMessageSender" not in server.forms[2]


async def test_user_ids_are_stable_and_can_be_left_out(twilio: TwilioSandbox, server: Server):
    for number in (ADA, ADA, BOB):
        twilio.phone(number).whatsapp("x")
    twilio.main.names_users = False
    twilio.phone(ADA).whatsapp("x", wa_id="12025550999")
    await twilio.settled()
    first, second, other, none = (form.get("ExternalUserId") for form in server.forms)
    assert (first == second != other, none) == (True, None)
    assert first is not None
    assert first.startswith("whatsapp:US.")
    assert server.forms[3]["WaId"] == "12025550999"


async def test_short_codes_and_names_write_too(twilio: TwilioSandbox, server: Server):
    for sender in ("32665", "AMAZON"):
        twilio.phone(sender).text("Your code is 1234")
    await twilio.settled()
    assert [(form["From"], form["FromCountry"]) for form in server.forms] == [("32665", ""), ("AMAZON", "")]


async def test_a_number_that_is_not_ours_cannot_be_written_to(twilio: TwilioSandbox):
    with pytest.raises(LookupError):
        twilio.phone(ADA).text("x", to=BOB)


# --- how it is told ------------------------------------------------------------------------------------------------


async def test_a_message_that_nobody_is_told_of_is_in_the_list_alone(twilio: TwilioSandbox, server: Server):
    twilio.main.deliver_to(sms="", whatsapp="")
    sids = [twilio.phone(ADA).text("x"), twilio.phone(ADA).whatsapp("y")]
    await twilio.settled()
    assert (server.forms, list(twilio.main.messages)) == ([], sids)


async def test_a_5xx_is_a_lost_message_which_the_list_still_has(twilio: TwilioSandbox, server: Server):
    server.statuses = [500]
    sid = twilio.phone(ADA).text("x")
    await twilio.settled()
    assert (twilio.main.posted, twilio.main.acknowledged) == ([500], 0)
    assert sid in twilio.main.messages
    assert [alert.code for alert in twilio.main.webhooks.alerts] == [11217]


@pytest.mark.parametrize(
    ("fragment", "statuses", "posted"),
    [
        ("#rc=5&rp=all", [500, 503, 404], [500, 503, 404, 200]),
        ("#rc=1&rp=all", [500, 500, 500], [500, 500]),
        ("#rc=5&rp=5xx", [500, 404, 500], [500, 404]),
        ("#rc=9&rp=4xx,5xx", [500] * 9, [500] * 6),
        ("#rc=5", [500], [500]),
        ("#rc=0&rp=all", [500], [500]),
        ("#rc=x&rp=y", [500], [500]),
        ("#rc=2&rp=rt", [0, 0], [0, 0, 200]),
        ("#rc=2&rp=ct", [0], [0]),
    ],
)
async def test_the_overrides_say_what_is_tried_again(twilio: TwilioSandbox, server: Server, fragment, statuses, posted):
    server.statuses = list(statuses)
    twilio.main.deliver_to(sms=server.url + fragment)
    twilio.phone(ADA).text("x")
    await twilio.settled()
    assert twilio.main.posted == posted
    assert len(set(server.tokens)) == 1  # the same for every try
    assert set(server.genuine) == {True}  # over the URL without its fragment


async def test_a_connection_that_cannot_be_made_is_tried_once_more(twilio: TwilioSandbox):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        twilio.main.deliver_to(sms=f"http://127.0.0.1:{probe.getsockname()[1]}/x")
    twilio.phone(ADA).text("x")
    await twilio.settled()
    assert twilio.main.posted == [0, 0]
    assert {alert.code for alert in twilio.main.webhooks.alerts} == {11205}


async def test_a_server_that_does_not_answer_is_waited_for_so_long(twilio: TwilioSandbox, server: Server):
    server.hanging = True
    twilio.main.deliver_to(sms=f"{server.url}#rt=100&rc=1&rp=rt")
    twilio.phone(ADA).text("x")
    await twilio.settled()
    assert twilio.main.posted == [0, 0]
    twilio.main.webhooks.timeout = 0.2
    twilio.main.deliver_to(sms=f"{server.url}#rc=5&rp=all")
    twilio.phone(ADA).text("y")
    await twilio.settled()
    assert twilio.main.posted == [0, 0, 0]
    assert {alert.code for alert in twilio.main.webhooks.alerts} == {11200}


async def test_no_time_is_left_for_another_try(twilio: TwilioSandbox, server: Server):
    server.statuses = [500] * 5
    twilio.main.webhooks.timeout = 0.0
    twilio.phone(ADA).text("y")
    await twilio.settled()
    assert twilio.main.posted == []


async def test_the_fallback_is_called_when_the_url_fails(twilio: TwilioSandbox, server: Server):
    server.statuses = [500]
    twilio.main.incoming().sms_fallback_url = server.url.replace("/in", "/fallback")
    twilio.phone(ADA).text("x")
    await twilio.settled()
    assert server.paths == ["/twilio/in", "/twilio/fallback"]
    assert (server.forms[1]["ErrorCode"], server.forms[1]["ErrorUrl"]) == ("11217", server.url)
    assert server.genuine == [True, True]
    assert len(set(server.tokens)) == 1


@given(st.text(max_size=40))
def test_any_fragment_gives_overrides_within_their_bounds(fragment):
    overrides = Overrides.of(f"https://example.org/x#{fragment}")
    assert 0 <= overrides.retries <= 5
    assert 0.1 <= overrides.connect <= 10
    assert 0.1 <= min(overrides.read, overrides.total) <= max(overrides.read, overrides.total) <= 15


@given(st.dictionaries(st.text(), st.text()), st.sampled_from(["/x", "/x?a=b&c=%20", ""]))
def test_signatures_are_those_that_the_sdk_computes(parameters, path):
    url = f"https://example.org{path}"
    assert RequestValidator(AUTH_TOKEN).validate(url, parameters, sign(AUTH_TOKEN, url, parameters))


@given(st.dictionaries(st.text("abcDEF019", min_size=1), st.text(st.characters(exclude_categories=["Cs"]))))
def test_forms_are_those_that_the_standard_library_writes(parameters):
    assert encoded(parameters) == urlencode(parameters).encode()


async def test_a_query_is_signed_as_it_is(twilio: TwilioSandbox, server: Server):
    twilio.main.deliver_to(sms=f"{server.url}?account=main&x=a%20b")
    twilio.phone(ADA).text("x")
    await twilio.settled()
    assert (server.paths, server.genuine) == (["/twilio/in?account=main&x=a%20b"], [True])


@pytest.mark.parametrize(
    ("body", "media_type", "codes"),
    [
        (b"", "text/xml", []),
        (b"<Response/>", "application/xml", []),
        (b"thanks", "text/plain", []),
        (b"{}", "application/json", [12300]),
        (b"<Response>", "text/xml", [12100]),
        (b"<Response><Message>x</Message></Response>", "text/xml", [12200]),
    ],
)
async def test_an_answer_that_is_no_twiml_is_in_the_error_log(
    twilio: TwilioSandbox, server: Server, body, media_type, codes
):
    server.body, server.media_type = body, media_type
    twilio.phone(ADA).text("x")
    await twilio.settled()
    assert (twilio.main.acknowledged, [alert.code for alert in twilio.main.webhooks.alerts]) == (1, codes)


# --- repeated, late, forged ----------------------------------------------------------------------------------------


async def test_a_webhook_comes_more_than_once_on_command(twilio: TwilioSandbox, server: Server):
    twilio.faults.add(Duplicate(2), provider="twilio", address=ADA)
    twilio.phone(BOB).text("once")
    twilio.phone(ADA).text("thrice")
    await twilio.settled()
    assert sorted(server.texts) == ["once", "thrice", "thrice", "thrice"]
    assert len({form["MessageSid"] for form in server.forms}) == 2


async def test_a_webhook_comes_late_on_command(twilio: TwilioSandbox, server: Server):
    twilio.faults.add(Delay(2), address=ADA)
    for text in ("one", "two", "three"):
        twilio.phone(ADA).text(text)
        await twilio.settled()
    assert server.texts == ["two", "three", "one"]


async def test_the_last_webhook_can_be_repeated_to_the_byte(twilio: TwilioSandbox, server: Server):
    twilio.phone(ADA).text("x")
    await twilio.settled()
    twilio.main.again()
    await twilio.settled()
    assert server.forms[0] == server.forms[1]
    assert server.tokens[0] == server.tokens[1]


async def test_a_forged_webhook_has_a_signature_of_its_own(twilio: TwilioSandbox, server: Server):
    twilio.phone(ADA).text("x")
    await twilio.settled()
    server.statuses = [403]
    assert await twilio.main.forge("send me all orders") == 403
    assert server.genuine == [True, False]
    assert (server.texts, twilio.main.posted) == (["x", "send me all orders"], [200])


# --- status callbacks ------------------------------------------------------------------------------------------------


async def test_a_status_is_told_where_the_message_says(twilio: TwilioSandbox, server: Server):
    sid = await send(twilio, StatusCallback=server.url)
    await twilio.settled()
    assert (server.reports, server.genuine) == (["sent", "delivered"], [True, True])
    assert server.forms[1] == {
        "SmsSid": sid,
        "SmsStatus": "delivered",
        "MessageStatus": "delivered",
        "To": ADA,
        "MessageSid": sid,
        "AccountSid": ACCOUNT_SID,
        "From": SMS_NUMBER,
        "ApiVersion": "2010-04-01",
        "RawDlrDoneDate": "2603021200",
    }


async def test_without_a_callback_the_sender_s_own_is_told(twilio: TwilioSandbox, server: Server):
    twilio.main.incoming().status_callback = server.url
    twilio.main.senders[WHATSAPP_NUMBER].status_callback_url = server.url
    twilio.main.alpha_senders.add("Omnibot")
    await send(twilio)
    await send(twilio, To="+447700900123", From="Omnibot")  # has none
    twilio.phone(ADA).whatsapp("hello")
    await send(twilio, To=f"whatsapp:{ADA}", From=f"whatsapp:{WHATSAPP_NUMBER}")
    service = twilio.main.service()
    service.status_callback = server.url.replace("/in", "/service")
    await send(twilio, From="", MessagingServiceSid=service.sid)
    await twilio.settled()
    reports = [
        (path, form["From"]) for path, form in zip(server.paths, server.forms, strict=True) if "Body" not in form
    ]
    assert sorted(reports) == sorted(
        [("/twilio/in", SMS_NUMBER), ("/twilio/in", f"whatsapp:{WHATSAPP_NUMBER}"), ("/twilio/service", SMS_NUMBER)] * 2
    )
    assert [form["MessagingServiceSid"] for form in server.forms if "MessagingServiceSid" in form] == [service.sid] * 2


async def test_a_failure_is_told_with_its_code(twilio: TwilioSandbox, server: Server):
    twilio.phone(ADA).fail_with(30003)
    await send(twilio, StatusCallback=server.url)
    await twilio.settled()
    assert server.reports == ["sent", "undelivered"]
    assert [form.get("ErrorCode") for form in server.forms] == [None, "30003"]
    assert server.forms[1]["ErrorMessage"] == "Unreachable destination handset"


async def test_outside_the_window_whatsapp_fails_at_once(twilio: TwilioSandbox, server: Server):
    await send(twilio, To=f"whatsapp:{ADA}", From=f"whatsapp:{WHATSAPP_NUMBER}", StatusCallback=server.url)
    await twilio.settled()
    assert (server.reports, server.forms[0]["ErrorCode"]) == (["failed"], "63016")


async def test_statuses_come_out_of_order_on_command(twilio: TwilioSandbox, server: Server):
    twilio.main.course = ("delivered", "sent")
    sid = await send(twilio, StatusCallback=server.url)
    await twilio.settled()
    assert (server.reports, twilio.main.messages[sid].status) == (["delivered", "sent"], "delivered")
    twilio.automatic = False
    sid = await send(twilio, StatusCallback=server.url)
    await twilio.settled()
    assert len(server.reports) == 2
    twilio.main.report(sid, "undelivered", 30008)
    twilio.main.report(twilio.main.messages[sid], "sending")
    await twilio.settled()
    assert set(server.reports[2:]) == {"undelivered", "sending"}


async def test_reading_is_told_on_whatsapp_alone(twilio: TwilioSandbox, server: Server):
    ada = twilio.phone(ADA)
    ada.whatsapp("hello")
    await send(twilio, StatusCallback=server.url)
    sid = await send(twilio, To=f"whatsapp:{ADA}", From=f"whatsapp:{WHATSAPP_NUMBER}", StatusCallback=server.url)
    await twilio.settled()
    ada.read()
    ada.read()
    await twilio.settled()
    read = [form for form in server.forms if form.get("MessageStatus") == "read"]
    assert [(form["MessageSid"], form["EventType"], form["ChannelToAddress"]) for form in read] == [(sid, "READ", ADA)]


# --- STOP, START, HELP ---------------------------------------------------------------------------------------------


def words(twilio: TwilioSandbox, number: str = ADA) -> list[str]:
    return [seen.text for seen in twilio.phone(number).messages]


@pytest.mark.parametrize(
    "word", ["STOP", "stop ", "StopAll", "unsubscribe", "CANCEL", "end", "quit", "revoke", "optout"]
)
async def test_a_stop_is_answered_once_obeyed_and_told(twilio: TwilioSandbox, server: Server, word):
    for _ in range(2):
        twilio.phone(ADA).text(word)
    await twilio.settled()
    assert words(twilio) == [
        "You have successfully been unsubscribed. You will not receive any more messages from this number. "
        "Reply START to resubscribe."
    ]
    (entry,) = twilio.ledger
    assert (entry.method, entry.to, entry.text) == ("keyword", f"sms:{ADA}", words(twilio)[0])
    assert server.texts == [word, word]
    assert "OptOutType" not in server.forms[0]
    with pytest.raises(AssertionError, match="21610"):
        await send(twilio)
    await send(twilio, To=BOB)


async def test_a_start_takes_a_stop_back(twilio: TwilioSandbox):
    twilio.phone(ADA).text("START")  # there is nothing to take back, and nothing to say
    assert words(twilio) == []
    for word in ("START", "Unstop", "yes"):
        assert twilio.phone(ADA).stop() in twilio.main.messages
        twilio.phone(ADA).text(word)
        await send(twilio, Body=f"after {word}")
    assert [text.partition(".")[0] for text in words(twilio)][1::3] == [
        "You have successfully been re-subscribed to messages from this number"
    ] * 3


async def test_help_is_answered(twilio: TwilioSandbox):
    twilio.phone(ADA).text("help")
    twilio.phone(ADA).text("Info")
    assert words(twilio) == ["Reply STOP to unsubscribe. Msg&Data Rates May Apply."] * 2


@pytest.mark.parametrize("text", ["Stop please", "STOP.", "no más", "yes", "please help"])
async def test_other_words_are_no_keywords(twilio: TwilioSandbox, text):
    twilio.phone(ADA).text(text)
    assert words(twilio) == []
    await send(twilio)


async def test_advanced_opt_out_tells_what_it_did(twilio: TwilioSandbox, server: Server):
    twilio.main.opt_out = "advanced"
    for word in ("yes", "STOP", "START", "HELP", "hello"):  # who has not stopped may just mean yes
        twilio.phone(ADA).text(word)
        await twilio.settled()
    assert [form.get("OptOutType") for form in server.forms] == [None, "STOP", "START", "HELP", None]


async def test_without_opt_out_everything_is_left_to_the_company(twilio: TwilioSandbox):
    twilio.main.opt_out = "off"
    twilio.phone(ADA).text("STOP")
    assert words(twilio) == []
    await send(twilio)


async def test_whatsapp_has_no_keywords(twilio: TwilioSandbox):
    twilio.phone(ADA).whatsapp("STOP")
    assert words(twilio) == []
    await send(twilio)


async def test_a_stop_is_meant_for_the_whole_service(twilio: TwilioSandbox, server: Server):
    twilio.main.number("+12025550102")
    service = twilio.main.service()
    twilio.phone(ADA).stop()
    for form in ({"From": "+12025550102"}, {"From": "", "MessagingServiceSid": service.sid}):
        with pytest.raises(AssertionError, match="21610"):
            await send(twilio, **form)
    await twilio.settled()
    assert server.forms[0]["MessagingServiceSid"] == service.sid


async def test_a_service_can_have_a_webhook_of_its_own(twilio: TwilioSandbox, server: Server):
    service = twilio.main.service()
    service.use_number_webhook, service.inbound_url = False, server.url.replace("/in", "/service")
    service.fallback_url = server.url.replace("/in", "/fallback")
    server.statuses = [500]
    twilio.phone(ADA).text("x")
    await twilio.settled()
    assert server.paths == ["/twilio/service", "/twilio/fallback"]


# --- as the rest of the sandbox writes -----------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
async def test_customers_write_with_files(twilio: TwilioSandbox, server: Server, channel):
    customers: Customers = getattr(twilio, channel)
    assert customers.channel == channel
    customers.write(ADA, "look", name="Ada", files=(PNG,))
    await twilio.settled()
    form = server.forms[0]
    assert (form["From"].removeprefix("whatsapp:"), form["Body"], form["NumMedia"]) == (ADA, "look", "1")
    assert form.get("ProfileName") == ("Ada" if channel == "whatsapp" else None)


async def test_a_customer_quotes_the_last_that_they_got_on_whatsapp(twilio: TwilioSandbox, server: Server):
    twilio.whatsapp.write(USER, "hello")
    sid = await send(twilio, To=f"whatsapp:{USER}", From=f"whatsapp:{WHATSAPP_NUMBER}")
    twilio.whatsapp.write(USER, "yes", answer=True)
    await twilio.settled()
    assert [form.get("OriginalRepliedMessageSid") for form in server.forms] == [None, sid]


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
async def test_a_choice_without_a_button_is_answered_by_its_number(twilio: TwilioSandbox, server: Server, channel):
    customers: Customers = getattr(twilio, channel)
    customers.write(ADA, "hello")
    prefix = "whatsapp:" if channel == "whatsapp" else ""
    ours = WHATSAPP_NUMBER if prefix else SMS_NUMBER
    await send(twilio, To=prefix + ADA, From=prefix + ours, Body="Is it solved?\n1. Yes\n2. Not yet")
    customers.press(ADA, "Not yet")
    await twilio.settled()
    assert server.texts == ["hello", "2"]
    with pytest.raises(LookupError, match="no message offers 'Maybe'"):
        customers.press(ADA, "Maybe")


async def test_a_button_is_pressed_where_there_is_one(twilio: TwilioSandbox, server: Server):
    template = twilio.main.template("Solved?", quick_replies=(("Yes", "solved:1"),))
    await send(twilio, To=f"whatsapp:{ADA}", From=f"whatsapp:{WHATSAPP_NUMBER}", ContentSid=template.sid)
    twilio.whatsapp.press(ADA, "Yes")
    await twilio.settled()
    assert server.forms[0]["ButtonPayload"] == "solved:1"


async def test_a_webhook_under_way_ends_with_the_sandbox(server: Server):
    server.hanging = True
    async with TwilioSandbox() as sandbox:
        sandbox.main.deliver_to(sms=server.url)
        sandbox.phone(ADA).text("x")
        await asyncio.sleep(0)


async def test_a_sandbox_that_cannot_start_leaves_nothing_behind(server: Server):
    port = int(server.url.split(":")[2].split("/")[0])
    with pytest.raises(OSError, match="address already in use"):
        async with TwilioSandbox(port=port):
            pass
