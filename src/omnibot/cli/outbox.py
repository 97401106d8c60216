"""outbox: what is on its way to customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from omnibot.cli.options import ConfigOption, IdArgument, JsonOption, LimitOption
from omnibot.cli.printing import fail, say, show, show_fields
from omnibot.cli.running import with_store

if TYPE_CHECKING:
    from omnibot.store import Store

outbox = typer.Typer(help="What is on its way to customers.", no_args_is_help=True)


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
        show(rows, as_json, "id", "to", "state", "reason", "until", "text")
        if not as_json:
            counts = await store.records.outbox_counts()
            say(", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "the outbox is empty")

    with_store(config, work)


@outbox.command("show")
def outbox_show(id_: IdArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show one of ours with all that is known about it."""

    async def work(store: Store) -> None:
        entry = await store.records.outbox_entry(id_)
        if entry is None:
            fail(f"there is no {id_} in the outbox: `omnibot outbox list` shows the ids")
        show_fields({"id": entry.id, "to": str(entry.address), "account": entry.account, "purpose": entry.purpose,
                      "state": entry.state.value, "reason": entry.reason, "attempts": entry.attempts,
                      "created": entry.created_at, "due": entry.due_at, "text": entry.text}, as_json)  # fmt: skip

    with_store(config, work)


@outbox.command("retry")
def outbox_retry(id_: IdArgument, config: ConfigOption = None) -> None:
    """Queue one of ours again that was given up; what is `unknown` may then arrive twice."""

    async def work(store: Store) -> None:
        if not await store.records.retry(id_):
            fail(f"{id_} is not dead, refused, unknown or suppressed: only these can be sent again")
        say(f"{id_} is queued again")

    with_store(config, work)
