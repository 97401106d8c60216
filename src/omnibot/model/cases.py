"""The matters that customers need solved, and what was tried."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from omnibot.model.ids import AddressId, CaseId
from omnibot.model.values import frozen


class CaseState(StrEnum):
    """How far a matter has come."""

    OPEN = "open"
    WAITING = "waiting"  # for the customer
    HANDED_OFF = "handed_off"
    RESOLVED = "resolved"
    REOPENED = "reopened"

    @property
    def is_open(self) -> bool:
        """Whether anybody still has to do something about it."""
        return self is not CaseState.RESOLVED


class Result(StrEnum):
    """What became of an attempt."""

    UNKNOWN = "unknown"
    WORKED = "worked"
    FAILED = "failed"


@frozen(kw_only=True)
class Attempt:
    """Something that was tried to solve a case."""

    what: str  # in words, or an article as `article:api-limits`; a step of one as `article:api-limits#2`
    by: str  # "bot", "customer", or the name of the member of staff
    at: datetime
    result: Result = Result.UNKNOWN
    source: str = ""  # "message:17", "turn:4", "import": where it is told


@frozen(kw_only=True)
class Case:
    """A matter that a customer needs solved, over all their channels; what one turn may know of it."""

    id: CaseId
    intent: str
    topic: str = ""  # what exactly: an error code, a product, an order; '' where the intent says it all
    state: CaseState
    opened_at: datetime
    touched_at: datetime  # when the customer last wrote about it
    resolved_at: datetime | None = None
    contacts: int = 1  # how often they came for it
    reopened: int = 0
    channels: tuple[str, ...] = ()  # by contact, the oldest first
    concern: str = ""  # what is still open, in their words
    asked: tuple[str, ...] = ()  # questions of ours that they were asked about it, by key: none is asked twice
    attempts: tuple[Attempt, ...] = ()  # oldest first
    agents: tuple[str, ...] = ()  # members of staff who answered them about it, besides those who tried something
    team: str = ""  # that people have it in, or had last; '' where it was given to none
    addresses: tuple[AddressId, ...] = ()  # that it was written about from


@frozen(kw_only=True)
class CaseSide:
    """What happened of a case at one address, as it is stored; `identity` makes cases of what one turn may know."""

    id: CaseId
    address: AddressId
    intent: str
    topic: str = ""
    state: CaseState
    opened_at: datetime
    touched_at: datetime
    resolved_at: datetime | None = None
    contacts: int = 1
    reopened: int = 0
    contacted_at: tuple[datetime, ...] = ()  # the latest, oldest first
    concern: str = ""
    asked: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    agents: tuple[str, ...] = ()
    team: str = ""


@frozen(kw_only=True)
class CaseChange:
    """What a turn does to a case: all values as they are afterwards, and the attempts that it adds or judges."""

    id: CaseId | None  # None: it is opened
    intent: str
    topic: str = ""
    state: CaseState
    contact: bool = False  # whether this is another contact, not a word more of the same
    concern: str = ""
    asked: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()  # new ones; one with the `what` of an earlier one judges that
    team: str = ""
    why: str = ""
