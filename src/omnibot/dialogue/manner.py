"""How one reply is put: in which language and words, and how personal."""

from __future__ import annotations

from dataclasses import dataclass, replace

from omnibot.dialogue.heard import Heard
from omnibot.dialogue.turn import Turn
from omnibot.dialogue.world import signed_up
from omnibot.model import Complexity, Expertise, Level, Preferences, Register, Snapshot

__all__ = ["Manner", "language_of", "manner_of"]

_FEW_WORDS = 3  # of which a language is hardly read


@dataclass(slots=True)
class Manner:
    """How one reply is put."""

    preferences: Preferences
    level: Level
    language: str
    register: Register


def manner_of(turn: Turn, preferences: Preferences, heard: Heard) -> Manner:
    """As they said, then as they seem to like it, then as they write."""
    language = language_of(turn, preferences, heard)
    level = Level.NAME if turn.is_shared else min(turn.company.level, preferences.level or Level.EMOTION)
    if level < Level.PREFERENCES and turn.snapshot.habits:
        preferences = _stated(preferences, turn.snapshot)
    if preferences.complexity is None and (complexity := _complexity(turn)):
        preferences = replace(preferences, complexity=complexity)
    register = preferences.register or turn.company.registers.get(language, Register.CASUAL)
    return Manner(preferences, level, language, register)


def language_of(turn: Turn, preferences: Preferences, heard: Heard) -> str:
    """Stated, else read, else that of a "hola" too short to be read."""
    if preferences.language:
        return preferences.language
    if heard.language and (not turn.reading.language.known or _is_short(turn)):
        return heard.language
    return turn.reading.language.value


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
