"""What people have in hand: their stretches, what agents do, what they are shown."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from enum import StrEnum

from omnibot.model.cases import CaseChange
from omnibot.model.delivery import Draft
from omnibot.model.ids import AddressId, CaseId, MessageId, StretchId
from omnibot.model.incoming import Attachment
from omnibot.model.parts import File
from omnibot.model.values import frozen


@frozen
class Agent:
    """A member of staff at a desk: `id` is `slack:T1/U2` or `email:ana@example.org`; the name is what others see."""

    id: str
    name: str = ""


class ActKind(StrEnum):
    """What an agent does about a matter that people own."""

    TAKE = "take"
    ASSIGN = "assign"  # `value`: the id of the agent, `text` their name
    TEAM = "team"  # `value`: the team's key
    PRIORITY = "priority"  # `value`: normal, high, urgent
    SNOOZE = "snooze"  # `value`: until when, ISO 8601
    CONSENT = "consent"  # ask the customer whether they agree to something; `text` what
    REPLY = "reply"  # `text` and `files` go to the customer
    NOTE = "note"  # for people alone
    RESOLVE = "resolve"  # `value`: the reason, `text`: what worked
    REOPEN = "reopen"
    HAND_BACK = "hand_back"  # the bot goes on
    RETRY = "retry"  # send again what failed; `entry` says which
    MERGE = "merge"  # `value`: the review that is accepted; `text` why
    MUTE = "mute"  # no more reminders about it for this agent
    EDITED = "edited"  # what was sent was changed in the thread; the customer has what was sent
    DELETED = "deleted"
    REFUSED = "refused"  # somebody tried who may not; `text` what, `value` why. Only written down


@frozen(kw_only=True)
class DeskAct:
    """One act of one agent. `id` is the provider's id of the delivery: what comes again is the same act."""

    id: str
    at: datetime
    by: Agent
    kind: ActKind
    text: str = ""
    value: str = ""
    entry: str = ""  # the provider's id of the message in the thread that it is, or is about
    files: tuple[Attachment, ...] = ()


class StretchState(StrEnum):
    """How far people have come with a matter that was handed to them."""

    WAITING = "waiting"  # nobody has it yet
    TAKEN = "taken"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    RETURNED = "returned"  # to the bot

    @property
    def is_open(self) -> bool:
        """Whether people own the matter, and the bot keeps silent about it."""
        return self not in (StretchState.RESOLVED, StretchState.RETURNED)


@frozen(kw_only=True)
class Stretch:
    """The time in which people own a matter, as the customer's lane keeps it; one thread at a desk."""

    id: StretchId
    address: AddressId  # that the hand-off was about
    matter: CaseId | None = None  # None: what no case was made of
    team: str
    priority: str = "normal"
    state: StretchState = StretchState.WAITING
    owner: Agent | None = None
    why: str = ""  # it was handed off
    opened_at: datetime
    answered_at: datetime | None = None  # when people first wrote to the customer
    snoozed_until: datetime | None = None
    ended_at: datetime | None = None
    reopened_at: datetime | None = None
    outcome: str = ""  # why it ended, and what worked
    asked_at: datetime | None = field(default=None, compare=False)  # since when the customer waits for people


@frozen
class Notice:
    """A line that the desk shows in a thread; to one agent alone where `to` is told."""

    text: str
    to: str = ""  # the id of an agent
    entry: str = ""  # the message in the thread that it is about


@frozen(kw_only=True)
class Done:
    """What became of an act: the stretch as it is after it, and what the desk tells about it."""

    stretch: StretchId
    act: DeskAct
    after: Stretch | None = None  # None: nothing has changed
    refused: str = ""  # why it was not done
    notices: tuple[Notice, ...] = ()
    case: CaseChange | None = None  # what follows for the matter
    replies: tuple[Draft, ...] = ()  # to the customer, in the agent's words
    retries: MessageId | None = None  # one of ours to be sent again
    merges: int | None = None  # the review that staff accepted


@frozen(kw_only=True)
class CardLine:
    """Something said, or something tried, as a card tells it."""

    at: datetime
    by: str  # a name, `bot`, or '' for the customer
    text: str
    channel: str = ""
    result: str = ""  # of what was tried


@frozen(kw_only=True)
class Card:
    """What people see first of a matter that was handed to them. All texts are plain, and a customer's are theirs."""

    stretch: Stretch
    team: str  # as people call it
    name: str
    contacts: tuple[tuple[str, str], ...] = ()  # address as text, how it is proven
    since: datetime | None = None  # a customer
    plan: str = ""
    worth: str = ""
    mood: float | None = None  # −1…1
    trend: str = ""  # falling, steady, rising
    urgency: str = ""
    deadline: datetime | None = None
    language: str = "en"
    zone: str = "UTC"
    times: int = 1  # they came for it
    concern: str = ""
    tried: tuple[CardLine, ...] = ()
    said: tuple[CardLine, ...] = ()  # last, oldest first
    suggestion: str = ""  # a reply that could be sent
    due: datetime | None = None  # by when something must be done
    due_for: str = ""  # first, next, resolve
    overdue: bool = False
    reviews: tuple[int, ...] = ()  # merges that wait for people, by id


class EntryKind(StrEnum):
    """What a line of a thread is."""

    HEARD = "heard"  # a customer wrote
    SAID = "said"  # the bot, or people elsewhere, wrote to them
    NOTICE = "notice"
    REMINDER = "reminder"  # the team is called


@frozen(kw_only=True)
class Entry:
    """One line of a thread."""

    id: int  # stays the same over all attempts
    kind: EntryKind
    at: datetime
    text: str
    name: str = ""  # who wrote
    channel: str = ""
    files: tuple[File, ...] = ()
    to: str = ""  # the agent who alone sees it
    about: str = ""  # the provider's id of the message in the thread that it is about
