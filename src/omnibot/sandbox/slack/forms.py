"""What people fill in and choose, as Slack reports it: each element that holds a state has a value of its kind.

Source: docs.slack.dev/reference/block-kit/block-elements and docs.slack.dev/reference/views. A form says what
is missing, as Slack's client does before it sends anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from omnibot.sandbox.slack.mrkdwn import unescape

Json = dict[str, Any]
Given = (
    str | Sequence[str]
)  # what a person fills in: a text, the label of an option, a name; several where it takes them

_REQUIRED = "Please complete this required field."
_TEXTS = ("plain_text_input", "email_text_input", "url_text_input", "number_input")
_KEYS: Mapping[str, str] = {
    **dict.fromkeys(_TEXTS, "value"),
    "rich_text_input": "rich_text_value",
    **dict.fromkeys(("static_select", "external_select", "radio_buttons"), "selected_option"),
    **dict.fromkeys(("multi_static_select", "multi_external_select", "checkboxes"), "selected_options"),
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    **{f"{kind}s_select": f"selected_{kind}" for kind in ("user", "conversation", "channel")},
    **{f"multi_{kind}s_select": f"selected_{kind}s" for kind in ("user", "conversation", "channel")},
}
_PATTERNS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "email_text_input": (re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"), "Please enter a valid email address."),
    "url_text_input": (re.compile(r"https?://\S+"), "Please enter a valid URL."),
    "number_input": (re.compile(r"-?\d+(?:\.\d+)?"), "Please enter a valid number."),
    "datepicker": (re.compile(r"\d{4}-\d\d-\d\d"), "Please choose a date."),
    "timepicker": (re.compile(r"\d\d:\d\d"), "Please choose a time."),
}


@dataclass(frozen=True, slots=True)
class Field:
    """An element that holds a state, in its block. One of an input block must be filled in unless it is `optional`."""

    block: Json
    element: Json

    @property
    def label(self) -> str:
        """What is read beside or in it."""
        text = self.block["label"] if self.block["type"] == "input" else self.element.get("placeholder", {"text": ""})
        return unescape(text["text"])

    @property
    def names(self) -> tuple[str, ...]:
        """By what it can be meant: what is read, or one of its ids."""
        placeholder = unescape(self.element.get("placeholder", {"text": ""})["text"])
        return self.label, placeholder, self.element["action_id"], self.block["block_id"]

    @property
    def key(self) -> str:
        """Under which its value is reported."""
        return _KEYS[self.element["type"]]

    @property
    def several(self) -> bool:
        """Whether several can be chosen."""
        return self.key.startswith("selected_") and self.key.endswith("s")

    @property
    def tells(self) -> bool:
        """Whether the app is told at once, and not only when all is submitted."""
        return self.block["type"] != "input" or bool(self.block.get("dispatch_action"))

    @property
    def initial(self) -> Json:
        """Its value before anybody touched it."""
        name = "initial_value" if self.key.endswith("value") else self.key.replace("selected_", "initial_")
        return {"type": self.element["type"], self.key: self.element.get(name, [] if self.several else None)}


def fields_of(blocks: Iterable[Json]) -> Iterator[Field]:
    """Every element of blocks that holds a state: inputs, menus, pickers and boxes, but no buttons."""
    for block in blocks:
        match block["type"]:
            case "actions":
                elements = block["elements"]
            case "section":
                elements = [block.get("accessory", {})]
            case "input":
                elements = [block["element"]]
            case _:
                continue
        yield from (Field(block, element) for element in elements if element.get("type") in _KEYS)


def options_of(element: Json) -> list[Json]:
    """The options of a menu, of all its groups."""
    grouped = [option for group in element.get("option_groups") or () for option in group["options"]]
    return [*(element.get("options") or ()), *grouped]


class Form:
    """Blocks in front of somebody, and what they have filled in. `user_of` and `room_of` find an id by a name.

    What was filled into `before` stays, where block and element have the same ids.
    """

    def __init__(
        self,
        blocks: Sequence[Json],
        user_of: Callable[[str], str],
        room_of: Callable[[str], str],
        before: Form | None = None,
    ) -> None:
        self.blocks = blocks
        self.faults: dict[str, str] = {}  # what the app found wrong, by block
        self._by_kind = {"user": user_of, "conversation": room_of, "channel": room_of}
        self._offered: dict[str, list[Json]] = {} if before is None else before._offered
        self._values: dict[tuple[str, str], Json] = {}
        for field in fields_of(blocks):
            at = field.block["block_id"], field.element["action_id"]
            old = before._values.get(at) if before is not None else None
            self._values[at] = old if old and old["type"] == field.element["type"] else field.initial

    @property
    def state(self) -> Json:
        """All values, as Slack reports them."""
        values: dict[str, Json] = {}
        for (block, action), value in self._values.items():
            values.setdefault(block, {})[action] = value
        return {"values": values}

    def field(self, name: str) -> Field:
        """The field that is read so or has such an id; LookupError where there is none."""
        for field in fields_of(self.blocks):
            if name in field.names:
                return field
        there = ", ".join(repr(field.label or field.element["action_id"]) for field in fields_of(self.blocks))
        raise LookupError(f"there is nothing to fill in at {name!r}: there is {there or 'nothing at all'}")

    def value(self, field: Field) -> object:
        """What is in a field; None or nothing where it is empty."""
        return self._values[field.block["block_id"], field.element["action_id"]][field.key]

    def offer(self, field: Field, options: list[Json]) -> None:
        """The app offers options for what somebody typed into a menu."""
        self._offered[field.element["action_id"]] = options

    def fill(self, name: str, given: Given) -> Field:
        """Fill in a field; '' empties it. LookupError for what it does not offer, ValueError for too many."""
        field = self.field(name)
        self._take(field, self._read(field, given))
        return field

    def take(self, action: Json) -> None:
        """Something was pressed, which may be the option of a menu."""
        for field in fields_of(self.blocks):
            if field.block["block_id"] == action["block_id"] and field.element["action_id"] == action["action_id"]:
                self._take(field, action[field.key])

    def _take(self, field: Field, value: object) -> None:
        at = field.block["block_id"], field.element["action_id"]
        self._values[at] = {"type": field.element["type"], field.key: value}

    def action(self, field: Field) -> Json:
        """What Slack reports when a field was changed that tells at once."""
        at = field.block["block_id"], field.element["action_id"]
        return {**self._values[at], "block_id": at[0], "action_id": at[1]}

    # --- reading what is given -----------------------------------------------------------------------------

    def _read(self, field: Field, given: Given) -> object:
        if not field.several:
            text = given if isinstance(given, str) else "".join(given)
            return self._one(field, text) if text else None
        chosen = [given] if isinstance(given, str) else list(given)
        most = field.element.get("max_selected_items", len(chosen))
        if len(chosen) > most:
            raise ValueError(f"{field.label}: no more than {most} can be chosen")
        return [self._one(field, each) for each in chosen if each]

    def _one(self, field: Field, text: str) -> object:
        kind = field.key.removeprefix("selected_").removesuffix("s")
        if kind in self._by_kind:
            return self._by_kind[kind](text)
        if kind == "option":
            return self._option(field, text)
        if kind == "date_time":
            return int(text) if text.isdecimal() else int(datetime.fromisoformat(text).timestamp())
        if kind == "rich_text_value":
            section: Json = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
            return {"type": "rich_text", "elements": [section]}
        return text

    def _option(self, field: Field, label: str) -> Json:
        options = options_of(field.element) or self._offered.get(field.element["action_id"], [])
        for option in options:
            if label in (unescape(option["text"]["text"]), option["value"]):
                return option
        offered = ", ".join(repr(unescape(option["text"]["text"])) for option in options)
        raise LookupError(f"{field.label} does not offer {label!r}: it offers {offered or 'nothing yet'}")

    # --- whether it can be submitted -----------------------------------------------------------------------

    def wrong(self) -> str:
        """What the client would say of the first field that keeps the form from being submitted; '' where none does."""
        for field in fields_of(self.blocks):
            if field.block["type"] == "input" and (fault := self._wrong(field)):
                return f"{field.label}: {fault}"
        return ""

    def _wrong(self, field: Field) -> str:
        value = self.value(field)
        if not value:
            return "" if field.block.get("optional") else _REQUIRED
        return _fault_of(field.element, value) if isinstance(value, str) else ""


def _fault_of(element: Json, text: str) -> str:
    pattern, fault = _PATTERNS.get(element["type"], (None, ""))
    if pattern is not None and not pattern.fullmatch(text):
        return fault
    if element["type"] == "number_input":
        return _fault_of_number(element, text)
    if len(text) < element.get("min_length", 0):
        return f"Please enter at least {element['min_length']} characters."
    if len(text) > element.get("max_length", 3000):
        return f"Please enter no more than {element.get('max_length', 3000)} characters."
    return ""


def _fault_of_number(element: Json, text: str) -> str:
    if not element["is_decimal_allowed"] and "." in text:
        return "Please enter a whole number."
    if "min_value" in element and float(text) < float(element["min_value"]):
        return f"Please enter a number that is at least {element['min_value']}."
    if "max_value" in element and float(text) > float(element["max_value"]):
        return f"Please enter a number that is at most {element['max_value']}."
    return ""
