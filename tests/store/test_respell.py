"""A database of before: its addresses are found in their new spelling, and known by what they say."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from omnibot.model import Address
from omnibot.store import Store
from omnibot.store.codec import Codec
from tests.conftest import SECRET
from tests.store.test_first_contact import EMAIL, NUMBER, PHONE, SMS, WHATSAPP, Database, wrote

CODEC = Codec(SECRET)


@pytest.fixture
async def database(dsn: str):
    connection = await asyncpg.connect(dsn)
    yield Database(connection)
    await connection.close()


async def stored(database: Database, *addresses: Address, proof: str = "seen", evidence: str = "first message") -> None:
    """As they were stored before: by the hash of their letters, each a customer of its own."""
    await database.execute("DELETE FROM meta WHERE key = 'spelling'")
    for address in addresses:
        await database.execute(
            "WITH a AS (INSERT INTO addresses (channel, hash, value_sealed, account, created_at)"
            " VALUES ($1, $2, $3, 'main', now()) RETURNING id),"
            " c AS (INSERT INTO customers (created_at) VALUES (now()) RETURNING id)"
            " INSERT INTO links (address_id, customer_id, home_id, proof, evidence, since)"
            " SELECT a.id, c.id, c.id, $4, $5, now() FROM a, c",
            address.channel, CODEC._hash("address", address.channel, address.value), CODEC.seal(0, address.value),
            proof, evidence,
        )  # fmt: skip


async def test_who_was_stored_in_another_spelling_is_found(dsn: str, database: Database) -> None:
    await stored(database, Address("whatsapp", "+553181234567"), Address("email", "sarah+shop@example.org"))
    async with Store.open(dsn, SECRET) as store:
        await store.path.accept([wrote("1", Address("whatsapp", "+5531981234567"))])
        await store.path.accept([wrote("2", Address("email", "sarah@example.org"))])
    assert await database.people() == 2


async def test_what_they_say_of_themselves_is_known(dsn: str, database: Database) -> None:
    await stored(database, SMS)
    await stored(database, Address("email", "mike@example.org"), proof="proven", evidence="import")
    await stored(database, Address("email", "claimed@example.org"), proof="claimed", evidence="code")
    async with Store.open(dsn, SECRET) as store:
        await store.path.accept([wrote("1", WHATSAPP, PHONE)])
        assert await database.customer(WHATSAPP) == await database.customer(SMS)
    assert await database.identifiers(SMS) == {NUMBER: ("vouched by sms", True)}
    assert await database.identifiers(Address("email", "mike@example.org")) == {"mike@example.org": ("import", True)}
    assert await database.identifiers(Address("email", "claimed@example.org")) == {}


async def test_two_spellings_of_one_address_become_one_person(dsn: str, database: Database) -> None:
    plain, shop, club = (Address("email", f"sarah{tag}@example.org") for tag in ("", "+shop", "+club"))
    await stored(database, shop, plain, club)
    async with Store.open(dsn, SECRET) as store:
        assert await database.people() == 3
        while await store.identity.execute_next():
            pass
        assert await database.people() == 1
        await store.path.accept([wrote("1", club, EMAIL)])
    assert await database.connection.fetchval("SELECT count(*) FROM links") == 3, "whatever was written there stays"


async def test_it_is_done_once(dsn: str, database: Database) -> None:
    await stored(database, SMS)
    async with Store.open(dsn, SECRET):
        pass
    await database.execute("UPDATE identifiers SET revoked_at = now()")
    async with Store.open(dsn, SECRET):
        assert await database.identifiers(SMS) == {}
    await database.execute("DELETE FROM meta WHERE key = 'spelling'")
    async with Store.open(dsn, SECRET):
        assert await database.identifiers(SMS) == {}, "what was revoked stays so, even where it is done again"


async def test_of_several_starters_one_does_it(dsn: str, database: Database) -> None:
    await stored(database, *(Address("sms", f"+55318{n:07}") for n in range(3000)))

    async def start() -> None:
        async with Store.open(dsn, SECRET):
            pass

    await asyncio.gather(*(asyncio.create_task(start()) for _ in range(3)))
    assert await database.connection.fetchval("SELECT count(*) FROM identifiers") == 3000
    rows = await database.connection.fetch("SELECT id, hash, value_sealed FROM addresses")
    assert all(
        row["hash"] == CODEC.address_hash(Address("sms", CODEC.open_text(0, row["value_sealed"]))) for row in rows
    )
