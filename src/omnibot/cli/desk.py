"""desk: what people have taken over, for whoever looks after the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from omnibot.cli.options import ConfigOption, JsonOption, LimitOption
from omnibot.cli.printing import fail, say, show, show_fields
from omnibot.cli.running import with_store

if TYPE_CHECKING:
    from omnibot.store import Store
    from omnibot.store.desk import Attended, LineRecord

desk = typer.Typer(help="What people have taken over.", no_args_is_help=True)

StretchArgument = Annotated[int, typer.Argument(metavar="STRETCH", help="As `omnibot desk queue` tells it.")]


@desk.command("queue")
def desk_queue(
    team: Annotated[str | None, typer.Option(help="Only this team's, by its key: support, senior, …")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only where a time is over.")] = False,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what people have taken over and not ended, the most urgent first."""
    from datetime import UTC, datetime

    async def work(store: Store) -> None:
        found = await store.desk.queue(team=team, overdue_at=datetime.now(UTC) if overdue else None, limit=limit)
        names = await store.desk.names([one.stretch.id for one in found])
        rows = [{**_standing(one, names.get(one.stretch.id, "")), "why": one.stretch.why} for one in found]
        show(rows, as_json, "stretch", "team", "priority", "state", "owner", "name", "due", "why")
        if not as_json:
            count = await store.desk.count()
            say(
                f"{count.open} open: {count.waiting} that nobody has yet, {count.breached} overdue,"
                f" {count.unopened} without a thread; {count.unshown} lines wait to be shown"
            )

    with_store(config, work)


@desk.command("show")
def desk_show(stretch: StretchArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show one of them: whose it is, why, where its thread is, and what does not stand there."""

    async def work(store: Store) -> None:
        one = await _of(store, stretch)
        lines = [_line(line) for line in await store.desk.not_shown(one.stretch.id)]
        names = await store.desk.names([one.stretch.id])
        fields = {**_standing(one, names.get(one.stretch.id, "")), **_whole(one)}
        show_fields({**fields, "not_shown": lines} if as_json else fields, as_json)
        if lines and not as_json:
            say("\nnot in its thread:")
            show(lines, as_json, "line", "kind", "state", "attempts", "next", "reason")

    with_store(config, work)


@desk.command("acts")
def desk_acts(stretch: StretchArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show who did what about one of them and what came of it, the first first."""

    async def work(store: Store) -> None:
        one = await _of(store, stretch)
        rows = [
            {
                "at": act.at,
                "by": act.by.id,
                "name": act.by.name,
                "act": act.kind.value,
                "outcome": act.outcome,
                "value": act.value,
                "text": act.text,
                "refused": act.refused,
            }
            for act in await store.desk.acts(one.stretch.id)
        ]
        show(rows, as_json, "at", "by", "act", "outcome", "value", "text", "refused")

    with_store(config, work)


@desk.command("stuck")
def desk_stuck(limit: LimitOption = 50, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show the lines that do not stand in their threads: they wait, were refused, or nobody knows."""

    async def work(store: Store) -> None:
        rows = [_line(line) for line in await store.desk.not_shown(limit=limit)]
        show(rows, as_json, "stretch", "line", "kind", "state", "attempts", "next", "reason")

    with_store(config, work)


@desk.command("levels")
def desk_levels(
    days: Annotated[int, typer.Option(min=1, max=3660, help="Of what was handed over in so many days.")] = 30,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show how often the times of each team were over."""
    from dataclasses import asdict
    from datetime import UTC, datetime, timedelta

    async def work(store: Store) -> None:
        show([asdict(one) for one in await store.desk.kept(datetime.now(UTC) - timedelta(days=days))], as_json)

    with_store(config, work)


async def _of(store: Store, stretch: int) -> Attended:
    from omnibot.model import StretchId

    found = await store.desk.attended([StretchId(stretch)])
    if not found:
        fail(f"there is no stretch {stretch}: `omnibot desk queue` shows those that are open")
    return found[0]


def _standing(one: Attended, name: str) -> dict[str, Any]:
    stretch = one.stretch
    due = min((at for at in (one.first_due, one.next_due, one.resolve_due) if at), default=None)
    return {
        "stretch": stretch.id,
        "team": stretch.team,
        "priority": stretch.priority,
        "state": stretch.state.value,
        "owner": (stretch.owner.name or stretch.owner.id) if stretch.owner else "",
        "name": name,
        "due": due or "",
    }


def _whole(one: Attended) -> dict[str, Any]:
    stretch = one.stretch
    told = {
        "customer": one.customer,
        "addresses": [str(address.address) for address in one.addresses],
        "matter": stretch.matter,
        "why": stretch.why,
        "opened": stretch.opened_at,
        "waits since": one.stretch.asked_at,
        "answered": stretch.answered_at,
        "first due": one.first_due,
        "next due": one.next_due,
        "resolve due": one.resolve_due,
        "snoozed until": stretch.snoozed_until,
        "ended": stretch.ended_at,
        "outcome": stretch.outcome,
        "desk": one.place.desk if one.place else "",
        "room": one.place.room if one.place else "",
        "thread": one.place.thread if one.place else "",
        "openings": one.openings,
    }
    return {name.replace(" ", "_"): "" if value is None else value for name, value in told.items()}


def _line(line: LineRecord) -> dict[str, Any]:
    return {
        "stretch": line.stretch,
        "line": line.id,
        "kind": line.kind,
        "state": line.state,
        "at": line.at,
        "attempts": line.attempts,
        "next": line.due_at if line.state == "queued" else "",
        "reason": line.reason,
    }
