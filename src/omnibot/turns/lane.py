"""What waits in a lane, as values: messages, edits, events, reports."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from operator import attrgetter

from omnibot.memory.events import counted_as, facts_of, tells
from omnibot.model import AddressId, Change, DeliveryState, Event, Fact, TurnMessage
from omnibot.store.work import EVENTS, Happened, InboxItem, Kind, Reported, Revised, Work

# Most lanes have messages alone: that is seen without a step for each item.
_KIND, _MESSAGE = attrgetter("kind"), attrgetter("message")


def of_one_kind(work: Work) -> Work:
    """What waits in a lane as far as it is all of agents, or none: the rest stays there, so that the order holds."""
    if Kind.ACT not in map(_KIND, work.items):
        return work
    items = sorted(work.items, key=lambda item: item.id)
    acts = items[0].kind is Kind.ACT
    return replace(work, items=tuple(takewhile(lambda item: (item.kind is Kind.ACT) is acts, items)))


def with_events(work: Work) -> Work:
    """What waits to be told is known to the turn already."""
    events = _events(work.items)
    if not events:
        return work
    facts = list(work.facts)
    for event in events:
        assert event.address is not None
        for change in facts_of(event):
            before = next((f for f in reversed(facts) if (f.key, f.address) == (change.key, event.address)), None)
            if before is None or (before.confidence <= change.confidence and (before.since or event.at) <= event.at):
                facts = [fact for fact in facts if fact is not before]
                if change.value:
                    facts.append(_fact(change, event.address))
    known = sorted(facts, key=lambda fact: (fact.confidence, fact.since or work.at))
    told = [one.event for one in _taken_in(events, work) if one.told_of]
    return replace(
        work, facts=tuple(known), events=tuple(sorted((*work.events, *told), key=lambda event: event.at)[-EVENTS:])
    )


def _fact(change: Change, address: AddressId) -> Fact:
    return Fact(
        key=change.key,
        value=change.value,
        address=address,
        confidence=change.confidence,
        source="event",
        since=change.at,
    )


def what_happened(work: Work) -> tuple[tuple[Happened, ...], tuple[Change, ...]]:
    """What the company has told, and what follows from it."""
    events = _events(work.items)
    if not events:
        return (), ()
    return _taken_in(events, work), tuple(change for event in events for change in facts_of(event))


def _taken_in(events: Sequence[Event], work: Work) -> tuple[Happened, ...]:
    seen = {(address, used.name): used.count for address, used in work.usage}
    happened = []
    for event in events:
        assert event.address is not None
        usage = counted_as(event)
        before = seen.get((event.address, usage), 0)
        seen[event.address, usage] = before + 1
        happened.append(Happened(event=event, usage=usage, told_of=tells(event, before)))
    return tuple(happened)


def _events(items: Sequence[InboxItem]) -> list[Event]:
    """In the order in which they happened."""
    if Kind.EVENT not in map(_KIND, items):
        return []
    events = [
        Event(
            id=item.payload["id"],
            name=item.payload["name"],
            at=datetime.fromisoformat(item.payload["at"]),
            properties=item.payload["properties"],
            address=item.address,
        )
        for item in items
        if item.kind is Kind.EVENT
    ]
    return sorted(events, key=attrgetter("at"))


def without(work: Work, addresses: Collection[AddressId]) -> Work:
    """What came from there stays in the lane, which is due again for that."""
    return replace(work, items=tuple(item for item in work.items if item.address not in addresses))


def address_of(work: Work) -> AddressId:
    """Nobody, where all that waited has moved to somebody else's lane meanwhile: its commit then changes nothing."""
    return work.items[-1].address if work.items else next((address.id for address in work.addresses), AddressId(0))


def messages_of(items: Sequence[InboxItem]) -> list[TurnMessage]:
    """In the order in which they were written; providers may deliver them in another."""
    messages = list(filter(None, map(_MESSAGE, items)))
    return sorted(messages, key=attrgetter("at", "id")) if len(messages) > 1 else messages


def as_edited(messages: Sequence[TurnMessage], items: Sequence[InboxItem]) -> list[TurnMessage]:
    """What was changed before we answered is answered as it was changed."""
    if Kind.EDIT not in map(_KIND, items):
        return list(messages)
    edits = {
        (item.address, item.payload["message_id"]): item.payload["text"] for item in items if item.kind is Kind.EDIT
    }
    return [replace(m, text=edits.get((m.address, m.provider_id), m.text)) for m in messages]


def revisions(items: Sequence[InboxItem]) -> tuple[Revised, ...]:
    """What was changed, for the commit."""
    if Kind.EDIT not in map(_KIND, items):
        return ()
    return tuple(
        [
            Revised(
                address=item.address,
                message_id=item.payload["message_id"],
                at=datetime.fromisoformat(item.payload["at"]),
                text=item.payload["text"],
            )
            for item in items
            if item.kind is Kind.EDIT
        ]
    )


def reports(items: Sequence[InboxItem]) -> tuple[Reported, ...]:
    """What providers told of ours, for the commit."""
    if Kind.REPORT not in map(_KIND, items):
        return ()
    return tuple(
        [
            Reported(
                address=item.address,
                provider_id=item.payload["provider_id"],
                state=DeliveryState(item.payload["state"]),
                reason=item.payload["reason"],
                unreachable=item.payload["unreachable"],
                attempts=item.attempts,
            )
            for item in items
            if item.kind is Kind.REPORT
        ]
    )


def text_of(messages: Sequence[TurnMessage]) -> str:
    """All of them as one text, a line each."""
    return "\n".join([message.text for message in messages])
