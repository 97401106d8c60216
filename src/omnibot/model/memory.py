"""What is remembered of a customer, and what of it matters now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal

from omnibot.model.cases import Case
from omnibot.model.ids import AddressId
from omnibot.model.timeline import TimelineMessage
from omnibot.model.values import frozen


@frozen(kw_only=True)
class Fact:
    """Something remembered about a customer, with the address that it came from or was told about."""

    key: str  # `name`, `preference.channel`, …
    value: str
    address: AddressId
    confidence: float = 1.0  # 0.5 a provider's profile, 0.9 the company's word, 1.0 the customer's own
    source: str = "message"  # or provider, import, event, …: who said so
    id: int = 0
    since: datetime | None = None  # from when it holds


Property = str | int | float | bool


@frozen(kw_only=True)
class Event:
    """Something that happened in the company's product or books: `signed_up`, `plan_changed`, `feature_used`, …"""

    id: str  # of whoever tells it; the same id is the same event
    name: str  # small letters, digits and `_`
    at: datetime  # aware; when it happened, which may be long before it was told
    properties: Mapping[str, Property] = field(default_factory=dict)
    address: AddressId | None = None  # whom it was told about


@frozen(kw_only=True)
class Usage:
    """How often one kind of event, or one feature of the product, was seen of a customer."""

    name: str  # the event's, or for `feature_used` the feature's: `feature_used:export`
    count: int
    first_at: datetime
    last_at: datetime


@frozen
class Recalled:
    """An earlier message that may matter now, and how much: scores of one turn are comparable."""

    message: TimelineMessage
    score: float


@frozen(kw_only=True)
class Relationship:
    """What somebody is to the company, and how they fare, by what one turn may know. None where it is not known."""

    since: datetime | None = None
    plan: str = ""
    paid: Money | None = None  # by the invoices that are known, in the currency of most; at least so much
    monthly: Money | None = None  # what their plan costs, or what the latest invoice came to
    satisfaction: float | None = None  # -1 … 1: their mood over the latest turns, what they said in surveys with it
    trend: float | None = None  # what satisfaction gains from turn to turn
    escalations: int = 0  # matters that people had to take over
    milestones: tuple[str, ...] = ()  # the oldest first
    features: tuple[str, ...] = ()  # of the product, that they use
    adoption: float | None = None  # 0 … 1: which share of those that there are
    engagement: float | None = None  # what they use in the latest 28 days, as a share of what they used before


@frozen
class Recollection:
    """What memory holds that matters for one turn: the latest messages, oldest first, without the turn's own."""

    recent: tuple[TimelineMessage, ...] = ()
    recalled: tuple[Recalled, ...] = ()  # from further back, the best first
    case: Case | None = None  # that the turn is about, as it was before; None: it would open one
    contacts: int = 1  # on that matter, this turn's included
    is_contact: bool = True  # whether they come anew, and do not just go on talking
    solved: bool | None = None  # by their words: what was tried has worked, or has not; None: they do not say
    agents: tuple[str, ...] = ()  # members of staff who helped with it before, the first first
    tried: tuple[str, ...] = ()  # what was tried for it in vain, as their language tells it; without articles
    relationship: Callable[[], Relationship] | None = field(default=None, compare=False, repr=False)  # few ask for it


@frozen
class Money:
    """An amount in a currency (ISO 4217)."""

    amount: Decimal
    currency: str
