"""A customer whose turns are taken by memory alone, one after the other, as the store would keep what they leave."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from omnibot.memory import Kept, Matters, keep, profile, recall
from omnibot.model import (
    Address,
    AddressId,
    Attempt,
    Case,
    CaseChange,
    CaseId,
    CaseState,
    CustomerId,
    Direction,
    Entity,
    Evidence,
    Expertise,
    Intent,
    KnownAddress,
    MessageId,
    Move,
    MoveKind,
    Plan,
    Proof,
    Reading,
    Recollection,
    Register,
    Result,
    Sentiment,
    Signal,
    Snapshot,
    TimelineMessage,
    TurnMessage,
    Urgency,
)

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
TELEGRAM = KnownAddress(id=AddressId(1), address=Address("telegram", "4711"), proof=Proof.PROVEN, account="main")
EMAIL = KnownAddress(id=AddressId(2), address=Address("email", "mike@example.org"), proof=Proof.PROVEN, account="main")
SMS = KnownAddress(id=AddressId(3), address=Address("sms", "+491701234567"), proof=Proof.PROVEN, account="main")
EVERYWHERE = (TELEGRAM, EMAIL, SMS)
SILENT = Plan()


def answer(*articles: str) -> Plan:
    return Plan(moves=tuple(Move(kind=MoveKind.ANSWER, topic=article) for article in articles))


def ask(key: str) -> Plan:
    return Plan(moves=(Move(kind=MoveKind.ASK, topic=key),))


def hand_off(why: str = "asked for a person") -> Plan:
    return Plan(moves=(Move(kind=MoveKind.HANDOFF, topic="person"),), handoff=why)


def talk(kind: MoveKind = MoveKind.GREET, topic: str = "opening") -> Plan:
    return Plan(moves=(Move(kind=kind, topic=topic),))


def signal(value: float | None) -> Signal[float]:
    return Signal(0.0, 0.0, known=False) if value is None else Signal(value, 0.9)


def read(
    text: str = "",
    intent: str = "",
    *entities: tuple[str, str],
    language: str = "en",
    register: Register | None = None,
    formality: float | None = None,
    politeness: float | None = None,
    expertise: Expertise | None = None,
    repetition: int = 1,
    question: str = "",
) -> Reading:
    """A reading as understanding would give it; entities as (label, value), which stand in the text or at its end."""
    places = [(label, value, max(0, text.find(value))) for label, value in entities]
    return Reading(
        language=Signal(language, 0.9),
        sentiment=Sentiment(0.0, 0.0),
        urgency=Signal(Urgency.NORMAL, 0.0, known=False),
        intent=Intent(intent or "oos", 0.9 if intent else 0.0, known=bool(intent)),
        entities=tuple(Entity(label, value, value, at, at + len(value)) for label, value, at in places),
        register=Signal(register or Register.CASUAL, 0.9, known=register is not None),
        formality=signal(formality),
        politeness=signal(politeness),
        expertise=Signal(expertise or Expertise.INTERMEDIATE, 0.9, known=expertise is not None),
        repetition=Signal(repetition, 0.8, known=repetition > 1),
        questions=Signal(int(bool(question)), 0.9, (Evidence(question),) if question else (), known=bool(question)),
    )


@dataclass
class Person:
    """Somebody who writes; what each turn leaves is kept as the store keeps it."""

    snapshot: Snapshot = field(
        default_factory=lambda: Snapshot(
            customer=CustomerId(7),
            addresses=EVERYWHERE,
            trusted=frozenset(known.id for known in EVERYWHERE),
            open=frozenset(known.id for known in EVERYWHERE),
        )
    )
    matters: Matters = field(default_factory=Matters)
    now: datetime = NOON
    said: int = 0
    recollection: Recollection = field(default_factory=Recollection)
    kept: Kept = field(default_factory=Kept)

    def says(
        self,
        text: str,
        reading: Reading | None = None,
        plan: Plan = SILENT,
        *,
        on: KnownAddress = TELEGRAM,
        after: timedelta = timedelta(minutes=1),
        answers: int | None = None,
        replied_to: KnownAddress | None = None,
    ) -> Case | None:
        """Take one turn; gives the case that it left, if any. The reply goes where they wrote, by default."""
        self.now += after
        self.said += 10
        message = TurnMessage(
            id=MessageId(self.said),
            address=on.id,
            at=self.now,
            text=text,
            answers=MessageId(answers) if answers else None,
        )
        reading = reading or read(text)
        seen = profile(self.snapshot)
        self.recollection = recall(seen, reading, [message], (), self.matters)
        self.kept = keep(seen, reading, self.recollection, plan, [message], self.matters)
        self._remember(on, message, plan, replied_to or on)
        return self._case(self.kept.case, on, message)

    def _remember(self, on: KnownAddress, message: TurnMessage, plan: Plan, replied_to: KnownAddress) -> None:
        spoken = [self._entry(on, Direction.IN, message.text, 0)]
        if plan.moves:
            spoken.append(self._entry(replied_to, Direction.OUT, "answer", 1))
        facts = {**self.snapshot.facts, **{change.key: change.value for change in self.kept.changes}}
        habits = dict(self.snapshot.habits)
        if self.kept.habits is not None:
            habits[on.id] = self.kept.habits
        self.snapshot = replace(
            self.snapshot,
            timeline=(*self.snapshot.timeline, *spoken)[-20:],
            facts=facts,
            name=facts.get("name", ""),
            habits=habits,
        )

    def _entry(self, on: KnownAddress, direction: Direction, text: str, seconds: int) -> TimelineMessage:
        return TimelineMessage(
            id=MessageId(self.said + seconds),
            customer=CustomerId(7),
            address=on.address,
            direction=direction,
            at=self.now + timedelta(seconds=seconds),
            text=text,
        )

    def _case(self, change: CaseChange | None, on: KnownAddress, message: TurnMessage) -> Case | None:
        if change is None:
            return None
        id_ = change.id or CaseId(message.id)
        before = next((case for case in self.snapshot.cases if case.id == id_), None)
        case = after(before, change, id_, on.address.channel, message.at)
        others = (other for other in self.snapshot.cases if other.id != id_)
        self.snapshot = replace(self.snapshot, cases=tuple(sorted((*others, case), key=lambda c: c.touched_at)))
        return case


def after(before: Case | None, change: CaseChange, id_: CaseId, channel: str, at: datetime) -> Case:
    """A case as the store and `identity` make it of a change."""
    attempts: dict[str, Attempt] = {one.what: one for one in before.attempts} if before else {}
    for one in change.attempts:
        known = attempts.get(one.what)
        if known is None:
            attempts[one.what] = one
        elif one.result is not Result.UNKNOWN:
            attempts[one.what] = replace(known, result=one.result)
    was = before.state if before else None
    contact = change.contact or before is None
    return Case(
        id=id_,
        intent=change.intent,
        topic=change.topic,
        state=change.state,
        opened_at=before.opened_at if before else at,
        touched_at=at,
        resolved_at=((before.resolved_at if before else None) or at) if change.state is CaseState.RESOLVED else None,
        contacts=(before.contacts if before else 0) + contact,
        reopened=(before.reopened if before else 0) + (was is CaseState.RESOLVED and change.state.is_open),
        channels=(*(before.channels if before else ()), *([channel] if contact else [])),
        concern=change.concern,
        team=change.team,
        asked=change.asked,
        attempts=tuple(attempts.values()),
    )
