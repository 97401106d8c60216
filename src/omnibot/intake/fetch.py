"""Fetches attachments that came as a reference, after the message is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import structlog

from omnibot.contract import Channel, Refused, TryLater
from omnibot.intake.files import Files, FileTooLarge
from omnibot.settings import Files as Settings
from omnibot.store import StoreUnavailable
from omnibot.store.attachments import Attachments, PendingFile
from omnibot.store.work import Arrived

log = structlog.get_logger(__name__)

_AT_ONCE = 4
_FETCH_SECONDS = 60.0
_POLL_SECONDS = 5.0
_ATTEMPTS = 5


class Fetcher:
    """Fetches what is pending, a few files at a time."""

    def __init__(
        self,
        attachments: Attachments,
        files: Files,
        channels: Mapping[tuple[str, str], Channel],
        settings: Settings,
    ) -> None:
        self._attachments = attachments
        self._files = files
        self._channels = channels
        self._max_bytes = settings.max_bytes
        self._due = asyncio.Event()

    def heard(self, arrived: Arrived) -> None:
        """Something has come; what has no file to be fetched needs no look into the database."""
        if any(not (file.key or file.refused) for file in arrived.files):
            self._due.set()

    async def run(self) -> None:
        """Fetch until cancelled; what that cuts short is fetched again once its lease has run out."""
        while True:
            self._due.clear()
            try:
                fetched = await self.fetch_batch()
            except StoreUnavailable as error:
                log.warning("attachments.store_unavailable", reason=str(error))
                fetched = 0
            if not fetched:
                await self._pause()

    async def fetch_batch(self) -> int:
        """Fetch what is due now; tells how many files were tried."""
        pending = await self._attachments.claim(_AT_ONCE, _FETCH_SECONDS * 2)
        async with asyncio.TaskGroup() as tasks:
            for file in pending:
                tasks.create_task(self._settle(file))
        return len(pending)

    async def _settle(self, file: PendingFile) -> None:
        """What cannot be recorded is fetched again when its lease has run out; it must not end the others."""
        try:
            await self._fetch(file)
        except StoreUnavailable as error:
            log.warning("attachments.store_unavailable", reason=str(error))
        except Exception:
            log.exception("attachment.not_recorded", channel=file.channel, account=file.account)

    async def _fetch(self, file: PendingFile) -> None:
        try:
            key = await self._download(file)
        except FileTooLarge:
            await self._attachments.refused(file.id, "larger than files.max_bytes")
        except Refused as error:
            await self._attachments.refused(file.id, error.reason)
        except Exception as error:
            await self._again(file, error)
        else:
            await self._attachments.stored(file.id, key)

    async def _download(self, file: PendingFile) -> str:
        channel = self._channels.get((file.channel, file.account))
        if channel is None:
            raise Refused(f"the account {file.channel}.{file.account} is not configured any more")
        async with asyncio.timeout(_FETCH_SECONDS):
            return await self._files.put(channel.fetch(file.attachment), self._max_bytes)

    async def _again(self, file: PendingFile, error: Exception) -> None:
        reason = error.reason if isinstance(error, TryLater) else type(error).__name__
        log.warning("attachment.not_fetched", channel=file.channel, account=file.account, reason=reason)
        if file.attempts >= _ATTEMPTS:
            await self._attachments.refused(file.id, f"given up after {file.attempts} attempts: {reason}")
            return
        named = error.after if isinstance(error, TryLater) else None
        await self._attachments.later(file.id, named if named is not None else 2.0**file.attempts)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_POLL_SECONDS):
                await self._due.wait()
