"""What is remembered that matters now."""

from __future__ import annotations

from collections.abc import Sequence

from omnibot.model import Recollection, TimelineMessage, TurnMessage

__all__ = ["RECENT", "recall"]

RECENT = 20  # messages: enough to see what was just said on every channel


def recall(timeline: Sequence[TimelineMessage], turn: Sequence[TurnMessage]) -> Recollection:
    """The latest messages in the order in which they were written, oldest first, without the turn's own."""
    own = {message.id for message in turn}
    earlier = sorted(
        (message for message in timeline if message.id not in own),
        key=lambda message: (message.at, message.id),
    )
    return Recollection(recent=tuple(earlier[-RECENT:]))
