"""Words as they are compared."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.dialogue.words import Passage
from omnibot.stems import folded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello,  WORLD!", "hello world"),
        ("don't `quote`_me", "dont quote me"),
        ("¿Olvidé mi contraseña?", "olvide mi contrasena"),
        ("It’s\t2\n3", "its 2 3"),
        ("...", ""),
    ],
)
def test_words_are_folded(text: str, words: str) -> None:
    assert folded(text) == words


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_is_folded_as_accented_text_is(text: str) -> None:
    assert f"{folded(text)} n".strip() == folded(f"{text} ñ")


@given(st.text())
def test_signs_are_folded_one_by_one_as_a_whole_text_is(text: str) -> None:
    plain = re.sub("['’‘`´]", "", text).casefold()
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(sign))
    assert folded(text) == re.sub(r"[\W_]+", " ", plain).strip()


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("How can I log in, signing back in, or sign into it?", "en", ["login", "login", "login"]),
        ("login e-mail, co-workers and pass phrases", "en", ["login", "email", "colleague", "password"]),
        ("is the pw in a blog index", "en", ["password", "blog", "index"]),
        ("quiero darme de baja de los correos electrónicos", "es", ["cancelar", "correo"]),
        ("wo ist das Kennwort", "de", ["passwort"]),
        ("où est mon courriel", "fr", ["email"]),
        ("dove si trova", "it", ["dove", "si", "trova"]),
        ("the of and", "en", []),
    ],
)
def test_words_that_mean_something_are_kept_and_written_one_way(text: str, language: str, words: list[str]) -> None:
    assert Passage(text).content(language) == words


def test_a_passage_is_read_in_any_language() -> None:
    passage = Passage("no me e-mails")
    assert [passage.content(language) for language in ("en", "es", "en")] == [["email"], ["correo"], ["email"]]
