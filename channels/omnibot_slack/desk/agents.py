"""Who may act at the desk: staff of the settings, and nobody who is only a guest."""

from __future__ import annotations

import asyncio

from omnibot.model import Agent
from omnibot_slack.account import CallFailed, Me
from omnibot_slack.desk.showing import agent_of
from omnibot_slack.profiles import Profiles
from omnibot_slack.staff import Staff

GUEST = "guests may not act here"
GONE = "their account is closed"
STRANGER = "people of other workspaces may not act here, unless they are on the list of staff"
NOBODY = "only who is on the list of staff may act here"


class Agents:
    """The members whom the settings let act."""

    def __init__(self, staff: Staff, profiles: Profiles) -> None:
        self._staff = staff
        self._profiles = profiles

    async def judge(self, team: str, user: str, me: Me) -> tuple[Agent, str]:
        """Who it is, and why they may not act, '' where they may. Raises CallFailed where that cannot be known.

        Slack's own word for where somebody is at home counts more than what came with an act. Who is in several
        workspaces of an organisation is at home in ours.
        """
        async with asyncio.TaskGroup() as asking:
            asked = asking.create_task(self._profiles.of(user))
            warmed = asking.create_task(self._lists(f"{team}/{user}", me))
        profile = asked.result()
        if not profile.known:
            raise CallFailed("profile_unknown")
        home = me.team if me.team in profile.teams else profile.team or team
        agent = agent_of(home, user, profile.name)
        if profile.guest or profile.gone:
            return agent, GUEST if profile.guest else GONE
        listed = warmed.result() if home == team else await self._lists(f"{home}/{user}", me)
        if isinstance(listed, CallFailed):
            raise listed
        if listed:
            return agent, ""
        return agent, NOBODY if home == me.team else STRANGER

    async def _lists(self, address: str, me: Me) -> bool | CallFailed:
        try:
            return await self._staff.lists(address, me)
        except CallFailed as failed:  # a group of tasks would wrap it
            return failed
