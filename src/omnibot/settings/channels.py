"""`[channels]`: their shape alone, since each channel judges its own settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from omnibot.settings.faults import Fault, Steps, fault
from omnibot.settings.reading import Written

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
RawChannels = dict[str, dict[str, dict[str, Any]]]


def channels_of(written: Written) -> RawChannels:
    """Channel → account → what is written, as far as it has that shape."""
    channels = written.tree.get("channels")
    tables = channels.items() if isinstance(channels, dict) else ()
    return {
        channel: {name: raw for name, raw in accounts.items() if isinstance(raw, dict)}
        for channel, accounts in tables
        if isinstance(accounts, dict)
    }


def outer_faults(channels: object) -> list[Fault]:
    """The shape alone: tables of tables, with names that the environment can spell and URLs can carry."""
    if not isinstance(channels, dict):
        return [fault(("channels",), "is not a table", "write [channels.telegram.main]")]
    faults: list[Fault] = []
    for steps, table in _tables(channels):
        if not isinstance(table, dict):
            below = ".".join((*steps, "main")[:3])
            faults.append(fault(steps, "is not a table", f"write it below [{below}]"))
        elif not _NAME.fullmatch(steps[-1]):
            action = "write it in lower-case letters, digits and single underscores"
            faults.append(Fault(f"[{'.'.join(steps)}]", "has a name that not every source can spell", action))
    return faults


def _tables(channels: Mapping[str, Any]) -> Iterator[tuple[Steps, Any]]:
    for channel, accounts in channels.items():
        yield ("channels", channel), accounts
        if isinstance(accounts, dict):
            for account, raw in accounts.items():
                yield ("channels", channel, account), raw
