"""VADER's compound, exactly as the library has it, without the work that cannot change it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from heapq import heappop, heappush

from vaderSentiment.vaderSentiment import (
    BOOSTER_DICT,
    NEGATE,
    SPECIAL_CASES,
    SentimentIntensityAnalyzer,
    SentiText,
    normalize,
)

__all__ = ["Vader"]

_BEFORE, _BEHIND = 3, 2  # words about a weighted one that VADER looks at
_NEGATIONS = frozenset(NEGATE)
_EMPHATIC = ("so", "this")  # VADER weighs a word behind these as if "never" stood before them
# Of each idiom the word that is least likely elsewhere: without any of them there is no idiom.
_OF_IDIOMS = frozenset(
    max(idiom.split(), key=len) for idiom in (*SPECIAL_CASES, *(b for b in BOOSTER_DICT if " " in b))
)


@dataclass(frozen=True, slots=True)
class _Window:
    """What VADER needs to know of a sentence to weigh one word of it."""

    words_and_emoticons: Sequence[str]
    is_cap_diff: bool


class Vader(SentimentIntensityAnalyzer):  # type: ignore[misc]
    """VADER that weighs only the words that its lexicon has, each within the few words about it."""

    def __init__(self) -> None:
        super().__init__()
        del self.lexicon_full_filepath, self.emoji_full_filepath  # the files' texts: 0.8 MB that nobody needs now

    def revised(self, weights: Mapping[str, float]) -> Vader:
        """The same with these weights in its lexicon; 0 takes a word out of it."""
        other = copy(self)
        other.lexicon = {
            word: weight for word, weight in (self.lexicon | dict(weights)).items() if weight or word not in weights
        }
        return other

    def compound(self, text: str) -> float:
        """The compound of `polarity_scores`: −1…1, in time that grows as the text does."""
        text = self.spelt_out(text).strip()
        sentence = SentiText(text)
        words = sentence.words_and_emoticons
        valences = self.valences(words, sentence.is_cap_diff)
        if "but" in text.lower():
            valences = self._but_check(words, valences)
        whole = float(sum(valences))
        emphasis = self._punctuation_emphasis(text) if whole else 0.0
        return round(float(normalize(whole + math.copysign(emphasis, whole))), 4)

    def valences(self, words: Sequence[str], capitals: bool) -> list[float]:
        """The weight (−4…4, more with emphasis) of each word among the others; `capitals`: some of them shout."""
        valences = [0.0] * len(words)
        lexicon = self.lexicon
        weighed: dict[tuple[str, ...], float] = {}  # floods repeat themselves
        for place, word in enumerate(words):
            if word.lower() in lexicon:
                if place < _BEFORE:
                    valences[place] = self._valence(place, words, capitals)
                    continue
                about = tuple(words[place - _BEFORE : place + _BEHIND + 1])
                if about not in weighed:
                    weighed[about] = self._valence(place, words, capitals)
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

    def _valence(self, place: int, words: Sequence[str], capitals: bool) -> float:
        word = words[place].lower()
        behind = words[place + 1].lower() if place + 1 < len(words) else ""
        if word in BOOSTER_DICT or (word, behind) == ("kind", "of"):
            return 0.0
        start = max(0, place - _BEFORE)
        window = _Window(words[start : place + _BEHIND + 1], capitals)
        [valence] = self.sentiment_valence(0.0, window, words[place], place - start, [])
        return float(valence)

    @staticmethod
    def _but_check(words: Sequence[str], valences: list[float]) -> list[float]:
        """Half the weight of what stands before the first "but", and half as much again of what stands behind it.

        As in the library, of several words of one weight the first is meant each time.
        """
        lower = [word.lower() for word in words]
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


def _first(valence: float, places: list[int], valences: Sequence[float]) -> int:
    """The first place that has this valence; `places` is a heap of those that had it once."""
    while valences[places[0]] != valence:
        heappop(places)
    return places[0]
