"""The people who use an app in an emulated workspace: by buttons, menus, modals, commands and shortcuts.

Each act is on its way to the app when the method returns.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from omnibot.sandbox.slack import blocks, mrkdwn, screen
from omnibot.sandbox.slack.app import Notice
from omnibot.sandbox.slack.forms import Field, Form, Given, options_of
from omnibot.sandbox.slack.members import Member, Shown
from omnibot.sandbox.slack.modals import Modal, View
from omnibot.sandbox.slack.parameters import ApiError, Json

if TYPE_CHECKING:
    from omnibot.sandbox.slack.rooms import Room

KEPT_FORMS = 1_000  # a person, of messages in which they chose something
_NOT_SUGGESTED = ("trigger_id", "response_url", "state")  # what is not told with a question for options
TROUBLE = "We had some trouble connecting. Try again?"  # what is seen where the app's answer to a submission is no good


@dataclass(eq=False)
class Person(Member):
    """Somebody who uses the app: presses, fills in and submits, gives commands, and looks at what it shows.

    `errors` are what Slack told them about that; `stack` is the modal that is open, `home_view` the app's home as it
    was published for them.
    """

    errors: deque[str] = field(default_factory=lambda: deque(maxlen=100), init=False, repr=False)
    stack: Modal = field(default_factory=Modal, init=False, repr=False)
    home_view: View | None = field(default=None, init=False, repr=False)
    _forms: OrderedDict[str, Form] = field(default_factory=OrderedDict, init=False, repr=False)  # of messages, by ts

    @property
    def modal(self) -> Json | None:
        """The view that is in front of them, as Slack keeps it; None where no modal is open."""
        return None if self.stack.top is None else self.stack.top.kept

    @property
    def home(self) -> Json | None:
        """The app's home as it was published for them."""
        return None if self.home_view is None else self.home_view.kept

    def views(self) -> list[View]:
        """The views of their modal and their home."""
        return [*self.stack.views, *([self.home_view] if self.home_view is not None else [])]

    # --- pressing, choosing, filling in --------------------------------------------------------------------

    def press(self, label: str, ts: str = "") -> None:
        """Press a choice: of that message, or of what is in front: an open modal, the latest message, the home."""
        for surface in self._surfaces(ts):
            for choice in blocks.choices_of(surface.form.blocks):
                if choice.label == label:
                    surface.form.take(choice.action)
                    self._act(surface, choice.action)
                    return
        raise LookupError(f"nothing that {self.name} sees offers {label!r}")

    def fill(self, name: str, given: Given, ts: str = "") -> None:
        """Fill in an input or choose from a menu, by what is read at it or by an id, wherever `press` would look.

        `given` is a text, the label or value of an option, a name of somebody or of a channel; several where several
        can be chosen, '' for nothing. The app is told at once of what is in no input block, of the rest by `submit`.
        """
        surface, field = self._field(name, ts)
        surface.form.fill(name, given)
        if field.tells:
            self._act(surface, surface.form.action(field))

    async def search(self, name: str, typed: str, ts: str = "") -> list[str]:
        """Type into a menu whose options the app has; the labels that it offers, which `fill` takes then."""
        surface, field = self._field(name, ts)
        asked: Json = {"block_id": field.block["block_id"], "action_id": field.element["action_id"], "value": typed}
        payload: Json = {"type": "block_suggestion", **self._interaction(), **surface.place(), **asked}
        payload = {name: value for name, value in payload.items() if name not in _NOT_SUGGESTED}
        answered: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._interact(payload, answered.set_result, lambda reason: answered.set_result({"failed": reason}))
        answer = await answered
        if reason := answer.get("failed"):
            self.errors.append(reason)
        faults = blocks.faults_of_options(answer) if not reason else []
        self.errors.extend(faults)
        offered = [] if reason or faults else options_of(answer)
        surface.form.offer(field, offered)
        return [mrkdwn.unescape(option["text"]["text"]) for option in offered]

    def _field(self, name: str, ts: str) -> tuple[_Surface, Field]:
        missing = LookupError(f"{self.name} sees nothing to fill in")
        for surface in self._surfaces(ts):
            try:
                return surface, surface.form.field(name)
            except LookupError as error:
                missing = error
        raise missing

    def _surfaces(self, ts: str) -> Iterator[_Surface]:
        """Where they can press and fill in, what is in front first; nothing else where a modal is open."""
        if self.stack.top is not None and not ts:
            yield _of_view(self.stack.top)
            return
        for shown in reversed(self.messages):
            if ts in ("", shown.ts) and shown.message.get("blocks"):
                form = self.workspace.form(shown.message["blocks"], self._forms.get(shown.ts))
                yield _Surface(form, partial(self._of_message, shown, form), shown.ts)
        if self.home_view is not None and not ts:
            yield _of_view(self.home_view)

    def _act(self, surface: _Surface, action: Json) -> None:
        """Tell the app of one action."""
        if (made := self.workspace.app.manifest) and not made.settings.interactivity.is_enabled:
            raise LookupError("this app is not configured to handle interactive responses")
        if surface.ts:
            self._forms[surface.ts] = surface.form
            if len(self._forms) > KEPT_FORMS:
                self._forms.popitem(last=False)
        action = {**action, "action_ts": self.workspace.sandbox.clock.ts()}
        payload = {"type": "block_actions", **self._interaction(surface), **surface.place(), "actions": [action]}
        self._interact(payload)

    def _of_message(self, shown: Shown, form: Form) -> Json:
        workspace = self.workspace
        room = workspace.rooms[shown.channel]
        container: Json = {
            "type": "message", "message_ts": shown.ts, "channel_id": room.id, "is_ephemeral": shown.ephemeral,
        }  # fmt: skip
        if shown.thread_ts:
            container["thread_ts"] = shown.thread_ts
        place: Json = {
            "container": container,
            "channel": _named(room),
            "state": form.state,
            "response_url": workspace.sandbox.response_url(room, self, shown.message),
        }
        # what nobody else sees is told by its place alone
        return place if shown.ephemeral else place | {"message": shown.message}

    def _interaction(self, surface: _Surface | None = None) -> Json:
        """What every interaction tells of who, where and with which app."""
        workspace = self.workspace
        in_modal = surface is not None and surface.in_modal
        return {
            "user": {"id": self.id, "username": self.handle, "name": self.handle, "team_id": self.team},
            "api_app_id": workspace.app.id,
            "token": workspace.app.verification_token,
            "trigger_id": workspace.triggered(self, in_modal=in_modal),
            "team": {"id": workspace.team, "domain": workspace.domain},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _interact(
        self,
        payload: Json,
        answered: Callable[[Json], None] = lambda _: None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        notice = Notice("interactive", self.address, payload, answered=answered, failed=failed or self.errors.append)
        self.workspace.app.tell(notice)

    # --- commands and shortcuts ----------------------------------------------------------------------------

    def command(self, command: str, text: str = "", channel: Room | str | None = None) -> None:
        """Give a slash command; what the app answers at once is among their `messages`."""
        workspace = self.workspace
        if (made := workspace.app.manifest) and command not in made.commands:
            raise LookupError(f"{command} is not a valid command")
        room = self.room(channel)
        payload: Json = {
            "token": workspace.app.verification_token,
            "team_id": workspace.team,
            "team_domain": workspace.domain,
            "channel_id": room.id,
            "channel_name": room.name or "directmessage",
            "user_id": self.id,
            "user_name": self.handle,
            "command": command,
            "text": text,
            "api_app_id": workspace.app.id,
            "is_enterprise_install": "false",
            "response_url": workspace.sandbox.response_url(room, self, None),
            "trigger_id": workspace.triggered(self),
        }
        answered = partial(workspace.sandbox.answered, room, self)
        workspace.app.tell(
            Notice("slash_commands", self.address, payload, answered=answered, failed=self.errors.append)
        )

    def shortcut(self, callback_id: str, ts: str = "") -> None:
        """Use a shortcut of the app by its `callback_id`: a global one, or one at that message."""
        made = self.workspace.app.manifest
        if made and not made.has_shortcut(callback_id, at_message=bool(ts)):
            raise LookupError(f"the app has no shortcut {callback_id!r} {'at messages' if ts else 'anywhere'}")
        common = {"callback_id": callback_id, "action_ts": self.workspace.sandbox.clock.ts()}
        if not ts:
            self._interact({"type": "shortcut", **self._interaction(), **common})
            return
        room = self._where(ts)
        answers: Json = {"response_url": self.workspace.sandbox.response_url(room, self, None)}
        place: Json = {"channel": _named(room), "message_ts": ts, "message": room.messages[ts]}
        self._interact({"type": "message_action", **self._interaction(), **common, **answers, **place})

    # --- the modal and the home ----------------------------------------------------------------------------

    def submit(self, values: Mapping[str, Given] = MappingProxyType({}), /, **more: Given) -> None:
        """Fill in the open modal, by what is read at its inputs or by an id, and submit it.

        Raises ValueError where Slack would not let them: something is missing, too short, too long, no number …
        """
        view = self._open_view()
        for name, given in {**values, **more}.items():
            view.form.fill(name, given)
        if fault := view.form.wrong():
            raise ValueError(fault)
        if not view.kept["submit"]:
            raise LookupError("this modal has nothing to submit")
        surface = _of_view(view)
        payload = {"type": "view_submission", **self._interaction(surface), "view": view.reported, "response_urls": []}
        self._interact(payload, partial(self._submitted, view.id))

    def _submitted(self, id: str, answer: Json) -> None:
        """What the app says to a submission: faults, another view, or that it is done."""
        view = next((view for view in self.stack.views if view.id == id), None)
        if view is None:
            return
        view.form.faults = {}
        try:
            self.errors.extend(self.stack.answered(self.workspace, view, answer))
        except ApiError as error:
            self.errors.append(TROUBLE)
            self.errors.extend(error.messages or (error.error,))

    def close(self) -> None:
        """Press the button that leaves the view in front, for the one below it unless it closes them all."""
        view = self._open_view()
        if view.kept["clear_on_close"]:
            self.dismiss()
            return
        self.stack.drop(view)
        self._closed(view, is_cleared=False)

    def dismiss(self) -> None:
        """Close the modal with all of its views, by the cross in its corner."""
        self._open_view()
        views = list(reversed(self.stack.views))
        self.stack.clear()
        for view in views:
            self._closed(view, is_cleared=True)

    def _closed(self, view: View, *, is_cleared: bool) -> None:
        """Tell the app, if it asked for that."""
        if view.kept["notify_on_close"]:
            told: Json = {"type": "view_closed", **self._interaction(), "view": view.reported, "is_cleared": is_cleared}
            del told["trigger_id"]
            self._interact(told)

    def _open_view(self) -> View:
        if self.stack.top is None:
            raise LookupError(f"{self.name} has no modal open")
        return self.stack.top

    def open_home(self) -> None:
        """Look at the app's home."""
        if (made := self.workspace.app.manifest) and not made.features.app_home.home_tab_enabled:
            raise LookupError("the app has no home")
        event: Json = {
            "type": "app_home_opened", "user": self.id, "channel": self.workspace.direct(self.id).id, "tab": "home",
            "event_ts": self.workspace.sandbox.clock.ts(),
        }  # fmt: skip
        self.workspace.tell(event if self.home is None else event | {"view": self.home}, self.address)

    # --- what they see -------------------------------------------------------------------------------------

    def see_thread(self, ts: str) -> str:
        """The thread of a message as they see it, with what can be pressed in it; see `screen` for how."""
        room = self._where(ts)
        top = str(room.messages[ts].get("thread_ts", ts))
        messages = sorted([*room.thread(top), *self.whispered(room, top)], key=lambda message: str(message["ts"]))
        return screen.thread(self.workspace, messages)

    def see_modal(self) -> str:
        """The view that is in front of them, with what they filled in and what is wrong with it; '' where none is."""
        return "" if self.stack.top is None else screen.view(self.workspace, self.stack.top)

    def see_home(self) -> str:
        """The app's home; '' where none was published for them."""
        return "" if self.home_view is None else screen.view(self.workspace, self.home_view)


@dataclass(frozen=True, slots=True)
class _Surface:
    """Something that can be pressed and filled in; `place` is how an interaction tells of it."""

    form: Form
    place: Callable[[], Json]
    ts: str = ""  # of a message
    in_modal: bool = False


def _of_view(view: View) -> _Surface:
    return _Surface(view.form, lambda: view.place, in_modal=view.kept["type"] == "modal")


def _named(room: Room) -> Json:
    return {"id": room.id, "name": room.name or "directmessage"}
