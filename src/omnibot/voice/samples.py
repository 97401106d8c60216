"""The same replies in every style, as a page for people who choose one or write a pack."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

from omnibot.model import (
    Address,
    AddressId,
    Complexity,
    CustomerId,
    Detail,
    KnownAddress,
    Length,
    Limits,
    Manner,
    Move,
    MoveKind,
    Plan,
    Preferences,
    Proof,
    Register,
    Snapshot,
    Value,
    plain,
)
from omnibot.model.values import frozen
from omnibot.voice import Speaker, compose
from omnibot.voice.packs import Style

__all__ = ["STYLES", "pages", "replies"]

_NOW = datetime(2026, 2, 3, 10, 30, tzinfo=UTC)  # a Tuesday
_CUSTOMER = "Sarah Miller"
_LIMITS = {
    "email": Limits(text=100_000, subject=True),
    "telegram": Limits(text=4096),
    "sms": Limits(text=1600, brief=True),
}
_EMAIL, _TELEGRAM, _SMS = (
    KnownAddress(id=AddressId(number), address=Address(channel, "…"), proof=Proof.PROVEN, account="")
    for number, channel in enumerate(_LIMITS, 1)
)

STYLES = tuple(Style(*each) for each in product(Register, Manner, (Length.SHORT, None, Length.DETAILED)))
_LENGTHS = {Length.SHORT: "short", None: "as usual", Length.DETAILED: "detailed"}


@frozen
class _Told:
    """What one language's samples speak of."""

    texts: Mapping[str, Any]
    language: str

    def bill(self) -> tuple[Move, ...]:
        """A customer of three years asks why their bill is higher."""
        register = self.texts["matter"]
        return (
            Move(kind=MoveKind.GREET, topic="opening"),
            Move(kind=MoveKind.HISTORY, topic="first_of_kind", facts={"years": 1, "matter": register["casual"]}),
            Move(
                kind=MoveKind.CAUSE,
                topic="bill-changed.upgrade",
                facts={"plan": "Pro", "at": _NOW - timedelta(days=19)},
                said=self._said("cause"),
            ),
            Move(kind=MoveKind.ANSWER, topic="bill-changed", facts=self._article(self.texts, "technical", "detailed")),
            Move(kind=MoveKind.NEXT, topic="bill-changed", said=self._said("next")),
        )

    def timeout(self) -> tuple[Move, ...]:
        """Somebody technical writes for the third time, and people take over."""
        team = self.texts["team"]
        matter = self.texts["timeout"]["casual"]
        again: dict[str, Value] = {"ordinal": 3, "contacts": 3, "matter": matter, "channels": ("sms", "email")}
        return (
            Move(kind=MoveKind.GREET, topic="opening"),
            Move(kind=MoveKind.MOOD, topic="frustrated"),
            Move(kind=MoveKind.HISTORY, topic="again", facts={**again, "since": _NOW - timedelta(days=9)}),
            Move(kind=MoveKind.HISTORY, topic="helped_by", facts={"names": ("Ana", "Ben")}),
            Move(kind=MoveKind.HISTORY, topic="tried", facts={"steps": tuple(self.texts["tried"])}),
            Move(kind=MoveKind.HANDOFF, topic="escalated", facts={"team": team}),
            Move(kind=MoveKind.PROMISE, topic="by", facts={"team": team, "by": _NOW + timedelta(hours=5, minutes=30)}),
        )

    def new(self) -> tuple[Move, ...]:
        """Somebody signed up yesterday, and asks how something is done."""
        links: dict[str, Value] = {}
        for number, label in enumerate(self.texts["links"], 1):
            links |= {f"link.{number}.label": label, f"link.{number}.url": f"https://example.com/{number}"}
        return (
            Move(kind=MoveKind.GREET, topic="opening"),
            Move(kind=MoveKind.DISCLOSE, topic="machine"),
            Move(kind=MoveKind.WELCOME, topic="signed_up", facts={"at": _NOW - timedelta(days=1)}),
            Move(kind=MoveKind.ANSWER, topic="invite", facts=self._article(self.texts["how_to"])),
            Move(kind=MoveKind.NEXT, topic="offer"),
            Move(kind=MoveKind.RESOURCES, topic="links", facts=links),
        )

    def unknown(self) -> tuple[Move, ...]:
        """A question that nobody has approved an answer to."""
        return (Move(kind=MoveKind.GREET, topic="opening"), Move(kind=MoveKind.HANDOFF, topic="unknown"))

    def solved(self) -> tuple[Move, ...]:
        """It works again."""
        return (Move(kind=MoveKind.MOOD, topic="glad"), Move(kind=MoveKind.CLOSE, topic="thanks"))

    def _said(self, key: str) -> dict[Register, str]:
        return {register: self.texts[key][register] for register in Register}

    def _article(self, article: Mapping[str, Any], *sections: str) -> dict[str, Value]:
        facts: dict[str, Value] = {"title": article["title"], "language": self.language, "short": article["short"]}
        facts |= {"detailed": article["short"], "steps": "\n".join(article["steps"])}
        return facts | {section: article[section] for section in sections}

    def in_register(self, moves: Sequence[Move], register: Register) -> tuple[Move, ...]:
        """With matters as they are called in that register."""
        names = {self.texts[key]["casual"]: self.texts[key][register] for key in ("matter", "timeout")}
        return tuple(
            replace(move, facts={**move.facts, "matter": names[str(move.facts["matter"])]})
            if "matter" in move.facts
            else move
            for move in moves
        )


_TITLES = {
    "bill": "A customer of three years asks why the bill is higher (e-mail)",
    "timeout": "Somebody writes for the third time about the same fault (chat)",
    "new": "Somebody signed up yesterday and asks how something is done (e-mail)",
    "unknown": "A question that nobody has approved an answer to (chat)",
    "solved": "It works again (chat)",
}
_ON = {"bill": _EMAIL, "timeout": _TELEGRAM, "new": _EMAIL, "unknown": _TELEGRAM, "solved": _TELEGRAM}


@cache
def _told(language: str) -> _Told:
    texts = tomllib.loads(files(__package__).joinpath("samples.toml").read_text("utf-8"))
    own = language if language in texts else "en"
    return _Told(texts[own], own)


def replies(
    story: str, language: str, preferences: Preferences, speaker: Speaker, *, variant: int = 0, channel: str = ""
) -> str:
    """One sample as it is written to a customer, with its subject where it has one."""
    told = _told(language)
    register = preferences.register or speaker.voices[language].register
    moves = told.in_register(getattr(told, story)(), register)
    to = next((one for one in (_EMAIL, _TELEGRAM, _SMS) if one.address.channel == channel), _ON[story])
    plan = Plan(moves=moves, to=to, preferences=preferences, name=_CUSTOMER, language=language, zone=UTC)
    snapshot = Snapshot(customer=CustomerId(1), addresses=(to,), name=_CUSTOMER)
    drafts = compose(plan, snapshot, _LIMITS, speaker, variant, at=_NOW)
    subject = f"Subject: {drafts[0].subject}\n\n" if drafts[0].subject else ""
    return subject + "\n\n".join(plain(draft.parts) for draft in drafts)


# --- pages ----------------------------------------------------------------------------------------------------------

_MADE = "<!-- made by `omnibot voice samples`; change config/voice instead -->"


def pages(speaker: Speaker) -> Mapping[str, str]:
    """Markdown by file name: an index with the same answer in twelve styles, and a page a language."""
    languages = speaker.voices.languages
    first = languages[0]
    index = [
        _MADE,
        "# The same answer in twelve styles",
        f"How {_name(first, speaker)} says the same to one customer, by what they like: a register, a"
        " manner and a length. All facts are the same, and all of them are made up. [Voices](voice.md) tells how styles"
        " are chosen and how wordings are changed; the same in "
        + ", ".join(f"[{_name(one, speaker)}](voice-samples/{one}.md)" for one in languages)
        + ", with more replies each.",
        *_in_all_styles(first, speaker),
    ]
    others = {f"voice-samples/{one}.md": _page(_of_language(one, speaker)) for one in languages}
    return {"voice-samples.md": _page(index), **others}


def _page(blocks: Iterable[str]) -> str:
    return "\n\n".join(blocks) + "\n"


def _name(language: str, speaker: Speaker) -> str:
    """As it calls itself."""
    return speaker.voices[language].languages.get(language, language).capitalize()


def _in_all_styles(language: str, speaker: Speaker) -> Iterator[str]:
    for style in STYLES:
        yield f"## {style.register.capitalize()}, {style.manner}, {_LENGTHS[style.length]}"
        preferences = Preferences(register=style.register, manner=style.manner, length=style.length)
        yield _quoted(replies("bill", language, preferences, speaker))


def _of_language(language: str, speaker: Speaker) -> Iterator[str]:
    pack = speaker.voices[language]
    yield _MADE
    yield f"# {_name(language, speaker)}"
    yield f"For whoever has not shown what they like: {pack.register}, {pack.manner}."
    yield "## The same answer in twelve styles"
    for line in _in_all_styles(language, speaker):
        yield f"#{line}" if line.startswith("## ") else line
    yield "## What else is told apart"
    for title, preferences, channel in _OTHERS:
        yield f"### {title}"
        yield _quoted(replies("bill", language, preferences, speaker, channel=channel))
    for story, title in _TITLES.items():
        if story != "bill":
            yield f"## {title}"
            for register, manner in product(Register, Manner):
                yield f"### {register.capitalize()}, {manner}"
                yield _quoted(replies(story, language, Preferences(register=register, manner=manner), speaker))
    yield "## It works again, to somebody who likes emoji"
    yield _quoted(replies("solved", language, Preferences(emoji=True), speaker))


_OTHERS = (
    ("To somebody technical", Preferences(complexity=Complexity.TECHNICAL), ""),
    ("Step by step, though short", Preferences(length=Length.SHORT, detail=Detail.STEPS), ""),
    ("In summary, though detailed", Preferences(length=Length.DETAILED, detail=Detail.SUMMARY), ""),
    ("As a text message", Preferences(), "sms"),
)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}  " if line else ">" for line in text.splitlines())
