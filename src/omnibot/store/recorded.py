"""The record of a turn as JSON, without what goes without saying: that is most of a reading.

A row should stay below 2 kB: PostgreSQL compresses what is larger, at a price above that of all else in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

import orjson

from omnibot.model import Emotions, Evidence, Intent, Reading, Sentiment, Signal

_NAMES = tuple(field.name for field in fields(Reading))
_FEELINGS = tuple(field.name for field in fields(Emotions))
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
    for name in _NAMES:
        value = getattr(reading, name)
        if isinstance(value, Signal):
            if value.known or value.confidence or value != _UNREAD[name]:
                body[name] = _signal_body(value)
        elif isinstance(value, Emotions):
            body[name] = {feeling: _signal_body(getattr(value, feeling)) for feeling in _FEELINGS}
        elif value:
            body[name] = value
    return body


def _signal_body(signal: Signal[Any]) -> dict[str, Any]:
    body = {"value": signal.value, "confidence": signal.confidence}
    if signal.evidence:
        body["evidence"] = list(map(_evidence_body, signal.evidence))
    if not signal.known:
        body["known"] = False
    if more := _MORE.get(type(signal)):
        body[more] = getattr(signal, more)
    return body


def _evidence_body(evidence: Evidence) -> tuple[object, ...]:
    return (evidence.text,) if evidence.start is None else (evidence.text, evidence.start, evidence.end)


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
