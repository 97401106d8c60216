"""Conversations: opening, finding and reading them."""

from __future__ import annotations

from omnibot.sandbox.slack.call import Call, Handlers
from omnibot.sandbox.slack.parameters import ApiError, Json


def _open(call: Call) -> Json:
    call.needs("im:write")
    workspace = call.workspace
    users = [user for user in call.parameters.get("users", "").split(",") if user]
    if len(users) != 1:
        raise ApiError("users_list_not_supplied")
    person = workspace.people.get(users[0])
    if person is None:
        raise ApiError("user_not_found")
    if person.deleted:
        raise ApiError("user_disabled")
    room = workspace.direct(person.id)
    return {"channel": {"id": room.id}}


METHODS: Handlers = {"conversations.open": _open}
