"""How soon a message wants something done."""

from __future__ import annotations

from collections.abc import Sequence

from omnibot.model import NamedTime, Signal
from omnibot.understanding.utterance import Utterance

__all__ = ["time_sensitivity"]


def time_sensitivity(utterance: Utterance, times: Sequence[NamedTime]) -> Signal[float]:
    """How soon the message wants something done: 0 whenever … 1 now; unknown where nothing tells."""
    return Signal(0.0, 0.0, known=False)
