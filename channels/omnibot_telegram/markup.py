"""Our parts in Telegram's HTML style (core.telegram.org/bots/api#html-style). Nothing else writes markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)

from omnibot.model import Choice, File, Link, OwnNumber, Paragraph, Part, Steps

_OPENABLE = ("https://", "http://", "mailto:", "tel:", "tg://")


def to_html(parts: Iterable[Part]) -> str:
    """The words of a message, a blank line between two parts."""
    return "\n\n".join(html for part in parts if (html := _html(part)))


def to_keyboard(
    parts: Sequence[Part], *, private: bool = True
) -> InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove | None:
    """The choices of a message, one a row, so that their labels are not cut; else the button for their own number.

    A message has one keyboard, and only a private chat may ask for a number
    (core.telegram.org/bots/api#keyboardbutton).
    """
    rows = [
        [InlineKeyboardButton(text=part.label, callback_data=part.value)] for part in parts if isinstance(part, Choice)
    ]
    if rows:
        return InlineKeyboardMarkup(inline_keyboard=rows)
    asked = next((part for part in parts if isinstance(part, OwnNumber)), None)
    if asked is None or not private:
        return None
    if not asked.label:
        return ReplyKeyboardRemove(remove_keyboard=True)
    button = KeyboardButton(text=asked.label, request_contact=True)
    return ReplyKeyboardMarkup(keyboard=[[button]], resize_keyboard=True, one_time_keyboard=True)


def _html(part: Part) -> str:
    match part:
        case Paragraph(text):
            return escape(text, quote=False)
        case Steps(items):
            return _numbered(items)
        case Link(label, url):
            return _link(label, url)
        case Choice() | File() | OwnNumber():
            return ""


def _numbered(items: Sequence[str]) -> str:
    return "\n".join(f"{number}. {escape(item, quote=False)}" for number, item in enumerate(items, 1))


def _link(label: str, url: str) -> str:
    if url.startswith(_OPENABLE):
        return f'<a href="{escape(url)}">{escape(label, quote=False)}</a>'
    return escape(f"{label}: {url}", quote=False)  # Telegram would show the label and drop the rest
