"""Modals and homes in the emulated Slack, as strict as Slack is with them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from slack_caller import Caller, Server, caller, server, until
from slack_desk import button, modal, plain, typed

from omnibot.sandbox.slack import Person
from omnibot.sandbox.slack.people import TROUBLE


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
def grace(slack: Caller) -> Person:
    return slack.workspace.user("U0GRACE", "Grace Hopper")


def presses(*labels: str) -> dict:
    elements = [button(label, label.lower()) for label in labels]
    return {"type": "actions", "elements": elements}


async def opened(slack: Caller, hook: Server, grace: Person, **view) -> dict:
    """A modal in front of Grace."""
    grace.shortcut("show")
    id = (await hook.next())[0].body["trigger_id"]
    blocks = view.pop("blocks", [typed("Words"), presses("More")])
    return (await slack.result("views.open", trigger_id=id, view=modal("first", *blocks, **view)))["view"]


async def trigger(hook: Server, grace: Person) -> str:
    """Of a button in the modal."""
    grace.press("More")
    return (await hook.next())[0].body["trigger_id"]


def deeper(name: str = "second", **view) -> dict:
    return modal(name, presses("More"), **view)


# --- the stack -------------------------------------------------------------------------------------------------


async def test_views_lie_one_above_the_other_and_each_remembers_what_was_filled_in(
    slack: Caller, hook: Server, grace: Person
):
    first = await opened(slack, hook, grace)
    grace.fill("Words", "half a sentence")
    second = (await slack.result("views.push", trigger_id=await trigger(hook, grace), view=deeper()))["view"]
    assert (second["previous_view_id"], second["root_view_id"]) == (first["id"], first["id"])
    third = (await slack.result("views.push", trigger_id=await trigger(hook, grace), view=deeper("third")))["view"]
    assert (third["previous_view_id"], third["root_view_id"]) == (second["id"], first["id"])
    full = {"trigger_id": await trigger(hook, grace), "view": deeper("fourth")}
    assert await slack.error("views.push", **full) == "push_limit_reached"
    grace.close()
    assert grace.see_modal().splitlines()[0] == "Second"
    grace.close()
    assert grace.see_modal().splitlines()[:2] == ["First", "Words: half a sentence"]


async def test_nothing_is_pushed_where_no_modal_is_open(slack: Caller, hook: Server, grace: Person):
    grace.shortcut("show")
    outside = (await hook.next())[0].body["trigger_id"]
    assert await slack.error("views.push", trigger_id=outside, view=deeper()) == "not_found"
    await opened(slack, hook, grace)
    beside = slack.workspace.triggered(grace)  # by what is done elsewhere, while the modal is open
    assert await slack.error("views.push", trigger_id=beside, view=deeper()) == "not_found"
    left = await trigger(hook, grace)
    grace.dismiss()
    assert await slack.error("views.push", trigger_id=left, view=deeper()) == "not_found"
    assert await slack.error("views.push", view=deeper()) == "invalid_arguments"


async def test_a_view_below_the_one_that_is_seen_can_be_updated(slack: Caller, hook: Server, grace: Person):
    first = await opened(slack, hook, grace)
    await slack.result("views.push", trigger_id=await trigger(hook, grace), view=deeper())
    await slack.result("views.update", view_id=first["id"], view=modal("first", typed("Words"), title=plain("Other")))
    assert grace.see_modal().startswith("Second")
    grace.close()
    assert grace.see_modal().startswith("Other")


async def test_an_update_leaves_a_view_where_it_is_in_the_stack(slack: Caller, hook: Server, grace: Person):
    first = await opened(slack, hook, grace)
    second = (await slack.result("views.push", trigger_id=await trigger(hook, grace), view=deeper()))["view"]
    updated = (await slack.result("views.update", view_id=second["id"], view=deeper("other")))["view"]
    assert (updated["previous_view_id"], updated["root_view_id"]) == (first["id"], first["id"])


async def test_what_was_filled_in_outlives_an_update_where_the_ids_stay(slack: Caller, hook: Server, grace: Person):
    view = await opened(slack, hook, grace, blocks=[typed("Words"), typed("Note")])
    grace.fill("Words", "kept")
    grace.fill("Note", "lost")
    other = typed("Note") | {"block_id": "another"}
    await slack.result("views.update", view_id=view["id"], view=modal("first", typed("Words"), other))
    assert grace.see_modal() == "First\nWords: kept\nNote:\n[Cancel] [Send]"


async def test_an_external_id_is_of_one_view_alone(slack: Caller, hook: Server, grace: Person):
    first = await opened(slack, hook, grace, external_id="mine")
    again = deeper(external_id="mine")
    assert await slack.error("views.push", trigger_id=await trigger(hook, grace), view=again) == "duplicate_external_id"
    await slack.result("views.update", external_id="mine", view=modal("first", typed("Words"), external_id="mine"))
    assert grace.modal is not None
    assert grace.modal["id"] == first["id"]


async def test_who_updates_an_old_version_is_refused(slack: Caller, hook: Server, grace: Person):
    view = await opened(slack, hook, grace)
    await slack.result("views.update", view_id=view["id"], hash=view["hash"], view=deeper())
    stale = {"view_id": view["id"], "hash": view["hash"], "view": deeper()}
    assert await slack.error("views.update", **stale) == "hash_conflict"


async def test_a_home_is_updated_like_a_modal_and_stays_a_home(slack: Caller, grace: Person):
    home = {"type": "home", "blocks": [presses("Start")]}
    id = (await slack.result("views.publish", user_id=grace.id, view=home))["view"]["id"]
    await slack.result("views.update", view_id=id, view={"type": "home", "blocks": [presses("Stop")]})
    assert grace.see_home() == "[Stop]"
    assert await slack.error("views.update", view_id=id, view=deeper()) == "invalid_arguments"


async def test_a_view_has_an_end(slack: Caller, hook: Server, grace: Person):
    options = [{"text": plain("x" * 75), "value": "x" * 150, "description": plain("x" * 75)}] * 100
    menu = {"type": "static_select", "action_id": "menu", "options": options}
    inputs = [{"type": "input", "label": plain("Which"), "element": menu} for _ in range(10)]
    grace.shortcut("show")
    id = (await hook.next())[0].body["trigger_id"]
    assert await slack.error("views.open", trigger_id=id, view=modal("large", *inputs)) == "view_too_large"
    await slack.result("views.open", trigger_id=id, view=modal("less", *inputs[:4]))  # the trigger is not spent by that


@pytest.mark.parametrize(
    ("view", "fault"),
    [
        (modal("x", *[{"type": "divider"}] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
        (modal("x", title=plain("t" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal("x", submit=plain("t" * 25)), "must be less than 25 characters [json-pointer:/view/submit/text]"),
        (modal("x", close=plain("t" * 25)), "must be less than 25 characters [json-pointer:/view/close/text]"),
        (
            modal("x", private_metadata="m" * 3001),
            "must be less than 3001 characters [json-pointer:/view/private_metadata]",
        ),
        (modal("x" * 256), "must be less than 256 characters [json-pointer:/view/callback_id]"),
        (
            modal("x", typed("Words", max_length=3001)),
            "must be a number from 1 to 3000 [json-pointer:/view/blocks/0/element/max_length]",
        ),
        (
            {"type": "modal", "title": plain("x"), "blocks": [typed("Words")]},
            "missing required field: submit [json-pointer:/view]",
        ),
        ({**modal("x"), "type": "home"}, "must be a valid enum value [json-pointer:/view/type]"),
        ("no view", None),
    ],
)
async def test_what_slack_would_not_open_is_told(slack: Caller, hook: Server, grace: Person, view, fault):
    grace.shortcut("show")
    id = (await hook.next())[0].body["trigger_id"]
    if fault is None:
        assert await slack.error("views.open", trigger_id=id, view=view) == "invalid_arguments"
    else:
        assert fault in await slack.complaints("views.open", trigger_id=id, view=view)
    assert grace.modal is None


# --- what the app says to a submission -------------------------------------------------------------------------


async def submitted(slack: Caller, hook: Server, grace: Person, answer: dict | None) -> None:
    """Two views, of which the one above is submitted and answered."""
    await opened(slack, hook, grace)
    await slack.result(
        "views.push", trigger_id=await trigger(hook, grace), view=modal("second", typed("Words"), presses("More"))
    )
    hook.answers = [web.Response() if answer is None else web.json_response(answer)]
    yeses = slack.workspace.acknowledged
    grace.submit(words="x")
    body = (await hook.next())[0].body
    assert (body["type"], body["view"]["callback_id"]) == ("view_submission", "second")
    await until(lambda: slack.workspace.acknowledged > yeses)


@pytest.mark.parametrize(
    ("answer", "in_front"),
    [
        (None, "First"),
        ({"response_action": "clear"}, ""),
        ({"response_action": "push", "view": deeper("third")}, "Third"),
        ({"response_action": "update", "view": deeper("other")}, "Other"),
    ],
)
async def test_an_answer_to_a_submission_changes_what_is_in_front(
    slack: Caller, hook: Server, grace: Person, answer, in_front
):
    await submitted(slack, hook, grace, answer)
    assert grace.see_modal().partition("\n")[0] == in_front
    assert not grace.errors


async def test_faults_stand_below_their_inputs_until_they_are_mended(slack: Caller, hook: Server, grace: Person):
    await submitted(slack, hook, grace, {"response_action": "errors", "errors": {"words": "Too short."}})
    assert "  ! Too short." in grace.see_modal().splitlines()
    hook.answers = [web.json_response({"response_action": "push", "view": deeper("third")})]
    grace.submit()
    await until(lambda: grace.see_modal().startswith("Third"))
    grace.close()
    assert "  ! Too short." not in grace.see_modal().splitlines()


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"elsewhere": "Too short."}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "errors"},
        {"response_action": "update", "view": {"title": plain("half a view")}},
        {"response_action": "push"},
        {"response_action": "explode"},
    ],
)
async def test_an_answer_that_slack_does_not_take_is_trouble_for_who_submitted(
    slack: Caller, hook: Server, grace: Person, answer
):
    await submitted(slack, hook, grace, answer)
    assert grace.errors[0] == TROUBLE
    assert grace.see_modal().startswith("Second\nWords: x")


async def test_a_fourth_view_is_not_pushed_by_an_answer_either(slack: Caller, hook: Server, grace: Person):
    await submitted(slack, hook, grace, {"response_action": "push", "view": modal("third", typed("Words"))})
    hook.answers = [web.json_response({"response_action": "push", "view": deeper("fourth")})]
    grace.submit(words="x")
    await until(lambda: grace.errors)
    assert list(grace.errors) == [TROUBLE, "push_limit_reached"]


async def test_an_answer_to_a_view_that_is_gone_does_nothing(slack: Caller, hook: Server, grace: Person):
    await opened(slack, hook, grace)
    hook.answers = [web.json_response({"response_action": "update", "view": deeper("other")})]
    grace.submit(words="x")
    grace.dismiss()
    await until(lambda: slack.workspace.acknowledged == 2)
    assert grace.modal is None


async def test_no_answer_leaves_the_modal_open_and_is_told(slack: Caller, hook: Server, grace: Person):
    await opened(slack, hook, grace)
    hook.answers = [web.Response(status=500)]
    grace.submit(words="x")
    await until(lambda: list(grace.errors) == ["http_error"])
    assert grace.modal is not None


# --- closing ---------------------------------------------------------------------------------------------------


async def test_the_app_is_told_of_closing_where_it_asked_for_that(slack: Caller, hook: Server, grace: Person):
    await opened(slack, hook, grace, notify_on_close=True)
    await slack.result("views.push", trigger_id=await trigger(hook, grace), view=deeper(notify_on_close=True))
    grace.close()
    body = (await hook.next())[0].body
    assert (body["type"], body["view"]["callback_id"], body["is_cleared"]) == ("view_closed", "second", False)
    assert "trigger_id" not in body
    await slack.result("views.push", trigger_id=await trigger(hook, grace), view=deeper(notify_on_close=True))
    grace.dismiss()
    bodies = [posted.body for posted in await hook.next(2)]
    assert {(body["view"]["callback_id"], body["is_cleared"]) for body in bodies} == {("second", True), ("first", True)}


async def test_a_view_can_close_all_when_it_is_closed(slack: Caller, hook: Server, grace: Person):
    await opened(slack, hook, grace)
    await slack.result("views.push", trigger_id=await trigger(hook, grace), view=deeper(clear_on_close=True))
    grace.close()
    assert grace.modal is None


async def test_a_modal_without_a_button_for_it_cannot_be_submitted(slack: Caller, hook: Server, grace: Person):
    await opened(slack, hook, grace, blocks=[presses("More")], submit=None)
    with pytest.raises(LookupError, match="nothing to submit"):
        grace.submit()


# --- inputs ----------------------------------------------------------------------------------------------------

OPTIONS = [{"text": plain("Refund"), "value": "r"}, {"text": plain("Bug &amp; co"), "value": "b"}]


def asked(kind: str, **fields) -> dict:
    return {
        "type": "input",
        "block_id": "it",
        "label": plain("It"),
        "element": {"type": kind, "action_id": "it", **fields},
    }


@pytest.mark.parametrize(
    ("kind", "fields", "given", "reported", "seen"),
    [
        ("plain_text_input", {}, "a\nb", {"value": "a\nb"}, "a\nb"),
        ("plain_text_input", {"initial_value": "before"}, None, {"value": "before"}, "before"),
        ("email_text_input", {}, "ada@example.org", {"value": "ada@example.org"}, "ada@example.org"),
        ("url_text_input", {}, "https://example.org", {"value": "https://example.org"}, "https://example.org"),
        (
            "number_input",
            {"is_decimal_allowed": True, "min_value": "-1", "max_value": "3"},
            "2.5",
            {"value": "2.5"},
            "2.5",
        ),
        ("static_select", {"options": OPTIONS}, "Bug & co", {"selected_option": OPTIONS[1]}, "Bug & co"),
        (
            "static_select",
            {"option_groups": [{"label": plain("x"), "options": OPTIONS}]},
            "Refund",
            {"selected_option": OPTIONS[0]},
            "Refund",
        ),
        (
            "static_select",
            {"options": OPTIONS, "initial_option": OPTIONS[0]},
            None,
            {"selected_option": OPTIONS[0]},
            "Refund",
        ),
        (
            "multi_static_select",
            {"options": OPTIONS},
            ["Refund", "Bug & co"],
            {"selected_options": OPTIONS},
            "Refund, Bug & co",
        ),
        ("radio_buttons", {"options": OPTIONS}, "Refund", {"selected_option": OPTIONS[0]}, "Refund"),
        ("radio_buttons", {"options": OPTIONS}, "r", {"selected_option": OPTIONS[0]}, "Refund"),
        ("checkboxes", {"options": OPTIONS}, "Refund", {"selected_options": OPTIONS[:1]}, "Refund"),
        ("users_select", {}, "Grace Hopper", {"selected_user": "U0GRACE"}, "Grace Hopper"),
        ("users_select", {}, "@grace.hopper", {"selected_user": "U0GRACE"}, "Grace Hopper"),
        ("multi_users_select", {}, ["U0GRACE"], {"selected_users": ["U0GRACE"]}, "Grace Hopper"),
        ("channels_select", {}, "#support", {"selected_channel": "C0SUPPORT"}, "support"),
        ("conversations_select", {}, "support", {"selected_conversation": "C0SUPPORT"}, "support"),
        ("multi_conversations_select", {}, "C0SUPPORT", {"selected_conversations": ["C0SUPPORT"]}, "support"),
        (
            "multi_channels_select",
            {"initial_channels": ["C0SUPPORT"]},
            None,
            {"selected_channels": ["C0SUPPORT"]},
            "support",
        ),
        ("datepicker", {}, "2026-11-23", {"selected_date": "2026-11-23"}, "2026-11-23"),
        ("timepicker", {}, "12:30", {"selected_time": "12:30"}, "12:30"),
        ("datetimepicker", {}, "1795437000", {"selected_date_time": 1795437000}, "2026-11-23 12:30 UTC"),
        ("datetimepicker", {}, "2026-11-23T12:30:00+00:00", {"selected_date_time": 1795437000}, "2026-11-23 12:30 UTC"),
        (
            "rich_text_input",
            {},
            "so",
            {
                "rich_text_value": {
                    "type": "rich_text",
                    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "so"}]}],
                }
            },
            "so",
        ),
    ],
)
async def test_what_is_filled_in_is_reported_in_the_shape_of_its_kind(
    slack: Caller, hook: Server, grace: Person, kind, fields, given, reported, seen
):
    slack.workspace.channel("C0SUPPORT", "support")
    await opened(slack, hook, grace, blocks=[asked(kind, **fields)])
    grace.submit({} if given is None else {"It": given})
    assert grace.see_modal().startswith(f"First\nIt: {seen}")
    state = (await hook.next())[0].body["view"]["state"]
    assert state == {"values": {"it": {"it": {"type": kind, **reported}}}}


@pytest.mark.parametrize(
    ("kind", "fields", "given", "fault"),
    [
        ("plain_text_input", {}, "", "It: Please complete this required field."),
        ("plain_text_input", {"min_length": 3}, "ab", "It: Please enter at least 3 characters."),
        ("plain_text_input", {"max_length": 3}, "abcd", "It: Please enter no more than 3 characters."),
        ("plain_text_input", {}, "x" * 3001, "It: Please enter no more than 3000 characters."),
        ("email_text_input", {}, "ada", "It: Please enter a valid email address."),
        ("url_text_input", {}, "example.org", "It: Please enter a valid URL."),
        ("number_input", {"is_decimal_allowed": False}, "x", "It: Please enter a valid number."),
        ("number_input", {"is_decimal_allowed": False}, "2.5", "It: Please enter a whole number."),
        (
            "number_input",
            {"is_decimal_allowed": False, "min_value": "3"},
            "2",
            "It: Please enter a number that is at least 3.",
        ),
        (
            "number_input",
            {"is_decimal_allowed": False, "max_value": "3"},
            "4",
            "It: Please enter a number that is at most 3.",
        ),
        ("datepicker", {}, "tomorrow", "It: Please choose a date."),
        ("timepicker", {}, "noon", "It: Please choose a time."),
        ("multi_static_select", {"options": OPTIONS}, [], "It: Please complete this required field."),
        (
            "multi_static_select",
            {"options": OPTIONS, "max_selected_items": 1},
            ["Refund", "Bug & co"],
            "It: no more than 1 can be chosen",
        ),
    ],
)
async def test_what_slack_would_not_let_through_is_not_submitted(
    slack: Caller, hook: Server, grace: Person, kind, fields, given, fault
):
    await opened(slack, hook, grace, blocks=[asked(kind, **fields)])
    with pytest.raises(ValueError, match=fault.replace(".", r"\.")):
        grace.submit({"It": given})
    assert hook.got.empty()


async def test_only_inputs_must_be_filled_in(slack: Caller, hook: Server, grace: Person):
    menu = {"type": "actions", "block_id": "b", "elements": [{"type": "users_select", "action_id": "who"}]}
    await opened(slack, hook, grace, blocks=[asked("plain_text_input"), menu])
    grace.submit({"It": "x"})
    values = (await hook.next())[0].body["view"]["state"]["values"]
    assert values["b"]["who"] == {"type": "users_select", "selected_user": None}


async def test_boxes_show_what_is_marked(slack: Caller, hook: Server, grace: Person):
    await opened(slack, hook, grace, blocks=[asked("checkboxes", options=OPTIONS)])
    grace.fill("It", "Refund")
    assert grace.see_modal().splitlines()[1:3] == ["It: Refund", "  [x] Refund [ ] Bug & co"]


async def test_an_optional_input_may_stay_empty(slack: Caller, hook: Server, grace: Person):
    await opened(slack, hook, grace, blocks=[asked("plain_text_input") | {"optional": True}])
    assert grace.see_modal() == "First\nIt (optional):\n[Cancel] [Send]"
    grace.submit()
    assert (await hook.next())[0].body["view"]["state"]["values"]["it"]["it"]["value"] is None


async def test_what_is_not_offered_cannot_be_chosen(slack: Caller, hook: Server, grace: Person):
    users = asked("users_select") | {"block_id": "who", "label": plain("Who")}
    where = asked("channels_select") | {"block_id": "where", "label": plain("Where")}
    await opened(slack, hook, grace, blocks=[asked("static_select", options=OPTIONS), users, where])
    for name, given, told in (
        ("It", "Praise", "It does not offer 'Praise': it offers 'Refund', 'Bug & co'"),
        ("Who", "Nobody", "there is nobody called 'Nobody'"),
        ("Where", "nowhere", "there is no channel 'nowhere'"),
        ("Why", "x", "there is nothing to fill in at 'Why': there is 'It', 'Who', 'Where'"),
    ):
        with pytest.raises(LookupError, match=told):
            grace.fill(name, given)
    grace.dismiss()
    with pytest.raises(LookupError, match="Grace Hopper sees nothing to fill in"):
        grace.fill("It", "Refund")


async def test_an_input_that_wants_it_tells_at_once(slack: Caller, hook: Server, grace: Person):
    await opened(slack, hook, grace, blocks=[asked("static_select", options=OPTIONS) | {"dispatch_action": True}])
    grace.fill("It", "Refund")
    body = (await hook.next())[0].body
    (action,) = body["actions"]
    assert (body["type"], action["block_id"], action["selected_option"]) == ("block_actions", "it", OPTIONS[0])
    assert body["view"]["state"]["values"]["it"]["it"]["selected_option"] == OPTIONS[0]


# --- menus whose options the app has ---------------------------------------------------------------------------


@pytest.mark.parametrize("grouped", [False, True])
async def test_a_menu_asks_the_app_for_its_options(slack: Caller, hook: Server, grace: Person, grouped):
    await opened(slack, hook, grace, blocks=[asked("external_select", min_query_length=2)])
    with pytest.raises(LookupError, match="it offers nothing yet"):
        grace.fill("It", "Refund")
    hook.answers = [
        web.json_response(
            {"option_groups": [{"label": plain("x"), "options": OPTIONS}]} if grouped else {"options": OPTIONS}
        )
    ]
    assert await grace.search("It", "re") == ["Refund", "Bug & co"]
    body = (await hook.next())[0].body
    assert (body["type"], body["action_id"], body["block_id"], body["value"]) == ("block_suggestion", "it", "it", "re")
    assert not {"trigger_id", "response_url", "state"} & body.keys()
    assert body["view"]["type"] == "modal"
    grace.submit({"It": "Refund"})
    state = (await hook.next())[0].body["view"]["state"]["values"]["it"]["it"]
    assert state == {"type": "external_select", "selected_option": OPTIONS[0]}


async def test_options_that_slack_would_not_show_are_not_offered(slack: Caller, hook: Server, grace: Person):
    await opened(slack, hook, grace, blocks=[asked("external_select")])
    hook.answers = [web.json_response({"options": OPTIONS * 51}), web.Response(status=500), web.json_response({})]
    assert await grace.search("It", "re") == []
    assert await grace.search("It", "re") == []
    assert list(grace.errors) == ["no more than 100 items allowed [json-pointer:/options]", "http_error"]
    assert await grace.search("It", "re") == []


# --- menus in messages -----------------------------------------------------------------------------------------


async def test_what_was_chosen_in_a_message_is_told_with_every_press_in_it(slack: Caller, hook: Server, grace: Person):
    def block(id: str, *elements: dict) -> dict:
        return {"type": "actions", "block_id": id, "elements": list(elements)}

    menu = {"type": "static_select", "action_id": "why", "placeholder": plain("Why"), "options": OPTIONS}
    boxes = {"type": "checkboxes", "action_id": "how", "options": OPTIONS}
    radio = {"type": "radio_buttons", "action_id": "now", "options": OPTIONS}
    pick = {
        "type": "section",
        "text": plain("By when"),
        "block_id": "when",
        "accessory": {"type": "datepicker", "action_id": "at"},
    }
    sent = await slack.result(
        "chat.postMessage",
        channel=grace.id,
        blocks=[block("a", menu, boxes, button("Go", "go")), pick, block("b", radio)],
    )
    assert grace.see_thread(sent["ts"]).splitlines()[1:] == [
        "  [Why ▾] [ ] Refund [ ] Bug & co [Go]",
        "  By when",
        "  [… ▾]",
        "  ( ) Refund ( ) Bug & co",
    ]
    grace.fill("Why", "Refund")
    grace.fill("how", ["Refund", "Bug & co"], sent["ts"])
    grace.press("Bug & co", sent["ts"])  # of the menu again, which comes first
    grace.press("Go")
    bodies = [posted.body for posted in await hook.next(4)]
    last = next(body for body in bodies if body["actions"][0]["action_id"] == "go")
    assert last["state"]["values"]["a"]["why"]["selected_option"] == OPTIONS[1]
    assert last["state"]["values"]["a"]["how"]["selected_options"] == OPTIONS
    assert last["state"]["values"]["when"]["at"] == {"type": "datepicker", "selected_date": None}
    assert last["message"]["ts"] == sent["ts"]


async def test_what_was_chosen_long_ago_is_forgotten(
    slack: Caller, hook: Server, grace: Person, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("omnibot.sandbox.slack.people.KEPT_FORMS", 1)
    menu = {"type": "users_select", "action_id": "who", "placeholder": plain("Who")}
    card = [{"type": "actions", "block_id": "b", "elements": [menu, button("Go", "go")]}]
    first, second = [await slack.result("chat.postMessage", channel=grace.id, blocks=card) for _ in range(2)]
    for sent in (first, second):
        grace.fill("Who", "Grace Hopper", sent["ts"])
        await hook.next()
    for sent, chosen in ((second, "U0GRACE"), (first, None)):
        grace.press("Go", sent["ts"])
        state = (await hook.next())[0].body["state"]
        assert state["values"]["b"]["who"]["selected_user"] == chosen
