"""How a message leaves: to the place where they wrote, or directly where that is closed to us."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from omnibot.contract import Receipt, Refused, Site, TryLater
from omnibot.model import Address, File, Outbound
from omnibot_slack.account import Account, CallFailed
from omnibot_slack.blocks import to_blocks, to_fallback
from omnibot_slack.outcomes import is_closed, of_a_question, outcome
from omnibot_slack.pace import Pace
from omnibot_slack.parse import context_of, dereference, is_direct, reference
from omnibot_slack.remembered import Remembered
from omnibot_slack.settings import SlackSettings
from omnibot_slack.uploads import UPLOADED, Uploads

EVENT = "omnibot_message"  # type of the metadata by which one of ours is known again
PAGE, PAGES = 200, 5  # messages, and how often so many, that are searched for one of ours
_OPEN = 86_400.0  # seconds that a direct conversation is remembered
_MOST = 20_000  # people
_GONE_ALREADY = ("message_not_found", "file_deleted", "file_not_found")


class CannotSay(Exception):
    """Slack cannot be asked what became of a message, or not all of what it would tell can be read."""


class Outgoing:
    """What one account writes, looks for, and takes back."""

    def __init__(self, site: Site, settings: SlackSettings, account: Account) -> None:
        self._account = account
        self._pace = Pace(settings.conversation_seconds)
        self._uploads = Uploads(account, site.files, seconds=settings.timeout)
        self._direct: Remembered[str, str] = Remembered(site.now, most=_MOST)
        # Two servers on one workspace, such as one for trying things out, number their messages alike.
        self._server = hashlib.blake2b(b"slack messages", key=site.key[:64], digest_size=8).hexdigest()

    # --- sending -------------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Receipt:
        """Post one message; raises Refused, TryLater, Unsure."""
        channel, thread = message.context.get("channel", ""), message.context.get("thread", "")
        try:
            if not channel:
                return await self._send_directly(message)
            try:
                return Receipt(await self._post(message, channel, thread))
            except CallFailed as failed:
                if not is_closed(failed):
                    raise
                return await self._send_directly(message, failed, "" if thread else channel)
        except CallFailed as failed:
            raise outcome(failed) from failed

    async def _send_directly(self, message: Outbound, failed: CallFailed | None = None, closed: str = "") -> Receipt:
        """To the person: they have no place, or it `failed` there, in a conversation that is `closed` as a whole."""
        channel = await self._opened(message.to)
        if failed is not None and channel == closed:
            raise failed
        return Receipt(await self._post(message, channel, ""), context_of(channel, ""))

    async def _opened(self, to: Address) -> str:
        """The direct conversation with somebody; raises Refused or TryLater."""
        user = to.value.rpartition("/")[2]
        channel = self._direct.get(user)
        if channel is None:
            try:
                opened = await self._account.call(lambda web: web.conversations_open(users=user))
            except CallFailed as failed:
                raise of_a_question(failed) from failed
            channel = str(opened["channel"]["id"])
            self._direct.keep(user, channel, _OPEN)
        return channel

    async def _post(self, message: Outbound, channel: str, thread: str) -> str:
        """Our id of what was posted; raises CallFailed, Refused, TryLater."""
        await self._pace.turn(channel)
        if any(isinstance(part, File) for part in message.parts):
            return reference(channel, ",".join(await self._uploads.share(message.parts, channel, thread)))
        posted = await self._account.call(lambda web: self._posted(web, message, channel, thread))
        return reference(str(posted.get("channel", channel)), str(posted["ts"]))

    async def _posted(self, web: AsyncWebClient, message: Outbound, channel: str, thread: str) -> AsyncSlackResponse:
        return await web.chat_postMessage(
            channel=channel,
            text=to_fallback(message.parts),
            blocks=to_blocks(message.parts) or None,
            thread_ts=thread or None,
            metadata={"event_type": EVENT, "event_payload": self._mark(message)},
            unfurl_links=False,
            unfurl_media=False,
        )

    # --- looking for it ------------------------------------------------------------------------------------

    async def find(self, message: Outbound) -> Receipt | None:
        """What became of a message: a Receipt, None when Slack has not got it; raises CannotSay."""
        if any(isinstance(part, File) for part in message.parts):
            raise CannotSay
        channel, thread = message.context.get("channel", ""), message.context.get("thread", "")
        try:
            # Where it was to go, and where it would have gone when that was closed to us.
            places = [(channel, thread)] if channel else []
            if not channel or not is_direct(channel) or thread:
                places.append((await self._opened(message.to), ""))
            for place in places:
                if (ts := await self._find(message, *place)) is not None:
                    return Receipt(reference(place[0], ts))
        except (CallFailed, Refused, TryLater) as error:
            raise CannotSay from error
        return None

    async def _find(self, message: Outbound, channel: str, thread: str) -> str | None:
        async for posted in self._history(channel, thread):
            if self._is(posted, message):
                return str(posted.get("ts"))
        return None

    async def _history(self, channel: str, thread: str) -> AsyncIterator[Mapping[str, Any]]:
        """All messages of a place; raises CannotSay when there are too many, CallFailed."""
        cursor: str | None = None
        for _ in range(PAGES):
            page = await self._account.call(partial(_page, channel=channel, thread=thread, cursor=cursor))
            for posted in page.get("messages") or ():
                yield posted
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
        raise CannotSay

    def _is(self, posted: Mapping[str, Any], message: Outbound) -> bool:
        metadata = posted.get("metadata") or {}
        return metadata.get("event_type") == EVENT and metadata.get("event_payload") == self._mark(message)

    def _mark(self, message: Outbound) -> dict[str, object]:
        return {"message": message.id, "server": self._server}

    # --- taking it back ------------------------------------------------------------------------------------

    async def redact(self, receipt: Receipt) -> bool:
        """Delete one of ours; whether it is gone."""
        channel, ts = dereference(receipt.provider_id)
        try:
            if ts.startswith(UPLOADED):
                for file in ts.split(","):
                    await self._account.call(partial(_delete_file, file=file))
            else:
                await self._account.call(lambda web: web.chat_delete(channel=channel, ts=ts))
        except CallFailed as failed:
            return failed.error in _GONE_ALREADY
        return True


async def _page(web: AsyncWebClient, *, channel: str, thread: str, cursor: str | None) -> AsyncSlackResponse:
    if thread:
        return await web.conversations_replies(
            channel=channel, ts=thread, cursor=cursor, limit=PAGE, include_all_metadata=True
        )
    return await web.conversations_history(channel=channel, cursor=cursor, limit=PAGE, include_all_metadata=True)


async def _delete_file(web: AsyncWebClient, *, file: str) -> AsyncSlackResponse:
    return await web.files_delete(file=file)
