"""What customers are told by the playbooks and articles that ship: all of it together, as a server goes by it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from omnibot.dialogue import Company, Knowledge
from omnibot.model import Disclosure, Limits, MoveKind, Register
from omnibot.playbooks import Playbooks
from omnibot.settings import Bot
from omnibot.turn import take
from omnibot.turns.steps import Steps
from omnibot.understanding import Understanding
from omnibot.understanding.features import Extractor
from omnibot.understanding.fit import fit
from omnibot.voice import Speaker, Voices
from tests.test_turn import said, work

CONFIG = Path(__file__).parents[1] / "config"
LANGUAGES = ("en", "es", "de", "fr")
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")


@pytest.fixture(scope="module")
def steps() -> Steps:
    playbooks = Playbooks.load(CONFIG / "playbooks")
    understanding = Understanding(LANGUAGES)
    understanding.adopt(fit(playbooks.examples, Extractor()))
    return Steps(
        understanding=understanding,
        company=Company(Knowledge.load(CONFIG / "knowledge"), playbooks=playbooks),
        limits={"telegram": Limits(text=4096, choices=10)},
        speaker=Speaker("Example Ltd", "Omnibot", voices=Voices.load(CONFIG / "voice", LANGUAGES)),
        disclosure=Disclosure(),
    )


def done(text: str, steps: Steps) -> list[str]:
    """What a reply does of what was asked: the articles that it tells, and whether people take over."""
    record = take(work(said(1, text)), steps).record
    assert record is not None
    moves = record["moves"]
    told = [move["topic"] for move in moves if move["kind"] == MoveKind.ANSWER]
    return told + ["people" for move in moves if move["kind"] == MoveKind.HANDOFF]


@pytest.mark.parametrize(
    "text",
    [
        "where is my refund",
        "how long does a refund take",
        "Do I get a refund when I cancel?",
        "¿dónde está mi reembolso?",
        "¿cuánto tarda un reembolso?",
        "wo ist meine Rückerstattung?",
        "wie lange dauert eine Erstattung?",
        "où est mon remboursement",
        "combien de temps prend un remboursement ?",
    ],
)
def test_who_asks_how_refunds_go_is_told(steps: Steps, text: str) -> None:
    assert done(text, steps) == ["refunds"]


@pytest.mark.parametrize(
    "text",
    [
        "I want my money back",
        "I was charged twice. I want a refund.",
        "It's been ten days and the refund has not shown up on my card!!",
        "I cancelled two weeks ago and want my money back. When do I get the refund?",
        "Quiero que me devuelvan el dinero. ¿Cuánto tarda?",
        "ich will mein Geld zurück",
        "J'ai été débité deux fois, remboursez-moi",
    ],
)
def test_who_wants_money_back_is_passed_on_with_no_article_behind_it(steps: Steps, text: str) -> None:
    assert done(text, steps) == ["people"]


# Words by which a text addresses somebody closely, and from a distance.
ADDRESSED = {
    "es": (r"tú|te|ti|tus?|tuy[oa]s?|contigo", r"usted|sus?|suy[oa]s?"),
    "de": (r"[dD]u|dich|dir|[dD]ein(?:e[mnrs]?)?", r"Sie|Ihnen|Ihr(?:e[mnrs]?)?"),
    "fr": (r"tu|te|toi|ton|ta|tes", r"vous|votre|vos"),
}


@pytest.mark.parametrize("language", ADDRESSED)
def test_what_can_be_pressed_addresses_people_as_the_reply_above_it_does(language: str) -> None:
    """ "Tu factura" below "¿a cuál de estas cosas se refiere?" would be somebody else's words."""
    titles = [one.title for one in Knowledge.load(CONFIG / "knowledge").articles if one.language == language]
    matters = [one.matter[language] for one in Playbooks.load(CONFIG / "playbooks").playbooks if one.matter]
    close, distant = ADDRESSED[language]
    for register, others in ((Register.CASUAL, distant), (Register.FORMAL, close)):
        labels = [*titles, *(matter[register] for matter in matters)]
        assert [label for label in labels if re.search(rf"\b(?:{others})\b", label)] == []


# --- one company: what its articles say agrees with each other, and with the settings that promises go by ---


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_hours_that_are_told_are_those_in_which_somebody_works(language: str) -> None:
    bot = Bot()
    hours = bot.hours
    assert (hours.days, hours.holidays) == (WEEK, ())
    for text in texts("opening-hours", language):
        told = [int(hour) for hour in re.findall(r"\b(\d{1,2})(?::00\b| h\b| Uhr\b| bis\b)", text)]
        assert told == [hours.opens.hour, hours.closes.hour]
        assert bot.zone in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_prices_are_told_alike_and_a_year_costs_two_months_less(language: str) -> None:
    short, detailed = texts("change-plan", language)
    assert prices(short) == [9, 19, 39]
    assert prices(detailed) == [9, 19, 39, *(10 * price for price in prices(short))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_trial_is_as_long_for_who_cancels_as_for_who_begins(language: str) -> None:
    told = [re.findall(r"\b14\b", text) for text in (*texts("change-plan", language), texts("cancel", language)[1])]
    assert told == [["14"]] * 3


def texts(article: str, language: str) -> tuple[str, str]:
    found = Knowledge.load(CONFIG / "knowledge").article(article, language)
    assert found is not None
    assert found.language == language
    return found.short, found.detailed


def prices(text: str) -> list[int]:
    return [int(before or behind) for before, behind in re.findall(r"€(\d+)|(\d+)\s€", text)]
