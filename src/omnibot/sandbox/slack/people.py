"""The people of an emulated workspace. Each act is on its way to the app when the method returns."""

from __future__ import annotations

import re
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.slack import blocks, mrkdwn
from omnibot.sandbox.slack.app import Notice
from omnibot.sandbox.slack.parameters import Json

if TYPE_CHECKING:
    from omnibot.sandbox.slack.workspace import Room, Workspace


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
        self.team = team
        self.deleted = False
        self.errors: deque[str] = deque(maxlen=100)  # what Slack told them about what they pressed or commanded
        self._ephemerals: list[tuple[Room, Json]] = []

    @property
    def address(self) -> str:
        """The value of their address: `T…/U…`."""
        return f"{self.workspace.team}/{self.id}"

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
        workspace = self.workspace
        escaped, elements = mrkdwn.typed(text, workspace.handles(), workspace.room_names())
        rich: Json = {"type": "rich_text_section", "elements": elements}
        content: Json = {
            "text": escaped,
            "blocks": [{"type": "rich_text", "block_id": workspace.sandbox.clock.id("b"), "elements": [rich]}],
        }
        return self._post(content if text else {"text": ""}, channel, thread_ts, files, broadcast=broadcast)

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
            return {"user": self.id, "bot_id": f"B{self.id[1:]}", "app_id": "A0OTHERAPP", "team": self.team}
        who: Json = {"user": self.id, "client_msg_id": str(uuid.uuid4()), "team": self.team}
        if self.team != self.workspace.team:
            who |= {"user_team": self.team, "source_team": self.team}
        return who

    def _upload(self, file: SentFile, room: Room) -> Json:
        stored = self.workspace.store(file.name, file.media_type, file.content, self.id)
        stored.shared.add(room.id)
        return self.workspace.described(stored)

    def room(self, channel: Room | str | None) -> Room:
        """The conversation of that id (None: the direct message with the app), of which they are a member."""
        if channel is None:
            return self.workspace.direct(self.id)
        room = self.workspace.rooms[channel] if isinstance(channel, str) else channel
        room.members.add(self.id)
        return room

    def edit(self, ts: str, text: str) -> None:
        """Change what they wrote."""
        workspace = self.workspace
        room = self._where(ts)
        escaped, elements = mrkdwn.typed(text, workspace.handles(), workspace.room_names())
        rich: Json = {"type": "rich_text_section", "elements": elements}
        block: Json = {"type": "rich_text", "block_id": workspace.sandbox.clock.id("b"), "elements": [rich]}
        edited: Json = {"user": self.id, "ts": workspace.sandbox.clock.ts()}
        workspace.change(room, ts, {"text": escaped, "blocks": [block], "edited": edited}, self.address)

    def delete(self, ts: str) -> None:
        """Delete what they wrote."""
        self.workspace.remove(self._where(ts), ts, self.address)

    def react(self, ts: str, name: str) -> None:
        """Put an emoji under a message."""
        room = self._where(ts)
        event: Json = {
            "type": "reaction_added", "user": self.id, "reaction": name, "event_ts": self.workspace.sandbox.clock.ts(),
            "item": {"type": "message", "channel": room.id, "ts": ts}, "item_user": room.messages[ts].get("user", ""),
        }  # fmt: skip
        self.workspace.tell(event, self.address, scope="reactions:read")

    def _where(self, ts: str) -> Room:
        for room in self._rooms():
            if ts in room.messages:
                return room
        raise LookupError(f"{self.name} sees no message {ts}")

    # --- pressing and commanding ---------------------------------------------------------------------------

    def press(self, label: str, ts: str = "") -> None:
        """Press a choice under a message, by default under the latest that has it."""
        shown, choice = self._choice(label, ts)
        workspace = self.workspace
        room = workspace.rooms[shown.channel]
        action = {**choice.action, "action_ts": workspace.sandbox.clock.ts()}
        container: Json = {
            "type": "message", "message_ts": shown.ts, "channel_id": room.id, "is_ephemeral": shown.ephemeral,
        }  # fmt: skip
        if shown.thread_ts:
            container["thread_ts"] = shown.thread_ts
        payload: Json = {
            "type": "block_actions",
            **self._interaction(),
            "container": container,
            "channel": {"id": room.id, "name": room.name or "directmessage"},
            "message": shown.message,
            "state": {"values": {}},
            "response_url": workspace.sandbox.response_url(workspace, room, self.id, shown.message),
            "actions": [action],
        }
        workspace.app.tell(Notice("interactive", self.address, payload, failed=self.errors.append))

    def _choice(self, label: str, ts: str) -> tuple[Shown, blocks.Choice]:
        for shown in reversed(self.messages):
            if ts in ("", shown.ts):
                for choice in blocks.choices_of(shown.message.get("blocks", ())):
                    if choice.label == label:
                        return shown, choice
        raise LookupError(f"no message offers {label!r}")

    def _interaction(self) -> Json:
        """What every interaction tells of who, where and with which app."""
        workspace = self.workspace
        return {
            "user": {"id": self.id, "username": self.handle, "name": self.handle, "team_id": self.team},
            "api_app_id": workspace.app.id,
            "token": workspace.app.verification_token,
            "trigger_id": workspace.sandbox.clock.id("7."),
            "team": {"id": workspace.team, "domain": workspace.domain},
            "enterprise": None,
            "is_enterprise_install": False,
        }

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
            "response_url": workspace.sandbox.response_url(workspace, room, self.id, None),
            "trigger_id": workspace.sandbox.clock.id("7."),
        }
        workspace.app.tell(Notice("slash_commands", self.address, payload, failed=self.errors.append))

    def whisper(self, room: Room, message: Json) -> None:
        """Show them a message that nobody else sees."""
        self._ephemerals.append((room, message))

    # --- what becomes of them ------------------------------------------------------------------------------

    def deactivate(self) -> None:
        """Their account is closed."""
        self.deleted = True
