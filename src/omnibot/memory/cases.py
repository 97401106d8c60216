"""What a turn does to its case: opened, answered, solved, reopened, handed off; what was tried for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from omnibot.memory.matters import Matters, can_go_on, intent_of, is_contact, topic_of
from omnibot.memory.said import Said
from omnibot.model import (
    OUT_OF_SCOPE,
    Attempt,
    Case,
    CaseChange,
    CaseState,
    MoveKind,
    Plan,
    Reading,
    Recollection,
    Result,
    Snapshot,
    TurnMessage,
)

__all__ = ["ARTICLE", "BOT", "CUSTOMER", "agents_of", "change_of"]

BOT, CUSTOMER = "bot", "customer"  # by whom something was tried, besides names of staff
ARTICLE = "article:"

_CONCERN = 200  # characters of what is still open


class _Done(NamedTuple):
    """What a plan does about a matter."""

    told: tuple[str, ...]  # articles
    asked: tuple[str, ...]  # keys of questions
    answers: bool  # the next word is theirs
    concerns: bool  # it does anything about a matter: small talk, wishes and thanks are none

    @classmethod
    def of(cls, plan: Plan) -> _Done:
        told: dict[str, None] = {}
        asked: dict[str, None] = {}
        answers = concerns = bool(plan.handoff)
        for move in plan.moves:
            kind = move.kind
            if kind is MoveKind.ANSWER or kind is MoveKind.STEPS:
                told[move.topic] = None
            elif kind is MoveKind.ASK:
                asked[move.topic] = None
            elif kind is not MoveKind.CAUSE:
                concerns = concerns or kind is MoveKind.HANDOFF or kind is MoveKind.PROMISE
                continue
            answers = concerns = True
        told.pop("", None)
        asked.pop("", None)
        return cls(tuple(told), tuple(asked), answers, concerns)


def agents_of(case: Case | None) -> tuple[str, ...]:
    """The members of staff who tried something, the first first, and then those who only answered."""
    if case is None:
        return ()
    tried = (one.by for one in case.attempts if one.by not in (BOT, CUSTOMER))
    return tuple(dict.fromkeys((*tried, *case.agents)))


def change_of(
    snapshot: Snapshot,
    reading: Reading,
    recollection: Recollection,
    plan: Plan,
    messages: Sequence[TurnMessage],
    said: Said,
    matters: Matters,
) -> CaseChange | None:
    """What becomes of the case that a turn is about; None where it is about none, and where it leaves it as it was.

    Where the plan decides about a case that holds, and what was tried and how often they came is added.
    """
    done, decided = _Done.of(plan), plan.case
    case = _case(snapshot, reading, recollection, plan, done, messages[-1].at, matters)
    if decided is None and not (
        _opens(reading, plan, done, matters) if case is None else _touches(case, plan, done, said)
    ):
        return None
    state, why = _state(case, plan, done, said)
    if decided is not None:
        state, why = decided.state, decided.why or why
    asked = (*(case.asked if case else ()), *(decided.asked if decided else ()), *done.asked)
    intent = _intent(case, reading, decided, matters)
    return CaseChange(
        id=case.id if case else None,
        intent=intent,
        topic=_topic(case, reading, decided, intent, done, matters),
        state=state,
        contact=_is_contact(case, snapshot, recollection, messages, said),
        concern=_concern(case, reading, decided, messages, state),
        asked=tuple(dict.fromkeys(asked)),
        attempts=tuple(_attempts(case, decided, done, messages, said)),
        team=_team(case, plan, state),
        why=why,
    )


def _case(
    snapshot: Snapshot,
    reading: Reading,
    recollection: Recollection,
    plan: Plan,
    done: _Done,
    now: datetime,
    matters: Matters,
) -> Case | None:
    """As the plan decides; else as recalled; else, where no playbook covers it, by the article that answers.

    What was recalled because it was spoken of just before is none of it where the plan finds something else in it.
    """
    decided, recalled = plan.case, recollection.case
    if decided is not None and decided.id is not None:
        return next((case for case in snapshot.cases if case.id == decided.id), recalled)
    if decided is not None and recalled and not intent_of(reading, matters):
        return recalled if decided.intent in ("", recalled.intent) else None
    if recalled or decided is not None or not done.told:
        return recalled
    for case in reversed(snapshot.cases):
        if case.intent == OUT_OF_SCOPE and case.topic in done.told and can_go_on(case, now, matters):
            return case
    return None


def _opens(reading: Reading, plan: Plan, done: _Done, matters: Matters) -> bool:
    """Small talk, wishes, thanks and praise open no case; what is answered, asked back or handed to people does."""
    if reading.intent.known and reading.intent.value in matters.none and not plan.handoff:
        return False
    return done.concerns


def _touches(case: Case, plan: Plan, done: _Done, said: Said) -> bool:
    """Whether a turn has to do with the case, and is no wish or greeting beside it; what people answer has."""
    if done.concerns or said.solved is not None or said.tried or not plan.moves:
        return True
    return said.thanks and case.state is not CaseState.RESOLVED


def _is_contact(
    case: Case | None, snapshot: Snapshot, recollection: Recollection, messages: Sequence[TurnMessage], said: Said
) -> bool:
    if case is None:
        return True
    if recollection.case is not None and recollection.case.id == case.id:
        return recollection.is_contact
    return is_contact(case, snapshot, messages, said)


def _state(case: Case | None, plan: Plan, done: _Done, said: Said) -> tuple[CaseState, str]:
    """How far it has come after the turn, and why."""
    before = case.state if case else CaseState.OPEN
    if plan.handoff:
        return CaseState.HANDED_OFF, plan.handoff
    if case and said.solved:
        return CaseState.RESOLVED, "they say that it is solved"
    if before is CaseState.HANDED_OFF:
        return before, "people have it"
    if said.thanks and not done.concerns and before in (CaseState.WAITING, CaseState.RESOLVED):
        return CaseState.RESOLVED, "they thank for the answer"
    if before is CaseState.RESOLVED:
        if said.solved is False or done.concerns:
            return CaseState.REOPENED, "they come again with it"
        return before, "nothing new about it"
    if done.answers:
        return CaseState.WAITING, "asked back" if done.asked else "answered"
    if said.solved is False and before is CaseState.WAITING:
        return CaseState.OPEN, "what was told did not help"
    return before, "not answered"


def _team(case: Case | None, plan: Plan, state: CaseState) -> str:
    """Whom it goes to when people take it over; who has it by then has it still."""
    before = case.state if case else CaseState.OPEN
    if state is CaseState.HANDED_OFF and before is not CaseState.HANDED_OFF:
        return plan.team
    return case.team if case else ""


def _intent(case: Case | None, reading: Reading, decided: CaseChange | None, matters: Matters) -> str:
    if case and case.intent != OUT_OF_SCOPE:
        return case.intent  # whatever is asked about it: where it stands, for a person
    if decided is not None and decided.intent:
        return decided.intent
    if case:
        return case.intent
    read = reading.intent.value if reading.intent.known else OUT_OF_SCOPE  # also of what only people can take
    return intent_of(reading, matters) or read


def _topic(
    case: Case | None, reading: Reading, decided: CaseChange | None, intent: str, done: _Done, matters: Matters
) -> str:
    """What it was about before, else what is named now; without a playbook the article that answers names it."""
    if decided is not None and decided.topic:
        return decided.topic
    if case and case.topic:
        return case.topic
    named = topic_of(intent, reading, matters)
    return done.told[0] if not named and done.told and intent == OUT_OF_SCOPE else named


def _concern(
    case: Case | None,
    reading: Reading,
    decided: CaseChange | None,
    messages: Sequence[TurnMessage],
    state: CaseState,
) -> str:
    """What is still open, in their words: their question, else how they began; anew where it was solved before."""
    if state is CaseState.RESOLVED:
        return ""
    if case and case.concern:
        return case.concern
    if decided is not None and decided.concern:
        return decided.concern
    asked = reading.questions.evidence
    words = asked[0].text if reading.questions.known and asked else next((m.text for m in messages if m.text), "")
    return _shortened(" ".join(words.split()))


def _shortened(text: str) -> str:
    if len(text) <= _CONCERN:
        return text
    head = text[:_CONCERN]
    return f"{head.rpartition(' ')[0] or head} …"


# --- what was tried ---


def _attempts(
    case: Case | None, decided: CaseChange | None, done: _Done, messages: Sequence[TurnMessage], said: Said
) -> Iterator[Attempt]:
    """What is judged by their words, what they have tried, what we tell them to try; the plan's own judgement holds."""
    ours = {one.what for one in decided.attempts} if decided else ()
    if decided:
        yield from decided.attempts
    before: Mapping[str, Attempt] = {one.what: one for one in case.attempts} if case else {}
    now = messages[-1].at
    if said.solved is not None or said.tried:
        for one in (*_judged(before, now, said), *_by_them(before, now, said)):
            if one.what not in ours:
                yield one
    for article in done.told:
        if (what := f"{ARTICLE}{article}") not in before and what not in ours:
            yield Attempt(what=what, by=BOT, at=now, source=f"message:{messages[-1].id}")


def _judged(before: Mapping[str, Attempt], now: datetime, said: Said) -> Iterator[Attempt]:
    """What was told last has worked or failed; not what had failed before, nor what stands beside their own act."""
    if said.solved is None or (said.solved and said.tried):
        return
    ours = [one for one in before.values() if one.by != CUSTOMER]
    last = max((one.at for one in ours), default=None)
    result = Result.WORKED if said.solved else Result.FAILED
    for one in ours:
        if one.at == last and one.result is not result and (one.result is Result.UNKNOWN or not said.solved):
            yield replace(one, at=now, result=result, source="")


def _by_them(before: Mapping[str, Attempt], now: datetime, said: Said) -> Iterator[Attempt]:
    """Who tells what they have tried tells that it did not help, unless it has."""
    for what, message in (said.tried or {}).items():
        result = Result.WORKED if said.solved else Result.FAILED
        known = before.get(what)
        if known is None or known.result is not result:
            yield Attempt(what=what, by=CUSTOMER, at=now, result=result, source=f"message:{message}")
