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
