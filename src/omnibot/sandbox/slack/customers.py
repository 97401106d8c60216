"""Everybody who uses the emulated Slack, for who writes as a customer on any channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.slack.people import Person

if TYPE_CHECKING:
    from omnibot.sandbox.slack.api import SlackSandbox


class SlackCustomers:
    """Who writes to the app directly; a value is `T…/U…`."""

    channel = "slack"

    def __init__(self, sandbox: SlackSandbox) -> None:
        self._sandbox = sandbox

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
        team, _, user = value.partition("/")
        if not user:
            raise LookupError(f"{value!r} is no address of Slack: write T…/U…")
        workspace = self._sandbox.workspace(team)
        return workspace.user(user, name) if name else workspace.user(user)

    def _last_got(self, person: Person) -> str:
        for shown in reversed(person.messages):
            if shown.author != person.id:
                return shown.thread_ts or shown.ts
        raise LookupError(f"{person.name} has got no message yet that could be answered")
