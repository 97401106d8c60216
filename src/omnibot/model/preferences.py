"""How somebody likes to be answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import IntEnum, StrEnum

from omnibot.model.values import frozen


class Register(StrEnum):
    """How a customer likes to be spoken to."""

    CASUAL = "casual"
    FORMAL = "formal"


class Manner(StrEnum):
    """How near a customer likes us to come."""

    FRIENDLY = "friendly"
    PROFESSIONAL = "professional"


class Length(StrEnum):
    """How many words a customer likes."""

    SHORT = "short"
    DETAILED = "detailed"


class Detail(StrEnum):
    """Whether a customer likes what matters, or every step."""

    SUMMARY = "summary"
    STEPS = "steps"


class Complexity(StrEnum):
    """Which words a customer is at home with."""

    PLAIN = "plain"
    TECHNICAL = "technical"


class Level(IntEnum):
    """How personal a reply may be; each level has those below it."""

    NAME = 1
    HISTORY = 2
    PREFERENCES = 3
    ANTICIPATION = 4
    EMOTION = 5


@frozen
class Preferences:
    """How a customer wants to be answered; None where nothing is known."""

    channel: str | None = None
    register: Register | None = None
    length: Length | None = None
    language: str | None = None
    manner: Manner | None = None
    detail: Detail | None = None
    complexity: Complexity | None = None
    emoji: bool | None = None
    zone: str | None = None  # IANA
    quiet: str | None = None  # in which nothing unasked is sent, in their zone: "22:00-07:00"
    level: Level | None = None  # how personal they let us be: never above the company's

    def told(self, texts: Mapping[str, str]) -> Preferences:
        """With those that texts tell, by name; '' takes one back, what cannot be read is not known.

        Texts of other names are left alone, so that an older server can read what a newer one wrote.
        """
        values = {name: _READ[name](text) for name, text in texts.items() if name in _READ}
        return replace(self, **values) if values else self  # type: ignore[arg-type]

    def texts(self) -> dict[str, str]:
        """Those that are known, by name, as they are told."""
        values = {name: getattr(self, name) for name in _READ}
        return {name: _as_told(value) for name, value in values.items() if value is not None}


NONE_KNOWN = Preferences()
PREFERENCE = "preference."  # begins the key of a fact that states one; its name follows


def _one_of(kind: type[StrEnum | IntEnum]) -> Callable[[str], object]:
    return {str(one.value): one for one in kind}.get


def _text(text: str) -> str | None:
    return text or None


_READ: Mapping[str, Callable[[str], object]] = {
    "channel": _text,
    "register": _one_of(Register),
    "length": _one_of(Length),
    "language": _text,
    "manner": _one_of(Manner),
    "detail": _one_of(Detail),
    "complexity": _one_of(Complexity),
    "emoji": {"yes": True, "no": False}.get,
    "zone": _text,
    "quiet": _text,
    "level": _one_of(Level),
}


def _as_told(value: str | bool | Level) -> str:
    """`StrEnum`s are their texts."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
