"""The composition root: how a server starts, and that it stops in time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
import structlog
from pydantic import SecretStr

from omnibot.app import ALL_ROLES, CannotListen, Role, Running, serve
from omnibot.app.draining import Drain
from omnibot.app.listening import http_server
from omnibot.app.steps import limits_of
from omnibot.channels import Account
from omnibot.contract import Accept, Channel, ChannelSettings, Limits, Receipt, Site
from omnibot.model import Address, Attachment, Cap, DeliveryState, Draft, IncomingMessage, Outbound, Paragraph, Sender
from omnibot.settings import Bot, Database, Delivery, Server, Settings
from omnibot.store import Store
from omnibot.store.work import Arrived, Outcome, Purpose, Reply, StoredFile
from tests.conftest import SECRET

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KNOWLEDGE = Path(__file__).parents[1] / "config" / "knowledge"
SECONDS = 2.0  # a stopping server's deadline


class Stubborn(Channel):
    """A channel of which everything takes as long as it likes."""

    name = "stubborn"
    Settings = ChannelSettings
    send_seconds = end_seconds = 0.0

    def __init__(self, site: Site, settings: ChannelSettings) -> None:
        super().__init__(site, settings)
        self.limits = Limits(text=1000, in_flight=1)
        self.sending, self.fetching, self.listening = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(self.end_seconds)

    async def listen(self, accept: Accept) -> None:
        self.listening.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(self.end_seconds)

    async def send(self, message: Outbound) -> Receipt:
        self.sending.set()
        await asyncio.sleep(self.send_seconds)
        return Receipt(f"p{message.id}")

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        self.fetching.set()
        await asyncio.Event().wait()
        yield b""


@pytest.fixture
def settings(dsn: str, tmp_path: Path) -> Settings:
    return Settings(
        secret=SecretStr(SECRET.decode()),
        data_folder=tmp_path,
        database=Database(url=SecretStr(dsn)),
        server=Server(port=0, shutdown_seconds=SECONDS),
        delivery=Delivery(poll_seconds=0.05),
        bot=Bot(knowledge=KNOWLEDGE),
    )


@pytest.fixture(autouse=True)
def accounts(monkeypatch: pytest.MonkeyPatch) -> list[Account]:
    configured = [Account("stubborn", "main", Stubborn, ChannelSettings())]
    monkeypatch.setattr("omnibot.app.server.load_channels", lambda _: configured)
    return configured


@asynccontextmanager
async def running(settings: Settings, roles: frozenset[Role] = ALL_ROLES) -> AsyncIterator[Running]:
    stop = asyncio.Event()
    up: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(settings, stop, roles=roles, started=up.set_result))
    await asyncio.wait([server, up], return_when=asyncio.FIRST_COMPLETED)
    if not up.done():
        await server
    yield up.result()
    stop.set()
    async with asyncio.timeout(2 * settings.server.shutdown_seconds + 2):  # slow machines know deadlines less exactly
        await server


async def queue(dsn: str, who: str, *files: StoredFile) -> None:
    sender = Sender(Address("stubborn", who))
    item = IncomingMessage(id=who, at=NOON, sender=sender, message_id=who, text="hello")
    async with Store.open(dsn, SECRET) as store:
        await store.path.accept([Arrived(channel="stubborn", account="main", item=item, files=files)])
        [work] = await store.path.load(await store.path.claim(1, lease=30))
        to = work.addresses[0]
        reply = Reply(Draft(to=to, parts=(Paragraph("Hello."),)), Purpose.REPLY)
        await store.path.commit([Outcome(work=work, address=to.id, record={}, replies=(reply,))])


async def states(dsn: str) -> Mapping[DeliveryState, int]:
    async with Store.open(dsn, SECRET) as store:
        return await store.records.outbox_counts()


def cut_short(lines: list) -> list[str]:
    return [line["reason"] for line in lines if line["event"] == "server.cut_short"]


async def test_a_download_does_not_eat_the_time_of_a_call(
    settings: Settings, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stubborn, "send_seconds", SECONDS / 4)
    await queue(dsn, "1", StoredFile(name="a", media_type="text/plain", size=1, ref="remote"))
    with structlog.testing.capture_logs() as lines:
        async with running(settings) as up:
            channel = up.channels["stubborn", "main"]
            await asyncio.wait_for(asyncio.gather(channel.fetching.wait(), channel.sending.wait()), 10)
    assert cut_short(lines) == []
    assert await states(dsn) == {DeliveryState.SENT: 1}


async def test_a_call_without_end_is_cut_short_and_known_to_be(
    settings: Settings, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stubborn, "send_seconds", 3600)
    await queue(dsn, "1")
    with structlog.testing.capture_logs() as lines:
        async with running(settings) as up:
            await asyncio.wait_for(up.channels["stubborn", "main"].sending.wait(), 10)
    assert cut_short(lines) == ["delivery"]
    assert await states(dsn) == {DeliveryState.UNKNOWN: 1}


async def test_a_channel_that_will_not_close_is_closed_upon(settings: Settings) -> None:
    with structlog.testing.capture_logs() as lines:
        async with running(settings) as up:
            channel = up.channels["stubborn", "main"]
            await channel.listening.wait()
            channel.end_seconds = 3600
    assert cut_short(lines) == ["listeners", "stubborn.main"]


async def test_an_idle_server_stops_at_once(settings: Settings) -> None:
    settings = settings.model_copy(update={"server": Server(port=0, shutdown_seconds=60)})
    with structlog.testing.capture_logs() as lines:
        async with running(settings):
            began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 30  # half of what it would wait for
    assert cut_short(lines) == []


@pytest.mark.parametrize("roles", [frozenset({Role.WEB}), frozenset({Role.WORKER}), ALL_ROLES])
async def test_every_role_tells_its_health(settings: Settings, roles: frozenset[Role]) -> None:
    async with running(settings, roles) as up, aiohttp.ClientSession(up.url) as session:
        for path in ("/healthz", "/readyz"):
            async with session.get(path) as answer:
                assert answer.status == 200
        async with session.get("/files/1/1/" + "x" * 43) as answer:
            assert answer.status == 404


async def test_readiness_names_accounts_that_have_spent_all(
    settings: Settings, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Costly(Stubborn):
        def __init__(self, site: Site, given: ChannelSettings) -> None:
            super().__init__(site, given)
            self.limits = replace(self.limits, spend=Cap(0, 3600))

    async with running(settings) as up, aiohttp.ClientSession(up.url) as session, session.get("/readyz") as answer:
        assert "overspent" not in await answer.json()
    costly = Account("stubborn", "main", Costly, ChannelSettings())
    monkeypatch.setattr("omnibot.app.server.load_channels", lambda _: [costly])
    await queue(dsn, "1")
    told: list[str] = []
    async with running(settings) as up, aiohttp.ClientSession(up.url) as session, asyncio.timeout(10):
        while not told:
            async with session.get("/readyz") as answer:
                assert answer.status == 200
                told = (await answer.json())["overspent"]
    assert told == ["stubborn.main"]
    assert await states(dsn) == {DeliveryState.HELD: 1}


async def test_a_port_that_somebody_has_is_told_in_one_sentence(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = settings.model_copy(update={"server": Server(port=port)})
        with pytest.raises(ExceptionGroup) as failed:
            async with running(taken):
                pass
    found: BaseException = failed.value
    while isinstance(found, BaseExceptionGroup):
        [found] = found.exceptions
    assert isinstance(found, CannotListen)
    assert str(found).startswith(f"cannot listen at 127.0.0.1:{port}: Address already in use; set server.host and")


@pytest.mark.parametrize("steps", range(8))
async def test_a_start_that_is_broken_off_leaves_no_socket(settings: Settings, steps: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    there = settings.model_copy(update={"server": Server(port=port)})
    ended = asyncio.Event()

    async def hold() -> None:
        async with http_server(there, [], Drain(1)):
            await ended.wait()

    starting = asyncio.create_task(hold())
    for _ in range(steps):
        await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    socket.create_server(("127.0.0.1", port)).close()  # raises when it is still listened on


def test_replies_fit_every_account_of_a_channel() -> None:
    def account(limits: Limits) -> Channel:
        site = Site(account="", path="", public_url="", key=b"", now=lambda: NOON)
        channel = Stubborn(site, ChannelSettings())
        channel.limits = limits
        return channel

    limits = limits_of({
        ("a", "one"): account(Limits(text=100, choices=3, choice_bytes=64, subject=True)),
        ("a", "two"): account(Limits(text=200, choices=0, choice_bytes=32)),
        ("b", "one"): account(Limits(text=50, subject=True)),
    })  # fmt: skip
    a, b = limits["a"], limits["b"]
    assert (a.text, a.choices, a.choice_bytes, a.subject) == (100, 0, 32, False)
    assert (b.text, b.subject) == (50, True)
