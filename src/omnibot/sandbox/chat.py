"""`omnibot chat`: somebody at a terminal writes to the running bot as one of its customers."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

import aiohttp
from rich.console import Console
from rich.text import Text

from omnibot.model import Address
from omnibot.transcript import readable

_POLL = 25  # seconds that the sandbox may keep a question waiting
_PATIENCE = 10.0  # seconds after which somebody at a terminal is told that nothing came
_SILENCE = (
    "people may have it, or it is held back; `omnibot customer why {}` tells which,"
    " beside the demo with the OMNIBOT_DATA_FOLDER that it shows"
)
_HELP = (
    "Write, and press Enter. /press LABEL presses a choice, /answer TEXT answers the last mail with its quotes,"
    " /on CHANNEL goes on there, Ctrl-D ends."
)


class NoSandbox(Exception):
    """Nobody answers where the sandbox should be; says what to do."""


class Refused(Exception):
    """The sandbox does not do it, and says why."""


async def chat(address: Address, also: Sequence[Address], url: str, quiet: float, name: str = "") -> None:
    """Write what comes on standard input as that customer, and print what comes back on any of their channels.

    `also` are further addresses of the person, `name` what they are called. Where nobody types, the next line waits
    until nothing has come for `quiet` seconds. Raises NoSandbox.
    """
    async with aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=_POLL + 10)) as client:
        sandbox = _Sandbox(client, url)
        person = await sandbox.know([address, *also], name)
        conversation = _Conversation(sandbox, address, [Address.parse(text) for text in person["addresses"]])
        listening = asyncio.create_task(conversation.listen(await sandbox.latest()))
        writing = asyncio.create_task(conversation.write(quiet))
        done, pending = await asyncio.wait((listening, writing), return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()


@dataclass(slots=True)
class _Sandbox:
    """The sandbox's control port."""

    client: aiohttp.ClientSession
    url: str

    async def know(self, addresses: Sequence[Address], name: str) -> Mapping[str, Any]:
        """One person has these addresses, and perhaps more; without a name, the one that they had."""
        told = {"name": name, "addresses": list(map(str, addresses))}
        return dict(await self._ask("POST", "/people", json=told))

    async def write(self, address: Address, text: str, *, answer: bool = False) -> None:
        await self._ask("POST", "/write", json={"as": str(address), "text": text, "answer": answer})

    async def press(self, address: Address, label: str) -> None:
        await self._ask("POST", "/press", json={"as": str(address), "label": label})

    async def latest(self) -> int:
        """The number of the last entry that there is."""
        entries = await self._ask("GET", "/ledger", params={"latest": "1"})
        return int(entries[-1]["number"]) if entries else 0

    async def after(self, number: int, addresses: Sequence[Address]) -> list[Mapping[str, Any]]:
        """What has come to these addresses since; waits a while for it."""
        query = [("after", str(number)), ("wait", str(_POLL)), *(("to", str(address)) for address in addresses)]
        return list(await self._ask("GET", "/ledger", params=query))

    async def _ask(self, method: str, path: str, **what: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
        try:
            async with self.client.request(method, path, **what) as answer:
                told = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise NoSandbox(
                f"no sandbox answers at {self.url}: start `omnibot demo` or `omnibot sandbox`,"
                " and give by --sandbox the address that it prints"
            ) from error
        if answer.status != 200:
            raise Refused(str(told["error"]))
        return told


@dataclass(slots=True)
class _Conversation:
    """What one person writes and gets."""

    sandbox: _Sandbox
    address: Address
    addresses: Sequence[Address]
    console: Console = field(default_factory=lambda: Console(highlight=False))
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Task[None] | None = None

    async def listen(self, number: int) -> None:
        """Print what comes, until cancelled."""
        while True:
            for entry in await self.sandbox.after(number, self.addresses):
                number = entry["number"]
                self.heard.set()
                self._print(entry)

    async def write(self, quiet: float) -> None:
        """Send each line; a script is sent line by line, each when nothing more is said to the one before."""
        typed = sys.stdin.isatty()
        if typed:
            self._say(f"You are {' and '.join(map(str, self.addresses))}. {_HELP}")
        async for line in _lines():
            self.heard.clear()
            try:
                said = await self._do(line)
            except Refused as refused:
                self._say(str(refused))
                continue
            if said and typed:
                self._expect()
            elif said:
                await self._until_quiet(quiet)

    def _expect(self) -> None:
        """While somebody types: wait beside them, for what they wrote last."""
        if self.waiting:
            self.waiting.cancel()
        self.waiting = asyncio.create_task(self._until_quiet(_PATIENCE))

    async def _do(self, line: str) -> bool:
        """Whether something was said, to which an answer may come."""
        match line.split(maxsplit=1):
            case []:
                return False
            case ["/press", label]:
                await self.sandbox.press(self.address, label)
            case ["/answer", text]:
                await self.sandbox.write(self.address, text, answer=True)
            case ["/on", channel]:
                self._go_on(channel)
                return False
            case _:
                await self.sandbox.write(self.address, line)
        return True

    def _go_on(self, channel: str) -> None:
        there = [address for address in self.addresses if address.channel == channel]
        if not there:
            raise Refused(f"this person has no address there: they have {', '.join(map(str, self.addresses))}")
        self.address = there[0]
        self._say(f"Now as {self.address}.")

    async def _until_quiet(self, quiet: float) -> None:
        """Until nothing has come for so many seconds; that nothing came at all is told."""
        came = False
        try:
            while True:
                async with asyncio.timeout(quiet):
                    await self.heard.wait()
                came = True
                self.heard.clear()
        except TimeoutError:
            if not came:
                self._say(f"(no answer for {quiet:g} s: {_SILENCE.format(self.address)})")

    def _print(self, entry: Mapping[str, Any]) -> None:
        """A message as its reader sees it: nothing in it is markup of ours."""
        channel = Address.parse(entry["to"]).channel
        self.console.print(
            Text(f"{channel} ← ", style="bold cyan").append(Text(readable(_with_addresses(entry)), style="default")),
            soft_wrap=True,
        )
        if entry["choices"]:
            self.console.print(
                Text("  ".join(f"[{label}]" for label in entry["choices"]), style="cyan"), soft_wrap=True
            )

    def _say(self, text: str) -> None:
        self.console.print(Text(text, style="dim"), soft_wrap=True)


def _with_addresses(entry: Mapping[str, Any]) -> str:
    """What is read, with the addresses behind the words that lead to them: nobody can click on words in a terminal."""
    text, told, position = entry["text"], [], 0
    for words, url in entry["links"]:
        end = text.find(words, position) + len(words)
        told.append(text[position:end] + ("" if words == url else f" ({url})"))
        position = end
    return "".join((*told, text[position:]))


def _input() -> IO[Any]:
    """Standard input; a terminal is opened anew: not to wait for it would hold for its screen and its shell, too."""
    if sys.stdin.isatty():
        with suppress(OSError):
            return open(os.ttyname(sys.stdin.fileno()), "rb", buffering=0)
    return sys.stdin


async def _lines() -> AsyncIterator[str]:
    """Lines of standard input as they come, whatever it is: a terminal, a pipe or a file."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    try:
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), _input())
    except (ValueError, OSError):  # a plain file has no events, and is there as a whole
        for line in await asyncio.to_thread(sys.stdin.readlines):
            yield line.strip()
        return
    try:
        while line := await reader.readline():
            yield line.decode(errors="replace").strip()
    finally:
        transport.close()
