"""How something is said: formally or casually, politely or rudely, with du or with Sie, whatever it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from math import exp, log

from omnibot.model import Evidence, Register, Signal
from omnibot.understanding.cues import LANGUAGES, Cue, Cues
from omnibot.understanding.judge import rounded
from omnibot.understanding.utterance import Utterance

__all__ = ["Tone"]

_EVIDENCE = 5
_FEWEST = 3  # words without a cue that say how formal somebody is
_SURE = 0.25  # how far from the middle, of the way to either end, a value must be to be known
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
_PLAYED, _EXCLAIMED, _SHOUTED = -0.85, -0.35, -0.6  # emoji, ":)", "sooo" and "??"; several "!"; capitals throughout
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
_PLAY = re.compile(r":-?\)|:[(dp]|;-?\)|<3|!!|\?[?!]|\.{4}")
_OF_PLAY = (":", ";", "<", "!", "??", "....")  # what plays has one of these, or a sign drawn out
_DRAWN_OUT = tuple(3 * sign for sign in "aefhilmnorstuyz")
_SIE_BEGINS = ("Sie", "Ih")  # without which an expression need not look
_SIE = re.compile(r"(?<![.!?] )(?<!^)\b(?:Sie|Ihnen|Ihr(?:e[mnrs]?)?)\b")

_UNREAD = Signal(0.5, 0.0, known=False)
_UNADDRESSED = Signal(Register.CASUAL, 0.0, known=False)
_NOBODY = "nobody"  # the cue of what has the form of an address and is none
_SAID_TO_SEVERAL = frozenset({"fr"})  # whoever says tu to us may ask what vous, the company, do
_DOUBT = 0.2  # words of address that may have been meant otherwise


class Tone:
    """Weighs some sixteen features of the surface; the weights are set by reasoning, and not learnt."""

    def __init__(self, languages: Iterable[str] = LANGUAGES) -> None:
        self._cues = Cues("tone", languages)
        self._address = Cues("address", languages)

    def read(self, utterance: Utterance) -> tuple[Signal[float], Signal[float]]:
        """Formality (0 casual … 1 formal) and politeness (0 rude … 1 polite).

        Unknown in languages without cues, and where too little is said or it is neither.
        """
        if not utterance.spans or not self._cues.knows(utterance.language):
            return _UNREAD, _UNREAD
        cues = self._cues.find(utterance)
        surface = _Surface(utterance)
        formality = _read(utterance, _FORMAL_START + surface.odds, cues, _FORMAL, _manner(surface))
        if not (cues or surface.shouted or surface.exclaimed):
            return formality, _NEITHER
        polite = _POLITE_START + _POLITE_SHOUTED * surface.shouted + _POLITE_EXCLAIMED * surface.exclaimed
        return formality, _read(utterance, polite, cues, _POLITE, "capitals throughout" if surface.shouted else "")

    def register(self, utterance: Utterance) -> Signal[Register]:
        """How they address us, where a language has a form for it: du, tú and tu, or Sie, usted and vous.

        Unknown where they address nobody, and as often in one way as in the other.
        """
        cues = self._address.find(utterance)
        if not cues and utterance.language != "de":
            return _UNADDRESSED
        casual: list[tuple[int, int]] = []
        formal: list[tuple[int, int]] = []
        for name, start, end in cues:
            if name != _NOBODY:
                (casual if name == Register.CASUAL else formal).append((start, end))
        if utterance.language == "de" and any(map(utterance.text.__contains__, _SIE_BEGINS)):
            formal += [match.span() for match in islice(_SIE.finditer(utterance.text), _EVIDENCE)]
        if casual and utterance.language in _SAID_TO_SEVERAL:
            formal = []
        if len(casual) == len(formal):
            return _UNADDRESSED
        more = casual if len(casual) > len(formal) else formal
        evidence = tuple([utterance.quote(start, end) for start, end in more[:_EVIDENCE]])
        share = len(more) / (len(casual) + len(formal) + _DOUBT)
        return Signal(Register.CASUAL if more is casual else Register.FORMAL, round(share, 3), evidence)


class _Surface:
    """What is seen of a text without knowing its words."""

    __slots__ = ("capital", "exclaimed", "long", "odds", "shouted", "stopped", "words")

    def __init__(self, utterance: Utterance) -> None:
        text = utterance.text.strip()
        lengths = list(map(len, utterance.words[:_WORDS]))
        self.words = max(1, len(lengths) - lengths.count(1))
        self.long = len([length for length in lengths if length >= _LONG_WORD]) / self.words
        first = text.lstrip("¿¡\"'(«„")[:1]
        self.capital = first.isupper() or first.isdecimal()
        self.stopped = text[-1:] in ".?!…)"
        self.exclaimed = text.count("!") > 1
        self.shouted = len(text) > _SHOUT and text.isupper()
        self.odds = _LENGTH * log(self.words / 10) + _LONG_WORDS * self.long
        self.odds += _CAPITAL if self.capital else _NO_CAPITAL
        self.odds += _STOP if self.stopped else _NO_STOP
        self.odds += self._looks(text, utterance)

    def _looks(self, text: str, utterance: Utterance) -> float:
        odds = 0.0
        if self.shouted:
            odds += _SHOUTED
        if self.exclaimed:
            odds += _EXCLAIMED
        if _plays(utterance.folded) or not (text.isascii() or not _EMOJIS.search(text)):
            odds += _PLAYED
        if utterance.language == "en":
            if " i " in text or text.startswith("i "):
                odds += _SMALL_I
        elif utterance.language == "de" and _SIE.search(text):
            odds += _FORMAL["formal_you"]
        return odds


def _plays(folded: str) -> bool:
    """Whether there is a ":)", a "sooo" or a "??"."""
    if any(map(folded.__contains__, _OF_PLAY)) and _PLAY.search(folded):
        return True
    # Whether any sign comes thrice in a row is one step for all: the text as a number, beside itself a sign further.
    signs = folded.encode()
    number = int.from_bytes(signs, "big")
    return b"\0\0" in (number ^ number >> 8).to_bytes(len(signs), "big") and any(map(folded.__contains__, _DRAWN_OUT))


def _read(
    utterance: Utterance, odds: float, cues: Sequence[Cue], weights: Mapping[str, float], else_: str
) -> Signal[float]:
    """Add up the cues (the second of a kind counts for half, the third for a third), and see what it comes to."""
    telling: list[tuple[float, int, int]] = []
    if cues:
        times: dict[str, int] = {}
        for name, start, end in cues:
            if weight := weights.get(name):
                times[name] = count = times.get(name, 0) + 1
                odds += weight / count
                telling.append((weight, start, end))
    value = 1 / (1 + exp(-odds))
    evidence: tuple[Evidence, ...] = ()
    if telling:
        # The cues that pull the way that the value went.
        spans = dict.fromkeys([(start, end) for weight, start, end in telling if weight * odds > 0][:_EVIDENCE])
        evidence = tuple([utterance.quote(start, end) for start, end in spans])
    if not evidence and else_:
        evidence = (Evidence(else_),)
    confidence = abs(2 * value - 1)
    return Signal(rounded(value), rounded(confidence), evidence, known=bool(evidence) and confidence >= _SURE)


def _manner(surface: _Surface) -> str:
    """Why something is formal or casual whose words do not tell; '' where too little is said."""
    if surface.words < _FEWEST:
        return ""
    if _FORMAL_START + surface.odds > 0:
        return "whole sentences" if surface.stopped else "long words"
    return "no capital at its beginning" if not surface.capital else "brief and unpunctuated"


_POLITENESS = 1 / (1 + exp(-_POLITE_START))
_NEITHER = Signal(rounded(_POLITENESS), rounded(2 * _POLITENESS - 1), known=False)  # polite nor rude, as most are
