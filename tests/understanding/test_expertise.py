"""How well a writer knows what the product is made of, and when nothing tells."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnibot.model import EarlierTurn, Expertise
from omnibot.understanding.expertise import ExpertiseReader
from tests.understanding.readers import FLOODS, LANGUAGES, NOW, assert_evidence_stands_in, features, utterance, words


@pytest.fixture(scope="module")
def reader() -> ExpertiseReader:
    return ExpertiseReader(LANGUAGES)


def read(reader: ExpertiseReader, text: str, language: str = "en", **situation):
    said = utterance(text, language, **situation)
    signal = reader.read(said, features(said))
    assert_evidence_stands_in(said, signal)
    return signal


def earlier(*levels: Expertise | None) -> tuple[EarlierTurn, ...]:
    return tuple(EarlierTurn(at=NOW - timedelta(hours=1), expertise=level) for level in levels)


@pytest.mark.parametrize(
    ("text", "language", "level"),
    [
        ("the proxy drops the auth header on a 307, so the retry gets a 401; curl -v attached", "en", Expertise.EXPERT),
        (
            "p99 went from 80 ms to 2.1 s after build 3112, looks like lock contention in the pool",
            "en",
            Expertise.EXPERT,
        ),
        ("la petición da 502 desde la 3.2.1, el handshake TLS falla por la cadena", "es", Expertise.EXPERT),
        ("seit 3.2.1 liefert der Endpoint 502, TLS-Handshake scheitert an der Kette", "de", Expertise.EXPERT),
        ("depuis la 3.2.1 l'endpoint renvoie 502, le handshake TLS échoue sur la chaîne", "fr", Expertise.EXPERT),
        ("I've restarted the router and reinstalled the app, is there a setting for it?", "en", Expertise.INTERMEDIATE),
        ("reinicié el router y reinstalé la aplicación, ¿hay algún ajuste?", "es", Expertise.INTERMEDIATE),
        ("Router neu gestartet, App neu installiert, gibt es dafür eine Einstellung?", "de", Expertise.INTERMEDIATE),
        ("j'ai redémarré la box et réinstallé l'appli, il y a un réglage ?", "fr", Expertise.INTERMEDIATE),
        ("I'm not good with computers, the little round thing blinks, did I break it?", "en", Expertise.NOVICE),
        ("no entiendo de ordenadores, hay una lucecita que parpadea, ¿qué hago?", "es", Expertise.NOVICE),
        ("ich kenne mich nicht aus, das Ding mit dem Lämpchen blinkt, was muss ich drücken", "de", Expertise.NOVICE),
        ("je n'y connais rien, le petit truc avec la lumière clignote, on appuie où ?", "fr", Expertise.NOVICE),
    ],
)
def test_what_somebody_shows_tells_their_level(reader, text: str, language: str, level: Expertise) -> None:
    signal = read(reader, text, language)
    assert (signal.value, signal.known) == (level, True)
    assert signal.evidence


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is my parcel?", "en"),
        ("Thanks, have a nice day", "en"),
        ("¿Cuánto cuesta el plan anual?", "es"),
        ("Danke, bis morgen", "de"),
        ("Merci, à demain", "fr"),
        ("", "en"),
        ("请问我的包裹在哪里", "zh"),
    ],
)
def test_most_messages_do_not_tell(reader, text: str, language: str) -> None:
    assert read(reader, text, language).known is False


def test_codes_versions_units_and_code_are_evidence(reader) -> None:
    signal = read(reader, "since v4.2.1 getUserById throws ERR_POOL_CLOSED after 30 ms, 0x80A3 in the dump")
    assert signal.value is Expertise.EXPERT
    assert {"v4.2.1", "getUserById", "ERR_POOL_CLOSED"} & set(words(signal))


def test_shouted_words_are_no_acronyms(reader) -> None:
    assert read(reader, "WHERE IS MY PARCEL").known is False


def test_what_was_shown_before_counts_where_this_turn_does_not_tell(reader) -> None:
    experts = earlier(Expertise.EXPERT, Expertise.EXPERT)
    signal = read(reader, "ok thanks", earlier=experts)
    assert signal.value is Expertise.EXPERT
    assert words(signal) == ["expert in earlier messages"]
    assert read(reader, "ok thanks", earlier=earlier(None)).known is False


def test_the_latest_of_earlier_turns_counts_most(reader) -> None:
    signal = read(reader, "ok thanks", earlier=earlier(Expertise.NOVICE, Expertise.EXPERT))
    assert signal.value is Expertise.EXPERT


def test_earlier_turns_alone_tell_in_a_language_without_cues(reader) -> None:
    signal = read(reader, "请问我的包裹在哪里", "zh", earlier=earlier(Expertise.NOVICE))
    assert signal.value is Expertise.NOVICE


@pytest.mark.parametrize("name", FLOODS)
def test_floods_are_read(reader, name: str) -> None:
    read(reader, FLOODS[name])


@settings(deadline=None)
@given(st.text(max_size=400), st.sampled_from([*LANGUAGES, "ja", ""]))
def test_any_text_is_read(text: str, language: str) -> None:
    signal = read(ExpertiseReader(LANGUAGES), text, language)
    assert 0 <= signal.confidence <= 1
    assert not signal.known or signal.evidence
