"""VADER's compound, exactly as the library has it, without the work that cannot change it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from functools import cached_property
from heapq import heappop, heappush
from operator import attrgetter
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
from omnibot.understanding.words import ByHeart

__all__ = ["SENTENCE_END", "Split", "Vader", "Word", "some_shout"]

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


_turns, _shouts = attrgetter("turns"), attrgetter("shouts")


class Word(NamedTuple):
    """A word as VADER takes it, and what it is by itself."""

    text: str  # without the punctuation about it
    lower: str
    weight: float | None  # None: it is not in the lexicon
    revised: float | None  # the same of the revised lexicon
    turns: bool  # may change what the words about it weigh
    shouts: bool  # in capitals
    ends: bool  # is the last of its sentence


class Split(NamedTuple):
    """A text as VADER splits it."""

    text: str
    written: Sequence[str]  # the words with the punctuation about them
    words: Sequence[Word]
    capitals: bool  # some of them shout


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
        self._weight_of: Callable[[Word], float | None] = attrgetter("weight")
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
        split = self.split(text)
        if not any(map(self._weight_of, split.words)):
            return 0.0
        words = split.words
        valences = self.valences(words, split.capitals)
        if "but" in text.lower():
            valences = self._but_check(words, valences)
        whole = float(sum(valences))
        emphasis = self._punctuation_emphasis(text) if whole else 0.0
        return round(float(normalize(whole + math.copysign(emphasis, whole))), 4)

    def valences(self, words: Sequence[Word], capitals: bool) -> list[float]:
        """The weight (−4…4, more with emphasis) of each word among the others; `capitals`: some of them shout."""
        valences = [0.0] * len(words)
        turning = list(map(_turns, words))
        weighed: dict[tuple[Word, ...], float] = {}  # floods repeat themselves
        for place, weight in enumerate(map(self._weight_of, words)):
            if weight is None:
                continue
            start, end = max(0, place - _BEFORE), place + _BEHIND + 1
            if True not in turning[start:end]:
                valences[place] = _alone(weight, shouts=capitals and words[place].shouts)
                continue
            about = tuple(words[start:end])
            if place < _BEFORE:
                valences[place] = self._valence(about, place, capitals)
            else:
                if about not in weighed:
                    weighed[about] = self._valence(about, _BEFORE, capitals)
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

    def _valence(self, about: Sequence[Word], place: int, capitals: bool) -> float:
        """The weight of the word at a place among those about it, by the library's own rules."""
        word = about[place].lower
        behind = about[place + 1].lower if place + 1 < len(about) else ""
        if word in BOOSTER_DICT or (word, behind) == ("kind", "of"):
            return 0.0
        window = _Window([each.text for each in about], capitals)
        [valence] = self.sentiment_valence(0.0, window, about[place].text, place, [])
        return float(valence)

    @staticmethod
    def _but_check(words: Sequence[Word], valences: list[float]) -> list[float]:
        """Half the weight of what stands before the first "but", and half as much again of what stands behind it.

        As in the library, of several words of one weight the first is meant each time.
        """
        lower = [word.lower for word in words]
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
        self._lexicon = lexicon
        self.revised = {
            word: weight for word, weight in (dict(lexicon) | dict(weights)).items() if weight or word not in weights
        }
        self._known = ByHeart(self._word)
        self._last = Split("", (), (), capitals=False)

    def split(self, text: str) -> Split:
        """The words of a text."""
        last = self._last
        if last.text != text:
            written = text.split()
            words = self.words(written)
            last = self._last = Split(text, written, words, some_shout(words))
        return last

    def words(self, written: Iterable[str]) -> list[Word]:
        """What is known of words that were split already."""
        return list(map(self._known.__getitem__, written))

    def _word(self, written: str) -> Word:
        stripped = written.strip(punctuation)
        text = stripped if len(stripped) > _SHORTEST else written
        lower = text.lower()
        return Word(
            text,
            lower,
            weight=self._lexicon.get(lower),
            revised=self.revised.get(lower),
            turns=lower in _TURNING or "n't" in lower,
            shouts=text.isupper(),
            ends=written[-1:] in SENTENCE_END,
        )


def some_shout(words: Sequence[Word]) -> bool:
    """Whether some words are in capitals, and others not."""
    return 0 < list(map(_shouts, words)).count(True) < len(words)


def _first(valence: float, places: list[int], valences: Sequence[float]) -> int:
    """The first place that has this valence; `places` is a heap of those that had it once."""
    while valences[places[0]] != valence:
        heappop(places)
    return places[0]
