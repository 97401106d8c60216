"""What the writer feels: frustration, confusion, satisfaction, excitement.

Each is the sum of a linear head over the shared features, the weights of cues and of how the text looks, and for
frustration of what the situation adds: being asked again, left without an answer, getting colder from turn to turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from math import exp, log2
from typing import Final

import numpy as np

from omnibot.model import EarlierTurn, Emotions, Evidence, Sentiment, Signal, Situation
from omnibot.understanding.artefacts import artefact
from omnibot.understanding.cues import LANGUAGES, Cue, Cues
from omnibot.understanding.features import Features
from omnibot.understanding.judge import counted, rounded, rows, weighed
from omnibot.understanding.linear import Heads
from omnibot.understanding.trends import slope
from omnibot.understanding.utterance import Utterance, folded

__all__ = ["FOUR", "GOEMOTIONS", "HIDDEN", "Feelings", "Labels", "Signs", "around"]

FOUR: Final = ("frustration", "confusion", "satisfaction", "excitement")
GOEMOTIONS: Final = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire",
    "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy",
    "love", "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral",
)  # fmt: skip

HIDDEN: Final = 96  # numbers between the features and GoEmotions' labels

_DECIDED = 0.5
_KNOWN = 0.6  # confidence below which an emotion is not known
_EVIDENCE = 5
_NEVER = -30.0  # log-odds: beyond, there is nothing to tell apart
_TELLING = 0.1  # what a cue, a word or a reason must add to be evidence
_UNREAD = Signal(0.0, 0.0, known=False)

_SHORT, _LONG = 4, 40  # words
_LOUD_WORD = 4  # letters: what is shorter may be an abbreviation
_ECHOED = 5  # letters of a word that says something
_MOST = 4  # contacts, unanswered turns: more add no more
_READ = 1000  # signs of a message before that are looked at
_REPLIES_KNOWN = 500  # of ours, by heart: some 0.3 MB
_MOOD_SIGNS = re.compile(
    r"(?P<glad>[:;]-?[)D]|<3)|(?P<sad>[:;]-?[(/|])|(?P<doubt>[?!]*\?[?!]+)|(?P<cry>!{2,})|(?P<trail>\.{2,}|…)"
)
_OF_MOOD_SIGNS = (":", ";", "<3", "??", "?!", "!!", "..", "…")  # without one of these there is none of them
_LOUD = re.compile(rf"\b[^\W\d_]{{{_LOUD_WORD},}}\b")
_SAYING = re.compile(rf"[^\W\d_]{{{_ECHOED},}}")
_SPEAKING = re.compile(r"[^\W\d_]{3}|[^\w\s\x21-\x7e¡-¿–-…]")  # a word of some length, or an emoji
_QUOTED = re.compile(r"[\"“„«]")


class Signs:
    """What is seen of an utterance beside its features: by name, how much of it."""

    def __init__(self, languages: Iterable[str] = LANGUAGES) -> None:
        self._cues = Cues("feelings", languages)

    def knows(self, language: str) -> bool:
        """Whether there are words for a language."""
        return self._cues.knows(language)

    def find(self, utterance: Utterance, mood: Sentiment) -> tuple[list[Cue], dict[str, float]]:
        """The cues of a text, and the counts that it is weighed by."""
        cues = self._cues.find(utterance, few=True)
        counts = counted(cues)
        for name in _looks(utterance):
            counts[name] = counts.get(name, 0.0) + 1.0
        if mood.known:
            counts["~mood"] = mood.value
        return cues, counts


def _looks(utterance: Utterance) -> Iterator[str]:
    """What is seen of a text at a glance."""
    text, words = utterance.text, len(utterance.spans)
    if words <= _SHORT:
        yield "~short"
    if words >= _LONG:
        yield "~long"
    if text.endswith("?"):
        yield "~asks"
    if "!" in text:
        yield "~exclaims"
    if text.endswith(".") and words <= 2 * _SHORT:
        yield "~full stop"
    if any(map(text.__contains__, _OF_MOOD_SIGNS)):
        for name in {match.lastgroup for match in _MOOD_SIGNS.finditer(text)}:
            yield f"~{name}"
    if utterance.capitals >= _LOUD_WORD or not text.isascii():
        loud = len([word for word in _LOUD.findall(text) if word.isupper()])
        if loud:
            yield "~loud word" if loud == 1 else "~loud"


def around(utterance: Utterance, counts: Mapping[str, float], mood: Sentiment) -> dict[str, float]:
    """What the situation adds, by name; nothing that is 0."""
    situation = utterance.situation
    kind = not counts.keys().isdisjoint(_KIND)
    found: dict[str, float] = {}
    if situation.contacts > 1:
        found["@contacts"] = contacts = log2(min(situation.contacts, _MOST))
        if kind:
            found["@contacts, kind"] = contacts
    if situation.unanswered:
        found["@unanswered"] = log2(1 + min(situation.unanswered, _MOST))
    if situation.earlier:
        found.update(_course(situation.earlier, mood))
    if situation.last_words and (echoed := _echo(utterance, situation.last_words)):
        found["@repeats"] = echoed
    if situation.last_reply:
        if _QUOTED.search(utterance.text) and (echoed := _echo(utterance, situation.last_reply)):
            found["@quotes"] = echoed
        if not kind:
            found.update(dict.fromkeys(_of_reply(situation.last_reply, utterance.language), 1.0))
    return found


_KIND = frozenset({"patient", "thanks", "praise", "joke", "~glad"})


def _course(earlier: Sequence[EarlierTurn], mood: Sentiment) -> Iterator[tuple[str, float]]:
    """How the mood has gone over the latest turns; nothing that is 0."""
    tempers = [turn.frustration for turn in earlier]
    heat = next((temper for temper in reversed(tempers) if temper is not None), 0.0)
    if heat > _DECIDED:
        yield "@was frustrated", heat - _DECIDED
    if (rising := slope(tempers[-_MOST:])) and rising > 0:
        yield "@heats up", rising
    before = earlier[-1].sentiment
    if before is not None and mood.known and before > mood.value:
        yield "@mood sinks", before - mood.value


# Words of ours that put somebody off, or refuse, without accents.
_REPLIES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "en": {
        "@put_off": (
            "please wait", "be patient", "your patience", "have you tried", "please try", "please see", "please read",
            "please contact", "help article", "our policy", "in progress", "processed", "being looked", "working on it",
            "been forwarded", "been escalated", "get back to you", "thank you for contacting", "inconvenience",
        ),
        "@refused": (
            "unfortunately", "can't", "cannot", "not possible", "not covered", "no update", "unable", "i'm afraid",
            "doesn't let", "been closed", "not entitled", "non-refundable",
        ),
    },
    "es": {
        "@put_off": (
            "espere", "paciencia", "consulte", "ha probado", "ha intentado", "pruebe", "reinicie", "en curso",
            "en proceso", "en tramite", "estamos en ello", "lo antes posible", "molestias", "gracias por contactar",
        ),
        "@refused": ("lamentablemente", "no podemos", "no puedo", "no es posible", "no cubre", "sin novedades"),
    },
    "de": {
        "@put_off": (
            "bitte warten", "geduld", "bitte lesen", "bitte wenden", "haben sie schon", "versuchen sie",
            "in bearbeitung", "bearbeitet", "gepruft", "arbeiten daran", "weitergeleitet", "hilfeartikel",
            "unannehmlichkeit", "so schnell wie moglich",
        ),
        "@refused": ("leider", "nicht moglich", "konnen wir nicht", "kann ich nicht", "nicht abgedeckt"),
    },
    "fr": {
        "@put_off": (
            "veuillez", "patience", "patienter", "consultez", "avez-vous essaye", "essayez", "redemarrez", "en cours",
            "on y travaille", "transmis", "meilleurs delais", "desagrement", "gene occasionnee",
        ),
        "@refused": ("malheureusement", "impossible", "pas possible", "ne pouvons", "ne peux pas", "pas couvert"),
    },
}  # fmt: skip


@lru_cache(maxsize=_REPLIES_KNOWN)  # a company says the same to many, and forty phrases are looked for in each
def _of_reply(reply: str, language: str) -> Sequence[str]:
    """What our last message did to the writer."""
    said = folded(reply[:_READ].lower().replace("’", "'"))
    return [name for name, phrases in _REPLIES.get(language, {}).items() if any(map(said.__contains__, phrases))]


def _echo(utterance: Utterance, said: str) -> float:
    """How much of a text was said before: the share of its longer words."""
    words = set(_SAYING.findall(utterance.folded[:_READ]))
    before = folded(said[:_READ].lower())
    # Mostly none is in it anywhere, and its own words need not be found.
    if not any(map(before.__contains__, words)):
        return 0.0
    return len(words.intersection(_SAYING.findall(before))) / len(words)


class Labels:
    """GoEmotions' 28 labels: linear heads over the shared features, and hidden numbers over the same.

    Loads the artefacts "goemotions" (the heads, then the hidden numbers) and "goemotions_second" (`weights`: what
    each hidden number says of each label; below 0 it says nothing).
    """

    def __init__(self) -> None:
        self._heads = Heads.load("goemotions")
        self._second = artefact("goemotions_second")["weights"].astype(np.float32)

    def __call__(self, features: Features) -> Mapping[str, float]:
        """The labels of a text: 0…1, each decided at .5."""
        first = self._heads.scores(features)
        scores = first[: len(GOEMOTIONS)] + np.maximum(first[len(GOEMOTIONS) :], 0) @ self._second
        return dict(zip(GOEMOTIONS, (1 / (1 + np.exp(-scores.clip(-30, 30)))).tolist(), strict=True))


class Feelings:
    """Linear heads over the shared features, with cues and the situation beside them.

    Loads the artefacts "emotions" (the heads of the four) and "feelings" (`names` of counts, `weights`: a row a name,
    a column an emotion; `shifts`: what is added for the value to be decided at .5).
    """

    def __init__(self, languages: Iterable[str] = LANGUAGES) -> None:
        self._signs = Signs(languages)
        self.heads = Heads.load("emotions")
        stored = artefact("feelings")
        self._weights = rows(stored["names"], stored["weights"])
        self._shifts: list[float] = stored["shifts"].tolist()

    def labels(self, features: Features) -> Mapping[str, float]:
        """GoEmotions' 28 labels of a text alone: 0…1, each decided at .5. A pass has no need of them."""
        return self._labels(features)

    @cached_property
    def _labels(self) -> Labels:
        return Labels()

    def read(self, utterance: Utterance, features: Features, sentiment: Sentiment) -> Emotions:
        """The four emotions of an utterance in its situation; unknown in a language that we have no words for."""
        if not features.words:
            return Emotions(frustration=_UNREAD, confusion=_UNREAD, satisfaction=_UNREAD, excitement=_UNREAD)
        cues, counts = self._signs.find(utterance, sentiment)
        counts.update(around(utterance, counts, sentiment))
        scores = weighed(self.heads.plain_scores(features), counts, self._weights)
        known = self._signs.knows(utterance.language)
        signals = []
        for place, odds in enumerate(scores):
            chance = 1 / (1 + exp(-max(odds, _NEVER)))
            value = 1 / (1 + exp(-max(odds + self._shifts[place], _NEVER)))
            confidence = rounded(max(chance, 1 - chance))
            evidence: tuple[Evidence, ...] = ()
            if value >= _DECIDED:
                evidence = self._evidence(place, utterance, features, cues, counts)
            signals.append(Signal(rounded(value), confidence, evidence, known and confidence >= _KNOWN))
        frustration, confusion, satisfaction, excitement = signals
        return Emotions(frustration=frustration, confusion=confusion, satisfaction=satisfaction, excitement=excitement)

    def _evidence(
        self, place: int, utterance: Utterance, features: Features, cues: Sequence[Cue], counts: Mapping[str, float]
    ) -> tuple[Evidence, ...]:
        """The weightiest cues, words and reasons; the weightier first, at most some five."""
        telling: list[tuple[float, Evidence]] = []
        taken: set[int] = set()
        for cue in cues:
            row = self._weights.get(cue.name)
            if row and row[place] > _TELLING:
                telling.append((row[place] * counts[cue.name], utterance.quote(cue.start, cue.end)))
                taken.update(range(cue.start, cue.end))
        for name in filter(counts.__contains__, _REASONS):
            row = self._weights.get(name)
            if row and (by := row[place] * counts[name]) > _TELLING:
                telling.append((by, _reason(name, utterance.situation)))
        by_word = zip(self.heads.of_words(features, place).tolist(), utterance.said_spans, strict=False)
        weighty = [(-by, start, end) for by, (start, end) in by_word if by > _TELLING]
        weighty.sort()
        for by, start, end in weighty[:_EVIDENCE]:
            if start not in taken and _SPEAKING.match(utterance.text, start, end):
                telling.append((-by, utterance.quote(start, end)))
        telling.sort(key=lambda weighed: -weighed[0])
        return tuple(dict.fromkeys(evidence for _, evidence in telling))[:_EVIDENCE]


# What the situation adds, in words.
_REASONS: Final = {
    "@contacts": "contact number {contacts} on this",
    "@unanswered": "no answer to the {messages} before",
    "@was frustrated": "frustrated before",
    "@heats up": "more frustrated from turn to turn",
    "@mood sinks": "the mood has sunk since the turn before",
    "@repeats": "says again what was said before",
    "@quotes": "quotes our last message",
    "@put_off": "our last message put them off",
    "@refused": "our last message refused",
}


def _reason(name: str, situation: Situation) -> Evidence:
    messages = "message" if situation.unanswered == 1 else f"{situation.unanswered} messages"
    return Evidence(_REASONS[name].format(contacts=situation.contacts, messages=messages))
