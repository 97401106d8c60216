"""Text as it may be stored: no NUL, no lone surrogates, no names of many lines, nothing without end."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from omnibot.model import Incoming, IncomingEdit, IncomingMessage, Sender
from omnibot.storable import storable

MAX_TEXT = 100_000  # characters; more than any channel's own limit but e-mail's
_MAX_NAME = 200

Item = TypeVar("Item", bound=Incoming)


def clean(item: Item) -> Item:
    """An arrival whose texts PostgreSQL takes and people can read; the same object when nothing had to change."""
    sender = _clean_sender(item.sender)
    if sender is not item.sender:
        item = replace(item, sender=sender)
    if isinstance(item, IncomingMessage | IncomingEdit):
        text = clean_text(item.text)
        if text is not item.text:
            return replace(item, text=text)
    return item


def clean_text(text: str) -> str:
    """What cannot be stored becomes U+FFFD; what is beyond MAX_TEXT is cut, visibly."""
    if len(text) > MAX_TEXT:
        text = text[:MAX_TEXT] + " […]"
    return storable(text)


def _clean_sender(sender: Sender) -> Sender:
    name = clean_text(sender.name)
    if not name.isprintable():
        name = "".join(sign if sign.isprintable() else " " for sign in name)
    if len(name) > _MAX_NAME:
        name = name[:_MAX_NAME]
    return sender if name is sender.name else replace(sender, name=name.strip())
