"""What leaves for Telegram, and what its answers mean."""

import asyncio
import socket

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from telegram_house import House, house

from omnibot.contract import Receipt, Refused, TryLater, Unsure
from omnibot.model import Address, Attachment, Choice, File, Link, OwnNumber, Paragraph, Steps
from omnibot.sandbox import Blocked, Cut, Hang, ServerError, Throttle
from omnibot.sandbox.telegram import TelegramSandbox
from omnibot.sandbox.telegram.html import parse_html
from omnibot_telegram.markup import to_html, to_keyboard

ADA = Address("telegram", "4711")


# --- markup ----------------------------------------------------------------------------------------------------


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_is_shown_as_it_is(text):
    assert parse_html(to_html([Paragraph(text)])) == (text, [])


def test_parts_become_one_message_with_links_and_buttons():
    html = to_html(
        [
            Paragraph("Do <this> & that:"),
            Steps(("Open it.", 'Press "OK".')),
            Link("The <manual>", 'https://example.org/?a=1&b="2"'),
            Choice("Yes", "yes"),
        ]
    )
    shown, entities = parse_html(html)
    assert shown == 'Do <this> & that:\n\n1. Open it.\n2. Press "OK".\n\nThe <manual>'
    assert entities == [
        {
            "type": "text_link",
            "offset": shown.index("The <manual>"),
            "length": 12,
            "url": 'https://example.org/?a=1&b="2"',
        }
    ]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "example.org", "ftp://example.org"])
def test_a_link_that_telegram_would_drop_is_written_out(url):
    assert parse_html(to_html([Link("More", url)])) == (f"More: {url}", [])


async def test_the_longest_message_leaves_and_a_longer_one_is_refused(talking: House):
    await talking.channel.send(talking.outbound("<" * talking.channel.limits.text))
    with pytest.raises(Refused, match="too long") as refused:
        await talking.channel.send(talking.outbound("<" * (talking.channel.limits.text + 1)))
    assert not refused.value.unreachable


async def test_nothing_to_say_is_refused(talking: House):
    with pytest.raises(Refused, match="empty"):
        await talking.channel.send(talking.outbound(Choice("Yes", "yes")))


async def test_links_are_not_previewed(talking: House):
    await talking.channel.send(talking.outbound("https://example.org"))
    assert talking.sent()[0]["link_preview_options"] == {"is_disabled": True}


# --- files -----------------------------------------------------------------------------------------------------

PICTURE = b"\x89PNG\r\n\x1a\n and so on"


def carried(opened: House) -> bytes:
    """The bytes of the latest file that went up."""
    return list(opened.sandbox.main.files.values())[-1].content


async def test_a_file_goes_along_with_its_words_below(talking: House):
    guide = talking.shelf.put("Guía & más.pdf", "application/pdf", b"x" * 200_000)
    receipt = await talking.channel.send(
        talking.outbound("Here <you> are.", guide, Choice("Thanks", "thanks"), context={"thread": "7"})
    )
    [sent] = talking.sent("sendDocument")
    assert receipt.provider_id == str(sent["message_id"])
    assert (sent["caption"], sent["chat_id"], sent["message_thread_id"]) == ("Here <you> are.", 4711, 7)
    assert sent["reply_markup"]["inline_keyboard"] == [[{"text": "Thanks", "callback_data": "thanks"}]]
    assert carried(talking) == b"x" * 200_000
    document = talking.sandbox.main.chats[4711].messages[sent["message_id"]]["document"]
    assert document["file_name"] == "Guía & más.pdf"


async def test_a_picture_is_shown_as_one(talking: House):
    await talking.channel.send(talking.outbound("Look:", talking.shelf.put("a.png", "image/png", PICTURE)))
    [sent] = talking.sent("sendPhoto")
    assert sent["caption"] == "Look:"
    assert carried(talking) == PICTURE


async def test_a_file_needs_no_words(talking: House):
    await talking.channel.send(talking.outbound(talking.shelf.put("a.txt", "text/plain", b"hello")))
    [sent] = talking.sent("sendDocument")
    assert sent["caption"] == ""


async def test_what_telegram_cannot_show_as_a_picture_goes_as_a_document(talking: House):
    odd = talking.shelf.put("a.png", "image/png", b"no picture")
    await talking.channel.send(talking.outbound("Look:", odd))
    assert talking.sent("sendPhoto") == []
    [sent] = talking.sent("sendDocument")
    assert sent["caption"] == "Look:"
    assert carried(talking) == b"no picture"


async def test_another_reason_to_turn_a_picture_down_holds_for_documents_too(talking: House):
    talking.sandbox.main.chats[4711].blocked = True
    with pytest.raises(Refused, match="blocked") as refused:
        await talking.channel.send(talking.outbound(talking.shelf.put("a.png", "image/png", PICTURE)))
    assert refused.value.unreachable


async def test_a_large_picture_is_a_document(talking: House):
    large = talking.shelf.put("a.png", "image/png", PICTURE + b"x" * 10_000_000)
    await talking.channel.send(talking.outbound(large))
    assert len(talking.sent("sendDocument")) == 1


async def test_a_file_that_is_gone_is_refused_and_nothing_is_sent(talking: House):
    with pytest.raises(Refused, match="no such file"):
        await talking.channel.send(talking.outbound("Here:", File("a.pdf", "application/pdf", 1, "shelf:gone")))
    assert talking.sent() == talking.sent("sendDocument") == []


async def test_no_file_name_breaks_the_form(talking: House):
    name = 'a"\r\nContent-Type: text/html\\.pdf'
    await talking.channel.send(talking.outbound(talking.shelf.put(name, "application/pdf", b"x")))
    assert len(talking.sent("sendDocument")) == 1
    assert carried(talking) == b"x"


async def test_a_cut_connection_leaves_a_file_unsure(talking: House):
    talking.sandbox.faults.add(Cut(accepted=True), method="sendDocument")
    with pytest.raises(Unsure):
        await talking.channel.send(talking.outbound(talking.shelf.put("a.pdf", "application/pdf", b"x")))


async def test_a_caption_is_no_longer_than_the_limits_say(talking: House):
    limits = talking.channel.limits
    guide = talking.shelf.put("a.pdf", "application/pdf", b"x")
    await talking.channel.send(talking.outbound("<" * limits.caption, guide))
    with pytest.raises(Refused, match="too long"):
        await talking.channel.send(talking.outbound("<" * (limits.caption + 1), guide))


# --- outcomes --------------------------------------------------------------------------------------------------


async def send(opened: House, **more) -> Receipt:
    return await opened.channel.send(opened.outbound("hello", **more))


async def test_whom_telegram_does_not_know_is_unreachable(polling: House):
    with pytest.raises(Refused, match="chat not found") as refused:
        await send(polling)
    assert refused.value.unreachable


async def test_who_blocked_us_is_unreachable(talking: House):
    talking.sandbox.faults.add(Blocked(), method="sendMessage")
    with pytest.raises(Refused, match="blocked by the user") as refused:
        await send(talking)
    assert refused.value.unreachable


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_an_error_that_the_api_itself_admits_is_tried_again(talking: House, status):
    talking.sandbox.faults.add(ServerError(status), method="sendMessage")
    with pytest.raises(TryLater) as later:
        await send(talking)
    assert later.value.after is None
    await send(talking)
    assert len(talking.sent()) == 1


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("fault", [Hang, Cut])
async def test_without_an_answer_nobody_can_know(sandbox: TelegramSandbox, fault, accepted):
    async with house(sandbox, timeout=0.5) as opened:
        sandbox.user(4711).write("hello")
        sandbox.faults.add(fault(accepted=accepted), method="sendMessage")
        with pytest.raises(Unsure):
            await send(opened)
        assert len(opened.sent()) == accepted


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (502, "<html>Bad Gateway</html>"),
        (200, "<html>Welcome to the hotel's network</html>"),
        (200, '{"ok": true}'),
        (200, '{"ok": true, "result": {"message_id": "seven"}}'),
        (200, ""),
    ],
)
async def test_an_answer_that_is_not_telegrams_leaves_us_unsure(sandbox: TelegramSandbox, status, body):
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    async with _server(answer) as url, house(sandbox, api_url=url) as opened:
        with pytest.raises(Unsure):
            await send(opened)


@pytest.mark.parametrize(
    "body",
    [
        '{"ok": true, "result": {"message_id": 7, "text": "half of an emoji: \\ud83d"}}',
        '{"ok": true, "result": {"message_id": 7, "chat": {"id": 4711}}, "new": {"some": "day"}}',
    ],
)
async def test_of_an_answer_the_id_alone_matters(sandbox: TelegramSandbox, body):
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    async with _server(answer) as url, house(sandbox, api_url=url) as opened:
        assert (await send(opened)).provider_id == "7"


@pytest.mark.parametrize("status", [200, 406, 413, 418])
async def test_any_other_refusal_of_telegrams_is_final(sandbox: TelegramSandbox, status):
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"ok": False, "error_code": status, "description": "No"}, status=status)

    async with _server(answer) as url, house(sandbox, api_url=url) as opened:
        with pytest.raises(Refused, match="No") as refused:
            await send(opened)
    assert not refused.value.unreachable


class _server:
    def __init__(self, handler) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def __aenter__(self) -> str:
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    async def __aexit__(self, *_) -> None:
        await self.runner.cleanup()


async def test_where_nobody_listens_it_is_tried_again(sandbox: TelegramSandbox):
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        async with house(sandbox, api_url=url) as opened:
            with pytest.raises(TryLater, match="cannot be reached"):
                await send(opened)


async def test_with_a_wrong_token_messages_wait(sandbox: TelegramSandbox):
    async with house(sandbox, token="4242:of_somebody_else") as opened:
        with pytest.raises(TryLater, match="token"):
            await send(opened)


@pytest.mark.parametrize(("context", "alone"), [({"chat": "-55"}, True), ({}, False)])
async def test_nobody_else_waits_for_the_limit_of_a_group(talking: House, context, alone):
    talking.sandbox.main.group(-55, "Engines")
    talking.sandbox.faults.add(Throttle(30), method="sendMessage")
    with pytest.raises(TryLater) as later:
        await send(talking, context=context)
    assert (later.value.after, later.value.alone) == (30, alone)


async def test_a_group_that_became_a_supergroup_is_followed(talking: House):
    group = talking.sandbox.main.group(-55, "Engines")
    successor = talking.sandbox.main.group(-10055, "Engines")
    group.migrated_to = successor.id
    receipt = await send(talking, context={"chat": "-55", "message": "7"})
    (sent,) = talking.sent()
    assert (sent["chat_id"], sent.get("reply_parameters")) == (-10055, None)
    assert receipt == Receipt(f"-10055:{sent['message_id']}", {"chat": "-10055"})


async def test_a_successor_that_is_gone_too_is_refused(talking: House):
    talking.sandbox.main.group(-55).migrated_to = -10055
    with pytest.raises(Refused) as refused:
        await send(talking, context={"chat": "-55"})
    assert refused.value.unreachable


async def test_a_topic_is_answered_in_the_topic(talking: House):
    talking.sandbox.main.group(-10055)
    await send(talking, context={"chat": "-10055", "thread": "5"})
    assert talking.sent()[0]["message_thread_id"] == 5


async def test_a_cancelled_send_ends(talking: House):
    talking.sandbox.faults.add(Hang(accepted=True), method="sendMessage")
    sending = asyncio.ensure_future(send(talking))
    await talking.sandbox.ledger.wait_for(lambda entry: entry.method == "sendMessage", 5)
    sending.cancel()
    _, pending = await asyncio.wait({sending}, timeout=5)
    assert not pending


# --- what else is done at Telegram -----------------------------------------------------------------------------


async def test_typing_is_shown_where_the_answer_will_be(talking: House):
    talking.sandbox.main.group(-10055)
    await talking.channel.typing(ADA, {})
    await talking.channel.typing(ADA, {"chat": "-10055", "thread": "5"})
    shown = [entry.payload for entry in talking.sandbox.ledger.entries(method="sendChatAction")]
    assert shown == [
        {"chat_id": 4711, "action": "typing"},
        {"chat_id": -10055, "action": "typing", "message_thread_id": 5},
    ]


async def test_typing_that_fails_disturbs_nobody(talking: House):
    talking.sandbox.faults.add(ServerError(), method="sendChatAction")
    await talking.channel.typing(ADA, {})


async def test_a_message_can_be_taken_back(talking: House):
    receipt = await send(talking)
    assert await talking.channel.redact(ADA, receipt)
    assert not await talking.channel.redact(ADA, receipt)


def attachment(ref: str, size: int | None = None) -> Attachment:
    return Attachment(name="a.bin", media_type="application/octet-stream", ref=ref, size=size)


async def fetched(opened: House, file: Attachment) -> bytes:
    return b"".join([chunk async for chunk in opened.channel.fetch(file)])


async def test_a_file_that_says_it_is_too_large_is_not_asked_for(polling: House):
    with pytest.raises(Refused, match="larger than"):
        await fetched(polling, attachment("any", polling.channel.settings.max_file_bytes + 1))


async def test_a_file_that_turns_out_too_large_is_cut_off(sandbox: TelegramSandbox):
    file = sandbox.main.store("a.bin", b"x" * 1001)
    async with house(sandbox, max_file_bytes=1000) as opened:
        with pytest.raises(Refused, match="larger than 1000 bytes"):
            await fetched(opened, attachment(file.id))


async def test_a_file_that_nobody_has_is_refused(polling: House):
    with pytest.raises(Refused):
        await fetched(polling, attachment("unheard-of"))


async def test_a_file_is_asked_for_again_when_there_was_no_answer(polling: House):
    file = polling.sandbox.main.store("a.bin", b"content")
    polling.sandbox.faults.add(Cut(accepted=False), method="getFile")
    with pytest.raises(TryLater):
        await fetched(polling, attachment(file.id))
    assert await fetched(polling, attachment(file.id)) == b"content"


async def test_a_file_that_vanishes_meanwhile_is_tried_again(sandbox: TelegramSandbox):
    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("getFile"):
            file = {"file_id": "f", "file_unique_id": "f", "file_path": "gone"}
            return web.json_response({"ok": True, "result": file})
        return web.Response(status=404)

    async with _server(answer) as url, house(sandbox, api_url=url) as opened:
        with pytest.raises(TryLater, match="did not come through"):
            await fetched(opened, attachment("f"))


async def test_a_file_without_a_path_is_refused(sandbox: TelegramSandbox):
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "result": {"file_id": "f", "file_unique_id": "f"}})

    async with _server(answer) as url, house(sandbox, api_url=url) as opened:
        with pytest.raises(Refused, match="does not hand this file out"):
            await fetched(opened, attachment("f"))


# --- the button for somebody's own number ------------------------------------------------------------------------


async def test_a_button_asks_for_their_own_number_and_is_put_away_after_one_press(talking: House):
    await talking.channel.send(talking.outbound("Which one?", OwnNumber("Share my number")))
    markup = talking.sent()[-1]["reply_markup"]
    assert markup == {
        "keyboard": [[{"text": "Share my number", "request_contact": True}]],
        "resize_keyboard": True,
        "one_time_keyboard": True,
    }


async def test_the_button_is_taken_away_when_nobody_is_asked_any_more(talking: House):
    await talking.channel.send(talking.outbound("Thanks", OwnNumber("")))
    assert talking.sent()[-1]["reply_markup"] == {"remove_keyboard": True}


async def test_a_message_has_one_keyboard_and_choices_come_first(talking: House):
    await talking.channel.send(talking.outbound("Well?", OwnNumber("Share my number"), Choice("Yes", "yes")))
    assert "inline_keyboard" in talking.sent()[-1]["reply_markup"]


def test_a_group_is_asked_for_no_number():
    assert to_keyboard([OwnNumber("Share my number")], private=False) is None
    assert to_keyboard([Paragraph("x")]) is None
