"""Learning intents from examples: in seconds, with numpy alone.

Two linear models look at the same examples: one against the rest by squared hinge loss over hashed n-grams, and
multinomial logistic regression over the encoder's dense numbers. How much either counts, and how sure their sum is,
is measured on examples that neither has seen (cross-validation). Sums of linear scores are linear, so what comes out
is one 8-bit head an intent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from omnibot.model import OUT_OF_SCOPE
from omnibot.model.values import frozen
from omnibot.understanding.features import BUCKETS, DENSE, Extractor, Features
from omnibot.understanding.intents import SIGNS, IntentModel, signs
from omnibot.understanding.linear import Heads, log_softmax

__all__ = ["Guess", "Learned", "fit", "learn"]

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.intp]


@frozen
class Guess:
    """What was said of an example by models that had not seen it."""

    text: str
    label: str
    guessed: str  # the likeliest, whatever its confidence; OUT_OF_SCOPE where it is likelier that it is none
    confidence: float


@frozen(eq=False)
class Learned:
    """A model with what its examples showed of it."""

    model: IntentModel
    guesses: tuple[Guess, ...]  # an example each, without those whose label no other example has


def fit(examples: Sequence[tuple[str, str]], extractor: Extractor, seed: int = 0) -> IntentModel:
    """A model of examples, each a text and its label; what is labelled OUT_OF_SCOPE shows what is none of the others.

    The same examples, extractor and seed give the same model. 10,000 examples of 77 labels take some 20 s of CPU.
    """
    return learn(examples, extractor, seed).model


def learn(examples: Sequence[tuple[str, str]], extractor: Extractor, seed: int = 0) -> Learned:
    """As `fit`, with what cross-validation found."""
    labels = sorted({label for _, label in examples} - {OUT_OF_SCOPE})
    inside = [(text, label) for text, label in examples if label != OUT_OF_SCOPE]
    outside = [text for text, label in examples if label == OUT_OF_SCOPE]
    columns = {label: column for column, label in enumerate(labels)}
    known = _Examples.of([text for text, _ in inside], [columns[label] for _, label in inside], labels, extractor)
    unknown = _Examples.of(outside, [0] * len(outside), labels, extractor)
    named = _Examples.of([_spoken(label) for label in labels], range(len(labels)), labels, extractor)
    if not labels:
        return Learned(_model(_Pair.nothing(0), labels, (1.0, 1.0), (0.0, 0.0, 0.0, 0.0)), ())
    validated = _validated(known, unknown, named, seed)
    shares = _shares(validated)
    scope = _scope(validated, shares)
    model = _model(_Pair.of(known.and_also(named), seed), labels, shares, scope)
    return Learned(model, tuple(_guesses(inside, outside, validated, labels, shares, scope)))


@frozen(eq=False)
class _Examples:
    """Texts as the two models look at them, and the columns of their labels."""

    rows: Sequence[Row]
    matrix: Floats
    targets: Ints
    classes: int

    @classmethod
    def of(cls, texts: Sequence[str], targets: Sequence[int], labels: Sequence[str], extractor: Extractor) -> _Examples:
        found = [extractor(text) for text in texts]
        matrix = np.array([features.dense for features in found], np.float32).reshape(-1, DENSE)
        return cls([hashed_row(features) for features in found], matrix, np.array(targets, np.intp), len(labels))

    def only(self, chosen: Ints) -> _Examples:
        return _Examples([self.rows[one] for one in chosen], self.matrix[chosen], self.targets[chosen], self.classes)

    def and_also(self, others: _Examples) -> _Examples:
        return _Examples(
            [*self.rows, *others.rows],
            np.concatenate((self.matrix, others.matrix)),
            np.concatenate((self.targets, others.targets)),
            self.classes,
        )

    def __len__(self) -> int:
        return len(self.rows)


_JOINT = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")


def _spoken(label: str) -> str:
    """A label's own words, which are one more example of it: `lost_card`, `password-reset`, `changePlan`."""
    return " ".join(_JOINT.split(label))


_HASHED_COST = 0.3
_DENSE_COST = 10.0


@frozen(eq=False)
class _Pair:
    """The two models of the same examples."""

    hashed: Linear
    dense: Linear

    @classmethod
    def of(cls, examples: _Examples, seed: int) -> _Pair:
        rows, targets, classes = examples.rows, examples.targets, examples.classes
        return cls(
            fit_hashed(rows, targets, classes, _HASHED_COST, seed),
            fit_dense(examples.matrix, targets, classes, _DENSE_COST),
        )

    @classmethod
    def nothing(cls, classes: int) -> _Pair:
        biases = np.zeros(classes, np.float32)
        return cls(
            Linear(np.zeros((BUCKETS, classes), np.float32), biases),
            Linear(np.zeros((DENSE, classes), np.float32), biases),
        )

    def parts(self, examples: _Examples) -> Floats:
        """(examples, 2, classes)."""
        hashed = np.empty((len(examples), examples.classes), np.float32)
        for example, (ids, row) in enumerate(examples.rows):
            hashed[example] = row @ self.hashed.weights[ids]
        hashed += self.hashed.biases
        dense = examples.matrix @ self.dense.weights + self.dense.biases
        return np.stack((hashed, dense), axis=1)


# --- what models say of what they have not seen ---------------------------------------------------------------------

_MANY = 3000  # examples, from which on three folds tell enough
_FOLDS, _FEWER_FOLDS = 5, 3


@frozen(eq=False)
class _Validated:
    parts: Floats  # of the examples that some fold could tell: (examples, 2, classes)
    targets: Ints
    examples: Ints  # their places among all
    outside: Floats  # parts of what is out of scope


def _validated(known: _Examples, unknown: _Examples, named: _Examples, seed: int) -> _Validated:
    """Each example by a model without it; out-of-scope ones by one of the models, in turn."""
    folds = _folds(known.targets, _FEWER_FOLDS if len(known) >= _MANY else _FOLDS, seed)
    parts = np.zeros((len(known), 2, known.classes), np.float32)
    told = np.zeros(len(known), bool)
    outside = np.zeros((len(unknown), 2, known.classes), np.float32)
    turns = np.arange(len(unknown)) % (folds.max() + 1)
    for fold in range(folds.max() + 1):
        here, elsewhere = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        if not len(elsewhere):
            continue
        seen = np.bincount(known.targets[elsewhere], minlength=known.classes) > 0
        pair = _Pair.of(known.only(elsewhere).and_also(named), seed)
        parts[here] = pair.parts(known.only(here))
        told[here] = seen[known.targets[here]]
        mine = np.flatnonzero(turns == fold)
        outside[mine] = pair.parts(unknown.only(mine))
    chosen = np.flatnonzero(told)
    return _Validated(parts[chosen], known.targets[chosen], chosen, outside)


def _folds(targets: Ints, count: int, seed: int) -> Ints:
    """A fold for each example, with the examples of each class spread over them as evenly as can be."""
    order = np.random.default_rng(seed).permutation(len(targets))
    order = order[np.argsort(targets[order], kind="stable")]
    folds = np.empty(len(targets), np.intp)
    folds[order] = np.arange(len(targets)) % count
    return folds


Scope: TypeAlias = tuple[float, float, float, float]  # weights of the signs, and a bias
Shares: TypeAlias = tuple[float, float]  # by which the hashed and the dense scores are multiplied
_USUAL: Shares = (3.0, 0.7)  # where nothing could be validated


def _shares(validated: _Validated) -> Shares:
    """How much either part counts, so that the probabilities of their sum are as true as can be."""
    if len(validated.targets) < 2 * validated.parts.shape[2]:
        return _USUAL
    parts, targets = validated.parts.astype(np.float64), validated.targets
    chosen = np.arange(len(targets)), targets

    def loss(logs: Floats) -> tuple[float, Floats]:
        shares = np.exp(logs.astype(np.float64))
        scores = np.tensordot(parts, shares, (1, 0))
        scores -= scores.max(1, keepdims=True)
        likely = np.exp(scores)
        likely /= likely.sum(1, keepdims=True)
        gone = -np.log(likely[chosen] + 1e-12).mean()
        likely[chosen] -= 1
        slopes = np.einsum("npc,nc->p", parts, likely) / len(targets)
        return float(gone), (slopes * shares).astype(np.float32)

    hashed, dense = np.exp(_lowest(loss, np.log(np.array(_USUAL, np.float32)), 30))
    return float(hashed), float(dense)


_LOST = 0.008  # of what is right in scope may be lost to what is out of it,
_LOST_MORE = 50  # and so many examples: of few, more would be wrong, and to be unsure is better
_MOST_LOST = 0.15
_FEWEST_OUTSIDE = 10  # examples that tell how what is out of scope looks


def _scope(validated: _Validated, shares: Shares) -> Scope:
    """Weights of the signs and a bias: above zero is in scope.

    What tells it best is learned from the examples that are out of scope; where there are none, the likeliest label's
    confidence is all there is. The line is drawn where few right answers are lost.
    """
    inside, right = _signs(validated.parts, shares, validated.targets)
    outside, _ = _signs(validated.outside, shares, np.zeros(len(validated.outside), np.intp))
    weights = np.array([1.0] + [0.0] * (SIGNS - 1))
    if len(outside) >= _FEWEST_OUTSIDE and len(inside) >= _FEWEST_OUTSIDE:
        weights = _telling(inside, outside)
    line = 0.0
    if right.any():
        sure = np.sort(inside[right] @ weights)
        line = float(sure[min(int(_LOST * len(right) + _LOST_MORE), int(_MOST_LOST * len(sure)))])
    best, hashed, found = weights.tolist()
    return best, hashed, found, -line


def _signs(parts: Floats, shares: Shares, targets: Ints) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    scaled = parts * np.array(shares, np.float32)[:, None]
    logs = log_softmax(scaled.sum(1))
    return signs(scaled, logs).astype(np.float64), logs.argmax(1) == targets


def _telling(inside: npt.NDArray[np.float64], outside: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How much each sign tells: logistic regression, both sides as heavy as each other."""
    both = np.concatenate((inside, outside))
    centre, spread = both.mean(0), both.std(0) + 1e-9
    matrix = np.concatenate(((both - centre) / spread, np.ones((len(both), 1))), axis=1)
    target = np.repeat((1.0, 0.0), (len(inside), len(outside)))
    heavy = np.repeat((0.5 / len(inside), 0.5 / len(outside)), (len(inside), len(outside)))
    penalty = np.append(np.full(SIGNS, 1.0), 0.0) / len(outside)

    def loss(flat: Floats) -> tuple[float, Floats]:
        scores = matrix @ flat
        likely = 1 / (1 + np.exp(-scores))
        lost = heavy @ (np.logaddexp(0, scores) - target * scores) + penalty @ (flat * flat) / 2
        return float(lost), (matrix.T @ (heavy * (likely - target)) + penalty * flat).astype(np.float32)

    weights: npt.NDArray[np.float64] = _lowest(loss, np.zeros(SIGNS + 1, np.float32), 60)[:-1] / spread
    return weights


def _guesses(
    inside: Sequence[tuple[str, str]],
    outside: Sequence[str],
    validated: _Validated,
    labels: Sequence[str],
    shares: Shares,
    scope: Scope,
) -> Iterator[Guess]:
    examples = [*(inside[place] for place in validated.examples), *((text, OUT_OF_SCOPE) for text in outside)]
    scaled = np.concatenate((validated.parts, validated.outside)) * np.array(shares, np.float32)[:, None]
    logs = log_softmax(scaled.sum(1))
    above_line = signs(scaled, logs) @ np.array(scope[:-1], np.float32) + scope[-1]
    for (text, label), log, above in zip(examples, logs, above_line, strict=True):
        best = int(log.argmax())
        inside_by = 1 / (1 + float(np.exp(-np.clip(above, -50, 50))))
        likely = float(np.exp(log[best])) * inside_by
        yield Guess(text, label, labels[best], likely) if above > 0 else Guess(text, label, OUT_OF_SCOPE, 1 - inside_by)


def _model(pair: _Pair, labels: Sequence[str], shares: Shares, scope: Scope) -> IntentModel:
    hashed, dense = shares
    heads = Heads.quantised(
        labels,
        pair.hashed.weights * np.float32(hashed),
        pair.dense.weights * np.float32(dense),
        np.stack((pair.hashed.biases * np.float32(hashed), pair.dense.biases * np.float32(dense))),
    )
    return IntentModel(heads, scope)


# --- the two models -------------------------------------------------------------------------------------------------


@frozen(eq=False)
class Linear:
    """Scores of classes: features times `weights`, plus `biases`."""

    weights: Floats  # (features, classes)
    biases: Floats  # (classes,)


Row: TypeAlias = tuple[Ints, Floats]  # the buckets of a text, each once, and their weights


def hashed_row(features: Features) -> Row:
    """The hashed part of a text, with what fell into one bucket added up."""
    ids, places = np.unique(features.hashed_ids, return_inverse=True)
    weights = np.bincount(places, features.hashed_weights, len(ids)).astype(np.float32)
    return ids, weights


_ENOUGH = 0.002  # of its first change of the dual variables: by then hardly a label changes
_MOST_ROUNDS = 30


def fit_hashed(rows: Sequence[Row], targets: Ints, classes: int, cost: float, seed: int = 0) -> Linear:
    """Support vector machines, each class against the rest, by squared hinge loss: dual coordinate descent.

    One example is taken at a time, for all classes at once (Hsieh and others, A Dual Coordinate Descent Method for
    Large-scale Linear SVM, 2008, algorithm 1). It has no step size, and some ten rounds are enough: 10,000 examples of
    100 classes take 3 s.
    """
    weights = np.zeros((BUCKETS, classes), np.float32)
    biases = np.zeros(classes, np.float32)
    duals = np.zeros((len(rows), classes), np.float32)  # with the sign of the target
    slack = np.float32(1 / (2 * cost))
    steps = np.array([1 / (row.dot(row) + 1 + slack) for _, row in rows], np.float32)
    order = np.random.default_rng(seed)
    first = 0.0
    for _ in range(_MOST_ROUNDS):
        changed = 0.0
        for example in order.permutation(len(rows)):
            ids, row = rows[example]
            dual, step, target = duals[example], steps[example], targets[example]
            block = weights[ids]
            pull = row @ block
            pull += biases
            pull += dual * slack
            moved = np.minimum(dual - (pull + 1) * step, 0)
            moved[target] = max(dual[target] - (pull[target] - 1) * step, 0)
            change = moved - dual
            duals[example] = moved
            block += row[:, None] * change
            weights[ids] = block
            biases += change
            changed += float(np.abs(change).sum())
        first = first or changed
        if changed <= _ENOUGH * first:
            break
    return Linear(weights, biases)


_MEMORY = 8  # of past steps in L-BFGS


def fit_dense(matrix: Floats, targets: Ints, classes: int, cost: float, rounds: int = 60) -> Linear:
    """Multinomial logistic regression, with |weights|²/2 + cost · the sum of all losses as small as it gets."""
    examples = len(matrix)
    inputs = np.concatenate((matrix, np.ones((examples, 1), np.float32)), axis=1)
    chosen = (np.arange(examples), targets)
    scale = np.float32(1 / (cost * examples))

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(-1, classes)
        scores = inputs @ weights
        scores -= scores.max(1, keepdims=True)
        right = scores[chosen]
        np.exp(scores, out=scores)
        sums = scores.sum(1, keepdims=True)
        lost = float((np.log(sums[:, 0]) - right).mean())
        scores /= sums
        scores[chosen] -= 1
        slope = inputs.T @ scores
        slope /= examples
        penalised = weights[:-1]
        slope[:-1] += penalised * scale
        return lost + float(np.vdot(penalised, penalised)) * float(scale) / 2, slope.ravel()

    flat = _lowest(loss, np.zeros(inputs.shape[1] * classes, np.float32), rounds).reshape(-1, classes)
    return Linear(flat[:-1].copy(), flat[-1].copy())


def _lowest(loss: Callable[[Floats], tuple[float, Floats]], place: Floats, rounds: int) -> Floats:
    """Where a smooth convex function is lowest, by L-BFGS with backtracking."""
    value, slope = loss(place)
    steps: list[tuple[Floats, Floats, float]] = []
    for _ in range(rounds):
        direction = _towards(slope, steps)
        downhill = float(direction @ slope)
        length = 1.0 if steps else min(1.0, 1 / (float(np.abs(slope).sum()) + 1e-12))
        if downhill >= 0 or not np.isfinite(downhill):
            break
        while True:
            there = place + np.float32(length) * direction
            new_value, new_slope = loss(there)
            if new_value <= value + 1e-4 * length * downhill or length < 1e-6:
                break
            length /= 2
        step, turn = there - place, new_slope - slope
        curvature = float(step @ turn)
        if curvature > 1e-12:
            steps = [*steps[-_MEMORY + 1 :], (step, turn, 1 / curvature)]
        gained = value - new_value
        place, value, slope = there, new_value, new_slope
        if gained < 1e-5 * max(abs(value), 1e-3):
            break
    return place


def _towards(slope: Floats, steps: Sequence[tuple[Floats, Floats, float]]) -> Floats:
    """Downhill, as far as past steps tell how the ground curves: the two loops of L-BFGS."""
    direction = -slope
    shares = []
    for step, turn, inverse in reversed(steps):
        share = inverse * float(step @ direction)
        shares.append(share)
        direction -= np.float32(share) * turn
    if steps:
        step, turn, inverse = steps[-1]
        direction *= np.float32(1 / (inverse * float(turn @ turn)))
    for (step, turn, inverse), share in zip(steps, reversed(shares), strict=True):
        direction += np.float32(share - inverse * float(turn @ direction)) * step
    return direction
