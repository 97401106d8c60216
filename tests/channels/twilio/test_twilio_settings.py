"""What an account may be told, and what it says to what is wrong."""

import pytest
from pydantic import ValidationError

from omnibot_twilio import SmsSettings, WhatsAppSettings
from omnibot_twilio.account import beside

SID = "AC" + "0a" * 16
CONTENT = "HX" + "0a" * 16
LEAST = {"account_sid": SID, "auth_token": "t", "number": "+12025550100"}


def sms(**more) -> SmsSettings:
    return SmsSettings.model_validate(LEAST | more)


def whatsapp(**more) -> WhatsAppSettings:
    return WhatsAppSettings.model_validate(LEAST | more)


def test_three_settings_are_enough() -> None:
    assert sms().number == "+12025550100"
    assert whatsapp().template is None


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("+1 202 555 0100", "+12025550100"),
        ("whatsapp:+12025550100", "+12025550100"),
    ],
)
def test_our_number_has_one_spelling(written: str, known: str) -> None:
    assert sms(number=written).number == known


@pytest.mark.parametrize("missing", LEAST)
def test_none_of_them_may_be_missing(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        SmsSettings.model_validate({name: value for name, value in LEAST.items() if name != missing})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"account_sid": "SK" + "0a" * 16}, "account_sid"),
        ({"auth_token": ""}, "auth_token"),
        ({"number": "202 555 0100"}, "with its country code"),
        ({"number": "ExampleCo"}, "with its country code"),
        ({"messaging_service_sid": SID}, "messaging_service_sid"),
        ({"api_key": "SK" + "0a" * 16}, "belong together"),
        ({"api_key_secret": "s"}, "belong together"),
        ({"countries": ["Germany"]}, "is no country"),
        ({"countries": ["EU"]}, "is no country"),
        ({"spend_cap": -1}, "spend_cap"),
        ({"look_every_seconds": 0}, "look_every_seconds"),
        ({"segments": 11}, "segments"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named(more: dict, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        sms(**more)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (["{name}"], "or what was to be said is lost"),
        (["{text}", "{text}"], "or what was to be said is lost"),
        (["{text}", ""], "no empty variable"),
        (["{text}", "{company}"], r"\{company\} is nothing"),
    ],
)
def test_a_template_must_carry_what_is_to_be_said(variables: list[str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        whatsapp(template={"sid": CONTENT, "variables": variables})


def test_a_template_may_hold_words_of_its_own() -> None:
    template = whatsapp(template={"sid": CONTENT, "variables": ["Dear {name}", "we found: {text}"]}).template
    assert template is not None
    assert template.variables == ("Dear {name}", "we found: {text}")


def test_a_wrong_content_sid_is_named() -> None:
    with pytest.raises(ValidationError, match="quick_replies"):
        whatsapp(quick_replies=["HX1"])


# --- countries -------------------------------------------------------------------------------------------------------


def test_text_messages_stay_at_home_unless_told_otherwise() -> None:
    assert sms().served == {"US"}
    assert sms(number="+4915735990000").served == {"DE"}
    assert sms(countries=["at", "CH"]).served == {"AT", "CH"}
    assert sms(countries=["*"]).served == {"*"}


def test_a_short_code_must_say_where_it_is_at_home() -> None:
    with pytest.raises(ValidationError, match="countries is missing"):
        sms(number="72975")
    assert sms(number="72975", countries=["US"]).served == {"US"}


def test_whatsapp_goes_everywhere_unless_told_otherwise() -> None:
    assert whatsapp().served == {"*"}
    assert whatsapp(countries=["DE"]).served == {"DE"}


def test_secrets_are_not_shown() -> None:
    shown = repr(sms(auth_token="topsecret", api_key="SK" + "0a" * 16, api_key_secret="topsecret"))
    assert "topsecret" not in shown


# --- where Twilio is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("api", "content"),
    [
        ("https://api.twilio.com", "https://content.twilio.com"),
        ("https://api.dublin.ie1.twilio.com", "https://content.dublin.ie1.twilio.com"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.nottwilio.com", "https://api.nottwilio.com"),
    ],
)
def test_other_products_are_beside_the_api(api: str, content: str) -> None:
    assert beside(api, "content") == content
