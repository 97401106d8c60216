"""Slack as a desk: a thread a matter, in the channel of a team."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from omnibot.contract import Desk, Place, Refused, Site, TryLater, Unsure
from omnibot.model import Agent, Card, DeliveryState, Entry, EntryKind, File
from omnibot_slack.account import Account, Ask, CallFailed
from omnibot_slack.desk.cards import card_blocks, card_fallback
from omnibot_slack.desk.kit import Json, clip, line, one_line, rich, spoken, words
from omnibot_slack.desk.lines import FAILED, MARKS, entry_blocks, failure_blocks, fallback, parts_of
from omnibot_slack.mrkdwn import escape
from omnibot_slack.outcomes import is_closed, of_a_question, outcome
from omnibot_slack.pace import Pace
from omnibot_slack.parse import CHANNEL, dereference, reference
from omnibot_slack.remembered import Remembered
from omnibot_slack.settings import SlackSettings
from omnibot_slack.uploads import Uploads

CARD, ENTRY = "omnibot_card", "omnibot_entry"  # types of the metadata by which ours are known again
PAGE, PAGES = 200, 5  # messages, and how often so many, that are searched for one of ours
LONGEST = {"chat.postMessage": 12_000, "chat.update": 800}  # characters where there are no blocks; of 4,000 bytes
_BEFORE = timedelta(minutes=10)  # that a thread's clock may be behind ours
_MARKED = 86_400.0  # seconds that a mark is remembered
_MOST = 20_000  # marks
_THERE = frozenset({"already_reacted", "no_reaction"})
# What Slack finds wrong with blocks, which nobody could do anything about: the words are shown without them.
_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})
_AGENT = f"{CHANNEL}:"
# The agent is not there to be told: nothing is wrong with the thread.
_NOBODY = frozenset({"user_not_in_channel", "user_not_found", "users_not_found", "user_disabled", "user_not_visible"})

_log = structlog.get_logger("omnibot.slack")


class SlackDesk(Desk):
    """The threads of one account. A room is a channel's id, a thread the `ts` of its card."""

    channel: ClassVar[str] = CHANNEL

    def __init__(self, site: Site, settings: SlackSettings, account: Account) -> None:
        self.name = f"{CHANNEL}.{site.account}"
        self._account = account
        self._most_bytes = settings.max_file_bytes
        self._pace = Pace(settings.conversation_seconds)
        self._uploads = Uploads(account, site.files, seconds=settings.timeout)
        self._marks: Remembered[str, str] = Remembered(site.now, most=_MOST)
        self._server = hashlib.blake2b(b"slack cards", key=site.key[:64], digest_size=8).hexdigest()
        self._log = _log.bind(channel=CHANNEL, account=site.account)

    # --- the card --------------------------------------------------------------------------------------------

    async def open(self, room: str, card: Card) -> Place:
        ts = await self._post(room, "", card_blocks(card), card_fallback(card), self._known(CARD, int(card.stretch.id)))
        return Place(self.name, room, ts)

    async def refresh(self, place: Place, card: Card) -> None:
        fields = {
            "channel": place.room,
            "ts": place.thread,
            "text": card_fallback(card),
            "blocks": card_blocks(card),
            "metadata": self._known(CARD, int(card.stretch.id)),
        }
        await self._do("chat.update", fields)

    async def find(self, room: str, card: Card) -> Place | None:
        wanted = self._known(CARD, int(card.stretch.id))
        oldest = f"{(card.stretch.opened_at - _BEFORE).timestamp():.6f}"
        try:
            async for posted in self._history(room, "", oldest):
                if posted.get("metadata") == wanted:
                    return Place(self.name, room, str(posted.get("ts")))
        except CallFailed as failed:
            raise of_a_question(failed) from failed
        return None

    # --- lines -----------------------------------------------------------------------------------------------

    async def show(self, place: Place, entry: Entry) -> str:
        if entry.to:
            await self._whisper(place, entry)
            return ""
        files = [await self._uploaded(file) for file in entry.files if file.size <= self._most_bytes]
        parts = parts_of(entry.text)
        there = await self._shown(place, entry) if len(parts) > 1 else {}
        for number, text in enumerate(parts):
            if number not in there:
                blocks, known = entry_blocks(entry, text, first=not number), self._known(ENTRY, entry.id, number)
                there[number] = await self._post(
                    place.room, place.thread, blocks, fallback(entry), known, aloud=entry.kind is EntryKind.REMINDER
                )
        if uploaded := [file for file in files if file is not None]:
            await self._share(place, uploaded)
        return reference(place.room, there[0])

    async def _whisper(self, place: Place, entry: Entry) -> None:
        """To one agent, as far as they are there: that they are not is no fault of the thread's."""
        team, _, user = entry.to.removeprefix(_AGENT).partition("/")
        if not (entry.to.startswith(_AGENT) and team and user):
            raise Refused("nobody of this workspace")
        fields = {
            "channel": place.room,
            "thread_ts": place.thread,
            "user": user,
            "text": fallback(entry),
            "blocks": entry_blocks(entry, parts_of(entry.text)[0]),
        }
        try:
            await self._account.call(call_of("chat.postEphemeral", fields))
        except CallFailed as failed:
            if failed.error not in _NOBODY:
                raise _told("chat.postEphemeral", failed) from failed
            self._log.info("notice_not_shown", reason=failed.error)

    async def _uploaded(self, file: File) -> Json | None:
        """What nobody sees yet; None where there is no such file any more."""
        try:
            return dict(await self._uploads.upload(file))
        except Refused:
            return None

    async def _share(self, place: Place, files: list[Json]) -> None:
        """Show files below the line that names them. What goes wrong here would show the line twice: it is told."""
        try:
            await self._account.call(
                lambda web: web.api_call(
                    "files.completeUploadExternal",
                    json={"files": files, "channel_id": place.room, "thread_ts": place.thread},
                )
            )
        except CallFailed as failed:
            self._log.warning("files_not_shown", reason=failed.reason)
            told = rich(line(words(f"The files cannot be shown here ({failed.reason}). They are kept.", italic=True)))
            await self._post(place.room, place.thread, told, "The files cannot be shown here.", None)

    async def _shown(self, place: Place, entry: Entry) -> dict[int, str]:
        """The parts of a long line that are there from an attempt before."""
        there: dict[int, str] = {}
        known = {number: self._known(ENTRY, entry.id, number) for number in range(len(parts_of(entry.text)))}
        try:
            async for posted in self._history(place.room, place.thread, "0"):
                there |= {n: str(posted.get("ts")) for n, wanted in known.items() if posted.get("metadata") == wanted}
        except CallFailed as failed:
            raise of_a_question(failed) from failed
        return there

    # --- how far it has come ---------------------------------------------------------------------------------

    async def mark(self, place: Place, entry: str, state: DeliveryState, reason: str = "") -> None:
        name = MARKS[state]
        if entry:
            channel, ts = dereference(entry)
            for old in await self.marks(entry) - {name}:
                await self._react("reactions.remove", channel, ts, old)
            await self._react("reactions.add", channel, ts, name)
            self._marks.keep(entry, name, _MARKED)
        if state in FAILED:
            told = fallback_of_failure(reason)
            await self._post(place.room, place.thread, failure_blocks(state, reason, entry), told, None)

    async def marks(self, entry: str) -> set[str]:
        """The marks of ours that a message has: asked where this process has made none. Raises Refused, TryLater."""
        if known := self._marks.get(entry):
            return {known}
        channel, ts = dereference(entry)
        try:
            answer = await self._account.call(
                lambda web: web.conversations_replies(channel=channel, ts=ts, oldest=ts, latest=ts, inclusive=True)
            )
            me = await self._account.me()
        except CallFailed as failed:
            raise of_a_question(failed) from failed
        return ours(next((one for one in answer.get("messages") or () if one.get("ts") == ts), {}), me.user)

    async def _react(self, method: str, channel: str, ts: str, name: str) -> None:
        """Marks are worth no thread: where the message is gone, or the app may not react, there is none."""
        fields = {"channel": channel, "timestamp": ts, "name": name}
        try:
            await self._account.call(call_of(method, fields))
        except CallFailed as failed:
            if failed.error in _THERE:
                return
            meant = of_a_question(failed)  # to react twice is to react once
            if isinstance(meant, TryLater) and failed.error != "missing_scope":
                raise meant from failed
            self._log.info("mark_not_shown", reason=failed.reason)

    # --- calls -----------------------------------------------------------------------------------------------

    async def _post(
        self, room: str, thread: str, blocks: list[Json], text: str, known: Json | None, *, aloud: bool = False
    ) -> str:
        """Post, in the room as well where the whole team shall hear it; its ts."""
        await self._pace.turn(room)
        fields: Json = {"channel": room, "text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}
        fields |= {"thread_ts": thread} if thread else {}
        fields |= {"metadata": known} if known else {}
        fields |= {"reply_broadcast": True} if aloud and thread else {}
        return str((await self._do("chat.postMessage", fields))["ts"])

    async def _do(self, method: str, fields: Json) -> Mapping[str, Any]:
        """A call that shows something; raises Refused, TryLater, Unsure."""
        try:
            return await self._account.call(call_of(method, fields))
        except CallFailed as failed:
            if failed.error not in _BLOCKS:
                raise _told(method, failed) from failed
            self._log.error("blocks_refused", reason=failed.error)
        shown = escape(clip(spoken(fields["blocks"]), LONGEST[method]))
        try:
            return await self._account.call(call_of(method, {**fields, "text": shown, "blocks": []}))
        except CallFailed as failed:
            raise _told(method, failed) from failed

    async def _history(self, room: str, thread: str, oldest: str) -> AsyncIterator[Mapping[str, Any]]:
        """The messages of a room or a thread; raises Refused where there are too many, CallFailed."""
        cursor: str | None = None
        for _ in range(PAGES):
            page = await self._account.call(partial(_page, room=room, thread=thread, oldest=oldest, cursor=cursor))
            for posted in page.get("messages") or ():
                yield posted
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
        raise Refused("too much was written there meanwhile")

    def _known(self, kind: str, number: int, part: int = 0) -> Json:
        return {"event_type": kind, "event_payload": {"number": number, "part": part, "server": self._server}}


def agent_of(team: str, user: str, name: str) -> Agent:
    """A member of a workspace, as the core knows them."""
    return Agent(f"{_AGENT}{team}/{user}", name)


def ours(message: Mapping[str, Any], me: str) -> set[str]:
    """The marks that we have put under a message."""
    reactions = [one for one in message.get("reactions") or () if isinstance(one, dict)]
    return {str(one.get("name")) for one in reactions if me in (one.get("users") or ())} & set(MARKS.values())


def fallback_of_failure(reason: str) -> str:
    """What a notification shows of something that did not arrive."""
    return "Not delivered" + (f": {escape(clip(one_line(reason), 100))}" if reason else "")


def _told(method: str, failed: CallFailed) -> Refused | TryLater | Unsure:
    """What a failure means for a thread; to update twice is to update once.

    A bot that was removed may still change what it wrote, so whoever asks the card is not told that a room is closed.
    """
    if is_closed(failed):
        return Refused(failed.error, unreachable=True)
    return of_a_question(failed) if method == "chat.update" else outcome(failed)


def call_of(method: str, fields: Json) -> Ask:
    """A call of a method with those fields."""

    async def ask(web: AsyncWebClient) -> AsyncSlackResponse:
        return await web.api_call(method, json=fields)

    return ask


async def _page(web: AsyncWebClient, *, room: str, thread: str, oldest: str, cursor: str | None) -> AsyncSlackResponse:
    if thread:
        return await web.conversations_replies(
            channel=room, ts=thread, oldest=oldest, cursor=cursor, limit=PAGE, include_all_metadata=True
        )
    return await web.conversations_history(
        channel=room, oldest=oldest, cursor=cursor, limit=PAGE, include_all_metadata=True
    )
