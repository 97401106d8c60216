"""What an emulated workspace holds: conversations, files, user groups; and its clock, which numbers all of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from omnibot.sandbox.slack.parameters import Json

KEPT_MESSAGES = 10_000  # a conversation; older ones cannot be edited or read any more

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

    def short(self) -> str:
        """The next id of a block or an element that was given none."""
        return self.id("")[-5:]

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


@dataclass(slots=True)
class Ticket:
    """The right to upload a file of so many bytes once."""

    file: StoredFile
    length: int
    uploaded: bool = False


@dataclass(frozen=True, slots=True)
class Usergroup:
    """A group of people that can be mentioned by its handle."""

    id: str
    handle: str
    users: tuple[str, ...]
