"""How well the writer knows what the product is made of.

What is novice, intermediate and expert is told in training/labelled/README.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import sqrt
from operator import add

from omnibot.model import Evidence, Expertise, Signal
from omnibot.understanding.cues import LANGUAGES, Cue, Cues
from omnibot.understanding.features import Features
from omnibot.understanding.judge import Judge, counted, likelihoods, rounded
from omnibot.understanding.utterance import SIGNS_OF_CODE, Utterance
from omnibot.understanding.words import ByHeart

__all__ = ["ExpertiseReader", "Skills"]

_SURE = 0.6
_UNTOLD = "unknown"  # the class of messages that do not tell
_EARLIER = 4  # turns before this one that are averaged with it
_FADES = 0.7  # how much each turn further back counts
_PRIOR = 0.5  # what an earlier turn's level weighs beside a sure one of this turn
_SHORT, _LONG = 8, 40  # words
_WORDS = 200  # whose shape is looked at

_UNITS = """
ms s khz hz mhz ghz kb mb gb tb v mv kv a ma w kw k ω mω kω bar psi rpm rps dpi fps mbit l mm nm db dbm h min volts amps
watts ohm ohms kelvin
"""
_SHAPES = {
    "error_code": r"[45]\d\d|[A-Z]{1,2}\d{2,4}|err_\w+|0x[0-9a-f]+|\w+exception\w*|[A-Z]+(?:_[A-Z]+)+",
    "version": r"v\d+(?:\.\d+)*|\d+\.\d+\.\d+[\w.]*|\d+\.\d+[a-z]|\d+\.x",
    "measure": rf"\d[\d.,]*(?i:{'|'.join(_UNITS.split())})",
    "code": (
        r"\w*[a-z]\w*_\w+|[a-z]+[A-Z]\w*|\w+@[\w.]+"
        r"|\w+\.(?:ts|js|py|go|rs|java|php|json|xml|ya?ml|log|conf|cfg|ini|sh|sql|csv|dll|exe)"
    ),
    "acronym": r"[A-Z][A-Z0-9]{1,7}(?:-[A-Z0-9]+)*s?",
    "number": r"\d[\d.,]*",
}
_SHAPE = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _SHAPES.items()))
_BEYOND_ASCII = "Ω≠→µ°±×≥≤"
_SIGNS = frozenset(SIGNS_OF_CODE + _BEYOND_ASCII)
_BEYOND = re.compile(f"[{_BEYOND_ASCII}]")
_CAPITAL_WITHIN = re.compile(r"[A-Z](?<=[A-Za-z][A-Z])")
_EVERYBODYS = """
A AI AM PM ATM BTW DM DVD CD EUR USD GBP CHF FAQ FYI HD HI ID IM ISO IT NO NOT OK OMG PC PDF PIN PLEASE PS SMS SOS TAN
TV UK US USA EU VAT VIP ASAP LOL WC WHY YES THE AND YOU URGENT HELP NEVER STILL AGAIN EVERY ALL MY DO
"""  # capitals that say nothing of whoever writes them
_KNOWN_UNITS, _PLAIN_WORDS = frozenset(_UNITS.split()), frozenset(_EVERYBODYS.split())


class ExpertiseReader:
    """Cues and the shapes of words, weighed by what was learnt from labelled messages (artefact "expertise").

    Earlier turns count with this one: who once showed what they know still knows it.
    """

    def __init__(self, languages: Iterable[str] = LANGUAGES) -> None:
        self._skills = Skills(languages)
        self.judge = Judge("expertise")
        self._untold = self.judge.labels.index(_UNTOLD)
        self._places = {level: self.judge.labels.index(level.value) for level in Expertise}
        self._levels = {place: level for level, place in self._places.items()}

    def read(self, utterance: Utterance, features: Features) -> Signal[Expertise]:
        """The level that the customer shows, over this turn and the latest ones; unknown where nothing tells."""
        before = self._shown_earlier(utterance)
        shown, untold = before, 1.0
        cues: Sequence[Cue] = ()
        if utterance.spans and self._skills.knows(utterance.language):
            cues, counts = self._skills.find(utterance)
            chances = likelihoods(self.judge.scores(counts, features))
            untold = chances[self._untold]
            shown = list(map(add, before, chances))
            shown[self._untold] = 0.0
        weight = sum(shown)
        if not weight:
            return Signal(Expertise.INTERMEDIATE, 0.0, known=False)
        place = shown.index(max(shown))
        level = self._levels[place]
        # What the turns say together, and that a turn alone may say nothing.
        confidence = shown[place] / max(1.0, weight if any(before) else weight + untold)
        evidence = self.judge.evidence((level,), cues, utterance)
        if before[place]:
            evidence += (Evidence(f"{level.value} in earlier messages"),)
        known = bool(evidence) and confidence >= _SURE
        return Signal(level, rounded(confidence), evidence, known=known)

    def _shown_earlier(self, utterance: Utterance) -> list[float]:
        """What the latest turns showed, by the judge's labels, the older the less."""
        shown = [0.0] * len(self.judge.labels)
        if not utterance.situation.earlier:
            return shown
        weight = _PRIOR
        for turn in reversed(utterance.situation.earlier[-_EARLIER:]):
            if turn.expertise is not None:
                shown[self._places[turn.expertise]] += weight
                weight *= _FADES
        return shown


class Skills:
    """What in a text tells how much its writer knows."""

    def __init__(self, languages: Iterable[str]) -> None:
        self._cues = Cues("expertise", languages)
        self.knows = self._cues.knows

    def find(self, utterance: Utterance) -> tuple[list[Cue], dict[str, float]]:
        """The cues of a text, its tell-tale words among them, and the counts that it is weighed by."""
        cues = self._cues.find(utterance) + _shaped(utterance)
        words = len(utterance.spans)
        counts = counted(cues)
        if words <= _SHORT:
            counts["~short"] = 1.0
        elif words >= _LONG:
            counts["~long"] = 1.0
        if "?" in utterance.text:
            counts["~asks"] = 1.0
        if jargon := counts.get("jargon", 0.0) ** 2 + counts.get("~code", 0.0) ** 2:
            counts["~jargon share"] = sqrt(jargon / (words + 4))
        return cues, counts


def _shaped(utterance: Utterance) -> list[Cue]:
    """Words that look like code, codes, versions, measurements and acronyms."""
    text, marks, is_ascii = utterance.text, utterance.marks, utterance.text.isascii()
    has_capitals = bool(utterance.capitals) and _CAPITAL_WITHIN.search(text) is not None
    # Without a capital within a word, a sign or a digit there is nothing; capitals alone are no sign.
    if not (has_capitals or len(marks) > utterance.capitals or not (is_ascii or _BEYOND.search(text) is None)):
        return []
    spans = utterance.spans[:_WORDS]
    shapes: dict[int, str] = {}
    for place in range(len(spans)) if has_capitals or not is_ascii else utterance.odd_words:
        if place >= _WORDS:
            break
        start, end = spans[place]
        if shape := _shapes[text[start:end]]:
            shapes[place] = shape
    if not shapes:
        return []
    for number in [place for place, shape in shapes.items() if shape == "~number"]:
        del shapes[number]
        if number + 1 < len(spans):
            start, end = spans[number + 1]
            if text[start:end].lower() in _KNOWN_UNITS:
                shapes[number + 1] = "~measure"
    loud = text.isupper()
    told = [place for place, shape in shapes.items() if not (loud and shape == "~acronym")]
    return [Cue(shapes[place], *spans[place]) for place in sorted(told)]


def _shape(word: str) -> str:
    """The count that a word stands for by its shape; '' for most."""
    if word.isdecimal():  # the most, and each another
        return "~error_code" if len(word) == 3 and word[0] in "45" else "~number"
    if len(word) == 1:
        return "~sign" if word in _SIGNS else ""
    if word in _PLAIN_WORDS or (word.isalpha() and word[1:].islower()):
        return ""
    match = _SHAPE.fullmatch(word)
    return f"~{match.lastgroup}" if match else ""


_shapes = ByHeart(_shape)
