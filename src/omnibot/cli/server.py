"""serve, migrate, check: the server itself."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import signal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from omnibot.cli.options import ConfigOption
from omnibot.cli.printing import say
from omnibot.cli.running import configure_logs, execute, settings_of, with_store

if TYPE_CHECKING:
    from omnibot.app import Running
    from omnibot.store import Store

_COLLECT_AFTER = 10_000  # new objects

app = typer.Typer()


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
    settings = settings_of(config)

    async def work() -> None:
        from omnibot.app import Role
        from omnibot.app import serve as run

        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await run(settings, stop, roles=frozenset(Role(r) for r in roles), started=lambda up: _started(up, roles))

    configure_logs(settings)
    execute(work())


def _started(up: Running, roles: set[str]) -> None:
    _spare_the_collector()
    _give_back()
    say(f"serving {up.url}")
    say("  webhooks, files, /healthz, /readyz" if RoleChoice.WEB in roles else "  /healthz, /readyz")


def _spare_the_collector() -> None:
    """Leave what the start has made out of all collections: walking through it again and again took a quarter of the
    CPU. What comes later makes hardly any cycles, so it is looked through less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


def _give_back() -> None:
    """Return to the machine what the start needed for a moment: 20 MB or more, which glibc would keep."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, or another system
        return
    trim(0)


def _roles(text: str) -> set[str]:
    roles = {part.strip() for part in text.split(",")}
    if unknown := roles - set(RoleChoice):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: use web, worker or web,worker", param_hint="--role")
    return roles


@app.command()
def migrate(config: ConfigOption = None) -> None:
    """Bring the database's schema up to date; `serve` does it by itself."""

    async def work(store: Store) -> None:
        say("the schema is up to date")

    with_store(config, work)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Check settings, knowledge, database and accounts; tell all that is wrong and who must do what."""
    from omnibot.check import check as run

    found = asyncio.run(run(config, os.environ))
    for note in found.notes:
        say(f"· {note}")
    for fault in found.faults:
        say(f"✗ {fault}")
    say("nothing is wrong" if not found.faults else f"{len(found.faults)} to be mended")
    raise typer.Exit(1 if found.faults else 0)
