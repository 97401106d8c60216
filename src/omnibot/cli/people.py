"""handoffs, parked, quarantine: what waits for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from omnibot.cli.options import ConfigOption, IdArgument, JsonOption, LimitOption
from omnibot.cli.printing import fail, say, show
from omnibot.cli.running import with_store

if TYPE_CHECKING:
    from omnibot.store import Store

app = typer.Typer()
handoffs = typer.Typer(help="What waits for people.", no_args_is_help=True)
parked = typer.Typer(help="What was given up because its turn failed.", no_args_is_help=True)


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
        show(rows, as_json, "id", "name", "address", "reason", "text")

    with_store(config, work)


@handoffs.command("resolve")
def handoffs_resolve(id_: IdArgument, config: ConfigOption = None) -> None:
    """Mark as taken care of."""

    async def work(store: Store) -> None:
        if not await store.records.resolve(id_):
            fail(f"{id_} is not open: `omnibot handoffs list` shows what is")
        say(f"{id_} is resolved")

    with_store(config, work)


@parked.command("list")
def parked_list(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show what was given up because its turn failed again and again, oldest first."""

    async def work(store: Store) -> None:
        rows = [
            {"id": p.id, "address": str(p.address), "since": p.at, "reason": p.reason, "text": p.text}
            for p in await store.records.parked()
        ]
        show(rows, as_json)

    with_store(config, work)


@parked.command("retry")
def parked_retry(id_: IdArgument, config: ConfigOption = None) -> None:
    """Give it another turn, once what made it fail is mended."""

    async def work(store: Store) -> None:
        if not await store.records.take_again(id_):
            fail(f"{id_} is not parked: `omnibot parked list` shows what is")
        say(f"{id_} gets another turn")

    with_store(config, work)


@app.command()
def quarantine(limit: LimitOption = 50, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show what came from senders who could not be believed."""

    async def work(store: Store) -> None:
        rows = [
            {"id": q.id, "at": q.at, "account": f"{q.channel}.{q.account}", "reason": q.reason, "from": q.sender,
             "text": q.text}
            for q in await store.records.quarantined(limit)
        ]  # fmt: skip
        show(rows, as_json)

    with_store(config, work)
