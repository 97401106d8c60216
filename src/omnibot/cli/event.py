"""omnibot event: what happened to a customer in the company's own systems."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from omnibot.cli.options import ConfigOption, JsonOption
from omnibot.cli.printing import fail, say, show_fields
from omnibot.cli.running import settings_of, with_store

if TYPE_CHECKING:
    from omnibot.events import Events, Told
    from omnibot.store import Store

app = typer.Typer()

_LONGEST_LINE = 64 * 1024  # bytes
_BATCH = 1000  # lines that are told together
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,9})?")


@app.command()
def event(
    name: Annotated[str | None, typer.Argument(help="signed_up, plan_changed, …", metavar="NAME")] = None,
    properties: Annotated[list[str] | None, typer.Argument(help="What is known of it.", metavar="KEY=VALUE")] = None,
    of: Annotated[str, typer.Option(help="Whom it is about: user:ID, email:ADDRESS, another address.")] = "",
    at: Annotated[str, typer.Option(help="When it happened, ISO 8601 with an offset; else now.")] = "",
    id_: Annotated[str, typer.Option("--id", help="Its own id: told twice it counts once.")] = "",
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Read an event a line on stdin, as JSON.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Tell what happened to a customer in your own systems; exits 1 when anything could not be told."""
    if jsonl and (name or properties or of or at or id_):
        raise typer.BadParameter("--jsonl reads all of an event from stdin: leave the rest away")
    if not jsonl and not name:
        raise typer.BadParameter("name what happened, or give --jsonl and events on stdin")
    fields = _fields(name, properties or [], of, at, id_)
    settings = settings_of(config)

    async def work(store: Store) -> None:
        from omnibot.events import Events

        told = _Count(Events(store, settings))
        if jsonl:
            await told.lines(sys.stdin.buffer)
        else:
            await told.one(fields)
        told.show(as_json)

    with_store(config, work)


def _fields(name: str | None, properties: list[str], of: str, at: str, id_: str) -> dict[str, Any]:
    given = {}
    for written in properties:
        key, equals, value = written.partition("=")
        if not equals:
            raise typer.BadParameter(f"{written}: write what is known as KEY=VALUE, such as plan=Pro")
        given[key] = _value(value)
    return {"id": id_, "name": name, "of": of, "at": at or datetime.now(UTC), "properties": given}


def _value(text: str) -> str | int | float | bool:
    """A number where it is written as one, true or false, else text."""
    if text in ("true", "false"):
        return text == "true"
    if not (number := _NUMBER.fullmatch(text)):
        return text
    return float(text) if number[2] else int(text)


class _Count:
    """What was told, and what could not be."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._new = 0
        self._known = 0
        self._faults: list[str] = []

    async def one(self, fields: dict[str, Any]) -> None:
        """An event as the command line has it."""
        await self._tell(list(self._read(fields, "")))

    async def lines(self, stdin: IO[bytes]) -> None:
        """An event a line; a line that is wrong keeps no other back."""
        batch: list[Told] = []
        for number, line in enumerate(_lines(stdin), 1):
            batch += self._line(line, f"line {number}: ")
            if len(batch) >= _BATCH:
                await self._tell(batch)
                batch = []
        await self._tell(batch)

    def _line(self, line: bytes, where: str) -> Iterator[Told]:
        import orjson

        if not line.strip():
            return
        if len(line) > _LONGEST_LINE:
            self._faults.append(f"{where}is longer than {_LONGEST_LINE} bytes: send less of what is known with it")
            return
        try:
            fields = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            self._faults.append(f"{where}is no JSON ({error}): write one object a line; NaN is none")
            return
        if isinstance(fields, dict):
            yield from self._read(fields, where)
        else:
            self._faults.append(f"{where}is no object: write it as {_EXAMPLE}")

    def _read(self, fields: dict[str, Any], where: str) -> Iterator[Told]:
        from omnibot.events import EventError

        try:
            yield self._events.read(fields)
        except EventError as error:
            self._faults += (where + fault for fault in error.faults)

    async def _tell(self, batch: list[Told]) -> None:
        new = await self._events.tell_all(batch)
        self._new += sum(new)
        self._known += len(new) - sum(new)

    def show(self, as_json: bool) -> None:
        if as_json:
            show_fields({"told": self._new, "known": self._known, "faults": self._faults}, as_json)
            if self._faults:
                raise typer.Exit(1)
            return
        known = f", {self._known} known already" if self._known else ""
        say(f"{self._new} told{known}")
        if self._faults:
            fail("\n".join(self._faults))


_EXAMPLE = '{"id": "evt_1", "name": "signed_up", "of": "user:u-123", "at": "2026-03-01T12:00:00Z"}'


def _lines(stdin: IO[bytes]) -> Iterator[bytes]:
    """Lines, each cut where it is too long for an event, so that nobody fills the memory with one."""
    while line := stdin.readline(_LONGEST_LINE + 2):
        whole = line
        while not line.endswith(b"\n") and (line := stdin.readline(_LONGEST_LINE)):
            pass
        yield whole.rstrip(b"\r\n") if len(whole) <= _LONGEST_LINE else whole
