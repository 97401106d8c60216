"""Words as they are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.dialogue.words import folded


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
