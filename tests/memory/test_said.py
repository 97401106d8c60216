"""What words say of a matter, in the company's languages: it is solved or not, what was tried, that it goes on."""

import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files

import pytest

from omnibot.memory import listen
from omnibot.memory.cues import LANGUAGES, cues_of
from omnibot.memory.said import Said, worded
from omnibot.model import AddressId, MessageId, TurnMessage
from omnibot.stems import folded

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def heard(text: str, language: str = "en", **more: object) -> Said:
    message = TurnMessage(id=MessageId(17), address=AddressId(1), at=NOON, text=text, **more)  # type: ignore[arg-type]
    return listen([message], language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "That worked, thanks a lot!"),
        ("en", "ok it works now"),
        ("en", "The problem is solved"),
        ("en", "all good now"),
        ("en", "I finally fixed it"),
        ("es", "¡Ya funciona!"),
        ("es", "Ya está resuelto, mil gracias"),
        ("es", "me ha funcionado"),
        ("de", "Danke, jetzt funktioniert es wieder"),
        ("de", "Hat geklappt"),
        ("de", "Das Problem ist behoben"),
        ("fr", "Ça marche, merci !"),
        ("fr", "C'est réglé"),
        ("fr", "tout est bon"),
    ],
)
def test_success_is_heard(language: str, text: str) -> None:
    assert heard(text, language).solved is True


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "It's still not working"),
        ("en", "thanks, but that didn't help"),
        ("en", "no luck, the same error again"),
        ("en", "still timing out"),
        ("en", "Nothing you told me helped!"),
        ("en", "I tried all of the steps"),
        ("en", "it works in Firefox, but it still fails in Chrome"),
        ("es", "sigue sin funcionar"),
        ("es", "no me ha funcionado"),
        ("es", "otra vez lo mismo"),
        ("de", "Es geht leider immer noch nicht"),
        ("de", "hat leider nicht geholfen"),
        ("de", "ohne Erfolg"),
        ("fr", "ça ne marche toujours pas"),
        ("fr", "toujours le même problème"),
        ("fr", "sans succès"),
    ],
)
def test_failure_is_heard_even_beside_thanks_and_success(language: str, text: str) -> None:
    said = heard(text, language)
    assert said.solved is False
    assert not said.thanks


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Is it fixed now?"),
        ("en", "I hope it works"),
        ("en", "How does this work?"),
        ("en", "It used to work"),
        ("en", "When will this be solved?"),
        ("en", "I need the invoice of May"),
        ("es", "¿Cómo funciona la exportación?"),
        ("de", "Wie funktioniert der Export?"),
        ("de", "Ich hoffe es klappt"),
        ("fr", "Comment ça marche ?"),
    ],
)
def test_what_is_asked_hoped_or_remembered_says_neither(language: str, text: str) -> None:
    assert heard(text, language).solved is None


@pytest.mark.parametrize(
    "text",
    ["thanks", "Thank you so much for all your help!", "ok perfect", "gracias", "Vielen Dank!", "merci beaucoup"],
)
def test_thanks_alone_are_heard_in_every_language(text: str) -> None:
    assert heard(text).thanks


@pytest.mark.parametrize(
    "text",
    [
        "thanks in advance",
        "no thanks",
        "thanks for nothing",
        "thanks, and how do I export it?",
        "thanks, now it does not open",
        "not great",
        "great, it crashed",
    ],
)
def test_who_asks_or_complains_does_not_only_thank(text: str) -> None:
    assert not heard(text).thanks


@pytest.mark.parametrize(
    ("language", "text", "tried"),
    [
        ("en", "I already tried restarting and clearing the cache", {"restart", "clear_cache"}),
        ("en", "I've reinstalled it twice", {"reinstall"}),
        ("en", "We turned it off and on, nothing", {"restart"}),
        ("en", "tried a different browser", {"other_browser"}),
        ("es", "ya he reiniciado el móvil y borrado la caché", {"restart", "clear_cache"}),
        ("es", "he probado a reinstalar", {"reinstall"}),
        ("de", "habe den Router schon neu gestartet", {"restart"}),
        ("de", "Cache geleert, App neu installiert", {"clear_cache", "reinstall"}),
        ("fr", "j'ai déjà redémarré l'ordinateur", {"restart"}),
        ("fr", "j'ai vidé le cache", {"clear_cache"}),
    ],
)
def test_what_they_have_tried_is_heard(language: str, text: str, tried: set[str]) -> None:
    assert heard(text, language).tried == dict.fromkeys(tried, 17)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Should I try restarting it?"),
        ("en", "How do I clear the cache?"),
        ("en", "I already want to restart it"),
        ("en", "the app restarted itself"),
        ("es", "¿Debo reiniciar?"),
        ("de", "Wie kann ich den Cache leeren?"),
        ("de", "Ich habe eine Frage zum Update"),
        ("fr", "Dois-je redémarrer ?"),
    ],
)
def test_what_they_might_do_is_not_what_they_have_tried(language: str, text: str) -> None:
    assert not heard(text, language).tried


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "any news?"), ("es", "¿alguna novedad?"), ("de", "Gibt es was Neues?"), ("fr", "des nouvelles ?")],
)
def test_who_asks_for_news_goes_on(language: str, text: str) -> None:
    assert heard(text, language).goes_on


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "How do I export it, step by step?"),
        ("es", "¿Cómo puedo exportarlo?"),
        ("de", "Wie kann ich das exportieren?"),
        ("fr", "Comment faire ?"),
    ],
)
def test_who_asks_how_asks_for_steps(language: str, text: str) -> None:
    assert heard(text, language).how_to


def test_what_a_machine_has_sent_says_nothing() -> None:
    assert heard("It works now", automatic="auto-reply") == Said()


def test_a_language_without_words_is_not_listened_to() -> None:
    assert heard("funziona ancora male purtroppo oggi", "it") == Said()


def test_a_flood_is_listened_to_in_bounded_time() -> None:
    assert heard("i tried i have it works still not " * 5000).solved is False
    assert heard("?! " * 5000).solved is None


def test_what_was_tried_is_told_in_their_language_and_else_not() -> None:
    assert worded("restart", "en") == "restarting"
    assert worded("restart", "de") == "ein Neustart"
    assert worded("restart", "it") == "restarting"
    assert worded("raised the limit", "en") == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_the_same_cues_and_words_for_all_that_can_be_tried(language: str) -> None:
    assert {(topic, name) for topic, name, _ in phrases(language)} == {
        (topic, name) for topic, name, _ in phrases("en")
    }
    spoken = cues_of(language)
    assert spoken is not None
    assert spoken.words.keys() == {name for topic, name, _ in phrases(language) if topic == "done"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_phrase_is_found_where_it_is_written_out(language: str) -> None:
    cues = cues_of(language)
    assert cues is not None
    for topic, name, phrase in phrases(language):
        longest, shortest = written_out(phrase, optional=True), written_out(phrase, optional=False)
        for words in (longest, shortest):
            assert topic in {cue.topic for cue in cues.find(words)}, (name, phrase, words)


def phrases(language: str) -> Iterator[tuple[str, str, str]]:
    table = tomllib.loads(files("omnibot.memory.cues").joinpath(f"{language}.toml").read_text("utf-8"))
    for topic, cues in table.items():
        if topic != "words":
            for name, said in cues.items():
                for phrase in filter(None, map(str.strip, re.split(r"[,\n]", said))):
                    yield topic, name, phrase


def written_out(phrase: str, *, optional: bool) -> str:
    parts = (part for part in phrase.split() if optional or not part.startswith("("))
    words = (part.strip("()").split("/")[0].replace("+", " ") for part in parts)
    return folded(" ".join("" if word == "..." else "word" if word == "_" else word for word in words))


def test_cues_of_an_unknown_language_are_none() -> None:
    assert cues_of("xx") is None
