"""Emoji under messages."""

from __future__ import annotations

import re

from omnibot.sandbox.slack.call import Call, Handlers
from omnibot.sandbox.slack.parameters import ApiError, Json

EMOJI, REACTIONS = 50, 23  # under a message: of everybody, of one
_NAME = re.compile(r"[a-z0-9_+'\-]{1,100}(?:::skin-tone-[2-6])?")


def _add(call: Call) -> Json:
    message = _message(call)
    names, mine = {reaction["name"] for reaction in message.get("reactions", ())}, _mine(call, message)
    if call.parameters["name"] in mine:
        raise ApiError("already_reacted")
    if call.parameters["name"] not in names and len(names) >= EMOJI:
        raise ApiError("too_many_emoji")
    if len(mine) >= REACTIONS:
        raise ApiError("too_many_reactions")
    call.workspace.react(call.room(), message["ts"], call.parameters["name"], call.workspace.bot_user)
    return {}


def _remove(call: Call) -> Json:
    if "channel" not in call.parameters or "timestamp" not in call.parameters:
        raise ApiError("no_item_specified")
    message = _message(call)
    if call.parameters["name"] not in _mine(call, message):
        raise ApiError("no_reaction")
    call.workspace.unreact(call.room(), message["ts"], call.parameters["name"], call.workspace.bot_user)
    return {}


METHODS: Handlers = {"reactions.add": _add, "reactions.remove": _remove}


def _message(call: Call) -> Json:
    """The message that is meant; the emoji's name is checked, not whether there is one of that name."""
    room = call.room()
    if room.kind != "im" and call.workspace.bot_user not in room.members:
        raise ApiError("not_in_channel")
    if room.archived:
        raise ApiError("is_archived")
    message = room.messages.get(call.parameters["timestamp"])
    if message is None:
        raise ApiError("message_not_found")
    if not _NAME.fullmatch(call.parameters["name"]):
        raise ApiError("invalid_name")
    return message


def _mine(call: Call, message: Json) -> set[str]:
    """What the app's bot has reacted with already."""
    return {
        reaction["name"] for reaction in message.get("reactions", ()) if call.workspace.bot_user in reaction["users"]
    }
