"""`omnibot check`: all that is wrong at once, and who must do what, before a customer finds out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from omnibot.app import open_channels, open_store
from omnibot.channels import Account, judge_accounts
from omnibot.dialogue import Knowledge, KnowledgeError
from omnibot.settings import Settings, SettingsError, channels_of, judge, read
from omnibot.store import DatabaseError, WrongSecret
from omnibot.store.bundled import BundledServerError


async def check(config: Path | None, environ: Mapping[str, str]) -> list[str]:
    """Everything that is wrong; each says where it is and who must do what. Empty when nothing is."""
    written = read(config, environ)
    settings, faults = judge(written)
    accounts, more = judge_accounts(channels_of(written))
    told = [str(fault) for fault in (*faults, *more)]
    if settings is None:
        return told
    told += _knowledge(settings)
    told += await _database(settings)
    if not settings.channels:
        told.append("channels: none is configured; add [channels.telegram.main] or another account to receive anything")
    for account in accounts:
        told += await _account(account, settings)
    return told


def _knowledge(settings: Settings) -> list[str]:
    try:
        Knowledge.load(settings.bot.knowledge, settings.bot.languages[0])
    except KnowledgeError as error:
        return str(error).splitlines()
    return []


async def _database(settings: Settings) -> list[str]:
    try:
        async with open_store(settings):
            return []
    except (SettingsError, WrongSecret, BundledServerError) as error:
        return [f"database: {error}"]
    except (OSError, DatabaseError) as error:
        where = "database.url (OMNIBOT_DATABASE__URL)"
        return [f"{where}: {type(error).__name__}: {error}; correct it, or see that PostgreSQL is up and lets you in"]


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
