"""What people see first of a matter that was handed to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from omnibot.desk.levels import dues_of
from omnibot.desk.rules import Rules
from omnibot.model import (
    Card,
    CardLine,
    Case,
    Direction,
    Money,
    Relationship,
    Result,
    Snapshot,
    Stretch,
    TimelineMessage,
)

__all__ = ["card_of", "lines_of"]

_ARTICLE = "article:"  # begins the name of an attempt with one
_RESULTS = {Result.UNKNOWN: "", Result.WORKED: "worked", Result.FAILED: "did not help"}
_SAID = 6  # messages
_TRIED = 8
_STEADY = 0.05  # what satisfaction gains or loses from turn to turn without being a trend
_LONGEST_LINE = 500  # characters


def card_of(
    stretch: Stretch,
    snapshot: Snapshot,
    relationship: Relationship,
    rules: Rules,
    *,
    asked_at: datetime | None,
    now: datetime,
    urgency: str = "",
    deadline: datetime | None = None,
    suggestion: str = "",
    reviews: Sequence[int] = (),
    title: Callable[[str], str] = lambda _: "",
) -> Card:
    """A card, of all that staff may see of a customer; people have asked for help, so no proof holds anything back.

    `title` tells how people call an article.
    """
    case = next((one for one in snapshot.cases if one.id == stretch.matter), None)
    nearest = dues_of(stretch, asked_at, rules).nearest()
    team = rules.team(stretch.team)
    return Card(
        stretch=stretch,
        team=team.name or team.key,
        name=snapshot.name,
        contacts=tuple((str(address.address), address.proof.value) for address in snapshot.addresses),
        since=snapshot.since,
        plan=relationship.plan,
        worth=_worth(relationship),
        mood=relationship.satisfaction,
        trend=_trend(relationship.trend),
        urgency=urgency,
        deadline=deadline,
        language=snapshot.preferences.language or snapshot.facts.get("language", "") or "en",
        zone=snapshot.preferences.zone or "UTC",
        times=case.contacts if case else 1,
        concern=case.concern if case else "",
        tried=tuple(_tried(case, title)) if case else (),
        said=lines_of(snapshot.timeline[-_SAID:]),
        suggestion=suggestion,
        due=nearest[1] if nearest else None,
        due_for=nearest[0] if nearest else "",
        overdue=nearest is not None and nearest[1] <= now,
        reviews=tuple(reviews),
    )


def lines_of(messages: Sequence[TimelineMessage]) -> tuple[CardLine, ...]:
    """Messages as lines, in the same order; the bot's are `bot`."""
    return tuple(
        CardLine(
            at=one.at,
            by="" if one.direction is Direction.IN else one.by or "bot",
            text=_cut(one.text) or ("(a file)" if one.attachments else ""),
            channel=one.address.channel,
        )
        for one in messages
    )


def _tried(case: Case, title: Callable[[str], str]) -> Iterator[CardLine]:
    for one in case.attempts[-_TRIED:]:
        yield CardLine(at=one.at, by=one.by, text=_cut(_named(one.what, title)), result=_RESULTS[one.result])


def _named(what: str, title: Callable[[str], str]) -> str:
    """What was tried, in words: an article by its title, with the step of it."""
    if not what.startswith(_ARTICLE):
        return what
    article, _, step = what.removeprefix(_ARTICLE).partition("#")
    named = f"“{title(article) or article}”"
    return f"{named}, step {step}" if step else named


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_LINE else f"{text[: _LONGEST_LINE - 1]}…"


def _worth(relationship: Relationship) -> str:
    told = []
    if relationship.monthly:
        told.append(f"{_money(relationship.monthly)} a month")
    if relationship.paid:
        told.append(f"{_money(relationship.paid)} paid")
    return ", ".join(told)


def _money(money: Money) -> str:
    return f"{money.amount:,f} {money.currency}"


def _trend(slope: float | None) -> str:
    if slope is None:
        return ""
    if abs(slope) < _STEADY:
        return "steady"
    return "rising" if slope > 0 else "falling"
