"""Linear heads over features: what a text is like, label by label, from 8-bit weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from omnibot.model.values import frozen
from omnibot.understanding.artefacts import SHIPPED, artefact, save_artefact
from omnibot.understanding.features import BUCKETS, DENSE, Features, Word

__all__ = ["Heads", "log_softmax", "shared"]

Floats: TypeAlias = npt.NDArray[np.float32]
Bytes: TypeAlias = npt.NDArray[np.int8]

_REMEMBERED = 2_000_000  # bytes of what is said of words,
_FEWEST = 500  # and so many words however much is said of each
_TWO_FLOATS = Struct("ff").pack
_FLOAT = np.dtype(np.float32)  # numpy asks of a type each time which this is
_STEPS = 127  # of an 8-bit weight, on either side of zero


@dataclass(slots=True, eq=False)
class _Seen:
    """What weights say of a text."""

    features: Features
    words: Floats  # (2 · words, labels): of each word by itself, then of its letters; neither scaled
    scales: Floats  # (2 · words,): what these are to be multiplied by
    pairs: Floats  # (pairs, labels): in steps of the weights
    hashed: Floats  # (labels,): the hashed part's scores,
    dense: Floats  # the dense part's,
    total: Floats  # and their sum
    plain: list[float]  # the same


class _Weights:
    """Columns of weights, a column a label: what they say of a word is remembered, and what of the last text."""

    def __init__(self, hashed: Bytes, hashed_scales: Floats, dense: Floats, biases: Floats) -> None:
        self.hashed = hashed  # (BUCKETS, labels)
        self.hashed_scales = hashed_scales  # (labels,): what a weight of 1 stands for
        self.dense = dense  # (DENSE, labels)
        self.biases = biases  # (2, labels): the hashed part's, and the dense part's
        self._hashed_biases, self._dense_biases = biases
        self._said = _SaidOfWords(hashed, hashed_scales)
        self._last: _Seen | None = None

    def see(self, features: Features) -> _Seen:
        """All that they say of a text; the first head that asks makes it for all that stand beside it."""
        last = self._last
        if last is None or last.features is not features:
            last = self._last = self._look_at(features)
        return last

    def _look_at(self, features: Features) -> _Seen:
        said, count = self._said, len(features.words)
        words: Floats = np.frombuffer(b"".join(map(said.__getitem__, features.words)), _FLOAT)
        words = words.reshape(2 * count, len(self.hashed_scales))
        pairs: Floats = self.hashed.take(features.pairs, 0).astype(_FLOAT)
        scales: Floats = np.frombuffer(_TWO_FLOATS(features.word_scale, features.letter_scale) * count, _FLOAT)
        # `dot` is `@` at half the price, of which most is the call.
        hashed: Floats = scales.dot(words)
        hashed += self._hashed_biases
        hashed += features.pair_weights.dot(pairs) * self.hashed_scales
        dense: Floats = features.dense.dot(self.dense)
        dense += self._dense_biases
        total: Floats = hashed + dense
        return _Seen(features, words, scales, pairs, hashed, dense, total, total.tolist())


class _SaidOfWords(dict[Word, bytes]):
    """By word what the weights say of it and of its letters: 2 · labels floats. Bounded: it is begun again when full.

    A text has some twenty n-grams a word, which lie all over a table of weights; its words are those of other texts.
    """

    def __init__(self, hashed: Bytes, scales: Floats) -> None:
        super().__init__()
        self._hashed = hashed
        self._scales = scales
        self._most = max(_FEWEST, _REMEMBERED // (8 * len(scales) or 1))

    def __missing__(self, word: Word) -> bytes:
        weights = np.frombuffer(word.weights, np.float32)
        rows = self._hashed.take(np.frombuffer(word.ids, np.uint16), 0).astype(np.float32)
        own, letters = rows[0] * weights[0], weights[1:] @ rows[1:]
        if len(self) >= self._most:
            self.clear()
        self[word] = said = np.concatenate((own * self._scales, letters * self._scales)).tobytes()
        return said


@frozen(eq=False)
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
        seen = self._weights.see(features)
        return np.stack((seen.hashed[self._columns], seen.dense[self._columns]))

    def plain_parts(self, features: Features) -> tuple[list[float], list[float]]:
        """The same in plain numbers."""
        seen = self._weights.see(features)
        return seen.hashed[self._columns].tolist(), seen.dense[self._columns].tolist()

    def scores(self, features: Features) -> Floats:
        """One score a label, in their order: the sum of both parts."""
        return self._weights.see(features).total[self._columns]

    def plain_scores(self, features: Features) -> list[float]:
        """The scores in plain numbers, for whoever goes on with a few of them one by one."""
        return self._weights.see(features).plain[self._columns]

    def of_words(self, features: Features, label: int) -> Floats:
        """What each word by itself, without its letters, adds to the score of a label, by its place among `labels`."""
        own: Floats = self._weights.see(features).words[::2, self._columns.start + label]
        return own * features.word_scale

    def of_words_in_all(self, features: Features, label: int) -> Floats:
        """What each word adds to the score of a label with its letters and half of its pairs."""
        column = self._columns.start + label
        seen = self._weights.see(features)
        shares = seen.words[:, column] * seen.scales
        shares = shares[::2] + shares[1::2]
        pairs = seen.pairs[:, column] * features.pair_weights
        pairs *= self._weights.hashed_scales[column] / 2
        shares[:-1] += pairs
        shares[1:] += pairs
        return shares

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
