"""How much each of some messages has to do with a question.

BM25 over the stems of messages, to which neighbours lend of theirs, and beside it how near the meanings are. The
weights were steered by invented conversations alone (training/labelled).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from omnibot.memory.kin import Kin
from omnibot.memory.words import Words
from omnibot.model.values import frozen
from omnibot.stems import folded

__all__ = ["Embed", "Kept", "Numbers", "Question", "Rows", "ask", "keep", "rank"]

Numbers = NDArray[np.float32]
Embed = Callable[[str], Numbers]  # a text as a vector of length 1; similar texts have similar ones

_SATURATION, _BY_LENGTH = 1.2, 0.4  # BM25's k1 and b: a message is short as it is
_LENT = (0.5, 0.25)  # of its score, to those beside it and beside these: what answers lacks the question's words
_LENT_MEANING = (0.3, 0.15)  # likewise
_BY_MEANING = 1.0  # beside a score by words of at most 1
_KIN = 0.4  # of a word, what another counts that means nearly the same
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


@frozen
class Kept:
    """What is kept of a message to find it by."""

    stems: tuple[str, ...]  # of its words that tell something, each as often as it stands there
    asks: float  # 0 … 1, how much of it does nothing but ask
    names_time: bool
    meaning: Numbers | None  # its direction; None without an encoder


def keep(text: str, words: Words, embed: Embed | None) -> Kept:
    """What a message is found by."""
    asked = sum(len(part) for part in _SENTENCE_END.split(text) if part.endswith("?")) / max(1, len(text))
    plain = folded(text)
    return Kept(
        stems=tuple(words.keep(plain)),
        asks=asked,
        names_time=_NAMES_A_TIME.search(text.lower()) is not None,
        meaning=embed(words.without_names(plain)) if embed else None,
    )


@frozen
class Question:
    """What is asked for."""

    stems: Mapping[str, float]  # and for how much each counts
    after_time: bool = False
    speaker: str | None = None  # who is asked about
    meaning: Numbers | None = None


def ask(text: str, words: Words, kin: Kin, embed: Embed | None) -> Question:
    """What a text asks for: its words, those that mean nearly the same, and its meaning."""
    plain = folded(text)
    asked = words.asked(plain)
    stems = dict.fromkeys(asked, 1.0)
    if embed:
        for stem in asked:
            for other, likeness in kin.of(stem):
                if other not in asked:
                    stems[other] = stems.get(other, 0.0) + _KIN * likeness
    return Question(
        stems=stems,
        after_time=_AFTER_A_TIME.search(text.lower()) is not None,
        speaker=words.named(plain),
        meaning=embed(words.without_names(plain)) if embed and asked else None,
    )


@frozen(kw_only=True)
class Rows:
    """Messages in the order in which they were said, as far as a question needs them."""

    counts: Numbers  # a row a message, a column a stem of the question: how often it stands there
    lengths: Numbers  # in stems
    asks: Numbers
    names_time: NDArray[np.bool_]
    by_asked: NDArray[np.bool_] | None = None  # whether the speaker said it who is asked about
    meanings: Numbers | None = None  # a row a message
    stretches: NDArray[np.intp] | None = None  # numbers of runs: those of two do not stand beside each other


def rank(question: Question, rows: Rows) -> Numbers:
    """By message how well it answers; 0 where nothing of the question is in it or near it."""
    if not len(rows.lengths):
        return np.zeros(0, np.float32)
    mean = float(rows.lengths.mean()) or 1.0
    scores = _at_most_1(_lent(_by_words(question, rows, mean), _LENT, rows.stretches))
    if question.meaning is not None and rows.meanings is not None:
        near = _lent(rows.meanings @ question.meaning, _LENT_MEANING, rows.stretches)
        scores = scores + _BY_MEANING * _at_most_1(np.maximum(near, 0))
    scores *= (1 - (1 - _QUESTION) * rows.asks) * np.where(rows.lengths < _FEW * mean, np.float32(_BRIEF), 1)
    if question.speaker and rows.by_asked is not None:
        scores *= np.where(rows.by_asked, np.float32(_BY_SPEAKER), 1)
    if question.after_time:
        scores *= np.where(rows.names_time, np.float32(_TIME), 1)
    return scores


def _by_words(question: Question, rows: Rows, mean: float) -> Numbers:
    """BM25."""
    count, holders = len(rows.lengths), (rows.counts > 0).sum(0)
    idf = np.log(1 + (count - holders + 0.5) / (holders + 0.5))
    weights = (idf * np.fromiter(question.stems.values(), np.float32, len(question.stems))).astype(np.float32)
    norms = (_SATURATION * (1 - _BY_LENGTH + _BY_LENGTH * rows.lengths / mean))[:, None]
    scores: Numbers = (rows.counts * (_SATURATION + 1) / (rows.counts + norms)) @ weights
    return scores.astype(np.float32)


def _lent(scores: Numbers, parts: Sequence[float], stretches: NDArray[np.intp] | None) -> Numbers:
    """Scores with what the messages before and behind lend to each."""
    lent = scores.copy()
    for distance, part in enumerate(parts, 1):
        lends: Numbers | np.float32 = np.float32(part)
        if stretches is not None:
            lends = lends * (stretches[distance:] == stretches[:-distance]).astype(np.float32)
        lent[distance:] += lends * scores[:-distance]
        lent[:-distance] += lends * scores[distance:]
    return lent


def _at_most_1(scores: Numbers) -> Numbers:
    most = scores.max(initial=0)
    return scores / most if most > 0 else scores
