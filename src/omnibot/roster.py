"""Known customers from a CSV file, as the company exports them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omnibot.identifiers import comparable, spelled
from omnibot.model import Address, Identifier, IdentifierKind, Length, Register
from omnibot.store.imports import NewCustomer

_PREFERENCES = {
    "prefers": "preference.channel",
    "register": "preference.register",
    "length": "preference.length",
    "language": "preference.language",
}
_ALLOWED: dict[str, set[str]] = {"register": set(Register), "length": set(Length)}
_USER_ID = "user_id"
_LANGUAGE = re.compile(r"[a-z]{2}")
_SEVERAL = ";"  # parts several addresses of one channel

Rule = Callable[[str], Address]  # how a channel spells an address; raises ValueError: what to write instead


class RosterError(Exception):
    """All faults of a file at once, each with its line and what to write instead."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(faults))


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the file; what is no address is among its faults."""

    line: int
    cells: dict[str, str]
    addresses: tuple[Address, ...]
    faults: tuple[str, ...]


def read_roster(file: Path, channels: Mapping[str, Rule]) -> list[NewCustomer]:
    """The customers of a file; `channels` tells how each spells its addresses. Raises RosterError.

    Columns: `name`, one a channel (`telegram`, `email`, …; several addresses parted by `;`), and any of `user_id` (of
    the company's own systems: whoever has the same is the same person), `prefers` (a channel), `register` (casual,
    formal), `length` (short, detailed), `language` (ISO 639-1). Empty cells say nothing.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            faults = list(_header_faults(reader.fieldnames or (), channels))
            if faults:
                raise RosterError(faults)
            rows = [_row(reader.line_num, cells, channels) for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RosterError([f"{file}: {error}: give a CSV file in UTF-8 whose first line names the columns"]) from error
    faults = list(_repeated(rows))
    for row in rows:
        faults += _row_faults(row, channels)
    if faults:
        raise RosterError(faults)
    return [_customer(row) for row in rows]


def read_person(line: int, cells: Mapping[str, str], channels: Mapping[str, Rule]) -> NewCustomer:
    """One customer, in the columns of `read_roster`; others are not looked at. Raises RosterError."""
    row = _row(line, dict(cells), channels)
    if faults := list(_row_faults(row, channels)):
        raise RosterError(faults)
    return _customer(row)


def _header_faults(columns: Sequence[str], channels: Collection[str]) -> Iterator[str]:
    if not channels:
        yield "no channel is configured, and whose address a column holds is its channel's to know: configure one first"
        return
    allowed = {"name", _USER_ID, *_PREFERENCES, *channels}
    for column in columns:
        if column not in allowed:
            known = ", ".join(sorted(allowed))
            yield f"line 1: unknown column {column!r}: use {known}; a channel's column needs the channel configured"
    if not set(columns) & set(channels):
        yield f"line 1: no column with addresses: add one of {', '.join(sorted(channels))}"


def _row(line: int, cells: dict[str, str], channels: Mapping[str, Rule]) -> _Row:
    addresses, faults = [], []
    for channel, rule in channels.items():
        for text in _cell(cells, channel).split(_SEVERAL):
            if not text.strip():
                continue
            try:
                addresses.append(rule(text))
            except ValueError as error:
                faults.append(f"line {line}: {channel}: {error}")
    return _Row(line, cells, tuple(addresses), tuple(faults))


def _repeated(rows: Sequence[_Row]) -> Iterator[str]:
    seen: dict[Address | str, int] = {}
    for row in rows:
        for address in row.addresses:
            if (first := seen.setdefault(comparable(address), row.line)) != row.line:
                yield f"line {row.line}: {address.channel} address is on line {first} too: give each address once"
        user_id = _cell(row.cells, _USER_ID)
        if user_id and (first := seen.setdefault(user_id, row.line)) != row.line:
            yield f"line {row.line}: user_id is on line {first} too: give each person one line, with all addresses"


def _row_faults(row: _Row, channels: Collection[str]) -> Iterator[str]:
    line, cells = row.line, row.cells
    if None in cells:
        yield f"line {line}: more cells than columns: quote cells that hold a comma"
        return
    yield from row.faults
    if not (row.addresses or row.faults):
        yield f"line {line}: no address: fill one of {', '.join(sorted(channels))}"
    user_id = _cell(row.cells, _USER_ID)
    if user_id and spelled(Identifier(IdentifierKind.USER_ID, user_id)) is None:
        yield f"line {line}: user_id is longer than any id: see that the column is the right one"
    for column, allowed in _ALLOWED.items():
        if (value := _cell(cells, column)) and value not in allowed:
            yield f"line {line}: {column} is {value!r}: use {' or '.join(sorted(allowed))}"
    if (language := _cell(cells, "language")) and not _LANGUAGE.fullmatch(language):
        yield f"line {line}: language is {language!r}: use its code of two letters (ISO 639-1), such as en or es"
    if (channel := _cell(cells, "prefers")) and channel not in channels:
        yield f"line {line}: prefers is {channel!r}: use one of {', '.join(sorted(channels))}"


def _customer(row: _Row) -> NewCustomer:
    facts = {key: value for column, key in _PREFERENCES.items() if (value := _cell(row.cells, column))}
    if name := _cell(row.cells, "name"):
        facts["name"] = name
    addresses: dict[Address, Address] = {}
    for address in row.addresses:
        addresses.setdefault(comparable(address), address)  # of two spellings the first
    return NewCustomer(
        row=row.line, addresses=tuple(addresses.values()), facts=facts, user_id=_cell(row.cells, _USER_ID)
    )


def _cell(cells: Mapping[str, str], column: str) -> str:
    return (cells.get(column) or "").strip()
