"""Pages that show what people see in the emulated Slack: for pictures in documentation, and for who develops a bot.

`/slack/` lists what there is, `/slack/channels/<channel>` a channel, `/slack/threads/<channel>/<ts>` a thread and
`/slack/people/<user>` somebody's modal, home and notices; `?as=<user>` shows a thread as somebody sees it, with a modal
in front that they have open. Nothing can be pressed: there are no scripts, and what is shown is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from omnibot.sandbox.slack import blocks, markup, screen
from omnibot.sandbox.slack.forms import Field, Form, fields_of, options_of
from omnibot.sandbox.slack.parameters import Json
from omnibot.sandbox.slack.people import Person
from omnibot.sandbox.slack.rooms import Room
from omnibot.sandbox.slack.workspace import Workspace

_COLOURS = ("#2d6cdf", "#8e4ec6", "#0e7a5f", "#b3541e", "#b0306a", "#3f5a74")
_LARGEST_PICTURE = 1_000_000  # bytes of a file that is shown and not only named
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
}


class Pages:
    """The pages of all workspaces; the first in which there is such a channel or person is meant."""

    def __init__(self, workspaces: Mapping[str, Workspace]) -> None:
        self._workspaces = workspaces

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_get("/slack/", self._index)
        app.router.add_get("/slack/channels/{channel}", self._channel)
        app.router.add_get("/slack/threads/{channel}/{ts}", self._thread)
        app.router.add_get("/slack/people/{user}", self._person)

    async def _index(self, _: web.Request) -> web.Response:
        return _page("index.html", title="Sandbox", looks=[Look(each) for each in self._workspaces.values()])

    async def _channel(self, request: web.Request) -> web.Response:
        workspace, room = self._room(request)
        top = [
            message for message in room.messages.values() if message.get("thread_ts", message["ts"]) == message["ts"]
        ]
        return _page("channel.html", title=_title(workspace, room), look=Look(workspace), room=room, messages=top)

    async def _thread(self, request: web.Request) -> web.Response:
        workspace, room = self._room(request)
        messages = room.thread(request.match_info["ts"])
        if not messages:
            raise web.HTTPNotFound(text="there is no such thread")
        reader = workspace.people.get(request.query.get("as", ""))
        if reader is not None:
            messages = sorted([*messages, *reader.whispered(room, messages[0]["ts"])], key=lambda each: str(each["ts"]))
        return _page(
            "thread.html",
            title=f"Thread in {_title(workspace, room)}",
            look=Look(workspace),
            room=room,
            messages=messages,
            modal=None if reader is None else reader.stack.top,
        )

    async def _person(self, request: web.Request) -> web.Response:
        for workspace in self._workspaces.values():
            person = workspace.people.get(request.match_info["user"])
            if person is not None:
                return _page("person.html", title=person.name, look=Look(workspace), person=person)
        raise web.HTTPNotFound(text="there is nobody of that id")

    def _room(self, request: web.Request) -> tuple[Workspace, Room]:
        for workspace in self._workspaces.values():
            room = workspace.rooms.get(request.match_info["channel"])
            if room is not None:
                return workspace, room
        raise web.HTTPNotFound(text="there is no channel of that id")


def _title(workspace: Workspace, room: Room) -> str:
    return f"#{room.name}" if room.name else workspace.name_of(room.user)


@cache
def _template(name: str) -> Template:
    loader = PackageLoader("omnibot.sandbox.slack")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(name)


def render(template: str, **what: object) -> str:
    """A page as HTML."""
    return _template(template).render(**what)


def _page(template: str, **what: object) -> web.Response:
    return web.Response(text=render(template, **what), content_type="text/html", headers=_HEADERS)


class Look:
    """What the templates ask of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def text(self, given: Json | None) -> Markup:
        """A text object."""
        if given is None:
            return Markup("")
        return self.mrkdwn(given["text"]) if given["type"] == "mrkdwn" else markup.plain(given["text"])

    def mrkdwn(self, text: str) -> Markup:
        """A text with markup."""
        return markup.mrkdwn(text, self.workspace.name_of)

    def rich(self, elements: Iterable[Json]) -> Markup:
        """The elements of a rich text."""
        return markup.rich(elements, self.workspace.name_of)

    def form(self, shown: list[Json]) -> Form:
        """Blocks in which nobody has chosen anything."""
        return self.workspace.form(shown)

    def controls(self, block: Json) -> list[tuple[Json, Field | None]]:
        """The buttons, menus and inputs of a block; a button has no field."""
        fields = {field.element["action_id"]: field for field in fields_of([block])}
        return [(element, fields.get(element.get("action_id", ""))) for element in blocks.elements_of(block)]

    def chosen(self, field: Field, form: Form) -> str:
        """What is in a field."""
        return screen.chosen(self.workspace, field, form)

    def boxes(self, field: Field, form: Form) -> list[tuple[bool, Json]]:
        """The options of boxes, and whether each is chosen."""
        marked = screen.chosen_options(field, form)
        return [(option in marked, option) for option in options_of(field.element)]

    def author(self, message: Json) -> str:
        """Who wrote a message."""
        return screen.author(self.workspace, message)

    def notes(self, message: Json) -> list[str]:
        """What stands beside the author."""
        return list(screen.notes(message))

    def who(self, users: list[str]) -> str:
        """Several people by name."""
        return ", ".join(map(self.workspace.name_of, users))

    def badge(self, message: Json) -> str:
        """What an author is that is not one of the team."""
        if "bot_id" in message:
            return "APP"
        person = self.workspace.people.get(message.get("user", ""))
        if person is None:
            return ""
        return "EXTERNAL" if person.is_stranger else "GUEST" if person.guest else ""

    def colour(self, name: str) -> str:
        """Of the square beside a name; the same each time."""
        return _COLOURS[hashlib.sha256(name.encode("utf-8", "replace")).digest()[0] % len(_COLOURS)]

    def time(self, message: Json) -> str:
        """When it was written, UTC."""
        return datetime.fromtimestamp(float(message["ts"]), UTC).strftime("%H:%M")

    def emoji(self, name: str) -> str:
        """A reaction."""
        return markup.emoji(name)

    def file(self, file: Json) -> tuple[str, str, str]:
        """Name, kind and, of a small picture, a URL that holds it."""
        stored = self.workspace.files.get(file["id"])
        if stored is None:
            return "This file was deleted.", "", ""
        shown = stored.media_type in _PICTURES and len(stored.content) <= _LARGEST_PICTURE
        data = f"data:{stored.media_type};base64,{base64.b64encode(stored.content).decode()}" if shown else ""
        return stored.title, stored.media_type, data

    def rooms(self) -> list[tuple[str, Room]]:
        """The conversations with their names."""
        return [(_title(self.workspace, room), room) for room in self.workspace.rooms.values()]

    def people(self) -> list[Person]:
        """Who is there."""
        return list(self.workspace.people.values())
