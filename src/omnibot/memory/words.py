"""Words as memory searches by them: those that tell nothing left out, forms of one word as one."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

from omnibot.stems import folded, stemmer

__all__ = ["Words"]

_SHORTEST_NICKNAME, _LONGEST_NICKNAME = 3, 10  # letters
_WORD = re.compile(r"[^\W\d_]+")


class Words:
    """Texts of one language as stems, without the names of those who speak; texts are given folded (`stems.folded`).

    `texts` is all that was said, as it was written, by which it is known how the `speakers` call each other.
    """

    def __init__(self, language: str, speakers: Iterable[str], texts: Sequence[str]) -> None:
        self._stem = stemmer(language)
        self._ignored, self._same = _of_language(language)
        names = {speaker: frozenset(folded(speaker).split()) for speaker in speakers}
        nicknames = _nicknames(frozenset[str]().union(*names.values()), texts)
        self._speakers = {
            speaker: theirs | {nickname for nickname in nicknames if any(name.startswith(nickname) for name in theirs)}
            for speaker, theirs in names.items()
        }
        self._names = frozenset[str]().union(*self._speakers.values())
        self._known: dict[str, str] = {}  # by word its stem, empty where it tells nothing
        self.forms: dict[str, str] = {}  # by stem the first word of it, of those that were kept

    def keep(self, text: str) -> list[str]:
        """What a text is about, in order; its words are remembered."""
        stems = []
        for word in text.split():
            stem = self._known.get(word)
            if stem is None:
                stem = self._known[word] = self._stem_of(word)
                if stem:
                    self.forms.setdefault(stem, word)
            if stem:
                stems.append(stem)
        return stems

    def asked(self, question: str) -> dict[str, str]:
        """What a question is about: each stem with its first word."""
        found: dict[str, str] = {}
        for word in question.split():
            if stem := self._known.get(word) or self._stem_of(word):
                found.setdefault(stem, word)
        return found

    def without_names(self, text: str) -> str:
        """A text without the names of those who speak."""
        return " ".join(word for word in text.split() if not self._is_name(word)) if self._names else text

    def _stem_of(self, word: str) -> str:
        if word in self._ignored or (self._names and self._is_name(word)):
            return ""
        return self._stem(self._same.get(word, word))

    def _is_name(self, word: str) -> bool:
        return word in self._names or (word.endswith("s") and word[:-1] in self._names)  # the apostrophe is gone

    def named(self, text: str) -> str | None:
        """The one speaker whom a text names best; None where it names nobody, or several alike."""
        if not self._names:
            return None
        words = {word for word in text.split() if self._is_name(word)}
        named = {
            speaker: sum(word in theirs or word[:-1] in theirs for word in words)
            for speaker, theirs in self._speakers.items()
        }
        most = max(named.values(), default=0)
        found = [speaker for speaker, count in named.items() if count == most > 0]
        return found[0] if len(found) == 1 else None


def _nicknames(names: Iterable[str], texts: Sequence[str]) -> set[str]:
    """Beginnings of names that are written with a capital, and never without: Mel for Melanie, but no car for Carla."""
    all_said = " ".join(texts)
    begun = {
        name[:length]
        for name in names
        for length in range(_SHORTEST_NICKNAME, min(len(name) - 1, _LONGEST_NICKNAME + 1))
        if name[:length].capitalize() in all_said
    }
    if not begun:
        return begun
    words = Counter(_WORD.findall(all_said))
    return {nickname for nickname in begun if words[nickname.capitalize()] and not words[nickname]}


@cache
def _of_language(language: str) -> tuple[frozenset[str], Mapping[str, str]]:
    """The words of a language that tell nothing, and by form the word that it is one of."""
    data = tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8")).get(language, {})
    same = {}
    for line in data.get("one_word", "").split(","):
        word, *forms = line.split() or [""]
        same.update(dict.fromkeys(forms, word))
    return frozenset(data.get("tell_nothing", "").split()), same
