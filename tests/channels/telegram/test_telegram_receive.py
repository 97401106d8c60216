"""What comes in, and what must not. The row numbers are those of the repository's table of bad inputs."""

import asyncio
import gzip
import json
import tracemalloc
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs
from telegram_house import SECRET, House, house, listening

from omnibot.model import ButtonPress, Choice, IncomingEdit, IncomingMessage
from omnibot.sandbox import Delay, Duplicate, Hang, ServerError, Throttle
from omnibot.sandbox.telegram import TelegramSandbox

PAYLOADS = Path(__file__).parent / "payloads"
MEGABYTE = 1_000_000


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def update(number: int, **message) -> dict:
    body = json.loads(payload("text"))
    body["update_id"] = number
    body["message"] |= {"message_id": number, **message}
    return body


# --- row 1: who calls -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [None, "", "guessed", SECRET + "x", SECRET[:-1], "geheim-äöü-✓"])
async def test_who_does_not_know_the_secret_is_turned_away(webhook: House, secret):
    assert await webhook.post(payload("text"), secret) == 401
    assert webhook.inbox.offers == []


async def test_who_knows_the_secret_is_believed(webhook: House):
    assert await webhook.post(payload("text")) == 200
    assert [message.text for message in webhook.inbox.messages] == ["Why is my bill higher? 🧾"]


# --- rows 2 to 5: bodies ---------------------------------------------------------------------------------------


async def test_a_huge_body_of_a_stranger_is_not_read(webhook: House):
    chunks = 0

    async def body():
        nonlocal chunks
        for _ in range(30):
            chunks += 1
            yield b"x" * MEGABYTE

    tracemalloc.start()
    try:
        status = await _post_stream(webhook, body(), "guessed")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert status in (401, None)  # None: hung up on, while still sending
    assert peak < 15 * MEGABYTE
    assert webhook.inbox.offers == []


async def _post_stream(webhook: House, body, secret: str) -> int | None:
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
    try:
        async with webhook.client.post(webhook.url, data=body, headers=headers) as answer:
            return answer.status
    except aiohttp.ClientError:
        return None


async def test_a_large_body_is_refused(webhook: House):
    assert await webhook.post(b" " * (MEGABYTE + 1)) == 413
    assert webhook.inbox.offers == []


async def test_a_large_body_is_refused_even_when_it_does_not_say_its_length(webhook: House):
    async def body():
        for _ in range(12):
            yield b" " * 100_000

    assert await _post_stream(webhook, body(), SECRET) in (413, None)
    assert webhook.inbox.offers == []


async def test_the_largest_body_is_read(webhook: House):
    body = payload("text").strip()
    assert await webhook.post(body + b" " * (MEGABYTE - len(body))) == 200
    assert len(webhook.inbox.arrivals) == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity", "unheard-of"])
async def test_a_compressed_body_is_refused(webhook: House, encoding):
    assert await webhook.post(gzip.compress(payload("text")), Content_Encoding=encoding) == 415
    assert webhook.inbox.offers == []


@pytest.mark.parametrize("body", [b'{"update_id": 1, "secret words', b"\xff\xfe", b"", b"[" * 100_000])
async def test_broken_json_is_taken_and_only_its_fingerprint_logged(webhook: House, body):
    with capture_logs() as logs:
        assert await webhook.post(body) == 200
    assert webhook.inbox.offers == []
    (line,) = logs
    assert (line["event"], line["reason"]) == ("update_unreadable", "broken JSON")
    assert len(line["body"]) == 16
    assert "secret words" not in str(logs)


@pytest.mark.parametrize("body", [b"null", b"7", b"[]", b"{}", b'{"update_id": 1, "message": 7}'])
async def test_json_that_is_no_update_is_taken_and_left(webhook: House, body):
    with capture_logs() as logs:
        assert await webhook.post(body) == 200
    assert webhook.inbox.offers == []
    assert [line["event"] for line in logs] == ["update_unreadable"]


# --- rows 6 and 7: repetitions and order -----------------------------------------------------------------------


async def test_the_same_update_fifty_times_at_once_arrives_once(webhook: House):
    statuses = await asyncio.gather(*(webhook.post(payload("text")) for _ in range(50)))
    assert set(statuses) == {200}
    assert len(webhook.inbox.offers) == 50
    assert len(webhook.inbox.arrivals) == 1


async def test_an_older_update_that_is_late_is_taken_in_its_own_place(webhook: House):
    assert await webhook.post(update(870000900, date=1767261900)) == 200
    assert await webhook.post(update(870000100, date=1767261100)) == 200
    late, early = webhook.inbox.messages
    assert early.at < late.at
    assert early.id != late.id


async def test_updates_out_of_order_are_all_taken_when_polling(polling: House):
    user = polling.sandbox.user(4711)
    polling.sandbox.faults.add(Delay(2))
    polling.sandbox.faults.add(Duplicate(1))
    async with listening(polling):
        for text in ("held back", "twice", "third"):
            user.write(text)
        await polling.inbox.offered(4)
        user.write("fourth")
        await polling.inbox.arrived(4)
    assert sorted(message.text for message in polling.inbox.messages) == ["fourth", "held back", "third", "twice"]


# --- rows 8, 10, 12, 13, 15: contents --------------------------------------------------------------------------


async def test_a_name_that_looks_like_markup_is_stored_and_answered(webhook: House):
    user = webhook.sandbox.user(4711, "<3 </a>")
    user.write("hi")
    (message,) = await webhook.inbox.arrived()
    assert isinstance(message, IncomingMessage)
    await webhook.channel.send(webhook.outbound(f"Hello {message.sender.name} & all"))
    assert webhook.sent()[0]["text"] == "Hello <3 </a> & all"


async def test_what_cannot_be_stored_is_replaced(webhook: House):
    assert await webhook.post(payload("text_with_nul_and_lone_surrogate")) == 200
    assert webhook.inbox.messages[0].text == "a\ufffdb\ufffdc 😀"


async def test_half_a_surrogate_pair_survives_polling(polling: House):
    polling.sandbox.user(4711).write("half \ud83d of it")
    async with listening(polling):
        await polling.inbox.arrived()
    assert polling.inbox.messages[0].text == "half \ufffd of it"


async def test_an_edit_is_an_edit_and_no_second_message(webhook: House):
    user = webhook.sandbox.user(4711)
    number = user.write("teh bill")
    user.edit(number, "the bill")
    message, edit = await webhook.inbox.arrived(2)
    assert isinstance(edit, IncomingEdit)
    assert (edit.message_id, edit.text) == (message.message_id, "the bill")
    assert edit.id != message.id


@pytest.mark.parametrize("name", ["from_another_bot", "our_own_message"])
async def test_what_a_bot_says_is_acknowledged_and_left(webhook: House, name):
    assert await webhook.post(payload(name)) == 200
    assert webhook.inbox.offers == []


@pytest.mark.parametrize(("name", "media_type"), [("a.html", "text/html"), ("b.svg", "image/svg+xml")])
async def test_a_file_that_could_run_comes_as_bytes(webhook: House, name, media_type):
    webhook.sandbox.user(4711).send_document(name, b"<script>alert(1)</script>", media_type, "see")
    await webhook.inbox.arrived()
    (message,) = webhook.inbox.messages
    (attachment,) = message.attachments
    assert (attachment.name, attachment.media_type, attachment.content) == (name, media_type, None)
    content = b"".join([chunk async for chunk in webhook.channel.fetch(attachment)])
    assert content == b"<script>alert(1)</script>"


# --- row 85 and the rest: what is not committed is not acknowledged --------------------------------------------


async def test_what_cannot_be_committed_is_not_acknowledged(webhook: House):
    webhook.inbox.refusing = True
    assert await webhook.post(payload("text")) == 503
    webhook.inbox.refusing = False
    assert await webhook.post(payload("text")) == 200


async def test_while_telegram_cannot_say_who_we_are_nothing_is_acknowledged(sandbox: TelegramSandbox):
    sandbox.faults.add(ServerError(), method="getMe")
    async with house(sandbox, mode="webhook") as opened:
        assert await opened.post(payload("text")) == 503
        assert await opened.post(payload("text")) == 200


async def test_without_a_public_url_telegram_is_told_nothing(sandbox: TelegramSandbox):
    async with house(sandbox, public=False, mode="webhook") as opened:
        await opened.channel.listen(opened.inbox)
    assert sandbox.main.webhook.url == ""


async def test_the_webhook_is_set_with_its_secret_even_after_trouble(sandbox: TelegramSandbox):
    sandbox.faults.add(ServerError(), method="setWebhook")
    async with house(sandbox, mode="webhook") as opened:
        await opened.channel.listen(opened.inbox)
        assert sandbox.main.webhook.url == opened.url
        assert sandbox.main.webhook.secret == SECRET
        assert sandbox.main.allowed == {"message", "edited_message", "callback_query"}


async def test_polling_ends_a_webhook_that_was_set(polling: House):
    polling.sandbox.main.webhook.url = "https://example.org/elsewhere"
    polling.sandbox.user(4711).write("hello")
    async with listening(polling):
        await polling.inbox.arrived()


@pytest.mark.parametrize("fault", [ServerError(), ServerError(502), Throttle(1)])
async def test_polling_survives_trouble(polling: House, fault):
    polling.sandbox.faults.add(fault, method="getUpdates")
    polling.sandbox.user(4711).write("hello")
    async with listening(polling):
        await polling.inbox.arrived()


async def test_one_unreadable_update_does_not_lose_its_neighbours(polling: House):
    bot = polling.sandbox.main
    polling.sandbox.user(4711).write("before")
    bot.happened("message", 4711, {"message_id": "odd"})
    polling.sandbox.user(4711).write("after")
    async with listening(polling):
        await polling.inbox.arrived(2)
    assert [message.text for message in polling.inbox.messages] == ["before", "after"]


# --- buttons, groups, albums -----------------------------------------------------------------------------------


async def _offer(opened: House, label: str) -> None:
    opened.sandbox.user(4711).write("hello")
    await opened.inbox.arrived()
    await opened.channel.send(opened.outbound("Which?", Choice(label, "the value")))


async def test_a_pressed_button_stops_spinning(webhook: House):
    await _offer(webhook, "This")
    query = webhook.sandbox.user(4711).press("This")
    press = (await webhook.inbox.arrived(2))[1]
    assert isinstance(press, ButtonPress)
    (answer,) = await webhook.sandbox.ledger.wait_for(lambda entry: entry.method == "answerCallbackQuery", 5)
    assert answer.payload["callback_query_id"] == query


async def test_a_press_is_not_lost_when_it_cannot_be_answered(webhook: House):
    await _offer(webhook, "This")
    webhook.sandbox.faults.add(ServerError(), method="answerCallbackQuery")
    webhook.sandbox.user(4711).press("This")
    await webhook.inbox.arrived(2)
    await webhook.sandbox.ledger.wait_for(lambda entry: entry.method == "answerCallbackQuery", 5)
    webhook.sandbox.user(4711).write("next")
    await webhook.inbox.arrived(3)
    assert len(webhook.inbox.offers) == 3  # it was acknowledged: it did not come again


async def test_a_press_that_is_not_committed_is_not_answered(webhook: House):
    await _offer(webhook, "This")
    webhook.inbox.refusing = True
    webhook.sandbox.user(4711).press("This")
    await webhook.inbox.offered(2)
    assert webhook.sandbox.ledger.entries(method="answerCallbackQuery") == []


async def test_in_a_group_only_what_names_us_is_heard_and_answered_there(webhook: House):
    group = webhook.sandbox.main.group(-100123)
    user = webhook.sandbox.user(4711)
    user.write("just chatting", group=group)
    user.write("@sandbox_bot a question", group=group)
    await webhook.inbox.arrived()
    (message,) = webhook.inbox.messages
    assert message.sender.address.value == "4711"
    receipt = await webhook.channel.send(webhook.outbound("an answer", context=message.context))
    (sent,) = webhook.sent()
    assert (sent["chat_id"], receipt.provider_id) == (-100123, f"-100123:{sent['message_id']}")
    assert sent["reply_parameters"]["message_id"] == int(message.context["message"])
    user.write("thanks", reply_to=sent["message_id"], group=group)
    await webhook.inbox.arrived(2)
    assert webhook.inbox.messages[1].answers == (receipt.provider_id,)


async def test_every_picture_of_an_album_is_a_message(webhook: House):
    user = webhook.sandbox.user(4711)
    for number in range(3):
        user.send_photo(b"picture" * 40, f"number {number}", album="holidays")
    await webhook.inbox.arrived(3)
    assert {message.text for message in webhook.inbox.messages} == {"number 0", "number 1", "number 2"}
    assert [len(message.attachments) for message in webhook.inbox.messages] == [1, 1, 1]


async def test_shared_contacts_and_places_arrive(webhook: House):
    user = webhook.sandbox.user(4711)
    user.send_contact("Ada", "+447700900123", user_id=4711)
    user.send_contact("Charles", "+447700900456", user_id=4712)
    user.send_location(51.5, -0.12)
    await webhook.inbox.arrived(3)
    by_kind = {bool(message.contact and message.contact.own): message for message in webhook.inbox.messages}
    assert by_kind[True].contact.phone == "+447700900123"
    assert [m.location.latitude for m in webhook.inbox.messages if m.location] == [51.5]


async def test_a_poll_that_hangs_ends_with_its_cancellation(polling: House):
    polling.sandbox.faults.add(Hang(accepted=False), method="getUpdates", count=None)
    async with listening(polling) as task:
        await asyncio.sleep(0)
        task.cancel()
        _, pending = await asyncio.wait({task}, timeout=5)
        assert not pending
