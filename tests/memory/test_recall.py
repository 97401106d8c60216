"""What a turn sees of the timeline: the latest, in order, without itself."""

from datetime import UTC, datetime, timedelta

from omnibot.memory import RECENT, recall
from omnibot.model import (
    Address,
    AddressId,
    CustomerId,
    Direction,
    MessageId,
    Reading,
    Sentiment,
    Signal,
    Snapshot,
    TimelineMessage,
    TurnMessage,
    Urgency,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
READING = Reading(
    language=Signal("en", 0.9), sentiment=Sentiment(0.0, 0.0), urgency=Signal(Urgency.NORMAL, 0.0, known=False)
)


def entry(number: int, minutes: int) -> TimelineMessage:
    return TimelineMessage(
        id=MessageId(number),
        customer=CustomerId(1),
        address=Address("telegram", "4711"),
        direction=Direction.IN,
        at=NOON + timedelta(minutes=minutes),
        text=f"message {number}",
    )


def recent(timeline: list[TimelineMessage], *turn: TurnMessage) -> tuple[TimelineMessage, ...]:
    snapshot = Snapshot(customer=CustomerId(1), addresses=(), timeline=tuple(timeline))
    return recall(snapshot, READING, turn).recent


def test_the_turns_own_messages_are_not_memories() -> None:
    own = TurnMessage(id=MessageId(2), address=AddressId(1), at=NOON, text="message 2")
    assert recent([entry(1, 0), entry(2, 1)], own) == (entry(1, 0),)


def test_only_the_latest_are_kept() -> None:
    latest = recent([entry(number, number) for number in range(RECENT + 5)])
    assert [message.id for message in latest] == list(range(5, RECENT + 5))
