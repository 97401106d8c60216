"""Recognise: whoever brings what a known person has proven is that person, if nothing speaks against it.

Only the plain case is decided here, in the intake's own transaction: a new address, every identifier of which one known
person holds. Whatever has to be weighed (several people, something new beside what is known, a limit) becomes an act
that applies the rules a moment later, when all lanes concerned can be taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from omnibot.identifiers import implied, spelled
from omnibot.model import AddressId, CustomerId, Identifier, Proof
from omnibot.store.codec import Codec
from omnibot.store.identity.guards import Guards
from omnibot.store.message_path.known import Known, is_theirs
from omnibot.store.work import Arrived, ToldEvent

MOST_HOLDERS = 20  # of one identifier that are looked at: whoever has more of them is nobody in particular
_FRESH = timedelta(days=1)  # a proof is renewed at most so often


def vouched(codec: Codec, arrived: Arrived) -> dict[UUID, Identifier]:
    """What its provider answers for, by hash; a report says nothing of whoever it is about.

    The company answers for the address that it tells something about.
    """
    if isinstance(arrived.item, ToldEvent):
        itself = implied(arrived.item.sender.address)
        return {codec.identifier_hash(itself): itself} if itself else {}
    if not is_theirs(arrived.item):
        return {}
    known = (spelled(identifier) for identifier in arrived.item.sender.vouched)
    return {codec.identifier_hash(identifier): identifier for identifier in known if identifier is not None}


@dataclass(slots=True)
class Shown:
    """What a batch shows of who writes from one address."""

    latest: Arrived
    identifiers: dict[UUID, Identifier] = field(default_factory=dict)
    theirs: bool = False  # they wrote, and not only a machine of theirs
    by_token: bool = False  # the company's own system answers for them
    told: bool = False  # it tells what happened to them

    def proof(self) -> Proof | None:
        """What it proves of the address; None: nothing."""
        return Proof.PROVEN if self.identifiers or self.told else Proof.SEEN if self.theirs else None

    def is_news_of(self, known: Known, guards: Guards) -> bool:
        """Whether anything has to be written down of it, for an address that is known.

        Where a proof has run out, the network's word says no more whose number it is now.
        """
        if known.claimed and self.theirs:
            return True
        if self.told and not self.theirs:  # what was proven before is not proven again by it
            return known.proven_at is None
        if not self.by_token and guards.is_over(known.proven_at, self.latest.channel):
            return False
        return bool(self.identifiers) and (not self.identifiers.keys() <= known.identifiers or is_old(known))

    def is_new_to(self, known: Known) -> bool:
        """Whether that is more than the renewal of a proof."""
        proof = self.proof()
        more = (known.claimed and proof is not None) or (proof is Proof.PROVEN and known.proven_at is None)
        return more or not self.identifiers.keys() <= known.identifiers


def is_old(known: Known) -> bool:
    """Whether its proof is to be renewed."""
    return known.proven_at is None or datetime.now(UTC) - known.proven_at > _FRESH


@dataclass(frozen=True, slots=True)
class Holder:
    """An address that holds proven identifiers, whose it is at home and now, and how many addresses they have."""

    address: AddressId
    home: CustomerId
    customer: CustomerId
    shared: bool
    addresses: int


@dataclass(frozen=True, slots=True)
class Recognised:
    """To whom a new address belongs by a rule: at home and now."""

    home: CustomerId
    customer: CustomerId
    rule: str


class Holders:
    """Who holds the identifiers of a batch, under their locks; those whom the batch itself brings are added."""

    def __init__(self, codec: Codec, guards: Guards) -> None:
        self._guards = guards
        self._rules = {kind: place for place, kind in enumerate(guards.rules)}
        self._blocked = frozenset(codec.identifier_hash(identifier) for identifier in guards.blocked)
        self._of: dict[UUID, list[Holder]] = {}

    def add(self, hashes: Iterable[UUID], holder: Holder) -> None:
        """This address holds these."""
        for hash_ in hashes:
            self._of.setdefault(hash_, []).append(holder)

    def join(self, hashes: Iterable[UUID], address: AddressId, home: CustomerId, customer: CustomerId) -> None:
        """A new address of this batch holds these, too."""
        self.add(hashes, Holder(address, home, customer, False, self._addresses(customer) + 1))

    def recognise(self, identifiers: Mapping[UUID, Identifier]) -> Recognised | None:
        """The one person who holds all of these; None where there is none, or where it must be weighed."""
        counting = self._counting(identifiers)
        if not counting or not all(counting.values()) or any(len(held) > MOST_HOLDERS for held in counting.values()):
            return None
        if len({holder.customer for held in counting.values() for holder in held}) > 1:
            return None
        first = min(counting, key=lambda hash_: self._rules[identifiers[hash_].kind])
        holder = min(counting[first], key=lambda holder: holder.address)
        if self._addresses(holder.customer) >= self._guards.most_addresses:
            return None
        return Recognised(holder.home, holder.customer, identifiers[first].kind.value)

    def is_held_elsewhere(self, identifiers: Mapping[UUID, Identifier], customer: CustomerId) -> bool:
        """Whether a rule could say that this customer and somebody else are one."""
        held = self._counting(identifiers).values()
        return any(holder.customer != customer for holders in held for holder in holders)

    def _counting(self, identifiers: Mapping[UUID, Identifier]) -> dict[UUID, Sequence[Holder]]:
        """Holders of those that the rules look at; a number that several people write from names none of them."""
        held = {
            hash_: self._of.get(hash_, [])
            for hash_, identifier in identifiers.items()
            if identifier.kind in self._rules and hash_ not in self._blocked
        }
        return {hash_: holders for hash_, holders in held.items() if not any(holder.shared for holder in holders)}

    def _addresses(self, customer: CustomerId) -> int:
        """As many as the database has, and those that came in this batch."""
        theirs = {h.address: h for held in self._of.values() for h in held if h.customer == customer}
        return max((holder.addresses for holder in theirs.values()), default=0)
