"""The composition root: what is opened, in which order, and so in which order it is closed.

`serve` is the one function that knows concrete classes. Read it downwards as the start list and upwards as the stop
list: listeners stop, turns finish, calls end, channels close, the store closes.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import structlog
from aiohttp import web

from omnibot.attending import Attending, DeskOffice, Views
from omnibot.channels import Account, Room, rooms_of
from omnibot.channels import load as load_channels
from omnibot.contract import MAX_BODY, Accept, Channel, NoOffice, Office, Site
from omnibot.delivery import Delivery
from omnibot.desk import Levels, Staff
from omnibot.desk import Rules as DeskRules
from omnibot.dialogue import Company, Knowledge, KnowledgeError, Team, judged
from omnibot.dialogue import Linking as LinkingRules
from omnibot.health import health_routes
from omnibot.identity.codes import Codes
from omnibot.intake import Intake
from omnibot.intake.download import Downloads
from omnibot.intake.fetch import Fetcher
from omnibot.intake.files import DiskFiles
from omnibot.intake.lookalikes import Lookalikes
from omnibot.intake.shared import SharedFiles
from omnibot.intake.sweep import Sweeper
from omnibot.intake.typing import WORTH_IT, Typing
from omnibot.lanes import Lanes
from omnibot.learning import Learning, Lessons, playbooks_of
from omnibot.linking import Linking
from omnibot.logs import request_scope
from omnibot.memory import Matters
from omnibot.model import BusinessHours, Disclosure, File, Level, Limits, Proof
from omnibot.pages import LinkPages
from omnibot.phrasing import Phrasing
from omnibot.playbooks import PlaybookError, Playbooks
from omnibot.remembering import Remembering
from omnibot.settings import WEEKDAYS, Hours, Identity, Settings, Within
from omnibot.store import Store
from omnibot.store.bundled import BundledServer, is_made
from omnibot.store.identity import Guards
from omnibot.store.work import Arrived, CodeLimits
from omnibot.tokens import CodeLinks, Verifier
from omnibot.turn import Proofs, Steps, rehearse
from omnibot.understanding import Catalogue, Understanding
from omnibot.understanding.intents import IntentModel
from omnibot.voice import Speaker, Voices

log = structlog.get_logger(__name__)

Loop = Callable[[], Coroutine[Any, Any, None]]
Channels = Mapping[tuple[str, str], Channel]  # by channel and account
Closing = Callable[[str, Channel], AbstractAsyncContextManager[Channel]]  # a name, and what it is the name of
Rooms = Mapping[str, Sequence[Room]]  # by team, in the order in which they are tried
T = TypeVar("T")

_NOBODY = NoOffice()
_NO_ROOMS: Rooms = {}

_LONGEST_RESTART = 60.0  # seconds between two starts of a listener that keeps failing

# By when each has to be over, as shares of `server.shutdown_seconds`; what is quicker leaves its time to the next.
_LISTENERS, _HANDLERS, _INTAKE, _WORK, _RECORDS, _ALL = 0.2, 0.35, 0.5, 0.8, 0.95, 1.0
_LEAST_SECONDS = 0.2  # that even the last one gets when the others have used up all


class CannotListen(Exception):
    """The HTTP server cannot have its port; the message says who must do what."""


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
    files = _kept_files(settings)
    bell = _Bell()
    drain = _Drain(settings.server.shutdown_seconds)
    rooms = rooms_of(settings, accounts)
    async with (
        _database(settings, stopping=_tell_database_stops) as dsn,
        drain.closing("store", _store(settings, dsn)) as store,
        _desk(settings, store, files, rooms, bell) as desk,
        open_channels(accounts, settings, drain.closing, desk.office if desk else _NOBODY, rooms) as channels,
        drain.closing("llm", _phrasing(settings, store)) if Role.WORKER in roles else nullcontext() as phrasing,
        _working(settings, store, channels, files, phrasing, desk, bell, drain)
        if Role.WORKER in roles
        else nullcontext(),
        _hearing_of_others(settings, store, dsn, bell, drain) if Role.WEB not in roles else nullcontext(),
        _telling_others(store, bell, drain) if Role.WORKER not in roles else nullcontext(),
        _receiving(settings, store, channels, files, desk, bell, drain)
        if Role.WEB in roles
        else _http(settings, _health(settings, store, channels), drain) as url,
    ):
        started(Running(url, channels))
        log.info("server.started", count=len(channels))
        await stop.wait()
        log.info("server.stopping")


# --- resources -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _database(settings: Settings, stopping: Callable[[], None] = lambda: None) -> AsyncIterator[str]:
    if url := settings.database.url.get_secret_value():
        yield url
        return
    async with BundledServer(settings.data_folder) as dsn:
        yield dsn
        stopping()


def _tell_database_stops() -> None:
    """For the server alone, which stops its database in its own time: its data matter more than ours."""
    log.info("database.stopping")


def _store(settings: Settings, dsn: str) -> AbstractAsyncContextManager[Store]:
    return Store.open(
        dsn,
        settings.load_secret(),
        pool_size=settings.database.pool_size,
        prepared_statements=settings.database.prepared_statements,
        guards=Guards.of(settings.identity),
    )


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """The database alone, for commands that look into it while a server may be running on it."""
    async with _database(settings) as dsn, _store(settings, dsn) as store:
        yield store


@asynccontextmanager
async def look_into(settings: Settings) -> AsyncIterator[Store | None]:
    """The database, only to be read, beside a server or without one; None where there is none of this version yet."""
    if not settings.database.url.get_secret_value() and not is_made(settings.data_folder):
        yield None
        return
    async with _database(settings) as dsn, Store.look(dsn, settings.load_secret()) as store:
        yield store


@asynccontextmanager
async def open_channels(
    accounts: Sequence[Account],
    settings: Settings,
    closing: Closing = lambda _, channel: channel,
    office: Office = _NOBODY,
    rooms: Rooms = _NO_ROOMS,
) -> AsyncIterator[Channels]:
    """Each account as an open channel; closed in the opposite order, each as `closing` has it.

    `office` takes in what agents do in the `rooms` of the teams.
    """
    secret, files = settings.load_secret(), _shared_files(settings)
    async with AsyncExitStack() as stack:
        downloads = await stack.enter_async_context(Downloads())
        channels = {}
        for account in accounts:
            site = replace(
                _site(account, settings, secret, files, downloads), office=office, rooms=_rooms_at(account, rooms)
            )
            channel = account.channel_class(site, account.settings)
            opened = await stack.enter_async_context(closing(f"{account.channel}.{account.name}", channel))
            channels[account.channel, account.name] = opened
        yield channels


def _rooms_at(account: Account, rooms: Rooms) -> frozenset[str]:
    """Where teams work by this account."""
    here = (account.channel, account.name)
    return frozenset(room.room for each in rooms.values() for room in each if (room.channel, room.account) == here)


def _shared_files(settings: Settings) -> SharedFiles:
    return SharedFiles(
        _kept_files(settings),
        settings.bot.knowledge,
        settings.load_secret(),
        settings.server.public_url,
        settings.files.link_seconds,
    )


def _kept_files(settings: Settings) -> DiskFiles:
    return DiskFiles(settings.data_folder / "files")


def _site(account: Account, settings: Settings, secret: bytes, files: SharedFiles, downloads: Downloads) -> Site:
    path = f"/channels/{account.channel}/{account.name}"
    public = settings.server.public_url
    context = f"channel {account.channel} {account.name}".encode()
    return Site(
        account=account.name,
        path=path,
        public_url=public + path if public else "",
        key=hashlib.blake2b(context, key=hashlib.sha256(secret).digest(), digest_size=32).digest(),
        now=lambda: datetime.now(UTC),
        files=files,
        download=downloads,
    )


# --- people ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where people work: what agents do, what they see, and by which rules."""

    office: DeskOffice
    views: Views
    rules: DeskRules
    rooms: Rooms


@asynccontextmanager
async def _desk(
    settings: Settings, store: Store, files: DiskFiles, rooms: Rooms, bell: _Bell
) -> AsyncIterator[_Desk | None]:
    """None where no team has a room: hand-offs are then listed, and the bot answers on."""
    if not settings.desk.is_staffed:
        yield None
        return
    rules = desk_rules(settings)
    language = settings.bot.languages[0]
    knowledge = Knowledge.load(settings.bot.knowledge, language)
    views = Views(store, rules, lambda: knowledge, language)
    yield _Desk(DeskOffice(store, views, rules, files, bell.ring), views, rules, rooms)


def desk_rules(settings: Settings) -> DeskRules:
    """By what the settings say people work."""
    desk = settings.desk
    teams = teams_of(settings)
    return DeskRules(
        teams={
            key: Staff(
                key=key,
                name=teams[key].name(settings.bot.languages[0]),
                hours=teams[key].hours,
                zone=teams[key].zone,
                levels=_levels(team.within),
                signature=team.signature,
            )
            for key, team in desk.teams.items()
        },
        remind_before=desk.remind_before,
        idle=timedelta(hours=desk.idle_hours),
        file_types=desk.file_types,
        max_file_bytes=desk.max_file_bytes,
    )


def _levels(within: Within) -> Mapping[str, Levels]:
    told = {"normal": within, "high": within.high, "urgent": within.urgent}
    return {
        priority: Levels(*(timedelta(hours=hours) for hours in (times.first, times.next, times.resolve)))
        for priority, times in told.items()
        if times is not None
    }


def _attending(settings: Settings, store: Store, channels: Channels, desk: _Desk) -> Attending:
    desks = {f"{name}.{account}": channel.desk() for (name, account), channel in channels.items()}
    return Attending(
        store.desk,
        desk.office,
        desk.views,
        desk.rules,
        {name: one for name, one in desks.items() if one is not None},
        desk.rooms,
        poll_seconds=settings.turns.poll_seconds,
    )


# --- work ----------------------------------------------------------------------------------------------------------


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
    desk: _Desk | None,
    bell: _Bell,
    drain: _Drain,
) -> AsyncIterator[None]:
    attending = _attending(settings, store, channels, desk) if desk else None
    delivery = Delivery(store.path, channels, settings.delivery)
    linking = Linking(
        store.identity,
        attempts=settings.identity.attempts,
        poll_seconds=settings.turns.poll_seconds,
        done=lambda: lanes.wake(),  # they wake each other
    )
    steps = _steps(settings, channels)
    steps.phrasing = phrasing.refuses if phrasing else None
    past = Remembering(store.recall, steps.embed, settings.bot.languages[0])
    committed = _all(delivery.wake, linking.wake, past.busy, *([attending.wake] if attending else []))
    lanes = Lanes(store.path, steps, settings.turns, committed, past.remind, phrasing)
    rules = Rules(settings)
    learning = Learning.of(settings, lambda playbooks, model: _go_by(steps, rules, playbooks, model), rules.load)
    learning.begin()
    fetcher = Fetcher(store.attachments, files, channels, settings.files)
    bell.wakes(_all(lanes.wake, linking.wake), fetcher.heard)
    async with (
        drain.looping(
            _WORK,
            _Work("delivery", [delivery.run], delivery.close),
            _Work("turns", [*[lanes.run] * settings.turns.workers, lanes.run_slow], lanes.close),
            _Work("linking", [linking.run], linking.close),
            *([_Work("desk", [attending.run], attending.close)] if attending else []),
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


def _steps(settings: Settings, channels: Channels) -> Steps:
    understanding = understanding_of(settings)
    speaker = speaker_of(settings, _shared_files(settings).url)
    steps = Steps(
        understanding=understanding,
        company=_company(settings, channels, speaker),
        limits=_limits(channels),
        speaker=speaker,
        disclosure=_disclosure(settings.identity),
        zone=ZoneInfo(settings.bot.zone),
        hours=business_hours(settings.bot.hours),
        proofs=_proofs(settings, channels),
        embed=understanding.embed,
        matters=_matters(timedelta(days=settings.cases.reopen_days), Playbooks()),
        desk=desk_rules(settings),
    )
    rehearse(steps)
    return steps


def steps_of(settings: Settings) -> Steps:
    """What turns are taken by, without opening a channel: for whoever looks what would be said.

    Raises as `serve` does.
    """
    secret, files, downloads = settings.load_secret(), _shared_files(settings), Downloads()
    channels = {
        (one.channel, one.name): one.channel_class(_site(one, settings, secret, files, downloads), one.settings)
        for one in load_channels(settings)
    }
    steps, rules = _steps(settings, channels), Rules(settings)
    playbooks = rules.load()
    lessons = Lessons.of(playbooks, settings.data_folder)
    _go_by(steps, rules, playbooks, lessons.model() or lessons.former_model())
    return steps


def speaker_of(settings: Settings, file_url: Callable[[File], str] = lambda _: "") -> Speaker:
    """Who speaks as these settings say; raises VoiceError."""
    bot = settings.bot
    return Speaker(
        bot.company,
        bot.name,
        bot.contact,
        file_url,
        voices=Voices.load(bot.voice, bot.languages),
        disclosure=bot.disclosures,
    )


def understanding_of(settings: Settings, more_languages: Iterable[str] = ()) -> Understanding:
    """What reads messages as these settings say; raises PipelineError for what they name and nobody has."""
    entities = settings.understanding.entities
    return Understanding(
        tuple(dict.fromkeys((*settings.bot.languages, *more_languages))),
        Catalogue(entities.products, entities.plans, entities.spellings, entities.patterns),
        model=settings.nlp.model,
        components=settings.nlp.components,
    )


def business_hours(hours: Hours) -> BusinessHours:
    """The settings' hours as a value."""
    days = frozenset(map(WEEKDAYS.index, hours.days))
    return BusinessHours(opens=hours.opens, closes=hours.closes, days=days, holidays=frozenset(hours.holidays))


def _proofs(settings: Settings, channels: Channels) -> Proofs:
    identity = settings.identity
    accounts = {name: account for name, account in reversed(list(channels))}  # the first of each that is configured
    return Proofs(
        codes=Codes(settings.load_secret(), identity.codes_tries),
        limits=CodeLimits(
            seconds=identity.codes_seconds,
            per_address=identity.codes_per_address,
            per_requester=identity.codes_per_requester,
            overall=identity.codes_overall,
        ),
        link=CodeLinks(settings.load_secret(), settings.server.public_url).url,
        accounts=accounts,
    )


class Rules:
    """The company's articles and playbooks, read and judged together: what one names the other must have."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.knowledge = Knowledge(())  # as it was read last

    def load(self) -> Playbooks:
        """Read both anew; raises PlaybookError with the faults of either, and then nothing has changed."""
        bot = self._settings.bot
        try:
            knowledge = Knowledge.load(bot.knowledge, bot.languages[0])
        except KnowledgeError as error:
            raise PlaybookError(error.faults) from error
        playbooks = playbooks_of(self._settings)
        if faults := judged(playbooks, knowledge, self._settings.desk.teams, contact=bool(bot.contact)):
            raise PlaybookError(faults)
        self.knowledge = knowledge
        return playbooks


def _go_by(steps: Steps, rules: Rules, playbooks: Playbooks, model: IntentModel | None) -> None:
    """Take turns from now on by other files, and by intents that were learned from them."""
    steps.company = replace(steps.company, playbooks=playbooks, knowledge=rules.knowledge)
    steps.matters = _matters(steps.matters.reopen, playbooks)
    steps.understanding.adopt(model)


def _matters(reopen: timedelta, playbooks: Playbooks) -> Matters:
    return Matters(
        reopen=reopen,
        topics=playbooks.topics,
        earlier=playbooks.of_case("earlier"),
        none=playbooks.of_case("none"),
    )


def _company(settings: Settings, channels: Channels, speaker: Speaker) -> Company:
    return Company(
        Knowledge.load(settings.bot.knowledge, settings.bot.languages[0]),
        linking=LinkingRules(
            spell={name: type(channel).address for (name, _), channel in channels.items()},
            waits=[name for name, carries in _limits(channels).items() if carries.window and not carries.knocks],
            minutes=max(1, round(settings.identity.codes_seconds / 60)),
        ),
        hours=business_hours(settings.bot.hours),
        zone=ZoneInfo(settings.bot.zone),
        teams=teams_of(settings),
        level=Level(settings.bot.level),
        registers={language: pack.register for language, pack in speaker.voices.packs.items()},
        desk=settings.desk.is_staffed,
    )


def teams_of(settings: Settings) -> Mapping[str, Team]:
    """The teams that playbooks can hand off to, by name; each works as the company does where nothing else is said."""
    company, holidays = settings.bot, frozenset(settings.desk.holidays)
    return {
        key: Team(
            key=key,
            names=dict(sorted(team.names.items(), key=lambda name: name[0] != company.languages[0])),
            hours=_without(business_hours(team.hours or company.hours), holidays),
            zone=ZoneInfo(team.zone or company.zone),
        )
        for key, team in settings.desk.teams.items()
    }


def _without(hours: BusinessHours, holidays: frozenset[date]) -> BusinessHours:
    return replace(hours, holidays=hours.holidays | holidays) if holidays else hours


def _disclosure(identity: Identity) -> Disclosure:
    levels = identity.disclosure
    return Disclosure(
        name=Proof(levels.name),
        history=Proof(levels.history),
        account=Proof(levels.account),
        proof_days=identity.proof_days,
    )


def _limits(channels: Channels) -> Mapping[str, Limits]:
    """What can be said on a channel by whichever account: the least of what its accounts carry."""
    limits: dict[str, Limits] = {}
    for (name, _), channel in channels.items():
        one, other = channel.limits, limits.get(name, channel.limits)
        limits[name] = replace(
            one,
            text=min(one.text, other.text),
            choices=min(one.choices, other.choices),
            choice_bytes=min(one.choice_bytes, other.choice_bytes),
            own_number=one.own_number and other.own_number,
            subject=one.subject and other.subject,
            files=min(one.files, other.files),
            file_bytes=min(one.file_bytes, other.file_bytes),
            file_types=tuple(kind for kind in one.file_types if kind in other.file_types),
            caption=min((c for c in (one.caption, other.caption) if c is not None), default=None),
            knocks=one.knocks and other.knocks,
        )
    return limits


@asynccontextmanager
async def _receiving(
    settings: Settings,
    store: Store,
    channels: Channels,
    files: DiskFiles,
    desk: _Desk | None,
    bell: _Bell,
    drain: _Drain,
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
        *_shared_files(settings).routes(),
        *_link_pages(settings, store, channels, verifier, bell.ring).routes(),
        *(route for key, channel in channels.items() for route in channel.routes(doors[key])),
    ]
    async with (
        drain.background("typing", typing.run),
        drain.looping(_INTAKE, _Work("intake", [intake.run], intake.close)),
        _http(settings, routes, drain) as url,
        _listening(channels, doors, drain),
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


def first_accounts(channels: Channels) -> Mapping[str, Channel]:
    """By channel, in the order in which they are configured."""
    first: dict[str, Channel] = {}
    for (name, _), channel in channels.items():
        first.setdefault(name, channel)
    return first


@asynccontextmanager
async def _http(settings: Settings, routes: Sequence[web.RouteDef], drain: _Drain) -> AsyncIterator[str]:
    app = web.Application(client_max_size=MAX_BODY, middlewares=[request_scope])
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=drain.seconds * (_HANDLERS - _LISTENERS))
    await runner.setup()
    try:
        host, port = settings.server.host, settings.server.port
        try:
            await _whole(web.TCPSite(runner, host, port).start())
        except OSError as error:
            raise CannotListen(
                f"cannot listen at {host}:{port}: {os.strerror(error.errno) if error.errno else error}; set server.host"
                " and server.port (OMNIBOT_SERVER__PORT) to what is free: each process needs a port of its own, and 0"
                " takes any"
            ) from error
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def _whole(starting: Coroutine[Any, Any, None]) -> None:
    """Await to the end even when cancelled: a server that is cut short in its last step leaves its socket behind."""
    task = asyncio.ensure_future(starting)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


@asynccontextmanager
async def _listening(channels: Channels, doors: Mapping[tuple[str, str], Accept], drain: _Drain) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        listeners = [
            tasks.create_task(_supervised(key, channel, doors[key]), name="listeners")
            for key, channel in channels.items()
        ]
        try:
            yield
        finally:
            await drain.cancel(listeners, _LISTENERS)


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
    """Tells of what has come in: the workers of this process, or those of others after each commit."""

    def __init__(self) -> None:
        self._wake: Callable[[], None] = lambda: None
        self.heard: Callable[[Arrived], None] = lambda _: None
        self.rung = asyncio.Event()

    def wakes(self, wake: Callable[[], None], heard: Callable[[Arrived], None]) -> None:
        """Call `wake` after each commit and `heard` for each arrival in it."""
        self._wake, self.heard = wake, heard

    def ring(self) -> None:
        """Something was committed."""
        self.rung.set()
        self._wake()


@asynccontextmanager
async def _telling_others(store: Store, bell: _Bell, drain: _Drain) -> AsyncIterator[None]:
    """One NOTIFY for however many commits have come together."""

    async def tell() -> None:
        while True:
            await bell.rung.wait()
            bell.rung.clear()
            await store.notify()

    async with drain.background("telling", tell):
        yield


@asynccontextmanager
async def _hearing_of_others(
    settings: Settings, store: Store, dsn: str, bell: _Bell, drain: _Drain
) -> AsyncIterator[None]:
    direct = settings.database.listen_url.get_secret_value() or dsn
    async with drain.background("hearing", lambda: store.listen(direct, bell.ring)):
        yield


@dataclass(frozen=True, slots=True)
class _Work:
    """Core loops that return some time after `close`."""

    name: str
    loops: Sequence[Loop]
    close: Callable[[], None]


class _Drain:
    """Gives everything that stops one deadline together, counted from the first that does."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._began: float | None = None

    def _left(self, share: float) -> float:
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = now
        return max(_LEAST_SECONDS, self._began + self.seconds * share - now)

    @asynccontextmanager
    async def looping(self, share: float, *works: _Work) -> AsyncIterator[None]:
        """Run core loops; at the end close all at once and wait for them together.

        A loop that fails ends everything that was started after it, and then the server.
        """
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(loop(), name=work.name) for work in works for loop in work.loops]
            yield
            for work in works:
                work.close()
            if late := await self._late(running, share):
                await self.cancel(late, _RECORDS)

    @asynccontextmanager
    async def background(self, name: str, loop: Loop) -> AsyncIterator[None]:
        """Run a loop that can be cut short at any time."""
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(loop(), name=name)
            try:
                yield
            finally:
                await self.cancel([task], _LISTENERS)

    async def cancel(self, running: Sequence[asyncio.Task[None]], share: float) -> None:
        """Cut short, and what is not over by then is cut short in cleaning up."""
        for task in running:
            task.cancel()
        for task in await self._late(running, share):
            task.cancel()

    async def _late(self, running: Sequence[asyncio.Task[None]], share: float) -> list[asyncio.Task[None]]:
        if not running:
            return []
        _, late = await asyncio.wait(running, timeout=self._left(share))
        for name in sorted({task.get_name() for task in late}):
            log.warning("server.cut_short", reason=name, count=sum(task.get_name() == name for task in late))
        return list(late)

    def closing(self, name: str, resource: AbstractAsyncContextManager[T]) -> AbstractAsyncContextManager[T]:
        """A resource whose closing is cut short at the deadline."""
        return _Closing(resource, name, lambda: self._left(_ALL))


@dataclass(frozen=True, slots=True)
class _Closing(AbstractAsyncContextManager[T]):
    resource: AbstractAsyncContextManager[T]
    name: str
    seconds: Callable[[], float]  # that its closing may take

    async def __aenter__(self) -> T:
        return await self.resource.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        deadline = asyncio.timeout(self.seconds())
        try:
            async with deadline:
                return await self.resource.__aexit__(kind, error, trace)
        except TimeoutError:
            if not deadline.expired():
                raise
            log.warning("server.cut_short", reason=self.name, count=1)
            return None
