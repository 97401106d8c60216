"""What words and turns of phrase say about a mood, language by language: `moods/*.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache, reduce
from importlib.resources import files
from itertools import compress, count, islice, repeat
from operator import and_, attrgetter, or_
from typing import Any, NamedTuple

from omnibot.model.values import frozen
from omnibot.understanding.words import ByHeart

__all__ = ["LANGUAGES", "Found", "Lexicon", "lexicon"]

LANGUAGES = ("en", "es", "de", "fr")
_REPEATED = 0.5  # of its weight counts when a phrase is found once more
_FOUND = 3  # places of a phrase that count
_MANY = 100  # words; more may be a flood
_TRIES = 20  # places that begin alike are tried in a flood
_BEGINNINGS = range(3, 9)  # letters of a word by which expressions are looked up
_NUMBER = "0"  # stands for any
_WHOLE = "$"  # ends a key that is a whole word
_SETS = 4096  # of expressions, which are known by heart
_PIECE = re.compile(r"[^\W_]+")


@frozen
class Found:
    """A turn of phrase where it stands in the text."""

    name: str
    weight: float
    start: int
    end: int


class _Expression(NamedTuple):
    """One of the ways to put a phrase."""

    phrase: int  # its number
    pattern: re.Pattern[str]


class _Known(NamedTuple):
    """What a word tells, as sets of expressions: a bit for each, by its number."""

    begun: int  # those that may begin with it
    had: int  # those that need a word like this
    then: int  # those that may go on with it behind their first word


_begun, _had = attrgetter("begun"), attrgetter("had")


class Lexicon:
    """Words with their weights (−4…4) and turns of phrase of one language."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.weights = {word: float(weight) for weight, words in table["weights"].items() for word in words.split()}
        self.negations = frozenset(table.get("negations", "").split())  # none where VADER knows them
        self.boosters = frozenset(table.get("boosters", "").split())
        self.names = tuple(phrase["name"] for phrase in table["phrases"])
        self._weights = tuple(float(phrase["weight"]) for phrase in table["phrases"])
        self._expressions: list[_Expression] = []
        self._begins: dict[str, int] = {}  # by how a word begins, the expressions that may begin with it
        self._has: dict[str, int] = {}  # … that must have it
        self._then: dict[str, int] = {}  # … that may have it right behind their first word
        self._whatever = 0  # the expressions that may have any word there
        self._needless = 0  # the expressions that need no other word than that they begin with
        self._anywhere = 0  # those that may begin with any word
        for phrase, source in [(number, each) for number, it in enumerate(table["phrases"]) for each in it["any"]]:
            self._add(
                phrase, re.compile(source["is"]), **{key: source.get(key, "") for key in ("begins", "has", "then")}
            )
        self._nothing = _Known(0, 0, self._whatever)
        self._known = ByHeart(self._look_up)
        self._of = lru_cache(maxsize=_SETS)(self._decode)

    def _add(self, phrase: int, pattern: re.Pattern[str], begins: str, has: str, then: str) -> None:
        bit = 1 << len(self._expressions)
        self._expressions.append(_Expression(phrase, pattern))
        self._needless |= 0 if has else bit
        self._anywhere |= 0 if begins else bit
        self._whatever |= 0 if then else bit
        for keys, index in ((begins, self._begins), (has, self._has), (then, self._then)):
            for key in keys.split():
                index[key] = index.get(key, 0) | bit

    def found(self, lower: str, words: Sequence[str], spans: Sequence[tuple[int, int]]) -> list[Found]:
        """The turns of phrase in a text in lower case that is made of these words, which stand there."""
        known = list(map(self._known.__getitem__, words))
        possible = reduce(or_, map(_had, known), self._needless)
        if len(known) > _MANY:
            known = _without_floods(words, known)
        places: dict[int, list[tuple[int, int]]] = {}  # by phrase
        known.append(_ANYTHING)
        # What may begin at each place: in a map, since few words begin what is possible.
        begins = list(map(and_, map(_begun, known), repeat(possible)))
        for place in compress(count(), begins):
            if begun := begins[place] & known[place + 1].then:
                start = spans[place][0]
                for phrase, pattern in self._of(begun):
                    if match := pattern.match(lower, start):
                        _add(match, places.setdefault(phrase, []))
        for phrase, pattern in self._of(possible & self._anywhere):
            for match in islice(pattern.finditer(lower), _FOUND):
                _add(match, places.setdefault(phrase, []))
        return self._weighed(places) if places else []

    def _decode(self, numbers: int) -> Sequence[_Expression]:
        """The expressions of a set, in their order."""
        return [each for number, each in enumerate(self._expressions) if numbers >> number & 1]

    def _weighed(self, places: Mapping[int, Sequence[tuple[int, int]]]) -> list[Found]:
        silent = [span for phrase, spans in places.items() if not self._weights[phrase] for span in spans]
        return [
            Found(self.names[phrase], self._weights[phrase] * _REPEATED**number, *span)
            for phrase, spans in sorted(places.items())
            for number, span in enumerate(spans)
            if not (silent and self._weights[phrase] and _lies_in(span, silent))
        ]

    def _look_up(self, word: str) -> _Known:
        keys = _keys(word)
        had = _any_of(self._has, keys)
        for piece in _PIECE.findall(word):  # "great...another" has another word in it
            had |= _any_of(self._has, _keys(piece)) & ~self._anywhere
        begun, then = _any_of(self._begins, keys), _any_of(self._then, keys)
        return _Known(begun, had, then | self._whatever) if begun or had or then else self._nothing


_ANYTHING = _Known(0, 0, -1)  # a word that begins nothing, and that anything may go on with


def _without_floods(words: Iterable[str], known: Iterable[_Known]) -> list[_Known]:
    """The same, with nothing begun by a word whose beginning has come too often."""
    tries: dict[str, int] = {}
    kept = []
    for word, each in zip(words, known, strict=True):
        key = _beginning(word)
        tries[key] = tried = tries.get(key, 0) + 1
        kept.append(each if tried <= _TRIES else _ANYTHING)
    return kept


def _lies_in(span: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)


def _keys(word: str) -> Sequence[str]:
    """By which a word is looked up: its first letters, how many ever a file has of it, and the whole word."""
    beginning = _beginning(word)
    if beginning == _NUMBER:
        return (beginning,)
    return (*dict.fromkeys([word[:length] for length in _BEGINNINGS]), word + _WHOLE)


def _beginning(word: str) -> str:
    """The fewest letters by which a word is looked up."""
    return _NUMBER if word[0].isdigit() else word[: _BEGINNINGS[0]]


def _any_of(index: Mapping[str, int], keys: Iterable[str]) -> int:
    """The expressions that any of the keys stands for."""
    return reduce(or_, [index.get(key, 0) for key in keys])


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
