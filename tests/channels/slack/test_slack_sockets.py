"""Socket Mode: what happens to connections, and what is acknowledged over them."""

import asyncio
import json

import pytest
from aiohttp import web
from slack_house import House, house, listening
from structlog.testing import capture_logs

from omnibot.model import ButtonPress, Choice
from omnibot.sandbox import ServerError, Throttle
from omnibot.sandbox.slack import SlackSandbox


async def connections(opened: House, count: int) -> None:
    """Wait until so many are connected."""
    async with asyncio.timeout(10):
        while len(opened.workspace.app.sockets) != count:
            await asyncio.sleep(0.01)


async def test_presses_and_commands_come_too(connected: House):
    await connected.channel.send(connected.outbound("Which?", Choice("This", "this"), context=connected.direct()))
    connected.ada.press("This")
    [press] = await connected.inbox.arrived()
    assert isinstance(press, ButtonPress)
    connected.workspace.channel("C0HELP", "help", [connected.ada])
    connected.ada.command("/ask", "how?", "C0HELP")
    await connected.inbox.arrived(2)
    async with asyncio.timeout(10):
        while not any(shown.ephemeral for shown in connected.ada.messages):
            await asyncio.sleep(0.01)


async def test_what_was_not_taken_comes_again(connected: House):
    connected.inbox.refusing = True
    connected.workspace.app.patience = 0.05
    connected.ada.write("keep me")
    await connected.inbox.offered(2)
    assert connected.workspace.acknowledged == 0
    connected.inbox.refusing = False
    await connected.inbox.arrived()


async def test_a_malformed_event_is_acknowledged_and_left(connected: House):
    await connections(connected, 1)
    for payload in ({"type": "event_callback", "event": 7, "team_id": connected.workspace.team}, {"team": 7}):
        with capture_logs() as logs:
            await connected.workspace.app.sockets.send("events_api", payload, 0, "", 5)
        assert [line["event"] for line in logs] == ["request_unreadable"]


async def test_a_connection_that_slack_ends_gets_a_successor(connected: House):
    await connections(connected, 1)
    await connected.workspace.app.sockets.disconnect("refresh_requested")
    connected.ada.write("over the new one")
    await connected.inbox.arrived()
    await connections(connected, 1)


async def test_a_warned_connection_lives_until_its_successor_does(connected: House, monkeypatch):
    monkeypatch.setattr("omnibot_slack.sockets.LEAVE_WITHIN", 1.0)
    await connections(connected, 1)
    await connected.workspace.app.sockets.warn()
    await connections(connected, 2)
    connected.ada.write("over either")
    await connected.inbox.arrived()
    await connections(connected, 1)
    connected.ada.write("over the new one")
    await connected.inbox.arrived(2)


async def test_a_connection_that_lasted_is_followed_at_once(connected: House, monkeypatch):
    monkeypatch.setattr("omnibot_slack.sockets.LASTING", -1.0)
    await connections(connected, 1)
    with capture_logs() as logs:
        await connected.workspace.app.sockets.disconnect("refresh_requested")
        connected.ada.write("over the new one")
        await connected.inbox.arrived()
    assert [line["event"] for line in logs] == ["socket_ends"]


async def test_a_link_that_leads_nowhere_is_said(sandbox: SlackSandbox, monkeypatch):
    monkeypatch.setattr(sandbox.main.app.sockets, "redeem", lambda _: False)
    async with house(sandbox, "socket") as opened:
        with capture_logs() as logs:
            async with listening(opened):
                async with asyncio.timeout(10):
                    while not logs:
                        await asyncio.sleep(0.01)
    assert (logs[0]["event"], logs[0]["reason"]) == ("socket_not_connected", "WSServerHandshakeError")


async def test_a_connection_that_breaks_is_made_again(connected: House):
    await connections(connected, 1)
    connected.workspace.app.sockets.cut()
    connected.ada.write("after the break")
    await connected.inbox.arrived()


async def test_it_is_tried_until_slack_lets_us_in(sandbox: SlackSandbox):
    sandbox.faults.add(Throttle(1), method="apps.connections.open")
    async with house(sandbox, "socket") as opened:
        with capture_logs() as logs:
            async with listening(opened):
                opened.ada.write("hello")
                await opened.inbox.arrived()
        assert [(line["event"], line.get("reason"), line.get("again_in")) for line in logs] == [
            ("socket_not_connected", "ratelimited", None),
            ("socket_again", None, 1.0),
        ]


async def test_a_connection_that_took_long_to_fail_has_not_lasted(sandbox: SlackSandbox, monkeypatch):
    monkeypatch.setattr("omnibot_slack.sockets.LASTING", -1.0)
    sandbox.faults.add(Throttle(1), method="apps.connections.open")
    async with house(sandbox, "socket") as opened:
        with capture_logs() as logs:
            async with listening(opened):
                opened.ada.write("hello")
                await opened.inbox.arrived()
    assert [line["again_in"] for line in logs if line["event"] == "socket_again"] == [1.0]


async def test_where_socket_mode_is_off_it_is_said(sandbox: SlackSandbox):
    async with house(sandbox, "socket") as opened:
        opened.workspace.deliver_to("http://127.0.0.1:1/events")
        with capture_logs() as logs:
            async with listening(opened):
                async with asyncio.timeout(10):
                    while not logs:
                        await asyncio.sleep(0.01)
        assert logs[0]["reason"] == "link_disabled"


async def test_a_wrong_token_is_said(sandbox: SlackSandbox):
    async with house(sandbox, "socket", app_token="xapp-1-A0-1-wrong") as opened:
        with capture_logs() as logs:
            async with listening(opened):
                async with asyncio.timeout(10):
                    while len(logs) < 4:
                        await asyncio.sleep(0.01)
        assert [line.get("reason", line.get("again_in")) for line in logs] == ["invalid_auth", 0.2, "invalid_auth", 0.4]


async def test_without_knowing_who_we_are_nothing_is_acknowledged(sandbox: SlackSandbox):
    sandbox.faults.add(ServerError(503), method="auth.test")
    sandbox.main.app.patience = 0.1
    async with house(sandbox, "socket") as opened, listening(opened):
        opened.ada.write("hello")
        await opened.inbox.arrived()
        assert sandbox.main.app.acknowledged <= 1
        assert [entry.method for entry in sandbox.ledger if not entry.accepted] == ["auth.test"]


async def test_odd_frames_are_left():
    """A server that says whatever it likes; what is said properly is still taken."""
    acknowledged: list[dict] = []

    async def link(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(json.dumps({"type": "hello"}))
        await socket.send_bytes(b"\0")
        for text in ("", "{", "[]", "7", "[" * 100_000, '{"type": "disconnected"}', '{"envelope_id": 7}'):
            await socket.send_str(text)
        await socket.send_str(json.dumps({"envelope_id": "e1", "payload": "odd"}))
        await socket.send_str(json.dumps({"envelope_id": "e2", "payload": {"type": "unheard_of"}}))
        async for message in socket:
            acknowledged.append(json.loads(message.data))
        return socket

    async def call(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "team_id": "T0", "url": f"ws://{request.host}/link"})

    app = web.Application()
    app.add_routes([web.get("/link", link), web.post("/api/{method}", call)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with SlackSandbox() as sandbox:
        url = "http://{}:{}/api/".format(*runner.addresses[0])
        async with house(sandbox, "socket", api_url=url) as opened, listening(opened) as listener:
            async with asyncio.timeout(10):
                while len(acknowledged) < 2:
                    await asyncio.sleep(0.01)
            assert not listener.done()
            assert opened.inbox.offers == []
    await runner.cleanup()
    assert sorted(one["envelope_id"] for one in acknowledged) == ["e1", "e2"]


@pytest.mark.parametrize("greeting", [None, "", "{}", '{"type": "disconnect", "reason": "too_many_websockets"}'])
async def test_a_connection_without_a_greeting_is_none(greeting):
    links = 0

    async def link(request: web.Request) -> web.WebSocketResponse:
        nonlocal links
        links += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if greeting is not None:
            await socket.send_str(greeting)
        await socket.close()
        return socket

    async def call(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "url": f"ws://{request.host}/link"})

    app = web.Application()
    app.add_routes([web.get("/link", link), web.post("/api/{method}", call)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with SlackSandbox() as sandbox:
        url = "http://{}:{}/api/".format(*runner.addresses[0])
        with capture_logs() as logs:
            async with house(sandbox, "socket", api_url=url) as opened, listening(opened):
                async with asyncio.timeout(10):
                    while links < 2:
                        await asyncio.sleep(0.01)
    await runner.cleanup()
    assert logs[0]["event"] == "socket_not_connected"
    assert logs[0]["reason"] == ("too_many_websockets" if greeting and "reason" in greeting else "connection closed")


async def test_in_events_mode_there_is_nothing_to_listen_to(events: House):
    await events.channel.listen(events.inbox)


async def test_in_socket_mode_there_is_no_request_url(connected: House):
    assert list(connected.channel.routes(connected.inbox)) == []
    assert await connected.post(connected.event()) == 404


@pytest.mark.parametrize("mode", ["events", "socket"])
async def test_two_workspaces_do_not_hear_each_other(sandbox: SlackSandbox, mode):
    async with house(sandbox, mode) as one, house(sandbox, mode, workspace="T0SECOND") as other:
        async with listening(one), listening(other):
            one.ada.write("to the first")
            other.ada.write("to the second")
            await one.inbox.arrived()
            await other.inbox.arrived()
        told = [
            (message.sender.address.value, message.text) for house in (one, other) for message in house.inbox.messages
        ]
        assert told == [("T0SANDBOX1/U0ADA", "to the first"), ("T0SECOND/U0ADA", "to the second")]
