"""How a text weighs by its words and turns of phrase: VADER with a lexicon of the trade, and small ones for Spanish,
German and French."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import compress, count
from operator import itemgetter
from typing import Final, Protocol

from omnibot.model.values import frozen
from omnibot.understanding.lexicons import Found, Lexicon, lexicon
from omnibot.understanding.utterance import Utterance, cut
from omnibot.understanding.vader import SENTENCE_END, Vader, Words

__all__ = ["Piece", "Rules", "Weighed", "rules"]

_ALPHA: Final = 15.0  # VADER's: the sum of weights that makes a compound of .71 is its root
_EMOJI = 20  # that are weighed: each becomes some five words
_WORDS = 300  # that are weighed
_FLIPPED = -0.74  # what a negation makes of a weight; VADER's
_NEGATED_WITHIN = 3  # words behind a negation
_RAISED = 0.293  # by a booster; VADER's
_BEFORE_BUT, _BEHIND_BUT = 0.5, 1.5  # VADER's

_BUT = frozenset({"but", "But", "BUT"})
_WRITTEN = re.compile(r"(\S+)")  # as `str.split` has it
_last_sign = itemgetter(-1)


@frozen
class Piece:
    """A word, an emoji or a turn of phrase with its weight (−4…4 and a little more), and where it stands."""

    weight: float
    start: int
    end: int


@frozen
class Weighed:
    """What the words and the turns of phrase of a text come to."""

    words: Sequence[Piece]  # with a weight, and not within a phrase
    found: Sequence[Found]
    compound: float  # −1…1


_SILENT = Weighed((), (), 0.0)


class Rules(Protocol):
    """Weighs texts of one language."""

    def weigh(self, utterance: Utterance) -> Weighed: ...


def rules(language: str, vader: Vader) -> Rules:
    """The rules of one of the lexicons' languages; those of English rest on VADER's, revised."""
    found = lexicon(language)
    return _English(found, vader.revised) if language == "en" else _Plain(found)


class _Tokens:
    """Words as VADER splits them, with emoji in words."""

    def __init__(self, text: str, vader: Vader) -> None:
        self._text = text
        split = vader.split(text)
        self._written = split.written[:_WORDS]
        self._spans: list[tuple[int, int]] = []
        self._ends: list[int] | None = None
        if text.isascii() or vader.emojis.keys().isdisjoint(text):
            self.words = split.words.first(_WORDS)
        else:
            self.words = self._with_emoji(vader)

    @property
    def spans(self) -> Sequence[tuple[int, int]]:
        """Where each of the words stands."""
        if not self._spans:
            self._spans = self._places()
        return self._spans

    @property
    def ends(self) -> Sequence[int]:
        """The places behind the last word of each sentence."""
        ends = self._ends
        if ends is None:
            ends = list(compress(count(1), map(SENTENCE_END.__contains__, map(_last_sign, self._written))))
        return [*ends, len(self.words.texts)]

    def _places(self) -> list[tuple[int, int]]:
        return cut(self._text, _WRITTEN)[1][:_WORDS]

    def _with_emoji(self, vader: Vader) -> Words:
        said: list[str] = []
        spans: list[tuple[int, int]] = []
        ends: list[int] = []
        left = _EMOJI
        for written, span in zip(self._written, self._places(), strict=True):
            signs = []
            for place, sign in enumerate(written, span[0]):
                if sign not in vader.emojis:
                    signs.append(sign)
                elif left:
                    left -= 1
                    named = vader.emojis[sign].split()
                    said += named
                    spans += [(place, place + 1)] * len(named)
            if signs:
                said.append("".join(signs))
                spans.append(span)
            if written[-1] in SENTENCE_END:
                ends.append(len(said))
        self._spans, self._ends = spans, ends
        return vader.words(said)


class _English:
    """VADER with our lexicon, its words weighed sentence by sentence, and turns of phrase in their words' place."""

    def __init__(self, lexicon: Lexicon, vader: Vader) -> None:
        self._lexicon = lexicon
        self._vader = vader

    def weigh(self, utterance: Utterance) -> Weighed:
        found = self._lexicon.found(utterance.lower, utterance.words, utterance.spans)
        tokens = _Tokens(utterance.said, self._vader)
        words = _masked(tokens, found) if found else tokens.words
        weights = self._vader.valences(words)
        if not (found or any(weights)):
            return _SILENT
        sums = _by_sentence(words.texts, weights, tokens.ends, has_but="but" in utterance.lower)
        pieces = [Piece(weight, *tokens.spans[place]) for place, weight in enumerate(weights) if weight]
        return Weighed(pieces, found, _compound(sums, found, self._vader._punctuation_emphasis(utterance.text)))


def _masked(tokens: _Tokens, found: Iterable[Found]) -> Words:
    """The words without those that turns of phrase have taken."""
    return tokens.words.without(
        [
            place
            for phrase in found
            for place, (start, _) in enumerate(tokens.spans)
            if phrase.start <= start < phrase.end
        ]
    )


def _by_sentence(words: Sequence[str], weights: list[float], ends: Iterable[int], *, has_but: bool) -> list[float]:
    """The sum of each sentence's weights, which change where there is a "but"."""
    sums, first = [], 0
    for end in ends:
        if has_but:
            _contrast(words[first:end], weights, first)
        sums.append(math.fsum(weights[first:end]))
        first = end
    return sums


class _Plain:
    """A small lexicon with negations, boosters and turns of phrase. Accents may be missing, but for words that have one
    in the lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon

    def weigh(self, utterance: Utterance) -> Weighed:
        lower = utterance.folded
        words = [lower[start:end] for start, end in utterance.spans[:_WORDS]]
        found = self._lexicon.found(lower, words, utterance.spans)
        pieces = [
            Piece(weight, *utterance.spans[place])
            for place, word in enumerate(utterance.words[:_WORDS])
            if (weight := self._weight(place, word, words)) and not _within(utterance.spans[place][0], found)
        ]
        sums = [piece.weight for piece in pieces]
        emphasis = min(utterance.text.count("!"), 4) * 0.292
        return Weighed(pieces, found, _compound([math.fsum(sums)], found, emphasis))

    def _weight(self, place: int, word: str, words: Sequence[str]) -> float:
        weights = self._lexicon.weights
        plain = words[place]
        weight = weights.get(word) or weights.get(plain) or weights.get(plain.rpartition("'")[2])  # j'adore
        if not weight:
            return 0.0
        before = words[max(0, place - _NEGATED_WITHIN) : place]
        if before and before[-1] in self._lexicon.boosters:
            weight += math.copysign(_RAISED, weight)
        if not self._lexicon.negations.isdisjoint(before):
            weight *= _FLIPPED
        return weight


def _within(place: int, found: Iterable[Found]) -> bool:
    return any(phrase.start <= place < phrase.end for phrase in found)


def _contrast(words: Sequence[str], weights: list[float], first: int) -> None:
    """What stands before a sentence's first "but" weighs less, what stands behind it more."""
    end = first + len(words)
    but = next((place for place, word in enumerate(words, first) if word in _BUT), end)
    if but < end:
        for place in range(first, end):
            weights[place] *= _BEFORE_BUT if place < but else _BEHIND_BUT


def _compound(sums: Sequence[float], found: Sequence[Found], emphasis: float) -> float:
    """VADER's normalised sum, over the root of how many sentences have a mood: a long letter is not all or nothing."""
    whole = math.fsum(sums) + math.fsum([phrase.weight for phrase in found])
    if not whole:
        return 0.0
    whole += math.copysign(emphasis, whole)
    whole /= math.sqrt(max(1, len([one for one in sums if one])))
    return whole / math.sqrt(whole * whole + _ALPHA)
