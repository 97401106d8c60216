"""What Twilio posts, and what we read in it; the payloads are written after its documentation."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import (
    Address,
    ButtonPress,
    DeliveryReport,
    DeliveryState,
    Identifier,
    IdentifierKind,
    IncomingMessage,
    Location,
)
from omnibot_twilio.parse import Malformed, Reader, arrival_id, sid_of

PAYLOADS = Path(__file__).parent / "payloads"
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ACCOUNT = "AC5a2d60b0c0ffee00000000000000d0c5"
OURS = "+12025550100"
SMS = Reader("sms", network_keywords=True)
WHATSAPP = Reader("whatsapp")


def payload(name: str) -> dict[str, str]:
    return json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))


def read(name: str, reader: Reader = SMS, **more: str) -> IncomingMessage:
    message = reader.message(payload(name) | more, OURS if reader.channel == "sms" else "+12025550101", NOW)
    assert isinstance(message, IncomingMessage)
    return message


def test_every_payload_can_be_read() -> None:
    for file in PAYLOADS.glob("*.json"):
        reader = WHATSAPP if "whatsapp" in file.stem or "window" in file.stem else SMS
        form = payload(file.stem)
        if file.stem.startswith("status"):
            reader.report(form, NOW)
        else:
            assert reader.is_for_us(form), file
            assert reader.message(form, OURS, NOW).id


# --- text messages ---------------------------------------------------------------------------------------------------


def test_a_text_message_is_read() -> None:
    message = read("sms_text")
    assert message.sender.address == Address("sms", "+12025550147")
    assert message.text == "How do I reset my password?"
    assert message.message_id == "SM1b4a7f0c6f2d4d7e8a3f5e9c0b1d2e3f"
    assert message.id == f"{ACCOUNT}/SM1b4a7f0c6f2d4d7e8a3f5e9c0b1d2e3f"
    assert (message.at, message.context, message.attachments, message.opt) == (NOW, {}, (), "")


def test_files_are_named_by_what_they_are() -> None:
    first, second = read("sms_with_two_images").attachments
    assert (first.name, first.media_type) == ("image1.jpg", "image/jpeg")
    assert (second.name, second.media_type) == ("image2.png", "image/png")
    assert first.ref.endswith("/Media/ME0a4a7f0c6f2d4d7e8a3f5e9c0b1d2e3f")
    assert first.content is None


@pytest.mark.parametrize(
    ("count", "files"), [("0", 0), ("1", 1), ("2", 2), ("-1", 0), ("many", 0), ("9999999999999", 0), ("٢", 0)]
)
def test_a_count_of_files_is_believed_as_far_as_there_are_any(count: str, files: int) -> None:
    assert len(read("sms_with_two_images", NumMedia=count).attachments) == files


def test_no_more_files_are_read_than_a_message_can_have() -> None:
    more = {f"MediaUrl{n}": f"https://api.twilio.com/{n}" for n in range(50)}
    assert len(read("sms_text", NumMedia="50", **more).attachments) == 10


def test_a_message_without_words_is_read() -> None:
    assert read("sms_without_words").text == ""


def test_who_writes_to_another_number_of_ours_is_answered_from_there() -> None:
    assert read("sms_to_another_number_of_ours").context == {"number": "+12025550122"}


@pytest.mark.parametrize(("name", "value"), [("sms_from_a_short_code", "72975"), ("sms_from_a_name", "ParcelCo")])
def test_senders_without_a_number_are_read_as_they_are(name: str, value: str) -> None:
    assert read(name).sender.address == Address("sms", value)


# --- STOP and its like -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", [True, False])
def test_what_twilio_says_it_has_obeyed_is_believed(network: bool) -> None:
    reader = Reader("sms", network_keywords=network)
    assert read("sms_stop_told_by_advanced_opt_out", reader).opt == "stop"
    assert read("sms_stop_told_by_advanced_opt_out", reader, OptOutType="START").opt == "start"
    assert read("sms_stop_told_by_advanced_opt_out", reader, OptOutType="HELP").opt == "help"
    assert read("sms_stop_told_by_advanced_opt_out", reader, OptOutType="OTHER").opt == ""


@pytest.mark.parametrize(
    ("body", "opt"),
    [
        ("STOP", "stop"),
        (" stop ", "stop"),
        ("Unsubscribe", "stop"),
        ("CANCEL", "stop"),
        ("end", "stop"),
        ("revoke", "stop"),
        ("OptOut", "stop"),
        ("start", "start"),
        ("UNSTOP", "start"),
        ("help", "help"),
        ("INFO", "help"),
        # Twilio obeys nothing but the bare word: these are the core's to understand
        ("STOP.", ""),
        ("Stop please", ""),
        ("no más", ""),
        ("yes", ""),
        ("help me", ""),
    ],
)
def test_what_twilio_obeys_without_saying_so_is_known(body: str, opt: str) -> None:
    assert read("sms_text", Body=body).opt == opt
    assert read("sms_text", Reader("sms", network_keywords=False), Body=body).opt == ""


# --- WhatsApp --------------------------------------------------------------------------------------------------------


def test_a_whatsapp_message_is_read() -> None:
    message = read("whatsapp_text", WHATSAPP)
    assert message.sender.address == Address("whatsapp", "+491701234567")
    assert message.sender.name == "Jule Brandt"
    assert message.text == "Wie kündige ich? 👋"
    assert message.context == {}


@pytest.mark.parametrize("name", ["whatsapp_from_somebody_without_a_phone", "whatsapp_with_an_empty_from"])
def test_who_hides_their_number_is_known_by_whatsapps_id(name: str) -> None:
    assert read(name, WHATSAPP).sender.address == Address("whatsapp", "DE.13491208655302741918")


@pytest.mark.parametrize(
    ("name", "reader", "number"),
    [("sms_text", SMS, "+12025550147"), ("whatsapp_text", WHATSAPP, "+491701234567")],
)
def test_twilio_vouches_for_the_number_that_somebody_writes_from(name: str, reader: Reader, number: str) -> None:
    assert read(name, reader).sender.vouched == (Identifier(IdentifierKind.PHONE, number),)


def test_it_vouches_for_the_number_where_it_tells_whatsapps_id_as_well() -> None:
    message = read("whatsapp_text", WHATSAPP, ExternalUserId="whatsapp:DE.13491208655302741918")
    assert message.sender.vouched == (Identifier(IdentifierKind.PHONE, "+491701234567"),)


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("sms_from_a_short_code", SMS),
        ("sms_from_a_name", SMS),
        ("whatsapp_from_somebody_without_a_phone", WHATSAPP),
        ("whatsapp_with_an_empty_from", WHATSAPP),
    ],
)
def test_whoever_writes_from_something_else_is_vouched_for_nothing(name: str, reader: Reader) -> None:
    assert read(name, reader).sender.vouched == ()


def test_the_name_is_kept_where_a_template_wants_it() -> None:
    assert read("whatsapp_text", Reader("whatsapp", keep_name=True)).context == {"name": "Jule Brandt"}
    assert read("whatsapp_text", Reader("whatsapp", keep_name=True), ProfileName=" ").context == {}


def test_a_place_is_read() -> None:
    message = read("whatsapp_location", WHATSAPP)
    assert message.location == Location(52.5163, 13.3777, "Brandenburger Tor, Pariser Platz, Berlin")


@pytest.mark.parametrize(("latitude", "longitude"), [("91", "0"), ("0", "-181"), ("nan", "0"), ("here", "0")])
def test_a_place_that_is_none_costs_nothing_but_itself(latitude: str, longitude: str) -> None:
    message = read("whatsapp_location", WHATSAPP, Latitude=latitude, Longitude=longitude, Body="I am here")
    assert message.location is None
    assert message.text == "I am here"


def test_a_quoted_message_is_told() -> None:
    assert read("whatsapp_reply_to_ours", WHATSAPP).answers == ("SMf14a7f0c6f2d4d7e8a3f5e9c0b1d2e3f",)


@pytest.mark.parametrize(
    ("name", "value", "answered"),
    [
        ("whatsapp_button_pressed", "solved:yes", "SMf04a7f0c6f2d4d7e8a3f5e9c0b1d2e3f"),
        ("whatsapp_list_picked", "topic:invoices", ""),
    ],
)
def test_a_pressed_button_is_a_press(name: str, value: str, answered: str) -> None:
    press = WHATSAPP.message(payload(name), "+12025550101", NOW)
    assert isinstance(press, ButtonPress)
    assert (press.value, press.message_id) == (value, answered)
    assert press.sender.address == Address("whatsapp", "+491701234567")


@pytest.mark.parametrize(("name", "file"), [("whatsapp_document", "file1.pdf"), ("whatsapp_contact_card", "file1.vcf")])
def test_documents_and_cards_are_files(name: str, file: str) -> None:
    (attachment,) = read(name, WHATSAPP).attachments
    assert attachment.name == file


# --- which channel ---------------------------------------------------------------------------------------------------


def test_each_channel_knows_what_is_for_it() -> None:
    assert SMS.is_for_us(payload("sms_text"))
    assert not SMS.is_for_us(payload("whatsapp_text"))
    assert WHATSAPP.is_for_us(payload("whatsapp_text"))
    assert not WHATSAPP.is_for_us(payload("sms_text"))
    assert not SMS.is_for_us(payload("sms_text") | {"To": "messenger:1234"})


# --- what became of ours ---------------------------------------------------------------------------------------------


def report(name: str, **more: str) -> DeliveryReport | None:
    return (WHATSAPP if "whatsapp" in name or "window" in name else SMS).report(payload(name) | more, NOW)


def test_delivered_is_told() -> None:
    told = report("status_delivered")
    assert told is not None
    assert told.state is DeliveryState.DELIVERED
    assert told.provider_id == "SMf14a7f0c6f2d4d7e8a3f5e9c0b1d2e3f"
    assert told.sender.address == Address("sms", "+12025550147")
    assert told.id == f"{ACCOUNT}/SMf14a7f0c6f2d4d7e8a3f5e9c0b1d2e3f/delivered"
    assert (told.reason, told.unreachable) == ("", False)


@pytest.mark.parametrize("status", ["accepted", "scheduled", "queued", "sending", "sent", "something new", ""])
def test_what_the_answer_to_our_call_has_told_is_not_told_again(status: str) -> None:
    assert report("status_sent", MessageStatus=status) is None


def test_read_exists_on_whatsapp() -> None:
    told = report("status_read_on_whatsapp")
    assert told is not None
    assert told.state is DeliveryState.READ
    assert told.sender.address == Address("whatsapp", "+491701234567")


@pytest.mark.parametrize(
    ("code", "unreachable"),
    [
        ("30003", False),  # may only be switched off
        ("30005", True),
        ("30006", True),
        ("30007", False),
        ("30008", False),
        ("21610", True),
        ("63003", True),
        ("63018", False),
        ("63024", True),
        ("99999", False),
    ],
)
def test_a_failure_says_why_and_whether_for_good(code: str, unreachable: bool) -> None:
    told = report("status_undelivered_switched_off", ErrorCode=code)
    assert told is not None
    assert told.state is DeliveryState.REFUSED
    assert told.unreachable == unreachable
    assert told.reason.endswith(f"(Twilio {code})")


def test_a_failure_without_a_reason_is_told_as_well() -> None:
    told = report("status_failed_without_code")
    assert told is not None
    assert told.state is DeliveryState.REFUSED
    assert told.reason


def test_outside_the_window_a_message_waits() -> None:
    told = report("status_failed_outside_the_window")
    assert told is not None
    assert told.state is DeliveryState.HELD
    assert "24 hours" in told.reason
    assert not told.unreachable


# --- what is nothing that Twilio documents ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"MessageSid": ""}, "MessageSid"),
        ({"MessageSid": "SM1/../../x"}, "MessageSid"),
        ({"AccountSid": "me"}, "AccountSid"),
        ({"From": ""}, "From"),
        ({"From": "whatsapp:"}, "From"),
    ],
)
def test_what_is_malformed_names_the_field(changed: dict[str, str], named: str) -> None:
    with pytest.raises(Malformed, match=named):
        SMS.message(payload("sms_text") | changed, OURS, NOW)


@pytest.mark.parametrize("changed", [{"MessageSid": "1"}, {"AccountSid": ""}, {"To": ""}])
def test_so_does_a_report(changed: dict[str, str]) -> None:
    with pytest.raises(Malformed, match=next(iter(changed))):
        SMS.report(payload("status_delivered") | changed, NOW)


KEYS = st.sampled_from(sorted({key for file in PAYLOADS.glob("*.json") for key in payload(file.stem)} | {"Other"}))


@given(st.dictionaries(KEYS, st.text(max_size=40)), st.sampled_from([SMS, WHATSAPP]))
def test_whatever_is_posted_is_read_or_malformed(form: dict[str, str], reader: Reader) -> None:
    for name in ("sms_text", "whatsapp_location"):
        with suppress(Malformed):
            assert reader.message(payload(name) | form, OURS, NOW).sender.address.value
    with suppress(Malformed):
        reader.report(payload("status_delivered") | form, NOW)


def test_an_arrival_knows_its_message() -> None:
    assert sid_of(arrival_id(ACCOUNT, "SM1")) == "SM1"
