"""What comes in by HTTP, and what must not. The row numbers are those of the repository's table of bad inputs."""

import asyncio
import gzip
import json
import tracemalloc

import aiohttp
import pytest
from slack_house import House, house, payload
from structlog.testing import capture_logs

from omnibot.contract import Refused, TryLater
from omnibot.model import (
    Address,
    Attachment,
    ButtonPress,
    Choice,
    Identifier,
    IdentifierKind,
    IncomingEdit,
    IncomingMessage,
    Sender,
)
from omnibot.sandbox import Cut, Hang, ServerError, Throttle
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.slack import SlackSandbox
from omnibot_slack.profiles import Profile
from omnibot_slack.receive import FRESH, sign

MEGABYTE = 1_000_000


async def texts(opened: House, count: int = 1) -> list[str]:
    await opened.inbox.arrived(count)
    return [message.text for message in opened.inbox.messages]


async def acknowledged(opened: House, count: int) -> None:
    """Wait until so much of what happened was taken, or left."""
    async with asyncio.timeout(10):
        while opened.workspace.acknowledged < count:
            await asyncio.sleep(0.01)


# --- rows 16 to 19: who calls ----------------------------------------------------------------------------------


CHALLENGE = {
    "token": "x",
    "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMm",
    "type": "url_verification",
}


@pytest.mark.parametrize("body", [payload("message_im"), CHALLENGE], ids=["message", "url_verification"])
async def test_what_is_not_signed_is_turned_away(events: House, body):
    for headers in ({}, {"X-Slack-Request-Timestamp": "1"}, {"X-Slack-Signature": "v0=" + "0" * 64}):
        async with events.client.post(events.url, json=body, headers=headers) as answer:
            assert answer.status == 401
    assert events.inbox.offers == []


async def test_the_challenge_is_answered_when_it_is_signed(events: House):
    assert await events.answer(CHALLENGE) == (200, json.dumps({"challenge": CHALLENGE["challenge"]}))
    assert await events.workspace.app.save_request_url(events.url) == ""


@pytest.mark.parametrize(("off", "status"), [(-301, 401), (-300, 200), (300, 200), (301, 401)])
async def test_a_signature_is_good_for_five_minutes(events: House, off, status):
    now = int(events.clock().timestamp())
    events.clock.time = events.clock.time.replace(microsecond=0)
    assert FRESH == 300
    assert (await events.answer(events.event(), at=str(now + off)))[0] == status
    assert len(events.inbox.offers) == (status == 200)


async def test_one_changed_byte_is_found(events: House):
    body = json.dumps(events.event()).encode()
    timestamp = str(int(events.clock().timestamp()))
    good = sign(events.workspace.signing_secret, timestamp, body)
    for changed in (body.replace(b"bill", b"bell"), body + b" ", body[:-1]):
        assert await events.post(changed, signature=good) == 401
    assert events.inbox.offers == []
    assert await events.post(body, signature=good) == 200


@pytest.mark.parametrize("timestamp", ["NaN", "1e9", "-1", "", "1767258000.5", "９", "0" * 5000, "inf", " 1"])
async def test_a_timestamp_that_is_no_number_is_turned_away(events: House, timestamp):
    headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": "v0=" + "0" * 64}
    async with events.client.post(events.url, json=events.event(), headers=headers) as answer:
        assert answer.status in (400, 401)
    assert events.inbox.offers == []


@pytest.mark.parametrize(
    "signature", ["v0=äöü✓", "v0=", "v1=" + "0" * 64, "v0=" + "0" * 64, "v0=" + "G" * 64, "0" * 5000]
)
async def test_a_signature_of_another_shape_is_turned_away(events: House, signature):
    assert await events.post(events.event(), signature=signature) == 401
    assert events.inbox.offers == []


async def test_who_knows_another_apps_secret_is_turned_away(events: House):
    body = json.dumps(events.event()).encode()
    timestamp = str(int(events.clock().timestamp()))
    assert await events.post(body, signature=sign("another app's secret", timestamp, body)) == 401


# --- bodies ----------------------------------------------------------------------------------------------------


async def post_stream(opened: House, body) -> int | None:
    headers = {"X-Slack-Request-Timestamp": str(int(opened.clock().timestamp())), "X-Slack-Signature": "v0=" + "0" * 64}
    try:
        async with opened.client.post(opened.url, data=body, headers=headers) as answer:
            return answer.status
    except aiohttp.ClientError:
        return None


async def test_a_huge_body_of_a_stranger_leaves_memory_flat(events: House):
    async def body():
        for _ in range(30):
            yield b"x" * MEGABYTE

    tracemalloc.start()
    try:
        status = await post_stream(events, body())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert status in (413, None)  # None: hung up on, while still sending
    assert peak < 15 * MEGABYTE


async def test_a_large_body_is_refused(events: House):
    assert await events.post(b" " * (MEGABYTE + 1)) == 413


async def test_the_largest_body_is_read(events: House):
    body = json.dumps(events.event()).encode()
    assert await events.post(body + b" " * (MEGABYTE - len(body))) == 200
    assert len(events.inbox.arrivals) == 1


async def test_a_compressed_body_is_refused(events: House):
    body = gzip.compress(json.dumps(events.event()).encode())
    assert await events.post(body, Content_Encoding="gzip") == 415
    assert events.inbox.offers == []


@pytest.mark.parametrize(
    "body", [b'{"type": "event_callback", "secret words', b"\xff\xfe", b"{" * 100_000, b'{"team": 7, "event": []}']
)
async def test_what_cannot_be_read_is_taken_and_only_its_fingerprint_logged(events: House, body):
    with capture_logs() as logs:
        assert await events.post(body) == 200
    assert events.inbox.offers == []
    (line,) = logs
    assert line["event"] == "request_unreadable"
    assert "secret words" not in str(logs)


@pytest.mark.parametrize("body", [b"", b"{}", b"payload=", b"payload=7", b"a=b", b'{"type": "event_callback"}'])
async def test_what_says_nothing_is_taken(events: House, body):
    assert await events.post(body) == 200
    assert await events.post(body, form=False, Content_Type="application/x-www-form-urlencoded") == 200
    assert events.inbox.offers == []


async def test_a_malformed_event_is_taken_and_its_field_logged(events: House):
    with capture_logs() as logs:
        assert await events.post(events.event(ts="not a time")) == 200
    assert [(line["event"], line["reason"]) for line in logs] == [("request_unreadable", "ts is not a time")]


ODD = (7, "x", None, [], {}, [7], {"id": 7}, True, {"type": 7})


def spoiled(body: dict):
    """A payload with one field after the other of another type."""
    paths = [(key,) for key in body]
    paths += [(key, inner) for key, value in body.items() if isinstance(value, dict) for inner in value]
    paths += [("actions", 0, key) for key in body.get("actions", [{}])[0]]
    for *way, last in paths:
        for value in ODD:
            whole = place = json.loads(json.dumps(body))
            for step in way:
                place = place[step]
            place[last] = value
            yield whole


@pytest.mark.parametrize("name", ["message_im", "block_actions", "slash_command"])
async def test_whatever_a_field_holds_it_need_not_come_again(events: House, name):
    body = events.event() if name == "message_im" else payload(name)
    for odd in spoiled(body):
        given = {"payload": json.dumps(odd)} if name == "block_actions" else odd
        assert await events.post(given, form=name == "block_actions") == 200, odd


async def test_half_a_surrogate_pair_loses_no_message(events: House):
    assert await events.post(events.event(text="a\ud800b\0c")) == 200
    assert await texts(events) == ["a\ufffdb\ufffdc"]


async def test_headers_that_tell_bolt_to_skip_are_not_passed_on(events: House):
    assert await events.post(events.event(), X_Slack_Bolt_Lazy_Only="1") == 200
    assert len(events.inbox.arrivals) == 1


async def test_events_that_slack_drops_are_not_dropped_in_silence(events: House):
    limited = {"type": "app_rate_limited", "team_id": events.workspace.team, "minute_rate_limited": 1767258000}
    with capture_logs() as logs:
        assert await events.post(limited) == 200
    assert [(line["log_level"], line["event"]) for line in logs] == [("error", "events_dropped")]


# --- rows 21 and 22: repetitions -------------------------------------------------------------------------------


async def test_the_same_event_four_times_is_one(events: House):
    body = events.event()
    retries = [
        {},
        *({"X_Slack_Retry_Num": str(number), "X_Slack_Retry_Reason": "http_timeout"} for number in (1, 2, 3)),
    ]
    assert [await events.post(body, **headers) for headers in retries] == [200] * 4
    assert len(events.inbox.offers) == 4
    assert len(events.inbox.arrivals) == 1


async def test_what_we_could_not_take_is_taken_when_it_comes_again(events: House):
    events.inbox.refusing = True
    assert await events.post(events.event()) == 503
    events.inbox.refusing = False
    assert await events.post(events.event(), X_Slack_Retry_Num="1", X_Slack_Retry_Reason="http_error") == 200
    assert len(events.inbox.arrivals) == 1


async def test_without_knowing_who_we_are_nothing_is_acknowledged(sandbox: SlackSandbox):
    sandbox.faults.add(ServerError(503), method="auth.test", count=1)
    async with house(sandbox) as opened:
        with capture_logs() as logs:
            assert await opened.post(opened.event()) == 503
        assert [line["event"] for line in logs] == ["webhook_turned_away"]
        assert await opened.answer(CHALLENGE)
        assert await opened.post(opened.event()) == 200
        assert len(opened.inbox.arrivals) == 1


async def test_a_defect_of_ours_acknowledges_nothing(sandbox: SlackSandbox, monkeypatch):
    async def defective(*_):
        raise LookupError("a defect")

    async with house(sandbox) as opened:
        monkeypatch.setattr(opened.inbox.__class__, "__call__", defective)
        assert await opened.post(opened.event()) == 500


# --- row 23: who writes ----------------------------------------------------------------------------------------


async def test_what_bots_say_is_acknowledged_and_left(events: House):
    for name in ("bot_message", "our_message"):
        body = events.event() | {"event": payload(name)["event"]}
        body["event"]["user"] = events.workspace.bot_user if name == "our_message" else None
        assert await events.post(body) == 200
    events.workspace.user("U0CI", "CI", is_bot=True).write("build passed")
    await events.channel.send(events.outbound("hello", context=events.direct()))
    events.ada.write("the last")
    await acknowledged(events, 3)
    assert await texts(events) == ["the last"]
    assert len(events.inbox.offers) == 1


async def test_one_text_as_message_and_mention_is_one(events: House):
    events.workspace.channel("C0HELP", "help", [events.ada])
    events.ada.mention("where are my invoices?", "C0HELP")
    first, again = await events.inbox.offered(2)
    assert first == again
    assert await texts(events) == ["where are my invoices?"]


async def test_an_edit_is_told_and_a_deletion_is_not(events: House):
    ts = events.ada.write("Why is my bill higher?")
    await events.inbox.arrived()
    events.ada.edit(ts, "Why is my January bill higher?")
    _, edit = await events.inbox.arrived(2)
    assert isinstance(edit, IncomingEdit)
    assert (edit.message_id, edit.text) == (events.inbox.messages[0].message_id, "Why is my January bill higher?")
    events.ada.delete(ts)
    events.ada.write("never mind")
    assert isinstance((await events.inbox.arrived(3))[2], IncomingMessage)


async def test_an_event_for_another_workspace_is_left(events: House):
    body = events.event() | {"team_id": "T0OTHER", "context_team_id": "T0OTHER"}
    body["authorizations"][0]["team_id"] = "T0OTHER"
    with capture_logs() as logs:
        assert await events.post(body) == 200
    assert events.inbox.offers == []
    assert [line["reason"] for line in logs] == ["team_id is of another workspace"]


# --- rows 26 and 27: what they write ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["<!channel>", "<@U1>", "<https://evil|bank.com>", "&lt;!channel&gt;", "*b* <b> & `c`"]
)
async def test_what_a_customer_types_stays_literal(events: House, text):
    events.ada.write(text)
    assert await texts(events) == [text]


# --- profiles --------------------------------------------------------------------------------------------------


def calls(opened: House, method: str) -> int:
    return sum(entry.method == method for entry in opened.sandbox.ledger)


async def test_a_profile_goes_along(events: House):
    events.ada.write("hello")
    [message] = await events.inbox.arrived()
    sender = message.sender
    assert (sender.name, sender.email, sender.zone, sender.language) == (
        "Ada Lovelace",
        "ada@example.org",
        "Europe/London",
        "en",
    )


async def test_a_profile_is_asked_for_once_an_hour(events: House):
    events.sandbox.faults.add(ServerError(), method="users.info", count=None)  # so that the ledger tells of it
    for minutes, asked in ((0, 1), (0.4, 1), (1, 2)):
        events.clock.forward(minutes * 60)
        assert await events.post(events.event(ts=f"{events.clock().timestamp():.6f}")) == 200
        assert calls(events, "users.info") == asked
    events.sandbox.faults.clear()
    events.clock.forward(60)
    for _ in range(2):
        assert await events.post(events.event()) == 200
    events.ada.name = "Ada King"
    events.clock.forward(3599)
    assert await events.post(events.event(ts="1767258001.000100")) == 200
    events.clock.forward(2)
    assert await events.post(events.event(ts="1767258002.000100")) == 200
    assert [message.sender.name for message in events.inbox.messages] == [
        "",
        "",
        "",
        "Ada Lovelace",
        "Ada Lovelace",
        "Ada King",
    ]


@pytest.mark.parametrize("fault", [Throttle(60), ServerError(), Cut(accepted=False), Hang(accepted=False)], ids=str)
async def test_without_a_profile_no_message_is_lost(events: House, fault, monkeypatch):
    monkeypatch.setattr("omnibot_slack.profiles.ASK_WITHIN", 0.05)
    events.sandbox.faults.add(fault, method="users.info", count=None)  # questions may be asked twice
    events.ada.write("hello")
    [message] = await events.inbox.arrived()
    assert message.sender.name == ""
    assert message.sender.address.value == events.ada.address


async def test_a_burst_of_somebody_new_asks_once(events: House):
    events.sandbox.faults.add(ServerError(), method="users.info", count=None)
    await asyncio.gather(*(events.post(events.event(ts=f"1767258000.{number:06}")) for number in range(5)))
    assert len(events.inbox.arrivals) == 5
    assert calls(events, "users.info") == 1


async def test_a_profile_without_its_scope_has_no_email(events: House):
    events.workspace.scopes.discard("users:read.email")
    events.ada.write("hello")
    [message] = await events.inbox.arrived()
    assert (message.sender.name, message.sender.email) == ("Ada Lovelace", "")


async def vouched(opened: House) -> tuple[Identifier, ...]:
    [message] = await opened.inbox.arrived()
    return message.sender.vouched


async def test_a_profile_proves_nothing_by_itself(events: House):
    events.ada.write("hello")
    assert await vouched(events) == ()


async def test_a_profile_of_a_workspace_that_is_listed_is_vouched_for(sandbox: SlackSandbox):
    async with house(sandbox, trusted_profiles=[sandbox.main.team]) as opened:
        opened.ada.write("hello")
        assert await vouched(opened) == (Identifier(IdentifierKind.EMAIL, "ada@example.org"),)


async def test_an_address_that_slack_has_not_confirmed_is_not(sandbox: SlackSandbox):
    async with house(sandbox, trusted_profiles=[sandbox.main.team]) as opened:
        opened.ada.confirmed = False
        opened.ada.write("hello")
        assert await vouched(opened) == ()


async def test_nor_is_one_that_is_not_told(sandbox: SlackSandbox):
    async with house(sandbox, trusted_profiles=[sandbox.main.team]) as opened:
        opened.workspace.scopes.discard("users:read.email")
        opened.ada.write("hello")
        assert await vouched(opened) == ()


@pytest.mark.parametrize("told", [{"user_team": "T0PARTNER", "team": "T0PARTNER"}, {"user_team": None, "team": None}])
async def test_who_is_from_another_workspace_is_not_of_the_one_that_is_listed(sandbox: SlackSandbox, told: dict):
    """Slack may leave out whose member wrote; the profile tells."""
    async with house(sandbox, trusted_profiles=[sandbox.main.team]) as opened:
        opened.workspace.user("U0EXT", "Xi", team="T0PARTNER")
        assert await opened.post(opened.event(user="U0EXT", **told)) == 200
        assert await vouched(opened) == ()


def test_a_profile_vouches_in_its_own_workspace_alone():
    profile = Profile(email="ada@example.org", trusted_in="T0HERE")
    assert profile.of(Sender(Address("slack", "T0HERE/U0ADA"))).vouched
    assert profile.of(Sender(Address("slack", "T0PARTNER/U0ADA"))).vouched == ()


# --- staff -----------------------------------------------------------------------------------------------------


async def test_staff_are_no_customers(sandbox: SlackSandbox):
    async with house(sandbox, staff=["U0BEN", "T0PARTNER/U0EVA"]) as opened:
        opened.workspace.channel("C0HELP", "help", shared=True)
        opened.workspace.user("U0BEN", "Ben").write("I am staff")
        opened.workspace.user("U0EVA", "Eva", team="T0PARTNER").mention("I am staff elsewhere", "C0HELP")
        opened.workspace.user("U0GUEST", "Gil", guest=True).write("I am a guest")
        opened.workspace.user("U0EXT", "Xi", team="T0PARTNER").mention("I am from elsewhere", "C0HELP")
        await acknowledged(opened, 6)  # mentions come twice
        assert sorted(await texts(opened, 2)) == ["I am a guest", "I am from elsewhere"]
        assert [message.sender.address.value for message in opened.inbox.messages if "elsewhere" in message.text] == [
            "T0PARTNER/U0EXT"
        ]


async def test_a_member_id_of_ours_is_not_somebody_of_another_workspace(sandbox: SlackSandbox):
    async with house(sandbox, staff=["U0ADA"]) as opened:
        body = opened.event(user_team="T0PARTNER", team="T0PARTNER")
        assert await opened.post(body) == 200
        assert [message.sender.address.value for message in opened.inbox.messages] == ["T0PARTNER/U0ADA"]


async def test_the_members_of_the_group_are_staff(sandbox: SlackSandbox):
    ben = sandbox.main.user("U0BEN", "Ben")
    sandbox.main.usergroup("S0TEAM", "support", [ben])
    async with house(sandbox, staff_group="S0TEAM") as opened:
        sandbox.main.app.now = lambda: opened.clock().timestamp()  # or what it signs is five minutes old
        ben.write("I am staff")
        opened.ada.write("I am a customer")
        await acknowledged(opened, 2)
        assert await texts(opened) == ["I am a customer"]
        sandbox.main.usergroup("S0TEAM", "support", [])
        opened.clock.forward(301)
        ben.write("I have left")
        assert await texts(opened, 2) == ["I am a customer", "I have left"]


async def test_nobody_writes_as_a_customer_in_a_channel_of_staff(sandbox: SlackSandbox):
    async with house(sandbox, staff_channels=["C0TEAM"]) as opened:
        for room in ("C0TEAM", "C0HELP"):
            opened.workspace.channel(room, room.lower())
            opened.ada.mention(f"in {room}", room)
        await acknowledged(opened, 4)
        assert await texts(opened) == ["in C0HELP"]


async def test_while_nobody_knows_who_is_staff_nothing_is_acknowledged(sandbox: SlackSandbox):
    sandbox.main.usergroup("S0TEAM", "support", [])
    sandbox.faults.add(ServerError(), method="usergroups.users.list", count=2)
    async with house(sandbox, staff_group="S0TEAM") as opened:
        with capture_logs() as logs:
            assert await opened.post(opened.event()) == 503
        assert [line["event"] for line in logs] == ["staff_unknown", "request_not_taken"]
        assert await opened.post(opened.event()) == 503
        assert await opened.post(opened.event()) == 200
        assert len(opened.inbox.arrivals) == 1


async def test_an_outdated_list_of_staff_is_better_than_none(sandbox: SlackSandbox):
    ben = sandbox.main.user("U0BEN", "Ben")
    sandbox.main.usergroup("S0TEAM", "support", [ben])
    async with house(sandbox, staff_group="S0TEAM") as opened:
        assert await opened.post(opened.event(user="U0BEN")) == 200
        sandbox.faults.add(ServerError(), method="usergroups.users.list")
        opened.clock.forward(301)
        with capture_logs() as logs:
            assert await opened.post(opened.event(user="U0BEN", ts="1767258001.000100")) == 200
        assert [line["event"] for line in logs] == ["staff_outdated"]
        assert opened.inbox.offers == []


# --- threads ---------------------------------------------------------------------------------------------------


async def test_who_began_a_thread_by_naming_us_need_not_name_us_again(events: House):
    ben = events.workspace.user("U0BEN", "Ben")
    events.workspace.channel("C0HELP", "help", [events.ada, ben])
    root = events.ada.mention("where are my invoices?", "C0HELP")
    await events.inbox.arrived()
    ben.write("have you looked in the mail?", "C0HELP", root)
    events.ada.write("yes, nothing there", "C0HELP", root)
    await acknowledged(events, 4)  # the first came twice
    assert await texts(events, 2) == ["where are my invoices?", "yes, nothing there"]
    context = {"channel": "C0HELP", "thread": root}
    assert [message.context for message in events.inbox.messages] == [context, context]


async def test_a_thread_that_we_began_is_ours(events: House):
    events.workspace.channel("C0HELP", "help", [events.ada])
    await events.channel.send(events.outbound("What is new", context={"channel": "C0HELP"}))
    [root] = [payload["ts"] for payload in events.posted()]
    events.ada.write("tell me more", "C0HELP", root)
    assert await texts(events) == ["tell me more"]


async def test_a_thread_among_others_is_not_ours(events: House):
    ben = events.workspace.user("U0BEN", "Ben")
    events.workspace.channel("C0HELP", "help", [events.ada, ben])
    root = ben.write("lunch?", "C0HELP")
    ben.write("at noon", "C0HELP", root)
    events.ada.write("yes", "C0HELP", root)
    events.ada.write("hello, bot")
    await acknowledged(events, 4)
    assert await texts(events) == ["hello, bot"]


async def test_naming_us_afterwards_is_an_edit_where_it_was_meant_for_us_before(events: House):
    ben = events.workspace.user("U0BEN", "Ben")
    events.workspace.channel("C0HELP", "help", [events.ada, ben])
    ours = events.ada.mention("where are my invoices?", "C0HELP")
    theirs = ben.write("lunch?", "C0HELP")
    in_ours, in_theirs = events.ada.write("and the old?", "C0HELP", ours), events.ada.write("how?", "C0HELP", theirs)
    assert await texts(events, 2) == ["where are my invoices?", "and the old?"]
    name = f"@{events.workspace.bot_name}"
    events.ada.edit(in_ours, f"{name} and the old ones?")
    await events.inbox.arrived(3)
    events.ada.edit(in_theirs, f"{name} how?")
    *_, edit, message = await events.inbox.arrived(4)
    assert isinstance(edit, IncomingEdit)
    assert (edit.message_id, edit.text) == (f"C0HELP:{in_ours}", "and the old ones?")
    assert isinstance(message, IncomingMessage)
    assert (message.message_id, message.text) == (f"C0HELP:{in_theirs}", "how?")


async def test_a_thread_is_looked_at_once(events: House):
    ben = events.workspace.user("U0BEN", "Ben")
    events.workspace.channel("C0HELP", "help", [ben])
    root = ben.write("lunch?", "C0HELP")
    events.workspace.deliver_to("")
    reply = {
        "channel": "C0HELP",
        "channel_type": "channel",
        "thread_ts": root,
        "user": "U0BEN",
        "parent_user_id": "U0BEN",
    }
    events.sandbox.faults.add(ServerError(), method="conversations.replies")
    assert await events.post(events.event(**reply)) == 503
    assert await events.post(events.event(**reply)) == 200
    events.sandbox.faults.add(ServerError(), method="conversations.replies", count=None)
    assert await events.post(events.event(**reply | {"ts": "1767258001.000100"})) == 200
    assert events.inbox.offers == []


# --- buttons and commands --------------------------------------------------------------------------------------


async def test_a_press_in_a_thread_comes_back_with_its_place(events: House):
    events.workspace.channel("C0HELP", "help", [events.ada])
    root = events.ada.mention("which?", "C0HELP")
    [message] = await events.inbox.arrived()
    await events.channel.send(events.outbound("Which?", Choice("This", "this"), context=message.context))
    events.ada.press("This")
    press = (await events.inbox.arrived(2))[1]
    assert isinstance(press, ButtonPress)
    assert (press.value, press.context) == ("this", {"channel": "C0HELP", "thread": root})
    assert press.sender.name == "Ada Lovelace"


async def test_a_press_is_not_acknowledged_before_it_is_committed(events: House):
    await events.channel.send(events.outbound("Which?", Choice("This", "this"), context=events.direct()))
    while events.workspace.acknowledged < 1:  # the event of our own message
        await asyncio.sleep(0.01)
    events.inbox.refusing = True
    events.ada.press("This")
    await events.inbox.offered()
    while not events.ada.errors:
        await asyncio.sleep(0.01)
    assert events.workspace.acknowledged == 1


async def test_staff_who_press_a_customers_choice_choose_nothing(sandbox: SlackSandbox):
    async with house(sandbox, staff=["U0BEN"]) as opened:
        ben = opened.workspace.user("U0BEN", "Ben")
        opened.workspace.channel("C0HELP", "help", [opened.ada, ben])
        await opened.channel.send(opened.outbound("Which?", Choice("This", "this"), context={"channel": "C0HELP"}))
        ben.press("This")
        opened.ada.press("This")
        await acknowledged(opened, 3)  # and the event of our own message
        [press] = await opened.inbox.arrived()
        assert press.sender.address.value == opened.ada.address


async def test_a_command_is_taken_and_points_to_where_it_is_answered(events: House):
    events.workspace.channel("C0HELP", "help", [events.ada])
    events.ada.command("/ask", "how do I <b>export</b> & more?", "C0HELP")
    [message] = await events.inbox.arrived()
    assert (message.text, message.context) == ("how do I <b>export</b> & more?", {})
    while not any(shown.ephemeral for shown in events.ada.messages):
        await asyncio.sleep(0.01)
    [pointer] = [shown for shown in events.ada.messages if shown.ephemeral]
    assert pointer.text == f"→ @{events.workspace.bot_name}"
    receipt = await events.channel.send(events.outbound("Like this.", context=message.context))
    assert receipt.context == events.direct()


async def test_a_command_of_staff_asks_nothing(sandbox: SlackSandbox):
    async with house(sandbox, staff=["U0ADA"]) as opened:
        body = payload("slash_command") | {"team_id": opened.workspace.team}
        assert await opened.answer(body, form=True) == (200, "")
        assert opened.inbox.offers == []


async def test_other_interactions_are_acknowledged_and_left(events: House):
    for kind in ("view_submission", "shortcut", "message_action", "block_suggestion", "unheard_of"):
        body = {"payload": json.dumps(payload("block_actions") | {"type": kind, "callback_id": "x"})}
        assert await events.post(body, form=True) == 200
    other = payload("block_actions")
    other["actions"][0]["action_id"] = "desk:assign"
    assert await events.post({"payload": json.dumps(other)}, form=True) == 200
    assert events.inbox.offers == []


# --- files -----------------------------------------------------------------------------------------------------


async def fetched(opened: House, attachment: Attachment) -> bytes:
    return b"".join([chunk async for chunk in opened.channel.fetch(attachment)])


async def test_a_file_can_be_fetched(events: House):
    events.ada.write("here", files=[SentFile("bill.pdf", "application/pdf", b"%PDF-1.7 the bill")])
    [message] = await events.inbox.arrived()
    [attachment] = message.attachments
    assert (attachment.name, attachment.media_type, attachment.size) == ("bill.pdf", "application/pdf", 17)
    assert await fetched(events, attachment) == b"%PDF-1.7 the bill"


async def test_a_file_that_is_too_large_is_not_fetched(sandbox: SlackSandbox):
    async with house(sandbox, max_file_bytes=10) as opened:
        opened.ada.write("here", files=[SentFile("bill.pdf", "application/pdf", b"%PDF-1.7 the bill")])
        [message] = await opened.inbox.arrived()
        with pytest.raises(Refused):
            await fetched(opened, message.attachments[0])


async def test_a_file_that_is_gone_is_refused(events: House):
    with pytest.raises(Refused, match="file_not_found"):
        await fetched(events, Attachment(name="x", media_type="text/plain", ref="F0GONE"))


async def test_a_file_is_asked_for_again_while_slack_is_away(events: House):
    events.sandbox.faults.add(ServerError(), method="files.info")
    with pytest.raises(TryLater):
        await fetched(events, Attachment(name="x", media_type="text/plain", ref="F0GONE"))


async def test_a_page_to_log_in_at_is_not_taken_for_a_file(events: House):
    page = b"\n<!DOCTYPE html><html><title>Sign in | Slack</title></html>"
    for name, media_type in (("bill.pdf", "application/pdf"), ("page.html", "text/html")):
        events.ada.write("here", files=[SentFile(name, media_type, page)])
    pdf, html = [message.attachments[0] for message in sorted(await events.inbox.arrived(2), key=lambda one: one.at)]
    with pytest.raises(Refused, match="a login is required"):
        await fetched(events, pdf)
    assert await fetched(events, html) == page
