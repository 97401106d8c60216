"""`omnibot customer token`: a code by the company's own hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import asyncpg
import pytest
from typer.testing import Result

from omnibot.model import Address, IncomingMessage, Sender
from omnibot.store import Store
from omnibot.store.work import Arrived
from omnibot.tokens import as_code
from tests.conftest import SECRET
from tests.store.test_identity_tokens import NOON

Command = Callable[..., Result]


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """With a number for text messages, and a Telegram that cannot be reached."""
    sms = {"ACCOUNT_SID": f"AC{'0' * 32}", "AUTH_TOKEN": "0" * 32, "NUMBER": "+12025550100"}
    return {
        **environment,
        "OMNIBOT_CHANNELS__TELEGRAM__MAIN__API_URL": "http://127.0.0.1:1",
        "OMNIBOT_SERVER__PUBLIC_URL": "https://bot.example.com",
        **{f"OMNIBOT_CHANNELS__SMS__MAIN__{name}": value for name, value in sms.items()},
    }


TELEGRAM = Address("telegram", "4711")


def test_a_code_links_whoever_sends_it(dsn: str, omnibot: Command) -> None:
    done = omnibot("customer", "token", "u-77", "--email", "Sarah@Example.org", "--minutes", "5", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert as_code(told["code"]) == told["code"]
    assert told["message"] == f"/link {told['code']}"
    assert told["minutes"] == 5
    assert told["sms"] == f"sms:+12025550100?body=/link%20{told['code']}"
    assert "telegram" not in told
    assert asyncio.run(redeemed(dsn, told["code"])) == {"user_id:u-77", "email:sarah@example.org"}


async def redeemed(dsn: str, code: str) -> set[str]:
    """Whom somebody is taken for who sends it."""
    async with Store.open(dsn, SECRET) as store:
        item = IncomingMessage(id="1", at=NOON, sender=Sender(TELEGRAM), message_id="1", text="/start …")
        await store.path.accept([Arrived(channel="telegram", account="main", item=item, token=code)])
        [held] = (await store.identity.show(TELEGRAM)).addresses
        return {str(one.identifier) for one in held.identifiers}


async def codes(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    count: int = await connection.fetchval("SELECT count(*) FROM link_codes")
    await connection.close()
    return count


def test_people_are_told_what_to_send(omnibot: Command) -> None:
    done = omnibot("customer", "token", "u-77")
    assert done.exit_code == 0
    assert "/link " in done.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["  "], "is no user id"),
        (["u\n1"], "is no user id"),
        (["u-77", "--email", "sarah"], "is no e-mail address"),
        (["u-77", "--phone", "030 12345"], "is no phone number"),
    ],
)
def test_what_names_nobody_is_told(dsn: str, omnibot: Command, arguments: list[str], says: str) -> None:
    done = omnibot("customer", "token", *arguments)
    assert done.exit_code == 1
    assert says in done.output
    assert asyncio.run(codes(dsn)) == 0
