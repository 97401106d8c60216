"""Answers to what people press and command: in the answer itself, or later at the `response_url`.

Source: docs.slack.dev/interactivity/handling-user-interaction.
"""

from __future__ import annotations

import itertools
import secrets
import time
from dataclasses import dataclass, field

from omnibot.sandbox.slack import content
from omnibot.sandbox.slack.call import Call
from omnibot.sandbox.slack.parameters import ApiError, Json, wrong
from omnibot.sandbox.slack.people import Person
from omnibot.sandbox.slack.rooms import Room
from omnibot.sandbox.slack.workspace import Workspace

USES, SECONDS = 5, 1800.0  # that a response URL is good for
KEPT = 10_000  # response URLs; the oldest go first
METHOD = "response"  # under which the ledger has them
_FIELDS = frozenset(
    {
        "text", "blocks", "attachments", "response_type", "replace_original", "delete_original", "thread_ts", "mrkdwn",
        "unfurl_links", "unfurl_media", "metadata",
    }
)  # fmt: skip


@dataclass(slots=True)
class Occasion:
    """Something that a person did and that the app may answer; `message` is where a button was pressed."""

    workspace: Workspace
    room: Room
    person: Person
    message: Json | None
    uses: int = 0
    since: float = field(default_factory=time.monotonic)


class Responses:
    """The response URLs that are out; each is good five times within half an hour."""

    def __init__(self) -> None:
        self._occasions: dict[str, Occasion] = {}
        self._numbers = itertools.count(1)

    def path(self, occasion: Occasion) -> str:
        """Where the app may answer."""
        key = f"{occasion.workspace.team}/{next(self._numbers)}/{secrets.token_hex(12)}"
        self._occasions[key] = occasion
        if len(self._occasions) > KEPT:
            del self._occasions[next(iter(self._occasions))]
        return f"/actions/{key}"

    def find(self, key: str) -> Occasion:
        """What is answered at a URL, which is thereby used once more."""
        occasion = self._occasions.get(key)
        if occasion is None:
            raise ApiError("invalid_url", status=404)
        if time.monotonic() - occasion.since > SECONDS:
            raise ApiError("expired_url", status=404)
        if occasion.uses >= USES:
            raise ApiError("used_url", status=404)
        return occasion


def respond(occasion: Occasion, body: Json) -> Call:
    """Do what an answer says; the call is what the ledger shall have of it."""
    call = Call(METHOD, occasion.workspace, dict(body))
    unknown = sorted(body.keys() - _FIELDS)
    if unknown:
        raise wrong(f"invalid additional property: {unknown[0]}")
    if body.get("delete_original"):
        _delete(occasion)
        return call
    said = content.said(call)
    original = occasion.message
    # an answer to a press replaces the message unless it says otherwise; one to a command is always new
    if original is not None and body.get("replace_original", True):
        shown = _replace(occasion, original, said)
    else:
        shown = _add(occasion, call, said)
    content.show(call, occasion.room, shown)
    call.to = occasion.person.id
    call.parameters |= {"channel": occasion.room.id, "ts": shown["ts"]}
    return call


def _delete(occasion: Occasion) -> None:
    original = occasion.message
    if original is None:
        raise ApiError("message_not_found")
    if original.get("is_ephemeral"):
        occasion.person.unwhisper(original["ts"])
    elif original["ts"] in occasion.room.messages:
        occasion.workspace.remove(occasion.room, original["ts"])


def _replace(occasion: Occasion, original: Json, said: Json) -> Json:
    new = {**original, "blocks": [], **said}
    if original.get("is_ephemeral"):
        occasion.person.unwhisper(original["ts"])
        occasion.person.whisper(occasion.room, new)
    elif original["ts"] in occasion.room.messages:
        occasion.workspace.change(occasion.room, original["ts"], new)
    else:
        raise ApiError("message_not_found")
    return new


def _add(occasion: Occasion, call: Call, said: Json) -> Json:
    message: Json = {"type": "message", **content.author(call), **said, **content.thread(call, occasion.room)}
    kind = call.parameters.get("response_type", "ephemeral")
    if kind == "in_channel":
        return occasion.workspace.post(occasion.room, message)
    if kind != "ephemeral":
        raise wrong("must be a valid enum value [json-pointer:/response_type]")
    message |= {"ts": occasion.workspace.sandbox.clock.ts(), "is_ephemeral": True}
    occasion.person.whisper(occasion.room, message)
    return message
