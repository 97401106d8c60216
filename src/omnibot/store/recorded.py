"""The record of a turn as JSON, without what goes without saying: that is most of a reading.

A row should stay below 2 kB: PostgreSQL compresses what is larger, at a price above that of all else in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import Any

import orjson

from omnibot.model import Emotions, Intent, Reading, Sentiment, Signal

_NAMES = tuple(field.name for field in fields(Reading))
_FEELINGS = tuple(field.name for field in fields(Emotions))
_values, _feelings = attrgetter(*_NAMES), attrgetter(*_FEELINGS)
_UNREAD = {field.name: field.default for field in fields(Reading)}  # what it is where nothing was read
_MORE: Mapping[type, str] = {Intent: "alternatives", Sentiment: "vader"}  # that these have beside every signal


def record_body(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is sealed of a record, whose `reading` is a Reading."""
    reading = record.get("reading")
    return {**record, "reading": _reading_body(reading)} if isinstance(reading, Reading) else record


def record_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The whole record, as people and programs are shown it; one that was sealed whole stays so."""
    return {**body, "reading": _reading_of(body["reading"])} if "reading" in body else dict(body)


def _reading_body(reading: Reading) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, value in zip(_NAMES, _values(reading), strict=True):
        if isinstance(value, Signal):
            if value.known or value.confidence or value != _UNREAD[name]:
                body[name] = _signal_body(value)
        elif isinstance(value, Emotions):
            body[name] = dict(zip(_FEELINGS, map(_signal_body, _feelings(value)), strict=True))
        elif value:
            body[name] = value
    return body


def _signal_body(signal: Signal[Any]) -> dict[str, Any]:
    body = {"value": signal.value, "confidence": signal.confidence}
    if signal.evidence:
        body["evidence"] = [
            (one.text,) if one.start is None else (one.text, one.start, one.end) for one in signal.evidence
        ]
    if not signal.known:
        body["known"] = False
    if more := _MORE.get(type(signal)):
        body[more] = getattr(signal, more)
    return body


def _reading_of(body: Mapping[str, Any]) -> dict[str, Any]:
    reading: dict[str, Any] = {**_UNSAID, **body}
    for name, value in body.items():
        if name == "emotions":
            reading[name] = {feeling: _signal_of(signal) for feeling, signal in value.items()}
        elif isinstance(value, dict) and "confidence" in value:
            reading[name] = _signal_of(value)
    return reading


def _signal_of(body: Mapping[str, Any]) -> dict[str, Any]:
    unsaid = {"value": None, "confidence": 0.0, "evidence": (), "known": True}
    whole = {**unsaid, **body}
    return whole | {"evidence": [_evidence_of(one) for one in whole["evidence"]]}


def _evidence_of(stored: Any) -> Any:  # noqa: ANN401
    """Of rows that were sealed whole it is a mapping, or words alone."""
    if not isinstance(stored, list):
        return stored
    text, start, end = (*stored, None, None)[:3]
    return {"text": text, "start": start, "end": end}


_UNSAID: Mapping[str, Any] = orjson.loads(
    orjson.dumps({name: one for name, one in _UNREAD.items() if one is not MISSING})
)
