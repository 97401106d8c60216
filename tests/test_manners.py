"""What anybody who writes in German, Spanish or French would notice of a reply: by which form they are addressed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from omnibot.dialogue import Company, Knowledge
from omnibot.model import Disclosure, Limits, plain
from omnibot.store.work import Outcome
from omnibot.turn import take
from omnibot.turns.steps import Steps
from omnibot.understanding import Understanding
from omnibot.voice import Speaker, Voices
from tests.test_turn import said, work

CONFIG = Path(__file__).parents[1] / "config"
LANGUAGES = ("en", "es", "de", "fr")


@pytest.fixture(scope="module")
def steps() -> Steps:
    voices = Voices.load(CONFIG / "voice", LANGUAGES)
    return Steps(
        understanding=Understanding(LANGUAGES),
        company=Company(
            Knowledge.load(CONFIG / "knowledge"),
            registers={language: pack.register for language, pack in voices.packs.items()},
        ),
        limits={"telegram": Limits(text=4096, choices=10)},
        speaker=Speaker("Example Ltd", "Omnibot", voices=voices),
        disclosure=Disclosure(),
    )


def reply_to(text: str, steps: Steps, **facts: str) -> str:
    return reply_of(take(work(said(1, text), **facts), steps))


def reply_of(outcome: Outcome) -> str:
    [reply] = outcome.replies
    return plain(reply.draft.parts)


CLOSE = re.compile(r"\b(?:[dD](?:u|ich|ir|eine?[mnr]?)|tu|tus|te|ton|ta|tes|toi)\b")
DISTANT = re.compile(r"\b(?:Sie|Ihnen|Ihre?[mnr]?|su|le|vous|votre|vos)\b")


@pytest.mark.parametrize(
    ("text", "own", "other"),
    [
        ("Kannst du mir sagen, ob ihr Faxe verschickt?", CLOSE, DISTANT),
        ("Könnten Sie mir bitte sagen, ob Sie Faxe verschicken?", DISTANT, CLOSE),
        ("¿Me puedes decir si envías faxes?", CLOSE, DISTANT),
        ("¿Me puede decir si usted envía faxes?", DISTANT, CLOSE),
        ("Tu peux me dire si tu envoies des fax ?", CLOSE, DISTANT),
        ("Vous pouvez me dire si vous envoyez des fax ?", DISTANT, CLOSE),
    ],
)
def test_who_writes_by_one_form_of_address_is_answered_by_it(
    steps: Steps, text: str, own: re.Pattern[str], other: re.Pattern[str]
) -> None:
    reply = reply_to(text, steps)
    assert own.search(reply)
    assert not other.search(reply)


def test_the_form_holds_for_what_addresses_nobody(steps: Steps) -> None:
    first = take(work(said(1, "Kannst du mir helfen?")), steps)
    kept = {change.key: change.value for change in first.changes}
    assert kept["register"] == "casual"
    assert DISTANT.search(reply_to("Wie verschicke ich ein Fax?", steps, language="de"))
    reply = reply_to("Wie verschicke ich ein Fax?", steps, **kept)
    assert CLOSE.search(reply)
    assert not DISTANT.search(reply)
    again = take(work(said(2, "Kannst du das?"), **kept), steps)
    assert "register" not in {change.key for change in again.changes}  # it is known


def test_who_has_asked_for_the_one_form_is_not_answered_by_the_other(steps: Steps) -> None:
    before = {"preference.register": "formal"}
    assert not CLOSE.search(reply_to("Kannst du mir sagen, ob ihr Faxe verschickt?", steps, **before))
    now = reply_to("Sie können mich gern duzen. Haben Sie ein Fax?", steps, register="formal")
    assert not DISTANT.search(now)


def test_the_form_of_one_language_tells_nothing_of_another(steps: Steps) -> None:
    """English has none: whoever says Sie may be told "I'm" there."""
    assert "I'm Omnibot" in reply_to("How do I send a fax?", steps, register="formal")


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("STOPP", "Sie"),
        ("ABMELDEN", "Sie"),
        ("ARRÊT", "vous"),
        ("ARRET", "vous"),
        ("désabonner", "vous"),
        ("BAJA", "más"),
        ("STOP", "any more"),
    ],
)
def test_who_says_no_more_than_stop_is_answered_in_its_language(steps: Steps, word: str, answer: str) -> None:
    assert answer in reply_of(take(work(said(1, word, flags=("stop",))), steps))


def test_stop_is_confirmed_in_the_language_and_form_that_they_like(steps: Steps) -> None:
    stop = said(1, "STOP", flags=("stop",))
    assert not DISTANT.search(reply_of(take(work(stop, language="de", register="casual"), steps)))
    spanish = {"language": "de", "preference.language": "es"}
    assert "más" in reply_of(take(work(stop, **spanish), steps))
