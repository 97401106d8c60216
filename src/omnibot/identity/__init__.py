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
    EarlierTurn,
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
    earlier: Sequence[tuple[AddressId, EarlierTurn]] = (),
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
    trusted = frozenset([id_ for id_, address in known.items() if _reaches(address, highest)])
    if len(trusted) == len(known) and highest is Proof.PROVEN:  # as it is for most
        theirs, told, heard = tuple(known.values()), {fact.key: fact.value for fact in facts}, tuple(timeline)
        felt, open_ = tuple(turn for _, turn in earlier), frozenset(known)
    else:
        theirs = _addresses(writer, known.values(), trusted)
        told = {fact.key: fact.value for fact in facts if _may_know(writer, fact, known, disclosure)}
        open_ = _open(writer, known.values(), disclosure)
        heard_at = {known[id_].address for id_ in open_}
        heard = tuple(message for message in timeline if message.address in heard_at)
        felt = tuple(turn for address, turn in earlier if address in open_)
    return Snapshot(
        customer=customer,
        addresses=theirs,
        name=told.get("name", "").strip(),
        preferences=_preferences(told),
        facts=told,
        timeline=heard,
        trusted=trusted,
        earlier=felt,
        open=open_,
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
    return tuple(address for address in known if address.proof is not Proof.CLAIMED)


def _highest(disclosure: Disclosure) -> Proof:
    levels = (disclosure.name, disclosure.history, disclosure.account)
    return Proof.PROVEN if Proof.PROVEN in levels else Proof.SEEN


def _reaches(address: KnownAddress, level: Proof) -> bool:
    """Whether an address may be told what asks for that proof; nothing where several people read it."""
    if address.shared or address.proof is Proof.CLAIMED:
        return False
    return address.proof is Proof.PROVEN or level is not Proof.PROVEN


# --- facts ---


def _preferences(told: Mapping[str, str]) -> Preferences:
    return Preferences(
        channel=told.get("preference.channel") or None,
        register=_one_of(Register, told.get("preference.register", "")),
        length=_one_of(Length, told.get("preference.length", "")),
        language=told.get("preference.language") or None,
    )


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
    open_ = _reaches(writer, disclosure.history)
    return frozenset(a.id for a in known if a is writer or (open_ and _reaches(a, disclosure.history)))


def _one_of(kind: type[_Choice], value: str) -> _Choice | None:
    if not value:
        return None
    try:
        return kind(value)
    except ValueError:
        return None
