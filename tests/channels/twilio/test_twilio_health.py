"""What an operator is told of an account: each mistake that the guides warn of."""

from collections.abc import Sequence

import pytest
from twilio_house import House, house

from omnibot.contract import Finding
from omnibot.sandbox import ServerError, Throttle
from omnibot.sandbox.twilio import TwilioSandbox
from omnibot_twilio import Sms, WhatsApp
from omnibot_twilio.health import WHATSAPP_SANDBOX
from omnibot_twilio.webhooks import OVERRIDES

UNKNOWN_CONTENT = "HX" + "00" * 16


async def asked(opened: House) -> Sequence[Finding]:
    findings = await opened.channel.health()
    for finding in findings:
        assert finding.what
        assert finding.action
    return findings


async def only(opened: House) -> Finding:
    (finding,) = await asked(opened)
    return finding


def told(opened: House, **more: str) -> None:
    """Twilio knows where we are."""
    opened.sandbox.main.deliver_to(**{opened.channel.name: opened.webhook_url + OVERRIDES} | more)


async def test_a_number_that_is_set_up_has_nothing_to_say(sms: House) -> None:
    told(sms)
    assert await asked(sms) == []


async def test_nor_has_a_sender_with_its_templates(sandbox: TwilioSandbox) -> None:
    account = sandbox.main
    replies = [
        account.template("{{1}}", quick_replies=tuple((f"{n}", f"{n}") for n in range(count))).sid
        for count in range(1, 6)
    ]
    template = {"sid": account.template("{{1}} {{2}}").sid}
    async with house(sandbox, WhatsApp, template=template, quick_replies=replies) as opened:
        told(opened)
        assert await asked(opened) == []


# --- the account -----------------------------------------------------------------------------------------------------


async def test_wrong_credentials_are_fatal(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, Sms, auth_token="a guess") as opened:
        finding = await only(opened)
    assert finding.fatal
    assert "auth_token" in finding.action


async def test_a_wrong_api_key_is_fatal(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, Sms, api_key="SK" + "0a" * 16, api_key_secret="a guess") as opened:
        finding = await only(opened)
    assert finding.fatal
    assert "api_key_secret" in finding.action


async def test_with_an_api_key_a_wrong_auth_token_shows_nowhere_else(sandbox: TwilioSandbox) -> None:
    """Nothing would fail but every webhook."""
    key = "SK" + "0a" * 16
    sandbox.main.keys[key] = "its secret"
    async with house(sandbox, Sms, api_key=key, api_key_secret="its secret", auth_token="the old one") as opened:
        told(opened)
        finding = await only(opened)
    assert finding.fatal
    assert "auth_token is not" in finding.what


async def test_twilio_out_of_reach_is_no_fault_of_the_account(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, Sms, api_url="http://127.0.0.1:9") as opened:
        finding = await only(opened)
    assert not finding.fatal
    assert finding.what == "http://127.0.0.1:9 cannot be reached"


@pytest.mark.parametrize("status", ["suspended", "closed"])
async def test_an_account_that_is_not_active_is_fatal(sms: House, status: str) -> None:
    told(sms)
    sms.sandbox.main.status = status
    finding = await only(sms)
    assert finding.fatal
    assert status in finding.what


async def test_a_trial_account_is_said_to_be_one(sms: House) -> None:
    told(sms)
    sms.sandbox.main.trial = True
    assert "trial" in (await only(sms)).what


async def test_a_low_balance_is_told(sandbox: TwilioSandbox, sms: House) -> None:
    told(sms)
    sandbox.main.balance = "9.99"
    assert "9.99 USD" in (await only(sms)).what
    sandbox.main.balance = "not a number"
    assert await asked(sms) == []
    async with house(sandbox, Sms, low_balance=0) as careless:
        told(careless)
        sandbox.main.balance = "-5"
        assert "-5" in (await only(careless)).what


async def test_without_a_public_url_messages_are_only_looked_for(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, Sms, public=False) as opened:
        assert "public URL" in (await only(opened)).what


async def test_what_twilio_does_not_tell_is_no_fault(sandbox: TwilioSandbox) -> None:
    template = {"sid": sandbox.main.template("{{1}} {{2}}").sid}
    for kind, more in (
        (Sms, {"messaging_service_sid": sandbox.main.service().sid}),
        (WhatsApp, {"template": template}),
    ):
        async with house(sandbox, kind, **more) as opened:
            for method in (
                "accounts.fetch", "balance.fetch", "services.fetch", "services.phone_numbers.list",
                "channels_senders.list", "approval_fetch.fetch",
            ):  # fmt: skip
                sandbox.faults.add(ServerError(503), method=method, count=None)
            told(opened)
            assert await asked(opened) == []
            sandbox.faults.clear()


# --- the number ------------------------------------------------------------------------------------------------------


async def test_a_number_of_somebody_else_is_fatal(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, Sms, number="+12025550199") as opened:
        finding = await only(opened)
    assert finding.fatal
    assert "not one of this account" in finding.what


async def test_a_short_code_is_believed(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, Sms, number="72975", countries=("US",)) as opened:
        assert await asked(opened) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "tells nobody"),
        ("https://elsewhere.example/webhook?secret=1", "https://elsewhere.example/webhook of"),
        ("{webhook}", "does not try again"),
        ("{webhook}#rc=5", "does not try again"),
        ("{status}" + OVERRIDES, "and not us"),
    ],
)
@pytest.mark.parametrize("kind", [Sms, WhatsApp])
async def test_a_webhook_that_is_not_ours_is_told(
    sandbox: TwilioSandbox, kind: type[Sms | WhatsApp], url: str, said: str
) -> None:
    async with house(sandbox, kind) as opened:
        places = {"{webhook}": opened.webhook_url, "{status}": opened.webhook_url.replace("webhook", "status")}
        for place, meant in places.items():
            url = url.replace(place, meant)
        opened.sandbox.main.deliver_to(**{kind.name: url})
        finding = await only(opened)
    assert said in finding.what
    assert "secret" not in finding.what
    assert f"{opened.webhook_url}{OVERRIDES}" in finding.action


async def test_a_number_without_text_messages_is_fatal(sms: House) -> None:
    told(sms)
    sms.sandbox.main.incoming().sms = False
    assert (await only(sms)).fatal


async def test_a_number_without_mms_is_told_where_files_are_wanted(sandbox: TwilioSandbox, sms: House) -> None:
    sandbox.main.incoming().mms = False
    told(sms)
    assert await asked(sms) == []
    async with house(sandbox, Sms, mms=True) as pictured:
        told(pictured)
        assert "cannot send files" in (await only(pictured)).what


async def test_a_webhook_by_another_method_is_told(sms: House) -> None:
    told(sms)
    sms.sandbox.main.incoming().method = "GET"
    assert "by GET" in (await only(sms)).what


async def test_a_twiml_app_in_between_is_told(sms: House) -> None:
    told(sms)
    sms.sandbox.main.incoming().application_sid = "AP" + "0a" * 16
    assert "TwiML app" in (await only(sms)).what


# --- messaging services ----------------------------------------------------------------------------------------------


async def test_an_unknown_service_is_fatal(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, Sms, messaging_service_sid="MG" + "00" * 16) as opened:
        told(opened)
        finding = await only(opened)
    assert finding.fatal
    assert "messaging service is not" in finding.what


async def test_a_number_outside_its_service_is_told(sandbox: TwilioSandbox) -> None:
    other = sandbox.main.number("+12025550122")
    service = sandbox.main.service(other.phone_number)
    async with house(sandbox, Sms, messaging_service_sid=service.sid) as opened:
        told(opened)
        assert "not in the messaging service" in (await only(opened)).what


@pytest.mark.parametrize("named", [True, False])
async def test_a_service_that_takes_the_messages_itself_is_told(sandbox: TwilioSandbox, named: bool) -> None:
    """Whether it stands in the settings or somebody has put the number into it."""
    service = sandbox.main.service()
    service.use_number_webhook = False
    service.inbound_url = "https://elsewhere.example/"
    async with house(sandbox, Sms, messaging_service_sid=service.sid if named else "") as opened:
        told(opened)
        finding = await only(opened)
        assert "elsewhere.example" in finding.what
        assert "Services" in finding.action
        service.inbound_url = opened.webhook_url + OVERRIDES
        assert await asked(opened) == []


async def test_a_service_that_leaves_them_to_the_number_is_fine(sandbox: TwilioSandbox) -> None:
    service = sandbox.main.service()
    async with house(sandbox, Sms, messaging_service_sid=service.sid) as opened:
        told(opened)
        assert await asked(opened) == []


# --- WhatsApp --------------------------------------------------------------------------------------------------------


async def test_a_number_that_is_no_sender_is_fatal(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, WhatsApp, number="+12025550199") as opened:
        finding = await only(opened)
    assert finding.fatal
    assert "no WhatsApp sender" in finding.what


async def test_a_sender_that_is_offline_is_fatal(whatsapp: House) -> None:
    told(whatsapp)
    (sender,) = whatsapp.sandbox.main.senders.values()
    sender.status = "OFFLINE"
    finding = await only(whatsapp)
    assert finding.fatal
    assert "offline" in finding.what


async def test_twilio_s_own_sandbox_is_known(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, WhatsApp, number=WHATSAPP_SANDBOX) as opened:
        finding = await only(opened)
    assert not finding.fatal
    assert "has joined it" in finding.what


@pytest.mark.parametrize("approval", ["unsubmitted", "pending", "rejected", "paused", "disabled"])
async def test_a_template_that_is_not_approved_is_told(sandbox: TwilioSandbox, approval: str) -> None:
    template = sandbox.main.template("{{1}} {{2}}", approval=approval)
    async with house(sandbox, WhatsApp, template={"sid": template.sid}) as opened:
        told(opened)
        assert approval in (await only(opened)).what


async def test_a_template_that_is_not_there_is_fatal(sandbox: TwilioSandbox) -> None:
    async with house(sandbox, WhatsApp, template={"sid": UNKNOWN_CONTENT}) as opened:
        told(opened)
        assert (await only(opened)).fatal


async def test_quick_replies_have_their_number_of_buttons(sandbox: TwilioSandbox) -> None:
    one = sandbox.main.template("{{1}}", quick_replies=(("{{2}}", "{{3}}"),)).sid
    async with house(sandbox, WhatsApp, quick_replies=(one, one, UNKNOWN_CONTENT)) as opened:
        told(opened)
        for_two, for_three = await asked(opened)
    assert "for 2 has 1 choices" in for_two.what
    assert "for 3" in for_three.what


async def test_throttled_it_says_so(sms: House) -> None:
    sms.sandbox.faults.add(Throttle(1), count=None)
    told(sms)
    assert not [finding for finding in await asked(sms) if finding.fatal]
