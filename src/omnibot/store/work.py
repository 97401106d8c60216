"""What goes between the store and those who call it: arrivals in, work out, outcomes in, dispatches out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any

from omnibot.model import (
    AddressId,
    Ask,
    CaseChange,
    CaseSide,
    Change,
    CustomerId,
    DeliveryState,
    DeskAct,
    Done,
    Draft,
    EarlierTurn,
    Event,
    Fact,
    Incoming,
    KnownAddress,
    MessageId,
    Outbound,
    Part,
    ProofRequest,
    Recalled,
    Stretch,
    StretchId,
    TimelineMessage,
    Tried,
    TurnMessage,
    Usage,
)
from omnibot.model.values import frozen
from omnibot.tokens import SignedToken

TIMELINE = 8  # latest messages that a turn sees, an address

# Flags of a message, by what became of the token that it showed.
TOKEN_TAKEN = "token"
TOKEN_VOID = "token_void"


class StoreUnavailable(Exception):
    """PostgreSQL cannot be reached or cannot write now; nothing was committed."""


@frozen(kw_only=True)
class StoredFile:
    """An attachment as the store keeps it: under `key`, or pending with the channel's `ref`, or refused."""

    name: str
    media_type: str
    size: int | None
    ref: str = ""
    key: str = ""
    refused: str = ""


@frozen(kw_only=True)
class Arrived:
    """An arrival of an account, normalised, on its way into the inbox."""

    channel: str
    account: str
    item: Incoming
    stop: bool | None = None  # True: it says STOP, False: it says START
    files: tuple[StoredFile, ...] = ()
    token: SignedToken | str = ""  # that was shown, and taken out of the text: a verified one, or a code of ours


@frozen(kw_only=True)
class ToldEvent(Incoming):
    """The company tells what happened to somebody; `sender` is whom it is about."""

    event: Event


@frozen(kw_only=True)
class ToldAct(Incoming):
    """An agent did something about a stretch; `sender` is the address that the stretch was about.

    Files that go along are stored: `ref` is by what their bytes are found, and `content` is not kept here.
    """

    stretch: StretchId
    act: DeskAct


class Kind(StrEnum):
    """What a lane can be asked to take."""

    MESSAGE = "message"
    EDIT = "edit"
    REPORT = "report"
    EVENT = "event"
    ACT = "act"  # of an agent at a desk


class Purpose(StrEnum):
    """Why something leaves; the gate judges by it."""

    REPLY = "reply"  # to somebody who answered us
    UNSOLICITED = "unsolicited"  # to a message that did not answer ours
    GREETING = "greeting"  # to one that only greeted: their question, which comes next, may be answered, too
    POINTER = "pointer"  # "I have answered you elsewhere"
    CONFIRMATION = "confirmation"  # of STOP: the one thing that passes it
    CODE = "code"  # to prove an address; worth nothing when it is late
    AGENT = "agent"  # written by people: no cap of automatic replies holds, STOP does


class Held(StrEnum):
    """Why something waits, as the outbox tells it."""

    WINDOW = "outside the window"  # they must write first, and then it leaves
    SPEND = "spend cap"  # the account has used up what it may


@frozen
class Lease:
    """The right to take one customer's turn: `fence` is the token that the commit joins on."""

    customer: CustomerId
    fence: int
    arrivals: int
    lost: int  # how often in a row a lease ran out


@frozen(kw_only=True)
class InboxItem:
    """One thing that waits in a lane."""

    id: int
    kind: Kind
    address: AddressId
    attempts: int
    message: TurnMessage | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    stretch: StretchId | None = None  # that an act is about
    act: DeskAct | None = None


@frozen(kw_only=True)
class SentByAgent:
    """One of ours that people wrote in a stretch; `entry` is what stands of it in the thread, '' where nothing does."""

    stretch: StretchId
    entry: str
    message: MessageId
    state: DeliveryState
    reason: str = ""


EVENTS = 30  # the latest that tell of more than use, of which a turn knows


@frozen(kw_only=True)
class Work:
    """A claimed customer with all that a turn needs."""

    lease: Lease
    items: tuple[InboxItem, ...]
    addresses: tuple[KnownAddress, ...]
    facts: tuple[Fact, ...]  # the weightier of two later
    timeline: tuple[TimelineMessage, ...]  # as it was written, oldest first; of one moment by id
    at: datetime  # when it was loaded, by the database's clock
    requests: tuple[ProofRequest, ...] = ()  # of their addresses; those that are over, too, for a while
    earlier: tuple[tuple[AddressId, EarlierTurn], ...] = ()  # the latest, oldest first, each with where it was
    events: tuple[Event, ...] = ()  # the latest that tell of more than use, oldest first
    usage: tuple[tuple[AddressId, Usage], ...] = ()  # what was done latest, each with whom it was told about
    cases: tuple[CaseSide, ...] = ()  # open ones and the latest others, the least recently touched first
    habits: tuple[tuple[AddressId, Mapping[str, float]], ...] = ()  # how they write where
    recalled: tuple[Recalled, ...] = ()  # from further back, the best first
    stretches: tuple[Stretch, ...] = ()  # the open ones and those that acts are about; loaded where agents act alone
    sent: tuple[SentByAgent, ...] = ()  # what the entries that acts are about have brought, oldest first


@frozen
class Unreadable:
    """A claimed customer whose rows this version cannot read."""

    lease: Lease
    items: tuple[int, ...]
    reason: str


@frozen
class Reply:
    """A draft on its way to the outbox."""

    draft: Draft
    purpose: Purpose


@frozen(kw_only=True)
class Revised:
    """A message of ours to keep was changed by its writer."""

    address: AddressId
    message_id: str  # the provider's
    at: datetime
    text: str


@frozen(kw_only=True)
class Reported:
    """What a provider tells about one of ours."""

    address: AddressId
    provider_id: str
    state: DeliveryState
    reason: str
    unreachable: bool
    attempts: int = 0  # how often it has come before what it is about was recorded


@frozen(kw_only=True)
class Happened:
    """An event that a turn has taken in, and what it counts as."""

    event: Event  # with its address
    usage: str  # the name that it is counted by
    told_of: bool = True  # whether later turns see it; mere use is only counted


@frozen(kw_only=True)
class CodeLimits:
    """How long a code lives, and how many may be asked for in an hour."""

    seconds: float
    per_address: int  # that they go to
    per_requester: int  # address that asks
    overall: int


@frozen(kw_only=True)
class Asked:
    """A request for proof with its code, put into words for the address that it goes to, which we may not know yet."""

    ask: Ask
    code_hash: bytes
    account: str  # that sends it to an address that has never written
    parts: tuple[Part, ...]
    kept: tuple[Part, ...]  # as the timeline keeps it: without the code
    limits: CodeLimits
    subject: str = ""


@frozen(kw_only=True)
class Outcome:
    """What a turn did; committed as a whole, or not at all when its lease has been lost."""

    work: Work
    address: AddressId  # that the turn was about
    record: Mapping[str, Any] | None = None  # what was read, planned and why
    mood: EarlierTurn | None = None  # what later turns need of what was read
    replies: tuple[Reply, ...] = ()
    changes: tuple[Change, ...] = ()
    handoff: str = ""
    revised: tuple[Revised, ...] = ()
    reported: tuple[Reported, ...] = ()
    opened: tuple[AddressId, ...] = ()  # who wrote where only those who write can be written to for a while
    asked: tuple[Asked, ...] = ()
    tried: tuple[Tried, ...] = ()
    case: CaseChange | None = None
    sides: tuple[AddressId, ...] = ()  # whose part in the case its state holds for, besides `address`
    habits: Mapping[str, float] | None = None  # how they write at `address`, as it is now
    happened: tuple[Happened, ...] = ()
    done: tuple[Done, ...] = ()  # acts of agents that were taken, each with what came of it


@frozen(kw_only=True)
class Quota:
    """How many calls of an account may start now, how much one address may get, and what it must wait for."""

    channel: str
    account: str
    free: int
    replies: int
    replies_seconds: float
    unsolicited: int
    unsolicited_seconds: float
    window: float | None = None  # seconds since an address wrote in which it can be written to
    knocks: bool = False  # and after that, too
    spend: int | None = None  # billed units in `spend_seconds`
    spend_seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether anything has to wait for something else than its turn."""
        return self.spend is not None or self.window is not None


@frozen(kw_only=True)
class Offer:
    """Calls that may start with the commit of the turns that want them: places that are kept until then.

    By account (channel, name); seconds until a call counts as abandoned, and for which others wait behind an `unknown`.
    """

    quotas: Mapping[tuple[str, str], Quota]
    lease: float
    unknown_wait: float


@frozen(kw_only=True)
class Dispatch:
    """One of ours that is marked `sending`: its call starts now."""

    outbound: Outbound
    address: AddressId
    channel: str
    account: str
    queued_at: datetime


@frozen
class Dispatched:
    """What one look into the outbox gave: calls that start now, and how many messages the gate kept back or holds."""

    starting: tuple[Dispatch, ...]
    kept_back: int
    overspent: frozenset[tuple[str, str]] = frozenset()  # accounts (channel, name) that have used up their units


@frozen
class Committed:
    """Turns that were committed: whose leases still held, and whether more is due for them; what leaves at once."""

    held: Mapping[CustomerId, bool]
    starting: tuple[Dispatch, ...] = ()
    waiting: bool = True  # something may be left in the outbox


@frozen
class Overspent:
    """An account that has used up what it may spend, how many messages wait for that, and until when."""

    channel: str
    account: str
    count: int
    until: datetime


@frozen(kw_only=True)
class Result:
    """What became of a dispatch."""

    id: MessageId
    address: AddressId
    attempts: int
    state: DeliveryState
    reason: str = ""
    provider_id: str = ""
    after: float = 0.0  # seconds until the next attempt
    unreachable: bool = False
    context: Mapping[str, str] | None = None
    units: int = 0  # that count against the account's cap
