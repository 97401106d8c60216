"""The composition root: what is opened, in which order, and so in which order it is closed.

`serve` is the one function that knows concrete classes. Read it downwards as the start list and upwards as the stop
list: listeners stop, turns finish, calls end, channels close, the store closes.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import structlog
from aiohttp import web

from omnibot.channels import Account
from omnibot.channels import load as load_channels
from omnibot.contract import MAX_BODY, Accept, Channel, Site
from omnibot.delivery import Delivery
from omnibot.dialogue import Knowledge
from omnibot.health import health_routes
from omnibot.intake import Intake
from omnibot.intake.fetch import Fetcher
from omnibot.intake.files import DiskFiles
from omnibot.intake.typing import WORTH_IT, Typing
from omnibot.lanes import Lanes
from omnibot.logs import request_scope
from omnibot.settings import Settings
from omnibot.store import Store
from omnibot.store.bundled import BundledServer
from omnibot.turn import Steps
from omnibot.understanding import Understanding

log = structlog.get_logger(__name__)

Loop = Callable[[], Coroutine[Any, Any, None]]
Channels = Mapping[tuple[str, str], Channel]  # by channel and account

_LONGEST_RESTART = 60.0  # seconds between two starts of a listener that keeps failing
_HANDLERS_SECONDS = 3.0  # for webhooks under way when the server stops


class Role(StrEnum):
    """What a process does; several processes on one database may share the work."""

    WEB = "web"  # webhooks, listeners, health
    WORKER = "worker"  # turns, delivery


ALL_ROLES = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that is up."""

    url: str  # where its HTTP server listens; '' without the web role
    channels: Channels


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    *,
    roles: frozenset[Role] = ALL_ROLES,
    started: Callable[[Running], None] = lambda _: None,
) -> None:
    """Run until `stop`, then drain within `server.shutdown_seconds`; what is cut short repeats safely.

    Raises what makes a start impossible (SettingsError, KnowledgeError, WrongSecret, OSError), and an exception group
    when a core loop fails: the process is then to be started again.
    """
    accounts = load_channels(settings)
    files = DiskFiles(settings.data_folder / "files")
    bell = _Bell()
    drain = _Drain(stop, settings.server.shutdown_seconds)
    async with (
        _database(settings) as dsn,
        _store(settings, dsn) as store,
        open_channels(accounts, settings) as channels,
        _working(settings, store, channels, files, bell, drain) if Role.WORKER in roles else nullcontext(),
        _hearing_of_others(settings, store, dsn, bell) if Role.WEB not in roles else nullcontext(),
        _telling_others(store, bell) if Role.WORKER not in roles else nullcontext(),
        _receiving(settings, store, channels, files, bell, drain) if Role.WEB in roles else nullcontext("") as url,
    ):
        started(Running(url, channels))
        log.info("server.started", count=len(channels))
        await stop.wait()
        log.info("server.stopping")


# --- resources -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[str]:
    if url := settings.database.url.get_secret_value():
        yield url
        return
    async with BundledServer(settings.data_folder) as dsn:
        yield dsn


def _store(settings: Settings, dsn: str) -> AbstractAsyncContextManager[Store]:
    return Store.open(
        dsn,
        settings.load_secret(),
        pool_size=settings.database.pool_size,
        prepared_statements=settings.database.prepared_statements,
    )


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """The database alone, for commands that look into it while a server may be running on it."""
    async with _database(settings) as dsn, _store(settings, dsn) as store:
        yield store


@asynccontextmanager
async def open_channels(accounts: Sequence[Account], settings: Settings) -> AsyncIterator[Channels]:
    """Each account as an open channel; closed in the opposite order."""
    secret = settings.load_secret()
    async with AsyncExitStack() as stack:
        channels = {}
        for account in accounts:
            channel = account.channel_class(_site(account, settings, secret), account.settings)
            channels[account.channel, account.name] = await stack.enter_async_context(channel)
        yield channels


def _site(account: Account, settings: Settings, secret: bytes) -> Site:
    path = f"/channels/{account.channel}/{account.name}"
    public = settings.server.public_url
    context = f"channel {account.channel} {account.name}".encode()
    return Site(
        account=account.name,
        path=path,
        public_url=public + path if public else "",
        key=hashlib.blake2b(context, key=hashlib.sha256(secret).digest(), digest_size=32).digest(),
        now=lambda: datetime.now(UTC),
    )


# --- work ----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _working(
    settings: Settings, store: Store, channels: Channels, files: DiskFiles, bell: _Bell, drain: _Drain
) -> AsyncIterator[None]:
    delivery = Delivery(store.path, channels, settings.delivery)
    lanes = Lanes(store.path, _steps(settings, channels), settings.turns, committed=delivery.wake)
    fetcher = Fetcher(store.attachments, files, channels, settings.files)
    bell.wakes(lanes.wake, fetcher.wake)
    turns = [lanes.run] * settings.turns.workers
    async with (
        drain.looping("delivery", delivery.close, delivery.run),
        drain.looping("turns", lanes.close, *turns),
        drain.looping("attachments", fetcher.close, fetcher.run),
    ):
        yield


def _steps(settings: Settings, channels: Channels) -> Steps:
    return Steps(
        understanding=Understanding(settings.bot.languages),
        knowledge=Knowledge.load(settings.bot.knowledge, settings.bot.languages[0]),
        limits={channel.name: channel.limits for channel in channels.values()},
        company=settings.bot.company,
        bot=settings.bot.name,
    )


@asynccontextmanager
async def _receiving(
    settings: Settings, store: Store, channels: Channels, files: DiskFiles, bell: _Bell, drain: _Drain
) -> AsyncIterator[str]:
    typing = Typing(channels)
    pause = settings.turns.pause_seconds
    intake = Intake(
        store.path,
        files,
        max_file=settings.files.max_bytes,
        pause=pause,
        committed=bell.ring,
        heard=typing.show if pause >= WORTH_IT else lambda _: None,
    )
    doors = {
        (name, account): intake.door(name, account, carrier=channel.limits.carrier)
        for (name, account), channel in channels.items()
    }
    async with (
        _background(typing.run),
        drain.looping("intake", intake.close, intake.run),
        _http(settings, store, channels, files, doors) as url,
        _listening(channels, doors),
    ):
        yield url


@asynccontextmanager
async def _http(
    settings: Settings,
    store: Store,
    channels: Channels,
    files: DiskFiles,
    doors: Mapping[tuple[str, str], Accept],
) -> AsyncIterator[str]:
    app = web.Application(client_max_size=MAX_BODY, middlewares=[request_scope])
    app.add_routes(health_routes(store, len(channels)))
    app.add_routes([files.download_route(settings.load_secret(), store.attachments.file_key)])
    for key, channel in channels.items():
        app.add_routes(channel.routes(doors[key]))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_HANDLERS_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.server.host, settings.server.port)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _listening(channels: Channels, doors: Mapping[tuple[str, str], Accept]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        listeners = [tasks.create_task(_supervised(key, channel, doors[key])) for key, channel in channels.items()]
        try:
            yield
        finally:
            for listener in listeners:
                listener.cancel()


async def _supervised(key: tuple[str, str], channel: Channel, accept: Accept) -> None:
    """Listen; after a failure again, each time a little later."""
    loop = asyncio.get_running_loop()
    wait = 1.0
    while True:
        began = loop.time()
        try:
            await channel.listen(accept)
            return
        except Exception as error:
            if loop.time() - began > _LONGEST_RESTART:
                wait = 1.0
            log.exception("listener.failed", channel=key[0], account=key[1], reason=type(error).__name__, seconds=wait)
        await asyncio.sleep(wait * random.uniform(0.75, 1.25))
        wait = min(wait * 2, _LONGEST_RESTART)


# --- waking and stopping -------------------------------------------------------------------------------------------


class _Bell:
    """Rung after each commit of the intake: wakes the workers of this process, or tells those of others."""

    def __init__(self) -> None:
        self._wakes: tuple[Callable[[], None], ...] = ()
        self.rung = asyncio.Event()

    def wakes(self, *wakes: Callable[[], None]) -> None:
        self._wakes = wakes

    def ring(self) -> None:
        self.rung.set()
        for wake in self._wakes:
            wake()


@asynccontextmanager
async def _telling_others(store: Store, bell: _Bell) -> AsyncIterator[None]:
    """One NOTIFY for however many commits have come together."""

    async def tell() -> None:
        while True:
            await bell.rung.wait()
            bell.rung.clear()
            await store.notify()

    async with _background(tell):
        yield


@asynccontextmanager
async def _hearing_of_others(settings: Settings, store: Store, dsn: str, bell: _Bell) -> AsyncIterator[None]:
    direct = settings.database.listen_url.get_secret_value() or dsn
    async with _background(lambda: store.listen(direct, bell.ring)):
        yield


@asynccontextmanager
async def _background(loop: Loop) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(loop())
        try:
            yield
        finally:
            task.cancel()


class _Drain:
    """Gives everything that stops one deadline together, counted from the stop."""

    def __init__(self, stop: asyncio.Event, seconds: float) -> None:
        self._seconds = seconds
        self._stop = stop
        self._deadline: float | None = None

    def _remaining(self) -> float:
        now = asyncio.get_running_loop().time()
        if self._deadline is None:
            self._deadline = now + self._seconds
        return max(0.0, self._deadline - now)

    @asynccontextmanager
    async def looping(self, name: str, close: Callable[[], None], *loops: Loop) -> AsyncIterator[None]:
        """Run core loops; at the end `close` them and wait, at most until the deadline.

        A loop that fails ends everything that was started after it, and then the server.
        """
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(loop(), name=name) for loop in loops]
            yield
            close()
            _, late = await asyncio.wait(running, timeout=self._remaining())
            if late:
                log.warning("server.cut_short", reason=name, count=len(late))
            for task in late:
                task.cancel()
