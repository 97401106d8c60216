"""Everything off the hot path: lists for the command line, imports, what people do by hand. Through Tortoise."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tortoise.connection import get_connection
from tortoise.functions import Count
from tortoise.transactions import in_transaction

from omnibot.model import (
    Address,
    AddressId,
    CaseState,
    CustomerId,
    DeliveryState,
    Direction,
    MessageId,
    TimelineMessage,
)
from omnibot.store import models
from omnibot.store.codec import OWN
from omnibot.store.imports import Imports
from omnibot.store.payloads import text_of
from omnibot.store.recorded import record_of
from omnibot.store.work import Held, Kind

_SETTLED = [DeliveryState.DEAD.value, DeliveryState.REFUSED.value, DeliveryState.SUPPRESSED.value]  # no call is open


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """One of ours, as `omnibot outbox` shows it."""

    id: MessageId
    address: Address
    account: str
    purpose: str
    state: DeliveryState
    reason: str
    attempts: int
    created_at: datetime
    due_at: datetime
    text: str

    @property
    def until(self) -> str:
        """What it waits for, in words; '' when it is not held."""
        if self.state is not DeliveryState.HELD:
            return ""
        return "they write" if self.reason == Held.WINDOW else f"{self.due_at:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHandoff:
    """Something that people have to take care of."""

    id: int
    address: Address
    name: str
    reason: str
    at: datetime
    text: str  # what was last written there before


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedArrival:
    """Something whose turn failed again and again."""

    id: int
    address: Address
    reason: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedMessage:
    """Something from a sender who could not be believed."""

    id: int
    channel: str
    account: str
    at: datetime
    reason: str
    sender: str
    text: str


class Records(Imports):
    """Reads and writes that no customer waits for."""

    # --- customers ---

    async def customer_of(self, address: Address) -> CustomerId | None:
        """Whose an address is."""
        row = await models.Address.get_or_none(hash=self._codec.address_hash(address))
        link = await models.Link.get_or_none(address_id=row.id) if row else None
        return CustomerId(link.customer_id) if link else None

    async def addresses_of(self, customer: CustomerId) -> dict[AddressId, Address]:
        """Where a customer can be reached."""
        ids = await models.Link.filter(customer_id=customer).values_list("address_id", flat=True)
        return await self._addresses(list(ids))  # type: ignore[arg-type]

    async def facts_of(self, address: Address) -> dict[str, str]:
        """What holds now about whoever an address belongs to; what was stated beats what a provider said."""
        customer = await self.customer_of(address)
        if customer is None:
            return {}
        ids = list(await self.addresses_of(customer))
        facts = await models.Fact.filter(address_id__in=ids, valid_to=None).order_by("confidence", "valid_from", "id")
        return {fact.key: self._codec.open_text(fact.address_id, fact.value_sealed) for fact in facts}

    async def timeline(self, customer: CustomerId, limit: int = 200, skip: int = 0) -> list[TimelineMessage]:
        """A customer's latest messages over all addresses but for so many newer ones, oldest first."""
        addresses = await self.addresses_of(customer)
        ours = models.Message.filter(address_id__in=list(addresses)).order_by("-at", "-id")
        rows = await ours.offset(skip).limit(limit)
        ids = [row.id for row in rows]
        states = dict(await models.Outbox.filter(id__in=ids).values_list("id", "state"))
        counted = models.Revision.filter(message_id__in=ids).group_by("message_id").annotate(count=Count("id"))
        revisions = dict(await counted.values_list("message_id", "count"))
        latest = await self._latest_texts([i for i in revisions])
        bodies = {row.id: self._codec.open(row.address_id, row.body_sealed) for row in rows}
        return [
            TimelineMessage(
                id=MessageId(row.id),
                customer=customer,
                address=addresses[AddressId(row.address_id)],
                direction=Direction(row.direction),
                at=row.at,
                text=latest.get(row.id) or text_of(bodies[row.id]),
                answers=MessageId(row.answers) if row.answers else None,
                attachments=row.attachments,
                revisions=revisions.get(row.id, 0),
                state=DeliveryState(states[row.id]) if row.id in states else None,
                flags=tuple((row.flags or "").split()),
                by=bodies[row.id].get("by", ""),
            )
            for row in reversed(rows)
        ]

    async def _latest_texts(self, messages: Sequence[int]) -> dict[int, str]:
        rows = await models.Revision.filter(message_id__in=list(messages)).order_by("at", "id")
        return {row.message_id: text_of(self._codec.open(row.address_id, row.body_sealed)) for row in rows}

    async def why(self, address: Address, limit: int = 20) -> list[dict[str, object]]:
        """What was read, planned and why in the latest turns of an address, newest first."""
        row = await models.Address.get_or_none(hash=self._codec.address_hash(address))
        if row is None:
            return []
        turns = await models.Turn.filter(address_id=row.id).order_by("-id").limit(limit)
        return [{"at": t.at} | record_of(self._codec.open(t.address_id, t.record_sealed)) for t in turns]

    # --- outbox ---

    async def outbox(self, state: DeliveryState | None = None, limit: int = 100) -> list[OutboxEntry]:
        """Ours on their way, newest first."""
        query = models.Outbox.filter(state=state.value) if state else models.Outbox.all()
        return await self._entries(await query.order_by("-id").limit(limit))

    async def outbox_entry(self, id_: int) -> OutboxEntry | None:
        """One of ours."""
        entries = await self._entries(await models.Outbox.filter(id=id_))
        return entries[0] if entries else None

    async def _entries(self, rows: Sequence[models.Outbox]) -> list[OutboxEntry]:
        addresses = await self._addresses([row.address_id for row in rows])
        texts = await self._texts([(row.address_id, row.id) for row in rows])
        return [
            OutboxEntry(
                id=MessageId(row.id),
                address=addresses[AddressId(row.address_id)],
                account=row.account,
                purpose=row.purpose,
                state=DeliveryState(row.state),
                reason=row.reason or "",
                attempts=row.attempts,
                created_at=row.created_at,
                due_at=row.due_at,
                text=texts.get(row.id, ""),
            )
            for row in rows
        ]

    async def outbox_counts(self) -> dict[str, int]:
        """How many of ours are in which state."""
        return await _counts(models.Outbox, "state")

    async def stranded(self, configured: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """How many of ours wait for accounts (channel, name) other than these: nobody sends them."""
        waiting = models.Outbox.filter(state__in=[DeliveryState.QUEUED.value, DeliveryState.HELD.value])
        grouped = waiting.annotate(count=Count("id")).group_by("channel", "account").order_by("channel", "account")
        rows = await grouped.values_list("channel", "account", "count")
        return {(channel, name): count for channel, name, count in rows if (channel, name) not in configured}

    async def waiting_for_them(self) -> int:
        """How many of ours wait until those whom they are for write again."""
        return await models.Outbox.filter(state=DeliveryState.HELD.value, reason=Held.WINDOW.value).count()

    async def retry(self, id_: int) -> bool:
        """Queue one of ours again that was given up; False when its state does not allow it.

        It gets a fresh set of attempts. What is `unknown` does not: its call may still be under way, whose result is
        told from that of the next by the number of the attempt. It may be sent twice by this: whoever asks has looked
        at the provider.
        """
        row = models.Outbox.filter(id=id_)
        again = {"state": DeliveryState.QUEUED.value, "reason": None, "due_at": _now(), "changed_at": _now()}
        changed = await row.filter(state__in=_SETTLED).update(**again, attempts=0)
        return bool(changed or await row.filter(state=DeliveryState.UNKNOWN.value).update(**again))

    # --- people's work ---

    async def handoffs(self) -> list[OpenHandoff]:
        """What waits for people, oldest first."""
        rows = await models.Handoff.filter(resolved_at=None).order_by("at", "id")
        addresses = await self._addresses([row.address_id for row in rows])
        names = await self._names(list(addresses))
        texts = await self._last_words([row.id for row in rows])
        return [
            OpenHandoff(
                id=row.id,
                address=addresses[AddressId(row.address_id)],
                name=names.get(row.address_id, ""),
                reason=row.reason,
                at=row.at,
                text=texts.get(row.id, ""),
            )
            for row in rows
        ]

    async def _names(self, addresses: Sequence[int]) -> dict[int, str]:
        """How the customers behind addresses are called: a name is known from any address of theirs."""
        rows = await get_connection("default").execute_query_dict(
            "SELECT mine.address_id, f.address_id AS owner, f.value_sealed FROM links mine"
            " JOIN links theirs ON theirs.customer_id = mine.customer_id"
            " JOIN facts f ON f.address_id = theirs.address_id AND f.key = 'name' AND f.valid_to IS NULL"
            " WHERE mine.address_id = ANY($1::bigint[]) ORDER BY f.confidence, f.valid_from, f.id",
            [list(addresses)],
        )
        return {row["address_id"]: self._codec.open_text(row["owner"], row["value_sealed"]) for row in rows}

    async def _last_words(self, handoffs: Sequence[int]) -> dict[int, str]:
        rows = await get_connection("default").execute_query_dict(
            "SELECT h.id, m.address_id, m.body_sealed FROM handoffs h CROSS JOIN LATERAL ("
            " SELECT address_id, body_sealed FROM messages WHERE address_id = h.address_id AND direction = 'in'"
            " AND received_at <= h.at ORDER BY at DESC, id DESC LIMIT 1) m WHERE h.id = ANY($1::bigint[])",
            [list(handoffs)],
        )
        return {row["id"]: text_of(self._codec.open(row["address_id"], row["body_sealed"])) for row in rows}

    async def resolve(self, handoff: int) -> bool:
        """People have taken care of it, and of its matter; False when it is not open."""
        row = await models.Handoff.filter(id=handoff, resolved_at=None).first()
        if row is None or not await models.Handoff.filter(id=handoff, resolved_at=None).update(resolved_at=_now()):
            return False
        turn = await models.Turn.filter(id=row.turn_id).first() if row.turn_id else None
        if (
            turn is not None and turn.matter_id is not None and row.stretch_id is None
        ):  # else the desk says when it ends
            theirs = models.Case.filter(matter_id=turn.matter_id, state=CaseState.HANDED_OFF.value)
            await theirs.update(state=CaseState.RESOLVED.value, resolved_at=_now())
        return True

    async def parked(self) -> list[ParkedArrival]:
        """What waits for people because its turn failed again and again, oldest first."""
        rows = await models.Inbox.filter(parked_at__isnull=False).order_by("id")
        addresses = await self._addresses([row.address_id for row in rows])
        texts = await self._texts([(row.address_id, row.message_id) for row in rows if row.message_id])
        return [
            ParkedArrival(
                id=row.id,
                address=addresses[AddressId(row.address_id)],
                reason=row.parked_reason or "",
                at=row.parked_at,
                text=texts.get(row.message_id or 0, "") or self._what_happened(row),
            )
            for row in rows
            if row.parked_at
        ]

    def _what_happened(self, row: models.Inbox) -> str:
        """The name of an event, what an agent did; '' for all else that is no message."""
        if row.kind not in (Kind.EVENT, Kind.ACT) or row.payload_sealed is None:
            return ""
        told = self._codec.open(row.address_id, row.payload_sealed)
        return f"event {told['name']}" if row.kind == Kind.EVENT else f"{told['kind']} by {told['by'][0]}"

    async def take_again(self, arrival: int) -> bool:
        """Give something that was parked another turn; False when it is not parked."""
        async with in_transaction():
            row = await models.Inbox.get_or_none(id=arrival, parked_at__isnull=False)
            while row is not None:
                # the lane first, as everywhere; its address may have gone to another customer's meanwhile
                lane = await models.Lane.select_for_update().get(customer_id=row.customer_id)
                row = await models.Inbox.get_or_none(id=arrival, parked_at__isnull=False)
                if row is not None and row.customer_id == lane.customer_id:
                    break
            if row is None:
                return False
            lane.due_at, lane.arrivals = _now(), lane.arrivals + 1
            await lane.save(update_fields=["due_at", "arrivals"])
            await models.Inbox.filter(id=arrival).update(parked_at=None, parked_reason=None, attempts=0, due_at=_now())
        return True

    async def forget_habits(self, customer: CustomerId) -> int:
        """Forget how somebody writes, at all their addresses; tells at how many it was known.

        A turn that is under way has seen it: it drops out when it comes to its commit, and is taken again.
        """
        async with in_transaction():
            lane = await models.Lane.select_for_update().get_or_none(customer_id=customer)
            if lane is not None:
                lane.fence, lane.leased_until, lane.lost = lane.fence + 1, None, 0
                await lane.save(update_fields=["fence", "leased_until", "lost"])
            theirs = await models.Link.filter(customer_id=customer).values_list("address_id", flat=True)
            return await models.Habit.filter(address_id__in=list(theirs)).delete()

    async def waiting(self) -> int:
        """How many arrivals wait for their turn."""
        return await models.Inbox.filter(parked_at=None).count()

    async def quarantined(self, limit: int = 100) -> list[QuarantinedMessage]:
        """What came from senders who could not be believed, newest first."""
        rows = await models.Quarantined.all().order_by("-id").limit(limit)
        opened = [(row, self._codec.open(OWN, row.body_sealed)) for row in rows]
        return [
            QuarantinedMessage(
                id=row.id,
                channel=row.channel,
                account=row.account,
                at=row.at,
                reason=row.reason,
                sender=body["from"],
                text=body["text"],
            )
            for row, body in opened
        ]

    # --- the database itself ---

    async def claim_for_secret(self) -> bool:
        """Write the secret's fingerprint into a new database; False when it was made with another secret."""
        row, _ = await models.Meta.get_or_create(key="secret", defaults={"value": self._codec.fingerprint})
        return row.value == self._codec.fingerprint

    async def fits_secret(self) -> bool:
        """Whether the database was made with this secret, or with none yet."""
        row = await models.Meta.get_or_none(key="secret")
        return row is None or row.value == self._codec.fingerprint

    async def _addresses(self, ids: Sequence[int]) -> dict[AddressId, Address]:
        rows = await models.Address.filter(id__in=list(ids)).order_by("id")
        return {
            AddressId(row.id): Address(row.channel, self._codec.open_text(row.id, row.value_sealed)) for row in rows
        }

    async def _texts(self, keys: Sequence[tuple[int, int]]) -> dict[int, str]:
        rows = await models.Message.filter(
            address_id__in=[address for address, _ in keys], id__in=[id_ for _, id_ in keys]
        )
        return {row.id: text_of(self._codec.open(row.address_id, row.body_sealed)) for row in rows}


async def _counts(model: type[models.Outbox], field: str) -> dict[str, int]:
    rows = await model.annotate(count=Count("id")).group_by(field).values_list(field, "count")
    return {key: count for key, count in rows}


def _now() -> datetime:
    return datetime.now(UTC)
