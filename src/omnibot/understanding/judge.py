"""Telling a few classes apart: cues, the meaning and the letters of a text, weighed linearly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import compress, repeat
from math import exp, sqrt
from operator import add, itemgetter, mul

import numpy as np
import numpy.typing as npt

from omnibot.model import Evidence
from omnibot.understanding.artefacts import artefact
from omnibot.understanding.cues import Cue
from omnibot.understanding.features import Features
from omnibot.understanding.linear import Heads
from omnibot.understanding.utterance import Utterance

__all__ = ["Judge", "counted", "likelihoods", "rounded", "rows", "weighed"]

_ENOUGH = 3  # times that a cue is counted
_ROOTS = tuple(map(sqrt, range(_ENOUGH + 1)))
_EVIDENCE = 5
_TELLING = 0.2  # weight above the classes' mean from which a cue is evidence


def counted(cues: Iterable[Cue]) -> dict[str, float]:
    """How often each cue stands in a text: the root, so that the second time counts for less than the first."""
    names = list(map(itemgetter(0), cues))
    counts = dict.fromkeys(names, _ROOTS[1])
    if len(counts) < len(names):  # seldom
        for name in counts:
            counts[name] = _ROOTS[min(names.count(name), _ENOUGH)]
    return counts


def rounded(value: float) -> float:
    """To three places, as `round` has it, in a quarter of the time: a reading has some thirty such numbers."""
    return round(value * 1000) / 1000


def likelihoods(scores: Sequence[float]) -> list[float]:
    """Log-odds as probabilities."""
    powers = list(map(exp, map((-max(scores)).__add__, scores)))
    total = sum(powers)
    return [power / total for power in powers]


def rows(names: npt.NDArray[np.str_], weights: npt.NDArray[np.floating]) -> dict[str, tuple[float, ...]]:
    """By name its row of weights, as `weighed` looks it up; a tuple, as in cold caches a list is looked for twice."""
    return dict(zip(names.tolist(), map(tuple, weights.tolist()), strict=True))


def weighed(
    scores: Iterable[float], counts: Mapping[str, float], weights: Mapping[str, Sequence[float]]
) -> list[float]:
    """Scores, a number a class, with what counts add: each as often as its name's row of `weights` says."""
    named = list(map(weights.get, counts))
    amounts: Iterable[float] = counts.values()
    if not all(named):
        amounts = list(compress(amounts, named))
        named = list(filter(None, named))
    if not named:
        return list(scores)
    # By column, so that no step is taken for each weight of each name.
    products = map(map, repeat(mul), zip(*named, strict=True), repeat(amounts))
    return list(map(add, scores, map(sum, products)))


class Judge:
    """A softmax over the labels of an artefact, which has the heads for meaning and letters, and weights for `names`.

    `names` are those of cues and of other counts, `counts` has a row of weights for each. `heads` may be put beside
    those of other readers (`linear.shared`).
    """

    def __init__(self, name: str) -> None:
        stored = artefact(name)
        self.heads = Heads.load(name)
        self.labels = self.heads.labels
        self._counts = rows(stored["names"], stored["counts"])
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
