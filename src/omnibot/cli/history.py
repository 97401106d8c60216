"""import: what the company knows already: customers, and what happened before Omnibot."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperGroup

from omnibot.cli.options import ConfigOption, JsonOption
from omnibot.cli.printing import fail, print_table, say, show_fields
from omnibot.cli.running import configure_logs, execute, settings_of, with_store

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from omnibot.history import Brought, EntryReader, Survey
    from omnibot.history.survey import Examples
    from omnibot.model import Address
    from omnibot.settings import Settings
    from omnibot.store import Store

_CUSTOMERS = "customers"


class _Imports(TyperGroup):
    """`omnibot import customers.csv` means `omnibot import customers customers.csv`, as it always has."""

    def parse_args(self, ctx: object, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = [_CUSTOMERS, *args]
        return super().parse_args(cast(typer.Context, ctx), args)


app = typer.Typer(
    help="Bring what you know already: customers, and what happened before.", no_args_is_help=True, cls=_Imports
)


@app.command("customers")
def import_customers(
    file: Annotated[Path, typer.Argument(help="A CSV file: name, a column a channel, prefers, register, length, …")],
    config: ConfigOption = None,
) -> None:
    """Bring known customers with their addresses and preferences, linked on the company's word."""
    from omnibot.channels import load
    from omnibot.roster import RosterError, read_roster

    settings = settings_of(config)
    configured = load(settings)
    accounts = {account.channel: account.name for account in reversed(configured)}
    try:
        people = read_roster(file, {account.channel: account.channel_class.address for account in configured})
    except RosterError as error:
        fail(str(error))

    async def work(store: Store) -> None:
        done = await store.records.import_customers(people, accounts)
        say(f"{done.created} new, {done.updated} known already")
        for line in done.conflicts:
            say(f"line {line}: its addresses belong to different customers: nothing was changed for it")
        if done.conflicts:
            raise typer.Exit(1)

    with_store(config, work)


# --- history --------------------------------------------------------------------------------------------------------


@app.command("history")
def import_history(
    files: Annotated[
        list[Path], typer.Argument(help="CSV or JSONL files of messages, cases, events, customers, facts.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what the files hold and lack; write nothing.")
    ] = False,
    zone: Annotated[str, typer.Option(help="Of times that do not say theirs, IANA; else such rows are left out.")] = "",
    understand: Annotated[
        bool, typer.Option("--understand", help="Read moods and wishes in what they wrote: about 1 s of CPU a 1000.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask after the report.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Bring past messages, cases, events, customers and facts; first tells what the files hold and lack.

    Nothing of it is answered. It may be run again: what is known stays as it is. Exits 1 when anything was left out.
    """
    from omnibot.events import EventReader
    from omnibot.history import EntryReader
    from omnibot.zones import zone_named

    settings = settings_of(config)
    try:
        place = zone_named(zone) if zone else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--zone") from None
    configure_logs(settings)
    reader = EntryReader(EventReader(settings), place)
    found = execute(_survey(files, reader, settings))
    if not as_json:
        print_survey(found)
    brought = None
    if not dry_run and found.total:
        if not (yes or as_json) and sys.stdin.isatty() and not typer.confirm(f"Bring these {found.total} rows?"):
            fail("nothing was written")
        brought = execute(_bring(files, EntryReader(EventReader(settings), place), settings, found, understand))
    if as_json:
        show_fields(survey_fields(found) | (brought_fields(brought) if brought else {}), as_json)
    elif brought:
        print_brought(brought)
    if found.left_out or found.contradictions.count or (brought and brought.conflicts.count):
        raise typer.Exit(1)


async def _survey(files: Sequence[Path], reader: EntryReader, settings: Settings) -> Survey:
    from omnibot.history import FileError, survey

    async with _looking(settings) as known:
        try:
            with _progress("reading") as seen:
                return await survey(files, reader, known, seen)
        except FileError as error:
            fail(str(error))


@asynccontextmanager
async def _looking(settings: Settings) -> AsyncIterator[Callable[[Sequence[Address]], Any]]:
    """Who is known; nobody, where there is no database yet, and none is made for that."""
    from omnibot.app import look_into
    from omnibot.identifiers import comparable

    async with look_into(settings) as store:

        async def known(addresses: Sequence[Address]) -> Collection[Address]:
            ids = await store.past.ids(addresses) if store else {}
            return [address for address in addresses if comparable(address) in ids]

        yield known


async def _bring(
    files: Sequence[Path], reader: EntryReader, settings: Settings, found: Survey, understand: bool
) -> Brought:
    from omnibot.app import open_store
    from omnibot.events import EventReader, Events
    from omnibot.history import bring
    from omnibot.history.reading import reading

    async with open_store(settings) as store, reading(settings) if understand else nullcontext() as read:
        with _progress("writing", found.read * (2 if found.taken["customer"] else 1)) as seen:
            return await bring(
                files, reader, store, Events(store, settings), EventReader(settings).accounts,
                read=read, people=bool(found.taken["customer"]), seen=seen,
            )  # fmt: skip


@contextmanager
def _progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """How far it is, on a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda _: progress.advance(task)


# --- what is told ---------------------------------------------------------------------------------------------------

_PLURALS = {"message": "messages", "case": "cases", "event": "events", "customer": "customers", "fact": "facts"}
_LEVELS = {
    1: ("name", "a name"),
    2: ("history", "messages or cases"),
    3: ("preferences", "a stated preference"),
    4: ("anticipation", "events of your product"),
    5: ("emotion", "three messages of theirs, whose mood can be read"),
}


def print_survey(found: Survey) -> None:
    """What files hold and lack, for people."""
    say(f"{found.read} rows read, {found.total} to be taken")
    rows = [(f"{count}", _PLURALS[kind]) for kind, count in found.taken.items()]
    if rows:
        print_table(("", ""), rows)
    if found.first_at and found.last_at:
        say(f"from {found.first_at:%Y-%m-%d} to {found.last_at:%Y-%m-%d}, of {found.customers} customers")
    for line in _lacks(found):
        say(line)
    if found.customers:
        say("how personal replies can be:")
        print_table(("level", "customers", "what is missing"), list(_levels(found)))


def _lacks(found: Survey) -> Iterator[str]:
    for examples in found.left_out.values():
        yield f"✗ left out: {examples.count} rows ({_where(examples)}): {examples.told}"
    if found.contradictions.count:
        where = _where(found.contradictions)
        yield f"✗ left out: {found.contradictions.count} rows whose id stands for something else before ({where})"
    if found.duplicates.count:
        yield f"- told twice, taken once: {found.duplicates.count} rows ({_where(found.duplicates)})"
    if found.unknown_addresses:
        yield f"- {found.unknown_addresses} addresses of nobody who is known: each becomes a customer of its own"
    if found.gaps:
        yield f"- months without a message: {_shortened(found.gaps)}"
    if found.open_cases:
        yield f"- {found.open_cases} cases without an end: replies will speak of them as open"
    if found.untold_cases:
        yield f"- {found.untold_cases} cases that messages name and no row tells of"
    if found.naive:
        yield f"- {found.naive} times that do not say their zone"
    if other := sum(count for name, count in found.encodings.items() if name not in ("utf-8", "utf-16")):
        yield f"- {other} lines that are no UTF-8, read as Windows-1252: look whether names are right"


def _where(examples: Examples) -> str:
    more = ", …" if examples.count > len(examples.where) else ""
    return ", ".join(examples.where) + more


def _shortened(months: Sequence[str]) -> str:
    return ", ".join(months[:6]) + (f", … ({len(months)})" if len(months) > 6 else "")


def _levels(found: Survey) -> Iterator[tuple[str, str, str]]:
    from omnibot.model import Level

    for level, (name, wanted) in _LEVELS.items():
        lacking = found.customers - found.has[Level(level)]
        missing = f"{wanted}: of {lacking} customers" if lacking else ""
        yield f"{level} {name}", str(found.levels[Level(level)]), missing


def survey_fields(found: Survey) -> dict[str, Any]:
    """What files hold and lack, for programs."""
    return {
        "rows": found.read,
        "taken": dict(found.taken),
        "left_out": {why: _example_fields(examples) for why, examples in found.left_out.items()},
        "duplicates": _example_fields(found.duplicates),
        "contradictions": _example_fields(found.contradictions),
        "from": found.first_at,
        "to": found.last_at,
        "customers": found.customers,
        "unknown_addresses": found.unknown_addresses,
        "gaps": found.gaps,
        "directions": dict(found.directions),
        "open_cases": found.open_cases,
        "untold_cases": found.untold_cases,
        "naive_times": found.naive,
        "encodings": dict(found.encodings),
        "levels": {
            str(level.value): {"customers": count, "lack": found.customers - found.has[level]}
            for level, count in found.levels.items()
        },
    }


def _example_fields(examples: Examples) -> dict[str, Any]:
    return {"count": examples.count, "where": examples.where, "told": examples.told}


def print_brought(brought: Brought) -> None:
    """What was written, for people."""
    for kind, plural in _PLURALS.items():
        if brought.new[kind] or brought.known[kind]:
            say(f"{brought.new[kind]} {plural} new, {brought.known[kind]} known already")
    if brought.read:
        say(f"{brought.read} messages read")
    if brought.conflicts.count:
        say(f"✗ left out: {brought.conflicts.count} customers ({_where(brought.conflicts)}): {brought.conflicts.told}")


def brought_fields(brought: Brought) -> dict[str, Any]:
    """What was written, for programs."""
    return {
        "new": {kind: count for kind, count in brought.new.items() if count},
        "known": {kind: count for kind, count in brought.known.items() if count},
        "read": brought.read,
        "conflicts": _example_fields(brought.conflicts),
    }
