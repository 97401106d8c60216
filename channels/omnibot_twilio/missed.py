"""What did not reach us: found in the account's list of messages, at the start and from time to time.

Twilio forgets a webhook that failed for 15 seconds; its list does not. Whatever is found twice is taken once: it has
the same id as by webhook.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from omnibot.contract import Accept, NotAccepted, Site
from omnibot_twilio.account import Account
from omnibot_twilio.arrivals import Arrival, Arrivals
from omnibot_twilio.media import Media
from omnibot_twilio.outcomes import Failure
from omnibot_twilio.parse import Form, Malformed, arrival_id
from omnibot_twilio.settings import TwilioSettings
from omnibot_twilio.telephone import e164

SLICE = timedelta(hours=1)  # of the list, held in memory at once
OVERLAP = timedelta(minutes=10)  # with the last look: the list is not up to the second
AHEAD = timedelta(minutes=5)  # of ours, at most, is Twilio's clock; and it takes seconds for whole
BATCH = 100  # messages handed over together
PAGE = 1000  # the most that Twilio lists at once
REFUSED = 5  # arrivals in a row that cannot be committed: it is not they that are the reason
FIRST_PAUSE = 5.0  # seconds before a look that failed is tried again, doubled each time

_log = structlog.get_logger("omnibot.twilio")


@dataclass(slots=True)
class _Refusals:
    """Arrivals of one look that could not be committed."""

    count: int = 0
    in_a_row: int = 0


class Missed:
    """Looks through the list of messages to one number."""

    def __init__(
        self,
        site: Site,
        settings: TwilioSettings,
        account: Account,
        arrivals: Arrivals,
        media: Media,
        address: str,
    ) -> None:
        self._site = site
        self._settings = settings
        self._account = account
        self._arrivals = arrivals
        self._media = media
        self._address = address  # our number as Twilio writes it on this channel
        self._log = _log.bind(channel=arrivals.channel, account=site.account)

    async def run(self, accept: Accept) -> None:
        """Look at the start and ever again, until cancelled."""
        every = self._settings.look_every_seconds
        since = self._site.now() - timedelta(hours=self._settings.look_back_hours)
        pause = min(FIRST_PAUSE, every)
        while True:
            began = self._site.now()
            try:
                await self.look(since, began, accept)
            except (Failure, NotAccepted) as error:
                self._log.warning("look_failed", reason=str(error), again_in=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, every)
                continue
            since, pause = began - OVERLAP, min(FIRST_PAUSE, every)
            await asyncio.sleep(every)

    async def look(self, since: datetime, until: datetime, accept: Accept) -> int:
        """Hand over what came in meanwhile and is not known; tells how many.

        Raises Failure; NotAccepted where some could not be committed, and the others were.
        """
        await self._learn_own_numbers()
        await self._media.delete_read()
        count, refusals = 0, _Refusals()
        for start, end in _slices(since, until + AHEAD):
            found = [arrival async for arrival in self._inbound(start, end)]
            found.reverse()  # the list begins with the latest
            for place in range(0, len(found), BATCH):
                await self._offer(found[place : place + BATCH], accept, refusals)
            count += len(found)
        if count:
            self._log.warning("missed_found", count=count, reason="did not come by webhook")
        if refusals.count:
            raise NotAccepted(f"{refusals.count} could not be committed")
        return count

    async def _offer(self, batch: Sequence[Arrival], accept: Accept, refusals: _Refusals) -> None:
        """Hand over together; one by one where that fails, for one must not keep the others out."""
        try:
            await self._arrivals.hand_over(batch, accept)
        except NotAccepted:
            if len(batch) > 1:
                for arrival in batch:
                    await self._offer([arrival], accept, refusals)
                return
            refusals.count += 1
            refusals.in_a_row += 1
            if refusals.in_a_row == REFUSED:
                raise
        else:
            refusals.in_a_row = 0

    async def _inbound(self, start: datetime, end: datetime) -> AsyncIterator[Arrival]:
        messages = await self._account.client.messages.stream_async(
            to=self._address, date_sent_after=start, date_sent_before=end, page_size=PAGE
        )
        async for message in messages:
            if message.direction != "inbound" or self._arrivals.knows(arrival_id(message.account_sid, message.sid)):
                continue
            if arrival := self._read(await self._form(message), message.date_sent or message.date_created):
                yield arrival

    async def _form(self, message: Any) -> Form:  # noqa: ANN401 - the SDK has no types
        """What the webhook would have told of it."""
        form = {
            "MessageSid": message.sid,
            "AccountSid": message.account_sid,
            "From": message.from_ or "",
            "To": message.to or "",
            "Body": message.body or "",
            "NumMedia": message.num_media or "0",
        }
        if form["NumMedia"] == "0":
            return form
        files = await self._account.client.messages(message.sid).media.list_async(page_size=PAGE)
        for place, media in enumerate(files):
            form[f"MediaUrl{place}"] = self._settings.api + media.uri.removesuffix(".json")
            form[f"MediaContentType{place}"] = media.content_type
        return form

    def _read(self, form: Form, at: datetime) -> Arrival | None:
        try:
            return self._arrivals.read(form, at)
        except Malformed as error:
            self._log.warning("message_unreadable", reason=str(error))
            return None

    async def _learn_own_numbers(self) -> None:
        """What comes from any of them is ours: two bots of one account must not talk to each other."""
        try:
            numbers = await self._account.client.incoming_phone_numbers.list_async(page_size=PAGE)
        except Failure as error:
            self._log.info("own_numbers_unknown", reason=str(error))
            return
        known = {e164(number.phone_number or "") for number in numbers}
        self._arrivals.own = frozenset({self._arrivals.number, *(number for number in known if number)})


def _slices(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    start = since.astimezone(UTC)
    while start < until:
        end = min(start + SLICE, until.astimezone(UTC))
        yield start, end
        start = end
