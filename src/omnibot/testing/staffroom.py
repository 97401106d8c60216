"""The people at a desk, and the provider behind it, as the contract suite drives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from omnibot.contract import ChannelSettings, Place, Site
from omnibot.model import ActKind, Agent


class DeskAbility(StrEnum):
    """What a desk, or its provider, may lack. Its tests are then skipped, saying why."""

    THROTTLE = "throttle"  # the provider tells when to come again
    CUT_OFF = "cut off"  # the connection can be cut after something was accepted
    CLOSE = "close"  # a room can be closed to us
    REDELIVER = "redeliver"  # what was done comes again
    RETRY = "retry"  # what was not acknowledged comes again
    FILES = "files"
    EDIT = "edit"  # what was written in a thread can be changed, and deleted
    TIMELINE = "timeline"  # an agent can look at it page by page


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of a thread as people see it: no markup, no escapes.

    `acting` is what in it would do something: people who are called, links that hide where they lead.
    """

    text: str
    files: tuple[bytes, ...] = ()
    acting: tuple[str, ...] = ()


class Staffroom(Protocol):
    """People at a desk under a test's control. What `lacks` and `lacks_acts` name is never called."""

    lacks: Mapping[DeskAbility, str]  # ability → why it is not there
    lacks_acts: Mapping[ActKind, str]  # act → why nobody can do it at this desk
    room: str  # where threads are opened
    agent: Agent  # as the settings name them
    colleague: Agent  # who may act as well

    def settings(self) -> ChannelSettings:
        """Settings with which the account works against this provider."""
        ...

    async def attach(self, site: Site) -> None:
        """The account lives at `site` and is open now; call it there, if this provider calls."""
        ...

    def threads(self) -> Sequence[Sequence[Shown]]:
        """The threads of the room in the order in which they began; the card is the first line."""
        ...

    async def card(self, place: Place) -> str:
        """What the agent finds out when they want to know what a thread is about, as it is now."""
        ...

    async def told(self, agent: Agent) -> Sequence[str]:
        """What was shown to this agent alone, oldest first."""
        ...

    async def marked(self, place: Place, entry: str) -> str:
        """What people see at (or about) a message of the agent's: how far it has come; '' for nothing."""
        ...

    async def timeline(self, place: Place) -> str:
        """What the agent sees who asks for the latest page of the timeline."""
        ...

    async def write(self, place: Place, text: str) -> str:
        """The agent writes in a thread, and says nothing of whom it is for; the provider's id of it."""
        ...

    async def send(self, place: Place, text: str) -> str:
        """The agent writes in a thread, and says that it goes to the customer; the provider's id of it."""
        ...

    async def act(
        self,
        place: Place,
        kind: ActKind,
        *,
        text: str = "",
        value: str = "",
        files: Sequence[tuple[str, str, bytes]] = (),
    ) -> None:
        """The agent does something expressly, with the fields of a `DeskAct`; a file is name, media type, content.

        Returns once it is on its way.
        """
        ...

    async def intrude(self, place: Place, kind: ActKind, text: str) -> None:
        """Somebody who is no agent tries the same: a guest, a stranger, a customer."""
        ...

    async def intruder_told(self) -> str:
        """What the intruder was told."""
        ...

    async def redeliver(self) -> None:
        """What was done last comes again, the same to the byte."""
        ...

    def acknowledged(self) -> int:
        """How much of what people did was acknowledged."""
        ...

    async def edit(self, place: Place, entry: str, text: str) -> None:
        """The agent changes what they wrote."""
        ...

    async def delete(self, place: Place, entry: str) -> None:
        """The agent deletes what they wrote."""
        ...

    async def throttle(self, after: float) -> None:
        """The next call is turned down: to be tried after so many seconds."""
        ...

    async def cut_off(self) -> None:
        """The next call is accepted, and the connection cut before the answer."""
        ...

    async def close(self) -> None:
        """The room takes nothing of ours any more."""
        ...
