"""What a turn says after what was said before it: choices that were offered, questions that wait for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import islice, takewhile

from omnibot.dialogue.heard import INTENT_CHOICE, Heard, chosen, is_asked, listen
from omnibot.dialogue.linking import without_codes
from omnibot.dialogue.orders import START
from omnibot.dialogue.phrases import Talk
from omnibot.dialogue.turn import Turn
from omnibot.model import OUT_OF_SCOPE, AddressId, Choice, Direction, TurnMessage

__all__ = ["HELP", "hear"]

HELP = "help"  # flag of a message: the network's own word for help
_NOT_SPOKEN = frozenset({START, HELP})  # orders to the server, and words of the network
_SAID_BEFORE = 3  # messages that an address alone may complete
_FEW_WORDS, _PRAISE = 8, 16  # words: who says more than it takes to say that it works, or is liked, may want more


def hear(turn: Turn) -> Heard:
    """What is said; START opens a conversation."""
    offered = any([one.choices for one in turn.recollection.recent])
    pressed = [_as_pressed(message, turn) for message in turn.messages] if offered else turn.messages
    spoken = [
        without_codes(_as_first_asked(message, turn), turn.snapshot.tried)
        for message in pressed
        if _NOT_SPOKEN.isdisjoint(message.flags) and not message.own_number
    ]
    heard = listen(spoken, turn.company.knowledge, turn.reading.language.value, partial(_said_before, turn))
    heard.meant = _meant(pressed)
    if START in turn.flags:
        heard.talk.append(Talk.HELLO)
    if talk := _no_matter(heard, turn):
        heard.talk.append(talk)
        heard.asides += heard.unanswered
        heard.unanswered = []
    return heard


def _no_matter(heard: Heard, turn: Turn) -> Talk | None:
    """What a few words say that no form has and that nobody need answer: that they like it, or that it works."""
    if heard.answered or not heard.unanswered or turn.reading.questions.value:
        return None
    if any([is_asked(text) for text in heard.unanswered]):
        return None
    words = sum([len(text.split()) for text in heard.unanswered])
    intent, case = turn.reading.intent, turn.recollection.case
    wanted = intent.value if intent.known else ""
    another = wanted not in ("", OUT_OF_SCOPE, case.intent if case else "")
    if turn.recollection.solved and words <= _FEW_WORDS and not another:
        return Talk.SOLVED
    playbook = turn.company.playbooks.of(wanted) if wanted else None
    praises = playbook is not None and playbook.case == "none" and not playbook.decides
    return Talk.PRAISE if praises and words <= _PRAISE and turn.mood >= 0 else None


# --- what answers what we said ---


def _as_pressed(message: TurnMessage, turn: Turn) -> TurnMessage:
    """The number or the words of a choice that we offered there last count as if it had been pressed."""
    choice = None if message.pressed else chosen(message.text, _offered_on(message.address, turn))
    return replace(message, pressed=choice.value) if choice else message


def _offered_on(address: AddressId, turn: Turn) -> Sequence[Choice]:
    """By the latest message there; () when it is theirs, or offers nothing."""
    latest = next(turn.said_on(address), None)
    return latest.choices if latest else ()


def _meant(messages: Sequence[TurnMessage]) -> str:
    """The intent that a choice says was meant, the last one."""
    said = [m.pressed.removeprefix(INTENT_CHOICE) for m in messages if m.pressed.startswith(INTENT_CHOICE)]
    return said[-1] if said else ""


def _as_first_asked(message: TurnMessage, turn: Turn) -> TurnMessage:
    """Who says which of two was meant asks again what they asked before we did not know it."""
    if not message.pressed.startswith(INTENT_CHOICE):
        return message
    there = list(turn.said_on(message.address))
    offer = next((place for place, one in enumerate(there) if one.direction is Direction.OUT and one.choices), None)
    before = there[offer + 1 :] if offer is not None else []
    asked_first = list(takewhile(lambda one: one.direction is Direction.IN, before))
    text = "\n".join(one.text for one in reversed(asked_first))
    return replace(message, pressed="", text=text or message.text)


def _said_before(turn: Turn) -> Sequence[str]:
    """What they wrote last where they write now, the latest first."""
    theirs = (one.text for one in turn.said_on(turn.written_on.id) if one.direction is Direction.IN)
    return list(islice(theirs, _SAID_BEFORE))
