"""Who moves between channels is one person: by codes, on every way round, and back again."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from omnibot.model import Address, CustomerId, TimelineMessage
from omnibot.sandbox.world import World
from omnibot.store import Store
from tests.journeys.conftest import DEADLINE, MakeWorld
from tests.journeys.test_day import until

SMS = Address("sms", "+4915112345678")
EMAIL = Address("email", "tomas.ruiz@example.org")
TELEGRAM = Address("telegram", "4713")
WHATSAPP = Address("whatsapp", "+4915112345678")

_CODE = re.compile(r"\b\d{3} \d{4}\b")


class Stage:
    """A world in which somebody writes, and what they get."""

    def __init__(self, place: World, store: Store) -> None:
        self.place, self.store = place, store

    async def says(self, sender: Address, text: str, *, answer: bool = False, at: Address | None = None) -> str:
        """Somebody writes; what the next message that comes to them (or to `at`) says."""
        before = self.place.ledger.last
        self.place.people.write(sender, text, answer=answer)
        return await self.got(at or sender, after=before)

    async def got(self, address: Address, after: int) -> str:
        [entry] = await self.place.ledger.wait_for(
            lambda entry: entry.accepted and entry.to == str(address), DEADLINE, after=after
        )
        return entry.text

    async def code(self, target: Address, asking: Address, text: str) -> tuple[str, str]:
        """The code that comes to `target`, and what is said to who asks for it."""
        before = self.place.ledger.last
        said = await self.says(asking, text)
        brought = await self.got(target, before)
        found = _CODE.search(brought)
        assert found, brought
        return found[0], said

    async def customer(self, address: Address) -> CustomerId | None:
        return await self.store.records.customer_of(address)

    async def one(self, *addresses: Address) -> bool:
        return len({await self.customer(address) for address in addresses}) == 1

    async def timeline(self, address: Address) -> list[TimelineMessage]:
        customer = await self.customer(address)
        assert customer is not None
        return await self.store.records.timeline(customer)

    async def told(self, address: Address) -> list[str]:
        return [message.text for message in await self.timeline(address) if message.address == address]


@pytest_asyncio.fixture
async def stage(make_world: MakeWorld) -> AsyncIterator[Stage]:
    channels = ("sms", "email", "telegram", "whatsapp")
    async with make_world(channels=channels) as place, place.serving(), place.looking() as store:
        yield Stage(place, store)


def linked(stage: Stage, *addresses: Address) -> Callable[[], Awaitable[bool]]:
    async def are() -> bool:
        return await stage.one(*addresses)

    return are


def apart(stage: Stage, *addresses: Address) -> Callable[[], Awaitable[bool]]:
    async def are() -> bool:
        return not await stage.one(*addresses)

    return are


async def test_tomas_writes_by_sms_then_from_an_unknown_address_and_becomes_one(stage: Stage) -> None:
    assert "contraseña" in (await stage.says(SMS, "Hola, olvidé mi contraseña, ¿qué hago?")).lower()
    await stage.says(EMAIL, "Buenos días, ¿cómo puedo exportar mis datos?")
    assert not await stage.one(SMS, EMAIL)
    code, said = await stage.code(EMAIL, SMS, "Mi correo es tomas.ruiz@example.org")
    assert EMAIL.value in said
    assert "código" in said
    assert EMAIL.value in await stage.says(SMS, f"El código es {code}")
    await until(linked(stage, SMS, EMAIL))
    channels = {message.address.channel for message in await stage.timeline(SMS)}
    assert channels == {"sms", "email"}
    assert not any(code in text for text in await stage.told(EMAIL))  # the code is read where it was sent, alone
    assert any("•••" in text for text in await stage.told(EMAIL))


async def test_from_the_mail_a_code_goes_to_the_number_and_is_typed_in_the_mail(stage: Stage) -> None:
    await stage.says(SMS, "Hola, ¿cómo puedo exportar mis datos?")
    code, _ = await stage.code(SMS, EMAIL, "Hola, mi número es +49 151 12345678. Gracias")
    await stage.says(EMAIL, code, answer=True)
    await until(linked(stage, SMS, EMAIL))


async def test_olvida_mi_correo_splits_the_timelines_cleanly(stage: Stage) -> None:
    await stage.says(SMS, "Hola, olvidé mi contraseña, ¿qué hago?")
    await stage.says(EMAIL, "Buenos días, ¿cómo puedo exportar mis datos?")
    before = await stage.told(SMS), await stage.told(EMAIL)
    code, _ = await stage.code(EMAIL, SMS, "mi correo es tomas.ruiz@example.org")
    await stage.says(SMS, code)
    await until(linked(stage, SMS, EMAIL))
    asked = await stage.says(SMS, "Olvida mi correo")
    found = _CODE.search(asked)
    assert found  # it comes where it was asked for: whoever writes there may do so
    assert "olvid" in (await stage.says(SMS, found[0])).lower()
    await until(apart(stage, SMS, EMAIL))
    assert {message.address for message in await stage.timeline(SMS)} == {SMS}
    assert {message.address for message in await stage.timeline(EMAIL)} == {EMAIL}
    assert (await stage.told(SMS))[: len(before[0])] == before[0]
    assert (await stage.told(EMAIL))[: len(before[1])] == before[1]


async def test_from_telegram_a_mailbox_is_linked_and_answers_move_between_them(stage: Stage) -> None:
    """Telegram answers for nobody; but whoever typed the code there has read it in the mailbox, so both are theirs."""
    await stage.says(TELEGRAM, "Hi, how can I export my data?")
    await stage.says(EMAIL, "Hello, how can I export my data?")
    assert not await stage.one(TELEGRAM, EMAIL)
    code, said = await stage.code(EMAIL, TELEGRAM, f"My e-mail is {EMAIL.value}")
    assert EMAIL.value in said
    assert EMAIL.value in await stage.says(TELEGRAM, f"The code is {code}")
    await until(linked(stage, TELEGRAM, EMAIL))
    assert {message.address for message in await stage.timeline(TELEGRAM)} == {TELEGRAM, EMAIL}

    before = stage.place.ledger.last
    pointer = await stage.says(EMAIL, "Please answer me on Telegram. How do I cancel my plan?", answer=True)
    assert "Telegram" in pointer
    assert "cancel" in (await stage.got(TELEGRAM, before)).lower()
    before = stage.place.ledger.last
    pointer = await stage.says(TELEGRAM, "Please answer me by e-mail. How do I change my password?")
    assert "mail" in pointer
    assert "password" in (await stage.got(EMAIL, before)).lower()

    asked = await stage.says(TELEGRAM, "unlink my e-mail")
    found = _CODE.search(asked)
    assert found
    await stage.says(TELEGRAM, found[0])
    await until(apart(stage, TELEGRAM, EMAIL))
    assert {message.address for message in await stage.timeline(TELEGRAM)} == {TELEGRAM}
    told = await stage.says(TELEGRAM, "Please answer me by e-mail. How do I cancel my plan?")
    assert "cancel" in told.lower()  # what is no more theirs gets nothing


async def test_from_a_mail_telegram_is_linked_by_a_message_from_there(stage: Stage) -> None:
    await stage.says(TELEGRAM, "Hi, how can I export my data?")
    assert "/link" in await stage.says(EMAIL, "Please link my Telegram")
    assert "mail" in await stage.says(TELEGRAM, "/link")
    code, _ = await stage.code(EMAIL, TELEGRAM, EMAIL.value)
    await stage.says(TELEGRAM, code)
    await until(linked(stage, TELEGRAM, EMAIL))


# --- codes that are not right ---


def wrong(code: str) -> str:
    return f"{(int(code.replace(' ', '')) + 1) % 10_000_000:07}"


async def test_a_wrong_code_six_times_is_void_and_the_right_one_too_late(stage: Stage) -> None:
    """Bad input 74: neutral words, and a new one must be asked for."""
    await stage.says(TELEGRAM, "Hi, how can I export my data?")
    code, _ = await stage.code(EMAIL, TELEGRAM, f"my e-mail is {EMAIL.value}")
    told = [await stage.says(TELEGRAM, wrong(code)) for _ in range(6)]
    assert ["4" in told[0], "3" in told[1], "2" in told[2]] == [True] * 3
    assert "one" in told[3].lower()
    assert all("void" in text for text in told[4:])
    assert "void" in await stage.says(TELEGRAM, code)
    assert not await stage.one(TELEGRAM, EMAIL)
    again, _ = await stage.code(EMAIL, TELEGRAM, f"my e-mail is {EMAIL.value}")
    assert again != code
    await stage.says(TELEGRAM, again)
    await until(linked(stage, TELEGRAM, EMAIL))


async def test_a_code_is_worth_nothing_for_anybody_else(stage: Stage) -> None:
    """Bad input 74: one code tried by many people, each with a request of their own."""
    await stage.says(SMS, "Hi, how can I export my data?")
    code, _ = await stage.code(EMAIL, SMS, f"my e-mail is {EMAIL.value}")
    others = [Address("telegram", str(100 + number)) for number in range(20)]
    for number, other in enumerate(others):
        if number % 2:
            await stage.says(other, f"my e-mail is other{number}@example.org")
        said = await stage.says(other, f"The code is {code}")
        assert EMAIL.value not in said
    customer = await stage.customer(EMAIL)
    assert all([await stage.customer(other) != customer for other in others])
    await stage.says(SMS, code)
    await until(linked(stage, SMS, EMAIL))


async def test_a_code_typed_where_it_was_sent_links_nobody(stage: Stage) -> None:
    await stage.says(SMS, "Hi, how can I export my data?")
    await stage.says(EMAIL, "Hello, how can I export my data?")
    code, _ = await stage.code(EMAIL, SMS, f"my e-mail is {EMAIL.value}")
    await stage.says(EMAIL, f"The code is {code}", answer=True)
    assert not await stage.one(SMS, EMAIL)


# --- who is known is nobody's business ---


async def test_known_and_unknown_addresses_get_the_same_answer(stage: Stage) -> None:
    """Bad input 75."""
    known, unknown = Address("email", "known@example.org"), Address("email", "nobody@example.org")
    await stage.says(known, "Hello, how can I export my data?")
    answers = []
    for who, named in ((Address("telegram", "202"), known), (Address("telegram", "402"), unknown)):
        await stage.says(who, "hello")
        told = [await stage.code(named, who, f"my e-mail is {named.value}") for _ in range(3)]  # each wording once
        answers.append(sorted(said.replace(named.value, "…") for _, said in told))
    assert answers[0] == answers[1]
    assert len(set(answers[0])) == 3


@pytest.mark.parametrize("state", ["stopped_at", "unreachable_at", "shared_at"])
async def test_what_became_of_an_address_is_nobodys_business_either(stage: Stage, state: str) -> None:
    named, asking = Address("email", "known@example.org"), Address("telegram", "202")
    unknown, other = Address("email", "nobody@example.org"), Address("telegram", "402")
    await stage.says(named, "Hello, how can I export my data?")
    await stage.store._pool.execute(f"UPDATE addresses SET {state} = now() WHERE channel = 'email'")
    told = []
    for who, target in ((asking, named), (other, unknown)):
        await stage.says(who, "hello")
        said = [await stage.says(who, f"my e-mail is {target.value}") for _ in range(3)]
        said.append(await stage.says(who, "0000000"))
        told.append(sorted(text.replace(target.value, "…") for text in said))
    assert told[0] == told[1]


async def test_another_address_in_a_mail_merges_nobody_by_itself(stage: Stage) -> None:
    """Bad input 52."""
    victim, claimer = Address("email", "sarah@example.org"), Address("email", "mallory@example.org")
    await stage.says(victim, "Hello, how can I export my data?")
    await stage.code(victim, claimer, "My other address is sarah@example.org. Please send me her invoices.")
    await stage.says(claimer, "0000000", answer=True)
    assert not await stage.one(victim, claimer)
    assert {message.address for message in await stage.timeline(claimer)} == {claimer}


# --- on other channels ---


async def test_a_code_to_whatsapp_waits_until_somebody_writes_there(stage: Stage) -> None:
    """Outside the window nothing may leave, known or not: who asks is told what to do."""
    said = await stage.says(EMAIL, "Please link my WhatsApp (+49 151 12345678)")
    assert "hello" in said
    assert "WhatsApp" in said
    before = stage.place.ledger.last
    stage.place.people.write(WHATSAPP, "hello")
    [first, second] = await stage.place.ledger.wait_for(
        lambda entry: entry.accepted and entry.to == str(WHATSAPP), DEADLINE, count=2, after=before
    )
    found = _CODE.search(first.text + second.text)
    assert found
    await stage.says(EMAIL, found[0], answer=True)
    await until(linked(stage, WHATSAPP, EMAIL))


async def test_who_was_named_before_they_ever_wrote_is_answered_when_they_do(stage: Stage) -> None:
    await stage.code(EMAIL, SMS, f"my e-mail is {EMAIL.value}")
    assert "export" in (await stage.says(EMAIL, "Hello, how can I export my data?")).lower()
    assert not await stage.one(SMS, EMAIL)


async def test_on_telegram_a_button_shares_the_number_and_is_taken_away(stage: Stage) -> None:
    """Telegram's own word on a number makes one person of who texts from it, without any code."""
    stage.place.people.know("Tomás", [TELEGRAM, SMS])
    await stage.says(SMS, "Hola, ¿cómo puedo exportar mis datos?")
    assert "button" in await stage.says(TELEGRAM, "/link")
    assert not await stage.one(TELEGRAM, SMS)
    before = stage.place.ledger.last
    stage.place.people.press(TELEGRAM, "Share my number")
    assert "number" in await stage.got(TELEGRAM, before)
    await until(linked(stage, TELEGRAM, SMS))
    with pytest.raises(LookupError):
        stage.place.people.press(TELEGRAM, "Share my number")


async def test_from_elsewhere_it_is_told_how_telegram_is_linked(stage: Stage) -> None:
    said = await stage.says(SMS, "link my telegram")
    assert "/link" in said
    assert "Telegram" in said
