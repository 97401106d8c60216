"""Which files belong to messages, and which have still to be fetched from a provider."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tortoise.connection import get_connection

from omnibot.model import AddressId, Attachment, MessageId
from omnibot.store import models
from omnibot.store.availability import unavailable
from omnibot.store.codec import Codec

_KEYS = 1000  # of one query
_REFUSE = """
WITH refused AS (
    UPDATE attachments SET state = 'refused', reason = $2 WHERE id = $1 AND state = 'pending' RETURNING address_id
)
INSERT INTO handoffs (address_id, reason, at) SELECT address_id, $3, now() FROM refused
ON CONFLICT (address_id, reason) WHERE resolved_at IS NULL AND turn_id IS NULL DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingFile:
    """A file that only the provider has yet."""

    id: int
    channel: str
    account: str
    attempts: int
    attachment: Attachment


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file of a message, as people see it. `state`: stored, pending or refused, with the reason."""

    id: int
    message: MessageId
    name: str
    media_type: str
    size: int | None
    state: str
    reason: str


class Attachments:
    """The files of messages. Methods raise StoreUnavailable when the database is away."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    async def claim(self, limit: int, lease: float) -> list[PendingFile]:
        """Files to fetch now; what is not settled within `lease` seconds is claimed again."""
        with unavailable():
            now = datetime.now(UTC)
            rows = await models.Attachment.filter(state="pending", due_at__lte=now).order_by("due_at").limit(limit)
            mine = [row for row in rows if await self._lock(row, now + timedelta(seconds=lease))]
        return [self._pending(row) for row in mine]

    async def _lock(self, row: models.Attachment, until: datetime) -> bool:
        """Whoever changes the attempts first has it."""
        same = models.Attachment.filter(id=row.id, state="pending", attempts=row.attempts)
        return bool(await same.update(attempts=row.attempts + 1, due_at=until))

    def _pending(self, row: models.Attachment) -> PendingFile:
        sealed = row.ref_sealed
        return PendingFile(
            id=row.id,
            channel=row.channel,
            account=row.account,
            attempts=row.attempts + 1,
            attachment=Attachment(
                name=self._codec.open_text(row.address_id, row.name_sealed),
                media_type=row.media_type,
                size=row.size,
                ref=self._codec.open_text(row.address_id, sealed) if sealed else "",
            ),
        )

    async def stored(self, id_: int, key: str) -> None:
        """It is on disk now."""
        await self._update(id_, state="stored", file_key=key)

    async def refused(self, id_: int, reason: str) -> None:
        """It will never be; people hear of it, once for all of an address that are refused for the same reason."""
        with unavailable():
            await get_connection("default").execute_query(_REFUSE, [id_, reason, f"a file was refused: {reason}"])

    async def later(self, id_: int, after: float) -> None:
        """Try again after so many seconds."""
        await self._update(id_, due_at=datetime.now(UTC) + timedelta(seconds=after))

    async def file_key(self, id_: int) -> str | None:
        """Where the file of an attachment lies; None when there is none (yet)."""
        with unavailable():
            row = await models.Attachment.get_or_none(id=id_, state="stored")
        return row.file_key if row else None

    async def unreferenced(self, keys: Collection[str]) -> set[str]:
        """Those of these files that belong to no message."""
        wanted = sorted(keys)
        known: set[str] = set()
        with unavailable():
            for start in range(0, len(wanted), _KEYS):
                rows = models.Attachment.filter(file_key__in=wanted[start : start + _KEYS])
                known.update(await rows.values_list("file_key", flat=True))  # type: ignore[arg-type]
        return set(wanted) - known

    async def since(self) -> datetime | None:
        """When this database met the first of its customers; None while it knows nobody."""
        with unavailable():
            first = await models.Address.all().order_by("id").first()
        return first.created_at if first else None

    async def of(self, addresses: Collection[AddressId]) -> list[KeptFile]:
        """The files that came from these addresses, oldest first."""
        with unavailable():
            rows = await models.Attachment.filter(address_id__in=list(addresses)).order_by("id")
        return [
            KeptFile(
                id=row.id,
                message=MessageId(row.message_id),
                name=self._codec.open_text(row.address_id, row.name_sealed),
                media_type=row.media_type,
                size=row.size,
                state=row.state,
                reason=row.reason or "",
            )
            for row in rows
        ]

    async def _update(self, id_: int, **fields: object) -> None:
        with unavailable():
            await models.Attachment.filter(id=id_).update(**fields)
