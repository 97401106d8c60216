"""How one reply is put: in which language and words, and how personal."""

from __future__ import annotations

from dataclasses import dataclass

from omnibot.dialogue.heard import Heard
from omnibot.dialogue.phrases import Wish
from omnibot.dialogue.turn import Turn
from omnibot.dialogue.world import signed_up
from omnibot.model import Complexity, Expertise, Level, Preferences, Reading, Register, Snapshot
from omnibot.model.values import replaced

__all__ = ["Manner", "language_of", "manner_of", "manner_unheard"]

_FEW_WORDS = 3  # of which a language is hardly read
_WITH_FORMS = frozenset({"de", "es", "fr"})  # languages in which nobody is addressed without being close or not

_REGISTERS = frozenset(Register)


@dataclass(slots=True)
class Manner:
    """How one reply is put."""

    preferences: Preferences
    level: Level
    language: str
    register: Register


def manner_of(turn: Turn, preferences: Preferences, heard: Heard) -> Manner:
    """As they said, then as they seem to like it, then as they write; du and Sie at once as they write."""
    language = language_of(turn, preferences, heard)
    level = Level.NAME if turn.is_shared else min(turn.company.level, preferences.level or Level.EMOTION)
    if level < Level.PREFERENCES and turn.snapshot.habits:
        preferences = _stated(preferences, turn.snapshot)
    if preferences.complexity is None and (complexity := _complexity(turn)):
        preferences = replaced(preferences, complexity=complexity)
    if not any([wish.wish is Wish.REGISTER for wish in heard.wishes]):
        preferences = _as_addressed(preferences, turn.snapshot, turn.reading, language)
    register = preferences.register or turn.company.registers.get(language, Register.CASUAL)
    return Manner(preferences, level, language, register)


def manner_unheard(snapshot: Snapshot, reading: Reading) -> tuple[Preferences, str]:
    """How what answers no words is put, such as that STOP is obeyed, and in which language."""
    language = snapshot.preferences.language or reading.language.value
    return _as_addressed(snapshot.preferences, snapshot, reading, language), language


def language_of(turn: Turn, preferences: Preferences, heard: Heard) -> str:
    """Stated, else read, else that of a "hola" too short to be read."""
    if preferences.language:
        return preferences.language
    if heard.language and (not turn.reading.language.known or _is_short(turn)):
        return heard.language
    return turn.reading.language.value


def _as_addressed(preferences: Preferences, snapshot: Snapshot, reading: Reading, language: str) -> Preferences:
    """With the form by which they address us, now or else when they last did, unless they have told us which."""
    if "register" in snapshot.stated or language not in _WITH_FORMS:
        return preferences
    if reading.register.known and reading.language.value == language:
        return replaced(preferences, register=reading.register.value)
    before = snapshot.facts.get("register", "")
    return replaced(preferences, register=Register(before)) if before in _REGISTERS else preferences


def _is_short(turn: Turn) -> bool:
    return sum(len(message.text.split()) for message in turn.messages) < _FEW_WORDS


def _stated(preferences: Preferences, snapshot: Snapshot) -> Preferences:
    """Those alone that they told us, before or just now."""
    before = snapshot.preferences.texts()
    texts = preferences.texts().items()
    return Preferences().told({n: text for n, text in texts if n in snapshot.stated or text != before.get(n)})


def _complexity(turn: Turn) -> Complexity | None:
    """No jargon for who is new here, and no detours for who knows what things are made of."""
    expertise = turn.reading.expertise
    if expertise.known and expertise.value is Expertise.EXPERT:
        return Complexity.TECHNICAL
    if turn.is_beginners or signed_up(turn.snapshot, turn.world.now):
        return Complexity.PLAIN
    return None
