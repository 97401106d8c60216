"""What Slack tells, read into the model's values: the few fields that we need, and nothing further.

Written after docs.slack.dev/reference/events and /reference/interaction-payloads.

What is deleted in Slack stays: a timeline tells what was said, and people here may have answered it already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from omnibot.model import Address, Attachment, ButtonPress, Incoming, IncomingEdit, IncomingMessage, Sender
from omnibot_slack.account import Me
from omnibot_slack.blocks import ACTION
from omnibot_slack.mrkdwn import names, words

CHANNEL = "slack"

# What PostgreSQL and UTF-8 cannot hold: NUL, and halves of surrogate pairs.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_TS = re.compile(r"([0-9]{1,11})\.([0-9]{1,6})")
_SHORT = re.compile(r":([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):")
_CODE = re.compile(r"[0-9a-f]{2,5}(-[0-9a-f]{2,5}){0,15}")
_SAID = ("", "file_share", "thread_broadcast", "me_message")  # subtypes by which people say something
_SLACKBOT = "USLACKBOT"

Fields = Mapping[str, Any]


class Malformed(ValueError):
    """This is nothing that Slack documents; the message names the field."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread in a channel in which somebody wrote without naming us."""

    channel: str
    ts: str
    root_author: str  # '' where Slack does not say


@dataclass(frozen=True, slots=True)
class Heard:
    """What somebody said, where, and in which thread that has to be ours if it is meant for us."""

    arrival: Incoming
    user: str
    channel: str
    thread: Thread | None = None
    otherwise: Incoming | None = None  # what it is where the thread is not ours; None: nothing


def reference(channel: str, ts: str) -> str:
    """Our id of a message: Slack numbers them per channel."""
    return f"{channel}:{ts}"


def dereference(reference: str) -> tuple[str, str]:
    """The channel and the number that a reference means."""
    channel, _, ts = reference.partition(":")
    return channel, ts


def is_direct(channel: str) -> bool:
    """Whether it is the conversation of one person with us alone."""
    return channel.startswith("D")


def context_of(channel: str, thread: str) -> dict[str, str]:
    """What an answer in the same place needs."""
    return {"channel": channel, "thread": thread} if thread else {"channel": channel}


# --- events ------------------------------------------------------------------------------------------------------


def event(body: Fields, me: Me) -> Heard | None:
    """What an event says to us; None where it says nothing to us. Raises Malformed."""
    if not is_of_our_workspace(body, me):
        raise Malformed("team_id is of another workspace")
    inner = object_of(body, "event")
    match text_of(inner, "type"), text_of(inner, "subtype"):
        case "app_mention", _:
            return _message(inner, inner, me, named=True)
        case "message", "message_changed":
            return _edit(inner, me)
        case "message", subtype if subtype in _SAID:
            return _message(inner, inner, me, named=False)
    return None


def _message(event: Fields, message: Fields, me: Me, *, named: bool) -> Heard | None:
    """`event` tells the channel, `message` the rest; they differ when a message was changed."""
    if _is_of_a_machine(message, me):
        return None
    channel, ts, thread_ts = id_of(event, "channel"), text_of(message, "ts"), text_of(message, "thread_ts")
    raw, files = _raw(message), tuple(_attachments(message))
    text = words(raw, me.user, me.name)
    named = named or names(raw, me.user)
    if not (text or files or named):
        return None
    in_thread = thread_ts not in ("", ts)
    arrival = IncomingMessage(
        id=f"{me.team}:{channel}:{ts}",
        at=at_of(ts),
        sender=Sender(_address(message, me)),
        message_id=reference(channel, ts),
        text=text if text or files else f"@{me.name}",
        attachments=files,
        answers=(reference(channel, thread_ts),) if in_thread else (),
        context=context_of(channel, thread_ts if is_direct(channel) else thread_ts or ts),
    )
    heard = Heard(arrival, id_of(message, "user"), channel)
    if is_direct(channel) or named:
        return heard
    return _in_thread(heard, message, thread_ts) if in_thread else None


def _in_thread(heard: Heard, message: Fields, thread_ts: str) -> Heard:
    thread = Thread(heard.channel, thread_ts, text_of(message, "parent_user_id"))
    return Heard(heard.arrival, heard.user, heard.channel, thread)


def _edit(event: Fields, me: Me) -> Heard | None:
    """What somebody made of what they had written; a link's preview changes a message too, but not its text."""
    message, previous = object_of(event, "message"), _optional(event, "previous_message")
    if _is_of_a_machine(message, me) or text_of(message, "subtype") not in _SAID:
        return None
    if previous is not None and text_of(previous, "text", raw=True) == text_of(message, "text", raw=True):
        return None
    named_before = previous is not None and names(text_of(previous, "text"), me.user)
    is_named_now = (
        not is_direct(id_of(event, "channel")) and not named_before and names(text_of(message, "text"), me.user)
    )
    heard = _message(event, message, me, named=named_before or is_named_now)
    if heard is None or not isinstance(heard.arrival, IncomingMessage):
        return None
    said, thread_ts = heard.arrival, text_of(message, "thread_ts")
    is_alone = thread_ts in ("", text_of(message, "ts"))
    if is_named_now and is_alone:
        return heard  # only now it is meant for us
    changed_at = text_of(_optional(message, "edited") or {}, "ts") or text_of(event, "event_ts")
    edit = IncomingEdit(
        id=f"{said.id}:{changed_at}",
        at=at_of(changed_at),
        sender=said.sender,
        message_id=said.message_id,
        text=said.text,
    )
    if is_named_now:  # in a thread of ours it was meant for us before
        thread = _in_thread(heard, message, thread_ts).thread
        return Heard(edit, heard.user, heard.channel, thread, said)
    return Heard(edit, heard.user, heard.channel, heard.thread)


def _is_of_a_machine(message: Fields, me: Me) -> bool:
    """Ours, another bot's, a workflow's, or nobody's."""
    user = message.get("user")
    return user in (None, me.user, _SLACKBOT) or bool(message.get("bot_id"))


# --- buttons and commands ----------------------------------------------------------------------------------------


def press(body: Fields, me: Me) -> Heard | None:
    """A choice of ours that somebody pressed; None for anything else. Raises Malformed."""
    action = next((one for one in list_of(body, "actions") if isinstance(one, dict)), None)
    message, user = _optional(body, "message"), object_of(body, "user")
    if action is None or message is None or not text_of(action, "action_id").startswith(ACTION):
        return None
    if message.get("user") != me.user:
        return None  # the button stands under a message of another workspace's bot
    value = text_of(action, "value")
    if not value:
        return None
    channel, ts, thread_ts = (
        id_of(object_of(body, "channel"), "id"),
        text_of(message, "ts"),
        text_of(message, "thread_ts"),
    )
    who, pressed_at = id_of(user, "id"), text_of(action, "action_ts")
    arrival = ButtonPress(
        id=f"{me.team}:{channel}:{ts}:{who}:{pressed_at}",
        at=at_of(pressed_at),
        sender=Sender(Address(CHANNEL, f"{_team(user, 'team_id', me)}/{who}")),
        value=value,
        message_id=reference(channel, ts),
        context=context_of(channel, "" if is_direct(channel) and thread_ts == ts else thread_ts),
    )
    return Heard(arrival, who, channel)


def command(body: Fields, me: Me, now: datetime) -> Heard | None:
    """What somebody said by a slash command. It is answered directly: nobody else in that channel saw the question."""
    if body.get("team_id") != me.team:
        return None
    who, text = id_of(body, "user_id"), text_of(body, "text").strip()
    id = f"{me.team}:command:{text_of(body, 'trigger_id')}"
    said = words(text, me.user, me.name) or text_of(body, "command")
    sender = Sender(Address(CHANNEL, f"{me.team}/{who}"))
    return Heard(
        IncomingMessage(id=id, at=now, sender=sender, message_id=id, text=said), who, id_of(body, "channel_id")
    )


# --- who, where --------------------------------------------------------------------------------------------------


def is_of_our_workspace(body: Fields, me: Me) -> bool:
    """Whether an event reached us through our own workspace: the same app can be installed in others."""
    through = [one.get("team_id") for one in list_of(body, "authorizations") if isinstance(one, dict)]
    return me.team in (*through, body.get("context_team_id"), body.get("team_id"))


def _address(message: Fields, me: Me) -> Address:
    return Address(CHANNEL, f"{_team(message, 'user_team', me)}/{id_of(message, 'user')}")


def _team(fields: Fields, name: str, me: Me) -> str:
    """The workspace of the author, which is another one in channels that companies share."""
    for said in (fields.get(name), fields.get("team")):
        if isinstance(said, str) and said.startswith("T"):
            return said
    return me.team


# --- what --------------------------------------------------------------------------------------------------------


def content(message: Fields, me: Me) -> tuple[str, tuple[Attachment, ...]]:
    """The words and files of a message; raises Malformed."""
    return words(_raw(message), me.user, me.name), tuple(_attachments(message))


def _raw(message: Fields) -> str:
    """The text as Slack writes it, but with emoji themselves; of a message that was passed on, what that said."""
    text = text_of(message, "text")
    if text:
        return _with_emoji(text, dict(_emoji(list_of(message, "blocks"))))
    passed_on = (one for one in list_of(message, "attachments") if isinstance(one, dict))
    return "\n".join(said for one in passed_on if (said := text_of(one, "text") or text_of(one, "fallback")))


def _with_emoji(text: str, known: Mapping[str, str]) -> str:
    """`:wave:` as what was typed; a workspace's own emoji have nothing but their names."""
    return _SHORT.sub(lambda match: known.get(match[1], match[0]), text) if known else text


def _emoji(elements: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """The emoji of rich text, by the name that stands in the text."""
    waiting = list(elements)
    while waiting:
        element = waiting.pop()
        if not isinstance(element, dict):
            continue
        waiting += list_of(element, "elements")
        name, code, tone = element.get("name"), element.get("unicode"), element.get("skin_tone")
        if element.get("type") == "emoji" and isinstance(name, str) and isinstance(code, str) and _CODE.fullmatch(code):
            characters = "".join(chr(int(point, 16)) for point in code.split("-"))
            yield (f"{name}::skin-tone-{tone}" if tone else name), characters


def _attachments(message: Fields) -> Iterator[Attachment]:
    for file in list_of(message, "files"):
        if isinstance(file, dict) and file.get("mode") not in ("tombstone", "hidden_by_limit"):
            yield Attachment(
                name=text_of(file, "name") or text_of(file, "title") or "file",
                media_type=text_of(file, "mimetype") or "application/octet-stream",
                size=size if type(size := file.get("size")) is int and 0 < size < 2**63 else None,
                ref=id_of(file, "id"),
            )


# --- fields ------------------------------------------------------------------------------------------------------


def object_of(fields: Fields, name: str) -> dict[str, Any]:
    """A field that is an object; raises Malformed."""
    value = fields.get(name)
    if not isinstance(value, dict):
        raise Malformed(f"{name} is not an object")
    return value


def _optional(fields: Fields, name: str) -> dict[str, Any] | None:
    return None if fields.get(name) is None else object_of(fields, name)


def list_of(fields: Fields, name: str) -> Sequence[Any]:
    """A field that is a list; nothing where it is none."""
    value = fields.get(name)
    return value if isinstance(value, list) else ()


def id_of(fields: Fields, name: str) -> str:
    """A field that is an id; raises Malformed."""
    value = fields.get(name)
    if not (isinstance(value, str) and value.isascii() and value.isalnum()):
        raise Malformed(f"{name} is not an id")
    return value


def text_of(fields: Fields, name: str, *, raw: bool = False) -> str:
    """A field that is a text, '' where it is not there; raises Malformed."""
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(f"{name} is not a string")
    return value if raw else storable(value)


def storable(text: str) -> str:
    """A text that the database can hold."""
    return text if text.isascii() and "\x00" not in text else _UNSTORABLE.sub("\ufffd", text)


def at_of(ts: str) -> datetime:
    """When something was: Slack's numbers are seconds, with a counter behind the point. Raises Malformed."""
    if not (parts := _TS.fullmatch(ts)):
        raise Malformed("ts is not a time")
    return datetime.fromtimestamp(int(parts[1]), UTC).replace(microsecond=int(parts[2]))
