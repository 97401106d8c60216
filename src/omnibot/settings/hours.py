"""When somebody works, and by which clock."""

from __future__ import annotations

from datetime import date, time
from typing import Literal, Self, get_args

from pydantic import model_validator

from omnibot.settings.section import Section

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)  # Monday first


class Hours(Section):
    """When somebody works at the company: what "two business days" and "end of business" mean."""

    opens: time = time(9)
    """By the clock of the company's zone."""
    closes: time = time(18)
    """By the same clock."""
    days: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")
    """On which somebody works."""
    holidays: tuple[date, ...] = ()
    """On which nobody does: 2026-12-25 and the like."""

    @model_validator(mode="after")
    def _opens_first(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError(f"closes at {self.closes:%H:%M}, not after it opens: correct opens or closes")
        return self
