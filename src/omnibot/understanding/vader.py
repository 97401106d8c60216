"""VADER's compound, exactly as the library has it, without the work that cannot change it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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

    def compound(self, text: str) -> float:
        """The compound of `polarity_scores`: −1…1."""
        if not text.isascii():
            return float(self.polarity_scores(text)["compound"])  # emoji become words
        sentence = SentiText(text)
        words = sentence.words_and_emoticons
        valences = [0.0] * len(words)
        for place, word in enumerate(words):
            if word.lower() in self.lexicon:
                valences[place] = self._valence(place, words, sentence.is_cap_diff)
        if "but" in text.lower():
            valences = self._but_check(words, valences)
        whole = float(sum(valences))
        emphasis = self._punctuation_emphasis(text) if whole else 0.0
        return round(float(normalize(whole + math.copysign(emphasis, whole))), 4)

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
