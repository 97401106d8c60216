"""Reading a company's own data: each line is an item, and what is wrong is told line by line, all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

__all__ = ["Broken", "BrokenInput", "Labelled", "labelled", "objects", "read_lines"]

T = TypeVar("T")
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
    items, faults = [], []
    for number, line in enumerate(_raw_lines(path), 1):
        if not line:
            continue
        try:
            items.append(parse(_decoded(line)))
        except Broken as broken:
            faults += [f"{path}:{number}: {fault}" for fault in broken.faults]
    if faults:
        raise BrokenInput(_told(faults))
    if not items:
        raise BrokenInput(f"{path}: is empty, so there is nothing to measure")
    return items


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
    """The lines of a file as JSON objects of one shape; keys that it does not have are ignored."""

    def parse(line: str) -> M:
        if not line.strip():
            raise Broken("has spaces alone: a line is a JSON object")
        try:
            return model.model_validate_json(line)
        except ValidationError as error:
            raise Broken(*_faults(error)) from None

    return read_lines(path, parse)


def _faults(error: ValidationError) -> Iterable[str]:
    for fault in error.errors(include_url=False, include_input=False):
        place = ".".join(map(str, fault["loc"]))
        message = fault["msg"].removeprefix("Value error, ")
        yield f"{place}: {message}" if place else message
