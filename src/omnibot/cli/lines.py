"""What `omnibot understand` reads: a message, or an object with a message and what is known about its situation."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

import orjson

from omnibot.model import BusinessHours, EarlierTurn, Reading, Situation
from omnibot.zones import zone_named

if TYPE_CHECKING:
    from omnibot.understanding import Understanding

__all__ = ["Readings", "moment"]

_YEARS = range(1900, 2200)  # beyond them calendars end, and a year from now is none
_LATEST = 10  # earlier turns that a reading looks at
_OURS = frozenset(["us", "we", "agent", "assistant", "bot", "company", "support", "system", "operator"])
_BEHIND = frozenset(["system", "developer", "tool", "function"])  # roles of what no customer sees
Fields = Mapping[str, Any]


def moment(written: str, zone: tzinfo) -> datetime:
    """An ISO 8601 date and time, in `zone` if it says none itself; raises ValueError for anything else."""
    try:
        at = datetime.fromisoformat(written)
        if at.year not in _YEARS:
            raise ValueError
        return at if at.utcoffset() is not None else at.replace(tzinfo=zone)
    except ValueError:
        raise ValueError(f"{written!r} is no time: write it as 2025-03-12T10:15, with an offset or without") from None


@dataclass(frozen=True, slots=True)
class _Said:
    """One entry of a history."""

    text: str
    ours: bool
    at: datetime | None


@dataclass(slots=True)
class _Line:
    """A line taken apart; what cannot be used is told in `faults`, and all else is read."""

    text: str
    faults: list[str] = field(default_factory=list)
    now: datetime | None = None
    zone: tzinfo | None = None
    history: list[_Said] = field(default_factory=list)
    answers_are_told: bool = False
    contacts: int = 1
    minutes_since: float | None = None


@dataclass(frozen=True, slots=True)
class Readings:
    """Reads lines; `now` (aware), `zone` and `last` (a language) hold for those that do not say otherwise."""

    understanding: Understanding
    hours: BusinessHours
    zone: tzinfo
    now: datetime | None = None  # None: the moment that a line is read
    last: str | None = None

    def text(self, text: str) -> Reading:
        """A message that nothing else is known about."""
        return self.understanding.read(text, self._situation(_Line(text)))

    def line(self, line: bytes) -> bytes:
        """A line's reading as a JSON object; with `error`, where something could not be used, beside what could."""
        taken = self._taken(line)
        reading = self.understanding.read(taken.text, self._situation(taken))
        if not taken.faults:
            return orjson.dumps(reading)
        return orjson.dumps({"error": "; ".join(taken.faults), **orjson.loads(orjson.dumps(reading))})

    # --- taking apart

    def _taken(self, line: bytes) -> _Line:
        faults = []
        line = line.removeprefix(BOM_UTF8)
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = line.decode(errors="replace")
            faults.append("is not UTF-8: what is not was replaced")
        if not text.lstrip().startswith("{"):
            return _Line(text, faults)
        try:
            fields = _loaded(text)
        except ValueError as error:
            return _Line(text, [*faults, f"begins like a JSON object and is none ({error}): it was read as a text"])
        return self._fields(fields, faults)

    def _fields(self, fields: Fields, faults: list[str]) -> _Line:
        text = fields.get("text", "")
        taken = _Line(text if isinstance(text, str) else "", faults)
        if not isinstance(text, str) or "text" not in fields:
            faults.append("text: is no text: give what was written")
        if (zone := fields.get("zone")) is not None:
            try:
                taken.zone = zone_named(str(zone))
            except ValueError as error:
                faults.append(f"zone: {error}")
        taken.now = self._moment(fields, "now", taken)
        self._history(fields.get("history"), taken)
        taken.contacts = max(1, int(_number(fields, "contacts", faults) or 1))
        taken.minutes_since = _number(fields, "minutes_since", faults)
        return taken

    def _moment(self, fields: Fields, key: str, taken: _Line) -> datetime | None:
        written = fields.get(key)
        if written is None:
            return None
        try:
            return moment(str(written), taken.zone or self.zone)
        except ValueError as error:
            taken.faults.append(f"{key}: {error}")
            return None

    def _history(self, history: object, taken: _Line) -> None:
        """Earlier messages, oldest first: texts of the customer's, or objects {who, text, at}."""
        if history is None:
            return
        if not isinstance(history, list):
            taken.faults.append("history: is no list: give the earlier messages, oldest first")
            return
        for said in history:
            if isinstance(said, str):
                taken.history.append(_Said(said, False, None))
            elif isinstance(said, dict) and _is_unseen(said):
                taken.answers_are_told = True
            elif isinstance(said, dict) and (text := _content(said)) is not None:
                ours = str(said.get("who") or said.get("speaker") or said.get("role") or "customer").lower() in _OURS
                taken.answers_are_told = True
                taken.history.append(_Said(text, ours, self._moment(said, "at", taken)))
            else:
                taken.faults.append("history: has something that is neither a text nor an object with one")

    # --- the situation

    def _situation(self, line: _Line) -> Situation:
        zone = line.zone or self.zone
        bare = Situation(
            now=line.now or self.now or datetime.now(UTC).astimezone(zone),
            zone=zone,
            hours=self.hours,
            last_language=self.last,
        )
        return self._after(line, bare) if line.history or line.minutes_since is not None or line.contacts > 1 else bare

    def _after(self, line: _Line, bare: Situation) -> Situation:
        """The situation after a history: what each of the customer's messages meant, read at its own time."""
        situation = replace(bare, contacts=line.contacts)
        since, words = None, ""
        customers = [said for said in line.history if not said.ours]
        read_from = len(customers) - _LATEST
        for said in line.history:
            if said.ours:
                since = said.at
                situation = _answered(situation, said.text, words)
                continue
            words = said.text
            read_from -= 1
            if read_from < 0:
                reading = self.understanding.read(said.text, replace(situation, now=said.at or bare.now))
                situation = _written(situation, said, reading, answered=not line.answers_are_told)
        minutes = line.minutes_since
        if minutes is None and since is not None:
            minutes = max(0.0, (bare.now - since).total_seconds() / 60)
        return replace(situation, minutes_since=minutes)


def _is_unseen(said: Fields) -> bool:
    """Whether it is what a chat model was told, or did, beside the conversation: instructions, calls of tools."""
    return str(said.get("role")).lower() in _BEHIND or ("content" in said and said["content"] is None)


def _content(said: Fields) -> str | None:
    """The words of one entry: its `text`, or as chat models have it its `content`, a text or a list of parts."""
    content = said.get("text", said.get("content"))
    if isinstance(content, list):
        content = "\n".join(str(part["text"]) for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else None


def _answered(situation: Situation, reply: str, words: str) -> Situation:
    """After a message of ours, which answers what they said before."""
    *before, last = situation.earlier or (None,)
    earlier = (*before, replace(last, answered=True)) if last else ()
    return replace(situation, earlier=earlier, unanswered=0, last_reply=reply, last_words=words)


def _written(situation: Situation, said: _Said, reading: Reading, *, answered: bool) -> Situation:
    """After one more message of the customer's."""
    turn = EarlierTurn.of(reading, said.at or situation.now, answered=answered)
    return replace(
        situation,
        earlier=(*situation.earlier, turn),
        last_language=reading.language.if_known or situation.last_language,
        unanswered=situation.unanswered + (not answered),
    )


def _loaded(text: str) -> Fields:
    """A JSON object, also with what Python writes and orjson refuses: half a pair of surrogates, NaN, 1e999.

    Raises ValueError.
    """
    fields: Fields
    try:
        fields = orjson.loads(text)
    except orjson.JSONDecodeError as refused:
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError):
            raise refused from None
    return fields


def _number(fields: Fields, key: str, faults: list[str]) -> float | None:
    value = fields.get(key)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9):
        return value
    faults.append(f"{key}: is no number of at least 0")
    return None
