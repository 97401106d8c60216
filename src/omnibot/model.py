"""The words of the product as values. Everything imports this module; it imports nothing of ours.

docs/glossary.md tells what the words mean; here is what they carry. All values are frozen: a step gets some and
returns others, so a turn can be repeated and gives the same again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Generic, Literal, NewType, TypeVar

CustomerId = NewType("CustomerId", int)
AddressId = NewType("AddressId", int)
MessageId = NewType("MessageId", int)
CaseId = NewType("CaseId", int)

_NOTHING: Mapping[str, str] = {}
_FOR_EVER: Mapping[str, int] = {}
_NO_HABITS: Mapping[AddressId, Mapping[str, float]] = {}


# --- who -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Address:
    """Where somebody can be reached: `telegram:4711`, `email:sarah@example.org`."""

    channel: str
    value: str

    def __str__(self) -> str:
        return f"{self.channel}:{self.value}"

    @property
    def masked(self) -> str:
        """As whoever has it recognises it, and nobody else learns it: `s…@example.org`, `…67`; '' if it cannot be."""
        name, at, domain = self.value.rpartition("@")
        if at:
            return f"{name[:1]}…@{domain}"
        return f"…{self.value[-2:]}" if self.value.startswith("+") else ""

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `channel:value`; raises ValueError when either half is missing."""
        channel, colon, value = text.strip().partition(":")
        if not (channel and colon and value):
            raise ValueError(f"{text!r} is not an address: write it as channel:value, such as telegram:4711")
        return cls(channel, value)


USER = "user"  # the channel of whom we know by the company's own user id: nothing is ever sent there


class Proof(StrEnum):
    """How sure we are that an address belongs to a customer."""

    CLAIMED = "claimed"  # somebody said so
    SEEN = "seen"  # the provider delivered a message from there
    PROVEN = "proven"  # a round trip, or the company's own word


class IdentifierKind(StrEnum):
    """What names one person wherever they write."""

    PHONE = "phone"  # E.164
    EMAIL = "email"
    USER_ID = "user_id"  # of the company's own systems


@dataclass(frozen=True, slots=True)
class Identifier:
    """A phone, an e-mail address or a user id, in the spelling in which it is compared."""

    kind: IdentifierKind
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


class Register(StrEnum):
    """How a customer likes to be spoken to."""

    CASUAL = "casual"
    FORMAL = "formal"


class Manner(StrEnum):
    """How near a customer likes us to come."""

    FRIENDLY = "friendly"
    PROFESSIONAL = "professional"


class Length(StrEnum):
    """How many words a customer likes."""

    SHORT = "short"
    DETAILED = "detailed"


class Detail(StrEnum):
    """Whether a customer likes what matters, or every step."""

    SUMMARY = "summary"
    STEPS = "steps"


class Complexity(StrEnum):
    """Which words a customer is at home with."""

    PLAIN = "plain"
    TECHNICAL = "technical"


class Level(IntEnum):
    """How personal a reply may be; each level has those below it."""

    NAME = 1
    HISTORY = 2
    PREFERENCES = 3
    ANTICIPATION = 4
    EMOTION = 5


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a provider says has written.

    `vouched` is what the provider itself answers for: the number that a network delivered from, a signed mail's From,
    the contact that is the sender's own, the profile's e-mail address of a workspace that is trusted with it. All
    else is somebody's word.
    """

    address: Address
    name: str = ""
    language: str = ""  # ISO 639-1, as the provider knows it
    email: str = ""  # of the profile that the provider keeps
    zone: str = ""  # IANA, such as Europe/Berlin
    vouched: tuple[Identifier, ...] = ()


# --- what comes in -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that came with a message: its bytes (`content`), or the channel's reference to fetch them by."""

    name: str  # as the sender called it: shown escaped, never used as a path
    media_type: str
    size: int | None = None  # bytes, where the provider says
    ref: str = ""  # the channel's own; `Channel.fetch` understands it
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Location:
    """A point that somebody shared."""

    latitude: float
    longitude: float
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A contact card that somebody shared; `own` when the provider vouches that it is the sender's."""

    name: str
    phone: str
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What every arrival has: `id` is the provider's id of this *delivery* and dedupes for ever."""

    id: str
    at: datetime  # aware; when it was written, as the provider says
    sender: Sender


Opt = Literal["", "stop", "start", "help"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMessage(Incoming):
    """Somebody wrote.

    `context` is what the channel wants back to answer in the same place (thread, subject); opaque to the core.
    `answers` are provider ids of messages it refers to; `answers_ours` is one of our message ids that the channel has
    *verified* for this sender (a signed token).
    """

    message_id: str  # the provider's id of the message, unique for this address
    text: str
    attachments: tuple[Attachment, ...] = ()
    location: Location | None = None
    contact: Contact | None = None
    answers: tuple[str, ...] = ()
    answers_ours: MessageId | None = None
    context: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    automatic: str = ""  # why it is never answered (auto-reply, list, bounce, a country not served): only stored
    opt: Opt = ""  # a keyword that its network knows, and has obeyed and answered already
    quarantine: str = ""  # why the sender cannot be believed: kept for staff, off every timeline
    flags: tuple[str, ...] = ()  # what staff should see: `staff_only`


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingEdit(Incoming):
    """Somebody changed what they wrote."""

    message_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonPress(Incoming):
    """Somebody pressed a choice that we offered; `value` is the choice's own."""

    value: str
    message_id: str = ""
    context: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


class DeliveryState(StrEnum):
    """How far one of ours has come. Provider reports only move it forward."""

    QUEUED = "queued"
    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport(Incoming):
    """The provider tells what became of one of ours; `sender` is the address it went to.

    HELD: it was not delivered because the customer must write first, and waits until they do.
    """

    provider_id: str
    state: DeliveryState
    reason: str = ""
    unreachable: bool = False


# --- what was understood --------------------------------------------------------------------------------------------

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a signal rests on: words of the message, or a reason that does not stand in it."""

    text: str
    start: int | None = None  # characters from the beginning of what was written; None: it does not stand there
    end: int | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Signal(Generic[T]):
    """One thing that was read in a turn. When `known` is false nothing downstream may rely on the value."""

    value: T
    confidence: float  # 0…1
    evidence: tuple[Evidence, ...] = ()
    known: bool = True


class Urgency(StrEnum):
    """By when somebody needs us."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


class Expertise(StrEnum):
    """How well the writer knows what the product is made of."""

    NOVICE = "novice"
    INTERMEDIATE = "intermediate"
    EXPERT = "expert"


OUT_OF_SCOPE = "oos"  # the intent of what the company has no playbook for


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another intent that it may be."""

    value: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Intent(Signal[str]):
    """What the writer wants: the name of a playbook, or OUT_OF_SCOPE."""

    alternatives: tuple[Alternative, ...] = ()  # the likeliest others, best first


@dataclass(frozen=True, slots=True)
class Sentiment(Signal[float]):
    """How the writer speaks of what they have met: −1…1."""

    vader: float = 0.0  # the whole text's compound by VADER as it is, beside ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Emotions:
    """How strongly the writer feels what: 0…1, decided at .5."""

    frustration: Signal[float]
    confusion: Signal[float]
    satisfaction: Signal[float]
    excitement: Signal[float]


class TimeKind(StrEnum):
    """What a time that is named is to the writer."""

    DEADLINE = "deadline"  # by then something must be done; `at` is the last moment that counts
    FUTURE = "future"
    PAST = "past"
    DURATION = "duration"
    RECURRING = "recurring"


@dataclass(frozen=True, slots=True)
class NamedTime:
    """A time that the message names."""

    at: datetime | None  # with the writer's offset; None where the words fix no moment
    text: str
    kind: TimeKind
    start: int  # characters from the beginning of what was written
    end: int
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing that the message names: an order, a product, a version, an amount."""

    label: str  # order, invoice, product, plan, version, error_code, amount, date, or the configuration's own
    text: str
    value: str  # in its one spelling, by which it is compared: `AB-1234`, `12.50 EUR`
    start: int
    end: int
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Where the mood goes over the latest turns, per turn: sentiment below zero sinks, frustration above zero grows."""

    sentiment: float
    frustration: float
    turns: int  # that it rests on, this one included


_UNREAD = Signal(0.0, 0.0, known=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What understanding found in a turn."""

    language: Signal[str]  # ISO 639-1
    sentiment: Sentiment
    urgency: Signal[Urgency]
    intent: Intent = Intent(OUT_OF_SCOPE, 0.0, known=False)
    emotions: Emotions = Emotions(frustration=_UNREAD, confusion=_UNREAD, satisfaction=_UNREAD, excitement=_UNREAD)
    expertise: Signal[Expertise] = Signal(Expertise.INTERMEDIATE, 0.0, known=False)
    formality: Signal[float] = _UNREAD  # 0 casual … 1 formal
    politeness: Signal[float] = _UNREAD  # 0 rude … 1 polite
    person: Signal[bool] = Signal(False, 0.0, known=False)  # whether a person is asked for
    repetition: Signal[int] = Signal(1, 0.0, known=False)  # the how manyth time it is that they say so, by their words
    questions: Signal[int] = Signal(0, 0.0, known=False)  # that are asked; the evidence is the questions
    time_sensitivity: Signal[float] = _UNREAD  # 0 whenever … 1 now
    times: tuple[NamedTime, ...] = ()
    entities: tuple[Entity, ...] = ()
    trend: Trend | None = None  # of the customer; None without earlier turns
    case_trend: Trend | None = None  # of those among them that are of this turn's topic


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTurn:
    """What was read in an earlier turn of the customer: what is needed of it to see where things go."""

    at: datetime
    sentiment: float | None = None  # None: not known
    frustration: float | None = None
    urgency: Urgency | None = None
    expertise: Expertise | None = None
    intent: str | None = None
    answered: bool = True  # whether anything was said to them after it, before the next


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessHours:
    """When the company works; public holidays are its own to name."""

    opens: time = time(9)
    closes: time = time(18)
    days: frozenset[int] = frozenset(range(5))  # Monday is 0
    holidays: frozenset[date] = frozenset()


_OFFICE = BusinessHours()


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that understanding may know besides the text. It has no clock and no memory of its own."""

    now: datetime  # when it was written; aware
    zone: tzinfo  # the writer's, in which "tomorrow" is told
    hours: BusinessHours = _OFFICE  # of the company, in the writer's zone
    last_language: str | None = None
    earlier: tuple[EarlierTurn, ...] = ()  # oldest first, at most some ten
    contacts: int = 1  # on this topic, this one included
    unanswered: int = 0  # turns of theirs since we last said anything, this one not included
    minutes_since: float | None = None  # since our last message; None: we have not spoken
    last_reply: str = ""  # that message's text
    last_words: str = ""  # what they said before it


# --- what is known --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAddress:
    """An address of a customer, with what decides whether and how it can be written to."""

    id: AddressId
    address: Address
    proof: Proof
    account: str  # through which it last wrote, or the channel's first account
    context: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    stopped: bool = False
    unreachable: bool = False
    proven_at: datetime | None = None  # when it was last proven; proof ages
    shared: bool = False  # several people write from there: it never links and gets nothing personal
    since: datetime | None = None  # when it was first heard of


@dataclass(frozen=True, slots=True)
class Preferences:
    """How a customer wants to be answered; None where nothing is known."""

    channel: str | None = None
    register: Register | None = None
    length: Length | None = None
    language: str | None = None
    manner: Manner | None = None
    detail: Detail | None = None
    complexity: Complexity | None = None
    emoji: bool | None = None
    zone: str | None = None  # IANA
    quiet: str | None = None  # in which nothing unasked is sent, in their zone: "22:00-07:00"
    level: Level | None = None  # how personal they let us be: never above the company's

    def told(self, texts: Mapping[str, str]) -> Preferences:
        """With those that texts tell, by name; '' takes one back, what cannot be read is not known.

        Texts of other names are left alone, so that an older server can read what a newer one wrote.
        """
        values = {name: _READ[name](text) for name, text in texts.items() if name in _READ}
        return replace(self, **values) if values else self  # type: ignore[arg-type]

    def texts(self) -> dict[str, str]:
        """Those that are known, by name, as they are told."""
        values = {name: getattr(self, name) for name in _READ}
        return {name: _as_told(value) for name, value in values.items() if value is not None}


PREFERENCE = "preference."  # begins the key of a fact that states one; its name follows


def _one_of(kind: type[StrEnum | IntEnum]) -> Callable[[str], object]:
    return {str(one.value): one for one in kind}.get


def _text(text: str) -> str | None:
    return text or None


_READ: Mapping[str, Callable[[str], object]] = {
    "channel": _text,
    "register": _one_of(Register),
    "length": _one_of(Length),
    "language": _text,
    "manner": _one_of(Manner),
    "detail": _one_of(Detail),
    "complexity": _one_of(Complexity),
    "emoji": {"yes": True, "no": False}.get,
    "zone": _text,
    "quiet": _text,
    "level": _one_of(Level),
}


def _as_told(value: str | bool | Level) -> str:
    """`StrEnum`s are their texts."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in the company's product or books: `signed_up`, `plan_changed`, `feature_used`, …"""

    id: str  # of whoever tells it; the same id is the same event
    name: str  # small letters, digits and `_`
    at: datetime  # aware; when it happened, which may be long before it was told
    properties: Mapping[str, Property] = field(default_factory=dict)
    address: AddressId | None = None  # whom it was told about


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How often one kind of event, or one feature of the product, was seen of a customer."""

    name: str  # the event's, or for `feature_used` the feature's: `feature_used:export`
    count: int
    first_at: datetime
    last_at: datetime


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Something that was tried to solve a case."""

    what: str  # in words, or an article as `article:api-limits`; a step of one as `article:api-limits#2`
    by: str  # "bot", "customer", or the name of the member of staff
    at: datetime
    result: Result = Result.UNKNOWN
    source: str = ""  # "message:17", "turn:4", "import": where it is told


@dataclass(frozen=True, slots=True, kw_only=True)
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
    addresses: tuple[AddressId, ...] = ()  # that it was written about from


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """From which proof on an address may be told what came from elsewhere, and how long a proof lasts."""

    name: Proof = Proof.SEEN  # and in which form somebody likes to be spoken to
    history: Proof = Proof.PROVEN  # what was said at other addresses
    account: Proof = Proof.PROVEN  # all else, and that there are other addresses
    proof_days: Mapping[str, int] = field(default_factory=lambda: _FOR_EVER)  # by channel; 0 or none: for ever


class ProofPurpose(StrEnum):
    """What a code is asked for."""

    LINK = "link"  # the address that it goes to becomes theirs, too
    UNLINK = "unlink"  # an address is a person of its own again
    FORGET = "forget"  # as unlink, and nothing is sent there any more


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRequest:
    """A code that is under way: sent to `target`, to be typed at `by`.

    Those that are over are known for a while, so that whoever types one of their codes is told why it does nothing.
    """

    id: int
    purpose: ProofPurpose
    by: AddressId
    target: AddressId
    to: Address  # the target's, as it was named
    about: AddressId | None  # the address that is to be unlinked or forgotten
    source: MessageId  # the message that asked
    code_hash: bytes
    tries: int
    shared: bool = False  # several people read what comes to the target: its code proves nothing about one of them
    over: Literal["", "expired", "void"] = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """A code that was typed for a request, as it stands in the message; `left`: how many more may be wrong."""

    request: ProofRequest
    message: MessageId
    right: bool
    left: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Somebody wants an address linked, unlinked or forgotten: a code goes to `target`, to be typed at `by`."""

    purpose: ProofPurpose
    by: AddressId
    target: Address
    about: AddressId | None = None
    source: MessageId


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A customer as one turn sees them: no more than the address that was written from may be told.

    Made by `identity.identify` alone. The proof of its addresses is what is left of it now.
    """

    customer: CustomerId
    addresses: tuple[KnownAddress, ...]
    name: str = ""
    preferences: Preferences = Preferences()
    facts: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    timeline: tuple[TimelineMessage, ...] = ()
    trusted: frozenset[AddressId] = frozenset()  # may be told everything: replies go from one to another of these alone
    tried: tuple[Tried, ...] = ()  # codes typed in this turn
    earlier: tuple[EarlierTurn, ...] = ()  # how the latest turns were meant, oldest first
    since: datetime | None = None  # when they became a customer, by an event or import, or first wrote
    events: tuple[Event, ...] = ()  # the latest that tell of more than use, oldest first
    usage: tuple[Usage, ...] = ()
    cases: tuple[Case, ...] = ()  # the open ones and the latest others, the least recently touched first
    habits: Mapping[AddressId, Mapping[str, float]] = field(default_factory=lambda: _NO_HABITS)  # how they write
    open: frozenset[AddressId] = frozenset()  # what was said at these may be told at the address that wrote
    stated: frozenset[str] = frozenset()  # of the preferences: those that they told, not those that were learned

    def on(self, channel: str) -> KnownAddress | None:
        """The customer's first address on a channel that a reply to another one can go to."""
        there = (a for a in self.addresses if a.address.channel == channel and a.id in self.trusted)
        return next((a for a in there if not (a.stopped or a.unreachable)), None)


class Direction(StrEnum):
    """Which way a message went."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineMessage:
    """One entry on a timeline."""

    id: MessageId
    customer: CustomerId
    address: Address
    direction: Direction
    at: datetime
    text: str
    answers: MessageId | None = None
    attachments: int = 0
    revisions: int = 0
    state: DeliveryState | None = None  # of ours
    flags: tuple[str, ...] = ()  # of theirs: what staff should see
    choices: tuple[Choice, ...] = ()  # that it offered, as buttons or as a numbered list
    by: str = ""  # of ours: the person who wrote it; '' where it was the server


@dataclass(frozen=True, slots=True)
class Recalled:
    """An earlier message that may matter now, and how much: scores of one turn are comparable."""

    message: TimelineMessage
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True)
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


# --- the turn -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnMessage:
    """One message of a turn, as stored."""

    id: MessageId
    address: AddressId
    at: datetime
    text: str
    provider_id: str = ""  # by which edits name it
    pressed: str = ""  # the value of the choice that was pressed
    attachments: int = 0
    answers: MessageId | None = None
    automatic: str = ""
    flags: tuple[str, ...] = ()
    own_number: bool = False  # it is their own contact card, by the provider's word


class MoveKind(StrEnum):
    """What one part of a reply does."""

    GREET = "greet"
    DISCLOSE = "disclose"  # that a machine speaks
    WELCOME = "welcome"  # somebody new
    CONFIRM = "confirm"
    PROVE = "prove"  # what belongs together: what is asked for, what was proven
    MOOD = "mood"  # that it is seen how they feel
    HISTORY = "history"  # that it is known what was before
    CAUSE = "cause"  # what is likely behind it
    ANSWER = "answer"
    STEPS = "steps"
    ASK = "ask"  # what has to be known first
    HANDOFF = "handoff"
    PROMISE = "promise"  # what happens next, by whom and by when
    NEXT = "next"  # what they can do next
    RESOURCES = "resources"
    POINT = "point"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (ISO 4217)."""

    amount: Decimal
    currency: str


Value = str | int | float | date | datetime | timedelta | Money | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One thing a reply does, the facts that it may use, and why.

    `said` are the company's own words for it by register, with places for the facts; without them the voice has words
    for the kind and topic. Dates, amounts and numbers stay values until the voice writes them as the language does.
    """

    kind: MoveKind
    topic: str = ""  # which wording: `name_set`, `thanks`, an article's id
    facts: Mapping[str, Value] = field(default_factory=dict)
    said: Mapping[Register, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()  # what it rests on: `fact:plan`, `event:…`, `case:4`, `message:17`, `article:…`
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A fact that the turn learned: `name`, `preference.channel`, …; an empty value takes it back."""

    key: str
    value: str
    source: MessageId | None = None  # the message that tells it
    event: str = ""  # or the event's id
    at: datetime | None = None  # from when it holds; None: from now
    confidence: float = 1.0  # 1.0 they say so, less where it is concluded


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one turn will do, and why. No moves: silence."""

    moves: tuple[Move, ...] = ()
    to: KnownAddress | None = None
    pointer: KnownAddress | None = None  # the address written from, when the reply goes elsewhere
    preferences: Preferences = Preferences()  # as they are after this turn's changes
    name: str = ""
    language: str = "en"
    changes: tuple[Change, ...] = ()
    handoff: str = ""  # why people take over
    confirms_stop: bool = False  # the one reply that an address gets after STOP
    unsolicited: bool = False  # answers a message that did not answer ours: a tighter reply cap holds
    asks: tuple[Ask, ...] = ()  # codes to be sent
    team: str = ""  # that takes over
    priority: str = ""  # normal, high or urgent, where its playbook says so
    case: CaseChange | None = None  # what the turn does to the matter that it is about
    level: Level = Level.EMOTION  # how personal it may be
    zone: tzinfo | None = None  # the customer's, in which days and hours are told
    why: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Steps:
    """Things to do in this order."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A place to read on."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A quick reply; pressing it comes back as a `ButtonPress` with its value."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class File:
    """A file that goes along; `ref` is by what `Site.files` finds its bytes."""

    name: str  # as the customer sees it
    media_type: str
    size: int  # bytes
    ref: str


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """A button by which somebody shares their own number, as their provider knows it; '' takes it away again."""

    label: str


Part = Paragraph | Steps | Link | Choice | File | OwnNumber


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `count` in `seconds`."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a channel can carry. What it lacks is written as text, in one place, before it gets here."""

    text: int  # characters of one message
    choices: int = 0  # quick replies under one message
    choice_bytes: int = 64  # of one choice's value
    own_number: bool = False  # a button by which somebody shares their number
    subject: bool = False
    in_flight: int = 32  # calls at once, an account
    per_second: float | None = None  # calls an account; None: no limit of its own
    replies: Cap = Cap(30, 60)  # automatic replies to one address
    brief: bool = False  # each sign costs: the short form for whoever has not asked for another
    carrier: bool = False  # its network has STOP words of its own ("cancel", "end", "quit")
    unsolicited: Cap | None = None  # tighter, for replies to what did not answer us
    files: int = 0  # of one message; what is beyond, too large or of another type becomes a link
    file_bytes: int = 0  # of one file
    file_types: tuple[str, ...] = ("",)  # beginnings of media types: "image/", "application/pdf"
    caption: int | None = None  # characters of a message that carries files; None: as many as of any other
    window: float | None = None  # seconds from somebody's last message in which they can be written to
    knocks: bool = False  # after that, the channel has words of its own (a template) that may still leave
    spend: Cap | None = None  # billed units (`Receipt.units`), an account, all addresses together


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A plan put into words for one address, within what its channel carries."""

    to: KnownAddress
    parts: tuple[Part, ...]
    subject: str = ""
    choices: tuple[Choice, ...] = ()  # that it offers, as buttons or as a numbered list


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """A draft made fit for one channel; a row of the outbox. `id` stays the same over all attempts."""

    id: MessageId
    to: Address
    parts: tuple[Part, ...]
    subject: str = ""
    context: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    provider_id: str = ""  # where a former attempt told it
    attempts: int = 0
    heard_at: datetime | None = None  # when its address last wrote
    tried: tuple[datetime, datetime] | None = None  # from–to: when it may have been handed over, of what is `unknown`

    @property
    def text(self) -> str:
        """The words without any markup."""
        return plain(self.parts)


def plain(parts: Sequence[Part]) -> str:
    """Parts as plain text: steps numbered, links behind their label, choices and files left to the channel."""
    return "\n\n".join(text for part in parts if (text := _plain(part)))


def _plain(part: Part) -> str:
    match part:
        case Paragraph(text):
            return text
        case Steps(items):
            return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))
        case Link(label, url):
            return f"{label}: {url}"
        case Choice() | File() | OwnNumber():
            return ""


# --- people -------------------------------------------------------------------------------------------------------

StretchId = NewType("StretchId", int)


@dataclass(frozen=True, slots=True)
class Agent:
    """A member of staff at a desk: `id` is `slack:T1/U2` or `email:ana@example.org`; the name is what others see."""

    id: str
    name: str = ""


class ActKind(StrEnum):
    """What an agent does about a matter that people own."""

    TAKE = "take"
    ASSIGN = "assign"  # `value`: the id of the agent, `text` their name
    TEAM = "team"  # `value`: the team's key
    PRIORITY = "priority"  # `value`: normal, high, urgent
    SNOOZE = "snooze"  # `value`: until when, ISO 8601
    CONSENT = "consent"  # ask the customer whether they agree to something; `text` what
    REPLY = "reply"  # `text` and `files` go to the customer
    NOTE = "note"  # for people alone
    RESOLVE = "resolve"  # `value`: the reason, `text`: what worked
    REOPEN = "reopen"
    HAND_BACK = "hand_back"  # the bot goes on
    RETRY = "retry"  # send again what failed; `entry` says which
    MERGE = "merge"  # `value`: the review that is accepted; `text` why
    MUTE = "mute"  # no more reminders about it for this agent
    EDITED = "edited"  # what was sent was changed in the thread; the customer has what was sent
    DELETED = "deleted"
    REFUSED = "refused"  # somebody tried who may not; `text` what, `value` why. Only written down


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskAct:
    """One act of one agent. `id` is the provider's id of the delivery: what comes again is the same act."""

    id: str
    at: datetime
    by: Agent
    kind: ActKind
    text: str = ""
    value: str = ""
    entry: str = ""  # the provider's id of the message in the thread that it is, or is about
    files: tuple[Attachment, ...] = ()


class StretchState(StrEnum):
    """How far people have come with a matter that was handed to them."""

    WAITING = "waiting"  # nobody has it yet
    TAKEN = "taken"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    RETURNED = "returned"  # to the bot

    @property
    def is_open(self) -> bool:
        """Whether people own the matter, and the bot keeps silent about it."""
        return self not in (StretchState.RESOLVED, StretchState.RETURNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The time in which people own a matter, as the customer's lane keeps it; one thread at a desk."""

    id: StretchId
    address: AddressId  # that the hand-off was about
    matter: CaseId | None = None  # None: what no case was made of
    team: str
    priority: str = "normal"
    state: StretchState = StretchState.WAITING
    owner: Agent | None = None
    why: str = ""  # it was handed off
    opened_at: datetime
    answered_at: datetime | None = None  # when people first wrote to the customer
    snoozed_until: datetime | None = None
    ended_at: datetime | None = None
    outcome: str = ""  # why it ended, and what worked


@dataclass(frozen=True, slots=True)
class Notice:
    """A line that the desk shows in a thread; to one agent alone where `to` is told."""

    text: str
    to: str = ""  # the id of an agent
    entry: str = ""  # the message in the thread that it is about


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of an act: the stretch as it is after it, and what the desk tells about it."""

    stretch: StretchId
    act: DeskAct
    after: Stretch | None = None  # None: nothing has changed
    refused: str = ""  # why it was not done
    notices: tuple[Notice, ...] = ()
    case: CaseChange | None = None  # what follows for the matter
    replies: tuple[Draft, ...] = ()  # to the customer, in the agent's words
    retries: MessageId | None = None  # one of ours to be sent again
    merges: int | None = None  # the review that staff accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLine:
    """Something said, or something tried, as a card tells it."""

    at: datetime
    by: str  # a name, `bot`, or '' for the customer
    text: str
    channel: str = ""
    result: str = ""  # of what was tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What people see first of a matter that was handed to them. All texts are plain, and a customer's are theirs."""

    stretch: Stretch
    team: str  # as people call it
    name: str
    contacts: tuple[tuple[str, str], ...] = ()  # address as text, how it is proven
    since: datetime | None = None  # a customer
    plan: str = ""
    worth: str = ""
    mood: float | None = None  # −1…1
    trend: str = ""  # falling, steady, rising
    urgency: str = ""
    deadline: datetime | None = None
    language: str = "en"
    zone: str = "UTC"
    times: int = 1  # they came for it
    concern: str = ""
    tried: tuple[CardLine, ...] = ()
    said: tuple[CardLine, ...] = ()  # last, oldest first
    suggestion: str = ""  # a reply that could be sent
    due: datetime | None = None  # by when something must be done
    due_for: str = ""  # first, next, resolve
    overdue: bool = False
    reviews: tuple[int, ...] = ()  # merges that wait for people, by id


class EntryKind(StrEnum):
    """What a line of a thread is."""

    HEARD = "heard"  # a customer wrote
    SAID = "said"  # the bot, or people elsewhere, wrote to them
    NOTICE = "notice"
    REMINDER = "reminder"  # the team is called


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a thread."""

    id: int  # stays the same over all attempts
    kind: EntryKind
    at: datetime
    text: str
    name: str = ""  # who wrote
    channel: str = ""
    files: tuple[File, ...] = ()
    to: str = ""  # the agent who alone sees it
    about: str = ""  # the provider's id of the message in the thread that it is about
