"""What customers tell of themselves by the way, how sure it is, and which message tells it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from omnibot.memory.zones import named_zone
from omnibot.model import Change, Plan
from tests.memory.people import SILENT, Person, read

Told = dict[str, tuple[str, float]]


def told(text: str, *entities: tuple[str, str], language: str = "en", person: Person | None = None) -> Told:
    person = person or Person()
    person.says(text, read(text, "", *entities, language=language))
    assert all(change.source == person.said for change in person.kept.changes)
    return {c.key: (c.value, c.confidence) for c in person.kept.changes if c.key != "language"}


@pytest.mark.parametrize(
    ("language", "text", "name", "confidence"),
    [
        ("en", "My name is Sarah Connor and the export fails", "Sarah Connor", 0.9),
        ("en", "Hi, I'm Sarah.", "Sarah", 0.75),
        ("en", "Hi, I'm Sarah from Acme", "Sarah", 0.75),
        ("en", "hello, this is Anne-Marie O'Neill, nothing works", "Anne-Marie O'Neill", 0.75),
        ("es", "Hola, me llamo Ana García", "Ana García", 0.9),
        ("es", "Soy Ana, no funciona", "Ana", 0.75),
        ("de", "Ich heiße Jörg Müller und brauche Hilfe", "Jörg Müller", 0.9),
        ("de", "Hier ist Sarah von Acme", "Sarah", 0.75),
        ("fr", "Je m'appelle Émile", "Émile", 0.9),
        ("fr", "Bonjour, c'est Zoé, toujours pas", "Zoé", 0.75),
    ],
)
def test_who_says_their_name_is_known_by_it(language: str, text: str, name: str, confidence: float) -> None:
    assert told(text, language=language)["name"] == (name, confidence)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I'm German"),
        ("en", "I'm sorry"),
        ("en", "I'm Pro user"),
        ("en", "this is URGENT"),
        ("en", "My name is"),
        ("en", "my name is 4711"),
        ("en", "Is this Sarah?"),
        ("en", "I'm Sarah Anne Marie Louise Connor Smith"),
        ("en", "One. Two. Three. I'm Sarah"),
        ("fr", "Je suis Français"),
        ("de", "Hier ist Rechnung 4711"),
    ],
)
def test_what_is_no_name_is_not_taken_for_one(language: str, text: str) -> None:
    assert "name" not in told(text, language=language)


def test_the_name_of_a_product_is_nobodys() -> None:
    assert "name" not in told("I'm Basic, sort of", ("plan", "Basic"))


def test_a_longer_or_shorter_form_of_the_name_that_is_known_is_no_news() -> None:
    person = Person()
    person.snapshot = replace(person.snapshot, name="Sarah Connor")
    assert told("I'm Sarah.", person=person) == {}
    assert told("I'm Mike.", person=person)["name"] == ("Mike", 0.75)


def test_a_name_below_a_letter_counts_when_it_stands_there_again() -> None:
    person = Person()
    letter = "Hello,\n\nthe export fails.\n\nBest regards\nSarah Connor"
    assert told(letter, person=person) == {}
    assert told("Hello,\n\nit works now.\n\nSarah Connor", person=person)["name"] == ("Sarah Connor", 0.6)
    assert told(letter, person=person) == {}


@pytest.mark.parametrize("last", ["Best regards", "Sent from my iPhone.", "it fails", "Monday", "Thanks"])
def test_what_else_ends_a_letter_is_no_name(last: str) -> None:
    person = Person()
    told(f"Hello,\n{last}", person=person)
    assert "name" not in told(f"Hi,\n{last}", person=person)


@pytest.mark.parametrize(
    ("language", "text", "zone", "confidence"),
    [
        ("en", "I live in New York", "America/New_York", 0.9),
        ("en", "I'm in Berlin, so call me later", "Europe/Berlin", 0.75),
        ("en", "I'm in Berlin this week", "Europe/Berlin", 0.5),
        ("en", "my time zone is Europe/Madrid", "Europe/Madrid", 0.75),
        ("en", "we're based in the Netherlands", "Europe/Amsterdam", 0.9),
        ("es", "vivo en la Ciudad de México", "America/Mexico_City", 0.9),
        ("de", "ich wohne in München", "Europe/Berlin", 0.9),
        ("de", "wir sind gerade in Wien", "Europe/Vienna", 0.5),
        ("fr", "j'habite à Genève", "Europe/Zurich", 0.9),
    ],
)
def test_who_says_where_they_are_is_told_the_time_there(language: str, text: str, zone: str, confidence: float) -> None:
    assert told(text, language=language)["zone"] == (zone, confidence)


@pytest.mark.parametrize("text", ["I'm in a hurry", "I live in Smallville", "my time zone is Mars/Base", "I'm in"])
def test_no_zone_is_guessed(text: str) -> None:
    assert "zone" not in told(text)


def test_every_zone_that_is_known_exists() -> None:
    from omnibot.memory.situation import zone_of
    from omnibot.memory.zones import _places

    assert all(zone_of(zone) for zone in _places().values())
    assert named_zone([], "") == ""


def test_what_they_have_and_work_with_is_kept() -> None:
    text = "I'm on the Pro plan with Windows 11 and Firefox 128.0.1, on my ThinkPad"
    assert told(text, ("plan", "Pro")) == {
        "plan": ("Pro", 0.8),
        "os": ("Windows 11", 0.8),
        "browser": ("Firefox 128.0.1", 0.8),
        "device": ("ThinkPad", 0.8),
    }
    assert told("Our Cloud Drive v2.3 crashes", ("product", "Cloud Drive"), ("version", "v2.3")) == {
        "product": ("Cloud Drive", 0.8),
        "version": ("v2.3", 0.7),
    }
    assert told("nutze auf meinem iPhone den Basic Tarif", ("plan", "Basic"), language="de")["device"][0] == "iPhone"
    assert told("j'utilise Firefox", language="fr")["browser"] == ("Firefox", 0.8)
    assert told("tengo el plan Pro", ("plan", "Pro"), language="es")["plan"] == ("Pro", 0.8)


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("what does Pro cost?", ("plan", "Pro")),
        ("I should upgrade my plan to Pro", ("plan", "Pro")),
        ("Does Cloud Drive run on Linux?", ("product", "Cloud Drive")),
        ("my colleague said that the Pro plan is better", ("plan", "Pro")),
        ("is my version 2.3 the latest?", ("version", "2.3")),
        ("my Firefox 128 hangs", ("version", "128")),
        ("Pro is what I have", ("plan", "Pro")),
    ],
)
def test_what_is_only_spoken_of_is_not_theirs(text: str, entity: tuple[str, str]) -> None:
    assert entity[0] not in told(text, entity)


def test_a_name_of_the_catalogue_that_words_do_not_have_is_nobodys() -> None:
    assert told("my plan", ("plan", "(Pro)")) == {}


def test_the_surer_of_two_is_kept_and_what_is_known_is_no_news() -> None:
    person = Person()
    assert told("I live in Berlin. I'm in Madrid this week", person=person)["zone"] == ("Europe/Berlin", 0.9)
    assert told("I live in Berlin", person=person) == {}
    assert told("I live in Paris", person=person)["zone"] == ("Europe/Paris", 0.9)


def test_what_the_plan_notes_is_not_noted_twice() -> None:
    person = Person()
    noted = Plan(changes=(Change(key="name", value="Sam"),))
    person.says("my name is Sam", read(), noted)
    assert [change.key for change in person.kept.changes] == ["language"]


def test_the_language_last_written_in_is_kept_once() -> None:
    person = Person()
    person.says("hola", read(language="es"))
    assert [(change.key, change.value) for change in person.kept.changes] == [("language", "es")]
    person.says("hola", read(language="es"))
    assert person.kept.changes == ()


@pytest.mark.parametrize("flag", ["stop", "start", "help", "staff_only"])
def test_of_orders_and_of_what_staff_alone_may_see_nothing_is_kept(flag: str) -> None:
    from datetime import UTC, datetime

    from omnibot.memory import Kept, keep
    from omnibot.model import MessageId, Recollection, TurnMessage
    from tests.memory.people import TELEGRAM

    message = TurnMessage(
        id=MessageId(1), address=TELEGRAM.id, at=datetime(2026, 3, 4, tzinfo=UTC), text="I'm Sarah.", flags=(flag,)
    )
    assert keep(Person().snapshot, read(), Recollection(), SILENT, [message]) == Kept()
