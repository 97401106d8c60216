"""Text that can be stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.storable import storable


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a\0b", "a\ufffdb"), ("\ud800", "\ufffd"), ("\ude00\ud83d", "\ufffd\ufffd"), ("\ud83d\ude00", "\U0001f600")],
)
def test_what_cannot_be_stored_is_replaced(text: str, kept: str) -> None:
    assert storable(text) == kept


@given(st.text(st.characters()))
def test_whatever_it_is_can_be_stored_afterwards(text: str) -> None:
    kept = storable(text)
    assert "\0" not in kept
    assert storable(kept) == kept
    assert kept.encode().decode() == kept


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_what_can_be_stored_stays_as_it_is(text: str) -> None:
    assert storable(text) is text
