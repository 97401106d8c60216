"""Arrivals as they may be stored: no NUL, no lone surrogates, no names of many lines, nothing without end.

Whatever a provider or a channel hands over passes here, every string of it, so that nothing behind has to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import blake2b
from operator import is_
from typing import Any, TypeVar

from omnibot.intake.lookalikes import JOINERS, visible
from omnibot.model import (
    ButtonPress,
    DeliveryReport,
    Incoming,
    IncomingEdit,
    IncomingMessage,
)
from omnibot.storable import storable

MAX_TEXT = 100_000  # characters; more than any channel's own limit but e-mail's
MAX_LINE = 200  # of a name, a reason, a label
MAX_ID = 1000  # of what a provider names something by; Telegram's file ids have some 100, Message-IDs up to 998
MAX_CONTEXT = 20_000  # of one value

Item = TypeVar("Item", bound=Incoming)
Value = TypeVar("Value")
Cleaner = Callable[[Any], Any]  # gives the same object back where nothing has to change
Fields = tuple[tuple[str, Cleaner], ...]


def clean(item: Item) -> Item:
    """An arrival that PostgreSQL takes and people can read; the same object when nothing had to change."""
    for kind, fields in _KINDS:
        if isinstance(item, kind):
            return _cleaned(item, fields)
    return item


def clean_text(text: str) -> str:
    """What cannot be stored becomes U+FFFD; what is beyond MAX_TEXT is cut, visibly."""
    return storable(text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + " […]")


def _cleaned(value: Value, fields: Fields) -> Value:
    changed = {}
    for name, cleaner in fields:
        before = getattr(value, name)
        if before and (after := cleaner(before)) is not before:
            changed[name] = after
    return replace(value, **changed) if changed else value  # type: ignore[type-var]


# --- strings -------------------------------------------------------------------------------------------------------


def _line(text: str) -> str:
    """One printable line."""
    if len(text) <= MAX_LINE and text.isprintable():
        return text
    signs = storable(text[:MAX_LINE])
    return "".join(sign if sign.isprintable() else " " for sign in signs).strip()


def _name(text: str) -> str:
    """A line as it looks: what cannot be seen in it could only mislead."""
    return _line(text) if text.isascii() else _line_of(visible(text[:MAX_LINE]), text)


def _line_of(seen: str, text: str) -> str:
    """Joiners that shape what is seen stay, though they cannot be printed by themselves."""
    signs = "".join(sign if sign.isprintable() or sign in JOINERS else " " for sign in storable(seen)).strip()
    return text if signs == text else signs


def _reason(text: str) -> str:
    """A line that says something: an empty one would mean that there is no reason."""
    return _line(text) or "not readable"


def _word(text: str) -> str:
    """A line without spaces."""
    return text if (line := _line(text)) is text and " " not in text else "_".join(line.split())


def _id(text: str) -> str:
    """An id that stays the same each time and another than all others, whatever was taken from it."""
    if len(text) <= MAX_ID and storable(text) is text:
        return text
    return f"{_line(text)}#{blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def _context(context: Mapping[str, str]) -> Mapping[str, str]:
    cleaned = {_id(key): storable(value[:MAX_CONTEXT]) for key, value in context.items()}
    return context if cleaned == context else cleaned


def _each(cleaner: Cleaner) -> Cleaner:
    def clean_all(values: tuple[Any, ...]) -> tuple[Any, ...]:
        cleaned = tuple(map(cleaner, values))
        return values if all(map(is_, cleaned, values)) else cleaned

    return clean_all


def _all(*fields: tuple[str, Cleaner]) -> Cleaner:
    return lambda value: _cleaned(value, fields)


# --- what has which ------------------------------------------------------------------------------------------------

_ADDRESS = _all(("channel", _id), ("value", _id))
_SENDER = _all(("address", _ADDRESS), ("name", _name), ("language", _word), ("email", _word), ("zone", _word))
_ATTACHMENT = _all(("name", _line), ("media_type", _line), ("ref", _id))
_LOCATION = _all(("label", _line))
_CONTACT = _all(("name", _line), ("phone", _line))

_INCOMING: Fields = (("id", _id), ("sender", _SENDER))
_MESSAGE: Fields = (
    *_INCOMING,
    ("message_id", _id),
    ("text", clean_text),
    ("attachments", _each(_ATTACHMENT)),
    ("location", _LOCATION),
    ("contact", _CONTACT),
    ("answers", _each(_id)),
    ("context", _context),
    ("automatic", _reason),
    ("quarantine", _reason),
    ("flags", _each(_word)),
)
_EDIT: Fields = (*_INCOMING, ("message_id", _id), ("text", clean_text))
_PRESS: Fields = (*_INCOMING, ("value", clean_text), ("message_id", _id), ("context", _context))
_REPORT: Fields = (*_INCOMING, ("provider_id", _id), ("reason", _reason))
_KINDS = ((IncomingMessage, _MESSAGE), (IncomingEdit, _EDIT), (ButtonPress, _PRESS), (DeliveryReport, _REPORT))
