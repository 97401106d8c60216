"""Everything that came in to one of our numbers, by webhook or from the list, passes here on its way to the core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from omnibot.contract import Accept, Site
from omnibot.model import Address, ButtonPress, IncomingMessage
from omnibot_twilio.parse import Form, Reader, sid_of
from omnibot_twilio.recent import Recent
from omnibot_twilio.served import Objection, Served

ALERT_EVERY = timedelta(hours=1)  # about one country, or one kind of number
_REMEMBERED = 10_000  # messages; the database knows them all
_KINDS = 300  # there are fewer countries

_log = structlog.get_logger("omnibot.twilio")

Arrival = IncomingMessage | ButtonPress


class Arrivals:
    """Judges who has written, hands over, and remembers for a while what has been."""

    def __init__(self, site: Site, reader: Reader, served: Served, number: str) -> None:
        self.channel = reader.channel
        self.number = number
        self.own = frozenset({number})  # all numbers of the account, where they are known
        self._site = site
        self._reader = reader
        self._served = served
        self._taken: Recent[str, None] = Recent(_REMEMBERED)
        self._latest: Recent[Address, str] = Recent(_REMEMBERED)
        self._alerted: Recent[str, datetime] = Recent(_KINDS)
        self._log = _log.bind(channel=reader.channel, account=site.account)

    def knows(self, arrival_id: str) -> bool:
        """Whether this process has handed it over already; False may mean that it has forgotten."""
        return arrival_id in self._taken

    def read(self, form: Form, at: datetime) -> Arrival | None:
        """What was written, with what speaks against answering it; None for our own. Raises Malformed."""
        arrival = self._reader.message(form, self.number, at)
        value = arrival.sender.address.value
        if value in self.own:
            self._log.info("own_message_dropped")
            self._taken.note(arrival.id, None)
            return None
        objection = self._served.objection(value)
        return arrival if objection is None else self._flagged(arrival, objection)

    async def hand_over(self, arrivals: Sequence[Arrival], accept: Accept) -> None:
        """Returns after the commit; raises NotAccepted."""
        if not arrivals:
            return
        await accept(arrivals)
        for arrival in arrivals:
            self._taken.note(arrival.id, None)
            self._latest.note(arrival.sender.address, sid_of(arrival.id))

    def latest(self, address: Address) -> str | None:
        """The SID of what came last from there, if it is not forgotten."""
        return self._latest.get(address)

    def _flagged(self, arrival: Arrival, objection: Objection) -> IncomingMessage:
        """Kept for staff, and never answered."""
        self._alert(objection)
        if isinstance(arrival, ButtonPress):
            arrival = IncomingMessage(
                id=arrival.id, at=arrival.at, sender=arrival.sender, message_id=arrival.id, text=arrival.value
            )
        return replace(arrival, automatic=objection.reason, flags=(*arrival.flags, "not_served"))

    def _alert(self, objection: Objection) -> None:
        now, before = self._site.now(), self._alerted.get(objection.kind)
        if before is None or now - before >= ALERT_EVERY:
            self._alerted.note(objection.kind, now)
            self._log.warning("not_served", kind=objection.kind, reason="stored and not answered")
