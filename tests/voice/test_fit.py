"""Cutting what is too long: at the best place, in order, nothing lost, nothing torn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import Choice, Limits, Link, Paragraph, Part, Steps, plain
from omnibot.voice.fit import fit


def cut(*parts: Part, limit: int, choices: int = 0) -> list[str]:
    return [plain(message) for message in fit(parts, Limits(text=limit, choices=choices))]


def test_what_fits_stays_one_message() -> None:
    parts = (Paragraph("One."), Steps(("Two.",)), Link("Three", "https://example.com"))
    assert list(fit(parts, Limits(text=100))) == [parts]


def test_parts_are_kept_whole_where_they_can_be() -> None:
    assert cut(Paragraph("a" * 8), Paragraph("b" * 8), limit=10) == ["a" * 8, "b" * 8]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One two.\n\nThree four five.", ["One two.", "Three four five."]),
        ("One two\nthree four five", ["One two", "three four five"]),
        ("One two. Three four five.", ["One two.", "Three four five."]),
        ("one two three four five", ["one two three", "four five"]),
        ("onetwothreefourfivesix", ["onetwothreefourf", "ivesix"]),
    ],
)
def test_a_text_is_cut_at_the_best_place(text: str, pieces: list[str]) -> None:
    assert cut(Paragraph(text), limit=16) == pieces


def test_a_place_right_at_the_beginning_is_no_good_one() -> None:
    assert cut(Paragraph("A.\n\n" + "word " * 5), limit=20)[0] == "A.\n\nword word word"


@pytest.mark.parametrize(
    "cluster",
    ["e\u0301", "👍🏽", "👩‍👩‍👧", "🇩🇪", "❤\ufe0f", "நி"],
)
def test_a_sign_of_several_code_points_is_not_torn(cluster: str) -> None:
    for limit in range(len(cluster), len(cluster) * 3):
        pieces = cut(Paragraph(cluster * 5), limit=limit)
        assert "".join(pieces) == cluster * 5
        assert all(piece == cluster * (len(piece) // len(cluster)) for piece in pieces)


def test_a_sign_longer_than_the_channel_is_cut_all_the_same() -> None:
    assert cut(Paragraph("a" + "\u0301" * 100), limit=10)[0] == "a" + "\u0301" * 9


def test_steps_keep_their_numbers_when_they_are_cut() -> None:
    steps = Steps(tuple(f"Do the thing number {number}." for number in range(1, 4)))
    assert cut(steps, limit=40) == [
        "1. Do the thing number 1.",
        "2. Do the thing number 2.",
        "3. Do the thing number 3.",
    ]


def test_a_link_keeps_its_address_whole_where_it_fits_alone() -> None:
    assert cut(Link("A very long label indeed", "https://example.com"), limit=24) == [
        "A very long label indeed",
        "https://example.com",
    ]


def test_choices_stay_with_the_text_before_them() -> None:
    (message,) = fit((Paragraph("Which?"), Choice("A", "a"), Choice("B", "b")), Limits(text=10, choices=2))
    assert message[1:] == (Choice("A", "a"), Choice("B", "b"))


@pytest.mark.parametrize(
    "limits", [Limits(text=99), Limits(text=99, choices=1), Limits(text=99, choices=2, choice_bytes=1)]
)
def test_choices_that_cannot_be_offered_are_listed_where_they_stood(limits: Limits) -> None:
    parts = (Paragraph("Which?"), Choice("A", "ä"), Choice("B", "bb"), Paragraph("Or else?"))
    assert list(fit(parts, limits)) == [(Paragraph("Which?"), Paragraph("– A\n– B"), Paragraph("Or else?"))]


def test_nothing_makes_no_message() -> None:
    assert list(fit((), Limits(text=10))) == []


@given(st.text(), st.integers(1, 60))
def test_nothing_but_white_space_is_lost(text: str, limit: int) -> None:
    pieces = cut(Paragraph(text), limit=limit)
    assert all(len(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
