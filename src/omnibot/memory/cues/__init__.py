"""Words and phrases by which people tell what became of their matter, what they have tried, and who they are.

They stand in a file a language (`en.toml`, …), a table a topic, phrases a cue. In a phrase `a/b` is either word, `(a)`
may be absent, `a+b` is two words for one, `a*` begins a word, `#` is a number, `_` any word and `...` up to four of
them; it begins with words that are known. Commas and line ends part phrases. Accents and apostrophes may be missing in
what is written.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import accumulate, compress, count, zip_longest
from operator import or_

from omnibot.model.values import frozen
from omnibot.stems import folded

__all__ = ["LANGUAGES", "Cue", "Cues", "cues_of"]

LANGUAGES = ("en", "es", "de", "fr")

_TRIES = 200  # phrases that are tried in one sentence; a flood of words has more
_PARTED = re.compile(r"[,\n]")
_ANY = frozenset({"_", "...", "#"})


@frozen
class Cue:
    """A cue that was found, by its topic and name, and where in the folded sentence."""

    topic: str
    name: str
    start: int
    end: int


class Cues:
    """All phrases in one language, by the words that they begin with."""

    def __init__(self, language: str) -> None:
        table = tomllib.loads(files(__package__).joinpath(f"{language}.toml").read_text("utf-8"))
        self.words: Mapping[str, str] = table.pop("words")  # how a thing that was tried is told
        self._open: dict[str, list[_Form]] = {}  # by the word that they begin with, whatever comes next
        self._followed: dict[tuple[str, str | None], list[_Form]] = {}  # by that word and the one that must come next
        for topic, cues in table.items():
            for name, phrases in cues.items():
                for phrase in filter(None, map(str.strip, _PARTED.split(phrases))):
                    self._keep(_Form(topic, name, phrase), phrase)

    def find(self, sentence: str) -> Sequence[Cue]:
        """The cues of a sentence that is folded, in its order; of a topic none that is part of a longer one."""
        words = sentence.split()
        pairs = list(zip_longest(words, words[1:]))
        # No step for each word: at one of six or so a phrase may begin.
        begins = map(or_, map(self._open.__contains__, words), map(self._followed.__contains__, pairs))
        letters = list(accumulate(map(len, words), initial=0))  # before each word
        found: list[Cue] = []
        tries = _TRIES
        text = f"{sentence} "
        for number in compress(count(), begins):
            place = letters[number] + number
            for form in (*self._open.get(words[number], ()), *self._followed.get(pairs[number], ())):
                tries -= 1
                if match := form.match(text, place):
                    found.append(Cue(form.topic, form.name, place, match.end() - 1))
            if tries < 0:
                break
        return _longest(found) if len(found) > 1 else found

    def _keep(self, form: _Form, phrase: str) -> None:
        for word, following in _beginnings(phrase):
            if following is None:
                self._open.setdefault(word, []).append(form)
            else:
                for second in following:
                    self._followed.setdefault((word, second), []).append(form)


@cache  # read once, and nobody changes it
def cues_of(language: str) -> Cues | None:
    """The cues of a language (ISO 639-1); None where there are no words for it."""
    return Cues(language) if language in LANGUAGES else None


class _Form:
    """One phrase of a cue."""

    __slots__ = ("_phrase", "match", "name", "topic")

    def __init__(self, topic: str, name: str, phrase: str) -> None:
        self.topic = topic
        self.name = name
        self._phrase = phrase
        self.match: Callable[[str, int], re.Match[str] | None] = self._first_match

    def _first_match(self, text: str, place: int) -> re.Match[str] | None:
        """Match from a place on; the pattern is made when a text first has the phrase's first word."""
        self.match = re.compile(_pattern(self._phrase)).match
        return self.match(text, place)


def _parts(phrase: str) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The places of a phrase: the words that may stand there, and whether none need."""
    for part in phrase.split():
        optional = part.startswith("(")
        words = part.strip("()").split("/")
        yield tuple(word if word in _ANY else _folded(word) for word in words), optional


def _folded(word: str) -> str:
    plain = "+".join(folded(word.rstrip("*").replace("+", " ")).split())
    return f"{plain}*" if word.endswith("*") else plain


def _pattern(phrase: str) -> str:
    """Over text in which each word is followed by one space."""
    pattern = ""
    for words, optional in _parts(phrase):
        if words == ("...",):
            pattern += r"(?:\S+ ){0,4}?"
        else:
            piece = f"(?:{'|'.join(map(_word, words))}) "
            pattern += f"(?:{piece})?" if optional else piece
    return pattern


def _word(word: str) -> str:
    if word == "#":
        return r"\d+"
    if word == "_":
        return r"\S+"
    body = re.escape(word.rstrip("*")).replace(r"\+", " ")
    return rf"{body}\w*" if word.endswith("*") else body


def _beginnings(phrase: str) -> Iterator[tuple[str, frozenset[str] | None]]:
    """The words that a phrase may begin with, each with those of which one must come next; None: any may, or none."""
    parts = list(_parts(phrase))
    for number, (words, optional) in enumerate(parts):
        for word in words:
            if word in _ANY or word.endswith("*"):
                raise ValueError(f"a phrase must begin with words that are known: {phrase!r}")
            first, *rest = word.split("+")
            yield first, frozenset(rest[:1]) if rest else _following(parts[number + 1 :])
        if not optional:
            return
    raise ValueError(f"a phrase has no word that must be there: {phrase!r}")


def _following(parts: Sequence[tuple[tuple[str, ...], bool]]) -> frozenset[str] | None:
    found: set[str] = set()
    for words, optional in parts:
        if any(word in _ANY or word.endswith("*") for word in words):
            return None
        found.update(word.split("+")[0] for word in words)
        if not optional:
            return frozenset(found)
    return None


def _longest(found: list[Cue]) -> Sequence[Cue]:
    """Without those that are part of another of their topic; of two in one place the first of the file."""
    ends: dict[str, int] = {}
    kept: list[Cue] = []
    for cue in sorted(found, key=_widest_first):
        if cue.end > ends.get(cue.topic, 0):
            ends[cue.topic] = cue.end
            kept.append(cue)
    return kept


def _widest_first(cue: Cue) -> tuple[int, int]:
    return cue.start, -cue.end
