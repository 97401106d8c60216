"""The wordings of one language, read from `<language>.toml` beside this module."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from omnibot.model import Register

__all__ = ["LANGUAGES", "Wording", "wording"]

LANGUAGES = ("en", "es")  # the first stands in for those that we do not write


@dataclass(frozen=True, slots=True)
class Wording:
    """How one language puts each move, by register."""

    language: str
    moves: Mapping[str, Mapping[str, Mapping[str, list[str]]]]
    channels: Mapping[str, Mapping[str, str]]
    languages: Mapping[str, str]

    def say(self, move: str, topic: str, register: Register, variant: int, values: Mapping[str, str]) -> str:
        """One wording with its places filled; raises KeyError for a move or a place that nobody has put into words.

        Wordings with {name} are used when there is a name, and only then.
        """
        wordings = self.moves[move][topic][register]
        named = [wording for wording in wordings if "{name}" in wording]
        chosen = named if named and values.get("name") else [w for w in wordings if w not in named] or named
        return chosen[variant % len(chosen)].format_map(values)

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
