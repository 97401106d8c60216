"""Who is writing, and what may be told there: one snapshot of a customer for all later steps.

All that a reply is made of comes from this snapshot and from what was written in the turn itself. So what it leaves out
cannot be disclosed, by words or by what is done: nothing behind has to ask for a proof.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from omnibot.identity.cases import bare, cases_of
from omnibot.model import (
    NONE_KNOWN,
    PREFERENCE,
    USER,
    AddressId,
    Case,
    CaseSide,
    CustomerId,
    Disclosure,
    EarlierTurn,
    Event,
    Fact,
    KnownAddress,
    Preferences,
    Proof,
    Snapshot,
    TimelineMessage,
    Usage,
)
from omnibot.model.values import frozen

__all__ = ["Remembered", "effective", "identify", "together"]

_FORM_ALONE = ("register", "manner", "length", "detail", "complexity", "emoji", "language", "level")
_FORM = frozenset({"language", "register", *(PREFERENCE + name for name in _FORM_ALONE)})
_OF_THE_ADDRESS = frozenset({"message", "provider"})  # sources that speak for it; all others are the company's word


@frozen(kw_only=True)
class Remembered:
    """What memory keeps of a customer besides facts and messages, all of it with the address that it belongs to."""

    events: Sequence[Event] = ()
    usage: Sequence[tuple[AddressId, Usage]] = ()
    cases: Sequence[CaseSide] = ()
    habits: Sequence[tuple[AddressId, Mapping[str, float]]] = ()


_NOTHING = Remembered()
_NONE_STATED = frozenset[str]()


def identify(
    customer: CustomerId,
    addresses: Sequence[KnownAddress],
    facts: Sequence[Fact],
    timeline: Sequence[TimelineMessage],
    *,
    wrote: AddressId,
    at: datetime,
    disclosure: Disclosure,
    earlier: Sequence[tuple[AddressId, EarlierTurn]] = (),
    remembered: Remembered = _NOTHING,
) -> Snapshot:
    """See a customer as far as the address that wrote may be told at that time; of two facts the later one holds.

    An address that is only claimed is left out: whoever claims somebody else's must not get their replies. When it
    writes itself it is answered, out of what it has told. Facts with unknown keys or values are ignored, so that an
    older server can read what a newer one learned.
    """
    known = {address.id: _as_proven(address, at, disclosure) for address in addresses}
    writer = known.get(wrote)
    if writer is None:
        return Snapshot(customer=customer, addresses=())
    highest = _highest(disclosure)
    knows_account = _reaches(writer, disclosure.account)
    trusted = frozenset([id_ for id_, address in known.items() if _reaches(address, highest)])
    if len(trusted) == len(known) and highest is Proof.PROVEN:  # who has proven all that they have may be told all
        theirs = tuple([address for address in known.values() if address.address.channel != USER])
        told = {fact.key: fact.value for fact in facts}
        open_ = trusted
    else:
        theirs = _addresses(writer, known.values(), trusted)
        told = {fact.key: fact.value for fact in facts if _may_know(writer, fact, known, disclosure)}
        open_ = _open(writer, known.values(), disclosure)
    heard, felt = _heard(timeline, earlier, known, open_)
    preferences, stated = _preferences(told)
    return Snapshot(
        customer=customer,
        addresses=theirs,
        name=told.get("name", "").strip(),
        preferences=preferences,
        facts=told,
        timeline=heard,
        trusted=trusted,
        earlier=felt,
        since=_since(told, [known[id_] for id_ in open_]),
        events=tuple(remembered.events) if knows_account else (),
        usage=_together(remembered.usage) if knows_account else (),
        cases=_cases(writer, remembered.cases, known, open_),
        habits=_habits(writer, remembered.habits, known, disclosure),
        open=open_,
        stated=stated,
    )


def effective(address: KnownAddress, at: datetime, disclosure: Disclosure) -> Proof:
    """What is left of an address's proof at a time: numbers are given to others, so a proof ages."""
    if address.proof is not Proof.PROVEN:
        return address.proof
    days = disclosure.proof_days.get(address.address.channel, 0)
    if not days:
        return Proof.PROVEN
    fresh = address.proven_at is not None and at - address.proven_at < timedelta(days=days)
    return Proof.PROVEN if fresh else Proof.SEEN


def together(snapshot: Snapshot, wrote: AddressId) -> Collection[AddressId]:
    """The addresses whose messages may be answered as one with those of the address that wrote."""
    return snapshot.trusted if wrote in snapshot.trusted else (wrote,)


def _as_proven(address: KnownAddress, at: datetime, disclosure: Disclosure) -> KnownAddress:
    proof = effective(address, at, disclosure)
    return address if proof is address.proof else replace(address, proof=proof)


def _addresses(
    writer: KnownAddress, known: Collection[KnownAddress], trusted: Collection[AddressId]
) -> tuple[KnownAddress, ...]:
    """That there are others is told to those alone who may know all."""
    if writer.id not in trusted:
        return (writer,)
    return tuple(address for address in known if address.proof is not Proof.CLAIMED and address.address.channel != USER)


def _highest(disclosure: Disclosure) -> Proof:
    levels = (disclosure.name, disclosure.history, disclosure.account)
    return Proof.PROVEN if Proof.PROVEN in levels else Proof.SEEN


def _reaches(address: KnownAddress, level: Proof) -> bool:
    """Whether an address may be told what asks for that proof; nothing where several people read it."""
    if address.shared or address.proof is Proof.CLAIMED:
        return False
    return address.proof is Proof.PROVEN or level is not Proof.PROVEN


# --- facts ---


def _preferences(told: Mapping[str, str]) -> tuple[Preferences, frozenset[str]]:
    """What they like, and the names of what of it they stated; their zone else as their provider tells it."""
    texts = {key.removeprefix(PREFERENCE): value for key, value in told.items() if key.startswith(PREFERENCE)}
    stated = frozenset([name for name, value in texts.items() if value]) if texts else _NONE_STATED
    if not texts.get("zone") and (zone := told.get("zone")):
        texts["zone"] = zone
    return NONE_KNOWN.told(texts) if texts else NONE_KNOWN, stated


def _since(told: Mapping[str, str], heard: Collection[KnownAddress]) -> datetime | None:
    """When they became a customer, by the company's word; else when they were first heard of."""
    if said := told.get("customer_since"):
        try:
            at = datetime.fromisoformat(said)
            return at if at.utcoffset() is not None else at.replace(tzinfo=UTC)
        except ValueError:  # as an older or a newer server wrote it
            pass
    return min([address.since for address in heard if address.since], default=None)


def _may_know(
    writer: KnownAddress, fact: Fact, known: Mapping[AddressId, KnownAddress], disclosure: Disclosure
) -> bool:
    """What came from an address may go back there; what came from elsewhere asks for proof on both sides.

    What somebody says at one address changes how they are spoken to at others only where it is surely them.
    """
    if fact.address == writer.id and fact.source in _OF_THE_ADDRESS:
        return not writer.shared or fact.key == "language"
    level = _level(fact.key, disclosure)
    if not _reaches(writer, level):
        return False
    if fact.source not in _OF_THE_ADDRESS:
        return True
    return _reaches(known[fact.address], Proof.PROVEN if fact.source == "message" else level)


def _level(key: str, disclosure: Disclosure) -> Proof:
    return disclosure.name if key == "name" or key in _FORM else disclosure.account


# --- history ---


def _open(writer: KnownAddress, known: Collection[KnownAddress], disclosure: Disclosure) -> frozenset[AddressId]:
    """Where what was said may be known: at the address itself, and elsewhere where both ends are proven well enough."""
    if len(known) == 1:
        return frozenset([writer.id])
    open_ = _reaches(writer, disclosure.history)
    return frozenset(a.id for a in known if a is writer or (open_ and _reaches(a, disclosure.history)))


def _heard(
    timeline: Sequence[TimelineMessage],
    earlier: Sequence[tuple[AddressId, EarlierTurn]],
    known: Mapping[AddressId, KnownAddress],
    open_: Collection[AddressId],
) -> tuple[tuple[TimelineMessage, ...], tuple[EarlierTurn, ...]]:
    """What was said where it may be known, and how it was meant; all of it where they have no other address."""
    if len(open_) == len(known):
        return tuple(timeline), tuple([turn for _, turn in earlier])
    there = {known[id_].address for id_ in open_}
    heard = tuple([message for message in timeline if message.address in there])
    return heard, tuple([turn for address, turn in earlier if address in open_])


# --- what memory keeps ---


def _cases(
    writer: KnownAddress,
    sides: Sequence[CaseSide],
    known: Mapping[AddressId, KnownAddress],
    open_: Collection[AddressId],
) -> tuple[Case, ...]:
    """Of those that several people may have told, no more than what each is about and how far it has come."""
    if not sides:
        return ()
    cases = cases_of(sides, open_, {id_: address.address.channel for id_, address in known.items()})
    return tuple(map(bare, cases)) if writer.shared else cases


def _habits(
    writer: KnownAddress,
    habits: Sequence[tuple[AddressId, Mapping[str, float]]],
    known: Mapping[AddressId, KnownAddress],
    disclosure: Disclosure,
) -> Mapping[AddressId, Mapping[str, float]]:
    """How they write there, and at others where it is surely them; nothing where several people write."""
    if not habits or writer.shared:
        return {}
    elsewhere = _reaches(writer, disclosure.name)
    return {id_: seen for id_, seen in habits if id_ == writer.id or (elsewhere and _reaches(known[id_], Proof.PROVEN))}


def _together(usage: Sequence[tuple[AddressId, Usage]]) -> tuple[Usage, ...]:
    """One of each name, however many addresses it was told about."""
    found: dict[str, Usage] = {}
    for _, used in usage:
        before = found.get(used.name)
        found[used.name] = used if before is None else _both(before, used)
    return tuple(found.values())


def _both(one: Usage, other: Usage) -> Usage:
    return Usage(
        name=one.name,
        count=one.count + other.count,
        first_at=min(one.first_at, other.first_at),
        last_at=max(one.last_at, other.last_at),
    )
