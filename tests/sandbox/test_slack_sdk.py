"""The emulated Slack, used as bots use Slack: with slack_sdk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest_asyncio
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from omnibot.sandbox.slack import SlackSandbox


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox() as sandbox:
        yield sandbox


@pytest_asyncio.fixture
async def client(slack: SlackSandbox) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(slack.main.bot_token, base_url=f"{slack.url}/api/", session=session)


@asynccontextmanager
async def connected(slack: SlackSandbox, client: AsyncWebClient) -> AsyncIterator[asyncio.Queue[SocketModeRequest]]:
    """A client in Socket Mode that acknowledges whatever comes, and what came."""
    came: asyncio.Queue[SocketModeRequest] = asyncio.Queue()
    socket = SocketModeClient(slack.main.app_token, web_client=client, ping_interval=0.2)

    async def acknowledge(_: object, request: SocketModeRequest) -> None:
        await socket.send_socket_mode_response(SocketModeResponse(request.envelope_id))
        came.put_nowait(request)

    socket.socket_mode_request_listeners.append(acknowledge)
    await socket.connect()
    try:
        yield came
    finally:
        await socket.close()


async def test_a_bot_answers_who_wrote(slack: SlackSandbox, client: AsyncWebClient):
    ada = slack.main.user("U0ADA", "Ada Lovelace")
    room = await client.conversations_open(users=ada.id)
    await client.chat_postMessage(channel=room["channel"]["id"], text="*Sure* &amp; safe")
    assert [shown.text for shown in ada.messages] == ["Sure & safe"]
    (entry,) = slack.ledger.entries("slack", "chat.postMessage")
    assert (entry.to, entry.text) == ("slack:T0SANDBOX1/U0ADA", "Sure & safe")


async def test_socket_mode_tells_what_people_do(slack: SlackSandbox, client: AsyncWebClient):
    ada = slack.main.user("U0ADA", "Ada Lovelace")
    button = {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "Yes"}, "value": "y"}
    blocks = [{"type": "actions", "elements": [button]}]
    async with connected(slack, client) as came, asyncio.timeout(5):
        ada.write("hello <you>")
        request = await came.get()
        assert (request.type, request.payload["event"]["text"]) == ("events_api", "hello &lt;you&gt;")
        await client.chat_postMessage(channel=ada.id, text="Well?", blocks=blocks)
        assert (await came.get()).payload["event"]["bot_id"] == slack.main.bot_id
        ada.press("Yes")
        request = await came.get()
        assert (request.type, request.payload["actions"][0]["value"]) == ("interactive", "y")
        ada.command("/ask", "what now?")
        request = await came.get()
        assert (request.type, request.payload["text"]) == ("slash_commands", "what now?")
    assert slack.main.acknowledged == 4
