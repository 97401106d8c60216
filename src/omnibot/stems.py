"""Words as they are compared everywhere: folded, and reduced to light stems. Pure, and below all the steps."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache, lru_cache

__all__ = ["folded", "folded_words", "stemmer"]

# --- folding ---

_APOSTROPHES = "'’‘`´"
_ASCII = bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else ord(" ") for code in range(256))
_ASCII_APOSTROPHES = b"'`"
_REMEMBERED_SIGNS = 0x2100  # alphabets and punctuation; what is beyond could fill memory
_NOT_WORD = re.compile(r"[\W_]")


class _Folding(dict[int, str]):
    """By code point what it is folded to, as `str.translate` asks for it."""

    def __missing__(self, code: int) -> str:
        if chr(code) in _APOSTROPHES:
            sign = ""
        else:
            decomposed = unicodedata.normalize("NFKD", chr(code).casefold())
            sign = _NOT_WORD.sub(" ", "".join(part for part in decomposed if not unicodedata.combining(part)))
        if code < _REMEMBERED_SIGNS:
            self[code] = sign
        return sign


_FOLDING = _Folding()


@cache
def _latin() -> tuple[bytes, bytes]:
    """What each sign of Latin-1 is folded to, `_SEVERAL` where that is not one such sign; and the signs that vanish."""
    folds = [chr(code).translate(_FOLDING) for code in range(256)]
    signs = [fold if len(fold) == 1 and ord(fold) < 256 else "\0" if fold.strip() else " " for fold in folds]
    return "".join(signs).encode("latin-1"), bytes(code for code, fold in enumerate(folds) if not fold)


_SEVERAL = b"\0"


def folded(text: str) -> str:
    """Lower-case words without accents, apostrophes and punctuation, one space apart."""
    return " ".join(folded_words(text))


def folded_words(text: str) -> list[str]:
    """The words of `folded`."""
    # Bytes are translated in a fraction of the time that signs take, and few texts have others than those of Latin-1.
    if text.isascii():
        return text.encode().translate(_ASCII, _ASCII_APOSTROPHES).decode().split()
    try:
        latin = text.replace("’", "'").replace("ß", "ss").encode("latin-1")
    except UnicodeEncodeError:
        return text.translate(_FOLDING).split()
    signs = latin.translate(*_latin())
    return text.translate(_FOLDING).split() if _SEVERAL in signs else signs.decode("latin-1").split()


# --- stems ---

_REMEMBERED_WORDS = 4096  # some 0.5 MB
_DOUBLED = re.compile(r"([b-df-hj-np-tv-z])\1$")


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


def _spanish(word: str) -> str:
    """Cambiar, cambio, cambiando → cambi; facturas → factur; exportación → export."""
    for ending in _SPANISH_ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


_GERMAN_ENDINGS = ("ungen", "ung", "ern", "em", "en", "er", "es", "et", "st", "e", "n", "s", "t")


def _german(word: str) -> str:
    """Rechnung, Rechnungen → rechn; gekauft, kaufe → kauf; Kinder, Kindern → kind. Umlauts are folded already."""
    if word.startswith("ge") and word.endswith(("t", "en")) and len(word) >= 7:
        word = word[2:]
    for ending in _GERMAN_ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


_FRENCH_ENDINGS = (
    "issements", "issement", "ements", "ement", "ations", "ation", "ateurs", "ateur", "aient", "erent", "irent",
    "euses", "euse", "ions", "eurs", "eur", "eux", "ees", "ais", "ait", "ant", "ent", "ons", "ez", "ee", "er", "ir",
    "es", "is", "it", "ie", "e", "s", "x", "i", "a",
)  # fmt: skip


def _french(word: str) -> str:
    """Commander, commande, commandé → command; factures, facturer → factur; annulation, annuler → annul."""
    for ending in _FRENCH_ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


_STEMMERS: Mapping[str, Callable[[str], str]] = {
    "en": _english,
    "es": _spanish,
    "de": _german,
    "fr": _french,
}


@cache  # one a language: what a word's stem is serves all who ask for it
def stemmer(language: str) -> Callable[[str], str]:
    """What makes the stem of a word that means something, by the rules of a language; it knows the latest by heart."""
    return lru_cache(_REMEMBERED_WORDS)(_STEMMERS[language]) if language in _STEMMERS else str
