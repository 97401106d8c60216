"""What the company has decided and approved: all that a plan is made from besides the customer and their words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, tzinfo

from omnibot.dialogue.knowledge import Knowledge
from omnibot.dialogue.linking import Linking
from omnibot.model import BusinessHours, Level, Register
from omnibot.model.values import frozen
from omnibot.playbooks import Playbooks, Within

__all__ = ["SUPPORT", "Company", "Team"]

SUPPORT = "support"  # the team of what no playbook gives to another


@frozen(kw_only=True)
class Team:
    """People who take matters over: how customers see them called, and when they work."""

    key: str  # as playbooks name it
    names: Mapping[str, str] = field(default_factory=dict)  # by language, the company's first
    hours: BusinessHours = field(default_factory=BusinessHours)
    zone: tzinfo = UTC  # in which the hours are told
    first: Within | None = None  # within which they first answer at a desk; None: that is not promised

    def name(self, language: str) -> str:
        """As it is called in a language; in the first that it has a name in, else by its key."""
        return self.names.get(language) or next(iter(self.names.values()), self.key)


@frozen
class Company:
    """Knowledge, playbooks and rules: the same for all customers, and exchanged as a whole."""

    knowledge: Knowledge
    playbooks: Playbooks = field(default_factory=Playbooks)
    linking: Linking = field(default_factory=Linking)
    hours: BusinessHours = field(default_factory=BusinessHours)
    zone: tzinfo = UTC
    teams: Mapping[str, Team] = field(default_factory=dict)  # by key
    registers: Mapping[str, Register] = field(default_factory=dict)  # by language: for whoever has shown none
    level: Level = Level.EMOTION  # how personal replies may be at most
    desk: bool = False  # whether people work at one: then the bot keeps silent about what they have
