"""`[desk]`: the people behind the bot, by team."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import Field, field_validator

from omnibot.settings.bot import Language
from omnibot.settings.hours import Hours
from omnibot.settings.places import must_be_filled
from omnibot.settings.section import Count, Section
from omnibot.zones import zone_named

WorkHours = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]


class Levels(Section):
    """Within how many hours of a team's work something is done; 0: no such time is kept."""

    first: WorkHours = 0
    """Until people have first written to a customer whose matter was handed to them."""
    next: WorkHours = 0
    """Until they have answered what a customer wrote later."""
    resolve: WorkHours = 0
    """Until the matter is resolved."""


class Within(Levels):
    """Service levels of a team, and those of its weightier matters where they are others."""

    high: Levels | None = None
    """Of matters of high priority."""
    urgent: Levels | None = None
    """Of urgent matters."""


class Team(Section):
    """People who take matters over from the bot."""

    names: dict[Language, str] = Field(default_factory=dict)
    """How customers see them called, by language; else in the company's language, else as the table is called."""
    zone: str = ""
    """IANA name of the zone in which their hours are told; empty: the company's."""
    hours: Hours | None = None
    """When they work; without this table when the company does."""
    rooms: dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*(\.[a-z][a-z0-9]*(_[a-z0-9]+)*)?$")],
        Annotated[str, Field(min_length=1)],
    ] = Field(default_factory=dict)
    """Where its threads are opened, by channel, or channel.account where it has several: { slack = "C0123", email =
    "senior@example.org" }. The first that works is used. A team without rooms uses those of `support`."""
    signature: str = "{agent}, {company}"
    """Below what its people write to customers, with {agent} for a first name, {team} and {company}."""
    within: Within = Within()

    @field_validator("zone")
    @classmethod
    def _exists(cls, zone: str) -> str:
        return zone_named(zone).key if zone else zone

    @field_validator("signature")
    @classmethod
    def _places_are_filled(cls, signature: str) -> str:
        must_be_filled(signature, "agent", "team", "company")
        return signature


_TEAMS: Mapping[str, Mapping[str, dict[str, str]]] = {
    "support": {
        "names": {
            "en": "our support team",
            "es": "nuestro equipo de soporte",
            "de": "unser Support-Team",
            "fr": "notre équipe d'assistance",
        }
    },
    "senior": {
        "names": {
            "en": "our senior support team",
            "es": "nuestro equipo de soporte especializado",
            "de": "unser Team für schwierige Fälle",
            "fr": "notre équipe d'experts",
        }
    },
}


class Desk(Section):
    """The people behind the bot."""

    teams: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")], Team] = Field(
        default_factory=lambda: {name: Team.model_validate(team) for name, team in _TEAMS.items()}
    )
    """By the name that playbooks hand off to. `support` and `senior` are always there."""
    remind_before: Annotated[float, Field(ge=0, lt=1)] = 0.25
    """Which share of a service level's time is left when its team is first reminded; 0: only when it is over."""
    holidays: tuple[date, ...] = ()
    """On which no team works, besides those of its own: [2026-12-25, 2027-01-01] and the like."""
    idle_hours: WorkHours = 0
    """After so many hours of the team's work in which nobody took up what a customer wrote, the bot goes on with it; 0:
    people keep it until they give it back."""
    file_types: tuple[str, ...] = ("image/", "audio/", "video/", "text/", "application/pdf", "application/zip")
    """Beginnings of the media types of files that people may send to customers."""
    max_file_bytes: Count = 20_000_000
    """Larger files are not sent to customers."""

    @property
    def is_staffed(self) -> bool:
        """Whether people work anywhere: without a room the bot answers on, and hand-offs are only listed."""
        return any(team.rooms for team in self.teams.values())

    @field_validator("teams", mode="before")
    @classmethod
    def _beside_the_others(cls, teams: object) -> object:
        """To give one team its hours takes away neither its name nor the other one."""
        if not isinstance(teams, dict):
            return teams
        told = {name: {**_TEAMS.get(name, {}), **team} for name, team in teams.items() if isinstance(team, dict)}
        return {**_TEAMS, **teams, **told}
