"""`omnibot demo`: a story played in a whole world on this machine, printed as it comes true."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from omnibot.app import Running
from omnibot.channels import load
from omnibot.logs import configure
from omnibot.model import Address, CustomerId, DeliveryState, Direction, MessageId, TimelineMessage
from omnibot.roster import read_roster
from omnibot.sandbox.mail import Verdict
from omnibot.sandbox.standalone import CONTROL_PORT, commanded
from omnibot.sandbox.stories import STORIES, Expect, Step, Story
from omnibot.sandbox.world import World, world
from omnibot.settings import Bot, Log
from omnibot.store import Records, Store
from omnibot.store.records import QuarantinedMessage
from omnibot.transcript import print_message, readable

__all__ = ["STORIES", "play"]

_UNDER_WAY = (DeliveryState.QUEUED, DeliveryState.SENDING)
_CODE = re.compile(r"\b\d{3} \d{4}\b")
_DEADLINE = 20.0  # seconds for one reply; a machine under load is slow


async def play(stories: Sequence[Story], *, leave: bool, as_json: bool) -> int:
    """Play stories one after the other and keep serving until Ctrl-C, unless told to leave; the exit status."""
    configure(Log(level="error"))
    show = _Json() if as_json else _Conversation()
    missing: list[str] = []
    with _data_folder() as folder:
        channels = {to.channel for story in stories for to in story.addresses}
        async with (
            world(folder, knowledge=Bot().knowledge, channels=channels) as place,
            place.serving() as running,
            place.looking() as store,
        ):
            for story in stories:
                missing += await _Stage(story, place, store, show).play()
            if not leave:
                async with _commanded(place) as url:
                    interrupted = _interruption()
                    show.serving(place, running, folder, url)
                    await interrupted.wait()
                    show.stopping()
    return 1 if missing else 0


class _Conversation:
    """Prints for people: in colour where there is a terminal."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=False)

    def title(self, text: str) -> None:
        self._console.print(Text(f"\n{text}\n", style="bold"))

    def message(self, message: TimelineMessage, name: str) -> None:
        print_message(self._console, message, name)

    def forged(self, message: QuarantinedMessage) -> None:
        """What nobody is answered."""
        who = readable(message.sender.partition(":")[2])
        head = f"{message.at.astimezone():%H:%M:%S}  {message.channel:<9} {who}"
        self._console.print(Text(f"{head}  (forged: kept for staff)", style="bold yellow"))
        self._console.print(Padding(Text(readable(message.text)), (0, 0, 1, 10)))

    def missing(self, text: str) -> None:
        self._console.print(Text(f"✗ {text}", style="bold red"))

    def people(self, timelines: Sequence[Collection[str]]) -> None:
        """Who is who has changed: `timelines` are the channels of each customer."""
        if len(timelines) == 1:
            told = f"{_and(timelines[0])} are one customer from here on."
        else:
            told = f"{' | '.join(_and(channels) for channels in timelines)}: {len(timelines)} customers from here on."
        self._console.print(Text(f"— {told}\n", style="bold"))

    def end(self, story: Story, count: int, missing: int) -> None:
        channels = _and(dict.fromkeys(address.channel for address in story.addresses))
        people = story.steps[-1].people
        if missing:
            self._console.print(Text(f"{missing} of what was expected did not come.", style="bold red"))
        elif people == 1:
            self._console.print(Text(f"One customer, one timeline: {count} messages over {channels}.", style="bold"))
        else:
            told = f"{people} customers, each with a timeline of their own: {count} messages over {channels}."
            self._console.print(Text(told, style="bold"))

    def serving(self, place: World, running: Running, folder: Path, sandbox: str) -> None:
        self._console.print(
            Text(
                f"\nStill serving at {running.url}. Go on from another terminal, as the customer:\n"
                f"    .venv/bin/omnibot chat telegram --as 4711{_sandbox_option(sandbox)}\n"
                "or as the company:\n"
                f"    OMNIBOT_DATA_FOLDER={folder} .venv/bin/omnibot customer timeline telegram:4711\n"
                f"    OMNIBOT_DATA_FOLDER={folder} .venv/bin/omnibot handoffs list\n"
                "Ctrl-C ends it."
            ),
            soft_wrap=True,
        )

    def stopping(self) -> None:
        self._console.print("\nStopping the server, then its database …")


class _Json:
    """Prints for programs: one object a message."""

    def title(self, text: str) -> None:
        return

    def message(self, message: TimelineMessage, name: str) -> None:
        line = {
            "at": message.at,
            "channel": message.address.channel,
            "direction": message.direction,
            "address": str(message.address),
            "customer": message.customer,
            "text": message.text,
        }
        sys.stdout.write(orjson.dumps(line).decode() + "\n")
        sys.stdout.flush()

    def forged(self, message: QuarantinedMessage) -> None:
        return

    def missing(self, text: str) -> None:
        sys.stderr.write(text + "\n")

    def people(self, timelines: Sequence[Collection[str]]) -> None:
        return

    def end(self, story: Story, count: int, missing: int) -> None:
        return

    def serving(self, place: World, running: Running, folder: Path, sandbox: str) -> None:
        return

    def stopping(self) -> None:
        return


@dataclass(slots=True)
class _Stage:
    """A story being played."""

    story: Story
    place: World
    store: Store
    show: _Conversation | _Json
    _printed: set[MessageId] = field(default_factory=set)
    _missing: list[str] = field(default_factory=list)
    _people: int = 0  # that the story's addresses were known to belong to

    @property
    def records(self) -> Records:
        return self.store.records

    async def play(self) -> list[str]:
        """Everything that was expected and did not come."""
        self.show.title(self.story.title)
        for name in dict.fromkeys(self.story.names.values()):
            self.place.people.know(name, [address for address, whose in self.story.names.items() if whose == name])
        await self._import_customers()
        for address in self.story.shared:
            await self.store.identity.share(address, by="the office", reason="several people write from there")
        self._people = len(await self._customers())
        for step in self.story.steps:
            await self._take(step)
        timeline = await self._timeline()
        self._judge(timeline)
        self.show.end(self.story, len(timeline), len(self._missing))
        return self._missing

    async def _import_customers(self) -> None:
        if not self.story.customers:
            return
        file = self.place.settings.data_folder / "customers.csv"
        await asyncio.to_thread(file.write_text, self.story.customers, encoding="utf-8")
        configured = load(self.place.settings)
        people = read_roster(file, {account.channel: account.channel_class.address for account in configured})
        await self.records.import_customers(people, {account.channel: account.name for account in configured})

    async def _take(self, step: Step) -> None:
        before = self.place.ledger.last
        text = step.text.format(code=await self._code(step.code_from)) if step.code_from else step.text
        if step.forged:
            await self._forge(step)
        else:
            self.place.people.write(step.sender, text, subject=step.subject, answer=step.answers)
        for expected in step.expects:
            await self._arrival(expected, before)
        await self._print_new()
        await self._count_people(step)

    async def _forge(self, step: Step) -> None:
        """A mail in somebody's name that their domain has not signed: it must be kept for staff."""
        mailbox = self.place.mail.mailbox(step.sender.value, self.story.names[step.sender])
        kept = len(await self.records.quarantined())
        mailbox.verdict = Verdict.FAIL
        mailbox.write(step.subject, step.text)
        mailbox.verdict = Verdict.PASS
        try:
            self.show.forged(await self._more_in_quarantine_than(kept))
        except TimeoutError:
            self._miss(f"what was forged in the name of {step.sender} was not kept for staff")

    async def _more_in_quarantine_than(self, count: int) -> QuarantinedMessage:
        async with asyncio.timeout(_DEADLINE):
            while True:
                found = await self.records.quarantined()
                if len(found) > count:
                    return max(found, key=lambda message: message.id)
                await asyncio.sleep(0.02)

    async def _code(self, address: Address) -> str:
        """What the last message there brought, as its reader sees it."""
        for entry in reversed(self.place.ledger.entries()):
            if entry.accepted and entry.to == str(address) and (found := _CODE.search(entry.text)):
                return found[0]
        return "no code came"

    async def _count_people(self, step: Step) -> None:
        """Who is one person is settled a moment after the reply."""
        try:
            customers = await self._as_many_as(step.people)
        except TimeoutError:
            self._miss(f"after {step.text!r} there are not {step.people} customers")
            return
        if self._people != step.people and step.code_from:
            self.show.people([list(dict.fromkeys(a.channel for a in addresses)) for addresses in customers.values()])
        self._people = step.people

    async def _as_many_as(self, people: int) -> dict[CustomerId, list[Address]]:
        async with asyncio.timeout(_DEADLINE):
            while True:
                customers = await self._customers()
                if len(customers) == people:
                    return customers
                await asyncio.sleep(0.02)

    async def _customers(self) -> dict[CustomerId, list[Address]]:
        """The addresses of the story that have written, by whose they are."""
        customers: dict[CustomerId, list[Address]] = {}
        for address in self.story.addresses:
            if (customer := await self.records.customer_of(address)) is not None:
                customers.setdefault(customer, []).append(address)
        return customers

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

    async def _timeline(self) -> list[TimelineMessage]:
        return [message for known in await self._customers() for message in await self.records.timeline(known)]

    async def _settled(self) -> list[TimelineMessage]:
        """The timeline once it is recorded what became of every reply; that comes after the provider has it."""
        async with asyncio.timeout(_DEADLINE):
            while True:
                timeline = await self._timeline()
                if not any(message.state in _UNDER_WAY for message in timeline):
                    return timeline
                await asyncio.sleep(0.02)

    async def _print_new(self) -> None:
        for message in await self._settled():
            if message.id not in self._printed:
                self._printed.add(message.id)
                self.show.message(message, self.story.names[message.address])

    def _judge(self, timeline: list[TimelineMessage]) -> None:
        if len({message.customer for message in timeline}) != self.story.steps[-1].people:
            self._miss(f"the timelines do not belong to {self.story.steps[-1].people} customers")
        if any("wrote:" in message.text for message in timeline if message.direction is Direction.IN):
            self._miss("a mail was stored with what it quotes")

    def _miss(self, text: str) -> None:
        self._missing.append(text)
        self.show.missing(text)


@asynccontextmanager
async def _commanded(place: World) -> AsyncIterator[str]:
    """The sandbox's control port, where `omnibot chat` looks for it, or on any that is free."""
    async with AsyncExitStack() as stack:
        try:
            url = await stack.enter_async_context(commanded(place.providers, CONTROL_PORT))
        except OSError:
            url = await stack.enter_async_context(commanded(place.providers, 0))
        yield url


def _and(words: Collection[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def _sandbox_option(url: str) -> str:
    return "" if url.endswith(f":{CONTROL_PORT}") else f" --sandbox {url}"


@contextmanager
def _data_folder() -> Iterator[Path]:
    """A folder for one demo; others may pass through it, because root's PostgreSQL runs as somebody else."""
    folder = Path(tempfile.mkdtemp(prefix="omnibot-demo-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _interruption() -> asyncio.Event:
    """Is set by Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
