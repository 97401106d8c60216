"""Block Kit: blocks checked as Slack checks them and in its words, and what is seen of them.

Source: docs.slack.dev/reference/block-kit. Checked to the last field: section, header, divider, context, actions,
input, image, markdown, rich text, and buttons, selects and menus in them. Laxer than Slack: of `table` and `video`
little more than the type is checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from omnibot.sandbox.slack.forms import options_of
from omnibot.sandbox.slack.mrkdwn import seen, unescape

Json = dict[str, Any]

IN_MESSAGE, IN_VIEW = 50, 100  # blocks
ALL_TEXT = 13_200  # characters in all blocks of a message together, as measured by others: msg_blocks_too_long
_ID = 255
_LONGEST_RICH = 40_000  # characters of one piece of rich text, as of any text
_PLACE = re.compile(
    r"\{(?:date|date_(?:num|slash|long|long_full|long_pretty|pretty|short|short_pretty)|time|time_secs|ago|day_divider_pretty)\}"
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
Check = Callable[["Checker", object, str], None]


class Checker:
    """Collects what is wrong, as `must be less than 3001 characters [json-pointer:/blocks/0/text/text]`."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.block_ids: set[str] = set()
        self.action_ids: set[str] = set()

    def fault(self, what: str, pointer: str) -> None:
        """One more thing is wrong."""
        self.faults.append(f"{what} [json-pointer:{pointer}]")


@dataclass(frozen=True, slots=True)
class _Shape:
    """The fields of an object: how each is checked, and which must be there."""

    fields: Mapping[str, Check]
    required: frozenset[str] = frozenset()

    def check(self, checker: Checker, value: Json, pointer: str) -> None:
        for name in sorted(self.required - value.keys()):
            checker.fault(f"missing required field: {name}", pointer)
        for name, inner in value.items():
            check = self.fields.get(name)
            if check is None:
                checker.fault(f"invalid additional property: {name}", pointer)
            else:
                check(checker, inner, f"{pointer}/{name}")


# --- scalars -----------------------------------------------------------------------------------------------


def _string(most: int, least: int = 1) -> Check:
    def check(checker: Checker, value: object, pointer: str) -> None:
        if not isinstance(value, str):
            checker.fault("must provide a string", pointer)
        elif len(value) < least:
            checker.fault(f"must be more than {least - 1} characters", pointer)
        elif len(value) > most:
            checker.fault(f"must be less than {most + 1} characters", pointer)

    return check


def _boolean(checker: Checker, value: object, pointer: str) -> None:
    if not isinstance(value, bool):
        checker.fault("must provide a boolean", pointer)


def _integer(checker: Checker, value: object, pointer: str) -> None:
    if type(value) is not int:
        checker.fault("must provide a number", pointer)


def _between(least: int, most: int) -> Check:
    def check(checker: Checker, value: object, pointer: str) -> None:
        if type(value) is not int or not least <= value <= most:
            checker.fault(f"must be a number from {least} to {most}", pointer)

    return check


def _one_of(*allowed: str) -> Check:
    def check(checker: Checker, value: object, pointer: str) -> None:
        if value not in allowed:
            checker.fault("must be a valid enum value", pointer)

    return check


def _url(checker: Checker, value: object, pointer: str) -> None:
    if not isinstance(value, str) or not value.startswith(("http://", "https://", "mailto:", "slack://")):
        checker.fault("Invalid URL", pointer)
    elif len(value) > 3000:
        checker.fault("must be less than 3001 characters", pointer)


def _anything(checker: Checker, value: object, pointer: str) -> None:
    """Not looked at."""


def _block_id(checker: Checker, value: object, pointer: str) -> None:
    _string(_ID)(checker, value, pointer)
    _unique(checker, "block_id", value, checker.block_ids, pointer)


def _action_id(checker: Checker, value: object, pointer: str) -> None:
    _string(_ID)(checker, value, pointer)
    _unique(checker, "action_id", value, checker.action_ids, pointer)


def _unique(checker: Checker, field: str, value: object, known: set[str], pointer: str) -> None:
    if not isinstance(value, str):
        return
    if value in known:
        checker.fault(f'`{field}` "{value}" already exists', pointer)
    known.add(value)


def _number_as_text(checker: Checker, value: object, pointer: str) -> None:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        checker.fault("must provide a number as a string", pointer)


def _date_format(checker: Checker, value: object, pointer: str) -> None:
    _string(_ID)(checker, value, pointer)
    if isinstance(value, str) and not _PLACE.search(value):
        checker.fault("must have a place for a date or a time", pointer)


# --- texts, options, elements ------------------------------------------------------------------------------


def _text(most: int, *, plain_only: bool = False) -> Check:
    """A text object. Where something is wrong in it Slack first says that no schema matched."""
    mrkdwn = _Shape({"type": _anything, "text": _string(most), "verbatim": _boolean}, frozenset({"type", "text"}))
    plain = _Shape({"type": _anything, "text": _string(most), "emoji": _boolean}, frozenset({"type", "text"}))

    def check(checker: Checker, value: object, pointer: str) -> None:
        if not isinstance(value, dict):
            checker.fault("must provide an object", pointer)
            return
        kind = value.get("type")
        if kind == "mrkdwn" and plain_only:
            checker.fault("must be a valid enum value", f"{pointer}/type")
            return
        if kind not in ("mrkdwn", "plain_text"):
            checker.fault(f"unsupported type: {kind}", f"{pointer}/type")
            return
        before = len(checker.faults)
        (plain if kind == "plain_text" else mrkdwn).check(checker, value, pointer)
        if len(checker.faults) > before:
            checker.faults.insert(before, f"failed to match all allowed schemas [json-pointer:{pointer}]")

    return check


def _array(inner: Check, most: int, least: int = 1) -> Check:
    def check(checker: Checker, value: object, pointer: str) -> None:
        if not isinstance(value, list):
            checker.fault("must provide an array", pointer)
            return
        if len(value) < least:
            checker.fault(f"no fewer than {least} items allowed", pointer)
        if len(value) > most:
            checker.fault(f"no more than {most} items allowed", pointer)
        for index, item in enumerate(value[:most]):
            inner(checker, item, f"{pointer}/{index}")

    return check


def _object(fields: Mapping[str, Check], *required: str) -> Check:
    shape = _Shape(fields, frozenset(required))

    def check(checker: Checker, value: object, pointer: str) -> None:
        if isinstance(value, dict):
            shape.check(checker, value, pointer)
        else:
            checker.fault("must provide an object", pointer)

    return check


_CONFIRM = _object(
    {
        "title": _text(100, plain_only=True), "text": _text(300), "confirm": _text(30, plain_only=True),
        "deny": _text(30, plain_only=True), "style": _one_of("primary", "danger"),
    },
    "title", "text", "confirm", "deny",
)  # fmt: skip
_OPTION = _object(
    {"text": _text(75), "value": _string(150), "description": _text(75, plain_only=True), "url": _url},
    "text",
    "value",
)
_OPTIONS = _array(_OPTION, 100)
_GROUPS = _array(_object({"label": _text(75, plain_only=True), "options": _OPTIONS}, "label", "options"), 100)
_ACTION: Mapping[str, Check] = {
    "type": _anything, "action_id": _action_id, "confirm": _CONFIRM, "focus_on_load": _boolean,
}  # fmt: skip
_PLACEHOLDER: Mapping[str, Check] = {"placeholder": _text(150, plain_only=True)}
_IMAGE: Mapping[str, Check] = {"type": _anything, "image_url": _url, "slack_file": _anything, "alt_text": _string(2000)}

_BUTTON = _Shape(
    {
        **_ACTION, "text": _text(75, plain_only=True), "url": _url, "value": _string(2000),
        "style": _one_of("primary", "danger"), "accessibility_label": _string(75),
    },
    frozenset({"type", "text"}),
)  # fmt: skip
_SELECT: Mapping[str, Check] = {**_ACTION, **_PLACEHOLDER}
_ONE = {**_SELECT, "response_url_enabled": _boolean}
_SEVERAL = {**_SELECT, "max_selected_items": _integer}
_STATIC: Mapping[str, Check] = {"options": _OPTIONS, "option_groups": _GROUPS}
_QUERY: Mapping[str, Check] = {"min_query_length": _integer}
_CONVERSATIONS: Mapping[str, Check] = {
    "default_to_current_conversation": _boolean,
    "filter": _object(
        {
            "include": _array(_one_of("im", "mpim", "private", "public"), 4),
            "exclude_external_shared_channels": _boolean, "exclude_bot_users": _boolean,
        },
    ),
}  # fmt: skip
_IDS = _array(_string(_ID), 100, 0)
_OVERFLOW = _Shape({**_ACTION, "options": _array(_OPTION, 5)}, frozenset({"type", "options"}))
_BOXES = _Shape(
    {**_ACTION, "options": _array(_OPTION, 10), "initial_options": _OPTIONS}, frozenset({"type", "options"})
)
_RADIO = _Shape({**_ACTION, "options": _array(_OPTION, 10), "initial_option": _OPTION}, frozenset({"type", "options"}))
_TYPED: Mapping[str, Check] = {**_SELECT, "dispatch_action_config": _anything}
_WORDS: Mapping[str, Check] = {**_TYPED, "initial_value": _string(3000, 0)}
_PLAIN_INPUT = _Shape(
    {**_WORDS, "multiline": _boolean, "min_length": _between(0, 3000), "max_length": _between(1, 3000)},
    frozenset({"type"}),
)
_WORDS_INPUT = _Shape(_WORDS, frozenset({"type"}))
_NUMBER_INPUT = _Shape(
    {
        **_WORDS, "initial_value": _number_as_text, "is_decimal_allowed": _boolean, "min_value": _number_as_text,
        "max_value": _number_as_text,
    },
    frozenset({"type", "is_decimal_allowed"}),
)  # fmt: skip
_RICH_INPUT = _Shape({**_TYPED, "initial_value": _anything}, frozenset({"type", "action_id"}))
_DATE_PICKER = _Shape({**_SELECT, "initial_date": _string(10)}, frozenset({"type"}))
_TIME_PICKER = _Shape({**_SELECT, "initial_time": _string(5), "timezone": _string(_ID)}, frozenset({"type"}))
_DATETIME_PICKER = _Shape({**_ACTION, "initial_date_time": _integer}, frozenset({"type"}))
_PICTURE = _Shape(_IMAGE, frozenset({"type", "alt_text"}))


class _StaticSelect(_Shape):
    """A menu has options or groups of them, not both."""

    def check(self, checker: Checker, value: Json, pointer: str) -> None:
        if "options" not in value and "option_groups" not in value:
            checker.fault("missing required field: options", pointer)
        if "options" in value and "option_groups" in value:
            checker.fault("only one of options and option_groups can be given", pointer)
        _Shape.check(self, checker, value, pointer)
        if isinstance(options := value.get("options"), list):
            chosen = value.get("initial_option")
            if chosen is not None and chosen not in options:
                checker.fault("must be one of the options", f"{pointer}/initial_option")


def _select(fields: Mapping[str, Check]) -> _Shape:
    return _Shape(fields, frozenset({"type"}))


_SELECTS: Mapping[str, _Shape] = {
    "static_select": _StaticSelect({**_SELECT, **_STATIC, "initial_option": _OPTION}, frozenset({"type"})),
    "multi_static_select": _StaticSelect({**_SEVERAL, **_STATIC, "initial_options": _OPTIONS}, frozenset({"type"})),
    "external_select": _select({**_SELECT, **_QUERY, "initial_option": _OPTION}),
    "multi_external_select": _select({**_SEVERAL, **_QUERY, "initial_options": _OPTIONS}),
    "users_select": _select({**_SELECT, "initial_user": _string(_ID)}),
    "multi_users_select": _select({**_SEVERAL, "initial_users": _IDS}),
    "conversations_select": _select({**_ONE, **_CONVERSATIONS, "initial_conversation": _string(_ID)}),
    "multi_conversations_select": _select({**_SEVERAL, **_CONVERSATIONS, "initial_conversations": _IDS}),
    "channels_select": _select({**_ONE, "initial_channel": _string(_ID)}),
    "multi_channels_select": _select({**_SEVERAL, "initial_channels": _IDS}),
}
_CHOOSERS: Mapping[str, _Shape] = {
    **_SELECTS,
    "checkboxes": _BOXES,
    "radio_buttons": _RADIO,
    "datepicker": _DATE_PICKER,
    "timepicker": _TIME_PICKER,
    "datetimepicker": _DATETIME_PICKER,
}
_IN_ACTIONS: Mapping[str, _Shape] = {**_CHOOSERS, "button": _BUTTON, "overflow": _OVERFLOW}
_IN_SECTION: Mapping[str, _Shape] = {**_IN_ACTIONS, "image": _PICTURE}
_IN_INPUT: Mapping[str, _Shape] = {
    **_CHOOSERS,
    "plain_text_input": _PLAIN_INPUT,
    "email_text_input": _WORDS_INPUT,
    "url_text_input": _WORDS_INPUT,
    "number_input": _NUMBER_INPUT,
    "rich_text_input": _RICH_INPUT,
}


def _typed(shapes: Mapping[str, _Shape]) -> Check:
    """One of several kinds of objects, told apart by `type`."""

    def check(checker: Checker, value: object, pointer: str) -> None:
        if not isinstance(value, dict):
            checker.fault("must provide an object", pointer)
        elif "type" not in value:
            checker.fault("missing required field: type", pointer)
        elif not isinstance(value["type"], str) or value["type"] not in shapes:
            checker.fault(f"unsupported type: {value['type']}", f"{pointer}/type")
        else:
            shapes[value["type"]].check(checker, value, pointer)

    return check


def _block(shapes: Mapping[str, _Shape]) -> Check:
    """A block, within which no two elements may have the same `action_id`."""
    typed = _typed(shapes)

    def check(checker: Checker, value: object, pointer: str) -> None:
        checker.action_ids.clear()
        typed(checker, value, pointer)

    return check


def _context_element(checker: Checker, value: object, pointer: str) -> None:
    if isinstance(value, dict) and value.get("type") == "image":
        _PICTURE.check(checker, value, pointer)
    else:
        _text(2000)(checker, value, pointer)


class _Section(_Shape):
    """A section needs a text or fields."""

    def check(self, checker: Checker, value: Json, pointer: str) -> None:
        if "text" not in value and "fields" not in value:
            checker.fault("missing required field: text", pointer)
        _Shape.check(self, checker, value, pointer)


class _Loose(_Shape):
    """A block of which only the fields that are named are looked at."""

    def check(self, checker: Checker, value: Json, pointer: str) -> None:
        _Shape.check(self, checker, {name: value[name] for name in self.fields if name in value}, pointer)


_STYLE: Mapping[str, Check] = {
    "style": _object(dict.fromkeys(("bold", "italic", "strike", "code", "underline"), _boolean)),
}
_MENTION_STYLE: Mapping[str, Check] = {
    "style": _object(dict.fromkeys(("bold", "italic", "strike", "highlight", "client_highlight", "unlink"), _boolean)),
}
_TYPE: Mapping[str, Check] = {"type": _anything}
_INLINE: Mapping[str, _Shape] = {
    "text": _Shape({**_TYPE, **_STYLE, "text": _string(_LONGEST_RICH)}, frozenset({"text"})),
    "link": _Shape(
        {**_TYPE, **_STYLE, "url": _url, "text": _string(_LONGEST_RICH, 0), "unsafe": _boolean}, frozenset({"url"})
    ),
    "emoji": _Shape(
        {**_TYPE, **_STYLE, "name": _string(_ID), "unicode": _string(_ID), "skin_tone": _between(1, 6)},
        frozenset({"name"}),
    ),
    "date": _Shape(
        {**_TYPE, **_STYLE, "timestamp": _integer, "format": _date_format, "url": _url, "fallback": _string(_ID)},
        frozenset({"timestamp", "format"}),
    ),
    "user": _Shape({**_TYPE, **_MENTION_STYLE, "user_id": _string(_ID)}, frozenset({"user_id"})),
    "usergroup": _Shape({**_TYPE, **_MENTION_STYLE, "usergroup_id": _string(_ID)}, frozenset({"usergroup_id"})),
    "channel": _Shape({**_TYPE, **_MENTION_STYLE, "channel_id": _string(_ID)}, frozenset({"channel_id"})),
    "broadcast": _Shape({**_TYPE, **_STYLE, "range": _one_of("here", "channel", "everyone")}, frozenset({"range"})),
    "color": _Shape({**_TYPE, "value": _string(_ID)}, frozenset({"value"})),
}  # fmt: skip
_RICH_WORDS: Mapping[str, Check] = {**_TYPE, "elements": _array(_typed(_INLINE), 10_000, 0)}
_RICH_SECTION = _Shape(_RICH_WORDS, frozenset({"elements"}))
_RICH_PARTS: Mapping[str, _Shape] = {
    "rich_text_section": _RICH_SECTION,
    "rich_text_quote": _Shape({**_RICH_WORDS, "border": _integer}, frozenset({"elements"})),
    "rich_text_preformatted": _Shape(
        {**_RICH_WORDS, "border": _integer, "language": _string(_ID)}, frozenset({"elements"})
    ),
    "rich_text_list": _Shape(
        {
            **_TYPE, "elements": _array(_typed({"rich_text_section": _RICH_SECTION}), 10_000, 0),
            "style": _one_of("bullet", "ordered"), "indent": _integer, "offset": _integer, "border": _integer,
        },
        frozenset({"elements", "style"}),
    ),
}  # fmt: skip
_BLOCK: Mapping[str, Check] = {**_TYPE, "block_id": _block_id}
_LOOSE = _Loose(_BLOCK)
_ANYWHERE: Mapping[str, _Shape] = {
    "section": _Section(
        {
            **_BLOCK, "text": _text(3000), "fields": _array(_text(2000), 10), "accessory": _typed(_IN_SECTION),
            "expand": _boolean,
        }
    ),
    "header": _Shape({**_BLOCK, "text": _text(150, plain_only=True)}, frozenset({"text"})),
    "divider": _Shape(_BLOCK),
    "context": _Shape({**_BLOCK, "elements": _array(_context_element, 10)}, frozenset({"elements"})),
    "actions": _Shape({**_BLOCK, "elements": _array(_typed(_IN_ACTIONS), 25)}, frozenset({"elements"})),
    "input": _Shape(
        {
            **_BLOCK, "label": _text(2000, plain_only=True), "element": _typed(_IN_INPUT), "dispatch_action": _boolean,
            "hint": _text(2000, plain_only=True), "optional": _boolean,
        },
        frozenset({"label", "element"}),
    ),
    "image": _Shape({**_BLOCK, **_IMAGE, "title": _text(2000, plain_only=True)}, frozenset({"alt_text"})),
    "rich_text": _Shape({**_BLOCK, "elements": _array(_typed(_RICH_PARTS), 10_000)}, frozenset({"elements"})),
    "video": _LOOSE,
}  # fmt: skip
_MARKDOWN = _Shape({**_BLOCK, "text": _string(12_000)}, frozenset({"text"}))
_MESSAGE = _block({**_ANYWHERE, "markdown": _MARKDOWN, "table": _LOOSE})
_VIEW = _block(_ANYWHERE)


def faults_of(blocks: object, pointer: str = "/blocks", *, view: bool = False) -> list[str]:
    """What Slack would find wrong with the blocks of a message or of a view; they are given a `block_id` otherwise."""
    checker = Checker()
    _array(_VIEW if view else _MESSAGE, IN_VIEW if view else IN_MESSAGE, 0)(checker, blocks, pointer)
    return checker.faults


def faults_of_options(answer: Json) -> list[str]:
    """What Slack would find wrong with the options that an app has for a menu."""
    checker = Checker()
    if "option_groups" in answer:
        _GROUPS(checker, answer["option_groups"], "/option_groups")
    else:
        _array(_OPTION, 100, 0)(checker, answer.get("options", []), "/options")
    return checker.faults


def faults_of_text(text: object, pointer: str, most: int) -> list[str]:
    """What Slack would find wrong with a plain text object, such as the title of a view."""
    checker = Checker()
    _text(most, plain_only=True)(checker, text, pointer)
    return checker.faults


def length_of(value: object) -> int:
    """The characters of all texts in blocks."""
    if isinstance(value, list):
        return sum(map(length_of, value))
    if isinstance(value, dict):
        return sum(
            len(inner) if name == "text" and isinstance(inner, str) else length_of(inner)
            for name, inner in value.items()
        )
    return 0


def with_ids(blocks: list[Json], number: Callable[[], str]) -> list[Json]:
    """The blocks as Slack keeps them: each block and each interactive element has an id."""
    return [_with_ids(block, number) for block in blocks]


def _with_ids(block: Json, number: Callable[[], str]) -> Json:
    kept = {"block_id": number(), **block}
    for name in ("accessory", "element"):
        if name in kept and kept[name].get("type") != "image":
            kept[name] = {"action_id": number(), **kept[name]}
    if kept["type"] == "actions":
        kept["elements"] = [{"action_id": number(), **element} for element in kept["elements"]]
    return kept


# --- what is seen ------------------------------------------------------------------------------------------


def text_of(blocks: Iterable[Json], name: Callable[[str], str]) -> str:
    """What is seen of blocks, one line or more for each; what can be pressed is not in it."""
    return "\n".join(line for block in blocks for line in lines_of(block, name) if line)


def lines_of(block: Json, name: Callable[[str], str]) -> Iterator[str]:
    """What is seen of one block."""
    match block["type"]:
        case "section":
            texts = [block["text"]] if "text" in block else []
            yield from (_shown(text, name) for text in [*texts, *block.get("fields", ())])
        case "header":
            yield _shown(block["text"], name)
        case "context":
            elements = (element for element in block["elements"] if element["type"] != "image")
            yield " ".join(_shown(element, name) for element in elements)
        case "image":
            yield _shown(block["title"], name) if "title" in block else block["alt_text"]
        case "input":
            yield _shown(block["label"], name)
        case "markdown":
            yield str(block.get("text", ""))
        case "rich_text":
            yield from ("".join(_rich([part], name)) for part in block.get("elements", ()))


def _shown(text: Json, name: Callable[[str], str]) -> str:
    return unescape(text["text"]) if text["type"] == "plain_text" else seen(text["text"], name)


def _rich(elements: Iterable[Json], name: Callable[[str], str]) -> Iterator[str]:
    for element in elements:
        match element.get("type"):
            case "text":
                yield str(element.get("text", ""))
            case "link":
                yield _linked(str(element.get("text", "")), str(element.get("url", "")))
            case "user":
                yield "@" + name(str(element.get("user_id", "")))
            case "channel":
                yield "#" + name(str(element.get("channel_id", "")))
            case "broadcast":
                yield f"@{element.get('range', '')}"
            case "emoji":
                yield f":{element.get('name', '')}:"
            case "date":
                yield str(element.get("fallback", ""))  # Slack shows it by each reader's clock
            case "color":
                yield str(element.get("value", ""))
            case "rich_text_list":
                yield "\n".join(_listed(element, name))
            case "rich_text_quote":
                yield "\n".join(f"> {line}" for line in "".join(_rich(element["elements"], name)).split("\n"))
            case _:
                yield from _rich(element.get("elements", ()), name)


def _linked(label: str, url: str) -> str:
    """A link, with where it leads: in a text nobody can follow its label."""
    if not label.strip():
        return url
    return f"{label.rstrip()}: {url}" if label != url and url.startswith(("http:", "https:")) else label


def _listed(element: Json, name: Callable[[str], str]) -> Iterator[str]:
    first = element.get("offset", 0) + 1
    for number, item in enumerate(element.get("elements", ()), first):
        mark = f"{number}." if element.get("style") == "ordered" else "•"
        yield f"{mark} {''.join(_rich([item], name))}"


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be pressed: `action` is as Slack reports it, but for its time."""

    label: str
    block_id: str
    action: Json


def choices_of(blocks: Iterable[Json]) -> Iterator[Choice]:
    """What can be pressed in blocks: buttons, and the options of menus."""
    for block in blocks:
        for element in elements_of(block):
            yield from _choices(element, block["block_id"])


def elements_of(block: Json) -> list[Json]:
    """The buttons, menus and inputs of a block."""
    match block["type"]:
        case "actions":
            return list(block["elements"])
        case "section":
            return [block["accessory"]] if block.get("accessory", {}).get("type", "image") != "image" else []
        case "input":
            return [block["element"]]
        case _:
            return []


def _choices(element: Json, block_id: str) -> Iterator[Choice]:
    action: Json = {"type": element["type"], "action_id": element.get("action_id", ""), "block_id": block_id}
    if element["type"] == "button":
        shared = {field: element[field] for field in ("text", "value", "style", "url") if field in element}
        yield Choice(unescape(element["text"]["text"]), block_id, action | shared)
    elif element["type"] in ("static_select", "overflow", "radio_buttons"):
        for option in options_of(element):
            yield Choice(unescape(option["text"]["text"]), block_id, action | {"selected_option": option})
