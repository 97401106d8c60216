"""Telling a few classes apart: cues, the meaning and the letters of a text, weighed linearly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp, sqrt

import numpy as np

from omnibot.model import Evidence
from omnibot.understanding.artefacts import artefact
from omnibot.understanding.cues import Cue
from omnibot.understanding.features import Features
from omnibot.understanding.utterance import Utterance

__all__ = ["Judge", "counted", "likelihoods"]

_ENOUGH = 3  # times that a cue is counted
_EVIDENCE = 5
_TELLING = 0.2  # weight above the classes' mean from which a cue is evidence


def counted(cues: Iterable[Cue]) -> dict[str, float]:
    """How often each cue stands in a text: the root, so that the second time counts for less than the first."""
    times: dict[str, float] = {}
    for cue in cues:
        times[cue.name] = times.get(cue.name, 0.0) + 1.0
    return {name: sqrt(min(count, _ENOUGH)) for name, count in times.items()}


def likelihoods(scores: Sequence[float]) -> list[float]:
    """Log-odds as probabilities."""
    most = max(scores)
    powers = [exp(score - most) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


class Judge:
    """A softmax over an artefact's classes.

    The artefact has `labels`, `names` (of cues and other counts) with `counts` (a row a name), `dense` (int8, a row a
    number of `Features.dense`), `hashed` (int8, a row a bucket), the `scales` of these two, and `bias`.
    """

    def __init__(self, name: str) -> None:
        stored = artefact(name)
        self.labels = tuple(map(str, stored["labels"]))
        rows: list[list[float]] = stored["counts"].tolist()
        self._counts = {str(name): row for name, row in zip(stored["names"], rows, strict=True)}
        self._bias: list[float] = stored["bias"].tolist()
        of_dense, of_hashed = stored["scales"]
        self._dense = stored["dense"].astype(np.float32) * np.float32(of_dense)
        self._hashed = stored["hashed"]
        self._of_hashed = np.float32(of_hashed)

    def scores(self, counts: Mapping[str, float], features: Features) -> list[float]:
        """A number for each class: the logarithm of how likely it is, but for one summand that all share."""
        letters = features.hashed_weights @ self._hashed[features.hashed_ids]
        scores: list[float] = (features.dense @ self._dense + letters * self._of_hashed).tolist()
        rows = [(row, count) for name, count in counts.items() if (row := self._counts.get(name))]
        for place, bias in enumerate(self._bias):
            scores[place] += bias + sum([row[place] * count for row, count in rows])
        return scores

    def evidence(self, label: str, cues: Iterable[Cue], utterance: Utterance) -> tuple[Evidence, ...]:
        """The cues that speak for a class, in the order of the text."""
        place = self.labels.index(label)
        telling = []
        for cue in dict.fromkeys(cues):
            if row := self._counts.get(cue.name):
                weight = row[place] - sum(row) / len(row)
                if weight > _TELLING:
                    telling.append((weight, cue))
        telling.sort(key=lambda weighed: -weighed[0])
        spans = sorted({(cue.start, cue.end) for _, cue in telling[:_EVIDENCE]})
        return tuple(utterance.quote(*span) for span in spans)
