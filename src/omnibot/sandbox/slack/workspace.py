"""A workspace of the emulated Slack: its people, conversations, messages and files, and the app in it."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from omnibot.sandbox.slack import blocks, mrkdwn
from omnibot.sandbox.slack.app import App, Notice, Surroundings
from omnibot.sandbox.slack.parameters import Json
from omnibot.sandbox.slack.people import Person, Shown

KEPT_MESSAGES = 10_000  # a conversation; older ones cannot be edited or read any more
SCOPES = frozenset(
    {
        "app_mentions:read", "channels:history", "channels:join", "channels:read", "chat:write", "commands",
        "files:read", "files:write", "groups:history", "groups:read", "im:history", "im:read", "im:write",
        "mpim:history", "mpim:read", "mpim:write", "reactions:read", "reactions:write", "team:read", "usergroups:read",
        "users:read", "users:read.email",
    }
)  # fmt: skip

RoomKind = Literal["channel", "group", "im", "mpim"]
_SCOPE = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def base36(number: int) -> str:
    """A number in the characters of Slack's ids."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


class Clock:
    """Times and ids that never come twice, not even after a restart."""

    def __init__(self) -> None:
        self._last = 0

    def ts(self) -> str:
        """The next message's `ts`: seconds with six decimals."""
        micros = self._next()
        return f"{micros // 1_000_000}.{micros % 1_000_000:06}"

    def id(self, prefix: str) -> str:
        """The next id of a kind, such as `Ev` or `F`."""
        return prefix + base36(self._next())

    def _next(self) -> int:
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return self._last


@dataclass(slots=True)
class Room:
    """A conversation: a public or private channel, a direct message with the app, or one among several.

    `shared` tells that people of other workspaces are in it (Slack Connect).
    """

    id: str
    name: str
    kind: RoomKind
    members: set[str]
    created: int
    archived: bool = False
    shared: bool = False
    messages: dict[str, Json] = field(default_factory=dict)  # by ts

    @property
    def scope(self) -> str:
        """What stands before the colon in the scopes that concern it."""
        return _SCOPE[self.kind]

    @property
    def user(self) -> str:
        """Whom a direct message is with."""
        return next(iter(self.members)) if self.kind == "im" else ""

    def keep(self, message: Json) -> None:
        """Remember a message, and forget the oldest of too many."""
        self.messages[message["ts"]] = message
        if len(self.messages) > KEPT_MESSAGES:
            del self.messages[next(iter(self.messages))]

    def thread(self, ts: str) -> list[Json]:
        """A message and what was answered to it, oldest first."""
        return [message for message in self.messages.values() if message.get("thread_ts", message["ts"]) == ts]


@dataclass(slots=True)
class StoredFile:
    """A file on Slack's servers; `shared` are the conversations in which it can be seen."""

    id: str
    name: str
    title: str
    media_type: str
    content: bytes = field(repr=False)
    user: str
    created: int
    shared: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Usergroup:
    """A group of people that can be mentioned by its handle."""

    id: str
    handle: str
    users: tuple[str, ...]


class World(Surroundings, Protocol):
    """What a workspace needs of the sandbox it lives in."""

    clock: Clock

    @property
    def url(self) -> str:
        """Where it listens."""
        ...

    def response_url(self, workspace: Workspace, room: Room, user: str, message: Json | None) -> str:
        """A URL by which the app can answer an interaction."""
        ...


class Workspace:
    """One workspace. `scopes` are what its bot token may; `active` turns false when the app is removed."""

    def __init__(self, sandbox: World, team: str, app: App, secret_of: Callable[[str], str]) -> None:
        self.team = team
        self.name = f"Sandbox {team}"
        self.domain = f"sandbox-{team.lower()}"
        self.app = app
        self.sandbox = sandbox
        number = int(secret_of("bot")[:11], 16)
        self.bot_token = f"xoxb-{number}-{number + 1}-{secret_of('bot token')[:24]}"
        self.bot_user = f"U{team[1:]}BOT"
        self.bot_id = f"B{team[1:]}BOT"
        self.bot_name = "sandbox_bot"
        self.scopes: set[str] = set(SCOPES)
        self.active = True
        self.people: dict[str, Person] = {}
        self.rooms: dict[str, Room] = {}
        self.usergroups: dict[str, Usergroup] = {}
        self.files: dict[str, StoredFile] = {}

    # --- its app -------------------------------------------------------------------------------------------

    @property
    def app_id(self) -> str:
        """The id of its app."""
        return self.app.id

    @property
    def app_token(self) -> str:
        """The token of its app for Socket Mode."""
        return self.app.app_token

    @property
    def signing_secret(self) -> str:
        """The secret with which its app is called."""
        return self.app.signing_secret

    @property
    def acknowledged(self) -> int:
        """How often its app said yes, to repetitions too."""
        return self.app.acknowledged

    @property
    def posted(self) -> Sequence[int]:
        """The HTTP status of every try to tell its app something; 0: no answer."""
        return self.app.posted

    def deliver_to(self, url: str, *, interactivity: str = "", commands: str = "") -> None:
        """Call the app at this URL from now on; '' switches Socket Mode on. See `App.deliver_to`."""
        self.app.deliver_to(url, interactivity=interactivity, commands=commands)

    def redeliver(self) -> None:
        """Let the last event that a person caused come again, the same to the byte."""
        if self.app.last is None:
            raise LookupError("nobody has done anything yet that could be told again")
        self.app.again(self.app.last)

    async def forge(self, text: str, user: str = "U0STRANGER") -> int:
        """A stranger imitates a direct message, with a wrong signature; the status of the answer."""
        ts = self.sandbox.clock.ts()
        event: Json = {
            "type": "message", "user": user, "team": self.team, "text": mrkdwn.escape(text), "ts": ts,
            "event_ts": ts, "channel": f"D{user[1:]}", "channel_type": "im",
        }  # fmt: skip
        return await self.app.forge(Notice("events_api", "", self._enveloped(event, shared=False)))

    # --- who and what is there -----------------------------------------------------------------------------

    def user(
        self,
        id: str,
        name: str = "Sandra Box",
        *,
        email: str = "",
        tz: str = "Europe/Berlin",
        locale: str = "en-US",
        is_bot: bool = False,
        guest: bool = False,
        team: str = "",
    ) -> Person:
        """A person; made at the first call. `guest` has a restricted account, `team` is another workspace of theirs."""
        person = self.people.get(id)
        if person is None:
            person = self.people[id] = Person(
                self, id, name, email=email, tz=tz, locale=locale, is_bot=is_bot, guest=guest, team=team or self.team
            )
        return person

    def channel(
        self,
        id: str,
        name: str = "",
        members: Collection[Person] = (),
        *,
        private: bool = False,
        bot: bool = True,
        shared: bool = False,
    ) -> Room:
        """A channel; made at the first call. The app's bot is a member unless told."""
        room = self.rooms.get(id)
        if room is None:
            kind: RoomKind = "group" if private else "channel"
            room = self.rooms[id] = Room(id, name or id.lower(), kind, set(), self.now(), shared=shared)
            if bot:
                room.members.add(self.bot_user)
        room.members |= {person.id for person in members}
        return room

    def usergroup(self, id: str, handle: str, users: Collection[Person]) -> Usergroup:
        """A group of people; the last call counts."""
        group = self.usergroups[id] = Usergroup(id, handle, tuple(person.id for person in users))
        return group

    def direct(self, user: str) -> Room:
        """The direct message between somebody and the app; opened at the first call."""
        id = f"D{user[1:]}"
        if id not in self.rooms:
            self.rooms[id] = Room(id, "", "im", {user}, self.now(), shared=self.people[user].team != self.team)
        return self.rooms[id]

    def now(self) -> int:
        """Seconds since 1970."""
        return int(time.time())

    def name_of(self, id: str) -> str:
        """The name of a person, user group or channel, as it is seen where they are mentioned."""
        if id == self.bot_user:
            return self.bot_name
        if id in self.people:
            return self.people[id].name
        if id in self.usergroups:
            return self.usergroups[id].handle
        return self.rooms[id].name if id in self.rooms else id

    def handles(self) -> dict[str, str]:
        """Ids of people by what is typed behind @."""
        return {person.handle: person.id for person in self.people.values()} | {self.bot_name: self.bot_user}

    def room_names(self) -> dict[str, str]:
        """Ids of channels by what is typed behind #."""
        return {room.name: room.id for room in self.rooms.values() if room.name}

    def store(self, name: str, media_type: str, content: bytes, user: str) -> StoredFile:
        """Keep a file."""
        id = self.sandbox.clock.id("F")
        file = self.files[id] = StoredFile(id, name, name, media_type, content, user, self.now())
        return file

    def file_url(self, file: StoredFile) -> str:
        """Where the bytes of a file are, for who has the token."""
        return f"{self.sandbox.url}/files-pri/{self.team}-{file.id}/{re.sub(r'[^a-z0-9._-]+', '_', file.name.lower())}"

    def described(self, file: StoredFile) -> Json:
        """A file as Slack describes it."""
        ending = file.name.rpartition(".")[2].lower() if "." in file.name else "text"
        url = self.file_url(file)
        return {
            "id": file.id, "created": file.created, "timestamp": file.created, "name": file.name, "title": file.title,
            "mimetype": file.media_type, "filetype": ending, "pretty_type": ending.upper(), "user": file.user,
            "user_team": self.team, "editable": False, "size": len(file.content), "mode": "hosted",
            "is_external": False, "external_type": "", "is_public": False, "public_url_shared": False,
            "url_private": url, "url_private_download": f"{url}?download=1", "file_access": "visible",
            "permalink": f"https://{self.domain}.slack.com/files/{file.user}/{file.id}/x", "has_rich_preview": False,
        }  # fmt: skip

    # --- messages ------------------------------------------------------------------------------------------

    def post(self, room: Room, message: Json, *, address: str = "") -> Json:
        """Put a message into a conversation and tell the app; `address` is who wrote it, '' if the app did."""
        message.setdefault("ts", self.sandbox.clock.ts())
        thread = message.get("thread_ts", "")
        if thread:
            self._answered(room, room.messages[thread], message)
        room.keep(message)
        for event in self._events_of(room, message):
            self.happened(room, event, address)
        return message

    def _answered(self, room: Room, parent: Json, message: Json) -> None:
        """Count an answer at the message that it answers."""
        users = list(dict.fromkeys([*parent.get("reply_users", ()), message.get("user", "")]))
        room.messages[parent["ts"]] = {
            **parent, "thread_ts": parent["ts"], "reply_count": parent.get("reply_count", 0) + 1, "reply_users": users,
            "reply_users_count": len(users), "latest_reply": message["ts"],
        }  # fmt: skip
        if "user" in parent:
            message["parent_user_id"] = parent["user"]

    def _events_of(self, room: Room, message: Json) -> Iterator[Json]:
        event: Json = {**message, **self.place(room), "event_ts": message["ts"]}
        if message.get("subtype") == "thread_broadcast":
            event["root"] = room.messages[message["thread_ts"]]
        yield event
        if room.kind != "im" and f"<@{self.bot_user}>" in message.get("text", "") and "bot_id" not in message:
            left_out = ("type", "subtype", "channel_type")
            yield {"type": "app_mention", **{key: event[key] for key in event if key not in left_out}}

    def change(self, room: Room, ts: str, new: Json, address: str = "") -> None:
        """Replace a message; `new` has what is other than before."""
        old = room.messages[ts]
        room.messages[ts] = {**old, **new}
        at = self.sandbox.clock.ts()
        event: Json = {
            "type": "message", "subtype": "message_changed", "hidden": True, "ts": at, "event_ts": at,
            "message": room.messages[ts], "previous_message": old, **self.place(room),
        }  # fmt: skip
        self.happened(room, event, address)

    def remove(self, room: Room, ts: str, address: str = "") -> None:
        """Delete a message; one that was answered leaves a tombstone."""
        if room.messages[ts].get("reply_count"):
            thread = {key: value for key, value in room.messages[ts].items() if key in _THREAD}
            room.messages[ts] |= {"blocks": [], "files": []}
            tombstone: Json = {"subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT"}
            self.change(room, ts, {**thread, **tombstone, "hidden": True}, address)
            return
        old = room.messages.pop(ts)
        at = self.sandbox.clock.ts()
        event: Json = {
            "type": "message", "subtype": "message_deleted", "hidden": True, "deleted_ts": ts, "ts": at,
            "event_ts": at, "previous_message": old, **self.place(room),
        }  # fmt: skip
        self.happened(room, event, address)

    def place(self, room: Room) -> Json:
        """Where an event happened."""
        return {"channel": room.id, "channel_type": room.kind}

    def happened(self, room: Room, event: Json, address: str = "") -> None:
        """Tell the app, if it is there, subscribed and allowed to know."""
        mention = event["type"] == "app_mention"
        wanted = {"message": f"message.{room.scope}"}.get(event["type"], event["type"])
        scope = "app_mentions:read" if mention else f"{room.scope}:history"
        member = room.kind == "im" or self.bot_user in room.members
        if self.active and member and wanted in self.app.subscriptions and scope in self.scopes:
            self.app.tell(Notice("events_api", address, self._enveloped(event, shared=room.shared)))

    def tell(self, event: Json, address: str = "", *, scope: str = "") -> None:
        """Tell the app of something that happened in no conversation."""
        if self.active and event["type"] in self.app.subscriptions and (not scope or scope in self.scopes):
            self.app.tell(Notice("events_api", address, self._enveloped(event, shared=False)))

    def _enveloped(self, event: Json, *, shared: bool) -> Json:
        id = self.sandbox.clock.id("Ev")
        return {
            "token": self.app.verification_token,
            "team_id": self.team,
            "context_team_id": self.team,
            "context_enterprise_id": None,
            "api_app_id": self.app.id,
            "event": event,
            "type": "event_callback",
            "event_id": id,
            "event_time": self.now(),
            "authorizations": [
                {
                    "enterprise_id": None, "team_id": self.team, "user_id": self.bot_user, "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": shared,
            "event_context": "4-" + hashlib.sha256(id.encode()).hexdigest()[:40],
        }  # fmt: skip

    # --- what is seen --------------------------------------------------------------------------------------

    def shown(self, room: Room, message: Json) -> Shown:
        """A message as people see it."""
        return Shown(
            channel=room.id,
            ts=message["ts"],
            thread_ts=message.get("thread_ts", ""),
            author=message.get("user", ""),
            text=self.text_of(message),
            choices=tuple(choice.label for choice in blocks.choices_of(_pressable(message))),
            files=tuple(file["name"] for file in message.get("files", ())),
            ephemeral=message.get("is_ephemeral", False),
            message=message,
        )

    def text_of(self, message: Json) -> str:
        """The words of a message as people see them: of its blocks where it has some."""
        if message.get("blocks"):
            return blocks.text_of(message["blocks"], self.name_of)
        return mrkdwn.seen(message.get("text", ""), self.name_of)

    def answered_at(self, room: Room, thread_ts: str) -> str:
        """Who is answered by what is written there: the other in a direct message, who wrote last in a thread."""
        if room.kind == "im":
            return room.user
        for message in reversed(room.thread(thread_ts) if thread_ts else ()):
            if "bot_id" not in message and message.get("user") in self.people:
                return str(message["user"])
        return ""


_THREAD = frozenset({"thread_ts", "reply_count", "reply_users", "reply_users_count", "latest_reply"})


def _pressable(message: Json) -> list[Json]:
    return [block for block in message.get("blocks", ()) if block["type"] in ("actions", "section", "input")]
