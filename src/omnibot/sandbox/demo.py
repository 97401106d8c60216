"""`omnibot demo`: a story played in a whole world on this machine, printed as it comes true."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import orjson
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from omnibot.app import Running
from omnibot.learning import Lessons, playbooks_of
from omnibot.logs import configure
from omnibot.model import ActKind, Address, TimelineMessage
from omnibot.sandbox.stage import Stage
from omnibot.sandbox.standalone import CONTROL_PORT, commanded
from omnibot.sandbox.stories import STORIES, Acting, Story
from omnibot.sandbox.team import ROOMS, Team
from omnibot.sandbox.world import World, world
from omnibot.settings import Bot, Desk, Log, Settings
from omnibot.store.records import QuarantinedMessage
from omnibot.transcript import print_message, readable

__all__ = ["STORIES", "play"]

# Whenever the demo is played, somebody with more experience is at work; support keeps the hours that its article tells.
_AROUND_THE_CLOCK = {
    "opens": "00:00",
    "closes": "23:59",
    "days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
}
DESK = Desk.model_validate({"teams": {"senior": {"hours": _AROUND_THE_CLOCK}}})
# The same, where people take part: they work in Slack.
STAFFED = Desk.model_validate(
    {
        "teams": {
            team: {"rooms": {"slack": room}, "within": {"first": 4, "next": 8}}
            | ({"hours": _AROUND_THE_CLOCK} if team == "senior" else {})
            for team, room in ROOMS.items()
        }
    }
)


# Whatever a story needs: whoever goes on by `omnibot chat` may write from any of them.
_CHANNELS = ("telegram", "slack", "sms", "whatsapp", "email")


async def play(stories: Sequence[Callable[[datetime], Story]], *, leave: bool, as_json: bool) -> int:
    """Play stories one after the other and keep serving until Ctrl-C, unless told to leave; the exit status."""
    configure(Log(level="error"))
    show = _Json() if as_json else _Conversation()
    told = [story(datetime.now(UTC)) for story in stories]
    missing: list[str] = []
    with _data_folder() as folder:
        staffed = any(story.has_team for story in told)
        bot = Bot()
        async with world(
            folder,
            knowledge=bot.knowledge,
            playbooks=bot.playbooks,
            channels=_CHANNELS,
            sections={"desk": STAFFED if staffed else DESK},
        ) as place:
            if staffed:
                Team(place.slack)  # its rooms are there before anybody is handed to it
            await learned(place.settings)
            async with place.serving() as running, place.looking() as store:
                for story in told:
                    missing += await Stage(story, place, store, show).play()
                if not leave:
                    async with _commanded(place) as url:
                        interrupted = _interruption()
                        show.serving(told[-1].addresses[0], running, folder, url)
                        await interrupted.wait()
                        show.stopping()
    return 1 if missing else 0


async def learned(settings: Settings) -> None:
    """Wait until the playbooks are learned, so that the first message is understood by them."""
    playbooks = await asyncio.to_thread(playbooks_of, settings)
    await asyncio.to_thread(Lessons.of(playbooks, settings.data_folder).learn)


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

    def past(self, rows: Sequence[Mapping[str, object]]) -> None:
        """What the company has brought of the time before."""
        for row in sorted(rows, key=lambda row: str(row.get("at") or row.get("opened") or "")):
            self._console.print(Text(f"  {_told(row)}", style="dim"))
        self._console.print()

    def element(self, name: str) -> None:
        """Something that must be there, and is."""
        self._console.print(Text(f"          ✓ {name}", style="green"))

    def elements_end(self) -> None:
        """All that must be there after a step was shown."""
        self._console.print()

    def missing(self, text: str) -> None:
        self._console.print(Text(f"          ✗ {text}", style="bold red"))

    def thread(self, text: str) -> None:
        """What people see who have the matter now."""
        self._console.print(Text("          The team's thread in Slack:", style="bold"))
        self._console.print(Padding(Text(readable(text), style="cyan"), (0, 0, 1, 12)))

    def act(self, step: Acting) -> None:
        """What somebody of the team has done, of which the customer sees a reply alone."""
        what = {ActKind.NOTE: "notes for colleagues alone", ActKind.RESOLVE: f"resolves it: {step.value}"}
        head = f"          {step.by} {what.get(step.does, 'replies to the customer')}"
        self._console.print(Text(head, style="bold cyan"))
        self._console.print(Padding(Text(step.text), (0, 0, 1, 12)))

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
            each = f"{people} customers, each with a timeline of their own: {count} messages over {channels}."
            self._console.print(Text(each, style="bold"))

    def serving(self, customer: Address, running: Running, folder: Path, sandbox: str) -> None:
        self._console.print(
            Text(
                f"\nStill serving at {running.url}. Go on from another terminal, as the customer:\n"
                f"    .venv/bin/omnibot chat {customer.channel} --as {customer.value}{_sandbox_option(sandbox)}\n"
                "or as the company:\n"
                f"    OMNIBOT_DATA_FOLDER={folder} .venv/bin/omnibot customer timeline {customer}\n"
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

    def past(self, rows: Sequence[Mapping[str, object]]) -> None:
        return

    def element(self, name: str) -> None:
        return

    def elements_end(self) -> None:
        return

    def missing(self, text: str) -> None:
        sys.stderr.write(text + "\n")

    def thread(self, text: str) -> None:
        return

    def act(self, step: Acting) -> None:
        return

    def people(self, timelines: Sequence[Collection[str]]) -> None:
        return

    def end(self, story: Story, count: int, missing: int) -> None:
        return

    def serving(self, customer: Address, running: Running, folder: Path, sandbox: str) -> None:
        return

    def stopping(self) -> None:
        return


@asynccontextmanager
async def _commanded(place: World) -> AsyncIterator[str]:
    """The sandbox's control port, where `omnibot chat` looks for it, or on any that is free."""
    async with AsyncExitStack() as stack:
        try:
            url = await stack.enter_async_context(commanded(place.providers, CONTROL_PORT))
        except OSError:
            url = await stack.enter_async_context(commanded(place.providers, 0))
        yield url


def _told(row: Mapping[str, object]) -> str:
    """A row of the past in one line: when, and what happened."""
    at = str(row.get("at") or row.get("opened") or "")[:10]
    match row["kind"]:
        case "customer":
            what = f"customer: {row.get('name')}"
        case "event":
            properties = row.get("properties")
            told = properties.items() if isinstance(properties, Mapping) else ()
            what = ", ".join([str(row["name"]), *(f"{key} {value}" for key, value in told)])
        case "case":
            what = f"case: {row['intent']}, {row['state']}"
        case _:
            what = f"{row.get('agent') or 'customer'}: {row['text']}"
    return f"{at or 'now':<10}  {what}"


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
