"""Several matters below each other: the app's home, and what the slash command answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from omnibot.contract import Place
from omnibot.model import Card
from omnibot_slack.desk.cards import DUE, standing
from omnibot_slack.desk.kit import (
    Json,
    actions,
    button,
    clip,
    line,
    link,
    moment,
    one_line,
    plain,
    rich,
    section,
    words,
)

IN_HOME, IN_ANSWER = 25, 15  # matters of one list: a home has 100 blocks, an answer 50
_NAME, _WHY = 100, 200

Link = Callable[[Place], str]
Matters = Sequence[tuple[Place, Card]]


def home(lists: Sequence[tuple[str, Matters]], url: Link, text: str = "") -> Json:
    """The app's home of an agent."""
    blocks: list[Json] = [actions(button("Look again", "home")), *([section(text)] if text else [])]
    for title, matters in lists:
        blocks.append({"type": "header", "text": plain(f"{title} ({len(matters)})", 150)})
        blocks += listed(matters, url, IN_HOME) or [section("Nothing.")]
    return {"type": "home", "blocks": blocks}


def stranger_home(text: str) -> Json:
    """The app's home of everybody else."""
    return {"type": "home", "blocks": [section(text)]}


def listed(matters: Matters, url: Link, most: int = IN_ANSWER) -> list[Json]:
    """Matters, the most urgent first, each with the way to its thread."""
    blocks = [block for place, card in matters[:most] for block in _matter(place, card, url)]
    if (more := len(matters) - most) > 0:
        blocks.append(section(f"… and {more} more."))
    return blocks


def choices(matters: Matters, verb: str, label: str, token: Callable[[Place], str]) -> list[Json]:
    """Matters of which one has to be chosen."""
    return [
        {
            "type": "section",
            "text": plain(f"{card.name or '–'}: {card.stretch.why or standing(card)}", _WHY),
            "accessory": button(label, f"{verb}:{number}", token(place)),
        }
        for number, (place, card) in enumerate(matters[:IN_ANSWER])
    ]


def _matter(place: Place, card: Card, url: Link) -> list[Json]:
    name = clip(one_line(card.name), _NAME) or "Somebody"
    where = url(place)
    due = [*words(f" · {DUE.get(card.due_for, 'answer')} due "), moment(card.due)] if card.due is not None else []
    return rich(
        line(
            words("🔴 " if card.overdue else ""),
            [link(name, where)] if where else words(name, bold=True),
            words(f" · {standing(card)}" + ("" if where else f" · {clip(one_line(place.room), _NAME)}")),
            due,
            words(f"\n{clip(one_line(card.stretch.why), _WHY)}" if card.stretch.why else ""),
        )
    )
