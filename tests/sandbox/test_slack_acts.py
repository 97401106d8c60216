"""People of the emulated Slack, driven by HTTP alone, as by curl from a terminal."""

import inspect
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from slack_desk import Desk, desk

from omnibot.sandbox.slack import Person
from omnibot.sandbox.slack.acts import _ACTS


@pytest_asyncio.fixture
async def at_work() -> AsyncIterator[Desk]:
    async with desk("http") as opened:
        yield opened


async def ask(at_work: Desk, method: str, path: str, **body) -> tuple[int, dict]:
    async with at_work.client.session.request(method, f"{at_work.slack.url}/slack/{path}", json=body) as answer:
        return answer.status, await answer.json()


async def do(at_work: Desk, act: str, **body) -> dict:
    status, answer = await ask(at_work, "POST", f"people/U0GRACE/{act}", **body)
    assert status == 200, answer
    return answer


async def test_a_desk_is_tried_from_a_terminal(at_work: Desk):
    slack, grace = at_work.slack, at_work.grace
    ts = await at_work.post_card()
    note = (await do(at_work, "write", text="I look", channel="support", thread_ts=ts))["ts"]
    await do(at_work, "edit", ts=note, text="I look into it")
    await do(at_work, "react", ts=note, name="eyes")
    await slack.until(lambda: "reaction: eyes" in at_work.did)
    assert grace.see_thread(ts).endswith("Grace Hopper (edited)\n  I look into it\n  :eyes: Grace Hopper")
    await do(at_work, "press", label="Answer")
    await slack.until(grace.see_modal)
    await do(at_work, "fill", name="Words", given="No")
    await do(at_work, "submit")
    await slack.until(lambda: grace.errors)
    assert (await do(at_work, "submit", values={"Words": "It is on its way."}))["errors"] == ["Say a little more."]
    await slack.until(lambda: at_work.sent == ["It is on its way."])
    await do(at_work, "shortcut", callback_id="send_to_customer", ts=note)
    await slack.until(lambda: at_work.sent[-1] == "I look into it")
    await do(at_work, "command", command="/case", text="x")
    await slack.until(lambda: grace.notices)
    await do(at_work, "open_home")
    await slack.until(grace.see_home)
    await do(at_work, "delete_thread", ts=ts)
    await do(at_work, "remove_bot", channel="support")
    assert at_work.channel.messages == {}
    assert slack.main.bot_user not in at_work.channel.members


async def test_channels_and_people_are_made(at_work: Desk):
    made = await ask(at_work, "PUT", "people/U0ADA", name="Ada Lovelace", guest=True)
    assert made == (200, {"id": "U0ADA", "name": "Ada Lovelace"})
    made = await ask(at_work, "PUT", "channels/C0SALES", name="sales", members=["U0ADA"], private=True)
    assert made == (200, {"id": "C0SALES", "name": "sales"})
    room, ada = at_work.slack.main.rooms["C0SALES"], at_work.slack.main.people["U0ADA"]
    assert (room.kind, room.members) == ("group", {"U0ADA", at_work.slack.main.bot_user})
    assert ada.guest


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", "people/U0GRACE/fly", {}, "there is no act 'fly': use one of write, edit"),
        ("POST", "people/grace/write", {"text": "x"}, "'grace': String should match pattern"),
        ("POST", "people/U0GRACE/write", {}, "text: Field required"),
        ("POST", "people/U0GRACE/write", {"text": "x", "loud": True}, "loud: Extra inputs are not permitted"),
        ("POST", "people/U0GRACE/write", {"text": "x", "channel": "nowhere"}, "there is no channel 'nowhere'"),
        ("POST", "people/U0GRACE/press", {"label": "Nothing"}, "nothing that Grace Hopper sees offers 'Nothing'"),
        ("POST", "people/U0GRACE/submit", {}, "Grace Hopper has no modal open"),
        ("POST", "people/U0GRACE/command", {"command": "case"}, "command: String should match pattern '^/'"),
        ("PUT", "channels/support", {"name": "x"}, "'support': String should match pattern"),
        ("PUT", "channels/C0X", {"name": "Has Spaces"}, "name: String should match pattern"),
        ("PUT", "channels/C0X", {"name": "x", "members": ["U0NEW"]}, "make them by PUT /slack/people/U0NEW"),
        ("PUT", "people/U0X", {}, "name: Field required"),
        ("PUT", "people/U0GRACE", {"name": "Ada"}, "U0GRACE is there already, as Grace Hopper"),
        ("POST", "people/U0NEW/write", {"text": "x"}, "there is nobody of the id U0NEW"),
    ],
)
async def test_a_mistake_is_told(at_work: Desk, method, path, body, told):
    status, answer = await ask(at_work, method, path, **body)
    assert status == 400
    assert told in answer["error"]


@pytest.mark.parametrize("act", [act for act in _ACTS if act != "submit"])
def test_an_act_takes_what_its_method_takes(act):
    taken = inspect.signature(getattr(Person, act)).parameters.keys() - {"self", "files"}
    assert set(_ACTS[act].model_fields) == taken
