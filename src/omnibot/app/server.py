"""What is opened, in which order, and so in which order it is closed.

`serve` is the one function that knows concrete classes. Read it downwards as the start list and upwards as the stop
list: listeners stop, turns finish, calls end, channels close, the store closes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum

import structlog
from aiohttp import web

from omnibot.app.bell import Bell, hearing_of_others, telling_others
from omnibot.app.draining import INTAKE, WORK, Drain, Work
from omnibot.app.listening import http_server, listening
from omnibot.app.people import StaffedDesk, attending_at, staffed_desk
from omnibot.app.resources import (
    NOBODY,
    Channels,
    first_accounts,
    kept_files,
    open_channels,
    open_database,
    opened_store,
    shared_files,
)
from omnibot.app.steps import Rules, go_by, new_steps
from omnibot.channels import load as load_channels
from omnibot.channels import rooms_of
from omnibot.delivery import Delivery
from omnibot.health import health_routes
from omnibot.intake import Intake
from omnibot.intake.fetch import Fetcher
from omnibot.intake.files import DiskFiles
from omnibot.intake.lookalikes import Lookalikes
from omnibot.intake.sweep import Sweeper
from omnibot.intake.typing import WORTH_IT, Typing
from omnibot.lanes import Lanes
from omnibot.learning import Learning
from omnibot.linking import Linking
from omnibot.pages import LinkPages
from omnibot.phrasing import Phrasing
from omnibot.remembering import Remembering
from omnibot.settings import Settings
from omnibot.store import Store
from omnibot.store.work import Arrived
from omnibot.tokens import CodeLinks, Verifier

log = structlog.get_logger(__name__)


class Role(StrEnum):
    """What a process does; several processes on one database may share the work."""

    WEB = "web"  # webhooks, listeners, health
    WORKER = "worker"  # turns, delivery


ALL_ROLES = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that is up."""

    url: str  # where its HTTP server listens: webhooks, files and health, or health alone without the web role
    channels: Channels


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    *,
    roles: frozenset[Role] = ALL_ROLES,
    started: Callable[[Running], None] = lambda _: None,
) -> None:
    """Run until `stop`, then drain within `server.shutdown_seconds`; what is cut short repeats safely.

    Raises what makes a start impossible (SettingsError, KnowledgeError, PlaybookError, VoiceError, WrongSecret,
    CannotListen, OSError), and an exception group when a core loop fails: the process is then to be started again.
    """
    accounts = load_channels(settings)
    files = kept_files(settings)
    bell = Bell()
    drain = Drain(settings.server.shutdown_seconds)
    rooms = rooms_of(settings, accounts)
    async with (
        open_database(settings, stopping=_tell_database_stops) as dsn,
        drain.closing("store", opened_store(settings, dsn)) as store,
        staffed_desk(settings, store, files, rooms, bell) as desk,
        open_channels(accounts, settings, drain.closing, desk.office if desk else NOBODY, rooms) as channels,
        drain.closing("llm", _phrasing(settings, store)) if Role.WORKER in roles else nullcontext() as phrasing,
        _working(settings, store, channels, files, phrasing, desk, bell, drain)
        if Role.WORKER in roles
        else nullcontext(),
        hearing_of_others(settings, store, dsn, bell, drain) if Role.WEB not in roles else nullcontext(),
        telling_others(store, bell, drain) if Role.WORKER not in roles else nullcontext(),
        _receiving(settings, store, channels, files, desk, bell, drain)
        if Role.WEB in roles
        else http_server(settings, _health(settings, store, channels), drain) as url,
    ):
        started(Running(url, channels))
        log.info("server.started", count=len(channels))
        await stop.wait()
        log.info("server.stopping")


def _tell_database_stops() -> None:
    """For the server alone, which stops its database in its own time: its data matter more than ours."""
    log.info("database.stopping")


def _phrasing(settings: Settings, store: Store) -> AbstractAsyncContextManager[Phrasing | None]:
    llm = settings.voice.llm
    return Phrasing.open(llm, store.wordings) if llm.is_configured else nullcontext()


@asynccontextmanager
async def _working(
    settings: Settings,
    store: Store,
    channels: Channels,
    files: DiskFiles,
    phrasing: Phrasing | None,
    desk: StaffedDesk | None,
    bell: Bell,
    drain: Drain,
) -> AsyncIterator[None]:
    attending = attending_at(settings, store, channels, desk) if desk else None
    delivery = Delivery(store.path, channels, settings.delivery)
    linking = Linking(
        store.identity,
        attempts=settings.identity.attempts,
        poll_seconds=settings.turns.poll_seconds,
        done=lambda: lanes.wake(),  # they wake each other
    )
    steps = new_steps(settings, channels)
    steps.phrasing = phrasing.refuses if phrasing else None
    past = Remembering(store.recall, steps.embed, settings.bot.languages[0])
    committed = _all(linking.wake, past.busy, *([attending.wake] if attending else []))
    lanes = Lanes(store.path, steps, settings.turns, committed, past.remind, phrasing, delivery)
    rules = Rules(settings)
    learning = Learning.of(settings, lambda playbooks, model: go_by(steps, rules, playbooks, model), rules.load)
    learning.begin()
    fetcher = Fetcher(store.attachments, files, channels, settings.files)
    bell.wakes(_all(lanes.wake, linking.wake), fetcher.heard)
    async with (
        drain.looping(
            WORK,
            Work("delivery", [delivery.run], delivery.close),
            Work("turns", [*[lanes.run] * settings.turns.workers, lanes.run_slow], lanes.close),
            Work("linking", [linking.run], linking.close),
            *([Work("desk", [attending.run], attending.close)] if attending else []),
        ),
        drain.background("attachments", fetcher.run),
        drain.background("sweep", Sweeper(store.attachments, files).run),
        drain.background("expiry", linking.expire),
        drain.background("intents", learning.run),
        drain.background("recall", past.run),
        drain.background("llm", phrasing.run) if phrasing else nullcontext(),
    ):
        yield


def _all(*calls: Callable[[], None]) -> Callable[[], None]:
    def call_all() -> None:
        for call in calls:
            call()

    return call_all


@asynccontextmanager
async def _receiving(
    settings: Settings,
    store: Store,
    channels: Channels,
    files: DiskFiles,
    desk: StaffedDesk | None,
    bell: Bell,
    drain: Drain,
) -> AsyncIterator[str]:
    if desk:
        desk.office.staff(channels)
    typing = Typing(channels)
    pause = settings.turns.pause_seconds

    def heard(arrived: Arrived) -> None:
        bell.heard(arrived)
        if pause >= WORTH_IT:
            typing.show(arrived)

    verifier = _verifier(settings)
    intake = Intake(
        store.path,
        files,
        max_file=settings.files.max_bytes,
        pause=pause,
        committed=bell.ring,
        heard=heard,
        tokens=verifier,
        names=Lookalikes((*settings.identity.staff_names, settings.bot.name, settings.bot.company)),
    )
    doors = {
        (name, account): intake.door(name, account, carrier=channel.limits.carrier)
        for (name, account), channel in channels.items()
    }
    routes = [
        *_health(settings, store, channels),
        files.download_route(settings.load_secret(), store.attachments.file_key),
        *shared_files(settings).routes(),
        *_link_pages(settings, store, channels, verifier, bell.ring).routes(),
        *(route for key, channel in channels.items() for route in channel.routes(doors[key])),
    ]
    async with (
        drain.background("typing", typing.run),
        drain.looping(INTAKE, Work("intake", [intake.run], intake.close)),
        http_server(settings, routes, drain) as url,
        listening(channels, doors, drain),
    ):
        yield url


def _health(settings: Settings, store: Store, channels: Channels) -> Sequence[web.RouteDef]:
    return health_routes(store, channels.values(), settings.voice.llm, staffed=settings.desk.is_staffed)


def _verifier(settings: Settings) -> Verifier:
    tokens = settings.identity.tokens
    return Verifier(
        tokens.signing_keys(),
        issuer=tokens.issuer,
        audience=tokens.audience,
        longest=tokens.longest_seconds,
        skew=tokens.skew_seconds,
    )


def _link_pages(
    settings: Settings, store: Store, channels: Channels, verifier: Verifier, acted: Callable[[], None]
) -> LinkPages:
    secret, public_url = settings.load_secret(), settings.server.public_url
    return LinkPages(
        store.identity,
        verifier,
        CodeLinks(secret, public_url),
        first_accounts(channels),
        secret=secret,
        company=settings.bot.company,
        language=settings.bot.languages[0],
        public_url=public_url,
        code_seconds=settings.identity.tokens.code_seconds,
        tries=settings.identity.codes_tries,
        acted=acted,
    )
