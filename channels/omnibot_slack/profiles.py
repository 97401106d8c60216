"""What Slack knows of the people who write: name, email, time zone and language, asked once in a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from omnibot.model import Identifier, IdentifierKind, Sender
from omnibot_slack.account import Account, CallFailed
from omnibot_slack.remembered import Remembered

KEPT = 3600.0  # seconds that a profile is believed
MISSED = 30.0  # seconds until it is asked for again when Slack did not give it
ASK_WITHIN = 1.2  # seconds; Slack wants its acknowledgement within three
_MOST = 20_000  # people

_log = structlog.get_logger("omnibot.slack")


@dataclass(frozen=True, slots=True)
class Profile:
    """What stands in somebody's profile; '' where nothing does."""

    name: str = ""
    language: str = ""
    email: str = ""
    zone: str = ""
    trusted_in: str = ""  # the workspace that answers for the email
    team: str = ""  # their own workspace
    teams: frozenset[str] = frozenset()  # of an organisation (Enterprise Grid), all workspaces that they are in
    guest: bool = False  # somebody whom a workspace lets into some of its channels
    gone: bool = False  # their account is closed
    known: bool = False  # whether Slack has answered

    def of(self, sender: Sender) -> Sender:
        """A sender with all that."""
        return replace(
            sender,
            name=self.name,
            language=self.language,
            email=self.email,
            zone=self.zone,
            vouched=self._vouched(sender),
        )

    def _vouched(self, sender: Sender) -> tuple[Identifier, ...]:
        of_that_workspace = self.trusted_in and sender.address.value.startswith(f"{self.trusted_in}/")
        return (Identifier(IdentifierKind.EMAIL, self.email),) if of_that_workspace and self.email else ()


class Profiles:
    """The people of a workspace, and those of others who share a channel with it.

    `trusted` are the workspaces whose profiles' email addresses are taken for proven.
    """

    def __init__(
        self, account: Account, now: Callable[[], datetime], *, name: str, trusted: Collection[str] = ()
    ) -> None:
        self._account = account
        self._trusted = trusted
        self._known: Remembered[str, Profile] = Remembered(now, most=_MOST)
        self._asking: dict[str, asyncio.Lock] = {}
        self._log = _log.bind(channel="slack", account=name)

    async def of(self, user: str) -> Profile:
        """Somebody's profile. Without an answer of Slack's it is empty: nobody's message waits for a name."""
        if (known := self._known.get(user)) is not None:
            return known
        lock = self._asking.setdefault(user, asyncio.Lock())
        try:
            async with lock:
                if (known := self._known.get(user)) is not None:
                    return known  # somebody else has asked meanwhile
                profile, seconds = await self._ask(user)
                self._known.keep(user, profile, seconds)
                return profile
        finally:
            self._asking.pop(user, None)

    async def _ask(self, user: str) -> tuple[Profile, float]:
        try:
            answer = await self._account.call(
                lambda web: web.users_info(user=user, include_locale=True), seconds=ASK_WITHIN
            )
        except CallFailed as failed:
            self._log.info("profile_unknown", reason=failed.reason)
            return Profile(), failed.after or MISSED
        return _profile(answer.get("user"), self._trusted), KEPT


def _profile(user: object, trusted: Collection[str]) -> Profile:
    fields = user if isinstance(user, dict) else {}
    inner = fields.get("profile") if isinstance(fields.get("profile"), dict) else {}
    return Profile(
        name=_first(inner, "real_name", "display_name") or _first(fields, "real_name", "name"),
        language=_first(fields, "locale").partition("-")[0].lower(),
        email=_first(inner, "email"),
        zone=_first(fields, "tz"),
        trusted_in=_trusted_in(fields, trusted),
        team=_first(fields, "team_id"),
        teams=_teams(fields.get("enterprise_user")),
        guest=fields.get("is_restricted") is True or fields.get("is_ultra_restricted") is True,
        gone=fields.get("deleted") is True,
        known=bool(fields),
    )


def _teams(organised: object) -> frozenset[str]:
    teams = organised.get("teams") if isinstance(organised, dict) else None
    return frozenset(team for team in teams if isinstance(team, str)) if isinstance(teams, list) else frozenset()


def _trusted_in(fields: Any, trusted: Collection[str]) -> str:  # noqa: ANN401 - it is JSON, whatever that holds
    """The member's own workspace, as Slack tells it here: an event may leave it out."""
    team = fields.get("team_id")
    is_trusted = isinstance(team, str) and team in trusted and fields.get("is_email_confirmed") is not False
    return team if is_trusted else ""


def _first(fields: Any, *names: str) -> str:  # noqa: ANN401 - it is JSON, whatever that holds
    for name in names:
        if isinstance(value := fields.get(name), str) and value.strip():
            return value.strip()
    return ""
