"""What somebody wants, as the company's playbooks name it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from omnibot.model import OUT_OF_SCOPE, Alternative, Evidence, Intent
from omnibot.model.values import frozen
from omnibot.understanding.artefacts import artefact, save_artefact
from omnibot.understanding.features import Extractor, Features
from omnibot.understanding.judge import rounded
from omnibot.understanding.linear import Heads
from omnibot.understanding.utterance import Utterance

__all__ = ["SURE", "IntentModel", "Intents", "Judgement"]

Floats: TypeAlias = npt.NDArray[np.float32]

_FAR = 50.0  # from the line between in and out of scope: further off is no surer
SIGNS = 3  # by which it is judged whether anything of a text is in scope
_HEADS, _SCOPE = "heads", "scope"  # the two artefacts of a model


@frozen
class Judgement:
    """How likely each label is, in their order, if it is any of them; and how likely it is one at all."""

    probabilities: Floats
    in_scope: float


@frozen(eq=False)
class IntentModel:
    """Tells intents; made by `fit`, kept by `save` and `load`.

    `scope` weighs SIGNS (what `signs` gives) and a bias: above zero a text is in scope.
    """

    heads: Heads
    scope: tuple[float, float, float, float]

    @property
    def labels(self) -> tuple[str, ...]:
        """The intents, without OUT_OF_SCOPE."""
        return self.heads.labels

    def judge(self, features: Features) -> Judgement:
        """Weigh one text; a model without labels finds everything out of scope."""
        if not self.heads.labels:
            return Judgement(np.zeros(0, np.float32), 0.0)
        heads = self.heads
        hashed, dense = heads.plain_parts(features)
        likely = np.exp(heads.scores(features) - max(heads.plain_scores(features)))
        total = float(np.add.reduce(likely))
        # As `signs` has it, in plain numbers: three of them are not worth an array.
        top = max(dense)
        found = top + math.log(sum(map(math.exp, map((-top).__add__, dense))))
        sure, best, there, bias = self.scope
        inside = sure * -math.log(total) + best * max(hashed) + there * found + bias
        return Judgement(likely / total, 1 / (1 + math.exp(-max(min(inside, _FAR), -_FAR))))

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
        sure, best, found, bias = scope.tolist()
        return cls(Heads.load(_HEADS, folder), (sure, best, found, bias))


def signs(parts: Floats, logs: Floats) -> Floats:
    """What tells whether a text is in scope: of scores (…, 2, labels) and their log-probabilities, (…, SIGNS).

    How sure the likeliest label is, how far the best n-grams' score is up, and how much the dense part finds at all.
    """
    hashed, dense = parts[..., 0, :], parts[..., 1, :]
    top = dense.max(-1, keepdims=True)
    found = top[..., 0] + np.log(np.exp(dense - top).sum(-1))
    return np.stack((logs.max(-1), hashed.max(-1), found), axis=-1)


SURE = 0.5  # from which confidence on an intent is known
_SAYING = re.compile(r"[^\W_]")  # a letter or a digit: "???" has no intent
_LONGEST_UNKNOWING = 10  # words and signs
# Whoever says no more than that they do not know wants nothing: "no idea" is no idea for the product.
_BEFORE = (
    "oh|um+|uh+|hm+|well|sorry|honestly|actually|la verdad|lo siento|perdon|puf+|pues|ehrlich gesagt|leider|euh+|bah"
    "|ben|desolee?|franchement"
)
_NOT_KNOWN = (
    "(?:(?:i|we)(?: really| honestly)? have |i'?ve got |absolutely )?no (?:idea|clue)|dunno|idk",
    "(?:(?:i|we) )?(?:really |honestly )?(?:don'?t|do not|can'?t|cannot) (?:really )?(?:know|remember|recall)",
    "(?:i'?m |i am |we'?re )?(?:un|(?:really )?not (?:so |really |too |quite |entirely )?)sure",
    "(?:no tengo )?ni (?:la menor )?idea|no tengo idea",
    "(?:yo )?no (?:lo se|se|sabria decir(?:te|le)?|me acuerdo|recuerdo)",
    "no estoy (?:muy |del todo )?segur[oa]",
    "(?:ich )?(?:habe? )?(?:leider |absolut )?keine ahnung|(?:das )?weiss (?:ich )?(?:leider |auch )?nicht(?: genau)?",
    "ich weiss (?:es |das )?(?:leider |auch )?nicht(?: genau)?",
    "(?:da )?(?:ich )?bin (?:ich )?(?:mir )?(?:da )?(?:un|nicht (?:ganz )?)sicher",
    "(?:je n'ai )?aucune idee|(?:je|j'en|je n'en)(?: ne)? ?sais (?:pas|rien)(?: trop)?|chais pas",
    "(?:je (?:ne |n'en )?suis |j'en suis )?pas (?:tres |trop )?sure?",
)
_BEHIND = (
    "sorry|really|at all|what (?:you mean|you want|that (?:is|means))|de (?:que (?:me )?hablas?|eso)|que es eso"
    "|lo siento|perdon|leider|was (?:das ist|(?:du|ihr|sie) mein(?:st|t|en))|desolee?|du tout"
)
_UNKNOWING = re.compile(rf"\W*(?:(?:{_BEFORE})\W+)*(?:{'|'.join(_NOT_KNOWN)})(?:\W+(?:{_BEHIND}))*\W*")
_AS_TYPED = str.maketrans({"ß": "ss", "’": "'"})
_ALTERNATIVES = 3
_LEAST = 0.02  # confidence of an alternative
_WORDS = 4  # of evidence,
_WEAK = 0.2  # and none that says less than this share of what the strongest says


class Intents:
    """Reads what somebody wants; without a model it is never known."""

    def __init__(self, model: IntentModel | None = None) -> None:
        self._model = model

    def adopt(self, model: IntentModel | None) -> None:
        """From now on read by this model."""
        self._model = model

    def wanted(self, utterance: Utterance, features: Features) -> Intent:
        """As it is read, but nothing where somebody says no more than that they do not know."""
        if _does_not_know(utterance, features):
            return Intent(OUT_OF_SCOPE, 0.0, known=False)
        return self.read(utterance, features)

    def read(self, utterance: Utterance, features: Features) -> Intent:
        """The likeliest intent with the others that it may be; out of scope where nothing is likely."""
        model = self._model
        if model is None or not features.words or not _SAYING.search(utterance.text):
            return Intent(OUT_OF_SCOPE, 0.0, known=False)
        judged, labels = model.judge(features), model.heads.labels
        if not labels:
            return Intent(OUT_OF_SCOPE, 0.0, known=False)
        in_scope, chances = judged.in_scope, judged.probabilities.tolist()
        least = min(_LEAST, max(chances))
        ranked = [(chance, one) for one, chance in enumerate(chances) if chance >= least]
        ranked.sort(reverse=True)
        likely = [(labels[one], in_scope * chance) for chance, one in ranked[: _ALTERNATIVES + 1]]
        if in_scope < SURE:
            return _intent(OUT_OF_SCOPE, 1 - in_scope, (), likely[:_ALTERNATIVES])
        evidence = _evidence(model.heads, ranked[0][1], utterance, features)
        return _intent(*likely[0], evidence, likely[1:])


def _does_not_know(utterance: Utterance, features: Features) -> bool:
    """Whether nothing else is said, in any of the languages that ship: few words seldom tell theirs."""
    if len(features.words) > _LONGEST_UNKNOWING:
        return False
    return _UNKNOWING.fullmatch(utterance.folded.translate(_AS_TYPED)) is not None


def _intent(
    value: str, confidence: float, evidence: tuple[Evidence, ...], others: Sequence[tuple[str, float]]
) -> Intent:
    alternatives = tuple([Alternative(other, rounded(likely)) for other, likely in others if likely >= _LEAST])
    return Intent(value, rounded(confidence), evidence, confidence >= SURE, alternatives)


def _evidence(heads: Heads, label: int, utterance: Utterance, features: Features) -> tuple[Evidence, ...]:
    """The words that speak most for an intent, neighbours joined, in the order of the text."""
    spans = utterance.said_spans
    shares: list[float] = heads.of_words_in_all(features, label).tolist()
    if len(shares) != len(spans):  # a letter that is two in lower case
        return ()
    least = max(_WEAK * max(shares), 0.0)
    strongest = [word for word, share in enumerate(shares) if share > least]
    if len(strongest) > _WORDS:
        strongest.sort(key=shares.__getitem__, reverse=True)
        strongest = sorted(strongest[:_WORDS])
    runs: list[list[int]] = []
    for word in strongest:
        if runs and word == runs[-1][1] + 1:
            runs[-1][1] = word
        else:
            runs.append([word, word])
    return tuple([utterance.quote(spans[first][0], spans[last][1]) for first, last in runs])
