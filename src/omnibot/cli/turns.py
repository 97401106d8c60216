"""Why a customer was answered so, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from omnibot.transcript import readable

if TYPE_CHECKING:
    from omnibot.model import Address
    from omnibot.store.profiles import TakenTurn

_INDENT = 2
_QUOTED = 200  # characters of what they wrote; the timeline has all of it
_LANGUAGES = {"en": "English", "es": "Spanish"}
_CLEAR = 0.05  # VADER's own bounds of what is neither good nor bad
_DONE = {
    "greet": "We greeted them",
    "confirm": "We confirmed {topic}",
    "prove": "About their addresses we said “{topic}”",
    "answer": "We answered from the article {topic}",
    "handoff": "We told them that a colleague takes over",
    "point": "We pointed to where the answer is",
    "close": "We closed with {topic}",
}


def print_turn(console: Console, turn: TakenTurn, addresses: Mapping[int, Address]) -> None:
    """When and where in one line, then what was written, read and done, and why."""
    console.print(Text(f"{turn.at.astimezone():%Y-%m-%d %H:%M:%S}  {turn.address}", "bold cyan"))
    for sentence in _sentences(turn, addresses):
        console.print(Padding(Text(readable(sentence)), (0, 0, 0, _INDENT)))
    console.print()


def _sentences(turn: TakenTurn, addresses: Mapping[int, Address]) -> Iterator[str]:
    record = turn.record
    if turn.texts:
        yield f"They wrote: {_quoted(turn.texts)}"
    if reading := record.get("reading"):
        yield f"We read {'; '.join(_read(reading))}."
    moves, asks = record.get("moves") or (), record.get("asks") or ()
    yield from map(_done, moves)
    yield from map(_asked, asks)
    if not (moves or asks):
        yield f"We did not answer{_because(record.get('why', ''))}."
    yield from _where(record, turn.address, addresses)
    if reason := record.get("handoff"):
        yield f"People take over: {reason}."


def _quoted(texts: Sequence[str]) -> str:
    said = " / ".join(" ".join(text.split()) for text in texts)
    return said if len(said) <= _QUOTED else said[: _QUOTED - 1] + "…"


def _read(reading: Mapping[str, Any]) -> Iterator[str]:
    language, sentiment, urgency = (reading.get(signal) or {} for signal in ("language", "sentiment", "urgency"))
    yield f"{_language(language)}{_by(language)}" if language.get("known") else "no language for sure"
    yield f"{_mood(sentiment['value'])}{_by(sentiment)}" if sentiment.get("known") else "no mood"
    yield f"{urgency['value']} urgency{_by(urgency)}" if urgency.get("known") else "no urgency"


def _language(signal: Mapping[str, Any]) -> str:
    return _LANGUAGES.get(signal["value"], str(signal["value"]))


def _mood(value: float) -> str:
    mood = "a good mood" if value >= _CLEAR else "a bad mood" if value <= -_CLEAR else "an even mood"
    return f"{mood}, {value:+.2f}"


def _by(signal: Mapping[str, Any]) -> str:
    evidence = signal.get("evidence") or ()
    words = [one["text"] if isinstance(one, dict) else str(one) for one in evidence]
    return f" (“{'”, “'.join(words)}”)" if words else ""


def _done(move: Mapping[str, Any]) -> str:
    kind, topic = str(move.get("kind", "")), str(move.get("topic", "")).replace("_", " ")
    told = _DONE.get(kind, "We did: " + kind + (" {topic}" if topic else ""))
    return told.replace("{topic}", topic) + _because(move.get("why", "")) + "."


def _asked(ask: Mapping[str, Any]) -> str:
    return f"A code was to go out by {ask.get('channel', '')}, to {ask.get('purpose', '')} what is theirs."


def _because(why: str) -> str:
    return f": {why}" if why else ""


def _where(record: Mapping[str, Any], wrote: Address, addresses: Mapping[int, Address]) -> Iterator[str]:
    to, pointer = (addresses.get(record.get(key) or 0) for key in ("to", "pointer"))
    if to is not None and to != wrote:
        yield f"The answer went to {to}" + (f", with a word about it to {pointer}." if pointer else ".")
