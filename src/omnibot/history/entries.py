"""What a row of history tells: a message, a case, an event, a customer or a fact. docs/history.md has the columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import blake2b
from typing import TypeVar

import orjson

from omnibot.events import EventError, EventReader, Told
from omnibot.identifiers import comparable
from omnibot.intake.clean import clean_text
from omnibot.model import Address, Attempt, CaseState, Direction, Result
from omnibot.roster import RosterError, read_person
from omnibot.storable import storable
from omnibot.store.imports import NewCustomer
from omnibot.store.past import PastCase, PastMessage

__all__ = ["KINDS", "Entry", "EntryError", "EntryReader", "Fault", "Message", "Person", "Stated", "Told"]

KINDS = ("message", "case", "event", "customer", "fact")

Message = PastMessage[Address]

_T = TypeVar("_T")

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)  # by which a clock may be wrong
_LONGEST_ID = 256  # characters, and
_LONGEST_NAME = 200
_LONGEST_WORDS = 1000
_MOST = 100  # attempts, contacts or agents of one case
_MILLISECONDS = 1e11  # a number beyond is no second of any time that can be meant
_SLUG = re.compile(r"[^\w]+")
_SECONDS = re.compile(r"\d{9,13}(\.\d+)?")  # eight digits are a date
_FACT = re.compile(r"[a-z][a-z0-9_.]{0,63}")

_DIRECTIONS = {
    **dict.fromkeys(("in", "inbound", "incoming", "received", "customer", "user", "client"), Direction.IN),
    **dict.fromkeys(("out", "outbound", "outgoing", "sent", "agent", "us", "staff", "bot", "system"), Direction.OUT),
}
_STATES = {
    **dict.fromkeys(("open", "new", "active", "unresolved", "in progress"), CaseState.OPEN),
    **dict.fromkeys(("waiting", "pending", "on hold", "on-hold", "snoozed", "answered"), CaseState.WAITING),
    **dict.fromkeys(("handed_off", "handed off", "escalated"), CaseState.HANDED_OFF),
    **dict.fromkeys(("resolved", "solved", "closed", "done", "fixed"), CaseState.RESOLVED),
    **dict.fromkeys(("reopened",), CaseState.REOPENED),
}
_RESULTS = {
    **dict.fromkeys(("worked", "yes", "solved", "success"), Result.WORKED),
    **dict.fromkeys(("failed", "no", "did not work"), Result.FAILED),
    **dict.fromkeys(("unknown", ""), Result.UNKNOWN),
}
_FACTS = ("zone", "plan", "company", "product", "customer_since")  # columns of a customer that are facts as they are


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row: in a few words that many rows share, and with what to write instead."""

    why: str
    told: str


class EntryError(Exception):
    """All that is wrong with one row."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(fault.told for fault in faults))


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer; `at` is from when it holds what is known of them, none: from now on."""

    customer: NewCustomer
    at: datetime | None

    @property
    def key(self) -> str:
        """By what they are told from others in the file."""
        since = self.at.isoformat() if self.at else ""
        return "\0".join((str(comparable(self.customer.addresses[0])), since))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A fact of somebody."""

    address: Address
    name: str
    value: str
    at: datetime

    @property
    def key(self) -> str:
        """By what it is told from others in the file."""
        return "\0".join((str(comparable(self.address)), self.name, self.at.isoformat()))


Entry = Message | PastCase[Address] | Told | Person | Stated


class EntryReader:
    """Reads rows; `zone` is that of times that do not say theirs, without one those are left out."""

    def __init__(self, events: EventReader, zone: tzinfo | None = None) -> None:
        self._events = events
        self._zone = zone
        self._channels: dict[str, Callable[[str], Address]] = {
            channel: self._rule(channel) for channel in sorted(events.channels - {"user"})
        }
        self.naive = 0  # times that did not say their zone

    def _rule(self, channel: str) -> Callable[[str], Address]:
        return lambda text: self._events.address(f"{channel}:{text.strip()}")

    def read(self, line: int, fields: Mapping[str, object]) -> Entry:
        """What a row tells; raises EntryError."""
        kind = str(fields.get("kind") or _kind_of(fields)).strip().lower()
        if kind not in KINDS:
            shown = f"is {kind!r}" if kind else "is missing, and cannot be told by the other columns"
            raise EntryError([Fault("unknown kind", f"kind {shown}: use one of {', '.join(KINDS)}")])
        form = _Form(fields, self._zone)
        match kind:
            case "message":
                entry: Entry | None = self._message(form)
            case "case":
                entry = self._case(form)
            case "event":
                entry = self._event(form)
            case "customer":
                entry = self._person(line, form)
            case _:
                entry = self._fact(form)
        self.naive += form.naive
        if form.faults or entry is None:
            raise EntryError(form.faults)
        return entry

    # --- messages ---

    def _message(self, form: _Form) -> Message | None:
        address = self._address(form)
        at = form.moment("at", required=True)
        direction = form.one_of("direction", _DIRECTIONS, "in or out")
        by = form.words("agent", _LONGEST_NAME)
        if direction is None and by and not form.has("direction"):
            direction = Direction.OUT
        if direction is None and not form.has("direction"):
            form.fault("no direction", "direction is missing: write in for what they wrote, out for what you wrote")
        text = clean_text(form.text("text")).strip()
        subject = form.words("subject", _LONGEST_WORDS)
        if not (text or subject):
            form.fault("no text", "text is missing: a message that says nothing cannot be remembered")
        if form.faults or address is None or at is None or direction is None:
            return None
        text = text or subject
        key = form.id() or _made_of(comparable(address), at, direction, text)
        return PastMessage(
            key=key, address=address, at=at, direction=direction, text=text,
            by=by if direction is Direction.OUT else "", subject=subject, case=form.id("case"),
        )  # fmt: skip

    def _address(self, form: _Form, name: str = "address") -> Address | None:
        written = form.text(name).strip()
        if not written:
            form.fault("no address", f"{name} is missing: name whose it is, as email:sarah@example.org")
            return None
        return self._spelled(written, form)

    def _spelled(self, written: str, form: _Form) -> Address | None:
        """With the channel before it or, without one, on the channel that its own column names."""
        channel, colon, _ = written.partition(":")
        if form.has("channel") and not (colon and (channel in self._channels or channel == "user")):
            written = f"{form.text('channel').strip().lower()}:{written}"
        try:
            return self._events.address(written)
        except ValueError as error:
            form.fault("no address", f"address: {error}")
            return None

    # --- cases ---

    def _case(self, form: _Form) -> PastCase[Address] | None:
        key = form.id()
        if not key:
            form.fault("no id", "id is missing: a case is told from others by it")
        addresses = [a for written in form.listed("address") if (a := self._spelled(written, form))]
        if not form.has("address"):
            form.fault("no address", "address is missing: name whose it is, several parted by ;")
        opened, resolved, touched = (form.moment(name) for name in ("opened", "resolved", "touched"))
        state = form.one_of("state", _STATES, "open, waiting, handed_off, resolved or reopened")
        contacted = tuple(self._contacts(form))
        begun = opened or min((at for _, at in contacted), default=None)
        if begun is None and not form.has("opened"):
            form.fault("no time", "opened is missing: write when it began, as 2026-03-01T12:00:00Z")
        if resolved and begun and resolved < begun:
            form.fault("ends before it begins", "resolved is before opened: see whether the columns are exchanged")
        if form.faults or begun is None or not addresses:
            return None
        state = state or (CaseState.RESOLVED if resolved else CaseState.OPEN)
        last = touched or max((at for _, at in contacted), default=begun)
        attempts = tuple(self._attempts(form, last, resolved))
        return PastCase(
            key=key,
            addresses=tuple(dict.fromkeys((*addresses, *(address for address, _ in contacted)))),
            intent=_slug(form.text("intent")),
            topic=form.words("topic", _LONGEST_NAME),
            state=state,
            opened_at=begun,
            touched_at=max(begun, last),
            resolved_at=(resolved or last) if state is CaseState.RESOLVED else None,
            contacts=0 if contacted else form.count("contacts"),
            contacted_at=contacted,
            concern=form.words("concern", _LONGEST_WORDS),
            attempts=attempts,
            agents=tuple(form.listed("agents") or form.listed("agent"))[:_MOST],
        )

    def _contacts(self, form: _Form) -> Iterator[tuple[Address, datetime]]:
        """Where and when they came for it, each `{"address": …, "at": …}`."""
        for one in form.objects("contacts"):
            inner = _Form(one, self._zone)
            address, at = self._address(inner), inner.moment("at", required=True)
            form.take(inner, "contacts")
            if address and at:
                yield address, at

    def _attempts(self, form: _Form, last: datetime, resolved: datetime | None) -> Iterator[Attempt]:
        """Each with its result; then what the plain columns tell: what was tried in vain, and what worked."""
        agents = form.listed("agents") or form.listed("agent")
        by = agents[-1] if agents else "staff"
        for one in form.objects("attempts"):
            inner = _Form(one, self._zone)
            what, at = inner.words("what", _LONGEST_WORDS), inner.moment("at")
            result = inner.one_of("result", _RESULTS, "worked, failed or unknown") or Result.UNKNOWN
            if not what:
                inner.fault("no attempt", "what is missing: write what was tried")
            form.take(inner, "attempts")
            yield Attempt(
                what=what, by=inner.words("by", _LONGEST_NAME) or by, at=at or last, result=result, source="import"
            )
        for what in form.listed("tried"):
            yield Attempt(what=what[:_LONGEST_WORDS], by=by, at=last, result=Result.FAILED, source="import")
        if worked := form.words("worked", _LONGEST_WORDS):
            yield Attempt(what=worked, by=by, at=resolved or last, result=Result.WORKED, source="import")

    # --- events, customers, facts ---

    def _event(self, form: _Form) -> Told | None:
        address = self._address(form, "of" if form.has("of") else "address")
        at = form.moment("at", required=True)
        properties: object = form.fields.get("properties")
        if isinstance(properties, str):
            properties = _properties(properties)
        if form.faults:
            return None
        try:
            return self._events.read(
                {"id": form.fields.get("id"), "name": form.fields.get("name"), "of": str(address), "at": at,
                 "properties": properties}
            )  # fmt: skip
        except EventError as error:
            form.faults += (Fault(f"event: {fault.partition(' ')[0]}", fault) for fault in error.faults)
            return None

    def _person(self, line: int, form: _Form) -> Person | None:
        at = form.moment("at")
        cells = {key: form.text(key) for key in form.fields if key != "at"}
        if form.has("address"):  # one that names its channel stands in that channel's column
            for written in form.listed("address"):
                if address := self._spelled(written, form):
                    cells[address.channel] = ";".join(filter(None, (cells.get(address.channel), address.value)))
        try:
            customer = read_person(line, cells, self._channels)
        except RosterError as error:
            form.faults += (Fault("customer", fault.partition(": ")[2]) for fault in error.faults)
            return None
        more = {key: storable(form.words(key, _LONGEST_WORDS)) for key in _FACTS if form.has(key)}
        return Person(customer=replace(customer, facts=customer.facts | more), at=at)

    def _fact(self, form: _Form) -> Stated | None:
        address, at = self._address(form), form.moment("at", required=True)
        name, value = form.text("key").strip(), form.words("value", _LONGEST_WORDS)
        if not _FACT.fullmatch(name):
            form.fault("no key", f"key is {name[:64]!r}: use small letters, digits, _ and dots, such as plan")
        if form.faults or address is None or at is None:
            return None
        return Stated(address=address, name=name, value=value, at=at)


def _kind_of(fields: Mapping[str, object]) -> str:
    """What a row is by its columns, where no column says so."""
    if "text" in fields or "direction" in fields:
        return "message"
    if "opened" in fields or "state" in fields:
        return "case"
    if "properties" in fields or "of" in fields:
        return "event"
    if "key" in fields and "value" in fields:
        return "fact"
    if "name" in fields or "user_id" in fields:
        return "customer"
    return "message" if "at" in fields else ""


def _slug(text: str) -> str:
    """An intent as playbooks name theirs: `Bill changed` is `bill-changed`."""
    return _SLUG.sub("-", text.strip().lower()).strip("-")[:128]


def _made_of(address: Address, at: datetime, direction: Direction, text: str) -> str:
    """The id of a message that has none: the same for the same message."""
    told = "\0".join((str(address), at.isoformat(), direction.value, text))
    return "~" + blake2b(told.encode(), digest_size=16).hexdigest()


def _properties(written: str) -> object:
    """`{"plan": "Pro"}`, or as the command line has it: `plan=Pro; seats=5`."""
    if written.lstrip().startswith("{"):
        try:
            return orjson.loads(written)
        except orjson.JSONDecodeError:
            return written  # which is told
    pairs = (one.partition("=") for one in written.split(";") if one.strip())
    return {key.strip(): value.strip() for key, _, value in pairs}


class _Form:
    """The fields of one row, and what is wrong with them."""

    def __init__(self, fields: Mapping[str, object], zone: tzinfo | None) -> None:
        self.fields = fields
        self.faults: list[Fault] = []
        self.naive = 0
        self._zone = zone

    def fault(self, why: str, told: str) -> None:
        self.faults.append(Fault(why, told))

    def take(self, inner: _Form, name: str) -> None:
        """What is wrong with something that stands in one of the fields."""
        self.faults += (Fault(fault.why, f"{name}: {fault.told}") for fault in inner.faults)
        self.naive += inner.naive

    def has(self, name: str) -> bool:
        return self.fields.get(name) not in (None, "")

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        return "" if value is None or isinstance(value, list | dict) else str(value)

    def words(self, name: str, longest: int) -> str:
        return storable(" ".join(self.text(name).split()))[:longest]

    def id(self, name: str = "id") -> str:
        written = storable(self.text(name).strip())
        if len(written) > _LONGEST_ID:
            self.fault("id too long", f"{name} has {len(written)} characters: give one of at most {_LONGEST_ID}")
        return written

    def one_of(self, name: str, known: Mapping[str, _T], allowed: str) -> _T | None:
        written = self.text(name).strip().lower()
        if not written:
            return None
        if written not in known:
            self.fault(f"unknown {name}", f"{name} is {written[:40]!r}: use {allowed}")
        return known.get(written)

    def count(self, name: str) -> int:
        written = self.text(name).strip()
        return int(written) if written.isdecimal() and len(written) < 6 else 0

    def listed(self, name: str) -> list[str]:
        """Several, as a list or parted by ;"""
        value = self.fields.get(name)
        parts = [str(one) for one in value] if isinstance(value, list) else self.text(name).split(";")
        return [words for part in parts[:_MOST] if (words := " ".join(storable(part).split()))]

    def objects(self, name: str) -> list[Mapping[str, object]]:
        """Several, as a list of objects, or as its JSON in a cell."""
        value = self.fields.get(name)
        if isinstance(value, str) and value.lstrip().startswith("["):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError as error:
                self.fault(f"unreadable {name}", f"{name} is no JSON ({error}): write a list of objects")
        if not isinstance(value, list):
            return []
        if not all(isinstance(one, dict) for one in value):
            self.fault(f"unreadable {name}", f"{name} holds what is no object: write a list of objects")
        return [one for one in value[:_MOST] if isinstance(one, dict)]

    def moment(self, name: str, *, required: bool = False) -> datetime | None:
        written = self.fields.get(name)
        if written in (None, ""):
            if required:
                self.fault("no time", f"{name} is missing: write when it was, as 2026-03-01T12:00:00Z")
            return None
        at = _moment(written)
        if at is None:
            self.fault("unreadable time", f"{name} is {str(written)[:40]!r}: write it as 2026-03-01T12:00:00Z")
            return None
        if at.tzinfo is None:
            self.naive += 1
            if self._zone is None:
                self.fault("naive time", f"{name} is {at.isoformat()}, which may be any zone's: name it with --zone")
                return None
            at = at.replace(tzinfo=self._zone)
        at = _in_utc(at)
        if at is None or not _EARLIEST <= at <= datetime.now(UTC) + _AHEAD:
            self.fault("impossible time", f"{name} is {str(written)[:40]!r}: history is past, and not before 1970")
            return None
        return at


def _moment(written: object) -> datetime | None:
    """ISO 8601, or seconds or milliseconds since 1970."""
    try:
        if isinstance(written, bool):
            return None
        if isinstance(written, int | float) or (isinstance(written, str) and _SECONDS.fullmatch(written.strip())):
            number = float(written)
            return datetime.fromtimestamp(number / 1000 if number > _MILLISECONDS else number, UTC)
        return datetime.fromisoformat(str(written).strip())
    except (ValueError, OverflowError, OSError):
        return None


def _in_utc(at: datetime) -> datetime | None:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return None
