"""The contract of a desk: where a team of people takes matters over from the bot.

A desk shows what happens in threads, and hands in what agents do. It decides who is an agent, since only it knows the
people there; all else is decided by the core. An internal note never leaves it: what it hands in as a note cannot be
sent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol

from omnibot.contract.outcome import NotAccepted, Refused
from omnibot.model import Agent, Card, CardLine, DeliveryState, DeskAct, Entry

__all__ = ["Desk", "Look", "NoOffice", "Office", "Page", "Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """A thread: of which desk (`slack.main`), in which room of it (a channel, a mailbox), and which one there."""

    desk: str
    room: str
    thread: str


class Look(StrEnum):
    """Which matters an agent wants to see."""

    MINE = "mine"
    TEAM = "team"  # nobody has them yet, or others have
    OVERDUE = "overdue"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a customer's timeline, oldest first; `earlier` and `later` tell whether there is more."""

    lines: Sequence[CardLine]
    number: int  # 0 is the latest
    earlier: bool = False
    later: bool = False


class Office(Protocol):
    """The core, as a desk knows it."""

    async def act(self, place: Place, act: DeskAct) -> bool:
        """Take in what an agent does; returns after the commit, False where no matter has that thread.

        Raises NotAccepted: do not acknowledge, the provider must come again.
        """

    async def card(self, place: Place) -> Card | None:
        """What a thread is about, as it is now."""

    async def cards(self, look: Look, agent: Agent, *, team: str = "", text: str = "") -> Sequence[tuple[Place, Card]]:
        """Open matters, the most urgent first; `text` is sought in names, addresses and what is open. 50 at most."""

    async def timeline(self, place: Place, page: int = 0) -> Page:
        """What was said with a thread's customer on all channels."""

    async def teams(self) -> Mapping[str, str]:
        """The teams there are, by key, as people call them."""


class NoOffice:
    """Where nobody works."""

    async def act(self, place: Place, act: DeskAct) -> bool:
        raise NotAccepted("there is no desk here")

    async def card(self, place: Place) -> Card | None:
        return None

    async def cards(self, look: Look, agent: Agent, *, team: str = "", text: str = "") -> Sequence[tuple[Place, Card]]:
        return ()

    async def timeline(self, place: Place, page: int = 0) -> Page:
        return Page((), 0)

    async def teams(self) -> Mapping[str, str]:
        return {}


class Desk(ABC):
    """One account as a desk. Each call raises Refused, TryLater or Unsure, as `Channel.send` does.

    Refused with `unreachable` tells that the room or the thread takes nothing any more: the next one is used. Without,
    the card tells: where it cannot be refreshed either, the room is left as well.
    """

    channel: ClassVar[str]  # of the account that it is a part of

    @abstractmethod
    async def open(self, room: str, card: Card) -> Place:
        """Begin a thread with a card."""

    @abstractmethod
    async def refresh(self, place: Place, card: Card) -> None:
        """Show a card as it is now."""

    @abstractmethod
    async def show(self, place: Place, entry: Entry) -> str:
        """Add a line to a thread, or show it to one agent alone; its id there, '' where it has none."""

    @abstractmethod
    async def mark(self, place: Place, entry: str, state: DeliveryState, reason: str = "") -> None:
        """Show at what an agent wrote how far it has come to the customer."""

    async def find(self, room: str, card: Card) -> Place | None:
        """The thread that `open` may have begun before its answer was lost; None: there is none.

        Raises Refused where that cannot be told.
        """
        raise Refused("this desk cannot look")
