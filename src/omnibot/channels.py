"""The channels that are configured: found by entry point, imported only then, their settings judged by themselves."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
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
    if faults := [*faults, *judge_rooms(settings, accounts)]:
        raise SettingsError(faults)
    return accounts


def configure(path: Path | None, environ: Mapping[str, str]) -> tuple[Settings, tuple[Account, ...]]:
    """Everything that is configured; raises SettingsError with the faults of the tree and of all accounts at once."""
    written = read(path, environ)
    settings, faults = judge(written)
    accounts, more = judge_accounts(channels_of(written))
    if settings is not None:
        more += judge_rooms(settings, accounts)
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


@dataclass(frozen=True, slots=True)
class Room:
    """Where threads of a team are opened: an account of a channel, and which of its rooms."""

    channel: str
    account: str
    room: str

    @property
    def desk(self) -> str:
        """As places name it."""
        return f"{self.channel}.{self.account}"


def rooms_of(settings: Settings, accounts: Sequence[Account]) -> Mapping[str, tuple[Room, ...]]:
    """By team its rooms, in the order in which they are tried; those of `support` for whoever has none."""
    rooms = {
        team: tuple(room for name, value in table.rooms.items() if (room := _room(name, value, accounts)))
        for team, table in settings.desk.teams.items()
    }
    return {team: own or rooms["support"] for team, own in rooms.items()}


def _room(name: str, value: str, accounts: Sequence[Account]) -> Room | None:
    """By its account, or by the first account of its channel."""
    channel, _, account = name.partition(".")
    there = (one for one in accounts if one.channel == channel and account in ("", one.name))
    return next((Room(one.channel, one.name, value) for one in there), None)


def judge_rooms(settings: Settings, accounts: Sequence[Account]) -> list[Fault]:
    """What is wrong with where teams work. Accounts that have faults of their own are left to those."""
    return [
        found
        for team, table in settings.desk.teams.items()
        for name, value in table.rooms.items()
        if (found := _room_fault(("desk", "teams", team, "rooms", name), name, value, settings, accounts))
    ] + _unstaffed(settings)


def _room_fault(
    where: tuple[str, ...], name: str, value: str, settings: Settings, accounts: Sequence[Account]
) -> Fault | None:
    channel, _, account = name.partition(".")
    room = _room(name, value, accounts)
    if room is None:
        tables = settings.channels.get(channel, {})
        if tables and (not account or account in tables):
            return None  # it is there, and something else is wrong with it
        missing = f"channels.{channel}.{account or 'main'}"
        return fault(where, f"is a room of {name}, which is not configured", f"add [{missing}], or remove the room")
    opened_by = next(one.channel_class for one in accounts if (one.channel, one.name) == (room.channel, room.account))
    if opened_by.desk is Channel.desk:
        return fault(where, f"is a room of {channel}, where no team can work", "use slack or email, or remove the room")
    return None


def _unstaffed(settings: Settings) -> list[Fault]:
    """`support` takes what no playbook gives to anybody, and what comes to a team that has no room."""
    if not settings.desk.is_staffed or settings.desk.teams["support"].rooms:
        return []
    where = ("desk", "teams", "support", "rooms")
    return [fault(where, "has none, and takes what is given to no team", "name a room, such as that of another team")]


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
