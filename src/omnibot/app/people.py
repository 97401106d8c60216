"""Who works when, by which rules, and where."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from omnibot.app.bell import Bell
from omnibot.app.resources import Channels, Rooms
from omnibot.attending import Attending, DeskOffice, Views
from omnibot.desk import Levels, Staff
from omnibot.desk import Rules as DeskRules
from omnibot.dialogue import Knowledge, Team
from omnibot.intake.files import DiskFiles
from omnibot.model import BusinessHours
from omnibot.playbooks import Within as PromisedWithin
from omnibot.settings import WEEKDAYS, Hours, Settings, Within
from omnibot.store import Store


@dataclass(frozen=True, slots=True)
class StaffedDesk:
    """Where people work: what agents do, what they see, and by which rules."""

    office: DeskOffice
    views: Views
    rules: DeskRules
    rooms: Rooms


@asynccontextmanager
async def staffed_desk(
    settings: Settings, store: Store, files: DiskFiles, rooms: Rooms, bell: Bell
) -> AsyncIterator[StaffedDesk | None]:
    """None where no team has a room: hand-offs are then listed, and the bot answers on."""
    if not settings.desk.is_staffed:
        yield None
        return
    rules = desk_rules(settings)
    language = settings.bot.languages[0]
    knowledge = Knowledge.load(settings.bot.knowledge, language)
    views = Views(store, rules, lambda: knowledge, language)
    yield StaffedDesk(DeskOffice(store, views, rules, files, bell.ring), views, rules, rooms)


def desk_rules(settings: Settings) -> DeskRules:
    """By what the settings say people work."""
    desk = settings.desk
    teams = teams_of(settings)
    return DeskRules(
        teams={
            key: Staff(
                key=key,
                name=teams[key].name(settings.bot.languages[0]),
                hours=teams[key].hours,
                zone=teams[key].zone,
                levels=_levels(team.within),
                signature=team.signature,
            )
            for key, team in desk.teams.items()
        },
        remind_before=desk.remind_before,
        idle=timedelta(hours=desk.idle_hours),
        file_types=desk.file_types,
        max_file_bytes=desk.max_file_bytes,
    )


def _levels(within: Within) -> Mapping[str, Levels]:
    told = {"normal": within, "high": within.high, "urgent": within.urgent}
    return {
        priority: Levels(*(timedelta(hours=hours) for hours in (times.first, times.next, times.resolve)))
        for priority, times in told.items()
        if times is not None
    }


def attending_at(settings: Settings, store: Store, channels: Channels, desk: StaffedDesk) -> Attending:
    """The worker behind the desk: each channel that has one is a desk, by channel and account."""
    desks = {f"{name}.{account}": channel.desk() for (name, account), channel in channels.items()}
    return Attending(
        store.desk,
        desk.office,
        desk.views,
        desk.rules,
        {name: one for name, one in desks.items() if one is not None},
        desk.rooms,
        poll_seconds=settings.turns.poll_seconds,
    )


def business_hours(hours: Hours) -> BusinessHours:
    """The settings' hours as a value."""
    days = frozenset(map(WEEKDAYS.index, hours.days))
    return BusinessHours(opens=hours.opens, closes=hours.closes, days=days, holidays=frozenset(hours.holidays))


def teams_of(settings: Settings) -> Mapping[str, Team]:
    """The teams that playbooks can hand off to, by name; each works as the company does where nothing else is said."""
    company, holidays = settings.bot, frozenset(settings.desk.holidays)
    return {
        key: Team(
            key=key,
            names=dict(sorted(team.names.items(), key=lambda name: name[0] != company.languages[0])),
            hours=_without(business_hours(team.hours or company.hours), holidays),
            zone=ZoneInfo(team.zone or company.zone),
            first=_first(team.within.first) if settings.desk.is_staffed else None,
        )
        for key, team in settings.desk.teams.items()
    }


def _first(hours: float) -> PromisedWithin | None:
    return PromisedWithin(minutes=ceil(hours * 60)) if hours else None


def _without(hours: BusinessHours, holidays: frozenset[date]) -> BusinessHours:
    return replace(hours, holidays=hours.holidays | holidays) if holidays else hours
