"""What of all that was said answers a question.

BM25 over the stems of messages, to which neighbours lend of theirs, and beside it how near the meanings are, where
somebody gives vectors for them. The weights were steered by invented conversations alone (training/labelled).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omnibot.memory.words import Words

__all__ = ["Embed", "Found", "Said", "Search"]

Embed = Callable[[str], NDArray[np.float32]]  # a text as a vector of length 1; similar texts have similar ones
_Numbers = NDArray[np.float32]

_SATURATION, _BY_LENGTH = 1.2, 0.4  # BM25's k1 and b: a message is short as it is
_LENT = (0.5, 0.25)  # of its score, to those beside it and beside these: what answers lacks the question's words
_LENT_MEANING = (0.3, 0.15)  # likewise
_BY_MEANING = 1.0  # beside a score by words of at most 1
_KIN, _LIKE, _MOST_KIN = 0.4, 0.4, 10  # words as good as one of the question's, from which likeness, and how many
_BY_SPEAKER = 1.6  # for what the one says who is asked about; people err about who said what
_QUESTION = 0.6  # for what does nothing but ask: the answer is behind it
_BRIEF, _FEW = 0.6, 0.8  # for what has fewer words that tell anything than so much of the mean
_TIME = 1.25  # for what names a time, when the question is after one

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")
_AFTER_A_TIME = re.compile(r"\bwhen\b|\bhow long\b|\b(?:what|which) (?:date|day|month|year|time)\b")
_NAMES_A_TIME = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|june|july|august|september"
    r"|october|november|december|(?:in|on|of|since|last) may|yesterday|today|tomorrow|tonight|ago|since|weekend"
    r"|easter|christmas|(?:last|next|this|past|every|few|couple of) (?:\w+ )?"
    r"(?:weeks?|months?|years?|nights?|mornings?|days?|summer|winter|spring|autumn|fall)"
    r"|\d{1,2}(?:st|nd|rd|th)|(?:19|20)\d\d|\d{1,2} ?[ap]m)\b"
)


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation."""

    id: str
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """A message that may answer a question; scores of one question are comparable, those of two are not."""

    id: str
    score: float


class Search:
    """The index of a conversation, in the order in which it was said.

    `language` is its ISO 639-1 code; without `embed` words alone decide. Some 40 µs to index a message, twice that
    with `embed`, and 0.1 to 0.3 ms to search five hundred.
    """

    def __init__(self, said: Sequence[Said], language: str = "en", embed: Embed | None = None) -> None:
        self._ids = [one.id for one in said]
        names = dict.fromkeys(one.speaker for one in said)
        self._words = Words(language, names, [one.text for one in said])
        stems = [self._words.keep(one.text) for one in said]
        self._postings = _postings(stems)
        of_speaker = {name: np.array([one.speaker == name for one in said]) for name in names}
        self._by_speaker = {name: np.where(theirs, np.float32(_BY_SPEAKER), 1) for name, theirs in of_speaker.items()}
        few = _FEW * _mean(stems)
        self._weights = np.array(
            [_weight(one.text, len(found) < few) for one, found in zip(said, stems, strict=True)], np.float32
        )
        self._by_time = np.array([_TIME if _NAMES_A_TIME.search(one.text.lower()) else 1 for one in said], np.float32)
        self._meanings = _Meanings(said, self._words, embed) if embed and self._postings else None

    def best(self, question: str, limit: int = 10) -> list[Found]:
        """At most `limit` messages that answer a question best, the best first; none where nothing of it was said."""
        words = self._words.asked(question)
        counts = dict.fromkeys(words, 1.0)
        if self._meanings is None:
            scores = self._by_words(counts)
        else:
            scores = self._by_words(self._meanings.kin(words) | counts)
            scores += _BY_MEANING * _at_most_1(self._meanings.likeness(self._words.without_names(question)))
        scores *= self._weights
        if asked := self._words.named(question):
            scores *= self._by_speaker[asked]
        if _AFTER_A_TIME.search(question.lower()):
            scores *= self._by_time
        order = np.argsort(-scores, kind="stable")[:limit]
        return [Found(self._ids[place], round(float(scores[place]), 4)) for place in order if scores[place] > 0]

    def _by_words(self, counts: Mapping[str, float]) -> _Numbers:
        """By message how much of some stems it and its neighbours have; `counts` says for how much each counts."""
        scores = np.zeros(len(self._ids), np.float32)
        for stem, much in counts.items():
            if posting := self._postings.get(stem):
                places, weights = posting
                scores[places] += np.float32(much) * weights
        return _at_most_1(_lent(scores, _LENT))


class _Meanings:
    """Where messages, and their words, stand in the space of meanings."""

    def __init__(self, said: Sequence[Said], words: Words, embed: Embed) -> None:
        self._embed = embed
        self._messages = _lent(np.stack([embed(words.without_names(one.text)) for one in said]), _LENT_MEANING)
        self._places = {stem: place for place, stem in enumerate(words.forms)}
        self._stems = list(words.forms)
        self._words = np.stack([embed(form) for form in words.forms.values()])

    def likeness(self, text: str) -> _Numbers:
        """By message how near it and its neighbours are to a text."""
        near: _Numbers = self._messages @ self._embed(text)
        return np.maximum(near, 0)

    def kin(self, words: Mapping[str, str]) -> dict[str, float]:
        """Stems that mean nearly the same as one of some words, which come by stem, and for how much they count."""
        found: dict[str, float] = {}
        for stem, word in words.items():
            place = self._places.get(stem)
            likeness = self._words @ (self._embed(word) if place is None else self._words[place])
            near = np.flatnonzero(likeness >= _LIKE)
            for other in near[np.argsort(-likeness[near])][:_MOST_KIN]:
                found[self._stems[other]] = found.get(self._stems[other], 0.0) + _KIN * float(likeness[other])
        return found


def _postings(messages: Sequence[Sequence[str]]) -> dict[str, tuple[NDArray[np.intp], _Numbers]]:
    """By stem the messages that have it, and what it weighs there by BM25."""
    mean = _mean(messages) or 1
    found: dict[str, list[tuple[int, float]]] = {}
    for place, stems in enumerate(messages):
        norm = _SATURATION * (1 - _BY_LENGTH + _BY_LENGTH * len(stems) / mean)
        for stem, count in Counter(stems).items():
            found.setdefault(stem, []).append((place, count * (_SATURATION + 1) / (count + norm)))
    postings = {}
    for stem, those in found.items():
        idf = math.log(1 + (len(messages) - len(those) + 0.5) / (len(those) + 0.5))
        places, weights = zip(*those, strict=True)
        postings[stem] = (np.array(places, np.intp), np.array(weights, np.float32) * np.float32(idf))
    return postings


def _mean(messages: Sequence[Sequence[str]]) -> float:
    return sum(map(len, messages)) / max(1, len(messages))


def _lent(scores: _Numbers, parts: Sequence[float]) -> _Numbers:
    """Scores, or rows of vectors, with what the messages before and behind lend to each."""
    lent = scores.copy()
    for distance, part in enumerate(parts, 1):
        lent[distance:] += np.float32(part) * scores[:-distance]
        lent[:-distance] += np.float32(part) * scores[distance:]
    return lent


def _at_most_1(scores: _Numbers) -> _Numbers:
    most = scores.max(initial=0)
    return scores / most if most else scores


def _weight(text: str, is_brief: bool) -> float:
    asked = sum(len(part) for part in _SENTENCE_END.split(text) if part.endswith("?")) / max(1, len(text))
    return (1 - (1 - _QUESTION) * asked) * (_BRIEF if is_brief else 1.0)
