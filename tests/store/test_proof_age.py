"""A proof is renewed by use, and once it has run out neither the network nor a rule brings it back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
import pytest_asyncio

from omnibot.settings import Identity as Settings
from omnibot.store.codec import Codec
from omnibot.store.identity import Guards, Identity
from omnibot.store.store import Store
from tests.conftest import SECRET
from tests.store.test_first_contact import PHONE, SMS, TELEGRAM, WHATSAPP, Database, wrote
from tests.store.test_message_path_races import process

GUARDS = Guards.of(Settings())


@pytest_asyncio.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    connection = await asyncpg.connect(dsn)
    try:
        yield Database(connection)
    finally:
        await connection.close()


async def proven_days_ago(database: Database, days: int) -> None:
    await database.connection.execute(f"UPDATE links SET proven_at = now() - interval '{days} days'")


async def age(database: Database) -> float:
    """Days since the text messages' number was proven."""
    proven_at = await database.connection.fetchval(
        "SELECT proven_at FROM links JOIN addresses a ON a.id = address_id WHERE a.channel = 'sms'"
    )
    return (datetime.now(UTC) - proven_at).total_seconds() / 86_400


@pytest.mark.parametrize(("days", "renewed"), [(2, True), (179, True), (181, False), (1000, False)])
async def test_the_networks_word_renews_what_has_not_run_out(
    dsn: str, database: Database, days: int, renewed: bool
) -> None:
    async with process(dsn, GUARDS) as path:
        await path.accept([wrote("1", SMS, PHONE)])
    await proven_days_ago(database, days)
    async with process(dsn, GUARDS) as path:
        assert await path.accept([wrote("2", SMS, PHONE)]) == [True]
        assert await path.accept([wrote("3", SMS, PHONE)]) == [True]
    assert await age(database) == pytest.approx(0 if renewed else days, abs=0.1)


async def test_where_a_proof_lasts_for_ever_it_is_renewed_at_any_time(dsn: str, database: Database) -> None:
    async with process(dsn, Guards()) as path:
        await path.accept([wrote("1", SMS, PHONE)])
        await proven_days_ago(database, 1000)
    async with process(dsn, Guards()) as path:
        await path.accept([wrote("2", SMS, PHONE)])
    assert await age(database) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(("days", "one"), [(179, True), (181, False)])
async def test_who_has_got_an_old_number_is_not_taken_for_whoever_had_it(
    dsn: str, database: Database, days: int, one: bool
) -> None:
    async with process(dsn, GUARDS) as path:
        await path.accept([wrote("1", SMS, PHONE)])
        await proven_days_ago(database, days)
        await path.accept([wrote("2", WHATSAPP, PHONE)])
    assert (await database.customer(WHATSAPP) == await database.customer(SMS)) == one


@pytest.mark.parametrize(("days", "people"), [(179, 1), (181, 2)])
async def test_nor_by_the_rules_that_are_applied_later(
    dsn: str, store: Store, database: Database, days: int, people: int
) -> None:
    identity = Identity(store._pool, Codec(SECRET), GUARDS)
    async with process(dsn, GUARDS) as path:
        await path.accept([wrote("1", SMS, PHONE), wrote("2", TELEGRAM)])
        await database.connection.execute(
            f"UPDATE links SET proven_at = now() - interval '{days} days' WHERE proven_at IS NOT NULL"
        )
        await identity.identify(TELEGRAM, PHONE, evidence="shared contact", by="rule")
    while await identity.execute_next() is not None:
        pass
    assert await database.people() == people
