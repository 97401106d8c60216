"""The times that a message names, with the moments that they mean to its writer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from omnibot.model import NamedTime, Signal

if TYPE_CHECKING:
    from omnibot.understanding.utterance import Utterance

__all__ = ["Times", "time_sensitivity"]


class Times:
    """Reads the times out of messages in the languages that it was built for."""

    def __init__(self, languages: Iterable[str]) -> None:
        self._languages = frozenset(languages)

    def read(self, utterance: Utterance) -> tuple[NamedTime, ...]:
        """The times in the order of the text, at most some twenty."""
        return ()


def time_sensitivity(utterance: Utterance, times: Sequence[NamedTime]) -> Signal[float]:
    """How soon the message wants something done: 0 whenever … 1 now; unknown where nothing tells."""
    return Signal(0.0, 0.0, known=False)
