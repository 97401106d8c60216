"""What the emulated Twilio tells a server: signed, and as often as the URL's overrides say."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest_asyncio
from aiohttp import web
from twilio.request_validator import RequestValidator

from omnibot.sandbox.twilio import AUTH_TOKEN, SMS_NUMBER, WHATSAPP_NUMBER, TwilioSandbox

ADA = "+12025550123"
USER = "US.13491208655302741918"


@dataclass
class Server:
    """A server that Twilio calls; it answers with `statuses` in turn, then with 200."""

    url: str = ""
    forms: list[dict[str, str]] = field(default_factory=list)
    genuine: list[bool] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    arrived: list = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        signature = request.headers["X-Twilio-Signature"]
        self.genuine.append(RequestValidator(AUTH_TOKEN).validate(self.url, form, signature))
        self.tokens.append(request.headers["I-Twilio-Idempotency-Token"])
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, body=b"<Response/>", content_type="text/xml")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_post("/twilio/{where}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/twilio/in"
    yield made
    await runner.cleanup()


@pytest_asyncio.fixture
async def twilio(server: Server) -> AsyncIterator[TwilioSandbox]:
    async with TwilioSandbox() as sandbox:
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
