"""What happens to the channels of the emulated Slack, and what the app can do in them then."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from slack_caller import Caller, Server, caller, server

from omnibot.sandbox import Delay, Duplicate, Throttle
from omnibot.sandbox.slack import Person, Room


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Caller]:
    async with caller() as called:
        yield called


@pytest_asyncio.fixture
async def hook(slack: Caller) -> AsyncIterator[Server]:
    async with server() as listening:
        slack.workspace.deliver_to(listening.url)
        yield listening


@pytest.fixture
def grace(slack: Caller) -> Person:
    return slack.workspace.user("U0GRACE", "Grace Hopper")


@pytest.fixture
def support(slack: Caller, grace: Person) -> Room:
    return slack.workspace.channel("C0SUPPORT", "support", [grace])


async def card(slack: Caller, **more) -> str:
    """A message of the app in the channel."""
    return (await slack.result("chat.postMessage", channel="C0SUPPORT", text="a card", **more))["ts"]


async def upload(slack: Caller) -> str:
    """The id of a file that is not shared anywhere yet."""
    ticket = await slack.result("files.getUploadURLExternal", filename="a.txt", length="1")
    async with slack.client.post(ticket["upload_url"], data=b"a") as answer:
        assert answer.status == 200
    return ticket["file_id"]


async def events(hook: Server, count: int) -> list[dict]:
    return [posted.event for posted in await hook.next(count)]


# --- archived --------------------------------------------------------------------------------------------------


async def test_nothing_is_written_in_an_archived_channel_until_it_is_back(slack: Caller, grace: Person, support: Room):
    ts, file = await card(slack), await upload(slack)
    grace.archive("#support")
    assert (await slack.result("conversations.info", channel="C0SUPPORT"))["channel"]["is_archived"]
    for method, arguments, error in (
        ("chat.postMessage", {"text": "x"}, "is_archived"),
        ("chat.postEphemeral", {"text": "x", "user": grace.id}, "is_archived"),
        ("chat.update", {"text": "x", "ts": ts}, "is_inactive"),
        ("reactions.add", {"timestamp": ts, "name": "eyes"}, "is_archived"),
        ("reactions.remove", {"timestamp": ts, "name": "eyes"}, "is_archived"),
        ("conversations.join", {}, "is_archived"),
    ):
        assert await slack.error(method, channel="C0SUPPORT", **arguments) == error
    share = {"channel_id": "C0SUPPORT", "files": [{"id": file}]}
    assert await slack.error("files.completeUploadExternal", **share) == "posting_to_channel_denied"
    with pytest.raises(LookupError, match="#support is archived"):
        grace.write("x", support)
    assert (await slack.result("conversations.replies", channel="C0SUPPORT", ts=ts))["messages"][0]["text"] == "a card"
    grace.unarchive(support)
    await slack.result("chat.update", channel="C0SUPPORT", ts=ts, text="again")


@pytest.mark.parametrize(("private", "kind"), [(False, "channel"), (True, "group")])
async def test_archiving_is_told_and_written_in_the_channel(slack: Caller, hook: Server, grace: Person, private, kind):
    room = slack.workspace.channel("C0DESK", "desk", [grace], private=private)
    grace.archive(room)
    said, event = sorted(await events(hook, 2), key=lambda event: event["type"] != "message")
    assert (said["subtype"], said["text"], said["user"]) == (
        f"{kind}_archive",
        "<@U0GRACE> archived the channel",
        grace.id,
    )
    assert (event["type"], event["channel"], event["user"]) == (f"{kind}_archive", room.id, grace.id)
    grace.unarchive(room)
    assert {event["type"] for event in await events(hook, 2)} == {"message", f"{kind}_unarchive"}


# --- who is in it ----------------------------------------------------------------------------------------------


async def test_a_bot_that_was_removed_hears_and_does_nothing_more(
    slack: Caller, hook: Server, grace: Person, support: Room
):
    ts = await card(slack)
    await hook.next()
    grace.remove_bot("support")
    told = {event["type"]: event for event in await events(hook, 3)}
    assert told["channel_left"]["actor_id"] == grace.id
    assert told["member_left_channel"]["user"] == slack.workspace.bot_user
    assert (told["message"]["user"], told["message"]["channel_type"]) == ("USLACKBOT", "im")
    grace.write("in secret", support, ts)
    grace.react(ts, "eyes")
    grace.archive(support)
    grace.unarchive(support)
    for method, arguments in (
        ("chat.postMessage", {"text": "x"}),
        ("chat.postEphemeral", {"text": "x", "user": grace.id}),
        ("conversations.replies", {"ts": ts}),
        ("reactions.add", {"timestamp": ts, "name": "eyes"}),
    ):
        assert await slack.error(method, channel="C0SUPPORT", **arguments) == "not_in_channel"
    grace.invite_bot(support)
    assert [event["type"] for event in await events(hook, 1)] == ["member_joined_channel"]
    await card(slack)


async def test_a_private_channel_is_not_there_for_a_bot_that_was_removed(slack: Caller, hook: Server, grace: Person):
    slack.workspace.channel("G0DESK", "desk", [grace], private=True)
    grace.remove_bot("desk")
    assert {event["type"] for event in await events(hook, 3)} == {"message", "group_left", "member_left_channel"}
    assert await slack.error("conversations.info", channel="G0DESK") == "channel_not_found"


async def test_people_join_and_leave(slack: Caller, hook: Server, grace: Person, support: Room):
    alan = slack.workspace.user("U0ALAN", "Alan Turing")
    alan.join("support")
    assert (await slack.result("conversations.members", channel="C0SUPPORT"))["members"] == [
        "U0ALAN", "U0GRACE", slack.workspace.bot_user,
    ]  # fmt: skip
    alan.leave("support")
    assert [event["type"] for event in await events(hook, 2)] == ["member_joined_channel", "member_left_channel"]
    ephemeral = {"channel": "C0SUPPORT", "text": "x", "user": alan.id}
    assert await slack.error("chat.postEphemeral", **ephemeral) == "user_not_in_channel"


async def test_guests_of_one_channel_are_described_as_such(slack: Caller):
    slack.workspace.user("U0GUEST", guest=True)
    slack.workspace.user("U0SINGLE", single_channel=True)

    async def restricted(id: str) -> tuple[bool, bool]:
        user = (await slack.result("users.info", user=id))["user"]
        return user["is_restricted"], user["is_ultra_restricted"]

    assert (await restricted("U0GUEST"), await restricted("U0SINGLE")) == ((True, False), (True, True))


# --- threads ---------------------------------------------------------------------------------------------------


async def test_a_thread_can_be_deleted_under_the_bot(slack: Caller, hook: Server, grace: Person, support: Room):
    ts = await card(slack)
    grace.write("an answer", support, ts)
    grace.delete_thread(ts)
    deleted = [event["deleted_ts"] for event in await events(hook, 4) if event.get("subtype") == "message_deleted"]
    assert deleted[-1] == ts
    assert len(deleted) == 2
    for method, arguments, error in (
        ("chat.postMessage", {"text": "x", "thread_ts": ts}, "thread_not_found"),
        ("chat.update", {"text": "x", "ts": ts}, "message_not_found"),
        ("conversations.replies", {"ts": ts}, "thread_not_found"),
        ("reactions.add", {"timestamp": ts, "name": "eyes"}, "message_not_found"),
        ("chat.getPermalink", {"message_ts": ts}, "message_not_found"),
    ):
        assert await slack.error(method, channel="C0SUPPORT", **arguments) == error
    with pytest.raises(LookupError):
        slack.workspace.message(ts)
    with pytest.raises(LookupError, match="no message"):
        grace.write("too late", support, ts)


async def test_metadata_stays_until_it_is_taken_away(slack: Caller, support: Room):
    meta = {"event_type": "case", "event_payload": {"id": 17}}
    ts = await card(slack, metadata=meta)
    await slack.result("chat.update", channel="C0SUPPORT", ts=ts, text="x")
    assert slack.workspace.message(ts)["metadata"] == meta
    await slack.result("chat.update", channel="C0SUPPORT", ts=ts, text="x", metadata={})
    assert "metadata" not in slack.workspace.message(ts)


async def test_there_is_an_end_to_reactions(slack: Caller, grace: Person, support: Room):
    place = {"channel": "C0SUPPORT", "timestamp": await card(slack)}
    for number in range(23):
        await slack.result("reactions.add", **place, name=f"emoji_{number}")
    assert await slack.error("reactions.add", **place, name="one_more") == "too_many_reactions"
    await slack.result("reactions.remove", **place, name="emoji_0")
    for number in range(28):
        grace.react(place["timestamp"], f"other_{number}")
    assert await slack.error("reactions.add", **place, name="one_more") == "too_many_emoji"
    await slack.result("reactions.add", **place, name="other_0")


# --- misbehaviour in one channel -------------------------------------------------------------------------------


async def test_one_method_can_be_throttled_in_one_channel(slack: Caller, grace: Person, support: Room):
    slack.workspace.channel("C0OTHER", "other")
    ts = await card(slack)
    slack.sandbox.faults.add(Throttle(7), method="chat.postMessage", address=f"{slack.workspace.team}/C0SUPPORT")
    await slack.result("chat.postMessage", channel="C0OTHER", text="x")
    await slack.result("chat.update", channel="C0SUPPORT", ts=ts, text="x")
    status, headers, body = await slack.send("chat.postMessage", data={"channel": "C0SUPPORT", "text": "x"})
    assert (status, headers["Retry-After"], body["error"]) == (429, "7", "ratelimited")
    await card(slack)


async def test_what_happens_in_one_channel_can_come_twice_and_in_another_order(
    slack: Caller, hook: Server, grace: Person, support: Room
):
    here = f"{slack.workspace.team}/C0SUPPORT"
    slack.sandbox.faults.add(Duplicate(), address=here)
    grace.write("directly")
    grace.write("twice", support)
    assert sorted(event["text"] for event in await events(hook, 3)) == ["directly", "twice", "twice"]
    slack.sandbox.faults.add(Delay(1), address=here)
    grace.write("first", support)
    grace.write("second", support)
    assert [event["text"] for event in await events(hook, 2)] == ["second", "first"]
