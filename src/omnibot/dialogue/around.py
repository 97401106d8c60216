"""What stands around what a reply is about: what shows that they are known, and where to read on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from omnibot.dialogue.handing_off import SAYS_SORRY
from omnibot.dialogue.manner import Manner
from omnibot.dialogue.personal import Personal, fewer
from omnibot.dialogue.playing import Play
from omnibot.dialogue.substance import Substance
from omnibot.dialogue.turn import Turn
from omnibot.dialogue.world import signed_up
from omnibot.model import Length, Level, Move, MoveKind, Value

__all__ = ["Around", "around"]

_MOST_RESOURCES = 2  # more are none


@dataclass(slots=True)
class Around:
    """What stands before and behind what a reply is about."""

    before: tuple[Move, ...] = ()
    behind: tuple[Move, ...] = ()


def around(turn: Turn, said: Substance, talk: Sequence[Move], manner: Manner, play: Play | None) -> Around:
    """As much as helps, and as they let us."""
    is_new = signed_up(turn.snapshot, turn.world.now) is not None
    resources = tuple(_resources(turn, said, manner, is_new=is_new))
    if manner.level is Level.NAME or not (said.moves or talk) or (play is None and not is_new):
        return Around(behind=resources)
    personal = [*_before(turn, said, manner, play), *_behind(said, play)]
    brief = manner.preferences.length is Length.SHORT and not said.handoff  # whoever takes over, what was tried is told
    kept = fewer(personal, manner.level, brief=brief)
    behind = tuple(move for move in kept if move.kind is MoveKind.NEXT)
    return Around(tuple(move for move in kept if move.kind is not MoveKind.NEXT), (*behind, *resources))


def _before(turn: Turn, said: Substance, manner: Manner, play: Play | None) -> Iterator[Move]:
    playbook = play.playbook if play else None
    personal = Personal(turn.world, turn.company, playbook, manner.language, manner.register)
    yield from personal.welcome()
    if play is None:
        return
    cause = play.cause() if not said.handoff else None
    if said.moves:
        if said.handoff is None or said.handoff.topic not in SAYS_SORRY:
            unfit = _unfit(said, caused=cause is not None)
            yield from (move for move in personal.mood() if move.topic not in unfit)
        yield from personal.history()
    if cause:
        yield cause


def _unfit(said: Substance, *, caused: bool) -> frozenset[str]:
    """The words on a feeling that what follows would belie."""
    if said.handoff is None:
        return frozenset({"sorry"} if caused else ())  # of what they did nobody is sorry
    told = any(move.kind is MoveKind.ANSWER for move in said.moves)
    return frozenset({"glad"} if told else {"glad", "confused"})  # else there is nothing to go through


def _behind(said: Substance, play: Play | None) -> Iterator[Move]:
    if play and not said.handoff and said.followed.chosen and (step := play.next()):
        yield step


def _resources(turn: Turn, said: Substance, manner: Manner, *, is_new: bool) -> Iterator[Move]:
    """Where to read on, for who begins."""
    if not (is_new or turn.is_beginners) or manner.preferences.length is Length.SHORT:
        return
    answered = [move.topic for move in said.moves if move.kind is MoveKind.ANSWER]
    article = turn.company.knowledge.article(answered[0], manner.language) if answered else None
    if article is None:
        return
    told = {link.url for link in article.links}
    links = [link for link in article.resources if link.url not in told][:_MOST_RESOURCES]
    if not links:
        return
    facts: dict[str, Value] = {}
    for number, link in enumerate(links, 1):
        facts |= {f"link.{number}.label": link.label, f"link.{number}.url": link.url}
    facts["count"] = len(links)
    sources = (f"article:{article.id}",)
    yield Move(kind=MoveKind.RESOURCES, topic="links", facts=facts, sources=sources, why="begins with it")
