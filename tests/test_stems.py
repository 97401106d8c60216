"""Light stems: forms of a word fall together, other words stay apart."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omnibot.stems import folded, stemmer


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("en", "change changes changed changing"),
        ("en", "company companies"),
        ("es", "cambiar cambio cambiando"),
        ("es", "factura facturas"),
        ("de", "Rechnung Rechnungen"),
        ("de", "kaufen gekauft kaufe kauft"),
        ("de", "Kind Kinder Kindern"),
        ("fr", "facture factures facturer"),
        ("fr", "annuler annulation annulé annulée"),
    ],
)
def test_forms_of_a_word_have_one_stem(language: str, forms: str) -> None:
    stem_of = stemmer(language)
    assert len({stem_of(word) for word in folded(forms).split()}) == 1


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "ring thing bus bed"), ("de", "Haus Hase Rest Reis"), ("fr", "mer main merci"), ("es", "mar mes")],
)
def test_other_words_stay_apart(language: str, words: str) -> None:
    stem_of = stemmer(language)
    assert len({stem_of(word) for word in folded(words).split()}) == len(words.split())


def test_words_of_other_languages_are_left_as_they_are() -> None:
    assert stemmer("ja")("changing") == "changing"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Wie heißt „ÜBUNG“? l’année, l'été", "wie heisst ubung lannee lete"),
        ("½ Stück für 5 µm, 2²", "1 2 stuck fur 5 μm 22"),
        ("so-and_so… Œuvre", "so and so œuvre"),
    ],
)
def test_words_lose_case_accents_and_punctuation(text: str, words: str) -> None:
    assert folded(text) == words


@given(st.text(st.characters(max_codepoint=0x17F)))
@example("¼ß’´\0x\x85y")
def test_the_signs_of_a_text_are_folded_alike_whatever_others_it_has(text: str) -> None:
    assert folded(f"{text} ж").split() == [*folded(text).split(), "ж"]


@given(st.sampled_from(["en", "es", "de", "fr"]), st.text())
def test_no_word_loses_all_its_letters(language: str, text: str) -> None:
    stem_of = stemmer(language)
    assert all(stem_of(word) for word in folded(text).split())


def test_all_who_ask_share_what_is_known_of_a_word() -> None:
    assert stemmer("en") is stemmer("en")
