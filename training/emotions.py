"""The heads of our four emotions, and what cues and the situation weigh beside them.

Two steps. Linear heads of GoEmotions' 28 labels, and of four groups of them, are fitted on GoEmotions: one on the
hashed and one on the dense part, the rarer a label the heavier its examples. Then our four are fitted on the labelled
messages of this repository, on tweets that are labelled by number, and on a sample of GoEmotions, with the heads of
the first step among the inputs. All of it is linear in the same features, so that it becomes one head an emotion. The
value is decided at .5 where, on examples that were held out, F1 is best.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.stats import rankdata

from omnibot.model import EarlierTurn, Sentiment, Situation
from omnibot.understanding.artefacts import save_artefact
from omnibot.understanding.emotions import FOUR, GOEMOTIONS, Feelings, Signs, around
from omnibot.understanding.features import DENSE, Extractor, Features
from omnibot.understanding.linear import Heads
from omnibot.understanding.sentiment import Mood
from omnibot.understanding.utterance import Utterance, legible
from training.datasets import labelled
from training.goemotions import comments, heavier
from training.matrix import matrices

__all__ = ["figures", "train"]

GROUPS: Mapping[str, frozenset[str]] = {
    "frustration": frozenset({"anger", "annoyance", "disappointment", "disapproval"}),
    "confusion": frozenset({"confusion"}),
    "satisfaction": frozenset({"admiration", "gratitude", "joy", "love", "pride", "relief"}),
    "excitement": frozenset({"excitement"}),
}
_LABELS = len(GOEMOTIONS)
_FOLDS = 5  # of GoEmotions, to find thresholds
_RARE = 0.5  # how much heavier the rare are: the power of how much rarer they are than the most frequent
_HEAVIEST = 60.0
_LOOSE = 1.0  # how loosely weights are held, times the number of examples
_DENSE_SCALE = 2.0
_OF_DENSE = 0.25  # share of the dense head in the mean of both
_STEPS, _DENSE_STEPS = 25, 60
_LINK = re.compile(r"https?://\S+")
_NOW = datetime(2025, 6, 4, 10, 15, tzinfo=UTC)

Floats: TypeAlias = np.ndarray
Inputs: TypeAlias = np.ndarray | sparse.csr_matrix


# --- the first step: GoEmotions -------------------------------------------------------------------------------------


def fit(
    inputs: Inputs,
    wanted: Floats,
    *,
    loose: float,
    steps: int,
    positive: Floats | None = None,
    each: Floats | None = None,
    given: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Logistic heads, a column of weights a label, and biases; by L-BFGS.

    `wanted` is (examples, labels): 0 or 1; NaN where it is not known. `positive`: the weight of a label's positives.
    `each`: the weight of an example. `given`: log-odds of each example that are there already.
    """
    count, width = inputs.shape
    labels = wanted.shape[1]
    transposed = inputs.T.tocsr() if sparse.issparse(inputs) else inputs.T
    weight = np.where(wanted > 0.5, 1.0 if positive is None else positive, 1.0).astype(np.float32)
    weight *= np.ones(count, np.float32)[:, None] if each is None else each[:, None]
    weight[np.isnan(wanted)] = 0.0
    wanted = np.nan_to_num(wanted).astype(np.float32)
    held = np.float32(1 / (loose * count))
    there = np.zeros((count, labels), np.float32) if given is None else given[:, None].astype(np.float32)

    def slope(flat: Floats) -> tuple[float, Floats]:
        weights = flat[: width * labels].reshape(width, labels).astype(np.float32)
        scores = inputs @ weights + flat[width * labels :].astype(np.float32) + there
        chances = 1 / (1 + np.exp(-np.clip(scores, -60, 60)))
        loss = float((weight * (np.logaddexp(0, scores) - wanted * scores)).sum() / count)
        wrong = (weight * (chances - wanted) / count).astype(np.float32)
        gradient = (transposed @ wrong + held * weights).ravel()
        return loss + 0.5 * float(held) * float((weights * weights).sum()), np.concatenate(
            [gradient, wrong.sum(0)]
        ).astype(np.float64)

    start = np.zeros(width * labels + labels)
    share = ((weight * wanted).sum(0) / weight.sum(0)).clip(1e-4, 1 - 1e-4)
    start[width * labels :] = np.log(share / (1 - share))
    found = minimize(slope, start, jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxcor": 6}).x
    return found[: width * labels].reshape(width, labels).astype(np.float32), found[width * labels :].astype(np.float32)


@dataclass
class Both:
    """Heads on the hashed and on the dense part, and the mean of both as one."""

    hashed: Floats
    dense: Floats
    biases: Floats

    def scores(self, hashed: Inputs, dense: Floats) -> Floats:
        """One score a text and label."""
        return hashed @ self.hashed + dense @ self.dense + self.biases


def fit_both(hashed: Inputs, dense: Floats, wanted: Floats) -> Both:
    """The mean of a head on the hashed part and one on the dense."""
    weigh = heavier(wanted, _RARE, _HEAVIEST)
    of_hashed, hashed_biases = fit(hashed, wanted, loose=_LOOSE, steps=_STEPS, positive=weigh)
    of_dense, dense_biases = fit(dense * _DENSE_SCALE, wanted, loose=_LOOSE, steps=_DENSE_STEPS, positive=weigh)
    return Both(
        of_hashed * (1 - _OF_DENSE),
        of_dense * _OF_DENSE * _DENSE_SCALE,
        hashed_biases * (1 - _OF_DENSE) + dense_biases * _OF_DENSE,
    )


def grouped(labels: Floats) -> Floats:
    """Our four beside GoEmotions' 28."""
    columns = [[GOEMOTIONS.index(name) for name in GROUPS[emotion]] for emotion in FOUR]
    return np.concatenate([labels, np.stack([labels[:, column].max(1) for column in columns], 1)], 1)


# --- the second step: our four ----------------------------------------------------------------------------------------


@dataclass
class Item:
    """A message with its situation, and what is known of the four: 0, 1 or NaN."""

    source: str
    language: str
    text: str
    wanted: Floats
    situation: Situation
    turns: Sequence[Mapping[str, str]] = ()


_ALONE = Situation(now=_NOW, zone=UTC)


def dialogues(part: Literal["train", "test"]) -> Iterator[Item]:
    """Frustration in dialogue: the last turn, in the situation of those before it."""
    for line in labelled("frustration", part):
        turns = line["turns"]
        wanted = np.array([line["label"], np.nan, np.nan, np.nan], np.float32)
        ours = [turn["text"] for turn in turns if turn["who"] == "us"]
        theirs = [turn["text"] for turn in turns[:-1] if turn["who"] == "customer"]
        unanswered = 0
        for turn in reversed(turns[:-1]):
            if turn["who"] == "us":
                break
            unanswered += 1
        situation = Situation(
            now=_NOW,
            zone=UTC,
            contacts=line["contacts"],
            unanswered=unanswered,
            minutes_since=line["minutes_since"],
            last_reply=ours[-1] if ours else "",
            last_words=theirs[-1] if theirs else "",
        )
        yield Item("frustration", line["lang"], legible(turns[-1]["text"]), wanted, situation, turns)


def messages(part: Literal["train", "test"]) -> Iterator[Item]:
    """Short messages with all four."""
    for line in labelled("emotions", part):
        yield Item("emotions", line["lang"], legible(line["text"]), _wanted(line["emotions"]), _ALONE)


def tweets(data: Path, part: Literal["train", "test"]) -> Iterator[Item]:
    """Customers' tweets with all four."""
    conversations = json.loads((data / "ibm_twitter_care" / "dev.json").read_text(encoding="utf-8"))
    texts = {turn["tweet_ID"]: turn["message"] for each in conversations for turn in each["dialogContent"]}
    for line in labelled("tweets", part):
        text = _LINK.sub(" ", texts[line["id"].removeprefix("tweet-")])
        yield Item("tweets", "en", legible(text), _wanted(line["emotions"]), _ALONE)


def _wanted(emotions: Sequence[str]) -> Floats:
    return np.array([emotion in emotions for emotion in FOUR], np.float32)


class Readers:
    """What is seen of a message: features, counts and what the situation adds."""

    def __init__(self) -> None:
        self.extractor = Extractor()
        self.mood = Mood()
        self.signs = Signs()

    def utterance(self, item: Item) -> Utterance:
        """The message in its situation."""
        return Utterance(item.text, item.situation, item.language)

    def counts(self, item: Item, features: Features, *, situated: bool) -> dict[str, float]:
        """All counts of a message, with or without what its situation adds."""
        utterance = self.utterance(item)
        mood = self.mood.read(utterance, features)
        _, counts = self.signs.find(utterance, mood)
        if situated:
            counts.update(around(utterance, counts, mood))
        return counts

    def sentiment(self, text: str, language: str) -> Sentiment:
        """The mood of an earlier message."""
        return self.mood.read(Utterance(text, _ALONE, language), self.extractor(text))


@dataclass
class Seen:
    """Items as numbers: the scores of the first step, counts, and the features."""

    items: list[Item]
    scores: Floats  # (items, 32)
    counts: list[dict[str, float]]
    hashed: sparse.csr_matrix
    dense: Floats

    def some(self, rows: Floats) -> Seen:
        """Those of these rows."""
        places = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Seen(
            [self.items[row] for row in places],
            self.scores[places],
            [self.counts[row] for row in places],
            self.hashed[places],
            self.dense[places],
        )

    @property
    def wanted(self) -> Floats:
        return np.stack([item.wanted for item in self.items])


def see(items: Sequence[Item], both: Both, readers: Readers, *, situated: bool = True) -> Seen:
    """Items as the reader will see them."""
    texts = [item.text for item in items]
    hashed, dense = matrices(texts, readers.extractor)
    counts = [readers.counts(item, readers.extractor(item.text), situated=situated) for item in items]
    return Seen(list(items), both.scores(hashed, dense), counts, hashed, dense)


@dataclass
class Fitted:
    """The second step's weights: of the first step's scores, of counts, and of the features themselves."""

    scores: Floats  # (32, 4)
    names: list[str]
    counts: Floats  # a row a name
    hashed: Floats
    dense: Floats
    biases: Floats

    def odds(self, seen: Seen) -> Floats:
        """Log-odds of the four."""
        return (
            seen.scores @ self.scores
            + table(seen.counts, self.names) @ self.counts
            + seen.hashed @ self.hashed
            + seen.dense @ self.dense
            + self.biases
        )


def table(counts: Sequence[Mapping[str, float]], names: Sequence[str]) -> Floats:
    """A row an item, a column a name."""
    place = {name: number for number, name in enumerate(names)}
    rows = np.zeros((len(counts), len(names)), np.float32)
    for number, each in enumerate(counts):
        for name, count in each.items():
            if name in place:
                rows[number, place[name]] = count
    return rows


@dataclass(frozen=True)
class Recipe:
    """How large each block's numbers are made: the larger, the looser its weights are held."""

    scores: float = 0.3
    counts: float = 1.0
    around: float = 0.3  # what the situation adds to what _BELIEVED says of it
    dense: float = 1.5
    hashed: float = 1.5
    loose: float = 0.05
    hidden: float = 0.5  # share of cues that are hidden in the copies: they were worded after these very items
    copies: int = 4
    comment: float = 0.15  # weight of an example of GoEmotions


RECIPE = Recipe()

# What is held for likely as long as the items do not say otherwise. Our dialogues are in neighbouring pairs, so that
# hardly anything of what a situation adds can be learned from them; and sarcasm is rare, and worded as praise.
_BELIEVED: Mapping[str, Mapping[str, float]] = {
    "frustration": {
        "@contacts": 0.15,
        "@contacts, kind": -0.15,
        "@unanswered": 0.2,
        "@was frustrated": 0.4,
        "@heats up": 0.4,
        "@mood sinks": 0.1,
        "@repeats": 0.15,
        "@quotes": 0.25,
        "@put_off": 0.15,
        "@refused": 0.1,
        "sarcasm": 3.0,
        "threat": 0.5,
        "gave_up": 0.5,
        "angry": 0.5,
    },
    "confusion": {"lost": 0.5},
    "satisfaction": {"sarcasm": -2.0},
    "excitement": {"sarcasm": -1.0, "eager": 0.5},
}
_SAMPLE = 4000  # examples of GoEmotions in the second step


def fit_four(seen: Seen, seed: int, recipe: Recipe = RECIPE) -> Fitted:
    """Logistic heads of the four on everything together; what the situation adds speaks of frustration alone."""
    random = np.random.default_rng(seed)
    names = sorted({name for each in seen.counts for name in each})
    around_it = np.array([name.startswith("@") for name in names])
    may_hide = np.array([name[0] not in "@~" for name in names])
    sizes = np.where(around_it, recipe.around, recipe.counts).astype(np.float32)
    counts = table(seen.counts, names) * sizes
    # Half of our dialogues are frustrated, of the other messages fewer: that is how they were made, and what tells
    # the ones from the others must not do so in their situation's stead.
    made = np.array([[2.0 * (item.source == "frustration")] for item in seen.items], np.float32)
    believed = np.array([[_BELIEVED[emotion].get(name, 0.0) for emotion in FOUR] for name in names], np.float32)
    blocks, given_of = [], []
    for copy in range(recipe.copies):
        hidden = (random.random(counts.shape) < recipe.hidden) & may_hide & (copy > 0)
        given_of.append((counts / sizes * ~hidden) @ believed)
        blocks.append(
            sparse.hstack(
                [
                    sparse.csr_matrix(seen.scores * recipe.scores),
                    sparse.csr_matrix(counts * ~hidden),
                    sparse.csr_matrix(seen.dense * recipe.dense),
                    seen.hashed * recipe.hashed,
                    sparse.csr_matrix(made),
                ]
            )
        )
    inputs = sparse.vstack(blocks).tocsr().astype(np.float32)
    wanted = np.tile(seen.wanted, (recipe.copies, 1))
    each = np.array([recipe.comment if item.source == "goemotions" else 1.0 for item in seen.items], np.float32)
    each = np.tile(each, recipe.copies)
    weights = np.zeros((inputs.shape[1], len(FOUR)), np.float32)
    biases = np.zeros(len(FOUR), np.float32)
    of_scores = seen.scores.shape[1]
    given = np.concatenate(given_of)
    for place in range(len(FOUR)):
        keep = np.ones(inputs.shape[1], bool)
        if place:
            keep[of_scores : of_scores + len(names)] = ~around_it
        columns = inputs[:, np.flatnonzero(keep)] if place else inputs
        found, bias = fit(columns, wanted[:, [place]], loose=recipe.loose, steps=200, each=each, given=given[:, place])
        weights[keep, place], biases[place] = found[:, 0], bias[0]
    biases += weights[-1]  # of a dialogue and another message, the middle
    ends = np.cumsum([of_scores, len(names), DENSE])
    return Fitted(
        weights[: ends[0]] * recipe.scores,
        names,
        weights[ends[0] : ends[1]] * sizes[:, None] + believed,
        weights[ends[2] : -1] * recipe.hashed,
        weights[ends[1] : ends[2]] * recipe.dense,
        biases,
    )


def with_course(items: Sequence[Item], odds: Mapping[str, float], readers: Readers) -> list[Item]:
    """Items with what was read in their earlier turns: the mood, and how frustrated each was, seen alone."""
    found = []
    for item in items:
        earlier = []
        turns = item.turns[:-1]
        for place, turn in enumerate(turns):
            if turn["who"] != "customer":
                continue
            text = legible(turn["text"])
            mood = readers.sentiment(text, item.language)
            earlier.append(
                EarlierTurn(
                    at=_NOW - timedelta(minutes=len(turns) - place),
                    sentiment=mood.value if mood.known else None,
                    frustration=odds[text],
                    answered=place + 1 < len(turns) and turns[place + 1]["who"] == "us",
                )
            )
        situation = item.situation
        if earlier:
            situation = replace(situation, earlier=tuple(earlier))
        found.append(replace(item, situation=situation))
    return found


def earlier_items(items: Sequence[Item]) -> list[Item]:
    """The customers' earlier turns, each alone."""
    nothing = np.full(len(FOUR), np.nan, np.float32)
    texts = {
        (item.language, legible(turn["text"]))
        for item in items
        for turn in item.turns[:-1]
        if turn["who"] == "customer"
    }
    return [Item("earlier", language, text, nothing, _ALONE) for language, text in sorted(texts)]


def shift(odds: Floats, seen: Seen, place: int) -> float:
    """What is to be added for F1 to be best at 0: mostly in our own messages, also in GoEmotions' comments."""
    wanted = seen.wanted[:, place]
    known = ~np.isnan(wanted)
    comment = np.array([item.source == "goemotions" for item in seen.items])
    places = np.quantile(odds[known], np.linspace(0.3, 0.999, 400))
    f1 = np.zeros(len(places))
    for rows, share in ((known & ~comment, 0.8), (known & comment, 0.2)):
        said = odds[rows][None, :] > places[:, None]
        f1 += share * 2 * (said * wanted[rows]).sum(1) / (said.sum(1) + wanted[rows].sum())
    near = 9
    smooth = np.convolve(np.pad(f1, near // 2, mode="edge"), np.ones(near) / near, "valid")
    return -float(places[int(np.argmax(smooth))])


# --- all of it ----------------------------------------------------------------------------------------------------


def train(data: Path, seed: int) -> None:
    """Fit all heads and write the artefacts "emotions" and "feelings"."""
    readers = Readers()
    texts, labels = comments(data, "train")
    hashed, dense = matrices(texts, readers.extractor)
    wanted = grouped(labels)
    both, scores = held_out(hashed, dense, wanted, seed)

    random = np.random.default_rng(seed)
    picked = random.choice(len(texts), _SAMPLE, replace=False)
    sample = see([Item("goemotions", "en", texts[row], wanted[row, _LABELS:], _ALONE) for row in picked], both, readers)
    sample.scores = scores[picked]
    fitted, shifts = four(data, seed, sample, both, readers)

    Heads.quantised(
        FOUR,
        both.hashed @ fitted.scores + fitted.hashed,
        both.dense @ fitted.scores + fitted.dense,
        both.biases @ fitted.scores + fitted.biases,
    ).save("emotions")
    save_artefact(
        "feelings",
        {
            "names": np.array(fitted.names),
            "weights": fitted.counts.round(4).astype(np.float32),
            "shifts": shifts.round(4),
        },
    )


def held_out(hashed: Inputs, dense: Floats, wanted: Floats, seed: int) -> tuple[Both, Floats]:
    """Heads, and the scores of each example by heads that have not seen it; the heads are the mean over the folds."""
    fold = np.random.default_rng(seed).integers(0, _FOLDS, len(wanted))
    scores = np.zeros_like(wanted)
    each = []
    for one in range(_FOLDS):
        both = fit_both(hashed[fold != one], dense[fold != one], wanted[fold != one])
        scores[fold == one] = both.scores(hashed[fold == one], dense[fold == one])
        each.append(both)
    return Both(*(np.mean([getattr(both, part) for both in each], 0) for part in ("hashed", "dense", "biases"))), scores


def four(data: Path, seed: int, sample: Seen, both: Both, readers: Readers) -> tuple[Fitted, Floats]:
    """The second step, and what is added to each for its value to be decided at .5."""
    items = [*dialogues("train"), *messages("train"), *tweets(data, "train")]
    alone = joined(see(items, both, readers, situated=False), sample)
    odds = by_others(alone, seed)
    before = see(earlier_items(items), both, readers, situated=False)
    first = fit_four(alone, seed)
    values = chances(first.odds(before)[:, 0] + shift(odds[:, 0], alone, 0))
    heat = dict(zip((item.text for item in before.items), values.tolist(), strict=True))
    situated = joined(see(with_course(items, heat, readers), both, readers), sample)
    odds = by_others(situated, seed)
    shifts = np.array([shift(odds[:, place], situated, place) for place in range(len(FOUR))], np.float32)
    return fit_four(situated, seed), shifts


def what_the_situation_adds(data: Path, seed: int) -> dict[str, Any]:
    """AUC of frustration in the training part's dialogues, by weights that have not seen them, with and without it.

    With cues, and without: the cues were worded after these very dialogues, and leave little to add.
    """
    readers = Readers()
    texts, labels = comments(data, "train")
    hashed, dense = matrices(texts, readers.extractor)
    both = fit_both(hashed, dense, grouped(labels))
    items = list(dialogues("train"))
    alone = see([*items, *messages("train"), *tweets(data, "train")], both, readers, situated=False)
    first = fit_four(alone, seed)
    before = see(earlier_items(items), both, readers, situated=False)
    heat = dict(zip((item.text for item in before.items), chances(first.odds(before)[:, 0]).tolist(), strict=True))
    situated = see(with_course(alone.items, heat, readers), both, readers)
    found = {}
    for name, kept in (("with cues", "@~"), ("without cues", "")):
        for way, seen in (("text alone", alone), ("in its situation", situated)):
            counts = [{n: c for n, c in each.items() if n[0] in "@~" or kept} for each in seen.counts]
            odds = by_others(replace(seen, counts=counts), seed)[: len(items)]
            found[f"{name}, {way}"] = {
                " ".join(languages): _scored(odds[rows], situated.wanted[: len(items)][rows])["frustration"]["auc"]
                for languages in (("en",), ("es", "de", "fr"))
                if len(rows := [row for row, item in enumerate(items) if item.language in languages])
            }
    return found


def by_others(seen: Seen, seed: int, folds: int = 5) -> Floats:
    """Log-odds of each item by weights that were fitted without it."""
    fold = np.random.default_rng(seed).integers(0, folds, len(seen.items))
    odds = np.zeros((len(seen.items), len(FOUR)), np.float32)
    for one in range(folds):
        odds[fold == one] = fit_four(seen.some(fold != one), seed).odds(seen.some(fold == one))
    return odds


def joined(one: Seen, other: Seen) -> Seen:
    """Both as one."""
    return Seen(
        one.items + other.items,
        np.concatenate([one.scores, other.scores]),
        one.counts + other.counts,
        sparse.vstack([one.hashed, other.hashed]).tocsr(),
        np.concatenate([one.dense, other.dense]),
    )


def chances(odds: Floats) -> Floats:
    """Log-odds as probabilities."""
    return 1 / (1 + np.exp(-np.clip(odds, -30, 30)))


_TOGETHER = ("en", "es", "de", "fr")


def figures(data: Path) -> dict[str, Any]:
    """The four on GoEmotions' dev part and, by language, on our test parts: AUC and F1, how many have it, of how many.

    Frustration in dialogue is measured by the last turn alone, and in its situation.
    """
    readers, feelings = Readers(), Feelings()
    texts, labels = comments(data, "dev")
    found: dict[str, Any] = {}
    values = _values([Item("goemotions", "en", text, _NOTHING, _ALONE) for text in texts], feelings, readers)
    found["goemotions four"] = _scored(values, grouped(labels)[:, _LABELS:])
    for name, items in (("messages", list(messages("test"))), ("tweets", list(tweets(data, "test")))):
        for language, some in _by_language(items):
            found[f"{name}, {language}"] = _scored(
                _values(some, feelings, readers), np.stack([item.wanted for item in some])
            )
    items = list(dialogues("test"))
    before = earlier_items(items)
    heat = dict(zip((item.text for item in before), _values(before, feelings, readers)[:, 0].tolist(), strict=True))
    ways = {
        "text alone": [replace(item, situation=_ALONE) for item in items],
        "in its situation": with_course(items, heat, readers),
    }
    for way, seen in ways.items():
        for language, some in _by_language(seen):
            found[f"frustration in dialogue, {language}, {way}"] = _scored(
                _values(some, feelings, readers), np.stack([item.wanted for item in some])
            )["frustration"]
    return found


def _by_language(items: Sequence[Item]) -> Iterator[tuple[str, list[Item]]]:
    """Those of each language, then all of them where there are several."""
    several = [
        (language, some) for language in _TOGETHER if (some := [item for item in items if item.language == language])
    ]
    yield from several
    if len(several) > 1:
        yield "all", list(items)


_NOTHING = np.full(len(FOUR), np.nan, np.float32)


def _values(items: Sequence[Item], feelings: Feelings, readers: Readers) -> Floats:
    rows = []
    for item in items:
        features, utterance = readers.extractor(item.text), readers.utterance(item)
        emotions = feelings.read(utterance, features, readers.mood.read(utterance, features))
        rows.append([getattr(emotions, emotion).value for emotion in FOUR])
    return np.array(rows)


def _scored(values: Floats, wanted: Floats) -> dict[str, Any]:
    found = {}
    for place, emotion in enumerate(FOUR):
        gold, said = wanted[:, place], values[:, place]
        if np.isnan(gold).any() or not 0 < gold.sum() < len(gold):
            continue
        ranks = rankdata(said)
        positives = gold.sum()
        area = (ranks[gold == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(gold) - positives))
        right = 2 * ((said >= 0.5) * gold).sum() / ((said >= 0.5).sum() + positives)
        sizes = {"with": int(positives), "of": len(gold)}
        found[emotion] = {"auc": round(float(area), 3), "f1": round(float(right), 3), **sizes}
    return found


if __name__ == "__main__":
    print(json.dumps(what_the_situation_adds(Path(sys.argv[1]), 0), indent=1))
