"""What staff sees of a customer besides who they are: what is remembered, what is under way, what their turns were."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from omnibot.model import Address, AddressId, CaseId, CaseSide, Event, MessageId, ProofPurpose, Usage
from omnibot.store import models
from omnibot.store.cases import side_of
from omnibot.store.codec import Codec
from omnibot.store.payloads import event_of, text_of
from omnibot.store.recorded import record_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedFact:
    """A fact: about whom it was told, by whom, in which message or event, and from when until when it held."""

    key: str
    value: str
    address: Address
    source: str
    message: MessageId | None
    confidence: float
    since: datetime
    until: datetime | None = None  # None: it holds
    event: str = ""  # the name of the event that told it

    @property
    def held(self) -> bool:
        """Whether it ever did; what is less sure than what holds never does."""
        return self.until is None or self.until > self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """A code that is under way from or to one of somebody's addresses."""

    purpose: ProofPurpose
    asked: Address
    sent_to: Address
    about: Address | None
    wrong: int
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """What people have to take care of for somebody."""

    id: int
    address: Address
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """One of ours that a turn has written."""

    id: MessageId
    to: Address
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenTurn:
    """A turn as it was recorded, with what was written, at which address, and what was answered where."""

    id: int
    at: datetime
    address: Address
    texts: tuple[str, ...]
    record: Mapping[str, Any]
    matter: CaseId | None = None
    replies: tuple[Answered, ...] = ()


class Profiles:
    """Reads by the addresses of a customer."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    async def facts(self, addresses: Collection[AddressId]) -> list[RememberedFact]:
        """What holds now, by key; of several with one key the weightier, then the later one stands last."""
        rows = models.Fact.filter(address_id__in=list(addresses), valid_to=None)
        return await self._facts(await rows.order_by("key", "confidence", "valid_from", "id"))

    async def history(self, addresses: Collection[AddressId], limit: int = 1000) -> list[RememberedFact]:
        """What ever was told, the latest `limit` of it, by key and from when it holds."""
        rows = await models.Fact.filter(address_id__in=list(addresses)).order_by("-id").limit(limit)
        facts = await self._facts(sorted(rows, key=lambda row: (row.key, row.valid_from, row.id)))
        return [fact for fact in facts if fact.value]  # without where one was taken back

    async def _facts(self, rows: Sequence[models.Fact]) -> list[RememberedFact]:
        where = await self.addresses([row.address_id for row in rows])
        told_by = [row.source_event_key for row in rows if row.source_event_key]
        ours = models.Event.filter(address_id__in=list(where), key__in=told_by)
        events = dict(await ours.values_list("key", "name")) if told_by else {}
        return [
            RememberedFact(
                key=row.key,
                value=self._codec.open_text(row.address_id, row.value_sealed),
                address=where[row.address_id],
                source=row.source,
                message=MessageId(row.source_message_id) if row.source_message_id else None,
                confidence=row.confidence,
                since=row.valid_from,
                until=row.valid_to,
                event=events.get(row.source_event_key, "") if row.source_event_key else "",
            )
            for row in rows
        ]

    async def requests(self, addresses: Collection[AddressId]) -> list[OpenRequest]:
        """Codes that may still be typed, the oldest first."""
        open_ = models.ProofRequest.filter(settled_at=None, expires_at__gt=datetime.now(UTC))
        asked = await open_.filter(address_id__in=list(addresses))
        sent = await open_.filter(target_id__in=list(addresses))
        rows = sorted({row.id: row for row in (*asked, *sent)}.values(), key=lambda row: row.id)
        ids = [id_ for row in rows for id_ in (row.address_id, row.target_id, row.about_id) if id_ is not None]
        where = await self.addresses(ids)
        return [
            OpenRequest(
                purpose=ProofPurpose(row.purpose),
                asked=where[row.address_id],
                sent_to=where[row.target_id],
                about=where[row.about_id] if row.about_id is not None else None,
                wrong=row.tries,
                at=row.created_at,
                until=row.expires_at,
            )
            for row in rows
        ]

    async def handoffs(self, addresses: Collection[AddressId]) -> list[Promised]:
        """What waits for people, the oldest first."""
        rows = await models.Handoff.filter(address_id__in=list(addresses), resolved_at=None).order_by("at", "id")
        where = await self.addresses([row.address_id for row in rows])
        return [Promised(id=row.id, address=where[row.address_id], reason=row.reason, at=row.at) for row in rows]

    async def turns(self, addresses: Collection[AddressId], limit: int) -> list[TakenTurn]:
        """What was read, planned and why in the latest turns, newest first."""
        rows = await models.Turn.filter(address_id__in=list(addresses)).order_by("-id").limit(limit)
        records = [record_of(self._codec.open(row.address_id, row.record_sealed)) for row in rows]
        texts = await self._texts(addresses, [id_ for record in records for id_ in record.get("messages", ())])
        replies = await self._replies([row.id for row in rows], addresses)
        where = await self.addresses([row.address_id for row in rows])
        return [
            TakenTurn(
                id=row.id,
                at=row.at,
                address=where[row.address_id],
                texts=tuple(texts[id_] for id_ in record.get("messages", ()) if id_ in texts),
                record=record,
                matter=CaseId(row.matter_id) if row.matter_id else None,
                replies=tuple(replies.get(row.id, ())),
            )
            for row, record in zip(rows, records, strict=True)
        ]

    async def _replies(self, turns: Collection[int], addresses: Collection[AddressId]) -> dict[int, list[Answered]]:
        """Ours by the turn that wrote them."""
        rows = await models.Outbox.filter(address_id__in=list(addresses), turn_id__in=list(turns)).order_by("id")
        texts = await self._texts([AddressId(row.address_id) for row in rows], [row.id for row in rows])
        where = await self.addresses([row.address_id for row in rows])
        replies: dict[int, list[Answered]] = {}
        for row in rows:
            answered = Answered(MessageId(row.id), where[row.address_id], texts.get(row.id, ""))
            replies.setdefault(row.turn_id or 0, []).append(answered)
        return replies

    async def sides(self, addresses: Collection[AddressId], limit: int = 200) -> list[CaseSide]:
        """The cases that were told at these addresses, touched last first, with their sides at others.

        After a split the other side is somebody else's: what was told there is for staff alone.
        """
        theirs = models.Case.filter(address_id__in=list(addresses)).order_by("-touched_at").limit(limit)
        matters = await theirs.values_list("matter_id", flat=True)
        rows = await models.Case.filter(matter_id__in=list(matters)).order_by("-touched_at", "matter_id")
        return [
            side_of(
                (
                    row.address_id, row.matter_id, row.intent, row.state, row.opened_at, row.touched_at,
                    row.resolved_at, row.contacts, row.reopened,
                ),
                self._codec.open(row.address_id, row.body_sealed),
            )
            for row in rows
        ]  # fmt: skip

    async def events(self, addresses: Collection[AddressId], limit: int = 10) -> list[Event]:
        """What happened last that tells of more than use, the latest first."""
        rows = await models.Event.filter(address_id__in=list(addresses), told_of=True).order_by("-at").limit(limit)
        return [
            event_of(self._codec.open(r.address_id, r.properties_sealed), r.name, r.at, AddressId(r.address_id))
            for r in rows
        ]

    async def usage(self, addresses: Collection[AddressId], limit: int = 20) -> list[Usage]:
        """What was done last, and how often."""
        rows = await models.Usage.filter(address_id__in=list(addresses)).order_by("-last_at").limit(limit)
        return [Usage(name=r.name, count=r.count, first_at=r.first_at, last_at=r.last_at) for r in rows]

    async def habits(self, addresses: Collection[AddressId]) -> dict[AddressId, dict[str, float]]:
        """How they write, of those addresses of which it is known."""
        rows = await models.Habit.filter(address_id__in=list(addresses))
        return {AddressId(row.address_id): self._codec.open(row.address_id, row.body_sealed) for row in rows}

    async def addresses(self, ids: Collection[int]) -> dict[int, Address]:
        """Addresses by their ids."""
        rows = await models.Address.filter(id__in=list(set(ids)))
        return {row.id: Address(row.channel, self._codec.open_text(row.id, row.value_sealed)) for row in rows}

    async def _texts(self, addresses: Collection[AddressId], messages: Sequence[int]) -> dict[int, str]:
        rows = await models.Message.filter(address_id__in=list(addresses), id__in=list(messages))
        return {row.id: text_of(self._codec.open(row.address_id, row.body_sealed)) for row in rows}
