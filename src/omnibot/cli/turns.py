"""Why a customer was answered so, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
_IMPORTED = "imported"  # why nothing was done
_QUOTED = 200  # characters of what they wrote; the timeline has all of it
_UNTOLD = {"language": "no language for sure", "sentiment": "no mood", "urgency": "no urgency"}
_DONE = {
    "greet": "We greeted them",
    "confirm": "We confirmed {topic}",
    "prove": "About their addresses we said “{topic}”",
    "disclose": "We said that a machine writes",
    "welcome": "We welcomed them",
    "mood": "We said that we see how they feel ({topic})",
    "history": "We spoke of what was before ({topic})",
    "cause": "We named a likely cause ({topic})",
    "answer": "We answered from the article {topic}",
    "steps": "We gave the steps of {topic}",
    "ask": "We asked back ({topic})",
    "handoff": "We told them that a colleague takes over",
    "promise": "We said what happens next, and by when",
    "next": "We offered the next step ({topic})",
    "resources": "We named what there is to read",
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
    yield from _remembered(record.get("recollection") or {})
    moves, asks = record.get("moves") or (), record.get("asks") or ()
    used = record.get("used") or {}
    for move in moves:
        yield _done(move, used)
    yield from map(_asked, asks)
    if record.get("why") == _IMPORTED:
        yield "It was brought with what happened before; the timeline has what was answered."
    elif not (moves or asks):
        yield f"We did not answer{_because(record.get('why', ''))}."
    for reply in turn.replies:
        yield f"We wrote to {reply.to}: {_quoted([reply.text])}"
    yield from _worded(record.get("wording") or {})
    yield from _where(record, turn.address, addresses)
    if turn.matter:
        yield f"It belongs to case {turn.matter}."
    if reason := record.get("handoff"):
        yield f"People take over: {reason}."


def _worded(wording: Mapping[str, Any]) -> Iterator[str]:
    """Who put it into words, where a language model might have."""
    if not wording:
        return
    again = f", after they had written more ({wording['restarts']})" if wording.get("restarts") else ""
    if wording.get("by") == "model":
        yield f"The language model {wording.get('model', '')} put it into words{again}."
        return
    doubts = f" ({_listed(wording['doubts'])})" if wording.get("doubts") else ""
    yield f"The voice pack's words were sent, not a language model's: {wording.get('why', '')}{doubts}."


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


def _remembered(recollection: Mapping[str, Any]) -> Iterator[str]:
    """What memory said of the matter, where there was one."""
    if case := recollection.get("case"):
        agents = _listed(recollection.get("agents") or ())
        helped = f"; {agents} helped before" if agents else ""
        yield f"We remembered case {case}: contact {recollection.get('contacts', 1)} about it{helped}."
    if (solved := recollection.get("solved")) is not None:
        yield f"They said that what was tried has {'worked' if solved else 'not worked'}."
    if messages := recollection.get("recalled"):
        yield f"We were reminded of {len(messages)} earlier messages ({_listed(map(str, messages))})."


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _done(move: Mapping[str, Any], used: Mapping[str, Any]) -> str:
    kind, topic = str(move.get("kind", "")), str(move.get("topic", "")).replace("_", " ")
    told = _DONE.get(kind, "We did: " + kind + (" {topic}" if topic else ""))
    return told.replace("{topic}", topic) + _because(move.get("why", "")) + _resting(move, used) + "."


def _resting(move: Mapping[str, Any], used: Mapping[str, Any]) -> str:
    """On what a move rests that is remembered; what was just written, and articles, are told otherwise."""
    sources = [source for source in move.get("sources") or () if source.partition(":")[0] in _REMEMBERED]
    told = _listed(dict.fromkeys(_told_source(source, used.get(source) or {}) for source in sources))
    return f" (from {told})" if told else ""


_REMEMBERED = ("event", "fact", "case")


def _told_source(source: str, used: Mapping[str, Any]) -> str:
    kind, _, name = source.partition(":")
    if kind == "event":
        told = str(used.get("name", "an event")).replace("_", " ")
        return f"{told} on {used['at'][:10]}" if "at" in used else told
    if kind == "fact":
        since = f" since {used['since'][:10]}" if used.get("since") else ""
        return f"the fact {name}{since}"
    return f"case {name}"


def _asked(ask: Mapping[str, Any]) -> str:
    return f"A code was to go out by {ask.get('channel', '')}, to {ask.get('purpose', '')} what is theirs."


def _because(why: str) -> str:
    return f": {why}" if why else ""


def _where(record: Mapping[str, Any], wrote: Address, addresses: Mapping[int, Address]) -> Iterator[str]:
    to, pointer = (addresses.get(record.get(key) or 0) for key in ("to", "pointer"))
    if to is not None and to != wrote:
        yield f"The answer went to {to}" + (f", with a word about it to {pointer}." if pointer else ".")
