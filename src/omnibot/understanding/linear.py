"""Linear heads over features: what a text is like, label by label, from 8-bit weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from omnibot.understanding.artefacts import SHIPPED, artefact, save_artefact
from omnibot.understanding.features import BUCKETS, DENSE, Features

__all__ = ["Heads", "log_softmax", "shared"]

Floats: TypeAlias = npt.NDArray[np.float32]
Bytes: TypeAlias = npt.NDArray[np.int8]

_AT_ONCE = 1024  # rows: of a long letter they would be megabytes, which are dear to come by
_STEPS = 127  # of an 8-bit weight, on either side of zero


@dataclass(slots=True, eq=False)
class _Weights:
    """Columns of weights, a column a label: what they say of the last features is remembered."""

    hashed: Bytes  # (BUCKETS, labels)
    hashed_scales: Floats  # (labels,): what a weight of 1 stands for
    dense: Floats  # (DENSE, labels)
    biases: Floats  # (2, labels): the hashed part's, and the dense part's
    _last: tuple[Features, Floats] | None = field(default=None, init=False)

    def parts(self, features: Features) -> Floats:
        last = self._last
        if last is not None and last[0] is features:
            return last[1]
        scores = self.biases.copy()
        ids, weights = features.hashed_ids, features.hashed_weights
        for start in range(0, len(ids), _AT_ONCE):
            rows = self.hashed.take(ids[start : start + _AT_ONCE], 0).astype(np.float32)
            scores[0] += (weights[start : start + _AT_ONCE] @ rows) * self.hashed_scales
        scores[1] += features.dense @ self.dense
        self._last = (features, scores)
        return scores


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """One linear score for each of `labels`; made by `quantised` or `load`.

    A head has a hashed and a dense part. They are trained together, and their sum is the score, or each for itself,
    and the mean of their log-probabilities is what counts.
    """

    labels: tuple[str, ...]
    _weights: _Weights
    _columns: slice

    @classmethod
    def quantised(
        cls,
        labels: Sequence[str],
        hashed: npt.NDArray[np.floating],
        dense: npt.NDArray[np.floating],
        biases: npt.NDArray[np.floating],
    ) -> Heads:
        """Heads of trained weights, which are rounded to 8 bits a label.

        `hashed` is (BUCKETS, labels), `dense` (DENSE, labels) and `biases` (2, labels), or (labels,) for parts that
        were trained together. A part that is all zeros says nothing. Raises ValueError for other shapes.
        """
        if biases.ndim == 1:
            biases = np.stack((biases, np.zeros_like(biases)))
        count = len(labels)
        if hashed.shape != (BUCKETS, count) or dense.shape != (DENSE, count) or biases.shape != (2, count):
            raise ValueError(
                f"heads for {count} labels need weights of ({BUCKETS}, {count}) and ({DENSE}, {count}) and biases"
                f" of (2, {count}), not {hashed.shape}, {dense.shape} and {biases.shape}"
            )
        steps, scales = _rounded(hashed)
        dense_steps, dense_scales = _rounded(dense)
        weights = _Weights(
            steps, scales, dense_steps.astype(np.float32) * dense_scales, np.asarray(biases, dtype=np.float32)
        )
        return cls(tuple(labels), weights, slice(0, count))

    @classmethod
    def load(cls, name: str, folder: Path = SHIPPED) -> Heads:
        """The heads that `save` wrote; their hashed weights stay in the file until they are looked at.

        Raises MissingArtefact.
        """
        stored = artefact(name, folder)
        labels = tuple(map(str, stored["labels"]))
        dense = stored["dense"].astype(np.float32) * stored["dense_scales"]
        weights = _Weights(stored["hashed"], stored["hashed_scales"], dense, stored["biases"])
        return cls(labels, weights, slice(0, len(labels)))

    def save(self, name: str, folder: Path = SHIPPED) -> int:
        """Write them as an artefact; returns its bytes. The same heads give the same files."""
        weights, columns = self._weights, self._columns
        dense, dense_scales = _rounded(weights.dense[:, columns])
        return save_artefact(
            name,
            {
                "labels": np.array(self.labels),
                "hashed": weights.hashed[:, columns],
                "hashed_scales": weights.hashed_scales[columns],
                "dense": dense,
                "dense_scales": dense_scales,
                "biases": weights.biases[:, columns],
            },
            folder,
        )

    def parts(self, features: Features) -> Floats:
        """What either part says: (2, labels), first the hashed part's scores, then the dense part's."""
        return self._weights.parts(features)[:, self._columns]

    def weighed(self, features: Features, label: int) -> Floats:
        """What each of the hashed ids adds to the score of a label, by its place among `labels`."""
        column = self._columns.start + label
        weights = self._weights
        added: Floats = weights.hashed[features.hashed_ids, column] * weights.hashed_scales[column]
        return added * features.hashed_weights

    def scores(self, features: Features) -> Floats:
        """One score a label, in their order: the sum of both parts."""
        hashed, dense = self.parts(features)
        total: Floats = hashed + dense  # a third of what `sum` costs
        return total

    def log_probabilities(self, features: Features) -> Floats:
        """For labels of which one holds: the mean of what both parts, each for itself, hold for likely."""
        mean: Floats = log_softmax(self.parts(features)).mean(0)
        return mean


def shared(*heads: Heads) -> tuple[Heads, ...]:
    """The same heads with their weights side by side, so that the first that is asked about a text works for all."""
    together = _Weights(
        np.concatenate([each._weights.hashed[:, each._columns] for each in heads], axis=1),
        np.concatenate([each._weights.hashed_scales[each._columns] for each in heads]),
        np.concatenate([each._weights.dense[:, each._columns] for each in heads], axis=1),
        np.concatenate([each._weights.biases[:, each._columns] for each in heads], axis=1),
    )
    ends = np.cumsum([len(each.labels) for each in heads]).tolist()
    return tuple(
        Heads(each.labels, together, slice(end - len(each.labels), end)) for each, end in zip(heads, ends, strict=True)
    )


def log_softmax(scores: Floats) -> Floats:
    """Logarithms of probabilities along the last axis."""
    shifted: Floats = scores - scores.max(-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(-1, keepdims=True))
    return shifted


def _rounded(weights: npt.NDArray[np.floating]) -> tuple[Bytes, Floats]:
    scales = np.abs(weights).max(0).astype(np.float32) / _STEPS
    scales[scales == 0] = 1
    return np.rint(weights / scales).astype(np.int8), scales
