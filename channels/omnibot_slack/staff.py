"""Who in a workspace is staff. The settings say so, nobody is guessed to be; everybody else is a customer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime

import structlog

from omnibot_slack.account import Account, CallFailed, Me
from omnibot_slack.remembered import Remembered
from omnibot_slack.settings import SlackSettings

KEPT = 300.0  # seconds that the members of the group are believed
ASK_WITHIN = 1.2  # seconds; Slack wants its acknowledgement within three

_log = structlog.get_logger("omnibot.slack")


class Staff:
    """The people on the list, the members of the user group, and whoever writes in a channel of theirs.

    A bare member id is somebody of our own workspace: the same person in another one has to be listed with it.
    """

    def __init__(
        self,
        account: Account,
        settings: SlackSettings,
        now: Callable[[], datetime],
        *,
        name: str,
        rooms: Collection[str] = (),
    ) -> None:
        self._account = account
        self._listed = frozenset(settings.staff)
        self._rooms = frozenset(settings.staff_channels) | frozenset(rooms)
        self._group = settings.staff_group
        self._members: frozenset[str] | None = None  # as last told
        self._fresh: Remembered[str, bool] = Remembered(now, most=1)
        self._asking = asyncio.Lock()
        self._log = _log.bind(channel="slack", account=name)

    async def includes(self, address: str, room: str, me: Me) -> bool:
        """Whether who writes from an address (`T…/U…`) in a channel is staff there.

        Raises CallFailed where that cannot be known: an answer to staff, or none to a customer, would be a guess.
        """
        return room in self._rooms or await self.lists(address, me)

    async def lists(self, address: str, me: Me) -> bool:
        """Whether somebody is staff wherever they write: named in the settings, or in the user group.

        Raises CallFailed where that cannot be known.
        """
        if address in self._listed:
            return True
        team, _, user = address.partition("/")
        return team == me.team and (user in self._listed or user in await self._group_members())

    async def _group_members(self) -> frozenset[str]:
        if not self._group:
            return frozenset()
        async with self._asking:
            if self._members is None or not self._fresh.get(self._group):
                self._members = await self._ask()
                self._fresh.keep(self._group, True, KEPT)
            return self._members

    async def _ask(self) -> frozenset[str]:
        try:
            answer = await self._account.call(lambda web: web.usergroups_users_list(usergroup=self._group), ASK_WITHIN)
        except CallFailed as failed:
            if self._members is None:
                self._log.error("staff_unknown", reason=failed.reason)
                raise
            self._log.warning("staff_outdated", reason=failed.reason)
            return self._members
        users = answer.get("users")
        return frozenset(user for user in users if isinstance(user, str)) if isinstance(users, list) else frozenset()
