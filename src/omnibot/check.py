"""`omnibot check`: all that is wrong at once, and who must do what, before a customer finds out. It changes nothing."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from omnibot.app import open_channels, understanding_of
from omnibot.channels import Account, judge_accounts, judge_rooms
from omnibot.dialogue import Knowledge, KnowledgeError, judged, unsaid
from omnibot.learning import playbooks_of
from omnibot.logs import configure
from omnibot.phrasing import faults_of
from omnibot.playbooks import PlaybookError
from omnibot.settings import Bot, Log, Settings, SettingsError, channels_of, judge, read
from omnibot.store import DatabaseError, Store, WrongSecret
from omnibot.store.bundled import BundledServer, BundledServerError, check_programs, is_made
from omnibot.understanding import PipelineError
from omnibot.voice import VoiceError, Voices

_COMPANY = Bot().company
_NOBODYS = "example.com"  # RFC 2606: nobody can have it
_URL = "database.url (OMNIBOT_DATABASE__URL)"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: faults tell where they are and who must do what, notes ask nothing of anybody."""

    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()


async def check(config: Path | None, environ: Mapping[str, str]) -> Checked:
    """Look at everything that a start needs; what a start would make is not made."""
    written = read(config, environ)
    settings, faults = judge(written)
    accounts, more = judge_accounts(channels_of(written))
    configure(settings.log if settings else Log())
    told = [str(fault) for fault in (*faults, *more)]
    if settings is None:
        return Checked(tuple(told))
    told += map(str, judge_rooms(settings.model_copy(update={"channels": channels_of(written)}), accounts))
    told += _data_folder(settings)
    settings, unkept = _with_secret(settings)
    told += unkept
    told += _knowledge(settings)
    notes = _invented(settings)
    told += _playbooks(settings, notes)
    told += _voice(settings)
    told += _pipeline(settings)
    told += [str(fault) for fault in await faults_of(settings.voice.llm)]
    database = await _database(settings)
    told += database.faults
    if not settings.channels:
        told.append("channels: none is configured; add [channels.telegram.main] or another account to receive anything")
    for account in accounts:
        told += await _account(account, settings)
    return Checked(tuple(told), (*database.notes, *notes))


def _data_folder(settings: Settings) -> list[str]:
    """The first folder on the way to it that exists is where the others will be made."""
    folder = settings.data_folder.absolute()
    first = next(place for place in (folder, *folder.parents) if place.exists())
    where = "data_folder (OMNIBOT_DATA_FOLDER)"
    if not first.is_dir():
        return [f"{where}: {first} is no folder; name another one"]
    if not os.access(first, os.W_OK | os.X_OK):
        return [f"{where}: {first} cannot be written to; make it writable for the user that runs Omnibot"]
    return []


def _with_secret(settings: Settings) -> tuple[Settings, list[str]]:
    """With the secret that is there; where none can be had, with one for this look alone."""
    faults = []
    if settings.has_secret():
        try:
            settings.load_secret()
            return settings, []
        except SettingsError as error:
            faults = [str(fault) for fault in error.faults]
    return settings.model_copy(update={"secret": SecretStr(secrets.token_urlsafe(48))}), faults


def _knowledge(settings: Settings) -> list[str]:
    try:
        Knowledge.load(settings.bot.knowledge, settings.bot.languages[0])
    except KnowledgeError as error:
        return list(error.faults)
    return []


def _invented(settings: Settings) -> list[str]:
    """What is still the made-up company's, whose files ship: customers must not hear its prices."""
    notes = []
    if settings.bot.company == _COMPANY:
        notes.append(f"bot.company: is still {_COMPANY!r}, and customers read it; set it to your company's name")
    try:
        articles = Knowledge.load(settings.bot.knowledge, settings.bot.languages[0]).articles
    except KnowledgeError:  # told already
        return notes
    if count := sum(any(urlsplit(link.url).hostname == _NOBODYS for link in article.links) for article in articles):
        where = f"bot.knowledge: {count} of {len(articles)} articles in {settings.bot.knowledge} lead to {_NOBODYS}"
        notes.append(f"{where}: they ship as examples, of a company that does not exist; write your own in their place")
    return notes


def _voice(settings: Settings) -> list[str]:
    try:
        Voices.load(settings.bot.voice, settings.bot.languages)
    except VoiceError as error:
        return list(error.faults)
    return []


def _pipeline(settings: Settings) -> list[str]:
    """Only what is named can be missing: all else comes with Omnibot."""
    if not (settings.nlp.model or settings.nlp.components):
        return []
    try:
        understanding_of(settings)
    except PipelineError as error:
        return str(error).splitlines()
    return []


def _playbooks(settings: Settings, notes: list[str]) -> list[str]:
    """Their own faults, what they name that is not there, and what is not written in one of our languages."""
    faults: list[str] = []
    try:
        playbooks = playbooks_of(settings)
    except PlaybookError as error:
        faults += error.faults
        playbooks = error.legible
    notes += unsaid(playbooks, settings.bot.languages)
    try:
        knowledge = Knowledge.load(settings.bot.knowledge, settings.bot.languages[0])
    except KnowledgeError:  # told already
        knowledge = None
    return faults + judged(playbooks, knowledge, settings.desk.teams, contact=bool(settings.bot.contact))


async def _database(settings: Settings) -> Checked:
    try:
        if not settings.database.url.get_secret_value() and not is_made(settings.data_folder):
            check_programs()
            return Checked((), ("the database is not made yet; `omnibot serve` or `omnibot migrate` makes it",))
        async with _dsn(settings) as dsn, Store.look(dsn, settings.load_secret()) as store:
            if store is None:
                return Checked((), ("the schema is not up to date; `omnibot serve` or `omnibot migrate` sees to it",))
            faults = [*await _stranded(store, settings), *await _overspent(store)]
            return Checked(tuple(faults), tuple(await _silent(store)))
    except (WrongSecret, BundledServerError) as error:
        return Checked((f"database: {error}",))
    except (OSError, DatabaseError) as error:
        return Checked(
            (f"{_URL}: {type(error).__name__}: {error}; correct it, or see that PostgreSQL is up and lets you in",)
        )
    except ValueError as error:  # it may quote what it does not understand
        return Checked((f"{_URL}: cannot be read ({type(error).__name__}); correct what stands behind the ?",))


@asynccontextmanager
async def _dsn(settings: Settings) -> AsyncIterator[str]:
    if url := settings.database.url.get_secret_value():
        yield url
        return
    async with BundledServer(settings.data_folder) as dsn:
        yield dsn


async def _stranded(store: Store, settings: Settings) -> list[str]:
    configured = {(channel, name) for channel, tables in settings.channels.items() for name in tables}
    waiting = await store.records.stranded(configured)
    return [
        f"channels.{channel}.{name}: is not configured, and messages wait to leave by it ({count}); "
        f"configure it again until they have left, or answer these people yourselves (omnibot outbox list)"
        for (channel, name), count in waiting.items()
    ]


async def _overspent(store: Store) -> list[str]:
    return [
        f"channels.{account.channel}.{account.account}: has used up what it may spend, and {account.count} messages"
        f" wait until {account.until:%Y-%m-%d %H:%M} UTC; raise its cap and start again, or answer these people"
        " yourselves (omnibot outbox list --state held)"
        for account in await store.path.overspent()
    ]


async def _silent(store: Store) -> list[str]:
    count = await store.records.waiting_for_them()
    told = "messages wait until the people whom they are for write again (omnibot outbox list --state held)"
    return [f"{count} {told}"] if count else []


async def _account(account: Account, settings: Settings) -> list[str]:
    where = f"channels.{account.channel}.{account.name}"
    try:
        async with open_channels([account], settings) as channels:
            return [
                f"{where}: {finding.what}; {finding.action}"
                for channel in channels.values()
                for finding in await channel.health()
            ]
    except Exception as error:
        return [f"{where}: cannot be opened: {type(error).__name__}: {error}; correct its settings"]
