"""What became of messages whose call was cut off: asked of the account's list of messages.

Twilio has no key by which a message could be known again. So one in the list is taken for ours only if nothing else
can be meant: the same words to the same address, from our number, while the call may have been under way, and the only
one. That there is none is believed where nothing at all went to that address meanwhile. What a delivery report tells
is certain: it carries our ticket.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from omnibot.contract import Receipt, Refused, Site
from omnibot.model import MessageId, Outbound
from omnibot_twilio.account import Account
from omnibot_twilio.outcomes import Failure
from omnibot_twilio.recent import Recent

CLOCKS = timedelta(seconds=10)  # by which Twilio's and ours may differ
SETTLED = timedelta(minutes=5)  # after a call: by then its message is in the list, if there is one
LISTED = 100  # of the latest messages to one address
_REMEMBERED = 10_000  # messages


@dataclass(frozen=True, slots=True)
class Sought:
    """A message of ours, as the list would show it."""

    to: str
    sender: str  # "" where Twilio chose it
    words: str
    framed: bool  # whether a template stands around the words
    units: int

    def is_said_by(self, body: str) -> bool:
        """Whether these are its words; a template's variables have lost their line breaks."""
        words, said = " ".join(self.words.split()), " ".join(body.split())
        return words in said if self.framed else words == said


class Reconciliation:
    """What one process knows of the messages that it sent, and what Twilio's list says of the others."""

    def __init__(self, site: Site, account: Account, sought: Callable[[Outbound], Sought]) -> None:
        self._site = site
        self._account = account
        self._sought = sought
        self._received: Recent[str, None] = Recent(_REMEMBERED)  # SIDs of messages whose call was answered
        self._reported: Recent[MessageId, str] = Recent(_REMEMBERED)  # SIDs by delivery reports

    def received(self, sid: str) -> None:
        """A call was answered with this SID: no other message can have it."""
        self._received.note(sid, None)

    def reported(self, message: MessageId, sid: str) -> None:
        """A delivery report has told which SID a message of ours has."""
        if sid not in self._received:
            self._reported.note(message, sid)

    async def ask(self, unknown: Sequence[Outbound]) -> Mapping[int, Receipt | None]:
        """What can be said for sure; a Receipt: Twilio has it, None: it has not."""
        looked_for = [(message, sought) for message in unknown if (sought := self._seek(message))]
        times = Counter((sought.to, sought.words) for _, sought in looked_for)
        answers: dict[int, Receipt | None] = {}
        for message, sought in looked_for:
            if sid := self._reported.get(message.id):
                answers[message.id] = Receipt(sid, units=sought.units)
                continue
            try:
                found = await self._found(message, sought)
            except Failure:
                return answers  # the next time
            if found is None:
                continue
            if not found:
                answers[message.id] = None
            elif times[sought.to, sought.words] == 1:
                answers[message.id] = Receipt(found, units=sought.units)
        return answers

    def _seek(self, message: Outbound) -> Sought | None:
        """None for what would not be sent as things are now: its settings have changed."""
        try:
            return self._sought(message)
        except Refused:
            return None

    async def _found(self, message: Outbound, sought: Sought) -> str | None:
        """The SID of the one that it must be; '' where Twilio has none; None where nobody can say."""
        if message.tried is None:
            return None
        start, end = message.tried
        listed = await self._account.client.messages.list_async(to=sought.to, limit=LISTED, page_size=LISTED)
        meanwhile = [each for each in listed if self._may_be(each, sought, start, end)]
        same = [each.sid for each in meanwhile if sought.is_said_by(each.body or "")]
        if len(same) == 1:
            return str(same[0])
        is_whole = len(listed) < LISTED or listed[-1].date_created < start
        is_settled = self._site.now() - end >= SETTLED
        return "" if not meanwhile and is_whole and is_settled else None

    def _may_be(self, listed: Any, sought: Sought, start: datetime, end: datetime) -> bool:  # noqa: ANN401 - the SDK's
        return (
            (listed.direction or "").startswith("outbound")
            and listed.sid not in self._received
            and sought.sender in ("", listed.from_)
            and start - CLOCKS <= listed.date_created <= end + CLOCKS
        )
