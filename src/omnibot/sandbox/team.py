"""The support team of the demo: people who work in channels of the emulated Slack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType

from omnibot.contract import Place
from omnibot.model import ActKind
from omnibot.sandbox.slack import Person, SlackSandbox

__all__ = ["AGENTS", "ROOMS", "Team"]

AGENTS: Mapping[str, str] = MappingProxyType({"U0ZOE": "Zoe Lang", "U0MATTEO": "Matteo Rossi"})  # by their id on Slack
ROOMS: Mapping[str, str] = MappingProxyType({"support": "C0SUPPORT", "senior": "C0SENIOR"})  # by team
_FORMS = {ActKind.REPLY: "Reply", ActKind.RESOLVE: "Resolve"}  # what is pressed for them
_DEADLINE = 10.0  # seconds


class Team:
    """The people of `AGENTS`, in the rooms of `ROOMS`."""

    def __init__(self, slack: SlackSandbox) -> None:
        self._workspace = slack.main
        self.people: Mapping[str, Person] = {name: self._workspace.user(id, name) for id, name in AGENTS.items()}
        for team, id in ROOMS.items():
            room = self._workspace.channel(id, f"{team}-desk")
            for person in self.people.values():
                person.join(room)

    def threads(self) -> list[Place]:
        """All that were opened, in the order in which they were."""
        found = [
            Place("slack.main", id, ts)
            for id in ROOMS.values()
            for ts, message in self._workspace.channel(id).messages.items()
            if message.get("blocks") and message.get("thread_ts", ts) == ts
        ]
        return sorted(found, key=lambda place: place.thread)

    def sees(self, place: Place) -> str:
        """A thread as its people see it, with what can be pressed."""
        return next(iter(self.people.values())).see_thread(place.thread)

    async def act(self, name: str, kind: ActKind, place: Place, *, text: str, value: str = "") -> None:
        """Somebody writes a note in a thread, replies to the customer or resolves the matter by the card's form."""
        person = self.people[name]
        if kind is ActKind.NOTE:
            person.write(text, place.room, place.thread)
            return
        person.press(_FORMS[kind], place.thread)
        await _until(lambda: person.modal is not None and person.modal["submit"])
        person.submit({"text": text, **({"value": value} if value else {})})


async def _until(there: Callable[[], object]) -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(_DEADLINE):
        while not there():  # noqa: ASYNC110 - nobody tells that a modal has opened
            await asyncio.sleep(0.02)
