"""What was understood, and what it was understood by."""

from __future__ import annotations

from datetime import date, datetime, time, tzinfo
from enum import StrEnum
from typing import Generic, TypeVar

from omnibot.model.preferences import Register
from omnibot.model.values import frozen

T = TypeVar("T")


@frozen
class Evidence:
    """What a signal rests on: words of the message, or a reason that does not stand in it."""

    text: str
    start: int | None = None  # characters from the beginning of what was written; None: it does not stand there
    end: int | None = None

    def __str__(self) -> str:
        return self.text


@frozen
class Signal(Generic[T]):
    """One thing that was read in a turn. When `known` is false nothing downstream may rely on the value."""

    value: T
    confidence: float  # 0…1
    evidence: tuple[Evidence, ...] = ()
    known: bool = True

    @property
    def if_known(self) -> T | None:
        """The value, or None where nothing may rely on it."""
        return self.value if self.known else None


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


@frozen
class Alternative:
    """Another intent that it may be."""

    value: str
    confidence: float


@frozen
class Intent(Signal[str]):
    """What the writer wants: the name of a playbook, or OUT_OF_SCOPE."""

    alternatives: tuple[Alternative, ...] = ()  # the likeliest others, best first


@frozen
class Sentiment(Signal[float]):
    """How the writer speaks of what they have met: −1…1."""

    vader: float = 0.0  # the whole text's compound by VADER as it is, beside ours


@frozen(kw_only=True)
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


@frozen
class NamedTime:
    """A time that the message names."""

    at: datetime | None  # with the writer's offset; None where the words fix no moment
    text: str
    kind: TimeKind
    start: int  # characters from the beginning of what was written
    end: int
    confidence: float = 1.0


@frozen
class Entity:
    """A thing that the message names: an order, a product, a version, an amount."""

    label: str  # order, invoice, product, plan, version, error_code, amount, date, or the configuration's own
    text: str
    value: str  # in its one spelling, by which it is compared: `AB-1234`, `12.50 EUR`
    start: int
    end: int
    confidence: float = 1.0


@frozen(kw_only=True)
class Trend:
    """Where the mood goes over the latest turns, per turn: sentiment below zero sinks, frustration above zero grows."""

    sentiment: float
    frustration: float
    turns: int  # that it rests on, this one included


_UNREAD = Signal(0.0, 0.0, known=False)


@frozen(kw_only=True)
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
    register: Signal[Register] = Signal(Register.CASUAL, 0.0, known=False)  # of du and Sie, how they address us
    person: Signal[bool] = Signal(False, 0.0, known=False)  # whether a person is asked for
    repetition: Signal[int] = Signal(1, 0.0, known=False)  # the how manyth time it is that they say so, by their words
    questions: Signal[int] = Signal(0, 0.0, known=False)  # that are asked; the evidence is the questions
    time_sensitivity: Signal[float] = _UNREAD  # 0 whenever … 1 now
    times: tuple[NamedTime, ...] = ()
    entities: tuple[Entity, ...] = ()
    trend: Trend | None = None  # of the customer; None without earlier turns
    case_trend: Trend | None = None  # of those among them that are of this turn's topic


@frozen(kw_only=True)
class EarlierTurn:
    """What was read in an earlier turn of the customer: what is needed of it to see where things go."""

    at: datetime
    sentiment: float | None = None  # None: not known
    frustration: float | None = None
    urgency: Urgency | None = None
    expertise: Expertise | None = None
    intent: str | None = None
    answered: bool = True  # whether anything was said to them after it, before the next

    @classmethod
    def of(cls, reading: Reading, at: datetime, *, answered: bool) -> EarlierTurn:
        """What later turns need of a reading: no more than what is known."""
        sentiment, frustration, urgency = reading.sentiment, reading.emotions.frustration, reading.urgency
        expertise, intent = reading.expertise, reading.intent
        return cls(
            at=at,
            sentiment=sentiment.value if sentiment.known else None,
            frustration=frustration.value if frustration.known else None,
            urgency=urgency.value if urgency.known else None,
            expertise=expertise.value if expertise.known else None,
            intent=intent.value if intent.known else None,
            answered=answered,
        )


@frozen(kw_only=True)
class BusinessHours:
    """When the company works; public holidays are its own to name."""

    opens: time = time(9)
    closes: time = time(18)
    days: frozenset[int] = frozenset(range(5))  # Monday is 0
    holidays: frozenset[date] = frozenset()


_OFFICE = BusinessHours()


@frozen(kw_only=True)
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
