"""What becomes of the case that a turn is about, as far as the reply decides it: all else is memory's."""

from __future__ import annotations

from omnibot.dialogue.heard import Heard
from omnibot.dialogue.playing import Play, which_key, which_of
from omnibot.dialogue.substance import Substance
from omnibot.dialogue.turn import Turn
from omnibot.model import OUT_OF_SCOPE, Attempt, Case, CaseChange, CaseState, MoveKind

__all__ = ["case_change"]

_LONGEST_CONCERN = 300  # characters


def case_change(turn: Turn, heard: Heard, said: Substance, play: Play | None, *, handed_off: bool) -> CaseChange | None:
    """That people have it, that it waits for an answer to our question, or which it is."""
    question = said.question
    if not handed_off and question is None and not (heard.meant and play):
        return None
    intent = play.playbook.intent if play else _intent(turn)
    case = _same(turn.recollection.case, intent, play, heard.meant)
    intent = intent or (case.intent if case else "")
    if not intent:
        return None
    now, asked_already = turn.messages[-1].at, case.asked if case else ()
    source = f"message:{turn.messages[-1].id}"
    told = [move.topic for move in said.moves if move.kind is MoveKind.ANSWER]
    return CaseChange(
        id=case.id if case else None,
        intent=intent,
        topic=(case.topic if case else "") or _topic(turn, intent),
        state=CaseState.HANDED_OFF if handed_off else CaseState.WAITING,
        contact=turn.recollection.is_contact,
        concern=_clipped(" ".join([message.text for message in turn.messages if message.text])),
        asked=(*asked_already, which_key(question)) if question else asked_already,
        attempts=tuple([Attempt(what=f"article:{id_}", by="bot", at=now, source=source) for id_ in told]),
        why="people take over" if handed_off else "waits for them: it was asked or answered",
    )


def _same(case: Case | None, intent: str, play: Play | None, meant: str) -> Case | None:
    """The case that a turn seemed to be about, unless it is another matter; one that was offered is the same."""
    if case is None or play is None or intent in ("", case.intent):
        return case
    offered = bool(meant) and any(meant in which_of(key) for key in case.asked)
    return case if offered else None


def _intent(turn: Turn) -> str:
    intent = turn.reading.intent
    return intent.value if intent.value != OUT_OF_SCOPE and (intent.known or not turn.recollection.case) else ""


def _topic(turn: Turn, intent: str) -> str:
    """What it is about: an order, an invoice, as its playbook says."""
    playbook = turn.company.playbooks.of(intent)
    return (turn.world.entity(playbook.topic) or "") if playbook and playbook.topic else ""


def _clipped(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_CONCERN else f"{text[: _LONGEST_CONCERN - 1]}…"
