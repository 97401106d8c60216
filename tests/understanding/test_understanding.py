"""What is read in a message, what is left open, and what it costs at worst."""

import sys
from datetime import UTC, datetime
from subprocess import run

import pytest

from omnibot.model import Reading, Signal, Situation, Urgency
from omnibot.understanding import LONGEST, Understanding

NOW = datetime(2025, 3, 12, 10, 15, tzinfo=UTC)


def said(understanding: Understanding, text: str, last: str | None = None) -> Reading:
    """What is read in a text by somebody who last wrote in a language."""
    return understanding.read(text, Situation(now=NOW, zone=UTC, last_language=last))


def words(signal: Signal) -> tuple[str, ...]:
    return tuple(map(str, signal.evidence))


@pytest.fixture(scope="session")
def understanding() -> Understanding:
    return Understanding(["en", "es"])


# --- mood -----------------------------------------------------------------------------------------------------


def test_moods_differ_and_name_their_words(understanding) -> None:
    glad = said(understanding, "This is great, I love the new dashboard.", None).sentiment
    cross = said(understanding, "This is terrible. I hate the new dashboard.", None).sentiment
    assert glad.value > 0.5
    assert words(glad) == ("great", "I love")
    assert cross.value < -0.4
    assert words(cross) == ("terrible", "hate")
    assert glad.known
    assert cross.known


def test_a_neutral_sentence_does_not_dilute_a_mood(understanding) -> None:
    alone = said(understanding, "I hate this.", None).sentiment.value
    among = said(understanding, "The file has three rows. I hate this. It is a table.", None).sentiment.value
    assert among == alone


def test_a_text_that_speaks_of_no_mood_is_neutral(understanding) -> None:
    signal = said(understanding, "How do I add a third column to the table?", None).sentiment
    assert abs(signal.value) < 0.05
    assert signal.evidence == ()


def test_spanish_has_moods_too(understanding) -> None:
    assert said(understanding, "Estoy muy contento, gracias por todo", None).sentiment.value > 0.5
    assert said(understanding, "Es una vergüenza, nadie me contesta", None).sentiment.value < -0.5


def test_an_emoji_is_a_word(understanding) -> None:
    angry = said(understanding, "that is how I feel 😠 📄", "en").sentiment
    assert angry.value < 0
    assert words(angry) == ("😠",)


# --- urgency --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "urgency"),
    [
        ("Our production API is down and we are losing money", Urgency.CRITICAL),
        ("I think we have been HACKED", Urgency.CRITICAL),
        ("El servicio está caído desde las 9", Urgency.CRITICAL),
        ("me han hackeado la cuenta", Urgency.CRITICAL),
        ("it's urgent, I can’t work", Urgency.HIGH),
        ("I need this by the end of the day", Urgency.HIGH),
        ("I want my money back NOW", Urgency.HIGH),
        ("please call me right now", Urgency.HIGH),
        ("¡quiero mi dinero YA!", Urgency.HIGH),
        ("Es URGENTE por favor", Urgency.HIGH),
        ("It's not urgent, whenever you have time", Urgency.LOW),
        ("no rush at all", Urgency.LOW),
        ("no es urgente, cuando puedas", Urgency.LOW),
        ("sin prisa", Urgency.LOW),
    ],
)
def test_urgency_is_read_from_phrases(understanding, text: str, urgency: Urgency) -> None:
    signal = said(understanding, text, None).urgency
    assert (signal.value, signal.known) == (urgency, True)
    assert signal.evidence


@pytest.mark.parametrize(
    "text",
    [
        "How do I change my plan?",
        "Please answer ASAP",
        "lo necesito lo antes posible",
        "The price went down",
        "Can I scroll down faster?",
        "¿Cuánto cuesta el plan Pro?",
        "I'm travelling in Peru right now, it's gorgeous here",
        "I want to know which plan I have now",
        "NOW is the name of our product",
        "ya quiero saber más",
        "",
    ],
)
def test_without_harm_it_is_not_urgent(understanding, text: str) -> None:
    signal = said(understanding, text, None).urgency
    assert not (signal.known and signal.value in (Urgency.HIGH, Urgency.CRITICAL))


def test_accents_may_be_missing(understanding) -> None:
    assert said(understanding, "la pagina esta caida", None).urgency.value is Urgency.CRITICAL


def test_only_phrases_of_the_companys_languages_count() -> None:
    english = Understanding(["en"])
    assert said(english, "lo necesito lo antes posible").urgency.known is False


# --- what is forgotten --------------------------------------------------------------------------------------------


def test_words_are_forgotten_after_a_while() -> None:
    understanding = Understanding(["en", "es"], components=["sentencizer"])
    strings = understanding.pipeline.vocab.strings
    said(understanding, "order zx81-77-unheard-of is late", None)
    for number in range(2000):
        said(understanding, f"invoice {number} of the order is wrong, why so", None)
    assert "zx81-77-unheard-of" not in strings
    assert "1000" not in strings
    assert "1999" in strings


def test_a_text_is_read_alike_before_and_after(understanding) -> None:
    text = "it is urgent, I can't work since order 4711"
    readings = {said(understanding, text, None) for _ in range(3000)}
    assert len(readings) == 1


# --- bounds ---------------------------------------------------------------------------------------------------


def test_what_is_beyond_the_cap_is_not_read(understanding) -> None:
    assert said(understanding, " " * LONGEST + "urgent", None).urgency.known is False


def test_importing_costs_nothing() -> None:
    heavy = "{'spacy', 'numpy', 'vaderSentiment', 'py3langid'} & set(sys.modules)"
    code = f"import sys, omnibot.understanding; sys.exit(str({heavy}) if {heavy} else 0)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0
