"""The pages and calls by which people are linked, over HTTP and on a real PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import asyncpg
import pytest
import pytest_asyncio
import structlog
from aiohttp import web
from selectolax.lexbor import LexborHTMLParser
from tests.signing import AUDIENCE, ISSUER, SECRET, signed

from omnibot.contract import MAX_BODY, Channel, ChannelSettings, Limits, Receipt, Site
from omnibot.logs import request_scope
from omnibot.model import Address, IncomingMessage, Outbound, Sender
from omnibot.pages import LinkPages
from omnibot.pages.allowance import Allowance
from omnibot.pages.layout import _STYLE, LANGUAGES, words
from omnibot.store import Store, StoreUnavailable
from omnibot.store.work import Arrived
from omnibot.tokens import Algorithm, CodeLinks, Key, Verifier

ORIGIN = "https://bot.example.com"
COMPANY = "Müller & <Söhne>"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
VERIFIER = Verifier([Key("main", Algorithm.HS256, SECRET)], issuer=ISSUER, audience=AUDIENCE, longest=3600, skew=60)
LINKS = CodeLinks(b"a secret of the tests", ORIGIN)
OURS = {"Sec-Fetch-Site": "same-origin"}
HASH = b"what is kept of a code"


class Inviting(Channel):
    """A channel that is reached by a link, or not at all."""

    name = "telegram"
    Settings = ChannelSettings

    def __init__(self, name: str, form: str) -> None:
        super().__init__(Site(account="main", path="", public_url="", key=b"", now=lambda: NOON), ChannelSettings())
        self.form = form
        self.limits = Limits(text=1000)

    async def send(self, message: Outbound) -> Receipt:
        raise AssertionError("nothing is sent here")

    async def invitation(self, text: str) -> str:
        return self.form.format(text)


CHANNELS = {
    "telegram": Inviting("telegram", "https://t.me/example_bot?start={}"),
    "sms": Inviting("sms", "sms:+12025550100?body=/link%20{}"),
    "slack": Inviting("slack", ""),
}


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Site_:
    """The pages on a port of this machine."""

    url: str
    browser: aiohttp.ClientSession
    store: Store
    clock: Clock
    acted: list[int]

    async def get(self, path: str, **headers: str) -> tuple[int, str, Mapping[str, str]]:
        async with self.browser.get(self.url + path, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text(), answer.headers

    async def post(
        self, path: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] = OURS
    ) -> tuple[int, str, Mapping[str, str]]:
        async with self.browser.post(
            self.url + path, data=form or {}, headers=headers, allow_redirects=False
        ) as answer:
            return answer.status, await answer.text(), answer.headers

    async def press(self, page: str, way: str = "", **changed: str) -> tuple[int, str, Mapping[str, str]]:
        """Send the form of a page."""
        form = LexborHTMLParser(page).css_first("form")
        assert form is not None
        assert form.attributes["method"] == "post"
        fields = {i.attributes["name"]: i.attributes["value"] for i in form.css("input")}
        return await self.post(form.attributes["action"], fields | {"way": way} | changed)

    async def redeem(self, code: str, id_: str = "1") -> set[str]:
        """Whom somebody is taken for who sends a code from Telegram."""
        sender = Address("telegram", id_)
        item = IncomingMessage(id=id_, at=NOON, sender=Sender(sender), message_id=id_, text="/start …")
        await self.store.path.accept([Arrived(channel="telegram", account="main", item=item, token=code)])
        [held] = (await self.store.identity.show(sender)).addresses
        return {str(one.identifier) for one in held.identifiers if one.proven_at}


@pytest_asyncio.fixture
async def site(store: Store) -> AsyncIterator[Site_]:
    clock, acted = Clock(), []
    pages = LinkPages(
        store.identity,
        VERIFIER,
        LINKS,
        CHANNELS,
        secret=b"a secret of the tests",
        company=COMPANY,
        language="en",
        public_url=ORIGIN,
        code_seconds=600,
        tries=5,
        acted=lambda: acted.append(1),
        requests=Allowance(60, 200, clock),
        wrong=Allowance(5, 20, clock),
    )
    app = web.Application(client_max_size=MAX_BODY, middlewares=[request_scope])
    app.add_routes(pages.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as browser:
        yield Site_(f"http://127.0.0.1:{port}", browser, store, clock, acted)
    await runner.cleanup()


def title(page: str) -> str:
    return LexborHTMLParser(page).css_first("h1").text()


def code_of(headers: Mapping[str, str]) -> str:
    return headers["Location"].rpartition("=")[2]


# --- the page of a token -------------------------------------------------------------------------------------------


async def test_a_page_tells_what_will_happen_and_does_nothing(site, store):
    token = signed("u-77")
    for _ in range(3):  # mail scanners follow links
        status, page, _ = await site.get(f"/identity/link?token={token}")
        assert (status, title(page)) == (200, "Link your conversation")
    tree = LexborHTMLParser(page)
    assert [button.text() for button in tree.css("button")] == ["Continue in Telegram", "I write somewhere else"]
    assert "in Telegram, Messages (SMS) or Slack" in tree.text()
    status, _, _headers = await site.press(page, "telegram")
    assert status == 303


async def test_the_button_leads_to_telegram_with_a_code_for_that_user(site):
    _, page, _ = await site.get(f"/identity/link?token={signed('u-77', email='sarah@example.org')}")
    status, _, headers = await site.press(page, "telegram")
    assert status == 303
    assert re.fullmatch(r"https://t\.me/example_bot\?start=[a-z2-7]{26}", headers["Location"])
    assert await site.redeem(code_of(headers)) == {"user_id:u-77", "email:sarah@example.org"}


async def test_the_other_button_shows_what_to_write_elsewhere(site):
    _, page, _ = await site.get(f"/identity/link?token={signed('u-77')}")
    status, page, _ = await site.press(page, "code")
    tree = LexborHTMLParser(page)
    code = tree.css_first(".code").text()
    assert status == 200
    assert re.fullmatch(r"/link [a-z2-7]{26}", code)
    assert [way.attributes["href"] for way in tree.css("a.way")] == [
        f"https://t.me/example_bot?start={code[6:]}",
        f"sms:+12025550100?body=/link%20{code[6:]}",
    ]
    assert await site.redeem(code[6:]) == {"user_id:u-77"}


async def test_a_button_that_is_pressed_twice_gives_the_same_code(site):
    _, page, _ = await site.get(f"/identity/link?token={signed()}")
    first, second = [await site.press(page, "telegram") for _ in range(2)]
    assert first[2]["Location"] == second[2]["Location"]


async def test_a_token_that_was_used_says_nothing_more(site):
    token = signed()
    _, page, _ = await site.get(f"/identity/link?token={token}")
    _, other, _ = await site.get(f"/identity/link?token={token}")
    assert (await site.press(page, "telegram"))[0] == 303
    status, told, _ = await site.press(other, "telegram")
    assert (status, title(told)) == (410, "This link does not work any more")


@pytest.mark.parametrize(
    "token", ["", "x", signed(life=-100), signed(key="x" * 40), signed(aud="shop"), "x" * 4000], ids=len
)
async def test_whatever_is_wrong_with_a_token_the_page_is_the_same(site, token):
    status, page, _headers = await site.get(f"/identity/link?token={token}")
    posted = await site.post("/identity/link", {"token": token, "form": "x" * 20, "way": "telegram"})
    assert (status, posted[0]) == (410, 410)
    assert page == posted[1]
    assert title(page) == "This link does not work any more"


async def test_no_page_says_who_somebody_is_or_runs_anything(site):
    token = signed("<script>alert(1)</script>")
    _, page, headers = await site.get(f"/identity/link?token={token}")
    assert "alert(1)" not in page
    assert "Müller &amp; &lt;Söhne&gt;" in page
    assert "<script" not in page
    assert "Set-Cookie" not in headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "'unsafe-inline'" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_the_policy_allows_the_very_style_of_the_page(site):
    import base64
    import hashlib

    _, page, headers = await site.get("/identity/link")
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in headers["Content-Security-Policy"]
    assert 'style="' not in page


@pytest.mark.parametrize(
    ("accepted", "locale", "language"),
    [
        ("", None, "en"),
        ("es-MX,es;q=0.9,en;q=0.8", None, "es"),
        ("it,pt;q=0.9", None, "en"),
        ("de-AT,fr;q=0.9", None, "de"),
        ("en;q=0.1,es", None, "es"),
        ("es;q=0,en;q=0.1", None, "en"),
        ("en", "es-ES", "es"),
        ("es", "fr-CA", "fr"),
        ("es", "it", "en"),
        ("es;q=x, *;q=0.5, ;;;, es", 5, "es"),
    ],
)
async def test_the_language_is_the_tokens_then_the_browsers(site, accepted, locale, language):
    _, page, headers = await site.get(f"/identity/link?token={signed(locale=locale)}", **{"Accept-Language": accepted})
    assert LexborHTMLParser(page).css_first("html").attributes["lang"] == language == headers["Content-Language"]


# --- forms of others -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": f"{ORIGIN}.evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Origin": ORIGIN}, 303),
        ({}, 303),
    ],
)
async def test_a_form_that_another_site_sends_does_nothing(site, headers, status):
    token = signed()
    form = {"token": token, "form": "x" * 20, "way": "telegram"}
    assert (await site.post("/identity/link", form, headers))[0] == status
    if status == 403:
        assert (await site.post("/identity/link", form))[0] == 303  # and it has spent nothing


async def test_what_is_no_form_of_ours_is_not_read(site):
    for kind, status in (("application/json", 415), ("text/plain", 415), ("multipart/form-data; boundary=x", 415)):
        assert (await site.post("/identity/link", headers={**OURS, "Content-Type": kind}))[0] == status
    assert (await site.post("/identity/link", headers={**OURS, "Content-Encoding": "gzip"}))[0] == 415
    assert (await site.post("/identity/link", {"token": "x" * 20_000}))[0] == 413


# --- the company's system ------------------------------------------------------------------------------------------


async def start(site: Site_, token: str, scheme: str = "Bearer") -> tuple[int, dict[str, object], Mapping[str, str]]:
    headers = {"Authorization": f"{scheme} {token}"}
    async with site.browser.post(f"{site.url}/identity/start", headers=headers) as answer:
        return answer.status, await answer.json(), answer.headers


async def test_the_companys_system_exchanges_a_token_for_a_start_link(site):
    status, told, headers = await start(site, signed("u-77"))
    assert status == 201
    assert told["telegram"] == f"https://t.me/example_bot?start={told['code']}"
    assert told["message"] == f"/link {told['code']}"
    assert told["expires_in"] == 600
    assert told["links"]["sms"] == f"sms:+12025550100?body=/link%20{told['code']}"
    assert headers["Cache-Control"] == "no-store"
    assert await site.redeem(told["code"]) == {"user_id:u-77"}


async def test_and_each_token_once(site):
    token = signed()
    assert (await start(site, token))[0] == 201
    assert (await start(site, token))[0] == 401


@pytest.mark.parametrize("token", [signed(life=-100), signed(key="x" * 40), "rubbish", ""])
async def test_a_wrong_token_is_refused_without_a_reason(site, token):
    status, told, headers = await start(site, token)
    assert (status, told) == (401, {"error": "invalid_token"})
    assert headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_in_the_query_is_none(site):
    async with site.browser.post(f"{site.url}/identity/start?token={signed()}") as answer:
        assert answer.status == 401
    assert (await start(site, signed(), "Basic"))[0] == 401


# --- too much ------------------------------------------------------------------------------------------------------


async def test_who_guesses_is_told_to_wait_and_who_is_right_is_not(site):
    statuses = [(await start(site, signed(key="x" * 40)))[0] for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    assert (await site.get("/identity/link?token=x"))[0] == 429
    assert (await start(site, signed()))[0] == 201
    site.clock.now += 61
    assert (await start(site, signed(key="x" * 40)))[0] == 401


async def test_the_limit_holds_whatever_a_client_says_of_itself(site):
    """Bad input 76."""
    for number in range(60):
        status, _, _ = await site.get("/identity/link", **{"X-Forwarded-For": f"192.0.2.{number}"})
        assert status in (410, 429)
    status, page, headers = await site.get(f"/identity/link?token={signed()}", **{"X-Forwarded-For": "192.0.2.99"})
    assert (status, title(page)) == (429, "Too many tries")
    assert 0 < int(headers["Retry-After"]) <= 60
    assert (await start(site, signed()))[0] == 429


def test_allowances_are_by_client_and_for_all():
    clock = Clock()
    allowance = Allowance(2, 5, clock)
    assert [allowance.take("192.0.2.1") for _ in range(3)] == [0, 0, 60]
    assert allowance.take("192.0.2.2") == 0
    assert allowance.take("192.0.2.3") == 0
    assert allowance.take("192.0.2.4") == 60  # the sixth of all
    clock.now = 59.9
    assert allowance.take("192.0.2.5") == 1
    clock.now = 60
    assert allowance.take("192.0.2.1") == 0


def test_one_household_is_one_client():
    allowance = Allowance(2, 100)
    assert [allowance.take(f"2001:db8::{n}") for n in range(3)] == [0, 0, 60]
    assert allowance.take("2001:db8:0:1::1") == 0
    assert [allowance.take(one) for one in ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1")] == [0, 0, 60]
    assert [allowance.take("no address") for _ in range(3)] == [0, 0, 60]


def test_many_clients_take_bounded_memory():
    allowance = Allowance(1, 1_000_000)
    for number in range(20_000):
        allowance.take(f"client {number}")
    assert len(allowance._by_client) <= 10_000
    assert allowance.take("one more") == 0


# --- the address in a mail that brings a code ----------------------------------------------------------------------


async def request(
    dsn: str, *, source: int = 50, purpose: str = "link", seconds: float = 600, code_hash: bytes = HASH, **fields
) -> None:
    """A code that was asked for at one address and sent to another."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "INSERT INTO proof_requests (address_id, target_id, purpose, about_id, source_id, code_hash, tries,"
            " created_at, expires_at) VALUES (1, 2, $1, $2, $3, $4, 0, now(), now() + $5::interval)",
            purpose, fields.get("about"), source, code_hash, timedelta(seconds=seconds),
        )  # fmt: skip
    finally:
        await connection.close()


async def column(dsn: str, query: str) -> list[object]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()


def path(source: int = 50, code_hash: bytes = HASH) -> str:
    return LINKS.url(source, code_hash).removeprefix(ORIGIN)


async def test_an_address_in_a_mail_does_what_typing_its_code_does(site, dsn):
    await request(dsn)
    for _ in range(2):
        status, page, _ = await site.get(path())
        assert (status, title(page)) == (200, "Link this address?")
    assert await column(dsn, "SELECT act FROM identity_acts") == []
    status, done, _ = await site.press(page)
    assert (status, title(done)) == (200, "Done")
    assert await column(dsn, "SELECT settled FROM proof_requests") == ["proven"]
    assert await column(dsn, "SELECT ROW(act, address_id, other_id) FROM identity_acts") == [("link", 2, 1)]
    assert site.acted == [1]
    status, again, _ = await site.press(page)
    assert (status, title(again)) == (410, "This link does not work any more")
    assert await column(dsn, "SELECT act FROM identity_acts") == ["link"]
    assert (await site.get(path()))[0] == 410


@pytest.mark.parametrize(
    ("purpose", "asked"), [("unlink", "Separate the addresses?"), ("forget", "Forget the address?")]
)
async def test_the_page_says_what_was_asked_for(site, dsn, purpose, asked):
    await request(dsn, purpose=purpose)
    assert title((await site.get(path()))[1]) == asked


async def test_an_address_that_is_too_old_does_nothing(site, dsn):
    await request(dsn, seconds=-1)
    assert (await site.get(path()))[0] == 410
    assert (await site.post("/identity/code", {"token": path().partition("=")[2]}))[0] == 410
    assert await column(dsn, "SELECT act FROM identity_acts") == []


async def test_wrong_ends_count_and_void_the_request(site, dsn):
    """Bad input 74, for addresses: a wrong one five times, and the right one does nothing any more."""
    await request(dsn)
    right = path().partition("=")[2]
    statuses = []
    for sign in "ABCDEF":
        wrong = right[:-8] + (sign if right[-8] != sign else "G") + right[-7:]
        statuses.append((await site.post("/identity/code", {"token": wrong}))[0])
    assert statuses == [410] * 4 + [429] * 2
    status, page, _ = await site.post("/identity/code", {"token": right})
    assert (status, title(page)) == (429, "Too many tries")
    assert await column(dsn, "SELECT ROW(tries, settled) FROM proof_requests") == [(5, "void")]
    assert await column(dsn, "SELECT act FROM identity_acts") == []


async def test_nobody_can_count_against_the_requests_of_others(site, dsn):
    await request(dsn)
    token = path().partition("=")[2]
    forged = token[:12] + ("A" if token[12] != "A" else "B") + token[13:]  # the number is right, its seal is not
    for wrong in (forged, "A" * 43, "", "x", "é" * 43):
        assert (await site.post("/identity/code", {"token": wrong}))[0] == 410
    assert await column(dsn, "SELECT tries FROM proof_requests") == [0]
    assert (await site.post("/identity/code", {"token": token}))[0] == 200


async def test_one_of_two_requests_of_a_message_is_meant(site, dsn):
    await request(dsn)
    await request(dsn, code_hash=b"another", purpose="unlink")
    await site.post("/identity/code", {"token": path(code_hash=b"another").partition("=")[2]})
    assert await column(dsn, "SELECT settled FROM proof_requests ORDER BY id") == [None, "proven"]


async def test_another_site_cannot_prove_anything(site, dsn):
    await request(dsn)
    form = {"token": path().partition("=")[2]}
    assert (await site.post("/identity/code", form, {"Sec-Fetch-Site": "cross-site"}))[0] == 403
    assert await column(dsn, "SELECT settled FROM proof_requests") == [None]


def test_without_a_public_url_there_is_no_such_address():
    assert CodeLinks(b"a secret", "").url(1, HASH) == ""


# --- when things go wrong ------------------------------------------------------------------------------------------


async def test_while_the_database_is_away_everybody_is_told_and_nothing_is_lost(site, monkeypatch):
    async def away(*_: object) -> bool:
        raise StoreUnavailable("away")

    token = signed()
    _, page, _ = await site.get(f"/identity/link?token={token}")
    monkeypatch.setattr(site.store.identity, "exchange", away)
    status, told, headers = await site.press(page, "telegram")
    assert (status, title(told), headers["Retry-After"]) == (503, "Not just now", "30")
    assert (await start(site, token))[0] == 503
    monkeypatch.undo()
    assert (await site.press(page, "telegram"))[0] == 303


async def test_no_token_is_logged(site):
    wrong = signed("u-77", key="x" * 40)
    with structlog.testing.capture_logs() as lines:
        await site.get(f"/identity/link?token={wrong}")
        await site.post("/identity/link", {"token": wrong})
        await start(site, wrong)
        await site.get(f"/identity/code?token={wrong}")
    refused = [line for line in lines if line["event"] == "token.refused"]
    assert [line["reason"] for line in refused] == ["forged", "forged", "forged", "malformed"]
    assert wrong not in str(lines)
    assert "u-77" not in str(lines)


# --- legible to everybody ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground", "least"),
    [
        ("text", "card", 7),
        ("quiet", "card", 4.5),
        ("on-action", "action", 4.5),
        ("action", "card", 4.5),
        ("ring", "card", 3),
    ],
)
def test_colours_have_the_contrast_that_wcag_asks_for(scheme: str, text: str, ground: str, least: float) -> None:
    light, dark = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part)) for part in _STYLE.split("@media", 2)[:2])
    colours = light if scheme == "light" else dark
    first, second = sorted((_luminance(colours[text]), _luminance(colours[ground])))
    assert (second + 0.05) / (first + 0.05) >= least


def _luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


async def test_a_page_is_well_formed_for_who_hears_it(site):
    _, page, _ = await site.get(f"/identity/link?token={signed()}")
    tree = LexborHTMLParser(page)
    assert len(tree.css("main")) == len(tree.css("h1")) == len(tree.css("form")) == 1
    assert COMPANY in tree.css_first("title").text()
    assert all(button.text().strip() for button in tree.css("button"))
    assert "width=device-width" in page
    assert "min-height: 3rem" in page  # a thumb finds it


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same(language: str) -> None:
    def places(told: Mapping[str, Mapping[str, str]]) -> dict[tuple[str, str], set[str]]:
        return {
            (page, what): set(re.findall(r"\{(\w+)\}", text))
            for page, says in told.items()
            for what, text in says.items()
        }

    assert places(words(language)) == places(words("en"))
