"""Short sentences made for the encoder: what people ask companies and assistants for, and every word of the vocabulary.

The data sets are chats of six trades and comments; both are thin in short questions, and a third of MiniLM's
wordpieces never occur in them. What is made here teaches no label: the encoder learns from it where MiniLM puts
such a sentence.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

__all__ = ["composed", "recombined", "swept"]

_LISTS = yaml.safe_load((Path(__file__).parent / "phrases.yaml").read_text(encoding="utf-8"))


def _listed(text: str) -> list[str]:
    return text.split("; ")


def _by_field(fields: Mapping[str, str]) -> dict[str, list[str]]:
    return {name: _listed(text) for name, text in fields.items()}


_THINGS, _DEEDS, _STATES = map(_by_field, (_LISTS["things"], _LISTS["deeds"], _LISTS["states"]))
_FRAMES = _by_field(_LISTS["frames"])
_ENDS = _listed(_LISTS["ends"])
_MORE = 0.3  # of the sentences get a second half, and as many an end


def composed(count: int, seed: int) -> Iterator[str]:
    """Sentences out of things, deeds and states of one field; some with a second half, some with an end."""
    chance = random.Random(seed)
    for _ in range(count):
        field = chance.choice(list(_THINGS))
        text = _clause(chance, field)
        if chance.random() < _MORE:
            text += chance.choice((f" with {chance.choice(_THINGS[field])}", f" and {chance.choice(_DEEDS[field])}"))
        if chance.random() < _MORE:
            text += f" {chance.choice(_ENDS)}"
        yield text


def _clause(chance: random.Random, field: str) -> str:
    frame = chance.choice(("things", "deeds", "states"))
    thing = chance.choice(_THINGS[field])
    said = {
        "things": thing,
        "deeds": chance.choice(_DEEDS[field]),
        "states": f"{thing} {chance.choice(_STATES[field])}",
    }
    return chance.choice(_FRAMES[frame]).format(said[frame])


def swept(words: Sequence[str], each: int, seed: int) -> Iterator[str]:
    """Every word in `each` frames, some with another word."""
    chance = random.Random(seed)
    for word in words:
        for frame in chance.sample(_FRAMES["words"], each):
            yield frame.format(word, chance.choice(words))


_CLAUSE = re.compile(r"(?<=[.!?,;:])\s+|\s+(?=(?:and|but|because|so|when|if|that|or)\s)")


def recombined(texts: Sequence[str], count: int, seed: int) -> Iterator[str]:
    """Single clauses of texts, runs of a few of their words, and clauses of two texts together."""
    chance = random.Random(seed)
    for _ in range(count):
        clause = chance.choice(_CLAUSE.split(chance.choice(texts)))
        match chance.randrange(3):
            case 0:
                words = chance.choice(texts).split()
                start = chance.randrange(max(1, len(words) - 3))
                yield " ".join(words[start : start + chance.randint(2, 7)])
            case 1:
                yield clause
            case _:
                yield f"{clause} {chance.choice(_CLAUSE.split(chance.choice(texts)))}"
