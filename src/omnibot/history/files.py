"""Rows of CSV and JSONL files, however large, with where they stand; what is no row is told and left out."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

import orjson

__all__ = ["Encodings", "FileError", "Row", "Spoiled", "rows"]

_LONGEST_LINE = 1 << 20  # bytes
_LONGEST_CELL = 1 << 18  # characters: a quote that is never closed must not swallow the file
_BOMS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_UTF8_BOM = b"\xef\xbb\xbf"
_OTHER = "windows-1252"  # what is no UTF-8 was mostly written by an older program on Windows


class FileError(Exception):
    """A file that cannot be read at all; the message says who must do what."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one line tells, by the names of its columns or keys; empty cells are left out."""

    line: int
    fields: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A line that holds no row, and why."""

    line: int
    why: str
    told: str


@dataclass(slots=True)
class Encodings:
    """In how many lines which encoding was found."""

    lines: Counter[str] = field(default_factory=Counter)


def rows(file: Path, encodings: Encodings) -> Iterator[Row | Spoiled]:
    """The rows of a file: CSV with the names of its columns in the first line, or a JSON object a line.

    Lines are UTF-8 or, with a mark at the beginning of the file, UTF-16; a line that is neither is read as
    Windows-1252. Raises FileError.
    """
    try:
        with file.open("rb") as opened:
            start = opened.read(4)
            opened.seek(0)
            yield from _rows(file, opened, start, encodings)
    except OSError as error:
        raise FileError(f"{file}: {error.strerror}: name a CSV or JSONL file that can be read") from error


def _rows(file: Path, opened: IO[bytes], start: bytes, encodings: Encodings) -> Iterator[Row | Spoiled]:
    lines = _lines(opened, _BOMS.get(start[:2], ""), encodings)
    first = next(lines, None)
    if first is None:
        raise FileError(f"{file} is empty: see that the export has worked")
    if file.suffix.lower() in (".jsonl", ".ndjson") or first.lstrip().startswith("{"):
        yield from _of_json(first, lines)
    else:
        yield from _of_csv(file, first, lines)


def _lines(opened: IO[bytes], wide: str, encodings: Encodings) -> Iterator[str]:
    """Lines with their ends; one that is too long is cut, so that no line fills the memory."""
    for raw in _raw_lines(opened, wide):
        text, encoding = _decoded(raw, wide)
        encodings.lines[encoding] += 1
        yield text


def _raw_lines(opened: IO[bytes], wide: str) -> Iterator[bytes]:
    if wide:
        opened.seek(2)
        yield from _wide_lines(opened, "\n".encode(wide))
        return
    first = True
    while line := opened.readline(_LONGEST_LINE):
        if not line.endswith(b"\n"):
            while (more := opened.readline(_LONGEST_LINE)) and not more.endswith(b"\n"):
                pass
        yield line.removeprefix(_UTF8_BOM) if first else line
        first = False


def _wide_lines(opened: IO[bytes], end: bytes) -> Iterator[bytes]:
    kept = b""
    while chunk := opened.read(_LONGEST_LINE):
        kept += chunk
        place = 0
        while (found := kept.find(end, place)) >= 0:
            if found % 2 == 0:
                yield kept[:found] + end
                kept, place = kept[found + 2 :], 0
            else:
                place = found + 1
        kept = kept[: 2 * _LONGEST_LINE]
    if kept:
        yield kept


def _decoded(raw: bytes, wide: str) -> tuple[str, str]:
    if wide:
        return raw.decode(wide, "replace"), "utf-16"
    try:
        return raw.decode(), "utf-8"
    except UnicodeDecodeError:
        if len(raw) >= _LONGEST_LINE:
            return raw.decode("utf-8", "replace"), "utf-8"  # cut within a character
        return raw.decode("cp1252", "replace"), _OTHER


# --- JSON -----------------------------------------------------------------------------------------------------------


def _of_json(first: str, lines: Iterator[str]) -> Iterator[Row | Spoiled]:
    for number, line in enumerate(_chain(first, lines), 1):
        if not line.strip():
            continue
        if len(line) >= _LONGEST_LINE // 2 and not line.endswith("\n"):
            yield Spoiled(number, "too long", f"is longer than {_LONGEST_LINE} bytes: leave attachments out")
            continue
        try:
            fields = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield Spoiled(number, "no JSON", f"is no JSON ({error}): write one object a line")
            continue
        if isinstance(fields, dict):
            yield Row(number, {key.strip().lower(): value for key, value in fields.items() if value not in (None, "")})
        else:
            yield Spoiled(number, "no object", 'is no object: write it as {"kind": "message", …}')


def _chain(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


# --- CSV ------------------------------------------------------------------------------------------------------------


def _of_csv(file: Path, first: str, lines: Iterator[str]) -> Iterator[Row | Spoiled]:
    delimiter = max(",;\t", key=first.count)
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        reader = csv.reader(_chain(first, lines), delimiter=delimiter)
        names = _names(file, reader)
        yield from _cells(reader, names)
    finally:
        csv.field_size_limit(limit)


def _names(file: Path, reader: _Reader) -> Sequence[str]:
    try:
        names = [name.strip().lower() for name in next(reader)]
    except (csv.Error, StopIteration) as error:
        raise FileError(f"{file}, line 1: {error}: begin the file with the names of its columns") from error
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise FileError(f"{file}, line 1: {', '.join(twice)} names two columns: name each once")
    if not any(names):
        raise FileError(f"{file}, line 1: it names no columns: begin the file with their names")
    return names


class _Reader(Protocol):
    """What `csv.reader` makes."""

    line_num: int

    def __next__(self) -> list[str]: ...


def _cells(reader: _Reader, names: Sequence[str]) -> Iterator[Row | Spoiled]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Spoiled(line, "no CSV", f"is no CSV ({error}): see whether a quote before it is not closed")
            continue
        if not any(cells):
            continue
        if len(cells) > len(names):
            yield Spoiled(line, "more cells than columns", "has more cells than columns: quote cells that hold a comma")
            continue
        yield Row(line, {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name and cell.strip()})
