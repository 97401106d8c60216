"""AUC and F1 of each emotion that a file names."""

from __future__ import annotations

import pytest

from omnibot.evaluation.emotions import Item, is_of_the_four, measure
from omnibot.understanding.emotions import GOEMOTIONS


def item(text: str, *emotions: str) -> Item:
    return Item(text=text, emotions=list(emotions))


def by_text(**scores: dict[str, float]):
    return scores.__getitem__


def test_each_emotion_is_measured_and_all_count_the_same() -> None:
    feel = by_text(
        a={"frustration": 0.9, "confusion": 0.5, "joy": 0.0},
        b={"frustration": 0.4, "confusion": 0.1, "joy": 0.0},
        c={"frustration": 0.6, "confusion": 0.7, "joy": 0.0},
    )
    report = measure([item("a", "frustration"), item("b", "frustration", "confusion"), item("c")], feel)
    # frustration: .9 is above .6, .4 is not; a and c are said, a is: 2·1 / (2 + 2)
    # confusion: .1 is below both; said of a and c, is of b
    assert report.figures["auc"] == {"confusion": 0, "frustration": 0.5}
    assert report.figures["f1"] == {"confusion": 0, "frustration": 0.5}
    assert report.figures["macro_auc"] == 0.25
    assert report.figures["macro_f1"] == 0.25
    assert not report.notes


def test_what_is_not_known_or_cannot_be_computed_is_told() -> None:
    report = measure([item("a", "boredom", "joy"), item("b", "joy")], by_text(a={"joy": 0.9}, b={"joy": 0.1}))
    assert report.figures["auc"] == {"joy": None}
    assert report.figures["f1"] == {"joy": pytest.approx(2 / 3)}
    assert report.figures["macro_auc"] is None
    assert [note.split(":")[0] for note in report.notes] == ["not computed", "every item has joy"]
    assert "boredom" in report.notes[0]


def test_a_file_that_names_no_emotion_measures_nothing() -> None:
    report = measure([item("a"), item("b")], by_text(a={"joy": 0.9}, b={"joy": 0.1}))
    assert report.figures["auc"] == {}
    assert report.figures["macro_f1"] is None
    assert report.notes == ["no item names an emotion, so nothing can be computed"]


@pytest.mark.parametrize(
    ("named", "ours"),
    [
        (("confusion", "excitement"), True),
        (("confusion", "frustration", "joy"), True),
        (("satisfaction",), True),
        ((), True),
        (("confusion", "joy"), False),
        (GOEMOTIONS, False),
    ],
)
def test_a_name_that_two_sets_have_is_meant_as_its_file_means_it(named: tuple[str, ...], ours: bool) -> None:
    assert is_of_the_four([item("a", *named), item("b")]) is ours
