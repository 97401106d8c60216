"""Who writes for the first time, and is known already: recognised in the transaction that takes the message in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import pytest

from omnibot.model import (
    Address,
    ButtonPress,
    DeliveryReport,
    DeliveryState,
    Identifier,
    IdentifierKind,
    IncomingEdit,
    IncomingMessage,
    Sender,
)
from omnibot.store import Store
from omnibot.store.codec import Codec
from omnibot.store.identity import Guards
from omnibot.store.message_path import MessagePath
from omnibot.store.message_path.acquaint import _LOOK_UP, _LOOK_UP_AND_HOLD
from omnibot.store.work import Arrived
from tests.conftest import SECRET
from tests.store.test_identity_races import waits_for_lock
from tests.store.test_message_path_races import process

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NUMBER = "+491701234567"
SMS = Address("sms", NUMBER)
WHATSAPP = Address("whatsapp", NUMBER)
TELEGRAM = Address("telegram", "4711")
MAIL = Address("email", "sarah@example.org")
SLACK = Address("slack", "T1/U1")
PHONE = Identifier(IdentifierKind.PHONE, NUMBER)
EMAIL = Identifier(IdentifierKind.EMAIL, "sarah@example.org")
CODEC = Codec(SECRET)


def wrote(id_: str, address: Address, *vouched: Identifier, **fields) -> Arrived:
    """A message; what its provider vouches for goes along."""
    item = IncomingMessage(
        id=id_, at=NOON, sender=Sender(address, vouched=vouched), message_id=f"m{id_}", text="hello", **fields
    )
    return Arrived(channel=address.channel, account="main", item=item)


@dataclass(frozen=True)
class Database:
    """What is written down of who is whose."""

    connection: asyncpg.Connection

    async def links(self) -> dict[str, tuple[int, int, str, str]]:
        """Address → customer now, at home, proof, evidence."""
        rows = await self.connection.fetch(
            "SELECT a.id, a.channel, a.value_sealed, l.customer_id, l.home_id, l.proof, l.evidence"
            " FROM addresses a JOIN links l ON l.address_id = a.id ORDER BY a.id"
        )
        return {
            f"{row['channel']}:{CODEC.open_text(row['id'], row['value_sealed'])}": (
                row["customer_id"], row["home_id"], row["proof"], row["evidence"],
            )
            for row in rows
        }  # fmt: skip

    async def customer(self, address: Address) -> int:
        return (await self.links())[str(address)][0]

    async def proof(self, address: Address) -> str:
        return (await self.links())[str(address)][2]

    async def people(self) -> int:
        return len({customer for customer, *_ in (await self.links()).values()})

    async def identifiers(self, address: Address) -> dict[str, tuple[str, bool]]:
        """Those of an address: evidence, and whether proven."""
        rows = await self.connection.fetch(
            "SELECT i.* FROM identifiers i JOIN addresses a ON a.id = i.address_id WHERE a.hash = $1"
            " AND i.revoked_at IS NULL ORDER BY i.id",
            CODEC.address_hash(address),
        )
        for row in rows:
            value = CODEC.open_text(row["address_id"], row["value_sealed"])
            assert row["hash"] == CODEC.identifier_hash(Identifier(IdentifierKind(row["kind"]), value))
        return {
            CODEC.open_text(row["address_id"], row["value_sealed"]): (row["evidence"], row["proven_at"] is not None)
            for row in rows
        }

    async def acts(self) -> list[tuple[str, str, str]]:
        """What is still to be done: act, address, evidence."""
        rows = await self.connection.fetch(
            "SELECT t.act, t.evidence, t.by, a.channel FROM identity_acts t JOIN addresses a ON a.id = t.address_id"
            " ORDER BY t.id"
        )
        assert all(row["by"] == "rule" for row in rows)
        return [(row["act"], row["channel"], row["evidence"]) for row in rows]

    async def log(self) -> list[tuple[str, str, int, str, str]]:
        """Act, channel of the address, customer, proof, evidence; in order."""
        rows = await self.connection.fetch(
            "SELECT g.act, a.channel, g.customer_id, g.proof, g.evidence, g.by FROM identity_log g"
            " JOIN addresses a ON a.id = g.address_id ORDER BY g.id"
        )
        assert all(row["by"] == "rule" for row in rows)
        return [(r["act"], r["channel"], r["customer_id"], r["proof"], r["evidence"]) for r in rows]

    async def execute(self, statement: str, *arguments: object) -> None:
        await self.connection.execute(statement, *arguments)

    async def claim(self, address: Address) -> None:
        """As a code that was sent there leaves it: nobody has written from there."""
        await self.execute(
            "WITH a AS (INSERT INTO addresses (channel, hash, value_sealed, account, created_at)"
            " VALUES ($1, $2, $3, 'main', now()) RETURNING id),"
            " c AS (INSERT INTO customers (created_at) VALUES (now()) RETURNING id)"
            " INSERT INTO links (address_id, customer_id, home_id, proof, evidence, since)"
            " SELECT a.id, c.id, c.id, 'claimed', 'code', now() FROM a, c",
            address.channel, CODEC.address_hash(address), CODEC.seal(0, address.value),
        )  # fmt: skip


@pytest.fixture
async def database(dsn: str):
    connection = await asyncpg.connect(dsn)
    yield Database(connection)
    await connection.close()


class TestRecognised:
    """One number on two channels, one mail address in a mail and a profile: one person."""

    @pytest.mark.parametrize(
        ("first", "second", "rule"),
        [
            pytest.param(wrote("1", SMS, PHONE), wrote("2", WHATSAPP, PHONE), "phone", id="SMS, then WhatsApp"),
            pytest.param(wrote("1", WHATSAPP, PHONE), wrote("2", SMS, PHONE), "phone", id="WhatsApp, then SMS"),
            pytest.param(wrote("1", SMS, PHONE), wrote("2", TELEGRAM, PHONE), "phone", id="a shared contact"),
            pytest.param(wrote("1", MAIL, EMAIL), wrote("2", SLACK, EMAIL), "email", id="a trusted profile"),
        ],
    )
    @pytest.mark.parametrize("together", [False, True], ids=["apart", "in one batch"])
    async def test_the_same_identifier_is_the_same_person(
        self, store: Store, database: Database, first: Arrived, second: Arrived, rule: str, together: bool
    ) -> None:
        for batch in [[first, second]] if together else [[first], [second]]:
            assert all(await store.path.accept(batch))
        one, other = first.item.sender.address, second.item.sender.address
        links = await database.links()
        customer = links[str(one)][0]
        assert links == {
            str(one): (customer, customer, "proven", "first message"),
            str(other): (customer, customer, "proven", rule),
        }
        [value] = await database.identifiers(one)
        assert await database.identifiers(other) == {value: (f"vouched by {other.channel}", True)}
        assert await database.log() == [
            ("link", one.channel, customer, "proven", "first message"),
            ("link", other.channel, customer, "proven", rule),
        ]
        assert await database.acts() == []

    async def test_it_is_one_lane(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", SMS, PHONE)])
        await store.path.accept([wrote("2", WHATSAPP, PHONE)])
        [work] = await store.path.load(await store.path.claim(10, lease=30))
        assert [item.message.text for item in work.items] == ["hello", "hello"]
        assert {str(address.address) for address in work.addresses} == {str(SMS), str(WHATSAPP)}
        assert await database.connection.fetchval("SELECT count(*) FROM customers") == 1

    async def test_whoever_presses_a_button_first_is_recognised_too(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", SMS, PHONE)])
        press = ButtonPress(id="2", at=NOON, sender=Sender(WHATSAPP, vouched=(PHONE,)), value="yes")
        await store.path.accept([Arrived(channel="whatsapp", account="main", item=press)])
        assert await database.people() == 1

    async def test_the_latecomer_belongs_to_the_home_of_whom_it_is_recognised_as(
        self, store: Store, database: Database
    ) -> None:
        await store.path.accept([wrote("1", MAIL, EMAIL), wrote("2", SMS, PHONE)])
        home = await database.customer(SMS)
        root = await database.customer(MAIL)
        ruling = await store.identity.merge(MAIL, SMS, rule="code", by="customer")
        assert ruling.customer == root
        await store.path.accept([wrote("3", WHATSAPP, PHONE)])
        assert (await database.links())[str(WHATSAPP)][:2] == (root, home)

    async def test_spellings_of_one_number_are_one_person(self, store: Store, database: Database) -> None:
        old, new = "+553181234567", "+5531981234567"
        await store.path.accept([wrote("1", Address("sms", new), Identifier(IdentifierKind.PHONE, new))])
        await store.path.accept([wrote("2", Address("whatsapp", old), Identifier(IdentifierKind.PHONE, old))])
        assert await database.people() == 1


class TestNotRecognised:
    """Nothing less than a provider's word, and nothing that several people share."""

    async def test_what_nobody_vouches_for_links_nobody(self, store: Store, database: Database) -> None:
        """A number typed as a name, a claimed mail address, the very same number from a provider that says nothing."""
        await store.path.accept([wrote("1", SMS, PHONE)])
        await store.path.accept([wrote("2", WHATSAPP)])
        claims = Sender(TELEGRAM, NUMBER, email="sarah@example.org")
        item = IncomingMessage(id="3", at=NOON, sender=claims, message_id="m3", text=f"my number is {NUMBER}")
        await store.path.accept([Arrived(channel="telegram", account="main", item=item)])
        await store.path.accept([wrote("4", MAIL, EMAIL)])
        assert await database.people() == 4
        assert await database.proof(WHATSAPP) == "seen"
        assert await database.identifiers(WHATSAPP) == {}
        assert await database.acts() == []

    async def test_a_forged_from_never_links(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", SLACK, EMAIL)])
        await store.path.accept([wrote("2", MAIL, quarantine="DMARC failed")])
        await store.path.accept([wrote("3", MAIL, EMAIL, quarantine="DMARC failed")])  # were a channel so careless
        assert await database.links() == {str(SLACK): (1, 1, "proven", "first message")}
        assert await database.acts() == []

    async def test_a_shared_number_never_links(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", SMS, PHONE)])
        await store.identity.share(SMS, by="Ben", reason="the phone of the office")
        await store.path.accept([wrote("2", WHATSAPP, PHONE)])
        assert await database.people() == 2
        assert await database.identifiers(WHATSAPP) == {NUMBER: ("vouched by whatsapp", True)}
        assert await database.acts() == []

    async def test_nor_does_it_by_who_had_it_besides(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", SMS, PHONE), wrote("2", TELEGRAM, PHONE)])
        await database.execute("UPDATE addresses SET shared_at = now() WHERE channel = 'sms'")
        await store.path.accept([wrote("3", WHATSAPP, PHONE)])
        assert await database.customer(WHATSAPP) != await database.customer(TELEGRAM)

    async def test_a_blocked_value_names_nobody(self, dsn: str, database: Database) -> None:
        async with process(dsn, Guards(blocked=frozenset({PHONE}))) as path:
            await path.accept([wrote("1", SMS, PHONE)])
            await path.accept([wrote("2", WHATSAPP, PHONE)])
        assert await database.people() == 2
        assert await database.acts() == []

    async def test_a_kind_that_no_rule_names_links_nobody(self, dsn: str, database: Database) -> None:
        async with process(dsn, Guards(rules=(IdentifierKind.EMAIL,))) as path:
            await path.accept([wrote("1", SMS, PHONE), wrote("2", MAIL, EMAIL)])
            await path.accept([wrote("3", WHATSAPP, PHONE), wrote("4", SLACK, EMAIL)])
        assert await database.people() == 3
        assert await database.customer(MAIL) == await database.customer(SLACK)

    async def test_what_is_no_identifier_is_none(self, store: Store, database: Database) -> None:
        """A careless channel: ids, extensions, empty values."""
        careless = [Identifier(IdentifierKind.PHONE, "US.4711"), Identifier(IdentifierKind.EMAIL, "")]
        await store.path.accept([wrote("1", SLACK, *careless), wrote("2", TELEGRAM, *careless)])
        assert await database.people() == 2
        assert await database.proof(SLACK) == "seen"

    async def test_an_identifier_that_was_revoked_links_nobody(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", SMS, PHONE)])
        await database.execute("UPDATE identifiers SET revoked_at = now()")
        await store.path.accept([wrote("2", WHATSAPP, PHONE)])
        assert await database.people() == 2

    async def test_one_that_is_only_said_links_nobody(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", SMS, PHONE)])
        await database.execute("UPDATE identifiers SET proven_at = NULL")
        await store.path.accept([wrote("2", WHATSAPP, PHONE)])
        assert await database.people() == 2


class TestWeighed:
    """What has to be weighed becomes a customer of its own, and an act that applies the rules."""

    async def test_two_people_hold_what_one_message_brings(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", SMS, PHONE), wrote("2", MAIL, EMAIL)])
        await store.path.accept([wrote("3", SLACK, PHONE, EMAIL)])
        assert await database.people() == 3
        assert await database.acts() == [("match", "slack", "vouched by slack")]
        await store.identity.execute_next()
        assert await database.people() == 3
        assert await database.connection.fetchval("SELECT count(*) FROM reviews WHERE resolved_at IS NULL") == 2

    async def test_something_new_beside_what_is_known(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", SMS, PHONE)])
        await store.path.accept([wrote("2", SLACK, PHONE, EMAIL)])
        assert await database.acts() == [("match", "slack", "vouched by slack")]
        await store.identity.execute_next()
        assert await database.people() == 1

    async def test_user_ids_that_differ(self, store: Store, database: Database) -> None:
        one, other = (Identifier(IdentifierKind.USER_ID, id_) for id_ in ("7", "8"))
        await store.path.accept([wrote("1", Address("post", "a"), PHONE, one)])
        await store.path.accept([wrote("2", Address("post", "b"), PHONE, other)])
        await store.identity.execute_next()
        assert await database.people() == 2
        assert await database.connection.fetchval("SELECT count(*) FROM reviews") == 1

    async def test_more_addresses_than_one_person_is_believed_to_have(self, dsn: str, database: Database) -> None:
        async with process(dsn, Guards(most_addresses=2)) as path:
            await path.accept([wrote("1", SMS, PHONE)])
            await path.accept([wrote("2", WHATSAPP, PHONE)])
            assert await database.acts() == []
            await path.accept([wrote("3", TELEGRAM, PHONE)])
        assert await database.customer(TELEGRAM) != await database.customer(SMS)
        assert await database.acts() == [("match", "telegram", "vouched by telegram")]

    async def test_those_of_one_batch_count_as_well(self, dsn: str, database: Database) -> None:
        async with process(dsn, Guards(most_addresses=2)) as path:
            await path.accept([wrote("1", SMS, PHONE), wrote("2", WHATSAPP, PHONE), wrote("3", TELEGRAM, PHONE)])
        assert await database.people() == 2

    async def test_a_number_that_everybody_has(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", SMS, PHONE)])
        await database.execute(
            "INSERT INTO identifiers (address_id, kind, hash, value_sealed, evidence, proven_at, at)"
            " SELECT 1000 + n, kind, hash, value_sealed, evidence, now(), now()"
            " FROM identifiers, generate_series(1, 25) n;"
            " INSERT INTO addresses (id, channel, hash, value_sealed, account, created_at)"
            " SELECT 1000 + n, 'sms', gen_random_uuid(), '\\x00', 'main', now() FROM generate_series(1, 25) n;"
            " INSERT INTO links (address_id, customer_id, home_id, proof, evidence, since)"
            " SELECT 1000 + n, 1, 1, 'proven', 'test', now() FROM generate_series(1, 25) n"
        )
        await store.path.accept([wrote("2", WHATSAPP, PHONE)])
        assert await database.customer(WHATSAPP) != 1
        assert await database.acts() == [("match", "whatsapp", "vouched by whatsapp")]


class TestKnownAddress:
    """Somebody who has written before shows more of who they are."""

    async def test_a_shared_contact_is_written_down_and_matched(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", SMS, PHONE), wrote("2", TELEGRAM)])
        await store.path.accept([wrote("3", TELEGRAM, PHONE)])
        assert await database.people() == 2, "two have a history: the rules decide, and can be undone"
        assert await database.identifiers(TELEGRAM) == {NUMBER: ("vouched by telegram", True)}
        assert await database.proof(TELEGRAM) == "proven"
        assert await database.acts() == [("match", "telegram", "vouched by telegram")]
        telegram = await database.customer(TELEGRAM)
        assert (await database.log())[-1] == ("prove", "telegram", telegram, "proven", "vouched by telegram")
        executed = await store.identity.execute_next()
        assert executed is not None
        assert await database.people() == 1

    async def test_what_nobody_else_holds_is_no_act(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", TELEGRAM)])
        await store.path.accept([wrote("2", TELEGRAM, PHONE)])
        assert await database.identifiers(TELEGRAM) == {NUMBER: ("vouched by telegram", True)}
        assert await database.acts() == []
        assert [act for act, *_ in await database.log()] == ["link", "prove"]

    async def test_what_is_shown_later_is_found_by_strangers(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", TELEGRAM)])
        await store.path.accept([wrote("2", TELEGRAM, PHONE)])
        await store.path.accept([wrote("3", WHATSAPP, PHONE)])
        assert await database.people() == 1

    async def test_an_edit_may_show_it_as_well(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", SLACK)])
        edit = IncomingEdit(id="2", at=NOON, sender=Sender(SLACK, vouched=(EMAIL,)), message_id="m1", text="x")
        await store.path.accept([Arrived(channel="slack", account="main", item=edit)])
        assert await database.identifiers(SLACK) == {"sarah@example.org": ("vouched by slack", True)}

    async def test_a_report_shows_nothing_of_whom_it_is_about(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", SLACK)])
        sender = Sender(SLACK, vouched=(EMAIL,))
        report = DeliveryReport(id="2", at=NOON, sender=sender, provider_id="p", state=DeliveryState.DELIVERED)
        await store.path.accept([Arrived(channel="slack", account="main", item=report)])
        assert await database.identifiers(SLACK) == {}

    async def test_a_claim_is_seen_once_somebody_writes_from_there(self, store: Store, database: Database) -> None:
        await database.claim(TELEGRAM)
        await store.path.accept([wrote("1", TELEGRAM, automatic="a reply of a machine")])
        assert await database.proof(TELEGRAM) == "claimed"
        await store.path.accept([wrote("2", TELEGRAM)])
        customer = await database.customer(TELEGRAM)
        assert (await database.links())[str(TELEGRAM)] == (customer, customer, "seen", "first message")
        assert await database.log() == [("prove", "telegram", customer, "seen", "first message")]

    async def test_and_proven_where_its_provider_vouches(self, store: Store, database: Database) -> None:
        await database.claim(MAIL)
        await store.path.accept([wrote("1", SLACK, EMAIL)])
        await store.path.accept([wrote("2", MAIL, EMAIL)])
        assert await database.proof(MAIL) == "proven"
        assert await database.acts() == [("match", "email", "vouched by email")]

    async def test_a_proof_is_renewed_once_a_day(self, store: Store, dsn: str, database: Database) -> None:
        proven = "SELECT l.proven_at, i.proven_at FROM links l JOIN identifiers i USING (address_id)"
        await store.path.accept([wrote("1", SMS, PHONE)])
        first = await database.connection.fetchrow(proven)
        await store.path.accept([wrote("2", SMS, PHONE)])
        assert await database.connection.fetchrow(proven) == first
        for table in ("links", "identifiers"):
            await database.execute(f"UPDATE {table} SET proven_at = now() - interval '25 h'")
        async with process(dsn) as path:
            await path.accept([wrote("3", SMS)])  # nothing shown
            assert all(at < first[0] for at in await database.connection.fetchrow(proven))
            await path.accept([wrote("4", SMS, PHONE)])
            renewed = await database.connection.fetchrow(proven)
            assert all(at > first[0] for at in renewed)
            await path.accept([wrote("5", SMS, PHONE)])
            assert await database.connection.fetchrow(proven) == renewed
        assert [act for act, *_ in await database.log()] == ["link"], "the log tells what changed, not that it goes on"

    async def test_what_was_unlinked_stays_so(self, store: Store, dsn: str, database: Database) -> None:
        """The same number as ever is nothing new."""
        await store.path.accept([wrote("1", SMS, PHONE)])
        await store.path.accept([wrote("2", WHATSAPP, PHONE)])
        await store.identity.unlink(WHATSAPP, by="customer")
        async with process(dsn) as path:
            await path.accept([wrote("3", WHATSAPP, PHONE)])
        assert await database.people() == 2
        assert await database.acts() == []


class TestSpelling:
    """Found by one spelling, written to in the one that they used last."""

    @pytest.mark.parametrize(
        ("channel", "spellings"),
        [
            ("email", ["sarah@example.org", "sarah+shop@example.org", "sarah@example.org"]),
            ("whatsapp", ["+553181234567", "+5531981234567"]),
        ],
    )
    @pytest.mark.parametrize("processes", [1, 2])
    async def test_the_latest_spelling_is_written_to(
        self, dsn: str, database: Database, channel: str, spellings: list[str], processes: int
    ) -> None:
        async with AsyncExitStack() as stack:
            paths = [await stack.enter_async_context(process(dsn)) for _ in range(processes)]
            for path in paths:
                await path.accept([wrote(f"begin {id(path)}", Address(channel, spellings[0]))])
            for number, value in enumerate(spellings * 2):
                await paths[number % processes].accept([wrote(f"{number}", Address(channel, value))])
                assert list(await database.links()) == [f"{channel}:{value}"]

    async def test_a_report_about_one_spelling_changes_nothing(self, store: Store, database: Database) -> None:
        await store.path.accept([wrote("1", Address("email", "sarah+shop@example.org"))])
        sender = Sender(Address("email", "sarah@example.org"))
        report = DeliveryReport(id="2", at=NOON, sender=sender, provider_id="p", state=DeliveryState.DELIVERED)
        await store.path.accept([Arrived(channel="email", account="main", item=report)])
        assert list(await database.links()) == ["email:sarah+shop@example.org"]


class TestTogether:
    """Two servers, one number, one moment."""

    PAIRS = 1000
    AT_ONCE = 50

    async def test_first_messages_of_one_number_at_the_same_moment_are_one_customer(
        self, dsn: str, database: Database
    ) -> None:
        numbers = [f"+4917{n:08}" for n in range(self.PAIRS)]
        async with process(dsn) as one, process(dsn) as other:

            async def race(number: str) -> None:
                phone = Identifier(IdentifierKind.PHONE, number)
                await asyncio.gather(
                    one.accept([wrote(f"s{number}", Address("sms", number), phone)]),
                    other.accept([wrote(f"w{number}", Address("whatsapp", number), phone)]),
                )

            for start in range(0, self.PAIRS, self.AT_ONCE):
                await asyncio.gather(*map(race, numbers[start : start + self.AT_ONCE]))
        by_number: dict[str, set[int]] = {}
        for address, (customer, *_) in (await database.links()).items():
            by_number.setdefault(address.partition(":")[2], set()).add(customer)
        assert by_number.keys() == set(numbers)
        assert [number for number, customers in by_number.items() if len(customers) > 1] == []
        assert await database.people() == self.PAIRS
        assert await database.connection.fetchval("SELECT count(*) FROM customers") == self.PAIRS
        assert await database.connection.fetchval("SELECT count(*) FROM inbox") == 2 * self.PAIRS
        assert await database.acts() == []

    async def test_so_they_are_when_whole_batches_cross(self, dsn: str, database: Database) -> None:
        """The same numbers in opposite orders, as group commits have them."""
        numbers = [f"+4917{n:08}" for n in range(200)]
        batches = {
            channel: [wrote(f"{channel}{n}", Address(channel, n), Identifier(IdentifierKind.PHONE, n)) for n in order]
            for channel, order in (("sms", numbers), ("whatsapp", numbers[::-1]))
        }
        async with process(dsn) as one, process(dsn) as other:
            await asyncio.gather(one.accept(batches["sms"]), other.accept(batches["whatsapp"]))
        assert await database.people() == len(numbers)

    async def test_who_is_recognised_as_somebody_whom_others_meet_at_that_moment_is_a_customer(
        self, store: Store, database: Database
    ) -> None:
        """Somebody names the number while its first two messages come in one batch."""
        async with database.connection.transaction():
            await database.claim(SMS)
            accepting = asyncio.create_task(store.path.accept([wrote("1", SMS, PHONE), wrote("2", WHATSAPP, PHONE)]))
            await waits_for_lock(store._pool)
        await accepting
        assert await database.customer(WHATSAPP) != await database.customer(SMS)
        assert await database.connection.fetchval("SELECT count(*) FROM customers") == 2
        assert await database.acts() == [("match", "sms", "vouched by sms")]
        await store.identity.execute_next()
        assert await database.people() == 1

    async def test_who_is_merged_at_that_moment_is_found_where_they_are_then(
        self, store: Store, dsn: str, database: Database
    ) -> None:
        """Merges and splits of whoever is being recognised: no address is left with a customer who is no more."""
        await store.path.accept([wrote("0", SMS, PHONE), wrote("00", MAIL, EMAIL)])

        async def merge_and_split() -> None:
            for _ in range(15):
                ruling = await store.identity.merge(SMS, MAIL, rule="staff", by="Ben", reason="test")
                await store.identity.split(ruling.merge, by="Ben", reason="test")

        async def meet(path: MessagePath, name: str) -> None:
            for number in range(8):
                await path.accept([wrote(f"{name}{number}", Address("post", f"{name}{number}"), PHONE)])

        async with process(dsn) as one, process(dsn) as other:
            await asyncio.gather(merge_and_split(), meet(one, "a"), meet(other, "b"))
        links = await database.links()
        home = links[str(SMS)][1]
        assert {(customer, at_home) for address, (customer, at_home, *_) in links.items() if address != str(MAIL)} == {
            (home, home)
        }


class TestPlan:
    """Resolution of a batch is one query, by index, however large the tables are."""

    TABLES = ("addresses", "links", "identifiers")

    @pytest.fixture
    async def large(self, store: Store, database: Database) -> asyncpg.Connection:
        await database.execute(
            "INSERT INTO addresses (id, channel, hash, value_sealed, account, created_at)"
            " SELECT n, 'sms', gen_random_uuid(), '\\x00', 'main', now() FROM generate_series(1, 20000) n;"
            " INSERT INTO links (address_id, customer_id, home_id, proof, evidence, since)"
            " SELECT n, n / 2, n / 2, 'proven', 'test', now() FROM generate_series(1, 20000) n;"
            " INSERT INTO identifiers (address_id, kind, hash, value_sealed, evidence, proven_at, at)"
            " SELECT n, 'phone', gen_random_uuid(), '\\x00', 'test', now(), now() FROM generate_series(1, 20000) n;"
            " ANALYZE addresses; ANALYZE links; ANALYZE identifiers"
        )
        return database.connection

    @pytest.mark.parametrize("statement", [_LOOK_UP, _LOOK_UP_AND_HOLD], ids=["look up", "look up and hold"])
    @pytest.mark.parametrize("generic", ["force_generic_plan", "force_custom_plan"])
    async def test_a_batch_is_resolved_by_one_indexed_query(
        self, large: asyncpg.Connection, statement: str, generic: str
    ) -> None:
        hashes = [row["hash"] for row in await large.fetch("SELECT hash FROM addresses LIMIT 256")]
        brought = [row["hash"] for row in await large.fetch("SELECT hash FROM identifiers LIMIT 256")]
        arguments: Mapping[str, tuple] = {_LOOK_UP: (hashes,), _LOOK_UP_AND_HOLD: (hashes, brought)}
        await large.execute(f"SET plan_cache_mode = {generic}")
        plan = [row["QUERY PLAN"] for row in await large.fetch(f"EXPLAIN {statement}", *arguments[statement])]
        scans = [line.strip() for line in plan if " Scan" in line]
        assert [line for line in scans if "Seq Scan" in line and any(table in line for table in self.TABLES)] == []
        assert {table for table in self.TABLES if any(f" on {table}" in line for line in scans)} == set(self.TABLES)
