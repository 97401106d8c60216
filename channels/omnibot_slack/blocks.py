"""Our parts as Slack's blocks (docs.slack.dev/reference/block-kit). Nothing else builds any.

Text goes into rich text elements, which Slack never parses: whatever a customer or an article wrote, be it
`<!channel>`, a link in angle brackets, asterisks or backticks, stands there literally. mrkdwn has escapes for `& < >`
alone. It is left for the fallback text, which notifications and screen readers show.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from omnibot.model import Choice, File, Link, OwnNumber, Paragraph, Part, Steps, plain
from omnibot_slack.mrkdwn import escape

Json = dict[str, Any]

CHOICES = 25  # elements of one actions block
VALUE_BYTES = 2000  # of a button's value; Slack counts characters, which are never more
LABEL = 75  # characters of a button
ACTION = "omnibot:choice:"  # beginning of the action_id of our choices
_OPENABLE = ("https://", "http://", "mailto:", "tel:")
_URL = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?')\]]")


def to_blocks(parts: Sequence[Part]) -> list[Json]:
    """The words of a message and below them its choices."""
    blocks = [{"type": "rich_text", "elements": elements}] if (elements := list(_elements(parts))) else []
    buttons = [_button(number, part) for number, part in enumerate(p for p in parts if isinstance(p, Choice))]
    return [*blocks, {"type": "actions", "elements": buttons}] if buttons else blocks


def to_fallback(parts: Sequence[Part]) -> str:
    """The words alone, in mrkdwn; where there are none, what can be chosen."""
    labels = ", ".join(part.label for part in parts if isinstance(part, Choice))
    return escape(plain(parts) or labels)


def listed(parts: Iterable[Part]) -> list[Part]:
    """With choices as texts, for a message that cannot have buttons."""
    return [Paragraph(f"– {part.label}") if isinstance(part, Choice) else part for part in parts]


# --- rich text -------------------------------------------------------------------------------------------------


def _elements(parts: Iterable[Part]) -> Iterator[Json]:
    """Sections of running text around numbered lists; a blank line between two parts."""
    section: list[Json] = []
    begun = False
    for part in parts:
        if isinstance(part, Steps) and any(part.items):
            if begun:
                yield _section([*section, _text("\n")])
            yield _list(part.items)
            section, begun = [_text("\n")], False
        elif inline := list(_inline(part)):
            section += [_text("\n\n"), *inline] if begun else inline
            begun = True
    if begun:
        yield _section(section)


def _inline(part: Part) -> Iterator[Json]:
    match part:
        case Paragraph(text):
            yield from _linked(text)
        case Link(label, url) if url.startswith(_OPENABLE):
            yield {"type": "link", "url": url, "text": label} if label else {"type": "link", "url": url}
        case Link(label, url):
            yield _text(f"{label}: {url}")  # Slack refuses what it cannot open
        case Steps() | Choice() | File() | OwnNumber():
            return


def _linked(text: str) -> Iterator[Json]:
    """Text whose addresses can be followed: rich text is not searched for them."""
    place = 0
    for found in _URL.finditer(text):
        if found.start() > place:
            yield _text(text[place : found.start()])
        yield {"type": "link", "url": found[0]}
        place = found.end()
    if place < len(text):
        yield _text(text[place:])


def _list(items: Sequence[str]) -> Json:
    elements = [_section(list(_linked(item))) for item in items if item]
    return {"type": "rich_text_list", "style": "ordered", "elements": elements}


def _section(elements: list[Json]) -> Json:
    return {"type": "rich_text_section", "elements": elements}


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


# --- choices ---------------------------------------------------------------------------------------------------


def _button(number: int, choice: Choice) -> Json:
    label = choice.label if len(choice.label) <= LABEL else choice.label[: LABEL - 1] + "…"
    return {
        "type": "button",
        "action_id": f"{ACTION}{number}",
        "text": {"type": "plain_text", "text": label, "emoji": False},
        "value": choice.value,
    }
