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
class Wording:
    """How one language puts each move, by register."""

    language: str
    moves: Mapping[str, Mapping[str, Mapping[str, list[str]]]]
    channels: Mapping[str, Mapping[str, str]]
    languages: Mapping[str, str]

    def say(
        self, move: str, topic: str, register: Register, variant: int, values: Mapping[str, str], told: str = ""
    ) -> str:
        """One wording with its places filled; raises KeyError for a move or a place that nobody has put into words.

        Wordings with a name are used when there is a name, and only then. Of several it is the one that was last used
        longest ago in `told`, our latest words; `variant` chooses among those that were not used at all.
        """
        wordings = self.moves[move][topic][register]
        named = [wording for wording in wordings if _NAME.search(wording)]
        chosen = named if named and values.get("name") else [w for w in wordings if w not in named] or named
        if len(chosen) == 1:
            return chosen[0].format_map(values)
        first = variant % len(chosen)
        said = [wording.format_map(values) for wording in (*chosen[first:], *chosen[:first])]
        return min(said, key=told.rfind) if told else said[0]

    def promised(self, topic: str, told: str) -> bool:
        """Whether our latest words pass something to people, by a topic's words."""
        return any(words in told for registers in self.moves[MoveKind.HANDOFF][topic].values() for words in registers)

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
    return Wording(language=language, channels=tables.pop("channels"), languages=tables.pop("languages"), moves=tables)
