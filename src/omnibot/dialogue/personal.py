"""What shows a customer that they are known: a welcome, how they feel, what was before. Said where it helps, and once.

All of it comes from what one turn may know; each move tells what it rests on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from omnibot.dialogue.company import Company
from omnibot.dialogue.words import Passage
from omnibot.dialogue.world import World, signed_up
from omnibot.model import (
    Case,
    Direction,
    Level,
    Move,
    MoveKind,
    Reading,
    Register,
    Result,
    Signal,
    Value,
)
from omnibot.model.values import frozen
from omnibot.playbooks import Playbook

__all__ = ["LEAST", "Personal", "fewer", "spoken_of"]

_FELT = 0.5  # from which strength on an emotion is there
_PLAIN = 0.65  # from which one is that no word of theirs shows
_FEW = 4  # words, as many as an answer to our question may have that does not know it
_BAD = -0.4  # a mood that deserves a word without any emotion that is known
_YEAR = timedelta(days=365)
_MOST_STEPS = 3  # of what was tried: who tried them knows the rest
_MOST_NAMES = 3
_MANY_CASES = 10  # what is loaded of somebody's matters: of older ones nothing is known then
_RECENT = timedelta(hours=8)  # within which they go on talking, and the same is not said again

LEAST: Mapping[MoveKind, Level] = {  # from which level on a kind of move may be made
    MoveKind.WELCOME: Level.HISTORY,
    MoveKind.HISTORY: Level.HISTORY,
    MoveKind.CAUSE: Level.ANTICIPATION,
    MoveKind.NEXT: Level.ANTICIPATION,
    MoveKind.MOOD: Level.EMOTION,
}
_MOST: Mapping[Level, int] = {  # personal moves of one reply
    Level.NAME: 0,
    Level.HISTORY: 2,
    Level.PREFERENCES: 2,
    Level.ANTICIPATION: 4,
    Level.EMOTION: 5,
}
# What goes first where there is too much of it.
_DISPENSABLE = ("first_of_kind", "next", "customer_since", "mood", "welcome", "helped_by", "tried", "cause", "again")


def fewer(moves: Sequence[Move], level: Level, *, brief: bool) -> list[Move]:
    """As many of the personal moves as a level allows, two less where it should be brief; all others stay."""
    if not moves:
        return []
    allowed = [move for move in moves if level >= LEAST.get(move.kind, Level.NAME)]
    most = max(0, _MOST[level] - 2 * brief)
    ranked = sorted((move for move in allowed if move.kind in LEAST), key=_worth, reverse=True)
    kept = {id(move) for move in ranked[:most]}
    return [move for move in allowed if move.kind not in LEAST or id(move) in kept]


def _worth(move: Move) -> int:
    name = move.topic if move.kind is MoveKind.HISTORY else move.kind.value
    return _DISPENSABLE.index(name)


def spoken_of(playbook: Playbook | None, language: str, register: Register) -> dict[str, Value]:
    """How a matter is called, where its playbook says it in that language."""
    if playbook is None or language not in playbook.matter:
        return {}
    return {"matter": playbook.matter[language][register]}


@frozen
class Personal:
    """What there is to be said to one customer in one turn."""

    world: World
    company: Company
    playbook: Playbook | None
    language: str
    register: Register

    def welcome(self) -> Iterator[Move]:
        """To who has just signed up, in the first reply since."""
        event = signed_up(self.world.snapshot, self.world.now)
        if event is None or any(
            message.direction is Direction.OUT and message.at >= event.at for message in self.world.recollection.recent
        ):
            return
        facts: dict[str, Value] = {"at": event.at}
        if isinstance(plan := event.properties.get("plan"), str) and plan.strip():
            facts["plan"] = plan
        days = self.world.days_since(event.at)
        why = f"signed up {days} days ago"
        yield Move(kind=MoveKind.WELCOME, topic="signed_up", facts=facts, sources=(f"event:{event.id}",), why=why)

    def mood(self) -> Iterator[Move]:
        """The one feeling that is strongest, where it is known and was not just spoken of."""
        topic, signal = _feeling(self.world.reading)
        if not topic:
            sentiment = self.world.reading.sentiment
            if not (sentiment.known and sentiment.value <= _BAD):
                return
            topic, signal = "sorry", sentiment
        if topic == "confused" and self._answers_us():
            return  # "not sure" tells of our question that they do not know, not that they are lost
        if topic == "frustrated" and self.world.recollection.contacts < 2:
            topic = "sorry"  # that it takes too long is not known of what is told for the first time
        if topic == "glad":
            if self.world.reading.questions.value:
                return  # a "thank you" below a question is manners
        elif self._said_before():
            return
        evidence = ", ".join(map(str, signal.evidence)) or f"{signal.value:.2f}"
        sources = tuple(f"message:{message.id}" for message in self.world.messages)
        yield Move(kind=MoveKind.MOOD, topic=topic, sources=sources, why=f"{topic}: {evidence}")

    def _answers_us(self) -> bool:
        """Whether they say in a few words what we have just asked."""
        recent = self.world.recollection.recent
        if not recent or recent[-1].direction is not Direction.OUT or not recent[-1].text.rstrip().endswith("?"):
            return False
        return sum(len(message.text.split()) for message in self.world.messages) <= _FEW

    def _said_before(self) -> bool:
        """Whether they were as cross a moment ago, and got an answer then."""
        if not self.world.snapshot.earlier:
            return False
        last = self.world.snapshot.earlier[-1]
        cross = (last.frustration or 0.0) >= _FELT or (last.sentiment or 0.0) <= _BAD
        return cross and last.answered and self.world.now - last.at <= _RECENT and not self.world.is_contact

    # --- what was before ---

    def history(self) -> Iterator[Move]:
        """That this is the third time; who helped and what was tried; or that it is the first time for long."""
        case = self.world.recollection.case
        if case is not None and self.world.recollection.contacts > 1 and self.world.is_contact:
            yield from self._again(case)
        elif case is None and not self._is_talking():
            yield from self._first_of_kind()

    def _is_talking(self) -> bool:
        """Whether they have just been answered: who goes on from there does not come for the first time in years."""
        if not self.world.snapshot.earlier:
            return False
        last = self.world.snapshot.earlier[-1]
        matters = last.intent is not None and self.company.playbooks.of(last.intent) is not None
        return matters and last.answered and self.world.now - last.at <= _RECENT

    def _again(self, case: Case) -> Iterator[Move]:
        contacts = self.world.recollection.contacts
        sources = (f"case:{case.id}",)
        channels = tuple(dict.fromkeys((*case.channels, self.world.written_on.address.channel)))
        facts: dict[str, Value] = {"contacts": contacts, "ordinal": contacts, "since": case.opened_at}
        facts |= {"channels": channels, **spoken_of(self.playbook, self.language, self.register)}
        why = f"contact {contacts} on the same matter"
        yield Move(kind=MoveKind.HISTORY, topic="again", facts=facts, sources=sources, why=why)
        if names := self.world.recollection.agents[:_MOST_NAMES]:
            why = "they helped with it before"
            yield Move(
                kind=MoveKind.HISTORY, topic="helped_by", facts={"names": tuple(names)}, sources=sources, why=why
            )
        if steps := tuple(self._tried(case))[:_MOST_STEPS]:
            why = "was tried before and has not solved it"
            yield Move(kind=MoveKind.HISTORY, topic="tried", facts={"steps": steps}, sources=sources, why=why)

    def _tried(self, case: Case) -> Iterator[str]:
        """In words: what they and members of staff did as it was told, steps of articles as they stand there."""
        failed = [attempt for attempt in case.attempts if attempt.result is not Result.WORKED]
        said = dict.fromkeys(
            self.world.recollection.tried
            or [attempt.what for attempt in failed if not attempt.what.startswith("article:")]
        )
        steps = [attempt.what for attempt in failed if "#" in attempt.what]
        whole = [attempt.what for attempt in failed if "#" not in attempt.what]
        yield from said
        for what in steps or ([] if said else whole):  # what an article is called says little beside what was done
            if what.startswith("article:") and (text := self._of_article(what)):
                yield text

    def _of_article(self, what: str) -> str:
        id_, _, number = what.removeprefix("article:").partition("#")
        article = self.company.knowledge.article(id_, self.language)
        if article is None or article.language != self.language:
            return ""
        if not number:
            return article.title
        place = int(number) if number.isdecimal() else 0
        return article.steps[place - 1].rstrip(".") if 0 < place <= len(article.steps) else ""

    def _first_of_kind(self) -> Iterator[Move]:
        """Said only where what is known reaches back so far: what nobody has told us is not known not to have been."""
        if self.playbook is None or (start := self._without_since(self.playbook)) is None:
            return
        years = int((self.world.now - start) / _YEAR)
        if years < 1:
            return
        facts: dict[str, Value] = {"years": years, **spoken_of(self.playbook, self.language, self.register)}
        why = f"nothing of this kind since {start:%Y-%m-%d}, and what is known reaches back that far"
        yield Move(kind=MoveKind.HISTORY, topic="first_of_kind", facts=facts, sources=("cases",), why=why)

    def _without_since(self, playbook: Playbook) -> datetime | None:
        """From when on nothing of a playbook's kind was asked; None where that is not known."""
        snapshot, now = self.world.snapshot, self.world.now
        kinds = self.company.playbooks.like(playbook)
        of_kind = [case.touched_at for case in snapshot.cases if case.intent in kinds]
        of_kind += [turn.at for turn in snapshot.earlier if turn.intent in kinds]
        if of_kind:
            return max(of_kind)
        known = [case.opened_at for case in snapshot.cases]
        if len(snapshot.cases) < _MANY_CASES:  # else there may be others between
            known += [message.at for message in snapshot.timeline]
        if snapshot.since is None or not known:
            return None
        return max(snapshot.since, min(*known, now))


def _feeling(reading: Reading) -> tuple[str, Signal[float]]:
    """The strongest that is known; what is wrong comes before what is right."""
    emotions = reading.emotions
    glad = max(emotions.satisfaction, emotions.excitement, key=_strength)
    if _strength(emotions.frustration) >= _FELT:
        return "frustrated", emotions.frustration
    if _is_lost(emotions.confusion, reading.language.value):
        return "confused", emotions.confusion
    if _strength(glad) >= _FELT:
        return "glad", glad
    return "", emotions.frustration


def _is_lost(confusion: Signal[float], language: str) -> bool:
    """Whether somebody shows that they do not follow: who just asks why, or how much, only wants to know."""
    if not confusion.evidence:
        return _strength(confusion) >= _PLAIN  # any short question looks a little lost
    return _strength(confusion) >= _FELT and any(_tells(words.text, language) for words in confusion.evidence)


def _tells(words: str, language: str) -> bool:
    """Whether words say more than that something is asked: "why" alone does not, "which one" does."""
    passage = Passage(words)
    return len(passage.each) > 1 or bool(passage.content(language)) or not passage.each  # signs: "🤔"


def _strength(signal: Signal[float]) -> float:
    return signal.value if signal.known else 0.0
