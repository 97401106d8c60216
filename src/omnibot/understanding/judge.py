"""Telling a few classes apart: cues, the meaning and the letters of a text, weighed linearly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp, sqrt

from omnibot.model import Evidence
from omnibot.understanding.artefacts import artefact
from omnibot.understanding.cues import Cue
from omnibot.understanding.features import Features
from omnibot.understanding.linear import Heads
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
    """A softmax over the labels of an artefact, which has the heads for meaning and letters, and weights for `names`.

    `names` are those of cues and of other counts, `counts` has a row of weights for each. `heads` may be put beside
    those of other readers (`linear.shared`).
    """

    def __init__(self, name: str) -> None:
        stored = artefact(name)
        self.heads = Heads.load(name)
        self.labels = self.heads.labels
        rows: list[list[float]] = stored["counts"].tolist()
        self._counts = {str(name): row for name, row in zip(stored["names"], rows, strict=True)}

    def scores(self, counts: Mapping[str, float], features: Features) -> list[float]:
        """A number for each class: the logarithm of how likely it is, but for one summand that all share."""
        scores: list[float] = self.heads.scores(features).tolist()
        for name, count in counts.items():
            if row := self._counts.get(name):
                scores = [score + weight * count for score, weight in zip(scores, row, strict=True)]
        return scores

    def evidence(self, labels: Sequence[str], cues: Iterable[Cue], utterance: Utterance) -> tuple[Evidence, ...]:
        """The cues that speak for a class, or for one of several, in the order of the text."""
        places = [self.labels.index(label) for label in labels]
        telling = []
        for name, start, end in cues:
            row = self._counts.get(name)
            if row and (weight := max([row[place] for place in places]) - sum(row) / len(row)) > _TELLING:
                telling.append((-weight, start, end))
        telling.sort()
        spans = sorted({(start, end) for _, start, end in telling[:_EVIDENCE]})
        return tuple(utterance.quote(*span) for span in spans)
