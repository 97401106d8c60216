"""What comes in, as a channel tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal

from omnibot.model.addresses import NOTHING, Sender
from omnibot.model.delivery import DeliveryState
from omnibot.model.ids import MessageId
from omnibot.model.values import frozen


@frozen(kw_only=True)
class Attachment:
    """A file that came with a message: its bytes (`content`), or the channel's reference to fetch them by."""

    name: str  # as the sender called it: shown escaped, never used as a path
    media_type: str
    size: int | None = None  # bytes, where the provider says
    ref: str = ""  # the channel's own; `Channel.fetch` understands it
    content: bytes | None = field(default=None, repr=False)


@frozen
class Location:
    """A point that somebody shared."""

    latitude: float
    longitude: float
    label: str = ""


@frozen(kw_only=True)
class Contact:
    """A contact card that somebody shared; `own` when the provider vouches that it is the sender's."""

    name: str
    phone: str
    own: bool = False


@frozen(kw_only=True)
class Incoming:
    """What every arrival has: `id` is the provider's id of this *delivery* and dedupes for ever."""

    id: str
    at: datetime  # aware; when it was written, as the provider says
    sender: Sender


Opt = Literal["", "stop", "start", "help"]


@frozen(kw_only=True)
class IncomingMessage(Incoming):
    """Somebody wrote.

    `context` is what the channel wants back to answer in the same place (thread, subject); opaque to the core.
    `answers` are provider ids of messages it refers to; `answers_ours` is one of our message ids that the channel has
    *verified* for this sender (a signed token).
    """

    message_id: str  # the provider's id of the message, unique for this address
    text: str
    attachments: tuple[Attachment, ...] = ()
    location: Location | None = None
    contact: Contact | None = None
    answers: tuple[str, ...] = ()
    answers_ours: MessageId | None = None
    context: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    automatic: str = ""  # why it is never answered (auto-reply, list, bounce, a country not served): only stored
    opt: Opt = ""  # a keyword that its network knows, and has obeyed and answered already
    quarantine: str = ""  # why the sender cannot be believed: kept for staff, off every timeline
    flags: tuple[str, ...] = ()  # what staff should see: `staff_only`


@frozen(kw_only=True)
class IncomingEdit(Incoming):
    """Somebody changed what they wrote."""

    message_id: str
    text: str


@frozen(kw_only=True)
class ButtonPress(Incoming):
    """Somebody pressed a choice that we offered; `value` is the choice's own."""

    value: str
    message_id: str = ""
    context: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@frozen(kw_only=True)
class DeliveryReport(Incoming):
    """The provider tells what became of one of ours; `sender` is the address it went to.

    HELD: it was not delivered because the customer must write first, and waits until they do.
    """

    provider_id: str
    state: DeliveryState
    reason: str = ""
    unreachable: bool = False
