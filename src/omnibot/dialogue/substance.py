"""What a reply is about: what is answered or asked back, and who takes over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from omnibot.dialogue.answering import answers
from omnibot.dialogue.following import Followed, follow
from omnibot.dialogue.handing_off import WAITING, addressed, comes_first, handoff
from omnibot.dialogue.heard import Heard
from omnibot.dialogue.manner import Manner
from omnibot.dialogue.playing import Play, promise, promised_by_desk, which
from omnibot.dialogue.turn import Turn
from omnibot.model import Change, Move
from omnibot.playbooks import Handoff

__all__ = ["Substance", "substance"]


@dataclass(slots=True)
class Substance:
    """What a reply is about."""

    moves: tuple[Move, ...]
    followed: Followed
    question: Move | None = None
    handoff: Move | None = None
    rule: Handoff | None = None  # by which people take over


def substance(
    turn: Turn, heard: Heard, changes: Sequence[Change], manner: Manner, play: Play | None, *, confirmed: bool
) -> Substance:
    """What is answered or asked back, and who takes over; `confirmed`: whether the reply confirms something besides."""
    followed = follow(turn, heard, play) if play else Followed()
    told, repeated = answers(turn, heard, changes, manner.language, followed)
    question = followed.question
    if question is None and play is None and heard.unanswered and not told:
        question = which(turn.reading, turn.company, manner.language, manner.register, turn.recollection)
    people = handoff(turn, heard, told, repeated, followed, asks=question is not None, confirmed=confirmed)
    if people is None:
        return Substance((*told, question) if question else told, followed, question)
    rule = followed.rule or (play.otherwise() if play else None)
    people = addressed(turn, people, rule, manner, play)
    if people.topic == WAITING and (earlier := _promised_before(turn, manner)):
        promised: Move | None = earlier
    elif rule is not None:
        promised = promise(rule, turn.company, manner.language, turn.world)
    else:
        promised = promised_by_desk(turn.company, manner.language, turn.world)
    handed_off = (people, promised) if promised else (people,)
    moves = (*handed_off, *told) if comes_first(people) else (*told, *handed_off)
    return Substance(moves, followed, handoff=people, rule=rule)


def _promised_before(turn: Turn, manner: Manner) -> Move | None:
    """By when they were told that people answer who have it: who asks again is told no other time.

    None where they come anew, or that time is over.
    """
    case = turn.with_people
    playbook = turn.company.playbooks.of(case.intent) if case else None
    if case is None or playbook is None or turn.recollection.is_contact:
        return None
    rule = next((rule for rule in playbook.handoffs if rule.team == case.team and rule.within is not None), None)
    if rule is None:
        return None
    earlier = promise(rule, turn.company, manner.language, turn.world, since=case.touched_at)
    by = earlier.facts["by"] if earlier else None
    return earlier if isinstance(by, datetime) and by > turn.world.now else None
