"""People of the emulated Slack driven by HTTP, for who tries a bot without writing Python.

`PUT /slack/channels/<channel>` and `PUT /slack/people/<user>` make what there is; `POST /slack/people/<user>/<act>`
does what the method of that name of `Person` does, its arguments as a JSON object. A mistake is answered with 400 and
what is wrong, as `{"error": …}`; what Slack told the person is in `errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from omnibot.sandbox.slack.parameters import Json
from omnibot.sandbox.slack.people import Person
from omnibot.sandbox.slack.workspace import Workspace

_Channel = Annotated[str, Field(pattern="^[CG][A-Z0-9]{1,20}$")]
_User = Annotated[str, Field(pattern="^[UW][A-Z0-9]{1,20}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


Body = TypeVar("Body", bound=_Body)


class _NewChannel(_Body):
    """A channel with the app's bot and these members in it."""

    name: Annotated[str, Field(pattern="^[a-z0-9_-]{1,80}$")]
    members: list[_User] = []
    private: bool = False


class _NewPerson(_Body):
    """Somebody; `team` is their own workspace where it is another."""

    name: Annotated[str, Field(min_length=1)]
    email: str = ""
    guest: bool = False
    team: str = ""


class _Nothing(_Body):
    pass


class _There(_Body):
    channel: str


class _At(_Body):
    ts: str


class _Write(_Body):
    text: Annotated[str, Field(min_length=1)]
    channel: str | None = None
    thread_ts: str = ""
    broadcast: bool = False


class _Edit(_At):
    text: str


class _React(_At):
    name: str


class _Press(_Body):
    label: str
    ts: str = ""


class _Fill(_Body):
    name: str
    given: str | list[str]
    ts: str = ""


class _Submit(_Body):
    values: dict[str, str | list[str]] = {}


class _Command(_Body):
    command: Annotated[str, Field(pattern="^/")]
    text: str = ""
    channel: str | None = None


class _Shortcut(_Body):
    callback_id: str
    ts: str = ""


_ACTS: Mapping[str, type[_Body]] = {
    "write": _Write,
    "edit": _Edit,
    "press": _Press,
    "fill": _Fill,
    "submit": _Submit,
    "command": _Command,
    "shortcut": _Shortcut,
    **dict.fromkeys(("react", "unreact"), _React),
    **dict.fromkeys(("delete", "delete_thread"), _At),
    **dict.fromkeys(("close", "dismiss", "open_home"), _Nothing),
    **dict.fromkeys(("join", "leave", "archive", "unarchive", "remove_bot", "invite_bot"), _There),
}


class Acts:
    """The routes of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_put("/slack/channels/{id}", self._channel)
        app.router.add_put("/slack/people/{id}", self._person)
        app.router.add_post("/slack/people/{id}/{act}", self._act)

    async def _channel(self, request: web.Request) -> web.Response:
        id, body = _id(request, _Channel), await _read(request, _NewChannel)
        members = [self._there(user) for user in body.members]
        room = self._workspace.channel(id, body.name, members, private=body.private)
        return _json({"id": room.id, "name": room.name})

    async def _person(self, request: web.Request) -> web.Response:
        id, body = _id(request, _User), await _read(request, _NewPerson)
        if id in self._workspace.people:
            raise _refused(f"{id} is there already, as {self._workspace.people[id].name}: take another id")
        person = self._workspace.user(id, **body.model_dump())
        return _json({"id": person.id, "name": person.name})

    async def _act(self, request: web.Request) -> web.Response:
        act = request.match_info["act"]
        if act not in _ACTS:
            raise _refused(f"there is no act {act!r}: use one of {', '.join(_ACTS)}")
        person = self._there(_id(request, _User))
        body = await _read(request, _ACTS[act])
        try:
            result = _done(person, act, body)
        except (LookupError, ValueError) as error:
            raise _refused(str(error.args[0] if error.args else error)) from None
        told = list(person.errors)
        person.errors.clear()
        return _json({"ts": result or "", "errors": told})

    def _there(self, id: str) -> Person:
        if id not in self._workspace.people:
            raise _refused(f"there is nobody of the id {id}: make them by PUT /slack/people/{id}")
        return self._workspace.people[id]


def _done(person: Person, act: str, body: _Body) -> str | None:
    """Do it; the `ts` of what was written."""
    if isinstance(body, _Submit):
        person.submit(body.values)
        return None
    done: str | None = getattr(person, act)(**dict(body))
    return done


def _id(request: web.Request, kind: Any) -> str:  # noqa: ANN401 - an annotated type
    try:
        return str(TypeAdapter(kind).validate_python(request.match_info["id"]))
    except ValidationError as error:
        raise _refused(f"{request.match_info['id']!r}: {error.errors()[0]['msg']}") from None


async def _read(request: web.Request, kind: type[Body]) -> Body:
    try:
        return kind.model_validate_json(await request.read() or b"{}")
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise _refused("; ".join(faults)) from None


def _refused(text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=orjson.dumps({"error": text}).decode(), content_type="application/json")


def _json(value: Json) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")
