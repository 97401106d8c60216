"""The command line: omnibot demo | serve | check | … Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from omnibot.app import Running
    from omnibot.model import Address, TimelineMessage
    from omnibot.settings import Settings
    from omnibot.store import Store

T = TypeVar("T")

_CELL = 60  # characters

_COLLECT_AFTER = 10_000  # new objects

app = typer.Typer(
    help="Omnibot: one person, one timeline, one reply where and how they like it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
outbox = typer.Typer(help="What is on its way to customers.", no_args_is_help=True)
customer = typer.Typer(help="What is known about a customer.", no_args_is_help=True)
handoffs = typer.Typer(help="What waits for people.", no_args_is_help=True)
parked = typer.Typer(help="What was given up because its turn failed.", no_args_is_help=True)
app.add_typer(outbox, name="outbox")
app.add_typer(customer, name="customer")
app.add_typer(handoffs, name="handoffs")
app.add_typer(parked, name="parked")


def _version(wanted: bool) -> None:
    if wanted:
        from omnibot import __version__

        typer.echo(f"omnibot {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    pass


ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="The settings file; else OMNIBOT_CONFIG, else config/omnibot.toml.", dir_okay=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
LimitOption = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, newest first.")]
AddressArgument = Annotated[str, typer.Argument(help="channel:value, such as telegram:4711.", metavar="ADDRESS")]


# --- the server ----------------------------------------------------------------------------------------------------


class RoleChoice(StrEnum):
    """As `omnibot.app.Role`, known without importing the server."""

    WEB = "web"
    WORKER = "worker"


@app.command()
def serve(
    config: ConfigOption = None,
    role: Annotated[
        str, typer.Option(help="web (webhooks, listeners), worker (turns, delivery), or both parted by a comma.")
    ] = "web,worker",
) -> None:
    """Run the server until SIGTERM or Ctrl-C; then drain and stop."""
    roles = _roles(role)
    settings = _settings(config)

    async def work() -> None:
        from omnibot.app import Role
        from omnibot.app import serve as run

        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await run(settings, stop, roles=frozenset(Role(r) for r in roles), started=lambda up: _started(up, roles))

    _configure_logs(settings)
    _run(work())


def _started(up: Running, roles: set[str]) -> None:
    _spare_the_collector()
    _say(f"serving {up.url}")
    _say("  webhooks, files, /healthz, /readyz" if RoleChoice.WEB in roles else "  /healthz, /readyz")


def _spare_the_collector() -> None:
    """Leave what the start has made out of all collections: walking through it again and again took a quarter of the
    CPU. What comes later makes hardly any cycles, so it is looked through less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


def _roles(text: str) -> set[str]:
    roles = {part.strip() for part in text.split(",")}
    if unknown := roles - set(RoleChoice):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: use web, worker or web,worker", param_hint="--role")
    return roles


@app.command()
def migrate(config: ConfigOption = None) -> None:
    """Bring the database's schema up to date; `serve` does it by itself."""

    async def work(store: Store) -> None:
        _say("the schema is up to date")

    _with_store(config, work)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Check settings, knowledge, database and accounts; tell all that is wrong and who must do what."""
    from omnibot.check import check as run

    found = asyncio.run(run(config, os.environ))
    for note in found.notes:
        _say(note)
    for fault in found.faults:
        _say(f"✗ {fault}")
    _say("nothing is wrong" if not found.faults else f"{len(found.faults)} to be mended")
    raise typer.Exit(1 if found.faults else 0)


@app.command("import")
def import_customers(
    file: Annotated[Path, typer.Argument(help="A CSV file: name, a column a channel, prefers, register, length, …")],
    config: ConfigOption = None,
) -> None:
    """Bring known customers with their addresses and preferences, linked on the company's word."""
    from omnibot.channels import load
    from omnibot.roster import RosterError, read_roster

    settings = _settings(config)
    configured = load(settings)
    accounts = {account.channel: account.name for account in reversed(configured)}
    try:
        people = read_roster(file, {account.channel: account.channel_class.address for account in configured})
    except RosterError as error:
        _fail(str(error))

    async def work(store: Store) -> None:
        done = await store.records.import_customers(people, accounts)
        _say(f"{done.created} new, {done.updated} known already")
        for line in done.conflicts:
            _say(f"line {line}: its addresses belong to different customers: nothing was changed for it")
        if done.conflicts:
            raise typer.Exit(1)

    _with_store(config, work)


# --- the sandbox ---------------------------------------------------------------------------------------------------


@app.command()
def demo(
    story: Annotated[str, typer.Option(help="Which story to play.")] = "day",
    exit_: Annotated[bool, typer.Option("--exit", help="End after the story: 0 when every reply came.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Play a day of one customer over all channels, on this machine, without any account."""
    from omnibot.sandbox.demo import STORIES, play

    if story not in STORIES:
        raise typer.BadParameter(f"{story}: use one of {', '.join(STORIES)}", param_hint="--story")
    raise typer.Exit(_run(play(STORIES[story], leave=exit_, as_json=as_json)))


@app.command()
def sandbox(
    telegram_port: Annotated[int, typer.Option(help="Port of the Bot API; 0 takes a free one.")] = 8081,
    slack_port: Annotated[int, typer.Option(help="Port of Slack's Web API.")] = 8082,
    twilio_port: Annotated[int, typer.Option(help="Port of Twilio's REST API.")] = 8083,
    smtp_port: Annotated[int, typer.Option(help="Port of the mail server.")] = 8025,
    lmtp_port: Annotated[int, typer.Option(help="Where the bot listens for mail.")] = 8024,
    control_port: Annotated[int, typer.Option(help="Port to write as a customer and to order misbehaviour.")] = 8090,
    bot_url: Annotated[str, typer.Option(help="Where the bot takes webhooks.")] = "http://127.0.0.1:8080",
) -> None:
    """Emulate the providers on loopback for whoever develops a bot; until Ctrl-C."""
    from omnibot.sandbox.providers import Ports
    from omnibot.sandbox.standalone import run

    ports = Ports(telegram=telegram_port, slack=slack_port, twilio=twilio_port, smtp=smtp_port, lmtp=lmtp_port)
    options = "--telegram-port, --slack-port, --twilio-port, --smtp-port and --control-port"
    _run(run(ports, control_port, bot_url.rstrip("/")), advice=f"choose free ports by {options} (0 takes any)")


@app.command()
def chat(
    channel: Annotated[str, typer.Argument(help="telegram, slack, sms, whatsapp or email.")],
    as_: Annotated[str, typer.Option("--as", help="As whom: their address there, such as 4711.", metavar="ADDRESS")],
    also: Annotated[
        list[str] | None, typer.Option(help="Another address of theirs, such as sms:+15550100; may be repeated.")
    ] = None,
    sandbox: Annotated[str, typer.Option(help="Where the demo or the sandbox is commanded.")] = "http://127.0.0.1:8090",
    quiet: Annotated[
        float, typer.Option(min=0.1, help="Where the input is no terminal: seconds of silence before the next line.")
    ] = 3.0,
) -> None:
    """Write to the running bot as a customer, through the sandbox; replies come from any of their channels."""
    from omnibot.model import Address
    from omnibot.sandbox.chat import NoSandbox, Refused
    from omnibot.sandbox.chat import chat as converse

    try:
        others = [Address.parse(text) for text in also or ()]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--also") from None
    try:
        _run(converse(Address.parse(f"{channel}:{as_}"), others, sandbox, quiet))
    except (NoSandbox, Refused, ValueError) as error:
        _fail(str(error))


# --- what is on its way --------------------------------------------------------------------------------------------


@outbox.command("list")
def outbox_list(
    state: Annotated[str | None, typer.Option(help="Only in this state: queued, held, sending, sent, …")] = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what is on its way and what became of it, newest first."""
    from omnibot.model import DeliveryState

    if state is not None and state not in set(DeliveryState):
        raise typer.BadParameter(f"{state}: use one of {', '.join(DeliveryState)}", param_hint="--state")

    async def work(store: Store) -> None:
        entries = await store.records.outbox(DeliveryState(state) if state else None, limit)
        rows = [
            {
                "id": e.id,
                "to": str(e.address),
                "state": e.state.value,
                "reason": e.reason,
                "until": e.until,
                "attempts": e.attempts,
                "created": e.created_at,
                "text": e.text,
            }
            for e in entries
        ]
        _show(rows, as_json, "id", "to", "state", "reason", "until", "text")
        if not as_json:
            counts = await store.records.outbox_counts()
            _say(", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "the outbox is empty")

    _with_store(config, work)


@outbox.command("show")
def outbox_show(
    id_: Annotated[int, typer.Argument(metavar="ID")], as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Show one of ours with all that is known about it."""

    async def work(store: Store) -> None:
        entry = await store.records.outbox_entry(id_)
        if entry is None:
            _fail(f"there is no {id_} in the outbox: `omnibot outbox list` shows the ids")
        _show_fields({"id": entry.id, "to": str(entry.address), "account": entry.account, "purpose": entry.purpose,
                      "state": entry.state.value, "reason": entry.reason, "attempts": entry.attempts,
                      "created": entry.created_at, "due": entry.due_at, "text": entry.text}, as_json)  # fmt: skip

    _with_store(config, work)


@outbox.command("retry")
def outbox_retry(id_: Annotated[int, typer.Argument(metavar="ID")], config: ConfigOption = None) -> None:
    """Queue one of ours again that was given up; what is `unknown` may then arrive twice."""

    async def work(store: Store) -> None:
        if not await store.records.retry(id_):
            _fail(f"{id_} is not dead, refused, unknown or suppressed: only these can be sent again")
        _say(f"{id_} is queued again")

    _with_store(config, work)


# --- customers -----------------------------------------------------------------------------------------------------


@customer.command("timeline")
def customer_timeline(
    address: AddressArgument, limit: LimitOption = 100, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Show one customer's timeline over all channels, oldest first."""

    async def work(store: Store) -> None:
        known = await store.records.customer_of(_address(address, config))
        if known is None:
            _fail(f"nobody is known by {address}")
        messages = await store.records.timeline(known, limit)
        if as_json:
            _show([_timeline_row(message) for message in messages], as_json)
            return
        from rich.console import Console

        from omnibot.transcript import print_message

        name = (await store.records.facts_of(_address(address, config))).get("name", "Customer")
        for message in messages:
            print_message(Console(highlight=False), message, name, day=True)

    _with_store(config, work)


def _timeline_row(message: TimelineMessage) -> dict[str, Any]:
    return {
        "at": message.at,
        "channel": message.address.channel,
        "direction": message.direction.value,
        "address": str(message.address),
        "customer": message.customer,
        "text": message.text,
        "state": message.state.value if message.state else "",
        "revisions": message.revisions,
        "attachments": message.attachments,
    }


@customer.command("why")
def customer_why(
    address: AddressArgument, limit: LimitOption = 5, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Show what was read, planned and why in the latest turns of an address, newest first."""

    async def work(store: Store) -> None:
        for turn in await store.records.why(_address(address, config), limit):
            _show_fields(turn, as_json)

    _with_store(config, work)


@customer.command("files")
def customer_files(address: AddressArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show the files that a customer has sent, with links that work for files.link_seconds."""
    settings = _settings(config)

    async def work(store: Store) -> None:
        import time

        from omnibot.intake.files import download_path, link_key

        known = await store.records.customer_of(_address(address, config))
        if known is None:
            _fail(f"nobody is known by {address}")
        key, expires = link_key(settings.load_secret()), int(time.time() + settings.files.link_seconds)
        base = settings.server.public_url or _local_url(settings)
        rows = [
            {
                "name": file.name,
                "type": file.media_type,
                "bytes": file.size,
                "state": file.state,
                "reason": file.reason,
                "link": base + download_path(key, file.id, expires) if file.state == "stored" else "",
            }
            for file in await store.attachments.of(await store.records.addresses_of(known))
        ]
        if as_json:
            _show(rows, as_json)
            return
        for row in rows:
            _show_fields({key: value for key, value in row.items() if value}, as_json)
            _say("")

    _with_store(config, work)


def _local_url(settings: Settings) -> str:
    """How this machine reaches the server; one that listens everywhere has no address of its own."""
    host = settings.server.host
    if host in ("", "0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{settings.server.port}" if ":" in host else f"http://{host}:{settings.server.port}"


# --- people's work -------------------------------------------------------------------------------------------------


@handoffs.command("list")
def handoffs_list(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show what was passed to people and is not resolved yet, oldest first."""

    async def work(store: Store) -> None:
        rows = [
            {
                "id": h.id,
                "name": h.name,
                "address": str(h.address),
                "since": h.at,
                "reason": h.reason,
                "text": h.text,
            }
            for h in await store.records.handoffs()
        ]
        _show(rows, as_json, "id", "name", "address", "reason", "text")

    _with_store(config, work)


@handoffs.command("resolve")
def handoffs_resolve(id_: Annotated[int, typer.Argument(metavar="ID")], config: ConfigOption = None) -> None:
    """Mark as taken care of."""

    async def work(store: Store) -> None:
        if not await store.records.resolve(id_):
            _fail(f"{id_} is not open: `omnibot handoffs list` shows what is")
        _say(f"{id_} is resolved")

    _with_store(config, work)


@parked.command("list")
def parked_list(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show what was given up because its turn failed again and again, oldest first."""

    async def work(store: Store) -> None:
        rows = [
            {"id": p.id, "address": str(p.address), "since": p.at, "reason": p.reason, "text": p.text}
            for p in await store.records.parked()
        ]
        _show(rows, as_json)

    _with_store(config, work)


@parked.command("retry")
def parked_retry(id_: Annotated[int, typer.Argument(metavar="ID")], config: ConfigOption = None) -> None:
    """Give it another turn, once what made it fail is mended."""

    async def work(store: Store) -> None:
        if not await store.records.take_again(id_):
            _fail(f"{id_} is not parked: `omnibot parked list` shows what is")
        _say(f"{id_} gets another turn")

    _with_store(config, work)


@app.command()
def quarantine(limit: LimitOption = 50, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show what came from senders who could not be believed."""

    async def work(store: Store) -> None:
        rows = [
            {"id": q.id, "at": q.at, "account": f"{q.channel}.{q.account}", "reason": q.reason, "from": q.sender,
             "text": q.text}
            for q in await store.records.quarantined(limit)
        ]  # fmt: skip
        _show(rows, as_json)

    _with_store(config, work)


# --- shared --------------------------------------------------------------------------------------------------------


def _settings(config: Path | None) -> Settings:
    from omnibot.settings import SettingsError, load

    try:
        return load(config, os.environ)
    except SettingsError as error:
        _fail(str(error))


def _configure_logs(settings: Settings) -> None:
    from omnibot.logs import configure

    configure(settings.log)


def _with_store(config: Path | None, work: Callable[[Store], Awaitable[None]]) -> None:
    """Open the database of a configuration, do something with it, close it."""
    settings = _settings(config)

    async def run() -> None:
        from omnibot.app import open_store

        async with open_store(settings) as store:
            await work(store)

    _configure_logs(settings)
    _run(run())


def _run(work: Coroutine[Any, Any, T], advice: str = "is database.url right, and is the database up?") -> T:
    """Run on uvloop where there is one; what makes a start impossible is told in words, an OSError with `advice`."""
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(work)
    except Exception as error:
        told = _in_words(_cause(error), advice)
        if told is None:
            raise
        _fail(told)


def _cause(error: Exception) -> Exception:
    """What lies at the bottom of groups that hold one error each: whatever is open while it starts adds a group."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _in_words(error: Exception, advice: str) -> str | None:
    """What whoever runs this must do about it; None for what only a developer can mend."""
    from omnibot.app import CannotListen
    from omnibot.dialogue import KnowledgeError
    from omnibot.settings import SettingsError
    from omnibot.store import DatabaseError, WrongSecret
    from omnibot.store.bundled import BundledServerError

    if isinstance(error, SettingsError | KnowledgeError | WrongSecret | BundledServerError | CannotListen):
        return str(error)
    if isinstance(error, OSError | DatabaseError):
        return f"{type(error).__name__}: {error}: {advice}"
    return None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


def _address(text: str, config: Path | None) -> Address:
    """An address as its channel spells it, where that is configured; else as it is written."""
    from omnibot.channels import judge_accounts
    from omnibot.model import Address

    try:
        written = Address.parse(text)
        tables = _settings(config).channels.get(written.channel, {})
        accounts, _ = judge_accounts({written.channel: tables} if tables else {})
        return accounts[0].channel_class.address(written.value) if accounts else written
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="ADDRESS") from error


def _say(text: str) -> None:
    typer.echo(text)


def _fail(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(1)


def _show(rows: list[dict[str, Any]], as_json: bool, *columns: str) -> None:
    """Rows as JSON lines, or for people as a table of these columns (none named: all)."""
    if as_json:
        for row in rows:
            _show_fields(row, as_json)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        _say("nothing")
        return
    shown = columns or tuple(rows[0])
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in shown:
        table.add_column(column, overflow="fold", no_wrap=column not in ("text", "reason"))
    for row in rows:
        table.add_row(*(Text(_shortened(_cell(row[column]))) for column in shown))
    Console().print(table)


def _show_fields(fields: dict[str, Any], as_json: bool) -> None:
    import orjson

    if as_json:
        _say(orjson.dumps(fields).decode())
        return
    for name, value in fields.items():
        _say(f"{name:>10}  {_cell(value)}")


def _shortened(text: str) -> str:
    """A cell is one line; `--json` has all of it."""
    line = " ".join(text.split())
    return line if len(line) <= _CELL else line[: _CELL - 1] + "…"


def _cell(value: object) -> str:
    from datetime import datetime

    from omnibot.transcript import readable

    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return readable(str(value))
