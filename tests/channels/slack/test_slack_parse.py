"""Payloads written after docs.slack.dev/reference/events and /reference/interaction-payloads, and what they become."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_house import payload

from omnibot.model import Address, Attachment, ButtonPress, IncomingEdit, IncomingMessage, Sender
from omnibot_slack.account import Me
from omnibot_slack.parse import Heard, Malformed, Thread, command, dereference, event, press, reference

ME = Me(team="T061EG9R6", user="U0BOT", bot="B0BOT", name="omnibot", org_wide=False, scopes=frozenset())
NOW = datetime(2026, 1, 1, 10, 5, tzinfo=UTC)
WRITTEN = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
ADA = Sender(Address("slack", "T061EG9R6/U0ADA"))


def at(seconds: int, counter: int) -> datetime:
    return WRITTEN + timedelta(seconds=seconds, microseconds=counter)


def message(channel: str, ts: str, text: str = "", *, sender: Sender = ADA, **more) -> IncomingMessage:
    seconds, counter = ts.split(".")
    more.setdefault("context", {"channel": channel})
    return IncomingMessage(
        id=f"T061EG9R6:{channel}:{ts}",
        at=at(int(seconds) - 1767258000, int(counter)),
        sender=sender,
        message_id=f"{channel}:{ts}",
        text=text,
        **more,
    )


INVOICES = message(
    "C0HELP",
    "1767258100.000300",
    "where are my invoices?",
    context={"channel": "C0HELP", "thread": "1767258100.000300"},
)
PARTNER = Sender(Address("slack", "T0PARTNER/U0EXT"))
EVENTS = {
    "message_im": Heard(message("D0ADA", "1767258000.000200", "Why is my bill higher? 🧾 <3 & more"), "U0ADA", "D0ADA"),
    "message_channel": Heard(INVOICES, "U0ADA", "C0HELP"),
    "app_mention": Heard(INVOICES, "U0ADA", "C0HELP"),
    "message_thread_reply": Heard(
        message(
            "C0HELP",
            "1767258200.000400",
            "and the one before?",
            answers=("C0HELP:1767258100.000300",),
            context={"channel": "C0HELP", "thread": "1767258100.000300"},
        ),
        "U0ADA",
        "C0HELP",
        Thread("C0HELP", "1767258100.000300", "U0ADA"),
    ),
    "message_changed": Heard(
        IncomingEdit(
            id="T061EG9R6:D0ADA:1767258000.000200:1767258060.000000",
            at=at(60, 0),
            sender=ADA,
            message_id="D0ADA:1767258000.000200",
            text="Why is my January bill higher?",
        ),
        "U0ADA",
        "D0ADA",
    ),
    "file_share": Heard(
        message(
            "D0ADA",
            "1767258000.000200",
            attachments=(Attachment(name="bill.pdf", media_type="application/pdf", size=48213, ref="F0BILL"),),
        ),
        "U0ADA",
        "D0ADA",
    ),
    "message_shared_channel": Heard(
        message("C0HELP", "1767258100.000300", "where are my invoices?", sender=PARTNER, context=INVOICES.context),
        "U0EXT",
        "C0HELP",
    ),
    "message_forwarded": Heard(message("D0ADA", "1767258000.000200", "the invoice is wrong"), "U0ADA", "D0ADA"),
    "message_unfurled": None,
    "message_deleted": None,
    "bot_message": None,
    "our_message": None,
    "channel_join": None,
}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_becomes_what_it_says(name):
    assert event(payload(name), ME) == EVENTS[name]


def test_one_text_that_comes_as_a_message_and_as_a_mention_is_one_message():
    assert event(payload("message_channel"), ME) == event(payload("app_mention"), ME)


def changed(name: str, **fields) -> dict:
    body = payload(name)
    body["event"] |= fields
    return body


def said(body: dict) -> IncomingMessage:
    heard = event(body, ME)
    assert heard is not None
    assert isinstance(heard.arrival, IncomingMessage)
    return heard.arrival


def test_what_is_said_in_a_channel_to_others_is_not_for_us():
    assert event(changed("message_channel", text="<@U0BEN> have you seen this?"), ME) is None


def test_an_event_of_another_workspace_is_not_ours():
    body = payload("message_im") | {"team_id": "T0OTHER", "context_team_id": "T0OTHER", "authorizations": []}
    with pytest.raises(Malformed, match="another workspace"):
        event(body, ME)


def test_an_event_through_our_workspace_is_ours_wherever_it_happened():
    body = payload("message_im") | {"team_id": "T0OTHER", "context_team_id": None}
    assert event(body, ME) is not None


@pytest.mark.parametrize("body", [{"type": "event_callback"}, payload("message_im") | {"event": 7}])
def test_an_event_without_an_event_is_malformed(body):
    with pytest.raises(Malformed):
        event({"team_id": ME.team} | body, ME)


@pytest.mark.parametrize("kind", ["reaction_added", "app_home_opened", "", None])
def test_other_events_say_nothing(kind):
    assert event(changed("message_im", type=kind), ME) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"user": None},
        {"user": "USLACKBOT"},
        {"user": ME.user},
        {"bot_id": "B0CI"},
        {"subtype": "bot_message"},
        {"subtype": "channel_topic"},
        {"text": "", "blocks": None},
    ],
    ids=str,
)
def test_machines_and_notices_say_nothing(fields):
    assert event(changed("message_im", **fields), ME) is None


@pytest.mark.parametrize("subtype", ["thread_broadcast", "me_message"])
def test_other_ways_of_saying_something_count(subtype):
    assert said(changed("message_im", subtype=subtype)).text


def test_a_bare_mention_is_a_message():
    assert said(changed("app_mention", text="<@U0BOT>")).text == "@omnibot"


def test_a_thread_in_a_direct_message_is_kept():
    heard = said(changed("message_im", thread_ts="1767250000.000100", parent_user_id="U0BOT"))
    assert heard.context == {"channel": "D0ADA", "thread": "1767250000.000100"}
    assert heard.answers == ("D0ADA:1767250000.000100",)


def test_a_mention_in_a_thread_is_answered_in_that_thread():
    heard = event(changed("app_mention", thread_ts="1767250000.000100", parent_user_id="U0BEN"), ME)
    assert heard is not None
    assert heard.thread is None
    assert heard.arrival.context["thread"] == "1767250000.000100"


@pytest.mark.parametrize(
    ("fields", "team"),
    [
        ({"user_team": "T0PARTNER", "team": "T061EG9R6"}, "T0PARTNER"),
        ({"user_team": "E0ORG", "team": "T0PARTNER"}, "T0PARTNER"),
        ({"user_team": None, "team": None}, "T061EG9R6"),
    ],
)
def test_the_address_has_the_workspace_of_the_author(fields, team):
    assert said(changed("message_im", **fields)).sender.address.value == f"{team}/U0ADA"


# --- emoji -----------------------------------------------------------------------------------------------------


def with_emoji(text: str, **element) -> str:
    elements = [{"type": "emoji", **element}]
    return said(changed("message_im", text=text, blocks=[{"type": "rich_text", "elements": elements}])).text


def test_an_emoji_is_what_was_typed():
    assert with_emoji("well :wave:", name="wave", unicode="1f44b") == "well 👋"
    assert with_emoji(":wave::skin-tone-4:", name="wave", unicode="1f44b-1f3fd", skin_tone=4) == "👋🏽"
    assert with_emoji(":family: 10:30:45", name="family", unicode="1f468-200d-1f469-200d-1f466") == "👨‍👩‍👦 10:30:45"


def test_an_emoji_of_the_workspaces_own_stays_a_name():
    assert with_emoji(":partyparrot:", name="partyparrot") == ":partyparrot:"
    assert with_emoji(":wave:", name="wave", unicode="not hex") == ":wave:"


# --- edits -----------------------------------------------------------------------------------------------------


def edited(channel: str, before: str, after: str, **more) -> Heard | None:
    body = changed("message_changed", channel=channel)
    body["event"]["message"] |= {"text": after, **more}
    body["event"]["previous_message"]["text"] = before
    return event(body, ME)


def test_an_edit_that_names_us_only_now_is_a_message():
    heard = edited("C0HELP", "where is it?", "<@U0BOT> where is it?")
    assert heard is not None
    assert heard.arrival == message(
        "C0HELP",
        "1767258000.000200",
        "where is it?",
        context={"channel": "C0HELP", "thread": "1767258000.000200"},
    )


def test_an_edit_that_names_us_no_more_is_one_still():
    heard = edited("C0HELP", "<@U0BOT> where is it?", "where is it?")
    assert heard is not None
    assert isinstance(heard.arrival, IncomingEdit)


def test_an_edit_of_what_was_said_to_others_is_not_for_us():
    assert edited("C0HELP", "where is it?", "where was it?") is None


def test_a_mention_that_is_added_in_a_direct_message_is_an_edit():
    heard = edited("D0ADA", "where is it?", "<@U0BOT> where is it?")
    assert heard is not None
    assert isinstance(heard.arrival, IncomingEdit)


def test_an_edit_by_a_bot_says_nothing():
    assert edited("D0ADA", "a", "b", bot_id="B0CI") is None
    assert edited("D0ADA", "a", "b", subtype="bot_message") is None
    assert edited("D0ADA", "a", "", subtype="tombstone") is None


# --- buttons and commands --------------------------------------------------------------------------------------


def test_a_press_is_read():
    assert press(payload("block_actions"), ME) == Heard(
        ButtonPress(
            id="T061EG9R6:D0ADA:1767258500.000100:U0ADA:1767258510.123456",
            at=at(510, 123456),
            sender=ADA,
            value="this",
            message_id="D0ADA:1767258500.000100",
            context={"channel": "D0ADA"},
        ),
        "U0ADA",
        "D0ADA",
    )


def pressed(**fields) -> Heard | None:
    return press(payload("block_actions") | fields, ME)


def test_a_press_in_a_channels_thread_is_answered_there():
    message = {"user": "U0BOT", "ts": "1767258500.000100", "thread_ts": "1767258100.000300"}
    heard = pressed(channel={"id": "C0HELP"}, message=message)
    assert heard is not None
    assert heard.arrival.context == {"channel": "C0HELP", "thread": "1767258100.000300"}


def test_a_press_under_a_direct_message_that_was_answered_in_a_thread_stays_flat():
    heard = pressed(message={"user": "U0BOT", "ts": "1767258500.000100", "thread_ts": "1767258500.000100"})
    assert heard is not None
    assert heard.arrival.context == {"channel": "D0ADA"}


@pytest.mark.parametrize(
    "fields",
    [
        {"actions": []},
        {"actions": [7]},
        {"message": None},
        {"message": {"user": "U0OTHERBOT", "ts": "1767258500.000100"}},
        {"actions": [{"action_id": "desk:assign", "value": "x", "action_ts": "1.1"}]},
        {"actions": [{"action_id": "omnibot:choice:0", "action_ts": "1.1"}]},
    ],
    ids=str,
)
def test_what_is_no_choice_of_ours_says_nothing(fields):
    assert pressed(**fields) is None


def test_a_command_is_answered_directly():
    id = "T061EG9R6:command:13345224609.738474920.8088930838d88f008e0"
    assert command(payload("slash_command"), ME, NOW) == Heard(
        IncomingMessage(id=id, at=NOW, sender=ADA, message_id=id, text="how do I export @ben & my data?", context={}),
        "U0ADA",
        "C0HELP",
    )


def test_a_command_without_words_says_its_name():
    heard = command(payload("slash_command") | {"text": " "}, ME, NOW)
    assert heard is not None
    assert heard.arrival.text == "/ask"


def test_a_command_of_another_workspace_is_not_ours():
    assert command(payload("slash_command") | {"team_id": "T0OTHER"}, ME, NOW) is None


# --- anything at all -------------------------------------------------------------------------------------------


def test_references_can_be_followed():
    assert dereference(reference("C0HELP", "1767258500.000100")) == ("C0HELP", "1767258500.000100")


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [
    *("type", "subtype", "user", "text", "ts", "team", "user_team", "channel", "event_ts", "thread_ts", "bot_id"),
    *("parent_user_id", "files", "blocks", "attachments", "message", "previous_message", "edited"),
]


@given(st.sampled_from(sorted(EVENTS)), st.dictionaries(st.sampled_from(FIELDS), json, max_size=3), json)
def test_whatever_an_event_holds_it_is_read_or_malformed(name, fields, inner):
    body = changed(name, **fields)
    if isinstance(body["event"].get("message"), dict):
        body["event"]["message"]["ts" if inner is None else "text"] = inner
    try:
        heard = event(body, ME)
    except Malformed:
        return
    assert heard is None or heard.arrival.at.tzinfo is UTC


@given(st.dictionaries(st.sampled_from(["user", "message", "channel", "actions"]), json, max_size=4))
def test_whatever_a_press_holds_it_is_read_or_malformed(fields):
    try:
        pressed(**fields)
    except Malformed:
        return


@given(
    st.dictionaries(st.sampled_from(["team_id", "user_id", "channel_id", "text", "command", "trigger_id"]), st.text())
)
def test_whatever_a_command_holds_it_is_read_or_malformed(fields):
    try:
        command(payload("slash_command") | fields, ME, NOW)
    except Malformed:
        return


@given(st.text())
def test_what_is_read_can_be_stored(text):
    heard = said(changed("message_im", text=f"a{text}b"))
    assert "\0" not in heard.text
    heard.text.encode()
