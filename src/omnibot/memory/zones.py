"""The time zone of a place that somebody names."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from omnibot.memory.situation import zone_of
from omnibot.stems import folded

__all__ = ["named_zone"]

_LONGEST = 5  # words of a place
_BEFORE = frozenset({"the", "der", "den", "el", "la", "los", "las", "le", "les", "city", "ciudad"})


def named_zone(words: Sequence[str], text: str) -> str:
    """The zone (IANA) of the place that folded words begin with, or that a text has the name of; '' if unknown."""
    for skipped in (0, 1) if words and words[0] in _BEFORE else (0,):
        rest = words[skipped : skipped + _LONGEST]
        for count in range(len(rest), 0, -1):
            if zone := _places().get(" ".join(rest[:count])):
                return zone
    return next((word for part in text.split() if "/" in (word := part.strip(".,;!()")) and zone_of(word)), "")


@cache
def _places() -> Mapping[str, str]:
    """By place, folded, its zone."""
    table = tomllib.loads(files(__package__).joinpath("zones.toml").read_text("utf-8"))
    return {folded(place): zone for zone, places in table.items() for place in places.split(",")}
