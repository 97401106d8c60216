"""The channels that are configured: found by entry point, imported only then, their settings judged by themselves."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from omnibot.contract import Channel, ChannelSettings
from omnibot.settings import (
    Fault,
    RawChannels,
    Settings,
    SettingsError,
    channels_of,
    fault,
    judge,
    judge_table,
    read,
)

GROUP = "omnibot.channels"


@dataclass(frozen=True, slots=True)
class Account:
    """One configured account of a channel."""

    channel: str
    name: str
    channel_class: type[Channel]
    settings: ChannelSettings


def load(settings: Settings) -> tuple[Account, ...]:
    """The accounts in the order in which they are written; raises SettingsError with all faults."""
    accounts, faults = judge_accounts(settings.channels)
    if faults:
        raise SettingsError(faults)
    return accounts


def configure(path: Path | None, environ: Mapping[str, str]) -> tuple[Settings, tuple[Account, ...]]:
    """Everything that is configured; raises SettingsError with the faults of the tree and of all accounts at once."""
    written = read(path, environ)
    settings, faults = judge(written)
    accounts, more = judge_accounts(channels_of(written))
    if settings is None or more:
        raise SettingsError([*faults, *more])
    return settings, accounts


def judge_accounts(raw: RawChannels) -> tuple[tuple[Account, ...], list[Fault]]:
    """The accounts that are right, and all that is wrong with the others."""
    accounts: list[Account] = []
    faults: list[Fault] = []
    for channel, tables in raw.items():
        channel_class = _channel_class(channel)
        if isinstance(channel_class, Fault):
            faults.append(channel_class)
            continue
        for name, table in tables.items():
            settings, told = judge_table(channel_class.Settings, table, ("channels", channel, name))
            faults += told
            if settings is not None:
                accounts.append(Account(channel, name, channel_class, settings))
    return tuple(accounts), faults


def _channel_class(name: str) -> type[Channel] | Fault:
    installed = {point.name: point for point in entry_points(group=GROUP)}
    where = ("channels", name)
    if name not in installed:
        close = difflib.get_close_matches(name, installed, n=1)
        action = f"did you mean {close[0]}?" if close else "install its package or remove the table"
        return fault(where, f"is no channel that is installed ({_listed(installed)})", action)
    try:
        loaded = installed[name].load()
    except Exception as error:
        package = installed[name].module.partition(".")[0]
        reason = f"cannot be loaded from {package}: {type(error).__name__}: {error}"
        return fault(where, reason, f"install {package} with all that it needs, or remove the table")
    if not (isinstance(loaded, type) and issubclass(loaded, Channel)):
        return fault(where, f"is not a channel: {installed[name].value}", "tell the author of its package")
    return loaded


def _listed(installed: Mapping[str, EntryPoint]) -> str:
    return f"there are {', '.join(sorted(installed))}" if installed else "there is none"
