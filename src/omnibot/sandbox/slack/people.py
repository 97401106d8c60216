"""The people of an emulated workspace. Each act is on its way to the app when the method returns."""

from __future__ import annotations

import re
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.slack import blocks, mrkdwn
from omnibot.sandbox.slack.app import Notice
from omnibot.sandbox.slack.parameters import Json

if TYPE_CHECKING:
    from omnibot.sandbox.slack.rooms import Room
    from omnibot.sandbox.slack.workspace import Workspace

KEPT_EPHEMERALS = 1_000  # a person


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as people see it: no markup, no escapes."""

    channel: str
    ts: str
    thread_ts: str
    author: str  # a user's id
    text: str
    choices: tuple[str, ...]
    files: tuple[str, ...]
    ephemeral: bool
    message: Json = field(repr=False)  # as Slack keeps it


class Person:
    """Somebody who uses Slack. `team` is their own workspace, which may be another than this one."""

    def __init__(
        self,
        workspace: Workspace,
        id: str,
        name: str,
        *,
        email: str,
        tz: str,
        locale: str,
        is_bot: bool,
        guest: bool,
        team: str,
    ) -> None:
        self.workspace = workspace
        self.id = id
        self.name = name
        self.email = email or f"{id.lower()}@example.org"
        self.tz = tz
        self.locale = locale
        self.is_bot = is_bot
        self.guest = guest
        self.confirmed = True  # their email address
        self.team = team
        self.deleted = False
        self.errors: deque[str] = deque(maxlen=100)  # what Slack told them about what they pressed or commanded
        self.modal: Json | None = None  # that is open
        self.home: Json | None = None  # the app's home as it was published for them
        self._ephemerals: deque[tuple[Room, Json]] = deque(maxlen=KEPT_EPHEMERALS)

    @property
    def address(self) -> str:
        """The value of their address: `T…/U…`, with their own workspace."""
        return f"{self.team}/{self.id}"

    @property
    def bot_id(self) -> str:
        """Of a bot, beside its user's id; '' of a human."""
        return f"B{self.id[1:]}" if self.is_bot else ""

    @property
    def handle(self) -> str:
        """What is typed behind @ to mention them."""
        return re.sub(r"\W+", ".", self.name.lower()).strip(".") or self.id.lower()

    @property
    def messages(self) -> list[Shown]:
        """What they see: everything in their direct message with the app and in their channels, oldest first."""
        seen = [(room, message) for room in self._rooms() for message in room.messages.values()]
        return [
            self.workspace.shown(room, message)
            for room, message in sorted([*seen, *self._ephemerals], key=lambda pair: str(pair[1]["ts"]))
        ]

    def _rooms(self) -> list[Room]:
        return [room for room in self.workspace.rooms.values() if self.id in room.members]

    # --- writing -------------------------------------------------------------------------------------------

    def _written(self, text: str) -> Json:
        """What Slack makes of a text that was typed."""
        if not text:
            return {"text": ""}
        workspace = self.workspace
        rooms = workspace.room_names() if "#" in text else {}
        escaped, elements = mrkdwn.typed(text, workspace.handles, rooms)
        rich: Json = {"type": "rich_text_section", "elements": elements}
        block: Json = {"type": "rich_text", "block_id": workspace.sandbox.clock.short(), "elements": [rich]}
        return {"text": escaped, "blocks": [block]}

    def write(
        self,
        text: str,
        channel: Room | str | None = None,
        thread_ts: str = "",
        files: Sequence[SentFile] = (),
        *,
        broadcast: bool = False,
    ) -> str:
        """Write to the app directly, or in a channel; returns the message's ts. @name and #channel are understood."""
        return self._post(self._written(text), channel, thread_ts, files, broadcast=broadcast)

    def mention(self, text: str, channel: Room | str, thread_ts: str = "") -> str:
        """Write in a channel to the app's bot: one text, which is told as a message and as a mention."""
        return self.write(f"@{self.workspace.bot_name} {text}", channel, thread_ts)

    def send(self, mrkdwn_text: str, channel: Room | str | None = None, thread_ts: str = "") -> str:
        """Send exactly this `text`, which no typing could produce."""
        return self._post({"text": mrkdwn_text}, channel, thread_ts, ())

    def _post(
        self,
        content: Json,
        channel: Room | str | None,
        thread_ts: str,
        files: Sequence[SentFile],
        *,
        broadcast: bool = False,
    ) -> str:
        room = self.room(channel)
        message: Json = {"type": "message", **self._authorship(), **content}
        if thread_ts:
            message["thread_ts"] = thread_ts
        if broadcast:
            message["subtype"] = "thread_broadcast"
        if files:
            message |= {"subtype": "file_share", "upload": False, "display_as_bot": False, "files": []}
            message["files"] = [self._upload(file, room) for file in files]
        return str(self.workspace.post(room, message, address=self.address)["ts"])

    def _authorship(self) -> Json:
        if self.is_bot:
            return {"user": self.id, "bot_id": self.bot_id, "app_id": "A0OTHERAPP", "team": self.team}
        who: Json = {"user": self.id, "client_msg_id": str(uuid.uuid4()), "team": self.team}
        if self.team != self.workspace.team:
            who |= {"user_team": self.team, "source_team": self.team}
        return who

    def _upload(self, file: SentFile, room: Room) -> Json:
        stored = self.workspace.store(file.name, file.media_type, file.content, self.id)
        stored.shared.add(room.id)
        if not room.shared:
            return self.workspace.described(stored)
        # among several workspaces Slack tells no more than this: the rest must be asked of files.info
        return {
            "id": stored.id, "created": stored.created, "timestamp": stored.created, "user": self.id,
            "mode": "file_access", "file_access": "check_file_info",
        }  # fmt: skip

    def room(self, channel: Room | str | None) -> Room:
        """The conversation of that id (None: the direct message with the app), of which they are a member."""
        if channel is None:
            return self.workspace.direct(self.id)
        room = self.workspace.rooms[channel] if isinstance(channel, str) else channel
        if room.kind == "im" and self.id not in room.members:
            raise LookupError(f"{self.name} is not in that direct message")
        room.members.add(self.id)
        return room

    def edit(self, ts: str, text: str) -> None:
        """Change what they wrote."""
        edited: Json = {"user": self.id, "ts": self.workspace.sandbox.clock.ts()}
        self.workspace.change(self._own(ts), ts, {**self._written(text), "edited": edited}, self.address)

    def delete(self, ts: str) -> None:
        """Delete what they wrote."""
        self.workspace.remove(self._own(ts), ts, self.address)

    def react(self, ts: str, name: str) -> None:
        """Put an emoji under a message."""
        self.workspace.react(self._where(ts), ts, name, self.id, self.address)

    def _own(self, ts: str) -> Room:
        room = self._where(ts)
        if room.messages[ts].get("user") != self.id:
            raise LookupError(f"{self.name} did not write message {ts}")
        return room

    def _where(self, ts: str) -> Room:
        for room in self._rooms():
            if ts in room.messages:
                return room
        raise LookupError(f"{self.name} sees no message {ts}")

    # --- pressing, commanding, filling in ------------------------------------------------------------------

    def press(self, label: str, ts: str = "") -> None:
        """Press a choice: of that message, or of what is in front: an open modal, the latest message, the home."""
        place, action = self._choice(label, ts)
        action = {**action, "action_ts": self.workspace.sandbox.clock.ts()}
        self._interact({"type": "block_actions", **self._interaction(), **place, "actions": [action]})

    def _choice(self, label: str, ts: str) -> tuple[Json, Json]:
        """Where a choice is, and the action of pressing it."""
        if self.modal is not None and not ts:
            return _of_view(self.modal), self._action(self.modal, label)
        for shown in reversed(self.messages):
            for choice in blocks.choices_of(shown.message.get("blocks", ())):
                if choice.label == label and ts in ("", shown.ts):
                    return self._of_message(shown), choice.action
        if self.home is None or ts:
            raise LookupError(f"no message offers {label!r}")
        return _of_view(self.home), self._action(self.home, label)

    def _action(self, view: Json, label: str) -> Json:
        for choice in blocks.choices_of(view["blocks"]):
            if choice.label == label:
                return choice.action
        raise LookupError(f"nothing in view offers {label!r}")

    def _of_message(self, shown: Shown) -> Json:
        workspace = self.workspace
        room = workspace.rooms[shown.channel]
        container: Json = {
            "type": "message", "message_ts": shown.ts, "channel_id": room.id, "is_ephemeral": shown.ephemeral,
        }  # fmt: skip
        if shown.thread_ts:
            container["thread_ts"] = shown.thread_ts
        place: Json = {
            "container": container,
            "channel": {"id": room.id, "name": room.name or "directmessage"},
            "state": {"values": {}},
            "response_url": workspace.sandbox.response_url(room, self, shown.message),
        }
        # what nobody else sees is told by its place alone
        return place if shown.ephemeral else place | {"message": shown.message}

    def _interaction(self) -> Json:
        """What every interaction tells of who, where and with which app."""
        workspace = self.workspace
        return {
            "user": {"id": self.id, "username": self.handle, "name": self.handle, "team_id": self.team},
            "api_app_id": workspace.app.id,
            "token": workspace.app.verification_token,
            "trigger_id": workspace.triggered(self),
            "team": {"id": workspace.team, "domain": workspace.domain},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _interact(self, payload: Json, answered: Callable[[Json], None] = lambda _: None) -> None:
        app = self.workspace.app
        app.tell(Notice("interactive", self.address, payload, answered=answered, failed=self.errors.append))

    def command(self, command: str, text: str = "", channel: Room | str | None = None) -> None:
        """Give a slash command; what the app answers at once is among their `messages`."""
        workspace = self.workspace
        room = self.room(channel)
        payload: Json = {
            "token": workspace.app.verification_token,
            "team_id": workspace.team,
            "team_domain": workspace.domain,
            "channel_id": room.id,
            "channel_name": room.name or "directmessage",
            "user_id": self.id,
            "user_name": self.handle,
            "command": command,
            "text": text,
            "api_app_id": workspace.app.id,
            "is_enterprise_install": "false",
            "response_url": workspace.sandbox.response_url(room, self, None),
            "trigger_id": workspace.triggered(self),
        }
        answered = partial(workspace.sandbox.answered, room, self)
        workspace.app.tell(
            Notice("slash_commands", self.address, payload, answered=answered, failed=self.errors.append)
        )

    def submit(self, **values: str) -> None:
        """Fill in the open modal, by the `action_id` of its inputs, and submit it."""
        view = self._open_modal()
        state: dict[str, Json] = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                element = block["element"]
                value = {"type": element["type"], "value": values.get(element["action_id"])}
                state.setdefault(block["block_id"], {})[element["action_id"]] = value
        self._interact(
            {
                "type": "view_submission", **self._interaction(), "view": {**view, "state": {"values": state}},
                "response_urls": [],
            },
            self._submitted,
        )  # fmt: skip

    def _submitted(self, answer: Json) -> None:
        """What the app says to a submission: faults, another view, or that the modal shall close."""
        match answer.get("response_action"):
            case "errors":
                self.errors.extend(map(str, answer.get("errors", {}).values()))
            case "update" if self.modal is not None:
                self.modal = {**self.modal, **answer.get("view", {})}
            case _:
                self.modal = None

    def close(self) -> None:
        """Close the open modal without submitting it; the app is told if it asked for that."""
        view = self._open_modal()
        self.modal = None
        if view["notify_on_close"]:
            self._interact({"type": "view_closed", **self._interaction(), "view": view, "is_cleared": False})

    def _open_modal(self) -> Json:
        if self.modal is None:
            raise LookupError(f"{self.name} has no modal open")
        return self.modal

    def open_home(self) -> None:
        """Look at the app's home."""
        event: Json = {
            "type": "app_home_opened", "user": self.id, "channel": self.workspace.direct(self.id).id, "tab": "home",
            "event_ts": self.workspace.sandbox.clock.ts(),
        }  # fmt: skip
        self.workspace.tell(event if self.home is None else event | {"view": self.home}, self.address)

    def whisper(self, room: Room, message: Json) -> None:
        """Show them a message that nobody else sees."""
        self._ephemerals.append((room, message))

    def unwhisper(self, ts: str) -> None:
        """Take such a message away again."""
        kept = [(room, message) for room, message in self._ephemerals if message["ts"] != ts]
        self._ephemerals = deque(kept, maxlen=KEPT_EPHEMERALS)

    # --- what becomes of them ------------------------------------------------------------------------------

    def deactivate(self) -> None:
        """Their account is closed."""
        self.deleted = True


def _of_view(view: Json) -> Json:
    return {"container": {"type": "view", "view_id": view["id"]}, "view": view}
