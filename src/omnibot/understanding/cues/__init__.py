"""Words and phrases that tell something, found in about the time that looking at each word takes.

They stand in a file a language (`en.toml`, …), a table a topic, phrases a cue. In a phrase `a/b` is either
word, `(a)` may be absent, `a+b` is two words for one, `a*` begins a word, `#` is a number, `_` any word and `...` up to
four of them; commas and line ends part phrases. Accents and apostrophes may be missing in what is written.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
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
_PARTED = re.compile(r"[,\n]")
_PIECE = re.compile(r"[^\W_]+")
# Nothing that was matched is given back (`+`): a phrase costs no more than its words.
_SIGN = r"[\s,'\"“”«»()_-]"
_BETWEEN = rf"{_SIGN}{{0,3}}+"
_GAP = rf"(?:{_SIGN}{{1,3}}+\w++){{0,4}}?"


class Cue(NamedTuple):
    """A cue that was found, and where."""

    name: str
    start: int
    end: int


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
        found = lexicon.find(utterance, self._topic) if lexicon else []
        if few and not found and len(utterance.spans) <= _FEW:
            others = (other.find(utterance, self._topic) for other in self._lexicons.values() if other is not lexicon)
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

    def beginnings(self) -> Iterator[tuple[str, frozenset[str] | None]]:
        """The words that it may begin with, each with those that may come next; None: any."""
        parts = list(_parts(self.phrase))
        for number, part in enumerate(parts):
            following = _following(parts[number + 1 :])
            for word in part.words:
                first, *rest = word.split("+")
                for spelling in {first, first.replace("'", "")}:
                    yield spelling, frozenset(rest[:1]) if rest else following
            if not part.optional:
                return
        raise ValueError(f"a phrase of {self.cue!r} has no word that must be there: {self.phrase!r}")


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


def _following(parts: Iterable[_Part]) -> frozenset[str] | None:
    words: set[str] = set()
    for part in parts:
        for word in part.words:
            first = word.split("+")[0]
            words |= {first, first.replace("'", "")}
        if not part.optional:
            break
    return None if any(word in _ANY or word.endswith("*") for word in words) else frozenset(words)


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


class _Begun(NamedTuple):
    """The forms that may begin in a word."""

    key: str  # the word without accents; "#" for one that begins with a number
    cues: Sequence[tuple[str, str, int, int]]  # topics and names that the word alone has: from where to where within it
    following: Mapping[str, Sequence[tuple[int, _Form]]]  # by the word that must come next, and from where within this
    open: Sequence[tuple[int, _Form]]  # whatever comes next


class _Lexicon:
    """All phrases in one language, by the words that they begin with."""

    def __init__(self, language: str) -> None:
        self._words: dict[str, list[tuple[_Form, frozenset[str] | None]]] = {}
        self._stems: dict[str, list[tuple[_Form, frozenset[str] | None]]] = {}
        same: dict[frozenset[str] | None, frozenset[str] | None] = {}  # phrases go on alike: a set for each took 2 MB
        for topic, cue, phrase in _phrases(language):
            form = _Form(topic, cue, phrase)
            for word, following in form.beginnings():
                forms = self._stems if word.endswith("*") else self._words
                forms.setdefault(word.rstrip("*"), []).append((form, same.setdefault(following, following)))
        self._lengths = sorted({len(stem) for stem in self._stems})
        self._known = ByHeart(self._look_up)
        self._last: tuple[Utterance, dict[str, list[Cue]]] | None = None

    def find(self, utterance: Utterance, topic: str) -> list[Cue]:
        """The cues of a topic. All topics are looked for at once: the last text's are remembered."""
        last = self._last
        if last is None or last[0] is not utterance:
            last = self._last = (utterance, self._scan(utterance))
        return last[1].get(topic, [])

    def _scan(self, utterance: Utterance) -> dict[str, list[Cue]]:
        found: dict[str, list[Cue]] = {}
        tries, most = _TRIES, _MOST
        text, spans = utterance.folded, utterance.spans
        words = list(map(self._known.__getitem__, utterance.words))
        words.append(_END)
        for place, (_, cues, following, forms) in enumerate(words):
            if cues:
                start = spans[place][0]
                for topic, cue, first, end in cues:
                    found.setdefault(topic, []).append(Cue(cue, start + first, start + end))
                most -= len(cues)
            if following and (expected := following.get(words[place + 1][0])):
                forms = (*forms, *expected)
            if forms:
                start = spans[place][0]
                tries -= len(forms)
                for first, form in forms:
                    if match := form.match(text, start + first):
                        found.setdefault(form.topic, []).append(Cue(form.cue, *match.span()))
                        most -= 1
            if tries < 0 or most < 0:
                break
        return {topic: _longest(cues) if len(cues) > 1 else cues for topic, cues in found.items()}

    def _look_up(self, word: str) -> _Begun:
        plain = folded(word)
        if plain.isdecimal() and plain.strip("0"):
            return self._known["0" * len(plain)]  # numbers are new time and again, and all begin the same
        cues: list[tuple[str, str, int, int]] = []
        following: dict[str, list[tuple[int, _Form]]] = {}
        anything: list[tuple[int, _Form]] = []
        for start, end, form, seconds in self._forms(plain):
            if form.is_word:
                cues.append((form.topic, form.cue, start, end))
            elif seconds is None or end < len(plain) or (plain[0].isdecimal() and not plain.isdecimal()):
                anything.append((start, form))
            else:
                for second in seconds:
                    following.setdefault(second, []).append((start, form))
        key = "#" if plain[:1].isdecimal() else plain
        return _Begun(key, cues, following, anything)

    def _forms(self, plain: str) -> Iterator[tuple[int, int, _Form, frozenset[str] | None]]:
        for form, seconds in self._words.get("#" if plain[:1].isdecimal() else plain, ()):
            yield 0, len(plain), form, seconds
        for piece in _PIECE.finditer(plain):
            (start, end), text = piece.span(), piece[0]
            if plain[end : end + 1] == "'":
                continue  # "can't" is no "can"
            if text != plain:
                for form, seconds in self._words.get(text, ()):
                    yield start, end, form, seconds
            for length in self._lengths:
                if length > len(text):
                    break
                for form, seconds in self._stems.get(text[:length], ()):
                    yield start, end, form, seconds


_END = _Begun("", (), {}, ())


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
