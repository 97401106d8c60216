"""Files: the three steps by which an app uploads one, and what is known of one.

Source: docs.slack.dev/messaging/working-with-files. Laxer than Slack: a completed file is shared at once, not soon.
"""

from __future__ import annotations

import mimetypes
import secrets

from omnibot.sandbox.slack import content
from omnibot.sandbox.slack.call import Call, Handlers
from omnibot.sandbox.slack.parameters import ApiError, Json, wrong
from omnibot.sandbox.slack.rooms import Room, StoredFile, Ticket

LARGEST = 1_000_000_000  # bytes


def _get_upload_url(call: Call) -> Json:
    length = call.parameters["length"]
    if length <= 0:
        raise wrong("must be greater than 0 [json-pointer:/length]")
    if length > LARGEST:
        raise ApiError("file_upload_size_restricted")
    workspace = call.workspace
    media_type = mimetypes.guess_type(call.parameters["filename"])[0] or "application/octet-stream"
    file = workspace.store(call.parameters["filename"], media_type, b"", workspace.bot_user)
    ticket = secrets.token_urlsafe(24)
    workspace.tickets[ticket] = Ticket(file, length)
    return {"upload_url": f"{workspace.sandbox.url}/upload/v1/{ticket}", "file_id": file.id}


def _complete_upload(call: Call) -> Json:
    files = [_uploaded(call, item) for item in _items(call)]
    rooms = _rooms(call)
    for file, title in files:
        file.title = title or file.name
    for room in rooms:
        _share(call, room, [file for file, _ in files])
    call.workspace.finish(file for file, _ in files)
    described = [call.workspace.described(file) for file, _ in files]
    call.parameters["files"] = [{"id": file.id, "title": file.title, "name": file.name} for file, _ in files]
    return {"files": described}


def _info(call: Call) -> Json:
    file = _visible(call)
    shares: Json = {}
    for room, message in call.workspace.shares(file):
        kind = "public" if room.kind == "channel" else "private"
        share: Json = {key: message[key] for key in ("ts", "thread_ts", "reply_count") if key in message}
        share["team_id"] = call.workspace.team
        shares.setdefault(kind, {}).setdefault(room.id, []).append(share)
    rooms = sorted(file.shared)
    where: Json = {
        "shares": shares,
        "channels": [id for id in rooms if call.workspace.rooms[id].kind == "channel"],
        "groups": [id for id in rooms if call.workspace.rooms[id].kind == "group"],
        "ims": [id for id in rooms if call.workspace.rooms[id].kind == "im"],
    }
    return {"file": call.workspace.described(file) | where, "comments": [], "response_metadata": {"next_cursor": ""}}


def _delete(call: Call) -> Json:
    file = _visible(call)
    if file.user != call.workspace.bot_user:
        raise ApiError("cant_delete_file")
    call.workspace.forget(file)
    return {}


METHODS: Handlers = {
    "files.getUploadURLExternal": _get_upload_url,
    "files.completeUploadExternal": _complete_upload,
    "files.info": _info,
    "files.delete": _delete,
}


def _items(call: Call) -> list[Json]:
    items = call.parameters["files"]
    if not isinstance(items, list) or not items:
        raise wrong("must provide an array [json-pointer:/files]")
    for number, item in enumerate(items):
        if not isinstance(item, dict) or not isinstance(item.get("id"), str):
            raise wrong(f"missing required field: id [json-pointer:/files/{number}]")
    return items


def _uploaded(call: Call, item: Json) -> tuple[StoredFile, str]:
    """A file of this app whose bytes are there and which has not been completed before."""
    for ticket in call.workspace.tickets.values():
        if ticket.file.id == item["id"] and ticket.uploaded:
            return ticket.file, str(item.get("title", ""))
    raise ApiError("file_not_found")


def _rooms(call: Call) -> list[Room]:
    """Where to share; nowhere: the file stays the app's own."""
    given = call.parameters
    if "channel_id" in given and "channels" in given:
        raise ApiError("invalid_arguments")
    ids = [given["channel_id"]] if "channel_id" in given else given.get("channels", "").split(",")
    rooms = []
    for id in filter(None, ids):
        room = call.workspace.rooms.get(id)
        if room is None:
            raise ApiError("channel_not_found")
        if room.kind != "im" and call.workspace.bot_user not in room.members:
            raise ApiError("not_in_channel")
        if room.archived:
            raise ApiError("posting_to_channel_denied")
        rooms.append(room)
    return rooms


def _share(call: Call, room: Room, files: list[StoredFile]) -> None:
    for file in files:
        file.shared.add(room.id)
    given = call.parameters
    message: Json = {
        "type": "message",
        **content.author(call),
        "subtype": "file_share",
        "upload": True,
        "display_as_bot": False,
        **content.words(call, given.get("initial_comment", ""), given.get("blocks")),
        **content.thread(call, room),
        "files": [call.workspace.described(file) for file in files],
    }
    content.show(call, room, call.workspace.post(room, message))


def _visible(call: Call) -> StoredFile:
    """A file that the app's bot can see: its own, or shared where it is."""
    file = call.workspace.files.get(call.parameters["file"])
    if file is None or not call.workspace.sees(file):
        raise ApiError("file_not_found")
    return file
