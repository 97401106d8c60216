"""What a story is made of: what was before, who writes what where, and what must be there when they are answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from omnibot.model import ActKind, Address, CaseSide, Direction, TimelineMessage
from omnibot.store.profiles import TakenTurn

__all__ = [
    "Acting",
    "Check",
    "Element",
    "Expect",
    "Letter",
    "Scene",
    "Step",
    "Story",
    "leaves_out",
    "says",
    "shows",
    "word",
]

_BLANK = re.compile(r"[ \u00a0\u202f\u2009]+")  # the spaces of typesetters


@dataclass(frozen=True, slots=True)
class Expect:
    """A message that the customer must get at `to`, with all of these words (in any case) and none of those."""

    to: Address
    words: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    def missing(self, text: str) -> list[str]:
        """What is wrong with a text, in words."""
        lower = text.casefold()
        return [
            *(f"{word!r} is missing" for word in self.words if word.casefold() not in lower),
            *(f"{word!r} must not be there" for word in self.never if word.casefold() in lower),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail as its reader sees it; `answers`: their program shows it below the mail that it answers."""

    subject: str
    answers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What there is after a step: what came to whom since its beginning, and what is on record.

    `texts` and `letters` are by who got them; `timeline` and `turns` are of the customer who wrote, oldest first.
    `handed_off`: the reasons for which people have to take care of them; `thread`: what those see of the matter.
    """

    began: datetime  # when the step did
    texts: Mapping[Address, str]
    letters: Mapping[Address, Letter]
    timeline: Sequence[TimelineMessage]
    turns: Sequence[TakenTurn]
    handed_off: tuple[str, ...] = ()
    thread: str = ""
    cases: tuple[CaseSide, ...] = ()  # what has become of each matter, by address

    def text(self, address: Address) -> str:
        """All that came there, with plain spaces and apostrophes; '' for nothing."""
        return _BLANK.sub(" ", self.texts.get(address, "")).replace("\u2019", "'")

    def told(self, address: Address) -> str:
        """What we said there last, as it is stored: with the addresses of links that are shown as words."""
        ours = (one for one in reversed(self.timeline) if one.address == address and one.direction is Direction.OUT)
        return next((one.text for one in ours), "")

    @property
    def last_words(self) -> str:
        """What the customer wrote last, as it was stored."""
        return next((one.text for one in reversed(self.timeline) if one.direction is Direction.IN), "")


Check = Callable[[Scene], bool]


@dataclass(frozen=True, slots=True)
class Element:
    """One thing that must be true after a step, by the name under which it is shown."""

    name: str
    holds: Check


def says(name: str, to: Address, *patterns: str) -> Element:
    """All of these regular expressions are found in what came to an address, in any case; `^` begins a line."""
    found = [re.compile(pattern, re.IGNORECASE | re.MULTILINE) for pattern in patterns]
    return Element(name, lambda scene: all(one.search(scene.text(to)) for one in found))


def leaves_out(name: str, to: Address, *patterns: str) -> Element:
    """Something came there, and none of these regular expressions is found in it."""
    found = [re.compile(pattern, re.IGNORECASE | re.MULTILINE) for pattern in patterns]
    return Element(name, lambda scene: bool(scene.text(to)) and not any(one.search(scene.text(to)) for one in found))


def shows(name: str, *patterns: str) -> Element:
    """All of these regular expressions are found in the thread of the matter, in any case; `^` begins a line."""
    found = [re.compile(pattern, re.IGNORECASE | re.MULTILINE) for pattern in patterns]
    return Element(name, lambda scene: all(one.search(scene.thread) for one in found))


def word(text: str) -> str:
    """The regular expression of a word or several as they stand, whatever signs they begin and end with."""
    return rf"(?<!\w){re.escape(text)}(?!\w)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Somebody writes; `answers` quotes the last mail as a mail program does. Then what is expected must come.

    `{code}` in the text stands for the code that the last message to `code_from` brought. `people` are the customers
    that the story's addresses must belong to afterwards. `forged`: somebody else writes a mail in their name.
    """

    sender: Address
    text: str
    subject: str = ""
    answers: bool = False
    code_from: Address | None = None
    forged: bool = False
    expects: tuple[Expect, ...] = ()
    at_desk: tuple[str, ...] = ()  # what must come into the thread of the matter
    elements: tuple[Element, ...] = ()
    people: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Somebody of the team does something in the thread of the matter of who writes from `sender`.

    `note` and `reply` have a `text`, `resolve` has the reason as its `value` and what worked as its `text`.
    """

    sender: Address
    by: str
    does: ActKind
    text: str
    value: str = ""
    expects: tuple[Expect, ...] = ()
    at_desk: tuple[str, ...] = ()
    elements: tuple[Element, ...] = ()
    people: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is written at `addresses`, by one person or by several, and what people do about it.

    `customers` is the CSV that the company imports first, if any; `shared` are addresses in it that it knows several
    people to write from. `past` are rows of what the company brings by `omnibot import history`.
    """

    title: str
    names: dict[Address, str]
    steps: tuple[Step | Acting, ...]
    customers: str = ""
    past: tuple[Mapping[str, object], ...] = ()
    shared: tuple[Address, ...] = ()

    @property
    def has_team(self) -> bool:
        """Whether people take part."""
        return any(isinstance(step, Acting) for step in self.steps)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Everywhere that the story's people write from."""
        return tuple(self.names)
