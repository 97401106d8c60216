"""What words and turns of phrase say about a mood, language by language: `moods/*.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

__all__ = ["LANGUAGES", "Found", "Lexicon", "lexicon"]

LANGUAGES = ("en", "es", "de", "fr")
_REPEATED = 0.5  # of its weight counts when a phrase is found once more
_FOUND = 3  # places of a phrase that count
_TRIES = 20  # places that begin alike are tried; more are a flood
_BEGINNING = 3  # letters of a word by which expressions are looked up


@dataclass(frozen=True, slots=True)
class Found:
    """A turn of phrase where it stands in the text."""

    name: str
    weight: float
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class _Expression:
    """One of the ways to put a phrase."""

    phrase: int  # its number
    pattern: re.Pattern[str]


class Lexicon:
    """Words with their weights (−4…4) and turns of phrase of one language."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.weights = {word: float(weight) for weight, words in table["weights"].items() for word in words.split()}
        self.negations = frozenset(table.get("negations", "").split())  # none where VADER knows them
        self.boosters = frozenset(table.get("boosters", "").split())
        self.names = tuple(phrase["name"] for phrase in table["phrases"])
        self._weights = tuple(float(phrase["weight"]) for phrase in table["phrases"])
        self._beginning: dict[str, list[_Expression]] = {}  # by how a word begins what may begin with it
        self._anywhere: dict[str, list[_Expression]] = {}  # by how a word begins what it must have within it
        for place, phrase in enumerate(table["phrases"]):
            for source in phrase["any"]:
                expression = _Expression(place, re.compile(source["is"]))
                index, words = (
                    (self._beginning, source["begins"]) if "begins" in source else (self._anywhere, source["has"])
                )
                for key in {_key(word) for word in words.split()}:
                    index.setdefault(key, []).append(expression)

    def found(self, lower: str, words: Sequence[str], starts: Iterable[int]) -> list[Found]:
        """The turns of phrase in a text in lower case that is made of these words, which start there."""
        spans: dict[int, list[tuple[int, int]]] = {}  # by phrase
        sought: dict[_Expression, None] = {}
        tries: dict[str, int] = {}
        beginning, anywhere = self._beginning, self._anywhere
        for word, start in zip(words, starts, strict=True):
            key = _key(word)
            if key in beginning and (tried := tries.get(key, 0)) < _TRIES:
                tries[key] = tried + 1
                for expression in beginning[key]:
                    if match := expression.pattern.match(lower, start):
                        _add(match, spans.setdefault(expression.phrase, []))
            if key in anywhere:
                sought.update(dict.fromkeys(anywhere[key]))
        for expression in sought:
            for match in islice(expression.pattern.finditer(lower), _FOUND):
                _add(match, spans.setdefault(expression.phrase, []))
        silent = [span for phrase, places in spans.items() if not self._weights[phrase] for span in places]
        return [
            Found(self.names[phrase], self._weights[phrase] * _REPEATED**number, *span)
            for phrase, places in sorted(spans.items())
            for number, span in enumerate(places)
            if not (silent and self._weights[phrase] and _lies_in(span, silent))
        ]


def _lies_in(span: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)


def _key(word: str) -> str:
    """By which a word is looked up: its first letters."""
    return "0" if word[0].isdigit() else word[:_BEGINNING]


def _add(match: re.Match[str], spans: list[tuple[int, int]]) -> None:
    """Add a place unless it overlaps another of the phrase, or there are enough."""
    start, end = match.span(match.lastindex or 0)
    if len(spans) < _FOUND and all(end <= before or behind <= start for before, behind in spans):
        spans.append((start, end))


@cache
def lexicon(language: str) -> Lexicon:
    """Read the lexicon of one of LANGUAGES."""
    source = files("omnibot.understanding") / "moods" / f"{language}.toml"
    return Lexicon(tomllib.loads(source.read_text("utf-8")))
