"""What Telegram tells, read into the model's values: the few fields that we need, and nothing further.

Written after core.telegram.org/bots/api#update. Building aiogram's Update costs some hundred microseconds a message,
this some ten.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from omnibot.model import (
    Address,
    Attachment,
    ButtonPress,
    Contact,
    Identifier,
    IdentifierKind,
    Incoming,
    IncomingEdit,
    IncomingMessage,
    Location,
    Sender,
)

CHANNEL = "telegram"
ALLOWED = ("message", "edited_message", "callback_query")

# What PostgreSQL and UTF-8 cannot hold: NUL, and halves of surrogate pairs.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LAST_SECOND = 253402300799  # of the year 9999

Fields = Mapping[str, Any]


class Malformed(ValueError):
    """This is no update as Telegram documents it; the message names the field."""


@dataclass(frozen=True, slots=True)
class Me:
    """Our bot."""

    id: int
    username: str


def loads(body: bytes | str) -> Any:  # noqa: ANN401 - it is JSON, whatever that holds
    """Read JSON; half a surrogate pair, which people's keyboards do produce, is no reason to lose a message.

    Raises ValueError.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if "surrogate" not in str(error):
            raise
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def update_id(update: object) -> int:
    """The number of an update; raises Malformed."""
    return _integer(_object(update, "update"), "update_id")


def read(update: object, me: Me, now: datetime) -> Incoming | None:
    """What an update says to us; None where it says nothing to us. Raises Malformed.

    `now` dates what Telegram does not date: a pressed button.
    """
    fields = _object(update, "update")
    id = f"{me.id}:{update_id(fields)}"
    if "message" in fields:
        return _message(id, _object(fields["message"], "message"), me)
    if "edited_message" in fields:
        return _edit(id, _object(fields["edited_message"], "edited_message"), me)
    if "callback_query" in fields:
        return _press(id, _object(fields["callback_query"], "callback_query"), now)
    return None


def query_id(update: Fields) -> str | None:
    """The id by which a pressed button is answered, so that it stops spinning."""
    query = update.get("callback_query")
    return query["id"] if isinstance(query, dict) and isinstance(query.get("id"), str) else None


def reference(chat: int, message: int) -> str:
    """Our id of a message: Telegram numbers them per chat, and one person can be in several groups."""
    return str(message) if chat > 0 else f"{chat}:{message}"


def dereference(reference: str, private: int) -> tuple[int, int]:
    """The chat and the message that a reference means; without a chat it is the private one."""
    chat, _, message = reference.rpartition(":")
    return int(chat) if chat else private, int(message)


# --- the kinds of updates --------------------------------------------------------------------------------------


def _message(id: str, message: Fields, me: Me) -> IncomingMessage | None:
    if not _is_for_us(message, me):
        return None
    text, attachments = _text(message), tuple(_attachments(message))
    location, contact = _location(message), _contact(message)
    if not (text or attachments or location or contact):
        return None  # somebody joined, a title changed, …
    return IncomingMessage(
        id=id,
        at=_date(message, "date"),
        sender=_sender(message, tuple(_vouched(contact))),
        message_id=_reference(message),
        text=text,
        attachments=attachments,
        location=location,
        contact=contact,
        answers=_answers(message),
        context=_context(message),
    )


def _edit(id: str, message: Fields, me: Me) -> IncomingEdit | None:
    text = _text(message)
    if not text or not _is_for_us(message, me):
        return None  # a live location that moved, a keyboard that changed
    return IncomingEdit(
        id=id,
        at=_date(message, "edit_date" if "edit_date" in message else "date"),
        sender=_sender(message),
        message_id=_reference(message),
        text=text,
    )


def _press(id: str, query: Fields, now: datetime) -> ButtonPress | None:
    value = _string(query, "data")
    if not value or _is_bot(query):
        return None
    message = _optional(query, "message")
    return ButtonPress(
        id=id,
        at=now,
        sender=_sender(query),
        value=value,
        message_id=_reference(message) if message else "",
        context=_context(message) if message else {},
    )


# --- who, where, to whom ---------------------------------------------------------------------------------------


def _sender(fields: Fields, vouched: tuple[Identifier, ...] = ()) -> Sender:
    who = _object(fields.get("from"), "from")
    name = f"{_string(who, 'first_name')} {_string(who, 'last_name')}".strip()
    language = _string(who, "language_code").partition("-")[0].lower()
    return Sender(Address(CHANNEL, str(_integer(who, "id"))), name, language, vouched=vouched)


def _vouched(contact: Contact | None) -> Iterator[Identifier]:
    """The number that Telegram knows the sender by, once they have shared it; often without its plus."""
    if contact is not None and contact.own and contact.phone:
        yield Identifier(IdentifierKind.PHONE, f"+{contact.phone.removeprefix('+')}")


def _is_bot(fields: Fields) -> bool:
    return _object(fields.get("from"), "from").get("is_bot") is True


def _is_for_us(message: Fields, me: Me) -> bool:
    """Not from a bot (ours is one), and in a group only what names us or answers us."""
    if "from" not in message or _is_bot(message):
        return False  # without a sender it is a channel's own post
    return _chat_id(message) > 0 or _answers_us(message, me) or _names_us(message, me)


def _answers_us(message: Fields, me: Me) -> bool:
    answered = _optional(message, "reply_to_message")
    author = _optional(answered, "from") if answered else None
    return author is not None and author.get("id") == me.id


def _names_us(message: Fields, me: Me) -> bool:
    kind = "text" if "text" in message else "caption"
    units = _string(message, kind, raw=True).encode("utf-16-le", "surrogatepass")  # what offsets count
    return any(
        _is_us(entity, units, me)
        for entity in _list(message, "entities" if kind == "text" else "caption_entities")
        if isinstance(entity, dict)
    )


def _is_us(entity: Fields, units: bytes, me: Me) -> bool:
    match entity.get("type"):
        case "text_mention":
            user = entity.get("user")
            return isinstance(user, dict) and user.get("id") == me.id
        case "mention" | "bot_command":
            start, length = _integer(entity, "offset"), _integer(entity, "length")
            words = units[2 * start : 2 * (start + length)].decode("utf-16-le", "replace").lower()
            return words.endswith(f"@{me.username.lower()}")
    return False


def _chat_id(message: Fields) -> int:
    return _integer(_object(message.get("chat"), "chat"), "id")


def _reference(message: Fields) -> str:
    return reference(_chat_id(message), _integer(message, "message_id"))


def _answers(message: Fields) -> tuple[str, ...]:
    answered = _optional(message, "reply_to_message")
    return () if answered is None else (reference(_chat_id(message), _integer(answered, "message_id")),)


def _context(message: Fields) -> dict[str, str]:
    """A group wants the answer where the question was; a private chat is known by its address."""
    chat = _chat_id(message)
    if chat > 0:
        return {}
    context = {"chat": str(chat), "message": str(_integer(message, "message_id"))}
    if message.get("is_topic_message") is True:
        context["thread"] = str(_integer(message, "message_thread_id"))
    return context


# --- what --------------------------------------------------------------------------------------------------------


def _text(message: Fields) -> str:
    return _string(message, "text") or _string(message, "caption") or _shown(message)


def _shown(message: Fields) -> str:
    """What stands for a text where there is none."""
    for kind, name in (("sticker", "emoji"), ("dice", "emoji"), ("poll", "question")):
        if kind in message:
            return _string(_object(message[kind], kind), name)
    return ""


# field of a message, extension and media type where Telegram does not say
_FILES = (
    ("animation", "mp4", "video/mp4"),
    ("document", "bin", "application/octet-stream"),
    ("video", "mp4", "video/mp4"),
    ("audio", "mp3", "audio/mpeg"),
    ("voice", "ogg", "audio/ogg"),
    ("video_note", "mp4", "video/mp4"),
    ("sticker", "webp", "image/webp"),
)


def _attachments(message: Fields) -> Iterator[Attachment]:
    if sizes := [size for size in _list(message, "photo") if isinstance(size, dict)]:
        largest = max(sizes, key=lambda size: _count(size, "width") * _count(size, "height"))
        yield _attachment(largest, "photo.jpg", "image/jpeg")
    for kind, extension, media_type in _FILES:
        if (file := _optional(message, kind)) is not None:
            yield _attachment(file, f"{kind}.{extension}", media_type)
            return  # an animation comes as a document too


def _attachment(file: Fields, name: str, media_type: str) -> Attachment:
    return Attachment(
        name=_string(file, "file_name") or name,
        media_type=_string(file, "mime_type") or media_type,
        size=_count(file, "file_size") or None,
        ref=_string(file, "file_id"),
    )


def _location(message: Fields) -> Location | None:
    venue = _optional(message, "venue")
    point = _optional(message if venue is None else venue, "location")
    if point is None:
        return None
    label = "" if venue is None else f"{_string(venue, 'title')}, {_string(venue, 'address')}".strip(", ")
    return Location(_number(point, "latitude", 90), _number(point, "longitude", 180), label)


def _contact(message: Fields) -> Contact | None:
    card = _optional(message, "contact")
    if card is None:
        return None
    return Contact(
        name=f"{_string(card, 'first_name')} {_string(card, 'last_name')}".strip(),
        phone=_string(card, "phone_number"),
        # Telegram fills in the user's id, the sender cannot: only then it is their own number
        own="user_id" in card and card["user_id"] == _object(message["from"], "from").get("id"),
    )


# --- fields ----------------------------------------------------------------------------------------------------


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{name} is not an object")
    return value


def _optional(fields: Fields, name: str) -> dict[str, Any] | None:
    value = fields.get(name)
    return None if value is None else _object(value, name)


def _list(fields: Fields, name: str) -> list[Any]:
    value = fields.get(name)
    return value if isinstance(value, list) else []


def _integer(fields: Fields, name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or abs(value) >= 2**63:
        raise Malformed(f"{name} is not an integer")
    return value


def _count(fields: Fields, name: str) -> int:
    value = fields.get(name)
    return value if type(value) is int and 0 <= value < 2**63 else 0


def _number(fields: Fields, name: str, most: float) -> float:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= most:
        raise Malformed(f"{name} is not a number up to {most}")
    return float(value)


def _string(fields: Fields, name: str, *, raw: bool = False) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise Malformed(f"{name} is not a string")
    return value if raw or (value.isascii() and "\x00" not in value) else _UNSTORABLE.sub("\ufffd", value)


def _date(message: Fields, name: str) -> datetime:
    seconds = _integer(message, name)
    if not 0 <= seconds <= _LAST_SECOND:
        raise Malformed(f"{name} is not a time")
    return datetime.fromtimestamp(seconds, UTC)
