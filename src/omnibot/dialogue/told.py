"""What we said last, and which articles it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache

from omnibot.dialogue.articles import Article
from omnibot.dialogue.turn import Turn
from omnibot.model import Direction

__all__ = ["just_told", "tells"]

_JUST_TOLD = timedelta(hours=24)  # within which the same answer again is no help
_OPENING = 80  # characters, by which an article is known again
_OPENINGS_REMEMBERED = 1000  # of articles


def just_told(turn: Turn) -> Sequence[str]:
    """What we said last, since they wrote before this turn, the latest first."""
    now, told = turn.messages[0].at, []
    for message in reversed(turn.recollection.recent):
        if message.direction is Direction.IN or now - message.at > _JUST_TOLD:
            break
        told.append(message.text)
    return told


def tells(told: Sequence[str], article: Article) -> bool:
    """Whether we said what an article says, at any depth."""
    if not told:
        return False
    for depth in (article.short, article.detailed, article.technical):
        opening, longest = _opening(depth)
        for text in told:
            # A word alone is looked for first: what we say is long, and few messages have to be brought in line.
            if longest and longest in text and opening in " ".join(text.split()):
                return True
    return False


@lru_cache(_OPENINGS_REMEMBERED)
def _opening(text: str) -> tuple[str, str]:
    """How a text begins, in single spaces, and the longest word of that."""
    opening = " ".join(text.split())[:_OPENING]
    return opening, max(opening.split(), key=len, default="")
