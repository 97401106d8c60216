"""Words and phrases that tell something, found in about the time that looking at each word takes.

They stand in a file a language (`en.toml`, …), a table a topic, phrases a cue. In a phrase `a/b` is either
word, `(a)` may be absent, `a+b` is two words for one, `a*` begins a word, `#` is a number, `_` any word and `...` up to
four of them; commas and line ends part phrases. Accents and apostrophes may be missing in what is written.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.resources import files
from typing import NamedTuple

from omnibot.understanding.utterance import Utterance, folded
from omnibot.understanding.words import ByHeart

__all__ = ["LANGUAGES", "Cue", "Cues"]

LANGUAGES = ("en", "es", "de", "fr")

_MOST = 200  # cues of a text; a flood has more
_TRIES = 600  # of phrases that are longer than a word
_FEW = 3  # words: too few to be sure of their language
_ANY = frozenset({"_", "..."})
_NUMBER = "#"
_PARTED = re.compile(r"[,\n]")
_PIECE = re.compile(r"[^\W_]+")
# Nothing that was matched is given back (`+`): a phrase costs no more than its words.
_SIGN = r"[\s,'\"“”«»()_-]"
_SIGNS = frozenset(",'\"“”«»()-")  # that are words to an utterance
_BETWEEN = rf"{_SIGN}{{0,3}}+"
_GAP = rf"(?:{_SIGN}{{1,3}}+\w++){{0,4}}?"


class Cue(NamedTuple):
    """A cue that was found, and where."""

    name: str
    start: int
    end: int


_cue = partial(tuple.__new__, Cue)  # a Cue of three values in half the time: a text has a dozen


class Cues:
    """The cues of one topic, in those of the company's languages that we have words for."""

    def __init__(self, topic: str, languages: Iterable[str]) -> None:
        self._topic = topic
        self._lexicons = {language: _lexicon(language) for language in languages if language in LANGUAGES}

    def knows(self, language: str) -> bool:
        """Whether there are words for a language."""
        return language in self._lexicons

    def find(self, utterance: Utterance, *, few: bool = False) -> list[Cue]:
        """The cues of a text in its order; none that is part of a longer one.

        With `few`, some words in which its language has none are looked up in the company's other languages, too.
        """
        lexicon = self._lexicons.get(utterance.language)
        found = lexicon.find(utterance).get(self._topic, []) if lexicon else []
        if few and not found and len(utterance.spans) <= _FEW:
            others = (
                other.find(utterance).get(self._topic) for other in self._lexicons.values() if other is not lexicon
            )
            found = next(filter(None, others), found)
        return found


class _Form:
    """One phrase of a cue."""

    __slots__ = ("cue", "match", "phrase", "topic")

    def __init__(self, topic: str, cue: str, phrase: str) -> None:
        self.topic = topic
        self.cue = cue
        self.phrase = phrase
        self.match: Callable[[str, int], re.Match[str] | None] = self._first_match

    def _first_match(self, text: str, start: int) -> re.Match[str] | None:
        """Match from a place on; the pattern is made when a text first has the phrase's first words."""
        self.match = self.compiled().match
        return self.match(text, start)

    def compiled(self) -> re.Pattern[str]:
        """The pattern of the whole phrase."""
        return re.compile(_pattern(_parts(self.phrase)))

    @property
    def is_word(self) -> bool:
        """Whether it is one word, whichever."""
        return " " not in self.phrase and "+" not in self.phrase

    def firsts(self) -> set[str]:
        """The words that it may begin with."""
        firsts = {first for first, _ in _ahead(self._parts)}
        if "" in firsts:
            raise ValueError(f"a phrase of {self.cue!r} has no word that must be there: {self.phrase!r}")
        return {spelling for first in firsts for spelling in _spellings(first)}

    def is_told_by(self, spelling: str) -> bool:
        """Whether a first word is enough of it: all that comes behind may be absent."""
        return any(
            spelling in _spellings(first) and not any(map(_must_be, rest)) for first, rest in _ahead(self._parts)
        )

    def ways(self, spelling: str) -> Mapping[str, _Way] | None:
        """How it goes on behind a first word, by the words that may come next; None: whichever they are."""
        is_settled = not (spelling.endswith("*") or any(part.optional for part in self._parts))
        ways: dict[str, _Way] = {}
        for first, rest in _ahead(self._parts):
            if spelling not in _spellings(first):
                continue
            for second, behind in _ahead(rest):
                if _is_open(second):
                    return None
                ends = is_settled and not behind
                for word in _spellings(second) - {""}:
                    several = word in ways
                    # A number may have the next word within it ("3pm").
                    is_sure = not several and second != _NUMBER
                    ways[word] = _Way(ends and is_sure, _heads(behind) if is_sure else None)
        return ways

    @property
    def _parts(self) -> tuple[_Part, ...]:
        return tuple(_parts(self.phrase))


class _Way(NamedTuple):
    """How a phrase goes on behind its first two words."""

    ends: bool  # it does not: these are all
    thirds: frozenset[str] | None  # by their heads the words of which one must come then; None: any, or none


def _pattern(parts: Iterable[_Part]) -> str:
    pattern, begun = "", False
    for part in parts:
        if begun:
            piece = part.pattern if part.is_gap else _BETWEEN + part.pattern
            pattern += f"(?:{piece})?" if part.optional else piece
        elif part.optional:
            pattern += f"(?:{part.pattern}{_BETWEEN})?"
        else:
            pattern += part.pattern
            begun = True
    return pattern


def _ahead(parts: tuple[_Part, ...]) -> Iterator[tuple[str, tuple[_Part, ...]]]:
    """The words that may come first, each with what comes behind it; '' where all of it may be absent."""
    for number, part in enumerate(parts):
        rest = parts[number + 1 :]
        for word in part.words:
            first, _, more = word.partition("+")
            yield first, (_Part((more,), optional=False), *rest) if more else rest
        if not part.optional:
            return
    yield "", ()


def _must_be(part: _Part) -> bool:
    return not part.optional


def _spellings(word: str) -> set[str]:
    return {word, word.replace("'", "")}


def _is_open(word: str) -> bool:
    """Whether it stands for words that are not told."""
    return word in _ANY or word.endswith("*")


def _heads(parts: tuple[_Part, ...]) -> frozenset[str] | None:
    """The heads of the words that may come first, and the signs that may stand before them; None: any word, or none."""
    words = {word for word, _ in _ahead(parts)}
    if "" in words or any(map(_is_open, words)):
        return None
    return frozenset(_head(spelling) for word in words for spelling in _spellings(word)) | _SIGNS


def _head(plain: str) -> str:
    """A word without accents up to the first sign in it; a sign itself; "#" of what begins with a number."""
    if plain[:1].isdecimal():
        return _NUMBER
    piece = _PIECE.match(plain)
    return piece[0] if piece else plain[:1]


class _Part(NamedTuple):
    """A place of a phrase: the words that may stand there."""

    words: tuple[str, ...]
    optional: bool

    @property
    def is_gap(self) -> bool:
        return self.words == ("...",)

    @property
    def pattern(self) -> str:
        if self.is_gap:
            return _GAP
        return f"(?:{'|'.join(map(_word_pattern, self.words))})"


def _word_pattern(word: str) -> str:
    if word == "#":
        return r"\d[\d.,:]*"
    if word == "_":
        return r"\w++"
    if "+" in word:
        return _BETWEEN.join(map(_word_pattern, word.split("+")))
    body = re.escape(word.rstrip("*")).replace("'", "'?")
    if word.endswith("*"):
        return rf"{body}\w*+"
    return rf"{body}(?!\w)" if word[-1].isalnum() else body


class _Next(NamedTuple):
    """What may have begun with a word, when a certain one comes next."""

    pairs: list[tuple[str, str, int, _Form]]  # topics and names that the two have; from where within the first
    ways: list[tuple[frozenset[str] | None, tuple[int, _Form]]]  # the others, by the heads of what comes then


@dataclass(slots=True, eq=False)
class _Begun:
    """What may begin in a word."""

    key: str  # the word without accents; "#" for one that begins with a number
    head: str
    tells: bool  # whether anything may
    cues: Sequence[tuple[str, str, int, int]]  # topics and names that the word alone has: from where to where within it
    following: Mapping[str, _Next]  # by the word that must come next
    open: Sequence[tuple[int, _Form]]  # whatever comes next


class _Lexicon:
    """All phrases in one language, by the words that they begin with."""

    def __init__(self, language: str) -> None:
        self._words: dict[str, list[_Form]] = {}
        self._stems: dict[str, list[_Form]] = {}
        for topic, cue, phrase in _phrases(language):
            form = _Form(topic, cue, phrase)
            for word in form.firsts():
                forms = self._stems if word.endswith("*") else self._words
                forms.setdefault(word.rstrip("*"), []).append(form)
        self._lengths = sorted({len(stem) for stem in self._stems})
        self._known = ByHeart(self._look_up)
        self._last: tuple[Utterance, dict[str, list[Cue]]] | None = None

    def find(self, utterance: Utterance) -> dict[str, list[Cue]]:
        """The cues by topic. All topics are looked for at once: the last text's are remembered."""
        last = self._last
        if last is None or last[0] is not utterance:
            last = self._last = (utterance, self._scan(utterance))
        return last[1]

    def _scan(self, utterance: Utterance) -> dict[str, list[Cue]]:
        found: dict[str, list[Cue]] = {}
        tries, most = _TRIES, _MOST
        text, spans = utterance.folded, utterance.spans
        words = list(map(self._known.__getitem__, utterance.words))
        words += (_END, _END)
        for place, begun in enumerate(words):
            if not begun.tells:
                continue
            start, end = spans[place]
            for topic, cue, first, last in begun.cues:
                found.setdefault(topic, []).append(_cue((cue, start + first, start + last)))
                most -= 1
            forms = begun.open
            if after := begun.following.get(words[place + 1].key):
                # Most phrases are told by two words, and most others are not it by the third. An expression is dear:
                # since the last text it has left the processor's cache.
                behind, last = spans[place + 1]
                if text[end:behind] == " ":
                    for topic, cue, first, _ in after.pairs:
                        found.setdefault(topic, []).append(_cue((cue, start + first, last)))
                        most -= 1
                elif after.pairs:
                    forms = [*forms, *[(first, form) for _, _, first, form in after.pairs]]
                if after.ways:
                    third = words[place + 2].head
                    forms = [*forms, *[way for thirds, way in after.ways if thirds is None or third in thirds]]
            for first, form in forms:
                tries -= 1
                if match := form.match(text, start + first):
                    found.setdefault(form.topic, []).append(_cue((form.cue, *match.span())))
                    most -= 1
            if tries < 0 or most < 0:
                break
        return {topic: _longest(cues) if len(cues) > 1 else cues for topic, cues in found.items()}

    def _look_up(self, word: str) -> _Begun:
        plain = folded(word)
        if plain.isdecimal() and plain.strip("0"):
            return self._known["0" * len(plain)]  # numbers are new time and again, and all begin the same
        cues: list[tuple[str, str, int, int]] = []
        following: dict[str, _Next] = {}
        anything: list[tuple[int, _Form]] = []
        for start, end, form, spelling in self._forms(plain):
            if form.is_word:
                cues.append((form.topic, form.cue, start, end))
                continue
            is_whole = end == len(plain) and (plain.isdecimal() or not plain[0].isdecimal())
            ways = form.ways(spelling) if is_whole else None
            if ways is not None and form.is_told_by(spelling):
                cues.append((form.topic, form.cue, start, end))
            if ways is None:
                anything.append((start, form))
            else:
                for second, way in ways.items():
                    after = following.setdefault(second, _Next([], []))
                    if way.ends:
                        after.pairs.append((form.topic, form.cue, start, form))
                    else:
                        after.ways.append((way.thirds, (start, form)))
        key = _NUMBER if plain[:1].isdecimal() else plain
        return _Begun(key, _head(plain), bool(cues or following or anything), cues, following, anything)

    def _forms(self, plain: str) -> Iterator[tuple[int, int, _Form, str]]:
        """The phrases that may begin in a word: from where to where within it, and by which spelling."""
        whole = _NUMBER if plain[:1].isdecimal() else plain
        for form in self._words.get(whole, ()):
            yield 0, len(plain), form, whole
        for piece in _PIECE.finditer(plain):
            (start, end), text = piece.span(), piece[0]
            if plain[end : end + 1] == "'":
                continue  # "can't" is no "can"
            if text != plain:
                for form in self._words.get(text, ()):
                    yield start, end, form, text
            for length in self._lengths:
                if length > len(text):
                    break
                for form in self._stems.get(text[:length], ()):
                    yield start, end, form, f"{text[:length]}*"


_END = _Begun("", "", False, (), {}, ())


@lru_cache(maxsize=len(LANGUAGES))  # read once for all topics, and nobody changes it
def _lexicon(language: str) -> _Lexicon:
    return _Lexicon(language)


def _longest(found: list[Cue]) -> list[Cue]:
    """Those that are not part of a longer one, in the order of the text; each cue once at a place."""
    end = 0
    for cue in found:
        if cue.start < end:
            break
        end = cue.end
    else:
        return found
    found.sort(key=_place)
    kept: list[Cue] = []
    start, end = -1, -1
    for cue in found:
        if cue.end > end:
            kept.append(cue)
            start, end = cue.start, cue.end
        elif (cue.start, cue.end) == (start, end) and cue not in kept[-4:]:
            kept.append(cue)  # the same words may be two cues
    return kept


def _place(cue: Cue) -> tuple[int, int]:
    return cue.start, -cue.end


def _parts(phrase: str) -> Iterator[_Part]:
    for part in folded(phrase.lower()).split():
        optional = part.startswith("(")
        yield _Part(tuple(part.strip("()").split("/")), optional)


def _phrases(language: str) -> Iterator[tuple[str, str, str]]:
    """Topic, cue and phrase, in the order of the file."""
    text = files(__package__).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    for topic, cues in tomllib.loads(text).items():
        for cue, phrases in cues.items():
            for phrase in filter(None, map(str.strip, _PARTED.split(phrases))):
                yield topic, cue, phrase
