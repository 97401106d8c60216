"""Files that came along: fetched from Twilio, and deleted there afterwards where that is wanted."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from omnibot.contract import Site
from omnibot.model import Attachment
from omnibot_twilio.account import Account, authorization
from omnibot_twilio.outcomes import Failure, Rejected
from omnibot_twilio.settings import TwilioSettings

# From the last byte read until the file is surely kept here: what could not be recorded is fetched again before that.
SAFE_AFTER = timedelta(minutes=5)
TRIES = 10  # to delete a file, one at each look
_GONE = 20404  # Twilio's: there is none such
_PLACE = re.compile(r"/Messages/(?P<message>[A-Z]{2}[0-9a-fA-F]{32})/Media/(?P<media>ME[0-9a-fA-F]{32})$")

_log = structlog.get_logger("omnibot.twilio")


@dataclass(frozen=True, slots=True)
class _Read:
    """A file that is to be deleted."""

    at: datetime
    url: str
    tries: int = 0


class Media:
    """The attachments of one account."""

    def __init__(self, site: Site, settings: TwilioSettings, account: Account) -> None:
        self._site = site
        self._settings = settings
        self._account = account
        self._read: deque[_Read] = deque()

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """The bytes, from hosts of Twilio's alone; raises Refused or TryLater.

        Credentials go to the API only: it sends on to a host where the address itself is the permission.
        """
        settings, url = self._settings, attachment.ref
        self._forget(url)
        await self.delete_read()
        headers = {"Authorization": authorization(settings)} if url.startswith(f"{settings.api}/") else {}
        async for chunk in self._site.download(
            url, hosts=(settings.api, *settings.media_hosts), headers=headers, max_bytes=settings.max_file_bytes
        ):
            yield chunk
        if settings.delete_media:
            self._read.append(_Read(self._site.now(), url))

    def _forget(self, url: str) -> None:
        """It is read once more: the first time it was not kept."""
        self._read = deque(read for read in self._read if read.url != url)

    async def delete_read(self) -> None:
        """Delete at Twilio what was read a while ago; what cannot be deleted is tried again, some times."""
        while self._read and self._site.now() - self._read[0].at >= SAFE_AFTER:
            read = self._read.popleft()
            place = _PLACE.search(read.url)
            if place and not await self._delete(place["message"], place["media"]) and read.tries + 1 < TRIES:
                self._read.append(_Read(self._site.now(), read.url, read.tries + 1))

    async def _delete(self, message: str, media: str) -> bool:
        """Whether it is gone."""
        try:
            await self._account.client.messages(message).media(media).delete_async()
        except Failure as error:
            if isinstance(error, Rejected) and error.code == _GONE:
                return True
            _log.warning("media_not_deleted", account=self._site.account, reason=str(error))
            return False
        return True
