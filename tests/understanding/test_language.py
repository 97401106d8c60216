"""In which language somebody writes, when that is not known, and what it rests on."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py3langid.langid import LanguageIdentifier

from omnibot.model import Signal, Situation
from omnibot.understanding.langid import LanguageModel
from omnibot.understanding.language import UNDETERMINED, Languages
from omnibot.understanding.utterance import Utterance, legible

NOW = datetime(2025, 3, 12, 10, 15, tzinfo=UTC)
FOUR = Languages(["en", "es", "de", "fr"])
TWO = Languages(["en", "es"])


def uttered(text: str, last: str | None) -> Utterance:
    return Utterance(legible(text), Situation(now=NOW, zone=UTC, last_language=last), "")


def read(text: str, last: str | None = None, languages: Languages = TWO) -> Signal[str]:
    """The signal, whose evidence must stand where it says."""
    signal = languages.read(uttered(text, last)).signal
    assert all(text[one.start : one.end] == one.text for one in signal.evidence if one.start is not None)
    return signal


def words(signal: Signal[str]) -> tuple[str, ...]:
    return tuple(one.text for one in signal.evidence)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I reset my password?", "en"),
        ("Could you tell me why my bill is higher this month", "en"),
        ("the app crashes", "en"),
        ("No puedo entrar en mi cuenta", "es"),
        ("¿Por qué ha subido mi factura este mes?", "es"),
        ("QUIERO EXPORTAR MIS DATOS", "es"),
        ("la factura de este mes es más alta", "es"),
        ("Wie kann ich mein Passwort zurücksetzen?", "de"),
        ("Die Rechnung stimmt nicht", "de"),
        ("gestern bestellt, heute storniert", "de"),
        ("Comment réinitialiser mon mot de passe ?", "fr"),
        ("j'attends ma commande depuis lundi", "fr"),
        ("la semaine prochaine je change de numéro", "fr"),
    ],
)
def test_the_language_of_a_sentence_is_known(text: str, language: str) -> None:
    signal = read(text, None, FOUR)
    assert (signal.value, signal.known) == (language, True)
    assert signal.evidence


@pytest.mark.parametrize(("text", "language"), [("Thanks!", "en"), ("¡hola!", "es"), ("danke", "de"), ("merci", "fr")])
def test_a_word_that_everybody_greets_or_thanks_with_is_enough(text: str, language: str) -> None:
    signal = read(text, None, FOUR)
    assert (signal.value, signal.known) == (language, True)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("invoice?", "en"),
        ("factura?", "es"),
        ("humano", "es"),
        ("Rechnung?", "de"),
        ("kündige", "de"),
        ("facture ?", "fr"),
        ("un humain", "fr"),
        ("halo hab mein paswort vergesen", "de"),
    ],
)
def test_a_word_that_customers_come_with_is_enough(text: str, language: str) -> None:
    signal = read(text, None, FOUR)
    assert (signal.value, signal.known) == (language, True)


def test_one_word_does_not_change_the_language_that_somebody_writes_in() -> None:
    assert read("thanks", "es").value == "es"
    assert read("thanks so much", "es").value == "en"


@pytest.mark.parametrize("text", ["ok", "API error", "👍", "", "12345 67 89 !!", "super"])
def test_a_few_words_keep_the_language_of_the_last_message(text: str) -> None:
    signal = read(text, "es")
    assert (signal.value, signal.known) == ("es", True)
    assert words(signal) == ("the customer's last language",)


@pytest.mark.parametrize("last", [None, "", "xx"])
def test_a_few_words_of_a_stranger_are_taken_for_the_companys_language_without_knowing(last: str | None) -> None:
    signal = read("ok", last)
    assert (signal.value, signal.known) == ("en", False)


@pytest.mark.parametrize(
    ("text", "read_in"),
    [
        ("Il mio ordine non è ancora arrivato, grazie", "it"),
        ("O meu pedido ainda não chegou, você pode ajudar?", "pt"),
        ("Waar blijft mijn bestelling? Ik wacht al een week", "nl"),
        ("Gdzie jest moje zamówienie? Nie mogę się zalogować", "pl"),
        ("Siparişim ne zaman gelecek? Çok bekledim", "tr"),
        ("Var är min beställning? Jag har inte fått den", "sv"),
        ("Wo bleibt meine Bestellung? Ich warte schon seit einer Woche", "de"),
        ("Le contrat se renouvelle le 30, je veux la résiliation avant", "fr"),
        ("Где мой заказ? Я жду уже неделю", UNDETERMINED),
        ("请问我的订单什么时候到", UNDETERMINED),
        ("أين طلبي؟", UNDETERMINED),
    ],
)
def test_a_language_that_the_company_has_not_is_unknown(text: str, read_in: str) -> None:
    for last in (None, "es"):
        written = TWO.read(uttered(text, last))
        assert (written.signal.known, written.read_in) == (False, read_in)
        assert written.signal.value == (last or "en")
        assert written.signal.evidence[-1].text == "none of the company's languages"


@pytest.mark.parametrize("text", ["I've been waiting 3 days", "You’ve been great", "They've charged me", "We'll wait"])
def test_what_english_has_behind_an_apostrophe_is_no_foreign_word(text: str) -> None:
    assert Languages(["en"]).read(uttered(text, None)).read_in == "en"


def test_a_name_from_elsewhere_makes_no_text_foreign() -> None:
    assert read("My order from München Café with the Straße sign is late").value == "en"
    assert read("Where is Дмитрий, he is my agent").value == "en"


def test_signs_without_spaces_between_words_are_counted() -> None:
    assert read("請求書が高いのはなぜですか", None, Languages(["en", "ja"])).value == "ja"


def test_a_company_of_one_language_knows_it_and_no_other() -> None:
    spanish = Languages(["es"])
    assert read("No puedo entrar en mi cuenta", None, spanish).known
    english = read("How do I reset my password?", None, spanish)
    assert (english.value, english.known) == ("es", False)


def test_a_language_without_a_model_does_no_harm() -> None:
    klingon = Languages(["en", "es", "tlh"])
    assert read("How do I reset my password?", None, klingon).value == "en"
    assert read("nuqneH", "tlh", klingon).value == "tlh"
    assert read("nuqneH nuqDaq yuch Dapol jIH tlhIngan", None, Languages(["tlh", "qya"])).known is False


def test_words_that_one_language_alone_has_are_named_as_evidence() -> None:
    english = read("Where is the invoice of March? My boss asks for it")
    assert words(english) == ("Where", "is", "the")
    assert english.confidence > 0.95


def test_words_of_two_languages_are_weighed_with_the_model() -> None:
    text = "El pedido que hice por the web todavía no ha llegado a mi casa"
    spanish = read(text)
    assert (spanish.value, spanish.known) == ("es", True)
    assert "the" not in words(spanish)


def test_where_no_word_tells_the_beginning_is_the_evidence() -> None:
    assert words(read("report export crashed yesterday evening")) == ("report export crashed yesterday evening",)


def test_many_words_of_which_none_is_common_are_in_none_of_ours() -> None:
    assert read("lorem dolor amet consectetur adipiscing elit eiusmod").known is False


def test_a_sign_that_is_two_in_lower_case_moves_nothing() -> None:
    read("İİİ where is the invoice of İstanbul")


def test_no_language_at_all_is_a_fault() -> None:
    with pytest.raises(ValueError, match="at least one language"):
        Languages([])


@settings(deadline=None)
@given(st.text(), st.sampled_from([None, "en", "es", "xx"]))
def test_any_text_is_in_one_of_the_companys_languages(text: str, last: str | None) -> None:
    text = legible(text)
    signal = read(text, last, FOUR)
    assert signal.value in {"en", "es", "de", "fr"}
    assert 0 <= signal.confidence <= 1


# --- the model, cut down ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file("data/model.npz.xz", norm_probs=True)
    identifier.set_languages(["de", "en", "es", "fr"])
    return identifier


@pytest.mark.parametrize(
    "text",
    [
        "invoice export crashed",
        "MI FACTURA NO LLEGA",
        "Wo ist mein Paket?",
        "Combien coûte la livraison à Liège ?",
        "e\u0301te\u0301 brûlant",
        "Kündigung zum 31.12.",
    ],
)
def test_what_is_left_of_the_model_says_what_all_of_it_says(whole: LanguageIdentifier, text: str) -> None:
    model = LanguageModel({"en", "es", "de", "fr"})
    ours = dict(zip(model.languages, model.probabilities(text), strict=True))
    for language, probability in whole.rank(text):
        assert ours[language] == pytest.approx(probability, abs=0.05)


def test_a_text_without_anything_that_tells_leaves_all_languages_alike() -> None:
    assert list(LanguageModel({"en", "es"}).probabilities("")) == [0.5, 0.5]


@pytest.mark.parametrize("code", ["fr", "in", "iso"])
def test_words_of_a_language_are_spacys_own(code: str) -> None:
    from spacy.util import get_lang_class

    from omnibot.understanding.language import common_words

    try:
        theirs = get_lang_class(code).Defaults.stop_words
    except ImportError:
        theirs = set()

    assert common_words(code) == {word.lower() for word in theirs}


def test_words_are_had_without_what_spacys_tokenizer_needs() -> None:
    code = "import sys; from omnibot.understanding.language import Languages; Languages(['fr']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "spacy.lang" in done.stdout.split()
    assert "spacy.lang.fr" not in done.stdout.split()
