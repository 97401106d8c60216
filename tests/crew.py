"""Two channels on which customers write and a desk in memory, for journeys through the server: what happened stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar

from omnibot.app import Running, serve
from omnibot.channels import Account
from omnibot.contract import (
    Accept,
    Channel,
    ChannelSettings,
    Desk,
    Limits,
    Office,
    Place,
    Receipt,
    Refused,
    Site,
    Unsure,
)
from omnibot.model import (
    ActKind,
    Address,
    Agent,
    Attachment,
    Card,
    DeliveryReport,
    DeliveryState,
    DeskAct,
    Entry,
    EntryKind,
    Identifier,
    IdentifierKind,
    IncomingMessage,
    Outbound,
    Sender,
)
from omnibot.settings import Settings

ANA, BEN = Agent("crew:ana", "Ana Silva"), Agent("crew:ben", "Ben Ode")
SECONDS = 20.0


async def until(what: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """What it tells, once it is something."""
    async with asyncio.timeout(seconds):
        while not (told := what()):
            await asyncio.sleep(0.02)
        return told


@dataclass
class Thread:
    """What stands in a thread, in the order in which it was shown."""

    place: Place
    card: Card
    cards: list[Card]
    entries: list[Entry] = field(default_factory=list)
    marks: list[tuple[str, DeliveryState, str]] = field(default_factory=list)

    def lines(self, *kinds: EntryKind) -> list[str]:
        return [entry.text for entry in self.entries if not kinds or entry.kind in kinds]


@dataclass
class World:
    """All that is outside of the server: it outlives it."""

    threads: list[Thread] = field(default_factory=list)
    sent: list[Outbound] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: count(1))
    refusing: set[str] = field(default_factory=set)  # rooms that take nothing more
    failing: list[Exception] = field(default_factory=list)  # what the next calls of the desk raise
    losing: int = 0  # answers that are lost of the next calls that open or show something, which is done all the same
    unsendable: list[Exception] = field(default_factory=list)  # what the next messages to customers raise
    files: dict[str, bytes] = field(default_factory=dict)
    channels: Mapping[tuple[str, str], Channel] = field(default_factory=dict)

    def of(self, room: str) -> list[Thread]:
        return [thread for thread in self.threads if thread.place.room == room]

    def to(self, channel: str) -> list[str]:
        return [message.text for message in self.sent if message.to.channel == channel]

    # --- customers ---

    async def says(self, address: str, text: str, *, name: str = "Sarah Miller", mail: str = "", **fields: Any) -> str:
        """A customer writes; whoever has the same mail address is the same person."""
        where = Address.parse(address)
        id_ = f"m{next(self.numbers)}"
        vouched = (Identifier(IdentifierKind.EMAIL, mail),) if mail else ()
        message = IncomingMessage(
            id=id_,
            at=datetime.now(UTC),
            sender=Sender(where, name=name, vouched=vouched),
            message_id=id_,
            text=text,
            **fields,
        )
        await self._customers(where.channel).hand_in(message)
        return id_

    async def reports(self, message: Outbound, state: DeliveryState) -> None:
        """The provider tells how far one of ours has come."""
        provider_id = f"out{message.id}"
        report = DeliveryReport(
            id=f"r{next(self.numbers)}",
            at=datetime.now(UTC),
            sender=Sender(message.to),
            provider_id=provider_id,
            state=state,
        )
        await self._customers(message.to.channel).hand_in(report)

    def _customers(self, channel: str) -> Customers:
        found = self.channels[channel, "main"]
        assert isinstance(found, Customers)
        return found

    # --- agents ---

    async def act(
        self,
        place: Place,
        kind: ActKind,
        by: Agent = ANA,
        text: str = "",
        value: str = "",
        *,
        entry: str = "",
        id: str = "",
        files: Sequence[Attachment] = (),
    ) -> bool:
        """An agent does something in a thread."""
        act = DeskAct(
            id=id or f"a{next(self.numbers)}",
            at=datetime.now(UTC),
            by=by,
            kind=kind,
            text=text,
            value=value,
            entry=entry,
            files=tuple(files),
        )
        return await self.at_desk(lambda office: office.act(place, act), place.desk.partition(".")[2])

    async def at_desk(self, do: Callable[[Office], Coroutine[Any, Any, Any]], account: str = "main") -> Any:
        """What the office answers to an account, called as its listener calls it."""
        crew = self.channels["crew", account]
        assert isinstance(crew, Crew)
        context = await asyncio.wait_for(asyncio.shield(crew.listening), SECONDS)
        return await asyncio.get_running_loop().create_task(do(crew.site.office), context=context)


class Customers(Channel):
    """People who write."""

    Settings = ChannelSettings
    limits = Limits(text=2000, files=3, file_bytes=1_000_000, choices=5)
    world: ClassVar[World]

    def __init__(self, site: Site, settings: ChannelSettings) -> None:
        super().__init__(site, settings)
        self._accept: asyncio.Future[Accept] = asyncio.get_running_loop().create_future()

    async def listen(self, accept: Accept) -> None:
        self._accept.set_result(accept)
        await asyncio.Event().wait()

    async def hand_in(self, item: IncomingMessage | DeliveryReport) -> None:
        await (await asyncio.wait_for(self._accept, SECONDS))([item])

    async def send(self, message: Outbound) -> Receipt:
        if self.world.unsendable:
            raise self.world.unsendable.pop(0)
        self.world.sent.append(message)
        return Receipt(f"out{message.id}")


class Board(Desk):
    """A desk in memory, one an account."""

    channel = "crew"

    def __init__(self, world: World, account: str) -> None:
        self._world = world
        self._name = f"crew.{account}"

    def _called(self, room: str) -> None:
        if room in self._world.refusing:
            raise Refused("the room is archived")
        if self._world.failing:
            raise self._world.failing.pop(0)

    def _answered(self) -> None:
        if self._world.losing:
            self._world.losing -= 1
            raise Unsure("the connection was cut")

    def _thread(self, place: Place) -> Thread:
        return next(thread for thread in self._world.threads if thread.place == place)

    async def open(self, room: str, card: Card) -> Place:
        self._called(room)
        place = Place(self._name, room, f"t{next(self._world.numbers)}")
        self._world.threads.append(Thread(place, card, [card]))
        self._answered()
        return place

    async def refresh(self, place: Place, card: Card) -> None:
        self._called(place.room)
        self._thread(place).card = card
        self._thread(place).cards.append(card)

    async def show(self, place: Place, entry: Entry) -> str:
        self._called(place.room)
        self._thread(place).entries.append(entry)
        self._answered()
        return f"e{next(self._world.numbers)}"

    async def mark(self, place: Place, entry: str, state: DeliveryState, reason: str = "") -> None:
        self._called(place.room)
        self._thread(place).marks.append((entry, state, reason))

    async def find(self, room: str, card: Card) -> Place | None:
        found = (t for t in self._world.of(room) if t.card.stretch.id == card.stretch.id)
        return next((thread.place for thread in found), None)


class Crew(Channel):
    """An account at which people work."""

    name = "crew"
    Settings = ChannelSettings
    limits = Limits(text=2000)
    world: ClassVar[World]

    def __init__(self, site: Site, settings: ChannelSettings) -> None:
        super().__init__(site, settings)
        self._board = Board(self.world, site.account)
        self.listening: asyncio.Future[Context] = asyncio.get_running_loop().create_future()

    async def listen(self, accept: Accept) -> None:
        self.listening.set_result(copy_context())
        await asyncio.Event().wait()

    def desk(self) -> Desk:
        return self._board

    async def send(self, message: Outbound) -> Receipt:
        raise Refused("nobody writes to customers here")

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        if attachment.ref not in self.world.files:
            raise Refused("there is no such file")
        yield self.world.files[attachment.ref]


def accounts_of(world: World) -> list[Account]:
    """Two channels of customers, and two accounts of a desk."""

    def made(kind: type[Channel], name: str) -> type[Channel]:
        return type(name.title(), (kind,), {"name": name, "world": world})

    crew = made(Crew, "crew")
    return [
        Account("chat", "main", made(Customers, "chat"), ChannelSettings()),
        Account("post", "main", made(Customers, "post"), ChannelSettings()),
        Account("call", "main", made(Customers, "call"), ChannelSettings()),
        Account("crew", "main", crew, ChannelSettings()),
        Account("crew", "spare", crew, ChannelSettings()),
    ]


@asynccontextmanager
async def running(settings: Settings, world: World) -> AsyncIterator[Running]:
    """A server, from its start to its end."""
    stop = asyncio.Event()
    up: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(settings, stop, started=up.set_result))
    await asyncio.wait([server, up], return_when=asyncio.FIRST_COMPLETED)
    if not up.done():
        await server
    world.channels = up.result().channels
    try:
        yield up.result()
    finally:
        stop.set()
        async with asyncio.timeout(SECONDS):
            await server


def with_rooms(settings: Settings, **teams: Mapping[str, Any]) -> Settings:
    """The same with teams."""
    desk = settings.desk.model_validate({"teams": dict(teams)})
    return settings.model_copy(update={"desk": desk})


__all__ = ["ANA", "BEN", "Thread", "World", "accounts_of", "replace", "running", "until", "with_rooms"]
