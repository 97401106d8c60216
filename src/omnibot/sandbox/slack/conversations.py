"""Conversations: opening, finding, joining and reading them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from omnibot.sandbox.slack.call import Call, Handlers
from omnibot.sandbox.slack.parameters import ApiError, Json
from omnibot.sandbox.slack.rooms import Room

MOST_USERS = 8  # whom conversations.open takes at once
PAGE, LARGEST_PAGE = 100, 999  # messages, members, users
_TYPES = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
_SCOPES = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
_HIDDEN = frozenset({"parent_user_id", "metadata"})  # fields of a message that history does not always show

Item = TypeVar("Item")


def _open(call: Call) -> Json:
    given = call.parameters
    if "channel" in given:
        room = call.room()
        if room.kind not in ("im", "mpim"):
            raise ApiError("method_not_supported_for_channel_type")
        call.needs(f"{room.scope}:write")
        return _opened(call, room, already=True)
    users = [user.strip() for user in given.get("users", "").split(",") if user.strip()]
    call.needs("im:write" if len(users) == 1 else "mpim:write")
    _check_users(call, users)
    known = set(call.workspace.rooms)
    room = call.workspace.direct(users[0]) if len(users) == 1 else call.workspace.group(users)
    return _opened(call, room, already=room.id in known)


def _check_users(call: Call, users: Sequence[str]) -> None:
    if not users:
        raise ApiError("users_list_not_supplied")
    if len(users) > MOST_USERS:
        raise ApiError("too_many_users")
    for user in users:
        person = call.workspace.people.get(user)
        if person is None:
            raise ApiError("user_not_found")
        if person.deleted:
            raise ApiError("user_disabled")
        if person.is_bot:
            raise ApiError("cannot_dm_bot")


def _opened(call: Call, room: Room, *, already: bool) -> Json:
    call.parameters["channel"] = room.id
    full = _described(call, room) if call.parameters.get("return_im") else {"id": room.id}
    return {"channel": full} | ({"no_op": True, "already_open": True} if already else {})


def _info(call: Call) -> Json:
    room = call.room()
    call.needs(f"{room.scope}:read")
    described = _described(call, room)
    if call.parameters.get("include_num_members"):
        described["num_members"] = len(room.members)
    if call.parameters.get("include_locale"):
        described["locale"] = "en-US"
    return {"channel": described}


def _list(call: Call) -> Json:
    kinds = [kind.strip() for kind in call.parameters.get("types", "public_channel").split(",") if kind.strip()]
    if not kinds or not _TYPES.keys() >= set(kinds):
        raise ApiError("invalid_types")
    wanted = [_TYPES[kind] for kind in kinds]
    for kind in wanted:
        call.needs(f"{_SCOPES[kind]}:read")
    rooms = [room for room in call.workspace.rooms.values() if room.kind in wanted and _visible(call, room)]
    if call.parameters.get("exclude_archived"):
        rooms = [room for room in rooms if not room.archived]
    page, metadata = paged(call, rooms)
    return {"channels": [_described(call, room) for room in page], **metadata}


def _visible(call: Call, room: Room) -> bool:
    return room.kind in ("channel", "im") or call.workspace.bot_user in room.members


def _members(call: Call) -> Json:
    room = call.room()
    call.needs(f"{room.scope}:read")
    members = sorted(room.members | ({call.workspace.bot_user} if room.kind == "im" else set()))
    page, metadata = paged(call, members)
    return {"members": page, **metadata}


def _join(call: Call) -> Json:
    room = call.room()
    if room.kind != "channel":
        raise ApiError("method_not_supported_for_channel_type")
    if room.archived:
        raise ApiError("is_archived")
    call.needs("channels:join")
    if call.workspace.bot_user in room.members:
        call.warnings.append("already_in_channel")
    else:
        call.workspace.join(room, call.workspace.bot_user)
    return {"channel": _described(call, room)}


def _history(call: Call) -> Json:
    room = _readable(call)
    top = [message for message in room.messages.values() if _is_top(message)]
    return _read(call, list(reversed(_between(call, top))))


def _is_top(message: Json) -> bool:
    """Whether a message stands in the conversation itself, not only in a thread."""
    return message.get("thread_ts", message["ts"]) == message["ts"] or message.get("subtype") == "thread_broadcast"


def _replies(call: Call) -> Json:
    room = _readable(call)
    message = room.messages.get(call.parameters["ts"])
    if message is None:
        raise ApiError("thread_not_found")
    parent, *answers = room.thread(str(message.get("thread_ts", message["ts"])))
    return _read(call, [parent, *_between(call, answers)])


METHODS: Handlers = {
    "conversations.open": _open,
    "conversations.info": _info,
    "conversations.list": _list,
    "conversations.members": _members,
    "conversations.join": _join,
    "conversations.history": _history,
    "conversations.replies": _replies,
}


# --- reading -------------------------------------------------------------------------------------------------


def _readable(call: Call) -> Room:
    room = call.room()
    call.needs(f"{room.scope}:history")
    if room.kind != "im" and call.workspace.bot_user not in room.members:
        raise ApiError("not_in_channel")
    return room


def _between(call: Call, messages: Sequence[Json]) -> list[Json]:
    """The messages after `oldest` and before `latest`; with `inclusive` those at the ends, too."""
    oldest, latest = _time(call, "oldest"), _time(call, "latest")
    inclusive = call.parameters.get("inclusive", False)

    def within(message: Json) -> bool:
        at = Decimal(message["ts"])
        if inclusive and at in (oldest, latest):
            return True
        return (oldest is None or at > oldest) and (latest is None or at < latest)

    return [message for message in messages if within(message)]


def _time(call: Call, name: str) -> Decimal | None:
    if not call.parameters.get(name):
        return None
    try:
        return Decimal(call.parameters[name])
    except InvalidOperation:
        raise ApiError(f"invalid_ts_{name}") from None


def _read(call: Call, messages: Sequence[Json]) -> Json:
    page, metadata = paged(call, messages)
    hidden = _HIDDEN - {"parent_user_id"} if call.parameters.get("include_all_metadata") is None else frozenset()
    shown = [{key: value for key, value in message.items() if key not in hidden} for message in page]
    return {"messages": shown, "has_more": bool(metadata["response_metadata"]["next_cursor"]), **metadata}


def paged(call: Call, items: Sequence[Item]) -> tuple[list[Item], Json]:
    """A page of what there is, and how to get the next; a cursor is good for this list alone."""
    limit = call.parameters.get("limit", PAGE)
    if not 1 <= limit <= LARGEST_PAGE + 1:
        raise ApiError("invalid_limit")
    cursor = call.parameters.get("cursor") or "next:0"
    word, _, number = cursor.partition(":")
    if word != "next" or not number.isascii() or not number.isdecimal() or int(number) > len(items):
        raise ApiError("invalid_cursor")
    start, end = int(number), int(number) + limit
    more: Json = {"response_metadata": {"next_cursor": f"next:{end}" if end < len(items) else ""}}
    return list(items[start:end]), more


# --- describing ----------------------------------------------------------------------------------------------


def _described(call: Call, room: Room) -> Json:
    """A conversation as Slack describes it."""
    workspace = call.workspace
    described: Json = {
        "id": room.id, "created": room.created, "is_archived": room.archived, "is_im": room.kind == "im",
        "is_org_shared": False, "is_ext_shared": room.shared, "context_team_id": workspace.team, "updated": 0,
    }  # fmt: skip
    if room.kind == "im":
        user_deleted = workspace.people[room.user].deleted
        return described | {"user": room.user, "is_user_deleted": user_deleted, "is_open": True, "priority": 0}
    return described | {
        "name": room.name, "name_normalized": room.name, "is_channel": room.kind == "channel",
        "is_group": room.kind == "group", "is_mpim": room.kind == "mpim", "is_private": room.kind != "channel",
        "is_member": workspace.bot_user in room.members, "is_general": False, "is_shared": room.shared,
        "creator": workspace.bot_user, "unlinked": 0, "shared_team_ids": [workspace.team],
        "topic": {"value": "", "creator": "", "last_set": 0}, "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
    }  # fmt: skip
