"""Messages of the app: chat.postMessage and what belongs to it."""

from __future__ import annotations

import re

from omnibot.sandbox.slack import blocks
from omnibot.sandbox.slack.call import Call, Handlers
from omnibot.sandbox.slack.parameters import ApiError, Json, wrong
from omnibot.sandbox.slack.workspace import Room

TEXT = 40_000  # characters of a new message; Slack truncates, see `_text`
UPDATED = 4_000  # characters of the text of an updated one
ATTACHMENTS = 100
METADATA = 8_000  # bytes
_TS = re.compile(r"[0-9]{1,10}\.[0-9]{6}")


def _post_message(call: Call) -> Json:
    room = _writable(call)
    message: Json = {"type": "message", **_author(call), **_content(call, TEXT), **_metadata(call)}
    message |= _thread(call, room)
    posted = call.workspace.post(room, message)
    _show(call, room, posted)
    call.parameters |= {"channel": room.id, "ts": posted["ts"]}
    return {"channel": room.id, "ts": posted["ts"], "message": posted}


def _post_ephemeral(call: Call) -> Json:
    room = _writable(call)
    person = call.workspace.people.get(call.parameters["user"])
    if person is None or person.id not in room.members:
        raise ApiError("user_not_in_channel")
    ts = call.workspace.sandbox.clock.ts()
    message: Json = {"type": "message", **_author(call), **_content(call, TEXT), "ts": ts, "is_ephemeral": True}
    if "thread_ts" in call.parameters:
        message["thread_ts"] = call.parameters["thread_ts"]
    person.whisper(room, message)
    _show(call, room, message)
    call.to = person.id
    call.parameters |= {"channel": room.id, "message_ts": ts}
    return {"message_ts": ts}


def _update(call: Call) -> Json:
    room, old = _mine(call, "cant_update_message")
    content = _content(call, UPDATED)
    if "blocks" not in content and "text" in call.parameters:
        content["blocks"] = []
    ts = call.parameters["ts"]
    edited: Json = {"user": call.workspace.bot_user, "ts": call.workspace.sandbox.clock.ts()}
    call.workspace.change(room, ts, {**old, **content, **_metadata(call), "edited": edited})
    message = room.messages[ts]
    _show(call, room, message)
    return {"channel": room.id, "ts": ts, "text": message["text"], "message": message}


def _delete(call: Call) -> Json:
    room, _ = _mine(call, "cant_delete_message")
    call.workspace.remove(room, call.parameters["ts"])
    return {"channel": room.id, "ts": call.parameters["ts"]}


def _get_permalink(call: Call) -> Json:
    room, ts = call.room(), call.parameters["message_ts"]
    if ts not in room.messages:
        raise ApiError("message_not_found")
    link = f"https://{call.workspace.domain}.slack.com/archives/{room.id}/p{ts.replace('.', '')}"
    thread = room.messages[ts].get("thread_ts", ts)
    return {"channel": room.id, "permalink": link if thread == ts else f"{link}?thread_ts={thread}&cid={room.id}"}


METHODS: Handlers = {
    "chat.postMessage": _post_message,
    "chat.postEphemeral": _post_ephemeral,
    "chat.update": _update,
    "chat.delete": _delete,
    "chat.getPermalink": _get_permalink,
}


# --- where ---------------------------------------------------------------------------------------------------


def _writable(call: Call) -> Room:
    """Where to write; a user's id stands for the direct message with them."""
    workspace = call.workspace
    channel = call.parameters["channel"]
    if channel in workspace.people:
        return _direct(call, channel)
    room = call.room()
    if room.archived:
        raise ApiError("is_archived")
    if room.kind != "im" and workspace.bot_user not in room.members and "chat:write.public" not in workspace.scopes:
        raise ApiError("not_in_channel")
    return room


def _direct(call: Call, user: str) -> Room:
    if call.workspace.people[user].is_bot:
        raise ApiError("cannot_dm_bot")
    return call.workspace.direct(user)


def _thread(call: Call, room: Room) -> Json:
    """The thread of a new message: an answer to an answer is one to what was answered."""
    ts = call.parameters.get("thread_ts")
    if ts is None:
        return {}
    if not _TS.fullmatch(ts):
        raise ApiError("invalid_thread_ts")
    if ts not in room.messages:
        raise ApiError("thread_not_found")
    thread: Json = {"thread_ts": room.messages[ts].get("thread_ts", ts)}
    return thread | ({"subtype": "thread_broadcast"} if call.parameters.get("reply_broadcast") else {})


def _mine(call: Call, error: str) -> tuple[Room, Json]:
    """One of the app's own messages."""
    room = call.room()
    message = room.messages.get(call.parameters["ts"])
    if message is None:
        raise ApiError("message_not_found")
    if message.get("bot_id") != call.workspace.bot_id:
        raise ApiError(error)
    return room, message


# --- what ----------------------------------------------------------------------------------------------------


def _author(call: Call) -> Json:
    workspace = call.workspace
    author: Json = {
        "user": workspace.bot_user,
        "bot_id": workspace.bot_id,
        "app_id": workspace.app.id,
        "team": workspace.team,
        "bot_profile": {
            "id": workspace.bot_id, "app_id": workspace.app.id, "name": workspace.bot_name, "deleted": False,
            "team_id": workspace.team,
        },
    }  # fmt: skip
    if {"username", "icon_emoji", "icon_url"} & call.parameters.keys():
        call.needs("chat:write.customize")
        return author | {"subtype": "bot_message", "username": call.parameters.get("username", workspace.bot_name)}
    return author


def _content(call: Call, most: int) -> Json:
    """Text and blocks, checked."""
    given = call.parameters
    if "markdown_text" in given and {"text", "blocks"} & given.keys():
        raise ApiError("markdown_text_conflict")
    text = given.get("markdown_text") or given.get("text", "")
    if not (text.strip() or given.get("blocks") or given.get("attachments")):
        raise ApiError("no_text")
    if len(text) > most:
        raise ApiError("msg_too_long")
    return {"text": text, **_blocks(call), **_attachments(call)}


def _blocks(call: Call) -> Json:
    given = call.parameters.get("blocks")
    if given is None:
        return {}
    if not isinstance(given, list):
        raise ApiError("invalid_blocks_format")
    if faults := blocks.faults_of(given):
        raise ApiError("invalid_blocks", messages=faults)
    if len(blocks.text_of(given, str)) > blocks.ALL_TEXT:
        raise ApiError("msg_blocks_too_long")
    clock = call.workspace.sandbox.clock
    return {"blocks": blocks.with_ids(given, lambda: clock.id("")[-5:])}


def _attachments(call: Call) -> Json:
    given = call.parameters.get("attachments")
    if given is None:
        return {}
    if not isinstance(given, list):
        raise ApiError("invalid_attachments")
    if len(given) > ATTACHMENTS:
        raise ApiError("too_many_attachments")
    return {"attachments": given}


def _metadata(call: Call) -> Json:
    given = call.parameters.get("metadata")
    if given is None:
        return {}
    if not isinstance(given, dict) or not isinstance(given.get("event_type"), str):
        raise ApiError("invalid_metadata_format")
    if not isinstance(given.get("event_payload"), dict):
        raise ApiError("invalid_metadata_format")
    if len(str(given)) > METADATA:
        raise ApiError("metadata_too_large")
    if given.keys() - {"event_type", "event_payload"}:
        raise wrong("invalid additional property [json-pointer:/metadata]")
    return {"metadata": given}


def _show(call: Call, room: Room, message: Json) -> None:
    """What the customer gets to read, for the ledger."""
    shown = call.workspace.shown(room, message)
    call.to, call.text, call.choices = (
        call.workspace.answered_at(room, message.get("thread_ts", "")),
        shown.text,
        shown.choices,
    )
