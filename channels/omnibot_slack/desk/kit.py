"""The pieces of Block Kit that the desk is built of, within Slack's limits (docs.slack.dev/reference/block-kit).

What anybody else wrote stands in rich text or plain text alone, which Slack never parses. mrkdwn is for our own words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

ACTION = "desk:"  # begins the action_id and callback_id of everything that agents can do
HEADER = 150  # characters
LABEL = 75  # of a button, of an option
OPTIONS = 100
TITLE = 24  # of a modal, of its buttons
TYPED = 3000  # that an input takes
NOTHING = "–"

_ENTITY = re.compile(r"&(?=(?:amp|lt|gt);)")
_UNESCAPABLE = re.compile(r"&amp;(?=(?:amp|lt|gt);)")
_UNSENDABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def clip(text: str, most: int) -> str:
    """A text of at most so many characters, which says where it was cut."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _shown(text: str) -> str:
    """A text that Slack can be given: nothing that controls a terminal, no half of a surrogate pair."""
    return _UNSENDABLE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """A text without line breaks."""
    return " ".join(text.split())


def plain(text: str, most: int) -> Json:
    """A plain text object. What looks like an escape in it would be taken for one."""
    shown = clip(one_line(_shown(text)), most) or NOTHING
    escaped = _ENTITY.sub("&amp;", shown)
    while len(escaped) > most:
        shown = clip(shown, len(shown) - 1)
        escaped = _ENTITY.sub("&amp;", shown)
    return {"type": "plain_text", "text": escaped, "emoji": False}


# --- rich text -------------------------------------------------------------------------------------------------


def words(text: str, *, bold: bool = False, italic: bool = False) -> list[Json]:
    """Running text that stands as it is written; none where there is none."""
    if not text:
        return []
    style = {name: True for name, wanted in (("bold", bold), ("italic", italic)) if wanted}
    shown: Json = {"type": "text", "text": _shown(text)}
    return [shown | {"style": style} if style else shown]


def link(label: str, url: str) -> Json:
    """A link of ours."""
    return {"type": "link", "url": url, "text": _shown(label)}


def moment(at: datetime) -> Json:
    """A time, as each reader's clock shows it."""
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": "{date_short_pretty} {time}",
        "fallback": f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
    }


def line(*elements: Sequence[Json]) -> Json:
    """A section of rich text."""
    return {"type": "rich_text_section", "elements": [element for some in elements for element in some]}


def bullets(lines: Sequence[Json]) -> Json:
    """Lines, one below the other."""
    return {"type": "rich_text_list", "style": "bullet", "elements": list(lines)}


def quoted(text: str) -> Json:
    """A text set apart."""
    return {"type": "rich_text_quote", "elements": words(text)}


def rich(*parts: Json) -> list[Json]:
    """A block of those parts that say something."""
    some = [part for part in parts if part["elements"]]
    return [{"type": "rich_text", "elements": some}] if some else []


def spoken(blocks: Sequence[Json]) -> str:
    """What stands in blocks, for where they cannot be shown; what can be pressed is left out."""
    return "\n".join(filter(None, (_spoken(block) for block in blocks if block["type"] != "actions")))


def _spoken(part: Json) -> str:
    if part.get("type") == "date":
        return str(part["fallback"])
    text = part.get("text", "")
    if isinstance(text, dict):
        text = _UNESCAPABLE.sub("&", text["text"])
    between = "" if part.get("type") in ("rich_text_section", "rich_text_quote") else "\n"
    return str(text) + between.join(map(_spoken, part.get("elements", ())))


# --- what can be pressed and filled in -------------------------------------------------------------------------


def button(label: str, verb: str, value: str = "", **more: object) -> Json:
    """A button; Slack wants no empty value."""
    shown: Json = {"type": "button", "action_id": ACTION + verb, "text": plain(label, LABEL), **more}
    return shown | {"value": value} if value else shown


def option(label: str, value: str) -> Json:
    """One choice of a menu."""
    return {"text": plain(label, LABEL), "value": value}


def actions(*elements: Json) -> Json:
    """Buttons and menus beside each other."""
    return {"type": "actions", "elements": list(elements)}


def asked(name: str, label: str, element: Json, *, hint: str = "", optional: bool = False) -> Json:
    """Something to fill in; its value is found by its name."""
    block: Json = {
        "type": "input", "block_id": name, "label": plain(label, LABEL), "element": {"action_id": name, **element},
        "optional": optional,
    }  # fmt: skip
    return block | {"hint": plain(hint, HEADER)} if hint else block


def typing(initial: str = "") -> Json:
    """An input of several lines."""
    element: Json = {"type": "plain_text_input", "multiline": True, "max_length": TYPED}
    return element | {"initial_value": _shown(initial)[:TYPED]} if initial else element


def section(text: str) -> Json:
    """Words of our own."""
    return {"type": "section", "text": plain(text, TYPED)}
