"""What the methods of the Bot API take, checked as Telegram checks it and in its words.

Stricter in one point: Telegram ignores a parameter that a method does not have; here it is an error, so that a
mistake shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from omnibot.sandbox.telegram.html import CannotParse, parse_html

TEXT = 4096  # characters of a message
CAPTION = 1024
_INTEGER = re.compile(r"-?[0-9]{1,18}")
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")

Json = dict[str, Any]


def to_json(value: Json) -> bytes:
    """JSON as Telegram sends it: half a surrogate pair, which people's keyboards do produce, is escaped."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()


class ApiError(Exception):
    """What Telegram answers instead of a result."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    @property
    def body(self) -> Json:
        """The error as Telegram writes it."""
        body: Json = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def bad(description: str) -> ApiError:
    return ApiError(400, f"Bad Request: {description}")


def _integer(name: str, value: object) -> int:
    if type(value) is int:
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise _not_a(name, "integer")


def _string(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _not_a(name, "string")
    return value


def _boolean(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() not in ("true", "false", "1", "0"):
        raise _not_a(name, "boolean")
    return str(value).lower() in ("true", "1")


def _structure(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise _not_a(name, "JSON object") from None


def _file(name: str, value: object) -> object:
    return value


def _not_a(name: str, kind: str) -> ApiError:
    return bad(f'parameter "{name}" must be of type {kind}')


Reader = Callable[[str, object], object]
_SENDING: dict[str, Reader] = {
    "chat_id": _integer,
    "message_thread_id": _integer,
    "disable_notification": _boolean,
    "protect_content": _boolean,
    "reply_parameters": _structure,
    "reply_markup": _structure,
}
_CAPTIONED: dict[str, Reader] = {
    **_SENDING,
    "caption": _string,
    "parse_mode": _string,
    "caption_entities": _structure,
}
PARAMETERS: dict[str, dict[str, Reader]] = {
    "getMe": {},
    "getUpdates": {
        "offset": _integer,
        "limit": _integer,
        "timeout": _integer,
        "allowed_updates": _structure,
    },
    "setWebhook": {
        "url": _string,
        "ip_address": _string,
        "max_connections": _integer,
        "allowed_updates": _structure,
        "drop_pending_updates": _boolean,
        "secret_token": _string,
    },
    "deleteWebhook": {"drop_pending_updates": _boolean},
    "getWebhookInfo": {},
    "sendMessage": {
        **_SENDING,
        "text": _string,
        "parse_mode": _string,
        "entities": _structure,
        "link_preview_options": _structure,
    },
    "sendPhoto": {**_CAPTIONED, "photo": _file},
    "sendDocument": {**_CAPTIONED, "document": _file, "disable_content_type_detection": _boolean},
    "sendChatAction": {"chat_id": _integer, "message_thread_id": _integer, "action": _string},
    "editMessageText": {
        "chat_id": _integer,
        "message_id": _integer,
        "text": _string,
        "parse_mode": _string,
        "entities": _structure,
        "link_preview_options": _structure,
        "reply_markup": _structure,
    },
    "deleteMessage": {"chat_id": _integer, "message_id": _integer},
    "answerCallbackQuery": {
        "callback_query_id": _string,
        "text": _string,
        "show_alert": _boolean,
        "url": _string,
        "cache_time": _integer,
    },
    "getFile": {"file_id": _string},
}
ACTIONS = frozenset(
    {
        "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
        "choose_sticker", "find_location", "record_video_note", "upload_video_note",
    }
)  # fmt: skip


def read(method: str, raw: Mapping[str, Any]) -> Json:
    readers = PARAMETERS[method]
    parameters = {}
    for name, value in raw.items():
        reader = readers.get(name)
        if reader is None:
            raise bad(f'unknown parameter "{name}"')
        if value is not None:
            parameters[name] = reader(name, value)
    return parameters


def shown(text: str, parameters: Json, entities: str = "entities") -> tuple[str, list[Json]]:
    """A text without its markup, and its entities."""
    mode = parameters.get("parse_mode", "")
    if mode == "HTML":
        try:
            visible, found = parse_html(text)
        except CannotParse as error:
            raise bad(f"can't parse entities: {error}") from None
    elif mode:
        raise bad(f"unsupported parse_mode: the sandbox knows HTML, not {mode}")
    else:
        visible, found = text, parameters.get(entities, [])
    if "\ud800" <= max(visible, default="") <= "\udfff":
        raise bad("strings must be encoded in UTF-8")
    return visible, found


def check_markup(markup: object, *, private: bool = True) -> None:
    if not isinstance(markup, dict):
        raise bad("object expected as reply markup")
    unknown = markup.keys() - {
        "inline_keyboard", "keyboard", "remove_keyboard", "force_reply", "resize_keyboard", "is_persistent",
        "one_time_keyboard", "input_field_placeholder", "selective",
    }  # fmt: skip
    if unknown:
        raise bad(f'unknown parameter "{min(unknown)}" in the reply markup')
    if len(markup.keys() & {"inline_keyboard", "keyboard", "remove_keyboard", "force_reply"}) != 1:
        raise bad("object expected as reply markup: it is one of four")
    for row in _rows(markup, "inline_keyboard"):
        for button in row:
            _check_button(button)
    for row in _rows(markup, "keyboard"):
        for button in row:
            _check_key(button, private=private)
    if markup.get("remove_keyboard", True) is not True:
        raise bad('field "remove_keyboard" must be True')


def _rows(markup: Json, name: str) -> list[list[object]]:
    rows = markup.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad(f'field "{name}" must be of type Array of Arrays')
    return rows


def _check_key(button: object, *, private: bool) -> None:
    """A key of the keyboard that stands where people write (core.telegram.org/bots/api#keyboardbutton)."""
    if isinstance(button, str):
        button = {"text": button}
    if not isinstance(button, dict) or not isinstance(button.get("text"), str):
        raise bad('can\'t parse keyboard button: Field "text" must be of type String')
    if not button["text"].strip():
        raise bad("keyboard button text must be non-empty")
    if unknown := button.keys() - {"text", "request_contact", "request_location"}:
        raise bad(f'can\'t parse keyboard button: the sandbox does not know "{min(unknown)}"')
    if button.get("request_contact") and not private:
        raise bad("phone number can be requested in private chats only")


def _check_button(button: object) -> None:
    trouble = "can't parse inline keyboard button: "
    if not isinstance(button, dict):
        raise bad(trouble + "InlineKeyboardButton must be an Object")
    if not isinstance(button.get("text"), str):
        raise bad(trouble + 'Field "text" must be of type String')
    if not button["text"].strip():
        raise bad("inline keyboard button text must be non-empty")
    actions = button.keys() - {"text"}
    if len(actions) != 1 or not actions <= {"callback_data", "url"}:
        raise bad(trouble + "Text buttons are unallowed in the inline keyboard")
    if "callback_data" in button and not 1 <= len(str(button["callback_data"]).encode()) <= 64:
        raise bad("BUTTON_DATA_INVALID")
    if "url" in button and not str(button["url"]).startswith(("http://", "https://", "tg://")):
        raise bad(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
