"""Macro-F1 of ours beside VADER's, cut at ±0.05."""

from __future__ import annotations

from pathlib import Path

import pytest

from omnibot.evaluation import sentiment
from omnibot.model import Sentiment

# by text what ours says, and what VADER says
SAID = {
    "glad": Sentiment(0.05, 0.9, vader=0.04),
    "sad": Sentiment(-0.05, 0.9, vader=0.5),
    "even": Sentiment(0.049, 0.0, known=False, vader=-0.049),
    "late": Sentiment(-0.7, 0.9, vader=-0.1),
}


def test_values_are_cut_at_vaders_own_threshold() -> None:
    report = sentiment.measure([("glad", 1), ("sad", -1), ("even", 0), ("late", -1)], SAID.__getitem__)
    assert report.figures["macro_f1"] == 1
    # VADER: glad → neutral, sad → positive, even → neutral, late → negative.
    # negative: 1 hit, 1 missed: 2/3; neutral: 1 hit, 1 wrong: 2/3; positive: none of 1, 1 wrong: 0
    assert report.figures["macro_f1_vader"] == pytest.approx((2 / 3 + 2 / 3) / 3)
    assert report.figures["f1_vader"] == {"-1": pytest.approx(2 / 3), "0": pytest.approx(2 / 3), "1": 0}
    assert not report.notes


def test_labels_that_nothing_has_are_left_out_and_told() -> None:
    report = sentiment.measure([("sad", -1), ("late", -1)], SAID.__getitem__)
    assert report.figures["macro_f1"] == 1
    assert report.figures["macro_f1_vader"] == pytest.approx(2 / 3)
    assert report.notes == ["no item is neutral or positive: the macro-F1 is over the other labels"]


ONE_MOVED = "1 texts are cut to the label that no item has: each counts as the nearer of the others"


def test_of_two_labels_each_text_has_the_nearer_one() -> None:
    complaints = sentiment.measure([("glad", 0), ("sad", -1), ("even", 0), ("late", -1)], SAID.__getitem__)
    assert complaints.figures["macro_f1"] == 1
    # VADER: glad → neutral, sad → positive, which is no complaint either, even → neutral, late → negative.
    assert complaints.figures["f1_vader"] == {"-1": pytest.approx(2 / 3), "0": pytest.approx(4 / 5)}
    assert complaints.notes == ["no item is positive: the macro-F1 is over the other labels", ONE_MOVED]
    praise = sentiment.measure([("glad", 1), ("sad", -1), ("even", 1), ("late", -1)], SAID.__getitem__)
    assert praise.figures["macro_f1"] == 1


def test_a_label_may_be_written_as_programs_write_numbers(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a\t-1.0\nb\t0.0\nc\t1.0\n", encoding="utf-8")
    assert [label for _, label in sentiment.read(tmp_path / "data")] == [-1, 0, 1]


def test_a_label_may_be_written_with_a_sign(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a\t-1\nb\t−1\nc\t0\nd\t+1\ne\t1\n", encoding="utf-8")
    assert [label for _, label in sentiment.read(tmp_path / "data")] == [-1, -1, 0, 1, 1]


def test_a_label_may_be_written_as_a_word(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a\tnegative\nb\tNeutral\nc\tPOSITIVE\nd\t0\n", encoding="utf-8")
    assert [label for _, label in sentiment.read(tmp_path / "data")] == [-1, 0, 1, 0]


def test_between_good_and_ill_what_is_neither_leans_one_way() -> None:
    said = {"a": Sentiment(0.04, 0.9, vader=-0.04), "b": Sentiment(-0.04, 0.9, vader=0.04)}
    report = sentiment.measure([("a", 1), ("b", -1)], said.__getitem__)
    assert (report.figures["macro_f1"], report.figures["macro_f1_vader"]) == (1, 0)
    assert report.notes[1].startswith("2 texts are cut to the label that no item has")
