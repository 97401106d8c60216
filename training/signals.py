"""The judges of urgency and expertise, trained on what is labelled in this repository.

Beside it stand some ordinary turns of MultiDoGO, which are known to be neither urgent nor telling: the labelled sets
hold far more of what is urgent than support hears in a day. The weights are fitted in numpy, in half a minute, and come
out the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from omnibot.model import Situation, Urgency
from omnibot.understanding.artefacts import artefact, save_artefact
from omnibot.understanding.cues import LANGUAGES
from omnibot.understanding.expertise import ExpertiseReader, Skills
from omnibot.understanding.features import BUCKETS, DENSE, Extractor, Features
from omnibot.understanding.linear import Heads
from omnibot.understanding.requests import Requests
from omnibot.understanding.tone import Tone
from omnibot.understanding.urgency import Stakes, UrgencyReader
from omnibot.understanding.utterance import Utterance, legible
from training.datasets import labelled, multidogo

__all__ = ["figures", "train"]

TOPICS: Mapping[str, tuple[type[Stakes] | type[Skills], tuple[str, ...]]] = {
    "urgency": (Stakes, ("low", "normal", "high", "critical")),
    "expertise": (Skills, ("novice", "intermediate", "expert", "unknown")),
}
_SITUATION = Situation(now=datetime(2025, 6, 4, 10, 15, tzinfo=UTC), zone=UTC)

# The cues were worded after the training part, so that they fit it better than they will fit anything else: in
# training some are hidden, and the meaning and the letters have to do in their place.
_HIDDEN = 0.3
_COPIES = 4  # of each item, each with other cues hidden
_FOLDS = 5
_STEPS, _RATE = 250, 0.05

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Recipe:
    """How strongly the weights of each block are held down, and how large its numbers are beside the others'."""

    of_dense: float
    of_hashed: float
    reasoned: float = 0.8  # what a point is worth, in log-odds
    counts: float = 0.01
    dense: float = 0.01
    hashed: float = 0.01


RECIPES = {"urgency": Recipe(of_dense=1.5, of_hashed=3.0), "expertise": Recipe(of_dense=2.0, of_hashed=4.0)}


# What turns of these intents are likely to be, by the labels of either topic; of others nothing is known.
_SMALL_TALK = frozenset({"openinggreeting", "closinggreeting", "thankyou"})
_DETAILS = frozenset({"contentonly", "confirmation", "rejection"})
_REQUESTS = frozenset(
    {
        "bookflight", "changeorder", "changeseatassignment", "checkbalance", "checkclaimstatus", "expensereport",
        "getboardingpass", "getchannelpackageintent", "getinformationintent", "getproofofinsurance", "getpromotions",
        "getroutingnumber", "getseatinfo", "orderburgerintent", "orderchecks", "orderdrinkintent", "orderpizzaintent",
        "ordersaladintent", "providereceipt", "startorder", "startserviceintent", "transfermoney", "updateaddress",
        "upgradeserviceintent", "viewbillsintent", "viewdatausageintent",
    }
)  # fmt: skip
_ORDINARY = (
    (_SMALL_TALK, {"urgency": (0.9, 0.1, 0, 0), "expertise": (0.02, 0.02, 0.01, 0.95)}),
    (_DETAILS, {"urgency": (0.55, 0.43, 0.02, 0), "expertise": (0.04, 0.05, 0.01, 0.9)}),
    (_REQUESTS, {"urgency": (0.1, 0.85, 0.05, 0), "expertise": (0.04, 0.05, 0.01, 0.9)}),
)
_A_DOMAIN = 200  # turns
_WEIGHT = 0.4  # of all ordinary turns together, beside the labelled ones


@dataclass(frozen=True)
class Item:
    """A message, how likely each label is for it, and what is seen of it."""

    language: str
    likely: tuple[float, ...]
    counts: Mapping[str, float]
    features: Features
    weight: float = 1.0

    @property
    def label(self) -> int:
        """The place of the likeliest label."""
        return self.likely.index(max(self.likely))


def items(topic: str, part: Literal["train", "test"], extractor: Extractor) -> list[Item]:
    """The labelled messages of a part, as the readers see them."""
    kind, labels = TOPICS[topic]
    signs = kind(LANGUAGES)
    found = []
    for line, utterance in zip(labelled(topic, part), _utterances(topic, part), strict=True):
        _, counts = signs.find(utterance)
        likely = tuple(float(line["label"] == label) for label in labels)
        found.append(Item(line["lang"], likely, counts, extractor(utterance.text)))
    return found


def _utterances(topic: str, part: Literal["train", "test"]) -> Iterator[Utterance]:
    for line in labelled(topic, part):
        yield _utterance(line["text"], line["lang"])


def _utterance(text: str, language: str) -> Utterance:
    return Utterance(text=legible(text), situation=_SITUATION, language=language)


def ordinary(topic: str, data: Path, labelled_items: int, seed: int, extractor: Extractor) -> list[Item]:
    """Turns of MultiDoGO that are most likely nothing special, as many of each domain."""
    signs = TOPICS[topic][0](["en"])
    turns: dict[str, list[tuple[str, tuple[float, ...]]]] = {}
    for turn in multidogo(data, "train"):
        for intents, likely in _ORDINARY:
            if turn.intents and intents.issuperset(turn.intents):
                turns.setdefault(turn.domain, []).append((turn.text, likely[topic]))
    random = np.random.default_rng(seed)
    found = []
    for domain in sorted(turns):
        for number in random.choice(len(turns[domain]), _A_DOMAIN, replace=False):
            text, likely = turns[domain][number]
            utterance = _utterance(text, "en")
            _, counts = signs.find(utterance)
            weight = _WEIGHT * labelled_items / (_A_DOMAIN * len(turns))
            found.append(Item("en", likely, counts, extractor(utterance.text), weight))
    return found


@dataclass
class Fitted:
    """Weights of a judge, in floats."""

    names: list[str]
    counts: Floats  # a row a name
    dense: Floats
    buckets: npt.NDArray[np.int64]
    hashed: Floats  # a row a bucket of `buckets`
    bias: Floats

    def scores(self, item: Item, hidden: frozenset[str] = frozenset()) -> Floats:
        """The classes' log-odds."""
        row = {name: place for place, name in enumerate(self.names)}
        scores = self.bias + item.features.dense @ self.dense
        for name, count in item.counts.items():
            if name in row and name not in hidden:
                scores = scores + count * self.counts[row[name]]
        where = np.searchsorted(self.buckets, item.features.hashed_ids).clip(max=len(self.buckets) - 1)
        met = self.buckets[where] == item.features.hashed_ids
        return np.asarray(scores + item.features.hashed_weights[met] @ self.hashed[where[met]], np.float32)


def fit(topic: str, examples: Sequence[Item], recipe: Recipe, seed: int) -> Fitted:
    """A softmax with its weights held down, by Adam over all examples at once."""
    classes = len(TOPICS[topic][1])
    random = np.random.default_rng(seed)
    names = sorted({name for item in examples for name in item.counts})
    place = {name: number for number, name in enumerate(names)}
    counts = np.zeros((len(examples), len(names)), np.float32)
    for number, item in enumerate(examples):
        for name, count in item.counts.items():
            counts[number, place[name]] = count
    may_hide = np.array([not name.startswith("~") for name in names])
    copies = [counts] + [counts * ~((random.random(counts.shape) < _HIDDEN) & may_hide) for _ in range(_COPIES - 1)]
    dense = np.stack([item.features.dense for item in examples]) * recipe.of_dense
    buckets, hashed = _table(examples)
    short, back = _shortened(hashed * recipe.of_hashed)
    wanted = np.array([item.likely for item in examples], np.float32)
    weight = np.array([item.weight for item in examples], np.float32)
    share = weight @ wanted / weight.sum()
    weight *= wanted @ (1 / np.sqrt(share * classes)).astype(np.float32)
    weight = weight[:, None] / weight.sum()

    blocks = [np.zeros((width, classes), np.float32) for width in (len(names), DENSE, short.shape[1], 1)]
    held = (recipe.counts, recipe.dense, recipe.hashed, 0.0)
    resting = (reasoned(topic, names, recipe.reasoned), 0.0, 0.0, 0.0)  # where each block is pulled to
    blocks[0] += resting[0]
    moments = [(np.zeros_like(block), np.zeros_like(block)) for block in blocks]
    ones = np.ones((len(examples), 1), np.float32)
    for step in range(1, _STEPS + 1):
        seen = (copies[step % _COPIES], dense, short, ones)
        scores = sum(part @ block for part, block in zip(seen, blocks, strict=True))
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        wrong = (powers / powers.sum(axis=1, keepdims=True) - wanted) * weight
        rate = _RATE * (1 - step / (_STEPS + 1)) + 0.002
        for block, part, by, rest, (first, second) in zip(blocks, seen, held, resting, moments, strict=True):
            slope = part.T @ wrong + by * (block - rest) / 10
            first *= 0.9
            first += 0.1 * slope
            second *= 0.99
            second += 0.01 * slope * slope
            block -= rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    letters = (back @ blocks[2]) * recipe.of_hashed
    return Fitted(names, blocks[0], blocks[1] * recipe.of_dense, buckets, letters, blocks[3][0])


def _table(examples: Sequence[Item]) -> tuple[npt.NDArray[np.int64], Floats]:
    """The buckets that occur, and a row an example with their weights."""
    buckets = np.unique(np.concatenate([item.features.hashed_ids for item in examples])).astype(np.int64)
    hashed = np.zeros((len(examples), len(buckets)), np.float32)
    for number, item in enumerate(examples):
        np.add.at(hashed[number], np.searchsorted(buckets, item.features.hashed_ids), item.features.hashed_weights)
    return buckets, hashed


def _shortened(hashed: Floats) -> tuple[Floats, Floats]:
    """Rows with as many numbers as there are rows and the same products with each other, and the way back.

    A softmax on these with its weights held down is the one on the buckets, twenty times faster.
    """
    values, vectors = np.linalg.eigh((hashed @ hashed.T).astype(np.float64))
    kept = values > values[-1] * 1e-6
    root = np.sqrt(values[kept])
    back = hashed.T @ (vectors[:, kept] / root).astype(np.float32)
    return (vectors[:, kept] * root).astype(np.float32), back


def train(data: Path, seed: int) -> None:
    """Fit both judges and write their artefacts; of `data` MultiDoGO is read."""
    extractor = Extractor()
    for topic, (_, labels) in TOPICS.items():
        examples = items(topic, "train", extractor)
        examples += ordinary(topic, data, len(examples), seed, extractor)
        fitted = fit(topic, examples, RECIPES[topic], seed)
        hashed = np.zeros((BUCKETS, len(labels)), np.float32)
        hashed[fitted.buckets] = fitted.hashed
        Heads.quantised(labels, hashed, fitted.dense, fitted.bias).save(topic)
        arrays = {"names": np.array(fitted.names), "counts": fitted.counts.round(4)}
        save_artefact(topic, {**artefact(topic), **arrays})


def figures(data: Path) -> dict[str, Any]:
    """Macro-F1 of both readers, by language, on the test parts, and of the cues alone, weighed by reasoning.

    `known` is the share of what the readers say they know, and how much of that is right. Beside it how many in a
    thousand ordinary turns of MultiDoGO's development part are taken for urgent.
    """
    extractor = Extractor()
    found: dict[str, Any] = {"tone": _tone(), "person": _person()}
    found["urgent of 1000 ordinary"] = _false_alarms(data, extractor)
    readers = {"urgency": UrgencyReader(LANGUAGES), "expertise": ExpertiseReader(LANGUAGES)}
    for topic, (_, labels) in TOPICS.items():
        tested = items(topic, "test", extractor)
        signals = [
            readers[topic].read(utterance, extractor(utterance.text)) for utterance in _utterances(topic, "test")
        ]
        said = [labels.index(signal.value) for signal in signals]
        if "unknown" in labels:  # the readers have no such level: there they do not know
            judged = [readers[topic].judge.scores(item.counts, item.features) for item in tested]
            said = [scores.index(max(scores)) for scores in judged]
        known = [item.label == label for item, label, s in zip(tested, said, signals, strict=True) if s.known]
        found[topic] = {
            "items": len(tested),
            "trained": _by_language(tested, said),
            "by points": _by_language(tested, [labels.index(by_points(topic, item.counts)) for item in tested]),
            "known": {"share": round(len(known) / len(tested), 3), "right": round(sum(known) / len(known), 3)},
        }
    return found


def _tone() -> dict[str, float]:
    """How alike the readers and the labels order the sample: Spearman's correlation of formality and politeness."""
    reader = Tone(LANGUAGES)
    lines = [*labelled("tone", "train"), *labelled("tone", "test")]
    read = [reader.read(_utterance(line["text"], line["lang"])) for line in lines]
    return {
        name: _alike([line[name] for line in lines], [signals[place].value for signals in read])
        for place, name in enumerate(("formality", "politeness"))
    }


def _alike(wanted: Sequence[float], said: Sequence[float]) -> float:
    ranks = [
        np.array([(np.sum(each < one) + np.sum(each <= one)) / 2 for one in each])
        for each in map(np.array, (wanted, said))
    ]
    return round(float(np.corrcoef(*ranks)[0, 1]), 3)


def _person() -> dict[str, dict[str, float]]:
    """Precision and recall of who asks for a person, on the test part."""
    reader = Requests(LANGUAGES)
    pairs = []
    for line in labelled("person", "test"):
        asked, _, _ = reader.read(_utterance(line["text"], line["lang"]))
        pairs.append((line["lang"], line["label"], asked.value))
    found = {}
    for lang in LANGUAGES:
        hits = sum(wanted and said for of, wanted, said in pairs if of == lang)
        found[lang] = {
            "items": sum(of == lang for of, _, _ in pairs),
            "precision": round(hits / sum(said for of, _, said in pairs if of == lang), 3),
            "recall": round(hits / sum(wanted for of, wanted, _ in pairs if of == lang), 3),
        }
    return found


def _false_alarms(data: Path, extractor: Extractor) -> float:
    reader = UrgencyReader(["en"])
    known = (*_SMALL_TALK, *_DETAILS, *_REQUESTS)
    texts = [turn.text for turn in multidogo(data, "dev") if turn.intents and set(turn.intents) <= set(known)]
    urgent = 0
    for text in texts:
        utterance = _utterance(text, "en")
        read = reader.read(utterance, extractor(utterance.text))
        urgent += read.known and read.value in (Urgency.HIGH, Urgency.CRITICAL)
    return round(1000 * urgent / len(texts), 1)


def _by_language(tested: Sequence[Item], said: Sequence[int]) -> dict[str, float]:
    pairs = [(item.language, item.label, label) for item, label in zip(tested, said, strict=True)]
    found = {"all": _macro_f1([pair[1:] for pair in pairs])}
    return found | {lang: _macro_f1([pair[1:] for pair in pairs if pair[0] == lang]) for lang in LANGUAGES}


def _macro_f1(pairs: Sequence[tuple[int, int]]) -> float:
    scores = []
    for label in {wanted for wanted, _ in pairs}:
        hits = sum(wanted == said == label for wanted, said in pairs)
        either = sum(wanted == label for wanted, _ in pairs) + sum(said == label for _, said in pairs)
        scores.append(2 * hits / either)
    return round(sum(scores) / len(scores), 3)


def reasoned(topic: str, names: Sequence[str], worth: float) -> Floats:
    """The points as weights: a cue that the labelled messages hardly have keeps what reasoning gives it."""
    weights = np.array(
        [[POINTS[topic][label].get(name, 0.0) for label in TOPICS[topic][1]] for name in names], np.float32
    )
    return np.asarray(worth * (weights - weights.mean(axis=1, keepdims=True)), np.float32)


# What each cue is worth by reasoning alone: where training begins, and the baseline that it has to beat.
POINTS: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "urgency": {
        "critical": {
            "despair": 4, "seized": 3.5, "blackout": 3.5, "danger": 2, "health": 2, "trapped": 2, "takeover": 2,
            "exposed": 2, "draining": 2,
            "lost_data": 1.5, "outage": 1.5, "everyone": 1, "imminent": 1, "growing": 1, "cry": 1, "frail": 0.5,
            "systems": 0.5, "medicine": 0.5, "travel": 0.5, "event": 0.5, "fault": 0.5, "figure": -3, "unreal": -2,
            "over": -3, "joke": -1,
        },
        "high": {
            "owed": 2, "blocked": 2, "livelihood": 2, "legal": 1.5, "medicine": 1.5, "repeat": 1, "since": 1,
            "soon": 1, "team": 1, "event": 1, "travel": 1, "amount": 1, "fault": 1, "unable": 0.5, "frail": 0.5,
            "outage": 1, "systems": 0.5, "claim": 1.5, "figure": -2, "unreal": -2, "over": -3, "minor": -1,
        },
        "normal": {
            "how_to": 2, "wish": 2, "minor": 2, "figure": 2, "unreal": 2, "workaround": 1, "tag": 1, "fault": 0.5,
        },
        "low": {
            "thanks": 1.5, "praise": 1.5, "idea": 2, "curious": 2, "joke": 1.5, "no_reply": 4, "over": 2.5,
            "greeting": 1, "calm": 0.5,
        },
    },
    "expertise": {
        "novice": {"lay_self": 2, "lay_helpers": 2, "lay_things": 1.5, "lay_wrong": 2},
        "intermediate": {"steps": 1.5, "settings": 1.2, "home_tech": 1, "~version": 0.5},
        "expert": {
            "jargon": 1.5, "inference": 1, "~code": 1.5, "~measure": 1, "~error_code": 0.7, "~acronym": 0.5,
            "~sign": 0.5, "~version": 0.5,
        },
        "unknown": {"everyday": 1.5, "bare": 2},
    },
}  # fmt: skip
_BY_DEFAULT = {"urgency": "normal", "expertise": "unknown"}


def by_points(topic: str, counts: Mapping[str, float]) -> str:
    """The label with the most points; the usual one where none has any."""
    scores = {
        label: sum(points.get(name, 0.0) * count for name, count in counts.items())
        for label, points in POINTS[topic].items()
    }
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] > 0 else _BY_DEFAULT[topic]
