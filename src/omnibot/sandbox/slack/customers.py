"""Everybody who uses the emulated Slack, for who writes as a customer on any channel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.slack.people import Person

if TYPE_CHECKING:
    from omnibot.sandbox.slack.api import SlackSandbox

_ADDRESS = re.compile(r"[TE][A-Z0-9]+/[UW][A-Z0-9]+")


class SlackCustomers:
    """Who writes to the app directly; a value is `T…/U…`."""

    channel = "slack"

    def __init__(self, sandbox: SlackSandbox) -> None:
        self._sandbox = sandbox

    def check(self, value: str) -> None:
        if not _ADDRESS.fullmatch(value):
            raise ValueError(f"{value!r} is no address of Slack: write T…/U…, such as {self._sandbox.main.team}/U0ADA")
        team = value.partition("/")[0]
        if team not in self._sandbox.workspaces:
            raise LookupError(f"there is no workspace {team!r} here: use {', '.join(self._sandbox.workspaces)}")

    def write(
        self,
        value: str,
        text: str,
        *,
        name: str = "",
        subject: str = "",
        answer: bool = False,
        files: tuple[SentFile, ...] = (),
    ) -> None:
        """Write a direct message, below its subject; `answer`: in the thread of the last that they got."""
        person = self._person(value, name)
        thread = self._last_got(person) if answer else ""
        person.write("\n".join(filter(None, (subject, text))), thread_ts=thread, files=files)

    def press(self, value: str, label: str, *, number: str = "") -> None:
        """Press a choice under the latest message that has it; LookupError where there is none."""
        self._person(value, "").press(label)

    def _person(self, value: str, name: str) -> Person:
        self.check(value)
        team, _, user = value.partition("/")
        workspace = self._sandbox.workspace(team)
        return workspace.user(user, name) if name else workspace.user(user)

    def _last_got(self, person: Person) -> str:
        for shown in reversed(person.messages):
            if shown.author != person.id:
                return shown.thread_ts or shown.ts
        raise LookupError(f"{person.name} has got no message yet that could be answered")
