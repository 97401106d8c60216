"""The emulated Bot API, called as a bot would call it: bare HTTP, no library in between."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from omnibot.sandbox import Blocked, Cut, Delay, Duplicate, Hang, Outcome, ServerError, Throttle
from omnibot.sandbox.telegram import TOKEN, TelegramSandbox

PICTURE = b"\x89PNG\r\n\x1a\n and so on"
ADA = 4711


@dataclass
class Caller:
    sandbox: TelegramSandbox
    client: aiohttp.ClientSession

    async def call(self, method: str, token: str = TOKEN, **parameters) -> dict:
        async with self.client.post(f"{self.sandbox.url}/bot{token}/{method}", json=parameters) as answer:
            body = await answer.json()
            assert answer.status == body.get("error_code", 200)
            return body

    async def result(self, method: str, **parameters):
        body = await self.call(method, **parameters)
        assert body["ok"], body
        return body["result"]

    async def complaint(self, method: str, **parameters) -> str:
        body = await self.call(method, **parameters)
        assert not body["ok"]
        return body["description"]

    async def updates(self, **parameters) -> list:
        return await self.result("getUpdates", **parameters)


@pytest_asyncio.fixture
async def telegram() -> AsyncIterator[Caller]:
    async with TelegramSandbox() as sandbox, aiohttp.ClientSession() as client:
        yield Caller(sandbox, client)


@pytest_asyncio.fixture
async def known(telegram: Caller) -> Caller:
    """Ada has written: she can be written to."""
    telegram.sandbox.user(ADA, "Ada Lovelace").write("hello")
    return telegram


# --- who may call what -----------------------------------------------------------------------------------------


async def test_a_wrong_token_is_unauthorized(telegram: Caller):
    assert await telegram.call("getMe", token="4242:wrong") == {
        "ok": False,
        "error_code": 401,
        "description": "Unauthorized",
    }


async def test_a_method_that_is_not_there_is_not_found(telegram: Caller):
    assert (await telegram.call("sendPigeon"))["error_code"] == 404


async def test_a_bot_knows_itself(telegram: Caller):
    me = await telegram.result("getMe")
    assert (me["id"], me["is_bot"], me["username"]) == (4242, True, "sandbox_bot")


async def test_two_bots_have_nothing_in_common(known: Caller):
    other = known.sandbox.bot("77:other", "other_bot")
    assert (await known.call("getUpdates", token=other.token))["result"] == []
    assert (await known.call("sendMessage", token=other.token, chat_id=ADA, text="x"))["error_code"] == 400


# --- parameters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "parameters", "complaint"),
    [
        ("sendMessage", {"text": "x"}, "Bad Request: chat_id is empty"),
        ("sendMessage", {"chat_id": ADA}, "Bad Request: message text is empty"),
        ("sendMessage", {"chat_id": ADA, "text": " \n"}, "Bad Request: message text is empty"),
        ("sendMessage", {"chat_id": ADA, "text": "x" * 4097}, "Bad Request: message is too long"),
        ("sendMessage", {"chat_id": 1, "text": "x"}, "Bad Request: chat not found"),
        ("sendMessage", {"chat_id": "@ada", "text": "x"}, 'parameter "chat_id" must be of type integer'),
        ("sendMessage", {"chat_id": ADA, "text": 7}, 'parameter "text" must be of type string'),
        ("sendMessage", {"chat_id": ADA, "text": "x", "txet": "x"}, 'unknown parameter "txet"'),
        ("sendMessage", {"chat_id": ADA, "text": "x", "disable_notification": "maybe"}, "must be of type boolean"),
        ("sendMessage", {"chat_id": ADA, "text": "x", "reply_markup": "{"}, "must be of type JSON object"),
        (
            "sendMessage",
            {"chat_id": ADA, "text": "<b>x", "parse_mode": "HTML"},
            "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        ("sendMessage", {"chat_id": ADA, "text": "*x*", "parse_mode": "MarkdownV2"}, "unsupported parse_mode"),
        (
            "sendMessage",
            {"chat_id": ADA, "text": "x", "reply_parameters": {"message_id": 999}},
            "Bad Request: message to be replied not found",
        ),
        ("sendMessage", {"chat_id": ADA, "text": "x", "reply_parameters": {}}, "can't parse reply parameters"),
        ("sendChatAction", {"chat_id": ADA, "action": "juggling"}, "wrong parameter action"),
        ("editMessageText", {"chat_id": ADA, "message_id": 999, "text": "x"}, "message to edit not found"),
        ("deleteMessage", {"chat_id": ADA, "message_id": 999}, "message to delete not found"),
        ("answerCallbackQuery", {}, 'parameter "callback_query_id" is required'),
        ("answerCallbackQuery", {"callback_query_id": "1"}, "query is too old"),
        ("getFile", {"file_id": "x"}, "wrong file_id"),
        ("sendPhoto", {"chat_id": ADA}, 'parameter "photo" is required'),
        ("sendPhoto", {"chat_id": ADA, "photo": "x"}, "wrong file identifier/HTTP URL specified"),
        ("setWebhook", {}, 'parameter "url" is required'),
        ("setWebhook", {"url": "ftp://example.org"}, "An HTTPS URL must be provided"),
        ("setWebhook", {"url": "https://e.org", "secret_token": "a b"}, "unallowed characters"),
    ],
)
async def test_a_mistake_is_refused_with_a_reason(known: Caller, method, parameters, complaint):
    assert complaint in await known.complaint(method, **parameters)


def button(**fields) -> dict:
    return {"inline_keyboard": [[fields]]}


@pytest.mark.parametrize(
    ("markup", "complaint"),
    [
        ([], "object expected as reply markup"),
        ({"inline_keybord": []}, "unknown parameter"),
        ({"inline_keyboard": [{}]}, "Array of Arrays"),
        ({"inline_keyboard": [["x"]]}, "must be an Object"),
        (button(callback_data="x"), 'Field "text" must be of type String'),
        (button(text=" ", callback_data="x"), "must be non-empty"),
        (button(text="x"), "Text buttons are unallowed"),
        (button(text="x", callback_data="x", url="https://e.org"), "Text buttons are unallowed"),
        (button(text="x", callback_data=""), "BUTTON_DATA_INVALID"),
        (button(text="x", callback_data="ü" * 33), "BUTTON_DATA_INVALID"),
        (button(text="x", url="nowhere"), "Wrong HTTP URL"),
        ({}, "one of four"),
        ({"inline_keyboard": [], "keyboard": []}, "one of four"),
        ({"keyboard": [{}]}, "Array of Arrays"),
        ({"keyboard": [[{"request_contact": True}]]}, 'Field "text" must be of type String'),
        ({"keyboard": [[" "]]}, "must be non-empty"),
        ({"keyboard": [[{"text": "x", "callback_data": "x"}]]}, 'does not know "callback_data"'),
        ({"remove_keyboard": False}, "must be True"),
    ],
)
async def test_a_keyboard_that_telegram_would_not_show_is_refused(known: Caller, markup, complaint):
    assert complaint in await known.complaint("sendMessage", chat_id=ADA, text="x", reply_markup=markup)


async def test_parameters_come_as_json_form_query_or_multipart(known: Caller):
    url = f"{known.sandbox.url}/bot{TOKEN}/sendMessage"
    given = {"chat_id": str(ADA), "text": "x", "reply_markup": '{"inline_keyboard": []}'}
    form = aiohttp.FormData(given, default_to_multipart=True)
    for options in ({"params": given}, {"data": given}, {"data": form}, {"json": given}):
        async with known.client.post(url, **options) as answer:
            assert (await answer.json())["ok"]
    assert [entry.payload["chat_id"] for entry in known.sandbox.ledger.entries()] == [ADA] * 4


@pytest.mark.parametrize(("body", "complaint"), [(b"{", "can't parse JSON object"), (b"[]", "JSON object expected")])
async def test_a_body_that_is_no_object_is_refused(telegram: Caller, body, complaint):
    url = f"{telegram.sandbox.url}/bot{TOKEN}/getMe"
    async with telegram.client.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
        assert complaint in (await answer.json())["description"]


# --- what a bot does -------------------------------------------------------------------------------------------


async def test_a_message_is_shown_without_its_markup_and_written_down(known: Caller):
    message = await known.result("sendMessage", chat_id=ADA, text="<b>1 &lt; 2</b>", parse_mode="HTML")
    assert message["text"] == "1 < 2"
    assert message["entities"] == [{"type": "bold", "offset": 0, "length": 5}]
    (entry,) = known.sandbox.ledger.entries("telegram", "sendMessage")
    assert (entry.account, entry.payload["text"], entry.payload["message_id"]) == (
        "4242",
        "1 < 2",
        message["message_id"],
    )


async def test_a_message_can_be_edited_and_deleted(known: Caller):
    sent = await known.result("sendMessage", chat_id=ADA, text="x", reply_markup=button(text="b", callback_data="b"))
    place = {"chat_id": ADA, "message_id": sent["message_id"]}
    edited = await known.result("editMessageText", **place, text="<i>y</i>", parse_mode="HTML")
    assert (edited["text"], "reply_markup" in edited) == ("y", False)
    again = await known.complaint("editMessageText", **place, text="<i>y</i>", parse_mode="HTML")
    assert "message is not modified" in again
    assert await known.result("deleteMessage", **place)
    assert "not found" in await known.complaint("deleteMessage", **place)


async def test_what_others_wrote_cannot_be_edited(known: Caller):
    theirs = known.sandbox.user(ADA).write("mine")
    complaint = await known.complaint("editMessageText", chat_id=ADA, message_id=theirs, text="x")
    assert complaint == "Bad Request: message can't be edited"


async def test_no_id_comes_again_after_a_restart(telegram: Caller):
    telegram.sandbox.user(ADA).write("before")
    async with TelegramSandbox() as restarted:
        restarted.user(ADA).write("after")
    before, after = telegram.sandbox.main.last, restarted.main.last
    assert before.id < after.id
    assert before.value["message"]["message_id"] < after.value["message"]["message_id"]


async def test_an_answer_quotes_what_it_answers(known: Caller):
    theirs = known.sandbox.user(ADA).write("a question")
    sent = await known.result("sendMessage", chat_id=ADA, text="x", reply_parameters={"message_id": theirs})
    assert sent["reply_to_message"]["text"] == "a question"
    options = {"message_id": 999, "allow_sending_without_reply": True}
    assert "reply_to_message" not in await known.result("sendMessage", chat_id=ADA, text="x", reply_parameters=options)


async def test_files_go_up_and_down(known: Caller):
    form = aiohttp.FormData({"chat_id": str(ADA), "caption": "<b>c</b>", "parse_mode": "HTML"})
    form.add_field("document", PICTURE, filename="a.png")
    async with known.client.post(f"{known.sandbox.url}/bot{TOKEN}/sendDocument", data=form) as answer:
        message = (await answer.json())["result"]
    assert message["caption"] == "c"
    file = await known.result("getFile", file_id=message["document"]["file_id"])
    async with known.client.get(f"{known.sandbox.url}/file/bot{TOKEN}/{file['file_path']}") as answer:
        assert await answer.read() == PICTURE
    photo = await known.result("sendPhoto", chat_id=ADA, photo=file["file_id"])
    assert photo["photo"][0]["file_size"] == len(PICTURE)
    assert "caption is too long" in await known.complaint(
        "sendPhoto", chat_id=ADA, photo=file["file_id"], caption="x" * 1025
    )


async def test_a_photo_must_be_one(known: Caller):
    form = aiohttp.FormData({"chat_id": str(ADA)})
    form.add_field("photo", b"content", filename="a.png")
    async with known.client.post(f"{known.sandbox.url}/bot{TOKEN}/sendPhoto", data=form) as answer:
        assert (await answer.json())["description"] == "Bad Request: IMAGE_PROCESS_FAILED"


@pytest.mark.parametrize(("token", "path", "status"), [("4242:wrong", "x", 401), (TOKEN, "documents/x", 404)])
async def test_a_file_is_for_its_bot_alone(telegram: Caller, token, path, status):
    async with telegram.client.get(f"{telegram.sandbox.url}/file/bot{token}/{path}") as answer:
        assert answer.status == status


async def test_a_file_that_is_too_big_is_not_handed_out(telegram: Caller):
    file = telegram.sandbox.main.store("big", bytes(20 * 1024 * 1024 + 1))
    assert "file is too big" in await telegram.complaint("getFile", file_id=file.id)


# --- updates by polling ----------------------------------------------------------------------------------------


async def test_updates_come_until_they_are_confirmed(telegram: Caller):
    user = telegram.sandbox.user(ADA, "Ada Lovelace", "en")
    user.write("one")
    user.write("two")
    one, two = await telegram.updates()
    assert (one["message"]["text"], two["update_id"]) == ("one", one["update_id"] + 1)
    assert one["message"]["from"] == {
        "id": ADA,
        "is_bot": False,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "language_code": "en",
    }
    assert await telegram.updates(offset=two["update_id"]) == [two]
    assert await telegram.updates(offset=two["update_id"] + 1) == []
    assert telegram.sandbox.main.confirmed == 2


async def test_updates_can_be_waited_for(telegram: Caller):
    waiting = asyncio.ensure_future(telegram.updates(timeout=20))
    await _until(lambda: telegram.sandbox.main.polled)
    telegram.sandbox.user(ADA).write("at last")
    assert [update["message"]["text"] for update in await waiting] == ["at last"]


async def _until(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_waiting_ends_without_updates(telegram: Caller):
    assert await telegram.updates(timeout=1) == []


async def test_who_polls_ends_the_waiting_of_another(telegram: Caller):
    first = asyncio.ensure_future(telegram.call("getUpdates", timeout=20))
    await _until(lambda: telegram.sandbox.main.polled)
    assert await telegram.updates() == []
    assert (await first)["description"].startswith("Conflict: terminated by other getUpdates request")


async def test_only_the_wanted_kinds_are_told(telegram: Caller):
    assert await telegram.updates(allowed_updates=["callback_query"]) == []
    telegram.sandbox.user(ADA).write("unheard")
    assert await telegram.updates(allowed_updates=[]) == []
    telegram.sandbox.user(ADA).write("heard")
    assert len(await telegram.updates()) == 1


async def test_a_limit_is_kept(telegram: Caller):
    for number in range(3):
        telegram.sandbox.user(ADA).write(str(number))
    assert len(await telegram.updates(limit=2)) == 2


# --- updates by webhook ----------------------------------------------------------------------------------------


class Hook:
    """A bot's server that answers as told, 200 by default."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.got: asyncio.Queue[tuple[str | None, dict]] = asyncio.Queue()

    async def handle(self, request: web.Request) -> web.Response:
        status = self.answers.pop(0) if self.answers else 200
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token")
        self.got.put_nowait((secret, await request.json()))
        return web.Response(status=status)

    async def texts(self, count: int) -> list[str]:
        async with asyncio.timeout(5):
            return [(await self.got.get())[1]["message"]["text"] for _ in range(count)]


@pytest_asyncio.fixture
async def hook(telegram: Caller) -> AsyncIterator[Hook]:
    hook = Hook()
    app = web.Application()
    app.router.add_post("/", hook.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    assert await telegram.result("setWebhook", url=url, secret_token="s3cret")
    yield hook
    await runner.cleanup()


async def test_a_webhook_is_called_with_its_secret(telegram: Caller, hook: Hook):
    telegram.sandbox.user(ADA).write("hello")
    secret, update = await hook.got.get()
    assert (secret, update["message"]["text"]) == ("s3cret", "hello")


async def test_a_webhook_without_a_secret_gets_none(telegram: Caller, hook: Hook):
    await telegram.result("setWebhook", url=telegram.sandbox.main.webhook.url)
    telegram.sandbox.user(ADA).write("hello")
    assert (await hook.got.get())[0] is None


async def test_what_a_webhook_does_not_take_comes_again(telegram: Caller, hook: Hook):
    hook.answers = [503]
    telegram.sandbox.user(ADA).write("hello")
    assert await hook.texts(2) == ["hello", "hello"]
    await _until(lambda: telegram.sandbox.main.confirmed)
    assert telegram.sandbox.main.posted == [503, 200]
    info = await telegram.result("getWebhookInfo")
    assert info["last_error_message"] == "Wrong response from the webhook: 503 Service Unavailable"
    assert info["pending_update_count"] == 0


async def test_a_webhook_that_nobody_answers_is_called_again(telegram: Caller, hook: Hook):
    url = telegram.sandbox.main.webhook.url
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        await telegram.result("setWebhook", url=f"http://127.0.0.1:{unheard.getsockname()[1]}/")
        telegram.sandbox.user(ADA).write("hello")
        await _until(lambda: telegram.sandbox.main.posted)
        assert (await telegram.result("getWebhookInfo"))["last_error_message"] == "Connection refused"
        await telegram.result("setWebhook", url=url)
    assert await hook.texts(1) == ["hello"]


async def test_while_a_webhook_is_set_nobody_polls(telegram: Caller, hook: Hook):
    assert "can't use getUpdates method while webhook is active" in await telegram.complaint("getUpdates")
    await telegram.result("deleteWebhook")
    assert await telegram.updates() == []


async def test_setting_a_webhook_ends_polling_and_delivers_what_waits(telegram: Caller, hook: Hook):
    url = telegram.sandbox.main.webhook.url
    await telegram.result("deleteWebhook")
    polling = asyncio.ensure_future(telegram.call("getUpdates", timeout=20))
    await _until(lambda: telegram.sandbox.main.polled)
    await telegram.result("setWebhook", url=url)
    assert (await polling)["error_code"] == 409
    await telegram.result("deleteWebhook")
    telegram.sandbox.user(ADA).write("waited")
    await telegram.result("setWebhook", url=url)
    assert await hook.texts(1) == ["waited"]


async def test_what_a_deleted_webhook_did_not_take_waits_for_polling(telegram: Caller, hook: Hook):
    hook.answers = [500] * 9
    telegram.sandbox.user(ADA).write("hello")
    await hook.texts(1)
    await telegram.result("deleteWebhook")
    assert [update["message"]["text"] for update in await telegram.updates(timeout=5)] == ["hello"]


async def test_pending_updates_can_be_dropped(telegram: Caller):
    telegram.sandbox.user(ADA).write("hello")
    assert (await telegram.result("getWebhookInfo"))["pending_update_count"] == 1
    await telegram.result("deleteWebhook", drop_pending_updates=True)
    assert await telegram.updates() == []


# --- misbehaviour ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        (
            Throttle(2.5),
            {
                "ok": False,
                "error_code": 429,
                "description": "Too Many Requests: retry after 3",
                "parameters": {"retry_after": 3},
            },
        ),
        (ServerError(), {"ok": False, "error_code": 500, "description": "Internal Server Error"}),
        (ServerError(502), {"ok": False, "error_code": 502, "description": "Bad Gateway"}),
        (Blocked(), {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}),
    ],
)
async def test_an_ordered_refusal_is_told_as_telegram_tells_it(known: Caller, fault, body):
    known.sandbox.faults.add(fault, method="sendMessage", address=str(ADA))
    assert await known.call("sendMessage", chat_id=ADA, text="x") == body
    assert [entry.outcome for entry in known.sandbox.ledger] == [Outcome.REFUSED]
    assert (await known.call("sendMessage", chat_id=ADA, text="x"))["ok"]


@pytest.mark.parametrize(("accepted", "entries"), [(True, [Outcome.UNANSWERED]), (False, [])])
async def test_a_connection_can_be_cut(known: Caller, accepted, entries):
    known.sandbox.faults.add(Cut(accepted=accepted), method="sendMessage")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await known.call("sendMessage", chat_id=ADA, text="x")
    assert [entry.outcome for entry in known.sandbox.ledger] == entries


async def test_a_call_that_hangs_ends_with_the_sandbox():
    async with aiohttp.ClientSession() as client:
        async with TelegramSandbox() as sandbox:
            sandbox.faults.add(Hang(accepted=True), method="sendMessage")
            sandbox.user(ADA).write("hello")
            calling = asyncio.ensure_future(Caller(sandbox, client).call("sendMessage", chat_id=ADA, text="x"))
            await sandbox.ledger.wait_for(lambda entry: entry.outcome is Outcome.UNANSWERED, 5)
        with pytest.raises(aiohttp.ClientError):
            await calling


async def test_a_user_can_block_and_unblock_the_bot(known: Caller):
    user = known.sandbox.user(ADA)
    user.block()
    assert "blocked by the user" in await known.complaint("sendMessage", chat_id=ADA, text="x")
    user.unblock()
    await known.result("sendMessage", chat_id=ADA, text="x")


async def test_arrivals_can_come_twice(telegram: Caller, hook: Hook):
    telegram.sandbox.faults.add(Duplicate(2))
    telegram.sandbox.user(ADA).write("thrice")
    assert await hook.texts(3) == ["thrice"] * 3


async def test_arrivals_can_change_places(telegram: Caller, hook: Hook):
    telegram.sandbox.faults.add(Delay(2))
    for text in ("one", "two", "three"):
        telegram.sandbox.user(ADA).write(text)
    assert sorted(await hook.texts(3)) == ["one", "three", "two"]
    assert [status for status in telegram.sandbox.main.posted if status != 200] == []


async def test_nobody_can_press_what_is_not_offered(known: Caller):
    with pytest.raises(LookupError):
        known.sandbox.user(ADA).press("a button that nobody offered")


# --- people ----------------------------------------------------------------------------------------------------


async def test_a_group_that_moved_tells_where(known: Caller):
    known.sandbox.main.group(-5).migrated_to = -100500
    body = await known.call("sendMessage", chat_id=-5, text="x")
    assert body["parameters"] == {"migrate_to_chat_id": -100500}


async def test_people_mention_and_command(telegram: Caller):
    telegram.sandbox.user(ADA).write("👍 @sandbox_bot see /help or me@example.org")
    (update,) = await telegram.updates()
    assert update["message"]["entities"] == [
        {"type": "mention", "offset": 3, "length": 12},
        {"type": "bot_command", "offset": 20, "length": 5},
    ]


async def test_a_pressed_button_carries_its_message(known: Caller):
    markup = {"inline_keyboard": [[{"text": "Other", "url": "https://e.org"}], [{"text": "Yes", "callback_data": "y"}]]}
    sent = await known.result("sendMessage", chat_id=ADA, text="Well?", reply_markup=markup)
    query = known.sandbox.user(ADA).press("Yes")
    update = (await known.updates())[-1]["callback_query"]
    assert (update["id"], update["data"], update["message"]["message_id"]) == (query, "y", sent["message_id"])
    assert await known.result("answerCallbackQuery", callback_query_id=query)
    assert "query is too old" in await known.complaint("answerCallbackQuery", callback_query_id=query)


async def test_old_messages_are_forgotten(telegram: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("omnibot.sandbox.telegram.people.KEPT_MESSAGES", 2)
    for number in range(3):
        telegram.sandbox.user(ADA).write(str(number))
    assert [message["text"] for message in telegram.sandbox.main.chats[ADA].messages.values()] == ["1", "2"]


# --- what the customer sees ------------------------------------------------------------------------------------


async def test_the_ledger_tells_what_a_customer_reads_and_can_press(known: Caller):
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}], [{"text": "No", "callback_data": "n"}]]}
    await known.result(
        "sendMessage", chat_id=ADA, text="<b>Sure</b> &amp; safe?", parse_mode="HTML", reply_markup=keyboard
    )
    await known.result("sendChatAction", chat_id=ADA, action="typing")
    seen = [(entry.to, entry.text, entry.choices) for entry in known.sandbox.ledger if entry.to]
    assert seen == [("telegram:4711", "Sure & safe?", ("Yes", "No"))]


async def test_the_ledger_tells_where_words_lead(known: Caller):
    text = '👋 <a href="https://e.org/a?b&amp;c">Here</a> or <a href="https://e.org/2">there</a>'
    await known.result("sendMessage", chat_id=ADA, text=text, parse_mode="HTML")
    (entry,) = [entry for entry in known.sandbox.ledger if entry.to]
    assert entry.text == "👋 Here or there"
    assert entry.links == (("Here", "https://e.org/a?b&c"), ("there", "https://e.org/2"))


# --- their own number --------------------------------------------------------------------------------------------

ASKED = {"keyboard": [[{"text": "Share my number", "request_contact": True}]], "one_time_keyboard": True}


async def test_who_presses_the_key_shares_their_number_as_telegram_knows_it(known: Caller):
    sent = await known.result("sendMessage", chat_id=ADA, text="Which?", reply_markup=ASKED)
    known.sandbox.user(ADA).share_number("Share my number", "+4915112345678")
    message = (await known.result("getUpdates"))[-1]["message"]
    assert message["contact"] == {"phone_number": "4915112345678", "first_name": "Sandra", "user_id": ADA}
    assert message["reply_to_message"]["message_id"] == sent["message_id"]


async def test_nobody_shares_what_was_not_asked_for(known: Caller):
    for markup in (None, {"keyboard": [["Share my number"]]}, ASKED | {"keyboard": [[]]}):
        if markup:
            await known.result("sendMessage", chat_id=ADA, text="Which?", reply_markup=markup)
        with pytest.raises(LookupError):
            known.sandbox.user(ADA).share_number("Share my number", "+4915112345678")


async def test_a_keyboard_that_was_removed_is_gone(known: Caller):
    await known.result("sendMessage", chat_id=ADA, text="Which?", reply_markup=ASKED)
    await known.result("sendMessage", chat_id=ADA, text="Thanks", reply_markup={"remove_keyboard": True})
    with pytest.raises(LookupError):
        known.sandbox.user(ADA).share_number("Share my number", "+4915112345678")


async def test_in_a_group_nobody_may_be_asked_for_their_number(known: Caller):
    known.sandbox.main.group(-7)
    complaint = await known.complaint("sendMessage", chat_id=-7, text="Which?", reply_markup=ASKED)
    assert "private chats only" in complaint
