"""Modals of the emulated Slack, whatever apps and people do in whichever order; and blocks of any make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from slack_desk import modal, plain, typed

from omnibot.sandbox.slack import SlackSandbox, screen
from omnibot.sandbox.slack.blocks import faults_of, with_ids
from omnibot.sandbox.slack.forms import fields_of
from omnibot.sandbox.slack.modals import DEEP, checked, keep
from omnibot.sandbox.slack.page import Look, render
from omnibot.sandbox.slack.parameters import ApiError, Json

WORDS = st.text(alphabet="ab <&*", min_size=1, max_size=5).filter(str.strip)


class Stack(RuleBasedStateMachine):
    """An app opens, pushes, updates and answers; a person fills in and goes back. `model` is what must be seen."""

    views = Bundle("views")

    def __init__(self) -> None:
        super().__init__()
        self.workspace = SlackSandbox().main
        self.workspace.app.tell = lambda notice: None
        self.grace = self.workspace.user("U0GRACE", "Grace Hopper")
        self.model: list[tuple[str, str]] = []  # id and what is filled in

    def made(self, title: str) -> Json:
        return checked(modal("note", typed("Words", action_id="words"), title=plain(title)), "modal")

    @rule(target=views)
    def open(self) -> str:
        view = keep(self.workspace, self.made("Opened"))
        self.grace.stack.open(view)
        self.model = [(view.id, "")]
        return view.id

    @rule(target=views)
    def push(self) -> str:
        if len(self.model) in (0, DEEP):
            with pytest.raises(ApiError, match="push_limit_reached" if self.model else "not_found"):
                self.grace.stack.check_room()
            return ""
        self.grace.stack.check_room()
        view = keep(self.workspace, self.made("Pushed"), above=self.grace.stack)
        self.grace.stack.push(view)
        self.model.append((view.id, ""))
        return view.id

    @rule(id=views)
    def update(self, id: str) -> None:
        for old in self.grace.stack.views:
            if old.id == id:
                self.grace.stack.replace(keep(self.workspace, self.made("Updated"), old=old))

    @rule(words=WORDS)
    def fill_in(self, words: str) -> None:
        if self.model:
            self.grace.fill("Words", words)
            self.model[-1] = (self.model[-1][0], words)

    @rule()
    def go_back(self) -> None:
        if self.model:
            self.grace.close()
            self.model.pop()

    @rule(id=views, action=st.sampled_from(["errors", "update", "push", "clear", None, "explode"]))
    def answer(self, id: str, action: str | None) -> None:
        """The app answers a submission of any view, in front or not, there or gone."""
        before, known = list(self.model), [view for view, _ in self.model]
        told = {"errors": {"words": "no"}, "view": self.made("Answered")} | (
            {"response_action": action} if action else {}
        )
        self.grace._submitted(id, told)
        if id not in known:
            return
        match action:
            case None:
                self.model = before[: known.index(id)]
            case "clear":
                self.model = []
            case "push" if len(before) < DEEP:
                self.model.append((self.grace.stack.views[-1].id, ""))

    @invariant()
    def what_is_seen_is_what_was_done(self) -> None:
        seen = [
            (view.id, view.form.state["values"]["words"]["words"]["value"] or "") for view in self.grace.stack.views
        ]
        assert seen == self.model
        assert len(seen) <= DEEP

    @invariant()
    def views_know_what_they_lie_on(self) -> None:
        views = self.grace.stack.views
        assert {view.kept["root_view_id"] for view in views} <= {views[0].id if views else ""}
        below = [None, *(view.id for view in views)]
        assert [view.kept["previous_view_id"] for view in views] == below[: len(views)]


TestStack = Stack.TestCase


# --- any blocks ------------------------------------------------------------------------------------------------

TEXTS = st.text(alphabet='ab <&*_`~>:@#|!\n"', min_size=1, max_size=12).filter(str.strip)
plains = st.builds(plain, TEXTS)
texts = plains | st.builds(lambda text: {"type": "mrkdwn", "text": text}, TEXTS)
options = st.lists(
    st.fixed_dictionaries({"text": plains, "value": st.text(alphabet="abc", min_size=1, max_size=3)}),
    min_size=1,
    max_size=3,
)
buttons = st.builds(lambda text: {"type": "button", "text": text}, plains)
menus = st.one_of(
    st.builds(lambda options: {"type": "static_select", "options": options}, options),
    st.builds(lambda options: {"type": "multi_static_select", "options": options, "initial_options": options}, options),
    st.builds(lambda options: {"type": "radio_buttons", "options": options, "initial_option": options[0]}, options),
    st.builds(lambda options: {"type": "checkboxes", "options": options}, options),
    st.builds(lambda text: {"type": "users_select", "placeholder": text}, plains),
    st.sampled_from([{"type": "datepicker"}, {"type": "external_select"}, {"type": "channels_select"}]),
)
inputs = menus | st.builds(lambda text: {"type": "plain_text_input", "initial_value": text}, TEXTS)
pictures = st.just({"type": "image", "image_url": "https://example.org/x", "alt_text": "x"})
some = st.one_of(
    st.builds(
        lambda text, more: {"type": "section", "text": text, "accessory": more}, texts, buttons | menus | pictures
    ),
    st.builds(lambda fields: {"type": "section", "fields": fields}, st.lists(texts, min_size=1, max_size=3)),
    st.builds(lambda text: {"type": "header", "text": text}, plains),
    st.builds(lambda all: {"type": "actions", "elements": all}, st.lists(buttons | menus, min_size=1, max_size=4)),
    st.builds(lambda all: {"type": "context", "elements": all}, st.lists(texts | pictures, min_size=1, max_size=3)),
    st.builds(lambda label, one: {"type": "input", "label": label, "element": one}, plains, inputs),
    st.sampled_from([{"type": "divider"}, {"type": "markdown", "text": "*x*"}]),
)


@given(st.lists(some, min_size=1, max_size=6))
def test_blocks_that_slack_takes_can_be_seen_and_filled_in(given: list[Json]):
    workspace = SlackSandbox().main
    workspace.user("U0GRACE", "Grace Hopper")
    workspace.channel("C0SUPPORT", "support")
    assert faults_of(given) == []
    blocks = with_ids(given, workspace.sandbox.clock.short)
    form = workspace.form(blocks)
    for field in fields_of(blocks):
        assert (
            form.state["values"][field.block["block_id"]][field.element["action_id"]]["type"] == field.element["type"]
        )
    assert all(isinstance(line, str) for line in screen.block_lines(workspace, blocks, form))
    message = {"type": "message", "ts": workspace.sandbox.clock.ts(), "user": "U0GRACE", "text": "", "blocks": blocks}
    html = render(
        "thread.html",
        title="x",
        look=Look(workspace),
        room=workspace.rooms["C0SUPPORT"],
        messages=[message],
        modal=None,
    )
    assert "Grace Hopper" in html
