"""The wordings of one language, read from `<language>.toml` beside this module."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from omnibot.model import MoveKind, Register

__all__ = ["LANGUAGES", "Wording", "wording"]

LANGUAGES = ("en", "es")  # the first stands in for those that we do not write
_NAME = re.compile(r"\{(?:first_)?name\}")


@dataclass(frozen=True, slots=True)
class _Forms:
    """The wordings of one move in one register: for somebody with a name, and for somebody without."""

    every: tuple[str, ...]
    named: tuple[str, ...]
    nameless: tuple[str, ...]

    @classmethod
    def of(cls, wordings: Iterable[str]) -> _Forms:
        """Wordings with a name are used when there is a name, and only then."""
        every = tuple(wordings)
        named = tuple(wording for wording in every if _NAME.search(wording))
        nameless = tuple(wording for wording in every if wording not in named)
        return cls(every, named or nameless, nameless or named)


@dataclass(frozen=True, slots=True)
class Wording:
    """How one language puts each move, by register."""

    language: str
    moves: Mapping[str, Mapping[str, Mapping[str, _Forms]]]
    channels: Mapping[str, Mapping[str, str]]
    languages: Mapping[str, str]

    def say(
        self, move: str, topic: str, register: Register, variant: int, values: Mapping[str, str], told: str = ""
    ) -> str:
        """One wording with its places filled; raises KeyError for a move or a place that nobody has put into words.

        Of several it is the one that was last used longest ago in `told`, our latest words; `variant` chooses among
        those that were not used at all.
        """
        forms = self.moves[move][topic][register]
        chosen = forms.named if values.get("name") else forms.nameless
        if len(chosen) == 1:
            return chosen[0].format_map(values)
        first = variant % len(chosen)
        said = [wording.format_map(values) for wording in (*chosen[first:], *chosen[:first])]
        return min(said, key=told.rfind) if told else said[0]

    def promised(self, topic: str, told: str) -> bool:
        """Whether our latest words pass something to people, by a topic's words."""
        registers = self.moves[MoveKind.HANDOFF][topic].values()
        return any(words in told for forms in registers for words in forms.every)

    @property
    def promises(self) -> Iterable[str]:
        """The topics of everything that is passed to people."""
        return self.moves[MoveKind.HANDOFF]

    def channel(self, channel: str) -> dict[str, str]:
        """How a channel is spoken of: `by_channel`, `by_channel_place`, `an_address`."""
        forms = self.channels.get(channel) or self.channels["other"]
        return {key: form.format(channel=channel.capitalize()) for key, form in forms.items()}


@cache
def wording(language: str) -> Wording:
    """The wordings of a language; of English for a language that we do not write."""
    if language not in LANGUAGES:
        return wording(LANGUAGES[0])
    tables: dict[str, Any] = tomllib.loads(files(__package__).joinpath(f"{language}.toml").read_text("utf-8"))
    return Wording(
        language=language,
        channels=tables.pop("channels"),
        languages=tables.pop("languages"),
        moves={
            move: {topic: {r: _Forms.of(said) for r, said in registers.items()} for topic, registers in topics.items()}
            for move, topics in tables.items()
        },
    )
