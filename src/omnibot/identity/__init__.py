"""Who is writing, and what may be told there: one snapshot of a customer for all later steps.

All that a reply is made of comes from this snapshot and from what was written in the turn itself. So what it leaves out
cannot be disclosed, by words or by what is done: nothing behind has to ask for a proof.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from omnibot.model import (
    AddressId,
    CustomerId,
    Disclosure,
    Fact,
    KnownAddress,
    Length,
    Preferences,
    Proof,
    Register,
    Snapshot,
    TimelineMessage,
)

__all__ = ["effective", "identify", "together"]

_Choice = TypeVar("_Choice", bound=StrEnum)
_LEVELS = {Proof.CLAIMED: 0, Proof.SEEN: 1, Proof.PROVEN: 2}
_FORM = frozenset({"language", "preference.register", "preference.length", "preference.language"})
_OF_THE_ADDRESS = frozenset({"message", "provider"})  # sources that speak for it; all others are the company's word


def identify(
    customer: CustomerId,
    addresses: Sequence[KnownAddress],
    facts: Sequence[Fact],
    timeline: Sequence[TimelineMessage],
    *,
    wrote: AddressId,
    at: datetime,
    disclosure: Disclosure,
) -> Snapshot:
    """See a customer as far as the address that wrote may be told at that time; of two facts the later one holds.

    An address that is only claimed is left out: whoever claims somebody else's must not get their replies. When it
    writes itself it is answered, out of what it has told. Facts with unknown keys or values are ignored, so that an
    older server can read what a newer one learned.
    """
    known = {address.id: _as_proven(address, at, disclosure) for address in addresses}
    writer = known.get(wrote)
    trusted = frozenset(id_ for id_, address in known.items() if _knows_all(address, disclosure))
    told = _told(writer, known, facts, disclosure) if writer else {}
    return Snapshot(
        customer=customer,
        addresses=_addresses(known.values(), writer, trusted),
        name=told.get("name", "").strip(),
        preferences=Preferences(
            channel=told.get("preference.channel") or None,
            register=_one_of(Register, told.get("preference.register", "")),
            length=_one_of(Length, told.get("preference.length", "")),
            language=told.get("preference.language") or None,
        ),
        facts=told,
        timeline=_heard(writer, known.values(), timeline, disclosure) if writer else (),
        trusted=trusted,
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
    known: Collection[KnownAddress], writer: KnownAddress | None, trusted: Collection[AddressId]
) -> tuple[KnownAddress, ...]:
    """That there are others is told to those alone who may know all."""
    if writer is None:
        return ()
    if writer.id not in trusted:
        return (writer,)
    return tuple(address for address in known if address.proof is not Proof.CLAIMED)


def _knows_all(address: KnownAddress, disclosure: Disclosure) -> bool:
    return all(_reaches(address, level) for level in (disclosure.name, disclosure.history, disclosure.account))


def _reaches(address: KnownAddress, level: Proof) -> bool:
    """Whether an address may be told what asks for that proof; nothing where several people read it."""
    return not address.shared and address.proof is not Proof.CLAIMED and _LEVELS[address.proof] >= _LEVELS[level]


# --- facts ---


def _told(
    writer: KnownAddress, known: Mapping[AddressId, KnownAddress], facts: Sequence[Fact], disclosure: Disclosure
) -> Mapping[str, str]:
    return {fact.key: fact.value for fact in facts if _may_know(writer, fact, known, disclosure)}


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


def _heard(
    writer: KnownAddress, known: Collection[KnownAddress], timeline: Sequence[TimelineMessage], disclosure: Disclosure
) -> tuple[TimelineMessage, ...]:
    """What was said at the address itself, and elsewhere where both ends are proven well enough."""
    if len(known) == 1:
        return tuple(timeline)
    heard = {writer.address}
    if _reaches(writer, disclosure.history):
        heard.update(other.address for other in known if _reaches(other, disclosure.history))
    return tuple(message for message in timeline if message.address in heard)


def _one_of(kind: type[_Choice], value: str) -> _Choice | None:
    if not value:
        return None
    try:
        return kind(value)
    except ValueError:
        return None
