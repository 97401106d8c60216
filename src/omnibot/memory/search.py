"""What of all that was said answers a question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Embed", "Found", "Said"]

Embed = Callable[[str], NDArray[np.float32]]  # a text as a vector of length 1; similar texts have similar ones


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation."""

    id: str
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """A message that may answer a question; scores of one question are comparable, those of two are not."""

    id: str
    score: float
