"""How the emulated Slack tells an app what happens: signed posts, retries, and envelopes over WebSockets."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from slack_caller import DEADLINE, Caller, Server, caller, server, until

from omnibot.sandbox import Delay, Duplicate
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.slack import Person

RETRIES = (0.01, 0.02, 0.03)
PNG = SentFile("map.png", "image/png", b"\x89PNG and so on")


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Caller]:
    async with caller() as called:
        called.workspace.app.retries = RETRIES
        yield called


@pytest_asyncio.fixture
async def hook(slack: Caller) -> AsyncIterator[Server]:
    """An app's server, at which Slack calls it."""
    async with server() as listening:
        slack.workspace.deliver_to(listening.url)
        yield listening


@pytest.fixture
def ada(slack: Caller) -> Person:
    return slack.workspace.user("U0ADA", "Ada Lovelace")


@pytest.fixture
def general(slack: Caller, ada: Person) -> str:
    return slack.workspace.channel("C0GENERAL", "general", [ada]).id


def signature(secret: str, posted) -> str:
    base = b"v0:" + posted.headers["X-Slack-Request-Timestamp"].encode() + b":" + posted.raw
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


# --- what is told ----------------------------------------------------------------------------------------------


async def test_a_direct_message_is_told_in_a_signed_post(slack: Caller, hook: Server, ada: Person):
    ts = ada.write("1 < 2 & so on, see https://e.org/a_b.")
    (posted,) = await hook.next()
    assert posted.headers["X-Slack-Signature"] == signature(slack.workspace.signing_secret, posted)
    assert abs(int(posted.headers["X-Slack-Request-Timestamp"]) - time.time()) < 300  # as Slack asks for
    assert posted.headers["User-Agent"].startswith("Slackbot 1.0")
    assert "X-Slack-Retry-Num" not in posted.headers
    body = posted.body
    assert (body["type"], body["team_id"], body["api_app_id"]) == (
        "event_callback",
        "T0SANDBOX1",
        slack.workspace.app_id,
    )
    assert body["event_id"].startswith("Ev")
    assert body["authorizations"][0]["user_id"] == slack.workspace.bot_user
    assert (body["is_ext_shared_channel"], body["token"]) == (False, slack.workspace.app.verification_token)
    event = body["event"]
    assert (event["type"], event["channel_type"], event["user"], event["ts"]) == ("message", "im", ada.id, ts)
    assert event["text"] == "1 &lt; 2 &amp; so on, see <https://e.org/a_b>."
    (section,) = event["blocks"][0]["elements"]
    assert [element["type"] for element in section["elements"]] == ["text", "link", "text"]


async def test_one_text_in_a_channel_is_told_as_message_and_as_mention(
    slack: Caller, hook: Server, ada: Person, general
):
    ada.mention("help @channel", general)
    message, mention = sorted([posted.body for posted in await hook.next(2)], key=lambda body: body["event"]["type"])[
        ::-1
    ]
    assert (message["event"]["type"], mention["event"]["type"]) == ("message", "app_mention")
    assert message["event_id"] != mention["event_id"]
    assert message["event"]["text"] == mention["event"]["text"] == f"<@{slack.workspace.bot_user}> help <!channel>"
    assert message["event"]["ts"] == mention["event"]["ts"]
    assert (message["event"]["channel_type"], "channel_type" in mention["event"]) == ("channel", False)


async def test_a_mention_in_a_direct_message_is_a_message_alone(slack: Caller, hook: Server, ada: Person):
    ada.write(f"@{slack.workspace.bot_name} hello")
    ada.write("next")
    texts = [(posted.event["type"], posted.event["text"]) for posted in await hook.next(2)]
    assert sorted(texts) == [("message", f"<@{slack.workspace.bot_user}> hello"), ("message", "next")]


async def test_edits_and_deletions_are_told_with_what_was_before(hook: Server, ada: Person):
    ts = ada.write("first")
    await hook.next()
    ada.edit(ts, "second")
    event = await hook.event()
    assert (event["subtype"], event["message"]["text"], event["previous_message"]["text"]) == (
        "message_changed",
        "second",
        "first",
    )
    assert (event["message"]["ts"], event["message"]["edited"]["user"], event["hidden"]) == (ts, ada.id, True)
    ada.delete(ts)
    event = await hook.event()
    assert (event["subtype"], event["deleted_ts"], event["previous_message"]["text"]) == (
        "message_deleted",
        ts,
        "second",
    )


async def test_a_deleted_question_with_answers_becomes_a_tombstone(hook: Server, ada: Person):
    ts = ada.write("a question")
    ada.write("an answer", thread_ts=ts)
    await hook.next(2)
    ada.delete(ts)
    event = await hook.event()
    assert (event["subtype"], event["message"]["subtype"]) == ("message_changed", "tombstone")
    assert event["previous_message"]["text"] == "a question"


async def test_files_come_with_their_message(hook: Server, ada: Person):
    ada.write("", files=[PNG])
    event = await hook.event()
    (file,) = event["files"]
    assert (event["subtype"], event["text"]) == ("file_share", "")
    assert (file["name"], file["mimetype"], file["size"]) == ("map.png", "image/png", len(PNG.content))


async def test_an_answer_that_is_shown_to_all_tells_what_it_answers(hook: Server, ada: Person, general):
    parent = ada.write("a question", general)
    ada.write("to all", general, thread_ts=parent, broadcast=True)
    event = next(posted.event for posted in await hook.next(2) if "subtype" in posted.event)
    assert (event["subtype"], event["thread_ts"], event["root"]["text"]) == ("thread_broadcast", parent, "a question")


async def test_the_app_is_told_what_itself_and_other_bots_write(slack: Caller, hook: Server, ada: Person, general):
    await slack.result("chat.postMessage", channel=general, text="mine")
    event = await hook.event()
    assert (event["bot_id"], event["user"]) == (slack.workspace.bot_id, slack.workspace.bot_user)
    slack.workspace.user("U0BUILD", "Build", is_bot=True).write(f"@{slack.workspace.bot_name} done", general)
    event = await hook.event()
    assert (event["type"], event["bot_id"]) == ("message", "B0BUILD")
    slack.workspace.incoming_webhook("*built*", general, "Build")
    event = await hook.event()
    assert (event["subtype"], event["username"], event["text"], "user" in event) == (
        "bot_message",
        "Build",
        "*built*",
        False,
    )


async def test_people_of_other_workspaces_are_marked(slack: Caller, hook: Server):
    stranger = slack.workspace.user("U0STRANGE", "Stranger", team="T0ELSEWHERE")
    shared = slack.workspace.channel("C0SHARED", members=[stranger])
    stranger.write("hello", shared, files=[PNG])
    body = (await hook.next())[0].body
    assert (body["team_id"], body["is_ext_shared_channel"], body["event"]["user_team"]) == (
        "T0SANDBOX1",
        True,
        "T0ELSEWHERE",
    )
    (file,) = body["event"]["files"]
    assert (file["file_access"], "url_private" in file) == ("check_file_info", False)
    assert (await slack.result("files.info", file=file["id"]))["file"]["name"] == "map.png"


async def test_what_no_typing_produces_can_be_sent_all_the_same(hook: Server, ada: Person):
    ada.send("<!channel> <https://evil.example|bank.example>")
    assert (await hook.event())["text"] == "<!channel> <https://evil.example|bank.example>"


async def test_half_a_character_is_told_escaped(hook: Server, ada: Person):
    ada.write("half \ud83d")
    (posted,) = await hook.next()
    assert b"half \\ud83d" in posted.raw


async def test_reactions_homes_and_removal_are_told(slack: Caller, hook: Server, ada: Person, general):
    ts = ada.write("x", general)
    ada.react(ts, "eyes")
    ada.open_home()
    slack.workspace.uninstall()
    ada.write("unheard")
    events = {posted.event["type"]: posted.event for posted in await hook.next(5)}
    assert (events["reaction_added"]["reaction"], events["reaction_added"]["item"]["ts"]) == ("eyes", ts)
    assert events["app_home_opened"]["tab"] == "home"
    assert events.keys() == {"message", "reaction_added", "app_home_opened", "tokens_revoked", "app_uninstalled"}


@pytest.mark.parametrize("lacking", ["subscription", "scope", "membership"])
async def test_an_app_is_told_only_what_it_may_and_wants_to_know(slack: Caller, hook: Server, ada: Person, lacking):
    private = slack.workspace.channel("C0SECRET", private=True, bot=lacking != "membership")
    if lacking == "subscription":
        slack.workspace.app.subscriptions.remove("message.groups")
    if lacking == "scope":
        slack.workspace.scopes.remove("groups:history")
    ada.write("unheard", private)
    ada.write("heard")
    assert (await hook.event())["text"] == "heard"


async def test_pressing_and_commanding_come_as_signed_forms(slack: Caller, hook: Server, ada: Person):
    button = {"type": "button", "action_id": "pick", "text": {"type": "plain_text", "text": "Yes"}, "value": "y"}
    sent = await slack.result("chat.postMessage", channel=ada.id, blocks=[{"type": "actions", "elements": [button]}])
    await hook.next()
    ada.press("Yes")
    (posted,) = await hook.next()
    assert posted.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert posted.headers["X-Slack-Signature"] == signature(slack.workspace.signing_secret, posted)
    body = posted.body
    (action,) = body["actions"]
    assert (body["type"], body["user"]["id"], body["team"]["id"]) == ("block_actions", ada.id, "T0SANDBOX1")
    assert (action["action_id"], action["value"], action["type"]) == ("pick", "y", "button")
    assert (body["message"]["ts"], body["container"]["message_ts"]) == (sent["ts"], sent["ts"])
    ada.command("/ask", "what & why?")
    body = (await hook.next())[0].body
    assert (body["command"], body["text"], body["user_id"], body["channel_name"]) == (
        "/ask",
        "what & why?",
        ada.id,
        "directmessage",
    )


async def test_each_kind_can_have_a_url_of_its_own(slack: Caller, ada: Person):
    async with server() as events, server() as presses, server() as commands:
        slack.workspace.deliver_to(events.url, interactivity=presses.url, commands=commands.url)
        ada.write("x")
        ada.command("/ask")
        assert (await events.event())["text"] == "x"
        assert (await commands.next())[0].body["command"] == "/ask"


# --- request URLs ----------------------------------------------------------------------------------------------


async def test_a_request_url_is_challenged_before_it_is_saved(slack: Caller, ada: Person):
    async def handle(request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        assert body["type"] == "url_verification"
        if "wrong" in request.path:
            return web.Response(status=404 if "404" in request.path else 200, text="what?")
        return (
            web.json_response({"challenge": body["challenge"]})
            if "json" in request.path
            else web.Response(text=body["challenge"])
        )

    app = web.Application()
    app.router.add_post("/{any:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    slack_app = slack.workspace.app
    assert "challenge parameter" in await slack_app.save_request_url(f"{url}/wrong")
    assert "404" in await slack_app.save_request_url(f"{url}/wrong404")
    assert slack_app.socket_mode
    assert await slack_app.save_request_url(f"{url}/json") == ""
    assert await slack_app.save_request_url(f"{url}/text") == ""
    assert slack_app.url_events == f"{url}/text"
    await runner.cleanup()


# --- retries ---------------------------------------------------------------------------------------------------


async def test_what_is_not_taken_comes_again_the_same_to_the_byte(slack: Caller, hook: Server, ada: Person):
    hook.answers = [web.Response(status=500), web.Response(status=503)]
    ada.write("hello")
    first, second, third = await hook.next(3)
    assert first.raw == second.raw == third.raw
    assert [posted.headers.get("X-Slack-Retry-Num") for posted in (first, second, third)] == [None, "1", "2"]
    assert second.headers["X-Slack-Retry-Reason"] == "http_error"
    await until(lambda: slack.workspace.acknowledged == 1)
    assert list(slack.workspace.posted) == [500, 503, 200]


async def test_after_three_retries_slack_gives_up(slack: Caller, hook: Server, ada: Person):
    hook.answers = [web.Response(status=500) for _ in range(9)]
    ada.write("hello")
    await hook.next(4)
    await until(lambda: slack.workspace.app.given_up)
    assert (slack.workspace.acknowledged, len(slack.workspace.posted)) == (0, 4)


async def test_an_app_can_forbid_retries(slack: Caller, hook: Server, ada: Person):
    hook.answers = [web.Response(status=500, headers={"X-Slack-No-Retry": "1"})]
    ada.write("hello")
    await until(lambda: slack.workspace.app.given_up)
    assert list(slack.workspace.posted) == [500]


async def test_the_reason_of_a_retry_is_told(slack: Caller, hook: Server, ada: Person):
    slack.workspace.app.patience = 0.05
    hook.hangs = 1
    ada.write("hello")
    _, again = await hook.next(2)
    assert again.headers["X-Slack-Retry-Reason"] == "http_timeout"
    loop = [web.Response(status=307, headers={"Location": hook.url}) for _ in range(3)]
    hook.answers = loop
    ada.write("round and round")
    await until(lambda: hook.got.qsize() >= 3)
    reasons = [posted.headers.get("X-Slack-Retry-Reason") for posted in await hook.next(3)]
    assert "too_many_redirects" in reasons


async def test_a_server_that_is_not_there_is_called_again(slack: Caller, ada: Person, unused_tcp_port: int):
    slack.workspace.deliver_to(f"http://127.0.0.1:{unused_tcp_port}/")
    ada.write("hello")
    await until(lambda: slack.workspace.posted)
    async with server() as late:
        slack.workspace.deliver_to(late.url)
        (posted,) = await late.next()
    assert posted.headers["X-Slack-Retry-Reason"] == "connection_failed"


async def test_a_certificate_that_nobody_vouches_for_is_a_reason(slack: Caller, hook: Server, ada: Person):
    slack.workspace.app.retries = ()
    slack.workspace.deliver_to(hook.url.replace("http://", "https://"))
    ada.write("hello")
    await until(lambda: slack.workspace.app.given_up)
    assert list(slack.workspace.posted) == [0]


async def test_a_press_is_told_once_and_its_failure_to_who_pressed(slack: Caller, hook: Server, ada: Person):
    hook.answers = [web.Response(status=500)]
    ada.command("/ask")
    await until(lambda: ada.errors)
    assert list(ada.errors) == ["http_error"]
    assert hook.got.qsize() == 1


async def test_a_redelivery_is_the_same_to_the_byte(slack: Caller, hook: Server, ada: Person):
    with pytest.raises(LookupError):
        slack.workspace.redeliver()
    ada.write("hello")
    await slack.result("chat.postMessage", channel=ada.id, text="what the app itself says is not redelivered")
    first = next(posted for posted in await hook.next(2) if posted.event["user"] == ada.id)
    slack.workspace.redeliver()
    (again,) = await hook.next()
    assert (again.raw, again.headers["X-Slack-Retry-Num"]) == (first.raw, "1")


async def test_a_forgery_has_a_wrong_signature(slack: Caller, hook: Server):
    hook.answers = [web.Response(status=401)]
    assert await slack.workspace.forge("I am somebody else") == 401
    (posted,) = await hook.next()
    assert posted.headers["X-Slack-Signature"] != signature(slack.workspace.signing_secret, posted)
    assert posted.event["text"] == "I am somebody else"
    slack.workspace.deliver_to("")
    with pytest.raises(LookupError):
        await slack.workspace.forge("nobody can be posted to")


async def test_signatures_can_be_of_another_time(slack: Caller, hook: Server, ada: Person):
    slack.workspace.app.now = lambda: 1_700_000_000.5
    ada.write("long ago")
    (posted,) = await hook.next()
    assert posted.headers["X-Slack-Request-Timestamp"] == "1700000000"
    assert posted.body["event_time"] == 1_700_000_000


async def test_arrivals_can_come_several_times(slack: Caller, hook: Server, ada: Person):
    slack.sandbox.faults.add(Duplicate(3), address=ada.address)
    ada.write("four times")
    assert len({posted.body["event_id"] for posted in await hook.next(4)}) == 1
    await until(lambda: slack.workspace.acknowledged == 4)


async def test_arrivals_can_change_places(slack: Caller, hook: Server, ada: Person):
    slack.sandbox.faults.add(Delay(2))
    ada.write("one")
    ada.write("two")
    assert (await hook.event())["text"] == "two"
    ada.write("three")
    assert sorted([posted.event["text"] for posted in await hook.next(2)]) == ["one", "three"]


# --- Socket Mode -----------------------------------------------------------------------------------------------


class Socket:
    """One connection of an app in Socket Mode."""

    def __init__(self, web_socket: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = web_socket

    async def next(self) -> dict:
        return await self.raw.receive_json(timeout=DEADLINE)

    async def acknowledge(self, envelope: dict, payload: dict | None = None) -> None:
        answer = {"envelope_id": envelope["envelope_id"]} | ({"payload": payload} if payload is not None else {})
        await self.raw.send_json(answer)

    async def ended(self) -> bool:
        message = await self.raw.receive(timeout=DEADLINE)
        return message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


@asynccontextmanager
async def socket(slack: Caller) -> AsyncIterator[Socket]:
    opened = await slack.call("apps.connections.open", token=slack.workspace.app_token)
    async with slack.client.ws_connect(opened["url"]) as web_socket:
        yield Socket(web_socket)


async def test_a_connection_begins_with_a_greeting(slack: Caller):
    async with socket(slack) as first, socket(slack) as second:
        hello = await first.next()
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        assert hello["connection_info"] == {"app_id": slack.workspace.app_id}
        assert (await second.next())["num_connections"] == 2


async def test_a_ticket_is_good_once(slack: Caller):
    opened = await slack.call("apps.connections.open", token=slack.workspace.app_token)
    async with slack.client.ws_connect(opened["url"]):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await slack.client.ws_connect(opened["url"])
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await slack.client.ws_connect(opened["url"].replace(slack.workspace.app_id, "A0OTHER"))


async def test_what_happens_comes_in_envelopes_until_acknowledged(slack: Caller, ada: Person):
    slack.workspace.app.patience = 0.05
    async with socket(slack) as app:
        await app.next()
        ada.write("hello")
        first = await app.next()
        assert (first["type"], first["accepts_response_payload"], first["retry_attempt"]) == ("events_api", False, 0)
        assert first["payload"]["event"]["text"] == "hello"
        again = await app.next()
        assert (again["payload"], again["retry_attempt"], again["retry_reason"]) == (first["payload"], 1, "timeout")
        assert again["envelope_id"] != first["envelope_id"]
        for nonsense in ("{", "[]", '{"envelope_id": "nobody\'s"}'):
            await app.raw.send_str(nonsense)
        await app.raw.send_bytes(b"ignored")
        await app.acknowledge(again)
        await until(lambda: slack.workspace.acknowledged == 1)


async def test_what_happens_waits_for_a_connection(slack: Caller, ada: Person):
    ada.write("early")
    async with socket(slack) as app:
        assert (await app.next())["type"] == "hello"
        assert (await app.next())["payload"]["event"]["text"] == "early"


async def test_connections_take_turns_and_stand_in_for_each_other(slack: Caller, ada: Person):
    slack.workspace.app.patience = 10 * DEADLINE  # a connection that breaks is noticed at once, not after that
    async with socket(slack) as first, socket(slack) as second:
        await first.next()
        await second.next()
        ada.write("one")
        ada.write("two")
        mine, theirs = await first.next(), await second.next()
        assert {mine["payload"]["event"]["text"], theirs["payload"]["event"]["text"]} == {"one", "two"}
        await second.acknowledge(theirs)
        await first.raw.close()
        again = await second.next()
        assert (again["payload"], again["retry_attempt"]) == (mine["payload"], 1)


async def test_presses_and_commands_are_answered_in_the_acknowledgement(slack: Caller, ada: Person):
    async with socket(slack) as app:
        await app.next()
        ada.command("/ask", "what now?")
        envelope = await app.next()
        assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
        assert (envelope["payload"]["text"], "retry_attempt" in envelope) == ("what now?", False)
        await app.acknowledge(envelope, {"text": "*This*"})
        await until(lambda: ada.messages)
        assert (ada.messages[0].text, ada.messages[0].ephemeral) == ("This", True)


async def test_slack_asks_for_a_fresh_connection(slack: Caller, ada: Person):
    async with socket(slack) as app:
        await app.next()
        await slack.workspace.app.sockets.warn()
        assert (await app.next())["reason"] == "warning"
        await slack.workspace.app.sockets.disconnect("refresh_requested")
        message = await app.next()
        assert (message["type"], message["reason"]) == ("disconnect", "refresh_requested")
        assert await app.ended()
    assert len(slack.workspace.app.sockets) == 0
    ada.write("meanwhile")
    async with socket(slack) as app:
        await app.next()
        assert (await app.next())["payload"]["event"]["text"] == "meanwhile"


async def test_a_connection_can_break_without_a_word(slack: Caller):
    async with socket(slack) as app:
        await app.next()
        slack.workspace.app.sockets.cut()
        assert await app.ended()


async def test_an_app_with_a_request_url_has_socket_mode_switched_off(slack: Caller, hook: Server):
    async with socket(slack) as app:
        message = await app.next()
        assert (message["type"], message["reason"]) == ("disconnect", "link_disabled")
        assert await app.ended()


async def test_switching_socket_mode_off_ends_its_connections(slack: Caller, ada: Person):
    async with socket(slack) as app, server() as hook:
        await app.next()
        slack.workspace.deliver_to(hook.url)
        assert (await app.next())["reason"] == "link_disabled"
        ada.write("by post")
        assert (await hook.event())["text"] == "by post"


async def test_ten_connections_are_enough(slack: Caller):
    async with asyncio.timeout(DEADLINE):
        urls = [(await slack.call("apps.connections.open", token=slack.workspace.app_token))["url"] for _ in range(11)]
        sockets = [Socket(await slack.client.ws_connect(url)) for url in urls]
        greetings = [await app.next() for app in sockets]
    assert [greeting["type"] for greeting in greetings] == ["hello"] * 10 + ["disconnect"]
    assert greetings[-1]["reason"] == "too_many_websockets"
    for app in sockets:
        await app.raw.close()
