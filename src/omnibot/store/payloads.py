"""Messages as the JSON that is sealed into a row, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from omnibot.model import (
    ActKind,
    AddressId,
    Agent,
    Attachment,
    ButtonPress,
    Choice,
    DeliveryReport,
    DeskAct,
    Draft,
    EarlierTurn,
    Event,
    Expertise,
    File,
    IncomingMessage,
    Link,
    Notice,
    OwnNumber,
    Paragraph,
    Part,
    Steps,
    Urgency,
    plain,
)
from omnibot.store.work import Reported, ToldAct


def message_body(item: IncomingMessage | ButtonPress) -> dict[str, Any]:
    """What a message says, without what is absent."""
    if isinstance(item, ButtonPress):
        return {"text": item.value, "pressed": item.value}
    body: dict[str, Any] = {"text": item.text, "id": item.message_id}
    if item.location:
        body["location"] = item.location
    if item.contact:
        body["contact"] = item.contact
    return body


def said_body(draft: Draft) -> dict[str, Any]:
    """What a message of ours says, for the timeline: its words, and what could be chosen."""
    body: dict[str, Any] = {"text": plain(draft.parts)}
    if draft.choices:
        body["choices"] = [[choice.label, choice.value] for choice in draft.choices]
    return body


def choices_of(body: Mapping[str, Any]) -> tuple[Choice, ...]:
    """What a stored message of ours offered."""
    offered = body.get("choices")
    return tuple(Choice(label, value) for label, value in offered) if offered else ()


def text_of(body: Mapping[str, Any]) -> str:
    """A stored message in one text: what was written, and in words what was shared."""
    text: str = body["text"]
    if "location" not in body and "contact" not in body:
        return text
    shared = []
    if location := body.get("location"):
        shared.append(f"{location['label'] or 'Location'}: {location['latitude']}, {location['longitude']}")
    if contact := body.get("contact"):
        shared.append(f"{contact['name']}: {contact['phone']}")
    return "\n".join(part for part in (text, *shared) if part)


def parts_to_json(parts: Sequence[Part]) -> list[list[Any]]:
    """Parts as lists that begin with their kind."""
    return [_part_to_json(part) for part in parts]


def _part_to_json(part: Part) -> list[Any]:
    match part:
        case Paragraph(text):
            return ["paragraph", text]
        case Steps(items):
            return ["steps", *items]
        case Link(label, url):
            return ["link", label, url]
        case Choice(label, value):
            return ["choice", label, value]
        case File(name, media_type, size, ref):
            return ["file", name, media_type, size, ref]
        case OwnNumber(label):
            return ["own_number", label]


def parts_from_json(stored: Sequence[Sequence[Any]]) -> tuple[Part, ...]:
    """The parts that `parts_to_json` made lists of."""
    return tuple(_part_from_json(kind, values) for kind, *values in stored)


def _part_from_json(kind: str, values: Sequence[Any]) -> Part:
    match kind:
        case "paragraph":
            return Paragraph(values[0])
        case "steps":
            return Steps(tuple(values))
        case "link":
            return Link(values[0], values[1])
        case "choice":
            return Choice(values[0], values[1])
        case "file":
            return File(*values)
        case "own_number":
            return OwnNumber(values[0])
    raise ValueError(f"unknown part {kind!r}")


def report_payload(report: DeliveryReport | Reported) -> dict[str, Any]:
    """What a provider told about one of ours."""
    return {
        "provider_id": report.provider_id,
        "state": report.state,
        "reason": report.reason,
        "unreachable": report.unreachable,
    }


def event_body(event: Event) -> dict[str, Any]:
    """What is sealed of an event."""
    return {"id": event.id, "properties": dict(event.properties)}


def event_of(body: Mapping[str, Any], name: str, at: datetime, address: AddressId) -> Event:
    """As `event_body` made it."""
    return Event(id=body["id"], name=name, at=at, properties=body["properties"], address=address)


def act_payload(told: ToldAct) -> dict[str, Any]:
    """What is sealed of an act on its way through a lane."""
    act = told.act
    return {
        "stretch": told.stretch,
        "id": act.id,
        "at": act.at,
        "by": [act.by.id, act.by.name],
        "kind": act.kind,
        "text": act.text,
        "value": act.value,
        "entry": act.entry,
        "files": [[file.name, file.media_type, file.size, file.ref] for file in act.files],
    }


def act_of(body: Mapping[str, Any]) -> DeskAct:
    """As `act_payload` made it; raises ValueError for a kind that only a newer version knows."""
    return DeskAct(
        id=body["id"],
        at=datetime.fromisoformat(body["at"]),
        by=Agent(*body["by"]),
        kind=ActKind(body["kind"]),
        text=body["text"],
        value=body["value"],
        entry=body["entry"],
        files=tuple(
            Attachment(name=name, media_type=media_type, size=size, ref=ref)
            for name, media_type, size, ref in body["files"]
        ),
    )


def notice_payload(notice: Notice) -> dict[str, Any]:
    """What is sealed of a line that a desk shows, without what is absent; as an entry's that nobody wrote."""
    told = {"text": notice.text, "to": notice.to, "about": notice.entry}
    return {key: value for key, value in told.items() if value}


def mood_payload(turn: EarlierTurn) -> dict[str, Any]:
    """What later turns need of a reading, without what is not known."""
    told = {
        "sentiment": turn.sentiment,
        "frustration": turn.frustration,
        "urgency": turn.urgency,
        "expertise": turn.expertise,
        "intent": turn.intent,
        "answered": turn.answered or None,
    }
    return {key: value for key, value in told.items() if value is not None}


def mood_of(at: datetime, body: Mapping[str, Any]) -> EarlierTurn:
    """As `mood_payload` made it; levels that a newer version knows are not known here."""
    return EarlierTurn(
        at=at,
        sentiment=body.get("sentiment"),
        frustration=body.get("frustration"),
        urgency=_URGENCIES.get(body.get("urgency")),
        expertise=_EXPERTISES.get(body.get("expertise")),
        intent=body.get("intent"),
        answered=body.get("answered", False),
    )


# by a dict: asked of the enum itself, each costs three times all else, for each of the earlier turns of each message
_URGENCIES: Mapping[object, Urgency] = {level.value: level for level in Urgency}
_EXPERTISES: Mapping[object, Expertise] = {level.value: level for level in Expertise}
