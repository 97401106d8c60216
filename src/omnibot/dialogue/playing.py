"""A playbook that is followed in one turn: which of its rules hold, and the moves that they come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from omnibot.dialogue.articles import Article
from omnibot.dialogue.company import SUPPORT, Company, Team
from omnibot.dialogue.heard import INTENT_CHOICE
from omnibot.dialogue.personal import spoken_of
from omnibot.dialogue.promises import due_from, opens
from omnibot.dialogue.world import World, tried_in_words
from omnibot.model import (
    OUT_OF_SCOPE,
    Alternative,
    Intent,
    Move,
    MoveKind,
    Reading,
    Recollection,
    Register,
    Result,
    Value,
)
from omnibot.model.values import frozen
from omnibot.playbooks import KNOWN_PLACES, Handoff, Playbook, Playbooks, Said

__all__ = ["Chosen", "Play", "promise", "which", "which_key", "which_of"]

_EVERY_STEP = -1
_WHICH = "which:"


@frozen
class Chosen:
    """An article that answers, without the steps that were tried."""

    article: Article
    left_out: frozenset[int]  # places of steps, from 0
    why: str
    sources: tuple[str, ...] = ()


@frozen
class Play:
    """One playbook in one turn."""

    playbook: Playbook
    world: World
    company: Company
    language: str
    register: Register

    # --- its rules ---

    def cause(self) -> Move | None:
        """The first likely cause that holds and can be told."""
        for cause in self.playbook.causes:
            self.world.sources()
            if not self.world.holds(cause.when):
                continue
            topic = f"{self.playbook.intent}.{cause.id}"
            if move := self._says(MoveKind.CAUSE, topic, cause.said, f"likely, because {cause.when.text}"):
                return move
        return None

    def question(self) -> Move | None:
        """The first thing that has to be known before anything is answered, and was not asked before."""
        if not self.playbook.questions:
            return None
        asked = asked_before(self.world.recollection)
        for question in self.playbook.questions:
            self.world.sources()
            if question.key in asked or not self.world.holds(question.when):
                continue
            why = f"has to be known: {question.when.text}" if question.when else "has to be known first"
            if move := self._says(MoveKind.ASK, question.key, question.said, why, must=True):
                return move
        return None

    def next(self) -> Move | None:
        """The step that is offered behind an answer; once in a matter."""
        step, case = self.playbook.next, self.world.recollection.case
        if step is None or (case is not None and not self.world.is_contact):
            return None
        self.world.sources()
        if not self.world.holds(step.when):
            return None
        return self._says(MoveKind.NEXT, self.playbook.intent, step.said, "the next step of its playbook")

    def handoff(self) -> tuple[Handoff, str, tuple[str, ...]] | None:
        """The first rule by which people take over, with the rule's own reason and what it rests on."""
        for rule in self.playbook.handoffs:
            self.world.sources()
            if self.world.holds(rule.when):
                when = rule.when.text if rule.when else "always"
                return rule, f"by its playbook {self.playbook.intent}: {when}", self.world.sources()
        return None

    def told(self, rule: Handoff) -> str:
        """Why a rule hands off, in words: the company's, or what it is about and how often they came for it."""
        if rule.why:
            return rule.why
        matter, times = self.playbook.intent.replace("-", " "), self.world.recollection.contacts
        return f"has come {times} times about “{matter}”" if times > 1 else f"is here about “{matter}”"

    def otherwise(self) -> Handoff | None:
        """The rule for a hand-off that something else calls for: one without a condition."""
        return next((rule for rule in self.playbook.handoffs if rule.when is None), None)

    def words(self, rule: Handoff, move: Move) -> Move:
        """A hand-off in the company's words, where it has some that can be said."""
        if rule.said is None:
            return move
        own = self._says(move.kind, move.topic, rule.said, move.why)
        if own is None:
            return move
        return replace(own, facts={**move.facts, **own.facts}, sources=move.sources, told=move.told)

    # --- its answers ---

    def answer(self, was_told: Callable[[Article], bool]) -> tuple[Chosen | None, tuple[Article, ...]]:
        """The first article that holds and has not failed, and those that were passed over because they have.

        `was_told` says whether one was told just now, and is asked for again.
        """
        failed = []
        for answer in self.playbook.answers:
            self.world.sources()
            if not self.world.holds(answer.when):
                continue
            article = self.company.knowledge.article(answer.article, self.language)
            if article is None:
                continue
            left_out = self._tried_of(article) if self.playbook.never_repeat else frozenset[int]()
            if _EVERY_STEP in left_out or (self.playbook.never_repeat and was_told(article)):
                failed.append(article)
                continue
            when = f": {answer.when.text}" if answer.when else ""
            why = f"by its playbook {self.playbook.intent}{when}"
            if left_out:
                why += f"; without steps that were tried: {', '.join(str(place + 1) for place in sorted(left_out))}"
            sources = (*self.world.sources(), f"article:{article.id}")
            return Chosen(article, left_out, why, sources), tuple(failed)
        return None, tuple(failed)

    def _tried_of(self, article: Article) -> frozenset[int]:
        """The steps of an article that were tried in this matter and have not helped; `_EVERY_STEP` where all were."""
        case = self.world.recollection.case
        if case is None:
            return frozenset()
        did_not_help = self.world.is_contact or self.world.recollection.solved is False
        name = f"article:{article.id}"
        places, words = set(), list(self.world.recollection.tried)
        for attempt in case.attempts:
            if attempt.result is Result.WORKED or (attempt.result is Result.UNKNOWN and not did_not_help):
                continue
            if attempt.what == name:
                return frozenset({_EVERY_STEP})
            if attempt.what.startswith(f"{name}#"):
                number = attempt.what.removeprefix(f"{name}#")
                places.add(int(number) - 1 if number.isdecimal() else 0)
            elif not attempt.what.startswith("article:"):
                words.append(attempt.what)
        if words:
            steps = enumerate(article.steps)
            places |= {place for place, step in steps if tried_in_words(step, words, article.language)}
        if article.steps and len(places & set(range(len(article.steps)))) == len(article.steps):
            return frozenset({_EVERY_STEP})
        return frozenset(places)

    # --- in the company's words ---

    def _says(self, kind: MoveKind, topic: str, said: Said, why: str, *, must: bool = False) -> Move | None:
        """A move in the company's words; None where it has none in the language, or one of its places stays empty.

        What `must` be said is said in the company's language rather than not at all.
        """
        words = said.in_language(self.language)
        if words is None and must:
            words = said.in_language(self.company.knowledge.company_language)
        facts = self._facts(said)
        if words is None or facts is None:
            return None
        return Move(kind=kind, topic=topic, facts=facts, said=words, sources=self.world.sources(), why=why)

    def _facts(self, said: Said) -> dict[str, Value] | None:
        facts: dict[str, Value] = {}
        for place in sorted(said.places):
            if place in said.facts:
                value = self.world.value(said.facts[place])
            elif place in KNOWN_PLACES:
                if place == "name" and not self.world.snapshot.name:
                    return None
                continue  # whoever speaks knows it
            else:
                value = self.world.entity(place)
                self.world.used.append(f"message:{self.world.messages[-1].id}")
            if value is None:
                return None
            facts[place] = value
        return facts


def asked_before(recollection: Recollection) -> frozenset[str]:
    """The questions that were asked in this matter, and those that our latest messages offered choices for."""
    case = frozenset(recollection.case.asked) if recollection.case else frozenset[str]()
    offered = [_key([choice.value for choice in message.choices]) for message in recollection.recent if message.choices]
    return case.union(key for key in offered if key) if offered else case


def _key(values: Sequence[str]) -> str:
    """The question which of some intents is meant; '' for other choices."""
    intents = [value.removeprefix(INTENT_CHOICE) for value in values if value.startswith(INTENT_CHOICE)]
    return f"{_WHICH}{'|'.join(sorted(intents))}" if intents else ""


def which_of(key: str) -> list[str]:
    """The intents of which it was asked which is meant; none for another question."""
    return key.removeprefix(_WHICH).split("|") if key.startswith(_WHICH) else []


# --- who takes over, and by when ------------------------------------------------------------------------------------


def promise(
    rule: Handoff, company: Company, language: str, world: World, *, since: datetime | None = None
) -> Move | None:
    """Who answers by when, in the hours of the team; None without a team that works, or a time that is promised.

    `since`: when they took over; else they do now.
    """
    team: Team | None = company.teams.get(rule.team)
    if team is None or rule.within is None:
        return None
    begins = opens(team.hours, team.zone, world.now)
    taken = opens(team.hours, team.zone, since) if since else begins
    by = due_from(taken, rule.within, team.hours, team.zone)
    if by is None:
        return None
    facts: dict[str, Value] = {"team": team.name(language), "by": by}
    if begins is not None and begins > world.now:
        facts["opens"] = begins
    why = f"{rule.team} answers within {rule.within} of its working time"
    return Move(kind=MoveKind.PROMISE, topic="by", facts=facts, sources=(f"team:{rule.team}",), why=why)


def promised_by_desk(company: Company, language: str, world: World) -> Move | None:
    """What a desk promises where no playbook says who answers by when: its first answer, or when it opens."""
    team = company.teams.get(SUPPORT) if company.desk else None
    if team is None:
        return None
    if team.first is not None:
        return promise(Handoff(team=SUPPORT, within=team.first), company, language, world)
    begins = opens(team.hours, team.zone, world.now)
    if begins is None or begins <= world.now:
        return None
    facts: dict[str, Value] = {"team": team.name(language), "opens": begins}
    return Move(
        kind=MoveKind.PROMISE, topic="closed", facts=facts, sources=(f"team:{SUPPORT}",), why=f"{SUPPORT} is closed"
    )


# --- which of two -----------------------------------------------------------------------------------------------------

_LIKELY = 0.25  # from which confidence on an intent may be meant
_MARGIN = 0.15  # within which two are as good as each other


def which(
    reading: Reading, company: Company, language: str, register: Register, recollection: Recollection
) -> Move | None:
    """The question which of two intents is meant, where both may be; None where one is clear, or it was asked."""
    close = _close(reading.intent, company.playbooks)
    if len(close) < 2:
        return None
    asked = asked_before(recollection)
    labels = {one.intent: _label(one, company, language, register) for one in close}
    key = _key([f"{INTENT_CHOICE}{intent}" for intent in labels])
    if key in asked or not all(labels.values()) or len({*labels.values()}) < len(labels):
        return None
    chances = ", ".join(f"{one.value} {one.confidence:.2f}" for one in _candidates(reading.intent)[:2])
    return Move(
        kind=MoveKind.ASK,
        topic="which",
        facts={f"choice.{INTENT_CHOICE}{intent}": label for intent, label in labels.items()},
        sources=tuple(f"playbook:{intent}" for intent in labels),
        why=f"two intents are close: {chances}",
    )


def which_key(move: Move) -> str:
    """By what it is remembered that a question was asked."""
    return _key([key.removeprefix("choice.") for key in move.facts]) or move.topic


def _candidates(intent: Intent) -> list[Alternative]:
    return [Alternative(intent.value, intent.confidence), *intent.alternatives]


def _close(intent: Intent, playbooks: Playbooks) -> list[Playbook]:
    """The two that may be meant, with playbooks that say what to do; fewer where one is clear."""
    best, *others = _candidates(intent)
    if not others or best.value == OUT_OF_SCOPE or best.confidence < _LIKELY:
        return []
    other = others[0]
    if other.confidence < _LIKELY or best.confidence - other.confidence > _MARGIN:
        return []
    found = [playbooks.of(one.value) for one in (best, other)]
    return [one for one in found if one is not None and one.decides]


def _label(playbook: Playbook, company: Company, language: str, register: Register) -> str:
    """What stands on the choice: how the matter is called, else the title of what answers it."""
    if matter := spoken_of(playbook, language, register).get("matter"):
        text = str(matter)
        return text[:1].upper() + text[1:]
    for answer in playbook.answers:
        article = company.knowledge.article(answer.article, language)
        if article is not None and article.language == language:
            return article.title
    return ""
