"""The sandbox commanded by HTTP, as people use it who develop a bot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from omnibot.channels import judge_accounts
from omnibot.contract import Site
from omnibot.sandbox import Outcome
from omnibot.sandbox.control import Control
from omnibot.sandbox.faults import ARRIVAL, Duplicate, Throttle
from omnibot.sandbox.mail import Mail
from omnibot.sandbox.providers import Ports, Providers, emulated
from omnibot.testing import Inbox


@dataclass
class Desk:
    """The providers and a client of their control port."""

    client: TestClient
    providers: Providers

    async def post(self, path: str, body: object) -> tuple[int, dict]:
        async with self.client.post(path, json=body) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str, *query: tuple[str, str]) -> tuple[int, object]:
        async with self.client.get(path, params=query) as answer:
            return answer.status, await answer.json()


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    async with emulated(Ports(lmtp=1), bot_url="http://127.0.0.1:1") as providers:
        control = Control(providers.people, providers.ledger, providers.faults)
        async with TestClient(TestServer(control.application())) as client:
            yield Desk(client, providers)


async def test_somebody_writes_under_their_name(desk: Desk) -> None:
    sarah = {"name": "Sarah Lind", "addresses": ["telegram:4711", "email:sarah@example.org"]}
    assert await desk.post("/people", sarah) == (200, sarah)
    assert await desk.post("/write", {"as": "telegram:4711", "text": "Hello"}) == (200, sarah)
    assert desk.providers.telegram.main.last is not None
    message = desk.providers.telegram.main.last.value["message"]
    assert (message["from"]["first_name"], message["text"]) == ("Sarah", "Hello")


async def test_whoever_is_known_by_two_addresses_is_one_person(desk: Desk) -> None:
    await desk.post("/people", {"name": "Sarah", "addresses": ["telegram:1", "email:s@example.org"]})
    await desk.post("/people", {"addresses": ["telegram:1", "telegram:2"]})
    one = {"name": "Sarah", "addresses": ["telegram:1", "email:s@example.org", "telegram:2"]}
    for address in one["addresses"]:
        assert await desk.get("/people", ("as", address)) == (200, one)
    assert await desk.get("/people", ("as", "telegram:3")) == (200, {"name": "", "addresses": ["telegram:3"]})


async def test_a_button_that_is_not_there_cannot_be_pressed(desk: Desk) -> None:
    for address in ("telegram:4711", "email:sarah@example.org"):
        status, told = await desk.post("/press", {"as": address, "label": "Yes"})
        assert status == 400
        assert "'Yes'" in told["error"]


async def test_a_button_is_pressed(desk: Desk) -> None:
    ada = desk.providers.telegram.main.user(4711)
    ada.write("hello")
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    chat = desk.providers.telegram.main.chats[4711]
    chat.keep({"message_id": 5, "from": {"is_bot": True}, "chat": {"id": 4711}, "reply_markup": keyboard})
    assert await desk.post("/press", {"as": "telegram:4711", "label": "Yes"}) == (200, {"pressed": "Yes"})
    assert desk.providers.telegram.main.last is not None
    assert desk.providers.telegram.main.last.value["callback_query"]["data"] == "y"


async def test_somebody_answers_the_last_mail_with_its_quotes(desk: Desk) -> None:
    sarah = desk.providers.mail.mailbox("sarah@example.org")
    raw = b"From: support@example.com\r\nTo: sarah@example.org\r\nSubject: Bill\r\n\r\nBecause.\r\n"
    await sarah.receive(Mail("support@example.com", "sarah@example.org", raw))
    posted = []
    desk.providers.mail.post = lambda raw, **_: posted.append(raw.decode())  # type: ignore[method-assign]
    for answer in (True, False):
        letter = {"as": "email:sarah@example.org", "subject": "New", "text": "Why?", "answer": answer}
        status, _ = await desk.post("/write", letter)
        assert status == 200
    assert ["> Because." in raw for raw in posted] == [True, False]


async def test_misbehaviour_is_ordered_and_ended(desk: Desk) -> None:
    order = {"fault": "throttle", "with": {"after": 3}, "provider": "telegram"}
    assert await desk.post("/faults", order) == (200, {"ordered": "throttle"})
    assert desk.providers.faults.take("telegram", "sendMessage", "1") == Throttle(3)
    await desk.post("/faults", {"fault": "duplicate", "count": None})
    assert desk.providers.faults.take("telegram", ARRIVAL, "1") == Duplicate()
    async with desk.client.delete("/faults") as answer:
        assert answer.status == 200
    assert desk.providers.faults.take("telegram", ARRIVAL, "1") is None


async def test_every_mistake_is_told(desk: Desk) -> None:
    for path, body, told in [
        ("/write", {"as": "telegram:1"}, "text: "),
        ("/write", {"as": "telegram:1", "text": "x", "colour": "red"}, "colour: "),
        ("/write", {"as": "telegram:", "text": "x"}, "'telegram:' is not an address"),
        ("/write", {"as": "telegram:somebody", "text": "x"}, "'somebody' is no Telegram id: "),
        (
            "/write",
            {"as": "pigeon:1", "text": "x"},
            "the sandbox does not emulate a channel 'pigeon': use one of telegram, slack, sms, ",
        ),
        ("/faults", {"fault": "throttle"}, "throttle: after: "),
        ("/faults", {"fault": "laziness"}, "fault: "),
    ]:
        status, answer = await desk.post(path, body)
        assert status == 400
        assert answer["error"].startswith(told)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("telegram:@ada", "'@ada' is no Telegram id: give a number"),
        ("telegram:0", "'0' is no Telegram id"),
        ("slack:U0ADA", "'U0ADA' is no address of Slack: write T…/U…, such as T0SANDBOX1/U0ADA"),
        ("slack:T0NOWHERE/U0ADA", "there is no workspace 'T0NOWHERE' here: use T0SANDBOX1"),
        ("sms:015550100", "'015550100' is no number with its country code"),
        ("sms:+1", "'+1' is no number"),
        ("whatsapp:somebody", "'somebody' is neither a number with its country code"),
        ("email:ada", "'ada' is no email address: write it as"),
        ("email:ada@example..org", "'ada@example..org' is no email address"),
        ("pigeon:1", "the sandbox does not emulate a channel 'pigeon'"),
    ],
)
async def test_nobody_can_have_an_address_that_there_cannot_be(desk: Desk, address: str, told: str) -> None:
    """Whoever wrote from it would wait for an answer that cannot come."""
    for path, body in [
        ("/people", {"addresses": ["telegram:1", address]}),
        ("/write", {"as": address, "text": "Hello"}),
    ]:
        status, answer = await desk.post(path, body)
        assert status == 400
        assert answer["error"].startswith(told)
    assert await desk.get("/people", ("as", "telegram:1")) == (200, {"name": "", "addresses": ["telegram:1"]})


async def test_mail_can_be_fetched_from_a_mailbox() -> None:
    """With the settings that the sandbox prints."""
    async with emulated(Ports(lmtp=1, imap=0), bot_url="http://127.0.0.1:1") as providers:
        [account], faults = judge_accounts({"email": providers.accounts()["email"]})
        assert faults == []
        site = Site(account="support", path="/", public_url="", key=b"a key of the tests", now=providers.ledger.now)
        async with account.channel_class(site, account.settings) as channel:
            inbox = Inbox()
            listening = asyncio.create_task(channel.listen(inbox))
            providers.mail.customers.write("ada@example.org", "How are you?", subject="Hello")
            await inbox.arrived()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        assert [message.text for message in inbox.messages] == ["How are you?"]


@pytest.mark.parametrize(
    "address",
    ["telegram:1", "slack:T0SANDBOX1/U0ADA", "sms:+12025550123", "whatsapp:US.1349120865530", "email:a+b@example.org"],
)
async def test_what_somebody_can_have_is_taken(desk: Desk, address: str) -> None:
    assert (await desk.post("/people", {"addresses": [address]}))[0] == 200


async def test_the_ledger_can_be_read_from_where_one_left_off(desk: Desk) -> None:
    for number in range(3):
        desk.providers.ledger.append("mail", "support", "DATA", {"text": str(number), "raw": b"bytes"})
    _, entries = await desk.get("/ledger", ("after", "1"))
    assert [(entry["number"], entry["payload"]) for entry in entries] == [(2, {"text": "1"}), (3, {"text": "2"})]
    for count, numbers in [("0", []), ("1", [3]), ("9", [1, 2, 3])]:
        _, entries = await desk.get("/ledger", ("latest", count))
        assert [entry["number"] for entry in entries] == numbers
    status, told = await desk.get("/ledger", ("after", "yesterday"))
    assert (status, told["error"]) == (400, "after: 'yesterday' is no number")


async def test_the_ledger_can_be_waited_for(desk: Desk) -> None:
    ledger = desk.providers.ledger
    waiting = asyncio.create_task(desk.get("/ledger", ("wait", "30"), ("to", "sms:+1"), ("to", "email:a@example.org")))
    while not ledger._waiters:
        await asyncio.sleep(0)
    ledger.append("telegram", "main", "sendMessage", {}, to="telegram:1", text="to somebody else")
    ledger.append("mail", "support", "DATA", {}, Outcome.REFUSED, "550", to="email:a@example.org", text="did not come")
    ledger.append("mail", "support", "DATA", {}, to="email:a@example.org", text="here it is")
    _, entries = await waiting
    assert [entry["text"] for entry in entries] == ["here it is"]
