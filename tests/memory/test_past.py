"""What messages are found by, and which of those that were found matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.evaluation.readers import embedding
from omnibot.memory.past import best, indexed, seek

EMBED = embedding("en")
PAST = [
    "Hi, my export of the March invoices stops at page three.",
    "Please clear the cache and try again.",
    "That did it, thanks a lot!",
    "Which plan do we have?",
    "You are on the Team plan since last June.",
    "Our office moves to Lisbon in May, will the address on the bill change?",
    "You can change it under Settings.",
    "good morning",
]


def found(question: str, past: list[str] = PAST, language: str = "en", embed=EMBED) -> list[str]:
    """As the store does it: stems are compared, marks are handed back."""
    sought = seek(question, language, embed)
    if sought is None:
        return []
    kept = [indexed(text, language, embed) for text in past]
    counts = np.array([[stems.count(stem) for stem in sought.stems] for stems, _ in kept])
    places = best(sought, counts, [mark for _, mark in kept], np.zeros(len(kept), np.intp))
    assert [score for _, score in places] == sorted((score for _, score in places), reverse=True)
    return [past[place] for place, _ in places]


@pytest.mark.parametrize(
    ("question", "beginning"),
    [
        ("The invoice export broke again", "Hi, my export"),
        ("when did we get the team plan?", "You are on the Team plan"),
        ("is our new office in Lisbon on the invoice?", "Our office"),
    ],
)
def test_what_was_said_long_ago_is_found(question: str, beginning: str) -> None:
    assert found(question)[0].startswith(beginning)


def test_what_helped_is_found_beside_what_was_reported() -> None:
    assert "Please clear the cache and try again." in found("export of the invoices stops")


def test_nothing_is_found_of_what_was_never_spoken_of() -> None:
    assert found("My dog ate the umbrella", ["You are on the Team plan."]) == []


def test_words_that_tell_nothing_ask_for_nothing() -> None:
    assert seek("and what about that?", "en", EMBED) is None


def test_other_languages_are_found_by_their_words_alone() -> None:
    past = ["La factura de mayo no ha llegado.", "El pedido salió ayer."]
    assert found("¿Dónde están las facturas?", past, "es", None)[0] == past[0]
    assert len(indexed(past[0], "es", EMBED)[1]) == 8


def test_a_mark_keeps_the_direction() -> None:
    _, mark = indexed("the cat sat on the mat", "en", EMBED)
    scale = np.frombuffer(mark[4:8], "<f4")[0]
    kept = np.frombuffer(mark[8:], np.int8) * scale
    whole = EMBED("the cat sat on the mat")
    assert kept @ whole / np.linalg.norm(kept) >= 0.999


def test_a_flood_asks_for_no_more_than_can_be_looked_up() -> None:
    sought = seek(" ".join(f"invoice{n} order" for n in range(5000)), "en", EMBED)
    assert sought is not None
    assert len(sought.stems) <= 64


@given(st.lists(st.text(max_size=40), max_size=8), st.text(max_size=60), st.sampled_from(["en", "de", "xx"]))
def test_whatever_is_said_and_asked(past: list[str], question: str, language: str) -> None:
    assert set(found(question, past, language)) <= set(past)
