"""Words as they are compared: folded, without stop words, reduced to light stems."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

__all__ = ["LANGUAGES", "content", "folded", "phrase_data", "stems"]

LANGUAGES = ("en", "es")  # whose phrases are known

_APOSTROPHES = str.maketrans("", "", "'’‘`´")
_ASCII = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)} | dict.fromkeys(b"'`")
_NOT_WORD = re.compile(r"[\W_]+")


def folded(text: str) -> str:
    """Lower-case words without accents, apostrophes and punctuation, one space apart."""
    if text.isascii():  # the same in a third of the time: a clause is folded some nine times in a turn
        return " ".join(text.translate(_ASCII).split())
    text = text.translate(_APOSTROPHES).casefold()
    text = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return _NOT_WORD.sub(" ", text).strip()


def content(text: str, language: str) -> list[str]:
    """The folded words of a text that mean something, in order, with repetitions."""
    text = folded(text)
    search = _search(language)
    if search.one_word:
        text = search.one_word.sub(_as_one_word, text)
    return [word for word in text.split() if word not in search.ignored]


def _as_one_word(match: re.Match[str]) -> str:
    return match.lastgroup or ""


def stems(words: Iterable[str], language: str) -> list[str]:
    """The stems of content words, by the rules of a language."""
    return list(map(_STEMMERS.get(language, str), words))


@dataclass(frozen=True, slots=True)
class _Search:
    one_word: re.Pattern[str] | None = None  # each group is named by the word that stands for it
    ignored: frozenset[str] = frozenset()


@cache
def _search(language: str) -> _Search:
    if language not in LANGUAGES:
        return _Search()
    data = phrase_data(language)["search"]
    return _Search(
        one_word=re.compile("|".join(f"(?P<{word}>{forms})" for word, forms in data["one_word"].items())),
        ignored=frozenset(data["ignored"].split()),
    )


@cache
def phrase_data(language: str) -> Mapping[str, Any]:
    """What `<language>.toml` beside this module says about a language."""
    return tomllib.loads(files(__package__).joinpath(f"{language}.toml").read_text("utf-8"))


_WORDS_REMEMBERED = 4096  # of a language, with their stems: most that people write are among them
_DOUBLED = re.compile(r"([b-df-hj-np-tv-z])\1$")


@lru_cache(_WORDS_REMEMBERED)
def _english(word: str) -> str:
    """Changing, changes, changed → chang; cancellation → cancel; companies → company."""
    if len(word) <= 3:
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending, shortest in (("ation", 8), ("ment", 8), ("ing", 6), ("ed", 5), ("er", 6), ("e", 4), ("ly", 6)):
        if word.endswith(ending) and len(word) >= shortest:
            word = word[: -len(ending)]
            break
    return _DOUBLED.sub(r"\1", word)


_SPANISH_ENDINGS = (
    "aciones", "ciones", "amiento", "imiento", "acion", "cion", "mente", "andome", "ando", "iendo", "arme", "erme",
    "irme", "arlo", "arla", "ados", "adas", "idos", "idas", "ado", "ada", "ido", "ida", "amos", "emos", "imos", "aron",
    "ieron", "ar", "er", "ir", "os", "as", "es", "an", "en", "o", "a", "e", "s",
)  # fmt: skip


@lru_cache(_WORDS_REMEMBERED)
def _spanish(word: str) -> str:
    """Cambiar, cambio, cambiando → cambi; facturas → factur; exportación → export."""
    for ending in _SPANISH_ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


_STEMMERS: Mapping[str, Callable[[str], str]] = {"en": _english, "es": _spanish}
