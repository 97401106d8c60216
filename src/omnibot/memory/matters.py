"""Which matter a turn is about: the case that it goes on with, or none yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta

from omnibot.memory.said import Said
from omnibot.model import (
    OUT_OF_SCOPE,
    Address,
    AddressId,
    Case,
    CaseState,
    Direction,
    Reading,
    Snapshot,
    TurnMessage,
)
from omnibot.model.values import frozen

__all__ = ["CONTACT", "Matters", "can_go_on", "intent_of", "is_contact", "matter_of", "topic_of"]

CONTACT = timedelta(minutes=30)  # of silence: whoever writes again after that comes once more
_ONE_MATTER = timedelta(days=7)  # for which "any news?" is about what was spoken of last
_OWED = timedelta(days=365)  # for which what nobody answered is remembered as open
_LONG_ENOUGH = 4  # signs of a number that is nothing else by accident
_NUMBERS = ("error_code", "order", "invoice", "ticket")  # what tells one matter from another, the tellingest first
_THINGS = ("product", "plan")
_NO_MATTER = frozenset({"version", "amount", "date", *_THINGS})  # what is the same in many matters
_ANSWERED = (CaseState.WAITING, CaseState.RESOLVED)
_NOTHING: Mapping[str, str] = {}


@frozen(kw_only=True)
class Matters:
    """How the company tells matters apart."""

    reopen: timedelta = timedelta(days=14)  # since it was answered or solved, in which it is the same one again
    topics: Mapping[str, str] = field(default_factory=lambda: _NOTHING)  # by intent the label of what tells them apart
    earlier: frozenset[str] = frozenset()  # intents about whatever was spoken of before: where it stands, a person
    none: frozenset[str] = frozenset()  # intents that are nothing to be solved: praise


def matter_of(
    snapshot: Snapshot, reading: Reading, messages: Sequence[TurnMessage], said: Said, matters: Matters
) -> Case | None:
    """The case that a turn is about, of those that can go on; None: it would open one, or is about none."""
    cases = snapshot.cases
    if not cases:
        return None
    now = messages[-1].at
    near = [case for case in reversed(cases) if can_go_on(case, now, matters)]
    if not near:
        return None
    intent = intent_of(reading, matters)
    if intent and intent not in matters.earlier:
        return _of_intent(intent, near, reading, messages, said, matters)
    if told := _by_number(near, {entity.value for entity in reading.entities}, messages):
        return told
    latest = near[0]
    if intent or any(message.answers is not None for message in messages):
        return latest
    if _is_one_conversation(latest, snapshot, messages):
        return latest
    refers = said.goes_on or said.solved is not None or said.thanks or _again(reading)
    return latest if refers and now - latest.touched_at <= _ONE_MATTER else None


def intent_of(reading: Reading, matters: Matters) -> str:
    """What is wanted, where it is known and something to be solved; else ''."""
    intent = reading.intent
    return "" if not intent.known or intent.value == OUT_OF_SCOPE or intent.value in matters.none else intent.value


def topic_of(intent: str, reading: Reading, matters: Matters) -> str:
    """What tells this matter from others of its intent; '' where nothing does."""
    if not reading.entities:
        return ""
    if label := matters.topics.get(intent):
        return next((entity.value for entity in reading.entities if entity.label == label), "")
    for labels in (_NUMBERS, _THINGS):
        for label in labels:
            for entity in reading.entities:
                if entity.label == label:
                    return entity.value
    return ""


def can_go_on(case: Case, now: datetime, matters: Matters) -> bool:
    """Whether what is written now may still be about it: what is answered or solved is over after a while."""
    if case.state in _ANSWERED:
        return now - (case.resolved_at or case.touched_at) <= matters.reopen
    return now - case.touched_at <= _OWED


def is_contact(case: Case, snapshot: Snapshot, messages: Sequence[TurnMessage], said: Said) -> bool:
    """Whether they come anew: after a silence, or on another channel without answering us there.

    Whoever only tells that it is solved wants nothing.
    """
    if said.solved or said.thanks:
        return False
    first = messages[0]
    if first.at - _last_word(case, snapshot, first.at) >= CONTACT:
        return True
    return first.answers is None and not _is_where_it_stands(case, snapshot, first, unless_known=True)


def _of_intent(
    intent: str,
    near: Sequence[Case],
    reading: Reading,
    messages: Sequence[TurnMessage],
    said: Said,
    matters: Matters,
) -> Case | None:
    """The case of the same intent and topic; else one that has its number; else one that may be meant again."""
    topic = topic_of(intent, reading, matters)
    same = [case for case in near if case.intent == intent]
    named = {entity.value for entity in reading.entities}
    if found := next((case for case in same if case.topic == topic), None):
        return found
    if found := next((case for case in same if not (case.topic and topic) or case.topic in named), None):
        return found
    numbers = {entity.value for entity in reading.entities if entity.label not in _NO_MATTER}
    if found := _by_number(near, numbers, messages):
        return found
    if not (said.solved is False or _again(reading)):
        return None
    likely = {other.value for other in reading.intent.alternatives}
    lately = _recent(near, messages[-1].at)
    return next((case for case in lately if case.intent in likely and _may_be(case, named, topic)), None)


def _by_number(near: Sequence[Case], named: Collection[str], messages: Sequence[TurnMessage]) -> Case | None:
    """The first whose topic is named or stands in what they wrote."""
    for case in near:
        if case.topic and (case.topic in named or _is_written(case.topic, messages)):
            return case
    return None


def _is_written(topic: str, messages: Sequence[TurnMessage]) -> bool:
    """Whether a number stands in what they wrote, though it is not said what it is: "did you find 2024-118?"."""
    if len(topic) < _LONG_ENOUGH or not any(map(str.isdecimal, topic)):
        return False
    number = topic.casefold()
    texts = [text for m in messages if number in (text := m.text.casefold())]
    return any(number in [word.strip(".,;:!?#()\"'") for word in text.split()] for text in texts)


def _may_be(case: Case, named: Collection[str], topic: str) -> bool:
    return not (case.topic and topic) or case.topic in named


def _recent(near: Sequence[Case], now: datetime) -> Iterator[Case]:
    return (case for case in near if now - case.touched_at <= _ONE_MATTER)


def _again(reading: Reading) -> bool:
    return reading.repetition.known and reading.repetition.value > 1


def _is_one_conversation(case: Case, snapshot: Snapshot, messages: Sequence[TurnMessage]) -> bool:
    """Whether it was spoken of just now, where they write, and of nothing else since."""
    first = messages[0]
    last = snapshot.earlier[-1] if snapshot.earlier else None
    if last and last.at > case.touched_at and last.intent not in (None, OUT_OF_SCOPE, case.intent):
        return False
    if first.at - _last_word(case, snapshot, first.at) >= CONTACT:
        return False
    return _is_where_it_stands(case, snapshot, first, unless_known=False)


def _is_where_it_stands(case: Case, snapshot: Snapshot, message: TurnMessage, *, unless_known: bool) -> bool:
    """Whether they write where they last came with it, or where our answer went; `unless_known` if that is not known.

    An SMS does not say what it answers.
    """
    address = _address_of(message.address, snapshot)
    if address is None or not case.channels:
        return unless_known
    return case.channels[-1] == address.channel or any(
        said.direction is Direction.OUT and said.address == address and said.at >= case.touched_at
        for said in snapshot.timeline
    )


def _last_word(case: Case, snapshot: Snapshot, now: datetime) -> datetime:
    """When either of us last said something, since the case was touched."""
    last = case.touched_at
    for message in snapshot.timeline:
        if message.direction is Direction.OUT and last < message.at <= now:
            last = message.at
    return last


def _address_of(id_: AddressId, snapshot: Snapshot) -> Address | None:
    for known in snapshot.addresses:
        if known.id == id_:
            return known.address
    return None
