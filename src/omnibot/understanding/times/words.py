"""The words by which a language names times, read from its file.

`ties` are the words that tie a time to its sentence and those that join its pieces, a class each. The other tables
carry values: days from today, parts of the day, units, numbers. `cues` are words near a time that tell what it is to
the writer. A phrase longer than a word wins over its pieces, so an `idiom` keeps its words from being read as a time.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple, TypeAlias

from omnibot.understanding.utterance import folded

__all__ = ["LANGUAGES", "Meaning", "Vocabulary", "vocabulary"]

LANGUAGES = ("en", "es", "de", "fr")


class Meaning(NamedTuple):
    """What a word or phrase is to the grammar."""

    kind: str  # a class of grammar.py
    value: Any = None  # what its class carries


# Phrases that begin with a word: by their second what stands behind that, longest first.
_Begun: TypeAlias = Mapping[str, list[tuple[list[str], Meaning]]]
# Phrases that begin with a word: by the word behind it what stands there, longest first; "" for any other word.
_Said: TypeAlias = Mapping[str, list[tuple[list[str], str]]]


@dataclass(frozen=True)
class Vocabulary:
    """The words of one language."""

    language: str
    words: Mapping[str, Meaning]
    phrases: Mapping[str, _Begun]  # by their first words
    elided: Mapping[str, str]  # what stands before an apostrophe in place of a word: `l` for `le`
    cues: Mapping[str, frozenset[str]]  # their words
    verbs: tuple[tuple[re.Pattern[str], str], ...]  # how endings give verbs away
    triggers: frozenset[str]  # without one of these, or a number tied to its sentence, a text names no time in words
    numbers: frozenset[str]  # words that may be hours
    haste: Mapping[str, _Said]  # how soon something is wanted, by the first word
    hasty: frozenset[str]  # without one of these a text says nothing of haste
    american: tuple[str, ...]
    afternoon: int
    bare_hours: frozenset[str]
    endings: frozenset[str]  # of ordinals in figures
    flags: frozenset[str]

    def has(self, word: str, cue: str) -> bool:
        """Whether a word is such a cue."""
        return word in self.cues.get(cue, ())


_TELLING = frozenset(
    {
        *(
            "weekday",
            "short",
            "always",
            "dayparts",
            "workdays",
            "month",
            "day",
            "part",
            "manana",
            "noon",
            "edge",
            "holiday",
            "oclock",
            "past",
        ),
        *("unit", "hour", "h", "weekend", "amount", "half", "quarter", "week_number"),
    }
)


@cache
def vocabulary(language: str) -> Vocabulary:
    """A language's words; of one without a file none at all, by which dates in figures alone are read."""
    table: dict[str, Any] = {}
    if language in LANGUAGES:
        table = tomllib.loads(files("omnibot.understanding.times").joinpath(f"{language}.toml").read_text("utf-8"))
    meanings = dict(_spelt(_meanings(table)))
    words = {phrase: meaning for phrase, meaning in meanings.items() if " " not in phrase}
    return Vocabulary(
        language=language,
        words=words,
        phrases=_phrases(meanings),
        elided=table.get("elided", {}),
        cues=_cues(table.get("cues", {})),
        verbs=tuple((re.compile(ending), cue) for ending, cue in table.get("verbs", {}).items()),
        triggers=_triggers(meanings),
        numbers=_hours(meanings),
        haste=_haste(table.get("haste", {})),
        hasty=_needed(phrase for phrase, _ in _haste_phrases(table.get("haste", {}))),
        american=tuple(table.get("american", ())),
        afternoon=table.get("afternoon", 0),
        bare_hours=frozenset(table.get("bare_hours", ())),
        endings=frozenset(_parts(table.get("number", {}).get("endings", ""))),
        flags=frozenset(table.get("flags", ())),
    )


def _parts(text: str) -> list[str]:
    return [part for piece in re.split(r"[,\n]", text) if (part := piece.strip())]


def _lines(text: str) -> list[list[str]]:
    return [_parts(line) for line in text.strip().splitlines()]


def _meanings(table: Mapping[str, Any]) -> Iterator[tuple[str, Meaning]]:
    """Phrase by phrase; where one has several meanings the last one holds."""
    yield from _numbers(table.get("number", {}))
    for unit, phrases in table.get("unit", {}).items():
        kind = unit if unit in ("weekend", "hour", "h") else "unit"
        yield from ((phrase, Meaning(kind, "hour" if unit in ("h", "hours") else unit)) for phrase in _parts(phrases))
    yield from _calendar(table)
    for kind, phrases in table.get("ties", {}).items():
        yield from ((phrase, Meaning(kind)) for phrase in _parts(phrases))
    for name, phrases in table.get("clock", {}).items():
        yield from ((phrase, Meaning("noon", name)) for phrase in _parts(phrases))
    for name, phrases in table.get("part", {}).items():
        yield from ((phrase, Meaning("part", name)) for phrase in _parts(phrases))
    for kind in ("day", "edge", "holiday", "amount", "manana", "week_number"):
        yield from ((phrase, Meaning(kind, value)) for phrase, value in table.get(kind, {}).items())


def _numbers(number: Mapping[str, Any]) -> Iterator[tuple[str, Meaning]]:
    yield from ((word, Meaning("num", value)) for value, word in enumerate(_parts(number.get("words", "")), 1))
    yield from ((word, Meaning("num", value)) for word, value in number.get("more", {}).items())
    yield from ((phrase, Meaning("few")) for phrase in _parts(number.get("vague", "")))
    for value, words in enumerate(_parts(number.get("order", "")), 1):
        yield from ((word, Meaning("nth", value)) for word in words.split("/"))


def _calendar(table: Mapping[str, Any]) -> Iterator[tuple[str, Meaning]]:
    week = table.get("weekday", {})
    for kind, name in (("weekday", "names"), ("short", "short"), ("always", "always")):
        for value, words in enumerate(_lines(week.get(name, ""))):
            yield from ((word, Meaning(kind, value)) for word in words if word != "-")
    yield from ((word, Meaning("workdays")) for word in _parts(week.get("workdays", "")))
    for part, endings in week.get("compounds", {}).items():
        for value, words in enumerate(_lines(week["names"])):
            yield from ((word + end, Meaning("dayparts", (value, part))) for word in words for end in _parts(endings))
    for value, words in enumerate(_lines(table.get("month", {}).get("names", "")), 1):
        yield from ((word, Meaning("month", value)) for word in words)


def _spelt(meanings: Iterable[tuple[str, Meaning]]) -> Iterator[tuple[str, Meaning]]:
    """As written, and without the accents, which many leave out of all but the shortest words."""
    as_written = dict(meanings)
    for phrase, meaning in as_written.items():
        plain = folded(phrase)
        if plain not in as_written and len(plain) > 2:
            yield plain, meaning
    yield from as_written.items()


def _phrases(meanings: Mapping[str, Meaning]) -> dict[str, dict[str, list[tuple[list[str], Meaning]]]]:
    found: dict[str, dict[str, list[tuple[list[str], Meaning]]]] = {}
    for phrase, meaning in sorted(meanings.items(), key=lambda phrase: -len(phrase[0].split())):
        first, *rest = phrase.split()
        if rest:
            found.setdefault(first, {}).setdefault(rest[0], []).append((rest[1:], meaning))
    return found


def _triggers(meanings: Mapping[str, Meaning]) -> frozenset[str]:
    """What a text has that names a time, unless that is a number alone; but "this time" names none alone."""
    return _needed(phrase for phrase, meaning in meanings.items() if meaning.kind in _TELLING) - {"time"}


def _hours(meanings: Mapping[str, Meaning]) -> frozenset[str]:
    """Numbers that may be an hour."""
    numbers = {word: meaning.value for word, meaning in meanings.items() if meaning.kind == "num" and " " not in word}
    return frozenset(word for word, value in numbers.items() if 1 < value <= 24)


def _needed(phrases: Iterable[str]) -> frozenset[str]:
    """Words without which a text has none of the phrases: of each the longest, which the fewest texts have."""
    cut = [phrase.split() for phrase in phrases]
    alone = {words[0] for words in cut if len(words) == 1}
    longest = {max(reversed(words), key=len) for words in cut if alone.isdisjoint(words)}
    return frozenset(alone | longest)


def _cues(table: Mapping[str, str]) -> dict[str, frozenset[str]]:
    return {
        cue: frozenset(spelt for word in _parts(words) for spelt in (word, folded(word)))
        for cue, words in table.items()
    }


def _haste(table: Mapping[str, str]) -> dict[str, _Said]:
    begun: dict[str, list[tuple[list[str], str]]] = {}
    for phrase, level in _haste_phrases(table):
        first, *rest = phrase.split()
        begun.setdefault(first, []).append((rest, level))
    found: dict[str, _Said] = {}
    for first, phrases in begun.items():
        phrases.sort(key=lambda phrase: -len(phrase[0]))
        seconds = {"", *[rest[0] for rest, _ in phrases if rest]}
        found[first] = {second: [one for one in phrases if one[0][:1] in ([], [second])] for second in seconds}
    return found


def _haste_phrases(table: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each phrase with its level, as written and without accents."""
    for level, phrases in table.items():
        for phrase in {spelt for part in _parts(phrases) for spelt in (part, folded(part))}:
            yield phrase, level
