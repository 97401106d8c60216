"""The emulated Web API, called as a bot would call it: bare HTTP, no library in between."""

import asyncio
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from slack_caller import Caller, caller

from omnibot.sandbox import Blocked, Cut, Hang, Outcome, ServerError, Throttle
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.slack import Person, SlackSandbox
from omnibot.sandbox.slack.parameters import METHODS

PNG = SentFile("map.png", "image/png", b"\x89PNG and so on")


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Caller]:
    async with caller() as called:
        yield called


@pytest.fixture
def ada(slack: Caller) -> Person:
    return slack.workspace.user("U0ADA", "Ada Lovelace", email="ada@example.org", tz="Europe/London", locale="en-GB")


@pytest.fixture
def general(slack: Caller, ada: Person) -> str:
    return slack.workspace.channel("C0GENERAL", "general", [ada]).id


# --- who may call what -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "error"),
    [("", "not_authed"), ("xoxb-1-2-guessed", "invalid_auth"), ("xapp-1-A-1-guessed", "not_allowed_token_type")],
)
async def test_a_wrong_token_is_refused(slack: Caller, token, error):
    assert await slack.call("auth.test", token=token) == {"ok": False, "error": error}


async def test_a_bot_knows_itself_and_its_scopes(slack: Caller):
    status, headers, body = await slack.send("auth.test")
    assert status == 200
    assert (body["team_id"], body["user_id"], body["bot_id"]) == (
        "T0SANDBOX1",
        slack.workspace.bot_user,
        slack.workspace.bot_id,
    )
    assert set(headers["X-OAuth-Scopes"].split(",")) == slack.workspace.scopes


async def test_a_token_goes_in_the_header_or_in_the_form_never_in_the_query_or_in_json(slack: Caller):
    token = slack.workspace.bot_token
    assert (await slack.send("auth.test", "", data={"token": token}))[2]["ok"]
    assert (await slack.send("auth.test", "", params={"token": token}))[2]["error"] == "not_authed"
    assert (await slack.send("auth.test", "", json={"token": token}))[2]["error"] == "not_authed"


async def test_the_tokens_of_bot_and_app_are_not_to_be_confused(slack: Caller):
    app, bot = slack.workspace.app_token, slack.workspace.bot_token
    assert (await slack.call("apps.connections.open", token=app))["ok"]
    assert (await slack.call("apps.connections.open", token=bot))["error"] == "not_allowed_token_type"
    assert (await slack.call("apps.connections.open", token="xapp-guessed"))["error"] == "invalid_auth"
    assert (await slack.call("auth.test", token=app))["error"] == "not_allowed_token_type"


async def test_a_scope_that_is_missing_is_named(slack: Caller, ada: Person):
    slack.workspace.scopes = {"users:read", "im:read"}
    assert await slack.call("chat.postMessage", channel=ada.id, text="x") == {
        "ok": False,
        "error": "missing_scope",
        "needed": "chat:write",
        "provided": "im:read,users:read",
    }
    slack.workspace.app.app_scopes.clear()
    refused = await slack.call("apps.connections.open", token=slack.workspace.app_token)
    assert (refused["error"], refused["needed"]) == ("missing_scope", "connections:write")


async def test_conversations_need_the_scope_of_their_kind(slack: Caller, ada: Person, general: str):
    direct = (await slack.result("conversations.open", users=ada.id))["channel"]["id"]
    slack.workspace.scopes = {"channels:history", "im:read"}
    assert (await slack.result("conversations.history", channel=general))["messages"] == []
    assert (await slack.call("conversations.history", channel=direct))["needed"] == "im:history"
    assert (await slack.result("conversations.info", channel=direct))["channel"]["user"] == ada.id
    assert (await slack.call("conversations.info", channel=general))["needed"] == "channels:read"
    assert (await slack.call("conversations.list", types="im,private_channel"))["needed"] == "groups:read"


async def test_an_app_that_was_removed_can_do_nothing(slack: Caller):
    slack.workspace.uninstall()
    assert await slack.error("auth.test") == "account_inactive"


async def test_two_workspaces_have_nothing_in_common_but_perhaps_their_app(slack: Caller, ada: Person):
    other = slack.sandbox.workspace("T0OTHER")
    same = slack.sandbox.workspace("T0SAME", slack.workspace.app)
    assert len({other.app_id, slack.workspace.app_id}) == len({other.signing_secret, other.app_token}) == 2
    assert same.signing_secret == slack.workspace.signing_secret
    for workspace in (other, same):
        body = await slack.call("chat.postMessage", token=workspace.bot_token, channel=ada.id, text="x")
        assert body["error"] == "channel_not_found"
    assert slack.sandbox.workspace("T0OTHER") is other


async def test_secrets_survive_a_restart_and_ids_never_come_twice(monkeypatch: pytest.MonkeyPatch):
    first, second = SlackSandbox(), SlackSandbox()
    assert (first.main.bot_token, first.main.signing_secret) == (second.main.bot_token, second.main.signing_secret)
    assert first.clock.ts() < second.clock.ts() < first.clock.ts()
    monkeypatch.setattr("time.time_ns", lambda: 1)  # a clock that stands still, or goes back
    ids = [first.clock.ts() for _ in range(3)]
    assert ids == sorted(set(ids))


# --- how arguments come ----------------------------------------------------------------------------------------


async def test_arguments_come_as_json_form_query_or_multipart(slack: Caller, ada: Person):
    given = {"channel": ada.id, "text": "x"}
    with aiohttp.MultipartWriter("form-data") as form:
        for name, value in given.items():
            form.append(value).set_content_disposition("form-data", name=name)
    for options in ({"json": given}, {"data": given}, {"params": given}, {"data": form}):
        assert (await slack.send("chat.postMessage", **options))[2]["ok"], options
    assert [shown.text for shown in ada.messages] == ["x"] * 4


@pytest.mark.parametrize(
    ("content_type", "body", "warning"),
    [
        ("application/json", b'{"channel": "U0ADA", "text": "x"}', "missing_charset"),
        ("application/x-www-form-urlencoded; charset=utf-8", b"channel=U0ADA&text=x", "superfluous_charset"),
    ],
)
async def test_slack_warns_of_an_odd_content_type(slack: Caller, ada: Person, content_type, body, warning):
    options = {"data": body, "headers": {"Content-Type": content_type}}
    answer = (await slack.send("chat.postMessage", **options))[2]
    assert (answer["warning"], answer["response_metadata"]["warnings"]) == (warning, [warning])
    options["headers"]["Content-Type"] = (
        "application/json; charset=utf-8" if "json" in content_type else content_type[:33]
    )
    assert "warning" not in (await slack.send("chat.postMessage", **options))[2]


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        ("application/json", b"{", "invalid_json"),
        ("application/json", b"[]", "json_not_object"),
        ("application/json", b"", "invalid_arguments"),
        ("application/xml", b"<x/>", "invalid_post_type"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(slack: Caller, content_type, body, error):
    answer = (await slack.send("chat.postMessage", data=body, headers={"Content-Type": content_type}))[2]
    assert answer["error"] == error


async def test_methods_that_read_take_no_json(slack: Caller, ada: Person):
    answer = (await slack.send("users.info", json={"user": ada.id}))[2]
    assert answer["response_metadata"]["messages"] == ["[ERROR] missing required field: user"]


async def test_a_method_that_is_not_there_is_unknown(slack: Caller):
    assert await slack.call("chat.sendPigeon") == {
        "ok": False,
        "error": "unknown_method",
        "req_method": "chat.sendPigeon",
    }


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_that_is_promised_answers(slack: Caller, method):
    token = slack.workspace.app_token if METHODS[method].app_level else slack.workspace.bot_token
    status, _, body = await slack.send(method, token)
    assert (status, body["ok"] or body["error"] != "unknown_method") == (200, True)


async def test_everything_that_is_wrong_with_the_arguments_is_told_at_once(slack: Caller):
    assert await slack.complaints("chat.update", txet="x") == [
        "missing required field: channel",
        "missing required field: ts",
        "invalid additional property: txet",
    ]


async def test_arguments_are_read_as_what_they_mean(slack: Caller, ada: Person):
    for yes, no in ((True, False), ("1", "0"), ("true", "False")):
        given = {"channel": ada.id, "text": 4711, "mrkdwn": yes, "unfurl_links": no, "unfurl_media": None}
        assert (await slack.send("chat.postMessage", json=given))[2]["message"]["text"] == "4711"
    direct = slack.workspace.direct(ada.id).id
    page = (await slack.send("conversations.history", json={"channel": direct, "limit": 2}))[2]
    assert len(page["messages"]) == 2
    assert await slack.error("conversations.history", channel=direct, limit="-1") == "invalid_limit"


@pytest.mark.parametrize(
    ("method", "arguments", "complaint"),
    [
        ("chat.postMessage", {"channel": ["C1"]}, "must provide a string [json-pointer:/channel]"),
        ("chat.postMessage", {"channel": "C1", "mrkdwn": "maybe"}, "must provide a boolean [json-pointer:/mrkdwn]"),
        ("conversations.history", {"channel": "C1", "limit": "ten"}, "must provide a number [json-pointer:/limit]"),
    ],
)
async def test_an_argument_of_a_wrong_type_is_refused(slack: Caller, method, arguments, complaint):
    answer = (await slack.send(method, json=arguments))[2]
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {complaint}"]


# --- writing ---------------------------------------------------------------------------------------------------


async def test_a_direct_message_is_seen_without_markup_and_written_down(slack: Caller, ada: Person):
    direct = (await slack.result("conversations.open", users=ada.id))["channel"]["id"]
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": "*Sure* &amp; <https://e.org|safe>?"}},
        {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Yes &amp; no"}}]},
    ]
    sent = await slack.result("chat.postMessage", channel=direct, text="fallback", blocks=blocks)
    (entry,) = slack.sandbox.ledger.entries("slack", "chat.postMessage")
    assert (entry.account, entry.to, entry.text, entry.choices) == (
        "T0SANDBOX1",
        "slack:T0SANDBOX1/U0ADA",
        "Sure & safe?",
        ("Yes & no",),
    )
    assert (entry.payload["channel"], entry.payload["ts"]) == (direct, sent["ts"])
    (shown,) = ada.messages
    assert (shown.channel, shown.ts, shown.text, shown.choices) == (direct, sent["ts"], entry.text, entry.choices)
    message = sent["message"]
    assert (message["bot_id"], message["user"], message["text"]) == (
        slack.workspace.bot_id,
        slack.workspace.bot_user,
        "fallback",
    )
    assert all(block["block_id"] for block in message["blocks"])
    assert message["blocks"][1]["elements"][0]["action_id"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": "U0NOBODY", "text": "x"}, "channel_not_found"),
        ({"channel": "U0ADA"}, "no_text"),
        ({"channel": "U0ADA", "text": " \n"}, "no_text"),
        ({"channel": "U0ADA", "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": "U0ADA", "markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"channel": "U0ADA", "markdown_text": "x", "text": "x"}, "markdown_text_conflict"),
        ({"channel": "U0ADA", "blocks": "["}, "invalid_blocks_format"),
        ({"channel": "U0ADA", "text": "x", "blocks": {}}, "invalid_blocks_format"),
        ({"channel": "U0ADA", "text": "x", "blocks": [{}]}, "invalid_blocks"),
        ({"channel": "U0ADA", "text": "x", "attachments": ["x"]}, "invalid_attachments"),
        ({"channel": "U0ADA", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"channel": "U0ADA", "text": "x", "metadata": {"event_type": "x"}}, "invalid_metadata_format"),
        ({"channel": "U0ADA", "text": "x", "metadata": "{"}, "invalid_metadata_format"),
        (
            {"channel": "U0ADA", "text": "x", "metadata": {"event_type": "x", "event_payload": {"x": "x" * 8000}}},
            "metadata_too_large",
        ),
        ({"channel": "U0ADA", "text": "x", "username": "Me"}, "missing_scope"),
        ({"channel": "U0ADA", "text": "x", "thread_ts": "yesterday"}, "invalid_thread_ts"),
        ({"channel": "U0ADA", "text": "x", "thread_ts": "1.000000"}, "thread_not_found"),
        ({"channel": "U0BOT", "text": "x"}, "cannot_dm_bot"),
    ],
)
async def test_a_message_that_slack_would_not_take_is_refused(slack: Caller, ada: Person, arguments, error):
    slack.workspace.user("U0BOT", "Other", is_bot=True)
    assert await slack.error("chat.postMessage", **arguments) == error
    assert ada.messages == []


async def test_the_longest_message_is_taken(slack: Caller, ada: Person):
    await slack.result("chat.postMessage", channel=ada.id, text="x" * 40_000)
    section = {"type": "section", "text": {"type": "plain_text", "text": "x" * 3000}}
    assert (await slack.call("chat.postMessage", channel=ada.id, blocks=[section] * 5))[
        "error"
    ] == "msg_blocks_too_long"
    await slack.result("chat.postMessage", channel=ada.id, blocks=[section] * 4, attachments=[])


async def test_what_is_wrong_with_blocks_is_told_twice_as_slack_tells_it(slack: Caller, ada: Person):
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    body = await slack.call("chat.postMessage", channel=ada.id, blocks=[section])
    faults = [
        "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
    ]
    assert body == {
        "ok": False,
        "error": "invalid_blocks",
        "errors": faults,
        "response_metadata": {"messages": [f"[ERROR] {fault}" for fault in faults]},
    }


async def test_where_the_bot_may_write(slack: Caller, ada: Person, general: str):
    workspace = slack.workspace
    elsewhere = workspace.channel("C0ELSEWHERE", "elsewhere", bot=False)
    secret = workspace.channel("C0SECRET", "secret", private=True, bot=False)
    assert await slack.error("chat.postMessage", channel=elsewhere.id, text="x") == "not_in_channel"
    assert await slack.error("chat.postMessage", channel=secret.id, text="x") == "channel_not_found"
    assert (await slack.result("chat.postMessage", channel="#general", text="x"))["channel"] == general
    workspace.scopes |= {"chat:write.public", "chat:write.customize"}
    posted = await slack.result("chat.postMessage", channel=elsewhere.id, text="x", username="Me")
    assert (posted["message"]["subtype"], posted["message"]["username"]) == ("bot_message", "Me")
    elsewhere.archived = True
    assert await slack.error("chat.postMessage", channel=elsewhere.id, text="x") == "is_archived"


async def test_who_is_deactivated_can_still_be_written_to_and_reads_nothing(slack: Caller, ada: Person):
    ada.deactivate()
    await slack.result("chat.postMessage", channel=ada.id, text="x")
    assert [entry.to for entry in slack.sandbox.ledger] == [""]
    assert await slack.error("conversations.open", users=ada.id) == "user_disabled"
    user = (await slack.result("users.info", user=ada.id))["user"]
    assert (user["deleted"], "tz" in user) == (True, False)


async def test_an_answer_in_a_thread_is_for_who_wrote_last(slack: Caller, ada: Person, general: str):
    bob = slack.workspace.user("U0BOB", "Bob")
    parent = ada.write("a question", general)
    reply = bob.write("me too", general, thread_ts=parent)
    sent = await slack.result("chat.postMessage", channel=general, text="an answer", thread_ts=reply)
    assert (sent["message"]["thread_ts"], sent["message"]["parent_user_id"]) == (parent, ada.id)
    thread = (await slack.result("conversations.replies", channel=general, ts=parent))["messages"]
    assert [message["text"] for message in thread] == ["a question", "me too", "an answer"]
    assert (thread[0]["reply_count"], thread[0]["latest_reply"]) == (2, sent["ts"])
    await slack.result("chat.postMessage", channel=general, text="to all")
    await slack.result("chat.postMessage", channel=general, text="x", thread_ts=parent, reply_broadcast=True)
    assert [entry.to for entry in slack.sandbox.ledger] == ["slack:T0SANDBOX1/U0BOB", "", "slack:T0SANDBOX1/U0BOB"]
    history = (await slack.result("conversations.history", channel=general))["messages"]
    assert [message["text"] for message in history] == ["x", "to all", "a question"]


async def test_a_message_can_be_edited_and_deleted(slack: Caller, ada: Person):
    section = {"type": "section", "text": {"type": "plain_text", "text": "old"}}
    sent = await slack.result("chat.postMessage", channel=ada.id, text="old", blocks=[section])
    place = {"channel": sent["channel"], "ts": sent["ts"]}
    section["text"]["text"] = "new"
    updated = await slack.result("chat.update", **place, blocks=[section])
    assert (updated["text"], "edited" in updated["message"], ada.messages[0].text) == ("old", False, "new")
    updated = await slack.result("chat.update", **place, text="_words_ only")
    assert (updated["message"]["blocks"], ada.messages[0].text) == ([], "words only")
    assert updated["message"]["edited"]["user"] == slack.workspace.bot_user
    assert await slack.error("chat.update", **place, text="ü" * 2001) == "msg_too_long"
    assert await slack.error("chat.update", **place) == "no_text"
    await slack.result("chat.delete", **place)
    assert ada.messages == []
    assert await slack.error("chat.delete", **place) == "message_not_found"


async def test_what_others_wrote_cannot_be_edited_or_deleted(slack: Caller, ada: Person, general: str):
    place = {"channel": general, "ts": ada.write("mine", general)}
    assert await slack.error("chat.update", **place, text="x") == "cant_update_message"
    assert await slack.error("chat.delete", **place) == "cant_delete_message"


async def test_a_deleted_question_leaves_a_tombstone_that_cannot_be_answered(slack: Caller, ada: Person, general: str):
    parent = ada.write("a question", general)
    await slack.result("chat.postMessage", channel=general, text="an answer", thread_ts=parent)
    ada.delete(parent)
    refused = await slack.error("chat.postMessage", channel=general, text="another", thread_ts=parent)
    assert refused == "cannot_reply_to_message"


async def test_an_ephemeral_message_is_seen_by_one_and_kept_by_none(slack: Caller, ada: Person, general: str):
    bob = slack.workspace.user("U0BOB", "Bob")
    call = {"channel": general, "text": "psst"}
    assert await slack.error("chat.postEphemeral", **call, user=bob.id) == "user_not_in_channel"
    sent = await slack.result("chat.postEphemeral", **call, user=ada.id)
    (shown,) = ada.messages
    assert (shown.ts, shown.text, shown.ephemeral) == (sent["message_ts"], "psst", True)
    assert [entry.to for entry in slack.sandbox.ledger.entries()] == ["slack:T0SANDBOX1/U0ADA"]
    assert (await slack.result("conversations.history", channel=general))["messages"] == []


async def test_a_message_has_a_link(slack: Caller, ada: Person, general: str):
    parent = ada.write("x", general)
    reply = ada.write("y", general, thread_ts=parent)
    link = (await slack.result("chat.getPermalink", channel=general, message_ts=reply))["permalink"]
    assert re.fullmatch(rf"https://\S+/archives/{general}/p\d+\?thread_ts={re.escape(parent)}&cid={general}", link)
    link = (await slack.result("chat.getPermalink", channel=general, message_ts=parent))["permalink"]
    assert link.endswith(f"/p{parent.replace('.', '')}")
    assert await slack.error("chat.getPermalink", channel=general, message_ts="1.000000") == "message_not_found"


async def test_metadata_is_kept_and_shown_to_who_asks(slack: Caller, ada: Person):
    metadata = {"event_type": "omnibot", "event_payload": {"id": 7}}
    sent = await slack.result("chat.postMessage", channel=ada.id, text="x", metadata=metadata)
    (message,) = (await slack.result("conversations.history", channel=sent["channel"]))["messages"]
    assert "metadata" not in message
    asked = {"channel": sent["channel"], "include_all_metadata": True}
    (message,) = (await slack.result("conversations.history", **asked))["messages"]
    assert message["metadata"] == metadata


# --- conversations ---------------------------------------------------------------------------------------------


async def test_a_conversation_is_opened_once(slack: Caller, ada: Person, general: str):
    bob = slack.workspace.user("U0BOB", "Bob")
    first = await slack.result("conversations.open", users=ada.id)
    again = await slack.result("conversations.open", users=ada.id, return_im=True)
    assert first["channel"]["id"] == again["channel"]["id"]
    assert ("already_open" in first, again["already_open"], again["channel"]["user"]) == (False, True, ada.id)
    both = await slack.result("conversations.open", users=f"{ada.id},{bob.id}")
    assert (await slack.result("conversations.open", users=f"{bob.id}, {ada.id}"))["channel"] == both["channel"]
    assert (await slack.result("conversations.open", channel=both["channel"]["id"]))["no_op"]
    error = await slack.error("conversations.open", channel=general)
    assert error == "method_not_supported_for_channel_type"


@pytest.mark.parametrize(
    ("users", "error"),
    [
        ("", "users_list_not_supplied"),
        ("U0NOBODY", "user_not_found"),
        ("U0BOT", "cannot_dm_bot"),
        (",".join(f"U{number}" for number in range(9)), "too_many_users"),
    ],
)
async def test_a_conversation_that_cannot_be_opened(slack: Caller, users, error):
    slack.workspace.user("U0BOT", "Other", is_bot=True)
    assert await slack.error("conversations.open", users=users) == error


async def test_channels_are_described_listed_and_joined(slack: Caller, ada: Person, general: str):
    elsewhere = slack.workspace.channel("C0ELSEWHERE", bot=False)
    secret = slack.workspace.channel("C0SECRET", private=True, bot=False)
    asked = {"channel": general, "include_num_members": True, "include_locale": True}
    info = (await slack.result("conversations.info", **asked))["channel"]
    assert (info["name"], info["is_member"], info["num_members"], info["locale"]) == ("general", True, 2, "en-US")
    assert await slack.error("conversations.info", channel=secret.id) == "channel_not_found"
    listed = await slack.result("conversations.list")
    assert [room["id"] for room in listed["channels"]] == [general, elsewhere.id]
    joined = await slack.result("conversations.join", channel=elsewhere.id)
    assert joined["channel"]["is_member"]
    again = await slack.result("conversations.join", channel=elsewhere.id)
    assert again["response_metadata"]["warnings"] == ["already_in_channel"]
    elsewhere.archived = True
    listed = await slack.result(
        "conversations.list", exclude_archived=True, types="public_channel,private_channel,mpim"
    )
    assert [room["id"] for room in listed["channels"]] == [general]
    assert await slack.error("conversations.join", channel=elsewhere.id) == "is_archived"
    assert await slack.error("conversations.list", types="pigeonhole") == "invalid_types"
    direct = (await slack.result("conversations.open", users=ada.id))["channel"]["id"]
    assert await slack.error("conversations.join", channel=direct) == "method_not_supported_for_channel_type"
    members = (await slack.result("conversations.members", channel=direct))["members"]
    assert members == sorted([ada.id, slack.workspace.bot_user])


async def test_history_is_read_page_by_page_and_between_times(slack: Caller, ada: Person, general: str):
    times = [ada.write(str(number), general) for number in range(5)]

    async def read(**arguments) -> list[str]:
        found = await slack.result("conversations.history", channel=general, **arguments)
        return [message["text"] for message in found["messages"]]

    assert await read(oldest=times[1], latest=times[3]) == ["2"]
    assert await read(oldest=times[1], latest=times[3], inclusive=True) == ["3", "2", "1"]
    page = await slack.result("conversations.history", channel=general, limit=2)
    assert page["has_more"]
    cursor = page["response_metadata"]["next_cursor"]
    assert await read(limit=2, cursor=cursor) == ["2", "1"]
    last = await slack.result("conversations.history", channel=general, limit=5)
    assert (last["has_more"], last["response_metadata"]["next_cursor"]) == (False, "")


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("conversations.history", {"channel": "C0GENERAL", "limit": 0}, "invalid_limit"),
        ("conversations.history", {"channel": "C0GENERAL", "cursor": "abc"}, "invalid_cursor"),
        ("conversations.history", {"channel": "C0GENERAL", "oldest": "then"}, "invalid_ts_oldest"),
        ("conversations.history", {"channel": "C0GENERAL", "latest": "then"}, "invalid_ts_latest"),
        ("conversations.history", {"channel": "C0ELSEWHERE"}, "not_in_channel"),
        ("conversations.replies", {"channel": "C0GENERAL", "ts": "1.000000"}, "thread_not_found"),
    ],
)
async def test_what_cannot_be_read(slack: Caller, general: str, method, arguments, error):
    slack.workspace.channel("C0ELSEWHERE", bot=False)
    assert await slack.error(method, **arguments) == error


# --- people ----------------------------------------------------------------------------------------------------


async def test_a_user_is_described_as_far_as_the_scopes_go(slack: Caller, ada: Person):
    user = (await slack.result("users.info", user=ada.id, include_locale=True))["user"]
    assert (user["real_name"], user["tz"], user["locale"], user["profile"]["email"]) == (
        "Ada Lovelace",
        "Europe/London",
        "en-GB",
        "ada@example.org",
    )
    slack.workspace.scopes.remove("users:read.email")
    user = (await slack.result("users.info", user=ada.id))["user"]
    assert ("email" in user["profile"], "locale" in user) == (False, False)
    assert await slack.error("users.info", user="U0NOBODY") == "user_not_found"


async def test_guests_strangers_and_bots_can_be_told_apart(slack: Caller):
    workspace = slack.workspace
    workspace.user("U0GUEST", "Guest", guest=True)
    workspace.user("U0STRANGE", "Stranger", team="T0ELSEWHERE")
    workspace.user("U0BOT", "Build", is_bot=True)

    async def user(id: str) -> dict:
        return (await slack.result("users.info", user=id))["user"]

    assert (await user("U0GUEST"))["is_restricted"]
    stranger = await user("U0STRANGE")
    assert (stranger["is_stranger"], stranger["team_id"], "email" in stranger["profile"]) == (
        True,
        "T0ELSEWHERE",
        False,
    )
    bot = await user("U0BOT")
    assert (bot["is_bot"], bot["profile"]["bot_id"]) == (True, "B0BOT")
    assert (await user(workspace.bot_user))["is_bot"]
    listed = (await slack.result("users.list", limit=2))["members"]
    assert [user["id"] for user in listed] == [workspace.bot_user, "U0GUEST"]


async def test_people_are_found_by_their_address(slack: Caller, ada: Person):
    assert (await slack.result("users.lookupByEmail", email="ADA@example.org"))["user"]["id"] == ada.id
    assert await slack.error("users.lookupByEmail", email="bob@example.org") == "users_not_found"
    ada.deactivate()
    assert await slack.error("users.lookupByEmail", email="ada@example.org") == "users_not_found"


async def test_user_groups_tell_who_is_in_them(slack: Caller, ada: Person):
    slack.workspace.usergroup("S0SUPPORT", "support", [ada])
    (group,) = (await slack.result("usergroups.list", include_users=True))["usergroups"]
    assert (group["id"], group["handle"], group["users"]) == ("S0SUPPORT", "support", [ada.id])
    assert "users" not in (await slack.result("usergroups.list"))["usergroups"][0]
    assert (await slack.result("usergroups.users.list", usergroup="S0SUPPORT"))["users"] == [ada.id]
    assert await slack.error("usergroups.users.list", usergroup="S0OTHER") == "no_such_subteam"


async def test_bots_and_the_workspace_are_described(slack: Caller):
    workspace = slack.workspace
    workspace.user("U0BOT", "Build", is_bot=True)
    workspace.user("U0ADA")
    assert (await slack.result("bots.info", bot=workspace.bot_id))["bot"]["app_id"] == workspace.app_id
    assert (await slack.result("bots.info", bot="B0BOT"))["bot"]["user_id"] == "U0BOT"
    assert await slack.error("bots.info", bot="B0NOBODY") == "bot_not_found"
    slack.workspace.scopes.add("team:read")
    assert (await slack.result("team.info"))["team"]["id"] == "T0SANDBOX1"
    assert await slack.error("team.info", team="T0OTHER") == "team_not_found"


async def test_emoji_are_put_under_messages_and_taken_away(slack: Caller, ada: Person, general: str):
    place = {"channel": general, "timestamp": ada.write("x", general)}
    await slack.result("reactions.add", **place, name="eyes")
    (message,) = (await slack.result("conversations.history", channel=general))["messages"]
    assert message["reactions"] == [{"name": "eyes", "users": [slack.workspace.bot_user], "count": 1}]
    assert await slack.error("reactions.add", **place, name="eyes") == "already_reacted"
    assert await slack.error("reactions.add", **place, name=":eyes:") == "invalid_name"
    assert await slack.error("reactions.add", channel=general, timestamp="1.000000", name="eyes") == "message_not_found"
    await slack.result("reactions.remove", **place, name="eyes")
    assert await slack.error("reactions.remove", **place, name="eyes") == "no_reaction"
    assert await slack.error("reactions.remove", name="eyes") == "no_item_specified"
    elsewhere = slack.workspace.channel("C0ELSEWHERE", bot=False)
    place = {"channel": elsewhere.id, "timestamp": ada.write("x", elsewhere)}
    assert await slack.error("reactions.add", **place, name="eyes") == "not_in_channel"


# --- files -----------------------------------------------------------------------------------------------------


async def upload(slack: Caller, content: bytes = b"content", name: str = "guide.pdf", **options) -> str:
    ticket = await slack.result("files.getUploadURLExternal", filename=name, length=str(len(content)))
    async with slack.client.post(ticket["upload_url"], data=content, **options) as answer:
        assert (answer.status, await answer.text()) == (200, f"OK - {len(content)}")
    return ticket["file_id"]


async def test_a_file_goes_up_in_three_steps_and_comes_down_again(slack: Caller, ada: Person, general: str):
    parent = ada.write("send me the guide", general)
    file = await upload(slack)
    done = await slack.result(
        "files.completeUploadExternal",
        files=[{"id": file, "title": "The guide"}],
        channel_id=general,
        thread_ts=parent,
        initial_comment="*Here* it is",
    )
    (described,) = done["files"]
    assert (described["id"], described["title"], described["mimetype"]) == (file, "The guide", "application/pdf")
    shown = ada.messages[-1]
    assert (shown.text, shown.files, shown.thread_ts) == ("Here it is", ("guide.pdf",), parent)
    (entry,) = slack.sandbox.ledger.entries("slack", "files.completeUploadExternal")
    assert (entry.to, entry.text) == ("slack:T0SANDBOX1/U0ADA", "Here it is")
    info = (await slack.result("files.info", file=file))["file"]
    assert info["shares"]["public"][general][0]["ts"] == shown.ts
    headers = {"Authorization": f"Bearer {slack.workspace.bot_token}"}
    async with slack.client.get(described["url_private"], headers=headers) as answer:
        assert (await answer.read(), answer.content_type) == (b"content", "application/pdf")
    await slack.result("files.delete", file=file)
    assert ada.messages[-1].files == ()
    assert await slack.error("files.info", file=file) == "file_not_found"


async def test_a_file_can_be_uploaded_as_a_form_and_kept_for_oneself(slack: Caller):
    ticket = await slack.result("files.getUploadURLExternal", filename="noname", length="7")
    form = aiohttp.FormData()
    form.add_field("filename", b"content", filename="noname")
    async with slack.client.post(ticket["upload_url"], data=form) as answer:
        assert answer.status == 200
    done = await slack.result("files.completeUploadExternal", files=[{"id": ticket["file_id"]}])
    assert (done["files"][0]["title"], done["files"][0]["mimetype"]) == ("noname", "application/octet-stream")
    assert (await slack.result("files.info", file=ticket["file_id"]))["file"]["shares"] == {}


async def test_an_upload_that_is_not_what_was_announced_is_refused(slack: Caller):
    ticket = await slack.result("files.getUploadURLExternal", filename="a.txt", length="3")
    for body, status in ((b"four", 400), (b"", 400), (b"abc", 200), (b"abc", 404)):
        async with slack.client.post(ticket["upload_url"], data=body) as answer:
            assert answer.status == status
    with aiohttp.MultipartWriter("form-data") as form:
        form.append("no file").set_content_disposition("form-data", name="x")
    ticket = await slack.result("files.getUploadURLExternal", filename="a.txt", length="3")
    async with slack.client.post(ticket["upload_url"], data=form) as answer:
        assert answer.status == 400
    async with slack.client.post(f"{slack.sandbox.url}/upload/v1/guessed", data=b"x") as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("files.getUploadURLExternal", {"filename": "a", "length": "0"}, "invalid_arguments"),
        ("files.getUploadURLExternal", {"filename": "a", "length": "9999999999"}, "file_upload_size_restricted"),
        ("files.completeUploadExternal", {"files": []}, "invalid_arguments"),
        ("files.completeUploadExternal", {"files": [{"title": "x"}]}, "invalid_arguments"),
        ("files.completeUploadExternal", {"files": [{"id": "F0NOTHING"}]}, "file_not_found"),
        ("files.info", {"file": "F0NOTHING"}, "file_not_found"),
    ],
)
async def test_what_cannot_be_done_with_files(slack: Caller, method, arguments, error):
    assert await slack.error(method, **arguments) == error


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ({"channel_id": "C0NOWHERE"}, "channel_not_found"),
        ({"channels": "C0GENERAL,C0ELSEWHERE"}, "not_in_channel"),
        ({"channel_id": "C0GENERAL", "channels": "C0GENERAL"}, "invalid_arguments"),
        ({"channel_id": "C0GENERAL", "thread_ts": "1.000000"}, "thread_not_found"),
    ],
)
async def test_a_file_that_cannot_be_shared_there(slack: Caller, general: str, where, error):
    slack.workspace.channel("C0ELSEWHERE", bot=False)
    file = await upload(slack)
    assert await slack.error("files.completeUploadExternal", files=[{"id": file}], **where) == error
    assert await slack.error("files.completeUploadExternal", files=[{"id": "F0NOTHING"}]) == "file_not_found"


async def test_a_private_file_is_for_the_bot_that_sees_it_alone(slack: Caller, ada: Person):
    elsewhere = slack.workspace.channel("C0ELSEWHERE", bot=False)
    ada.write("see", files=[PNG])
    ada.write("secret", elsewhere, files=[PNG])
    seen, secret = (shown.message["files"][0] for shown in ada.messages)
    token = {"Authorization": f"Bearer {slack.workspace.bot_token}"}
    async with slack.client.get(seen["url_private_download"], headers=token) as answer:
        assert (answer.status, await answer.read()) == (200, PNG.content)
    async with slack.client.get(secret["url_private"], headers=token) as answer:
        assert answer.status == 404
    # without a token Slack answers with its page for signing in, and 200
    for headers in ({}, {"Authorization": "Bearer xoxb-guessed"}):
        async with slack.client.get(seen["url_private"], headers=headers, allow_redirects=False) as answer:
            assert answer.status == 302
        async with slack.client.get(seen["url_private"], headers=headers) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
    slack.workspace.scopes.remove("files:read")
    async with slack.client.get(seen["url_private"], headers=token) as answer:
        assert answer.content_type == "text/html"
    assert (await slack.call("files.delete", file=seen["id"]))["error"] == "cant_delete_file"


# --- misbehaviour ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        (Throttle(2.5), 429, "ratelimited"),
        (ServerError(), 500, "internal_error"),
        (ServerError(503), 503, "service_unavailable"),
        (ServerError(200), 200, "internal_error"),
        (Blocked(), 200, "channel_not_found"),
    ],
)
async def test_an_ordered_refusal_is_told_as_slack_tells_it(slack: Caller, ada: Person, fault, status, error):
    slack.sandbox.faults.add(fault, method="chat.postMessage", address=ada.address)
    message = {"channel": ada.id, "text": "x"}
    got, headers, body = await slack.send("chat.postMessage", json=message)
    assert (got, body["error"], headers.get("Retry-After")) == (status, error, "3" if status == 429 else None)
    assert [entry.outcome for entry in slack.sandbox.ledger] == [Outcome.REFUSED]
    assert (await slack.send("chat.postMessage", json=message))[2]["ok"]


@pytest.mark.parametrize(("accepted", "entries"), [(True, [Outcome.UNANSWERED]), (False, [])])
async def test_a_connection_can_be_cut(slack: Caller, ada: Person, accepted, entries):
    slack.sandbox.faults.add(Cut(accepted=accepted), method="chat.postMessage")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await slack.call("chat.postMessage", channel=ada.id, text="x")
    assert [entry.outcome for entry in slack.sandbox.ledger] == entries
    assert len(ada.messages) == len(entries)


async def test_a_call_that_hangs_ends_with_the_sandbox():
    async with aiohttp.ClientSession() as client:
        async with SlackSandbox() as sandbox:
            sandbox.faults.add(Hang(accepted=True), method="chat.postMessage")
            sandbox.main.user("U0ADA")
            calling = asyncio.ensure_future(Caller(sandbox, client).call("chat.postMessage", channel="U0ADA", text="x"))
            await sandbox.ledger.wait_for(lambda entry: entry.outcome is Outcome.UNANSWERED, 5)
        with pytest.raises(aiohttp.ClientError):
            await calling


async def test_opening_a_socket_and_fetching_a_file_fail_on_command_too(slack: Caller, ada: Person):
    ada.write("x", files=[PNG])
    url = ada.messages[0].message["files"][0]["url_private"]
    headers = {"Authorization": f"Bearer {slack.workspace.bot_token}"}
    slack.sandbox.faults.add(Throttle(9), method="apps.connections.open")
    assert (await slack.call("apps.connections.open", token=slack.workspace.app_token))["error"] == "ratelimited"
    slack.sandbox.faults.add(Cut(accepted=True), method="apps.connections.open")
    with pytest.raises(aiohttp.ClientError):
        await slack.call("apps.connections.open", token=slack.workspace.app_token)
    slack.sandbox.faults.add(ServerError(502), method="files.download", address=ada.address)
    async with slack.client.get(url, headers=headers) as answer:
        assert answer.status == 502
    slack.sandbox.faults.add(Cut(accepted=False), method="files.download", count=None)  # clients try a GET again
    with pytest.raises(aiohttp.ClientError):
        await slack.client.get(url, headers=headers)


async def test_a_fault_finds_its_customer_however_a_call_names_them(slack: Caller, ada: Person):
    room = (await slack.result("conversations.open", users=ada.id))["channel"]["id"]
    for method, arguments in (
        ("conversations.open", {"users": ada.id}),
        ("users.info", {"user": ada.id}),
        ("chat.postMessage", {"channel": room, "text": "x"}),
        ("views.publish", {"user_id": ada.id, "view": {"type": "home", "blocks": []}}),
        ("files.completeUploadExternal", {"channel_id": room, "files": [{"id": "F1"}]}),
    ):
        slack.sandbox.faults.add(Blocked(), address=ada.address)
        assert await slack.error(method, **arguments) == "channel_not_found"
    bob = slack.workspace.user("U0BOB")
    slack.sandbox.faults.add(Blocked(), address=ada.address)
    await slack.result("users.info", user=bob.id)


async def test_old_messages_are_forgotten(slack: Caller, ada: Person, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("omnibot.sandbox.slack.rooms.KEPT_MESSAGES", 2)
    for number in range(3):
        ada.write(str(number))
    assert [shown.text for shown in ada.messages] == ["1", "2"]
