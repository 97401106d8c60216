"""How formally and how politely something is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import Register
from omnibot.understanding.tone import Tone
from tests.understanding.readers import FLOODS, LANGUAGES, assert_evidence_stands_in, utterance, words

TONE = Tone(LANGUAGES)


def read(text: str, language: str = "en"):
    said = utterance(text, language)
    signals = TONE.read(said)
    for signal in signals:
        assert_evidence_stands_in(said, signal)
    return signals


# Pairs that say the same, the formal one first.
@pytest.mark.parametrize(
    ("formal", "casual", "language"),
    [
        (
            "Dear Sir or Madam, could you kindly inform me when it will arrive? Kind regards",
            "yo when's it coming lol",
            "en",
        ),
        ("I would like to request a copy of the invoice.", "gimme the invoice pls", "en"),
        (
            "Estimados señores: ¿podrían ustedes informarme del estado? Atentamente",
            "jaja q pasa con mi pedido tío",
            "es",
        ),
        (
            "Sehr geehrte Damen und Herren, könnten Sie mir bitte mitteilen, wann es kommt?",
            "hey wo bleibt mein zeug",
            "de",
        ),
        ("Madame, Monsieur, je souhaiterais obtenir une copie. Cordialement", "slt t'as ma facture stp mdr", "fr"),
    ],
)
def test_letters_are_formal_and_chat_is_casual(formal: str, casual: str, language: str) -> None:
    (high, _), (low, _) = read(formal, language), read(casual, language)
    assert high.value > 0.7 > 0.3 > low.value
    assert high.known
    assert low.known
    assert high.evidence
    assert low.evidence


@pytest.mark.parametrize(
    ("polite", "rude", "language"),
    [
        ("Could you please help me? Thank you very much", "you idiots, do your job", "en"),
        ("¿Podrían ayudarme, por favor? Muchas gracias", "sois unos inútiles, devuélvanme el dinero ya", "es"),
        ("Könnten Sie mir bitte helfen? Vielen Dank", "Saftladen, ihr seid unfähig", "de"),
        ("Pourriez-vous m'aider s'il vous plaît ? Merci", "bande d'incapables, rendez-moi mon argent", "fr"),
    ],
)
def test_please_is_polite_and_insults_are_rude(polite: str, rude: str, language: str) -> None:
    (_, high), (_, low) = read(polite, language), read(rude, language)
    assert high.value > 0.7 > 0.3 > low.value
    assert high.known
    assert low.known


def test_the_german_sie_is_formal_in_the_middle_of_a_sentence() -> None:
    formal, _ = read("Den Brief habe ich Ihnen am Montag geschickt.", "de")
    plain, _ = read("Den Brief habe ich euch am Montag geschickt.", "de")
    assert formal.value > plain.value


def test_capitals_throughout_are_rude() -> None:
    _, politeness = read("WHERE IS THE PARCEL THAT CAME YESTERDAY")
    assert politeness.value < 0.5
    assert words(politeness) == ["capitals throughout"]


def test_each_sign_of_haste_or_play_makes_it_less_formal() -> None:
    plain, _ = read("The lamp arrived in two pieces and I need another.")
    for other in (
        "the lamp arrived in two pieces and I need another.",
        "The lamp arrived in two pieces and I need another",
        "The lamp arrived in two pieces and I need another :)",
        "The lamp arrived in two pieces and I need another 😭.",
        "The lamp arrived in two pieces and i need another.",
        "The lamp arrived in two pieces and I need another!!!",
        "The lamp arrived sooo in two pieces and I need another.",
    ):
        assert read(other)[0].value < plain.value, other


@pytest.mark.parametrize(("text", "language"), [("", "en"), ("42?", "en"), ("ありがとうございます", "ja")])
def test_too_little_says_nothing(text: str, language: str) -> None:
    assert not any(signal.known for signal in read(text, language))


def test_a_neutral_sentence_is_neither_polite_nor_rude() -> None:
    assert read("The table has three columns")[1].known is False


@pytest.mark.parametrize("name", FLOODS)
def test_floods_are_read(name: str) -> None:
    read(FLOODS[name])


@given(st.text(max_size=400), st.sampled_from([*LANGUAGES, "ja", ""]))
def test_any_text_is_read(text: str, language: str) -> None:
    for signal in read(text, language):
        assert 0 <= signal.value <= 1
        assert 0 <= signal.confidence <= 1
        assert not signal.known or signal.evidence


@pytest.mark.parametrize(
    ("language", "register", "text"),
    [
        ("de", "casual", "Kannst du mir sagen, wo ich meine Rechnung finde?"),
        ("de", "casual", "Könnt ihr mir bitte helfen?"),
        ("de", "casual", "Hilf mir bitte mit der Rechnung"),
        ("de", "casual", "Ich danke Dir für Deine Antwort"),
        ("de", "formal", "Haben Sie am Samstag offen?"),
        ("de", "formal", "könnten sie mir bitte helfen?"),
        ("de", "formal", "Vielen Dank für Ihre Antwort"),
        ("es", "casual", "¿Me puedes decir dónde está mi factura?"),
        ("es", "formal", "¿Me puede decir dónde está mi factura?"),
        ("es", "formal", "¿Usted sabe cuánto cuesta?"),
        ("fr", "casual", "Tu peux me dire où je trouve ma facture ?"),
        ("fr", "casual", "Tu sais si vous envoyez des fax ?"),
        ("fr", "formal", "Pouvez-vous me dire où je trouve ma facture ?"),
    ],
)
def test_it_is_heard_how_they_address_us(language: str, register: str, text: str) -> None:
    said = utterance(text, language)
    found = TONE.register(said)
    assert (found.known, found.value) == (True, Register(register))
    assert_evidence_stands_in(said, found)
    assert found.evidence


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Wie kann ich mein Passwort zurücksetzen?"),
        ("de", "Die App stürzt ab. Sie ging gestern noch."),  # she: the app
        ("de", "meine frau hat ihr passwort vergessen"),
        ("de", "seid gestern geht nichts mehr"),  # since
        ("es", "Nadie me puede ayudar con estas facturas"),
        ("es", "¿Ustedes abren los sábados?"),  # as all say to several, in Latin America
        ("fr", "Où est ma facture ?"),
        ("en", "Can you tell me where you are?"),
    ],
)
def test_who_addresses_nobody_is_not_heard_to(language: str, text: str) -> None:
    assert not TONE.register(utterance(text, language)).known
