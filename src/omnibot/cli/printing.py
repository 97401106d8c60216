"""What commands print: tables and fields for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.padding import Padding
    from rich.table import Table

_CELL = 60  # characters
_WHOLE = 20  # characters: a time, an id, a state
_LEAST = 24  # characters of a column that is folded
_GAP = 2  # between two columns
_INDENT = 4  # of what stands below its row


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
    """Cells under their columns; where they are too wide together, the long ones are folded, or stand below."""
    from rich.console import Console

    console = Console()
    widths = [_width(row[number] for row in (columns, *rows)) for number in range(len(columns))]
    long = [number for number, width in enumerate(widths) if width > _WHOLE]
    room = console.width - sum(width + _GAP for number, width in enumerate(widths) if number not in long)
    if room >= sum(min(widths[number], _LEAST) for number in long):
        console.print(_table(columns, rows, dict.fromkeys(long)))
        return
    # No room beside the others: a letter a line would be left of them.
    short = [number for number in range(len(columns)) if number not in long]
    fixed = _fitting([widths[number] for number in short], console.width)
    console.print(_table([columns[number] for number in short], [], fixed))
    for row in rows:
        console.print(_table([""] * len(short), [[row[number] for number in short]], fixed))
        for number in long:
            if row[number]:
                console.print(_below(columns[number], row[number]))


def _width(cells: Iterable[str]) -> int:
    return max(len(line) for cell in cells for line in (cell.splitlines() or [""]))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], widths: Mapping[int, int | None]) -> Table:
    """Whole columns, but those that have a width, or None for whatever is left: these are folded."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_header=any(columns), header_style="dim")
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number not in widths, width=widths.get(number))
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _fitting(widths: Sequence[int], room: int) -> dict[int, int | None]:
    """As wide as they are, or where that is too much, the widest less wide."""
    fitting = list(widths)
    while sum(fitting) + _GAP * len(fitting) > room and max(fitting) > 1:
        fitting[fitting.index(max(fitting))] -= 1
    return dict(enumerate(fitting))


def _below(column: str, cell: str) -> Padding:
    from rich.padding import Padding
    from rich.text import Text

    return Padding(Text.assemble((f"{column}: ", "dim"), cell), (0, 0, 0, _INDENT))


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
