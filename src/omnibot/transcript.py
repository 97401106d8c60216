"""A conversation as people read it in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from omnibot.model import DeliveryState, Direction, TimelineMessage

_INDENT = 10
_COMMANDS = {
    code: "\N{REPLACEMENT CHARACTER}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"
}
_REMARKS = {  # flags of a message that are told beside it
    "hidden_characters": "hidden signs in their name",
    "like_staff": "called nearly like one of us",
}
_ARRIVED = (DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.READ)


def readable(text: str) -> str:
    """What others wrote, for a terminal: signs that would command it stand as U+FFFD."""
    return text.translate(_COMMANDS)


def print_message(console: Console, message: TimelineMessage, name: str, *, day: bool = False) -> None:
    """When, where and who in one line, then what was said; what did not arrive says so. `day`: with the date."""
    incoming = message.direction is Direction.IN
    at = message.at.astimezone()
    head = Text(f"{at:%Y-%m-%d %H:%M:%S}" if day else f"{at:%H:%M:%S}")
    who = name if incoming else message.by or "Omnibot"
    head.append(f"  {message.address.channel:<9} {readable(who)}{_remarks(message)}")
    head.stylize("bold cyan" if incoming else "bold green")
    console.print(head)
    console.print(Padding(Text(readable(message.text)), (0, 0, 1, _INDENT)))


def _remarks(message: TimelineMessage) -> str:
    remarks = []
    if message.state is not None and message.state not in _ARRIVED:
        remarks.append(message.state.value)
    if message.revisions:
        remarks.append("edited")
    if message.attachments:
        remarks.append(f"{message.attachments} file{'s' if message.attachments > 1 else ''}")
    remarks += [_REMARKS[flag] for flag in message.flags if flag in _REMARKS]
    return f"  ({', '.join(remarks)})" if remarks else ""
