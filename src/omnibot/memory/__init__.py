"""What is remembered that matters now, and what a turn leaves to be remembered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from omnibot.memory.cases import ARTICLE, agents_of
from omnibot.memory.keep import Kept, keep
from omnibot.memory.matters import Matters, is_contact, matter_of
from omnibot.memory.profile import Learned, learned, profile
from omnibot.memory.relationship import relationship_of
from omnibot.memory.said import Said, listen, worded
from omnibot.memory.situation import situate
from omnibot.model import Case, Reading, Recalled, Recollection, Result, Snapshot, TimelineMessage, TurnMessage

__all__ = [
    "RECENT",
    "Kept",
    "Learned",
    "Matters",
    "keep",
    "learned",
    "listen",
    "profile",
    "recall",
    "relationship_of",
    "situate",
]

RECENT = 20  # messages: enough to see what was just said on every channel
_USUAL = Matters()


def recall(
    snapshot: Snapshot,
    reading: Reading,
    messages: Sequence[TurnMessage],
    recalled: Sequence[Recalled] = (),
    matters: Matters = _USUAL,
    said: Said | None = None,
) -> Recollection:
    """What a turn should have at hand: the latest messages, what was said long ago, and the case that it is about.

    `said` is what `listen` heard of the same messages, where that is known already.
    """
    recent = _recent(snapshot.timeline, messages)
    said = said or listen(messages, reading.language.value)
    case = matter_of(snapshot, reading, messages, said, matters)
    tried = _tried(case, said, reading.language.value)
    relationship = partial(relationship_of, snapshot, messages[-1].at) if messages else None
    if case is None:
        return Recollection(recent=recent, recalled=tuple(recalled), tried=tried, relationship=relationship)
    anew = is_contact(case, snapshot, messages, said)
    return Recollection(
        recent=recent,
        recalled=tuple(recalled),
        case=case,
        contacts=case.contacts + anew,
        is_contact=anew,
        solved=said.solved,
        agents=agents_of(case),
        tried=tried,
        relationship=relationship,
    )


def _recent(timeline: Sequence[TimelineMessage], turn: Sequence[TurnMessage]) -> tuple[TimelineMessage, ...]:
    """The latest messages, oldest first, without the turn's own."""
    own = {message.id for message in turn}
    earlier = [message for message in timeline if message.id not in own]
    return tuple(earlier[-RECENT:])


def _tried(case: Case | None, said: Said, language: str) -> tuple[str, ...]:
    """What was tried in vain before, and by what they say now, in words of a language; articles have others."""
    attempts = case.attempts if case else ()
    if not (attempts or said.tried):
        return ()
    whats = [one.what for one in attempts if one.result is not Result.WORKED and not one.what.startswith(ARTICLE)]
    if not said.solved:
        whats += said.tried or ()
    return tuple(dict.fromkeys(worded(what, language) or what for what in whats))
