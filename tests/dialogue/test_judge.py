"""What playbooks name that is not there, told with file and line before a customer finds out."""

from pathlib import Path

import pytest

from omnibot.app import Rules
from omnibot.dialogue import Knowledge, judged, unsaid
from omnibot.playbooks import PlaybookError, Playbooks
from omnibot.settings import Bot, Settings

PLAYBOOK = """\
intent: refund
description: Somebody wants money back.
examples: {en: [money back]}
matter: {en: your refund}
answers:
  - {when: "tried('refnd') or tried('asked the bank') or tried('refund#2')", article: refund}
  - article: refunds
  - article: solo
handoff:
  - {when: "case.contacts > 2", team: seniors}
  - {team: support}
next: {en: "Or ask {contact}.", es: "O pregunte en {contact}."}
"""
ARTICLE = """\
---
id: {id}
title: T
language: {language}
questions: [q]
---
## short
s
## detailed
d
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for id_, language in (("refund", "en"), ("solo", "es")):
        (tmp_path / f"{id_}.{language}.md").write_text(ARTICLE.format(id=id_, language=language))
    (tmp_path / "refund.yaml").write_text(PLAYBOOK)
    return tmp_path


def test_what_does_not_exist_is_told_with_its_line(folder: Path) -> None:
    faults = judged(Playbooks.load(folder), Knowledge.load(folder), {"support", "senior"}, contact=False)
    assert [fault.removeprefix(f"{folder}/") for fault in faults] == [
        "refund.yaml:7: there is no article 'refunds'; write it, or name another one",
        "refund.yaml:8: the article 'solo' is not there in the company's language;"
        " write it in 'en', too: whoever writes in another language than ['es'] gets that",
        "refund.yaml:1: tried('refnd') names no article; name an article, or say in several words what somebody does",
        "refund.yaml:10: there is no team 'seniors'; write [desk.teams.seniors], or name one of senior, support",
        "refund.yaml:12: nothing fills {contact}; set bot.contact, or leave the place out",
    ]


HOW = "and left out of replies there; write it, or take the language from bot.languages"


def test_what_is_not_written_in_a_language_is_noted(folder: Path) -> None:
    assert unsaid(Playbooks.load(folder), ("en", "es", "de")) == [
        f"{folder}/refund.yaml:12: “Or ask {{contact}}.” is not written in de, {HOW}",
        f"{folder}/refund.yaml:1: `matter` (“your refund”) is not written in es, de, {HOW}",
    ]
    assert unsaid(Playbooks.load(folder), ("en",)) == []


def test_rules_that_cannot_be_followed_are_not_gone_by(folder: Path) -> None:
    settings = Settings(bot=Bot(knowledge=folder, playbooks=folder, contact="help@example.org"))
    rules = Rules(settings)
    with pytest.raises(PlaybookError) as raised:
        rules.load()
    assert len(raised.value.faults) == 4
    assert rules.knowledge.articles == ()
    (folder / "refund.yaml").write_text(PLAYBOOK.split("answers:")[0])
    assert [playbook.intent for playbook in rules.load().playbooks] == ["refund"]
    assert len(rules.knowledge.articles) == 2
    (folder / "solo.es.md").write_text("broken")
    with pytest.raises(PlaybookError, match="has no front matter"):
        rules.load()
    assert len(rules.knowledge.articles) == 2


def test_what_comes_along_can_be_followed() -> None:
    config = Path(__file__).parents[2] / "config"
    settings = Settings(bot=Bot(knowledge=config / "knowledge", playbooks=config / "playbooks"))
    playbooks = Rules(settings).load()
    assert unsaid(playbooks, ("en", "es", "de", "fr")) == []
    assert sum(playbook.decides for playbook in playbooks.playbooks) > 12
