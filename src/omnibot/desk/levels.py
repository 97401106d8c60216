"""By when a team has to have done what, in its working time, and when it is reminded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from omnibot.desk.rules import Rules, Staff
from omnibot.model import Stretch, StretchState
from omnibot.worktime import over

__all__ = ["FIRST", "NEXT", "RESOLVE", "Dues", "Reminder", "dues_of", "idles_at", "reminders"]

FIRST, NEXT, RESOLVE = "first", "next", "resolve"
BREACH = "over"  # behind the name of a level: its time was over
_TOLD = {FIRST: "a first answer", NEXT: "an answer", RESOLVE: "a solution"}


@dataclass(frozen=True, slots=True)
class Dues:
    """Until when what has to be done; None: that is done, or there is no such time."""

    first: datetime | None = None
    next: datetime | None = None
    resolve: datetime | None = None

    def nearest(self) -> tuple[str, datetime] | None:
        """What is due first."""
        told = [(name, at) for name, at in ((FIRST, self.first), (NEXT, self.next), (RESOLVE, self.resolve)) if at]
        return min(told, key=lambda one: one[1], default=None)


@dataclass(frozen=True, slots=True)
class Reminder:
    """A team is to be reminded; `which` names it once for ever: the level, and whether its time is over."""

    which: str
    text: str
    breached: bool


def dues_of(stretch: Stretch, asked_at: datetime | None, rules: Rules) -> Dues:
    """What is due of an open stretch; `asked_at`: since when the customer waits for an answer of people."""
    if not stretch.state.is_open:
        return Dues()
    team = rules.team(stretch.team)
    within = team.within(stretch.priority)
    answered = stretch.answered_at is not None
    return Dues(
        first=None if answered else _after(within.first, team, stretch.opened_at),
        next=_after(within.next, team, asked_at) if answered and asked_at else None,
        resolve=_after(within.resolve, team, stretch.opened_at),
    )


def _after(work: timedelta, team: Staff, since: datetime) -> datetime | None:
    return over(work, team.hours, team.zone, since) if work else None


def reminders(
    stretch: Stretch,
    asked_at: datetime | None,
    reminded: Mapping[str, datetime],
    now: datetime,
    rules: Rules,
) -> Iterator[Reminder]:
    """What the team is to be told now: once before a time is over, and once when it is. What sleeps reminds nobody."""
    if not stretch.state.is_open or stretch.state is StretchState.SNOOZED:
        return
    team = rules.team(stretch.team)
    within, dues = team.within(stretch.priority), dues_of(stretch, asked_at, rules)
    for name, due, work, since in (
        (FIRST, dues.first, within.first, stretch.opened_at),
        (NEXT, dues.next, within.next, asked_at),
        (RESOLVE, dues.resolve, within.resolve, stretch.opened_at),
    ):
        if due is None or since is None:
            continue
        if now >= due:
            if not _told(reminded, f"{name}.{BREACH}", since):
                yield Reminder(f"{name}.{BREACH}", f"Overdue: {_TOLD[name]} was due {_moment(due, team)}.", True)
        elif rules.remind_before and not _told(reminded, name, since):
            early = over(work * (1 - rules.remind_before), team.hours, team.zone, since)
            if early is not None and now >= early:
                yield Reminder(name, f"Due {_moment(due, team)}: {_TOLD[name]}.", False)


def _told(reminded: Mapping[str, datetime], which: str, since: datetime) -> bool:
    """Whether it was told of this very time: who answers and is asked again has a new one."""
    at = reminded.get(which)
    return at is not None and at >= since


def _moment(at: datetime, team: Staff) -> str:
    local = at.astimezone(team.zone)
    return f"{local:%a %d %b %H:%M} {local.tzname()}"


def idles_at(stretch: Stretch, asked_at: datetime | None, rules: Rules) -> datetime | None:
    """When the bot goes on because nobody took up what the customer wrote; None where that is left to people."""
    if asked_at is None or not rules.idle or not stretch.state.is_open or stretch.state is StretchState.SNOOZED:
        return None
    return _after(rules.idle, rules.team(stretch.team), asked_at)
