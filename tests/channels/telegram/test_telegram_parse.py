"""Payloads written after core.telegram.org/bots/api, and what they must become."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import (
    Address,
    Attachment,
    ButtonPress,
    Contact,
    Identifier,
    IdentifierKind,
    IncomingEdit,
    IncomingMessage,
    Location,
    Sender,
)
from omnibot_telegram.parse import Malformed, Me, dereference, loads, query_id, read, reference, update_id

PAYLOADS = Path(__file__).parent / "payloads"
ME = Me(4242, "sandbox_bot")
NOW = datetime(2026, 1, 1, 10, 5, tzinfo=UTC)
WRITTEN = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)
EDITED = datetime(2026, 1, 1, 10, 1, tzinfo=UTC)
ADA = Sender(Address("telegram", "4711"), "Ada Lovelace", "en")
GROUP = "-1001234567890"


def payload(name: str):
    return loads((PAYLOADS / f"{name}.json").read_bytes())


def parsed(name: str):
    return read(payload(name), ME, NOW)


def message(number: int, message_id: str, text: str = "", sender: Sender = ADA, **more):
    id = f"4242:{870_000_000 + number}"
    return IncomingMessage(id=id, at=WRITTEN, sender=sender, message_id=message_id, text=text, **more)


def file(name: str, media_type: str, size: int | None, ref: str) -> tuple[Attachment]:
    return (Attachment(name=name, media_type=media_type, size=size, ref=ref),)


def in_group(message: int, **more: str) -> dict[str, str]:
    return {"chat": GROUP, "message": str(message), **more}


BIG_BEN = Location(51.5007, -0.1246)
MESSAGES = {
    "text": message(1, "11", "Why is my bill higher? 🧾"),
    "text_with_nul_and_lone_surrogate": message(2, "12", "a\ufffdb\ufffdc 😀"),
    "start_with_payload": message(3, "13", "/start 9f8e7d_token"),
    "reply_to_our_message": message(4, "14", "yes, that one", answers=("9",)),
    "photo_with_caption": message(6, "16", "It says this", attachments=file("photo.jpg", "image/jpeg", 98304, "AgACy")),
    "album_item": message(7, "17", attachments=file("photo.jpg", "image/jpeg", 4000, "AgACz")),
    "html_document": message(8, "18", attachments=file("../../invoice.html", "text/html", 512, "BQAC")),
    "animation_comes_as_document_too": message(9, "19", attachments=file("cat.mp4", "video/mp4", 70000, "CgAC")),
    "voice": message(10, "20", attachments=file("voice.ogg", "audio/ogg", 20345, "AwAC")),
    "video_without_name": message(11, "21", "look", attachments=file("video.mp4", "video/mp4", None, "BAAC")),
    "sticker": message(12, "22", "👍", attachments=file("sticker.webp", "image/webp", 9000, "CAAC")),
    "location": message(13, "23", location=BIG_BEN),
    "venue": message(14, "24", location=Location(51.5007, -0.1246, "Big Ben, London SW1A")),
    "own_contact": message(
        15,
        "25",
        sender=replace(ADA, vouched=(Identifier(IdentifierKind.PHONE, "+447700900123"),)),
        contact=Contact(name="Ada Lovelace", phone="+447700900123", own=True),
    ),
    "contact_of_somebody_else": message(16, "26", contact=Contact(name="Charles", phone="+447700900456")),
    "contact_without_user": message(17, "27", contact=Contact(name="Ada", phone="+447700900123")),
    "group_mention": message(23, f"{GROUP}:32", "🎉 @Sandbox_Bot are you there?", context=in_group(32)),
    "group_command_for_us": message(24, f"{GROUP}:33", "/help@sandbox_bot", context=in_group(33)),
    "group_reply_to_us_in_a_topic": message(
        25, f"{GROUP}:34", "thanks", answers=(f"{GROUP}:30",), context=in_group(34, thread="5")
    ),
    "group_photo_that_names_us_by_link": message(
        26,
        f"{GROUP}:35",
        "robot, what is this?",
        attachments=file("photo.jpg", "image/jpeg", None, "AgACg"),
        context=in_group(35),
    ),
    "poll": message(31, "40", "Tea or coffee?"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_read(name):
    assert parsed(name) == MESSAGES[name]


def test_a_name_that_looks_like_markup_is_only_a_name():
    assert parsed("name_with_markup").sender.name == "<3 </a>"


def test_an_edit_is_read():
    assert parsed("edited_text") == IncomingEdit(
        id="4242:870000018", at=EDITED, sender=ADA, message_id="11", text="Why is my January bill higher?"
    )


def test_a_pressed_button_is_read():
    assert parsed("button_pressed") == ButtonPress(
        id="4242:870000020", at=NOW, sender=ADA, value="month:january", message_id="9"
    )
    assert query_id(payload("button_pressed")) == "4382bfdwdsb323b2d9"


def test_a_button_pressed_in_a_group_is_answered_there():
    press = parsed("button_pressed_in_a_group")
    assert (press.message_id, press.context) == (f"{GROUP}:9", in_group(9))


@pytest.mark.parametrize(
    "name",
    [
        "from_another_bot",
        "our_own_message",
        "channel_post_in_a_group",
        "group_chatter",
        "somebody_joined",
        "live_location_moved",
        "unknown_kind",
    ],
)
def test_what_is_not_said_to_us_is_left(name):
    assert parsed(name) is None


def test_every_payload_is_tested():
    tested = {*MESSAGES, "name_with_markup", "edited_text", "button_pressed", "button_pressed_in_a_group"}
    left = {"from_another_bot", "our_own_message", "channel_post_in_a_group", "group_chatter"}
    left |= {"somebody_joined", "live_location_moved", "unknown_kind"}
    assert {path.stem for path in PAYLOADS.glob("*.json")} == tested | left


def test_a_press_by_a_bot_is_left():
    update = payload("button_pressed")
    update["callback_query"]["from"]["is_bot"] = True
    assert read(update, ME, NOW) is None


def test_an_old_button_has_no_message():
    update = payload("button_pressed")
    del update["callback_query"]["message"]
    assert read(update, ME, NOW).message_id == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message_id", "11"),
        ("message_id", True),
        ("message_id", 2**63),
        ("date", -1),
        ("date", 253402300800),
        ("text", ["a"]),
        ("chat", {"id": None}),
        ("chat", 7),
        ("from", "Ada"),
        ("location", {"latitude": 91, "longitude": 0}),
        ("location", {"latitude": float("nan"), "longitude": 0}),
    ],
)
def test_a_field_of_the_wrong_kind_is_malformed(field, value):
    update = payload("text")
    update["message"][field] = value
    with pytest.raises(Malformed):
        read(update, ME, NOW)


@pytest.mark.parametrize("update", [None, [], "text", 7, {}, {"update_id": "1"}])
def test_what_has_no_number_is_no_update(update):
    with pytest.raises(Malformed):
        update_id(update)


@pytest.mark.parametrize("body", [b"", b"{", b'{"text": "\xff"}', b'["\\ud800"'])
def test_broken_json_is_a_value_error(body):
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's own words
        loads(body)


def test_endless_nesting_is_a_value_error():
    with pytest.raises(ValueError, match="nested"):
        loads(b'["\\ud800",' + b"[" * 200_000)


@given(st.integers(min_value=-(2**52), max_value=2**52).filter(bool), st.integers(min_value=1, max_value=2**31))
def test_a_reference_leads_back(chat, number):
    assert dereference(reference(chat, number), private=chat) == (chat, number)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def _mutations(fields: dict):
    """An update with some of its fields, at any depth, replaced or taken away."""
    return st.fixed_dictionaries(
        {}, optional={name: JSON | st.just(value) | _deeper(value) for name, value in fields.items()}
    )


def _deeper(value):
    if isinstance(value, dict):
        return _mutations(value)
    if isinstance(value, list):
        return st.lists(st.one_of([JSON, *map(_deeper, value)]), max_size=3)
    return st.just(value)


NAMES = sorted(path.stem for path in PAYLOADS.glob("*.json"))


@given(JSON | st.sampled_from(NAMES).flatmap(lambda name: _mutations(payload(name))))
def test_no_update_raises_anything_but_malformed(update):
    try:
        arrival = read(update, ME, NOW)
    except Malformed:
        return
    if arrival is not None:
        assert arrival.at.tzinfo is not None
        assert arrival.sender.address.channel == "telegram"
        text = getattr(arrival, "text", "")
        assert "\x00" not in text
        text.encode()  # no lone surrogate is left


@given(st.binary(max_size=200))
def test_no_body_raises_anything_but_a_value_error(body):
    try:
        loads(body)
    except ValueError:
        return


@pytest.mark.parametrize("written", ["447700900123", "+447700900123"])
def test_telegram_vouches_for_the_number_that_somebody_shares_of_their_own(written: str):
    update = payload("own_contact")
    update["message"]["contact"]["phone_number"] = written
    assert read(update, ME, NOW).sender.vouched == (Identifier(IdentifierKind.PHONE, "+447700900123"),)


@pytest.mark.parametrize("user_id", [4712, "4711", None, 4711.5])
def test_and_for_no_other(user_id):
    update = payload("own_contact")
    update["message"]["contact"]["user_id"] = user_id
    assert read(update, ME, NOW).sender.vouched == ()


def test_a_contact_that_somebody_else_shared_first_proves_nothing_when_it_is_passed_on():
    update = payload("own_contact")
    update["message"]["from"]["id"] = update["message"]["chat"]["id"] = 4712
    assert read(update, ME, NOW).sender.vouched == ()
