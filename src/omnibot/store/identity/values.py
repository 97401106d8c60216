"""What goes in and out of the store of identity, and what it says when something cannot be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from omnibot.model import Address, AddressId, CustomerId, Identifier, Proof

# Who acts, where it is no member of staff.
RULE = "rule"
CUSTOMER = "customer"
IMPORT = "import"

NOT_STAFF = frozenset({RULE, CUSTOMER, IMPORT})

Who = Address | int  # an address of theirs, or the id of the customer, today's or one that was merged


class Act(StrEnum):
    """What a row of `identity_acts` asks for."""

    LINK = "link"  # `address_id` was proven to whom `other_id` belongs: both are one person
    UNLINK = "unlink"  # `address_id` is a person of its own again
    FORGET = "forget"  # as unlink, and nothing is sent there any more
    MATCH = "match"  # `address_id` brought an identifier: apply the rules
    REVIEW = "review"  # staff says at a desk that two are one: `evidence` is the review's number and their reason


class Verdict(StrEnum):
    """What became of the wish to make two one."""

    MERGED = "merged"
    LINKED = "linked"  # an address without history of its own was simply added
    ALREADY = "already one"
    PARKED = "parked"  # a person decides: see the reviews
    REFUSED = "refused"
    NOBODY = "nobody"  # no rule names anybody else


class Resolution(StrEnum):
    """How a person decides a review."""

    MERGE = "merge"
    DISMISS = "dismiss"  # they are two: no rule merges them from now on


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The verdict, why, and to whom it has led: the customer who is theirs now."""

    verdict: Verdict
    customer: CustomerId
    why: str = ""
    merge: int | None = None
    review: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """Two customers who were one: `stays` is whom it was asked of, `leaves` has gone."""

    stays: CustomerId
    leaves: CustomerId
    merge: int | None = None  # that was undone, where one was


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldIdentifier:
    """An identifier that an address brings; not proven: only said."""

    identifier: Identifier
    evidence: str
    proven_at: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAddress:
    """An address of a customer with all that identity knows of it. `home` is whose it is without any merge."""

    id: AddressId
    address: Address
    home: CustomerId
    proof: Proof
    evidence: str
    proven_at: datetime | None
    since: datetime
    stopped: bool
    unreachable: bool
    shared: bool
    identifiers: tuple[HeldIdentifier, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingMerge:
    """A merge that has not been undone, of two customers as they were before."""

    id: int
    left: CustomerId
    right: CustomerId
    rule: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer with their addresses and the merges that made them one."""

    customer: CustomerId
    name: str
    since: datetime
    addresses: tuple[HeldAddress, ...]
    merges: tuple[StandingMerge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the log. Customers are named as they were before any merge."""

    id: int
    at: datetime
    act: str
    address: Address | None
    customer: CustomerId
    other: CustomerId | None
    merge: int | None
    proof: str
    evidence: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenReview:
    """Two customers of whom a person has to say whether they are one; or one (both the same) with a failed act."""

    id: int
    left: Person | None  # none: nothing belongs to them any more
    right: Person | None
    reason: str
    evidence: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What became of an act of the queue: `outcome` in a word. `failed` names the fault of one that is tried again, or
    was parked."""

    id: int
    act: str
    address: AddressId
    outcome: str
    failed: str = ""
    parked: bool = False


# --- what cannot be done: each says who must do what ----------------------------------------------------------------


class IdentityError(Exception):
    """What was asked for cannot be done; nothing was changed. The message is for people."""


class UnknownAddress(IdentityError):
    """Nobody has written from there."""

    def __init__(self, address: Address | str) -> None:
        super().__init__(f"{address} is not known: check its spelling with `omnibot customer find`")


class UnknownCustomer(IdentityError):
    """No address belongs to a customer of this id."""

    def __init__(self, customer: int) -> None:
        super().__init__(
            f"nothing belongs to customer {customer}: see `omnibot customer log {customer}` for where it went"
        )


class UnknownMerge(IdentityError):
    """There is no such merge, or it was undone before."""

    def __init__(self, merge: int, undone: bool = False) -> None:
        super().__init__(
            f"merge {merge} was undone before"
            if undone
            else f"there is no merge {merge}: `omnibot customer show` lists those of a customer"
        )


class UnknownReview(IdentityError):
    """There is no such review, or it was decided before."""

    def __init__(self, review: int) -> None:
        super().__init__(f"there is no open review {review}: `omnibot customer reviews` lists them")


class AlreadyTheirs(IdentityError):
    """The address belongs to this customer."""

    def __init__(self, address: Address | str, customer: int) -> None:
        super().__init__(f"{address} belongs to customer {customer} already")


class NotTheirs(IdentityError):
    """The address belongs to somebody else."""

    def __init__(self, address: Address | str, customer: int) -> None:
        super().__init__(f"{address} does not belong to customer {customer}: see `omnibot customer show {address}`")


class NothingToSplit(IdentityError):
    """No merge joins these two sides."""

    def __init__(self, address: Address | str, customer: int) -> None:
        super().__init__(
            f"no merge joins {address} to customer {customer}: unlink the address, and it gets a customer of its own"
        )


class ManyMerges(IdentityError):
    """Several merges join them: a person says which is to be undone."""

    def __init__(self, address: Address | str, merges: tuple[int, ...]) -> None:
        listed = ", ".join(map(str, merges))
        super().__init__(f"{address} is joined to the others by the merges {listed}: name the one to be undone")


class OnItsOwn(IdentityError):
    """The address is the only one of its customer."""

    def __init__(self, address: Address | str) -> None:
        super().__init__(f"{address} is the only address of its customer: there is nothing to unlink it from")


class AlreadyShared(IdentityError):
    """The address is, or is not, marked as shared as it was."""

    def __init__(self, address: Address | str, shared: bool) -> None:
        super().__init__(f"{address} is {'marked as shared already' if shared else 'not marked as shared'}")


class ReasonNeeded(IdentityError):
    """Staff acts with a reason."""

    def __init__(self) -> None:
        super().__init__("say who you are and why: whoever reads the log later must understand it (by, reason)")
