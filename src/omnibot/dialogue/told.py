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
    """What we said last, since they wrote before this turn."""
    now, told = turn.messages[0].at, []
    for message in reversed(turn.recollection.recent):
        if message.direction is Direction.IN or now - message.at > _JUST_TOLD:
            break
        told.append(" ".join(message.text.split()))
    return told


def tells(told: Sequence[str], article: Article) -> bool:
    """Whether we said what an article says, at any depth."""
    if not told:
        return False
    openings = [_opening(text) for text in (article.short, article.detailed, article.technical) if text]
    return any(opening in text for text in told for opening in openings)


@lru_cache(_OPENINGS_REMEMBERED)
def _opening(text: str) -> str:
    return " ".join(text.split())[:_OPENING]
