"""How somebody feels, by VADER's compound."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from omnibot.model import Evidence, Sentiment
from omnibot.understanding.utterance import Utterance

__all__ = ["Mood"]

# VADER is quadratic in a sentence's words, and each emoji becomes some five of them.
_WORDS_A_SENTENCE = 20
_WORDS = 300
_EMOJI = 20
_NEUTRAL = 0.05  # VADER's own threshold
_EVIDENCE = 5
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")


class Mood:
    """VADER, sentence by sentence. Its lexicon is English: in other languages the mood stays unknown."""

    def __init__(self) -> None:
        from omnibot.understanding.vader import Vader

        self._vader = Vader()

    def read(self, utterance: Utterance, features: object = None) -> Sentiment:
        """The mean compound (−1…1) of those sentences that are not neutral; the words it rests on as evidence."""
        text = utterance.text
        if utterance.language != "en":
            return Sentiment(0.0, 0.0, known=False)
        scores: list[float] = []
        evidence: list[str] = []
        for sentence in _sentences(self._thinned(text)):
            words = list(self._weighted_words(sentence))
            if not words and sentence.isascii():
                continue  # neutral: only an emoji is weighed without standing apart
            score = self._vader.compound(sentence)
            if abs(score) >= _NEUTRAL:
                scores.append(score)
                evidence += words
        if not scores:
            return Sentiment(0.0, 0.0, known=False)
        confidence = 1 - 0.5 ** max(1, len(evidence))
        return Sentiment(
            round(sum(scores) / len(scores), 4),
            round(confidence, 3),
            tuple(map(Evidence, dict.fromkeys(evidence)))[:_EVIDENCE],
        )

    def _thinned(self, text: str) -> str:
        """Without the emoji of a flood."""
        if text.isascii():
            return text
        emoji = self._vader.emojis
        places = [place for place, sign in enumerate(text) if sign in emoji]
        if len(places) <= _EMOJI:
            return text
        end = places[_EMOJI]
        return text[:end] + "".join(sign for sign in text[end:] if sign not in emoji)

    def _weighted_words(self, sentence: str) -> Iterator[str]:
        lexicon, emoji = self._vader.lexicon, self._vader.emojis
        for token in sentence.lower().split():
            if (word := token.strip(string.punctuation)) in lexicon:
                yield word
            elif token in lexicon or (token in emoji and not lexicon.keys().isdisjoint(emoji[token].split())):
                yield token


def _sentences(text: str) -> Iterator[str]:
    """Sentences of bounded length, up to a bounded number of words."""
    left = _WORDS
    for sentence in _SENTENCE_END.split(text):
        words = sentence.split()[:left]
        left -= len(words)
        for start in range(0, len(words), _WORDS_A_SENTENCE):
            yield " ".join(words[start : start + _WORDS_A_SENTENCE])
        if not left:
            return
