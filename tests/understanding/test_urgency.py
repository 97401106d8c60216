"""How urgent a message is: by what is at stake, by what is known of the situation, and not by its tone."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnibot.model import EarlierTurn, Emotions, NamedTime, Signal, TimeKind, Urgency
from omnibot.understanding.urgency import UrgencyReader
from tests.understanding.readers import (
    FLOODS,
    LANGUAGES,
    NOW,
    assert_evidence_stands_in,
    features,
    utterance,
    words,
)

UNFELT = Signal(0.0, 0.0, known=False)


@pytest.fixture(scope="module")
def reader() -> UrgencyReader:
    return UrgencyReader(LANGUAGES)


def read(reader: UrgencyReader, text: str, language: str = "en", times=(), emotions=None, **situation):
    said = utterance(text, language, **situation)
    signal = reader.read(said, features(said), times, emotions)
    assert_evidence_stands_in(said, signal)
    return signal


@pytest.mark.parametrize(
    ("text", "language", "urgency"),
    [
        ("Our production API is down and we are losing money by the minute", "en", Urgency.CRITICAL),
        ("I think we have been HACKED", "en", Urgency.CRITICAL),
        ("there is smoke coming out of the charger and it is getting hotter", "en", Urgency.CRITICAL),
        ("I don't want to live any more", "en", Urgency.CRITICAL),
        ("Server down!!!", "en", Urgency.CRITICAL),
        ("Servers down", "en", Urgency.CRITICAL),
        ("Production down!!", "en", Urgency.CRITICAL),
        ("App down!!!", "en", Urgency.CRITICAL),
        ("me han hackeado la cuenta", "es", Urgency.CRITICAL),
        ("sale humo del cargador y huele a quemado", "es", Urgency.CRITICAL),
        ("es riecht nach Gas im Keller seit der Monteur weg ist", "de", Urgency.CRITICAL),
        ("mon compte a été piraté et quelqu'un utilise ma carte", "fr", Urgency.CRITICAL),
        ("you charged me twice, I want my money back before rent is due", "en", Urgency.HIGH),
        ("I am locked out of my account and can't work", "en", Urgency.HIGH),
        ("Me cobraron dos veces y sigo sin mi reembolso", "es", Urgency.HIGH),
        ("Zweimal abgebucht und immer noch kein Geld zurück", "de", Urgency.HIGH),
        ("toujours pas remboursée, j'attends depuis trois semaines", "fr", Urgency.HIGH),
        ("How do I change the colour of the icons?", "en", Urgency.NORMAL),
        ("¿Cómo cambio el color de los iconos?", "es", Urgency.NORMAL),
        ("Wie ändere ich die Farbe der Symbole?", "de", Urgency.NORMAL),
        ("comment changer la couleur des icônes ?", "fr", Urgency.NORMAL),
        ("thank you so much, it works again!", "en", Urgency.LOW),
        ("mil gracias, ya funciona", "es", Urgency.LOW),
        ("vielen Dank, läuft wieder", "de", Urgency.LOW),
        ("merci beaucoup, ça remarche", "fr", Urgency.LOW),
    ],
)
def test_what_is_at_stake_makes_it_urgent(reader, text: str, language: str, urgency: Urgency) -> None:
    signal = read(reader, text, language)
    assert (signal.value, signal.known) == (urgency, True)
    assert signal.evidence


@pytest.mark.parametrize(
    ("text", "language"),
    [("It is urgent!", "en"), ("Es urgente", "es"), ("Es ist dringend!", "de"), ("C'est urgent", "fr")],
)
def test_who_calls_it_urgent_in_earnest_is_believed_as_far_as_high(reader, text: str, language: str) -> None:
    signal = read(reader, text, language)
    assert (signal.value, signal.known) == (Urgency.HIGH, True)


@pytest.mark.parametrize(
    "text",
    [
        "Please send me the catalogue asap",
        "Can I get your mails without URGENT in the subject line?",
        "URGENT!!! do you have the mug in pink 😂",
        "It is urgent that you see this cat 😹 just kidding",
        "How do I open the Critical Path view?",
        "Is the fire sale also online?",
    ],
)
def test_words_of_haste_alone_are_not_urgent(reader, text: str) -> None:
    signal = read(reader, text)
    assert not (signal.known and signal.value in (Urgency.HIGH, Urgency.CRITICAL))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("me han dicho que es gratis", "es"),
        ("me han cobrado dos veces", "es"),
        ("todo el texto se ve bien", "es"),
        ("le service est super", "fr"),
        ("tout est parfait", "fr"),
        ("the new chart slows the app down", "en"),
        ("scroll the site down to the map", "en"),
    ],
)
def test_words_that_stand_beside_harm_are_none_alone(reader, text: str, language: str) -> None:
    signal = read(reader, text, language)
    assert not (signal.known and signal.value in (Urgency.HIGH, Urgency.CRITICAL))
    assert signal.value is not Urgency.CRITICAL


def test_a_topic_is_not_urgent_without_harm(reader) -> None:
    signal = read(reader, "my name is Hayden and I fly to Lisbon on this booking")
    assert not (signal.known and signal.value in (Urgency.HIGH, Urgency.CRITICAL))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("no rush at all", "en"),
        ("It's not urgent, whenever you have time", "en"),
        ("sin prisa", "es"),
        ("eilt nicht", "de"),
        ("rien ne presse", "fr"),
    ],
)
def test_who_has_time_and_says_nothing_else_has_time(reader, text: str, language: str) -> None:
    signal = read(reader, text, language)
    assert (signal.value, signal.known) == (Urgency.LOW, True)
    assert signal.evidence


def test_what_is_over_or_thought_up_is_not_critical(reader) -> None:
    for text in ("My account was hacked in 2019, you sorted it", "What would you do if we had been hacked, in theory?"):
        assert read(reader, text).value is not Urgency.CRITICAL


@pytest.mark.parametrize("text", ["", "   ", "\n", "qwertz"])
def test_where_nothing_tells_urgency_is_unknown(reader, text: str) -> None:
    assert read(reader, text).known is False


def test_languages_that_the_company_does_not_have_are_unknown() -> None:
    english = UrgencyReader(["en"])
    assert read(english, "me han hackeado la cuenta", "es").known is False
    assert read(english, "アカウントが乗っ取られました", "ja").known is False


def test_a_deadline_ahead_raises_it_and_one_that_has_passed_does_not(reader) -> None:
    text = "the form has to be in by then and the page is blank"

    def likely(hours: float) -> tuple[Urgency, float, bool]:
        at = NOW + timedelta(hours=hours)
        deadline = NamedTime(at, "by then", TimeKind.DEADLINE, text.index("by then"), text.index("by then") + 7)
        signal = read(reader, text, times=(deadline,))
        return signal.value, signal.confidence, "by then" in words(signal)

    assert likely(20)[2]
    assert likely(100)[2]
    assert not likely(-1)[2]
    assert not likely(24 * 30)[2]
    undated = NamedTime(None, "by then", TimeKind.DEADLINE, 0, 7)
    assert "by then" not in words(read(reader, text, times=(undated,)))


def test_contacts_silence_and_frustration_raise_it_with_a_reason(reader) -> None:
    text = "the export button does nothing, the page stays blank"
    calm = read(reader, text)
    frustrated = Emotions(frustration=Signal(0.8, 0.9), confusion=UNFELT, satisfaction=UNFELT, excitement=UNFELT)
    pressed = read(reader, text, emotions=frustrated, contacts=4, unanswered=2)
    assert pressed.value in (Urgency.HIGH, Urgency.CRITICAL)
    assert {"contact number 4 on it", "2 turns before it were not answered", "frustrated"} <= set(words(pressed))
    assert not set(words(calm)) & {"frustrated"}


@pytest.mark.parametrize("before", [Urgency.HIGH, Urgency.CRITICAL])
def test_a_short_reminder_is_as_urgent_as_what_it_follows(reader, before: Urgency) -> None:
    earlier = EarlierTurn(at=NOW - timedelta(minutes=20), urgency=before)
    long_ago = EarlierTurn(at=NOW - timedelta(days=3), urgency=before)
    reminder = read(reader, "hello??", earlier=(earlier,), unanswered=1)
    assert (reminder.value, reminder.known) == (before, True)
    assert words(reminder) == [f"reminds us of what is {before.value}"]
    assert read(reader, "hello??", earlier=(earlier,)).value is not before  # it was answered
    assert read(reader, "hello??", earlier=(long_ago,), unanswered=1).value is not before
    assert read(reader, "thank you, solved", earlier=(earlier,), unanswered=1).value is Urgency.LOW


def test_capitals_and_long_letters_are_read(reader) -> None:
    assert read(reader, "THE WHOLE SITE IS DOWN FOR ALL OUR CUSTOMERS!!").value is Urgency.CRITICAL
    letter = "I have liked your lamps for years. " * 8 + "How do I clean the shade?"
    assert read(reader, letter).value in (Urgency.NORMAL, Urgency.LOW)


@pytest.mark.parametrize("name", FLOODS)
def test_floods_are_read(reader, name: str) -> None:
    read(reader, FLOODS[name])


@settings(deadline=None)
@given(st.text(max_size=400), st.sampled_from([*LANGUAGES, "ja", ""]))
def test_any_text_is_read(text: str, language: str) -> None:
    signal = read(UrgencyReader(LANGUAGES), text, language)
    assert 0 <= signal.confidence <= 1
    assert not signal.known or signal.evidence
