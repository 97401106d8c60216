"""Views as Slack checks and keeps them, and the modal in front of somebody: a stack of at most three of them.

Source: docs.slack.dev/surfaces/modals and docs.slack.dev/reference/views.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from omnibot.sandbox.slack import blocks
from omnibot.sandbox.slack.forms import Form
from omnibot.sandbox.slack.parameters import ApiError, Json

if TYPE_CHECKING:
    from omnibot.sandbox.slack.workspace import Workspace

DEEP = 3  # views of a modal, one above the other
LARGEST = 250_000  # bytes of a view
TITLE, PRIVATE, CALLBACK = 24, 3000, 255  # characters
_FIELDS = frozenset(
    {
        "type", "title", "blocks", "close", "submit", "private_metadata", "callback_id", "clear_on_close",
        "notify_on_close", "external_id", "submit_disabled",
    }
)  # fmt: skip


# --- checking ------------------------------------------------------------------------------------------------


def checked(view: object, kind: str) -> Json:
    """A view in which nothing is wrong; ApiError with all that is."""
    if not isinstance(view, dict):
        raise ApiError("invalid_arguments", messages=["must provide an object [json-pointer:/view]"])
    faults = [f"missing required field: {name} [json-pointer:/view]" for name in _missing(view, kind)]
    faults += [f"invalid additional property: {name} [json-pointer:/view]" for name in sorted(view.keys() - _FIELDS)]
    if view.get("type") not in (kind, None):
        faults.append("must be a valid enum value [json-pointer:/view/type]")
    faults += _faults_of_texts(view)
    faults += blocks.faults_of(view.get("blocks", []), "/view/blocks", view=True)
    if faults:
        faults.insert(0, "failed to match all allowed schemas [json-pointer:/view]")
        raise ApiError("invalid_arguments", messages=faults)
    if len(orjson.dumps(view)) > LARGEST:
        raise ApiError("view_too_large")
    return view


def _missing(view: Json, kind: str) -> list[str]:
    required = {"type", "blocks"} | ({"title"} if kind == "modal" else set())
    given = view.get("blocks")
    blocks_given = given if isinstance(given, list) else []
    inputs = [block for block in blocks_given if isinstance(block, dict) and block.get("type") == "input"]
    if kind == "modal" and inputs:
        required.add("submit")
    return sorted(required - view.keys())


def _faults_of_texts(view: Json) -> list[str]:
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


# --- keeping -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class View:
    """A view as Slack keeps it, and what somebody has filled into it."""

    kept: Json
    form: Form

    @property
    def id(self) -> str:
        """Of the view, whatever it is updated to."""
        return str(self.kept["id"])

    @property
    def reported(self) -> Json:
        """The view as an interaction tells of it."""
        return {**self.kept, "state": self.form.state}

    @property
    def place(self) -> Json:
        """Where a press in it happened."""
        return {"container": {"type": "view", "view_id": self.id}, "view": self.reported}

    def check_hash(self, given: str | None) -> None:
        """Fail where who updates it has seen another version."""
        if given is not None and given != self.kept["hash"]:
            raise ApiError("hash_conflict")


def keep(workspace: Workspace, view: Json, old: View | None = None, above: Modal | None = None) -> View:
    """A checked view as Slack keeps it: new, above those of a modal, or in place of an `old` one."""
    id = f"V{secrets.token_hex(5).upper()}" if old is None else old.id
    kept: Json = {
        "id": id, "team_id": workspace.team, "app_id": workspace.app.id, "bot_id": workspace.bot_id,
        "app_installed_team_id": workspace.team, "title": None, "close": None, "submit": None, "private_metadata": "",
        "callback_id": "", "external_id": "", "clear_on_close": False, "notify_on_close": False,
        "previous_view_id": None, "root_view_id": id, "state": {"values": {}}, **view,
        "blocks": blocks.with_ids(view["blocks"], workspace.sandbox.clock.short),
    }  # fmt: skip
    if old is not None:
        kept |= {name: old.kept[name] for name in ("previous_view_id", "root_view_id")}
    elif above is not None:
        kept |= {"previous_view_id": above.views[-1].id, "root_view_id": above.views[0].id}
    _check_external_id(workspace, kept)
    digest = hashlib.sha256(orjson.dumps(kept)).hexdigest()[:8]
    kept["hash"] = f"{workspace.sandbox.clock.ts()}.{digest}"
    return View(kept, workspace.form(kept["blocks"], before=None if old is None else old.form))


def _check_external_id(workspace: Workspace, kept: Json) -> None:
    if kept["external_id"] and any(
        view.kept["external_id"] == kept["external_id"] and view.id != kept["id"] for view in workspace.views()
    ):
        raise ApiError("duplicate_external_id")


class Modal:
    """The modal in front of somebody: its views, the one that is seen last. It is closed when none is left."""

    def __init__(self) -> None:
        self.views: list[View] = []

    @property
    def top(self) -> View | None:
        """The view that is seen."""
        return self.views[-1] if self.views else None

    def open(self, view: View) -> None:
        """Open with this view, in place of whatever was open."""
        self.views = [view]

    def push(self, view: View) -> None:
        """Lay a view above the others."""
        self.views.append(view)

    def check_room(self) -> None:
        """Fail where no view may be laid above the others."""
        if not self.views:
            raise ApiError("not_found")
        if len(self.views) >= DEEP:
            raise ApiError("push_limit_reached")

    def replace(self, view: View) -> None:
        """Update the view of the same id, wherever in the stack it is."""
        self.views = [view if old.id == view.id else old for old in self.views]

    def drop(self, view: View) -> None:
        """Take a view away; those above go with it."""
        ids = [old.id for old in self.views]
        if view.id in ids:
            del self.views[ids.index(view.id) :]

    def clear(self) -> None:
        """Close."""
        self.views = []

    # --- what the app answers to a submission --------------------------------------------------------------

    def answered(self, workspace: Workspace, view: View, answer: Json) -> list[str]:
        """Do what the app answers to a submission; what it found wrong with it. ApiError for what Slack refuses."""
        match answer.get("response_action"):
            case "errors":
                return _told(view, answer.get("errors"))
            case "update":
                self.replace(keep(workspace, checked(answer.get("view"), "modal"), old=view))
            case "push":
                self.check_room()
                self.push(keep(workspace, checked(answer.get("view"), "modal"), above=self))
            case "clear":
                self.clear()
            case None:
                self.drop(view)
            case other:
                raise ApiError("invalid_arguments", messages=[f"unknown response_action: {other}"])
        return []


def _told(view: View, errors: object) -> list[str]:
    """What is wrong with single inputs, by their block; anything that is no input's is refused."""
    inputs = {block["block_id"] for block in view.kept["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not inputs >= errors.keys():
        raise ApiError("invalid_arguments", messages=["errors must name blocks of type input"])
    view.form.faults = {block: str(text) for block, text in errors.items()}
    return list(view.form.faults.values())
