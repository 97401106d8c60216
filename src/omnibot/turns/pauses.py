"""What a turn waits for: what was said long ago, and other words for what it says."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import timedelta

from omnibot.memory.past import Seek, seek
from omnibot.model import (
    AddressId,
    CustomerId,
    MessageId,
    Plan,
    Reading,
    Recalled,
    Situation,
    Snapshot,
    TimelineMessage,
    TurnMessage,
)
from omnibot.model.values import frozen
from omnibot.store.work import TIMELINE, Work
from omnibot.turns.lane import text_of
from omnibot.turns.steps import Steps
from omnibot.voice.phrasing import Phrased as Phrased
from omnibot.voice.phrasing import Wording as Wording
from omnibot.voice.phrasing import can_be_phrased, wording

_JUST_NOW = timedelta(minutes=2)


@frozen
class Remind:
    """A turn would be reminded of what was said at these addresses before what it sees anyway."""

    customer: CustomerId
    addresses: tuple[AddressId, ...]
    seek: Seek
    seen: frozenset[MessageId]


Pause = Remind | Wording | None  # what a turn waits for
Told = Sequence[Recalled] | Phrased | None  # what it goes on with


def reminded(told: Told) -> Sequence[Recalled]:
    """What the turn is reminded of, if it goes on with anything like that."""
    return told if told and not isinstance(told, Phrased) else ()


def phrased_by_model(
    plan: Plan,
    snapshot: Snapshot,
    variant: int,
    recent: Sequence[TimelineMessage],
    work: Work,
    messages: Sequence[TurnMessage],
    steps: Steps,
) -> Generator[Pause, Told, Phrased | None]:
    """What a model makes of the reply, where there is one that could; None where it was never to be asked."""
    if steps.phrasing is None or not can_be_phrased(plan):
        return None
    if why := steps.phrasing():
        return Phrased(why=why)
    now = messages[-1].at

    def read(text: str) -> Reading:
        return steps.understanding.read(text, Situation(now=now, zone=steps.zone, hours=steps.hours))

    asked = wording(
        plan,
        snapshot,
        steps.limits,
        steps.speaker,
        variant,
        recent,
        at=work.at,
        said=text_of(messages),
        read=read,
    )
    if asked is None:
        return None
    told = yield asked
    return told if isinstance(told, Phrased) else Phrased(why="nobody")


def remind(
    work: Work, snapshot: Snapshot, messages: Sequence[TurnMessage], reading: Reading, steps: Steps
) -> Remind | None:
    """Most have said no more than the turn sees, and of what was said just now nothing is indexed yet."""
    if len(work.timeline) < TIMELINE or steps.embed is None:
        return None
    heard = [a for a in work.addresses if a.id in snapshot.open and (a.since is None or work.at - a.since > _JUST_NOW)]
    if not heard:
        return None
    said = [message.address for message in work.timeline]
    addresses = tuple([a.id for a in heard if said.count(a.address) >= TIMELINE])
    sought = seek(text_of(messages), reading.language.value, steps.embed) if addresses else None
    if sought is None:
        return None
    seen = frozenset(message.id for message in work.timeline)  # the turn's own are among them
    return Remind(snapshot.customer, addresses, sought, seen)
