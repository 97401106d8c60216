"""A desk on Slack at work in the sandbox, with a core that keeps in memory what agents hand in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from slack_house import House, house, listening

from omnibot.contract import Desk, Look, NotAccepted, Page, Place
from omnibot.model import (
    ActKind,
    AddressId,
    Agent,
    Card,
    CardLine,
    DeskAct,
    Entry,
    EntryKind,
    Stretch,
    StretchId,
)
from omnibot.sandbox.slack import Person, Room, SlackSandbox

ROOM = "C0SENIOR"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def stretch(**fields) -> Stretch:
    given = {"id": StretchId(1), "address": AddressId(1), "team": "senior", "why": "asked for a person"}
    return Stretch(**{**given, "opened_at": datetime.now(UTC), **fields})


def card(**fields) -> Card:
    given = {
        "stretch": stretch(),
        "team": "Senior support",
        "name": "Sarah Miller",
        "contacts": (("telegram:4711", "seen"), ("email:sarah@example.org", "proven")),
        "said": (CardLine(at=NOON, by="", text="It fails again!", channel="telegram"),),
        "suggestion": "I am looking into it now.",
    }
    return Card(**{**given, **fields})


def heard(text: str, **fields) -> Entry:
    given = {"id": 7, "kind": EntryKind.HEARD, "at": NOON, "name": "Sarah Miller", "channel": "telegram"}
    return Entry(text=text, **{**given, **fields})


@dataclass
class MemoryOffice:
    """A core: what it took, once each. `refusing`: it cannot commit; `waits`: what it is asked has to wait."""

    cards_by_place: dict[Place, Card] = field(default_factory=dict)
    acts: list[tuple[Place, DeskAct]] = field(default_factory=list)
    offers: list[DeskAct] = field(default_factory=list)
    looked: list[tuple[Look, str, str]] = field(default_factory=list)
    refusing: bool = False
    pages: int = 3
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def act(self, place: Place, act: DeskAct) -> bool:
        self.offers.append(act)
        if self.refusing:
            raise NotAccepted("the database is away")
        if place not in self.cards_by_place:
            return False
        if act.id not in {known.id for _, known in self.acts}:
            self.acts.append((place, act))
        return True

    async def card(self, place: Place) -> Card | None:
        await self.open.wait()
        return self.cards_by_place.get(place)

    async def cards(self, look: Look, agent: Agent, *, team: str = "", text: str = "") -> Sequence[tuple[Place, Card]]:
        await self.open.wait()
        self.looked.append((look, team, text))
        return [(place, one) for place, one in self.cards_by_place.items() if text.lower() in one.name.lower()]

    async def timeline(self, place: Place, page: int = 0) -> Page:
        lines = [CardLine(at=NOON, by="bot" if n % 2 else "", text=f"page {page} line {n}") for n in range(3)]
        return Page(lines, page, earlier=page < self.pages - 1, later=page > 0)

    async def teams(self) -> Mapping[str, str]:
        return {"senior": "Senior support", "billing": "Billing"}

    def did(self) -> list[tuple[ActKind, str, str]]:
        return [(act.kind, act.text, act.value) for _, act in self.acts]


@dataclass
class AtWork:
    house: House
    office: MemoryOffice
    room: Room
    ana: Person  # an agent by the list
    grace: Person  # one by the user group
    place: Place

    @property
    def desk(self) -> Desk:
        desk = self.house.channel.desk()
        assert desk is not None
        return desk

    @property
    def slack(self) -> SlackSandbox:
        return self.house.sandbox

    @property
    def ts(self) -> str:
        """Of the card."""
        return self.place.thread

    def write(self, person: Person, text: str, **more) -> str:
        return person.write(text, self.room, self.ts, **more)

    async def until(self, condition: Callable[[], object], seconds: float = 8) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)

    async def acted(self, count: int = 1) -> DeskAct:
        """The last act, once there are so many."""
        await self.until(lambda: len(self.office.acts) >= count)
        return self.office.acts[-1][1]

    async def taken(self, count: int) -> None:
        """Wait until Slack got so many yeses more than it had."""
        await self.until(lambda: self.house.workspace.acknowledged >= count)

    async def told(self, person: Person, text: str) -> None:
        await self.until(lambda: any(text in notice for notice in person.notices))

    async def changed(self, **fields) -> None:
        """The matter stands otherwise now."""
        self.office.cards_by_place[self.place] = replace(self.office.cards_by_place[self.place], **fields)
        await self.desk.refresh(self.place, self.office.cards_by_place[self.place])


@asynccontextmanager
async def at_work(sandbox: SlackSandbox, mode: str = "events", **settings) -> AsyncIterator[AtWork]:
    office = MemoryOffice()
    workspace = sandbox.main
    ana, grace = workspace.user("U0ANA", "Ana Silva"), workspace.user("U0GRACE", "Grace Hopper")
    workspace.usergroup("S0AGENTS", "agents", [grace])
    room = workspace.channel(ROOM, "senior", [ana, grace])
    workspace.scopes |= {"chat:write", "reactions:write", "channels:history", "groups:history", "usergroups:read"}
    given = {"staff": ["U0ANA"], "staff_group": "S0AGENTS", **settings}
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(house(sandbox, mode, office=office, rooms=[ROOM], **given))
        if mode == "socket":
            await stack.enter_async_context(listening(opened))
        desk = opened.channel.desk()
        assert desk is not None
        place = await desk.open(ROOM, card())
        office.cards_by_place[place] = card()
        yield AtWork(opened, office, room, ana, grace, place)
