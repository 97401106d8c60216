"""Tokens on a real PostgreSQL: each does what it says once, with the message that shows it or not at all."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from omnibot.model import Address, Identifier, IdentifierKind, IncomingMessage, Proof, Sender
from omnibot.store import Store
from omnibot.store.identity import Person
from omnibot.store.work import TOKEN_TAKEN, TOKEN_VOID, Arrived
from omnibot.tokens import SignedToken, new_code
from tests.conftest import SECRET

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SARAH, MAIL, PHONE = Address("telegram", "4711"), Address("email", "sarah@example.org"), Address("sms", "+12025550147")
USER = Identifier(IdentifierKind.USER_ID, "u-77")


def token(id_: str = "once", *more: Identifier, user: Identifier = USER) -> SignedToken:
    return SignedToken(
        issuer="https://app.example.com",
        id=id_,
        identifiers=(user, *more),
        expires_at=datetime.now(UTC) + timedelta(minutes=5),
    )


def shows(id_: str, shown: SignedToken | str = "", sender: Address = SARAH, **fields) -> Arrived:
    item = IncomingMessage(id=id_, at=NOON, sender=Sender(sender), message_id=f"m{id_}", text="/link …", **fields)
    return Arrived(channel=sender.channel, account="main", item=item, token=shown)


async def flags(store: Store, dsn: str, count: int) -> list[str | None]:
    rows = await rows_of(dsn, "SELECT flags FROM messages ORDER BY id")
    assert len(rows) == count
    return [row["flags"] for row in rows]


async def rows_of(dsn: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def person(store: Store, address: Address) -> Person:
    return await store.identity.show(address)


def identifiers(known: Person, address: Address) -> set[str]:
    [held] = [held for held in known.addresses if held.address == address]
    return {str(one.identifier) for one in held.identifiers if one.proven_at}


async def settle(store: Store) -> None:
    while await store.identity.execute_next():
        pass


# --- shown in a conversation ---------------------------------------------------------------------------------------


async def test_who_shows_a_token_for_the_first_time_is_that_user(store, dsn):
    await store.path.accept([shows("1", token())])
    known = await person(store, SARAH)
    assert identifiers(known, SARAH) == {"user_id:u-77"}
    assert known.addresses[0].proof is Proof.PROVEN
    assert await flags(store, dsn, 1) == [TOKEN_TAKEN]
    assert [row["evidence"] for row in await rows_of(dsn, "SELECT evidence FROM identifiers")] == ["signed token"]


async def test_and_who_is_known_already_too(store, dsn):
    await store.path.accept([shows("1")])
    assert (await person(store, SARAH)).addresses[0].proof is Proof.SEEN
    await store.path.accept([shows("2", token())])
    assert identifiers(await person(store, SARAH), SARAH) == {"user_id:u-77"}
    assert (await person(store, SARAH)).addresses[0].proof is Proof.PROVEN


async def test_the_same_user_elsewhere_is_the_same_customer_at_once(store):
    await store.path.accept([shows("1", token("a"))])
    await store.path.accept([shows("2", token("b"), MAIL)])
    assert (await person(store, SARAH)).customer == (await person(store, MAIL)).customer


async def test_two_who_have_written_before_become_one(store):
    await store.path.accept([shows("1"), shows("2", sender=MAIL)])
    await store.path.accept([shows("3", token("a")), shows("4", token("b"), MAIL)])
    assert (await person(store, SARAH)).customer != (await person(store, MAIL)).customer
    await settle(store)
    assert (await person(store, SARAH)).customer == (await person(store, MAIL)).customer


async def test_nobody_who_is_known_as_one_user_becomes_another_by_a_link_that_they_open(store, dsn):
    """Else whoever sends somebody a link of their own account is taken for them from the next token on."""
    await store.path.accept([shows("1", token("a"))])
    mallory = Identifier(IdentifierKind.USER_ID, "mallory")
    await store.path.accept([shows("2", token("b", user=mallory))])
    assert identifiers(await person(store, SARAH), SARAH) == {"user_id:u-77"}
    assert await flags(store, dsn, 2) == [TOKEN_TAKEN, TOKEN_VOID]
    await store.path.accept([shows("3", token("c", user=mallory), MAIL)])
    assert (await person(store, MAIL)).customer != (await person(store, SARAH)).customer
    await store.path.accept([shows("4", token("d"))])  # as the same user they may come as often as they like
    assert (await flags(store, dsn, 4))[-1] == TOKEN_TAKEN


async def test_a_phone_that_the_company_answers_for_finds_who_texts_from_it(store):
    phone = Identifier(IdentifierKind.PHONE, PHONE.value)
    texting = shows("1", sender=PHONE)
    vouched = Sender(PHONE, vouched=(phone,))
    await store.path.accept([Arrived(channel="sms", account="main", item=_from(texting, vouched))])
    await store.path.accept([shows("2", token("a", phone))])
    await settle(store)
    assert (await person(store, SARAH)).customer == (await person(store, PHONE)).customer


def _from(arrived: Arrived, sender: Sender) -> IncomingMessage:
    item = arrived.item
    assert isinstance(item, IncomingMessage)
    return IncomingMessage(id=item.id, at=item.at, sender=sender, message_id=item.message_id, text="hello")


@pytest.mark.parametrize("kind", ["signed", "code"])
async def test_a_token_counts_once(store, dsn, kind):
    shown: SignedToken | str = token()
    if kind == "code":
        shown = new_code()
        await store.identity.issue([USER], shown, 60)
    await store.path.accept([shows("1", shown)])
    await store.path.accept([shows("2", shown, MAIL)])
    assert await flags(store, dsn, 2) == [TOKEN_TAKEN, TOKEN_VOID]
    assert identifiers(await person(store, MAIL), MAIL) == set()


async def test_of_two_in_one_batch_the_first_has_it(store, dsn):
    shown = token()
    await store.path.accept([shows("1", shown), shows("2", shown, MAIL)])
    assert await flags(store, dsn, 2) == [TOKEN_TAKEN, TOKEN_VOID]


async def test_of_two_at_the_same_moment_one_has_it(store, dsn):
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(Store.open(dsn, SECRET))
        for number in range(20):
            shown = token(f"token {number}")
            await asyncio.gather(
                store.path.accept([shows(f"a{number}", shown)]),
                other.path.accept([shows(f"b{number}", shown, MAIL)]),
            )
    told = await flags(store, dsn, 40)
    assert told.count(TOKEN_TAKEN) == told.count(TOKEN_VOID) == 20


async def test_a_delivery_that_comes_again_spends_nothing(store, dsn):
    shown = token()
    assert await store.path.accept([shows("1", shown)]) == [True]
    assert await store.path.accept([shows("1", shown)]) == [False]
    assert await flags(store, dsn, 1) == [TOKEN_TAKEN]


async def test_what_cannot_be_committed_spends_nothing(store, dsn):
    shown = new_code()
    await store.identity.issue([USER], shown, 60)
    broken = shows("1", shown)
    with pytest.raises(asyncpg.DataError):
        await store.path.accept([broken, shows("2", "", Address("x" * 40, "1"))])
    await store.path.accept([shows("3", shown)])
    assert await flags(store, dsn, 1) == [TOKEN_TAKEN]


async def test_who_cannot_be_believed_spends_nothing(store, dsn):
    shown = new_code()
    await store.identity.issue([USER], shown, 60)
    await store.path.accept([shows("1", shown, MAIL, quarantine="DMARC fails")])
    await store.path.accept([shows("2", shown)])
    assert await flags(store, dsn, 1) == [TOKEN_TAKEN]


async def test_a_code_that_nobody_gave_out_says_nothing(store, dsn):
    await store.path.accept([shows("1", new_code())])
    assert await flags(store, dsn, 1) == [TOKEN_VOID]


async def test_a_code_that_has_run_out_says_nothing(store, dsn):
    code = new_code()
    await store.identity.issue([USER], code, 0)
    await store.path.accept([shows("1", code)])
    assert await flags(store, dsn, 1) == [TOKEN_VOID]


async def test_no_table_holds_a_code_or_whom_it_is_about_by_a_plain_key(store, dsn):
    code = new_code()
    await store.identity.issue([USER], code, 60)
    [row] = await rows_of(dsn, "SELECT key::text, identifiers_sealed FROM link_codes")
    assert code not in row["key"]
    assert code.encode() not in row["identifiers_sealed"]


# --- exchanged for a code ------------------------------------------------------------------------------------------


async def test_a_token_is_exchanged_for_one_code(store, dsn):
    code, shown = new_code(), token()
    assert await store.identity.exchange(shown, code, 60)
    assert await store.identity.exchange(shown, code, 60)
    assert not await store.identity.exchange(shown, new_code(), 60)
    await store.path.accept([shows("1", code), shows("2", shown, MAIL)])
    assert await flags(store, dsn, 2) == [TOKEN_TAKEN, TOKEN_VOID]
    assert not await store.identity.exchange(shown, code, 60)


async def test_a_button_that_is_pressed_twice_at_once_gives_one_code(store):
    for number in range(10):
        code, shown = new_code(), token(f"token {number}")
        assert all(await asyncio.gather(*(store.identity.exchange(shown, code, 60) for _ in range(4))))


async def test_what_has_run_out_is_deleted(store, dsn):
    await store.identity.issue([USER], new_code(), 0)
    await store.identity.issue([USER], new_code(), 60)
    await store.path.accept([shows("1", token())])
    assert await store.identity.expire() == 1
    assert len(await rows_of(dsn, "SELECT FROM link_codes")) == 1
    assert len(await rows_of(dsn, "SELECT FROM spent_tokens")) == 1
