"""What is remembered that matters now."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from omnibot.memory.situation import situate
from omnibot.model import Recollection, TimelineMessage, TurnMessage

__all__ = ["RECENT", "recall", "situate"]

RECENT = 20  # messages: enough to see what was just said on every channel
_written = attrgetter("at", "id")


def recall(timeline: Sequence[TimelineMessage], turn: Sequence[TurnMessage]) -> Recollection:
    """The latest messages in the order in which they were written, oldest first, without the turn's own."""
    own = {message.id for message in turn}
    earlier = sorted((message for message in timeline if message.id not in own), key=_written)
    return Recollection(recent=tuple(earlier[-RECENT:]))
