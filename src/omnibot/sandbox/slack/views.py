"""The methods for modals and the app's home.

Source: docs.slack.dev/reference/methods/views.open and its neighbours.
"""

from __future__ import annotations

from omnibot.sandbox.slack import blocks
from omnibot.sandbox.slack.call import Call, Handlers
from omnibot.sandbox.slack.modals import View, checked, keep
from omnibot.sandbox.slack.parameters import ApiError, Json
from omnibot.sandbox.slack.people import Person
from omnibot.sandbox.slack.workspace import Trigger


def _open(call: Call) -> Json:
    view = checked(call.parameters["view"], "modal")
    person = _triggered(call).person
    opened = keep(call.workspace, view)
    person.stack.open(opened)
    return _shown(call, person, opened)


def _push(call: Call) -> Json:
    """Only something done in a modal allows for a view above it."""
    view = checked(call.parameters["view"], "modal")
    trigger = _triggered(call)
    if not trigger.in_modal:
        raise ApiError("not_found")
    trigger.person.stack.check_room()
    pushed = keep(call.workspace, view, above=trigger.person.stack)
    trigger.person.stack.push(pushed)
    return _shown(call, trigger.person, pushed)


def _publish(call: Call) -> Json:
    person = call.workspace.people.get(call.parameters["user_id"])
    if person is None:
        raise ApiError("user_not_found")
    view = checked(call.parameters["view"], "home")
    if person.home_view is not None:
        person.home_view.check_hash(call.parameters.get("hash"))
    person.home_view = keep(call.workspace, view, old=person.home_view)
    return _shown(call, person, person.home_view)


def _update(call: Call) -> Json:
    given = call.parameters
    if "view_id" not in given and "external_id" not in given:
        raise ApiError("invalid_arguments", messages=["missing required field: view_id"])
    for person in call.workspace.people.values():
        for old in person.views():
            if old.id == given.get("view_id") or old.kept["external_id"] == (given.get("external_id") or None):
                old.check_hash(given.get("hash"))
                return _shown(call, person, _updated(call, person, old))
    raise ApiError("not_found")


def _updated(call: Call, person: Person, old: View) -> View:
    new = keep(call.workspace, checked(call.parameters["view"], old.kept["type"]), old=old)
    if old is person.home_view:
        person.home_view = new
    else:
        person.stack.replace(new)
    return new


METHODS: Handlers = {"views.open": _open, "views.push": _push, "views.publish": _publish, "views.update": _update}


def _triggered(call: Call) -> Trigger:
    if "trigger_id" not in call.parameters:
        raise ApiError("invalid_arguments", messages=["missing required field: trigger_id"])
    return call.workspace.trigger(call.parameters["trigger_id"])


def _shown(call: Call, person: Person, view: View) -> Json:
    call.to, call.text = person.id, blocks.text_of(view.kept["blocks"], call.workspace.name_of)
    call.choices = tuple(choice.label for choice in blocks.choices_of(view.kept["blocks"]))
    return {"view": view.kept}
