"""What commands print: tables and fields for people, JSON for programs."""

from __future__ import annotations

from typing import Any, NoReturn

import typer

_CELL = 60  # characters


def say(text: str) -> None:
    typer.echo(text)


def fail(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(1)


def show(rows: list[dict[str, Any]], as_json: bool, *columns: str) -> None:
    """Rows as JSON lines, or for people as a table of these columns (none named: all)."""
    if as_json:
        for row in rows:
            show_fields(row, as_json)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        say("nothing")
        return
    shown = columns or tuple(rows[0])
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in shown:
        table.add_column(column, overflow="fold", no_wrap=column not in ("text", "reason"))
    for row in rows:
        table.add_row(*(Text(shortened(cell(row[column]))) for column in shown))
    Console().print(table)


def show_fields(fields: dict[str, Any], as_json: bool) -> None:
    import orjson

    if as_json:
        say(orjson.dumps(fields).decode())
        return
    for name, value in fields.items():
        say(f"{name:>10}  {cell(value)}")


def shortened(text: str) -> str:
    """A cell is one line; `--json` has all of it."""
    line = " ".join(text.split())
    return line if len(line) <= _CELL else line[: _CELL - 1] + "…"


def cell(value: object) -> str:
    from datetime import datetime

    from omnibot.transcript import readable

    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return readable(str(value))
