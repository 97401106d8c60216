"""Writing history: customers first, so that what follows finds them; then the rest in the order of the files.

Each batch is committed as a whole, and each row by its id once: what was broken off is simply run again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from omnibot.events import Events, Told
from omnibot.history.entries import Entry, EntryError, EntryReader, Message, Person, Stated
from omnibot.history.files import Encodings, Spoiled, rows
from omnibot.history.survey import Examples
from omnibot.identifiers import comparable
from omnibot.model import Address, AddressId, Direction
from omnibot.store import Store
from omnibot.store.imports import NewCustomer
from omnibot.store.past import PastCase, PastFact, PastMessage, Said

__all__ = ["Brought", "Read", "bring"]

_BATCH = 500  # rows that are committed together
_REMEMBERED = 50_000  # addresses whose numbers are at hand

Wanted = Callable[[Entry], bool]
Read = Callable[[Sequence[Message]], Awaitable[Sequence[Said]]]  # what understanding finds in these


@dataclass(slots=True)
class Brought:
    """What was new, and what was known already, by kind; `conflicts` are customers who belong to several people."""

    new: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    read: int = 0  # messages in which something was read
    conflicts: Examples = field(default_factory=Examples)

    def count(self, kind: str, new: int, of: int) -> None:
        """So many of these were new."""
        self.new[kind] += new
        self.known[kind] += of - new


@dataclass(slots=True, kw_only=True)
class _Bringing:
    store: Store
    events: Events
    accounts: dict[str, str]
    read: Read | None
    brought: Brought = field(default_factory=Brought)
    ids: dict[Address, AddressId] = field(default_factory=dict)

    async def take(self, file: Path, batch: Sequence[tuple[int, Entry]]) -> None:
        """One batch, in which everything finds its customers."""
        entries = [entry for _, entry in batch]
        if people := [(line, entry) for line, entry in batch if isinstance(entry, Person)]:
            await self._people(file, people)
        await self._meet(entries)
        if messages := [entry for entry in entries if isinstance(entry, PastMessage)]:
            await self._messages(messages)
        if cases := [entry.at_numbers(self._id) for entry in entries if isinstance(entry, PastCase)]:
            self.brought.count("case", await self.store.past.open(cases), len(cases))
        if facts := [entry for entry in entries if isinstance(entry, Stated)]:
            told = [PastFact(address=self._id(f.address), key=f.name, value=f.value, at=f.at) for f in facts]
            self.brought.count("fact", await self.store.past.hold(told), len(told))
        if events := [entry for entry in entries if isinstance(entry, Told)]:
            self.brought.count("event", sum(await self.events.tell_all(events)), len(events))

    # --- who ---

    async def _people(self, file: Path, people: Sequence[tuple[int, Person]]) -> None:
        """Their facts hold from when the file says, or from now where nothing better is known."""
        for some in _apart(people):
            await self._people_apart(file, some)

    async def _people_apart(self, file: Path, people: Sequence[tuple[int, Person]]) -> None:
        customers = [
            replace(person.customer, row=number, facts={} if person.at else person.customer.facts)
            for number, (_, person) in enumerate(people)
        ]
        done = await self.store.records.import_customers(customers, self.accounts)
        self.brought.new["customer"] += done.created
        self.brought.known["customer"] += done.updated
        conflicts = set(done.conflicts)
        for number in done.conflicts:
            self.brought.conflicts.add(f"{file.name}:{people[number][0]}", "its addresses belong to several people")
        await self._hold([p for n, (_, p) in enumerate(people) if p.at and n not in conflicts])

    async def _hold(self, people: Sequence[Person]) -> None:
        ids = await self.store.past.ids(person.customer.addresses[0] for person in people)
        facts = [
            PastFact(address=ids[comparable(person.customer.addresses[0])], key=key, value=value, at=person.at)
            for person in people
            if person.at
            for key, value in person.customer.facts.items()
        ]
        if facts:
            await self.store.past.hold(facts)

    async def _meet(self, entries: Sequence[Entry]) -> None:
        """Whose address nobody has becomes a customer, on the company's word."""
        wanted = {comparable(a): a for entry in entries for a in _addresses(entry) if comparable(a) not in self.ids}
        if not wanted:
            return
        if len(self.ids) + len(wanted) > _REMEMBERED:
            self.ids.clear()
            wanted = {comparable(a): a for entry in entries for a in _addresses(entry)}
        people = [NewCustomer(row=n, addresses=(address,), facts={}) for n, address in enumerate(wanted.values())]
        done = await self.store.records.import_customers(people, self.accounts)
        self.brought.new["customer"] += done.created
        self.ids |= await self.store.past.ids(wanted.values())

    def _id(self, address: Address) -> AddressId:
        return self.ids[comparable(address)]

    # --- what ---

    async def _messages(self, messages: Sequence[Message]) -> None:
        said = await self._understood(messages)
        self.brought.read += len(said)
        past = [one.at_number(self._id, said.get(one.key)) for one in messages]
        self.brought.count("message", await self.store.past.say(past), len(past))

    async def _understood(self, messages: Sequence[Message]) -> dict[str, Said]:
        theirs = {one.key: one for one in messages if one.direction is Direction.IN}
        if self.read is None or not theirs:
            return {}
        unread = await self.store.past.unread(list(theirs))
        wanted = [one for key, one in theirs.items() if key in unread]
        if not wanted:
            return {}
        return dict(zip((one.key for one in wanted), await self.read(wanted), strict=True))


async def bring(
    files: Sequence[Path],
    reader: EntryReader,
    store: Store,
    events: Events,
    accounts: dict[str, str],
    *,
    read: Read | None = None,
    people: bool = True,
    seen: Callable[[int], None] = lambda _: None,
) -> Brought:
    """Write what files tell; what cannot be read is left out, as a survey tells. Raises FileError, StoreUnavailable.

    `people`: whether the files have rows of customers, which are brought first. `read` is what messages of theirs are
    read by. `seen` is told the number of each row.
    """
    bringing = _Bringing(store=store, events=events, accounts=accounts, read=read)
    stages: list[Wanted] = [lambda entry: isinstance(entry, Person)] if people else []
    for wanted in (*stages, lambda entry: not isinstance(entry, Person)):
        for file in files:
            for batch in _batches(file, reader, wanted, seen):
                await bringing.take(file, batch)
    return bringing.brought


def _batches(
    file: Path, reader: EntryReader, wanted: Wanted, seen: Callable[[int], None]
) -> Iterator[list[tuple[int, Entry]]]:
    batch: list[tuple[int, Entry]] = []
    for number, row in enumerate(rows(file, Encodings()), 1):
        seen(number)
        if isinstance(row, Spoiled):
            continue
        try:
            entry = reader.read(row.line, row.fields)
        except EntryError:
            continue
        if wanted(entry):
            batch.append((row.line, entry))
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _apart(people: Sequence[tuple[int, Person]]) -> Iterator[list[tuple[int, Person]]]:
    """So that whoever is told of again meets what was told of them before."""
    some: list[tuple[int, Person]] = []
    named: set[Address | str] = set()
    for line, person in people:
        names: set[Address | str] = {*map(comparable, person.customer.addresses)}
        if person.customer.user_id:
            names.add(person.customer.user_id)
        if names & named:
            yield some
            some, named = [], set()
        some.append((line, person))
        named |= names
    yield some


def _addresses(entry: Entry) -> Iterator[Address]:
    """Those that must belong to somebody before it is written; events see to that themselves."""
    match entry:
        case PastMessage() | Stated():
            yield entry.address
        case PastCase():
            yield from entry.addresses
