"""Known customers from a CSV file, as the company exports them."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from omnibot.model import Address, Length, Register
from omnibot.store.records import NewCustomer

_PREFERENCES = {
    "prefers": "preference.channel",
    "register": "preference.register",
    "length": "preference.length",
    "language": "preference.language",
}
_ALLOWED: dict[str, set[str]] = {"register": set(Register), "length": set(Length)}
_SEVERAL = ";"  # parts several addresses of one channel


class RosterError(Exception):
    """All faults of a file at once, each with its line and what to write instead."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(faults))


def read_roster(file: Path, channels: Collection[str]) -> list[NewCustomer]:
    """The customers of a file; raises RosterError.

    Columns: `name`, one a channel (`telegram`, `email`, …; several addresses parted by `;`), and any of `prefers`
    (a channel), `register` (casual, formal), `length` (short, detailed), `language` (ISO 639-1).
    Empty cells say nothing.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            faults = list(_header_faults(reader.fieldnames or (), channels))
            if faults:
                raise RosterError(faults)
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RosterError([f"{file}: {error}: give a CSV file in UTF-8 whose first line names the columns"]) from error
    people = []
    faults = list(_repeated(rows, channels))
    for line, row in rows:
        faults += _row_faults(line, row, channels)
        people.append(_customer(line, row, channels))
    if faults:
        raise RosterError(faults)
    return people


def _header_faults(columns: Sequence[str], channels: Collection[str]) -> Iterator[str]:
    allowed = {"name", *_PREFERENCES, *channels}
    for column in columns:
        if column not in allowed:
            yield f"line 1: unknown column {column!r}: use {', '.join(sorted(allowed))}"
    if not set(columns) & set(channels):
        yield f"line 1: no column with addresses: add one of {', '.join(sorted(channels))}"


def _repeated(rows: Sequence[tuple[int, dict[str, str]]], channels: Collection[str]) -> Iterator[str]:
    seen: dict[Address, int] = {}
    for line, row in rows:
        for address in _addresses(row, channels):
            if (first := seen.setdefault(address, line)) != line:
                yield f"line {line}: {address.channel} address is on line {first} too: give each address once"


def _row_faults(line: int, row: dict[str, str], channels: Collection[str]) -> Iterator[str]:
    if None in row:
        yield f"line {line}: more cells than columns: quote cells that hold a comma"
        return
    if not _addresses(row, channels):
        yield f"line {line}: no address: fill one of {', '.join(sorted(channels))}"
    for column, allowed in _ALLOWED.items():
        if (value := _cell(row, column)) and value not in allowed:
            yield f"line {line}: {column} is {value!r}: use {' or '.join(sorted(allowed))}"
    if (channel := _cell(row, "prefers")) and channel not in channels:
        yield f"line {line}: prefers is {channel!r}: use one of {', '.join(sorted(channels))}"


def _customer(line: int, row: dict[str, str], channels: Collection[str]) -> NewCustomer:
    facts = {key: value for column, key in _PREFERENCES.items() if (value := _cell(row, column))}
    if name := _cell(row, "name"):
        facts["name"] = name
    return NewCustomer(row=line, addresses=_addresses(row, channels), facts=facts)


def _addresses(row: dict[str, str], channels: Collection[str]) -> tuple[Address, ...]:
    return tuple(
        Address(channel, value.strip())
        for channel in channels
        for value in _cell(row, channel).split(_SEVERAL)
        if value.strip()
    )


def _cell(row: dict[str, str], column: str) -> str:
    return (row.get(column) or "").strip()
