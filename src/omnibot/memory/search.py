"""What of all that was said answers a question: a conversation that is at hand as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from omnibot.memory.kin import Kin
from omnibot.memory.ranking import Embed, Kept, Numbers, Rows, ask, keep, rank
from omnibot.memory.words import Words
from omnibot.model.values import frozen

__all__ = ["Embed", "Found", "Said", "Search"]


@frozen
class Said:
    """One message of a conversation."""

    id: str
    speaker: str
    text: str


@frozen
class Found:
    """A message that may answer a question; scores of one question are comparable, those of two are not."""

    id: str
    score: float


class Search:
    """The index of a conversation, in the order in which it was said.

    `language` is its ISO 639-1 code; without `embed` words alone decide. What the store keeps of a message to find it
    by is the same, and is ranked by the same rules.
    """

    def __init__(
        self, said: Sequence[Said], language: str = "en", embed: Embed | None = None, kin: Kin | None = None
    ) -> None:
        self._ids = [one.id for one in said]
        names = dict.fromkeys(one.speaker for one in said)
        self._words = Words(language, names, [one.text for one in said])
        self._kin = kin or Kin.of_language(language)
        self._embed = embed
        kept = [keep(one.text, self._words, embed) for one in said]
        self._places = _places(kept)
        self._by = {name: np.array([one.speaker == name for one in said], np.bool_) for name in names}
        self._lengths = np.array([len(one.stems) for one in kept], np.float32)
        self._asks = np.array([one.asks for one in kept], np.float32)
        self._names_time = np.array([one.names_time for one in kept], np.bool_)
        vectors = [one.meaning for one in kept if one.meaning is not None]
        self._meanings = np.stack(vectors) if vectors else None

    def best(self, question: str, limit: int = 10) -> list[Found]:
        """At most `limit` messages that answer a question best, the best first; none where nothing of it was said."""
        asked = ask(question, self._words, self._kin, self._embed)
        if not asked.stems:
            return []
        rows = Rows(
            counts=self._counts(asked.stems),
            lengths=self._lengths,
            asks=self._asks,
            names_time=self._names_time,
            by_asked=self._by.get(asked.speaker) if asked.speaker else None,
            meanings=self._meanings,
        )
        scores = rank(asked, rows)
        order = np.argsort(-scores, kind="stable")[:limit]
        return [Found(self._ids[place], round(float(scores[place]), 4)) for place in order if scores[place] > 0]

    def _counts(self, stems: Mapping[str, float]) -> Numbers:
        counts = np.zeros((len(self._ids), len(stems)), np.float32)
        for column, stem in enumerate(stems):
            if found := self._places.get(stem):
                places, times = found
                counts[places, column] = times
        return counts


def _places(kept: Sequence[Kept]) -> dict[str, tuple[NDArray[np.intp], Numbers]]:
    """By stem the messages that have it, and how often."""
    found: dict[str, dict[int, int]] = {}
    for place, one in enumerate(kept):
        for stem in one.stems:
            times = found.setdefault(stem, {})
            times[place] = times.get(place, 0) + 1
    return {
        stem: (np.fromiter(times, np.intp, len(times)), np.fromiter(times.values(), np.float32, len(times)))
        for stem, times in found.items()
    }
