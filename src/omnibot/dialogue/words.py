"""Words as they are compared: folded, without those that mean nothing, different forms of one word as one."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import filterfalse
from typing import Any

from omnibot.dialogue.hints import beginnings
from omnibot.model.values import frozen
from omnibot.stems import folded_words

__all__ = ["LANGUAGES", "Passage", "as_words", "is_mashed", "phrase_data"]

LANGUAGES = ("en", "es", "de", "fr")  # whose phrases are known


class Passage:
    """A message, a sentence or a clause, with its words as they are compared: made once for all who look at them."""

    __slots__ = ("_content", "_words", "clauses", "each", "hints", "text")

    def __init__(self, text: str, each: Sequence[str] | None = None, hints: int | None = None) -> None:
        self.text = text
        self.each = folded_words(text) if each is None else each  # its words, folded; all who look at it ask for them
        self._words: str | None = None
        self._content: tuple[str, Sequence[str]] | None = None  # by language
        self.hints = hints  # which kinds of phrases it may be, once somebody has looked
        self.clauses: Sequence[Passage] | None = None  # that it has, once somebody has looked

    @property
    def words(self) -> str:
        """Folded, see `folded`."""
        if self._words is None:
            self._words = " ".join(self.each)
        return self._words

    def content(self, language: str) -> Sequence[str]:
        """The words that mean something, in order, with repetitions."""
        if self._content is None or self._content[0] != language:
            words, search = self.each, _search(language)
            if search.one_word and not search.begins.isdisjoint(words):
                words = search.one_word.sub(_as_one_word, f" {' '.join(words)} ").split()
            self._content = (language, list(filterfalse(search.ignored.__contains__, words)))
        return self._content[1]


# --- what means nothing ---

_ROWS = ("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm")
_KEYS = " ".join(line for row in _ROWS for line in (row, row[::-1]))
_RUN = 3  # letters beside each other on a keyboard that are no accident
_UNSPOKEN = re.compile(r"[b-df-hj-np-tv-xz]{6,}")  # no vowel among them; "https" has five


def is_mashed(passage: Passage) -> bool:
    """Whether somebody has only hit the keys: "asdfgh", "lkjsdf"."""
    words = passage.each
    if not words or not (_UNSPOKEN.fullmatch(words[0]) or _is_along_a_row(words[0])):  # as nearly always
        return False
    return all(_UNSPOKEN.fullmatch(word) or _is_along_a_row(word) for word in words)


def _is_along_a_row(word: str) -> bool:
    return len(word) >= _RUN and word[:_RUN] in _KEYS and word[-_RUN:] in _KEYS and word != "wer"


# --- what means something ---


def as_words(forms: Iterable[str]) -> str:
    """An expression for any of some forms as whole words of `f" {words} "`, up to the space behind them.

    It is tried once a word, for which `\\b` would be at every letter.
    """
    return f" (?:{'|'.join(forms)})(?= )"


def _as_one_word(match: re.Match[str]) -> str:
    return f" {match.lastgroup}"


@frozen
class _Search:
    one_word: re.Pattern[str] | None = None  # each group is named by the word that stands for it
    begins: frozenset[str] = frozenset()  # the words with which that may begin
    ignored: frozenset[str] = frozenset()


@cache
def _search(language: str) -> _Search:
    if language not in LANGUAGES:
        return _Search()
    data = phrase_data(language)["search"]
    return _Search(
        one_word=re.compile(as_words(f"(?P<{word}>{forms})" for word, forms in data["one_word"].items())),
        begins=beginnings(data["one_word"].values()),
        ignored=frozenset(data["ignored"].split()),
    )


@cache
def phrase_data(language: str) -> Mapping[str, Any]:
    """What `<language>.toml` beside this module says about a language."""
    return tomllib.loads(files(__package__).joinpath(f"{language}.toml").read_text("utf-8"))
