"""What is written for an arrival: its message, its place in the inbox, its files, its customer's lane."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from omnibot.model import AddressId, ButtonPress, DeliveryReport, IncomingEdit, IncomingMessage
from omnibot.store.codec import Codec
from omnibot.store.message_path.connections import columns
from omnibot.store.payloads import act_payload, event_body, message_body, report_payload
from omnibot.store.work import Arrived, Kind, ToldAct, ToldEvent

MESSAGE_PRIORITY = 5
_EVENT_PRIORITY = 7  # nobody waits for an answer
_PRIORITY = f"CASE kind WHEN 'event' THEN {_EVENT_PRIORITY} ELSE {MESSAGE_PRIORITY} END"

ARRIVED = """
WITH arrived AS MATERIALIZED (
    SELECT * FROM unnest((SELECT $1::int[]), $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::uuid[],
                         $7::timestamptz[], $8::bytea[], $9::text[], $10::text[], $11::bytea[], $12::int[])
        AS i(ord, key, address_id, kind, account, provider_hash, at, body, automatic, flags, payload, attachments)
)"""

# Which of ours a message answers: only what went to the very address that now writes.
_ANSWERED = """, answered AS MATERIALIZED (
    SELECT q.ord, max(o.id) AS id
    FROM unnest((SELECT $+1::int[]), $+2::bigint[], $+3::uuid[], $+4::bigint[])
        AS q(ord, address_id, provider_hash, ours)
    CROSS JOIN LATERAL (
        SELECT id FROM outbox WHERE address_id = q.address_id AND (provider_hash = q.provider_hash OR id = q.ours)
        OFFSET 0) AS o
    GROUP BY q.ord
)"""
_NONE_ANSWERED = ", answered AS (SELECT NULL::int AS ord, NULL::bigint AS id WHERE false)"

# `fresh` are those of `arrived` that are to be taken, each with its customer; ids are given in order of arrival.
QUEUED = f""", written AS (
    INSERT INTO messages (id, address_id, direction, account, provider_hash, at, received_at, body_sealed, answers,
                          automatic, flags, attachments)
    SELECT id, address_id, 'in', account, provider_hash, date_trunc('second', at), now(), body, answers, automatic,
        flags, attachments
    FROM fresh WHERE body IS NOT NULL
), queued AS (
    INSERT INTO inbox (customer_id, address_id, kind, message_id, priority, due_at, attempts, payload_sealed)
    SELECT customer_id, address_id, kind, id, {_PRIORITY}, now() + $13::interval, 0, payload
    FROM fresh ORDER BY ord
), woken AS (
    INSERT INTO lanes (customer_id, due_at, priority, arrivals, fence, lost)
    SELECT customer_id, now() + $13::interval, min({_PRIORITY}), count(*), 0, 0
    FROM fresh GROUP BY customer_id ORDER BY customer_id
    ON CONFLICT (customer_id) DO UPDATE SET due_at = LEAST(lanes.due_at, EXCLUDED.due_at),
        priority = LEAST(lanes.priority, EXCLUDED.priority), arrivals = lanes.arrivals + EXCLUDED.arrivals
)"""

_FILED = """, filed AS (
    INSERT INTO attachments (address_id, message_id, channel, account, state, reason, name_sealed, ref_sealed,
                             media_type, size, file_key, attempts, due_at)
    SELECT i.address_id, i.id, f.channel, f.account, f.state, f.reason, f.name, f.ref, f.media_type, f.size, f.key,
        0, now()
    FROM unnest((SELECT $+1::int[]), $+2::text[], $+3::text[], $+4::text[], $+5::text[], $+6::bytea[], $+7::bytea[],
                $+8::text[], $+9::bigint[], $+10::text[])
        AS f(ord, channel, account, state, reason, name, ref, media_type, size, key)
    JOIN fresh i ON i.ord = f.ord
)"""


@dataclass(frozen=True, slots=True)
class Queueing:
    """What writes a batch into the inbox: pieces of a statement, and their parameters.

    `answered` and `filed` are as short as can be where the batch answers nothing and brings no files.
    """

    shared: Sequence[object]
    answered: str
    questions: Sequence[object]
    filed: str
    files: Sequence[object]


def queueing(codec: Codec, batch: Iterable[tuple[UUID, Arrived, AddressId, bool]], pause: float) -> Queueing:
    """For arrivals, each with its key, its address, and whether that has said STOP before."""
    rows: list[tuple[Any, ...]] = []
    questions: list[tuple[Any, ...]] = []
    files: list[tuple[Any, ...]] = []
    for ord_, (key, arrived, address, stopped) in enumerate(batch):
        rows.append((ord_, key, address, *_row(codec, arrived, address, stopped)))
        questions += ((ord_, address, *question) for question in _questions(codec, arrived))
        files += ((ord_, *file) for file in _files(codec, arrived, address))
    return Queueing(
        shared=(*columns(rows, 12), timedelta(seconds=pause)),
        answered=_ANSWERED if questions else _NONE_ANSWERED,
        questions=columns(questions, 4) if questions else (),
        filed=_FILED if files else "",
        files=columns(files, 10) if files else (),
    )


def _row(codec: Codec, arrived: Arrived, address: AddressId, stopped: bool) -> tuple[Any, ...]:
    """Kind, account, provider's hash, time, body, automatic, flags, payload, attachments."""
    item, account = arrived.item, arrived.account
    match item:
        case IncomingMessage():
            return (
                Kind.MESSAGE, account, codec.provider_hash(item.message_id), item.at,
                codec.seal(address, message_body(item)), item.automatic or None, _flags(arrived, item, stopped), None,
                len(arrived.files),
            )  # fmt: skip
        case ButtonPress():
            body = codec.seal(address, message_body(item))
            return (Kind.MESSAGE, account, None, item.at, body, None, None, None, 0)
        case IncomingEdit():
            edit = {"message_id": item.message_id, "at": item.at, "text": item.text}
            return (Kind.EDIT, account, None, item.at, None, None, None, codec.seal(address, edit), 0)
        case DeliveryReport():
            payload = codec.seal(address, report_payload(item))
            return (Kind.REPORT, account, None, item.at, None, None, None, payload, 0)
        case ToldEvent(event=event):
            payload = codec.seal(address, event_body(event) | {"name": event.name, "at": event.at})
            return (Kind.EVENT, account, None, item.at, None, None, None, payload, 0)
        case ToldAct():
            payload = codec.seal(address, act_payload(item))
            return (Kind.ACT, account, None, item.at, None, None, None, payload, 0)
    raise TypeError(f"{type(item).__name__} is not an arrival that the inbox knows")


def _flags(arrived: Arrived, item: IncomingMessage, stopped: bool) -> str | None:
    flags = item.flags
    if arrived.stop is not None:
        flags += ("stop" if arrived.stop else "start",)
        if arrived.stop == stopped:
            flags += ("already",)
    return " ".join(flags) or None


def _questions(codec: Codec, arrived: Arrived) -> Iterator[tuple[UUID | None, int | None]]:
    """By what to look for the one that it answers: the provider's id of ours, or our own."""
    item = arrived.item
    if isinstance(item, IncomingMessage):
        for provider_id in item.answers:
            yield codec.provider_hash(provider_id), None
        if item.answers_ours is not None:
            yield None, item.answers_ours
    elif isinstance(item, ButtonPress) and item.message_id:
        yield codec.provider_hash(item.message_id), None


def _files(codec: Codec, arrived: Arrived, address: AddressId) -> Iterator[tuple[Any, ...]]:
    for file in arrived.files:
        state = "stored" if file.key else "refused" if file.refused else "pending"
        yield (
            arrived.channel, arrived.account, state, file.refused or None, codec.seal(address, file.name),
            codec.seal(address, file.ref) if file.ref else None, file.media_type, file.size, file.key or None,
        )  # fmt: skip
