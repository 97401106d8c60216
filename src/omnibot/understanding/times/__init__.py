"""The times that a message names, with the moments that they mean to its writer."""

from __future__ import annotations

from omnibot.understanding.times.reading import Times
from omnibot.understanding.times.sensitivity import time_sensitivity

__all__ = ["Times", "time_sensitivity"]
