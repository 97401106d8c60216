"""The measures, against values worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.evaluation.metrics import auc, f1, macro_f1, mean, recall_at, share


def test_f1_weighs_what_was_missed_and_what_was_wrong_alike() -> None:
    # two hits, one missed, one wrong: 2·2 / (2·2 + 1 + 1)
    assert f1([True, True, True, False], [True, True, False, True]) == pytest.approx(4 / 6)


def test_f1_of_what_neither_is_nor_was_said_to_be_is_not_defined() -> None:
    assert f1([False, False], [False, False]) is None
    assert f1([False], [True]) == 0


def test_macro_f1_is_over_the_labels_that_are_present() -> None:
    # "a": 1 hit, 1 missed: 2/3. "b": 1 hit, 1 wrong: 2/3. "c" was said, but is nowhere: it counts by what it spoils.
    assert macro_f1(["a", "a", "b"], ["a", "b", "b"]) == pytest.approx(2 / 3)
    # "a": 1 hit, 1 missed: 2/3; "b": 1.
    assert macro_f1(["a", "a", "b"], ["a", "c", "b"]) == pytest.approx((2 / 3 + 1) / 2)
    assert macro_f1([], []) is None


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    # 0.8 is above both false ones, 0.4 above one of two: 3 of 4 pairs
    assert auc([True, False, True, False], [0.8, 0.6, 0.4, 0.2]) == 0.75


def test_ties_count_half() -> None:
    # .5 over .1 counts 1, .5 beside .5 counts ½: 1.5 of 2 pairs
    assert auc([True, False, False], [0.5, 0.5, 0.1]) == 0.75
    assert auc([True, False] * 3, [0.5] * 6) == 0.5


@pytest.mark.parametrize("gold", [[], [True], [False, False]])
def test_auc_needs_both_classes(gold: list[bool]) -> None:
    assert auc(gold, [0.1] * len(gold)) is None


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.25, 0.5, 1.0])), max_size=20))
def test_auc_by_ranks_is_auc_by_counting_pairs(items: list[tuple[bool, float]]) -> None:
    true = [score for is_so, score in items if is_so]
    false = [score for is_so, score in items if not is_so]
    pairs = [(one > other) + (one == other) / 2 for one in true for other in false]
    expected = pytest.approx(sum(pairs) / len(pairs)) if pairs else None
    assert auc([is_so for is_so, _ in items], [score for _, score in items]) == expected


def test_recall_is_the_share_of_the_evidence_among_the_first() -> None:
    found = ["d", "a", "x", "b"]
    assert recall_at(2, ["a", "b"], found) == 0.5
    assert recall_at(5, ["a", "b"], found) == 1
    assert recall_at(1, ["a", "a"], found) == 0
    assert recall_at(2, ["a", "a"], found) == 1


def test_of_nothing_there_is_no_mean() -> None:
    assert mean([]) is None
    assert share([]) is None
    assert share([True, False, False, True]) == 0.5
