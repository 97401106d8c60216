"""What the company has decided of its teams: when they work, by when they answer, how they sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, timedelta, tzinfo

from omnibot.model import BusinessHours
from omnibot.model.values import frozen

__all__ = ["HIGH", "NORMAL", "PRIORITIES", "URGENT", "Levels", "Rules", "Staff"]

NORMAL, HIGH, URGENT = "normal", "high", "urgent"
PRIORITIES = (NORMAL, HIGH, URGENT)


@frozen
class Levels:
    """Within how much of a team's working time something is done; none: there is no such time."""

    first: timedelta = timedelta()
    next: timedelta = timedelta()
    resolve: timedelta = timedelta()


_NONE = Levels()


@frozen(kw_only=True)
class Staff:
    """A team, as it works."""

    key: str
    name: str = ""  # as its own people call it
    hours: BusinessHours = field(default_factory=BusinessHours)
    zone: tzinfo = UTC
    levels: Mapping[str, Levels] = field(default_factory=dict)  # by priority
    signature: str = ""  # below what its people write, with places for agent, team and company

    def within(self, priority: str) -> Levels:
        """Its service levels; those of normal matters where a priority has none of its own."""
        return self.levels.get(priority) or self.levels.get(NORMAL, _NONE)


@frozen(kw_only=True)
class Rules:
    """All teams, and what holds for all of them."""

    teams: Mapping[str, Staff]  # by key; `support` is always there
    remind_before: float = 0.25  # share of a level's time that is left at the first reminder
    idle: timedelta = timedelta()  # of working time, after which the bot goes on; none: never
    file_types: tuple[str, ...] = ("",)
    max_file_bytes: int = 20_000_000

    def team(self, key: str) -> Staff:
        """A team; `support` for one that is not there any more."""
        return self.teams.get(key) or self.teams["support"]
