"""By when a team has to have done what, in its working time, and when it is reminded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo

from omnibot.desk.rules import Rules, Staff
from omnibot.model import Stretch, StretchState
from omnibot.model.values import frozen
from omnibot.worktime import over

__all__ = ["FIRST", "NEXT", "RESOLVE", "Dues", "Reminder", "dues_of", "idles_at", "looks_at", "reminders", "when"]

FIRST, NEXT, RESOLVE = "first", "next", "resolve"
BREACH = "over"  # behind the name of a level: its time was over
_TOLD = {FIRST: "a first answer", NEXT: "an answer", RESOLVE: "a solution"}


@frozen
class Dues:
    """Until when what has to be done; None: that is done, or there is no such time."""

    first: datetime | None = None
    next: datetime | None = None
    resolve: datetime | None = None

    def nearest(self) -> tuple[str, datetime] | None:
        """What is due first."""
        told = [(name, at) for name, at in ((FIRST, self.first), (NEXT, self.next), (RESOLVE, self.resolve)) if at]
        return min(told, key=lambda one: one[1], default=None)


@frozen
class Reminder:
    """A team is to be reminded; `which` names the level, and whether its time is over: once since `since`."""

    which: str
    text: str
    breached: bool
    since: datetime


@frozen
class _Level:
    """One time that runs."""

    name: str
    since: datetime
    due: datetime
    early: datetime | None  # when the team is reminded of it before


def dues_of(stretch: Stretch, asked_at: datetime | None, rules: Rules) -> Dues:
    """What is due of an open stretch; `asked_at`: since when the customer waits for an answer of people."""
    dues = {level.name: level.due for level in _running(stretch, asked_at, rules)}
    return Dues(dues.get(FIRST), dues.get(NEXT), dues.get(RESOLVE))


def _running(stretch: Stretch, asked_at: datetime | None, rules: Rules) -> Iterator[_Level]:
    """The times that run; that until a solution begins anew with what was not solved after all."""
    if not stretch.state.is_open:
        return
    team = rules.team(stretch.team)
    within, early = team.within(stretch.priority), 1 - rules.remind_before
    answered = stretch.answered_at is not None
    for name, work, since in (
        (FIRST, within.first, None if answered else stretch.opened_at),
        (NEXT, within.next, asked_at if answered else None),
        (RESOLVE, within.resolve, stretch.reopened_at or stretch.opened_at),
    ):
        due = _after(work, team, since) if since else None
        if due is not None and since is not None:
            yield _Level(name, since, due, _after(work * early, team, since) if rules.remind_before else None)


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
    if stretch.state is StretchState.SNOOZED:
        return
    zone = rules.team(stretch.team).zone
    for level in _running(stretch, asked_at, rules):
        name, told = level.name, _TOLD[level.name]
        if now >= level.due:
            if not _told(reminded, f"{name}.{BREACH}", level.since):
                text = f"Overdue: {told} was due {when(level.due, zone)}."
                yield Reminder(f"{name}.{BREACH}", text, True, level.since)
        elif level.early is not None and now >= level.early and not _told(reminded, name, level.since):
            yield Reminder(name, f"Due {when(level.due, zone)}: {told}.", False, level.since)


def _told(reminded: Mapping[str, datetime], which: str, since: datetime) -> bool:
    """Whether it was told of this very time: who answers and is asked again has a new one."""
    at = reminded.get(which)
    return at is not None and at >= since


def looks_at(stretch: Stretch, asked_at: datetime | None, now: datetime, rules: Rules) -> datetime | None:
    """When the next of its times comes; None where none does by itself."""
    moments = [at for level in _running(stretch, asked_at, rules) for at in (level.early, level.due)]
    moments += [stretch.snoozed_until, idles_at(stretch, asked_at, rules)]
    return min((at for at in moments if at is not None and at > now), default=None)


def when(at: datetime, zone: tzinfo) -> str:
    """A moment as a team's people read it: by their clock."""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %H:%M} {local.tzname()}"


def idles_at(stretch: Stretch, asked_at: datetime | None, rules: Rules) -> datetime | None:
    """When the bot goes on because nobody took up what the customer wrote; None where that is left to people."""
    if asked_at is None or not rules.idle or not stretch.state.is_open or stretch.state is StretchState.SNOOZED:
        return None
    return _after(rules.idle, rules.team(stretch.team), asked_at)
