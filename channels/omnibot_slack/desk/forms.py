"""The modals of the desk: what an act needs besides a press, and the timeline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from omnibot.contract import Page
from omnibot.model import Card, CardLine
from omnibot_slack.desk.kit import (
    ACTION,
    OPTIONS,
    TITLE,
    Json,
    actions,
    asked,
    button,
    clip,
    line,
    moment,
    one_line,
    option,
    plain,
    rich,
    section,
    typing,
    words,
)

PRIORITIES = ("normal", "high", "urgent")
REASONS = (
    "solved",
    "answered, nothing was wrong",
    "known fault, will be fixed",
    "not possible",
    "the customer does not answer",
    "duplicate",
    "no customer's matter",
)
OTHER = "other"
PAGE_LINES = 90  # messages; a view has 100 blocks
_VIEW = 200_000  # bytes of a view, which has 250 kB, however Slack writes what is not ASCII
_LINE = 2000  # characters of a message in the timeline

FORMS = frozenset({"reply", "assign", "team", "priority", "snooze", "consent", "resolve", "hand_back", "merge"})


def form(verb: str, card: Card, teams: Mapping[str, str], token: str) -> Json:
    """The modal for an act. `token` is handed back with what was filled in."""
    match verb:
        case "reply":
            typed = typing(card.suggestion)
            hint = "It goes to the customer, signed with your name."
            return _modal("Reply", verb, token, "Send", asked("text", "To the customer", typed, hint=hint))
        case "assign":
            chosen: Json = {"type": "users_select"}
            return _modal("Assign", verb, token, "Assign", asked("who", "Who shall have it", chosen))
        case "team":
            return _modal("Another team", verb, token, "Give", asked("value", "Which team", _menu(teams)))
        case "priority":
            named = {name: name.capitalize() for name in PRIORITIES}
            menu = _menu(named, card.stretch.priority)
            return _modal("Priority", verb, token, "Change", asked("value", "How urgent it is", menu))
        case "snooze":
            hint = "It comes back before, if the customer writes."
            picker: Json = {"type": "datetimepicker"}
            return _modal("Snooze", verb, token, "Snooze", asked("until", "Until when", picker, hint=hint))
        case "consent":
            hint = "They are asked in these words; their answer appears in the thread."
            return _modal(
                "Ask for consent", verb, token, "Ask", asked("text", "What they shall agree to", typing(), hint=hint)
            )
        case "resolve":
            reasons = _menu({reason: reason for reason in (*REASONS, OTHER)})
            hint = "It is remembered, and tried first when it happens again."
            return _modal(
                "Resolve",
                verb,
                token,
                "Resolve",
                asked("value", "Why it is over", reasons),
                asked("text", "What worked", typing(), hint=hint, optional=True),
            )
        case "hand_back":
            return _modal(
                "Hand back to the bot",
                verb,
                token,
                "Hand back",
                section("The bot goes on with it from now on."),
                asked("text", "What it should know", typing(), optional=True),
            )
        case "merge":
            return _merge(card, token)
    raise ValueError(f"there is no form for {verb!r}")


def _merge(card: Card, token: str) -> Json:
    if not card.reviews:
        return told("Same person?", "No merge of this customer waits for anybody any more.")
    reviews = {str(review): f"Review {review}" for review in card.reviews}
    return _modal(
        "Same person?",
        "merge",
        token,
        "They are one",
        section(f"`omnibot customer review` shows what speaks for it. It is about {card.name or 'this customer'}."),
        asked("value", "Which of them", _menu(reviews, next(iter(reviews)))),
        asked("text", "Why you are sure", typing()),
    )


def timeline(page: Page, name: str, token: str) -> Json:
    """A part of what was said on all channels."""
    blocks = _within(page.lines[-PAGE_LINES:], name)
    turns = [
        *([button("Earlier", "page:earlier", str(page.number + 1))] if page.earlier else []),
        *([button("Later", "page:later", str(page.number - 1))] if page.later and page.number > 0 else []),
    ]
    shown = [*(blocks or [section("Nothing was said yet.")]), *([actions(*turns)] if turns else [])]
    return {**told("Timeline"), "callback_id": f"{ACTION}timeline", "private_metadata": token, "blocks": shown}


def _within(lines: Sequence[CardLine], name: str) -> list[Json]:
    """Messages, each so long that all of them fit into a view."""
    most = _LINE
    while len(json.dumps(blocks := [block for one in lines for block in _said(one, name, most)])) > _VIEW:
        most //= 2
    return blocks


def told(title: str, text: str = "One moment …") -> Json:
    """A modal that only tells something."""
    return {"type": "modal", "title": plain(title, TITLE), "close": plain("Close", TITLE), "blocks": [section(text)]}


def _said(one: CardLine, name: str, most: int) -> list[Json]:
    by = clip(one_line(one.by or name or "Customer"), 100)
    channel = f" ({clip(one_line(one.channel), 50)})" if one.channel else ""
    return rich(line([moment(one.at)], words(f" {by}{channel}", bold=True), words("\n" + clip(one.text, most))))


def _modal(title: str, verb: str, token: str, submit: str, *blocks: Json) -> Json:
    return {
        "type": "modal",
        "callback_id": ACTION + verb,
        "private_metadata": token,
        "title": plain(title, TITLE),
        "submit": plain(submit, TITLE),
        "close": plain("Cancel", TITLE),
        "blocks": list(blocks),
    }


def _menu(labels: Mapping[str, str], chosen: str = "") -> Json:
    """A menu of what there is; its values are short enough, since they are ours."""
    options = [option(label, value) for value, label in list(labels.items())[:OPTIONS]]
    menu: Json = {"type": "static_select", "options": options or [option("none", "none")]}
    initial = [one for one in options if one["value"] == chosen]
    return menu | {"initial_option": initial[0]} if initial else menu
