"""What the company knows of its customers: proven on its word, and recognised by it."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from omnibot.identifiers import comparable
from omnibot.model import Address, Identifier, IdentifierKind
from omnibot.store import Store
from omnibot.store.imports import Imported, NewCustomer
from tests.store.test_first_contact import MAIL, NUMBER, PHONE, SLACK, SMS, TELEGRAM, WHATSAPP, Database, wrote
from tests.store.test_message_path_races import process

ACCOUNTS = {"telegram": "main", "email": "main", "sms": "main", "whatsapp": "main"}


def person(*addresses: Address, user_id: str = "", row: int = 2) -> NewCustomer:
    return NewCustomer(row=row, addresses=addresses, facts={}, user_id=user_id)


async def bring(store: Store, *people: NewCustomer) -> Imported:
    return await store.records.import_customers(people, ACCOUNTS)


@pytest.fixture
async def database(dsn: str):
    connection = await asyncpg.connect(dsn)
    yield Database(connection)
    await connection.close()


async def log(database: Database) -> list[tuple[str, str, str]]:
    rows = await database.connection.fetch("SELECT act, proof, by FROM identity_log ORDER BY id")
    return [(row["act"], row["proof"], row["by"]) for row in rows]


async def acts(database: Database) -> int:
    return await database.connection.fetchval("SELECT count(*) FROM identity_acts")


class TestProven:
    async def test_addresses_and_user_ids_are_proven_on_the_companys_word(
        self, store: Store, database: Database
    ) -> None:
        assert await bring(store, person(SMS, TELEGRAM, user_id="7")) == Imported(1, 0, ())
        assert await database.identifiers(SMS) == {NUMBER: ("import", True), "7": ("import", True)}
        assert await database.identifiers(TELEGRAM) == {"7": ("import", True)}
        assert await database.people() == 1
        assert await log(database) == [("link", "proven", "import")] * 2
        assert await acts(database) == 0

    async def test_two_rows_that_share_an_address_are_one_person(self, store: Store, database: Database) -> None:
        assert await bring(store, person(SMS), person(SMS, TELEGRAM, row=3)) == Imported(1, 1, ())
        assert await database.people() == 1
        assert await database.connection.fetchval("SELECT count(*) FROM customers") == 1
        assert await database.connection.fetchval("SELECT count(*) FROM addresses") == 2

    async def test_two_rows_with_one_user_id_are_one_person(self, store: Store, database: Database) -> None:
        assert await bring(store, person(SMS, user_id="7"), person(TELEGRAM, user_id="7", row=3)) == Imported(1, 1, ())
        assert await database.people() == 1

    async def test_who_writes_from_another_channel_is_recognised(self, store: Store, database: Database) -> None:
        await bring(store, person(SMS))
        await store.path.accept([wrote("1", WHATSAPP, PHONE)])
        assert await database.people() == 1

    async def test_who_has_written_before_is_proven_from_now_on(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", TELEGRAM)])
        assert await bring(store, person(TELEGRAM, user_id="7")) == Imported(0, 1, ())
        assert await database.proof(TELEGRAM) == "proven"
        assert await database.identifiers(TELEGRAM) == {"7": ("import", True)}
        assert (await log(database))[-1] == ("prove", "proven", "import")

    async def test_what_is_brought_twice_stays_as_it_is(self, store: Store, database: Database) -> None:
        sarah = person(SMS, TELEGRAM, user_id="7")
        await bring(store, sarah)
        before = await database.connection.fetch("SELECT * FROM identifiers ORDER BY id"), await log(database)
        assert await bring(store, sarah) == Imported(0, 1, ())
        assert (await database.connection.fetch("SELECT * FROM identifiers ORDER BY id"), await log(database)) == before

    async def test_what_was_only_said_is_the_companys_word_now(self, store: Store, database: Database) -> None:
        await bring(store, person(SMS))
        await database.execute("UPDATE identifiers SET proven_at = NULL, evidence = 'said'")
        await bring(store, person(SMS))
        assert await database.identifiers(SMS) == {NUMBER: ("import", True)}

    async def test_two_spellings_are_one_address(self, store: Store, database: Database) -> None:
        await bring(store, person(Address("email", "sarah+shop@example.org")))
        assert await bring(store, person(MAIL)) == Imported(0, 1, ())
        assert list(await database.links()) == ["email:sarah+shop@example.org"]


class TestUserIds:
    async def test_the_same_user_id_is_the_same_person(self, store: Store, database: Database) -> None:
        await bring(store, person(TELEGRAM, user_id="7"))
        assert await bring(store, person(MAIL, user_id="7")) == Imported(0, 1, ())
        assert await database.people() == 1

    async def test_it_leads_to_the_home_of_whoever_has_it(self, store: Store, database: Database) -> None:
        await bring(store, person(SMS, user_id="1"), person(TELEGRAM, user_id="7", row=3))
        home, root = await database.customer(TELEGRAM), await database.customer(SMS)
        await store.identity.merge(SMS, TELEGRAM, rule="staff", by="Ben", reason="one person after all")
        await bring(store, person(MAIL, user_id="7"))
        assert (await database.links())[str(MAIL)][:2] == (root, home)

    async def test_an_address_of_somebody_else_is_a_conflict(self, store: Store, database: Database) -> None:
        await bring(store, person(TELEGRAM, user_id="7"), person(MAIL, row=3))
        assert await bring(store, person(MAIL, user_id="7", row=9)) == Imported(0, 0, (9,))
        assert await database.people() == 2

    async def test_so_is_a_user_id_that_differs(self, store: Store, database: Database) -> None:
        await bring(store, person(TELEGRAM, user_id="7"))
        assert await bring(store, person(TELEGRAM, user_id="8", row=9)) == Imported(0, 0, (9,))
        assert await database.identifiers(TELEGRAM) == {"7": ("import", True)}

    async def test_one_that_names_nobody_is_left_out(self, store: Store, dsn: str, database: Database) -> None:
        nobody = Identifier(IdentifierKind.USER_ID, "null")
        store.records._blocked = frozenset({nobody})
        await bring(store, person(TELEGRAM, user_id="null"), person(MAIL, user_id="null", row=3))
        assert await database.people() == 2
        assert await database.identifiers(TELEGRAM) == {}


class TestMatched:
    async def test_who_has_proven_the_same_elsewhere_is_matched(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", WHATSAPP, PHONE)])
        await bring(store, person(SMS))
        assert await acts(database) == 1
        await store.identity.execute_next()
        assert await database.people() == 1
        await bring(store, person(SMS))
        assert await acts(database) == 0

    async def test_whoever_writes_while_they_are_imported_is_one_with_them(
        self, store: Store, dsn: str, database: Database
    ) -> None:
        numbers = [f"+4917{n:08}" for n in range(150)]
        people = [person(Address("sms", number), row=row) for row, number in enumerate(numbers, 2)]
        async with process(dsn) as path:

            async def write() -> None:
                for start in range(0, len(numbers), 10):
                    batch = numbers[start : start + 10]
                    await path.accept(
                        [wrote(n, Address("whatsapp", n), Identifier(IdentifierKind.PHONE, n)) for n in batch]
                    )

            await asyncio.gather(bring(store, *people), write())
        while await store.identity.execute_next():
            pass
        assert await database.people() == len(numbers)
        assert {comparable(Address.parse(a)).value for a in await database.links()} == set(numbers)

    async def test_a_shared_profile_address_of_the_company_is_found_by_slack(
        self, store: Store, database: Database
    ) -> None:
        await bring(store, person(MAIL, user_id="7"))
        await store.path.accept([wrote("1", SLACK, Identifier(IdentifierKind.EMAIL, "Sarah+x@Example.org"))])
        assert await database.people() == 1
