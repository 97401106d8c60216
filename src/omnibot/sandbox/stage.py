"""A story being played in a world, and everything in it that must come true."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import orjson

from omnibot.channels import load
from omnibot.contract import Place
from omnibot.events import EventReader, Events
from omnibot.history import EntryReader, bring, survey
from omnibot.history.reading import reading_here
from omnibot.model import Address, CustomerId, DeliveryState, Direction, MessageId, TimelineMessage
from omnibot.roster import read_roster
from omnibot.sandbox.ledger import Entry
from omnibot.sandbox.mail import Verdict
from omnibot.sandbox.stories.story import Acting, Expect, Letter, Scene, Step, Story
from omnibot.sandbox.team import Team
from omnibot.sandbox.world import World
from omnibot.store import Records, Store
from omnibot.store.records import QuarantinedMessage

__all__ = ["Show", "Silent", "Stage"]

_T = TypeVar("_T")
_UNDER_WAY = (DeliveryState.QUEUED, DeliveryState.SENDING)
_CODE = re.compile(r"\b\d{3} \d{4}\b")
_DEADLINE = 20.0  # seconds for one reply; a machine under load is slow
_TURNS = 20  # the latest of a customer


class Show(Protocol):
    """Who tells of a story while it is played."""

    def title(self, text: str) -> None:
        """It begins."""

    def past(self, rows: Sequence[Mapping[str, object]]) -> None:
        """What the company has brought of the time before."""

    def message(self, message: TimelineMessage, name: str) -> None:
        """What was written, or answered."""

    def forged(self, message: QuarantinedMessage) -> None:
        """What nobody is answered."""

    def element(self, name: str) -> None:
        """Something that must be there, and is."""

    def elements_end(self) -> None:
        """All that must be there after a step was told."""

    def missing(self, text: str) -> None:
        """Something that must be there, and is not."""

    def thread(self, text: str) -> None:
        """People have the matter: what they see of it."""

    def act(self, step: Acting) -> None:
        """Somebody of the team has done something."""

    def people(self, timelines: Sequence[Sequence[str]]) -> None:
        """Who is who has changed: `timelines` are the channels of each customer."""

    def end(self, story: Story, count: int, missing: int) -> None:
        """It is over."""


class Silent:
    """Tells nobody: for who looks at what is missing alone."""

    def title(self, text: str) -> None:
        """Not told."""

    def past(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Not told."""

    def message(self, message: TimelineMessage, name: str) -> None:
        """Not told."""

    def forged(self, message: QuarantinedMessage) -> None:
        """Not told."""

    def element(self, name: str) -> None:
        """Not told."""

    def elements_end(self) -> None:
        """Not told."""

    def missing(self, text: str) -> None:
        """Not told."""

    def thread(self, text: str) -> None:
        """Not told."""

    def act(self, step: Acting) -> None:
        """Not told."""

    def people(self, timelines: Sequence[Sequence[str]]) -> None:
        """Not told."""

    def end(self, story: Story, count: int, missing: int) -> None:
        """Not told."""


@dataclass(slots=True)
class Stage:
    """A story, and the world and the database in which it is played."""

    story: Story
    place: World
    store: Store
    show: Show
    _known: set[MessageId] = field(default_factory=set)  # messages that were shown, or are of the past
    _missing: list[str] = field(default_factory=list)
    _people: int = 0  # that the story's addresses were known to belong to
    _team: Team | None = None
    _thread: Place | None = None

    @property
    def records(self) -> Records:
        """What is read of the database."""
        return self.store.records

    async def play(self) -> list[str]:
        """Everything that was expected and did not come."""
        self.show.title(self.story.title)
        for name in dict.fromkeys(self.story.names.values()):
            self.place.people.know(name, [address for address, whose in self.story.names.items() if whose == name])
        await self._import_customers()
        await self._import_history()
        for address in self.story.shared:
            await self.store.identity.share(address, by="the office", reason="several people write from there")
        self._people = len(await self._customers())
        if self.story.has_team:
            self._team = Team(self.place.slack)
        for step in self.story.steps:
            await (self._act(step) if isinstance(step, Acting) else self._take(step))
        timeline = await self._timeline()
        self._judge(timeline)
        self.show.end(self.story, len(timeline), len(self._missing))
        return self._missing

    # --- what was before ---

    async def _import_customers(self) -> None:
        if not self.story.customers:
            return
        file = self.place.settings.data_folder / "customers.csv"
        await asyncio.to_thread(file.write_text, self.story.customers, encoding="utf-8")
        configured = load(self.place.settings)
        people = read_roster(file, {account.channel: account.channel_class.address for account in configured})
        await self.records.import_customers(people, {account.channel: account.name for account in configured})

    async def _import_history(self) -> None:
        """As `omnibot import history --understand` does it; then the events are taken in by turns of their own."""
        if not self.story.past:
            return
        settings = self.place.settings
        file = settings.data_folder / "history.jsonl"
        await asyncio.to_thread(file.write_bytes, b"\n".join(map(orjson.dumps, self.story.past)))
        found = await survey([file], EntryReader(EventReader(settings)), _nobody, lambda _: None)
        for why, examples in found.left_out.items():
            self._miss(f"of what was before {examples.count} rows were left out: {why}: {examples.told}")
        events = EventReader(settings)
        read = reading_here(settings)
        await bring([file], EntryReader(events), self.store, Events(self.store, settings), events.accounts, read=read)
        await self._until(self.records.waiting, lambda waiting: not waiting)
        self._known |= {message.id for message in await self._timeline()}
        self.show.past(self.story.past)

    # --- one step ---

    async def _take(self, step: Step) -> None:
        before, began = self.place.ledger.last, datetime.now(UTC)
        text = step.text.format(code=await self._code(step.code_from)) if step.code_from else step.text
        if step.forged:
            await self._forge(step)
        else:
            self.place.people.write(step.sender, text, subject=step.subject, answer=step.answers)
        await self._finish(step, before, began)

    async def _finish(self, step: Step | Acting, before: int, began: datetime) -> None:
        for expected in step.expects:
            await self._arrival(expected, before)
        await self._show_new()
        await self._look(step)
        await self._count_people(step)
        if step.elements:
            await self._judge_scene(step, before, began)

    async def _judge_scene(self, step: Step | Acting, before: int, began: datetime) -> None:
        scene = await self._scene(step, before, began)
        for element in step.elements:
            if element.holds(scene):
                self.show.element(element.name)
            else:
                self._miss(element.name)
        self.show.elements_end()

    # --- what people do ---

    async def _act(self, step: Acting) -> None:
        """What somebody of the team does, until it was taken in."""
        if self._thread is None or self._team is None:
            self._miss(f"there is no thread in which {step.by} could do something")
            return
        before, began = self.place.ledger.last, datetime.now(UTC)
        done = len(await self._acts())
        await self._team.act(step.by, step.does, self._thread, text=step.text, value=step.value)
        self.show.act(step)
        try:
            await self._until(self._acts, lambda acts: len(acts) > done)
        except TimeoutError:
            self._miss(f"what {step.by} did was not taken in")
        await self._finish(step, before, began)

    async def _acts(self) -> Sequence[object]:
        attended = await self.store.desk.of_place(self._thread) if self._thread else None
        return await self.store.desk.acts(attended.stretch.id) if attended else ()

    async def _look(self, step: Step | Acting) -> None:
        """Wait until the thread has what must come into it."""
        if not step.at_desk or self._team is None:
            return
        wanted = [re.compile(pattern, re.IGNORECASE | re.MULTILINE) for pattern in step.at_desk]
        is_new = self._thread is None
        try:
            await self._until(self._seen, lambda seen: all(one.search(seen) for one in wanted))
        except TimeoutError:
            seen = await self._seen()
            for one in wanted:
                if not one.search(seen):
                    self._miss(f"{one.pattern!r} did not come into the thread")
        if is_new and self._thread is not None:
            self.show.thread(await self._seen())

    async def _seen(self) -> str:
        """The thread of the story's matter as its people see it; '' where there is none yet."""
        if self._team is None:
            return ""
        if self._thread is None:
            self._thread = await self._thread_of_story(self._team)
        return self._team.sees(self._thread) if self._thread else ""

    async def _thread_of_story(self, team: Team) -> Place | None:
        """The latest about one of the story's people: threads of others may open at any time."""
        for place in reversed(team.threads()):
            attended = await self.store.desk.of_place(place)
            if attended is not None and attended.address.address in self.story.addresses:
                return place
        return None

    async def _scene(self, step: Step | Acting, before: int, began: datetime) -> Scene:
        customer = await self.records.customer_of(step.sender)
        assert customer is not None  # they have written
        addresses = await self.records.addresses_of(customer)
        texts = self._texts(before)
        promised = await self.store.profiles.handoffs(addresses)
        return Scene(
            began=began,
            texts=texts,
            letters={address: self._letter(address) for address in texts if address.channel == "email"},
            timeline=await self.records.timeline(customer),
            turns=(await self.store.profiles.turns(addresses, _TURNS))[::-1],
            handed_off=tuple(one.reason for one in promised),
            thread=await self._seen(),
            cases=tuple(await self.store.profiles.sides(addresses)),
        )

    def _texts(self, before: int) -> dict[Address, str]:
        """All that came to each of the story's addresses, as its reader sees it."""
        texts: dict[Address, list[str]] = {}
        for entry in self.place.ledger.entries():
            if entry.accepted and entry.number > before and (to := self._whose(entry)):
                texts.setdefault(to, []).append(entry.text)
        return {address: "\n\n".join(parts) for address, parts in texts.items()}

    def _whose(self, entry: Entry) -> Address | None:
        return next((address for address in self.story.addresses if entry.to == str(address)), None)

    def _letter(self, address: Address) -> Letter:
        mail = self.place.mail.mailbox(address.value).mails[-1]
        return Letter(subject=mail.subject, answers=bool(mail.header("In-Reply-To")))

    async def _forge(self, step: Step) -> None:
        """A mail in somebody's name that their domain has not signed: it must be kept for staff."""
        mailbox = self.place.mail.mailbox(step.sender.value, self.story.names[step.sender])
        kept = len(await self.records.quarantined())
        mailbox.verdict = Verdict.FAIL
        mailbox.write(step.subject, step.text)
        mailbox.verdict = Verdict.PASS
        try:
            found = await self._until(self.records.quarantined, lambda found: len(found) > kept)
        except TimeoutError:
            self._miss(f"what was forged in the name of {step.sender} was not kept for staff")
        else:
            self.show.forged(max(found, key=lambda message: message.id))

    async def _code(self, address: Address) -> str:
        """What the last message there brought, as its reader sees it."""
        for entry in reversed(self.place.ledger.entries()):
            if entry.accepted and entry.to == str(address) and (found := _CODE.search(entry.text)):
                return found[0]
        return "no code came"

    async def _arrival(self, expected: Expect, after: int) -> None:
        """Wait until the provider has taken a message for that address, and read it as its customer does."""
        try:
            [entry] = await self.place.ledger.wait_for(
                lambda entry: entry.accepted and entry.to == str(expected.to),
                _DEADLINE,
                after=after,
            )
        except TimeoutError:
            self._miss(f"no message came to {expected.to}")
            return
        for wrong in expected.missing(entry.text):
            self._miss(f"to {expected.to}: {wrong}")

    # --- who is who ---

    async def _count_people(self, step: Step | Acting) -> None:
        """Who is one person is settled a moment after the reply."""
        try:
            customers = await self._until(self._customers, lambda customers: len(customers) == step.people)
        except TimeoutError:
            self._miss(f"after {step.text!r} there are not {step.people} customers")
            return
        if self._people != step.people and isinstance(step, Step) and step.code_from:
            self.show.people([list(dict.fromkeys(a.channel for a in addresses)) for addresses in customers.values()])
        self._people = step.people

    async def _customers(self) -> dict[CustomerId, list[Address]]:
        """The addresses of the story that are known, by whose they are."""
        customers: dict[CustomerId, list[Address]] = {}
        for address in self.story.addresses:
            if (customer := await self.records.customer_of(address)) is not None:
                customers.setdefault(customer, []).append(address)
        return customers

    # --- what was said ---

    async def _timeline(self) -> list[TimelineMessage]:
        return [message for known in await self._customers() for message in await self.records.timeline(known)]

    async def _show_new(self) -> None:
        """Once it is recorded what became of every reply; that comes after the provider has it."""
        settled = await self._until(
            self._timeline, lambda timeline: not any(message.state in _UNDER_WAY for message in timeline)
        )
        for message in settled:
            if message.id not in self._known:
                self._known.add(message.id)
                self.show.message(message, self.story.names[message.address])

    async def _until(self, ask: Callable[[], Awaitable[_T]], is_so: Callable[[_T], bool]) -> _T:
        """Ask until the answer is as it must become; raises TimeoutError."""
        async with asyncio.timeout(_DEADLINE):
            while True:
                if is_so(answer := await ask()):
                    return answer
                await asyncio.sleep(0.02)

    def _judge(self, timeline: list[TimelineMessage]) -> None:
        if len({message.customer for message in timeline}) != self.story.steps[-1].people:
            self._miss(f"the timelines do not belong to {self.story.steps[-1].people} customers")
        if any("wrote:" in message.text for message in timeline if message.direction is Direction.IN):
            self._miss("a mail was stored with what it quotes")

    def _miss(self, text: str) -> None:
        self._missing.append(text)
        self.show.missing(text)


async def _nobody(addresses: Sequence[Address]) -> Sequence[Address]:
    return ()
