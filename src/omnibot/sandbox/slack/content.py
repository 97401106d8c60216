"""What a message of the app says, checked as Slack checks it, and what of it is seen."""

from __future__ import annotations

import re

from omnibot.sandbox.slack import blocks
from omnibot.sandbox.slack.call import Call
from omnibot.sandbox.slack.parameters import ApiError, Json
from omnibot.sandbox.slack.rooms import Room

TEXT = 40_000  # characters; Slack cuts off what is more
MARKDOWN = 12_000
ATTACHMENTS = 100
_TS = re.compile(r"[0-9]{1,10}\.[0-9]{6}")


def author(call: Call) -> Json:
    """Who a message of the app is by."""
    workspace = call.workspace
    return {
        "user": workspace.bot_user,
        "bot_id": workspace.bot_id,
        "app_id": workspace.app.id,
        "team": workspace.team,
        "bot_profile": {
            "id": workspace.bot_id, "app_id": workspace.app.id, "name": workspace.bot_name, "deleted": False,
            "team_id": workspace.team,
        },
    }  # fmt: skip


def said(call: Call, most: int = TEXT) -> Json:
    """Text, blocks and attachments of a call that must have one of them."""
    given = call.parameters
    if "markdown_text" in given and {"text", "blocks"} & given.keys():
        raise ApiError("markdown_text_conflict")
    text = given.get("markdown_text") or given.get("text", "")
    if not (text.strip() or given.get("blocks") or given.get("attachments")):
        raise ApiError("no_text")
    if len(text) > (MARKDOWN if "markdown_text" in given else most):
        raise ApiError("msg_too_long")
    return words(call, text, given.get("blocks")) | _attachments(given.get("attachments"))


def words(call: Call, text: str, given: object) -> Json:
    """A text and, where they are given, blocks."""
    if given is None:
        return {"text": text}
    if not isinstance(given, list):
        raise ApiError("invalid_blocks_format")
    if faults := blocks.faults_of(given):
        raise ApiError("invalid_blocks", messages=faults, errors=faults)
    if blocks.length_of(given) > blocks.ALL_TEXT:
        raise ApiError("msg_blocks_too_long")
    return {"text": text, "blocks": blocks.with_ids(given, call.workspace.sandbox.clock.short)}


def _attachments(given: object) -> Json:
    if given is None:
        return {}
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise ApiError("invalid_attachments")
    if len(given) > ATTACHMENTS:
        raise ApiError("too_many_attachments")
    return {"attachments": given}


def thread(call: Call, room: Room) -> Json:
    """The thread of a new message: an answer to an answer is one to what was answered."""
    ts = call.parameters.get("thread_ts")
    if ts is None:
        return {}
    if not _TS.fullmatch(ts):
        raise ApiError("invalid_thread_ts")
    parent = room.messages.get(ts)
    if parent is None:
        raise ApiError("thread_not_found")
    if parent.get("subtype") == "tombstone":
        raise ApiError("cannot_reply_to_message")
    return {"thread_ts": parent.get("thread_ts", ts)}


def show(call: Call, room: Room, message: Json) -> None:
    """What a customer gets to read, for the ledger."""
    shown = call.workspace.shown(room, message)
    call.to = call.workspace.answered_at(room, message.get("thread_ts", ""))
    if call.to and call.workspace.people[call.to].deleted:
        call.to = ""  # Slack takes it, and nobody will ever read it
    call.text, call.choices = shown.text, shown.choices
