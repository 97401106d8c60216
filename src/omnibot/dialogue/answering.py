"""The articles that answer a turn: those that were asked for, the one of a playbook, one that is told again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from omnibot.dialogue.articles import Article
from omnibot.dialogue.following import Followed
from omnibot.dialogue.heard import BY_BUTTON, Answered, Heard, is_asked
from omnibot.dialogue.phrases import Alarm
from omnibot.dialogue.told import just_told, tells
from omnibot.dialogue.turn import Turn
from omnibot.model import PREFERENCE, Change, Length, Move, MoveKind

__all__ = ["answers"]

_OF_A_FILE = ("name", "media_type", "size", "ref")


def answers(
    turn: Turn, heard: Heard, changes: Sequence[Change], language: str, followed: Followed
) -> tuple[tuple[Move, ...], tuple[Article, ...]]:
    """The answers, and those articles that were told just before and did not help."""
    if Alarm.SERIOUS in heard.alarms:
        return (), ()
    if followed.speaks:
        return tuple(_by_playbook(turn, heard, language, followed)), ()
    told = just_told(turn)
    asked_before = () if turn.is_shared else told  # by somebody else, perhaps
    repeated = tuple(a.article for a in heard.answered if tells(asked_before, a.article))
    fresh = [a for a in heard.answered if a.article not in repeated]
    if not heard.matters and any(_asks_again(turn, change) for change in changes):
        fresh = [Answered(a, "told again as just wished") for a in _told_before(turn, told)]
    return tuple(move for answered in fresh for move in _answer(turn, answered, language)), repeated


def _by_playbook(turn: Turn, heard: Heard, language: str, followed: Followed) -> Iterator[Move]:
    """The article of a playbook, then what else was asked for in the same breath, or by a button.

    Of one question that it covers and the search finds something else for, the playbook knows better.
    """
    if followed.rule is not None:
        return
    chosen = followed.chosen
    if chosen is not None:
        to_be_done = heard.to_be_done or any(answered.to_be_done for answered in heard.answered)
        answered = Answered(chosen.article, chosen.why, to_be_done)
        yield from _answer(turn, answered, language, chosen.left_out, chosen.sources)
    several = len(heard.answered) > 1 or any(map(is_asked, heard.unanswered))
    for answered in heard.answered:
        is_another = chosen is None or answered.article.id != chosen.article.id
        if is_another and (several or answered.why == BY_BUTTON):
            yield from _answer(turn, answered, language)


def _answer(
    turn: Turn, answered: Answered, language: str, left_out: Collection[int] = (), sources: tuple[str, ...] = ()
) -> Iterator[Move]:
    article = turn.company.knowledge.article(answered.article.id, language) or answered.article
    if answered.to_be_done and article.steps:
        yield Move(kind=MoveKind.CONFIRM, topic="not_myself", why="asked us to do what only they can")
    yield Move(
        kind=MoveKind.ANSWER,
        topic=article.id,
        facts=_facts(article, left_out),
        sources=sources or (f"article:{article.id}",),
        why=answered.why,
    )


def _facts(article: Article, left_out: Collection[int]) -> dict[str, str]:
    facts = {
        "title": article.title,
        "language": article.language,
        "short": article.short,
        "detailed": article.detailed,
    }
    if article.technical:
        facts["technical"] = article.technical
    if steps := [step for place, step in enumerate(article.steps) if place not in left_out]:
        facts["steps"] = "\n".join(steps)
    for number, link in enumerate(article.links, 1):
        facts |= {f"link.{number}.label": link.label, f"link.{number}.url": link.url}
    for number, file in enumerate(article.files, 1):
        facts |= {f"file.{number}.{key}": str(getattr(file, key)) for key in _OF_A_FILE}
    return facts


# --- told again ---


def _asks_again(turn: Turn, change: Change) -> bool:
    """Whether a wish right after an answer is about that answer: "more detail please", "in Spanish please"."""
    before = turn.snapshot.preferences
    if change.key == f"{PREFERENCE}language":
        return change.value != (before.language or turn.reading.language.value)
    return change.key == f"{PREFERENCE}length" and change.value == Length.DETAILED != before.length


def _told_before(turn: Turn, told: Sequence[str]) -> list[Article]:
    articles = {a.id: a for a in turn.company.knowledge.articles if tells(told, a)}
    return list(articles.values())[:1]
