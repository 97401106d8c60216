"""The data-quality report: what files of history hold and lack, told before any of it is written.

What has to be remembered of each row and each customer lies in a file of SQLite's that is gone with the survey, as
keyed hashes: memory stays as small for a gigabyte as for a page.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag
from hashlib import blake2b
from pathlib import Path
from secrets import token_bytes

from omnibot.history.entries import Entry, EntryError, EntryReader, Fault, Person, Stated, Told
from omnibot.history.files import Encodings, Spoiled, rows
from omnibot.identifiers import comparable
from omnibot.model import Address, Direction, Level
from omnibot.store.past import PastCase, PastMessage

__all__ = ["Examples", "Survey", "survey"]

_EXAMPLES = 3  # of each fault
_SURE_MOOD = 3  # messages from which on a mood can be told
_BATCH = 5000  # rows
_ASKED = 1000  # addresses that are looked for at once
_NAMES = frozenset({"name"})

_KIND_OF: dict[type, str] = {
    PastMessage: "message",
    PastCase: "case",
    Told: "event",
    Person: "customer",
    Stated: "fact",
}

Known = Callable[[Sequence[Address]], Awaitable[Collection[Address]]]  # which of these the database knows already


class _Has(IntFlag):
    """What a file tells of an address, by the level of personalisation that it allows."""

    NAME = 1
    HISTORY = 2
    PREFERENCES = 4
    EVENTS = 8
    TOLD = 16  # by a row of its own: it is no address that only messages name


_LEVELS = {
    Level.NAME: _Has.NAME,
    Level.HISTORY: _Has.HISTORY,
    Level.PREFERENCES: _Has.PREFERENCES,
    Level.ANTICIPATION: _Has.EVENTS,
}


@dataclass(slots=True)
class Examples:
    """How often something is wrong, and where it is, the first few of them."""

    count: int = 0
    where: list[str] = field(default_factory=list)
    told: str = ""

    def add(self, where: str, told: str) -> None:
        """One more."""
        self.count += 1
        if len(self.where) < _EXAMPLES:
            self.where.append(where)
        self.told = self.told or told


@dataclass(slots=True)
class Survey:
    """What files of history hold. `levels` tell of how many customers each level has what it needs, and all below."""

    read: int = 0
    taken: Counter[str] = field(default_factory=Counter)  # by kind
    left_out: dict[str, Examples] = field(default_factory=dict)  # by why
    duplicates: Examples = field(default_factory=Examples)  # the same once more
    contradictions: Examples = field(default_factory=Examples)  # one id for two things: the first is taken
    naive: int = 0  # times that did not say their zone
    encodings: Counter[str] = field(default_factory=Counter)  # lines
    first_at: datetime | None = None
    last_at: datetime | None = None
    months: Counter[str] = field(default_factory=Counter)  # messages of each
    directions: Counter[str] = field(default_factory=Counter)
    open_cases: int = 0  # that never came to an end
    untold_cases: int = 0  # that messages name and no row tells of
    customers: int = 0
    unknown_addresses: int = 0  # that neither a row nor the database knows: each becomes a customer
    has: dict[Level, int] = field(default_factory=dict)  # customers who have what this level adds
    levels: dict[Level, int] = field(default_factory=dict)

    @property
    def gaps(self) -> list[str]:
        """Months without a message between the first and the last."""
        if not self.months:
            return []
        return [month for month in _months(min(self.months), max(self.months)) if month not in self.months]

    @property
    def total(self) -> int:
        """Rows that are taken."""
        return sum(self.taken.values())


async def survey(
    files: Sequence[Path], reader: EntryReader, known: Known, seen: Callable[[int], None] = lambda _: None
) -> Survey:
    """Read all files and tell what they hold; `seen` is told the number of each row. Raises FileError."""
    found = Survey()
    encodings = Encodings()
    with closing(_Notes()) as notes:
        for file in files:
            for line, entry in _entries(file, reader, found, encodings):
                where = f"{file.name}:{line}"
                seen(found.read)
                if isinstance(entry, EntryError):
                    for fault in entry.faults:
                        found.left_out.setdefault(fault.why, Examples()).add(where, fault.told)
                else:
                    _take(found, notes, where, entry)
        notes.write()
        found.naive, found.encodings = reader.naive, encodings.lines
        found.untold_cases = notes.untold_cases()
        found.customers = notes.customers()
        _tell_levels(found, notes)
        for addresses in notes.untold_addresses():
            found.unknown_addresses += len(set(addresses) - set(await known(addresses)))
    return found


def _entries(
    file: Path, reader: EntryReader, found: Survey, encodings: Encodings
) -> Iterator[tuple[int, Entry | EntryError]]:
    for row in rows(file, encodings):
        found.read += 1
        if isinstance(row, Spoiled):
            yield row.line, EntryError([Fault(row.why, row.told)])
            continue
        try:
            yield row.line, reader.read(row.line, row.fields)
        except EntryError as error:
            yield row.line, error


def _take(found: Survey, notes: _Notes, where: str, entry: Entry) -> None:
    kind = _KIND_OF[type(entry)]
    before = notes.seen(kind, _key(entry), repr(entry))
    if before:
        found.duplicates.add(where, f"the {kind} is told before")
        return
    if before is False and isinstance(entry, PastMessage | Told):  # of all others more may be told later
        found.contradictions.add(where, f"the {kind} is told before, otherwise")
        return
    found.taken[kind] += 1
    match entry:
        case PastMessage():
            found.months[f"{entry.at:%Y-%m}"] += 1
            found.directions[entry.direction.value] += 1
            _span(found, entry.at)
            notes.has(entry.address, _Has.HISTORY, heard=entry.direction is Direction.IN)
            if entry.case:
                notes.case(entry.case, told=False)
        case PastCase():
            _span(found, entry.opened_at)
            found.open_cases += entry.state.is_open
            notes.case(entry.key, told=True)
            for address in entry.addresses:
                notes.has(address, _Has.HISTORY)
        case Told():
            _span(found, entry.event.at)
            named = _Has.NAME if entry.event.properties.get("name") else _Has(0)
            notes.has(entry.of, _Has.EVENTS | named)
        case Person():
            notes.person(entry.customer.addresses)
            for address in entry.customer.addresses:
                notes.has(address, _Has.TOLD | _of_facts(entry.customer.facts))
        case Stated():
            notes.has(entry.address, _of_facts([entry.name]))


def _key(entry: Entry) -> str:
    return entry.event.id if isinstance(entry, Told) else entry.key


def _of_facts(names: Collection[str]) -> _Has:
    told = _Has(0)
    for name in names:
        if name in _NAMES:
            told |= _Has.NAME
        elif name.startswith("preference."):
            told |= _Has.PREFERENCES
    return told


def _span(found: Survey, at: datetime) -> None:
    found.first_at = min(at, found.first_at or at)
    found.last_at = max(at, found.last_at or at)


def _tell_levels(found: Survey, notes: _Notes) -> None:
    below = _Has(0)
    for level, bit in _LEVELS.items():
        found.has[level] = notes.holders(bit)
        below |= bit
        found.levels[level] = notes.holders(below)
    found.has[Level.EMOTION] = notes.holders(_Has(0), heard=_SURE_MOOD)
    found.levels[Level.EMOTION] = notes.holders(below, heard=_SURE_MOOD)


def _months(first: str, last: str) -> Iterator[str]:
    year, month = map(int, first.split("-"))
    while (told := f"{year}-{month:02}") <= last:
        yield told
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


class _Notes:
    """What has to be remembered of all rows, on disk. Hashes are keyed by a key that nobody keeps."""

    def __init__(self) -> None:
        self._key = token_bytes(16)
        self._database = sqlite3.connect("", isolation_level=None)  # a file without a name: gone when it is closed
        self._database.executescript(
            """
            PRAGMA cache_size = -32768;
            PRAGMA journal_mode = OFF;
            CREATE TABLE seen (key INTEGER PRIMARY KEY, said INTEGER) WITHOUT ROWID;
            CREATE TABLE address (key INTEGER PRIMARY KEY, written TEXT, has INTEGER, heard INTEGER) WITHOUT ROWID;
            CREATE TABLE person (address INTEGER PRIMARY KEY, person INTEGER) WITHOUT ROWID;
            CREATE TABLE matter (key INTEGER PRIMARY KEY, told INTEGER) WITHOUT ROWID;
            BEGIN;
            """
        )
        self._addresses: dict[Address, list[int]] = {}

    def close(self) -> None:
        self._database.close()

    def _hash(self, *parts: str) -> int:
        told = "\0".join(parts).encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(told, digest_size=8, key=self._key).digest(), "little", signed=True)

    def seen(self, kind: str, key: str, told: str) -> bool | None:
        """None where it is new; else whether the same was told of it before."""
        key_hash, said = self._hash(kind, key), self._hash(told)
        added = self._database.execute("INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING", (key_hash, said))
        if added.rowcount:
            return None
        [before] = self._database.execute("SELECT said FROM seen WHERE key = ?", (key_hash,)).fetchone()
        return bool(before == said)

    def has(self, address: Address, has: _Has, *, heard: bool = False) -> None:
        """What is told of an address."""
        told = self._addresses.setdefault(comparable(address), [0, 0])
        told[0] |= has
        told[1] += heard
        if len(self._addresses) >= _BATCH:
            self.write()

    def write(self) -> None:
        """Put down what was collected."""
        self._database.executemany(
            "INSERT INTO address VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET has = has | excluded.has,"
            " heard = heard + excluded.heard",
            [(self._hash(str(a)), str(a), has, heard) for a, (has, heard) in self._addresses.items()],
        )
        self._addresses.clear()

    def person(self, addresses: Sequence[Address]) -> None:
        """These belong to one person, with whom they were told before."""
        hashes = [self._hash(str(comparable(address))) for address in addresses]
        marks = ",".join("?" * len(hashes))
        known = self._database.execute(f"SELECT person FROM person WHERE address IN ({marks})", hashes).fetchone()
        person = known[0] if known else hashes[0]
        self._database.executemany(
            "INSERT INTO person VALUES (?, ?) ON CONFLICT DO NOTHING", [(hash_, person) for hash_ in hashes]
        )

    def case(self, key: str, *, told: bool) -> None:
        """A row tells of a case, or a message names it."""
        self._database.execute(
            "INSERT INTO matter VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET told = told | excluded.told",
            (self._hash(key), told),
        )

    # --- what it comes to ---

    def untold_cases(self) -> int:
        return self._count("SELECT count(*) FROM matter WHERE NOT told")

    def customers(self) -> int:
        return self._count(f"SELECT count(*) FROM ({_PEOPLE})")

    def holders(self, has: _Has, *, heard: int = 0) -> int:
        """Customers of whom all of this is told, and who wrote so often at least."""
        found = self._database.execute(f"SELECT name, history, preferences, events, heard FROM ({_PEOPLE})")
        wanted = [bool(has & bit) for bit in _LEVELS.values()]
        return sum(
            row[-1] >= heard and all(there or not want for there, want in zip(row, wanted, strict=False))
            for row in found
        )

    def untold_addresses(self) -> Iterator[list[Address]]:
        """Addresses of whom no row of their own tells, some at a time."""
        rows_ = self._database.execute(f"SELECT written FROM address WHERE NOT has & {int(_Has.TOLD)}")
        while some := rows_.fetchmany(_ASKED):
            yield [Address.parse(written) for (written,) in some]

    def _count(self, statement: str) -> int:
        [count] = self._database.execute(statement).fetchone()
        return int(count)


_PEOPLE = """
SELECT coalesce(p.person, a.key) AS who, max(has & 1) AS name, max(has & 2) AS history, max(has & 4) AS preferences,
    max(has & 8) AS events, sum(heard) AS heard
FROM address a LEFT JOIN person p ON p.address = a.key GROUP BY who
"""
