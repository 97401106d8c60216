"""What goes out: where to, what Slack's answers mean, what becomes of the unknown, and how it is taken back."""

import pytest
from slack_house import House, house

from omnibot.contract import Receipt, Refused, TryLater, Unsure
from omnibot.logs import in_known_words
from omnibot.model import Address, Choice, File, Link, Paragraph, Steps
from omnibot.sandbox import Blocked, Cut, Hang, ServerError, Throttle
from omnibot.sandbox.slack import SlackSandbox
from omnibot_slack.account import CallFailed
from omnibot_slack.outcomes import _CLOSED, _GONE, _OURS, _PASSING, _UNSURE, of_a_question, outcome
from omnibot_slack.pace import Pace

BILL = File("bill.pdf", "application/pdf", 16, "bill")


# --- where to --------------------------------------------------------------------------------------------------


async def test_an_answer_goes_to_where_they_wrote(events: House):
    events.workspace.channel("C0HELP", "help", [events.ada])
    root = events.ada.mention("where are my invoices?", "C0HELP")
    [message] = await events.inbox.arrived()
    receipt = await events.channel.send(events.outbound("Under Billing.", context=message.context))
    [posted] = events.posted()
    assert (posted["channel"], posted["thread_ts"]) == ("C0HELP", root)
    assert receipt == Receipt(f"C0HELP:{posted['ts']}")
    assert [(shown.text, shown.thread_ts) for shown in events.ada.messages][1:] == [("Under Billing.", root)]


async def test_a_direct_message_is_answered_flat(events: House):
    events.ada.write("hello")
    [message] = await events.inbox.arrived()
    await events.channel.send(events.outbound("Hello Ada", context=message.context))
    [posted] = events.posted()
    assert "thread_ts" not in posted


async def test_a_thread_in_a_direct_message_is_answered_there(events: House):
    first = events.ada.write("hello")
    events.ada.write("and this?", thread_ts=first)
    message = (await events.inbox.arrived(2))[1]
    await events.channel.send(events.outbound("That too.", context=message.context))
    assert [posted["thread_ts"] for posted in events.posted()] == [first]


async def test_who_never_wrote_is_written_to_directly(events: House):
    receipts = [await events.channel.send(events.outbound(text)) for text in ("hello", "again")]
    assert [receipt.context for receipt in receipts] == [events.direct(), events.direct()]
    assert len(events.posted("conversations.open")) == 1
    assert [shown.text for shown in events.ada.messages] == ["hello", "again"]


async def test_where_a_channel_is_closed_it_is_answered_directly(events: House):
    events.workspace.channel("C0HELP", "help", [events.ada], bot=False)
    context = {"channel": "C0HELP", "thread": "1767258000.000100"}
    receipt = await events.channel.send(events.outbound("Under Billing.", context=context))
    assert receipt.context == events.direct()
    assert [shown.text for shown in events.ada.messages] == ["Under Billing."]


async def test_where_a_thread_is_gone_it_is_answered_beside_it(events: House):
    context = {**events.direct(), "thread": "1767258000.000100"}
    receipt = await events.channel.send(events.outbound("Under Billing.", context=context))
    assert receipt.context == events.direct()
    assert [shown.thread_ts for shown in events.ada.messages] == [""]


async def test_a_direct_conversation_that_is_closed_is_not_tried_twice(events: House):
    events.sandbox.faults.add(Blocked(), method="chat.postMessage")
    with pytest.raises(Refused, match="channel_not_found") as refused:
        await events.channel.send(events.outbound("hello", context=events.direct()))
    assert refused.value.unreachable


@pytest.mark.parametrize("leave", ["deactivated", "unknown"])
async def test_who_is_gone_is_unreachable(events: House, leave):
    if leave == "deactivated":
        events.ada.deactivate()
    to = Address("slack", events.ada.address if leave == "deactivated" else "T0SANDBOX1/U0NOBODY")
    with pytest.raises(Refused) as refused:
        await events.channel.send(events.outbound("hello", to=to))
    assert refused.value.unreachable


# --- what ------------------------------------------------------------------------------------------------------


async def test_slack_takes_and_shows_every_part(events: House):
    parts = [
        Paragraph("Dear <Ada> & all, see https://example.org/a."),
        Steps(("Open it.", "Press *Save*.")),
        Link("The handbook", "https://example.org/?a=1&b=2"),
        Choice("Yes", "yes"),
    ]
    await events.channel.send(events.outbound(*parts))
    [shown] = events.ada.messages
    for words in ("Dear <Ada> & all, see https://example.org/a.", "Open it.", "Press *Save*.", "The handbook"):
        assert words in shown.text
    assert shown.choices == ("Yes",)
    [posted] = events.posted()
    assert (posted["unfurl_links"], posted["unfurl_media"]) == (False, False)
    assert posted["text"].startswith("Dear &lt;Ada&gt; &amp; all")


# rows 26 and 27: what a customer wrote, when it is shown to others
@pytest.mark.parametrize("text", ["<!channel>", "<@U0ADA>", "<https://evil|bank.com>", "@channel", "*bold*", "> quote"])
async def test_what_a_customer_wrote_is_literal_where_others_read_it(events: House, text):
    events.workspace.channel("C0TEAM", "team", [events.ada])
    await events.channel.send(events.outbound(text, context={"channel": "C0TEAM"}))
    [shown] = events.ada.messages
    assert shown.text == text
    [element] = shown.message["blocks"][0]["elements"][0]["elements"][:1]
    assert element["type"] in ("text", "link")
    assert "<" not in shown.message["text"]


async def test_the_longest_message_is_taken(events: House):
    await events.channel.send(events.outbound("&" * events.channel.limits.text))
    assert len(events.ada.messages[0].text) == events.channel.limits.text


# --- what the answers mean -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failed", "meant"),
    [
        (CallFailed("", reason="x", reached=False), TryLater("Slack cannot be reached")),
        (CallFailed("ratelimited", status=429, after=7), TryLater("Slack throttles", 7)),
        (CallFailed("", reason="status: 429", status=429, after=3), TryLater("Slack throttles", 3)),
        (CallFailed("ratelimited", status=200, after=2), TryLater("ratelimited", 2)),
        (CallFailed("service_unavailable", status=503), TryLater("service_unavailable")),
        (CallFailed("invalid_auth"), TryLater("invalid_auth")),
        (CallFailed("missing_scope"), TryLater("missing_scope")),
        (CallFailed("internal_error", status=500), Unsure("internal_error")),
        (CallFailed("fatal_error"), Unsure("fatal_error")),
        (CallFailed("", reason="status: 502", status=502), Unsure("status: 502")),
        (CallFailed("invalid_blocks"), Refused("invalid_blocks")),
        (CallFailed("user_disabled"), Refused("user_disabled", unreachable=True)),
        (CallFailed("not_in_channel"), Refused("not_in_channel")),
    ],
    ids=str,
)
def test_an_answer_means(failed, meant):
    told = outcome(failed)
    assert (type(told), vars(told)) == (type(meant), vars(meant))


def test_a_question_can_be_asked_again():
    assert isinstance(of_a_question(CallFailed("", reason="no answer")), TryLater)
    assert isinstance(of_a_question(CallFailed("user_not_found")), Refused)


@pytest.mark.parametrize("fault", [Cut(accepted=True), Cut(accepted=False), ServerError(500)], ids=str)
async def test_what_may_have_been_taken_is_not_sent_again(events: House, fault):
    events.sandbox.faults.add(fault, method="chat.postMessage")
    with pytest.raises(Unsure):
        await events.channel.send(events.outbound("once", context=events.direct()))
    assert len(events.posted()) <= 1


async def test_an_answer_that_does_not_come_is_unsure(sandbox: SlackSandbox):
    sandbox.faults.add(Hang(accepted=True), method="chat.postMessage")
    async with house(sandbox, timeout=0.5) as opened:
        with pytest.raises(Unsure, match="TimeoutError"):
            await opened.channel.send(opened.outbound("once", context=opened.direct()))
        assert len(opened.posted()) == 1


async def test_nobody_there_is_tried_later(sandbox: SlackSandbox):
    async with house(sandbox, api_url="http://127.0.0.1:1/api/") as opened:
        with pytest.raises(TryLater, match="cannot be reached"):
            await opened.channel.send(opened.outbound("hello", context={"channel": "D0ADA"}))


@pytest.mark.parametrize("fault", [Throttle(3), ServerError(500), Cut(accepted=False)], ids=str)
async def test_opening_a_conversation_can_be_tried_again(events: House, fault):
    events.sandbox.faults.add(fault, method="conversations.open", count=None)
    with pytest.raises(TryLater):
        await events.channel.send(events.outbound("hello"))
    events.sandbox.faults.clear()
    await events.channel.send(events.outbound("hello"))
    assert len(events.posted()) == 1


# --- how fast --------------------------------------------------------------------------------------------------


def test_a_conversation_gets_one_message_a_second():
    now = 100.0
    pace = Pace(1.0, lambda: now)
    assert [pace.take(conversation) for conversation in ("ada", "ada", "ben", "ada")] == [0, 1, 0, 2]
    now = 102.5
    assert [pace.take("ada"), pace.take("ben")] == [0.5, 0]


def test_what_would_wait_too_long_comes_again():
    pace = Pace(4.0, lambda: 100.0)
    assert [pace.take("help"), pace.take("help")] == [0, 4]
    with pytest.raises(TryLater) as later:
        pace.take("help")
    assert (later.value.after, later.value.alone) == (8, True)  # nobody elsewhere waits for it


def test_what_was_long_ago_is_forgotten(monkeypatch):
    monkeypatch.setattr("omnibot_slack.pace._MOST", 2)
    pace = Pace(4.0, lambda: 100.0)
    assert [pace.take(conversation) for conversation in ("a", "b", "c", "a", "c")] == [0, 0, 0, 0, 4]


async def test_messages_are_paced(sandbox: SlackSandbox):
    async with house(sandbox, conversation_seconds=60) as opened:
        await opened.channel.send(opened.outbound("one", context=opened.direct()))
        with pytest.raises(TryLater, match="too many"):
            await opened.channel.send(opened.outbound("two", context=opened.direct()))
        assert len(opened.posted()) == 1


# --- files -----------------------------------------------------------------------------------------------------


async def test_a_file_goes_with_its_words(events: House):
    events.files.contents["bill"] = b"%PDF-1.7 the bill"
    events.workspace.channel("C0HELP", "help", [events.ada])
    root = events.ada.mention("my bill, please", "C0HELP")
    [message] = await events.inbox.arrived()
    parts = ("Here <it> is.", BILL, Choice("Thanks", "thanks"))
    receipt = await events.channel.send(events.outbound(*parts, context=message.context))
    [shared] = events.posted("files.completeUploadExternal")
    assert (shared["channel_id"], shared["thread_ts"]) == ("C0HELP", root)
    assert shared["initial_comment"] == "Here &lt;it&gt; is.\n\n– Thanks"
    [file] = events.workspace.files.values()
    assert (file.name, file.content) == ("bill.pdf", b"%PDF-1.7 the bill")
    assert receipt.provider_id == f"C0HELP:{file.id}"
    assert [shown.files for shown in events.ada.messages if shown.files] == [("bill.pdf",)]


async def test_a_file_goes_alone(events: House):
    events.files.contents["bill"] = b"%PDF-1.7 the bill"
    await events.channel.send(events.outbound(BILL, BILL))
    [shared] = events.posted("files.completeUploadExternal")
    assert len(shared["files"]) == 2
    assert "initial_comment" not in shared


@pytest.mark.parametrize("fault", [ServerError(500), Cut(accepted=False), Throttle(3)], ids=str)
async def test_an_upload_that_fails_is_tried_again(events: House, fault):
    events.files.contents["bill"] = b"%PDF-1.7 the bill"
    events.sandbox.faults.add(fault, method="files.getUploadURLExternal", count=None)
    with pytest.raises(TryLater):
        await events.channel.send(events.outbound(BILL, context=events.direct()))
    events.sandbox.faults.clear()
    await events.channel.send(events.outbound(BILL, context=events.direct()))
    assert [shown.files for shown in events.ada.messages] == [("bill.pdf",)]


async def test_a_share_that_may_have_happened_is_unsure(events: House):
    events.files.contents["bill"] = b"%PDF-1.7 the bill"
    events.sandbox.faults.add(Cut(accepted=True), method="files.completeUploadExternal")
    with pytest.raises(Unsure):
        await events.channel.send(events.outbound(BILL, context=events.direct()))
    assert await events.channel.reconcile([events.outbound(BILL, context=events.direct())]) == {}


# --- what nobody knows -----------------------------------------------------------------------------------------


async def test_a_message_that_slack_has_is_found(events: House):
    events.sandbox.faults.add(Cut(accepted=True), method="chat.postMessage")
    lost, never = (events.outbound("once", id=id, context=events.direct()) for id in (7, 8))
    with pytest.raises(Unsure):
        await events.channel.send(lost)
    [posted] = events.posted()
    found = await events.channel.reconcile([lost, never])
    assert found == {7: Receipt(f"{posted['channel']}:{posted['ts']}"), 8: None}


async def test_a_message_in_a_thread_is_found(events: House):
    events.workspace.channel("C0HELP", "help", [events.ada])
    events.ada.mention("where?", "C0HELP")
    [message] = await events.inbox.arrived()
    lost = events.outbound("there", id=7, context=message.context)
    receipt = await events.channel.send(lost)
    assert await events.channel.reconcile([lost]) == {7: receipt}


async def test_a_message_whose_place_was_closed_is_found_where_it_went(events: House):
    events.workspace.channel("C0HELP", "help", [events.ada])
    lost = events.outbound("there", id=7, context={"channel": "C0HELP"})
    events.sandbox.faults.add(Blocked(), method="chat.postMessage")
    receipt = await events.channel.send(lost)
    assert await events.channel.reconcile([lost]) == {7: Receipt(receipt.provider_id)}


async def test_the_message_of_another_server_is_not_ours(sandbox: SlackSandbox, events: House):
    await events.channel.send(events.outbound("once", id=7, context=events.direct()))
    async with house(sandbox, key=b"another server's key") as other:
        assert await other.channel.reconcile([other.outbound("once", id=7, context=other.direct())]) == {7: None}


async def test_what_cannot_be_searched_whole_is_left_unknown(events: House, monkeypatch):
    monkeypatch.setattr("omnibot_slack.outgoing.PAGE", 2)
    monkeypatch.setattr("omnibot_slack.outgoing.PAGES", 2)
    for id in range(1, 6):
        await events.channel.send(events.outbound("once", id=id, context=events.direct()))
    wanted = [events.outbound("once", id=id, context=events.direct()) for id in (1, 2, 99)]
    assert [*await events.channel.reconcile(wanted)] == [2]


async def test_without_the_scope_nothing_is_said(events: House):
    events.workspace.scopes.discard("im:history")
    assert await events.channel.reconcile([events.outbound("once", context=events.direct())]) == {}
    events.workspace.scopes.discard("im:write")
    assert await events.channel.reconcile([events.outbound("once")]) == {}


# --- taking it back --------------------------------------------------------------------------------------------


async def test_a_message_can_be_taken_back(events: House):
    message = events.outbound("a secret")
    receipt = await events.channel.send(message)
    assert await events.channel.redact(message.to, receipt)
    assert events.ada.messages == []
    assert await events.channel.redact(message.to, receipt)  # it is gone


async def test_files_can_be_taken_back(events: House):
    events.files.contents["bill"] = b"%PDF-1.7 the bill"
    message = events.outbound(BILL, BILL)
    receipt = await events.channel.send(message)
    assert await events.channel.redact(message.to, receipt)
    assert events.workspace.files == {}


async def test_what_cannot_be_taken_back_is_said(events: House):
    message = events.outbound("a secret")
    receipt = await events.channel.send(message)
    events.sandbox.faults.add(ServerError(), method="chat.delete")
    assert not await events.channel.redact(message.to, receipt)


# --- addresses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["U0ADA", "T0/@ada", "t0/u0", "slack:T0/U0", "T0/U0/x", "", "T0/C0"])
def test_what_is_no_address_is_said_so(events: House, text):
    with pytest.raises(ValueError, match="such as T0123/U0456"):
        events.channel.address(text)


@pytest.mark.parametrize(
    "words", [_GONE, _CLOSED, _OURS, _PASSING, _UNSURE], ids=["gone", "closed", "ours", "passing", "unsure"]
)
def test_slacks_own_words_can_be_logged(words):
    assert [word for word in sorted(words) if in_known_words(word) != word] == []
