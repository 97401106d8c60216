"""A turn that nobody takes: told as it would be, with nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from omnibot.app import steps_of
from omnibot.asking import Answer, AskError, ask
from omnibot.model import Address, Attempt, CaseState, Direction, IncomingMessage, Result, Sender
from omnibot.settings import Bot, Database, Settings
from omnibot.store import Store
from omnibot.store.imports import NewCustomer
from omnibot.store.past import PastCase, PastMessage
from omnibot.store.work import Arrived
from omnibot.turns.steps import Steps
from tests.conftest import ROOT, SECRET

SMS, MAIL, TELEGRAM = Address("sms", "+4917012345678"), Address("email", "mike@example.org"), Address("telegram", "99")
DAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
ACCOUNTS = {
    "telegram": {"main": {"token": "4242:AAE_the_sandbox_gives_this_token_away_00"}},
    "whatsapp": {"main": {"account_sid": "AC" + "0" * 32, "auth_token": "0" * 32, "number": "+15005550009"}},
    "email": {
        "support": {
            "address": "support@example.com",
            "authserv_id": "mx.example.com",
            "listen": {"host": "127.0.0.1", "port": 2525},
            "smtp": {"host": "127.0.0.1", "port": 2526, "security": "none"},
        }
    },
}


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """Whatever a configuration gives, without a channel opened."""
    folder: Path = tmp_path_factory.mktemp("data")
    bot = Bot(knowledge=ROOT / "config" / "knowledge", voice=ROOT / "config" / "voice", playbooks=None)
    return steps_of(
        Settings(data_folder=folder, secret=SECRET.decode(), bot=bot, database=Database(), channels=ACCOUNTS)
    )


@pytest.fixture
def asked(store: Store, steps: Steps) -> Callable:
    async def take(address: Address, text: str, **more: object) -> Answer:
        return await ask(store, steps, address, text, account="main", language="en", **more)

    return take


async def rows(dsn: str) -> dict[str, int]:
    """How much stands in every table."""
    connection = await asyncpg.connect(dsn)
    try:
        names = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return {name: await connection.fetchval(f'SELECT count(*) FROM "{name}"') for (name,) in names}
    finally:
        await connection.close()


@pytest.fixture
async def mike(store: Store) -> None:
    """A customer with two addresses and a case that two people tried to solve."""
    person = NewCustomer(row=1, addresses=(SMS, MAIL), facts={"name": "Mike Torres"})
    await store.records.import_customers([person], {"email": "support", "sms": "main"})
    ids = await store.past.ids([SMS, MAIL])
    said = PastMessage(key="1", address=ids[SMS], at=DAY, direction=Direction.IN, text="error 504", case="T-1")
    await store.past.say([said])
    tried = [Attempt(what="a longer timeout", by="Nina", at=DAY, result=Result.FAILED)]
    await store.past.open(
        [
            PastCase(
                key="T-1",
                addresses=(ids[SMS], ids[MAIL]),
                intent="api-timeout",
                topic="504",
                state=CaseState.OPEN,
                opened_at=DAY,
                touched_at=DAY,
                attempts=tuple(tried),
            )
        ]
    )


class TestNobody:
    async def test_is_a_new_customer_and_stays_unknown(self, asked: Callable, dsn: str) -> None:
        before = await rows(dsn)
        answer = await asked(TELEGRAM, "How do I reset my password?")
        assert answer.new
        [reply] = answer.outcome.replies
        assert reply.draft.to.address == TELEGRAM
        assert "reset" in reply.draft.parts[0].text + str(reply.draft.parts)
        assert await rows(dsn) == before

    async def test_without_a_database_everybody_is_new(self, steps: Steps) -> None:
        answer = await ask(None, steps, MAIL, "How do I reset my password?", account="support", language="en")
        assert answer.new
        assert answer.snapshot.addresses[0].account == "support"
        assert answer.outcome.replies[0].draft.subject

    async def test_cannot_be_answered_on_a_channel_that_is_not_configured(self, asked: Callable) -> None:
        with pytest.raises(AskError, match="slack is no channel that is configured"):
            await asked(Address("slack", "T1/U1"), "hello")

    async def test_has_no_other_address(self, asked: Callable) -> None:
        with pytest.raises(AskError, match="nobody who has an address on email"):
            await asked(TELEGRAM, "hello", channel="email")


@pytest.mark.usefixtures("mike")
class TestKnown:
    async def test_they_are_seen_with_all_that_is_remembered(self, asked: Callable, dsn: str) -> None:
        before = await rows(dsn)
        at = DAY + timedelta(days=2)
        answer = await asked(MAIL, "The API times out again, error 504", at=at)
        assert not answer.new
        assert answer.snapshot.name == "Mike Torres"
        assert [case.topic for case in answer.snapshot.cases] == ["504"]
        recollection = answer.outcome.record["recollection"]
        assert (recollection["case"], recollection["contacts"]) == (answer.snapshot.cases[0].id, 2)
        assert recollection["agents"] == ("Nina",)
        assert answer.outcome.work.at == at
        assert {reply.draft.to.address for reply in answer.outcome.replies} == {MAIL}
        assert await rows(dsn) == before

    async def test_the_agent_of_a_past_message_was_no_machine(self, asked: Callable, store: Store) -> None:
        ids = await store.past.ids([MAIL])
        out = PastMessage(key="2", address=ids[MAIL], at=DAY, direction=Direction.OUT, text="Hello", by="Nina")
        await store.past.say([out])
        answer = await asked(MAIL, "How do I reset my password?")
        kinds = [(move["kind"].value, move["topic"]) for move in answer.outcome.record["moves"]]
        assert ("disclose", "machine") in kinds

    async def test_they_write_from_another_of_their_addresses(self, asked: Callable) -> None:
        answer = await asked(SMS, "How do I reset my password?", channel="email")
        assert answer.outcome.replies[0].draft.to.address == MAIL

    async def test_whoever_a_provider_vouches_for_is_recognised(self, asked: Callable) -> None:
        answer = await asked(Address("whatsapp", SMS.value), "hello")
        assert (answer.new, answer.snapshot.name) == (True, "Mike Torres")

    async def test_what_waits_is_left_to_the_server_but_for_events(self, asked: Callable, store: Store) -> None:
        item = IncomingMessage(id="7", at=DAY, sender=Sender(MAIL), message_id="7", text="something else")
        await store.path.accept([Arrived(channel="email", account="support", item=item)])
        answer = await asked(MAIL, "How do I reset my password?")
        assert [one.message.text for one in answer.outcome.work.items] == ["How do I reset my password?"]

    async def test_they_are_reminded_of_what_was_said_long_ago(self, asked: Callable, store: Store) -> None:
        from omnibot.memory.past import indexed
        from omnibot.store.recall import Indexed

        ids = await store.past.ids([MAIL])
        told = ["My invoice for the drone of type Falcon was wrong.", *(f"Small talk number {n}." for n in range(20))]
        messages = [
            PastMessage(key=f"r{n}", address=ids[MAIL], at=DAY + timedelta(hours=n), direction=Direction.IN, text=text)
            for n, text in enumerate(told)
        ]
        await store.past.say(messages)
        connection = await asyncpg.connect(store._pool._connect_args[0])
        await connection.execute("UPDATE messages SET received_at = now() - interval '1 h'")
        await connection.close()
        backlog = await store.recall.backlog(500)
        rows_ = [Indexed(m.address, m.message, *indexed(m.text, "en", None)) for m in backlog.messages]
        await store.recall.keep(backlog, rows_)
        answer = await asked(MAIL, "What was wrong with the invoice for my Falcon drone?")
        assert told[0] in [one.message.text for one in answer.recalled]
