"""A workspace of the emulated Slack: its people, conversations, messages and files, and the app in it."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from omnibot.sandbox.slack import blocks, mrkdwn
from omnibot.sandbox.slack.app import App, Notice, Surroundings
from omnibot.sandbox.slack.forms import Form
from omnibot.sandbox.slack.manifest import Manifest
from omnibot.sandbox.slack.members import Member, Shown
from omnibot.sandbox.slack.modals import View
from omnibot.sandbox.slack.parameters import ApiError, Json
from omnibot.sandbox.slack.people import Person
from omnibot.sandbox.slack.rooms import Clock, Room, RoomKind, StoredFile, Ticket, Usergroup

SCOPES = frozenset(
    {
        "app_mentions:read", "channels:history", "channels:join", "channels:read", "chat:write", "commands",
        "files:read", "files:write", "groups:history", "groups:read", "im:history", "im:read", "im:write",
        "mpim:history", "mpim:read", "mpim:write", "reactions:read", "reactions:write", "team:read", "usergroups:read",
        "users:read", "users:read.email",
    }
)  # fmt: skip

SLACKBOT = "USLACKBOT"
KEPT_TRIGGERS = 10_000  # they are good for seconds only
_COUNTED = ("thread_ts", "reply_count", "reply_users", "reply_users_count", "latest_reply")  # at what is answered


@dataclass(slots=True)
class Trigger:
    """Something that a person did, because of which the app may show them a view, once and soon."""

    person: Person
    in_modal: bool
    since: float
    spent: bool = False


class Slack(Surroundings, Protocol):
    """What a workspace needs of the Slack it lives in."""

    clock: Clock

    @property
    def url(self) -> str:
        """Where it listens."""
        ...

    def response_url(self, room: Room, person: Person, message: Json | None) -> str:
        """A URL by which the app can answer what somebody did there, or to a message."""
        ...

    def answered(self, room: Room, person: Person, body: Json) -> None:
        """The app answered a slash command at once."""
        ...


class Workspace:
    """One workspace. `scopes` are what its bot token may; `active` turns false when the app is removed."""

    def __init__(self, sandbox: Slack, team: str, app: App, secret_of: Callable[[str], str]) -> None:
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
        self.handles = {self.bot_name: self.bot_user}  # ids by what is typed behind @
        self.rooms: dict[str, Room] = {}
        self.usergroups: dict[str, Usergroup] = {}
        self.files: dict[str, StoredFile] = {}
        self.tickets: dict[str, Ticket] = {}
        self._triggers: dict[str, Trigger] = {}

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

    def install(self, manifest: str) -> None:
        """Make the app anew of a manifest, YAML or JSON, and install it: it has what stands there, and no more.

        Raises ValueError with what Slack would find wrong. Slack calls `https://` alone: where on this machine it
        calls an app that is not in Socket Mode, `deliver_to` says.
        """
        made = Manifest.read(manifest)
        self.scopes = set(made.scopes)
        self.app.subscriptions = set(made.events)
        self.app.manifest = made
        if made.settings.socket_mode_enabled:
            self.deliver_to("")

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
        single_channel: bool = False,
        team: str = "",
        teams: Collection[str] = (),
    ) -> Person:
        """A person; made at the first call.

        `guest` has a restricted account, `single_channel` one for a single channel; `team` is another workspace of
        theirs, with which channels are shared (Slack Connect); `teams` are all workspaces of one organisation
        (Enterprise Grid) that they are in.
        """
        person = self.people.get(id)
        if person is None:
            person = self.people[id] = Person(
                self, id, name, email=email or f"{id.lower()}@example.org", tz=tz, locale=locale, is_bot=is_bot,
                guest=guest or single_channel, single_channel=single_channel, team=team or self.team,
                teams=tuple(teams),
            )  # fmt: skip
            self.handles.setdefault(person.handle, id)
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
        room.shared |= any(person.is_stranger for person in members)
        return room

    def room(self, channel: Room | str) -> Room:
        """A conversation by its id or name."""
        return channel if isinstance(channel, Room) else self.rooms[self.room_of(channel)]

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

    def group(self, users: Sequence[str]) -> Room:
        """The direct message among several people and the app; opened at the first call."""
        members = {*users, self.bot_user}
        for room in self.rooms.values():
            if room.kind == "mpim" and room.members == members:
                return room
        name = "--".join(["mpdm", *sorted(map(self.name_of, members)), "1"])
        room = Room(self.sandbox.clock.id("C"), name, "mpim", members, self.now())
        return self.rooms.setdefault(room.id, room)

    def join(self, room: Room, user: str, address: str = "") -> None:
        """Somebody joins a channel."""
        room.members.add(user)
        event: Json = {
            "type": "member_joined_channel", "user": user, "channel": room.id, "channel_type": room.id[0],
            "team": self.team, "event_ts": self.sandbox.clock.ts(),
        }  # fmt: skip
        self.tell(event, address, scope=f"{room.scope}:read")

    def leave(self, room: Room, user: str, by: str = "", address: str = "") -> None:
        """Somebody leaves a channel, or is removed from it `by` somebody; the app's bot can be, too."""
        if by and user == self.bot_user:
            self._told_by_slackbot(f"You have been removed from #{room.name} by <@{by}>")
        event: Json = {"channel": room.id, "event_ts": self.sandbox.clock.ts()}
        left = {**event, "type": "member_left_channel", "user": user, "channel_type": room.id[0], "team": self.team}
        self._told_in(room, left, address)
        if user == self.bot_user:
            kind = "group_left" if room.kind == "group" else "channel_left"
            self._told_in(room, {**event, "type": kind, "actor_id": by or user})
        room.members.discard(user)

    def archive(self, room: Room, by: Member, *, archived: bool = True) -> None:
        """Somebody archives a channel, or brings it back: nobody can write or react there any more."""
        word = "archive" if archived else "unarchive"
        kind = f"{'group' if room.kind == 'group' else 'channel'}_{word}"
        said = f"<@{by.id}> {word}d the channel"
        self.post(room, {"type": "message", "subtype": kind, "user": by.id, "text": said}, address=by.address)
        room.archived = archived
        event: Json = {"type": kind, "channel": room.id, "user": by.id, "event_ts": self.sandbox.clock.ts()}
        self._told_in(room, event, by.address)

    def delete_thread(self, room: Room, ts: str) -> None:
        """Somebody who may deletes a message with all that was answered to it, whoever wrote it."""
        for message in reversed(room.thread(ts)):
            self.remove(room, message["ts"])

    def _told_in(self, room: Room, event: Json, address: str = "") -> None:
        """Tell the app of something in a conversation that it is a member of."""
        if room.kind == "im" or self.bot_user in room.members:
            self.tell(event, address, scope=f"{room.scope}:read")

    def _told_by_slackbot(self, text: str) -> None:
        """Slackbot writes to the app's bot directly, as it writes to people."""
        ts = self.sandbox.clock.ts()
        event: Json = {
            "type": "message", "user": SLACKBOT, "team": self.team, "text": text, "ts": ts, "event_ts": ts,
            "channel": f"D{self.team[1:]}SLACKBOT", "channel_type": "im",
        }  # fmt: skip
        self.happened(Room(event["channel"], "", "im", set(), self.now()), event)

    def now(self) -> int:
        """Seconds since 1970."""
        return int(self.app.now())

    def address_of(self, id: str) -> str:
        """The address of a conversation, or the value of somebody's, who may belong to another workspace."""
        person = self.people.get(id)
        return f"{self.team}/{id}" if person is None else person.address

    def name_of(self, id: str) -> str:
        """The name of a person, user group or channel, as it is seen where they are mentioned."""
        if id in (self.bot_user, SLACKBOT):
            return self.bot_name if id == self.bot_user else "Slackbot"
        if id in self.people:
            return self.people[id].name
        if id in self.usergroups:
            return self.usergroups[id].handle
        return self.rooms[id].name if id in self.rooms else id

    def user_of(self, name: str) -> str:
        """The id of somebody by their name, by what is typed behind @, or by the id itself."""
        for person in self.people.values():
            if name in (person.id, person.name, person.handle, f"@{person.handle}"):
                return person.id
        raise LookupError(f"there is nobody called {name!r} in this workspace")

    def room_of(self, name: str) -> str:
        """The id of a channel by its name, with # or without, or by the id itself."""
        if name in self.rooms:
            return name
        for room in self.rooms.values():
            if room.name and room.name == name.removeprefix("#"):
                return room.id
        raise LookupError(f"there is no channel {name!r} in this workspace")

    def form(self, shown: Sequence[Json], before: Form | None = None) -> Form:
        """Blocks to be filled in."""
        return Form(shown, self.user_of, self.room_of, before)

    def views(self) -> list[View]:
        """Every modal and home that is there."""
        return [view for person in self.people.values() for view in person.views()]

    def room_names(self) -> dict[str, str]:
        """Ids of channels by what is typed behind #."""
        return {room.name: room.id for room in self.rooms.values() if room.name}

    def store(self, name: str, media_type: str, content: bytes, user: str) -> StoredFile:
        """Keep a file."""
        id = self.sandbox.clock.id("F")
        file = self.files[id] = StoredFile(id, name, name, media_type, content, user, self.now())
        return file

    def finish(self, files: Iterable[StoredFile]) -> None:
        """An upload is completed: its tickets are spent."""
        ids = {file.id for file in files}
        self.tickets = {key: ticket for key, ticket in self.tickets.items() if ticket.file.id not in ids}

    def sees(self, file: StoredFile) -> bool:
        """Whether the app's bot can see a file: it is its own, or shared where the bot is."""
        rooms = [self.rooms[id] for id in file.shared]
        return file.user == self.bot_user or any(room.kind == "im" or self.bot_user in room.members for room in rooms)

    def shares(self, file: StoredFile) -> Iterator[tuple[Room, Json]]:
        """The messages that carry a file."""
        for id in sorted(file.shared):
            for message in self.rooms[id].messages.values():
                if any(carried["id"] == file.id for carried in message.get("files", ())):
                    yield self.rooms[id], message

    def forget(self, file: StoredFile) -> None:
        """Delete a file; the messages that carried it say so."""
        for room, message in list(self.shares(file)):
            kept = [
                carried if carried["id"] != file.id else {"id": file.id, "mode": "tombstone"}
                for carried in message["files"]
            ]
            self.change(room, message["ts"], {"files": kept})
        del self.files[file.id]

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

    def incoming_webhook(self, text: str, channel: Room | str, username: str = "Integration") -> str:
        """Something that is no user posts mrkdwn in a channel, as builds and monitors do; returns the message's ts."""
        room = self.room(channel)
        message: Json = {
            "type": "message", "subtype": "bot_message", "bot_id": "B0WEBHOOK", "username": username, "text": text,
        }  # fmt: skip
        return str(self.post(room, message)["ts"])

    def _answered(self, room: Room, parent: Json, message: Json) -> None:
        """Count an answer at the message that it answers."""
        users = list(dict.fromkeys([*parent.get("reply_users", ()), message.get("user", "")]))
        room.messages[parent["ts"]] = {
            **parent, "thread_ts": parent["ts"], "reply_count": parent.get("reply_count", 0) + 1, "reply_users": users,
            "reply_users_count": len(users), "latest_reply": message["ts"],
        }  # fmt: skip
        if "user" in parent:
            message["parent_user_id"] = parent["user"]

    def _recount(self, room: Room, ts: str) -> None:
        """An answer was deleted: what is counted at the message that it answered is what is left."""
        parent, *answers = room.thread(ts)
        bare = {field: value for field, value in parent.items() if field not in _COUNTED}
        room.messages[ts] = bare
        for answer in answers:
            self._answered(room, room.messages[ts], answer)

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
            tombstone: Json = {"subtype": "tombstone", "text": "This message was deleted.", "user": SLACKBOT}
            self.change(room, ts, {**tombstone, "hidden": True, "blocks": [], "files": []}, address)
            return
        old = room.messages.pop(ts)
        if old.get("thread_ts", ts) in room.messages:
            self._recount(room, old["thread_ts"])
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
            told = self._enveloped(event, shared=room.shared)
            self.app.tell(Notice("events_api", address, told, place=self.address_of(room.id)))

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

    # --- reactions and triggers ----------------------------------------------------------------------------

    def react(self, room: Room, ts: str, name: str, user: str, address: str = "") -> None:
        """Somebody puts an emoji under a message."""
        reactions = {reaction["name"]: reaction["users"] for reaction in room.messages[ts].get("reactions", ())}
        reactions[name] = [*reactions.get(name, ()), user]
        self._reacted("reaction_added", room, ts, name, user, address, reactions)

    def unreact(self, room: Room, ts: str, name: str, user: str, address: str = "") -> None:
        """Somebody takes an emoji away again."""
        reactions = {reaction["name"]: reaction["users"] for reaction in room.messages[ts].get("reactions", ())}
        reactions[name] = [other for other in reactions.get(name, ()) if other != user]
        self._reacted("reaction_removed", room, ts, name, user, address, reactions)

    def _reacted(
        self, kind: str, room: Room, ts: str, name: str, user: str, address: str, reactions: Mapping[str, list[str]]
    ) -> None:
        kept = [{"name": name, "users": users, "count": len(users)} for name, users in reactions.items() if users]
        message = room.messages[ts] = {**room.messages[ts], "reactions": kept}
        event: Json = {
            "type": kind, "user": user, "reaction": name, "event_ts": self.sandbox.clock.ts(),
            "item": {"type": "message", "channel": room.id, "ts": ts}, "item_user": message.get("user", ""),
        }  # fmt: skip
        if room.kind == "im" or self.bot_user in room.members:
            self.tell(event, address, scope="reactions:read")

    def triggered(self, person: Person, *, in_modal: bool = False) -> str:
        """A trigger, by which the app may open a view for somebody, once and soon; above a modal if it was in one."""
        id = f"{self.sandbox.clock.id('')}.{self.sandbox.clock.id('')}"
        self._triggers[id] = Trigger(person, in_modal, time.monotonic())
        if len(self._triggers) > KEPT_TRIGGERS:
            del self._triggers[next(iter(self._triggers))]
        return id

    def trigger(self, id: str) -> Trigger:
        """What caused a trigger, which is thereby spent."""
        trigger = self._triggers.get(id)
        if trigger is None:
            raise ApiError("invalid_trigger_id")
        if trigger.spent:
            raise ApiError("exchanged_trigger_id")
        trigger.spent = True
        if time.monotonic() - trigger.since > self.app.patience:
            raise ApiError("expired_trigger_id")
        return trigger

    def uninstall(self) -> None:
        """The app is removed: its token is good no more. It is told so."""
        self.tell({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [self.bot_user]}})
        self.tell({"type": "app_uninstalled"})
        self.active = False

    # --- what is seen --------------------------------------------------------------------------------------

    def message(self, ts: str) -> Json:
        """The message of that ts, as Slack keeps it."""
        for room in self.rooms.values():
            if ts in room.messages:
                return room.messages[ts]
        raise LookupError(f"there is no message {ts}")

    def shown(self, room: Room, message: Json) -> Shown:
        """A message as people see it."""
        return Shown(
            channel=room.id,
            ts=message["ts"],
            thread_ts=message.get("thread_ts", ""),
            author=message.get("user", ""),
            text=self.text_of(message),
            choices=tuple(choice.label for choice in blocks.choices_of(message.get("blocks", ()))),
            files=tuple(self.files[file["id"]].name for file in message.get("files", ()) if file["id"] in self.files),
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
