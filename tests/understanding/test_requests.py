"""Whether a person is asked for, the how manyth time it is, and what is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.understanding.requests import Requests
from tests.understanding.readers import FLOODS, LANGUAGES, assert_evidence_stands_in, utterance, words

REQUESTS = Requests(LANGUAGES)


def read(text: str, language: str = "en"):
    said = utterance(text, language)
    signals = REQUESTS.read(said)
    for signal in signals:
        assert_evidence_stands_in(said, signal)
    return signals


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I'd like to speak to a real human being", "en"),
        ("could somebody from your team call me back?", "en"),
        ("Agent, please!", "en"),
        ("enough of the bot, get me a manager", "en"),
        ("quiero hablar con un asesor", "es"),
        ("operador por favor", "es"),
        ("Kann ich bitte mit einem Menschen sprechen?", "de"),
        ("Mitarbeiter bitte", "de"),
        ("passez-moi un conseiller", "fr"),
        ("un humain svp", "fr"),
    ],
)
def test_a_person_is_asked_for(text: str, language: str) -> None:
    person, _, _ = read(text, language)
    assert (person.value, person.known) == (True, True)
    assert person.evidence


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Are you a human?", "en"),
        ("The person who delivered it was friendly", "en"),
        ("I don't need a person, it works", "en"),
        ("please don't call me", "en"),
        ("the agent of the insurance came on Monday and it rained", "en"),
        ("¿Eres una persona?", "es"),
        ("la persona que vino fue amable", "es"),
        ("Bist du ein Mensch?", "de"),
        ("der Mitarbeiter war freundlich", "de"),
        ("êtes-vous un robot ?", "fr"),
        ("la personne qui a livré était aimable", "fr"),
        ("who can we reach a deal with", "en"),
        ("necesito un recibo", "es"),
        ("no quiero pagar más", "es"),
        ("no quiero hablar con mi jefe de esto", "es"),
        ("Kann ich mit Karte zahlen?", "de"),
        ("Ich bezahle mit Karte", "de"),
        ("ich möchte eine Rechnung", "de"),
        ("geben Sie mir Bescheid", "de"),
        ("je voudrais un reçu", "fr"),
        ("pouvez-vous me passer le lien ?", "fr"),
        ("quelqu'un peut changer ça ?", "fr"),
        ("", "en"),
    ],
)
def test_a_person_is_spoken_of_and_not_asked_for(text: str, language: str) -> None:
    person, _, _ = read(text, language)
    assert person.value is False


@pytest.mark.parametrize(
    ("text", "language", "times"),
    [
        ("This is the third time I write to you", "en", 3),
        ("I already cleared the cache", "en", 2),
        ("I've already tried that", "en", 2),
        ("j'ai déjà vidé le cache", "fr", 2),
        ("for the 4th time: where is it", "en", 4),
        ("I have asked you twice already", "en", 2),
        ("I've called 5 times", "en", 5),
        ("I wrote several times", "en", 3),
        ("I told you about this twice", "en", 2),
        ("I was charged twice and I have written to you four times", "en", 4),
        ("ich habe schon dreimal angerufen", "de", 3),
        ("les he escrito dos veces", "es", 2),
        ("je vous ai écrit trois fois", "fr", 3),
        ("it's me again", "en", 2),
        ("still no answer", "en", 2),
        ("es la tercera vez que escribo", "es", 3),
        ("sigo sin respuesta", "es", 2),
        ("das ist das vierte Mal", "de", 4),
        ("ich warte immer noch", "de", 2),
        ("c'est la troisième fois que j'écris", "fr", 3),
        ("toujours rien", "fr", 2),
        ("written 123456 times", "en", 99),
    ],
)
def test_the_how_manyth_time_it_is(text: str, language: str, times: int) -> None:
    _, repetition, _ = read(text, language)
    assert (repetition.value, repetition.known) == (times, True)
    assert repetition.evidence


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello, my lamp is broken", "en"),
        ("thanks again", "en"),
        ("it is the first time I write", "en"),
        ("I was charged twice", "en"),
        ("You charged my card three times, please look into it", "en"),
        ("I was charged twice and I write to get it back", "en"),
        ("we pay you twice a year", "en"),
        ("mir wurde zweimal abgebucht", "de"),
        ("me han cobrado dos veces", "es"),
        ("j'ai été débité deux fois", "fr"),
        ("gracias de nuevo", "es"),
        ("läuft wieder", "de"),
        ("encore merci", "fr"),
        ("encore une question", "fr"),
        ("j'ai déjà un compte", "fr"),
        ("I already have an account", "en"),
        ("", "en"),
    ],
)
def test_the_first_time_is_not_known(text: str, language: str) -> None:
    _, repetition, _ = read(text, language)
    assert (repetition.value, repetition.known) == (1, False)


@pytest.mark.parametrize(
    ("text", "language", "asked"),
    [
        ("Where is it? And when does it come?", "en", ["Where is it?", "And when does it come?"]),
        ("Hi. I'd like to know whether you ship to Malta.", "en", ["I'd like to know whether you ship to Malta."]),
        ("hello, how do i reset it", "en", ["hello, how do i reset it"]),
        ("Version 4.2.1 is out. Can I have it", "en", ["Can I have it"]),
        ("quisiera saber si envían a Malta", "es", ["quisiera saber si envían a Malta"]),
        ("¿Cuándo llega? Gracias.", "es", ["¿Cuándo llega?"]),
        ("ich wüsste gern, ob es passt", "de", ["ich wüsste gern, ob es passt"]),
        ("je voudrais savoir si ça marche", "fr", ["je voudrais savoir si ça marche"]),
        ("Thanks. It works.", "en", []),
        ("I know how much it costs.", "en", []),
        ("???", "en", []),
        ("", "en", []),
    ],
)
def test_questions_are_counted_and_quoted(text: str, language: str, asked: list[str]) -> None:
    _, _, questions = read(text, language)
    assert questions.value == len(asked)
    assert list(words(questions)) == asked


def test_a_question_mark_counts_in_any_language() -> None:
    person, repetition, questions = read("Kdy to přijde?", "cs")
    assert (questions.value, questions.known) == (1, True)
    assert not person.known
    assert not repetition.known
    assert read("Děkuji", "cs")[2].known is False


@pytest.mark.parametrize("name", FLOODS)
def test_floods_are_read(name: str) -> None:
    read(FLOODS[name])


@given(st.text(max_size=400), st.sampled_from([*LANGUAGES, "ja", ""]))
def test_any_text_is_read(text: str, language: str) -> None:
    person, repetition, questions = read(text, language)
    assert repetition.value >= 1
    assert questions.value >= 0
    assert all(0 <= signal.confidence <= 1 for signal in (person, repetition, questions))
