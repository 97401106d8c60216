"""The static encoder and the weights of hashed n-grams, which all heads look at.

MiniLM embeds sentences; its 384 numbers are turned to the 256 that say most; then one vector a wordpiece is trained
so that their sum points where the sentence points. Sentences near each other must stay near: the matrices of
similarities within a batch are compared too.
"""

from __future__ import annotations

import logging
import random
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omnibot.understanding.artefacts import SHIPPED, MissingArtefact, artefact, save_artefact
from omnibot.understanding.encoder import WordPieces
from omnibot.understanding.features import BUCKETS, DENSE, Extractor, spelt, words
from training import datasets, phrases

__all__ = ["figures", "train"]

_log = logging.getLogger(__name__)

_SENTENCES = (
    370_000  # of the texts and what is made of them, some 490,000; the texts that are not among them come on top
)
_AS_OFTEN = 3  # times that a text is looked at in a round, beside a sentence that was made
_SWEPT = 6  # frames for each word of the vocabulary
_COMPOSED = 250_000
_RECOMBINED = 150_000
_EPOCHS = 12
_BATCH = 512
_RATE = 1e-2  # Adam's, falling to nothing
_SIMILARITIES = 10.0  # what a squared error of similarities weighs beside a lack of cosine
_ALIGNED = 4  # one in so many texts helps to turn a new encoder to the one that is shipped
_COMMON = 1e-3  # the share of all text at which a piece begins with half of a rare one's weight

WORK = Path(__file__).parent / ".work"

Floats = npt.NDArray[np.float32]


# --- what is embedded --------------------------------------------------------------------------------------------


def texts_of(data: Path) -> list[str]:
    """What people wrote, each text once. MultiDoGO's test part and GoEmotions' dev part are kept to measure with."""
    found = dict.fromkeys(turn.text for part in ("train", "dev") for turn in datasets.multidogo(data, part))
    found.update(dict.fromkeys(text for text, _ in datasets.goemotions(data, "train")))
    found.update(dict.fromkeys(datasets.care_messages(data)))
    return list(found)


def our_own() -> list[str]:
    """The English messages of the labelled sets' training parts."""
    found = [
        item["text"]
        for name in ("expertise", "urgency")
        for item in datasets.labelled(name, "train")
        if item["lang"] == "en"
    ]
    for item in datasets.labelled("frustration", "train"):
        found += [turn["text"] for turn in item["turns"] if item["lang"] == "en"]
    return list(dict.fromkeys(found))


def sentences(texts: Sequence[str], vocabulary: Sequence[str], seed: int) -> list[str]:
    """The texts among those that are made, shuffled, each once."""
    made = [
        *phrases.swept(
            [word for word in vocabulary if word.isascii() and word.isalpha() and len(word) > 1], _SWEPT, seed
        ),
        *phrases.composed(_COMPOSED, seed + 1),
        *phrases.recombined(texts, _RECOMBINED, seed + 2),
    ]
    mixed = list(dict.fromkeys([*texts, *made]))
    random.Random(seed).shuffle(mixed)
    return mixed


# --- the encoder -------------------------------------------------------------------------------------------------


def kept_pieces(vocabulary: Sequence[str]) -> list[str]:
    """Wordpieces of the Latin letters without accents, of digits and of signs, the frequent ones first.

    MiniLM learned English; what it makes of other scripts means nothing.
    """
    return [piece for piece in vocabulary if _is_kept(piece)]


def _is_kept(piece: str) -> bool:
    if not piece or (piece.startswith("[") and len(piece) > 1):  # [CLS], [unused7]
        return False
    bare = piece.removeprefix("##") or piece
    return all(sign.isascii() or unicodedata.category(sign)[0] in "PS" for sign in bare)


@dataclass(frozen=True)
class Bags:
    """Wordpieces of many texts in one row: those of text i stand from `starts[i]` on."""

    rows: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]

    def of(self, texts: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Rows and starts of these texts alone."""
        parts = [self.rows[self.starts[text] : self.starts[text + 1]] for text in texts]
        return np.concatenate(parts), np.cumsum([0, *map(len, parts[:-1])])


def bags(texts: Sequence[str], pieces: WordPieces) -> Bags:
    """The texts' wordpieces, as the server finds them."""
    known: dict[str, bytes] = {}

    def of_word(word: str) -> bytes:
        if word not in known:
            known[word] = pieces.of_word(spelt(word))
        return known[word]

    parts = [b"".join(map(of_word, words(text))) for text in texts]
    rows = np.frombuffer(b"".join(parts), np.uint16).astype(np.int64)
    return Bags(rows, np.cumsum([0, *(len(part) // 2 for part in parts)]))


def directions(vectors: npt.NDArray[np.floating]) -> Floats:
    """The vectors with length 1; zeros stay zeros."""
    vectors = np.asarray(vectors, np.float32)
    lengths: Floats = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-9)


def projection(vectors: Floats, dimensions: int) -> Floats:
    """The turn to the axes along which the vectors are longest: (their dimensions, dimensions)."""
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    return np.ascontiguousarray(axes[:, ::-1][:, :dimensions])


def beginnings(alone: Floats, rows: npt.NDArray[np.int64]) -> Floats:
    """What training begins with: where MiniLM puts each piece alone, rare pieces with more weight."""
    counts = np.bincount(rows, minlength=len(alone)) + 1
    return alone * (_COMMON / (_COMMON + counts / counts.sum()))[:, None].astype(np.float32)


def summed(vectors: Floats, texts: Bags) -> Floats:
    """Directions of the texts by these vectors of wordpieces."""
    total = np.zeros((len(texts.starts) - 1, vectors.shape[1]), np.float32)
    filled = np.diff(texts.starts) > 0
    if filled.any():
        total[filled] = np.add.reduceat(vectors[texts.rows], texts.starts[:-1][filled])
    return directions(total)


def rotation(new: Floats, old: Floats) -> Floats:
    """What turns the new directions of some texts nearest to their old ones (orthogonal Procrustes).

    It changes no similarity, and heads that were trained on the old ones keep most of what they know.
    """
    left, _, right = np.linalg.svd(new.T @ old)
    turn: Floats = left @ right
    return turn


def _to_the_shipped(vectors: Floats, bagged: Bags, texts: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """The rotation of new vectors to the shipped ones, and what it is of: the same vectors are turned as they were."""
    made = np.frombuffer(blake2b(vectors.tobytes(), digest_size=16).digest(), np.uint8)
    try:
        shipped = artefact("encoder")
    except MissingArtefact:
        return {"turn": np.eye(DENSE, dtype=np.float32), "turned": made}
    if "turned" in shipped and (shipped["turned"] == made).all():
        return {"turn": np.array(shipped["turn"]), "turned": made}
    old = np.stack([each.dense for each in map(Extractor(), texts)])
    return {"turn": rotation(summed(vectors, bagged), old), "turned": made}


def quantised(vectors: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """Rows of 8 bits, and what each is to be multiplied by."""
    scales = np.abs(vectors).max(1) / 127
    scales[scales == 0] = 1
    return np.rint(vectors / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def fitted(
    texts: Bags, targets: Floats, vectors: Floats, epochs: int, seed: int, times: npt.NDArray[np.int64] | None = None
) -> Floats:
    """The vectors after training; on one machine the same for the same seed. `times`: how often a round has a text."""
    import torch
    from torch.nn.functional import normalize

    torch.set_num_threads(1)  # so that sums are taken in one order, and it is no slower
    bag = torch.nn.EmbeddingBag.from_pretrained(torch.from_numpy(vectors), mode="sum", sparse=True, freeze=False)
    adam = torch.optim.SparseAdam(bag.parameters(), lr=_RATE)
    said = np.flatnonzero(np.diff(texts.starts))
    said = said if times is None else np.repeat(said, times[said])
    batches = max(1, len(said) // _BATCH)
    chance = np.random.default_rng(seed)
    for epoch in range(epochs):
        missing = 0.0
        for step, batch in enumerate(np.array_split(chance.permutation(said), batches)):
            adam.param_groups[0]["lr"] = _RATE * (1 - (epoch * batches + step) / (epochs * batches))
            rows, starts = texts.of(batch)
            sums = normalize(bag(torch.from_numpy(rows), torch.from_numpy(starts)), dim=1)
            wanted = torch.from_numpy(targets[batch])
            lack = (1 - (sums * wanted).sum(1)).mean()
            error = ((sums @ sums.T - wanted @ wanted.T) ** 2).mean()
            adam.zero_grad()
            (lack + _SIMILARITIES * error).backward()
            adam.step()
            missing += lack.item()
        _log.info("round %d of %d: %.4f short of a cosine of 1", epoch + 1, epochs, missing / batches)
    fitted_vectors: Floats = bag.weight.detach().numpy()
    return fitted_vectors


# --- hashed n-grams ----------------------------------------------------------------------------------------------


def rarity(texts: Iterator[str] | Sequence[str], extract: Extractor) -> Floats:
    """For each bucket how rare it is: 1 + ln((1 + texts) / (1 + texts that have it))."""
    counts, total = np.zeros(BUCKETS), 0
    for text in texts:
        counts[np.unique(extract(text).hashed_ids)] += 1
        total += 1
    return (1 + np.log((1 + total) / (1 + counts))).astype(np.float32)


# --- the whole ---------------------------------------------------------------------------------------------------


def train(data: Path, seed: int, work: Path = WORK, folder: Path = SHIPPED) -> None:
    """Write the artefacts "encoder" and "hashed". A quarter of an hour on two cores; embeddings are kept in `work`."""
    from training.minilm import MiniLM, embedded, vocabulary

    work.mkdir(exist_ok=True)
    texts = texts_of(data)
    mixed = sentences(texts, vocabulary(), seed)
    written = {*texts, *our_own()}
    taught = mixed[:_SENTENCES]
    taught += sorted(written.difference(taught))
    times = np.array([_AS_OFTEN if text in written else 1 for text in taught])
    pieces = kept_pieces(vocabulary())
    cut = WordPieces.of(pieces)
    teacher = directions(embedded(taught, work))
    turn = projection(teacher[times > 1], DENSE)
    bagged = bags(taught, cut)
    alone = directions(MiniLM(work).embed_pieces(pieces)) @ turn
    vectors = fitted(bagged, directions(teacher @ turn), beginnings(alone, bagged.rows), _EPOCHS, seed, times)
    some = texts[::_ALIGNED]
    turned = _to_the_shipped(vectors, bags(some, cut), some)
    rows, scales = quantised(vectors @ turned["turn"])
    save_artefact("encoder", {"vectors": rows, "scales": scales, **cut.arrays, **turned}, folder)
    save_artefact("hashed", {"idf": np.ones(BUCKETS, np.float32)}, folder)
    save_artefact("hashed", {"idf": rarity(texts, Extractor(folder))}, folder)


# --- how good it is ----------------------------------------------------------------------------------------------


_HELD_OUT = 2000
_SHOTS = 10
_DRAWS = range(5)
_ENOUGH = 20  # examples that an intent has in the training part, to be one of those that are told apart


def figures(data: Path, work: Path = WORK) -> dict[str, float]:
    """What the features are worth on texts that they were not made from.

    How near the encoder is to MiniLM on GoEmotions' dev part, and how well logistic regression tells MultiDoGO's
    intents apart by hashed features, dense ones, and both (the mean of log-probabilities), from all of the training
    part and from ten examples an intent.
    """
    extract = Extractor()
    found = {"similarity": _nearness([text for text, _ in datasets.goemotions(data, "dev")][:_HELD_OUT], extract, work)}
    train, test = (intents_of(data, part) for part in ("train", "test"))
    test = {text: intent for text, intent in test.items() if text not in train}
    usual = {intent for intent, count in Counter(train.values()).items() if count >= _ENOUGH}
    everything = [(text, intent) for text, intent in train.items() if intent in usual]
    drawn = [_told_apart(few(everything, seed), test, extract) for seed in _DRAWS]
    found |= {f"ten-shot {name}": float(np.mean([each[name] for each in drawn])) for name in drawn[0]}
    found |= {f"full {name}": share for name, share in _told_apart(everything, test, extract).items()}
    return {name: round(share, 4) for name, share in found.items()}


def _nearness(texts: Sequence[str], extract: Extractor, work: Path) -> float:
    """The correlation of the similarities that both see between any two of the texts."""
    from training.minilm import MiniLM

    teacher = directions(MiniLM(work).embed(texts))
    ours = np.stack([extract(text).dense for text in texts])
    pairs = np.triu_indices(len(texts), 1)
    return float(np.corrcoef((teacher @ teacher.T)[pairs], (ours @ ours.T)[pairs])[0, 1])


def intents_of(data: Path, part: datasets.Part) -> dict[str, str]:
    """Text -> its intent, for turns with one; "contentonly" (a name, a number) says nothing of what is meant."""
    found: dict[str, str] = {}
    for turn in datasets.multidogo(data, part):
        if len(turn.intents) == 1 and turn.intents != ("contentonly",):
            found.setdefault(turn.text.lower(), turn.intents[0])
    return found


def few(examples: Sequence[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    """Ten examples of each intent that is one; what is outside of the domain is none."""
    chance = random.Random(seed)
    by_intent: dict[str, list[str]] = {}
    for text, intent in examples:
        by_intent.setdefault(intent, []).append(text)
    by_intent.pop("outofdomain", None)
    return [(text, intent) for intent in sorted(by_intent) for text in chance.sample(by_intent[intent], _SHOTS)]


def _told_apart(examples: Sequence[tuple[str, str]], test: Mapping[str, str], extract: Extractor) -> dict[str, float]:
    from sklearn.linear_model import LogisticRegression

    from training.matrix import matrices

    intents = [intent for _, intent in examples]
    asked = {text: intent for text, intent in test.items() if intent in set(intents)}
    wanted = np.array(list(asked.values()))
    seen, new = matrices([text for text, _ in examples], extract), matrices(asked, extract)
    heads = [LogisticRegression(C=30, max_iter=300).fit(part, intents) for part in seen]
    scores = [head.predict_log_proba(part) for head, part in zip(heads, new, strict=True)]
    sums = {"hashed": scores[0], "dense": scores[1], "both": scores[0] + scores[1]}
    return {name: float((heads[0].classes_[each.argmax(1)] == wanted).mean()) for name, each in sums.items()}
