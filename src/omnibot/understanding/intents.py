"""What somebody wants, as the company's playbooks name it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from omnibot.model import OUT_OF_SCOPE, Alternative, Evidence, Intent
from omnibot.understanding.artefacts import artefact, save_artefact
from omnibot.understanding.features import Extractor, Features, letters_of
from omnibot.understanding.linear import Heads, log_softmax
from omnibot.understanding.utterance import Utterance

__all__ = ["SURE", "IntentModel", "Intents", "Judgement"]

Floats: TypeAlias = npt.NDArray[np.float32]

SIGNS = 3  # by which it is judged whether anything of a text is in scope
_HEADS, _SCOPE = "heads", "scope"  # the two artefacts of a model


@dataclass(frozen=True, slots=True)
class Judgement:
    """How likely each label is, in their order, if it is any of them; and how likely it is one at all."""

    probabilities: Floats
    in_scope: float


@dataclass(frozen=True, slots=True, eq=False)
class IntentModel:
    """Tells intents; made by `fit`, kept by `save` and `load`.

    `scope` weighs SIGNS (what `signs` gives) and a bias: above zero a text is in scope.
    """

    heads: Heads
    scope: tuple[float, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The intents, without OUT_OF_SCOPE."""
        return self.heads.labels

    def judge(self, features: Features) -> Judgement:
        """Weigh one text; a model without labels finds everything out of scope."""
        if not self.labels:
            return Judgement(np.zeros(0, np.float32), 0.0)
        parts = self.heads.parts(features)
        logs = log_softmax(parts.sum(0))
        weights = np.asarray(self.scope[:-1], np.float32)
        inside = float(weights @ signs(parts, logs)) + self.scope[-1]
        return Judgement(np.exp(logs), 1 / (1 + float(np.exp(-max(min(inside, 50.0), -50.0)))))

    def label(self, features: Features) -> str:
        """The likeliest intent, or OUT_OF_SCOPE."""
        judged = self.judge(features)
        return self.labels[int(judged.probabilities.argmax())] if judged.in_scope >= 0.5 else OUT_OF_SCOPE

    def predict(self, texts: Iterable[str], extractor: Extractor) -> list[str]:
        """The label of each text."""
        return [self.label(extractor(text)) for text in texts]

    def save(self, folder: Path) -> int:
        """Write the model into a folder; returns its bytes."""
        scope = {"weights": np.asarray(self.scope, np.float64)}
        return self.heads.save(_HEADS, folder) + save_artefact(_SCOPE, scope, folder)

    @classmethod
    def load(cls, folder: Path) -> IntentModel:
        """The model that `save` wrote; raises MissingArtefact."""
        scope = artefact(_SCOPE, folder)["weights"]
        return cls(Heads.load(_HEADS, folder), tuple(float(weight) for weight in scope))


def signs(parts: Floats, logs: Floats) -> Floats:
    """What tells whether a text is in scope: of scores (…, 2, labels) and their log-probabilities, (…, SIGNS).

    How sure the likeliest label is, how far the best n-grams' score is up, and how much the dense part finds at all.
    """
    hashed, dense = parts[..., 0, :], parts[..., 1, :]
    top = dense.max(-1, keepdims=True)
    found = top[..., 0] + np.log(np.exp(dense - top).sum(-1))
    return np.stack((logs.max(-1), hashed.max(-1), found), axis=-1)


SURE = 0.5  # from which confidence on an intent is known
_ALTERNATIVES = 3
_LEAST = 0.02  # confidence of an alternative
_WORDS = 4  # of evidence


class Intents:
    """Reads what somebody wants; without a model it is never known."""

    def __init__(self, model: IntentModel | None = None) -> None:
        self._model = model

    def adopt(self, model: IntentModel | None) -> None:
        """From now on read by this model."""
        self._model = model

    def read(self, utterance: Utterance, features: Features) -> Intent:
        """The likeliest intent with the others that it may be; out of scope where nothing is likely."""
        model = self._model
        if model is None or not len(features.hashed_ids):
            return Intent(OUT_OF_SCOPE, 0.0, known=False)
        judged = model.judge(features)
        if not len(judged.probabilities):
            return Intent(OUT_OF_SCOPE, 0.0, known=False)
        confidences = judged.probabilities * judged.in_scope
        ranked = np.argsort(-confidences)[: _ALTERNATIVES + 1]
        others = [Alternative(model.labels[one], round(float(confidences[one]), 3)) for one in ranked]
        best = int(ranked[0])
        if judged.in_scope < 0.5:
            value, confidence = OUT_OF_SCOPE, 1 - judged.in_scope
            evidence: tuple[Evidence, ...] = ()
        else:
            value, confidence = model.labels[best], float(confidences[best])
            others = others[1:]
            evidence = _evidence(model.heads, best, utterance, features)
        alternatives = tuple(one for one in others[:_ALTERNATIVES] if one.confidence >= _LEAST)
        return Intent(value, round(confidence, 3), evidence, confidence >= SURE, alternatives)


def _evidence(heads: Heads, label: int, utterance: Utterance, features: Features) -> tuple[Evidence, ...]:
    """The words that speak most for an intent, neighbours joined, in the order of the text."""
    spans = utterance.spans
    shares = _shares(heads.weighed(features, label), utterance.words)
    if shares is None:
        return ()
    strongest = np.argsort(-shares)[:_WORDS]
    chosen = sorted(int(word) for word in strongest if shares[word] > 0.2 * shares[strongest[0]] and shares[word] > 0)
    runs: list[list[int]] = []
    for word in chosen:
        if runs and word == runs[-1][1] + 1:
            runs[-1][1] = word
        else:
            runs.append([word, word])
    return tuple(utterance.quote(spans[first][0], spans[last][1]) for first, last in runs)


def _shares(weighed: Floats, words: Sequence[str]) -> Floats | None:
    """How much each word says for a label, with half of its pairs; None where the words were cut otherwise."""
    count = len(words)
    letters = np.array([letters_of(word) for word in words], np.intp)
    ends = np.cumsum(letters)
    if len(weighed) != 2 * count - 1 + int(ends[-1]):
        return None
    shares: Floats = weighed[:count].copy()
    pairs = weighed[count : 2 * count - 1] / 2
    shares[:-1] += pairs
    shares[1:] += pairs
    shares += np.add.reduceat(weighed[2 * count - 1 :], ends - letters)
    return shares
