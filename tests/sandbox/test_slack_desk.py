"""A support desk in the emulated Slack: what agents see and do, told to a bot by HTTP and in Socket Mode."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from slack_desk import Desk, desk

from omnibot.sandbox import Duplicate
from omnibot.sandbox.customers import SentFile


@pytest_asyncio.fixture(params=["http", "socket"])
async def at_work(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    async with desk(request.param) as opened:
        yield opened


async def test_an_agent_answers_by_a_button_and_a_modal(at_work: Desk):
    grace, slack = at_work.grace, at_work.slack
    ts = await at_work.post_card()
    assert grace.see_thread(ts) == (
        "sandbox_bot\n  Ada Lovelace\n  open\n  [Answer] [Resolve] [Assign to… ▾]"  # one card, nothing answered yet
    )
    grace.press("Answer")
    assert await slack.until(grace.see_modal) == "Answer\nWords:\n[Cancel] [Send]"
    with pytest.raises(ValueError, match=r"Words: Please complete this required field\."):
        grace.submit()
    grace.submit(words="No")
    await slack.until(lambda: list(grace.errors) == ["Say a little more."])
    assert grace.see_modal() == "Answer\nWords: No\n  ! Say a little more.\n[Cancel] [Send]"
    grace.submit({"Words": "Your invoice is on its way."})
    await slack.until(lambda: "Sent:" in grace.see_thread(ts))
    assert at_work.sent == ["Your invoice is on its way."]
    assert grace.see_thread(ts).endswith("sandbox_bot\n  Sent: Your invoice is on its way.")
    await slack.until(lambda: not grace.see_modal())


async def test_a_card_changes_when_its_case_does(at_work: Desk):
    ts = await at_work.post_card()
    at_work.grace.press("Resolve", ts)
    await at_work.slack.until(lambda: "resolved" in at_work.grace.see_thread(ts))


async def test_an_agent_chooses_a_person_on_a_card_and_is_told_so_alone(at_work: Desk):
    grace, alan = at_work.grace, at_work.slack.main.people["U0ALAN"]
    alan.join("support")
    ts = await at_work.post_card()
    grace.fill("Assign to…", "Alan Turing", ts)
    await at_work.slack.until(lambda: grace.notices == ["Assigned."])
    assert at_work.did == ["assigned to U0ALAN"]
    assert grace.see_thread(ts).endswith("sandbox_bot (only visible to you)\n  Assigned.")
    assert "Assigned." not in alan.see_thread(ts)


async def test_agents_write_edit_delete_react_and_attach_in_a_thread(at_work: Desk):
    grace, slack = at_work.grace, at_work.slack
    ts = await at_work.post_card()
    note = grace.write("I loook", "support", ts)
    await slack.until(lambda: at_work.did == ["message: I loook"])
    grace.edit(note, "I look")
    await slack.until(lambda: at_work.did[-1].startswith("message_changed"))
    file = SentFile("map.png", "image/png", b"\x89PNG and so on")
    grace.write("here", at_work.channel, ts, [file])
    await slack.until(lambda: at_work.did[-1] == "file_share: here")
    grace.react(ts, "eyes")
    await slack.until(lambda: at_work.did[-1] == "reaction: eyes")
    assert grace.see_thread(ts).splitlines()[4:] == [
        "  :eyes: Grace Hopper",
        "Grace Hopper (edited)",
        "  I look",
        "Grace Hopper",
        "  here",
        "  [file] map.png",
    ]
    grace.unreact(ts, "eyes")
    grace.delete(note)
    await slack.until(lambda: at_work.did[-1].startswith("message_deleted"))
    assert grace.see_thread(ts).splitlines()[4:] == ["Grace Hopper", "  here", "  [file] map.png"]


async def test_a_shortcut_at_a_message_sends_it_on(at_work: Desk):
    ts = await at_work.post_card()
    note = at_work.grace.write("We look into it.", "support", ts)
    at_work.grace.shortcut("send_to_customer", note)
    await at_work.slack.until(lambda: ":white_check_mark: sandbox_bot" in at_work.grace.see_thread(ts))
    assert at_work.sent == ["We look into it."]


async def test_a_global_shortcut_opens_a_modal(at_work: Desk):
    at_work.grace.shortcut("new_case")
    assert await at_work.slack.until(at_work.grace.see_modal) == "New\nCustomer:\n[Cancel] [Send]"
    at_work.grace.close()
    assert at_work.grace.see_modal() == ""


async def test_a_command_is_answered_to_who_gave_it(at_work: Desk):
    at_work.grace.command("/case", "Babbage", "support")
    await at_work.slack.until(lambda: at_work.grace.notices == ["No case is called Babbage."])


async def test_the_home_is_published_when_it_is_opened(at_work: Desk):
    grace = at_work.grace
    grace.open_home()
    assert await at_work.slack.until(grace.see_home) == "1 open case\n[Open]"
    grace.press("Open")
    await at_work.slack.until(lambda: at_work.did == ["opened"])


async def test_a_press_can_come_twice(at_work: Desk):
    at_work.grace.open_home()
    await at_work.slack.until(at_work.grace.see_home)
    at_work.slack.faults.add(Duplicate(), address=at_work.grace.address)
    at_work.grace.press("Open")
    await at_work.slack.until(lambda: at_work.did == ["opened", "opened"])
