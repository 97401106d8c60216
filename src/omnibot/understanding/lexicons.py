"""What words and turns of phrase say about a mood, language by language: `moods/*.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import islice
from typing import Any, NamedTuple

__all__ = ["LANGUAGES", "Found", "Lexicon", "lexicon"]

LANGUAGES = ("en", "es", "de", "fr")
_REPEATED = 0.5  # of its weight counts when a phrase is found once more
_FOUND = 3  # places of a phrase that count
_TRIES = 20  # places that begin alike are tried; more are a flood
_BEGINNING = 3  # letters of a word by which expressions are looked up
_KEPT = 4096  # words of which it is known by heart what they tell
_PIECE = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Found:
    """A turn of phrase where it stands in the text."""

    name: str
    weight: float
    start: int
    end: int


class _Expression(NamedTuple):
    """One of the ways to put a phrase."""

    number: int
    phrase: int  # the phrase's number
    has: frozenset[str]  # how words begin of which the text must have one; none where any text will do
    pattern: re.Pattern[str]


class _Known(NamedTuple):
    """What a word tells."""

    key: str
    begun: Sequence[tuple[bool, int, _Expression]]  # what may begin with it: whether it needs another word, and numbers
    needing: frozenset[int]  # the numbers of those that need a word like this
    anywhere: Sequence[_Expression]  # what is sought in the whole text


class Lexicon:
    """Words with their weights (−4…4) and turns of phrase of one language."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.weights = {word: float(weight) for weight, words in table["weights"].items() for word in words.split()}
        self.negations = frozenset(table.get("negations", "").split())  # none where VADER knows them
        self.boosters = frozenset(table.get("boosters", "").split())
        self.names = tuple(phrase["name"] for phrase in table["phrases"])
        self._weights = tuple(float(phrase["weight"]) for phrase in table["phrases"])
        self._beginning: dict[str, list[_Expression]] = {}  # by how a word begins what may begin with it
        self._needing: dict[str, list[_Expression]] = {}  # … what needs such a word, wherever it begins
        self._anywhere: dict[str, list[_Expression]] = {}  # … what must have it, and may begin with any
        sources = [(phrase, source) for phrase, each in enumerate(table["phrases"]) for source in each["any"]]
        for number, (phrase, source) in enumerate(sources):
            begins, has = (frozenset(map(_key, source.get(name, "").split())) for name in ("begins", "has"))
            expression = _Expression(number, phrase, has, re.compile(source["is"]))
            for keys, index in (
                (begins, self._beginning),
                (has, self._needing if begins else self._anywhere),
            ):
                for key in keys:
                    index.setdefault(key, []).append(expression)
        self._looked_up = lru_cache(maxsize=_KEPT)(self._look_up)

    def found(self, lower: str, words: Sequence[str], spans: Sequence[tuple[int, int]]) -> list[Found]:
        """The turns of phrase in a text in lower case that is made of these words, which stand there."""
        told = [(known, place) for place, known in enumerate(map(self._looked_up, words)) if known is not None]
        if len(told) > _TRIES:
            told = _without_floods(told)
        needing = _NOTHING.union(*[known.needing for known, _ in told])
        places: dict[int, list[tuple[int, int]]] = {}  # by phrase
        for known, place in told:
            for needs, number, expression in known.begun:
                if (not needs or number in needing) and (match := expression.pattern.match(lower, spans[place][0])):
                    _add(match, places.setdefault(expression.phrase, []))
        for expression in dict.fromkeys([expression for known, _ in told for expression in known.anywhere]):
            for match in islice(expression.pattern.finditer(lower), _FOUND):
                _add(match, places.setdefault(expression.phrase, []))
        return self._weighed(places) if places else []

    def _weighed(self, places: Mapping[int, Sequence[tuple[int, int]]]) -> list[Found]:
        silent = [span for phrase, spans in places.items() if not self._weights[phrase] for span in spans]
        return [
            Found(self.names[phrase], self._weights[phrase] * _REPEATED**number, *span)
            for phrase, spans in sorted(places.items())
            for number, span in enumerate(spans)
            if not (silent and self._weights[phrase] and _lies_in(span, silent))
        ]

    def _look_up(self, word: str) -> _Known | None:
        """What a word tells; None where that is nothing."""
        key = _key(word)
        begun = self._beginning.get(key, ())
        anywhere = self._anywhere.get(key, ())
        within = {key, *map(_key, _PIECE.findall(word))}  # "great...another" has another word in it
        needing = frozenset(expression.number for key in within for expression in self._needing.get(key, ()))
        if not (begun or needing or anywhere):
            return None
        return _Known(key, [(bool(each.has), each.number, each) for each in begun], needing, anywhere)


_NOTHING: frozenset[int] = frozenset()


def _without_floods(told: Iterable[tuple[_Known, int]]) -> list[tuple[_Known, int]]:
    """What is told by the first places that begin alike."""
    tries: dict[str, int] = {}
    kept = []
    for known, place in told:
        tries[known.key] = tried = tries.get(known.key, 0) + 1
        if tried <= _TRIES:
            kept.append((known, place))
    return kept


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
