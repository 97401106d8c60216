"""Why a customer was answered so, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from omnibot.cli import wording
from omnibot.transcript import readable

if TYPE_CHECKING:
    from omnibot.model import Address
    from omnibot.store.profiles import TakenTurn

_INDENT = 2
_QUOTED = 200  # characters of what they wrote; the timeline has all of it
_UNTOLD = {"language": "no language for sure", "sentiment": "no mood", "urgency": "no urgency"}
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
    """Language, mood and urgency in any case; of the others what is known and matters."""
    for told in wording.signals(reading):
        if told.known and (told.matters or told.name in _UNTOLD):
            yield told.said + _by(told.evidence)
        elif told.name in _UNTOLD:
            yield _UNTOLD[told.name]
    for said, time in wording.times(reading):
        yield said + _by([time])
    if things := ", ".join(said for said, _ in wording.entities(reading)):
        yield f"they name {things}"
    if way := wording.trend(reading):
        yield way


def _by(evidence: Sequence[Mapping[str, Any]]) -> str:
    words = [one["text"] for one in evidence]
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
