"""Messages of the app: chat.postMessage and what belongs to it."""

from __future__ import annotations

import orjson

from omnibot.sandbox.slack import content
from omnibot.sandbox.slack.call import Call, Handlers
from omnibot.sandbox.slack.parameters import ApiError, Json
from omnibot.sandbox.slack.rooms import Room

UPDATED = 4_000  # bytes of an updated text: the page says characters, people measured bytes
METADATA = 8_000  # bytes
_FACE = frozenset({"username", "icon_emoji", "icon_url"})


def _post_message(call: Call) -> Json:
    room = _writable(call)
    message: Json = {"type": "message", **_author(call), **content.said(call), **_metadata(call)}
    message |= content.thread(call, room)
    if "thread_ts" in message and call.parameters.get("reply_broadcast"):
        message["subtype"] = "thread_broadcast"
    posted = call.workspace.post(room, message)
    content.show(call, room, posted)
    call.parameters |= {"channel": room.id, "ts": posted["ts"]}
    return {"channel": room.id, "ts": posted["ts"], "message": posted}


def _post_ephemeral(call: Call) -> Json:
    room = _writable(call)
    person = call.workspace.people.get(call.parameters["user"])
    if person is None or person.id not in room.members:
        raise ApiError("user_not_in_channel")
    message: Json = {"type": "message", **_author(call), **content.said(call), **content.thread(call, room)}
    message |= {"ts": call.workspace.sandbox.clock.ts(), "is_ephemeral": True}
    person.whisper(room, message)
    content.show(call, room, message)
    call.to = person.id
    call.parameters |= {"channel": room.id, "message_ts": message["ts"]}
    return {"message_ts": message["ts"]}


def _update(call: Call) -> Json:
    room, old = _mine(call, "cant_update_message")
    if room.archived:
        raise ApiError("is_inactive")
    if len(call.parameters.get("text", "").encode("utf-8", "surrogatepass")) > UPDATED:
        raise ApiError("msg_too_long")
    new = content.said(call)
    if "text" not in call.parameters:
        new["text"] = old["text"]
    elif "blocks" not in new:
        new["blocks"] = []  # a new text takes the place of old blocks
    if "blocks" not in call.parameters:
        new["edited"] = {"user": call.workspace.bot_user, "ts": call.workspace.sandbox.clock.ts()}
    ts = call.parameters["ts"]
    if call.parameters.get("metadata") == {}:  # which takes away what was there
        room.messages[ts] = {name: value for name, value in old.items() if name != "metadata"}
    else:
        new |= _metadata(call)
    call.workspace.change(room, ts, new)
    message = room.messages[ts]
    content.show(call, room, message)
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


def _writable(call: Call) -> Room:
    """Where to write; a user's id stands for the direct message with them.

    Who is deactivated can still be written to, as in Slack: only conversations.open and users.info tell.
    """
    workspace = call.workspace
    person = workspace.people.get(call.parameters["channel"])
    if person is not None:
        if person.is_bot:
            raise ApiError("cannot_dm_bot")
        return workspace.direct(person.id)
    room = call.room()
    if room.archived:
        raise ApiError("is_archived")
    if room.kind != "im" and workspace.bot_user not in room.members and "chat:write.public" not in workspace.scopes:
        raise ApiError("not_in_channel")
    return room


def _mine(call: Call, error: str) -> tuple[Room, Json]:
    """One of the app's own messages."""
    room = call.room()
    message = room.messages.get(call.parameters["ts"])
    if message is None or message.get("subtype") == "tombstone":
        raise ApiError("message_not_found")
    if message.get("bot_id") != call.workspace.bot_id:
        raise ApiError(error)
    return room, message


def _author(call: Call) -> Json:
    author = content.author(call)
    if not _FACE & call.parameters.keys():
        return author
    call.needs("chat:write.customize")
    return author | {"subtype": "bot_message", "username": call.parameters.get("username", call.workspace.bot_name)}


def _metadata(call: Call) -> Json:
    given = call.parameters.get("metadata")
    if given is None:
        return {}
    if (
        not isinstance(given, dict)
        or given.keys() != {"event_type", "event_payload"}
        or not isinstance(given["event_type"], str)
        or not isinstance(given["event_payload"], dict)
    ):
        raise ApiError("invalid_metadata_format")
    if len(orjson.dumps(given)) > METADATA:
        raise ApiError("metadata_too_large")
    return {"metadata": given}
