"""What a turn will do, move by move, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from omnibot.model.addresses import KnownAddress
from omnibot.model.cases import CaseChange
from omnibot.model.ids import MessageId
from omnibot.model.memory import Money
from omnibot.model.preferences import NONE_KNOWN, Level, Preferences, Register
from omnibot.model.proving import Ask
from omnibot.model.values import frozen


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


Value = str | int | float | date | datetime | timedelta | Money | tuple[str, ...]


@frozen(kw_only=True)
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
    told: str = ""  # why, as people who work on it are told; '' where that is in `why`


@frozen(kw_only=True)
class Change:
    """A fact that the turn learned: `name`, `preference.channel`, …; an empty value takes it back."""

    key: str
    value: str
    source: MessageId | None = None  # the message that tells it
    event: str = ""  # or the event's id
    at: datetime | None = None  # from when it holds; None: from now
    confidence: float = 1.0  # 1.0 they say so, less where it is concluded


@frozen(kw_only=True)
class Plan:
    """What one turn will do, and why. No moves: silence."""

    moves: tuple[Move, ...] = ()
    to: KnownAddress | None = None
    pointer: KnownAddress | None = None  # the address written from, when the reply goes elsewhere
    preferences: Preferences = NONE_KNOWN  # as they are after this turn's changes
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
