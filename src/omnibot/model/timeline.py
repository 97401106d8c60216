"""What was said, in one go and over all time."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from omnibot.model.addresses import Address
from omnibot.model.delivery import DeliveryState
from omnibot.model.ids import AddressId, CustomerId, MessageId
from omnibot.model.parts import Choice
from omnibot.model.values import frozen


class Direction(StrEnum):
    """Which way a message went."""

    IN = "in"
    OUT = "out"


@frozen(kw_only=True)
class TimelineMessage:
    """One entry on a timeline."""

    id: MessageId
    customer: CustomerId
    address: Address
    direction: Direction
    at: datetime
    text: str
    answers: MessageId | None = None
    attachments: int = 0
    revisions: int = 0
    state: DeliveryState | None = None  # of ours
    flags: tuple[str, ...] = ()  # of theirs: what staff should see
    choices: tuple[Choice, ...] = ()  # that it offered, as buttons or as a numbered list
    by: str = ""  # of ours: the person who wrote it; '' where it was the server


@frozen(kw_only=True)
class TurnMessage:
    """One message of a turn, as stored."""

    id: MessageId
    address: AddressId
    at: datetime
    text: str
    provider_id: str = ""  # by which edits name it
    pressed: str = ""  # the value of the choice that was pressed
    attachments: int = 0
    answers: MessageId | None = None
    automatic: str = ""
    flags: tuple[str, ...] = ()
    own_number: bool = False  # it is their own contact card, by the provider's word
