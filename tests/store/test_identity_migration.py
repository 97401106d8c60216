"""A database from before identity: who was linked to whom stays linked, and the log says why."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from tortoise.connection import get_connection
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.migrations.schema_editor import AsyncpgSchemaEditor

from omnibot.model import Address
from omnibot.store import Store, database
from omnibot.store.codec import Codec
from omnibot.store.identity import Verdict
from tests.conftest import SECRET
from tests.store.test_identity import ANN
from tests.store.test_message_path import arrived, claim, message

SARAH, HER_MAIL, MIKE = Address("telegram", "4711"), Address("email", "sarah@example.org"), Address("telegram", "4712")


@pytest.fixture
async def old(postgres: str) -> AsyncIterator[str]:
    """As the version before it left it: Sarah was imported with two addresses, Mike has written."""
    head, _, query = postgres.partition("?")
    dsn = f"{head.rsplit('/', 1)[0]}/before_identity?{query}"
    server = await asyncpg.connect(postgres)
    await server.execute("CREATE DATABASE before_identity")
    async with database.connect(dsn, pool_size=2, prepared_statements=True) as pool:
        executor = MigrationExecutor(get_connection("default"), database.APPS)
        await executor.recorder.ensure_schema(AsyncpgSchemaEditor(get_connection("default"), atomic=False))
        await executor.migrate([MigrationTarget("omnibot", "0002_message_path")], direction="forward")
        await _fill(pool)
    yield dsn
    await server.execute("DROP DATABASE before_identity WITH (FORCE)")
    await server.close()


async def _fill(pool: asyncpg.Pool) -> None:
    codec = Codec(SECRET)
    people = [
        (1, 1, SARAH, "proven", "import"),
        (2, 1, HER_MAIL, "proven", "import"),
        (3, 2, MIKE, "seen", "first message"),
    ]
    await pool.execute("INSERT INTO customers (id, created_at) VALUES (1, now()), (2, now())")
    for id_, customer, address, proof, evidence in people:
        await pool.execute(
            "INSERT INTO addresses (id, channel, hash, value_sealed, account, created_at)"
            " VALUES ($1, $2, $3, $4, 'main', now())",
            id_,
            address.channel,
            codec.address_hash(address),
            codec.seal(id_, address.value),
        )
        await pool.execute(
            "INSERT INTO links (address_id, customer_id, proof, evidence, since) VALUES ($1, $2, $3, $4, '2026-01-01')",
            id_,
            customer,
            proof,
            evidence,
        )
        await pool.execute(
            "INSERT INTO link_log (at, act, address_id, customer_id, proof, evidence)"
            " VALUES ('2026-01-01', 'link', $1, $2, $3, $4)",
            id_,
            customer,
            proof,
            evidence,
        )
    await pool.execute("SELECT setval('customers_id_seq', 2), setval('addresses_id_seq', 3)")


async def test_links_keep_their_customers_as_homes_and_the_log_replays(old: str) -> None:
    async with Store.open(old, SECRET) as store:
        sarah = await store.identity.show(SARAH)
        assert [(a.address, a.home, a.proof) for a in sarah.addresses] == [
            (SARAH, sarah.customer, "proven"),
            (HER_MAIL, sarah.customer, "proven"),
        ]
        mike = await store.identity.show(MIKE)
        assert [(a.proof, a.proven_at is None) for a in mike.addresses] == [("seen", True)]
        assert all(address.proven_at == address.since for address in sarah.addresses)
        assert [entry.by for entry in await store.identity.log(SARAH)] == ["import", "import"]
        assert [entry.by for entry in await store.identity.log(MIKE)] == ["rule"]
        assert await store.identity.audit() == []


async def test_what_was_there_before_can_be_merged_split_and_written_from(old: str) -> None:
    async with Store.open(old, SECRET) as store:
        ruling = await store.identity.merge(SARAH, MIKE, rule="staff", **ANN)
        assert ruling.verdict is Verdict.MERGED
        await store.path.accept([arrived(message("1", sender=MIKE))])
        [work] = await claim(store)
        assert {address.address for address in work.addresses} == {SARAH, HER_MAIL, MIKE}
        assert ruling.merge is not None
        await store.identity.split(ruling.merge, **ANN)
        assert await store.identity.audit() == []
