"""What leaves for Twilio, and what its answers mean."""

import json
from datetime import timedelta

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from twilio_house import CUSTOMER, START, Clock, House, house

from omnibot.contract import Refused, TryLater, Unsure
from omnibot.model import Cap, Choice, File, Link, Paragraph, Steps
from omnibot.sandbox import Cut, Hang, ServerError, Throttle
from omnibot.sandbox.twilio import TwilioSandbox
from omnibot_twilio import Sms, WhatsApp
from omnibot_twilio.outcomes import Rejected, is_gone, outcome, words
from omnibot_twilio.render import is_open

OPEN = START - timedelta(hours=23)
PICTURE = File("plan.png", "image/png", 40_000, "knowledge:plan.png")
GUIDE = File("guide.pdf", "application/pdf", 90_000, "knowledge:guide.pdf")
TEMPLATE_WORDS = "Hello {{1}}, we have an answer for you: {{2}} Write back at any time."


def template(sandbox: TwilioSandbox, **more) -> dict:
    return {"sid": sandbox.main.template(TEMPLATE_WORDS).sid} | more


def quick_replies(sandbox: TwilioSandbox) -> tuple[str, ...]:
    return tuple(
        sandbox.main.template(
            "{{1}}", quick_replies=tuple((f"{{{{{2 * n}}}}}", f"{{{{{2 * n + 1}}}}}") for n in range(1, count + 1))
        ).sid
        for count in range(1, 6)
    )


# --- text messages ---------------------------------------------------------------------------------------------------


async def test_a_text_goes_from_our_number_with_its_report_url(sms: House) -> None:
    receipt = await sms.channel.send(sms.outbound("hello"))
    (sent,) = sms.sent()
    assert receipt.provider_id.startswith("SM")
    assert sent["From"] == sms.sandbox.main.sms_number
    assert sent["To"] == CUSTOMER
    assert sent["Body"] == "hello"
    assert sent["StatusCallback"] == sms.status_url() + "#rc=5&rp=all"


async def test_everything_becomes_plain_text(sms: House) -> None:
    parts = (Paragraph("Do this:"), Steps(("Open it.", "Close it.")), Link("More", "https://example.org/a?b=1&c=2"))
    await sms.channel.send(sms.outbound(*parts))
    assert sms.sent()[0]["Body"] == "Do this:\n\n1. Open it.\n2. Close it.\n\nMore: https://example.org/a?b=1&c=2"


@pytest.mark.parametrize(
    ("text", "units"),
    [("a" * 160, 1), ("a" * 161, 2), ("ж" * 71, 2), ("x" * 100 + " – so it’s done…", 1)],
)
async def test_what_it_is_billed_as_is_told(sms: House, text: str, units: int) -> None:
    receipt = await sms.channel.send(sms.outbound(text))
    assert receipt.units == units
    (message,) = sms.sandbox.main.messages.values()
    assert message.segments == units  # as the other side counts


async def test_typography_is_folded_where_it_pays(sms: House) -> None:
    await sms.channel.send(sms.outbound("x" * 100 + " – it’s “done”…"))
    await sms.channel.send(sms.outbound("it’s “done”…"))
    folded, short = (sent["Body"] for sent in sms.sent())
    assert folded == "x" * 100 + ' - it\'s "done"...'
    assert short == "it’s “done”…"


@pytest.mark.parametrize(("segments", "text"), [(1, 160), (3, 459), (9, 1377), (10, 1500)])
async def test_the_length_of_a_message_is_a_number_of_segments(
    sandbox: TwilioSandbox, segments: int, text: int
) -> None:
    async with house(sandbox, Sms, segments=segments) as short:
        assert short.channel.limits.text == text


async def test_a_messaging_service_chooses_the_sender(sandbox: TwilioSandbox) -> None:
    service = sandbox.main.service()
    async with house(sandbox, Sms, messaging_service_sid=service.sid) as served:
        receipt = await served.channel.send(served.outbound("hello"))
        (sent,) = served.sent()
    assert "From" not in sent
    assert sent["MessagingServiceSid"] == service.sid
    assert receipt.units == 1


async def test_who_wrote_to_another_number_is_answered_from_there(sms: House) -> None:
    sms.sandbox.main.number("+12025550122")
    await sms.channel.send(sms.outbound("hello", context={"number": "+12025550122"}))
    assert sms.sent()[0]["From"] == "+12025550122"


async def test_an_api_key_opens_the_api(sandbox: TwilioSandbox) -> None:
    key = "SK" + "0a" * 16
    sandbox.main.keys[key] = "its secret"
    async with house(sandbox, Sms, api_key=key, api_key_secret="its secret") as keyed:
        assert await keyed.channel.send(keyed.outbound("hello"))
        assert [finding.what for finding in await keyed.channel.health() if finding.fatal] == []


@pytest.mark.parametrize("kind", [Sms, WhatsApp])
async def test_what_the_account_may_spend_and_how_fast_is_told(sandbox: TwilioSandbox, kind: type) -> None:
    async with house(sandbox, kind) as free, house(sandbox, kind, spend_cap=500, per_second=10) as bound:
        assert (free.channel.limits.spend, free.channel.limits.per_second) == (None, None)
        assert (bound.channel.limits.spend, bound.channel.limits.per_second) == (Cap(500, 86_400), 10)


# --- files -----------------------------------------------------------------------------------------------------------


async def test_a_picture_goes_as_mms(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, Sms, mms=True) as pictured:
        assert pictured.channel.limits.files == 10
        await pictured.channel.send(pictured.outbound("Here it is.", PICTURE))
        (sent,) = pictured.sent()
        await sandbox.settled()
        (seen,) = sandbox.phone(CUSTOMER).messages
    assert sent["Body"] == "Here it is."
    assert [media.media_type for media in seen.media] == ["image/png"]


async def test_without_mms_a_channel_carries_no_files(sms: House) -> None:
    assert sms.channel.limits.files == 0


async def test_without_a_public_url_there_is_nothing_to_fetch(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, Sms, mms=True, public=False) as hidden:
        assert hidden.channel.limits.files == 0
    async with house(sandbox, WhatsApp, public=False) as hidden:
        assert hidden.channel.limits.files == 0


async def test_where_there_is_no_mms_a_picture_is_a_link(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, Sms, mms=True, countries=("DE",)) as german:
        await german.channel.send(german.outbound("Hier.", PICTURE, to="+491701234567"))
        (sent,) = german.sent()
    assert "MediaUrl" not in sent
    assert sent["Body"] == f"Hier.\n\nplan.png: {german.files}/plan.png"


async def test_files_that_are_too_large_together_are_links(sandbox: TwilioSandbox) -> None:
    large = [File(f"{n}.png", "image/png", 2_000_000, f"knowledge:{n}.png") for n in range(3)]
    async with house(sandbox, Sms, mms=True) as pictured:
        await pictured.channel.send(pictured.outbound("All:", *large))
        (sent,) = pictured.sent()
    assert len(sent["MediaUrl"]) == 2
    assert sent["Body"] == f"All:\n\n2.png: {pictured.files}/2.png"


async def test_a_document_goes_alone_on_whatsapp(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, WhatsApp) as opened:
        assert opened.channel.limits.caption == 0
        sandbox.phone(CUSTOMER).whatsapp("hello")
        await opened.channel.send(opened.outbound(GUIDE))
        (sent,) = opened.sent()
        await sandbox.settled()
        (seen,) = sandbox.phone(CUSTOMER).messages
    assert "Body" not in sent
    assert [media.media_type for media in seen.media] == ["application/pdf"]


async def test_a_picture_that_whatsapp_finds_too_large_is_a_link(sandbox: TwilioSandbox) -> None:
    huge = File("huge.png", "image/png", 9_000_000, "knowledge:huge.png")
    async with house(sandbox, WhatsApp) as opened:
        await opened.channel.send(opened.outbound(huge))
        (sent,) = opened.sent()
    assert sent["Body"] == f"huge.png: {opened.files}/huge.png"


# --- who is not written to -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", ["+18765550147", "+19005550147"])
async def test_a_country_that_is_not_served_costs_nothing(sms: House, to: str) -> None:
    """Bad input 38."""
    with pytest.raises(Refused) as refused:
        await sms.channel.send(sms.outbound("hello", to=to))
    assert not refused.value.unreachable
    assert to not in refused.value.reason
    assert sms.sent() == []


@pytest.mark.parametrize("to", ["72975", "ParcelCo"])
async def test_who_takes_no_messages_is_unreachable(sms: House, to: str) -> None:
    with pytest.raises(Refused) as refused:
        await sms.channel.send(sms.outbound("hello", to=to))
    assert refused.value.unreachable


async def test_a_message_without_anything_in_it_is_refused(sms: House) -> None:
    with pytest.raises(Refused, match="nothing in it"):
        await sms.channel.send(sms.outbound())


# --- WhatsApp --------------------------------------------------------------------------------------------------------


async def test_within_a_day_words_go_as_they_are(sandbox: TwilioSandbox, clock: Clock) -> None:
    async with house(sandbox, WhatsApp, clock=clock, template=template(sandbox)) as opened:
        sandbox.phone(CUSTOMER).whatsapp("hello")
        receipt = await opened.channel.send(opened.outbound("An answer.", heard_at=OPEN))
        (sent,) = opened.sent()
    assert sent["To"] == f"whatsapp:{CUSTOMER}"
    assert sent["Body"] == "An answer."
    assert receipt.units == 1


async def test_after_a_day_the_template_knocks(sandbox: TwilioSandbox, clock: Clock) -> None:
    """Bad input 44."""
    heard = clock.now
    sandbox.phone(CUSTOMER).whatsapp("hello")
    async with house(sandbox, WhatsApp, clock=clock, template=template(sandbox)) as opened:
        assert opened.channel.limits.knocks
        clock.pass_by(hours=24, seconds=1)
        answer = opened.outbound("First.", "Then second.", heard_at=heard, context={"name": "Jule  B."})
        await opened.channel.send(answer)
        (sent,) = opened.sent()
        await sandbox.settled()
        (message,) = [m for m in sandbox.main.messages.values() if m.direction != "inbound"]
    assert "Body" not in sent
    assert json.loads(sent["ContentVariables"]) == {"1": "Jule B.", "2": "First. Then second."}
    assert message.status == "delivered"
    assert message.body == "Hello Jule B., we have an answer for you: First. Then second. Write back at any time."


async def test_without_a_template_what_is_late_waits(whatsapp: House) -> None:
    """Bad input 44: the core holds it; what slips through is told to wait by its report."""
    heard = whatsapp.clock.now
    whatsapp.sandbox.phone(CUSTOMER).whatsapp("hello")
    whatsapp.clock.pass_by(hours=24, seconds=1)
    assert not whatsapp.channel.limits.knocks
    assert whatsapp.channel.limits.window == 24 * 3600 - 60
    await whatsapp.channel.send(whatsapp.outbound("late", heard_at=heard))
    (report,) = await whatsapp.inbox.arrived()
    assert report.state == "held"
    assert len(whatsapp.sent()) == 1


async def test_where_twilio_says_at_once_that_it_is_late_the_template_knocks(
    sandbox: TwilioSandbox, clock: Clock
) -> None:
    sandbox.main.window_refusal = "at once"
    async with house(sandbox, WhatsApp, clock=clock, template=template(sandbox)) as opened:
        await opened.channel.send(opened.outbound("An answer.", heard_at=OPEN))
        assert "ContentSid" in opened.sent()[-1]


async def test_and_without_one_it_is_refused_for_now(whatsapp: House) -> None:
    whatsapp.sandbox.main.window_refusal = "at once"
    with pytest.raises(Refused, match="silent for 24 hours") as refused:
        await whatsapp.channel.send(whatsapp.outbound("late", heard_at=OPEN))
    assert not refused.value.unreachable


@pytest.mark.parametrize(
    ("hours", "is_it"), [(0, True), (23.98, True), (23.99, False), (24, False), (24 + 1 / 3600, False), (240, False)]
)
def test_the_window_is_a_day_less_a_minute(hours: float, is_it: bool) -> None:
    assert is_open(START - timedelta(hours=hours), START) is is_it


def test_who_never_wrote_has_no_window() -> None:
    assert not is_open(None, START)


async def test_a_template_calls_nobody_by_nothing(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, WhatsApp, template=template(sandbox, nameless="friend")) as opened:
        await opened.channel.send(opened.outbound("An answer."))
        assert json.loads(opened.sent()[0]["ContentVariables"])["1"] == "friend"


async def test_what_is_said_cannot_fill_in_more(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, WhatsApp, template=template(sandbox)) as opened:
        await opened.channel.send(opened.outbound("write {name} or {text}", context={"name": "{text}"}))
        variables = json.loads(opened.sent()[0]["ContentVariables"])
    assert variables == {"1": "{text}", "2": "write {name} or {text}"}


async def test_choices_and_files_are_words_in_a_template(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, WhatsApp, template=template(sandbox), quick_replies=quick_replies(sandbox)) as opened:
        await opened.channel.send(opened.outbound("Solved?", Choice("Yes", "y"), Choice("No", "n"), GUIDE))
        said = json.loads(opened.sent()[0]["ContentVariables"])["2"]
    assert said == f"Solved? 1. Yes 2. No guide.pdf: {opened.files}/guide.pdf"


async def test_a_template_without_words_is_refused(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, WhatsApp, template=template(sandbox)) as opened:
        with pytest.raises(Refused, match="nothing to say"):
            await opened.channel.send(opened.outbound())


async def test_a_template_leaves_room_for_its_own_words(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, WhatsApp, template=template(sandbox, max_text=500)) as opened:
        assert opened.channel.limits.text == 500


async def test_choices_are_quick_replies_where_there_are_templates(sandbox: TwilioSandbox, clock: Clock) -> None:
    async with house(sandbox, WhatsApp, clock=clock, quick_replies=quick_replies(sandbox)) as opened:
        assert opened.channel.limits.choices == 5
        phone = sandbox.phone(CUSTOMER)
        phone.whatsapp("hello")
        long = "Yes, and please call me back"
        await opened.channel.send(opened.outbound("Solved?", Choice(long, "y"), Choice("No", "n"), heard_at=clock.now))
        seen = phone.messages[-1]
    assert seen.text == "Solved?"
    assert seen.choices == ("Yes, and please cal…", "No")


async def test_more_than_three_are_a_list(sandbox: TwilioSandbox, clock: Clock) -> None:
    labels = ["Invoices", "The password, forgotten again", "Export", "Opening hours"]
    async with house(sandbox, WhatsApp, clock=clock, quick_replies=quick_replies(sandbox)) as opened:
        opened.sandbox.main.deliver_to(whatsapp=opened.webhook_url)
        phone = sandbox.phone(CUSTOMER)
        phone.whatsapp("hello")
        choices = [Choice(label, f"value {number}") for number, label in enumerate(labels)]
        await opened.channel.send(opened.outbound("About what?", *choices, heard_at=clock.now))
        _, second, *_ = phone.messages[-1].choices
        phone.press(second)
        _, press = await opened.inbox.arrived(2)
    assert second == "The password, forgotten…"
    assert press.value == "value 1"


@pytest.mark.parametrize(
    "parts",
    [
        ("x" * 1025, Choice("Yes", "y")),  # there is no room above buttons
        (Choice("Yes", "y"),),  # and no buttons without words above
        ("Which?", Choice("The first of all of them", "1"), Choice("The first of all of those", "2")),
    ],
    ids=["long", "wordless", "alike"],
)
async def test_where_buttons_cannot_be_choices_are_a_numbered_list(sandbox: TwilioSandbox, parts: tuple) -> None:
    async with house(sandbox, WhatsApp, quick_replies=quick_replies(sandbox)) as opened:
        sandbox.phone(CUSTOMER).whatsapp("hello")
        await opened.channel.send(opened.outbound(*parts, heard_at=opened.clock.now))
        body = opened.sent()[0]["Body"]
    assert f"1. {next(part.label for part in parts if isinstance(part, Choice))}" in body


async def test_without_templates_there_are_no_buttons(whatsapp: House) -> None:
    assert whatsapp.channel.limits.choices == 0


async def test_somebody_without_a_number_is_answered_by_their_id(whatsapp: House) -> None:
    whatsapp.sandbox.main.deliver_to(whatsapp=whatsapp.webhook_url)
    whatsapp.sandbox.phone("US.13491208655302741918").whatsapp("hello")
    (message,) = await whatsapp.inbox.arrived()
    assert message.sender.address.value == "US.13491208655302741918"
    await whatsapp.channel.send(whatsapp.outbound("hello", to=message.sender.address.value))
    assert whatsapp.sent()[0]["To"] == "whatsapp:US.13491208655302741918"


async def test_that_an_answer_is_written_is_shown_under_what_came_last(whatsapp: House) -> None:
    whatsapp.sandbox.main.deliver_to(whatsapp=whatsapp.webhook_url)
    message = whatsapp.outbound("hello")
    await whatsapp.channel.typing(message.to, {})  # nothing came yet: nothing to show
    whatsapp.sandbox.phone(CUSTOMER).whatsapp("first")
    last = whatsapp.sandbox.phone(CUSTOMER).whatsapp("second")
    await whatsapp.inbox.arrived(2)
    await whatsapp.sandbox.settled()
    await whatsapp.channel.typing(message.to, {})
    (shown,) = whatsapp.sandbox.ledger.entries("twilio", "typing.create")
    assert shown.payload["messageId"] == last


async def test_nobody_waits_for_what_shows_that_an_answer_is_written(whatsapp: House) -> None:
    await whatsapp.post(whatsapp.form())
    await whatsapp.channel.typing(whatsapp.outbound("hello").to, {})  # Twilio does not know that message


# --- what Twilio answers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "unreachable"),
    [(21211, True), (21408, False), (21610, True), (21612, False), (21614, True), (30006, True), (99999, False)],
)
async def test_a_refusal_says_why_and_whether_for_good(sms: House, code: int, unreachable: bool) -> None:
    sms.sandbox.phone(CUSTOMER).refuse_with(code)
    with pytest.raises(Refused) as refused:
        await sms.channel.send(sms.outbound("hello"))
    assert refused.value.unreachable == unreachable
    assert refused.value.reason.endswith(f"(Twilio {code})")
    assert CUSTOMER not in refused.value.reason


async def test_who_has_opted_out_is_unreachable_until_they_write(sms: House) -> None:
    sms.sandbox.phone(CUSTOMER).stop()
    with pytest.raises(Refused, match="opted out") as refused:
        await sms.channel.send(sms.outbound("hello"))
    assert refused.value.unreachable
    sms.sandbox.phone(CUSTOMER).text("START")
    assert await sms.channel.send(sms.outbound("hello"))


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, 20003, TryLater),
        (403, 20006, TryLater),
        (429, 20429, TryLater),
        (400, 21611, TryLater),
        (400, 30001, TryLater),
        (400, 63038, TryLater),
        (503, 20503, TryLater),
        (500, 20500, Unsure),
        (502, 502, Unsure),
        (404, 20404, TryLater),
        (400, 21610, Refused),
        (400, 99_999, Refused),
        (302, 302, TryLater),  # no word of Twilio's: a proxy, or a wrong `api_url`
        (404, 404, TryLater),
    ],
)
def test_every_answer_means_one_thing(status: int, code: int, kind: type[Exception]) -> None:
    assert isinstance(outcome(Rejected(status, code)), kind)


@given(st.integers(100, 599), st.integers(0, 99_999))
def test_no_answer_is_without_words(status: int, code: int) -> None:
    meant = outcome(Rejected(status, code))
    assert meant.reason
    assert not (isinstance(meant, Refused) and meant.unreachable and not is_gone(code))
    assert "+" not in words(code)


async def test_a_throttled_account_waits_as_long_as_told(sms: House) -> None:
    sms.sandbox.faults.add(Throttle(7), method="messages.create")
    with pytest.raises(TryLater) as later:
        await sms.channel.send(sms.outbound("hello"))
    assert later.value.after == 7


@pytest.mark.parametrize("accepted", [True, False])
async def test_a_call_without_an_answer_is_unsure(sandbox: TwilioSandbox, accepted: bool) -> None:
    async with house(sandbox, Sms, timeout=0.5) as impatient:
        sandbox.faults.add(Hang(accepted), method="messages.create")
        with pytest.raises(Unsure):
            await impatient.channel.send(impatient.outbound("hello"))
    assert len(impatient.sent()) == accepted


async def test_so_is_a_connection_that_is_cut(sms: House) -> None:
    sms.sandbox.faults.add(Cut(accepted=True), method="messages.create")
    with pytest.raises(Unsure):
        await sms.channel.send(sms.outbound("hello"))


async def test_and_a_failure_of_which_nobody_knows_when_it_came(sms: House) -> None:
    sms.sandbox.faults.add(ServerError(502), method="messages.create")
    with pytest.raises(Unsure):
        await sms.channel.send(sms.outbound("hello"))


async def test_who_cannot_be_reached_has_taken_nothing(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, Sms, api_url="http://127.0.0.1:9") as lost:
        with pytest.raises(TryLater, match="cannot be reached"):
            await lost.channel.send(lost.outbound("hello"))


async def test_a_page_that_is_not_twilio_s_proves_nothing(sandbox: TwilioSandbox, unused_tcp_port: int) -> None:
    async def greet(_: web.Request) -> web.Response:
        return web.Response(text="<html>log in first</html>", content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", greet)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
        async with house(sandbox, Sms, api_url=f"http://127.0.0.1:{unused_tcp_port}") as captive:
            with pytest.raises(Unsure):
                await captive.channel.send(captive.outbound("hello"))
    finally:
        await runner.cleanup()


# --- and afterwards --------------------------------------------------------------------------------------------------


async def test_what_we_sent_can_be_deleted_there(sms: House) -> None:
    message = sms.outbound("a secret")
    receipt = await sms.channel.send(message)
    await sms.sandbox.settled()
    assert await sms.channel.redact(message.to, receipt)
    assert receipt.provider_id not in sms.sandbox.main.messages
    assert not await sms.channel.redact(message.to, receipt)
