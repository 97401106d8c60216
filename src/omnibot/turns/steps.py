"""What the steps need besides their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from omnibot.desk import Rules, Staff
from omnibot.dialogue import Company
from omnibot.identity.codes import Codes
from omnibot.memory import Matters
from omnibot.memory.ranking import Embed
from omnibot.model import BusinessHours, Disclosure, Limits, MessageId
from omnibot.model.values import frozen
from omnibot.store.work import CodeLimits
from omnibot.understanding import Understanding
from omnibot.voice import Speaker


@frozen(kw_only=True)
class Proofs:
    """What it takes to have an address proven by a code."""

    codes: Codes
    limits: CodeLimits
    link: Callable[[MessageId, bytes], str] = lambda *_: ""  # the address that does what typing a code does, if any
    accounts: Mapping[str, str]  # by channel: that writes to who has never written


@dataclass(slots=True, kw_only=True)
class Steps:
    """What the steps need besides their values. A turn takes its company as it is when it decides."""

    understanding: Understanding
    company: Company
    limits: Mapping[str, Limits]  # by channel
    speaker: Speaker
    disclosure: Disclosure
    zone: tzinfo = UTC  # the company's, and that of whoever is not known to live in another
    hours: BusinessHours = field(default_factory=BusinessHours)
    proofs: Proofs | None = None  # without them nothing is linked in conversation
    embed: Embed | None = None  # without it nobody is reminded of what was said long ago
    matters: Matters = field(default_factory=Matters)  # how one matter is told from another
    desk: Rules = field(default_factory=lambda: Rules(teams={"support": Staff(key="support")}))
    phrasing: Callable[[], str] | None = None  # why no language model can be asked now, or ''; None: there is none

    @property
    def windows(self) -> Mapping[str, float]:
        """The channels on which nobody can be written to but who wrote, for so many seconds."""
        return {name: limits.window for name, limits in self.limits.items() if limits.window and not limits.knocks}
