"""The log of identity in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from omnibot.cli.printing import merge_name
from omnibot.transcript import readable

if TYPE_CHECKING:
    from omnibot.store.identity import Entry

_INDENT = 21  # behind the time
_DONE = {
    "link": "{address} became {customer}'s",
    "prove": "{address} of {customer} showed whose it is",
    "unlink": "{address} left {customer} and became {other}",
    "merge": "{customer} and {other} became one",
    "split": "{customer} and {other} became two again",
    "apart": "no rule may make {customer} and {other} one",
    "share": "{address} was marked as shared",
    "unshare": "{address} was not shared any more",
    "forget": "{address} was forgotten: nothing is sent there any more",
    "review": "a person had to say whether {customer} and {other} are one",
    "resolve": "a person has said whether {customer} and {other} are one",
}


def entry_fields(entry: Entry) -> dict[str, Any]:
    """One row of the log."""
    return {
        "id": entry.id,
        "at": entry.at,
        "act": entry.act,
        "address": str(entry.address) if entry.address else None,
        "customer": entry.customer,
        "other": entry.other,
        "merge": entry.merge,
        "proof": entry.proof,
        "evidence": entry.evidence,
        "by": entry.by,
        "reason": entry.reason,
    }


def print_entry(console: Console, entry: Entry) -> None:
    """When and what in one line, then on what it rests, who did it and why."""
    console.print(Text(f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}  {readable(_what(entry))}"), soft_wrap=True)
    console.print(Text(" " * _INDENT + readable(_ground(entry)), "dim"), soft_wrap=True)


def _what(entry: Entry) -> str:
    told = _DONE.get(entry.act, f"{entry.act}: {{address}} {{customer}} {{other}}").format(
        address=entry.address or "an address",
        customer=f"customer {entry.customer}",
        other=f"customer {entry.other}" if entry.other else "nobody",
    )
    return f"{told} ({merge_name(entry.merge)})" if entry.merge else told


def _ground(entry: Entry) -> str:
    ground = ", ".join(part for part in (entry.proof, entry.evidence) if part)
    return (f"{ground}; " if ground else "") + f"by {entry.by}" + (f": {entry.reason}" if entry.reason else "")
