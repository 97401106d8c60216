"""A small support desk, as one writes it with slack_bolt: a card in a channel, and all that agents do with it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from omnibot.sandbox.slack import Person, Room, SlackSandbox

Transport = Literal["http", "socket"]


def plain(text: str) -> dict:
    return {"type": "plain_text", "text": text}


def button(label: str, action_id: str, **fields) -> dict:
    return {"type": "button", "text": plain(label), "action_id": action_id, **fields}


def typed(label: str, **fields) -> dict:
    element = {"type": "plain_text_input", "action_id": label.lower(), "multiline": True, **fields}
    return {"type": "input", "block_id": label.lower(), "label": plain(label), "element": element}


def modal(callback_id: str, *blocks: dict, **fields) -> dict:
    view = {"type": "modal", "callback_id": callback_id, "title": plain(callback_id.capitalize())}
    return {**view, "submit": plain("Send"), "blocks": list(blocks), **fields}


def card(state: str) -> list[dict]:
    agents = {"type": "users_select", "action_id": "assign", "placeholder": plain("Assign to…")}
    return [
        {"type": "header", "text": plain("Ada Lovelace")},
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*{state}*"}},
        {"type": "actions", "elements": [button("Answer", "answer"), button("Resolve", "resolve"), agents]},
    ]


@dataclass
class Desk:
    """A desk at work; `sent` is what it sent to the customer, `did` what else it was asked for."""

    slack: SlackSandbox
    channel: Room
    grace: Person
    client: AsyncWebClient
    sent: list[str] = field(default_factory=list)
    did: list[str] = field(default_factory=list)

    async def post_card(self) -> str:
        answer = await self.client.chat_postMessage(channel=self.channel.id, text="A case", blocks=card("open"))
        return str(answer["ts"])


def listen(app: AsyncApp, desk: Desk) -> None:
    """What the desk does."""

    @app.action("answer")
    async def answer(ack, body, client) -> None:
        await ack()
        await client.views_open(
            trigger_id=body["trigger_id"],
            view=modal("answer", typed("Words"), private_metadata=body["container"]["message_ts"]),
        )

    @app.view("answer")
    async def answered(ack, body, client) -> None:
        words = body["view"]["state"]["values"]["words"]["words"]["value"]
        if len(words) < 5:
            await ack(response_action="errors", errors={"words": "Say a little more."})
            return
        await ack()
        desk.sent.append(words)
        await client.chat_postMessage(
            channel=desk.channel.id, thread_ts=body["view"]["private_metadata"], text=f"Sent: {words}"
        )

    @app.action("resolve")
    async def resolve(ack, body, client) -> None:
        await ack()
        place = body["container"]
        await client.chat_update(
            channel=place["channel_id"], ts=place["message_ts"], text="resolved", blocks=card("resolved")
        )

    @app.action("assign")
    async def assign(ack, body, client) -> None:
        await ack()
        desk.did.append(f"assigned to {body['actions'][0]['selected_user']}")
        await client.chat_postEphemeral(
            channel=body["container"]["channel_id"],
            thread_ts=body["container"]["message_ts"],
            user=body["user"]["id"],
            text="Assigned.",
        )

    @app.shortcut("send_to_customer")
    async def send(ack, shortcut, client) -> None:
        await ack()
        desk.sent.append(shortcut["message"]["text"])
        await client.reactions_add(
            channel=shortcut["channel"]["id"], timestamp=shortcut["message_ts"], name="white_check_mark"
        )

    @app.shortcut("new_case")
    async def new(ack, shortcut, client) -> None:
        await ack()
        await client.views_open(trigger_id=shortcut["trigger_id"], view=modal("new", typed("Customer")))

    @app.command("/case")
    async def command(ack, command) -> None:
        await ack(text=f"No case is called {command['text']}.")

    @app.event("app_home_opened")
    async def home(event, client) -> None:
        blocks = [{"type": "section", "text": plain("1 open case"), "accessory": button("Open", "open")}]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    @app.event("message")
    async def message(event) -> None:
        if "bot_id" not in event:
            desk.did.append(f"{event.get('subtype', 'message')}: {event.get('text', '')}")

    @app.event("reaction_added")
    async def reaction(event) -> None:
        desk.did.append(f"reaction: {event['reaction']}")

    @app.action("open")
    async def opened(ack) -> None:
        await ack()
        desk.did.append("opened")


@asynccontextmanager
async def desk(transport: Transport) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(SlackSandbox())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        client = AsyncWebClient(slack.main.bot_token, base_url=f"{slack.url}/api/", session=session)
        app = AsyncApp(client=client, signing_secret=slack.main.signing_secret)
        grace = slack.main.user("U0GRACE", "Grace Hopper")
        slack.main.user("U0ALAN", "Alan Turing")
        channel = slack.main.channel("C0SUPPORT", "support", [grace])
        at_work = Desk(slack, channel, grace, client)
        listen(app, at_work)
        await stack.enter_async_context(
            _connected(app, slack, client) if transport == "socket" else _called(app, slack)
        )
        yield at_work


@asynccontextmanager
async def _connected(app: AsyncApp, slack: SlackSandbox, client: AsyncWebClient) -> AsyncIterator[None]:
    handler = AsyncSocketModeHandler(app, slack.main.app_token, web_client=client)
    await handler.connect_async()
    try:
        yield
    finally:
        await handler.close_async()


@asynccontextmanager
async def _called(app: AsyncApp, slack: SlackSandbox) -> AsyncIterator[None]:
    async def handle(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    server = web.Application()
    server.router.add_post("/slack/events", handle)
    runner = web.AppRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.main.deliver_to(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    try:
        yield
    finally:
        await runner.cleanup()
