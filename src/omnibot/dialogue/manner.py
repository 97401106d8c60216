"""How one reply is put: in which language and words, and how personal."""

from __future__ import annotations

from dataclasses import dataclass, replace

from omnibot.dialogue.heard import Heard
from omnibot.dialogue.phrases import Wish
from omnibot.dialogue.turn import Turn
from omnibot.dialogue.world import signed_up
from omnibot.model import Complexity, Expertise, Level, Preferences, Register, Snapshot

__all__ = ["Manner", "language_of", "manner_of"]

_FEW_WORDS = 3  # of which a language is hardly read
_WITH_FORMS = frozenset({"de", "es", "fr"})  # languages in which nobody is addressed without being close or not


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
        preferences = replace(preferences, complexity=complexity)
    if addressed := _as_they_address_us(turn, heard, language):
        preferences = replace(preferences, register=addressed)
    register = preferences.register or turn.company.registers.get(language, Register.CASUAL)
    return Manner(preferences, level, language, register)


def language_of(turn: Turn, preferences: Preferences, heard: Heard) -> str:
    """Stated, else read, else that of a "hola" too short to be read."""
    if preferences.language:
        return preferences.language
    if heard.language and (not turn.reading.language.known or _is_short(turn)):
        return heard.language
    return turn.reading.language.value


def _as_they_address_us(turn: Turn, heard: Heard, language: str) -> Register | None:
    """By du or by Sie, now or else when they last did; None where they have told us how, or never addressed us."""
    stated = "register" in turn.snapshot.stated or any(wish.wish is Wish.REGISTER for wish in heard.wishes)
    if stated or language not in _WITH_FORMS:
        return None
    if turn.reading.register.known and turn.reading.language.value == language:
        return turn.reading.register.value
    before = turn.snapshot.facts.get("register", "")
    return Register(before) if before in set(Register) else None


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
