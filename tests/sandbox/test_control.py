"""The sandbox commanded by HTTP, as people use it who develop a bot."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from omnibot.sandbox.control import Control
from omnibot.sandbox.faults import ARRIVAL, Duplicate, Faults, Throttle
from omnibot.sandbox.ledger import Ledger
from omnibot.sandbox.mail import Mail, MailSandbox
from omnibot.sandbox.telegram import TelegramSandbox


class Desk:
    """A sandbox and a client of its control port."""

    def __init__(self, client: TestClient, telegram: TelegramSandbox, mail: MailSandbox, ledger: Ledger) -> None:
        self.client, self.telegram, self.mail, self.ledger = client, telegram, mail, ledger

    async def post(self, path: str, body: object) -> tuple[int, dict]:
        async with self.client.post(path, json=body) as answer:
            return answer.status, await answer.json()


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    ledger, faults = Ledger(), Faults()
    async with TelegramSandbox(ledger, faults) as telegram, MailSandbox(ledger, faults) as mail:
        server = TestServer(Control(telegram, mail, ledger, faults).application())
        async with TestClient(server) as client:
            yield Desk(client, telegram, mail, ledger)


async def test_somebody_writes_on_telegram(desk: Desk) -> None:
    status, told = await desk.post("/telegram/write", {"user": 4711, "text": "Hello"})
    assert status == 200
    assert desk.telegram.main.last is not None
    message = desk.telegram.main.last.value["message"]
    assert (message["message_id"], message["text"]) == (told["message_id"], "Hello")


async def test_a_button_that_is_not_there_cannot_be_pressed(desk: Desk) -> None:
    status, told = await desk.post("/telegram/press", {"user": 4711, "label": "Yes"})
    assert (status, told["error"]) == (400, "no message offers 'Yes'")


async def test_somebody_writes_a_mail_and_answers_one(desk: Desk) -> None:
    letter = {"address": "sarah@example.org", "subject": "Bill", "text": "Why?"}
    assert await desk.post("/mail/write", letter) == (200, {"sent": True})
    status, told = await desk.post("/mail/write", letter | {"answer": True})
    assert status == 400
    assert "no mail yet" in told["error"]
    raw = b"From: support@example.com\r\nTo: sarah@example.org\r\nSubject: Re: Bill\r\n\r\nBecause.\r\n"
    await desk.mail.mailbox("sarah@example.org").receive(Mail("support@example.com", "sarah@example.org", raw))
    assert await desk.post("/mail/write", letter | {"answer": True}) == (200, {"sent": True})


async def test_misbehaviour_is_ordered_and_ended(desk: Desk) -> None:
    order = {"fault": "throttle", "with": {"after": 3}, "provider": "telegram"}
    assert await desk.post("/faults", order) == (200, {"ordered": "throttle"})
    assert desk.telegram.faults.take("telegram", "sendMessage", "1") == Throttle(3)
    await desk.post("/faults", {"fault": "duplicate", "count": None})
    assert desk.telegram.faults.take("telegram", ARRIVAL, "1") == Duplicate()
    async with desk.client.delete("/faults") as answer:
        assert answer.status == 200
    assert desk.telegram.faults.take("telegram", ARRIVAL, "1") is None


async def test_every_mistake_is_told(desk: Desk) -> None:
    for path, body, told in [
        ("/telegram/write", {"user": 0, "text": "x"}, "user: "),
        ("/telegram/write", {"user": 1, "text": "x", "colour": "red"}, "colour: "),
        ("/faults", {"fault": "throttle"}, "throttle: after: "),
        ("/faults", {"fault": "laziness"}, "fault: "),
    ]:
        status, answer = await desk.post(path, body)
        assert status == 400
        assert answer["error"].startswith(told)


async def test_the_ledger_can_be_read_from_where_one_left_off(desk: Desk) -> None:
    for number in range(3):
        desk.ledger.append("mail", "support", "DATA", {"text": str(number), "raw": b"bytes"})
    async with desk.client.get("/ledger", params={"after": "1"}) as answer:
        entries = await answer.json()
    assert [(entry["number"], entry["payload"]) for entry in entries] == [(2, {"text": "1"}), (3, {"text": "2"})]
    async with desk.client.get("/ledger", params={"after": "yesterday"}) as answer:
        assert answer.status == 400
