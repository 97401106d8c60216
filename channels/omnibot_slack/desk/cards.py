"""A card as a message: what people see first of a matter, and what they can do about it.

The longest inputs stay within 50 blocks and what Slack takes in one message; a message of it holds about 13,000
characters, so every text has a share.
"""

from __future__ import annotations

from collections.abc import Iterator

from omnibot.model import Card, CardLine, StretchState
from omnibot_slack.desk.kit import (
    HEADER,
    Json,
    actions,
    bullets,
    button,
    clip,
    line,
    moment,
    one_line,
    option,
    plain,
    quoted,
    rich,
    words,
)
from omnibot_slack.mrkdwn import escape

MORE = {
    "assign": "Assign…",
    "team": "Give to another team…",
    "priority": "Change its priority…",
    "consent": "Ask for consent…",
    "hand_back": "Hand back to the bot…",
}
STATES = {
    StretchState.WAITING: "Nobody has it yet",
    StretchState.TAKEN: "Taken",
    StretchState.SNOOZED: "Snoozed",
    StretchState.RESOLVED: "Resolved",
    StretchState.RETURNED: "Handed back to the bot",
}
DUE = {"first": "first answer", "next": "next answer", "resolve": "resolution"}
_MOODS = ((-0.5, "very unhappy"), (-0.15, "unhappy"), (0.15, "neither happy nor unhappy"), (0.5, "content"))
_URGENCIES = {"critical": "very urgent", "high": "urgent", "normal": "", "low": "in no hurry"}
_LANGUAGES = {"en": "English", "es": "Spanish", "de": "German", "fr": "French"}
_CONTACTS, _TRIED, _SAID = 8, 6, 6  # lines
_SHORT, _NAME, _LINE, _WHY, _SUGGESTED = 80, 100, 300, 500, 1200  # characters


def card_blocks(card: Card, *, acting: bool = True) -> list[Json]:
    """A card, with what can be done about it where it is asked for."""
    return [
        {"type": "header", "text": plain(_title(card), HEADER)},
        *rich(line(*_standing(card))),
        *rich(line(*_who(card)), bullets(list(_contacts(card)))),
        *_said_of(card),
        *_titled("What was tried", [_line(one, card.name, card.zone) for one in card.tried[-_TRIED:]]),
        *_titled("Last messages", [_line(one, card.name, card.zone) for one in card.said[-_SAID:]]),
        *_suggestion(card),
        *(_buttons(card) if acting else []),
    ]


def card_fallback(card: Card) -> str:
    """What a notification shows of a card; mrkdwn."""
    return escape(clip(f"{_title(card)}: {one_line(card.stretch.why) or STATES[card.stretch.state]}", 300))


def standing(card: Card) -> str:
    """How a matter stands, in a few words."""
    stretch = card.stretch
    told = STATES[stretch.state]
    if stretch.owner is not None and stretch.state is not StretchState.WAITING:
        told += f" by {clip(one_line(stretch.owner.name or stretch.owner.id), _SHORT)}"
    shown = [told, clip(one_line(card.team), _SHORT)]
    if stretch.priority != "normal":
        shown.append(f"priority {clip(one_line(stretch.priority), _SHORT)}")
    return " · ".join(filter(None, shown))


def _title(card: Card) -> str:
    mark = "🔴 " if card.overdue else ""
    return mark + (clip(one_line(card.name), _NAME) or "Somebody whose name is not known")


def _standing(card: Card) -> Iterator[list[Json]]:
    yield words(standing(card), bold=True)
    if card.stretch.snoozed_until is not None and card.stretch.state is StretchState.SNOOZED:
        yield [*words(" until "), moment(card.stretch.snoozed_until)]
    if card.due is not None and card.stretch.state.is_open:
        label = DUE.get(card.due_for, "answer")
        yield [*words(f"\n{label[:1].upper()}{label[1:]} due "), moment(card.due)]
        yield words(" – overdue", bold=True) if card.overdue else []
    if card.stretch.outcome and not card.stretch.state.is_open:
        yield words(f"\n{clip(card.stretch.outcome, _LINE)}")


def _who(card: Card) -> Iterator[list[Json]]:
    facts = [
        f"plan {clip(one_line(card.plan), _SHORT)}" if card.plan else "",
        clip(one_line(card.worth), _SHORT),
        _mood(card),
        _URGENCIES.get(card.urgency, clip(one_line(card.urgency), _SHORT)),
        f"writes {_LANGUAGES.get(card.language, clip(one_line(card.language), _SHORT))}",
        f"lives by the clock of {clip(one_line(card.zone), _SHORT)}" if card.zone != "UTC" else "",
        f"has come {card.times} times for it" if card.times > 1 else "",
    ]
    told = " · ".join(filter(None, facts))
    yield words(told[:1].upper() + told[1:])
    if card.since is not None:
        yield [*words("\nCustomer since "), moment(card.since)]
    if card.deadline is not None:
        yield [*words("\nNeeds it by "), moment(card.deadline)]


def _mood(card: Card) -> str:
    if card.mood is None:
        return ""
    named = next((word for least, word in _MOODS if card.mood <= least), "very content")
    return f"mood: {named}{f', {clip(one_line(card.trend), _SHORT)}' if card.trend else ''}"


def _contacts(card: Card) -> Iterator[Json]:
    for address, proof in card.contacts[:_CONTACTS]:
        yield line(words(f"{clip(one_line(address), _NAME)} ({clip(one_line(proof), _SHORT)})"))
    if (more := len(card.contacts) - _CONTACTS) > 0:
        yield line(words(f"and {more} more"))


def _said_of(card: Card) -> list[Json]:
    told = {"Why people: ": clip(card.stretch.why, _WHY), "\nAbout: ": clip(card.concern, _WHY)}
    return rich(
        line(*(part for label, text in told.items() if text for part in (words(label, bold=True), words(text))))
    )


def _titled(title: str, lines: list[Json]) -> list[Json]:
    return rich(line(words(title, bold=True)), bullets(lines)) if lines else []


def _line(one: CardLine, name: str, zone: str) -> Json:
    by = clip(one_line(one.by or name or "Customer"), _NAME)
    channel = f" ({clip(one_line(one.channel), _SHORT)})" if one.channel else ""
    result = f" → {clip(one_line(one.result), _SHORT)}" if one.result else ""
    return line(
        [moment(one.at)], words(f" {by}{channel}: ", bold=True), words(clip(one_line(one.text), _LINE) + result)
    )


def _suggestion(card: Card) -> list[Json]:
    if not card.suggestion or not card.stretch.state.is_open:
        return []
    return rich(line(words("Could be answered", bold=True)), quoted(clip(card.suggestion, _SUGGESTED)))


def _buttons(card: Card) -> list[Json]:
    if not card.stretch.state.is_open:
        return [actions(button("Reopen", "reopen"), button("Timeline", "timeline"))]
    shown = [button("Reply", "reply", style="primary")]
    if card.stretch.state is not StretchState.TAKEN:
        shown.append(button("Take", "take"))
    shown += [button("Resolve", "resolve"), button("Snooze", "snooze"), button("Timeline", "timeline")]
    if card.reviews:
        shown.append(button("Same person?", "merge"))
    more = [option(label, verb) for verb, label in MORE.items()]
    return [actions(*shown, {"type": "overflow", "action_id": "desk:more", "options": more})]
