"""Words that mean nearly the same: who asks about pets is answered by what tells of a kitten.

`kin.<language>.tsv` has a stem a line, then those near it, the nearest first, each with its likeness in percent
(`pet kitten:61 dog:58`). It is made by training/kin.py from the encoder that the package ships.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files

__all__ = ["Kin"]


_REMEMBERED = 1024  # stems: some 1 MB


class Kin:
    """The words of a language that stand for each other; none where nobody has written them down."""

    def __init__(self, lines: Mapping[str, str]) -> None:
        self._lines = lines  # unparsed: few are ever asked for,
        self.of = lru_cache(_REMEMBERED)(self._of)  # and those again and again

    @classmethod
    def of_language(cls, language: str) -> Kin:
        """What is shipped for a language (ISO 639-1)."""
        return _shipped(language)

    def _of(self, stem: str) -> Sequence[tuple[str, float]]:
        """Stems near one, each with its likeness from 0 to 1."""
        found = (each.rpartition(":") for each in self._lines.get(stem, "").split())
        return [(other, int(percent) / 100) for other, _, percent in found]


@cache
def _shipped(language: str) -> Kin:
    file = files(__package__).joinpath(f"kin.{language}.tsv")
    if not file.is_file():
        return Kin({})
    lines = (line.partition("\t") for line in file.read_text("utf-8").splitlines())
    return Kin({stem: near for stem, _, near in lines})
