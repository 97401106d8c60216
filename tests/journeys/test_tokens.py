"""A company's own users become known by its signature: from its pages, in a chat, by mail, through the whole server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest_asyncio
from pydantic import SecretStr
from selectolax.lexbor import LexborHTMLParser

from omnibot.model import Address, Identifier, IdentifierKind, Proof
from omnibot.sandbox.world import World
from omnibot.settings import Identity, TokenKey, Tokens
from tests.journeys.conftest import MakeWorld
from tests.journeys.test_day import until
from tests.journeys.test_moves import Stage, linked
from tests.signing import AUDIENCE, ISSUER, SECRET, elliptic, public_pem, signed

TELEGRAM, EMAIL, SMS = (
    Address("telegram", "4711"),
    Address("email", "sarah@example.org"),
    Address("sms", "+12025550147"),
)
PRIVATE = elliptic()
TOKENS = Tokens(
    issuer=ISSUER,
    audience=AUDIENCE,
    keys={"main": TokenKey(secret=SecretStr(SECRET)), "new": TokenKey(public_key=public_pem(PRIVATE))},
)
USER = Identifier(IdentifierKind.USER_ID, "u-77")


@pytest_asyncio.fixture
async def stage(make_world: MakeWorld) -> AsyncIterator[Stage]:
    sections = {"identity": Identity(tokens=TOKENS)}
    async with (
        make_world(sections, channels=("sms", "email", "telegram", "whatsapp")) as place,
        place.serving(),
        place.looking() as store,
    ):
        yield Stage(place, store)


class Browser:
    """Somebody who opens our pages, as browsers do."""

    def __init__(self, place: World) -> None:
        self.url = place.settings.server.public_url

    async def open(self, url: str) -> LexborHTMLParser:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            assert answer.status == 200, await answer.text()
            return LexborHTMLParser(await answer.text())

    async def press(self, page: LexborHTMLParser, label: str) -> tuple[int, str, Mapping[str, str]]:
        form = page.css_first("form")
        [button] = [button for button in form.css("button") if button.text() == label]
        fields = {field.attributes["name"]: field.attributes["value"] for field in form.css("input")}
        fields[button.attributes["name"]] = button.attributes["value"] or ""
        headers = {"Sec-Fetch-Site": "same-origin"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                self.url + form.attributes["action"], data=fields, headers=headers, allow_redirects=False
            ) as answer,
        ):
            return answer.status, await answer.text(), answer.headers


async def identifiers(stage: Stage, address: Address) -> set[str]:
    person = await stage.store.identity.show(address)
    return {str(one.identifier) for held in person.addresses for one in held.identifiers if one.proven_at}


async def test_from_the_companys_page_over_telegram_to_one_customer_with_the_mail(stage: Stage) -> None:
    browser = Browser(stage.place)
    page = await browser.open(f"{browser.url}/identity/link?token={signed('u-77')}")
    status, _, headers = await browser.press(page, "Continue in Telegram")
    assert status == 303
    link, _, code = headers["Location"].partition("?start=")
    assert link == f"https://t.me/{stage.place.telegram.main.username}"

    said = await stage.says(TELEGRAM, f"/start {code}")
    assert "linked" in said
    assert await identifiers(stage, TELEGRAM) == {str(USER)}
    assert (await stage.store.identity.show(TELEGRAM)).addresses[0].proof is Proof.PROVEN
    assert await stage.told(TELEGRAM) == ["/start …", said]

    await stage.says(EMAIL, "How do I reset my password?")
    assert not await stage.one(TELEGRAM, EMAIL)
    token = signed("u-77", key=PRIVATE, algorithm="ES256", kid="new")
    assert "linked" in await stage.says(EMAIL, f"/link {token}\n\nSarah")
    await until(linked(stage, TELEGRAM, EMAIL))
    assert token not in "".join(message.text for message in await stage.timeline(EMAIL))


async def test_what_the_company_says_of_a_phone_finds_who_texts_from_it(stage: Stage) -> None:
    await stage.says(SMS, "How do I reset my password?")
    await stage.says(TELEGRAM, f"/link {signed('u-77', phone=SMS.value)}")
    await until(linked(stage, TELEGRAM, SMS))


async def test_a_guessed_start_token_gets_a_neutral_reply(stage: Stage) -> None:
    """Bad input 14."""
    guessed = await stage.says(TELEGRAM, "/start abcdefghijklmnopqrstuvwxyz"[:33])
    used = signed()
    await stage.says(SMS, f"/link {used}")
    assert "does not work" in guessed or "doesn't work" in guessed
    again = await stage.says(TELEGRAM, f"/link {used}")
    forged = await stage.says(TELEGRAM, f"/link {signed(key='x' * 40)}")
    assert "work any more" in again
    assert "work any more" in forged
    assert await identifiers(stage, TELEGRAM) == set()


async def test_the_companys_system_asks_for_a_start_link(stage: Stage) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{stage.place.settings.server.public_url}/identity/start",
            headers={"Authorization": f"Bearer {signed('u-77', locale='es')}"},
        ) as answer,
    ):
        told = await answer.json()
    code = told["code"]
    number, whatsapp = (stage.place.settings.channels[name]["main"]["number"] for name in ("sms", "whatsapp"))
    assert told["links"] == {
        "sms": f"sms:{number}?body=/link%20{code}",
        "email": f"mailto:{stage.place.settings.channels['email']['support']['address']}?body=/link%20{code}",
        "telegram": f"https://t.me/{stage.place.telegram.main.username}?start={code}",
        "whatsapp": f"https://wa.me/{whatsapp[1:]}?text=/link%20{code}",
    }
    assert "linked" in await stage.says(SMS, told["message"])
    assert await identifiers(stage, SMS) == {str(USER), "phone:+12025550147"}


async def test_a_mail_with_a_code_has_an_address_that_does_the_same(stage: Stage) -> None:
    before = stage.place.ledger.last
    await stage.says(SMS, f"my e-mail is {EMAIL.value}")
    mail = await stage.got(EMAIL, before)
    found = re.search(r"http\S+/identity/code\?token=[A-Za-z0-9_-]{43}", mail)
    assert found, mail
    browser = Browser(stage.place)
    page = await browser.open(found[0])
    assert "Messages (SMS)" in page.text()
    assert not await stage.one(SMS, EMAIL)
    status, _, _ = await browser.press(page, "Yes, that is me")
    assert status == 200
    await until(linked(stage, SMS, EMAIL))
    [kept] = await stage.told(EMAIL)
    assert "/identity/code" not in kept
