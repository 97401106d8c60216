"""Files that go along: a picture is shown as one where Telegram can, anything else is a document."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import InputFile

from omnibot.model import File

LARGEST = 20_000_000  # bytes; Telegram takes 50 MB, which no call's deadline leaves the time for
CAPTION = 1024  # characters below a file, after its markup
_LARGEST_PICTURE = 10_000_000  # core.telegram.org/bots/api#sendphoto
_PICTURES = ("image/jpeg", "image/png", "image/webp")
_NO_PICTURE = re.compile(r"photo|image", re.IGNORECASE)  # in Telegram's words for why something cannot be shown as one
_UNSAFE = re.compile(r'[\x00-\x1f\x7f"\\]')


def is_picture(file: File) -> bool:
    """Whether Telegram may show it within the conversation."""
    return file.media_type in _PICTURES and file.size <= _LARGEST_PICTURE


def is_no_picture(error: TelegramBadRequest) -> bool:
    """Whether Telegram turned a picture down for what it is: too long a strip, or none that it can read."""
    return bool(_NO_PICTURE.search(error.message))


class Upload(InputFile):
    """A file on its way: bytes are read as they are sent. Open it with `opened`."""

    def __init__(self, file: File, first: bytes, rest: AsyncIterator[bytes]) -> None:
        super().__init__(_UNSAFE.sub("_", file.name))
        self.media_type = file.media_type
        self._first = first
        self._rest = rest

    @classmethod
    async def opened(cls, file: File, chunks: AsyncIterator[bytes]) -> Upload:
        """With its first bytes read; raises what reading does, before anything is sent."""
        return cls(file, await anext(chunks, b""), chunks)

    async def read(self, bot: Bot) -> AsyncGenerator[bytes, None]:
        """Its bytes, once."""
        yield self._first
        async for chunk in self._rest:
            yield chunk
