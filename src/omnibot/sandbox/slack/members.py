"""The members of an emulated workspace: who they are, what they write and what they read.

Each act is on its way to the app when the method returns.
"""

from __future__ import annotations

import re
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.slack import mrkdwn
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


@dataclass(eq=False)
class Member:
    """Somebody in a workspace: who they are, what they write and what they read.

    `team` is their own workspace, which may be another; `teams` are all that they are in of an organisation; `guest` an
    account that is restricted, `single_channel` to one channel; `confirmed` their email address.
    """

    workspace: Workspace = field(repr=False)
    id: str
    name: str
    email: str
    tz: str
    locale: str
    is_bot: bool
    guest: bool
    single_channel: bool
    team: str
    confirmed: bool = True
    deleted: bool = False
    teams: tuple[str, ...] = ()
    _ephemerals: deque[tuple[Room, Json]] = field(
        default_factory=lambda: deque(maxlen=KEPT_EPHEMERALS), init=False, repr=False
    )

    @property
    def address(self) -> str:
        """The value of their address: `T…/U…`, with their own workspace."""
        return f"{self.team}/{self.id}"

    @property
    def is_stranger(self) -> bool:
        """Whether they are of another company."""
        return self.workspace.team not in (self.team, *self.teams)

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
        parts, elements = [], []
        for words, quoted in mrkdwn.quotations(text):
            escaped, inside = mrkdwn.typed(words, workspace.handles, rooms)
            parts.append(mrkdwn.quote(escaped) if quoted else escaped)
            elements.append({"type": f"rich_text_{'quote' if quoted else 'section'}", "elements": inside})
        block: Json = {"type": "rich_text", "block_id": workspace.sandbox.clock.short(), "elements": elements}
        return {"text": "\n".join(parts), "blocks": [block]}

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
        if room.archived:
            raise LookupError(f"#{room.name} is archived: nobody can write there")
        made = self.workspace.app.manifest
        if room.kind == "im" and made and not made.features.app_home.takes_messages:
            raise LookupError("sending messages to this app has been turned off")
        message: Json = {"type": "message", **self._authorship(), **content}
        if thread_ts:
            if thread_ts not in room.messages:
                raise LookupError(f"there is no message {thread_ts} in {room.id} that could be answered")
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
        room = self.workspace.room(channel)
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

    def unreact(self, ts: str, name: str) -> None:
        """Take their emoji away again."""
        self.workspace.unreact(self._where(ts), ts, name, self.id, self.address)

    def join(self, channel: Room | str) -> None:
        """Join a channel; the app is told."""
        self.workspace.join(self.workspace.room(channel), self.id, self.address)

    def leave(self, channel: Room | str) -> None:
        """Leave a channel; the app is told."""
        self.workspace.leave(self.workspace.room(channel), self.id, address=self.address)

    def remove_bot(self, channel: Room | str) -> None:
        """Remove the app's bot from a channel."""
        self.workspace.leave(self.workspace.room(channel), self.workspace.bot_user, self.id)

    def invite_bot(self, channel: Room | str) -> None:
        """Bring the app's bot into a channel."""
        self.workspace.join(self.workspace.room(channel), self.workspace.bot_user)

    def archive(self, channel: Room | str) -> None:
        """Archive a channel."""
        self.workspace.archive(self.workspace.room(channel), self)

    def unarchive(self, channel: Room | str) -> None:
        """Bring an archived channel back; whoever was in it is in it again."""
        self.workspace.archive(self.workspace.room(channel), self, archived=False)

    def delete_thread(self, ts: str) -> None:
        """Delete a message with all that was answered to it, whoever wrote it, as an administrator may."""
        self.workspace.delete_thread(self._where(ts), ts)

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

    # --- what nobody else sees -----------------------------------------------------------------------------

    @property
    def notices(self) -> list[str]:
        """The messages that nobody else sees, oldest first."""
        return [self.workspace.text_of(message) for _, message in self._ephemerals]

    def whisper(self, room: Room, message: Json) -> None:
        """Show them a message that nobody else sees."""
        self._ephemerals.append((room, message))

    def unwhisper(self, ts: str) -> None:
        """Take such a message away again."""
        kept = [(room, message) for room, message in self._ephemerals if message["ts"] != ts]
        self._ephemerals = deque(kept, maxlen=KEPT_EPHEMERALS)

    def whispered(self, room: Room, thread_ts: str) -> list[Json]:
        """What nobody else sees in a thread."""
        return [
            message for where, message in self._ephemerals if where is room and message.get("thread_ts") == thread_ts
        ]

    # --- what becomes of them ------------------------------------------------------------------------------

    def deactivate(self) -> None:
        """Their account is closed."""
        self.deleted = True
