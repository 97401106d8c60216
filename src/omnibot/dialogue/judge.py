"""Whether playbooks can be followed here: what they name must exist, and what they say must be sayable."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from omnibot.dialogue.knowledge import Knowledge
from omnibot.playbooks import Playbook, Playbooks

__all__ = ["judged", "unsaid"]


def judged(playbooks: Playbooks, knowledge: Knowledge, teams: Collection[str], *, contact: bool) -> list[str]:
    """What playbooks name that does not exist, each with its file and line; `contact`: whether one is configured."""
    return [fault for playbook in playbooks.playbooks for fault in _judged(playbook, knowledge, teams, contact=contact)]


def _judged(playbook: Playbook, knowledge: Knowledge, teams: Collection[str], *, contact: bool) -> Iterator[str]:
    own = knowledge.company_language
    for answer in playbook.answers:
        if knowledge.article(answer.article, own) is None:
            languages = [article.language for article in knowledge.articles if article.id == answer.article]
            if languages:
                how = f"write it in {own!r}, too: whoever writes in another language than {languages} gets that"
                yield f"{answer.where}: the article {answer.article!r} is not there in the company's language; {how}"
            else:
                yield f"{answer.where}: there is no article {answer.article!r}; write it, or name another one"
    for handoff in playbook.handoffs:
        if handoff.team not in teams:
            how = f"write [desk.teams.{handoff.team}], or name one of {', '.join(sorted(teams))}"
            yield f"{handoff.where}: there is no team {handoff.team!r}; {how}"
    for expression in playbook.expressions:
        for looked in expression.looks_up:
            article = looked.name.partition("#")[0]
            if looked.function == "tried" and " " not in article and knowledge.article(article, own) is None:
                how = "name an article, or say in several words what somebody does"
                yield f"{playbook.where}:1: tried({looked.name!r}) names no article; {how}"
    for said in playbook.said:
        if "contact" in said.places and not contact:
            yield f"{said.where}: nothing fills {{contact}}; set bot.contact, or leave the place out"


def unsaid(playbooks: Playbooks, languages: Sequence[str]) -> list[str]:
    """What is left out of replies in some languages because nobody has written it in them."""
    return [note for playbook in playbooks.playbooks for note in _unsaid(playbook, languages)]


def _unsaid(playbook: Playbook, languages: Sequence[str]) -> Iterator[str]:
    for said in playbook.said:
        if missing := [language for language in languages if language not in said.texts]:
            yield f"{said.where}: is not said in {', '.join(missing)}"
    if playbook.matter and (missing := [language for language in languages if language not in playbook.matter]):
        yield f"{playbook.where}:1: `matter` is not written in {', '.join(missing)}"
