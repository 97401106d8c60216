"""A desk with nothing to spare: a board on a wall, with cards, and people who write below them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from omnibot.contract import (
    Accept,
    Channel,
    ChannelSettings,
    Desk,
    Limits,
    NotAccepted,
    Place,
    Receipt,
    Refused,
    Site,
    TryLater,
    Unsure,
)
from omnibot.model import ActKind, Agent, Attachment, Card, DeliveryState, DeskAct, Entry, Outbound
from omnibot.testing import DeskAbility, Shown

ANA, BEN = Agent("board:ana", "Ana"), Agent("board:ben", "Ben")
WALL = "the wall"


@dataclass
class Wall:
    """The board itself: what hangs there, and what people do."""

    threads: dict[str, list[Shown]] = field(default_factory=dict)
    alone: dict[str, list[str]] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    trouble: Exception | None = None
    is_cut: bool = False
    is_closed: bool = False
    desk: Any = None

    def turn_down(self) -> None:
        if self.is_closed:
            raise Refused("the wall is gone")
        if trouble := self.trouble:
            self.trouble = None
            raise trouble

    def answer(self) -> None:
        if self.is_cut:
            self.is_cut = False
            raise Unsure("nobody answers")


WALLS: dict[str, Wall] = {}


class BoardSettings(ChannelSettings):
    wall: str


def words(card: Card) -> str:
    lines = [*card.tried, *card.said]
    stretch = card.stretch
    told = [card.name, stretch.why, stretch.owner.name if stretch.owner else "", card.team, stretch.priority]
    told += [*map(str, card.contacts), card.plan, card.worth, card.trend, card.urgency, card.concern, card.suggestion]
    return "\n".join([*told, *(f"{line.by} {line.channel} {line.result}: {line.text}" for line in lines)])


class BoardDesk(Desk):
    channel = "board"

    def __init__(self, site: Site, wall: Wall) -> None:
        self.site = site
        self.wall = wall

    def place(self, card: Card) -> Place:
        return Place(f"board.{self.site.account}", WALL, str(card.stretch.id))

    async def open(self, room: str, card: Card) -> Place:
        self.wall.turn_down()
        self.wall.threads[str(card.stretch.id)] = [Shown(words(card))]
        self.wall.answer()
        return self.place(card)

    async def find(self, room: str, card: Card) -> Place | None:
        return self.place(card) if str(card.stretch.id) in self.wall.threads else None

    async def refresh(self, place: Place, card: Card) -> None:
        self.wall.turn_down()
        self.thread(place)[0] = Shown(words(card))

    def thread(self, place: Place) -> list[Shown]:
        if place.thread not in self.wall.threads:
            raise Refused("no such card")
        return self.wall.threads[place.thread]

    async def show(self, place: Place, entry: Entry) -> str:
        self.wall.turn_down()
        lines = self.thread(place)
        if entry.to:
            if not entry.to.startswith("board:"):
                raise Refused("nobody here")
            self.wall.alone.setdefault(entry.to, []).append(entry.text)
            return ""
        lines.append(await self.line(entry))
        self.wall.answer()
        return f"line {entry.id}"

    async def line(self, entry: Entry) -> Shown:
        channel = {"whatsapp": "WhatsApp"}.get(entry.channel, entry.channel)
        files = []
        for file in entry.files:
            try:
                files.append(b"".join([chunk async for chunk in self.site.files.open(file)]))
            except Refused:
                continue
        return Shown(f"{entry.name} on {channel}: {entry.text}", tuple(files))

    async def mark(self, place: Place, entry: str, state: DeliveryState, reason: str = "") -> None:
        self.wall.marks[entry] = f"{state} {reason}"

    async def done(self, by: Agent, place: Place, act: DeskAct) -> bool:
        """What somebody did at the wall; False: the wall is to tell again."""
        if by not in (ANA, BEN):
            self.wall.alone.setdefault(by.id, []).append("You may not do that.")
            act = replace(act, kind=ActKind.REFUSED, value="not an agent")
        try:
            await self.site.office.act(place, act)
        except NotAccepted:
            return False
        return True


class Board(Channel):
    name: ClassVar[str] = "board"
    Settings: ClassVar[type[ChannelSettings]] = BoardSettings
    Works: ClassVar[type[BoardDesk]] = BoardDesk
    limits = Limits(text=1000)

    def __init__(self, site: Site, settings: BoardSettings) -> None:
        super().__init__(site, settings)
        self.wall = WALLS[settings.wall]
        self.wall.desk = self._desk = self.Works(site, self.wall)

    def desk(self) -> Desk:
        return self._desk

    async def send(self, message: Outbound) -> Receipt:
        raise Refused("nobody reads here")

    async def listen(self, accept: Accept) -> None:
        self.wall.desk.accept = accept


class BoardPeople:
    """Ana and Ben at the wall, as the suite drives them."""

    lacks: ClassVar[dict[DeskAbility, str]] = {DeskAbility.TIMELINE: "there is no room for it"}
    lacks_acts: ClassVar[dict[ActKind, str]] = {ActKind.MUTE: "nobody hears anything"}
    room, agent, colleague = WALL, ANA, BEN

    def __init__(self) -> None:
        self.wall = WALLS.setdefault(f"wall {len(WALLS)}", Wall())
        self.last: tuple[Agent, Place, DeskAct] | None = None
        self.count = self.taken = 0

    def settings(self) -> BoardSettings:
        return BoardSettings(wall=next(name for name, wall in WALLS.items() if wall is self.wall))

    async def attach(self, site: Site) -> None:
        return None

    def threads(self) -> Sequence[Sequence[Shown]]:
        return list(self.wall.threads.values())

    async def card(self, place: Place) -> str:
        return self.wall.threads[place.thread][0].text

    async def told(self, agent: Agent) -> Sequence[str]:
        return self.wall.alone.get(agent.id, [])

    async def marked(self, place: Place, entry: str) -> str:
        return self.wall.marks.get(entry, "")

    async def write(self, place: Place, text: str) -> str:
        return await self._do(ANA, place, ActKind.NOTE, text=text)

    async def send(self, place: Place, text: str) -> str:
        return await self._do(ANA, place, ActKind.REPLY, text=text)

    async def act(
        self,
        place: Place,
        kind: ActKind,
        *,
        text: str = "",
        value: str = "",
        files: Sequence[tuple[str, str, bytes]] = (),
    ) -> None:
        given = tuple(Attachment(name=name, media_type=kind, content=content) for name, kind, content in files)
        if kind is ActKind.ASSIGN:
            text = BEN.name
        entry = value if kind is ActKind.RETRY else ""
        await self._do(ANA, place, kind, text=text, value="" if entry else value, files=given, entry=entry)

    async def intrude(self, place: Place, kind: ActKind, text: str) -> None:
        await self._do(Agent("board:eve", "Eve"), place, kind, text=text)

    async def intruder_told(self) -> str:
        return "".join(self.wall.alone.get("board:eve", []))

    async def _do(self, by: Agent, place: Place, kind: ActKind, *, entry: str = "", **more: Any) -> str:
        self.count += 1
        entry = entry or f"written {self.count}"
        act = DeskAct(id=f"act {self.count}", at=datetime.now(UTC), by=by, kind=kind, entry=entry, **more)
        self.last = by, place, act
        await self.redeliver()
        return entry

    async def redeliver(self) -> None:
        assert self.last is not None
        while not await self.wall.desk.done(*self.last):
            await asyncio.sleep(0.01)
        self.taken += 1

    def acknowledged(self) -> int:
        return self.taken

    async def edit(self, place: Place, entry: str, text: str) -> None:
        await self._do(ANA, place, ActKind.EDITED, text=text, entry=entry)

    async def delete(self, place: Place, entry: str) -> None:
        await self._do(ANA, place, ActKind.DELETED, entry=entry)

    async def throttle(self, after: float) -> None:
        self.wall.trouble = TryLater("the wall is full", after)

    async def cut_off(self) -> None:
        self.wall.is_cut = True

    async def close(self) -> None:
        self.wall.is_closed = True
