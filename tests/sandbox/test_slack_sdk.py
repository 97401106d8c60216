"""The emulated Slack, used as bots use Slack: with slack_sdk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import pytest_asyncio
from slack_caller import server, until
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, SectionBlock
from slack_sdk.models.views import View
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from omnibot.sandbox import Throttle
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


async def test_a_fresh_connection_takes_over_when_slack_asks_for_it(slack: SlackSandbox, client: AsyncWebClient):
    ada = slack.main.user("U0ADA")
    async with connected(slack, client) as came, asyncio.timeout(10):
        await until(lambda: len(slack.main.app.sockets) == 1)
        await slack.main.app.sockets.disconnect("refresh_requested")
        ada.write("in between")
        assert (await came.get()).payload["event"]["text"] == "in between"
    assert slack.main.acknowledged == 1


async def test_a_file_is_uploaded_in_one_go(slack: SlackSandbox, client: AsyncWebClient):
    ada = slack.main.user("U0ADA")
    room = (await client.conversations_open(users=ada.id))["channel"]["id"]
    done = await client.files_upload_v2(
        channel=room, content=b"content", filename="guide.pdf", title="The guide", initial_comment="Here"
    )
    assert done["files"][0]["title"] == "The guide"
    (shown,) = ada.messages
    assert (shown.text, shown.files) == ("Here", ("guide.pdf",))
    both = [{"content": "a", "filename": "a.txt"}, {"content": "b", "filename": "b.txt"}]
    await client.files_upload_v2(channel=room, file_uploads=both)
    assert ada.messages[-1].files == ("a.txt", "b.txt")


async def test_refusals_are_errors_of_the_sdk(slack: SlackSandbox, client: AsyncWebClient):
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="C0NOWHERE", text="x")
    assert refused.value.response["error"] == "channel_not_found"
    slack.faults.add(Throttle(7), method="auth.test")
    with pytest.raises(SlackApiError) as refused:
        await client.auth_test()
    assert (refused.value.response.status_code, refused.value.response.headers["Retry-After"]) == (429, "7")


async def test_lists_are_read_page_by_page(slack: SlackSandbox, client: AsyncWebClient):
    for number in range(3):
        slack.main.user(f"U{number}")
    pages = [page["members"] async for page in await client.users_list(limit=2)]
    assert [len(page) for page in pages] == [2, 2]


async def test_the_models_of_the_sdk_are_what_slack_takes(slack: SlackSandbox, client: AsyncWebClient):
    ada = slack.main.user("U0ADA")
    blocks = [
        SectionBlock(text="*Well*?"),
        ActionsBlock(elements=[ButtonElement(text="Yes", action_id="a", value="y")]),
    ]
    sent = await client.chat_postMessage(channel=ada.id, text="Well?", blocks=blocks)
    assert (ada.messages[0].text, ada.messages[0].choices) == ("Well?", ("Yes",))
    await client.chat_update(channel=sent["channel"], ts=sent["ts"], text="Thanks", blocks=[])
    assert (ada.messages[0].text, ada.messages[0].choices) == ("Thanks", ())
    await client.reactions_add(channel=sent["channel"], timestamp=sent["ts"], name="eyes")
    await client.views_publish(user_id=ada.id, view=View(type="home", blocks=blocks))
    assert ada.home is not None
    await client.chat_delete(channel=sent["channel"], ts=sent["ts"])
    history = await client.conversations_history(channel=sent["channel"], include_all_metadata=True, limit=5)
    assert history["messages"] == []


async def test_posts_are_signed_and_pressed_buttons_answered(slack: SlackSandbox, client: AsyncWebClient):
    ada = slack.main.user("U0ADA")
    slack.main.app.subscriptions.clear()
    blocks = [ActionsBlock(elements=[ButtonElement(text="Yes", action_id="a")])]
    await client.chat_postMessage(channel=ada.id, text="Well?", blocks=blocks)
    async with server() as hook:
        slack.main.deliver_to(hook.url)
        ada.press("Yes")
        (posted,) = await hook.next()
    assert SignatureVerifier(slack.main.signing_secret).is_valid_request(posted.raw, posted.headers)
    answer = await AsyncWebhookClient(posted.body["response_url"]).send(text="Done", replace_original=True)
    assert answer.status_code == 200
    assert [shown.text for shown in ada.messages] == ["Done"]
