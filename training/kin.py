"""Which words stand for each other in memory, by the encoder that is shipped: memory/kin.en.tsv.

Words are those that the data sets use most; two are near where the directions of their vectors are.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import omnibot.memory
from omnibot.evaluation.readers import embedding
from omnibot.memory.words import Words
from omnibot.stems import folded
from training.encoder import texts_of

FILE = Path(omnibot.memory.__file__).parent / "kin.en.tsv"
STEMS = 6000
LIKE, MOST = 0.4, 10  # from which likeness words are kin, and how many a word has
_SHORTEST = 3  # letters


def train(data: Path, seed: int) -> None:
    """Write down what is near what; nothing in it is chosen by chance."""
    embed = embedding("en")
    assert embed is not None
    forms = _frequent(data)
    vectors = np.stack([embed(form) for form in forms.values()])
    stems = list(forms)
    lines = []
    for place, stem in enumerate(stems):
        likeness = vectors @ vectors[place]
        near = np.flatnonzero(likeness >= LIKE)
        near = near[np.argsort(-likeness[near], kind="stable")]
        kin = [f"{stems[other]}:{likeness[other] * 100:.0f}" for other in near if other != place][:MOST]
        if kin:
            lines.append(f"{stem}\t{' '.join(kin)}\n")
    FILE.write_text("".join(sorted(lines)), "utf-8")


def figures(data: Path) -> dict[str, Any]:
    """How much is written down."""
    lines = FILE.read_text("utf-8").splitlines()
    return {"stems": len(lines), "pairs": sum(line.count(":") for line in lines), "bytes": FILE.stat().st_size}


def _frequent(data: Path) -> dict[str, str]:
    """The stems that are used most, each with the first of its words."""
    counts: Counter[str] = Counter()
    for text in texts_of(data):
        counts.update(folded(text).split())
    words = Words("en", (), ())
    for word, _ in counts.most_common():
        if word.isalpha() and len(word) >= _SHORTEST:
            words.keep(word)
        if len(words.forms) == STEMS:
            break
    return words.forms
