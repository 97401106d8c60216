"""What people see, as text: threads, modals and the home, with what can be pressed and what was filled in.

A button is `[Send]`, a menu `[Assign to… ▾]`, an input `Answer: We look into it`, boxes `[x] Urgent`; an emoji, a file
and a notice for one person alone have a line that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from omnibot.sandbox.slack import blocks
from omnibot.sandbox.slack.forms import Field, Form, fields_of, options_of
from omnibot.sandbox.slack.modals import View
from omnibot.sandbox.slack.mrkdwn import unescape
from omnibot.sandbox.slack.parameters import Json

if TYPE_CHECKING:
    from omnibot.sandbox.slack.workspace import Workspace

_BOXES = {"checkboxes": "[{}] {}", "radio_buttons": "({}) {}"}


def thread(workspace: Workspace, messages: Iterable[Json]) -> str:
    """Messages one below the other, each below who wrote it."""
    return "\n".join(line for message in messages for line in _message(workspace, message))


def view(workspace: Workspace, seen: View) -> str:
    """A modal or a home: its title, its blocks, what is wrong with them, and how it can be left."""
    kept = seen.kept
    lines = [unescape(kept["title"]["text"])] if kept["title"] else []
    lines += block_lines(workspace, kept["blocks"], seen.form)
    if kept["type"] == "modal":
        labels = [kept["close"] or {"text": "Cancel"}, *([kept["submit"]] if kept["submit"] else [])]
        lines.append(" ".join(f"[{unescape(label['text'])}]" for label in labels))
    return "\n".join(lines)


def _message(workspace: Workspace, message: Json) -> Iterator[str]:
    yield author(workspace, message) + "".join(f" ({note})" for note in notes(message))
    for line in _content(workspace, message):
        yield from (f"  {part}".rstrip() for part in line.splitlines())


def author(workspace: Workspace, message: Json) -> str:
    """Who wrote a message, as it is signed."""
    return str(message.get("username") or workspace.name_of(message.get("user", "")))


def notes(message: Json) -> Iterator[str]:
    """What stands beside the author."""
    if message.get("is_ephemeral"):
        yield "only visible to you"
    if "edited" in message:
        yield "edited"


def _content(workspace: Workspace, message: Json) -> Iterator[str]:
    if message.get("blocks"):
        yield from block_lines(workspace, message["blocks"], workspace.form(message["blocks"]))
    elif message.get("text"):
        yield workspace.text_of(message)
    for file in message.get("files", ()):
        yield f"[file] {workspace.files[file['id']].name if file['id'] in workspace.files else 'deleted'}"
    for reaction in message.get("reactions", ()):
        yield f":{reaction['name']}: {', '.join(map(workspace.name_of, reaction['users']))}"


def block_lines(workspace: Workspace, shown: Iterable[Json], form: Form) -> Iterator[str]:
    """Each block in one line or more, with its controls."""
    for block in shown:
        fields = {field.element["action_id"]: field for field in fields_of([block])}
        if block["type"] == "input":
            yield from _input(workspace, next(iter(fields.values())), form)
            continue
        yield from filter(None, blocks.lines_of(block, workspace.name_of))
        controls = [
            _control(workspace, element, fields.get(element.get("action_id", "")), form)
            for element in blocks.elements_of(block)
        ]
        if controls:
            yield " ".join(controls)


def _input(workspace: Workspace, field: Field, form: Form) -> Iterator[str]:
    optional = " (optional)" if field.block.get("optional") else ""
    yield f"{field.label}{optional}: {chosen(workspace, field, form)}".rstrip()
    if field.element["type"] in _BOXES or field.element["type"] == "static_select":
        yield "  " + _control(workspace, field.element, field, form)
    if fault := form.faults.get(field.block["block_id"]):
        yield f"  ! {fault}"


def _control(workspace: Workspace, element: Json, field: Field | None, form: Form) -> str:
    if field is None:
        return f"[{unescape(element['text']['text'])}]" if element["type"] == "button" else "[…]"
    if element["type"] not in _BOXES:
        return f"[{chosen(workspace, field, form) or field.names[1] or '…'} ▾]"
    marked = chosen_options(field, form)
    return " ".join(
        _BOXES[element["type"]].format("x" if option in marked else " ", unescape(option["text"]["text"]))
        for option in options_of(element)
    )


def chosen_options(field: Field, form: Form) -> list[Json]:
    """The options that are chosen in a menu or boxes."""
    value = form.value(field)
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []


def chosen(workspace: Workspace, field: Field, form: Form) -> str:
    """What is filled into a field, as it is read; '' where it is empty."""
    value = form.value(field)
    match value:
        case None:
            return ""
        case list():
            return ", ".join(_read(workspace, field, each) for each in value)
        case _:
            return _read(workspace, field, value)


def _read(workspace: Workspace, field: Field, value: object) -> str:
    if isinstance(value, dict):
        if value.get("type") == "rich_text":
            return blocks.text_of([value], workspace.name_of)
        return unescape(value["text"]["text"])
    if isinstance(value, int):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M UTC")
    names = field.key.removesuffix("s") in ("selected_user", "selected_conversation", "selected_channel")
    return workspace.name_of(str(value)) if names else str(value)
