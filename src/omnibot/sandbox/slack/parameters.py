"""What the methods of the Web API take and which scopes they need, checked as Slack checks it and in its words.

Stricter in two points: Slack ignores a parameter that a method does not have; here it is `invalid_arguments`, so that a
mistake shows. And a token in the query, which only old apps may still use, is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

Json = dict[str, Any]


class ApiError(Exception):
    """What Slack answers instead of a result: `error`, what goes with it, and `messages` about single arguments."""

    def __init__(
        self, error: str, *, status: int = 200, messages: Sequence[str] = (), after: int = 0, **more: object
    ) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.messages = tuple(messages)
        self.after = after  # seconds of a Retry-After header
        self.more = more

    @property
    def body(self) -> Json:
        """The error as Slack writes it."""
        body: Json = {"ok": False, "error": self.error, **self.more}
        if self.messages:
            body["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return body


def wrong(message: str) -> ApiError:
    """An argument that Slack does not understand."""
    return ApiError("invalid_arguments", messages=[message])


# --- kinds of arguments ------------------------------------------------------------------------------------

Reader = Callable[[str, object], object]


def _string(name: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise wrong(f"must provide a string [json-pointer:/{name}]")
    return value


def _integer(name: str, value: object) -> int:
    if type(value) is int:
        return value
    if isinstance(value, str) and value.lstrip("-").isascii() and value.lstrip("-").isdecimal():
        return int(value)
    raise wrong(f"must provide a number [json-pointer:/{name}]")


def _boolean(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("1", "true"):
        return True
    if str(value).lower() in ("0", "false"):
        return False
    raise wrong(f"must provide a boolean [json-pointer:/{name}]")


def _structure(error: str) -> Reader:
    """An object or array, as JSON within JSON or as text in a form."""

    def read(name: str, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            raise ApiError(error) from None

    return read


_LIST: Reader = _structure("invalid_arguments")


# --- methods -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Method:
    """What one method takes. `scopes`: any one of them; those of conversations depend on their kind."""

    scopes: tuple[str, ...] = ()
    required: Mapping[str, Reader] = field(default_factory=dict)
    optional: Mapping[str, Reader] = field(default_factory=dict)
    json: bool = True  # whether it takes a JSON body
    app_level: bool = False  # called with the app's token, not with a bot's
    asks: bool = False  # changes nothing: not in the ledger


def _kinds(action: str) -> tuple[str, ...]:
    return tuple(f"{kind}:{action}" for kind in ("channels", "groups", "im", "mpim"))


_PAGE: Mapping[str, Reader] = {"cursor": _string, "limit": _integer}
_TEXT: Mapping[str, Reader] = {
    "text": _string,
    "blocks": _structure("invalid_blocks_format"),
    "attachments": _structure("invalid_attachments"),
    "markdown_text": _string,
    "parse": _string,
    "link_names": _boolean,
    "as_user": _boolean,
}
_FACE: Mapping[str, Reader] = {"username": _string, "icon_emoji": _string, "icon_url": _string}
_METADATA: Mapping[str, Reader] = {"metadata": _structure("invalid_metadata_format")}
_WINDOW: Mapping[str, Reader] = {
    **_PAGE,
    "oldest": _string,
    "latest": _string,
    "inclusive": _boolean,
    "include_all_metadata": _boolean,
}
_TS: Mapping[str, Reader] = {"channel": _string, "ts": _string}

METHODS: Mapping[str, Method] = {
    "auth.test": Method(asks=True),
    "apps.connections.open": Method(("connections:write",), app_level=True, asks=True),
    "chat.postMessage": Method(
        ("chat:write",),
        {"channel": _string},
        {
            **_TEXT, **_FACE, **_METADATA, "thread_ts": _string, "reply_broadcast": _boolean,
            "unfurl_links": _boolean, "unfurl_media": _boolean, "mrkdwn": _boolean,
        },
    ),
    "chat.postEphemeral": Method(
        ("chat:write",), {"channel": _string, "user": _string}, {**_TEXT, **_FACE, "thread_ts": _string}
    ),
    "chat.update": Method(
        ("chat:write",), _TS, {**_TEXT, **_METADATA, "reply_broadcast": _boolean, "file_ids": _LIST}
    ),
    "chat.delete": Method(("chat:write",), _TS, {"as_user": _boolean}),
    "chat.getPermalink": Method((), {"channel": _string, "message_ts": _string}, json=False, asks=True),
    "conversations.open": Method(
        ("im:write", "mpim:write"),
        {},
        {"channel": _string, "users": _string, "return_im": _boolean, "prevent_creation": _boolean},
    ),
    "conversations.info": Method(
        _kinds("read"),
        {"channel": _string},
        {"include_locale": _boolean, "include_num_members": _boolean},
        json=False,
        asks=True,
    ),
    "conversations.list": Method(
        _kinds("read"),
        {},
        {**_PAGE, "exclude_archived": _boolean, "types": _string, "team_id": _string},
        json=False,
        asks=True,
    ),
    "conversations.members": Method(_kinds("read"), {"channel": _string}, _PAGE, json=False, asks=True),
    "conversations.history": Method(_kinds("history"), {"channel": _string}, _WINDOW, asks=True),
    "conversations.replies": Method(_kinds("history"), _TS, _WINDOW, json=False, asks=True),
    "conversations.join": Method(("channels:join",), {"channel": _string}),
    "users.info": Method(("users:read",), {"user": _string}, {"include_locale": _boolean}, json=False, asks=True),
    "users.list": Method(
        ("users:read",), {}, {**_PAGE, "include_locale": _boolean, "team_id": _string}, json=False, asks=True
    ),
    "users.lookupByEmail": Method(("users:read.email",), {"email": _string}, json=False, asks=True),
    "usergroups.list": Method(
        ("usergroups:read",),
        {},
        {
            "include_count": _boolean, "include_disabled": _boolean, "include_users": _boolean, "team_id": _string,
        },
        json=False,
        asks=True,
    ),
    "usergroups.users.list": Method(
        ("usergroups:read",),
        {"usergroup": _string},
        {"include_disabled": _boolean, "team_id": _string},
        json=False,
        asks=True,
    ),
    "reactions.add": Method(("reactions:write",), {"channel": _string, "timestamp": _string, "name": _string}),
    "reactions.remove": Method(
        ("reactions:write",),
        {"name": _string},
        {"channel": _string, "timestamp": _string, "file": _string, "file_comment": _string},
    ),
    "files.getUploadURLExternal": Method(
        ("files:write",),
        {"filename": _string, "length": _integer},
        {"alt_txt": _string, "snippet_type": _string},
        json=False,
        asks=True,
    ),
    "files.completeUploadExternal": Method(
        ("files:write",),
        {"files": _LIST},
        {
            "channel_id": _string, "channels": _string, "initial_comment": _string, "thread_ts": _string,
            "blocks": _structure("invalid_blocks_format"),
        },
    ),
    "files.info": Method(
        ("files:read",), {"file": _string}, {**_PAGE, "count": _integer, "page": _integer}, json=False, asks=True
    ),
    "files.delete": Method(("files:write",), {"file": _string}),
    "views.open": Method(
        (), {"view": _structure("invalid_arguments")}, {"trigger_id": _string, "interactivity_pointer": _string}
    ),
    "views.push": Method(
        (), {"view": _structure("invalid_arguments")}, {"trigger_id": _string, "interactivity_pointer": _string}
    ),
    "views.publish": Method((), {"user_id": _string, "view": _structure("invalid_arguments")}, {"hash": _string}),
    "views.update": Method(
        (),
        {"view": _structure("invalid_arguments")},
        {"view_id": _string, "external_id": _string, "hash": _string},
    ),
    "bots.info": Method(("users:read",), {}, {"bot": _string, "team_id": _string}, json=False, asks=True),
    "team.info": Method(("team:read",), {}, {"team": _string, "domain": _string}, json=False, asks=True),
}  # fmt: skip


def read(method: Method, raw: Mapping[str, Any]) -> Json:
    """The arguments in their types; raises ApiError with everything that is missing or too much."""
    known = {"team_id": _string, **method.required, **method.optional}  # slack_bolt names the team in every call
    faults = [f"missing required field: {name}" for name in method.required if raw.get(name) in (None, "")]
    faults += [f"invalid additional property: {name}" for name in raw if name not in known]
    if faults:
        raise ApiError("invalid_arguments", messages=faults)
    return {name: known[name](name, value) for name, value in raw.items() if value is not None}
