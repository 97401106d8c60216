"""Words and phrases that tell something, found in about the time that looking at each word takes.

They stand in a file a language (`en.toml`, …), a table a topic, phrases a cue. In a phrase `a/b` is either
word, `(a)` may be absent, `a+b` is two words for one, `a*` begins a word, `#` is a number, `_` any word and `...` up to
four of them; commas and line ends part phrases. Accents and apostrophes may be missing in what is written.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import NamedTuple

from omnibot.understanding.utterance import Utterance, folded

__all__ = ["LANGUAGES", "Cue", "Cues"]

LANGUAGES = ("en", "es", "de", "fr")

_MOST = 64  # cues of a text; a flood has more
_TRIES = 300  # of phrases that are longer than a word
_FEW = 6  # words: too few to be sure of their language, so the company's others are looked at as well
_KEPT = 8192  # words whose cues are known by heart
_ANY = frozenset({"_", "..."})
_PARTED = re.compile(r"[,\n]")
_PIECE = re.compile(r"[^\W_]+")
_BETWEEN = r"[\s,'\"“”«»()_-]{0,3}"
_GAP = rf"(?:{_BETWEEN}\w+){{0,4}}?"


class Cue(NamedTuple):
    """A cue that was found, and where."""

    name: str
    start: int
    end: int


class Cues:
    """The cues of one topic, in those of the company's languages that we have words for."""

    def __init__(self, topic: str, languages: Iterable[str]) -> None:
        spoken = [language for language in dict.fromkeys(languages) if language in LANGUAGES]
        self._lexicons = {language: _Lexicon(_phrases(language).get(topic, {})) for language in spoken}

    def knows(self, language: str) -> bool:
        """Whether there are words for a language."""
        return language in self._lexicons

    def find(self, utterance: Utterance) -> list[Cue]:
        """The cues of a text in its order; none that is part of a longer one."""
        lexicon = self._lexicons.get(utterance.language)
        found = lexicon.find(utterance) if lexicon else []
        if not found and len(utterance.spans) <= _FEW:
            others = (other.find(utterance) for other in self._lexicons.values() if other is not lexicon)
            found = next(filter(None, others), found)
        return found


class _Form:
    """One phrase of a cue."""

    def __init__(self, cue: str, parts: Sequence[_Part]) -> None:
        self.cue = cue
        self.parts = parts
        self.is_word = len(parts) == 1 and not any("+" in word for word in parts[0].words)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The whole phrase; compiled when a text first has its first words."""
        pattern, begun = "", False
        for part in self.parts:
            if begun:
                piece = part.pattern if part.is_gap else _BETWEEN + part.pattern
                pattern += f"(?:{piece})?" if part.optional else piece
            elif part.optional:
                pattern += f"(?:{part.pattern}{_BETWEEN})?"
            else:
                pattern += part.pattern
                begun = True
        return re.compile(pattern)

    def beginnings(self) -> Iterator[tuple[str, frozenset[str] | None]]:
        """The words that it may begin with, each with those that may come next; None: any."""
        for number, part in enumerate(self.parts):
            following = self._following(number)
            for word in part.words:
                first, *rest = word.split("+")
                for spelling in {first, first.replace("'", "")}:
                    yield spelling, frozenset(rest[:1]) if rest else following
            if not part.optional:
                return
        raise ValueError(f"a phrase of {self.cue!r} has no word that must be there")

    def _following(self, number: int) -> frozenset[str] | None:
        words: set[str] = set()
        for part in self.parts[number + 1 :]:
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
        return r"\w+"
    if "+" in word:
        return _BETWEEN.join(map(_word_pattern, word.split("+")))
    body = re.escape(word.rstrip("*")).replace("'", "'?")
    if word.endswith("*"):
        return rf"{body}\w*"
    return rf"{body}(?!\w)" if word[-1].isalnum() else body


class _Begun(NamedTuple):
    """The forms that may begin in a word."""

    plain: str  # the word without accents
    cues: tuple[tuple[str, int, int], ...]  # that the word alone is; from where to where within it
    next: Mapping[str, Sequence[tuple[int, _Form]]]  # by the word that must come next, and from where within this
    open: Sequence[tuple[int, _Form]]  # whatever comes next


class _Lexicon:
    """The phrases of one topic in one language, by the words that they begin with."""

    def __init__(self, cues: Mapping[str, Sequence[str]]) -> None:
        self._words: dict[str, list[tuple[_Form, frozenset[str] | None]]] = {}
        self._stems: dict[str, list[tuple[_Form, frozenset[str] | None]]] = {}
        for cue, phrases in cues.items():
            for phrase in phrases:
                form = _Form(cue, tuple(_parts(phrase)))
                for word, following in form.beginnings():
                    forms = self._stems if word.endswith("*") else self._words
                    forms.setdefault(word.rstrip("*"), []).append((form, following))
        self._lengths = sorted({len(stem) for stem in self._stems})
        self._looked_up = lru_cache(maxsize=_KEPT)(self._look_up)

    def _look_up(self, word: str) -> _Begun:
        plain = folded(word)
        cues: list[tuple[str, int, int]] = []
        following: dict[str, list[tuple[int, _Form]]] = {}
        anything: list[tuple[int, _Form]] = []
        for start, end, form, seconds in self._forms(plain):
            if form.is_word:
                cues.append((form.cue, start, end))
            elif seconds is None or end < len(plain) or (plain[0].isdecimal() and not plain.isdecimal()):
                anything.append((start, form))
            else:
                for second in seconds:
                    following.setdefault(second, []).append((start, form))
        return _Begun(plain, tuple(cues), following, anything)

    def _forms(self, plain: str) -> Iterator[tuple[int, int, _Form, frozenset[str] | None]]:
        for form, seconds in self._words.get("#" if plain[:1].isdecimal() else plain, ()):
            yield 0, len(plain), form, seconds
        for piece in _PIECE.finditer(plain):
            (start, end), text = piece.span(), piece[0]
            if text != plain:
                for form, seconds in self._words.get(text, ()):
                    yield start, end, form, seconds
            for length in self._lengths:
                if length > len(text):
                    break
                for form, seconds in self._stems.get(text[:length], ()):
                    yield start, end, form, seconds

    def find(self, utterance: Utterance) -> list[Cue]:
        found: list[Cue] = []
        tries = _TRIES
        words = list(map(self._looked_up, utterance.words))
        following = [*words[1:], _NOTHING] if words else []
        for (start, _), word, after in zip(utterance.spans, words, following, strict=True):
            for cue, first, end in word.cues:
                found.append(Cue(cue, start + first, start + end))
            if word.next or word.open:
                plain = after.plain
                forms = word.next.get("#" if plain[:1].isdecimal() else plain, ()) if word.next else ()
                for first, form in (*forms, *word.open):
                    tries -= 1
                    if match := form.pattern.match(utterance.folded, start + first):
                        found.append(Cue(form.cue, *match.span()))
            if tries < 0 or len(found) >= _MOST:
                break
        return _longest(found) if len(found) > 1 else found


_NOTHING = _Begun("", (), {}, ())


def _longest(found: list[Cue]) -> list[Cue]:
    """Those that are not part of a longer one; each cue once at a place."""
    found.sort(key=lambda cue: (cue.start, -cue.end))
    kept: list[Cue] = []
    end, start = -1, -1
    for cue in found:
        if cue.end > end:
            kept.append(cue)
            start, end = cue.start, cue.end
        elif (cue.start, cue.end) == (start, end) and cue not in kept[-4:]:
            kept.append(cue)  # the same words may be two cues
    return kept


def _parts(phrase: str) -> Iterator[_Part]:
    for part in folded(phrase.lower()).split():
        optional = part.startswith("(")
        yield _Part(tuple(part.strip("()").split("/")), optional)


@lru_cache(maxsize=len(LANGUAGES))  # read once for all topics
def _phrases(language: str) -> Mapping[str, Mapping[str, Sequence[str]]]:
    text = files(__package__).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    topics = tomllib.loads(text)
    return {
        topic: {cue: list(filter(None, map(str.strip, _PARTED.split(lines)))) for cue, lines in cues.items()}
        for topic, cues in topics.items()
    }
