"""Whether playbooks can be followed here: what they name must exist, and what they say must be sayable."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from omnibot.dialogue.knowledge import Knowledge
from omnibot.playbooks import Playbook, Playbooks, Texts

__all__ = ["judged", "unsaid"]

_QUOTED = 40  # characters of a text of which something is said


def judged(playbooks: Playbooks, knowledge: Knowledge | None, teams: Collection[str], *, contact: bool) -> list[str]:
    """What playbooks name that does not exist, each with its file and line; `contact`: whether one is configured.

    Without `knowledge` nothing is said of articles.
    """
    return [fault for playbook in playbooks.playbooks for fault in _judged(playbook, knowledge, teams, contact=contact)]


def _judged(playbook: Playbook, knowledge: Knowledge | None, teams: Collection[str], *, contact: bool) -> Iterator[str]:
    if knowledge is not None:
        yield from _articles(playbook, knowledge)
    for handoff in playbook.handoffs:
        if handoff.team and handoff.team not in teams:
            how = f"write [desk.teams.{handoff.team}], or name one of {', '.join(sorted(teams))}"
            yield f"{handoff.where}: there is no team {handoff.team!r}; {how}"
    for said in playbook.said:
        if "contact" in said.places and not contact:
            yield f"{said.where}: nothing fills {{contact}}; set bot.contact, or leave the place out"


def _articles(playbook: Playbook, knowledge: Knowledge) -> Iterator[str]:
    """Those that it names and nobody has written; one without a name is told where the playbook is read."""
    own = knowledge.company_language
    for answer in playbook.answers:
        if not answer.article:
            continue
        if knowledge.article(answer.article, own) is None:
            languages = [article.language for article in knowledge.articles if article.id == answer.article]
            if languages:
                how = f"write it in {own!r}, too: whoever writes in another language than {languages} gets that"
                yield f"{answer.where}: the article {answer.article!r} is not there in the company's language; {how}"
            else:
                yield f"{answer.where}: there is no article {answer.article!r}; write it, or name another one"
    for expression in playbook.expressions:
        for looked in expression.looks_up:
            article = looked.name.partition("#")[0]
            if looked.function == "tried" and " " not in article and knowledge.article(article, own) is None:
                how = "name an article, or say in several words what somebody does"
                yield f"{playbook.where}:1: tried({looked.name!r}) names no article; {how}"


def unsaid(playbooks: Playbooks, languages: Sequence[str]) -> list[str]:
    """What is left out of replies in some languages because nobody has written it in them."""
    return [note for playbook in playbooks.playbooks for note in _unsaid(playbook, languages)]


def _unsaid(playbook: Playbook, languages: Sequence[str]) -> Iterator[str]:
    for said in playbook.said:
        if missing := [language for language in languages if language not in said.texts]:
            yield f"{said.where}: {_quoted(said.texts)} is not written in {_left_out(missing)}"
    if playbook.matter and (missing := [language for language in languages if language not in playbook.matter]):
        yield f"{playbook.where}:1: `matter` ({_quoted(playbook.matter)}) is not written in {_left_out(missing)}"


def _quoted(texts: Texts) -> str:
    """By what whoever wrote them knows them again."""
    text = next((text for registers in texts.values() for text in registers.values()), "a text")
    return f"“{text if len(text) <= _QUOTED else text[: _QUOTED - 1] + '…'}”"


def _left_out(missing: Sequence[str]) -> str:
    return f"{', '.join(missing)}, and left out of replies there; write it, or take the language from bot.languages"
