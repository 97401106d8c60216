"""Accuracy in scope and recall out of scope, after some examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.evaluation.files import BrokenInput
from omnibot.evaluation.intents import Examples, Guess, measure, read, shots
from omnibot.model import OUT_OF_SCOPE

TRAIN = [("money back", "refund"), ("where is it", "parcel")]


def by_word(examples: Examples) -> Callable[[str], Guess]:
    """Reads an intent where a text begins as its example does; else it thinks of the first of them, unsurely."""

    def read(text: str) -> Guess:
        for example, label in examples:
            if example[:5] == text[:5]:
                return Guess(label, label)
        return Guess(OUT_OF_SCOPE, examples[0][1])

    return read


def test_scope_and_what_is_beyond_are_measured_apart() -> None:
    test = [
        ("money", "refund"),
        ("where", "parcel"),
        ("hello", "parcel"),  # taken for out of scope
        ("tell me a joke", OUT_OF_SCOPE),
        ("money makes the world go round", OUT_OF_SCOPE),  # taken for a refund
    ]
    report = measure(TRAIN, test, by_word)
    assert report.figures["accuracy"] == pytest.approx(2 / 3)
    assert report.figures["oos_recall"] == 0.5
    assert (report.figures["train"], report.figures["test"], report.figures["intents"]) == (2, 5, 2)
    assert not report.notes


def test_where_all_is_in_scope_the_likeliest_intent_counts() -> None:
    report = measure(TRAIN, [("hello", "refund"), ("hello", "parcel")], by_word)
    assert report.figures["accuracy"] == 0.5
    assert "oos_recall" not in report.figures
    assert report.tables[-1].rows == [("parcel", "refund", "1")]


def test_intents_without_an_example_are_told() -> None:
    report = measure(TRAIN, [("money", "refund"), ("x", "cancel"), ("y", "cancel")], by_word)
    assert report.figures["accuracy"] == pytest.approx(1 / 3)
    assert report.notes == ["2 of the texts have intents without an example, which count as wrong: cancel"]


def test_a_test_of_nothing_but_what_is_out_of_scope_has_no_accuracy() -> None:
    report = measure(TRAIN, [("x", OUT_OF_SCOPE)], by_word)
    assert report.figures["accuracy"] is None
    assert report.figures["oos_recall"] == 1
    assert report.notes == ["every text is out of scope, so there is no accuracy"]


@pytest.mark.parametrize("train", [TRAIN[:1], [("x", OUT_OF_SCOPE), TRAIN[0]]])
def test_one_intent_cannot_be_told_from_others(train: Examples) -> None:
    with pytest.raises(BrokenInput, match="fewer than two intents"):
        measure(train, TRAIN, by_word)


def test_a_label_cannot_be_empty(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("Hello\tgreeting\nBye\t \n")
    with pytest.raises(BrokenInput, match="data:2: has no label behind its tab"):
        read(tmp_path / "data")


@given(st.lists(st.tuples(st.text(), st.sampled_from("abc"))), st.integers(1, 5), st.integers())
def test_shots_draw_the_same_for_a_seed_and_no_more_of_a_label(examples: Examples, most: int, seed: int) -> None:
    numbered = [(f"{place} {text}", label) for place, (text, label) in enumerate(examples)]
    drawn = shots(numbered, most, seed)
    assert drawn == shots(numbered, most, seed)
    assert drawn == [one for one in numbered if one in drawn]
    for label in "abc":
        there = sum(one == label for _, one in numbered)
        assert sum(one == label for _, one in drawn) == min(most, there)
        # what is drawn of a label does not depend on the others
        alone = [one for one in numbered if one[1] == label]
        assert shots(alone, most, seed) == [one for one in drawn if one[1] == label]


def test_another_seed_draws_others() -> None:
    examples = [(str(number), "a") for number in range(100)]
    assert shots(examples, 10, 0) != shots(examples, 10, 1)
