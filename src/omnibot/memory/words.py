"""Words as memory searches by them: those that tell nothing left out, forms of one word as one."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from omnibot.stems import folded, stemmer

__all__ = ["Words"]

_SHORTEST_PART = 3  # letters of a name that stand for it: "Mel" for Melanie


class Words:
    """Texts of one language as stems, without the names of those who speak."""

    def __init__(self, language: str, speakers: Mapping[str, frozenset[str]]) -> None:
        self._stem = stemmer(language)
        self._ignored, self._same = _of_language(language)
        self._speakers = speakers
        self._names = frozenset[str]().union(*speakers.values())
        self._known: dict[str, str] = {}  # by word its stem, empty where it tells nothing
        self.forms: dict[str, str] = {}  # by stem the first word of it, of those that were kept

    def keep(self, text: str) -> list[str]:
        """What a text is about, in order; its words are remembered."""
        stems = []
        for word in folded(text).split():
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
        for word in folded(question).split():
            if stem := self._known.get(word) or self._stem_of(word):
                found.setdefault(stem, word)
        return found

    def without_names(self, text: str) -> str:
        """A text, folded, without the names of those who speak."""
        return " ".join(word for word in folded(text).split() if not self._is_name(word))

    def _stem_of(self, word: str) -> str:
        told = word not in self._ignored and not self._is_name(word)
        return self._stem(self._same.get(word, word)) if told else ""

    def _is_name(self, word: str) -> bool:
        return any(_names(word, name) for name in self._names)

    def named(self, text: str) -> str | None:
        """The one speaker whom a text names best; None where it names nobody, or several alike."""
        words = set(folded(text).split())
        named = {
            speaker: sum(any(_names(word, name) for word in words) for name in names)
            for speaker, names in self._speakers.items()
        }
        most = max(named.values(), default=0)
        found = [speaker for speaker, count in named.items() if count == most > 0]
        return found[0] if len(found) == 1 else None


def _names(word: str, name: str) -> bool:
    """Melanie, Melanies (for the apostrophe is gone), Mel, Mels."""
    if word in (name, f"{name}s"):
        return True
    part = word.removesuffix("s")
    return len(part) >= _SHORTEST_PART and len(part) + 2 <= len(name) and name.startswith(part)


@cache
def _of_language(language: str) -> tuple[frozenset[str], Mapping[str, str]]:
    """The words of a language that tell nothing, and by form the word that it is one of."""
    data = tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8")).get(language, {})
    same = {}
    for line in data.get("one_word", "").split(","):
        word, *forms = line.split() or [""]
        same.update(dict.fromkeys(forms, word))
    return frozenset(data.get("tell_nothing", "").split()), same
