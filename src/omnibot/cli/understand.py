"""omnibot understand: what is read in a message, with what it rests on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omnibot.cli.options import ConfigOption, JsonOption
from omnibot.cli.printing import fail, say
from omnibot.cli.running import settings_of

if TYPE_CHECKING:
    from omnibot.cli.lines import Readings

app = typer.Typer()

_LANGUAGES = ("en", "es", "de", "fr")  # where nobody has said in which a company answers
_CHUNK = 1 << 16  # bytes
_COLORS = ("cyan", "magenta", "yellow", "green", "blue", "red")


@app.command()
def understand(
    text: Annotated[str | None, typer.Argument(help="What a customer writes; else it is read from stdin.")] = None,
    as_json: JsonOption = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Read a message a line on stdin and print a JSON object a line.")
    ] = False,
    now: Annotated[str, typer.Option(help="When it was written, ISO 8601; else now.")] = "",
    zone: Annotated[str, typer.Option(help="The writer's time zone, IANA; else bot.zone.")] = "",
    language: Annotated[str, typer.Option(help="The language that the writer last used, ISO 639-1.")] = "",
    config: ConfigOption = None,
) -> None:
    """Show what is read in a message: every signal, how sure it is, and the words that it rests on."""
    if jsonl and text is not None:
        raise typer.BadParameter("--jsonl reads from stdin: leave the text away, or leave --jsonl away")
    readings = _readings(config, now, zone, language)
    if jsonl:
        _stream(readings)
        return
    written = sys.stdin.read() if text is None else text
    reading = _as_recorded(readings, written)
    if as_json:
        import orjson

        say(orjson.dumps(reading).decode())
    else:
        _show(written, reading)


def _readings(config: Path | None, now: str, zone: str, language: str) -> Readings:
    from omnibot.app import business_hours, understanding_of
    from omnibot.cli.lines import Readings, moment
    from omnibot.learning import Lessons, playbooks_of
    from omnibot.logs import configure
    from omnibot.playbooks import PlaybookError
    from omnibot.understanding import PipelineError
    from omnibot.zones import zone_named

    settings = settings_of(config)
    configure(settings.log)
    named = "languages" in settings.bot.model_fields_set
    try:
        place = zone_named(zone or settings.bot.zone)
        at = moment(now, place) if now else None
        understanding = understanding_of(settings, [*([] if named else _LANGUAGES), *([language] if language else [])])
        lessons = Lessons.of(playbooks_of(settings), settings.data_folder)
    except (ValueError, PipelineError, PlaybookError) as error:
        fail(str(error))
    understanding.adopt(lessons.model() or lessons.former_model())
    return Readings(understanding, business_hours(settings.bot.hours), place, at, language or None)


def _as_recorded(readings: Readings, text: str) -> dict[str, Any]:
    import orjson

    recorded: dict[str, Any] = orjson.loads(orjson.dumps(readings.text(text)))
    return recorded


# --- a line a message -----------------------------------------------------------------------------------------------


def _stream(readings: Readings) -> None:
    """Every line gives one, in its order; what has come together is written together, and nothing waits for more."""
    out = sys.stdout.buffer
    try:
        for lines in _lines(sys.stdin.fileno()):
            out.write(b"".join(readings.line(line) + b"\n" for line in lines))
            out.flush()
    except BrokenPipeError:  # whoever reads has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _lines(descriptor: int) -> Iterator[list[bytes]]:
    """The lines of each read, without their ends; the last may lack its end."""
    begun: list[bytes] = []
    while chunk := os.read(descriptor, _CHUNK):
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = b"".join([*begun, lines[0]])
            begun = []
            yield [line.removesuffix(b"\r") for line in lines]
        if rest:
            begun.append(rest)
    if begun:
        yield [b"".join(begun).removesuffix(b"\r")]


# --- for people -----------------------------------------------------------------------------------------------------


def _show(text: str, reading: Mapping[str, Any]) -> None:
    """The text with what was found in it marked, then what that is, in words and colours."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from omnibot.transcript import readable

    rows, unknown = _rows(reading)
    marked = Text(readable(text))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for (name, said, confidence, evidence), color in zip(rows, cycle(_COLORS), strict=False):
        places = [(one["start"], one["end"]) for one in evidence if one.get("start") is not None]
        for start, end in places:
            marked.stylize(f"{color} underline", start, end)
        quoted = ", ".join(f"“{' '.join(readable(one['text']).split())}”" for one in evidence)
        style = color if places else "none"
        table.add_row(Text(name, style), Text(readable(said), "bold"), Text(f"{confidence:.0%}", "dim"), Text(quoted))
    console = Console(highlight=False)
    console.print(Padding(marked, (1, 2)))
    console.print(table)
    if unknown:
        console.print(Text(f"not known: {', '.join(unknown)}", "dim"))


_Row = tuple[str, str, float, Sequence[Mapping[str, Any]]]


def _rows(reading: Mapping[str, Any]) -> tuple[list[_Row], list[str]]:
    """Name, words, confidence and evidence of what is known; the names of what is not."""
    from omnibot.cli import wording

    told = list(wording.signals(reading))
    rows: list[_Row] = [(one.name, one.said, one.confidence, one.evidence) for one in told if one.known]
    rows += [("time", said, one["confidence"], [one]) for said, one in wording.times(reading)]
    rows += [("names", said, one["confidence"], [one]) for said, one in wording.entities(reading)]
    return rows, [one.name for one in told if not one.known]
