"""What was read in a turn, in words for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["Told", "entities", "signals", "times", "trend"]

_LANGUAGES = {
    "en": "English", "es": "Spanish", "de": "German", "fr": "French", "it": "Italian", "pt": "Portuguese",
    "nl": "Dutch", "sv": "Swedish", "da": "Danish", "no": "Norwegian", "fi": "Finnish", "pl": "Polish",
    "cs": "Czech", "ro": "Romanian", "hu": "Hungarian", "tr": "Turkish", "id": "Indonesian", "vi": "Vietnamese",
}  # fmt: skip
_CLEAR = 0.05  # VADER's own bounds of what is neither good nor bad
_DECIDED = 0.5  # an emotion is there from here
_FORMAL, _CASUAL = 0.65, 0.35
_TURNING = 0.02  # a turn
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth"}


@dataclass(frozen=True, slots=True)
class Told:
    """One signal in words: `said` is what it says; '' where it may not be relied on."""

    name: str
    said: str
    confidence: float
    known: bool
    matters: bool  # whether it is worth a word where there is room for few
    evidence: Sequence[Mapping[str, Any]]  # what it rests on: `text`, and `start` and `end` where it stands in the text


def signals(reading: Mapping[str, Any]) -> Iterator[Told]:
    """Every signal of a reading as it is recorded, known or not."""
    recorded = {**reading, **(reading.get("emotions") or {})}
    for name, words in _SIGNALS.items():
        if signal := recorded.get(name):
            known = bool(signal.get("known"))
            said, matters = words(signal) if known else ("", False)
            evidence = [one if isinstance(one, dict) else {"text": str(one)} for one in signal.get("evidence") or ()]
            confidence = float(signal.get("confidence", 0.0))
            yield Told(name.replace("_", " "), said, confidence, known, matters, evidence)


Signal = Mapping[str, Any]
Words = tuple[str, bool]


def _language(signal: Signal) -> Words:
    return _LANGUAGES.get(signal["value"], str(signal["value"])), True


def _intent(signal: Signal) -> Words:
    others = ", ".join(f"{other['value']} {other['confidence']:.0%}" for other in signal.get("alternatives") or ())
    name = "nothing that there is a playbook for" if signal["value"] == "oos" else str(signal["value"])
    return name + (f" (or {others})" if others else ""), True


def _sentiment(signal: Signal) -> Words:
    value = signal["value"]
    mood = "a good mood" if value >= _CLEAR else "a bad mood" if value <= -_CLEAR else "an even mood"
    return f"{mood}, {value:+.2f}", True


def _felt(feeling: str) -> Callable[[Signal], Words]:
    def told(signal: Signal) -> Words:
        strong = signal["value"] >= _DECIDED
        return (feeling if strong else f"not {feeling}") + f", {signal['value']:.2f}", strong

    return told


def _urgency(signal: Signal) -> Words:
    return f"{signal['value']} urgency", True


def _expertise(signal: Signal) -> Words:
    words = {"expert": "an expert", "novice": "a novice"}
    return words.get(signal["value"], "at home in the product"), True


def _formality(signal: Signal) -> Words:
    value = signal["value"]
    tone = "formal" if value >= _FORMAL else "casual" if value <= _CASUAL else "neither formal nor casual"
    return f"{tone}, {value:.2f}", tone[0] != "n"


def _politeness(signal: Signal) -> Words:
    value = signal["value"]
    tone = "polite" if value >= _FORMAL else "rude" if value <= _CASUAL else "neither polite nor rude"
    return f"{tone}, {value:.2f}", tone == "rude"


def _register(signal: Signal) -> Words:
    return f"addresses us in a {signal['value']} way", True


def _person(signal: Signal) -> Words:
    return ("asks for a person" if signal["value"] else "does not ask for a person"), bool(signal["value"])


def _repetition(signal: Signal) -> Words:
    count = signal["value"]
    told = _ORDINALS.get(count, f"{count}th")
    return f"says so for the {told} time", count > 1


def _questions(signal: Signal) -> Words:
    count = signal["value"]
    return ("no question" if not count else "one question" if count == 1 else f"{count} questions"), False


def _time_sensitivity(signal: Signal) -> Words:
    value = signal["value"]
    return ("it can wait" if value < _CASUAL else "it is for soon" if value < _FORMAL else "it is for now"), False


_SIGNALS: Mapping[str, Callable[[Signal], Words]] = {
    "language": _language,
    "intent": _intent,
    "sentiment": _sentiment,
    "frustration": _felt("frustrated"),
    "confusion": _felt("confused"),
    "satisfaction": _felt("satisfied"),
    "excitement": _felt("excited"),
    "urgency": _urgency,
    "time_sensitivity": _time_sensitivity,
    "expertise": _expertise,
    "formality": _formality,
    "politeness": _politeness,
    "register": _register,
    "person": _person,
    "repetition": _repetition,
    "questions": _questions,
}


def times(reading: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each time that is named, in words: what it is, and when."""
    for one in reading.get("times") or ():
        kind = {"deadline": "a deadline", "past": "in the past", "future": "to come"}.get(one["kind"], one["kind"])
        yield f"{kind}, {_moment(one['at'])}" if one.get("at") else str(kind), one


def _moment(at: str) -> str:
    return f"{datetime.fromisoformat(at):%a %Y-%m-%d %H:%M %Z}".rstrip()


def entities(reading: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each thing that is named, in words."""
    for one in reading.get("entities") or ():
        yield f"{one['label'].replace('_', ' ')} {one['value']}", one


def trend(reading: Mapping[str, Any]) -> str:
    """Where the mood goes; '' where nothing tells."""
    told = reading.get("trend")
    if not told:
        return ""
    gain = told["sentiment"] - told["frustration"]
    way = "gets better" if gain >= _TURNING else "gets worse" if gain <= -_TURNING else "stays as it is"
    return f"their mood {way} over {told['turns']} turns"
