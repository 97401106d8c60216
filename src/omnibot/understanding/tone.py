"""How something is said: formally or casually, politely or rudely, whatever it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import exp, log

from omnibot.model import Evidence, Signal
from omnibot.understanding.cues import LANGUAGES, Cue, Cues
from omnibot.understanding.utterance import Utterance

__all__ = ["Tone"]

_EVIDENCE = 5
_FEWEST = 3  # words without a cue that say how formal somebody is
_SURE = 0.5  # how far from the middle, of the way to either end, a value must be to be known
_WORDS = 200  # that are looked at
_LONG_WORD = 8  # letters
_SHOUT = 12  # signs: fewer in capitals are a name or "OK"

# What each feature adds to the log-odds of being formal: of its share of the words, or of being there at all.
_FORMAL_START = -0.35
_FORMAL: Mapping[str, float] = {
    "formal_greeting": 1.2,
    "casual_greeting": -0.8,
    "formal_close": 1.5,
    "formal_words": 0.8,
    "slang": -0.9,
    "contraction": -0.5,
    "formal_you": 0.5,
    "informal_you": -0.6,
    "please": 0.15,
    "courtesy": 0.4,
    "insult": -0.9,
}
_CAPITAL, _NO_CAPITAL = 0.45, -0.6  # how it begins
_STOP, _NO_STOP = 0.4, -0.35  # how it ends
_SMALL_I = -0.6  # "i" for "I"
_EMOJI, _EXCLAIMED, _STRETCHED, _SHOUTED = -0.9, -0.35, -0.7, -0.6
_LENGTH, _LONG_WORDS = 0.3, 1.6  # times the logarithm of the words over ten; times the share of long words

_POLITE_START = 0.1
_POLITE: Mapping[str, float] = {
    "please": 1.1,
    "thanks": 1.2,
    "courtesy": 0.7,
    "apology": 0.6,
    "formal_greeting": 0.3,
    "formal_close": 0.6,
    "insult": -2.2,
    "demand": -0.8,
}
_POLITE_SHOUTED, _POLITE_EXCLAIMED = -0.8, -0.35

_EMOJIS = re.compile(r"[\U0001F300-\U0001FAFF\u2600-\u27BF]")
_EMOTICONS = (":)", ":-)", ";)", ";-)", ":(", ":D", ":P", "<3", "xD")
_STRETCHES = ("!!", "??", "?!", "....", *(3 * letter for letter in "aefhilmnorstuyz"))
_SIE = re.compile(r"(?<![.!?] )(?<!^)\b(?:Sie|Ihnen|Ihr(?:e[mnrs]?)?)\b")


class Tone:
    """Weighs some sixteen features of the surface; the weights are set by reasoning, and not learnt."""

    def __init__(self, languages: Iterable[str] = LANGUAGES) -> None:
        self._cues = Cues("tone", languages)

    def read(self, utterance: Utterance) -> tuple[Signal[float], Signal[float]]:
        """Formality (0 casual … 1 formal) and politeness (0 rude … 1 polite).

        Unknown in languages without cues, and where too little is said or it is neither.
        """
        unread = Signal(0.5, 0.0, known=False)
        if not utterance.spans or not self._cues.knows(utterance.language):
            return unread, unread
        cues = self._cues.find(utterance)
        surface = _Surface(utterance)
        return _formality(utterance, cues, surface), _politeness(utterance, cues, surface)


class _Surface:
    """What is seen of a text without knowing its words."""

    def __init__(self, utterance: Utterance) -> None:
        text = utterance.text.strip()
        lengths = [end - start for start, end in utterance.spans[:_WORDS]]
        self.words = max(1, len(lengths) - lengths.count(1))
        self.long = len([length for length in lengths if length >= _LONG_WORD]) / self.words
        first = text.lstrip("¿¡\"'(«„")[:1]
        self.capital = first.isupper() or first.isdecimal()
        self.stopped = text[-1:] in ".?!…)"
        self.exclaimed = text.count("!") > 1
        self.shouted = len(text) > _SHOUT and text.isupper()
        self.emoji = any([sign in text for sign in _EMOTICONS]) or bool(not text.isascii() and _EMOJIS.search(text))
        self.stretched = any([sign in utterance.folded for sign in _STRETCHES])
        self.small_i = utterance.language == "en" and (" i " in text or text.startswith("i "))
        self.sie = utterance.language == "de" and bool(_SIE.search(text))


def _formality(utterance: Utterance, cues: Sequence[Cue], surface: _Surface) -> Signal[float]:
    odds = _FORMAL_START + _weighed(cues, _FORMAL)
    odds += _CAPITAL if surface.capital else _NO_CAPITAL
    odds += _STOP if surface.stopped else _NO_STOP
    odds += _LENGTH * log(surface.words / 10) + _LONG_WORDS * surface.long
    odds += _SMALL_I * surface.small_i + _SHOUTED * surface.shouted
    odds += _EMOJI * surface.emoji + _STRETCHED * surface.stretched
    odds += _EXCLAIMED * surface.exclaimed + _FORMAL["formal_you"] * surface.sie
    value = 1 / (1 + exp(-odds))
    evidence = _evidence(utterance, cues, _FORMAL, value > 0.5)
    if not evidence and surface.words < _FEWEST:
        return Signal(round(value, 3), 0.0, known=False)
    if not evidence:
        evidence = (Evidence(_manner(surface, value > 0.5)),)
    confidence = abs(2 * value - 1)
    return Signal(round(value, 3), round(confidence, 3), evidence, known=confidence >= _SURE / 2)


def _politeness(utterance: Utterance, cues: Sequence[Cue], surface: _Surface) -> Signal[float]:
    odds = _POLITE_START + _weighed(cues, _POLITE)
    odds += _POLITE_SHOUTED * surface.shouted + _POLITE_EXCLAIMED * surface.exclaimed
    value = 1 / (1 + exp(-odds))
    evidence = _evidence(utterance, cues, _POLITE, odds > 0)
    if not evidence and surface.shouted:
        evidence = (Evidence("capitals throughout"),)
    confidence = abs(2 * value - 1)
    return Signal(round(value, 3), round(confidence, 3), evidence, known=bool(evidence) and confidence >= _SURE / 2)


def _weighed(cues: Iterable[Cue], weights: Mapping[str, float]) -> float:
    """What the cues add up to; the second of a kind counts for half, the third for a third."""
    times: dict[str, int] = {}
    odds = 0.0
    for cue in cues:
        if cue.name in weights:
            times[cue.name] = times.get(cue.name, 0) + 1
            odds += weights[cue.name] / times[cue.name]
    return odds


def _evidence(
    utterance: Utterance, cues: Iterable[Cue], weights: Mapping[str, float], upwards: bool
) -> tuple[Evidence, ...]:
    """The cues that pull the way that the value went."""
    spans = [(start, end) for name, start, end in cues if (weight := weights.get(name)) and (weight > 0) is upwards]
    return tuple([utterance.quote(start, end) for start, end in dict.fromkeys(spans[:_EVIDENCE])])


def _manner(surface: _Surface, formal: bool) -> str:
    if formal:
        return "whole sentences" if surface.stopped else "long words"
    return "no capital at its beginning" if not surface.capital else "brief and unpunctuated"
