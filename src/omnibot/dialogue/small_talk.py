"""How a reply begins, and what answers talk that is about nothing: greetings, thanks, who speaks here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from operator import attrgetter

from omnibot.dialogue.heard import ARTICLE_CHOICE, Heard
from omnibot.dialogue.knowledge import Knowledge
from omnibot.dialogue.phrases import CLOSING, Talk
from omnibot.dialogue.turn import Turn
from omnibot.model import Direction, KnownAddress, Move, MoveKind

__all__ = ["beginning", "small_talk"]

_NEW_CONVERSATION = timedelta(hours=8)  # after such a silence people greet each other again
_TOPICS_OFFERED = 5
_BY_WEIGHT = (
    Talk.WHO_ARE_YOU,
    Talk.THERE,
    Talk.WHAT_CAN_YOU_DO,
    Talk.SOMETHING_ELSE,
    Talk.HOW_ARE_YOU,
    Talk.LIGHT,
    Talk.SOLVED,
    Talk.PRAISE,
    Talk.THANKS,
    Talk.GOODBYE,
    Talk.HELLO,
    Talk.NOTED,
)
_DIRECTION = attrgetter("direction")
_ANSWERED_AS = {Talk.NOTED: Talk.HELLO, Talk.THERE: Talk.WHO_ARE_YOU}


def small_talk(turn: Turn, heard: Heard, language: str) -> Iterator[Move]:
    """One answer to small talk, where nothing weightier is said."""
    talk = next((kind for kind in _BY_WEIGHT if kind in heard.talk), None) if heard.talk else None
    if talk is None or (talk is Talk.NOTED and (_spoke_last(turn) or turn.with_people)):
        return  # "ok" after our answer wants no other, nor from people
    talk = _ANSWERED_AS.get(talk, talk)
    if talk is not Talk.WHO_ARE_YOU and _is_first(turn):
        yield from _greeting(turn, heard)
    kind = MoveKind.CLOSE if talk in CLOSING else MoveKind.GREET
    facts: Mapping[str, str] = _offered(turn.company.knowledge, language) if talk is Talk.WHAT_CAN_YOU_DO else {}
    yield Move(kind=kind, topic=talk.value, facts=facts, why=f"small talk: {talk.value}")


def _offered(knowledge: Knowledge, language: str) -> dict[str, str]:
    """Some titles of articles, by the choice that asks for them."""
    written_in = language if language in knowledge.languages else knowledge.company_language
    articles = [article for article in knowledge.articles if article.language == written_in]
    return {f"choice.{ARTICLE_CHOICE}{a.id}": a.title for a in articles[:_TOPICS_OFFERED]}


# --- how a reply begins ---


def beginning(turn: Turn, heard: Heard, to: KnownAddress | None, moves: Sequence[Move]) -> tuple[Move, ...]:
    """What stands before all else that a reply does: a greeting, and that a machine speaks, each where it is due."""
    greets = MoveKind.GREET in [move.kind for move in moves]
    greeting = () if greets else tuple(_greeting(turn, heard))
    return (*greeting, *_disclosure(turn, to, (*greeting, *moves)))


def _greeting(turn: Turn, heard: Heard) -> Iterator[Move]:
    if _is_first(turn):
        yield Move(kind=MoveKind.GREET, topic="first", why="never met before")
    elif turn.is_shared and _is_new_conversation(turn):
        yield Move(kind=MoveKind.GREET, topic="first", why="several people write from there: perhaps another one")
    elif _is_new_conversation(turn) or Talk.HELLO in heard.talk:
        yield Move(kind=MoveKind.GREET, topic="opening", why="the conversation begins")


def _disclosure(turn: Turn, to: KnownAddress | None, moves: Sequence[Move]) -> Iterator[Move]:
    """That a machine speaks, on each channel once: where never anything was said, the greeting says it."""
    if to is None or any([move.kind is MoveKind.GREET and move.topic == "first" for move in moves]):
        return
    channel = to.address.channel
    for one in reversed(turn.snapshot.timeline or turn.recollection.recent):
        if one.direction is Direction.OUT and not one.by and one.address.channel == channel:
            return
    yield Move(kind=MoveKind.DISCLOSE, topic="machine", why=f"the first that we say on {channel}")


def _is_first(turn: Turn) -> bool:
    return Direction.OUT not in map(_DIRECTION, reversed(turn.recollection.recent))  # mostly the last one is ours


def _is_new_conversation(turn: Turn) -> bool:
    recent = turn.recollection.recent
    return not recent or turn.messages[0].at - recent[-1].at > _NEW_CONVERSATION


def _spoke_last(turn: Turn) -> bool:
    recent = turn.recollection.recent
    return bool(recent) and recent[-1].direction is Direction.OUT
