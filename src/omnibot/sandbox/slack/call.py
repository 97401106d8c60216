"""One call of the Web API while it is being answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from omnibot.sandbox.slack.parameters import ApiError, Json
from omnibot.sandbox.slack.rooms import Room
from omnibot.sandbox.slack.workspace import Workspace


@dataclass(slots=True)
class Call:
    """Who calls what. A method adds to `parameters` what the ledger shall tell, and sets `to` and what is seen."""

    method: str
    workspace: Workspace
    parameters: Json
    to: str = ""  # a user's id
    text: str = ""
    choices: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)

    def needs(self, *scopes: str) -> None:
        """Fail unless the token has one of these scopes."""
        need(self.workspace.scopes, *scopes)

    def room(self, name: str = "channel") -> Room:
        """The conversation that an argument names and that the bot can see."""
        workspace = self.workspace
        given = str(self.parameters[name])
        room = workspace.rooms.get(given) or workspace.rooms.get(workspace.room_names().get(given.lstrip("#"), ""))
        if room is None or (room.kind in ("group", "mpim") and workspace.bot_user not in room.members):
            raise ApiError("channel_not_found")
        return room


def need(granted: set[str], *scopes: str) -> None:
    """Fail unless one of these scopes is granted."""
    if scopes and granted.isdisjoint(scopes):
        raise ApiError("missing_scope", needed=",".join(scopes), provided=",".join(sorted(granted)))


Handler = Callable[[Call], Json]
Handlers = Mapping[str, Handler]
