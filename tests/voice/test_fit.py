"""Cutting what is too long: at the best place, in order, nothing lost, nothing torn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import Choice, File, Limits, Link, Paragraph, Part, Steps, plain
from omnibot.voice.fit import Instead, fit

PDF = File("guide.pdf", "application/pdf", 9, "knowledge:guide.pdf")
INSTEAD = Instead(lambda file: Link(file.name, "https://example.com/f"), "Reply with a number.")
PDF_LINK = INSTEAD.file(PDF)


def cut(*parts: Part, limit: int, choices: int = 0) -> list[str]:
    return [plain(message) for message in fit(parts, Limits(text=limit, choices=choices), INSTEAD)]


def test_what_fits_stays_one_message() -> None:
    parts = (Paragraph("One."), Steps(("Two.",)), Link("Three", "https://example.com"))
    assert list(fit(parts, Limits(text=100), INSTEAD)) == [parts]


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
    (message,) = fit((Paragraph("Which?"), Choice("A", "a"), Choice("B", "b")), Limits(text=10, choices=2), INSTEAD)
    assert message[1:] == (Choice("A", "a"), Choice("B", "b"))


@pytest.mark.parametrize(
    "limits", [Limits(text=99), Limits(text=99, choices=1), Limits(text=99, choices=2, choice_bytes=1)]
)
def test_choices_that_cannot_be_offered_are_numbered_where_they_stood(limits: Limits) -> None:
    parts = (Paragraph("Which?"), Choice("A", "ä"), Choice("B", "bb"), Paragraph("Or else?"))
    numbered = (Paragraph("1. A\n2. B"), Paragraph("Reply with a number."))
    assert list(fit(parts, limits, INSTEAD)) == [(Paragraph("Which?"), *numbered, Paragraph("Or else?"))]


# --- files ---


def with_files(limits: Limits, *files: File) -> list[tuple[Part, ...]]:
    return list(fit((Paragraph("Here you are."), *files), limits, INSTEAD))


def test_a_file_that_the_channel_carries_goes_along() -> None:
    assert with_files(Limits(text=50, files=1, file_bytes=9), PDF) == [(Paragraph("Here you are."), PDF)]


@pytest.mark.parametrize(
    "limits",
    [
        Limits(text=50),
        Limits(text=50, files=1, file_bytes=8),
        Limits(text=50, files=1, file_bytes=9, file_types=("image/", "audio/")),
        Limits(text=50, files=1, file_bytes=9, file_types=()),
    ],
    ids=["none at all", "too large", "another type", "no type at all"],
)
def test_a_file_that_it_does_not_carry_becomes_a_link(limits: Limits) -> None:
    assert with_files(limits, PDF) == [(Paragraph("Here you are."), PDF_LINK)]


def test_files_beyond_what_a_message_carries_become_links() -> None:
    photo = File("a.png", "image/png", 1, "kept:1")
    limits = Limits(text=200, files=1, file_bytes=9)
    assert with_files(limits, PDF, photo) == [(Paragraph("Here you are."), PDF, INSTEAD.file(photo))]
    assert with_files(Limits(text=50, files=1, file_bytes=8), PDF, photo)[0][1:] == (PDF_LINK, photo)


def test_beside_a_file_there_may_be_fewer_characters() -> None:
    limits = Limits(text=50, files=1, file_bytes=9, caption=13)
    assert with_files(limits, PDF) == [(Paragraph("Here you are."), PDF)]
    limits = Limits(text=50, files=1, file_bytes=9, caption=12)
    assert with_files(limits, PDF) == [(Paragraph("Here you are."),), (PDF,)]
    more = list(fit((PDF, Paragraph("Here you are.")), limits, INSTEAD))
    assert more == [(PDF,), (Paragraph("Here you are."),)]


def test_nothing_makes_no_message() -> None:
    assert list(fit((), Limits(text=10), INSTEAD)) == []


@given(st.text(), st.integers(1, 60))
def test_nothing_but_white_space_is_lost(text: str, limit: int) -> None:
    pieces = cut(Paragraph(text), limit=limit)
    assert all(len(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
