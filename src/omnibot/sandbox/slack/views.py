"""Modals and the app's home.

Source: docs.slack.dev/surfaces. Laxer than Slack: modals are not stacked; the last that was opened is on top of none.
"""

from __future__ import annotations

import hashlib
import secrets

import orjson

from omnibot.sandbox.slack import blocks
from omnibot.sandbox.slack.call import Call, Handlers
from omnibot.sandbox.slack.parameters import ApiError, Json
from omnibot.sandbox.slack.people import Person

TITLE, PRIVATE, CALLBACK = 24, 3000, 255  # characters
_FIELDS = frozenset(
    {
        "type", "title", "blocks", "close", "submit", "private_metadata", "callback_id", "clear_on_close",
        "notify_on_close", "external_id", "submit_disabled",
    }
)  # fmt: skip


def _open(call: Call) -> Json:
    if "trigger_id" not in call.parameters:
        raise ApiError("invalid_arguments", messages=["missing required field: trigger_id"])
    view = _checked(call, "modal")
    person = call.workspace.trigger(call.parameters["trigger_id"])
    person.modal = _kept(call, view, secrets.token_hex(5))
    return _shown(call, person, person.modal)


def _publish(call: Call) -> Json:
    person = call.workspace.people.get(call.parameters["user_id"])
    if person is None:
        raise ApiError("user_not_found")
    view = _checked(call, "home")
    if person.home is not None and call.parameters.get("hash", person.home["hash"]) != person.home["hash"]:
        raise ApiError("hash_conflict")
    person.home = _kept(call, view, person.home["id"][1:] if person.home is not None else secrets.token_hex(5))
    return _shown(call, person, person.home)


def _update(call: Call) -> Json:
    given = call.parameters
    if "view_id" not in given and "external_id" not in given:
        raise ApiError("invalid_arguments", messages=["missing required field: view_id"])
    for person in call.workspace.people.values():
        old = person.modal
        if old is not None and (old["id"] == given.get("view_id") or old["external_id"] == given.get("external_id")):
            if given.get("hash", old["hash"]) != old["hash"]:
                raise ApiError("hash_conflict")
            person.modal = _kept(call, _checked(call, "modal"), old["id"][1:])
            return _shown(call, person, person.modal)
    raise ApiError("not_found")


METHODS: Handlers = {"views.open": _open, "views.publish": _publish, "views.update": _update}


def _checked(call: Call, kind: str) -> Json:
    """The view, in which nothing is wrong."""
    view = call.parameters["view"]
    if not isinstance(view, dict):
        raise ApiError("invalid_arguments", messages=["must provide an object [json-pointer:/view]"])
    faults = [f"missing required field: {name} [json-pointer:/view]" for name in _missing(view, kind)]
    faults += [f"invalid additional property: {name} [json-pointer:/view]" for name in sorted(view.keys() - _FIELDS)]
    if view.get("type") not in (kind, None):
        faults.append("must be a valid enum value [json-pointer:/view/type]")
    faults += _texts(view)
    faults += blocks.faults_of(view.get("blocks", []), "/view/blocks", view=True)
    if faults:
        faults.insert(0, "failed to match all allowed schemas [json-pointer:/view]")
        raise ApiError("invalid_arguments", messages=faults)
    return view


def _missing(view: Json, kind: str) -> list[str]:
    required = {"type", "blocks"} | ({"title"} if kind == "modal" else set())
    given = view.get("blocks")
    blocks_given = given if isinstance(given, list) else []
    inputs = [block for block in blocks_given if isinstance(block, dict) and block.get("type") == "input"]
    if kind == "modal" and inputs:
        required.add("submit")
    return sorted(required - view.keys())


def _texts(view: Json) -> list[str]:
    faults = []
    for name in ("title", "submit", "close"):
        text = view.get(name)
        if isinstance(text, dict):
            faults += blocks.faults_of_text(text, f"/view/{name}", TITLE)
        elif text is not None:
            faults.append(f"must provide an object [json-pointer:/view/{name}]")
    for name, most in (("private_metadata", PRIVATE), ("callback_id", CALLBACK), ("external_id", CALLBACK)):
        if len(str(view.get(name, ""))) > most:
            faults.append(f"must be less than {most + 1} characters [json-pointer:/view/{name}]")
    return faults


def _kept(call: Call, view: Json, id: str) -> Json:
    """A view as Slack keeps it."""
    workspace = call.workspace
    kept: Json = {
        "id": f"V{id.upper()}", "team_id": workspace.team, "app_id": workspace.app.id, "bot_id": workspace.bot_id,
        "app_installed_team_id": workspace.team, "title": None, "close": None, "submit": None, "private_metadata": "",
        "callback_id": "", "external_id": "", "clear_on_close": False, "notify_on_close": False,
        "previous_view_id": None, "root_view_id": f"V{id.upper()}", "state": {"values": {}}, **view,
        "blocks": blocks.with_ids(view["blocks"], workspace.sandbox.clock.short),
    }  # fmt: skip
    digest = hashlib.sha256(orjson.dumps(kept)).hexdigest()[:8]
    return kept | {"hash": f"{workspace.sandbox.clock.ts()}.{digest}"}


def _shown(call: Call, person: Person, view: Json) -> Json:
    call.to, call.text = person.id, blocks.text_of(view["blocks"], call.workspace.name_of)
    call.choices = tuple(choice.label for choice in blocks.choices_of(view["blocks"]))
    return {"view": view}
