"""What staff sees of a customer besides who they are: what is remembered, what is under way, what their turns were."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from omnibot.model import Address, AddressId, MessageId, ProofPurpose
from omnibot.store import models
from omnibot.store.codec import Codec
from omnibot.store.payloads import text_of
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenTurn:
    """A turn as it was recorded, with what was written and at which address."""

    at: datetime
    address: Address
    texts: tuple[str, ...]
    record: Mapping[str, Any]


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
        return await self._facts(sorted(rows, key=lambda row: (row.key, row.valid_from, row.id)))

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
        where = await self.addresses([row.address_id for row in rows])
        return [
            TakenTurn(
                at=row.at,
                address=where[row.address_id],
                texts=tuple(texts[id_] for id_ in record.get("messages", ()) if id_ in texts),
                record=record,
            )
            for row, record in zip(rows, records, strict=True)
        ]

    async def addresses(self, ids: Collection[int]) -> dict[int, Address]:
        """Addresses by their ids."""
        rows = await models.Address.filter(id__in=list(set(ids)))
        return {row.id: Address(row.channel, self._codec.open_text(row.id, row.value_sealed)) for row in rows}

    async def _texts(self, addresses: Collection[AddressId], messages: Sequence[int]) -> dict[int, str]:
        rows = await models.Message.filter(address_id__in=list(addresses), id__in=list(messages))
        return {row.id: text_of(self._codec.open(row.address_id, row.body_sealed)) for row in rows}
