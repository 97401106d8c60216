"""What leaves: within which limits, as what, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from omnibot.model.addresses import NOTHING, Address, KnownAddress
from omnibot.model.ids import MessageId
from omnibot.model.parts import Choice, Part, plain
from omnibot.model.values import frozen


class DeliveryState(StrEnum):
    """How far one of ours has come. Provider reports only move it forward."""

    QUEUED = "queued"
    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    DEAD = "dead"


@frozen
class Cap:
    """At most `count` in `seconds`."""

    count: int
    seconds: float


@frozen(kw_only=True)
class Limits:
    """What a channel can carry. What it lacks is written as text, in one place, before it gets here."""

    text: int  # characters of one message
    choices: int = 0  # quick replies under one message
    choice_bytes: int = 64  # of one choice's value
    own_number: bool = False  # a button by which somebody shares their number
    subject: bool = False
    in_flight: int = 32  # calls at once, an account
    per_second: float | None = None  # calls an account; None: no limit of its own
    replies: Cap = Cap(30, 60)  # automatic replies to one address
    brief: bool = False  # each sign costs: the short form for whoever has not asked for another
    carrier: bool = False  # its network has STOP words of its own ("cancel", "end", "quit")
    unsolicited: Cap | None = None  # tighter, for replies to what did not answer us
    files: int = 0  # of one message; what is beyond, too large or of another type becomes a link
    file_bytes: int = 0  # of one file
    file_types: tuple[str, ...] = ("",)  # beginnings of media types: "image/", "application/pdf"
    caption: int | None = None  # characters of a message that carries files; None: as many as of any other
    window: float | None = None  # seconds from somebody's last message in which they can be written to
    knocks: bool = False  # after that, the channel has words of its own (a template) that may still leave
    spend: Cap | None = None  # billed units (`Receipt.units`), an account, all addresses together


@frozen(kw_only=True)
class Draft:
    """A plan put into words for one address, within what its channel carries."""

    to: KnownAddress
    parts: tuple[Part, ...]
    subject: str = ""
    choices: tuple[Choice, ...] = ()  # that it offers, as buttons or as a numbered list


@frozen(kw_only=True)
class Outbound:
    """A draft made fit for one channel; a row of the outbox. `id` stays the same over all attempts."""

    id: MessageId
    to: Address
    parts: tuple[Part, ...]
    subject: str = ""
    context: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    provider_id: str = ""  # where a former attempt told it
    attempts: int = 0
    heard_at: datetime | None = None  # when its address last wrote
    tried: tuple[datetime, datetime] | None = None  # from–to: when it may have been handed over, of what is `unknown`

    @property
    def text(self) -> str:
        """The words without any markup."""
        return plain(self.parts)
