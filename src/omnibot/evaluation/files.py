"""Reading a company's own data: each line is an item, and what is wrong is told line by line, all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

__all__ = ["Broken", "BrokenInput", "Labelled", "json_values", "labelled", "objects", "read_lines"]

T = TypeVar("T")
S = TypeVar("S", str, bytes)
M = TypeVar("M", bound=BaseModel)
Labelled = tuple[str, T]  # a text and what it is

_TOLD = 100  # faults of one file


class BrokenInput(Exception):
    """A file cannot be measured by. The message has a line for each fault, beginning with `file:line:`."""


class Broken(ValueError):
    """What is wrong with one line."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def read_lines(path: Path, parse: Callable[[str], T]) -> list[T]:
    """The items of a file, in order; `parse` makes one of a line and raises Broken where it cannot.

    A line ends with LF or CR LF and with nothing else: a text may hold U+2028. Lines without a sign are left out, as
    many a program writes one more at the end. Raises BrokenInput.
    """
    return _items(path, _numbered(_raw_lines(path)), lambda line: parse(_decoded(line)))


def _items(path: Path, written: Iterable[tuple[int, S]], parse: Callable[[S], T]) -> list[T]:
    """The items of a file, each written from a line on."""
    items, faults = [], []
    for number, one in written:
        try:
            items.append(parse(one))
        except Broken as broken:
            faults += [f"{path}:{number}: {fault}" for fault in broken.faults]
    if faults:
        raise BrokenInput(_told(faults))
    if not items:
        raise BrokenInput(f"{path}: is empty, so there is nothing to measure")
    return items


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    return ((number, line) for number, line in enumerate(lines, 1) if line)


def _raw_lines(path: Path) -> Iterator[bytes]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BrokenInput(f"{path}: cannot be read: {error.strerror}") from error
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not lines[-1]:
        lines.pop()  # behind the last line's end is no line
    return (line.removesuffix(b"\r") for line in lines)


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise Broken(f"is not UTF-8: byte {error.start + 1} is {line[error.start]:#04x}") from None


def _told(faults: Sequence[str]) -> str:
    more = len(faults) - _TOLD
    return "\n".join([*faults[:_TOLD], *([f"… and {more} more faults"] if more > 0 else [])])


def labelled(path: Path, label_of: Callable[[str], T]) -> list[Labelled[T]]:
    """The lines `text TAB label` of a file; a text may be empty, and may hold tabs itself."""

    def parse(line: str) -> Labelled[T]:
        text, tab, label = line.rpartition("\t")
        if not tab:
            raise Broken("has no tab: a line is a text, a tab and its label")
        return text, label_of(label.strip())

    return read_lines(path, parse)


def objects(path: Path, model: type[M]) -> list[M]:
    """The JSON objects of a file, all of one shape: one a line, or written over several lines, or in a list.

    Keys that the shape does not have are ignored. Raises BrokenInput.
    """

    def parse(written: str) -> M:
        if not written.strip():
            raise Broken("has spaces alone: a line is a JSON object")
        try:
            return model.model_validate_json(written)
        except ValidationError as error:
            raise Broken(*_faults(error)) from None

    lines = list(_raw_lines(path))
    if (documents := _documents(path, lines)) is not None:
        return _items(path, documents, parse)
    return _items(path, _numbered(lines), lambda line: parse(_decoded(line)))


def _documents(path: Path, lines: Sequence[bytes]) -> list[tuple[int, str]] | None:
    """The JSON values of a file that is not written line by line, each with the line on which it begins.

    None where it is, or where its faults are told best line by line. Raises BrokenInput.
    """
    first, second = [*[line.strip() for line in lines if line.strip()][:2], b"", b""][:2]
    if not first.startswith((b"[", b"{")) or (first.startswith(b"{") and _is_json(first)):
        return None
    try:
        return list(json_values(b"\n".join(lines).decode()))
    except json.JSONDecodeError as error:
        if first.startswith(b"{") and second[:1] in (b"{", b""):
            return None
        raise BrokenInput(f"{path}:{error.lineno}: is no JSON: {error.msg} at sign {error.colno}") from None
    except RecursionError:
        raise BrokenInput(f"{path}:1: has lists or objects within each other, too many to be read") from None
    except UnicodeDecodeError:
        return None


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


_BETWEEN = re.compile(r"[ \t\r\n,]*")


def json_values(text: str) -> Iterator[tuple[int, str]]:
    """The JSON values in a text, one behind the other, those of a list each by itself, and on which line each begins.

    Raises JSONDecodeError and RecursionError.
    """
    line, counted = 1, 0
    for start, end in _places(text):
        line, counted = line + text.count("\n", counted, start), start
        yield line, text[start:end]


def _places(text: str) -> Iterator[tuple[int, int]]:
    decode = json.JSONDecoder().raw_decode
    start = _behind(text, 0)
    while start < len(text):
        value, end = decode(text, start)
        if isinstance(value, list):
            inner = start + 1
            for _ in value:
                inner = _behind(text, inner)
                yield inner, (inner := decode(text, inner)[1])
        else:
            yield start, end
        start = _behind(text, end)


def _behind(text: str, place: int) -> int:
    """Where the next value begins."""
    between = _BETWEEN.match(text, place)
    return between.end() if between else place


def _faults(error: ValidationError) -> Iterable[str]:
    for fault in error.errors(include_url=False, include_input=False):
        place = ".".join(map(str, fault["loc"]))
        message = fault["msg"].removeprefix("Value error, ")
        yield f"{place}: {message}" if place else message
