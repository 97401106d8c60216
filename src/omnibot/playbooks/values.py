"""What a playbook says, as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Literal

from omnibot.model import Register
from omnibot.playbooks.expressions import Expression

__all__ = [
    "ENTITIES",
    "EVENTS",
    "FACTS",
    "KNOWN_PLACES",
    "Answer",
    "CaseRule",
    "Cause",
    "Handoff",
    "Playbook",
    "Question",
    "Said",
    "Survey",
    "Texts",
    "Within",
]

Texts = Mapping[str, Mapping[Register, str]]  # by language, then by how somebody is spoken to
Survey = Literal["", "csat", "nps", "ces"]
CaseRule = Literal["own", "earlier", "none"]
Priority = Literal["", "normal", "high", "urgent"]

KNOWN_PLACES = frozenset({"company", "bot", "contact", "name"})  # that whoever speaks can fill in any text
# What Omnibot knows by itself; all else that a playbook looks up it must declare.
EVENTS = frozenset(
    [
        *("signed_up", "profile_changed", "plan_changed", "plan_cancelled", "trial_ending", "onboarding_step"),
        *("invoice", "invoice_paid", "payment_succeeded", "payment_failed", "milestone", "referral"),
        *("feature_used", "page_viewed", "screen_viewed", "session_started", "logged_in"),
    ]
)
FACTS = frozenset(
    [
        *("name", "language", "zone", "company", "customer_since", "product", "plan", "payment"),
        *("os", "browser", "device", "app", "version"),
    ]
)
ENTITIES = frozenset({"order", "invoice", "product", "plan", "version", "error_code", "amount", "date"})
_NOTHING: Mapping[str, Expression] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The company's own words for something, and what goes into their places."""

    texts: Texts
    facts: Mapping[str, Expression] = field(default_factory=lambda: _NOTHING)
    places: frozenset[str] = frozenset()  # of all its texts
    where: str = field(default="", compare=False)  # file and line

    def in_language(self, language: str) -> Mapping[Register, str] | None:
        """Its words in a language, if there are any."""
        return self.texts.get(language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Something that is likely behind what is asked."""

    id: str
    when: Expression
    said: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An article that answers, and when it does."""

    article: str
    when: Expression | None = None
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked back, and when; never twice in one matter."""

    key: str
    said: Said
    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class Within:
    """How much working time somebody has: whole working days, and minutes."""

    days: int = 0
    minutes: int = 0

    def __str__(self) -> str:
        """As people read it."""
        hours, minutes = divmod(self.minutes, 60)
        parts = ((self.days, "day"), (hours, "hour"), (minutes, "minute"))
        return " and ".join(f"{count} {unit}{'s' * (count > 1)}" for count, unit in parts if count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """When people take over, and who."""

    team: str
    when: Expression | None = None
    priority: Priority = ""
    within: Within | None = None
    said: Said | None = None  # in the company's own words; else the voice has some
    why: str = ""  # people get it, as they are told
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """A step that is offered behind the answer."""

    said: Said
    when: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """One thing that customers want, and how the company wants it handled."""

    intent: str
    description: str
    examples: Mapping[str, tuple[str, ...]]  # by language, ISO 639-1: as customers put it
    matter: Texts = field(default_factory=dict)  # how it is spoken of: "your bill"
    family: str = ""  # what kind of matter it is, together with others; '' is its intent
    topic: str = ""  # the label of what tells one matter of it from another: an order, an error code
    case: CaseRule = "own"  # it is a matter of its own, is about the one before, or is nothing to be solved
    lookup: tuple[str, ...] = ()  # what it looks up besides what Omnibot knows by itself
    causes: tuple[Cause, ...] = ()  # the first that holds is told
    answers: tuple[Answer, ...] = ()  # the first that holds, and has not failed before
    questions: tuple[Question, ...] = ()
    handoffs: tuple[Handoff, ...] = ()  # the first that holds
    never_repeat: bool = True  # what failed is not told again
    next: Next | None = None
    follow_up: timedelta | None = None  # after which somebody asks how it went
    survey: Survey = ""
    where: str = field(default="", compare=False)  # its file

    @property
    def decides(self) -> bool:
        """Whether it says what is to be done, and does not just tell an intent."""
        return bool(self.answers or self.questions or self.handoffs or self.causes or self.next)

    @property
    def kind(self) -> str:
        """What kind of matter it is."""
        return self.family or self.intent

    @property
    def said(self) -> Iterable[Said]:
        """Everything that it says."""
        yield from (cause.said for cause in self.causes)
        yield from (question.said for question in self.questions)
        yield from (handoff.said for handoff in self.handoffs if handoff.said)
        if self.next:
            yield self.next.said

    @property
    def expressions(self) -> Iterable[Expression]:
        """Everything that it computes."""
        rules: list[Cause | Answer | Question | Handoff | Next]
        rules = [*self.causes, *self.answers, *self.questions, *self.handoffs, *([self.next] if self.next else [])]
        yield from (rule.when for rule in rules if rule.when is not None)
        for said in self.said:
            yield from said.facts.values()
