"""The people of the emulated Slack: what they press, command, fill in and see."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from slack_caller import Caller, Server, caller, server, until

from omnibot.sandbox import Cut, Hang, Outcome, ServerError
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.slack import Person

PNG = SentFile("map.png", "image/png", b"\x89PNG and so on")


def plain(text: str) -> dict:
    return {"type": "plain_text", "text": text}


def button(label: str, **fields) -> dict:
    return {"type": "button", "text": plain(label), **fields}


def actions(*elements: dict) -> list[dict]:
    return [{"type": "actions", "elements": list(elements)}]


def modal(**fields) -> dict:
    field = {"type": "plain_text_input", "action_id": "words"}
    block = {"type": "input", "block_id": "note", "label": plain("Note"), "element": field}
    return {"type": "modal", "title": plain("Add a note"), "submit": plain("Save"), "blocks": [block], **fields}


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Caller]:
    async with caller() as called:
        called.workspace.app.subscriptions.clear()  # nothing but what is pressed and commanded
        yield called


@pytest_asyncio.fixture
async def hook(slack: Caller) -> AsyncIterator[Server]:
    async with server() as listening:
        slack.workspace.deliver_to(listening.url)
        yield listening


@pytest.fixture
def ada(slack: Caller) -> Person:
    return slack.workspace.user("U0ADA", "Ada Lovelace")


async def post(slack: Caller, url: str, **body) -> tuple[int, dict]:
    async with slack.client.post(url, json=body) as answer:
        return answer.status, await answer.json()


# --- writing and seeing ----------------------------------------------------------------------------------------


async def test_people_write_names_and_see_them(slack: Caller, ada: Person):
    bob = slack.workspace.user("U0BOB", "Bob B. Builder")
    general = slack.workspace.channel("C0GENERAL", "general", [ada, bob])
    slack.workspace.usergroup("S0SUPPORT", "support", [bob])
    ada.write("@bob.b.builder see #general, @nobody #nowhere me@example.org @here", general)
    (shown,) = bob.messages
    assert shown.message["text"] == (
        "<@U0BOB> see <#C0GENERAL|general>, @nobody #nowhere <mailto:me@example.org|me@example.org> <!here>"
    )
    assert shown.text == "@Bob B. Builder see #general, @nobody #nowhere me@example.org @here"
    ada.send("<!subteam^S0SUPPORT> <#C0GENERAL> <@U0GONE>", general)
    assert bob.messages[-1].text == "@support #general @U0GONE"


async def test_nobody_edits_or_reads_what_is_not_theirs(slack: Caller, ada: Person):
    bob = slack.workspace.user("U0BOB", "Bob")
    ts = ada.write("mine")
    with pytest.raises(LookupError):
        bob.edit(ts, "ours")
    with pytest.raises(LookupError):
        bob.write("me too", slack.workspace.direct(ada.id))
    general = slack.workspace.channel("C0GENERAL", members=[ada, bob])
    with pytest.raises(LookupError):
        bob.delete(ada.write("mine", general))
    assert bob.handle == "bob"
    assert slack.workspace.user("U0SIGNS", "☃").handle == "u0signs"


# --- pressing --------------------------------------------------------------------------------------------------


async def test_the_latest_message_that_offers_it_is_pressed(slack: Caller, hook: Server, ada: Person):
    red, blue = ({"text": plain(label), "value": label[0].lower()} for label in ("Red", "Blue"))
    groups = [{"label": plain("Warm"), "options": [red]}, {"label": plain("Cold"), "options": [blue]}]
    menu = {"type": "static_select", "option_groups": groups}
    first = await slack.result("chat.postMessage", channel=ada.id, blocks=actions(button("Yes", value="1")))
    await slack.result("chat.postMessage", channel=ada.id, blocks=actions(button("Yes", value="2"), menu))
    await slack.result("chat.postMessage", channel=ada.id, text="and so on")
    ada.press("Yes")
    ada.press("Yes", first["ts"])
    ada.press("Blue")
    pressed = [posted.body["actions"][0] for posted in await hook.next(3)]
    assert {action.get("value") or action["selected_option"]["value"] for action in pressed} == {"1", "2", "b"}
    assert ada.messages[1].choices == ("Yes", "Red", "Blue")
    with pytest.raises(LookupError):
        ada.press("Perhaps")
    with pytest.raises(LookupError):
        ada.press("Blue", first["ts"])


async def test_a_press_is_answered_at_its_response_url(slack: Caller, hook: Server, ada: Person):
    sent = await slack.result("chat.postMessage", channel=ada.id, text="Well?", blocks=actions(button("Yes")))
    ada.press("Yes")
    url = (await hook.next())[0].body["response_url"]
    assert await post(slack, url, text="*Done*") == (200, {"ok": True})
    assert [(shown.ts, shown.text, shown.choices) for shown in ada.messages] == [(sent["ts"], "Done", ())]
    await post(slack, url, text="a note", replace_original=False)
    await post(slack, url, text="for all", replace_original=False, response_type="in_channel")
    assert [(shown.text, shown.ephemeral) for shown in ada.messages[1:]] == [("a note", True), ("for all", False)]
    await post(slack, url, delete_original=True)
    assert len(ada.messages) == 2
    assert await post(slack, url, text="too late", replace_original=True) == (
        400,
        {"ok": False, "error": "message_not_found"},
    )
    seen = [(entry.method, entry.to, entry.text) for entry in slack.sandbox.ledger.entries("slack", "response")]
    assert seen[:2] == [("response", f"slack:{ada.address}", "Done"), ("response", f"slack:{ada.address}", "a note")]


async def test_an_ephemeral_message_is_replaced_and_deleted_by_its_response_url_alone(
    slack: Caller, hook: Server, ada: Person
):
    direct = slack.workspace.direct(ada.id)
    await slack.result("chat.postEphemeral", channel=direct.id, user=ada.id, blocks=actions(button("Yes")))
    ada.press("Yes")
    body = (await hook.next())[0].body
    assert (body["container"]["is_ephemeral"], "message" in body) == (True, False)
    await post(slack, body["response_url"], text="Done")
    assert [(shown.text, shown.ephemeral) for shown in ada.messages] == [("Done", True)]
    await post(slack, body["response_url"], delete_original=True)
    assert ada.messages == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"text": " "}, "no_text"),
        ({"text": "x", "colour": "red"}, "invalid_arguments"),
        ({"text": "x", "response_type": "loud"}, "invalid_arguments"),
        ({"blocks": [{}]}, "invalid_blocks"),
        ({"delete_original": True}, "message_not_found"),
    ],
)
async def test_an_answer_that_slack_would_not_take(slack: Caller, hook: Server, ada: Person, body, error):
    ada.command("/ask")
    url = (await hook.next())[0].body["response_url"]
    assert await post(slack, url, **body) == (400, {"ok": False, "error": error})
    assert ada.messages == []


async def test_a_response_url_is_good_five_times_in_half_an_hour(
    slack: Caller, hook: Server, ada: Person, monkeypatch: pytest.MonkeyPatch
):
    ada.command("/ask")
    ada.command("/ask")
    used, old = [posted.body["response_url"] for posted in await hook.next(2)]
    for _ in range(5):
        assert (await post(slack, used, text="x"))[0] == 200
    assert await post(slack, used, text="x") == (404, {"ok": False, "error": "used_url"})
    monkeypatch.setattr("omnibot.sandbox.slack.responses.SECONDS", 0.0)
    assert await post(slack, old, text="x") == (404, {"ok": False, "error": "expired_url"})
    assert (await post(slack, f"{slack.sandbox.url}/actions/guessed", text="x"))[0] == 404


async def test_what_is_long_past_is_forgotten(
    slack: Caller, hook: Server, ada: Person, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("omnibot.sandbox.slack.responses.KEPT", 1)
    monkeypatch.setattr("omnibot.sandbox.slack.workspace.KEPT_TRIGGERS", 1)
    ada.command("/ask", "first")
    ada.command("/ask", "second")
    bodies = {posted.body["text"]: posted.body for posted in await hook.next(2)}
    assert (await post(slack, bodies["first"]["response_url"], text="x"))[0] == 404
    assert (await post(slack, bodies["second"]["response_url"], text="x"))[0] == 200
    forgotten = {"trigger_id": bodies["first"]["trigger_id"], "view": modal()}
    assert await slack.error("views.open", **forgotten) == "invalid_trigger_id"


async def test_a_response_url_misbehaves_on_command(slack: Caller, hook: Server, ada: Person):
    ada.command("/ask")
    url = (await hook.next())[0].body["response_url"]
    slack.sandbox.faults.add(ServerError(), method="response", address=ada.address)
    assert (await post(slack, url, text="x"))[0] == 500
    slack.sandbox.faults.add(Cut(accepted=False), method="response")
    with pytest.raises(aiohttp.ClientError):
        await post(slack, url, text="lost")
    slack.sandbox.faults.add(Hang(accepted=True), method="response")
    waiting = asyncio.ensure_future(post(slack, url, text="taken"))
    await slack.sandbox.ledger.wait_for(lambda entry: entry.outcome is Outcome.UNANSWERED, 5)
    waiting.cancel()
    assert [shown.text for shown in ada.messages] == ["taken"]


# --- commanding ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (web.Response(), []),
        (web.Response(text="*plain* text"), [("plain text", True)]),
        (web.json_response({"text": "secret"}), [("secret", True)]),
        (web.json_response({"text": "open", "response_type": "in_channel"}), [("open", False)]),
        (web.json_response(["nothing that Slack knows"]), []),
    ],
)
async def test_a_command_is_answered_at_once(slack: Caller, hook: Server, ada: Person, answer, seen):
    hook.answers = [answer]
    ada.command("/ask", "what now?")
    await until(lambda: slack.workspace.acknowledged == 1)
    assert [(shown.text, shown.ephemeral) for shown in ada.messages] == seen


async def test_an_answer_that_cannot_be_shown_is_told_to_who_commanded(slack: Caller, hook: Server, ada: Person):
    hook.answers = [web.json_response({"blocks": [{"type": "pigeon"}]})]
    ada.command("/ask")
    await until(lambda: ada.errors)
    assert list(ada.errors) == ["invalid_blocks"]


# --- modals and the home ---------------------------------------------------------------------------------------


async def trigger(hook: Server, ada: Person) -> str:
    ada.command("/note")
    return (await hook.next())[0].body["trigger_id"]


async def test_a_modal_is_opened_filled_in_and_submitted(slack: Caller, hook: Server, ada: Person):
    opened = await slack.result("views.open", trigger_id=await trigger(hook, ada), view=modal(callback_id="note"))
    assert (ada.modal, opened["view"]["type"]) == (opened["view"], "modal")
    hook.answers = [web.json_response({"response_action": "errors", "errors": {"note": "Too short"}})]
    ada.submit(words="x")
    body = (await hook.next())[0].body
    assert (body["type"], body["view"]["callback_id"]) == ("view_submission", "note")
    assert body["view"]["state"]["values"] == {"note": {"words": {"type": "plain_text_input", "value": "x"}}}
    await until(lambda: list(ada.errors) == ["Too short"])
    assert ada.modal is not None
    hook.answers = [web.json_response({"response_action": "update", "view": modal(title=plain("Sure?"))})]
    ada.submit(words="a longer text")
    await until(lambda: ada.modal["title"] == plain("Sure?"))
    ada.submit(words="a longer text")
    await until(lambda: ada.modal is None)


async def test_a_modal_is_in_front_of_everything(slack: Caller, hook: Server, ada: Person):
    await slack.result("chat.postMessage", channel=ada.id, text="x", blocks=actions(button("Yes")))
    view = modal(blocks=actions(button("More", value="m")), notify_on_close=True)
    opened = await slack.result("views.open", trigger_id=await trigger(hook, ada), view=view)
    with pytest.raises(LookupError):
        ada.press("Yes")
    ada.press("More")
    body = (await hook.next())[0].body
    assert (body["view"]["id"], body["container"]["type"], "response_url" in body) == (
        opened["view"]["id"],
        "view",
        False,
    )
    ada.close()
    assert (await hook.next())[0].body["type"] == "view_closed"
    ada.press("Yes")
    for act in (ada.close, ada.submit):
        with pytest.raises(LookupError):
            act()


async def test_a_modal_is_updated_by_who_knows_its_latest_hash(slack: Caller, hook: Server, ada: Person):
    opened = await slack.result("views.open", trigger_id=await trigger(hook, ada), view=modal(external_id="mine"))
    old = opened["view"]
    new = modal(title=plain("Other"), external_id="mine")
    updated = await slack.result("views.update", view_id=old["id"], hash=old["hash"], view=new)
    assert (updated["view"]["id"], ada.modal["title"]["text"]) == (old["id"], "Other")
    assert await slack.error("views.update", external_id="mine", hash=old["hash"], view=new) == "hash_conflict"
    assert await slack.error("views.update", view_id="V0NONE", view=new) == "not_found"
    assert await slack.error("views.update", view=new) == "invalid_arguments"


async def test_a_trigger_is_good_once_and_soon(slack: Caller, hook: Server, ada: Person):
    id = await trigger(hook, ada)
    await slack.result("views.open", trigger_id=id, view=modal())
    assert await slack.error("views.open", trigger_id=id, view=modal()) == "exchanged_trigger_id"
    assert await slack.error("views.open", trigger_id="guessed", view=modal()) == "invalid_trigger_id"
    id = await trigger(hook, ada)
    slack.workspace.app.patience = 0.0
    assert await slack.error("views.open", trigger_id=id, view=modal()) == "expired_trigger_id"
    assert await slack.error("views.open", view=modal()) == "invalid_arguments"


@pytest.mark.parametrize(
    ("view", "complaint"),
    [
        (7, "must provide an object [json-pointer:/view]"),
        ({"type": "modal"}, "missing required field: title [json-pointer:/view]"),
        (modal(submit_disabled=True, colour="red"), "invalid additional property: colour [json-pointer:/view]"),
        (modal(type="home"), "must be a valid enum value [json-pointer:/view/type]"),
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(title="x"), "must provide an object [json-pointer:/view/title]"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        (
            modal(blocks=[{"type": "markdown", "text": "x"}]),
            "unsupported type: markdown [json-pointer:/view/blocks/0/type]",
        ),
        (modal(blocks=7), "must provide an array [json-pointer:/view/blocks]"),
        ({**modal(), "submit": None}, "missing required field: submit [json-pointer:/view]"),
    ],
)
async def test_a_view_that_slack_would_not_show(slack: Caller, hook: Server, ada: Person, view, complaint):
    if isinstance(view, dict) and view.get("submit", "") is None:
        del view["submit"]
    assert complaint in await slack.complaints("views.open", trigger_id=await trigger(hook, ada), view=view)


async def test_the_home_is_published_and_pressed(slack: Caller, hook: Server, ada: Person):
    home = {"type": "home", "blocks": actions(button("Start", value="s"))}
    published = await slack.result("views.publish", user_id=ada.id, view=home)
    ada.press("Start")
    assert (await hook.next())[0].body["view"]["id"] == published["view"]["id"]
    again = await slack.result("views.publish", user_id=ada.id, view=home, hash=published["view"]["hash"])
    assert again["view"]["id"] == published["view"]["id"]
    stale = {"user_id": ada.id, "view": home, "hash": published["view"]["hash"]}
    assert await slack.error("views.publish", **stale) == "hash_conflict"
    assert await slack.error("views.publish", user_id="U0NOBODY", view=home) == "user_not_found"
    assert [(entry.to, entry.choices) for entry in slack.sandbox.ledger.entries("slack", "views.publish")] == [
        (f"slack:{ada.address}", ("Start",))
    ] * 2


# --- customers -------------------------------------------------------------------------------------------------


async def test_customers_write_answer_send_files_and_press(slack: Caller, hook: Server):
    customers = slack.sandbox.customers
    assert customers.channel == "slack"
    customers.write("T0SANDBOX1/U0BOB", "a question", name="Bob", subject="Billing", files=(PNG,))
    bob = slack.workspace.people["U0BOB"]
    assert (bob.name, bob.messages[0].text, bob.messages[0].files) == ("Bob", "Billing\na question", ("map.png",))
    with pytest.raises(LookupError):
        customers.write("T0SANDBOX1/U0BOB", "x", answer=True)
    sent = await slack.result("chat.postMessage", channel=bob.id, text="Sure?", blocks=actions(button("Yes")))
    customers.write("T0SANDBOX1/U0BOB", "why?", answer=True)
    assert bob.messages[-1].thread_ts == sent["ts"]
    customers.press("T0SANDBOX1/U0BOB", "Yes")
    assert (await hook.next())[0].body["user"]["id"] == bob.id
    with pytest.raises(LookupError):
        customers.press("T0SANDBOX1/U0BOB", "No")
    with pytest.raises(ValueError, match="no address of Slack"):
        customers.write("U0BOB", "x")
