"""What was said long ago: what each message is found by later, and which of those that were found matter now.

Pure: whoever keeps the messages gives numbers and takes them. A mark is what is kept of a message besides its stems:

    asks        1 byte    how much of it does nothing but ask, of 255
    flags       1 byte    1: it names a time
    length      2 bytes   stems, at most 65,535
    scale       4 bytes   of the numbers that follow
    meaning     256 bytes its direction among meanings, or nothing where there is no encoder for its language
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from omnibot.memory.kin import Kin
from omnibot.memory.ranking import Embed, Question, Rows, ask, keep, rank
from omnibot.memory.words import Words
from omnibot.model.values import frozen

__all__ = ["Seek", "best", "indexed", "seek"]

_LONGEST = 3000  # characters of a message that count: what is said beyond is said again, or is a file
_MOST_STEMS = 16  # of a question's own
_MOST_ASKED = 64  # with those of its kin
_DIMENSIONS = 256
_NAMES_A_TIME = 1
_MARK = np.dtype(
    [("asks", "u1"), ("flags", "u1"), ("length", "<u2"), ("scale", "<f4"), ("meaning", "i1", (_DIMENSIONS,))]
)
_WITHOUT_MEANING = _MARK.itemsize - _DIMENSIONS
_BEST, _WORTH = 5, 0.35  # how many are told, and from which part of the best one's score
_NEAR = 0.35  # likeness from which something may answer without a word in common


@frozen
class Seek:
    """What a turn wants to be reminded of."""

    question: Question

    @property
    def stems(self) -> tuple[str, ...]:
        """Those to be looked for, the turn's own first."""
        return tuple(self.question.stems)


def indexed(text: str, language: str, embed: Embed | None) -> tuple[tuple[str, ...], bytes]:
    """The stems that a message is found by, and its mark; `embed` knows English alone."""
    text = text[:_LONGEST]
    kept = keep(text, _words(language), embed if language == "en" else None)
    mark = np.zeros((), _MARK)
    mark["asks"] = round(255 * min(1.0, kept.asks))
    mark["flags"] = _NAMES_A_TIME * kept.names_time
    mark["length"] = len(kept.stems)
    if kept.meaning is None:
        return kept.stems, mark.tobytes()[:_WITHOUT_MEANING]
    scale = float(np.abs(kept.meaning).max()) / 127
    mark["scale"] = scale
    mark["meaning"] = np.round(kept.meaning / scale) if scale else 0
    return kept.stems, mark.tobytes()


def seek(text: str, language: str, embed: Embed | None) -> Seek | None:
    """What a message asks memory for; None where no word of it tells anything."""
    text = text[:_LONGEST]
    question = ask(text, _words(language), Kin.of_language(language), embed if language == "en" else None)
    if not question.stems:
        return None
    own = dict(islice([one for one in question.stems.items() if one[1] == 1.0], _MOST_STEMS))
    kin = sorted([(-much, stem) for stem, much in question.stems.items() if stem not in own])
    own.update([(stem, -much) for much, stem in kin[: _MOST_ASKED - len(own)]])
    return Seek(Question(own, question.after_time, None, question.meaning))


def best(
    sought: Seek, counts: NDArray[np.intp], marks: Sequence[bytes], stretches: NDArray[np.intp]
) -> list[tuple[int, float]]:
    """The places of the messages that matter, each with its score, the best first.

    `counts` tell how often each message has each of the stems (a row a message), `stretches` which messages stand
    beside each other.
    """
    if not marks:
        return []
    kept = np.frombuffer(b"".join(mark.ljust(_MARK.itemsize, b"\0") for mark in marks), _MARK)
    rows = Rows(
        counts=counts.astype(np.float32),
        lengths=kept["length"].astype(np.float32),
        asks=kept["asks"].astype(np.float32) / np.float32(255),
        names_time=(kept["flags"] & _NAMES_A_TIME).astype(np.bool_),
        meanings=kept["meaning"].astype(np.float32) * kept["scale"][:, None],
        stretches=stretches,
    )
    scores = rank(sought.question, rows)
    scores[~_matters(sought.question, rows)] = 0
    order = np.argsort(-scores, kind="stable")[:_BEST]
    least = _WORTH * float(scores[order[0]])
    return [(int(place), round(float(scores[place]), 4)) for place in order if scores[place] >= max(least, 1e-6)]


def _matters(question: Question, rows: Rows) -> NDArray[np.bool_]:
    """Which messages have to do with a question at all: the best of what has nothing to do with it is no answer."""
    named: NDArray[np.bool_] = np.any(rows.counts[:, _own(question)] > 0, 1)
    touched = named.copy()
    beside = np.diff(rows.stretches) == 0 if rows.stretches is not None else np.ones(len(named) - 1, np.bool_)
    touched[1:] |= named[:-1] & beside
    touched[:-1] |= named[1:] & beside
    if question.meaning is not None and rows.meanings is not None:
        touched |= rows.meanings @ question.meaning >= _NEAR
    return touched


def _own(question: Question) -> list[int]:
    return [place for place, much in enumerate(question.stems.values()) if much == 1.0]


@cache
def _words(language: str) -> _Unremembering:
    return _Unremembering(language)


class _Unremembering(Words):
    """Words of a language without the names of anybody, and without a memory that would grow for ever."""

    _MOST = 20_000

    def __init__(self, language: str) -> None:
        super().__init__(language, (), ())

    def keep(self, text: str) -> list[str]:
        if len(self._known) > self._MOST:
            self._known.clear()
            self.forms.clear()
        return super().keep(text)
