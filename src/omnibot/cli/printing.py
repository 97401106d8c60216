"""What commands print: tables and fields for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import typer

_CELL = 60  # characters
_WHOLE = 20  # characters: a time, an id, a state


def say(text: str) -> None:
    typer.echo(text)


def fail(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(1)


def merge_name(merge: int) -> str:
    """How a merge is written, so that nobody takes it for a customer."""
    return f"m{merge}"


def show(rows: list[dict[str, Any]], as_json: bool, *columns: str) -> None:
    """Rows as JSON lines, or for people as a table of these columns (none named: all)."""
    if as_json:
        for row in rows:
            show_fields(row, as_json)
        return
    if not rows:
        say("nothing")
        return
    shown = columns or tuple(rows[0])
    print_table(shown, [[_shortened(_cell(row[column])) for column in shown] for row in rows])


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Cells under their columns; where they are too wide together, the long ones are folded."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(columns), header_style="dim")
    for number, column in enumerate(columns):
        widest = max(len(line) for row in rows for line in (row[number].splitlines() or [""]))
        table.add_column(column, overflow="fold", no_wrap=widest <= _WHOLE)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def show_fields(fields: dict[str, Any], as_json: bool) -> None:
    import orjson

    if as_json:
        say(orjson.dumps(fields).decode())
        return
    for name, value in fields.items():
        say(f"{name:>10}  {_cell(value)}")


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
