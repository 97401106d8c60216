"""Files on their way out (docs.slack.dev/messaging/working-with-files#upload): uploaded first, shown in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiohttp import ClientError

from omnibot.contract import Files, TryLater
from omnibot.model import File, Part
from omnibot_slack.account import Account, CallFailed
from omnibot_slack.blocks import listed, to_fallback
from omnibot_slack.outcomes import of_a_question

UPLOADED = "F"  # beginning of a file's id


class Uploads:
    """The way of files to Slack."""

    def __init__(self, account: Account, files: Files, *, seconds: float) -> None:
        self._account = account
        self._files = files
        self._seconds = seconds

    async def share(self, parts: Sequence[Part], channel: str, thread: str) -> list[str]:
        """Show the files of a message with its words; the files' ids. Raises CallFailed, Refused, TryLater.

        Such a message has no buttons, and its words are mrkdwn: what is escaped links and notifies nobody, but
        asterisks make it bold.
        """
        uploaded = [await self.upload(part) for part in parts if isinstance(part, File)]
        arguments: dict[str, Any] = {"files": uploaded, "channel_id": channel}
        if words := to_fallback(listed(parts)):
            arguments["initial_comment"] = words
        if thread:
            arguments["thread_ts"] = thread
        # not files_completeUploadExternal, which writes the words into the URL
        await self._account.call(lambda web: web.api_call("files.completeUploadExternal", json=arguments))
        return [file["id"] for file in uploaded]

    async def upload(self, file: File) -> dict[str, str]:
        """What nobody sees yet, and so can be done again. Raises Refused, TryLater."""
        content = b"".join([chunk async for chunk in self._files.open(file)])
        try:
            place = await self._account.call(
                lambda web: web.files_getUploadURLExternal(filename=file.name, length=len(content))
            )
        except CallFailed as failed:
            raise of_a_question(failed) from failed
        await self._put(str(place["upload_url"]), content)
        return {"id": str(place["file_id"]), "title": file.name}

    async def _put(self, url: str, content: bytes) -> None:
        try:
            async with asyncio.timeout(self._seconds), self._account.session.post(url, data=content) as answer:
                status = answer.status
        except (ClientError, TimeoutError) as error:
            raise TryLater(f"upload: {type(error).__name__}") from error
        if status != 200:
            raise TryLater(f"upload: {status}")
