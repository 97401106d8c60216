"""Telling a few classes apart: cues, the meaning and the letters of a text, weighed linearly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import compress
from math import exp, sqrt
from operator import mul

from omnibot.model import Evidence
from omnibot.understanding.artefacts import artefact
from omnibot.understanding.cues import Cue
from omnibot.understanding.features import Features
from omnibot.understanding.linear import Heads
from omnibot.understanding.utterance import Utterance

__all__ = ["Judge", "counted", "likelihoods", "rounded", "weighed"]

_ENOUGH = 3  # times that a cue is counted
_ROOTS = tuple(map(sqrt, range(_ENOUGH + 1)))
_EVIDENCE = 5
_TELLING = 0.2  # weight above the classes' mean from which a cue is evidence


def counted(cues: Iterable[Cue]) -> dict[str, float]:
    """How often each cue stands in a text: the root, so that the second time counts for less than the first."""
    times: dict[str, int] = {}
    for name, _, _ in cues:
        times[name] = times.get(name, 0) + 1
    return {name: _ROOTS[count] if count < _ENOUGH else _ROOTS[_ENOUGH] for name, count in times.items()}


def rounded(value: float) -> float:
    """To three places, as `round` has it, in a quarter of the time: a reading has some thirty such numbers."""
    return round(value * 1000) / 1000


def likelihoods(scores: Sequence[float]) -> list[float]:
    """Log-odds as probabilities."""
    most = max(scores)
    powers = [exp(score - most) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def weighed(
    scores: Iterable[float], counts: Mapping[str, float], weights: Mapping[str, Sequence[float]]
) -> list[float]:
    """Scores, a number a class, with what counts add: each as often as its name's row of `weights` says."""
    rows = list(map(weights.get, counts))
    amounts = list(compress(counts.values(), rows))
    if not amounts:
        return list(scores)
    # By column, so that no step is taken for each weight of each name.
    columns = zip(*filter(None, rows), strict=True)
    return [score + sum(map(mul, column, amounts)) for score, column in zip(scores, columns, strict=True)]


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
        self._telling = cache(self._tell)

    def scores(self, counts: Mapping[str, float], features: Features) -> list[float]:
        """A number for each class: the logarithm of how likely it is, but for one summand that all share."""
        return weighed(self.heads.plain_scores(features), counts, self._counts)

    def _tell(self, labels: Sequence[str]) -> Mapping[str, float]:
        """By the name of a cue what it says of these classes beyond what it says of all, where that is much."""
        places = [self.labels.index(label) for label in labels]
        says = {name: max(row[place] for place in places) - sum(row) / len(row) for name, row in self._counts.items()}
        return {name: weight for name, weight in says.items() if weight > _TELLING}

    def evidence(self, labels: tuple[str, ...], cues: Iterable[Cue], utterance: Utterance) -> tuple[Evidence, ...]:
        """The cues that speak for a class, or for one of several, in the order of the text."""
        says = self._telling(labels)
        telling = [(-says[name], start, end) for name, start, end in cues if name in says]
        if not telling:
            return ()
        telling.sort()
        spans = sorted({(start, end) for _, start, end in telling[:_EVIDENCE]})
        return tuple([utterance.quote(*span) for span in spans])
