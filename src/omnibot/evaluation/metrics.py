"""The measures, each by its textbook definition; None where it is not defined."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["auc", "f1", "macro_f1", "mean", "recall_at", "share"]


def mean(values: Collection[float]) -> float | None:
    """The arithmetic mean; of nothing: None."""
    return sum(values) / len(values) if values else None


def share(hits: Collection[bool]) -> float | None:
    """How many of some are true: 0…1; of nothing: None."""
    return mean([float(hit) for hit in hits])


def f1(gold: Sequence[bool], said: Sequence[bool]) -> float | None:
    """2·hits / (2·hits + missed + wrong): 0…1; None where it neither is nor was said to be."""
    hits = sum(is_so and was_said for is_so, was_said in zip(gold, said, strict=True))
    both = sum(gold) + sum(said)
    return 2 * hits / both if both else None


def macro_f1(gold: Sequence[Hashable], said: Sequence[Hashable]) -> float | None:
    """The mean F1 of the labels that are present in `gold`, each counting the same."""
    present = dict.fromkeys(gold)
    each = [f1([one == label for one in gold], [one == label for one in said]) for label in present]
    return mean([one for one in each if one is not None])


def auc(gold: Sequence[bool], scores: Sequence[float]) -> float | None:
    """The share of pairs of a true and a false one in which the true one scores higher; ties count half.

    None unless there are both. Area under the ROC curve, by ranks (Mann and Whitney).
    """
    true = np.asarray(gold, dtype=bool)
    of_true, of_false = int(true.sum()), int((~true).sum())
    if not (of_true and of_false):
        return None
    ranks = _ranks(np.asarray(scores, dtype=float))
    above = float(ranks[true].sum()) - of_true * (of_true + 1) / 2
    return above / (of_true * of_false)


def _ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 1 for the lowest; equal scores share the mean of their ranks."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: NDArray[np.float64] = (last - (counts - 1) / 2)[places]
    return shared


def recall_at(k: int, evidence: Collection[str], found: Sequence[str]) -> float:
    """How much of the evidence is among the first `k` that were found: 0…1."""
    wanted = set(evidence)
    return len(wanted & set(found[:k])) / len(wanted)
