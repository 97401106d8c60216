"""What the way to Slack can do to a call: proxies, broken answers, connections that end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from json import loads

import pytest
from aiohttp import web
from slack_house import Clock, KeptFiles
from slack_sdk.web.async_client import AsyncWebClient

from omnibot.contract import TryLater, Unsure
from omnibot.model import File
from omnibot_slack import SlackSettings
from omnibot_slack.account import Account, CallFailed
from omnibot_slack.outcomes import outcome
from omnibot_slack.remembered import Remembered
from omnibot_slack.uploads import Uploads

GOOD = {"ok": True, "team_id": "T0", "user_id": "U0", "bot_id": "B0", "user": "bot", "is_enterprise_install": True}


@asynccontextmanager
async def answering(answer) -> AsyncIterator[Account]:
    """An account at a server that gives one answer to everything."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    given = {
        "token": "xoxb-1",
        "app_token": "xapp-1",
        "api_url": "http://127.0.0.1:{1}/api/".format(*runner.addresses[0]),
    }
    account = Account(SlackSettings.model_validate(given), connections=4)
    await account.open()
    try:
        yield account
    finally:
        await account.close()
        await runner.cleanup()


def page(status: int, text: str, content_type: str):
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text, content_type=content_type)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        page(502, "<html>Bad Gateway</html>", "text/html"),
        page(502, "Bad Gateway", "text/plain"),
        page(200, "<html>Please log in</html>", "text/html"),
        page(200, "Please log in", "text/plain"),
        page(200, "", "application/json"),
        page(200, "{", "application/json"),
        page(200, "null", "application/json"),
        page(200, "[]", "application/json"),
        page(200, "[1]", "application/json"),
        page(500, "{}", "application/json"),
        page(200, '{"ok": false, "error": 7}', "application/json"),
        page(204, "", "application/octet-stream"),
    ],
    ids=lambda answer: "",
)
async def test_an_answer_that_is_not_slacks_leaves_it_open(answer):
    async with answering(answer) as account:
        with pytest.raises(CallFailed) as failed:
            await account.call(lambda web: web.chat_postMessage(channel="D0", text="hello"))
    assert failed.value.error == ""
    assert isinstance(outcome(failed.value), Unsure)


@pytest.mark.parametrize(("header", "after"), [("7", 7.0), ("0.5", 0.5), ("soon", None), ("-1", None), ("inf", None)])
async def test_the_delay_is_taken_as_far_as_it_is_one(header, after):
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": header})

    async with answering(answer) as account:
        with pytest.raises(CallFailed) as failed:
            await account.call(lambda web: web.auth_test())
    meant = outcome(failed.value)
    assert isinstance(meant, TryLater)
    assert meant.after == after


async def test_no_call_is_made_twice():
    calls = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        request.transport.abort()
        return web.Response()

    async with answering(answer) as account:
        with pytest.raises(CallFailed):
            await account.call(lambda web: web.chat_postMessage(channel="D0", text="hello"))
    assert calls == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda web: web.auth_test(),
        lambda web: web.chat_postMessage(
            channel="D0", text="größer & <so>", blocks=[{"type": "divider"}], thread_ts=None, unfurl_links=False
        ),
        lambda web: web.chat_postMessage(channel="D0", text="half of \ud83d a pair"),
        lambda web: web.users_info(user="U0", include_locale=True),
        lambda web: web.conversations_history(channel="C0", cursor=None, limit=3, include_all_metadata=True),
        lambda web: web.apps_connections_open(app_token="xapp-1"),
        lambda web: web.conversations_open(users="U0"),
        lambda web: web.usergroups_users_list(usergroup="S0"),
    ],
)
async def test_a_call_is_the_one_that_the_sdk_would_make(call):
    seen = []

    async def answer(request: web.Request) -> web.Response:
        names = ("Authorization", "Content-Type", "User-Agent")
        body = await request.read()
        sent = loads(body) if request.content_type == "application/json" else body
        seen.append((request.method, request.path, dict(request.query), sent, [request.headers.get(n) for n in names]))
        return web.json_response({"ok": True})

    async with answering(answer) as account:
        await account.call(call)
        plain = AsyncWebClient("xoxb-1", base_url=account.web.base_url, session=account.session, retry_handlers=[])
        await call(plain)
    ours, theirs = seen
    if theirs[3] == b"":  # the SDK names a type for no body at all
        ours[-1][1] = theirs[-1][1] = None
    assert ours == theirs


async def test_who_we_are_is_asked_once():
    calls = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.json_response(GOOD, headers={"x-oauth-scopes": "chat:write, im:history,"})

    async with answering(answer) as account:
        mes = await asyncio.gather(*(account.me() for _ in range(3)))
    assert calls == 1
    assert len(set(mes)) == 1
    assert mes[0].org_wide
    assert mes[0].scopes == {"chat:write", "im:history"}


@pytest.mark.parametrize("upload", ["status", "cut"])
async def test_bytes_that_do_not_arrive_are_tried_again(upload):
    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("getUploadURLExternal"):
            return web.json_response({"ok": True, "file_id": "F0", "upload_url": f"http://{request.host}/upload"})
        if upload == "cut":
            request.transport.abort()
        return web.Response(status=500)

    bill = File("bill.pdf", "application/pdf", 4, "bill")
    async with answering(answer) as account:
        uploads = Uploads(account, KeptFiles({"bill": b"bill"}), seconds=5)
        with pytest.raises(TryLater, match="upload: "):
            await uploads.share([bill], "D0", "")


async def test_a_closed_account_calls_nobody():
    async with answering(page(200, '{"ok": true}', "application/json")) as account:
        pass
    with pytest.raises(RuntimeError, match="not open"):
        await account.me()
    with pytest.raises(RuntimeError, match="not open"):
        _ = account.session


# --- what is remembered ----------------------------------------------------------------------------------------


def test_what_is_known_gets_old_and_makes_room():
    clock = Clock()
    known: Remembered[str, int] = Remembered(clock, most=2)
    known.keep("a", 1, 10)
    known.keep("b", 2, 20)
    clock.forward(9)
    assert [known.get(key) for key in "abc"] == [1, 2, None]
    clock.forward(1)
    assert [known.get(key) for key in "abc"] == [None, 2, None]
    known.keep("b", 3, 20)
    known.keep("c", 4, 20)
    known.keep("d", 5, 20)
    assert [known.get(key) for key in "bcd"] == [None, 4, 5]
