"""VADER's compound, exactly as the library has it, without the work that cannot change it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from functools import cached_property
from heapq import heappop, heappush
from itertools import compress, count
from operator import attrgetter, not_
from string import punctuation
from typing import NamedTuple

from vaderSentiment.vaderSentiment import (
    BOOSTER_DICT,
    C_INCR,
    NEGATE,
    SPECIAL_CASES,
    SentimentIntensityAnalyzer,
    normalize,
)

from omnibot.model.values import frozen
from omnibot.understanding.utterance import once

__all__ = ["SENTENCE_END", "Split", "Vader", "Words"]

SENTENCE_END = frozenset(".!?…")
_BEFORE, _BEHIND = 3, 2  # words about a weighted one that VADER looks at
_NEGATIONS = frozenset(NEGATE)
_EMPHATIC = ("so", "this")  # VADER weighs a word behind these as if "never" stood before them
# Of each idiom the word that is least likely elsewhere: without any of them there is no idiom.
_OF_IDIOMS = frozenset(
    max(idiom.split(), key=len) for idiom in (*SPECIAL_CASES, *(b for b in BOOSTER_DICT if " " in b))
)


# Without one of these about it, a word weighs what the lexicon says.
_TURNING = frozenset((*BOOSTER_DICT, *NEGATE, *_EMPHATIC, *_OF_IDIOMS, "no", "least"))
_SHORTEST = 2  # what is no longer without its punctuation may be an emoticon


class _Known(NamedTuple):
    """What two lexicons have of a word, and what it does."""

    weight: float | None  # None: it is not in the lexicon
    revised: float | None  # the same of the revised lexicon
    turns: bool  # may change what the words about it weigh


class Words:
    """Words as VADER takes them, in columns: of most there is nothing to know, and no step is taken for them."""

    def __init__(self, texts: Sequence[str], known: Sequence[_Known | None]) -> None:
        self.texts = texts  # without the punctuation about them
        self.known = known
        self.places = list(compress(count(), known))  # where something is known
        self.turning = [False] * len(texts)
        for place in self.places:
            self.turning[place] = known[place].turns  # type: ignore[union-attr]

    @once
    def some_shout(self) -> bool:
        """Whether some words are in capitals, and others not."""
        return 0 < list(map(str.isupper, self.texts)).count(True) < len(self.texts)

    def first(self, most: int) -> Words:
        """The same, if there are no more than so many, else the first of them."""
        return self if len(self.texts) <= most else Words(self.texts[:most], self.known[:most])

    def without(self, places: Iterable[int]) -> Words:
        """The same with nothing in these places, and as loud as all of them."""
        texts, known = list(self.texts), list(self.known)
        for place in places:
            texts[place], known[place] = _NOTHING, None
        left = Words(texts, known)
        left.__dict__["some_shout"] = self.some_shout
        return left


_NOTHING = "\x00"
_NEGATES = _Known(None, None, turns=True)


class Split(NamedTuple):
    """A text as VADER splits it."""

    text: str
    written: Sequence[str]  # the words with the punctuation about them
    words: Words


@frozen
class _Window:
    """What VADER needs to know of a sentence to weigh one word of it."""

    words_and_emoticons: Sequence[str]
    is_cap_diff: bool


class Vader(SentimentIntensityAnalyzer):  # type: ignore[misc]
    """VADER that weighs only the words that its lexicon has, each within the few words about it."""

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        """`weights` are what `revised` has in its lexicon instead; 0 takes a word out of it."""
        super().__init__()
        del self.lexicon_full_filepath, self.emoji_full_filepath  # the files' texts: 0.8 MB that nobody needs now
        self._weight_of: Callable[[_Known], float | None] = attrgetter("weight")
        self._splitter = _Splitter(self.lexicon, weights or {})
        self.split = self._splitter.split  # a text's words, which are those of `revised`, too
        self.words = self._splitter.words

    @cached_property
    def revised(self) -> Vader:
        """The same with the lexicon revised."""
        other = copy(self)
        other.lexicon = self._splitter.revised
        other._weight_of = attrgetter("revised")
        return other

    def compound(self, text: str) -> float:
        """The compound of `polarity_scores`: −1…1, in time that grows as the text does."""
        text = self.spelt_out(text)
        words = self.split(text).words
        if not any([self._weight_of(words.known[place]) for place in words.places]):  # type: ignore[arg-type]
            return 0.0
        valences = self.valences(words)
        if "but" in text.lower():
            valences = self._but_check(list(map(str.lower, words.texts)), valences)
        whole = float(sum(valences))
        emphasis = self._punctuation_emphasis(text) if whole else 0.0
        return round(float(normalize(whole + math.copysign(emphasis, whole))), 4)

    def valences(self, words: Words) -> list[float]:
        """The weight (−4…4, more with emphasis) of each word among the others."""
        texts, turning = words.texts, words.turning
        valences = [0.0] * len(texts)
        weighed: dict[tuple[str, ...], float] = {}  # floods repeat themselves
        for place in words.places:
            weight = self._weight_of(words.known[place])  # type: ignore[arg-type]
            if weight is None:
                continue
            start, end = max(0, place - _BEFORE), place + _BEHIND + 1
            if True not in turning[start:end]:
                valences[place] = _alone(weight, shouts=texts[place].isupper() and words.some_shout)
                continue
            about = tuple(texts[start:end])
            if place < _BEFORE:
                valences[place] = self._valence(about, place, words.some_shout)
            else:
                if about not in weighed:
                    weighed[about] = self._valence(about, _BEFORE, words.some_shout)
                valences[place] = weighed[about]
        return valences

    def spelt_out(self, text: str) -> str:
        """The text with its emoji in words."""
        emojis = self.emojis
        if text.isascii() or emojis.keys().isdisjoint(text):
            return text
        parts, spaced = [], True
        for sign in text:
            if sign in emojis:
                parts.append(emojis[sign] if spaced else f" {emojis[sign]}")
                spaced = False
            else:
                parts.append(sign)
                spaced = sign == " "
        return "".join(parts)

    def _valence(self, about: Sequence[str], place: int, capitals: bool) -> float:
        """The weight of the word at a place among those about it, by the library's own rules."""
        word = about[place].lower()
        behind = about[place + 1].lower() if place + 1 < len(about) else ""
        if word in BOOSTER_DICT or (word, behind) == ("kind", "of"):
            return 0.0
        [valence] = self.sentiment_valence(0.0, _Window(about, capitals), about[place], place, [])
        return float(valence)

    @staticmethod
    def _but_check(lower: Sequence[str], valences: list[float]) -> list[float]:
        """Half the weight of what stands before the first "but", and half as much again of what stands behind it.

        As in the library, of several words of one weight the first is meant each time.
        """
        if "but" not in lower:
            return valences
        but = lower.index("but")
        places: dict[float, list[int]] = {}
        for place, valence in enumerate(valences):
            if valence:
                places.setdefault(valence, []).append(place)
        for place in range(len(valences)):
            if valence := valences[place]:
                first = _first(valence, places[valence], valences)
                valences[first] = changed = valence * (0.5 if first < but else 1.5 if first > but else 1.0)
                if changed != valence:
                    heappush(places.setdefault(changed, []), first)
        return valences

    @staticmethod
    def _negation_check(valence: float, words: Sequence[str], start_i: int, i: int) -> float:
        before = words[i - start_i - 1].lower()
        may_matter = before in _NEGATIONS or "n't" in before or (start_i == 2 and words[i - 1].lower() in _EMPHATIC)
        if not may_matter:
            return valence
        return float(SentimentIntensityAnalyzer._negation_check(valence, words, start_i, i))

    @staticmethod
    def _special_idioms_check(valence: float, words: Sequence[str], i: int) -> float:
        if _OF_IDIOMS.isdisjoint(word.lower() for word in words[max(0, i - _BEFORE) : i + _BEHIND + 1]):
            return valence
        return float(SentimentIntensityAnalyzer._special_idioms_check(valence, words, i))


def _alone(weight: float, *, shouts: bool) -> float:
    """What a word of the lexicon weighs with nothing about it that matters."""
    return weight + math.copysign(C_INCR, weight) if shouts else weight


class _Splitter:
    """Splits texts at their blanks, and knows what two lexicons have of a word. The last text's words are remembered:
    it is weighed by both.
    """

    def __init__(self, lexicon: Mapping[str, float], weights: Mapping[str, float]) -> None:
        self.revised = {
            word: weight for word, weight in (dict(lexicon) | dict(weights)).items() if weight or word not in weights
        }
        # All words of which something is known: those of a text are looked up here, however they are written, and most
        # are not found. Kept by how they are written they would hardly be the same twice.
        self._known = {
            word: _Known(lexicon.get(word), self.revised.get(word), word in _TURNING or "n't" in word)
            for word in {*lexicon, *self.revised, *_TURNING}
        }
        self._last = Split("", (), Words((), ()))

    def split(self, text: str) -> Split:
        """The words of a text."""
        last = self._last
        if last.text != text:
            written = text.split()
            last = self._last = Split(text, written, self.words(written))
        return last

    def words(self, written: Iterable[str]) -> Words:
        """What is known of words that were split already."""
        texts = list(written)
        odd = list(compress(count(), map(not_, map(str.isalnum, texts))))  # all others have nothing about them
        for place in odd:
            if len(bare := texts[place].strip(punctuation)) > _SHORTEST:
                texts[place] = bare
        lower = list(map(str.lower, texts))
        known = list(map(self._known.get, lower))
        for place in odd:
            if known[place] is None and "n't" in lower[place]:
                known[place] = _NEGATES
        return Words(texts, known)


def _first(valence: float, places: list[int], valences: Sequence[float]) -> int:
    """The first place that has this valence; `places` is a heap of those that had it once."""
    while valences[places[0]] != valence:
        heappop(places)
    return places[0]
