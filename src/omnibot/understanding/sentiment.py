"""How the writer speaks of what they have met: VADER with what support adds to it, and a head that was trained."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import log1p, sqrt
from operator import add
from string import punctuation
from typing import Final

import numpy as np

from omnibot.model import Evidence, Sentiment
from omnibot.understanding.artefacts import artefact
from omnibot.understanding.features import Features
from omnibot.understanding.judge import likelihoods, rounded, rows, weighed
from omnibot.understanding.lexicons import LANGUAGES, lexicon
from omnibot.understanding.mood_rules import Weighed, rules
from omnibot.understanding.utterance import LONGEST, Utterance
from omnibot.understanding.vader import Vader
from omnibot.understanding.words import ByHeart

__all__ = ["LABELS", "NEUTRAL", "Mood", "signs"]

LABELS: Final = ("negative", "neutral", "positive")
NEUTRAL: Final = 0.05  # VADER's own threshold: nearer to 0 a value says neither

_TRAINED_IN = "en"
_KNOWN = 0.5
_EVIDENCE = 5
_HEAVY = 200  # weighted words in a text, and emoji: beyond that VADER as it is would take too long
_WORDING = 0.35  # the strongest that a text can be whose words and phrases speak of no mood
_LEAST, _GAIN = 0.55, 0.4  # how sure the rules alone are of the weakest mood, and how much surer of the strongest

# What a question, a request and a story look like, whatever they are about.
_QUESTION = (
    r"(?:how (?:do|can|much|many|long|often|far|late|early|would|should|to)|which|may i"
    r"|what(?:'s| is| are| do| does| time| happens)|where (?:do|can|is the|are the)"
    r"|when (?:do|does|is|are|will|can)|who (?:do|is)|can (?:i|we|you|someone|anyone)|could (?:i|we|you)"
    r"|do (?:you|i|we|they)|does (?:it|the|your|this|that)|is (?:there|it|the|this|that)|are (?:you|the|there)"
    r"|will (?:you|the|there|it)|would (?:you|it)|any (?:idea|chance|plans|update|advice|suggestions))\b"
)
_BEGINS_WITH_A_QUESTION = re.compile(_QUESTION)
# Each branch begins with a sign of its own, by which a search goes from place to place.
_HAS_A_QUESTION = re.compile(
    rf"(?:\. |! |, |\? |@\S+ |h(?<!\wh)i |h(?<!\wh)ey |h(?<!\wh)ello |a(?<!\wa)nd |s(?<!\ws)o ){_QUESTION}"
)
_GREETS = re.compile(r"(?:[@.]\S+ )*(?:hi|hey|hello|good morning|dear)\b")
_LETTER = re.compile(r"[^\W\d_]")
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "you": frozenset({"you", "your", "u", "ur", "yours", "you're", "you've"}),
    "my": frozenset({"my", "our", "mine"}),
    "i": frozenset({"i", "we", "i'm", "i've", "im", "ive", "we've"}),
    "please": frozenset({"please", "pls", "plz", "kindly", "help"}),
    "thanks": frozenset({"thanks", "thank", "thx", "ty", "cheers", "thankyou"}),
    "why": frozenset({"why"}),
    "when": frozenset({"when", "where"}),
    "or": frozenset({"or"}),
    "money": frozenset("$£€"),
    "@": frozenset("@"),
}
_NEGATIONS = frozenset(
    {
        "not",
        "no",
        "never",
        "nothing",
        "nobody",
        "none",
        "nowhere",
        "neither",
        "nor",
        "without",
        "cannot",
        "cant",
        "wont",
    }
    | {"dont", "doesnt", "didnt", "isnt", "wasnt", "havent", "hasnt"}
)
_SIGNS = {word: name for name, words in _WORDS.items() for word in words} | {"?": "?", "!": "!"}
_COUNTED: Final = {"negations": 4, "told": 4, "?": 3, "!": 3}  # how often a sign counts; all others once
_FEW = 5  # words


class Mood:
    """Sentiment in the lexicons' languages; in others it is unknown.

    `trained`: in English the trained head has the last word on whether it is good, bad or neither. Without it, and in
    the other languages, the rules have.
    """

    def __init__(self, languages: Sequence[str] = LANGUAGES, *, trained: bool = True) -> None:
        self._vader = Vader(lexicon(_TRAINED_IN).weights if _TRAINED_IN in languages else None)
        self._rules = {language: rules(language, self._vader) for language in languages if language in LANGUAGES}
        self._head = _Head() if trained else None

    def read(self, utterance: Utterance, features: Features | None = None) -> Sentiment:
        """Weigh a text: −1…1, within NEUTRAL of 0 when it speaks neither well nor ill.

        `features` are those of `utterance.said`; without them the rules decide. `vader` is the compound of what was
        written, or 0 where that is beyond what may be scored.
        """
        vader = self.vader(utterance)
        by_rules = self._rules.get(utterance.language)
        if by_rules is None:
            return Sentiment(0.0, 0.0, known=False, vader=vader)
        weighed = by_rules.weigh(utterance)
        if self._head is None or features is None or utterance.language != _TRAINED_IN:
            return _by_rules(utterance, weighed, vader)
        if not features.words:
            return Sentiment(0.0, 0.0, known=False, vader=vader)
        odds = self._head.odds(signs(utterance, weighed, vader), features)
        confidence = max(odds)
        label = odds.index(confidence) - 1
        value = _strength(label, odds, weighed.compound)
        evidence = tuple(_evidence(utterance, weighed, label)) if label else ()
        if label and not evidence:
            evidence = (Evidence("how it is worded as a whole"),)
        known = confidence >= _KNOWN and bool(label or _LETTER.search(utterance.text))  # a bare number tells nothing
        return Sentiment(value, rounded(confidence), evidence, known=known, vader=vader)

    def vader(self, utterance: Utterance) -> float:
        """VADER's own compound of what was written: −1…1."""
        written = utterance.text if utterance.written is None else utterance.written
        if len(written) > LONGEST or (len(written) > _HEAVY and self._is_heavy(written)):
            return 0.0
        return self._vader.compound(written)

    def weigh(self, utterance: Utterance) -> Weighed:
        """What the rules of the utterance's language, which must be one of LANGUAGES, find in it."""
        return self._rules[utterance.language].weigh(utterance)

    def _is_heavy(self, text: str) -> bool:
        emojis, lexicon = self._vader.emojis, self._vader.lexicon
        if not text.isascii() and sum(sign in emojis for sign in text) > _HEAVY:
            return True
        return sum(word.strip(punctuation) in lexicon for word in text.lower().split()) > _HEAVY


def signs(utterance: Utterance, weighed: Weighed, vader: float) -> dict[str, float]:
    """What the trained head looks at besides the features: a number by the name of each sign that is there.

    The names of what the rules say begin with "~".
    """
    words = utterance.words
    found: dict[str, float] = {"length": log1p(len(words)) / 3, "vader": vader}
    named = list(filter(None, map(_known_signs.__getitem__, words)))
    for name in dict.fromkeys(named):
        found[name] = sqrt(min(named.count(name), _COUNTED.get(name, 1)))
    found.update(dict.fromkeys(_looks(utterance), 1.0))
    if weighed.words or weighed.found:
        found.update(_by_the_rules(weighed))
    return found


def _sign(word: str) -> str:
    """The sign that a word is; '' where it is none."""
    if word in _SIGNS:
        return _SIGNS[word]
    if word in _NEGATIONS or word.endswith("n't"):
        return "negations"
    return "told" if word.endswith("ed") and len(word) > _FEW - 1 else ""


_known_signs = ByHeart(_sign)


def _looks(utterance: Utterance) -> Iterator[str]:
    """What a text looks like, whatever it is about."""
    lower = utterance.lower
    if lower.rstrip().endswith("?"):
        yield "ends with a question"
    if len(utterance.words) < _FEW:
        yield "few words"
    if _BEGINS_WITH_A_QUESTION.match(lower) or _HAS_A_QUESTION.search(lower):
        yield "asks"
    if lower.startswith(("@", ".")):
        yield "begins with a mention"
    if _GREETS.match(lower):
        yield "greets"
    if utterance.has_figures:
        yield "numbers"
    for twice in ("!!", "??", ".."):
        if twice in lower:
            yield twice
    if (utterance.capitals > 1 or not utterance.text.isascii()) and _shouts(utterance.text):
        yield "shouts"


def _shouts(text: str) -> bool:
    return len([word for word in filter(str.isupper, text.split()) if len(word) > 2]) > 1


def _by_the_rules(weighed: Weighed) -> dict[str, float]:
    found: dict[str, float] = {}
    for phrase in weighed.found:
        name = f"~{phrase.name}"
        found[name] = found.get(name, 0.0) + 1.0
    compound = weighed.compound
    found["~compound"] = compound
    found["~good" if compound > 0 else "~bad"] = abs(compound)
    weights = [piece.weight for piece in weighed.words]
    found["~praise"] = log1p(sum([weight for weight in weights if weight > 0]))
    found["~blame"] = log1p(-sum([weight for weight in weights if weight < 0]))
    return found


class _Head:
    """A softmax over LABELS: weights by the name of a sign, and for the dense part of the features."""

    def __init__(self) -> None:
        stored = artefact("sentiment")
        self._signs = rows(stored["names"], stored["signs"])
        self._dense = stored["dense"].astype(np.float32) * stored["dense_scales"]
        self._biases: list[float] = stored["biases"].tolist()

    def odds(self, found: Mapping[str, float], features: Features) -> list[float]:
        """How likely each label is: together 1."""
        dense: list[float] = features.dense.dot(self._dense).tolist()
        scores = list(map(add, self._biases, dense))
        return likelihoods(weighed(scores, found, self._signs))


def _strength(label: int, odds: Sequence[float], compound: float) -> float:
    """The value of a text of this label: as strong as its words, or, where they are silent, as the label is sure."""
    if not label:
        return round((odds[2] - odds[0]) * NEUTRAL * 0.9, 4)
    surely = NEUTRAL + (odds[label + 1] - 1 / 3) * 1.5 * (_WORDING - NEUTRAL)
    return round(label * max(surely, label * compound), 4)


def _by_rules(utterance: Utterance, weighed: Weighed, vader: float) -> Sentiment:
    value = round(weighed.compound, 4)
    label = (value >= NEUTRAL) - (value <= -NEUTRAL)
    evidence = tuple(_evidence(utterance, weighed, label))
    if not evidence:
        return Sentiment(value, 0.0, known=False, vader=vader)
    return Sentiment(value, round(_LEAST + _GAIN * abs(value), 3), evidence, vader=vader)


def _evidence(utterance: Utterance, weighed: Weighed, label: int) -> Iterator[Evidence]:
    """The heaviest words and phrases that speak for a label, in the order of the text."""
    spoken = [(label * piece.weight, piece.start, piece.end) for piece in weighed.words]
    spoken += [(label * phrase.weight, phrase.start, phrase.end) for phrase in weighed.found]
    heaviest = sorted([piece for piece in spoken if piece[0] > 0], reverse=True)[:_EVIDENCE]
    reached = 0
    for start, end in sorted({(start, end) for _, start, end in heaviest}, key=lambda span: (span[0], -span[1])):
        if end <= reached:
            continue  # within the one before
        reached = end
        said = utterance.text[start:end]
        if bare := said.strip(punctuation + " "):
            start += said.index(bare)
            end = start + len(bare)
        yield utterance.quote(start, end)
